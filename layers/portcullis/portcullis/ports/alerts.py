"""What is told, and how it reads at 3 a.m."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

HALF_TOLD = "half-told"  # of a deployment in the ledger: alert -> the ways that took it, and when it was told last


@dataclass(frozen=True, slots=True)
class Alert:
    """What is told, and how it reads at 3 a.m."""

    name: str  # locked, unlocked, key-unreachable, drift, dead-letter, lock-out-refused, break-glass ...
    deployment: str
    severity: str  # info, warning, critical
    happened: str  # what happened, to what, since when, by whom
    done: str  # what was done about it
    next: str  # what to do, and how to check it
    runbook: str = ""  # page name in runbooks/
    detail: dict[str, Any] = field(default_factory=dict)
    about: str = "gate"  # the part of the deployment's page that shows it; or "person=NAME", as `of_person` makes it


def of_person(name: str) -> str:
    """The part of the page that shows this person, as `Alert.about` has it."""
    return f"person={quote(name, safe='')}"


class Alerts(Protocol):
    def tell(self, alert: Alert) -> None: ...
