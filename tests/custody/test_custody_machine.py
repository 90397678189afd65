"""The walk through the machine, case by case: what is done in which order, what is told, and what people may ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
import pytest
from portcullis import custody
from portcullis.adapters.ledger.codec import decode, decode_whole, encode
from portcullis.custody.keys import probes
from portcullis.custody.rules import Rules
from portcullis.custody.types import (
    BY_FILE,
    BY_WINDOW,
    DESCRIBE,
    LOCK_ORDER,
    OUTSIDE,
    SAVE_OF,
    USE,
    WALLS,
    Act,
    Custody,
    Decision,
    Health,
    LetIn,
    Measure,
    Observation,
    Probe,
    Progress,
    RevocationCause,
    State,
    Tell,
    Todo,
)
from portcullis.custody.words_of_alerts import WORDS
from portcullis.errors import BadInput, Refused

from tests.custody import walk
from tests.custody.key import KINDS
from tests.custody.world import SWEEP, World

NOW = datetime(2026, 5, 1, tzinfo=UTC)
RULES = Rules()
OK = (Probe(DESCRIBE, Health.HEALTHY), Probe(USE, Health.HEALTHY))
OFF = (
    Probe(DESCRIBE, Health.REVOKED, RevocationCause.DISABLED, "Disabled", True),
    Probe(USE, Health.REVOKED, RevocationCause.DISABLED),
)
AWAY = (Probe(DESCRIBE, Health.UNREACHABLE), Probe(USE, Health.UNREACHABLE))
ENGINE = (
    *(Measure.SAVE, Measure.SHUT_MAPPINGS, Measure.SAVE_BLOCKS, Measure.BLOCK_INDICES),
    *(Measure.END_SEARCHES, Measure.PROVE),
)
WINDOW = [("take", "shut mappings"), ("take", "block indices"), ("take", "end searches"), ("take", "prove")]


def run(
    c: Custody,
    found: tuple[Probe, ...],
    at: datetime = NOW,
    *,
    rules: Rules = RULES,
    fails: Callable[[Todo], bool] = lambda _: False,
) -> tuple[Custody, list[tuple[str, str]], list[Tell]]:
    """What operations do, with every step done unless `fails`: the custody, the steps, what was told."""
    seen = Observation(at, found)
    steps: list[tuple[str, str]] = []
    decision: Decision = custody.decide(c, seen, at, rules)
    while todo := decision.next:
        steps.append((todo.act.value, todo.measure.value))
        assert len(steps) < 60, "the loop ends"
        c = custody.intend(decision.custody, todo, at)
        c = custody.failed(c, todo, at, "down") if fails(todo) else custody.done(c, todo, at)
        decision = custody.decide(c, seen, at, rules)
    c, told = decision.custody, [alert.name for alert in decision.alerts]
    for alert in decision.alerts:
        c = custody.told(c, alert)
    return c, steps, told


def locked(rules: Rules = RULES) -> Custody:
    return run(Custody("demo"), OFF, rules=rules)[0]


def test_a_lock_saves_before_it_changes_and_proves_itself_last() -> None:
    c, steps, told = run(Custody("demo"), OFF)
    assert [measure for _, measure in steps] == [m.value for m in LOCK_ORDER if m not in BY_FILE]
    assert (c.state, c.cause, told) == (State.LOCKED, RevocationCause.DISABLED, [Tell.LOCKED])


def test_a_lock_takes_the_measures_its_place_has_and_says_which_it_lacks() -> None:
    rules = Rules(measures=RULES.measures - OUTSIDE)
    c, steps, told = run(Custody("demo"), OFF, rules=rules)
    assert [measure for _, measure in steps] == [
        *("save", "shut mappings", "save blocks", "block indices", "end searches", "prove")
    ]
    assert (c.state, told) == (State.LOCKED, [Tell.LOCKED])
    decision = custody.decide(locked(rules), Observation(NOW, OFF), NOW + RULES.repeat[Tell.LOCKED], rules)
    [said] = [one.done for one in decision.custody.outbox if one.name is Tell.LOCKED]
    assert "Its place has no way to close ingress, deny policy, close further groups, revoke endpoints." in said
    decision = custody.decide(locked(), Observation(NOW, OFF), NOW + RULES.repeat[Tell.LOCKED], RULES)
    assert "no way to" not in decision.custody.outbox[0].done


def test_an_unlock_reads_the_groups_first_and_undoes_only_what_was_taken() -> None:
    """The groups are read before ingress opens again. Measures that the lock did not take are left alone."""
    rules = Rules(measures=frozenset({Measure.SHUT_MAPPINGS, Measure.CLOSE_INGRESS, Measure.PROVE}))
    c, taken, _ = run(Custody("demo"), OFF, rules=rules)
    assert [m for _, m in taken] == ["save", "shut mappings", "save ingress", "close ingress", "prove"]
    c, undone, told = run(c, OK, NOW + timedelta(minutes=7), rules=RULES)
    assert undone == [
        ("undo", "shut mappings"),
        ("take", "follow groups"),
        ("undo", "close ingress"),
        ("undo", "save ingress"),
        ("undo", "save"),
    ]
    assert (c.state, told) == (State.OPEN, [Tell.UNLOCKED])


def test_the_downtime_is_told() -> None:
    decision = custody.decide(locked(), Observation(NOW, OK), NOW + timedelta(minutes=7), RULES)
    c = decision.custody
    while todo := decision.next:
        c = custody.done(custody.intend(c, todo, NOW + timedelta(minutes=7)), todo, NOW + timedelta(minutes=7))
        decision = custody.decide(c, Observation(NOW, OK), NOW + timedelta(minutes=7), RULES)
        c = decision.custody
    assert "after 0:07:00" in decision.alerts[-1].happened


def test_an_unreachable_key_alerts_every_hour_and_never_locks() -> None:
    """Not even after three days. When the key answers again, that is told too."""
    c, tellings = Custody("demo"), 0
    for minute in range(0, 60 * 24 * 3, 5):
        c, steps, told = run(c, AWAY, NOW + timedelta(minutes=minute))
        assert (steps, c.state) == ([], State.OPEN)
        tellings += told.count(Tell.KEY_UNREACHABLE)
    assert tellings == 72, "once an hour for three days"
    c, _, told = run(c, OK, NOW + timedelta(days=4))
    assert told == [Tell.KEY_REACHABLE]
    assert c.alerted == {}


def test_a_key_that_cannot_be_reached_is_not_shown_as_healthy() -> None:
    """It is healthy again as soon as it answers. Neither locks anything."""
    c, _, _ = run(Custody("demo"), OK)
    assert c.health is Health.HEALTHY
    c, _, _ = run(c, AWAY)
    assert (c.health, c.state) == (Health.UNREACHABLE, State.OPEN)
    assert run(c, OK)[0].health is Health.HEALTHY


def test_an_unreachable_key_opens_nothing_either() -> None:
    c, steps, _ = run(locked(), AWAY, NOW + timedelta(days=30))
    assert (c.state, steps) == (State.LOCKED, [])


@pytest.mark.parametrize("kind", KINDS)
def test_with_every_event_lost_each_revocation_locks_within_six_minutes(kind: str) -> None:
    """Sweeps every five minutes that look again when the decision says so."""
    world = World()
    list(world.guard())
    world.true += timedelta(seconds=1)
    walk.revoke(world, kind)
    revoked = world.true
    world.true += SWEEP
    for _ in range(9):
        list(world.guard())
        world.true += RULES.look_again
        if world.custody.state is State.LOCKED:
            break
    assert world.custody.state is State.LOCKED
    assert world.true - revoked <= timedelta(minutes=6)


DENIED_USE = Probe(USE, Health.REVOKED, RevocationCause.ACCESS_DENIED)


def test_a_suspicion_is_told_when_it_lasts_and_cleared_when_it_is_taken_back() -> None:
    c, steps, told = run(Custody("demo"), (OK[0], DENIED_USE))
    assert (steps, told) == ([], [])
    c, steps, told = run(c, (OK[0], DENIED_USE), NOW + timedelta(minutes=1))
    assert (steps, told) == ([], [Tell.KEY_SUSPECTED])
    assert run(c, OK, NOW + timedelta(minutes=2))[2] == [Tell.KEY_CLEARED]


def test_a_lock_does_not_depend_on_the_cluster_being_up() -> None:
    c, steps, told = run(Custody("demo"), OFF, fails=lambda todo: todo.measure in ENGINE)
    done = {measure for measure, record in c.measures.items() if record.progress is Progress.DONE}
    assert done >= {Measure.CLOSE_INGRESS, Measure.DENY_POLICY}
    assert ("take", "shut mappings") not in steps, "nothing is changed that was not saved"
    assert (c.state, told) == (State.LOCKING, [Tell.LOCK_INCOMPLETE])
    c, steps, told = run(c, OFF, NOW + timedelta(seconds=29))
    assert steps == [], "not tried again before its time"
    c, steps, told = run(c, OFF, NOW + timedelta(seconds=30))
    assert [m for _, m in steps] == ["save", "shut mappings", "save blocks", "block indices", "end searches", "prove"]
    assert (c.state, told) == (State.LOCKED, [Tell.LOCKED, Tell.LOCK_COMPLETE])


def test_what_is_best_effort_does_not_hold_up_the_lock() -> None:
    c, _, told = run(Custody("demo"), OFF, fails=lambda todo: todo.measure is Measure.DENY_POLICY)
    assert c.state is State.LOCKED
    # As expected, and no incident of its own: what is told of the lock says what is not in effect, and nobody is reminded of it
    assert told == [Tell.LOCKED]
    assert custody.decide(c, Observation(NOW, OFF), NOW + timedelta(seconds=1), RULES).remind is None


@pytest.mark.parametrize("failing", [Measure.SHUT_MAPPINGS, Measure.FOLLOW])
def test_blocks_and_ingress_stay_until_mappings_are_back_and_groups_read(failing: Measure) -> None:
    """If the mappings cannot be given back or the groups cannot be read, the other measures stay. A reminder tries again."""
    c, steps, told = run(locked(), OK, fails=lambda todo: todo.measure is failing)
    assert (c.state, told) == (State.UNLOCKING, [Tell.UNLOCK_INCOMPLETE])
    assert {measure for act, measure in steps if act == "undo"} <= {"shut mappings", "save"}
    walls = (Measure.BLOCK_INDICES, Measure.CLOSE_INGRESS, Measure.DENY_POLICY)
    assert all(c.measures[wall].progress is Progress.DONE for wall in walls)
    # It is tried again by a reminder, half a minute later, and then it opens
    assert custody.decide(c, Observation(NOW, OK), NOW + timedelta(seconds=1), RULES).remind == timedelta(seconds=29)
    c, steps, told = run(c, OK, NOW + timedelta(seconds=30))
    assert (c.state, told) == (State.OPEN, [Tell.UNLOCKED])
    assert [m for _, m in steps if m in walls] == ["deny policy", "close ingress", "block indices"]


def test_a_lock_cut_off_before_it_shut_anything_still_reads_the_groups() -> None:
    """The key came back first. Who left in the meantime must be taken out all the same."""
    decision = custody.decide(Custody("demo"), Observation(NOW, OFF), NOW, RULES)
    c, steps, _ = run(decision.custody, OK)
    assert (c.state, steps) == (State.OPEN, [("take", "follow groups")])


def test_revoked_again_in_mid_unlock_the_groups_are_followed_anew() -> None:
    c, _, _ = run(locked(), OK, fails=lambda todo: todo.measure is Measure.CLOSE_INGRESS)
    assert c.measures[Measure.FOLLOW].progress is Progress.DONE
    c, _, _ = run(c, OFF, NOW + timedelta(minutes=1))
    assert (c.state, Measure.FOLLOW in c.measures) == (State.LOCKED, False)
    assert ("take", "follow groups") in run(c, OK, NOW + timedelta(minutes=2))[1]


def test_only_what_lets_people_in_is_held_against_the_groups_first() -> None:
    seen = Observation(NOW, OK)
    decision, opens, last = custody.decide(locked(), seen, NOW, RULES), set(), []
    while todo := decision.next:
        opens |= {todo.measure} if todo.opens else set()
        last += [todo.measure] if todo.last else []
        decision = custody.decide(
            custody.done(custody.intend(decision.custody, todo, NOW), todo, NOW), seen, NOW, RULES
        )
    assert opens == set(WALLS) - BY_FILE
    assert last == [WALLS[-1]]
    # A window of break-glass waits for no group to be read
    window = custody.open_break_glass(locked(), "ann", "incident", 10, NOW, RULES)
    lifted = custody.decide(window, Observation(NOW, OFF), NOW, RULES).next
    assert lifted
    assert (lifted.measure, lifted.opens) == (Measure.SHUT_MAPPINGS, False)


def test_the_downtime_of_a_second_lock_is_its_own() -> None:
    c, _, _ = run(run(Custody("demo"), OFF)[0], OK, NOW + timedelta(hours=3))
    assert (c.state, c.lock_began) == (State.OPEN, None)
    again = NOW + timedelta(hours=5)
    decision = custody.decide(run(c, OFF, again)[0], Observation(NOW, OK), again + timedelta(minutes=2), RULES)
    while todo := decision.next:
        at = again + timedelta(minutes=2)
        c = custody.done(custody.intend(decision.custody, todo, at), todo, at)
        decision = custody.decide(c, Observation(NOW, OK), at, RULES)
    assert "open again, after 0:02:00" in decision.alerts[-1].happened


def test_a_step_somebody_is_doing_is_left_alone_for_its_lease() -> None:
    decision = custody.decide(Custody("demo"), Observation(NOW, OFF), NOW, RULES)
    assert decision.next
    c = custody.intend(decision.custody, decision.next, NOW)
    other = custody.decide(c, Observation(NOW, OFF), NOW + timedelta(seconds=10), RULES)
    assert Measure.SAVE not in {todo.measure for todo in other.todo}
    assert other.look_again == timedelta(seconds=20)
    late = custody.decide(c, Observation(NOW, OFF), NOW + timedelta(seconds=30), RULES)
    assert late.next
    assert late.next.measure is Measure.SAVE
    assert late.next.save_as != decision.next.save_as, "the first may still write under its own name"


def test_revoked_again_in_mid_unlock_the_first_save_stands() -> None:
    c = locked()
    first = c.measures[Measure.SAVE].save_as
    c, _, _ = run(c, OK, fails=lambda todo: todo.measure is Measure.SHUT_MAPPINGS)
    assert c.state is State.UNLOCKING
    c, steps, _ = run(c, OFF, NOW + timedelta(minutes=1))
    assert ("take", "save") not in steps
    assert ("take", "shut mappings") in steps
    assert (c.state, c.measures[Measure.SAVE].save_as) == (State.LOCKED, first)


def test_a_delayed_unlock_step_cannot_forget_the_save_of_a_newer_lock() -> None:
    """An unlock was cut off while it forgot its save, and a new lock followed. The late step names only the old save."""
    seen, c = Observation(NOW, OK), locked()
    decision = custody.decide(c, seen, NOW, RULES)
    while (todo := decision.next) and todo.measure is not Measure.SAVE:
        c = custody.done(custody.intend(decision.custody, todo, NOW), todo, NOW)
        decision = custody.decide(c, seen, NOW, RULES)
    assert todo
    c, _, _ = run(custody.intend(decision.custody, todo, NOW), OFF)
    assert c.state is State.LOCKED
    assert c.measures[Measure.SAVE].save_as not in todo.forget
    c, _, _ = run(c, OK)
    assert (c.state, c.strays) == (State.OPEN, ())


def test_what_was_opened_by_hand_is_shut_again_without_saving_and_proven() -> None:
    c = custody.found_open(locked(), Measure.SHUT_MAPPINGS, NOW, "all_access has mallory")
    c, steps, told = run(c, OFF)
    # Whoever was in may have begun a search, or have had a token made.
    assert steps == [("take", "shut mappings"), ("take", "end searches"), ("take", "prove")]
    assert told == [Tell.LOCK_OPENED]


def test_each_measure_found_open_is_told_once() -> None:
    """Somebody opened two measures, one of them twice. There are two alerts."""
    c = locked()
    for measure in (Measure.SHUT_MAPPINGS, Measure.CLOSE_INGRESS, Measure.SHUT_MAPPINGS):
        c = custody.found_open(c, measure, NOW, f"by hand: {measure}")
    told = [one.happened for one in c.outbox if one.name is Tell.LOCK_OPENED]
    assert len(told) == 2
    assert "undid 'shut mappings'" in told[0]
    assert "undid 'close ingress'" in told[1]


def test_custody_stays_small_however_much_its_measures_have_to_tell() -> None:
    much, c = "a mapping was opened; " * 100_000, locked()
    for record in list(c.measures):
        todo = Todo(record, Act.TAKE)
        for told in (custody.done(c, todo, NOW, much), custody.failed(c, todo, NOW, much)):
            assert len(told.measures[record].detail) < 2100
            c = told
    for measure in ENGINE:
        c = custody.found_open(custody.done(c, Todo(measure, Act.TAKE), NOW, much), measure, NOW, much)
    assert len(msgspec.json.encode(c)) < 100_000


@pytest.mark.parametrize("measure", [Measure.SAVE, Measure.END_SESSIONS])
def test_what_cannot_be_found_open_is_left_as_it_is(measure: Measure) -> None:
    assert custody.found_open(locked(), measure, NOW, "") == locked()


def test_a_hold_locks_a_healthy_deployment_until_it_is_released() -> None:
    c = custody.hold(Custody("demo"), "ann", "suspicious reads", NOW)
    c, _, told = run(c, OK)
    assert (c.state, c.health, told) == (State.LOCKED, Health.HEALTHY, [Tell.LOCKED])
    assert run(c, OK, NOW + timedelta(days=1))[0].state is State.LOCKED
    assert run(custody.release(c), AWAY)[0].state is State.LOCKED, "it opens once seen healthy"
    assert run(custody.release(c), OK)[0].state is State.OPEN


def test_held_and_then_revoked_the_new_reason_is_told() -> None:
    c, _, _ = run(custody.hold(Custody("demo"), "ann", "suspicious reads", NOW), OK)
    c, _, told = run(c, OFF, NOW + timedelta(minutes=1))
    assert told == [Tell.LOCKED]
    with pytest.raises(
        Refused, match=r"restore the key, then unlock it again \(locked manually by ann: suspicious reads\)"
    ):
        custody.release(c)


@pytest.mark.parametrize("found", [OFF, AWAY])
def test_release_is_refused_while_the_key_is_revoked(found: tuple[Probe, ...]) -> None:
    """Also if the key cannot be reached now and was revoked when it last answered. The error says to restore the key."""
    c, _, _ = run(locked(), found)
    with pytest.raises(Refused, match="restore the key"):
        custody.release(c)


@pytest.mark.parametrize("write", [False, True])
def test_a_window_lets_break_glass_do_what_was_asked_and_ends_by_itself(write: bool) -> None:
    """It allows reads, or writes if asked for. Its beginning and its end are told, and afterwards nobody is let in."""
    c = custody.open_break_glass(locked(), "ann", "incident 7", 10, NOW, RULES, write=write)
    asked = custody.decide(c, Observation(NOW, OFF), NOW, RULES).todo
    assert {todo.let_in for todo in asked} == {LetIn.WRITES if write else LetIn.READS}
    c, steps, told = run(c, OFF)
    assert steps == WINDOW
    assert told == [Tell.BREAK_GLASS_OPEN]
    assert run(c, OFF, NOW + timedelta(minutes=9))[1] == []
    c, steps, told = run(c, OFF, NOW + timedelta(minutes=10))
    assert steps == WINDOW
    assert {c.measures[measure].let_in for measure in BY_WINDOW} == {LetIn.NOBODY}
    assert (c.state, c.break_glass, told) == (State.LOCKED, None, [Tell.BREAK_GLASS_ENDED])


def test_a_step_done_for_a_window_that_has_ended_is_done_again_without_it() -> None:
    """Its doer read the custody before the window was ended, and wrote down after it."""
    opened = custody.open_break_glass(locked(), "ann", "incident 7", 10, NOW, RULES)
    todo = custody.decide(opened, Observation(NOW, OFF), NOW, RULES).todo[0]
    c = custody.done(custody.close_break_glass(custody.intend(opened, todo, NOW)), todo, NOW)
    assert not custody.in_place(c, Measure.SHUT_MAPPINGS)
    c, steps, _ = run(c, OFF)
    assert steps[0] == ("take", "shut mappings")
    assert custody.in_place(c, Measure.SHUT_MAPPINGS)


def test_an_unlock_cut_off_while_deleting_a_save_can_still_name_it() -> None:
    """Whoever takes over the step knows the name of the save that is to be forgotten."""
    c = locked()
    names = {measure: c.measures[measure].save_as for measure in SAVE_OF if c.measures[measure].save_as}
    assert len(set(names.values())) == len(names) > 2
    seen, forgotten = Observation(NOW, OK), {}
    while todo := custody.decide(c, seen, NOW, RULES).next:
        c = custody.intend(custody.decide(c, seen, NOW, RULES).custody, todo, NOW)
        if todo.measure in SAVE_OF:
            assert c.measures[todo.measure].save_as == names[todo.measure]
            later = NOW + RULES.lease  # whoever was at it is gone
            again = custody.decide(c, Observation(later, OK), later, RULES).todo
            forgotten |= {one.measure: one.forget for one in again if one.measure is todo.measure}
        c = custody.done(c, todo, NOW)
    assert forgotten == {measure: (name,) for measure, name in names.items()}


def test_a_suspicion_is_looked_at_again_soon_and_a_healthy_key_is_not() -> None:
    look = partial(custody.decide, Custody("demo"), now=NOW, rules=RULES)
    assert look(Observation(NOW, (OK[0], DENIED_USE))).look_again == RULES.look_again
    assert look(Observation(NOW, OK)).look_again is None


def test_what_is_not_undone_is_over_with_the_beginning_of_an_unlock() -> None:
    c, later = locked(), NOW + timedelta(hours=1)
    tried = replace(c.measures[Measure.END_SEARCHES], failures=2)
    c = replace(c, measures={**c.measures, Measure.END_SEARCHES: tried})
    after = custody.decide(c, Observation(later, OK), later, RULES).custody
    assert after.state is State.UNLOCKING
    for measure in (Measure.END_SEARCHES, Measure.PROVE):
        record = after.measures[measure]
        assert (record.progress, record.act, record.at, record.failures) == (Progress.UNDONE, Act.UNDO, later, 0)


def test_a_window_is_looked_at_again_when_it_ends() -> None:
    c, _, _ = run(custody.open_break_glass(locked(), "ann", "incident 7", 10, NOW, RULES), OFF)
    at = NOW + timedelta(minutes=4)
    assert custody.decide(c, Observation(at, OFF), at, RULES).look_again == timedelta(minutes=6)
    assert custody.decide(locked(), Observation(at, OFF), at, RULES).look_again is None


def test_what_a_lock_leaves_out_is_left_out_by_a_deletion_too() -> None:
    rules = replace(RULES, measures=RULES.measures - {Measure.END_SEARCHES})
    c, _, _ = run(custody.open_break_glass(locked(rules), "ann", "incident 7", 10, NOW, rules), OFF, rules=rules)
    _, steps, _ = run(custody.ask_delete(c, "demo", "ann", NOW), OFF, rules=rules)
    assert ("take", "end searches") not in steps
    assert steps[:2] == WINDOW[:2]


def test_a_deletion_shuts_out_first_whom_a_window_had_let_in() -> None:
    c, _, _ = run(custody.open_break_glass(locked(), "ann", "incident 7", 10, NOW, RULES), OFF)
    _, steps, _ = run(custody.ask_delete(c, "demo", "ann", NOW), OFF)
    assert steps[:2] == WINDOW[:2]
    assert steps.index(("take", "final snapshot")) > steps.index(("take", "block indices"))


@pytest.mark.parametrize("back", [timedelta(seconds=1), timedelta(days=1)])
def test_break_glass_ends_when_the_clock_is_set_back_behind_its_opening(back: timedelta) -> None:
    c, _, _ = run(custody.open_break_glass(locked(), "ann", "incident", 10, NOW, RULES), OFF)
    assert run(c, OFF, NOW - back)[0].break_glass is None


def test_break_glass_is_gone_once_the_deployment_is_open() -> None:
    c, _, _ = run(custody.open_break_glass(locked(), "ann", "incident", 10, NOW, RULES), OFF)
    c, steps, told = run(c, OK)
    assert (c.state, c.break_glass) == (State.OPEN, None)
    assert ("undo", "shut mappings") in steps
    assert told == [Tell.BREAK_GLASS_ENDED, Tell.UNLOCKED]


def refusals() -> dict[str, Callable[[], Custody]]:
    c, opened, deleting = locked(), Custody("demo"), custody.ask_delete(locked(), "demo", "ann", NOW)
    begun = run(deleting, OFF, fails=lambda todo: todo.measure is Measure.DELETE_DOMAIN)[0]
    return {
        "a lock by hand needs a reason": lambda: custody.hold(opened, "ann", " ", NOW),
        "it cannot be held": lambda: custody.hold(deleting, "ann", "why not", NOW),
        "it cannot be unlocked": lambda: custody.release(deleting),
        "break-glass is for a locked deployment": lambda: custody.open_break_glass(opened, "a", "r", 5, NOW, RULES),
        "break-glass needs a reason": lambda: custody.open_break_glass(c, "ann", "", 5, NOW, RULES),
        "lasts 1 to 240 minutes, not 241": lambda: custody.open_break_glass(c, "ann", "r", 241, NOW, RULES),
        "lasts 1 to 240 minutes, not 0": lambda: custody.open_break_glass(c, "ann", "r", 0, NOW, RULES),
        "only a locked deployment is deleted": lambda: custody.ask_delete(opened, "demo", "ann", NOW),
        "asked to delete 'prod'": lambda: custody.ask_delete(c, "prod", "ann", NOW),
        "no deletion that could still be called off": lambda: custody.cancel_delete(begun),
        "there is no deletion to go on with": lambda: custody.forgo_snapshot(c),
        "is locked: there is no deletion": lambda: custody.cancel_delete(c),
    }


@pytest.mark.parametrize("why", sorted(refusals()))
def test_a_person_is_refused_with_the_reason(why: str) -> None:
    with pytest.raises(Refused) as refused:
        refusals()[why]()
    assert why in str(refused.value)


@pytest.mark.parametrize(
    ("snapshot", "steps"),
    [(True, ["final snapshot", "delete domain", "verify gone"]), (False, ["delete domain", "verify gone"])],
)
def test_a_deletion_is_asked_for_by_name_and_ends(snapshot: bool, steps: list[str]) -> None:
    c = custody.ask_delete(locked(), "demo", "ann", NOW, snapshot=snapshot)
    c, taken, told = run(c, OK)  # it goes on though the key has come back
    assert [m for _, m in taken] == steps
    assert (c.state, told) == (State.DELETED, [Tell.DELETING, Tell.DELETED])
    assert run(c, OFF) == (c, [], [])


def test_without_its_final_snapshot_a_domain_is_not_deleted() -> None:
    c = custody.ask_delete(locked(), "demo", "ann", NOW)
    c, taken, told = run(c, OFF, fails=lambda todo: todo.measure is Measure.FINAL_SNAPSHOT)
    assert taken == [("take", "final snapshot")]
    assert Tell.DELETE_INCOMPLETE not in told, "a snapshot takes its time"
    c, _, told = run(c, OFF, NOW + Rules().delete_grace, fails=lambda todo: todo.measure is Measure.FINAL_SNAPSHOT)
    assert Tell.DELETE_INCOMPLETE in told
    c = custody.cancel_delete(c)
    proven = [one for one in (Measure.SHUT_MAPPINGS, Measure.PROVE) if custody.in_place(c, one)]
    assert proven == [], "the taker of snapshots was in: shut and proven once more"
    assert run(c, OFF, NOW + timedelta(hours=1))[0].state is State.LOCKED


def test_a_deletion_can_go_on_without_its_snapshot_if_a_person_says_so() -> None:
    """The final snapshot failed. A person gives it up, and the domain is deleted."""
    c = custody.ask_delete(locked(), "demo", "ann", NOW)
    c = run(c, OFF, fails=lambda todo: todo.measure is Measure.FINAL_SNAPSHOT)[0]
    c, taken, told = run(custody.forgo_snapshot(c), OFF, NOW + Rules().delete_grace)
    assert taken == [("take", "delete domain"), ("take", "verify gone")]
    assert (c.state, told) == (State.DELETED, [Tell.DELETED])


def test_nothing_is_ever_deleted_by_itself_a_deadline_only_prompts() -> None:
    rules = Rules(delete_deadline=timedelta(days=30))
    c, prompts = locked(rules), 0
    for day in range(1, 40):
        c, steps, told = run(c, OFF, NOW + timedelta(days=day), rules=rules)
        assert (c.state, steps) == (State.LOCKED, [])
        prompts += told.count(Tell.DELETE_OVERDUE)
    assert prompts == 10
    c = locked()
    assert Tell.DELETE_OVERDUE not in run(c, OFF, NOW + timedelta(days=400))[2], "no deadline, no prompt"


def test_a_lock_is_told_again_at_its_interval_and_not_before() -> None:
    c, told = locked(), []
    for hour in range(1, 49):
        c, _, names = run(c, OFF, NOW + timedelta(hours=hour))
        told += [(hour, name) for name in names]
    assert told == [(hour, Tell.LOCKED) for hour in (12, 24, 36, 48)]


def test_an_alert_waits_in_the_outbox_until_it_was_told() -> None:
    decision = custody.decide(custody.hold(Custody("demo"), "ann", "r", NOW), Observation(NOW, OK), NOW, RULES)
    while todo := decision.next:
        c = custody.done(custody.intend(decision.custody, todo, NOW), todo, NOW)
        decision = custody.decide(c, Observation(NOW, OK), NOW, RULES)
    again = custody.decide(decision.custody, Observation(NOW, OK), NOW, RULES)
    assert again.alerts == decision.alerts != ()
    kept = custody.told(again.custody, again.alerts[0])
    assert custody.decide(kept, Observation(NOW, OK), NOW, RULES).alerts == ()


def test_alerts_and_errors_say_which_measures_failed_and_why() -> None:
    seen = Observation(NOW, OFF, by="arn:aws:iam::111122223333:user/eve")
    decision = custody.decide(Custody("demo"), seen, NOW, RULES)
    assert decision.next
    c = custody.failed(custody.intend(decision.custody, decision.next, NOW), decision.next, NOW, "timed out")
    alert = custody.decide(c, seen, NOW, RULES).alerts[0]
    assert "save (timed out, tried 1 time)" in alert.happened
    assert "revoked (disabled) since 2026-05-01" in alert.happened
    assert "user/eve" in alert.happened


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        (lambda: Rules(measures=frozenset({Measure.PROVE})), "at least one measure that shuts people out"),
        (lambda: Rules(measures=frozenset({Measure.SHUT_MAPPINGS, Measure.DELETE_DOMAIN})), "no measures of a lock"),
        (lambda: Rules(healthy_probes=1), "two independent probes"),
    ],
)
def test_rules_that_would_not_lock_are_bad_input(rules: Callable[[], Rules], text: str) -> None:
    with pytest.raises(BadInput, match=text):
        rules()


def test_a_record_of_a_newer_portcullis_is_bad_input_and_not_misread() -> None:
    record = encode(locked())
    assert decode_whole(record, Custody) == locked()
    newer = encode({**decode(record), "novelty": 1})
    with pytest.raises(BadInput, match="unknown fields novelty"):
        decode_whole(newer, Custody)


def test_the_page_about_custody_knows_every_state_error_measure_and_alert() -> None:
    page = (Path(__file__).parents[2] / "docs" / "custody.md").read_text()
    words = [
        *probes.KEY_STATES,
        *probes.ERROR_CODES,
        *Tell,
        *State,
        *(m for m in Measure if m not in SAVE_OF),
        *RevocationCause,
    ]
    assert [word for word in words if f"`{word}`" not in page] == []


def test_every_save_has_a_measure_and_every_trouble_an_interval() -> None:
    assert set(SAVE_OF) | set(SAVE_OF.values()) < set(LOCK_ORDER)
    troubles = set(custody.telling._troubles(Custody("demo"), NOW, RULES))
    assert troubles == set(RULES.repeat)
    assert set(WORDS) == set(Tell)
