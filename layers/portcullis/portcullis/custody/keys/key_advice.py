"""What is right and wrong with a key for a deployment: each finding with its remedy. Pure: from what KMS answered, and the time.

An answer is what `custody.probes` takes: the dictionary of a call, a ClientError's response, or the text of an exception. An empty
text means that it was not asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from portcullis.custody.keys import rotation
from portcullis.custody.keys.key_access import of_grants, of_policy, of_tags
from portcullis.custody.keys.key_types import (
    Advice,
    KeyAnswers,
    KeyWanted,
    Weight,
    answered,
    ask_owner,
    last_of,
    part_of,
)
from portcullis.custody.keys.probes import KEY_STATES, Answer, read_describe
from portcullis.custody.types import Health, Severity

EXPIRY_WARNS = timedelta(days=30)
EXPIRY_ALARMS = timedelta(days=7)
_AUTOMATIC = ("AWS_KMS",)  # automatic rotation; material of one's own is rotated on demand only


def advise(wanted: KeyWanted, answers: KeyAnswers, now: datetime) -> tuple[Advice, ...]:
    """Every finding, what is wrong first. Raises nothing for what KMS may say."""
    metadata = answers.describe.get("KeyMetadata") if isinstance(answers.describe, Mapping) else None
    if not isinstance(metadata, Mapping):
        return (_unseen(wanted, answers, now),)
    found = (
        *_kind(metadata),
        *_place(wanted, metadata),
        *_state(answers, metadata, now),
        *_material(metadata, now),
        *_regions(wanted, metadata),
        *_alias(wanted, metadata),
        *_rotation(wanted, answers, metadata, now),
        *(of_policy(wanted, answers.policy, metadata) if wanted.by_service else ()),
        *of_grants(wanted, answers.grants),
        *of_tags(wanted, answers.tags),
    )
    order = (Weight.ERROR, Weight.WARNING, Weight.NOTE, Weight.OK)
    return tuple(sorted(found, key=lambda one: order.index(one.weight)))


def errors(found: tuple[Advice, ...]) -> tuple[Advice, ...]:
    return tuple(one for one in found if one.weight is Weight.ERROR)


def _unseen(wanted: KeyWanted, answers: KeyAnswers, now: datetime) -> Advice:
    region = part_of(wanted.named, 3)
    if region and region != wanted.context.region:
        return _elsewhere(wanted, region)
    seen = read_describe(answers.describe, now)
    if ":alias/" in wanted.named and _code(answers.describe) == "NotFoundException":
        return Advice(
            "key-refused",
            Weight.ERROR,
            f"no key stands behind {wanted.named}",
            "make the alias (kms:CreateAlias), or name the key itself",
        )
    if seen.health is Health.REVOKED:
        return Advice(
            "key-refused",
            Weight.ERROR,
            f"{wanted.named} cannot be described: {seen.detail or seen.cause}",
            "check the ARN and the Region; a key of another account needs the policy that `portcullis key policy` prints",
        )
    if wanted.alias and _code(answers.describe) == "AccessDeniedException":
        return Advice(
            "key-unreachable",
            Weight.WARNING,
            f"{wanted.named} could not be asked: we may look at the key that {wanted.alias} names, which may be another one by now",
            f"put the alias back; or name the key by its own ARN in the file of {wanted.deployment}, and deploy: then it stays in sight",
        )
    return Advice(
        "key-unreachable",
        Weight.WARNING,
        f"{wanted.named} could not be asked: {seen.detail}",
        "look at the KMS endpoint, its quotas and our own right to ask; this says nothing of the key",
    )


def _kind(metadata: Mapping[str, Any]) -> Iterator[Advice]:
    spec = str(metadata.get("KeySpec") or metadata.get("CustomerMasterKeySpec") or "SYMMETRIC_DEFAULT")
    usage = str(metadata.get("KeyUsage") or "ENCRYPT_DECRYPT")
    if spec != "SYMMETRIC_DEFAULT" or usage != "ENCRYPT_DECRYPT":
        yield Advice(
            "key-type",
            Weight.ERROR,
            f"the key is {spec} for {usage}",
            "a domain takes a symmetric key for encryption only (SYMMETRIC_DEFAULT, ENCRYPT_DECRYPT): make another key",
        )
    else:
        yield Advice("key-type", Weight.OK, "symmetric, for encryption")
    if metadata.get("KeyManager") == "AWS":
        yield Advice(
            "key-manager",
            Weight.ERROR,
            "the key is Amazon's own (an AWS managed key): it can be neither disabled nor given a policy",
            "name a customer managed key",
        )


def _elsewhere(wanted: KeyWanted, region: str) -> Advice:
    return Advice(
        "key-region",
        Weight.ERROR,
        f"the key is in {region}, the {wanted.place} in {wanted.context.region}",
        "name a key of that Region; of a multi-Region key, the replica there",
    )


def _code(answer: Answer) -> str:
    error = answer.get("Error") if isinstance(answer, Mapping) else None
    return str(error.get("Code", "")) if isinstance(error, Mapping) else ""


def _place(wanted: KeyWanted, metadata: Mapping[str, Any]) -> Iterator[Advice]:
    arn = str(metadata.get("Arn", ""))
    region, account = part_of(arn, 3), part_of(arn, 4) or str(metadata.get("AWSAccountId", ""))
    if region and region != wanted.context.region:
        yield _elsewhere(wanted, region)
    else:
        yield Advice("key-region", Weight.OK, f"in {region or wanted.context.region}, as the {wanted.place}")
    if account and account != wanted.context.account:
        yield Advice(
            "key-owner",
            Weight.NOTE,
            f"the key belongs to the account {account}",
            "its owner rotates, disables and deletes it; agree with them who is told before",
        )


def _state(answers: KeyAnswers, metadata: Mapping[str, Any], now: datetime) -> Iterator[Advice]:
    state = str(metadata.get("KeyState", "absent"))
    health = read_describe(answers.describe, now).health
    if health is Health.HEALTHY:
        yield Advice("key-state", Weight.OK, f"{state.lower()}")
        return
    due = metadata.get("DeletionDate")
    until = f" until {due:%Y-%m-%d %H:%M %Z}".rstrip() if isinstance(due, datetime) else ""
    remedies = {
        "Disabled": "kms:EnableKey",
        "PendingDeletion": f"kms:CancelKeyDeletion, which is possible{until or ' until it is deleted'}, then kms:EnableKey",
        "PendingReplicaDeletion": "kms:CancelKeyDeletion, then kms:EnableKey",
        "PendingImport": "import the same key material again (kms:ImportKeyMaterial)",
        "Unavailable": "connect the custom key store again",
        "Enabled": "import the same key material again (kms:ImportKeyMaterial): what was imported has expired",
    }
    weight = (
        Weight.ERROR
        if KEY_STATES.get(state, (Health.UNREACHABLE, None))[0] is not Health.UNREACHABLE
        else Weight.WARNING
    )
    yield Advice("key-state", weight, f"the key is {state}{until}", remedies.get(state, "wait and ask again"))


def _material(metadata: Mapping[str, Any], now: datetime) -> Iterator[Advice]:
    origin = str(metadata.get("Origin") or "AWS_KMS")
    words = {
        "AWS_KMS": "made by KMS",
        "EXTERNAL": "imported",
        "AWS_CLOUDHSM": "in a CloudHSM key store",
        "EXTERNAL_KEY_STORE": "in an external key store",
    }
    yield Advice(
        "key-origin",
        Weight.OK if origin == "AWS_KMS" else Weight.NOTE,
        f"its material is {words.get(origin, origin)}",
        ""
        if origin == "AWS_KMS"
        else "keep a copy of the material: KMS cannot bring it back"
        if origin == "EXTERNAL"
        else "its availability is yours: while the store is disconnected the deployment locks",
    )
    valid_to = metadata.get("ValidTo")
    expires = metadata.get("ExpirationModel", "KEY_MATERIAL_EXPIRES") == "KEY_MATERIAL_EXPIRES"
    if origin != "EXTERNAL" or not expires or not isinstance(valid_to, datetime) or valid_to <= now:
        return
    left = valid_to - now
    weight = Weight.ERROR if left <= EXPIRY_ALARMS else Weight.WARNING if left <= EXPIRY_WARNS else Weight.NOTE
    yield Advice(
        "key-expiry",
        weight,
        f"the imported material expires in {left.days} days, on {valid_to:%Y-%m-%d}; then the deployment locks",
        "import the same material again with a later date, or without one",
    )


def _regions(wanted: KeyWanted, metadata: Mapping[str, Any]) -> Iterator[Advice]:
    multi = metadata.get("MultiRegionConfiguration") or {}
    kind = str(multi.get("MultiRegionKeyType", ""))
    if not metadata.get("MultiRegion"):
        if wanted.replicas:
            yield Advice(
                "key-replicas",
                Weight.ERROR,
                f"the key is of one Region, and replicas in {', '.join(wanted.replicas)} are asked for",
                "a key cannot be made multi-Region later: make a new one with multi_region: true, and re-key",
            )
        return
    there = {str(one.get("Region")) for one in [multi.get("PrimaryKey") or {}, *(multi.get("ReplicaKeys") or [])]}
    primary = (multi.get("PrimaryKey") or {}).get("Region", "another Region")
    says = "multi-Region, the primary" if kind == "PRIMARY" else f"multi-Region, a replica of the primary in {primary}"
    yield Advice("key-multi-region", Weight.OK if kind == "PRIMARY" else Weight.NOTE, says)
    if missing := sorted(set(wanted.replicas) - there):
        yield Advice(
            "key-replicas",
            Weight.ERROR,
            f"no replica in {', '.join(missing)}",
            "deploy the stack of that Region with the primary's ARN as PrimaryKeyArn",
        )


def _alias(wanted: KeyWanted, metadata: Mapping[str, Any]) -> Iterator[Advice]:
    behind = str(metadata.get("Arn", ""))
    if wanted.alias:
        yield Advice(
            "key-alias",
            Weight.NOTE,
            f"named by {wanted.alias}: if that is moved to another key, nobody here may look at this one any more",
            "name it by its own ARN in the file, and deploy",
        )
    elif ":alias/" in wanted.named or wanted.named.startswith("alias/"):
        yield Advice(
            "key-alias",
            Weight.NOTE,
            f"named by its alias, behind which stands {last_of(behind)}",
            "an Amazon domain looks behind the alias once, when it is made: moving the alias is noticed and told, and needs a re-key",
        )
    else:
        yield Advice("key-alias", Weight.OK, "named by its own ARN: it cannot be exchanged unnoticed")
    if wanted.domain_key and behind and last_of(wanted.domain_key) != last_of(behind):
        yield Advice(
            "key-not-followed",
            Weight.WARNING,
            f"the domain was made with {last_of(wanted.domain_key)} and keeps it",
            f"keep that key; to move: portcullis re-key {wanted.deployment} --to NEW-DEPLOYMENT",
        )


def _rotation(wanted: KeyWanted, answers: KeyAnswers, metadata: Mapping[str, Any], now: datetime) -> Iterator[Advice]:
    origin, status = str(metadata.get("Origin") or "AWS_KMS"), answers.rotation
    kind = (metadata.get("MultiRegionConfiguration") or {}).get("MultiRegionKeyType")
    if origin not in _AUTOMATIC:
        on_demand = origin == "EXTERNAL"
        yield Advice(
            "key-rotation",
            Weight.NOTE,
            "KMS does not rotate such a key by itself",
            "import new material and rotate on demand"
            if on_demand
            else "rotate by hand: another key behind the alias, then re-key",
        )
    elif not answered(status):
        yield Advice(
            "key-rotation", Weight.NOTE, "whether the key rotates could not be seen", ask_owner("GetKeyRotationStatus")
        )
    elif isinstance(status, Mapping) and status.get("KeyRotationEnabled"):
        period = status.get("RotationPeriodInDays", 365)
        of_whom = ", as its primary says" if kind == "REPLICA" else ""
        yield Advice("key-rotation", Weight.OK, f"rotates by itself every {period} days{of_whom}")
    else:
        yield Advice(
            "key-rotation",
            Weight.WARNING,
            "automatic rotation is off",
            f"kms:EnableKeyRotation with a period of {rotation.SHORTEST_PERIOD.days} to {rotation.LONGEST_PERIOD.days} days",
        )
    yield from _on_demand(wanted, answers.rotations, metadata, now)


def _on_demand(wanted: KeyWanted, answer: Answer, metadata: Mapping[str, Any], now: datetime) -> Iterator[Advice]:
    if not wanted.on_demand_days:
        return
    rotations = answer.get("Rotations") if isinstance(answer, Mapping) else None
    if rotations is None:
        yield Advice(
            "key-on-demand", Weight.WARNING, "its rotations could not be counted", ask_owner("ListKeyRotations")
        )
        return
    every = timedelta(days=wanted.on_demand_days)
    due = rotation.next_on_demand(rotations, metadata.get("CreationDate"), every, now)
    left = rotation.budget(rotation.used_on_demand(rotations), every, due)
    weight = Weight.OK if left.severity is Severity.INFO else Weight.WARNING  # it still encrypts: no error
    yield Advice(
        "key-on-demand",
        weight,
        f"rotated on demand every {wanted.on_demand_days} days, which is no period KMS takes by itself "
        f"({rotation.SHORTEST_PERIOD.days} days or more): {left.used} of {rotation.ON_DEMAND_LIMIT} are used, {left.left} left",
        left.advice,
    )
