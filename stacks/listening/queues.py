"""The queues of the automation: events on their way to a function, what could not be handled, and reminders."""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs

from stacks import names

# Tries before a message is a dead letter, by queue: two to three minutes of them. The functions make the pauses between them grow; those of
# the identity queue stay short, as whoever leaves waits behind what fails, and each try reads who is in which group and covers all of them.
RECEIVES = {"identity": 12, "key": 6}


def delivered_to(scope: Stack, name: str, *, fifo: bool = False, **properties: Any) -> sqs.Queue:
    """A queue that the rules of this account may deliver to."""
    queue = _queue(scope, name, fifo=fifo, **properties)
    queue.add_to_resource_policy(
        iam.PolicyStatement(
            sid="RulesDeliver",
            principals=[iam.ServicePrincipal("events.amazonaws.com")],
            actions=["sqs:SendMessage"],
            resources=[queue.queue_arn],
            conditions=delivery_conditions(scope),
        )
    )
    return queue


def delivery_conditions(scope: Stack) -> dict[str, dict[str, str]]:
    """On which a rule may deliver."""
    rules = scope.format_arn(service="events", resource="rule", resource_name=f"{names.PREFIX}-*")
    return {"StringEquals": {"aws:SourceAccount": scope.account}, "ArnLike": {"aws:SourceArn": rules}}


def of_events(scope: Stack, concern: str, dead_letters: sqs.Queue, *, seconds: int) -> sqs.Queue:
    """What a function that may take `seconds` reacts to, a deployment's events one after another."""
    return delivered_to(
        scope,
        concern,
        fifo=True,
        # As long as a try may take, and no longer: what fails holds up its own deployment until it is seen again.
        visibility_timeout=Duration.seconds(seconds + 15),
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=RECEIVES[concern]),
    )


def of_reminders(scope: Stack, *, seconds: int) -> sqs.Queue:
    """Each is to be seen after a time of its own, which a FIFO queue does not offer. A reminder that is lost is made up for by the
    sweep; an event that waits among them (of a use of break-glass, say) is told by nothing else, so that it is kept as long as any."""
    return _queue(scope, "reminders", visibility_timeout=Duration.seconds(seconds + 15))


def _queue(scope: Stack, name: str, *, fifo: bool = False, **properties: Any) -> sqs.Queue:
    return sqs.Queue(
        scope,
        f"Queue-{name}",
        queue_name=f"{names.PREFIX}-{name}" + ".fifo" * fifo,
        fifo=True if fifo else None,
        content_based_deduplication=True if fifo else None,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=Duration.days(14),
        **properties,
    )
