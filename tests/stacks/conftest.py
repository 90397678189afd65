"""Two syntheses a session: the shipped deployment away from us-east-1, and two of other configurations at once in us-east-1."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.stacks.assembly import API, CLUSTER, HOME, INTERNAL, Synthesised, synthesised


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, read_for_demo: set[Path]) -> Synthesised:
    """deployments/demo.yaml in eu-central-1."""
    listening = True

    def hear(event: str, given: tuple[Any, ...]) -> None:
        if listening and event == "open" and isinstance(given[0], str):
            read_for_demo.add(Path(given[0]))

    sys.addaudithook(hear)
    made = synthesised(tmp_path_factory.mktemp("demo") / "out", HOME)
    listening = False
    return made


@pytest.fixture(scope="session")
def read_for_demo() -> set[Path]:
    """The files that were opened to synthesise `demo`, once it is."""
    return set()


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    """`inner` (internal, its own multi-Region key) and `wired` (api, a given key named by its alias), where a trail is there already."""
    folder = tmp_path_factory.mktemp("pair")
    (folder / "inner.yaml").write_text(INTERNAL)
    (folder / "wired.yaml").write_text(API)
    return synthesised(folder / "out", "us-east-1", deployments=str(folder), trail="existing", reserve="none")


@pytest.fixture(scope="session")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    """`elastic`: a cluster that runs elsewhere, and no domain besides."""
    folder = tmp_path_factory.mktemp("beside")
    (folder / "elastic.yaml").write_text(CLUSTER)
    return synthesised(folder / "out", HOME, deployments=str(folder))


@pytest.fixture(params=["demo", "pair"])
def either(request: pytest.FixtureRequest) -> Synthesised:
    found: Synthesised = request.getfixturevalue(request.param)
    return found
