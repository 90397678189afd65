"""What `make up ENGINE=elasticsearch CLUSTERS=2` takes, before anything starts; and what becomes of one node where the other fails."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from portcullis.cli import main as cli
from portcullis.errors import BadInput, PortcullisError
from rich.console import Console

from local import beside, embedded, two_teams
from local.elastic.pair import all_or_none, wired
from local.story import __main__ as story
from local.story.book import Book
from local.story.engines import engine_from_environment

WORDS = ("ENGINE", "ELASTICSEARCH", "CLUSTERS", "DEPLOYMENTS", "DOOR_PORT", "AWS_PORT")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Any:
    """As `make` hands on what it was told."""
    for word in WORDS:
        monkeypatch.delenv(f"PORTCULLIS_{word}", raising=False)

    def ask(**words: str) -> None:
        for word, value in words.items():
            monkeypatch.setenv(f"PORTCULLIS_{word}", value)

    return ask


@pytest.mark.parametrize("release", ["", "9.5.3", "8.19.21"])
def test_two_clusters_are_orders_and_beside_it_logs(asked: Any, release: str) -> None:
    asked(ENGINE="elasticsearch", CLUSTERS="2", ELASTICSEARCH=release)
    engine = engine_from_environment()
    assert engine.of_two
    assert (engine.parts.deployment, engine.parts.beside) == ("orders", ("logs",))
    assert engine.parts.version == (release or "9.5.3")


@pytest.mark.parametrize("clusters", ["", "1"])
def test_given_one_cluster_then_it_is_the_deployment_demo(asked: Any, clusters: str) -> None:
    asked(ENGINE="elasticsearch", CLUSTERS=clusters)
    engine = engine_from_environment()
    assert not engine.of_two
    assert (engine.parts.deployment, engine.parts.beside) == ("demo", ())


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ({"CLUSTERS": "2"}, "ENGINE=elasticsearch"),
        ({"CLUSTERS": "2", "ENGINE": "opensearch"}, "ENGINE=elasticsearch"),
        ({"CLUSTERS": "3", "ENGINE": "elasticsearch"}, "1 or 2"),
        ({"CLUSTERS": "two"}, "1 or 2"),
        ({"CLUSTERS": "2", "ENGINE": "elasticsearch", "ELASTICSEARCH": "7.17.29"}, "8.19.21"),
        ({"CLUSTERS": "2", "ENGINE": "elasticsearch", "ELASTICSEARCH": "6.8.23"}, "8.19.21"),
    ],
)
def test_what_there_is_none_of_is_refused_with_what_there_is(asked: Any, words: dict[str, str], remedy: str) -> None:
    asked(**words)
    with pytest.raises(BadInput, match="clusters") as refused:
        engine_from_environment()
    assert "CLUSTERS" in str(refused.value)
    assert remedy in str(refused.value)


def test_the_story_is_not_played_with_two(asked: Any) -> None:
    asked(ENGINE="elasticsearch", CLUSTERS="2")
    with pytest.raises(BadInput, match="make up plays with two"):
        story._play(Book(Console(file=io.StringIO())))


@pytest.mark.parametrize("release", ["9.5.3", "8.19.21"])
def test_both_files_are_right_for_the_release(tmp_path: Path, capsys: pytest.CaptureFixture[str], release: str) -> None:
    filled = {"INTERFACE": "localhost:9443", "TRANSPORT": "localhost:9300"}
    ca = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    for name in (two_teams.READS, two_teams.IS_READ):
        file = tmp_path / f"{name}.yaml"
        file.write_text(beside.written(name, release, "localhost:9200", ca, **filled))
        assert cli.main(["check", str(file)]) == 0, capsys.readouterr().out


def test_no_port_is_taken_twice(tmp_path: Path) -> None:
    parts = two_teams.parts(embedded.Parts(home=tmp_path, version="9.5.3", door_port=9200, aws_port=9300))
    clusters = beside._clusters(parts)
    orders, logs = clusters.values()
    assert orders.port == 9200
    interface = int(logs.filled["INTERFACE"].rpartition(":")[2])
    taken = [one for cluster in clusters.values() for one in (cluster.port, cluster.transport_port)]
    assert len({*taken, interface, 9300}) == 6
    assert orders.filled["TRANSPORT"] == f"localhost:{logs.transport_port}"
    assert logs.side.settings["remote_cluster.port"] == interface


def test_each_side_trusts_the_other_ones_ca_alone(tmp_path: Path) -> None:
    reads, is_read = wired(tmp_path / "reads", tmp_path / "is-read", 9443)
    for side, other in ((reads, "is-read"), (is_read, "reads")):
        assert side.files == {"certs/other.pem": (tmp_path / other / "config" / "certs" / "ca.pem").read_bytes()}
    key_alone, _ = wired(tmp_path / "reads", tmp_path / "is-read", 9443, trust="key")
    assert not [name for name in key_alone.settings if "transport" in name]


class _Node:
    running = True

    def stop(self) -> None:
        self.running = False


def test_given_one_node_fails_to_start_then_the_other_is_stopped() -> None:
    up = _Node()

    def fails() -> Any:
        raise PortcullisError("it was not up within 300 s")

    starts: dict[str, Any] = {"orders": lambda: up, "logs": fails}
    with pytest.raises(PortcullisError, match="not up within"):
        all_or_none(starts)
    assert not up.running
