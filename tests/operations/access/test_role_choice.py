"""Given a sign-in that no longer gets the role its token names, when the sweep looks, then it does again, and that is told once."""

from __future__ import annotations

import pytest
from portcullis.errors import PortcullisError, Refused, Unreachable
from portcullis.operations.access.deployments import apply_text, introduce
from portcullis.operations.services import Trigger
from portcullis.operations.status import status
from portcullis.operations.sweep import sweep
from portcullis.ports.alerts import Alert
from portcullis.ports.identity import Heard
from portcullis.ports.registration import Cognito

from tests.operations.ledgers import Crash
from tests.operations.worlds import POOL, Account, Aws, account, model_text, registration


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


def test_a_choice_is_told_though_whoever_put_it_back_died_before_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    made = opened()
    put_back = made.people.choose_roles_by_token

    def dies(pool: str, found: Heard) -> tuple[str, ...]:
        put_back(pool, found)
        raise Crash

    with monkeypatch.context() as dying:
        dying.setattr(made.people, "choose_roles_by_token", dies)
        with pytest.raises(Crash):
            sweep(made.services)
    assert (made.people.unchosen, of_the_choice(made)) == ((), [])
    sweep(made.services)
    sweep(made.services)
    assert len(of_the_choice(made)) == 1


@pytest.mark.parametrize("error", [Refused, Unreachable])
def test_a_choice_that_could_not_be_put_back_is_told_once_it_is(
    monkeypatch: pytest.MonkeyPatch, error: type[PortcullisError]
) -> None:
    made = opened()

    def fails(_pool: str, found: Heard) -> tuple[str, ...]:
        found(made.people.unchosen)
        raise error("not now")

    with monkeypatch.context() as failing:
        failing.setattr(made.people, "choose_roles_by_token", fails)
        [swept] = sweep(made.services)
    assert swept.not_seen_to
    assert len(of_the_choice(made)) == (0 if error is Refused else 1), "it may have been put back all the same"
    sweep(made.services)
    assert len(of_the_choice(made)) >= 1


def test_a_choice_that_a_deployment_puts_back_is_told_and_that_of_a_new_one_is_not() -> None:
    made = account()
    made.people.unchosen = ("provider:dashboards",)  # as Amazon leaves the client that it makes
    site = made.services.at(registration(cognito=Cognito(POOL, "eu-central-1:pool")))
    introduce(site, model_text("  roles: {}\n"), Trigger("a test", "somebody"))
    assert (made.people.unchosen, of_the_choice(made)) == ((), [])
    made.people.unchosen = ("provider:dashboards",)
    introduce(site, model_text("  roles: {}\n"), Trigger("a test", "somebody"))
    assert (made.people.unchosen, len(of_the_choice(made))) == ((), 1)


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

    def unread(_pool: str, _found: Heard) -> tuple[str, ...]:
        raise Unreachable("the identity pool did not answer")

    monkeypatch.setattr(made.people, "choose_roles_by_token", unread)
    [swept] = sweep(made.services)
    assert swept.error == ""
    assert "choice-of-roles-not-seen-to" in [alert.name for alert in made.aws.told]


def test_a_deployment_without_an_identity_pool_has_no_choice_to_keep() -> None:
    made = opened(pool="")
    sweep(made.services)
    assert made.people.unchosen, "nobody was asked"
