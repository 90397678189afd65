"""The Elasticsearch of the tests: real releases, security on, TLS verified."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
from pathlib import Path

import pytest
import yaml
from portcullis.errors import BadInput

from local import beside
from local.elastic.distribution import VERSIONS, ensure, release_of
from local.elastic.node import Elasticsearch
from local.packages import read_lock
from local.processes import LOOPBACK

on_node = pytest.mark.node


def test_a_certificate_with_words_of_the_template_in_it_stays_as_it_is() -> None:
    ca = "-----BEGIN CERTIFICATE-----\nMIIBKEYxVERSIONyENDPOINT$KEY/CERTIFICATE\n-----END CERTIFICATE-----\n"
    read = yaml.safe_load(beside.written("demo", "9.5.3", "localhost:9200", ca))
    assert read["cluster"]["ca"] == ca
    assert (read["engine"], read["cluster"]["endpoint"]) == ("elasticsearch-9.5.3", "localhost:9200")
    assert read["key"]["arn"] == beside.key_of("demo")


@on_node
def test_each_release_starts_and_knows_its_superuser(elastic: Elasticsearch) -> None:
    status, found = elastic.ask("GET", "/_security/_authenticate")
    assert (status, found["username"], found["roles"]) == (200, "elastic", ["superuser"])
    status, nodes = elastic.ask("GET", "/_nodes/_local?filter_path=nodes.*.version")
    assert [one["version"] for one in nodes["nodes"].values()] == [elastic.version]


@on_node
def test_nobody_is_let_in_without_a_password_or_with_another(elastic: Elasticsearch) -> None:
    assert elastic.ask("GET", "/_security/_authenticate", password="changeme")[0] == 401
    assert elastic.ask("GET", "/_security/_authenticate", user="nobody", password="x")[0] == 401


@on_node
def test_the_api_is_spoken_over_tls_that_its_own_ca_vouches_for(elastic: Elasticsearch) -> None:
    stranger = http.client.HTTPSConnection(LOOPBACK, elastic.port, context=ssl.create_default_context(), timeout=30)
    with pytest.raises(ssl.SSLCertVerificationError):
        stranger.request("GET", "/")
    plain = http.client.HTTPConnection(LOOPBACK, elastic.port, timeout=30)
    plain.request("GET", "/")
    with pytest.raises((OSError, http.client.HTTPException)):
        plain.getresponse()


@on_node
def test_no_file_of_the_home_holds_the_password(elastic: Elasticsearch) -> None:
    files = [path for path in (elastic.home / "config").rglob("*") if path.is_file()]
    files += [elastic.log, elastic.home / "launch.json"]
    assert [path for path in files if elastic.password.encode() in path.read_bytes()] == []


@on_node
def test_a_node_that_was_stopped_comes_back_with_all_it_held(elastic: Elasticsearch) -> None:
    assert elastic.ask("PUT", "/_security/role/kept", {"cluster": ["monitor"]})[0] == 200
    before = elastic.pid
    elastic.stop()
    assert not elastic.running
    assert elastic.death() is None
    elastic.start_again()
    assert elastic.pid != before
    assert elastic.ask("GET", "/_security/role/kept")[1]["kept"]["cluster"] == ["monitor"]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_lock_names_coordinates_and_checksums_and_no_address(version: str) -> None:
    text = release_of(version).lock.read_text(encoding="utf-8")
    assert "://" not in text
    assert json.loads(text)["elasticsearch"] == version
    pins = read_lock(release_of(version))
    wanted = [one for pin in pins for one in (pin.itself, *pin.members)]
    assert all(re.fullmatch("[0-9a-f]{64}", one.sha256) for one in wanted)
    assert len({one.name for one in wanted}) == len(wanted)
    assert f"lib/elasticsearch-{version}.jar" in {one.name for one in wanted}


def test_a_release_without_a_lock_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no lock for Elasticsearch 5\.6\.0 \(one of 9\.5\.3, 8\.19\.21"):
        ensure("5.6.0", tmp_path, print)


def test_a_given_port_in_use_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        taken = server.getsockname()[1]
        with pytest.raises(BadInput, match=f"^port: port {taken} is in use"):
            Elasticsearch.start(tmp_path / "home", tmp_path / "cache", "9.5.3", port=taken)
    assert list(tmp_path.iterdir()) == []
