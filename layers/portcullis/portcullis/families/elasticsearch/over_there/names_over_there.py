"""Which names of other clusters a question means: those that are there, else names that stand for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from portcullis.access.actual import Json
from portcullis.access.questions.answers import Far
from portcullis.families.elasticsearch.deciding.compiled import Compiled
from portcullis.families.elasticsearch.known.names import is_expression, is_pattern, may_match
from portcullis.families.elasticsearch.over_there.examples import example_of


def names_over_there(here: Compiled, patterns: Iterable[str]) -> tuple[str, ...]:
    """`ALIAS:NAME` of what the patterns mean, in the order of a request: those that there are, else names that stand for them. What only
    the engine can read stays as it is."""
    found: dict[str, None] = {}
    remotes = here.there.remotes or {}
    for pattern in patterns:
        alias, _, index = pattern.removeprefix("-").partition(":")
        meant = [one for one in remotes if may_match(alias, one)]
        if pattern.startswith("-"):
            found = {one: None for one in found if not _taken_out(one, alias, index)}
        elif not meant or not index or ":" in index or index.startswith("-") or is_expression(index):
            found[pattern] = None
        else:
            found |= dict.fromkeys(f"{one}:{name}" for one in meant for name in _meant(here, remotes[one], index))
    return tuple(found)


def _meant(here: Compiled, far: Far, index: str) -> tuple[str, ...]:
    pattern = "*" if index == "_all" else index
    if not is_pattern(pattern):
        return (index,)
    there = [one for one in _known(far) if may_match(pattern, one) and one not in far.there.hidden]
    return tuple(there) or thought_of(here.telling, far, pattern) or (index,)


def _taken_out(name: str, alias: str, index: str) -> bool:
    of, _, rest = name.partition(":")
    return may_match(alias, of) and may_match(index, rest)


def asked_of(alias: str, names: Iterable[str]) -> tuple[str, ...]:
    """What of the names is asked of one remote."""
    split = (name.partition(":") for name in names if ":" in name and not name.startswith("-"))
    return tuple(index for cluster, _, index in split if may_match(cluster, alias))


def _known(far: Far) -> tuple[str, ...]:
    there = far.there
    return tuple(dict.fromkeys((*(there.indices or ()), *(there.aliases or ()), *there.streams)))


def thought_of(roles: Mapping[str, Json], far: Far, pattern: str) -> tuple[str, ...]:
    """Names that fit what is asked of a remote, one for each way in which its key and roles tell such names apart. None where it is known
    which there are. `roles`: of this side."""
    if not is_pattern(pattern):
        there = far.there
        known = pattern in (there.indices or ()) or pattern in (there.aliases or ()) or pattern in there.streams
        return () if there.every or pattern == "_all" or known else (pattern,)
    if any(may_match(pattern, name) for name in _known(far)):
        return ()
    patterns = [name for one in (far.access or {}).get("search") or () for name in _listed(one.get("names"))]
    for role in roles.values():
        patterns += [name for one in role.get("remote_indices") or () for name in _listed(one.get("names"))]
    for role in (far.roles or {}).values():
        patterns += [name for one in role.get("indices") or () for name in _listed(one.get("names"))]
    plain = [one for one in sorted({*patterns}) if not is_expression(one) and "\\" not in one]
    examples = dict.fromkeys(example_of(one) for one in (*plain, pattern))  # the one that nothing tells of comes last
    return tuple(one for one in examples if one and not one.startswith((".", "-")) and may_match(pattern, one))


def _listed(value: str | Iterable[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())
