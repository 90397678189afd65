"""Given an engine that gives out keys and closes indices, when a lock begins and ends, then it is known which keys came in it, and what
cannot be done is said."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import pytest
from portcullis.custody.types import Measure, State
from portcullis.errors import Refused, Unreachable
from portcullis.families.base import READ, WRITE
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.custody.guard import guard

from tests.operations.custody.test_measures import CAUSE, locked, opened
from tests.operations.worlds import mapping
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
    asked: list[tuple[Collection[str] | None, bool]] = []

    def end_since(ids: Collection[str] | None, *, tokens: bool) -> tuple[str, ...]:
        asked.append((ids, tokens))
        return ("eves of eve (c)",) if ids else ()

    engine = here.account.engine
    monkeypatch.setattr(engine, "keys_given", lists)
    monkeypatch.setattr(engine, "end_since", end_since)
    locked(here)
    assert asked == [(known, False)], "a lock ends all tokens besides, and says how many"
    said = here.account.ledger.custody("demo").measures[Measure.END_SEARCHES].detail
    assert ("API key eves of eve (c) was made while locked" in said) is bool(known)
    opened(here)
    assert asked == [(known, False), (known, True)]
    assert here.account.ledger.saved("demo", "keys-before-lock") is None
    [told] = [alert for alert in here.aws.told if alert.name == "unlocked"]
    assert ("eves of eve" in told.done) is bool(known)


def test_what_came_in_a_lock_ends_before_somebody_maps_by_hand_what_was_lost_of_it(
    here: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then, and not once people are mapped by hand: what they have made by then is theirs."""
    asked: list[tuple[Collection[str] | None, bool]] = []
    there = ["eves of eve (c)"]

    def end_since(ids: Collection[str] | None, *, tokens: bool) -> tuple[str, ...]:
        asked.append((ids, tokens))
        ended, there[:] = tuple(there), []
        return ended

    engine, ledger = here.account.engine, here.account.ledger
    monkeypatch.setattr(engine, "keys_given", lambda: ("a",))
    locked(here)
    monkeypatch.setattr(engine, "end_since", end_since)
    ledger.forget("demo", ledger.custody("demo").measures[Measure.SAVE].save_as)
    here.aws.disabled = False
    assert guard(here.services, "demo", CAUSE).state is State.UNLOCKING
    assert asked == [(["a"], True)]
    why = ledger.custody("demo").measures[Measure.SHUT_MAPPINGS].detail
    assert why.endswith("API key eves of eve (c) was made while locked, and is ended for good")
    engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/viewers", "value": mapping(users=["kim"])}])
    here.pass_time(120)
    opened(here)
    assert len(asked) == 1


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
    known: list[list[str]] = []  # as an index is being closed
    broken, to_close = {"broken", "torn"}, ["whole", "torn", "broken"]
    ledger = here.account.ledger

    def closes(closing: Callable[[Sequence[str]], None]) -> str:
        closing(to_close)
        known.append(ledger.saved("demo", "closed-for-searches"))
        return "ended"

    def opens(indices: Sequence[str]) -> dict[str, str]:
        tried.append(indices)
        return {one: "no such file" for one in reversed(indices) if one in broken}

    monkeypatch.setattr(here.account.engine, "end_searches", closes)
    monkeypatch.setattr(here.account.engine, "open_indices", opens)
    locked(here)
    assert tried == [["broken", "torn", "whole"]]
    assert ledger.saved("demo", "closed-for-searches") == ["broken", "torn"]
    said = ledger.custody("demo").measures[Measure.END_SEARCHES].detail
    assert [one.split()[0] for one in said.split("; ") if "does not open again: no such file" in one] == [
        "broken",
        "torn",
    ]
    to_close[:] = ["late"]
    here.account.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/viewers", "value": mapping(users=["eve"])}])
    broken.remove("torn")
    guard(here.services, "demo", CAUSE)  # whoever was let in may search since: once more
    assert known == [["broken", "torn", "whole"], ["broken", "late"]]
    assert tried[1:] == [["broken", "torn"], ["broken", "late"]]
    assert ledger.saved("demo", "closed-for-searches") == ["broken"]
    opened(here)
    assert tried[3:] == [["broken"]]
    assert ledger.saved("demo", "closed-for-searches") is None, "from now on it is theirs"
    [told] = [alert for alert in here.aws.told if alert.name == "unlocked"]
    assert "Of indices: broken was closed to end its searches" in told.done


def test_indices_that_all_open_again_are_forgotten_at_once(here: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def closes(closing: Callable[[Sequence[str]], None]) -> str:
        closing(["whole"])
        return "ended"

    monkeypatch.setattr(here.account.engine, "end_searches", closes)
    monkeypatch.setattr(here.account.engine, "open_indices", lambda _: {})
    locked(here)
    assert here.account.ledger.saved("demo", "closed-for-searches") is None


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
    came_by_itself = bare == [ENGINES_OWN]
    assert guard(here.services, "demo", CAUSE).state is State.LOCKED
    assert [engine.blocks()[index] for index in bare] == [shut] * len(bare)
    assert len(told()) == alarms[0]
    ledger = here.account.ledger
    said = ledger.custody("demo").measures[Measure.BLOCK_INDICES].detail
    assert said == (".tasks came in the lock, made by the engine itself" if came_by_itself else "")
    assert (ledger.saved("demo", "made-by-engine") == {ENGINES_OWN: "since"}) is came_by_itself
    engine.index_blocks[bare[0]] = {}
    guard(here.services, "demo", CAUSE)
    assert len(told()) == alarms[1]
    opened(here)
    assert ledger.saved("demo", "made-by-engine") is None


def test_an_engines_own_index_of_before_the_lock_is_told_when_somebody_opens_it(here: Town) -> None:
    engine = here.account.engine
    engine.index_blocks = {ENGINES_OWN: {}, "orders": {}}
    locked(here)
    engine.index_blocks[ENGINES_OWN] = {}
    guard(here.services, "demo", CAUSE)
    assert here.account.ledger.custody("demo").measures[Measure.BLOCK_INDICES].detail == ""
    assert here.account.ledger.saved("demo", "made-by-engine") == {ENGINES_OWN: "before"}
    [told] = [alert for alert in here.aws.told if alert.name == "lock-opened"]
    assert f"not blocked: {ENGINES_OWN}" in told.happened
