"""What may happen to the world: every event a history is made of, and random histories of them."""

from __future__ import annotations

import random
from datetime import timedelta

from portcullis import custody
from portcullis.custody.rules import Rules
from portcullis.custody.types import LOCK_ORDER, OUTSIDE, Measure, Progress, State
from portcullis.errors import Refused

from tests.custody.key import KINDS, PROBES
from tests.custody.world import NAME, Violation, World

SECONDS = (1, 5, 29, 31, 120, 300, 1000, 5000, 50000)
JUMPS = (-90000, -3600, -400, -20, 20, 400, 3600, 90000)


def revoke(world: World, kind: str) -> None:
    world.kind, world.ever_revoked = kind, True


def restore(world: World) -> None:
    world.kind = None


def lag(world: World, probe: str) -> None:
    """This probe goes on answering as now, whatever becomes of the key, until it is told to catch up."""
    world.stale[probe] = world.kind


def catch_up(world: World) -> None:
    world.stale.clear()


def unreachable(world: World, probe: str) -> None:
    world.stale[probe] = "unreachable"


def outage(world: World) -> None:
    """KMS does not answer at all, or throttles for ever."""
    world.stale = dict.fromkeys(PROBES, "unreachable")


def answer(world: World, probe: str) -> None:
    """One probe gets through again."""
    world.stale.pop(probe, None)


def lie(world: World, probe: str) -> None:
    """One probe is refused though nothing was taken away."""
    world.liar = world.liar or probe
    world.stale[world.liar] = "lie"


def power(world: World, engine: bool, gate: bool, groups: bool = True) -> None:
    world.engine_up, world.gate_up, world.groups_up = engine, gate, groups


def spawn(world: World) -> None:
    """An event arrives (perhaps again, perhaps late) or the sweep comes round."""
    if len(world.processes) < 3:
        world.processes.append(world.guard())


def step(world: World, which: int, steps: int) -> None:
    if not world.processes:
        return
    process = world.processes[which % len(world.processes)]
    world.broken_off |= len(world.processes) > 1
    for _ in range(steps):
        try:
            next(process)
        except StopIteration:
            world.processes.remove(process)
            return
        finally:
            world.watch()


def react(world: World, steps: int) -> None:
    """What was heard of the groups is seen to, one message at a time; one that did not come to its end is seen again."""
    for _ in range(steps):
        if world.reaction is None:
            if not world.heard:
                return
            world.reaction = world.react()
        if next(world.reaction, "over") == "over":
            world.reaction = None
        world.watch()


def lose(world: World) -> None:
    """The function that reacts dies in the middle, or no event tells: then the sweep has to."""
    if world.reaction is not None:
        world.reaction.close()
        world.reaction = None
    else:
        world.heard.clear()


def crash(world: World, which: int) -> None:
    if world.processes:
        world.processes.pop(which % len(world.processes)).close()
        world.broken_off = True
        world.counts["crashes"] += 1


def wait(world: World, seconds: int) -> None:
    world.true += timedelta(seconds=seconds)


def jump(world: World, seconds: int) -> None:
    """The clock is set. Whoever was in the middle of a step dies with it: leases are told by that clock."""
    world.offset += timedelta(seconds=seconds)
    world.jumps += 1
    while world.processes:
        world.processes.pop().close()
        world.broken_off = True
    world.reaction = world.lease = None


def hold(world: World) -> None:
    world.keep(custody.hold(world.custody, "ann", "suspicious reads", world.now)) if _lives(world) else None
    world.ever_held = True


def release(world: World) -> None:
    if not _lives(world):
        return
    before = world.custody
    try:
        world.keep(custody.release(before))
    except Refused:
        if before.revoked_since is None:
            raise Violation("refused a release though the key is not revoked") from None
    else:
        if before.revoked_since is not None:
            raise Violation("released though the key is revoked")


def break_glass(world: World, minutes: int, write: bool = False) -> None:
    try:
        opened = custody.open_break_glass(
            world.custody, "ann", "incident", minutes, world.now, world.rules, write=write
        )
        world.keep(opened)
    except Refused:
        if world.custody.state in (State.LOCKING, State.LOCKED):
            raise Violation("break-glass refused while locked") from None


def delete(world: World, name: str) -> None:
    before = world.custody
    try:
        world.keep(custody.ask_delete(before, name, "ann", world.now, snapshot=True))
    except Refused:
        return
    if name != NAME or before.state is not State.LOCKED:
        raise Violation(f"deletion of {name} accepted while {before.state}")
    world.deleted_by_name = True


def cancel(world: World) -> None:
    try:
        world.keep(custody.cancel_delete(world.custody))
    except Refused:
        return
    world.deleted_by_name = False


def forgo(world: World) -> None:
    """A deletion goes on without its final snapshot."""
    try:
        world.keep(custody.forgo_snapshot(world.custody))
    except Refused:
        if world.custody.state is State.DELETING:
            raise Violation("a deletion under way could not go on without its snapshot") from None


def member(world: World, name: str) -> None:
    """Somebody joins or leaves: that is over when this returns, and its event is on its way."""
    world.members ^= {name}
    if name in world.members:
        world.left.pop(name, None)
        world.out.discard(name)
    else:
        world.left[name] = world.true
    world.heard.append(name)
    world.watch()


def hand_edit(world: World, name: str) -> None:
    """Somebody edits a mapping by hand: kept while open, and while unlocking once the mappings are back."""
    record = world.custody.measures.get(Measure.SHUT_MAPPINGS)
    back = record is None or record.progress is Progress.UNDONE
    if world.custody.state in (State.OPEN, State.UNLOCKING) and back and not world.processes:
        world.by_hand ^= {name}
        world.mappings = {**world.mappings, "others": tuple(sorted(world.by_hand))}


def tamper(world: World, what: str) -> None:
    """Somebody opens the locked domain by hand."""
    c = world.custody
    if c.state is not State.LOCKED or world.processes:
        return
    if what == "mappings" and world.holds(Measure.SHUT_MAPPINGS, c.let_in):
        world.mappings = {**world.mappings, "support": ("mallory",)}
    elif what == "break-glass" and world.holds(Measure.SHUT_MAPPINGS, c.let_in):
        world.mappings = {**world.mappings, "others": ("break-glass",)}
    elif what == "ingress" and Measure.CLOSE_INGRESS in world.rules.measures:
        world.ingress = world.ingress | {"mallory"}
    elif what == "further":
        for measure in world.further.keys() & world.rules.measures:
            world.further[measure] |= {"mallory"}
    elif what == "blocks":
        world.blocks["logs"] = frozenset({"write"})  # one of the two is enough


def new_index(world: World) -> None:
    world.blocks.setdefault(f"logs-{len(world.blocks)}", frozenset()) if len(world.blocks) < 5 else None


def search(world: World, who: str) -> None:
    """Somebody who is let in opens a scroll or a point in time, and keeps it."""
    if any(who in entries for entries in world.mappings.values()) and "read" not in world.blocks["logs"]:
        world.searches.add(who)


def rotate(world: World, key: str) -> None:
    world.key_id = key
    world.rotated_at += timedelta(days=1)


# A domain of Amazon; a cluster elsewhere behind a security group; one that nothing can be shut of but its engine.
PLACES = (OUTSIDE, frozenset({Measure.SAVE_INGRESS, Measure.CLOSE_INGRESS}), frozenset())


def rules_at(outside: frozenset[Measure]) -> Rules:
    return Rules(measures=frozenset(LOCK_ORDER) - (OUTSIDE - outside))


def _lives(world: World) -> bool:
    return world.custody.state not in (State.DELETING, State.DELETED)


def random_history(
    seed: int, *, persist: bool = False, length: int = 50, outside: frozenset[Measure] = OUTSIDE
) -> World:
    """One random history, calmed down. `outside`: what its place can be shut by outside the engine. Raises Violation."""
    rng = random.Random(seed)
    world = World(rules_at(outside), persist=persist)
    deletes = rng.random() < 0.1
    for _ in range(rng.randint(5, length)):
        _random_event(world, rng, deletes)
    world.settle()
    return world


def _random_event(world: World, rng: random.Random, deletes: bool) -> None:
    if rng.random() < 0.12:
        member(world, rng.choice(("ann", "bob", "eve")))
    if rng.random() < 0.2:
        react(world, rng.choice((1, 2, 4, 10)))
    dice = rng.random()
    if dice < 0.18:
        spawn(world)
    elif dice < 0.48:
        step(world, rng.randrange(3), rng.choice((1, 2, 3, 8, 30, 100)))
    elif dice < 0.52:
        crash(world, rng.randrange(3))
    elif dice < 0.62:
        wait(world, rng.choice(SECONDS))
    elif dice < 0.65:
        jump(world, rng.choice(JUMPS))
    elif dice < 0.72:
        revoke(world, rng.choice(KINDS))
    elif dice < 0.78:
        restore(world)
    elif dice < 0.84:
        rng.choice((lag, unreachable, answer, lie))(world, rng.choice(PROBES))
    elif dice < 0.85:
        outage(world)
    elif dice < 0.87:
        catch_up(world)
    elif dice < 0.90:
        power(world, rng.random() < 0.5, rng.random() < 0.7, rng.random() < 0.6)
    elif dice < 0.91:
        hold(world)
    elif dice < 0.93:
        release(world)
    elif dice < 0.94:
        break_glass(world, rng.choice((1, 10, 200)), rng.random() < 0.5)
    elif dice < 0.95:
        rotate(world, rng.choice(("key-1", "key-2")))
    elif dice < 0.955:
        rng.choice((member, lambda w, _: lose(w)))(world, "ann")
    elif dice < 0.97:
        hand_edit(world, rng.choice(("hand-1", "hand-2")))
    elif dice < 0.98:
        tamper(world, rng.choice(("mappings", "break-glass", "ingress", "further", "blocks")))
    elif dice < 0.985:
        new_index(world)
    elif dice < 0.99:
        search(world, rng.choice(("ann", "break-glass")))
    elif deletes:
        rng.choice((delete, delete, lambda w, n: cancel(w), lambda w, n: forgo(w)))(
            world, rng.choice((NAME, NAME, "prod"))
        )
