"""Several roles of one caller: where document and field rules add up to more or less than their authors meant.

Measured on 2.19.3 and 3.4.0 with `dfm_empty_overrides_all: false`: a role with a document query, field rules or masks beats one without on
the indices that both cover (all_access included); queries are OR-ed; excluded fields add up and make included ones void.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from portcullis.access.actual import Json
from portcullis.access.plan import AccessModel, Subject, SubjectKind
from portcullis.families.opensearch.names.attributes import fields
from portcullis.model import names
from portcullis.model.lints.findings import Facts, Finding, found
from portcullis.model.lints.near import Near
from portcullis.model.types import OnDomain
from portcullis.words import many

_GROUPS = frozenset((SubjectKind.IAM_GROUP, SubjectKind.COGNITO_GROUP, SubjectKind.IDENTITY_CENTER_GROUP))


@dataclass(frozen=True, slots=True)
class _Meeting:
    """How two roles meet on an index pattern."""

    code: str
    pattern: str
    winner: str  # the role whose rule holds
    other: str


_MOST_ALIKE = 3  # findings of one kind about one role, before the rest is only counted
_SHOWN = 3  # people or groups by name, before the rest is only counted
# Pairs that are held against each other: all of many roles would be minutes. Each role has a share of them.
_MOST_PAIRS, _LEAST_EACH = 50_000, 16


class _Together:
    """How the roles of a deployment meet. Only roles with limits are looked at, and beside each those that could cover an index of it.

    Of very many each is held against some of the others alone, of every kind of limits in turn. `cut` are the roles of which that is so.
    """

    def __init__(self, documents: dict[str, Json], *, overrides: bool) -> None:
        self._documents, self._overrides = documents, overrides
        self.limited = {name for name, role in documents.items() if any(_rules(entry) for entry in _entries(role))}
        self.most = max(_LEAST_EACH, _MOST_PAIRS // max(1, len(self.limited)))
        self.cut: set[str] = set()
        self._near = Near((pattern, name) for name, role in documents.items() for pattern in _patterns(role))
        self._turn = _turns(documents)
        self._by_patterns: dict[tuple[str, ...], list[str]] = {}
        self._known: dict[tuple[str, str], tuple[_Meeting, ...]] = {}

    def pairs(self, roles: set[str]) -> list[tuple[str, str]]:
        """Of these roles, those that could meet."""
        beside = ((one, other) for one in roles & self.limited for other in self.beside(one, roles))
        return sorted({(min(pair), max(pair)) for pair in beside})

    def beside(self, one: str, roles: Collection[str]) -> list[str]:
        """Of these roles, those that one with limits could meet: as many as each is held against."""
        found: list[str] = []
        for other in self._around(one):
            if other == one or other not in roles:
                continue
            if len(found) == self.most:
                self.cut.add(one)
                break
            found.append(other)
        return found

    def _around(self, one: str) -> list[str]:
        patterns = tuple(sorted({*_patterns(self._documents[one])}))
        if patterns not in self._by_patterns:
            self._by_patterns[patterns] = sorted(self._near.to(patterns), key=self._turn.__getitem__)
        return self._by_patterns[patterns]

    def meet(self, one: str, other: str) -> tuple[_Meeting, ...]:
        pair = (min(one, other), max(one, other))
        if pair not in self._known:
            self._known[pair] = tuple(_meetings(pair, self._documents, overrides=self._overrides))
        return self._known[pair]


def _turns(documents: dict[str, Json]) -> dict[str, tuple[int, str]]:
    """In which order roles are held against others: one of each kind of limits, then the next of each."""
    seen: dict[tuple[bool, ...], int] = {}
    turns: dict[str, tuple[int, str]] = {}
    for name in sorted(documents):
        entries = [*_entries(documents[name])]
        excludes = any(fields(entry.get("fls") or [])[1] for entry in entries)
        kind = (excludes, *(any(entry.get(limit) for entry in entries) for limit in ("dls", "fls", "masked_fields")))
        seen[kind] = seen.get(kind, 0) + 1
        turns[name] = (seen[kind], name)
    return turns


def merges(deployment: OnDomain, model: AccessModel, facts: Facts) -> Iterator[Finding]:
    """Findings about callers with several roles: those the file names, and with `facts.membership` each one by name."""
    together = _Together({**deployment.known.roles, **model.roles}, overrides=facts.dfm_empty_overrides_all)
    held: dict[str, set[str]] = {}
    for who, role in _holders(model, facts):
        held.setdefault(who, set()).add(role)
    concerned: dict[_Meeting, list[str]] = {}
    for who, roles in sorted(held.items()):
        for one, other in together.pairs(roles):
            for meeting in together.meet(one, other):
                concerned.setdefault(meeting, []).append(who)
    alike: dict[tuple[str, str], list[_Meeting]] = {}
    for meeting in concerned:
        alike.setdefault((meeting.code, meeting.winner), []).append(meeting)
    for meetings in alike.values():
        for i, meeting in enumerate(meetings[:_MOST_ALIKE], start=1):
            more = len(meetings) - i if i == _MOST_ALIKE else 0
            yield _finding(deployment, meeting, meeting.code, _several(concerned[meeting]), _so_too(more, meeting))
    if facts.membership is None:
        yield from _between_groups(deployment, model, together)
    if together.cut:
        yield found(
            deployment,
            "roles-not-compared",
            ("access", "roles", min(together.cut)),
            f"so many roles with limits meet ({many(len(together.limited), 'role')}) that {min(together.cut)}"
            f"{_and_others(len(together.cut) - 1)} was held against {together.most} others only, some of each kind of limits",
            "fewer roles on the same indices, such as one for what differs by a value: its query may take in `${attr…}`",
        )


def _and_others(more: int) -> str:
    return f", as {many(more, 'other')}," if more else ""


def _so_too(more: int, meeting: _Meeting) -> str:
    return f"; so in {more} more {'case' if more == 1 else 'cases'} of {meeting.winner}" if more else ""


def _several(people: list[str]) -> str:
    """All of them, or some and how many more."""
    if len(people) == 1:
        return people[0]
    shown, more = people[:_SHOWN], len(people) - _SHOWN
    return f"each of {', '.join(shown)}{f' and {more} more' if more > 0 else ''}"


def _between_groups(deployment: OnDomain, model: AccessModel, together: _Together) -> Iterator[Finding]:
    """What would meet in somebody who is in two groups: one finding a role, since it may concern nobody."""
    groups: dict[str, set[str]] = {}
    for grant in model.grants:
        if grant.subject.kind in _GROUPS:
            groups.setdefault(grant.role, set()).add(str(grant.subject))
    told: dict[str, tuple[_Meeting, str, int]] = {}  # the role -> one example, and how many more there are
    for one in sorted(together.limited & groups.keys()):
        for other in sorted(together.beside(one, groups.keys())):
            ours, theirs = groups[one] - groups[other], groups[other] - groups[one]
            if not ours or not theirs or (other in together.limited and other < one):
                continue
            for meeting in together.meet(one, other):
                who = f"whoever is in both {' and '.join(sorted((min(ours), min(theirs))))}"
                first, said, more = told.get(meeting.winner, (meeting, who, -1))
                told[meeting.winner] = (first, said, more + 1)
    for meeting, who, more in told.values():
        yield _finding(deployment, meeting, "groups-meet", who, _so_too(more, meeting))


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


def _entries(role: Json) -> Iterable[Json]:
    entries: Iterable[Json] = role.get("index_permissions", ())
    return entries


def _patterns(role: Json) -> Iterator[str]:
    return (pattern for entry in _entries(role) for pattern in entry.get("index_patterns", ()))


def _rules(entry: Json) -> bool:
    return bool(entry.get("dls") or entry.get("fls") or entry.get("masked_fields"))


def _meetings(pair: tuple[str, str], documents: dict[str, Json], *, overrides: bool) -> Iterator[_Meeting]:
    """Every way in which two roles meet, once each."""
    held: dict[tuple[str, str], _Meeting] = {}
    one, other = pair
    for a in _entries(documents[one]):
        for b in _entries(documents[other]):
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
