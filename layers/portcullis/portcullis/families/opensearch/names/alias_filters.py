"""Through which aliases a request reaches an index, and what their filters leave of it."""

from __future__ import annotations

from collections.abc import Iterable

from portcullis.families.opensearch.names.dates import resolved
from portcullis.families.opensearch.names.world import Names, is_everything


def filters_of(names: Names, index: str, named: int) -> tuple[str, ...]:
    """The filters of the aliases through which a request of these names (`named_by`) reaches an index, OR-ed. Empty: it reaches all of it.

    One that is named itself, by its name or by a wildcard, or by an alias without a filter, has none.
    """
    filters = names.world.filters
    found = [filters.get(one, {}).get(index, "") for one in by_aliases_alone(names, index, named)]
    return tuple(dict.fromkeys(found)) if all(found) else ()


def by_aliases_alone(names: Names, index: str, named: int) -> tuple[str, ...]:
    """The aliases through which a request of these names (`named_by`) reaches an index that is none of them."""
    at = names.place.get(index)
    if at is None or named >> at & 1:
        return ()
    return tuple(one for one in names.parents(index) if one in names.world.aliases and named >> names.place[one] & 1)


def named_by(names: Names, written: Iterable[str]) -> int:
    """What is left of the names in a request, wildcards written out to whatever they fit: also to aliases, and to no hidden index whatever
    the request says of these (expand_wildcards), so that one which an alias shows besides is shown by its filter (2.19.3 and 3.4.0)."""
    asked = [resolved(name, names.world.now) for name in written]
    if is_everything(asked):
        return names.prefixed("")
    found, wild = 0, False
    for one in asked:
        out = one.startswith("-") and wild
        name = "*" if one[out:] == "_all" else one[out:]
        wild = wild or "*" in name
        meant = names.shown(name) if "*" in name else names.of((name,))
        found = found & ~meant if out else found | meant
    return found
