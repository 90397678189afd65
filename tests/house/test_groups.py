"""Tests that use a server are in the group that starts it, so that no worker starts it once more."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests import conftest


def collected(nodeid: str, *fixtures: str) -> Any:
    return SimpleNamespace(nodeid=nodeid, fixturenames=fixtures)


@pytest.mark.parametrize(
    ("nodeid", "fixture", "group"),
    [
        ("tests/operations/people/test_people.py::test_one", "node_basic", "nodes"),
        ("tests/adapters/test_engine.py::test_one", "each_world", "door"),
        ("tests/local/test_door_policy.py::test_one", "aws", "aws"),
    ],
)
def test_given_a_test_elsewhere_it_is_refused_with_the_group(nodeid: str, fixture: str, group: str) -> None:
    with pytest.raises(pytest.UsageError, match=f"uses {fixture} .* into {group} of _TOGETHER"):
        conftest.pytest_collection_modifyitems([collected(nodeid, "tmp_path", fixture)])


def test_given_tests_with_their_servers_they_are_taken() -> None:
    conftest.pytest_collection_modifyitems(
        [
            collected("tests/operations/people/test_people.py::test_one", "tmp_path"),
            collected("tests/operations/people/test_people_on_node.py::test_one", "node_basic"),
            collected("tests/local/test_door_srp.py::test_one", "aws"),
        ]
    )


def test_every_server_has_its_group() -> None:
    assert conftest._SERVERS.keys() <= conftest._TOGETHER.keys()
