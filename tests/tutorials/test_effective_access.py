"""What the two users of each tutorial see and what they must not see: the same whether set up by hand or by Portcullis."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
import requests

from tests.tutorials.flights import COUNT, DELAYED, FLIGHTS, INDEX
from tests.tutorials.stage import NEW_ROLE, PLUGINS, Cast, ok

pytestmark = [pytest.mark.node, pytest.mark.aws]

EVERYTHING = {"query": {"match_all": {}}}
HASHED = re.compile(r"[0-9a-f]{64}")
PLAIN = {one["Dest"] for one in FLIGHTS}


def found(session: requests.Session, **body: Any) -> list[dict[str, Any]]:
    answer = ok(session.get(f"/{INDEX}/_search", json={**EVERYTHING, "size": COUNT, **body}))
    return [hit["_source"] for hit in answer["hits"]["hits"]]


def count(session: requests.Session, query: dict[str, Any] | None = None) -> int:
    return int(ok(session.get(f"/{INDEX}/_count", json={"query": query or {"match_all": {}}}))["count"])


def terms(session: requests.Session, field: str) -> Counter[str]:
    """Documents by the value of a field, as an aggregation counts them."""
    asked = {"size": 0, "aggs": {"values": {"terms": {"field": field, "size": COUNT}}}}
    buckets = ok(session.get(f"/{INDEX}/_search", json=asked))["aggregations"]["values"]["buckets"]
    return Counter({str(bucket.get("key_as_string", bucket["key"])): bucket["doc_count"] for bucket in buckets})


def without(one: dict[str, Any], *fields: str) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name not in fields}


# ------------------------------------------------------------------ the last steps, as written
def test_the_default_search_over_everything_is_a_permissions_error(cast: Cast) -> None:
    # Cognito step 38, internal step 21.
    answer = cast.limited.get("/_search", json=EVERYTHING)
    assert answer.status_code == 403
    assert answer.json()["error"]["type"] == "security_exception"
    assert "no permissions for [indices:data/read/search]" in answer.json()["error"]["reason"]


def test_a_flight_search_shows_delayed_flights_only_and_hides_two_fields(cast: Cast) -> None:
    """The number is missing and the destination is hashed. Nothing else is changed."""
    # Cognito step 39, internal step 22.
    seen = found(cast.limited)
    assert len(seen) == len(DELAYED) < COUNT
    assert all(one["FlightDelay"] is True for one in seen)
    assert not any("FlightNum" in one for one in seen)
    assert all(HASHED.fullmatch(one["Dest"]) for one in seen)
    others = ("FlightNum", "Dest")
    assert sorted(without(one, *others)["timestamp"] for one in seen) == sorted(one["timestamp"] for one in DELAYED)
    by_time = {one["timestamp"]: without(one, *others) for one in DELAYED}
    assert all(without(one, *others) == by_time[one["timestamp"]] for one in seen), "nothing else was touched"


def test_the_master_sees_all_of_it_in_the_same_searches(cast: Cast) -> None:
    # Cognito step 40, internal step 23.
    assert ok(cast.master.get("/_search", json=EVERYTHING))["hits"]["total"]["value"] >= COUNT
    by_number = {one["FlightNum"]: one for one in found(cast.master)}
    assert by_number == {one["FlightNum"]: one for one in FLIGHTS}


# ------------------------------------------------------------------ no way round it
def test_counts_and_aggregations_are_of_the_delayed_flights_only(cast: Cast) -> None:
    assert (count(cast.limited), count(cast.master)) == (len(DELAYED), COUNT)
    assert terms(cast.limited, "FlightDelay") == {"true": len(DELAYED)}
    assert terms(cast.limited, "Carrier") == Counter(one["Carrier"] for one in DELAYED)
    assert terms(cast.master, "FlightDelay") == {"true": len(DELAYED), "false": COUNT - len(DELAYED)}


def test_a_destination_aggregates_by_its_hash_and_cannot_be_searched_for(cast: Cast) -> None:
    hashed, plain = terms(cast.limited, "Dest"), Counter(one["Dest"] for one in DELAYED)
    assert sorted(hashed.values()) == sorted(plain.values()), "one hash a destination"
    assert not set(hashed) & PLAIN
    assert all(count(cast.limited, {"term": {"Dest": name}}) == 0 for name in plain)
    assert all(count(cast.master, {"term": {"Dest": name}}) > 0 for name in plain)


@pytest.mark.parametrize(
    "query",
    [
        {"exists": {"field": "FlightNum"}},
        {"term": {"FlightNum": DELAYED[0]["FlightNum"]}},
        {"wildcard": {"FlightNum": "*"}},
        {"term": {"FlightDelay": False}},
        {"bool": {"must_not": {"term": {"FlightDelay": True}}}},
        {"term": {"FlightDelayType": "No Delay"}},
        {"ids": {"values": ["1"]}},
    ],
    ids=str,
)
def test_what_is_hidden_cannot_be_asked_for(cast: Cast, query: dict[str, Any]) -> None:
    assert count(cast.limited, query) == 0
    assert count(cast.master, query) > 0


def test_an_excluded_field_is_nowhere(cast: Cast) -> None:
    assert terms(cast.limited, "FlightNum") == Counter()
    asked: dict[str, Any] = {"docvalue_fields": ["FlightNum"], "sort": [{"FlightNum": {"order": "desc"}}]}
    hits = ok(cast.limited.get(f"/{INDEX}/_search", json={**EVERYTHING, "_source": ["FlightNum"], **asked}))["hits"]
    assert all(hit["_source"] == {} and not hit.get("fields") for hit in hits["hits"])
    assert all(hit["sort"] == [None] for hit in hits["hits"])
    mapping = ok(cast.limited.get(f"/{INDEX}/_field_caps?fields=*"))["fields"]
    assert "FlightNum" not in mapping
    assert "Dest" in mapping


def test_single_documents_are_got_as_searched(cast: Cast) -> None:
    late, punctual = cast.limited.get(f"/{INDEX}/_doc/0"), cast.limited.get(f"/{INDEX}/_doc/1")
    assert "FlightNum" not in late.json()["_source"]
    assert HASHED.fullmatch(late.json()["_source"]["Dest"])
    assert (punctual.status_code, punctual.json()["found"]) == (404, False)
    assert ok(cast.master.get(f"/{INDEX}/_doc/1"))["_source"] == FLIGHTS[1]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", f"/{INDEX}/_doc/0", {"FlightDelay": False}),
        ("POST", f"/{INDEX}/_update/0", {"doc": {"FlightDelay": False}}),
        ("DELETE", f"/{INDEX}/_doc/0", None),
        ("DELETE", f"/{INDEX}", None),
        ("PUT", f"/{INDEX}/_settings", {"index.blocks.read": True}),
        ("PUT", "/kibana_sample_data_flights_2", None),
        ("GET", "/some-other-index/_search", EVERYTHING),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_reading_the_flights_is_all_there_is(cast: Cast, method: str, path: str, body: Any) -> None:
    answer = cast.limited.request(method, path, json=body)
    assert answer.status_code == 403, answer.text
    assert ok(cast.master.get(f"/{INDEX}/_doc/0"))["_source"] == FLIGHTS[0]


@pytest.mark.parametrize("kind", ["roles", "rolesmapping", "internalusers", "actiongroups", "tenants"])
def test_who_may_see_what_is_the_masters_to_read_and_write(cast: Cast, kind: str) -> None:
    assert cast.limited.get(f"{PLUGINS}/{kind}").status_code == 403
    assert cast.limited.delete(f"{PLUGINS}/{kind}/new-role").status_code == 403
    assert cast.master.get(f"{PLUGINS}/{kind}").status_code == 200


# ------------------------------------------------------------------ the same on the engine
def test_the_engine_holds_role_and_mappings_as_the_tutorial_writes_them(cast: Cast) -> None:
    """The query of the role may differ in spaces only."""
    role = ok(cast.master.get(f"{PLUGINS}/roles/new-role"))["new-role"]
    (permission,) = role["index_permissions"]
    (written,) = NEW_ROLE["index_permissions"]
    assert {**permission, "dls": permission["dls"].replace(" ", "")} == {
        **written,
        "dls": written["dls"].replace(" ", ""),
    }
    assert (role["cluster_permissions"], role["tenant_permissions"]) == ([], [])
    mappings = ok(cast.master.get(f"{PLUGINS}/rolesmapping"))
    lists = ("users", "backend_roles", "hosts", "and_backend_roles")
    assert {name: mappings["new-role"][name] for name in lists if mappings["new-role"][name]} == {
        "backend_roles": [cast.reaches_role_by]
    }
    where, entry = cast.reaches_dashboards_by
    assert {name: mappings["kibana_user"][name] for name in lists if mappings["kibana_user"][name]} == {where: [entry]}


def test_the_engine_says_that_these_two_roles_are_all_the_limited_user_has(cast: Cast) -> None:
    seen = ok(cast.limited.get("/_plugins/_security/authinfo"))
    assert sorted(seen["roles"]) == ["kibana_user", "new-role"]
    assert seen["backend_roles"] == [cast.reaches_role_by]
