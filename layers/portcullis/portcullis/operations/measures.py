"""The measures of custody, done: each taken and undone in one place, each harmless when done again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

from portcullis.access.config import Kind
from portcullis.access.shut import shut
from portcullis.custody.types import Act, Measure, Todo
from portcullis.errors import Refused
from portcullis.gates.policy import shut as shut_policy
from portcullis.operations.ending import delete_domain, final_snapshot, verify_gone
from portcullis.operations.following import follow, opening, put_back, send_each
from portcullis.operations.foundation import CANARY_INDEX, keepers
from portcullis.operations.ports import Registration
from portcullis.operations.sessions import end_all
from portcullis.operations.world import Cause, World

_SHUT_KINDS = (Kind.ROLES, Kind.USERS, Kind.MAPPINGS, Kind.ACTION_GROUPS)


def perform(world: World, registration: Registration, todo: Todo, cause: Cause) -> str:
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
    with opening(world, registration, cause) if todo.opens else nullcontext():
        return done(world, registration, todo)


# ---------------------------------------------------------------------- role mappings


def _save_mappings(world: World, registration: Registration, todo: Todo) -> str:
    closed = shut(world.engine(registration).read(_SHUT_KINDS), keepers(registration).while_locked())
    world.ledger.save(registration.deployment, todo.save_as, closed.saved)
    return f"{len(closed.saved.get(Kind.MAPPINGS.value, {}))} role mappings put aside"


def _shut_mappings(world: World, registration: Registration, todo: Todo) -> str:
    engine = world.engine(registration)
    saved = world.ledger.saved(registration.deployment, todo.save_as)
    held = engine.read(_SHUT_KINDS)
    closed = shut(held, keepers(registration).while_locked(), saved)
    send_each(engine, closed.patches, held)
    return "; ".join(closed.left)


# ---------------------------------------------------------------------- index blocks


def _save_blocks(world: World, registration: Registration, todo: Todo) -> str:
    blocks = {index: had for index, had in world.engine(registration).blocks().items() if had}
    world.ledger.save(registration.deployment, todo.save_as, blocks)
    return f"{len(blocks)} indices had blocks of their own"


def _block(world: World, registration: Registration, todo: Todo) -> str:
    world.engine(registration).block_indices()
    return ""


def _unblock(world: World, registration: Registration, todo: Todo) -> str:
    world.engine(registration).unblock_indices(world.ledger.saved(registration.deployment, todo.save_as) or {})
    return ""


# ---------------------------------------------------------------------- from outside the engine


def _save_ingress(world: World, registration: Registration, todo: Todo) -> str:
    rules = world.gate(registration).ingress(registration)
    world.ledger.save(registration.deployment, todo.save_as, rules)
    return f"{len(rules)} ingress rules put aside"


def _close_ingress(world: World, registration: Registration, todo: Todo) -> str:
    gate = world.gate(registration)
    gate.close_ingress(registration, gate.ingress(registration))
    return ""


def _open_ingress(world: World, registration: Registration, todo: Todo) -> str:
    world.gate(registration).open_ingress(registration, world.ledger.saved(registration.deployment, todo.save_as) or [])
    return ""


def _save_policy(world: World, registration: Registration, todo: Todo) -> str:
    world.ledger.save(registration.deployment, todo.save_as, world.gate(registration).policy(registration))
    return ""


def _deny_policy(world: World, registration: Registration, todo: Todo) -> str:
    gate = world.gate(registration)
    # The taker of snapshots is shut out by the mappings; by the policy it must not be, or there is no final snapshot.
    keep = (registration.automation_role, registration.break_glass_role, registration.snapshot_role)
    policy = shut_policy(gate.policy(registration), registration.domain_arn, tuple(arn for arn in keep if arn))
    gate.set_policy(registration, policy)
    return ""


def _restore_policy(world: World, registration: Registration, todo: Todo) -> str:
    saved = world.ledger.saved(registration.deployment, todo.save_as)
    if saved is None:
        raise Refused(f"the access policy put aside as {todo.save_as!r} is not in the ledger; see history")
    world.gate(registration).set_policy(registration, saved)
    return ""


# ---------------------------------------------------------------------- people, and the proof


def _end_sessions(world: World, registration: Registration, todo: Todo) -> str:
    return end_all(world, registration, world.ledger.model(registration.deployment))


def _prove(world: World, registration: Registration, todo: Todo) -> str:
    if not registration.canary_role:
        return "there is no canary in this deployment: not proven"
    if world.canary(registration).may_search(CANARY_INDEX):
        raise Refused("the canary may still search: the lock does not hold yet")
    return "the canary was refused"


def _nothing(world: World, registration: Registration, todo: Todo) -> str:
    return ""


Done = Callable[[World, Registration, Todo], str]
_SAVES = frozenset({Measure.SAVE, Measure.SAVE_BLOCKS, Measure.SAVE_INGRESS, Measure.SAVE_POLICY})
_MEASURES: dict[Measure, tuple[Done, Done]] = {
    Measure.SAVE: (_save_mappings, _nothing),
    Measure.SHUT_MAPPINGS: (_shut_mappings, _nothing),
    Measure.SAVE_BLOCKS: (_save_blocks, _nothing),
    Measure.BLOCK_INDICES: (_block, _unblock),
    Measure.SAVE_INGRESS: (_save_ingress, _nothing),
    Measure.CLOSE_INGRESS: (_close_ingress, _open_ingress),
    Measure.SAVE_POLICY: (_save_policy, _nothing),
    Measure.DENY_POLICY: (_deny_policy, _restore_policy),
    Measure.END_SESSIONS: (_end_sessions, _nothing),
    Measure.PROVE: (_prove, _nothing),
    Measure.FINAL_SNAPSHOT: (final_snapshot, _nothing),
    Measure.DELETE_DOMAIN: (delete_domain, _nothing),
    Measure.VERIFY_GONE: (verify_gone, _nothing),
}


def undone_outside(world: World, registration: Registration) -> list[tuple[Measure, str]]:
    """What of a lock somebody else has undone: mappings opened again, indices without blocks (new ones too)."""
    engine = world.engine(registration)
    found: list[tuple[Measure, str]] = []
    closed = shut(engine.read(_SHUT_KINDS), keepers(registration).while_locked())
    if closed.patches:
        names = sorted(
            {operation["path"].split("/")[1] for _, operations in closed.patches for operation in operations}
        )
        found.append((Measure.SHUT_MAPPINGS, f"opened again: {', '.join(names)}"))
    bare = sorted(index for index, had in engine.blocks().items() if len(had) < 2 or "true" not in had.values())
    if bare:
        found.append(
            (Measure.BLOCK_INDICES, f"not blocked: {', '.join(bare[:10])}" + (", ..." if len(bare) > 10 else ""))
        )
    if world.gate(registration).ingress(registration):
        found.append((Measure.CLOSE_INGRESS, "the security group was opened again"))
    return found
