"""Reminders: what is due before the next sweep and no event will bring about is looked at in time, asked for once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from portcullis import custody as machine
from portcullis.custody.types import Measure, Progress, State
from portcullis.entry.reactions import Reactions
from portcullis.errors import Refused, Unreachable
from portcullis.operations.custody.guard import guard
from portcullis.operations.custody.reminders import written
from portcullis.operations.services import Services, Trigger

from tests.reactions.town import Town, town

CAUSE = Trigger("a test", "somebody")


@dataclass
class Reminded:
    """A town whose reminders are seen, and come when they are due."""

    here: Town
    sent: list[tuple[float, int]] = field(default_factory=list)  # when, for how many seconds later
    mute: bool = False

    @property
    def services(self) -> Services:
        return replace(self.here.services, later=self._later)

    def _later(self, body: str, seconds: int) -> None:
        assert body == written("demo")
        if self.mute:
            raise Unreachable("the queue did not answer")
        self.sent.append((self.here.aws.at.timestamp(), seconds))

    def guard(self, **more: Any) -> machine.Custody:
        return guard(self.services, "demo", CAUSE, **more)

    def next_one_comes(self) -> machine.Custody:
        """Time passes until the last reminder is due; the queue hands it to the function."""
        sent, seconds = self.sent[-1]
        self.here.pass_time(sent + seconds - self.here.aws.at.timestamp())
        record = {"body": '{"reminder": "demo"}', "attributes": {}, "eventSourceARN": "reminders"}
        done = Reactions(self.services, "key", Quiet(), Quiet()).take_record(record)
        assert done == "done"
        return self.here.account.ledger.custody("demo")

    def hold(self) -> machine.Custody:
        at = self.here.aws.at
        return self.guard(change=lambda c: machine.hold(c, "ann", "a leak", at))

    def hold_against(self, gate: str) -> machine.Custody:
        """A person locks, and the gate refuses one thing."""
        stubborn = Stubborn(self.here, gate)
        self.here.services = replace(self.here.services, gate=lambda _: stubborn)
        return self.hold()

    def open_window(self, minutes: int) -> None:
        self.hold()
        at, rules = self.here.aws.at, machine.Rules()
        self.guard(change=lambda c: machine.open_break_glass(c, "ann", "order 4711", minutes, at, rules))


class Quiet:
    def __getattr__(self, _: str) -> Any:
        return lambda *_, **__: None


class Stubborn:
    """A gate that refuses one thing."""

    def __init__(self, town: Town, what: str) -> None:
        self._town, self._what = town, what

    def __getattr__(self, name: str) -> Any:
        return self._refuse if name == self._what else getattr(self._town.aws, name)

    def _refuse(self, *_: Any) -> None:
        raise Refused("not now")


def test_a_break_glass_window_ends_on_time_without_waiting_for_the_sweep() -> None:
    """A reminder is asked for once, for the minute at which the window ends."""
    one = Reminded(town())
    one.open_window(5)
    assert [seconds for _, seconds in one.sent] == [300]
    # Whoever else looks meanwhile does not ask for it again
    one.here.pass_time(60)
    assert one.guard().break_glass is not None
    assert len(one.sent) == 1
    ended = one.next_one_comes()
    assert ended.break_glass is None
    assert ended.measures[Measure.BLOCK_INDICES].progress is Progress.DONE
    assert len(one.sent) == 1


def test_a_window_ends_on_time_though_nobody_can_be_told_of_it() -> None:
    """Whoever shuts the topic opens break-glass no longer by it."""
    one = Reminded(town())
    one.hold()
    one.here.aws.mute = True
    at, rules = one.here.aws.at, machine.Rules()
    with pytest.raises(Unreachable, match="the alert was not sent"):
        one.guard(change=lambda c: machine.open_break_glass(c, "ann", "order 4711", 2, at, rules))
    assert one.here.account.ledger.custody("demo").break_glass
    assert one.sent[-1][1] <= 120
    one.here.aws.mute = False
    assert one.next_one_comes().break_glass is None
    told = [alert.name for alert in one.here.aws.told]
    assert told[-2:] == ["break-glass-open", "break-glass-ended"]


def test_a_window_longer_than_a_queue_delay_gets_several_reminders() -> None:
    """A queue keeps a message for fifteen minutes at most."""
    one = Reminded(town())
    one.open_window(40)
    while one.next_one_comes().break_glass is not None:
        assert len(one.sent) < 10
    assert [seconds for _, seconds in one.sent] == [900, 900, 600]


def test_a_failed_measure_is_retried_ten_times_then_left_to_the_sweep() -> None:
    """Each try is half a minute after the one before. A try that succeeds completes the lock."""
    # Given a security group that cannot be changed while a person locks
    one = Reminded(town())
    assert one.hold_against("close_ingress").state is State.LOCKING
    # When its reminders come
    for many in range(1, 11):
        assert len(one.sent) == many
        one.next_one_comes()
    # Then each is half a minute after the one before, and the last asks for no other
    assert {round(seconds) for _, seconds in one.sent} == {30}
    assert len(one.sent) == 10
    # And one that comes when it can be changed again makes the lock whole
    one.here.services = replace(one.here.services, gate=lambda _: one.here.aws)
    one.here.pass_time(30)
    assert one.guard().state is State.LOCKED


def test_what_is_best_effort_is_not_reminded_of() -> None:
    one = Reminded(town())
    after = one.hold_against("set_policy")
    assert (after.state, after.measures[Measure.DENY_POLICY].progress) == (State.LOCKED, Progress.FAILED)
    assert one.sent == []


@pytest.mark.parametrize("lost", ["not sent", "sent and lost"])
def test_a_reminder_that_never_comes_is_made_up_for_by_whoever_looks_next(lost: str) -> None:
    one = Reminded(town(), mute=lost == "not sent")
    one.open_window(5)
    one.mute = False
    one.here.pass_time(timedelta(minutes=2).total_seconds())
    one.guard()
    assert len(one.sent) == 1
    one.here.pass_time(timedelta(minutes=4).total_seconds())
    assert one.guard().break_glass is None


@pytest.mark.parametrize("body", ['{"reminder": "gone"}', '{"detail": {}}', "[]", "no JSON"])
def test_a_reminder_of_a_deployment_that_left_or_of_nothing_is_dropped(body: str) -> None:
    one = Reminded(town())
    record = {"body": body, "attributes": {}, "eventSourceARN": "reminders"}
    assert Reactions(one.services, "key", Quiet(), Quiet()).take_record(record) == "left"


def test_a_domain_is_deleted_when_a_person_asks_again_and_by_no_reminder() -> None:
    # Given a deletion that a function has come upon that may not delete
    one = Reminded(town())
    one.hold()
    at = one.here.aws.at
    after = one.guard(change=lambda c: machine.ask_delete(c, "demo", "ann", at, snapshot=False))
    assert after.state is State.DELETING
    assert Measure.DELETE_DOMAIN not in after.measures, "it was not even tried"
    assert one.sent == []
