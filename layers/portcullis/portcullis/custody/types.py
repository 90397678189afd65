"""The words of custody: how healthy a key is, which state a deployment is in, and what a transition asks to be done."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Health(StrEnum):
    """What the probes say of a key."""

    HEALTHY = "healthy"
    UNREACHABLE = "unreachable"  # time-out, throttling, 5xx, DNS, our own expired token: alerts, never locks
    REVOKED = "revoked"  # disabled, pending deletion, deleted, denied, material or grant gone, domain says inaccessible


class Cause(StrEnum):
    """Why a key counts as revoked."""

    DISABLED = "disabled"
    PENDING_DELETION = "pending deletion"
    DELETED = "deleted"
    MATERIAL_GONE = "material gone"
    ACCESS_DENIED = "access denied"
    GRANT_GONE = "grant gone"
    REPLICA_GONE = "replica gone"
    KEY_STORE_UNAVAILABLE = "key store unavailable"
    DOMAIN_INACCESSIBLE = "domain reports the key inaccessible"


@dataclass(frozen=True, slots=True)
class Probe:
    """What one probe saw. `name` tells the probes apart: two probes that agree must have different names."""

    name: str  # "describe", "use", "grants", "domain"
    health: Health
    cause: Cause | None = None
    detail: str = ""  # what the service said, without secrets


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything one look at a key found. Pure input of the state machine."""

    at: datetime  # aware, UTC
    probes: tuple[Probe, ...]
    key_id: str = ""  # the key behind the alias now; a change is a manual rotation
    rotated_at: datetime | None = None
    hints: tuple[str, ...] = ()  # e.g. event ids that asked for this look


class State(StrEnum):
    OPEN = "open"
    LOCKING = "locking"
    LOCKED = "locked"
    UNLOCKING = "unlocking"
    DELETING = "deleting"
    DELETED = "deleted"


class Measure(StrEnum):
    """The measures of a lock, in the order they are taken; undone in the reverse order."""

    SAVE = "save"  # the role mappings as they are, into the ledger (before anything is changed)
    SHUT_MAPPINGS = "shut mappings"  # down to break-glass and the automation
    BLOCK_INDICES = "block indices"  # read and write blocks on every user index
    CLOSE_INGRESS = "close ingress"  # the security group, but for the automation and break-glass
    DENY_POLICY = "deny policy"  # the domain access policy; best effort
    END_SESSIONS = "end sessions"  # people's sessions, if so configured; not undone
    PROVE = "prove"  # a canary subject is refused


class Progress(StrEnum):
    INTENDED = "intended"  # written down, not yet known to be done
    DONE = "done"
    FAILED = "failed"  # tried, told, tried again at the next look
    UNDONE = "undone"
    SKIPPED = "skipped"  # not configured


@dataclass(frozen=True, slots=True)
class MeasureRecord:
    progress: Progress
    at: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Custody:
    """The custody of one deployment, as the ledger keeps it. `version` is raised by every write (optimistic locking)."""

    deployment: str
    state: State = State.OPEN
    health: Health = Health.HEALTHY
    since: datetime | None = None  # when `state` was entered
    revoked_since: datetime | None = None  # first sight of the revocation that locked it
    cause: Cause | None = None
    by: str = ""  # actor of the event, when one is known
    key_id: str = ""  # the key behind the alias when last seen
    measures: dict[Measure, MeasureRecord] = field(default_factory=dict)
    suspected: tuple[Probe, ...] = ()  # one denial, waiting for a second, independent probe
    alerted: dict[str, datetime] = field(default_factory=dict)  # alert name -> last told
    break_glass_until: datetime | None = None
    version: int = 0
