"""What ends a request before all that it needs is asked for, as real nodes answer it: the rows that `decide` is held against."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import requests
from portcullis.families.opensearch.documents.config import Kind

from local.node.node import Node
from tests.families.opensearch.ended_early import ALIAS, OPEN, ROWS, SHUT
from tests.families.opensearch.test_ended_early import role_of

pytest_plugins = ["tests.fixtures_node"]
pytestmark = pytest.mark.node

API = "/_plugins/_security/api/"
PASSWORD = "Correct-horse-battery-9"
NAMES = {f"early-{number}": row for number, row in enumerate(ROWS)}


def build(node: Node) -> None:
    node.ask("DELETE", "/early-*?expand_wildcards=all")
    for name in (OPEN, SHUT):
        assert node.ask("PUT", f"/{name}", {"settings": {"number_of_replicas": 0}})[0] == 200
    assert node.ask("PUT", f"/{OPEN}/_doc/1?refresh=true", {"n": 1})[0] == 201
    assert node.ask("POST", "/_aliases", {"actions": [{"add": {"index": OPEN, "alias": ALIAS}}]})[0] == 200
    assert node.ask("POST", f"/{SHUT}/_close")[0] == 200


@pytest.fixture(scope="module", params=["3.4.0", "2.19.3"])
def node(request: pytest.FixtureRequest) -> Iterator[Node]:
    node: Node = request.getfixturevalue({"3.4.0": "node_basic_3", "2.19.3": "node_basic_2"}[request.param])
    users = {name: {"password": PASSWORD, "opendistro_security_roles": [name]} for name in NAMES}
    for kind, documents in ((Kind.ROLES, {name: role_of(row) for name, row in NAMES.items()}), (Kind.USERS, users)):
        operations = [{"op": "add", "path": f"/{name}", "value": one} for name, one in documents.items()]
        assert node.ask("PATCH", API + kind.value, operations, timeout=120)[0] == 200
    build(node)
    yield node
    node.ask("DELETE", "/early-*?expand_wildcards=all")
    for kind in (Kind.USERS, Kind.ROLES):
        operations = [{"op": "remove", "path": f"/{name}"} for name in NAMES]
        assert node.ask("PATCH", API + kind.value, operations, timeout=120)[0] == 200


def test_the_engine_ends_each_request_where_the_table_says(node: Node) -> None:
    found = {}
    with requests.Session() as session:
        session.trust_env, session.verify = False, str(node.ca)
        for name, row in NAMES.items():
            got = session.request(
                row.method,
                f"{node.url}/{row.path}",
                data=json.dumps(row.body) if row.body else None,
                headers={"content-type": "application/json"},
                auth=(name, PASSWORD),
                timeout=60,
            )
            refused = "no permissions for [" in got.text  # of a part, in an answer of its own
            if (403 if refused else got.status_code) != row.of(node.version):
                found[str(row)] = (got.status_code, got.text[:200])
            if row.method in ("PUT", "POST") and got.status_code < 300:
                build(node)
    assert not found
