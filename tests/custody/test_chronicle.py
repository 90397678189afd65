"""What the history says of each change of a custody, word for word: people read it after an incident."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from portcullis.custody.chronicle import Entry, chronicle
from portcullis.custody.types import (
    Act,
    BreakGlass,
    Custody,
    Deletion,
    Health,
    Hold,
    Measure,
    MeasureRecord,
    Progress,
    RevocationCause,
    Severity,
    State,
    Tell,
    Told,
)
from portcullis.words import moment

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def told(name: Tell) -> Told:
    return Told(name, Severity.INFO, NOW, f"{name} happened", "done", "next")


OPEN = Custody("demo")
HOLD = Hold("anna", "a drill", NOW)
WINDOW = BreakGlass("anna", "an order", at(0), at(300))
ENDS = (at(0).isoformat(), at(300).isoformat())
REVOKED = replace(OPEN, health=Health.REVOKED, cause=RevocationCause.DISABLED)
LOCKED = replace(OPEN, state=State.LOCKED)
CHANGES: dict[str, tuple[Custody, Custody, tuple[Entry, ...]]] = {
    "nothing": (OPEN, OPEN, ()),
    "held": (OPEN, replace(OPEN, hold=HOLD), (Entry("hold", "locked manually by anna: a drill"),)),
    "still held": (replace(OPEN, hold=HOLD), replace(OPEN, hold=HOLD, version=9), ()),
    "released": (replace(OPEN, hold=HOLD), OPEN, (Entry("release", "the lock by hand was taken off"),)),
    "a window that reads": (
        LOCKED,
        replace(LOCKED, break_glass=WINDOW),
        (Entry("break-glass", f"open for anna until {moment(at(300))}: an order", ENDS),),
    ),
    "a window that writes": (
        replace(LOCKED, break_glass=WINDOW),
        replace(LOCKED, break_glass=replace(WINDOW, write=True)),
        (Entry("break-glass", f"open for anna until {moment(at(300))}: an order (reads and writes)", ENDS),),
    ),
    "the same window": (replace(LOCKED, break_glass=WINDOW), replace(LOCKED, break_glass=WINDOW, version=9), ()),
    "a window that ended": (replace(LOCKED, break_glass=WINDOW), LOCKED, (Entry("break-glass", "ended"),)),
    "the key alone": (OPEN, REVOKED, (Entry("key", "key revoked (disabled), was healthy"),)),
    "the key again": (REVOKED, OPEN, (Entry("key", "key healthy, was revoked"),)),
    "events of their own": (
        replace(OPEN, outbox=(told(Tell.KEY_ROTATED),)),
        replace(OPEN, outbox=(told(Tell.KEY_ROTATED), told(Tell.LOCK_OPENED), told(Tell.LOCKED))),
        (Entry("lock-opened", "lock-opened happened"),),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_people_asked_for_and_what_happened_to_the_key_is_said_once(change: str) -> None:
    before, after, said = CHANGES[change]
    assert chronicle(before, after) == said


MOVES: dict[str, tuple[Custody, Custody, str]] = {
    "a revocation": (OPEN, replace(REVOKED, state=State.LOCKING), "open -> locking, key revoked (disabled)"),
    "by somebody": (
        OPEN,
        replace(REVOKED, state=State.LOCKING, by="eve"),
        "open -> locking, key revoked (disabled), by eve",
    ),
    "by a person": (
        OPEN,
        replace(OPEN, state=State.LOCKING, hold=HOLD, by="eve"),
        "open -> locking, key healthy, locked manually by anna: a drill",
    ),
    "whole": (replace(OPEN, state=State.LOCKING), replace(LOCKED, hold=HOLD), "locking -> locked, key healthy"),
    "open again": (
        replace(OPEN, state=State.UNLOCKING, lock_began=at(-61.9)),
        replace(OPEN, since=NOW),
        "unlocking -> open, key healthy, after 0:01:01",
    ),
    "open again, since when is not known": (
        replace(OPEN, state=State.UNLOCKING),
        replace(OPEN, since=NOW),
        "unlocking -> open, key healthy",
    ),
    "on the way to open": (
        replace(LOCKED, lock_began=at(-60)),
        replace(OPEN, state=State.UNLOCKING, since=NOW),
        "locked -> unlocking, key healthy",
    ),
    "deleting": (
        LOCKED,
        replace(LOCKED, state=State.DELETING, deletion=Deletion("anna", NOW)),
        "locked -> deleting, key healthy, asked for by anna",
    ),
    "deleted": (
        replace(LOCKED, state=State.DELETING, deletion=Deletion("anna", NOW)),
        replace(LOCKED, state=State.DELETED, deletion=Deletion("anna", NOW)),
        "deleting -> deleted, key healthy",
    ),
}


@pytest.mark.parametrize("move", MOVES)
def test_a_transition_says_from_where_to_where_and_why(move: str) -> None:
    before, after, summary = MOVES[move]
    *_, entry = chronicle(before, after)
    assert (entry.operation, entry.summary) == (after.state.value, summary)


def records(act: Act) -> dict[Measure, MeasureRecord]:
    return {
        Measure.SHUT_MAPPINGS: MeasureRecord(Progress.DONE, at(3), "2 roles", act),
        Measure.SAVE: MeasureRecord(Progress.DONE, at(2), act=act),
        Measure.END_SESSIONS: MeasureRecord(Progress.SKIPPED, at(4), act=act),
        Measure.PROVE: MeasureRecord(Progress.FAILED, at(5), "no answer", act),
    }


def lines(after: Custody, event_at: str = "") -> tuple[str, ...]:
    [entry] = chronicle(replace(after, state=State.DELETED), after, event_at)
    return entry.lines


def test_the_timeline_of_a_lock_starts_with_the_event_and_lists_each_step() -> None:
    """Every line has its time and how it ended, and they are in order."""
    shut = replace(
        LOCKED, since=at(6), revoked_since=at(1), confirmed_by=("describe", "use"), measures=records(Act.TAKE)
    )
    assert lines(shut, at(0).isoformat()) == (
        "2026-05-01T12:00:00.000+00:00 the event happened that made Portcullis look",
        "2026-05-01T12:00:01.000+00:00 the key was seen to be revoked (describe, use)",
        "2026-05-01T12:00:02.000+00:00 save: done",
        "2026-05-01T12:00:03.000+00:00 shut mappings: done (2 roles)",
        "2026-05-01T12:00:05.000+00:00 prove: failed (no answer)",
        "2026-05-01T12:00:06.000+00:00 locked",
    )


@pytest.mark.parametrize("state", [State.UNLOCKING, State.OPEN])
def test_while_unlocking_the_timeline_shows_only_undone_steps_and_groups(state: State) -> None:
    """The steps that were taken belong to the lock. In the locked state they are shown instead."""
    taken, undone = records(Act.TAKE), MeasureRecord(Progress.UNDONE, at(2), act=Act.UNDO)
    groups = MeasureRecord(Progress.DONE, at(1), "1 out")
    measures = {**taken, Measure.SHUT_MAPPINGS: undone, Measure.FOLLOW: groups}
    assert lines(replace(OPEN, state=state, measures=measures)) == (
        "2026-05-01T12:00:01.000+00:00 follow groups: done (1 out)",
        "2026-05-01T12:00:02.000+00:00 shut mappings: undone",
    )
    assert len(lines(replace(LOCKED, measures=measures))) == 3, "in a lock, what was taken"


@pytest.mark.parametrize(
    ("event_at", "first"),
    [
        ("", "2026-05-01T12:00:06"),
        ("yesterday", "2026-05-01T12:00:06"),
        ("2026-05-01T11:59:59Z", "2026-05-01T11:59:59.000+00:00"),
        ("2026-05-01T11:59:59", "2026-05-01T11:59:59.000+00:00"),
        ("2026-05-01T13:59:59+02:00", "2026-05-01T13:59:59.000+02:00"),
    ],
)
def test_the_event_time_is_read_as_utc_if_it_has_no_time_zone(event_at: str, first: str) -> None:
    """A time with a zone is kept as it comes. What is no time is left out of the timeline."""
    assert lines(replace(LOCKED, since=at(6)), event_at)[0].startswith(first)
