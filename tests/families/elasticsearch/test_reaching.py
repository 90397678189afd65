"""Why somebody sees nothing of another cluster, in words, and the widest of what several names show of one index."""

from __future__ import annotations

from itertools import permutations

import pytest
from portcullis.access.actual import Json
from portcullis.access.questions.answers import Decided, Far, Layer, Reason, Seen, There
from portcullis.families.elasticsearch.deciding.remote import LIVE, Rule, Side, Told
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.over_there.reaching import (
    as_remote,
    both_sides,
    key_link,
    refusal,
    remote_link,
    skipped_link,
    widest,
)

NEAR = Release.of("8.19")
ACCESS: Json = {"search": [{"names": ["logs-*", "orders"], "query": '{"term": {"a": 1}}'}]}


@pytest.mark.parametrize(
    ("rule", "far", "said"),
    [
        (Rule.NO_ENTRY, Far("far", "9.5.3"), "this cluster refuses: a; b"),
        (Rule.KEY, Far("far", "9.5.3"), "far refuses: the key of far does not allow it"),
        (Rule.KEY, Far("far", "9.5.3", deployment="logs", key="K"), "logs refuses: the key K does not allow it"),
        (Rule.BOTH, Far("far", "9.5.3", key="K"), "far refuses: neither the key K nor a role of theirs allows it"),
        (Rule.KEY_STATE, Far("far", "9.5.3"), "far refuses whoever asks: a; b"),
        (Rule.ROLES, Far("far", "9.5.3", key="K"), "far refuses: the key K allows it, and no role of theirs asks for it in remote_indices"),
        (Rule.ROLES, Far("far", "9.5.3", "certificate"), "far refuses: a; b"),
        (Rule.CUSTODY, Far("far", "9.5.3", deployment="logs"), "logs refuses everybody: a; b"),
        (None, Far("far", "9.5.3"), "far refuses: a; b"),
    ],
)  # fmt: skip
def test_a_refusal_names_who_refuses_and_by_what(rule: Rule | None, far: Far, said: str) -> None:
    assert refusal(far, Told(False, 403, Side.REMOTE, rule, reasons=("a", "b"))) == said


@pytest.mark.parametrize(
    ("far", "refuses", "rule", "effect"),
    [
        (Far("far", "9.5.3", key="K", state="expired"), True, "the key is not in use: expired", "stops here"),
        (Far("far", "9.5.3", key="K"), False, "what it allows could not be looked at", "is not known"),
        (
            Far("far", "9.5.3", key="K", access=ACCESS, source="asked"),
            False,
            'search on logs-*, orders, only documents that match {"term": {"a": 1}} (asked)',
            "allows it",
        ),
        (Far("far", "9.5.3", key="K", access={}, source="asked"), True, "no search (asked)", "stops here"),
        (Far("far", "9.5.3", key="K", access={}, source="agreed", agreed=True), True, "no search (agreed)", "is not known"),
    ],
)  # fmt: skip
def test_what_a_key_allows_is_a_link_of_the_chain(far: Far, refuses: bool, rule: str, effect: str) -> None:
    assert key_link(far, refuses) == Reason(Layer.KEY, "K", rule, effect)


def test_a_remote_is_called_by_its_deployment_and_says_what_is_skipped() -> None:
    far, known = Far("far", "9.5.3"), Far("far", "9.5.3", "certificate", "logs")
    assert remote_link(far).rule == "model api-key"
    assert remote_link(known).rule == "deployment logs, model certificate"
    assert (skipped_link(far).layer, skipped_link(far).rule) == (Layer.REMOTE, "skip_unavailable: true")


NARROWEST_FIRST = (
    Seen("a", False),
    Seen("a", None),
    Seen("a", True, documents=("q",), by_alias=("x",)),
    Seen("a", True, documents=("q",)),
    Seen("a", True, by_alias=("x",)),
    Seen("a", True),
)


def test_of_one_index_the_widest_is_seen_in_whatever_order_it_is_told() -> None:
    for place, one in enumerate(NARROWEST_FIRST):
        for some in permutations(NARROWEST_FIRST[: place + 1][-3:]):
            assert widest(some) == (one,)
    assert widest([Seen("b", True), Seen("a", False)]) == (Seen("a", False), Seen("b", True))


@pytest.mark.parametrize(
    ("own", "beyond", "both"),
    [(True, True, True), (True, None, None), (None, True, None), (False, None, False), (True, False, False)],
)
def test_of_names_here_and_there_the_worse_is_said_and_all_is_seen(
    own: bool | None, beyond: bool | None, both: bool | None
) -> None:
    one = Decided(own, (Seen("a", own),), unknown=("u", "v"), doubts=("d",))
    link = Reason(Layer.REMOTE, "far", "x", "stops here")
    other = Decided(beyond, (Seen("far:b", beyond),), unknown=("v", "w"), doubts=("d", "e"), beyond=(link,))
    told = both_sides(one, other)
    assert told.allowed is both
    assert [seen.index for seen in told.seen] == ["a", "far:b"]
    assert (told.unknown, told.doubts, told.beyond) == (("u", "v", "w"), ("d", "e"), (link,))


@pytest.mark.parametrize(
    ("far", "lacking"),
    [
        (Far("far", "9.5.3", access={}), ""),
        (Far("far", "9.5.3"), "what the key of far allows could not be looked at"),
        (Far("far", "9.5.3", access={}, agreed=True), "what the key of far allows could not be looked at"),
        (Far("far", "9.5.3", state="expired"), ""),  # a dead key allows nothing
        (Far("far", "9.5.3", "certificate", "logs"), "which roles logs has could not be looked at"),
        (Far("far", "9.5.3", "certificate", roles={}), ""),
    ],
)
def test_what_is_not_known_of_the_other_cluster_is_told(far: Far, lacking: str) -> None:
    made = as_remote(far, NEAR)
    assert made.lacking == lacking
    assert (made.release, as_remote(Far("far", ""), NEAR).release) == (Release.of("9.5.3"), NEAR)
    assert (made.state == LIVE) is (far.state == LIVE)


def test_a_name_that_is_thought_of_is_an_index_unless_it_is_known_as_something_else() -> None:
    there = There(("a",), aliases={"al": ("a",)}, streams={"s": ("a",)})
    made = as_remote(Far("far", "9.5.3", access={}, there=there), NEAR, ("b", "al", "s", "a"))
    assert [one.name for one in made.world.indices] == ["a", "b"]


@pytest.mark.parametrize(("dialect", "counts"), [("9.5 trial", True), ("9.5 basic", False), ("", True)])
def test_a_role_with_limits_counts_for_nothing_on_a_basic_licence(dialect: str, counts: bool) -> None:
    roles = {"r": {"indices": [{"names": ["a"], "privileges": ["read"], "query": "{}"}]}, "s": {"cluster": ["all"]}}
    far = Far("far", "9.5.3", "certificate", roles=roles, there=There(("a",), dialect=dialect))
    assert ("r" in as_remote(far, NEAR).roles) is counts
    assert "s" in as_remote(far, NEAR).roles
