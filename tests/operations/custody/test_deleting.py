"""Delete: locked first, by its name, after a snapshot, through the one function that may; and what remains is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs
from portcullis import custody as machine
from portcullis.custody.types import Measure, MeasureRecord, Progress, State
from portcullis.errors import Refused, Unreachable
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.deployments import introduce, withdraw
from portcullis.operations.custody.deleting import Deletion, delete, remains
from portcullis.operations.custody.guard import NOT_BY_EVENTS, guard
from portcullis.operations.services import Trigger
from portcullis.operations.sweep import sweep

from tests.operations.estates import Estate, estate
from tests.operations.ledgers import Crash
from tests.operations.worlds import Engine, Fate, house, model_text

CAUSE = Trigger("portcullis delete", "somebody")


def demo(**more: Any) -> Estate:
    made = estate("demo", **more)
    made.stores["demo"].write("orders", "1", {"total": 1})
    return made


def deleted(made: Estate, **more: Any) -> Deletion:
    return delete(made.services, "demo", CAUSE, confirm="demo", **more)


def state(made: Estate) -> State:
    return made.services.ledger.custody("demo").state


def test_deleting_an_open_deployment_locks_and_snapshots_it_first() -> None:
    """Then the domain is gone, and what remains is listed: bucket, key, log groups and ledger."""
    made = demo()
    found = deleted(made)
    assert found.state == "deleted"
    assert found.exit_status == 0
    assert not made.stores["demo"].there
    (snapshot,) = made.repository
    assert snapshot.startswith("final-")
    assert made.repository[snapshot]["indices"]["orders"]
    assert snapshot in found.steps["final snapshot"]
    told = " ".join(found.remains)
    assert "bucket-demo" in told
    assert "key/demo" in told
    assert "/aws/OpenSearchService/domains/demo/" in told
    assert "ledger" in told
    order = made.operations("demo")
    assert order.index("locked") < order.index("deleted"), "locked before anything is deleted"
    assert {"deleting", "deleted"} <= set(made.alerts())


@pytest.mark.parametrize("confirm", ["", "Demo", "demo ", "other"])
def test_given_another_name_then_nothing_is_done(confirm: str) -> None:
    made = demo()
    with pytest.raises(Refused, match="--confirm demo"):
        delete(made.services, "demo", CAUSE, confirm=confirm)
    assert state(made) is State.OPEN
    assert made.stores["demo"].there


def test_without_a_repository_delete_is_refused_before_anything_is_locked() -> None:
    """If the person asks for no final snapshot, it is deleted without one."""
    made = demo()
    one = made.services.ledger.registration("demo")
    made.services.ledger.register(structs.replace(one, snapshots=None))
    made.stores["demo"].registered = False
    with pytest.raises(Refused, match="--no-final-snapshot"):
        deleted(made)
    assert state(made) is State.OPEN
    assert deleted(made, snapshot=False).state == "deleted"
    assert not made.repository


def test_what_could_not_be_locked_whole_is_not_deleted() -> None:
    """It says what is lacking, and goes on locking; nothing but the lock was begun."""
    made = demo()
    engine = made.services.engine(made.services.ledger.registration("demo"))
    assert isinstance(engine, Engine)
    engine.refuses = lambda *_: True
    with pytest.raises(Refused, match=r"could not be locked whole \(lacking: .*shut mappings.*\); nothing was deleted"):
        deleted(made)
    assert state(made) is State.LOCKING
    assert made.services.ledger.custody("demo").deletion is None
    assert made.stores["demo"].there
    assert not made.repository
    engine.refuses = lambda *_: False
    made.later(minutes=2)
    assert deleted(made).state == "deleted"


def test_where_the_repository_cannot_be_seen_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    made = demo()

    def unseen(*_: Any) -> Any:
        raise Unreachable("the domain did not answer")

    monkeypatch.setattr(made.stores["demo"], "listed", unseen)
    with pytest.raises(Refused, match=r"cannot be seen .the domain did not answer.*--no-final-snapshot"):
        deleted(made)
    assert state(made) is State.OPEN
    assert deleted(made, snapshot=False).state == "deleted"


def test_whoever_locked_it_before_is_still_said_to_hold_it() -> None:
    made = demo(may_delete=False)
    held(made)
    deleted(made)
    hold = made.services.ledger.custody("demo").hold
    assert hold is not None
    assert (hold.by, hold.reason) == ("ann", "a leak")


def test_one_call_goes_on_for_minutes_and_no_longer_than_it_has_to() -> None:
    """Each round waits until a failed step may be tried again."""
    made = demo()
    made.stores["demo"].fails = ["FAILED"] * 4
    began = made.services.now()
    assert deleted(made).state == "deleted"
    took = made.services.now() - began
    assert timedelta(minutes=2) <= took < timedelta(minutes=3)
    at_once = demo()
    began = at_once.services.now()
    deleted(at_once)
    assert at_once.services.now() - began < timedelta(minutes=1)


def test_a_function_that_may_not_delete_leaves_the_domain_standing() -> None:
    """The snapshot is taken, and the next step names the command to go on with. The right function then deletes the domain."""
    made = demo(may_delete=False)
    found = deleted(made)
    assert found.state == "deleting"
    assert found.exit_status == 1
    assert made.stores["demo"].there
    assert "--confirm demo" in found.next
    assert "--no-final-snapshot" not in found.next, "it was taken"
    assert found.next.endswith("--cancel until the domain itself is being deleted")
    assert made.repository, "the snapshot was taken meanwhile"
    assert Measure.DELETE_DOMAIN not in made.services.ledger.custody("demo").measures, "it was not even tried"
    made.services = replace(made.services, settings=replace(made.services.settings, may_delete=True))
    assert deleted(made).state == "deleted"
    assert len(made.repository) == 1


def test_given_a_long_snapshot_then_it_is_gone_on_with_and_taken_once() -> None:
    made = demo()
    made.stores["demo"].slow = 200
    found = deleted(made)
    assert found.state == "deleting"
    assert made.stores["demo"].there, "nothing is deleted before the snapshot is finished"
    made.stores["demo"].slow = 0
    assert deleted(made).state == "deleted"
    assert len(made.repository) == 1


def test_a_look_without_the_right_to_end_puts_off_no_step_of_a_deletion() -> None:
    """Between two calls of the verb an event is reacted to, while the snapshot waits for its next try, and after that."""
    made = demo()
    made.stores["demo"].slow = 200
    deleted(made)
    before = made.services.ledger.custody("demo").measures[Measure.FINAL_SNAPSHOT]
    for _ in range(2):
        guard(made.services, "demo", Trigger("an event", "somebody"), leaves=NOT_BY_EVENTS)
        assert made.services.ledger.custody("demo").measures[Measure.FINAL_SNAPSHOT] == before
        made.services.sleep(120)
    made.stores["demo"].slow = 0
    assert deleted(made).state == "deleted"


def test_a_sweep_takes_the_snapshot_and_never_tries_to_delete_the_domain() -> None:
    """It has no right to. Nothing is written down as refused or put off; whoever asked is told after a while that it waits for them."""
    made = demo(may_delete=False)
    made.stores["demo"].slow = 200
    deleted(made)
    made.stores["demo"].slow = 0
    for _ in range(4):
        made.later(minutes=10)
        sweep(made.services)
    custody = made.services.ledger.custody("demo")
    assert custody.measures[Measure.FINAL_SNAPSHOT].progress is Progress.DONE
    assert Measure.DELETE_DOMAIN not in custody.measures
    [told] = [one for one in made.account.aws.told if one.name == "delete-incomplete"]
    assert "waits for a person" in told.happened
    assert "refused" not in " ".join(str(one) for one in made.services.ledger.history("demo", 500)).lower()
    made.services = replace(made.services, settings=replace(made.services.settings, may_delete=True))
    assert deleted(made).state == "deleted", "at once: no step of theirs was put off"


def test_after_a_failed_final_snapshot_another_is_taken_before_deletion() -> None:
    """A partial one counts as failed. Nothing is deleted in the meantime."""
    made = demo()
    made.stores["demo"].fails = ["FAILED", "PARTIAL"]
    assert deleted(made).state == "deleted"
    assert [one["state"] for one in made.repository.values()] == ["FAILED", "PARTIAL", "SUCCESS"]


def _takes_snapshots(made: Estate) -> bool:
    one = made.services.ledger.registration("demo")
    mapped = made.services.engine(one).read().of(Kind.MAPPINGS)["manage_snapshots"]
    assert one.snapshots
    return one.snapshots.taker in mapped.get("backend_roles", ())


def held(made: Estate) -> None:
    at = made.services.now()
    guard(made.services, "demo", CAUSE, change=lambda custody: machine.hold(custody, "ann", "a leak", at))
    assert state(made) is State.LOCKED


def test_a_locked_deployment_can_still_take_its_final_snapshot() -> None:
    """The role that takes snapshots is let in for it."""
    made = demo()
    held(made)
    assert deleted(made).state == "deleted"
    assert [one["state"] for one in made.repository.values()] == ["SUCCESS"]


def test_without_its_final_snapshot_a_deletion_waits_for_a_persons_word() -> None:
    """It says that the snapshot failed and how to go on without one. What remains says that none was taken."""
    made = demo()
    held(made)
    made.stores["demo"].fails = ["FAILED"] * 20
    found = deleted(made)
    assert (found.state, found.exit_status) == ("deleting", 1)
    assert "failed" in found.steps["final snapshot"]
    assert "--no-final-snapshot" in found.next
    assert "no final one was taken" in found.remains[0]
    assert made.stores["demo"].there
    found = deleted(made, snapshot=False)
    assert found.state == "deleted"
    assert "no final one was taken" in found.remains[0]


def test_a_deletion_can_be_called_off_until_the_domain_is_deleted() -> None:
    """The snapshot role is shut out again and no alert says that the lock was opened. Afterwards it is too late."""
    made = demo()
    made.stores["demo"].slow = 10_000
    deleted(made)
    called_off = delete(made.services, "demo", CAUSE, cancel=True)
    assert (called_off.state, called_off.exit_status) == ("locked", 0)
    assert made.stores["demo"].there
    assert not _takes_snapshots(made), "it is shut out again"
    assert made.alerts() == ["locked", "deleting"], "and nobody is told that a stranger opened the lock"
    made.stores["demo"].slow = 0
    deleted(made)
    with pytest.raises(Refused):
        delete(made.services, "demo", CAUSE, cancel=True)


REFUSED, SILENT = Refused("opensearch delete_domain: AccessDenied"), Unreachable("opensearch delete_domain: timeout")


@pytest.mark.parametrize(
    ("answers", "called_off"),
    [([REFUSED], True), ([REFUSED, REFUSED], True), ([SILENT], False), ([SILENT, REFUSED], False)],
)
def test_a_deletion_that_aws_refused_each_time_can_be_called_off(answers: list[Exception], called_off: bool) -> None:
    """Where AWS did not answer, it may have begun: it is too late then, though the next try is refused."""
    made = demo()
    store = made.stores["demo"]
    for store.refuses_to_delete in answers:
        found = deleted(made)
        made.later(minutes=2)
    assert (state(made), store.there) == (State.DELETING, True)
    assert ("--cancel" in found.next) is called_off
    if called_off:
        assert delete(made.services, "demo", CAUSE, cancel=True).state == "locked"
    else:
        with pytest.raises(Refused, match="no deletion that could still be called off"):
            delete(made.services, "demo", CAUSE, cancel=True)
    store.refuses_to_delete = None
    assert deleted(made).state == "deleted"


def test_given_the_deletion_then_only_the_taker_of_snapshots_is_let_in_again() -> None:
    made = demo()
    made.stores["demo"].slow = 10_000
    deleted(made)
    mappings = made.services.engine(made.services.ledger.registration("demo")).read().of(Kind.MAPPINGS)
    kept = made.services.ledger.registration("demo").snapshots
    assert kept
    assert mappings["manage_snapshots"]["backend_roles"] == [kept.taker]
    assert made.services.ledger.custody("demo").measures[Measure.SHUT_MAPPINGS].progress.value == "done"


@pytest.mark.parametrize("after", [False, True])
def test_given_a_crash_at_any_call_then_going_on_ends_the_same(after: bool) -> None:
    fate = Fate()
    whole = demo(fate=fate)
    fate.calls = 0
    deleted(whole)
    for at in range(1, fate.calls + 1, 3):
        made = demo(fate=Fate())
        mine = made.stores["demo"].fate
        mine.calls, mine.at, mine.after = 0, at, after
        with pytest.raises(Crash):
            deleted(made)
        mine.at = -1
        made.later(minutes=2)
        assert deleted(made).state == "deleted", at
        assert not made.stores["demo"].there
        finished = [name for name, one in made.repository.items() if one["state"] == "SUCCESS"]
        assert len(finished) >= 1, at


@pytest.mark.parametrize("cut_off_at", range(8))
def test_a_new_domain_under_a_deleted_name_starts_anew_and_is_watched(cut_off_at: int) -> None:
    """Also if its first deployment is cut off at any call. It is open, can be locked, and the history goes on."""
    made = demo(fate=Fate())
    ledger = made.services.ledger
    deleted(made)
    new = ledger.registration("demo")
    withdraw(made.services, "demo", CAUSE)
    assert "unwatched" not in made.alerts(), "there is nothing left to watch"
    engine = made.services.engine(new)
    assert isinstance(engine, Engine)
    engine.held = house()
    # When the name is deployed again, once more if the first time was cut off
    fate, model = made.stores["demo"].fate, model_text("  roles: {}\n")
    fate.calls, fate.at = 0, cut_off_at or -1
    if cut_off_at:
        with pytest.raises(Crash):
            introduce(made.services.at(new), model, CAUSE)
        fate.at = -1
    introduce(made.services.at(new), model, CAUSE)
    # Then it is open, what the old one put aside is gone, and its history goes on
    custody = ledger.custody("demo")
    assert (custody.state, custody.measures, custody.deletion) == (State.OPEN, {}, None)
    assert made.operations("demo").index("deleted") < made.operations("demo").index("begin anew")
    # And the lock of the new one holds and opens
    held(made)
    assert guard(made.services, "demo", CAUSE, change=machine.release).state is State.OPEN


@pytest.mark.parametrize(
    ("bucket", "progress", "first"),
    [
        (True, Progress.DONE, "snapshots in the bucket bucket-demo (repository portcullis); the final one: final-1. "),
        (
            True,
            Progress.FAILED,
            "snapshots in the bucket bucket-demo (repository portcullis); no final one was taken. ",
        ),
        (False, Progress.DONE, "final-1, where that repository keeps it"),
        (False, Progress.FAILED, "the automated snapshots of the domain are gone with it"),
    ],
)
def test_what_remains_of_snapshots_is_said(bucket: bool, progress: Progress, first: str) -> None:
    made = demo()
    one = made.services.ledger.registration("demo")
    custody = made.services.ledger.custody("demo")
    record = MeasureRecord(progress, made.services.now(), "final-1")
    said = remains(
        one if bucket else structs.replace(one, snapshots=None),
        replace(custody, measures={Measure.FINAL_SNAPSHOT: record}),
    )
    assert said[0].startswith(first)
    assert sum(line.startswith("the automated snapshots of the domain are gone") for line in said) == 1
    assert any(one.key.arn in line for line in said)


def test_given_a_deleted_deployment_then_the_sweep_leaves_it_alone() -> None:
    made = demo()
    deleted(made)
    assert guard(made.services, "demo", Trigger("sweep")).state is State.DELETED
