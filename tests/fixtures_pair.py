"""Two real Elasticsearch clusters, one of which may read the other: started on first use, one pair a session.

9.5.3 unless PAIR names another release (8.19.21). Tests that use it carry the mark `node`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local.elastic.keystore_server import KeystoreServer
from local.elastic.pair import Pair
from tests.fixtures_elastic import FEW_ROUNDS

if TYPE_CHECKING:
    from benchmarks.reaching.beside import Reached

RELEASE = os.environ.get("PAIR", "9.5.3")


@pytest.fixture(scope="session")
def shared_pair(tmp_path_factory: pytest.TempPathFactory, jar_cache: Path) -> Iterator[Pair]:
    with (
        Pair.start(tmp_path_factory.mktemp("pair-"), jar_cache, RELEASE, settings=FEW_ROUNDS, tell=print) as both,
        KeystoreServer(both.local.home),
    ):
        yield both


@pytest.fixture(scope="session")
def pair(shared_pair: Pair) -> Pair:
    return shared_pair


@pytest.fixture(scope="session")
def reached(tmp_path_factory: pytest.TempPathFactory, jar_cache: Path) -> Iterator[Reached]:
    """A pair of its own, which has every alias of the random cases; a test makes it hold what it asks about."""
    from benchmarks.reaching.beside import Reached

    with Pair.start(tmp_path_factory.mktemp("reached-"), jar_cache, RELEASE, settings=FEW_ROUNDS, tell=print) as pair:
        yield Reached(pair)
