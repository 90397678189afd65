"""What the operations ask of the world. The adapters (engines, identity, ledger, alerts, custody's gates) stand behind these."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from portcullis import words
from portcullis.access.config import Held, Json, Kind
from portcullis.access.dialects import Dialect
from portcullis.access.one_role import Rank
from portcullis.access.plan import AccessModel, Claim, Grant, Membership, Subject
from portcullis.custody.types import Custody, Observation


@dataclass(frozen=True, slots=True)
class Registration:
    """A deployment as it was deployed: the facts that only CloudFormation knows. Written by `domain_setup`, read by all."""

    deployment: str
    account: str
    region: str
    domain: str  # domain name
    domain_arn: str
    endpoint: str  # host or host:port, no scheme
    key_arn: str
    key_alias: str = ""
    key_replicas: tuple[str, ...] = ()
    key_store: str = ""  # the custom key store that the key is in, if it is in one
    user_pool: str = ""
    identity_pool: str = ""
    identity_store: str = ""
    group_roles: dict[str, str] = field(default_factory=dict)  # Cognito group -> IAM role ARN
    # Those of them whose older sessions may be denied: within a boundary that the stacks made, and never the master.
    bounded_roles: dict[str, str] = field(default_factory=dict)
    master_role: str = ""
    master_secret: str = (
        ""  # ARN of the secret with the master's name and password, where the master is an internal user ...
    )
    master_user: str = ""  # ... and that name
    automation_role: str = ""
    break_glass_role: str = ""
    canary_role: str = ""
    snapshot_role: str = ""  # asks the engine for snapshots, and may pass the next one on
    snapshot_store_role: str = ""  # what Amazon writes to and reads from the bucket as
    snapshot_bucket: str = ""
    security_group: str = ""
    automation_security_group: str = ""
    break_glass_security_group: str = ""  # of the machine that break-glass is used from
    eyes: str = ""  # what we see this deployment by, as it was deployed: see `operations.seeing`


@dataclass(frozen=True, slots=True)
class KeptModel:
    """A deployment file as it was last applied. `access` is resolved, so that no function has to parse YAML to react."""

    text: str
    access: AccessModel
    options: dict[str, Any] = field(default_factory=dict)  # custody rules, alert settings: what the operations read
    version: int = field(default=0, compare=False)  # how often one was kept before; 0: none was


class Claims(frozenset[Claim]):
    """What one owner claims on a domain, as it was read.

    `version` is how often it was kept; whoever keeps it says which one was read. `late`: those of them that a write may still bring
    about whose answer nobody has seen, its writer being slow, silent or gone. They stay claimed until `until`, whatever is seen:
    what comes late must not come as nobody's.
    """

    version: int
    late: frozenset[Claim]
    until: datetime | None

    def __new__(
        cls,
        claims: Iterable[Claim] = (),
        *,
        version: int = 0,
        late: Iterable[Claim] = (),
        until: datetime | None = None,
    ) -> Claims:
        made = super().__new__(cls, claims)
        made.late = frozenset(late) & made
        made.until = until if made.late else None
        made.version = version
        return made

    def late_at(self, moment: datetime) -> frozenset[Claim]:
        """Those that may still come late."""
        return self.late if self.until is not None and moment < self.until else frozenset()

    def becoming(self, claims: Iterable[Claim], *, late: Iterable[Claim] = (), until: datetime | None = None) -> Claims:
        """Others in place of these, to be kept if nobody kept any since these were read."""
        return Claims(claims, version=self.version, late=late, until=until)


@dataclass(frozen=True, slots=True)
class Touched:
    """One thing that a change touched, with what it takes to put it back: a document, or an entry of a role mapping.

    `before` and `after` are documents (None: there was none, there is none); of an entry, the entry or None. `places` is where a
    removed entry stood in its list.
    """

    operation: str  # add, replace, remove
    kind: str
    name: str
    entry_list: str = ""
    entry: str = ""
    before: Any = None
    after: Any = None
    because: str = ""
    places: tuple[int, ...] = ()

    @property
    def claim(self) -> Claim:
        return Claim(Kind(self.kind), self.name, self.entry_list, self.entry)

    def __str__(self) -> str:
        return f"{self.operation} {self.claim}" + (f" because {self.because}" if self.because else "")


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the history: what was done to a deployment, by whom, because of what.

    What changed access also says what it touched, and from which model to which (`model_before` is a text, `model_after` the digest
    of one; both empty if the model stayed): enough to put it back.
    """

    deployment: str
    at: datetime
    operation: str  # synchronise, lock, unlock, apply ...
    cause: str  # event id, schedule, command
    actor: str
    summary: str
    before: Any = None
    after: Any = None
    touched: tuple[Touched, ...] = ()
    released: tuple[Claim, ...] = ()  # what was no longer claimed afterwards, without having been removed ...
    claimed: tuple[Claim, ...] = ()  # ... and what was claimed afterwards, though it was there before
    model_before: str = ""
    model_after: str = ""

    def __post_init__(self) -> None:
        """Whoever wrote the words: what stands in the history is one line, and ends."""
        words.put(self, operation=words.TIME, cause=words.CAUSE, actor=words.ACTOR, summary=words.SUMMARY)

    @property
    def of_access(self) -> bool:
        """Whether there is something about it that a rollback can put back."""
        return bool(self.touched or self.model_after or self.claimed or self.released)


@dataclass(frozen=True, slots=True)
class Principal:
    """How the engine sees a caller (`authinfo`)."""

    name: str
    backend_roles: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


class Stop(StrEnum):
    """What refuses a request."""

    PRIVILEGES = "privileges"  # the engine: the caller has no role that allows it
    BLOCK = "a block"  # the index
    OUTSIDE = "something before the engine"  # the access policy, a service control policy, a proxy


class Engine(Protocol):
    """One search domain through its security API. Raises Unreachable, Conflict, Refused."""

    @property
    def dialect(self) -> Dialect:
        """Which of the security APIs it speaks."""

    def read(self, kinds: Sequence[Kind] | None = None) -> Held:
        """What the engine holds now (all kinds, unless told)."""

    def patch(self, kind: Kind, operations: Sequence[Json]) -> bool:
        """One collection PATCH (RFC 6902: add, replace, remove). True if anything changed. Conflict if a guard failed or a 409 came."""

    def who_am_i(self) -> Principal: ...

    def load_again(self) -> None:
        """Have every node load the security config as it is kept. Unreachable if one cannot: what was changed last is in no effect."""

    def blocks(self) -> dict[str, dict[str, str]]:
        """Every index but the engine's own -> the read and write blocks it has."""

    def block_indices(self, before: Mapping[str, Mapping[str, str]], lifted: Collection[str] = ()) -> None:
        """Put both blocks on each of them. Those `lifted` come off, but for what an index had `before`."""

    def unblock_indices(self, before: Mapping[str, Mapping[str, str]]) -> None:
        """Take both blocks off each of them, but for what an index had `before`."""

    def why_no_query(self, query: Json) -> str:
        """What the engine says against a query; empty if it can read it. Asks for no right and reads no document."""

    def end_searches(self) -> str:
        """End every open scroll and point in time; what was ended, in words."""

    def what_stops_a_search(self, index: str) -> Stop | None:
        """What keeps whoever this connection is from searching this index now; None if nothing does."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found of some subjects, and why the others could not be looked at: those are neither found nor missing."""

    membership: Membership
    unseen: dict[Subject, str] = field(default_factory=dict)


class IdentityReader(Protocol):
    def members(self, grants: Collection[Grant]) -> Membership:
        """The truth now about the subjects of these grants. One that does not exist is reported as missing, one that cannot be read
        as unread: neither is an error."""

    def look(self, grants: Collection[Grant]) -> Looked:
        """The same for eyes: a subject that cannot be read spoils nothing, and one that is named by ARN is looked up too."""

    def choose_roles_by_token(self, identity_pool: str) -> tuple[str, ...]:
        """Have a sign-in get the role its token names, or none."""

    def end_sessions(self, entries: Collection[str]) -> int:
        """Sign out everywhere the Cognito users among these mapping entries; how many there were."""

    def members_of(self, groups: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        """Cognito group -> the mapping entries of whoever is in it and enabled, now. A group that is gone has nobody."""

    def ranks(self, groups: Collection[str]) -> Mapping[str, Rank]:
        """Of these Cognito groups, those that are there and have a role: what decides which of the roles a token carries."""

    def deny_older_sessions(self, roles: Collection[str], before: datetime) -> int:
        """Have IAM refuse these roles' sessions from before an instant, which never moves back; how many roles it moved on for."""


class KeyObserver(Protocol):
    def observe(self, registration: Registration, *, hint: str = "", by: str = "") -> Observation:
        """Look at a deployment's key with independent probes. Never raises for what a key can be in: says UNREACHABLE instead."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Ways to a domain through VPC endpoints of the search service."""

    principals: list[Json]  # accounts and services that may make some, as AWS names them
    made: dict[str, str]  # id of each that there is -> the account it belongs to


class Gate(Protocol):
    """The ways to shut a domain from outside the engine. Reading and changing are apart, so that what a change takes away
    can be put aside before it is taken. Every change may be made twice without harm."""

    def ingress(self, registration: Registration) -> list[Json]:
        """The ingress rules of the domain's security group that a lock closes: all but the automation's."""

    def close_ingress(self, registration: Registration, rules: Sequence[Json]) -> None: ...

    def open_ingress(self, registration: Registration, rules: Sequence[Json]) -> None: ...

    def policy(self, registration: Registration) -> Json:
        """The domain access policy as it is."""

    def set_policy(self, registration: Registration, policy: Json) -> None: ...

    def further_groups(self, registration: Registration) -> dict[str, list[Json]]:
        """What the domain's security groups beside the deployment's own let in, but for what a lock leaves."""

    def close_group(self, group: str, rules: Sequence[Json]) -> None: ...
    def open_group(self, group: str, rules: Sequence[Json]) -> None:
        """What of these rules is not there any more; nothing if the group is gone."""

    def endpoints(self, registration: Registration) -> Endpoints: ...
    def revoke_endpoints(self, registration: Registration, principals: Sequence[Json]) -> None: ...
    def authorize_endpoints(self, registration: Registration, principals: Sequence[Json]) -> None: ...


@dataclass(frozen=True, slots=True)
class Alert:
    """What is told, and how it reads at 3 a.m."""

    name: str  # locked, unlocked, key-unreachable, drift, dead-letter, lock-out-refused, break-glass ...
    deployment: str
    severity: str  # info, warning, critical
    happened: str  # what happened, to what, since when, by whom
    done: str  # what was done about it
    next: str  # what to do, and how to check it
    runbook: str = ""  # page name in runbooks/
    detail: dict[str, Any] = field(default_factory=dict)


class Alerts(Protocol):
    def tell(self, alert: Alert) -> None: ...


class DeadLetters(Protocol):
    """The dead letters of the queues "identity" and "key": what could not be handled, whole."""

    def bury(self, queue: str, body: str, group: str, reason: str) -> None:
        """Put a message there that no further try will mend."""

    def waiting(self, queue: str) -> int:
        """How many lie there, about."""

    def redrive(self, queue: str) -> str:
        """Start moving them back to where they came from; what was started, in words."""


class Secrets(Protocol):
    """The passwords of internal users: in Secrets Manager, and in no file, log or ledger."""

    def password(self, secret: str) -> str | None:
        """The password in a secret, or None if there is no such secret."""

    def version(self, secret: str) -> str | None:
        """The id of the version that a secret has now, without reading what it holds; None if there is no such secret."""

    def make(self, secret: str, user: str) -> str:
        """A new secret with a generated password; what it holds, if somebody else made it meanwhile."""


class Domain(Protocol):
    """The domain as AWS has it configured, beside what `Gate` changes."""

    def set_master(self, registration: Registration, role_arn: str) -> None:
        """Name another IAM master: the engine then maps it to all_access by itself."""

    def exists(self, registration: Registration) -> bool:
        """Whether it is still there; one that is being deleted is."""

    def key_of(self, registration: Registration) -> str:
        """ARN of the key it was made with; empty if it has none or is not there."""

    def delete(self, registration: Registration) -> None:
        """Begin to delete it, with all its data. One that is gone already is no error."""


class Snapshots(Protocol):
    """Manual snapshots, asked for as the one role that is mapped to manage_snapshots. Raises Unreachable, Refused."""

    def register(self, repository: str, settings: Mapping[str, Any], kind: str = "s3") -> None: ...

    def take(self, repository: str, snapshot: str, indices: str) -> None:
        """Start it; without the cluster's state, so that a restore brings back documents and no security configuration."""

    def restore(self, repository: str, snapshot: str, indices: str, prefix: str) -> None:
        """Start it; every index under a new name that begins with `prefix` (as it was called, if that is empty)."""

    def listed(self, repository: str) -> list[Json]:
        """snapshot, state, start, end, indices, failures of each, the oldest first."""


class Ledger(Protocol):
    """What is remembered. Raises Conflict where a version was overtaken."""

    def deployments(self) -> tuple[str, ...]:
        """Their names: also of those whose registration cannot be read."""

    def registrations(self) -> tuple[Registration, ...]: ...
    def registration(self, deployment: str) -> Registration: ...
    def register(self, registration: Registration) -> None: ...
    def unregister(self, deployment: str) -> None: ...
    def model(self, deployment: str) -> KeptModel: ...
    def keep_model(self, deployment: str, model: KeptModel) -> KeptModel:
        """Keep it with the next version. Conflict if somebody kept another one than that of `model.version` meanwhile."""

    def claims(self, domain: str) -> Mapping[str, Claims]: ...
    def keep_claims(self, domain: str, owner: str, claims: Claims) -> Claims:
        """Keep them with the next version. Conflict if somebody kept others since those of `claims.version` were read."""

    def lease(self, domain: str, holder: str, *, seconds: float = 60, wait: float = 30) -> AbstractContextManager[bool]:
        """The right to write to a domain's engine, of the thread that takes it; whether it was had within `wait` seconds."""

    def renew(self, domain: str) -> None:
        """Have the lease of this thread last from now on. Overtaken if it has none, or somebody else has it by now."""

    def watermark(self, deployment: str) -> datetime | None: ...
    def raise_watermark(self, deployment: str, covered_until: datetime) -> None: ...
    def custody(self, deployment: str) -> Custody: ...
    def keep_custody(self, custody: Custody) -> Custody: ...
    def save(self, deployment: str, name: str, value: Any) -> None: ...
    def saved(self, deployment: str, name: str) -> Any | None: ...
    def forget(self, deployment: str, name: str) -> None: ...
    def forget_all(self, deployment: str) -> None:
        """Whatever was saved for it."""

    def record(self, change: Change) -> None: ...
    def history(self, deployment: str, limit: int = 50) -> Iterable[Change]:
        """The latest first, each read when its turn comes."""
