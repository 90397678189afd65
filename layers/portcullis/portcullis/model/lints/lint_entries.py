"""The entries of one role together: limits on what is read beside rights to write, and several entries on one index.

Measured on 2.19.3 and 3.4.0 (tests/model/test_fields_and_entries_on_node.py): where several entries of one role cover an index
and set the same kind of limit, 3.x goes by the last of them alone and 2.x joins them, so an upgrade
changes who sees what; an entry without a limit lifts none.
"""

from __future__ import annotations

from collections.abc import Iterator

from portcullis.families.opensearch.documents.config import SecurityConfig
from portcullis.families.opensearch.granting.privileges import allows
from portcullis.model import names
from portcullis.model.access_types import IndexPermission
from portcullis.model.lints.findings import Finding, found
from portcullis.model.lints.near import Near
from portcullis.model.parts import Path
from portcullis.model.types import OnDomain

_LIMITS = {"dls": "documents", "fls": "fields", "masked_fields": "masks"}
_UPDATE = "indices:data/write/update"
_WRITES = ("indices:data/write/index", "indices:data/write/delete")
_READS = ("indices:data/read/search", "indices:data/read/get")


def entries(
    deployment: OnDomain, path: Path, role: str, permissions: tuple[IndexPermission, ...], groups: SecurityConfig
) -> Iterator[Finding]:
    """`groups` are the action groups that there are."""
    limited = [(i, entry) for i, entry in enumerate(permissions) if _limits(entry)]
    near = Near((pattern, i) for i, entry in enumerate(permissions) for pattern in entry.index_patterns)
    around = {i: sorted(near.to(entry.index_patterns)) for i, entry in limited}
    for i, entry in limited:
        here = [permissions[j] for j in around[i] if j == i or _shared(entry, permissions[j])]
        if _any_allows(groups, here, _WRITES):
            yield found(
                deployment,
                "limits-and-writes",
                (*path, i),
                f"{role} sees only a part of {entry.index_patterns[0]}, and may overwrite and delete all of it: limits are for reading",
                "indices of its own for what it may write, or a right to read alone",
            )
        if _any_allows(groups, here, (_UPDATE,)):
            yield found(
                deployment,
                "update-refused",
                (*path, i),
                f"on {entry.index_patterns[0]} the engine refuses every update by {role}, in bulk too: it sees only a part",
                "write whole documents, or no limit on the index",
            )
    for i, j in sorted({(min(i, j), max(i, j)) for i, others in around.items() for j in others if i != j}):
        one, other = permissions[i], permissions[j]
        if not (shared := _shared(one, other)):
            continue
        for limit, what in _LIMITS.items():
            a, b = getattr(one, limit), getattr(other, limit)
            if a and b and a != b:
                how = (
                    "both count"
                    if _everything(one) != _everything(other)
                    else "OpenSearch from 3.0 on goes by the later one alone, up to 2.x it joins both"
                )
                yield found(
                    deployment,
                    "entries-of-one-role",
                    (*path, j),
                    f"two entries of {role} limit the {what} of {shared} differently: {how}",
                    "one entry for these indices",
                )
            elif bool(a) != bool(b) and _any_allows(groups, [other if a else one], _READS):
                yield found(
                    deployment,
                    "entries-of-one-role",
                    (*path, j),
                    f"entry {(i if a else j) + 1} of {role} limits the {what} of {shared}, "
                    f"and that holds for entry {(j if a else i) + 1}, which sets no such limit, too",
                    "index patterns that have nothing in common, or the same limit in both",
                )


def _limits(entry: IndexPermission) -> bool:
    return any(getattr(entry, limit) for limit in _LIMITS)


def _everything(entry: IndexPermission) -> bool:
    return "*" in entry.index_patterns


def _shared(one: IndexPermission, other: IndexPermission) -> str:
    """The narrower of two patterns that can cover the same index; empty if none do."""
    return names.narrower(one.index_patterns, other.index_patterns)


def _any_allows(groups: SecurityConfig, permissions: list[IndexPermission], actions: tuple[str, ...]) -> bool:
    return any(allows(groups, entry.allowed_actions, action) for entry in permissions for action in actions)
