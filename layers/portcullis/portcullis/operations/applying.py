"""From model to engine: read, compare, guard, write down, write, read again. The one road by which access is ever changed."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from portcullis.access import Danger, apply_patch, desired, difference, patches
from portcullis.access import guard as dangers_of
from portcullis.access.config import Held
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
    plan: Plan = Plan()
    writes: int = 0
    began: datetime | None = None  # when the reading of the truth began that this outcome rests on


@dataclass(frozen=True, slots=True)
class Comparison:
    """One look at both sides."""

    began: datetime
    held: Held
    plan: Plan
    mine: frozenset[Claim]


def compare(
    world: World, registration: Registration, kept: KeptModel, *, engine: Engine | None = None, adopt: bool = False, repair: bool = True
) -> Comparison:
    """What should be against what is, now. Reads identities, ledger and engine; changes nothing."""
    began = world.now()
    access = with_foundation(kept.access, registration)
    members = world.identity(registration).members(access.grants)
    claims = world.ledger.claims(registration.domain_arn)
    mine, others = _split(claims, registration.deployment)
    held = (engine or world.engine(registration)).read()
    plan = difference(desired(access, members), held, mine, others, repair=repair, adopt=adopt)
    return Comparison(began, held, plan, mine)


def apply_model(world: World, registration: Registration, kept: KeptModel, cause: Cause, *, adopt: bool = False) -> Outcome:
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
    raise Conflict(f"others kept writing to {registration.domain} through {_ATTEMPTS} attempts; nothing of theirs was overwritten")


def _split(claims: Mapping[str, frozenset[Claim]], owner: str) -> tuple[frozenset[Claim], frozenset[Claim]]:
    others = (theirs for name, theirs in claims.items() if name != owner)
    return claims.get(owner, frozenset()), frozenset().union(*others)


def _keep_claims(world: World, registration: Registration, before: frozenset[Claim], after: frozenset[Claim]) -> None:
    if after != before:
        world.ledger.keep_claims(registration.domain_arn, registration.deployment, after)


def _refuse_lock_out(world: World, registration: Registration, now: Comparison, cause: Cause) -> None:
    """Refuse a plan whose end state is dangerous where the state now is not: an old danger must not stop its own repair."""
    keep = keepers(registration)
    after = now.held
    for kind, operations in patches(now.plan, now.held):
        after = apply_patch(after, kind, operations)
    fresh = set(dangers_of(after, keep)) - set(dangers_of(now.held, keep))
    if not fresh:
        return
    told = "; ".join(sorted(str(danger) for danger in fresh))
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
    """The engine holds what it should, seen by reading it again. What was done goes into the history."""
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
    return Outcome(registration.deployment, status, plan, writes, last.began)


__all__ = ["Comparison", "Danger", "Outcome", "apply_model", "compare"]
