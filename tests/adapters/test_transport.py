"""A connection by name and password, where the master is an internal user; and what it says when it is none."""

from __future__ import annotations

import pytest
from portcullis.adapters.engines.opensearch import OpenSearchEngine
from portcullis.adapters.engines.transport import basic_transport
from portcullis.errors import Refused
from portcullis.families.opensearch.config import Kind

from local.node.node import Node

pytestmark = pytest.mark.node


@pytest.fixture
def no_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without these a bundle of the machine would be trusted in place of the node's own CA."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("no_bundle")
def test_the_master_of_the_internal_user_database_reads_the_security_config(node_basic_3: Node) -> None:
    node = node_basic_3
    endpoint = node.url.removeprefix("https://")
    engine = OpenSearchEngine(basic_transport(endpoint, node.user, node.password, ca=str(node.ca)), endpoint)
    assert engine.who_am_i().name == node.user
    assert "all_access" in engine.read([Kind.ROLES]).of(Kind.ROLES)


@pytest.mark.usefixtures("no_bundle")
def test_a_wrong_password_is_refused_and_told_without_the_password(node_basic_3: Node) -> None:
    node = node_basic_3
    endpoint = node.url.removeprefix("https://")
    engine = OpenSearchEngine(basic_transport(endpoint, node.user, "not-the-password", ca=str(node.ca)), endpoint)
    with pytest.raises(Refused) as refused:
        engine.read([Kind.ROLES])
    assert "401" in str(refused.value)
    assert "not-the-password" not in str(refused.value)
