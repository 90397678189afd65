"""What a caller may do and see on OpenSearch, and why: mapped roles, privileges, document filter, fields, masks.

As the Security plugin evaluates it (its rule classes for documents, fields and masks); checked against real nodes in
tests/access/test_decide_on_node.py. Requests that touch system indices are refused by the engine whatever is decided here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from portcullis.access.callers import Caller, mapped_roles
from portcullis.access.config import Held, Json, Kind
from portcullis.access.matching import matches, matches_any
from portcullis.access.privileges import allows

# Actions whose name begins with `indices:` and that need a cluster permission all the same.
_CLUSTER_EXACT = frozenset(
    {"indices:data/write/bulk", "indices:data/read/mget", "indices:data/read/mtv", "indices:data/write/reindex"}
)
_CLUSTER_PREFIX = (
    "cluster:",
    "indices:admin/template/",
    "indices:admin/index_template/",
    "indices:data/read/scroll",
    "indices:data/read/msearch",
)
_ATTRIBUTE = re.compile(r"\$\{([^}]+)\}")


@dataclass(frozen=True, slots=True)
class World:
    """What exists on the engine and how it is set."""

    indices: tuple[str, ...] = ()
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # alias or data stream -> its indices
    dfm_empty_overrides_all: bool = False
    do_not_fail_on_forbidden: bool = False
    undefined_refuses: bool = (
        True  # 3.x refuses a document filter with an undefined attribute; 2.19 keeps its text as it stands
    )


@dataclass(frozen=True, slots=True)
class Fields:
    """Which fields of a document are seen. `.keyword` counts as the field itself."""

    excluding: bool = True
    patterns: tuple[str, ...] = ()

    def sees(self, name: str) -> bool:
        return matches_any(self.patterns, name.removesuffix(".keyword")) is not self.excluding


@dataclass(frozen=True, slots=True)
class View:
    """How one index looks to the caller."""

    index: str
    allowed: bool
    documents: tuple[str, ...] | None = None  # queries, OR-ed; None: all documents; (): none
    fields: Fields = field(default_factory=Fields)
    masks: tuple[str, ...] = ()  # masking rules; the first that matches a field wins
    reasons: tuple[str, ...] = ()

    def mask_of(self, name: str) -> str | None:
        """The masking rule of a field, or None. A field that is not seen is not masked either."""
        plain = name.removesuffix(".keyword")
        if not self.fields.sees(name):
            return None
        return next((rule for rule in self.masks if matches(rule.split("::")[0], plain)), None)


@dataclass(frozen=True, slots=True)
class Decision:
    allowed: bool
    views: tuple[View, ...] = ()  # of the indices asked for; empty for a cluster action
    roles: Mapping[str, str] = field(default_factory=dict)  # role -> why the caller has it
    reasons: tuple[str, ...] = ()

    @property
    def visible(self) -> tuple[str, ...]:
        """The indices the request reaches."""
        return tuple(view.index for view in self.views if view.allowed) if self.allowed else ()


class _Undefined(Exception):
    """An attribute that the caller does not have."""


def decide(
    held: Held, caller: Caller, action: str, indices: Iterable[str] = (), world: World | None = None
) -> Decision:
    """Whether the caller may do `action` (e.g. `indices:data/read/search`) on these indices, aliases or wildcards."""
    world = world or World()
    roles = mapped_roles(held, caller)
    if not roles:
        return Decision(False, roles=roles, reasons=(f"{caller.name} is mapped to no role",))
    if _is_cluster_action(action):
        reasons = _cluster_reasons(held, roles, action)
        refusal = (f"no cluster permission of {_names(roles)} covers {action}",)
        return Decision(bool(reasons), roles=roles, reasons=tuple(reasons) or refusal)
    views = tuple(_view(held, caller, roles, action, index, world) for index in _resolved(tuple(indices), world))
    refused = [view for view in views if not view.allowed]
    allowed = bool(views) and (not refused or (world.do_not_fail_on_forbidden and len(refused) < len(views)))
    if not views:
        # A wildcard that matches nothing reaches nothing, and is no failure if the action is permitted anywhere at all.
        anywhere = [name for name in roles if any(_covers(held, p, action) for p in _permissions(held, name))]
        why = "no index matches" if anywhere else f"no index permission of {_names(roles)} covers {action}"
        return Decision(bool(anywhere), roles=roles, reasons=(why,))
    reasons = [reason for view in views for reason in view.reasons]
    if refused and not allowed and len(refused) < len(views):
        reasons.append("one index that is refused refuses the whole request")
    return Decision(allowed, views, roles, tuple(dict.fromkeys(reasons)))


def _is_cluster_action(action: str) -> bool:
    return action in _CLUSTER_EXACT or action.startswith(_CLUSTER_PREFIX)


def _cluster_reasons(held: Held, roles: Mapping[str, str], action: str) -> list[str]:
    return [
        f"{action} through cluster_permissions of {role}"
        for role in sorted(roles)
        if allows(held, (held.get(Kind.ROLES, role) or {}).get("cluster_permissions") or (), action)
    ]


def _resolved(asked: tuple[str, ...], world: World) -> tuple[str, ...]:
    """Names of indices: wildcards and aliases resolved, a name that does not exist kept."""
    found: dict[str, None] = {}
    for name in asked or ("*",):
        if "*" in name:
            wild = [index for index in world.indices if matches(name, index)]
            wild += [m for alias, members in sorted(world.aliases.items()) if matches(name, alias) for m in members]
            found |= dict.fromkeys(wild)
        else:
            found |= dict.fromkeys(world.aliases.get(name, (name,)))
    return tuple(found)


def _permissions(held: Held, role: str) -> list[Json]:
    return list((held.get(Kind.ROLES, role) or {}).get("index_permissions") or ())


def _covers(held: Held, permission: Json, action: str) -> bool:
    return allows(held, permission.get("allowed_actions") or (), action)


def _view(held: Held, caller: Caller, roles: Mapping[str, str], action: str, index: str, world: World) -> View:
    # A permission on an alias or a data stream covers its members.
    names = (index, *sorted(alias for alias, members in world.aliases.items() if index in members))
    rules = [
        (role, permission)
        for role in sorted(roles)
        for permission in _permissions(held, role)
        if _matches_index(permission, names, caller, roles)
    ]
    granting = sorted({role for role, permission in rules if _covers(held, permission, action)})
    if not granting:
        return View(index, False, (), reasons=(f"no index permission of {_names(roles)} on {index} covers {action}",))
    reasons = [f"{action} on {index} through {_names(granting)}"]
    if index not in world.indices and world.indices:
        reasons.append(f"{index} does not exist: the answer is 404, not 403")
    try:
        documents = _documents(rules, caller, roles, world, reasons)
    except _Undefined as undefined:
        return View(index, False, (), reasons=(*reasons, str(undefined)))
    return View(index, True, documents, _fields(rules, world, reasons), _masks(rules, world, reasons), tuple(reasons))


def _matches_index(permission: Json, names: tuple[str, ...], caller: Caller, roles: Mapping[str, str]) -> bool:
    for pattern in permission.get("index_patterns") or ():
        try:
            resolved = _with_attributes(pattern, caller, roles)
        except _Undefined:
            continue  # an undefined attribute in an index pattern is no match
        if any(matches(resolved, name) for name in names):
            return True
    return False


def _restricting(
    rules: list[tuple[str, Json]], limit: str, world: World, reasons: list[str], what: str
) -> list[tuple[str, Json]]:
    """The permissions whose limit counts. Any permission on the index does, whatever its actions.

    One without a limit lifts the others' if `dfm_empty_overrides_all` is set; else it counts for nothing beside a limited one.
    """
    limited = [(role, permission) for role, permission in rules if permission.get(limit)]
    free = sorted({role for role, permission in rules if not permission.get(limit)})
    if limited and free and world.dfm_empty_overrides_all:
        reasons.append(f"{_names(free)} lifts the {what} of {_names(r for r, _ in limited)} (dfm_empty_overrides_all)")
        return []
    if limited and free:
        reasons.append(
            f"{_names(free)} sets no limit on {what}, but {_names(r for r, _ in limited)} does, which counts"
        )
    elif limited:
        reasons.append(f"{what} limited by {_names(r for r, _ in limited)}")
    return limited


def _documents(
    rules: list[tuple[str, Json]], caller: Caller, roles: Mapping[str, str], world: World, reasons: list[str]
) -> tuple[str, ...] | None:
    limited = _restricting(rules, "dls", world, reasons, "documents")
    if not limited:
        return None
    queries = [_with_attributes(p["dls"], caller, roles, strict=world.undefined_refuses) for _, p in limited]
    return tuple(dict.fromkeys(queries))


def _fields(rules: list[tuple[str, Json]], world: World, reasons: list[str]) -> Fields:
    limited = _restricting(rules, "fls", world, reasons, "fields")
    patterns = dict.fromkeys(p for _, permission in limited for p in permission["fls"])
    excluded = tuple(p[1:] for p in patterns if p.startswith(("~", "!")))
    included = tuple(p for p in patterns if not p.startswith(("~", "!")))
    if excluded and included:
        reasons.append("included fields are ignored, since others are excluded")
    if excluded or not included:
        return Fields(True, excluded)
    return Fields(False, included)


def _masks(rules: list[tuple[str, Json]], world: World, reasons: list[str]) -> tuple[str, ...]:
    limited = _restricting(rules, "masked_fields", world, reasons, "masked fields")
    return tuple(dict.fromkeys(rule for _, permission in limited for rule in permission["masked_fields"]))


def _with_attributes(text: str, caller: Caller, roles: Mapping[str, str], *, strict: bool = True) -> str:
    def value(found: re.Match[str]) -> str:
        name = found[1]
        known = {
            "user.name": caller.name,
            "user.roles": _quoted(caller.backend_roles),
            "user.securityRoles": _quoted(sorted(roles)),
        } | caller.attributes
        # The older spelling: ${user_name}.
        plain = name.replace("user_", "user.", 1)
        if plain not in known and not strict:
            return found[0]
        if plain not in known:
            raise _Undefined(
                f"${{{name}}} is undefined for {caller.name}, so the document filter cannot be made: refused"
            )
        return known[plain]

    return _ATTRIBUTE.sub(value, text)


def _quoted(values: Iterable[str]) -> str:
    return ",".join(json.dumps(value, ensure_ascii=False) for value in values)


def _names(roles: Iterable[str]) -> str:
    return ", ".join(sorted(set(roles)))
