"""Telling the same thing once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from portcullis.errors import PortcullisError
from portcullis.operations.services import Services, Trigger
from portcullis.operations.slots import Slot
from portcullis.ports.alerts import Alert
from portcullis.words import denied_actions

log = logging.getLogger(__name__)


def told(name: str) -> str:
    """Under what the ledger keeps that the alert of this name was told."""
    return f"told#{name}"


def kind_of(error: Exception) -> str:
    """What a failure is told once by: not its words, which may hold a time, but the rights that are missing among them. Whoever gives one
    back is told of the next."""
    return " ".join([type(error).__name__, *denied_actions(error)])


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
_MOST_KEPT = 20  # alerts of a deployment


def tell_or_keep(services: Services, alert: Alert) -> None:
    """Tell what no later look finds again. Where nobody can be told now it is kept: `status` says it, and the sweep tells it."""
    try:
        services.alerts.tell(alert)
    except PortcullisError as error:
        log.warning("%s of %s could not be told yet: %s", alert.name, alert.deployment, error)
        with or_later(alert.name, alert.deployment):
            others = [one for one in waiting(services, alert.deployment) if one.happened != alert.happened]
            TO_TELL.save(services.ledger, alert.deployment, [*others, alert][-_MOST_KEPT:])


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


def tell_kept(services: Services, deployment: str) -> None:
    """What could not be told before. What still cannot keeps back no other, since one of the two ways may be open: raised in the end."""
    failures: list[PortcullisError] = []
    for alert in waiting(services, deployment):
        try:
            services.alerts.tell(alert)
        except PortcullisError as error:
            failures.append(error)
            continue
        # Somebody may have kept another one meanwhile.
        if left := [one for one in waiting(services, deployment) if one != alert]:
            TO_TELL.save(services.ledger, deployment, left)
        else:
            TO_TELL.forget(services.ledger, deployment)
    if failures:
        raise failures[0]


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
