"""What a person on call can start from the console: SSM Automation documents, each a verb called through the door of its level.

The table of verbs (`portcullis.entry.verbs`) says which there are. The pages in runbooks/ say when to start which; runbooks/README.md
lists page, alerts and documents, and tests hold the three against each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssm as ssm
from constructs import Construct
from portcullis.entry.verbs import VERBS
from portcullis.entry.verbs.arguments import ARGUMENTS, DEPLOYMENT, Argument

from stacks import names
from stacks.automation import Automation

_LONGEST_SECONDS = 300  # that Systems Manager lets one invocation of a function run
_APPROVAL_SECONDS = 12 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """One verb, called through the alias of its level, as the table has it; `arguments` become parameters."""

    name: str
    page: str
    level: str
    description: str
    calls: str
    of_deployment: bool
    arguments: tuple[str, ...]
    fixed: Mapping[str, Any]
    approved: bool

    @property
    def document(self) -> str:
        return f"{names.PREFIX}-{self.name}"


RUNBOOKS = tuple(
    Runbook(
        name=document.name or verb.name,
        page=document.page,
        level=verb.level,
        description=document.says,
        calls=verb.name,
        of_deployment=verb.of_deployment,
        arguments=document.asks,
        fixed=document.fixed,
        approved=document.approved,
    )
    for verb in VERBS.values()
    for document in verb.documents
)


def _parameter(argument: Argument) -> dict[str, Any]:
    asked = {"type": "String", "description": argument.says, "allowedPattern": argument.pattern}
    return asked if argument.default is None else asked | {"default": argument.default}


_APPROVERS = {
    "type": "StringList",
    "description": "ARNs of IAM users or roles of whom one has to agree: somebody else than you.",
    "minItems": 1,
}


class Runbooks(Stack):
    """Who may start which document is IAM's to say: ssm:StartAutomationExecution by document, iam:PassRole of the role of its level."""

    def __init__(self, scope: Construct, name: str, *, automation: Automation, **kwargs: Any) -> None:
        super().__init__(scope, name, **kwargs)
        roles = {level: self._role(level, automation) for level in sorted({runbook.level for runbook in RUNBOOKS})}
        for runbook in RUNBOOKS:
            ssm.CfnDocument(
                self,
                f"Runbook-{runbook.name}",
                name=runbook.document,
                document_type="Automation",
                document_format="JSON",
                update_method="NewVersion",
                content=document(
                    runbook,
                    automation.doors[runbook.level].function_arn,
                    roles[runbook.level].role_arn,
                    automation.approvals.topic_arn,
                ),
            )

    def _role(self, level: str, automation: Automation) -> iam.Role:
        allowed = [
            iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[automation.doors[level].function_arn])
        ]
        if any(runbook.approved for runbook in RUNBOOKS if runbook.level == level):
            allowed.append(iam.PolicyStatement(actions=["sns:Publish"], resources=[automation.approvals.topic_arn]))
        return iam.Role(
            self,
            f"Role-{level}",
            role_name=names.runbook_role(level),
            description=f"Portcullis: what the runbooks that {level} run as; it may call the function of that level",
            assumed_by=iam.ServicePrincipal(
                "ssm.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": self.account}}
            ),
            inline_policies={"operate": iam.PolicyDocument(statements=allowed)},
        )


def document(runbook: Runbook, function: str, role: str, topic: str) -> dict[str, Any]:
    """The document: an approval where one is asked for, the call, and a last step that fails where the answer was a refusal.

    The answer ({exit_status, and answer or error}) is the execution's output. A refusal is an answer and no error of the function,
    so that the person sees its words; without the last step the console would show it as a success.
    """
    steps = [_approve(runbook, topic)] if runbook.approved else []
    return {
        "schemaVersion": "0.3",
        "description": f"{runbook.description} When and how: runbooks/{runbook.page}.md",
        "assumeRole": role,
        "parameters": _parameters(runbook),
        "outputs": ["Operate.Payload"],
        "mainSteps": [*steps, _operate(runbook, function), _JUDGE, _REFUSED],
    }


def _parameters(runbook: Runbook) -> dict[str, Any]:
    parameters: dict[str, Any] = {"Deployment": _parameter(DEPLOYMENT)} if runbook.of_deployment else {}
    parameters |= {name.capitalize(): _parameter(ARGUMENTS[name]) for name in runbook.arguments}
    return parameters | ({"Approvers": _APPROVERS} if runbook.approved else {})


def _operate(runbook: Runbook, function: str) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "verb": runbook.calls,
        "cause": f"runbook {runbook.document}, execution {{{{ automation:EXECUTION_ID }}}}",
        "actor": "a runbook",
        "arguments": {name: f"{{{{ {name.capitalize()} }}}}" for name in runbook.arguments} | dict(runbook.fixed),
    }
    if runbook.of_deployment:
        payload["deployment"] = "{{ Deployment }}"
    return {
        "name": "Operate",
        "action": "aws:invokeLambdaFunction",
        "timeoutSeconds": _LONGEST_SECONDS,
        "onFailure": "Abort",
        "inputs": {"FunctionName": function, "InvocationType": "RequestResponse", "InputPayload": payload},
    }


def _approve(runbook: Runbook, topic: str) -> dict[str, Any]:
    return {
        "name": "Approve",
        "action": "aws:approve",
        "timeoutSeconds": _APPROVAL_SECONDS,
        "onFailure": "Abort",
        "inputs": {
            "NotificationArn": topic,
            "Message": f"Portcullis: {runbook.document} was started for {{{{ Deployment }}}}. {runbook.description}",
            "MinRequiredApprovals": 1,
            "Approvers": "{{ Approvers }}",
        },
    }


# 0 is done, 3 is "differences found". Written as the functions' runtime writes JSON, and as others do.
_DONE = [f'{{"exit_status":{space}{status},' for status in (0, 3) for space in (" ", "")]
_JUDGE = {
    "name": "Judge",
    "action": "aws:branch",
    "isEnd": True,  # where no choice fits
    "inputs": {
        "Choices": [
            {
                "Not": {"Or": [{"Variable": "{{ Operate.Payload }}", "StartsWith": start} for start in _DONE]},
                "NextStep": "Refused",
            }
        ]
    },
}
# Asserts what is never so: of the actions that can fail this one needs no permission, and nothing but itself.
_REFUSED = {
    "name": "Refused",
    "action": "aws:assertAwsResourceProperty",
    "onFailure": "Abort",
    "isEnd": True,
    "inputs": {
        "Service": "sts",
        "Api": "GetCallerIdentity",
        "PropertySelector": "$.Account",
        "DesiredValues": ["refused: the error is in the output of the step Operate"],
    },
}
