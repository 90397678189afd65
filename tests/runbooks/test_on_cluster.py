"""Every page walked on a real Elasticsearch that runs elsewhere, and every alert that such a cluster gives rise to brought about.

Whoever walks has the managed policy that the index names for the page, and no other right.
"""

from __future__ import annotations

import pytest

from local.people import until
from local.rehearsal.following import follow
from local.rehearsal.on_cluster import APPLICATION, STRANGER, USERS
from local.rehearsal.pages import PAGES, Page
from local.rehearsal.stand import state
from local.story.stages import Alerts
from tests.runbooks.conftest import OnCall, brought_to
from tests.runbooks.of_clusters import WALKED
from tests.runbooks.pages import index
from tests.runbooks.provoking import PROVOKED, Provoked

pytestmark = pytest.mark.embedded

INDEX = index()


@pytest.fixture(scope="module")
def alerts(beside_a_cluster: OnCall) -> Alerts:
    return Alerts(beside_a_cluster.up)


@pytest.fixture(scope="module")
def by_level(beside_a_cluster: OnCall) -> dict[str, OnCall]:
    return beside_a_cluster.by_level()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_followed_line_by_line(
    beside_a_cluster: OnCall, by_level: dict[str, OnCall], alerts: Alerts, page: Page
) -> None:
    lines = page.typed("cluster")
    assert len(lines) >= 2
    before = len(alerts.all())
    with brought_to(beside_a_cluster, page.name):
        if page.name in WALKED:
            beside_a_cluster.portcullis("sweep")  # what only the sweep sees is told now instead of within minutes
        for command in lines:
            follow(by_level[INDEX[page.name].level], command)
        if page.name == "drift":
            now = beside_a_cluster.engine("GET", USERS)
            assert now[APPLICATION]["roles"] == ["level_application"], "step 5 put it back"
            assert now[STRANGER]["roles"] == ["superuser"], "and left alone what somebody made by hand"
    assert state(beside_a_cluster) == "open"
    wanted = WALKED.get(page.name, frozenset())
    until(lambda: wanted <= {one["alert"] for one in alerts.all()[before:]}, what=f"{', '.join(wanted)} are told")
    assert not [one for one in alerts.all()[before:] if "OpenSearch" in str(one) or "domain" in str(one)]


@pytest.mark.parametrize(("names", "provoked"), PROVOKED.items(), ids=[" and ".join(names) for names in PROVOKED])
def test_an_alert_comes(beside_a_cluster: OnCall, alerts: Alerts, names: tuple[str, ...], provoked: Provoked) -> None:
    before = len(alerts.all())

    def told(name: str) -> bool:
        return name in [one["alert"] for one in alerts.all()[before:]]

    with provoked(beside_a_cluster):
        until(lambda: told(names[0]), within=20, what=f"{names[0]} is told")
    for name in names[1:]:
        until(lambda name=name: told(name), within=20, what=f"{name} is told")  # type: ignore[misc]
    assert not [one for one in alerts.all()[before:] if "OpenSearch" in str(one) or "domain" in str(one)]
