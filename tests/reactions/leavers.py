"""The town as whoever left it sees it: may they still search? Asked before every single call that an operation makes."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from portcullis.custody.types import State
from portcullis.errors import PortcullisError, Unreachable
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.synchronise import synchronise
from portcullis.operations.custody.guard import guard
from portcullis.operations.services import Services, Trigger
from portcullis.operations.sweep import sweep

from tests.operations.ledgers import Crash
from tests.operations.worlds import People
from tests.reactions.town import Town, copied_town, receives_of, record_again, town

CAUSE = Trigger("a test", "somebody")
PEOPLE = ("anna", "ben", "cara")
PARTS = ("ledger", "alerts", "engine", "identity", "gate")
_ONE_MOMENT = 4  # calls, from the reading of the groups to the fall of a wall: the claims, the lease, what was saved, the fall itself
_ASK_NOTHING = frozenset({"now", "dialect", "lease"})  # what no machine of its own stands behind


class Answered(AssertionError):
    """A search of somebody who left was answered."""


@dataclass
class Watch:
    """Stands between the operations and every part of the world. `happens` is asked before each call, with its number."""

    here: Town
    happens: Callable[[int], None] = lambda _: None
    fails: Callable[[int], str] = lambda _: (
        ""
    )  # "silent": not done; "unheard": done, and not answered; "crash": the machine ends after it
    calls: int = 0
    busy: bool = False
    left: dict[str, int] = field(default_factory=dict)  # who, and at which call
    read: int = 0  # the call by which the groups were last read
    stood: bool = False  # the walls, at the last look
    out: set[str] = field(default_factory=set)  # of those who left: whoever has to stay out from now on
    waiting: list[dict[str, Any]] = field(default_factory=list)  # events that no reaction has seen to yet

    def services(self) -> Services:
        services = self.here.services
        around = {name: self._around(getattr(services, name)) for name in ("ledger", "alerts")}
        parts = {name: self._around(getattr(services, name)(None)) for name in PARTS[2:]}
        return replace(services, **around, **{name: (lambda _, part=part: part) for name, part in parts.items()})

    def _around(self, part: Any) -> Any:
        watch = self

        class Passing:
            def __getattr__(self, name: str) -> Any:
                found = getattr(part, name)
                if not callable(found) or name in _ASK_NOTHING:
                    return found

                def call(*args: Any, **named: Any) -> Any:
                    fault = watch._called(name)
                    if fault == "silent":
                        raise Unreachable(f"{name}: no answer")
                    answer = found(*args, **named)
                    watch.look()
                    if fault == "unheard":
                        raise Unreachable(f"{name}: done, and not heard of")
                    if fault == "crash":
                        raise Crash
                    return answer

                return call

        return Passing()

    def _called(self, name: str) -> str:
        if self.busy:
            return ""
        self.calls += 1
        number = self.calls
        if name == "members":
            self.read = number
        self.busy = True
        try:
            self.happens(number)
        finally:
            self.busy = False
        self.look()
        return self.fails(number)

    # ------------------------------------------------------------------ the law

    def walls_stand(self) -> bool:
        engine, aws = self.here.account.engine, self.here.aws
        blocked = all(had.get("index.blocks.read") == "true" for had in engine.index_blocks.values())
        return blocked or aws.ingress(self.here.account.ledger.registration("demo")) == []

    def searching(self) -> set[str]:
        role = self.here.account.engine.held.get(Kind.ROLES, "viewers") or {}
        return set() if self.walls_stand() or not role.get("index_permissions") else set(self.here.mapped)

    def look(self) -> None:
        """Whoever left while the walls stood, or whose leaving was reacted to, is never answered again."""
        standing, stood = self.walls_stand(), self.stood
        self.stood = standing
        if standing:
            self.out |= self.left.keys()
        elif stood and self.calls - self.read <= _ONE_MOMENT:
            # Between the last reading of the groups and the fall of the wall, in one step: the reaction's, as in any open deployment.
            self.out -= {who for who, call in self.left.items() if call > self.read}
        if again := self.out & self.searching():
            raise Answered(f"{sorted(again)} left, and were answered ({self.here.state})")

    # ------------------------------------------------------------------ what people and the queue do

    def leaves(self, name: str) -> None:
        self.waiting.append(self.here.sent(self.here.leave(name)))
        self.left[name] = self.calls
        self.look()

    def joins(self, name: str) -> None:
        self.left.pop(name, None)
        self.out.discard(name)
        self.waiting.append(self.here.sent(self.here.join(name)))

    def react(self) -> None:
        """One message is handed to the reaction; it is seen again unless it came to its end."""
        if not self.waiting:
            return
        one = self.waiting.pop(0)
        gone = set(self.left)
        state = self.here.state
        [done] = self.here.handle([one])
        if done == "failed":
            self.waiting.insert(0, record_again(one) if receives_of(one) < 5 else one)
        elif done == "done" and state is self.here.state is State.OPEN:
            self.out |= gone & self.left.keys()
        self.look()

    def turn_key(self) -> None:
        self.here.aws.disabled = not self.here.aws.disabled
        with suppress(PortcullisError):
            guard(self.here.services, "demo", CAUSE)
        self.look()

    def ends_in_the_truth(self) -> None:
        """Everything answers again: open, with whoever is in the group and nobody else."""
        self.busy = True
        self.here.aws.disabled = self.here.aws.mute = False
        for _ in range(6):
            self.here.pass_time(61)
            self.react()
            sweep(self.here.services)
            self.look()
            if self.here.state is State.OPEN and not self.waiting:
                break
        assert self.here.state is State.OPEN
        assert sorted(self.here.mapped) == sorted(self.here.members)
        assert not self.walls_stand()


def watched() -> Watch:
    """Everybody is in, and may search."""
    return copied_watch(_watched())


@cache
def _watched() -> Watch:
    """To set it up takes as long as what is done in it, so it is set up once, and each who asks is given a copy."""
    here = town()
    _impatient(here)
    for name in PEOPLE:
        here.join(name)
    synchronise(here.services, "demo", CAUSE)
    here.pass_time(60)
    watch = Watch(here)
    assert watch.searching() == set(PEOPLE)
    return watch


def _impatient(here: Town) -> None:
    """All happens in one thread here: whoever waited for the one who is interrupted would wait for himself."""
    patient = here.account.ledger.lease
    here.account.ledger.lease = lambda domain, holder, **_: patient(domain, holder, wait=0)  # type: ignore[method-assign]


def copied_watch(watch: Watch) -> Watch:
    """One over a town of its own, in which the same has happened; nothing happens or fails in it yet."""
    here = copied_town(watch.here)
    _impatient(here)
    kept = {name: deepcopy(getattr(watch, name)) for name in ("calls", "left", "read", "stood", "out", "waiting")}
    return Watch(here, **kept)


def locked_without_anna() -> Watch:
    """The key goes, everything locks, and anna leaves; her event is seen to, and waits for the unlock."""
    return copied_watch(_locked_without_anna())


@cache
def _locked_without_anna() -> Watch:
    watch = watched()
    watch.turn_key()
    assert watch.here.state is State.LOCKED
    watch.leaves("anna")
    watch.react()
    assert watch.waiting == []
    watch.here.aws.disabled = False
    watch.here.pass_time(60)
    return watch


def look_at_the_key(watch: Watch) -> None:
    with suppress(PortcullisError, Crash):
        guard(watch.services(), "demo", CAUSE)


def random_history(seed: int) -> Watch:
    """Keys that turn, people who come and go, faults and crashes, before any call of any operation."""
    rng = random.Random(seed)
    watch = watched()
    faults = ("silent", "unheard", "crash")

    def happens(_: int) -> None:
        dice = rng.random()
        if dice < 0.03:
            name = rng.choice(PEOPLE)
            watch.leaves(name) if name in watch.here.members else watch.joins(name)
        elif dice < 0.05:
            watch.react()
        elif dice < 0.06:
            watch.turn_key()
        elif dice < 0.07:
            watch.here.aws.disabled = not watch.here.aws.disabled

    watch.happens = happens
    watch.fails = lambda _: rng.choice(faults) if rng.random() < 0.02 else ""
    for _ in range(rng.randint(2, 8)):
        if rng.random() < 0.5:
            watch.here.aws.disabled = not watch.here.aws.disabled
        with suppress(PortcullisError, Crash):
            rng.choice((_look, _look, _synchronise))(watch.services())
        watch.here.pass_time(rng.choice((1, 31, 61)))
        if rng.random() < 0.5:
            watch.react()
    watch.ends_in_the_truth()
    return watch


def _look(services: Services) -> None:
    guard(services, "demo", CAUSE)


def _synchronise(services: Services) -> None:
    synchronise(services, "demo", CAUSE)


class Unreadable(People):
    """Groups that cannot be read."""

    def members(self, grants: Any) -> Any:
        raise Unreachable("the groups cannot be read")
