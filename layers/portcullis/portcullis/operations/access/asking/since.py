"""Since when somebody has something, and by whose doing, as the history tells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice

from portcullis.access.plan import Operation
from portcullis.access.questions.answers import Reason
from portcullis.ports.ledger import Change
from portcullis.words import in_data

LONGEST_HISTORY = 500  # entries that are looked through


class Since:
    """Since when something is so, by the history: read from the latest back, and no further than needed."""

    def __init__(self, history: Iterable[Change]) -> None:
        self._history = islice(history, LONGEST_HISTORY)
        self._found: dict[str, Change] = {}

    def look_for(self, claims: set[str]) -> None:
        missing = claims - self._found.keys()
        while missing and (change := next(self._history, None)) is not None:
            for step in change.touched:
                claim = str(step.claim)
                if step.operation != Operation.REMOVE and claim in missing:
                    self._found[claim] = change
                    missing.discard(claim)

    def told(self, reason: Reason, claim: str) -> Reason:
        change = self._found.get(claim)
        if change is None:
            return reason
        return replace(reason, since=in_data(change.at), event=change.cause, by=change.actor)
