"""What people of several kinds write, decided and asked of real nodes: by one item and many, to aliases, to what is closed or not there."""

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
W = "indices:data/write/"
OWN = ".opendistro_security"
COMPOSITE = ["cluster_composite_ops"]
FIELDS = {"n": {"type": "long"}}
INDICES = ("pen-a", "pen-b", "pen-shut")
ALIASES = {"pal-one": ["pen-a"], "pal-to-b": ["pen-a", "pen-b"]}  # the second is written to pen-b
ALL: dict[str, Any] = {"query": {"match_all": {}}}
NEW = "pen-new"  # gone after each request


def role(cluster: list[str], *entries: tuple[list[str], list[str], dict[str, Any]]) -> dict[str, Any]:
    made = [{"index_patterns": names, "allowed_actions": actions, **limits} for names, actions, limits in entries]
    return {"cluster_permissions": cluster, "index_permissions": made}


PEOPLE = {
    "pen-all": role(["*"], (["*"], ["*"], {})),
    "pen-crud": role(COMPOSITE, (["pen-*"], ["crud"], {})),
    "pen-alias": role(COMPOSITE, (["pal-*"], ["crud"], {})),
    "pen-one": role([f"{W}bulk"], (["pen-*"], [f"{W}index", f"{W}update"], {})),  # no bulk of a part of an index
    "pen-limited": role(["*"], (["pen-*"], ["*"], {"dls": '{"term": {"n": 1}}'})),
    "pen-masked": role(COMPOSITE, (["pen-*"], ["crud", "create_index"], {"masked_fields": ["t"]})),
}


def lines(*items: tuple[str, str]) -> str:
    return "".join(f'{{"{verb}": {{"_index": "{name}", "_id": "9"}}}}\n{{"n": 1}}\n' for verb, name in items)


TO_NEW = f'{{"delete": {{"_index": "{NEW}", "_id": "9"}}}}\n{lines(("index", NEW), ("index", "pen-a"))}'

REQUESTS: list[tuple[str, str, Any]] = [
    ("PUT", "pen-a/_doc/9", {"n": 1}),
    ("PUT", "pen-shut/_doc/9", {"n": 1}),
    ("POST", "pal-to-b/_doc", {"n": 1}),
    ("POST", "pal-to-b/_update/1", {"doc": {"n": 7}}),
    ("POST", "pen-shut/_update/1", {"doc": {"n": 7}}),
    ("POST", "_bulk", lines(("index", OWN), ("index", "pen-a"))),
    ("POST", "_bulk", lines(("index", "pal-one"), ("create", "pen-b"))),
    ("POST", "_bulk", TO_NEW),
    ("POST", "pen-*/_update_by_query", ALL),
    ("POST", "_reindex", {"source": {"index": "pen-a"}, "dest": {"index": "pal-to-b"}}),
    ("POST", "_reindex", {"source": {"index": "pen-none"}, "dest": {"index": "pen-a"}}),
    ("POST", "pen-none/_rollover", None),
    ("PUT", "pen-shut/_settings", {"index": {"priority": 2}}),
    ("DELETE", "pen-none/_doc/9", None),
]  # fmt: skip


def build(node: Node) -> None:
    node.ask("DELETE", "/pen-*?expand_wildcards=all")
    for name in INDICES:
        body = {"settings": {"number_of_replicas": 0}, "mappings": {"properties": FIELDS}}
        assert node.ask("PUT", f"/{name}", body)[0] == 200
        assert node.ask("PUT", f"/{name}/_doc/1?refresh=true", {"n": 1})[0] == 201
    actions = [
        {"add": {"index": index, "alias": alias, "is_write_index": index == members[-1]}}
        for alias, members in ALIASES.items()
        for index in members
    ]
    assert node.ask("POST", "/_aliases", {"actions": actions})[0] == 200
    assert node.ask("POST", "/pen-shut/_close")[0] == 200


@pytest.fixture(scope="module", params=["3.4.0", "2.19.3"])
def node(request: pytest.FixtureRequest) -> Iterator[Node]:
    node: Node = request.getfixturevalue({"3.4.0": "node_basic_3", "2.19.3": "node_basic_2"}[request.param])
    users = {name: {"password": PASSWORD, "opendistro_security_roles": [name]} for name in PEOPLE}
    for kind, documents in ((Kind.ROLES, PEOPLE), (Kind.USERS, users)):
        operations = [{"op": "add", "path": f"/{name}", "value": one} for name, one in documents.items()]
        assert node.ask("PATCH", API + kind.value, operations, timeout=120)[0] == 200
    yield node
    node.ask("DELETE", "/pen-*?expand_wildcards=all")
    for kind in (Kind.USERS, Kind.ROLES):
        operations = [{"op": "remove", "path": f"/{name}"} for name in PEOPLE]
        assert node.ask("PATCH", API + kind.value, operations, timeout=120)[0] == 200


def test_what_is_written_is_let_in_and_refused_as_decided(node: Node) -> None:
    held = (Kind.ROLES, Kind.USERS, Kind.ACTION_GROUPS)
    security = {kind.value: node.ask("GET", API + kind.value)[1] for kind in held}
    world = {
        "indices": list(INDICES),
        "closed": ["pen-shut"],
        "aliases": ALIASES,
        "fields": {name: ["n"] for name in INDICES},
        "release": node.version,
    }
    found, unknown = {}, 0
    with requests.Session() as session:
        session.trust_env, session.verify = False, str(node.ca)
        build(node)
        for method, path, body in REQUESTS:
            for who in PEOPLE:
                request = {"method": method, "path": path, "body": body}
                told = answer({"security": security, "principal": {"name": who}, "request": request, "world": world})
                text = body if isinstance(body, str) else json.dumps(body) if body else None
                kind = "application/x-ndjson" if isinstance(body, str) else "application/json"
                got = session.request(
                    method,
                    f"{node.url}/{path}",
                    data=text,
                    headers={"content-type": kind},
                    auth=(who, PASSWORD),
                    timeout=60,
                )
                node.ask("DELETE", f"/{NEW}?ignore_unavailable=true")
                unknown += told["allowed"] is None
                if differs := differing(told, got):
                    found[who, method, path] = (differs, got.text[:200])
    assert not found
    assert unknown <= len(PEOPLE)


def differing(told: dict[str, Any], got: requests.Response) -> str:
    if told["allowed"] is None:
        return ""
    if path_items := told["items"]:
        done = [next(iter(one.values())) for one in got.json().get("items", ())]
        for at, one in enumerate(done):
            refused = "security_exception" in json.dumps(one.get("error", ""))
            if path_items[str(at)] is refused:
                return f"item {at}: {one}"
    ended = got.status_code == 500 and "security_exception" in got.text  # an update under limits
    refused = got.status_code == 403 or ended or (not told["items"] and "no permissions for [" in got.text)
    errors = [one["error"] for one in told["needs"] if one["error"]]
    if told["allowed"] is refused or (errors and got.status_code < 300):
        return f"{got.status_code}, said to be {told['allowed']} {errors}"
    return ""
