"""A deployment's access is changed only while it is open, from the first look to the last word in the ledger.

A lock does not wait for whoever is changing access. What he read while it shut the mappings tells nothing of who is mapped; what he took
out after it had put the mappings aside comes back with them. So a claim is given up only if the mappings were never shut meanwhile.

`unlocking`: what follows the groups goes on already once an unlock has put the mappings back, behind the walls that still stand; a
person's change of the model waits for the end of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from portcullis.custody.machine import maybe_in_effect
from portcullis.custody.types import Custody, Measure, State
from portcullis.errors import Conflict, Shut
from portcullis.operations.services import Services

T = TypeVar("T")
_TURNS = 3  # how often a key may go and come back while one change is made


@dataclass(frozen=True, slots=True)
class WhileOpen:
    """The time since which the mappings of a deployment have been as its model and its groups have them."""

    services: Services
    deployment: str
    custody: Custody  # as it was then: each lock begins a save before it shuts anything
    unlocking: bool

    @classmethod
    def of(cls, services: Services, deployment: str, *, unlocking: bool = False) -> WhileOpen:
        """From now on. Raises Shut if access is not to be changed."""
        custody = services.ledger.custody(deployment)
        if not _is_open(custody, unlocking=unlocking):
            until = (
                "there is no access to change"
                if custody.state is State.DELETED
                else "access is not changed until it is open"
            )
            raise Shut(f"{deployment} is {custody.state.value}: {until}")
        return cls(services, deployment, custody, unlocking)

    def still(self) -> None:
        """Raises Shut if it was shut since, though it may be open again."""
        now = WhileOpen.of(self.services, self.deployment, unlocking=self.unlocking)
        if now.custody.saves != self.custody.saves:
            raise Shut(f"{self.deployment} was locked meanwhile, and is open again: try again")


def _is_open(custody: Custody, *, unlocking: bool) -> bool:
    if custody.state is State.UNLOCKING:
        return unlocking and not maybe_in_effect(custody, Measure.SHUT_MAPPINGS)
    return custody.state is State.OPEN


def unless_shut(services: Services, deployment: str, change: Callable[[], T], *, unlocking: bool = False) -> T | None:
    """What `change` gives, once more if the deployment was shut and opened in the midst of it; None if it is not open.

    Raises Conflict if that goes on.
    """
    for _ in range(_TURNS):
        try:
            return change()
        except Shut:
            if not _is_open(services.ledger.custody(deployment), unlocking=unlocking):
                return None
    raise Conflict(f"{deployment} was locked and opened {_TURNS} times while its access was changed: try again")
