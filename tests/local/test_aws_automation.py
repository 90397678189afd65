"""Runbooks run: parameters, branches, approvals, failures; as the role the document names."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.aws.emulator import Credentials, Emulator

pytest_plugins = ["tests.fixtures_aws"]
pytestmark = pytest.mark.aws

OVER = ("Success", "Failed", "TimedOut", "Cancelled", "Rejected")
Start = Callable[..., dict[str, Any]]


def _document(*steps: dict[str, Any], **more: Any) -> str:
    return json.dumps({"schemaVersion": "0.3", "mainSteps": list(steps), **more})


def _publish(aws: Emulator, name: str, content: str) -> None:
    aws.client("ssm").create_document(Name=name, Content=content, DocumentType="Automation", DocumentFormat="JSON")


def _wait(aws: Emulator, execution: str, *, until: tuple[str, ...] = OVER, seconds: float = 10) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while True:
        shown: dict[str, Any] = aws.client("ssm").get_automation_execution(AutomationExecutionId=execution)[
            "AutomationExecution"
        ]
        if shown["AutomationExecutionStatus"] in until:
            return shown
        assert time.monotonic() < deadline, shown
        time.sleep(0.05)


@pytest.fixture
def run(aws: Emulator, name: str) -> Start:
    """`run(document, Parameter=["x"])`: publishes a document, runs it to its end, returns the execution."""

    def go(content: str, **parameters: list[str]) -> dict[str, Any]:
        _publish(aws, name, content)
        started = aws.client("ssm").start_automation_execution(DocumentName=name, Parameters=parameters)
        return _wait(aws, started["AutomationExecutionId"])

    return go


def _api(name: str, service: str, api: str, **inputs: Any) -> dict[str, Any]:
    return {"name": name, "action": "aws:executeAwsApi", "inputs": {"Service": service, "Api": api, **inputs}}


def test_parameters_and_outputs_pass_from_step_to_step(aws: Emulator, run: Start, name: str) -> None:
    """One step makes a key and the next one describes it. The result is an output of the run."""
    make = {**_api("make", "kms", "CreateKey", Description="{{ What }} of {{ global:ACCOUNT_ID }}")}
    make["outputs"] = [{"Name": "Key", "Selector": "$.KeyMetadata.KeyId", "Type": "String"}]
    look = _api("look", "kms", "DescribeKey", KeyId="{{ make.Key }}")
    look["outputs"] = [{"Name": "Text", "Selector": "$.KeyMetadata.Description", "Type": "String"}]
    parameters = {"What": {"type": "String", "default": "a key"}}
    done = run(_document(make, look, parameters=parameters, outputs=["look.Text"]), What=["the key"])
    assert done["AutomationExecutionStatus"] == "Success"
    assert done["Outputs"] == {"look.Text": [f"the key of {aws.account}"]}
    assert [(s["StepName"], s["StepStatus"]) for s in done["StepExecutions"]] == [
        ("make", "Success"),
        ("look", "Success"),
    ]
    assert done["DocumentName"] == name
    assert done["ExecutedBy"] == f"arn:aws:iam::{aws.account}:root"


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"Variable": "{{ Mode }}", "StringEquals": "fast"}, ["choose", "yes"]),
        ({"Variable": "{{ Mode }}", "StringEquals": "slow"}, ["choose", "no"]),
        ({"Not": {"Variable": "{{ Mode }}", "StartsWith": "s"}}, ["choose", "yes"]),
        (
            {"Or": [{"Variable": "{{ Mode }}", "StringEquals": "x"}, {"Variable": 3, "NumericGreater": 2}]},
            ["choose", "yes"],
        ),
        (
            {"And": [{"Variable": "{{ Mode }}", "Contains": "as"}, {"Variable": 3, "NumericLesser": 2}]},
            ["choose", "no"],
        ),
    ],
)
def test_given_a_branch_when_run_then_the_choice_that_holds_is_taken(
    run: Start, choice: dict[str, Any], expected: list[str]
) -> None:
    branch = {
        "name": "choose",
        "action": "aws:branch",
        "inputs": {"Choices": [{**choice, "NextStep": "yes"}], "Default": "no"},
    }
    yes = {**_api("yes", "kms", "ListKeys"), "isEnd": True}
    done = run(
        _document(branch, yes, _api("no", "kms", "ListKeys"), parameters={"Mode": {"type": "String"}}), Mode=["fast"]
    )
    assert [step["StepName"] for step in done["StepExecutions"]] == expected


@pytest.mark.parametrize(
    ("answer", "status", "steps"), [("Approve", "Success", ["ask", "act"]), ("Reject", "Rejected", ["ask"])]
)
def test_given_an_approval_when_answered_then_it_goes_on_or_ends(
    aws: Emulator, name: str, answer: str, status: str, steps: list[str]
) -> None:
    ask = {"name": "ask", "action": "aws:approve", "inputs": {"Approvers": ["x"], "Message": "May it?"}}
    _publish(aws, name, _document(ask, _api("act", "kms", "ListKeys")))
    ssm = aws.client("ssm")
    execution = ssm.start_automation_execution(DocumentName=name)["AutomationExecutionId"]
    _wait(aws, execution, until=("Waiting",))
    ssm.send_automation_signal(AutomationExecutionId=execution, SignalType=answer)
    done = _wait(aws, execution)
    assert done["AutomationExecutionStatus"] == status
    assert [step["StepName"] for step in done["StepExecutions"]] == steps


def test_given_a_run_when_a_person_stops_it_then_it_is_cancelled(aws: Emulator, name: str) -> None:
    _publish(aws, name, _document({"name": "rest", "action": "aws:sleep", "inputs": {"Duration": "PT1M"}}))
    ssm = aws.client("ssm")
    execution = ssm.start_automation_execution(DocumentName=name)["AutomationExecutionId"]
    ssm.stop_automation_execution(AutomationExecutionId=execution)
    assert _wait(aws, execution)["AutomationExecutionStatus"] == "Cancelled"


@pytest.mark.parametrize(
    ("on_failure", "status", "steps"),
    [
        ("Abort", "Failed", ["bad"]),
        ("Continue", "Success", ["bad", "after", "rescue"]),
        ("step:rescue", "Success", ["bad", "rescue"]),
    ],
)
def test_given_a_failing_step_when_run_then_on_failure_decides(
    run: Start, on_failure: str, status: str, steps: list[str]
) -> None:
    bad = {**_api("bad", "kms", "DescribeKey", KeyId="no-such-key"), "onFailure": on_failure, "maxAttempts": 2}
    done = run(_document(bad, _api("after", "kms", "ListKeys"), _api("rescue", "kms", "ListKeys")))
    assert done["AutomationExecutionStatus"] == status
    assert [step["StepName"] for step in done["StepExecutions"]] == steps
    assert "NotFoundException" in done["StepExecutions"][0]["FailureMessage"]


@pytest.mark.parametrize(
    ("action", "desired", "timeout", "status"),
    [
        ("aws:assertAwsResourceProperty", ["Enabled"], 5, "Success"),
        ("aws:assertAwsResourceProperty", ["Disabled"], 5, "Failed"),
        ("aws:waitForAwsResourceProperty", ["Enabled"], 5, "Success"),
        ("aws:waitForAwsResourceProperty", ["Disabled"], 0, "TimedOut"),
    ],
)
def test_given_a_property_when_asserted_or_waited_for_then_it_decides(
    aws: Emulator, run: Start, action: str, desired: list[str], timeout: int, status: str
) -> None:
    key = aws.client("kms").create_key()["KeyMetadata"]["KeyId"]
    inputs = {
        "Service": "kms",
        "Api": "DescribeKey",
        "KeyId": key,
        "PropertySelector": "$.KeyMetadata.KeyState",
        "DesiredValues": desired,
    }
    step = {"name": "look", "action": action, "inputs": inputs, "timeoutSeconds": timeout}
    assert run(_document(step))["AutomationExecutionStatus"] == status


def _assumable(aws: Emulator, name: str, action: str) -> str:
    iam = aws.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}
    made = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    allowed = {"Effect": "Allow", "Action": action, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document)
    return str(made["Role"]["Arn"])


def test_a_runbook_with_a_role_may_do_what_that_role_may(aws: Emulator, run: Start, name: str) -> None:
    """Its second step is refused, because the role does not allow it."""
    arn = _assumable(aws, f"{name}-role", "kms:ListKeys")
    parameters = {"AutomationAssumeRole": {"type": "AWS::IAM::Role::Arn"}}
    steps = (_api("may", "kms", "ListKeys"), _api("may_not", "iam", "ListUsers"))
    done = run(
        _document(*steps, assumeRole="{{ AutomationAssumeRole }}", parameters=parameters), AutomationAssumeRole=[arn]
    )
    assert [step["StepStatus"] for step in done["StepExecutions"]] == ["Success", "Failed"]
    assert "not authorized to perform: iam:ListUsers" in done["FailureMessage"]


def test_a_runbook_without_a_role_may_do_what_its_starter_may(
    aws: Emulator, name: str, person: Callable[..., Credentials]
) -> None:
    """The person may start it, but may not list keys, so its step fails."""
    _publish(aws, name, _document(_api("look", "kms", "ListKeys")))
    someone = person("ssm:StartAutomationExecution")
    execution = aws.client("ssm", credentials=someone).start_automation_execution(DocumentName=name)[
        "AutomationExecutionId"
    ]
    done = _wait(aws, execution)
    assert done["AutomationExecutionStatus"] == "Failed"
    assert "kms:ListKeys" in done["FailureMessage"]
    assert ":user/" in done["ExecutedBy"]


@pytest.mark.parametrize(
    ("content", "parameters", "code"),
    [
        (
            _document(_api("x", "kms", "ListKeys"), parameters={"A": {"type": "String"}}),
            {},
            "InvalidAutomationExecutionParametersException",
        ),
        (_document(_api("x", "kms", "ListKeys")), {"B": ["1"]}, "InvalidAutomationExecutionParametersException"),
        (_document({"name": "x", "action": "aws:runScript", "inputs": {}}), {}, "InvalidDocumentContent"),
    ],
    ids=["a parameter is missing", "a parameter is unknown", "an action is not emulated"],
)
def test_given_what_cannot_be_run_when_started_then_it_is_refused_at_once(
    aws: Emulator, name: str, content: str, parameters: dict[str, list[str]], code: str
) -> None:
    _publish(aws, name, content)
    with pytest.raises(ClientError) as refused:
        aws.client("ssm").start_automation_execution(DocumentName=name, Parameters=parameters)
    assert refused.value.response["Error"]["Code"] == code


def test_documents_keep_their_versions_and_belong_to_one_region(aws: Emulator, name: str) -> None:
    """A new version is used only once it is made the default. After the deletion the document is not found."""
    ssm, elsewhere = aws.client("ssm"), aws.client("ssm", region="us-east-1")
    _publish(aws, name, _document(_api("x", "kms", "ListKeys")))
    ssm.update_document(Name=name, Content=_document(_api("y", "kms", "ListKeys")), DocumentVersion="$LATEST")
    assert '"x"' in ssm.get_document(Name=name)["Content"], "the default version stays until it is moved"
    ssm.update_document_default_version(Name=name, DocumentVersion="2")
    assert '"y"' in ssm.get_document(Name=name)["Content"]
    described = ssm.describe_document(Name=name)["Document"]
    assert (described["DefaultVersion"], described["LatestVersion"], described["DocumentType"]) == (
        "2",
        "2",
        "Automation",
    )
    assert name in [d["Name"] for d in ssm.list_documents()["DocumentIdentifiers"]]
    assert name not in [d["Name"] for d in elsewhere.list_documents()["DocumentIdentifiers"]]
    ssm.delete_document(Name=name)
    with pytest.raises(ClientError, match="does not exist"):
        ssm.get_document(Name=name)


@pytest.mark.parametrize(
    ("operation", "member"),
    [
        ("GetAutomationExecution", "AutomationExecution"),
        ("DescribeAutomationExecutions", "AutomationExecutionMetadataList"),
        ("DescribeDocument", "Document"),
        ("GetDocument", ""),
        ("ListDocuments", "DocumentIdentifiers"),
    ],
)
def test_ssm_answers_have_only_members_of_the_botocore_output_shape(
    aws: Emulator, run: Start, name: str, operation: str, member: str
) -> None:
    """Asked without botocore's parser, which drops what it does not know."""
    done = run(_document(_api("x", "kms", "ListKeys")))
    asked = {
        "GetAutomationExecution": {"AutomationExecutionId": done["AutomationExecutionId"]},
        "DescribeDocument": {"Name": name},
        "GetDocument": {"Name": name},
    }.get(operation, {})
    raw: list[bytes] = []
    ssm = aws.client("ssm", config=Config())  # its own: what it is told to do with answers is for nobody else
    ssm.meta.events.register("before-parse.ssm", lambda response_dict, **_: raw.append(response_dict["body"]))
    getattr(ssm, botocore.xform_name(operation))(**asked)
    shape = botocore.session.get_session().get_service_model("ssm").operation_model(operation).output_shape
    answered = json.loads(raw[0])
    _within(answered, shape)
    assert answered[member] if member else answered


def _within(value: Any, shape: Any) -> None:
    if shape.type_name == "structure":
        assert value.keys() <= shape.members.keys()
        for name, part in value.items():
            _within(part, shape.members[name])
    elif shape.type_name == "list":
        for part in value:
            _within(part, shape.member)
