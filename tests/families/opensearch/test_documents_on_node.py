"""What is said of a document that somebody would see, beside what nodes of both releases show them of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from portcullis.access.questions.documents import MASKED
from portcullis.families.opensearch.deciding.question import answer
from portcullis.families.opensearch.documents.config import Kind
from portcullis.families.opensearch.limiting.known import known

from local.node.node import Node
from tests.access.queries import DOCUMENTS, all_found_otherwise
from tests.access.strategies import mapping
from tests.families.opensearch.test_decide_on_node import PASSWORD, expect, patch

pytest_plugins = ["tests.fixtures_node"]
pytestmark = pytest.mark.node

Json = dict[str, Any]
BUILT_IN = known("OpenSearch_3.3").action_groups
INDEX = "seen-1"
FILTERS: dict[str, Json | None] = {
    "all": None,
    "eu": {"term": {"region.keyword": "eu"}},
    "high": {"range": {"level": {"gte": 2}}},
    "noname": {"bool": {"must_not": {"exists": {"field": "who"}}}},
    "words": {"match": {"name": "ann"}},
    "both": {"bool": {"should": [{"term": {"tags.keyword": "red"}}, {"term": {"level": 0}}]}},
}
SHOWN: dict[str, Json] = {
    "whole": {},
    "without": {"fls": ["~who", "~name"]},
    "inside": {"fls": ["~who.team", "~items.x"]},
    "only": {"fls": ["region", "level", "tags"]},
    "deep": {"fls": ["~who", "~who.*"]},
    "masks": {"masked_fields": ["region", "tags"]},
}
ENTRIES: dict[str, Json] = {
    f"{one}-{other}": {
        "index_patterns": [INDEX],
        "allowed_actions": ["read"],
        **({"dls": json.dumps(query)} if query else {}),
        **limits,
    }
    for one, query in FILTERS.items()
    for other, limits in SHOWN.items()
}
ROLES = {
    name: {"cluster_permissions": ["cluster_composite_ops_ro"], "index_permissions": [entry]}
    for name, entry in ENTRIES.items()
}


@pytest.fixture(scope="module", params=["3.4.0", "2.19.3"])
def node(request: pytest.FixtureRequest) -> Iterator[Node]:
    node: Node = request.getfixturevalue({"3.4.0": "node_basic_3", "2.19.3": "node_basic_2"}[request.param])
    patch(node, Kind.ROLES, ROLES)
    patch(node, Kind.USERS, {name: {"password": PASSWORD} for name in ROLES})
    patch(node, Kind.MAPPINGS, {name: mapping(users=[name]) for name in ROLES})
    for id_, document in DOCUMENTS.items():
        expect(node, "PUT", f"/{INDEX}/_doc/{id_}?refresh=true", document, 201)
    yield node
    expect(node, "DELETE", f"/{INDEX}", None, 200)
    for kind in (Kind.MAPPINGS, Kind.USERS, Kind.ROLES):
        taken = [{"op": "remove", "path": f"/{name}"} for name in ROLES]
        expect(node, "PATCH", f"/_plugins/_security/api/{kind.value}", taken, 200)


def said(user: str, release: str) -> dict[str, Json]:
    question = {
        "security": {"roles": ROLES, "rolesmapping": {user: {"users": [user]}}},
        "principal": {"name": user},
        "request": {"method": "GET", "path": f"/{INDEX}/_search?size=50"},
        "world": {"indices": [INDEX], "release": release},
        "documents": [{"_index": INDEX, "_id": id_, "_source": one} for id_, one in DOCUMENTS.items()],
    }
    return {one["id"]: one for one in answer(question, BUILT_IN)["documents"]}


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every value by its full name; of an object in which nothing is left, nothing."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from leaves(part, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part, name)
    else:
        yield name, value


def differing(ours: Json, theirs: Json | None, own: Json) -> str:
    if ours["seen"] is None:
        return ""
    if ours["seen"] is not (theirs is not None):
        return f"shown: {theirs is not None}, we say {ours['seen']}"
    if theirs is None:
        return ""
    # 2.19.3 gives the keys in another order.
    expected, shown, plain = (sorted(leaves(one), key=lambda leaf: leaf[0]) for one in (ours["source"], theirs, own))
    if [name for name, _ in expected] != [name for name, _ in shown]:
        return f"fields {shown}, we say {expected}"
    for (name, value), (_, there) in zip(expected, shown, strict=True):
        hidden = (name, there) not in plain
        if hidden is not (value == MASKED):
            return f"{name} is {there}, we say {value}"
    return ""


def test_what_is_said_of_a_document_is_what_a_node_shows_of_it(node: Node) -> None:
    wrong, told = [], 0
    for user in ROLES:
        ours = said(user, node.version)
        with requests.Session() as session:
            session.trust_env, session.verify, session.auth = False, str(node.ca), (user, PASSWORD)
            found = session.get(f"{node.url}/{INDEX}/_search?size=50", timeout=60)
        assert found.status_code == 200, found.text
        theirs = {one["_id"]: one["_source"] for one in found.json()["hits"]["hits"]}
        for id_, own in DOCUMENTS.items():
            told += ours[id_]["seen"] is not None
            if what := differing(ours[id_], theirs.get(id_), own):
                wrong.append((user, id_, what))
    assert not wrong, "\n".join(map(str, wrong))
    assert told > 100


def test_a_node_finds_what_is_said_however_it_holds_the_fields(node: Node) -> None:
    found = all_found_otherwise(lambda method, path, body: node.ask(method, path, body, timeout=120))
    assert not found, "\n".join(map(str, found))
