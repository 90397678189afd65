"""What a role says by itself: permissions, patterns, document queries, field rules, masks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from portcullis.access.actual import Json
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.granting.privileges import expand
from portcullis.families.opensearch.names.matching import is_pattern, matches_any
from portcullis.families.opensearch.requesting.actions import is_cluster_action
from portcullis.model import names
from portcullis.model.access_types import TenantPermission
from portcullis.model.lints.findings import Finding, found
from portcullis.model.lints.limiting.lint_fields import fields_and_masks
from portcullis.model.lints.limiting.lint_filters import document_filter
from portcullis.model.lints.lint_entries import entries
from portcullis.model.lints.lint_patterns import index_patterns, tenant_patterns
from portcullis.model.parts import Path
from portcullis.model.presets import ACTIONS
from portcullis.model.types import OnDomain
from portcullis.words import many

_LONGEST = 256
_PLUGIN_DEPTH = 3
_NAMED = 5  # actions in one finding


def roles(deployment: OnDomain) -> Iterator[Finding]:
    """Findings about the roles, action groups and levels of a deployment file."""
    groups = SecurityConfig({Kind.ACTION_GROUPS: {**deployment.known.action_groups, **_own_groups(deployment)}})
    for name, role in deployment.access.roles.items():
        here: Path = ("access", "roles", name)
        yield from _permissions(deployment, (*here, "cluster_permissions"), role.cluster_permissions, "cluster", groups)
        for i, entry in enumerate(role.index_permissions):
            at = (*here, "index_permissions", i)
            yield from _permissions(deployment, (*at, "allowed_actions"), entry.allowed_actions, "index", groups)
            yield from index_patterns(deployment, (*at, "index_patterns"), entry.index_patterns)
            if entry.dls is not None:
                yield from document_filter(deployment, (*at, "dls"), entry.dls)
            yield from fields_and_masks(deployment, at, entry)
        yield from entries(deployment, (*here, "index_permissions"), name, role.index_permissions, groups)
        yield from _tenants(deployment, (*here, "tenant_permissions"), role.tenant_permissions, groups)
        yield from _long(deployment, here, role.model_dump(mode="json"))
    for name, group in deployment.access.action_groups.items():
        yield from _permissions(
            deployment, ("access", "action_groups", name, "allowed_actions"), group.allowed_actions, "", groups
        )
    if deployment.access.levels:
        yield from index_patterns(deployment, ("access", "levels", "indices"), deployment.access.levels.indices)
        for name, spec in deployment.access.levels.define.items():
            yield from index_patterns(deployment, ("access", "levels", "define", name, "indices"), spec.indices or ())
    granted = {g.level for g in deployment.access.grants}
    for level, its in deployment.levels.items():
        lost = [p for p in its.privileges if ACTIONS[p] is None]
        if level in granted and lost:
            yield found(
                deployment,
                "lost-privilege",
                ("access", "levels", "define", level, "privileges"),
                f"the level {level} has {', '.join(lost)}, which this engine has nothing for",
                "leave it out, or say what is meant with a role of your own",
            )


def _own_groups(deployment: OnDomain) -> dict[str, Json]:
    return {name: group.model_dump(mode="json") for name, group in deployment.access.action_groups.items()}


def _permissions(
    deployment: OnDomain, path: Path, permissions: tuple[str, ...], used_for: str, groups: SecurityConfig
) -> Iterator[Finding]:
    known = deployment.known
    for i, permission in enumerate(permissions):
        group = known.action_groups.get(permission)
        kind = group.get("type") if group else None
        if permission in deployment.access.action_groups:
            kind = deployment.access.action_groups[permission].type
        elif group is None and ":" not in permission and "*" not in permission:
            continue  # refused when loaded
        elif group is None and permission.startswith("cluster:"):
            kind = "cluster"
        # Some index actions are asked for on the cluster (bulk, scroll, templates, points in time): only the plain groups are wrong there.
        plain = kind == "index" and (group is not None) and permission != "manage_point_in_time"
        if (used_for == "index" and kind == "cluster") or (used_for == "cluster" and plain):
            yield _misplaced(deployment, (*path, i), permission, used_for, groups)
        own = permission in deployment.access.action_groups
        if (
            group is None
            and not own
            and (":" in permission or "*" in permission)
            and not _is_known(permission, known.permissions)
        ):
            yield found(
                deployment,
                "unknown-permission",
                (*path, i),
                f"{deployment.engine} is not known to have the permission {names.shown(permission)}",
                _near(permission, known.permissions),
            )


def _is_known(permission: str, known: frozenset[str]) -> bool:
    if is_pattern(permission):
        return permission in known or any(names.matches(permission, name) for name in known)
    # A plugin's permissions are known by its wildcard alone (cluster:admin/opensearch/ml/*); the engine's own are all there by name.
    plugins = (name for name in known if name.endswith("*") and name.count("/") >= _PLUGIN_DEPTH)
    return permission in known or any(permission.startswith(name[:-1]) for name in plugins)


def _near(permission: str, known: frozenset[str]) -> str:
    """A known name that differs in one of its parts. What is otherwise in two is another plugin's as likely as a slip."""
    parts = permission.split("/")
    alike = {one for one in known if _parts_apart(parts, one.split("/")) == 1}
    close = names.did_you_mean(permission, alike)
    return (
        close if close.startswith("did") else "is it one of a plugin's, spelled right? Names are checked by nobody else"
    )


def _parts_apart(one: list[str], other: list[str]) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True)) if len(one) == len(other) else len(one)


def _misplaced(deployment: OnDomain, path: Path, permission: str, used_for: str, groups: SecurityConfig) -> Finding:
    """A group has actions of both kinds: what the engine asks of the cluster counts among cluster permissions, whoever else it is about."""
    other = "cluster_permissions" if used_for == "index" else "index_permissions"
    patterns = expand(groups, [permission])
    wanted = used_for == "cluster"
    counts = sorted(
        name
        for name in deployment.known.permissions
        if not is_pattern(name) and is_cluster_action(name) is wanted and matches_any(patterns, name)
    )
    if not counts:
        says, remedy = f"{permission} has no effect among {used_for} permissions", f"it belongs to {other}"
    else:
        more = f" and {many(len(counts) - _NAMED, 'other')}" if len(counts) > _NAMED else ""
        says = f"of {permission} these alone count among {used_for} permissions: {', '.join(counts[:_NAMED])}{more}"
        remedy = f"for the rest it belongs to {other}; name what is meant here"
    return found(deployment, "permission-place", path, says, remedy)


_WRITES_TENANT = "kibana:saved_objects/*/write"  # the engine looks for this very word, groups resolved


def _tenants(
    deployment: OnDomain, path: Path, permissions: tuple[TenantPermission, ...], groups: SecurityConfig
) -> Iterator[Finding]:
    for i, entry in enumerate(permissions):
        yield from tenant_patterns(deployment, (*path, i, "tenant_patterns"), entry.tenant_patterns)
        resolved = expand(groups, entry.allowed_actions)
        if resolved and (_WRITES_TENANT in resolved or all(action.endswith("/read") for action in resolved)):
            continue
        given = ", ".join(entry.allowed_actions) or "no action"
        yield found(
            deployment,
            "tenant-read-only",
            (*path, i, "allowed_actions"),
            f"{given} lets the tenant be read and no more: the engine asks for {_WRITES_TENANT} alone",
            "kibana_all_write to edit, kibana_all_read to look",
        )


def _long(deployment: OnDomain, path: Path, value: Any) -> Iterator[Finding]:
    """Strings that OpenSearch 3.8 refuses."""
    if isinstance(value, str):
        if len(value) > _LONGEST:
            major, minor = (int(n) for n in re.findall(r"\d+", deployment.engine)[:2])
            now = deployment.engine.startswith("OpenSearch") and (major, minor) >= (3, 8)
            refused = "OpenSearch 3.8 refuses" if now else "OpenSearch from 3.8 on refuses"
            yield found(
                deployment,
                "long-string",
                path,
                f"a string of {len(value)} characters: {refused} more than {_LONGEST}",
                "shorten it; a long document-level query can often be one field set at indexing time",
            )
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _long(deployment, (*path, key), inner)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _long(deployment, (*path, i), inner)
