"""What a deployment file's types cannot see: names that point to nothing, definitions that cannot be, contradictions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from portcullis.access.plan import By, SubjectKind
from portcullis.model.data_nodes import refused
from portcullis.model.elasticsearch.references import of_cluster
from portcullis.model.elasticsearch.types import OnCluster
from portcullis.model.lints.pointing import pointing
from portcullis.model.names import (
    NOT_IN_SIGN_IN_PAGES,
    ROLES_OF_DOMAINS,
    Wrong,
    check_subject,
    did_you_mean,
    shown,
)
from portcullis.model.parts import PERMISSION, Path
from portcullis.model.presets import ACTIONS, level_role
from portcullis.model.types import Configuration, Deployment, OnDomain


def references(deployment: Deployment) -> Iterator[tuple[Path, Wrong]]:
    """All of it, as (key path, what is wrong there)."""
    yield from _sign_in_page(deployment)
    if isinstance(deployment, OnCluster):
        yield from of_cluster(deployment)
    elif isinstance(deployment, OnDomain):
        yield from _of_domain(deployment)


def _sign_in_page(deployment: Deployment) -> Iterator[tuple[Path, Wrong]]:
    """A user pool has a sign-in page that is named after its deployment."""
    asks = isinstance(deployment, OnDomain) and deployment.domain.configuration is Configuration.COGNITO
    word = next((word for word in NOT_IN_SIGN_IN_PAGES if word in deployment.deployment), "")
    if word and (asks or deployment.identity.cognito is not None):
        yield (
            ("deployment",),
            Wrong(
                f"{shown(word)} stands in {deployment.deployment}, and Cognito takes no sign-in page whose name it stands in",
                "another name for the deployment",
            ),
        )


def _roles_of_groups(deployment: OnDomain) -> Iterator[tuple[Path, Wrong]]:
    """Groups whose role would be called like another one of the deployment's. IAM tells no names apart by case."""
    cognito = deployment.identity.cognito
    taken = dict.fromkeys(ROLES_OF_DOMAINS, "every domain")
    for group in [name for name, spec in cognito.groups.items() if spec.role] if cognito else ():
        if (other := taken.setdefault(group.lower(), f"the group {group}")) != f"the group {group}":
            yield (
                ("identity", "cognito", "groups", group),
                Wrong(
                    f"the IAM role portcullis-{deployment.deployment}-{group} is wanted twice, here and by {other}",
                    "another name for the group, or no role of its own",
                ),
            )


def _of_domain(deployment: OnDomain) -> Iterator[tuple[Path, Wrong]]:
    access, identity = deployment.access, deployment.identity
    roles = {*access.roles, *deployment.known.roles}
    for key, wrong in refused(deployment.engine, deployment.domain.data_nodes):
        yield ("domain", "data_nodes", key), wrong
    yield from _roles_of_groups(deployment)
    yield from _definitions(deployment)
    yield from pointing(deployment, roles, access.users)
    groups = identity.cognito.groups if identity.cognito else {}
    for i, grant in enumerate(access.grants):
        here: Path = ("access", "grants", i)
        subject, to = grant.to.subject, (*here, "to", grant.to.subject.kind.value)
        by_role = grant.to.by is By.ROLE and subject.name in groups
        if subject.kind is SubjectKind.COGNITO_GROUP and by_role and not groups[subject.name].role:
            yield (
                (*here, "to", "by"),
                Wrong(
                    f"the group {shown(subject.name)} has no role of its own",
                    f"identity.cognito.groups: {{{subject.name}: {{role: true}}}}, or leave out by",
                ),
            )
        if subject.kind is SubjectKind.IDENTITY_CENTER_GROUP:
            yield (
                to,
                Wrong(
                    "a group of IAM Identity Center cannot be granted anything: no sign-in to the domains of these stacks gives its"
                    " members' names, so nobody would be let in, or somebody else of that name",
                    "grant to the role of its permission set (iam_role: AWSReservedSSO_…), or to a Cognito group",
                ),
            )
    plain_roles: list[tuple[Path, str]] = [
        *(
            (("access", "and_backend_roles", r, i), e)
            for r, es in access.and_backend_roles.items()
            for i, e in enumerate(es)
        ),
        *(
            (("access", "users", n, "backend_roles", i), e)
            for n, u in access.users.items()
            for i, e in enumerate(u.backend_roles)
        ),
    ]
    for path, entry in plain_roles:
        try:
            check_subject(SubjectKind.BACKEND_ROLE, entry)
        except Wrong as wrong:
            yield path, wrong
    for role, entries in access.and_backend_roles.items():
        if not entries:
            yield (
                ("access", "and_backend_roles", role),
                Wrong("names no backend role, so nobody has the role by it", "the backend roles, or leave it out"),
            )
        if role not in roles:
            yield (
                ("access", "and_backend_roles", role),
                Wrong(f"there is no role {shown(role)}", did_you_mean(role, roles)),
            )


def _definitions(deployment: OnDomain) -> Iterator[tuple[Path, Wrong]]:
    """Roles, action groups, tenants and levels that cannot be as they are defined."""
    access, known = deployment.access, deployment.known
    taken: tuple[tuple[str, Any, Any], ...] = (
        ("roles", access.roles, known.roles),
        ("action_groups", access.action_groups, known.action_groups),
        ("tenants", access.tenants, known.tenants),
    )
    for key, declared, predefined in taken:
        for name in declared:
            if name in predefined:
                yield (
                    ("access", key, name),
                    Wrong(f"{shown(name)} is the engine's own and cannot be changed", "choose another name"),
                )
    groups = {*access.action_groups, *known.action_groups}
    for name, role in access.roles.items():
        here: Path = ("access", "roles", name)
        if name.startswith("portcullis_"):
            yield (
                here,
                Wrong(
                    f"{shown(name)} is kept for Portcullis itself", "choose a name that does not begin with portcullis_"
                ),
            )
        if name.startswith("level_") and name.removeprefix("level_") in deployment.levels:
            yield (
                here,
                Wrong(
                    f"{shown(name)} is the role of a level",
                    "choose another name, or change the level in access.levels.define",
                ),
            )
        yield from _actions(role.cluster_permissions, (*here, "cluster_permissions"), groups)
        for i, entry in enumerate(role.index_permissions):
            yield from _actions(entry.allowed_actions, (*here, "index_permissions", i, "allowed_actions"), groups)
        for i, tenant in enumerate(role.tenant_permissions):
            yield from _actions(tenant.allowed_actions, (*here, "tenant_permissions", i, "allowed_actions"), groups)
    named = {*access.roles, *known.roles, *(level_role(level) for level in deployment.levels)}
    for name, group in access.action_groups.items():
        here = ("access", "action_groups", name)
        if name in named or name.startswith("portcullis_"):
            yield (
                here,
                Wrong(
                    f"{shown(name)} is the name of a role, and the engine refuses an action group called so",
                    "another name",
                ),
            )
        if not re.fullmatch(PERMISSION, name):
            yield (
                here,
                Wrong(f"no list of permissions can name {shown(name)}", "letters, digits and _ : . - without spaces"),
            )
        yield from _actions(group.allowed_actions, ("access", "action_groups", name, "allowed_actions"), groups)
        if name in group.allowed_actions:
            yield (
                ("access", "action_groups", name, "allowed_actions"),
                Wrong(f"the action group {shown(name)} holds itself", "leave it out"),
            )
    for name, spec in (access.levels.define if access.levels else {}).items():
        here = ("access", "levels", "define", name)
        if name == "super_user" and (spec.indices or spec.privileges or spec.cluster_permissions):
            yield (
                here,
                Wrong(
                    "the level super_user is all_access and security_manager, and cannot be narrowed",
                    "define a level of another name",
                ),
            )
        for i, privilege in enumerate(spec.privileges or ()):
            if privilege not in ACTIONS:
                yield (
                    (*here, "privileges", i),
                    Wrong(f"there is no privilege {shown(privilege)}", did_you_mean(privilege, ACTIONS)),
                )
        yield from _actions(spec.cluster_permissions or (), (*here, "cluster_permissions"), groups)


def _actions(actions: tuple[str, ...], path: Path, groups: set[str]) -> Iterator[tuple[Path, Wrong]]:
    for i, action in enumerate(actions):
        if ":" in action or "*" in action or action in groups:
            continue
        translated = ACTIONS.get(action)
        if translated:
            yield (*path, i), Wrong(f"{shown(action)} is Elasticsearch's word", f"here it is {', '.join(translated)}")
        else:
            yield (*path, i), Wrong(f"there is no action group {shown(action)}", did_you_mean(action, groups))
