"""Random histories of people who leave while a deployment locks and opens again: `make bench-leavers [N=...]`, 5,000 unless told.

Keys turn, people come and go, steps fail and machines die before any call of any operation (tests/reactions/leavers.py). Nobody who left
is ever answered again, and at rest whoever is in the group is in, and nobody else.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.common import Report, Tell, histories, main
from tests.reactions.leavers import random_history


def play(seed: int) -> str:
    try:
        random_history(seed)
    except AssertionError as broken:
        return str(broken) or "it does not end in the truth"
    return ""


def bench(given: argparse.Namespace, tell: Tell) -> Report:
    return histories(play, given.n, tell)


if __name__ == "__main__":
    sys.exit(main("leavers", __doc__ or "", bench, n=5_000, n_is="histories"))
