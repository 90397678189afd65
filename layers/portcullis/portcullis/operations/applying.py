"""From model to engine: read, compare, guard, write down, write, read again. The one road by which access is ever changed."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from portcullis.access.config import Held
from portcullis.access.desired import Desired, desired
from portcullis.access.difference import difference
from portcullis.access.guard import guard_plan
from portcullis.access.patch import apply_patch, patches
from portcullis.access.plan import Claim, Plan
from portcullis.errors import Conflict, Refused
from portcullis.operations.foundation import keepers, with_foundation
from portcullis.operations.ports import Alert, Change, Engine, KeptModel, Registration
from portcullis.operations.world import Cause, World

_ATTEMPTS = 8
_FIRST_WAIT_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done. `status`: unchanged | applied | waiting (the deployment is not open: done at unlock)."""

    deployment: str
    status: str
    plan: Plan = field(default_factory=Plan)
    writes: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """One look at both sides."""

    began: datetime
    desired: Desired
    held: Held
    plan: Plan
    mine: frozenset[Claim]
    others: frozenset[Claim]

    def after(self) -> Held:
        """What the engine would hold once the plan is applied."""
        held = self.held
        for kind, operations in patches(self.plan, held):
            held = apply_patch(held, kind, operations)
        return held


def compare(
    world: World,
    registration: Registration,
    kept: KeptModel,
    *,
    engine: Engine | None = None,
    adopt: bool = False,
    repair: bool = True,
) -> Comparison:
    """What should be against what is, now. Reads identities, ledger and engine; changes nothing."""
    began = world.now()
    access = with_foundation(kept.access, registration)
    members = world.identity(registration).members(access.grants)
    claims = world.ledger.claims(registration.domain_arn)
    mine, others = _split(claims, registration.deployment)
    held = (engine or world.engine(registration)).read()
    wanted = desired(access, members)
    plan = difference(wanted, held, mine, others, repair=repair, adopt=adopt)
    return Comparison(began, wanted, held, plan, mine, others)


def apply_model(
    world: World, registration: Registration, kept: KeptModel, cause: Cause, *, adopt: bool = False
) -> Outcome:
    """Bring the engine to what the model asks for. The caller holds the lease.

    Raises Refused if the end state would lock somebody out who must not be, or if the engine will not take it;
    Conflict if others kept writing in between through all attempts.
    """
    engine = world.engine(registration)
    writes, first = 0, None
    for attempt in range(_ATTEMPTS):
        now = compare(world, registration, kept, engine=engine, adopt=adopt)
        first = first or now
        if now.plan.empty:
            _keep_claims(world, registration, now.mine, now.plan.claims_after(now.mine))
            return _finish(world, registration, cause, first, now, writes)
        _refuse_lock_out(world, registration, now, cause)
        _keep_claims(world, registration, now.mine, now.plan.claims_before(now.mine))
        try:
            for kind, operations in patches(now.plan, now.held):
                writes += engine.patch(kind, operations)
        except Conflict:
            time.sleep(random.uniform(0, _FIRST_WAIT_SECONDS * 2**attempt))  # noqa: S311 - jitter, no secret
            continue
        _keep_claims(world, registration, now.plan.claims_before(now.mine), now.plan.claims_after(now.mine))
    raise Conflict(
        f"others kept writing to {registration.domain} through {_ATTEMPTS} attempts; nothing of theirs was overwritten"
    )


def _split(claims: Mapping[str, frozenset[Claim]], owner: str) -> tuple[frozenset[Claim], frozenset[Claim]]:
    others = (theirs for name, theirs in claims.items() if name != owner)
    return claims.get(owner, frozenset()), frozenset().union(*others)


def _keep_claims(world: World, registration: Registration, before: frozenset[Claim], after: frozenset[Claim]) -> None:
    if after != before:
        world.ledger.keep_claims(registration.domain_arn, registration.deployment, after)


def _refuse_lock_out(world: World, registration: Registration, now: Comparison, cause: Cause) -> None:
    """Refuse a plan on whose way somebody who must not be is locked out. An old danger does not stop its own repair."""
    dangers = guard_plan(now.held, patches(now.plan, now.held), keepers(registration), now.desired)
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
            detail={"cause": cause.what, "actor": cause.actor},
        )
    )
    raise Refused(f"refused: {told}")


def _finish(
    world: World, registration: Registration, cause: Cause, first: Comparison, last: Comparison, writes: int
) -> Outcome:
    """The engine holds what it should, seen by reading it again. What was done goes into the history; what was read is covered."""
    plan = replace(last.plan, steps=first.plan.steps)
    status = "applied" if writes else "unchanged"
    if writes:
        lines = [f"{step.operation.value} {step.claim} because {step.because}" for step in first.plan.steps]
        world.ledger.record(
            Change(
                deployment=registration.deployment,
                at=world.now(),
                operation="apply",
                cause=cause.what,
                actor=cause.actor,
                summary=f"{len(lines)} changes in {writes} writes",
                before=[step.before for step in first.plan.steps],
                after=lines,
            )
        )
    world.ledger.raise_watermark(registration.deployment, last.began)
    return Outcome(registration.deployment, status, plan, writes)
