"""Names over there that are told by the same: of many indices few have to be asked about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence

from portcullis.access.questions.answers import Far
from portcullis.families.elasticsearch.deciding.compiled import Compiled
from portcullis.families.elasticsearch.deciding.over_one_remote import as_role, sent_of
from portcullis.families.elasticsearch.deciding.remote import API_KEY, KEY
from portcullis.families.elasticsearch.granting.merging import Group, holding, is_restricted
from portcullis.families.elasticsearch.known.names import Unreadable, fitting
from portcullis.families.elasticsearch.known.release import Release


def kinds(here: Compiled, roles: frozenset[str], names: Iterable[str]) -> Mapping[str, Hashable]:
    """`ALIAS:NAME` -> by what it is told to whoever has these roles: the entries of both sides that cover it. What is not known to be a
    plain index over there is told by its name alone."""
    found: dict[str, Hashable] = {}
    of: dict[str, list[str]] = defaultdict(list)
    for name in names:
        alias, _, index = name.partition(":")
        if index in _plain(here, alias):
            of[alias].append(index)
        else:
            found[name] = name
    for alias, indices in of.items():
        bits = [0] * len(indices)
        try:
            for place, group in enumerate(_sides(here, roles, (here.there.remotes or {})[alias])):
                for at in fitting(group.names, indices):
                    bits[at] |= 1 << place
        except Unreadable:
            found |= {f"{alias}:{index}": f"{alias}:{index}" for index in indices}
            continue
        found |= {f"{alias}:{index}": (alias, covered) for index, covered in zip(indices, bits, strict=True)}
    return found


def alike(here: Compiled, ways: Sequence[frozenset[str]], names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The names by groups: whoever has any of these sets of roles is told the same of all of a group, but for the name."""
    told = [kinds(here, roles, names) for roles in ways]
    groups: dict[Hashable, list[str]] = {}
    for name in names:
        groups.setdefault(tuple(one[name] for one in told), []).append(name)
    return tuple(map(tuple, groups.values()))


def _plain(here: Compiled, alias: str) -> frozenset[str]:
    """Indices that are known to be there and by no other name."""
    if alias not in here.plain:
        far = (here.there.remotes or {}).get(alias)
        here.plain[alias] = _plain_of(far) if far else frozenset()
    return here.plain[alias]


def _plain_of(far: Far) -> frozenset[str]:
    there = far.there
    behind = {one for of in there.streams.values() for one in of}
    other = {*there.hidden, *(there.aliases or ()), *there.streams, *behind}
    return frozenset(one for one in there.indices or () if one not in other and not is_restricted(one))


def _sides(here: Compiled, roles: frozenset[str], far: Far) -> tuple[Group, ...]:
    """The entries of both sides by which a name is told."""
    if (roles, far.alias) not in here.sides:
        release, held = Release.of(far.release) if far.release else here.release, here.roles
        if far.model == API_KEY:
            sent = sent_of(held, sorted(roles), far.alias, here.release)
            key = holding({KEY: as_role(far.access or {})}, [KEY], release)
            here.sides[roles, far.alias] = (*holding(sent, list(sent), release).groups, *key.groups)
        else:
            here.sides[roles, far.alias] = holding(far.roles or {}, sorted(roles), release).groups
    return here.sides[roles, far.alias]
