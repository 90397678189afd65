"""How long a link is good, as people write it: 15m, 2h."""

from __future__ import annotations

import re
from typing import Any

import click

HOUR = 3600
LONGEST = 12 * HOUR
_UNITS = {"m": 60, "h": HOUR}


def seconds_of(text: str) -> int | None:
    """The seconds of "15m" or "2h"; None for what is no such span, or not between a minute and twelve hours."""
    found = re.fullmatch(r"([1-9]\d{0,3})([mh])", text, re.ASCII)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    return seconds if 0 < seconds <= LONGEST else None


class Span(click.ParamType[int]):
    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        seconds = seconds_of(str(value))
        if seconds is None:
            self.fail(f"{value!r} is no span between 1m and 12h, such as 15m or 2h", param, ctx)
        return seconds
