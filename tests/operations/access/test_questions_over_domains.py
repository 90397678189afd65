"""Given a domain that searches another, then what somebody may read there is answered by the other one's mappings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from portcullis.access.questions.answers import ALIAS_FILTER, Far, Layer, Request, There, WhoCan, Why
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.limiting.known import known
from portcullis.operations.access.asking.over_domains import explained
from portcullis.operations.access.asking.questions import who_can, why
from portcullis.operations.access.asking.scene import Scene, live
from portcullis.remotes.connections import Connection, Connections
from portcullis.remotes.parties import Asked

from tests.operations.orders import CAUSE, orders_account
from tests.operations.remotes.test_connecting import Amazon
from tests.operations.worlds import Account, arn, place

RED, BLUE = '{"term": {"team": "red"}}', '{"term": {"team": "blue"}}'
THERE = SecurityConfig(
    {
        Kind.ACTION_GROUPS: known("OpenSearch_3.3").action_groups,
        Kind.ROLES: {
            "red": {"index_permissions": [{"index_patterns": ["logs-*"], "allowed_actions": ["read"], "dls": RED}]},
            "shards": {
                "index_permissions": [
                    {"index_patterns": ["logs-*"], "allowed_actions": ["indices:admin/shards/search_shards"]}
                ]
            },
            "keeps_orders": {"index_permissions": [{"index_patterns": ["hr"], "allowed_actions": ["read"]}]},
        },
        Kind.MAPPINGS: {
            "red": {"users": [arn("user", "kim"), "nobody-here"]},
            "shards": {"users": [arn("user", "nora")]},
        },
    }
)
FAR = Far(
    "far",
    "",
    "connection",
    "logs",
    held=THERE,
    there=There(("hr", "logs-1"), "OpenSearch_3.3", True, {}),
)


@pytest.fixture
def here() -> Account:
    return orders_account()


def scene(here: Account, far: Far = FAR, engine: str = "") -> Scene:
    found = live(here.services.site("demo"))
    there = replace(found.there, remotes={"far": far}, **({"engine": engine} if engine else {}))
    return replace(found, there=there)


def could(of: Scene, person: str, does: str, what: str) -> Why:
    return why(of, person, Request(does, what) if "/" in what else Request(does, indices=tuple(what.split(","))))


def test_of_a_request_that_no_engine_sends_on_nothing_is_seen_there(here: Account) -> None:
    (told,) = could(scene(here), "kim", "GET", "far:logs-1/_mapping").seen
    assert (told.index, told.allowed) == ("far:logs-1", False)


@pytest.mark.parametrize(
    ("person", "does", "what", "allowed", "words"),
    [
        ("kim", "read", "far:logs-1", True, f"documents that match {RED}"),
        ("kim", "GET", "far:logs-*/_search", True, "yes"),
        ("kim", "GET", "far:logs-1/_count", True, "yes"),
        ("kim", "read", "far:hr", False, "logs refuses: no index permission of red on hr"),
        ("kim", "GET", "far:logs-1/_search?scroll=1m", False, "covers indices:admin/shards/search_shards"),
        ("kim", "write", "far:logs-1", False, "sends no request of this kind to another cluster"),
        ("kim", "GET", "far:logs-1/_doc/7", False, "sends no request of this kind to another cluster"),
        ("rita", "read", "far:logs-1", False, "logs refuses: no mapping there names them"),
        ("kim", "read", "nope:logs-1", False, "no index permission"),
        ("kim", "POST", "far:logs-1/_delete_by_query", None, "only the engines can tell"),
    ],
)
def test_the_other_side_decides(
    here: Account, person: str, does: str, what: str, allowed: bool | None, words: str
) -> None:
    found = could(scene(here), person, does, what)
    assert found.allowed is allowed
    assert words in found.answer


@pytest.mark.parametrize(
    ("filters", "limits", "doubt"),
    [
        ({"logs": {"logs-1": BLUE}}, [("roles of logs", (RED,)), ("an alias of logs", (BLUE,))], False),
        ({}, [("roles of logs", (RED,))], False),
        (None, [("roles of logs", (RED,))], True),  # nobody could say
    ],
)
def test_an_alias_over_there_shows_what_its_filter_leaves(
    here: Account, filters: dict[str, dict[str, str]] | None, limits: list[tuple[str, tuple[str, ...]]], doubt: bool
) -> None:
    there = replace(FAR.there, aliases={"logs": ("logs-1",)}, filters=filters)
    found = explained(scene(here, replace(FAR, there=there)), "kim", Asked("far", "logs"))
    (shown,) = found.seen
    assert (shown.index, [(one.by, one.documents) for one in shown.limits]) == ("logs-1", limits)
    assert (ALIAS_FILTER in found.unknown) is doubt
    assert not explained(scene(here, replace(FAR, there=there)), "kim", Asked("far", "logs-1")).unknown


def test_the_chain_goes_on_over_there(here: Account) -> None:
    found = could(scene(here), "kim", "read", "far:logs-1")
    told = [
        (one.layer, one.effect) for one in found.reasons if one.layer in (Layer.REMOTE, Layer.MAPPING, Layer.PERMISSION)
    ]
    assert told[-3:] == [
        (Layer.REMOTE, "is another cluster"),
        (Layer.MAPPING, "gives red there"),
        (Layer.PERMISSION, "allows it"),
    ]
    assert [one.index for one in found.seen] == ["far:logs-1"]


def test_a_2_x_sends_the_names_of_roles(here: Account) -> None:
    """kim has keeps_orders here: of the same name it is theirs there."""
    assert could(scene(here), "kim", "read", "far:hr").allowed is False
    assert could(scene(here, engine="OpenSearch_2.19"), "kim", "read", "far:hr").allowed is True


@pytest.mark.parametrize("skips", [False, True])
def test_who_can_lists_whom_the_other_side_maps(here: Account, skips: bool) -> None:
    """And nobody to whom its part is left out."""
    of = scene(here, replace(FAR, skip_unavailable=skips))
    found: WhoCan = who_can(of, Request("read", indices=("far:logs-1",)))
    assert [one.person for one in found.people if one.allowed] == ["iam_user:kim"]


def test_what_was_not_looked_at_is_not_known(here: Account) -> None:
    found = could(
        scene(here, replace(FAR, held=None, unknown=("it is no deployment of this account",))),
        "kim",
        "read",
        "far:logs-1",
    )
    assert found.allowed is None
    assert "could not be looked at" in found.answer
    without = replace(live(here.services.site("demo")))
    assert could(without, "kim", "read", "far:logs-1").allowed is None
    # A setting of the other side that no engine shows.
    assert could(scene(here), "kim", "read", "far:*").allowed is None


def test_a_lock_of_the_other_side_comes_first(here: Account) -> None:
    locked = could(scene(here, replace(FAR, stopped="logs is locked")), "kim", "read", "far:logs-1")
    assert (locked.allowed, "logs is locked" in locked.answer) == (False, True)
    # And where it does not answer any more.
    unseen = could(scene(here, replace(FAR, stopped="logs is locked", held=None)), "kim", "read", "far:logs-1")
    assert (unseen.allowed, "logs is locked" in unseen.answer) == (False, True)
    assert (
        could(
            scene(here, replace(FAR, stopped="logs is being locked", certain=False)), "kim", "read", "far:logs-1"
        ).allowed
        is None
    )


@pytest.mark.parametrize(
    ("skips", "does", "what", "allowed", "seen"),
    [
        (False, "GET", "payroll-1,far:logs-1/_search", False, []),
        (True, "GET", "payroll-1,far:logs-1/_search", True, ["payroll-1"]),
        (True, "GET", "far:logs-1/_search", True, []),
        (True, "read", "far:logs-1", False, []),  # of what is answered nothing is read
        (False, "GET", "payroll-1,far:logs-1/_field_caps?fields=*", True, ["payroll-1"]),
    ],
)
def test_what_a_locked_side_refuses_is_left_out_where_any_refusal_is(
    here: Account, skips: bool, does: str, what: str, allowed: bool, seen: list[str]
) -> None:
    """The rest is answered, and shown."""
    far = replace(FAR, stopped="logs is locked", skip_unavailable=skips)
    found = could(scene(here, far), "rita", does, what)
    assert (found.allowed, [one.index for one in found.seen if one.allowed]) == (allowed, seen)
    assert ((Layer.CUSTODY, "nobody is let in") in [(one.layer, one.effect) for one in found.reasons]) is True


def test_the_other_domain_is_found_by_its_connection(here: Account) -> None:
    """A domain that is connected to itself: what it holds is read as that of the other one."""
    from portcullis.entry.verbs import VERBS

    here.registered(place=place())
    own = here.services.site("demo").registration.domain
    assert own is not None
    reads = (Connection("1", own.arn, "ACTIVE", "self"), Connection("2", f"{own.arn}-of-others", "ACTIVE", "other"))
    services = replace(here.services, connections=lambda _: Amazon(Connections(reads=reads)))

    def can(person: str, what: str) -> Any:
        return VERBS["can"].run(services, "demo", CAUSE, person=person, does="read", what=what)

    assert can("rita", "self:payroll-1").allowed is True
    assert can("kim", "self:payroll-1").allowed is False
    # Of what nobody looked at a refusal may be left out, too.
    skipping = Connections(reads=tuple(replace(one, skip_unavailable=True) for one in reads))
    services = replace(services, connections=lambda _: Amazon(skipping))
    left_out = can("kim", "self:payroll-1")
    assert (left_out.allowed, "skip_unavailable: true" in {one.rule for one in left_out.reasons}) == (False, True)
    other = can("rita", "other:payroll-1")
    assert (other.allowed, "no deployment of this account" in " ".join(other.unknown)) == (None, True)
