"""What a request needs, beside the real engine: with all of it nobody is refused, and without any one of it everybody is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from portcullis.families.opensearch.deciding.actions import is_cluster_action
from portcullis.families.opensearch.deciding.requests import needs
from portcullis.families.opensearch.documents.config import Kind

from local.node.node import Node

pytest_plugins = ["tests.fixtures_node"]
pytestmark = pytest.mark.node

API = "/_plugins/_security/api/"
PASSWORD = "Correct-horse-battery-9"
REQUESTS: tuple[tuple[str, str, Any], ...] = (
    *(("GET", f"need-a/{what}", None) for what in ("_stats", "_stats/docs", "_segments", "_recovery", "_shard_stores")),
    *(
        ("GET", f"need-a/{what}", None)
        for what in ("_search_shards", "_validate/query", "_alias", "_mapping", "_settings")
    ),
    *(("POST", f"need-a/{what}", None) for what in ("_refresh", "_flush", "_forcemerge", "_cache/clear", "_open")),
    ("GET", "need-a/_analyze", {"text": "x"}),
    ("GET", "need-a", None),
    ("GET", "need-a/_search", None),
    ("GET", "need-a/_count", None),
    ("GET", "need-a/_doc/1", None),
    ("PUT", "need-a/_doc/1", {"n": 1}),
    ("POST", "need-shut/_close", None),
    *(("GET", path, None) for path in ("", "_cluster/health", "_cluster/state", "_cluster/stats", "_cluster/settings")),
    *(("GET", path, None) for path in ("_cluster/pending_tasks", "_nodes", "_nodes/stats", "_nodes/usage", "_tasks")),
    *(("GET", path, None) for path in ("_remote/info", "_template", "_index_template", "_component_template")),
    *(("GET", path, None) for path in ("_ingest/pipeline", "_snapshot", "_cat", "_cat/health", "_cat/nodes")),
    *(("GET", path, None) for path in ("_cat/templates", "_cat/plugins", "_cat/allocation", "_cat/thread_pool")),
    *(("GET", path, None) for path in ("_cat/fielddata", "_cat/cluster_manager", "_cat/tasks", "_cat/repositories")),
    ("PUT", "_index_template/need-t", {"index_patterns": ["need-t*"]}),
    ("DELETE", "_index_template/need-none", None),
    ("GET", "_ingest/pipeline/need-none", None),
    ("DELETE", "_search/scroll/_all", None),
)


@pytest.fixture(scope="module", params=["3.4.0", "2.19.3"])
def node(request: pytest.FixtureRequest) -> Iterator[Node]:
    node: Node = request.getfixturevalue({"3.4.0": "node_basic_3", "2.19.3": "node_basic_2"}[request.param])
    roles = {}
    for place, (method, path, body) in enumerate(REQUESTS):
        wanted = sorted({one.action for one in needs(method, path, body)})
        for without in ("", *wanted):
            left = [one for one in wanted if one != without]
            name = f"need-{place}-{wanted.index(without) if without else 'all'}"
            roles[name] = {
                "cluster_permissions": [one for one in left if is_cluster_action(one)],
                "index_permissions": [
                    {
                        "index_patterns": ["need-*"],
                        "allowed_actions": [one for one in left if not is_cluster_action(one)],
                    }
                ],
            }
    users = {name: {"password": PASSWORD, "opendistro_security_roles": [name]} for name in roles}
    for kind, documents in ((Kind.ROLES, roles), (Kind.USERS, users)):
        operations = [{"op": "add", "path": f"/{name}", "value": one} for name, one in documents.items()]
        assert node.ask("PATCH", API + kind.value, operations, timeout=120)[0] == 200
    for index in ("need-a", "need-shut"):
        assert node.ask("PUT", f"/{index}/_doc/1?refresh=true", {"n": 1})[0] in (200, 201)
    yield node
    node.ask("DELETE", "/need-a,need-shut")
    node.ask("DELETE", "/_index_template/need-t")
    for kind in (Kind.USERS, Kind.ROLES):
        operations = [{"op": "remove", "path": f"/{name}"} for name in roles]
        assert node.ask("PATCH", API + kind.value, operations, timeout=120)[0] == 200


def test_each_permission_that_is_told_is_needed_and_no_more(node: Node) -> None:
    session, otherwise = requests.Session(), []
    session.trust_env = False
    for place, (method, path, body) in enumerate(REQUESTS):
        wanted = sorted({one.action for one in needs(method, path, body)})
        for without in ("", *wanted):
            name = f"need-{place}-{wanted.index(without) if without else 'all'}"
            if path.endswith("_close"):  # of one that is closed no shard is asked
                assert node.ask("POST", "/need-shut/_open")[0] == 200
            got = session.request(
                method, f"{node.url}/{path}", json=body, auth=(name, PASSWORD), verify=str(node.ca), timeout=60
            )
            # A part that each shard is asked for leaves a 200 in which every shard has refused.
            refused = got.status_code == 403 or "FORBIDDEN" in got.text
            if refused is not bool(without):
                otherwise.append((method, path, without, got.status_code, got.text[:200]))
    assert otherwise == []
