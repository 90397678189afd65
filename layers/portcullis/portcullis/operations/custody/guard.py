"""Guard: look at a deployment's key, and let the gate drop or rise. Resumable anywhere: what is done is in the ledger before."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import timedelta
from functools import partial

from portcullis import custody as machine
from portcullis.custody.chronicle import chronicle
from portcullis.custody.rules import Rules
from portcullis.custody.types import (
    DELETE_ORDER,
    OUTSIDE,
    Custody,
    Decision,
    Measure,
    Observation,
    Progress,
    State,
    Todo,
    Told,
)
from portcullis.errors import Conflict, PortcullisError, Refused
from portcullis.operations.custody import measures
from portcullis.operations.custody.reminders import remind
from portcullis.operations.remotes.keys.tending import gives_keys
from portcullis.operations.services import Services, Site, Trigger
from portcullis.operations.writing.standing import as_far_as_readable
from portcullis.ports.alerts import Alert
from portcullis.ports.ledger import Change
from portcullis.ports.places import shut_outside
from portcullis.signals.types import Signal

log = logging.getLogger(__name__)
# Signals whose actor is named as who took the key. Whatever else made us look (our own lock's work, too) says nothing of that.
TAKE_A_KEY_AWAY = frozenset(
    {
        *("key-disabled", "key-deletion-scheduled", "key-deleted", "key-material-deleted", "key-material-expired"),
        *("key-policy-changed", "key-grant-revoked", "key-replica-changed"),
        *("key-store-disconnected", "key-store-changed", "key-store-deleted"),
    }
)
# Whoever reacts to events has no right to the steps of a deletion: the verb takes them, and the sweep goes on with its snapshot. A try of
# theirs would fail, and put off the next of those who may. To delete the domain one function alone has the right (`may_delete`).
NOT_BY_EVENTS = frozenset(DELETE_ORDER)
_MOST_STEPS = 100  # a lock has ten measures; more steps than this means that two sides undo each other
_MOST_CONFLICTS, _STEP_ASIDE = 10, timedelta(seconds=0.05)
# A suspicion, or a step in other hands, is looked at again within the same run: a denial is confirmed well inside the promise, and
# whoever was left in the middle of a step is taken over from. The functions may run for longer than this; what is due later comes by a
# reminder. The first pauses are short: who looks just while a key goes sees one refusal, and what waits behind him in the queue is the
# event of it.
_LONGEST_WAIT, _FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=45), timedelta(seconds=0.1), timedelta(seconds=2)


Saw = Callable[[Observation], None]


class _Overtaken(Exception):
    """Somebody else has looked and decided while a step was done: what we saw is older than that, and decides nothing any more."""


def guard(
    services: Services,
    deployment: str,
    cause: Trigger,
    *,
    hint: Signal | None = None,
    change: Callable[[Custody], Custody] | None = None,
    leaves: Collection[Measure] = (),
    saw: Saw = lambda _: None,
    by_person: bool = False,
) -> Custody:
    """Look, decide, act, until there is nothing left to do now. Returns the custody it ended in.

    `change` is what a person asked for (hold, release, break-glass, deletion): applied to the custody first. `leaves` are measures that
    whoever looks leaves to others, besides those that its settings say it may not take. `saw` is given each look at the key. Raises what
    telling raised, unless it was `by_person`: what they asked for is done, and what is not told yet waits in the outbox of the custody.
    """
    site = services.site(deployment)
    if change is not None:
        _change(services, deployment, change, cause)
    left = frozenset(leaves) if services.settings.may_delete else frozenset({*leaves, Measure.DELETE_DOMAIN})
    after, soon = _at_rest(site, cause, hint, left, saw)
    if soon is not None:  # first: the end of a window, or another try of a wall, waits for no alert
        remind(services, deployment, soon)
    try:
        return _tell(services, after)
    except PortcullisError as error:
        if not by_person:
            raise
        log.warning("%s: not told yet: %s", deployment, error)
        return services.ledger.custody(deployment)


def _change(services: Services, deployment: str, change: Callable[[Custody], Custody], cause: Trigger) -> None:
    """What a person asked for, on the custody as it is: whoever else is at work on it goes on from there."""
    for attempt in range(_MOST_CONFLICTS):
        try:
            before = services.ledger.custody(deployment)
            _record(services, before, services.ledger.keep_custody(change(before)), cause)
        except Conflict:
            if attempt == _MOST_CONFLICTS - 1:
                raise
        else:
            return


def _at_rest(
    site: Site, cause: Trigger, hint: Signal | None, leaves: frozenset[Measure], saw: Saw
) -> tuple[Custody, timedelta | None]:
    """Look and act until nothing asks for another look soon: a suspicion, or a step that somebody else has in hand. The custody, and
    when to be reminded of it."""
    conflicts, overtaken, waited, pause = 0, 0, timedelta(0), _FIRST_PAUSE
    while True:
        try:
            custody, decision = _look_and_act(site, cause, hint, leaves, saw)
        except _Overtaken:
            overtaken += 1
            if overtaken == _MOST_STEPS:
                raise Conflict(f"the custody of {site.name} is changed by others at every step") from None
            continue
        except Conflict:
            conflicts += 1
            if conflicts == _MOST_CONFLICTS:
                raise
            log.info("another look at the same deployment was faster; starting over from what it left")
            site.sleep(_STEP_ASIDE.total_seconds() * conflicts)
            continue
        again = decision.look_again
        if again is None or waited >= _LONGEST_WAIT or not _is_settling(custody, leaves):
            return custody, decision.remind
        site.sleep(min(again, pause).total_seconds())
        waited += pause
        pause = min(2 * pause, _LONGEST_PAUSE)


def _is_settling(custody: Custody, leaves: Collection[Measure]) -> bool:
    """Whether waiting a moment helps: a suspicion to be confirmed, or a step in other hands. What failed is left to the sweep."""
    in_hand = any(
        one.progress is Progress.INTENDED for measure, one in custody.measures.items() if measure not in leaves
    )
    return in_hand or (custody.state is State.OPEN and bool(custody.suspected))


def _look_and_act(
    site: Site, cause: Trigger, hint: Signal | None, leaves: frozenset[Measure], saw: Saw
) -> tuple[Custody, Decision]:
    """Read the custody, then look at the key, then decide and act. The custody it came to, and the decision that left nothing to do."""
    rules = replace(rules_of(site), leaves=leaves)
    kept = site.ledger.custody(site.name)
    name = (hint.name or "") if hint else ""
    by = cause.actor if name in TAKE_A_KEY_AWAY else ""
    # The key and every wall at the same time: with many roles and indices a wall takes as long to look at as all else here.
    walls = _walls_to_look_at(site, kept)
    looks = [partial(_undone, measure, look) for measure, look in walls.items()]
    *found, seen = site.services.at_once([*looks, partial(site.keys.observe, site.registration, hint=name, by=by)])
    saw(seen)
    custody = _noticed(site, kept, zip(walls, found, strict=True))
    for _ in range(_MOST_STEPS):
        decision = machine.decide(custody, seen, site.now(), rules)
        custody = _keep(site.services, kept, decision.custody, cause)
        if decision.next is None:
            return custody, decision
        custody, alone = _step(site, custody, decision.next, cause)
        if not alone:
            raise _Overtaken
        kept = custody
    raise PortcullisError(f"{site.name}: the lock did not come to rest in {_MOST_STEPS} steps")


def _step(site: Site, custody: Custody, todo: Todo, cause: Trigger) -> tuple[Custody, bool]:
    """One measure: written down, done, written down. And whether nobody else has kept the custody meanwhile."""
    custody = site.ledger.keep_custody(machine.intend(custody, todo, site.now()))
    try:
        detail = measures.perform(site, todo, cause)
    except Exception as error:
        log.warning("%s of %s failed: %s", todo.act.value, todo.measure.value, error)
        said = str(error) if isinstance(error, PortcullisError) else f"{type(error).__name__}: {error}"
        no = isinstance(error, Refused)
        return _write_down(
            site.services, custody, todo, lambda c: machine.failed(c, todo, site.now(), said[:500], refused=no)
        )
    return _write_down(site.services, custody, todo, lambda c: machine.done(c, todo, site.now(), detail))


def _write_down(
    services: Services, custody: Custody, todo: Todo, write: Callable[[Custody], Custody]
) -> tuple[Custody, bool]:
    """How our step ended. Somebody else may have kept the custody meanwhile; as long as the step in it is still ours, its end is
    written into that: else nobody would know it for as long as a step may take, and everybody would wait."""
    ours, alone = custody.measures[todo.measure], True
    for _ in range(_MOST_CONFLICTS):
        try:
            return services.ledger.keep_custody(write(custody)), alone
        except Conflict:
            alone = False
            custody = services.ledger.custody(custody.deployment)
            if custody.measures.get(todo.measure) != ours:
                raise
    raise Conflict(f"the custody of {custody.deployment} is changed faster than a step can be written down")


def _walls_to_look_at(site: Site, custody: Custody) -> dict[Measure, Callable[[], measures.Undone]]:
    """While locking or locked, and in a window too, somebody else may have undone one."""
    return measures.walls(site, custody) if custody.state in (State.LOCKING, State.LOCKED) else {}


def _undone(measure: Measure, look: Callable[[], measures.Undone]) -> measures.Undone:
    """What somebody undid of a wall, if anything. An engine that does not answer lets nobody in."""
    try:
        return look()
    except Refused as error:
        if measure not in OUTSIDE:  # else whoever took that right away could open it unseen
            return f"may not be looked at any more: {error}"
        log.info("'%s' could not be looked at: %s", measure.value, error)  # AWS may refuse much while a key is gone
    except PortcullisError as error:
        log.info("'%s' could not be looked at: %s", measure.value, error)
    except Exception as error:  # whatever it is, the other walls are looked at
        log.warning("'%s' could not be looked at", measure.value, exc_info=error)
    return ""


def _noticed(site: Site, custody: Custody, found: Iterable[tuple[Measure, measures.Undone]]) -> Custody:
    """With what somebody undid."""
    for measure, undone in found:
        if undone:
            if by_itself := isinstance(undone, measures.ByItself):
                measures.note(site, undone)
            custody = machine.found_open(custody, measure, site.now(), str(undone), by_somebody=not by_itself)
    return custody


def _keep(services: Services, before: Custody, after: Custody, cause: Trigger) -> Custody:
    """Kept, and recorded by whoever kept it: of several that look at once, one writes each transition down."""
    if after == before:
        return before
    kept = services.ledger.keep_custody(after)
    _record(services, before, kept, cause)
    return kept


def _tell(services: Services, custody: Custody) -> Custody:
    """Send what waits to be told: one of those who look at once does, and the others leave it to them. It leaves the ledger only after
    it was sent: should we die in between, better twice than never. Whoever was held up for longer than the lease stops: others may have
    taken over, and told it. What cannot be sent keeps back nothing else, since one of the two ways may be open: raised in the end."""
    now, lease = services.now(), Rules().lease
    if not custody.outbox or machine.others_tell(custody, now, lease):
        return custody
    try:
        custody = services.ledger.keep_custody(machine.begin_telling(custody, now))
    except Conflict:
        return custody  # another look goes on from here, and tells what is left
    stay: list[Told] = []
    failures: list[PortcullisError] = []
    try:
        while (told := _next_to_tell(custody, stay)) and services.now() - now < lease:
            try:
                services.alerts.tell(_alert(custody.deployment, told))
            except PortcullisError as error:
                stay.append(told)
                failures.append(error)
            else:
                custody = _kept_on(services, custody, partial(machine.told, alert=told))
    finally:
        custody = _kept_on(services, custody, partial(machine.end_telling, began=now))
    if failures:
        raise failures[0]
    return custody


def _next_to_tell(custody: Custody, stay: Collection[Told]) -> Told | None:
    return next((one for one in custody.outbox if one not in stay), None)


def _kept_on(services: Services, custody: Custody, change: Callable[[Custody], Custody]) -> Custody:
    """A change kept on whatever others have kept meanwhile."""
    for _ in range(_MOST_CONFLICTS):
        try:
            return services.ledger.keep_custody(change(custody))
        except Conflict:
            custody = services.ledger.custody(custody.deployment)
    raise Conflict(f"the custody of {custody.deployment} is changed faster than it can be written down what was told")


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


def _record(services: Services, before: Custody, after: Custody, cause: Trigger) -> None:
    for entry in chronicle(before, after, cause.at):
        services.ledger.record(
            Change(
                deployment=after.deployment,
                at=services.now(),
                operation=entry.operation,
                cause=cause.what,
                actor=cause.actor,
                summary=entry.summary,
                before=before.state.value,
                after=list(entry.lines) or None,
            )
        )


def rules_of(site: Site) -> Rules:
    """How this deployment wants its custody kept."""
    options = as_far_as_readable(site.services, site.name).options
    everywhere = Rules()
    rules = replace(everywhere, measures=everywhere.measures - (OUTSIDE - shut_outside(site.place)))
    if options.end_sessions or options.deny_older_sessions:
        rules = replace(rules, measures=rules.measures | {Measure.END_SESSIONS})
    if gives_keys(site, options):
        rules = replace(rules, measures=rules.measures | {Measure.NARROW_KEYS})
    if days := options.delete_after_days:
        rules = replace(rules, delete_deadline=timedelta(days=days))
    if minutes := options.break_glass_minutes:
        rules = replace(rules, break_glass_longest=timedelta(minutes=minutes))
    return rules
