"""Random requests of one OpenSearch node over another, decided by us and asked of both: `make bench-searching [N=...]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import asdict
from itertools import product
from pathlib import Path

from benchmarks.common import Report, Tell, main
from benchmarks.reaching.nodes import Counts, Searching, play
from local.embedded import CACHE
from local.node.pair import start_pair
from tests.fixtures_node import FEW_ROUNDS

_RELEASES = ("3.4.0", "2.19.3")


def bench(given: argparse.Namespace, tell: Tell) -> Report:
    report = Report()
    for near, far in product(_RELEASES, _RELEASES):
        counts, wrong = Counts(), []
        with tempfile.TemporaryDirectory(prefix="portcullis-") as home:
            nodes = start_pair(Path(home), CACHE, (near, far), settings=FEW_ROUNDS, tell=tell)
            try:
                for seed, what, _ in play(Searching(*nodes), given.n, counts, int(given.start)):
                    wrong.append(f"{near} searches {far}, seed {seed}: {what}")
                    tell(wrong[-1][:300])
            finally:
                for node in nodes:
                    node.stop()
        report.row(f"{near} searches {far}: requests decided and asked", str(counts.cases))
        report.row(f"{near} searches {far}: left open by us", str(counts.unknown))
        report.row(f"{near} searches {far}: answered otherwise", str(len(wrong)), "0", not wrong)
        report.wrong += wrong[:20]
        report.figures[f"{near} searches {far}"] = {**asdict(counts), "disagreements": len(wrong)}
    return report


if __name__ == "__main__":
    sys.exit(main("searching", __doc__ or "", bench, n=500, n_is="requests of each pair", more={"start": "0"}))
