"""What a request needs, beside the real engine: every user sends every request, and is let in or refused as the answer says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from portcullis.access.actual import Json
from portcullis.access.questions.answers import Request, There
from portcullis.access.terms import Caller
from portcullis.families.opensearch.deciding.answering import OPENSEARCH
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig

from local.node.node import Node
from tests.access.strategies import mapping

pytest_plugins = ["tests.fixtures_node"]
pytestmark = pytest.mark.node

API = "/_plugins/_security/api/"
PASSWORD = "Correct-horse-battery-9"
INDEX = "asked-1"
# The release of the node -> that of a managed domain, as deployments name it.
ENGINES = {"3.4.0": "OpenSearch_3.3", "2.19.3": "OpenSearch_2.19"}
R, W, A = "indices:data/read/", "indices:data/write/", "indices:admin/"
BULK = f"{W}bulk"
# user -> cluster permissions, index permissions
USERS: dict[str, tuple[list[str], list[str]]] = {
    "searches": ([], [f"{R}search"]),
    "gets": ([], [f"{R}get"]),
    "explains": ([], [f"{R}explain"]),
    "terms": ([], [f"{R}tv"]),
    "fields": ([], [f"{R}field_caps"]),
    "reads": ([], ["read"]),
    "indexes": ([], [f"{W}index"]),
    "indexes-bulk": ([], [f"{W}index", f"{W}bulk*"]),
    "indexes-cluster": ([BULK], [f"{W}index"]),
    "indexes-whole": ([BULK], [f"{W}index", f"{W}bulk*"]),
    "deletes-whole": ([BULK], [f"{W}delete", f"{W}bulk*"]),
    "updates-whole": ([BULK], [f"{W}update", f"{W}bulk*"]),
    "updates-gets": ([BULK], [f"{W}update", f"{W}index", f"{W}bulk*", f"{R}get"]),
    "crud": ([BULK], ["crud"]),
    "crud-no-cluster": ([], ["crud"]),
    "shows-mappings": ([], [f"{A}mappings/get"]),
    "puts-mappings": ([], [f"{A}mapping/put"]),
    "shows-settings": ([], ["indices:monitor/settings/get"]),
    "puts-settings": ([], [f"{A}settings/update"]),
    "makes": ([], [f"{A}create"]),
    "removes": ([], [f"{A}delete"]),
    "nothing": ([], []),
}
QUERY: Json = {"query": {"match_all": {}}}
# request -> its body; "{new}" is an index that is not there, "{gone}" one that was made to be taken away
REQUESTS: dict[tuple[str, str], Any] = {
    ("GET", f"{INDEX}/_search"): None,
    ("POST", f"{INDEX}/_search"): QUERY,
    ("GET", f"{INDEX}/_count"): None,
    ("POST", f"{INDEX}/_explain/1"): QUERY,
    ("GET", f"{INDEX}/_termvectors/1"): None,
    ("GET", f"{INDEX}/_field_caps?fields=*"): None,
    ("GET", f"{INDEX}/_doc/1"): None,
    ("HEAD", f"{INDEX}/_doc/1"): None,
    ("GET", f"{INDEX}/_source/1"): None,
    ("PUT", f"{INDEX}/_doc/2"): {"n": 2},
    ("POST", f"{INDEX}/_doc"): {"n": 3},
    ("PUT", f"{INDEX}/_create/4"): {"n": 4},
    ("POST", f"{INDEX}/_update/1"): {"doc": {}},  # filled in: one that changes nothing writes nothing, and needs less
    ("DELETE", f"{INDEX}/_doc/9"): None,
    ("GET", f"{INDEX}/_mapping"): None,
    ("PUT", f"{INDEX}/_mapping"): {"properties": {"n": {"type": "long"}}},
    ("GET", f"{INDEX}/_settings"): None,
    ("PUT", f"{INDEX}/_settings"): {"index": {"refresh_interval": "1s"}},
    ("PUT", "asked-new"): None,
    ("DELETE", "asked-new"): None,
}


@pytest.fixture(scope="module", params=["3.4.0", "2.19.3"])
def node(request: pytest.FixtureRequest) -> Iterator[Node]:
    node: Node = request.getfixturevalue({"3.4.0": "node_basic_3", "2.19.3": "node_basic_2"}[request.param])
    roles = {
        f"asked_{user}": {
            "cluster_permissions": cluster,
            "index_permissions": [{"index_patterns": ["asked-*"], "allowed_actions": actions}],
        }
        for user, (cluster, actions) in USERS.items()
    }
    put(node, Kind.ROLES, roles)
    put(node, Kind.USERS, {user: {"password": PASSWORD} for user in USERS})
    put(node, Kind.MAPPINGS, {f"asked_{user}": mapping(users=[user]) for user in USERS})
    assert node.ask("PUT", f"/{INDEX}/_doc/1?refresh=true", {"n": 1, "by": "nobody"})[0] in (200, 201)
    yield node
    node.ask("DELETE", f"/{INDEX},asked-new?ignore_unavailable=true")
    for kind, names in ((Kind.MAPPINGS, roles), (Kind.USERS, USERS), (Kind.ROLES, roles)):
        assert node.ask("PATCH", API + kind.value, [{"op": "remove", "path": f"/{name}"} for name in names])[0] == 200


def put(node: Node, kind: Kind, documents: dict[str, Any]) -> None:
    operations = [{"op": "add", "path": f"/{name}", "value": one} for name, one in documents.items()]
    status, said = node.ask("PATCH", API + kind.value, operations, timeout=120)
    assert status == 200, said


def test_every_request_of_every_user_is_answered_as_the_engine_does(node: Node) -> None:
    held = SecurityConfig({kind: node.ask("GET", API + kind.value)[1] for kind in Kind})
    differ, unknown = [], []
    session = requests.Session()
    session.trust_env = False
    for (method, path), body in REQUESTS.items():
        for user in USERS:
            if path == "asked-new":
                node.ask("PUT" if method == "DELETE" else "DELETE", "/asked-new")
            body = {"doc": {"by": user}} if "_update" in path else body
            got = session.request(
                method, f"{node.url}/{path}", json=body, auth=(user, PASSWORD), verify=str(node.ca), timeout=60
            )
            there = There((INDEX, "asked-new"), ENGINES[node.version])
            told = OPENSEARCH.answer(held, Caller(user), Request(method, path), there)
            if told.allowed is None:
                unknown.append((method, path, user))
            elif told.allowed != (got.status_code != 403):
                differ.append((user, method, path, told.allowed, got.status_code, got.text[:150]))
    assert differ == []
    assert {path for _, path, _ in unknown} == {f"{INDEX}/_update/1"}
    assert {user for *_, user in unknown} == {"updates-whole", "crud-no-cluster"}
