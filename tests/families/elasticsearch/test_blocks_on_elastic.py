"""Blocks of an index on real nodes, by the tables of test_blocks.py."""

from __future__ import annotations

import pytest

from local.elastic.node import Elasticsearch
from tests.families.elasticsearch.test_blocks import BLOCKS, LAST, ROWS, of, path_of

pytestmark = pytest.mark.node


def made(node: Elasticsearch) -> None:
    open_again(node)
    node.ask("DELETE", "/b-1,b-2?ignore_unavailable=true")
    for index in ("b-1", "b-2"):
        assert node.ask("PUT", f"/{index}/_doc/1?refresh=true", {"a": 1})[0] == 201
    assert node.ask("PUT", "/b-1/_alias/b-alias")[0] == 200


def open_again(node: Elasticsearch) -> None:
    """One by one: with a block on its metadata an index takes a change of that block alone."""
    for one in ("metadata", "read_only", "read_only_allow_delete", "read", "write"):
        assert node.ask("PUT", "/b-1/_settings", {f"index.blocks.{one}": None})[0] in (200, 404)


def test_a_node_refuses_what_the_tables_say(elastic: Elasticsearch) -> None:
    wrong = []
    version = elastic.version
    try:
        for block in BLOCKS:
            for method, path, body, *by in (*ROWS, *((m, p, None, *by) for m, p, *by in LAST)):
                if (method, path) in ((ROWS[0][0], ROWS[0][1]), *((m, p) for m, p, *_ in LAST)):
                    made(elastic)
                    assert elastic.ask("PUT", "/b-1/_settings", {f"index.blocks.{block}": True})[0] == 200
                status, told = elastic.ask(method, path_of(version, method, path), body)
                newer = block == "read_only_allow_delete" and version[0] != "6"
                blocked = status == (429 if newer else 403) and "cluster_block_exception" in str(told)
                if blocked is not (block in of(version, *by)):
                    wrong.append((block, method, path, status, str(told)[:200]))
    finally:
        open_again(elastic)
    assert wrong == []
