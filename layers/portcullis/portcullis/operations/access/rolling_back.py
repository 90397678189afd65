"""Rollback: one change of the history undone, and what it touched put back as it was, to the byte."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from portcullis.access.actual import Actual
from portcullis.access.difference import difference
from portcullis.access.plan import AppliedStep, Claim, Step
from portcullis.errors import BadInput, Conflict, Overtaken, Refused, Shut
from portcullis.operations.access.changing.applying import Done, Outcome, apply_model, give_up
from portcullis.operations.access.changing.lock_out import refuse_lock_out
from portcullis.operations.access.changing.looking import Comparison, compare
from portcullis.operations.access.deployments import kept_of, read_file, writing
from portcullis.operations.access.new_findings import refuse_new_errors
from portcullis.operations.people.passwords import passwords
from portcullis.operations.services import Services, Site, Trigger
from portcullis.operations.writing.change import AccessChange
from portcullis.operations.writing.sending import wait_a_little
from portcullis.operations.writing.standing import begin_with, put_in_force
from portcullis.operations.writing.undertaking import digest
from portcullis.operations.writing.undoing import not_as_left, undone
from portcullis.ports.ledger import Change
from portcullis.ports.registration import KeptModel
from portcullis.words import moment

_ATTEMPTS = 8
_FARTHEST = 1000  # entries of the history that are looked through


def rollback(services: Services, deployment: str, cause: Trigger, *, entry: str) -> Outcome:
    """Undo one entry of the history: its number (1 is the latest) or its time, as `history` shows them.

    Refused if it is not a change of access, if what it touched was changed since, or if it would not last: what a group or the model
    asks for comes back by itself.
    """
    with writing(services, deployment, "rollback") as site:
        change = entry_of(services, deployment, entry)
        if not change.of_access:
            instead = _latest_of_access(services, deployment)
            raise Refused(
                f"{change.operation} of {moment(change.at)} changed no access that could be put back{instead}"
            )
        now = site.ledger.model(deployment)
        kept = now
        if change.model_after:
            if digest(now.text) != change.model_after:
                raise Refused("the model was changed again since: roll back the later changes first")
            if not change.model_before:
                raise Refused("there was no model before it: apply one that grants less, or delete the deployment")
            file = read_file(change.model_before, f"{deployment}.yaml", deployment)
            refuse_new_errors(now.text, file)  # `check` may have learned since
            kept = kept_of(file, change.model_before)
        taken_over = _taken_over(services, deployment, change)
        for attempt in range(_ATTEMPTS):
            try:
                writes = _put_back(site, change, taken_over, now, kept, cause)
            except (Overtaken, Shut):
                raise
            except Conflict:
                wait_a_little(services, attempt)
                continue
            except Refused as error:
                give_up(site, kept, error, cause)
                raise
            # Whatever else the model of before asks for (what a later run added for the new one is taken off again).
            outcome = apply_model(site, kept, cause)
            back = tuple(f"{one.operation} {one.claim}" for one in undone(change.touched))
            return replace(
                outcome,
                status=Done.APPLIED,
                writes=outcome.writes + writes,
                put_back=back,
                file_is_ahead=bool(change.model_after),
            )
    raise Conflict(f"others kept writing to {site.place.name}; nothing of theirs was overwritten")


def entry_of(services: Services, deployment: str, entry: str) -> Change:
    """An entry of the history by its number (1 is the latest) or its time. BadInput if there is none."""
    number, moment = 0, _moment(entry)
    for number, change in enumerate(services.ledger.history(deployment, _FARTHEST), 1):
        if entry in (str(number), stamp(change)) or moment == change.at:
            return change
    known = f"1 to {number}, or the time of one" if number else "there is none yet"
    raise BadInput(f"no entry {entry!r} in the history of {deployment}", source="history", remedy=known)


def _latest_of_access(services: Services, deployment: str) -> str:
    latest = next((one for one in services.ledger.history(deployment, _FARTHEST) if one.of_access), None)
    return f"; the latest that did: portcullis rollback {deployment} {stamp(latest)}" if latest else ""


def _taken_over(services: Services, deployment: str, change: Change) -> frozenset[Claim]:
    """What was there before it was claimed by this change or a later one: it becomes nobody's again, and stays."""
    since = (one for one in services.ledger.history(deployment, _FARTHEST) if one.at >= change.at)
    return frozenset(claim for one in since for claim in one.claimed)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def stamp(change: Change) -> str:
    """How an entry is named for good: numbers move on with every change."""
    return change.at.strftime("%Y%m%dT%H%M%S.%f")


def _put_back(
    site: Site,
    change: Change,
    taken_over: frozenset[Claim],
    now: KeptModel,
    kept: KeptModel,
    cause: Trigger,
) -> int:
    ours = AccessChange.of(site, cause, "rollback", before=now.text, after=kept.text)
    look = compare(site, kept)
    ours.looked(look.held, look.mine, look.late, now.options)
    if moved := not_as_left(site.family, change.touched, look.held):
        raise Refused(f"changed since: {'; '.join(moved[:5])}{'; ...' if len(moved) > 5 else ''}: roll that back first")
    back = _ours_again(change.touched, change.released, look)
    mine = (look.mine - taken_over) | back  # what is gone by this is let go by the look at the model, right after
    simulated = site.family.undoing(change.touched, look.held)
    end = site.family.simulate_all(look.held, simulated)
    _refuse_what_returns(look, end, mine, change)
    refuse_lock_out(site, look.held, simulated, look.desired, cause)
    pending = replace(
        ours.pending,
        touched=_with_places(undone(change.touched), look.held),
        released=tuple(sorted(taken_over & look.mine)),
        claimed=tuple(sorted(back & frozenset(change.released) - look.mine)),
    )
    coming = frozenset(one.claim for one in change.touched if one.after is None)
    # What was taken over is let go before the model that asks for it: cut off here, the next run must not take it away.
    ours.write_down((look.mine | back) - taken_over, pending=pending, coming=coming)
    if pending.model_after:
        begin_with(site, kept, cause)
    coming_back = [one.claim.name for one in change.touched if one.kind == site.family.users and one.after is None]
    try:
        new = passwords(site, kept, coming_back)
        ours.send(site.family.undoing(change.touched, look.held, new), look.held)
    except Refused:
        ours.keep(look.mine | back)  # ours as before: it is taken back
        raise
    after = site.engine.read()
    ours.is_open.still()  # else the next run settles it, by what there is then
    ours.keep(mine | look.late)
    if pending.model_after:
        put_in_force(site, kept)
    ours.settle(after, kept.options)
    return ours.writes


def _with_places(steps: tuple[AppliedStep, ...], held: Actual) -> tuple[AppliedStep, ...]:
    """As `undertaking.touched`: where an entry stands that is taken out, so that a rollback can be rolled back as well."""
    return tuple(replace(one, places=held.places(one.name, one.entry_list, one.entry)) for one in steps)


def _ours_again(touched: tuple[AppliedStep, ...], released: tuple[Claim, ...], look: Comparison) -> frozenset[Claim]:
    """What is ours once the change is undone, and is not now."""
    removed = frozenset(one.claim for one in touched if one.after is None)
    return removed | (frozenset(released) & look.desired.claims(look.family.mappings))


def _refuse_what_returns(look: Comparison, end: Actual, mine: frozenset[Claim], change: Change) -> None:
    """What the model and the groups ask for would be done again by the next reconcile: a rollback of it would be a lie."""
    plan = difference(look.family, look.desired, end, mine, look.others)
    touched = {one.claim for one in change.touched}
    again: list[Step] = [step for step in plan.steps if step.claim in touched]
    if again:
        words = "; ".join(f"{step.operation.value} {step.claim}: {step.because}" for step in again[:5])
        raise Refused(
            f"it would not last, for the model or a group asks for it ({words}): change the model, or who is in the group"
        )
