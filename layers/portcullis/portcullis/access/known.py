"""Who stands behind a name. The same name is not the same person: the unique id is.

A grant that names somebody directly is good for whoever had that name when it was first seen. Whoever has the name later, under another id,
is somebody else: taken out, and in again only by a decision. A group is another thing: to be put into it is such a decision.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from portcullis.access.plan import Grant, Membership, SubjectKind
from portcullis.errors import NotAllowed
from portcullis.words import in_words

_AS_WRITTEN = frozenset(
    {SubjectKind.INTERNAL_USER, SubjectKind.BACKEND_ROLE}
)  # nobody outside the engine stands behind them
_GROUPS = frozenset({SubjectKind.IAM_GROUP, SubjectKind.COGNITO_GROUP, SubjectKind.IDENTITY_CENTER_GROUP})
_NOT_YET = "the automation may read whom a file named at the last cdk deploy (%s is not allowed)"
_BY_ROLE = " by role"
_FORMER = 1000  # people who left groups, whose ids are still known


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger remembers of people."""

    named: dict[str, str] = field(default_factory=dict)  # who is granted something directly -> id; never forgotten
    strangers: dict[str, str] = field(default_factory=dict)  # of these: who has the name now, and was not accepted
    seen: dict[str, dict[str, str]] = field(default_factory=dict)  # whom was asked for -> entry -> id, at the last look
    former: dict[str, str] = field(default_factory=dict)  # entry -> id of people who left a group
    saves: int = 0  # the count of the custody's saves at the last look: it grows with every lock


@dataclass(frozen=True, slots=True)
class Recognised:
    """The members, without those who are somebody else now; and what is to be remembered and told of it."""

    members: Membership
    known: Known
    strangers: tuple[str, ...]  # who has a granted name and is not who was granted
    renewed: tuple[str, ...]  # members who are somebody else under the name of an earlier member
    unread: tuple[str, ...]  # whose members could not be read
    later: tuple[str, ...]  # whom no policy lets us read yet: known after a deploy
    unfit: tuple[str, ...]  # who is called what no mapping may hold
    last_look_counts: bool  # nothing was locked since the last look


def recognise(grants: Collection[Grant], found: Membership, known: Known, *, last_look_counts: bool) -> Recognised:
    """Hold who was found against who was granted.

    Of a subject that could not be read, whoever was in at the last look stays, if that still counts (nothing was locked since), and
    nobody joins: a mistake in one grant must neither empty a group nor keep the leavers of the others in. Where nobody was ever looked
    at, it stays unread. Who was never read, and may not be for want of a policy, is new in the file since the last deploy.
    """
    users, roles = dict(found.users), dict(found.backend_roles)
    named = dict(known.named)
    strangers: dict[str, str] = {}
    seen: dict[str, dict[str, str]] = {}
    told: list[str] = []
    unread: list[str] = []
    later: list[str] = []
    for grant in {key_of(grant): grant for grant in sorted(grants, key=key_of)}.values():
        subject, key, here = grant.subject, key_of(grant), roles if grant.is_backend_role else users
        if subject.kind in _AS_WRITTEN or subject in found.missing:
            continue
        if subject in found.unread and subject not in here:
            why = found.unread[subject]
            if last_look_counts and not known.seen:
                continue
            if isinstance(why, NotAllowed) and key not in known.seen and key not in known.named:
                here[subject] = ()
                later.append(
                    f"{in_words(key)} is known after deploy, and granted nothing until then: {_NOT_YET % why.action}"
                )
                continue
            last = known.seen.get(key, {}) if last_look_counts else {}
            here[subject] = tuple(last)
            seen[key] = last
            strangers |= {who: new for who, new in known.strangers.items() if who == key or who.startswith(f"{key} ")}
            unread.append(f"{in_words(key)} could not be read ({why}): {_meanwhile(last)}")
            continue
        entries = here.get(subject)
        if entries is None:
            continue
        if subject.kind not in _GROUPS or grant.is_backend_role:
            for entry in entries:
                who, now = f"{key} {entry}" if subject.kind in _GROUPS else key, found.ids.get(entry, "")
                if now and named.setdefault(who, now) != now:
                    strangers[who] = now
                    told.append(
                        f"{in_words(entry)} of {in_words(key)} is somebody else now: {now}, and granted was {named[who]}"
                    )
                    entries = tuple(one for one in entries if one != entry)
            here[subject] = entries
        seen[key] = {entry: found.ids.get(entry, "") for entry in entries}
    still = {subject: why for subject, why in found.unread.items() if last_look_counts and not known.seen}
    notes = (*found.notes, *told, *unread, *later)
    members = replace(found, users=users, backend_roles=roles, notes=notes, unread=still)
    former, renewed = _renewed(known, seen)
    remembered = Known(named, strangers, seen, former, known.saves)
    return Recognised(
        members, remembered, tuple(told), renewed, tuple(unread), tuple(later), found.notes, last_look_counts
    )


def accepted(known: Known, name: str) -> tuple[Known, tuple[str, ...]]:
    """Whoever has this name now is who is granted from here on; in words whom that concerns, none if nobody new has the name."""
    concerned = {who: new for who, new in known.strangers.items() if name in _called(who)}
    said = tuple(f"{who}: {new}, and no longer {known.named.get(who, '')}" for who, new in sorted(concerned.items()))
    left = {who: new for who, new in known.strangers.items() if who not in concerned}
    return replace(known, named={**known.named, **concerned}, strangers=left), said


def names_of(known: Known) -> tuple[str, ...]:
    """Who waits to be accepted, as a person may call them."""
    return tuple(sorted(_called(who)[0] for who in known.strangers))


def key_of(grant: Grant) -> str:
    """What is asked for, as the ledger calls it."""
    by_role = grant.subject.kind in _GROUPS and grant.is_backend_role
    return str(grant.subject) + (_BY_ROLE if by_role else "")


def _called(who: str) -> tuple[str, ...]:
    subject, _, role = who.partition(f"{_BY_ROLE} ")
    return tuple(filter(None, (subject, subject.partition(":")[2], role)))


def _meanwhile(last: Mapping[str, str]) -> str:
    return (
        f"the {len(last)} who were in at the last look stay in, and nobody joins" if last else "nobody of it is let in"
    )


def _renewed(known: Known, seen: Mapping[str, Mapping[str, str]]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Whose ids stay known though they are in no group now, and which members are somebody else than the ones of their name before."""
    before = dict(known.former) | {
        entry: one for entries in known.seen.values() for entry, one in entries.items() if one
    }
    now = {entry: one for entries in seen.values() for entry, one in entries.items() if one}
    left = {entry: one for entry, one in before.items() if entry not in now}
    renewed = (
        f"{in_words(entry)} is somebody else than the member of that name before ({before[entry]}), and in as a member: {one}"
        for entry, one in sorted(now.items())
        if before.get(entry, one) != one
    )
    return dict([*left.items()][-_FORMER:]), tuple(renewed)
