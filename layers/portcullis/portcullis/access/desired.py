"""The access model and the members of the groups now, turned into what an engine should hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from portcullis.access.actual import Json
from portcullis.access.plan import By, Claim, Grant, Membership, SubjectKind
from portcullis.errors import Refused

Entries = Mapping[str, Mapping[str, Mapping[str, str]]]  # role -> list -> {entry: because}


@dataclass(frozen=True, slots=True)
class Granted:
    """Who should have which role, as entries of `users` and `backend_roles`, in no family's form."""

    entries: Entries
    notes: tuple[str, ...] = ()  # subjects that do not exist, members left out
    unsure: frozenset[str] = frozenset()  # roles granted to whom could not be read: nobody is taken out of them


@dataclass(frozen=True, slots=True)
class Desired:
    """What should be. Mappings are not documents here: an entry has its own reason, and shares its list with others' entries."""

    documents: Mapping[str, Mapping[str, Json]] = field(
        default_factory=dict
    )  # kind -> name -> document, mappings left out
    entries: Entries = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    unsure: frozenset[str] = frozenset()
    # Documents that stay as they are, whatever is asked for: of whom they mean somebody could not be read, or the engine cannot hold them.
    untouched: frozenset[Claim] = frozenset()
    granted: frozenset[str] = frozenset()  # roles that are granted, also where nobody has them by that now

    def of(self, kind: str) -> Mapping[str, Json]:
        return self.documents.get(kind, {})

    def because(self, role: str, entry_list: str, entry: str) -> str | None:
        """Why this entry should be there, or None if it should not."""
        return self.entries.get(role, {}).get(entry_list, {}).get(entry)

    def only(self, roles: Collection[str], documents: Mapping[str, Collection[str]]) -> Desired:
        """What is asked for of these documents (kind -> names), and of who has these roles."""
        asked = {
            kind: {name: one for name, one in self.of(kind).items() if name in some} for kind, some in documents.items()
        }
        entries = {role: self.entries[role] for role in roles if role in self.entries}
        granted = self.granted.intersection(roles)
        return Desired(asked, entries, self.notes, self.unsure.intersection(roles), granted=granted)

    def claims(self, mappings: str) -> frozenset[Claim]:
        """Everything asked for, as claims: documents, and entries of what the family calls `mappings`."""
        documents = {Claim(kind, name) for kind, named in self.documents.items() for name in named}
        entries = {
            Claim(mappings, role, entry_list, entry)
            for role, lists in self.entries.items()
            for entry_list, held in lists.items()
            for entry in held
        }
        return frozenset(documents | entries)


_MADE_BY_A_DEPLOY = "; cdk deploy makes the groups of the pool that are new in the file"


def granted(grants: Iterable[Grant], members: Membership) -> Granted:
    """Who should have which role, by these grants and these members.

    An IAM group and a Cognito group by members become entries of `users`, a Cognito group by role becomes an entry of
    `backend_roles`. A subject that does not exist grants nothing and is noted.

    A subject that could not be read grants nothing new, and whoever is in its roles stays. Refused if one was neither found nor missing
    nor said to be unread: a truth that was not read must not look like an empty group.
    """
    unsure: set[str] = set()
    entries: dict[str, dict[str, dict[str, str]]] = {}
    notes = list(members.notes)
    for grant in sorted(grants, key=lambda g: (g.role, g.subject, g.by, g.source)):
        if grant.subject in members.missing:
            made = _MADE_BY_A_DEPLOY if grant.subject.kind is SubjectKind.COGNITO_GROUP else ""
            notes.append(
                f"{grant.subject} does not exist, so it is granted nothing ({grant.source}: {grant.role}){made}"
            )
            continue
        if grant.subject in members.unread:
            unsure.add(grant.role)
            why = members.unread[grant.subject]
            notes.append(f"nobody new gets into {grant.role} and nobody is taken out ({grant.source}): {why}")
            continue
        for entry_list, entry in _principals(grant, members):
            # The first reason in the fixed order stays: one entry is one thing to the engine, however often it is granted.
            entries.setdefault(grant.role, {}).setdefault(entry_list, {}).setdefault(entry, _because(grant))
    return Granted(entries, tuple(dict.fromkeys(notes)), frozenset(unsure))


def _principals(grant: Grant, members: Membership) -> Iterable[tuple[str, str]]:
    subject = grant.subject
    # These two are what an engine knows by itself: nothing has to be read to know them.
    if subject.kind is SubjectKind.BACKEND_ROLE:
        return [("backend_roles", subject.name)]
    if subject.kind is SubjectKind.INTERNAL_USER:
        return [("users", subject.name)]
    users, roles = members.users.get(subject), members.backend_roles.get(subject)
    if subject.kind is SubjectKind.COGNITO_GROUP:
        users, roles = (None, roles) if grant.by is By.ROLE else (users, None)
    if users is None and roles is None:
        how = f" by {grant.by.value}" if subject.kind is SubjectKind.COGNITO_GROUP else ""
        raise Refused(
            f"{subject}{how} was not read: who is meant is unknown, so nothing is changed ({grant.source}: {grant.role})"
        )
    return [*(("users", entry) for entry in users or ()), *(("backend_roles", entry) for entry in roles or ())]


def _because(grant: Grant) -> str:
    return f"{grant.subject} ({grant.source})" if grant.source else str(grant.subject)
