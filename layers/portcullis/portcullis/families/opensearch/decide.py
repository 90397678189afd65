"""What a caller may do and see on OpenSearch, and why: mapped roles, privileges, document filter, fields, masks.

As the Security plugin evaluates it (its rule classes for documents, fields and masks); checked against real nodes in
tests/families/opensearch/test_decide_on_node.py. Requests that touch system indices are refused by the engine whatever is decided here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from portcullis.access.actual import Actual, Json
from portcullis.access.terms import Caller
from portcullis.families.opensearch.attributes import ATTRIBUTE, fields
from portcullis.families.opensearch.callers import mapped_roles
from portcullis.families.opensearch.config import Kind
from portcullis.families.opensearch.entries import untrue_to_text
from portcullis.families.opensearch.matching import matches, matches_any
from portcullis.families.opensearch.privileges import allows

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
# What the engine refuses wherever it limits what is seen: it would have to read what the caller may not.
_NOT_UNDER_LIMITS = ("indices:data/write/update", "indices:admin/resize", "indices:admin/plugins/replication")


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What exists on the engine and how it is set."""

    indices: tuple[str, ...] = ()
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # alias or data stream -> its indices
    dfm_empty_overrides_all: bool = False
    do_not_fail_on_forbidden: bool = False
    undefined_refuses: bool = (
        True  # 3.x refuses a document filter with an undefined attribute; 2.19 keeps its text as it stands
    )
    last_entry_counts: bool = True  # 3.x: of a role's entries on one index the last one's limit; 2.19 joins them all


@dataclass(frozen=True, slots=True)
class Fields:
    """Which fields of a document are seen. `.keyword` counts as the field itself."""

    excluding: bool = True
    patterns: tuple[str, ...] = ()

    def sees(self, name: str) -> bool:
        """An object's rule holds for all that is in it."""
        parts = name.removesuffix(".keyword").split(".")
        found = any(matches_any(self.patterns, ".".join(parts[: i + 1])) for i in range(len(parts)))
        return found is not self.excluding

    @property
    def everything(self) -> bool:
        return not self.patterns if self.excluding else "*" in self.patterns


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
    held: Actual, caller: Caller, action: str, indices: Iterable[str] = (), world: EngineFacts | None = None
) -> Decision:
    """Whether the caller may do `action` (e.g. `indices:data/read/search`) on these indices, aliases or wildcards."""
    world = world or EngineFacts()
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


def _cluster_reasons(held: Actual, roles: Mapping[str, str], action: str) -> list[str]:
    return [
        f"{action} through cluster_permissions of {role}"
        for role in sorted(roles)
        if allows(held, (held.get(Kind.ROLES, role) or {}).get("cluster_permissions") or (), action)
    ]


def _resolved(asked: tuple[str, ...], world: EngineFacts) -> tuple[str, ...]:
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


def _permissions(held: Actual, role: str) -> list[Json]:
    return list((held.get(Kind.ROLES, role) or {}).get("index_permissions") or ())


def _covers(held: Actual, permission: Json, action: str) -> bool:
    return allows(held, permission.get("allowed_actions") or (), action)


def _view(held: Actual, caller: Caller, roles: Mapping[str, str], action: str, index: str, world: EngineFacts) -> View:
    # A permission on an alias or a data stream covers its members.
    names = (index, *sorted(alias for alias, members in world.aliases.items() if index in members))
    rules = [
        _Rule(role, permission, covers)
        for role in sorted(roles)
        for permission in _permissions(held, role)
        if (covers := _covered(permission, names, caller, roles))
    ]
    granting = sorted({rule.role for rule in rules if _covers(held, rule.permission, action)})
    if not granting:
        return View(index, False, (), reasons=(f"no index permission of {_names(roles)} on {index} covers {action}",))
    reasons = [f"{action} on {index} through {_names(granting)}"]
    if index not in world.indices and world.indices:
        reasons.append(f"{index} does not exist: the answer is 404, not 403")
    try:
        documents = _documents(rules, caller, roles, world, reasons)
    except _Undefined as undefined:
        return View(index, False, (), reasons=(*reasons, str(undefined)))
    seen, masks = _fields(rules, world, reasons), _masks(rules, world, reasons)
    limited = documents is not None or not seen.everything or masks
    if limited and action.startswith(_NOT_UNDER_LIMITS):
        reasons.append(f"{action} is refused where documents, fields or masks limit what is seen")
        return View(index, False, (), reasons=tuple(reasons))
    if documents is not None and action.startswith("indices:data/write/"):
        reasons.append("limits are for reading: what is not seen can be overwritten and deleted all the same")
    return View(index, True, documents, seen, masks, tuple(reasons))


@dataclass(frozen=True, slots=True)
class _Rule:
    role: str
    permission: Json
    covers: frozenset[tuple[str, str]]  # by which kind of pattern it covers which name


def _covered(
    permission: Json, names: tuple[str, ...], caller: Caller, roles: Mapping[str, str]
) -> frozenset[tuple[str, str]]:
    """By which kind of pattern the permission covers which of an index's names; the engine keeps limits apart so."""
    found = set()
    for pattern in permission.get("index_patterns") or ():
        if pattern == "*":
            found.add(("everything", "*"))
            continue
        try:
            resolved = _with_attributes(pattern, caller, roles)
        except _Undefined:
            continue  # an undefined attribute in an index pattern is no match
        how = "static" if resolved == pattern else f"dynamic {pattern}"
        found |= {(how, name) for name in names if matches(resolved, name)}
    return frozenset(found)


def _restricting(rules: list[_Rule], limit: str, world: EngineFacts, reasons: list[str], what: str) -> list[_Rule]:
    """The permissions whose limit counts. Any permission on the index does, whatever its actions.

    One without a limit lifts the others' if `dfm_empty_overrides_all` is set; else it counts for nothing beside a limited one.
    """
    limited = [rule for rule in rules if _has(rule.permission, limit)]
    free = [rule for rule in rules if not _has(rule.permission, limit)]
    if limited and free and world.dfm_empty_overrides_all:
        lifting, lifted = _names(r.role for r in free), _names(r.role for r in limited)
        reasons.append(f"{lifting} lifts the {what} of {lifted} (dfm_empty_overrides_all)")
        return []
    if world.last_entry_counts:
        limited = _last_of_each(limited, reasons, what)
    limiting = {rule.role for rule in limited}
    if without := {rule.role for rule in free} - limiting:
        if limited:
            reasons.append(f"{_names(without)} sets no limit on {what}, but {_names(limiting)} does, which counts")
    elif limited:
        reasons.append(f"{what} limited by {_names(limiting)}")
    if within := limiting & {rule.role for rule in free}:
        reasons.append(
            f"one entry of {_names(within)} sets no limit on {what}, but another of its entries does, which counts"
        )
    return limited


def _has(permission: Json, limit: str) -> bool:
    """A filter of blanks is none."""
    value = permission.get(limit)
    return bool(value.strip() if isinstance(value, str) else value)


def _last_of_each(limited: list[_Rule], reasons: list[str], what: str) -> list[_Rule]:
    """3.x keeps one limit for a role and a name: that of the last entry that covers it."""
    last = {(rule.role, *cover): rule for rule in limited for cover in sorted(rule.covers)}
    counting = [rule for rule in limited if any(last[rule.role, *cover] is rule for cover in rule.covers)]
    if passed := [rule.role for rule in limited if rule not in counting]:
        reasons.append(f"of several entries of {_names(passed)} the last one's {what} count")
    return counting


def _documents(
    rules: list[_Rule], caller: Caller, roles: Mapping[str, str], world: EngineFacts, reasons: list[str]
) -> tuple[str, ...] | None:
    limited = _restricting(rules, "dls", world, reasons, "documents")
    if not limited:
        return None
    reasons += untrue_to_text(
        (rule.permission["dls"] for rule in limited), caller.name, caller.backend_roles, caller.attributes
    )
    queries = [
        _with_attributes(rule.permission["dls"], caller, roles, strict=world.undefined_refuses) for rule in limited
    ]
    return tuple(dict.fromkeys(queries))


def _fields(rules: list[_Rule], world: EngineFacts, reasons: list[str]) -> Fields:
    limited = _restricting(rules, "fls", world, reasons, "fields")
    included, excluded = fields(dict.fromkeys(pattern for rule in limited for pattern in rule.permission["fls"]))
    if excluded and included:
        reasons.append("included fields are ignored, since others are excluded")
    if excluded or not included:
        return Fields(True, excluded)
    return Fields(False, included)


def _masks(rules: list[_Rule], world: EngineFacts, reasons: list[str]) -> tuple[str, ...]:
    limited = _restricting(rules, "masked_fields", world, reasons, "masked fields")
    if limited:
        reasons.append("masks hide text alone: numbers, true and false, and objects are shown as they are")
    return tuple(dict.fromkeys(mask for rule in limited for mask in rule.permission["masked_fields"]))


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

    return ATTRIBUTE.sub(value, text)


def _quoted(values: Iterable[str]) -> str:
    return ",".join(json.dumps(value, ensure_ascii=False) for value in values)


def _names(roles: Iterable[str]) -> str:
    return ", ".join(sorted(set(roles)))
