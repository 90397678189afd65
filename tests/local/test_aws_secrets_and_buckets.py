"""What a template gets of a secret, and what a bucket takes of whoever publishes assets, as AWS has both."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local.aws.emulator import Emulator
from local.deploy import deploy, destroy
from tests.local.assemblies import Stack, write

pytest_plugins = ["tests.fixtures_aws"]
pytestmark = pytest.mark.aws


def _deployed(aws: Emulator, name: str, tmp_path: Path, description: str) -> str:
    secret = {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": name, "Description": description}}
    secret["Properties"]["GenerateSecretString"] = {"PasswordLength": 20}
    return str(deploy(write(tmp_path / "out", Stack(name, {"S": secret}, {"S": {"Ref": "S"}})), aws)[name]["S"])


def test_ref_of_a_secret_is_its_arn_as_long_as_its_stack_is_there(aws: Emulator, name: str, tmp_path: Path) -> None:
    secrets = aws.client("secretsmanager")
    arn = _deployed(aws, name, tmp_path, "before")
    password = secrets.get_secret_value(SecretId=arn)["SecretString"]
    assert arn.startswith(f"arn:aws:secretsmanager:{aws.region}:{aws.account}:secret:{name}-")

    assert _deployed(aws, name, tmp_path, "after") == arn
    shown = secrets.describe_secret(SecretId=arn)
    assert (shown["Name"], shown["Description"]) == (name, "after")
    assert secrets.get_secret_value(SecretId=arn)["SecretString"] == password

    destroy(write(tmp_path / "out", Stack(name, {}, {})), aws)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        secrets.describe_secret(SecretId=arn)


def test_an_object_encrypted_by_kms_without_a_key_is_under_the_accounts_own(aws: Emulator) -> None:
    s3, name = aws.client("s3"), "published-assets"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": aws.region})
    s3.put_object(Bucket=name, Key="asset", Body=b"x", ServerSideEncryption="aws:kms")
    shown = s3.head_object(Bucket=name, Key="asset")
    assert shown["ServerSideEncryption"] == "aws:kms"
    assert shown["SSEKMSKeyId"] == f"arn:aws:kms:{aws.region}:{aws.account}:alias/aws/s3"
