"""What somebody may read on a connected domain by the files of both: with nothing deployed and nobody asked.

The domain that is read maps whoever asks by the name and the backend roles that the other one sends. So it counts in which account each
is, which the ARNs in the two files tell. A user pool is of one deployment: nobody's name in one is a name of the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from portcullis.access.plan import SubjectKind
from portcullis.access.questions.answers import Far, There
from portcullis.access.questions.persons import Person
from portcullis.families.answering import answering
from portcullis.operations.access.asking.across import CONNECTION
from portcullis.operations.access.asking.over_domains import cut_off, explained, unsure
from portcullis.operations.access.asking.questions import one_called
from portcullis.operations.access.asking.scene import Scene
from portcullis.operations.access.asking.scene_of_file import groups_of, of_file
from portcullis.operations.remotes.asking import explaining
from portcullis.remotes.parties import Asked, Explained
from portcullis.remotes.two_domains import account_of, domain_of, placed, placed_mappings

if TYPE_CHECKING:
    from portcullis.model import Deployment, OnDomain

_GROUPS_OF = {
    SubjectKind.IAM_USER.value: SubjectKind.IAM_GROUP,
    SubjectKind.COGNITO_USER.value: SubjectKind.COGNITO_GROUP,
}
_PEOPLE = (*_GROUPS_OF, SubjectKind.IAM_ROLE.value)
_MOST_GROUPS = 20  # that are tried one by one where nobody says in which somebody is


def of_files(
    deployment: Deployment, beside: Mapping[str, Deployment], person: str, index: str, member_of: tuple[str, ...] = ()
) -> Explained:
    """By the file of the side that asks, and that of the other side if it is `beside`, of either family. BadInput for a person or a group
    that the file does not know."""
    from portcullis.model import OnDomain

    if isinstance(deployment, OnDomain):
        return _of_domains(deployment, beside, person, Asked.of(index), member_of)
    return explaining.of_files(deployment, beside, person, index, member_of)


def _of_domains(
    here: OnDomain, beside: Mapping[str, Deployment], person: str, asked: Asked, member_of: tuple[str, ...]
) -> Explained:
    """By the files of both domains. `person` is in the groups `member_of` and in no other; where none is named each is tried, and what
    hangs on that is unknown."""
    from portcullis.model import OnDomain

    scene = of_file(here, person, member_of)
    arn = here.connections.reads.get(asked.alias)
    scene = _reaching(scene, {alias: Far(alias, "", CONNECTION) for alias in here.connections.reads})
    if arn is None:
        return explained(scene, person, asked)
    other = beside.get(domain_of(arn))
    if not isinstance(other, OnDomain):
        return cut_off(scene, person, asked, f"the file of {arn} is not beside this one", certain=False)
    ours = [one for one in other.connections.read_by if domain_of(one) == here.deployment]
    if not ours:
        says = f"the file of {other.deployment} lets no domain {here.deployment} read from it (connections.read_by)"
        return cut_off(scene, person, asked, says, certain=True)
    if len(ours) > 1:
        says = f"the file of {other.deployment} names {len(ours)} domains {here.deployment} in connections.read_by"
        return cut_off(scene, person, asked, f"{says}: which of them this is", certain=False)
    who = one_called(scene, person)
    found = [
        explained(_with(here, other, who, groups, asked, ours[0], arn), str(who), asked)
        for groups in _memberships(here, other, who, member_of)
    ]
    first = found[0]
    if any((one.allowed, one.seen) != (first.allowed, first.seen) for one in found):
        return unsure(first, asked, "the files do not say who is in which group: --member-of says it")
    return first


def _reaching(scene: Scene, remotes: Mapping[str, Far]) -> Scene:
    return replace(scene, there=replace(scene.there, remotes=remotes))


def _memberships(here: OnDomain, other: OnDomain, who: Person, member_of: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """In which groups they may be: of a pool in those of this file, of IAM in those of either."""
    kind = _GROUPS_OF.get(who.kind)
    if member_of or kind is None:
        yield tuple(str(one) for one in groups_of(here) if member_of and {str(one), one.name} & {*member_of})
        return
    files = (here, other) if kind is SubjectKind.IAM_GROUP else (here,)
    every = sorted({str(one) for file in files for one in groups_of(file) if one.kind is kind})[:_MOST_GROUPS]
    yield ()
    yield from ((one,) for one in every)
    if len(every) > 1:
        yield tuple(every)


def _with(
    here: OnDomain, other: OnDomain, who: Person, groups: tuple[str, ...], asked: Asked, ours: str, theirs: str
) -> Scene:
    """The scene with the other domain in it. `ours`, `theirs`: the ARNs of both."""
    one_account = account_of(ours) == account_of(theirs)
    iam = tuple(one for one in groups if one_account and one.startswith(SubjectKind.IAM_GROUP.value))
    person = f"{who.kind}:{who.entry}" if who.entry.startswith("arn:") and "::ACCOUNT:" not in who.entry else str(who)
    scene = _in_place(of_file(here, person, _known(here, groups)), ours)
    there = _in_place(of_file(other, person if who.kind in _PEOPLE else "", _known(other, iam)), theirs)
    names = answering(other.family).examples(there.held, asked.index)
    on_it = There(names, other.engine, every=False, aliases={})
    far = Far(asked.alias, "", CONNECTION, other.deployment, there=on_it, held=there.held)
    return _reaching(scene, {asked.alias: far})


def _known(deployment: Deployment, groups: tuple[str, ...]) -> tuple[str, ...]:
    known = {str(one) for one in groups_of(deployment)}
    return tuple(one for one in groups if one in known)


def _in_place(scene: Scene, arn: str) -> Scene:
    """The same with the names that a file leaves open: those of this domain's account, and of its own pool."""
    held, now = (placed_mappings(one, arn) for one in (scene.held, scene.held_now))
    return replace(scene, held=held, held_now=now, people=tuple(placed(one, arn) for one in scene.people))
