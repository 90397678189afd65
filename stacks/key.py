"""The key of a deployment: made here, or somebody else's and only named. And its replicas, one stack a Region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Arn, ArnComponents, ArnFormat, CfnOutput, CfnParameter, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks import names
from stacks.deployments import Declared
from stacks.keeping import KEPT

# Everything about the key but using it: with kms:* for the account, any IAM policy of the account could open the domain.
ADMINISTRATION = (
    *("CancelKeyDeletion", "CreateAlias", "DeleteAlias", "DeleteImportedKeyMaterial", "DescribeKey", "DisableKey"),
    *(
        "DisableKeyRotation",
        "EnableKey",
        "EnableKeyRotation",
        "GetKeyPolicy",
        "GetKeyRotationStatus",
        "GetParametersForImport",
    ),
    *("ImportKeyMaterial", "ListAliases", "ListGrants", "ListKeyPolicies", "ListKeyRotations", "ListResourceTags"),
    *("PutKeyPolicy", "ReplicateKey", "RetireGrant", "RevokeGrant", "RotateKeyOnDemand", "ScheduleKeyDeletion"),
    *(
        "SynchronizeMultiRegionKey",
        "TagResource",
        "UntagResource",
        "UpdateAlias",
        "UpdateKeyDescription",
        "UpdatePrimaryRegion",
    ),
)
# The five actions that a search service needs of a customer's key, and no others.
_USE = ("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "GetKeyRotationStatus")
# What the automation looks at, and what it asks (as a dry run) whether it may do: it can make nothing readable with it.
OBSERVE = ("DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListGrants", "ListKeyRotations", "ListResourceTags")
PROBE = ("Encrypt", "GenerateDataKeyWithoutPlaintext")
OBSERVERS = ("key_guard", "sweep", "operate", "remove")
SNAPSHOT_TAKERS = ("sweep", "operate", "remove")
SNAPSHOT_USE = ("kms:Decrypt", "kms:GenerateDataKey")


def kms_actions(*names_: str) -> list[str]:
    return [f"kms:{name}" for name in names_]


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What the other stacks need of a deployment's key. `arn` is the key's, or a given alias's; then `id` is empty."""

    one: Declared
    arn: str
    id: str
    replica_arns: tuple[str, ...] = ()


def given(one: Declared) -> KeyFacts:
    """Somebody else's key: nothing is made, so there is no stack."""
    return KeyFacts(one, one.key_arn, one.key_arn.rpartition(":key/")[2] if ":key/" in one.key_arn else "")


class Key(Stack):
    """The key that a deployment's domain is encrypted under, and its alias. `facts` is what the others need."""

    def __init__(
        self, scope: Construct, name: str, one: Declared, *, readers: Sequence[str] = (), **kwargs: Any
    ) -> None:
        """`readers`: the deployments that may read this one's snapshots."""
        super().__init__(scope, name, **kwargs)
        key = kms.Key(
            self,
            "Key",
            description=f"Portcullis: encrypts the deployment {one.name}",
            enable_key_rotation=True,
            rotation_period=Duration.days(one.rotation_days),
            multi_region=one.multi_region,
            policy=key_policy(self, one, readers),
            pending_window=Duration.days(30),
            removal_policy=KEPT,  # a key that goes takes the data with it: never as a side effect
        )
        kms.CfnAlias(self, "Alias", alias_name=one.key_alias, target_key_id=key.key_id)
        # Known before the replicas exist: a multi-Region key has the same id everywhere.
        slash = ArnFormat.SLASH_RESOURCE_NAME
        replicas = [
            Arn.format(
                ArnComponents(service="kms", region=region, resource="key", resource_name=key.key_id, arn_format=slash),
                self,
            )
            for region in one.replica_regions
        ]
        self.facts = KeyFacts(one, key.key_arn, key.key_id, tuple(replicas))
        CfnOutput(self, "KeyArn", value=key.key_arn)


class Replica(Stack):
    """A replica of a multi-Region key. Stacks of different Regions share no exports, so the primary's ARN is a parameter."""

    def __init__(
        self, scope: Construct, name: str, one: Declared, *, readers: Sequence[str] = (), **kwargs: Any
    ) -> None:
        super().__init__(scope, name, **kwargs)
        primary = CfnParameter(
            self,
            "PrimaryKeyArn",
            description=f"Output KeyArn of the stack {names.of(one.name, 'key')}",
            allowed_pattern="arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/mrk-[0-9a-f]{32}",
            constraint_description="the ARN of a multi-Region key: arn:aws:kms:REGION:ACCOUNT:key/mrk-...",
        )
        replica = kms.CfnReplicaKey(
            self,
            "Replica",
            primary_key_arn=primary.value_as_string,
            key_policy=key_policy(self, one, readers),
            description=f"Portcullis: replica for the deployment {one.name}",
            pending_window_in_days=30,
        )
        replica.apply_removal_policy(KEPT)
        kms.CfnAlias(self, "Alias", alias_name=one.key_alias, target_key_id=replica.ref)
        CfnOutput(self, "KeyArn", value=replica.attr_arn)


def key_policy(stack: Stack, one: Declared, readers: Sequence[str] = ()) -> iam.PolicyDocument:
    """Who may do what with a key of ours: the account administers, the search service uses, for the domain and for its
    snapshots, those who may read the snapshots read, and the automation looks.

    Principals are the account, bounded by conditions: roles that other stacks make later could not be named here.
    """
    account = iam.AccountRootPrincipal()
    region, number = stack.region, stack.account
    stores = [names.of(reader, "snapshot-store") for reader in readers]
    through_s3 = {"kms:CallerAccount": number, "kms:ViaService": f"s3.{region}.amazonaws.com"}
    reading = iam.PolicyStatement(
        sid="SnapshotsAreReadFromElsewhere",
        principals=[account],
        actions=["kms:Decrypt"],
        resources=["*"],
        conditions={"StringEquals": through_s3, **only_roles(stack, stores)},
    )
    through_service: dict[str, Any] = {
        "StringEquals": {"kms:CallerAccount": number, "kms:ViaService": f"es.{region}.amazonaws.com"}
    }
    if one.org_paths:
        through_service["ForAnyValue:StringLike"] = {"aws:PrincipalOrgPaths": list(one.org_paths)}
    return iam.PolicyDocument(
        statements=[
            iam.PolicyStatement(
                sid="Administer", principals=[account], actions=kms_actions(*ADMINISTRATION), resources=["*"]
            ),
            iam.PolicyStatement(
                sid="SearchServiceUses",
                principals=[iam.AnyPrincipal()],
                actions=kms_actions(*_USE),
                resources=["*"],
                conditions=through_service,
            ),
            iam.PolicyStatement(
                sid="SearchServiceHoldsGrants",
                principals=[iam.AnyPrincipal()],
                actions=["kms:CreateGrant"],
                resources=["*"],
                conditions={**through_service, "Bool": {"kms:GrantIsForAWSResource": "true"}},
            ),
            iam.PolicyStatement(
                sid="SnapshotsAreWrittenAndRead",
                principals=[account],
                actions=list(SNAPSHOT_USE),
                resources=["*"],
                conditions={
                    "StringEquals": through_s3,
                    **only_roles(stack, [names.of(one.name, "snapshot-store")]),
                },
            ),
            *([reading] if stores else []),
            iam.PolicyStatement(
                sid="AutomationLooks",
                principals=[account],
                actions=kms_actions(*OBSERVE, *PROBE),
                resources=["*"],
                conditions=only_functions(stack, OBSERVERS),
            ),
        ]
    )


def only_functions(stack: Stack, functions: tuple[str, ...]) -> dict[str, dict[str, list[str]]]:
    """A condition that holds for the roles of these functions and for nobody else."""
    return only_roles(stack, [names.function(name) for name in functions])


def only_roles(stack: Stack, roles: list[str]) -> dict[str, dict[str, list[str]]]:
    """A condition that holds for the roles of these names and for nobody else.

    The second form is the session's own ARN: AWS always compares the role's, some other evaluators the session's.
    """
    return {
        "ArnLike": {
            "aws:PrincipalArn": [f"arn:{stack.partition}:iam::{stack.account}:role/{role}" for role in roles]
            + [f"arn:{stack.partition}:sts::{stack.account}:assumed-role/{role}/*" for role in roles]
        }
    }
