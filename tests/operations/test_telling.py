"""Given alerts that nobody could be told, when the sweep tries again, then each is told once and keeps back no other."""

from __future__ import annotations

import pytest
from portcullis.errors import Refused, Unreachable
from portcullis.operations.telling import kind_of, tell_kept, tell_or_keep, waiting
from portcullis.ports.alerts import Alert

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
