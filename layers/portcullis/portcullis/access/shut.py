"""The lock on the role mappings: emptied down to the keepers, and put back byte for byte.

An internal user's `opendistro_security_roles` are roles without a mapping: they are emptied and put back as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from portcullis.access.config import MAPPING_LISTS, Held, Json, Kind
from portcullis.access.guard import Keepers
from portcullis.access.patch import pointer

_DIRECT = "opendistro_security_roles"

_MADE = "made"  # in what is saved: mappings made by the lock, taken away again by its end

# One collection PATCH each, in the order to send them.
Patches = tuple[tuple[Kind, Sequence[Json]], ...]


@dataclass(frozen=True, slots=True)
class Shut:
    """The lock, ready to be done. `saved` is JSON-serialisable and goes into the ledger before the first patch is sent."""

    patches: Patches
    saved: dict[str, Any] = field(default_factory=dict)
    left: tuple[str, ...] = ()  # what the engine reserves, so that it stays open: told


@dataclass(frozen=True, slots=True)
class Reopened:
    """The way back."""

    patches: Patches
    made_while_locked: tuple[str, ...] = ()  # mappings that somebody made meanwhile: left alone, listed
    lost: tuple[str, ...] = ()  # saved mappings whose role is gone: cannot be put back


def shut(held: Held, keep: Keepers) -> Shut:
    """Every mapping emptied but for the keepers (give `Keepers.while_locked()`), who are mapped to what they need if they were not.

    Doing it again on what it left changes nothing: then there are no patches. `saved` holds every mapping as `held` shows it, so
    it must be saved at the first time only.
    """
    entries = {(keeper.entry_list, keeper.entry) for keeper in keep.keepers}
    operations: list[Json] = []
    made: dict[str, Json] = {}  # mappings that only the lock needs
    left: list[str] = []
    needed = {role for keeper in keep.keepers for role in keeper.roles if role in held.of(Kind.ROLES)}
    for role in sorted(held.of(Kind.MAPPINGS).keys() | needed):
        before = held.get(Kind.MAPPINGS, role)
        after = _emptied(role, before or {}, keep, entries)
        if before is not None and all(list(before.get(name) or ()) == after[name] for name in MAPPING_LISTS):
            continue
        if held.is_fixed(Kind.MAPPINGS, role):
            left.append(f"mapping of {role} is reserved by the engine and stays as it is")
        elif before is not None and role not in held.of(Kind.ROLES):
            # Nobody gets anything from it, and the engine refuses a patch that names it.
            left.append(f"mapping of {role} stays as it is: there is no such role")
        else:
            if before is None:
                made[role] = after
            operations.append({"op": "add" if before is None else "replace", "path": pointer(role), "value": after})
    users, reserved_users = _direct_roles(held)
    left += [f"internal user {name} is reserved by the engine and keeps its roles" for name in reserved_users]
    user_operations = [{"op": "add", "path": pointer(name, _DIRECT), "value": []} for name in users]
    saved = {
        Kind.MAPPINGS.value: {role: held.get(Kind.MAPPINGS, role) for role in held.of(Kind.MAPPINGS)},
        Kind.USERS.value: users,
        _MADE: made,
    }
    return Shut(_sendable((Kind.USERS, user_operations), (Kind.MAPPINGS, operations)), saved, tuple(left))


def reopen(saved: Mapping[str, Any], held_now: Held) -> Reopened:
    """Every saved mapping put back as it was, list order and absent fields included; what is as saved already is not written."""
    mappings: Mapping[str, Json] = saved.get(Kind.MAPPINGS.value) or {}
    operations: list[Json] = []
    lost: list[str] = []
    for role, document in mappings.items():
        now = held_now.get(Kind.MAPPINGS, role)
        if now == document or held_now.is_fixed(Kind.MAPPINGS, role):
            continue
        if role not in held_now.of(Kind.ROLES):
            lost.append(f"mapping of {role}: the role is gone, so it cannot be mapped")
        else:
            operations.append({"op": "add" if now is None else "replace", "path": pointer(role), "value": document})
    user_operations: list[Json] = []
    for name, roles in (saved.get(Kind.USERS.value) or {}).items():
        user = held_now.get(Kind.USERS, name)
        if user is None:
            lost.append(f"internal user {name} is gone")
        elif user.get(_DIRECT) != roles:
            user_operations.append({"op": "add", "path": pointer(name, _DIRECT), "value": roles})
    strangers: list[str] = []
    for role in sorted(held_now.of(Kind.MAPPINGS).keys() - mappings.keys()):
        if held_now.get(Kind.MAPPINGS, role) == (saved.get(_MADE) or {}).get(role):
            operations.append({"op": "remove", "path": pointer(role)})
        else:
            strangers.append(role)
    patches = _sendable((Kind.MAPPINGS, operations), (Kind.USERS, user_operations))
    return Reopened(patches, tuple(strangers), tuple(lost))


def _emptied(role: str, before: Json, keep: Keepers, entries: set[tuple[str, str]]) -> Json:
    after: Json = {k: v for k, v in before.items() if k not in MAPPING_LISTS}
    for name in MAPPING_LISTS:
        after[name] = [entry for entry in before.get(name) or () if (name, entry) in entries]
    for keeper in keep.keepers:
        if role in keeper.roles and keeper.entry not in after[keeper.entry_list]:
            after[keeper.entry_list].append(keeper.entry)
    return after


def _direct_roles(held: Held) -> tuple[dict[str, list[str]], list[str]]:
    """Internal users with roles of their own: those that can be emptied, and the names of those the engine reserves."""
    having = {n: list(u[_DIRECT]) for n, u in sorted(held.of(Kind.USERS).items()) if u.get(_DIRECT)}
    fixed = [name for name in having if held.is_fixed(Kind.USERS, name)]
    return {name: roles for name, roles in having.items() if name not in fixed}, fixed


def _sendable(*sequence: tuple[Kind, Sequence[Json]]) -> Patches:
    return tuple((kind, operations) for kind, operations in sequence if operations)
