"""The denial of a role's older sessions: what IAM is told, and from which instant on a session is newer. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from portcullis.access.actual import Json

OLDER_SESSIONS = "portcullis-older-sessions"  # the inline policy of a role that is ours; each replaces the one before
NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # no session is older
_OPERATOR, _KEY = "DateLessThan", "aws:TokenIssueTime"


def deny_older_sessions(before: datetime) -> Json:
    """The policy document that denies everything to a role's sessions from before an instant, as AWS's own "revoke sessions" does."""
    denied: Json = {
        "Sid": "OlderSessions",
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {_OPERATOR: {_KEY: before.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}},
    }
    return {"Version": "2012-10-17", "Statement": [denied]}


def denied_before(document: Json) -> datetime | None:
    """The instant of such a document; None if it is another one."""
    try:
        at = datetime.fromisoformat(document["Statement"][0]["Condition"][_OPERATOR][_KEY].replace("Z", "+00:00"))
        return at if document == deny_older_sessions(at) else None
    except (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError):
        return None


def from_now_on(now: datetime) -> datetime:
    """The first instant at which a session counts as newer than `now`.

    A session's time is in whole seconds, cut off: one that was issued in this second before `now` looks as old as one issued after it.
    So this second is denied whole; whoever signs in again within it is refused once more.
    """
    return now.replace(microsecond=0) + timedelta(seconds=1)
