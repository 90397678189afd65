"""Telling the same thing once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from portcullis.errors import PortcullisError
from portcullis.operations.services import Services, Trigger
from portcullis.ports.alerts import Alert

log = logging.getLogger(__name__)


def told(name: str) -> str:
    """Under what the ledger keeps that the alert of this name was told."""
    return f"told#{name}"


def tell_once(services: Services, alert: Alert, about: str) -> bool:
    """Tell an alert unless the same was told last; returns whether it was."""
    name = told(alert.name)
    if services.ledger.saved(alert.deployment, name) == about:
        return False
    services.alerts.tell(alert)
    services.ledger.save(alert.deployment, name, about)
    return True


def over(services: Services, deployment: str, name: str) -> None:
    """What the alert of this name told is over: the next one is told again."""
    if services.ledger.saved(deployment, told(name)) is not None:
        services.ledger.forget(deployment, told(name))


def untold(name: str) -> str:
    """Under what the ledger keeps what was told last of what stands under this name, until that is told."""
    return f"untold#{name}"


def keep_and_tell(
    services: Services,
    deployment: str,
    name: str,
    before: Mapping[str, Any],
    now: Mapping[str, Any],
    cause: Trigger,
    tell: Callable[[Mapping[str, Any]], None],
) -> None:
    """What was kept under `name` is another now: kept, and then told with what was told last.

    Kept first: where nobody can be told, as what tells is what was shut, `status` says it all the same. What could not be told is told by
    the next look. Raises what telling raised only if the `cause` is an event, which then comes again.
    """
    waiting: Mapping[str, Any] | None = services.ledger.saved(deployment, untold(name))
    if now == before and waiting is None:
        return
    last = before if waiting is None else waiting
    if waiting is None:
        services.ledger.save(deployment, untold(name), before)
    if now != before:
        services.ledger.save(deployment, name, now)
    try:
        if now != last:
            tell(last)
    except PortcullisError as error:
        if cause.at:
            raise
        log.warning("what changed of %s could not be told yet: %s", deployment, error)
    else:
        services.ledger.forget(deployment, untold(name))
