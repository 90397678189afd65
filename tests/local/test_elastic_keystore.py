"""The keystore tool of the tests: what its server does is what it does without one, on the same file."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from local.elastic.keystore import TOOL
from local.elastic.keystore_server import KeystoreServer
from local.elastic.pair import Pair
from local.people import until
from local.processes import ROOT

pytestmark = pytest.mark.node
_NAME = "cluster.remote.of-the-tool.credentials"
_ADD = ("add", "--stdin", "--force", _NAME)
_SECRET = "hidden-4711"
_NOT_THERE = f"ERROR: Setting [{_NAME}] does not exist in the keystore.\n"


def tool(home: Path, *words: str) -> tuple[int, str]:
    """Its exit status, and what it says besides the JVM's own warnings."""
    environment = {**os.environ, "ES_PATH_CONF": str(home / "config")}
    done = subprocess.run(
        [*TOOL, *words], input=_SECRET, env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert _SECRET not in done.stdout + done.stderr
    return done.returncode, "".join(line for line in done.stderr.splitlines(keepends=True) if "WARNING" not in line)


@pytest.fixture
def home(pair: Pair, tmp_path: Path) -> Path:
    """Of a node that does not run: with a keystore of the release, and nothing in it of ours."""
    made = tmp_path / "home-of-a-node"
    (made / "config").mkdir(parents=True, mode=0o700)
    for name in ("launch.json", "config/elasticsearch.keystore"):
        shutil.copyfile(pair.local.home / name, made / name)
    return made


def test_what_the_server_wrote_the_tool_reads_without_it_and_the_other_way_round(home: Path) -> None:
    with KeystoreServer(home) as server:
        until(lambda: server.answers, what="the server of the keystore tool answers")
        assert tool(home, *_ADD) == (0, "")
    assert not server.answers
    assert tool(home, "remove", _NAME) == (0, "")
    assert tool(home, *_ADD) == (0, "")
    with KeystoreServer(home) as server:
        until(lambda: server.answers, what="the server of the keystore tool answers")
        assert tool(home, "remove", _NAME) == (0, "")


@pytest.mark.parametrize("served", [True, False])
def test_what_cannot_be_done_has_the_status_and_words_of_the_real_tool(home: Path, served: bool) -> None:
    with KeystoreServer(home) as server:
        until(lambda: server.answers, what="the server of the keystore tool answers")
        if not served:
            server.stop()
        assert tool(home, "remove", _NAME) == (78, _NOT_THERE)
        assert tool(home, "show", _NAME)[0] == 64


def test_only_its_owner_may_ask_the_server_and_its_log_tells_no_secret(home: Path) -> None:
    with KeystoreServer(home) as server:
        until(lambda: server.answers, what="the server of the keystore tool answers")
        (home / "launch.json").unlink()  # without it only the server can do it
        assert tool(home, *_ADD) == (0, "")
        assert (home / "keystore.sock").stat().st_mode & 0o077 == 0
    assert _SECRET not in (home / "keystore.log").read_text()
