"""Who may do what on Elasticsearch, our answer beside a real node's: `make bench-elasticsearch [N=...]`, N cases of each release.

Before them 200 native users are given a role, as a burst of a group's changes does: each with a look of its own, and together.
Random roles with filters and field rules, users and requests: what `can` says of them (benchmarks/deciding/elastic.py), and as many that
`decide` is asked with their bodies, items and options (benchmarks/deciding/wider.py). `--releases 9.5.3,6.8.23` names others.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from portcullis.access.plan import Claim, Operation, Step
from portcullis.adapters.engines.elasticsearch import ElasticsearchEngine
from portcullis.adapters.engines.transport import basic_transport
from portcullis.families import family_named
from portcullis.families.elasticsearch.documents.config import Kind
from portcullis.operations.writing.sending import send

from benchmarks.common import Report, Tell, main
from benchmarks.deciding import wider
from benchmarks.deciding.counted import Counts
from benchmarks.deciding.elastic import Asked, play
from local.elastic.node import Elasticsearch
from local.processes import LOOPBACK
from tests.fixtures_node import CACHE

_AT_ONCE = 160
_CROWD = 200


def crowd(node: Elasticsearch) -> tuple[float, float, int]:
    """Seconds for 200 users one after another, and together, each as a run sends it; and how many writes the latter is."""
    engine = ElasticsearchEngine(
        basic_transport(f"{LOOPBACK}:{node.port}", node.user, node.password, ca=str(node.ca)), "crowd"
    )
    family = family_named("elasticsearch")
    for number in range(_CROWD):
        status, said = node.ask(
            "PUT", f"/_security/user/crowd{number}", {"password": "Correct-horse-battery-9", "roles": []}
        )
        assert status == 200, said
    took: list[float] = []
    for role in ("alone", "together"):
        held = engine.read()
        steps = [
            Step(
                Operation.ADD, Claim(family.mappings, role, "users", f"crowd{number}"), None, f"crowd{number}", "bench"
            )
            for number in range(_CROWD)
        ]
        writes = family.writes(steps, held)
        sent = [write._replace(body=[one]) for write in writes for one in write.body] if role == "alone" else writes
        began = time.monotonic()
        for write in sent:
            send(family, engine, write, held)
        took.append(time.monotonic() - began)
        now = engine.read([Kind.USERS]).of(Kind.USERS)
        assert all(role in now[f"crowd{number}"]["roles"] for number in range(_CROWD))
    return took[0], took[1], len(writes)


def bench(given: argparse.Namespace, tell: Tell) -> Report:
    report = Report(figures={"releases": {}})
    for version in str(given.releases).split(","):
        counts = Counts()
        with TemporaryDirectory() as home, Elasticsearch.start(Path(home), CACHE, version, tell=tell) as node:
            alone, together, writes = crowd(node)
            report.row(f"{version}: a role for {_CROWD} users, one after another", f"{alone:.1f} s")
            report.row(
                f"{version}: the same together, {writes} writes",
                f"{together:.1f} s",
                f"< {alone:.1f} s",
                together < alone,
            )
            asked = Asked(node, streams=True)
            for number in range((given.n + _AT_ONCE - 1) // _AT_ONCE):
                play(asked, min(_AT_ONCE, given.n - number * _AT_ONCE), counts, seed=int(given.start) + number)
                tell(
                    f"{version}: {counts.cases} cases, {len(counts.found)} answered otherwise, {counts.unknown} left open"
                )
            asked.end()
            more = wider.Wider(node, streams=True)
            for number in range((given.n + _AT_ONCE - 1) // _AT_ONCE):
                count = min(_AT_ONCE, given.n - number * _AT_ONCE)
                wider.play(more, count, counts, seed=int(given.start) + number)
                tell(
                    f"{version}, wider: {counts.cases} cases, {len(counts.found)} answered otherwise, {counts.unknown} left open"
                )
        report.row(f"{version}: cases", str(counts.cases))
        report.row(f"{version}: of these refused by the node", str(counts.refused))
        report.row(f"{version}: left open", str(counts.unknown))
        report.row(f"{version}: answered otherwise", str(len(counts.found)), "0", not counts.found)
        report.figures["releases"][version] = {
            "crowd_s": {"alone": alone, "together": together, "writes": writes},
            "cases": counts.cases,
            "disagreements": len(counts.found),
            "more": sum(one.more for one in counts.found),
            "unknown": counts.unknown,
            "refused": counts.refused,
        }
        report.wrong += [f"{version}: {one.what}" for one in counts.found[:10]]
    return report


if __name__ == "__main__":
    sys.exit(
        main(
            "elasticsearch",
            __doc__ or "",
            bench,
            n=5000,
            n_is="cases of each release",
            more={"releases": "9.5.3,6.8.23", "start": "0"},
        )
    )
