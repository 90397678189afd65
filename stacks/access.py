"""What is asked of a deployment's engine: the custom resource that registers the deployment and puts its access model on the domain.

A stack of its own, after that of the domain, or of what stands beside a cluster: what the engine refuses fails here, and the domain
stays. CloudFormation would take a new domain back with whatever else failed in its stack.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Annotations, CustomResource, Duration, Stack
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from stacks.automation import Automation
from stacks.deployments import Declared


class Access(Stack):
    """Protected, since a deployment that leaves it is no longer watched."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        one: Declared,
        registration: Mapping[str, Any],
        eyes: Sequence[Mapping[str, Any]],
        automation: Automation,
        **kwargs: Any,
    ) -> None:
        """`registration`: what `stacks.registrations` says of where its engine runs."""
        super().__init__(scope, name, termination_protection=True, **kwargs)
        for warning in one.warnings:  # the CDK command prints them with the stack
            said = f"{warning.place}: {warning.message} ({warning.remedy})"
            Annotations.of(self).add_warning_v2(f"portcullis:{warning.code}", said)
        text = one.source.read_bytes()
        asset = assets.Asset(self, "Model", path=str(one.source), asset_hash=hashlib.sha256(text).hexdigest())
        whole = {
            "deployment": one.name,
            "account": self.account,
            "region": self.region,
            **registration,
            "identity_store": one.identity_store or None,
            "eyes": self.to_json_string(eyes),
        }
        properties: dict[str, Any] = {
            "Registration": whole,
            "Model": {"bucket": asset.s3_bucket_name, "key": asset.s3_object_key},
            "ModelDigest": asset.asset_hash,
        }
        CustomResource(
            self,
            "AccessModel",
            resource_type="Custom::PortcullisDeployment",
            service_token=automation.functions["domain_setup"].function_arn,
            service_timeout=Duration.minutes(15),
            properties=properties,
        )
