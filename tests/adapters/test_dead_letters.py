"""The dead-letter queues of the emulated SQS."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from portcullis.adapters.queues.sqs import SqsDeadLetters
from portcullis.errors import Refused, Unreachable

from local.aws.emulator import Credentials, Emulator

pytestmark = pytest.mark.aws


@dataclass
class Queues:
    aws: Emulator
    source: str
    dead: str

    @property
    def letters(self) -> SqsDeadLetters:
        return SqsDeadLetters(self.aws.client("sqs"), {"identity": self.dead})

    def lying(self, queue: str) -> list[dict[str, Any]]:
        found = self.aws.client("sqs").receive_message(
            QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"], AttributeNames=["All"]
        )
        return list(found.get("Messages", []))


@pytest.fixture
def queues(calm: Emulator, name: str) -> Queues:
    sqs, fifo = calm.client("sqs"), {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    dead = sqs.create_queue(QueueName=f"{name}-dead.fifo", Attributes=fifo)["QueueUrl"]
    arn = f"arn:aws:sqs:{calm.region}:{calm.account}:{name}-dead.fifo"
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    source = sqs.create_queue(
        QueueName=f"{name}.fifo", Attributes={**fifo, "RedrivePolicy": redrive, "VisibilityTimeout": "0"}
    )["QueueUrl"]
    return Queues(calm, source, dead)


def test_what_is_buried_lies_there_whole_with_its_reason(queues: Queues) -> None:
    body = json.dumps({"detail": {"eventName": "ä 日本 \U0001f600", "n": [1, None]}})
    queues.letters.bury("identity", body, "demo", "it lacks detail.eventSource")
    assert queues.letters.waiting("identity") == 1
    [letter] = queues.lying(queues.dead)
    assert letter["Body"] == body
    assert letter["Attributes"]["MessageGroupId"] == "demo"
    assert letter["MessageAttributes"]["reason"]["StringValue"] == "it lacks detail.eventSource"


@pytest.mark.parametrize(
    ("reason", "kept"),
    [("", "-"), ("\u0000\u0001", "-"), ("a\u0000b", "a b"), ("x" * 5000, "x" * 1000)],
    ids=["empty", "unprintable", "partly", "long"],
)
def test_any_reason_can_be_sent(queues: Queues, reason: str, kept: str) -> None:
    queues.letters.bury("identity", "{}", "demo", reason)
    [letter] = queues.lying(queues.dead)
    assert letter["MessageAttributes"]["reason"]["StringValue"] == kept


def test_nothing_waits_where_nothing_lies(queues: Queues) -> None:
    assert queues.letters.waiting("identity") == 0
    assert queues.letters.redrive("identity") == "nothing lies there"


def test_a_redrive_sends_failed_and_buried_messages_back_to_their_queue(queues: Queues) -> None:
    """Both kinds go back: what the queue gave up after its tries, and what was buried at once."""
    sqs = queues.aws.client("sqs")
    sqs.send_message(QueueUrl=queues.source, MessageBody='"failed"', MessageGroupId="demo")
    queues.lying(queues.source)  # its one try
    queues.lying(queues.source)  # moved away now
    queues.letters.bury("identity", '"buried"', "demo", "unreadable")
    assert queues.letters.waiting("identity") == 2
    assert queues.letters.redrive("identity") == "about 2 messages are on their way back"
    found = {letter["Body"] for letter in queues.lying(queues.source)}
    assert found == {'"failed"', '"buried"'}
    assert queues.letters.waiting("identity") == 0


def test_a_redrive_without_a_destination_fails_for_buried_messages(queues: Queues) -> None:
    """Why `redrive` names the destination: so the emulated SQS answers as the real one."""
    queues.aws.client("sqs").send_message(QueueUrl=queues.dead, MessageBody="x", MessageGroupId="demo")
    arn = f"arn:aws:sqs:{queues.aws.region}:{queues.aws.account}:{queues.dead.rpartition('/')[2]}"
    sqs = queues.aws.client("sqs")
    sqs.start_message_move_task(SourceArn=arn)
    [task] = sqs.list_message_move_tasks(SourceArn=arn)["Results"]
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    assert queues.letters.waiting("identity") == 1
    with pytest.raises(sqs.exceptions.ClientError, match="Dead Letter Queue"):
        sqs.start_message_move_task(SourceArn=arn.replace("-dead", ""))


@pytest.mark.parametrize(
    ("may", "missing"),
    [((), "sqs:GetQueueAttributes"), (("sqs:GetQueueAttributes",), "sqs:StartMessageMoveTask")],
)
def test_whoever_may_not_move_letters_is_told_which_right_it_takes(
    queues: Queues, person: Callable[..., Credentials], may: tuple[str, ...], missing: str
) -> None:
    queues.letters.bury("identity", "{}", "demo", "unreadable")
    few = SqsDeadLetters(queues.aws.client("sqs", credentials=person(*may)), {"identity": queues.dead})
    with pytest.raises(Refused, match=f"dead letters of the identity queue .* {missing}"):
        few.redrive("identity")
    assert queues.letters.waiting("identity") == 1


def test_a_silent_queue_is_unreachable(queues: Queues) -> None:
    queues.aws.admin("fault", actions=["sqs:GetQueueAttributes"], kind="throttle")
    with pytest.raises(Unreachable, match="could not be looked at"):
        queues.letters.waiting("identity")
