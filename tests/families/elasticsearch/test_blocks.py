"""Which blocks of an index refuse which request, whoever asks: as nodes of each release answer (test_blocks_on_elastic.py asks them)."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from portcullis.errors import BadInput
from portcullis.families.elasticsearch.deciding.blocks import Block
from portcullis.families.elasticsearch.deciding.question import answer_question

Json = dict[str, Any]
BLOCKS: tuple[str, ...] = get_args(Block)
_NONE: set[str] = set()
_WRITTEN, _READ = {"write", "read_only", "read_only_allow_delete"}, {"read"}
_LOOKS, _CHANGES, _DELETED = (
    {"metadata"},
    {"metadata", "read_only", "read_only_allow_delete"},
    {"metadata", "read_only"},
)
_ALL: Json = {"query": {"match_all": {}}}
_LONG: Json = {"properties": {"a": {"type": "long"}}}
# Method, path, body, the blocks that refuse it from 8 on, on 7.17 and on 6.8. None of them changes what the next is asked of.
ROWS: list[tuple[str, str, Json | None, set[str], set[str], set[str]]] = [
    ("GET", "/b-1/_search", None, _READ, _READ, _READ),
    ("GET", "/b-1,b-2/_search", None, _READ, _READ, _READ),
    ("GET", "/b-*/_search", None, _READ, _READ, _READ),
    ("GET", "/b-alias/_search", None, _READ, _READ, _READ),
    ("GET", "/b-1/_count", None, _READ, _READ, _READ),
    ("GET", "/b-1/_doc/1", None, _READ, _READ, _READ),
    ("GET", "/b-1/_field_caps?fields=*", None, _READ, _READ, _NONE),
    ("GET", "/b-1/_validate/query", None, _READ, _NONE, _NONE),
    ("GET", "/b-1/_analyze", {"text": "x"}, _READ, _READ, _READ),
    ("GET", "/_cat/count/b-1", None, _READ, _READ, _READ),
    ("PUT", "/b-1/_doc/1", {"a": 1}, _WRITTEN, _WRITTEN, _WRITTEN),
    ("DELETE", "/b-1/_doc/9", None, _WRITTEN, _WRITTEN, _WRITTEN),
    ("GET", "/b-1/_mapping", None, _LOOKS, _LOOKS, _LOOKS),
    ("GET", "/b-1/_settings", None, _LOOKS, _LOOKS, _LOOKS),
    ("GET", "/b-1", None, _LOOKS, _LOOKS, _LOOKS),
    ("GET", "/b-1/_alias", None, _LOOKS, _LOOKS, _LOOKS),
    ("GET", "/b-1/_stats", None, _LOOKS, _LOOKS, _LOOKS),
    ("GET", "/b-1/_segments", None, _LOOKS, _LOOKS, _LOOKS),
    ("GET", "/b-1/_recovery", None, _LOOKS, _LOOKS, _READ),
    ("GET", "/b-1/_search_shards", None, _LOOKS, _LOOKS, _LOOKS),
    ("GET", "/_cat/indices/b-1", None, _LOOKS, _LOOKS, _LOOKS),
    ("PUT", "/b-1/_mapping", _LONG, _DELETED, _CHANGES, _CHANGES),
    ("PUT", "/b-1/_alias/b-alias", None, _DELETED, _CHANGES, _CHANGES),
    ("POST", "/b-1/_forcemerge", None, _DELETED, _CHANGES, _CHANGES),
    ("POST", "/b-1/_cache/clear", None, _DELETED, _CHANGES, _CHANGES),
    ("POST", "/b-1/_refresh", None, _NONE, _NONE, _NONE),
    ("POST", "/b-1/_flush", None, _NONE, _NONE, _NONE),
    ("GET", "/b-2/_search", None, _NONE, _NONE, _NONE),
]
# Each needs an index of its own: they end it, or close it, where they are let through.
LAST: list[tuple[str, str, set[str], set[str], set[str]]] = [
    ("POST", "/b-1/_close", _DELETED, _CHANGES, _CHANGES),
    ("DELETE", "/b-1", _DELETED, _DELETED, _DELETED),
]
VERSIONS = ("9.5.3", "8.19.21", "7.17.29", "6.8.23")


def of(version: str, *by: set[str]) -> set[str]:
    """What refuses on this release, of what does from 8 on, on 7.17 and on 6.8."""
    return by[{"9": 0, "8": 0, "7": 1, "6": 2}[version[0]]]


def path_of(version: str, method: str, path: str) -> str:
    return f"{path}/_doc" if version[0] == "6" and method == "PUT" and path.endswith("_mapping") else path


def decided(version: str, method: str, path: str, body: Json | None, blocks: list[str]) -> Json:
    return answer_question(
        {
            "engine": f"elasticsearch-{version}",
            "security": {},
            "principal": {"name": "anna", "roles": ["superuser"]},
            "request": {"method": method, "path": path_of(version, method, path), "body": body},
            "world": {"indices": ["b-1", "b-2"], "aliases": {"b-alias": ["b-1"]}, "blocks": {"b-1": blocks}},
        }
    )


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("method", "path", "body", "by"),
    [*((m, p, b, by) for m, p, b, *by in ROWS), *((m, p, None, by) for m, p, *by in LAST)],
)
def test_a_block_refuses_what_a_node_refuses(
    version: str, method: str, path: str, body: Json | None, by: list[set[str]]
) -> None:
    told = {block: decided(version, method, path, body, [block]) for block in BLOCKS}
    refusing = {block for block, one in told.items() if "is blocked" in str(one["reasons"])}
    assert refusing == of(version, *by)
    status = {block: one["status"] for block, one in told.items() if block in refusing}
    newer = version[0] != "6"
    assert status == {one: 429 if one == "read_only_allow_delete" and newer else 403 for one in refusing}
    # Access is one thing and a block another: they may, and the engine lets nobody.
    assert {one["allowed"] for one in told.values()} == {True}


def test_whoever_may_not_is_refused_for_that() -> None:
    question: Json = {
        "engine": "elasticsearch-9.5.3",
        "security": {},
        "principal": {"name": "anna"},
        "request": {"method": "GET", "path": "/b-1/_search"},
        "world": {"indices": ["b-1"], "blocks": {"b-1": ["read"]}},
    }
    told = answer_question(question)
    assert (told["allowed"], told["status"], "blocked" in str(told["reasons"])) == (False, 403, False)


def test_an_item_on_a_blocked_index_is_refused_alone() -> None:
    lines = [line for name in ("b-1", "b-2") for line in ({"index": {"_index": name, "_id": "1"}}, {})]
    told = decided("9.5.3", "POST", "/_bulk", lines, ["write"])  # type: ignore[arg-type]
    assert [(one["allowed"], one["status"]) for one in told["items"]] == [(True, 403), (True, 200)]


def test_a_block_that_is_none_is_refused_by_its_place() -> None:
    with pytest.raises(BadInput, match="world"):
        decided("9.5.3", "GET", "/b-1/_search", None, ["reed"])
