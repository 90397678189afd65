"""Words that come from outside, made fit for a history, an alert and a terminal: one line, that looks like what it is, and not too long.

People and events name actors, causes and reasons; engines and AWS answer with names that anybody may have given. A line break among
them would forge a line of ours, an escape would paint the terminal, a sign that turns the direction of writing would show another name
than the one that is there, and half a megabyte fits into no custody. What cannot be printed is therefore shown as its number, so that
what was tried can still be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

ACTOR, CAUSE, SUMMARY, DETAIL, TIME = 1_000, 1_000, 4_000, 1_000, 64  # characters


_DENIED = re.compile(r"\bnot authorized to perform: ([a-z0-9-]+:[A-Za-z]+)")


def denied_actions(said: object) -> tuple[str, ...]:
    """The rights that AWS's answers say are missing, as IAM calls them, in the order of the alphabet."""
    return tuple(sorted(set(_DENIED.findall(str(said)))))


def line(words: object, longest: int = DETAIL) -> str:
    """One line of printable signs, of at most so many. The same again if it is asked for twice."""
    text = str(words)
    cut = text[: longest + 1]
    shown = cut if cut.isprintable() else "".join(map(_sign, cut))
    if len(text) <= longest and len(shown) <= longest:
        return shown
    told = f" ... (cut, of {len(text)} characters)"
    return shown[: max(0, longest - len(told))] + told


def lines(words: object) -> str:
    """A text of several lines, for a terminal: only the line breaks are kept as they are."""
    return "\n".join(part if part.isprintable() else "".join(map(_sign, part)) for part in str(words).split("\n"))


def _sign(sign: str) -> str:
    if sign.isprintable():
        return sign
    if sign in "\n\r\t":
        return " "
    number = ord(sign)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def many(count: int, one: str, more: str = "") -> str:
    """ "1 step", "2 steps"; `more` where the plural takes more than an s."""
    return f"{count} {one if count == 1 else more or one + 's'}"


def not_told_yet(deployment: str, names: Iterable[str]) -> str:
    """Of alerts that wait to be told."""
    said = ", ".join(dict.fromkeys(names))
    return f"not told yet: {said} (the sweep tells it, or portcullis guard {deployment}, which says why not)"


def moment(at: datetime | str) -> str:
    """A time as people read it: UTC, to the second. What is no time stays as it is."""
    if isinstance(at, str):
        try:
            return moment(datetime.fromisoformat(at))
        except ValueError:
            return at
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def in_data(at: datetime) -> str:
    """A time in UTC as `--json` has it."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def moment_and_age(at: datetime | str, now: datetime) -> str:
    """The same with how long ago it was, or how soon it will be: "2026-11-24 09:00:12 UTC (3 min ago)"."""
    said = moment(at)
    try:
        then = datetime.strptime(said, "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
    except ValueError:
        return said
    seconds = int(now.timestamp()) - int(then.timestamp())
    span = _span(abs(seconds))
    return f"{said} ({f'{span} ago' if seconds > 0 else f'in {span}' if seconds else 'just now'})"


def _span(seconds: int) -> str:
    """Whole seconds or minutes, or whole days to the nearest: what ends 90 days from now does so a second later too."""
    minutes, hours = seconds // 60, seconds // 3600
    if not minutes:
        return f"{seconds} s"
    if not hours:
        return f"{minutes} min"
    return f"{round(seconds / 86400)} days" if hours >= 48 else f"{hours} h {minutes % 60} min"


def in_words(entry: str) -> str:
    """A name as a message may carry it, on one line whatever it holds."""
    return entry if entry.isprintable() else ascii(entry)


def put(value: Any, **longest: int) -> None:
    """For frozen dataclasses, as they are made: these fields become lines."""
    for name, most in longest.items():
        was = getattr(value, name)
        if was is not None and (now := line(was, most)) != was:
            object.__setattr__(value, name, now)
