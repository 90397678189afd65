"""The sessions of a role that are older than an instant, refused by IAM."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from portcullis.access.sessions import OLDER_SESSIONS, denied_before, deny_older_sessions
from portcullis.clients import error_code, our_errors

_GONE = "NoSuchEntity"


def deny(iam: Any, role_arn: str, before: datetime) -> bool:
    """Refuse the role's sessions from before an instant; whether that changed anything.

    `iam` is a boto3 client. The instant only ever moves on: where a later one stands already, that one stays. A role that is gone has
    no session left. Raises Refused where IAM does not allow it (only roles within their deployment's boundary may be written to),
    Unreachable where it does not answer.
    """
    role = role_arn.rsplit("/", 1)[-1]
    whose = f"the older sessions of {role_arn}"
    with our_errors(f"{whose} could not be denied", refused=f"not allowed to deny {whose}"):
        try:
            stands = _stands(iam, role)
            if stands is not None and stands >= before:
                return False
            document = json.dumps(deny_older_sessions(before))
            iam.put_role_policy(RoleName=role, PolicyName=OLDER_SESSIONS, PolicyDocument=document)
        except Exception as error:
            code = error_code(error)
            if code == _GONE or (code and _is_gone(iam, role)):
                return False
            raise
    return True


def _stands(iam: Any, role: str) -> datetime | None:
    """From when on sessions are let in as it is; None if nothing is denied, or the policy of that name is none of ours."""
    try:
        return denied_before(iam.get_role_policy(RoleName=role, PolicyName=OLDER_SESSIONS)["PolicyDocument"])
    except Exception as error:
        if error_code(error) == _GONE:
            return None
        raise


def _is_gone(iam: Any, role: str) -> bool:
    """What is within no boundary may not be written to, and a role that is not there is within none: IAM says that and no more."""
    try:
        iam.get_role(RoleName=role)
    except Exception as error:
        return error_code(error) == _GONE
    return False
