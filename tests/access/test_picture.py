"""Given cells, then a row of a picture has one bit for each of them, in order, the lowest first; rows are as long as the width asks."""

from __future__ import annotations

from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis.access.questions.picture import bits, rows


@pytest.mark.parametrize(
    ("places", "width", "made"),
    [((), 0, b""), ((), 3, b"\0"), ((0, 2), 3, b"\x05"), ((8,), 9, b"\0\x01"), ((7, 7), 8, b"\x80")],
)
def test_places_become_bits(places: tuple[int, ...], width: int, made: bytes) -> None:
    assert bits(places, width) == made


@given(st.lists(st.lists(st.sampled_from(["", "read", "part write", "?"]), min_size=9, max_size=9), max_size=5))
def test_a_picture_has_the_bit_of_every_cell_with_the_word(cells: list[list[str]]) -> None:
    for word in ("read", "part", "write", "?"):
        made = b64decode(rows(cells, 9, word))
        drawn = [[bool(made[2 * at + place // 8] >> place % 8 & 1) for place in range(9)] for at in range(len(cells))]
        assert drawn == [[word in cell.split() for cell in row] for row in cells]
