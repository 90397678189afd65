"""Given an engine that moves and deletes indices by itself, when it is locked, then that rests, and what ran before runs again after it."""

from __future__ import annotations

import pytest
from portcullis.custody import people
from portcullis.custody.machine import Rules
from portcullis.custody.types import Measure, State
from portcullis.operations.custody.guard import guard

from tests.operations.custody.test_measures import CAUSE, locked, opened
from tests.reactions.town import Town, town

ILM, SLM, WATCHES = "ilm", "slm", "watcher"
KEPT = ("policies-stopped", "policies-not-stopped", "made-by-engine")


@pytest.fixture
def here() -> Town:
    made = town()
    made.account.engine.policies = (ILM, WATCHES)
    return made


def of_blocks(here: Town) -> str:
    return here.account.ledger.custody("demo").measures[Measure.BLOCK_INDICES].detail


def alarms(here: Town) -> list[str]:
    return [alert.happened for alert in here.aws.told if alert.name == "lock-opened"]


def kept(here: Town) -> list[str]:
    return [name for name in KEPT if here.account.ledger.saved("demo", name) is not None]


def test_what_ran_before_a_lock_and_nothing_else_runs_again_after_it(here: Town) -> None:
    engine = here.account.engine
    locked(here)
    assert (engine.policies, of_blocks(here)) == ((), "")
    assert kept(here) == ["policies-stopped"]
    opened(here)
    assert engine.policies == (ILM, WATCHES)
    assert kept(here) == []
    engine.policies = (SLM,)
    locked(here)
    opened(here)
    assert engine.policies == (SLM,), "and not what ran before an earlier lock"


def test_what_somebody_starts_in_a_lock_is_stopped_told_and_stays_stopped(
    here: Town,
) -> None:
    engine = here.account.engine
    locked(here)
    assert here.account.ledger.saved("demo", "policies-stopped") == [ILM, WATCHES]
    engine.policies = (SLM,)
    guard(here.services, "demo", CAUSE)
    assert engine.policies == ()
    assert ["running again: slm" in one for one in alarms(here)] == [True]
    engine.policies, engine.index_blocks["orders"] = (SLM,), {}
    guard(here.services, "demo", CAUSE)
    assert (engine.policies, "not blocked: orders" in alarms(here)[-1]) == ((), True)
    opened(here)
    assert engine.policies == (ILM, WATCHES)


def test_what_may_not_be_stopped_is_said_and_is_nobodys_doing(here: Town) -> None:
    engine = here.account.engine
    engine.unstoppable = (WATCHES,)
    locked(here)
    assert of_blocks(here) == "watcher is not stopped"
    assert here.account.ledger.saved("demo", "policies-not-stopped") == [WATCHES]
    opened(here)
    assert kept(here) == []
    locked(here)
    assert guard(here.services, "demo", CAUSE).state is State.LOCKED
    assert alarms(here) == []
    engine.policies = (ILM, WATCHES)
    engine.unstoppable = ()
    guard(here.services, "demo", CAUSE)
    assert ["running again: ilm" in one and "watcher" not in one for one in alarms(here)] == [True]
    assert (engine.policies, of_blocks(here)) == ((), "")
    engine.policies = (WATCHES,)
    guard(here.services, "demo", CAUSE)
    assert "running again: watcher" in alarms(here)[-1], "since it can be stopped, somebody has started it"
    opened(here)
    assert kept(here) == []


def test_what_somebody_starts_right_after_it_was_stopped_is_told_too(
    here: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(here.account.engine, "stop_policies", lambda: "")
    locked(here)
    monkeypatch.undo()
    guard(here.services, "demo", CAUSE)
    assert here.account.engine.policies == ()
    assert ["running again: ilm, watcher" in one for one in alarms(here)] == [True]


def test_a_window_of_break_glass_starts_none_of_them(here: Town) -> None:
    engine = here.account.engine
    guard(here.services, "demo", CAUSE, change=lambda c: people.hold(c, "ann", "a leak", here.aws.at))
    at = here.aws.at
    guard(
        here.services,
        "demo",
        CAUSE,
        change=lambda c: people.open_break_glass(c, "ann", "order 4711", 5, at, Rules(), write=True),
    )
    assert engine.policies == ()
    guard(here.services, "demo", CAUSE, change=people.release)
    assert engine.policies == (ILM, WATCHES)


def test_what_was_stopped_runs_again_where_a_person_took_off_the_blocks(here: Town) -> None:
    """What indices had before is lost. Of what was stopped it is known all the same, and nobody else starts it."""
    engine, ledger = here.account.engine, here.account.ledger
    engine.index_blocks = {"orders": {}, ".tasks": {}}
    locked(here)
    ledger.forget("demo", ledger.custody("demo").measures[Measure.SAVE_BLOCKS].save_as)
    here.aws.disabled = False
    here.pass_time(120)
    assert guard(here.services, "demo", CAUSE).state is State.UNLOCKING
    assert engine.policies == ()
    engine.unblock_indices({})
    here.pass_time(120)
    assert guard(here.services, "demo", CAUSE).state is State.OPEN
    assert engine.policies == (ILM, WATCHES)
    assert "by hand" in of_blocks(here)
    assert kept(here) == []
