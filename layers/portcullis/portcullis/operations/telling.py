"""Telling the same thing once."""

from __future__ import annotations

from portcullis.operations.services import Services
from portcullis.ports.alerts import Alert


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
