"""What is written down of a step, before it and after it, and what is told of each trouble, word for word."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from portcullis import custody
from portcullis.custody import telling
from portcullis.custody.rules import Rules
from portcullis.custody.steps import begin_telling, end_telling, failed, found_open, intend, others_tell
from portcullis.custody.types import (
    BY_WINDOW,
    SAVE_OF,
    USE,
    Act,
    BreakGlass,
    Custody,
    Deletion,
    Health,
    Hold,
    LetIn,
    Measure,
    MeasureRecord,
    Probe,
    Progress,
    RevocationCause,
    State,
    Suspicion,
    Tell,
    Todo,
)

NOW = datetime(2026, 5, 1, tzinfo=UTC)
LATER = NOW + timedelta(seconds=5)
RULES = Rules()
TAKE, UNDO = Act.TAKE, Act.UNDO
SHUT, SAVE = Measure.SHUT_MAPPINGS, Measure.SAVE


def having(progress: Progress, measure: Measure = SHUT, state: State = State.LOCKED, **more: object) -> Custody:
    record = replace(MeasureRecord(progress, NOW, "before"), **more)  # type: ignore[arg-type]
    proven = MeasureRecord(Progress.DONE, NOW)
    return Custody("demo", state=state, measures={measure: record, Measure.PROVE: proven})


# ---------------------------------------------------------------------- intend


@pytest.mark.parametrize(("act", "failures"), [(TAKE, 3), (UNDO, 0)])
def test_failures_are_counted_on_in_the_same_direction_and_anew_in_the_other(act: Act, failures: int) -> None:
    c = intend(having(Progress.FAILED, failures=3), Todo(SHUT, act), LATER)
    assert (c.measures[SHUT].failures, c.measures[SHUT].act, c.measures[SHUT].at) == (failures, act, LATER)
    assert c.measures[SHUT].progress is Progress.INTENDED
    assert failed(c, Todo(SHUT, act), LATER, "why").measures[SHUT].failures == failures + 1


def test_only_a_save_records_its_name_and_each_name_is_counted_once() -> None:
    """A save that was replaced by a newer one is listed, so that it can be forgotten. One that was forgotten already is not."""
    c = intend(Custody("demo"), Todo(SHUT, TAKE, save_as="save-1", let_in=LetIn.READS), NOW)
    assert (c.measures[SHUT].save_as, c.measures[SHUT].let_in, c.saves) == ("", LetIn.READS, 0)
    c = intend(c, Todo(SAVE, TAKE, save_as="save-1"), NOW)
    assert (c.measures[SAVE].save_as, c.saves, c.strays) == ("save-1", 1, ())
    c = intend(c, Todo(SAVE, TAKE, save_as="save-1"), NOW)
    assert (c.saves, c.strays) == (1, ())
    c = intend(c, Todo(SAVE, TAKE, save_as="save-2"), NOW)
    assert (c.saves, c.strays) == (2, ("save-1",)), "the one that was overtaken is to be forgotten"
    undone = replace(c, measures={SAVE: replace(c.measures[SAVE], progress=Progress.UNDONE)})
    c = intend(undone, Todo(SAVE, TAKE, save_as="save-3"), NOW)
    assert (c.saves, c.strays) == (3, ("save-1",)), "one that was forgotten is no stray"


def test_what_a_failed_save_kept_is_kept_on_and_a_long_detail_is_cut() -> None:
    c = failed(having(Progress.INTENDED, SAVE, save_as="save-1"), Todo(SAVE, TAKE), LATER, "x" * 3000)
    assert (c.measures[SAVE].save_as, c.measures[SAVE].failures) == ("save-1", 1)
    assert c.measures[SAVE].detail == "x" * 2000 + " ... (cut)"
    whole = failed(c, Todo(SAVE, TAKE), LATER, "x" * 2000)
    assert (whole.measures[SAVE].detail, whole.measures[SAVE].failures) == ("x" * 2000, 2)
    new = failed(Custody("demo"), Todo(SHUT, TAKE, let_in=LetIn.WRITES), NOW, "why")
    assert new.measures[SHUT] == MeasureRecord(Progress.FAILED, NOW, "why", failures=1, let_in=LetIn.WRITES)


# ---------------------------------------------------------------------- found open


@pytest.mark.parametrize("state", [State.LOCKING, State.LOCKED])
def test_a_measure_that_somebody_undid_is_taken_again_and_proven_again(state: State) -> None:
    c = found_open(having(Progress.DONE, state=state), SHUT, LATER, "eve is in")
    assert c.measures == {SHUT: MeasureRecord(Progress.FAILED, LATER, "eve is in")}
    assert [told.name for told in c.outbox] == [Tell.LOCK_OPENED]
    proof = found_open(having(Progress.DONE), Measure.PROVE, LATER, "")
    assert proof.measures[Measure.PROVE].progress is Progress.FAILED


@pytest.mark.parametrize(
    ("opened", "progress", "stays"),
    [
        (SHUT, Progress.DONE, False),
        (SHUT, Progress.INTENDED, True),  # somebody else has it in hand
        (Measure.BLOCK_INDICES, Progress.DONE, True),  # lets nobody in by itself
    ],
)
def test_what_is_open_ends_again_once_somebody_was_let_in(opened: Measure, progress: Progress, stays: bool) -> None:
    c = having(Progress.DONE, opened)
    c = replace(c, measures={**c.measures, Measure.END_SEARCHES: MeasureRecord(progress, NOW)})
    assert (Measure.END_SEARCHES in found_open(c, opened, LATER, "open").measures) is stays


WINDOW = BreakGlass("ann", "an order", NOW, NOW + timedelta(minutes=5))
LATE = {
    "open": having(Progress.DONE, state=State.OPEN),
    "unlocking": having(Progress.DONE, state=State.UNLOCKING),
    "not done": having(Progress.FAILED),
    "taken for nobody, and a window opened since": replace(having(Progress.DONE), break_glass=WINDOW),
    "taken for a window that is over": having(Progress.DONE, let_in=LetIn.READS),
}


@pytest.mark.parametrize("case", LATE)
def test_a_report_that_comes_late_changes_nothing(case: str) -> None:
    assert found_open(LATE[case], SHUT, LATER, "open") is LATE[case]


@pytest.mark.parametrize("save", SAVE_OF)
def test_a_save_cannot_be_found_open(save: Measure) -> None:
    c = having(Progress.DONE, save)
    assert found_open(c, save, LATER, "open") is c


@pytest.mark.parametrize("measure", [Measure.CLOSE_INGRESS, *sorted(BY_WINDOW)])
def test_whom_a_measure_was_taken_for_matters_only_where_a_window_changes_it(measure: Measure) -> None:
    c = replace(having(Progress.DONE, measure), break_glass=WINDOW)
    assert (found_open(c, measure, LATER, "open") is c) == (measure in BY_WINDOW)
    asked = replace(having(Progress.DONE, measure, let_in=LetIn.READS), break_glass=WINDOW)
    assert found_open(asked, measure, LATER, "open").measures[measure].let_in is LetIn.READS


# ---------------------------------------------------------------------- who tells


@pytest.mark.parametrize(
    ("seconds", "others"), [(0, True), (29, True), (30, False), (-29, True), (-30, False), (4000, False)]
)
def test_only_one_of_several_looks_alerts_until_its_lease_ends(seconds: int, others: bool) -> None:
    """If it has not finished after 30 seconds, another look may tell instead."""
    c = begin_telling(Custody("demo"), NOW)
    assert c.telling_since == NOW
    assert others_tell(c, NOW + timedelta(seconds=seconds), timedelta(seconds=30)) is others
    assert not others_tell(end_telling(c, NOW), NOW, timedelta(seconds=30))
    assert not others_tell(Custody("demo"), NOW, timedelta(seconds=30))


def test_whoever_was_taken_over_from_does_not_end_the_telling_of_others() -> None:
    c = begin_telling(Custody("demo"), NOW + timedelta(seconds=60))
    assert end_telling(c, NOW) == c


# ---------------------------------------------------------------------- what is told


REVOKED = Custody(
    "demo",
    state=State.LOCKED,
    health=Health.REVOKED,
    since=LATER,
    revoked_since=NOW,
    cause=RevocationCause.DISABLED,
    by="eve",
    key_id="key-1",
    domain_key_id="key-2",
    measures={
        SHUT: MeasureRecord(Progress.DONE, LATER),
        SAVE: MeasureRecord(Progress.DONE, LATER),
        Measure.BLOCK_INDICES: MeasureRecord(Progress.FAILED, LATER, "no answer", failures=2),
        Measure.CLOSE_INGRESS: MeasureRecord(Progress.FAILED, LATER, failures=1),
    },
    suspected=(Suspicion(Probe(USE, Health.REVOKED, RevocationCause.ACCESS_DENIED), NOW, NOW),),
    unreachable_since=NOW,
)
FULL = replace(REVOKED, hold=Hold("ann", "a drill", NOW), break_glass=WINDOW, deletion=Deletion("ann", NOW))
CUSTODIES = {
    "of which nothing is known": Custody("demo"),
    "revoked": REVOKED,
    "of which everything is known": FULL,
    "held": replace(Custody("demo", state=State.LOCKED), hold=Hold("ann", "a drill", NOW)),
    "with a window that writes, and to be deleted without a snapshot": replace(
        FULL, break_glass=replace(WINDOW, write=True), deletion=Deletion("ann", NOW, snapshot=False)
    ),
}
MORE = {"how": "HOW", "downtime": "DOWNTIME", "measure": "MEASURE", "detail": "DETAIL"}
GOLDEN = Path(__file__).parent / "golden" / "told.json"


def words() -> dict[str, dict[str, list[str]]]:
    """Custody -> alert -> its severity, its words and its page."""
    return {
        case: {
            name.value: [told.severity.value, told.happened, told.done, told.next, told.runbook]
            for name in Tell
            for told in [telling._word(c, name, NOW, MORE)]
        }
        for case, c in CUSTODIES.items()
    }


@pytest.mark.parametrize("case", CUSTODIES)
def test_each_alert_says_what_was_read_over_once(case: str) -> None:
    """Other words are meant, and read over? python -m tests.custody.test_custody_steps writes the file anew."""
    assert words()[case] == json.loads(GOLDEN.read_text(encoding="utf-8"))[case]


def troubles(c: Custody, after: timedelta, rules: Rules = RULES) -> set[Tell]:
    return {name for name, there in telling._troubles(c, NOW + after, rules).items() if there}


FAILING = MeasureRecord(Progress.FAILED, NOW, "down", failures=1)
MINUTE = timedelta(minutes=1)
THERE: dict[str, tuple[Custody, timedelta, set[Tell]]] = {
    "nothing": (Custody("demo"), MINUTE, set()),
    "unreachable for less than the grace": (Custody("demo", unreachable_since=NOW), 1.9 * MINUTE, set()),
    "unreachable for the grace": (Custody("demo", unreachable_since=NOW), 2 * MINUTE, {Tell.KEY_UNREACHABLE}),
    "suspected just now": (Custody("demo", suspected=REVOKED.suspected), 0.4 * MINUTE, set()),
    "suspected for a while": (Custody("demo", suspected=REVOKED.suspected), 0.5 * MINUTE, {Tell.KEY_SUSPECTED}),
    "suspected and revoked": (
        Custody("demo", suspected=REVOKED.suspected, revoked_since=NOW, state=State.UNLOCKING),
        MINUTE,
        set(),
    ),
    "locked": (Custody("demo", state=State.LOCKED), MINUTE, {Tell.LOCKED}),
    "a lock that fails": (
        Custody("demo", state=State.LOCKING, measures={SHUT: FAILING}),
        MINUTE,
        {Tell.LOCK_INCOMPLETE},
    ),
    "a lock that fails where it may": (
        Custody("demo", state=State.LOCKING, measures={Measure.DENY_POLICY: FAILING}),
        MINUTE,
        set(),
    ),
    "an unlock that fails": (
        Custody("demo", state=State.UNLOCKING, measures={SHUT: replace(FAILING, act=UNDO)}),
        MINUTE,
        {Tell.UNLOCK_INCOMPLETE},
    ),
    "an unlock after a lock that failed": (
        Custody("demo", state=State.UNLOCKING, measures={SHUT: FAILING}),
        MINUTE,
        set(),
    ),
    "an unlock that cannot read the groups": (
        Custody("demo", state=State.UNLOCKING, measures={Measure.FOLLOW: FAILING}),
        MINUTE,
        {Tell.UNLOCK_INCOMPLETE},
    ),
    "a lock after an unlock that failed": (
        Custody("demo", state=State.LOCKING, measures={SHUT: replace(FAILING, act=UNDO)}),
        MINUTE,
        set(),
    ),
    "open, and something failed in the unlock": (
        Custody("demo", measures={SHUT: replace(FAILING, act=UNDO), Measure.FOLLOW: FAILING}),
        MINUTE,
        set(),
    ),
    "a window": (Custody("demo", break_glass=WINDOW), MINUTE, {Tell.BREAK_GLASS_OPEN}),
    "another key": (Custody("demo", key_id="a", domain_key_id="b"), MINUTE, {Tell.ROTATION_NOT_FOLLOWED}),
    "the same key": (Custody("demo", key_id="a", domain_key_id="a"), MINUTE, set()),
    "a key that was never seen": (Custody("demo", key_id="", domain_key_id="b"), MINUTE, set()),
    "a deletion that has time": (
        Custody("demo", state=State.DELETING, deletion=Deletion("ann", NOW), measures={Measure.DELETE_DOMAIN: FAILING}),
        29 * MINUTE,
        set(),
    ),
    "a deletion that fails": (
        Custody("demo", state=State.DELETING, deletion=Deletion("ann", NOW), measures={Measure.DELETE_DOMAIN: FAILING}),
        30 * MINUTE,
        {Tell.DELETE_INCOMPLETE},
    ),
    "a deletion that goes well": (
        Custody("demo", state=State.DELETING, deletion=Deletion("ann", NOW)),
        99 * MINUTE,
        set(),
    ),
}


@pytest.mark.parametrize("case", THERE)
def test_which_troubles_are_there(case: str) -> None:
    c, after, expected = THERE[case]
    assert troubles(c, after) == expected


@pytest.mark.parametrize(
    ("state", "revoked", "after", "overdue"),
    [
        (State.LOCKED, True, 60, True),
        (State.LOCKED, True, 59, False),
        (State.LOCKED, False, 99, False),
        (State.LOCKING, True, 99, False),
    ],
)
def test_a_deadline_prompts_only_where_the_key_is_revoked(
    state: State, revoked: bool, after: int, overdue: bool
) -> None:
    rules = Rules(delete_deadline=60 * MINUTE)
    c = Custody("demo", state=state, since=NOW, revoked_since=NOW if revoked else None)
    assert (Tell.DELETE_OVERDUE in troubles(c, after * MINUTE, rules)) is overdue
    assert Tell.DELETE_OVERDUE not in troubles(replace(c, since=None), after * MINUTE, rules)
    assert Tell.DELETE_OVERDUE not in troubles(c, after * MINUTE)


OVER: dict[tuple[Tell, State], Tell | str | None] = {
    (Tell.LOCKED, State.OPEN): None,
    (Tell.LOCKED, State.DELETED): None,
    (Tell.LOCKED, State.UNLOCKING): "not yet",
    (Tell.LOCK_INCOMPLETE, State.LOCKED): Tell.LOCK_COMPLETE,
    (Tell.LOCK_INCOMPLETE, State.DELETING): Tell.LOCK_COMPLETE,
    (Tell.LOCK_INCOMPLETE, State.LOCKING): "not yet",
    (Tell.LOCK_INCOMPLETE, State.UNLOCKING): "not yet",
    (Tell.LOCK_INCOMPLETE, State.OPEN): None,
    (Tell.LOCK_INCOMPLETE, State.DELETED): None,
    (Tell.UNLOCK_INCOMPLETE, State.LOCKED): Tell.LOCK_COMPLETE,
    (Tell.UNLOCK_INCOMPLETE, State.UNLOCKING): "not yet",
    (Tell.UNLOCK_INCOMPLETE, State.OPEN): None,
    (Tell.KEY_SUSPECTED, State.OPEN): Tell.KEY_CLEARED,
    (Tell.KEY_UNREACHABLE, State.OPEN): Tell.KEY_REACHABLE,
    (Tell.BREAK_GLASS_OPEN, State.LOCKED): Tell.BREAK_GLASS_ENDED,
    (Tell.ROTATION_NOT_FOLLOWED, State.OPEN): Tell.ROTATION_FOLLOWED,
    (Tell.DELETE_OVERDUE, State.LOCKED): None,
}


@pytest.mark.parametrize(("name", "state"), OVER)
def test_a_trouble_that_is_over_is_followed_by_its_recovery_once_it_is(name: Tell, state: State) -> None:
    said = telling._over(name, Custody("demo", state=state))
    expected = OVER[name, state]
    assert said is (telling._NOT_YET if expected == "not yet" else expected)


def test_a_suspicion_that_came_true_is_no_recovery() -> None:
    assert telling._over(Tell.KEY_SUSPECTED, Custody("demo", revoked_since=NOW)) is None


@pytest.mark.parametrize(
    ("last", "told", "remembered"),
    [
        (None, True, LATER),
        (LATER - RULES.repeat[Tell.LOCKED], True, LATER),
        (LATER - RULES.repeat[Tell.LOCKED] + MINUTE, False, LATER - RULES.repeat[Tell.LOCKED] + MINUTE),
        (LATER, False, LATER),
        (LATER + MINUTE, False, LATER),
    ],
    ids=["never", "long ago", "not long ago", "now", "in a future that was taken back"],
)
def test_a_trouble_is_told_again_at_its_interval(last: datetime | None, told: bool, remembered: datetime) -> None:
    c = Custody("demo", state=State.LOCKED, alerted={} if last is None else {Tell.LOCKED: last})
    after = telling.tell(c, c, LATER, RULES)
    assert (bool(after.outbox), after.alerted) == (told, {Tell.LOCKED: remembered})


def test_the_downtime_told_counts_from_the_beginning_of_the_lock() -> None:
    """If nobody knows when the lock began, it is zero."""
    began = Custody("demo", state=State.UNLOCKING, lock_began=NOW - timedelta(hours=1, seconds=1, milliseconds=5))
    for before, said in ((began, "1:00:01"), (replace(began, lock_began=None), "0:00:00")):
        [told] = telling.tell(before, replace(before, state=State.OPEN), NOW, RULES).outbox
        assert told.name is Tell.UNLOCKED
        assert said in told.happened + told.done


def test_each_measure_that_was_opened_is_told_and_the_same_one_once() -> None:
    c = Custody("demo", state=State.LOCKED)
    for measure in (SHUT, Measure.BLOCK_INDICES, SHUT):
        c = custody.telling.opened(c, measure, NOW, "")
    assert [f"'{SHUT}'" in told.happened for told in c.outbox] == [False, True]
    assert "no detail" in c.outbox[0].happened + c.outbox[0].done


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(words(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
