"""us-east-1: where IAM's events happen, and those of STS's global endpoint. They go on to the default bus of the home Region, where
the deployments' rules listen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from aws_cdk import Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks import names
from stacks.deployments import Declared
from stacks.listening import patterns

IAM_REGION = names.IAM_REGION


def wanted(deployments: Sequence[Declared]) -> dict[str, Any] | None:
    """The pattern over all deployments; None if none of them has anything in IAM to listen to."""
    return patterns.relay(
        iam_groups=sorted({name for one in deployments for name in one.iam_groups}),
        iam_users=sorted({name for one in deployments for name in one.iam_users}),
        iam_roles=sorted({name for one in deployments for name in one.iam_roles}),
        own_roles=f"{names.PREFIX}-",
    )


class Relay(Stack):
    def __init__(
        self, scope: Construct, name: str, *, home: str, deployments: Sequence[Declared], **kwargs: Any
    ) -> None:
        super().__init__(scope, name, **kwargs)
        self.eyes: list[dict[str, Any]] = []
        bus = f"arn:{self.partition}:events:{home}:{self.account}:event-bus/default"
        passes_on = iam.PolicyStatement(actions=["events:PutEvents"], resources=[bus])
        role = iam.Role(
            self,
            "Role",
            role_name=names.RELAY_ROLE,
            description="Portcullis: passes IAM's events on to the home Region",
            assumed_by=iam.ServicePrincipal(
                "events.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": self.account}}
            ),
            inline_policies={"pass-on": iam.PolicyDocument(statements=[passes_on])},
        )
        trust = self.resolve(cast(iam.CfnRole, role.node.default_child).assume_role_policy_document)
        may = {"policies": {"pass-on": {"Statement": [passes_on.to_statement_json()]}}, "trust": trust}
        self.eyes.append({"kind": "role", "name": names.RELAY_ROLE, "region": IAM_REGION, "wants": may})
        anyone = f"arn:{self.partition}:iam::{self.account}:role/{names.of('*', 'break-glass')}"
        self._pass_on("Rule", "relay", "IAM's events", wanted(deployments), "ENABLED", bus, role)
        # Each of these two hears of whoever disables the other.
        taken = patterns.break_glass(anyone, also=patterns.rules_called(f"{names.PREFIX}-relay-eyes"))
        self._pass_on(
            "Eyes",
            "relay-eyes",
            "what may make us blind",
            patterns.eyes_of_rules(f"{names.PREFIX}-"),
            "ENABLED",
            bus,
            role,
        )
        self._pass_on(
            "Taken", "relay-break-glass", "takings of break-glass", taken, patterns.ALL_MANAGEMENT_EVENTS, bus, role
        )

    def _pass_on(
        self,
        identifier: str,
        name: str,
        what: str,
        pattern: dict[str, Any] | None,
        state: str,
        bus: str,
        role: iam.Role,
    ) -> None:
        if pattern is None:
            return
        wants = {"state": state, "pattern": pattern, "target": bus, "role": role.role_arn}
        self.eyes.append({"kind": "rule", "name": f"{names.PREFIX}-{name}", "region": IAM_REGION, "wants": wants})
        events.CfnRule(
            self,
            identifier,
            name=f"{names.PREFIX}-{name}",
            description=f"Portcullis: {what}, to {bus.split(':')[3]}",
            event_pattern=pattern,
            state=state,
            targets=[events.CfnRule.TargetProperty(id="home", arn=bus, role_arn=role.role_arn)],
        )
