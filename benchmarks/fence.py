"""Random histories of two and three writers on one domain: `make bench-fence [N=...]`, 20,000 unless told.

Each interleaves them at every call, with leases that run out, crashes, silences, writes that arrive late, people who join and leave and
entries made by hand (tests/operations/fence.py), then comes to rest and is checked. In every other one whoever follows the groups takes
the short road where that is enough, and nobody sweeps. Half of them are of a domain of OpenSearch, half of a cluster of Elasticsearch.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.common import Report, Tell, histories, main
from tests.operations import fence
from tests.operations.worlds import MAKES


def play(seed: int) -> str:
    return "; ".join(fence.play(seed, short=bool(seed % 2), make=MAKES[seed // 2 % 2]))


def bench(given: argparse.Namespace, tell: Tell) -> Report:
    return histories(play, given.n, tell)


if __name__ == "__main__":
    sys.exit(main("fence", __doc__ or "", bench, n=20_000, n_is="histories"))
