"""What an engine holds, and what is written to it, in no family's form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

Json = dict[str, Any]


class Actual(Protocol):
    """What an engine holds now: kind -> name -> document. Of a document only the family knows what it means."""

    @property
    def documents(self) -> Mapping[str, Mapping[str, Json]]:
        """Everything, as the engine shows it."""

    def of(self, kind: str) -> Mapping[str, Json]:
        """All documents of one kind by name."""

    def get(self, kind: str, name: str) -> Json | None:
        """One document without what is only shown and cannot be written, or None."""

    def is_fixed(self, kind: str, name: str) -> bool:
        """Whether the engine refuses to change this one."""

    def entries(self, role: str, entry_list: str) -> tuple[str, ...]:
        """The entries of one list of a role's mapping, in the order held; empty if there is no such mapping."""

    def places(self, role: str, entry_list: str, entry: str) -> tuple[int, ...]:
        """Where an entry stands among others, so that it can be put back there; none if it is not there."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What an engine is set to that changes what its documents of access come to. None: it does not tell."""

    leaves_out_forbidden: bool | None = None  # a request that names too much is answered with what is permitted
    makes_tokens: bool | None = None  # on behalf of whoever asks: they keep the roles of the moment
    evaluation: str | None = None  # how it evaluates permissions, in its family's own word; empty: as its release does
    release: str = ""  # which it is, as a deployment file names engines; empty: it does not tell


class Write(NamedTuple):
    """One write to an engine: all of it or nothing. What `body` means, only the family and its adapter know."""

    kind: str
    body: Sequence[Json]
