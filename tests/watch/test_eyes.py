"""Given what is there of what we see by, then it is said to see, or why it does not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from portcullis.watch.eyes import Eye, EyeKind, blind

HOME, IAM = "eu-central-1", "us-east-1"
ALL = {"ReadWriteType": "All", "IncludeManagementEvents": True, "ExcludeManagementEventSources": []}


def trail(**how: Any) -> dict[str, Any]:
    whole = {"region": HOME, "all_regions": True, "global": True, "logging": True, "selectors": [ALL], "advanced": []}
    return {**whole, **how}


def advanced(*parts: dict[str, Any]) -> dict[str, Any]:
    of_management = {"Field": "eventCategory", "Equals": ["Management"]}
    return {"selectors": [], "advanced": [{"FieldSelectors": [of_management, *parts]}]}


SEES = {
    "as deployed": [trail()],
    "one of two, the other is stopped": [trail(logging=False), trail()],
    "one a Region": [trail(all_regions=False), trail(all_regions=False, region=IAM)],
    "advanced selectors, everything": [trail(**advanced())],
    "without RDS' data calls": [trail(**advanced({"Field": "eventSource", "NotEquals": ["rdsdata.amazonaws.com"]}))],
    "what writes and what reads, apart": [
        trail(**advanced({"Field": "readOnly", "Equals": ["false"]})),
        trail(**advanced({"Field": "readOnly", "Equals": ["true"]})),
    ],
    "read by one, written by the other": [
        trail(selectors=[{**ALL, "ReadWriteType": "ReadOnly"}]),
        trail(selectors=[{**ALL, "ReadWriteType": "WriteOnly"}]),
    ],
}
BLIND: dict[str, tuple[list[dict[str, Any]], str]] = {
    "no trail": ([], "calls that change something in eu-central-1, us-east-1"),
    "stopped": ([trail(logging=False)], "calls that change something"),
    "one Region": ([trail(all_regions=False)], "calls that change something in us-east-1"),
    "another Region": ([trail(all_regions=False, region="eu-west-1")], "calls that change something in eu-central-1"),
    "without global services": ([trail(**{"global": False})], "in us-east-1"),
    "no management events": ([trail(selectors=[{**ALL, "IncludeManagementEvents": False}])], "change something"),
    "KMS left out": ([trail(selectors=[{**ALL, "ExcludeManagementEventSources": ["kms.amazonaws.com"]}])], "to keys"),
    "reads left out": ([trail(selectors=[{**ALL, "ReadWriteType": "WriteOnly"}])], "the taking of break-glass"),
    "writes left out": ([trail(selectors=[{**ALL, "ReadWriteType": "ReadOnly"}])], "calls that change something"),
    "advanced, without KMS": (
        [trail(**advanced({"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]}))],
        "to keys",
    ),
    "advanced, only what writes": (
        [trail(**advanced({"Field": "readOnly", "Equals": ["false"]}))],
        "the taking of break-glass",
    ),
    "advanced, but not what somebody does": (
        [trail(**advanced({"Field": "userIdentity.arn", "NotEquals": ["arn:aws:iam::1:user/eve"]}))],
        "change something",
    ),
    "advanced, but not one service": (
        [trail(**advanced({"Field": "eventSource", "NotEquals": ["iam.amazonaws.com"]}))],
        "change something",
    ),
    "advanced, data events alone": (
        [
            trail(
                selectors=[], advanced=[{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}]}]
            )
        ],
        "change something",
    ),
}  # fmt: skip


@pytest.mark.parametrize("trails", SEES.values(), ids=SEES)
def test_trails_that_record_what_we_have_to_hear_are_enough(trails: list[dict[str, Any]]) -> None:
    assert blind(Eye(EyeKind.TRAIL, "any", HOME), {"trails": trails}) == ""


@pytest.mark.parametrize(("trails", "why"), BLIND.values(), ids=BLIND)
def test_a_trail_that_is_stopped_or_narrowed_blinds_us(trails: list[dict[str, Any]], why: str) -> None:
    assert why in blind(Eye(EyeKind.TRAIL, "any", HOME), {"trails": trails})


TARGET = "arn:aws:sqs:eu-central-1:1:portcullis-key.fifo"
PATTERN = {"source": ["aws.kms"], "detail": {"errorCode": [{"exists": False}]}}
RULE = Eye(
    EyeKind.RULE,
    "portcullis-demo-key",
    wants={"state": "ENABLED", "pattern": PATTERN, "target": TARGET, "group": "demo"},
)
AS_DEPLOYED = {
    "state": "ENABLED",
    "pattern": json.dumps(PATTERN, indent=1),
    "schedule": None,
    "targets": [{"arn": TARGET, "group": "demo", "changed": False}],
}
POLICY = {
    "Statement": [
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"},
    ]
}
WITHOUT = {"Statement": POLICY["Statement"][:1]}
CLOSED = {"Statement": [*POLICY["Statement"], {"Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage"}]}
TABLE = Eye(EyeKind.TABLE, "portcullis-ledger", wants={"forgets_by": "expires"})
KEEPS = {"status": "ACTIVE", "protected": True, "recovers": True, "forgets_by": "expires"}
QUEUE = Eye(EyeKind.QUEUE, "portcullis-key.fifo", wants={"takes": "events"})
TAKES = {"key": "", "policy": json.dumps(POLICY), "retention": 1_209_600}
HIDES = replace(QUEUE, wants={"takes": "events", "hidden": 315})
TOPIC = Eye(EyeKind.TOPIC, "portcullis-alerts", wants={"told": ["oncall@example.com"]})
FUNCTION = Eye(EyeKind.FUNCTION, "portcullis-sweep", wants={"role": "arn:aws:iam::1:role/portcullis-sweep"})
MADE_OF = {
    "sha256": "as deployed",
    "layers": ["arn:ours:1"],
    "handler": "handler.handler",
    "environment": {"LOG_LEVEL": "INFO"},
    "aliases": {"observe": "3"},
    "limits": ["python3.13", 60, 512, ["subnet-1"], ["sg-1"]],
    "callers": {"": [{"Effect": "Allow"}]},
}
DEPLOYED = replace(FUNCTION, wants={**FUNCTION.wants, "made_of": MADE_OF})
RUNS = {"state": "Active", "role": "arn:aws:iam::1:role/portcullis-sweep", "reserved": None}
ALARMS = Eye(EyeKind.ALARMS, "of the automation", wants={"names": ["a", "b"], "told": "topic"})
TELLS = {"enabled": True, "actions": ["topic"]}
READER = Eye(EyeKind.READER, "of portcullis-key.fifo", wants={"function": "portcullis-key-guard"})
READS = {"function": "portcullis-key-guard", "state": "Enabled", "filters": False, "reports_failures": True}
EVES = {**READS, "function": "eves"}
BUS, RELAY = "arn:aws:events:eu-central-1:1:event-bus/default", "arn:aws:iam::1:role/portcullis-relay"
RELAYED = Eye(EyeKind.RULE, "portcullis-relay", "us-east-1", wants={"state": "ENABLED", "target": BUS, "role": RELAY})
PASSES = {"state": "ENABLED", "targets": [{"arn": BUS, "role": RELAY}]}
KEPT = replace(RULE, wants={**RULE.wants, "dead": "arn:undelivered"})
DLQ = "arn:aws:sqs:eu-central-1:1:portcullis-key-dead.fifo"
FROM_RULES = {
    "StringEquals": {"aws:SourceAccount": "1"},
    "ArnLike": {"aws:SourceArn": "arn:aws:events:eu-central-1:1:rule/portcullis-*"},
}
STRICT = Eye(EyeKind.QUEUE, QUEUE.name, wants={"takes": "events", "conditions": FROM_RULES, "dead": [6, DLQ]})


def delivered(conditions: Any = FROM_RULES, *more: dict[str, Any], **how: Any) -> dict[str, Any]:
    """The policy as the stacks deploy it, with these conditions and statements."""
    allows = {**POLICY["Statement"][1], "Condition": conditions, **how}
    text = json.dumps({"Statement": [POLICY["Statement"][0], allows, *more]})
    redrive = json.dumps({"deadLetterTargetArn": DLQ, "maxReceiveCount": 6})
    return {**TAKES, "policy": text, "redrive": redrive}


def over_tls(value: str, **how: Any) -> dict[str, Any]:
    """A denial that looks like ours."""
    return {**POLICY["Statement"][0], "Condition": {"Bool": {"aws:SecureTransport": value}}, **how}


ALARMED = {"Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"}, "Action": "sns:Publish"}
TELLING = replace(TOPIC, wants={**TOPIC.wants, "alarms": True})
TOLD = {"key": "", "confirmed": ["oncall@example.com"], "policy": json.dumps({"Statement": [ALARMED]})}
WATCHED = {"MetricName": "Invocations", "Threshold": 1, "Dimensions": {"FunctionName": "portcullis-sweep"}}
WATCHING = replace(ALARMS, wants={**ALARMS.wants, "as": {"a": WATCHED}})
PUTS = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": BUS}
BY_EVENTS = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole"}
ROLE = Eye(
    EyeKind.ROLE,
    "portcullis-relay",
    wants={"policies": {"pass-on": {"Statement": [PUTS]}}, "trust": {"Statement": [BY_EVENTS]}},
)
MAY = {
    "trust": {"Version": "2012-10-17", "Statement": {**BY_EVENTS, "Action": ["sts:AssumeRole"]}},
    "policies": {"pass-on": {"Statement": [{**PUTS, "Resource": [BUS]}]}},
    "attached": [],
    "boundary": "",
}

OURS: list[tuple[Eye, dict[str, Any] | None, str]] = [
    (RULE, AS_DEPLOYED, ""),
    (RULE, None, "is not there any more"),
    (RULE, {**AS_DEPLOYED, "state": "DISABLED"}, "is DISABLED, not ENABLED"),
    (RULE, {**AS_DEPLOYED, "targets": []}, "has no target of ours"),
    (RULE, {**AS_DEPLOYED, "targets": [{"arn": "arn:elsewhere", "group": "demo"}]}, "another target"),
    (RULE, {**AS_DEPLOYED, "targets": [{"arn": TARGET, "group": "other"}]}, "another message group"),
    (
        RULE,
        {**AS_DEPLOYED, "targets": [{"arn": TARGET, "group": "demo", "changed": True}]},
        "changes what it passes on",
    ),
    (RULE, {**AS_DEPLOYED, "pattern": '{"source": ["nobody"]}'}, "another pattern"),
    (FUNCTION, RUNS, ""),
    (FUNCTION, {**RUNS, "reserved": 1}, ""),
    (FUNCTION, {**RUNS, "state": "Inactive"}, ""),
    (FUNCTION, {**RUNS, "reserved": 0}, "reserved concurrency is 0"),
    (FUNCTION, {**RUNS, "state": "Failed"}, "cannot run"),
    (FUNCTION, {**RUNS, "role": "arn:aws:iam::1:role/other"}, "another role"),
    (FUNCTION, None, "is not there any more"),
    (DEPLOYED, {**RUNS, **MADE_OF}, ""),
    (DEPLOYED, {**RUNS, **MADE_OF, "sha256": "another"}, "runs other code than was deployed"),
    (DEPLOYED, {**RUNS, **MADE_OF, "layers": ["arn:ours:1", "arn:evil:1"]}, "has other layers"),
    (DEPLOYED, {**RUNS, **MADE_OF, "handler": "evil.handler"}, "begins elsewhere"),
    (DEPLOYED, {**RUNS, **MADE_OF, "environment": {}}, "has other settings"),
    (DEPLOYED, {**RUNS, **MADE_OF, "aliases": {"observe": "4"}}, "leads to another version"),
    (DEPLOYED, RUNS, "runs other code"),
    (DEPLOYED, {**RUNS, **MADE_OF, "limits": ["python3.13", 1, 128, [], []]}, "runs otherwise"),
    (DEPLOYED, {**RUNS, **MADE_OF, "callers": {}}, "may be called by others"),
    (RELAYED, PASSES, ""),
    (RELAYED, {**PASSES, "targets": [{"arn": BUS, "role": "arn:aws:iam::1:role/may-nothing"}]}, "as another role"),
    (KEPT, {**AS_DEPLOYED, "targets": [{"arn": TARGET, "group": "demo", "dead": "arn:undelivered"}]}, ""),
    (KEPT, AS_DEPLOYED, "keeps nothing of what it could not pass on"),
    (READER, {"mappings": [READS]}, ""),
    (READER, {"mappings": [{**READS, "state": "Disabled"}]}, "is disabled"),
    (READER, {"mappings": [{**READS, "state": "Disabling"}]}, "is disabled"),
    (READER, {"mappings": []}, "is not there any more"),
    (READER, {"mappings": [{**READS, "filters": True}]}, "it has a filter"),
    (READER, {"mappings": [{**READS, "reports_failures": False}]}, "throws away what could not be handled"),
    (READER, {"mappings": [READS, EVES]}, "shares its queue with eves"),
    (READER, {"mappings": [EVES]}, "is not there any more; shares its queue"),
    (STRICT, delivered(), ""),
    (STRICT, delivered({}), ""),
    (STRICT, delivered({**FROM_RULES, "ArnLike": {"aws:SourceArn": "arn:other"}}), "takes nothing from EventBridge"),
    (STRICT, delivered({**FROM_RULES, "DateLessThan": {"aws:CurrentTime": "2020"}}), "takes nothing from EventBridge"),
    (STRICT, delivered(FROM_RULES, over_tls("true")), "takes nothing from EventBridge"),
    (STRICT, delivered(FROM_RULES, over_tls("false", Effect="Deny")), ""),
    (STRICT, delivered(FROM_RULES, Action="sqs:ReceiveMessage"), "takes nothing from EventBridge"),
    (STRICT, delivered(FROM_RULES, Action=["SQS:*"]), ""),
    (STRICT, delivered(FROM_RULES, Principal={"Service": "sns.amazonaws.com"}), "takes nothing from EventBridge"),
    (STRICT, {**delivered(), "policy": "{not json"}, "takes nothing from EventBridge"),
    (STRICT, {**delivered(), "redrive": ""}, "does with what fails something else"),
    (
        STRICT,
        {**delivered(), "redrive": json.dumps({"deadLetterTargetArn": DLQ, "maxReceiveCount": 1})},
        "does with what fails something else",
    ),
    (HIDES, {**TAKES, "hidden": 315}, ""),
    (HIDES, {**TAKES, "hidden": 43_200}, "hides what is being handled for 43200 seconds, not 315"),
    (HIDES, {**TAKES, "hidden": 0}, "hides what is being handled for 0 seconds"),
    (STRICT, {**delivered(), "delay": 900}, "keeps back what it is given for 900 seconds"),
    (STRICT, {**delivered(), "largest": 1024}, "larger than 1024 bytes"),
    (TELLING, TOLD, ""),
    (TELLING, {**TOLD, "policy": ""}, "is told nothing by alarms"),
    (
        TELLING,
        {
            **TOLD,
            "policy": json.dumps(
                {"Statement": [ALARMED, {"Effect": "Deny", "Principal": "*", "Action": "sns:Publish"}]}
            ),
        },
        "is told nothing by alarms",
    ),
    (TELLING, {**TOLD, "filtered": ["oncall@example.com"]}, "does not tell oncall@example.com everything"),
    (TELLING, {**TOLD, "filtered": ["somebody@else"]}, ""),
    (WATCHING, {"found": {"a": {**TELLS, "as": {**WATCHED, "Threshold": 1.0}}, "b": TELLS}}, ""),
    (WATCHING, {"found": {"a": {**TELLS, "as": {**WATCHED, "Threshold": 1e9}}, "b": TELLS}}, "a watch something else"),
    (WATCHING, {"found": {"a": {**TELLS, "as": {**WATCHED, "Dimensions": {}}}, "b": TELLS}}, "a watch something else"),
    (ROLE, MAY, ""),
    (ROLE, None, "is not there any more"),
    (ROLE, {**MAY, "policies": {}}, "may do something else"),
    (
        ROLE,
        {**MAY, "policies": {**MAY["policies"], "x": {"Statement": [{**PUTS, "Effect": "Deny"}]}}},
        "something else",
    ),
    (ROLE, {**MAY, "boundary": "arn:aws:iam::1:policy/nothing"}, "may do something else"),
    (ROLE, {**MAY, "attached": ["arn:aws:iam::aws:policy/AWSDenyAll"]}, "may do something else"),
    (ROLE, {**MAY, "trust": {"Statement": []}}, "may be taken by others"),
    (QUEUE, TAKES, ""),
    (QUEUE, {**TAKES, "policy": ""}, "takes nothing from EventBridge"),
    (QUEUE, {**TAKES, "policy": json.dumps(WITHOUT)}, "takes nothing from EventBridge"),
    (QUEUE, {**TAKES, "policy": json.dumps(CLOSED)}, "takes nothing from EventBridge"),
    (QUEUE, {**TAKES, "key": "alias/theirs"}, "under a key"),
    (QUEUE, {**TAKES, "retention": 60}, "60 seconds only"),
    (QUEUE, None, "is not there any more"),
    (TOPIC, {"key": "", "confirmed": ["oncall@example.com"]}, ""),
    (TOPIC, {"key": "", "confirmed": []}, "does not reach oncall@example.com"),
    (TOPIC, {"key": "k", "confirmed": ["oncall@example.com"]}, "under a key"),
    (ALARMS, {"found": {"a": TELLS, "b": TELLS}}, ""),
    (ALARMS, {"found": {"a": TELLS}}, "b are not there any more"),
    (ALARMS, {"found": {"a": TELLS, "b": {**TELLS, "enabled": False}}}, "b tell nobody"),
    (ALARMS, {"found": {"a": TELLS, "b": {**TELLS, "actions": []}}}, "b tell nobody"),
    (TABLE, KEEPS, ""),
    (TABLE, {**KEEPS, "status": "UPDATING"}, ""),
    (TABLE, None, "is not there any more"),
    (TABLE, {**KEEPS, "status": "INACCESSIBLE_ENCRYPTION_CREDENTIALS"}, "does not answer"),
    (TABLE, {**KEEPS, "protected": False}, "deletion protection is off"),
    (TABLE, {**KEEPS, "recovers": False}, "point-in-time recovery is off"),
    (TABLE, {**KEEPS, "key": "arn:aws:kms:::key/1"}, "a key that can be taken away"),
    (TABLE, {**KEEPS, "forgets_by": ""}, "forgets nothing"),
    (TABLE, {**KEEPS, "forgets_by": "version"}, "forgets by version, not by expires"),
    (TABLE, {**KEEPS, "limited": True}, "only so many requests"),
    (TABLE, {**KEEPS, "policy": "{}"}, "a policy of its own"),
    (TABLE, {**KEEPS, "copied_to": ["a replica in eu-north-1"]}, "to a replica in eu-north-1"),
]


@pytest.mark.parametrize(("eye", "facts", "why"), OURS)
def test_what_is_ours_sees_only_as_it_was_deployed(eye: Eye, facts: dict[str, Any] | None, why: str) -> None:
    found = blind(eye, facts)
    assert (why in found) if why else not found
