"""The dead-letter queues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portcullis.clients import our_errors

_REASON_CHARACTERS = 1000


class SqsDeadLetters:
    """The DeadLetters protocol. `queues`: "identity" and "key" -> URL of the dead-letter queue."""

    def __init__(self, sqs: Any, queues: Mapping[str, str]) -> None:
        self._sqs, self._queues = sqs, queues

    def bury(self, queue: str, body: str, group: str, reason: str) -> None:
        printable = "".join(
            c if c.isprintable() else " " for c in reason[:_REASON_CHARACTERS]
        )  # SQS refuses the others
        attributes = {"reason": {"DataType": "String", "StringValue": printable.strip() or "-"}}
        self._sqs.send_message(
            QueueUrl=self._queues[queue], MessageBody=body, MessageGroupId=group, MessageAttributes=attributes
        )

    def waiting(self, queue: str) -> int:
        return int(self._attribute(queue, "ApproximateNumberOfMessages"))

    def redrive(self, queue: str) -> str:
        waiting = self.waiting(queue)
        if not waiting:
            return "nothing lies there"
        arn = self._attribute(queue, "QueueArn")
        # Told where to: SQS knows the origin only of what it moved here itself, not of what was buried.
        with our_errors(f"the dead letters of the {queue} queue could not be moved back"):
            self._sqs.start_message_move_task(SourceArn=arn, DestinationArn=arn.replace("-dead.fifo", ".fifo"))
        return f"about {waiting} messages are on their way back"

    def _attribute(self, queue: str, name: str) -> str:
        with our_errors(f"the dead letters of the {queue} queue could not be looked at"):
            answer = self._sqs.get_queue_attributes(QueueUrl=self._queues[queue], AttributeNames=[name])
        return str(answer["Attributes"][name])
