"""What is shown through an alias with a filter, as nodes of both releases showed it (alias_filters.json)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from portcullis.access.terms import Caller
from portcullis.families.opensearch.deciding.compiled import Compiled
from portcullis.families.opensearch.deciding.question import answer
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.limiting.known import known
from portcullis.families.opensearch.names.world import EngineFacts

from local.node.node import Node
from tests.access.strategies import mapping
from tests.families.opensearch.test_decide_on_node import PASSWORD, expect, patch

pytest_plugins = ["tests.fixtures_node"]

Json = dict[str, Any]
MEASURED: Json = json.loads(Path(__file__).with_name("alias_filters.json").read_text())
BUILT_IN = known("OpenSearch_3.3").action_groups
ROLES = {
    name: {"cluster_permissions": ["cluster_composite_ops"], "index_permissions": entries}
    for name, entries in MEASURED["roles"].items()
}


def question(user: str, names: str, release: str, *, narrows: bool = False, path: str = "_search") -> Json:
    return {
        "security": {"roles": ROLES, "rolesmapping": {user: {"users": [user]}}},
        "principal": {"name": user},
        "request": {"method": "GET", "path": f"/{names}/{path}"},
        "world": {
            "indices": MEASURED["indices"],
            "aliases": MEASURED["aliases"],
            "release": release,
            "do_not_fail_on_forbidden": narrows,
        },
    }


def decided(asked: Json) -> Json:
    found = answer(asked, BUILT_IN)
    return {**found, **found["needs"][0]}


def finds(query: str, document: Json) -> bool:
    ((kind, clause),) = json.loads(query).items()
    if kind == "match_none":
        return False
    ((name, value),) = clause.items()
    return bool(document.get(name) == value)


def shown(told: Json) -> list[str]:
    """INDEX/ID of what its views let through."""
    found = []
    for index in told["indices"]:
        view = told["views"][index]
        for id_, document in MEASURED["documents"].items():
            limits = [view["documents"]] if isinstance(view["documents"], list) else []
            limits += [view["alias_filters"]] if "alias_filters" in view else []
            if all(any(finds(query, document) for query in limit) for limit in limits):
                found.append(f"{index}/{id_}")
    return found


@pytest.mark.parametrize("release", ["3.4.0", "2.19.3"])
@pytest.mark.parametrize("how", ["whole", "narrowed"])
def test_what_is_shown_through_aliases_is_what_nodes_showed(how: str, release: str) -> None:
    wrong, open_ = [], 0
    for user, answers in MEASURED["answers"][how].items():
        for names, theirs in answers.items():
            told = decided(question(user, names, release, narrows=how == "narrowed"))
            if told["unknown"]:
                open_ += 1
                continue
            ours = shown(told) if told["allowed"] and not told["error"] else None
            if ours != theirs:
                wrong.append((user, names, theirs, ours))
    assert wrong == []
    assert open_ <= 6  # on 2.19 what a filter finds in a field that is hidden or masked


def test_an_engine_that_narrows_a_request_forgets_the_filter_of_the_alias() -> None:
    """Whoever may search the alias alone, and names an index beside it, is shown all of the index behind the alias."""
    asked = question("byred", "red-logs,logs-2", "3.4.0", narrows=True)
    assert shown(decided(asked)) == ["logs-1/a", "logs-1/b", "logs-1/c"]
    assert shown(decided(question("byred", "red-logs", "3.4.0", narrows=True))) == ["logs-1/a", "logs-1/c"]


@pytest.mark.parametrize(
    ("path", "minded"), [("_search", True), ("_count", True), ("_explain/b", True), ("_doc/b", False)]
)
def test_what_is_read_by_its_id_minds_no_filter_of_an_alias(path: str, minded: bool) -> None:
    told = decided(question("full", "red-logs", "3.4.0", path=path))
    assert ("alias_filters" in told["views"]["logs-1"]) is minded


def test_a_filter_on_a_field_that_is_hidden_finds_nothing() -> None:
    view = decided(question("nosec", "hid-logs", "3.4.0"))["views"]["logs-1"]
    assert view["alias_filters"] == ['{"match_none": {}}']
    assert any("hidden or masked for them" in reason for reason in view["reasons"])


@pytest.mark.parametrize(
    ("names", "filtered"),
    [
        ("h*,al", {"hid", "plain", ".dot"}),
        ("a*,h*", {"hid", "plain", ".dot"}),
        ("*,al", {"hid", ".dot"}),
        ("al,*", {"hid", ".dot"}),
        ("hid,al", {"plain", ".dot"}),
        (".d*,al", {"hid", "plain"}),
        ("*", set()),
        ("_all", set()),
        ("", set()),
        ("h*", set()),
    ],
)
def test_a_wildcard_names_no_hidden_index_past_the_filter_of_its_alias(names: str, filtered: set[str]) -> None:
    """As 2.19.3 and 3.4.0 showed it, also where the request asks for hidden indices."""
    indices, rule = (".dot", "hid", "plain"), '{"term": {"a": 1}}'
    facts = EngineFacts(indices, {"al": indices}, hidden=(".dot", "hid"), filters={"al": dict.fromkeys(indices, rule)})
    everything = {"index_permissions": [{"index_patterns": ["*"], "allowed_actions": ["*"]}]}
    held = SecurityConfig({"roles": {"r": everything}, "rolesmapping": {"r": {"users": ["anna"]}}})
    asked = tuple(filter(None, names.split(",")))
    told = Compiled(held, facts).decide(Caller("anna"), "indices:data/read/search", asked, {"expand_wildcards": "all"})
    assert {view.index for view in told.views if view.alias_filters} == filtered


# ---------------------------------------------------------------------- on real nodes


@pytest.fixture(scope="module", params=["3.4.0", "2.19.3"])
def node(request: pytest.FixtureRequest) -> Iterator[Node]:
    node: Node = request.getfixturevalue({"3.4.0": "node_basic_3", "2.19.3": "node_basic_2"}[request.param])
    patch(node, Kind.ROLES, ROLES)
    patch(node, Kind.USERS, {name: {"password": PASSWORD} for name in ROLES})
    patch(node, Kind.MAPPINGS, {name: mapping(users=[name]) for name in ROLES})
    fields = {name: {"type": "keyword" if name != "level" else "long"} for name in ("team", "level", "secret")}
    for index in MEASURED["indices"]:
        expect(node, "PUT", f"/{index}", {"mappings": {"properties": fields}}, 200)
        for id_, document in MEASURED["documents"].items():
            expect(node, "PUT", f"/{index}/_doc/{id_}?refresh=true", document, 201)
    for alias, members in MEASURED["aliases"].items():
        for index, rule in members.items():
            expect(node, "PUT", f"/{index}/_alias/{alias}", {"filter": rule} if rule else {}, 200)
    yield node
    expect(node, "DELETE", "/" + ",".join(MEASURED["indices"]), None, 200)
    for kind in (Kind.MAPPINGS, Kind.USERS, Kind.ROLES):
        expect(
            node,
            "PATCH",
            f"/_plugins/_security/api/{kind.value}",
            [{"op": "remove", "path": f"/{name}"} for name in ROLES],
            200,
        )


@pytest.mark.node
def test_nodes_show_what_the_table_says(node: Node) -> None:
    wrong = []
    for user, answers in MEASURED["answers"]["whole"].items():
        with requests.Session() as session:
            session.trust_env, session.verify, session.auth = False, str(node.ca), (user, PASSWORD)
            for names, said in answers.items():
                told = session.get(f"{node.url}/{names}/_search?size=50", timeout=60)
                hits = told.json()["hits"]["hits"] if told.status_code == 200 else []
                own = {f"{hit['_index']}/{hit['_id']}" for hit in hits if hit["_index"] in MEASURED["indices"]}
                if (sorted(own) if told.status_code == 200 else None) != said:
                    wrong.append((user, names, told.status_code, sorted(own), said))
    assert wrong == []
