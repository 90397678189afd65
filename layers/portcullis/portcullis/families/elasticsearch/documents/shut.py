"""The lock on who may do what: everything that people have emptied or disabled, and put back as it was.

A role that permits nothing gives nothing to anybody, by whatever way they have it: native users, people with tokens, and what they had
open before. From 8.15 on all roles are one call. What the engine keeps for itself cannot be emptied, nor may what the keepers need: so
the role mappings that give such a role are disabled, and so are the native users who have one. In this order it was measured to hold; a
key of ours comes first, as a change of it takes what its owner has then as its limit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from portcullis.access.actual import Actual, Json
from portcullis.access.guard import ProtectedPrincipal, ProtectedPrincipals
from portcullis.access.plan import Claim, Step
from portcullis.families.base import Closed, Reopened
from portcullis.families.elasticsearch.documents import compare, rights
from portcullis.families.elasticsearch.documents.baseline import CANARY_ROLE, DOCUMENTS, NEEDED_OF, OWN_ROLES
from portcullis.families.elasticsearch.documents.config import (
    MEMBERS,
    NATIVE_USERS,
    PASSWORD_OF_THE_NODES,
    SUPERUSER,
    WRITTEN,
    Kind,
    SecurityConfig,
    writable,
)
from portcullis.families.elasticsearch.documents.writes import calls, writes
from portcullis.families.elasticsearch.known.release import Release

# Several roles are one write: an adapter of a release that takes one role a call sends them one by one.
AT_ONCE = Release(8, 15)
# Of a key: no descriptor at all would be no limit at all.
NO_RIGHTS: Json = {"none": {"cluster": [], "indices": []}}


def permits_nothing(role: Json | None) -> bool:
    """Whether a role is as the lock leaves it."""
    return role is not None and not rights.gives_anything(role)


def emptied(role: Json) -> Json:
    """A role that permits nothing. What people wrote to it stays: a call about many roles could not take that away."""
    kept = {key: role[key] for key in ("description", "metadata") if role.get(key)}
    return {"cluster": [], "indices": [], **kept}


_Change = tuple[Kind, str, Json | None, Json | None]


def shut(held: Actual, keep: ProtectedPrincipals, saved: Mapping[str, Any] | None = None) -> Closed:
    """Nobody has anything but the keepers (`ProtectedPrincipals.while_locked(...)`). Doing it again changes nothing.

    `saved` of the answer holds what `held` shows, so it must be saved at the first time only. Given back as `saved`, it says what a role
    was that a keeper needs now: break-glass has its roles only while a window is open.
    """
    needed = {role for keeper in keep.keepers for role in keeper.roles}
    fixed = {name for name in held.of(Kind.ROLES) if held.is_fixed(Kind.ROLES, name)}
    open_ = needed | fixed
    shutting = [*_keys(held), *_roles(held, open_), *_mappings(held, open_), *_users(held, keep, open_)]
    letting = [*_filled(held, needed, saved or {}), *_keepers(held, keep)]
    save: dict[str, Any] = {
        Kind.ROLES.value: {n: held.get(Kind.ROLES, n) for n in held.of(Kind.ROLES) if n not in fixed},
        Kind.MAPPINGS.value: {n: held.get(Kind.MAPPINGS, n) for n in held.of(Kind.MAPPINGS)},
        Kind.USERS.value: {name: _saved_user(name, user, keep) for name, user in held.of(Kind.USERS).items()},
        Kind.KEYS.value: {key: one.get("role_descriptors") for key, one in held.of(Kind.KEYS).items()},
    }
    sequence = [*shutting, *letting]
    touched = sorted({name for _, name, *_ in sequence})
    said = f"{len(save[Kind.ROLES])} roles, {len(save[Kind.MAPPINGS])} role mappings and {len(save[Kind.USERS])} users"
    return Closed(tuple(calls(sequence, AT_ONCE)), save, tuple(_left(held, keep)), tuple(touched), said)


def _saved_user(name: str, user: Json, keep: ProtectedPrincipals) -> Json:
    """With how it was written, by which it is known again. Keepers are written by us in windows, and known by their secrets. The automation
    is saved with all that it needs: the rest of an unlock comes after the users are as they were saved."""
    had = {"roles": list(user.get("roles") or ()), "enabled": user.get("enabled") is not False}
    keeper = next((one for one in keep.keepers if one.entry == name), None)
    if keeper is None:
        return {**had, WRITTEN: user[WRITTEN]} if WRITTEN in user else had
    return had if keeper.exact else {**had, "roles": _as_kept(keeper, user)}


class Since(StrEnum):
    """What became of a native user since it was saved. A user that is deleted and made again counts its writes on for a minute, and
    from one after that; a change counts one."""

    NOTHING = "nothing"
    CHANGED = "changed"  # once: the password, say
    PERHAPS_ANOTHER = "perhaps another"

    @classmethod
    def of(cls, had: Json, user: Json) -> Since:
        before, now = had.get(WRITTEN), user.get(WRITTEN)
        if not before or not now or list(before) == list(now):
            return cls.NOTHING
        return cls.CHANGED if now[0] == before[0] + 1 else cls.PERHAPS_ANOTHER


def written_by_us(saved: Mapping[str, Any], before: Actual, now: Actual) -> dict[str, Any] | None:
    """`saved` with the users as our own writes left them, which came between these two readings; None if there is nothing new.
    A user who may have been another one before them stays as it was saved. What an unlock wrote, which was broken off, is counted beside
    somebody's change, which is told by the next try."""
    users: Mapping[str, Json] = saved.get(Kind.USERS) or {}
    noted: dict[str, Json] = {}
    for name, had in users.items():
        user, then = before.of(Kind.USERS).get(name), now.of(Kind.USERS).get(name)
        if user is None or then is None or WRITTEN not in had or Since.of(had, user) is Since.PERHAPS_ANOTHER:
            continue
        if (
            then.get("enabled") is not user.get("enabled")
            and Since.of({WRITTEN: user.get(WRITTEN)}, then) is Since.CHANGED
        ):
            unlocked = then.get("enabled") is not False
            noted[name] = {**had, WRITTEN: [had[WRITTEN][0] + 1, *then[WRITTEN][1:]] if unlocked else then[WRITTEN]}
    return {**saved, Kind.USERS.value: {**users, **noted}} if noted else None


def _keys(held: Actual) -> Iterator[_Change]:
    for key, one in held.of(Kind.KEYS).items():
        if rights.of_key(one):
            yield Kind.KEYS, key, one, {**one, "role_descriptors": NO_RIGHTS}


def _roles(held: Actual, open_: Collection[str]) -> Iterator[_Change]:
    for name, role in held.of(Kind.ROLES).items():
        if name not in open_ and not permits_nothing(role):
            yield Kind.ROLES, name, role, emptied(writable(Kind.ROLES, role))


def _mappings(held: Actual, open_: Collection[str]) -> Iterator[_Change]:
    for name, mapping in held.of(Kind.MAPPINGS).items():
        # What a template comes to only the engine can tell.
        gives = {*(mapping.get("roles") or ())} & {*open_} or mapping.get("role_templates")
        if gives and mapping.get("enabled") is not False:
            yield Kind.MAPPINGS, name, mapping, {**mapping, "enabled": False}


def _users(held: Actual, keep: ProtectedPrincipals, open_: Collection[str]) -> Iterator[_Change]:
    keepers = {keeper.entry for keeper in keep.keepers}
    for name, user in held.of(Kind.USERS).items():
        has = {*(user.get("roles") or ())} & {*open_}
        if has and name not in keepers and user.get("enabled") is not False and not user.get(PASSWORD_OF_THE_NODES):
            yield Kind.USERS, name, user, {**user, "enabled": False}


def _left(held: Actual, keep: ProtectedPrincipals) -> Iterator[str]:
    """Administrators who stay able to sign in. The others of the kind have no password before they are given one."""
    keepers = {keeper.entry for keeper in keep.keepers}
    for name, user in held.of(Kind.USERS).items():
        on = (
            user.get("enabled") is not False
            and user.get(PASSWORD_OF_THE_NODES)
            and SUPERUSER in (user.get("roles") or ())
        )
        if on and name not in keepers:
            yield (
                f"user {name} stays enabled, as its password stands in the nodes' settings and would be lost, so that the index blocks"
                " alone hold it: set its password through the API, and the next lock disables it"
            )


def _filled(held: Actual, needed: Collection[str], saved: Mapping[str, Any]) -> Iterator[_Change]:
    """Roles that a keeper needs and that give nothing: the lock had emptied them, or somebody took them away, or so much of the
    automation's that neither a lock nor its end gets on. Those of ours are as they have to be, whatever was put aside of them."""
    given = {role for user in held.of(Kind.USERS).values() for role in user.get("roles") or ()}
    for name in sorted(needed):
        there, ours = held.of(Kind.ROLES).get(name), DOCUMENTS.get(name)
        document = ours or (saved.get(Kind.ROLES) or {}).get(name)
        if document is None or permits_nothing(document):
            continue
        missing = there is None and ours is not None and name in given
        if missing or permits_nothing(there) or (there is not None and _lacks(there, NEEDED_OF.get(name, {}))):
            yield Kind.ROLES, name, there, document


def _lacks(role: Json, needed: Mapping[str, Collection[str]]) -> bool:
    entries = [entry for entry in role.get("indices") or () if "*" in (entry.get("names") or ())]
    on_all = {privilege for entry in entries for privilege in entry.get("privileges") or ()}
    return bool({*needed.get("cluster", ())} - {*(role.get("cluster") or ())} or {*needed.get("indices", ())} - on_all)


def _keepers(held: Actual, keep: ProtectedPrincipals) -> Iterator[_Change]:
    """Keepers who have not what they need, or more than they may."""
    for keeper in keep.keepers:
        user = held.of(Kind.USERS).get(keeper.entry)
        if user is None or keeper.entry_list != NATIVE_USERS:
            continue
        roles = _as_kept(keeper, user)
        if roles != list(user.get("roles") or ()) or user.get("enabled") is False:
            yield Kind.USERS, keeper.entry, user, {**user, "roles": roles, "enabled": True}


def _as_kept(keeper: ProtectedPrincipal, user: Json) -> list[str]:
    has = list(user.get("roles") or ())
    kept = [role for role in has if role in keeper.roles] if keeper.exact else has
    return [*kept, *(role for role in keeper.roles if role not in kept)]


# ---------------------------------------------------------------------- and back


def reopen(
    saved: Mapping[str, Any], held: Actual, left: Sequence[Step] = (), *, ours: Collection[str] = ()
) -> Reopened:
    """Everything as it was saved, but for what the steps `left` take out: roles of users, and people in role mappings of ours.

    `ours` are roles that only a window gives: whoever has one and had it not when it was saved has it no longer. What somebody took away by
    hand meanwhile stays away, as far as a lock does not do the same: a user who was disabled or lost a role, a role mapping that was
    disabled or is gone. What somebody gave meanwhile gives nothing: users with roles and role mappings that were made are disabled, and
    a role that was written is as it was before.
    """
    documents: dict[str, dict[str, Json]] = {kind: dict(held.of(kind)) for kind in Kind}
    lost: list[str] = []
    roles: Mapping[str, Json] = saved.get(Kind.ROLES) or {}
    for name, document in roles.items():
        now = held.of(Kind.ROLES).get(name)
        if now is None:
            lost.append(f"role {name} is gone")
        elif not name.startswith(OWN_ROLES) or permits_nothing(now):
            # One of ours that somebody had emptied before the lock would keep it from ending.
            documents[Kind.ROLES][name] = DOCUMENTS.get(name, document) if permits_nothing(document) else document
            if not permits_nothing(now) and not compare.same(now, document):
                lost.append(f"role {name} was written while locked, and is as it was before")
    narrowed = {step.claim.name: step.after for step in left if step.claim.kind == Kind.MAPPINGS}
    for name, document in (saved.get(Kind.MAPPINGS) or {}).items():
        now = held.of(Kind.MAPPINGS).get(name)
        if held.is_fixed(Kind.MAPPINGS, name):
            continue
        if now is None:
            lost.append(f"role mapping {name} is gone")
        elif _is_off(now) and not _is_off(document) and not _opens(held, document):
            lost.append(f"role mapping {name} was disabled while locked, and stays so")
        elif name not in narrowed:
            documents[Kind.MAPPINGS][name] = document
        elif narrowed[name] is None:
            documents[Kind.MAPPINGS].pop(name, None)
        else:
            documents[Kind.MAPPINGS][name] = rights.shared_mapping(document, narrowed[name])
    gone = {step.claim for step in left}
    users: Mapping[str, Json] = saved.get(Kind.USERS) or {}
    for name, had in users.items():
        user = held.of(Kind.USERS).get(name)
        if user is None:
            lost.append(f"user {name} is gone")
            continue
        has = list(user.get("roles") or ())
        back = [role for role in had["roles"] if Claim(MEMBERS, role, NATIVE_USERS, name) not in gone and role in has]
        enabled = had["enabled"]
        if taken := [role for role in had["roles"] if role not in has]:
            lost.append(f"{', '.join(taken)} was taken from user {name} while locked, and stays so")
        if enabled and _is_off(user) and not _opens(held, had):
            enabled = False
            lost.append(f"user {name} was disabled while locked, and stays so")
        match Since.of(had, user) if had["roles"] and had["enabled"] else Since.NOTHING:
            case Since.PERHAPS_ANOTHER:
                enabled = False
                lost.append(
                    f"user {name} was deleted and made again while locked, or changed more than once, and is disabled: enable them once"
                    " it is known who they are"
                )
            case Since.CHANGED:
                lost.append(
                    f"user {name} was changed by somebody while locked (the password, say), and is let in as before"
                )
            case _:
                pass
        if back != has or enabled is _is_off(user):
            documents[Kind.USERS][name] = {**user, "roles": back, "enabled": enabled}
    for name in held.of(Kind.USERS).keys() - users.keys():
        user = held.of(Kind.USERS)[name]
        roles_left = [one for one in user.get("roles") or () if one not in ours]
        on = not _is_off(user) and {*roles_left} <= {CANARY_ROLE}  # the canary has to be asked again
        documents[Kind.USERS][name] = {**user, "roles": roles_left, "enabled": on}
    for name in held.of(Kind.MAPPINGS).keys() - (saved.get(Kind.MAPPINGS) or {}).keys():
        if not held.is_fixed(Kind.MAPPINGS, name):
            documents[Kind.MAPPINGS][name] = {**held.of(Kind.MAPPINGS)[name], "enabled": False}
    for key, descriptors in (saved.get(Kind.KEYS) or {}).items():
        now = held.of(Kind.KEYS).get(key)
        if now is not None and not rights.of_key(now):
            documents[Kind.KEYS][key] = {**now, "role_descriptors": descriptors}
    wanted = SecurityConfig(documents)
    return Reopened(writes(_config(held), wanted, AT_ONCE), tuple(_strangers(saved, held)), tuple(lost))


def _is_off(document: Json) -> bool:
    return document.get("enabled") is False


def _opens(held: Actual, document: Json) -> bool:
    """Whether a user or role mapping has a role that no lock empties, so that a lock disables it instead."""
    given = document.get("roles") or ()
    return bool(document.get("role_templates")) or any(
        held.is_fixed(Kind.ROLES, role) or role.startswith(OWN_ROLES) for role in given
    )


def _config(held: Actual) -> SecurityConfig:
    return held if isinstance(held, SecurityConfig) else SecurityConfig({kind: held.of(kind) for kind in Kind})


def _strangers(saved: Mapping[str, Any], held: Actual) -> Iterator[str]:
    for kind, word in ((Kind.ROLES, "role"), (Kind.MAPPINGS, "role mapping"), (Kind.USERS, "user")):
        for name in sorted(held.of(kind).keys() - (saved.get(kind) or {}).keys()):
            if not held.is_fixed(kind, name):
                given = kind is Kind.MAPPINGS or {*(held.of(kind)[name].get("roles") or ())} - {CANARY_ROLE}
                yield f"{word} {name}" + (", disabled now," if given and kind is not Kind.ROLES else "")
