"""Which indices are alike to a caller: a question about many indices is asked of one of each kind."""

from __future__ import annotations

from collections.abc import Iterable

from portcullis.access.terms import Caller
from portcullis.families.opensearch.deciding.compiled import Compiled
from portcullis.families.opensearch.limiting.limits import rendered


def alike(compiled: Compiled, caller: Caller, indices: Iterable[str]) -> list[tuple[str, ...]]:
    """The indices, those together that no pattern of the caller's roles tells apart: neither by their own names nor by those of their
    aliases and data streams. What may be done and seen is the same for all of a group."""
    names, who = compiled.names, compiled.who(caller)
    patterns = {pattern for role in who.roles for entry in role.entries for pattern in entry.written}
    apart = {names.fitting(rendered(who, pattern, names)) for pattern in patterns}
    named = 0
    for bits in apart:
        named |= bits
    groups = {at: members for at, members in names.members.items() if named >> at & 1}
    kinds = [names.of(indices)]
    for bits in (names.hidden, names.prefixed("."), *apart, *groups.values()):
        kinds = [kind for one in kinds for kind in (one & bits, one & ~bits) if kind]
    return [tuple(names.names(kind)) for kind in kinds]
