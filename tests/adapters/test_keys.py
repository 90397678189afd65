"""The probes of a key against every state that the emulated KMS can show, and against a KMS that does not answer."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.config import Config
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from portcullis.adapters.keys.aws import AwsKeys
from portcullis.custody import Finding, judge
from portcullis.custody.rules import Rules
from portcullis.custody.types import (
    DESCRIBE,
    DOMAIN,
    ENCRYPT,
    GRANTS,
    USE,
    Custody,
    Health,
    Observation,
    RevocationCause,
)
from portcullis.ports.registration import Cluster, Key

from local.aws.emulator import Credentials, Emulator
from tests.adapters.registrations import registration

pytestmark = pytest.mark.aws
Seen = dict[str, tuple[Health, RevocationCause | None]]


class Watch:
    """The observer, and what it remembers of the grant."""

    def __init__(self, aws: Emulator, **how: Any) -> None:
        self.seen: list[bool] = []
        self.keys = AwsKeys(
            lambda service: aws.client(service, **how),
            grant_seen=lambda: bool(self.seen),
            saw_grant=lambda: self.seen.append(True),
        )

    def observe(self, key: str, **more: Any) -> Observation:
        hint = more.pop("hint", "")
        return self.keys.observe(registration(key=Key(key, **more)), hint=hint, by="a test")

    def probes(self, key: str, **more: Any) -> Seen:
        return {probe.name: (probe.health, probe.cause) for probe in self.observe(key, **more).probes}


@pytest.fixture
def watch(calm: Emulator) -> Watch:
    return Watch(calm)


def new_key(aws: Emulator, **how: Any) -> str:
    return str(aws.client("kms").create_key(**how)["KeyMetadata"]["Arn"])


def healthy(aws: Emulator) -> str:
    return new_key(aws)


def disabled(aws: Emulator) -> str:
    key = new_key(aws)
    aws.client("kms").disable_key(KeyId=key)
    return key


def pending(aws: Emulator) -> str:
    key = new_key(aws)
    aws.client("kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    return key


def deleted(aws: Emulator) -> str:
    key = pending(aws)
    aws.admin("key-delete", arn=key)
    return key


def without_material(aws: Emulator) -> str:
    return new_key(aws, Origin="EXTERNAL")


def imported(aws: Emulator) -> str:
    kms, key = aws.client("kms"), new_key(aws, Origin="EXTERNAL")
    given = kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048")
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
    wrapped = serialization.load_der_public_key(given["PublicKey"]).encrypt(os.urandom(32), oaep)  # type: ignore[union-attr, call-arg, arg-type]
    kms.import_key_material(
        KeyId=key,
        ImportToken=given["ImportToken"],
        EncryptedKeyMaterial=wrapped,
        ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
    )
    return key


def material_deleted(aws: Emulator) -> str:
    key = imported(aws)
    aws.client("kms").delete_imported_key_material(KeyId=key)
    return key


def expired(aws: Emulator) -> str:
    key = imported(aws)
    aws.admin("key-expire", arn=key)
    return key


def replicas_pending(aws: Emulator) -> str:
    kms, key = aws.client("kms"), new_key(aws, MultiRegion=True)
    kms.replicate_key(KeyId=key, ReplicaRegion="us-east-1")
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    return key


REVOKED, HEALTHY = Health.REVOKED, Health.HEALTHY
STATES: list[tuple[Callable[[Emulator], str], Health, RevocationCause | None]] = [
    (healthy, HEALTHY, None),
    (imported, HEALTHY, None),
    (disabled, REVOKED, RevocationCause.DISABLED),
    (pending, REVOKED, RevocationCause.PENDING_DELETION),
    (replicas_pending, REVOKED, RevocationCause.PENDING_DELETION),
    (deleted, REVOKED, RevocationCause.DELETED),
    (without_material, REVOKED, RevocationCause.MATERIAL_GONE),
    (material_deleted, REVOKED, RevocationCause.MATERIAL_GONE),
    (expired, REVOKED, RevocationCause.MATERIAL_GONE),
]


@pytest.mark.parametrize(("state", "health", "cause"), STATES, ids=[state.__name__ for state, *_ in STATES])
def test_each_state_of_a_key_is_seen_by_both_probes(
    watch: Watch, aws: Emulator, state: Callable[[Emulator], str], health: Health, cause: RevocationCause | None
) -> None:
    seen = watch.probes(state(aws))
    assert seen[DESCRIBE] == seen[USE] == seen[ENCRYPT] == (health, cause)
    assert set(seen) <= {DESCRIBE, USE, ENCRYPT}, (
        "where no grant was ever there and no metric reports, nothing is said of them"
    )


def test_a_replica_that_goes_is_a_revocation_though_its_primary_is_well(watch: Watch, aws: Emulator) -> None:
    there = aws.client("kms", region="us-east-1")
    primary = there.create_key(MultiRegion=True)["KeyMetadata"]["Arn"]
    there.replicate_key(KeyId=primary, ReplicaRegion=aws.region)
    replica = primary.replace("us-east-1", aws.region)
    assert watch.probes(replica)[DESCRIBE] == (HEALTHY, None)
    aws.client("kms").schedule_key_deletion(KeyId=replica, PendingWindowInDays=7)
    verdict = judge(Custody("demo"), watch.observe(replica), Rules())
    assert (verdict.finding, verdict.cause) == (Finding.REVOKED, RevocationCause.REPLICA_GONE)
    assert there.describe_key(KeyId=primary)["KeyMetadata"]["KeyState"] == "Enabled"


def test_a_policy_that_denies_us_is_a_denial_and_no_state(
    aws: Emulator, person: Callable[..., Credentials], name: str
) -> None:
    """Whoever we are to KMS is refused by the key's own policy, though our identity would be allowed."""
    who = person("kms:*", "cloudwatch:*")
    arn = aws.client("sts", credentials=who).get_caller_identity()["Arn"]
    key = new_key(aws)
    owner = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{aws.account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    denied = {"Effect": "Deny", "Principal": {"AWS": arn}, "Action": "kms:*", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [owner, denied]}
    aws.client("kms").put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(document))
    seen = {probe.name: probe for probe in Watch(aws, credentials=who).observe(key).probes}
    assert (seen[DESCRIBE].cause, seen[USE].cause) == (RevocationCause.ACCESS_DENIED, RevocationCause.ACCESS_DENIED)
    assert not seen[DESCRIBE].definite, "another probe has to agree"


def test_a_policy_that_denies_use_but_allows_describing_is_a_revocation(
    aws: Emulator, person: Callable[..., Credentials]
) -> None:
    """What a customer does who wants his data shut and his key still to be seen: two probes of the use confirm each other."""
    who, key = person("kms:*", "cloudwatch:*"), new_key(aws)
    root = {"AWS": f"arn:aws:iam::{aws.account}:root"}
    owner = {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}
    use = ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
    denied = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": use, "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [owner, denied]}
    aws.client("kms").put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(document))
    seen = Watch(aws, credentials=who).observe(key)
    verdict = judge(Custody("demo"), seen, Rules())
    assert {probe.name: probe.health for probe in seen.probes}[DESCRIBE] is HEALTHY
    assert (verdict.finding, verdict.cause, verdict.by) == (
        Finding.REVOKED,
        RevocationCause.ACCESS_DENIED,
        (ENCRYPT, USE),
    )


def test_our_own_lack_of_a_right_is_no_word_about_the_key(aws: Emulator, person: Callable[..., Credentials]) -> None:
    seen = Watch(aws, credentials=person()).observe(new_key(aws))
    assert {probe.health for probe in seen.probes if probe.name != GRANTS} == {Health.UNREACHABLE}


EVERYTHING = (
    *(
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ListGrants",
        "kms:ListKeyRotations",
    ),
    "cloudwatch:GetMetricStatistics",
)


@pytest.mark.parametrize("missing", EVERYTHING)
def test_a_question_that_may_not_be_asked_is_named_beside_healthy_ones(
    aws: Emulator, person: Callable[..., Credentials], missing: str
) -> None:
    """Each has a right of its own, and what it alone would have shown is missed."""
    who = person(*(action for action in EVERYTHING if action != missing))
    seen = Watch(aws, credentials=who).observe(new_key(aws))
    assert seen.refused == (missing,)
    if missing not in ("kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKeyWithoutPlaintext"):
        assert judge(Custody("demo"), seen, Rules()).finding is Finding.HEALTHY


@pytest.mark.parametrize("key", [healthy, disabled])
def test_who_may_ask_everything_misses_nothing_whatever_the_key_is_in(
    watch: Watch, aws: Emulator, key: Callable[[Emulator], str]
) -> None:
    assert watch.observe(key(aws)).refused == ()


# ---------------------------------------------------------------------- grants, alias, rotation


def grant_to_the_service(aws: Emulator, key: str) -> str:
    made = aws.client("kms").create_grant(
        KeyId=key,
        GranteePrincipal="es.amazonaws.com",
        Operations=["Decrypt", "GenerateDataKey"],
        Constraints={"EncryptionContextSubset": {"aws:es:arn": registration().place.id}},
    )
    return str(made["GrantId"])


def test_the_services_grant_is_missed_only_where_it_was_seen(watch: Watch, aws: Emulator) -> None:
    key = new_key(aws)
    assert GRANTS not in watch.probes(key)
    grant = grant_to_the_service(aws, key)
    assert watch.probes(key)[GRANTS] == (HEALTHY, None)
    assert watch.seen == [True]
    assert watch.probes(key)[GRANTS] == (HEALTHY, None)
    assert watch.seen == [True], "noted once"
    aws.client("kms").revoke_grant(KeyId=key, GrantId=grant)
    assert watch.probes(key)[GRANTS] == (REVOKED, RevocationCause.GRANT_GONE)


def test_the_grant_is_found_behind_many_others(watch: Watch, aws: Emulator) -> None:
    key = new_key(aws)
    for number in range(60):  # KMS gives 50 a page
        aws.client("kms").create_grant(
            KeyId=key, GranteePrincipal=f"arn:aws:iam::{aws.account}:role/r{number}", Operations=["Decrypt"]
        )
    grant_to_the_service(aws, key)
    assert watch.probes(key)[GRANTS] == (HEALTHY, None)


def test_an_alias_that_was_moved_shows_another_key_behind_it(watch: Watch, aws: Emulator, name: str) -> None:
    kms, first, second = aws.client("kms"), new_key(aws), new_key(aws)
    alias = f"alias/{name}"
    kms.create_alias(AliasName=alias, TargetKeyId=first)
    seen = watch.observe(first, alias=alias)
    assert seen.key_id == seen.domain_key_id == first.rpartition("/")[2]
    kms.update_alias(AliasName=alias, TargetKeyId=second)
    seen = watch.observe(first, alias=alias)
    assert (seen.key_id, seen.domain_key_id) == (second.rpartition("/")[2], first.rpartition("/")[2])
    assert {probe.health for probe in seen.probes} == {HEALTHY}, "the domain still has its own key"
    kms.delete_alias(AliasName=alias)
    assert watch.observe(first, alias=alias).key_id == first.rpartition("/")[2]


def test_the_latest_rotation_is_dated(watch: Watch, aws: Emulator) -> None:
    kms, key = aws.client("kms"), new_key(aws)
    assert watch.observe(key).rotated_at is None
    before = datetime.now(UTC).replace(microsecond=0)
    kms.rotate_key_on_demand(KeyId=key)
    rotated = watch.observe(key).rotated_at
    assert rotated is not None
    assert before <= rotated <= datetime.now(UTC)


def test_what_the_domain_says_of_its_key_is_one_more_probe(watch: Watch, aws: Emulator) -> None:
    seen = watch.observe(new_key(aws), hint="domain-key-inaccessible")
    said = next(probe for probe in seen.probes if probe.name == DOMAIN)
    assert (said.health, said.definite) == (REVOKED, False)
    assert seen.hints == ("domain-key-inaccessible",)


# ---------------------------------------------------------------------- a KMS that does not answer


@pytest.mark.parametrize("kind", ["throttle", "server-error"])
@pytest.mark.parametrize("state", [healthy, disabled])
def test_a_kms_that_throttles_or_fails_is_unreachable_whatever_the_key_is_in(
    watch: Watch, calm: Emulator, state: Callable[[Emulator], str], kind: str
) -> None:
    key = state(calm)
    calm.admin("fault", actions=["kms:*"], kind=kind)
    seen = watch.probes(key)
    assert {seen[DESCRIBE], seen[USE]} == {(Health.UNREACHABLE, None)}


def test_a_kms_that_stays_silent_is_unreachable(calm: Emulator) -> None:
    key = new_key(calm)
    watch = Watch(calm, config=Config(read_timeout=0.3, connect_timeout=0.3))
    calm.admin("fault", actions=["kms:*"], kind="hang")
    seen = watch.probes(key)
    assert {seen[DESCRIBE], seen[USE]} == {(Health.UNREACHABLE, None)}


def test_one_probe_that_does_not_answer_takes_nothing_from_the_others(watch: Watch, calm: Emulator) -> None:
    key = disabled(calm)
    calm.admin("fault", actions=["kms:DescribeKey"], kind="throttle")
    seen = watch.probes(key)
    assert (seen[DESCRIBE][0], seen[USE]) == (Health.UNREACHABLE, (REVOKED, RevocationCause.DISABLED))


def test_no_endpoint_at_all_is_unreachable() -> None:
    import boto3

    def nowhere(service: str) -> Any:
        return boto3.client(
            service,
            region_name="eu-central-1",
            endpoint_url="http://127.0.0.1:9",
            aws_access_key_id="a",
            aws_secret_access_key="b",
            config=Config(connect_timeout=0.3, retries={"total_max_attempts": 1}),
        )

    keys = AwsKeys(nowhere, grant_seen=lambda: True, saw_grant=lambda: None)
    seen = keys.observe(registration(key=Key("arn:aws:kms:eu-central-1:111122223333:key/one")))
    assert {probe.health for probe in seen.probes} == {Health.UNREACHABLE}


def test_of_a_cluster_elsewhere_the_key_alone_is_asked() -> None:
    """The search service has no grant for it and counts no errors of it: what is not there says nothing of the key."""
    asked: list[str] = []

    class Kms:
        def __getattr__(self, name: str) -> Any:
            asked.append(name)
            raise TimeoutError

    keys = AwsKeys(lambda service: Kms(), grant_seen=lambda: True, saw_grant=lambda: None)
    seen = keys.observe(
        registration(key=Key("arn:aws:kms:eu-central-1:111122223333:key/one"), place=Cluster("es.example.com:9200"))
    )
    assert {probe.name for probe in seen.probes} == {DESCRIBE, USE, ENCRYPT}
    assert "list_grants" not in asked
    assert "get_paginator" not in asked
    assert "get_metric_statistics" not in asked
