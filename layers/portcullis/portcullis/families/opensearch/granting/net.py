"""What somebody may do by all of their roles together, and what of it is new: by action and pattern, whatever role it comes from.

Limits on documents and fields are not looked at here: what is seen of an index, `decide` says.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from portcullis.access.actual import Actual
from portcullis.access.questions.changes import Right
from portcullis.families import crossing
from portcullis.families.crossing import meet
from portcullis.families.opensearch.documents.config import ADMINISTRATOR_ROLES, Kind
from portcullis.families.opensearch.granting.effect import NOTHING, allowed_whole, limits, of_role
from portcullis.families.opensearch.granting.mappings import DIRECT
from portcullis.families.opensearch.granting.privileges import expand
from portcullis.families.opensearch.names.matching import is_expression, matches

_ADMINISTRATION = Right("administration of the domain", administers=True)
_Grounds = Mapping[tuple[str, str], frozenset[str]]  # kind and pattern -> names
_WORDS = {"cluster": "cluster permissions {names}", "tenant": "{names} in tenant {patterns}"}


def more(before: Actual, had: Collection[str], after: Actual, has: Collection[str]) -> tuple[Right, ...]:
    """What the roles `has` allow of what the engine holds `after`, and the roles `had` did not."""
    found: defaultdict[tuple[str, frozenset[str]], list[str]] = defaultdict(list)
    old, new = _grounds(before, had), _grounds(after, has)
    for (kind, pattern), names in new.items():
        allowed = frozenset(
            action
            for (of, wider), known in old.items()
            if of == kind and allowed_whole(pattern, frozenset({wider}))
            for action in expand(before, known)
        )
        rest = frozenset(n for n in names if not all(allowed_whole(a, allowed) for a in expand(after, {n})))
        if rest:
            found[kind, rest].append(pattern)
    rights = [_right(kind, names, patterns) for (kind, names), patterns in found.items()]
    if set(has) & set(ADMINISTRATOR_ROLES) and not set(had) & set(ADMINISTRATOR_ROLES):
        rights.append(_ADMINISTRATION)
    return tuple(sorted(rights))


def _grounds(held: Actual, roles: Iterable[str]) -> _Grounds:
    found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for role in roles:
        for kind, pattern, _, names in of_role(held.get(Kind.ROLES, role) or {}):
            if fitting := {name for name in names if name != NOTHING}:
                found[kind, pattern].update(fitting)
    return {ground: frozenset(names) for ground, names in found.items()}


def _right(kind: str, names: frozenset[str], patterns: list[str]) -> Right:
    words = _WORDS.get(kind, "{names} on {patterns}")
    said = words.format(names=", ".join(sorted(names)), patterns=", ".join(sorted(patterns)))
    return Right(said, tuple(sorted(patterns)) if kind not in _WORDS else ())


def given(held: Actual) -> frozenset[str]:
    """The roles that somebody may have."""
    direct = (role for user in held.of(Kind.USERS).values() for role in user.get(DIRECT) or ())
    return frozenset((*held.of(Kind.MAPPINGS), *direct))


def crossings(held: Actual, example: Mapping[str, str], also: Collection[str] = ()) -> Iterator[str]:
    """Names that fit a pattern with limits (or one of `also`) and another one, too, where neither is in the other: only there it shows
    what two roles come to together.

    `example`: pattern -> a name that fits it. Of very many pairs the first.
    """
    limited = {
        pattern
        for role in given(held)
        for entry in (held.get(Kind.ROLES, role) or {}).get("index_permissions") or ()
        if limits(entry)
        for pattern in entry.get("index_patterns") or ()
        if pattern in example
    }
    yield from crossing.crossings(
        example, {*limited, *also}, matches, lambda one, other: allowed_whole(one, frozenset({other}))
    )


def unclear(held: Actual, roles: Iterable[str], name: str, asked: str) -> Iterator[str]:
    """Patterns of these roles of which it cannot be said by examples whether they mean an index of the pattern `asked`. `name`: that of
    whoever has the roles, where it is known."""
    for role in sorted(roles):
        for entry in (held.get(Kind.ROLES, role) or {}).get("index_permissions") or ():
            for pattern in entry.get("index_patterns") or ():
                if is_expression(pattern):
                    yield f"{pattern} of {role}"
                    continue
                said = pattern.replace("${user.name}", name).replace("${user_name}", name) if name else pattern
                wide = _OPEN.sub("*", said)
                if wide != pattern and meet(wide, asked, matches):
                    yield f"{pattern} of {role}"


_OPEN = re.compile(r"\$\{[^}]*\}|<.*>|\?")
