"""Dashboards' own index by its name, beside the real engine: whoever has no permission on the tenant for all is refused, whatever their
roles say of indices. Where we say that it is not known, these nodes have tenants, as an engine has unless somebody sets it otherwise."""

from __future__ import annotations

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
USERS: dict[str, list[tuple[str, str]]] = {
    "tenants-none": [],
    "tenants-other": [("some_other", "kibana_all_write")],
    "tenants-read": [("global_tenant", "kibana_all_read")],
    "tenants-odd": [("global_tenant", "something")],
    "tenants-write": [("glob*", "kibana_all_write")],
}
REQUESTS: list[tuple[str, str, Any]] = [
    ("GET", ".kibana/_search", None),
    ("GET", ".kibana,tenants-a/_search", None),
    ("GET", ".kibana_1/_search", None),
    ("GET", ".kibana*/_search", None),
    ("GET", "tenants-*,.kibana/_search", None),
    ("GET", ".kibana,tenants-alias/_search", None),
    ("GET", ".kibana/_doc/1", None),
    ("PUT", ".kibana/_doc/1", {"n": 1}),
    ("POST", ".kibana/_refresh", None),
]


@pytest.fixture(scope="module", params=["3.4.0", "2.19.3"])
def node(request: pytest.FixtureRequest) -> Iterator[Node]:
    node: Node = request.getfixturevalue({"3.4.0": "node_basic_3", "2.19.3": "node_basic_2"}[request.param])
    everything = {"index_patterns": ["*"], "allowed_actions": ["*"]}
    roles = {
        user: {
            "cluster_permissions": ["*"],
            "index_permissions": [everything],
            "tenant_permissions": [{"tenant_patterns": [one], "allowed_actions": [may]} for one, may in of],
        }
        for user, of in USERS.items()
    }
    users = {user: {"password": PASSWORD, "opendistro_security_roles": [user]} for user in USERS}
    for kind, documents in ((Kind.ROLES, roles), (Kind.USERS, users)):
        operations = [{"op": "add", "path": f"/{name}", "value": one} for name, one in documents.items()]
        assert node.ask("PATCH", API + kind.value, operations, timeout=120)[0] == 200
    for index in (".kibana_1", "tenants-a"):
        assert node.ask("PUT", f"/{index}/_doc/1?refresh=true", {"n": 1})[0] in (200, 201)
    aliases = (("tenants-a", "tenants-alias"), (".kibana_1", ".kibana"))
    actions = [{"add": {"index": index, "alias": alias}} for index, alias in aliases]
    assert node.ask("POST", "/_aliases", {"actions": actions})[0] == 200
    yield node
    node.ask("DELETE", "/.kibana_1,tenants-a")
    for kind in (Kind.USERS, Kind.ROLES):
        operations = [{"op": "remove", "path": f"/{name}"} for name in USERS]
        assert node.ask("PATCH", API + kind.value, operations)[0] == 200


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
def test_what_is_not_known_by_tenants_is_what_the_engine_refuses(node: Node, method: str, path: str, body: Any) -> None:
    held = (Kind.ROLES, Kind.USERS, Kind.ACTION_GROUPS)
    security = {kind.value: node.ask("GET", API + kind.value)[1] for kind in held}
    world = {
        "indices": [".kibana_1", "tenants-a"],
        "aliases": {".kibana": [".kibana_1"], "tenants-alias": ["tenants-a"]},
        "release": node.version,
        "fields": {".kibana_1": ["n"]},
    }
    with requests.Session() as session:
        session.trust_env, session.verify = False, str(node.ca)
        for user in USERS:
            request = {"method": method, "path": path, "body": body}
            told = answer({"security": security, "principal": {"name": user}, "request": request, "world": world})
            got = session.request(method, f"{node.url}/{path}", json=body, auth=(user, PASSWORD), timeout=60)
            assert told["allowed"] is (None if got.status_code == 403 else True), (user, got.text[:300], told)
