"""Where an incident is played, and what one is."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from portcullis.adapters.ledger.dynamo import DynamoLedger

from local.people import until

DEPLOYMENT = "demo"


class Stand(Protocol):
    """Where an incident is played: an account with the deployment `demo`, and everything that somebody may do there."""

    @property
    def place(self) -> str:
        """One of `pages.PLACES`."""

    @property
    def key(self) -> str:
        """The id of the deployment's key."""

    @property
    def ledger(self) -> str:
        """The name of its table."""

    def client(self, service: str) -> Any:
        """boto3's, as the owner of the account."""

    def engine(self, method: str, path: str, body: Any = None) -> Any:
        """The answer of the engine to its administrator: of a cluster, to whoever runs it. RuntimeError if it refuses."""

    def portcullis(self, *words: str) -> tuple[int, str]:
        """The command as it is installed: exit status, and what both streams show."""


Played = Callable[[Stand], AbstractContextManager[None]]


@dataclass(frozen=True)
class Incident:
    """`happens` says to people what is done. `played` begins it, and puts back what is left of it."""

    happens: str
    played: Played


def state(stand: Stand) -> str:
    """open, locking, locked, unlocking."""
    shown: list[dict[str, Any]] = json.loads(stand.portcullis("list", "--json")[1])
    return next(str(one["state"]) for one in shown if one["deployment"] == DEPLOYMENT)


def until_it_is(stand: Stand, wanted: str) -> None:
    """Asks the ledger: a process and a function at every look would hold up what is waited for."""
    ledger = ledger_of(stand)
    until(lambda: ledger.custody(DEPLOYMENT).state.value == wanted, what=f"{DEPLOYMENT} is {wanted}")


def ledger_of(stand: Stand) -> DynamoLedger:
    return DynamoLedger(stand.client("dynamodb"), stand.ledger)


def done(stand: Stand, *words: str) -> None:
    """A line of the command that has to succeed. RuntimeError with what it said."""
    status, said = stand.portcullis(*words)
    if status:
        raise RuntimeError(f"portcullis {' '.join(words)}: exit {status}: {said}")
