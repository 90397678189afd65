"""What a role says by itself: permissions, patterns, document queries, field rules, masks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from portcullis.model import names
from portcullis.model.access_types import IndexPermission
from portcullis.model.findings import Finding, found
from portcullis.model.lint_filters import document_filter
from portcullis.model.parts import Path
from portcullis.model.presets import ACTIONS
from portcullis.model.types import Deployment

_DIGESTS = frozenset(
    (
        *("MD2", "MD5", "SHA", "SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512", "SHA-512/224", "SHA-512/256"),
        *("SHA3-224", "SHA3-256", "SHA3-384", "SHA3-512"),
    )
)  # the hashes of a Java runtime
_LONGEST = 256
_PLUGIN_DEPTH = 3


def roles(deployment: Deployment) -> Iterator[Finding]:
    """Findings about the roles, action groups and levels of a deployment file."""
    for name, role in deployment.access.roles.items():
        here: Path = ("access", "roles", name)
        yield from _permissions(deployment, (*here, "cluster_permissions"), role.cluster_permissions, "cluster")
        for i, entry in enumerate(role.index_permissions):
            at = (*here, "index_permissions", i)
            yield from _permissions(deployment, (*at, "allowed_actions"), entry.allowed_actions, "index")
            yield from _entry(deployment, at, entry)
        yield from _long(deployment, here, role.model_dump(mode="json"))
    for name, group in deployment.access.action_groups.items():
        yield from _permissions(
            deployment, ("access", "action_groups", name, "allowed_actions"), group.allowed_actions, ""
        )
    if deployment.access.levels:
        yield from _system(deployment, ("access", "levels", "indices"), deployment.access.levels.indices)
        for name, spec in deployment.access.levels.define.items():
            yield from _system(deployment, ("access", "levels", "define", name, "indices"), spec.indices or ())
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


def _permissions(deployment: Deployment, path: Path, permissions: tuple[str, ...], used_for: str) -> Iterator[Finding]:
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
            other = "cluster_permissions" if used_for == "index" else "index_permissions"
            yield found(
                deployment,
                "permission-place",
                (*path, i),
                f"{permission} has no effect among {used_for} permissions",
                f"it belongs to {other}",
            )
        if group is None and ":" in permission and not _is_known(permission, known.permissions):
            yield found(
                deployment,
                "unknown-permission",
                (*path, i),
                f"{deployment.engine} is not known to have the permission {names.shown(permission)}",
                _near(permission, known.permissions),
            )


def _is_known(permission: str, known: frozenset[str]) -> bool:
    if "*" in permission or "?" in permission:
        pattern = permission.replace("[", "[[]")
        return any(fnmatchcase(name, pattern) for name in known) or permission in known
    # A plugin's permissions are known by its wildcard alone (cluster:admin/opensearch/ml/*); the engine's own are all there by name.
    plugins = (name for name in known if name.endswith("*") and name.count("/") >= _PLUGIN_DEPTH)
    return permission in known or any(permission.startswith(name[:-1]) for name in plugins)


def _near(permission: str, known: frozenset[str]) -> str:
    close = names.did_you_mean(permission, known)
    return (
        close if close.startswith("did") else "is it one of a plugin's, spelled right? Names are checked by nobody else"
    )


def _entry(deployment: Deployment, at: Path, entry: IndexPermission) -> Iterator[Finding]:
    yield from _system(deployment, (*at, "index_patterns"), entry.index_patterns)
    if entry.dls is not None:
        yield from document_filter(deployment, (*at, "dls"), entry.dls)
    includes = [f for f in entry.fls if not f.startswith("~")]
    excludes = [f[1:] for f in entry.fls if f.startswith("~")]
    if includes and excludes:
        yield found(
            deployment,
            "fls-includes-ignored",
            (*at, "fls"),
            f"as soon as a field is excluded (~{excludes[0]}) the included ones ({', '.join(includes[:3])}) do not count",
            "either fields that are seen, or ~fields that are not",
        )
    for i, mask in enumerate(entry.masked_fields):
        if problem := _mask_problem(mask):
            yield found(
                deployment,
                "mask-invalid",
                (*at, "masked_fields", i),
                f"{names.shown(mask)}: {problem}",
                "field, field::SHA-512, or field::/regex/::replacement, the last two repeated as needed",
            )
        field = mask.partition("::")[0]
        hidden = (
            any(names.matches(f, field) for f in excludes)
            if excludes
            else bool(includes) and not any(names.matches(f, field) for f in includes)
        )
        if hidden:
            yield found(
                deployment,
                "mask-and-hidden",
                (*at, "masked_fields", i),
                f"{field} is masked, but not seen at all",
                "leave out the mask or the field rule",
            )


def _mask_problem(mask: str) -> str:
    """What the engine would say against a masking rule; empty if it takes it (measured on 2.19.3 and 3.4.0)."""
    field, *rest = mask.split("::")
    if not field:
        return "no field is named"
    if not rest:
        return ""
    if len(rest) == 1:
        if rest[0] in _DIGESTS:
            return ""
        return (
            "a regular expression without a replacement"
            if rest[0].startswith("/")
            else f"no such hash; {names.did_you_mean(rest[0], _DIGESTS)}"
        )
    if len(rest) % 2:
        return "a regular expression without a replacement"
    for expression in rest[::2]:
        if len(expression) < 3 or not (expression.startswith("/") and expression.endswith("/")):
            return f"{names.shown(expression)} is no /regular expression/"
        try:
            # Java's and Python's expressions differ at the edges; possessive quantifiers and \p{..} are left to the engine.
            if "\\p" not in expression and not re.search(r"[*+?}]\+", expression):
                re.compile(expression[1:-1])
        except re.error as error:
            return f"{names.shown(expression)}: {error}"
    return ""


def _system(deployment: Deployment, path: Path, patterns: tuple[str, ...]) -> Iterator[Finding]:
    for pattern in patterns:
        covered = [index for index in names.SYSTEM_INDICES if names.matches(pattern, index)]
        if covered and not pattern.startswith("."):
            yield found(
                deployment,
                "system-indices",
                path,
                f"{names.shown(pattern)} covers the engine's own indices too, {covered[0]} among them",
                "name your indices (app-*), or accept it: accept: {system-indices: why}",
            )


def _long(deployment: Deployment, path: Path, value: Any) -> Iterator[Finding]:
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
