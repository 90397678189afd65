"""Remote clusters on two real clusters: `make bench-remotes [N=...]`, N rotations of a key a release, 4 unless told.

Four threads search through the alias every 20 ms while the key is replaced, N times: no search may be refused. Then the remote is moved
from certificates to a key while they search, by a second alias (none may be refused) and on the same alias, forth and back. Then random
searches over clusters (`--cases` a release), of a pair and of our decision: none may be answered otherwise.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
from moto import mock_aws

from benchmarks.common import Report, Tell, main
from benchmarks.reaching.beside import Counts, Reached, play
from local.elastic.pair import ALIAS, Pair, Searching
from tests.fixtures_node import CACHE
from tests.operations.clusters import PASSWORD
from tests.operations.moving import NEW, Move
from tests.operations.pairs import made
from tests.operations.remotes.test_two_deployments_on_elastic import deployed

RELEASES = ("9.5.3", "8.19.21")
_THREADS = 4  # of whoever searches


def rotation(release: str, rotations: int, tell: Tell) -> dict[str, Any]:
    """The searches while the key between two clusters of a release is replaced so many times, and what refused them."""
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "none")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "none")
    with TemporaryDirectory() as home, Pair.start(Path(home), CACHE, release, tell=tell) as pair, mock_aws():
        world = made(pair, boto3.client("secretsmanager", region_name="eu-central-1"))
        world.rotate()
        with Searching(pair.local, threads=_THREADS) as searching:
            searching.more(20)
            for number in range(rotations):
                tell(f"{release}: rotation {number + 1} of {rotations}")
                world.rotate()
            searching.more(20)
        assert len(world.ours()) == 1, "a key was left over"
    return {
        "searches": searching.searches,
        "refused": sum(searching.refused.values()),
        "said": dict(searching.refused.most_common(3)),
    }


def migration(release: str, tell: Tell) -> dict[str, Any]:
    """The searches of somebody with a declared role while a remote is moved from certificates to a key, each way."""
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "none")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "none")
    with TemporaryDirectory() as home, Pair.start(Path(home), CACHE, release, tell=tell) as pair, deployed(pair) as two:
        move = Move(two)
        move.begin()
        tell(f"{release}: by a second alias")
        move.second()
        old, new = (
            Searching(pair.local, f"/{alias}:logs-1/_search", user="anna", password=PASSWORD, threads=_THREADS)
            for alias in (ALIAS, NEW)
        )
        with old:
            old.more(20)
            move.migrate()
            old.more(20)
        with new:  # people have moved over
            new.more(20)
            move.migrate(go_on=True)
            new.more(20)
        second = {"searches": old.searches + new.searches, "refused": sum((old.refused + new.refused).values())}
        tell(f"{release}: on the same alias")
        move.begin()
        move.same()
        ways: dict[str, float] = {}
        for name, more in (("forth", {}), ("back", {"back": True})):
            with Searching(
                pair.local, f"/{ALIAS}:logs-1/_search", user="anna", password=PASSWORD, threads=_THREADS
            ) as on:
                on.more(20)
                move.migrate(**more)
                move.answers(ALIAS)
                on.more(20)
            ways[name] = round(on.seconds_refused, 2)
    same = {"seconds_refused": ways["forth"], "seconds_refused_back": ways["back"]}
    return {"second_alias": {**second, "said": dict((old.refused + new.refused).most_common(3))}, "same_alias": same}


def decided(release: str, cases: int, tell: Tell) -> tuple[dict[str, Any], list[str]]:
    """Random searches that our decision and a pair of a release answer: how many, and where they differ."""
    counts, wrong = Counts(), []
    with TemporaryDirectory() as home, Pair.start(Path(home), CACHE, release, tell=tell) as pair:
        for found in play(Reached(pair), cases, counts):
            wrong.append(f"seed {found.seed}: {found.what}{', MORE than we say' if found.more else ''}")
            tell(wrong[-1])
    return {"cases": counts.cases, "disagreements": len(wrong), **asdict(counts)}, wrong


def bench(given: argparse.Namespace, tell: Tell) -> Report:
    report = Report()
    found = {release: rotation(release, given.n, tell) for release in RELEASES}
    searches, refused = (sum(one[what] for one in found.values()) for what in ("searches", "refused"))
    report.figures["rotation"] = {"searches": searches, "refused": refused, "rotations": given.n, "releases": found}
    for release, one in found.items():
        report.row(f"{release}: searches during {given.n} rotations", str(one["searches"]))
        report.row(f"{release}: of these refused", str(one["refused"]), "0", one["refused"] == 0)
    if refused:
        report.wrong.append(f"{refused} searches were refused while a key was replaced")
    moved = {release: migration(release, tell) for release in RELEASES}
    report.figures["migration"] = {
        "second_alias": {
            what: sum(one["second_alias"][what] for one in moved.values()) for what in ("searches", "refused")
        },
        "same_alias": {"seconds_refused": max(one["same_alias"]["seconds_refused"] for one in moved.values())},
        "releases": moved,
    }
    for release, one in moved.items():
        second, same = one["second_alias"], one["same_alias"]
        report.row(f"{release}: searches during a move by a second alias", str(second["searches"]))
        report.row(f"{release}: of these refused", str(second["refused"]), "0", second["refused"] == 0)
        report.row(f"{release}: refused on the same alias, forth", f"{same['seconds_refused']} s")
        report.row(f"{release}: refused on the same alias, back", f"{same['seconds_refused_back']} s")
        if second["refused"]:
            report.wrong.append(f"{release}: {second['refused']} searches were refused during a move by a second alias")
    asked: dict[str, Any] = {}
    for release in RELEASES:
        asked[release], wrong = decided(release, int(given.cases), tell)
        report.row(f"{release}: searches over clusters, decided and asked", str(asked[release]["cases"]))
        report.row(f"{release}: not answered by a node that was out of memory", str(asked[release]["busy"]))
        report.row(f"{release}: of these answered otherwise", str(len(wrong)), "0", not wrong)
        report.wrong += [f"{release}: {one}" for one in wrong[:20]]
    cases, disagreements = (sum(one[what] for one in asked.values()) for what in ("cases", "disagreements"))
    report.figures["decide"] = {"cases": cases, "disagreements": disagreements, "releases": asked}
    return report


if __name__ == "__main__":
    sys.exit(main("remotes", __doc__ or "", bench, n=4, n_is="rotations of each release", more={"cases": "2000"}))
