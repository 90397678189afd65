"""A question as people ask it, answered by `decide`: which actions a request needs, what is seen of each index, by which permission."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from portcullis.access.actual import Actual
from portcullis.access.desired import Desired
from portcullis.access.plan import Claim, Grant, Operation, People, Step
from portcullis.access.questions.answers import Decided, Permission, Request, Seen, There, parted
from portcullis.access.questions.changes import Right
from portcullis.access.questions.documents import Field, Path
from portcullis.access.questions.persons import Person
from portcullis.access.terms import Caller
from portcullis.families.answering import Answering
from portcullis.families.opensearch.deciding.alike import alike
from portcullis.families.opensearch.deciding.compiled import Compiled, compiled
from portcullis.families.opensearch.deciding.doubts import of_another_cluster
from portcullis.families.opensearch.deciding.either_way import way_of
from portcullis.families.opensearch.deciding.ending import of_each
from portcullis.families.opensearch.deciding.facts import facts_of
from portcullis.families.opensearch.deciding.of_documents import field_of
from portcullis.families.opensearch.deciding.over_there import over
from portcullis.families.opensearch.deciding.seen import RANK, by_index, widest
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.granting.effect import limits
from portcullis.families.opensearch.granting.net import crossings, given, more, unclear
from portcullis.families.opensearch.granting.privileges import allows
from portcullis.families.opensearch.limiting.known import known
from portcullis.families.opensearch.limiting.view import Fields, View
from portcullis.families.opensearch.names.matching import is_expression, matches
from portcullis.families.opensearch.names.touching import Named
from portcullis.families.opensearch.names.world import Names, Release
from portcullis.families.opensearch.requesting.actions import is_cluster_action
from portcullis.families.opensearch.requesting.need import (
    BULK,
    CREATE,
    MAP,
    NOTHING_CHANGED,
    Need,
    NotKnown,
    R,
    W,
    of_aliases,
)
from portcullis.families.opensearch.requesting.requests import needs

# Each word is any of these ways; of a way all actions are needed. Whoever may fetch a document by its id reads it, too.
_WORDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "read": ((f"{R}search",), (f"{R}get",), (f"{R}explain",), (f"{R}tv",)),
    "write": ((*BULK, f"{W}index"), (*BULK, f"{W}delete")),
}
_AN_UPDATE = "an update is permitted, and not all that it may need: by what it changes it is let in or refused"
_SOMEBODY = "somebody"  # with one role, and no other


@dataclass(frozen=True, slots=True)
class _Asked:
    ways: tuple[tuple[Need, ...], ...]  # any of them; of a way all
    perhaps: tuple[Need, ...] = ()  # what may be enough
    why: str = ""  # it may be
    doubts: tuple[tuple[Need, str], ...] = ()  # what else may be needed, and when

    @property
    def needs(self) -> tuple[Need, ...]:
        return tuple(need for way in self.ways for need in way)


class OpenSearchAnswers:
    """The Answering protocol."""

    not_in_history: tuple[str, ...] = ()
    only_if_named: tuple[str, ...] = ()
    not_looked_at = ("the network", "the domain's access policy", "the person's own IAM policies")

    def answer(self, actual: Actual, caller: Caller, request: Request, there: There) -> Decided:
        return (
            over(actual, caller, request, there)
            if parted(request.names)[1]
            else _answer(actual, caller, request, there)
        )

    def field(self, seen: Seen, path: Path, engine: str) -> Field:
        fields = Fields(not seen.fields_only, seen.fields_only or seen.fields_hidden)
        view = View(seen.index, True, fields=fields, masks=seen.masked)
        return field_of(view, path, older=facts_of(There((), engine)).strict.release is Release.V2)

    def alike(self, actual: Actual, caller: Caller, indices: Iterable[str], there: There) -> Iterable[tuple[str, ...]]:
        own, beyond = parted(indices)
        return (*alike(compiled(actual, facts_of(there).strict), caller, own), *((name,) for name in beyond))

    def over_there(self, actual: Actual, patterns: Sequence[str], there: There) -> tuple[str, ...]:
        return tuple(patterns)

    def permitting(self, actual: Actual, roles: Iterable[str], request: Request, there: There) -> tuple[str, ...]:
        if parted(request.names)[1]:  # the other one decides by its own mappings
            return ()
        callers = {role: f"{_SOMEBODY}-{number}" for number, role in enumerate(sorted({*roles}))}
        alone = SecurityConfig(
            {
                Kind.ROLES: {role: actual.get(Kind.ROLES, role) or {} for role in callers},
                Kind.ACTION_GROUPS: actual.of(Kind.ACTION_GROUPS),
                Kind.MAPPINGS: {role: {"users": [name]} for role, name in callers.items()},
            }
        )
        return tuple(role for role, name in callers.items() if _answer(alone, Caller(name), request, there).allowed)

    def examples(self, actual: Actual, pattern: str) -> tuple[str, ...]:
        if "*" not in pattern:
            return (pattern,)
        every = (one for role in actual.of(Kind.MAPPINGS) for one in _patterns(actual, role))
        plain = (_example(one) for one in every if not ("${" in one or ":" in one or is_expression(one)))
        own = pattern.startswith(".")  # the engine's own, and those of Dashboards
        fitting = (
            name for name in (_example(pattern), *plain) if matches(pattern, name) and own == name.startswith(".")
        )
        return tuple(sorted(set(fitting)))

    def telling_apart(self, actual: Actual, also: Collection[str] = ()) -> tuple[str, ...]:
        every = {*also, *(one for role in given(actual) for one in _patterns(actual, role))}
        example = {one: _example(one) for one in every if not ("${" in one or ":" in one or is_expression(one))}
        return tuple(sorted({*example.values(), *crossings(actual, example, also)}))

    def unclear(self, actual: Actual, roles: Collection[str], name: str, pattern: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(unclear(actual, roles, name, pattern)))

    def more(self, before: Actual, had: Collection[str], after: Actual, has: Collection[str]) -> tuple[Right, ...]:
        return more(before, had, after, has)

    def as_made(self, engine: str, _wanted: Desired) -> SecurityConfig:
        has = known(engine or "OpenSearch_3.3")
        return SecurityConfig(
            {
                Kind.ROLES: has.roles,
                Kind.ACTION_GROUPS: has.action_groups,
                Kind.TENANTS: {name: {} for name in has.tenants},
                Kind.MAPPINGS: {},
                Kind.USERS: {},
            }
        )

    def as_known(
        self, _held: Actual, _known: People | None, _grants: Collection[Grant], people: Sequence[Person]
    ) -> tuple[Person, ...]:
        return tuple(people)

    def as_known_then(
        self,
        _held: Actual,
        _known: People | None,
        _grants: Collection[Grant],
        people: Sequence[Person],
        _now: Sequence[Person],
    ) -> tuple[Person, ...]:
        return tuple(people)  # a mapping says who it means

    def called(self, person: Person) -> tuple[str, ...]:
        caller = person.caller
        return (person.entry, caller.name, *caller.backend_roles) if caller else (person.entry,)

    def given(
        self, held: Actual, _known: People | None, person: Person, role: str, *, takes: bool, because: str
    ) -> Step | None:
        if (person.entry in held.entries(role, "users")) is not takes:
            return None
        claim = Claim(Kind.MAPPINGS, role, "users", person.entry)
        before, after = (person.entry, None) if takes else (None, person.entry)
        return Step(Operation.REMOVE if takes else Operation.ADD, claim, before, after, because)


OPENSEARCH: Answering = OpenSearchAnswers()


def _example(pattern: str) -> str:
    """A name that fits. It says of itself that there is no such index."""
    return re.sub(r"(?<=[^-._*])\*", "-example", pattern).replace("*", "example").replace("?", "x")


def _patterns(actual: Actual, role: str) -> Iterator[str]:
    for entry in (actual.get(Kind.ROLES, role) or {}).get("index_permissions") or ():
        yield from entry.get("index_patterns") or ()


def _answer(actual: Actual, caller: Caller, request: Request, there: There) -> Decided:
    here = compiled(actual, facts_of(there).strict)
    roles = here.who(caller).why
    asked = _asked(request, there, here)
    if isinstance(asked, str):
        return Decided(None, roles=roles, unknown=(asked,))
    told = [way_of(actual, caller, way, there) for way in asked.ways]
    best = max(told, key=lambda one: RANK[one.allowed])
    seen = by_index((one.seen for one in told), widest) if best.seen else ()
    perhaps = way_of(actual, caller, asked.perhaps, there) if best.allowed is False and asked.perhaps else None
    if perhaps and perhaps.allowed is not False:
        may_be = tuple(replace(one, allowed=None if one.allowed else one.allowed) for one in perhaps.seen)
        seen = by_index((seen, may_be), widest) if seen else ()
    # What is seen may be by any way, so what is doubtful of any is told.
    doubts = [line for one in (told if best.seen else (best,)) for line in one.doubts]
    unknown = best.unknown
    if perhaps and perhaps.allowed is not False:
        unknown = (asked.why, *unknown)
    if best.allowed is not False:
        doubts += [why for need, why in asked.doubts if not here.decide(caller, need.action, need.indices).allowed]
    allowed = None if unknown and best.allowed is False else best.allowed
    used = tuple(dict.fromkeys(_permissions(actual, roles, asked, here.names)))
    return replace(
        best,
        allowed=allowed,
        seen=seen,
        roles=roles,
        permissions=used,
        unknown=unknown,
        doubts=tuple(dict.fromkeys(doubts)),
    )


def _asked(request: Request, there: There, here: Compiled) -> _Asked | str:
    """What the request needs; a text if only the engine can tell."""
    if beyond := parted(request.names)[1]:
        return of_another_cluster(beyond)
    if not request.path:
        if request.does in _WORDS:
            ways = tuple(tuple(Need(action, request.indices) for action in way) for way in _WORDS[request.does])
            least = (Need(f"{W}update", request.indices),) if request.does == "write" else ()
            return _Asked(ways, least, _AN_UPDATE)
        if ":" in request.does:
            return _Asked(((Need(request.does, request.indices),),))
        return f"what {request.does} needs is not known here: say read, write, an action, or a method and a path"
    try:
        found = needs(request.does, request.path)
    except NotKnown as doubt:
        return str(doubt)
    # What is taken off again can be told where it is known what there is.
    unclear = ("<",) if there.every and there.aliases is not None else ("<", "-")
    for need in found:
        if not is_cluster_action(need.action) and (not need.indices or need.indices == ("_all",)):
            found = tuple(replace(one, indices=("*",)) if one is need else one for one in found)
        elif any(name.startswith(unclear) for name in need.indices):
            return f"which indices {','.join(need.indices)} means, only the engine can tell"
        elif any(not name or name.startswith("_") for name in need.indices):
            return f"which permissions {request} needs, only the engine can tell"
    found = tuple(of_each(here, found))
    found = (*found, *_made(found, there), *(of_aliases(found) if facts_of(there).strict.v4 else ()))
    certain = tuple(need for need in found if not need.perhaps)
    reasons = dict.fromkeys(need.perhaps for need in found if need.perhaps)
    why = "; ".join(_AN_UPDATE if reason == NOTHING_CHANGED else reason for reason in reasons)
    return _Asked((found,), certain if why else (), why, tuple(_besides(found, there)))


def _made(found: tuple[Need, ...], there: There) -> Iterator[Need]:
    """An index that is written to and is not there is made."""
    names = {*(there.indices or ()), *(there.aliases or ()), *there.streams}
    if there.every and there.aliases is not None:
        for need in _written(found):
            if need.indices[0] not in names:
                yield Need(CREATE, need.indices, made=True, perhaps=need.perhaps)


def _besides(found: tuple[Need, ...], there: There) -> Iterator[tuple[Need, str]]:
    """What only the document, or the engine, says to be needed."""
    for need in _written(found):
        (name,) = need.indices
        if not (there.every and there.aliases is not None) and name not in (there.indices or ()):
            yield (
                Need(CREATE, need.indices),
                f"if {name} is not there, {CREATE} is needed as well, which they do not have",
            )
        yield (
            Need(MAP, need.indices),
            f"a document with a field that {name} does not have yet needs {MAP} as well, which they do not have",
        )


def _written(found: tuple[Need, ...]) -> Iterator[Need]:
    last = [need for need in found if need.action == f"{W}index" and len(need.indices) == 1 and not need.made]
    return (need for need in last[:1] if "*" not in need.indices[0])


def _permissions(actual: Actual, roles: Iterable[str], asked: _Asked, names: Names) -> Iterator[Permission]:
    """Which entries of which roles cover some of it: by its name, or by that of an alias or a data stream it is in."""
    actions = [need.action for need in asked.needs]
    indices = {name for need in asked.needs for name in need.indices}
    named = Named((*indices, *names.groups_of(indices)))
    for role in sorted(roles):
        for entry in (actual.get(Kind.ROLES, role) or {}).get("index_permissions") or ():
            patterns = entry.get("index_patterns") or ()
            fits = [one for one in patterns if named.touched_by(one)]
            allowed = entry.get("allowed_actions") or ()
            if fits and any(allows(actual, allowed, action) for action in actions):
                rule = f"{', '.join(allowed)} on {', '.join(fits)}"
                yield Permission(role, rule, limits(entry))
