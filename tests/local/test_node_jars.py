"""The cache of jars against a repository on loopback: filled once, mended, never trusted blindly."""

from __future__ import annotations

import dataclasses
import http.server
import json
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from portcullis.errors import BadInput, PortcullisError

from local import packages
from local.node import jars
from local.node.jars import ensure, read_lock, release_folder
from local.packages import CannotFetch, Pin, WrongChecksum
from local.processes import free_port

VERSION = "3.4.0"


def linked(source: str, target: str) -> None:
    try:
        Path(target).hardlink_to(source)
    except OSError:  # on another file system
        shutil.copyfile(source, target)


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "BETWEEN_ATTEMPTS_S", 0.05)


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change a file without changing the one it is a hard link to."""
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(change(content))


class Repository:
    """A package repository on loopback that serves what the project's cache holds, as well or badly as a test wants.

    `asked`: the file names asked for, checksum files left out. `spoil`: file name -> what to do to each answer's bytes.
    `refuse`: file name -> the statuses of the next answers.
    """

    def __init__(self, source: Path) -> None:
        self.asked: list[str] = []
        self.spoil: dict[str, Callable[[bytes], bytes]] = {}
        self.cut: dict[str, int] = {}
        self.refuse: dict[str, list[int]] = {}
        repository = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.rsplit("/", 1)[-1]
                if name.endswith(".sha1"):
                    self.send_error(404)
                    return
                repository.asked.append(name)
                if statuses := repository.refuse.get(name):
                    self.send_error(statuses.pop(0))
                    return
                path = source / ("packages" if name.endswith(".zip") else "lib") / name
                content = path.read_bytes()
                content = repository.spoil.get(name, bytes)(content)
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if repository.cut.get(name, 0) > 0:
                    repository.cut[name] -= 1
                    content = content[: len(content) // 2]
                    self.close_connection = True
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """The tests' output is not an access log."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.addresses = {"loopback": f"http://127.0.0.1:{self.server.server_port}"}


@pytest.fixture(scope="module")
def filled(jar_cache: Path) -> Path:
    """The project's cache, filled (that is what may need the network)."""
    ensure(VERSION, jar_cache, print)
    return jar_cache


@pytest.fixture
def cache(filled: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    shutil.copytree(release_folder(VERSION, filled), release_folder(VERSION, tmp_path), copy_function=linked)
    return tmp_path


@pytest.fixture
def repository(filled: Path) -> Iterator[Repository]:
    made = Repository(release_folder(VERSION, filled))
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every way to a connection fails the test."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


def small() -> list[Pin]:
    """Three packages that are one jar each."""
    return [pin for pin in read_lock(VERSION) if not pin.members][:3]


def whole(cache: Path) -> bool:
    folder = release_folder(VERSION, cache)
    return all(packages.intact(folder, wanted) for pin in read_lock(VERSION) for wanted in pin.yields)


@pytest.mark.parametrize("version", jars.VERSIONS)
def test_the_lock_names_coordinates_and_checksums_and_no_address(version: str) -> None:
    text = jars.lock_path(version).read_text(encoding="utf-8")
    assert "://" not in text
    pins = read_lock(version)
    assert len({pin.coordinates for pin in pins}) == len(pins)
    wanted = [one for pin in pins for one in (pin.itself, *pin.members)]
    assert all(re.fullmatch("[0-9a-f]{64}", one.sha256) and one.size > 0 for one in wanted)
    assert len({one.name for one in wanted}) == len(wanted)
    assert [pin.artifact for pin in pins if pin.members] == ["opensearch-security"]
    assert {one.name for one in wanted} >= {"defaults/roles.yml", f"lib/opensearch-{version}.jar"}


def test_a_release_without_a_lock_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no lock for OpenSearch 1\.0\.0 \(one of 3\.4\.0, 2\.19\.3\)"):
        ensure("1.0.0", tmp_path, print)


def test_a_lock_that_cannot_be_read_is_refused_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jars, "HERE", tmp_path)
    jars.lock_path(VERSION).write_text('{"artifacts": [{"group": "org.example"}]}')
    with pytest.raises(BadInput, match=r"not a lock of jars.*python -m local\.node\.lock 3\.4\.0"):
        read_lock(VERSION)


@pytest.mark.usefixtures("no_network")
def test_a_second_start_opens_no_connection_and_tells_nothing(cache: Path) -> None:
    told: list[str] = []
    found = ensure(VERSION, cache, told.append)
    assert told == []
    assert len(found) == len(set(found)) > 100
    assert all(path.suffix == ".jar" and path.is_file() for path in found)


def test_an_empty_cache_is_filled_from_the_repository_alone(tmp_path: Path, repository: Repository) -> None:
    told: list[str] = []
    found = ensure(VERSION, tmp_path, told.append, repositories=repository.addresses)
    assert whole(tmp_path)
    assert sorted(repository.asked) == sorted(pin.file for pin in read_lock(VERSION))
    assert all(path.is_relative_to(tmp_path) for path in found)
    assert re.match(r"fetching 49 of the 49 packages of OpenSearch 3\.4\.0 \(\d+ MB\), once", told[0])
    assert not (release_folder(VERSION, tmp_path) / "incoming").exists()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda content: content[: len(content) // 2], id="truncated"),
        pytest.param(lambda content: b"", id="emptied"),
        pytest.param(lambda content: content[:99] + bytes([content[99] ^ 1]) + content[100:], id="one bit flipped"),
    ],
)
def test_a_damaged_jar_is_fetched_again_and_nothing_else(
    cache: Path, repository: Repository, change: Callable[[bytes], bytes]
) -> None:
    pin = small()[0]
    path = release_folder(VERSION, cache) / pin.itself.name
    before = path.stat()
    rewrite(path, change)
    ensure(VERSION, cache, print, repositories=repository.addresses)
    assert repository.asked == [pin.file]
    assert path.stat().st_size == before.st_size
    assert whole(cache)


@pytest.mark.usefixtures("no_network")
def test_a_damaged_part_of_the_plugin_is_restored_from_its_zip_offline(cache: Path) -> None:
    """A shortened file and a missing jar are taken out of the cached zip again."""
    folder = release_folder(VERSION, cache)
    rewrite(folder / "defaults" / "roles.yml", lambda content: content[:10])
    next((folder / "lib").glob("opensearch-security-3*.jar")).unlink()
    ensure(VERSION, cache, print)
    assert whole(cache)


def test_a_cache_of_which_half_is_gone_is_filled_up(cache: Path, repository: Repository) -> None:
    folder = release_folder(VERSION, cache)
    lost = sorted((folder / "lib").iterdir())[::2]
    for path in [*lost, *(folder / "packages").iterdir()]:
        path.unlink()
    shutil.rmtree(folder / "defaults")
    ensure(VERSION, cache, print, repositories=repository.addresses)
    assert whole(cache)
    names = {path.name for path in lost}
    assert set(repository.asked) == {pin.file for pin in read_lock(VERSION) if pin.members or pin.file in names}


def test_what_a_killed_run_left_half_fetched_is_not_trusted(cache: Path, repository: Repository) -> None:
    pin = small()[0]
    folder = release_folder(VERSION, cache)
    (folder / pin.itself.name).unlink()
    left = folder / "incoming" / "0" / "0" / Path(*pin.group.split(".")) / pin.artifact / pin.version / pin.file
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    ensure(VERSION, cache, print, repositories=repository.addresses)
    assert whole(cache)
    assert not (folder / "incoming").exists()


def test_an_answer_cut_short_is_tried_again(cache: Path, repository: Repository) -> None:
    pin = small()[0]
    (release_folder(VERSION, cache) / pin.itself.name).unlink()
    repository.cut[pin.file] = 1
    ensure(VERSION, cache, print, repositories=repository.addresses)
    assert repository.asked == [pin.file] * 2
    assert whole(cache)


def test_a_repository_that_is_busy_for_a_moment_is_asked_again(cache: Path, repository: Repository) -> None:
    pin = small()[0]
    (release_folder(VERSION, cache) / pin.itself.name).unlink()
    repository.refuse[pin.file] = [503]
    ensure(VERSION, cache, print, repositories=repository.addresses)
    assert whole(cache)


def test_what_is_not_what_the_lock_names_is_refused_and_not_kept(cache: Path, repository: Repository) -> None:
    pin = small()[0]
    path = release_folder(VERSION, cache) / pin.itself.name
    path.unlink()
    repository.spoil[pin.file] = lambda content: content[:-1] + b"?"
    with pytest.raises(WrongChecksum, match=rf"{pin.coordinates} was fetched 3 times .* jars-3\.4\.0\.lock\.json"):
        ensure(VERSION, cache, print, repositories=repository.addresses)
    assert not path.exists()


def test_a_package_the_repository_lacks_is_named(cache: Path, repository: Repository) -> None:
    pin = small()[0]
    (release_folder(VERSION, cache) / pin.itself.name).unlink()
    repository.refuse[pin.file] = [404] * 3
    with pytest.raises(CannotFetch, match=f"{pin.coordinates}: the registry did not give it"):
        ensure(VERSION, cache, print, repositories=repository.addresses)


def test_what_could_be_fetched_before_a_failure_is_kept(cache: Path, repository: Repository) -> None:
    first, second, _ = small()
    folder = release_folder(VERSION, cache)
    (folder / first.itself.name).unlink()
    (folder / second.itself.name).unlink()
    repository.refuse[second.file] = [404] * 3
    with pytest.raises(CannotFetch):
        ensure(VERSION, cache, print, repositories=repository.addresses)
    ensure(VERSION, cache, print, repositories=repository.addresses)
    assert repository.asked.count(first.file) == 1
    assert whole(cache)


def test_a_first_start_without_a_network_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network: the way out leads to a proxy on loopback that nobody listens on."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(CannotFetch) as caught:
        ensure(VERSION, tmp_path, print)
    message = str(caught.value)
    assert "\n" not in message
    assert "A first start needs the network to fetch 49 packages; later ones do not." in message
    assert f"copy a filled opensearch-3.4.0 folder from another machine to {tmp_path}" in message
    assert caught.value.exit_status == 1


def test_a_cache_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PortcullisError, match=r"the cache of OpenSearch 3\.4\.0 .* cannot be written"):
        ensure(VERSION, tmp_path / "file", print)


def test_two_starts_at_once_fetch_each_package_once(cache: Path, repository: Repository) -> None:
    pins = small()
    for pin in pins:
        (release_folder(VERSION, cache) / pin.itself.name).unlink()
    slow = pins[0].file

    def linger(content: bytes) -> bytes:
        time.sleep(0.5)
        return content

    repository.spoil[slow] = linger
    told: list[str] = []
    starts = [
        threading.Thread(
            target=ensure, args=(VERSION, cache, told.append), kwargs={"repositories": repository.addresses}
        )
        for _ in range(2)
    ]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    assert whole(cache)
    assert sorted(repository.asked) == sorted(pin.file for pin in pins)
    assert "waiting: another process is filling opensearch-3.4.0" in told


def test_a_zip_that_does_not_hold_what_the_lock_names_is_refused(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def other(version: str) -> list[Pin]:
        plugin = next(pin for pin in read_lock(version) if pin.members)
        return [dataclasses.replace(plugin, members=(dataclasses.replace(plugin.members[0], sha256="0" * 64),))]

    monkeypatch.setattr(jars, "read_lock", other)
    with pytest.raises(WrongChecksum, match="opensearch-security"):
        ensure(VERSION, cache, print)


def test_the_lock_is_written_in_one_order(tmp_path: Path) -> None:
    """So that making it anew shows as a difference only what has changed."""
    for version in jars.VERSIONS:
        entries = json.loads(jars.lock_path(version).read_text())["artifacts"]
        assert entries == sorted(entries, key=lambda one: (one["packaging"], one["group"], one["artifact"]))
