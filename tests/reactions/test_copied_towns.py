"""Given a town that was copied, then both are alike, and what happens in one is not seen by the other."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from portcullis.custody.types import State

from tests.reactions.leavers import Watch, copied_watch, locked_without_anna, look_at_the_key


def all_of(watch: Watch) -> dict[str, Any]:
    """What there is to see, and what the parts hold."""
    here = watch.here
    parts = {"aws": here.aws, "engine": here.account.engine, "people": here.account.people, "notes": here.notes}
    held = {f"{part} {name}": value for part, one in parts.items() for name, value in vars(one).items()}
    apart = ("ledger", "lock", "fate")
    kept = {name: value for name, value in held.items() if not name.endswith(apart)}
    ledger = here.account.ledger
    own = {one.name: getattr(watch, one.name) for one in fields(watch) if one.name not in ("here", "happens", "fails")}
    return {**kept, **own, "again": here.again, "items": ledger._items, "history": ledger._history}


def test_a_copy_is_alike_and_what_happens_in_it_stays_in_it() -> None:
    first = locked_without_anna()
    before = all_of(copied_watch(first))
    again = copied_watch(first)
    assert all_of(again) == all_of(first) == before
    look_at_the_key(again)
    again.joins("dora")
    again.leaves("ben")
    assert again.here.state is State.OPEN
    assert all_of(first) == before
    look_at_the_key(first)
    assert first.here.mapped == ["ben", "cara"]


def test_each_who_asks_is_given_a_town_of_their_own() -> None:
    first = locked_without_anna()
    first.leaves("ben")
    assert locked_without_anna().here.members == ["ben", "cara"]
