"""Requests with several items beside the real engine: what lets the request in, and what each item gets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from portcullis.access.actual import Json
from portcullis.families.opensearch.deciding.question import answer
from portcullis.families.opensearch.documents.config import Kind

from local.node.node import Node

pytest_plugins = ["tests.fixtures_node"]
pytestmark = pytest.mark.node

API = "/_plugins/_security/api/"
PASSWORD = "Correct-horse-battery-9"
R, W = "indices:data/read/", "indices:data/write/"
# user -> cluster permissions, index permissions on req-a
USERS: dict[str, tuple[list[str], list[str]]] = {
    "req-all": ([f"{W}bulk", f"{R}msearch", f"{R}mget"], ["read", "write"]),
    "req-items": ([], ["read", "write"]),
    "req-reads": ([f"{W}bulk", f"{R}msearch", f"{R}mget"], ["read"]),
    "req-searches": ([f"{R}msearch", f"{R}mget"], [f"{R}search"]),
    "req-writes": ([f"{W}bulk"], [f"{W}index", f"{W}bulk*"]),
}
LINES: dict[str, list[Json]] = {
    "_msearch": [{"index": "req-a"}, {}, {"index": "req-b"}, {}, {"index": ["req-a", "req-b"]}, {}],
    "_bulk": [
        {"index": {"_index": "req-a", "_id": "2"}},
        {"n": 2},
        {"delete": {"_index": "req-a", "_id": "3"}},
        {"index": {"_index": "req-b", "_id": "2"}},
        {"n": 2},
    ],
}
DOCS: Json = {"docs": [{"_index": "req-a", "_id": "1"}, {"_index": "req-b", "_id": "1"}]}


@pytest.fixture(scope="module", params=["3.4.0", "2.19.3"])
def node(request: pytest.FixtureRequest) -> Iterator[Node]:
    node: Node = request.getfixturevalue({"3.4.0": "node_basic_3", "2.19.3": "node_basic_2"}[request.param])
    roles = {
        user: {
            "cluster_permissions": cluster,
            "index_permissions": [{"index_patterns": ["req-a"], "allowed_actions": actions}],
        }
        for user, (cluster, actions) in USERS.items()
    }
    users = {user: {"password": PASSWORD, "opendistro_security_roles": [user]} for user in USERS}
    for kind, documents in ((Kind.ROLES, roles), (Kind.USERS, users)):
        operations = [{"op": "add", "path": f"/{name}", "value": one} for name, one in documents.items()]
        assert node.ask("PATCH", API + kind.value, operations, timeout=120)[0] == 200
    for index in ("req-a", "req-b"):
        assert node.ask("PUT", f"/{index}/_doc/1?refresh=true", {"n": 1})[0] in (200, 201)
    yield node
    node.ask("DELETE", "/req-a,req-b")
    for kind in (Kind.USERS, Kind.ROLES):
        operations = [{"op": "remove", "path": f"/{name}"} for name in USERS]
        assert node.ask("PATCH", API + kind.value, operations)[0] == 200


def items_of(path: str, told: Any) -> dict[str, bool]:
    """Which items the engine did."""
    if path == "_msearch":
        found = [one["status"] == 200 for one in told["responses"]]
    elif path == "_mget":
        found = ["error" not in one for one in told["docs"]]
    else:
        found = [next(iter(one.values()))["status"] != 403 for one in told["items"]]
    return {str(at): done for at, done in enumerate(found)}


@pytest.mark.parametrize("path", ["_msearch", "_mget", "_bulk"])
def test_each_item_is_answered_as_the_engine_does(node: Node, path: str) -> None:
    security = {
        kind.value: node.ask("GET", API + kind.value)[1] for kind in (Kind.ROLES, Kind.USERS, Kind.ACTION_GROUPS)
    }
    text = "".join(f"{json.dumps(line)}\n" for line in LINES[path]) if path in LINES else json.dumps(DOCS)
    world = {"indices": ["req-a", "req-b"], "release": node.version}
    session = requests.Session()
    session.trust_env = False
    for user in USERS:
        got = session.post(
            f"{node.url}/{path}",
            data=text,
            headers={"content-type": "application/x-ndjson" if path in LINES else "application/json"},
            auth=(user, PASSWORD),
            verify=str(node.ca),
            timeout=60,
        )
        request = {"method": "POST", "path": path, "body": text if path in LINES else DOCS}
        told = answer({"security": security, "principal": {"name": user}, "request": request, "world": world})
        assert told["allowed"] is (got.status_code != 403), (user, got.text[:300])
        if told["allowed"]:
            did = items_of(path, got.json())
            known = {at: done for at, done in told["items"].items() if done is not None}
            assert known == {at: did[at] for at in known}, (user, got.text[:600])
            # Of one index some are permitted and some are not: they were refused together, as it has one shard.
            assert (len(known) < len(did)) is (path == "_bulk" and user == "req-writes")


def test_an_item_is_refused_with_another_that_an_alias_writes_to_the_same_shard(node: Node) -> None:
    """Whoever may write the index, and not all that the alias means: which items lie on one shard only the engine knows."""
    actions = [
        {"add": {"index": index, "alias": "req-both", "is_write_index": index == "req-a"}}
        for index in ("req-a", "req-b")
    ]
    assert node.ask("POST", "/_aliases", {"actions": actions})[0] == 200
    lines = [{"index": {"_index": name, "_id": "2"}} for name in ("req-a", "req-both")]
    security = {
        kind.value: node.ask("GET", API + kind.value)[1] for kind in (Kind.ROLES, Kind.USERS, Kind.ACTION_GROUPS)
    }
    world = {
        "indices": ["req-a", "req-b"],
        "aliases": {"req-both": ["req-a", "req-b"]},
        "fields": {"req-a": ["n"]},
        "release": node.version,
    }
    for names, wanted, told_of in (
        (1, {"0": True}, {"0": True}),
        (2, {"0": False, "1": False}, {"0": None, "1": False}),
    ):
        text = "".join(f'{json.dumps(line)}\n{{"n": 2}}\n' for line in lines[:names])
        got = requests.post(
            f"{node.url}/_bulk",
            data=text,
            headers={"content-type": "application/x-ndjson"},
            auth=("req-all", PASSWORD),
            verify=str(node.ca),
            timeout=60,
            proxies={"https": ""},
        )
        request = {"method": "POST", "path": "_bulk", "body": text}
        told = answer({"security": security, "principal": {"name": "req-all"}, "request": request, "world": world})
        assert (items_of("_bulk", got.json()), told["items"]) == (wanted, told_of), got.text[:600]
