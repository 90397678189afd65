"""The world of memory around a real node: its engine is OpenSearch, asked as its master user."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import requests
from portcullis.adapters.engines.opensearch import OpenSearchEngine
from portcullis.families.opensearch.documents.config import SHOWN_ONLY, Kind
from portcullis.families.opensearch.documents.patch import pointer

from local.node.handover import Signer
from local.node.node import Node
from tests.operations.worlds import Account, account, arn

API = "/_plugins/_security/api"
MASTER = "admin"  # the backend role of the master user
_AUTOMATION = arn("role", "portcullis-automation")


def transport(node: Node, user: str = "", password: str = "") -> Any:
    """(method, path, params, body) -> (status, parsed body), by name and password: the master's unless told."""
    session = _session(node)
    session.auth = (user or node.user, password or node.password)
    return partial(_send, session, node.url, dict)


def automation_transport(node: Node) -> Any:
    """As the automation of `account_on`: as Amazon's door hands it over, and no internal user of the engine."""
    signed = partial(Signer(node.token_key).headers, _AUTOMATION, [_AUTOMATION])
    return partial(_send, _session(node), node.url, signed)


def _session(node: Node) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.verify = str(node.ca)
    return session


def _send(
    session: requests.Session,
    url: str,
    headers: Callable[[], dict[str, str]],
    method: str,
    path: str,
    params: Mapping[str, str] | None,
    body: Any,
) -> tuple[int, Any]:
    answer = session.request(method, url + path, params=params, json=body, headers=headers(), timeout=60)
    return answer.status_code, answer.json()


def account_on(node: Node) -> Account:
    """A world whose engine is this node: as its master, and as an automation that only what is mapped to its role lets in."""
    made = account()
    master = OpenSearchEngine(transport(node), "the node, as its master")
    automation = OpenSearchEngine(automation_transport(node), "the node")
    return replace(made, services=replace(made.services, engine=lambda _: automation, master=lambda _: master))


def put_back(node: Node, found: dict[str, str]) -> None:
    """The node's security config as it was found, whatever happened to it."""
    for kind in (Kind.MAPPINGS, Kind.ROLES, Kind.USERS, Kind.TENANTS, Kind.ACTION_GROUPS):
        before, now = json.loads(found[kind.value]), json.loads(bytes_of(node)[kind.value])
        operations = [{"op": "remove", "path": pointer(name)} for name in now.keys() - before.keys()]
        for name in now.keys() & before.keys():
            if now[name] != before[name]:
                value = {key: item for key, item in before[name].items() if key not in SHOWN_ONLY}
                operations.append({"op": "replace", "path": pointer(name), "value": value})
        if operations:
            status, body = node.ask("PATCH", f"{API}/{kind.value}", operations)
            assert status == 200, body
    assert bytes_of(node) == found


def bytes_of(node: Node) -> dict[str, str]:
    """Every collection of the security API exactly as the node shows it, but for the order of the names."""
    shown = {}
    for kind in Kind:
        status, body = node.ask("GET", f"{API}/{kind.value}")
        assert status == 200
        shown[kind.value] = json.dumps({name: body[name] for name in sorted(body)})
    return shown


def made_by_hand(node: Node, kind: Kind, name: str, document: Any) -> None:
    status, body = node.ask("PUT", f"{API}/{kind.value}/{name}", document)
    assert status in (200, 201), body


def removed_by_hand(node: Node, kind: Kind, *names: str) -> None:
    operations = [{"op": "remove", "path": f"/{name}"} for name in names]
    status, body = node.ask("PATCH", f"{API}/{kind.value}", operations)
    assert status == 200, body
