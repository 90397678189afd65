"""A KMS key: looked at by probes, and described and changed for a person."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from portcullis.custody.keys.key_types import KeyAnswers
from portcullis.custody.types import Observation
from portcullis.ports.registration import Registration


class KeyObserver(Protocol):
    def observe(self, registration: Registration, *, hint: str = "", by: str = "") -> Observation:
        """Look at a deployment's key with independent probes. Never raises for what a key can be in: says UNREACHABLE instead."""


class KeyDesk(Protocol):
    """A key's papers: everything KMS says of it, and the two things a person may have done to it."""

    def describe(self, named: str) -> KeyAnswers:
        """Every answer about the key of this ARN (of the key or of an alias). Never raises for what KMS says: it is part of it."""

    def rotate(self, key_arn: str) -> None:
        """A rotation on demand. Refused if KMS will not (no rotation left, another under way), Unreachable."""

    def schedule_deletion(self, key_arn: str, days: int) -> datetime:
        """Have the key deleted in so many days; when it will be. Refused, Unreachable."""
