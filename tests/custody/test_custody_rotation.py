"""Rotation interrupts nothing and is told; a schedule of rotations on demand says in time that it runs out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis import custody
from portcullis.custody.keys import rotation
from portcullis.custody.rules import Rules
from portcullis.custody.types import DESCRIBE, USE, Custody, Health, Observation, Probe, Severity, State, Tell
from portcullis.errors import BadInput

NOW = datetime(2026, 5, 1, tzinfo=UTC)
MONTH = timedelta(days=31)


def look(key: str, rotated: datetime | None = None, made_with: str = "k1") -> Observation:
    probes = (Probe(DESCRIBE, Health.HEALTHY), Probe(USE, Health.HEALTHY))
    return Observation(NOW, probes, key_id=key, rotated_at=rotated, domain_key_id=made_with)


def told(c: Custody, seen: Observation, rules: Rules | None = None) -> tuple[Custody, list[Tell]]:
    decision = custody.decide(c, seen, NOW, rules or Rules())
    assert decision.custody.state is State.OPEN
    assert decision.todo == (), "nothing is interrupted"
    kept = decision.custody
    for alert in decision.alerts:
        kept = custody.told(kept, alert)
    return kept, [alert.name for alert in decision.alerts]


def test_the_first_sight_of_a_key_is_no_rotation() -> None:
    assert told(Custody("demo"), look("k1", NOW))[1] == []


def test_an_automatic_rotation_is_told_once() -> None:
    c, _ = told(Custody("demo"), look("k1", NOW - MONTH))
    c, names = told(c, look("k1", NOW))
    assert names == [Tell.KEY_ROTATED]
    assert told(c, look("k1", NOW))[1] == []
    assert told(c, look("k1", NOW - MONTH))[1] == [], "an older answer is no rotation"


def test_a_moved_alias_is_told_and_that_the_domain_does_not_follow() -> None:
    c, _ = told(Custody("demo"), look("k1"))
    c, names = told(c, look("k2"))
    assert names == [Tell.KEY_ROTATED, Tell.ROTATION_NOT_FOLLOWED]
    decision = custody.decide(c, look("k2"), NOW + timedelta(days=1), Rules())
    assert [(a.name, a.runbook) for a in decision.alerts] == [(Tell.ROTATION_NOT_FOLLOWED, "rotation-not-followed")]
    c, names = told(c, look("k1"))
    assert names == [Tell.KEY_ROTATED, Tell.ROTATION_FOLLOWED]


@pytest.mark.parametrize(
    ("used", "left", "severity"),
    [
        (0, 25, Severity.INFO),
        (18, 7, Severity.INFO),
        (19, 6, Severity.WARNING),
        (22, 3, Severity.WARNING),
        (23, 2, Severity.CRITICAL),
        (25, 0, Severity.CRITICAL),
        (26, 0, Severity.CRITICAL),
    ],
)
def test_the_budget_warns_half_a_year_before_a_monthly_schedule_ends(used: int, left: int, severity: Severity) -> None:
    found = rotation.budget(used, MONTH, NOW)
    assert (found.left, found.severity) == (left, severity)
    assert found.last_on == (NOW + (left - 1) * MONTH if left else None)


@given(used=st.integers(0, 40), days=st.integers(1, 400))
def test_each_rotation_made_brings_the_end_no_nearer_than_planned(used: int, days: int) -> None:
    every = timedelta(days=days)
    now, then = rotation.budget(used, every, NOW), rotation.budget(used + 1, every, NOW + every)
    assert then.left == max(now.left - 1, 0)
    assert then.last_on in (now.last_on, None)


def test_rotations_are_read_in_any_order_and_only_those_on_demand_count() -> None:
    entries = [
        {"RotationDate": NOW - MONTH, "RotationType": "ON_DEMAND"},
        {"RotationDate": NOW, "RotationType": "AUTOMATIC"},
        {"RotationDate": NOW - 2 * MONTH, "RotationType": "ON_DEMAND"},
    ]
    assert rotation.latest_rotation(entries) == NOW
    assert rotation.used_on_demand(entries) == 2
    assert rotation.latest_rotation([]) is None


@pytest.mark.parametrize(("used", "every"), [(-1, MONTH), (0, timedelta(0))])
def test_a_schedule_that_makes_no_sense_is_bad_input(used: int, every: timedelta) -> None:
    with pytest.raises(BadInput):
        rotation.budget(used, every, NOW)


@pytest.mark.parametrize(
    ("rotated", "made", "due"),
    [
        ((10, 60), 400, 21),
        ((60, 10), 400, 21),
        ((40,), 400, 0),
        ((), 5, 26),
        ((), 400, 0),
        ((), None, 0),
    ],
)
def test_on_demand_rotation_is_due_one_period_after_the_latest_rotation(
    rotated: tuple[int, ...], made: int | None, due: int
) -> None:
    """If there was none, it counts from when the key was made. If that date is past, it is due now."""
    now = datetime(2026, 5, 1, tzinfo=UTC)
    rotations = [{"RotationDate": now - timedelta(days=days)} for days in rotated]
    began = None if made is None else now - timedelta(days=made)
    assert rotation.next_on_demand(rotations, began, timedelta(days=31), now) == now + timedelta(days=due)
