"""Where `portcullis report --to-bucket` puts pages: a bucket that is made, or one that is named; and the right to it, for people."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct
from portcullis import model
from portcullis.settings import PAGES

from stacks.keeping import KEPT
from stacks.key import ADMINISTRATION, SNAPSHOT_USE, kms_actions

_OLDEST_SIGNATURE = Duration.hours(12)  # as long as the command signs for at most


class Pages(Construct):
    """Part of the automation's stack. What is made stays when the stack goes. No function has a right here: the page is made, and
    written, by whoever runs the command."""

    def __init__(self, scope: Construct, name: str, wanted: model.ReportPages) -> None:
        super().__init__(scope, name)
        if wanted.bucket:
            self.bucket = s3.Bucket.from_bucket_name(self, "Bucket", wanted.bucket)
            self._key_arn = wanted.key_arn or ""
        else:
            key = self._key()
            self.bucket, self._key_arn = self._bucket(key, wanted.keep_days), key.key_arn

    def rights(self) -> list[iam.PolicyStatement]:
        """Of whoever may look: to write pages and to sign links to them, and nothing else that may lie in the bucket."""
        may = [
            iam.PolicyStatement(
                actions=["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
                resources=[self.bucket.arn_for_objects(f"{PAGES}/*")],
            )
        ]
        if self._key_arn:
            through = {"StringEquals": {"kms:ViaService": f"s3.{Stack.of(self).region}.amazonaws.com"}}
            may.append(iam.PolicyStatement(actions=list(SNAPSHOT_USE), resources=[self._key_arn], conditions=through))
        return may

    def _key(self) -> kms.Key:
        """Not a deployment's: a page is read when that one is gone. The account administers it, and uses it through S3 alone."""
        stack = Stack.of(self)
        account = iam.AccountRootPrincipal()
        through = {"kms:CallerAccount": stack.account, "kms:ViaService": f"s3.{stack.region}.amazonaws.com"}
        return kms.Key(
            self,
            "Key",
            description="Portcullis: encrypts the pages of portcullis report",
            enable_key_rotation=True,
            policy=iam.PolicyDocument(
                statements=[
                    iam.PolicyStatement(
                        sid="Administer", principals=[account], actions=kms_actions(*ADMINISTRATION), resources=["*"]
                    ),
                    iam.PolicyStatement(
                        sid="PagesAreWrittenAndRead",
                        principals=[account],
                        actions=list(SNAPSHOT_USE),
                        resources=["*"],
                        conditions={"StringEquals": through},
                    ),
                ]
            ),
            pending_window=Duration.days(30),
            removal_policy=KEPT,
        )

    def _bucket(self, key: kms.Key, days: int) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=Duration.days(days),
                    noncurrent_version_expiration=Duration.days(days),
                    abort_incomplete_multipart_upload_after=Duration.days(7),
                ),
                s3.LifecycleRule(expired_object_delete_marker=True),
            ],
            removal_policy=KEPT,
        )
        # Whoever may read may sign a link for a week by other tools: here none is good for longer than half a day.
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="NoLinkForLong",
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["s3:GetObject", "s3:GetObjectVersion"],
                resources=[bucket.arn_for_objects("*")],
                conditions={"NumericGreaterThan": {"s3:signatureAge": str(_OLDEST_SIGNATURE.to_milliseconds())}},
            )
        )
        return bucket
