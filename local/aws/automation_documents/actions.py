"""The actions an Automation document may take, and how its `{{ variables }}` are filled in. Used by `automation` only."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore import xform_name

VARIABLE = re.compile(r"\{\{\s*([\w:.\-]+)\s*\}\}")
Outcome = tuple[dict[str, Any], str | None]


class Ended(Exception):
    """The execution is over, with this status."""

    def __init__(self, status: str, why: str) -> None:
        super().__init__(why)
        self.status = status


class Rejected(Exception):
    """A person said no."""


@dataclass
class Context:
    """What the actions of one execution share."""

    account: str
    region: str
    execution: str
    values: dict[str, Any] = field(default_factory=dict)
    role: str = ""
    starter: str = ""  # access key of whoever started it
    status: str = "InProgress"
    decision: str = ""
    decided: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.values |= {
            "global:ACCOUNT_ID": self.account,
            "global:REGION": self.region,
            "global:DATE": time.strftime("%Y-%m-%d", time.gmtime()),
            "global:DATE_TIME": time.strftime("%Y-%m-%d_%H.%M.%S", time.gmtime()),
            "automation:EXECUTION_ID": self.execution,
        }

    def go_on(self) -> None:
        """Raises Ended if a person stopped the execution."""
        if self.stopped.is_set():
            raise Ended("Cancelled", "stopped by a person")

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name=self.region, endpoint_url=_endpoint(), **self._credentials())

    def _credentials(self) -> dict[str, str | None]:
        from ministack.core import iam_evaluator, lambda_runtime

        if not self.role:  # then it runs as the person who started it
            found = iam_evaluator.resolve_credential(self.starter, self.account)
            if isinstance(found, iam_evaluator.CredentialResolutionError):
                raise PermissionError(found.message)
            return {
                "aws_access_key_id": found.access_key_id,
                "aws_secret_access_key": found.secret_access_key,
                "aws_session_token": found.session_token,
            }
        # Nobody can sign as ssm.amazonaws.com here, so the session is made the way the emulator makes a Lambda's.
        arn = f"arn:aws:lambda:{self.region}:{self.account}:function:automation-{self.execution}"
        wanted = {"Role": self.role, "FunctionName": f"Automation-{self.execution}", "FunctionArn": arn}
        return {name.lower(): value for name, value in lambda_runtime.execution_credentials(wanted).items()}


def _endpoint() -> str:
    return f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}"


def fill(value: Any, values: dict[str, Any]) -> Any:
    """Put the variables in. A text that is one variable becomes its value, whatever its type."""
    if isinstance(value, dict):
        return {name: fill(part, values) for name, part in value.items()}
    if isinstance(value, list):
        return [fill(part, values) for part in value]
    if not isinstance(value, str):
        return value
    whole = VARIABLE.fullmatch(value.strip())
    if whole:
        return _known(whole.group(1), values)
    return VARIABLE.sub(lambda match: _as_text(_known(match.group(1), values)), value)


def _known(name: str, values: dict[str, Any]) -> Any:
    if name not in values:
        raise ValueError(f"the variable {name} has no value here")
    return values[name]


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def select(tree: Any, path: str) -> Any:
    """A JSONPath of names and indices: $.A.B[0].C. A text in between that is JSON is read (a Lambda's Payload is)."""
    for part in re.findall(r"[^.\[\]$]+", path):
        if isinstance(tree, str):
            tree = json.loads(tree)
        tree = tree[int(part)] if isinstance(tree, list) else tree[part]
    return tree


def execute_api(context: Context, _step: dict[str, Any], inputs: dict[str, Any]) -> Outcome:
    return _call(context, inputs), None


def _call(context: Context, inputs: dict[str, Any]) -> dict[str, Any]:
    named = dict(inputs)
    service, api = named.pop("Service"), named.pop("Api")
    for own in ("PropertySelector", "DesiredValues"):
        named.pop(own, None)
    answered = getattr(context.client(service), xform_name(api))(**named)
    answered.pop("ResponseMetadata", None)
    plain: dict[str, Any] = json.loads(json.dumps(answered, default=str))
    return plain


def invoke_lambda(context: Context, _step: dict[str, Any], inputs: dict[str, Any]) -> Outcome:
    payload = inputs.get("Payload", inputs.get("InputPayload", {}))
    asked = {
        "FunctionName": inputs["FunctionName"],
        "Payload": payload if isinstance(payload, str) else json.dumps(payload),
    }
    for optional in ("InvocationType", "LogType", "Qualifier", "ClientContext"):
        if optional in inputs:
            asked[optional] = inputs[optional]
    answered = context.client("lambda").invoke(**asked)
    body = answered["Payload"].read().decode()
    if answered.get("FunctionError"):
        raise RuntimeError(f"the function failed ({answered['FunctionError']}): {body[:1000]}")
    return {"StatusCode": answered["StatusCode"], "Payload": body, "LogResult": answered.get("LogResult", "")}, None


def branch(_context: Context, _step: dict[str, Any], inputs: dict[str, Any]) -> Outcome:
    for choice in inputs["Choices"]:
        if _holds(choice):
            return {}, choice["NextStep"]
    default = inputs.get("Default")
    if default is None:
        return {}, ""
    return {}, default


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "StringEquals": lambda value, other: str(value) == other,
    "EqualsIgnoreCase": lambda value, other: str(value).lower() == other.lower(),
    "StartsWith": lambda value, other: str(value).startswith(other),
    "EndsWith": lambda value, other: str(value).endswith(other),
    "Contains": lambda value, other: other in value,
    "NumericEquals": lambda value, other: float(value) == float(other),
    "NumericGreater": lambda value, other: float(value) > float(other),
    "NumericLesser": lambda value, other: float(value) < float(other),
    "NumericGreaterOrEquals": lambda value, other: float(value) >= float(other),
    "NumericLesserOrEquals": lambda value, other: float(value) <= float(other),
    "BooleanEquals": lambda value, other: str(value).lower() == str(other).lower(),
}


def _holds(choice: dict[str, Any]) -> bool:
    if "And" in choice:
        return all(_holds(part) for part in choice["And"])
    if "Or" in choice:
        return any(_holds(part) for part in choice["Or"])
    if "Not" in choice:
        return not _holds(choice["Not"])
    name = next((name for name in _COMPARISONS if name in choice), None)
    if name is None:
        raise ValueError(f"no comparison is known in {choice}")
    return _COMPARISONS[name](choice["Variable"], choice[name])


def sleep(context: Context, _step: dict[str, Any], inputs: dict[str, Any]) -> Outcome:
    units = {"H": 3600, "M": 60, "S": 1}
    seconds = sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([HMS])", inputs["Duration"]))
    context.stopped.wait(seconds)
    context.go_on()
    return {}, None


def approve(context: Context, step: dict[str, Any], inputs: dict[str, Any]) -> Outcome:
    if inputs.get("NotificationArn"):
        text = (
            f"{inputs.get('Message', 'An approval is asked for.')} Execution {context.execution}, step {step['name']}."
        )
        context.client("sns").publish(TopicArn=inputs["NotificationArn"], Subject="Approval required", Message=text)
    if not context.decided.wait(float(step.get("timeoutSeconds", 604_800))):
        raise TimeoutError("nobody approved in time")
    context.decided.clear()
    context.go_on()
    if context.decision == "Reject":
        raise Rejected("rejected")
    return {"ApprovalStatus": "Approved"}, None


def wait_for_property(context: Context, step: dict[str, Any], inputs: dict[str, Any]) -> Outcome:
    deadline = time.monotonic() + float(step.get("timeoutSeconds", 3600))
    while not _as_desired(context, inputs):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{inputs['PropertySelector']} did not become one of {inputs['DesiredValues']}")
        context.stopped.wait(1)
        context.go_on()
    return {}, None


def assert_property(context: Context, _step: dict[str, Any], inputs: dict[str, Any]) -> Outcome:
    if not _as_desired(context, inputs):
        raise ValueError(f"{inputs['PropertySelector']} is not one of {inputs['DesiredValues']}")
    return {}, None


def _as_desired(context: Context, inputs: dict[str, Any]) -> bool:
    value = select(_call(context, inputs), inputs["PropertySelector"])
    return str(value).lower() in {str(desired).lower() for desired in inputs["DesiredValues"]}


ACTIONS: dict[str, Callable[[Context, dict[str, Any], dict[str, Any]], Outcome]] = {
    "aws:executeAwsApi": execute_api,
    "aws:invokeLambdaFunction": invoke_lambda,
    "aws:branch": branch,
    "aws:sleep": sleep,
    "aws:approve": approve,
    "aws:waitForAwsResourceProperty": wait_for_property,
    "aws:assertAwsResourceProperty": assert_property,
}
