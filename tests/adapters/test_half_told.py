"""Given one way that is shut, when an alert is told again, then the other one hears each alert once."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from portcullis.adapters.alerts.half_told import HalfTold
from portcullis.adapters.alerts.sns import SnsAlerts
from portcullis.errors import Unreachable
from portcullis.ports.alerts import Alert

from tests.operations.ledgers import Memory

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
OPENED = Alert("lock-opened", "demo", "critical", "somebody undid it", "b", "c", detail={"at": "12:00"})


@dataclass
class Bus:
    heard: list[Any] = field(default_factory=list)

    def put_events(self, Entries: list[Any]) -> dict[str, int]:  # noqa: N803 - as boto3 calls it
        self.heard += Entries
        return {"FailedEntryCount": 0}


class ShutTopic:
    def publish(self, **_: Any) -> None:
        raise Unreachable("the topic refuses it")


def test_what_happens_again_in_the_same_words_is_heard_though_the_topic_is_shut() -> None:
    bus, ledger = Bus(), Memory()
    alerts = SnsAlerts(ShutTopic(), bus, topic="t", bus="b", half_told=HalfTold(ledger, lambda: NOON))
    for alert in (OPENED, OPENED, replace(OPENED, detail={"at": "12:30"}), OPENED):
        with suppress(Unreachable):
            alerts.tell(alert)
    assert len(bus.heard) == 2
