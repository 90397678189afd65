"""Sixteen writers at once on one domain, mixed with hand edits: `make bench-writers [N=...]`. Counts what was lost: nothing may be."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.common import Report, Tell, main
from local.embedded import CACHE
from local.node.node import Node
from local.node.security import SecuritySetup
from tests.operations.on_node import account_on
from tests.operations.writers import at_once

_SECONDS = 30


def bench(given: argparse.Namespace, tell: Tell) -> Report:
    report = Report()
    with (
        tempfile.TemporaryDirectory(prefix="portcullis-") as home,
        Node.start(Path(home), CACHE, "2.19.3", security=SecuritySetup.basic(), tell=tell) as node,
    ):
        seen = at_once(node, account_on(node), writers=given.n, seconds=_SECONDS)
    latencies = sorted(seen.latencies) or [0.0]
    report.row("applies", str(seen.applies))
    report.row("median of an apply, waiting for the others included", f"{latencies[len(latencies) // 2]:.2f} s")
    report.row("entries and roles made by hand meanwhile", str(len(seen.by_hand) + len(seen.roles_by_hand)))
    report.row("conflicts seen by the people at the API", str(seen.hand_conflicts))
    report.row("updates lost", str(len(seen.lost)), "0", not seen.lost)
    report.row("errors seen by a caller", str(len(seen.refused)), "0", not seen.refused)
    report.wrong = [*seen.lost, *seen.refused]
    report.figures = {
        "writers": given.n,
        "seconds": _SECONDS,
        "applies": seen.applies,
        "median_s": round(latencies[len(latencies) // 2], 3),
        "by_hand": len(seen.by_hand) + len(seen.roles_by_hand),
        "lost": len(seen.lost),
        "errors": len(seen.refused),
    }
    return report


if __name__ == "__main__":
    sys.exit(main("writers", __doc__ or "", bench, n=16, n_is="writers"))
