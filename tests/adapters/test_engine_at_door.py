"""The engine's adapter at the front door: signed as a role, it is known by its ARN; what is refused there is said so."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.adapters.engines.opensearch import OpenSearchEngine
from portcullis.adapters.engines.transport import signed_transport
from portcullis.errors import Refused
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.documents.patch import pointer
from portcullis.ports.engine import Stop

from local.aws.emulator import Credentials
from tests.adapters.test_engine import HOSTILE
from tests.local.door_world import MASTER, REGION, World, allow

pytestmark = [pytest.mark.node, pytest.mark.aws]


class Session:
    """What a boto3 session gives a signer."""

    def __init__(self, credentials: Credentials) -> None:
        from botocore.credentials import Credentials as Own

        self._own = Own(credentials.access_key, credentials.secret_key, credentials.session_token)

    def get_credentials(self) -> Any:
        return self._own


def through_the_door(world: World, credentials: Credentials) -> OpenSearchEngine:
    endpoint = world.url.removeprefix("https://")
    return OpenSearchEngine(signed_transport(endpoint, Session(credentials), REGION, ca=str(world.ca)), endpoint)


def test_signed_as_a_role_the_engine_knows_it_by_its_arn(each_world: World) -> None:
    engine = through_the_door(each_world, each_world.session(MASTER))
    assert engine.who_am_i().name == MASTER
    held = engine.read()
    assert isinstance(held, SecurityConfig)
    assert MASTER in held.of(Kind.MAPPINGS)["all_access"]["backend_roles"]
    name = "adapter-at-door"
    for hostile in HOSTILE[:3]:
        engine.patch(Kind.ROLES, [{"op": "add", "path": pointer(name), "value": {"description": hostile}}])
    engine.block_indices({})
    engine.unblock_indices({})
    engine.patch(Kind.ROLES, [{"op": "remove", "path": pointer(name)}])


def test_a_role_that_the_engine_does_not_map_is_refused(world: World) -> None:
    engine = through_the_door(world, world.session(world.role("adapter-nobody")))
    with pytest.raises(Refused, match="403"):
        engine.read()
    assert engine.what_stops_a_search("orders") is Stop.PRIVILEGES


def test_a_policy_that_shuts_the_door_is_a_refusal_of_the_door(world: World) -> None:
    world.access_policy(allow(), allow(MASTER, "Deny"))
    with pytest.raises(Refused, match="403"):
        through_the_door(world, world.session(MASTER)).read()


def test_wrong_credentials_are_refused_and_stand_in_no_error(world: World) -> None:
    real = world.session(MASTER)
    with pytest.raises(Refused) as told:
        through_the_door(world, Credentials(real.access_key, "wrong" * 8, real.session_token)).read()
    assert real.access_key not in str(told.value)
    assert "wrongwrong" not in str(told.value)
