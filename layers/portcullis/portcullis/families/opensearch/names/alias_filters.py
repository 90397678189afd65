"""Through which aliases a request reaches an index, and what their filters leave of it."""

from __future__ import annotations

from collections.abc import Iterable

from portcullis.families.opensearch.names.dates import resolved
from portcullis.families.opensearch.names.world import Names


def filters_of(names: Names, index: str, written: Iterable[str]) -> tuple[str, ...]:
    """The filters of the aliases through which a request reaches an index, OR-ed. Empty: it reaches all of it.

    One that is named itself, by its name or by a wildcard, or by an alias without a filter, has none.
    """
    filters = names.world.filters
    if not filters or index not in names.place:
        return ()
    named = _named(names, written)
    aliases = [one for one in names.parents(index) if named >> names.place[one] & 1]
    found = [filters.get(one, {}).get(index, "") for one in aliases]
    whole = named >> names.place[index] & 1 or not all(found)
    return () if whole else tuple(dict.fromkeys(found))


def _named(names: Names, written: Iterable[str]) -> int:
    """What is left of the names in a request, wildcards written out to whatever they fit: also to aliases."""
    found, wild = 0, False
    for one in [resolved(name, names.world.now) for name in written] or ["_all"]:
        out = one.startswith("-") and wild
        name = "*" if one[out:] == "_all" else one[out:]
        wild = wild or "*" in name
        meant = names.simple(name) if "*" in name else names.of((name,))
        found = found & ~meant if out else found | meant
    return found
