"""A deployment under a key that is there already, the replica of a multi-Region key of another Region, with imported material: built on
after a check, locked when the material or the replica goes, and open again when it comes back."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from portcullis.custody.keys.key_policy import Context, to_paste

from local import embedded
from local.aws.emulator import Emulator
from local.people import People, until
from local.story.stages import Alerts, Cast
from tests.embedded.scene import Scene

pytestmark = pytest.mark.embedded
ALIAS = "alias/somebody/elses"
MATERIAL = os.urandom(32)  # its owner keeps a copy: KMS takes back none but the same
DAYS = 60
PRIMARY_REGION = "us-east-1"
_VERBS = "Create Describe Get List Put Update Delete Import Enable Disable Schedule Cancel Revoke"
ADMINISTERS = _VERBS.split(" ")


def give(aws: Emulator) -> None:
    """Somebody made a key, put his own material into it, and pasted the policy that `portcullis key policy` prints."""
    kms, primary = aws.client("kms"), aws.client("kms", PRIMARY_REGION)
    made = primary.create_key(Origin="EXTERNAL", MultiRegion=True, Description="somebody else's")
    key = made["KeyMetadata"]["KeyId"]
    import_material(primary, key)
    primary.replicate_key(KeyId=key, ReplicaRegion=aws.region)
    kms.create_alias(AliasName=ALIAS, TargetKeyId=key)
    import_material(kms, key)
    policy = to_paste(Context(aws.account, aws.region))
    administers = {
        "Sid": "OwnerAdministers",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{aws.account}:root"},
        "Action": [f"kms:{verb}*" for verb in ADMINISTERS],
        "Resource": "*",
    }
    policy["Statement"].append(administers)
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))


def import_material(kms: Any, key: str) -> None:
    given = kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048")
    wrapping = serialization.load_der_public_key(given["PublicKey"])
    assert isinstance(wrapping, rsa.RSAPublicKey)
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
    kms.import_key_material(
        KeyId=key,
        ImportToken=given["ImportToken"],
        EncryptedKeyMaterial=wrapping.encrypt(MATERIAL, oaep),
        ExpirationModel="KEY_MATERIAL_EXPIRES",
        ValidTo=datetime.now(UTC) + timedelta(days=DAYS),
    )


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Embedded]:
    home = tmp_path_factory.mktemp("theirs")
    files = home / "deployments"
    files.mkdir()
    demo = (embedded.PROJECT / "deployments" / "demo.yaml").read_text()
    before, _, after = demo.partition("\nkey:\n")
    arn = f"arn:aws:kms:{embedded.REGION}:{embedded.ACCOUNT}:{ALIAS}"
    rest = after.partition("\n\n")[2]
    (files / "demo.yaml").write_text(f"{before}\nkey:\n  arn: {arn}\n\n{rest}")
    with embedded.running(embedded.Parts(home=home / "run", deployments=files, before=give), print) as up:
        yield up


@pytest.fixture
def scene(theirs: embedded.Embedded) -> Iterator[Scene]:
    people = People(theirs)
    cast = Cast(theirs, people, people.with_role(embedded.APPLICATION_ROLE))
    key = theirs.aws.client("kms").describe_key(KeyId=ALIAS)["KeyMetadata"]["Arn"]
    one = Scene(cast, Alerts(theirs), key)
    one.begin()
    yield one
    one.end()


def deleted(scene: Scene) -> None:
    scene.kms.delete_imported_key_material(KeyId=scene.key)


def expired(scene: Scene) -> None:
    scene.aws.admin("key-expire", arn=scene.key)


@pytest.mark.parametrize("lost", [deleted, expired], ids=lambda way: way.__name__)
def test_material_that_goes_locks_and_the_same_material_imported_again_opens(
    scene: Scene, lost: Callable[[Scene], None]
) -> None:
    lost(scene)
    scene.until_locked()
    [told] = scene.told("locked")
    assert "material gone" in told["happened"]
    import_material(scene.kms, scene.key)
    scene.as_before()
    until(lambda: len(scene.told("unlocked")) == 1, what="the end of it is told")
    scene.timeline(f"imported material {lost.__name__}")


def test_a_replica_that_is_to_be_deleted_locks_though_its_primary_is_well(scene: Scene) -> None:
    scene.kms.schedule_key_deletion(KeyId=scene.key, PendingWindowInDays=7)
    scene.until_locked()
    [told] = scene.told("locked")
    assert "replica gone" in told["happened"]
    primary = scene.aws.client("kms", PRIMARY_REGION).describe_key(KeyId=scene.key.rpartition("/")[2])
    assert primary["KeyMetadata"]["KeyState"] == "Enabled"
    scene.kms.cancel_key_deletion(KeyId=scene.key)
    scene.kms.enable_key(KeyId=scene.key)
    scene.as_before()
    until(lambda: len(scene.told("unlocked")) == 1, what="the end of it is told")
    scene.timeline("the replica in this Region to be deleted")


def test_the_automation_sees_what_there_is_to_know_of_somebody_else_s_key(scene: Scene) -> None:
    checked = scene.cast.operate("key-check", "look", deployment=scene.up.deployment)
    found = {one["code"]: one for one in checked["findings"]}
    assert checked["exit_status"] == 0, checked
    assert "imported" in found["key-origin"]["says"]
    assert "replica" in found["key-multi-region"]["says"]
    assert found["policy-five"]["weight"] == "OK"
    told = scene.cast.operate("key-status", "look", deployment=scene.up.deployment)
    assert told["expires_in_days"] in (DAYS - 1, DAYS)
    assert told["alias"] == ALIAS


def test_an_alias_moved_to_another_key_is_told_and_does_not_lock(scene: Scene) -> None:
    """The domain keeps the key it was made with. It is told when the alias points elsewhere and when it agrees again."""
    other = scene.kms.create_key()["KeyMetadata"]["KeyId"]
    scene.kms.update_alias(AliasName=ALIAS, TargetKeyId=other)
    until(lambda: len(scene.told("rotation-not-followed")) == 1, what="that the domain does not follow is told")
    scene.stays_open()
    scene.kms.update_alias(AliasName=ALIAS, TargetKeyId=scene.key.rpartition("/")[2])
    until(lambda: len(scene.told("rotation-followed")) == 1, what="that they agree again is told")
    scene.stays_open()
