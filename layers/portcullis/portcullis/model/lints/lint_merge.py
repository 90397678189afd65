"""Several roles of one caller: where document and field rules add up to more or less than their authors meant.

Measured on 2.19.3 and 3.4.0 with `dfm_empty_overrides_all: false`: a role with a document query, field rules or masks beats one without on
the indices that both cover (all_access included); queries are OR-ed; excluded fields add up and make included ones void.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

from portcullis.access.actual import Json
from portcullis.access.plan import AccessModel, Subject, SubjectKind
from portcullis.families.opensearch.names.attributes import fields
from portcullis.model import names
from portcullis.model.lints.findings import Facts, Finding, found
from portcullis.model.types import OnDomain

_GROUPS = frozenset((SubjectKind.IAM_GROUP, SubjectKind.COGNITO_GROUP, SubjectKind.IDENTITY_CENTER_GROUP))


@dataclass(frozen=True, slots=True)
class _Meeting:
    """How two roles meet on an index pattern."""

    code: str
    pattern: str
    winner: str  # the role whose rule holds
    other: str


def merges(deployment: OnDomain, model: AccessModel, facts: Facts) -> Iterator[Finding]:
    """Findings about callers with several roles: those the file names, and with `facts.membership` each one by name."""
    documents = {**deployment.known.roles, **model.roles}
    restricted = {
        name for name, role in documents.items() if any(_rules(entry) for entry in role.get("index_permissions", ()))
    }
    if not restricted:
        return
    held: dict[str, set[str]] = {}
    for who, role in _holders(model, facts):
        held.setdefault(who, set()).add(role)
    meetings: dict[tuple[str, str], tuple[_Meeting, ...]] = {}

    def meet(one: str, other: str) -> tuple[_Meeting, ...]:
        pair = (min(one, other), max(one, other))
        if not restricted & set(pair):
            return ()
        if pair not in meetings:
            meetings[pair] = tuple(_meetings(pair, documents, overrides=facts.dfm_empty_overrides_all))
        return meetings[pair]

    concerned: dict[_Meeting, list[str]] = {}
    for who, roles in sorted(held.items()):
        limited = roles & restricted
        for one, other in combinations(sorted(roles), 2) if limited else ():
            for meeting in meet(one, other):
                concerned.setdefault(meeting, []).append(who)
    for meeting, people in concerned.items():
        yield _finding(deployment, meeting, meeting.code, _several(people))
    if facts.membership is None:
        yield from _between_groups(deployment, model, restricted, meet)


def _several(people: list[str], most: int = 3) -> str:
    """All of them, or some and how many more."""
    if len(people) == 1:
        return people[0]
    shown, more = people[:most], len(people) - most
    return f"each of {', '.join(shown)}{f' and {more} more' if more > 0 else ''}"


def _between_groups(
    deployment: OnDomain, model: AccessModel, restricted: set[str], meet: Callable[[str, str], tuple[_Meeting, ...]]
) -> Iterator[Finding]:
    """What would meet in somebody who is in two groups: one finding a role, since it may concern nobody."""
    groups: dict[str, set[str]] = {}
    for grant in model.grants:
        if grant.subject.kind in _GROUPS:
            groups.setdefault(grant.role, set()).add(str(grant.subject))
    told: dict[str, tuple[_Meeting, str, int]] = {}  # the role -> one example, and how many more there are
    for one in sorted(restricted & groups.keys()):
        for other in sorted(groups):
            ours, theirs = groups[one] - groups[other], groups[other] - groups[one]
            if one == other or not ours or not theirs or (other in restricted and other < one):
                continue
            for meeting in meet(one, other):
                who = f"whoever is in both {' and '.join(sorted((min(ours), min(theirs))))}"
                first, said, more = told.get(meeting.winner, (meeting, who, -1))
                told[meeting.winner] = (first, said, more + 1)
    for meeting, who, more in told.values():
        also = f"; so in {more} more cases of {meeting.winner}" if more else ""
        yield _finding(deployment, meeting, "groups-meet", who, also)


def _holders(model: AccessModel, facts: Facts) -> Iterator[tuple[str, str]]:
    """Who has which role: subjects, or the principals behind them when these are known."""
    for grant in model.grants:
        for who in _principals(grant.subject, facts):
            yield who, grant.role


def _principals(subject: Subject, facts: Facts) -> tuple[str, ...]:
    if facts.membership is None:
        return (str(subject),)
    entries = (*facts.membership.users.get(subject, ()), *facts.membership.backend_roles.get(subject, ()))
    return entries or (() if subject in facts.membership.missing else (str(subject),))


def _rules(entry: Json) -> bool:
    return bool(entry.get("dls") or entry.get("fls") or entry.get("masked_fields"))


def _meetings(pair: tuple[str, str], documents: dict[str, Json], *, overrides: bool) -> Iterator[_Meeting]:
    """Every way in which two roles meet, once each."""
    held: dict[tuple[str, str], _Meeting] = {}
    one, other = pair
    for a in documents.get(one, {}).get("index_permissions", ()):
        for b in documents.get(other, {}).get("index_permissions", ()):
            shared = _shared(a, b)
            if not shared:
                continue
            for code, first_wins in _kinds(a, b, overrides):
                winner, loser = (one, other) if first_wins else (other, one)
                held.setdefault((code, winner), _Meeting(code, shared, winner, loser))
    yield from held.values()


def _shared(a: Json, b: Json) -> str:
    return names.narrower(a.get("index_patterns", ()), b.get("index_patterns", ()))


def _kinds(a: Json, b: Json, overrides: bool) -> Iterator[tuple[str, bool]]:
    """(code, whether the first role's rule is the one that holds)."""
    if a.get("dls") and b.get("dls"):
        if a["dls"] != b["dls"]:
            yield "dls-widens", True
    elif (a.get("dls") or b.get("dls")) and not overrides:
        yield "dls-narrows", bool(a.get("dls"))
    fa, fb = a.get("fls") or [], b.get("fls") or []
    ex_a, ex_b = bool(fields(fa)[1]), bool(fields(fb)[1])
    if fa and fb:
        if ex_a != ex_b:
            yield "fls-includes-ignored", ex_a
        elif ex_a and set(fa) != set(fb):
            yield "fls-narrows", not set(fa) <= set(fb)
    elif (fa or fb) and not overrides:
        yield "fls-narrows", bool(fa)
    ma, mb = a.get("masked_fields") or [], b.get("masked_fields") or []
    if bool(ma) != bool(mb) and not overrides:
        yield "masks-spread", bool(ma)
    rules = {mask.partition("::")[0]: mask for mask in ma}
    if any(rules.get(mask.partition("::")[0], mask) != mask for mask in mb):
        yield "masks-differ", True


_WORDS = {
    "dls-narrows": (
        "on {pattern} {who} sees only the documents of {winner}, though {other} alone would show all",
        "give {other} no index in common with {winner}, or grant one of the two",
    ),
    "dls-widens": (
        "on {pattern} {who} sees the documents of {winner} and those of {other}: document queries are OR-ed",
        "put what must hold together into one role's query",
    ),
    "fls-narrows": (
        "on {pattern} {who} sees only the fields that {winner} leaves, though {other} alone would show more",
        "give {other} no index in common with {winner}, or grant one of the two",
    ),
    "fls-includes-ignored": (
        "on {pattern} {who} sees every field but those that {winner} excludes: the fields that {other} includes no longer bound it",
        "write both roles with included fields, or both with excluded ones",
    ),
    "masks-differ": (
        "on {pattern} {who} sees a field masked as {winner} says or as {other} does, by chance",
        "the same rule for the field in both",
    ),
    "masks-spread": (
        "on {pattern} {who} sees the fields that {winner} masks masked, though {other} alone would show them",
        "give {other} no index in common with {winner}, or grant one of the two",
    ),
}


def _finding(deployment: OnDomain, meeting: _Meeting, code: str, who: str, also: str = "") -> Finding:
    message, remedy = _WORDS[meeting.code]
    words = {"pattern": meeting.pattern, "who": who, "winner": meeting.winner, "other": meeting.other}
    return found(
        deployment, code, ("access", "roles", meeting.winner), message.format(**words) + also, remedy.format(**words)
    )
