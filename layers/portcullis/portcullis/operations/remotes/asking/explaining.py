"""What somebody may read on a remote cluster, and which side decides: of files alone, and of what is deployed. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from portcullis.access.actual import Actual
from portcullis.access.plan import AccessModel, Subject, SubjectKind
from portcullis.access.questions.persons import as_person, group_called
from portcullis.custody.stopping import stopping
from portcullis.errors import BadInput
from portcullis.operations.remotes.asking.other_side import as_it_is, by_file
from portcullis.operations.remotes.files import file_of, files_in_force, on_cluster
from portcullis.operations.services import Services, Site
from portcullis.remotes.explaining import explain
from portcullis.remotes.parties import Asked, Explained, Near
from portcullis.remotes.who import as_asked_for, who

if TYPE_CHECKING:
    from portcullis.model import Deployment, OnCluster

_LONGEST_NAME = 2048  # of a person, or of an alias with an index
_GROUPS = (SubjectKind.IAM_GROUP, SubjectKind.COGNITO_GROUP, SubjectKind.IDENTITY_CENTER_GROUP)
_PEOPLE = (SubjectKind.COGNITO_USER, SubjectKind.IAM_USER, SubjectKind.IAM_ROLE, SubjectKind.INTERNAL_USER)


def of_files(
    deployment: Deployment, beside: Mapping[str, Deployment], person: str, index: str, member_of: tuple[str, ...] = ()
) -> Explained:
    """By the file of the side that asks, and that of the other side if it is `beside`. `person` is in the groups `member_of` and in no
    other. BadInput for a person or a group that the file does not know."""
    from portcullis.model import resolve

    here, asked = on_cluster(deployment), Asked.of(index)
    access = resolve(here)
    groups = _groups_meant(here, access, member_of)
    subject = _meant(person, access, groups)
    held = as_asked_for(access, subject, groups)
    near = Near(here.deployment, here.engine.partition("-")[2], access.roles, tuple(here.remotes))
    found = who(subject, [str(one) for one in groups], access, held, here.deployment)
    return explain(found, asked, near, by_file(here, beside, asked.alias))


def remote_explain(services: Services, deployment: str, *, person: str, index: str) -> Explained:
    """As both clusters are now; of a cluster that is none of this account's, as far as the file and its refusals tell."""
    site, asked, person = services.site(deployment), Asked.of(index[:_LONGEST_NAME]), person[:_LONGEST_NAME]
    files = files_in_force(services)
    here = on_cluster(file_of(site))
    access, held = site.ledger.model(deployment).access, site.engine.read()
    subject, groups, doubt = _found(site, access, held, person)
    found = replace(who(subject, groups, access, held, deployment), doubt=doubt)
    stopped, certain = stopping(site.ledger.custody(deployment))
    info = site.remotes.info()
    release = site.engine.dialect.split()[0]
    near = Near(deployment, release, held.of(site.family.roles), tuple(sorted(info)), stopped, certain)
    far = as_it_is(services, site, here, files, asked.alias, info) if asked.alias in info else None
    return explain(found, asked, near, far)


def _found(site: Site, access: AccessModel, held: Actual, asked: str) -> tuple[Subject, tuple[str, ...], str]:
    """Whom somebody means, in which groups they are, and what about that could not be read. BadInput if that is nobody, or several."""
    looked = site.identity.look(access.grants)
    # Who is a native user has the roles that the engine shows, whatever groups say.
    by_groups = bool(access.people and access.people.realm)
    people: dict[Subject, set[str]] = {}
    for of, entries in looked.membership.users.items():
        for entry in entries:
            person = as_person(entry)
            subject = Subject(SubjectKind(person.kind), person.name) if of.kind in _GROUPS else of
            people.setdefault(subject, set()).update({str(of)} if of.kind in _GROUPS else ())
    if by_groups:
        groups = sorted({one.subject.name for one in access.grants if one.subject.kind is SubjectKind.COGNITO_GROUP})
        for group, entries in site.identity.members_of(groups).items():
            for entry in entries:
                subject = Subject(SubjectKind.COGNITO_USER, as_person(entry).name)
                people.setdefault(subject, set()).add(f"{SubjectKind.COGNITO_GROUP.value}:{group}")
    own = {Subject(SubjectKind.INTERNAL_USER, name) for name in held.of(site.family.users)}
    exact = [one for one in {*people, *own} if str(one) == asked]
    fitting = exact or sorted(one for one in people if one.name == asked) or [one for one in own if one.name == asked]
    if len(fitting) != 1:
        remedy = ", ".join(map(str, fitting)) or "a name, or cognito_user:, iam_user: or internal_user:NAME"
        problem = f"{asked!r} may be {len(fitting)} people" if fitting else f"nobody called {asked!r} is known"
        raise BadInput(problem, source="request", place="person", remedy=remedy)
    unread = [f"{one} could not be read: {why}" for one, why in sorted(looked.unseen.items()) if by_groups]
    return fitting[0], tuple(sorted(people.get(fitting[0], ()))), "; ".join(unread)


def _groups_meant(here: OnCluster, access: AccessModel, asked: tuple[str, ...]) -> tuple[Subject, ...]:
    known = {grant.subject for grant in access.grants if grant.subject.kind in _GROUPS}
    cognito = here.identity.cognito
    known |= {Subject(SubjectKind.COGNITO_GROUP, group) for group in (cognito.groups if cognito else ())}
    known |= {Subject(SubjectKind.IAM_GROUP, group) for group in here.identity.iam_groups}
    return tuple(group_called(known, one, source="command", place="--member-of") for one in asked)


def _meant(person: str, access: AccessModel, groups: tuple[Subject, ...]) -> Subject:
    """Whom a file's reader means. One of a kind is taken at their word: a file does not say who there is."""
    kind, _, name = person.partition(":")
    if kind in _PEOPLE and name:
        return Subject(SubjectKind(kind), name)
    known = {one.subject for one in access.grants if one.subject.kind in _PEOPLE}
    known |= {Subject(SubjectKind.INTERNAL_USER, user) for user in access.users}
    fitting = sorted(one for one in known if one.name == person)
    if len(fitting) == 1:
        return fitting[0]
    kinds = {one.kind for one in groups}
    if not fitting and kinds == {SubjectKind.COGNITO_GROUP}:
        return Subject(SubjectKind.COGNITO_USER, person)
    if not fitting and kinds == {SubjectKind.IAM_GROUP}:
        return Subject(SubjectKind.IAM_USER, person)
    remedy = ", ".join(map(str, fitting)) or "e.g. cognito_user:anna, iam_user:anna, or their groups with --member-of"
    raise BadInput(f"the file does not say who {person!r} is", source="command", place="PERSON", remedy=f"say {remedy}")
