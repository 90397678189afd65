"""The words of a signal: what an AWS event means to us, or why it means nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from portcullis import words


class Concern(StrEnum):
    """Which reaction a signal asks for."""

    IDENTITY = "identity"  # synchronise the role mappings
    KEY = "key"  # look at the key, and lock or unlock
    BREAK_GLASS = "break-glass"  # tell it: somebody became the one who is let in while a deployment is locked
    EYES = "eyes"  # look whether we still see: the trail, our rules, functions, queues, topic, alarms
    ROADS = "roads"  # look whether somebody else can become a principal that is mapped
    DOMAIN = "domain"  # the domain itself: looked at by the key guard (errors, isolation, deletion, configuration)


# Under this name the ledger, the alerts and the queues have what belongs to the account and to no deployment; none may be called so.
ACCOUNT = "account"
ANY = "*"  # a user pool or identity pool that is not known: every one counts


@dataclass(frozen=True, slots=True)
class Scope:
    """What one deployment listens to. Empty means: none of that kind."""

    deployment: str
    account: str = ""
    region: str = ""
    domain: str = ""  # domain name
    key_arns: frozenset[str] = frozenset()  # the key, its replicas
    key_aliases: frozenset[str] = frozenset()  # alias/name
    key_store: str = ""  # custom key store id
    user_pool: str = ""
    identity_pool: str = ""
    identity_store: str = ""
    cognito_groups: frozenset[str] = frozenset()
    iam_groups: frozenset[str] = frozenset()
    iam_users: frozenset[str] = frozenset()  # names of users granted directly
    iam_roles: frozenset[str] = frozenset()  # names of roles granted directly
    identity_center_groups: frozenset[str] = frozenset()
    security_groups: frozenset[str] = frozenset()  # ids of the domain's security groups
    break_glass: str = ""  # ARN of the break-glass role
    own_roles: frozenset[str] = frozenset()  # names of the roles that the stacks made: master, canary, of groups ...
    master_secret: str = ""  # ARN
    secrets: frozenset[str] = frozenset()  # names or ARNs of the secrets that hold passwords of internal users
    eyes: str = (
        ""  # what our own rules, functions, queues, topic and alarms are called begins with this; of the account alone
    )


@dataclass(frozen=True, slots=True)
class Signal:
    """One event, read. `name` is one of docs/signals.md, e.g. "member-added"; None: it means nothing to us."""

    name: str | None
    because: str  # why it is this signal, or why it is none
    concern: Concern | None = None
    subject: str | None = (
        None  # what it is about, e.g. "iam-group:ops", "cognito-group:eu-west-1_x/support", "key:<ARN>"
    )
    deployment: str | None = None
    event_id: str = ""
    actor: str = ""  # ARN or service of who did it
    at: str = ""  # ISO 8601, the event's own time
    detail: dict[str, Any] = field(default_factory=dict)  # small facts a reaction may use as a hint

    def __post_init__(self) -> None:
        """An event may hold anything anywhere: what is kept of it are lines that end."""
        words.put(self, because=words.DETAIL, subject=words.DETAIL, event_id=200, actor=words.ACTOR, at=words.TIME)
        tidy = {name: words.line(value) if isinstance(value, str) else value for name, value in self.detail.items()}
        object.__setattr__(self, "detail", tidy)
