"""Rotation: when was the key last rotated, and how many rotations on demand are left.

KMS rotates by itself every 90 to 2,560 days (365 unless told otherwise), and on demand at most 25 times in a key's life, a
quota that cannot be raised (KMS guide, resource quotas; it was 10 at first). 31 days is therefore no period KMS takes; a
schedule of rotations on demand every 31 days lasts a little over two years, then the key has to be replaced (re-key).
A rotation interrupts nothing: `decide` tells it as key-rotated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from portcullis.custody.types import Severity
from portcullis.errors import BadInput

ON_DEMAND_LIMIT = 25
SHORTEST_PERIOD = timedelta(days=90)
LONGEST_PERIOD = timedelta(days=2560)
WARN_LEFT = 6  # half a year at 31 days: time for a re-key to be planned
CRITICAL_LEFT = 2


@dataclass(frozen=True, slots=True)
class Budget:
    """Rotations on demand: used, left, when the schedule makes the last one, and how urgent that is."""

    used: int
    left: int
    last_on: datetime | None  # None: there is none left
    severity: Severity
    advice: str


def latest_rotation(rotations: Sequence[Mapping[str, Any]]) -> datetime | None:
    """The newest `RotationDate` of kms:ListKeyRotations; None if the key was never rotated. In any order."""
    dates = [entry["RotationDate"] for entry in rotations if isinstance(entry.get("RotationDate"), datetime)]
    return max(dates, default=None)


def next_on_demand(
    rotations: Sequence[Mapping[str, Any]], made: datetime | None, every: timedelta, now: datetime
) -> datetime:
    """When the next rotation on demand is due, now at the earliest. A key that was never rotated counts from its making."""
    last = latest_rotation(rotations) or made
    return max(last + every, now) if last else now


def used_on_demand(rotations: Sequence[Mapping[str, Any]]) -> int:
    """How many of kms:ListKeyRotations (every page) were on demand."""
    return sum(1 for entry in rotations if entry.get("RotationType") == "ON_DEMAND")


def budget(used: int, every: timedelta, next_on: datetime) -> Budget:
    """What a schedule of one rotation on demand `every` so often, the next `next_on`, has left."""
    if used < 0 or every <= timedelta(0):
        raise BadInput(
            f"{used} rotations used, one every {every}", source="rotation schedule", remedy="both have to be positive"
        )
    left = max(ON_DEMAND_LIMIT - used, 0)
    last_on = next_on + (left - 1) * every if left else None
    if not left:
        advice = "No rotation on demand is left: rely on automatic rotation (90 days or more), or re-key to a new key."
        return Budget(used, left, None, Severity.CRITICAL, advice)
    severity = Severity.CRITICAL if left <= CRITICAL_LEFT else Severity.WARNING if left <= WARN_LEFT else Severity.INFO
    advice = f"{left} of {ON_DEMAND_LIMIT} rotations on demand are left; the last is on {next_on + (left - 1) * every:%Y-%m-%d}."
    if severity is not Severity.INFO:
        advice += " Plan a re-key, or turn on automatic rotation (90 days or more)."
    return Budget(used, left, last_on, severity, advice)
