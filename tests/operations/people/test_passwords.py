"""A new internal user has the password of the secret that the file names, or of one that is made, and keeps it."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.errors import Refused
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.people.following_secrets import follow_secrets
from portcullis.operations.people.passwords import passwords
from portcullis.operations.services import Trigger

from tests.operations.worlds import Account, account, model_text

CAUSE = Trigger("a test", "somebody")
MADE = "portcullis/demo/kim"


def users(which: str) -> str:
    return model_text(f"  users: {{{which}}}\n").replace("configuration: cognito", "configuration: internal")


@pytest.fixture
def here() -> Account:
    made = account()
    made.registered()
    return made


def got(here: Account) -> dict[str, str]:
    """User -> the password that the engine was sent."""
    return {
        one["path"][1:]: one["value"]["password"]
        for kind, operations in here.engine.sent
        if kind == Kind.USERS
        for one in operations
        if one["op"] == "add" and "password" in one["value"]
    }


def test_a_named_secret_is_read_and_one_is_made_where_none_is_named(here: Account) -> None:
    here.passwords.kept["given"] = "Given-1"
    apply_text(here.services, "demo", users("kim: {}, lee: {secret: given}"), CAUSE)
    assert got(here) == {"kim": here.passwords.kept[MADE], "lee": "Given-1"}
    assert set(here.passwords.kept) == {"given", MADE}
    assert follow_secrets(here.services.at(here.ledger.registration("demo")), CAUSE) == (), "both are as they were set"


def test_a_user_who_was_taken_off_and_comes_back_has_the_password_they_had(here: Account) -> None:
    apply_text(here.services, "demo", users("kim: {}"), CAUSE)
    had = got(here)
    apply_text(here.services, "demo", users(""), CAUSE)
    here.engine.sent.clear()
    apply_text(here.services, "demo", users("kim: {}"), CAUSE)
    assert got(here) == had


def test_a_named_secret_that_is_not_there_is_refused_and_none_is_made(here: Account) -> None:
    said = r"internal user lee: there is no secret given; make it, or leave `secret` out"
    with pytest.raises(Refused, match=said):
        apply_text(here.services, "demo", users("lee: {secret: given}"), CAUSE)
    assert here.passwords.kept == {}
    assert here.engine.held.get(Kind.USERS, "lee") is None


def test_what_is_rotated_between_the_look_and_the_reading_is_followed_later(here: Account) -> None:
    """The version comes first: the password is newer than it says, and never older."""
    here.passwords.kept["given"] = "Given-1"
    read = here.passwords.password

    def rotated(secret: str) -> Any:
        here.passwords.kept["given"] = "Rotated-2"
        return read(secret)

    here.passwords.password = rotated  # type: ignore[method-assign]
    apply_text(here.services, "demo", users("lee: {secret: given}"), CAUSE)
    assert follow_secrets(here.services.at(here.ledger.registration("demo")), CAUSE) == ("lee",)


def test_where_nobody_is_new_there_is_no_password(here: Account) -> None:
    apply_text(here.services, "demo", users("kim: {}"), CAUSE)
    site = here.services.at(here.ledger.registration("demo"))
    assert passwords(site, site.ledger.model("demo"), []) == {}
