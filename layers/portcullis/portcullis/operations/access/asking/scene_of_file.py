"""The same of a deployment file, with nothing deployed and nobody asked: what the file asks for, on an engine that holds nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from portcullis.access.difference import difference
from portcullis.access.plan import By, Grant, Membership, Subject, SubjectKind
from portcullis.access.questions.answers import There
from portcullis.access.questions.persons import Person, Pool, as_person, group_called, named
from portcullis.access.terms import Caller
from portcullis.errors import BadInput
from portcullis.families import family_named
from portcullis.families.answering import answering
from portcullis.operations.access.asking.scene import Scene

if TYPE_CHECKING:
    from portcullis.model import Deployment

_GROUPS = (SubjectKind.IAM_GROUP, SubjectKind.COGNITO_GROUP, SubjectKind.IDENTITY_CENTER_GROUP)


def of_file(deployment: Deployment, person: str = "", member_of: tuple[str, ...] = ()) -> Scene:
    """What a deployment file asks for, on an engine that holds nothing else. A group stands for everybody in it; `person` is in those
    that are named (`KIND:NAME`, or a name alone). BadInput for one that the file does not grant anything to."""
    from portcullis.model import resolve

    answers, family = answering(deployment.family), family_named(deployment.family)
    access = resolve(deployment)
    groups = _groups_meant(deployment, access.grants, member_of)
    of_groups = [_of_group(one) for one in _groups_of(access.grants)]
    entry = "" if not person or named(of_groups, person) else _entry_of(person, access.grants, groups)
    members = _members(access.grants, groups, entry)
    wanted = family.compile(access, members)
    made = answers.as_made(deployment.engine, wanted)
    steps = difference(family, wanted, made, frozenset(), frozenset()).steps
    held = family.simulate_all(made, family.writes(steps, made))
    users = {name: family.user(held, name) for name in held.of(family.users)}
    found = of_groups + [
        _of_subject(one, users) for one in {grant.subject for grant in access.grants} if one.kind not in _GROUPS
    ]
    if entry:
        carried = _carried(deployment, groups)
        backend = (_role_of(carried),) if carried else (entry,) if entry.startswith("arn:") else ()
        kind, name = _split(entry)
        found = [one for one in found if one.entry != entry]
        names = tuple(str(one) for one in groups)
        found.append(
            Person(kind, name, entry, Caller(entry, backend), names, carried, _role_of(carried) if carried else "")
        )
    return Scene(
        deployment.deployment,
        family,
        answers,
        access.grants,
        answers.as_known(held, access.people, access.grants, sorted(found, key=lambda one: (one.name, one.kind))),
        held,
        held,
        There((), deployment.engine),
        None,
        groups_open=not member_of,
        known=access.people,
    )


def _groups_of(grants: tuple[Grant, ...]) -> list[Grant]:
    return sorted({(g.subject, g.by): g for g in grants if g.subject.kind in _GROUPS}.values(), key=str)


def groups_of(deployment: Deployment) -> frozenset[Subject]:
    """The groups that a deployment file names: those that are granted something, and those of its identity."""
    from portcullis.model import resolve

    return _groups(deployment, resolve(deployment).grants)


def _groups(deployment: Deployment, grants: tuple[Grant, ...]) -> frozenset[Subject]:
    named = {grant.subject for grant in grants if grant.subject.kind in _GROUPS}
    cognito = deployment.identity.cognito
    named |= {Subject(SubjectKind.COGNITO_GROUP, group) for group in (cognito.groups if cognito else ())}
    named |= {Subject(SubjectKind.IAM_GROUP, group) for group in deployment.identity.iam_groups}
    return frozenset(named)


def _groups_meant(deployment: Deployment, grants: tuple[Grant, ...], asked: tuple[str, ...]) -> tuple[Subject, ...]:
    named = _groups(deployment, grants)
    return tuple(group_called(named, one, source="command", place="--member-of") for one in asked)


def _entry_of(person: str, grants: tuple[Grant, ...], groups: tuple[Subject, ...]) -> str:
    """How the engine would name somebody whom no account is asked about."""
    kind, _, name = person.partition(":")
    if kind in (SubjectKind.COGNITO_USER, SubjectKind.IAM_USER, SubjectKind.IAM_ROLE, SubjectKind.INTERNAL_USER):
        return _entry(Subject(SubjectKind(kind), name))
    fitting = {
        g.subject for g in grants if g.subject.kind not in _GROUPS and person in (g.subject.name, str(g.subject))
    }
    if len(fitting) == 1:
        return _entry(fitting.pop())
    kinds = {subject.kind for subject in groups}
    if kinds == {SubjectKind.COGNITO_GROUP}:
        return _entry(Subject(SubjectKind.COGNITO_USER, person))
    if kinds == {SubjectKind.IAM_GROUP}:
        return _entry(Subject(SubjectKind.IAM_USER, person))
    raise BadInput(
        f"the file does not say who {person!r} is",
        source="command",
        place="PERSON",
        remedy="say e.g. cognito_user:anna or iam_user:anna, or their groups with --member-of",
    )


def _entry(subject: Subject) -> str:
    match subject.kind:
        case SubjectKind.COGNITO_USER:
            return f"Cognito/POOL/{subject.name}"
        case SubjectKind.IAM_USER if not subject.name.startswith("arn:"):
            return f"arn:aws:iam::ACCOUNT:user/{subject.name}"
        case SubjectKind.IAM_ROLE if not subject.name.startswith("arn:"):
            return f"arn:aws:iam::ACCOUNT:role/{subject.name}"
    return subject.name


def _split(entry: str) -> tuple[str, str]:
    one = as_person(entry, (), Pool(ranks={}))
    return one.kind, one.name


def _role_of(group: str) -> str:
    return f"arn:aws:iam::ACCOUNT:role/(role of {group})"


def _carried(deployment: Deployment, groups: tuple[Subject, ...]) -> str:
    """The first of their groups, in the order of the file, that has a role of its own."""
    cognito = deployment.identity.cognito
    own = [group for group, spec in cognito.groups.items() if spec.role] if cognito else []
    mine = {subject.name for subject in groups if subject.kind is SubjectKind.COGNITO_GROUP}
    return next((group for group in own if group in mine), "")


def _members(grants: tuple[Grant, ...], groups: tuple[Subject, ...], entry: str) -> Membership:
    users: dict[Subject, tuple[str, ...]] = {}
    roles: dict[Subject, tuple[str, ...]] = {}
    for grant in grants:
        subject = grant.subject
        if subject.kind in _GROUPS and grant.by is By.ROLE:
            roles[subject] = (_role_of(subject.name),)
        elif subject.kind in _GROUPS:
            users[subject] = (str(subject), *((entry,) if subject in groups else ()))
        else:
            (roles if grant.is_backend_role else users)[subject] = (_entry(subject),)
    return Membership(users, roles)


def _of_group(grant: Grant) -> Person:
    subject = str(grant.subject)
    role = _role_of(grant.subject.name) if grant.by is By.ROLE else ""
    carried = grant.subject.name if role else ""
    caller = Caller(subject, (role,) if role else ())
    return Person(grant.subject.kind.value, grant.subject.name, subject, caller, (subject,), carried, role)


def _of_subject(subject: Subject, users: Mapping[str, Caller]) -> Person:
    entry = _entry(subject)
    if subject.kind is SubjectKind.BACKEND_ROLE:
        return Person(subject.kind.value, subject.name, entry, Caller("", (entry,)))
    if subject.kind is SubjectKind.COGNITO_USER:
        return Person(subject.kind.value, subject.name, entry, Caller(entry))
    return as_person(entry, (), None, users)
