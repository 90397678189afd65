"""Given what somebody sees of an index before and after, then it is said to be more, less, the same, both, or not comparable."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from portcullis.access.questions.answers import Decided, Seen
from portcullis.access.questions.changes import Changed, OnIndex, Right, as_many_as_fit, compared, in_short, seen_of
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


def changed(letters: int, name: str = "kim") -> Changed:
    """With one index that takes so many characters of an answer."""
    index = OnIndex("x" * (letters - 90), "read", "", "", gains=True, loses=False)
    return Changed(f"iam_user:{name}", name, True, False, (index,), (Right("administers"),))


def test_what_does_not_fit_into_an_answer_is_left_out_and_said() -> None:
    whole = [changed(1_000_000), changed(1_000_000)]
    assert as_many_as_fit(whole) == (tuple(whole), ())
    people, told = as_many_as_fit([*whole, changed(91), changed(91)])
    assert [len(one.indices) for one in people] == [1, 1, 0, 0]
    assert (people[2].gains, people[2].gained) == (True, (Right("administers"),))
    assert told == ("on which indices 2 people more gain or lose something is left out, as it is too much",)
    (said,) = as_many_as_fit([*whole, changed(91)])[1]
    assert said.startswith("on which indices 1 person more")


def test_before_and_after_count_for_the_room_that_an_index_takes() -> None:
    index = OnIndex("x", "read", "b" * 1_000_000, "a" * 999_909, gains=True, loses=False)
    fits = Changed("p", "p", True, False, (index,))
    assert as_many_as_fit([fits])[1] == ()
    assert as_many_as_fit([replace(fits, indices=(replace(index, after="a" * 999_910),))])[1]


@pytest.mark.parametrize(
    ("allowed", "index", "said"),
    [(True, "a", True), (True, "b", False), (False, "b", False), (None, "b", None)],
)
def test_of_an_index_that_is_not_spoken_of_nothing_is_seen(allowed: bool | None, index: str, said: bool | None) -> None:
    decided = Decided(allowed, seen=(Seen("a", True),))
    assert seen_of(decided, index) == Seen(index, said)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (seen(fields_only=("x", "y")), seen(fields_only=("y", "x")), SAME),
        (seen(fields_hidden=("x", "y")), seen(fields_hidden=("y", "x")), SAME),
        (seen(fields_hidden=("x",)), seen(fields_only=("x",)), OPEN),
        (seen(fields_only=("x",), fields_hidden=("y",)), seen(fields_only=("x",)), OPEN),
        (seen(masked=("x",)), seen(masked=("x", "y")), LESS),
        (seen(masked=("x",)), seen(masked=("y",)), OPEN),
        (seen(documents=("a",)), seen(documents=("a",), masked=("x",)), LESS),
        (seen(documents=("a",)), seen(False), LESS),
    ],
)
def test_fields_masks_and_documents_are_each_held_against_each_other(
    before: Seen, after: Seen, said: tuple[object, ...]
) -> None:
    assert compared(before, after) == said
    assert compared(after, before) == said[::-1]
