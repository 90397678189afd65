"""The snapshots of a deployment: a bucket of the account's own, under the deployment's key, and the two roles it takes to use it."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks import names
from stacks.keeping import KEPT
from stacks.key import SNAPSHOT_TAKERS, SNAPSHOT_USE, KeyFacts, only_functions


class Snapshots(Construct):
    """Part of the domain's stack. The bucket stays when the stack goes. Whoever destroys the deployment's key destroys
    these snapshots too, unless the file gives the bucket a key of its own."""

    def __init__(
        self, scope: Construct, name: str, *, key: KeyFacts, domain_arn: str, reads: Snapshots | None = None
    ) -> None:
        """`reads`: those of another deployment, for a re-key."""
        super().__init__(scope, name)
        stack, deployment = Stack.of(self), key.one.name
        asked = key.one.model.snapshots
        # Under a key of its own the snapshots outlive the deployment's key; else they go with it.
        self.under = under = asked.key_arn or (key.arn if key.id else "")
        self._base = deployment  # where in the bucket, see portcullis.operations.snapshots
        self.bucket = s3.Bucket.from_bucket_name(self, "Bucket", asked.bucket) if asked.bucket else self._bucket(under)
        self.store = iam.Role(
            self,
            "Store",
            role_name=names.of(deployment, "snapshot-store"),
            description=f"Portcullis: Amazon OpenSearch Service writes and reads the snapshots of {deployment} as this",
            assumed_by=iam.ServicePrincipal(
                "es.amazonaws.com",
                conditions={
                    "StringEquals": {"aws:SourceAccount": stack.account},
                    "ArnLike": {"aws:SourceArn": domain_arn},
                },
            ),
        )
        allowed = [
            iam.PolicyStatement(actions=["s3:ListBucket"], resources=[self.bucket.bucket_arn]),
            iam.PolicyStatement(
                actions=["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
                resources=[self.bucket.arn_for_objects("*")],
            ),
        ]
        through = {"StringEquals": {"kms:ViaService": f"s3.{stack.region}.amazonaws.com"}}
        if under:
            allowed.append(iam.PolicyStatement(actions=list(SNAPSHOT_USE), resources=[under], conditions=through))
        if reads:
            objects = reads.bucket.arn_for_objects(f"{reads._base}/*")
            allowed.append(iam.PolicyStatement(actions=["s3:ListBucket"], resources=[reads.bucket.bucket_arn]))
            allowed.append(iam.PolicyStatement(actions=["s3:GetObject"], resources=[objects]))
            if reads.under:
                decrypt = iam.PolicyStatement(actions=["kms:Decrypt"], resources=[reads.under], conditions=through)
                allowed.append(decrypt)
        for statement in allowed:
            self.store.add_to_policy(statement)
        self.taker = iam.Role(
            self,
            "Taker",
            role_name=names.of(deployment, "snapshots"),
            description=f"Portcullis: asks {deployment} for snapshots",
            assumed_by=iam.AccountRootPrincipal().with_conditions(only_functions(stack, SNAPSHOT_TAKERS)),
        )
        # Passed on when the repository is registered, to the service that the role trusts.
        to_service = {"StringEquals": {"iam:PassedToService": "es.amazonaws.com"}}
        self.taker.add_to_policy(
            iam.PolicyStatement(actions=["iam:PassRole"], resources=[self.store.role_arn], conditions=to_service)
        )

    def _bucket(self, under: str) -> s3.Bucket:
        return s3.Bucket(
            self,
            "Bucket",
            # A bucket takes a key by its ARN. By an alias of another account it would take none that can be checked: S3's own then.
            encryption=s3.BucketEncryption.KMS if under else s3.BucketEncryption.S3_MANAGED,
            # Imported, so that CDK leaves its policy alone, which another stack has written.
            encryption_key=kms.Key.from_key_arn(self, "Key", under) if under else None,
            bucket_key_enabled=True if under else None,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            lifecycle_rules=[s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(7))],
            removal_policy=KEPT,
        )
