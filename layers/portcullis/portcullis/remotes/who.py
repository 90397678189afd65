"""Who somebody is to an Elasticsearch cluster: as native users, or as whoever a realm's token says, and which roles that gives them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from portcullis.access.actual import Actual, Json
from portcullis.access.plan import AccessModel, Grant, Membership, People, Subject, SubjectKind
from portcullis.errors import BadInput
from portcullis.families.elasticsearch.documents.compiling import desired, name_of
from portcullis.families.elasticsearch.documents.config import NATIVE_USERS, Kind, SecurityConfig
from portcullis.families.elasticsearch.granting.callers import Caller, roles_of
from portcullis.remotes.parties import Who

_NO_GROUPS = (SubjectKind.INTERNAL_USER, SubjectKind.BACKEND_ROLE)


def as_asked_for(access: AccessModel, subject: Subject, groups: Collection[Subject]) -> SecurityConfig:
    """What a cluster would hold of roles, users and mappings if this person were the only one there is."""
    members: dict[Subject, tuple[str, ...]] = {
        one.subject: (subject.name,) if one.subject in (subject, *groups) else () for one in access.grants
    }
    wanted = desired(access, Membership(members))
    users: dict[str, Json] = {name: {**user, "roles": []} for name, user in access.users.items()}
    for role, lists in wanted.entries.items():
        for name in lists.get(NATIVE_USERS, {}):
            users.setdefault(name, {"roles": []})["roles"].append(role)
    mappings = dict(wanted.documents.get(Kind.MAPPINGS, {}))
    return SecurityConfig({Kind.ROLES: access.roles, Kind.USERS: users, Kind.MAPPINGS: mappings})


def who(subject: Subject, groups: Collection[str], access: AccessModel, held: Actual, deployment: str) -> Who:
    """This person with the roles that the cluster gives them. `groups`: those that they are in, as KIND:NAME.

    BadInput if they are several users of the engine's own: these have different rights, so that somebody has to say which is meant.
    """
    people = access.people or People("")
    because = tuple(_because(access.grants, subject, groups))
    found = Who(str(subject), subject.name, because=because)
    if people.realm and subject.kind not in _NO_GROUPS:
        of_pool = [group.partition(":")[2] for group in groups if group.startswith(SubjectKind.COGNITO_GROUP.value)]
        caller = Caller(name_of(subject.name), people.realm, tuple(of_pool))
        user = f"{caller.name} of realm {people.realm}"
        return replace(found, user=user, roles=roles_of(caller, {}, held.of(Kind.MAPPINGS)))
    users = held.of(Kind.USERS)
    names = [name for name in native_users(subject, groups, access) if name in users]
    if len(names) > 1:
        raise BadInput(
            f"{subject.name!r} is {len(names)} users of {deployment}",
            source="request",
            place="person",
            remedy=f"say as which they ask: {', '.join(f'internal_user:{name}' for name in names)}",
        )
    if not names:
        return replace(found, refused=f"{deployment} has no user of theirs")
    if users[names[0]].get("enabled") is False:
        return replace(found, user=names[0], refused=f"the user {names[0]} of {deployment} is disabled")
    return replace(found, user=names[0], roles=roles_of(Caller(names[0]), users, {}))


def native_users(subject: Subject, groups: Collection[str], access: AccessModel) -> tuple[str, ...]:
    """What somebody may be called among the engine's own users: one name, or one a level."""
    if subject.kind in _NO_GROUPS:
        return (subject.name,)
    people = access.people or People("")
    roles = [grant.role for grant in access.grants if grant.subject == subject or str(grant.subject) in groups]
    return tuple(sorted({people.called(role, name_of(subject.name)) for role in roles or [""]}))


def _because(grants: Iterable[Grant], subject: Subject, groups: Collection[str]) -> Iterable[str]:
    for grant in grants:
        if grant.subject == subject or str(grant.subject) in groups:
            yield f"{grant.subject} gives {grant.role} ({grant.source})"
