"""The two tutorials on real nodes: each by hand and by Portcullis, on both engines, on the older one by both prefixes of the API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.node.node import Node
from local.node.security import SecuritySetup
from tests.fixtures_node import FEW_ROUNDS
from tests.local.door_world import World
from tests.tutorials import cognito_steps, internal_steps
from tests.tutorials.cognito_steps import SignIn
from tests.tutorials.stage import OPENDISTRO, PLUGINS, Cast, put_back

WAYS = (
    ("3.4.0", "by hand", PLUGINS),
    ("2.19.3", "by hand", PLUGINS),
    ("2.19.3", "by hand", OPENDISTRO),
    ("3.4.0", "by portcullis", PLUGINS),
    ("2.19.3", "by portcullis", PLUGINS),
)


COGNITO = tuple(("cognito", *way) for way in WAYS)
INTERNAL = tuple(("internal", *way) for way in WAYS)
ALL = COGNITO + INTERNAL
AT_WORK = tuple(way for way in ALL if "by portcullis" in way)


def name_of(way: tuple[str, ...]) -> str:
    return " ".join(part.removesuffix("/_security/api").removeprefix("/") for part in way)


def _node(factory: pytest.TempPathFactory, cache: Path, version: str) -> Iterator[Node]:
    setup = SecuritySetup.basic(user=internal_steps.MASTER, settings=FEW_ROUNDS)
    with Node.start(factory.mktemp(f"tutorial-{version}-"), cache, version, security=setup, tell=print) as node:
        yield node


@pytest.fixture(scope="session")
def internal_3(tmp_path_factory: pytest.TempPathFactory, jar_cache: Path) -> Iterator[Node]:
    """OpenSearch 3.4.0 whose master is TheMasterUser."""
    yield from _node(tmp_path_factory, jar_cache, "3.4.0")


@pytest.fixture(scope="session")
def internal_2(tmp_path_factory: pytest.TempPathFactory, jar_cache: Path) -> Iterator[Node]:
    """OpenSearch 2.19.3 whose master is TheMasterUser."""
    yield from _node(tmp_path_factory, jar_cache, "2.19.3")


def _signed_in(world: World) -> Iterator[SignIn]:
    sign_in = SignIn(world)
    yield sign_in
    sign_in.put_back()


@pytest.fixture(scope="session")
def cognito_3(world_3: World) -> Iterator[SignIn]:
    """Steps 1 to 20 of the tutorial with Cognito, before OpenSearch 3.4.0."""
    yield from _signed_in(world_3)


@pytest.fixture(scope="session")
def cognito_2(world_2: World) -> Iterator[SignIn]:
    """The same before OpenSearch 2.19.3."""
    yield from _signed_in(world_2)


@pytest.fixture(params=["cognito_3", "cognito_2"])
def sign_in(request: pytest.FixtureRequest) -> SignIn:
    """The domain with Cognito and an IAM master, on both engines."""
    found: SignIn = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["internal_3", "internal_2"])
def internal_node(request: pytest.FixtureRequest) -> Iterator[Node]:
    """The node with internal users, on both engines; put back after each test."""
    found: Node = request.getfixturevalue(request.param)
    with put_back(found):
        yield found


@pytest.fixture(scope="session", params=ALL, ids=name_of)
def cast(request: pytest.FixtureRequest) -> Iterator[Cast]:
    """Each tutorial in each way, in turn; the engine is put back after each."""
    tutorial, version, way, api = request.param
    stage = request.getfixturevalue(f"{tutorial}_{version[0]}")
    with put_back(stage if tutorial == "internal" else stage.world.node):
        steps: Any = {"cognito": cognito_steps, "internal": internal_steps}[tutorial]
        yield steps.by_hand(stage, api) if way == "by hand" else steps.by_portcullis(stage)
