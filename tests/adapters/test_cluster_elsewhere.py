"""A cluster that runs elsewhere, as the functions reach it: its own CA, and a credential that is read from a secret."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws
from portcullis import clients
from portcullis.errors import Refused
from portcullis.families import FAMILIES
from portcullis.ports.registration import Cluster, EngineUser, Registration
from portcullis.settings import Settings
from portcullis.wiring import ENGINES, in_aws

from local.elastic.node import Elasticsearch
from local.processes import LOOPBACK
from tests.adapters.registrations import registration
from tests.fixtures_elastic import RELEASES

SECRET, ROBOT, FIRST, SECOND = "the-credential", "robot", "correct-horse-4711", "correct-horse-4712"
one_release = pytest.mark.parametrize("shared_elastic", RELEASES[:1], indirect=True)


def test_every_family_of_engines_has_an_engine() -> None:
    assert ENGINES.keys() == FAMILIES.keys()


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)
    clients.client.cache_clear()
    with mock_aws():
        yield clients.client("secretsmanager", "eu-central-1")
    clients.client.cache_clear()


def cluster(node: Elasticsearch) -> Registration:
    place = Cluster(f"{LOOPBACK}:{node.port}", ca=node.ca.read_text())
    robot = EngineUser(ROBOT, SECRET)
    return registration(family="elasticsearch", place=place, automation=robot, master=robot)


def made(node: Elasticsearch, password: str) -> None:
    body = {"password": password, "roles": ["superuser"]}
    assert node.ask("PUT", f"/_security/user/{ROBOT}", body)[0] == 200


@pytest.mark.node
@one_release
def test_a_password_that_was_rotated_is_read_again_from_its_secret(elastic: Elasticsearch, secrets: Any) -> None:
    """The engine is the same one throughout, as it is in a function that stays warm."""
    made(elastic, FIRST)
    secrets.create_secret(Name=SECRET, SecretString=json.dumps({"username": ROBOT, "password": FIRST}))
    engine = in_aws(Settings("ledger")).engine(cluster(elastic))
    assert engine.who_am_i().name == ROBOT
    # When the password is another, at first in the engine alone
    made(elastic, SECOND)
    with pytest.raises(Refused, match="401") as refused:
        engine.who_am_i()
    assert FIRST not in str(refused.value)
    # Then it is found once the secret has it too
    secrets.put_secret_value(SecretId=SECRET, SecretString=json.dumps({"username": ROBOT, "password": SECOND}))
    assert engine.who_am_i().name == ROBOT


@pytest.mark.node
@one_release
def test_an_api_key_in_the_secret_does_as_well(elastic: Elasticsearch, secrets: Any) -> None:
    made(elastic, FIRST)
    status, key = elastic.ask("POST", "/_security/api_key", {"name": "of-the-automation"})
    assert status == 200, key
    encoded = base64.b64encode(f"{key['id']}:{key['api_key']}".encode()).decode()
    secrets.create_secret(Name=SECRET, SecretString=json.dumps({"api_key": encoded}))
    assert in_aws(Settings("ledger")).engine(cluster(elastic)).who_am_i().name == elastic.user


@pytest.mark.node
@one_release
def test_a_missing_credential_secret_is_refused(elastic: Elasticsearch, secrets: Any) -> None:
    with pytest.raises(Refused, match=f"the secret {SECRET} is gone"):
        in_aws(Settings("ledger")).engine(cluster(elastic)).who_am_i()


def test_a_master_without_a_secret_is_refused(secrets: Any) -> None:
    owner = registration(
        family="elasticsearch",
        place=Cluster("localhost:1"),
        automation=EngineUser(ROBOT, SECRET),
        master=EngineUser("elastic", ""),
    )
    with pytest.raises(Refused, match="whoever runs the cluster gives the automation's user its roles"):
        in_aws(Settings("ledger")).master(owner).who_am_i()
