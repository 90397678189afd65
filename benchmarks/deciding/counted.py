"""What came of random requests put to a real engine and to `decide`."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Found:
    """A case that was answered otherwise. `more`: the engine lets in, or shows, what we say it does not."""

    what: str
    more: bool


@dataclass(slots=True)
class Counts:
    cases: int = 0
    refused: int = 0
    limited: int = 0
    unknown: int = 0
    found: list[Found] = field(default_factory=list)
