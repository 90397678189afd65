"""The table of document filters, on real nodes: what `check` calls sound works there, and what it finds does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from local.node.node import Node
from tests.families.expressions import otherwise
from tests.model.filters import ALL, EVERYTHING, MODULES, OPTIONAL, SOUND, WRONG

pytest_plugins = ["tests.fixtures_node"]
pytestmark = pytest.mark.node

API = "/_plugins/_security/api/"
PASSWORD = "Filtered-Passw0rd-of-the-test"
HASH = "$2b$04$abcdefghijklmnopqrstuudsN2IgwUoQpzqArmrUsXtDe6phNckKO"  # of it, and cheap: there are many users
FILTERS = [*SOUND, *EVERYTHING, *OPTIONAL, *WRONG, *MODULES, '{"terms": {"area": ["eu", ${user.roles}]}}']


def user(i: int) -> str:
    return f"filtered-{i}"


@pytest.fixture(scope="module", params=["3.4.0", "2.19.3"])
def node(request: pytest.FixtureRequest) -> Iterator[Node]:
    """A node with a role and a user for each filter, all written at once: the engine takes every one of them."""
    node: Node = request.getfixturevalue({"3.4.0": "node_basic_3", "2.19.3": "node_basic_2"}[request.param])
    fields = {"area": {"type": "keyword"}, "n": {"type": "integer"}, "at": {"type": "date"}, "note": {"type": "text"}}
    assert node.ask("PUT", "/filters", {"mappings": {"properties": fields}})[0] == 200
    for n in range(4):
        area = "eu" if n % 2 else "us"
        document = {"area": area, "n": n, "at": "2020-01-01", "note": area}
        assert node.ask("PUT", f"/filters/_doc/{n}?refresh=true", document)[0] == 201
    entries = [{"index_patterns": ["filters"], "allowed_actions": ["read"], "dls": dls} for dls in FILTERS]
    roles = {user(i): {"index_permissions": [entry]} for i, entry in enumerate(entries)}
    attributes = {"team": "eu", "level": "3"}
    users: dict[str, Any] = {
        name: {
            "hash": HASH,
            "attributes": attributes,
            "backend_roles": ["eu", "b"],
            "opendistro_security_roles": [name],
        }
        for name in roles
    }
    users["filtered-bare"] = {"hash": HASH, "opendistro_security_roles": [user(len(FILTERS) - 1)]}
    for kind, documents in (("roles", roles), ("internalusers", users)):
        operations = [{"op": "add", "path": f"/{name}", "value": document} for name, document in documents.items()]
        status, said = node.ask("PATCH", API + kind, operations, timeout=120)
        assert status == 200, said
    yield node
    node.ask("DELETE", "/filters")
    for kind, names in (("internalusers", users), ("roles", roles)):
        node.ask("PATCH", API + kind, [{"op": "remove", "path": f"/{name}"} for name in names], timeout=120)


def seen(node: Node, who: str) -> tuple[int, set[str]]:
    """The answer to a search, and the documents in it."""
    with requests.Session() as session:
        session.trust_env, session.verify, session.auth = False, str(node.ca), (who, PASSWORD)
        answer = session.get(f"{node.url}/filters/_search", timeout=30)
    hits = answer.json()["hits"]["hits"] if answer.status_code == 200 else []
    return answer.status_code, {hit["_id"] for hit in hits}


def test_a_filter_that_check_calls_sound_shows_what_it_says(node: Node) -> None:
    answers = {dls: seen(node, user(FILTERS.index(dls))) for dls in SOUND}
    assert answers == {dls: (200, documents) for dls, documents in SOUND.items()}


def test_a_filter_without_a_condition_shows_everything(node: Node) -> None:
    assert {dls: seen(node, user(FILTERS.index(dls))) for dls in EVERYTHING} == dict.fromkeys(EVERYTHING, (200, ALL))


def test_a_should_beside_a_filter_or_a_must_limits_nothing(node: Node) -> None:
    answers = {dls: seen(node, user(FILTERS.index(dls))) for dls in OPTIONAL}
    assert answers == {dls: (200, documents) for dls, documents in OPTIONAL.items()}


def test_with_a_filter_that_check_finds_nobody_sees_anything(node: Node) -> None:
    answers = {dls: seen(node, user(FILTERS.index(dls))) for dls in (*WRONG, *MODULES)}
    # A blank filter is worse than wrong: 3.x takes it for none at all.
    blank = answers.pop(" ")
    assert blank == ((200, ALL) if node.version.startswith("3.") else (500, set()))
    assert {dls: answer for dls, answer in answers.items() if answer[1]} == {}


def test_a_list_beside_other_values_fails_for_whoever_has_none(node: Node) -> None:
    assert seen(node, user(len(FILTERS) - 1)) == (200, {"1", "3"})
    assert seen(node, "filtered-bare")[1] == set()


def test_expressions_are_taken_and_refused_as_is_said(node: Node) -> None:
    assert otherwise(node) == {}
