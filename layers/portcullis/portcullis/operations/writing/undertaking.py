"""What a change of access is about to do, written down before it is done, and turned into history once it is seen to be done.

Whoever changes access next finds what an interrupted one left, and puts into the history what of it took effect: so the history
holds every change with its cause, and enough to put it back, wherever a run was cut off.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from itertools import takewhile

from portcullis.access.actual import Actual
from portcullis.access.plan import AppliedStep, Claim, Operation, Plan, Step
from portcullis.access.terms import Terms, is_as_left
from portcullis.errors import PortcullisError, Refused
from portcullis.families.base import Family
from portcullis.model.option_types import Options
from portcullis.operations.services import Services, Site, Trigger
from portcullis.operations.slots import Slot
from portcullis.operations.writing.in_effect import in_doubt
from portcullis.operations.writing.outliving import end_what_outlives
from portcullis.ports.ledger import Change
from portcullis.ports.registration import Registration
from portcullis.words import many

log = logging.getLogger(__name__)
_SINCE = 20  # entries of the history that may have come after a change that was cut off: a lock leaves four
_LINES = 200  # of a change in words; what it touched is kept whole


@dataclass(frozen=True, slots=True)
class PendingChange:
    """A change of access that may have begun. `released`, `claimed`, `model_before` and `model_after` are as those of a Change."""

    at: datetime
    operation: str
    cause: str
    actor: str
    model_before: str
    model_after: str
    touched: tuple[AppliedStep, ...] = ()
    released: tuple[Claim, ...] = ()
    claimed: tuple[Claim, ...] = ()

    def going_on(self, terms: Terms, plan: Plan, held: Actual, mine: frozenset[Claim]) -> PendingChange:
        """The same after another look: what took effect so far, and what is to be done now. `mine` is what is claimed already.

        What took effect stays also where its opposite is to be done now: cut off before that, it is all that was done.
        """
        coming = (touched(step, held) for step in plan.steps)
        done = effective(terms, self.touched, held)
        released = tuple(dict.fromkeys((*self.released, *plan.release_only)))
        taken_over = (s.claim for s in plan.steps if s.operation is Operation.REPLACE and s.claim not in mine)
        claimed = tuple(dict.fromkeys((*self.claimed, *plan.claim_only, *taken_over)))
        return replace(self, touched=(*done, *coming), released=released, claimed=claimed)


UNDERTAKEN = Slot("undertaken", PendingChange)
SIGN_OUT = Slot("to-sign-out", list[str])  # people whose sessions are still to be ended


def touched(step: Step, held: Actual) -> AppliedStep:
    """A step with what `held` shows of where it takes something away."""
    claim = step.claim
    taken_out = step.operation is Operation.REMOVE
    return AppliedStep(
        operation=step.operation.value,
        kind=claim.kind,
        name=claim.name,
        entry_list=claim.entry_list,
        entry=claim.entry,
        before=step.before,
        after=step.after,
        because=step.because,
        places=held.places(claim.name, claim.entry_list, claim.entry) if taken_out else (),
    )


def effective(terms: Terms, touched: Iterable[AppliedStep], held: Actual) -> list[AppliedStep]:
    """Those of which `held` shows that they were done."""
    return [one for one in touched if is_as_left(terms, one, held)]


def digest(text: str) -> str:
    """How a model's text is told from another."""
    return sha256(text.encode()).hexdigest()


def begin(site: Site, undertaking: PendingChange) -> None:
    UNDERTAKEN.save(site.ledger, site.name, undertaking)


def undertaken(site: Site) -> PendingChange | None:
    """What was begun and not yet settled."""
    return UNDERTAKEN.saved(site.ledger, site.name)


def settle(
    site: Site,
    held: Actual,
    options: Options,
    *,
    ours: PendingChange | None = None,
    writes: int | None = None,
) -> None:
    """Put into the history what was undertaken and is seen to be done.

    `ours` is this run's own, in `writes` writes; without it, what an earlier run undertook that was cut off. A run that somebody
    else has overtaken leaves alone what that one has written down.

    Where the deployment asks for it (`end_sessions`), people who were taken out of a mapping are signed out. A sign-out that cannot be
    done now, or not by this function, is tried again by the next run, the sweep at the latest: it holds up nothing else.
    """
    one = undertaken(site)
    if one is None or (ours is not None and (one.at, one.cause) != (ours.at, ours.cause)):
        _sign_out(site, options, ())
        end_what_outlives(site, options, ())
        return
    if ours is None:
        in_doubt(site)
    done = effective(site.family, one.touched, held)
    moved = bool(one.model_after) and (digest(text_in_ledger(site.services, site.name)) == one.model_after)
    left = removed_people(done)
    _sign_out(site, options, left)
    end_what_outlives(site, options, {*left, *_named_no_more(site.family, done)})
    other = bool(one.claimed or one.released)  # what is ours changed, and nothing on the engine
    if (done or moved or other) and not _is_in_history(site, one):
        site.ledger.record(_change(site.registration, one, done, moved=moved, writes=writes))
    UNDERTAKEN.forget(site.ledger, site.name)


def _sign_out(site: Site, options: Options, people: Collection[str]) -> None:
    if not options.end_sessions:
        return
    waiting = SIGN_OUT.saved(site.ledger, site.name) or []
    leaving = sorted({*waiting, *people})
    if not leaving:
        return
    if leaving != waiting:
        SIGN_OUT.save(site.ledger, site.name, leaving)
    try:
        site.identity.end_sessions(leaving)
    except PortcullisError as error:
        log.warning("%d people could not be signed out yet: %s", len(leaving), error)
        return
    SIGN_OUT.forget(site.ledger, site.name)


def removed_people(done: Sequence[AppliedStep]) -> set[str]:
    """Who was taken out of a mapping by name."""
    return {one.entry for one in done if one.entry_list == "users" and one.after is None}


def _named_no_more(family: Family, done: Sequence[AppliedStep]) -> set[str]:
    """Who was taken out of a document that names people as a whole."""
    return {
        name for one in done for name in {*family.named(one.kind, one.before)} - {*family.named(one.kind, one.after)}
    }


def text_in_ledger(services: Services, deployment: str) -> str:
    """The text of the model as it was last applied; empty if none was."""
    try:
        return services.ledger.model(deployment).text
    except Refused:
        return ""


def starting(services: Services, cause: Trigger, operation: str, *, before: str = "", after: str = "") -> PendingChange:
    """An undertaking that has not decided on a step yet. `before` and `after` are texts of the model."""
    changed = before != after
    return PendingChange(
        at=services.now(),
        operation=operation,
        cause=cause.what,
        actor=cause.actor,
        model_before=before if changed else "",
        model_after=digest(after) if changed else "",
    )


def _is_in_history(site: Site, one: PendingChange) -> bool:
    """A run that was cut off between writing it into the history and forgetting it. A lock may have come since, and gone."""
    since = takewhile(lambda change: change.at >= one.at, site.ledger.history(site.name, _SINCE))
    return any((change.at, change.cause) == (one.at, one.cause) for change in since)


def _change(
    registration: Registration, one: PendingChange, done: list[AppliedStep], *, moved: bool, writes: int | None
) -> Change:
    lines = [str(step) for step in done[:_LINES]]
    if len(done) > _LINES:
        lines.append(f"and {len(done) - _LINES} more")
    summary = (
        many(len(done), "change")
        + ("" if writes is None else f" in {many(writes, 'write')}")
        + (", a new model" * moved)
    )
    if one.claimed:
        summary += f", {len(one.claimed)} taken over"
    if len(done) < len(one.touched):
        summary += f"; {len(one.touched) - len(done)} more were begun and not done"
    return Change(
        deployment=registration.deployment,
        at=one.at,
        operation=one.operation if writes is not None else f"{one.operation}, interrupted",
        cause=one.cause,
        actor=one.actor,
        summary=summary,
        after=lines,
        touched=tuple(done),
        released=one.released,
        claimed=one.claimed,
        model_before=one.model_before if moved else "",
        model_after=one.model_after if moved else "",
    )
