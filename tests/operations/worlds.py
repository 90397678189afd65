"""A whole world in memory, for the laws: as strict as the real one where it matters, and able to break off at any call.

The engine is `families.opensearch.patch.apply_patch`, which is held against real nodes; the ledger passes everything through JSON, keeps
versions and leases as the real one does. Nothing here answers what it was not told.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from portcullis.access.actual import Json, Write
from portcullis.access.edge.network import Network as Ways
from portcullis.access.edge.policies import Own
from portcullis.access.edge.way import Edge
from portcullis.access.one_role import Rank
from portcullis.access.plan import By, Claim, Grant, Membership, Subject, SubjectKind
from portcullis.access.terms import Caller
from portcullis.adapters.ledger.codec import claims_read, claims_written
from portcullis.adapters.passwords.aws import generated
from portcullis.custody.types import Custody, Health, Observation, Probe
from portcullis.errors import Conflict, Overtaken, PortcullisError, Refused, Unreachable
from portcullis.families import family_named
from portcullis.families.base import BLOCKS, Family
from portcullis.families.opensearch.documents.config import MAPPING_LISTS, Kind, SecurityConfig
from portcullis.families.opensearch.documents.dialects import Dialect
from portcullis.families.opensearch.documents.patch import pointer
from portcullis.operations.services import Services
from portcullis.ports.alerts import Alert
from portcullis.ports.engine import Aside, Names, Principal, Stop, nowhere
from portcullis.ports.identity import Looked
from portcullis.ports.ledger import Change, Claims
from portcullis.ports.places import VpcEndpoints
from portcullis.ports.registration import (
    Actor,
    AmazonDomain,
    Cognito,
    EngineUser,
    IamRole,
    KeptModel,
    Key,
    Network,
    Registration,
    SnapshotStore,
)
from portcullis.settings import Settings
from portcullis.typed import of_json, of_plain

from tests.operations import elastic

ACCOUNT = "111122223333"
POOL = "eu-central-1_Pool"
NAMES = itertools.count(1)


def arn(kind: str, name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:{kind}/{name}"


def registration(deployment: str = "demo", domain: str = "demo", **more: Any) -> Registration:
    """`more` takes the place of what a test cares for."""
    known: dict[str, Any] = {
        "place": place(domain),
        "key": Key(f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/one"),
        "automation": IamRole(arn("role", "portcullis-automation")),
        "master": IamRole(arn("role", "master")),
        "break_glass": IamRole(arn("role", f"portcullis-{deployment}-break-glass")),
        "cognito": Cognito(POOL),
    }
    return Registration(deployment=deployment, account=ACCOUNT, region="eu-central-1", **known | more)


def place(domain: str = "demo", group: str | None = None, endpoint: str = "127.0.0.1:9200") -> AmazonDomain:
    """A domain, in a VPC if it has a security group."""
    network = Network(group) if group else None
    return AmazonDomain(domain, f"arn:aws:es:eu-central-1:{ACCOUNT}:domain/{domain}", endpoint, network)


def snapshot_store(deployment: str = "demo") -> SnapshotStore:
    taker, store = (arn("role", f"portcullis-{deployment}-{part}") for part in ("snapshots", "snapshot-store"))
    return SnapshotStore(f"bucket-{deployment}", taker, store)


class Crash(BaseException):
    """The machine under us is gone: nothing catches it."""


@dataclass
class Fate:
    """Breaks off at the n-th call that changes something: before it takes effect, or just after."""

    at: int = -1
    after: bool = False
    calls: int = 0

    @contextmanager
    def __call__(self, _what: str) -> Iterator[None]:
        self.calls += 1
        if self.calls == self.at and not self.after:
            raise Crash
        yield
        if self.calls == self.at and self.after:
            raise Crash


class Memory:
    """The Ledger protocol. What is kept is JSON, as in the table."""

    def __init__(self, fate: Fate | None = None) -> None:
        self.fate = fate or Fate()
        self._items: dict[tuple[str, str], Any] = {}
        self._lock = threading.RLock()
        self._history: list[tuple[str, bytes]] = []
        self._leases: dict[str, tuple[str, float]] = {}
        self._of_thread = threading.local()

    def _put(self, key: tuple[str, str], value: Any) -> None:
        with self.fate(str(key)), self._lock:
            self._items[key] = msgspec.json.encode(value)

    def _get(self, key: tuple[str, str], kind: Any = Any) -> Any:
        with self._lock:
            raw = self._items.get(key)
        return None if raw is None else of_json(raw, kind)

    def _drop(self, key: tuple[str, str]) -> None:
        with self.fate(str(key)), self._lock:
            self._items.pop(key, None)

    def deployments(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(sorted(name for table, name in self._items if table == "registration"))

    def registrations(self) -> tuple[Registration, ...]:
        return tuple(self.registration(name) for name in self.deployments())

    def registration(self, deployment: str) -> Registration:
        found = self._get(("registration", deployment), Registration)
        if found is None:
            raise Refused(f"no deployment named {deployment!r} is in the ledger")
        assert isinstance(found, Registration)
        return found

    def register(self, registration: Registration) -> None:
        self._put(("registration", registration.deployment), registration)

    def unregister(self, deployment: str) -> None:
        self._drop(("registration", deployment))

    def model(self, deployment: str) -> KeptModel:
        found = self._get(("model", deployment), KeptModel)
        if found is None:
            raise Refused(f"the ledger holds no access model of {deployment!r}")
        assert isinstance(found, KeptModel)
        return found

    def keep_model(self, deployment: str, model: KeptModel) -> KeptModel:
        key, kept = ("model", deployment), replace(model, version=model.version + 1)
        with self._lock:
            now = self._get(key, KeptModel)
            if (now.version if now else 0) != model.version:
                raise Conflict("the model was changed by somebody else meanwhile")
            self._put(key, kept)
        return kept

    def claims(self, domain: str) -> Mapping[str, Claims]:
        with self._lock:
            owners = [name for table, name in self._items if table == f"claims {domain}"]
            return {owner: self._claims(domain, owner) for owner in owners}

    def _claims(self, domain: str, owner: str) -> Claims:
        found = self._get((f"claims {domain}", owner), dict[str, Any]) or {"value": [], "version": 0}
        return claims_read(of_plain(found["value"], list[Claim]), found.get("late"), found["version"])

    def keep_claims(self, domain: str, owner: str, claims: Claims) -> Claims:
        token, _ = self._of_thread.__dict__.get(domain, ("", 0.0))
        with self._lock:
            if token and self._leases.get(domain, ("", 0.0))[0] != token:
                raise Overtaken("another writer is at work by now")
            if self._claims(domain, owner).version != claims.version:
                raise Conflict("the claims were changed by somebody else meanwhile")
            version = claims.version + 1
            self._put((f"claims {domain}", owner), {**claims_written(claims), "version": version})
        return Claims(claims, version=version, late=claims.late, until=claims.until)

    @contextmanager
    def lease(self, domain: str, holder: str, *, seconds: float = 60, wait: float = 30) -> Iterator[bool]:
        token, deadline = f"{holder} {next(NAMES)}", time.monotonic() + wait
        while not (had := self._take(domain, token, seconds)) and time.monotonic() < deadline:
            time.sleep(0.005)
        mine = self._of_thread.__dict__
        if had:
            mine[domain] = (token, seconds)
        try:
            yield had
        finally:
            with self._lock:
                if had:
                    mine.pop(domain, None)
                if self._leases.get(domain, ("", 0))[0] == token:
                    del self._leases[domain]

    def renew(self, domain: str) -> None:
        token, seconds = self._of_thread.__dict__.get(domain, ("", 0.0))
        with self._lock:
            if not token or self._leases.get(domain, ("", 0.0))[0] != token:
                raise Overtaken("another writer is at work by now")
            self._leases[domain] = (token, time.monotonic() + seconds)

    def _take(self, domain: str, token: str, seconds: float) -> bool:
        with self._lock:
            if self._leases.get(domain, ("", 0.0))[1] > time.monotonic():
                return False
            self._leases[domain] = (token, time.monotonic() + seconds)
            return True

    def watermark(self, deployment: str) -> datetime | None:
        found: datetime | None = self._get(("watermark", deployment), datetime)
        return found

    def raise_watermark(self, deployment: str, covered_until: datetime) -> None:
        before = self.watermark(deployment)
        if before is None or before < covered_until:
            self._put(("watermark", deployment), covered_until)

    def custody(self, deployment: str) -> Custody:
        found: Custody | None = self._get(("custody", deployment), Custody)
        return found or Custody(deployment)

    def keep_custody(self, custody: Custody) -> Custody:
        with self._lock:
            if self.custody(custody.deployment).version != custody.version:
                raise Conflict("overtaken")
            kept = replace(custody, version=custody.version + 1)
            self._put(("custody", custody.deployment), kept)
            return kept

    def save(self, deployment: str, name: str, value: Any) -> None:
        self._put((f"saved {deployment}", name), value)

    def saved(self, deployment: str, name: str) -> Any | None:
        return self._get((f"saved {deployment}", name))

    def look_up(self, deployment: str, names: Collection[str]) -> dict[str, Any]:
        with self._lock:
            return {name: found for name in names if (found := self.saved(deployment, name)) is not None}

    def forget(self, deployment: str, name: str) -> None:
        self._drop((f"saved {deployment}", name))

    def forget_all(self, deployment: str) -> None:
        for table, name in [*self._items]:
            if table == f"saved {deployment}":
                self.forget(deployment, name)

    def record(self, change: Change) -> None:
        with self.fate("history"), self._lock:
            self._history.append((change.deployment, msgspec.json.encode(change)))

    def history(self, deployment: str, limit: int = 50) -> tuple[Change, ...]:
        with self._lock:
            found = [of_json(raw, Change) for name, raw in self._history if name == deployment]
        found.sort(key=lambda change: change.at)  # as its key in the table does
        return tuple(reversed(found))[:limit]


@dataclass(frozen=True, slots=True)
class Make:
    """A family of engines, with what the model of one of its engines needs."""

    family: Family
    dialect: str
    house: Callable[[], Any]  # a domain as AWS hands it over
    holding: Callable[[dict[str, Any]], Any]  # a state made of documents: kind -> name -> document
    entry_list: str  # in which a person adds somebody by hand
    strangers: tuple[str, ...]  # whom a person may add by hand
    map_by_hand: Callable[
        [Any, str, str, int], Write
    ]  # state, role, who has it too from then on, at which place: a person's own write
    actors: Mapping[str, Actor]  # who we are to it, as a registration has it


class Engine:
    """The Engine protocol over one security config. `meddle`, if set, is called once before a write, or the look right before it:
    somebody else at work."""

    def __init__(self, held: SecurityConfig, fate: Fate | None = None, make: Make | None = None) -> None:
        self.make = make or OPENSEARCH_3
        self.family, self.dialect = self.make.family, self.make.dialect
        self.held, self.fate = held, fate or Fate()
        self.writes = 0
        self.meddle: Callable[[Engine], None] | None = None
        self.index_blocks: dict[str, dict[str, str]] = {"orders": {}}
        # Its aliases and its data streams -> their indices; None: it does not tell.
        self.groups: tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]] | None = ({}, {})
        self.lock = threading.RLock()
        self.refuses: Callable[[Kind, Sequence[Json]], bool] = lambda *_: False
        self.sent: list[tuple[Kind, Sequence[Json]]] = []
        self.unread = ""  # what it says against any query
        self.stop: Stop | None = Stop.PRIVILEGES  # what keeps the canary from searching
        self.cannot_load = False  # keeps what is written, and answers as an engine whose nodes cannot load it

    def read(self, kinds: Sequence[str] | None = None) -> SecurityConfig:
        with self.lock:
            asked = map(self._documents, kinds or self.family.order)
            return self.make.holding({kind: dict(self.held.of(kind)) for kind in asked})

    def look(self, names: Mapping[str, Collection[str]]) -> SecurityConfig:
        if list(names) == [self.family.mappings]:
            self._meddled()
        asked = {self._documents(kind): some for kind, some in names.items()}
        with self.lock:
            return self.make.holding(
                {kind: {name: one for name, one in self.held.of(kind).items() if name in asked[kind]} for kind in asked}
            )

    def _documents(self, kind: str) -> str:
        """Of mappings that are no documents of their own, those in which their entries stand."""
        return self.family.entries_in if kind == self.family.mappings else kind

    def write(self, write: Write) -> bool:
        kind, operations = write
        if not operations:
            return False
        self._meddled()
        if self.refuses(kind, operations):
            raise Refused(f"PATCH {kind} answered 400: this is not taken")
        with self.fate(f"patch {kind}"), self.lock:
            before = self.held
            self.sent.append((kind, operations))
            self.held = self.family.simulate(self.held, write)
            self.writes += 1
            self.load_again()
            return self.held != before

    def load_again(self) -> None:
        if self.cannot_load:
            raise Unreachable("answered 500: Error Failed node")

    def _meddled(self) -> None:
        meddle, self.meddle = self.meddle, None
        if meddle is not None:
            meddle(self)

    def by_hand(self, kind: Kind, operations: Sequence[Json]) -> None:
        """A person's own PATCH."""
        with self.lock:
            self.held = self.family.simulate(self.held, Write(kind, operations))

    def who_am_i(self) -> Principal:
        who = self.make.actors["automation"]
        return self.authinfo(who.principal, (who.principal,) if isinstance(who, IamRole) else ())

    def authinfo(self, name: str, backend_roles: tuple[str, ...]) -> Principal:
        """What this engine would say to a caller about himself."""
        roles = self.family.mapped_roles(self.held, Caller(name, backend_roles))
        return Principal(name, backend_roles, tuple(sorted(roles)))

    def names(self) -> Names:
        if self.groups is None:
            raise Refused("answered 400 to GET /_resolve/index: no handler found")
        return Names(tuple(sorted(self.index_blocks)), *self.groups)

    def blocks(self) -> dict[str, dict[str, str]]:
        return {index: dict(had) for index, had in self.index_blocks.items()}

    def block_indices(
        self, before: Mapping[str, Mapping[str, str]], lifted: Collection[str] = (), *, aside: Aside = nowhere
    ) -> None:
        wanted = {block: "true" for block in BLOCKS if block not in lifted}
        self.index_blocks = {
            index: {block: had for block, had in before.get(index, {}).items() if block in lifted} | wanted
            for index in self.index_blocks
        }

    def unblock_indices(self, before: Mapping[str, Mapping[str, str]], *, aside: Aside = nowhere) -> None:
        self.index_blocks = {index: dict(before.get(index, {})) for index in self.index_blocks}

    def why_no_query(self, query: Json) -> str:
        return self.unread

    def open_indices(self, indices: Sequence[str]) -> None:
        raise AssertionError("no index is closed here")

    def running_policies(self) -> tuple[str, ...]:
        return ()

    def stop_policies(self) -> str:
        return ""

    def start_policies(self, _names: Sequence[str]) -> str:
        return ""

    def end_tokens(self, *, keys: bool) -> str:
        return ""

    def end_tokens_of(self, users: Collection[str], *, keys: bool) -> tuple[str, ...]:
        return ()

    def end_searches(self, _closing: Callable[[Sequence[str]], None]) -> str:
        return "nothing ended"

    def what_stops_a_search(self, index: str) -> Stop | None:
        return self.stop


@dataclass
class People:
    """The IdentityReader protocol: whoever is in `groups` or `known` exists."""

    groups: dict[Subject, tuple[str, ...]] = field(default_factory=dict)
    gone: set[Subject] = field(default_factory=set)
    signed_out: list[str] = field(default_factory=list)
    denied: dict[str, datetime] = field(default_factory=dict)  # role -> its sessions from before that are refused
    fails: int = 0  # how often ending sessions does not work
    denials_fail: int = 0
    ranked: dict[str, Rank] = field(default_factory=dict)  # Cognito groups with a role
    ranks_fail: bool = False
    hidden: dict[Subject, str] = field(default_factory=dict)  # who may not be read: why
    unchosen: tuple[str, ...] = ()  # app clients that somebody let choose another role than the token's
    unread: dict[Subject, PortcullisError] = field(default_factory=dict)  # who cannot be read now: why
    ids: dict[str, str] = field(default_factory=dict)  # entry -> unique id of who stands behind it

    def members(self, grants: Collection[Grant]) -> Membership:
        unread = {grant.subject: self.unread[grant.subject] for grant in grants if grant.subject in self.unread}
        read = self._members([grant for grant in grants if grant.subject not in unread])
        return replace(read, ids=dict(self.ids), unread=unread)

    def _members(self, grants: Collection[Grant]) -> Membership:
        users: dict[Subject, tuple[str, ...]] = {}
        roles: dict[Subject, tuple[str, ...]] = {}
        missing = set()
        for subject, by in {(grant.subject, grant.by) for grant in grants}:
            name = subject.name
            match subject.kind:
                case _ if subject in self.gone:
                    missing.add(subject)
                case SubjectKind.COGNITO_GROUP if by is By.ROLE and name in self.ranked:
                    roles[subject] = (self.ranked[name].role,)
                case SubjectKind.IAM_USER:
                    users[subject] = (name if name.startswith("arn:") else arn("user", name),)
                case SubjectKind.IAM_ROLE:
                    roles[subject] = (name if name.startswith("arn:") else arn("role", name),)
                case SubjectKind.COGNITO_USER:
                    users[subject] = (f"Cognito/{POOL}/{name}",)
                case SubjectKind.INTERNAL_USER:
                    users[subject] = (name,)
                case SubjectKind.BACKEND_ROLE:
                    roles[subject] = (name,)
                case _:
                    if subject in self.groups:
                        users[subject] = self.groups[subject]
                        if subject.kind is SubjectKind.COGNITO_GROUP:
                            roles[subject] = self.groups[subject]
                    else:
                        missing.add(subject)
        return Membership(users, roles, frozenset(missing))

    def look(self, grants: Collection[Grant]) -> Looked:
        seen = self.members([grant for grant in grants if grant.subject not in self.hidden])
        asked = {grant.subject for grant in grants}
        return Looked(seen, {subject: why for subject, why in self.hidden.items() if subject in asked})

    def choose_roles_by_token(self, identity_pool: str) -> tuple[str, ...]:
        wrong, self.unchosen = self.unchosen, ()
        return wrong

    def end_sessions(self, entries: Collection[str]) -> int:
        if self.fails:
            self.fails -= 1
            raise Unreachable("the user pool did not answer")
        self.signed_out += sorted(entries)
        return len(entries)

    def members_of(self, groups: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        return {group: self.groups.get(Subject(SubjectKind.COGNITO_GROUP, group), ()) for group in groups}

    def ranks(self, groups: Collection[str]) -> Mapping[str, Rank]:
        if self.ranks_fail:
            raise Unreachable("the user pool did not answer")
        return {group: self.ranked[group] for group in groups if group in self.ranked}

    def deny_older_sessions(self, roles: Collection[str], before: datetime) -> int:
        if self.denials_fail:
            self.denials_fail -= 1
            raise Unreachable("IAM did not answer")
        moved = [one for one in roles if one not in self.denied or self.denied[one] < before]
        self.denied.update(dict.fromkeys(moved, before))
        return len(moved)


class Passwords:
    """The Secrets protocol."""

    def __init__(self, **kept: str) -> None:
        self.kept = dict(kept)

    def password(self, secret: str) -> str | None:
        return self.kept.get(secret)

    def version(self, secret: str) -> str | None:
        return f"version of {len(self.kept[secret])} {hash(self.kept[secret])}" if secret in self.kept else None

    def make(self, secret: str, user: str) -> str:
        return self.kept.setdefault(secret, generated())


def open_policy() -> Json:
    """The domain's access policy as the stacks make it: the engine decides."""
    resource = f"arn:aws:es:eu-central-1:{ACCOUNT}:domain/*"
    allow = {"Sid": "Open", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "es:ESHttp*", "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [allow]}


@dataclass
class Aws:
    """The Gate, KeyObserver, Domain, Alerts and DeadLetters protocols: the rest of an account, all well."""

    ledger: Memory
    at: datetime = datetime(2025, 6, 1, 12, tzinfo=UTC)
    rules: list[Json] = field(
        default_factory=lambda: [
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.64.0.0/16"}]}
        ]
    )
    open_rules: list[Json] | None = None
    access_policy: Json = field(default_factory=open_policy)
    policies: dict[str, Own] = field(default_factory=dict)  # of users and roles
    groups: dict[str, list[Json]] = field(default_factory=dict)  # further ones of the domain
    closable: bool = True
    principals: list[Json] = field(default_factory=list)  # who may make VPC endpoints
    made: dict[str, str] = field(default_factory=dict)
    told: list[Alert] = field(default_factory=list)
    masters: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def now(self) -> datetime:
        with self.lock:
            self.at += timedelta(milliseconds=1)
            return self.at

    def ingress(self, registration: Registration) -> list[Json]:
        return list(self.rules if self.open_rules is None else self.open_rules)

    def close_ingress(self, registration: Registration, rules: Sequence[Json]) -> None:
        self.open_rules = []

    def open_ingress(self, registration: Registration, rules: Sequence[Json]) -> tuple[str, ...]:
        self.open_rules = list(rules)
        return ()

    def policy(self, registration: Registration) -> Json:
        return self.access_policy

    def set_policy(self, registration: Registration, policy: Json) -> None:
        self.access_policy = policy

    def further_groups(self, registration: Registration) -> dict[str, list[Json]]:
        return {group: list(rules) for group, rules in self.groups.items()}

    def close_group(self, group: str, rules: Sequence[Json]) -> None:
        if rules and not self.closable:
            raise Refused("not allowed")
        self.groups[group] = [rule for rule in self.groups[group] if rule not in rules]

    def open_group(self, group: str, rules: Sequence[Json]) -> tuple[str, ...]:
        if group in self.groups:
            self.groups[group] += [rule for rule in rules if rule not in self.groups[group]]
        return ()

    def endpoints(self, registration: Registration) -> VpcEndpoints:
        return VpcEndpoints(list(self.principals), dict(self.made))

    def look(self, registration: Registration) -> Edge:
        domain = registration.domain
        if domain is None:
            raise TypeError(
                f"{registration.deployment} is a cluster that runs elsewhere: nothing of AWS stands before it"
            )
        named = domain.network.group if domain.network else ""
        groups = {**({named: self.ingress(registration)} if named else {}), **self.further_groups(registration)}
        ours = domain.network or Network("")
        network = Ways(groups, dict(self.made), ours.automation or "", ours.break_glass or "") if groups else None
        return Edge(domain.arn, registration.region, self.access_policy, network, bool(groups))

    def own(self, registration: Registration, principals: Collection[str]) -> Mapping[str, Own]:
        return {one: self.policies.get(one, Own()) for one in principals}

    def revoke_endpoints(self, registration: Registration, principals: Sequence[Json]) -> None:
        self.principals = [one for one in self.principals if one not in principals]

    def authorize_endpoints(self, registration: Registration, principals: Sequence[Json]) -> None:
        self.principals += [one for one in principals if one not in self.principals]

    def observe(self, registration: Registration, *, hint: str = "", by: str = "") -> Observation:
        probes = tuple(Probe(name, Health.HEALTHY, definite=True) for name in ("describe", "use", "encrypt"))
        return Observation(self.now(), probes, key_id="one", domain_key_id="one")

    def set_master(self, registration: Registration, role_arn: str) -> None:
        self.masters.append(role_arn)

    def tell(self, alert: Alert) -> None:
        self.told.append(alert)

    def bury(self, queue: str, body: str, group: str, reason: str) -> None:
        raise AssertionError("nothing is buried here")

    def waiting(self, queue: str) -> int:
        return 0

    def redrive(self, queue: str) -> str:
        return "nothing to move"


@dataclass
class Nowhere:
    """A part that this world does not have: nobody may ask it anything."""

    name: str

    def __call__(self, *_: Any) -> Any:
        raise AssertionError(f"there is no {self.name} in this world")


@dataclass
class Account:
    """A world and its parts, at hand."""

    services: Services
    ledger: Memory
    engine: Engine
    people: People
    passwords: Passwords
    aws: Aws
    fate: Fate

    def registered(self, deployment: str = "demo", **more: Any) -> Registration:
        one = registration(deployment, **{"family": self.engine.family.name, **self.engine.make.actors, **more})
        self.ledger.register(one)
        return one


@dataclass(frozen=True, slots=True)
class AsUser:
    """The engine, asked with the password of a user that it keeps."""

    engine: Engine
    name: str

    def who_am_i(self) -> Principal:
        user = self.engine.family.user(self.engine.held, self.name)
        return self.engine.authinfo(user.name, tuple(user.backend_roles))


class NoRoads:
    """The Roads protocol of an account in which there is nothing that could lead anywhere."""

    def look(self, road: Any) -> None:
        return None


def account(held: SecurityConfig | None = None, fate: Fate | None = None, make: Make | None = None) -> Account:
    """A world around one domain, which is set up: the keepers of the deployment `demo` are mapped."""
    fate, make = fate or Fate(), make or OPENSEARCH_3
    ledger, engine, people, passwords = Memory(fate), Engine(held or make.house(), fate, make), People(), Passwords()
    aws = Aws(ledger)
    parts: dict[str, Any] = {
        "settings": Settings("ledger"),
        "ledger": ledger,
        "alerts": aws,
        "engine": lambda _: engine,
        "master": lambda _: engine,
        "canary": lambda _: engine,
        "identity": lambda _: people,
        "keys": lambda _: aws,
        "gate": lambda _: aws,
        "edge": lambda _: aws,
        "dead_letters": aws,
        "secrets": lambda _: passwords,
        "domain": lambda _: aws,
        "now": aws.now,
        "sleep": lambda _: None,
        "remind": lambda *_: None,
        "let_into_vpcs": lambda: "was there",
        "empty_group": lambda _: None,
        "roads": lambda *_: NoRoads(),
        "user": lambda _, name, *__: AsUser(engine, name),
    }
    services = Services(**{one.name: parts.get(one.name, Nowhere(one.name)) for one in fields(Services)})
    return Account(services, ledger, engine, people, passwords, aws, fate)


def mapping(**lists: list[str]) -> Json:
    return {"reserved": False, "hidden": False, **{name: list(lists.get(name, [])) for name in MAPPING_LISTS}}


def role(*actions: str, patterns: Sequence[str] = ("logs-*",), **more: Any) -> Json:
    permission: Json = {
        "index_patterns": list(patterns),
        "fls": [],
        "masked_fields": [],
        "allowed_actions": list(actions),
    }
    return {
        "reserved": False,
        "hidden": False,
        "cluster_permissions": [],
        "index_permissions": [permission | more],
        "tenant_permissions": [],
        "static": False,
    }


STATIC = (
    "all_access",
    "security_manager",
    "manage_snapshots",
    "opensearch_dashboards_user",
    "opensearch_dashboards_read_only",
)


def house() -> SecurityConfig:
    """A domain as AWS hands it over: the master mapped to both administrator roles, the automation let in."""
    roles = {name: role("*", patterns=("*",)) | {"reserved": True, "static": True} for name in STATIC}
    roles["all_access"]["cluster_permissions"] = ["*"]
    automation, master = arn("role", "portcullis-automation"), arn("role", "master")
    mappings = {
        "all_access": mapping(backend_roles=[master]),
        "security_manager": mapping(backend_roles=[master, automation]),
    }
    return SecurityConfig(
        {Kind.ROLES: roles, Kind.MAPPINGS: mappings, Kind.USERS: {}, Kind.TENANTS: {}, Kind.ACTION_GROUPS: {}}
    )


def mapped_by_hand(held: Any, role: str, entry: str, place: int) -> Write:
    there = list(held.entries(role, "backend_roles"))
    there.insert(place, entry)
    return Write(Kind.MAPPINGS, [{"op": "add", "path": pointer(role, "backend_roles"), "value": there}])


# Every family whose engines a deployment may have; the laws of the road are held against each.
OPENSEARCH_3 = Make(
    family_named("opensearch"),
    Dialect.PLUGINS,
    house,
    SecurityConfig,
    "backend_roles",
    (arn("role", "by-hand"),),
    mapped_by_hand,
    {
        "master": IamRole(arn("role", "master")),
        "automation": IamRole(arn("role", "portcullis-automation")),
    },
)
ELASTICSEARCH_9 = Make(
    family_named("elasticsearch"),
    "9.5 trial",
    elastic.house,
    elastic.SecurityConfig,
    "users",
    elastic.PEOPLE,
    elastic.given_by_hand,
    {
        "master": EngineUser(elastic.MASTER, "the-masters"),
        "automation": EngineUser(elastic.AUTOMATION, "the-automations"),
        "break_glass": EngineUser(elastic.BREAK_GLASS, "the-break-glass"),
    },
)
MAKES = [OPENSEARCH_3, ELASTICSEARCH_9]
every_make = pytest.mark.parametrize("make", MAKES, ids=[make.family.name for make in MAKES])


def plain(held: SecurityConfig) -> dict[str, dict[str, Json]]:
    """All documents of a state for comparison: what is absent and what is empty are one (real nodes show both alike, this model
    of them does not); the order of every list counts."""
    return {
        str(kind): {name: _full(held.of(kind)[name]) for name in sorted(held.of(kind))}
        for kind in held.documents
        if held.of(kind)
    }


def _full(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: full for key, item in value.items() if (full := _full(item)) not in (None, False, "", [], {})}
    return [_full(item) for item in value] if isinstance(value, list) else value


def model_text(access: str, deployment: str = "demo", custody: str = "") -> str:
    """A deployment file with this access section (indented by two)."""
    return (
        f"deployment: {deployment}\n"
        "engine: OpenSearch_3.3\n"
        "domain: {configuration: cognito}\n"
        "identity:\n"
        "  cognito: {groups: {readers: {}, writers: {}, tokens: {role: true}}}\n"
        "  iam_groups: [ops]\n" + (f"custody: {custody}\n" if custody else "") + f"access:\n{access}"
    )
