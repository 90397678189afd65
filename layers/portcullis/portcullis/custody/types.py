"""The words of custody: how healthy a key is, which state a deployment is in, and what a transition asks to be done."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class Health(StrEnum):
    """What the probes say of a key."""

    HEALTHY = "healthy"
    UNREACHABLE = "unreachable"  # time-out, throttling, 5xx, DNS, our own expired token: alerts, never locks
    REVOKED = "revoked"  # disabled, pending deletion, deleted, denied, material or grant gone, domain says inaccessible


class RevocationCause(StrEnum):
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


# The names of the probes. Two probes of different names are independent: another call, another permission, another place.
DESCRIBE = "describe"  # kms:DescribeKey: the key's own metadata
USE = "use"  # kms:GenerateDataKeyWithoutPlaintext, dry run
ENCRYPT = "encrypt"  # kms:Encrypt, dry run
GRANTS = "grants"  # kms:ListGrants: the service's grant for this domain
DOMAIN = "domain"  # CloudWatch KMSKeyError / KMSKeyInaccessible, Domain Error Notification
# The probes that ask the key itself: only these contradict what another one says of the key.
OF_THE_KEY = frozenset({DESCRIBE, USE, ENCRYPT})


@dataclass(frozen=True, slots=True)
class Probe:
    """What one probe saw. `name` tells the probes apart: two probes that agree must have different names."""

    name: str  # DESCRIBE, USE, ENCRYPT, GRANTS, DOMAIN
    health: Health
    cause: RevocationCause | None = None
    detail: str = ""  # what the service said, without secrets
    definite: bool = False  # REVOKED read from a successful answer (a state), not concluded from a refusal


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A probe that said REVOKED and has not said otherwise since. Whether it counts is for health.judge to say."""

    probe: Probe
    since: datetime  # first said
    last: datetime  # last said


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything one look at a key found. Pure input of the state machine."""

    at: datetime  # aware, UTC
    probes: tuple[Probe, ...]  # of the key the domain was made with, also when the alias has moved on
    key_id: str = ""  # the key behind the alias now; a change is a manual rotation
    rotated_at: datetime | None = None
    hints: tuple[str, ...] = ()  # e.g. event ids that asked for this look
    by: str = ""  # actor of the event that asked for this look, when known
    domain_key_id: str = ""  # the key the domain was made with, when known
    # Actions that our own side lets us ask no more: says nothing of the key, and what they would show is unseen.
    refused: tuple[str, ...] = ()


class State(StrEnum):
    OPEN = "open"
    LOCKING = "locking"
    LOCKED = "locked"
    UNLOCKING = "unlocking"
    DELETING = "deleting"
    DELETED = "deleted"


class Measure(StrEnum):
    """What is done to a deployment. Lock: in the order of LOCK_ORDER. Unlock: SHUT_MAPPINGS undone, FOLLOW taken, WALLS undone.
    Deletion: in DELETE_ORDER, never undone.

    Each SAVE keeps how things are before its measure changes them; undoing it means forgetting what was kept.
    """

    SAVE = "save"  # the role mappings as they are, into the ledger
    SHUT_MAPPINGS = "shut mappings"  # down to the automation, and to break-glass while a window is open
    SAVE_KEYS = "save offered keys"
    NARROW_KEYS = "narrow offered keys"  # by which other clusters read this one, to a name that no index has
    SAVE_BLOCKS = "save blocks"  # the blocks indices already have
    BLOCK_INDICES = (
        "block indices"  # read and write blocks on every index but the engine's own; what a window needs is lifted
    )
    SAVE_INGRESS = "save ingress"
    CLOSE_INGRESS = "close ingress"  # the security group, but for the automation and break-glass
    SAVE_POLICY = "save policy"
    DENY_POLICY = "deny policy"  # the domain access policy; best effort
    SAVE_GROUPS = "save further groups"
    CLOSE_GROUPS = "close further groups"  # security groups of the domain that are not the deployment's; best effort
    SAVE_ENDPOINTS = "save endpoints"
    REVOKE_ENDPOINTS = "revoke endpoints"  # whom VPC endpoints of the domain let in; best effort
    END_SEARCHES = "end searches"  # open scrolls and points in time of everybody; not undone
    END_SESSIONS = "end sessions"  # people's sessions, if so configured; not undone
    PROVE = "prove"  # a canary subject is refused; after everything else, again after every repair
    FOLLOW = (
        "follow groups"  # of an unlock: whoever left meanwhile is out, whoever joined is in, before a wall comes off
    )
    FINAL_SNAPSHOT = "final snapshot"
    DELETE_DOMAIN = "delete domain"
    VERIFY_GONE = "verify gone"


# What shuts a place outside its engine, with its saves. Not every place has all of it: see `Rules.measures`.
OUTSIDE = frozenset(
    {
        *(Measure.SAVE_INGRESS, Measure.CLOSE_INGRESS, Measure.SAVE_POLICY, Measure.DENY_POLICY),
        *(Measure.SAVE_GROUPS, Measure.CLOSE_GROUPS, Measure.SAVE_ENDPOINTS, Measure.REVOKE_ENDPOINTS),
    }
)
LOCK_ORDER = (
    Measure.SAVE,
    Measure.SHUT_MAPPINGS,
    Measure.SAVE_KEYS,
    Measure.NARROW_KEYS,
    Measure.SAVE_BLOCKS,
    Measure.BLOCK_INDICES,
    Measure.SAVE_INGRESS,
    Measure.CLOSE_INGRESS,
    Measure.SAVE_POLICY,
    Measure.DENY_POLICY,
    Measure.SAVE_GROUPS,
    Measure.CLOSE_GROUPS,
    Measure.SAVE_ENDPOINTS,
    Measure.REVOKE_ENDPOINTS,
    Measure.END_SEARCHES,
    Measure.END_SESSIONS,
    Measure.PROVE,
)
# Which only some deployments have: their file asks for it.
BY_FILE = frozenset({Measure.END_SESSIONS, Measure.SAVE_KEYS, Measure.NARROW_KEYS})
# What keeps people out though they are mapped, in the order in which it comes off: the index blocks last, as they do so in one moment.
WALLS = (
    Measure.REVOKE_ENDPOINTS,
    Measure.CLOSE_GROUPS,
    Measure.DENY_POLICY,
    Measure.CLOSE_INGRESS,
    Measure.NARROW_KEYS,
    Measure.BLOCK_INDICES,
)
DELETE_ORDER = (Measure.FINAL_SNAPSHOT, Measure.DELETE_DOMAIN, Measure.VERIFY_GONE)
# Measure -> the save that must be DONE before it, and stays until it is UNDONE.
SAVED_BY = {
    Measure.SHUT_MAPPINGS: Measure.SAVE,
    Measure.NARROW_KEYS: Measure.SAVE_KEYS,
    Measure.BLOCK_INDICES: Measure.SAVE_BLOCKS,
    Measure.CLOSE_INGRESS: Measure.SAVE_INGRESS,
    Measure.DENY_POLICY: Measure.SAVE_POLICY,
    Measure.CLOSE_GROUPS: Measure.SAVE_GROUPS,
    Measure.REVOKE_ENDPOINTS: Measure.SAVE_ENDPOINTS,
}
# Measures whose effect depends on whom a window of break-glass lets in: taken again whenever that changes.
BY_WINDOW = frozenset({Measure.SHUT_MAPPINGS, Measure.BLOCK_INDICES, Measure.END_SEARCHES})
SAVE_OF = {save: measure for measure, save in SAVED_BY.items()}


class LetIn(StrEnum):
    """What break-glass may do on a locked deployment."""

    NOBODY = "nobody"  # no window is open: it is mapped to nothing
    READS = "reads"
    WRITES = "reads and writes"  # only where the request for the window said so


class Act(StrEnum):
    TAKE = "take"
    UNDO = "undo"


class Progress(StrEnum):
    INTENDED = "intended"  # written down, not yet known to be done: may or may not be in effect; left alone for a lease
    DONE = "done"
    FAILED = "failed"  # tried, told, tried again after Rules.retry_after: may or may not be in effect
    UNDONE = "undone"
    SKIPPED = "skipped"  # not configured


@dataclass(frozen=True, slots=True)
class MeasureRecord:
    progress: Progress
    at: datetime
    detail: str = ""
    act: Act = Act.TAKE  # what was last tried
    failures: int = 0  # in a row
    save_as: str = ""  # of a SAVE: the name in the ledger under which it keeps what it saw
    let_in: LetIn = LetIn.NOBODY  # of a measure BY_WINDOW: whom it was taken for


@dataclass(frozen=True, slots=True)
class Todo:
    """One step for the operations. TAKE and UNDO are both idempotent for the one who does them.

    `save_as` of a SAVE: the name to keep under; of any other measure with a save: the name to read from.
    `forget`: only for UNDO of a SAVE: every name to forget. `let_in`: for a TAKE of a measure BY_WINDOW.
    `opens`: only for UNDO of a wall in an unlock: people may get in by it, so first of all nobody is in who left meanwhile.
    `last`: of the walls that may still stand this is the only one, so that people are in once it is down.
    """

    measure: Measure
    act: Act
    save_as: str = ""
    forget: tuple[str, ...] = ()
    opens: bool = False
    last: bool = False
    let_in: LetIn = LetIn.NOBODY


class Tell(StrEnum):
    """The alerts of custody. Troubles are repeated while they last; each is followed by its recovery."""

    KEY_SUSPECTED = "key-suspected"
    KEY_CLEARED = "key-cleared"
    KEY_UNREACHABLE = "key-unreachable"
    KEY_REACHABLE = "key-reachable"
    LOCKED = "locked"
    UNLOCKED = "unlocked"
    LOCK_INCOMPLETE = "lock-incomplete"
    LOCK_COMPLETE = "lock-complete"
    LOCK_OPENED = "lock-opened"  # somebody or something undid a measure; it is taken again
    UNLOCK_INCOMPLETE = "unlock-incomplete"
    BREAK_GLASS_OPEN = "break-glass-open"
    BREAK_GLASS_ENDED = "break-glass-ended"
    KEY_ROTATED = "key-rotated"
    ROTATION_NOT_FOLLOWED = "rotation-not-followed"
    ROTATION_FOLLOWED = "rotation-followed"
    DELETE_OVERDUE = "delete-overdue"
    DELETING = "deleting"
    DELETE_INCOMPLETE = "delete-incomplete"
    DELETED = "deleted"


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Told:
    """One alert, ready to be sent. Kept in Custody.outbox until it was (custody.told), so that no crash swallows it."""

    name: Tell
    severity: Severity
    at: datetime
    happened: str
    done: str
    next: str
    runbook: str = ""  # page name in runbooks/


@dataclass(frozen=True, slots=True)
class Hold:
    """A person's lock: it stays, however healthy the key, until a person releases it."""

    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """A window in which the break-glass principal is mapped, and the index blocks are lifted that are in its way. Nobody else is let in."""

    by: str
    reason: str
    opened: datetime
    until: datetime
    write: bool = False  # asked for with the window; else it only reads


@dataclass(frozen=True, slots=True)
class Deletion:
    """Asked for by a person, by the deployment's name."""

    by: str
    at: datetime
    snapshot: bool = True  # a final snapshot first
    begun: bool = False  # AWS was asked to delete the domain, and did not refuse each time


@dataclass(frozen=True, slots=True)
class Custody:
    """The custody of one deployment, as the ledger keeps it. `version` is raised by every write (optimistic locking)."""

    deployment: str
    state: State = State.OPEN
    health: Health = Health.HEALTHY  # of the last look that was conclusive
    since: datetime | None = None  # when `state` was entered
    revoked_since: datetime | None = None  # first sight of the revocation; None again once seen healthy
    cause: RevocationCause | None = None
    by: str = ""  # actor of the event, when one is known
    key_id: str = ""  # the key behind the alias when last seen
    measures: dict[Measure, MeasureRecord] = field(default_factory=dict)
    suspected: tuple[Suspicion, ...] = ()  # denials not taken back; they count once confirmed
    alerted: dict[Tell, datetime] = field(default_factory=dict)  # troubles told and not yet over -> last told
    version: int = 0
    confirmed_by: tuple[str, ...] = ()  # names of the probes behind the revocation, as last seen
    unreachable_since: datetime | None = None
    lock_began: datetime | None = None  # when LOCKING was first entered: for the downtime
    hold: Hold | None = None
    break_glass: BreakGlass | None = None
    deletion: Deletion | None = None
    domain_key_id: str = ""  # the key the domain was made with
    rotated_at: datetime | None = None
    outbox: tuple[Told, ...] = ()  # to be told
    telling_since: datetime | None = None  # somebody is at it: others leave it to them for a lease
    saves: int = 0  # how many saves were begun: makes every save's name its own
    strays: tuple[str, ...] = ()  # saves begun and overtaken: forgotten with the next UNDO of a SAVE

    @property
    def let_in(self) -> LetIn:
        """Whom the measures of the lock have to let in now, beside the automation."""
        if self.break_glass is None:
            return LetIn.NOBODY
        return LetIn.WRITES if self.break_glass.write else LetIn.READS


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from a look: the custody to keep, what to do (in order), what to tell, and when to look again."""

    custody: Custody
    todo: tuple[Todo, ...] = ()
    alerts: tuple[Told, ...] = ()  # everything not yet told, oldest first
    look_again: timedelta | None = None  # when waiting for it is worth while
    remind: timedelta | None = None  # when a look is due that no event will bring about: sooner than the next sweep

    @property
    def next(self) -> Todo | None:
        """The first step: do it, write it down, and decide again."""
        return self.todo[0] if self.todo else None
