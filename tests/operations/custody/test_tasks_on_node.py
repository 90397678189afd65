"""Given work that somebody set going on a node, when a lock comes or they leave, then it ends and does nothing more."""

from __future__ import annotations

import time
from typing import Any

import pytest
from portcullis.custody.types import Measure, State
from portcullis.entry.operate import carry_out
from portcullis.families.base import BLOCKS
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.custody.guard import guard

from local.node.node import Node
from local.people import until
from tests.operations.on_node import made_by_hand, removed_by_hand, transport
from tests.operations.worlds import Account, model_text
from tests.operations.writing import test_on_node as on_node

pytestmark = pytest.mark.node
house = on_node.house

PASSWORD = "Correct-horse-battery-4711"
MANY = 40
SLOWLY = "wait_for_completion=false&requests_per_second=4"
ONE_BY_ONE = f"{SLOWLY}&scroll_size=1&conflicts=proceed"
MODEL = model_text(
    """\
  roles:
    road_workers:
      cluster_permissions: [cluster_composite_ops, "indices:data/write/reindex", "indices:data/read/scroll*"]
      index_permissions: [{index_patterns: ["road-*"], allowed_actions: [crud, create_index, manage]}]
  grants: []
"""
)


@pytest.fixture
def working(house: tuple[Node, Account]) -> tuple[Node, Account, Any]:
    """Somebody copies, writes again and deletes, slowly."""
    node, made = house
    apply_text(made.services, "demo", MODEL, on_node.CAUSE)
    made_by_hand(node, Kind.USERS, "road-worker", {"password": PASSWORD})
    made_by_hand(node, Kind.MAPPINGS, "road_workers", {"users": ["road-worker"]})
    for index in ("road-from", "road-again", "road-gone"):
        lines = "".join(f'{{"index":{{"_id":"{number}"}}}}\n{{"a":{number}}}\n' for number in range(MANY))
        status, said = node.ask("POST", f"/{index}/_bulk?refresh=true", lines)
        assert status == 200, said
    worker = transport(node, "road-worker", PASSWORD)
    copying = {"source": {"index": "road-from", "size": 1}, "dest": {"index": "road-to"}}
    for path, body in (
        (f"/_reindex?{SLOWLY}", copying),
        (f"/road-again/_update_by_query?{ONE_BY_ONE}", None),
        (f"/road-gone/_delete_by_query?{ONE_BY_ONE}", {"query": {"match_all": {}}}),
    ):
        status, said = worker("POST", path, None, body)
        assert status == 200, said
    until(lambda: _done(node)[0] > 1 and _done(node)[2] > 1, what="work has begun")
    return node, made, worker


def _done(node: Node) -> tuple[int, int, int]:
    """How much was copied, written again, and deleted, by what an engine counts of an index whatever blocks it has."""
    shown = node.ask("GET", "/road-*/_stats/indexing")[1]["indices"]
    total = {name: one["primaries"]["indexing"] for name, one in shown.items()}
    return (
        total.get("road-to", {}).get("index_total", 0),
        total["road-again"]["index_total"] - MANY,
        total["road-gone"]["delete_total"],
    )


def _going_on(node: Node) -> list[str]:
    tasks = node.ask("GET", "/_tasks?actions=*reindex,*byquery&detailed")[1]["nodes"].values()
    return sorted(one["action"] for of in tasks for one in of["tasks"].values())


def test_what_was_set_going_does_nothing_while_locked_and_nothing_after_it(working: tuple[Node, Account, Any]) -> None:
    """Also what slept through the lock: its search was ended."""
    node, made, _ = working
    ask = {"deployment": "demo", "arguments": {"reason": "a test"}}
    assert carry_out(made.services, {"verb": "lock", **ask}, alias="act")["state"] == State.LOCKED
    at = _done(node)
    time.sleep(2)  # in which it would do eight more of each
    assert _done(node) == at
    opened = carry_out(made.services, {"verb": "unlock", "deployment": "demo"}, alias="act")
    assert opened["state"] == State.OPEN
    time.sleep(2)
    assert _done(node) == at
    assert _going_on(node) == []


def test_an_index_that_the_engine_makes_itself_is_shut_and_no_alarm(house: tuple[Node, Account]) -> None:
    """Whoever may sign in has it made, by what they are refused. Whoever lifts its blocks afterwards is told of."""
    node, made = house
    apply_text(made.services, "demo", MODEL, on_node.CAUSE)
    made_by_hand(node, Kind.USERS, "road-nobody", {"password": PASSWORD})
    node.ask("DELETE", "/.tasks")
    assert node.ask("PUT", "/road-from/_doc/1", {"a": 1})[0] in (200, 201)
    ask = {"deployment": "demo", "arguments": {"reason": "a test"}}
    assert carry_out(made.services, {"verb": "lock", **ask}, alias="act")["state"] == State.LOCKED
    copying = {"source": {"index": "road-from"}, "dest": {"index": "road-to"}}
    nobody = transport(node, "road-nobody", PASSWORD)
    assert nobody("POST", "/_reindex", {"wait_for_completion": "false"}, copying)[0] == 200
    until(lambda: node.ask("HEAD", "/.tasks")[0] == 200, what="the engine keeps the refusal")
    locked = guard(made.services, "demo", on_node.CAUSE)
    assert locked.state is State.LOCKED
    assert ".tasks came in the lock" in locked.measures[Measure.BLOCK_INDICES].detail
    assert made.services.engine(made.ledger.registration("demo")).blocks()[".tasks"] == dict.fromkeys(BLOCKS, "true")
    assert not [one for one in made.aws.told if one.name == "lock-opened"]
    assert node.ask("PUT", "/.tasks/_settings", dict.fromkeys(BLOCKS))[0] == 200
    guard(made.services, "demo", on_node.CAUSE)
    (told,) = (one for one in made.aws.told if one.name == "lock-opened")
    assert "not blocked: .tasks" in told.happened
    assert carry_out(made.services, {"verb": "unlock", "deployment": "demo"}, alias="act")["state"] == State.OPEN
    assert not made.services.engine(made.ledger.registration("demo")).blocks()[".tasks"]
    node.ask("DELETE", "/.tasks")


def test_what_somebody_set_going_ends_when_they_lose_the_role(working: tuple[Node, Account, Any]) -> None:
    """On 2.19 it has the rights of the moment it began, until it is done or somebody cancels it (limitations.md)."""
    node, _made, worker = working
    removed_by_hand(node, Kind.MAPPINGS, "road_workers")
    assert worker("POST", "/road-from/_search", None, {})[0] == 403
    at = _done(node)
    until(lambda: not _going_on(node), what="it ends")
    if node.version.startswith("2."):
        assert _done(node) == (MANY, MANY, MANY)
    else:  # one of each may have been under way
        assert all(now - then <= 1 for now, then in zip(_done(node), at, strict=True))
        assert max(_done(node)) < MANY


def test_an_administrator_cancels_what_somebody_set_going(working: tuple[Node, Account, Any]) -> None:
    node, _made, _ = working
    status, said = node.ask("POST", "/_tasks/_cancel?actions=*reindex,*byquery")
    assert status == 200, said
    until(lambda: not _going_on(node), what="it ends")
    assert max(_done(node)) < MANY
