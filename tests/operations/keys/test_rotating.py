"""Rotation on demand: on its schedule, within what KMS allows a key, warned of well before it runs out; and nothing interrupted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from portcullis.custody.keys.key_types import KeyAnswers
from portcullis.custody.types import Custody, Health, State
from portcullis.operations.keys.rotating import rotate_when_due
from portcullis.operations.services import Trigger

from tests.operations.estates import Estate, estate

CAUSE = Trigger("sweep", "portcullis")


def demo(days: int | None = 31) -> Estate:
    made = estate("demo", options={"on_demand_rotation_days": days})
    made.keys["demo"].made = made.account.aws.at
    return made


def days_go_by(made: Estate, days: int) -> int:
    one = made.services.ledger.registration("demo")
    done = 0
    for _ in range(days):
        made.later(days=1)
        done += bool(rotate_when_due(made.services.at(one), CAUSE))
    return done


def test_with_31_days_the_key_is_rotated_every_31_days() -> None:
    """Each time is in the history, and nothing is told."""
    made = demo()
    assert days_go_by(made, 100) == 3
    dates = [one["RotationDate"] for one in made.keys["demo"].rotations]
    assert all(later - earlier >= timedelta(days=31) for earlier, later in pairwise(dates))
    assert made.operations("demo") == ["rotate key"] * 3
    assert not made.alerts()


def test_given_no_such_schedule_then_kms_is_not_even_asked() -> None:
    made = demo(None)
    made.keys.clear()
    assert days_go_by(made, 40) == 0


def test_rotations_stop_at_the_kms_limit_with_a_warning_half_a_year_before() -> None:
    """KMS allows 25. The first alert is a warning, the last one is critical and points to re-key."""
    made = demo()
    assert days_go_by(made, 3 * 365) == 25
    severities = [alert.severity for alert in made.account.aws.told]
    assert severities[0] == "warning"
    assert severities[-1] == "critical"
    assert "6 of 25 rotations on demand are left" in made.account.aws.told[0].happened
    assert "re-key" in made.account.aws.told[-1].next
    assert len(severities) <= 8, "told once for each that is used up, not at every sweep"


def test_given_kms_refuses_then_it_is_told_once_and_nothing_is_raised() -> None:
    made = demo()
    made.keys["demo"].refuses = "kms rotate_key_on_demand: ConflictException"
    assert days_go_by(made, 35) == 0
    assert made.alerts() == ["rotation-on-demand"]


@pytest.mark.parametrize(
    "custody",
    [Custody("demo", State.LOCKED), Custody("demo", health=Health.REVOKED), Custody("demo", health=Health.UNREACHABLE)],
)
def test_the_key_of_a_locked_or_unhealthy_deployment_is_not_rotated(custody: Custody) -> None:
    """Neither while it is locked nor while its key is revoked or cannot be reached."""
    made = demo()
    made.services.ledger.keep_custody(custody)
    assert days_go_by(made, 40) == 0


def test_two_things_to_say_of_one_key_are_told_once_together() -> None:
    """Few are left, and the next one is refused: one by one, each was new again at every sweep."""
    made = demo()
    assert days_go_by(made, 20 * 31) == 20
    made.keys["demo"].refuses = "kms rotate_key_on_demand: ConflictException"
    assert days_go_by(made, 60) == 0
    *_, before, told = made.account.aws.told
    assert len(made.account.aws.told) == 3, "six are left, five are left, and the refusal"
    assert "refused" not in before.happened
    assert told.severity == "warning"
    assert "5 of 25 rotations on demand are left" in told.happened
    assert "KMS refused: kms rotate_key_on_demand: ConflictException" in told.happened


def test_a_refusal_that_was_over_is_told_when_it_comes_again() -> None:
    made = demo()
    for refused, days in ((True, 35), (False, 1), (True, 35)):
        made.keys["demo"].refuses = "kms rotate_key_on_demand: ConflictException" if refused else ""
        assert days_go_by(made, days) == (0 if refused else 1)
    assert made.alerts() == ["rotation-on-demand"] * 2


@pytest.mark.parametrize("unseen", ["describe", "rotations"])
def test_a_key_whose_rotations_cannot_be_seen_is_not_rotated_and_that_is_told_once(
    unseen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It might have had its last one yesterday."""
    made = demo()
    key, described = made.keys["demo"], made.keys["demo"].describe

    def denied(named: str) -> KeyAnswers:
        return replace(described(named), **{unseen: "kms:ListKeyRotations is denied"})

    monkeypatch.setattr(key, "describe", denied)
    assert days_go_by(made, 40) == 0
    assert key.rotations == []
    [told] = made.account.aws.told
    assert told.happened == "how often the key was rotated cannot be seen, so it is not rotated"
    assert (told.severity, told.name) == ("warning", "rotation-on-demand")


def test_a_rotation_is_in_the_history_by_its_number_and_who_asked() -> None:
    made = demo()
    days_go_by(made, 62)
    changes = [one for one in made.services.ledger.history("demo", 50) if one.operation == "rotate key"]
    assert [one.summary for one in changes] == [f"rotated on demand, the {n}. of 25" for n in (2, 1)]
    assert {(one.cause, one.actor) for one in changes} == {("sweep", "portcullis")}
