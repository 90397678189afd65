"""Many roles and many of their mappings, sent so that the engine takes seconds and not minutes. Pure.

For every mapping that a PATCH touches, the engine reads all roles anew: measured on 2.19.3, 1,000 mappings took 132 s beside 1,800
roles as people write them, 13 s beside 1,000 empty ones, and least beside few. So a mapping is sent while there are as few roles as
can be, and those empty:

- new roles are made empty, a few hundred at a time, mapped, and taken away again for the next few hundred; in the end all are made
  whole. An empty role and a mapping without its role both give nobody anything; cut off in between, the next run makes the roles that
  are missing and fills those that differ, as ever.
- of roles that go, the mappings are removed after the roles and not before.

And no PATCH changes more mappings than the engine checks within a time-out, whatever roles there are; nor is any larger than a request
to Amazon's smaller instances may be (10 MiB, by its quotas), as long as one document fits into that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise

from portcullis.access.actual import Json, Write
from portcullis.families.opensearch.documents.config import Kind
from portcullis.families.opensearch.documents.patch import parts

_WORTH_IT = 20_000  # roles times touched mappings: below that, one more PATCH costs more than it saves
_AT_ONCE = 250  # mappings of one PATCH: fewer cost more in writes than they save
_LARGEST = 8 * 1024 * 1024  # bytes of one PATCH
_EMPTY: Json = {"cluster_permissions": [], "index_permissions": [], "tenant_permissions": []}


def quickest(sequence: Sequence[Write]) -> Sequence[Write]:
    """Sequence[Write] of the same end, in the order in which the engine is done soonest; the same ones where few are touched."""
    return _small_enough(_a_few_hundred(_roles_go_first(_with_shells(sequence))))


def _with_shells(sequence: Sequence[Write]) -> Sequence[Write]:
    place = _next(sequence, Kind.ROLES, 0)
    mappings = _next(sequence, Kind.MAPPINGS, place + 1)
    if place < 0 or mappings < 0:
        return sequence
    roles = {_name(op): op for op in sequence[place][1] if op["op"] == "add" and _is_whole(op)}
    changes = _by_name(sequence[mappings][1])
    if len(roles) * len(changes) < _WORTH_IT:
        return sequence
    order = sorted(changes, key=lambda name: name in roles)  # what is there already first, while there are fewest roles
    sent: list[Write] = list(sequence[:place])
    others = [op for op in sequence[place][1] if _name(op) not in roles]
    between, shells = sequence[place + 1 : mappings], list[Json]()
    for some in _portions(order):
        served = [{"op": "remove", "path": shell["path"]} for shell in shells]
        shells = [{**roles[name], "value": _EMPTY} for name in some if name in roles]
        sent += [
            Write(Kind.ROLES, [*others, *served, *shells]),
            *between,
            Write(Kind.MAPPINGS, [op for name in some for op in changes[name]]),
        ]
        others, between = [], []
    whole = list(roles.values())  # `add` puts a document in the place of the last shells, too
    return [patch for patch in (*sent, Write(Kind.ROLES, whole), *sequence[mappings + 1 :]) if patch[1]]


def _roles_go_first(sequence: Sequence[Write]) -> Sequence[Write]:
    for place, ((kind, operations), (later, removals)) in enumerate(pairwise(sequence)):
        if kind != Kind.MAPPINGS or later != Kind.ROLES:
            continue
        leaving = {_name(op) for op in removals if op["op"] == "remove" and _is_whole(op)}
        of_them = [op for op in operations if _name(op) in leaving]
        # The engine takes no other change to the mapping of a role that is gone than its removal.
        removable = all(op["op"] == "remove" and _is_whole(op) for op in of_them)
        if removable and len(leaving) * len(of_them) >= _WORTH_IT:
            rest = [op for op in operations if _name(op) not in leaving]
            swapped = [Write(kind, rest), Write(later, removals), Write(kind, of_them)]
            return [*sequence[:place], *(patch for patch in swapped if patch[1]), *sequence[place + 2 :]]
    return sequence


def _a_few_hundred(sequence: Sequence[Write]) -> Sequence[Write]:
    """Mappings in portions, but for those that are removed: their roles are gone by then, or there are not so many."""
    sent: list[Write] = []
    for kind, operations in sequence:
        if kind != Kind.MAPPINGS or all(op["op"] == "remove" and _is_whole(op) for op in operations):
            sent.append(Write(kind, operations))
            continue
        changes = _by_name(operations)
        sent += [Write(kind, [op for name in some for op in changes[name]]) for some in _portions(list(changes))]
    return sent


def _small_enough(sequence: Sequence[Write]) -> Sequence[Write]:
    """Those that are too large in portions: all of a document in one of them."""
    return [Write(kind, part) for kind, operations in sequence for part in _of_size(operations)]


def _of_size(operations: Sequence[Json]) -> Iterator[Sequence[Json]]:
    if _size(operations) <= _LARGEST:
        yield operations
        return
    part, taken = list[Json](), 0
    for changes in _by_name(operations).values():
        if part and taken + _size(changes) > _LARGEST:
            yield part
            part, taken = [], 0
        part += changes
        taken += _size(changes)
    yield part


def _size(operations: Sequence[Json]) -> int:
    """Bytes at most: every character that is not ASCII is written as six or twelve."""
    return len(json.dumps(operations))


def _portions(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[start : start + _AT_ONCE] for start in range(0, len(names), _AT_ONCE))


def _by_name(operations: Sequence[Json]) -> dict[str, list[Json]]:
    named: dict[str, list[Json]] = {}
    for op in operations:
        named.setdefault(_name(op), []).append(op)
    return named


def _next(sequence: Sequence[Write], kind: str, start: int) -> int:
    """The place of the next patch of a kind, or -1."""
    return next((place for place in range(start, len(sequence)) if sequence[place][0] == kind), -1)


def _name(operation: Json) -> str:
    return parts(operation["path"])[0]


def _is_whole(operation: Json) -> bool:
    """Whether it makes, replaces or removes a whole document."""
    return len(parts(operation["path"])) == 1
