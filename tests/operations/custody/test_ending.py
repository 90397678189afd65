"""Given a deletion, then each of its measures does its own part, again if need be, and none does it unasked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs
from portcullis.custody.types import Act, Deletion, Measure, Todo
from portcullis.errors import Refused, Unreachable
from portcullis.operations.custody.ending import delete_domain, final_snapshot, verify_gone

from tests.operations.estates import Estate, estate

SNAPSHOT, DOMAIN, GONE = (
    Todo(one, Act.TAKE) for one in (Measure.FINAL_SNAPSHOT, Measure.DELETE_DOMAIN, Measure.VERIFY_GONE)
)


def asked_for(**more: Any) -> Estate:
    """A deployment whose deletion somebody asked for, with a document."""
    made = estate("demo", **more)
    made.stores["demo"].write("orders", "1", {"total": 1})
    custody = made.services.ledger.custody("demo")
    deletion = Deletion("ann", made.services.now())
    made.services.ledger.keep_custody(replace(custody, deletion=deletion))
    return made


def begun(made: Estate) -> str:
    deletion = made.services.ledger.custody("demo").deletion
    assert deletion is not None
    return f"final-{deletion.at:%Y%m%d%H%M%S}"


def test_without_a_deletion_no_final_snapshot_is_taken() -> None:
    made = estate("demo")
    with pytest.raises(Refused, match="nobody asked for the deletion of demo"):
        final_snapshot(made.services.site("demo"), SNAPSHOT)
    assert not made.repository


def test_one_is_taken_of_all_user_indices_and_found_again() -> None:
    made = asked_for()
    asked: list[str] = []
    store, site = made.stores["demo"], made.services.site("demo")
    take = store.take

    def taken(repository: str, snapshot: str, indices: str) -> None:
        asked.append(indices)
        take(repository, snapshot, indices)

    store.take = taken  # type: ignore[method-assign]
    said = final_snapshot(site, SNAPSHOT)
    assert said == f"snapshot {begun(made)}-1 in repository portcullis"
    assert final_snapshot(site, SNAPSHOT) == said
    assert asked == ["*,-.*"], "the engine's own indices are none of it, and it is taken once"


@pytest.mark.parametrize("state", ["SUCCESS", "IN_PROGRESS", "FAILED"])
def test_somebody_elses_snapshot_is_not_taken_for_ours(state: str) -> None:
    made = asked_for()
    made.stores["demo"].slow = 3 if state == "IN_PROGRESS" else 0
    made.repository["nightly"] = {"state": state, "start": made.services.now(), "indices": {}}
    assert final_snapshot(made.services.site("demo"), SNAPSHOT) == f"snapshot {begun(made)}-1 in repository portcullis"


def test_a_failed_one_is_told_with_those_before_it_and_another_is_taken_next_time() -> None:
    made = asked_for()
    site = made.services.site("demo")
    made.repository[f"{begun(made)}-2"] = {"state": "PARTIAL", "start": made.services.now(), "indices": {}}
    made.repository[f"{begun(made)}-1"] = {"state": "FAILED", "start": made.services.now(), "indices": {}}
    made.stores["demo"].fails = ["FAILED"]
    said = ", ".join(f"{begun(made)}-{n} {state}" for n, state in ((1, "FAILED"), (2, "PARTIAL"), (3, "FAILED")))
    with pytest.raises(Refused, match=f"the final snapshot failed: {said}"):
        final_snapshot(site, SNAPSHOT)
    assert final_snapshot(site, SNAPSHOT) == f"snapshot {begun(made)}-4 in repository portcullis"


def test_a_long_one_is_left_to_a_later_try() -> None:
    made = asked_for()
    made.stores["demo"].slow = 100
    began = made.services.now()
    with pytest.raises(Unreachable, match="still being taken"):
        final_snapshot(made.services.site("demo"), SNAPSHOT)
    assert (made.services.now() - began).total_seconds() < 30, "given up before the lease is over"
    made.stores["demo"].slow = 0
    assert final_snapshot(made.services.site("demo"), SNAPSHOT).endswith("-1 in repository portcullis")


def test_without_a_snapshot_role_it_says_how_to_go_on() -> None:
    made = asked_for()
    one = made.services.ledger.registration("demo")
    made.services.ledger.register(structs.replace(one, snapshots=None))
    with pytest.raises(Refused, match=r"no snapshot role.*--no-final-snapshot"):
        final_snapshot(made.services.site("demo"), SNAPSHOT)


def test_a_function_without_the_right_asks_for_no_deletion() -> None:
    made = asked_for(may_delete=False)
    with pytest.raises(Refused, match="only the delete function deletes: portcullis delete demo --confirm demo"):
        delete_domain(made.services.site("demo"), DOMAIN)
    assert made.stores["demo"].there


def test_a_domain_is_gone_once_it_is_seen_to_be() -> None:
    made = asked_for()
    site = made.services.site("demo")
    with pytest.raises(Unreachable, match="is still being deleted"):
        verify_gone(site, GONE)
    assert delete_domain(site, DOMAIN) == "deletion of the domain demo asked for"
    assert verify_gone(site, GONE) == "the domain demo is gone"
