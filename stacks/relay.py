"""us-east-1: where IAM's events happen. They are passed on to the default bus of the home Region, where the deployments' rules listen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks import names, patterns
from stacks.deployments import Declared

IAM_REGION = "us-east-1"


def wanted(deployments: Sequence[Declared]) -> dict[str, Any] | None:
    """The pattern over all deployments; None if none of them has anything in IAM to listen to."""
    return patterns.relay(
        iam_groups=sorted({name for one in deployments for name in one.iam_groups}),
        iam_users=sorted({name for one in deployments for name in one.iam_users}),
        iam_roles=sorted({name for one in deployments for name in one.iam_roles}),
    )


class Relay(Stack):
    def __init__(
        self, scope: Construct, name: str, *, home: str, deployments: Sequence[Declared], **kwargs: Any
    ) -> None:
        super().__init__(scope, name, **kwargs)
        bus = f"arn:{self.partition}:events:{home}:{self.account}:event-bus/default"
        role = iam.Role(
            self,
            "Role",
            role_name=names.RELAY_ROLE,
            description="Portcullis: passes IAM's events on to the home Region",
            assumed_by=iam.ServicePrincipal(
                "events.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": self.account}}
            ),
            inline_policies={
                "pass-on": iam.PolicyDocument(
                    statements=[iam.PolicyStatement(actions=["events:PutEvents"], resources=[bus])]
                )
            },
        )
        events.CfnRule(
            self,
            "Rule",
            name=f"{names.PREFIX}-relay",
            description=f"Portcullis: IAM's events, to {home}",
            event_pattern=wanted(deployments),
            targets=[events.CfnRule.TargetProperty(id="home", arn=bus, role_arn=role.role_arn)],
        )
