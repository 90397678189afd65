"""SQS: moving dead letters back (StartMessageMoveTask, ListMessageMoveTasks), which the emulator lacks and `redrive` needs; and `hasten`,
as tests do not wait for a clock.

As the real service: only a queue that is some other queue's dead-letter queue can be moved from. Without a destination each
message goes where SQS took it from; for one that was sent to the dead letters directly that is unknown, and the task fails
there (CouldNotDetermineMessageSource in the API reference). Here a task is over before its start is answered.
"""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from local.aws.admin import verb
from local.aws.patching import Refusal, add_operations

_tasks: dict[str, list[dict[str, Any]]] = {}


def install() -> None:
    from ministack.services import sqs

    add_operations(sqs, {"StartMessageMoveTask": start, "ListMessageMoveTasks": listed})
    _arn_of_the_source()


def start(asked: dict[str, Any]) -> dict[str, Any]:
    from ministack.services import sqs

    arn, destination = asked["SourceArn"], asked.get("DestinationArn", "")
    source = sqs._queue_by_arn(arn)
    if source is None or (destination and sqs._queue_by_arn(destination) is None):
        raise Refusal(
            "ResourceNotFoundException", "The resource that you specified for the ARN parameter doesn't exist."
        )
    if not any(_dead_letters_of(queue) == arn for queue in sqs._queues.values()):
        raise Refusal("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.")
    task = {"SourceArn": arn, "StartedTimestamp": int(time.time() * 1000), "Status": "COMPLETED"}
    task |= {"DestinationArn": destination} if destination else {}
    task["ApproximateNumberOfMessagesToMove"] = len(source["messages"])
    moved = 0
    for message in list(source["messages"]):
        home = sqs._queue_by_arn(destination or message["sys"].get("DeadLetterQueueSourceArn", ""))
        if home is None:
            task |= {"Status": "FAILED", "FailureReason": "CouldNotDetermineMessageSource"}
            break
        source["messages"].remove(message)
        fresh = {"receipt_handle": None, "receive_count": 0, "visible_at": time.time(), "enqueued_at": time.time()}
        home["messages"].append(message | fresh)
        moved += 1
    sqs.esm_wake.set()
    task["ApproximateNumberOfMessagesMoved"] = moved
    _tasks.setdefault(arn, []).insert(0, task)
    return {"TaskHandle": uuid.uuid4().hex}


def listed(asked: dict[str, Any]) -> dict[str, Any]:
    return {"Results": _tasks.get(asked["SourceArn"], [])[: int(asked.get("MaxResults", 1))]}


@verb("hasten")
def hasten(queue: str) -> dict[str, int]:
    """Messages that were sent to the queue of this name to come later come now: how many there were."""
    from ministack.services import sqs

    now, waiting = time.time(), 0
    for one in list(sqs._queues._data.values()):
        if one["name"] == queue:
            for message in one["messages"]:
                if message["receive_count"] == 0 and message["visible_at"] > now:
                    message["visible_at"] = now
                    waiting += 1
    sqs.esm_wake.set()
    return {"hastened": waiting}


def _dead_letters_of(queue: dict[str, Any]) -> str:
    policy = json.loads(queue["attributes"].get("RedrivePolicy") or "{}")
    return str(policy.get("deadLetterTargetArn", ""))


def _arn_of_the_source() -> None:
    """These two name their queue by `SourceArn`, which the emulator's enforcement of policies does not look for."""
    from ministack.core import iam_actions

    general = iam_actions.extract_resource_arn

    def extract_resource_arn(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> str:
        if service == "sqs" and headers.get("x-amz-target", "").endswith(("MessageMoveTask", "MessageMoveTasks")):
            return str(json.loads(body or b"{}").get("SourceArn", "*"))
        return general(service, method, path, headers, body, *rest)  # type: ignore[no-any-return]

    iam_actions.extract_resource_arn = extract_resource_arn
