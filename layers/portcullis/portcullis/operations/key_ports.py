"""What the verbs around a key and around what it protects ask of the world, beside `ports`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from portcullis.custody.key_types import KeyAnswers


class KeyDesk(Protocol):
    """A key's papers: everything KMS says of it, and the two things a person may have done to it."""

    def papers(self, named: str) -> KeyAnswers:
        """Every answer about the key of this ARN (of the key or of an alias). Never raises for what KMS says: it is part of it."""

    def rotate(self, key_arn: str) -> None:
        """A rotation on demand. Refused if KMS will not (no rotation left, another under way), Unreachable."""

    def schedule_deletion(self, key_arn: str, days: int) -> datetime:
        """Have the key deleted in so many days; when it will be. Refused, Unreachable."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document as it is compared: where it stands, which write it is, and a digest of its source and routing."""

    identifier: str
    sequence: int  # _seq_no: kept by a snapshot and its restore
    digest: bytes


class Documents(Protocol):
    """The user indices of a domain and their documents, as the snapshot role. Raises Unreachable, Refused."""

    def counted(self) -> dict[str, int]:
        """User index -> how many documents it holds, after a refresh."""

    def is_restored(self, index: str) -> bool:
        """Whether every primary shard of an index is there and none is being recovered."""

    def shards(self, index: str) -> int: ...

    def last_sequence(self, index: str, shard: int) -> int:
        """The highest sequence number a shard has given; -1 if none."""

    def of_shard(self, index: str, shard: int, start: int = 0, stop: int | None = None) -> Collection[Document]:
        """Those with a sequence number from `start` on and before `stop`; by default all."""

    def freeze(self, indices: Collection[str]) -> None:
        """No writes any more; reads go on."""

    def thaw(self, indices: Collection[str], before: Mapping[str, bool]) -> None:
        """Writes again, but for an index that was frozen `before`."""

    def frozen(self) -> dict[str, bool]:
        """User index -> whether it takes no writes."""

    def remove(self, index: str) -> None:
        """Only of what a restore made beside the original."""


class Endpoints(Protocol):
    """Where clients look for a deployment: a parameter `/portcullis/NAME/endpoint`."""

    def tell(self, deployment: str, endpoint: str) -> None: ...

    def told(self, deployment: str) -> str:
        """Empty if nobody was told."""
