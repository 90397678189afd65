"""What is seldom meant in a deployment file, whatever its engine: who is granted what, how people are called, who is told."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import PurePath

from portcullis.access.plan import SubjectKind
from portcullis.model import names
from portcullis.model.lints.findings import Facts, Finding, found
from portcullis.model.parts import Path
from portcullis.model.presets import follows
from portcullis.model.types import Deployment


def nobody_told(deployment: Deployment) -> Iterator[Finding]:
    if not deployment.alerts.email:
        yield found(
            deployment,
            "nobody-told",
            ("alerts",),
            "nobody is told by e-mail when something happens",
            "alerts: {email: …}; or, where something else subscribes to the topic, accept: {nobody-told: who does}",
        )


# Of the 2,048 characters that IAM takes in a role's trust policy, what its one statement leaves to the names in it.
_ROOM_FOR_NAMES = 1700


def long_trust(deployment: Deployment) -> Iterator[Finding]:
    """No error: an account's quota may have been raised."""
    named = deployment.break_glass.assumed_by
    taken = sum(len(arn) + len('"",') for arn in named)
    if taken > _ROOM_FOR_NAMES:
        yield found(
            deployment,
            "trust-too-long",
            ("break_glass", "assumed_by"),
            f"{len(named)} ARNs of {taken} characters, and IAM takes 2,048 in a role's trust policy",
            "name a role that all of them may take (require_mfa: false with a session_name); or accept it, where the quota was raised",
        )


def granted(deployment: Deployment, facts: Facts) -> Iterator[Finding]:
    """The grants one by one."""
    access = deployment.access
    seen: dict[tuple[object, ...], int] = {}
    for i, spec in enumerate(access.grants):
        path: Path = ("access", "grants", i)
        subject, to = spec.to.subject, (*path, "to")
        what = (subject, spec.role, spec.level, spec.to.by)
        if what in seen:
            yield found(
                deployment,
                "duplicate-grant",
                path,
                f"{subject} is granted {spec.role or spec.level} already in grant {seen[what]}",
                "keep one",
            )
        seen.setdefault(what, i + 1)
        account = names.account_of(subject.name)
        if facts.account and account and account != facts.account:
            yield found(
                deployment,
                "other-account",
                to,
                f"{subject} belongs to account {account}, the deployment to {facts.account}",
                "is that so meant? Its identity events do not reach this account",
            )
        people = (SubjectKind.COGNITO_USER, SubjectKind.INTERNAL_USER, SubjectKind.IAM_USER)
        if (
            spec.level is not None
            and subject.kind in people
            and (standards := deployment.levels[spec.level].user_names)
        ):
            name = deployment.called(spec.level, subject)
            if not follows(name, standards):
                yield found(
                    deployment,
                    "user-name-standard",
                    to,
                    f"{names.shown(name)} does not follow the standard of the level {spec.level}",
                    f"{' or '.join(standards)}; access.levels.define.{spec.level}.user_names sets another",
                )


def file_name(deployment: Deployment) -> Iterator[Finding]:
    if deployment.source and PurePath(deployment.source).stem not in (deployment.deployment, deployment.source):
        yield found(
            deployment,
            "file-name",
            ("deployment",),
            f"the file describes {deployment.deployment}",
            f"call it {deployment.deployment}.yaml",
        )


def unused(deployment: Deployment, roles: Collection[str], granted: Collection[str]) -> Iterator[Finding]:
    """Roles of the file that nobody has."""
    for name in roles:
        if name not in granted:
            yield found(
                deployment,
                "role-unused",
                ("access", "roles", name),
                f"nobody is granted {names.shown(name)}",
                "grant it, or leave it out",
            )


def by_case(
    deployment: Deployment, sections: Collection[tuple[str, Collection[str], Collection[str]]]
) -> Iterator[Finding]:
    """Names that people take for one, and the engine for two. Of each section: its name, what the file has, what is there besides."""
    for section, own, there in sections:
        spelled: dict[str, str] = {}
        for name in (*there, *own):
            other = spelled.setdefault(name.lower(), name)
            if other != name and name in own:
                yield found(
                    deployment,
                    "names-by-case",
                    ("access", section, name),
                    f"{names.shown(name)} differs from {names.shown(other)} in upper and lower case alone: the engine takes them for two",
                    "names that differ in more",
                )
