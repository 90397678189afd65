"""Which blocks of an index refuse which request, whoever asks: as nodes of both releases answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from portcullis.errors import BadInput
from portcullis.families.opensearch.deciding.question import answer
from portcullis.families.opensearch.limiting.known import known
from portcullis.families.opensearch.requesting.actions import BLOCKS

from local.node.node import Node

pytest_plugins = ["tests.fixtures_node"]

Json = dict[str, Any]
_WRITTEN = {"write", "read_only", "read_only_allow_delete"}
_LOOKS, _CHANGES = {"metadata"}, {"metadata", "read_only", "read_only_allow_delete"}
_ALL: Json = {"query": {"match_all": {}}}
# (method, path, body, the blocks that refuse it). None of them changes what the next is asked of.
ROWS: list[tuple[str, str, Json | None, set[str]]] = [
    ("GET", "/b-1/_search", None, {"read"}),
    ("GET", "/b-1,b-2/_search", None, {"read"}),
    ("GET", "/b-*/_search", None, {"read"}),
    ("GET", "/b-alias/_search", None, {"read"}),
    ("GET", "/b-1/_count", None, {"read"}),
    ("GET", "/b-1/_doc/1", None, {"read"}),
    ("POST", "/b-1/_explain/1", _ALL, {"read"}),
    ("GET", "/b-1/_termvectors/1", None, {"read"}),
    ("GET", "/b-1/_field_caps?fields=*", None, set()),
    ("GET", "/b-1/_validate/query", None, set()),
    ("PUT", "/b-1/_doc/1", {"a": 1}, _WRITTEN),
    ("POST", "/b-1/_update/1", {"doc": {"a": 1}}, _WRITTEN),
    ("DELETE", "/b-1/_doc/9", None, _WRITTEN),
    ("GET", "/b-1/_mapping", None, _LOOKS),
    ("PUT", "/b-1/_mapping", {"properties": {"a": {"type": "long"}}}, _CHANGES),
    ("GET", "/b-1/_settings", None, _LOOKS),
    ("GET", "/b-1", None, _LOOKS),
    ("GET", "/b-1/_alias", None, _LOOKS),
    ("PUT", "/b-1/_alias/b-alias", None, _CHANGES),
    ("GET", "/b-1/_stats", None, _LOOKS),
    ("GET", "/b-1/_segments", None, _LOOKS),
    ("GET", "/b-1/_recovery", None, _LOOKS),
    ("POST", "/b-1/_refresh", None, set()),
    ("POST", "/b-1/_flush", None, set()),
    ("POST", "/b-1/_forcemerge", None, _CHANGES),
    ("POST", "/b-1/_cache/clear", None, _LOOKS),
    ("GET", "/b-2/_search", None, set()),
]
ROLE = {"cluster_permissions": ["*"], "index_permissions": [{"index_patterns": ["b-*"], "allowed_actions": ["*"]}]}


def decided(method: str, path: str, body: Json | None, blocks: list[str], release: str = "3.4.0") -> Json:
    question: Json = {
        "security": {"roles": {"all": ROLE}, "rolesmapping": {"all": {"users": ["anna"]}}},
        "principal": {"name": "anna"},
        "request": {"method": method, "path": path, "body": body},
        "world": {
            "indices": ["b-1", "b-2"],
            "aliases": {"b-alias": ["b-1"]},
            "blocks": {"b-1": blocks},
            "release": release,
        },
    }
    return answer(question, known("OpenSearch_3.3").action_groups)


def refused(told: Json) -> bool:
    return any(need["error"].startswith(("403: b-1 is blocked", "429: b-1 is blocked")) for need in told["needs"])


@pytest.mark.parametrize("release", ["3.4.0", "2.19.3"])
@pytest.mark.parametrize(("method", "path", "body", "by"), ROWS)
def test_a_block_refuses_what_a_node_refuses(
    method: str, path: str, body: Json | None, by: set[str], release: str
) -> None:
    told = {block: decided(method, path, body, [block], release) for block in BLOCKS}
    assert {block for block, one in told.items() if refused(one)} == by
    # Access is one thing and a block another: they may, and the engine lets nobody.
    assert {one["allowed"] for one in told.values()} == {True}


def test_an_index_that_is_blocked_shows_nothing() -> None:
    (need,) = decided("GET", "/b-*/_search", None, ["read"])["needs"]
    assert need["error"] == "403: b-1 is blocked (index.blocks.read)"


def test_a_block_that_is_none_is_refused_by_its_place() -> None:
    with pytest.raises(BadInput, match="reed is no block known here"):
        decided("GET", "/b-1/_search", None, ["reed"])


# ---------------------------------------------------------------------- on real nodes


@pytest.fixture(scope="module", params=["3.4.0", "2.19.3"])
def node(request: pytest.FixtureRequest) -> Iterator[Node]:
    node: Node = request.getfixturevalue({"3.4.0": "node_basic_3", "2.19.3": "node_basic_2"}[request.param])
    for index in ("b-1", "b-2"):
        assert node.ask("PUT", f"/{index}/_doc/1?refresh=true", {"a": 1})[0] == 201
    assert node.ask("PUT", "/b-1/_alias/b-alias")[0] == 200
    yield node
    open_again(node)
    assert node.ask("DELETE", "/b-1,b-2")[0] == 200


def open_again(node: Node) -> None:
    """One by one: with a block on its metadata an index takes a change of that block alone."""
    for one in ("metadata", "read_only", "read_only_allow_delete", "read", "write"):
        assert node.ask("PUT", "/b-1/_settings", {f"index.blocks.{one}": None})[0] == 200


@pytest.mark.node
@pytest.mark.parametrize("block", BLOCKS)
def test_a_node_refuses_what_the_table_says(node: Node, block: str) -> None:
    open_again(node)
    assert node.ask("PUT", "/b-1/_settings", {f"index.blocks.{block}": True})[0] == 200
    wrong = []
    for method, path, body, by in ROWS:
        status, told = node.ask(method, path, body)
        blocked = status == (429 if block == "read_only_allow_delete" else 403) and "cluster_block_exception" in str(
            told
        )
        if blocked is not (block in by):
            wrong.append((method, path, status, str(told)[:200]))
    assert wrong == []
