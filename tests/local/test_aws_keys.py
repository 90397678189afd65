"""Keys refuse, rotate and go as KMS's do."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from local.aws.emulator import Credentials, Emulator
from tests.local.bus import Bus

pytest_plugins = ["tests.fixtures_aws"]
pytestmark = pytest.mark.aws


def _refusal(call: Callable[..., Any], **asked: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**asked)
    return str(refused.value.response["Error"]["Code"])


def _imported(kms: Any, **how: Any) -> str:
    """A key with material of our own."""
    key: str = kms.create_key(Origin="EXTERNAL")["KeyMetadata"]["Arn"]
    parameters = kms.get_parameters_for_import(
        KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    )
    wrapping = serialization.load_der_public_key(parameters["PublicKey"])
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
    wrapped = wrapping.encrypt(os.urandom(32), oaep)  # type: ignore[union-attr, call-arg, arg-type]
    kms.import_key_material(KeyId=key, ImportToken=parameters["ImportToken"], EncryptedKeyMaterial=wrapped, **how)
    return key


def _disabled(aws: Emulator) -> str:
    kms = aws.client("kms")
    key: str = kms.create_key()["KeyMetadata"]["Arn"]
    kms.disable_key(KeyId=key)
    return key


def _pending(aws: Emulator) -> str:
    kms = aws.client("kms")
    key: str = kms.create_key()["KeyMetadata"]["Arn"]
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    return key


def _deleted(aws: Emulator) -> str:
    key = _pending(aws)
    aws.admin("key-delete", arn=key)
    return key


def _waits_for_replicas(aws: Emulator) -> str:
    kms = aws.client("kms")
    key = kms.create_key(MultiRegion=True)["KeyMetadata"]["Arn"]
    kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")
    assert kms.schedule_key_deletion(KeyId=key)["KeyState"] == "PendingReplicaDeletion"
    return str(key)


def _without_material(aws: Emulator) -> str:
    kms = aws.client("kms")
    key = _imported(kms, ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE")
    kms.delete_imported_key_material(KeyId=key)
    return key


def _expired(aws: Emulator) -> str:
    key = _imported(aws.client("kms"), ExpirationModel="KEY_MATERIAL_EXPIRES", ValidTo=time.time() + 0.2)
    time.sleep(0.4)
    return key


UNUSABLE = {
    "disabled": (_disabled, "DisabledException"),
    "pending deletion": (_pending, "KMSInvalidStateException"),
    "pending replica deletion": (_waits_for_replicas, "KMSInvalidStateException"),
    "deleted": (_deleted, "NotFoundException"),
    "imported material deleted": (_without_material, "KMSInvalidStateException"),
    "imported material expired": (_expired, "KMSInvalidStateException"),
}


@pytest.mark.parametrize("state", UNUSABLE)
def test_given_an_unusable_key_when_it_is_used_then_every_way_is_refused(aws: Emulator, state: str) -> None:
    make, code = UNUSABLE[state]
    key, kms = make(aws), aws.client("kms")
    grantee = f"arn:aws:iam::{aws.account}:root"
    assert _refusal(kms.encrypt, KeyId=key, Plaintext=b"x") == code
    assert _refusal(kms.encrypt, KeyId=key, Plaintext=b"x", DryRun=True) == code, (
        "a dry run tells of the key's state first"
    )
    assert _refusal(kms.generate_data_key, KeyId=key, KeySpec="AES_256") == code
    assert _refusal(kms.create_grant, KeyId=key, GranteePrincipal=grantee, Operations=["Decrypt"]) == code


def test_a_disabled_key_reads_nothing_until_it_is_enabled_again(aws: Emulator) -> None:
    """What was encrypted before can be decrypted afterwards."""
    kms = aws.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    secret = kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    kms.disable_key(KeyId=key)
    assert _refusal(kms.decrypt, CiphertextBlob=secret) == "DisabledException"
    kms.enable_key(KeyId=key)
    assert kms.decrypt(CiphertextBlob=secret)["Plaintext"] == b"secret"


def test_given_a_usable_key_when_asked_to_try_then_it_says_that_it_would(aws: Emulator) -> None:
    kms = aws.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    secret = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert _refusal(kms.encrypt, KeyId=key, Plaintext=b"x", DryRun=True) == "DryRunOperationException"
    assert _refusal(kms.decrypt, CiphertextBlob=secret, DryRun=True) == "DryRunOperationException"
    assert _refusal(kms.generate_data_key, KeyId=key, KeySpec="AES_256", DryRun=True) == "DryRunOperationException"


@pytest.mark.parametrize("make", [_pending, _waits_for_replicas, _without_material], ids=lambda make: make.__name__)
def test_a_key_being_deleted_or_without_material_cannot_be_switched(aws: Emulator, make: Callable[..., str]) -> None:
    """Neither enabling nor disabling works while it is pending deletion, waits for its replicas or lacks its material."""
    key, kms = make(aws), aws.client("kms")
    assert _refusal(kms.enable_key, KeyId=key) == "KMSInvalidStateException"
    assert _refusal(kms.disable_key, KeyId=key) == "KMSInvalidStateException"


def test_a_key_whose_deletion_is_cancelled_is_disabled(aws: Emulator) -> None:
    """It is not enabled by itself. Cancelling a second time is refused."""
    key, kms = _pending(aws), aws.client("kms")
    kms.cancel_key_deletion(KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"
    assert _refusal(kms.cancel_key_deletion, KeyId=key) == "KMSInvalidStateException"


def test_a_key_policy_can_refuse_a_user_whom_iam_permits(aws: Emulator, person: Callable[..., Credentials]) -> None:
    """Once it denies the call, and once it does not allow it."""
    someone = person("kms:*")
    arn = aws.client("sts", credentials=someone).get_caller_identity()["Arn"]
    root, theirs = aws.client("kms"), aws.client("kms", credentials=someone)
    key = root.create_key()["KeyMetadata"]["Arn"]
    theirs.encrypt(KeyId=key, Plaintext=b"x")
    everyone = {
        "Sid": "account",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{aws.account}:root"},
        "Action": "kms:*",
    }
    deny = {"Effect": "Deny", "Principal": {"AWS": arn}, "Action": "kms:Encrypt", "Resource": "*"}
    own = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{aws.account}:user/other"},
        "Action": "kms:*",
        "Resource": "*",
    }
    for statements in ([{**everyone, "Resource": "*"}, deny], [own]):
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        root.put_key_policy(KeyId=key, Policy=policy)
        assert _refusal(theirs.encrypt, KeyId=key, Plaintext=b"x") == "AccessDeniedException"


def test_a_rotation_on_demand_is_listed_told_twice_and_keeps_old_data(aws: Emulator, bus: Callable[..., Bus]) -> None:
    """What was encrypted before stays readable. CloudTrail and KMS itself each send an event."""
    caught, kms = bus(), aws.client("kms")
    key = kms.create_key()["KeyMetadata"]
    secret = kms.encrypt(KeyId=key["Arn"], Plaintext=b"old")["CiphertextBlob"]
    assert kms.rotate_key_on_demand(KeyId=key["KeyId"])["KeyId"] == key["KeyId"]
    rotations = kms.list_key_rotations(KeyId=key["KeyId"])["Rotations"]
    assert [(r["KeyId"], r["RotationType"]) for r in rotations] == [(key["KeyId"], "ON_DEMAND")]
    assert kms.decrypt(CiphertextBlob=secret)["Plaintext"] == b"old"
    now = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["CurrentKeyMaterialId"]
    assert now != key["CurrentKeyMaterialId"]
    service = caught.wait(lambda e: e["detail-type"] == "AWS Service Event via CloudTrail")
    assert service["detail"]["eventName"] == "RotateKey"
    assert service["detail"]["eventType"] == "AwsServiceEvent"
    assert service["detail"]["serviceEventDetails"]["rotationType"] == "ON_DEMAND"
    assert service["detail"]["resources"][0]["ARN"] == key["Arn"]
    native = caught.wait(lambda e: e["detail-type"] == "KMS CMK Rotation")
    assert (native["source"], native["resources"]) == ("aws.kms", [key["Arn"]])
    assert native["detail"]["key-id"] == key["KeyId"]
    caught.named("RotateKeyOnDemand", keyId=key["KeyId"])


def test_the_26th_rotation_on_demand_exceeds_the_limit(aws: Emulator) -> None:
    """KMS allows 25 for each key. They are listed in pages."""
    kms = aws.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    for _ in range(25):
        kms.rotate_key_on_demand(KeyId=key)
    assert _refusal(kms.rotate_key_on_demand, KeyId=key) == "LimitExceededException"
    first = kms.list_key_rotations(KeyId=key, Limit=20)
    rest = kms.list_key_rotations(KeyId=key, Marker=first["NextMarker"])
    assert (len(first["Rotations"]), first["Truncated"], len(rest["Rotations"]), rest["Truncated"]) == (
        20,
        True,
        5,
        False,
    )


def test_automatic_rotation_shows_period_and_next_date_and_has_limits(aws: Emulator) -> None:
    """A period of less than 90 or more than 2560 days is refused."""
    kms = aws.client("kms")
    key = kms.create_key()["KeyMetadata"]
    assert kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"] is False
    unchecked = aws.client("kms", config=Config(parameter_validation=False))
    for period in (31, 89, 2561):
        assert (
            _refusal(unchecked.enable_key_rotation, KeyId=key["KeyId"], RotationPeriodInDays=period)
            == "ValidationException"
        )
    kms.enable_key_rotation(KeyId=key["KeyId"], RotationPeriodInDays=90)
    status = kms.get_key_rotation_status(KeyId=key["KeyId"])
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"], status["KeyId"]) == (True, 90, key["Arn"])
    assert 89 <= (status["NextRotationDate"] - key["CreationDate"]).days <= 91
    aws.admin("key-rotate", arn=key["Arn"])
    assert kms.list_key_rotations(KeyId=key["KeyId"])["Rotations"][0]["RotationType"] == "AUTOMATIC"


def test_kms_itself_tells_of_a_deletion_or_expiry_when_its_time_comes(aws: Emulator, bus: Callable[..., Bus]) -> None:
    """Both the event of KMS and the record of CloudTrail name the key."""
    caught = bus()
    deleted = _deleted(aws)
    expired = _imported(aws.client("kms"), ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE")
    aws.admin("key-expire", arn=expired)
    for kind, arn, service in (
        ("KMS CMK Deletion", deleted, "DeleteKey"),
        ("KMS Imported Key Material Expiration", expired, "DeleteExpiredKeyMaterial"),
    ):
        native = caught.wait(lambda e, kind=kind: e["detail-type"] == kind)
        assert native["resources"] == [arn]
        assert native["detail"] == {"key-id": arn.rpartition("/")[2]}
        record = caught.wait(lambda e, service=service: e["detail"].get("eventName") == service)
        assert record["detail"]["resources"][0]["ARN"] == arn


def test_given_a_grant_when_listed_revoked_and_used_again_then_it_is_gone(aws: Emulator) -> None:
    kms = aws.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    grant = kms.create_grant(KeyId=key, GranteePrincipal="es.amazonaws.com", Operations=["Decrypt"], Name="one")
    assert [g["GrantId"] for g in kms.list_grants(KeyId=key)["Grants"]] == [grant["GrantId"]]
    kms.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
    assert kms.list_grants(KeyId=key)["Grants"] == []
    assert _refusal(kms.revoke_grant, KeyId=key, GrantId=grant["GrantId"]) == "NotFoundException"


def test_a_permission_limited_to_an_alias_counts_for_that_key_only(aws: Emulator, name: str) -> None:
    """By kms:RequestAlias only a call that names the alias is allowed, by kms:ResourceAliases any call on the key behind it."""
    kms, iam = aws.client("kms"), aws.client("iam")
    mine, other = (kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
    kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=mine)
    kms.create_alias(AliasName=f"alias/{name}-other", TargetKeyId=other)
    allowed = [
        ("kms:DescribeKey", {"StringEquals": {"kms:RequestAlias": f"alias/{name}"}}),
        ("kms:GetKeyPolicy", {"ForAnyValue:StringEquals": {"kms:ResourceAliases": f"alias/{name}"}}),
    ]
    keys = f"arn:aws:kms:{aws.region}:{aws.account}:key/*"
    statements = [{"Effect": "Allow", "Action": a, "Resource": keys, "Condition": c} for a, c in allowed]
    iam.create_user(UserName=name)
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=name, PolicyName="by-alias", PolicyDocument=document)
    given = iam.create_access_key(UserName=name)["AccessKey"]
    theirs = aws.client("kms", credentials=Credentials(given["AccessKeyId"], given["SecretAccessKey"]))
    assert theirs.describe_key(KeyId=f"alias/{name}")["KeyMetadata"]["KeyId"] == mine
    assert theirs.get_key_policy(KeyId=mine, PolicyName="default")["Policy"]
    for call in (
        lambda: theirs.describe_key(KeyId=mine),
        lambda: theirs.describe_key(KeyId=f"alias/{name}-other"),
        lambda: theirs.get_key_policy(KeyId=other, PolicyName="default"),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            call()
