"""Snapshots are taken when they are due, and a sample is restored, compared document by document, and taken away again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis.errors import Refused
from portcullis.families.base import RESTORED
from portcullis.operations.data.restorability import compare_shard, keep_restorable, last_check, restorability
from portcullis.operations.data.snapshots import snapshot_restore
from portcullis.operations.services import Trigger
from portcullis.ports.data import Document

from tests.operations.estates import Estate, estate

CAUSE = Trigger("sweep", "portcullis")
OPTIONS = {"snapshots": {"every_hours": 24, "restore_sample": "orders", "check_days": 7}}


def demo(options: Any = OPTIONS) -> Estate:
    made = estate("demo", options=options)
    for number in range(5):
        made.stores["demo"].write("orders", str(number), {"total": number})
    return made


def swept(made: Estate, times: int = 1) -> list[str]:
    one = made.services.ledger.registration("demo")
    return [keep_restorable(made.services.at(one), CAUSE) for _ in range(times)]


def test_the_first_sweeps_take_a_snapshot_and_then_check_a_sample() -> None:
    """All documents come back, the restored copy is taken away, and the check is in the history."""
    made = demo()
    swept(made, 4)
    assert len(made.repository) == 1
    found = last_check(made.services, "demo")
    assert (found.state, found.index) == ("holds", "orders")
    assert "5 documents restored, 5 the same" in found.detail
    assert not [index for index in made.stores["demo"].indices if index.startswith(RESTORED)], "it is taken away again"
    assert made.operations("demo") == ["check of restorability"]


def test_given_a_schedule_then_one_snapshot_is_taken_each_time_it_is_due() -> None:
    made = demo()
    for _ in range(3 * 24 * 2):  # every half hour, three days long
        swept(made)
        made.later(minutes=30)
    assert len(made.repository) == 3


def test_the_next_restore_check_is_made_when_it_is_due() -> None:
    """Not after six days, but after eight."""
    made = demo()
    swept(made, 4)
    first = last_check(made.services, "demo").at
    made.later(days=6)
    swept(made, 4)
    assert last_check(made.services, "demo").at == first
    made.later(days=2)
    swept(made, 4)
    assert last_check(made.services, "demo").at > first


def test_given_writes_after_the_snapshot_then_the_check_tells_them_apart() -> None:
    made = demo()
    swept(made, 1)
    store = made.stores["demo"]
    store.write("orders", "new", {"total": 9})
    store.write("orders", "3", {"total": "changed"})
    del store.indices["orders"]["4"]
    swept(made, 3)
    found = last_check(made.services, "demo")
    assert found.state == "holds"
    assert "5 documents restored, 3 the same, 2 written later" in found.detail


def test_a_document_that_does_not_come_back_fails_the_check_and_is_told() -> None:
    """Each check that fails is told again. The restored copy is taken away."""
    made = demo()
    made.stores["demo"].corrupt = True
    swept(made, 6)
    found = last_check(made.services, "demo")
    assert found.state == "fails"
    assert found.exit_status == 1
    assert made.alerts().count("restore-failed") == 1
    made.later(days=8)
    swept(made, 6)
    assert made.alerts().count("restore-failed") == 2
    assert not [index for index in made.stores["demo"].indices if index.startswith(RESTORED)]


def test_given_no_snapshot_that_holds_the_sample_then_it_is_overdue_and_told() -> None:
    made = demo({"snapshots": {"every_hours": 0, "restore_sample": "orders", "check_days": 7}})
    swept(made, 3)
    assert made.alerts() == ["restore-overdue"]
    with pytest.raises(Refused, match="no finished snapshot"):
        restorability(made.services, "demo", CAUSE)


def test_given_snapshots_that_keep_failing_then_it_is_told() -> None:
    made = demo({"snapshots": {"every_hours": 24}})
    made.stores["demo"].fails = ["FAILED"] * 3
    swept(made, 2)
    assert "snapshot-failed" in made.alerts()


def test_given_no_repository_then_the_bucket_is_registered() -> None:
    made = demo()
    made.stores["demo"].registered = False
    swept(made, 1)
    assert made.stores["demo"].registered
    assert made.repository


def test_given_a_sample_that_never_comes_back_then_the_check_fails() -> None:
    made = demo()
    swept(made, 1)
    made.stores["demo"].slow = 10_000
    made.later(hours=7)
    swept(made, 1)
    assert last_check(made.services, "demo").state == "fails"


def test_when_a_person_asks_then_it_is_waited_for() -> None:
    made = demo()
    swept(made, 1)
    made.stores["demo"].slow = 5
    swept(made, 1)
    assert restorability(made.services, "demo", CAUSE).state == "holds"


def test_given_nothing_was_ever_checked_then_that_is_said() -> None:
    assert last_check(demo().services, "demo").state == "never"


# ------------------------------------------------------------------ the comparison

Writes = Sequence[tuple[str, int | None]]
_writes = st.lists(st.tuples(st.sampled_from("abcde"), st.one_of(st.none(), st.integers(0, 3))), max_size=25)


def _after(writes: Writes) -> dict[str, Document]:
    """What an index holds after these writes; None deletes."""
    held: dict[str, Document] = {}
    for number, (identifier, content) in enumerate(writes):
        if content is None:
            held.pop(identifier, None)
        else:
            held[identifier] = Document(identifier, number, str(content).encode())
    return held


@given(_writes, _writes)
def test_law_whatever_is_written_after_a_snapshot_a_true_restore_holds(before: Writes, after: Writes) -> None:
    live = _after([*before, *after])
    found = compare_shard(live.values(), _after(before).values(), len(before) - 1)
    assert found.holds
    assert found.same + found.later == len(live)


@given(_writes, _writes, st.data())
def test_law_one_document_gone_or_changed_is_found_unless_it_was_overwritten(
    before: Writes, after: Writes, data: st.DataObject
) -> None:
    restored, live = _after(before), _after([*before, *after])
    untouched = sorted(i for i, one in live.items() if one.sequence < len(before))
    if not untouched:
        return
    victim = data.draw(st.sampled_from(untouched))
    if data.draw(st.booleans()):
        del restored[victim]
    else:
        restored[victim] = Document(victim, restored[victim].sequence, b"something else")
    found = compare_shard(live.values(), restored.values(), len(before) - 1)
    assert not found.holds
    assert victim in (*found.lost, *found.changed)


def test_given_a_snapshot_that_is_not_there_then_a_restore_says_which_are() -> None:
    made = demo()
    swept(made, 2)
    (there,) = made.repository
    with pytest.raises(Refused, match=f"there is no snapshot 'no-such': the latest are {there}"):
        snapshot_restore(made.services, "demo", CAUSE, name="no-such")
    snapshot_restore(made.services, "demo", CAUSE, name=there, indices="orders")
