"""From model to engine: read, compare, guard, write down, write, read again. The one road by which access is ever changed."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import partial

from portcullis.access.actual import Actual, Write
from portcullis.access.desired import Desired
from portcullis.access.guard import guard_plan
from portcullis.access.plan import Adopting, Plan, Step
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
from portcullis.operations.access.touched import is_enough, roles_touched
from portcullis.operations.people.asking import Asked, ask_subjects
from portcullis.operations.people.known import remember, tell
from portcullis.operations.people.passwords import passwords
from portcullis.operations.people.sessions import end_what_leavers_hold
from portcullis.operations.services import Site, Trigger
from portcullis.operations.writing.change import AccessChange
from portcullis.operations.writing.in_effect import looked_at_everything, see_in_effect
from portcullis.operations.writing.removals import in_order, of_leavers
from portcullis.operations.writing.sending import added, still_ours, wait_a_little
from portcullis.operations.writing.standing import (
    begin_with,
    coming,
    forget_coming,
    in_force,
    is_in_force,
    put_in_force,
    refuse,
)
from portcullis.operations.writing.undertaking import starting
from portcullis.ports.ledger import Claims
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
    road = partial(_Road, site, kept, cause, operation, adopt=adopt, expected=expected, unlocking=unlocking)
    if is_in_force(standing, kept):
        forget_coming(site)
        return road().taken()
    try:
        return road(new=Replacing(standing)).taken()
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


def keep_in_force(site: Site, kept: KeptModel, cause: Trigger, *, short: bool = False) -> Outcome:
    """Bring the engine to the model in force, which is this one, as `apply_model` does. `short`: look at what the groups touched alone,
    where that is enough."""
    return _Road(site, kept, cause, "apply", unlocking=True, short=short).taken()


@dataclass(frozen=True, slots=True)
class Replacing:
    """A model comes in the place of this one, if there was one."""

    standing: KeptModel | None

    @property
    def text(self) -> str:
        return self.standing.text if self.standing else ""


def give_up(site: Site, why: Exception, cause: Trigger, *, unlocking: bool = False) -> None:
    """The model that was coming is refused, and what it changed is taken back. What cannot be taken back now, the next run does."""
    if coming(site) is None:
        return  # it was refused before anything was written
    refuse(site, why)
    standing = in_force(site.services, site.name)
    if standing is None:
        return
    try:
        _Road(site, standing, cause, "take back", unlocking=unlocking).taken()
    except PortcullisError as error:
        log.warning("what a refused model had changed is taken back by the next run: %s", error)


@dataclass(slots=True)
class _Road:
    """The engine is brought to a model, which is in force, or is to be (`new`): look, write, and look again until nothing is left."""

    site: Site
    kept: KeptModel
    cause: Trigger
    operation: str
    _: KW_ONLY
    adopt: Adopting = False
    expected: str = ""
    unlocking: bool = False
    new: Replacing | None = None
    short: bool = False  # look at what the groups touched alone, where that is enough
    begun: bool = field(init=False)  # whether it is written down that the model is coming
    steps: tuple[Step, ...] | None = field(init=False, default=None)  # that were to be done at the beginning
    first: Comparison | None = field(init=False, default=None)  # the first look at what is looked at
    only: frozenset[str] | None = field(init=False, default=None)  # the roles that are looked at; None: everything
    claims: Mapping[str, Claims] | None = field(
        init=False, default=None
    )  # of everybody: they stand while the lease is ours

    def __post_init__(self) -> None:
        self.begun = self.new is None

    def taken(self) -> Outcome:
        change = self._change(self.operation)
        silences = 0
        truth = self._who_is_in(change)
        end_what_leavers_hold(self.site, self.kept.options, self.cause)
        for attempt in range(_ATTEMPTS):
            now = self._look(change, truth)
            try:
                self._write(change, now)
            except (Overtaken, Shut):
                raise
            except Conflict:
                pass  # others were at work meanwhile
            except Unreachable:
                # It may have been written all the same, or may still be: the next look tells, and what comes late is ours.
                silences += 1
                if silences > _SILENCES:
                    raise
                change.unanswered(added(now.plan))
            except Exception as error:
                if self.only is None or not isinstance(error, Refused):
                    self._refused(change, error, truth)
                    raise
            else:
                if now.plan.empty:
                    return self._finish(change, now, truth)
                continue
            wait_a_little(self.site.services, attempt)
            self._look_at_everything()
            truth = self._who_is_in(change)  # who is in the groups now is looked at again, too
        raise Conflict(
            f"others kept writing to {self.site.place.name} through {_ATTEMPTS} attempts; nothing of theirs was overwritten"
        )

    def _change(self, operation: str) -> AccessChange:
        before = self.kept.text if self.new is None else self.new.text
        pending = starting(self.site.services, self.cause, operation, before=before, after=self.kept.text)
        return AccessChange.of(self.site, pending, unlocking=self.unlocking)

    def _who_is_in(self, change: AccessChange) -> Truth:
        """Who stands behind the names is known from here on, and who is somebody else is told: before anything is written."""
        truth = read_truth(self.site, self.kept, whole=self.new is not None, custody=change.custody)
        remember(self.site, truth.people, self.cause)
        tell(self.site, truth.people)
        return truth

    def _look(self, change: AccessChange, truth: Truth) -> Comparison:
        site = self.site
        if self.claims is None:
            self.claims = site.ledger.claims(site.place.id)
        else:
            self.claims = {**self.claims, site.name: change.claims}
        if self.short:
            self.short, (mine, _) = False, split_claims(self.claims, site.name)
            self.only = roles_touched(site, truth, mine, change.custody)
        now = self._compared(change, truth)
        if self.only is not None and not (is_enough(now, self.only) and not self._locks_out(now)):
            self.only = None
            now = self._compared(change, truth)
        change.looked(now.held, now.mine, now.late, self.kept.options)
        if self.steps is None:
            self.steps = now.plan.steps
            _refuse_moved(now, self.expected)
            if self.new is not None:
                refuse_unread_filters(site.family, site.engine, now.plan)
        self.first = self.first or now
        return now

    def _compared(self, change: AccessChange, truth: Truth) -> Comparison:
        late = change.late if change.has_looked else None
        site, kept = self.site, self.kept
        return compare(site, kept, truth=truth, claims=self.claims, adopt=self.adopt, late=late, only=self.only)

    def _look_at_everything(self) -> None:
        """From now on, and at the claims once more."""
        if self.only is not None:
            self.only = self.first = None
        self.claims = None

    def _locks_out(self, now: Comparison) -> bool:
        return not now.plan.empty and bool(_dangers(self.site, now.held, now.simulated(), now.desired))

    def _write(self, change: AccessChange, now: Comparison) -> None:
        """What is to be done goes into the ledger, then to the engine. Where there is nothing to do, what was taken out is let go."""
        plan = now.plan
        leavers = () if plan.empty else self._lock_nobody_out(now)
        if not plan.empty or not self.begun or plan.claim_only:
            pending = change.pending.going_on(self.site.family, plan, now.held, now.mine)
        else:
            pending = None
        claims = now.claims_after() if plan.empty else plan.claims_before(now.mine)
        change.write_down(claims, pending=pending, coming=added(plan))
        if not self.begun:
            begin_with(self.site, self.kept, self.cause)
            self.begun = True
        if plan.empty:
            return
        # Those who leave go before a password is looked up or made.
        family = self.site.family
        if leavers:
            change.send(in_order(family, plan, now.held, leavers).ahead, now.held)
        new = passwords(self.site, self.kept, family.new_users(plan.steps))
        ordered = in_order(family, plan, now.held, leavers, new)
        change.send(ordered.rest, ordered.between)

    def _lock_nobody_out(self, now: Comparison) -> tuple[Step, ...]:
        """Refuse a plan that would lock somebody out. Who leaves, and goes ahead: only where that locks nobody out either."""
        site, leavers = self.site, self._leavers(now)
        ordered = in_order(site.family, now.plan, now.held, leavers)
        if ordered.ahead and _dangers(site, now.held, ordered.all, now.desired):
            ordered, leavers = in_order(site.family, now.plan, now.held, ()), ()
        refuse_lock_out(site, now.held, ordered.all, now.desired, self.cause)
        return leavers

    def _leavers(self, now: Comparison) -> tuple[Step, ...]:
        """Steps that take somebody out whom neither this model nor the one in force asks for."""
        family = self.site.family
        leavers = of_leavers(family, now.plan, now.held)
        if self.new is None or not leavers:
            return leavers
        if self.new.standing is None:
            return ()
        stands = read_truth(self.site, self.new.standing).desired.claims(family.mappings)
        return of_leavers(family, now.plan, now.held, stands)

    def _refused(self, change: AccessChange, error: Exception, truth: Truth) -> None:
        if isinstance(error, Refused):  # what was refused does not come late, either
            claims, _ = split_claims(self.site.ledger.claims(self.site.place.id), self.site.name)
            change.claims = claims
            change.keep(claims)
        if self.new is None:
            self._let_leavers_go(truth)

    def _let_leavers_go(self, truth: Truth) -> None:
        """What is in force was refused, as a whole or in a part: whoever left is taken out all the same, alone."""
        site, family = self.site, self.site.family
        try:
            now = compare(site, self.kept, truth=truth)
            leavers = of_leavers(family, now.plan, now.held)
            sequence = family.writes(leavers, now.held)
            if not leavers or _dangers(site, now.held, sequence, now.desired):
                return
            alone, plan = self._change("synchronise"), replace(Plan(), steps=leavers)
            alone.looked(now.held, now.mine, now.late, self.kept.options)
            pending = alone.pending.going_on(family, plan, now.held, now.mine)
            alone.write_down(alone.claims, pending=pending)
            alone.send(sequence, now.held)
            alone.keep(plan.claims_after(now.mine) | now.late)
            alone.settle(site.engine.read(), self.kept.options)
        except PortcullisError as error:
            log.warning("those who left %s could not be taken out alone: %s", site.name, error)

    def _finish(self, change: AccessChange, last: Comparison, truth: Truth) -> Outcome:
        """The engine holds what it should, seen by reading it again, and by asking as whom we can be. What was read is covered."""
        site, first = self.site, self.first or last
        if self.new is not None:
            still_ours(site)
            put_in_force(site, self.kept)
        change.settle(last.held, self.kept.options)
        see_in_effect(site, site.engine, last.held)
        if self.only is None:
            looked_at_everything(site, truth.began)
        for error in truth.unread:
            if isinstance(error, Unreachable):
                raise error  # to be tried again soon; what may not be read at all was told, and no further try mends it
        if not truth.unread:  # nobody's access that hangs on it has changed, so nothing is covered
            site.ledger.raise_watermark(site.name, last.began)
        writes = change.writes
        asked = ask_subjects(site, self.kept, site.engine, first.held, last.held) if writes else ()
        status = 1 if any(one.lacks or one.keeps for one in asked) else 0
        plan = replace(last.plan, steps=self.steps or ())
        return Outcome(site.name, "applied" if writes else "unchanged", plan, writes, asked, status)


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


def _dangers(site: Site, held: Actual, sequence: Sequence[Write], wanted: Desired) -> list[str]:
    """On the way of these writes somebody is locked out who must not be: whom, in words. An old danger does not stop its own repair."""
    dangers = guard_plan(site.family, held, sequence, keepers(site.registration), wanted)
    return [str(danger) for danger in dangers if danger.refuses]


def refuse_lock_out(site: Site, held: Actual, sequence: Sequence[Write], wanted: Desired, cause: Trigger) -> None:
    """Refuse writes on whose way somebody who must not be is locked out."""
    if not (refusals := _dangers(site, held, sequence, wanted)):
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
