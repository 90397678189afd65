"""`plan`: what applying a model would change, as changes of the engine's configuration and as people. Changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from portcullis.access.plan import Claim, Operation, Step
from portcullis.access.questions.changes import Changed, Right, as_many_as_fit
from portcullis.custody.types import Custody, State
from portcullis.errors import PortcullisError, Refused
from portcullis.operations.access.asking.comparing import diff
from portcullis.operations.access.asking.scene import Scene, live
from portcullis.operations.access.changing.filters import unread_filters
from portcullis.operations.access.changing.looking import Comparison, compare
from portcullis.operations.access.deployments import kept_of, names_of, read_file, text_with
from portcullis.operations.access.new_findings import new_warnings
from portcullis.operations.remotes.keys.tending import would_keep
from portcullis.operations.services import Services, Site, Trigger
from portcullis.operations.writing.opened import mappings_are_shut, once_open
from portcullis.operations.writing.undertaking import text_in_ledger
from portcullis.ports.registration import KeptModel
from portcullis.remotes.keys import Plan as KeyPlan
from portcullis.words import many

_SIGNS = {Operation.ADD: "+", Operation.REMOVE: "-", Operation.REPLACE: "~"}


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """One change of a document, or of one entry of it. `sign`: `+` added, `-` removed, `~` changed. `person`: whom the entry means.
    `more` and `less`: what a role gives then and does not now, and the other way. `held_by`: how many people have that role then, or had
    it where it goes; null where the change is of no role."""

    sign: str
    kind: str
    name: str
    entry_list: str
    entry: str
    because: str
    person: str = ""
    more: tuple[Right, ...] = ()
    less: tuple[Right, ...] = ()
    held_by: int | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan for eyes. `answer`: the totals in one sentence. `people`: net, after merging, by person; `gains` and `losses` are the same as
    lines. `exit_status` is 3 when there are differences."""

    answer: str
    steps: tuple[str, ...]
    changes: tuple[PlannedChange, ...]
    people: tuple[Changed, ...]
    gains: tuple[str, ...]
    losses: tuple[str, ...]
    unknown: tuple[str, ...]
    conflicts: tuple[str, ...]
    notes: tuple[str, ...]
    foreign: tuple[str, ...]
    exit_status: int
    warnings: tuple[str, ...] = ()  # what `check` says of the file and does not of the model in force
    locked: str = ""  # that it is locked, or on its way there or back, in words: nothing is applied now
    digest: str = ""  # by which an apply knows whether this is still the plan


def plan(
    services: Services,
    deployment: str,
    cause: Trigger,
    *,
    text: str | None = None,
    adopt: bool = False,
    only: Sequence[str] = (),
) -> Planned:
    """What applying `text` (or the model in the ledger) would change: as steps and as people. `only`: of the text what it says of these."""
    site = services.site(deployment)
    if names := names_of("only", only):
        text = text_with(site, text, names)
    file = None if text is None else read_file(text, f"{deployment}.yaml", deployment)
    kept = site.ledger.model(deployment) if file is None else kept_of(file, text or "")
    warned = () if file is None else new_warnings(text_in_ledger(services, deployment), file)
    now = compared_once_open(site, kept, adopt=bool(adopt))
    unread = unread_filters(site.family, site.engine, now.plan)
    not_open = _not_open(site.ledger.custody(deployment))
    keys = KeyPlan((), ()) if not_open else would_keep(site, kept.options)  # a lock has narrowed them
    steps = [f"{step.operation.value} {step.claim} ({step.because})" for step in now.plan.steps]
    steps += map(str, keys.steps)
    told = _told(site, kept, now)
    return Planned(
        answer=_sentence(now.plan.steps, len(keys.steps), told.answer),
        steps=tuple(steps),
        changes=told.changes,
        people=told.people,
        gains=tuple(line for one in told.people for line in _lines(one, gains=True)),
        losses=tuple(line for one in told.people for line in _lines(one, gains=False)),
        unknown=told.unknown,
        conflicts=tuple(str(conflict) for conflict in (*now.plan.conflicts, *unread, *keys.conflicts)),
        notes=(*now.plan.losses, *now.plan.notes),
        warnings=warned,
        foreign=tuple(str(claim) for claim in now.plan.foreign if not _asked(now, claim)),
        exit_status=3 if steps else 0,
        locked=not_open,
        digest=now.digest(),
    )


def compared_once_open(site: Site, kept: KeptModel, *, adopt: bool = False) -> Comparison:
    """The comparison with what the engine will hold once its lock is undone: what the lock has shut waits for nobody."""
    custody = site.ledger.custody(site.name)
    if not mappings_are_shut(custody):
        return compare(site, kept, adopt=adopt)
    return compare(site, kept, held=once_open(site, custody, site.engine.read()), adopt=adopt)


# ---------------------------------------------------------------------- changes and people


@dataclass(frozen=True, slots=True)
class _Told:
    answer: str = ""
    changes: tuple[PlannedChange, ...] = ()
    people: tuple[Changed, ...] = ()
    unknown: tuple[str, ...] = ()


def _told(site: Site, kept: KeptModel, now: Comparison) -> _Told:
    """What the steps come to. Where people cannot be asked about, the steps are told without them, and why."""
    if not now.plan.steps:
        return _Told()
    try:
        before = live(site, _in_force(site) or kept, held=now.held)
        after = live(site, kept, held=now.after(), there=before.there)
    except PortcullisError as error:
        return _Told(
            "", tuple(_plain(step) for step in now.plan.steps), unknown=(f"what it means for people: {error}",)
        )
    found = diff(before, after, ("", ""))
    changes = tuple(_changes(now.plan.steps, before, after))
    people, left_out = as_many_as_fit(found.people)
    return _Told(found.answer, changes, people, (*left_out, *found.unknown))


def _in_force(site: Site) -> KeptModel | None:
    try:
        return site.ledger.model(site.name)
    except Refused:
        return None  # the first plan of all


def _lines(one: Changed, *, gains: bool) -> Iterator[str]:
    for right in one.gained if gains else one.lost:
        yield f"{one.person}: {right.what}"
    for each in one.indices:
        if each.gains if gains else each.loses:
            yield f"{one.person}: {each.index}: {each.before} -> {each.after}"


def _changes(steps: Iterable[Step], before: Scene, after: Scene) -> Iterator[PlannedChange]:
    family, answers = after.family, after.answers
    names = {word: one.name for scene in (before, after) for one in scene.people for word in answers.called(one)}
    had, has = _holders(before), _holders(after)
    for step in steps:
        of, role = step.claim.kind, step.claim.name
        if of != family.roles or step.claim.entry_list:
            yield replace(_plain(step), person=names.get(step.claim.entry, ""))
            continue
        more = answers.more(before.held, (role,), after.held, (role,))
        less = answers.more(after.held, (role,), before.held, (role,))
        held_by = (had if step.operation is Operation.REMOVE else has)[role]
        yield replace(_plain(step), more=more, less=less, held_by=held_by)


def _holders(scene: Scene) -> Counter[str]:
    """Role -> how many people have it."""
    callers = (one.caller for one in scene.people if one.caller)
    return Counter(role for caller in callers for role in scene.family.mapped_roles(scene.held, caller))


def _plain(step: Step) -> PlannedChange:
    """With nothing of people."""
    claim = step.claim
    return PlannedChange(_SIGNS[step.operation], claim.kind, claim.name, claim.entry_list, claim.entry, step.because)


def _sentence(steps: Iterable[Step], keys: int, people: str) -> str:
    counts = Counter(step.operation for step in steps)
    told = []
    if counts:
        verbs = ((Operation.ADD, "add"), (Operation.REPLACE, "change"), (Operation.REMOVE, "remove"))
        told.append(", ".join(f"{counts[one]} to {verb}" for one, verb in verbs))
    if keys:
        told.append(f"{many(keys, 'change')} of keys between clusters")
    return "; ".join([*told, *([people] if people else [])]) or "nothing to change"


def _not_open(custody: Custody) -> str:
    if custody.state is State.OPEN:
        return ""
    then = "nothing is applied until it is open again; this is what would be done then"
    if custody.state in (State.DELETING, State.DELETED):
        then = "nothing is applied any more"
    return f"{custody.deployment} is {custody.state.value}: {then}"


def _asked(now: Comparison, claim: Claim) -> bool:
    """Whether the model or the deployment itself asks for it, as for the master that the domain was made with: no work of a hand."""
    if claim.entry_list:
        return now.desired.because(claim.name, claim.entry_list, claim.entry) is not None
    return claim.name in now.desired.of(claim.kind)
