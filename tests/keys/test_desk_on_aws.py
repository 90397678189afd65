"""The key's papers, the domain's end and the endpoint's parameter, asked of the emulated AWS."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from portcullis.adapters.domains.aws import AwsDomain
from portcullis.adapters.endpoints.ssm import ParameterStore
from portcullis.adapters.keys.desk import AwsKeyDesk
from portcullis.custody.keys.key_advice import advise, errors
from portcullis.custody.keys.key_policy import Context, to_paste
from portcullis.custody.keys.key_types import Advice, KeyWanted, Weight
from portcullis.errors import Refused
from portcullis.ports.registration import AmazonDomain, IamRole, Key, Registration

from local.aws.emulator import Credentials, Emulator

pytest_plugins = ["tests.fixtures_aws"]
pytestmark = pytest.mark.aws


def _made(aws: Emulator, **more: Any) -> str:
    """A key with the policy to paste, and the account's own administration."""
    document = to_paste(Context(aws.account, aws.region))
    root = {"AWS": f"arn:aws:iam::{aws.account}:root"}
    own = {"Sid": "Administer", "Effect": "Allow", "Principal": root, "Resource": "*", "Action": ["kms:PutKeyPolicy"]}
    document["Statement"].append(own)
    kms = aws.client("kms")
    key = kms.create_key(Policy=json.dumps(document), **more)["KeyMetadata"]["Arn"]
    kms.enable_key_rotation(KeyId=key)
    return str(key)


def _registration(aws: Emulator, domain: str, key: str) -> Registration:
    arn = f"arn:aws:es:{aws.region}:{aws.account}:domain/{domain}"
    nobody = IamRole("")
    place = AmazonDomain(domain, arn, "")
    return Registration(domain, aws.account, aws.region, place, Key(key), automation=nobody, master=nobody)


def _advice(aws: Emulator, key: str, **more: Any) -> tuple[Advice, ...]:
    wanted = KeyWanted("demo", Context(aws.account, aws.region), key, **more)
    return advise(wanted, AwsKeyDesk(aws.client("kms")).describe(key), datetime.now(UTC))


def test_given_a_key_under_the_policy_to_paste_then_nothing_is_wrong_with_it(aws: Emulator, name: str) -> None:
    key = _made(aws)
    aws.client("opensearch").create_domain(
        DomainName=f"{name}-domain", EncryptionAtRestOptions={"Enabled": True, "KmsKeyId": key}
    )
    arn = _registration(aws, f"{name}-domain", key).place.id
    found = _advice(aws, key, domain_arn=arn, domain_key=key, grant_seen=True)
    wrong = [one for one in found if one.weight in (Weight.ERROR, Weight.WARNING)]
    assert not wrong
    assert {"policy-five", "grants-service", "key-rotation", "key-state"} <= {
        one.code for one in found if one.weight is Weight.OK
    }
    grants = aws.client("kms").list_grants(KeyId=key)["Grants"]
    aws.client("kms").revoke_grant(KeyId=key, GrantId=grants[0]["GrantId"])
    again = _advice(aws, key, domain_arn=arn, grant_seen=True)
    assert [one.code for one in errors(again)] == ["grants-service"]


WRONG: dict[str, tuple[Callable[[Any], str], str]] = {
    "asymmetric": (
        lambda kms: kms.create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["Arn"],
        "key-type",
    ),
    "without material": (lambda kms: kms.create_key(Origin="EXTERNAL")["KeyMetadata"]["Arn"], "key-state"),
    "absent": (lambda kms: kms.create_key()["KeyMetadata"]["Arn"][:-4] + "0000", "key-refused"),
}


@pytest.mark.parametrize("case", WRONG)
def test_given_a_key_that_is_not_fit_then_that_is_an_error(aws: Emulator, case: str) -> None:
    make, code = WRONG[case]
    assert code in [one.code for one in errors(_advice(aws, make(aws.client("kms"))))]


def test_the_default_key_policy_is_warned_of_since_any_iam_policy_counts(aws: Emulator) -> None:
    """It trusts the whole account. That rotation is off is a warning too."""
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    assert {"policy-whole-account", "key-rotation"} <= {
        one.code for one in _advice(aws, key) if one.weight is Weight.WARNING
    }


def test_what_may_not_be_read_of_a_key_is_said_and_is_no_error(
    aws: Emulator, person: Callable[..., Credentials]
) -> None:
    """A person may only describe the key. What they could not see is listed, and says nothing bad about the key."""
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]  # its policy leaves the rest to IAM
    wanted = KeyWanted("demo", Context(aws.account, aws.region), key, domain_arn="arn:aws:es:x:1:domain/d")

    def codes(*actions: str) -> dict[str, Weight]:
        desk = AwsKeyDesk(aws.client("kms", credentials=person(*actions)))
        return {one.code: one.weight for one in advise(wanted, desk.describe(key), datetime.now(UTC))}

    found = codes("kms:DescribeKey")
    assert {"policy-unseen", "grants-unseen"} <= set(found)
    assert Weight.ERROR not in found.values()
    assert codes() == {"key-unreachable": Weight.WARNING}, "that we may not ask says nothing of the key"


def test_an_alias_is_followed_and_a_multi_region_key_told(aws: Emulator, name: str) -> None:
    kms = aws.client("kms")
    key = _made(aws, MultiRegion=True)
    kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=key)
    kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")
    alias = f"arn:aws:kms:{aws.region}:{aws.account}:alias/{name}"
    codes = {one.code: one for one in _advice(aws, alias, replicas=("eu-west-1",))}
    assert codes["key-alias"].weight is Weight.NOTE
    assert codes["key-multi-region"].weight is Weight.OK
    assert "key-replicas" not in codes
    assert "key-replicas" in {one.code for one in errors(_advice(aws, alias, replicas=("eu-north-1",)))}


def test_rotations_on_demand_are_made_counted_and_refused_when_none_is_left(aws: Emulator) -> None:
    key = _made(aws)
    desk = AwsKeyDesk(aws.client("kms"))
    for _ in range(25):
        desk.rotate(key)
    with pytest.raises(Refused, match="LimitExceeded"):
        desk.rotate(key)
    (one,) = [one for one in _advice(aws, key, on_demand_days=31) if one.code == "key-on-demand"]
    assert one.weight is Weight.WARNING
    assert "25 of 25 are used, 0 left" in one.says


def test_a_keys_deletion_is_scheduled_and_then_found(aws: Emulator) -> None:
    key = _made(aws)
    due = AwsKeyDesk(aws.client("kms")).schedule_deletion(key, 7)
    assert timedelta(days=6) < due - datetime.now(UTC) < timedelta(days=8)
    (one,) = [one for one in errors(_advice(aws, key)) if one.code == "key-state"]
    assert "CancelKeyDeletion" in one.remedy


def test_a_domain_says_its_key_is_deleted_and_seen_to_be_gone(aws: Emulator, name: str) -> None:
    key = _made(aws)
    one, domain = _registration(aws, f"{name}-gone", key), AwsDomain(aws.client("opensearch"))
    assert not domain.exists(one)
    aws.client("opensearch").create_domain(
        DomainName=one.place.name, EncryptionAtRestOptions={"Enabled": True, "KmsKeyId": key}
    )
    assert domain.exists(one)
    assert domain.key_of(one) == key
    domain.delete(one)
    assert not domain.exists(one)
    domain.delete(one)  # of one that is gone it is no error


def test_only_who_may_delete_deletes(aws: Emulator, name: str, person: Callable[..., Credentials]) -> None:
    one = _registration(aws, f"{name}-kept", "")
    aws.client("opensearch").create_domain(DomainName=one.place.name)
    other = AwsDomain(aws.client("opensearch", credentials=person("es:DescribeDomain")))
    with pytest.raises(Refused, match="not authorized"):
        other.delete(one)
    assert other.exists(one)


def test_an_endpoint_is_told_told_again_and_read(aws: Emulator, name: str) -> None:
    store = ParameterStore(aws.client("ssm"))
    assert store.told(name) == ""
    store.tell(name, "old.example.com")
    store.tell(name, "new.example.com")
    assert store.told(name) == "new.example.com"
