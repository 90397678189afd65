"""Runs SSM Automation documents: MiniStack keeps none and runs none, and the runbooks have to be walked through here.

A small executor of what our runbooks use: executeAwsApi, invokeLambdaFunction, branch, approve, sleep, the two property
actions; parameters, step outputs, `global:` and `automation:` variables; onFailure, isCritical, isEnd, nextStep,
maxAttempts, timeoutSeconds; assumeRole (a session of that role, so IAM is enforced); signals and stop. A document that uses
anything else is refused when it is started, never run in part.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from typing import Any

from local.aws.automation_documents import documents
from local.aws.automation_documents.actions import ACTIONS, Context, Ended, Rejected, fill, select
from local.aws.patching import Refusal, add_operations

FINAL = ("Success", "Failed", "TimedOut", "Cancelled", "Rejected")
RUNS: Any = None  # execution id -> Run, scoped by account and Region; made at install


def install() -> None:
    global RUNS
    from ministack.core.responses import AccountRegionScopedDict
    from ministack.services import ssm

    RUNS = AccountRegionScopedDict()
    add_operations(
        ssm,
        {
            "StartAutomationExecution": start,
            "GetAutomationExecution": lambda asked: {"AutomationExecution": find(asked).shown()},
            "DescribeAutomationExecutions": described,
            "DescribeAutomationStepExecutions": lambda asked: {"StepExecutions": find(asked).steps},
            "SendAutomationSignal": signal,
            "StopAutomationExecution": stop,
        },
    )


def start(asked: dict[str, Any]) -> dict[str, Any]:
    from ministack.core import iam_evaluator
    from ministack.core.responses import get_account_id, get_region

    try:
        kept = documents.find(asked["DocumentName"], asked.get("DocumentVersion"))
    except Refusal as absent:
        raise Refusal("AutomationDefinitionNotFoundException", str(absent)) from absent
    if kept["DocumentType"] != "Automation":
        raise Refusal("AutomationDefinitionNotFoundException", f"{kept['Name']} is no Automation document")
    starter = iam_evaluator._verified_key.get()
    context = Context(get_account_id(), get_region(), str(uuid.uuid4()), starter=starter)
    run = Run(kept, documents.parsed(kept), asked.get("Parameters") or {}, context, iam_evaluator.caller_arn())
    RUNS[context.execution] = run
    threading.Thread(target=run.run, daemon=True, name=f"automation-{context.execution[:8]}").start()
    return {"AutomationExecutionId": context.execution}


def find(asked: dict[str, Any]) -> Run:
    run = RUNS.get(asked["AutomationExecutionId"])
    if run is None:
        raise Refusal("AutomationExecutionNotFoundException", f"there is no execution {asked['AutomationExecutionId']}")
    return run  # type: ignore[no-any-return]


def described(asked: dict[str, Any]) -> dict[str, Any]:
    wanted = {f["Key"]: f["Values"] for f in asked.get("Filters") or []}
    shown = [run.shown() for run in RUNS.values()]
    if names := wanted.get("DocumentNamePrefix"):
        shown = [run for run in shown if run["DocumentName"].startswith(tuple(names))]
    left_out = ("StepExecutions", "StepExecutionsTruncated", "Parameters")
    return {"AutomationExecutionMetadataList": [{k: v for k, v in run.items() if k not in left_out} for run in shown]}


def signal(asked: dict[str, Any]) -> dict[str, Any]:
    run = find(asked)
    if asked["SignalType"] not in ("Approve", "Reject"):
        raise Refusal("InvalidAutomationSignalException", f"{asked['SignalType']} is not emulated")
    if run.context.status != "Waiting":
        raise Refusal("AutomationStepNotFoundException", "no step waits for an approval")
    run.context.decision = asked["SignalType"]
    run.context.decided.set()
    return {}


def stop(asked: dict[str, Any]) -> dict[str, Any]:
    run = find(asked)
    run.context.stopped.set()
    run.context.decided.set()
    return {}


class Run:
    """One execution. Raises Refusal when it is made if the document or its parameters cannot be run."""

    def __init__(
        self, kept: dict[str, Any], document: dict[str, Any], given: dict[str, list[str]], context: Context, by: str
    ) -> None:
        self.document, self.context, self.given, self.by = document, context, given, by
        self.name, self.version = kept["Name"], kept["DocumentVersion"]
        self.steps: list[dict[str, Any]] = []
        self.outputs: dict[str, list[str]] = {}
        self.failure = ""
        self.began, self.ended = time.time(), 0.0
        unknown = sorted({step["action"] for step in document["mainSteps"]} - ACTIONS.keys())
        if unknown:
            raise Refusal("InvalidDocumentContent", f"the emulated SSM cannot run {', '.join(unknown)}")
        context.values.update(self._parameters(document.get("parameters") or {}))
        context.role = str(fill(document.get("assumeRole") or "", context.values))

    def _parameters(self, declared: dict[str, Any]) -> dict[str, Any]:
        if strangers := sorted(set(self.given) - set(declared) - {"AutomationAssumeRole"}):
            raise Refusal(
                "InvalidAutomationExecutionParametersException", f"Unknown parameters: {', '.join(strangers)}"
            )
        values: dict[str, Any] = {}
        for name, parameter in declared.items():
            value: Any = self.given.get(name, parameter.get("default"))
            if value is None:
                raise Refusal("InvalidAutomationExecutionParametersException", f"Missing required parameter: {name}")
            single = parameter["type"] not in ("StringList", "MapList", "StringMap")
            values[name] = value[0] if single and isinstance(value, list) else value
            allowed = parameter.get("allowedValues")
            if allowed and values[name] not in allowed:
                raise Refusal("InvalidAutomationExecutionParametersException", f"{name} must be one of {allowed}")
        return values

    def run(self) -> None:
        from ministack.core.responses import request_scope

        with request_scope(self.context.account, self.context.region):
            self._run()

    def _run(self) -> None:
        steps = self.document["mainSteps"]
        place = {step["name"]: number for number, step in enumerate(steps)}
        number = 0
        while number < len(steps):
            step = steps[number]
            try:
                chosen = self._step(step)
            except Ended as ended:
                self.context.status, self.failure = ended.status, str(ended)
                break
            if chosen == "":
                break
            number = place[chosen] if chosen else number + 1
        if self.context.status not in FINAL:
            self.context.status = "Success"
        values = self.context.values
        self.outputs = {name: [_text(values[name])] for name in self.document.get("outputs", []) if name in values}
        self.ended = time.time()

    def _step(self, step: dict[str, Any]) -> str | None:
        """Does a step; the name of the next one, None for the one that follows, "" for the end. Raises Ended."""
        record: dict[str, Any] = {
            "StepName": step["name"],
            "Action": step["action"],
            "StepExecutionId": str(uuid.uuid4()),
            "StepStatus": "InProgress",
            "ExecutionStartTime": time.time(),
            "Inputs": {name: _text(value) for name, value in (step.get("inputs") or {}).items()},
        }
        self.steps.append(record)
        result: dict[str, Any] = {}
        jump: str | None = None
        error: Exception | None = None
        for _attempt in range(int(step.get("maxAttempts", 1))):
            try:
                self.context.go_on()
                inputs = fill(step.get("inputs") or {}, self.context.values)
                self.context.status = "Waiting" if step["action"] == "aws:approve" else "InProgress"
                record["StepStatus"] = self.context.status
                result, jump = ACTIONS[step["action"]](self.context, step, inputs)
                error = None
                break
            except (Ended, Rejected) as last:
                error = last
                break
            except Exception as failed:  # whatever an action dies of is the step's failure, to be shown
                error = failed
        self.context.status = "InProgress"
        record["ExecutionEndTime"] = time.time()
        if error is not None:
            return self._failed(step, record, error)
        record["StepStatus"] = "Success"
        record["Outputs"] = {name: [_text(value)] for name, value in result.items()}
        self.context.values.update({f"{step['name']}.{name}": value for name, value in result.items()})
        for output in step.get("outputs") or []:
            value = select(result, output["Selector"])
            self.context.values[f"{step['name']}.{output['Name']}"] = value
            record["Outputs"][output["Name"]] = [_text(value)]
        if jump is not None:
            return jump
        return "" if step.get("isEnd") else step.get("nextStep")

    def _failed(self, step: dict[str, Any], record: dict[str, Any], error: Exception) -> str | None:
        status = (
            error.status if isinstance(error, Ended) else "TimedOut" if isinstance(error, TimeoutError) else "Failed"
        )
        if isinstance(error, Rejected):
            status = "Failed"
        record.update(StepStatus=status, FailureMessage=f"{type(error).__name__}: {error}")
        then = step.get("onFailure", "Abort")
        if isinstance(error, Ended) or then == "Abort":
            raise Ended("Rejected" if isinstance(error, Rejected) else status, record["FailureMessage"]) from error
        if step.get("isCritical", True) in (True, "true") and then == "Continue":
            self.failure = record["FailureMessage"]
        if then.startswith("step:"):
            return str(then[5:])
        return "" if step.get("isEnd") else step.get("nextStep")

    def shown(self) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "AutomationExecutionId": self.context.execution,
            "DocumentName": self.name,
            "DocumentVersion": self.version,
            "AutomationExecutionStatus": self.context.status,
            "ExecutionStartTime": self.began,
            "ExecutedBy": self.by,
            "Mode": "Auto",
            "Parameters": {name: value if isinstance(value, list) else [value] for name, value in self.given.items()},
            "Outputs": self.outputs,
            "StepExecutions": self.steps,
            "StepExecutionsTruncated": False,
        }
        if self.failure:
            shown["FailureMessage"] = self.failure
        if self.ended:
            shown["ExecutionEndTime"] = self.ended
        else:
            shown["CurrentStepName"] = self.steps[-1]["StepName"] if self.steps else ""
        return shown


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
