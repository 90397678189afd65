"""KMS: what a key's keeper does and the emulator lacks or waves through.

Added: on-demand rotation with its quota of 25 and its record (ListKeyRotations), the rotation's events (the native
`KMS CMK Rotation` and CloudTrail's service event `RotateKey`), rotation periods checked (90 to 2560 days), the fields of
GetKeyRotationStatus, DryRun on the operations that guard a key; deletion and expiry on demand, with their events, because
nobody waits seven days. Made to refuse as the real service does: a key pending replica deletion or import can be neither
enabled nor used; a pending or disabled key cannot be enabled, rotated or given a grant where KMS would not allow it.
"""

from __future__ import annotations

import hashlib
import hmac
import time
import uuid
from collections.abc import Callable
from typing import Any

from local.aws.admin import verb
from local.aws.patching import Answer, Refusal, add_operations
from local.aws.trail import delivery

ON_DEMAND_QUOTA = 25  # a key, for ever: RotateKeyOnDemand in the API reference
PERIOD = range(90, 2561)
DAY = 86_400
DRY_RUN = ("Encrypt", "Decrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext")


def install() -> None:
    from ministack.services import kms

    kms._check_key_state = usable
    kms._key_material_id = material_id
    add_operations(
        kms,
        {
            "RotateKeyOnDemand": rotate_on_demand,
            "ListKeyRotations": list_rotations,
            "EnableKeyRotation": enable_rotation,
            "DisableKeyRotation": disable_rotation,
            "GetKeyRotationStatus": rotation_status,
        },
    )
    _refuse_in_state(kms, "_enable_key", ("PendingDeletion", "PendingReplicaDeletion", "PendingImport"))
    _refuse_in_state(kms, "_disable_key", ("PendingDeletion", "PendingReplicaDeletion", "PendingImport"))
    _refuse_in_state(kms, "_schedule_key_deletion", ("PendingDeletion", "PendingReplicaDeletion"))
    _only_in_state(kms, "_cancel_key_deletion", ("PendingDeletion", "PendingReplicaDeletion"))
    for name in DRY_RUN:
        _dry_run(kms, name)


def usable(key: dict[str, Any]) -> Answer | None:
    """MiniStack's own check let a primary through that waits for its replicas to go, and imported material that expired."""
    from ministack.core.responses import error_response_json

    _expire_if_due(key)
    state = key["KeyState"]
    if state == "Enabled":
        return None
    if state == "Disabled":
        return error_response_json("DisabledException", f"{key['Arn']} is disabled.", 400)  # type: ignore[no-any-return]
    words = {"PendingDeletion": "deletion", "PendingImport": "import", "PendingReplicaDeletion": "replica deletion"}
    return error_response_json(  # type: ignore[no-any-return]
        "KMSInvalidStateException", f"{key['Arn']} is pending {words.get(state, state)}.", 400
    )


def material_id(key: dict[str, Any]) -> str:
    """Identifies the current key material: another one after every rotation."""
    said = f"key-material:{key['KeyId']}:{len(key.get('_rotations', []))}".encode()
    return hmac.new(key["_symmetric_key"], said, hashlib.sha256).hexdigest()


def find(key_id: str) -> dict[str, Any]:
    from ministack.services import kms

    key: dict[str, Any] | None = kms._resolve_key(key_id)
    if key is None:
        raise Refusal("NotFoundException", f"Key '{key_id}' does not exist")
    return key


def rotate_on_demand(asked: dict[str, Any]) -> dict[str, Any]:
    key = find(asked.get("KeyId", ""))
    _refuse_unless_rotatable(key)
    if key["KeyState"] == "Disabled":
        raise Refusal("DisabledException", f"{key['Arn']} is disabled.")
    if key.get("_mrk_type") == "REPLICA":
        raise Refusal("UnsupportedOperationException", f"{key['Arn']} is a replica; rotate the primary key.")
    if sum(r["RotationType"] == "ON_DEMAND" for r in key.get("_rotations", [])) >= ON_DEMAND_QUOTA:
        raise Refusal(
            "LimitExceededException", f"{key['Arn']} has reached the limit of {ON_DEMAND_QUOTA} on-demand rotations."
        )
    rotate(key, "ON_DEMAND")
    return {"KeyId": key["KeyId"]}


def rotate(key: dict[str, Any], how: str) -> None:
    """New key material, and the two events that tell of it. Old ciphertexts stay readable, as KMS promises."""
    from ministack.services import kms

    old = material_id(key)
    entry = {"KeyId": key["KeyId"], "RotationDate": int(time.time()), "RotationType": how}
    for _region, member in list(kms._mrk_members(key)) or [("", key)]:
        member.setdefault("_rotations", []).append(entry)
    new = material_id(key)
    details = {
        "rotationType": how,
        "keyOrigin": key["Origin"],
        "previousKeyMaterialId": old,
        "currentKeyMaterialId": new,
    }
    service_event(key, "RotateKey", {**details, "keyId": key["KeyId"]})
    native = {"key-id": key["KeyId"], "key-origin": key["Origin"], "rotation-type": how}
    native |= {"previous-key-material-id": old, "current-key-material-id": new}
    native_event(key, "KMS CMK Rotation", native)


def list_rotations(asked: dict[str, Any]) -> dict[str, Any]:
    key = find(asked.get("KeyId", ""))
    _refuse_unless_symmetric(key)
    rotations = key.get("_rotations", [])
    limit, start = int(asked.get("Limit", 100)), int(asked.get("Marker") or 0)
    page = rotations[start : start + limit]
    more = start + limit < len(rotations)
    return {"Rotations": page, "Truncated": more, **({"NextMarker": str(start + limit)} if more else {})}


def enable_rotation(asked: dict[str, Any]) -> dict[str, Any]:
    key = find(asked.get("KeyId", ""))
    _refuse_unless_rotatable(key)
    if key["KeyState"] == "Disabled":
        raise Refusal("DisabledException", f"{key['Arn']} is disabled.")
    period = asked.get("RotationPeriodInDays", 365)
    if period not in PERIOD:
        raise Refusal(
            "ValidationException",
            f"1 validation error detected: Value '{period}' at 'rotationPeriodInDays' failed to satisfy constraint: "
            f"Member must have value between {PERIOD.start} and {PERIOD.stop - 1}",
        )
    key.update(KeyRotationEnabled=True, RotationPeriodInDays=period, _rotation_from=int(time.time()))
    return {}


def disable_rotation(asked: dict[str, Any]) -> dict[str, Any]:
    key = find(asked.get("KeyId", ""))
    _refuse_unless_rotatable(key)
    key["KeyRotationEnabled"] = False
    return {}


def rotation_status(asked: dict[str, Any]) -> dict[str, Any]:
    key = find(asked.get("KeyId", ""))
    _refuse_unless_symmetric(key)
    status: dict[str, Any] = {"KeyId": key["Arn"], "KeyRotationEnabled": bool(key.get("KeyRotationEnabled"))}
    if key.get("KeyRotationEnabled"):
        period = key.get("RotationPeriodInDays", 365)
        begun = key.get("_rotation_from", key["CreationDate"])
        status |= {"RotationPeriodInDays": period, "NextRotationDate": begun + period * DAY}
    return status


def _refuse_unless_symmetric(key: dict[str, Any]) -> None:
    if key["KeySpec"] != "SYMMETRIC_DEFAULT":
        raise Refusal("UnsupportedOperationException", f"{key['Arn']} is not a symmetric encryption key.")


def _refuse_unless_rotatable(key: dict[str, Any]) -> None:
    _refuse_unless_symmetric(key)
    if key["Origin"] != "AWS_KMS":
        raise Refusal(
            "UnsupportedOperationException",
            f"{key['Arn']} origin is {key['Origin']} which is not valid for this operation.",
        )
    if key["KeyState"] not in ("Enabled", "Disabled"):
        raise Refusal("KMSInvalidStateException", f"{key['Arn']} is {key['KeyState']}.")


def _refuse_in_state(kms: Any, name: str, states: tuple[str, ...]) -> None:
    _guard(kms, name, lambda key: key["KeyState"] in states)


def _only_in_state(kms: Any, name: str, states: tuple[str, ...]) -> None:
    _guard(kms, name, lambda key: key["KeyState"] not in states)


def _guard(kms: Any, name: str, wrong: Callable[[dict[str, Any]], bool]) -> None:
    known = getattr(kms, name)

    def guarded(asked: dict[str, Any]) -> Any:
        from ministack.core.responses import error_response_json

        key = kms._resolve_key(asked.get("KeyId", ""))
        if key is not None and wrong(key):
            return error_response_json("KMSInvalidStateException", f"{key['Arn']} is {key['KeyState']}.", 400)
        return known(asked)

    setattr(kms, name, guarded)


def _dry_run(kms: Any, operation: str) -> None:
    """With DryRun the call is checked to the end and then refused with DryRunOperationException: so it is asked first."""
    name = "_" + "".join(f"_{c.lower()}" if c.isupper() else c for c in operation).lstrip("_")
    known = getattr(kms, name)

    def run_or_try(asked: dict[str, Any]) -> Any:
        result = known(asked)
        return kms._dry_run_error(operation) if asked.get("DryRun") and result[0] < 400 else result

    setattr(kms, name, run_or_try)


def service_event(key: dict[str, Any], name: str, details: dict[str, Any]) -> None:
    """CloudTrail's record of what KMS does by itself: an AwsServiceEvent, by no caller."""
    account, region = key["Arn"].split(":")[4], key["Arn"].split(":")[3]
    record = {
        "eventVersion": "1.11",
        "userIdentity": {"accountId": account, "invokedBy": "AWS Internal"},
        "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "eventSource": "kms.amazonaws.com",
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": "AWS Internal",
        "userAgent": "AWS Internal",
        "requestParameters": None,
        "responseElements": None,
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "resources": [{"accountId": account, "type": "AWS::KMS::Key", "ARN": key["Arn"]}],
        "eventType": "AwsServiceEvent",
        "managementEvent": True,
        "recipientAccountId": account,
        "serviceEventDetails": details,
        "eventCategory": "Management",
    }
    delivery.send(account, region, source="aws.kms", detail_type="AWS Service Event via CloudTrail", detail=record)


def native_event(key: dict[str, Any], detail_type: str, detail: dict[str, Any]) -> None:
    account, region = key["Arn"].split(":")[4], key["Arn"].split(":")[3]
    delivery.send(account, region, source="aws.kms", detail_type=detail_type, detail=detail, resources=[key["Arn"]])


def _expire_if_due(key: dict[str, Any]) -> None:
    if (
        key.get("ExpirationModel") == "KEY_MATERIAL_EXPIRES"
        and key["KeyState"] == "Enabled"
        and key["ValidTo"] <= time.time()
    ):
        _expire(key)


def _expire(key: dict[str, Any]) -> None:
    for material in ("_symmetric_key", "_hmac_key", "_private_key", "_public_key_der", "ValidTo"):
        key.pop(material, None)
    key.update(KeyState="PendingImport", Enabled=False)
    service_event(key, "DeleteExpiredKeyMaterial", {"keyId": key["KeyId"]})
    native_event(key, "KMS Imported Key Material Expiration", {"key-id": key["KeyId"]})


def _scoped(arn: str) -> Any:
    from ministack.core.responses import request_scope

    parts = arn.split(":")
    return request_scope(parts[4], parts[3])


@verb("key-expire")
def expire(arn: str) -> dict[str, bool]:
    """The imported material of a key reaches its end now."""
    with _scoped(arn):
        key = find(arn)
        if key["Origin"] != "EXTERNAL":
            raise ValueError(f"{arn} holds no imported material")
        _expire(key)
    return {"ok": True}


@verb("key-delete")
def delete(arn: str) -> dict[str, bool]:
    """The waiting time of a key that is pending deletion is over now: it is gone, its aliases and grants with it."""
    from ministack.services import kms

    with _scoped(arn):
        key = find(arn)
        if key["KeyState"] != "PendingDeletion":
            raise ValueError(f"{arn} is {key['KeyState']}, not PendingDeletion")
        for alias in [name for name, target in kms._aliases.items() if target == key["KeyId"]]:
            del kms._aliases[alias]
        for grant in [g["GrantId"] for g in kms._grants.values() if g["KeyId"] == key["Arn"]]:
            del kms._grants[grant]
        del kms._keys[key["KeyId"]]
        service_event(key, "DeleteKey", {"keyId": key["KeyId"]})
        native_event(key, "KMS CMK Deletion", {"key-id": key["KeyId"]})
    return {"ok": True}


@verb("key-rotate")
def rotate_now(arn: str) -> dict[str, bool]:
    """The automatic rotation of a key comes due now."""
    with _scoped(arn):
        key = find(arn)
        if not key.get("KeyRotationEnabled"):
            raise ValueError(f"{arn} has no automatic rotation")
        rotate(key, "AUTOMATIC")
    return {"ok": True}
