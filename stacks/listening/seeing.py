"""What the automation sees by: the rules that hear of whoever makes us blind, and what has to be there, as it is deployed.

Each is written down as `portcullis.watch.eyes.Eye` is read: kind, name, Region where it is another, and what it must have.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, cast

from aws_cdk import Duration, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from portcullis.signals.types import ACCOUNT

from stacks import names
from stacks.listening import patterns
from stacks.listening.queues import delivery_conditions

Eyes = list[dict[str, Any]]


def listen(stack: Stack, queue: sqs.Queue, undelivered: sqs.Queue) -> Eyes:
    """The rules. What concerns the account is one message group of its own."""
    found = patterns.eyes(f"{names.PREFIX}-")
    for name, pattern in found.items():
        events.CfnRule(
            stack,
            f"Rule-{name}",
            name=f"{names.PREFIX}-{name}",
            description="Portcullis: somebody may have shut our eyes",
            event_pattern=pattern,
            state="ENABLED",
            targets=[
                events.CfnRule.TargetProperty(
                    id="eyes",
                    arn=queue.queue_arn,
                    sqs_parameters=events.CfnRule.SqsParametersProperty(message_group_id=ACCOUNT),
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=undelivered.queue_arn),
                )
            ],
        )
    wants = {"state": "ENABLED", "target": queue.queue_arn, "group": ACCOUNT, "dead": undelivered.queue_arn}
    return [
        {"kind": "rule", "name": f"{names.PREFIX}-{name}", "wants": {**wants, "pattern": pattern}}
        for name, pattern in found.items()
    ]


def functions(of: Mapping[str, lambda_.Function], made_of: Mapping[str, Any]) -> Eyes:
    """Which deployment each comes from, by a digest of what it is made of. What AWS makes of that is not named here: a reference to what is
    another one with each release (a layer's version) would keep the stack that has it from being updated."""
    return [
        {
            "kind": "function",
            "name": names.function(name),
            "wants": {
                "role": function.role.role_arn if function.role else "",
                "deployed": _digest(function, made_of[name]),
            },
        }
        for name, function in of.items()
    ]


def _digest(function: lambda_.Function, made_of: Any) -> str:
    resource = cast(lambda_.CfnFunction, function.node.default_child)
    runs = [resource.runtime, resource.timeout, resource.memory_size, resource.vpc_config]
    said = Stack.of(function).resolve([resource.code, resource.handler, made_of, runs])
    return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def readers(of: Iterable[tuple[sqs.Queue, str]]) -> Eyes:
    """Queues and the functions that read them."""
    return [
        {
            "kind": "reader",
            "name": f"of {queue.queue_name}",
            "wants": {"function": names.function(function), "queue": queue.queue_arn},
        }
        for queue, function in of
    ]


def queues(taking: Iterable[sqs.Queue], others: Iterable[sqs.Queue]) -> Eyes:
    """Those that take events, and those that do not."""
    return [
        *(
            {
                "kind": "queue",
                "name": one.queue_name,
                "wants": {"takes": "events", "conditions": delivery_conditions(Stack.of(one)), **_as_made(one)},
            }
            for one in taking
        ),
        *({"kind": "queue", "name": queue.queue_name, "wants": _as_made(queue)} for queue in others),
    ]


def _as_made(queue: sqs.Queue) -> dict[str, Any]:
    """What becomes of what fails, and for how long what is being handled is hidden: whoever dies then holds up the others so long."""
    after, resource = queue.dead_letter_queue, cast(sqs.CfnQueue, queue.node.default_child)
    return {
        "dead": [after.max_receive_count, after.queue.queue_arn] if after else [],
        "hidden": resource.visibility_timeout or 30,
    }


def topic(of: sns.Topic, told: Sequence[str]) -> Eyes:
    wants = {"arn": of.topic_arn, "told": sorted(set(told)), "alarms": True}
    return [{"kind": "topic", "name": of.topic_name, "wants": wants}]


def ledger(of: dynamodb.Table, forgets_by: str) -> Eyes:
    """What is remembered. `forgets_by`: the attribute of its time to live."""
    return [{"kind": "table", "name": of.table_name, "wants": {"forgets_by": forgets_by}}]


def schedule(minutes: int, function: lambda_.Function) -> Eyes:
    wants = {
        "state": "ENABLED",
        "schedule": events.Schedule.rate(Duration.minutes(minutes)).expression_string,
        "target": function.function_arn,
    }
    return [{"kind": "rule", "name": f"{names.PREFIX}-sweep", "wants": wants}]
