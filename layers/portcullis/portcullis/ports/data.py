"""Snapshots, documents, and where clients look for an endpoint."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from portcullis.access.actual import Json


class Snapshots(Protocol):
    """Manual snapshots, asked for as the one role that is mapped to manage_snapshots. Raises Unreachable, Refused."""

    def register(self, repository: str, settings: Mapping[str, Any], kind: str = "s3") -> None: ...

    def take(self, repository: str, snapshot: str, indices: str) -> None:
        """Start it; without the cluster's state, so that a restore brings back documents and no security configuration."""

    def restore(self, repository: str, snapshot: str, indices: str, prefix: str) -> None:
        """Start it; every index under a new name that begins with `prefix` (as it was called, if that is empty)."""

    def listed(self, repository: str) -> list[Json]:
        """snapshot, state, start, end, indices, failures of each, the oldest first."""


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


class ClientEndpoints(Protocol):
    """Where clients look for a deployment: a parameter `/portcullis/NAME/endpoint`."""

    def tell(self, deployment: str, endpoint: str) -> None: ...

    def told(self, deployment: str) -> str:
        """Empty if nobody was told."""
