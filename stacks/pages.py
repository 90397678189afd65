"""Where pages are kept: a bucket that is made, or one that is named; and the right to it, of people and of functions."""

from __future__ import annotations

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct
from portcullis import model
from portcullis.settings import PAGES

from stacks import names
from stacks.keeping import KEPT
from stacks.key import ADMINISTRATION, SNAPSHOT_USE, kms_actions
from stacks.rights.grounds import arn

_MAKES_PAGES = "operate"  # it may look at all that stands on a page
DOOR = f"{names.function(_MAKES_PAGES)}:{names.LEVELS[0]}"
_TELLS_ALONE = ("identity_sync", "key_guard", "sweep")  # what these tell no person is there to have asked for
_OLDEST_SIGNATURE = Duration.hours(12)  # as long as the command signs for at most


class Pages(Construct):
    """Part of the automation's stack. What is made stays when the stack goes. No function has a right here, unless the account's file has
    the automation write pages: else a page is made, and written, by whoever runs the command."""

    def __init__(self, scope: Construct, name: str, wanted: model.ReportPages) -> None:
        super().__init__(scope, name)
        self._wanted = wanted
        if wanted.bucket:
            self.bucket = s3.Bucket.from_bucket_name(self, "Bucket", wanted.bucket)
            self._key_arn = wanted.key_arn or ""
        else:
            key = self._key()
            self.bucket, self._key_arn = self._bucket(key, wanted.keep_days), key.key_arn

    def rights(self) -> list[iam.PolicyStatement]:
        """Of whoever may look: to write pages and to sign links to them, and nothing else that may lie in the bucket."""
        return self._may(["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"], list(SNAPSHOT_USE))

    def rights_of(self, function: str) -> list[iam.PolicyStatement]:
        may: list[iam.PolicyStatement] = []
        if self._wanted.every_minutes and function == "sweep":
            door = arn(Stack.of(self), "lambda", "function", DOOR, ArnFormat.COLON_RESOURCE_NAME)
            may.append(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[door]))
        if self._wanted.every_minutes and function == _MAKES_PAGES:
            may += self._may(["s3:PutObject"], ["kms:GenerateDataKey"])
        if self._wanted.link_minutes and function in _TELLS_ALONE:
            may += self._may(
                ["s3:GetObject", "s3:GetObjectVersion"], ["kms:Decrypt"]
            )  # whoever signs a link has to be allowed to read
        return may

    def environment_of(self, function: str) -> dict[str, str]:
        """Where pages are; of whoever asks for them how often, and of whoever links to them for how long."""
        said = {"PORTCULLIS_REPORT_BUCKET": self.bucket.bucket_name}
        if self._wanted.every_minutes and function == "sweep":
            said["PORTCULLIS_PAGE_MINUTES"] = str(self._wanted.every_minutes)
            said["PORTCULLIS_PAGE_DOOR"] = DOOR
        if self._wanted.link_minutes and function in _TELLS_ALONE:
            said["PORTCULLIS_LINK_MINUTES"] = str(self._wanted.link_minutes)
        return said

    def _may(self, objects: list[str], key: list[str]) -> list[iam.PolicyStatement]:
        may = [iam.PolicyStatement(actions=objects, resources=[self.bucket.arn_for_objects(f"{PAGES}/*")])]
        if self._key_arn:
            through = {"StringEquals": {"kms:ViaService": f"s3.{Stack.of(self).region}.amazonaws.com"}}
            may.append(iam.PolicyStatement(actions=key, resources=[self._key_arn], conditions=through))
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
