"""Guard: look at a deployment's key, and let the gate drop or rise. Resumable anywhere: what is done is in the ledger before."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from portcullis import custody as machine
from portcullis.custody.types import Custody, Decision, Measure, Rules, State, Todo, Told
from portcullis.errors import Conflict, PortcullisError
from portcullis.operations import measures
from portcullis.operations.ports import Alert, Change, Registration
from portcullis.operations.synchronise import synchronise
from portcullis.operations.world import Cause, World
from portcullis.signals.types import Signal

log = logging.getLogger(__name__)
_MOST_STEPS = 100  # a lock has ten measures; more steps than this means that two sides undo each other
_MOST_CONFLICTS = 5
# A suspicion is looked at again within the same run, so that a denial is confirmed well inside the promise.
_LONGEST_WAIT, _MOST_LOOKS = timedelta(seconds=15), 5


def guard(
    world: World,
    deployment: str,
    cause: Cause,
    *,
    hint: Signal | None = None,
    change: Callable[[Custody], Custody] | None = None,
) -> Custody:
    """Look, decide, act, until there is nothing left to do now. Returns the custody it ended in.

    `change` is what a person asked for (hold, release, break-glass, deletion): applied to the custody first.
    """
    registration = world.ledger.registration(deployment)
    before = world.ledger.custody(deployment)
    if change is not None:
        world.ledger.keep_custody(change(before))
    after = _at_rest(world, registration, cause, hint)
    _record(world, before, after, cause)
    after = _tell(world, after)
    if after.state is State.OPEN and before.state is not State.OPEN:
        synchronise(world, registration.deployment, cause)  # what the groups did while it was locked
    return after


def _at_rest(world: World, registration: Registration, cause: Cause, hint: Signal | None) -> Custody:
    """Look and act until neither a conflict nor a suspicion asks for another look."""
    conflicts = looks = 0
    while True:
        try:
            custody, again = _look_and_act(world, registration, cause, hint)
        except Conflict:
            conflicts += 1
            if conflicts == _MOST_CONFLICTS:
                raise
            log.info("another look at the same deployment was faster; starting over from what it left")
            continue
        looks += 1
        if again is None or again > _LONGEST_WAIT or looks == _MOST_LOOKS:
            return custody  # the sweep looks again
        world.sleep(again.total_seconds())


def _look_and_act(
    world: World, registration: Registration, cause: Cause, hint: Signal | None
) -> tuple[Custody, timedelta | None]:
    """Read the custody, then look at the key, then decide and act. The custody it came to, and when to look again."""
    rules = rules_of(world, registration)
    custody = _noticed(world, registration, world.ledger.custody(registration.deployment))
    seen = world.keys(registration).observe(registration, hint=(hint.name or "") if hint else "", by=cause.actor)
    for _ in range(_MOST_STEPS):
        decision = machine.decide(custody, seen, world.now(), rules)
        custody = _keep(world, custody, decision)
        if decision.next is None:
            return custody, decision.look_again
        custody = _step(world, registration, custody, decision.next)
    raise PortcullisError(f"{registration.deployment}: the lock did not come to rest in {_MOST_STEPS} steps")


def _step(world: World, registration: Registration, custody: Custody, todo: Todo) -> Custody:
    """One measure: written down, done, written down."""
    custody = world.ledger.keep_custody(machine.intend(custody, todo, world.now()))
    try:
        detail = measures.perform(world, registration, todo)
    except Exception as error:
        log.warning("%s of %s failed: %s", todo.act.value, todo.measure.value, error)
        said = str(error) if isinstance(error, PortcullisError) else f"{type(error).__name__}: {error}"
        return world.ledger.keep_custody(machine.failed(custody, todo, world.now(), said[:500]))
    return world.ledger.keep_custody(machine.done(custody, todo, world.now(), detail))


def _noticed(world: World, registration: Registration, custody: Custody) -> Custody:
    """While locked: see whether somebody undid a measure. An engine that does not answer lets nobody in."""
    if custody.state is not State.LOCKED or custody.break_glass is not None:
        return custody
    try:
        found = measures.undone_outside(world, registration)
    except PortcullisError as error:
        log.info("the lock could not be looked at: %s", error)
        return custody
    for measure, detail in found:
        custody = machine.found_open(custody, measure, world.now(), detail)
    return custody


def _keep(world: World, before: Custody, decision: Decision) -> Custody:
    return before if decision.custody == before else world.ledger.keep_custody(decision.custody)


def _tell(world: World, custody: Custody) -> Custody:
    """Send what waits to be told. It leaves the ledger only after it was sent: better twice than never."""
    for told in custody.outbox:
        world.alerts.tell(_alert(custody.deployment, told))
        try:
            custody = world.ledger.keep_custody(machine.told(custody, told))
        except Conflict:
            return custody  # another look goes on from here, and tells what is left
    return custody


def _alert(deployment: str, told: Told) -> Alert:
    return Alert(
        name=told.name.value,
        deployment=deployment,
        severity=told.severity.value,
        happened=told.happened,
        done=told.done,
        next=told.next,
        runbook=told.runbook,
        detail={"at": told.at.isoformat()},
    )


def _record(world: World, before: Custody, after: Custody, cause: Cause) -> None:
    if (before.state, before.health) == (after.state, after.health):
        return
    world.ledger.record(
        Change(
            deployment=after.deployment,
            at=world.now(),
            operation=after.state.value,
            cause=cause.what,
            actor=cause.actor,
            summary=f"{before.state.value} -> {after.state.value}, key {after.health.value}"
            + (f" ({after.cause.value})" if after.cause else ""),
            before=before.state.value,
            after={measure.value: record.progress.value for measure, record in after.measures.items()},
        )
    )


def rules_of(world: World, registration: Registration) -> Rules:
    """How this deployment wants its custody kept."""
    options = world.ledger.model(registration.deployment).options
    rules = Rules()
    if options.get("end_sessions"):
        rules = replace(rules, measures=rules.measures | {Measure.END_SESSIONS})
    return rules
