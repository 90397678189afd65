"""The access model of a cluster's file: levels and seed users turned into roles in Elasticsearch's form, users and grants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from portcullis.access.actual import Json
from portcullis.access.plan import AccessModel, By, Grant, People, Subject, SubjectKind
from portcullis.families.elasticsearch.known.names import may_match
from portcullis.families.elasticsearch.known.releases import ROLE_FIELDS
from portcullis.model.elasticsearch.levels import own_role, roles_of
from portcullis.model.elasticsearch.types import ClusterRole, NativeUser, OnCluster
from portcullis.model.option_types import OfferOptions, RemoteOptions
from portcullis.model.presets import level_role


def resolved(deployment: OnCluster) -> AccessModel:
    """The resolved access model."""
    access, levels = deployment.access, deployment.levels
    roles = {
        name: role.model_dump(mode="json", by_alias=True, exclude_defaults=True) for name, role in access.roles.items()
    }
    seeds = access.seed_users.get(deployment.environment, ())
    used = {grant.level for grant in access.grants} | {user.level for user in seeds}
    indices = access.levels.indices if access.levels else ()
    for level, spec in levels.items():
        if level in used and level_role(level) in roles_of(level, spec, deployment.release):
            document = own_role(level, spec, indices, deployment.release)
            roles[level_role(level)] = _described(document, f"Level {level} of {deployment.deployment}", deployment)
    users = {name: _user(user) for name, user in access.users.items()}
    users |= {seed.name: _user(NativeUser(full_name=f"seed user, level {seed.level}")) for seed in seeds}
    return AccessModel(roles=roles, users=users, grants=tuple(_grants(deployment)), people=_people(deployment))


def _described(document: Json, description: str, deployment: OnCluster) -> Json:
    return {**document, "description": description} if deployment.release >= ROLE_FIELDS["description"] else document


def _user(user: NativeUser) -> Json:
    """Without roles: those are granted, entry by entry."""
    return user.model_dump(mode="json", exclude_defaults=True, exclude={"secret"})


def _people(deployment: OnCluster) -> People:
    realm, natives = deployment.people.realm, deployment.people.natives
    if realm is not None:
        return People(deployment.deployment, realm.name)
    levels = deployment.levels
    of_role = {
        role: rule
        for level, rule in natives.of_levels.items()
        if level in levels
        for role in roles_of(level, levels[level], deployment.release)
    }
    return People(deployment.deployment, user_name=natives.user_name, of_role=of_role)


def _grants(deployment: OnCluster) -> Iterator[Grant]:
    access, levels = deployment.access, deployment.levels
    realm = deployment.people.realm
    by = By.ROLE if realm is not None and realm.by == "groups" else By.MEMBERS
    for i, spec in enumerate(access.grants):
        subject = spec.to.subject
        source = f"{deployment.source}:{deployment.line('access', 'grants', i)} grant {i + 1}"
        one = Grant(subject, "", source, by if subject.kind is SubjectKind.COGNITO_GROUP else By.MEMBERS)
        if spec.level is None:
            yield replace(one, role=spec.role or "")
        elif spec.level in levels:
            for role in roles_of(spec.level, levels[spec.level], deployment.release):
                yield replace(one, role=role, source=f"{source}, level {spec.level}")
    for i, seed in enumerate(access.seed_users.get(deployment.environment, ())):
        if seed.level in levels:
            line = deployment.line("access", "seed_users", deployment.environment.value, i)
            source = f"{deployment.source}:{line} seed user {i + 1}, level {seed.level}"
            for role in roles_of(seed.level, levels[seed.level], deployment.release):
                yield Grant(Subject(SubjectKind.INTERNAL_USER, seed.name), role, source)


def offers_of(deployment: OnCluster) -> dict[str, OfferOptions]:
    """The keys that this cluster gives to others, by name."""
    return {
        name: OfferOptions(offer.document(), offer.expires_after_days, offer.secret)
        for name, offer in deployment.offers.items()
    }


def remotes_of(deployment: OnCluster) -> dict[str, RemoteOptions]:
    """The clusters that are read from this one, by alias."""
    return {
        alias: RemoteOptions(
            remote.model,
            remote.credential or "",
            remote.deployment or "",
            remote.address or "",
            tuple(role for role, spec in deployment.access.roles.items() if _names(spec, alias)),
        )
        for alias, remote in deployment.remotes.items()
    }


def _names(role: ClusterRole, alias: str) -> bool:
    patterns = [*(entry.clusters for entry in role.remote_indices), *(entry.clusters for entry in role.remote_cluster)]
    return any(may_match(pattern, alias) for some in patterns for pattern in some)
