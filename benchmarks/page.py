"""How large the page of `portcullis report` is, and how soon it stands when it is opened: `make bench-page [N=...]`.

N roles, N indices, N people (1,000 unless told), those of `bench-decide`. Making it is processor time. The page is opened three times in
the Chromium that the tests bring along, and says itself when it was drawn; the file lies beside the figures, to be looked at.
Prints a table, leaves .portcullis/bench/page.json and page.html.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from datetime import UTC, datetime

import msgspec
from portcullis.entry.page.writing import page
from portcullis.operations.access.asking.drawing import picture
from portcullis.operations.access.asking.findings.finding import findings

from benchmarks.common import HOME, Report, Tell, main
from benchmarks.decide import config, scene, timed
from local.npm.browser import browser

_OPENED = 3


def bench(given: argparse.Namespace, tell: Tell) -> Report:
    n, report = given.n, Report()
    held, world, people = config(n)
    made, drawn = timed(lambda: picture(scene(held, world, people), datetime.now(UTC)))
    found_in, found = timed(lambda: findings(scene(held, world, people)))
    data = {
        "of_file": False,
        "picture": msgspec.to_builtins(drawn),
        "findings": msgspec.to_builtins(found.findings),
        "status": None,
        "drift": [],
        "history": [],
        "unread": {},
    }
    wrote, text = timed(lambda: page(data))
    HOME.mkdir(parents=True, exist_ok=True)
    file = HOME / "page.html"
    file.write_text(text, "utf-8")
    report.row(f"the picture of {n} people by {n} indices, from nothing", f"{made:.1f} s")
    report.row("its findings, from nothing", f"{found_in:.1f} s")
    report.row("the page of it written", f"{wrote:.2f} s")
    report.row("size", f"{len(text.encode()) / 1e6:.2f} MB")
    report.figures = {"picture_s": made, "findings_s": found_in, "write_s": wrote, "bytes": len(text.encode())}
    tell("opening it")
    chromium = browser(tell)
    opened = [chromium.look(file)["ready"] / 1000 for _ in range(_OPENED)]
    report.below("drawn, after it was opened (the median of three)", statistics.median(opened), 2.0)
    report.figures["opened_s"] = opened
    return report


if __name__ == "__main__":
    sys.exit(main("page", __doc__ or "", bench, n=1000, n_is="roles, indices and people"))
