"""Reminders: a look at a key that no event will bring about, and that the sweep would bring about late."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from portcullis.operations.services import Services
from portcullis.operations.slots import Slot

log = logging.getLogger(__name__)
_LONGEST = timedelta(minutes=15)  # that SQS keeps a message back; what is due later is reminded of once more then
_WAITING = Slot("reminder", datetime)  # when the one on its way is due
_AS_SOON = timedelta(seconds=1)


def remind(services: Services, deployment: str, after: timedelta) -> None:
    """Have the deployment's key looked at `after` so long. One that is on its way and due as soon will do.

    Nothing depends on it but how soon: what cannot be sent is left to the sweep.
    """
    now = services.now()
    due = now + min(after, _LONGEST)
    waiting = _WAITING.saved(services.ledger, deployment)
    if waiting is not None and now < waiting <= due + _AS_SOON:
        return
    try:
        services.later(written(deployment), max(1, round((due - now).total_seconds())))
    except Exception as error:
        log.warning("no reminder of %s: the sweep looks at it: %s: %s", deployment, type(error).__name__, error)
        return
    _WAITING.save(services.ledger, deployment, due)


def written(deployment: str) -> str:
    """A reminder as it stands in the queue."""
    return json.dumps({"reminder": deployment})


@dataclass(frozen=True, slots=True)
class Postponed:
    """A message that could not be handled yet: the event as it came, whose it is, and how often it was tried."""

    event: str
    deployment: str
    tries: int


def postponed(event: str, deployment: str, tries: int) -> str:
    """Such a message as it stands among the reminders, where no other waits behind it."""
    return json.dumps({"event": event, "deployment": deployment, "tries": tries})


def postponed_of(record: Mapping[str, Any]) -> Postponed | None:
    """The message that waits in an SQS record; None for a reminder, or what is none of ours."""
    try:
        held = json.loads(record["body"])
        return Postponed(str(held["event"]), str(held["deployment"]), int(held["tries"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def is_reminder(record: Mapping[str, Any]) -> bool:
    """Whether an SQS record (a dictionary) is one of ours. Every event comes in its deployment's message group; these have none."""
    return "MessageGroupId" not in record["attributes"]


def reminded_of(record: Mapping[str, Any]) -> str:
    """The deployment that a reminder names. ValueError, KeyError or TypeError for a text that is not ours."""
    return str(json.loads(record["body"])["reminder"])
