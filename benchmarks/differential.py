"""`decide` beside the Security plugin's own classes, on random cases: `make bench-differential [N=...]`, of both releases.

N questions in all (20,000 unless told), in configs of a dozen each: roles, patterns, filters, field rules, masks, mappings, aliases, data
streams, hidden and closed indices, exclusions, options of requests. No node is started for these: the plugin's classes run in one
process each (local/oracle). What differs is made as small as it goes and printed as a row for
tests/families/opensearch/test_decide_by_the_plugin.py. Then `--requests` of each release (2,000 unless told) are sent to real nodes over
HTTP, which hold random configs (benchmarks/deciding/on_node.py), half of them on a node with dfm_empty_overrides_all.
A question that we leave open (`unknown`) counts as no difference, and how many there are is told.

`python -m benchmarks.differential --n 100000 --release 3.4.0 --start 5000` plays one release, from a seed.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from portcullis.errors import BadInput

from benchmarks.common import Report, Tell, main
from benchmarks.deciding.beside import Counts, Found, play, row, shrink
from benchmarks.deciding.counted import Counts as OnNodeCounts
from benchmarks.deciding.on_node import CHANGES_ITSELF, OnNode
from benchmarks.deciding.on_node import play as send
from local.node.node import Node
from local.node.security import SecuritySetup
from local.oracle.plugin import RELEASES, Plugin
from tests.fixtures_node import FEW_ROUNDS

CACHE = Path(__file__).resolve().parent.parent / ".portcullis" / "cache"
_IN_A_CASE = 12
_SHOWN = 6  # of one release


def bench(given: argparse.Namespace, tell: Tell) -> Report:
    if given.release and given.release not in RELEASES:
        raise BadInput(
            "is no release known here", source="--release", place=given.release, remedy=" or ".join(RELEASES)
        )
    releases = [given.release] if given.release else list(RELEASES)
    report = Report(figures={"releases": {}})
    cases = max(1, given.n // _IN_A_CASE // len(releases))
    for version in releases:
        with Plugin(version, CACHE, tell) as plugin:
            _play(plugin, int(given.start), cases, report, tell)
    for version in releases:
        _on_nodes(version, int(given.start), int(given.requests), report, tell)
    of = report.figures["releases"].values()
    report.figures["in_process"] = {
        "cases": sum(one["questions"] for one in of),
        "disagreements": sum(one["differ"] for one in of),
    }
    report.figures["on_node"] = {
        "cases": sum(one["on_node"]["cases"] for one in of),
        "disagreements": sum(one["on_node"]["disagreements"] for one in of),
    }
    return report


def _on_nodes(version: str, start: int, count: int, report: Report, tell: Tell) -> None:
    tally = OnNodeCounts()
    for free_wins, part in ((False, count - count // 2), (True, count // 2)):
        if not part:
            continue
        settings = {**FEW_ROUNDS, **CHANGES_ITSELF, "plugins.security.dfm_empty_overrides_all": free_wins}
        setup = SecuritySetup.basic(settings=settings)
        with TemporaryDirectory() as home, Node.start(Path(home), CACHE, version, security=setup, tell=tell) as node:
            on = OnNode(node, free_wins=free_wins)
            send(on, start + 1_000_000 * free_wins, part, tally)
            on.end()
        tell(f"{version} on a node: {tally.cases} requests, {len(tally.found)} differ, {tally.unknown} left open")
    report.row(f"{version}: requests to real nodes", str(tally.cases))
    report.row(f"{version}: of these refused; seen in part", f"{tally.refused}; {tally.limited}")
    report.row(f"{version}: of these left open", str(tally.unknown))
    report.row(f"{version}: of these answered otherwise", str(len(tally.found)), "0", not tally.found)
    report.figures["releases"][version]["on_node"] = {
        "cases": tally.cases,
        "disagreements": len(tally.found),
        "more": sum(one.more for one in tally.found),
        "unknown": tally.unknown,
        "refused": tally.refused,
        "limited": tally.limited,
    }
    report.wrong += [f"{version}: {one.what[:1500]}" for one in tally.found[:40]]


def _play(plugin: Plugin, start: int, cases: int, report: Report, tell: Tell) -> None:
    counts, differing = Counts(), list[Found]()
    for first in range(start, start + cases, 400):
        differing += play(plugin, range(first, min(first + 400, start + cases)), counts)
        tell(f"{plugin.version}: {counts.questions} questions, {len(differing)} differ, {counts.unknown} left open")
    more = [found for found in differing if found.more]
    report.row(f"{plugin.version}: questions", str(counts.questions))
    report.row(f"{plugin.version}: left open", str(counts.unknown))
    report.row(f"{plugin.version}: differ", str(len(differing)), "0", not differing)
    report.row(f"{plugin.version}: of these, more can be seen than we say", str(len(more)), "0", not more)
    report.figures["releases"][plugin.version] = {
        "questions": counts.questions,
        "unknown": counts.unknown,
        "differ": len(differing),
        "more": len(more),
    }
    small = (shrink(found, plugin, datetime.now(UTC)) for found in (more + differing)[:_SHOWN])
    report.wrong += dict.fromkeys(row(found, plugin.version) for found in small)


if __name__ == "__main__":
    sys.exit(
        main(
            "differential",
            __doc__ or "",
            bench,
            n=20_000,
            n_is="questions in all",
            more={"release": "", "start": "0", "requests": "2000"},
        )
    )
