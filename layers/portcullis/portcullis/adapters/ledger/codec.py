"""How values stand in the ledger: JSON, readable in the console while small, compressed when large, cut into parts when too large
for one item."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache
from io import BytesIO
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeVar

import msgspec

from portcullis import typed
from portcullis.access.plan import Claim
from portcullis.errors import BadInput, Refused
from portcullis.ports.ledger import Claims

T = TypeVar("T")
_READABLE_BYTES = 2048
# DynamoDB takes 400 KB an item; what is left is for keys and the other attributes.
ITEM_BYTES = 390_000
# It takes 4 MB a transaction. That much of JSON on the wire, where three bytes are four characters, is within it however it counts.
PART_BYTES = 375_000
MOST_PARTS = 8
CUT = "cut"  # of an item: what lies in parts, with the length of each

Attributes = dict[str, dict[str, Any]]


class TooLarge(Refused):
    """Values that do not fit into the ledger, even compressed and in parts."""


def encode(value: Any) -> dict[str, Any]:
    """A value as a DynamoDB attribute value."""
    raw = msgspec.json.encode(value)
    if len(raw) <= _READABLE_BYTES:
        return {"S": raw.decode()}
    return {"B": zlib.compress(raw, 6)}


def cut(attributes: Attributes) -> tuple[Attributes, list[bytes]]:
    """What stands in the item itself, and the parts of what does not fit into it: none if all of it does. TooLarge if they are too many."""
    packed = {name: value["B"] for name, value in sorted(attributes.items()) if "B" in value}
    whole = b"".join(packed.values())
    if len(whole) <= ITEM_BYTES:
        return attributes, []
    if len(whole) > MOST_PARTS * PART_BYTES:
        raise TooLarge(f"{len(whole)} bytes compressed, {MOST_PARTS * PART_BYTES} fit")
    lengths = {name: {"N": str(len(value))} for name, value in packed.items()}
    head = {name: value for name, value in attributes.items() if name not in packed}
    return head | {CUT: {"M": lengths}}, [whole[at : at + PART_BYTES] for at in range(0, len(whole), PART_BYTES)]


def joined(head: Mapping[str, Any], parts: Sequence[bytes]) -> dict[str, Any]:
    """The item again that was `cut`."""
    whole = BytesIO(b"".join(parts))
    lengths = sorted(head[CUT]["M"].items())
    return {**head, **{name: {"B": whole.read(int(length["N"]))} for name, length in lengths}}


def decode_whole(attribute: dict[str, Any], kind: type[T]) -> T:
    """As `decode`, for a dataclass of which nothing may get lost: BadInput for a field that this version does not know, since
    keeping the rest would forget it."""
    raw = _raw(attribute)
    if unknown := sorted(typed.of_json(raw, dict[str, msgspec.Raw]).keys() - _names(kind)):  # type: ignore[arg-type]
        raise BadInput(
            f"unknown fields {', '.join(unknown)}",
            source="ledger",
            place=kind.__name__.lower(),
            remedy="it was written by a newer Portcullis: deploy that version",
        )
    return typed.of_json(raw, kind)


@cache
def _names(kind: type[Any]) -> frozenset[str]:
    """Of the fields of a dataclass."""
    return frozenset(one.name for one in fields(kind))


def decode(attribute: dict[str, Any], kind: type[T] | Any = Any) -> Any:
    """The value of an attribute written by `encode`. BadInput if it is not whole any more."""
    return typed.of_json(_raw(attribute), kind)


def _raw(attribute: dict[str, Any]) -> bytes | str:
    try:
        return zlib.decompress(attribute["B"]) if "B" in attribute else str(attribute["S"])
    except zlib.error as error:
        remedy = "a part is missing or another's: restore the table to a point in time"
        raise BadInput(f"a value is not whole: {error}", source="ledger", remedy=remedy) from None


def claims_written(claims: Claims) -> dict[str, Any]:
    """The attributes of a list of claims: sorted, so that those that may come late are told by where they stand in it, in few words."""
    value = sorted(claims, key=attrgetter("kind", "name", "entry_list", "entry"))  # as claims are ordered, and sooner
    if claims.until is None:
        return {"value": value}
    places = [place for place, claim in enumerate(value) if claim in claims.late]
    rows = [[place for _, place in row] for _, row in groupby(enumerate(places), lambda one: one[1] - one[0])]
    return {"value": value, "late": {"until": claims.until, "from_to": [[row[0], row[-1]] for row in rows]}}


def claims_read(value: Sequence[Claim], late: Any, version: int) -> Claims:
    """The list again that was written so."""
    if late is None:
        return Claims(value, version=version)
    those = [claim for first, last in late["from_to"] for claim in value[first : last + 1]]
    return Claims(value, version=version, late=those, until=datetime.fromisoformat(late["until"]))
