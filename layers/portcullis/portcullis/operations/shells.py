"""Many new roles and many of their mappings, sent so that the engine takes seconds and not minutes. Pure.

For every mapping that a PATCH touches, the engine reads all roles anew: measured on 2.19.3, 1,000 mappings took 132 s beside 1,800
roles as people write them, and 13 s beside 1,000 empty ones. So new roles are made empty, mapped, and filled last; and a few hundred at
a time, so that the first are mapped while there are few, and no request lasts as long as its time-out. An empty role gives nobody
anything; cut off in between, the next run fills it as it mends any role of ours that differs.
"""

from __future__ import annotations

from collections.abc import Sequence

from portcullis.access.config import Json, Kind
from portcullis.access.patch import parts

_WORTH_IT = 20_000  # new roles times touched mappings: below that, one more PATCH costs more than it saves
_AT_ONCE = 250  # mapped in one PATCH: fewer cost more in writes than they save
_EMPTY: Json = {"cluster_permissions": [], "index_permissions": [], "tenant_permissions": []}

Patches = Sequence[tuple[Kind, Sequence[Json]]]


def with_shells(sequence: Patches) -> Patches:
    """The same patches, or, where it is worth it, ones of the same end that make new roles empty first."""
    place = next((i for i, (kind, _) in enumerate(sequence) if kind is Kind.ROLES), None)
    if place is None:
        return sequence
    mappings = next((i for i, (kind, _) in enumerate(sequence) if kind is Kind.MAPPINGS and i > place), None)
    if mappings is None:
        return sequence
    roles = {parts(op["path"])[0]: op for op in sequence[place][1] if _makes(op)}
    changes: dict[str, list[Json]] = {}
    for op in sequence[mappings][1]:
        changes.setdefault(parts(op["path"])[0], []).append(op)
    if len(roles) * len(changes) < _WORTH_IT:
        return sequence
    order = sorted(changes, key=lambda name: name in roles)  # what is there already first, while there are fewest roles
    sent: list[tuple[Kind, Sequence[Json]]] = list(sequence[:place])
    others, between = [op for op in sequence[place][1] if not _makes(op)], sequence[place + 1 : mappings]
    for some in (order[start : start + _AT_ONCE] for start in range(0, len(order), _AT_ONCE)):
        shells = [{**roles[name], "value": _EMPTY} for name in some if name in roles]
        sent += [
            (Kind.ROLES, others + shells),
            *between,
            (Kind.MAPPINGS, [op for name in some for op in changes[name]]),
        ]
        others, between = [], []
    full = [{**op, "op": "replace"} if name in changes else op for name, op in roles.items()]
    return [patch for patch in (*sent, (Kind.ROLES, full), *sequence[mappings + 1 :]) if patch[1]]


def _makes(operation: Json) -> bool:
    """Whether it makes a whole document."""
    return operation["op"] == "add" and len(parts(operation["path"])) == 1
