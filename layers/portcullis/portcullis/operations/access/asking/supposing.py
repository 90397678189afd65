"""`what-if`: what somebody would see if they joined a group, or left it. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from portcullis.access.actual import Actual
from portcullis.access.plan import By, Grant, Step, Subject, SubjectKind
from portcullis.access.questions.answers import Differs, Matrix, WhatIf
from portcullis.access.questions.persons import Person, as_person, granting, group_called
from portcullis.custody.stopping import stopping
from portcullis.errors import BadInput
from portcullis.operations.access.asking.edge import Before
from portcullis.operations.access.asking.questions import matrix, one_called
from portcullis.operations.access.asking.scene import Scene
from portcullis.words import in_words, many

_GROUPS = {
    SubjectKind.COGNITO_GROUP: SubjectKind.COGNITO_USER.value,
    SubjectKind.IAM_GROUP: SubjectKind.IAM_USER.value,
}


def what_if(scene: Scene, asked: str, group: str, edge: Before | None = None, *, leaves: bool = False) -> WhatIf:
    """Of every index: what of it they see now, and would then. BadInput for a person or a group that is not known, or do not fit."""
    person, meant = one_called(scene, asked), group_called(_groups(scene), group, source="request", place="group")
    named = str(meant)
    if _GROUPS[meant.kind] != person.kind:
        raise _wrong(f"{person} cannot be in {named}", "a group for people of their kind")
    if (named in person.groups) is not leaves:
        raise _wrong(f"{person} is {'not' if leaves else 'already'} in {named}", "nothing would change")
    groups = tuple(one for one in person.groups if one != named) if leaves else (*person.groups, named)
    (then, *_) = scene.answers.as_known(
        scene.held, scene.known, scene.grants, [as_person(person.entry, groups, scene.pool)]
    )
    steps = tuple(_steps(scene, person, then, named, leaves=leaves))
    held = scene.family.simulate_all(scene.held, scene.family.writes(steps, scene.held))
    was = matrix(replace(scene, people=(person,)), edge=edge)
    told = matrix(replace(scene, people=(then,), held=held), edge=edge)
    before, after = _cells(was), _cells(told)
    changes = tuple(
        Differs(index, before[index], cell) for index, cell in after.items() if before.get(index, "-") != cell
    )
    verb = "leaves" if leaves else "joins"
    many_of = f"{many(len(changes), 'index', 'indices')} of {len(after)}"
    ends = f"{many_of} would change for them" if changes else "nothing would change for them"
    stopped, _ = stopping(scene.custody)
    had, has = _roles(scene, scene.held, person), _roles(scene, held, then)
    return WhatIf(
        scene.deployment,
        str(person),
        person.name,
        named,
        verb,
        f"if {in_words(person.name)} {verb} {in_words(named)}, {ends}",
        changes,
        tuple(sorted(has - had)),
        tuple(sorted(had - has)),
        stopped,
        tuple(dict.fromkeys((*told.unknown, *((then.refused or then.doubt,) if then.refused or then.doubt else ())))),
        (*told.not_looked_at, *scene.answers.only_if_named),
        told.kept_out,
    )


def _groups(scene: Scene) -> frozenset[Subject]:
    granted = {grant.subject for grant in scene.grants if grant.subject.kind in _GROUPS}
    return frozenset(granted | {Subject(SubjectKind.COGNITO_GROUP, group) for group in scene.pool.ranks or ()})


def _steps(scene: Scene, person: Person, then: Person, named: str, *, leaves: bool) -> Iterator[Step]:
    """Entries of mappings that would come or go. What counts by a role needs none: the token brings it."""
    answers, held, known = scene.answers, scene.held, scene.known
    for role in sorted({grant.role for grant in scene.grants if str(grant.subject) == named and _by_entry(grant)}):
        if leaves and any(_by_entry(one) and granting([one], then, role) for one in scene.grants):
            continue
        if step := answers.given(held, known, person, role, takes=leaves, because=named):
            yield step


def _by_entry(grant: Grant) -> bool:
    return grant.by is By.MEMBERS and not grant.is_backend_role


def _cells(found: Matrix) -> dict[str, str]:
    """Of the one person that there is."""
    cells = found.people[0].cells if found.people else ("-",) * len(found.indices)
    return dict(zip(found.indices, cells, strict=True))


def _roles(scene: Scene, held: Actual, person: Person) -> frozenset[str]:
    if person.caller is None:
        return frozenset()
    return frozenset(scene.family.mapped_roles(held, person.caller))


def _wrong(problem: str, remedy: str) -> BadInput:
    return BadInput(problem, source="request", place="group", remedy=remedy)
