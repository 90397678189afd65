"""What a person on call can start from the console: SSM Automation documents, each a call of the `operate` function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from stacks import names
from stacks.automation import Automation

_DEPLOYMENT = {
    "type": "String",
    "description": "Name of the deployment, as in its file.",
    "allowedPattern": "^[a-z][a-z0-9-]{2,20}$",
}
_REASON = {
    "type": "String",
    "description": "Why. It stands in the history and in the alert.",
    "allowedPattern": "^[^\\x00-\\x1f]{4,500}$",
}


@dataclass(frozen=True, slots=True)
class Runbook:
    """One verb of `operate`, called through the alias of its level. `arguments` are the verb's, by their names there."""

    verb: str
    level: str
    description: str
    of_deployment: bool = True
    arguments: tuple[str, ...] = ()


RUNBOOKS = (
    Runbook("status", "look", "Shows the state of a deployment: its key, its lock, what was last done and why."),
    Runbook(
        "lock",
        "act",
        "Locks a deployment now, whatever its key says, until somebody unlocks it.",
        arguments=("reason",),
    ),
    Runbook(
        "unlock", "act", "Ends a lock by hand. A deployment whose key is revoked stays locked until the key is well."
    ),
    Runbook(
        "redrive", "act", "Puts the dead letters back into their queues, once the cause is mended.", of_deployment=False
    ),
)
_ARGUMENTS = {"reason": _REASON}


class Runbooks(Stack):
    """Who may start which document is IAM's to say: ssm:StartAutomationExecution by document, iam:PassRole of the role of its level."""

    def __init__(self, scope: Construct, name: str, *, automation: Automation, **kwargs: Any) -> None:
        super().__init__(scope, name, **kwargs)
        roles = {level: self._role(level, automation) for level in sorted({runbook.level for runbook in RUNBOOKS})}
        for runbook in RUNBOOKS:
            ssm.CfnDocument(
                self,
                f"Runbook-{runbook.verb}",
                name=f"{names.PREFIX}-{runbook.verb}",
                document_type="Automation",
                document_format="JSON",
                update_method="NewVersion",
                content=document(runbook, automation.doors[runbook.level].function_arn, roles[runbook.level].role_arn),
            )

    def _role(self, level: str, automation: Automation) -> iam.Role:
        allowed = iam.PolicyStatement(
            actions=["lambda:InvokeFunction"], resources=[automation.doors[level].function_arn]
        )
        return iam.Role(
            self,
            f"Role-{level}",
            role_name=names.runbook_role(level),
            description=f"Portcullis: what the runbooks that {level} run as; it may call operate and nothing else",
            assumed_by=iam.ServicePrincipal(
                "ssm.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": self.account}}
            ),
            inline_policies={"operate": iam.PolicyDocument(statements=[allowed])},
        )


def document(runbook: Runbook, function: str, role: str) -> dict[str, Any]:
    """The document: one call of `operate`, whose answer (exit_status, and answer or error) is the execution's output."""
    parameters: dict[str, Any] = {"Deployment": _DEPLOYMENT} if runbook.of_deployment else {}
    parameters |= {name.capitalize(): _ARGUMENTS[name] for name in runbook.arguments}
    payload: dict[str, Any] = {
        "verb": runbook.verb,
        "cause": f"runbook {names.PREFIX}-{runbook.verb}, execution {{{{ automation:EXECUTION_ID }}}}",
        "actor": "a runbook",
        "arguments": {name: f"{{{{ {name.capitalize()} }}}}" for name in runbook.arguments},
    }
    if runbook.of_deployment:
        payload["deployment"] = "{{ Deployment }}"
    return {
        "schemaVersion": "0.3",
        "description": runbook.description,
        "assumeRole": role,
        "parameters": parameters,
        "outputs": ["Operate.Payload"],
        "mainSteps": [
            {
                "name": "Operate",
                "action": "aws:invokeLambdaFunction",
                "timeoutSeconds": 600,
                "onFailure": "Abort",
                "isEnd": True,
                "inputs": {"FunctionName": function, "InvocationType": "RequestResponse", "InputPayload": payload},
            }
        ],
    }
