"""A model of everything around custody: a key, a domain with its gates, a ledger, people, and the processes that guard it.

A process is a generator that yields between any two of its effects, so that a history can let others run in between or
kill it there. Time is true time plus the offset of a clock that may jump. Anything that must never happen raises Violation
where it happens; `settle` lets the world calm down and then looks at how it ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from portcullis import custody
from portcullis.adapters.ledger.codec import decode_whole, encode
from portcullis.custody.rules import Rules
from portcullis.custody.types import (
    DELETE_ORDER,
    LOCK_ORDER,
    SAVED_BY,
    WALLS,
    Act,
    Custody,
    Health,
    LetIn,
    Measure,
    Observation,
    Progress,
    State,
    Tell,
    Todo,
    Told,
)

from tests.custody.alerts import RECOVERED_BY, TOLD_ANEW
from tests.custody.key import PROBES, READS, START

Process = Generator[None, None, None]
NAME = "demo"
BOTH = frozenset({"read", "write"})
LIFTED: dict[LetIn, frozenset[str]] = {LetIn.NOBODY: frozenset(), LetIn.READS: frozenset({"read"}), LetIn.WRITES: BOTH}
# Ways in beside the domain's own security group, and keys that others read it with; the save of each.
FURTHER = {
    Measure.CLOSE_GROUPS: Measure.SAVE_GROUPS,
    Measure.REVOKE_ENDPOINTS: Measure.SAVE_ENDPOINTS,
    Measure.NARROW_KEYS: Measure.SAVE_KEYS,
}
GATE = (
    *(Measure.SAVE_INGRESS, Measure.CLOSE_INGRESS, Measure.SAVE_POLICY, Measure.DENY_POLICY),
    *({*FURTHER, *FURTHER.values()} - {Measure.NARROW_KEYS, Measure.SAVE_KEYS}),
)
OPEN_WAYS = frozenset({"partner"})
OPEN_RULES = frozenset({"people", "automation", "office"})
OPEN_POLICY = "allow"
SWEEP = timedelta(minutes=5)
DOMAIN_LEASE = timedelta(seconds=60)


# Behind the walls first, and then they come off.
UNDOING = (Measure.SHUT_MAPPINGS, *WALLS)


def shut(let_in: LetIn) -> dict[str, tuple[str, ...]]:
    """The mappings of a locked domain."""
    opened = {LetIn.NOBODY: (), LetIn.READS: ("reads",), LetIn.WRITES: ("reads", "writes")}[let_in]
    return {"portcullis": ("automation",)} | dict.fromkeys(opened, ("break-glass",))


SHUT = shut(LetIn.NOBODY)


class Violation(AssertionError):
    """Something happened that must never happen."""


class Down(Exception):
    """The other side did not answer."""


class Overtaken(Exception):
    """The ledger's Conflict."""


class World:
    """One history. `persist`: every write goes through the ledger's JSON and back."""

    def __init__(self, rules: Rules | None = None, *, persist: bool = True) -> None:
        self.rules = rules or Rules(measures=frozenset(LOCK_ORDER))
        self.persist = persist
        self.true, self.offset = START, timedelta(0)
        self.kept = Custody(NAME)  # if `persist`, as the ledger gives it back
        self.version = 0
        self.saves: dict[str, Any] = {}
        # The key
        self.kind: str | None = None
        self.stale: dict[str, str | None] = {}  # probe -> what it still answers
        self.key_id, self.rotated_at = "key-1", START
        self.confirmed: str | None = None  # the revocation that was last seen for what it is
        self.liar = ""  # the one probe that may be refused though nothing was taken away
        self.ever_revoked = self.ever_held = False
        # The domain
        self.engine_up = self.gate_up = self.exists = True
        self.members: set[str] = {"ann"}  # who should have access by group
        self.groups_up = True
        self.lease: tuple[object, datetime] | None = None  # whose the domain is, and until when
        # The law of those who left: when they did, and whoever of them could not search any more at some time since.
        self.left: dict[str, datetime] = {}
        self.out: set[str] = set()
        self.heard: list[str] = []  # removals and joins that no reaction has seen to yet
        self.reaction: Process | None = None
        self.unlocking_since = START
        self.by_hand: set[str] = {"hand-1"}  # entries that others made
        self.mappings = self.open_mappings()
        self.own_blocks = {"frozen": frozenset({"write"})}  # by its owner
        self.blocks: dict[str, frozenset[str]] = {"logs": frozenset(), **self.own_blocks}
        self.searches: set[str] = set()  # scrolls and points in time that are open, by whoever opened them
        self.ingress, self.policy = OPEN_RULES, OPEN_POLICY
        self.further = dict.fromkeys(FURTHER, OPEN_WAYS)
        self.deleted_by_name = False
        # What is watched
        self.processes: list[Process] = []
        self.sent: list[tuple[Told, int]] = []  # with the number of clock jumps before it was queued
        self.queued: dict[Told, int] = {}
        self.told_from: dict[Told, tuple[datetime, int]] = {}  # when its teller began, and the clock jumps before
        self.jumps = 0
        self.undone: list[Measure] = []
        self.followed = False  # the groups, in this unlock
        self.counts: Counter[str] = Counter()  # what this history has been through
        self.broken_off = False

    # Time and truth

    @property
    def now(self) -> datetime:
        return self.true + self.offset

    def open_mappings(self) -> dict[str, tuple[str, ...]]:
        return {
            "all_access": ("master",),
            "portcullis": ("automation",),
            "support": tuple(sorted(self.members)),
            "others": tuple(sorted(self.by_hand)),
        }

    @property
    def custody(self) -> Custody:
        return self.kept

    def keep(self, c: Custody) -> Custody:
        if c.version != self.version:
            raise Overtaken
        self.version += 1
        self.true += timedelta(milliseconds=1)  # a write takes time: no two alerts are of the same moment
        c = replace(c, version=self.version)
        self.kept = decode_whole(encode(c), Custody) if self.persist else c
        for told in c.outbox:
            self.queued.setdefault(told, self.jumps)
        if self.persist and self.kept != c:
            raise Violation("the ledger does not give back what it was given")
        if len(c.outbox) > len(Tell) + len(LOCK_ORDER) or len(c.strays) > 60:
            raise Violation("the custody grows without bound")
        return c

    def observe(self) -> Observation:
        found = []
        for name in PROBES:
            kind = self.stale.get(name, self.kind)
            found.append(READS[kind, name])
        return Observation(
            self.now, tuple(found), key_id=self.key_id, rotated_at=self.rotated_at, domain_key_id="key-1"
        )

    # The guard: the loop that operations run, with a yield wherever something else may happen

    def guard(self) -> Process:
        try:
            yield from self._guard()
        except Overtaken:
            self.counts["overtaken writers"] += 1

    def _guard(self) -> Process:
        c = self.custody
        yield
        seen = self.observe()
        # What an honest look could see: no probe answered from before. None: nothing to hold the decision to.
        known = self.kind if set(self.stale.values()) <= {"unreachable", "lie"} else None
        yield
        decision = custody.decide(c, seen, self.now, self.rules)
        if decision.custody.state is State.UNLOCKING is not c.state and known and known == self.confirmed:
            raise Violation(f"unlocked though still {known}")
        c = self._keep_changed(c, decision.custody)
        if c.revoked_since is None or (c.health is Health.REVOKED and known):
            self.confirmed = known if c.revoked_since else None
        checked = False
        while True:
            yield
            if todo := decision.next:
                c = self.keep(custody.intend(c, todo, self.now))
                started = self.true
                yield
                effects = self._do(todo, c)
                try:
                    while self.true - started < self.rules.lease and next(effects, "over") != "over":
                        yield
                    if self.true - started >= self.rules.lease:
                        return  # its time-outs have ended it
                except Down as error:
                    self.counts["failed steps"] += 1
                    self.broken_off = True
                    c = self.keep(custody.failed(c, todo, self.now, str(error)))
                else:
                    yield
                    c = self.keep(custody.done(c, todo, self.now))
                    self._was_done(todo, c)
            elif decision.alerts and not custody.others_tell(c, self.now, self.rules.lease):
                began, at = self.true, self.now
                c = self.keep(custody.begin_telling(c, at))
                while c.outbox:
                    yield
                    if self.true - began >= self.rules.lease:
                        return  # held up for so long that others may have told it
                    told = c.outbox[0]
                    self._send(told, began)
                    yield
                    c = self.keep(custody.told(self.custody, told))
                c = self.keep(custody.end_telling(c, at))
                decision = replace(decision, custody=c, alerts=())
                continue
            elif not checked and self.engine_up and self.gate_up:
                checked = True
                loose = next((m for m in LOCK_ORDER if self._loose(c, m)), None)
                if loose is None:
                    return
                c = self.keep(custody.found_open(c, loose, self.now, "changed from outside"))
            else:
                return
            decision = custody.decide(c, seen, self.now, self.rules)
            c = self._keep_changed(c, decision.custody)

    def _keep_changed(self, before: Custody, after: Custody) -> Custody:
        if before.state is not after.state:
            self._moved(before, after)
        kept = self.keep(after) if after != before else before
        if kept.state is State.LOCKING:
            self.followed = False
        return kept

    def _moved(self, before: Custody, after: Custody) -> None:
        self.counts[f"{before.state} -> {after.state}"] += 1
        if after.state is State.LOCKING and not (self.ever_revoked or self.ever_held):
            raise Violation("locked without a revocation")
        if after.state is State.DELETING or (after.state is State.DELETED and not self.deleted_by_name):
            raise Violation("deleted without being asked")
        if after.state is State.UNLOCKING:
            self.unlocking_since = self.true
            # What is under way elsewhere or was broken off waits for its lease; the rest is undone before it.
            self.undone = []
            self.broken_off = any(r.progress in (Progress.INTENDED, Progress.FAILED) for r in after.measures.values())
        if after.state is State.OPEN and not self.broken_off:
            order = [UNDOING.index(m) for m in self.undone if m in SAVED_BY]
            if order != sorted(order):
                raise Violation(f"not undone in order: {self.undone}")
        if after.state is State.OPEN:
            late = {who for who, at in self.left.items() if at < self.unlocking_since}
            if late & self.may_search():
                raise Violation(f"open, and still in though they left before: {late & self.may_search()}")

    # What the steps do

    def _do(self, todo: Todo, c: Custody) -> Process:
        """One step on the model. Raises Down; may be left in the middle."""
        if todo.opens:
            yield from self._before_a_wall_comes_off(c)
        engine = {*Measure} - {*GATE, *DELETE_ORDER, Measure.END_SESSIONS}
        if (todo.measure in engine and not self.engine_up) or (todo.measure not in engine and not self.gate_up):
            raise Down(f"{todo.measure} not reachable")
        if todo.measure in custody.types.SAVE_OF:
            yield from self._save(todo)
        elif todo.measure is Measure.FOLLOW:
            yield from self._follow()
            self.followed = True
        elif todo.measure is Measure.SHUT_MAPPINGS and todo.act is Act.UNDO:
            yield from self._put_back(todo)
        elif todo.measure in SAVED_BY:
            if todo.act is Act.TAKE:
                self._check_save(todo)
            yield from self._change(todo)
        elif todo.measure is Measure.END_SEARCHES:
            self.searches.clear()
        elif todo.measure is Measure.PROVE:
            if self._readable():
                raise Down("the canary was let in")
        elif todo.measure is Measure.DELETE_DOMAIN:
            if not self.deleted_by_name:
                raise Violation("the domain was deleted without being asked for by name")
            self.exists = False
        yield

    def _save(self, todo: Todo) -> Process:
        if todo.act is Act.UNDO:
            record = self.custody.measures.get(todo.measure)
            if record and record.progress is Progress.DONE and record.save_as in todo.forget:
                raise Violation(f"{todo.measure} forgotten while still needed")
            for name in todo.forget:
                self.saves.pop(name, None)
            return
        image: Any = {
            Measure.SAVE: lambda: dict(self.mappings),
            Measure.SAVE_BLOCKS: lambda: dict(self.blocks),
            Measure.SAVE_INGRESS: lambda: self.ingress,
            Measure.SAVE_POLICY: lambda: self.policy,
            Measure.SAVE_GROUPS: lambda: self.further[Measure.CLOSE_GROUPS],
            Measure.SAVE_ENDPOINTS: lambda: self.further[Measure.REVOKE_ENDPOINTS],
            Measure.SAVE_KEYS: lambda: self.further[Measure.NARROW_KEYS],
        }[todo.measure]()
        yield
        record = self.custody.measures.get(todo.measure)
        if record and record.progress is Progress.DONE and record.save_as == todo.save_as:
            raise Violation(f"{todo.measure} overwritten")
        self.saves[todo.save_as] = image

    def _check_save(self, todo: Todo) -> None:
        record = self.custody.measures.get(SAVED_BY[todo.measure])
        if record is None or record.progress is not Progress.DONE or todo.save_as not in self.saves:
            raise Violation(f"{todo.measure} without a save")
        image = self.saves[todo.save_as]
        already: Any = {
            Measure.SHUT_MAPPINGS: lambda: image in [shut(one) for one in LetIn],
            Measure.BLOCK_INDICES: lambda: image and all(had == BOTH for had in image.values()),
            Measure.CLOSE_INGRESS: lambda: "people" not in image,
            Measure.DENY_POLICY: lambda: image != OPEN_POLICY,
            Measure.CLOSE_GROUPS: lambda: "partner" not in image,
            Measure.REVOKE_ENDPOINTS: lambda: "partner" not in image,
            Measure.NARROW_KEYS: lambda: "partner" not in image,
        }[todo.measure]()
        if already:
            raise Violation(f"{todo.measure}: what was saved is already shut")

    def _change(self, todo: Todo) -> Process:
        take, saved = todo.act is Act.TAKE, self.saves.get(todo.save_as)
        if not take and saved is None:
            raise Violation(f"nothing to put back for {todo.measure}")
        if todo.measure is Measure.SHUT_MAPPINGS:
            self.mappings = shut(todo.let_in)
        elif todo.measure is Measure.BLOCK_INDICES:
            for index in list(self.blocks):
                own, lifted = saved.get(index, frozenset()), LIFTED[todo.let_in]
                self.blocks[index] = BOTH - lifted | frozenset(own) & lifted if take else frozenset(own)
                yield
        elif todo.measure is Measure.CLOSE_INGRESS:
            if take:
                self.ingress = self.ingress - {"people"}
                yield
                self.ingress = frozenset({"automation"})
            else:
                self.ingress = saved
        elif todo.measure in FURTHER:
            self.further[todo.measure] = frozenset() if take else saved
        else:
            self.policy = "deny" if take else saved

    # The groups

    def _read_groups(self) -> set[str]:
        if not self.groups_up:
            raise Down("the groups cannot be read")
        return set(self.members)

    def _take_lease(self) -> object:
        if self.lease and self.true < self.lease[1]:
            raise Down("another writer is at work")
        token = object()
        self.lease = token, self.true + DOMAIN_LEASE
        return token

    def _give_lease(self, token: object) -> None:
        if self.lease and self.lease[0] is token:
            self.lease = None

    def _put_back(self, todo: Todo) -> Process:
        """What was saved, less who left: those that the groups do not have, as they are now."""
        token = self._take_lease()
        try:
            saved = self.saves.get(todo.save_as)
            if saved is None:
                raise Violation("nothing to put back for the mappings")
            members = self._read_groups()
            yield
            if not self.engine_up:
                raise Down("the engine is gone")
            self.mappings = {**saved, "support": tuple(who for who in saved["support"] if who in members)}
            yield
        finally:
            self._give_lease(token)

    def _follow(self) -> Process:
        """The mappings as the groups are now; only while they are not shut. Done if nobody is in who left."""
        begun = self.custody
        if not _may_follow(begun):
            raise Down("it is shut")
        token = self._take_lease()
        try:
            members = self._read_groups()
            yield
            now = self.custody
            if not self.lease or self.lease[0] is not token or self.true >= self.lease[1]:
                raise Down("the lease is over")
            if not _may_follow(now) or now.saves != begun.saves:
                raise Down("it was shut meanwhile")
            if not self.engine_up:
                raise Down("the engine is gone")
            self.mappings = {**self.mappings, "support": tuple(sorted(members))}
            yield
        finally:
            self._give_lease(token)
        if self._still_in():
            raise Down("somebody left meanwhile")

    def _still_in(self) -> bool:
        if not self.engine_up:
            raise Down("the engine is gone")
        return bool(set(self.mappings.get("support", ())) - self._read_groups())

    def _before_a_wall_comes_off(self, c: Custody) -> Process:
        """Nobody is in who left, and no other writer is at work: what follows in the same moment lifts it."""
        follow = c.measures.get(Measure.FOLLOW)
        done = follow and follow.progress is Progress.DONE
        if custody.maybe_in_effect(c, Measure.SHUT_MAPPINGS) or not done or not self.followed:
            raise Violation("a wall comes off before the groups are followed")
        if self._still_in():
            yield from self._follow()
        self._give_lease(self._take_lease())

    def react(self) -> Process:
        """The reaction to what was heard of the groups, as the queue hands it over: again until it is done."""
        covered = len(self.heard)
        if _may_follow(self.custody):
            yield
            before = set(self.left)
            try:
                yield from self._follow()
            except Down:
                if _may_follow(self.custody):
                    return  # seen again
            else:
                self.out |= before & set(self.left)
            self.counts["reactions"] += 1
        else:
            self.counts["reactions that waited"] += 1
        del self.heard[:covered]

    def may_search(self) -> set[str]:
        """Whose search is answered now, of people that came by a group."""
        return set() if self._walls_stand() else set(self.mappings.get("support", ()))

    def _walls_stand(self) -> bool:
        return all(self.blocks.values()) or "people" not in self.ingress or self.policy != OPEN_POLICY

    def watch(self) -> None:
        """Whoever left before the last wall came off, or whose leaving was reacted to, never searches again."""
        if self._walls_stand():
            self.out |= set(self.left)
        elif again := self.out & self.may_search():
            raise Violation(f"searches again though they left: {sorted(again)} ({self.custody.state})")
        self.counts["watched while somebody was out"] += bool(self.out)

    def _was_done(self, todo: Todo, c: Custody) -> None:
        if todo.act is Act.UNDO and c.state is State.UNLOCKING:
            self.undone.append(todo.measure)

    def holds(self, measure: Measure, let_in: LetIn = LetIn.NOBODY) -> bool:
        """Whether a measure is in effect on the domain, as a look at it would find."""
        match measure:
            case Measure.SHUT_MAPPINGS:
                return self.mappings == shut(let_in)
            case Measure.BLOCK_INDICES:
                return all(had >= BOTH - LIFTED[let_in] for had in self.blocks.values())
            case Measure.CLOSE_INGRESS:
                return self.ingress == frozenset({"automation"})
            case Measure.DENY_POLICY:
                return self.policy == "deny"
            case _:
                return not self.further.get(measure)

    def _loose(self, c: Custody, measure: Measure) -> bool:
        locked = c.state in (State.LOCKING, State.LOCKED)
        return locked and custody.in_place(c, measure) and not self.holds(measure, c.let_in)

    def _readable(self) -> bool:
        return "support" in self.mappings

    # What is told

    def _send(self, told: Told, began: datetime) -> None:
        """`began`: when this teller set about telling."""
        before = self.told_from.setdefault(told, (began, self.jumps))
        if before[0] != began and before[1] == self.jumps and began - before[0] < self.rules.lease:
            raise Violation(f"{told.name} told by two at once")
        epoch = self.queued[told]
        if any(e.name is told.name and told.at <= e.at and jumps == epoch for e, jumps in self.sent):
            return  # a late copy: its sender did not come to write down that it was told, or was overtaken
        for earlier, jumps in reversed(self.sent):
            if earlier.name in RECOVERED_BY.get(told.name, ()) or told.name in TOLD_ANEW or jumps != epoch:
                break
            if earlier.name is told.name and told.name in self.rules.repeat:
                if told.at - earlier.at < self.rules.repeat[told.name]:
                    raise Violation(f"{told.name} told twice within its interval")
                break
        self.sent.append((told, epoch))

    # The end

    def settle(self) -> None:
        """Everything works again and nobody does anything: some sweeps later the truth must have won."""
        self.broken_off |= bool(self.processes)
        self.processes.clear()
        self.stale.clear()
        self.engine_up = self.gate_up = self.groups_up = True
        self.lease = self.reaction = None
        for _ in range(8):
            self.true += SWEEP
            for _ in self.guard():
                self.watch()
            while self.heard:
                for _ in self.react():
                    self.watch()
            if self.custody.state is State.OPEN:  # the sweep follows the groups too, for what no event told
                for _ in self._follow():
                    self.watch()
        self.watch()
        c = self.custody
        if c.break_glass and c.break_glass.until <= self.now:
            raise Violation("break-glass does not end")
        if c.state in (State.DELETING, State.DELETED):
            if c.state is not State.DELETED or self.exists or not self.deleted_by_name:
                raise Violation(f"a deletion that does not end: {c.state}")
            return
        should = State.LOCKED if self.kind or c.hold else State.OPEN
        if c.state is not should:
            raise Violation(f"{c.state}, but should be {should}: key {self.kind}, hold {c.hold}")
        if c.state is State.LOCKED:
            self._locked(c)
        else:
            self._open(c)
        self._recovered(c)

    def _locked(self, c: Custody) -> None:
        for measure in SAVED_BY:
            if measure in self.rules.measures and not self.holds(measure, c.let_in):
                raise Violation(f"locked, but {measure} is not in effect")
            if measure not in self.rules.measures and self.holds(measure, c.let_in):
                raise Violation(f"its place has no {measure}, and it is in effect")
        if self.searches and not c.break_glass:
            raise Violation(f"locked, and searches are open still: {sorted(self.searches)}")
        if not any(told.name is Tell.LOCKED for told, _ in self.sent):
            raise Violation("locked, and nobody was told")

    def _open(self, c: Custody) -> None:
        if self.mappings != self.open_mappings():
            raise Violation(f"open, but the mappings are {self.mappings}, not {self.open_mappings()}")
        if any(had != self.own_blocks.get(index, frozenset()) for index, had in self.blocks.items()):
            raise Violation(f"open, but blocked: {self.blocks}")
        if self.ingress != OPEN_RULES or self.policy != OPEN_POLICY:
            raise Violation("open, but the ingress or the policy is not as it was")
        if set(self.further.values()) != {OPEN_WAYS}:
            raise Violation(f"open, but further ways in are not as they were: {self.further}")
        if self.saves or c.strays:
            raise Violation(f"saves left behind: {sorted(self.saves)} {c.strays}")

    def _recovered(self, c: Custody) -> None:
        over = {
            Tell.KEY_UNREACHABLE: True,
            Tell.KEY_SUSPECTED: True,
            Tell.LOCKED: c.state is State.OPEN,
            Tell.LOCK_INCOMPLETE: True,
            Tell.UNLOCK_INCOMPLETE: True,
            Tell.BREAK_GLASS_OPEN: c.break_glass is None,
            Tell.ROTATION_NOT_FOLLOWED: self.key_id == "key-1",
        }
        names = [told.name for told, _ in self.sent]
        for trouble, ended in over.items():
            if not ended or trouble not in names:
                continue
            after = names[len(names) - names[::-1].index(trouble) :]
            came_true = trouble is Tell.KEY_SUSPECTED and c.state is State.LOCKED
            if not RECOVERED_BY[trouble] & set(after) and not came_true:
                raise Violation(f"{trouble} was told and nothing after it: {names}")
        if c.outbox:
            raise Violation("alerts were left untold")


def _may_follow(c: Custody) -> bool:
    back = not custody.maybe_in_effect(c, Measure.SHUT_MAPPINGS)
    return c.state is State.OPEN or (c.state is State.UNLOCKING and back)
