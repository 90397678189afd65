"""The search domain of a deployment, the rules that listen for it, and the alarms on its health."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnOutput, CfnUpdatePolicy, Stack
from aws_cdk import aws_logs as logs
from aws_cdk import aws_opensearchservice as search
from constructs import Construct

from stacks.alarms import watch_domain
from stacks.automation import Automation
from stacks.deployments import Declared
from stacks.keeping import KEPT
from stacks.key import KeyFacts
from stacks.listening import patterns
from stacks.network import Network
from stacks.people.identity import Identity
from stacks.rules import arn_of_alias, called, identities, rule
from stacks.snapshots import Snapshots

_TLS = "Policy-Min-TLS-1-2-PFS-2023-10"
_LOGS = ("AUDIT_LOGS", "ES_APPLICATION_LOGS", "INDEX_SLOW_LOGS", "SEARCH_SLOW_LOGS")


class Domain(Stack):
    """Kept when the stack goes, and the stack is protected: a domain is deleted by Portcullis, which locks, asks and takes a snapshot
    first, and by nothing else. What is asked of the engine is in a stack of its own (`stacks.access`): a model that it refuses takes no
    domain with it. Its key can never be changed: another KmsKeyId would make CloudFormation replace the domain."""

    snapshots: Snapshots

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        network: Network,
        key: KeyFacts,
        identity: Identity,
        automation: Automation,
        reads: Domain | None = None,
        **kwargs: Any,
    ) -> None:
        """`reads`: the one whose snapshots this one may read."""
        super().__init__(scope, name, termination_protection=True, **kwargs)
        self.one: Declared = identity.one
        self.key, self.identity = key, identity
        self._network, self._automation = network, automation
        self.domain_arn = self.format_arn(service="es", resource="domain", resource_name=self.one.name)
        self.group = network.domain_groups[self.one.name]
        self.domain = self._domain()
        source = reads.snapshots if reads else None
        self.snapshots = Snapshots(self, "Snapshots", key=key, domain_arn=self.domain_arn, reads=source)
        self._rules()
        alarms = watch_domain(self, self.one, automation.topic)
        wants = {"names": [*alarms], "as": alarms, "told": automation.topic.topic_arn}
        self.eyes.append({"kind": "alarms", "name": f"of {self.one.name}", "wants": wants})
        # Whoever reads these snapshots for a re-key imports it, and stops to: it stays, so that the order does not matter.
        if not self.one.model.snapshots.bucket:
            self.export_value(self.snapshots.bucket.bucket_arn)
        CfnOutput(self, "DomainName", value=self.domain.ref)
        CfnOutput(self, "Endpoint", value=self.domain.attr_domain_endpoint)

    # ------------------------------------------------------------------ the domain

    def _domain(self) -> search.CfnDomain:
        one, zones = self.one, self.one.zones
        publishing = self._logs()
        domain = search.CfnDomain(
            self,
            "Domain",
            domain_name=one.name,
            engine_version=one.engine,
            cluster_config=search.CfnDomain.ClusterConfigProperty(
                instance_type=one.node_type,
                instance_count=one.node_count,
                zone_awareness_enabled=zones > 1,
                zone_awareness_config=search.CfnDomain.ZoneAwarenessConfigProperty(availability_zone_count=zones)
                if zones > 1
                else None,
            ),
            ebs_options=search.CfnDomain.EBSOptionsProperty(
                ebs_enabled=True, volume_type="gp3", volume_size=one.storage_gib
            ),
            vpc_options=search.CfnDomain.VPCOptionsProperty(
                subnet_ids=self._network.subnets_for(one), security_group_ids=[self.group.security_group_id]
            ),
            encryption_at_rest_options=search.CfnDomain.EncryptionAtRestOptionsProperty(
                enabled=True, kms_key_id=self.key.arn
            ),
            node_to_node_encryption_options=search.CfnDomain.NodeToNodeEncryptionOptionsProperty(enabled=True),
            domain_endpoint_options=search.CfnDomain.DomainEndpointOptionsProperty(
                enforce_https=True, tls_security_policy=_TLS
            ),
            advanced_security_options=self._security(),
            cognito_options=self._cognito(),
            access_policies=one.access_policy(self.domain_arn),
            log_publishing_options=publishing,
            off_peak_window_options=search.CfnDomain.OffPeakWindowOptionsProperty(enabled=True),
            software_update_options=search.CfnDomain.SoftwareUpdateOptionsProperty(auto_software_update_enabled=True),
        )
        domain.apply_removal_policy(KEPT)
        domain.cfn_options.update_policy = CfnUpdatePolicy(
            enable_version_upgrade=True
        )  # else another engine is another domain
        return domain

    def _security(self) -> search.CfnDomain.AdvancedSecurityOptionsInputProperty:
        """The master: a role (then basic authentication is off), or for `internal` a user whose password nobody has written down."""
        secret = self.identity.master_secret
        if secret:
            master = search.CfnDomain.MasterUserOptionsProperty(
                master_user_name=secret.secret_value_from_json("username").unsafe_unwrap(),
                master_user_password=secret.secret_value_from_json("password").unsafe_unwrap(),
            )
        else:
            master = search.CfnDomain.MasterUserOptionsProperty(master_user_arn=self.identity.master.role_arn)
        return search.CfnDomain.AdvancedSecurityOptionsInputProperty(
            enabled=True, internal_user_database_enabled=secret is not None, master_user_options=master
        )

    def _cognito(self) -> search.CfnDomain.CognitoOptionsProperty | None:
        identity = self.identity
        if self.one.configuration != "cognito" or not (
            identity.pool and identity.identity_pool and identity.cognito_access
        ):
            return None
        return search.CfnDomain.CognitoOptionsProperty(
            enabled=True,
            user_pool_id=identity.pool.user_pool_id,
            identity_pool_id=identity.identity_pool.ref,
            role_arn=identity.cognito_access.role_arn,
        )

    def _logs(self) -> dict[str, Any]:
        """Where the domain writes its logs. That it may is said once for all domains, by the automation's stack."""
        groups = {
            kind: logs.LogGroup(
                self,
                f"Log-{kind}",
                log_group_name=f"/aws/OpenSearchService/domains/{self.one.name}/{kind.lower().replace('_', '-')}",
                retention=logs.RetentionDays.THREE_MONTHS,
                removal_policy=KEPT,
            )
            for kind in _LOGS
        }
        return {
            kind: search.CfnDomain.LogPublishingOptionProperty(
                enabled=True, cloud_watch_logs_log_group_arn=group.log_group_arn
            )
            for kind, group in groups.items()
        }

    # ------------------------------------------------------------------ the rules

    def _rules(self) -> None:
        one, identity, key = self.one, self.identity, self.key
        listened = identities(self, one, identity.pool, identity.identity_pool)
        self.eyes: list[dict[str, Any]] = []
        if listened:
            self._rule("identity", listened, "who is in which group may have changed")
        alias_arn = arn_of_alias(self, one)
        self._rule(
            "key",
            patterns.key(
                key_arn=key.arn,
                key_id=key.id,
                key_alias=one.key_alias,
                alias_arn=alias_arn,
                domain=one.name,
                domain_arn=self.domain_arn,
                security_group=self.group.security_group_id,
            ),
            "the key, the domain or the road to it may have changed",
        )
        # A rule of its own: the key's would get every use of the key as well.
        secret = identity.master_secret
        of_master = called(self, secret.secret_name) if secret else None
        taken = patterns.break_glass(identity.break_glass.role_arn, of_master)
        self._rule(
            "break-glass",
            taken,
            "break-glass was taken",
            queue="key",
            state=patterns.ALL_MANAGEMENT_EVENTS,
            group="taken",
        )

    def _rule(self, concern: str, pattern: dict[str, Any], meaning: str, **how: str) -> None:
        self.eyes.append(rule(self, self._automation, self.one, concern, pattern, meaning, **how))
