"""Catches what arrives on a bus, for tests to look at."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

OWN = ("aws.events", "aws.sqs")  # what the catching itself makes known: rules, targets, queues


@dataclass
class Bus:
    """What arrives on the default bus of a Region, caught in a queue."""

    client: Any
    queue: str
    seen: list[dict[str, Any]] = field(default_factory=list)

    def wait(self, wanted: Callable[[dict[str, Any]], bool], seconds: float = 5.0) -> dict[str, Any]:
        """The first event that is wanted; fails if none came."""
        deadline = time.monotonic() + seconds
        while True:
            for event in self.seen:
                if wanted(event):
                    return event
            if time.monotonic() > deadline:
                pytest.fail(f"no such event came; there were {[self._shown(e) for e in self.seen]}")
            self._receive()

    def named(self, event_name: str, **parameters: str) -> dict[str, Any]:
        """The first CloudTrail event of this call, with these request parameters."""

        def wanted(event: dict[str, Any]) -> bool:
            asked = event["detail"].get("requestParameters") or {}
            return event["detail"].get("eventName") == event_name and parameters.items() <= asked.items()

        return self.wait(wanted)

    def all(self, seconds: float = 0.7) -> list[dict[str, Any]]:
        """Everything that came, after giving what is on its way some time."""
        time.sleep(seconds)
        while self._receive(wait=0):
            pass
        return self.seen

    def _receive(self, wait: int = 1) -> int:
        got = self.client.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=wait).get(
            "Messages", []
        )
        for message in got:
            event = json.loads(message["Body"])
            if event["source"] not in OWN:
                self.seen.append(event)
            self.client.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return len(got)

    @staticmethod
    def _shown(event: dict[str, Any]) -> str:
        return str(event["detail"].get("eventName") or event["detail-type"])
