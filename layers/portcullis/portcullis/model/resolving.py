"""The access model of a deployment: levels and seed users turned into roles, users and grants, each with its place in the file."""

from __future__ import annotations

from collections.abc import Iterator

from portcullis.access.actual import Json
from portcullis.access.plan import AccessModel, By, Grant, Subject, SubjectKind
from portcullis.model.access_types import DomainAccess, InternalUser, Role
from portcullis.model.elasticsearch.resolving import offers_of, remotes_of, resolved
from portcullis.model.elasticsearch.types import OnCluster
from portcullis.model.option_types import Options, SnapshotOptions
from portcullis.model.presets import ACTIONS, Level, cluster_permissions, level_role
from portcullis.model.types import Deployment, OnDomain


def resolve(deployment: Deployment) -> AccessModel:
    """The resolved access model, in the form of its engine's family."""
    if isinstance(deployment, OnCluster):
        return resolved(deployment)
    assert isinstance(deployment, OnDomain)  # noqa: S101 - there are these two
    return _of_domain(deployment)


def _of_domain(deployment: OnDomain) -> AccessModel:
    access, levels = deployment.access, deployment.levels
    names = {level: _role_names(deployment, level, spec) for level, spec in levels.items()}
    roles = {name: _role(role) for name, role in access.roles.items()}
    used = {g.level for g in access.grants} | {u.level for users in access.seed_users.values() for u in users}
    for level, spec in levels.items():
        if level in used and level_role(level) in names[level]:
            roles[level_role(level)] = _level_role(deployment, level, spec)
    users = {name: _user(user) for name, user in access.users.items()}
    for seed in access.seed_users.get(deployment.environment, ()):
        users[seed.name] = _user(InternalUser(description=f"seed user, level {seed.level}"))
    return AccessModel(
        roles=roles,
        action_groups={
            name: group.model_dump(mode="json", exclude_none=True) for name, group in access.action_groups.items()
        },
        tenants={name: tenant.model_dump(mode="json") for name, tenant in access.tenants.items()},
        users=users,
        grants=tuple(_grants(deployment, access, names)),
        and_backend_roles=dict(access.and_backend_roles),
    )


def secrets(deployment: Deployment) -> dict[str, str | None]:
    """User of the engine's own -> the secret that holds the password, or None where one is to be made."""
    users = deployment.access.users if isinstance(deployment, OnDomain | OnCluster) else {}
    named = {name: user.secret for name, user in users.items()}
    return named | {seed.name: seed.secret for seed in deployment.access.seed_users.get(deployment.environment, ())}


def options(deployment: Deployment) -> Options:
    """What the operations read besides the access model."""
    given = {name: value for name, value in deployment.snapshots.model_dump(mode="json").items() if value is not None}
    if isinstance(deployment, OnCluster):
        given["every_hours"] = 0  # whoever runs the cluster takes them
    return Options(
        sweep_minutes=deployment.custody.sweep_minutes,
        end_sessions=deployment.custody.end_sessions,
        deny_older_sessions=deployment.custody.deny_older_sessions,
        end_api_keys=deployment.custody.end_api_keys,
        delete_after_days=deployment.custody.delete_after_days,
        break_glass_minutes=deployment.break_glass.minutes,
        email=deployment.alerts.email or "",
        on_demand_rotation_days=deployment.key.on_demand_rotation_days,
        snapshots=SnapshotOptions(**given),
        secrets=secrets(deployment),
        offers=offers_of(deployment) if isinstance(deployment, OnCluster) else {},
        remotes=remotes_of(deployment) if isinstance(deployment, OnCluster) else {},
    )


def _grants(deployment: OnDomain, access: DomainAccess, names: dict[str, tuple[str, ...]]) -> Iterator[Grant]:
    for i, spec in enumerate(access.grants):
        source = f"{deployment.source}:{deployment.line('access', 'grants', i)} grant {i + 1}"
        if spec.level is not None:
            source += f", level {spec.level}"
        for role in names[spec.level] if spec.level is not None else (spec.role or "",):
            yield Grant(spec.to.subject, role, source, spec.to.by or By.MEMBERS)
    for i, seed in enumerate(access.seed_users.get(deployment.environment, ())):
        line = deployment.line("access", "seed_users", deployment.environment.value, i)
        source = f"{deployment.source}:{line} seed user {i + 1}, level {seed.level}"
        for role in names[seed.level]:
            yield Grant(Subject(SubjectKind.INTERNAL_USER, seed.name), role, source)


def _role_names(deployment: OnDomain, level: str, spec: Level) -> tuple[str, ...]:
    """What a grant of this level grants: its own role if it allows anything of its own, and the predefined ones it needs."""
    own = (level_role(level),) if spec.privileges or spec.cluster_permissions else ()
    known = deployment.known
    spelled = {"kibana_user": known.dashboards_user, "kibana_read_only": known.dashboards_read_only}
    wanted = (*spec.roles, *(("kibana_user",) if spec.dashboards else ()))
    return (*own, *(spelled.get(role, role) for role in wanted))


def _level_role(deployment: OnDomain, level: str, spec: Level) -> Json:
    indices = spec.indices or (deployment.access.levels.indices if deployment.access.levels else ())
    actions = [action for privilege in spec.privileges for action in ACTIONS[privilege] or ()]
    on_cluster = (
        spec.cluster_permissions if spec.cluster_permissions is not None else cluster_permissions(spec.privileges)
    )
    upper = deployment.engine.startswith("Elasticsearch_6")  # its action groups are written in capitals
    spelled = [a.upper() if upper and ":" not in a else a for a in dict.fromkeys(actions)]
    entry: Json = {"index_patterns": list(indices), "fls": [], "masked_fields": [], "allowed_actions": spelled}
    return {
        "description": f"Level {level} of {deployment.deployment}"
        + (f": {spec.description}" if spec.description else ""),
        "cluster_permissions": [a.upper() if upper and ":" not in a else a for a in on_cluster],
        "index_permissions": [entry] if spelled else [],
        "tenant_permissions": [],
    }


def _role(role: Role) -> Json:
    return role.model_dump(mode="json", exclude_none=True)


def _user(user: InternalUser) -> Json:
    held = user.model_dump(mode="json", exclude={"secret"})
    return {**held, "opendistro_security_roles": []}
