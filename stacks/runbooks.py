"""What a person on call can start from the console: SSM Automation documents, each a verb called through the door of its level.

`RUNBOOKS` is the table of them. The pages in runbooks/ say when to start which; runbooks/README.md lists page, alerts and documents,
and tests hold the three against each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from stacks import names
from stacks.automation import Automation

_LONGEST_SECONDS = 300  # that Systems Manager lets one invocation of a function run
_APPROVAL_SECONDS = 12 * 3600


@dataclass(frozen=True, slots=True)
class Runbook:
    """One verb, called through the alias of its level; the document is `portcullis-NAME`, `page` is in runbooks/.

    `arguments` are the verb's, by their names there, and become parameters; `fixed` are given as they stand. With `approved`
    somebody who is named at the start has to agree before anything is done.
    """

    name: str
    page: str
    level: str
    description: str
    verb: str = ""  # "": the same as the name
    of_deployment: bool = True
    arguments: tuple[str, ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict)
    approved: bool = False

    @property
    def calls(self) -> str:
        return self.verb or self.name

    @property
    def document(self) -> str:
        return f"{names.PREFIX}-{self.name}"


_REVOKED, _UNREACHABLE, _ROTATION = "locked-by-revocation", "key-unreachable", "rotation-not-followed"
_RESTORE, _GLASS, _REKEY, _DELETE = "restore", "break-glass", "re-key", "delete-and-shred"
_LETTERS, _BROKEN, _DRIFT = "dead-letters", "automation-broken", "drift"

RUNBOOKS = (
    Runbook("status", _REVOKED, "look", "Shows how a deployment is: its key, its lock, what was last done and why."),
    Runbook("guard", _REVOKED, "act", "Looks at a deployment's key now, and locks or unlocks as it asks for."),
    Runbook(
        "lock",
        _REVOKED,
        "act",
        "Locks a deployment now, whatever its key says, until somebody unlocks it.",
        arguments=("reason",),
    ),
    Runbook(
        "unlock",
        _REVOKED,
        "act",
        "Ends a lock by hand. A deployment whose key is revoked stays locked until the key is well.",
    ),
    Runbook("key-check", _UNREACHABLE, "look", "Says what is right and wrong with a deployment's key, with remedies."),
    Runbook("key-status", _ROTATION, "look", "Shows a deployment's key: state, rotation, rotations left, expiry."),
    Runbook("restorability", _RESTORE, "act", "Restores a sample from the latest snapshot, compares it, removes it."),
    Runbook("restorability-state", _RESTORE, "look", "Shows how the last check of the snapshots ended."),
    Runbook("snapshot-list", _RESTORE, "look", "Lists the snapshots of a deployment."),
    Runbook("snapshot-take", _RESTORE, "act", "Starts a snapshot of all indices of a deployment."),
    Runbook(
        "snapshot-restore",
        _RESTORE,
        "act",
        "Starts bringing indices of a snapshot back under new names; overwrites nothing.",
        arguments=("name", "indices"),
    ),
    Runbook(
        "break-glass",
        _GLASS,
        "act",
        "Lets the break-glass principal at the data of a locked deployment for a while. Everybody is told.",
        arguments=("reason", "minutes", "write"),
    ),
    Runbook("end-break-glass", _GLASS, "act", "Ends a use of break-glass before its time."),
    Runbook(
        "re-key",
        _REKEY,
        "act",
        "Moves a deployment to one under another key, or goes on with that; every document is compared.",
        arguments=("to",),
    ),
    Runbook("re-key-state", _REKEY, "look", "Shows how far a re-key is."),
    Runbook(
        "cancel-re-key",
        _REKEY,
        "act",
        "Calls a re-key off, as long as clients were not told the new endpoint.",
        verb="re-key",
        fixed={"cancel": True},
    ),
    Runbook(
        "delete",
        _DELETE,
        "delete",
        "Deletes a deployment for good: locks it, takes a final snapshot, deletes the domain, sees it gone.",
        arguments=("confirm",),
        approved=True,
    ),
    Runbook(
        "cancel-delete",
        _DELETE,
        "delete",
        "Calls a deletion off, as long as the domain is there. The deployment stays locked.",
        verb="delete",
        fixed={"cancel": True},
    ),
    Runbook("shred-plan", _DELETE, "look", "Says what destroying a deployment's key would destroy. Does nothing."),
    Runbook(
        "shred",
        _DELETE,
        "delete",
        "Schedules the deletion of a locked deployment's key. After the waiting time nobody can read the data again.",
        arguments=("confirm", "days"),
        fixed={"yes": True},
        approved=True,
    ),
    Runbook(
        "redrive",
        _LETTERS,
        "act",
        "Puts the dead letters back into their queues, once the cause is mended.",
        of_deployment=False,
    ),
    Runbook("list", _BROKEN, "look", "Lists the deployments, with state and key.", of_deployment=False),
    Runbook("sweep", _BROKEN, "act", "Reads the whole truth of all deployments now.", of_deployment=False),
    Runbook("synchronise", _BROKEN, "act", "Brings the role mappings to what the groups say now."),
    Runbook(
        "eyes",
        "eyes-shut",
        "look",
        "Shows what Portcullis does not see any more, and since when.",
        of_deployment=False,
    ),
    Runbook("roads", "another-road", "look", "Shows who else may be let in: what differs from what was accepted."),
    Runbook(
        "accept",
        "another-road",
        "act",
        "Says that what opens another road was meant: it is compared with from now on.",
        arguments=("watch", "reason"),
    ),
    Runbook("drift", _DRIFT, "look", "Shows what was changed by hand on the engine."),
    Runbook("plan", _DRIFT, "look", "Shows what applying the model in force would change, for roles and people."),
    Runbook("apply", _DRIFT, "act", "Brings the engine to what the model in force asks for."),
    Runbook("history", _DRIFT, "look", "Shows what was changed, when, by whom and because of what."),
    Runbook(
        "rollback", _DRIFT, "act", "Undoes one change of the history, to the byte.", arguments=("entry",)
    ),
)  # fmt: skip


def _text(description: str, pattern: str, default: str | None = None) -> dict[str, Any]:
    asked = {"type": "String", "description": description, "allowedPattern": pattern}
    return asked if default is None else asked | {"default": default}


_DEPLOYMENT_NAME = "^[a-z][a-z0-9-]{2,20}$"
_DEPLOYMENT = _text("Name of the deployment, as in its file.", _DEPLOYMENT_NAME)
_ARGUMENTS = {
    "reason": _text("Why. It stands in the history and in the alert.", "^[^\\x00-\\x1f]{4,500}$"),
    "minutes": _text("For how many minutes; empty: the most that the deployment file allows.", "^([0-9]{1,3})?$", ""),
    "write": _text("true: it may write documents too. Else it only reads.", "^(true|false)$", "false"),
    "to": _text("The deployment to move to, deployed already, with the new key.", _DEPLOYMENT_NAME),
    "confirm": _text(
        "To delete: the name of the deployment once more. To shred: the id of the key.", "^[A-Za-z0-9-]{3,64}$"
    ),
    "days": _text("How many days KMS waits before it deletes the key.", "^(7|8|9|[12][0-9]|30)$", "30"),
    "name": _text("Name of the snapshot.", "^[a-z0-9][a-z0-9._-]{0,254}$"),
    "indices": _text("Names and patterns of indices, comma-separated.", '^[^\\x00-\\x20\\"]{1,500}$', "*"),
    "watch": _text("What differs, as `portcullis roads` calls it.", "^[\\x21-\\x7e]{3,128}$"),
    "entry": _text("Number of the entry in the history (1: the latest), or its time.", "^[0-9T.]{1,32}$"),
}
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
    parameters: dict[str, Any] = {"Deployment": _DEPLOYMENT} if runbook.of_deployment else {}
    parameters |= {name.capitalize(): _ARGUMENTS[name] for name in runbook.arguments}
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
