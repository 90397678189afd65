"""Access is changed only while a deployment is open, from the first look to the last: whoever was shut out in between begins again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from portcullis.custody.types import Act, Measure, MeasureRecord, Progress, State
from portcullis.errors import Conflict, Shut
from portcullis.operations.services import Services
from portcullis.operations.writing.while_open import WhileOpen, unless_shut

from tests.reactions.town import town

PUT_BACK = Progress.UNDONE, Act.UNDO
STILL_SHUT = Progress.DONE, Act.TAKE
HALF_PUT_BACK = Progress.INTENDED, Act.UNDO


def in_state(state: State, mappings: tuple[Progress, Act] | None = None) -> Services:
    here = town()
    ledger, measures = here.account.ledger, {}
    if mappings is not None:
        progress, act = mappings
        measures = {Measure.SHUT_MAPPINGS: MeasureRecord(progress, here.aws.at, act=act)}
    ledger.keep_custody(replace(ledger.custody("demo"), state=state, measures=measures))
    return here.services


def kept(services: Services, **changed: Any) -> None:
    services.ledger.keep_custody(replace(services.ledger.custody("demo"), **changed))


@pytest.mark.parametrize(
    ("state", "mappings", "for_a_person", "for_the_groups"),
    [
        (State.OPEN, None, True, True),
        (State.LOCKING, STILL_SHUT, False, False),
        (State.LOCKED, STILL_SHUT, False, False),
        (State.LOCKED, PUT_BACK, False, False),
        (State.UNLOCKING, STILL_SHUT, False, False),
        (State.UNLOCKING, HALF_PUT_BACK, False, False),
        (State.UNLOCKING, PUT_BACK, False, True),
        (State.DELETING, STILL_SHUT, False, False),
        (State.DELETED, PUT_BACK, False, False),
    ],
)
def test_when_access_may_be_changed(
    state: State, mappings: tuple[Progress, Act] | None, for_a_person: bool, for_the_groups: bool
) -> None:
    """What follows the groups goes on once an unlock has put the mappings back; a person's change waits for its end."""
    services = in_state(state, mappings)
    why = "there is no access to change" if state is State.DELETED else "access is not changed until it is open"
    asked: tuple[tuple[dict[str, bool], bool], ...] = (
        ({}, for_a_person),
        ({"unlocking": False}, for_a_person),
        ({"unlocking": True}, for_the_groups),
    )
    for way, may in asked:
        if may:
            WhileOpen.of(services, "demo", **way).still()
        else:
            with pytest.raises(Shut, match=f"demo is {state.value}: {why}"):
                WhileOpen.of(services, "demo", **way)


def test_a_lock_in_between_is_seen_by_its_saves_though_it_is_open_again() -> None:
    services = in_state(State.OPEN)
    here = WhileOpen.of(services, "demo")
    kept(services, rotated_at=services.now())
    here.still()
    kept(services, saves=here.custody.saves + 5)
    with pytest.raises(Shut, match="was locked meanwhile, and is open again: try again"):
        here.still()
    WhileOpen.of(services, "demo").still()


@pytest.mark.parametrize(
    ("state", "way", "shut", "gives"),
    [
        (State.OPEN, {}, 0, "changed"),
        (State.OPEN, {}, 2, "changed"),
        (State.OPEN, {}, 3, Conflict),
        (State.LOCKED, {}, 0, "changed"),  # it is for the change to say so
        (State.LOCKED, {}, 1, None),
        (State.UNLOCKING, {}, 1, None),
        (State.UNLOCKING, {"unlocking": True}, 2, "changed"),
        (State.UNLOCKING, {"unlocking": True}, 3, Conflict),
    ],
)
def test_a_change_that_was_shut_out_is_made_again_where_it_is_open(
    state: State, way: dict[str, bool], shut: int, gives: Any
) -> None:
    services, tries = in_state(state, PUT_BACK), 0

    def change() -> str:
        nonlocal tries
        tries += 1
        if tries <= shut:
            raise Shut("in between")
        return "changed"

    if gives is Conflict:
        with pytest.raises(Conflict, match="locked and opened 3 times"):
            unless_shut(services, "demo", change, **way)
    else:
        assert unless_shut(services, "demo", change, **way) == gives
    assert tries == (shut if gives in (None, Conflict) else shut + 1)
