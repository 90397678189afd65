"""Assertions held: against one state of access, and against what changes from one to another. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from portcullis.access.questions.answers import IN_PART, Request, There
from portcullis.access.questions.assertions import READS, Asserted, Assertion, read
from portcullis.access.questions.changes import Changed, Diff, Right
from portcullis.access.questions.persons import ANYBODY, Person
from portcullis.errors import BadInput, Refused
from portcullis.families.crossing import may_meet
from portcullis.operations.access.asking.comparing import State, diff, state
from portcullis.operations.access.asking.scene import Scene, fits, live
from portcullis.operations.access.asking.scene_of_file import of_file as scene_of
from portcullis.operations.services import Site
from portcullis.ports.registration import KeptModel

if TYPE_CHECKING:
    from portcullis.model import Deployment

FAILED = 1  # exit status: one does not hold, or it is not known whether
# Of a file: who puts documents needs a permission of the cluster, too, that another group may give.
_IN_A_FILE = ("indices:data/write/index", "indices:data/write/delete")
_OTHER_GROUP = "what they gain on the cluster may be what was missing to whoever is in another group, too"


def held(scene: Scene, assertions: Iterable[Assertion]) -> tuple[Asserted, ...]:
    """Those that are about one state."""
    return tuple(_held(scene, one) for one in assertions if one.of_one_state)


def of_file(deployment: Deployment) -> tuple[Assertion, ...]:
    """Those of a deployment file. A cluster that runs elsewhere has none."""
    return tuple(read(text) for text in getattr(deployment, "assertions", ()))


def broken_in_file(deployment: Deployment) -> tuple[BadInput, ...]:
    """Assertions of the file that the file itself does not keep, or of which a file alone cannot say it."""
    if not (assertions := of_file(deployment)):
        return ()
    remedy = "change what is granted, or the assertion; portcullis who-can shows who it is"
    return tuple(
        BadInput(
            str(one),
            source=deployment.source,
            place=f"line {deployment.line('assertions', i)}, assertions[{i}]",
            remedy=remedy,
        )
        for i, one in enumerate(held(scene_of(deployment), assertions))
        if not one.holds
    )


def refuse_broken(site: Site, kept: KeptModel, assertions: Sequence[Assertion]) -> None:
    """Refused if one would not hold once this model is applied, or if that is not known. Nobody is asked where there are none."""
    if not assertions:
        return
    if broken := [str(one) for one in held(live(site, kept), assertions) if not one.holds]:
        raise Refused(f"an assertion of the file would not hold, and nothing is written: {'; '.join(broken)}")


def diff_held(before: Scene, after: Scene, names: tuple[str, str], texts: Sequence[str]) -> Diff:
    """The difference, and what becomes of the assertions. BadInput for what is no assertion."""
    assertions = [read(text) for text in texts]
    found = diff(before, after, names)
    said = _all_held(before, after, found, assertions)
    return replace(found, assertions=said, exit_status=0 if all(one.holds for one in said) else FAILED)


def _all_held(before: Scene, after: Scene, found: Diff, assertions: Iterable[Assertion]) -> tuple[Asserted, ...]:
    """All of them: of the state after, and of what changes."""
    return tuple(
        _held(after, one) if one.of_one_state else _first(one, _gainers(before, after, found, one))
        for one in assertions
    )


def _first(assertion: Assertion, found: Iterator[Asserted]) -> Asserted:
    """A counterexample if there is one; else what is not known; else it holds."""
    perhaps: Asserted | None = None
    for one in found:
        if one.holds is False:
            return one
        perhaps = perhaps or one
    return perhaps or Asserted(assertion.text, True)


def _held(scene: Scene, assertion: Assertion) -> Asserted:
    return _first(assertion, _doers(scene, assertion))


def _doers(scene: Scene, assertion: Assertion) -> Iterator[Asserted]:
    """Whoever does it, or may."""
    also = scene.answers.telling_apart(scene.held, assertion.patterns)
    here = state(scene, also)
    behind = {
        index
        for name, indices in (*(scene.there.aliases or {}).items(), *scene.there.streams.items())
        if fits(name, assertion.patterns)
        for index in indices
    }
    fitting = tuple(one for one in here.indices if one in behind or fits(one, assertion.patterns))
    here = State(scene, fitting, here.people)
    words = ["read"] if assertion.does == READS else [*_IN_A_FILE] if scene.groups_open else ["write"]
    for person in scene.people:
        if not _spared(scene, here, person, assertion):
            yield from _done_by(here, person, words, assertion)
    yield from _nobodies(here, assertion)
    for line in scene.unseen:
        yield Asserted(assertion.text, None, rule=line)


def _done_by(here: State, person: Person, words: Sequence[str], assertion: Assertion) -> Iterator[Asserted]:
    scene = here.scene
    for does in words:
        for index, told in here.decided(person, does).items():
            decided, like = told.answer, told.index
            seen = next((one.allowed for one in decided.seen if one.index == like), decided.allowed)
            if seen:
                rules = (f"{one.role}: {one.rule}" for one in decided.permissions)
                yield Asserted(assertion.text, False, str(person), index, next(rules, Request(does).does))
            elif seen is None or (decided.allowed is None and not decided.in_part):
                why = decided.unknown[0] if decided.unknown else IN_PART
                yield Asserted(assertion.text, None, str(person), index, why)
    name = "" if scene.groups_open or person.kind == ANYBODY or not person.caller else person.caller.name
    for pattern in assertion.patterns:
        for open_ in scene.answers.unclear(scene.held, here.roles(person), name, pattern):
            yield Asserted(assertion.text, None, str(person), pattern, f"whether it is in {open_} is not known here")
    if person.unread:
        yield Asserted(assertion.text, None, str(person), "", person.unread)


def _nobodies(here: State, assertion: Assertion) -> Iterator[Asserted]:
    """Whom a mapping lets in by an address, or by several backend roles: who that is, and what they may besides, is not looked at."""
    scene, family = here.scene, here.scene.family
    people = {word for one in scene.people if one.caller for word in scene.answers.called(one)}
    indices = here.indices
    for role in sorted(scene.held.of(family.mappings)):
        others = [who for who in family.holders(scene.held, role) if who not in people]
        if others and (assertion.does != READS or any(_reads(scene, role, index) for index in indices)):
            yield Asserted(
                assertion.text, None, f"entry:{others[0]}", "", f"a mapping of {role} lets in whoever that is"
            )


def _reads(scene: Scene, role: str, index: str) -> bool:
    there = There((index,), scene.there.engine)
    return bool(scene.answers.permitting(scene.held, [role], Request("read", indices=(index,)), there))


def _spared(scene: Scene, here: State, person: Person, assertion: Assertion) -> bool:
    administers = bool(here.roles(person) & set(scene.family.administrator_roles))
    return assertion.spares(str(person), person.groups, administers=administers)


def _gainers(before: Scene, after: Scene, found: Diff, assertion: Assertion) -> Iterator[Asserted]:
    then, everybody = State(after, ()), {str(one): one for one in (*before.people, *after.people)}
    for one in found.people:
        person = everybody.get(one.person)
        if person is None or not _spared(after, then, person, assertion):
            yield from _gained(one, assertion, open_=after.groups_open)
    for line in (*before.unseen, *after.unseen, *(found.unknown if after.groups_open else ())):
        yield Asserted(assertion.text, None, rule=line)


def _gained(one: Changed, assertion: Assertion, *, open_: bool) -> Iterator[Asserted]:
    for index in one.indices:
        if (not assertion.patterns or fits(index.index, assertion.patterns)) and index.gains is not False:
            why = f"{index.before} -> {index.after}"
            yield Asserted(assertion.text, False if index.gains else None, one.person, index.index, why)
    for right in one.gained:
        if not assertion.patterns or right.administers or _meets(right, assertion.patterns):
            yield Asserted(assertion.text, False, one.person, ", ".join(right.patterns), right.what)
        elif open_ and not right.patterns:
            yield Asserted(assertion.text, None, one.person, "", f"{_OTHER_GROUP}: {right.what}")
    if one.gains is None:
        yield Asserted(assertion.text, None, one.person, "", next(iter(one.unknown), "it cannot be compared"))


def _meets(right: Right, patterns: Iterable[str]) -> bool:
    """Whether a right may be on such an index. That two patterns meet is taken for so unless how they begin or end keeps them apart."""
    return any(_may_meet(one, other) for one in right.patterns for other in patterns)


def _may_meet(one: str, other: str) -> bool:
    if ":" in one and not one.startswith("/"):
        return False  # on other clusters
    if any(sign in one for sign in "?/<$"):
        return True
    if "*" not in one or "*" not in other:
        return fits(one, [other]) or fits(other, [one])
    return any(True for _ in may_meet((one,), (other,)))
