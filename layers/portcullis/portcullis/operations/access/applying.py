"""From model to engine: read, compare, guard, write down, write, read again. The one road by which access is ever changed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from portcullis.access.actual import Actual, Write
from portcullis.access.desired import Desired
from portcullis.access.guard import guard_plan
from portcullis.access.plan import Adopting, Claim, Plan, Step
from portcullis.errors import Conflict, Overtaken, PortcullisError, Refused, Shut, Unreachable
from portcullis.operations import alert_table
from portcullis.operations.access.filters import refuse_unread_filters
from portcullis.operations.access.foundation import keepers
from portcullis.operations.access.looking import (
    Comparison,
    Truth,
    compare,
    read_truth,
    split_claims,
)
from portcullis.operations.people.asking import Asked, ask_subjects
from portcullis.operations.people.known import remember, tell
from portcullis.operations.people.passwords import passwords
from portcullis.operations.people.sessions import end_what_leavers_hold
from portcullis.operations.services import Site, Trigger
from portcullis.operations.writing.in_effect import see_in_effect
from portcullis.operations.writing.removals import in_order, of_leavers
from portcullis.operations.writing.sending import added, keep_claims, send_all, still_ours, wait_a_little
from portcullis.operations.writing.standing import (
    begin_with,
    coming,
    forget_coming,
    in_force,
    is_in_force,
    put_in_force,
    refuse,
)
from portcullis.operations.writing.undertaking import PendingChange, begin, settle, starting, text_in_ledger
from portcullis.operations.writing.while_open import WhileOpen
from portcullis.ports.engine import Engine
from portcullis.ports.registration import KeptModel

log = logging.getLogger(__name__)
_ATTEMPTS = 12
_SILENCES = 2  # times that an engine may not answer to a write before the caller is told


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done. `status`: unchanged | applied | waiting (the deployment is not open: done at unlock)."""

    deployment: str
    status: str
    plan: Plan = field(default_factory=Plan)
    writes: int = 0
    asked: tuple[Asked, ...] = ()  # as those whose roles changed, where we can be them
    exit_status: int = 0  # 1: somebody who was asked as does not have what was written


def _truth_to_act_on(site: Site, kept: KeptModel, cause: Trigger, *, whole: bool = False) -> Truth:
    """The same before a write: who stands behind the names is known from here on, and who is somebody else is told."""
    truth = read_truth(site, kept, whole=whole)
    remember(site, truth.people, cause)
    tell(site, truth.people)
    return truth


def apply_model(
    site: Site,
    kept: KeptModel,
    cause: Trigger,
    *,
    adopt: Adopting = False,
    operation: str = "apply",
    expected: str = "",
    unlocking: bool = False,
) -> Outcome:
    """Bring the engine to what the model asks for. The caller holds the lease.

    A model that is not in force yet is written down as coming once it is known to lock nobody out, before the first write, and is in
    force once the engine holds what it asks for. Where it is refused, by whomever, it is remembered as refused, what it changed is taken
    back, and what stood before still stands.
    `expected` is the digest of a saved plan; `unlocking` is explained in `while_open`. Raises Refused if the engine moved since that
    plan was made, if the end state would lock somebody out who must not be, or if the engine will not take it; Conflict if others kept
    writing in between through all attempts; Unreachable if the engine stays silent, Shut if the deployment is not open all the while
    (what was begun is settled by the next run).
    """
    standing = in_force(site.services, site.name)
    bring = partial(_bring, site, kept, cause, adopt=adopt, operation=operation, expected=expected, unlocking=unlocking)
    if is_in_force(standing, kept):
        forget_coming(site)
        return bring()
    try:
        return bring(new=Replacing(standing))
    except (Shut, Overtaken):
        raise  # the next run goes on with it
    except (Unreachable, Conflict) as error:
        one = coming(site)
        if one is not None and one.exhausted:
            give_up(site, error, cause, unlocking=unlocking)
        raise
    except Exception as error:
        give_up(site, error, cause, unlocking=unlocking)
        raise


@dataclass(frozen=True, slots=True)
class Replacing:
    """A model comes in the place of this one, if there was one."""

    standing: KeptModel | None


def give_up(site: Site, why: Exception, cause: Trigger, *, unlocking: bool = False) -> None:
    """The model that was coming is refused, and what it changed is taken back. What cannot be taken back now, the next run does."""
    if coming(site) is None:
        return  # it was refused before anything was written
    refuse(site, why)
    standing = in_force(site.services, site.name)
    if standing is None:
        return
    try:
        _bring(site, standing, cause, operation="take back", unlocking=unlocking)
    except PortcullisError as error:
        log.warning("what a refused model had changed is taken back by the next run: %s", error)


def _bring(
    site: Site,
    kept: KeptModel,
    cause: Trigger,
    *,
    adopt: Adopting = False,
    operation: str = "apply",
    expected: str = "",
    unlocking: bool = False,
    new: Replacing | None = None,
) -> Outcome:
    """The engine is brought to this model, which is in force, or is to be (`new`)."""
    is_open = WhileOpen.of(site.services, site.name, unlocking=unlocking)
    engine = site.engine
    before = text_in_ledger(site.services, site.name)
    undertaking = starting(site.services, cause, operation, before=before, after=kept.text)
    begun, writes, silences, first, late = new is None, 0, 0, None, None
    truth = _truth_to_act_on(site, kept, cause, whole=new is not None)
    end_what_leavers_hold(site, kept.options, cause)
    for attempt in range(_ATTEMPTS):
        now = compare(site, kept, truth=truth, engine=engine, adopt=adopt, late=late)
        late = now.late
        is_open.still()
        if first is None:
            first = now
            settle(site, now.held, kept.options)  # what an earlier run began and could not finish
            _refuse_moved(now, expected)
            if new is not None:
                refuse_unread_filters(site.family, engine, now.plan)
        sent = added(now.plan)
        try:
            leavers = _leavers(site, now, new)
            if not now.plan.empty:
                leavers = _lock_nobody_out(site, now, leavers, cause)
            if not now.plan.empty or not begun or now.plan.claim_only:
                undertaking = undertaking.going_on(site.family, now.plan, now.held, now.mine)
                still_ours(site)
                begin(site, undertaking)
            claims = now.claims_after() if now.plan.empty else now.plan.claims_before(now.mine)
            kept_claims = keep_claims(site, now.mine, claims, late=late | sent)
            if not begun:
                begin_with(site, kept, cause)
                begun = True
            if not now.plan.empty:
                writes += _write(site, kept, engine, now, leavers)
                is_open.still()
                keep_claims(site, kept_claims, now.claims_after(), late=late)
        except (Overtaken, Shut):
            raise
        except Conflict:
            # Others were at work meanwhile: who is in the groups now is looked at again, too.
            wait_a_little(site.services, attempt)
            truth = _truth_to_act_on(site, kept, cause, whole=new is not None)
        except Unreachable:
            # It may have been written all the same, or may still be: the next look tells, and what comes late is ours.
            silences += 1
            if silences > _SILENCES:
                raise
            late |= sent
            wait_a_little(site.services, attempt)
            truth = _truth_to_act_on(site, kept, cause, whole=new is not None)
        except Exception as error:
            if isinstance(error, Refused):
                _none_on_its_way(site, late)
            if new is None:
                _let_leavers_go(site, kept, engine, cause, truth)
            raise
        else:
            if now.plan.empty:
                if new is not None:
                    still_ours(site)
                    put_in_force(site, kept)
                return _finish(site, kept, engine, first, now, undertaking, truth, writes)
    raise Conflict(
        f"others kept writing to {site.place.name} through {_ATTEMPTS} attempts; nothing of theirs was overwritten"
    )


def _none_on_its_way(site: Site, late: frozenset[Claim]) -> None:
    """What was refused does not come late, either."""
    claims, _ = split_claims(site.ledger.claims(site.place.id), site.name)
    keep_claims(site, claims, claims, late=late)


def _leavers(site: Site, now: Comparison, new: Replacing | None) -> tuple[Step, ...]:
    """Steps that take somebody out whom neither this model nor the one in force asks for."""
    leavers = of_leavers(site.family, now.plan, now.held)
    if new is None or not leavers:
        return leavers
    if new.standing is None:
        return ()
    stands = read_truth(site, new.standing).desired.claims(site.family.mappings)
    return of_leavers(site.family, now.plan, now.held, stands)


def _lock_nobody_out(site: Site, now: Comparison, leavers: tuple[Step, ...], cause: Trigger) -> tuple[Step, ...]:
    """Refuse a plan that would lock somebody out. Those who leave go ahead only where that does not, either."""
    ordered = in_order(site.family, now.plan, now.held, leavers)
    if ordered.ahead and any(
        danger.refuses
        for danger in guard_plan(site.family, now.held, ordered.all, keepers(site.registration), now.desired)
    ):
        ordered, leavers = in_order(site.family, now.plan, now.held, ()), ()
    refuse_lock_out(site, now.held, ordered.all, now.desired, cause)
    return leavers


def _write(
    site: Site,
    kept: KeptModel,
    engine: Engine,
    now: Comparison,
    leavers: tuple[Step, ...],
) -> int:
    """Send the writes of a plan; how many changed something. Those who leave go before a password is looked up or made."""
    ahead = in_order(site.family, now.plan, now.held, leavers).ahead if leavers else ()
    writes = send_all(site, engine, ahead, now.held)
    new = passwords(site, kept, site.family.new_users(now.plan.steps))
    ordered = in_order(site.family, now.plan, now.held, leavers, new)
    return writes + send_all(site, engine, ordered.rest, ordered.between)


def _let_leavers_go(site: Site, kept: KeptModel, engine: Engine, cause: Trigger, truth: Truth) -> None:
    """What is in force was refused, as a whole or in a part: whoever left is taken out all the same, alone."""
    try:
        now = compare(site, kept, truth=truth, engine=engine)
        leavers = of_leavers(site.family, now.plan, now.held)
        sequence = site.family.writes(leavers, now.held)
        dangers = guard_plan(site.family, now.held, sequence, keepers(site.registration), now.desired)
        if not leavers or any(danger.refuses for danger in dangers):
            return
        alone = replace(Plan(), steps=leavers)
        undertaking = starting(site.services, cause, "synchronise").going_on(site.family, alone, now.held, now.mine)
        still_ours(site)
        begin(site, undertaking)
        writes = send_all(site, engine, sequence, now.held)
        keep_claims(site, now.mine, alone.claims_after(now.mine) | now.late, late=now.late)
        settle(site, engine.read(), kept.options, ours=undertaking, writes=writes)
    except PortcullisError as error:
        log.warning("those who left %s could not be taken out alone: %s", site.name, error)


def _refuse_moved(now: Comparison, expected: str) -> None:
    if not expected or expected == now.digest():
        return
    engine_then, _, steps_then = expected.partition(".")
    engine_now, _, steps_now = now.digest().partition(".")
    if engine_then != engine_now:
        raise Refused("the engine's security configuration changed since this plan was made: make a new plan")
    if steps_then != steps_now:
        raise Refused("who is in which group, or what is claimed, changed since this plan was made: make a new plan")
    raise Refused("this plan was made by another version: make a new plan")


def refuse_lock_out(
    site: Site,
    held: Actual,
    sequence: Sequence[Write],
    wanted: Desired,
    cause: Trigger,
) -> None:
    """Refuse writes on whose way somebody who must not be is locked out. An old danger does not stop its own repair."""
    dangers = guard_plan(site.family, held, sequence, keepers(site.registration), wanted)
    refusals = [str(danger) for danger in dangers if danger.refuses]
    if not refusals:
        return
    told = "; ".join(refusals)
    site.alerts.tell(
        alert_table.LOCK_OUT_REFUSED.of(
            site.name,
            f"a change would have locked out somebody who must not be: {told}",
            detail={"cause": cause.what, "actor": cause.actor},
        )
    )
    raise Refused(f"refused: {told}")


def _finish(
    site: Site,
    kept: KeptModel,
    engine: Engine,
    first: Comparison,
    last: Comparison,
    ours: PendingChange,
    truth: Truth,
    writes: int,
) -> Outcome:
    """The engine holds what it should, seen by reading it again, and by asking as whom we can be. What was done goes into the history;
    what was read is covered."""
    settle(site, last.held, kept.options, ours=ours, writes=writes)
    see_in_effect(site, engine, last.held)
    plan = replace(last.plan, steps=first.plan.steps)
    for error in truth.unread:
        if isinstance(error, Unreachable):
            raise error  # to be tried again soon; what may not be read at all was told, and no further try mends it
    if not truth.unread:  # nobody's access that hangs on it has changed, so nothing is covered
        site.ledger.raise_watermark(site.name, last.began)
    asked = ask_subjects(site, kept, engine, first.held, last.held) if writes else ()
    status = 1 if any(one.lacks or one.keeps for one in asked) else 0
    return Outcome(site.name, "applied" if writes else "unchanged", plan, writes, asked, status)
