"""What of our own eyes, and of the roads to whoever is mapped, is there."""

from __future__ import annotations

from typing import Protocol

from portcullis.watch.eyes import Eye, Facts
from portcullis.watch.roads import Road


class Eyes(Protocol):
    """What is there of what we see by."""

    def look(self, eye: Eye) -> Facts | None:
        """What is there; None if it is not there. Refused if we may not look, Unreachable."""


class Roads(Protocol):
    """Who may become whoever is mapped."""

    def look(self, road: Road) -> Facts | None:
        """What is there; None if it is not there. Refused if we may not look, Unreachable."""
