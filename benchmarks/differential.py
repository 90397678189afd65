"""`decide` beside the Security plugin's own classes, on random cases: `make bench-differential [N=...]`, of both releases.

N questions in all (a million unless told), in configs of a dozen each: roles, patterns, filters, field rules, masks, mappings, aliases,
data streams, hidden and closed indices, exclusions, options of requests. No node is started for these: the plugin's classes run in one
process each (local/oracle). What differs is made as small as it goes and printed as a row for
tests/families/opensearch/test_decide_by_the_plugin.py. Then `--requests` of each release (2,000 unless told) are sent to real nodes over
HTTP, which hold random configs (benchmarks/deciding/beside_node.py), half of them on a node with dfm_empty_overrides_all.
A question that we leave open (`unknown`) counts as no difference, and how many there are is told.

How far it is stands in .portcullis/bench/differential.going-on.json: ended at any moment, the same command goes on from there, unless
what decides was changed meanwhile.
`python -m benchmarks.differential --n 100000 --release 3.4.0 --start 5000` plays one release, from a seed, and leaves its figures in
.portcullis/bench/differential-3.4.0.json. `--release 3.4.0 --again 31002404.7` sends the request 7 of a config to a node once more, alone;
`--again 31002404` all of them, one after another; `--dfm yes`: on a node with dfm_empty_overrides_all.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from portcullis import families
from portcullis.errors import BadInput

from benchmarks.common import HOME, Report, Tell, main
from benchmarks.deciding.beside import Counts, play, row, shrink
from benchmarks.deciding.beside_node import AT_ONCE, of_config, stand
from benchmarks.deciding.beside_node import play as send
from benchmarks.deciding.counted import Counts as OnNodeCounts
from benchmarks.deciding.on_node import CHANGES_ITSELF, OnNode
from benchmarks.deciding.progress import Part, Progress, code_of
from local.node.node import Node
from local.node.security import SecuritySetup
from local.oracle.plugin import RELEASES, Plugin
from tests.fixtures_node import FEW_ROUNDS

CACHE = Path(__file__).resolve().parent.parent / ".portcullis" / "cache"
_IN_A_CASE = 12
_AT_ONCE, _OF_A_PROCESS = 400, 8_000  # cases
_SENT_AT_ONCE = 240  # requests
_SHOWN = 6  # of one release
_NAMED = 40  # requests


def bench(given: argparse.Namespace, tell: Tell) -> Report:
    if given.release and given.release not in RELEASES:
        raise BadInput(
            "is no release known here", source="--release", place=given.release, remedy=" or ".join(RELEASES)
        )
    releases = [given.release] if given.release else list(RELEASES)
    if given.again:
        return _once_more(releases, str(given.again), tell, free_wins=given.dfm == "yes")
    start, cases = int(given.start), max(1, given.n // _IN_A_CASE // len(releases))
    run = {
        "n": given.n,
        "start": start,
        "requests": int(given.requests),
        "releases": releases,
        "of": code_of(Path(families.__file__).parent / "opensearch", Path(__file__).parent / "deciding"),
    }
    of_one = f"-{given.release}" if given.release else ""
    progress = Progress(HOME / f"differential{of_one}.going-on.json", run)
    report = Report(figures={"releases": {}}, part=given.release)
    _side_by_side(
        *(partial(_play, version, start, cases, progress, tell) for version in releases),
        partial(_on_nodes, releases, start, int(given.requests), progress, tell),
    )
    for version in releases:
        _told_of_classes(version, progress.part(version), report)
        _told_of_nodes(version, progress, report)
    of = report.figures["releases"].values()
    report.figures["in_process"] = {
        "cases": sum(one["questions"] for one in of),
        "disagreements": sum(one["differ"] for one in of),
    }
    report.figures["on_node"] = {
        "cases": sum(one["on_node"]["cases"] for one in of),
        "disagreements": sum(one["on_node"]["disagreements"] for one in of),
    }
    progress.end()
    return report


def _side_by_side(*parts: Callable[[Event], None]) -> None:
    """The classes of each release, and one node at a time. Where one fails, the others end after their stretch."""
    ended = Event()
    with ThreadPoolExecutor(len(parts)) as workers:
        try:
            for one in as_completed([workers.submit(part, ended) for part in parts]):
                one.result()
        finally:
            ended.set()


def _play(version: str, start: int, cases: int, progress: Progress, tell: Tell, ended: Event) -> None:
    """A plugin for some thousand cases: a process that runs for half an hour would keep what it made."""
    part = progress.part(version)
    while part.done < cases and not ended.is_set():
        with Plugin(version, CACHE, tell) as plugin:
            for _ in range(_OF_A_PROCESS // _AT_ONCE):
                first, last = start + part.done, start + min(part.done + _AT_ONCE, cases)
                counts = Counts()
                differing = list(play(plugin, range(first, last), counts))
                worst = sorted(differing, key=lambda found: not found.more)[: max(0, _SHOWN - len(part.rows))]
                rows = [row(shrink(one, plugin, datetime.now(UTC)), version) for one in worst]
                with progress.further():
                    part.questions, part.unknown = part.questions + counts.questions, part.unknown + counts.unknown
                    part.differ, part.more = (
                        part.differ + len(differing),
                        part.more + sum(one.more for one in differing),
                    )
                    part.rows += rows
                    part.done = last - start
                share = f"{part.done * 100 // cases} %"
                tell(f"{version}: {share}, {part.questions} questions, {part.differ} differ, {part.unknown} left open")
                if part.done == cases or ended.is_set():
                    return


def _told_of_classes(version: str, part: Part, report: Report) -> None:
    report.row(f"{version}: questions", str(part.questions))
    report.row(f"{version}: left open", str(part.unknown))
    report.row(f"{version}: differ", str(part.differ), "0", not part.differ)
    report.row(f"{version}: of these, more can be seen than we say", str(part.more), "0", not part.more)
    report.figures["releases"][version] = {
        "questions": part.questions,
        "unknown": part.unknown,
        "differ": part.differ,
        "more": part.more,
    }
    report.wrong += dict.fromkeys(part.rows)


def _on_nodes(releases: Sequence[str], start: int, count: int, progress: Progress, tell: Tell, ended: Event) -> None:
    halves = ((False, count - count // 2), (True, count // 2))
    for version, (free_wins, many) in itertools.product(releases, halves):
        part = progress.part(_half(version, free_wins=free_wins))
        if part.done >= many or ended.is_set():
            continue
        with _node(version, tell, free_wins=free_wins) as on:
            while part.done < many and not ended.is_set():
                tally, these = OnNodeCounts(), min(_SENT_AT_ONCE, many - part.done)
                # Each stretch from a seed of its own: how many configs one needs hangs on which the API takes.
                send(on, start + 1_000_000 * free_wins + part.done * 10, these, tally)
                with progress.further():
                    part.done, part.questions = part.done + these, part.questions + tally.cases
                    part.unknown, part.refused = part.unknown + tally.unknown, part.refused + tally.refused
                    part.limited, part.differ = part.limited + tally.limited, part.differ + len(tally.found)
                    part.more += sum(one.more for one in tally.found)
                    part.rows += [f"{version}: {one.what[:1500]}" for one in tally.found]
                setting = "with" if free_wins else "without"
                tell(
                    f"{version} on a node {setting} dfm_empty_overrides_all: {part.questions} of {many} requests,"
                    f" {part.differ} differ, {part.unknown} left open"
                )


@contextmanager
def _node(version: str, tell: Tell, *, free_wins: bool) -> Iterator[OnNode]:
    settings = {**FEW_ROUNDS, **CHANGES_ITSELF, "plugins.security.dfm_empty_overrides_all": free_wins}
    setup = SecuritySetup.basic(settings=settings)
    with TemporaryDirectory() as home, Node.start(Path(home), CACHE, version, security=setup, tell=tell) as node:
        on = OnNode(node, free_wins=free_wins)
        yield on
        on.end()


def _once_more(releases: Sequence[str], which: str, tell: Tell, *, free_wins: bool) -> Report:
    """`which`: the seed of a config, and after a dot the place of a request."""
    seed, _, place = which.partition(".")
    if not seed.isdecimal() or (place and not place.isdecimal()):
        raise BadInput(
            "is no request", source="--again", place=which, remedy="a seed, or a seed and a place: 31002404.7"
        )
    report = Report(part="again")
    for version in releases:
        with _node(version, tell, free_wins=free_wins) as on:
            tally = OnNodeCounts()
            stand(on, int(seed))
            of_config(on, int(seed), [int(place)] if place else range(AT_ONCE), tally)
        report.row(f"{version}: requests; left open", f"{tally.cases}; {tally.unknown}")
        report.row(f"{version}: answered otherwise", str(len(tally.found)), "0", not tally.found)
        report.wrong += [f"{version}: {one.what}" for one in tally.found]
    return report


def _half(version: str, *, free_wins: bool) -> str:
    return f"{version} on a node, dfm_empty_overrides_all {free_wins}"


def _told_of_nodes(version: str, progress: Progress, report: Report) -> None:
    halves = [progress.part(_half(version, free_wins=free_wins)) for free_wins in (False, True)]
    cases, unknown = sum(one.questions for one in halves), sum(one.unknown for one in halves)
    refused, limited = sum(one.refused for one in halves), sum(one.limited for one in halves)
    differ = sum(one.differ for one in halves)
    report.row(f"{version}: requests to real nodes", str(cases))
    report.row(f"{version}: of these refused; seen in part", f"{refused}; {limited}")
    report.row(f"{version}: of these left open", str(unknown))
    report.row(f"{version}: of these answered otherwise", str(differ), "0", not differ)
    report.figures["releases"][version]["on_node"] = {
        "cases": cases,
        "disagreements": differ,
        "more": sum(one.more for one in halves),
        "unknown": unknown,
        "refused": refused,
        "limited": limited,
    }
    report.wrong += [text for one in halves for text in one.rows][:_NAMED]


if __name__ == "__main__":
    sys.exit(
        main(
            "differential",
            __doc__ or "",
            bench,
            n=1_000_000,
            n_is="questions in all",
            more={"release": "", "start": "0", "requests": "2000", "again": "", "dfm": "no"},
        )
    )
