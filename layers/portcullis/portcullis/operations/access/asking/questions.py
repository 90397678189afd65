"""Who may see what, and why: `why`, `can`, `who-can`, `matrix`, over a scene that was read once. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from portcullis.access.plan import Claim, Grant, SubjectKind
from portcullis.access.questions.answers import (
    BETWEEN,
    IN_PART,
    STATUS,
    Able,
    Decided,
    Layer,
    Matrix,
    Reason,
    Request,
    Row,
    There,
    WhoCan,
    Why,
    is_beyond,
    parted,
)
from portcullis.access.questions.persons import ANYBODY, Person, granting, named
from portcullis.custody.stopping import stopping
from portcullis.custody.types import Custody
from portcullis.errors import BadInput
from portcullis.model.names import nearest
from portcullis.operations.access.asking.by_kinds import one_of_each, within
from portcullis.operations.access.asking.edge import Before, cells_let_in, not_looked_at, of_person, those_let_in
from portcullis.operations.access.asking.scene import Scene, asked_of, fits
from portcullis.operations.access.asking.sentences import NO_MAPPING, sentence
from portcullis.operations.access.asking.since import Since
from portcullis.ports.ledger import Change
from portcullis.words import in_data

_MOST_REASONS = 8  # of one refusal: a request for everything is refused for each index by itself


def why(scene: Scene, asked: str, request: Request, history: Iterable[Change] = (), edge: Before | None = None) -> Why:
    """Whether this person may do it, and the chain of reasons. BadInput if nobody, or more than one, is called so."""
    person = one_called(scene, asked)
    there = scene.there
    if scene.custody is None:
        there = replace(there, indices=_thought_of(scene, parted(request.names)[0]))
    decided = decided_for(scene, person, request, there)
    stopped, certain = stopping(scene.custody)
    allowed, unknown = decided.allowed, [*decided.unknown, *((IN_PART,) if decided.in_part else ())]
    if stopped and allowed is not False and person.caller is not None:
        now = scene.answers.answer(scene.held_now, person.caller, request, there)
        allowed = now.allowed if now.allowed is False or certain else None
        unknown += [] if certain or now.allowed is False else [stopped]
    would = tuple(_would_allow(scene, person, request, there)) if decided.allowed is not True else ()
    if allowed is False and scene.groups_open and would and person.kind not in _NO_GROUPS:
        allowed = None
        unknown.append("the file does not say who is in which group: --member-of says it, or ask what is deployed")
    if allowed is False and (unread := [one for one in would if one.partition(" (")[0] in scene.unread]):
        allowed = None
        unknown.append(f"whether they are in {unread[0]} could not be read")
    if allowed is False and person.unread:
        allowed = None
        unknown.append(person.unread)
    unknown += scene.unseen if allowed is not True else ()
    passage = of_person(edge, person, request)
    engine_says, lets_in = allowed, passage.passes
    if allowed is not False and lets_in is not True:
        allowed = lets_in
        unknown = [*passage.unknown, *unknown]
    since = Since(history)
    reasons = (
        *passage.reasons,
        *_of_person(scene, person),
        *_of_engine(scene, person, decided, since),
        *_of_custody(scene.custody, stopped),
    )
    return Why(
        scene.deployment,
        str(person),
        person.name,
        str(request),
        allowed,
        sentence(person, request, allowed, decided, stopped, unknown, passage.no if engine_says is not False else ""),
        decided.seen,
        reasons,
        would,
        passage.would if not stopped else (),
        tuple(dict.fromkeys((*unknown, *decided.doubts, *passage.unseen))),
        _not_looked_at(scene, request.names, edge),
        STATUS[allowed],
        scene.there.engine,
        decided.ends if allowed else "",
    )


def who_can(scene: Scene, request: Request, edge: Before | None = None) -> WhoCan:
    """Everybody who may do it, with the way by which; first those who may, then those of whom nobody here can tell."""
    there = scene.there
    own, beyond = parted(request.indices)
    fitting = _meant((*(there.indices or ()), *(there.aliases or ()), *there.streams), own)
    found, unknown = list[tuple[Person, Able]](), list(scene.unseen)
    if not fitting and own:
        fitting = _thought_of(scene, own)
        there = replace(there, indices=fitting)
        if scene.custody is not None:
            unknown.append("no index is called so now: shown is who could, if there were one")
    over_there = _over_there(scene, beyond, unknown)
    fitting += over_there
    question, request = str(request), replace(request, indices=fitting)
    of = within(there, fitting)
    for person in scene.people:
        asked, like = one_of_each(scene, person, request, there, of)
        decided = decided_for(scene, person, replace(request, indices=asked), there)
        mine = tuple(
            sorted({name for one in decided.seen if one.allowed for name in like.get(one.index, (one.index,))})
        )
        unsure = decided.allowed is None or any(one.allowed is None for one in decided.seen)
        if not mine and not unsure:
            continue
        roles = sorted({one.role for one in decided.permissions}) or sorted(decided.roles)
        ways = [way for role in roles for way in _ways(scene, person, role, decided)]
        limited = any(one.limited for one in decided.seen if one.allowed)
        allowed = True if mine else None
        unknown += (*decided.unknown, *decided.doubts)
        able = Able(str(person), person.name, allowed, tuple(dict.fromkeys(ways)), tuple(roles), mine, limited)
        found.append((person, able))
    able_ones, not_known = those_let_in(edge, scene, request, found)
    unknown += not_known
    able_ones.sort(key=lambda one: (one.allowed is not True, one.person.startswith(ANYBODY), one.name))
    stopped, _ = stopping(scene.custody)
    return WhoCan(
        scene.deployment,
        question,
        fitting,
        tuple(able_ones),
        stopped,
        tuple(dict.fromkeys(unknown)),
        _not_looked_at(scene, beyond, edge),
    )


def matrix(scene: Scene, patterns: Sequence[str] = (), only: Sequence[str] = (), edge: Before | None = None) -> Matrix:
    """People by indices. `patterns` of names of indices, `only` of people; none: all that there are."""
    there = scene.there
    own, beyond = parted(patterns or ("*",))
    indices = _meant(there.indices or (), own)
    if not indices and own:
        indices = tuple(sorted({e for one in own for e in scene.answers.examples(scene.held, one)}))
        there = replace(there, indices=indices)
    rows, unknown = list[tuple[Person, Sequence[str]]](), list(scene.unseen)
    indices += _over_there(scene, beyond, unknown)
    for person in scene.people:
        if only and not any(fnmatchcase(name, one) for one in only for name in (person.name, str(person))):
            continue
        who = person.caller
        kinds = [indices] if who is None else scene.answers.alike(scene.held, who, indices, there)
        alike = [kind for kind in kinds if kind]
        asked = tuple(group[0] for group in alike)
        reads = decided_for(scene, person, Request("read", indices=asked), there)
        writes = decided_for(scene, person, Request("write", indices=asked), there)
        unknown += (*reads.unknown, *reads.doubts, *writes.unknown)
        told: dict[str, str] = {}
        for group, cell in zip(alike, _cells(asked, reads, writes), strict=True):
            told |= dict.fromkeys(group, cell)
        cells = tuple(map(told.__getitem__, indices))
        if cells.count("-") < len(cells):
            rows.append((person, cells))
    let_in = cells_let_in(edge, scene, rows, indices)
    shown = tuple(
        Row(str(person), person.name, tuple(cells))
        for (person, _), cells in zip(rows, let_in.cells, strict=True)
        if any(cell != "-" for cell in cells)
    )
    stopped, _ = stopping(scene.custody)
    limits = tuple(dict.fromkeys((*unknown, *let_in.unknown))), _not_looked_at(scene, beyond, edge)
    return Matrix(scene.deployment, indices, shown, stopped, *limits, let_in.kept_out)


def _cells(indices: Sequence[str], reads: Decided, writes: Decided) -> Iterator[str]:
    read, write = ({one.index: one for one in decided.seen} for decided in (reads, writes))
    for index in indices:
        sees, puts = read.get(index), write.get(index)
        words = []
        if sees and sees.allowed:
            words.append("part" if sees.limited else "read")
        if puts and puts.allowed:
            words.append("write")
        may = {sees.allowed if sees else reads.allowed, puts.allowed if puts else writes.allowed}
        if None in may or (sees and sees.allowed and (sees.unknown or sees.by_alias)):
            words.append("?")
        yield " ".join(words) or "-"


# ---------------------------------------------------------------------- one person


_JOINS = {
    (SubjectKind.COGNITO_USER, SubjectKind.COGNITO_GROUP),
    (SubjectKind.IAM_USER, SubjectKind.IAM_GROUP),
}
_NO_GROUPS = (SubjectKind.INTERNAL_USER, SubjectKind.BACKEND_ROLE, SubjectKind.IAM_ROLE)


def one_called(scene: Scene, asked: str) -> Person:
    """Whom somebody means. BadInput if nobody, or more than one, is called so."""
    found = named(scene.people, asked)
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(str(one) for one in found)
        raise BadInput(
            f"{asked!r} may be {len(found)} people", source="request", place="person", remedy=f"say which: {names}"
        )
    near = nearest(asked, (name for one in scene.people for name in (one.name, str(one))))
    kinds = (
        "a name, an ARN, or cognito_user:, iam_user:, iam_role: or internal_user:NAME; `portcullis matrix` lists people"
    )
    remedy = f"did you mean {near!r}? {kinds}" if near else kinds
    raise BadInput(f"nobody called {asked!r} is known", source="request", place="person", remedy=remedy)


def decided_for(scene: Scene, person: Person, request: Request, there: There) -> Decided:
    decided = asked_of(scene, person, request, there)
    if person.doubt and decided.allowed is not False:
        seen = tuple(replace(one, allowed=None if one.allowed else one.allowed) for one in decided.seen)
        return replace(decided, allowed=None, seen=seen, unknown=(person.doubt, *decided.unknown))
    return decided


def _of_person(scene: Scene, person: Person) -> Iterator[Reason]:
    kind = person.kind.replace("_", " ").replace("iam", "IAM").replace("cognito", "Cognito")
    words = {0: "is in no group that counts here", 1: "is in 1 group that counts here"}
    groups = words.get(len(person.groups), f"is in {len(person.groups)} groups that count here")
    yield Reason(Layer.PERSON, str(person), kind, groups)
    for group in person.groups:
        grants = [grant for grant in scene.grants if str(grant.subject) == group]
        if not grants:
            yield Reason(Layer.GROUP, group, "", "is granted nothing")
        for grant in grants:
            how = f"by {grant.by.value}" if grant.subject.kind is SubjectKind.COGNITO_GROUP else ""
            gives = f"gives {grant.role}"
            if grant.by.value == "role" and grant.subject.name != person.carried and not person.every_group:
                gives = f"gives nothing: their token carries the role of {person.carried or 'no group'}"
            yield Reason(Layer.GROUP, group, " ".join(filter(None, (grant.source, how))), gives)
    if person.role:
        yield Reason(
            Layer.CARRIED, person.role, f"{person.carried} comes first of their groups", "the token carries it"
        )
    if person.caller is None:
        yield Reason(Layer.CARRIED, "", person.refused, "stops here")
    else:
        if person.doubt:
            yield Reason(Layer.CARRIED, "", person.doubt, "may stop here")
        backend = ", ".join(person.caller.backend_roles)
        yield Reason(
            Layer.PRINCIPAL,
            person.caller.name or "(any name)",
            f"backend roles: {backend}" if backend else "no backend role",
            "is how the engine sees them",
        )


def _of_engine(scene: Scene, person: Person, decided: Decided, since: Since) -> Iterator[Reason]:
    if person.caller is None:
        return
    since.look_for(
        {*decided.roles.values(), *(str(Claim(scene.family.roles, one.role)) for one in decided.permissions)}
    )
    if not decided.roles and not decided.elsewhere:
        yield Reason(Layer.MAPPING, "", decided.nobody or NO_MAPPING, "stops here")
        return
    for role, entry in decided.roles.items():
        ways = granting(scene.grants, person, role)
        made = ", ".join(ways) if ways else "no grant of the model: made by hand, or Portcullis' own"
        yield since.told(Reason(Layer.MAPPING, entry, made, f"gives {role}"), entry)
    for one in decided.permissions:
        document = str(Claim(scene.family.roles, one.role))
        allows = ("asks for it" if one.asks else "allows it") + (f", {one.limits}" if one.limits else "")
        link = Reason(Layer.PERMISSION, document, one.rule, allows)
        yield link if one.elsewhere else since.told(link, document)
    if decided.beyond:
        yield from decided.beyond
    elif not decided.permissions:
        yield Reason(Layer.PERMISSION, ", ".join(decided.roles), "no permission covers it", "stops here")
    elif decided.allowed is not True:
        told, more = decided.reasons[:_MOST_REASONS], len(decided.reasons) - _MOST_REASONS
        for line in (*told, *([f"and {more} more of the kind"] if more > 0 else ())):
            yield Reason(Layer.PERMISSION, "", line, "stops here")


def _of_custody(custody: Custody | None, stopped: str) -> Iterator[Reason]:
    if custody is None:
        return
    if not stopped:
        yield Reason(Layer.CUSTODY, custody.deployment, "open", "lets in whom the engine lets in")
        return
    at, by = custody.revoked_since, custody.by
    if custody.hold:
        at, by = custody.hold.at, custody.hold.by
    yield Reason(Layer.CUSTODY, custody.deployment, stopped, "nobody is let in", in_data(at) if at else "", by=by or "")


def _would_allow(scene: Scene, person: Person, request: Request, there: There) -> Iterator[str]:
    """Grants of the model that this person lacks, and that would be enough."""
    roles = {grant.role for grant in scene.grants}
    enough = scene.answers.permitting(scene.held, roles, request, there)
    told = set()
    for grant in scene.grants:
        words = f"{grant.subject} (role {grant.role})"
        mine = str(grant.subject) in (*person.groups, str(person))
        if grant.role in enough and not mine and _may_join(person, grant) and words not in told:
            told.add(words)
            yield words


def _may_join(person: Person, grant: Grant) -> bool:
    """Whether the subject of the grant is a group for people of this kind."""
    return (person.kind, grant.subject.kind) in _JOINS


def _ways(scene: Scene, person: Person, role: str, decided: Decided) -> Iterator[str]:
    ways = granting(scene.grants, person, role)
    yield from (way.partition(" (")[0] for way in ways)
    if not ways and role in decided.roles:
        yield decided.roles[role]


# ---------------------------------------------------------------------- indices, and since when


def _thought_of(scene: Scene, names: Iterable[str]) -> tuple[str, ...]:
    """Where no index is known: names that fit those that are asked for, one for each way in which roles tell them apart."""
    return tuple(sorted({name for one in names for name in scene.answers.examples(scene.held, one)}))


def _not_looked_at(scene: Scene, names: Iterable[str], edge: Before | None = None) -> tuple[str, ...]:
    return (*not_looked_at(scene, edge), *(BETWEEN if any(map(is_beyond, names)) else ()))


def _meant(names: Iterable[str], patterns: Sequence[str]) -> tuple[str, ...]:
    """Which of the names the patterns mean, one after the other: what is taken off, too."""
    known = tuple(names)
    found: dict[str, None] = {}
    for pattern in patterns:
        if pattern.startswith("-") and found:
            found = {one: None for one in found if not fits(one, (pattern[1:],))}
        else:
            found |= dict.fromkeys(one for one in known if fits(one, (pattern,)))
    return tuple(one for one in known if one in found)


def _over_there(scene: Scene, patterns: Sequence[str], unknown: list[str]) -> tuple[str, ...]:
    """What patterns mean on other clusters. What of it is not known to be there is said."""
    if not patterns:
        return ()
    names = scene.answers.over_there(scene.held, patterns, scene.there)
    for alias, far in (scene.there.remotes or {}).items() if scene.custody is not None else ():
        known = {*(far.there.indices or ()), *(far.there.aliases or ()), *far.there.streams}
        of = [rest for cluster, _, rest in (name.partition(":") for name in names) if cluster == alias]
        if of and not known & {*of}:
            unknown.append(f"no index of {alias} is known to be called so: shown is who could, if there were one")
        if of and far.stopped:
            unknown.append(f"{far.called}: {far.stopped}; who could once it is open is not told")
    return names
