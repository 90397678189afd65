"""Synchronise: the role mappings say what the groups say. Level-triggered, idempotent, one writer a domain."""

from __future__ import annotations

import logging

from portcullis.errors import Conflict, PortcullisError, Shut, Unreachable
from portcullis.operations import alert_table
from portcullis.operations.access.applying import Outcome, apply_model
from portcullis.operations.people.one_role import tell_who_loses
from portcullis.operations.services import Services, Trigger
from portcullis.operations.telling import over, tell_once
from portcullis.operations.writing.standing import coming, in_step, out_of_step, tell_of_refused
from portcullis.operations.writing.while_open import WhileOpen, unless_shut

log = logging.getLogger(__name__)


def synchronise(services: Services, deployment: str, cause: Trigger) -> Outcome:
    """Bring one deployment to what its model and its groups ask for.

    While it is locked nothing is written: the unlock synchronises, so what happened meanwhile is not lost. Once an unlock has put the
    mappings back this does not wait for its end: whoever leaves then is out before the walls come off, or soon after.
    Raises Refused (the lock-out guard, or the engine says no), Unreachable or Conflict (try again later).
    """
    site = services.site(deployment)

    def as_it_is_now() -> Outcome:
        WhileOpen.of(
            services, deployment, unlocking=True
        )  # before the lease: whoever has nothing to do holds up nobody
        with site.ledger.lease(site.place.id, "synchronise") as ours:
            if not ours:
                raise Unreachable(f"another writer is at work on {site.place.name}; the next try waits for it again")
            # Now: whoever held the lease may have applied another one.
            if (one := coming(site)) is not None:
                try:
                    return apply_model(site, one.model, cause, unlocking=True)
                except (Conflict, Shut):
                    raise
                except Exception as error:
                    if coming(site) is not None:
                        raise  # it is neither in effect nor refused yet
                    log.warning("a model that was begun with is refused now: %s", error)
            return apply_model(site, site.ledger.model(deployment), cause, unlocking=True)

    try:
        done = unless_shut(services, deployment, as_it_is_now, unlocking=True) or Outcome(deployment, "waiting")
    except PortcullisError as error:
        out_of_step(services, deployment, error)
        raise
    in_step(services, deployment)
    if done.status != "waiting":
        tell_who_loses(site, site.ledger.model(deployment).access.grants)
    tell_of_refused(services, deployment)
    over(services, deployment, "access-refused")
    return done


def tell_refused(services: Services, deployment: str, why: PortcullisError) -> None:
    """Access could not be brought to what stands, and will not be by trying again. Told once for the same reason."""
    alert = alert_table.ACCESS_REFUSED.of(
        deployment,
        f"access of {deployment} does not follow its groups, for a change was refused: {why}",
        detail={"why": str(why)[:1000]},
    )
    tell_once(services, alert, str(why)[:500])
