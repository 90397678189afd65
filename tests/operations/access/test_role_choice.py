"""Given a sign-in that no longer gets the role its token names, when the sweep looks, then it does again, and that is told once."""

from __future__ import annotations

import pytest
from portcullis.errors import Unreachable
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.services import Trigger
from portcullis.operations.status import status
from portcullis.operations.sweep import sweep
from portcullis.ports.alerts import Alert
from portcullis.ports.registration import Cognito

from tests.operations.worlds import POOL, Account, Aws, account, model_text


def opened(pool: str = "eu-central-1:pool") -> Account:
    made = account()
    made.registered(cognito=Cognito(POOL, pool))
    apply_text(made.services, "demo", model_text("  roles: {}\n"), Trigger("a test", "somebody"))
    made.people.unchosen = ("provider:dashboards",)
    return made


def of_the_choice(made: Account) -> list[str]:
    return [alert.happened for alert in made.aws.told if "choose the role by the token" in alert.happened]


def test_a_choice_that_was_changed_is_put_back_and_told_with_its_clients() -> None:
    made = opened()
    sweep(made.services)
    sweep(made.services)
    [told] = of_the_choice(made)
    assert "provider:dashboards" in told
    assert made.people.unchosen == ()
    drifts = [one for one in made.services.ledger.history("demo") if one.operation == "drift"]
    assert "provider:dashboards" in [client for one in drifts for client in one.after]


def test_a_choice_that_was_put_back_is_told_by_the_first_look_that_can(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is as it was by then, so that nobody would find it again."""
    made = opened()
    with monkeypatch.context() as shut:
        shut.setattr(Aws, "tell", _mute)
        [swept] = sweep(made.services)
    assert swept.not_seen_to == ()
    assert any("drift could not be told" in one for one in status(made.services, "demo").problems)
    assert [one for one in made.services.ledger.history("demo") if one.operation == "drift"]
    sweep(made.services)
    sweep(made.services)
    assert len(of_the_choice(made)) == 1
    assert status(made.services, "demo").problems == ()


def test_a_choice_that_was_put_back_is_told_though_the_history_does_not_take_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = opened()

    def silent(_change: object) -> None:
        raise Unreachable("the ledger did not answer")

    with monkeypatch.context() as broken:
        broken.setattr(made.services.ledger, "record", silent)
        sweep(made.services)
    assert len(of_the_choice(made)) == 1


def _mute(_aws: Aws, _alert: Alert) -> None:
    raise Unreachable("the alert was not sent: AuthorizationError")


def test_a_choice_that_cannot_be_read_keeps_nothing_else_from_being_swept(monkeypatch: pytest.MonkeyPatch) -> None:
    made = opened()

    def unread(_pool: str) -> tuple[str, ...]:
        raise Unreachable("the identity pool did not answer")

    monkeypatch.setattr(made.people, "choose_roles_by_token", unread)
    [swept] = sweep(made.services)
    assert swept.error == ""
    assert "choice-of-roles-not-seen-to" in [alert.name for alert in made.aws.told]


def test_a_deployment_without_an_identity_pool_has_no_choice_to_keep() -> None:
    made = opened(pool="")
    sweep(made.services)
    assert made.people.unchosen, "nobody was asked"
