"""What is asked by somebody whose document filter is no query, beside the real engine: 2.19 ends all of it in an error, where the filter
is on any of what the request is about, and a request that names nothing is about everything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from portcullis.families.opensearch.deciding.question import answer
from portcullis.families.opensearch.documents.config import Kind

from local.node.node import Node

pytest_plugins = ["tests.fixtures_node"]
pytestmark = pytest.mark.node

API = "/_plugins/_security/api/"
PASSWORD = "Correct-horse-battery-9"
WHO = "broken-filter"
ROLE = {
    "cluster_permissions": ["*"],
    "index_permissions": [
        {"index_patterns": ["whole"], "allowed_actions": ["*"]},
        {"index_patterns": ["broken"], "allowed_actions": ["*"], "dls": '{"term": {"n": 1}, "match_all": {}}'},
    ],
}
DOCS = [{"_index": "whole", "_id": "1"}]
REQUESTS: list[tuple[str, str, Any]] = [
    *(("GET", path, None) for path in ("_cluster/health", "_cluster/health/whole", "_cluster/health/broken", "_tasks")),
    *(("GET", path, None) for path in ("_cluster/health/who*", "_cluster/health/whole,broken", "_nodes", "_cluster/state")),
    *(("GET", path, None) for path in ("_index_template", "_ingest/pipeline", "_cat/nodes", "_cat/templates", "_cluster/stats")),
    *(("GET", path, None) for path in ("_cat/shards/whole", "_cat/indices/whole", "_cat/segments/whole", "_cat/health")),
    ("DELETE", "_search/scroll/_all", None),
    ("POST", "_render/template", {"source": {}}),
    ("POST", "_mget", {"docs": DOCS}),
    ("POST", "_mget", {"docs": [*DOCS, {"_index": "broken", "_id": "1"}]}),
    ("POST", "_mtermvectors", {"docs": DOCS}),
    ("POST", "_msearch", '{"index": "whole"}\n{}\n'),
    ("POST", "_msearch", '{"index": "whole"}\n{}\n{"index": "bro*"}\n{}\n'),
    ("POST", "_msearch", '{"index": "whole"}\n{}\n{"index": "_all"}\n{}\n'),
    ("POST", "_msearch/template", '{"index": "whole"}\n{"source": {}}\n'),
    ("POST", "_bulk", '{"index": {"_index": "whole", "_id": "1"}}\n{"n": 1}\n'),
    ("POST", "_bulk", '{"index": {"_index": "whole", "_id": "1"}}\n{"n": 1}\n{"delete": {"_index": "broken", "_id": "2"}}\n'),
    ("PUT", "whole/_doc/1", {"n": 1}),
    ("PUT", "broken/_doc/1", {"n": 1}),
    ("POST", "whole/_search/template", {"source": {}}),
    ("POST", "whole/_delete_by_query", {"query": {"term": {"n": 7}}}),
    ("POST", "_reindex", {"source": {"index": "whole"}, "dest": {"index": "whole-2"}}),
    ("POST", "whole/_rank_eval", {"requests": [{"id": "one", "request": {}, "ratings": []}], "metric": {"precision": {"k": 1}}}),
]  # fmt: skip


@pytest.fixture(scope="module", params=["3.4.0", "2.19.3"])
def node(request: pytest.FixtureRequest) -> Iterator[Node]:
    node: Node = request.getfixturevalue({"3.4.0": "node_basic_3", "2.19.3": "node_basic_2"}[request.param])
    of_user = {"password": PASSWORD, "opendistro_security_roles": [WHO]}
    for kind, one in ((Kind.ROLES, ROLE), (Kind.USERS, of_user)):
        assert node.ask("PUT", f"{API}{kind.value}/{WHO}", one, timeout=60)[0] in (200, 201)
    for index in ("whole", "broken"):
        assert node.ask("PUT", f"/{index}/_doc/1?refresh=true", {"n": 1})[0] in (200, 201)
    yield node
    node.ask("DELETE", "/whole,broken,whole-2?ignore_unavailable=true")
    for kind in (Kind.USERS, Kind.ROLES):
        assert node.ask("DELETE", f"{API}{kind.value}/{WHO}")[0] == 200


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
def test_what_a_broken_filter_ends_is_said_to_be_refused(node: Node, method: str, path: str, body: Any) -> None:
    held = (Kind.ROLES, Kind.USERS, Kind.ACTION_GROUPS)
    security = {kind.value: node.ask("GET", API + kind.value)[1] for kind in held}
    world = {"indices": ["whole", "broken"], "release": node.version, "fields": {"whole": ["n"], "broken": ["n"]}}
    request = {"method": method, "path": path, "body": body}
    told = answer({"security": security, "principal": {"name": WHO}, "request": request, "world": world})
    with requests.Session() as session:
        session.trust_env = False
        got = session.request(
            method,
            f"{node.url}/{path}",
            data=body if isinstance(body, str) else json.dumps(body) if body else None,
            headers={"content-type": "application/x-ndjson" if isinstance(body, str) else "application/json"},
            auth=(WHO, PASSWORD),
            verify=str(node.ca),
            timeout=60,
        )
    ended = got.status_code in (403, 500)
    assert told["allowed"] in (not ended, None), (got.status_code, got.text[:300], told)
    if node.version.startswith("2"):
        assert told["allowed"] is not None or "_by_query" in path or path == "_reindex", (got.status_code, told)
