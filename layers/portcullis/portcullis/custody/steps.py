"""Writing down what is done: before a step (intend), after it (done, failed), and what the outside undid (found_open)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from portcullis.custody import telling
from portcullis.custody.types import (
    BY_WINDOW,
    SAVE_OF,
    Act,
    Custody,
    Measure,
    MeasureRecord,
    Progress,
    State,
    Todo,
    Told,
)

_CHARACTERS = 2000  # of a detail: custody is one item of the ledger, however many mappings a measure has to tell of


def intend(c: Custody, todo: Todo, now: datetime) -> Custody:
    """To be kept before the step is done. Raises nothing; the ledger's Conflict says that somebody else goes on."""
    before = c.measures.get(todo.measure)
    record = MeasureRecord(
        Progress.INTENDED,
        now,
        act=todo.act,
        failures=before.failures if before and before.act is todo.act else 0,
        save_as=todo.save_as if todo.measure in SAVE_OF else "",
        let_in=todo.let_in,
    )
    saves, strays = c.saves, c.strays
    if todo.measure in SAVE_OF and todo.act is Act.TAKE and (before is None or before.save_as != todo.save_as):
        saves += 1
        if before and before.save_as and before.progress is not Progress.UNDONE:
            strays = (*strays, before.save_as)
    if before and before.progress is Progress.INTENDED:  # nobody knows how that ended
        c = _perhaps_begun(c, todo)
    return replace(_with(c, todo.measure, record), saves=saves, strays=strays)


def done(c: Custody, todo: Todo, now: datetime, detail: str = "") -> Custody:
    """To be kept after the step was done."""
    c = _perhaps_begun(c, todo)
    progress = Progress.DONE if todo.act is Act.TAKE else Progress.UNDONE
    save_as = todo.save_as if todo.measure in SAVE_OF and todo.act is Act.TAKE else ""
    c = _with(
        c, todo.measure, MeasureRecord(progress, now, _short(detail), todo.act, save_as=save_as, let_in=todo.let_in)
    )
    if todo.forget:
        c = replace(c, strays=tuple(name for name in c.strays if name not in todo.forget))
    if todo.measure not in (Measure.PROVE, Measure.FOLLOW) and todo.act is Act.TAKE:
        # What was proven before this step says nothing of how things are after it.
        return _without(c, Measure.PROVE)
    return c


def failed(c: Custody, todo: Todo, now: datetime, detail: str, *, refused: bool = False) -> Custody:
    """To be kept after the step was tried in vain; tried again after Rules.retry_after. `detail` without secrets. `refused`: whoever was
    asked said no, so that nothing was begun."""
    before = c.measures.get(todo.measure)
    c = c if refused else _perhaps_begun(c, todo)
    record = MeasureRecord(
        Progress.FAILED,
        now,
        _short(detail),
        todo.act,
        failures=(before.failures if before else 0) + 1,
        save_as=before.save_as if before else "",
        let_in=todo.let_in,
    )
    return _with(c, todo.measure, record)


def _perhaps_begun(c: Custody, todo: Todo) -> Custody:
    """With the deletion of the domain begun, if it is that: from here on it cannot be called off."""
    if todo.measure is not Measure.DELETE_DOMAIN or c.deletion is None:
        return c
    return replace(c, deletion=replace(c.deletion, begun=True))


def found_open(c: Custody, measure: Measure, now: datetime, detail: str, *, by_somebody: bool = True) -> Custody:
    """A measure that is DONE was found undone while locked: it is taken again, and told where it was somebody's doing.

    Nothing changes unless the deployment is locking or locked and the measure is DONE, so that a late report does no harm.
    The save made before the measure stands: what is there now is not what people had.
    """
    record = c.measures.get(measure)
    if c.state not in (State.LOCKING, State.LOCKED) or record is None or record.progress is not Progress.DONE:
        return c
    if measure in SAVE_OF or (measure in BY_WINDOW and record.let_in is not c.let_in):
        return c
    # As failed, without a failure of ours: it may still be partly in effect, and it does not wait for a retry.
    detail = _short(detail)
    c = _with(c, measure, MeasureRecord(Progress.FAILED, now, detail, let_in=record.let_in))
    c = _without(c, Measure.PROVE) if measure is not Measure.PROVE else c
    ended = c.measures.get(Measure.END_SEARCHES)
    if measure is Measure.SHUT_MAPPINGS and ended and ended.progress is Progress.DONE:
        # Whoever was let in may have begun something since.
        c = _without(c, Measure.END_SEARCHES)
    return telling.opened(c, measure, now, detail) if by_somebody else c


def others_tell(c: Custody, now: datetime, lease: timedelta) -> bool:
    """Whether somebody else is telling what is in the outbox: whoever died in the middle of it is taken over from after the lease."""
    return c.telling_since is not None and -lease < now - c.telling_since < lease


def begin_telling(c: Custody, now: datetime) -> Custody:
    """To be kept before the first alert is sent: of several that look at once, one tells."""
    return replace(c, telling_since=now)


def end_telling(c: Custody, began: datetime) -> Custody:
    """To be kept when nothing is left to tell, or when nothing can be told now. Whoever was taken over from ends nothing."""
    return replace(c, telling_since=None) if c.telling_since == began else c


def told(c: Custody, alert: Told) -> Custody:
    """To be kept after an alert was sent. One that was renewed meanwhile stays."""
    return replace(c, outbox=tuple(waiting for waiting in c.outbox if waiting != alert))


def _short(detail: str) -> str:
    return detail if len(detail) <= _CHARACTERS else detail[:_CHARACTERS] + " ... (cut)"


def _with(c: Custody, measure: Measure, record: MeasureRecord) -> Custody:
    return replace(c, measures={**c.measures, measure: record})


def _without(c: Custody, measure: Measure) -> Custody:
    return replace(c, measures={m: r for m, r in c.measures.items() if m is not measure})
