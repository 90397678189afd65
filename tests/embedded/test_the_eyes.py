"""Somebody shuts our eyes: heard by event, told at once, and `status` says since when. With the functions' own roles, IAM enforced."""

from __future__ import annotations

import io
import json
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local.people import until
from tests.embedded.scene import Scene

pytestmark = pytest.mark.embedded

TRAIL, RULE = "portcullis-management-events", "portcullis-demo-key"
FUNCTION = "portcullis-domain-setup"
WITHOUT_KMS = {"ReadWriteType": "All", "ExcludeManagementEventSources": ["kms.amazonaws.com"]}
EVERYTHING = {"ReadWriteType": "All", "IncludeManagementEvents": True, "ExcludeManagementEventSources": []}


@contextmanager
def stopped(scene: Scene) -> Iterator[None]:
    trails = scene.aws.client("cloudtrail")
    trails.stop_logging(Name=TRAIL)
    try:
        yield
    finally:
        trails.start_logging(Name=TRAIL)


@contextmanager
def narrowed(scene: Scene) -> Iterator[None]:
    trails = scene.aws.client("cloudtrail")
    trails.put_event_selectors(TrailName=TRAIL, EventSelectors=[WITHOUT_KMS])
    try:
        yield
    finally:
        trails.put_event_selectors(TrailName=TRAIL, EventSelectors=[EVERYTHING])


@contextmanager
def disabled(scene: Scene) -> Iterator[None]:
    events = scene.aws.client("events")
    events.disable_rule(Name=RULE)
    try:
        yield
    finally:
        events.enable_rule(Name=RULE)


@contextmanager
def relay_disabled(scene: Scene) -> Iterator[None]:
    events = scene.aws.client("events", region="us-east-1")
    events.disable_rule(Name="portcullis-relay-eyes")
    try:
        yield
    finally:
        events.enable_rule(Name="portcullis-relay-eyes")


@contextmanager
def no_concurrency(scene: Scene) -> Iterator[None]:
    functions = scene.aws.client("lambda")
    functions.put_function_concurrency(FunctionName="portcullis-identity-sync", ReservedConcurrentExecutions=0)
    try:
        yield
    finally:
        functions.delete_function_concurrency(FunctionName="portcullis-identity-sync")


@contextmanager
def recoded(scene: Scene) -> Iterator[None]:
    functions = scene.aws.client("lambda")
    where = functions.get_function(FunctionName=FUNCTION)["Code"]["Location"]
    with urllib.request.urlopen(where) as answer:  # noqa: S310 (the emulated AWS, on this machine)
        deployed = answer.read()
    theirs = io.BytesIO()
    with zipfile.ZipFile(theirs, "w") as file:
        file.writestr("handler.py", "def handler(event, context):\n    return {}\n")
    functions.update_function_code(FunctionName=FUNCTION, ZipFile=theirs.getvalue())
    try:
        yield
    finally:
        functions.update_function_code(FunctionName=FUNCTION, ZipFile=deployed)


@contextmanager
def reset(scene: Scene) -> Iterator[None]:
    functions = scene.aws.client("lambda")
    deployed = functions.get_function_configuration(FunctionName=FUNCTION)["Environment"]
    theirs = {**deployed["Variables"], "PORTCULLIS_ALERT_TOPIC": "arn:aws:sns:eu-central-1:999999999999:theirs"}
    functions.update_function_configuration(FunctionName=FUNCTION, Environment={"Variables": theirs})
    try:
        yield
    finally:
        functions.update_function_configuration(FunctionName=FUNCTION, Environment=deployed)


@contextmanager
def another_way_in(scene: Scene) -> Iterator[None]:
    functions = scene.aws.client("lambda")
    deployed = functions.get_alias(FunctionName="portcullis-remove", Name="delete")["FunctionVersion"]
    functions.update_alias(FunctionName="portcullis-remove", Name="delete", FunctionVersion="$LATEST")
    try:
        yield
    finally:
        functions.update_alias(FunctionName="portcullis-remove", Name="delete", FunctionVersion=deployed)


@contextmanager
def mute_alarm(scene: Scene) -> Iterator[None]:
    alarms = scene.aws.client("cloudwatch")
    alarms.disable_alarm_actions(AlarmNames=["portcullis-sweep-missing"])
    try:
        yield
    finally:
        alarms.enable_alarm_actions(AlarmNames=["portcullis-sweep-missing"])


@contextmanager
def filtering(scene: Scene) -> Iterator[None]:
    functions = scene.aws.client("lambda")
    (mapping,) = functions.list_event_source_mappings(FunctionName="portcullis-identity-sync")["EventSourceMappings"]
    never = {"Filters": [{"Pattern": '{"body": {"never": ["this"]}}'}]}
    functions.update_event_source_mapping(UUID=mapping["UUID"], FilterCriteria=never)
    try:
        yield
    finally:
        functions.update_event_source_mapping(UUID=mapping["UUID"], FilterCriteria={"Filters": []})


@contextmanager
def delaying(scene: Scene) -> Iterator[None]:
    sqs = scene.aws.client("sqs")
    url = sqs.get_queue_url(QueueName="portcullis-identity.fifo")["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "900"})
    try:
        yield
    finally:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "0"})


@contextmanager
def another_caller(scene: Scene) -> Iterator[None]:
    functions, door = scene.aws.client("lambda"), {"FunctionName": "portcullis-operate", "Qualifier": "act"}
    functions.add_permission(**door, StatementId="eve", Action="lambda:InvokeFunction", Principal="666666666666")
    try:
        yield
    finally:
        functions.remove_permission(**door, StatementId="eve")


@contextmanager
def deaf_alarm(scene: Scene) -> Iterator[None]:
    alarms = scene.aws.client("cloudwatch")
    (is_now,) = alarms.describe_alarms(AlarmNames=["portcullis-sweep-missing"])["MetricAlarms"]
    of = ("AlarmName", "Namespace", "MetricName", "Statistic", "Period", "EvaluationPeriods", "ComparisonOperator")
    more = ("TreatMissingData", "Dimensions", "AlarmActions", "OKActions", "Threshold")
    deployed = {part: is_now[part] for part in (*of, *more)}
    alarms.put_metric_alarm(**{**deployed, "Threshold": -1})
    try:
        yield
    finally:
        alarms.put_metric_alarm(**deployed)


@contextmanager
def unprotected(scene: Scene) -> Iterator[None]:
    """As whoever wants to delete the ledger begins: nothing else takes the protection off."""
    tables = scene.aws.client("dynamodb")
    (ledger,) = [name for name in tables.list_tables()["TableNames"] if "Ledger" in name]
    tables.update_table(TableName=ledger, DeletionProtectionEnabled=False)
    try:
        yield
    finally:
        tables.update_table(TableName=ledger, DeletionProtectionEnabled=True)


SHUT: dict[str, tuple[Callable[[Scene], Any], str]] = {
    "the trail is stopped": (stopped, "no trail records"),
    "the trail leaves KMS out": (narrowed, "what is done to keys"),
    "a rule is disabled": (disabled, f"the rule {RULE} is DISABLED"),
    "a rule of the relay is disabled": (relay_disabled, "the rule portcullis-relay-eyes in us-east-1 is DISABLED"),
    "a function may not run": (no_concurrency, "reserved concurrency is 0"),
    "a function's code is replaced": (recoded, f"the function {FUNCTION} runs other code than was deployed"),
    "a function's settings are changed": (reset, f"the function {FUNCTION} has other settings"),
    "a door leads elsewhere": (
        another_way_in,
        "the function portcullis-remove has a door that leads to another version",
    ),
    "a reader throws events away": (filtering, "of portcullis-identity.fifo throws away some of what is in its queue"),
    "a queue keeps events back": (delaying, "the queue portcullis-identity.fifo keeps back what it is given for 900"),
    "somebody else may call a door": (another_caller, "the function portcullis-operate may be called by others"),
    "the ledger may be deleted": (unprotected, "its deletion protection is off"),
    "an alarm watches for nothing": (deaf_alarm, "portcullis-sweep-missing watch something else"),
    "an alarm tells nobody": (mute_alarm, "portcullis-sweep-missing tell nobody"),
}


@pytest.mark.parametrize(("shut", "words"), SHUT.values(), ids=SHUT)
def test_what_stops_us_from_seeing_is_told_and_in_status_until_it_is_over(
    scene: Scene, shut: Callable[[Scene], Any], words: str
) -> None:
    """A trail, a rule, a function or an alarm is switched off. Status says since when, and it is told when that is over."""
    assert scene.cast.operate("status", deployment="demo")["blind"] == []
    with shut(scene):
        until(lambda: bool(scene.told("eyes-shut")), what="it is told", within=30)
        assert words in scene.told("eyes-shut")[-1]["happened"]
        (line,) = scene.cast.operate("status", deployment="demo")["blind"]
        assert words in line
        assert line.startswith("since 20")
    until(lambda: bool(scene.told("eyes-open")), what="that it is over is told", within=30)
    assert scene.cast.operate("status", deployment="demo")["blind"] == []


def test_what_no_event_told_the_sweep_finds_and_tells_once(scene: Scene) -> None:
    events = scene.aws.client("events")
    scene.aws.admin("weather", lose=True, names=["RemoveTargets"])
    (target,) = events.list_targets_by_rule(Rule="portcullis-demo-identity")["Targets"]
    events.remove_targets(Rule="portcullis-demo-identity", Ids=[target["Id"]])
    scene.swept()
    scene.swept()
    (told,) = scene.told("eyes-shut")
    assert "the rule portcullis-demo-identity has no target of ours" in told["happened"]
    scene.aws.admin("mend")
    events.put_targets(Rule="portcullis-demo-identity", Targets=[target])
    scene.swept()
    assert scene.told("eyes-open")
    assert scene.cast.operate("eyes")["exit_status"] == 0


def test_a_relay_that_may_pass_nothing_on_is_found_by_the_sweep(scene: Scene) -> None:
    """Its rules are there and enabled; what IAM's Region tells never arrives, that somebody did this among it."""
    iam, of = scene.aws.client("iam", region="us-east-1"), {"RoleName": "portcullis-relay", "PolicyName": "pass-on"}
    may = iam.get_role_policy(**of)["PolicyDocument"]
    iam.delete_role_policy(**of)
    scene.swept()
    assert "the role portcullis-relay in us-east-1 may do something else" in scene.told("eyes-shut")[-1]["happened"]
    iam.put_role_policy(**of, PolicyDocument=json.dumps(may))
    scene.swept()
    assert scene.told("eyes-open")
