"""Dates in names: `<logs-{now/d}>` is a name of today. As the engine works them out; what it cannot be told of here is None."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_PART = re.compile(r"\{(?P<math>[^{}]*)(?:\{(?P<form>[^{}|]+)(?:\|(?P<zone>[^{}|]+))?\})?\}")
_STEP = re.compile(r"([-+])(\d*)([yMwdhHms])|/([yMwdhHms])")
_LETTERS = re.compile(r"[A-Za-z]+|[^A-Za-z']+")
_FORMS: dict[str, Callable[[datetime], str]] = {
    **dict.fromkeys(("yyyy", "uuuu"), lambda at: f"{at.year:04}"),
    "MM": lambda at: f"{at.month:02}",
    "dd": lambda at: f"{at.day:02}",
    "HH": lambda at: f"{at.hour:02}",
    "mm": lambda at: f"{at.minute:02}",
    "ss": lambda at: f"{at.second:02}",
}


class NotKnown(ValueError):
    """What a name with a date means, only the engine can tell."""


def is_date_name(name: str) -> bool:
    return name.startswith("<") and name.endswith(">")


def resolved(name: str, now: datetime | None) -> str:
    """The name that is meant; of one without a date itself. Raises NotKnown."""
    if not is_date_name(name):
        return name
    inner = name[1:-1]
    if now is None:
        raise NotKnown(f"what {name} means depends on the day, which is not given")
    if "\\" in inner:
        raise NotKnown(f"what {name} means, only the engine can tell")
    made = _PART.sub(lambda part: _date(part, now, name), inner)
    if "{" in _PART.sub("", inner) or "}" in _PART.sub("", inner):
        raise NotKnown(f"what {name} means, only the engine can tell")
    return made


def _date(part: re.Match[str], now: datetime, name: str) -> str:
    unknown = NotKnown(f"what {name} means, only the engine can tell")
    math = part["math"]
    if not math.startswith("now"):
        raise unknown
    try:
        zone = ZoneInfo(part["zone"]) if part["zone"] else UTC
    except (ZoneInfoNotFoundError, ValueError):
        raise unknown from None
    at, place = now.astimezone(zone), 3
    while place < len(math):
        step = _STEP.match(math, place)
        if step is None:
            raise unknown
        try:
            at = _moved(at, step)
        except (OverflowError, ValueError, KeyError):
            raise unknown from None  # beyond the years that are known here
        place = step.end()
    pieces = _LETTERS.findall(part["form"] or "yyyy.MM.dd")
    if "".join(pieces) != (part["form"] or "yyyy.MM.dd"):
        raise unknown
    told = []
    for piece in pieces:
        if piece[0].isascii() and piece[0].isalpha():
            if piece not in _FORMS:
                raise unknown
            told.append(_FORMS[piece](at))
        else:
            told.append(piece)
    return "".join(told)


def _moved(at: datetime, step: re.Match[str]) -> datetime:
    sign, many, unit, rounded = step.groups()
    if rounded:
        return _rounded(at, rounded)
    count = int(f"{sign}{many or 1}")
    if unit in "yM":
        months = at.year * 12 + at.month - 1 + count * (12 if unit == "y" else 1)
        year, month = divmod(months, 12)
        for day in range(at.day, at.day - 4, -1):
            try:
                return at.replace(year=year, month=month + 1, day=day)
            except ValueError:
                continue
    words = {"w": "weeks", "d": "days", "h": "hours", "H": "hours", "m": "minutes", "s": "seconds"}
    return at + timedelta(**{words[unit]: count})


def _rounded(at: datetime, unit: str) -> datetime:
    at = at.replace(microsecond=0)
    if unit == "s":
        return at
    at = at.replace(second=0)
    if unit == "m":
        return at
    at = at.replace(minute=0)
    if unit in "hH":
        return at
    at = at.replace(hour=0)
    if unit == "w":
        return at - timedelta(days=at.weekday())
    if unit in "My":
        at = at.replace(day=1)
    return at.replace(month=1) if unit == "y" else at
