"""Given a real Elasticsearch with a watch of a super user, then it rests in a lock, in a window of break-glass too, and goes on after it.

Of the packages that run here 6.8.23 alone has watches, and its nodes have them switched off elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from portcullis import custody as machine
from portcullis.custody.types import LetIn, Measure, State
from portcullis.operations.custody.guard import guard

from local.elastic.node import Elasticsearch
from local.people import until
from tests.fixtures_elastic import FEW_ROUNDS
from tests.operations.custody import test_custody_on_elastic as custody
from tests.operations.custody.test_custody_on_elastic import CAUSE, Key, as_, deployed, search
from tests.operations.custody.test_roads_on_elastic import locked, opened
from tests.operations.worlds import Account

pytestmark = pytest.mark.node
here = custody.here

RELEASE = "6.8.23"
WATCHES = "/_xpack/watcher"
WATCH: dict[str, Any] = {
    "trigger": {"schedule": {"interval": "1s"}},
    "input": {"search": {"request": {"indices": ["logs-1"], "body": {"query": {"match_all": {}}}}}},
    "actions": {"out": {"logging": {"text": "{{ctx.payload.hits.total}}"}}},
}


@pytest.fixture
def elastic(tmp_path: Path, jar_cache: Path) -> Iterator[Elasticsearch]:
    settings = {**FEW_ROUNDS, "xpack.watcher.enabled": True}
    with Elasticsearch.start(tmp_path / "node", jar_cache, RELEASE, settings=settings, tell=print) as node:
        yield node


def searches(node: Elasticsearch) -> int:
    """How often a shard of the index was searched, by whomever."""
    status, found = node.ask("GET", "/logs-1/_stats/search")
    assert status == 200, found
    return int(found["_all"]["total"]["search"]["query_total"])


def goes_on(node: Elasticsearch) -> None:
    before = searches(node)
    until(lambda: searches(node) > before, what="the watch searches")


def stopped(node: Elasticsearch) -> bool:
    stats = node.ask("GET", f"{WATCHES}/stats")[1]
    return bool(stats["manually_stopped"]) and stats["stats"][0]["watcher_state"] == "stopped"


def test_what_the_lock_role_may_not_stop_is_said_and_is_nobody_s_doing(
    here: tuple[Account, Key], elastic: Elasticsearch
) -> None:
    """The role is of an earlier release until the next apply, for which there is none in a lock."""
    made, key = here
    deployed(made, elastic)
    path = "/_security/role/portcullis_lock"
    role = elastic.ask("GET", path)[1]["portcullis_lock"]
    earlier = [one for one in role["cluster"] if "watcher" not in one]
    assert len(earlier) < len(role["cluster"])
    body = {"cluster": earlier, "indices": role["indices"]}
    assert elastic.ask("PUT", path, body)[0] == 200
    found = locked(made, key)
    assert "the running of watches is not stopped" in found.measures[Measure.BLOCK_INDICES].detail
    assert guard(made.services, "demo", CAUSE).state is State.LOCKED
    assert not [alert for alert in made.aws.told if alert.name == "lock-opened"]
    opened(made, key)


def test_a_watch_of_a_super_user_reads_nothing_in_a_lock_nor_in_its_window(
    here: tuple[Account, Key], elastic: Elasticsearch
) -> None:
    made, key = here
    deployed(made, elastic)
    chief = as_("chief", made.passwords.kept["portcullis/demo/chief"])
    assert elastic.ask("PUT", f"{WATCHES}/watch/w", WATCH, **chief)[0] == 201
    goes_on(elastic)
    locked(made, key)
    until(lambda: stopped(elastic), what="watches rest")
    rules = machine.Rules()
    window = guard(
        made.services,
        "demo",
        CAUSE,
        change=lambda one: machine.open_break_glass(one, "ann", "order 4711", 5, made.aws.now(), rules),
    )
    assert window.let_in is LetIn.READS
    assert search(elastic, **as_("break-glass")) == 200
    assert stopped(elastic)
    before = searches(elastic)
    time.sleep(3)  # it would have searched three times
    assert searches(elastic) == before
    assert guard(made.services, "demo", CAUSE, change=machine.close_break_glass).state is State.LOCKED
    assert stopped(elastic)
    opened(made, key)
    goes_on(elastic)
