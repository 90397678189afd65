"""Names in a deployment file that point to nothing, whatever its engine: findings, levels, roles, groups, seed users."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from portcullis.access.plan import SubjectKind
from portcullis.model.lints.findings import CODES, Severity
from portcullis.model.names import Wrong, did_you_mean, shown
from portcullis.model.parts import Path
from portcullis.model.presets import follows
from portcullis.model.types import Deployment


def pointing(deployment: Deployment, roles: Collection[str], users: Collection[str]) -> Iterator[tuple[Path, Wrong]]:
    """As (key path, what is wrong there). `roles` are those that may be granted, `users` those that the file declares."""
    yield from _accepted(deployment)
    yield from _granted(deployment, roles)
    yield from _seeds(deployment, users)


def _accepted(deployment: Deployment) -> Iterator[tuple[Path, Wrong]]:
    for code in deployment.accept:
        if code not in CODES or CODES[code][0] is Severity.ERROR:
            acceptable = [c for c, (severity, _) in CODES.items() if severity is not Severity.ERROR]
            problem = "is an error and cannot be accepted" if code in CODES else "is no finding of portcullis check"
            yield (
                ("accept", code),
                Wrong(f"{shown(code)} {problem}", "mend it" if code in CODES else did_you_mean(code, acceptable)),
            )


def _granted(deployment: Deployment, roles: Collection[str]) -> Iterator[tuple[Path, Wrong]]:
    identity, levels = deployment.identity, deployment.levels
    groups = identity.cognito.groups if identity.cognito else {}
    for i, grant in enumerate(deployment.access.grants):
        here: Path = ("access", "grants", i)
        if grant.level is not None and grant.level not in levels:
            yield (*here, "level"), _no_level(grant.level, levels)
        if grant.role is not None and grant.role not in roles:
            yield (*here, "role"), Wrong(f"there is no role {shown(grant.role)}", did_you_mean(grant.role, roles))
        subject, to = grant.to.subject, (*here, "to", grant.to.subject.kind.value)
        match subject.kind:
            case SubjectKind.COGNITO_GROUP if subject.name not in groups:
                yield (
                    to,
                    Wrong(
                        f"there is no Cognito group {shown(subject.name)}",
                        did_you_mean(subject.name, groups) or "add it to identity.cognito.groups",
                    ),
                )
            case SubjectKind.COGNITO_USER if identity.cognito is None:
                yield to, Wrong("this deployment has no user pool", "add identity.cognito")
            case SubjectKind.IAM_GROUP if subject.name.rpartition("/")[2] not in identity.iam_groups:
                yield (
                    to,
                    Wrong(
                        f"the IAM group {shown(subject.name)} is not listened to",
                        did_you_mean(subject.name, identity.iam_groups) or "add it to identity.iam_groups",
                    ),
                )
            case _:
                pass


def _seeds(deployment: Deployment, declared: Collection[str]) -> Iterator[tuple[Path, Wrong]]:
    levels = deployment.levels
    for environment, users in deployment.access.seed_users.items():
        for i, user in enumerate(users):
            here: Path = ("access", "seed_users", environment.value, i)
            if user.level not in levels:
                yield (*here, "level"), _no_level(user.level, levels)
            elif levels[user.level].user_names and not follows(user.name, levels[user.level].user_names):
                standard = " or ".join(levels[user.level].user_names)
                yield (
                    (*here, "name"),
                    Wrong(
                        f"{shown(user.name)} does not follow the standard of the level {user.level}",
                        f"{standard}; access.levels.define.{user.level}.user_names sets another",
                    ),
                )
            if user.name in declared or any(other.name == user.name for other in users[:i]):
                yield (*here, "name"), Wrong(f"the user {shown(user.name)} is there twice", "keep one")


def _no_level(name: str, levels: Collection[str]) -> Wrong:
    remedy = did_you_mean(name, levels) or "add access.levels: {preset: layered, indices: [...]}"
    return Wrong(f"there is no level {shown(name)}", remedy)
