"""How values stand in the ledger: JSON, readable in the console while small, compressed when large."""

from __future__ import annotations

import zlib
from dataclasses import fields
from typing import Any, TypeVar

import msgspec

from portcullis.errors import BadInput

T = TypeVar("T")
_READABLE_BYTES = 2048
# DynamoDB takes 400 KB an item; what is left is for keys and the other attributes.
_ITEM_BYTES = 390_000


class TooLarge(ValueError):
    """A value that does not fit into one item even compressed."""


def encode(value: Any) -> dict[str, Any]:
    """A value as a DynamoDB attribute value."""
    raw = msgspec.json.encode(value)
    if len(raw) <= _READABLE_BYTES:
        return {"S": raw.decode()}
    packed = zlib.compress(raw, 6)
    if len(packed) > _ITEM_BYTES:
        raise TooLarge(f"{len(packed)} bytes compressed, {_ITEM_BYTES} fit")
    return {"B": packed}


def decode_whole(attribute: dict[str, Any], kind: type[T]) -> T:
    """As `decode`, for a dataclass of which nothing may get lost: BadInput for a field that this version does not know, since
    keeping the rest would forget it."""
    known = {one.name for one in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(decode(attribute, dict)) - known):
        raise BadInput(
            f"unknown fields {', '.join(unknown)}",
            source="ledger",
            place=kind.__name__.lower(),
            remedy="it was written by a newer Portcullis: deploy that version",
        )
    value: T = decode(attribute, kind)
    return value


def decode(attribute: dict[str, Any], kind: type[T] | Any = Any) -> Any:
    """The value of an attribute written by `encode`."""
    raw = zlib.decompress(attribute["B"]) if "B" in attribute else attribute["S"].encode()
    return msgspec.json.decode(raw, type=kind)
