"""Given a document and the query of a filter, then what is said without an engine is what engines find, however they hold the fields."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis.access.questions.queries import finds

from tests.access.queries import told
from tests.laws import examples

EU = {
    "region": "eu",
    "level": 2,
    "name": "Ann Lee",
    "tags": ["red", "big"],
    "who": {"team": "red"},
    "items": [{"x": "a"}],
}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"match_all": {}}, True),
        ({"match_none": {}}, False),
        ({"term": {"region": "eu"}}, True),
        ({"term": {"region": "us"}}, False),
        ({"term": {"region": {"value": "eu", "boost": 2}}}, True),
        ({"term": {"name": "Ann Lee"}}, None),  # as a keyword it is, as words it is not
        ({"term": {"name.keyword": "Ann Lee"}}, True),
        ({"term": {"name": "lee"}}, None),
        ({"term": {"name": "bob"}}, False),
        ({"term": {"level": 2}}, True),
        ({"term": {"level": "2"}}, True),
        ({"term": {"level": 3}}, False),
        ({"term": {"who.team": "red"}}, True),
        ({"term": {"items.x": "a"}}, None),  # may be documents of their own
        ({"term": {"absent": "x"}}, False),
        ({"terms": {"region": ["us", "eu"]}}, True),
        ({"terms": {"region": {"index": "a", "id": "1", "path": "x"}}}, None),
        ({"term": {"tags": "big"}}, True),
        ({"exists": {"field": "who"}}, True),
        ({"exists": {"field": "absent"}}, False),
        ({"prefix": {"region": "e"}}, True),
        ({"range": {"level": {"gte": 2, "lt": 3}}}, True),
        ({"range": {"level": {"gt": 2}}}, False),
        ({"range": {"level": {"gt": "now-1d"}}}, None),
        ({"bool": {"must_not": {"term": {"region": "us"}}}}, True),
        ({"bool": {"should": [{"term": {"region": "us"}}, {"term": {"level": 2}}]}}, True),
        ({"bool": {"must": {"term": {"level": 2}}, "should": {"term": {"region": "us"}}}}, True),
        ({"bool": {"filter": [{"term": {"level": 2}}, {"script": {}}]}}, None),
        ({"bool": {"filter": [{"term": {"level": 3}}, {"script": {}}]}}, False),
        ({"bool": {"should": [], "minimum_should_match": "75%"}}, None),
        ({"ids": {"values": ["1"]}}, True),
        ({"query_string": {"query": "region:eu"}}, None),
        ({"term": {"region": "eu"}, "match_all": {}}, None),
        # One of what should has to match where nothing must, whatever is asked for.
        ({"bool": {"should": [{"term": {"region": "us"}}], "minimum_should_match": 0}}, False),
        ({"bool": {"should": [{"term": {"region": "us"}}], "minimum_should_match": "0", "must_not": []}}, False),
        # An engine reads none of these, and finds nothing.
        ({"match_all": {"x": 1}}, None),
        ({"match": {"region": {"query": "eu", "operator": "xor"}}}, None),
        ({"term": {"region": {"value": "eu", "boost": -1}}}, None),
        ({"term": {"region": {"value": "eu", "boost": "x"}}}, None),
        ({"term": {"region": "eu", "boost": 2}}, None),
        ({"prefix": {"region": {"value": "e", "rewrite": "nope"}}}, None),
        ({"constant_score": {"filter": {"term": {"region": "eu"}}, "boost": -1}}, None),
        ({"dis_max": {"queries": [{"term": {"region": "eu"}}], "tie_breaker": "x"}}, None),
        ({"ids": {"values": ["1"], "type": "_doc"}}, None),
        ({"ids": {"values": ["1", None]}}, None),
        ({"exists": {"field": ""}}, None),
        # What only the engine knows: its own fields, and a word where the index has numbers.
        ({"exists": {"field": "_id"}}, None),
        ({"terms": {"level": [2, "x"]}}, None),
        ({"bool": {"must_not": {"term": {"region": "us"}}, "adjust_pure_negative": False}}, None),
        ("no query", None),
        (None, None),
    ],
    ids=str,
)
def test_what_a_query_finds_is_told_where_every_mapping_says_the_same(query: Any, expected: bool | None) -> None:
    assert finds(query, EU, "1") is expected


def test_a_query_that_is_nested_very_deep_is_unknown() -> None:
    query: Any = {"match_all": {}}
    for _ in range(500):
        query = {"bool": {"must": [query]}}
    assert finds(query, EU) is None


def test_most_of_the_random_ones_are_told() -> None:
    assert told(500, 7) > 0.6


@pytest.mark.parametrize(
    ("query", "document", "expected"),
    [
        ({"range": {"day": {"gte": "2026-01-01", "lte": "9999-12-31"}}}, {"day": "2026-11-24"}, True),
        ({"range": {"level": {"lte": 10**400}}}, {"level": 1}, None),
        ({"term": {"level": 1}}, {"level": 10**400}, None),
        ({"term": {"level": 1}}, {"level": float("inf")}, None),
        ({"term": {"level": 1}}, {"level": float("nan")}, None),
        ({"term": {"level": "1e999"}}, {"level": 1}, None),
    ],
    ids=lambda one: str(one)[:40],
)
def test_numbers_and_days_at_the_end_of_what_there_is_are_no_error(query: Any, document: Any, expected: Any) -> None:
    assert finds(query, document) is expected


_leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.just("9999-12-31"))
_json = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
)
_kinds = st.sampled_from(
    ["term", "terms", "match", "prefix", "range", "exists", "ids", "bool", "dis_max", "constant_score"]
)
_bodies = st.one_of(
    _json,
    st.dictionaries(st.sampled_from(["a", "a.b", "a.keyword", "field", "values", "must", "should"]), _json, max_size=2),
    st.fixed_dictionaries(
        {"a": st.dictionaries(st.sampled_from(["gt", "gte", "lt", "lte", "value", "query"]), _leaves)}
    ),
)


@given(st.dictionaries(_kinds, _bodies, min_size=1, max_size=1), st.dictionaries(st.sampled_from("ab"), _json))
@examples(300)
def test_whatever_is_asked_of_whatever_document_is_answered(query: Any, document: Any) -> None:
    assert finds(query, document, "1") in (True, False, None)


@pytest.mark.parametrize(
    ("value", "query", "expected"),
    [
        (True, {"term": {"f": True}}, True),
        (True, {"term": {"f": "true"}}, True),
        (True, {"term": {"f": "false"}}, False),
        (False, {"term": {"f": True}}, False),
        ("true", {"term": {"f": True}}, True),
        (True, {"term": {"f": 1}}, None),
        (1, {"term": {"f": True}}, None),
        ("eu", {"term": {"f": True}}, None),
        (2, {"terms": {"f": [2, 3]}}, True),
        (2, {"terms": {"f": [3, "no number"]}}, None),  # it may end the whole search
        (2.7, {"term": {"f": 2}}, None),  # a field of whole numbers holds it as 2
        (2, {"range": {"f": {"boost": 2}}}, None),  # without a bound
        (2, {"range": {"f": {"gt": 1, "lte": 2}}}, True),
        (2, {"range": {"f": {"gt": 2}}}, False),
        (2, {"range": {"f": {"gte": 2, "lt": 2}}}, False),
        (2, {"range": {"f": {"gte": None, "lt": 3}}}, True),
        (2, {"range": {"f": {"from": 1}}}, None),
        ("x" * 256, {"term": {"f.keyword": "x" * 256}}, True),
        ("x" * 257, {"term": {"f.keyword": "x" * 257}}, None),  # longer than what is kept
        ("x" * 257, {"term": {"f.keyword": "y"}}, None),
        ("2026-11-24", {"term": {"f.keyword": "2026-11-24"}}, None),  # a date has no keyword
        ("2026-11-24", {"term": {"f.keyword": "2026-11-25"}}, False),
        ("", {"term": {"f.keyword": ""}}, None),
        ("2026-11-24", {"range": {"f": {"lte": "2026-11-24"}}}, True),
        ("2026-11-24", {"range": {"f": {"gt": "2026-11-24"}}}, None),  # as words it has 24, which comes after
        ("2026-11-25", {"range": {"f": {"gt": "2026-11-24"}}}, True),
        (
            "2026-11-24T23:59:59.999Z",
            {"range": {"f": {"gt": "2026-11-24"}}},
            None,
        ),  # as a text it is, as a time it is not
    ],
)
def test_one_value_is_held_against_a_query_as_engines_do(
    value: Any, query: dict[str, Any], expected: bool | None
) -> None:
    assert finds(query, {"f": value}) is expected
