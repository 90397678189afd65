"""Synchronise: the role mappings say what the groups say. Level-triggered, idempotent, one writer a domain."""

from __future__ import annotations

from portcullis.errors import Unreachable
from portcullis.operations.applying import Outcome, apply_model
from portcullis.operations.while_open import WhileOpen, unless_shut
from portcullis.operations.world import Cause, World


def synchronise(world: World, deployment: str, cause: Cause) -> Outcome:
    """Bring one deployment to what its model and its groups ask for.

    While it is not open nothing is written: the unlock synchronises, so what happened meanwhile is not lost.
    Raises Refused (the lock-out guard, or the engine says no), Unreachable or Conflict (try again later).
    """
    registration = world.ledger.registration(deployment)

    def as_it_is_now() -> Outcome:
        WhileOpen.of(world, deployment)  # before the lease: whoever has nothing to do holds up nobody
        with world.ledger.lease(registration.domain_arn, "synchronise") as ours:
            if not ours:
                raise Unreachable(
                    f"another writer is at work on {registration.domain}; the next try waits for it again"
                )
            kept = world.ledger.model(deployment)  # now: whoever held the lease may have applied another one
            return apply_model(world, registration, kept, cause)

    return unless_shut(world, deployment, as_it_is_now) or Outcome(deployment, "waiting")
