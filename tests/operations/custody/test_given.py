"""Given an engine that gives out keys and closes indices, when a lock begins and ends, then it is known which keys came in it, and what
cannot be done is said."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import pytest
from portcullis.custody.types import Measure, State
from portcullis.errors import Refused, Unreachable
from portcullis.families.base import READ, WRITE
from portcullis.operations.custody.guard import guard

from tests.operations.custody.test_measures import CAUSE, locked, opened
from tests.reactions.town import Town, town

ENGINES_OWN = ".tasks"


@pytest.fixture
def here() -> Town:
    return town()


def silent() -> Any:
    raise Unreachable("the engine did not answer")


def refused() -> Any:
    raise Refused("may not list API keys")


@pytest.mark.parametrize(
    ("lists", "known"),
    [(lambda: ("a", "b"), ["a", "b"]), (lambda: (), []), (lambda: None, None), (silent, None), (refused, None)],
    ids=["two keys", "no key", "gives out none", "no answer", "refused"],
)
def test_the_keys_of_before_a_lock_are_known_in_it_and_forgotten_after_it(
    here: Town, monkeypatch: pytest.MonkeyPatch, lists: Callable[[], Any], known: list[str] | None
) -> None:
    """An engine that does not list them keeps no lock away."""
    asked: list[Collection[str] | None] = []

    def end_since(ids: Collection[str] | None, *, tokens: bool) -> tuple[str, ...]:
        asked.append(ids)
        return ("eves of eve (c)",) if ids else ()

    engine = here.account.engine
    monkeypatch.setattr(engine, "keys_given", lists)
    monkeypatch.setattr(engine, "end_since", end_since)
    locked(here)
    assert asked == [known]
    said = here.account.ledger.custody("demo").measures[Measure.END_SEARCHES].detail
    assert ("API key eves of eve (c) was made while locked" in said) is bool(known)
    opened(here)
    assert asked == [known, known]
    assert here.account.ledger.saved("demo", "keys-before-lock") is None
    [told] = [alert for alert in here.aws.told if alert.name == "unlocked"]
    assert ("eves of eve" in told.done) is bool(known)


def test_keys_that_were_noted_by_an_earlier_lock_are_not_those_of_the_next(
    here: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each key since would be taken for one that came in it."""
    here.account.ledger.save("demo", "keys-before-lock", ["of long ago"])
    monkeypatch.setattr(here.account.engine, "keys_given", silent)
    locked(here)
    assert here.account.ledger.saved("demo", "keys-before-lock") is None


def test_an_index_that_stays_closed_is_tried_again_named_and_holds_up_nothing(
    here: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Sequence[str]] = []

    def closes(closing: Callable[[Sequence[str]], None]) -> str:
        closing(["broken", "whole"])
        return "ended"

    def opens(indices: Sequence[str]) -> dict[str, str]:
        tried.append(indices)
        return {"broken": "no such file"} if "broken" in indices else {}

    monkeypatch.setattr(here.account.engine, "end_searches", closes)
    monkeypatch.setattr(here.account.engine, "open_indices", opens)
    locked(here)
    ledger = here.account.ledger
    assert tried == [["broken", "whole"]]
    assert ledger.saved("demo", "closed-for-searches") == ["broken"]
    assert "does not open again: no such file" in ledger.custody("demo").measures[Measure.END_SEARCHES].detail
    opened(here)
    assert tried == [["broken", "whole"], ["broken"]]
    assert ledger.saved("demo", "closed-for-searches") is None, "from now on it is theirs"
    [told] = [alert for alert in here.aws.told if alert.name == "unlocked"]
    assert "Of indices: broken was closed to end its searches" in told.done


@pytest.mark.parametrize(
    ("bare", "alarms"),
    [([ENGINES_OWN], [0, 1]), (["orders"], [1, 2]), (["orders", ENGINES_OWN], [1, 2])],
    ids=["the engine's own", "another", "both"],
)
def test_what_an_engine_makes_itself_is_shut_and_told_only_once_somebody_opens_it(
    here: Town, bare: list[str], alarms: list[int]
) -> None:
    engine, shut = here.account.engine, {READ: "true", WRITE: "true"}

    def told() -> list[str]:
        return [alert.happened for alert in here.aws.told if alert.name == "lock-opened"]

    locked(here)
    engine.index_blocks |= {index: {} for index in bare}
    assert guard(here.services, "demo", CAUSE).state is State.LOCKED
    assert [engine.blocks()[index] for index in bare] == [shut] * len(bare)
    assert len(told()) == alarms[0]
    engine.index_blocks[bare[0]] = {}
    guard(here.services, "demo", CAUSE)
    assert len(told()) == alarms[1]
    opened(here)
    assert here.account.ledger.saved("demo", "made-by-engine") is None


def test_an_engines_own_index_of_before_the_lock_is_told_when_somebody_opens_it(here: Town) -> None:
    engine = here.account.engine
    engine.index_blocks = {ENGINES_OWN: {}, "orders": {}}
    locked(here)
    engine.index_blocks[ENGINES_OWN] = {}
    guard(here.services, "demo", CAUSE)
    [told] = [alert for alert in here.aws.told if alert.name == "lock-opened"]
    assert f"not blocked: {ENGINES_OWN}" in told.happened
