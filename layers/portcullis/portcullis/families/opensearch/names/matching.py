"""The engine's matcher, with a bound: `*` and `?` are wildcards, `/…/` is a regular expression, anything else is itself.

An engine reads expressions as Java does, by trying one way after another: one made by a person may take for ever, on a name that fits
nearly. Here they are put to RE2, whose time grows with the length of the name and no faster. RE2 does not know all of Java's language,
and means something else by a part of it: an expression is put to it only if every sign in it is known to mean the same to both. Of any
other nobody here can tell whom it fits: that is said (`unknown`), and never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from portcullis.families.opensearch.names.java_regex import why_not

_LONGEST = 4000  # characters of an expression
_MEMORY = 4 << 20  # bytes that RE2 may use for one expression
# Where a line ends, to Java: `.`, `^` and `$` mind each of these, to RE2 only the first. And one that only Java counts as white space.
_LINES = re.compile("[\n\r\x85\u2028\u2029\x0b]")
_SIGNS = set(r"\[](){}*+?|.^$")
_LETTERS = set("dDwWsStnrf")  # after a backslash
_ANCHORS = set("Az")  # the same, but no part of [a class]
_COUNT = re.compile(r"\{\d{1,4}(?:,\d{0,4})?\}")
_GROUP = re.compile(r"\((?:\?(?:<[A-Za-z][A-Za-z0-9]*>|[is]*(?:-[is]+)?:))?")
_FLAGS = re.compile(r"\(\?[is]+(?:-[is]+)?\)|\(\?-[is]+\)")


class _Differs(Exception):
    """Java means something else by it, or nothing at all, or that is not known."""


def is_expression(pattern: str) -> bool:
    """Whether the engine reads it as a /regular expression/."""
    return len(pattern) > 1 and pattern.startswith("/") and pattern.endswith("/")


def is_pattern(entry: str) -> bool:
    """Whether the engine takes it for more than one name."""
    return "*" in entry or "?" in entry or is_expression(entry)


def matches(pattern: str, value: str) -> bool:
    """Whether the engine lets `value` pass for the pattern. False where that is unknown."""
    return match(pattern, value) is True


def matches_any(patterns: Iterable[str], value: str) -> bool:
    return any(matches(pattern, value) for pattern in patterns)


def match(pattern: str, value: str) -> bool | None:
    """As `matches`; None if only the engine knows."""
    if is_expression(pattern):
        expression = _expression(pattern[1:-1])
        if expression is None or _LINES.search(value):
            return None
        if not value.isascii() and "(?" in pattern and _ignores_case(pattern):
            return None  # Java folds the case of ASCII only, RE2 that of every alphabet
        try:
            return expression.fits(value)
        except UnicodeEncodeError:  # half a character
            return None
    if "*" in pattern or "?" in pattern:
        return wildcard(pattern).fullmatch(value) is not None
    return pattern == value


def unknown(pattern: str) -> bool:
    """Whether only the engine knows whom this pattern fits."""
    return is_expression(pattern) and _expression(pattern[1:-1]) is None


def _ignores_case(pattern: str) -> bool:
    return any("i" in found[0].partition("-")[0] for found in re.finditer(r"\(\?[a-z-]+[:)]", pattern))


@lru_cache(maxsize=4096)
def wildcard(pattern: str, *, question: bool = True) -> re.Pattern[str]:
    """Each part at its first place after the one before, never to be thought over: (?>…) gives nothing back.

    `question`: whether `?` is a wildcard, too, as it is in a role and not in a request.
    """
    first, *rest = (
        "".join("." if c == "?" and question else re.escape(c) for c in part) for part in re.split(r"\*+", pattern)
    )
    if rest:
        *middle, last = rest
        first += "".join(f"(?>.*?{part})" for part in middle) + f".*{last}"
    return re.compile(first, re.DOTALL)


class _Expression(NamedTuple):
    """As RE2 has it. `ahead`: what has to follow at the beginning of a name, or must not."""

    ahead: tuple[tuple[bool, Any], ...]
    rest: Any

    def fits(self, value: str) -> bool:
        return (
            all((found.match(value) is not None) is wanted for wanted, found in self.ahead)
            and self.rest.fullmatch(value) is not None
        )


@lru_cache(maxsize=4096)
def _expression(java: str) -> _Expression | None:
    """None if it cannot be put to RE2, or if Java does not compile it: of names that two groups have RE2 minds nothing."""
    if len(java) > _LONGEST or why_not(java):
        return None
    import re2  # only who meets an expression pays for it

    options = re2.Options()
    options.log_errors, options.max_mem, options.never_capture = False, _MEMORY, True
    try:
        ahead, rest = _ahead(java)
        for part in (*(part for _, part in ahead), rest):
            for _ in _read(part):
                pass
        looks = tuple((wanted, re2.compile(part, options)) for wanted, part in ahead)
        return _Expression(looks, re2.compile(rest, options))
    except (_Differs, re2.error, UnicodeEncodeError):
        return None


def _ahead(java: str) -> tuple[list[tuple[bool, str]], str]:
    """What an expression begins with that looks ahead, and the rest. Elsewhere, or where the rest has another way beside it, RE2 has no
    word for it: raises _Differs, or leaves it in the rest, which does."""
    found, at = list[tuple[bool, str]](), int(java.startswith("^"))
    while java.startswith(("(?=", "(?!"), at):
        end = _next(")", java, at + 1)
        if end < 0:
            raise _Differs
        found.append((java[at + 2] == "=", java[at + 3 : end]))
        at = end + 1
    if not found:
        return [], java
    rest = java[at:]
    other_ways, flags = _next("|", rest, 0) >= 0, any(map(_FLAGS.search, (rest, *(part for _, part in found))))
    if other_ways or flags or rest.startswith(("*", "+", "?", "{")):
        raise _Differs
    return found, rest


def _next(sign: str, java: str, at: int) -> int:
    """Where it stands next outside of every group and class; -1: nowhere."""
    depth = 0
    while at < len(java):
        here = java[at]
        if here == sign and not depth:
            return at
        if here == "\\":
            at += 1
        elif here == "[":
            at += len(_class(java, at)) - 1
        elif here in "()":
            depth += 1 if here == "(" else -1
        at += 1
    return -1


def _read(java: str) -> Iterator[str]:
    """The signs of an expression, one after another. Raises _Differs at the first that is not known to mean the same to both."""
    if not java.isascii() and _ignores_case(f"/{java}/"):
        raise _Differs
    at, repeatable = 0, False
    while at < len(java):
        sign = java[at]
        if sign == "\\":
            found = _escaped(java, at, _LETTERS | _ANCHORS)
            once = found[1] in _ANCHORS
        elif sign == "[":
            found, once = _class(java, at), False
        elif sign == "(":
            if flags := _FLAGS.match(java, at):
                yield flags[0]
                at, repeatable = flags.end(), False
                continue
            group = _GROUP.match(java, at)
            if group is None or (java.startswith("(?", at) and group.end() == at + 1):
                raise _Differs
            yield group[0]
            at, repeatable = group.end(), False
            continue
        elif sign in "*+?{":
            count = _COUNT.match(java, at)
            if not repeatable or (sign == "{" and count is None):
                raise _Differs
            found, once = count[0] if count else sign, True
            if java.startswith("?", at + len(found)):  # as little as possible: the same names in the end
                found += "?"
        elif sign in "]}":
            raise _Differs
        else:
            found, once = sign, sign in "|^$"
        yield found
        at, repeatable = at + len(found), not once


def _escaped(java: str, at: int, letters: set[str]) -> str:
    """What stands after a backslash, with it."""
    after = java[at + 1 : at + 2]
    if after in letters or after in _SIGNS or (after.isascii() and not after.isalnum() and after):
        return java[at : at + 2]
    if found := re.compile(r"\\x[0-9A-Fa-f]{2}").match(java, at):
        return found[0]
    raise _Differs


def _class(java: str, at: int) -> str:
    """[a class], whole. Of its members only what is the same however it is read: `&&` and `[` within mean more to Java."""
    start, at = at, at + 1 + java.startswith("^", at + 1)
    before = ""  # the member that a hyphen would make the beginning of a range
    first = True
    while not java.startswith("]", at) or first:
        sign = java[at : at + 1]
        if not sign or sign in "[]&":
            raise _Differs
        if sign == "-" and not first and not java.startswith("]", at + 1):
            until = _member(java, at + 1)
            if len(before) != 1 or len(until) != 1 or before > until or until in "-^":
                raise _Differs
            at, before = at + 1 + len(until), "range"
        else:
            found = _member(java, at)
            at, before = at + len(found), found if found != "-" else ""
        first = False
    return java[start : at + 1]


def _member(java: str, at: int) -> str:
    if java.startswith("\\", at):
        return _escaped(java, at, _LETTERS)
    sign = java[at : at + 1]
    if not sign or sign in "[]&":
        raise _Differs
    return sign
