"""A search engine: its security configuration, its indices' blocks, and who we are to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from portcullis.access.actual import Actual, EngineSettings, Json, Write


@dataclass(frozen=True, slots=True)
class Principal:
    """How the engine sees a caller (`authinfo`)."""

    name: str
    backend_roles: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Names:
    """What an engine has by name, its own indices left out."""

    indices: tuple[str, ...] = ()  # all of them, hidden and closed ones and those behind data streams too
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # alias -> its indices
    streams: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # data stream -> the indices behind it
    hidden: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()


class Stop(StrEnum):
    """What refuses a request."""

    PRIVILEGES = "privileges"  # the engine: the caller has no role that allows it
    BLOCK = "a block"  # the index
    OUTSIDE = "something before the engine"  # the access policy, a service control policy, a proxy


# Told of other blocks, by index, before they are taken off because they hinder ours: whoever keeps it has them put back another time.
Aside = Callable[[Mapping[str, Mapping[str, str]]], None]


def nowhere(taken: Mapping[str, Mapping[str, str]]) -> None:
    """They are put back by the same call or by nobody."""


class Engine(Protocol):
    """One search domain through its security API. Raises Unreachable, Conflict, Refused."""

    @property
    def dialect(self) -> str:
        """Which form of its family's security API it speaks."""

    def read(self, kinds: Sequence[str] | None = None) -> Actual:
        """What the engine holds now: all kinds of the family, unless told."""

    def read_some(self, names: Mapping[str, Collection[str]]) -> Actual:
        """What the engine holds now of these documents alone: kind -> names. What is not there is missing; nothing is asked for none."""

    def look(self, names: Mapping[str, Collection[str]]) -> Actual:
        """The same right before a write that was computed from an earlier reading."""

    def write(self, write: Write) -> bool:
        """All of it or nothing. True if anything changed.

        Conflict: somebody else wrote in between, so read again and recompute. Refused: the engine will never take it. Unreachable: it
        may or may not have been written.
        """

    def who_am_i(self) -> Principal: ...

    def load_again(self) -> None:
        """Have every node load the security config as it is kept. Unreachable if one cannot: what was changed last is in no effect."""

    def names(self) -> Names:
        """Its indices, aliases and data streams. Refused where it does not tell."""

    def alias_filters(self) -> Mapping[str, Mapping[str, str]]:
        """Alias -> index -> its filter there, as JSON; empty where it has none. Refused where it does not tell; an alias that it does not
        show to us is missing."""

    def settings(self) -> EngineSettings:
        """What it is set to, as far as it tells us."""

    def blocks(self) -> dict[str, dict[str, str]]:
        """Every index but the engine's own -> the read and write blocks it has."""

    def block_indices(
        self, before: Mapping[str, Mapping[str, str]], lifted: Collection[str] = (), *, aside: Aside = nowhere
    ) -> None:
        """Put both blocks on each of them. Those `lifted` come off, but for what an index had `before`."""

    def unblock_indices(self, before: Mapping[str, Mapping[str, str]], *, aside: Aside = nowhere) -> None:
        """Take both blocks off each of them, but for what an index had `before`."""

    def why_no_query(self, query: Json) -> str:
        """What the engine says against a query; empty if it can read it. Asks for no right and reads no document."""

    def end_searches(self, closing: Callable[[Sequence[str]], None]) -> str:
        """End every open scroll and point in time; what was ended, in words.

        Where only the closing of an index ends what is open on it, `closing` is told the indices before the first of them is closed.
        """

    def open_indices(self, indices: Sequence[str]) -> dict[str, str]:
        """Open what an end of searches closed. Which of them the engine does not open any more -> why. Unreachable if that is not known."""

    def running_policies(self) -> tuple[str, ...]:
        """What moves and deletes indices and snapshots by itself, whatever they are blocked for, and runs now."""

    def stop_policies(self) -> str:
        """Stop all of it; what is not known to be stopped, in words."""

    def start_policies(self, names: Sequence[str]) -> str:
        """Have these run again; what is not, in words."""

    def end_tokens(self, *, keys: bool) -> str:
        """End the tokens that the engine itself gave out, and if asked the API keys of others, for good; what was ended, and which keys
        stay, in words. Empty where an engine gives out neither."""

    def keys_given(self) -> tuple[str, ...] | None:
        """The ids of API keys of others that can be used. None where an engine gives out none."""

    def end_since(self, known: Collection[str] | None, *, tokens: bool) -> tuple[str, ...]:
        """End the tokens that the engine itself gave out, if asked, and for good the API keys of others that are not among these ids:
        which, in words. Where the ids are not known no key ends; one that an account of the engine's own features made never does."""

    def end_tokens_of(self, users: Collection[str], *, keys: bool) -> tuple[str, ...]:
        """The same of these users alone: they lost a role, and what they were given before still has it. Which keys stay, in words: only
        those that can be used."""

    def what_stops_a_search(self, index: str) -> Stop | None:
        """What keeps whoever this connection is from searching this index now; None if nothing does."""
