"""Lambda code as it runs here: the built layer and nothing else, its log, and queues that fail as real ones do."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from local.aws.emulator import Emulator
from local.deploy import deploy
from tests.local.assemblies import Stack, code, role, write

pytest_plugins = ["tests.fixtures_aws"]
pytestmark = pytest.mark.aws

HANDLER = """
import importlib.util, json, os, time
import boto3, shiny

def packages(event, context):
    found = {name: importlib.util.find_spec(name) is not None for name in event["names"]}
    return {"found": found, "shiny": shiny.WHERE, "for_all": os.environ.get("FOR_ALL"), "own": os.environ.get("OWN")}

def who(event, context):
    print("asked who", flush=True)
    return boto3.client("sts").get_caller_identity()["Arn"]

def denied(event, context):
    return boto3.client("iam").list_users()["Users"]

def work(event, context):
    failed = []
    for number, record in enumerate(event["Records"]):
        body = record["body"]
        print(json.dumps({"took": body, "receives": record["attributes"]["ApproximateReceiveCount"]}), flush=True)
        if body.startswith("slow"):
            time.sleep(30)
        if body.startswith("die"):
            raise RuntimeError("died of " + body)
        if body.startswith("fail"):
            return {"batchItemFailures": [{"itemIdentifier": r["messageId"]} for r in event["Records"][number:]]}
        if body.startswith("alone"):
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}
"""
VISIBILITY = 2


@pytest.fixture(scope="module")
def functions(aws: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """`functions("who")`: a deployed function; `functions("work", queue=True)`: one on a FIFO queue with dead letters."""
    folder = tmp_path_factory.mktemp("functions")
    (folder / "fn").mkdir()
    (folder / "fn" / "index.py").write_text(HANDLER)
    for layer, where in (
        ("for-lambda", "raise ImportError('built for another platform')"),
        ("for-here", "WHERE = 'host layer'"),
    ):
        (folder / layer / "python").mkdir(parents=True)
        (folder / layer / "python" / "shiny.py").write_text(where)
    made = 0

    def make(handler: str, *, queue: bool = False, timeout: int = 10, visibility: int = VISIBILITY) -> str:
        nonlocal made
        made += 1
        name = f"lambda-{made}-{handler}"
        consume = {
            "Effect": "Allow",
            "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
            "Resource": "*",
        }
        properties = {
            "FunctionName": name,
            "Runtime": "python3.12",
            "Handler": f"index.{handler}",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": code(aws.region, "fn"),
            "Layers": [{"Ref": "Layer"}],
            "Timeout": timeout,
            "Environment": {"Variables": {"OWN": name}},
        }
        resources: dict[str, Any] = {
            "Role": role(consume),
            "Layer": {"Type": "AWS::Lambda::LayerVersion", "Properties": {"Content": code(aws.region, "layer")}},
            "Fn": {"Type": "AWS::Lambda::Function", "Properties": properties},
        }
        if queue:
            resources |= _queue(name, visibility)
        assets = {"fn": folder / "fn", "layer": folder / "for-lambda"}
        out = write(folder / name, Stack(name, resources, assets=assets))
        deploy(out, aws, swap_assets={"layer": folder / "for-here"})
        return name

    return make


def _queue(name: str, visibility: int) -> dict[str, Any]:
    fifo = {"FifoQueue": True, "ContentBasedDeduplication": True}
    redrive = {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 3}
    return {
        "Dead": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": f"{name}-dead.fifo", **fifo}},
        "Queue": {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "QueueName": f"{name}.fifo",
                **fifo,
                "VisibilityTimeout": visibility,
                "RedrivePolicy": redrive,
            },
        },
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                "FunctionName": {"Ref": "Fn"},
                "BatchSize": 10,
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
            },
        },
    }


def _invoke(aws: Emulator, name: str, event: Any = None) -> tuple[str | None, Any]:
    answered = aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return answered.get("FunctionError"), json.loads(answered["Payload"].read())


def _took(aws: Emulator, name: str) -> list[tuple[str, int]]:
    log = aws.lambda_log(name)
    lines = log.read_text().splitlines() if log.exists() else []
    read = [json.loads(line) for line in lines if line.startswith('{"took"')]
    return [(line["took"], int(line["receives"])) for line in read]


def _send(aws: Emulator, name: str, *bodies: str, group: str = "one") -> None:
    """All at once, and looked for when all are there, so that they come in one batch."""
    sqs, lambdas = aws.client("sqs"), aws.client("lambda")
    (mapping,) = lambdas.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    entries = [{"Id": str(n), "MessageBody": body, "MessageGroupId": group} for n, body in enumerate(bodies)]
    sqs.send_message_batch(QueueUrl=sqs.get_queue_url(QueueName=f"{name}.fifo")["QueueUrl"], Entries=entries)
    lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


def _dead(aws: Emulator, name: str, count: int, seconds: float = 20) -> list[str]:
    sqs = aws.client("sqs")
    url = sqs.get_queue_url(QueueName=f"{name}-dead.fifo")["QueueUrl"]
    deadline, bodies = time.monotonic() + seconds, []
    while len(bodies) < count and time.monotonic() < deadline:
        for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, MaxNumberOfMessages=10).get("Messages", []):
            bodies.append(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return bodies


def _until(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.1)


def test_a_function_sees_the_runtime_and_its_layer_but_not_our_packages(
    aws: Emulator, functions: Callable[..., str]
) -> None:
    """Of the packages only those of the Lambda runtime are there."""
    name = functions("packages")
    names = [
        "boto3",
        "botocore",
        "urllib3",
        "portcullis",
        "aws_lambda_powertools",
        "opensearchpy",
        "pydantic",
        "local",
        "pytest",
    ]
    error, seen = _invoke(aws, name, {"names": names})
    assert error is None
    assert [n for n, found in seen["found"].items() if found] == ["boto3", "botocore", "urllib3"]
    assert (seen["shiny"], seen["for_all"], seen["own"]) == ("host layer", "yes", name)


def test_a_function_calls_aws_as_its_role_and_may_do_no_more(aws: Emulator, functions: Callable[..., str]) -> None:
    """A call that its role does not allow is refused, and the error says so."""
    who = functions("who")
    error, arn = _invoke(aws, who)
    assert error is None
    assert arn.startswith(f"arn:aws:sts::{aws.account}:assumed-role/")
    assert arn.endswith(f"/{who}")
    assert "asked who" in aws.lambda_log(who).read_text()
    error, failed = _invoke(aws, functions("denied"))
    assert error == "Unhandled"
    assert "AccessDenied" in failed["errorMessage"]
    assert "not authorized to perform: iam:ListUsers" in failed["errorMessage"]


def test_a_message_reported_as_failed_is_dead_after_three_tries(aws: Emulator, functions: Callable[..., str]) -> None:
    """Only that message was reported. The others of its batch are done once and are not given again."""
    name = functions("work", queue=True)
    _send(aws, name, "good 1", "alone 2", "good 3")
    assert _dead(aws, name, 1) == ["alone 2"]
    took = _took(aws, name)
    assert [receives for body, receives in took if body == "alone 2"] == [1, 2, 3]
    assert sorted(body for body, _ in took if body.startswith("good")) == ["good 1", "good 3"], (
        "what was done is not given again"
    )


def test_messages_reported_as_failed_with_an_earlier_one_are_dead_with_it(
    aws: Emulator, functions: Callable[..., str]
) -> None:
    """So it is on AWS as well: what is reported as failed was received, and receiving is what is counted."""
    name = functions("work", queue=True)
    _send(aws, name, "fail 1", "good 2")
    assert sorted(_dead(aws, name, 2)) == ["fail 1", "good 2"]
    assert _took(aws, name) == [("fail 1", 1), ("fail 1", 2), ("fail 1", 3)]


def test_a_function_that_dies_three_times_leaves_its_batch_dead(aws: Emulator, functions: Callable[..., str]) -> None:
    """The log has the error."""
    name = functions("work", queue=True)
    _send(aws, name, "die 1")
    assert _dead(aws, name, 1) == ["die 1"]
    assert [r for _, r in _took(aws, name)] == [1, 2, 3]
    assert "RuntimeError: died of die 1" in aws.lambda_log(name).read_text()


def test_the_message_of_a_function_that_timed_out_comes_again(aws: Emulator, functions: Callable[..., str]) -> None:
    """The log says that the task timed out."""
    name = functions("work", queue=True, timeout=1)
    _send(aws, name, "slow 1")
    _until(lambda: ("slow 1", 2) in _took(aws, name))
    assert "Task timed out after 1" in aws.lambda_log(name).read_text()


def test_a_group_that_keeps_failing_does_not_hold_up_another_group(
    aws: Emulator, functions: Callable[..., str]
) -> None:
    """What failed is not seen again for longer than any test waits: the other group's message comes all the same."""
    name = functions("work", queue=True, visibility=3600)
    _send(aws, name, "fail a1", group="a")
    _until(lambda: ("fail a1", 1) in _took(aws, name))
    _send(aws, name, "good b1", group="b")
    _until(lambda: ("good b1", 1) in _took(aws, name))
    assert ("fail a1", 2) not in _took(aws, name)


def test_the_same_message_sent_twice_in_five_minutes_is_taken_once(
    aws: Emulator, functions: Callable[..., str]
) -> None:
    """The queue drops the second one, because its body is the same."""
    name = functions("work", queue=True)
    _send(aws, name, "good same", "good same", "good other")
    _until(lambda: any(b == "good other" for b, _ in _took(aws, name)))
    assert [b for b, _ in _took(aws, name)].count("good same") == 1


def test_given_a_scheduled_rule_when_fired_on_demand_then_its_function_runs(
    aws: Emulator, functions: Callable[..., str], name: str
) -> None:
    function = functions("who")
    events = aws.client("events")
    arn = events.put_rule(Name=name, ScheduleExpression="rate(5 minutes)")["RuleArn"]
    target = aws.client("lambda").get_function(FunctionName=function)["Configuration"]["FunctionArn"]
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": target}])
    assert not aws.lambda_log(function).exists()
    assert aws.admin("fire", rule=name) == {"rule": arn, "targets": 1}
    _until(lambda: aws.lambda_log(function).exists() and "asked who" in aws.lambda_log(function).read_text())


def test_schedules_that_are_switched_off_never_fire_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switched on again, they do."""
    from ministack.services import eventbridge

    from local.aws import clock

    ticks: list[str] = []
    monkeypatch.setattr(eventbridge, "_tick_scheduled_rules", lambda: ticks.append("fired"))
    clock.install()
    clock.schedules(by_themselves=False)
    eventbridge._tick_scheduled_rules()
    assert ticks == []
    clock.schedules(by_themselves=True)
    eventbridge._tick_scheduled_rules()
    assert ticks == ["fired"]
