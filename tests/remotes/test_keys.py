"""What is to be done about keys between clusters, from what is offered and what the engine shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from portcullis.remotes.keys import Act, Key, Offer, being_replaced, plan, warning

NOW = datetime(2026, 1, 31, tzinfo=UTC)
DAY = timedelta(days=1)
ACCESS = {"search": [{"names": ["logs-*"], "query": {"term": {"team": "red"}}}]}
OFFER = Offer("logs", "orders", ACCESS, 90, "remotes/orders")


def key(identity: str, age: int = 1, **more: object) -> Key:
    made = NOW - age * DAY
    one = Key(identity, OFFER.key_name, "portcullis", ACCESS, made, made + 90 * DAY, OFFER.metadata)
    return replace(one, **more)  # type: ignore[arg-type]


def steps(*keys: Key, held: str = "", offers: tuple[Offer, ...] = (OFFER,)) -> list[tuple[Act, str]]:
    found = plan("logs", offers, keys, {"orders": held} if held else {}, "portcullis", NOW)
    assert found.conflicts == ()
    return [(step.act, step.key) for step in found.steps]


def test_an_offer_without_a_key_gets_one() -> None:
    assert steps() == [(Act.MAKE, "")]


def test_a_key_that_is_as_offered_is_left_alone() -> None:
    assert steps(key("a"), held="a") == []


def test_what_the_engine_shows_otherwise_and_means_the_same_is_no_change() -> None:
    """It shows a query as text, and fields that say nothing."""
    shown = {
        "search": [{"names": ["logs-*"], "query": '{"term":{"team":"red"}}', "allow_restricted_indices": False}],
        "replication": [],
    }
    assert steps(key("a", access=shown), held="a") == []


@pytest.mark.parametrize(
    "access",
    [
        {"search": [{"names": ["logs-*"]}]},
        {"search": [{"names": ["logs-1"], "query": {"term": {"team": "red"}}}]},
        {**ACCESS, "replication": [{"names": ["logs-*"]}]},
        {},
    ],
)
def test_a_key_that_allows_something_else_is_changed_in_place(access: dict[str, object]) -> None:
    assert steps(key("a", access=access), held="a") == [(Act.CHANGE, "a")]


def test_both_keys_of_a_replacement_are_changed_as_both_are_in_use() -> None:
    other = {"search": [{"names": ["x"]}]}
    found = steps(key("old", 3, access=other), key("new", 2, access=other), held="new")
    assert found == [(Act.CHANGE, "old"), (Act.CHANGE, "new"), (Act.FINISH, "new")]


@pytest.mark.parametrize(("age", "replaced"), [(75, False), (76, True), (89, True)])
def test_a_key_is_replaced_two_weeks_before_its_end(age: int, replaced: bool) -> None:
    assert steps(key("a", age), held="a") == ([(Act.REPLACE, "a")] if replaced else [])


def test_a_short_life_warns_in_its_last_third() -> None:
    assert warning(replace(OFFER, days=3)) == DAY
    assert warning(OFFER) == 14 * DAY


def test_a_key_that_has_ended_is_none() -> None:
    assert steps(key("a", 90), held="a") == [(Act.MAKE, "")]


def test_a_key_whose_text_is_in_no_secret_is_none() -> None:
    """The secret is gone, or holds a key that was ended. What older key is still in use stands until it is replaced."""
    assert steps(key("a")) == [(Act.MAKE, "")]
    assert steps(key("a"), held="b") == [(Act.MAKE, "")]


def test_a_newer_key_than_that_of_the_secret_is_not_ended_before_another_is_in_use() -> None:
    """Its text was lost on the way; or somebody put an older text into the secret, and people still read with the newer key."""
    assert steps(key("a", 2), key("newer", 1), held="a") == [(Act.REPLACE, "a")]
    assert steps(key("old", 3), key("a", 2), key("newer", 1), held="a") == [(Act.REPLACE, "a")]


def test_a_key_of_somebody_else_that_has_ended_is_no_conflict() -> None:
    assert steps(key("a"), key("theirs", 90, owner="ann"), held="a") == []


def test_a_replacement_that_was_cut_off_goes_on() -> None:
    assert steps(key("old", 2), key("new", 1), held="new") == [(Act.FINISH, "new")]
    assert being_replaced([key("old", 2), key("new", 1)], "new")
    assert not being_replaced([key("old", 2), key("lost", 1)], "old")
    assert not being_replaced([key("old", 2)], "")


def test_what_is_offered_no_more_is_ended_and_what_another_deployment_offers_is_not() -> None:
    theirs = key("b", metadata={"portcullis": {"deployment": "others", "offer": "orders"}})
    nobodys = key("c", metadata={})
    assert steps(key("a"), theirs, nobodys, offers=()) == [(Act.END, "a")]


def test_a_key_that_somebody_else_made_is_a_conflict_and_is_left_alone() -> None:
    for keys, held in (([key("a", owner="ann")], ""), ([key("a", owner="ann", metadata={})], "a")):
        found = plan("logs", (OFFER,), keys, {"orders": held}, "portcullis", NOW)
        assert found.steps == ()
        assert "ann, who made it, alone may change it" in found.conflicts[0]
    found = plan("logs", (), [key("a", owner="ann")], {}, "portcullis", NOW)
    assert (found.steps, len(found.conflicts)) == ((), 1)


def test_two_keys_of_one_moment_have_one_order_in_every_run() -> None:
    assert steps(key("a"), key("b"), held="a") == steps(key("b"), key("a"), held="a") == [(Act.REPLACE, "a")]
