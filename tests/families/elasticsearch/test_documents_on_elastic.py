"""What is said of a document that somebody would see, beside what a cluster shows them of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from portcullis.families.elasticsearch.deciding.question import answer_question

from local.elastic.node import Elasticsearch
from tests.access.queries import DOCUMENTS, all_found_otherwise

pytest_plugins = ["tests.fixtures_elastic"]
pytestmark = pytest.mark.node

Json = dict[str, Any]
PASSWORD = "Correct-horse-battery-9"
INDEX = "seen-1"
QUERIES: dict[str, Json | None] = {
    "all": None,
    "eu": {"term": {"region.keyword": "eu"}},
    "high": {"range": {"level": {"gte": 2}}},
    "mine": {"template": {"source": {"term": {"region.keyword": "{{_user.username}}"}}}},
}
FIELDS: dict[str, Json] = {
    "whole": {},
    "without": {"field_security": {"grant": ["*"], "except": ["who*", "name"]}},
    "only": {"field_security": {"grant": ["region*", "level", "who.size"]}},
}
ROLES: dict[str, Json] = {
    f"{one}-{other}": {
        "indices": [
            {"names": [INDEX], "privileges": ["read"], **({"query": json.dumps(query)} if query else {}), **limits}
        ]
    }
    for one, query in QUERIES.items()
    for other, limits in FIELDS.items()
    if one != "mine"  # no package here fills a template
}


def leaves(value: Any, name: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [leaf for key, part in value.items() for leaf in leaves(part, f"{name}.{key}" if name else key)]
    if isinstance(value, list):
        return [leaf for part in value for leaf in leaves(part, name)]
    return [(name, value)]


def test_what_is_said_of_a_document_is_what_a_cluster_shows_of_it(elastic: Elasticsearch) -> None:
    for id_, document in DOCUMENTS.items():
        assert elastic.ask("PUT", f"/{INDEX}/_doc/{id_}?refresh=true", document)[0] == 201
    wrong, told = [], 0
    for name, role in ROLES.items():
        assert elastic.ask("PUT", f"/_security/role/{name}", role)[0] == 200
        assert elastic.ask("PUT", f"/_security/user/{name}", {"password": PASSWORD, "roles": [name]})[0] == 200
        question = {
            "engine": f"elasticsearch-{elastic.version}",
            "security": {"roles": ROLES, "users": {name: {"roles": [name], "enabled": True}}},
            "principal": {"name": name},
            "request": {"method": "GET", "path": f"/{INDEX}/_search?size=50"},
            "world": {"indices": [INDEX]},
            "documents": [{"_index": INDEX, "_id": id_, "_source": one} for id_, one in DOCUMENTS.items()],
        }
        ours = {one["id"]: one for one in answer_question(question)["documents"]}
        status, said = elastic.ask("GET", f"/{INDEX}/_search?size=50", user=name, password=PASSWORD)
        assert status == 200, said
        theirs = {one["_id"]: one["_source"] for one in said["hits"]["hits"]}
        for id_, one in ours.items():
            told += one["seen"] is not None
            if one["seen"] is None:
                continue
            ours_of, shown = (
                sorted(leaves(of), key=lambda leaf: leaf[0]) if of is not None else None  # keys come in another order
                for of in (one["source"], theirs.get(id_))
            )
            if ours_of != shown:
                wrong.append((name, id_, one, shown))
    assert not wrong, "\n".join(map(str, wrong))
    assert told > 50


def test_a_cluster_finds_what_is_said_however_it_holds_the_fields(elastic: Elasticsearch) -> None:
    assert all_found_otherwise(elastic.ask, typed=elastic.version.startswith("6.")) == []
