"""Given alerts that nobody could be told, when the sweep tries again, then each is told once and keeps back no other."""

from __future__ import annotations

from threading import Thread

import pytest
from portcullis.errors import Refused, Unreachable
from portcullis.operations.telling import keep_to_tell, kind_of, tell_kept, tell_or_keep, waiting
from portcullis.ports.alerts import Alert

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
