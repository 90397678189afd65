"""The sign-in that never sends the password, against an emulated user pool that checks the proof."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws.emulator import Emulator
from local.door import client
from local.door.srp import Proof

pytest_plugins = ["tests.fixtures_aws"]
pytestmark = pytest.mark.aws
PASSWORD = "Pässword-4711!"


@pytest.fixture
def pool(aws: Emulator) -> tuple[Any, str, str]:
    cognito = aws.client("cognito-idp")
    made = cognito.create_user_pool(PoolName="srp")["UserPool"]["Id"]
    app = cognito.create_user_pool_client(UserPoolId=made, ClientName="a", ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"])
    cognito.admin_create_user(UserPoolId=made, Username="ann", MessageAction="SUPPRESS", TemporaryPassword=PASSWORD)
    return cognito, made, app["UserPoolClient"]["ClientId"]


def test_a_first_password_and_a_later_one_sign_in(pool: tuple[Any, str, str]) -> None:
    cognito, made, app = pool
    assert client.sign_in(cognito, made, app, "ann", PASSWORD).count(".") == 2
    cognito.admin_set_user_password(UserPoolId=made, Username="ann", Password="0ther-Password!", Permanent=True)
    assert client.sign_in(cognito, made, app, "ann", "0ther-Password!").count(".") == 2


@pytest.mark.parametrize("wrong", [PASSWORD + " ", PASSWORD.lower(), ""])
def test_a_wrong_password_signs_nobody_in(pool: tuple[Any, str, str], wrong: str) -> None:
    with pytest.raises(ClientError, match="Incorrect username or password"):
        client.sign_in(*pool, "ann", wrong)


def test_the_password_is_in_nothing_that_is_sent(pool: tuple[Any, str, str]) -> None:
    cognito, made, app = pool
    sent: list[str] = []
    cognito.meta.events.register("before-send.*", lambda request, **_: sent.append(str(request.body)))
    cognito.admin_set_user_password(UserPoolId=made, Username="ann", Password="Unmistakable-1!", Permanent=True)
    sent.clear()
    client.sign_in(cognito, made, app, "ann", "Unmistakable-1!")
    assert len(sent) == 2
    assert not [body for body in sent if "Unmistakable" in body]


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (datetime(2026, 1, 5, 3, 4, 5, tzinfo=UTC), "Mon Jan 5 03:04:05 UTC 2026"),
        (datetime(2026, 12, 31, 23, 0, 9, tzinfo=UTC), "Thu Dec 31 23:00:09 UTC 2026"),
    ],
)
def test_the_time_is_written_as_cognito_reads_it(moment: datetime, written: str) -> None:
    asked = {"USER_ID_FOR_SRP": "ann", "SECRET_BLOCK": "QUJD", "SRP_B": "5", "SALT": "9a"}
    assert Proof("eu-central-1_pool", PASSWORD).answer(asked, moment)["TIMESTAMP"] == written


def test_a_challenge_that_would_prove_nothing_is_refused() -> None:
    asked = {"USER_ID_FOR_SRP": "ann", "SECRET_BLOCK": "QUJD", "SRP_B": "0", "SALT": "9a"}
    with pytest.raises(ValueError, match="proves nothing"):
        Proof("eu-central-1_pool", PASSWORD).answer(asked)
