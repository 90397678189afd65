"""What real engines answered to random requests, kept, and what we say of each: `python -m benchmarks.deciding.kept` asked them.

The plugin's own classes of two releases of OpenSearch, nodes of both, and nodes of two releases of Elasticsearch, over HTTP.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from portcullis.access.actual import Json

from benchmarks.deciding.kept import HERE, beside_classes, beside_elasticsearch, beside_matcher, beside_nodes

BESIDE = {
    "classes": beside_classes,
    "matcher": beside_matcher,
    "opensearch": beside_nodes,
    "elasticsearch": beside_elasticsearch,
}


def kept() -> Iterator[object]:
    for file in sorted(HERE.glob("*.jsonl")):
        first, *lines = file.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, 2):
            yield pytest.param(file.stem.partition("-")[0], first, line, id=f"{file.stem} {number}")


@pytest.mark.parametrize(("kind", "first", "line"), list(kept()))
def test_a_random_request_is_answered_as_the_engine_did(kind: str, first: str, line: str) -> None:
    told: Json = json.loads(line)
    differing, left_open = BESIDE[kind](json.loads(first), told)
    assert differing == []
    assert left_open <= told["open"], "more is left open than was when the engine was asked"
