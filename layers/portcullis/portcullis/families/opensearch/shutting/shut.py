"""The lock on the role mappings: emptied down to the keepers, and put back byte for byte.

An internal user's `opendistro_security_roles` are roles without a mapping: they are emptied and put back as well. A keeper's ARN among
an internal user's backend roles makes them that keeper, with a password: it is taken out, and does not come back.

Where there are very many mappings, the roles are emptied instead: for each changed mapping the engine reads all its roles again (seen:
1,000 mappings of 1,000 roles take it one to three minutes), while 1,000 changed roles take it a second. A role that permits nothing
gives nothing to those who are mapped to it.

The keepers' own roles are put right with it, in a window too, and action groups by which they would permit more are taken out and put back.

What no node can load (see patterns) keeps everything else from taking effect: a mapping with such an entry is emptied whatever the
number, a role with such a pattern is emptied too, and neither comes back with it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from portcullis.access.actual import Actual, Json, Write
from portcullis.access.guard import ProtectedPrincipals
from portcullis.access.plan import Step
from portcullis.families.base import Closed, Reopened
from portcullis.families.opensearch.documents.config import (
    ADMINISTRATOR_ROLES,
    MAPPING_LISTS,
    SHOWN_ONLY,
    Kind,
    SecurityConfig,
)
from portcullis.families.opensearch.documents.patch import parts, pointer
from portcullis.families.opensearch.granting.mappings import DIRECT
from portcullis.families.opensearch.names.patterns import unloadable
from portcullis.families.opensearch.shutting.as_needed import amiss, widening

_MADE = "made"  # in what is saved: mappings made by the lock, taken away again by its end

# Changed mappings times roles, from which on roles are emptied: up to here the engine needs less than about a second.
MOST_CHECKS = 5000
_EMPTY: Json = {
    "description": "Portcullis: permits nothing while the deployment is locked",
    "cluster_permissions": [],
    "index_permissions": [],
    "tenant_permissions": [],
}


def shut(
    held: Actual,
    keep: ProtectedPrincipals,
    saved: Mapping[str, Any] | None = None,
    *,
    checks: int = MOST_CHECKS,
    roles_too: bool = False,
) -> Closed:
    """Every mapping emptied but for the keepers (`ProtectedPrincipals.while_locked(...)`): those are mapped to what they need.

    Doing it again on what it left changes nothing: then there are no writes. `saved` of the answer holds every mapping as `held`
    shows it, so it must be saved at the first time only. Given back as `saved`, it allows to empty roles instead, where there are more
    than `checks` (changed mappings times roles): only those of which it holds what they were, and those not of administrators. With
    `roles_too` all of these are emptied besides, for whoever has a role without being mapped to it any more (a token on behalf of them).
    """
    changes: dict[str, Json] = {}  # role -> its mapping as it has to be
    made: dict[str, Json] = {}  # mappings that only the lock needs
    left: list[str] = []
    put_right = amiss(held, keep)
    roles_then = held.of(Kind.ROLES).keys() | put_right.keys()
    needed = {role for keeper in keep.keepers for role in keeper.roles if role in roles_then}
    for role in sorted(held.of(Kind.MAPPINGS).keys() | needed):
        before = held.get(Kind.MAPPINGS, role)
        after = _emptied(role, before or {}, keep)
        if before is not None and all(list(before.get(name) or ()) == after[name] for name in MAPPING_LISTS):
            continue
        if held.is_fixed(Kind.MAPPINGS, role):
            left.append(f"mapping of {role} is reserved by the engine and stays as it is")
        elif before is not None and role not in roles_then:
            # Nobody gets anything from it, and the engine refuses a patch that names it.
            left.append(f"mapping of {role} stays as it is: there is no such role")
        elif role in put_right or held.get(Kind.ROLES, role) != _EMPTY:
            changes[role] = after
            if before is None:
                made[role] = after
    bad_mappings, bad_roles = _unloadable(held)
    known: Mapping[str, Json] = (saved or {}).get(Kind.ROLES.value) or {}
    safe = [role for role, document in known.items() if document == held.get(Kind.ROLES, role)]
    roles: set[str] = set()
    if len(changes) * len(held.of(Kind.ROLES)) > checks:
        # A keeper that has more than it needs keeps it: such a role stays as it is, and its mapping is changed.
        roles = {r for r in safe if r in changes and r not in bad_mappings and not _entries(changes[r])}
    operations: list[Json] = [
        {"op": "add" if role in made else "replace", "path": pointer(role), "value": after}
        for role, after in changes.items()
        if role not in roles
    ]
    besides = {*safe} - needed if roles_too else {role for role in safe if role in bad_roles}
    emptied = sorted((roles | besides) - put_right.keys())
    role_operations: list[Json] = [
        {"op": "replace" if role in held.of(Kind.ROLES) else "add", "path": pointer(role), "value": document}
        for role, document in put_right.items()
    ]
    role_operations += [{"op": "replace", "path": pointer(role), "value": _EMPTY} for role in emptied]
    groups = widening(held)
    group_operations: list[Json] = [{"op": "remove", "path": pointer(name)} for name in groups]
    users, reserved_users = _direct_roles(held)
    left += [f"internal user {name} is reserved by the engine and keeps its roles" for name in reserved_users]
    user_operations: list[Json] = [{"op": "add", "path": pointer(name, DIRECT), "value": []} for name in users]
    for name, others in _without_keepers(held, keep).items():
        user_operations.append({"op": "add", "path": pointer(name, "backend_roles"), "value": others})
    to_save = {**changes, **bad_roles, **(held.of(Kind.ROLES) if roles_too else {})}
    save = {
        Kind.MAPPINGS.value: {role: held.get(Kind.MAPPINGS, role) for role in held.of(Kind.MAPPINGS)},
        Kind.ROLES.value: {r: held.get(Kind.ROLES, r) for r in to_save if _may_be_emptied(held, r)},
        Kind.USERS.value: users,
        Kind.ACTION_GROUPS.value: groups,
        _MADE: made,
    }
    writes = _sendable(
        (Kind.ROLES, role_operations),
        (Kind.USERS, user_operations),
        (Kind.MAPPINGS, operations),
        (Kind.ACTION_GROUPS, group_operations),  # last: should the engine refuse it, everybody is shut out all the same
    )
    touched = {parts(operation["path"])[0] for write in writes for operation in write.body}
    return Closed(writes, save, tuple(left), tuple(sorted(touched)), f"{len(held.of(Kind.MAPPINGS))} role mappings")


def reopen(
    saved: Mapping[str, Any], held_now: Actual, left: Sequence[Step] = (), *, ours: Collection[str] = ()
) -> Reopened:
    """Every saved mapping put back as it was, list order and absent fields included; what is as saved already is not written.

    `left`: steps that take out entries which do not come back, because whoever they stand for left meanwhile.
    So is every role that the lock has emptied. What no node can load does not come back. Mappings of `ours` that were not there
    before (those of break-glass) go, whatever they hold. Whom somebody let in meanwhile is let in by it no longer, as if a look at the lock
    had found it: a mapping that was made is emptied, and so are roles of their own that internal users were given.
    """
    mappings: Mapping[str, Json] = saved.get(Kind.MAPPINGS.value) or {}
    roles: Mapping[str, Json] = saved.get(Kind.ROLES.value) or {}
    bad_mappings, bad_roles = _unloadable(SecurityConfig({Kind.MAPPINGS: mappings, Kind.ROLES: roles}))
    role_operations: list[Json] = [
        {"op": "replace", "path": pointer(role), "value": document}
        for role, document in roles.items()
        if held_now.get(Kind.ROLES, role) == _EMPTY and role not in bad_roles
    ]
    operations: list[Json] = []
    lost = [f"role {role} permits nothing: {', '.join(why.values())}" for role, why in bad_roles.items()]
    staying_out: dict[str, set[tuple[str, str]]] = {}
    for claim in (step.claim for step in left):
        staying_out.setdefault(claim.name, set()).add((claim.entry_list, claim.entry))
    for role, saved_mapping in mappings.items():
        document = _without(saved_mapping, bad_mappings.get(role, {}), staying_out.get(role, set()))
        lost += [f"mapping of {role}: {why}" for why in bad_mappings.get(role, {}).values()]
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
        elif user.get(DIRECT) != roles:
            user_operations.append({"op": "add", "path": pointer(name, DIRECT), "value": roles})
    given, _ = _direct_roles(held_now) if Kind.USERS.value in saved else ({}, [])
    for name in given.keys() - (saved.get(Kind.USERS.value) or {}).keys():
        user_operations.append({"op": "add", "path": pointer(name, DIRECT), "value": []})
        lost.append(f"internal user {name} was given roles of their own while locked, and has none of them now")
    strangers: list[str] = []
    for role in sorted(held_now.of(Kind.MAPPINGS).keys() - mappings.keys()):
        if role in ours or held_now.get(Kind.MAPPINGS, role) == (saved.get(_MADE) or {}).get(role):
            operations.append({"op": "remove", "path": pointer(role)})
        else:
            lets_in = any(held_now.entries(role, name) for name in MAPPING_LISTS)
            # The engine refuses a patch that names the mapping of an absent role, which gives nothing.
            if mappings and lets_in and role in held_now.of(Kind.ROLES) and not held_now.is_fixed(Kind.MAPPINGS, role):
                emptied = {**(held_now.get(Kind.MAPPINGS, role) or {}), **{name: [] for name in MAPPING_LISTS}}
                operations.append({"op": "replace", "path": pointer(role), "value": emptied})
                strangers.append(f"mapping of {role}, emptied now,")
            else:
                strangers.append(f"mapping of {role}")
    group_operations: list[Json] = [
        {"op": "add", "path": pointer(name), "value": {k: v for k, v in document.items() if k not in SHOWN_ONLY}}
        for name, document in (saved.get(Kind.ACTION_GROUPS.value) or {}).items()
        if held_now.get(Kind.ACTION_GROUPS, name) is None
    ]
    # Mappings before roles: who left is out of the mapping of a role that was emptied before that role gives anything again.
    writes = _sendable(
        (Kind.MAPPINGS, operations),
        (Kind.ROLES, role_operations),
        (Kind.USERS, user_operations),
        (Kind.ACTION_GROUPS, group_operations),
    )
    return Reopened(writes, tuple(strangers), tuple(lost))


def _emptied(role: str, before: Json, keep: ProtectedPrincipals) -> Json:
    entries = {(k.entry_list, k.entry) for k in keep.keepers if not k.exact or role in k.roles}
    after: Json = {k: v for k, v in before.items() if k not in MAPPING_LISTS}
    for name in MAPPING_LISTS:
        after[name] = [entry for entry in before.get(name) or () if (name, entry) in entries]
    for keeper in keep.keepers:
        if role in keeper.roles and keeper.entry not in after[keeper.entry_list]:
            after[keeper.entry_list].append(keeper.entry)
    return after


def _unloadable(held: Actual) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    """Of the mappings, and of the roles: name -> entry (of a mapping; else empty) -> why no node can load it."""
    found: dict[str, dict[str, dict[str, str]]] = {Kind.MAPPINGS: {}, Kind.ROLES: {}}
    for claim, why in unloadable(held):
        if claim.kind in found:
            found[claim.kind].setdefault(claim.name, {})[claim.entry] = why
    return found[Kind.MAPPINGS], found[Kind.ROLES]


def _without(mapping: Json, bad: Mapping[str, str], left: Collection[tuple[str, str]]) -> Json:
    if not bad and not left:
        return mapping
    return mapping | {
        name: [entry for entry in mapping[name] if entry not in bad and (name, entry) not in left]
        for name in MAPPING_LISTS
        if name in mapping
    }


def _entries(mapping: Json) -> list[str]:
    return [entry for name in MAPPING_LISTS for entry in mapping[name]]


def _may_be_emptied(held: Actual, role: str) -> bool:
    """Whether a role's permissions are all that it gives: an administrator's role gives the security API by its mere name."""
    return role in held.of(Kind.ROLES) and role not in ADMINISTRATOR_ROLES and not held.is_fixed(Kind.ROLES, role)


def _direct_roles(held: Actual) -> tuple[dict[str, list[str]], list[str]]:
    """Internal users with roles of their own: those that can be emptied, and the names of those the engine reserves."""
    having = {n: list(u[DIRECT]) for n, u in sorted(held.of(Kind.USERS).items()) if u.get(DIRECT)}
    fixed = [name for name in having if held.is_fixed(Kind.USERS, name)]
    return {name: roles for name, roles in having.items() if name not in fixed}, fixed


def _without_keepers(held: Actual, keep: ProtectedPrincipals) -> dict[str, list[str]]:
    """Internal users who pass for a keeper by a backend role: name -> their other backend roles."""
    theirs = {keeper.entry for keeper in keep.keepers if keeper.entry_list == "backend_roles"}
    return {
        name: [one for one in user.get("backend_roles") or () if one not in theirs]
        for name, user in sorted(held.of(Kind.USERS).items())
        if theirs & {*(user.get("backend_roles") or ())} and not held.is_fixed(Kind.USERS, name)
    }


def _sendable(*sequence: tuple[str, Sequence[Json]]) -> tuple[Write, ...]:
    return tuple(Write(kind, operations) for kind, operations in sequence if operations)
