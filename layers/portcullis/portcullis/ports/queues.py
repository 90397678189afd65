"""The queues that feed the reactions."""

from __future__ import annotations

from typing import Protocol


class DeadLetters(Protocol):
    """The dead letters of the queues "identity" and "key": what could not be handled, whole."""

    def bury(self, queue: str, body: str, group: str, reason: str) -> None:
        """Put a message there that no further try will mend."""

    def waiting(self, queue: str) -> int:
        """How many lie there, about."""

    def redrive(self, queue: str) -> str:
        """Start moving them back to where they came from; what was started, in words."""
