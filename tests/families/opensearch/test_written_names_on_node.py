"""Names as requests of one document and of names write them, beside the real engine: `decide` reads them as it does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

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
LEAVES_OUT = "do_not_fail_on_forbidden"
INDICES = ("writ-a", "writ-b")
ROLES: dict[str, Json] = {
    f"writ-{name}": {
        "cluster_permissions": cluster,
        "index_permissions": [{"index_patterns": patterns, "allowed_actions": ["*"]}],
    }
    for name, cluster, patterns in (
        ("all", ["*"], ["*"]),
        ("one", ["*"], ["writ-a"]),
        ("both", ["*"], [*INDICES]),
        ("literal", ["*"], ["writ-a,writ-b"]),  # a comma is a sign as any other in a pattern of a role
    )
}
PUT: Json = {"own": "x"}
# Who asks for what; the status.
ROWS: tuple[tuple[str, str, Any, int], ...] = (
    *((who, "GET writ-a,writ-b/_doc/1", None, status) for who, status in (("all", 404), ("one", 403), ("both", 403), ("literal", 404))),
    *(
        (who, f"GET writ-a,writ-b/{after}", None, status)
        for after in ("_source/1", "_explain/1?q=*", "_termvectors/1")
        for who, status in (("all", 404), ("both", 403), ("literal", 404))
    ),
    ("both", "GET writ-a,writ-a/_doc/1", None, 403),
    ("all", "GET writ-a,/_doc/1", None, 404),
    ("all", "GET writ-a,-writ-b/_doc/1", None, 404),
    ("one", "GET writ-*,writ-b/_doc/1", None, 404),  # a wildcard that nothing fits takes no permission
    *(
        (who, f"{asked} writ-a,writ-b/{after}", body, status)
        for asked, after, body in (("PUT", "_doc/2", PUT), ("PUT", "_create/2", PUT), ("POST", "_update/2", {"doc": PUT}))
        for who, status in (("all", 400), ("both", 403), ("literal", 400))
    ),
    ("all", "DELETE writ-a,writ-b/_doc/2", None, 404),
    ("both", "DELETE writ-a,writ-b/_doc/2", None, 403),
    ("all", "PUT writ-a,writ-b", None, 400),
    ("literal", "PUT writ-a,writ-b", None, 400),
    ("all", "PUT writ-*/_doc/2", PUT, 400),
    *(("all", f"PUT {name}/_doc/2", PUT, 400) for name in ("Writ-a", "+writ", "-writ", "writ a", 'writ"', "..")),
)  # fmt: skip
# Who asks which names there are; which they are told, and which where what is forbidden is left out. None: 403.
RESOLVED: tuple[tuple[str, str, tuple[str, ...] | None, tuple[str, ...]], ...] = (
    ("all", "_all", (), ()),
    ("all", "writ-a,_all", ("writ-a",), ("writ-a",)),
    ("all", "writ-*", INDICES, INDICES),
    ("all", "-writ-a", (), ()),
    ("one", "_all", None, ("writ-a",)),
    ("both", "writ-a,_all", None, INDICES),
)


@pytest.fixture(scope="module", params=["3.4.0", "2.19.3"])
def node(request: pytest.FixtureRequest) -> Iterator[Node]:
    node: Node = request.getfixturevalue({"3.4.0": "node_basic_3", "2.19.3": "node_basic_2"}[request.param])
    users = {name: {"password": PASSWORD, "opendistro_security_roles": [name]} for name in ROLES}
    for kind, documents in ((Kind.ROLES, ROLES), (Kind.USERS, users)):
        operations = [{"op": "add", "path": f"/{name}", "value": one} for name, one in documents.items()]
        assert node.ask("PATCH", API + kind.value, operations, timeout=120)[0] == 200
    for index in INDICES:
        assert node.ask("PUT", f"/{index}/_doc/1?refresh=true", PUT)[0] in (200, 201)
    yield node
    node.ask("DELETE", "/writ-*")
    for kind in (Kind.USERS, Kind.ROLES):
        operations = [{"op": "remove", "path": f"/{name}"} for name in ROLES]
        assert node.ask("PATCH", API + kind.value, operations, timeout=120)[0] == 200


def asked(node: Node, who: str, method: str, path: str, body: Any) -> requests.Response:
    with requests.Session() as session:
        session.trust_env, session.verify = False, str(node.ca)
        return session.request(
            method,
            f"{node.url}/{quote(path, safe='/?&=%*,:')}",
            data=json.dumps(body) if body else None,
            headers={"content-type": "application/json"},
            auth=(f"writ-{who}", PASSWORD),
            timeout=60,
        )


def ours(node: Node, who: str, method: str, path: str, body: Any, *, leaves_out: bool = False) -> Json:
    users = {name: {"opendistro_security_roles": [name]} for name in ROLES}
    question: Json = {
        "security": {"roles": ROLES, "internalusers": users},
        "principal": {"name": f"writ-{who}"},
        "world": {
            "indices": [*INDICES],
            "fields": {"writ-a": ["own"]},
            "release": node.version,
            LEAVES_OUT: leaves_out,
        },
        "request": {"method": method, "path": path, **({"body": body} if body else {})},
    }
    return answer(question)


@pytest.mark.parametrize(("who", "request_", "body", "status"), ROWS)
def test_the_names_of_one_document_are_one_name(node: Node, who: str, request_: str, body: Any, status: int) -> None:
    method, _, path = request_.partition(" ")
    got = asked(node, who, method, path, body)
    assert got.status_code == status, got.text
    told = ours(node, who, method, path, body)
    assert told["allowed"] is (status != 403), told
    errors = [need["error"][:3] for need in told["needs"] if need["error"]]
    assert errors[:1] == ([str(status)] if status != 403 else [])


@pytest.mark.parametrize("leaves_out", [False, True])
def test_which_names_there_are_is_told_as_we_say(node: Node, *, leaves_out: bool) -> None:
    """`_all` is none of them, and is asked for as all that there are."""
    change = {"op": "add", "path": f"/config/dynamic/{LEAVES_OUT}", "value": leaves_out}
    assert node.ask("PATCH", f"{API}securityconfig", [change])[0] == 200
    try:
        for who, names, strict, in_part in RESOLVED:
            expected = in_part if leaves_out else strict
            got = asked(node, who, "GET", f"_resolve/index/{names}", None)
            assert got.status_code == (403 if expected is None else 200), (who, names, got.text)
            told = ours(node, who, "GET", f"_resolve/index/{names}", None, leaves_out=leaves_out)
            assert told["allowed"] is (expected is not None), (who, names)
            if expected is not None:
                theirs = [one["name"] for one in got.json()["indices"] if one["name"].startswith("writ-")]
                assert (tuple(theirs), tuple(told["needs"][0]["indices"])) == (expected, expected), (who, names)
                assert told["needs"][0]["error"] == ""
    finally:
        back = {"op": "add", "path": f"/config/dynamic/{LEAVES_OUT}", "value": False}
        assert node.ask("PATCH", f"{API}securityconfig", [back])[0] == 200
