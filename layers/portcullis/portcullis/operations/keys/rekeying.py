"""Re-key: a new domain under a new key, from a snapshot of the old one. A domain keeps the key it was made with, so there is no other way.

The new domain is a deployment of its own, deployed before (its file, its key, its stacks); its file names the old one
(`snapshots: {reads: OLD}`), so that its role may read what the old one wrote, under the old key. Step by step, each written down in the
ledger before it is done and harmless when done again:

prepare    the snapshot roles may read, for as long as this lasts; no index is in the way, none is closed, the snapshots can be read
freeze     the old one takes no writes any more; reads go on
snapshot   every user index, into the repository of the old one, which the new one may read
restore    into the new one, under the same names
check      index by index and document by document: as many, and each the same
access     the new one's model applied, nothing left to do
hand over  clients are told the new endpoint: the parameter /portcullis/OLD/endpoint
lock       the old one is locked; it is deleted by a person's `portcullis delete`, and not before
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from portcullis import custody as machine
from portcullis import typed
from portcullis.custody.types import State
from portcullis.errors import BadInput, Refused
from portcullis.families.base import CANARY_INDEX
from portcullis.operations import alert_table
from portcullis.operations.access.changing.foundation import MOVING
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.custody.guard import guard
from portcullis.operations.data.comparing import Part, further
from portcullis.operations.data.repositories import reading, registered
from portcullis.operations.data.snapshots import REPOSITORY
from portcullis.operations.keys.check import refuse_bad_key
from portcullis.operations.services import Services, Trigger
from portcullis.operations.telling import not_told_yet, tell_or_keep
from portcullis.ports.data import Documents

STEPS = ("prepare", "freeze", "snapshot", "restore", "check", "access", "hand over", "lock", "done")
_LONGEST = timedelta(seconds=180)  # of waiting and comparing in one call, which has 300 s: the next goes on
_LOOK = 3.0
_TARGET = "target"  # the step of the one that is moved to; `to` is then who moves there


@dataclass(frozen=True, slots=True)
class Move:
    """How far a re-key is, as the ledger keeps it. `step` is the one under way: intended, perhaps done."""

    to: str
    by: str
    began: str
    step: str = STEPS[0]
    frozen_before: dict[str, bool] = field(default_factory=dict)
    documents: dict[str, int] = field(default_factory=dict)  # user index -> how many, once frozen
    snapshot: str = ""
    checked: dict[str, str] = field(default_factory=dict)  # index -> checksum that both have
    part: Part = field(default_factory=Part)  # of the index that is being compared
    endpoint_before: str = ""


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """What a person is told. `exit_status` is 1 as long as what was asked for is not done."""

    deployment: str
    to: str
    step: str
    done: tuple[str, ...]
    documents: int
    indices: int
    checksums: dict[str, str]
    next: str
    exit_status: int


class _Later(Exception):
    """A step has begun and needs more time."""


def rekey(services: Services, deployment: str, cause: Trigger, *, to: str = "", cancel: bool = False) -> Rekeyed:
    """Begin a re-key to the deployment `to`, or go on with the one under way. Raises Refused, naming what stands in the way.

    `cancel` gives the old domain its writes back; possible until traffic was handed over.
    """
    services.ledger.registration(deployment).refuse_elsewhere()
    move = _kept(services, deployment)
    if cancel:
        return _cancel(services, deployment, cause, move)
    if move is None or (move.step == "done" and to not in ("", move.to)):
        move = _begin(services, deployment, cause, to)
    elif to and to != move.to:
        raise Refused(f"{deployment} is being re-keyed to {move.to}; call that off first: --cancel")
    until = services.now() + _LONGEST
    while move.step != "done":
        try:
            move = _DOES[move.step](services, deployment, move, cause, until)
        except _Later as later:
            return _told(services, deployment, move, str(later))
        move = replace(move, step=STEPS[STEPS.index(move.step) + 1])
        _keep(services, deployment, move, cause)
    return _told(services, deployment, move)


def rekey_state(services: Services, deployment: str) -> Rekeyed:
    """How far the re-key of a deployment is; said, so `exit_status` is 0 however far. Refused if none was begun."""
    services.ledger.registration(deployment).refuse_elsewhere()
    move = _kept(services, deployment)
    if move is None:
        raise Refused(f"no re-key of {deployment} was begun")
    return replace(_told(services, deployment, move), exit_status=0)


def _begin(services: Services, deployment: str, cause: Trigger, to: str) -> Move:
    if not to or to == deployment:
        remedy = f"deploy another deployment with the new key first, then: re-key {deployment} --to THAT"
        problem = f"{to} cannot move to itself" if to else f"nobody said where {deployment} is to move to"
        raise BadInput(problem, source="request", place="to", remedy=remedy)
    old, new = services.ledger.registration(deployment), services.ledger.registration(to)
    for one in (old, new):
        state = services.ledger.custody(one.deployment).state
        if state is not State.OPEN:
            raise Refused(
                f"{one.deployment} is {state.value}: a re-key needs both domains open, and the old key to read the data"
            )
        one.snapshot_store()
    if old.key.arn == new.key.arn:
        raise Refused(f"{to} is under the same key as {deployment}: nothing would change")
    _refuse_two_at_once(services, deployment, to)
    refuse_bad_key(services.at(new), services.ledger.model(to))
    move = Move(to, cause.actor, services.now().isoformat())
    _keep(services, deployment, move, cause)
    return move


def _refuse_two_at_once(services: Services, deployment: str, to: str) -> None:
    """What the ledger keeps of another move would be lost: which indices it froze, and that its snapshots may be read."""
    other = _under_way(services, to)
    if other is None:
        return
    if other.step != _TARGET:
        raise Refused(f"{to} is being re-keyed to {other.to} itself: end that first, or call it off")
    others = set(services.ledger.deployments()) - {deployment}  # one that left meanwhile ends nothing any more
    if other.to in others and _under_way(services, other.to) is not None:
        raise Refused(f"{other.to} is being re-keyed to {to}: end that first, or call it off")


# ---------------------------------------------------------------------- the steps


def _prepare(services: Services, deployment: str, move: Move, cause: Trigger, until: datetime) -> Move:
    _refuse_two_at_once(services, deployment, move.to)  # once more: another may have begun since we did
    services.ledger.save(move.to, MOVING, replace(move, to=deployment, step=_TARGET))
    for name in (deployment, move.to):
        apply_text(services, name, None, cause)
    try:
        _refuse_obstacles(services, deployment, move.to)
    except Refused:
        _close(services, deployment, move.to, cause)
        raise
    return move


def _refuse_obstacles(services: Services, deployment: str, to: str) -> None:
    """What would stop the move half way is seen here, before the old one stops taking writes."""
    old, new = (services.ledger.registration(name) for name in (deployment, to))
    there = set(_ours(services.documents(old).frozen()))  # closed ones too
    if closed := sorted(there - set(_counted(services.documents(old)))):
        raise Refused(
            f"{deployment} has closed indices, which no snapshot moves: {', '.join(closed[:10])}; open or delete them"
        )
    if in_the_way := sorted(there & set(services.documents(new).frozen())):
        raise Refused(f"{to} holds indices of the same names already: {', '.join(in_the_way[:10])}")
    registered(services.at(old))
    try:
        reading(services, new, old)
    except Refused as error:
        remedy = f"its file has to say so, `snapshots: {{reads: {deployment}}}`, and both have to be deployed again"
        raise Refused(f"{to} may not read the snapshots of {deployment} ({error}); {remedy}") from error


def _freeze(services: Services, deployment: str, move: Move, cause: Trigger, until: datetime) -> Move:
    documents = services.documents(services.ledger.registration(deployment))
    if not move.frozen_before:  # written down first: a second try must not take our own blocks for somebody's
        move = replace(move, frozen_before=documents.frozen())
        _save(services, deployment, move)
    documents.freeze(_ours(move.frozen_before))
    return replace(move, documents=_counted(documents))


def _snapshot(services: Services, deployment: str, move: Move, cause: Trigger, until: datetime) -> Move:
    snapshots = registered(services.site(deployment))
    if not move.documents:
        raise Refused(f"{deployment} holds no user index: there is nothing to move; --cancel, and use {move.to}")
    if not move.snapshot:
        move = replace(move, snapshot=f"re-key-{services.now():%Y%m%d-%H%M%S}")
        _save(services, deployment, move)
    for _ in _looks(services, until):
        listed = {one["snapshot"]: one["state"] for one in snapshots.listed(REPOSITORY)}
        state = listed.get(move.snapshot)
        if state == "SUCCESS":
            return move
        if state is None:
            snapshots.take(REPOSITORY, move.snapshot, ",".join(sorted(move.documents)))
        elif state != "IN_PROGRESS":
            _save(services, deployment, replace(move, snapshot=""))  # the next call takes another
            raise Refused(f"the snapshot {move.snapshot} is {state}: call again to take another")
    raise _Later("the snapshot is being taken")


def _restore(services: Services, deployment: str, move: Move, cause: Trigger, until: datetime) -> Move:
    new = services.ledger.registration(move.to)
    documents = services.documents(new)
    snapshots, repository = reading(services, new, services.ledger.registration(deployment))
    there = set(documents.frozen())  # closed or not yet ready ones too
    missing = [index for index in sorted(move.documents) if index not in there]
    if missing:
        snapshots.restore(repository, move.snapshot, ",".join(missing), "")
    for _ in _looks(services, until):
        if all(documents.is_restored(index) for index in move.documents):
            return move
    raise _Later("the indices are being restored")


def _check(services: Services, deployment: str, move: Move, cause: Trigger, until: datetime) -> Move:
    """Portion by portion, so that a call that is cut off goes on where it was. What differs stops the move for good."""
    old, new = (services.documents(services.ledger.registration(name)) for name in (deployment, move.to))
    counts = _counted(new)
    for index, many in sorted(move.documents.items()):
        if index in move.checked:
            continue
        move = _compared(services, deployment, move, index, until)
        before, after = move.part.before, move.part.after
        move = replace(move, part=Part())
        if before != after or counts.get(index) != many:
            # What is taken away comes back, and is compared anew, whichever it was.
            _save(services, deployment, replace(move, step="restore", checked={}))
            told = f"{index} differs: {many} documents and {before} before, {counts.get(index, 0)} and {after} after"
            raise Refused(
                f"{told}; nothing was handed over. Take its copy away from {move.to}, or call it off: --cancel"
            )
        move = replace(move, checked={**move.checked, index: after})
        _save(services, deployment, move)
    _refuse_late(old, move)
    return move


def _compared(services: Services, deployment: str, move: Move, index: str, until: datetime) -> Move:
    """With all documents of an index, in both domains, in `part`."""
    old, new = (services.documents(services.ledger.registration(name)) for name in (deployment, move.to))
    if move.part.index != index:
        move = replace(move, part=Part(index))
    shards = max(old.shards(index), new.shards(index))
    while move.part.shard < shards:
        if services.now() >= until:
            raise _Later("the documents are being compared")
        move = replace(move, part=further(move.part, old, new))
        _save(services, deployment, move)
    return move


def _refuse_late(old: Documents, move: Move) -> None:
    """The freeze blocks what was there; an index that was made since is seen here, before anybody is sent elsewhere."""
    late = sorted(index for index, many in _counted(old).items() if move.documents.get(index) != many)
    if late:
        raise Refused(
            f"written after the snapshot: {', '.join(late[:10])}; stop who writes there, call it off and begin again"
        )


def _access(services: Services, deployment: str, move: Move, cause: Trigger, until: datetime) -> Move:
    outcome = apply_text(services, move.to, None, cause)
    if outcome.plan.conflicts:
        raise Refused(f"the access model of {move.to} has conflicts: {'; '.join(map(str, outcome.plan.conflicts))}")
    return move


def _hand_over(services: Services, deployment: str, move: Move, cause: Trigger, until: datetime) -> Move:
    new = services.ledger.registration(move.to)
    endpoints = services.endpoints(new)
    if not move.endpoint_before:
        move = replace(
            move, endpoint_before=endpoints.told(deployment) or services.ledger.registration(deployment).place.endpoint
        )
        _save(services, deployment, move)
    endpoints.tell(deployment, new.place.endpoint)
    # Clients were told already, and the old one has to be locked: that waits for no alert.
    tell_or_keep(
        services,
        alert_table.RE_KEYED.of(
            deployment,
            f"{cause.actor} re-keyed {deployment} to {move.to}: clients belong at {new.place.endpoint} now",
            done=f"{sum(move.documents.values())} documents in {len(move.documents)} indices were checked one by one; "
            f"the parameter /portcullis/{deployment}/endpoint names the new endpoint; the old one is locked next",
            to=move.to,
        ),
    )
    return move


def _lock(services: Services, deployment: str, move: Move, cause: Trigger, until: datetime) -> Move:
    _close(services, deployment, move.to, cause, but=move)
    held = services.now()
    custody = guard(
        services,
        deployment,
        cause,
        change=lambda c: machine.hold(c, cause.actor, f"re-keyed to {move.to}", held),
        by_person=True,
    )
    if custody.state is not State.LOCKED:
        raise _Later(f"{deployment} is {custody.state.value}")
    return move


_DOES: dict[str, Callable[[Services, str, Move, Trigger, datetime], Move]] = {
    "prepare": _prepare,
    "freeze": _freeze,
    "snapshot": _snapshot,
    "restore": _restore,
    "check": _check,
    "access": _access,
    "hand over": _hand_over,
    "lock": _lock,
}

# ---------------------------------------------------------------------- what they stand on


def _ours(indices: Iterable[str]) -> list[str]:
    """Without the canary's index: each domain has its own."""
    return [index for index in indices if index != CANARY_INDEX]


def _counted(documents: Documents) -> dict[str, int]:
    counted = documents.counted()
    return {index: counted[index] for index in _ours(counted)}


def _looks(services: Services, until: datetime) -> Iterable[int]:
    """At least one; then again and again until it is time to end the call."""
    yield 0
    while services.now() < until:
        services.sleep(_LOOK)
        yield 1


def _cancel(services: Services, deployment: str, cause: Trigger, move: Move | None) -> Rekeyed:
    if move is None or move.step not in STEPS[: STEPS.index("hand over")]:
        raise Refused(f"there is no re-key of {deployment} that could still be called off")
    documents = services.documents(services.ledger.registration(deployment))
    documents.thaw(_ours(move.frozen_before), move.frozen_before)
    _close(services, deployment, move.to, cause)
    said = f"re-key to {move.to} called off at the step {move.step}; what was restored there is left"
    services.record(deployment, "re-key", cause, said)
    return _told(services, deployment, replace(move, step="called off"))


def _close(services: Services, deployment: str, to: str, cause: Trigger, *, but: Move | None = None) -> None:
    """The snapshot role may read no longer. `but` is kept under another name for who asks how it went."""
    if but is not None:
        services.ledger.save(deployment, f"{MOVING}-last", but)
    there = services.ledger.deployments()  # somebody may have taken the new one away
    target = _under_way(services, to)
    taken = target is not None and target.to != deployment  # another one moves there by now
    # The one that moves last: until then asking again does all of it.
    for name in [deployment] if taken else [to, deployment]:
        services.ledger.forget(name, MOVING)
        if name in there and services.ledger.custody(name).state is State.OPEN:
            apply_text(services, name, None, cause)


def _kept(services: Services, deployment: str) -> Move | None:
    move = _under_way(services, deployment) or _under_way(services, deployment, f"{MOVING}-last")
    if move is not None and move.step == _TARGET:
        raise Refused(f"{deployment} is being moved to; ask for the deployment that is moved")
    return move


def _under_way(services: Services, deployment: str, name: str = MOVING) -> Move | None:
    saved: Any = services.ledger.saved(deployment, name)
    return None if saved is None else typed.of_plain(saved, Move)


def _save(services: Services, deployment: str, move: Move) -> None:
    last = move.step in ("lock", "done")
    services.ledger.save(deployment, f"{MOVING}-last" if last else MOVING, move)


def _keep(services: Services, deployment: str, move: Move, cause: Trigger) -> None:
    _save(services, deployment, move)
    said = f"re-key to {move.to}: {move.step}"
    services.record(deployment, "re-key", cause, said)


def _told(services: Services, deployment: str, move: Move, waits: str = "") -> Rekeyed:
    over = move.step in ("done", "called off")
    done = STEPS[:-1] if move.step == "done" else STEPS[: STEPS.index(move.step)] if move.step in STEPS else ()
    again = f"{waits}; " if waits else ""
    return Rekeyed(
        deployment=deployment,
        to=move.to,
        step=move.step,
        done=done,
        documents=sum(move.documents.values()),
        indices=len(move.documents),
        checksums=move.checked,
        next={
            "done": f"move every client to {move.to}, then: portcullis delete {deployment} --confirm {deployment}",
            "called off": f"{deployment} takes writes again",
        }.get(move.step, f"{again}go on: portcullis re-key {deployment} --to {move.to}")
        + not_told_yet(services, deployment),
        exit_status=0 if over else 1,
    )
