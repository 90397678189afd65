"""What a document gives, as a set: whoever holds more of such a set can do no less. And documents narrowed to what two of them share.

An entry of a role counts as a whole. Elasticsearch merges entries by their names, so that a part of one entry beside another entry can
show more than either: two filters lift each other, a wider list of names brings a filter back. Only whole entries add up (the laws of
tests/families/elasticsearch).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from portcullis.access.actual import Json
from portcullis.families.elasticsearch.documents import compare
from portcullis.families.elasticsearch.documents.config import Kind

Rights = frozenset[str]

_PLAIN_LISTS = ("cluster", "run_as")  # each word by itself
_ENTRIES = ("indices", "applications", "remote_indices", "remote_cluster")  # each entry by itself
_NO_RIGHT = frozenset({"metadata", "transient_metadata", "description", *_PLAIN_LISTS, *_ENTRIES})
NOBODY: Json = {"any": []}
EVERYTHING = "everything that its owner had"


def of_role(role: Json | None) -> Rights:
    """What a role gives."""
    if role is None:
        return frozenset()
    found = {f"{key}: {word}" for key in _PLAIN_LISTS for word in role.get(key) or ()}
    found |= {f"{key}: {compare.entry(one)}" for key in _ENTRIES for one in role.get(key) or ()}
    more = {
        key: value for key, value in role.items() if key not in _NO_RIGHT
    }  # `global`, and what a later release may bring
    for key, value in (compare.canonical(more) or {}).items():
        found.add(f"{key}: {json.dumps(value, sort_keys=True)}")
    return frozenset(found)


def gives_anything(role: Json | None) -> bool:
    """Whether `of_role` of it holds anything. Of a thousand roles that a lock looks at nearly each shows it by a list alone."""
    return role is not None and (any(role.get(key) for key in (*_PLAIN_LISTS, *_ENTRIES)) or bool(of_role(role)))


def is_limited(role: Json) -> bool:
    """Whether a role shows a part of documents: what others show then changes what this one does."""
    entries = [one for key in ("indices", "remote_indices") for one in role.get(key) or ()]
    return any(one.get("query") or one.get("field_security") for one in entries)


def shared_role(one: Json, other: Json) -> Json:
    """A role that gives what both give, written as the second."""
    keep = of_role(one)
    found = {
        key: value
        for key, value in other.items()
        if key in _NO_RIGHT
        or f"{key}: {json.dumps((compare.canonical({key: value}) or {}).get(key), sort_keys=True)}" in keep
    }
    for key in _PLAIN_LISTS:
        if key in found:
            found[key] = [word for word in found[key] or () if f"{key}: {word}" in keep]
    for key in _ENTRIES:
        if key in found:
            found[key] = [entry for entry in found[key] or () if f"{key}: {compare.entry(entry)}" in keep]
    return found


def granted_by(mapping: Json | None) -> frozenset[str]:
    """The roles that a mapping gives to whom it matches, templates as their text; none while it is disabled."""
    if mapping is None or mapping.get("enabled") is False:
        return frozenset()
    templates = (json.dumps(one, sort_keys=True) for one in mapping.get("role_templates") or ())
    return frozenset({*(mapping.get("roles") or ()), *templates})


def narrower(one: Json | None, other: Json | None) -> bool:
    """Whether the first mapping gives nobody anything that the second does not give them."""
    if not granted_by(one) <= granted_by(other):
        return False
    if not granted_by(one):
        return True
    assert one is not None and other is not None  # noqa: S101, PT018 - both grant something
    return within(one.get("rules") or NOBODY, other.get("rules") or NOBODY)


def within(one: Any, other: Any) -> bool:
    """Whether whoever the first rule matches the second matches, too. False where that is not seen at once."""
    left, right = compare.rule(one), compare.rule(other)
    if left in (right, NOBODY) or right == {"all": []}:
        return True
    match left, right:
        case {"any": [*some]}, _:
            return all(within(part, right) for part in some)
        case _, {"all": [*needed]}:
            return all(within(left, part) for part in needed)
        case {"field": mine}, {"field": theirs} if mine.keys() == theirs.keys():
            (name,) = mine
            return {json.dumps(one) for one in mine[name]} <= {json.dumps(one) for one in theirs[name]}
        case _, {"any": [*some]} if any(within(left, part) for part in some):
            return True
        case {"all": [*parts]}, _:
            return any(within(part, right) for part in parts)
    return False


def shared_mapping(one: Json, other: Json) -> Json:
    """A mapping that gives nobody what either does not give them, written as the second. Disabled where they share no role."""
    roles = granted_by(one) & granted_by(other)
    found = dict(other)
    if not roles:
        return {**other, "enabled": False}
    found["roles"] = [role for role in other.get("roles") or () if role in roles]
    if "role_templates" in found:
        kept = [one for one in other["role_templates"] if json.dumps(one, sort_keys=True) in roles]
        found["role_templates"] = kept
        if not kept:
            del found["role_templates"]
    if not found["roles"]:
        del found["roles"]  # the engine takes no empty list
    mine, theirs = one.get("rules") or NOBODY, other.get("rules") or NOBODY
    found["rules"] = theirs if within(theirs, mine) else mine if within(mine, theirs) else {"all": [mine, theirs]}
    return found


def of_user(user: Json | None) -> frozenset[str]:
    """The roles of a native user; none while they are disabled."""
    if user is None or user.get("enabled") is False:
        return frozenset()
    return frozenset(user.get("roles") or ())


def of_key(key: Json | None) -> Rights:
    """What an API key asks for, of what its owner had. Without descriptors: all of it."""
    descriptors = (key or {}).get("role_descriptors") or {}
    if key is not None and not descriptors:
        return frozenset({EVERYTHING})
    return frozenset().union(*(of_role(one) for one in descriptors.values()))


def of_privilege(privilege: Json | None) -> Rights:
    """The actions of an application's privilege."""
    return frozenset((privilege or {}).get("actions") or ())


def gives(kind: str, document: Json | None) -> Rights:
    """What a document of any kind but a mapping gives."""
    return _BY_KIND[Kind(kind)](document)


_BY_KIND = {
    Kind.PRIVILEGES: of_privilege,
    Kind.ROLES: of_role,
    Kind.USERS: of_user,
    Kind.KEYS: of_key,
    Kind.MAPPINGS: granted_by,
}


def limits(documents: Iterable[Mapping[str, Json]]) -> bool:
    """Whether any of these roles shows a part of documents."""
    return any(is_limited(role) for roles in documents for role in roles.values())
