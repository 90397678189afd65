"""Given what somebody sees of an index before and after, then it is said to be more, less, the same, both, or not comparable."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.access.questions.answers import Seen
from portcullis.access.questions.changes import compared, in_short
from portcullis.access.truth import any_of

MORE, LESS, SAME, OPEN = (True, False), (False, True), (False, False), (None, None)


def seen(allowed: bool | None = True, **limits: Any) -> Seen:
    return Seen("logs-1", allowed, **limits)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (seen(), seen(), SAME),
        (seen(False), seen(False), SAME),
        (seen(False), seen(), MORE),
        (seen(), seen(False), LESS),
        (seen(False), seen(documents=("a",)), MORE),
        (seen(documents=("a",)), seen(), MORE),
        (seen(documents=("a",)), seen(documents=("a", "b")), MORE),
        (seen(documents=("b", "a")), seen(documents=("a", "b")), SAME),
        (seen(documents=("a", "b")), seen(documents=("b",)), LESS),
        (seen(documents=("a",)), seen(documents=("b",)), OPEN),
        (seen(), seen(alias_filters=("a",)), LESS),
        (seen(alias_filters=("a",)), seen(alias_filters=("b",)), OPEN),
        (seen(fields_hidden=("x", "y")), seen(fields_hidden=("x",)), MORE),
        (seen(), seen(fields_hidden=("x",)), LESS),
        (seen(fields_only=("x",)), seen(fields_only=("x", "y")), MORE),
        (seen(fields_only=("x",)), seen(), MORE),
        (seen(fields_only=("x",)), seen(fields_hidden=("y",)), OPEN),
        (seen(masked=("x",)), seen(), MORE),
        (seen(masked=("x",)), seen(masked=("x", "y")), LESS),
        (seen(masked=("x", "y")), seen(masked=("y",)), MORE),
        (seen(masked=("x::SHA-1",)), seen(masked=("x::SHA-512",)), OPEN),
        (seen(masked=("x*", "xy::a")), seen(masked=("xy::a", "x*")), OPEN),  # the first that fits wins
        (seen(masked=("x",)), seen(fields_hidden=("x",)), (True, True)),
        (seen(documents=("a",), fields_hidden=("x",)), seen(documents=("b",)), (True, None)),
        (seen(None), seen(), OPEN),
        (seen(None), seen(None), OPEN),
        (seen(), seen(None), (False, None)),  # there was nothing left to gain
        (seen(False), seen(None), (None, False)),
        (seen(documents=("a",)), seen(None), OPEN),
    ],
)
def test_two_views_of_an_index_are_held_against_each_other(before: Seen, after: Seen, said: tuple[object, ...]) -> None:
    assert compared(before, after) == said
    if None not in said and None not in (before.allowed, after.allowed):
        assert compared(after, before) == said[::-1]


def test_one_true_makes_it_true_and_else_one_unknown_unknown() -> None:
    assert (any_of([False, None, True]), any_of([False, None]), any_of([False]), any_of([])) == (
        True,
        None,
        False,
        False,
    )


def test_a_view_in_short_names_every_limit() -> None:
    assert in_short(seen(documents=("q",), fields_hidden=("x",), masked=("y",)), "read") == (
        "documents that match q, without x, y masked"
    )
    assert [in_short(seen(allowed), "read") for allowed in (True, False, None)] == ["reads all", "nothing", "not known"]


def test_what_somebody_may_do_is_said_in_a_word() -> None:
    said = [in_short(one, does) for does in ("read", "write") for one in (seen(None), seen(False), seen())]
    assert said == ["not known", "nothing", "reads all", "not known", "nothing", "writes"]
    assert "a" in in_short(seen(fields_hidden=("a",)), "read")
    assert in_short(seen(fields_hidden=("a",)), "write") == "writes"
