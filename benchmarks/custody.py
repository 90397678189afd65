"""Random histories of custody: `make bench-custody [N=...]`, 20,000 from seed 0 unless told.

Each history mixes revocations, sweeps, misled and unreachable probes, crashes between any two effects, several guards at
once, outages, people and clock jumps (tests/custody/walk.py), then calms down and is checked. Prints a table, writes
.portcullis/bench/custody.json, and exits 1 if any history was violated, with the seeds to run again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

from tests.custody.walk import random_history
from tests.custody.world import Violation, World

ROOT = Path(__file__).resolve().parent.parent


def run(histories: int, seed: int) -> dict[str, object]:
    """Counts of what happened in `histories` histories, beginning with `seed`."""
    ended: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    violated: dict[int, str] = {}
    began = time.perf_counter()
    for number in range(seed, seed + histories):
        try:
            services: World = random_history(number)
        except Violation as violation:
            violated[number] = str(violation)
            continue
        ended[services.custody.state.value] += 1
        seen.update({"writes": services.version, "alerts": len(services.sent), **services.counts})
    return {
        "histories": histories,
        "violations": len(violated),
        "seconds": round(time.perf_counter() - began, 1),
        "seed": seed,
        "ended": dict(ended),
        "seen": dict(seen),
        "violated": {str(number): what for number, what in list(violated.items())[:20]},
    }


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.custody", description=__doc__)
    parser.add_argument("--n", type=int, default=20_000, help="number of histories")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first")
    given = parser.parse_args(arguments)
    result = run(given.n, given.seed)
    target = ROOT / ".portcullis" / "bench" / "custody.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(result, indent=2) + "\n")
    rows: list[tuple[str, object]] = [(name, result[name]) for name in ("histories", "violations", "seconds")]
    for group in ("ended", "seen"):
        counts = result[group]
        assert isinstance(counts, dict)
        rows += [(f"{group}: {name}", count) for name, count in sorted(counts.items())]
    for name, value in rows:
        print(f"{name:28} {value:>12}")
    violated = result["violated"]
    assert isinstance(violated, dict)
    for number, what in violated.items():
        print(f"seed {number}: {what}")
    return 1 if violated else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
