"""Which alerts one way took and the other did not: whoever tells one again, at every look, is to be heard there once."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

from portcullis.errors import PortcullisError
from portcullis.ports.alerts import HALF_TOLD, Alert
from portcullis.ports.ledger import Ledger

log = logging.getLogger(__name__)
_MOST = 50  # of a deployment
# Whoever has told nothing for so long tells something new, though in the same words: twice the longest time between two sweeps.
_GOOD_FOR = timedelta(hours=2)


class HalfTold:
    """Kept in the ledger, as the next look may be another process'. Where that does not answer, an alert is told once more."""

    def __init__(self, ledger: Ledger, now: Callable[[], datetime]) -> None:
        self._ledger, self._now = ledger, now

    def took(self, alert: Alert) -> frozenset[str]:
        """The ways that took this alert already, while the other one did not."""
        try:
            kept = self._still_good(self._ledger.saved(alert.deployment, HALF_TOLD))
        except PortcullisError as error:
            log.warning("how far alerts were told is not known: %s", error)
            return frozenset()
        return frozenset(kept.get(_called(alert), [()])[0])

    def keep(self, alert: Alert, ways: Collection[str]) -> None:
        """These took it. None: it is told on all of them, and the next one is another."""

        def with_this(saved: Any | None) -> dict[str, Any] | None:
            kept = self._still_good(saved)
            kept.pop(_called(alert), None)
            if ways:
                kept[_called(alert)] = [sorted(ways), self._now().isoformat()]
            return dict(list(kept.items())[-_MOST:]) or None

        try:
            self._ledger.change(alert.deployment, HALF_TOLD, with_this)
        except PortcullisError as error:
            log.warning("how far the alert %s was told is not written down: %s", alert.name, error)

    def _still_good(self, saved: Any | None) -> dict[str, Any]:
        oldest = self._now() - _GOOD_FOR
        return {one: [ways, at] for one, (ways, at) in (saved or {}).items() if datetime.fromisoformat(at) > oldest}


def _called(alert: Alert) -> str:
    """Also by its detail, which holds the moment or the event: what happens again in the same words is another one."""
    said = (alert.name, alert.severity, alert.happened, alert.done, alert.detail)
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:32]
