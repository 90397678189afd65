"""Given Secrets Manager, then a named secret is read, an absent one is made once, and no error tells what a secret holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from portcullis.adapters.passwords.aws import SecretsManager, generated
from portcullis.errors import Refused, Unreachable
from portcullis.ports.identity import ApiKey, Password

from local.aws.emulator import Emulator


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    with mock_aws():
        yield boto3.client("secretsmanager", region_name="eu-central-1")


def test_an_absent_secret_is_made_once_and_then_read(client: Any) -> None:
    store = SecretsManager(client)
    assert store.password("portcullis/demo/robot") is None
    made = store.make("portcullis/demo/robot", "robot")
    assert store.password("portcullis/demo/robot") == made
    assert store.make("portcullis/demo/robot", "robot") == made  # somebody else was faster
    kept = json.loads(client.get_secret_value(SecretId="portcullis/demo/robot")["SecretString"])
    assert kept == {"username": "robot", "password": made}


@pytest.mark.parametrize(
    "text", ["plain-Text-1", '{"password": "plain-Text-1"}', '{"password": "plain-Text-1", "x": 1}']
)
def test_a_secret_is_a_text_or_json_with_a_password(client: Any, text: str) -> None:
    client.create_secret(Name="given", SecretString=text)
    assert SecretsManager(client).password("given") == "plain-Text-1"


@pytest.mark.parametrize("text", ['{"passwort": "hidden-1"}', '{"password": ""}', '{"password": ["hidden-1"]}'])
def test_a_secret_without_a_password_is_refused_without_telling_it(client: Any, text: str) -> None:
    client.create_secret(Name="given", SecretString=text)
    with pytest.raises(Refused) as raised:
        SecretsManager(client).password("given")
    assert "hidden-1" not in str(raised.value)


def test_a_secret_that_is_being_deleted_is_told(client: Any) -> None:
    client.create_secret(Name="given", SecretString="x")
    client.delete_secret(SecretId="given")
    with pytest.raises((Refused, Unreachable), match="given"):
        SecretsManager(client).password("given")


def test_generated_passwords_are_all_different_and_mix_all_character_kinds() -> None:
    """Each has lower case, upper case, a digit and another character, and 32 characters in all."""
    made = {generated() for _ in range(50)}
    assert len(made) == 50
    for password in made:
        assert len(password) == 32
        assert any(c.islower() for c in password)
        assert any(c.isupper() for c in password)
        assert any(c.isdigit() for c in password)
        assert any(not c.isalnum() for c in password)


@pytest.mark.aws
def test_the_version_of_a_secret_changes_only_when_a_rotation_is_finished(calm: Emulator, name: str) -> None:
    """A rotation that has only begun is no new version. One that is taken back by hand is the old version again."""
    secrets = calm.client("secretsmanager")
    store = SecretsManager(secrets)
    assert store.version(name) is None
    store.make(name, "robot")
    first = store.version(name)
    assert first
    assert store.version(name) == first
    secrets.put_secret_value(SecretId=name, SecretString="Being-made-2", VersionStages=["AWSPENDING"])
    assert store.version(name) == first, "a rotation that has only begun is none"
    second = secrets.put_secret_value(SecretId=name, SecretString="Rotated-3")["VersionId"]
    assert store.version(name) == second != first
    assert store.password(name) == "Rotated-3"
    arn = secrets.describe_secret(SecretId=name)["ARN"]
    assert store.version(arn) == second
    secrets.update_secret_version_stage(
        SecretId=name, VersionStage="AWSCURRENT", MoveToVersionId=first, RemoveFromVersionId=second
    )
    assert store.version(name) == first, "taken back by hand"


@pytest.mark.aws
def test_a_secret_that_does_not_answer_is_an_error_and_tells_nothing(calm: Emulator, name: str) -> None:
    store = SecretsManager(calm.client("secretsmanager"))
    made = store.make(name, "robot")
    calm.admin("fault", actions=["secretsmanager:DescribeSecret"], kind="throttle")
    with pytest.raises(Unreachable, match=name) as raised:
        store.version(name)
    assert made not in str(raised.value)


def test_a_token_for_somebody_elses_api_is_a_key_or_a_text(client: Any) -> None:
    store = SecretsManager(client)
    for name, text in {
        "key": '{"api_key": "encoded-Key-1"}',
        "json": '{"password": "token-1"}',
        "plain": "token-2",
    }.items():
        client.create_secret(Name=name, SecretString=text)
    assert [store.token(name) for name in ("key", "json", "plain")] == ["encoded-Key-1", "token-1", "token-2"]
    with pytest.raises(Refused, match="is gone"):
        store.token("none")


def test_a_credential_is_a_key_or_a_password_and_shows_neither(client: Any) -> None:
    store = SecretsManager(client)
    client.create_secret(Name="key", SecretString='{"api_key": "encoded-Key-1"}')
    client.create_secret(Name="password", SecretString='{"username": "x", "password": "plain-Text-1"}')
    client.create_secret(Name="nothing", SecretString='{"api_key": ""}')
    assert store.credential("key", "robot") == ApiKey("encoded-Key-1")
    assert store.credential("password", "robot") == Password("robot", "plain-Text-1")
    shown = f"{store.credential('key', 'robot')} {store.credential('password', 'robot')}"
    assert "encoded-Key-1" not in shown
    assert "plain-Text-1" not in shown
    for bad, words in (("nothing", "holds no password"), ("absent", "is gone")):
        with pytest.raises(Refused, match=words):
            store.credential(bad, "robot")
