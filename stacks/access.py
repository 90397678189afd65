"""What is asked of a deployment's engine: the custom resource that registers the deployment and puts its access model on the domain.

A stack of its own, after the domain's: what the engine refuses fails here, and the domain stays. CloudFormation would take a new domain
back with whatever else failed in its stack.
"""

from __future__ import annotations

import hashlib
from typing import Any

from aws_cdk import CustomResource, Duration, Stack
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from stacks.automation import Automation
from stacks.domain import Domain
from stacks.identity import MASTER_USER
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
            "domain": domain.domain.ref,
            "domain_arn": domain.domain_arn,
            "endpoint": domain.domain.attr_domain_endpoint,
            "key_arn": domain.key.arn,
            "key_alias": one.key_alias,
            "key_replicas": list(domain.key.replica_arns),
            "user_pool": identity.pool.user_pool_id if identity.pool else "",
            "identity_pool": identity.identity_pool.ref if identity.identity_pool else "",
            "identity_store": one.identity_store,
            "group_roles": identity.group_roles,
            "bounded_roles": identity.bounded_roles,
            "master_role": identity.master.role_arn,
            "master_secret": identity.master_secret.secret_arn if identity.master_secret else "",
            "master_user": MASTER_USER if identity.master_secret else "",
            "automation_role": automation.automation_role.role_arn,
            "break_glass_role": identity.break_glass.role_arn,
            "canary_role": identity.canary.role_arn,
            "snapshot_role": domain.snapshots.taker.role_arn,
            "snapshot_store_role": domain.snapshots.store.role_arn,
            "snapshot_bucket": domain.snapshots.bucket.bucket_name,
            "security_group": domain.group.security_group_id,
            "automation_security_group": network.automation_group.security_group_id,
            "break_glass_security_group": network.break_glass_group.security_group_id,
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
