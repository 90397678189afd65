"""Random histories of two and three writers on one domain: `make bench-fence [N=...]`, 20,000 unless told.

Each interleaves them at every call, with leases that run out, crashes, silences, writes that arrive late, people who join and leave and
entries made by hand (tests/operations/fence.py), then comes to rest and is checked.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from concurrent.futures import ProcessPoolExecutor

from benchmarks.common import Report, Tell, main
from tests.operations.fence import play

_AT_ONCE = 50  # histories that a process plays in a row
_NAMED = 20  # seeds that are named, to be played again


def some(start: int, many: int) -> dict[int, str]:
    """Seed -> what was wrong, of those where anything was."""
    logging.disable(logging.CRITICAL)
    played = ((seed, play(seed)) for seed in range(start, start + many))
    return {seed: "; ".join(wrong) for seed, wrong in played if wrong}


def bench(given: argparse.Namespace, tell: Tell) -> Report:
    report, violated = Report(), dict[int, str]()
    starts = range(0, given.n, _AT_ONCE)
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        for number, found in enumerate(
            processes.map(some, starts, [min(_AT_ONCE, given.n - start) for start in starts]), 1
        ):
            violated |= found
            if number % 40 == 0:
                tell(f"{number * _AT_ONCE} histories, {len(violated)} violated")
    report.row("histories", str(given.n))
    report.row("violated", str(len(violated)), "0", not violated)
    report.wrong = [f"seed {seed}: {what}" for seed, what in sorted(violated.items())[:_NAMED]]
    report.figures = {"histories": given.n, "violations": len(violated)}
    return report


if __name__ == "__main__":
    sys.exit(main("fence", __doc__ or "", bench, n=20_000, n_is="histories"))
