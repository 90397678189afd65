"""Opening again without whoever left meanwhile: the groups are read before anything opens, and once more before each wall comes off.

The law: from the return of a removal on, no search of a leaver is ever answered again. Three things carry it (docs/custody.md has
the argument):

- what is put back is what was saved, less the entries of ours that the groups do not ask for any more, and it is put back behind the
  index blocks, the closed ingress and the denied policy;
- following the groups is a step of the unlock like any other: written down, tried again, and nothing opens before it is done;
- a wall comes off only right after a look at groups and engine that finds nobody who left, in the same step and with no other writer
  at work. Whoever leaves from then on is taken out by the reaction to it, which does not wait for the end of an unlock.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from portcullis.access.actual import Actual, Write
from portcullis.access.desired import Desired
from portcullis.access.plan import Operation, Plan, Step
from portcullis.custody.types import LetIn, Todo
from portcullis.errors import PortcullisError, Refused, Shut, Unreachable
from portcullis.families.base import Family
from portcullis.operations.access.changing.applying import Done
from portcullis.operations.access.changing.foundation import while_locked
from portcullis.operations.access.changing.looking import compare, read_truth, split_claims
from portcullis.operations.access.synchronise import synchronise
from portcullis.operations.custody.given import end_what_came
from portcullis.operations.custody.lost import lost
from portcullis.operations.people.following_secrets import follow_secrets
from portcullis.operations.people.sessions import still_to_be_ended
from portcullis.operations.services import Site, Trigger
from portcullis.operations.writing.in_effect import culprits, in_doubt_if_silent
from portcullis.operations.writing.outliving import still_held
from portcullis.operations.writing.sending import still_ours
from portcullis.operations.writing.undertaking import begin, settle, starting
from portcullis.ports.engine import Engine
from portcullis.ports.ledger import Claims
from portcullis.words import many

log = logging.getLogger(__name__)
_PATIENCE = 10.0  # seconds that a step waits for another writer: it has to be over well within its own lease
_NAMED = 10  # of those who are still in: how many a message names


def put_back(site: Site, todo: Todo, cause: Trigger) -> str:
    """The role mappings as they were saved, without whoever left meanwhile. Raises if that cannot be known: then nothing is put back."""
    with _alone(site):
        engine = site.engine
        saved = site.ledger.saved(site.name, todo.save_as)
        if saved is None:
            nobody = while_locked(site.registration, LetIn.NOBODY)
            shut = not site.family.close(engine.read(site.family.closing), nobody).touched
            keys = end_what_came(site) if shut else []  # later there are those whom somebody has mapped by hand
            by_hand = "map by hand whom the model does not ask for: whom it asks for follows"
            return lost(todo, shut, "; ".join([by_hand, *keys]))
        kept = site.ledger.model(site.name)
        family = site.family
        held = engine.read()
        ours = family.baseline().writes
        opened = family.reopen(saved, held, ours=ours)
        as_saved = family.simulate_all(held, opened.writes)
        truth = read_truth(site, kept, whole=True)
        now = compare(site, kept, truth=truth, engine=engine, held=as_saved)
        left = _who_left(family, now.plan)
        settle(site, as_saved, kept.options)  # what a lock broke off in the middle
        leaving = starting(site.services, cause, "unlock").going_on(family, Plan(steps=left), as_saved, now.mine)
        still_ours(site)
        if left:
            begin(site, leaving)
            opened = family.reopen(saved, held, left, ours=ours)
        try:
            with in_doubt_if_silent(site):  # it is followed next, and that is not done before the nodes have loaded it
                send_each(family, engine, opened.writes, held)
            if left:
                settle(site, engine.read(), kept.options, ours=leaving, writes=len(opened.writes))
            keys = end_what_came(site)  # of whoever was let in by hand, and is shut out by now
        except PortcullisError:
            with suppress(PortcullisError):  # else the next try takes what this one wrote for somebody's
                still_ours(site)
                note_our_writes(site, todo, saved, held, opened.writes)
            raise
    gone = [f"{many(len(left), 'entry', 'entries')} of people who left stay out"] if left else []
    made = [f"{one} was made while locked" for one in opened.made_while_locked]
    return "; ".join([*gone, *made, *keys, *opened.lost])


def follow(site: Site, cause: Trigger) -> str:
    """Bring the engine to what the groups ask for now. Done only if nobody is in who left, and nobody holds what he has to lose.

    A change that the engine refuses, or that would lock somebody out, is told by whoever refuses it and keeps nobody shut out: what
    counts here are those who left.
    """
    try:
        outcome = synchronise(site.services, site.name, cause)
        if outcome.status is Done.WAITING:
            raise Unreachable(f"{site.name} was locked again meanwhile")
        done = many(len(outcome.plan.steps), "change")
    except Shut:
        raise
    except Refused as error:
        done = f"refused, and nobody is in who left: {error}"
    if still := _still_in(site):
        raise Refused(f"left, and still mapped: {_named(still)}; {done}")
    try:  # a password that was rotated meanwhile, perhaps because somebody had it: before anything opens
        follow_secrets(site, cause, unlocking=True)
    except Shut:
        raise
    except PortcullisError as error:
        log.warning("a password of %s is left to the sweep: %s", site.name, error)
    if groups := still_to_be_ended(site):
        raise Unreachable(f"what people hold who left {', '.join(groups)} could not be ended yet")
    if people := still_held(site):
        raise Unreachable(f"what the engine gave to {', '.join(people[:_NAMED])} could not be ended yet")
    return done


@contextmanager
def opening(site: Site, cause: Trigger) -> Iterator[None]:
    """A wall comes off in here: nobody is in who left, and no other writer is at work who read the groups before that was seen.

    Raises if somebody who left is in and cannot be taken out, or if nobody can know: then the wall stands.
    """
    with _alone(site):
        if not _still_in(site):
            still_ours(site)
            yield
            return
    follow(site, cause)
    with _alone(site):
        if still := _still_in(site):
            raise Unreachable(f"left just now, and still mapped: {_named(still)}")
        still_ours(site)
        yield


def take_out_who_just_left(site: Site, cause: Trigger) -> None:
    """Once the last wall is down: whoever left in that very moment does not have to wait for the event of it."""
    if _still_in(site):
        follow(site, cause)


def send_each(
    family: Family, engine: Engine, writes: Sequence[Write], held: Actual, *, whatever_is_refused: bool = False
) -> None:
    """One after another. Where the nodes cannot load what the engine holds, each is kept and answered with a failure until one of
    them has mended that: so there it is the last answer that counts. A lock sends the others `whatever_is_refused`."""
    refused: Refused | None = None
    for place, write in enumerate(writes, 1):
        try:
            engine.write(write)
        except Refused as error:
            if not whatever_is_refused:
                raise
            refused = refused or error
        except Unreachable as error:
            if not culprits(family, held):
                raise
            if place == len(writes):
                raise Unreachable(f"{error}{culprits(family, family.simulate_all(held, writes))}") from error
    if refused:
        raise refused


def note_our_writes(
    site: Site, todo: Todo, saved: Mapping[str, Any] | None, before: Actual, writes: Sequence[Write]
) -> None:
    """What our writes made of users is kept with what was put aside, if it is there, so that it is not taken for somebody's. `before`: as
    read before."""
    engine, family = site.engine, site.family
    if saved is not None and any(write.kind == family.users for write in writes):
        noted = family.written_by_us(saved, before, lambda: engine.read(family.closing))
        if noted is not None:
            site.ledger.save(site.name, todo.save_as, noted)


def _still_in(site: Site) -> tuple[Step, ...]:
    """What the engine holds of people who left by now. The groups are read last, so that as little as can be lies between that and
    what is done upon it.

    Whoever is in by us is claimed. So where the groups ask for all that we claim nobody is in who left, and the engine, which may take
    longer to read than everything else here, is not asked."""
    kept = site.ledger.model(site.name)
    claims = site.ledger.claims(site.place.id)
    truth = read_truth(site, kept, whole=True)
    mine, _ = split_claims(claims, site.name)
    if _all_asked_for(site.family, truth.desired, mine):
        return ()
    engine = site.engine
    held = engine.read()
    truth = read_truth(site, kept, whole=True)
    now = compare(site, kept, truth=truth, engine=engine, held=held, claims=claims)
    return _who_left(site.family, now.plan)


def _all_asked_for(family: Family, desired: Desired, mine: Claims) -> bool:
    """Whether every entry of ours is asked for now. Of documents that name people as a whole only the engine tells whom they name."""
    return not any(
        claim.kind in family.naming
        or (claim.entry_list and desired.because(claim.name, claim.entry_list, claim.entry) is None)
        for claim in mine
    )


def _who_left(family: Family, plan: Plan) -> tuple[Step, ...]:
    """What takes out of ours whom neither model nor groups ask for any more."""
    entries = (step for step in plan.steps if step.operation is Operation.REMOVE and step.claim.entry_list)
    documents = (family.taking(step) for step in plan.steps if not step.claim.entry_list)
    return (*entries, *(step for step in documents if step is not None))


def _named(steps: Sequence[Step]) -> str:
    claims = [step.claim for step in steps[:_NAMED]]
    names = [f"{claim.entry} in {claim.name}" if claim.entry else f"somebody in {claim}" for claim in claims]
    return ", ".join(names) + (f" and {len(steps) - _NAMED} more" if len(steps) > _NAMED else "")


@contextmanager
def _alone(site: Site) -> Iterator[None]:
    """No other writer at work on the domain: whoever reacts to a removal must not find the mappings half put back."""
    with site.ledger.lease(site.place.id, "unlock", wait=_PATIENCE) as ours:
        if not ours:
            raise Unreachable(f"another writer is at work on {site.place.name}: it opens once that one has ended")
        yield
