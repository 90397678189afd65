"""Synchronise: the role mappings say what the groups say. Level-triggered, idempotent, one writer a domain."""

from __future__ import annotations

import logging

from portcullis.errors import PortcullisError, Unreachable
from portcullis.operations import alert_table
from portcullis.operations.access.changing.applying import Done, Outcome, apply_model, keep_in_force
from portcullis.operations.access.changing.foundation import MOVING
from portcullis.operations.people.known import ABOUT_PEOPLE, PEOPLE
from portcullis.operations.people.one_role import tell_who_loses
from portcullis.operations.people.sessions import ROLE_MEMBERS
from portcullis.operations.people.token_groups import TOKEN_GROUPS
from portcullis.operations.services import Services, Site, Trigger
from portcullis.operations.telling import over, tell_once, told
from portcullis.operations.writing.in_effect import DOUBT, MAY_COME
from portcullis.operations.writing.noted import noted
from portcullis.operations.writing.outliving import KEYS_TO_NAME, OUTLIVING
from portcullis.operations.writing.standing import (
    COMING,
    OUT_OF_STEP,
    REFUSED,
    coming,
    in_step,
    out_of_step,
    tell_of_refused,
)
from portcullis.operations.writing.undertaking import SIGN_OUT, UNDERTAKEN
from portcullis.operations.writing.while_open import WhileOpen, unless_shut
from portcullis.ports.registration import KeptModel

log = logging.getLogger(__name__)
_NO = alert_table.ACCESS_REFUSED.name
# What a run asks for: in one request.
_ASKED = (
    MOVING,
    *(
        slot.name
        for slot in (
            PEOPLE,
            UNDERTAKEN,
            SIGN_OUT,
            OUTLIVING,
            KEYS_TO_NAME,
            ROLE_MEMBERS,
            TOKEN_GROUPS,
            DOUBT,
            MAY_COME,
            COMING,
            REFUSED,
            OUT_OF_STEP,
        )
    ),
    *map(told, (_NO, *ABOUT_PEOPLE)),
)


def synchronise(services: Services, deployment: str, cause: Trigger, *, short: bool = False) -> Outcome:
    """Bring one deployment to what its model and its groups ask for.

    `short`: what was changed by hand is left to the next look at everything, where what the groups touched can be told without one.
    While it is locked nothing is written: the unlock synchronises, so what happened meanwhile is not lost. Once an unlock has put the
    mappings back this does not wait for its end: whoever leaves then is out before the walls come off, or soon after.
    Raises Refused (the lock-out guard, or the engine says no), Unreachable or Conflict (try again later).
    """
    site = services.site(deployment)

    def as_it_is_now() -> tuple[Site, KeptModel, Outcome]:
        # Before the lease: whoever has nothing to do holds up nobody.
        WhileOpen.of(services, deployment, unlocking=True)
        with site.ledger.lease(site.place.id, "synchronise") as ours:
            if not ours:
                raise Unreachable(f"another writer is at work on {site.place.name}; the next try waits for it again")
            here = noted(site, _ASKED)
            # Now: whoever held the lease may have applied another one.
            if (one := coming(here)) is not None:
                try:
                    return here, one.model, apply_model(here, one.model, cause, unlocking=True)
                except Exception as error:
                    if coming(here) is not None:
                        raise  # it is neither in effect nor refused yet
                    log.warning("a model that was begun with is refused now: %s", error)
            model = here.ledger.model(deployment)
            return here, model, keep_in_force(here, model, cause, short=short)

    try:
        found = unless_shut(services, deployment, as_it_is_now, unlocking=True)
    except PortcullisError as error:
        out_of_step(services, deployment, error)
        raise
    here, model, done = found or (site, None, Outcome(deployment, Done.WAITING))
    in_step(here.services, deployment)
    if model:
        tell_who_loses(site, model.access.grants)
    tell_of_refused(here.services, deployment)
    over(here.services, deployment, _NO)
    return done


def tell_refused(services: Services, deployment: str, why: PortcullisError) -> None:
    """Access could not be brought to what stands, and will not be by trying again. Told once for the same reason."""
    alert = alert_table.ACCESS_REFUSED.of(
        deployment,
        f"access of {deployment} does not follow its groups, for a change was refused: {why}",
        detail={"why": str(why)},
    )
    tell_once(services, alert, str(why))
