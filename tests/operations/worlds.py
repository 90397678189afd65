"""A whole world in memory, for the laws: as strict as the real one where it matters, and able to break off at any call.

The engine is `families.opensearch.patch.apply_patch`, which is held against real nodes; the ledger (ledgers.py) and what stands
around a domain (surroundings.py) are as the real ones. Nothing here answers what it was not told.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import pytest
from portcullis.access.actual import EngineSettings, Json, Write
from portcullis.access.terms import Caller
from portcullis.errors import Refused, Unreachable
from portcullis.families import family_named
from portcullis.families.base import BLOCKS, Family
from portcullis.families.opensearch.documents.config import MAPPING_LISTS, Kind, SecurityConfig
from portcullis.families.opensearch.documents.dialects import Dialect
from portcullis.families.opensearch.documents.patch import pointer
from portcullis.operations.services import Services
from portcullis.ports.engine import Aside, Names, Principal, Stop, nowhere
from portcullis.ports.registration import (
    Actor,
    AmazonDomain,
    Cognito,
    EngineUser,
    IamRole,
    Key,
    Network,
    Registration,
    SnapshotStore,
)
from portcullis.settings import Settings

from tests.operations import elastic
from tests.operations.ledgers import Fate, Memory
from tests.operations.surroundings import ACCOUNT, POOL, Aws, Passwords, People, arn

METADATA = "index.blocks.metadata"


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
        self.filters: dict[str, dict[str, str]] | None = {}  # of aliases; None: it does not tell
        self.closed: tuple[str, ...] = ()
        # What moves and deletes indices by itself, as far as it runs, and what of that we may not stop.
        self.policies: tuple[str, ...] = ()
        self.unstoppable: tuple[str, ...] = ()
        self.lock = threading.RLock()
        self.refuses: Callable[[Kind, Sequence[Json]], bool] = lambda *_: False
        self.sent: list[tuple[Kind, Sequence[Json]]] = []
        self.unread = ""  # what it says against any query
        self.stop: Stop | None = Stop.PRIVILEGES  # what keeps the canary from searching
        self.set_to = EngineSettings(leaves_out_forbidden=False, makes_tokens=False, evaluation="")
        self.cannot_load = False  # keeps what is written, and answers as an engine whose nodes cannot load it

    def read(self, kinds: Sequence[str] | None = None) -> SecurityConfig:
        with self.lock:
            asked = map(self._documents, kinds or self.family.order)
            return self.make.holding({kind: dict(self.held.of(kind)) for kind in asked})

    def look(self, names: Mapping[str, Collection[str]]) -> SecurityConfig:
        self._meddled()
        return self.read_some(names)

    def read_some(self, names: Mapping[str, Collection[str]]) -> SecurityConfig:
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
        return Names(tuple(sorted(self.index_blocks)), *self.groups, closed=self.closed)

    def alias_filters(self) -> dict[str, dict[str, str]]:
        if self.filters is None:
            raise Refused("answered 403 to GET /_alias")
        aliases, _ = self.groups or ({}, {})
        return {alias: {one: self.filters.get(alias, {}).get(one, "") for one in of} for alias, of in aliases.items()}

    def blocks(self) -> dict[str, dict[str, str]]:
        return {index: dict(had) for index, had in self.index_blocks.items()}

    def block_indices(
        self, before: Mapping[str, Mapping[str, str]], lifted: Collection[str] = (), *, aside: Aside = nowhere
    ) -> None:
        self._unhindered(aside)
        wanted = {block: "true" for block in BLOCKS if block not in lifted}
        self.index_blocks = {
            index: {block: had for block, had in before.get(index, {}).items() if block in lifted} | wanted
            for index in self.index_blocks
        }

    def unblock_indices(self, before: Mapping[str, Mapping[str, str]], *, aside: Aside = nowhere) -> None:
        taken = self._unhindered(aside)
        self.index_blocks = {index: {**taken.get(index, {}), **before.get(index, {})} for index in self.index_blocks}

    def _unhindered(self, aside: Aside) -> dict[str, dict[str, str]]:
        """A block of its settings hinders a change of an index: it is told, and comes off."""
        taken = {index: {METADATA: had[METADATA]} for index, had in self.index_blocks.items() if METADATA in had}
        if taken:
            aside(taken)
        for index in taken:
            self.index_blocks[index] = {name: had for name, had in self.index_blocks[index].items() if name != METADATA}
        with self.fate("blocks"):
            return taken

    def why_no_query(self, query: Json) -> str:
        return self.unread

    def open_indices(self, indices: Sequence[str]) -> dict[str, str]:
        raise AssertionError("no index is closed here")

    def running_policies(self) -> tuple[str, ...]:
        return self.policies

    def stop_policies(self) -> str:
        self.policies = tuple(one for one in self.policies if one in self.unstoppable)
        return "; ".join(f"{one} is not stopped" for one in self.policies)

    def start_policies(self, names: Sequence[str]) -> str:
        self.policies = tuple(sorted({*self.policies, *names}))
        return ""

    def end_tokens(self, *, keys: bool) -> str:
        return ""

    def keys_given(self) -> tuple[str, ...] | None:
        return None

    def end_since(self, known: Collection[str] | None, *, tokens: bool) -> tuple[str, ...]:
        return ()

    def settings(self) -> EngineSettings:
        return self.set_to

    def end_tokens_of(self, users: Collection[str], *, keys: bool) -> tuple[str, ...]:
        return ()

    def end_searches(self, _closing: Callable[[Sequence[str]], None]) -> str:
        return "nothing ended"

    def what_stops_a_search(self, index: str) -> Stop | None:
        return self.stop


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
    services = Services(
        **{one.name: parts.get(one.name, Nowhere(one.name)) for one in fields(Services) if one.name != "at_once"}
    )
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
