"""A change undone, as patches: the mirror image of what it touched.

Documents come back as they were. An entry that was removed comes back where it stood, one that was added goes, and what others did
to the same list in between stays.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from portcullis.access.actual import Actual, Json, Write
from portcullis.access.plan import OPPOSITE, AppliedStep, Operation, Step
from portcullis.families.opensearch.documents.config import MAPPING_LISTS, Kind
from portcullis.families.opensearch.documents.patch import length_guard, patches, pointer


def undoing(touched: Sequence[AppliedStep], held: Actual, secrets: Mapping[str, Json] | None = None) -> list[Write]:
    """The collection PATCHes that undo it, in the order to send them."""
    result: list[Write] = []
    for kind, group in groupby(reversed(touched), key=lambda one: one.kind):
        some = list(group)
        if kind == Kind.MAPPINGS:
            operations = [op for role in dict.fromkeys(one.name for one in some) for op in _mapping(role, some, held)]
        else:
            steps = [_step(one) for one in some]
            operations = [op for _, ops in patches(steps, held, secrets) for op in ops]
        if operations:
            result.append(Write(kind, operations))
    return result


def _step(one: AppliedStep) -> Step:
    return Step(Operation(OPPOSITE[one.operation]), one.claim, one.after, one.before, "rolled back")


def _is_mapping(one: AppliedStep) -> bool:
    return one.kind == Kind.MAPPINGS and not one.entry_list


def _mapping(role: str, touched: Sequence[AppliedStep], held: Actual) -> list[Json]:
    some = [one for one in touched if one.name == role]
    whole = next((one for one in some if _is_mapping(one)), None)
    if whole is not None and whole.before is not None:
        return [{"op": "add", "path": pointer(role), "value": _with_entries(whole.before, some)}]
    ours = {(one.entry_list, one.entry) for one in some if one.entry_list}
    if whole is not None and all(
        (entry_list, entry) in ours for entry_list in MAPPING_LISTS for entry in held.entries(role, entry_list)
    ):
        return [{"op": "remove", "path": pointer(role)}]
    return [op for entry_list in MAPPING_LISTS for op in _list(role, entry_list, some, held)]


def _with_entries(document: Json, touched: Sequence[AppliedStep]) -> Json:
    """A mapping that comes back whole, with the entries that were taken out of it before it went."""
    value = copy.deepcopy(document)
    for one in sorted((one for one in touched if one.entry_list and one.after is None), key=lambda one: one.places):
        entries = value.setdefault(one.entry_list, [])
        for place in one.places or (len(entries),):
            if one.entry not in entries:
                entries.insert(place, one.entry)
    return value


def _list(role: str, entry_list: str, touched: Sequence[AppliedStep], held: Actual) -> list[Json]:
    there = list(held.entries(role, entry_list))
    leaving = {one.entry for one in touched if one.entry_list == entry_list and one.after is not None}
    coming: list[tuple[int, str]] = sorted(
        (place, one.entry)
        for one in touched
        if one.entry_list == entry_list and one.after is None
        for place in one.places or (len(there),)
    )
    if not leaving and not coming:
        return []
    if not there:  # the engine keeps no empty list: there is none to put an entry into
        return [{"op": "add", "path": pointer(role, entry_list), "value": [entry for _, entry in coming]}]
    operations: list[Any] = length_guard(role, entry_list, len(there))
    for index in reversed(range(len(there))):
        if there[index] in leaving:
            operations.append({"op": "remove", "path": pointer(role, entry_list, index)})
            del there[index]
    for place, entry in coming:
        at = min(place, len(there))
        operations.append({"op": "add", "path": pointer(role, entry_list, at), "value": entry})
        there.insert(at, entry)
    return operations
