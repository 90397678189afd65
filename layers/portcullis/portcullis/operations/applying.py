"""From model to engine: read, compare, guard, write down, write, read again. The one road by which access is ever changed."""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256

from portcullis.access.config import Held, Json, Kind
from portcullis.access.desired import Desired, desired
from portcullis.access.dialects import holdable
from portcullis.access.difference import difference
from portcullis.access.guard import guard_plan
from portcullis.access.patch import apply_patches, parts, patches
from portcullis.access.plan import Claim, Operation, Plan
from portcullis.errors import Conflict, Overtaken, Refused, Unreachable
from portcullis.operations.asking import Asked, ask_subjects
from portcullis.operations.foundation import MOVING, keepers, with_foundation
from portcullis.operations.in_effect import in_doubt_if_silent, see_in_effect
from portcullis.operations.many import quickest
from portcullis.operations.passwords import passwords
from portcullis.operations.ports import Alert, Claims, Engine, KeptModel, Registration
from portcullis.operations.sessions import end_what_leavers_hold
from portcullis.operations.undertaking import Undertaking, begin, settle, starting, text_in_ledger, version_in_ledger
from portcullis.operations.while_open import WhileOpen
from portcullis.operations.world import Cause, World

_ATTEMPTS = 12
_SILENCES = 2  # times that an engine may not answer to a write before the caller is told
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.05, 2.0
_LATE = timedelta(minutes=15)  # no function of ours runs for longer, and so no write of one comes later

Patches = Sequence[tuple[Kind, Sequence[Json]]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done. `status`: unchanged | applied | waiting (the deployment is not open: done at unlock)."""

    deployment: str
    status: str
    plan: Plan = field(default_factory=Plan)
    writes: int = 0
    asked: tuple[Asked, ...] = ()  # as those whose roles changed, where we can be them
    exit_status: int = 0  # 1: somebody who was asked as does not have what was written


@dataclass(frozen=True, slots=True)
class Comparison:
    """One look at both sides."""

    began: datetime
    desired: Desired
    held: Held
    plan: Plan
    mine: Claims
    others: frozenset[Claim]
    late: frozenset[Claim] = frozenset()  # of ours: what a write may still bring about whose answer nobody has seen

    def claims_after(self) -> frozenset[Claim]:
        """What is ours once the plan is done."""
        return self.plan.claims_after(self.mine) | self.late

    def simulated(self) -> Patches:
        """The patches as a simulation needs them: no password is looked up or made for them."""
        return quickest(patches(self.plan, self.held, {name: {"hash": ""} for name in new_users(self.plan)}))

    def after(self) -> Held:
        """What the engine would hold once the plan is applied."""
        return apply_patches(self.held, self.simulated())

    def digest(self) -> str:
        """By which a saved plan knows the state it was made for: what the engine holds, and what is to be done about it."""
        held = {kind.value: named for kind, named in self.held.documents.items()}
        steps = [(step.operation.value, str(step.claim), step.after) for step in self.plan.steps]
        return f"{_digest(held)}.{_digest(steps)}"


def _digest(value: object) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]


def new_users(plan: Plan) -> list[str]:
    """Internal users that the plan makes."""
    adding = (step for step in plan.steps if step.operation is Operation.ADD)
    return [step.claim.name for step in adding if step.claim.kind is Kind.USERS]


@dataclass(frozen=True, slots=True)
class Truth:
    """What should be, as the groups were when the reading began."""

    began: datetime
    desired: Desired


def read_truth(world: World, registration: Registration, kept: KeptModel) -> Truth:
    """Who is in the groups of the model now."""
    began = world.now()
    access = with_foundation(
        kept.access,
        registration,
        sample=str((kept.options.get("snapshots") or {}).get("restore_sample") or ""),
        moving=world.ledger.saved(registration.deployment, MOVING) is not None,
    )
    return Truth(began, desired(access, world.identity(registration).members(access.grants)))


def compare(
    world: World,
    registration: Registration,
    kept: KeptModel,
    *,
    truth: Truth | None = None,
    engine: Engine | None = None,
    held: Held | None = None,
    adopt: bool = False,
    repair: bool = True,
    late: frozenset[Claim] | None = None,
) -> Comparison:
    """What should be against what is, now. Reads ledger, and engine and identities unless they are given; changes nothing.

    `late` is what of ours may still come late, where that is known better than the ledger knows it.
    """
    truth = truth or read_truth(world, registration, kept)
    claims = world.ledger.claims(registration.domain_arn)
    mine, others = split_claims(claims, registration.deployment)
    engine = engine or world.engine(registration)
    held = engine.read() if held is None else held
    # What this engine's dialect cannot hold is a named loss, not a difference that never goes away.
    wanted, losses = holdable(truth.desired, engine.dialect)
    plan = difference(wanted, held, mine, others, repair=repair, adopt=adopt)
    late = mine & (mine.late_at(truth.began) if late is None else late)
    released = tuple(claim for claim in plan.release_only if claim not in late)
    return Comparison(
        truth.began, wanted, held, replace(plan, losses=losses, release_only=released), mine, others, late
    )


def apply_model(
    world: World,
    registration: Registration,
    kept: KeptModel,
    cause: Cause,
    *,
    adopt: bool = False,
    operation: str = "apply",
    expected: str = "",
) -> Outcome:
    """Bring the engine to what the model asks for. The caller holds the lease.

    A model that is not the ledger's yet is kept there once it is known to lock nobody out, and before the first write.
    `expected` is the digest of a saved plan. Raises Refused if the engine moved since that plan was made, if the end state would
    lock somebody out who must not be, or if the engine will not take it; Conflict if others kept writing in between through all
    attempts; Unreachable if the engine stays silent, Shut if the deployment is not open all the while (what was begun is settled by
    the next run).
    """
    is_open = WhileOpen.of(world, registration.deployment)
    engine = world.engine(registration)
    before = text_in_ledger(world, registration.deployment)
    undertaking = starting(world, cause, operation, before=before, after=kept.text)
    is_kept, writes, silences, first = not undertaking.model_after, 0, 0, None
    truth, late = read_truth(world, registration, kept), None
    end_what_leavers_hold(world, registration, kept.options, cause)
    for attempt in range(_ATTEMPTS):
        now = compare(world, registration, kept, truth=truth, engine=engine, adopt=adopt, late=late)
        late = now.late
        is_open.still()
        if first is None:
            first = now
            settle(world, registration, now.held, kept.options)  # what an earlier run began and could not finish
            _refuse_moved(now, expected)
        if not now.plan.empty:
            refuse_lock_out(world, registration, now.held, now.simulated(), now.desired, cause)
        sent = added(now.plan)
        try:
            if not now.plan.empty or not is_kept or now.plan.claim_only:
                undertaking = undertaking.going_on(now.plan, now.held, now.mine)
                still_ours(world, registration)
                begin(world, registration, undertaking)
            claims = now.claims_after() if now.plan.empty else now.plan.claims_before(now.mine)
            kept_claims = keep_claims(world, registration, now.mine, claims, late=late | sent)
            if not is_kept:
                version = version_in_ledger(world, registration.deployment)
                kept = world.ledger.keep_model(registration.deployment, replace(kept, version=version))
                is_kept = True
            if not now.plan.empty:
                secrets = passwords(world, registration, kept, new_users(now.plan))
                with in_doubt_if_silent(world, registration):
                    for kind, operations in quickest(patches(now.plan, now.held, secrets)):
                        still_ours(world, registration)
                        writes += send(engine, kind, operations, now.held)
                is_open.still()
                keep_claims(world, registration, kept_claims, now.claims_after(), late=late)
        except Overtaken:
            raise
        except Conflict:
            # Others were at work meanwhile: who is in the groups now is looked at again, too.
            wait_a_little(world, attempt)
            truth = read_truth(world, registration, kept)
        except Unreachable:
            # It may have been written all the same, or may still be: the next look tells, and what comes late is ours.
            silences += 1
            if silences > _SILENCES:
                raise
            late |= sent
            wait_a_little(world, attempt)
            truth = read_truth(world, registration, kept)
        else:
            if now.plan.empty:
                return _finish(world, registration, kept, engine, first, now, undertaking, writes)
    raise Conflict(
        f"others kept writing to {registration.domain} through {_ATTEMPTS} attempts; nothing of theirs was overwritten"
    )


def still_ours(world: World, registration: Registration) -> None:
    """Right before a write: the lease lasts from now on. Overtaken if somebody else has it."""
    world.ledger.renew(registration.domain_arn)


def added(plan: Plan) -> frozenset[Claim]:
    """What the engine would hold and did not, should the plan's writes come late."""
    return frozenset(step.claim for step in plan.steps if step.operation is Operation.ADD)


def send(engine: Engine, kind: Kind, operations: Sequence[Json], held: Held) -> bool:
    """One PATCH, computed from `held`. Conflict if a mapping that it changes by position moved since.

    An appended entry can overwrite nothing. One that is taken out is taken out by its place in the list, and the engine has no
    operation that would fail if somebody put another one before it: so the mapping is read once more, right before.
    """
    if kind is Kind.MAPPINGS and not all(operation["path"].endswith("/-") for operation in operations):
        now = engine.read([Kind.MAPPINGS])
        moved = {parts(o["path"])[0] for o in operations if not o["path"].endswith("/-")}
        for role in sorted(moved):
            if now.get(Kind.MAPPINGS, role) != held.get(Kind.MAPPINGS, role):
                raise Conflict(f"the mapping of {role} changed meanwhile")
    return engine.patch(kind, operations)


def wait_a_little(world: World, attempt: int) -> None:
    """Longer each time, and never as long as somebody else's."""
    longest = min(_FIRST_WAIT_SECONDS * 2**attempt, _LONGEST_WAIT_SECONDS)
    world.sleep(random.uniform(0, longest))  # noqa: S311 - jitter, no secret


def split_claims(claims: Mapping[str, Claims], owner: str) -> tuple[Claims, frozenset[Claim]]:
    """Ours, and those of all others on the same domain."""
    others = (theirs for name, theirs in claims.items() if name != owner)
    return claims.get(owner, Claims()), frozenset().union(*others)


def keep_claims(
    world: World,
    registration: Registration,
    before: Claims,
    after: Collection[Claim],
    *,
    late: frozenset[Claim] = frozenset(),
) -> Claims:
    """Keep these in place of those of `before`, unless they are the same. Conflict if somebody kept others meanwhile.

    `late` is what of them a write may still bring about: for a while it stays claimed, whatever is seen. What was late already
    stays so for as long as it was to.
    """
    until = before.until
    if late and (until is None or not late <= before.late):
        until = world.now() + _LATE
    now = before.becoming(after, late=late, until=until)
    if (now, now.late, now.until) == (before, before.late, before.until):
        return before
    still_ours(world, registration)
    return world.ledger.keep_claims(registration.domain_arn, registration.deployment, now)


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


def refuse_lock_out(
    world: World, registration: Registration, held: Held, sequence: Patches, wanted: Desired, cause: Cause
) -> None:
    """Refuse patches on whose way somebody who must not be is locked out. An old danger does not stop its own repair."""
    dangers = guard_plan(held, sequence, keepers(registration), wanted)
    refusals = [str(danger) for danger in dangers if danger.refuses]
    if not refusals:
        return
    told = "; ".join(refusals)
    world.alerts.tell(
        Alert(
            name="lock-out-refused",
            deployment=registration.deployment,
            severity="critical",
            happened=f"a change would have locked out somebody who must not be: {told}",
            done="nothing was written",
            next=f"look at the plan: portcullis plan {registration.deployment}",
            runbook="drift",
            detail={"cause": cause.what, "actor": cause.actor},
        )
    )
    raise Refused(f"refused: {told}")


def _finish(
    world: World,
    registration: Registration,
    kept: KeptModel,
    engine: Engine,
    first: Comparison,
    last: Comparison,
    ours: Undertaking,
    writes: int,
) -> Outcome:
    """The engine holds what it should, seen by reading it again, and by asking as whom we can be. What was done goes into the history;
    what was read is covered."""
    settle(world, registration, last.held, kept.options, ours=ours, writes=writes)
    see_in_effect(world, registration, engine, last.held)
    plan = replace(last.plan, steps=first.plan.steps)
    world.ledger.raise_watermark(registration.deployment, last.began)
    asked = ask_subjects(world, registration, kept, engine, first.held, last.held) if writes else ()
    status = 1 if any(one.lacks or one.keeps for one in asked) else 0
    return Outcome(registration.deployment, "applied" if writes else "unchanged", plan, writes, asked, status)
