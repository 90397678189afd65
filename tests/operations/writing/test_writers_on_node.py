"""Given sixteen writers on one domain and people who edit it by hand, then nothing is lost and no caller sees a conflict."""

from __future__ import annotations

import pytest

from local.node.node import Node
from tests.operations.on_node import account_on, bytes_of, put_back
from tests.operations.writers import at_once, described

pytestmark = pytest.mark.node


def test_sixteen_writers_and_hand_edits_lose_nothing(node_basic_2: Node) -> None:
    found = bytes_of(node_basic_2)
    try:
        seen = at_once(node_basic_2, account_on(node_basic_2), writers=16, seconds=4)
    finally:
        put_back(node_basic_2, found)
    print(*described(seen), sep="\n")
    assert seen.refused == []
    assert seen.lost == []
    assert seen.applies >= 16  # each of them came through
    assert seen.by_hand
