"""What exists on a cluster, as far as a decision depends on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any


@dataclass(frozen=True, slots=True)
class Index:
    name: str
    hidden: bool = False
    closed: bool = False


@dataclass(frozen=True)
class EngineFacts:
    """What exists on the cluster."""

    indices: tuple[Index, ...] = ()
    aliases: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # alias -> index -> its filter, or None
    data_streams: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # stream -> backing indices
    blocks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # index -> the index.blocks that are set

    def of(self, name: str) -> tuple[str, ...]:
        """The indices behind a name; none if there is nothing of that name."""
        if name in self.aliases:
            return tuple(self.aliases[name])
        if name in self.data_streams:
            return self.data_streams[name]
        return (name,) if name in self._by_name else ()

    def stream_of(self, index: str) -> str:
        return self._streams.get(index, "")

    def is_closed(self, name: str) -> bool:
        return name in self._by_name and self._by_name[name].closed

    def is_hidden(self, name: str) -> bool:
        return (name in self._by_name and self._by_name[name].hidden) or bool(self.stream_of(name))

    @cached_property
    def _by_name(self) -> Mapping[str, Index]:
        return {one.name: one for one in self.indices}

    @cached_property
    def _streams(self) -> Mapping[str, str]:
        return {index: stream for stream, backing in self.data_streams.items() for index in backing}
