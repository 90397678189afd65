"""Given alerts that nobody could be told, when the sweep tries again, then each is told once and keeps back no other."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from threading import Thread

import pytest
from portcullis.entry.verbs.gate import guard
from portcullis.errors import Refused, Unreachable
from portcullis.operations.telling import keep_to_tell, kind_of, not_told_yet, tell_kept, tell_or_keep, waiting
from portcullis.ports.alerts import Alert

from tests.operations.agreeing import CAUSE
from tests.operations.ledgers import Crash
from tests.operations.worlds import Aws, account

ONE, TWO = (Alert("drift", "demo", "warning", happened, "b", "c") for happened in ("one", "two"))


def test_what_is_still_refused_keeps_no_later_alert_from_being_told(monkeypatch: pytest.MonkeyPatch) -> None:
    made = account()
    tell = Aws.tell
    refused = [ONE, TWO]

    def some(aws: Aws, alert: Alert) -> None:
        if alert in refused:
            raise Unreachable("the alert was not sent: AuthorizationError")
        tell(aws, alert)

    monkeypatch.setattr(Aws, "tell", some)
    for alert in (ONE, TWO):
        tell_or_keep(made.services, alert)
    refused.remove(TWO)
    with pytest.raises(Unreachable):
        tell_kept(made.services, "demo")
    assert (made.aws.told, waiting(made.services, "demo")) == ([TWO], [ONE])
    refused.clear()
    tell_kept(made.services, "demo")
    assert (made.aws.told, waiting(made.services, "demo")) == ([TWO, ONE], [])


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TypeError("at 12:00"), "TypeError"),
        (Refused("no, at 12:01"), "Refused"),
        (Refused("User: x is not authorized to perform: kms:Decrypt on resource: y"), "Refused kms:Decrypt"),
    ],
)
def test_a_failure_is_told_once_by_its_kind_and_the_right_that_is_missing(error: Exception, kind: str) -> None:
    assert kind_of(error) == kind


def test_what_is_told_by_somebody_else_right_now_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = account()
    monkeypatch.setattr("portcullis.operations.telling._PATIENCE", 0)
    keep_to_tell(made.services, ONE)
    tell, others = Aws.tell, list[BaseException]()

    def while_another_looks(aws: Aws, alert: Alert) -> None:
        def look() -> None:
            try:
                tell_kept(made.services, "demo")
            except Unreachable as error:
                others.append(error)

        another = Thread(target=look)
        another.start()
        another.join()
        tell(aws, alert)

    monkeypatch.setattr(Aws, "tell", while_another_looks)
    tell_kept(made.services, "demo")
    assert (made.aws.told, waiting(made.services, "demo")) == ([ONE], [])
    assert "told by others" in str(others[0])


def test_what_somebody_keeps_while_another_is_told_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    made = account()
    keep_to_tell(made.services, ONE)
    tell = Aws.tell

    def while_another_keeps(aws: Aws, alert: Alert) -> None:
        if alert == ONE:
            keep_to_tell(made.services, TWO)
        tell(aws, alert)

    monkeypatch.setattr(Aws, "tell", while_another_keeps)
    tell_kept(made.services, "demo")
    assert (made.aws.told, waiting(made.services, "demo")) == ([ONE, TWO], [])


def test_what_its_teller_died_over_is_told_by_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    made = account()

    def dies(_aws: Aws, _alert: Alert) -> None:
        raise Crash

    with monkeypatch.context() as dying:
        dying.setattr(Aws, "tell", dies)
        with pytest.raises(Crash):
            tell_or_keep(made.services, ONE)
    assert made.aws.told == []
    tell_kept(made.services, "demo")
    assert (made.aws.told, waiting(made.services, "demo")) == ([ONE], [])


def test_what_cannot_be_kept_is_told_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    made = account()

    def silent(*_: object) -> None:
        raise Unreachable("the ledger did not answer")

    monkeypatch.setattr(made.ledger, "change", silent)
    tell_or_keep(made.services, ONE)
    assert made.aws.told == [ONE]


def test_whoever_has_one_thing_to_tell_waits_for_no_other_that_nobody_can_be_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each may take as long as a topic that does not answer, and who leaves a group waits for it."""
    made = account()
    tried = list[Alert]()

    def silent(_aws: Aws, alert: Alert) -> None:
        tried.append(alert)
        raise Unreachable("the alert was not sent: ConnectTimeoutError")

    monkeypatch.setattr(Aws, "tell", silent)
    for alert in (ONE, TWO):
        tell_or_keep(made.services, alert)
    assert (tried, waiting(made.services, "demo")) == ([ONE, TWO], [ONE, TWO])


def test_guard_tells_what_is_kept_to_be_told_and_says_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `not told yet` says of it."""
    made = account()
    made.registered("demo")
    keep_to_tell(made.services, ONE)
    tell = Aws.tell

    def silent(_aws: Aws, _alert: Alert) -> None:
        raise Unreachable("the alert was not sent: AuthorizationError")

    monkeypatch.setattr(Aws, "tell", silent)
    with pytest.raises(Unreachable, match="AuthorizationError"):
        guard(made.services, "demo", CAUSE)
    monkeypatch.setattr(Aws, "tell", tell)
    guard(made.services, "demo", CAUSE)
    assert (made.aws.told, waiting(made.services, "demo"), not_told_yet(made.services, "demo")) == ([ONE], [], "")


def test_a_topic_that_does_not_answer_holds_up_a_sweep_for_a_minute_and_one_alert(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = account()
    for number in range(20):
        keep_to_tell(made.services, replace(ONE, happened=str(number)))
    began = made.services.now()

    def silent(aws: Aws, _alert: Alert) -> None:
        aws.at += timedelta(seconds=30)
        raise Unreachable("the alert was not sent: ConnectTimeoutError")

    monkeypatch.setattr(Aws, "tell", silent)
    with pytest.raises(Unreachable, match="ConnectTimeoutError"):
        tell_kept(made.services, "demo")
    assert made.services.now() - began < timedelta(minutes=2)
    assert len(waiting(made.services, "demo")) == 20
