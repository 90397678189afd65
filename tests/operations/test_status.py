"""What a person on call sees."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec import structs
from portcullis.custody.types import State
from portcullis.errors import Refused, Unreachable
from portcullis.operations.access.planning import plan
from portcullis.operations.access.synchronise import synchronise
from portcullis.operations.custody.guard import guard
from portcullis.operations.data.snapshots import snapshot_list, snapshot_restore, snapshot_take
from portcullis.operations.services import Trigger
from portcullis.operations.status import drifted, status

from tests.operations.worlds import snapshot_store
from tests.reactions.town import town

CAUSE = Trigger("a test", "somebody")


def test_what_a_lock_has_shut_is_not_told_as_drift() -> None:
    # Given a deployment that is open, and one look without drift
    here = town()
    assert drifted(here.services, "demo") == {"drift": []}
    # When its key is gone, and the gate has dropped
    here.aws.disabled = True
    guard(here.services, "demo", CAUSE)
    # Then nobody is told that the lock's own work was done by hand
    with pytest.raises(Refused, match="locked"):
        drifted(here.services, "demo")
    assert status(here.services, "demo").custody.state.value == "locked"


def test_while_locked_a_plan_says_what_waits_and_not_what_the_lock_has_shut() -> None:
    # Given a deployment with a member, and its key gone
    here = town()
    here.join("anna")
    synchronise(here.services, "demo", CAUSE)
    here.aws.disabled = True
    guard(here.services, "demo", CAUSE)
    # Then nothing waits, since nobody changed anything but the lock
    assert plan(here.services, "demo", CAUSE).steps == ()
    assert status(here.services, "demo").steps_waiting == 0
    # When somebody joins meanwhile
    here.join("ben")
    # Then he waits, and he alone
    [step] = plan(here.services, "demo", CAUSE).steps
    assert "ben" in step
    assert status(here.services, "demo").steps_waiting == 1


def test_while_locked_snapshots_are_refused_in_words_and_not_by_the_engine() -> None:
    here = town()
    here.aws.disabled = True
    guard(here.services, "demo", CAUSE)
    ledger = here.account.ledger
    ledger.register(structs.replace(ledger.registration("demo"), snapshots=snapshot_store()))
    for verb in (snapshot_list, snapshot_take):
        with pytest.raises(Refused, match=r"demo is locked: .* stay where they are .bucket bucket-demo"):
            verb(here.services, "demo", CAUSE)


def test_what_could_not_be_told_asks_for_attention_once_the_telling_is_overdue() -> None:
    """Whoever takes away the right to tell it hides a lock from everybody but those who look."""
    here = town()
    here.aws.disabled = here.aws.mute = True
    with pytest.raises(Unreachable):
        guard(here.services, "demo", CAUSE)
    assert not [one for one in status(here.services, "demo").problems if "could not be told" in one]
    here.aws.at += timedelta(minutes=1)
    [told] = [one for one in status(here.services, "demo").problems if "could not be told" in one]
    assert told.startswith("locked of ")
    here.aws.mute = False
    guard(here.services, "demo", CAUSE)
    assert not [one for one in status(here.services, "demo").problems if "could not be told" in one]


def gone(_: object) -> object:
    raise Unreachable("there is no such domain")


def test_of_what_is_deleted_nothing_asks_for_attention() -> None:
    here = town()
    ledger = here.account.ledger
    ledger.keep_custody(replace(ledger.custody("demo"), state=State.DELETED))
    found = status(replace(here.services, engine=gone), "demo")
    assert (found.problems, found.steps_waiting) == ((), 0)


def test_a_snapshot_that_is_not_there_is_named_with_those_that_are() -> None:
    here = town()
    ledger = here.account.ledger
    ledger.register(structs.replace(ledger.registration("demo"), snapshots=snapshot_store()))

    class Kept:
        def listed(self, repository: str) -> list[dict[str, str]]:
            return [{"snapshot": "scheduled-1"}, {"snapshot": "scheduled-2"}]

    services = replace(here.services, snapshots=lambda _: Kept())
    with pytest.raises(Refused, match="no snapshot 'nosuch': the latest are scheduled-1, scheduled-2"):
        snapshot_restore(services, "demo", CAUSE, name="nosuch")
