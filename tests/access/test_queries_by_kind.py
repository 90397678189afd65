"""Given a query of each kind and a document, then it finds it, does not, or the mapping decides, as the engines' documents have it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis.access.questions.queries import finds

from tests.laws import examples

YES, NO, OPEN = {"match_all": {}}, {"match_none": {}}, {"script": {}}
OF: dict[bool | None, Any] = {True: YES, False: NO, None: OPEN}


@pytest.mark.parametrize(
    ("beside", "read"),
    [
        ({"boost": 0}, True),
        ({"boost": 2.5}, True),
        ({"boost": 1e29}, True),
        ({"boost": 1e30}, False),
        ({"boost": -0.1}, False),
        ({"boost": True}, False),
        ({"boost": "2"}, False),
        ({"_name": "it"}, True),
        ({"_name": "it", "boost": 1}, True),
        ({"_name": 3}, False),
        ({"another": 1}, False),
    ],
    ids=str,
)
def test_beside_any_query_stand_a_boost_and_a_name_alone(beside: Any, read: bool) -> None:
    document = {"a": "eu", "n": 2}
    found = [
        {"match_all": beside},
        {"bool": {"must": [YES], **beside}},
        {"constant_score": {"filter": YES, **beside}},
        {"dis_max": {"queries": [YES], **beside}},
        {"ids": {"values": ["1"], **beside}},
        {"exists": {"field": "a", **beside}},
        {"term": {"a": {"value": "eu", **beside}}},
        {"terms": {"a": ["eu"], **beside}},
        {"match": {"a": {"query": "eu", **beside}}},
        {"prefix": {"a": {"value": "e", **beside}}},
        {"range": {"n": {"gte": 2, **beside}}},
    ]
    assert [finds(one, document, "1") for one in found] == [True if read else None] * len(found)
    assert finds({"match_none": beside}, document) is (False if read else None)


truths = st.sampled_from([True, False, None])
clauses = st.lists(truths, max_size=3)


def either(told: list[bool | None], world: dict[int, bool], start: int) -> list[bool]:
    return [world[start + at] if one is None else one for at, one in enumerate(told)]


@given(clauses, clauses, clauses, clauses, st.sampled_from([None, 0, 1, 2, "1", "2"]))
@examples(150)
def test_bool_is_told_where_whatever_is_unknown_changes_nothing(
    must: list[Any], keep: list[Any], should: list[Any], must_not: list[Any], least: int | str | None
) -> None:
    """Against a plain evaluator, in every world of what is unknown: a document has to pass all of them."""
    parts = {"must": must, "filter": keep, "should": should, "must_not": must_not}
    body: dict[str, Any] = {name: [OF[one] for one in part] for name, part in parts.items()}
    if least is not None:
        body["minimum_should_match"] = least
    unknown = [one for part in parts.values() for one in part].count(None)
    outcomes = set()
    for number in range(2**unknown):
        bits = iter(f"{number:0{unknown}b}" if unknown else "")
        m, f, s, n = ([next(bits) == "1" if one is None else one for one in part] for part in parts.values())
        needed = int(least) if least is not None else 0 if m or f else 1
        if not (m or f):
            needed = max(needed, 1)  # Lucene: one of what should match has to where nothing must
        if not s:
            needed = int(least or 0) if (m or f or n) else 0  # a query without any clause finds everything
        outcomes.add(all(m) and all(f) and not any(n) and sum(s) >= needed)
    said = finds({"bool": body}, {})
    assert said is None or outcomes == {said}
    assert said is not None or len(outcomes) > 1 or unknown


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, True),
        ({"minimum_should_match": 1}, True),
        ({"must": [], "minimum_should_match": 1}, True),
        ({"must": YES, "minimum_should_match": 1}, False),
        ({"must_not": NO, "minimum_should_match": 1}, False),
        ({"should": [YES, OPEN], "minimum_should_match": 2}, None),
        ({"should": [YES, OPEN], "minimum_should_match": 1}, True),
        ({"should": [YES, NO, OPEN], "minimum_should_match": 3}, False),
        ({"must": [OPEN, NO]}, False),
        ({"must": [YES, OPEN]}, None),
        ({"must_not": [OPEN, YES]}, False),
        ({"must_not": [OPEN, NO]}, None),
        ({"must": YES, "should": [YES], "minimum_should_match": "\N{SUPERSCRIPT TWO}"}, None),
        ({"must": YES, "should": [YES], "minimum_should_match": True}, None),
        ({"must": YES, "should": [YES], "minimum_should_match": 1.0}, None),
        ({"must": YES, "should": [YES], "minimum_should_match": -1}, None),
        ({"must": YES, "should": [YES], "minimum_should_match": "2<75%"}, None),
        ({"must": YES, "adjust_pure_negative": True}, True),
        ({"must": YES, "musst_not": YES}, None),
        ({"must": None}, None),
    ],
    ids=str,
)
def test_what_the_clauses_of_a_bool_come_to(body: Any, expected: bool | None) -> None:
    assert finds({"bool": body}, {}) is expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"dis_max": {"queries": [NO, YES]}}, True),
        ({"dis_max": {"queries": [NO, OPEN]}}, None),
        ({"dis_max": {"queries": NO}}, False),
        ({"dis_max": {"queries": [YES], "tie_breaker": 0.5}}, True),
        ({"dis_max": {"queries": [YES], "tie_breaker": 1, "boost": 1, "_name": "it"}}, True),
        ({"dis_max": {"queries": [YES], "tie_breaker": True}}, None),
        ({"constant_score": {"filter": NO}}, False),
        ({"constant_score": {}}, None),
        ({"ids": {"values": [1]}}, True),
        ({"ids": {"values": ["2", "1"]}}, True),
        ({"ids": {"values": ["2"]}}, False),
        ({"ids": {"values": "1"}}, None),
        ({"ids": {}}, None),
        ({"unheard_of": {}}, None),
        ({"match_all": []}, None),
    ],
    ids=str,
)
def test_what_other_queries_of_queries_and_ids_find(query: Any, expected: bool | None) -> None:
    assert finds(query, {}, "1") is expected
    if "ids" in query:
        assert finds(query, {}) is None, "the id of a document that has none yet is not known"


def test_fifty_queries_within_each_other_are_still_read() -> None:
    query: Any = YES
    for _ in range(50):
        query = {"bool": {"must": [query]}}
    assert finds(query, {}) is True
    assert finds({"bool": {"must": [query]}}, {}) is None


@pytest.mark.parametrize(
    ("field", "document", "expected"),
    [
        ("a", {"a": "x"}, True),
        ("a", {"a": 0}, True),
        ("a", {"a": False}, True),
        ("a", {"a": None}, False),
        ("a", {"a": [None]}, False),
        ("a", {"a": [None, 1]}, True),
        ("a", {"a": []}, False),
        ("a", {"a": ""}, None),
        ("a", {"ab": 1}, False),
        ("a", {"a": {}}, False),
        ("a", {"a": {"b": None}}, False),
        ("a", {"a": {"b": [None, "x"]}}, True),
        ("a", {"a.b": 1}, True),
        ("a.b", {"a": {"b.c": 1}}, True),
        ("a.b", {"a.b": 1}, True),
        ("a.c", {"a.b": 1}, False),
        ("a.b", {"a": {"c": 1}, "a.b": 2}, True),
        ("a.b", {"a": 1}, False),
        ("a.b", {"a": [{"b": 1}]}, None),
        ("a.b", {"a": [[{"b": 1}]]}, None),
        ("a.b", {"a": [{"b": [None, 1]}]}, None),
        ("a.b", {"a": [{"c": 1}, 2]}, False),
        ("a.b.c", {"a": {"b": [{"c": 1}]}}, None),
        ("a.b.c", {"a": {"x": [{"c": 1}], "b": {"c": 2}}}, True),
        ("a.keyword", {"a": "x"}, True),
        ("a.keyword", {"a": ""}, None),
        ("a.keyword", {"a": "x" * 256}, True),
        ("a.keyword", {"a": "x" * 257}, None),
        ("a.keyword", {"a": "2026-11-24"}, None),
        ("a.keyword", {"a": 3}, None),
        ("a.keyword", {"a": {"b": "x"}}, None),
        ("a.keyword", {"a": None}, False),
        ("a.keyword", {"b": "x"}, False),
        ("a*", {"a": "x"}, None),
        ("_source", {"a": "x"}, None),
        (3, {"a": "x"}, None),
    ],
    ids=str,
)
def test_a_field_exists_where_a_value_of_it_is_indexed(field: Any, document: Any, expected: bool | None) -> None:
    assert finds({"exists": {"field": field}}, document) is expected


WORD, NAME, DAY = "eu", "Ann Lee", "2026-11-24"


@pytest.mark.parametrize(
    ("value", "asked", "expected", "as_keyword"),
    [
        (WORD, "eu", True, True),
        (WORD, "us", False, False),
        (WORD, "e", None, False),
        (WORD, "EU", None, False),
        ("EU", "EU", None, True),
        (NAME, "Ann Lee", None, True),
        (NAME, "LEE", None, False),
        (NAME, "bob", False, False),
        ("x" * 255, "x" * 255, True, True),
        ("x" * 256, "x" * 256, None, True),
        ("x" * 257, "x" * 257, None, None),
        ("x" * 257, "y", False, None),
        ("", "", None, None),
        ("", "x", False, False),
        ("7", "007", None, False),
        ("7", "8", False, False),
        ("7", 7, True, True),
        (DAY, DAY, None, None),
        (DAY, "2026-11-24T00:00:00Z", None, False),
        ("2026", "x", None, False),
        ("2026-11", "2026-11", None, None),
        ("2026-11-24 09:00", "x", None, False),
        ("2026-11-24x", "2026-11-24x", None, True),
        ("24.11.2026", "24.11.2026", None, None),
        ("2026/11/24", "x", None, False),
        ("now-1d", "now-1d", None, None),
        (f"{DAY}||/d", "x", None, False),
        ("10.0.0.7", "10.0.0.0/8", None, False),
        (2, 2, True, None),
        (2, "2", True, None),
        (2, 2.0, None, None),
        (2, 3, False, None),
        (2, 2.5, False, None),
        (2, "x", None, None),
        (2.7, 2, None, None),
        (2.7, 3, False, None),
        (-2.7, -2, None, None),
        (True, True, True, True),
        (True, "true", True, True),
        (True, False, False, False),
        (True, "yes", None, None),
        ("true", True, True, True),
        ("yes", True, None, None),
        (1, True, None, None),
        ([None, "eu"], "eu", True, True),
        (["us", "eu"], "eu", True, True),
        ([], "eu", False, False),
        ({"b": "eu"}, "eu", None, None),
    ],
    ids=str,
)
def test_a_term_finds_a_value_however_it_is_asked_for(
    value: Any, asked: Any, expected: bool | None, as_keyword: bool | None
) -> None:
    bodies: list[Any] = [asked, {"value": asked}, {"term": asked}]
    assert [finds({"term": {"a": body}}, {"a": value}) for body in bodies] == [expected] * 3
    assert finds({"terms": {"a": [asked]}}, {"a": value}) is expected
    assert finds({"term": {"a.keyword": asked}}, {"a": value}) is as_keyword


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"term": {"a": None}}, None),
        ({"term": {"a": {"value": None}}}, None),
        ({"term": {"a": ["eu"]}}, None),
        ({"term": {"a": {"value": "eu", "case_insensitive": True}}}, None),
        ({"term": {"_id": "1"}}, None),
        ({"term": {"a*": "eu"}}, None),
        ({"term": {"a": "eu", "n": 2}}, None),
        ({"term": {}}, None),
        ({"terms": {"a": "eu"}}, None),
        ({"terms": {"a": [["eu"]]}}, None),
        ({"terms": {"a": [{"x": 1}]}}, None),
        ({"terms": {"a": ["eu", None]}}, None),
        ({"terms": {"a": ["us", "eu"]}}, True),
        ({"terms": {"a": ["us", "fr"]}}, False),
        ({"terms": {"a": []}}, False),
        ({"terms": {"n": [3, 2]}}, True),
        ({"terms": {"n": [3, 4]}}, False),
        ({"terms": {"a": ["us"], "n": [2]}}, None),
        ({"match": {"a": "eu"}}, True),
        ({"match": {"a": {"query": "eu", "operator": "And"}}}, True),
        ({"match": {"a": {"query": "eu", "operator": "or"}}}, True),
        ({"match": {"a": {"query": "eu", "operator": 3}}}, None),
        ({"match": {"a": {"query": "eu", "fuzziness": 1}}}, None),
        ({"match": {"a": {"query": None}}}, None),
        ({"match": {"a": ["eu"]}}, None),
        ({"match": {"n": 2}}, True),
        ({"match": {"n": "2"}}, True),
        ({"match": {"n": "2 3"}}, None),
        ({"match": {"name": "Ann Lee"}}, None),
        ({"match": {"name": "LEE bob"}}, None),
        ({"match": {"name": "bob kim"}}, False),
        ({"match": {"name": "!!"}}, None),
        ({"match": {"name.keyword": "Ann Lee"}}, True),
        ({"match": {"name.keyword": "Ann Bob"}}, False),
        ({"prefix": {"a": "e"}}, True),
        ({"prefix": {"a": "u"}}, False),
        ({"prefix": {"a": ""}}, None),
        ({"prefix": {"a": 3}}, None),
        ({"prefix": {"a": {"value": "e", "case_insensitive": True}}}, None),
        ({"prefix": {"n": "2"}}, None),
        ({"prefix": {"name": "LEE"}}, None),
        ({"prefix": {"name": "bob"}}, False),
        ({"prefix": {"name.keyword": "Ann L"}}, True),
        ({"prefix": {"name.keyword": "ann"}}, False),
    ],
    ids=str,
)
def test_what_a_query_about_one_field_finds(query: Any, expected: bool | None) -> None:
    assert finds(query, {"a": "eu", "n": 2, "name": "Ann Lee"}) is expected


LIMITS = ("gt", "gte", "lt", "lte")


@given(st.integers(-3, 3), st.dictionaries(st.sampled_from(LIMITS), st.none() | st.integers(-3, 3), min_size=1))
@examples(80)
def test_a_range_of_numbers_holds_within_every_limit(value: int, limits: dict[str, int | None]) -> None:
    """A limit that is null is none. Of two for one end the engine takes the last one, so that nobody knows here."""
    low, above = limits.get("gte"), limits.get("gt")
    high, below = limits.get("lte"), limits.get("lt")
    fits = not (
        (low is not None and value < low)
        or (above is not None and value <= above)
        or (high is not None and value > high)
        or (below is not None and value >= below)
    )
    twice = {"gt", "gte"} <= limits.keys() or {"lt", "lte"} <= limits.keys()
    assert finds({"range": {"n": limits}}, {"n": value}) is (None if twice else fits)


_days = st.sampled_from(["2026-11-23", DAY, "2026-11-25"])
_moments = st.builds(
    lambda day, time: f"{day}T{time}Z",
    _days,
    st.sampled_from(["00:00:00", "09:30:00", "23:59:59.999", "23:59:59.9995"]),
)


@given(_days | _moments, st.sampled_from(LIMITS), _days | _moments)
@examples(200)
def test_a_range_of_dates_is_told_where_dates_keywords_and_words_say_the_same(
    value: str, limit: str, bound: str
) -> None:
    """A date is kept in milliseconds, and a day as a bound is rounded: up for gt and lte, down for gte and lt."""

    def kept(text: str) -> datetime:
        found = datetime.fromisoformat(text if "T" in text else f"{text}T00:00:00Z").astimezone(UTC)
        return found.replace(microsecond=found.microsecond // 1000 * 1000)

    at = kept(bound)
    if "T" not in bound and limit in ("gt", "lte"):
        at += timedelta(days=1, milliseconds=-1)
    order = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}[limit]
    as_date = {">": kept(value) > at, ">=": kept(value) >= at, "<": kept(value) < at, "<=": kept(value) <= at}[order]
    holds: dict[str, Callable[[str], bool]] = {
        ">": lambda one: one > bound,
        ">=": lambda one: one >= bound,
        "<": lambda one: one < bound,
        "<=": lambda one: one <= bound,
    }
    as_keyword = holds[order](value)
    as_words = any(holds[order](one) for one in re.split("[-:.]", value.lower()))  # as the standard analyzer has them
    said = finds({"range": {"day": {limit: bound}}}, {"day": value})
    assert said is None or said is as_date is as_keyword is as_words
    if "." not in value + bound:
        assert (said is None) is (len({as_date, as_keyword, as_words}) > 1)


@pytest.mark.parametrize(
    ("limits", "value", "expected", "as_keyword"),
    [
        ({}, 2, None, None),
        ({"boost": 2}, 2, None, None),
        ({"gte": 1, "format": "x"}, 2, None, None),
        ({"gte": True}, 2, None, None),
        ({"gte": "2"}, 2, None, None),
        ({"gte": 2}, "2", None, None),
        ({"gte": 0}, True, None, None),
        ({"gte": "a"}, "eu", None, True),
        ({"gte": "us"}, "eu", None, False),
        ({"gte": DAY}, DAY, True, None),
        ({"gte": "2026-11-25"}, DAY, None, False),
        ({"gte": "2026-11-24T00:00:00"}, f"{DAY}T00:00:00", True, None),
        ({"lte": DAY}, f"{DAY}T09:30:00Z", None, False),
        ({"gte": f"{DAY}T09:30:00Z"}, DAY, None, False),
        ({"gte": DAY}, f"{DAY}T09:30:00Z", True, None),
        ({"gt": f"{DAY}T09:30:00Z"}, f"{DAY}T10:00:00Z", True, None),
        ({"gte": 3, "gt": 1}, 2, None, None),
        ({"lt": 1, "lte": 3}, 2, None, None),
        ({"gte": 2.5}, 2.7, True, None),
        ({"gte": None}, {"b": 1}, None, None),
        ({"gte": 1}, [0, 1], True, None),
        ({"gt": DAY}, f"{DAY}T09:30:00Z", None, None),
        ({"lte": DAY}, f"{DAY}T23:59:59.999400Z", None, False),
        ({"gte": "2026-11-24T00:00:00Z"}, "2026-11-24T00:30:00+02:00", None, None),
        ({"gte": 2, "lt": "x"}, 2, None, None),
        ({"gte": 3, "lt": "x"}, 2, False, None),
        ({"gte": 1}, 2, True, None),
    ],
    ids=str,
)
def test_what_a_range_finds(limits: Any, value: Any, expected: bool | None, as_keyword: bool | None) -> None:
    assert finds({"range": {"a": limits}}, {"a": value}) is expected
    assert finds({"range": {"a.keyword": limits}}, {"a": value}) is as_keyword
