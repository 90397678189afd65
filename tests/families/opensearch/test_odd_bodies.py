"""Whatever the body of a request is, what it needs is told or not known: never an error of our own, and never a long wait."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis.families.opensearch.requesting.need import NotKnown
from portcullis.families.opensearch.requesting.requests import needs

KEYS = [
    "index",
    "_index",
    "docs",
    "ids",
    "actions",
    "source",
    "dest",
    "pit",
    "id",
    "pit_id",
    "indices",
    "add",
    "update",
]
LEAVES = st.sampled_from([None, True, 1, "", "x", "a,b", "$2", "\\g<9>"])
BODIES = st.recursive(
    LEAVES, lambda part: st.lists(part, max_size=3) | st.dictionaries(st.sampled_from(KEYS), part, max_size=3)
)
PATHS = [
    *(
        "_bulk",
        "a/_bulk",
        "_msearch",
        "_msearch/template",
        "_mget",
        "a/_mtermvectors",
        "_search",
        "_reindex",
        "_aliases",
    ),
    *("_search/point_in_time", "a", "a/_doc/1", "a/_update/1", "a/_search", "_snapshot/r/s/_restore"),
]


@given(st.sampled_from(["GET", "POST", "PUT", "DELETE"]), st.sampled_from(PATHS), BODIES)
def test_any_body_is_told_or_not_known(method: str, path: str, body: object) -> None:
    try:
        found = needs(method, path, body)
    except NotKnown:
        return
    assert all(isinstance(name, str) for need in found for name in need.indices)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "_mget", {"docs": {"a": 1}}),
        ("POST", "_mget", {"docs": [None]}),
        ("POST", "_search", {"pit": "x"}),
        ("POST", "_bulk", [{"index": "x"}, {}]),
        ("POST", "_msearch", [{"index": {"a": 1}}, {}]),
        ("POST", "_snapshot/r/s/_restore", {"indices": [True]}),
        ("POST", "_snapshot/r/s/_restore", {"indices": "a", "rename_pattern": "a", "rename_replacement": "$1"}),
        ("DELETE", "_search/point_in_time", {"pit_id": ["_" * 400_000]}),  # a number of megabytes
    ],
)
def test_what_no_engine_would_take_is_not_known(method: str, path: str, body: object) -> None:
    with pytest.raises(NotKnown):
        needs(method, path, body)
