"""Given a token that somebody made on behalf of themselves, when the deployment is locked, then it reads nothing, in a window neither."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from portcullis.custody.types import State
from portcullis.entry.operate import carry_out
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.custody.guard import guard

from local.node.node import Node
from tests.operations.on_node import made_by_hand, removed_by_hand
from tests.operations.worlds import Account, model_text
from tests.operations.writing import test_on_node as on_node

pytestmark = pytest.mark.node
house = on_node.house

PASSWORD = "Correct-horse-battery-4711"
CONFIG = "/_plugins/_security/api/securityconfig"
MODEL = model_text(
    """\
  roles:
    token_readers:
      cluster_permissions: [cluster_composite_ops_ro, "security:obo/create"]
      index_permissions: [{index_patterns: ["token-*"], allowed_actions: [read]}]
  grants: []
"""
)


def _set(node: Node, value: dict[str, Any]) -> None:
    change = [{"op": "add", "path": "/config/dynamic/on_behalf_of", "value": value}]
    status, said = node.ask("PATCH", CONFIG, change)
    assert status == 200, said


@pytest.fixture
def holder(house: tuple[Node, Account]) -> Iterator[tuple[Node, Account, dict[str, str]]]:
    """Somebody who reads, with a token of before."""
    node, made = house
    apply_text(made.services, "demo", MODEL, on_node.CAUSE)
    keys = {"signing_key": secrets.token_bytes(64), "encryption_key": secrets.token_bytes(16)}
    _set(node, {"enabled": True, **{name: base64.b64encode(key).decode() for name, key in keys.items()}})
    made_by_hand(node, Kind.USERS, "token-holder", {"password": PASSWORD})
    made_by_hand(node, Kind.MAPPINGS, "token_readers", {"users": ["token-holder"]})
    assert node.ask("PUT", "/token-1/_doc/1?refresh=true", {"a": 1})[0] in (200, 201)
    try:
        told = _request(
            node, "POST", "/_plugins/_security/api/generateonbehalfoftoken", auth=("token-holder", PASSWORD)
        )
        assert told.status_code == 200, told.text
        yield node, made, {"Authorization": f"Bearer {told.json()['authenticationToken']}"}
    finally:
        _set(node, {"enabled": False})


def _request(node: Node, method: str, path: str, **more: Any) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        body = {"description": "a test", "durationSeconds": "600"} if method == "POST" else None
        return session.request(method, node.url + path, json=body, verify=str(node.ca), timeout=60, **more)


def _reads(node: Node, token: dict[str, str]) -> int:
    return _request(node, "GET", "/token-1/_search", headers=token).status_code


def test_a_token_on_behalf_of_somebody_outlives_their_mapping_and_no_lock(
    holder: tuple[Node, Account, dict[str, str]],
) -> None:
    """It carries their roles. Who left keeps them until it ends (limitations.md); a lock empties the roles, and puts them back."""
    node, made, token = holder
    assert _reads(node, token) == 200
    removed_by_hand(node, Kind.MAPPINGS, "token_readers")
    assert _reads(node, token) == 200, "ten minutes at most"
    roles = node.ask("GET", "/_plugins/_security/api/roles")[1]
    ask = {"deployment": "demo", "arguments": {"reason": "a test"}}
    assert carry_out(made.services, {"verb": "lock", **ask}, alias="act")["state"] == State.LOCKED
    assert _reads(node, token) == 403
    assert node.ask("PUT", "/token-1/_settings", {"index.blocks.read": False, "index.blocks.write": False})[0] == 200
    assert _reads(node, token) == 403, "whatever becomes of the blocks, as in a window of break-glass"
    assert guard(made.services, "demo", on_node.CAUSE).state is State.LOCKED
    assert carry_out(made.services, {"verb": "unlock", "deployment": "demo"}, alias="act")["state"] == State.OPEN
    assert node.ask("GET", "/_plugins/_security/api/roles")[1] == roles


def test_an_engine_that_makes_tokens_says_so(holder: tuple[Node, Account, dict[str, str]]) -> None:
    """To whoever has the automation's right, and to `check --live`."""
    _, made, _ = holder
    engine = made.services.site("demo").engine
    assert (engine.settings().makes_tokens, engine.settings().leaves_out_forbidden) == (True, False)
