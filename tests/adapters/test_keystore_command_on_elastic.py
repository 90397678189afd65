"""The command that Systems Manager runs on a node: as it is deployed, in a real shell, with a real keystore.

The AWS CLI of the machine is played by a script that knows two secrets and writes down how it was asked.
"""

from __future__ import annotations

import getpass
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from portcullis.model.elasticsearch.keystores import Ssm

from local.elastic.pair import Pair
from local.processes import ROOT
from stacks.keystores import content, script

pytestmark = pytest.mark.node
KEY = "aWQtb2Yta2V5OnNlY3JldC1vZi1rZXk="
SECRETS = {"dc2": "remotes/dc2", "bare": "remotes/it's bare"}
AWS = """#!{python}
import json, sys
held = {{"remotes/dc2": {right!r}, "remotes/it's bare": '{{"api_key": ""}}'}}
open({asked!r}, "a").write(json.dumps(sys.argv[1:]) + "\\n")
print(held[sys.argv[sys.argv.index("--secret-id") + 1]])
"""


@dataclass
class Machine:
    folder: Path
    way: Ssm

    def run(self, do: str, alias: str) -> subprocess.CompletedProcess[str]:
        lines = "\n".join(script(SECRETS, self.way, "eu-central-1"))
        lines = lines.replace("{{ Alias }}", alias).replace("{{ Do }}", do)
        path = f"{self.folder}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            ["sh", "-s"],
            input=lines,
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env={**os.environ, "PATH": path},
        )

    @property
    def asked(self) -> list[list[str]]:
        file = self.folder / "asked"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture
def machine(pair: Pair, tmp_path: Path) -> Machine:
    """A node's folder with a keystore of the release, and nothing in it of ours."""
    home, tools = tmp_path / "home", tmp_path / "tools"
    (home / "config").mkdir(parents=True, mode=0o700)
    tools.mkdir()
    for name in ("launch.json", "config/elasticsearch.keystore"):
        shutil.copyfile(pair.local.home / name, home / name)
    written = {
        "aws": AWS.format(python=sys.executable, right=json.dumps({"api_key": KEY}), asked=str(tools / "asked")),
        "keystore": f'#!/bin/sh\nexec {sys.executable} -m local.elastic.keystore "$@"\n',
    }
    for name, text in written.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o700)
    way = Ssm(
        nodes={"node-1": "i-0123456789abcdef0"},
        folder=str(home / "config"),
        tool=str(tools / "keystore"),
        user=getpass.getuser(),
    )
    return Machine(tools, way)


def test_a_key_goes_from_its_secret_into_the_keystore_and_out_again(machine: Machine) -> None:
    before = machine.run("remove", "dc2")
    put = machine.run("put", "dc2")
    assert (before.returncode, put.returncode, put.stderr) == (0, 0, "")
    assert KEY not in put.stdout
    (asked,) = machine.asked
    assert asked[asked.index("--region") + 1] == "eu-central-1"
    environment = {**os.environ, "ES_PATH_CONF": machine.way.folder}
    command = [sys.executable, "-m", "local.elastic.keystore", "remove", "cluster.remote.dc2.credentials"]
    there = [
        subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, check=False).returncode == 0
        for _ in range(2)
    ]
    assert there == [True, False]
    assert machine.run("put", "dc2").returncode == 0
    assert machine.run("remove", "dc2").returncode == 0


@pytest.mark.parametrize(
    ("alias", "status", "words"), [("other", 64, "names no such alias"), ("bare", 65, "holds no key")]
)
def test_what_cannot_be_put_has_a_status_of_its_own(machine: Machine, alias: str, status: int, words: str) -> None:
    done = machine.run("put", alias)
    assert (done.returncode, done.stdout) == (status, "")
    assert words in done.stderr


def test_a_tool_that_fails_is_a_failure_without_its_words(machine: Machine) -> None:
    (machine.folder / "keystore").write_text("#!/bin/sh\ncat >&2\nexit 74\n")
    for do in ("put", "remove"):
        done = machine.run(do, "dc2")
        assert done.returncode != 0
        assert KEY not in done.stdout + done.stderr


def test_nothing_but_an_alias_of_a_name_s_signs_is_taken(machine: Machine) -> None:
    asks = content(SECRETS, machine.way, "eu-central-1")["parameters"]
    assert asks["Alias"]["allowedPattern"] == "^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$"
    assert asks["Do"]["allowedValues"] == ["put", "remove"]
    assert set(asks) == {"Alias", "Do"}
