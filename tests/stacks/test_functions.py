"""Given what is synthesised, then the functions find everything they ask their environment for, and run as they should."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import PathDistribution
from pathlib import Path
from typing import Any

import pytest
from portcullis.entry.operate import LEVELS
from portcullis.entry.verbs import VERBS
from portcullis.ports.registration import AmazonDomain, Cognito, Key, Network, Registration, SnapshotStore
from portcullis.settings import Settings

from layers import build
from stacks import names
from stacks.runbooks import RUNBOOKS
from tests.stacks.assembly import Synthesised, listed

AUTOMATION = f"{names.PREFIX}-automation"


@pytest.fixture
def functions(demo: Synthesised) -> dict[str, dict[str, Any]]:
    found = demo.resources("AWS::Lambda::Function", AUTOMATION).values()
    return {function["Properties"]["FunctionName"]: function["Properties"] for function in found}


@pytest.mark.parametrize("name", names.FUNCTIONS)
def test_every_setting_is_given(functions: dict[str, dict[str, Any]], name: str) -> None:
    given = functions[names.function(name)]["Environment"]["Variables"]
    settings = Settings.from_environment(
        {key: value if isinstance(value, str) else "token" for key, value in given.items()}
    )
    not_ours = {"may_delete"}  # a right that one function alone is given
    not_theirs = {"keystores", "keystore_tool"}  # of nodes: no function reaches them
    not_asked_for = {"report_bucket", "page_minutes", "page_door", "link_minutes"}  # tests/stacks/test_pages.py has it
    others = not_ours | not_theirs | not_asked_for
    empty = [field for field in Settings.__dataclass_fields__ if not getattr(settings, field) and field not in others]
    assert not empty
    assert given["POWERTOOLS_SERVICE_NAME"] == name
    assert given["POWERTOOLS_METRICS_NAMESPACE"] == "Portcullis"
    assert given["LOG_LEVEL"] == "INFO"


@pytest.mark.parametrize("name", names.FUNCTIONS)
def test_each_runs_on_arm64_traced_in_the_private_subnets(functions: dict[str, dict[str, Any]], name: str) -> None:
    function = functions[names.function(name)]
    assert function["Architectures"] == ["arm64"]
    assert function["TracingConfig"] == {"Mode": "Active"}
    assert function["VpcConfig"]["SecurityGroupIds"]
    assert all("VpcfunctionsSubnet" in json.dumps(subnet) for subnet in function["VpcConfig"]["SubnetIds"])
    assert len(function["Layers"]) == 1
    assert function["LoggingConfig"]["LogGroup"]


def test_log_groups_forget_after_a_while(either: Synthesised) -> None:
    groups = either.resources("AWS::Logs::LogGroup")
    assert groups
    assert all(group["Properties"]["RetentionInDays"] == 90 for group in groups.values())


def test_queues_feed_their_functions_in_batches_whose_failures_are_named(demo: Synthesised) -> None:
    mappings = [mapping["Properties"] for mapping in demo.resources("AWS::Lambda::EventSourceMapping").values()]
    # Two queues of events, ten at a time; and reminders, each by itself
    assert sorted(mapping["BatchSize"] for mapping in mappings) == [1, 10, 10]
    assert all(mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"] for mapping in mappings)
    timeouts = {
        f["FunctionName"]: f["Timeout"]
        for f in (r["Properties"] for r in demo.resources("AWS::Lambda::Function").values())
    }
    hidden = {
        q["Properties"]["QueueName"]: q["Properties"].get("VisibilityTimeout")
        for q in demo.resources("AWS::SQS::Queue").values()
    }
    assert hidden["portcullis-identity.fifo"] >= timeouts["portcullis-identity-sync"]
    assert hidden["portcullis-key.fifo"] >= timeouts["portcullis-key-guard"]
    assert hidden["portcullis-reminders"] >= timeouts["portcullis-key-guard"]


def test_reminders_take_no_concurrency_from_the_events_of_keys(
    demo: Synthesised, functions: dict[str, dict[str, Any]]
) -> None:
    mappings = [mapping["Properties"] for mapping in demo.resources("AWS::Lambda::EventSourceMapping").values()]
    of_the_guard = [m["ScalingConfig"] for m in mappings if "keyguard" in json.dumps(m["FunctionName"])]
    together = sum(scaling["MaximumConcurrency"] for scaling in of_the_guard)
    assert together == functions["portcullis-key-guard"]["ReservedConcurrentExecutions"]


def test_concurrency_is_reserved_unless_the_account_has_none_to_spare(
    functions: dict[str, dict[str, Any]], pair: Synthesised
) -> None:
    assert functions["portcullis-sweep"]["ReservedConcurrentExecutions"] == 1
    assert functions["portcullis-key-guard"]["ReservedConcurrentExecutions"] >= 20
    assert not [
        f for f in pair.resources("AWS::Lambda::Function").values() if "ReservedConcurrentExecutions" in f["Properties"]
    ]


@pytest.mark.parametrize(("assembly", "rate"), [("demo", "rate(5 minutes)"), ("pair", "rate(2 minutes)")])
def test_the_sweep_keeps_the_shortest_interval_that_a_file_asks_for(
    request: pytest.FixtureRequest, assembly: str, rate: str
) -> None:
    rules = request.getfixturevalue(assembly).resources("AWS::Events::Rule", AUTOMATION).values()
    scheduled = [rule["Properties"] for rule in rules if "ScheduleExpression" in rule["Properties"]]
    assert [rule["ScheduleExpression"] for rule in scheduled] == [rate]


def test_operate_has_one_door_a_level(demo: Synthesised) -> None:
    doors = {alias["Properties"]["Name"] for alias in demo.resources("AWS::Lambda::Alias").values()}
    assert doors == set(names.LEVELS) == set(LEVELS)


@pytest.mark.parametrize("runbook", RUNBOOKS, ids=lambda runbook: runbook.name)
def test_a_runbook_asks_for_what_its_verb_takes(demo: Synthesised, runbook: Any) -> None:
    verb = VERBS[runbook.calls]
    assert runbook.level == verb.level
    assert runbook.of_deployment is verb.of_deployment
    assert {*runbook.arguments, *runbook.fixed} <= verb.arguments
    (content,) = (
        document["Properties"]["Content"]
        for document in demo.resources("AWS::SSM::Document").values()
        if document["Properties"]["Name"] == f"portcullis-{runbook.name}"
    )
    steps = {step["name"]: step for step in content["mainSteps"]}
    assert list(steps) == [*(["Approve"] if runbook.approved else []), "Operate", "Judge", "Refused"]
    assert steps["Operate"]["inputs"]["InputPayload"]["verb"] == runbook.calls
    assert f"Operate{runbook.level}" in json.dumps(steps["Operate"]["inputs"]["FunctionName"])
    assert steps["Operate"]["timeoutSeconds"] <= 300, "Systems Manager gives an invocation no longer"


def test_what_cannot_be_taken_back_waits_for_a_second_person() -> None:
    assert {runbook.name for runbook in RUNBOOKS if runbook.approved} == {"delete", "shred"}


def names_in(value: Any, within: str = "") -> Iterator[str]:
    """The names of all that is told and is not empty, nested ones with dots."""
    for name, told in value.items():
        if not told:
            continue
        yield f"{within}{name}"
        if isinstance(told, dict) and not any(key.startswith(("Fn::", "Ref")) for key in told):
            yield from names_in(told, f"{within}{name}.")


def test_the_custom_resource_registers_everything_that_is_known(demo: Synthesised) -> None:
    properties = demo.one("Custom::PortcullisDeployment")
    given = properties["Registration"]
    parts = {
        "place": AmazonDomain,
        "place.network": Network,
        "key": Key,
        "cognito": Cognito,
        "snapshots": SnapshotStore,
    }
    known = set(Registration.__struct_fields__)
    known |= {f"{part}.{name}" for part, kind in parts.items() for name in kind.__struct_fields__}
    read_from_the_key = {"key.store"}  # by the function: no template knows it
    not_of_every_deployment = {"identity_store", "key.replicas", "cognito.bounded_roles", "other_roles"}
    told = set(names_in(given))
    assert known - told == read_from_the_key | not_of_every_deployment
    actors = {f"{one}.{name}" for one in ("automation", "master", "break_glass", "canary") for name in ("type", "arn")}
    groups = {f"cognito.group_roles.{group}" for group in given["cognito"]["group_roles"]}
    assert told - known == {"place.type"} | actors | groups
    assert set(properties["Model"]) == {"bucket", "key"}
    assert properties["ModelDigest"]


# ---------------------------------------------------------------------- the layer


def test_the_layer_fits_and_holds_what_the_functions_import() -> None:
    folder = build.build("arm64")
    python = folder / "python"
    assert build.size(folder) < 20_000_000
    for package in ("portcullis", "opensearchpy", "pydantic", "aws_lambda_powertools", "requests_aws4auth", "yaml"):
        assert (python / package).is_dir(), package
    for absent in ("boto3", "botocore", "grpc", "opensearch", "google", "portcullis/cli", "rich", "click"):
        assert not (python / absent).exists(), absent
    assert not list(python.rglob("__pycache__"))
    described = [PathDistribution(path) for path in python.glob("*.dist-info")]
    assert {one.metadata["Name"] for one in described} >= {"pydantic", "msgspec", "requests"}
    assert all(one.version and not one.metadata.get_payload() for one in described)
    machine_code = [path.name for path in python.rglob("*.so")]
    assert machine_code
    assert all("aarch64" in name for name in machine_code)


def test_the_platform_is_part_of_the_layer_s_digest() -> None:
    assert build.digest("arm64") != build.digest("host")


def test_the_same_inputs_are_built_once() -> None:
    first = build.built("arm64")
    made = first.folder.stat().st_mtime_ns
    again = build.built("arm64")
    assert again == first
    assert again.folder.stat().st_mtime_ns == made


def test_a_layer_can_be_copied_elsewhere(tmp_path: Path) -> None:
    copied = build.build("arm64", tmp_path / "layer")
    assert copied == tmp_path / "layer"
    assert build.size(copied) == build.size(build.build("arm64"))


# ---------------------------------------------------------------------- what Lambda does by itself


def test_a_sweep_that_fails_is_not_begun_again_beside_the_next_one(demo: Synthesised) -> None:
    (asked,) = (one["Properties"] for one in demo.resources("AWS::Lambda::EventInvokeConfig").values())
    assert "Functionsweep" in json.dumps(asked["FunctionName"])
    assert (asked["MaximumRetryAttempts"], asked["MaximumEventAgeInSeconds"]) == (0, 60)


def test_only_key_guard_may_send_itself_reminders_without_loop_detection(demo: Synthesised) -> None:
    """Lambda ends a loop through a queue after sixteen times; a break-glass window of four hours has more reminders."""
    allowed = [
        one["Properties"]["FunctionName"]
        for one in demo.resources("AWS::Lambda::Function").values()
        if one["Properties"].get("RecursiveLoop") == "Allow"
    ]
    assert allowed == ["portcullis-key-guard"]


# What the page calls the services that functions call from their subnets, in a VPC without a way out.
CALLED = {
    "cloudtrail": "CloudTrail",
    "cloudwatch": "CloudWatch",
    "cognito-identity": "Cognito (user pools and identity pools)",
    "cognito-idp": "Cognito (user pools and identity pools)",
    "dynamodb": "DynamoDB",
    "ec2": "EC2",
    "es": "OpenSearch Service's API",
    "events": "EventBridge",
    "identitystore": "IAM Identity Center's store",
    "kms": "KMS",
    "lambda": "Lambda",
    "s3": "S3",
    "secretsmanager": "Secrets Manager",
    "sns": "SNS",
    "sqs": "SQS",
    "ssm": "SSM",
    "sts": "STS",
    "xray": "X-Ray",
}
BY_A_WAY_OUT = {"iam"}
BY_LAMBDA_ITSELF = {"logs"}


def test_the_page_names_every_service_that_a_function_needs_a_way_to(demo: Synthesised) -> None:
    asked = {
        action.partition(":")[0]
        for where, statement in demo.identity_statements()
        if where.startswith(f"{AUTOMATION}/Role") and statement["Effect"] == "Allow"
        for action in listed(statement["Action"])
    }
    assert "dynamodb" in asked
    assert asked - CALLED.keys() - BY_A_WAY_OUT - BY_LAMBDA_ITSELF == set()
    page = " ".join((Path(__file__).parents[2] / "docs" / "deploying.md").read_text("utf-8").split())
    named = page.partition("or endpoints for each service they call (")[2].partition("; of DynamoDB")[0]
    assert sorted(named.split(", ")) == sorted(set(CALLED.values()))
