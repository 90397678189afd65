"""Given a deletion that was asked for, when it is called off, then only where AWS began none, whatever the tries and who died in one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from portcullis.custody.people import ask_delete, cancel_delete
from portcullis.custody.steps import done, failed, intend
from portcullis.custody.types import Act, Custody, Measure, State, Todo
from portcullis.errors import Refused

NOW = datetime(2026, 5, 1, tzinfo=UTC)
DELETE = Todo(Measure.DELETE_DOMAIN, Act.TAKE)
STEPS: dict[str, Callable[[Custody], Custody]] = {
    "asks": lambda c: intend(c, DELETE, NOW),
    "is refused": lambda c: failed(c, DELETE, NOW, "no", refused=True),
    "hears nothing": lambda c: failed(c, DELETE, NOW, "no answer"),
    "is told that it begins": lambda c: done(c, DELETE, NOW),
}


@pytest.mark.parametrize(
    ("tries", "called_off"),
    [
        ("", True),
        ("asks", False),
        ("asks, is refused", True),
        ("asks, is refused, asks", False),
        ("asks, is refused, asks, is refused", True),
        ("asks, hears nothing", False),
        ("asks, hears nothing, asks, is refused", False),
        ("asks, asks, is refused", False),  # the first one died, and nobody knows what it was answered
        ("asks, is told that it begins", False),
    ],
)
def test_a_deletion_is_called_off_only_where_each_try_was_refused(tries: str, called_off: bool) -> None:
    c = ask_delete(Custody("demo", State.LOCKED), "demo", "anna", NOW)
    for step in tries.split(", ") if tries else ():
        c = STEPS[step](c)
    if called_off:
        assert (cancel_delete(c).state, cancel_delete(c).deletion) == (State.LOCKED, None)
    else:
        with pytest.raises(Refused, match="no deletion that could still be called off"):
            cancel_delete(c)


def test_a_deletion_that_is_asked_for_again_begins_anew() -> None:
    c = ask_delete(Custody("demo", State.LOCKED), "demo", "anna", NOW)
    for step in ("asks", "is refused"):
        c = STEPS[step](c)
    again = ask_delete(cancel_delete(c), "demo", "ben", NOW)
    assert again.deletion is not None
    assert (again.deletion.begun, Measure.DELETE_DOMAIN in again.measures) == (False, False)
