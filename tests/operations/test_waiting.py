"""Given something that takes a moment elsewhere, then it is asked for again after a pause, and never paused for in vain."""

from __future__ import annotations

import pytest
from portcullis.operations.waiting import looks


@pytest.mark.parametrize(
    ("most", "until", "seen", "pauses"),
    [(3, 0, [0], 0), (3, 1, [0, 1], 1), (3, 9, [0, 1, 2], 2), (1, 9, [0], 0)],
    ids=["at once", "after one pause", "never: none after the last look", "one look"],
)
def test_each_look_but_the_first_comes_after_a_pause(most: int, until: int, seen: list[int], pauses: int) -> None:
    slept: list[float] = []
    looked: list[int] = []
    for look in looks(most, 0.5, slept.append):
        looked.append(look)
        if look == until:
            break
    assert looked == seen
    assert slept == [0.5] * pauses
