"""The people of a deployment, each as the engine will see them: from their groups, the role of their token, and what the engine holds.

Cognito users are seen as they sign in at Dashboards: by their name and the role of their token. With the credentials that the identity
pool gives for a token, at the API, they are that role alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from portcullis.access.actual import Actual
from portcullis.access.one_role import Rank
from portcullis.access.plan import OF_POOL, By, Grant, Membership, Subject, SubjectKind, name_in_pool
from portcullis.access.terms import Caller, Terms
from portcullis.errors import BadInput

_LAST = 1 << 31  # a group without a precedence comes after all that have one
ANYBODY = "anybody"  # the kind of an entry that is a pattern


@dataclass(frozen=True, slots=True)
class Person:
    """`kind` is a subject's, or "anybody" for a pattern. `entry` is how a mapping names them.

    `caller` None: there is no way to sign in, and `refused` says why. `doubt`: why there may be none, so that a yes is not certain;
    `unread`: why they may be more than is known, so that a no is not certain.
    """

    kind: str
    name: str
    entry: str
    caller: Caller | None
    groups: tuple[str, ...] = ()  # "cognito_group:support"
    carried: str = ""  # the group whose role the token carries
    role: str = ""  # and that role
    refused: str = ""
    doubt: str = ""
    unread: str = ""
    users: tuple[str, ...] = ()  # the engine's own users that they sign in as, where those stand for people
    every_group: bool = False  # whether their token names all of their groups, and not the role of one

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True)
class Pool:
    """The Cognito user pool: who is in which group, and what decides which role a token carries."""

    id: str = ""
    members: Mapping[str, Collection[str]] | None = None  # group -> entries of whoever is in it; None: not read
    ranks: Mapping[str, Rank] | None = None  # of the groups with a role; None: not read


def people(
    terms: Terms, held: Actual, grants: Collection[Grant], found: Membership, pool: Pool, users: Mapping[str, Caller]
) -> tuple[Person, ...]:
    """Everybody who is in a group that is granted something, is granted something, or stands in a mapping, sorted. `users` are the
    engine's own, as it sees them."""
    made: dict[tuple[str, str, str], Person] = {}
    groups = _groups(grants, found, pool)
    known = (as_person(entry, tuple(groups[entry]), pool, users) for entry in sorted(groups))
    own = (_internal(name, caller) for name, caller in users.items())
    for person in (*known, *_of_mappings(terms, held, pool, users), *own):
        made.setdefault((person.kind, person.name, person.entry), person)
    return tuple(sorted(made.values(), key=lambda one: (one.kind == ANYBODY, one.name, one.kind)))


def as_person(
    entry: str, groups: tuple[str, ...] = (), pool: Pool | None = None, users: Mapping[str, Caller] | None = None
) -> Person:
    """Whoever a mapping names so, with the groups that they are in."""
    if entry.startswith(OF_POOL):
        return _cognito(entry, groups, pool or Pool())
    if entry.startswith("arn:") and ":user/" in entry:
        return Person(SubjectKind.IAM_USER.value, entry.rpartition("/")[2], entry, Caller(entry, (entry,)), groups)
    if entry.startswith("arn:") and ":role/" in entry:
        return Person(SubjectKind.IAM_ROLE.value, entry.rpartition("/")[2], entry, Caller(entry, (entry,)), groups)
    if users and entry in users:
        return _internal(entry, users[entry])
    return Person(SubjectKind.INTERNAL_USER.value, entry, entry, Caller(entry), groups)


def named(known: Iterable[Person], asked: str) -> tuple[Person, ...]:
    """Whom somebody means by a name, an ARN, or KIND:NAME; several where the name does not say which."""
    wanted = [one for one in known if asked in (str(one), one.entry, *_as_users(one))]
    return tuple(wanted or [one for one in known if one.name == asked and one.kind != ANYBODY])


def _as_users(person: Person) -> tuple[str, ...]:
    return tuple(f"{SubjectKind.INTERNAL_USER.value}:{name}" for name in person.users)


def _groups(grants: Collection[Grant], found: Membership, pool: Pool) -> dict[str, dict[str, None]]:
    """Entry -> the groups that it is in; none for whoever is granted something directly."""
    made: dict[str, dict[str, None]] = {}
    for grant in sorted(grants, key=str):
        subject, kind = grant.subject, grant.subject.kind
        if kind is SubjectKind.COGNITO_GROUP or kind is SubjectKind.BACKEND_ROLE:
            continue  # the pool knows its groups best, and a plain role is nobody
        of_group = kind in (SubjectKind.IAM_GROUP, SubjectKind.IDENTITY_CENTER_GROUP)
        entries = found.backend_roles if grant.is_backend_role else found.users
        for entry in entries.get(subject, ()):
            made.setdefault(entry, {}).update({str(subject): None} if of_group else {})
    for group, members in (pool.members or {}).items():
        for entry in members:
            made.setdefault(entry, {})[f"{SubjectKind.COGNITO_GROUP.value}:{group}"] = None
    return made


def _cognito(entry: str, groups: tuple[str, ...], pool: Pool) -> Person:
    kind, name = SubjectKind.COGNITO_USER.value, name_in_pool(entry)
    if pool.ranks is None:
        return Person(kind, name, entry, Caller(entry), groups, unread="the groups of the user pool could not be read")
    mine = [group.partition(":")[2] for group in groups if group.startswith(SubjectKind.COGNITO_GROUP.value)]
    ranked = sorted((_place(pool.ranks[group]), group) for group in mine if group in pool.ranks)
    if not ranked:
        why = "none of their groups that Portcullis knows of has a role: without any the identity pool refuses the sign-in"
        return Person(kind, name, entry, Caller(entry), groups, doubt=why)
    first = [group for place, group in ranked if place == ranked[0][0]]
    roles = {pool.ranks[group].role for group in first}
    if len(roles) > 1:
        why = f"{' and '.join(first)} have the same precedence and different roles, so the identity pool refuses the sign-in"
        return Person(kind, name, entry, None, groups, refused=why)
    role = roles.pop()
    return Person(kind, name, entry, Caller(entry, (role,)), groups, first[0], role)


def _internal(name: str, caller: Caller) -> Person:
    return Person(SubjectKind.INTERNAL_USER.value, name, name, caller)


def _of_mappings(terms: Terms, held: Actual, pool: Pool, users: Mapping[str, Caller]) -> Iterator[Person]:
    """Whoever a mapping names, however they came into it."""
    by_token = {rank.role for rank in (pool.ranks or {}).values()}
    for role in sorted(held.of(terms.mappings)):
        for entry_list in terms.lists:
            for entry in held.entries(role, entry_list):
                if entry_list == "hosts":
                    if entry.strip():
                        yield Person(ANYBODY, f"whoever comes from {entry}", entry, Caller("", (), {}, (entry,)))
                elif any(sign in entry for sign in "*?") or _is_expression(entry):
                    as_role = entry_list != "users"
                    caller = Caller("", (entry,)) if as_role else Caller(entry)
                    what = "a role or group that fits" if as_role else "a name that fits"
                    yield Person(ANYBODY, f"{what} {entry}", entry, caller)
                elif entry_list == "users":
                    yield as_person(entry, (), pool, users)
                elif ":role/" in entry or ":user/" in entry:
                    if entry not in by_token:  # else it is the people who stand behind it
                        yield as_person(entry)
                else:
                    yield Person(SubjectKind.BACKEND_ROLE.value, entry, entry, Caller("", (entry,)))


def _is_expression(entry: str) -> bool:
    return len(entry) > 1 and entry.startswith("/") and entry.endswith("/")


def _place(rank: Rank) -> int:
    return _LAST if rank.precedence is None else rank.precedence


def granting(grants: Collection[Grant], person: Person, role: str) -> tuple[str, ...]:
    """Through what the model gives this role to this person: their groups, a backend role of theirs, or themselves, with the place in
    the file."""
    found = []
    backend = person.caller.backend_roles if person.caller else ()
    for grant in grants:
        if grant.role != role:
            continue
        subject = str(grant.subject)
        if subject in person.groups:
            by_token = grant.subject.kind is SubjectKind.COGNITO_GROUP and grant.by is By.ROLE
            if not by_token or person.every_group or grant.subject.name == person.carried:
                found.append(f"{subject} ({grant.source})")
        elif (
            subject in (str(person), *_as_users(person))
            or (grant.subject.name == person.entry and person.entry.startswith("arn:"))
            or (grant.subject.kind is SubjectKind.BACKEND_ROLE and grant.subject.name in backend)
        ):
            found.append(f"{subject} ({grant.source})")
    return tuple(dict.fromkeys(found))


def group_called(known: Collection[Subject], asked: str, *, source: str, place: str) -> Subject:
    """Which of these groups somebody means by a name, or by KIND:NAME. BadInput if none, or more than one, is called so."""
    fitting = sorted(one for one in known if asked in (str(one), one.name))
    if len(fitting) == 1:
        return fitting[0]
    there = ", ".join(map(str, fitting or sorted(known))) or "none"
    raise BadInput(f"which group {asked!r} is", source=source, place=place, remedy=f"one of: {there}")
