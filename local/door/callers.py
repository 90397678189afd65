"""Who holds an access key or assumed a role: read from MiniStack's stores, which only its own process can.

Names as Amazon's fine-grained access control has them: an IAM user is its ARN, a role session is its role's ARN with the path (a
session's own ARN has none), both also as the one backend role. A call with an identity pool's credentials is therefore just the role.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from ministack.core import iam_evaluator, responses
from ministack.services import iam

from local.door.answers import INVALID_TOKEN, unknown


@dataclass(frozen=True, slots=True)
class Caller:
    """`name` and `backend_roles` are handed to the node; `principal` is whom policies are evaluated for; `role` its role's ARN, if any."""

    name: str
    backend_roles: tuple[str, ...]
    principal: iam_evaluator.PrincipalInfo
    role: str = ""

    @property
    def arn(self) -> str:
        """What aws:PrincipalArn is: of a session, its role."""
        return self.role or self.principal.arn


# Whoever signs nothing: with user name and password, or with neither. Whether it is somebody, the node's internal user database says.
ANONYMOUS = Caller("", (), iam_evaluator.PrincipalInfo("anonymous", "Anonymous", "", []))


def find(access_key: str, session_token: str, account: str, region: str) -> tuple[str, Caller]:
    """The secret and its holder. Raises Refused (403): unknown, inactive, expired, wrong or missing session token."""
    if iam_evaluator.is_root_access_key(access_key):  # MiniStack takes `test` and any 12 digits for the root user
        raise unknown(INVALID_TOKEN)
    try:
        owner = (
            responses._account_from_sts_session(access_key)
            or iam_evaluator.find_iam_access_key_account(access_key)
            or account
        )
    except iam_evaluator.AmbiguousAccessKeyError:
        raise unknown(INVALID_TOKEN) from None
    credential = iam_evaluator.resolve_credential(access_key, owner, session_token)
    if isinstance(credential, iam_evaluator.CredentialResolutionError):
        raise unknown(credential.message)
    with responses.request_scope(credential.account_id, region):
        principal = iam_evaluator.resolve_principal(access_key, credential.account_id, credential)
    if isinstance(principal, iam_evaluator.AuthError):
        raise unknown(principal.message)
    if principal.type != "AssumedRole":
        return credential.secret_access_key, Caller(principal.arn, (principal.arn,), principal)
    role = role_arn(principal.arn)
    if not role:  # deleted since
        raise unknown(INVALID_TOKEN)
    return credential.secret_access_key, Caller(role, (role,), principal, role)


def role_arn(session: str) -> str:
    """The ARN of the role behind a session's ARN; empty if there is none."""
    account, name = session.split(":")[4], session.split("/")[1]
    role = iam._roles.get_scoped(account, None, name)
    return str(role["Arn"]) if role else ""


def signed_in(
    name: str, role: str, region: str, since: float, session: str = "CognitoIdentityCredentials"
) -> Caller | None:
    """Someone signed in by Cognito with a role: known by `name`, judged as the identity pool's session. None if the role is gone.

    `since` (epoch seconds) is when that session counts as issued: with its token, which is the earliest it can have been. `session` is
    its name, where somebody else took the role.
    """
    account, role_name = role.split(":")[4], role.rsplit("/", 1)[-1]
    stored = iam._roles.get_scoped(account, None, role_name)
    if not stored or stored["Arn"] != role:
        return None
    with responses.request_scope(account, region):
        principal = iam_evaluator.PrincipalInfo(
            arn=f"arn:aws:sts::{account}:assumed-role/{role_name}/{session}",
            type="AssumedRole",
            account=account,
            policies=iam_evaluator._gather_role_policies(role_name, account),
            keys={"aws:tokenissuetime": datetime.fromtimestamp(int(since), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")},
            limits=iam_evaluator._permissions_boundary(iam._roles, role_name, account),
        )
    return Caller(name, (role,), principal, role)


def lets_identity_pool_assume(role: str, identity_pool: str, provider: str) -> bool:
    """Whether the role's trust policy admits authenticated users of this identity pool."""
    stored = iam._roles.get_scoped(role.split(":")[4], None, role.rsplit("/", 1)[-1])
    if not stored or stored["Arn"] != role:
        return False
    context = iam_evaluator.EvalContext(
        principal_arn="cognito-identity.amazonaws.com",
        principal_type="WebIdentity",
        principal_account="",
        action="sts:AssumeRoleWithWebIdentity",
        resource_arn=role,
        region="",
        service_context={
            "cognito-identity.amazonaws.com:aud": identity_pool,
            "cognito-identity.amazonaws.com:amr": ["authenticated", provider],
        },
    )
    return bool(
        iam_evaluator.evaluate_trust_policy(
            stored["AssumeRolePolicyDocument"], "cognito-identity.amazonaws.com", context
        )
    )
