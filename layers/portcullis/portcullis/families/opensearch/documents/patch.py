"""Steps turned into collection PATCHes, and a pure model of what the engine does with one.

The model is checked against real nodes in tests/families/opensearch/test_patch_on_node.py. What was seen there:
- `test` is refused; `replace` of something absent, an index beyond the end of a list, and anything within something absent refuse
  the whole patch; `remove` of an absent key does nothing.
- A patch works on the stored form, in which an empty list is absent, though a GET shows it: nothing can be appended to it.
- The mapping of an absent role may only be removed whole; a changed mapping that names none of the lists is refused.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from portcullis.access.actual import Actual, Json, Write
from portcullis.access.plan import Operation, Plan, Step
from portcullis.errors import BadInput, Conflict, Refused
from portcullis.families.opensearch.documents.compare import differing
from portcullis.families.opensearch.documents.config import MAPPING_LISTS, SHOWN_ONLY, Kind, SecurityConfig

# Put into a list at its expected end and taken out again in the same patch: nobody ever sees it.
_GUARD = "portcullis-length-guard"


def pointer(*parts: str | int) -> str:
    """A JSON pointer (RFC 6901) to these parts, escaped."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def parts(path: str) -> list[str]:
    """The parts of a JSON pointer, unescaped."""
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def patches(steps: Plan | Sequence[Step], held: Actual, secrets: Mapping[str, Json] | None = None) -> list[Write]:
    """The collection PATCHes for these steps, in the order to send them: as few as the order of the steps allows.

    `held` is what the steps were computed from. An entry is appended with `-`, so nobody else's append is lost. It is removed by
    its index, behind a length guard: if the list became shorter meanwhile, the whole patch is refused and has to be recomputed.
    Where the list or the mapping is empty there is nothing to append to: it is written whole, and what somebody put there since
    it was read is overwritten (no operation of the engine can guard against that).

    `secrets`: name -> {"password": ...} or {"hash": ...} for internal users that are new. BadInput if one is missing.
    """
    ordered = steps.steps if isinstance(steps, Plan) else tuple(steps)
    result: list[Write] = []
    for kind, group in groupby(ordered, key=lambda step: step.claim.kind):
        if kind == Kind.MAPPINGS:
            operations = _mapping_operations(list(group), held)
        else:
            operations = [op for step in group for op in _document_operations(step, secrets or {})]
        result.append(Write(kind, operations))
    return result


def length_guard(role: str, entry_list: str, length: int) -> list[Json]:
    """Operations that do nothing, and refuse their patch if the list of a mapping is shorter than `length` by now."""
    end = pointer(role, entry_list, length)
    return [{"op": "add", "path": end, "value": _GUARD}, {"op": "remove", "path": end}]


def _document_operations(step: Step, secrets: Mapping[str, Json]) -> Iterable[Json]:
    name, path = step.claim.name, pointer(step.claim.name)
    if step.operation is Operation.REMOVE:
        return [{"op": "remove", "path": path}]
    if step.claim.kind == Kind.USERS and step.operation is Operation.REPLACE:
        # Field by field: a whole document without its password would have to bring a new one.
        return [
            _field_operation(path, name, step.before.get(field), step.after.get(field), field)
            for field in differing(step.before, step.after)
        ]
    value = dict(step.after)
    if step.claim.kind == Kind.USERS:
        if name not in secrets:
            raise BadInput(f"internal user {name} is new and has no password", remedy="give it one")
        value |= secrets[name]
    return [{"op": step.operation.value, "path": path, "value": value}]


def _field_operation(path: str, name: str, before: Any, after: Any, field: str) -> Json:
    target = path + pointer(field)
    if after is not None:
        return {"op": "add", "path": target, "value": after}
    if isinstance(before, list | dict):
        return {"op": "add", "path": target, "value": type(before)()}
    return {"op": "remove", "path": target}


def _mapping_operations(steps: list[Step], held: Actual) -> list[Json]:
    operations: list[Json] = []
    for role, group in groupby(sorted(steps, key=lambda s: s.claim.name), key=lambda s: s.claim.name):
        operations.extend(_one_mapping(role, list(group), held))
    return operations


def _one_mapping(role: str, steps: list[Step], held: Actual) -> list[Json]:
    whole = [s for s in steps if not s.claim.entry_list]
    entries = [s for s in steps if s.claim.entry_list]
    if any(s.operation is Operation.REMOVE for s in whole):
        return [{"op": "remove", "path": pointer(role)}]
    if whole:
        value = copy.deepcopy(whole[0].after)
        for step in entries:
            value[step.claim.entry_list].append(step.claim.entry)
        return [{"op": "add", "path": pointer(role), "value": value}]
    operations: list[Json] = []
    for entry_list in MAPPING_LISTS:
        there = held.entries(role, entry_list)
        leaving = {
            s.claim.entry for s in entries if s.claim.entry_list == entry_list and s.operation is Operation.REMOVE
        }
        coming = [s.claim.entry for s in entries if s.claim.entry_list == entry_list and s.operation is Operation.ADD]
        if leaving:
            operations += length_guard(role, entry_list, len(there))
            # From the end, so that an index still means what it meant; an entry held twice is taken out twice.
            operations += [
                {"op": "remove", "path": pointer(role, entry_list, index)}
                for index in reversed(range(len(there)))
                if there[index] in leaving
            ]
        if coming and not there:
            operations.append({"op": "add", "path": pointer(role, entry_list), "value": coming})
        else:
            end = pointer(role, entry_list, "-")
            operations += [{"op": "add", "path": end, "value": entry} for entry in coming]
    return operations


def changed_by_place(write: Write) -> frozenset[str]:
    """The mappings that it changes by the place of their entries.

    An appended entry can overwrite nothing. One that is taken out is taken out by its place in the list, and the engine has no
    operation that would fail if somebody put another one before it: so these mappings have to be read once more, right before.
    """
    if write.kind != Kind.MAPPINGS:
        return frozenset()
    return frozenset(parts(one["path"])[0] for one in write.body if not one["path"].endswith("/-"))


def refuse_if_moved(write: Write, before: Actual, now: Actual) -> None:
    """Conflict if a mapping that the write changes by place is no longer as it was."""
    for role in sorted(changed_by_place(write)):
        if now.get(Kind.MAPPINGS, role) != before.get(Kind.MAPPINGS, role):
            raise Conflict(f"the mapping of {role} changed meanwhile")


def apply_patch(held: Actual, kind: str, operations: Sequence[Json]) -> SecurityConfig:
    """What the engine would hold after this collection PATCH. Pure: `held` is left as it is.

    Conflict where the engine answers 400 because something is no longer where it was; Refused for what it never does: a reserved
    document (403), the mapping of an absent role (404), an operation it does not know (400).
    """
    collection: dict[str, Json] = dict(held.of(kind))
    touched: set[str] = set()
    for operation in operations:
        path = parts(operation["path"])
        if path[0] not in touched and path[0] in collection:
            collection[path[0]] = _as_stored(collection[path[0]])
        touched.add(path[0])
        _apply(collection, path, operation)
    for name in sorted(touched):
        if held.is_fixed(kind, name):
            raise Refused(f"{kind}/{name} is reserved by the engine")
        if kind == Kind.MAPPINGS and name in collection and name not in held.of(Kind.ROLES):
            raise Refused(f"role {name} does not exist, so it cannot be mapped")
        if name not in collection:
            continue
        changed = name not in held.of(kind) or collection[name] != _as_stored(held.of(kind)[name])
        if kind == Kind.MAPPINGS and changed and not collection[name].keys() & set(MAPPING_LISTS):
            raise Refused(f"the mapping of {name} would have none of {', '.join(MAPPING_LISTS)}")
        collection[name] = _as_shown(kind, collection[name], held.of(kind).get(name))
    return SecurityConfig({**held.documents, kind: collection})


def apply_patches(held: Actual, sequence: Iterable[tuple[str, Sequence[Json]]]) -> SecurityConfig:
    """What the engine would hold after all of these."""
    result = SecurityConfig(held.documents)
    for kind, operations in sequence:
        result = apply_patch(result, kind, operations)
    return result


def _apply(target: Any, path: list[str], operation: Json) -> None:
    op = operation["op"]
    if op not in ("add", "replace", "remove"):
        raise Refused(f"unsupported patch operation: {op}")
    for part in path[:-1]:
        target = _child(target, part, operation)
    last = path[-1]
    if isinstance(target, list):
        _apply_to_list(target, last, operation)
    elif not isinstance(target, dict):
        raise Conflict(f"{operation['path']}: there is nothing to put it into")
    elif op == "remove":
        target.pop(last, None)
    elif op == "replace" and last not in target:
        raise Conflict(f"{operation['path']} is not there")
    else:
        target[last] = copy.deepcopy(operation["value"])


def _child(target: Any, part: str, operation: Json) -> Any:
    if isinstance(target, list) and part.isdecimal() and int(part) < len(target):
        return target[int(part)]
    if isinstance(target, dict) and part in target:
        return target[part]
    raise Conflict(f"{operation['path']}: {part} is not there")


def _apply_to_list(target: list[Any], last: str, operation: Json) -> None:
    op = operation["op"]
    if op == "add" and last == "-":
        target.append(copy.deepcopy(operation["value"]))
        return
    if not last.isdecimal():
        raise Conflict(f"{operation['path']}: {last} is no index")
    index = int(last)
    if index > len(target) or (op != "add" and index == len(target)):
        raise Conflict(f"{operation['path']}: index {index} is out of bounds, the list has {len(target)}")
    if op == "remove":
        del target[index]
    elif op == "add":
        target.insert(index, copy.deepcopy(operation["value"]))
    else:
        target[index] = copy.deepcopy(operation["value"])


def _as_stored(document: Json) -> Json:
    return copy.deepcopy({key: value for key, value in document.items() if value != []})


def _as_shown(kind: str, document: Json, before: Json | None) -> Json:
    """As a GET would show it: flags kept, secrets left out, the lists of a mapping all there."""
    shown = {k: v for k, v in document.items() if k not in ("password", "hash")}
    if kind == Kind.MAPPINGS:
        shown |= {entry_list: list(shown.get(entry_list) or ()) for entry_list in MAPPING_LISTS}
    flags = {k: v for k, v in (before or {}).items() if k in SHOWN_ONLY}
    return flags | {k: v for k, v in shown.items() if k not in SHOWN_ONLY}
