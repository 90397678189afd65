"""Requests for which limits are looked at otherwise than for a search, beside the real engine: a restore minds none, the end of a point in
time those of all indices, and what reads masked values may end in an error."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import requests
from portcullis.families.opensearch.deciding.question import answer
from portcullis.families.opensearch.documents.config import Kind

from local.node.node import Node

pytest_plugins = ["tests.fixtures_node"]
pytestmark = pytest.mark.node

API = "/_plugins/_security/api/"
PASSWORD = "Correct-horse-battery-9"
# By a release a filter that the engine cannot make for anybody here.
UNMADE = {"3": '{"term": {"n": "${attr.internal.none}"}}', "2": '{"term": {"n": 1}, "match_all": {}}'}
INDICES = ("made-a", "made-unmade", "made-kept", "made-shut")
TYPES = {"n": "long", "d": "date", "b": "boolean", "i": "ip", "t": "keyword"}
DOCUMENT = {"n": 1, "d": "2026-01-01", "b": True, "i": "127.0.0.1", "t": "x", "v": "vword", "w": "wword", "s": "seen"}
ALL: dict[str, Any] = {"match_all": {}}


def roles(unmade: str) -> dict[str, Any]:
    def may(**limits: Any) -> dict[str, Any]:
        return {
            "cluster_permissions": ["*"],
            "index_permissions": [{"index_patterns": ["*"], "allowed_actions": ["*"]}, limits],
        }

    entry = {"allowed_actions": ["*"]}
    return {
        "made-all": may(index_patterns=["made-none"], **entry),
        "made-some": may(index_patterns=["made-unmade*"], dls=unmade, **entry),
        "made-later": may(index_patterns=["made-later*"], dls=unmade, **entry),
        "made-twice": {
            "cluster_permissions": ["*"],
            "index_permissions": [{"index_patterns": ["*"], "masked_fields": ["t", "t::SHA-256"], **entry}],
        },
        "made-part": {
            "cluster_permissions": ["*"],
            "index_permissions": [
                {"index_patterns": ["*"], "dls": '{"term": {"n": 1}}', "fls": ["~w"], "masked_fields": ["v"], **entry}
            ],
        },
        "made-masked": {
            "cluster_permissions": ["*"],
            "index_permissions": [{"index_patterns": ["*"], "masked_fields": ["*"], **entry}],
        },
    }


@pytest.fixture(scope="module", params=["3.4.0", "2.19.3"])
def node(request: pytest.FixtureRequest) -> Iterator[Node]:
    node: Node = request.getfixturevalue({"3.4.0": "node_basic_3", "2.19.3": "node_basic_2"}[request.param])
    made = roles(UNMADE[node.version[0]])
    users = {name: {"password": PASSWORD, "opendistro_security_roles": [name]} for name in made}
    for kind, documents in ((Kind.ROLES, made), (Kind.USERS, users)):
        operations = [{"op": "add", "path": f"/{name}", "value": one} for name, one in documents.items()]
        assert node.ask("PATCH", API + kind.value, operations, timeout=120)[0] == 200
    properties: dict[str, Any] = {name: {"type": kind} for name, kind in TYPES.items()}
    properties["t2"] = {"type": "keyword"}
    properties |= {name: {"type": "text", "term_vector": "with_positions_offsets"} for name in ("v", "w")}
    for index in INDICES:
        assert node.ask("PUT", f"/{index}", {"mappings": {"properties": properties}})[0] == 200
        assert node.ask("PUT", f"/{index}/_doc/1?refresh=true", DOCUMENT)[0] == 201
        assert (
            node.ask("PUT", f"/{index}/_doc/2?refresh=true", {"n": 2, "s": "hiddenword", "t2": "hiddenterm"})[0] == 201
        )
    assert node.ask("PUT", "/_snapshot/made", {"type": "fs", "settings": {"location": "made"}})[0] == 200
    assert node.ask("PUT", "/_snapshot/made/one?wait_for_completion=true", {"indices": "made-kept"})[0] == 200
    assert node.ask("POST", "/made-shut/_close")[0] == 200
    yield node
    node.ask("DELETE", "/made-*")
    for path in ("/_snapshot/made/one", "/_snapshot/made"):
        node.ask("DELETE", path)
    for kind in (Kind.USERS, Kind.ROLES):
        operations = [{"op": "remove", "path": f"/{name}"} for name in made]
        assert node.ask("PATCH", API + kind.value, operations)[0] == 200


def asked(node: Node, who: str, method: str, path: str, body: Any) -> tuple[int, dict[str, Any]]:
    """The status of the engine, and what is decided."""
    got, told = both(node, who, method, path, body)
    return got.status_code, told


def both(node: Node, who: str, method: str, path: str, body: Any) -> tuple[requests.Response, dict[str, Any]]:
    security = {
        kind.value: node.ask("GET", API + kind.value)[1] for kind in (Kind.ROLES, Kind.USERS, Kind.ACTION_GROUPS)
    }
    world = {"indices": list(INDICES), "closed": ["made-shut"], "release": node.version}
    request = {"method": method, "path": path, "body": body}
    told = answer({"security": security, "principal": {"name": who}, "request": request, "world": world})
    with requests.Session() as session:
        session.trust_env, session.verify = False, str(node.ca)
        return session.request(method, f"{node.url}/{path}", json=body, auth=(who, PASSWORD), timeout=60), told


@pytest.mark.parametrize("to", ["made-unmade-new", "made-new"])
@pytest.mark.parametrize("who", ["made-all", "made-some", "made-masked"])
def test_a_restore_minds_no_limit_on_the_new_name(node: Node, who: str, to: str) -> None:
    body = {"indices": "made-kept", "rename_pattern": "made-kept", "rename_replacement": to}
    status, told = asked(node, who, "POST", "_snapshot/made/one/_restore?wait_for_completion=true", body)
    node.ask("DELETE", f"/{to}")
    assert (status, told["allowed"]) == (200, True)


def test_on_2_a_restore_minds_a_filter_that_cannot_be_made_whose_pattern_fits_its_new_name_alone(node: Node) -> None:
    body = {"indices": "made-kept", "rename_pattern": "made-kept", "rename_replacement": "made-later-new"}
    status, told = asked(node, "made-later", "POST", "_snapshot/made/one/_restore?wait_for_completion=true", body)
    node.ask("DELETE", "/made-later-new?ignore_unavailable=true")
    assert (status, told["allowed"]) == ((500, False) if node.version.startswith("2") else (200, True))


@pytest.mark.parametrize("index", ["made-a", "made-unmade"])
@pytest.mark.parametrize("who", ["made-all", "made-some", "made-masked"])
def test_a_point_in_time_is_ended_by_whoever_has_no_filter_that_cannot_be_made(
    node: Node, who: str, index: str
) -> None:
    made = node.ask("POST", f"/{index}/_search/point_in_time?keep_alive=1m")[1]
    status, told = asked(node, who, "DELETE", "_search/point_in_time", {"pit_id": [made["pit_id"]]})
    assert (status, told["allowed"]) == ((500, False) if who == "made-some" else (200, True))


SUMS: list[tuple[dict[str, Any], str]] = [
    ({"aggs": {"one": {kind: {"field": field}}}, "size": 0}, field) for field in TYPES for kind in ("terms", "missing")
]
SUMS += [({"sort": [field]}, field) for field in TYPES]
SUMS += [({"sort": [{field: "desc"}]}, field) for field in ("n", "t")]
SUMS += [({"docvalue_fields": [{"field": field}]}, field) for field in TYPES]
SUMS += [({"aggs": {"of": {"filter": ALL, "aggs": {"one": {"avg": {"field": "n"}}}}}}, "n")]
SUMS += [({"query": {"exists": {"field": field}}}, field) for field in TYPES]


@pytest.mark.parametrize(("body", "field"), SUMS, ids=lambda one: json.dumps(one))
def test_what_reads_masked_values_is_said_to_end_in_an_error(node: Node, body: dict[str, Any], field: str) -> None:
    status, told = asked(node, "made-masked", "POST", "made-a/_search", body)
    reads = "query" not in body
    assert told["allowed"] is True
    assert any("ends in an error" in one for one in told["notes"]) is reads
    counts_none = (
        body.get("aggs", {}).get("one", {}).keys() == {"missing"} and field == "i"
    )  # of addresses it reads no value
    assert (status != 200) is (reads and field != "t" and not counts_none)
    status, told = asked(node, "made-all", "POST", "made-a/_search", body)
    assert (status, told["allowed"], told["notes"]) == (200, True, [])


@pytest.mark.parametrize(("liked", "status"), [("made-shut", 400), ("made-none", 200), ("made-kept", 200)])
def test_what_is_like_a_document_of_a_closed_index_is_said_to_end_in_an_error(
    node: Node, liked: str, status: int
) -> None:
    like = {"fields": ["t"], "like": [{"_index": liked, "_id": "1"}], "min_doc_freq": 1}
    body = {"query": {"bool": {"must": [ALL], "should": [{"more_like_this": like}]}}}
    got, told = asked(node, "made-all", "POST", "made-a/_search", body)
    assert got == status
    assert any("ends in an error (400)" in one for one in told["notes"]) is (status == 400)


@pytest.mark.parametrize("field", ["v", "w"])
@pytest.mark.parametrize("who", ["made-part", "made-all"])
def test_what_term_vectors_show_of_hidden_and_masked_fields_is_said(node: Node, who: str, field: str) -> None:
    got, told = both(node, who, "GET", f"made-a/_termvectors/1?fields={field}", None)
    assert (got.status_code, told["allowed"]) == (200, True)
    shows, limited = f"{field}word" in got.text, who == "made-part"
    assert shows is (not limited or node.version.startswith("2"))
    assert any("_termvectors" in one for one in told["notes"]) is (shows and limited)
    got, told = both(
        node, who, "POST", "_mtermvectors", {"docs": [{"_index": "made-a", "_id": "1", "fields": [field]}]}
    )
    assert (f"{field}word" in got.text) is shows
    assert any("_termvectors" in one for one in told["notes"]) is (shows and limited)


@pytest.mark.parametrize("kind", ["term", "phrase"])
@pytest.mark.parametrize("who", ["made-part", "made-all"])
def test_what_suggestions_show_of_hidden_documents_is_said(node: Node, who: str, kind: str) -> None:
    body = {
        "suggest": {
            "one": {"text": "hiddenwort", kind: {"field": "s"} | ({"confidence": 0} if kind == "phrase" else {})}
        }
    }
    got, told = both(node, who, "POST", "made-a/_search", body)
    assert (got.status_code, told["allowed"]) == (200, True)
    assert "hiddenword" in json.dumps(got.json()["suggest"])
    assert any("suggestions" in one for one in told["notes"]) is (who == "made-part")
    got, told = both(node, who, "POST", "made-a/_search", {"query": {"match": {"s": "hiddenword"}}})
    assert (got.json()["hits"]["total"]["value"], told["notes"]) == (0 if who == "made-part" else 1, [])


@pytest.mark.parametrize("names", ["made-a", ".opendistro_security", ".opendistro_security,made-a", "*"])
def test_the_plugins_own_index_answers_whatever_the_masks(node: Node, names: str) -> None:
    status, told = asked(node, "made-twice", "GET", f"{names}/_search", None)
    ends = node.version.startswith("2") and names == "made-a"
    assert (status, told["allowed"]) == (400 if ends else 200, True)
    assert any(one["error"] for one in told["needs"]) is ends


TERMS = {"terms": {"field": "t2", "min_doc_count": 0}}
EMPTY: list[tuple[dict[str, Any], bool | None]] = [
    ({"aggs": {"one": TERMS}}, None),  # refused
    ({"aggs": {"one": {"terms": {"field": "t2", "min_doc_count": "0"}}}}, None),
    ({"profile": "true"}, None),
    ({"aggs": {"of": {"filter": ALL, "aggs": {"one": TERMS}}}}, True),
    ({"aggs": {"of": {"global": {}, "aggs": {"one": TERMS}}}}, True),
    ({"aggs": {"one": {"multi_terms": {"terms": [{"field": "t2"}, {"field": "t2"}], "min_doc_count": 0}}}}, True),
    ({"aggs": {"one": {"terms": {"field": "t2", "min_doc_count": 1}}}}, False),
    ({"aggs": {"one": {"rare_terms": {"field": "t2"}}}}, False),
]


@pytest.mark.parametrize("in_path", [False, True])
@pytest.mark.parametrize(("body", "shows"), EMPTY, ids=lambda one: json.dumps(one))
def test_what_empty_buckets_show_of_hidden_documents_is_said(
    node: Node, body: dict[str, Any], shows: bool | None, in_path: bool
) -> None:
    path = "made-a/_search" + (
        f"?source={quote(json.dumps(body))}&source_content_type=application/json" if in_path else ""
    )
    got, told = both(node, "made-part", "POST", path, None if in_path else body)
    assert (got.status_code, told["allowed"]) == ((500, False) if shows is None else (200, True))
    assert ("hiddenterm" in got.text) is bool(shows)
    assert any("buckets" in one for one in told.get("notes", ())) is bool(shows)


def test_a_look_up_that_the_path_holds_is_looked_at(node: Node) -> None:
    body = {"query": {"terms": {"t": {"index": "made-unmade", "id": "1", "path": "t"}}}}
    path = f"made-a/_search?source={quote(json.dumps(body))}&source_content_type=application/json"
    assert asked(node, "made-all", "GET", path, None)[1]["allowed"] is True
    status, told = asked(node, "made-some", "GET", path, None)
    assert (status, told["allowed"]) == (500, False)


@pytest.mark.parametrize("names", ["made-a", "made-filtered", "made-filtered,made-a", "made-filtered,made-kept"])
def test_a_point_in_time_of_an_alias_with_a_filter_keeps_it(node: Node, names: str) -> None:
    by = {"add": {"index": "made-a", "alias": "made-filtered", "filter": {"term": {"n": 7}}}}
    assert node.ask("POST", "/_aliases", {"actions": [by]})[0] == 200
    made = node.ask("POST", f"/{names}/_search/point_in_time?keep_alive=1m")[1]
    got, told = both(node, "made-all", "POST", "_search", {"pit": {"id": made["pit_id"]}})
    node.ask("POST", "/_aliases", {"actions": [{"remove": {"index": "made-a", "alias": "made-filtered"}}]})
    assert (got.status_code, told["allowed"]) == (200, True)
    shown = {hit["_index"] for hit in got.json()["hits"]["hits"]}
    assert ("made-a" not in shown) is any("opened by an alias" in one for one in told["notes"])
    assert ("made-a" in shown) is ("made-a" in names.split(","))
