"""What is left of an index that two sides limit: a document or a field is seen if both let it through."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import product

from portcullis.access.questions.answers import Seen
from portcullis.families.crossing import meet
from portcullis.families.elasticsearch.deciding.remote import Seen as Limited
from portcullis.families.elasticsearch.known.names import Unreadable, is_expression, matches, within

Group = tuple[tuple[str, ...], tuple[str, ...]]  # grant, except
_EVERYTHING = ("*",)


def as_seen(alias: str, one: Limited) -> Seen:
    """An index of a remote as all its limits leave it. Several groups of fields are a word each: what any of them shows is seen."""
    queries = [view.documents for _, view in one.limits if view.documents is not None]
    filters = [view.alias_filters for _, view in one.limits[:1] if view.alias_filters is not None]
    fields: tuple[Group, ...] = ()
    for _, view in one.limits:
        fields = _both_fields(fields, view.fields.groups)
    name, documents = f"{alias}:{one.index}", _all_of([*queries, *filters])
    if not fields:
        return Seen(name, True, documents)
    if len(fields) == 1:
        grant, without = fields[0]
        return Seen(name, True, documents, () if grant == _EVERYTHING else grant or ("(none)",), without)
    return Seen(name, True, documents, tuple(words_of(*group) for group in fields))


def words_of(grant: tuple[str, ...], without: tuple[str, ...]) -> str:
    """One group of fields, as one word of several."""
    shown = " and ".join(grant) or "(none)"
    return f"{shown} without {' and '.join(without)}" if without else shown


def _all_of(lists: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Queries of which one has to fit, from lists of which each has to have one that fits."""
    different = list(dict.fromkeys(tuple(dict.fromkeys(one)) for one in lists))
    if len(different) < 2:
        return different[0] if different else ()
    try:
        parts = [_any_of([json.loads(query) for query in one]) for one in different]
    except ValueError:  # as some engine may hold it; said, and not taken apart
        return (" and ".join(f"({' or '.join(one)})" for one in different),)
    return (json.dumps({"bool": {"filter": parts}}, sort_keys=True),)


def _any_of(queries: list[object]) -> object:
    return queries[0] if len(queries) == 1 else {"bool": {"should": queries, "minimum_should_match": 1}}


def _both_fields(one: tuple[Group, ...], other: tuple[Group, ...]) -> tuple[Group, ...]:
    """No group: all fields."""
    if not one or not other:
        return one or other
    return tuple(dict.fromkeys(_both_groups(*pair) for pair in product(one, other)))


def _both_groups(one: Group, other: Group) -> Group:
    shown = dict.fromkeys(name for a, b in product(one[0], other[0]) for name in _both_names(a, b))
    without = tuple(dict.fromkeys((*one[1], *other[1])))
    return _widest(shown), without


def _both_names(one: str, other: str) -> Iterable[str]:
    """Names that fit both patterns, as a pattern; as both of them where no pattern says it."""
    try:
        if within(one, (other,)):
            return (one,)
        if within(other, (one,)):
            return (other,)
        if not (is_expression(one) or is_expression(other) or "?" in one + other) and not meet(one, other, matches):
            return ()
    except Unreadable:
        pass
    return (f"{one} that are {other}",)


def _widest(names: Iterable[str]) -> tuple[str, ...]:
    """Without those that another one covers."""
    found = list(names)
    return tuple(
        one
        for one in found
        if not any(other != one and " " not in one + other and _covers(other, one) for other in found)
    )


def _covers(wide: str, narrow: str) -> bool:
    try:
        return within(narrow, (wide,))
    except Unreadable:
        return False
