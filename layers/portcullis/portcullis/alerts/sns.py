"""What is told: a message a person can act on (SNS), and the same as an event for other tools (our own EventBridge bus)."""

from __future__ import annotations

import json
from typing import Any

from portcullis.operations.ports import Alert

_SUBJECT_CHARACTERS = 100  # SNS refuses longer ones


class SnsAlerts:
    """The Alerts protocol. Either of `topic` (ARN) and `bus` (name) may be empty: then that way is not used."""

    def __init__(self, sns: Any, events: Any, *, topic: str, bus: str) -> None:
        self._sns, self._events, self._topic, self._bus = sns, events, topic, bus

    def tell(self, alert: Alert) -> None:
        if self._topic:
            attributes = {"severity": alert.severity, "alert": alert.name, "deployment": alert.deployment or "-"}
            self._sns.publish(
                TopicArn=self._topic,
                Subject=subject(alert),
                Message=text(alert),
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                },
            )
        if self._bus:
            detail = {
                "alert": alert.name,
                "deployment": alert.deployment,
                "severity": alert.severity,
                "happened": alert.happened,
                "done": alert.done,
                "next": alert.next,
                "runbook": alert.runbook,
                **alert.detail,
            }
            entry = {
                "EventBusName": self._bus,
                "Source": "portcullis",
                "DetailType": "Portcullis Alert",
                "Detail": json.dumps(detail, default=str),
            }
            self._events.put_events(Entries=[entry])


def subject(alert: Alert) -> str:
    """One line of printable ASCII, as SNS asks."""
    line = f"[{alert.severity}] {alert.deployment}: {alert.name}"
    return "".join(c if 31 < ord(c) < 127 else "?" for c in line)[:_SUBJECT_CHARACTERS]


def text(alert: Alert) -> str:
    """The alert as it reads at 3 a.m."""
    lines = [
        f"What happened: {alert.happened}",
        f"What was done: {alert.done}",
        f"What to do:    {alert.next}",
    ]
    if alert.runbook:
        lines.append(f"Runbook:       runbooks/{alert.runbook}.md")
    lines += [f"  {name}: {value}" for name, value in alert.detail.items()]
    return "\n".join(lines)
