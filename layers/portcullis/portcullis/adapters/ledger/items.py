"""The keys and conditions of the ledger's items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portcullis.access.plan import Claim
from portcullis.adapters.ledger.codec import CUT, MOST_PARTS, claims_read, decode
from portcullis.ports.ledger import Claims


def version_of(item: Mapping[str, Any]) -> int:
    """How often an item was kept; 0 of one from before versions were counted."""
    return int(item["version"]["N"]) if "version" in item else 0


def claims_of(item: Mapping[str, Any]) -> Claims:
    late = decode(item["late"]) if "late" in item else None
    return claims_read(decode(item["value"], list[Claim]), late, version_of(item))


def condition_on(version: int | None = None, *, in_one_item: bool = False) -> dict[str, Any]:
    """A condition of a write: what is there is of this version, and has no parts."""
    conditions, names, values = [], {}, {}
    if in_one_item:
        conditions.append("attribute_not_exists(#cut)")
        names["#cut"] = CUT
    if version is not None:
        names["#version"] = "version"
        conditions.append("#version = :version" if version else "attribute_not_exists(#version)")
        values = {":version": {"N": str(version)}} if version else {}
    if not conditions:
        return {}
    condition = {"ConditionExpression": " AND ".join(conditions), "ExpressionAttributeNames": names}
    return condition | ({"ExpressionAttributeValues": values} if values else {})


def key_of(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def part_keys(pk: str, sk: str) -> list[dict[str, Any]]:
    return [key_of(f"part#{number}#{pk}", sk) for number in range(MOST_PARTS)]


def failed_conditions(error: Any) -> list[bool]:
    """Of each part of a transaction that was cancelled, whether its condition did not hold."""
    return [one.get("Code") == "ConditionalCheckFailed" for one in error.response.get("CancellationReasons", ())]
