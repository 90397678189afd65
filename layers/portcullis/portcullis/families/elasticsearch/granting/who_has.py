"""Who has which role on an Elasticsearch, and who of them administers it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from portcullis.access.actual import Actual, Json
from portcullis.access.desired import Desired
from portcullis.access.plan import Claim
from portcullis.access.terms import NOT_SIGNED_IN, Administrator
from portcullis.access.terms import Caller as Principal
from portcullis.errors import BadInput
from portcullis.families.elasticsearch.documents.config import (
    ADMINISTRATES,
    MEMBERS,
    NATIVE_USERS,
    ROLES_OF_NOBODY,
    SUPERUSER,
    Kind,
    SecurityConfig,
)
from portcullis.families.elasticsearch.granting.callers import NATIVE, Caller, roles_of
from portcullis.families.elasticsearch.known.names import Unreadable, is_pattern, matches_any
from portcullis.families.elasticsearch.known.privileges import grants_on_cluster, grants_on_index
from portcullis.families.last_made import LastMade

# Among a caller's attributes:
REALM = "realm.name"  # the realm that let them in, if they are no native user
GROUPS = "groups of the token"  # the deployment whose groups the token is known to name
USERS = "native users"  # all of those that somebody signs in as, a line each
MAPPING = "role mapping"  # whoever it lets in
NAMELESS = "without signing in"  # whoever does not sign in
# Whoever may do one of these can give themselves everything else: of passwords, by that of somebody who has it.
_WRITES_ACCESS = tuple(
    f"cluster:admin/xpack/security/{what}"
    for what in ("role/put", "role/bulk_put", "role_mapping/put", "user/put", "user/change_password")
)
# Where the engine keeps access: whoever writes it writes access. The alias, the index of 7 to 9, and that of 6.8.
KEPT_IN = (".security", ".security-7", ".security-6")


def callers_of(principal: Principal) -> tuple[Caller, ...]:
    """A principal as the family's own rules see it, one for each way in: a native user, unless a realm is named among the attributes."""
    realm = principal.attributes.get(REALM)
    if realm:
        return (Caller(principal.name, realm, principal.backend_roles),)
    return tuple(Caller(name) for name in principal.attributes.get(USERS, principal.name).split("\n"))


def mapped_roles(held: Actual, principal: Principal) -> Mapping[str, str]:
    """Role -> why the caller has it. What whoever does not sign in has, everybody has."""
    return {**dict.fromkeys(roles_of_nobody(held), f"{ROLES_OF_NOBODY} of the nodes"), **_mapped_roles(held, principal)}


def roles_of_nobody(held: Actual) -> tuple[str, ...]:
    """The roles of whoever does not sign in, as the settings of the nodes give them."""
    return tuple((held.of(NOT_SIGNED_IN).get(ROLES_OF_NOBODY) or {}).get("roles") or ())


def _mapped_roles(held: Actual, principal: Principal) -> Mapping[str, str]:
    if name := principal.attributes.get(MAPPING):
        return dict.fromkeys((held.of(Kind.MAPPINGS).get(name) or {}).get("roles") or (), f"role_mapping/{name}")
    found: dict[str, str] = {}
    for caller in callers_of(principal):
        if caller.realm == NATIVE:
            found |= roles_of(caller, held.of(Kind.USERS), {})
            continue
        for one, mapping in perhaps_letting_in(held, caller):
            try:
                given = roles_of(caller, {}, {one: mapping})
            except (BadInput, Unreadable):
                continue  # only the engine can tell: `decide` and the answers to questions say so
            found = {**given, **found}
    return found


@dataclass(slots=True)
class _ByWhom:
    """Role mappings by whom their rule names, where it names one realm and plain names; and the rest."""

    named: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)  # realm, field, word -> mappings
    of_groups: list[str] = field(default_factory=list)  # those that name groups
    others: list[str] = field(default_factory=list)


_LAST: LastMade[_ByWhom] = LastMade(4)


def perhaps_letting_in(held: Actual, caller: Caller, groups_of: str = "-") -> list[tuple[str, Json]]:
    """The role mappings, by name, of which it has to be asked whether they let this caller in: of all others it is plain that they do
    not. `groups_of`: how the names of those begin for which the caller's groups are known; empty: of none they are."""
    by = _LAST.of(held, lambda: _by_whom(held))
    found = {*by.others, *by.named.get((caller.realm, "username", caller.name), ())}
    for group in caller.groups:
        found.update(by.named.get((caller.realm, "groups", group), ()))
    if groups_of != "-":
        found.update(name for name in by.of_groups if not groups_of or not name.startswith(groups_of))
    mappings = held.of(Kind.MAPPINGS)
    return [(name, mappings[name]) for name in sorted(found)]


def _by_whom(held: Actual) -> _ByWhom:
    found = _ByWhom()
    for name, mapping in held.of(Kind.MAPPINGS).items():
        match mapping.get("rules"):
            case {"all": [{"field": {"realm.name": str(realm)}}, {"any": [*rules]}]} if not is_pattern(realm):
                words = [_plain(one) for one in rules]
                if all(words):
                    for kind, word in (pair for of in words for pair in of):
                        found.named.setdefault((realm, kind, word), []).append(name)
                    if any(kind == "groups" for of in words for kind, _ in of):
                        found.of_groups.append(name)
                    continue
        found.others.append(name)
    return found


def _plain(rule: Any) -> list[tuple[str, str]]:
    """Field and word, of a rule that asks for plain names or groups; none if it asks for more."""
    match rule:
        case {"field": {"username": words, **rest}} | {"field": {"groups": words, **rest}} if (
            not rest and len(rule) == 1
        ):
            kind = "username" if "username" in rule["field"] else "groups"
            named = _listed(words)
            if all(isinstance(one, str) and not is_pattern(one) for one in named):
                return [(kind, one) for one in named]
    return []


def user(_held: Actual, name: str) -> Principal:
    return Principal(name)


def only(held: Actual, roles: Collection[str]) -> SecurityConfig:
    """Enough to tell who has these roles."""
    mappings = {name: one for name, one in held.of(Kind.MAPPINGS).items() if set(one.get("roles") or ()) & set(roles)}
    users = {
        name: {**one, "roles": [role for role in one.get("roles") or () if role in roles]}
        for name, one in held.of(Kind.USERS).items()
    }
    return SecurityConfig({Kind.USERS: users, Kind.MAPPINGS: mappings})


def names_roles(kind: str, document: Json) -> tuple[str, ...]:
    """The roles that a role mapping gives, and a text for each of its templates."""
    if kind == NOT_SIGNED_IN:
        return tuple(document.get("roles") or ())
    return (*(document.get("roles") or ()), *by_template(document)) if kind == Kind.MAPPINGS else ()


def by_template(mapping: Json) -> tuple[str, ...]:
    """What the templates of a role mapping give, in words: to which roles they come only the engine can tell."""
    templates = mapping.get("role_templates") or ()
    return tuple(f"what the template {json.dumps(one, sort_keys=True)} comes to" for one in templates)


def holders(held: Actual, role: str) -> tuple[str, ...]:
    """Native users by name, and whom role mappings let in, in words."""
    found = list(held.entries(role, NATIVE_USERS))
    for name, mapping in sorted(held.of(Kind.MAPPINGS).items()):
        if role in (mapping.get("roles") or ()) and mapping.get("enabled") is not False:
            found += audience(name, mapping)
    return tuple(dict.fromkeys(found))


def audience(name: str, mapping: Json) -> list[str]:
    """Whom a role mapping lets in: one by one where its rule is of our form, else all together."""
    match mapping.get("rules"):
        case {"all": [{"field": {"realm.name": str(realm)}}, {"any": [*fields]}]}:
            words = [_named(one, realm) for one in fields]
            if all(words):
                return [word for of in words for word in of or ()]
    return [f"whoever {Claim(Kind.MAPPINGS, name)} lets in"]


def _named(rule: Any, realm: str) -> list[str] | None:
    match rule:
        case {"field": {"username": names}}:
            return [f"{one} of realm {realm}" for one in _listed(names)]
        case {"field": {"groups": names}}:
            return [f"group {one} of realm {realm}" for one in _listed(names)]
    return None


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


# ---------------------------------------------------------------------- administration


def administering_roles(held: Actual) -> frozenset[str]:
    """Roles whose holders can give themselves everything else: by what they may do, or by whom they may act as."""
    found = {SUPERUSER, *(name for name, role in held.of(Kind.ROLES).items() if reaches_access(role))}
    while more := {
        name for name, role in held.of(Kind.ROLES).items() if name not in found and _acts_as(held, role, found)
    }:
        found |= more
    return frozenset(found)


def reaches_access(role: Json) -> bool:
    """Whether a role lets its holders write access: through the security API, or in the index that it is kept in."""
    cluster = role.get("cluster") or ()
    if any(str(one).lower() in ADMINISTRATES for one in cluster):
        return True
    if any(grants_on_cluster(cluster, action) for action in _WRITES_ACCESS):
        return True
    return any(_reaches_index(entry) for entry in role.get("indices") or () if entry.get("allow_restricted_indices"))


def _reaches_index(entry: Json) -> bool:
    try:
        named = any(matches_any(_listed(entry.get("names") or ()), one) for one in KEPT_IN)
    except Unreadable:
        named = True  # only the engine can tell: it may
    return named and grants_on_index(entry.get("privileges") or (), "indices:data/write/index")


def _acts_as(held: Actual, role: Json, administering: Collection[str]) -> bool:
    patterns = role.get("run_as") or ()
    if not patterns:
        return False
    try:
        return any(matches_any(patterns, name) for one in administering for name in held.entries(one, NATIVE_USERS))
    except Unreadable:
        return True


def administrators(held: Actual) -> tuple[Administrator, ...]:
    """Everybody who can give themselves everything and can sign in: native users, and whom role mappings let in."""
    return tuple(sorted(_administrators(held)))


def _administrators(held: Actual) -> Iterator[Administrator]:
    users, mappings = held.of(Kind.USERS), held.of(Kind.MAPPINGS)
    roles = administering_roles(held)
    for role in roles & {*roles_of_nobody(held)}:
        yield Administrator(role, ROLES_OF_NOBODY, "by the settings of the nodes", signs_in=False)
    for role in roles:
        for name in held.entries(role, NATIVE_USERS):
            if users[name].get("enabled") is not False:
                yield Administrator(role, NATIVE_USERS, name)
    for name, mapping in mappings.items():
        if mapping.get("enabled") is not False:
            # A template may come to any role, an administrator's too.
            for role in (*(roles & set(mapping.get("roles") or ())), *by_template(mapping)):
                yield Administrator(role, Kind.MAPPINGS, name)


def asks_for(desired: Desired, administrator: Administrator) -> bool:
    if administrator.entry_list == Kind.MAPPINGS:
        return administrator.role in names_roles(
            Kind.MAPPINGS, desired.of(Kind.MAPPINGS).get(administrator.entry) or {}
        )
    if not administrator.signs_in:
        return False
    return desired.because(administrator.role, administrator.entry_list, administrator.entry) is not None


def claim_of(administrator: Administrator) -> Claim:
    if administrator.entry_list == Kind.MAPPINGS:
        return Claim(Kind.MAPPINGS, administrator.entry)
    if not administrator.signs_in:
        return Claim(NOT_SIGNED_IN, administrator.role)
    return Claim(MEMBERS, administrator.role, administrator.entry_list, administrator.entry)


def administers(held: Actual, claim: Claim, document: Json | None = None) -> bool:
    """Whether what is claimed here gives somebody the administration of the cluster; `document` in place of the one held."""
    roles = administering_roles(held)
    if claim.kind == MEMBERS:
        return claim.name in roles
    if document is None:
        document = held.get(claim.kind, claim.name) or {}
    if claim.kind == Kind.ROLES:
        return claim.name == SUPERUSER or reaches_access(document) or _acts_as(held, document, roles)
    if claim.kind == Kind.MAPPINGS:
        return bool(roles & {*(document.get("roles") or ())}) or bool(document.get("role_templates"))
    return False


def let_in_by(held: Actual, name: str) -> tuple[Claim, ...]:
    """The roles of this native user, each as the entry that gives it. Role mappings say nothing of native users."""
    roles = (held.of(Kind.USERS).get(name) or {}).get("roles") or () if name else ()
    return tuple(Claim(MEMBERS, role, NATIVE_USERS, name) for role in dict.fromkeys(roles))
