"""Two deployments, one of which reads the other with a key: their files in force, in a ledger, and whatever clusters a test has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from portcullis.access.actual import Json
from portcullis.access.plan import AccessModel, Grant, Subject, SubjectKind
from portcullis.model.option_types import OfferOptions, Options, RemoteOptions
from portcullis.operations.services import Services, Trigger
from portcullis.operations.writing.standing import in_force as standing
from portcullis.ports.registration import Cluster, KeptModel
from portcullis.ports.remotes import Connection

from tests.operations.worlds import Account, account

GIVER, READER, ALIAS, SECRET = "logs", "orders", "dc2", "remotes/orders"
LOGS = {"search": [{"names": ["logs-*"]}]}
CAUSE = Trigger("a test", "somebody")


class NoConnections:
    """The part of the Remotes protocol that whoever keeps and replaces keys has no need of."""

    def connect(self, connection: Connection) -> None:
        raise AssertionError("nobody connects")

    def disconnect(self, alias: str) -> None:
        raise AssertionError("nobody disconnects")

    def info(self) -> Mapping[str, Json]:
        """Nothing is set: whether an alias is read by certificate is looked at before a keystore is written."""
        return {}

    def resolve(self, expression: str) -> Mapping[str, Any]:
        raise AssertionError("nobody asks")


def offers(secret: str = SECRET, days: int = 90, **named: dict[str, Any]) -> Options:
    """What the giver's file says; nothing named: one offer of logs."""
    return Options(
        offers={name: OfferOptions(access, days, secret) for name, access in (named or {"of": LOGS}).items()}
    )


def reads(secret: str = SECRET, deployment: str = GIVER, alias: str = ALIAS) -> Options:
    """What the reader's file says."""
    return Options(remotes={alias: RemoteOptions("api-key", secret, deployment, "", ("log_reader",))})


def in_force(services: Services, deployment: str, options: Options) -> None:
    """A file that was applied."""
    grants = (Grant(Subject(SubjectKind.COGNITO_GROUP, "readers"), "log_reader", "a file"),)
    before = standing(services, deployment)
    version = before.version if before else 0
    services.ledger.keep_model(deployment, KeptModel("", AccessModel(grants=grants), options, version=version))


def two(**parts: Any) -> Account:
    """Both registered, with what they agree on in force. `parts` are what `Services` are given of the clusters."""
    world = account()
    world = replace(world, services=replace(world.services, **parts))
    for name in (GIVER, READER):
        world.registered(name, place=Cluster(f"{name}.example.com:9200"))
    in_force(world.services, GIVER, offers())
    in_force(world.services, READER, reads())
    return world
