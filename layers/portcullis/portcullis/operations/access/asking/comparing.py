"""`diff`: who gains and who loses what between two states of access, after merging. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from portcullis.access.plan import SubjectKind
from portcullis.access.questions.answers import Decided, Request, Seen, There
from portcullis.access.questions.changes import (
    Changed,
    Diff,
    OnIndex,
    Right,
    Verdict,
    compared,
    in_short,
    seen_of,
)
from portcullis.access.questions.persons import ANYBODY, Person
from portcullis.access.terms import Caller
from portcullis.access.truth import any_of
from portcullis.operations.access.asking.scene import Scene, asked_of
from portcullis.words import many

_DOES = ("read", "write")


@dataclass(frozen=True, eq=False)
class Told:
    """What is said of an index: `answer`, under the name of one that is like it."""

    answer: Decided
    index: str

    @cached_property
    def seen(self) -> Seen:
        return seen_of(self.answer, self.index)


@dataclass(frozen=True)
class State:
    """A scene, and the names of indices that it is asked about."""

    scene: Scene
    indices: tuple[str, ...]
    people: Mapping[tuple[str, str, str], Person] = field(default_factory=dict)

    def like(self, person: Person) -> Person:
        """The same person here. Whoever is not known here is as they are elsewhere: a mapping may name them all the same."""
        named = (one for one in self.people.values() if str(one) == str(person))
        return self.people.get(_key(person)) or next(named, person)

    def roles(self, person: Person) -> frozenset[str]:
        scene = self.scene
        if person.kind == ANYBODY:
            lists = scene.family.lists
            mapped = scene.held.of(scene.family.mappings)
            return frozenset(r for r in mapped if any(person.entry in scene.held.entries(r, one) for one in lists))
        return frozenset(scene.family.mapped_roles(scene.held, person.caller)) if person.caller else frozenset()

    def decided(self, person: Person, does: str) -> Mapping[str, Told]:
        """Of every index. Of those that are alike to this person one is asked about, and answers for all of them. What there is no index
        for yet is asked about by itself, as names that may be."""
        scene, there = self.scene, self.scene.there
        found: dict[str, Told] = {}
        for names, world in ((self._known, there), (self._others.indices or (), self._others)):
            caller = person.caller
            kinds = scene.answers.alike(scene.held, caller, names, world) if caller else (names,)
            groups = [group for group in kinds if group]
            asked = tuple(group[0] for group in groups)
            if asked:
                told = asked_of(scene, person, Request(does, indices=asked), world)
                for group in groups:
                    found |= dict.fromkeys(group, Told(told, group[0]))
        return found

    @cached_property
    def _known(self) -> tuple[str, ...]:
        there = frozenset(self.scene.there.indices or ())
        return tuple(one for one in self.indices if one in there)

    @cached_property
    def _others(self) -> There:
        """The names that may be: one world, so that what is compiled for it is compiled once."""
        known = frozenset(self._known)
        return There(tuple(one for one in self.indices if one not in known), self.scene.there.engine)


def state(scene: Scene, apart: Iterable[str]) -> State:
    """`apart`: names of indices besides those that there are, by which roles tell indices apart."""
    names = {*(scene.there.indices or ()), *apart}
    return State(scene, tuple(sorted(names)), {_key(one): one for one in scene.people})


def _key(person: Person) -> tuple[str, str, str]:
    return person.kind, person.entry, person.carried


def diff(before: Scene, after: Scene, names: tuple[str, str]) -> Diff:
    """What changes for whom from one to the other. `names`: what they are called."""
    apart = {name for one in (before, after) for name in one.answers.telling_apart(one.held)}
    old, new = state(before, apart), state(after, apart)
    everybody = {**old.people, **new.people}
    everybody |= {_key(one): one for one in _nobody_yet(old, new, tuple(everybody.values()))}
    found = [one for person in everybody.values() if (one := _changed(old, new, person))]
    found += _others(old, new, list(everybody.values()))
    found.sort(key=lambda one: (one.person.startswith(ANYBODY), one.name, one.person))
    unknown = [*before.unseen, *after.unseen, *(line for one in found for line in one.unknown)]
    if after.groups_open:
        unknown += _lifted(before, after)
    return Diff(
        after.deployment,
        *names,
        _sentence(found),
        tuple(found),
        tuple(dict.fromkeys(unknown)),
        (*after.answers.not_looked_at, *after.answers.only_if_named),
    )


def _sentence(found: list[Changed]) -> str:
    if not found:
        return "nobody gains or loses anything"
    told = f"{_count('gain', [one.gains for one in found])}, {_count('lose', [one.loses for one in found])}"
    open_ = sum(one.gains is None or one.loses is None for one in found)
    return f"{told}; of {many(open_, 'person', 'people')} it is not known" if open_ else told


def _count(verb: str, verdicts: list[Verdict]) -> str:
    """Where it is not known of everybody, it is not said that nobody does."""
    number = verdicts.count(True)
    if not number:
        return f"nobody is known to {verb} anything" if None in verdicts else f"nobody {verb}s anything"
    return f"{number} {verb if number > 1 else verb + 's'} something"


def _changed(old: State, new: State, person: Person) -> Changed | None:
    was, now = old.like(person), new.like(person)
    had, has = old.roles(was), new.roles(now)
    before, after = old.scene, new.scene
    groups = "action_groups"
    same = had == has and was.caller == now.caller and all(_document(before, r) == _document(after, r) for r in had)
    if same and before.held.of(groups) == after.held.of(groups):
        return None
    gained = after.answers.more(before.held, had, after.held, has)
    lost = after.answers.more(after.held, has, before.held, had)
    indices, unknown = _on_indices(old, new, was, now)
    if not (gained or lost or indices):
        return None
    doubt = (now.doubt or now.refused,) if now.doubt or now.refused else ()
    return Changed(
        str(now),
        now.name,
        any_of((bool(gained), *(one.gains for one in indices))),
        any_of((bool(lost), *(one.loses for one in indices))),
        indices,
        gained,
        lost,
        tuple(dict.fromkeys((*unknown, *doubt))),
    )


def _document(scene: Scene, role: str) -> object:
    return scene.held.get(scene.family.roles, role)


def _on_indices(old: State, new: State, was: Person, now: Person) -> tuple[tuple[OnIndex, ...], tuple[str, ...]]:
    found: list[OnIndex] = []
    unknown: list[str] = []
    for does in _DOES:
        before, after = old.decided(was, does), new.decided(now, does)
        # Those that are alike before, and alike after, differ by their names alone.
        pairs: dict[tuple[Told, Told], OnIndex | None] = {}
        for index in new.indices:
            pair = before[index], after[index]
            if pair not in pairs:
                pairs[pair] = _on_index(*pair, does, unknown)
            if one := pairs[pair]:  # `replace` takes four times as long, and there may be a million
                found.append(OnIndex(index, one.does, one.before, one.after, one.gains, one.loses))
    return tuple(found), tuple(unknown)


def _on_index(before: Told, after: Told, does: str, unknown: list[str]) -> OnIndex | None:
    seen, sees, one, other = before.seen, after.seen, before.answer, after.answer
    gains, loses = compared(seen, sees)
    limited = does == "read" and (seen.limited or sees.limited)
    open_ = tuple(dict.fromkeys((*one.doubts, *other.doubts))) if limited else ()
    if seen.allowed is None or sees.allowed is None or limited:
        open_ += (*one.unknown, *other.unknown)
    if open_ and seen.allowed is not False and sees.allowed is not False:
        gains, loses = gains or None, loses or None
    if gains is False and loses is False:
        return None
    unknown += open_
    if does == "write":  # which documents and fields, reading tells
        seen, sees = (replace(s, documents=(), fields_only=(), fields_hidden=(), masked=()) for s in (seen, sees))
        gains, loses = compared(seen, sees)
        if gains is False and loses is False:
            return None
    return OnIndex("", does, in_short(seen, does), in_short(sees, does), gains, loses)


def _nobody_yet(old: State, new: State, everybody: Iterable[Person]) -> Iterator[Person]:
    """For whom an entry stands that lets in nobody now: whoever joins the group whose role it is, or has all of several backend roles."""
    carried = {one.role for one in everybody}
    of_role: dict[str, list[str]] = {}
    for group, rank in (new.scene.pool.ranks or {}).items():
        of_role.setdefault(rank.role, []).append(group)
    kind = SubjectKind.COGNITO_GROUP.value
    for scene in (old.scene, new.scene):
        mapped, lists, condition = (scene.held.of(scene.family.mappings), scene.family.lists, scene.family.condition)
        entries = {entry for role in mapped for one in lists for entry in scene.held.entries(role, one)}
        for role in sorted(of_role.keys() & entries - carried):
            groups = sorted(of_role[role])
            names = tuple(f"{kind}:{group}" for group in groups)
            yield Person(kind, " or ".join(groups), role, Caller("", (role,)), names, groups[0], role)
        for needed in {scene.held.entries(role, condition) for role in mapped} if condition else ():
            if needed:
                both = " and ".join(needed)
                yield Person("entry", both, both, Caller("", needed))


def _others(old: State, new: State, everybody: list[Person]) -> Iterator[Changed]:
    """Whoever a mapping lets in that is no person here."""
    known = {word for one in everybody for word in new.scene.answers.called(one)}
    effect = new.scene.family.effect(old.scene.held, new.scene.held)
    for who in effect.people():
        if who in known:
            continue
        gains = {(one.what, one.limits) for one in effect.gains if one.who == who}
        loses = {(one.what, one.limits) for one in effect.loses if one.who == who}
        gained, lost = (tuple(sorted(_said(*one) for one in some)) for some in (gains - loses, loses - gains))
        if gained or lost:
            yield Changed(f"entry:{who}", who, bool(gained), bool(lost), (), gained, lost)


def _said(what: str, limits: str) -> Right:
    _, _, patterns = what.partition(" on ")
    said = f"{what}, {limits}" if limits else what
    return Right(said, tuple(patterns.split(", ")) if patterns else (), what.startswith("administration"))


def _lifted(before: Scene, after: Scene) -> Iterator[str]:
    """Limits of one group bound what another one gives to whoever is in both; a file does not say who that is."""
    names = {entry: str(person) for person in after.people if person.caller for entry in person.caller.backend_roles}
    if len({str(person) for person in (*before.people, *after.people)}) > 1:
        for one in after.family.effect(before.held, after.held).loses:
            if one.limits:
                who = f"whoever is in {names.get(one.who, one.who)} and in another group"
                yield f"{who} may see more: a limit of {one.role} is lifted ({one.limits})"
