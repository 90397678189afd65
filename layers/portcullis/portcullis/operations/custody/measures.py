"""The measures of custody, done: each taken and undone in one place, each harmless when done again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

from portcullis.custody import in_place
from portcullis.custody.access_policy import is_shut
from portcullis.custody.access_policy import shut as shut_policy
from portcullis.custody.types import SAVE_OF, SAVED_BY, Act, Custody, LetIn, Measure, Todo
from portcullis.errors import Refused
from portcullis.families.base import BLOCKS, READ
from portcullis.families.opensearch.config import Kind
from portcullis.families.opensearch.shut import shut
from portcullis.operations.access.foundation import CANARY_INDEX, while_locked
from portcullis.operations.custody import further_ways as further
from portcullis.operations.custody.ending import delete_domain, final_snapshot, verify_gone
from portcullis.operations.custody.following import follow, opening, put_back, send_each
from portcullis.operations.people.sessions import end_all
from portcullis.operations.services import Services, Trigger
from portcullis.ports.engine import Engine, Stop
from portcullis.ports.registration import Registration

_SHUT_KINDS = (Kind.ROLES, Kind.USERS, Kind.MAPPINGS, Kind.ACTION_GROUPS)


def perform(world: Services, registration: Registration, todo: Todo, cause: Trigger) -> str:
    """Take or undo one measure; returns what was seen, for the ledger. Raises what the state machine records as a failure."""
    if todo.measure is Measure.FOLLOW:
        return follow(world, registration, cause)
    if todo.measure is Measure.SHUT_MAPPINGS and todo.act is Act.UNDO:
        return put_back(world, registration, todo, cause)
    if todo.act is Act.UNDO and todo.measure in _SAVES:
        for name in todo.forget:
            world.ledger.forget(registration.deployment, name)
        return ""
    take, undo = _MEASURES[todo.measure]
    done = take if todo.act is Act.TAKE else undo
    opens = todo.opens and not further.opens_nothing(world, registration, todo)
    with opening(world, registration, cause) if opens else nullcontext():
        return done(world, registration, todo)


# ---------------------------------------------------------------------- role mappings


def _save_mappings(world: Services, registration: Registration, todo: Todo) -> str:
    closed = shut(world.engine(registration).read(_SHUT_KINDS), while_locked(registration, LetIn.NOBODY))
    world.ledger.save(registration.deployment, todo.save_as, closed.saved)
    return f"{len(closed.saved.get(Kind.MAPPINGS.value, {}))} role mappings put aside"


def _shut_mappings(world: Services, registration: Registration, todo: Todo) -> str:
    engine = world.engine(registration)
    saved = world.ledger.saved(registration.deployment, todo.save_as)
    held = engine.read(_SHUT_KINDS)
    closed = shut(held, while_locked(registration, todo.let_in), saved)
    send_each(engine, closed.writes, held)
    return "; ".join(closed.left)


# ---------------------------------------------------------------------- index blocks


# What a window of break-glass lifts. Everybody else is not mapped, so it is lifted for nobody else.
_LIFTED: dict[LetIn, tuple[str, ...]] = {LetIn.NOBODY: (), LetIn.READS: (READ,), LetIn.WRITES: BLOCKS}


def _not_blocked(engine: Engine, let_in: LetIn) -> list[str]:
    """Indices on which a block is anything else than set, but for what a window has lifted."""
    wanted = [block for block in BLOCKS if block not in _LIFTED[let_in]]
    return sorted(name for name, had in engine.blocks().items() if any(had.get(block) != "true" for block in wanted))


def _save_blocks(world: Services, registration: Registration, todo: Todo) -> str:
    blocks = {index: had for index, had in world.engine(registration).blocks().items() if had}
    world.ledger.save(registration.deployment, todo.save_as, blocks)
    return f"{len(blocks)} indices had blocks of their own"


def _block(world: Services, registration: Registration, todo: Todo) -> str:
    had = world.ledger.saved(registration.deployment, todo.save_as) or {}
    world.engine(registration).block_indices(had, _LIFTED[todo.let_in])
    return ""


def _unblock(world: Services, registration: Registration, todo: Todo) -> str:
    world.engine(registration).unblock_indices(world.ledger.saved(registration.deployment, todo.save_as) or {})
    return ""


# ---------------------------------------------------------------------- from outside the engine


def _save_ingress(world: Services, registration: Registration, todo: Todo) -> str:
    rules = world.gate(registration).ingress(registration)
    world.ledger.save(registration.deployment, todo.save_as, rules)
    return f"{len(rules)} ingress rules put aside"


def _close_ingress(world: Services, registration: Registration, todo: Todo) -> str:
    gate = world.gate(registration)
    gate.close_ingress(registration, gate.ingress(registration))
    return ""


def _open_ingress(world: Services, registration: Registration, todo: Todo) -> str:
    world.gate(registration).open_ingress(registration, world.ledger.saved(registration.deployment, todo.save_as) or [])
    return ""


def _save_policy(world: Services, registration: Registration, todo: Todo) -> str:
    world.ledger.save(registration.deployment, todo.save_as, world.gate(registration).policy(registration))
    return ""


def _deny_policy(world: Services, registration: Registration, todo: Todo) -> str:
    gate = world.gate(registration)
    gate.set_policy(
        registration, shut_policy(gate.policy(registration), registration.domain_arn, _let_through(registration))
    )
    return ""


def _let_through(registration: Registration) -> tuple[str, ...]:
    """Whom the shut policy lets through to the engine. The taker of snapshots is shut out by the mappings; by the policy it must not be,
    or there is no final snapshot. The canary has to be refused by the engine, or nothing is proven of the mappings."""
    asked = (
        registration.automation_role,
        registration.break_glass_role,
        registration.snapshot_role,
        registration.canary_role,
    )
    return tuple(arn for arn in asked if arn)


def _restore_policy(world: Services, registration: Registration, todo: Todo) -> str:
    saved = world.ledger.saved(registration.deployment, todo.save_as)
    if saved is None:
        raise Refused(f"the access policy put aside as {todo.save_as!r} is not in the ledger; see history")
    world.gate(registration).set_policy(registration, saved)
    return ""


# ---------------------------------------------------------------------- people, and the proof


def _end_searches(world: Services, registration: Registration, todo: Todo) -> str:
    return world.engine(registration).end_searches()


def _end_sessions(world: Services, registration: Registration, todo: Todo) -> str:
    return end_all(world, registration, world.ledger.model(registration.deployment))


def _prove(world: Services, registration: Registration, todo: Todo) -> str:
    if not registration.canary_role:
        return "there is no canary in this deployment: not proven"
    stopped = world.canary(registration).what_stops_a_search(CANARY_INDEX)
    if stopped is None:
        raise Refused("the canary may still search: the lock does not hold yet")
    if stopped is not Stop.PRIVILEGES:
        raise Refused(f"the canary was refused by {stopped.value}: that proves nothing of the role mappings")
    others = walls(world, registration, world.ledger.custody(registration.deployment))
    others.pop(Measure.SHUT_MAPPINGS, None)  # the canary's refusal is its proof
    if opened := [f"{measure}: {detail}" for measure, look in others.items() if (detail := look())]:
        raise Refused(f"not in effect any more: {'; '.join(opened)}")
    return f"the canary was refused for want of privileges; read back: {', '.join(others) or 'nothing else'}"


def _nothing(world: Services, registration: Registration, todo: Todo) -> str:
    return ""


Done = Callable[[Services, Registration, Todo], str]
_SAVES = frozenset(SAVE_OF)
_MEASURES: dict[Measure, tuple[Done, Done]] = {
    Measure.SAVE: (_save_mappings, _nothing),
    Measure.SHUT_MAPPINGS: (_shut_mappings, _nothing),
    Measure.SAVE_BLOCKS: (_save_blocks, _nothing),
    Measure.BLOCK_INDICES: (_block, _unblock),
    Measure.SAVE_INGRESS: (_save_ingress, _nothing),
    Measure.CLOSE_INGRESS: (_close_ingress, _open_ingress),
    Measure.SAVE_POLICY: (_save_policy, _nothing),
    Measure.DENY_POLICY: (_deny_policy, _restore_policy),
    Measure.SAVE_GROUPS: (further.save_groups, _nothing),
    Measure.CLOSE_GROUPS: (further.close_groups, further.open_groups),
    Measure.SAVE_ENDPOINTS: (further.save_endpoints, _nothing),
    Measure.REVOKE_ENDPOINTS: (further.revoke_endpoints, further.authorize_endpoints),
    Measure.END_SEARCHES: (_end_searches, _nothing),
    Measure.END_SESSIONS: (_end_sessions, _nothing),
    Measure.PROVE: (_prove, _nothing),
    Measure.FINAL_SNAPSHOT: (final_snapshot, _nothing),
    Measure.DELETE_DOMAIN: (delete_domain, _nothing),
    Measure.VERIFY_GONE: (verify_gone, _nothing),
}


def walls(world: Services, registration: Registration, custody: Custody) -> dict[Measure, Callable[[], str]]:
    """The measures that are in place, each with a look at it that says what somebody else has undone of it: nothing, if it holds.

    A look raises where its wall cannot be seen, and says nothing of the others.
    """
    looks: dict[Measure, Callable[[], str]] = {
        Measure.SHUT_MAPPINGS: lambda: _mapped(world, registration, custody.let_in),
        Measure.BLOCK_INDICES: lambda: _bare(world, registration, custody.let_in),
        Measure.CLOSE_INGRESS: lambda: _let_in_from(world, registration),
        Measure.DENY_POLICY: lambda: _undenied(world, registration),
        Measure.CLOSE_GROUPS: lambda: further.groups_that_let_in(world, registration),
        Measure.REVOKE_ENDPOINTS: lambda: further.let_in_by_endpoints(
            world, registration, custody.measures[SAVED_BY[Measure.REVOKE_ENDPOINTS]].save_as
        ),
    }
    return {measure: look for measure, look in looks.items() if in_place(custody, measure)}


def _mapped(world: Services, registration: Registration, let_in: LetIn) -> str:
    closed = shut(world.engine(registration).read(_SHUT_KINDS), while_locked(registration, let_in))
    names = {operation["path"].split("/")[1] for _, operations in closed.writes for operation in operations}
    return f"opened again: {', '.join(sorted(names))}" if names else ""


def _bare(world: Services, registration: Registration, let_in: LetIn) -> str:
    bare = _not_blocked(world.engine(registration), let_in)
    return f"not blocked: {', '.join(bare[:10])}" + (", ..." if len(bare) > 10 else "") if bare else ""


def _let_in_from(world: Services, registration: Registration) -> str:
    open_again = world.gate(registration).ingress(registration)
    return "the domain was opened to the network again" if open_again else ""


def _undenied(world: Services, registration: Registration) -> str:
    policy = world.gate(registration).policy(registration)
    if is_shut(policy, registration.domain_arn, _let_through(registration)):
        return ""
    return "the access policy does not deny everybody else any more"
