"""On real nodes, as a user with just the snapshot role's rights: the comparison, the restore of a sample, and a whole re-key 2.19 -> 3.4.

Not shown here: two Amazon domains, repositories in S3, and the security group between them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from portcullis.custody.types import State
from portcullis.errors import Refused
from portcullis.families.base import RESTORED
from portcullis.operations.data import comparing
from portcullis.operations.data.restorability import restorability
from portcullis.operations.keys.rekeying import rekey
from portcullis.operations.services import Trigger

from local.node.node import Node
from tests.fixtures_node import make_new
from tests.operations.estates import Estate, estate
from tests.operations.nodes import FolderSnapshots, checksum, clear, documents, let_taker_in, ok, transport, write

pytest_plugins = ["tests.fixtures_node"]
pytestmark = pytest.mark.node
CAUSE = Trigger("a test", "somebody")
TEXT = "deployment: {}\nengine: OpenSearch_3.3\ndomain: {{configuration: api}}\n"
NAMES = ("orders", "people", f"{RESTORED}orders")


@pytest.fixture
def node(node_basic: Node) -> Iterator[Node]:
    make_new(node_basic)
    let_taker_in(node_basic, sample="orders")
    clear(node_basic, *NAMES)
    yield node_basic
    clear(node_basic, *NAMES)


@pytest.fixture
def two(node_basic_2: Node, node_basic_3: Node) -> Iterator[tuple[Node, Node]]:
    for one in (node_basic_2, node_basic_3):
        make_new(one)
        let_taker_in(one, moving=True)
        clear(one, *NAMES)
    yield node_basic_2, node_basic_3
    for one in (node_basic_2, node_basic_3):
        clear(one, *NAMES)


def on_nodes(nodes: dict[str, Node], options: dict[str, object] | None = None) -> Estate:
    made = estate(*nodes, options=dict(options or {}))
    for name in nodes:
        kept = made.services.ledger.model(name)
        made.services.ledger.keep_model(name, replace(kept, text=TEXT.format(name)))

    def sleep(seconds: float) -> None:
        time.sleep(min(seconds, 0.2))
        made.later(seconds=seconds)

    made.services = replace(
        made.services,
        documents=lambda registration: documents(nodes[registration.deployment]),
        snapshots=lambda registration: FolderSnapshots(nodes[registration.deployment], nodes),
        sleep=sleep,
    )
    return made


def test_the_restored_sample_matches_though_the_index_was_changed_since(node: Node) -> None:
    """What was written or deleted after the snapshot counts as written later. The restored copy is taken away."""
    write(node, "orders", 3000, shards=2)
    made = on_nodes({"demo": node}, {"snapshots": {"restore_sample": "orders"}})
    snapshots = made.services.snapshots(made.services.ledger.registration("demo"))
    snapshots.register("portcullis", {"base_path": "demo"})
    snapshots.take("portcullis", "one", "*,-.*")
    while snapshots.listed("portcullis")[0]["state"] != "SUCCESS":
        time.sleep(0.2)
    write(node, "orders", 250, first=2900)  # 100 written again, 150 new
    ok(node.ask("DELETE", "/orders/_doc/d5?routing=r5&refresh=true"))
    found = restorability(made.services, "demo", CAUSE)
    assert found.state == "holds", found
    assert found.detail == "3000 documents restored, 2899 the same, 250 written later"
    status, _ = node.ask("HEAD", f"/{RESTORED}orders")
    assert status == 404, "what was restored is taken away"


def test_given_what_came_back_is_not_what_was_written_then_the_check_fails(node: Node) -> None:
    write(node, "orders", 50)
    write(node, f"{RESTORED}orders", 50)
    ok(node.ask("POST", f"/{RESTORED}orders/_update/d7?routing=r0&refresh=true", {"doc": {"number": 8}}))
    store = documents(node)
    assert checksum(store, "orders") != checksum(store, f"{RESTORED}orders")
    assert checksum(store, "orders") == checksum(store, "orders")


def test_the_snapshot_role_reads_only_the_sample_and_deletes_only_copies(node: Node) -> None:
    """Other indices answer 403. It can delete no index but those that a check restored."""
    write(node, "orders", 1)
    write(node, "people", 1)
    send = transport(node)
    assert send("POST", "/orders/_search", None, {})[0] == 200
    assert send("POST", "/people/_search", None, {})[0] == 403
    assert send("DELETE", "/orders", None, None)[0] == 403
    with pytest.raises(Refused):
        documents(node).remove("orders")


def test_re_key_moves_every_document_between_two_nodes_and_compares_them(
    two: tuple[Node, Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Aliases come along. The old node takes no writes afterwards, and the new one does."""
    old, new = two
    write(old, "orders", 5000, shards=3)
    write(old, "people", 300)
    ok(old.ask("POST", "/_aliases", {"actions": [{"add": {"index": "orders", "alias": "sales"}}]}))
    made = on_nodes({"old": old, "new": new})
    monkeypatch.setattr(comparing, "PORTION", 700)
    found = rekey(made.services, "old", CAUSE, to="new")
    assert found.step == "done", found
    assert (found.documents, found.indices) == (5300, 2)
    assert ok(new.ask("GET", "/sales/_count"))["count"] == 5000, "aliases come along"
    assert checksum(documents(old), "orders") == checksum(documents(new), "orders") == found.checksums["orders"]
    monkeypatch.undo()
    assert checksum(documents(old), "orders") == found.checksums["orders"], "in portions or at once"
    assert found.checksums["orders"].startswith("5000:")
    assert made.endpoints == {"old": "new.example.com"}
    assert made.services.ledger.custody("old").state is State.LOCKED
    assert old.ask("POST", "/orders/_doc", {"late": True})[0] == 403, "the old one takes no writes"
    assert new.ask("POST", "/orders/_doc", {"new": True})[0] == 201, "the new one does"


def test_given_a_document_changed_on_the_way_then_nothing_is_handed_over(two: tuple[Node, Node]) -> None:
    old, new = two
    write(old, "orders", 200)
    made = on_nodes({"old": old, "new": new})

    class Meddled(FolderSnapshots):
        def restore(self, repository: str, snapshot: str, indices: str, prefix: str) -> None:
            super().restore(repository, snapshot, indices, prefix)
            while not documents(new).is_restored("orders"):
                time.sleep(0.1)
            ok(new.ask("POST", "/orders/_update/d7?routing=r0&refresh=true", {"doc": {"number": 8}}))

    plain = made.services.snapshots
    made.services = replace(
        made.services, snapshots=lambda one: Meddled(new, {"old": old}) if one.deployment == "new" else plain(one)
    )
    with pytest.raises(Refused, match="orders differs: 200 documents"):
        rekey(made.services, "old", CAUSE, to="new")
    assert not made.endpoints
    assert rekey(made.services, "old", CAUSE, cancel=True).step == "called off"
    assert old.ask("POST", "/orders/_doc", {"again": True})[0] == 201
