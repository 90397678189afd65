"""The form of the table: a row says what operations mean to a deployment, a notice what a service tells EventBridge itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from portcullis.signals.types import Concern


class About(StrEnum):
    """The kind of thing an event is about, valued as the prefix of a signal's subject. `subjects` knows where its name stands."""

    IAM_GROUP = "iam-group"
    IAM_USER = "iam-user"
    IAM_ROLE = "iam-role"
    COGNITO_GROUP = "cognito-group"
    COGNITO_USER = "cognito-user"
    USER_POOL = "user-pool"
    IDENTITY_POOL = "identity-pool"
    IDENTITY_CENTER_GROUP = "identity-center-group"
    IDENTITY_CENTER_USER = "identity-center-user"
    IDENTITY_CENTER = "identity-center"
    KEY = "key"
    KEY_ALIAS = "alias"
    KEY_STORE = "key-store"
    DOMAIN = "domain"
    SECURITY_GROUP = "security-group"
    BREAK_GLASS = "break-glass"
    SIGN_IN_PROVIDER = "sign-in-provider"
    ASSIGNMENT = "assignment"
    SECRET = "secret"  # noqa: S105 - a kind of thing
    TRAIL = "trail"
    RULE = "rule"
    FUNCTION = "function"
    QUEUE = "queue"
    TOPIC = "topic"
    ALARM = "alarm"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Row:
    """Operations of one service that mean the same. `signal` None: they mean nothing, and `because` says why."""

    service: str  # first label of eventSource
    operations: tuple[str, ...]  # eventName
    signal: str | None
    because: str
    concern: Concern | None = None
    about: About | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """What a service tells EventBridge itself. Matched from the top; "" matches anything, `status` and `event` ignore case."""

    service: str
    detail_type: str
    event: str  # contained in detail.event
    status: str  # equals detail.status
    signal: str | None
    because: str
    concern: Concern | None = None
    about: About | None = None


def signals(concern: Concern, service: str, about: About, *rows: tuple[str, str, str]) -> tuple[Row, ...]:
    """Rows of (operations, signal, because) that share the rest."""
    return tuple(Row(service, tuple(names.split()), signal, because, concern, about) for names, signal, because in rows)


def nothing(service: str, *rows: tuple[str, str]) -> tuple[Row, ...]:
    """Rows of (operations, because) that mean nothing to us."""
    return tuple(Row(service, tuple(names.split()), None, because) for names, because in rows)
