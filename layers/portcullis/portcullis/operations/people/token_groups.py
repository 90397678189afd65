"""The end of what somebody still holds who lost a role that they had by a group of their token.

The role mapping of such a group names nobody: it does not change when a member leaves, and what takes a group out of it does not say who
was in. So who had which role by which group at the last look is in the ledger, and whoever has it no more at the next one lost it, by
whichever event, or none. What the engine gave them ends then, as with whoever is taken out by name: a token of a sign-in has their role,
for as long as it is refreshed. A token of the pool itself, which a realm of type jwt takes as it is, nobody ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from portcullis.access.plan import AccessModel, By, SubjectKind, name_in_pool
from portcullis.operations.services import Site, Trigger
from portcullis.operations.slots import Slot
from portcullis.operations.writing.outliving import end_what_outlives
from portcullis.ports.registration import KeptModel
from portcullis.words import many


@dataclass(frozen=True, slots=True)
class TokenGroups:
    """Who has which role by a group of their token, at the last look."""

    groups: dict[str, list[str]] = field(default_factory=dict)  # role -> the groups that have it
    members: dict[str, list[str]] = field(default_factory=dict)  # group -> names, as tokens say them

    def had(self) -> set[tuple[str, str]]:
        """Each name with each of its roles."""
        return {(name, role) for role, of in self.groups.items() for one in of for name in self.members.get(one, ())}


TOKEN_GROUPS = Slot("token-groups", TokenGroups)


def end_what_tokens_keep(site: Site, kept: KeptModel, cause: Trigger, *, arrived: bool = False) -> None:
    """Look who lost a role by a group of their token, and end what the engine gave them. The caller holds the lease.

    Who left a group, before anything is written; who was in one that lost the role itself, once that is written (`arrived`), as whoever
    signs in before it would have the role again. Raises Unreachable or Refused if the groups cannot be read.
    """
    saved = TOKEN_GROUPS.saved(site.ledger, site.name) or TokenGroups()
    groups = _groups(kept.access) if arrived else saved.groups
    if arrived and groups == saved.groups:
        return
    asked = {group for of in groups.values() for group in of}
    found = site.identity.members_of(asked) if asked else {}
    seen = TokenGroups(groups, {group: sorted(map(name_in_pool, entries)) for group, entries in found.items()})
    if seen == saved:
        return
    if lost := sorted(saved.had() - seen.had()):
        people = {name for name, _ in lost}
        end_what_outlives(site, kept.options, people)
        # What took a role from a group is in the history itself, and stays the latest there: it may be rolled back.
        if not arrived:
            told = f"tokens that the engine gave to {many(len(people), 'person', 'people')} end"
            left = [f"{name} has {role} by no group any more" for name, role in lost]
            site.record("end tokens", cause, told, after=left)
    if groups:
        TOKEN_GROUPS.save(site.ledger, site.name, seen)
    else:
        TOKEN_GROUPS.forget(site.ledger, site.name)


def _groups(access: AccessModel) -> dict[str, list[str]]:
    """Role -> the groups that have it by what a token of the file's realm says."""
    found: dict[str, set[str]] = {}
    for grant in access.grants if access.people and access.people.realm else ():
        if grant.subject.kind is SubjectKind.COGNITO_GROUP and grant.by is By.ROLE:
            found.setdefault(grant.role, set()).add(grant.subject.name)
    return {role: sorted(of) for role, of in sorted(found.items())}
