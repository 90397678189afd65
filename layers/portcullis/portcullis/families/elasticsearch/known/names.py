"""Names with wildcards, as roles and requests of Elasticsearch have them: `*`, `?`, and between slashes a regular expression.

Bounded: a wildcard is matched in linear time, a regular expression only where it has nothing that could backtrack for long.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache


class Unreadable(Exception):
    """A regular expression that only the engine can tell the meaning of."""


# Lucene's operators that Python has not or reads otherwise: complement, intersection, any string, numeric ranges, empty language.
_LUCENE_ONLY = frozenset('~&@<>#"')
# What may stand in a regular expression that is matched here: plain characters, classes, repetition of one of them, and alternatives.
# Anchors are not among it: to Lucene they are characters like others.
_ATOM = r"(?:\\.|\[\^?(?:\\.|[^\]\\])+\]|[^\\\[\](){}|*+?.^$]|\.)"
_SIMPLE = re.compile(rf"(?:{_ATOM}[*+?]?|\((?:{_ATOM}|\|)+\)\??|\|)*")


def is_pattern(name: str) -> bool:
    return "*" in name or "?" in name or is_expression(name)


def matches(pattern: str, name: str) -> bool:
    """Whether a name of a role (wildcard, regular expression or plain) covers a name. Unreadable where that cannot be told."""
    if is_expression(pattern):
        text = pattern[1:-1]
        if text.startswith("~(") and _closes_last(text[1:]):  # Lucene's complement of all of it
            return _expression(text[2:-1]).fullmatch(name) is None
        return _expression(text).fullmatch(name) is not None
    return covers(pattern, name)


def fitting(patterns: Iterable[str], names: Iterable[str]) -> Iterator[int]:
    """The places of the names that one of the patterns covers. Unreadable where that cannot be told of one of them."""
    exact: set[str] = set()
    begin: list[str] = []
    rest: list[str] = []
    for pattern in patterns:
        plain = None if is_expression(pattern) else _beginning(pattern)
        if plain is None:
            rest.append(pattern)
        elif len(plain) < len(pattern):
            begin.append(plain)
        else:
            exact.add(pattern)
    beginnings = tuple(begin)
    for place, name in enumerate(names):
        if name.startswith(beginnings) or name in exact or any(matches(one, name) for one in rest):
            yield place


def matches_any(patterns: Iterable[str], name: str) -> bool:
    return any(matches(pattern, name) for pattern in patterns)


def within(pattern: str, others: Iterable[str]) -> bool:
    """Whether one of the others covers whatever a pattern covers. Unreadable where only the engine can tell.

    For a wildcard stand what it may stand for at its least and at its most: nothing, and characters that no name has.
    """
    others = tuple(others)
    if pattern in others or "*" in others:
        return True
    if not is_pattern(pattern):
        return matches_any(others, pattern)
    expressions = [other for other in others if is_expression(other)]
    if not is_expression(pattern):
        most = max((len(other) for other in others), default=0) + 1
        least = [pattern.replace("?", "\0").replace("*", more) for more in ("", "\0" * most)]
        if any(all(covers(other, one) for one in least) for other in others if other not in expressions):
            return True
        if not expressions:
            return False
    raise Unreadable(f"whether {' or '.join(others)} covers {pattern} is read by Lucene's rules")


def may_match(pattern: str, name: str) -> bool:
    """As `matches`; what only the engine can tell may."""
    try:
        return matches(pattern, name)
    except Unreadable:
        return True


def certainly_beyond(pattern: str, others: Iterable[str]) -> bool:
    """Whether a pattern covers something that none of the others does, as far as that can be told."""
    try:
        return not within(pattern, others)
    except Unreadable:
        return False


def is_expression(name: str) -> bool:
    return len(name) > 1 and name[0] == name[-1] == "/"


@lru_cache(maxsize=4096)
def _expression(text: str) -> re.Pattern[str]:
    if _LUCENE_ONLY & set(text) or "\\" in text or not _SIMPLE.fullmatch(text) or _repetitions(text) > 3:
        raise Unreadable(f"/{text}/ is read by Lucene's rules, which only the engine knows")
    try:
        return re.compile(text, re.DOTALL)  # to Lucene a dot is every character
    except re.error:
        raise Unreadable(f"/{text}/ is no regular expression that can be read here") from None


def _closes_last(text: str) -> bool:
    """Whether the bracket that opens a text is closed by its last character."""
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth == 0:
            return place == len(text) - 1
    return False


def _repetitions(text: str) -> int:
    return sum(text.count(sign) for sign in "*+")


def covers(pattern: str, name: str) -> bool:
    """`*` any characters, `?` exactly one, a backslash takes the next one as it is. Linear: one place to go back to is enough."""
    plain = _beginning(pattern)
    if plain is not None:  # as most are: a name, or how names begin
        return name.startswith(plain) if len(plain) < len(pattern) else name == plain
    parts = _tokens(pattern)
    at = seen = 0
    star, came_from = -1, 0
    while seen < len(name):
        if at < len(parts) and parts[at] == ("any", ""):
            star, came_from = at, seen
            at += 1
        elif at < len(parts) and (parts[at] == ("one", "") or parts[at] == ("is", name[seen])):
            at, seen = at + 1, seen + 1
        elif star >= 0:
            came_from += 1
            at, seen = star + 1, came_from
        else:
            return False
    return all(part == ("any", "") for part in parts[at:])


@lru_cache(maxsize=4096)
def _beginning(pattern: str) -> str | None:
    """The pattern without the star at its end; None if it has other signs."""
    plain = pattern.removesuffix("*")
    return None if {"*", "?", "\\"} & set(plain) else plain


@lru_cache(maxsize=4096)
def _tokens(pattern: str) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            found.append(("is", next(characters, "\\")))
        elif character == "*":
            found.append(("any", ""))
        elif character == "?":
            found.append(("one", ""))
        else:
            found.append(("is", character))
    return tuple(found)
