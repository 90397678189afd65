"""A change in words: who gains and who loses what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from portcullis.access.actual import Actual, Json
from portcullis.access.effect import Access, Effect
from portcullis.families.opensearch.documents.config import ADMINISTRATOR_ROLES, Kind
from portcullis.families.opensearch.granting.mappings import DIRECT
from portcullis.families.opensearch.granting.privileges import expand
from portcullis.families.opensearch.names.matching import matches_any

_ADMIN, _CLUSTER, _INDEX, _TENANT, _BARE = "administration", "cluster", "index", "tenant", "bare"
NOTHING = "nothing"  # stands for the actions of a permission without any: its limits may still bound other roles


@dataclass(frozen=True, slots=True)
class _Ground:
    """Where actions are allowed: one principal, one role, one pattern, under the same limits."""

    who: str
    role: str
    kind: str
    pattern: str = ""
    limits: str = ""


_Grounds = Mapping[_Ground, frozenset[str]]  # ground -> names of permissions and action groups


def people(before: Actual, after: Actual) -> Effect:
    """What the change from `before` to `after` means for people, pattern by pattern and action by action.

    What is still allowed under the same limits, by whatever name, is neither gained nor lost. Other limits are another access: the one is
    gained, the other lost. A principal that has the same through several entries of one role is named once an entry: entries are what
    can be removed.
    """
    roles = _concerned(before, after)
    had, has = _grounds(before, roles), _grounds(after, roles)
    return Effect(_more(before, had, after, has), _more(after, has, before, had))


def holders(held: Actual, role: str) -> tuple[str, ...]:
    """Whom a role is given to, as entries."""
    found = [e for name in ("users", "backend_roles", "hosts") for e in held.entries(role, name)]
    if needed := held.entries(role, "and_backend_roles"):
        found.append(" and ".join(needed))
    given = (n for n, u in held.of(Kind.USERS).items() if role in (u.get(DIRECT) or ()))
    return tuple(dict.fromkeys([*found, *sorted(given)]))


def _concerned(before: Actual, after: Actual) -> set[str]:
    """Roles that mean something else afterwards, or are given to others."""
    direct = [{name: u.get(DIRECT) or () for name, u in held.of(Kind.USERS).items()} for held in (before, after)]
    given = {role for users in direct for roles in users.values() for role in roles}
    roles = {*before.of(Kind.MAPPINGS), *after.of(Kind.MAPPINGS), *given}
    if before.of(Kind.ACTION_GROUPS) != after.of(Kind.ACTION_GROUPS):
        return roles
    kinds = (Kind.ROLES, Kind.MAPPINGS)
    return {
        role
        for role in roles
        if (role in given and direct[0] != direct[1])
        or any(before.get(kind, role) != after.get(kind, role) for kind in kinds)
    }


def _grounds(held: Actual, roles: Iterable[str]) -> _Grounds:
    found: defaultdict[_Ground, set[str]] = defaultdict(set)
    for role in roles:
        document = held.get(Kind.ROLES, role)
        if role in ADMINISTRATOR_ROLES:
            for who in holders(held, role):
                found[_Ground(who, role, _ADMIN)].add(_ADMIN)
        if document is not None:
            grounds = list(of_role(document))
            for who in holders(held, role):
                for kind, pattern, limited, names in grounds:
                    found[_Ground(who, role, kind, pattern, limited)].update(names)
    return {ground: frozenset(names) for ground, names in found.items()}


def of_role(document: Json) -> Iterator[tuple[str, str, str, Iterable[str]]]:
    """Kind of ground, pattern, limits, names."""
    if cluster := document.get("cluster_permissions"):
        yield _CLUSTER, "", "", cluster
    for permission in document.get("index_permissions") or ():
        for pattern in permission.get("index_patterns") or ("no index",):
            yield _INDEX, pattern, limits(permission), permission.get("allowed_actions") or (NOTHING,)
    for permission in document.get("tenant_permissions") or ():
        for pattern in permission.get("tenant_patterns") or ():
            yield _TENANT, pattern, "", permission.get("allowed_actions") or (NOTHING,)
    if not any(document.get(k) for k in ("cluster_permissions", "index_permissions", "tenant_permissions")):
        yield _BARE, "", "", ()


def _more(one: Actual, had: _Grounds, other: Actual, has: _Grounds) -> tuple[Access, ...]:
    """What is allowed by `has` (names as in `other`) and is not by `had` (as in `one`)."""
    before, after = _meaning(one), _meaning(other)
    held_role = {(ground.who, ground.role) for ground in had}
    patterns: defaultdict[tuple[_Ground, frozenset[str]], list[str]] = defaultdict(list)
    for ground, names in has.items():
        known = had.get(ground, frozenset())
        if ground.kind == _BARE:
            if (ground.who, ground.role) not in held_role:
                patterns[ground, names].append("")
            continue
        allowed = before(known)
        new = frozenset(n for n in names if not all(allowed_whole(a, allowed) for a in after(frozenset({n}))))
        if new:
            patterns[_Ground(ground.who, ground.role, ground.kind, "", ground.limits), new].append(ground.pattern)
    return tuple(sorted(_said(ground, names, found) for (ground, names), found in patterns.items()))


def _meaning(held: Actual) -> Callable[[frozenset[str]], frozenset[str]]:
    return cache(lambda names: expand(held, names))


@lru_cache(maxsize=4096)
def allowed_whole(action: str, allowed: frozenset[str]) -> bool:
    """Whether a pattern of actions is allowed whole. Two stars stand for one, so that no `?` covers a `*`."""
    return action in allowed or matches_any(allowed, action.replace("*", "**"))


def _said(ground: _Ground, names: frozenset[str], patterns: list[str]) -> Access:
    words = {
        _ADMIN: "administration of the domain",
        _CLUSTER: f"cluster permissions {_names(names)}",
        _INDEX: f"{_names(names)} on {_names(patterns)}",
        _TENANT: f"{_names(names)} in tenant {_names(patterns)}",
        _BARE: "a role without permissions",
    }
    return Access(ground.who, ground.role, words[ground.kind], ground.limits)


def limits(permission: Json) -> str:
    """The limits of an index permission in words; empty if there are none."""
    found = []
    if permission.get("dls"):
        found.append(f"only documents that match {permission['dls']}")
    fields = permission.get("fls") or ()
    if without := [f[1:] for f in fields if f.startswith(("~", "!"))]:
        found.append(f"without the fields {_names(without)}")
    elif fields:
        found.append(f"only the fields {_names(fields)}")
    if masked := permission.get("masked_fields"):
        found.append(f"masked: {', '.join(masked)}")  # in order: the first that matches wins
    return ", ".join(found)


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
