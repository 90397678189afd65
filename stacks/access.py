"""What is asked of a deployment's engine: the custom resource that registers the deployment and puts its access model on the domain.

A stack of its own, after the domain's: what the engine refuses fails here, and the domain stays. CloudFormation would take a new domain
back with whatever else failed in its stack.
"""

from __future__ import annotations

import hashlib
from typing import Any

from aws_cdk import CustomResource, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from stacks.automation import Automation
from stacks.domain import Domain
from stacks.identity import MASTER_USER, Identity
from stacks.network import Network


class Access(Stack):
    """Protected, since a deployment that leaves it is no longer watched."""

    def __init__(
        self, scope: Construct, name: str, *, domain: Domain, network: Network, automation: Automation, **kwargs: Any
    ) -> None:
        super().__init__(scope, name, termination_protection=True, **kwargs)
        one, identity = domain.one, domain.identity
        text = one.source.read_bytes()
        asset = assets.Asset(self, "Model", path=str(one.source), asset_hash=hashlib.sha256(text).hexdigest())
        registration: dict[str, Any] = {
            "deployment": one.name,
            "family": "opensearch",  # of a domain of Amazon
            "account": self.account,
            "region": self.region,
            "place": {
                "type": "amazon-domain",
                "name": domain.domain.ref,
                "arn": domain.domain_arn,
                "endpoint": domain.domain.attr_domain_endpoint,
                "network": {
                    "group": domain.group.security_group_id,
                    "automation": network.automation_group.security_group_id,
                    "break_glass": network.break_glass_group.security_group_id,
                },
            },
            "key": {"arn": domain.key.arn, "alias": one.key_alias or None, "replicas": list(domain.key.replica_arns)},
            "automation": _role(automation.automation_role),
            "break_glass": _role(identity.break_glass),
            "canary": _role(identity.canary),
            **_master(identity),
            "cognito": _cognito(identity),
            "identity_store": one.identity_store or None,
            "snapshots": {
                "bucket": domain.snapshots.bucket.bucket_name,
                "taker": domain.snapshots.taker.role_arn,
                "store": domain.snapshots.store.role_arn,
            },
            "eyes": self.to_json_string(domain.eyes),
        }
        properties: dict[str, Any] = {
            "Registration": registration,
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


def _role(role: iam.Role) -> dict[str, str]:
    return {"type": "iam-role", "arn": role.role_arn}


def _master(identity: Identity) -> dict[str, Any]:
    """The master; beside a user of the internal user database the role is there all the same, and is watched as the others are."""
    if not (secret := identity.master_secret):
        return {"master": _role(identity.master)}
    user = {"type": "engine-user", "name": MASTER_USER, "secret": secret.secret_arn}
    return {"master": user, "other_roles": [identity.master.role_arn]}


def _cognito(identity: Identity) -> dict[str, Any] | None:
    """None, so that CloudFormation is told nothing of it, where the deployment has no user pool."""
    if not identity.pool:
        return None
    return {
        "user_pool": identity.pool.user_pool_id,
        "identity_pool": identity.identity_pool.ref if identity.identity_pool else None,
        "group_roles": identity.group_roles,
        "bounded_roles": identity.bounded_roles,
    }
