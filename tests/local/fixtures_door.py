"""A real node, the emulated AWS and the door between them: started once per session and engine.

Load with `pytest_plugins = ["tests.local.fixtures_door"]`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local.door_world import World, allow, made


@pytest.fixture(scope="session")
def world_3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    yield from made(tmp_path_factory, "3.4.0")


@pytest.fixture(scope="session")
def world_2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    yield from made(tmp_path_factory, "2.19.3")


@pytest.fixture
def world(world_3: World) -> Iterator[World]:
    """The world on 3.4.0, everything let in by the domain's policy; put back afterwards."""
    yield world_3
    world_3.access_policy(allow())


@pytest.fixture(params=["3.4.0", "2.19.3"])
def each_world(request: pytest.FixtureRequest) -> World:
    """Both engines in turn."""
    found: World = request.getfixturevalue({"3.4.0": "world_3", "2.19.3": "world_2"}[request.param])
    return found
