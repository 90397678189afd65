"""Two copies of an index compared document by document, a portion at a time: a call that is cut off loses one portion and no more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from portcullis.ports.data import Document, Documents

PORTION = 100_000  # sequence numbers at a time: held in memory, and lost where a call is cut off
_NOTHING = f"0:{0:064x}"


@dataclass(frozen=True, slots=True)
class Part:
    """How far the comparison of an index is: in which shard, from which sequence number on; and what both come to up to there.

    `before` and `after`: MANY:SUM, over identifiers, sources and routing in any order.
    """

    index: str = ""
    shard: int = 0
    start: int = 0
    before: str = _NOTHING
    after: str = _NOTHING


def further(part: Part, before: Documents, after: Documents) -> Part:
    """The next portion of both copies added. Where `shard` is none of the index any more, all of it is in."""
    last = max(one.last_sequence(part.index, part.shard) for one in (before, after))
    stop = part.start + PORTION
    sums = (
        _plus(said, one.of_shard(part.index, part.shard, part.start, stop))
        for said, one in ((part.before, before), (part.after, after))
    )
    place = (part.shard, stop) if stop <= last else (part.shard + 1, 0)
    return Part(part.index, *place, *sums)


def _plus(said: str, documents: Iterable[Document]) -> str:
    many, total = int(said.partition(":")[0]), int(said.partition(":")[2], 16)
    for one in documents:
        total += int.from_bytes(sha256(one.identifier.encode() + b"\0" + one.digest).digest(), "big")
        many += 1
    return f"{many}:{total % 2**256:064x}"
