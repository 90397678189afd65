"""What a file names and the account does not have, or would not show: findings that only a look at the account can make."""

from __future__ import annotations

from collections.abc import Iterator

from portcullis.access.plan import By, Grant, Subject, SubjectKind
from portcullis.families import family_named
from portcullis.model.access_types import DomainAccess
from portcullis.model.lints.findings import CODES, Facts, Finding, found
from portcullis.model.parts import Path
from portcullis.model.resolving import secrets
from portcullis.model.types import Deployment

ENGINE, POLICY = "the engine's security config", "the domain's access policy"
GROUPS = "who is in two groups by role"  # looked at besides what the file names


def principals(deployment: Deployment) -> Iterator[tuple[Path, Grant]]:
    """Everybody that the file names, with the place: subjects of grants first, then who is named elsewhere.

    Grants, since by these a reader is asked; the role of one from elsewhere is empty. Plain backend roles are no principals, but one
    that is the ARN of an IAM role names that role.
    """
    access, identity = deployment.access, deployment.identity
    for i, spec in enumerate(access.grants):
        subject = _behind(spec.to.subject)
        yield ("access", "grants", i, "to"), Grant(subject, spec.role or "", "", spec.to.by or By.MEMBERS)
    elsewhere: list[tuple[Path, Subject]] = [
        *(
            (("access", "and_backend_roles", role, i), _behind(Subject(SubjectKind.BACKEND_ROLE, entry)))
            for role, entries in (access.and_backend_roles if isinstance(access, DomainAccess) else {}).items()
            for i, entry in enumerate(entries)
        ),
        *(
            (("identity", "cognito", "groups", group), Subject(SubjectKind.COGNITO_GROUP, group))
            for group in (identity.cognito.groups if identity.cognito else ())
        ),
        *(
            (("identity", "iam_groups", i), Subject(SubjectKind.IAM_GROUP, group))
            for i, group in enumerate(identity.iam_groups)
        ),
        *(
            (("break_glass", "assumed_by", i), Subject(_kind_of(arn), arn))
            for i, arn in enumerate(deployment.break_glass.assumed_by)
        ),
    ]
    for path, subject in elsewhere:
        yield path, Grant(subject, "", "")


def keys(deployment: Deployment) -> Iterator[tuple[Path, str]]:
    """The keys that exist already, by the file's word: ARNs of keys or of aliases."""
    if deployment.key.arn:
        yield ("key", "arn"), deployment.key.arn
    if deployment.snapshots.key_arn:
        yield ("snapshots", "key_arn"), deployment.snapshots.key_arn


def live(deployment: Deployment, facts: Facts) -> Iterator[Finding]:
    """Nothing at all if nobody looked."""
    missing = facts.membership.missing if facts.membership else frozenset()
    told: set[str] = set()
    for path, grant in principals(deployment):
        subject = grant.subject
        granted = path[:2] == ("access", "grants")
        if str(subject) in told and not granted:
            continue  # said of a grant already
        told.add(str(subject))
        if subject in missing or _no_such_user(deployment, facts, subject):
            yield found(
                deployment, "missing-principal", path, f"{subject} does not exist", _REMEDIES.get(path[0], _GRANT)
            )
        elif why := facts.unseen.get(str(subject)):
            yield _unseen(deployment, path, str(subject), why)
    for path, key in keys(deployment):
        if key in facts.absent:
            remedy = "correct the ARN; what a deleted key encrypted is lost"
            yield found(deployment, "missing-key", path, f"there is no key {key}", remedy)
        elif why := facts.unseen.get(key):
            yield _unseen(deployment, path, key, why)
    yield from _in_two_groups(deployment, facts)
    for what in (ENGINE, POLICY, GROUPS):
        if why := facts.unseen.get(what):
            yield Finding(
                "not-looked-at", CODES["not-looked-at"][0], what, f"could not be looked at: {why}", "try again"
            )


def _in_two_groups(deployment: Deployment, facts: Facts) -> Iterator[Finding]:
    for one in facts.not_carried:
        place = next(
            i
            for i, spec in enumerate(deployment.access.grants)
            if spec.to.by is By.ROLE and spec.to.subject.name in one.not_carried
        )
        remedy = "take them out of one of the groups, or grant by members, which adds up"
        yield found(deployment, "by-role-person", ("access", "grants", place, "to"), str(one), remedy)


_GRANT = "create it, correct the name, or leave the grant out"
_REMEDIES: dict[str | int, str] = {
    "identity": "create it, correct the name, or leave it out; cdk deploy makes the Cognito groups that are new in the file",
    "break_glass": "correct the ARN, or leave it out: nobody can open break-glass as this principal",
}


def _behind(subject: Subject) -> Subject:
    is_role = subject.kind is SubjectKind.BACKEND_ROLE and subject.name.startswith("arn:") and ":role/" in subject.name
    return Subject(SubjectKind.IAM_ROLE, subject.name) if is_role else subject


def _kind_of(arn: str) -> SubjectKind:
    return SubjectKind.IAM_USER if ":user/" in arn else SubjectKind.IAM_ROLE


def _no_such_user(deployment: Deployment, facts: Facts, subject: Subject) -> bool:
    """Whether it is an internal user that neither the file makes nor the engine holds."""
    if subject.kind is not SubjectKind.INTERNAL_USER or facts.held is None:
        return False
    return subject.name not in {*secrets(deployment), *facts.held.of(family_named(deployment.family).users)}


def _unseen(deployment: Deployment, path: Path, what: str, why: str) -> Finding:
    remedy = "cdk deploy lets the automation read whom the file names; --direct looks with your own rights"
    if "belongs to the account" in why:
        remedy = "ask who owns that account"
    return found(deployment, "not-looked-at", path, f"{what} could not be looked at: {why}", remedy)
