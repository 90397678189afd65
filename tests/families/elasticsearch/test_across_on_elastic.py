"""Requests over clusters on a real pair, beside what we say of them: status, who was skipped, documents, fields and names."""

from __future__ import annotations

import pytest

from benchmarks.reaching.beside import Counts, Reached, play

pytestmark = pytest.mark.node


def test_a_hundred_requests_over_clusters_are_answered_as_we_say(reached: Reached) -> None:
    counts = Counts()
    found = [(one.seed, one.what, one.asked) for one in play(reached, 100, counts, at_once=25)]
    assert found == []
    # Not by finding nothing: many of each kind were among them.
    assert counts.cases == 100
    assert min(counts.refused, counts.seen, counts.skipped) >= 8
    assert counts.unknown + counts.status_open < 20
