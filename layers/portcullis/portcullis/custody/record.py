"""Custody as the ledger keeps it: JSON-able, and back without loss. Times are ISO 8601 with their offset."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import datetime
from enum import Enum
from typing import Any

from portcullis.custody.types import (
    Act,
    BreakGlass,
    Cause,
    Custody,
    Deletion,
    Health,
    Hold,
    Measure,
    MeasureRecord,
    Probe,
    Progress,
    Severity,
    State,
    Suspicion,
    Tell,
    Told,
)
from portcullis.errors import BadInput


def to_record(custody: Custody) -> dict[str, Any]:
    """Strings, numbers, booleans, None, lists and dictionaries only."""
    plain: dict[str, Any] = _plain(asdict(custody))
    return plain


def from_record(record: dict[str, Any]) -> Custody:
    """The custody that `to_record` was given. Fields that are absent have their defaults; others are an error (BadInput)."""
    if foreign := set(record) - {one.name for one in fields(Custody)}:
        raise BadInput(
            f"unknown fields {', '.join(sorted(foreign))}",
            source="ledger",
            place=f"custody of {record.get('deployment', 'a deployment')}",
            remedy="it was written by a newer Portcullis: deploy that version",
        )
    given = dict(record)
    for name, read in _READERS.items():
        if given.get(name) is not None:
            given[name] = read(given[name])
    try:
        return Custody(**given)
    except TypeError as error:
        raise BadInput(
            str(error), source="ledger", place="custody", remedy="restore the item from the history"
        ) from error


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _measures(given: dict[str, dict[str, Any]]) -> dict[Measure, MeasureRecord]:
    return {
        Measure(name): MeasureRecord(
            **{**item, "progress": Progress(item["progress"]), "at": _time(item["at"]), "act": Act(item["act"])}
        )
        for name, item in given.items()
    }


def _probe(item: dict[str, Any]) -> Probe:
    cause = Cause(item["cause"]) if item["cause"] else None
    return Probe(**{**item, "health": Health(item["health"]), "cause": cause})


def _suspected(given: list[dict[str, Any]]) -> tuple[Suspicion, ...]:
    return tuple(Suspicion(_probe(item["probe"]), _time(item["since"]), _time(item["last"])) for item in given)


def _outbox(given: list[dict[str, Any]]) -> tuple[Told, ...]:
    return tuple(
        Told(**{**item, "name": Tell(item["name"]), "severity": Severity(item["severity"]), "at": _time(item["at"])})
        for item in given
    )


_READERS: dict[str, Any] = {
    "state": State,
    "health": Health,
    "cause": Cause,
    "since": _time,
    "revoked_since": _time,
    "unreachable_since": _time,
    "lock_began": _time,
    "rotated_at": _time,
    "saves": int,  # DynamoDB hands numbers over as Decimal
    "version": int,
    "measures": _measures,
    "suspected": _suspected,
    "alerted": lambda given: {Tell(name): _time(at) for name, at in given.items()},
    "confirmed_by": tuple,
    "strays": tuple,
    "outbox": _outbox,
    "hold": lambda item: Hold(item["by"], item["reason"], _time(item["at"])),
    "break_glass": lambda item: BreakGlass(item["by"], item["reason"], _time(item["opened"]), _time(item["until"])),
    "deletion": lambda item: Deletion(item["by"], _time(item["at"]), item["snapshot"]),
}
