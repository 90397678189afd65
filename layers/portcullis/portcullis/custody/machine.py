"""The state machine: open -> locking -> locked -> unlocking -> open, and locked -> deleting -> deleted.

`decide` is pure and total: the same custody, observation, time and rules give the same decision, and a decision taken
again from what the ledger holds, after a crash anywhere, leads to the same end. Three things carry that:

- what is INTENDED or FAILED may or may not be in effect, so it is taken again by a lock and undone by an unlock (when
  its doer's lease is over: a step that takes longer than Rules.lease has to be given up by its doer);
- what a measure changes is saved before, under a name no other attempt ever writes, and that save stands until the
  measure is known to be undone;
- an observation belongs to the custody it was made after: read the custody, look, decide, keep; on Conflict, start over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import assert_never

from portcullis.custody import telling
from portcullis.custody.health import Finding, Verdict, judge
from portcullis.custody.rules import Rules
from portcullis.custody.types import (
    BY_WINDOW,
    DELETE_ORDER,
    LOCK_ORDER,
    SAVE_OF,
    SAVED_BY,
    WALLS,
    Act,
    Custody,
    Decision,
    Health,
    LetIn,
    Measure,
    MeasureRecord,
    Observation,
    Progress,
    State,
    Todo,
)

_UNSURE = (Progress.INTENDED, Progress.FAILED)
# Searches and sessions that were ended stay ended, a proof is no change: nothing to undo.
_NOT_UNDONE = frozenset({Measure.END_SEARCHES, Measure.END_SESSIONS, Measure.PROVE})
# What a lock begins without: an unlock that was broken off has followed the groups of then.
_NOT_KEPT = _NOT_UNDONE | {Measure.FOLLOW}
# What is ready to be done, and how long each of it has to wait.
Waiting = Sequence[tuple[Todo, timedelta]]


def decide(custody: Custody, seen: Observation, now: datetime, rules: Rules) -> Decision:
    """What follows for `custody` from a look at its key. `now` is the caller's clock, `seen.at` the look's."""
    if custody.state is State.DELETED:
        return Decision(custody, alerts=custody.outbox)
    verdict = judge(custody, seen, rules)
    after = _note(custody, verdict, seen)
    after = _close_window(after, now)
    after = _move(after, verdict, now, rules)
    after = telling.tell(custody, after, now, rules)
    steps = [
        (step, _waits(after, step.measure, step.act, now, rules))
        for step in _steps(after, rules)
        if step.measure not in rules.leaves
    ]
    todo = tuple(step for step, wait in steps if not wait)
    return Decision(
        after, todo, after.outbox, _look_again(after, steps, verdict, now, rules), _remind(after, steps, now, rules)
    )


# What was seen


def _note(c: Custody, verdict: Verdict, seen: Observation) -> Custody:
    c = replace(
        c,
        suspected=verdict.suspected,
        key_id=seen.key_id or c.key_id,
        domain_key_id=seen.domain_key_id or c.domain_key_id,
        rotated_at=seen.rotated_at or c.rotated_at,
        unreachable_since=(c.unreachable_since or seen.at) if verdict.finding is Finding.UNREACHABLE else None,
    )
    match verdict.finding:
        case Finding.HEALTHY:
            return replace(c, health=Health.HEALTHY, revoked_since=None, cause=None, confirmed_by=())
        case Finding.REVOKED:
            return replace(
                c,
                health=Health.REVOKED,
                revoked_since=c.revoked_since or seen.at,
                cause=verdict.cause or c.cause,
                confirmed_by=verdict.by,
                by=seen.by or c.by,
            )
        case Finding.UNREACHABLE:
            return replace(c, health=Health.UNREACHABLE)
        case Finding.SUSPECTED:
            return c
        case _:
            assert_never(verdict.finding)


def _close_window(c: Custody, now: datetime) -> Custody:
    """Break-glass ends by itself; also when the clock was set back behind its opening, since then nobody knows its end."""
    window = c.break_glass
    if window and not (window.opened <= now < window.until and c.state in (State.LOCKING, State.LOCKED)):
        return replace(c, break_glass=None)
    return c


# Where it goes


def wants_lock(c: Custody, verdict: Verdict) -> bool | None:
    """True: has to be locked. False: has to be open. None: this look gives no reason to change direction."""
    if c.hold or verdict.finding is Finding.REVOKED:
        return True
    return False if verdict.finding is Finding.HEALTHY else None


def _move(c: Custody, verdict: Verdict, now: datetime, rules: Rules) -> Custody:
    while (moved := _move_once(c, verdict, now, rules)) is not c:
        c = moved
    return c


def _move_once(c: Custody, verdict: Verdict, now: datetime, rules: Rules) -> Custody:
    """One transition, or the very same custody."""
    lock = wants_lock(c, verdict)
    match c.state:
        case State.OPEN:
            return _enter_locking(c, now, rules) if lock else c
        case State.LOCKING:
            if lock is False:
                return _enter_unlocking(c, now)
            return _enter(c, State.LOCKED, now) if not lacking(c, rules) else c
        case State.LOCKED:
            return _enter_unlocking(c, now) if lock is False else c
        case State.UNLOCKING:
            if lock:
                return _enter_locking(c, now, rules)
            return c if _unlock_steps(c) else _enter_open(c, now)
        case State.DELETING:
            return _enter(c, State.DELETED, now) if all(in_place(c, m) for m in _deletion(c)) else c
        case State.DELETED:
            return c
        case _:
            assert_never(c.state)


def _enter(c: Custody, state: State, now: datetime) -> Custody:
    return replace(c, state=state, since=now)


def _enter_locking(c: Custody, now: datetime, rules: Rules) -> Custody:
    """From open: with a clean sheet. From a broken-off unlock: with every save whose measure may still be in effect."""
    kept: dict[Measure, MeasureRecord] = {}
    strays = list(c.strays)
    for measure, record in c.measures.items():
        save = measure in SAVE_OF
        stands = maybe_in_effect(c, SAVE_OF[measure]) if save else maybe_in_effect(c, measure)
        if stands and measure not in _NOT_KEPT:
            kept[measure] = record
        elif save and maybe_in_effect(c, measure) and record.save_as:
            strays.append(record.save_as)
    for measure in LOCK_ORDER:
        if measure not in configured(rules) and measure not in kept:
            kept[measure] = MeasureRecord(Progress.SKIPPED, now, "not configured")
    c = replace(c, measures=kept, strays=tuple(strays), lock_began=c.lock_began or now)
    return _enter(c, State.LOCKING, now)


def _enter_unlocking(c: Custody, now: datetime) -> Custody:
    settled = {m for m in _NOT_UNDONE if maybe_in_effect(c, m)}
    measures = {
        m: replace(r, progress=Progress.UNDONE, at=now, act=Act.UNDO, failures=0) if m in settled else r
        for m, r in c.measures.items()
    }
    return _enter(replace(c, measures=measures, break_glass=None), State.UNLOCKING, now)


def _enter_open(c: Custody, now: datetime) -> Custody:
    return replace(_enter(c, State.OPEN, now), by="", lock_began=None)


# What there is to do


def configured(rules: Rules) -> frozenset[Measure]:
    """The measures asked for, with the saves they need."""
    return _with_saves(rules.measures)


@cache
def _with_saves(measures: frozenset[Measure]) -> frozenset[Measure]:
    return measures | {SAVED_BY[m] for m in measures if m in SAVED_BY}


def wanted(c: Custody, rules: Rules) -> tuple[Measure, ...]:
    """The measures that have to be in effect while locking or locked, in order."""
    return _in_order(rules.measures)


@cache
def _in_order(measures: frozenset[Measure]) -> tuple[Measure, ...]:
    return tuple(m for m in LOCK_ORDER if m in _with_saves(measures))


def lacking(c: Custody, rules: Rules) -> tuple[Measure, ...]:
    """What a lock still lacks before it may be called one: everything but what is best effort."""
    return tuple(m for m in wanted(c, rules) if m not in rules.best_effort and not in_place(c, m))


def maybe_in_effect(c: Custody, measure: Measure) -> bool:
    record = c.measures.get(measure)
    return record is not None and (record.progress is Progress.DONE or record.progress in _UNSURE)


def in_place(c: Custody, measure: Measure) -> bool:
    """Whether a measure is done as it has to be now: what was taken for a window that is over, or before it opened, is not."""
    record = c.measures.get(measure)
    if record is None or record.progress is not Progress.DONE:
        return False
    return measure not in BY_WINDOW or record.let_in is c.let_in


def _deletion(c: Custody) -> tuple[Measure, ...]:
    snapshot = c.deletion is not None and c.deletion.snapshot
    return DELETE_ORDER if snapshot else DELETE_ORDER[1:]


def _waits(c: Custody, measure: Measure, act: Act, now: datetime, rules: Rules) -> timedelta:
    """How long a step has to wait, zero if not at all.

    What was intended less than a lease ago is being done by somebody else (the one who decides has nothing under way):
    going on without it would let its late effect fall into another state. What failed waits for its retry, unless the
    direction has changed meanwhile. A clock that was set back makes nothing wait longer than it had to.
    """
    record = c.measures.get(measure)
    if record is None:
        return timedelta(0)
    age = now - record.at
    if record.progress is Progress.INTENDED and -rules.lease < age < rules.lease:
        return rules.lease - age
    retried = record.progress is Progress.FAILED and record.failures and record.act is act
    if retried and timedelta(0) <= age < rules.retry_after:
        return rules.retry_after - age
    return timedelta(0)


def _steps(c: Custody, rules: Rules) -> tuple[Todo, ...]:
    """Everything that is ready to be done, those that have to wait for a retry included."""
    match c.state:
        case State.LOCKING | State.LOCKED:
            return _lock_steps(c, rules)
        case State.UNLOCKING:
            return _unlock_steps(c)
        case State.DELETING:
            left = [Todo(m, Act.TAKE) for m in _deletion(c) if not in_place(c, m)]
            return (*_of_a_window(c), *left[:1])
        case State.OPEN | State.DELETED:
            return ()
        case _:
            assert_never(c.state)


def _lock_steps(c: Custody, rules: Rules) -> tuple[Todo, ...]:
    return tuple(_step(c, m, Act.TAKE) for m in wanted(c, rules) if not in_place(c, m) and _ready(c, m, rules))


def _of_a_window(c: Custody) -> tuple[Todo, ...]:
    """A deletion ends a window of break-glass: what was let in is shut out first."""
    return tuple(
        _step(c, m, Act.TAKE) for m in LOCK_ORDER if m in BY_WINDOW and maybe_in_effect(c, m) and not in_place(c, m)
    )


def _ready(c: Custody, measure: Measure, rules: Rules) -> bool:
    if measure is Measure.PROVE:
        return all(m is Measure.PROVE for m in lacking(c, rules))
    if measure is Measure.END_SEARCHES:  # before, they could be begun anew
        return Measure.SHUT_MAPPINGS not in configured(rules) or in_place(c, Measure.SHUT_MAPPINGS)
    return measure not in SAVED_BY or in_place(c, SAVED_BY[measure])


def _unlock_steps(c: Custody) -> tuple[Todo, ...]:
    """The mappings are put back behind the walls, the groups are followed, and only then the walls come off.

    A save is forgotten once its measure is known to be undone.
    """
    if opened := [m for m in LOCK_ORDER if maybe_in_effect(c, m) and c.measures[m].let_in is not LetIn.NOBODY]:
        # A window of break-glass had lifted a wall: it stands again before anybody is mapped.
        return tuple(_step(c, m, Act.TAKE) for m in opened)
    steps = [_step(c, Measure.SHUT_MAPPINGS, Act.UNDO)] if maybe_in_effect(c, Measure.SHUT_MAPPINGS) else []
    if not steps and not in_place(c, Measure.FOLLOW):
        steps = [Todo(Measure.FOLLOW, Act.TAKE)]
    if not steps:
        standing = [m for m in WALLS if maybe_in_effect(c, m)]
        steps = [replace(_step(c, m, Act.UNDO), opens=True, last=len(standing) == 1) for m in standing]
    spent = [m for m in reversed(LOCK_ORDER) if m in SAVE_OF and maybe_in_effect(c, m)]
    steps += [_step(c, m, Act.UNDO) for m in spent if not maybe_in_effect(c, SAVE_OF[m])]
    # A lock that was broken off before it saved again may leave no save in effect, but earlier ones to forget.
    return tuple(steps) or ((_step(c, Measure.SAVE, Act.UNDO),) if c.strays else ())


def _step(c: Custody, measure: Measure, act: Act) -> Todo:
    record = c.measures.get(measure)
    if measure not in SAVE_OF:
        save = c.measures.get(SAVED_BY[measure]) if measure in SAVED_BY else None
        let_in = c.let_in if measure in BY_WINDOW and act is Act.TAKE else LetIn.NOBODY
        return Todo(measure, act, save_as=save.save_as if save else "", let_in=let_in)
    if act is Act.UNDO:
        own = record.save_as if record else ""
        return Todo(measure, act, save_as=own, forget=tuple(name for name in (own, *c.strays) if name))
    # An attempt that may still be under way somewhere owns its name; one that is known to have failed left it free.
    free = record.save_as if record and record.progress is Progress.FAILED and record.act is Act.TAKE else ""
    return Todo(measure, act, save_as=free or f"{measure.value.replace(' ', '-')}-{c.saves + 1}")


def _look_again(c: Custody, steps: Waiting, verdict: Verdict, now: datetime, rules: Rules) -> timedelta | None:
    times = [wait for _, wait in steps if wait]
    if verdict.finding is Finding.SUSPECTED:
        times.append(rules.look_again)
    if c.break_glass:
        times.append(c.break_glass.until - now)
    return min(times, default=None)


def _remind(c: Custody, steps: Waiting, now: datetime, rules: Rules) -> timedelta | None:
    """The end of a break-glass window, and the next try of what a lock or an unlock lacks: neither waits for a sweep.

    What may fail (best effort) does as long as the key is gone; a deletion is gone on with by the sweep and by whoever asks again; and
    what failed often waits for something else than for us.
    """
    left = rules.best_effort | {*DELETE_ORDER}
    times = [c.break_glass.until - now] if c.break_glass else []
    for step, wait in steps:
        if wait and step.measure not in left and c.measures[step.measure].failures <= rules.reminders:
            times.append(wait)
    return min(times, default=None)
