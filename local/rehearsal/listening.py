"""Somebody who is subscribed to the topic of the alerts, and shows each as it would arrive in a mail."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

Tell = Callable[[str], object]
_WAIT_S = 1


class Subscriber:
    """Within `with`: each alert is told, subject first."""

    def __init__(self, client: Callable[[str], Any], topic: str, name: str, tell: Tell) -> None:
        self._sqs, self._sns, self._tell = client("sqs"), client("sns"), tell
        self._topic, self._name = topic, name
        self._over = threading.Event()
        self._listens = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Subscriber:
        self._queue = self._sqs.create_queue(QueueName=self._name)["QueueUrl"]
        asked = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        arn = asked["Attributes"]["QueueArn"]
        allowed = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": self._topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        self._sqs.set_queue_attributes(QueueUrl=self._queue, Attributes={"Policy": policy})
        self._subscription = self._sns.subscribe(
            TopicArn=self._topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True
        )["SubscriptionArn"]
        self._listens.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._over.set()
        self._listens.join()
        self.hear()
        self._sns.unsubscribe(SubscriptionArn=self._subscription)
        self._sqs.delete_queue(QueueUrl=self._queue)

    def hear(self) -> None:
        """Tell what has arrived."""
        while messages := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                arrived = json.loads(message["Body"])
                self._tell(f"alert: {arrived.get('Subject', '')}")
                for line in str(arrived["Message"]).splitlines():
                    self._tell(f"  {line}".rstrip())
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])

    def _listen(self) -> None:
        while not self._over.wait(_WAIT_S):
            try:
                self.hear()
            except (
                BotoCoreError,
                ClientError,
            ) as error:  # the account went away: whoever plays it is told by their own calls
                self._tell(f"the alerts cannot be heard: {error}")
                return
