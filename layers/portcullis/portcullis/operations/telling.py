"""Telling the same thing once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from portcullis import words
from portcullis.errors import PortcullisError, Unreachable
from portcullis.operations.services import Services, Trigger
from portcullis.operations.slots import Slot
from portcullis.ports.alerts import HALF_TOLD, Alert

log = logging.getLogger(__name__)
# No more of what is kept is begun with then: where nobody answers, each alert takes half a minute.
_LONGEST = timedelta(minutes=1)
_PATIENCE = 5  # seconds that whoever tells what is kept waits for another who does


def told(name: str) -> str:
    """Under what the ledger keeps that the alert of this name was told."""
    return f"told#{name}"


def kind_of(error: Exception) -> str:
    """What a failure is told once by: not its words, which may hold a time, but the rights that are missing among them. Whoever gives one
    back is told of the next."""
    return " ".join([type(error).__name__, *words.denied_actions(error)])


def tell_once(services: Services, alert: Alert, about: str) -> bool:
    """Tell an alert unless the same was told last; returns whether it was."""
    if was_told(services, alert, about):
        return False
    tell_and_remember(services, alert, about)
    return True


def was_told(services: Services, alert: Alert, about: str) -> bool:
    """Whether the same was told last."""
    return bool(services.ledger.saved(alert.deployment, told(alert.name)) == about)


def tell_and_remember(services: Services, alert: Alert, about: str) -> None:
    services.alerts.tell(alert)
    services.ledger.save(alert.deployment, told(alert.name), about)


def over(services: Services, deployment: str, name: str) -> None:
    """What the alert of this name told is over: the next one is told again."""
    if services.ledger.saved(deployment, told(name)) is not None:
        services.ledger.forget(deployment, told(name))


TO_TELL = Slot("to-tell", list[Alert])
STILL_TO_TELL = (TO_TELL.name, HALF_TOLD)  # what of it waits in the ledger
_MOST_KEPT = 20  # alerts of a deployment


def keep_to_tell(services: Services, alert: Alert, *, instead_of: Alert | None = None) -> None:
    """Have this told by whoever tells next, the sweep at the latest: before what it tells of is done, where no later look finds a trace."""
    others = {alert.happened} | ({instead_of.happened} if instead_of else set())

    def with_it(kept: list[Alert] | None) -> list[Alert]:
        return [*(one for one in kept or () if one.happened not in others), alert][-_MOST_KEPT:]

    TO_TELL.change(services.ledger, alert.deployment, with_it)


def keep_no_more(services: Services, alert: Alert) -> None:
    """It was told, or there is nothing to tell."""
    TO_TELL.change(services.ledger, alert.deployment, lambda kept: [one for one in kept or () if one != alert] or None)


def tell_or_keep(services: Services, alert: Alert, *, instead_of: Alert | None = None) -> None:
    """Tell what no later look finds again: kept first, so that whoever dies in between, or finds that nobody can be told, leaves it to the
    next who tells. `status` says it until then."""
    try:
        keep_to_tell(services, alert, instead_of=instead_of)
    except PortcullisError as error:  # told all the same: that nothing can be kept is no reason to be silent
        log.warning("%s of %s could not be kept to be told: %s", alert.name, alert.deployment, error)
        with or_later(alert.name, alert.deployment):
            services.alerts.tell(alert)
        return
    with or_later(alert.name, alert.deployment):
        tell_kept(services, alert.deployment, only=alert)


def tell_once_or_keep(services: Services, alert: Alert, about: str) -> bool:
    """As `tell_once`, of what no later look finds again."""
    if was_told(services, alert, about):
        return False
    tell_or_keep(services, alert)
    services.ledger.save(alert.deployment, told(alert.name), about)
    return True


def waiting(services: Services, deployment: str) -> list[Alert]:
    """What was kept to be told later."""
    return TO_TELL.saved(services.ledger, deployment) or []


def tell_kept(services: Services, deployment: str, *, only: Alert | None = None) -> None:
    """What is kept to be told. What still cannot be keeps back no other, since one of the two ways may be open: raised in the end.
    `only`: this one, of whoever has something else to do; where nobody answers, each takes long.

    One tells at a time, so that each is told once. It is kept until it was told: should we die in between, better twice than never.
    Raises Unreachable, too, where somebody else is telling it.
    """
    if not waiting(services, deployment):
        return
    stay: list[Alert] = []
    failures: list[PortcullisError] = []

    def meant(one: Alert) -> bool:
        return one not in stay and (only is None or one.happened == only.happened)

    teller = f"alerts of {deployment}"
    with services.ledger.lease(teller, "tell", wait=_PATIENCE) as ours:
        if not ours:
            raise Unreachable(f"what was kept to be told of {deployment} is being told by others")
        began = services.now()
        while alert := next((one for one in waiting(services, deployment) if meant(one)), None):
            if services.now() - began > _LONGEST:
                # Whoever sweeps has other deployments to look at.
                failures.append(
                    Unreachable(f"what was kept to be told of {deployment} takes long: the next look goes on")
                )
                break
            services.ledger.renew(teller)
            try:
                services.alerts.tell(alert)
            except PortcullisError as error:
                stay.append(alert)
                failures.append(error)
            else:
                keep_no_more(services, alert)
    if failures:
        raise failures[0]


def not_told_yet(services: Services, deployment: str) -> str:
    """What waits to be told, as the end of what a verb answers; empty if nothing does. What was asked for is done all the same."""
    names = [told.name.value for told in services.ledger.custody(deployment).outbox]
    names += [alert.name for alert in waiting(services, deployment)]
    return f"; {words.not_told_yet(deployment, names)}" if names else ""


@contextmanager
def or_later(what: str, deployment: str) -> Iterator[None]:
    """What cannot be told now holds up nothing: the next look tells it."""
    try:
        yield
    except PortcullisError as error:
        log.warning("%s of %s could not be told yet: %s", what, deployment, error)


def untold(slot: Slot[dict[str, Any]]) -> Slot[dict[str, Any]]:
    """Where the ledger keeps what was told last of what stands in this slot, until that is told."""
    return Slot(f"untold#{slot.name}", slot.kind)


def keep_and_tell(
    services: Services,
    deployment: str,
    slot: Slot[dict[str, Any]],
    before: dict[str, Any],
    now: dict[str, Any],
    cause: Trigger,
    tell: Callable[[Mapping[str, Any]], None],
) -> None:
    """What was kept in `slot` is another now: kept, and then told with what was told last.

    Kept first: where nobody can be told, as what tells is what was shut, `status` says it all the same. What could not be told is told by
    the next look. Raises what telling raised only if the `cause` is an event, which then comes again.
    """
    ledger, last_told = services.ledger, untold(slot)
    waiting = last_told.saved(ledger, deployment)
    if now == before and waiting is None:
        return
    last = before if waiting is None else waiting
    if waiting is None:
        last_told.save(ledger, deployment, before)
    if now != before:
        slot.save(ledger, deployment, now)
    try:
        if now != last:
            tell(last)
    except PortcullisError as error:
        if cause.at:
            raise
        log.warning("what changed of %s could not be told yet: %s", deployment, error)
    else:
        last_told.forget(ledger, deployment)
