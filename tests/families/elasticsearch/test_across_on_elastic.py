"""Requests over clusters on a real pair, beside what we say of them: status, who was skipped, documents, fields and names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.reaching.beside import Counts, Reached, play
from local.elastic.pair import Pair
from tests.fixtures_elastic import FEW_ROUNDS
from tests.fixtures_pair import RELEASE

pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def reached(tmp_path_factory: pytest.TempPathFactory, jar_cache: Path) -> Iterator[Reached]:
    """A pair of its own: every alias that it has is one of the cases."""
    with Pair.start(tmp_path_factory.mktemp("reached-"), jar_cache, RELEASE, settings=FEW_ROUNDS, tell=print) as pair:
        yield Reached(pair)


def test_a_hundred_requests_over_clusters_are_answered_as_we_say(reached: Reached) -> None:
    counts = Counts()
    found = [(one.seed, one.what, one.asked) for one in play(reached, 100, counts, at_once=25)]
    assert found == []
    # Not by finding nothing: many of each kind were among them.
    assert counts.cases == 100
    assert min(counts.refused, counts.seen, counts.skipped) >= 8
    assert counts.unknown + counts.status_open < 20
