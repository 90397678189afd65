"""One embedded default for the whole session: a real node behind the front door, the emulated AWS, our stacks deployed, once.

Tests leave it as they found it: open, the key enabled, nothing broken.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from local import embedded
from local.people import People
from local.story.book import Book
from local.story.stages import Alerts, Cast
from tests.embedded.scene import Scene


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Embedded]:
    folder = tmp_path_factory.mktemp("embedded")
    # With the option on, beside the story of `make demo`, which plays with it off.
    parts = embedded.Parts(home=folder / "run", deployments=embedded.denying_older_sessions(folder / "deployments"))
    with embedded.running(parts, print) as whole:
        # A sweep comes when a test asks for it: one more in between would find what a test has hidden from the events.
        whole.aws.admin("schedules", by_themselves=False)
        yield whole


@pytest.fixture(scope="session")
def cast(up: embedded.Embedded) -> Cast:
    people = People(up)
    return Cast(up, people, people.with_role(embedded.APPLICATION_ROLE))


@pytest.fixture(scope="session")
def alerts(up: embedded.Embedded) -> Alerts:
    return Alerts(up)


@pytest.fixture(scope="session")
def book() -> Book:
    return Book(Console(file=io.StringIO()))


@pytest.fixture
def scene(cast: Cast, alerts: Alerts) -> Iterator[Scene]:
    """The deployment, open; and open again afterwards, whatever was done to it."""
    one = Scene(cast, alerts)
    try:
        one.begin()
        yield one
    finally:
        one.end()
