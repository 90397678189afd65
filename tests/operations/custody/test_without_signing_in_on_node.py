"""Given a node that lets people come without signing in, then who administers so is told, and a lock shuts them out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from portcullis.custody.types import State
from portcullis.entry.operate import carry_out
from portcullis.families.opensearch.documents.config import NOT_SIGNED_IN_AS, Kind
from portcullis.operations.access.changing.looking import made_by_hand

from local.node.node import Node
from tests.operations.on_node import made_by_hand as put_by_hand
from tests.operations.worlds import Account
from tests.operations.writing import test_on_node as on_node

pytestmark = pytest.mark.node
house = on_node.house

CONFIG = "/_plugins/_security/api/securityconfig"


def _let_in(node: Node, *, everybody: bool) -> None:
    change = [{"op": "add", "path": "/config/dynamic/http/anonymous_auth_enabled", "value": everybody}]
    status, said = node.ask("PATCH", CONFIG, change)
    assert status == 200, said


@pytest.fixture
def open_house(house: tuple[Node, Account]) -> Iterator[tuple[Node, Account]]:
    node, made = house
    _let_in(node, everybody=True)
    try:
        yield node, made
    finally:
        _let_in(node, everybody=False)


def _without_a_name(node: Node, path: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(node.url + path, verify=str(node.ca), timeout=60)


def test_who_administers_without_signing_in_is_told_and_shut_out_by_a_lock(
    open_house: tuple[Node, Account],
) -> None:
    node, made = open_house
    name, role = NOT_SIGNED_IN_AS
    seen = _without_a_name(node, "/_plugins/_security/authinfo").json()
    assert (seen["user_name"], seen["backend_roles"]) == (name, [role])
    assert node.ask("PUT", "/open-1/_doc/1?refresh=true", {"a": 1})[0] in (200, 201)
    assert _without_a_name(node, "/open-1/_search").status_code == 403
    before = node.ask("GET", "/_plugins/_security/api/rolesmapping/all_access")[1]["all_access"]
    lists = {"backend_roles": [*before["backend_roles"], role], "users": before.get("users", [])}
    put_by_hand(node, Kind.MAPPINGS, "all_access", lists)
    assert _without_a_name(node, "/open-1/_search").status_code == 200
    told = [one.what for one in made_by_hand(made.services.site("demo")) if one.severity == "critical"]
    assert any(f"also without signing in ({role}), administers the engine" in one for one in told)
    ask = {"deployment": "demo", "arguments": {"reason": "a test"}}
    assert carry_out(made.services, {"verb": "lock", **ask}, alias="act")["state"] == State.LOCKED
    assert _without_a_name(node, "/open-1/_search").status_code == 403
    assert carry_out(made.services, {"verb": "unlock", "deployment": "demo"}, alias="act")["state"] == State.OPEN
    assert _without_a_name(node, "/open-1/_search").status_code == 200, "told, not taken away"
