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

VPC, OFFICE = "10.77.0.0/16", "192.0.2.0/24"
OF_THE_ACCOUNT = (
    f"network: {{cidr: {VPC}, nat_per_zone: false, callers: {{cidrs: [{OFFICE}]}}}}\n"
    "report: {every_minutes: 1440, link_minutes: 60}\n"
)


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Embedded]:
    folder = tmp_path_factory.mktemp("embedded")
    # With the option on and a file of the account, beside the story of `make demo`, which plays without either.
    files = embedded.denying_older_sessions(folder / "deployments")
    (files / "account.yaml").write_text(OF_THE_ACCOUNT, encoding="utf-8")
    parts = embedded.Parts(home=folder / "run", deployments=files)
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
