"""Two and three writers on one domain in memory, interleaved at every call they make, with leases that run out, crashes, silences, writes
that arrive late, people who join and leave, and entries made by hand: what is left once all of it is at rest.

A history is its seed. One thread a writer, of which one runs at a time: which goes on next, and how its call ends, is drawn.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache, partial
from typing import Any

from portcullis.access.actual import Json, Write
from portcullis.access.plan import Membership, Subject, SubjectKind
from portcullis.errors import Conflict, PortcullisError, Refused, Unreachable
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.documents.patch import apply_patch
from portcullis.operations.access.changing.applying import apply_model
from portcullis.operations.access.deployments import introduce, kept_model, writing
from portcullis.operations.access.planning import plan
from portcullis.operations.access.synchronise import synchronise
from portcullis.operations.services import Services, Trigger
from portcullis.operations.writing.standing import in_force
from portcullis.ports.registration import KeptModel, Registration

from tests.operations.ledgers import Crash
from tests.operations.worlds import OPENSEARCH_3, POOL, Account, Engine, Make, Memory, People, account, model_text

CAUSE = Trigger("a writer", "somebody")
READERS, WRITERS = (Subject(SubjectKind.COGNITO_GROUP, name) for name in ("readers", "writers"))
PEOPLE = tuple(f"Cognito/{POOL}/{name}" for name in ("anna", "ben", "carl", "dora"))
_HEAD_OF_A_CLUSTER = """\
deployment: demo
engine: elasticsearch-9.5
cluster: {endpoint: "search.example.internal:443", user: portcullis, credential: demo/elasticsearch, licence: trial}
key: {arn: arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000}
identity: {cognito: {groups: {readers: {}, writers: {}}}}
access:
"""


def _texts(role: str, whole: Callable[[str], str]) -> tuple[str, ...]:
    both = (
        f"  roles: {{viewers: {role}, editors: {role}}}\n  grants: [{{role: viewers, to: {{cognito_group: readers}}}}, "
    )
    return (
        whole(f"{both}{{role: editors, to: {{cognito_group: writers}}}}]\n"),
        whole(f"{both}{{role: editors, to: {{cognito_group: readers}}}}]\n"),
        whole(f"  roles: {{viewers: {role}}}\n  grants: [{{role: viewers, to: {{cognito_group: readers}}}}]\n"),
    )


TEXTS = {
    "opensearch": _texts("{index_permissions: [{index_patterns: [logs-*], allowed_actions: [read]}]}", model_text),
    "elasticsearch": _texts('{indices: [{names: ["logs-*"], privileges: [read]}]}', _HEAD_OF_A_CLUSTER.__add__),
}
_STEPS = 250
_WRITES = frozenset({"look", "patch", "keep_claims", "keep_model"})
_GO, _CRASH, _AFTER, _SILENT, _LATE, _LATE_CRASH = "go", "crash", "crash after", "silent", "late", "late, crash"
_FAULTS = (_CRASH, _AFTER, _SILENT, _LATE, _LATE, _LATE_CRASH, _LATE_CRASH)


@cache
def kept(text: str) -> KeptModel:
    return kept_model(text, "demo.yaml", "demo")


@dataclass
class Writer:
    """One run of one writer. `order` is how its next call ends."""

    thread: threading.Thread
    turn: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    order: str = _GO
    before: str = ""  # the call that it stands before
    looked: bool = False  # it has just looked at the mappings: its write follows at once
    over: bool = False


@dataclass
class Crowd:
    """The writers of one history, and who of them has the word."""

    draw: random.Random
    here: list[Writer] = field(default_factory=list)  # in the order in which they began
    back: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    wrong: list[str] = field(default_factory=list)

    def start(self, work: Callable[[], object]) -> None:
        writer = Writer(threading.Thread())

        def run() -> None:
            writer.turn.acquire()
            try:
                work()
            except (PortcullisError, Crash):
                pass  # the next run, or the sweep, looks again
            except BaseException as error:
                self.wrong.append(f"{type(error).__name__}: {error}")
            finally:
                writer.over = True
                self.back.release()

        writer.thread = threading.Thread(target=run, daemon=True)
        self.here.append(writer)
        writer.thread.start()

    @property
    def live(self) -> list[Writer]:
        return [writer for writer in self.here if not writer.over]

    def now(self) -> Writer | None:
        """The writer who calls; None if it is nobody of the crowd."""
        return next((writer for writer in self.live if writer.thread is threading.current_thread()), None)

    def step(self, writer: Writer, order: str = _GO) -> None:
        """Let one go on to its next call."""
        writer.order = order
        writer.turn.release()
        self.back.acquire()

    def pause(self, call: str) -> str:
        """A writer is about to call: whose turn is it? How the call ends."""
        writer = self.now()
        if writer is None:
            return _GO
        writer.before = call
        self.back.release()
        writer.turn.acquire()
        if writer.order == _CRASH:
            raise Crash
        return writer.order

    @contextmanager
    def call(self, name: str) -> Iterator[None]:
        order = self.pause(name)
        yield
        if order == _AFTER:
            raise Crash


class Ledger(Memory):
    """Interrupted at every call. Nobody waits for the lease."""

    crowd: Crowd

    @contextmanager
    def lease(self, domain: str, holder: str, *, seconds: float = 60, wait: float = 30) -> Iterator[bool]:
        with super().lease(domain, holder, seconds=1e9, wait=-1) as had:
            yield had

    def expire(self) -> None:
        self._leases = {domain: (token, 0.0) for domain, (token, _) in self._leases.items()}


def _interrupted(name: str) -> Any:
    def method(self: Ledger, *given: Any, **named: Any) -> Any:
        with self.crowd.call(name):
            return getattr(Memory, name)(self, *given, **named)

    return method


for _name in ("renew", "claims", "keep_claims", "keep_model", "model", "save", "change", "look_up", "forget"):
    setattr(Ledger, _name, _interrupted(_name))


class Node(Engine):
    """Interrupted at every call. What is sent may be answered with silence, and may arrive late."""

    crowd: Crowd
    late: list[Sequence[Json]]

    def read(self, kinds: Sequence[str] | None = None) -> SecurityConfig:
        self.crowd.pause("read")
        return super().read(kinds)

    def read_some(self, names: Mapping[str, Collection[str]]) -> SecurityConfig:
        self.crowd.pause("read")
        return super().read_some(names)

    def look(self, names: Mapping[str, Collection[str]]) -> SecurityConfig:
        """Right before a write."""
        order = self.crowd.pause("look")
        writer = self.crowd.now()
        if writer is not None:
            # From the last look on a request is a matter of milliseconds: nobody comes in between (docs/limitations.md).
            writer.looked, writer.order = True, order
        return super().read_some(names)

    def write(self, write: Write) -> bool:
        kind, operations = write
        writer = self.crowd.now()
        if writer is not None and writer.looked:
            order, writer.looked = writer.order, False
        else:
            order = self.crowd.pause("patch")
        if order in (_LATE, _LATE_CRASH):
            # What arrives late is an append: a user of a cluster is put whole, and what came since would be lost with it.
            if kind == Kind.MAPPINGS and all(operation["path"].endswith("/-") for operation in operations):
                self.late.append(operations)
            raise Crash if order == _LATE_CRASH else Unreachable("no answer")
        done = super().write(write)
        if order == _AFTER:
            raise Crash
        if order == _SILENT:
            raise Unreachable("no answer")
        return done

    def arrive(self, operations: Sequence[Json]) -> None:
        with suppress(Conflict, Refused):  # the list may be another one by now
            self.held = apply_patch(self.held, Kind.MAPPINGS, operations)


class Groups(People):
    crowd: Crowd

    def members(self, grants: Any) -> Membership:
        with self.crowd.call("members"):
            return super().members(grants)


@dataclass
class Scene:
    """One domain, its writers, its people, and whoever edits by hand."""

    made: Account
    crowd: Crowd
    by_hand: dict[tuple[str, str], None] = field(default_factory=dict)  # (role, entry)
    numbers: int = 0
    short: bool = False  # whoever follows the groups takes the short road where that is enough; and nobody sweeps

    @property
    def services(self) -> Services:
        return self.made.services

    @property
    def registration(self) -> Registration:
        return self.made.ledger.registration("demo")

    def work(self, text: str | None) -> object:
        if text is None:
            return synchronise(self.services, "demo", CAUSE, short=self.short)
        with writing(self.services, "demo", "apply") as site:
            return apply_model(site, kept(text), CAUSE)

    def called(self, entry: str) -> str:
        """A member as the engine knows them."""
        return entry if self.made.engine.family.name == "opensearch" else entry.rpartition("/")[2]

    def move(self) -> None:
        """Somebody joins a group, or leaves it."""
        group, who = self.crowd.draw.choice((READERS, WRITERS)), self.crowd.draw.choice(PEOPLE)
        members = set(self.made.people.groups[group]) ^ {who}
        self.made.people.groups[group] = tuple(sorted(members))

    def edit_by_hand(self) -> None:
        """A person puts an entry into a mapping, at its end or before ours; of a cluster, a role of theirs into a user of the groups."""
        draw, engine = self.crowd.draw, self.made.engine
        if engine.family.entries_in != engine.family.mappings:
            self.numbers += 1
            role, who = f"by-hand-{self.numbers}", self.called(draw.choice(PEOPLE))
            engine.by_hand(*engine.make.map_by_hand(engine.held, role, who, draw.randint(0, 3)))  # type: ignore[arg-type]
            self.by_hand[role, who] = None
            return
        role = self.crowd.draw.choice(("viewers", "editors"))
        mapping = self.made.engine.held.get(Kind.MAPPINGS, role)
        if mapping is None or role not in self.made.engine.held.of(Kind.ROLES):
            return
        self.numbers += 1
        there, entry = list(mapping["users"]), f"by-hand-{self.numbers}"
        there.insert(self.crowd.draw.randint(0, len(there)), entry)
        self.made.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": f"/{role}/users", "value": there}])
        self.by_hand[role, entry] = None

    def land(self) -> None:
        node: Any = self.made.engine
        if node.late:
            node.arrive(node.late.pop(self.crowd.draw.randrange(len(node.late))))

    # ------------------------------------------------------------------ what is left

    def wrong(self, *, claims_too: bool) -> list[str]:
        """What of the laws does not hold."""
        model, held, found = in_force(self.services, "demo"), self.made.engine.held, []
        assert model is not None
        groups = self.made.people.groups
        wanted = {
            (grant.role, self.called(entry)) for grant in model.access.grants for entry in groups.get(grant.subject, ())
        }
        claimed = {
            (one.name, one.entry)
            for one in self.made.ledger.claims(self.registration.place.id)["demo"]
            if one.entry_list == "users" and one.entry and one.name in ("viewers", "editors")
        }
        there = {(role, entry) for role in ("viewers", "editors") for entry in held.entries(role, "users")}
        kinds = self.made.engine.family
        # The mapping of a role that is gone goes with it.
        own = kinds.entries_in == kinds.mappings
        theirs = {one for one in self.by_hand if not own or one[0] in held.of(kinds.roles)}
        ours = there - self.by_hand.keys()
        planned = plan(self.services, "demo", CAUSE)
        # The mapping of a role that is gone gives nobody anything, and no engine takes a change to it: it has to be told instead.
        stuck = {
            (role, entry)
            for role, entry in ours
            if own
            and role not in held.of(kinds.roles)
            and any(f"{role}/users: {entry}: the role is gone" in conflict for conflict in planned.conflicts)
        }
        found += [f"{entry} left and is still in {role}" for role, entry in ours - wanted - stuck]
        found += [f"{entry} is not in {role}" for role, entry in wanted - there]
        found += [f"{entry} in {role} is nobody's" for role, entry in ours - claimed]
        lost = [(role, entry) for role, entry in theirs if entry not in held.entries(role, "users")]
        found += [f"{entry} of others was taken out of {role}" for role, entry in lost]
        if claims_too:
            found += [f"{entry} in {role} is claimed and not there" for role, entry in claimed - there]
        found += [f"still to do: {step}" for step in planned.steps]
        return found


def scene(draw: random.Random, make: Make) -> Scene:
    made, crowd = account(make=make), Crowd(draw)
    ledger, node, groups = Ledger(), Node(made.engine.held, make=make), Groups()
    ledger.crowd = node.crowd = groups.crowd = crowd
    node.late = []
    services = replace(
        made.services, ledger=ledger, engine=lambda _: node, master=lambda _: node, identity=lambda _: groups
    )
    made = replace(made, services=services, ledger=ledger, engine=node, people=groups)
    groups.groups = {READERS: PEOPLE[:2], WRITERS: PEOPLE[1:3]}
    made.registered()
    introduce(made.services.at(made.ledger.registration("demo")), TEXTS[make.family.name][0], CAUSE)
    return Scene(made, crowd)


def play(seed: int, *, short: bool = False, make: Make = OPENSEARCH_3) -> list[str]:
    """One history; what was wrong at its end, in words."""
    draw = random.Random(seed)
    here = scene(draw, make)
    here.short = short
    texts = TEXTS[make.family.name]
    crowd, writers = here.crowd, draw.choice((2, 3))
    at_work: Writer | None = None
    for _ in range(_STEPS):
        live, chance = crowd.live, draw.random()
        if len(live) < writers and chance < 0.1:
            crowd.start(partial(here.work, draw.choice((None, None, None, None, *texts))))
        elif chance < 0.15:
            here.move()
        elif chance < 0.16:
            here.edit_by_hand()
        elif chance < 0.18:
            here.land()
        elif short and chance < 0.2:
            crowd.wrong += settled(here)
        elif live:
            # One goes on for a while, then stands still for as long: writers that take turns at each call get nowhere. Whoever stands
            # still right before a write, or in the midst of one, is who may do harm.
            if at_work not in live:
                at_work = draw.choice(live)
            is_write = at_work.before in _WRITES
            if draw.random() < (0.15 if is_write else 0.03):
                here.made.ledger.expire()  # type: ignore[attr-defined]
                at_work = draw.choice(live)
                continue
            faulty = draw.random() < (0.15 if is_write else 0.01)
            crowd.step(at_work, draw.choice(_FAULTS) if faulty else _GO)
    return [*crowd.wrong, *at_rest(here)]


def at_rest(here: Scene) -> list[str]:
    """Everybody is done, everything has arrived, and the groups were followed: once now, and once when nothing can come any more."""
    _quiet(here)
    here.work(None)
    found = here.wrong(claims_too=False)
    return [*found, *settled(here)]


def settled(here: Scene) -> list[str]:
    """Nothing of what was begun can come any more, and the groups are followed."""
    _quiet(here)
    here.made.aws.at += timedelta(minutes=20)
    here.work(None)
    return here.wrong(claims_too=True)


def _quiet(here: Scene) -> None:
    node: Any = here.made.engine
    while live := here.crowd.live:
        here.crowd.step(here.crowd.draw.choice(live))
    while node.late:
        here.land()
    here.made.ledger.expire()  # type: ignore[attr-defined]
