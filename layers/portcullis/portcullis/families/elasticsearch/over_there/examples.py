"""Names of indices that stand for those that patterns of roles mean, and patterns of which no name can say it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from portcullis.access.actual import Actual
from portcullis.families.crossing import meet
from portcullis.families.elasticsearch.deciding.compiled import NEWEST
from portcullis.families.elasticsearch.documents.config import Kind
from portcullis.families.elasticsearch.granting.merging import Group, holding
from portcullis.families.elasticsearch.known.names import Unreadable, is_expression, matches, within


def example_of(pattern: str) -> str:
    """A name that fits. It says of itself that there is no such index."""
    return re.sub(r"(?<=[^-._*])\*", "-example", pattern).replace("*", "example").replace("?", "x")


def _given(held: Actual) -> Iterator[str]:
    """The roles that somebody may have."""
    for user in held.of(Kind.USERS).values():
        yield from user.get("roles") or ()
    for one in held.of(Kind.MAPPINGS).values():
        yield from one.get("roles") or ()


def plain(held: Actual, *, limited: bool = False) -> Iterator[str]:
    """Patterns of names that are no expressions; `limited`: those of entries with limits alone."""
    for group in _groups(held, dict.fromkeys(_given(held))):
        if not limited or group.queries is not None or group.fields:
            yield from (one for one in group.names if not is_expression(one) and "\\" not in one)


def _groups(held: Actual, roles: Iterable[str]) -> Iterator[Group]:
    for role in roles:
        yield from holding(held.of(Kind.ROLES), (role,), NEWEST).groups


def covered(one: str, other: str) -> bool:
    try:
        return within(one, (other,))
    except Unreadable:
        return False


def unclear(held: Actual, roles: Collection[str], asked: str) -> Iterator[str]:
    """Patterns of these roles of which it cannot be said by examples whether they mean an index of the pattern `asked`."""
    for role in sorted(roles):
        for group in _groups(held, (role,)):
            for pattern in group.names:
                wide = pattern.replace("?", "*")
                if is_expression(pattern) or (wide != pattern and meet(wide, asked, matches)):
                    yield f"{pattern} of {role}"
