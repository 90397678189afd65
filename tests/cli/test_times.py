"""A time is shown in one format, and how long ago it was in the largest unit that says something."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from portcullis.words import moment, moment_and_age

AT = datetime(2026, 11, 24, 9, 0, 12, 345678, tzinfo=UTC)
SAID = "2026-11-24 09:00:12 UTC"


@pytest.mark.parametrize(
    "at",
    [
        AT,
        AT.replace(tzinfo=None),
        AT.astimezone(timezone(timedelta(hours=-5))),
        AT.isoformat(),
        "2026-11-24T09:00:12Z",
        "2026-11-24T10:00:12.9+01:00",
    ],
)
def test_every_way_to_write_a_time_is_shown_in_one(at: datetime | str) -> None:
    assert moment(at) == SAID


@pytest.mark.parametrize("word", ["", "never", "24.11.2026"])
def test_what_is_no_time_is_shown_as_it_is(word: str) -> None:
    assert (moment(word), moment_and_age(word, AT)) == (word, word)


@pytest.mark.parametrize(
    ("seconds", "age"),
    [
        (0, "just now"),
        (1, "1 s ago"),
        (59, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h 0 min ago"),
        (86400 * 2 - 1, "47 h 59 min ago"),
        (86400 * 2, "2 days ago"),
        (86400 * 3 - 1, "3 days ago"),
        (-90, "in 1 min"),
        (-86400 * 90, "in 90 days"),
        (-86400 * 90 + 3600, "in 90 days"),
    ],
)
def test_how_long_ago_it_was_is_told(seconds: int, age: str) -> None:
    assert moment_and_age(AT, AT + timedelta(seconds=seconds)) == f"{SAID} ({age})"
