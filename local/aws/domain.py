"""Search domains as the management API shows them; the data plane is the front door with a real engine behind it.

- The endpoint of a domain is the front door's address: the only thing that differs from a real account.
- A domain under a customer key holds a grant on that key (as Amazon's does), so that `grant revoked` can be shown, and
  cannot be made under a key that is not there, disabled or of another kind.
- While the key cannot be used, UpdateDomainConfig is refused (Amazon's may refuse; how is not published, so the error is
  ours: ValidationException). What would change a domain's key is refused always, as Amazon does.
- A domain in a VPC reports the VPC of its subnets, and a policy with `Principal: *` names are kept as they were given.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from local.aws.admin import verb
from local.aws.keys import usable
from local.aws.trail import delivery

default_endpoint: str | None = None  # host:port; None leaves the emulator's own placeholder
endpoints: dict[str, str] = {}  # by domain name, where one domain has a door of its own
GRANTED = [
    "Decrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
    "DescribeKey",
    "CreateGrant",
]
GRANTEE = "es.amazonaws.com"


def install() -> None:
    from ministack.services import opensearch

    spawn = opensearch._spawn_dataplane

    def address(name: str, version: str) -> Any:
        endpoint = endpoints.get(name, default_endpoint)
        if endpoint is None:
            return spawn(name, version)
        host, _, port = endpoint.rpartition(":")
        return host, int(port), None, None, None

    opensearch._spawn_dataplane = address
    _key_of_domain(opensearch)
    _real_vpc(opensearch)


def _key_of_domain(opensearch: Any) -> None:
    create, update, delete = (
        opensearch.create_domain_record,
        opensearch._update_domain_config,
        opensearch.delete_domain_record,
    )

    def create_domain_record(payload: dict[str, Any], compatibility: Any = None) -> Any:
        key = _key((payload or {}).get("EncryptionAtRestOptions"))
        if key is not None and (usable(key) is not None or key["KeySpec"] != "SYMMETRIC_DEFAULT"):
            raise opensearch.OpenSearchServiceError(
                400, "ValidationException", f"The KMS key {key['Arn']} cannot be used."
            )
        record = create(payload, compatibility)
        if key is not None:
            # An alias or id is resolved once, when the domain is made.
            record["EncryptionAtRestOptions"] = {"Enabled": True, "KmsKeyId": key["Arn"]}
            _grant(key, record)
        return record

    def update_domain_config(name: str, payload: dict[str, Any]) -> Any:
        record = opensearch._domains.get(name)
        if record is None:
            return update(name, payload)
        current = record.get("EncryptionAtRestOptions") or {}
        asked = payload.get("EncryptionAtRestOptions")
        if asked and current.get("Enabled"):
            key = _key_or_none(asked.get("KmsKeyId"))
            if not asked.get("Enabled", True) or (key is not None and key["Arn"] != current.get("KmsKeyId")):
                return opensearch._error(
                    400, "ValidationException", "The encryption key of a domain cannot be changed."
                )
            payload = {**payload, "EncryptionAtRestOptions": copy.deepcopy(current)}
        if current.get("KmsKeyId"):
            key = _key_or_none(current["KmsKeyId"])
            if key is None or usable(key) is not None or not _granted(key, record):
                text = f"The KMS key {current['KmsKeyId']} of domain {name} cannot be accessed; the configuration was not changed."
                return opensearch._error(400, "ValidationException", text)
        if payload.get("DryRun"):
            return opensearch._json(
                200, {"DomainConfig": opensearch._domain_config(record), "DryRunResults": {"DeploymentType": "None"}}
            )
        return update(name, payload)

    def delete_domain_record(name: str, missing_ok: bool = False) -> Any:
        from ministack.services import kms

        record = opensearch._domains.get(name)
        result = delete(name, missing_ok)
        if record is not None:
            for grant in [g["GrantId"] for g in kms._grants.values() if g.get("Name") == _grant_name(record)]:
                del kms._grants[grant]
        return result

    opensearch.create_domain_record = create_domain_record
    opensearch._update_domain_config = update_domain_config
    opensearch.delete_domain_record = delete_domain_record


def _key(options: dict[str, Any] | None) -> Any:
    from ministack.services import kms, opensearch

    wanted = (options or {}).get("KmsKeyId")
    if not wanted or str((options or {}).get("Enabled")).lower() != "true":
        return None
    key = kms._resolve_key(wanted) or kms._resolve_key(f"alias/{wanted}")
    if key is None:
        raise opensearch.OpenSearchServiceError(400, "ValidationException", f"The KMS key {wanted} does not exist.")
    return key


def _key_or_none(wanted: str | None) -> dict[str, Any] | None:
    from ministack.services import kms

    return kms._resolve_key(wanted) if wanted else None


def _grant_name(record: dict[str, Any]) -> str:
    return f"opensearch-{record['DomainName']}"


def _grant(key: dict[str, Any], record: dict[str, Any]) -> None:
    from ministack.services import kms

    asked = {
        "KeyId": key["Arn"],
        "GranteePrincipal": GRANTEE,
        "RetiringPrincipal": GRANTEE,
        "Operations": GRANTED,
        "Name": _grant_name(record),
        "Constraints": {"EncryptionContextSubset": {"aws:es:arn": record["ARN"]}},
    }
    status, _headers, body = kms._create_grant(asked)
    if status >= 400:
        raise ValueError(f"the domain's grant on {key['Arn']}: {body!r}")


def _granted(key: dict[str, Any], record: dict[str, Any]) -> bool:
    from ministack.services import kms

    return any(g["KeyId"] == key["Arn"] and g.get("Name") == _grant_name(record) for g in kms._grants.values())


def _real_vpc(opensearch: Any) -> None:
    normalise = opensearch._normalise_vpc_options

    def normalise_vpc_options(options: Any) -> Any:
        from ministack.services import ec2

        shown = normalise(options)
        subnets = [ec2._subnets[s] for s in (shown or {}).get("SubnetIds", []) if s in ec2._subnets]
        if subnets:
            shown["VPCId"] = subnets[0]["VpcId"]
            shown["AvailabilityZones"] = sorted({subnet["AvailabilityZone"] for subnet in subnets})
        return shown

    opensearch._normalise_vpc_options = normalise_vpc_options


def policy(account: str, region: str, name: str) -> dict[str, Any] | None:
    """The access policy in force for a domain, as the front door has to apply it; None if the domain is not there."""
    from ministack.core.responses import request_scope
    from ministack.services import opensearch

    with request_scope(account, region):
        record = opensearch._domains.get(name)
    if record is None:
        return None
    text = record.get("AccessPolicies") or ""
    parsed: dict[str, Any] = json.loads(text) if isinstance(text, str) and text else (text or {})
    return parsed


@verb("domain-endpoint")
def set_endpoint(endpoint: str, name: str | None = None) -> dict[str, bool]:
    """Where domains are reached: of one domain, or of all that have none of their own (those there already included)."""
    global default_endpoint
    from ministack.services import opensearch

    if name is None:
        default_endpoint = endpoint
    else:
        endpoints[name] = endpoint
    for scoped, record in opensearch._domains._data.items():
        if scoped[-1] == name or (name is None and scoped[-1] not in endpoints):
            record["_Endpoint"] = endpoint
            if "Endpoints" in record:
                record["Endpoints"] = {"vpc": endpoint}
            else:
                record["Endpoint"] = endpoint
    return {"ok": True}


@verb("domain-event")
def tell(arn: str, detail_type: str, detail: dict[str, Any]) -> dict[str, bool]:
    """A native event of a domain ("Domain Error Notification", say) that only Amazon's service would send."""
    parts = arn.split(":")
    delivery.send(parts[4], parts[3], source="aws.es", detail_type=detail_type, detail=detail, resources=[arn])
    return {"ok": True}
