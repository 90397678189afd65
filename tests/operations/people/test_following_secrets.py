"""A secret that was rotated is followed, by its version and never by what it holds."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from portcullis.custody.types import State
from portcullis.entry.verbs import VERBS
from portcullis.errors import Refused, Unreachable
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.people.following_secrets import follow_secrets
from portcullis.operations.services import Trigger
from portcullis.operations.sweep import sweep

from tests.operations.worlds import Account, account, model_text

CAUSE = Trigger("a test", "somebody")
USERS = model_text("  users: {kim: {}, lee: {secret: given}}\n").replace(
    "configuration: cognito", "configuration: internal"
)
MADE = "portcullis/demo/kim"


@pytest.fixture
def here() -> Account:
    made = account()
    made.registered()
    made.passwords.kept["given"] = "Given-1"
    apply_text(made.services, "demo", USERS, CAUSE)
    return made


def sent(here: Account) -> list[Any]:
    """Passwords as the engine got them, since last asked."""
    found = [operation for kind, operations in here.engine.sent if kind == Kind.USERS for operation in operations]
    here.engine.sent.clear()
    return found


def follow(here: Account) -> tuple[str, ...]:
    return follow_secrets(here.services.at(here.ledger.registration("demo")), CAUSE)


def test_no_password_is_set_while_another_writer_is_at_work(here: Account) -> None:
    """It is left to the next try, whole."""
    domain = here.ledger.registration("demo").place.id
    sent(here)
    here.passwords.kept[MADE] = "Rotated-2"
    here.ledger._leases[domain] = ("somebody", float("inf"))
    lease = here.ledger.lease
    here.ledger.lease = lambda *a, **k: lease(*a, **{**k, "wait": 0.01})  # type: ignore[method-assign]
    with pytest.raises(Unreachable, match="another writer is at work on demo"):
        follow(here)
    assert sent(here) == []
    del here.ledger._leases[domain]
    assert follow(here) == ("kim",)


def test_a_deployment_without_internal_users_asks_for_no_secret() -> None:
    made = account()
    made.registered()

    def asked(_: Any) -> Any:
        raise AssertionError("there is nobody with a password")

    services = replace(made.services, secrets=asked)
    apply_text(services, "demo", model_text("  grants: [{role: all_access, to: {iam_group: ops}}]\n"), CAUSE)
    assert follow_secrets(services.at(made.ledger.registration("demo")), CAUSE) == ()


@pytest.mark.parametrize(("user", "secret"), [("kim", MADE), ("lee", "given")])
def test_a_rotated_secret_is_followed_once_and_the_others_are_let_be(here: Account, user: str, secret: str) -> None:
    assert follow(here) == (), "nothing was rotated since the user was made"
    sent(here)
    here.passwords.kept[secret] = "Rotated-2"
    assert follow(here) == (user,)
    assert sent(here) == [{"op": "add", "path": f"/{user}/password", "value": "Rotated-2"}]
    assert follow(here) == ()
    [change] = [one for one in here.ledger.history("demo") if one.operation == "password"]
    assert user in str(change.after)
    assert "Rotated-2" not in str(change)


def test_the_sweep_follows_what_no_event_told(here: Account) -> None:
    here.passwords.kept["given"] = "Rotated-2"
    sent(here)
    sweep(here.services)
    assert [one["value"] for one in sent(here)] == ["Rotated-2"]


def test_what_was_rotated_while_it_was_locked_is_set_before_it_opens(here: Account) -> None:
    """Whoever had the old password is not in for the minutes until the sweep."""
    VERBS["lock"].run(here.services, "demo", CAUSE, reason="a test")
    here.passwords.kept["given"] = "Rotated-2"
    assert follow(here) == ()
    sent(here)
    VERBS["unlock"].run(here.services, "demo", CAUSE)
    assert [one["value"] for one in sent(here)] == ["Rotated-2"]
    assert follow(here) == ()


def test_a_secret_that_cannot_be_read_keeps_nobody_shut_out(here: Account) -> None:
    VERBS["lock"].run(here.services, "demo", CAUSE, reason="a test")
    here.passwords.kept["given"] = "Weak"
    here.engine.refuses = lambda kind, operations: any(one.get("value") == "Weak" for one in operations)
    VERBS["unlock"].run(here.services, "demo", CAUSE)
    assert here.ledger.custody("demo").state is State.OPEN


def test_one_that_is_refused_keeps_no_other_from_being_followed(here: Account) -> None:
    here.passwords.kept |= {"given": "Weak", MADE: "Rotated-2"}
    here.engine.refuses = lambda kind, operations: any(one.get("value") == "Weak" for one in operations)
    with pytest.raises(Refused):
        follow(here)
    here.engine.refuses = lambda kind, operations: False
    assert follow(here) == ("lee",), "kim was followed already, and lee is tried again"


def test_a_user_who_is_not_ours_is_let_be(here: Account) -> None:
    apply_text(here.services, "demo", USERS.replace("kim: {}, ", ""), CAUSE)
    here.passwords.kept[MADE] = "Rotated-2"
    assert follow(here) == ()


def test_what_is_kept_of_a_secret_is_never_what_it_holds(here: Account) -> None:
    here.passwords.kept["given"] = "Rotated-2"
    follow(here)
    everything = json.dumps([str(one) for one in here.ledger._items.values()]) + str(here.aws.told)
    assert "Rotated-2" not in everything
    assert "Given-1" not in everything


@pytest.mark.parametrize("error", [Refused, Unreachable], ids=lambda kind: kind.__name__)
def test_a_secret_that_may_not_be_looked_at_keeps_no_other_from_being_followed(
    here: Account, error: type[Exception]
) -> None:
    version = here.passwords.version

    def looked(secret: str) -> str | None:
        if secret == "given":
            raise error("the secret given could not be looked at")
        return version(secret)

    here.passwords.version = looked  # type: ignore[method-assign]
    sent(here)
    here.passwords.kept |= {MADE: "Rotated-2", "given": "Rotated-3"}
    with pytest.raises(error, match="given could not be looked at"):
        follow(here)
    assert [one["value"] for one in sent(here)] == ["Rotated-2"]
    here.passwords.version = version  # type: ignore[method-assign]
    assert follow(here) == ("lee",)


def test_a_secret_that_is_gone_changes_no_password(here: Account) -> None:
    del here.passwords.kept["given"]
    sent(here)
    assert follow(here) == ()
    assert sent(here) == []
