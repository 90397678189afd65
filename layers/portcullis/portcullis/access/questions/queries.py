"""One document, held against the query of a filter, as far as that can be said without an engine. Pure.

Which documents a query finds hangs on how the index holds a field. A text is taken for what OpenSearch and Elasticsearch make of it without
being told otherwise, a keyword or words of the standard analyzer; where the two differ, nobody knows here. So it is with numbers and dates
in quotes. Other analyzers, normalizers, runtime fields and names of fields that mean another one are not thought of.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, time
from typing import Any

from portcullis.access.truth import Truth, all_of, any_of, negated

Document = Mapping[str, Any]

_ONE_WORD = re.compile(r"[a-z0-9]{1,255}")  # to the standard analyzer one word, as it is
_LONGEST_KEYWORD = 256  # what a field `.keyword` holds at most, unless it is told otherwise
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_LIKE_A_TIME = re.compile(r"\d{4}(-\d\d){0,2}([T ].*)?|\d{1,4}[/.]\d{1,2}[/.]\d{1,4}.*|now.*|.*\|\|.*")
_LAST_OF_A_DAY = time.max.replace(
    tzinfo=UTC
)  # an engine keeps no more than milliseconds of a date: .9995 is .999 to it
# What may stand beside a query without changing what it finds.
_BESIDE = ("boost", "_name")
_LARGEST_BOOST = 1e30
_DEEPEST = 50


def finds(query: Any, document: Document, identity: str | None = None) -> Truth:
    """Whether a query finds a document, None where only the engine can tell. `identity`: the document's id, if it is known."""
    return _finds(query, document, identity, 0)


def _finds(query: Any, document: Document, identity: str | None, depth: int) -> Truth:
    if not isinstance(query, Mapping) or len(query) != 1 or depth > _DEEPEST:
        return None
    ((kind, body),) = query.items()
    if not isinstance(body, Mapping) or not _plain_beside(body):
        return None
    if kind in ("match_all", "match_none"):
        return kind == "match_all" if body.keys() <= {*_BESIDE} else None
    if kind in _COMPOUND:
        return _COMPOUND[kind](body, lambda inner: _finds(inner, document, identity, depth + 1))
    if kind == "ids":
        asked = body.get("values") if body.keys() <= {"values", *_BESIDE} else None
        if identity is None or not isinstance(asked, list) or any(one is None for one in asked):
            return None
        return identity in map(str, asked)
    if kind == "exists":
        return _exists(document, body.get("field")) if body.keys() <= {"field", *_BESIDE} else None
    return _of_a_field(kind, body, document) if kind in _OF_A_FIELD else None


def _plain_beside(body: Mapping[str, Any]) -> bool:
    """Whether what stands beside a query is what every engine takes there: with anything else none finds any document."""
    boost = body.get("boost", 1)
    is_number = isinstance(boost, int | float) and not isinstance(boost, bool)
    return is_number and 0 <= boost < _LARGEST_BOOST and isinstance(body.get("_name", ""), str)


# ---------------------------------------------------------------------- queries made of queries

_Ask = Callable[[Any], Truth]


def _clauses(body: Mapping[str, Any], name: str) -> list[Any]:
    given = body.get(name, [])
    return given if isinstance(given, list) else [given]


def _bool(body: Mapping[str, Any], ask: _Ask) -> Truth:
    known = {"must", "filter", "should", "must_not", "minimum_should_match", "adjust_pure_negative", *_BESIDE}
    if not body.keys() <= known or body.get("adjust_pure_negative", True) is not True:
        return None
    needed = [ask(one) for one in (*_clauses(body, "must"), *_clauses(body, "filter"))]
    refused = [negated(ask(one)) for one in _clauses(body, "must_not")]
    should = [ask(one) for one in _clauses(body, "should")]
    clauses = (*needed, *refused, *should)
    least = body.get("minimum_should_match", 0 if needed or not should else 1)
    if isinstance(least, str) and least.isascii() and least.isdigit():
        least = int(least)
    if isinstance(least, bool) or not isinstance(least, int) or least < 0:
        return None  # shares and lists of conditions
    if not clauses:
        return True  # whatever the least is
    if should and not needed:
        least = max(least, 1)  # where nothing has to match, one of what should has to
    return all_of((*needed, *refused, _at_least(should, least)))


def _at_least(verdicts: list[Truth], least: int) -> Truth:
    sure, perhaps = verdicts.count(True), verdicts.count(None)
    return True if sure >= least else None if sure + perhaps >= least else False


def _constant(body: Mapping[str, Any], ask: _Ask) -> Truth:
    return ask(body.get("filter")) if body.keys() <= {"filter", *_BESIDE} else None


def _best_of(body: Mapping[str, Any], ask: _Ask) -> Truth:
    known, ties = {"queries", "tie_breaker", *_BESIDE}, body.get("tie_breaker", 0)
    if not body.keys() <= known or isinstance(ties, bool) or not isinstance(ties, int | float):
        return None
    return any_of(map(ask, _clauses(body, "queries")))


_COMPOUND: dict[str, Callable[[Mapping[str, Any], _Ask], Truth]] = {
    "bool": _bool,
    "constant_score": _constant,
    "dis_max": _best_of,
}


# ---------------------------------------------------------------------- queries about a field


def values_of(document: Any, name: str) -> Iterator[Any]:
    """What a document has under a dotted name: values, each of a list by itself. Objects in a list are one field together."""
    if isinstance(document, list):
        for one in document:
            yield from values_of(one, name)
    elif not name:
        yield document
    elif isinstance(document, Mapping):
        for key, value in document.items():
            if name == key or name.startswith(f"{key}."):
                yield from values_of(value, name[len(key) + 1 :])
            elif key.startswith(f"{name}."):  # a key with a dot is as good as an object
                yield {key: value}


def _in_a_list(document: Any, name: str) -> bool:
    """Whether an object in a list has the field."""
    if isinstance(document, list):
        return any(one is not None for one in values_of(document, name))
    parts = document.items() if isinstance(document, Mapping) else ()
    return any(_in_a_list(value, name[len(key) + 1 :]) for key, value in parts if name.startswith(f"{key}."))


def _exists(document: Document, name: Any) -> Truth:
    if not isinstance(name, str) or not name or "*" in name or name.startswith("_"):
        return None
    plain, keyword = _plain(name)
    if _in_a_list(document, plain):
        return None
    found: list[Truth] = [_is_held(one, keyword=keyword) for one in values_of(document, plain)]
    return any_of(found)


def _is_held(value: Any, *, keyword: bool) -> Truth:
    if keyword and not isinstance(value, str) and value is not None:
        return None  # has no such field unless it was told to
    if isinstance(value, Mapping):
        return any_of(_is_held(one, keyword=keyword) for part in value.values() for one in values_of(part, ""))
    if value is None:
        return False
    if isinstance(value, str):
        return _as_keyword(value, True) if keyword else True if value else None
    return True


def _plain(name: str) -> tuple[str, bool]:
    """The field, and whether it is asked for as a keyword."""
    return name.removesuffix(".keyword"), name.endswith(".keyword")


def _of_a_field(kind: str, body: Mapping[str, Any], document: Document) -> Truth:
    names = [name for name in body if name not in (_BESIDE if kind == "terms" else ())]
    if len(names) != 1 or "*" in names[0] or names[0].startswith("_"):
        return None
    plain, keyword = _plain(names[0])
    found = [one for one in values_of(document, plain) if one is not None]
    if any(isinstance(one, Mapping) for one in found) or _in_a_list(document, plain):
        return None  # objects in a list may be documents of their own ("nested"), which such a query does not find
    asked = body[names[0]]
    if isinstance(asked, Mapping) and not _plain_beside(asked):
        return None
    compare = _OF_A_FIELD[kind](asked)
    return any_of(compare(one, keyword) for one in found) if compare else None


_Compare = Callable[[Any, bool], Truth]  # a value of the document, and whether the field is asked for as a keyword


def _term(asked: Any) -> _Compare | None:
    if isinstance(asked, Mapping):
        if not asked.keys() <= {"value", "term", *_BESIDE}:
            return None
        asked = asked.get("value", asked.get("term"))
    if isinstance(asked, Mapping | list) or asked is None:
        return None
    return lambda value, keyword: _is(value, asked, keyword=keyword)


def _terms(asked: Any) -> _Compare | None:
    if not isinstance(asked, list) or any(isinstance(one, Mapping | list) or one is None for one in asked):
        return None
    values: list[Any] = asked

    def compare(value: Any, keyword: bool) -> Truth:
        if isinstance(value, int | float) and any(_is(value, one, keyword=keyword) is None for one in values):
            return None  # one that is no number may end the whole search
        return any_of(_is(value, one, keyword=keyword) for one in values)

    return compare


def _is(value: Any, asked: Any, *, keyword: bool) -> Truth:
    if isinstance(value, bool) or isinstance(asked, bool):
        return _word(value) == _word(asked) if {_word(value), _word(asked)} <= {"true", "false"} else None
    if isinstance(value, int | float):
        own, number = _number(value), _number(asked)
        if keyword or own is None or number is None:
            return None  # a number has no keyword unless it was told to; a field of numbers refuses what is none
        if own == number:
            return True if _word(asked) == _word(value) else None  # as a keyword "2.0" is not 2
        return None if int(own) == number else False  # a field of whole numbers holds 2.7 as 2
    if not isinstance(value, str):
        return None
    text = _word(asked)
    if keyword:
        return _as_keyword(value, value == text)
    if value == text:
        return True if _ONE_WORD.fullmatch(value) else None
    if _number(value) is not None and _number(value) == _number(text):
        return None
    if _LIKE_A_TIME.fullmatch(value) or "/" in text:  # dates in another form, networks of addresses
        return None
    return None if text.lower() in value.lower() else False


def _as_keyword(value: str, found: bool) -> Truth:
    """What is taken for a date has no keyword beside it, unless it was told to."""
    if len(value) > _LONGEST_KEYWORD or (found and (not value or _LIKE_A_TIME.fullmatch(value))):
        return None
    return found


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: Any) -> float | None:
    """As far as an engine can hold it in a field of numbers."""
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _prefix(asked: Any) -> _Compare | None:
    if isinstance(asked, Mapping):
        if not asked.keys() <= {"value", *_BESIDE}:
            return None
        asked = asked.get("value")
    if not isinstance(asked, str) or not asked:
        return None
    text: str = asked

    def compare(value: Any, keyword: bool) -> Truth:
        if not isinstance(value, str):
            return None
        if keyword:
            return _as_keyword(value, value.startswith(text))
        if _ONE_WORD.fullmatch(value):
            return value.startswith(text)
        return None if text.lower() in value.lower() else False

    return compare


def _is_operator(given: Any) -> bool:
    return isinstance(given, str) and given.lower() in ("and", "or")


def _match(asked: Any) -> _Compare | None:
    if isinstance(asked, Mapping):
        if not asked.keys() <= {"query", "operator", *_BESIDE} or not _is_operator(asked.get("operator", "or")):
            return None
        asked = asked.get("query")
    if isinstance(asked, int | float):
        return lambda value, keyword: _is(value, asked, keyword=keyword)
    if not isinstance(asked, str):
        return None
    text: str = asked

    def compare(value: Any, keyword: bool) -> Truth:
        if not isinstance(value, str) or keyword or _ONE_WORD.fullmatch(text):
            return _is(value, text, keyword=keyword)
        words = re.findall(r"\w+", text.lower())
        return None if not words or any(word in value.lower() for word in words) else False

    return compare


def _range(asked: Any) -> _Compare | None:
    bounds = {"gt", "gte", "lt", "lte"}
    if not isinstance(asked, Mapping) or not asked.keys() <= {*bounds, *_BESIDE} or not asked.keys() & bounds:
        return None
    if {"gt", "gte"} <= asked.keys() or {"lt", "lte"} <= asked.keys():
        return None  # of two for one end an engine takes the one that comes last, or refuses it
    limits = {name: asked[name] for name in bounds & asked.keys() if asked[name] is not None}

    def compare(value: Any, keyword: bool) -> Truth:
        found = all_of(_within(value, name, bound, keyword=keyword) for name, bound in limits.items())
        if keyword or not isinstance(value, str):
            return found
        return found if found is _has_a_word_within(value, limits) else None

    return compare


def _has_a_word_within(value: str, limits: Mapping[str, Any]) -> Truth:
    """As a field of words finds it: by one of its words that is within every limit, which it takes as they are."""
    if not all(isinstance(bound, str) for bound in limits.values()):
        return None
    words = re.findall(r"\w+", value.lower())
    return any(all(_holds(name, word, bound) for name, bound in limits.items()) for word in words)


def _within(value: Any, name: str, bound: Any, *, keyword: bool) -> Truth:
    if all(isinstance(one, int | float) and not isinstance(one, bool) for one in (value, bound)):
        own, limit = _number(value), _number(bound)
        return None if keyword or own is None or limit is None else _holds(name, own, limit)
    if not (isinstance(value, str) and isinstance(bound, str)):
        return None
    as_words = _holds(name, value, bound)
    if keyword:
        return _as_keyword(value, as_words)
    moments = _moment(value, last=False), _moment(bound, last=name in ("lte", "gt"))
    if moments[0] is None or moments[1] is None:
        return None
    as_times = _holds(name, moments[0], moments[1])
    return as_times if as_times == as_words else None


def _holds(name: str, value: Any, bound: Any) -> bool:
    compared = {"gt": value > bound, "gte": value >= bound, "lt": value < bound, "lte": value <= bound}
    return bool(compared[name])


def _moment(text: str, *, last: bool) -> datetime | None:
    """A day stands for its first moment, or for its `last` one."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    if last and _DAY.fullmatch(text):
        return datetime.combine(found.date(), _LAST_OF_A_DAY)
    return found


_OF_A_FIELD: dict[str, Callable[[Any], _Compare | None]] = {
    "term": _term,
    "terms": _terms,
    "match": _match,
    "prefix": _prefix,
    "range": _range,
}
