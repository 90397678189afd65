"""A search that sorts by a field which what it reaches does not have, beside the real engine: where nothing has it, it ends in an error."""

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
WHO, PASSWORD = "sorting", "Correct-horse-battery-9"
ROLE = {"cluster_permissions": [], "index_permissions": [{"index_patterns": ["*"], "allowed_actions": ["*"]}]}
FIELDS = {"sort-n": "n", "sort-m": "m"}  # index -> the field that it has
# names, in the path, in the body -> status
SEARCHES: list[tuple[str, str, Any, int]] = [
    ("sort-n", "", {"sort": ["n"]}, 200),
    ("sort-n,sort-m", "", {"sort": ["n"]}, 200),
    ("sort-m", "", {"sort": ["n"]}, 400),
    ("sort-m", "", {"sort": {"n": "desc"}}, 400),
    ("sort-m", "?sort=_doc,n:desc", None, 400),
    ("sort-m", "", {"sort": [{"n": {"unmapped_type": "long"}}]}, 200),
    ("sort-m", "", {"sort": ["_doc"]}, 200),
    ("sort-n,sort-m", "", {"sort": ["n", "m"]}, 400),
    ("sort-none*", "", {"sort": ["n"]}, 200),
    (".opendistro*", "", {"sort": ["n"]}, 400),
    (".opendistro*", "", None, 200),
    (".opendistro*,sort-n", "", {"sort": ["n"]}, 200),
]


@pytest.fixture(scope="module", params=["3.4.0", "2.19.3"])
def node(request: pytest.FixtureRequest) -> Iterator[Node]:
    node: Node = request.getfixturevalue({"3.4.0": "node_basic_3", "2.19.3": "node_basic_2"}[request.param])
    for kind, one in (
        (Kind.ROLES, ROLE),
        (Kind.USERS, {"password": PASSWORD, "opendistro_security_roles": [WHO]}),
    ):
        assert node.ask("PUT", f"{API}{kind.value}/{WHO}", one, timeout=120)[0] in (200, 201)
    for index, name in FIELDS.items():
        body = {"settings": {"number_of_replicas": 0}, "mappings": {"properties": {name: {"type": "long"}}}}
        assert node.ask("PUT", f"/{index}", body)[0] == 200
    yield node
    assert node.ask("DELETE", f"/{','.join(FIELDS)}")[0] == 200
    for kind in (Kind.USERS, Kind.ROLES):
        assert node.ask("DELETE", f"{API}{kind.value}/{WHO}")[0] == 200


def test_a_search_sorted_by_what_nothing_has_is_said_to_end_in_an_error(node: Node) -> None:
    security = {kind.value: node.ask("GET", API + kind.value)[1] for kind in (Kind.ROLES, Kind.USERS)}
    world = {"indices": [*FIELDS], "fields": {index: [name] for index, name in FIELDS.items()}, "release": node.version}
    found = {}
    for names, more, body, status in SEARCHES:
        path = f"{names}/_search{more}"
        got = requests.post(
            f"{node.url}/{path}",
            json=body,
            auth=(WHO, PASSWORD),
            verify=str(node.ca),
            timeout=60,
            proxies={"https": ""},
        )
        request = {"method": "POST", "path": path, "body": body}
        told = answer({"security": security, "principal": {"name": WHO}, "request": request, "world": world})
        says = (told["allowed"], bool(told["needs"][0]["error"]))
        if (got.status_code, says) != (status, (True, status == 400)):
            found[path, str(body)] = (got.status_code, got.text[:200], told)
    assert not found
