"""A page that is kept in private, and a link to it for a short time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Link:
    """`until`: when it ends. `shorter`: that is the end of the session of whoever signed, and sooner than was asked for. `session`: their
    session has an end that nobody here knows, and the link ends with it if that is sooner."""

    url: str
    until: datetime
    shorter: bool = False
    session: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """A page that an alert leads to. `written`: of when it is."""

    written: datetime
    link: Link


class Pages(Protocol):
    def put(self, place: str, page: str) -> str:
        """Keep `page` at `place` (BUCKET/KEY) and return which version of what is kept there it is; empty where there are no versions."""

    def link(self, place: str, version: str, seconds: int) -> Link:
        """A link by which anybody who holds it may read that version (empty: what is kept there then); for so many seconds at most, and
        never longer than the session of whoever signs it. Refused where that session is over."""
