"""Who is in two Cognito groups with roles: a token carries the role of one of them, and what the other is granted by role is not had."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from portcullis.access.plan import By, Grant, SubjectKind
from portcullis.words import in_words

_LAST = 1 << 31  # a group without a precedence comes after all that have one


@dataclass(frozen=True, slots=True)
class Rank:
    """What decides between groups: the lowest precedence. `role` is the IAM role of the group."""

    role: str
    precedence: int | None = None


@dataclass(frozen=True, slots=True)
class NotCarried:
    """Somebody who has less than their groups are granted."""

    entry: str  # as a mapping names them
    carried: tuple[
        str, ...
    ]  # the group whose role their token carries; none where two that come first have different ones
    not_carried: tuple[str, ...]  # their groups that are granted something by role, and whose role it does not carry
    lost: tuple[str, ...]  # what is granted to these, and they do not have otherwise

    def __str__(self) -> str:
        name, groups = in_words(self.entry), " and ".join(map(in_words, (*self.carried, *self.not_carried)))
        why = (
            f"the role of {in_words(self.carried[0])} alone, which comes first"
            if self.carried
            else "no role, for two groups of the same precedence have different ones"
        )
        return (
            f"{name} is in {groups}, and their token carries {why}: of what is granted by role to"
            f" {' and '.join(map(in_words, self.not_carried))} they do not have {', '.join(self.lost)}"
        )


def not_carried(
    grants: Collection[Grant], ranks: Mapping[str, Rank], members: Mapping[str, Collection[str]]
) -> tuple[NotCarried, ...]:
    """Who loses something, by entry. `ranks` has the groups with a role of the pool; `members` at least whoever is in these."""
    by_role = _granted(grants, By.ROLE)
    by_members = _granted(grants, By.MEMBERS)
    ordered = sorted(ranks, key=lambda group: (_of(ranks[group]), group))
    found = []
    for entry in sorted({entry for group in ranks for entry in members.get(group, ())}):
        mine = [group for group in ordered if entry in members.get(group, ())]
        first = [group for group in mine if _of(ranks[group]) == _of(ranks[mine[0]])]
        carried = {ranks[group].role for group in first}
        role = carried.pop() if len(carried) == 1 else ""
        others = tuple(group for group in mine if ranks[group].role != role and by_role.get(group))
        had = {one for group in mine if ranks[group].role == role for one in by_role.get(group, ())}
        had |= {one for group, roles in by_members.items() if entry in members.get(group, ()) for one in roles}
        had |= {grant.role for grant in grants if _is_named(grant, entry)}
        lost = tuple(sorted({one for group in others for one in by_role[group]} - had))
        if lost:
            left = tuple(group for group in others if by_role[group] & set(lost))
            found.append(NotCarried(entry, tuple(mine[:1]) if role else (), left, lost))
    return tuple(found)


def groups_that_make_up(grants: Collection[Grant], found: Iterable[NotCarried]) -> set[str]:
    """Groups by whose members somebody may have all the same what their token does not bring."""
    lost = {role for one in found for role in one.lost}
    return {group for group, roles in _granted(grants, By.MEMBERS).items() if roles & lost}


def _granted(grants: Iterable[Grant], by: By) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for grant in grants:
        if grant.subject.kind is SubjectKind.COGNITO_GROUP and grant.by is by:
            found.setdefault(grant.subject.name, set()).add(grant.role)
    return found


def _is_named(grant: Grant, entry: str) -> bool:
    return grant.subject.kind is SubjectKind.COGNITO_USER and entry.split("/", 2)[2:] == [grant.subject.name]


def _of(rank: Rank) -> int:
    return _LAST if rank.precedence is None else rank.precedence
