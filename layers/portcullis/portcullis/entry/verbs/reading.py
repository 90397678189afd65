"""What a person says with a verb, read: a reason, a number, yes or no. A runbook can only send text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from portcullis.errors import BadInput
from portcullis.words import line

_LONGEST_REASON = 500


def reason_of(reason: Any) -> str:
    """Why, in words that a history and an alert can carry."""
    problem = f"a reason has 1 to {_LONGEST_REASON} characters"
    if isinstance(reason, str) and 0 < len(reason.strip()) <= _LONGEST_REASON:
        if reason.strip().isprintable():
            return reason.strip()
        problem = "a reason is one line, of signs that can be printed"
    raise BadInput(problem, source="request", place="reason", remedy="say why, as you would to an auditor")


def whole(value: Any, name: str) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise BadInput(f"{value!r} is no whole number", source="request", place=name, remedy="e.g. 30") from None


def yes_or_no(value: Any, name: str) -> bool:
    """Anything that is not plainly yes or no is no answer."""
    said = {True: True, False: False, "true": True, "false": False, "": False}.get(
        value.lower() if isinstance(value, str) else value if isinstance(value, bool) else None
    )
    if said is None:
        raise BadInput(f"{value!r} is neither true nor false", source="request", place=name, remedy="true or false")
    return said


def time_of(place: str, given: str) -> datetime:
    """As it is shown, or of ISO 8601. One without a zone is UTC."""
    try:
        at = datetime.fromisoformat(given.removesuffix(" UTC"))
    except ValueError:
        remedy = "a time like 2026-11-24, or 2026-11-24 09:00:12 (UTC)"
        raise BadInput(f"{line(given, 40)!r} is no time", source="request", place=place, remedy=remedy) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
