"""What in the file of a cluster cannot be: options that only a domain has, names that point to nothing, and whatever the release or the
licence does not hold.

6.8 takes everything it is given, and then ends each request of its holders in an error. So all of it is looked for here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from portcullis.access.plan import SubjectKind
from portcullis.families.elasticsearch.documents.config import Kind, SecurityConfig
from portcullis.families.elasticsearch.granting.losses import Loss, losses
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.known.releases import holds
from portcullis.model.elasticsearch.levels import SUPER_USER
from portcullis.model.elasticsearch.remote_references import of_remotes
from portcullis.model.elasticsearch.resolving import resolved
from portcullis.model.elasticsearch.types import OnCluster
from portcullis.model.lints.pointing import pointing
from portcullis.model.names import Wrong, shown
from portcullis.model.parts import Path
from portcullis.model.presets import follows, level_role

# Options that are of domains, or of what the stacks make beside one: key path -> why not, what instead.
_NOT_HERE: dict[tuple[str, ...], tuple[str, str]] = {
    **dict.fromkeys(
        (
            ("key", word)
            for word in ("rotation_days", "on_demand_rotation_days", "alias", "multi_region", "replicas", "org_paths")
        ),
        ("the key of a cluster is made and rotated by its owner", "name it: key: {arn: …}"),
    ),
    ("custody", "deny_older_sessions"): (
        "nobody comes to a cluster by the role of a group, so there are no sessions of it to refuse",
        "leave it out; end_sessions ends people's sessions in Cognito",
    ),
    ("custody", "delete_after_days"): (
        "a cluster is its owner's, and nothing here deletes it",
        "leave it out",
    ),
    ("snapshots",): ("the snapshots of a cluster are taken by whoever runs it", "leave it out"),
    **dict.fromkeys(
        (("break_glass", word) for word in ("assumed_by", "require_mfa", "session_name")),
        (
            "no IAM role opens a cluster",
            "a user of the cluster: break_glass: {user: NAME, secret: SECRET}",
        ),
    ),
}
_KINDS_NOT_HERE = {
    SubjectKind.IAM_ROLE: (
        "an IAM role is no user of a cluster, so nobody would be let in",
        "a user of the cluster's own (internal_user: NAME), or a group",
    ),
    SubjectKind.BACKEND_ROLE: (
        "a cluster has no backend roles",
        "a user of the cluster's own (internal_user: NAME), or a group",
    ),
}
_SAMPLE = "anna.lin"
_FIRST = {"jwt": Release(8, 2), "oidc": Release(7, 2)}


def of_cluster(deployment: OnCluster) -> Iterator[tuple[Path, Wrong]]:
    """All of it, as (key path, what is wrong there)."""
    yield from _not_here(deployment)
    yield from _people(deployment)
    yield from _own_users(deployment)
    yield from _grants(deployment)
    yield from _definitions(deployment)
    yield from pointing(
        deployment, {*deployment.access.roles, *holds(deployment.release).reserved_roles}, deployment.access.users
    )
    yield from _lost(deployment)
    yield from of_remotes(deployment)


def _not_here(deployment: OnCluster) -> Iterator[tuple[Path, Wrong]]:
    for path, (problem, remedy) in _NOT_HERE.items():
        part: Any = deployment
        for key in path[:-1]:
            part = getattr(part, key)
        if path[-1] in part.model_fields_set:
            yield path, Wrong(problem, remedy)
    if deployment.key.arn is None:
        yield (
            ("key",),
            Wrong("names no key, so that there would be nothing to watch", "key: {arn: that of the cluster's volumes}"),
        )
    cognito = deployment.identity.cognito
    for group, spec in (cognito.groups if cognito else {}).items():
        if spec.role:
            yield (
                ("identity", "cognito", "groups", group, "role"),
                Wrong("a group's role opens Dashboards of a domain, and a cluster has none", "leave it out"),
            )


def _people(deployment: OnCluster) -> Iterator[tuple[Path, Wrong]]:
    realm, natives, levels = deployment.people.realm, deployment.people.natives, deployment.levels
    here: Path = ("people", "realm")
    if realm and deployment.is_basic:
        yield here, Wrong("this licence has no realms of tokens", "people: {native_users: {}}, or cluster.licence")
    if realm and (since := _FIRST[realm.type]) > deployment.release:
        yield (
            (*here, "type"),
            Wrong(f"{deployment.release} has no {realm.type} realm", f"native users, or {since} and later"),
        )
    for level, rule in natives.of_levels.items():
        at: Path = ("people", "native_users", "of_levels", level)
        if level not in levels:
            yield (
                at,
                Wrong(
                    f"there is no level {shown(level)}",
                    f"one of {', '.join(levels)}" if levels else "add access.levels",
                ),
            )
        elif (standards := levels[level].user_names) and not follows(rule.replace("{name}", _SAMPLE), standards):
            example = rule.replace("{name}", _SAMPLE)
            yield (
                at,
                Wrong(
                    f"makes {example} of {_SAMPLE}, which does not follow the standard of the level {level}",
                    f"{' or '.join(standards)}; access.levels.define.{level}.user_names sets another",
                ),
            )


def _own_users(deployment: OnCluster) -> Iterator[tuple[Path, Wrong]]:
    """The users that Portcullis itself needs there are nobody else."""
    places: dict[str, Path] = {deployment.cluster.user: ("cluster", "user")}
    if glass := deployment.break_glass.user:
        if glass in places:
            yield ("break_glass", "user"), Wrong(f"{shown(glass)} is the automation's own user", "a user of its own")
        places[glass] = ("break_glass", "user")
    for name, place in places.items():
        if name in holds(deployment.release).reserved_users:
            yield (
                place,
                Wrong(f"{shown(name)} is the cluster's own user, and its roles cannot be changed", "another one"),
            )
    named: list[tuple[Path, str]] = [
        *((("access", "users", name), name) for name in deployment.access.users),
        *(
            (("access", "seed_users", environment.value, i, "name"), user.name)
            for environment, users in deployment.access.seed_users.items()
            for i, user in enumerate(users)
        ),
        *(
            (("access", "grants", i, "to"), grant.to.subject.name)
            for i, grant in enumerate(deployment.access.grants)
            if grant.to.subject.kind is SubjectKind.INTERNAL_USER
        ),
    ]
    for path, name in named:
        if name in places or name.startswith("portcullis_"):
            yield path, Wrong(f"{shown(name)} is kept for Portcullis itself", "another user")


def _grants(deployment: OnCluster) -> Iterator[tuple[Path, Wrong]]:
    kept = holds(deployment.release).reserved_users
    for i, grant in enumerate(deployment.access.grants):
        subject = grant.to.subject
        at: Path = ("access", "grants", i, "to", subject.kind.value)
        if subject.kind in _KINDS_NOT_HERE:
            yield at, Wrong(*_KINDS_NOT_HERE[subject.kind])
        if grant.to.by is not None:
            yield (
                ("access", "grants", i, "to", "by"),
                Wrong("on a cluster all groups count in one way", "leave it out; people.realm.by says which"),
            )
        if subject.kind is SubjectKind.INTERNAL_USER and subject.name in kept:
            yield (
                at,
                Wrong(
                    f"{shown(subject.name)} is the cluster's own user, and its roles cannot be changed",
                    "another user; elastic is a super user from the start",
                ),
            )
        if subject.kind is SubjectKind.IDENTITY_CENTER_GROUP and deployment.identity.identity_center is None:
            yield at, Wrong("this deployment names no identity store", "add identity.identity_center: {store: d-…}")


def _definitions(deployment: OnCluster) -> Iterator[tuple[Path, Wrong]]:
    for name in deployment.access.roles:
        here: Path = ("access", "roles", name)
        if name.startswith("portcullis_"):
            remedy = "choose a name that does not begin with portcullis_"
            yield here, Wrong(f"{shown(name)} is kept for Portcullis itself", remedy)
        if name.startswith("level_") and name.removeprefix("level_") in deployment.levels:
            remedy = "choose another name, or change the level in access.levels.define"
            yield here, Wrong(f"{shown(name)} is the role of a level", remedy)
    defined = deployment.access.levels.define if deployment.access.levels else {}
    if (spec := defined.get(SUPER_USER)) and (spec.indices or spec.privileges or spec.cluster):
        yield (
            ("access", "levels", "define", SUPER_USER),
            Wrong(
                "the level super_user is the role superuser, and cannot be narrowed", "define a level of another name"
            ),
        )
    for environment, users in deployment.access.seed_users.items():
        for i, user in enumerate(users):
            if user.name in holds(deployment.release).reserved_users:
                yield (
                    ("access", "seed_users", environment.value, i, "name"),
                    Wrong(f"{shown(user.name)} is there from the start, and is nobody's to make", "leave it out"),
                )


# ------------------------------------------------------------------ what the release or the licence does not hold


def _lost(deployment: OnCluster) -> Iterator[tuple[Path, Wrong]]:
    model, release, licence = resolved(deployment), deployment.release, deployment.cluster.licence
    asked = SecurityConfig({Kind.ROLES: model.roles, Kind.USERS: model.users})
    for loss in losses(asked, release, licence):
        # A seed user of a name that the engine keeps is refused as one.
        if loss.kind != Kind.USERS or loss.name in deployment.access.users:
            yield _place(deployment, loss), Wrong(loss.why, loss.remedy)


def _place(deployment: OnCluster, loss: Loss) -> Path:
    """Where in the file it is asked for."""
    inside = tuple(int(one) if one.isdigit() else one for one in re.findall(r"[^.\[\]]+", loss.place))
    if loss.kind == Kind.USERS:
        return ("access", "users", loss.name, *inside)
    if loss.name in deployment.access.roles:
        return ("access", "roles", loss.name, *inside)
    level = next(name for name in deployment.levels if level_role(name) == loss.name)
    return ("access", "levels", "define", level, "cluster" if inside[:1] == ("cluster",) else "privileges")
