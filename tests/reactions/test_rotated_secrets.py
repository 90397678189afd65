"""A secret that is rotated is an event: the password follows at once, by the identity queue, and nothing else is asked of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from portcullis.errors import Unreachable
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.services import Trigger

from tests.operations.people.test_following_secrets import MADE, USERS
from tests.operations.worlds import ACCOUNT
from tests.reactions.town import Town, town

ARN = f"arn:aws:secretsmanager:eu-central-1:{ACCOUNT}:secret:"


@pytest.fixture
def here() -> Town:
    made = town()
    made.account.passwords.kept["given"] = "Given-1"
    apply_text(made.services, "demo", USERS, Trigger("a test", "somebody"))
    made.pass_time(60)
    sent(made)
    return made


def sent(here: Town) -> list[tuple[str, str]]:
    """Passwords as the engine got them, since last asked."""
    found = [
        (operation["path"].split("/")[1], operation["value"])
        for kind, operations in here.account.engine.sent
        if kind == Kind.USERS
        for operation in operations
        if operation["path"].endswith("/password")
    ]
    here.account.engine.sent.clear()
    return found


def event(here: Town, name: str, request: Any = None, **more: Any) -> dict[str, Any]:
    told = here.cognito(name)
    told["source"] = "aws.secretsmanager"
    told["detail"] |= {"eventSource": "secretsmanager.amazonaws.com", "requestParameters": request, **more}
    return told


CALLS: list[tuple[str, dict[str, Any] | None, dict[str, Any]]] = [
    ("PutSecretValue", {"secretId": "given"}, {}),
    ("UpdateSecret", {"secretId": f"{ARN}given-AbCdEf"}, {}),
    ("UpdateSecretVersionStage", {"secretId": f"{ARN}given", "versionStage": "AWSCURRENT"}, {}),
    ("RotationSucceeded", None, {"additionalEventData": {"SecretId": f"{ARN}given-AbCdEf"}}),
    ("CreateSecret", {"name": "given"}, {}),
]


@pytest.mark.parametrize(("name", "request_", "more"), CALLS, ids=[name for name, _, _ in CALLS])
def test_a_rotated_secret_is_followed_when_its_event_comes(
    here: Town, name: str, request_: dict[str, Any] | None, more: dict[str, Any]
) -> None:
    here.account.passwords.kept["given"] = "Rotated-2"
    assert here.handle([here.sent(event(here, name, request_, **more))]) == ["done"]
    assert sent(here) == [("lee", "Rotated-2")]
    change = next(one for one in here.account.ledger.history("demo") if one.operation == "password")
    assert change.actor == here.cognito("any")["detail"]["userIdentity"]["arn"]
    assert "Rotated-2" not in json.dumps([here.notes.lines, str(change), str(here.aws.told)])


@pytest.mark.parametrize("called", [MADE, f"{ARN}{MADE}-AbCdEf"])
def test_the_secret_that_was_made_for_a_user_is_followed_too(here: Town, called: str) -> None:
    here.account.passwords.kept[MADE] = "Rotated-2"
    assert here.handle([here.sent(event(here, "PutSecretValue", {"secretId": called}))]) == ["done"]
    assert sent(here) == [("kim", "Rotated-2")]


@pytest.mark.parametrize(
    ("name", "request_", "more"),
    [
        ("PutSecretValue", {"secretId": "given-by-others"}, {}),
        ("PutSecretValue", {"secretId": "portcullis/other/kim"}, {}),
        ("PutSecretValue", {"secretId": "given"}, {"awsRegion": "us-west-2"}),
        ("PutSecretValue", {"secretId": "given"}, {"recipientAccountId": "999999999999"}),
        ("PutSecretValue", {"secretId": "given"}, {"errorCode": "AccessDenied"}),
        ("GetSecretValue", {"secretId": "given"}, {"readOnly": True}),
        ("RotationFailed", None, {"additionalEventData": {"SecretId": f"{ARN}given-AbCdEf"}}),
    ],
)
def test_what_is_no_password_of_ours_or_none_that_changed_asks_nothing(
    here: Town, name: str, request_: Any, more: dict[str, Any]
) -> None:
    here.account.passwords.kept["given"] = "Rotated-2"
    assert here.handle([here.sent(event(here, name, request_, **more))]) == ["nothing"]
    assert (sent(here), here.aws.told) == ([], [])


def test_a_refused_password_is_left_to_the_sweep_and_holds_up_no_event(here: Town) -> None:
    """The sweep tells of it. Once the engine takes the password, it is sent."""
    here.account.passwords.kept["given"] = "Weak"
    engine = here.account.engine
    engine.refuses = lambda kind, operations: any(one.get("value") == "Weak" for one in operations)
    rotated = event(here, "PutSecretValue", {"secretId": "given"})
    assert here.handle([here.sent(rotated)]) == ["done"]
    assert any("left to the sweep" in line for line in here.notes.lines)
    here.sweep()
    assert len(here.told("passwords-not-seen-to")) == 1
    engine.refuses = lambda kind, operations: False
    sent(here)
    here.sweep()
    assert sent(here) == [("lee", "Weak")]


def test_a_silent_engine_is_asked_again_by_the_queue(here: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: Any) -> Any:
        raise Unreachable("the domain did not answer")

    here.account.passwords.kept["given"] = "Rotated-2"
    rotated = here.sent(event(here, "PutSecretValue", {"secretId": "given"}))
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(here.account.engine, "read", silent)
        assert here.handle([rotated]) == ["failed"]
    assert here.handle_all([rotated]) == ["done"]
    assert sent(here) == [("lee", "Rotated-2")]
