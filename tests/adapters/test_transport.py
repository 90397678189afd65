"""A connection by name and password, where the master is an internal user; and what it says when it is none."""

from __future__ import annotations

import certifi
import pytest
from portcullis.adapters.engines.opensearch import OpenSearchEngine
from portcullis.adapters.engines.transport import basic_transport
from portcullis.errors import Refused, Unreachable
from portcullis.families.opensearch.documents.config import Kind

from local.node.node import Node

pytestmark = pytest.mark.node


def test_the_master_of_the_internal_user_database_reads_the_security_config(node_basic_3: Node) -> None:
    node = node_basic_3
    endpoint = node.url.removeprefix("https://")
    engine = OpenSearchEngine(basic_transport(endpoint, node.user, node.password, ca=str(node.ca)), endpoint)
    assert engine.who_am_i().name == node.user
    assert "all_access" in engine.read([Kind.ROLES]).of(Kind.ROLES)


def test_a_wrong_password_is_refused_and_told_without_the_password(node_basic_3: Node) -> None:
    node = node_basic_3
    endpoint = node.url.removeprefix("https://")
    engine = OpenSearchEngine(basic_transport(endpoint, node.user, "not-the-password", ca=str(node.ca)), endpoint)
    with pytest.raises(Refused) as refused:
        engine.read([Kind.ROLES])
    assert "401" in str(refused.value)
    assert "not-the-password" not in str(refused.value)


def test_a_given_ca_counts_and_no_bundle_of_the_environment(
    node_basic_3: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = node_basic_3
    endpoint = node.url.removeprefix("https://")

    def asked(ca: str) -> str:
        return OpenSearchEngine(basic_transport(endpoint, node.user, node.password, ca=ca), endpoint).who_am_i().name

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    assert asked(str(node.ca)) == node.user
    # And the other way round: what the environment trusts, whoever was told another authority does not
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(node.ca))
    with pytest.raises(Unreachable, match="SSLError"):
        asked(certifi.where())


def test_a_proxy_of_the_environment_is_used_beside_a_given_ca(
    node_basic_3: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = node_basic_3
    endpoint = node.url.removeprefix("https://")

    def asked() -> str:
        transport = basic_transport(endpoint, node.user, node.password, ca=str(node.ca))
        return OpenSearchEngine(transport, endpoint).who_am_i().name

    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # where nobody listens
    with pytest.raises(Unreachable):
        asked()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    assert asked() == node.user
