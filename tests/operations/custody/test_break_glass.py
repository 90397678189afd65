"""Given somebody who took the break-glass role, then the alert says who, from where and in which session, as far as the event tells."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from portcullis.custody.chronicle import BREAK_GLASS, OPEN_FOR
from portcullis.operations.custody.break_glass import USED, break_glass_used
from portcullis.ports.ledger import Change
from portcullis.signals.types import Signal

from tests.operations.worlds import Account, account

AT = "2025-06-01T12:00:00Z"
NOBODY = "somebody whom the event does not name"


def opened() -> Account:
    made = account()
    made.registered()
    return made


def taken(actor: str = "", **detail: Any) -> Signal:
    return Signal("break-glass-used", "the role was taken", event_id="e-1", actor=actor, at=AT, detail=detail)


@pytest.mark.parametrize(
    ("signal", "said"),
    [
        (taken(), f"{NOBODY} took the break-glass role of demo at {AT}; no use of it was announced"),
        (taken("anna"), f"anna took the break-glass role of demo at {AT}; no use"),
        (taken("anna", address="192.0.2.1"), f"anna took the break-glass role of demo from 192.0.2.1 at {AT}; no use"),
        (taken("anna", session="4711"), f"anna took the break-glass role of demo at {AT} (session 4711); no use"),
        (taken("anna", address="", session=""), f"anna took the break-glass role of demo at {AT}; no use"),
    ],
    ids=["nothing but the time", "who", "from where", "in which session", "both empty"],
)
def test_it_says_what_the_event_tells_and_no_more(signal: Signal, said: str) -> None:
    made = opened()
    assert break_glass_used(made.services, "demo", signal) is True
    [told] = made.aws.told
    assert told.happened.startswith(said)
    assert told.detail == {"at": AT, "event": "e-1"}
    assert told.done == (
        "nothing was taken away from that session; it is mapped to nothing, and reads nothing unless a window is opened"
    )
    [kept] = made.ledger.history("demo", 10)
    assert (kept.operation, kept.cause, kept.actor) == (USED, "e-1", signal.actor or NOBODY)


def test_only_the_same_use_counts_as_told() -> None:
    """Something else that came of an event of that id does not."""
    made = opened()
    made.ledger.record(Change("demo", made.services.now(), "apply", "e-1", "anna", "something else"))
    assert break_glass_used(made.services, "demo", taken("anna")) is True
    assert break_glass_used(made.services, "demo", taken("anna")) is False
    assert len(made.aws.told) == 1


BEGAN = datetime(2025, 6, 1, 11, 58, 0, 400_000, tzinfo=UTC)


def with_a_window(until: datetime) -> Account:
    """As the history has it, of which nobody saw the end."""
    made = opened()
    said = f"{OPEN_FOR}ann until {until.isoformat()}: order 4711"
    lines = [BEGAN.isoformat(), until.isoformat()]
    made.ledger.record(Change("demo", BEGAN, BREAK_GLASS, "a verb", "ann", said, None, lines))
    return made


@pytest.mark.parametrize(
    ("at", "announced"),
    [
        ("2025-06-01T11:57:59Z", False),
        ("2025-06-01T11:58:00Z", True),
        ("2025-06-01T11:59:59Z", True),
        ("2025-06-01T12:00:00Z", False),
        ("2025-06-01T11:58:30", True),
        ("", False),
        ("no time", False),
    ],
    ids=["before", "in its second", "at its end but one", "at its end", "without a zone", "no time", "another word"],
)
def test_a_window_announces_what_is_within_it(at: str, announced: bool) -> None:
    """What has no time happened when it is heard, which is after the window here."""
    made = with_a_window(datetime(2025, 6, 1, 12, 0, tzinfo=UTC))
    made.aws.at = datetime(2025, 6, 1, 12, 30, tzinfo=UTC)
    break_glass_used(made.services, "demo", replace(taken("anna"), at=at))
    [told] = made.aws.told
    assert ("its use was announced by ann until" in told.happened) is announced
    assert told.happened.endswith(": order 4711") is announced


def test_what_has_no_time_is_judged_by_when_it_is_heard() -> None:
    made = with_a_window(datetime(2025, 6, 1, 13, 0, tzinfo=UTC))
    made.aws.at = datetime(2025, 6, 1, 12, 30, tzinfo=UTC)
    break_glass_used(made.services, "demo", replace(taken("anna"), at=""))
    assert "its use was announced by ann" in made.aws.told[0].happened
