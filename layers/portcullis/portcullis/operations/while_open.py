"""A deployment's access is changed only while it is open, from the first look to the last word in the ledger.

A lock does not wait for whoever is changing access. What he read while it shut the mappings tells nothing of who is mapped; what he took
out after it had put the mappings aside comes back with them. So a claim is given up only if the deployment was open all the while.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from portcullis.custody.types import State
from portcullis.errors import Conflict, Shut
from portcullis.operations.world import World

T = TypeVar("T")
_TURNS = 3  # how often a key may go and come back while one change is made


@dataclass(frozen=True, slots=True)
class WhileOpen:
    """The time since which a deployment has been open."""

    world: World
    deployment: str
    since: datetime | None  # None: never shut

    @classmethod
    def of(cls, world: World, deployment: str) -> WhileOpen:
        """From now on. Raises Shut if it is not open."""
        custody = world.ledger.custody(deployment)
        if custody.state is not State.OPEN:
            until = (
                "there is no access to change"
                if custody.state is State.DELETED
                else "access is not changed until it is open"
            )
            raise Shut(f"{deployment} is {custody.state.value}: {until}")
        return cls(world, deployment, custody.since)

    def still(self) -> None:
        """Raises Shut if it was shut since, though it may be open again."""
        if WhileOpen.of(self.world, self.deployment).since != self.since:
            raise Shut(f"{self.deployment} was locked meanwhile, and is open again: try again")


def unless_shut(world: World, deployment: str, change: Callable[[], T]) -> T | None:
    """What `change` gives, once more if the deployment was shut and opened in the midst of it; None if it is not open.

    Raises Conflict if that goes on.
    """
    for _ in range(_TURNS):
        try:
            return change()
        except Shut:
            if world.ledger.custody(deployment).state is not State.OPEN:
                return None
    raise Conflict(f"{deployment} was locked and opened {_TURNS} times while its access was changed: try again")
