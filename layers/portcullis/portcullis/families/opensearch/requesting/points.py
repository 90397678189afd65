"""What the id of a point in time says: the indices that it is of, and whether the filter of an alias goes with it."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from typing import Any

from portcullis.families.opensearch.requesting.need import NotKnown

_LONGEST_NUMBER = 63  # bits


def points_in_time(ids: list[Any]) -> tuple[str, ...]:
    """The indices that points in time are of: their ids name them."""
    return tuple(dict.fromkeys(name for one in ids for name in _read(one)[0]))


def keeps_filter(one: Any) -> bool:
    """Whether a point in time was opened by an alias with a filter: by its id only what that finds is searched."""
    return _read(one)[1]


def _read(one: Any) -> tuple[list[str], bool]:
    try:
        return _within(urlsafe_b64decode(one + "=" * (-len(one) % 4)))
    except (TypeError, ValueError, IndexError):
        raise NotKnown("of which indices a point in time is, only the engine can tell from this id") from None


def _within(held: bytes) -> tuple[list[str], bool]:
    """The names, and whether an alias was filtered by."""
    at, names = 0, []

    def number() -> int:
        nonlocal at
        found = shift = 0
        while True:
            byte, at = held[at], at + 1
            found |= (byte & 127) << shift
            if byte < 128:
                return found
            shift += 7
            if shift > _LONGEST_NUMBER:
                raise ValueError

    def text() -> str:
        nonlocal at
        length = number()
        found = held[at : at + length]
        if len(found) < length:
            raise ValueError
        at += length
        return found.decode()

    number()  # the release
    for _ in range(number()):
        names.append(text())
        text()  # its id
        number()  # the shard
        text()  # the node
        if held[at]:
            raise ValueError  # of another cluster
        at += 9
        text()  # of the search
    for _ in range(number()):
        text()  # the id of an index
        for _ in range(number()):
            text()  # an alias
        if held[at]:
            return names, True  # and a query as the nodes write it
        at += 1
    return names, False
