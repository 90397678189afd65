"""The road by which access is changed: look, write down, write, and look again until nothing is left to do."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, replace

from portcullis.access.actual import Actual
from portcullis.access.plan import Adopting, Plan, Step
from portcullis.custody.types import State
from portcullis.errors import Conflict, Overtaken, PortcullisError, Refused, Shut, Unreachable
from portcullis.operations.access.changing.drifting import tell_drift
from portcullis.operations.access.changing.filters import refuse_unread_filters
from portcullis.operations.access.changing.lock_out import dangers, refuse_lock_out
from portcullis.operations.access.changing.looking import (
    Comparison,
    Touched,
    Truth,
    compare,
    drift_in,
    read_truth,
    split_claims,
    truth_to_act_on,
)
from portcullis.operations.access.changing.touched import is_enough, touched_since
from portcullis.operations.people.passwords import passwords
from portcullis.operations.people.sessions import end_what_leavers_hold
from portcullis.operations.people.token_groups import end_what_tokens_keep
from portcullis.operations.services import Site, Trigger
from portcullis.operations.writing.change import AccessChange
from portcullis.operations.writing.removals import in_order, of_leavers
from portcullis.operations.writing.sending import wait_a_little
from portcullis.operations.writing.standing import begin_with, put_in_force
from portcullis.operations.writing.undertaking import undertaken
from portcullis.ports.ledger import Claims
from portcullis.ports.registration import KeptModel

log = logging.getLogger(__name__)
_ATTEMPTS = 12
_SILENCES = 2  # times that an engine may not answer to a write before the caller is told


@dataclass(frozen=True, slots=True)
class Replacing:
    """A model comes in the place of this one, if there was one."""

    standing: KeptModel | None

    @property
    def text(self) -> str:
        return self.standing.text if self.standing else ""


@dataclass(frozen=True, slots=True)
class Arrived:
    """What was to be done and is seen to be done, with what the engine held before it and holds now, as far as that was looked at."""

    plan: Plan
    before: Actual
    after: Actual
    writes: int
    not_read: tuple[str, ...] = ()  # whose members could not be read, and why


@dataclass(slots=True)
class Run:
    """The engine is brought to a model, which is in force, or is to be (`new`): look, write, and look again until nothing is left."""

    site: Site
    kept: KeptModel
    cause: Trigger
    operation: str
    _: KW_ONLY
    adopt: Adopting = False
    expected: str = ""
    unlocking: bool
    new: Replacing | None = None
    short: bool = False  # look at what the groups touched alone, where that is enough
    by_hand: bool = False  # tell what was changed by hand, if it is put right now
    begun: bool = field(init=False)  # whether it is written down that the model is coming
    # Nobody gives these: what came of it so far.
    steps: tuple[Step, ...] | None = None  # that were to be done at the beginning
    first: Comparison | None = None  # the first look at what is looked at
    only: Touched | None = None  # what is looked at; None: everything
    # Of everybody: they stand while the lease is ours.
    claims: Mapping[str, Claims] | None = None
    not_read: PortcullisError | None = None  # who left a group that has a role

    def __post_init__(self) -> None:
        self.begun = self.new is None

    def done(self) -> Arrived:
        change = self._change(self.operation)
        silences = 0
        truth = self._who_is_in(change)
        self._end_what_leavers_hold(change)
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
                change.unanswered(now.plan.added)
            except Exception as error:
                if self.only is None or not isinstance(error, Refused):
                    self._refused(change, error, truth)
                    raise
            else:
                if now.plan.empty:
                    return self._arrived(change, now, truth)
                continue
            wait_a_little(self.site.services, attempt)
            self._look_at_everything()
            truth = self._who_is_in(change)  # who is in the groups now is looked at again, too
        raise Conflict(
            f"others kept writing to {self.site.place.name} through {_ATTEMPTS} attempts; nothing of theirs was overwritten"
        )

    def _change(self, operation: str) -> AccessChange:
        before = self.kept.text if self.new is None else self.new.text
        texts = {"before": before, "after": self.kept.text}
        return AccessChange.of(self.site, self.cause, operation, **texts, unlocking=self.unlocking)

    def _who_is_in(self, change: AccessChange) -> Truth:
        whole = self.new is not None
        return truth_to_act_on(self.site, self.kept, self.cause, custody=change.custody, whole=whole)

    def _end_what_leavers_hold(self, change: AccessChange, *, arrived: bool = False) -> None:
        """That a group cannot be read keeps nobody in who left another: it is raised once everything else is done. After a lock nothing
        opens by it, whatever the reason: who left meanwhile is not known, and may hold what they had."""
        try:
            if not arrived:
                end_what_leavers_hold(self.site, self.kept.options, self.cause)
            end_what_tokens_keep(self.site, self.kept, self.cause, arrived=arrived)
        except Shut:
            raise
        except (Refused, Unreachable) as error:
            log.warning("who left a group of %s that has a role is not known: %s", self.site.name, error)
            opened = change.custody.state is State.OPEN
            self.not_read = error if opened else Unreachable(f"{self.site.name} does not open: {error}")

    def _look(self, change: AccessChange, truth: Truth) -> Comparison:
        site = self.site
        if self.claims is None:
            self.claims = site.ledger.claims(site.place.id)
        else:
            self.claims = {**self.claims, site.name: change.claims}
        if self.short:
            self.short, (mine, _) = False, split_claims(self.claims, site.name)
            self.only = touched_since(site, truth, mine, change.custody)
        now = self._compared(change, truth)
        if self.only is not None and not (is_enough(now, self.only) and not self._locks_out(now)):
            self.only = self.first = None
            now = self._compared(change, truth)
        self._tell_drift(change, now)
        change.looked(now.held, now.mine, now.late, self.kept.options)
        if self.steps is None:
            self.steps = now.plan.steps
            _refuse_moved(now, self.expected)
            if self.new is not None:
                refuse_unread_filters(site.family, site.engine, now.plan)
        self.first = self.first or now
        return now

    def _tell_drift(self, change: AccessChange, now: Comparison) -> None:
        """Before it is put right: the sweep would find it no more. What a run of ours left half done was changed by nobody."""
        if not self.by_hand or self.only is not None:
            return
        self.by_hand = False
        if change.custody.state is not State.OPEN or now.plan.empty or undertaken(self.site) is not None:
            return
        found = drift_in(self.site, now)
        if any(one.ours for one in found):
            tell_drift(self.site, found, self.cause)

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
        return not now.plan.empty and bool(dangers(self.site, now.held, now.simulated(), now.desired))

    def _write(self, change: AccessChange, now: Comparison) -> None:
        """What is to be done goes into the ledger, then to the engine. Where there is nothing to do, what was taken out is let go."""
        plan = now.plan
        leavers = () if plan.empty else self._lock_nobody_out(now)
        new = not plan.empty or not self.begun or plan.claim_only
        pending = change.going_on(plan, now.held) if new else None
        claims = now.claims_after() if plan.empty else plan.claims_before(now.mine)
        change.write_down(claims, pending=pending, coming=plan.added)
        if not self.begun:
            begin_with(self.site, self.kept, self.cause)
            self.begun = True
        if plan.empty:
            return
        # Those who leave go before a password is looked up or made.
        family = self.site.family
        if leavers:
            change.send(in_order(family, plan, now.held, leavers).ahead, now.held)
        made = passwords(self.site, self.kept, family.new_users(plan.steps))
        ordered = in_order(family, plan, now.held, leavers, made)
        change.send(ordered.rest, ordered.between)

    def _lock_nobody_out(self, now: Comparison) -> tuple[Step, ...]:
        """Refuse a plan that would lock somebody out. Who leaves, and goes ahead: only where that locks nobody out either."""
        site, leavers = self.site, self._leavers(now)
        ordered = in_order(site.family, now.plan, now.held, leavers)
        if ordered.ahead and dangers(site, now.held, ordered.all, now.desired):
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
            change.keep(change.claims)
        if self.new is None:
            self._let_leavers_go(truth)

    def _let_leavers_go(self, truth: Truth) -> None:
        """What is in force was refused, as a whole or in a part: whoever left is taken out all the same, alone."""
        site, family = self.site, self.site.family
        try:
            now = compare(site, self.kept, truth=truth)
            leavers = of_leavers(family, now.plan, now.held)
            sequence = family.writes(leavers, now.held)
            if not leavers or dangers(site, now.held, sequence, now.desired):
                return
            alone, plan = self._change("synchronise"), replace(Plan(), steps=leavers)
            alone.looked(now.held, now.mine, now.late, self.kept.options)
            pending = alone.going_on(plan, now.held)
            alone.write_down(alone.claims, pending=pending)
            alone.send(sequence, now.held)
            alone.keep(plan.claims_after(now.mine) | now.late)
            alone.settle(site.engine.read(), self.kept.options)
        except PortcullisError as error:
            log.warning("those who left %s could not be taken out alone: %s", site.name, error)

    def _arrived(self, change: AccessChange, last: Comparison, truth: Truth) -> Arrived:
        """The engine holds what it should, seen by reading it again. What was done goes into the history, what was read is covered."""
        site = self.site
        if self.new is not None:
            change.renew_lease()
            put_in_force(site, self.kept)
        change.settle(last.held, self.kept.options)
        self._end_what_leavers_hold(change, arrived=True)
        change.seen(last.held, truth.began, everything=self.only is None)
        if self.not_read is not None:
            raise self.not_read
        for error in truth.unread:
            if isinstance(error, Unreachable):
                raise error  # to be tried again soon; what may not be read at all was told, and no further try mends it
        if not truth.unread:  # nobody's access that hangs on it has changed, so nothing is covered
            site.ledger.raise_watermark(site.name, last.began)
        first = self.first or last
        plan = replace(last.plan, steps=self.steps or ())
        return Arrived(plan, first.held, last.held, change.writes, truth.people.unread)


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
