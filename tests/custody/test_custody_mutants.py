"""The histories are only worth what they find: each of these bugs, put in on purpose, is found by them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from portcullis import custody
from portcullis.custody import health, machine, telling
from portcullis.custody.health import Finding, Verdict
from portcullis.custody.types import (
    SAVE_OF,
    Act,
    Custody,
    Measure,
    MeasureRecord,
    Progress,
    State,
    Todo,
)

from tests.custody.key import START
from tests.custody.walk import random_history
from tests.custody.world import Violation, World, _may_follow

pytestmark = pytest.mark.long

JUDGE, MAYBE, STEP, WAITS, ENTER = (
    machine.judge,
    machine.maybe_in_effect,
    machine._step,
    machine._waits,
    machine._enter_locking,
)
FOLLOWED = MeasureRecord(Progress.DONE, START)
UNLOCK, QUEUE, OVER, WANTS = machine._unlock_steps, telling._queue, telling._over, machine.wants_lock
WANTED = machine.wanted


def _unreachable_is_revoked(*args: Any) -> Verdict:
    verdict = JUDGE(*args)
    return replace(verdict, finding=Finding.REVOKED) if verdict.finding is Finding.UNREACHABLE else verdict


def _unreachable_unlocks(c: Custody, verdict: Verdict) -> bool | None:
    return False if verdict.finding is Finding.UNREACHABLE and not c.hold else WANTS(c, verdict)


def _one_denial_counts(suspicions: Any, denied: dict[str, Any], *_: Any) -> list[Any]:
    return list(denied.values())


def _forgets_who_denied(c: Custody, *args: Any) -> Verdict:
    return JUDGE(replace(c, suspected=()), *args)


def _saves_again(c: Custody, *args: Any) -> Custody:
    after = ENTER(c, *args)
    return replace(after, measures={m: r for m, r in after.measures.items() if m not in SAVE_OF})


def _intended_is_nothing(c: Custody, measure: Measure) -> bool:
    record = c.measures.get(measure)
    return record is not None and record.progress is Progress.DONE


def _whatever_it_was_taken_for(c: Custody, measure: Measure) -> bool:
    record = c.measures.get(measure)
    return record is not None and record.progress is Progress.DONE


def _searches_go_on(c: Custody, rules: custody.Rules) -> tuple[Measure, ...]:
    return tuple(one for one in WANTED(c, rules) if one is not Measure.END_SEARCHES)


def _no_lease(c: Custody, measure: Measure, *args: Any) -> timedelta:
    record = c.measures.get(measure)
    return timedelta(0) if record and record.progress is Progress.INTENDED else WAITS(c, measure, *args)


def _walls_first(c: Custody) -> tuple[Todo, ...]:
    """The reverse of the lock: the mappings come back last, with nothing in front of them."""
    back = tuple(STEP(c, m, Act.UNDO) for m in reversed(machine.LOCK_ORDER) if MAYBE(c, m) and m in SAVE_OF.values())
    return back or UNLOCK(c)


def _groups_are_not_followed(c: Custody) -> tuple[Todo, ...]:
    return UNLOCK(replace(c, measures={**c.measures, Measure.FOLLOW: FOLLOWED}))


def _no_look_before_a_wall(c: Custody) -> tuple[Todo, ...]:
    return tuple(replace(todo, opens=False) for todo in UNLOCK(c))


def _followed_once_for_all(c: Custody, *args: Any) -> Custody:
    after, followed = ENTER(c, *args), c.measures.get(Measure.FOLLOW)
    return replace(after, measures={**after.measures, Measure.FOLLOW: followed}) if followed else after


def _saves_forgotten_first(c: Custody) -> tuple[Todo, ...]:
    return tuple(STEP(c, m, Act.UNDO) for m in reversed(machine.LOCK_ORDER) if MAYBE(c, m))[::-1]


def _told_every_time(c: Custody, name: Any, now: Any, _: Any) -> Custody:
    return QUEUE(replace(c, alerted={**c.alerted, name: now}), name, now)


def _never_recovered(name: Any, c: Custody) -> Any:
    over = OVER(name, c)
    return over if isinstance(over, telling._NotYet) else None


def _deletes_from_anywhere(c: Custody, name: str, by: str, now: Any, *, snapshot: bool = True) -> Custody:
    return replace(c, state=State.DELETING, deletion=custody.types.Deletion(by, now, snapshot))


def _marks_failed_as_done(c: Custody, todo: Todo, now: Any, detail: str) -> Custody:
    return custody.done(c, todo, now, detail)


def _deletes_by_itself(c: Custody, *args: Any) -> Custody:
    return replace(c, state=State.DELETING, deletion=None) if c.state is State.LOCKED and c.revoked_since else c


def _blind_to_tampering(c: Custody, *_: Any) -> Custody:
    return c


MUTANTS: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "an unreachable key counts as revoked": (machine, "judge", _unreachable_is_revoked),
    "an unreachable key unlocks": (machine, "wants_lock", _unreachable_unlocks),
    "one denial is enough": (health, "_confirming", _one_denial_counts),
    "who denied need not be asked again": (machine, "judge", _forgets_who_denied),
    "locked again in mid-unlock, it saves again": (machine, "_enter_locking", _saves_again),
    "mappings are shut before they are saved": (machine, "_ready", lambda *_: True),
    "what was intended is taken for not done": (machine, "maybe_in_effect", _intended_is_nothing),
    "two do the same step at once": (machine, "_waits", _no_lease),
    "the walls come off before the mappings are back": (machine, "_unlock_steps", _walls_first),
    "the groups are not followed": (machine, "_unlock_steps", _groups_are_not_followed),
    "a wall comes off without a look at the groups": (machine, "_unlock_steps", _no_look_before_a_wall),
    "what was followed in a broken-off unlock counts": (machine, "_enter_locking", _followed_once_for_all),
    "saves are forgotten before they are put back": (machine, "_unlock_steps", _saves_forgotten_first),
    "alerts are told at every look": (telling, "_trouble", _told_every_time),
    "recoveries are not told": (telling, "_over", _never_recovered),
    "a release opens a revoked deployment": (custody, "release", lambda c: replace(c, hold=None)),
    "a deletion needs neither lock nor name": (custody, "ask_delete", _deletes_from_anywhere),
    "a lock deletes by itself": (machine, "_close_window", _deletes_by_itself),
    "a failed step counts as done": (custody, "failed", _marks_failed_as_done),
    "a window that is over still counts": (machine, "in_place", _whatever_it_was_taken_for),
    "searches that are open are left": (machine, "wanted", _searches_go_on),
    "break-glass does not end": (machine, "_close_window", lambda c, _: c),
    "a lock that was opened by hand is not seen": (custody, "found_open", _blind_to_tampering),
}


def _writes_what_was_read_long_ago(self: World) -> Iterator[None]:
    """The synchronisation without a lease, and without a look at its end."""
    members = self._read_groups()
    yield
    if self.engine_up and _may_follow(self.custody):
        self.mappings = {**self.mappings, "support": tuple(sorted(members))}
    yield


# What the operations do is modelled in the world: bugs there have to be found as well.
OPERATIONS: dict[str, tuple[str, Callable[..., Any]]] = {
    "the groups are followed by what was read long ago": ("_follow", _writes_what_was_read_long_ago),
    "nobody looks whether somebody left": ("_still_in", lambda _: False),
}


# Where the histories begin that find a rare one: from seed 0 on they would take long to come to it, and prove no more.
RARE = {"two do the same step at once": 740, "what was followed in a broken-off unlock counts": 2930}


def _many_histories(begin: int = 0) -> None:
    for seed in range(begin, begin + 3000):
        random_history(seed)


@pytest.mark.parametrize("bug", MUTANTS)
def test_the_histories_find_a_bug_put_in_on_purpose(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, name, mutant = MUTANTS[bug]
    monkeypatch.setattr(module, name, mutant)
    with pytest.raises(Violation):
        _many_histories(RARE.get(bug, 0))


@pytest.mark.parametrize("bug", OPERATIONS)
def test_the_histories_find_an_unlock_that_lets_in_who_left(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, mutant = OPERATIONS[bug]
    monkeypatch.setattr(World, name, mutant)
    with pytest.raises(Violation):
        _many_histories()


def test_without_a_bug_the_same_histories_find_nothing() -> None:
    for seed in range(200):
        random_history(seed)
