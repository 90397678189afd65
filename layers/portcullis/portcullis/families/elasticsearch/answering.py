"""A question as people ask it, answered by `decide`: what a request needs, what is seen of each index, by which entry of which role."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from portcullis.access.actual import Actual
from portcullis.access.desired import Desired
from portcullis.access.plan import Claim, Grant, Operation, People, Step
from portcullis.access.questions.answers import (
    Decided,
    Permission,
    Request,
    Seen,
    There,
    is_beyond,
    parted,
)
from portcullis.access.questions.changes import Right
from portcullis.access.questions.documents import Field, Path
from portcullis.access.questions.persons import Person
from portcullis.access.terms import Caller
from portcullis.errors import BadInput
from portcullis.families.answering import Answering
from portcullis.families.crossing import crossings, meet
from portcullis.families.elasticsearch.deciding.across import ONLY_SEARCH, SEARCH, is_across
from portcullis.families.elasticsearch.deciding.compiled import Compiled, compiled, release_of
from portcullis.families.elasticsearch.deciding.decide import Fields, answer
from portcullis.families.elasticsearch.documents.compiling import name_of
from portcullis.families.elasticsearch.documents.config import MEMBERS, NATIVE_USERS, RESERVED, Kind, SecurityConfig
from portcullis.families.elasticsearch.granting import effect, signing_in
from portcullis.families.elasticsearch.granting.merging import Group, holding
from portcullis.families.elasticsearch.granting.signing_in import SignIn, sign_ins
from portcullis.families.elasticsearch.known.engine_facts import EngineFacts
from portcullis.families.elasticsearch.known.names import Unreadable, is_expression, matches
from portcullis.families.elasticsearch.known.privileges import as_held
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.known.releases import built_in, holds
from portcullis.families.elasticsearch.one_need import answered
from portcullis.families.elasticsearch.over_there import reaching
from portcullis.families.elasticsearch.over_there.alike_over_there import alike
from portcullis.families.elasticsearch.over_there.examples import covered, example_of, plain, unclear
from portcullis.families.elasticsearch.over_there.names_over_there import names_over_there
from portcullis.families.elasticsearch.over_there.reaching import both_sides, widest
from portcullis.families.elasticsearch.requesting.asking import Need
from portcullis.families.elasticsearch.requesting.asking import Request as Asked
from portcullis.families.elasticsearch.requesting.composite import has_items
from portcullis.families.elasticsearch.requesting.requests import needs, parts_of

_R, _W = "indices:data/read/", "indices:data/write/"
# Each word is any of these ways, of which all actions are needed. Whoever may fetch a document by its id reads it, too.
_WORDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "read": ((f"{_R}search",), (f"{_R}get",), (f"{_R}explain",), (f"{_R}tv",)),
    "write": (
        *((f"{_W}index", f"{_W}index:op_type/{what}", f"{_W}bulk") for what in ("create", "index")),
        (f"{_W}delete", f"{_W}bulk"),
    ),
}
_RANK: Mapping[bool | None, int] = {True: 2, None: 1, False: 0}


class ElasticsearchAnswers:
    """The Answering protocol."""

    not_in_history = (
        "who was which native user: whoever is in no group now stands as the native user, or as a name of the realm",
        "which native users somebody disabled or enabled by hand: shown is how it is now",
    )
    only_if_named = (
        "what people read on other clusters (`why`, `can`, `who-can` and `matrix` tell it of ALIAS:INDEX)",
    )
    not_looked_at = (
        "the network",
        "API keys and tokens that somebody holds already",
        "realms of the nodes' own files and settings",
    )

    def answer(self, actual: Actual, caller: Caller, request: Request, there: There) -> Decided:
        told = [_of_one(compiled(actual, there), one, request) for one in sign_ins(actual, caller)]
        best = max(told, key=lambda one: _RANK[one.allowed])
        roles = {role: by for one in told for role, by in one.roles.items()}
        unknown = tuple(dict.fromkeys(line for one in told for line in one.unknown))
        return replace(best, seen=widest(seen for one in told for seen in one.seen), roles=roles, unknown=unknown)

    def field(self, seen: Seen, path: Path, engine: str) -> Field:
        if any(" " in one for one in seen.fields_only):
            return Field.UNKNOWN  # of several groups of fields, each a word
        fields = Fields(((seen.fields_only or ("*",), seen.fields_hidden),))
        return Field.SHOWN if fields.sees(".".join(path)) else Field.HIDDEN

    def alike(self, actual: Actual, caller: Caller, indices: Iterable[str], there: There) -> Iterable[tuple[str, ...]]:
        told = sign_ins(actual, caller)
        ways = {frozenset(roles) for one in told for roles in (one.roles, one.roles.keys() | one.perhaps.keys())}
        own, beyond = parted(indices)
        here = compiled(actual, there)
        return (*here.alike(frozenset(ways), own), *(alike(here, tuple(ways), beyond) if beyond else ()))

    def over_there(self, actual: Actual, patterns: Sequence[str], there: There) -> tuple[str, ...]:
        return names_over_there(compiled(actual, there), patterns)

    def permitting(self, actual: Actual, roles: Iterable[str], request: Request, there: There) -> tuple[str, ...]:
        here = compiled(actual, there)
        return tuple(
            sorted({role for role in roles if _of_one(here, SignIn({role: ""}), request).allowed is True}),
        )

    def examples(self, actual: Actual, pattern: str) -> tuple[str, ...]:
        if "*" not in pattern:
            return (pattern,)
        own = pattern.startswith(".")
        every = (example_of(pattern), *(example_of(one) for one in plain(actual)))
        return tuple(sorted({name for name in every if matches(pattern, name) and own == name.startswith(".")}))

    def telling_apart(self, actual: Actual, also: Collection[str] = ()) -> tuple[str, ...]:
        example = {one: example_of(one) for one in (*plain(actual), *also) if not is_expression(one)}
        limited = set(plain(actual, limited=True)) | {one for one in also if one in example}
        return tuple(sorted({*example.values(), *crossings(example, limited, matches, covered)}))

    def unclear(self, actual: Actual, roles: Collection[str], name: str, pattern: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(unclear(actual, roles, pattern)))

    def more(self, before: Actual, had: Collection[str], after: Actual, has: Collection[str]) -> tuple[Right, ...]:
        return effect.rights(before, frozenset(had), after, frozenset(has))

    def as_made(self, engine: str, wanted: Desired) -> SecurityConfig:
        """With the native users to whom a file gives roles, and which somebody else makes."""
        release = release_of(engine)
        roles = {name: role for name in holds(release).reserved_roles if (role := built_in(name, release))}
        entries = {user for lists in wanted.entries.values() for user in lists.get(NATIVE_USERS, ())}
        users = {name: {"roles": [], "enabled": True} for name in sorted(entries - wanted.of(Kind.USERS).keys())}
        empty: dict[str, Mapping[str, dict[str, object]]] = {kind: {} for kind in Kind}
        fixed = {name: {**role, "metadata": {RESERVED: True}} for name, role in roles.items()}
        return SecurityConfig({**empty, Kind.ROLES: fixed, Kind.USERS: users})

    def as_known(
        self, held: Actual, known: People | None, grants: Collection[Grant], people: Sequence[Person]
    ) -> tuple[Person, ...]:
        return signing_in.as_known(held, known, grants, people)

    def as_known_then(
        self,
        held: Actual,
        known: People | None,
        grants: Collection[Grant],
        people: Sequence[Person],
        now: Sequence[Person],
    ) -> tuple[Person, ...]:
        return signing_in.as_known_then(held, known, grants, people, now)

    def called(self, person: Person) -> tuple[str, ...]:
        return signing_in.called(person)

    def given(
        self, held: Actual, known: People | None, person: Person, role: str, *, takes: bool, because: str
    ) -> Step | None:
        rules = known or People("")
        if rules.realm:
            return signing_in.mapped(held, rules, person, role, takes=takes, because=because)
        user = rules.called(role, name_of(person.entry))
        has = user in held.entries(role, NATIVE_USERS)
        if has is not takes or user in rules.kept or user not in held.of(Kind.USERS):
            return None
        claim = Claim(MEMBERS, role, NATIVE_USERS, user)
        before, after = (user, None) if takes else (None, user)
        return Step(Operation.REMOVE if takes else Operation.ADD, claim, before, after, because)


ELASTICSEARCH: Answering = ElasticsearchAnswers()


# ---------------------------------------------------------------------- one way in


def _of_one(here: Compiled, one: SignIn, request: Request) -> Decided:
    own, beyond = parted(request.indices)
    if own and beyond:  # names, and no request that is answered as a whole: each side is asked about its own
        return both_sides(*(_of_one(here, one, replace(request, indices=names)) for names in (own, beyond)))
    asked = _asked(request, here.release)
    if isinstance(asked, str):
        return Decided(None, roles=one.roles, unknown=(asked,))
    sure = _ways(here, one.roles, asked)
    open_ = [f"what role {role} of the engine's own gives is not known here" for role in here.unknown_roles(one.roles)]
    open_ += [f"{text}, only the engine can tell" for text in one.open]
    if one.perhaps:
        most = _ways(here, {**one.roles, **one.perhaps}, asked)
        if (most.allowed, most.seen) != (sure.allowed, sure.seen):
            named = ", ".join(sorted({*one.perhaps.values()}))
            open_.append(f"{named} lets in by what is not known of their token")
    permissions = tuple(_permissions(here, one.roles, asked))
    if not open_:
        return replace(sure, roles=one.roles, permissions=permissions, nobody=one.nobody)
    seen = tuple(replace(s, allowed=s.allowed or None) for s in sure.seen)
    doubts = (*sure.doubts, *(open_ if any(s.allowed and s.limited for s in seen) else ()))
    unknown = (*(open_ if sure.allowed is not True or any(not s.allowed for s in seen) else ()), *sure.unknown)
    allowed = sure.allowed or None
    return replace(
        sure, allowed=allowed, seen=seen, roles=one.roles, permissions=permissions, unknown=unknown, doubts=doubts
    )


def _asked(request: Request, release: Release) -> tuple[tuple[Need, ...], ...] | str:
    """The ways, of each of which all needs have to be granted; or why that cannot be told."""
    if any("<" in name for name in request.indices):
        return f"which index {','.join(request.indices)} means, only the engine can tell"
    if any(map(is_beyond, request.indices)) and request.does in _WORDS:  # a document is fetched from this cluster alone
        return ((Need(SEARCH if request.does == "read" else f"{_W}index", request.indices, each=True),),)
    if request.does in _WORDS:
        return tuple(tuple(Need(action, request.indices) for action in way) for way in _WORDS[request.does])
    if ":" in request.does:
        each = any(map(is_beyond, request.indices))
        return ((Need(request.does, request.indices, cluster=request.does.startswith("cluster:"), each=each),),)
    method, path = request.does.upper(), request.path
    if "<" in path.partition("?")[0]:
        return f"which index {path} means, only the engine can tell"
    try:
        wanted = needs(Asked(method, path), release)
    except BadInput as error:
        return str(error)
    if wanted is None:
        return f"what {method} {path} asks for is not known here: only the engine can tell"
    parts = parts_of(Asked(method, path), release)
    of_more = len(parts) > 2 and parts[:2] != ("_cat", "count")  # of a template, ...
    if any(map(is_across, wanted)) and wanted[0].action == SEARCH and of_more:
        return ONLY_SEARCH
    if has_items(parts):
        return f"what {method} {path} reads or writes is said in its body, and is not known here"
    return (wanted,)


def _ways(here: Compiled, roles: Mapping[str, str], ways: tuple[tuple[Need, ...], ...]) -> Decided:
    told = [_way(here, frozenset(roles), way) for way in ways]
    best = max(told, key=lambda one: _RANK[one.allowed])
    doubts = tuple(dict.fromkeys(line for one in told for line in one.doubts))
    return replace(best, seen=widest(seen for one in told for seen in one.seen), doubts=doubts)


def _way(here: Compiled, roles: frozenset[str], way: tuple[Need, ...]) -> Decided:
    """All of these are needed."""
    if not way:  # what everybody may ask about themselves
        return Decided(True, reasons=("everybody who is let in may ask this about themselves",))
    decided = [answered(here, roles, need) for need in way]
    worst = min(decided, key=lambda one: _RANK[one.allowed])
    found: dict[str, list[Seen]] = {}
    for one in decided:
        for seen in one.seen:
            found.setdefault(seen.index, []).append(seen)
    narrowest = (
        min(of, key=lambda one: (_RANK[one.allowed], not one.limited, not one.by_alias)) for of in found.values()
    )
    unknown = tuple(dict.fromkeys(line for one in decided for line in one.unknown))
    ends = next((one.ends for one in decided if one.ends), "")
    return replace(worst, seen=tuple(narrowest), unknown=unknown, ends=ends)


def _permissions(here: Compiled, roles: Mapping[str, str], ways: tuple[tuple[Need, ...], ...]) -> Iterator[Permission]:
    """Which entries of which roles cover some of it, as they are merged."""
    told: dict[Permission, None] = {}
    for role in sorted(roles):
        held, refused = here.holding(frozenset({role})), ""
        if here.leaves_out(role):
            held, refused = holding(here.held.of(Kind.ROLES), (role,), here.release), ", which the licence refuses"
        for asked in (one for way in ways for one in way):
            own, beyond = parted(asked.names)
            if beyond and not asked.cluster:
                told |= dict.fromkeys(reaching.permissions(here, (role,), replace(asked, names=beyond)))
                if not own:
                    continue
            need = replace(asked, names=own)
            if need.cluster:
                if answer(held, need, here.world, here.release).allowed:
                    told[Permission(role, f"{', '.join(held.cluster[role])} on the cluster{refused}")] = None
                continue
            for group in held.grants(need.action):
                fits = [one for one in group.names if _touches(one, need, here.world)]
                if fits:
                    rule = f"{', '.join(_as_written(group, here.release))} on {', '.join(fits)}{refused}"
                    told[Permission(role, rule, effect.limits(group))] = None
    yield from told


def _as_written(group: Group, release: Release) -> tuple[str, ...]:
    """The privileges of an entry, without what a release adds to one of them."""
    added = set(as_held(("read",), release)) - {"read"} if "read" in group.privileges else set()
    return tuple(one for one in group.privileges if one not in added)


def _touches(pattern: str, need: Need, world: EngineFacts) -> bool:
    """Whether a pattern of a role, and a name or a pattern of the request, may mean the same."""
    for name in need.names or ("*",):
        stream = world.stream_of(name)
        try:
            if matches(pattern, name) or (stream and matches(pattern, stream)):
                return True
            if "*" in name and (is_expression(pattern) or meet(pattern, name, matches)):
                return True
        except Unreadable:
            return True
    return False
