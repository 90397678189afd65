"""The measures of custody, done: each taken and undone in one place, each harmless when done again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import partial

from portcullis.custody import in_place
from portcullis.custody.access_policy import is_shut
from portcullis.custody.access_policy import shut as shut_policy
from portcullis.custody.types import SAVE_OF, SAVED_BY, Act, Custody, LetIn, Measure, Todo
from portcullis.errors import PortcullisError, Refused
from portcullis.families.base import BLOCKS, CANARY_INDEX, READ
from portcullis.operations.access.changing.foundation import while_locked
from portcullis.operations.custody import further_ways as further
from portcullis.operations.custody import offered_keys as offered
from portcullis.operations.custody.ending import delete_domain, final_snapshot, verify_gone
from portcullis.operations.custody.following import (
    follow,
    note_our_writes,
    opening,
    put_back,
    send_each,
    take_out_who_just_left,
)
from portcullis.operations.custody.given import forget_keys, note_keys
from portcullis.operations.custody.lost import lost
from portcullis.operations.custody.searches import CLOSED, end_searches, open_what_was_closed
from portcullis.operations.people.sessions import end_all
from portcullis.operations.services import Site, Trigger
from portcullis.operations.slots import Slot
from portcullis.operations.writing.in_effect import see_loaded
from portcullis.ports.engine import Aside, Engine, Stop, nowhere
from portcullis.ports.registration import IamRole, Registration
from portcullis.words import many

log = logging.getLogger(__name__)


def perform(site: Site, todo: Todo, cause: Trigger) -> str:
    """Take or undo one measure; returns what was seen, for the ledger. Raises what the state machine records as a failure."""
    if todo.measure is Measure.FOLLOW:
        return follow(site, cause)
    if todo.measure is Measure.SHUT_MAPPINGS and todo.act is Act.UNDO:
        return put_back(site, todo, cause)
    if todo.act is Act.UNDO and todo.measure in _SAVES:
        for name in todo.forget:
            site.ledger.forget(site.name, name)
        if todo.measure is Measure.SAVE:
            forget_keys(site)
        return ""
    done = (_TAKEN if todo.act is Act.TAKE else _UNDONE)[todo.measure]
    opens = todo.opens and not further.opens_nothing(site, todo)
    with opening(site, cause) if opens else nullcontext():
        said = done(site, todo)
    if todo.last:
        take_out_who_just_left(site, cause)
    return said


# ---------------------------------------------------------------------- role mappings


def _save_mappings(site: Site, todo: Todo) -> str:
    family = site.family
    keep = while_locked(site.registration, LetIn.NOBODY)
    closed = family.close(site.engine.read(family.closing), keep, roles_too=_makes_tokens(site))
    site.ledger.save(site.name, todo.save_as, closed.saved)
    note_keys(site)
    return f"{closed.put_aside} put aside"


def _shut_mappings(site: Site, todo: Todo) -> str:
    engine, family = site.engine, site.family
    saved = site.ledger.saved(site.name, todo.save_as)
    held = engine.read(family.closing)
    closed = family.close(held, while_locked(site.registration, todo.let_in), saved, roles_too=_makes_tokens(site))
    # In a window nobody is let in by a role that could not be put right.
    nobody = todo.let_in is LetIn.NOBODY
    note = partial(note_our_writes, site, todo, saved, held, closed.writes)
    try:
        send_each(family, engine, closed.writes, held, whatever_is_refused=nobody)
    except PortcullisError:
        with suppress(PortcullisError):  # as far as it came
            note()
        raise
    note()
    # What an earlier try wrote reads back as done, whether or not it was answered: nobody is shut out before the nodes have loaded it.
    see_loaded(site, engine, lambda: family.simulate_all(held, closed.writes))
    return "; ".join(closed.left)


def _makes_tokens(site: Site) -> bool:
    """Whether somebody may have a token with roles of their own, which no mapping gives and none takes away. An engine that does not say
    so keeps nobody from being shut out."""
    try:
        return site.engine.settings().makes_tokens is True
    except PortcullisError as error:
        log.info("whether %s makes tokens on behalf of people is not known: %s", site.name, error)
        return False


# ---------------------------------------------------------------------- index blocks


# What a window of break-glass lifts. Everybody else is not mapped, so it is lifted for nobody else.
_LIFTED: dict[LetIn, tuple[str, ...]] = {LetIn.NOBODY: (), LetIn.READS: (READ,), LetIn.WRITES: BLOCKS}


def _not_blocked(engine: Engine, let_in: LetIn) -> list[str]:
    """Indices on which a block is anything else than set, but for what a window has lifted."""
    wanted = [block for block in BLOCKS if block not in _LIFTED[let_in]]
    return sorted(name for name, had in engine.blocks().items() if any(had.get(block) != "true" for block in wanted))


@dataclass(frozen=True, slots=True)
class ByItself:
    """Indices that are open without somebody's doing: they are shut as all else, and are no alert. `said`: in a sentence."""

    said: str
    indices: tuple[str, ...]

    def __str__(self) -> str:
        return self.said


Undone = str | ByItself  # what of a measure is open; empty: it holds


# An engine makes this one itself, for whoever has it do something without waiting for the end: also for somebody who has no right to
# anything, whose refusal is then kept there.
_MADE_BY_ENGINES = frozenset({".tasks"})
_OF_ENGINES = Slot("made-by-engine", dict[str, str])  # those of a lock -> since when it knows them
_BEFORE, _SINCE = "before", "since"

# What moves and deletes indices by itself, and ran when the blocks were put on: it rests with them.
_POLICIES = Slot("policies-stopped", list[str])
_NOT_STOPPED = Slot("policies-not-stopped", list[str])  # what of it the lock role of an earlier release may not stop


def _save_blocks(site: Site, todo: Todo) -> str:
    shown = site.engine.blocks()
    blocks = {index: had for index, had in shown.items() if had}
    site.ledger.save(site.name, todo.save_as, blocks)
    if there := _MADE_BY_ENGINES & shown.keys():
        _OF_ENGINES.save(site.ledger, site.name, dict.fromkeys(there, _BEFORE))
    return f"{many(len(blocks), 'index', 'indices')} had blocks of their own"


def _block(site: Site, todo: Todo) -> str:
    saved = site.ledger.saved(site.name, todo.save_as)
    # Where the save is lost nothing is put aside: what would then be taken for a whole one is not.
    aside = nowhere if saved is None else _aside(site, todo, saved)
    site.engine.block_indices(saved or {}, _LIFTED[todo.let_in], aside=aside)
    if _POLICIES.saved(site.ledger, site.name) is None:
        _POLICIES.save(site.ledger, site.name, list(site.engine.running_policies()))
    came = (
        f"{one} came in the lock, made by the engine itself"
        for one, when in _of_engines(site).items()
        if when == _SINCE
    )
    said = site.engine.stop_policies()
    if said and (running := site.engine.running_policies()):
        _NOT_STOPPED.save(site.ledger, site.name, list(running))
    else:
        _NOT_STOPPED.forget_if_kept(site.ledger, site.name)
    return "; ".join(one for one in (*came, said) if one)


def _unblock(site: Site, todo: Todo) -> str:
    stay = open_what_was_closed(site)
    saved = site.ledger.saved(site.name, todo.save_as)
    by_hand = ""
    if saved is None:
        blocked = sorted(one for one, had in site.engine.blocks().items() if all(had.get(b) == "true" for b in BLOCKS))
        by_hand = lost(todo, blocked, f"take them off by hand: {', '.join(blocked[:10])}")
    else:
        site.engine.unblock_indices(saved, aside=_aside(site, todo, saved))
    stopped = _POLICIES.saved(site.ledger, site.name)
    said = site.engine.start_policies(stopped) if stopped else ""
    _POLICIES.forget_if_kept(site.ledger, site.name)
    _NOT_STOPPED.forget_if_kept(site.ledger, site.name)
    _OF_ENGINES.forget_if_kept(site.ledger, site.name)
    CLOSED.forget_if_kept(site.ledger, site.name)  # what stays closed is theirs to open from now on, or to leave so
    return "; ".join(one for one in (by_hand, *stay, said) if one)


def _aside(site: Site, todo: Todo, saved: Mapping[str, Mapping[str, str]]) -> Aside:
    """What hinders us is kept with what indices had before: whoever is cut off after it was taken off puts it back the next time."""

    def keep(taken: Mapping[str, Mapping[str, str]]) -> None:
        both = {**taken, **saved}
        site.ledger.save(site.name, todo.save_as, {one: {**taken.get(one, {}), **saved.get(one, {})} for one in both})

    return keep


# ---------------------------------------------------------------------- from outside the engine


def _save_ingress(site: Site, todo: Todo) -> str:
    rules = site.gate.ingress(site.registration)
    site.ledger.save(site.name, todo.save_as, rules)
    return f"{len(rules)} ingress rules put aside"


def _close_ingress(site: Site, todo: Todo) -> str:
    gate = site.gate
    gate.close_ingress(site.registration, gate.ingress(site.registration))
    return ""


def _open_ingress(site: Site, todo: Todo) -> str:
    gate, saved = site.gate, site.ledger.saved(site.name, todo.save_as)
    if saved is None:
        shut = not gate.ingress(site.registration)
        return lost(todo, shut, "add them by hand: what the domain's stack deploys is in its template")
    return further.not_again(gate.open_ingress(site.registration, saved))


def _save_policy(site: Site, todo: Todo) -> str:
    site.ledger.save(site.name, todo.save_as, site.gate.policy(site.registration))
    return ""


def _deny_policy(site: Site, todo: Todo) -> str:
    gate = site.gate
    gate.set_policy(
        site.registration,
        shut_policy(gate.policy(site.registration), site.place.id, _let_through(site.registration)),
    )
    return ""


def _let_through(registration: Registration) -> tuple[str, ...]:
    """Whom the shut policy lets through to the engine. The taker of snapshots is shut out by the mappings; by the policy it must not be,
    or there is no final snapshot. The canary has to be refused by the engine, or nothing is proven of the mappings."""
    asked = (registration.automation, registration.break_glass, registration.canary)
    taker = (registration.snapshots.taker,) if registration.snapshots else ()
    return (*(one.arn for one in asked if isinstance(one, IamRole)), *taker)


def _restore_policy(site: Site, todo: Todo) -> str:
    saved = site.ledger.saved(site.name, todo.save_as)
    if saved is None:
        policy = site.gate.policy(site.registration)
        shut = is_shut(policy, site.place.id, _let_through(site.registration))
        return lost(todo, shut, "set it by hand: what the domain's stack deploys is in its template")
    try:
        site.gate.set_policy(site.registration, saved)
    except Refused as error:  # AWS takes none that names somebody who is gone
        if is_shut(site.gate.policy(site.registration), site.place.id, _let_through(site.registration)):
            raise Refused(
                f"{error}; if it names somebody who is gone, set it by hand without them, and without the statement PortcullisLock"
            ) from error
        return "it is as somebody has set it by hand: AWS does not take it as it was"
    return ""


# ---------------------------------------------------------------------- people, and the proof


def _end_sessions(site: Site, todo: Todo) -> str:
    return end_all(site, site.ledger.model(site.name))


def _prove(site: Site, todo: Todo) -> str:
    if not site.registration.canary:
        return "there is no canary in this deployment: not proven"
    stopped = site.canary.what_stops_a_search(CANARY_INDEX)
    if stopped is None:
        raise Refused("the canary may still search: the lock does not hold yet")
    if stopped is not Stop.PRIVILEGES:
        raise Refused(f"the canary was refused by {stopped.value}: that proves nothing of the role mappings")
    others = walls(site, site.ledger.custody(site.name))
    others.pop(Measure.SHUT_MAPPINGS, None)  # the canary's refusal is its proof
    if opened := [f"{measure}: {detail}" for measure, look in others.items() if (detail := look())]:
        raise Refused(f"not in effect any more: {'; '.join(opened)}")
    return f"the canary was refused for want of privileges; read back: {', '.join(others)}"


Done = Callable[[Site, Todo], str]
_SAVES = frozenset(SAVE_OF)
_TAKEN: dict[Measure, Done] = {
    Measure.SAVE: _save_mappings,
    Measure.SHUT_MAPPINGS: _shut_mappings,
    Measure.SAVE_KEYS: offered.save_keys,
    Measure.NARROW_KEYS: offered.narrow_keys,
    Measure.SAVE_BLOCKS: _save_blocks,
    Measure.BLOCK_INDICES: _block,
    Measure.SAVE_INGRESS: _save_ingress,
    Measure.CLOSE_INGRESS: _close_ingress,
    Measure.SAVE_POLICY: _save_policy,
    Measure.DENY_POLICY: _deny_policy,
    Measure.SAVE_GROUPS: further.save_groups,
    Measure.CLOSE_GROUPS: further.close_groups,
    Measure.SAVE_ENDPOINTS: further.save_endpoints,
    Measure.REVOKE_ENDPOINTS: further.revoke_endpoints,
    Measure.END_SEARCHES: end_searches,
    Measure.END_SESSIONS: _end_sessions,
    Measure.PROVE: _prove,
    Measure.FINAL_SNAPSHOT: final_snapshot,
    Measure.DELETE_DOMAIN: delete_domain,
    Measure.VERIFY_GONE: verify_gone,
}
# Of the others a save is forgotten, the mappings are put back, and the rest leaves nothing to undo.
_UNDONE: dict[Measure, Done] = {
    Measure.NARROW_KEYS: offered.widen_keys,
    Measure.BLOCK_INDICES: _unblock,
    Measure.CLOSE_INGRESS: _open_ingress,
    Measure.DENY_POLICY: _restore_policy,
    Measure.CLOSE_GROUPS: further.open_groups,
    Measure.REVOKE_ENDPOINTS: further.authorize_endpoints,
}


def walls(site: Site, custody: Custody) -> dict[Measure, Callable[[], Undone]]:
    """The measures that are in place, each with a look at it that says what somebody else has undone of it: nothing, if it holds.

    A look raises where its wall cannot be seen, and says nothing of the others.
    """
    looks: dict[Measure, Callable[[], Undone]] = {
        Measure.SHUT_MAPPINGS: lambda: _mapped(site, custody.let_in),
        Measure.NARROW_KEYS: lambda: offered.keys_that_allow(site),
        Measure.BLOCK_INDICES: lambda: _bare(site, custody.let_in),
        Measure.CLOSE_INGRESS: lambda: _let_in_from(site),
        Measure.DENY_POLICY: lambda: _undenied(site),
        Measure.CLOSE_GROUPS: lambda: further.groups_that_let_in(site),
        Measure.REVOKE_ENDPOINTS: lambda: further.let_in_by_endpoints(
            site, custody.measures[SAVED_BY[Measure.REVOKE_ENDPOINTS]].save_as
        ),
    }
    return {measure: look for measure, look in looks.items() if in_place(custody, measure)}


def _mapped(site: Site, let_in: LetIn) -> str:
    family = site.family
    closed = family.close(site.engine.read(family.closing), while_locked(site.registration, let_in))
    return f"opened again: {', '.join(closed.touched)}" if closed.touched else ""


def _bare(site: Site, let_in: LetIn) -> Undone:
    bare = _not_blocked(site.engine, let_in)
    if not bare and (running := site.engine.running_policies()):
        not_stopped = _NOT_STOPPED.saved(site.ledger, site.name) or ()
        again = [one for one in running if one not in not_stopped]
        return f"running again: {', '.join(again)}" if again else ""
    said = f"not blocked: {', '.join(bare[:10])}" + (", ..." if len(bare) > 10 else "") if bare else ""
    if not bare or not _MADE_BY_ENGINES.issuperset(bare) or not _of_engines(site).keys().isdisjoint(bare):
        return said
    return ByItself(said, tuple(bare))


def note(site: Site, came: ByItself) -> None:
    """Once a lock: whose blocks come off later, somebody took them off."""
    _OF_ENGINES.save(site.ledger, site.name, _of_engines(site) | dict.fromkeys(came.indices, _SINCE))


def _of_engines(site: Site) -> dict[str, str]:
    return _OF_ENGINES.saved(site.ledger, site.name) or {}


def _let_in_from(site: Site) -> str:
    open_again = site.gate.ingress(site.registration)
    return "the domain was opened to the network again" if open_again else ""


def _undenied(site: Site) -> str:
    shut = is_shut(site.gate.policy(site.registration), site.place.id, _let_through(site.registration))
    return "" if shut else "the access policy does not deny everybody else any more"
