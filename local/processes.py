"""Processes that never outlive us: children on a life line, and their supervision.

Each child holds the reading end of a pipe whose writing end is ours alone. The kernel closes ours when we die, however we
die, and the child takes the end of file as its order to go. A program that knows nothing of this is run by a guardian
(`python -m local.processes -- PROGRAM ...`) that watches the pipe for it and takes the whole family down.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Protocol, TypeVar

import psutil
from portcullis.errors import BadInput, PortcullisError

LOOPBACK = "127.0.0.1"
ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 10.0
LAST_LINES = 20
# Below what the usual systems hand to outgoing connections, so that no client takes the port between choice and use.
OUR_PORTS = range(20000, 32000)


class Died(PortcullisError):
    """A part ended by itself. Names it, and shows the last lines of its log."""


def _free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do: what lingers closed is free
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    for _ in range(1000):
        port = random.choice(OUR_PORTS)  # noqa: S311 - not a secret
        if _free(port):
            return port
    raise PortcullisError(f"no free port between {OUR_PORTS.start} and {OUR_PORTS.stop - 1} on {LOOPBACK}")


def check_port(port: int, what: str = "") -> int:
    """The port itself if it can be listened on; otherwise BadInput naming the port, who holds it if that shows, and the remedy."""
    if not 0 < port < 65536:
        raise BadInput(f"{port} is no port", source=what, remedy="a number from 1 to 65535")
    if _free(port):
        return port
    holder = _holder(port)
    raise BadInput(
        f"port {port} is in use on {LOOPBACK}{holder}",
        source=what,
        remedy="end what uses it, or give another port, or give none and a free one is taken",
    )


def _holder(port: int) -> str:
    with contextlib.suppress(psutil.Error, OSError):  # not every system shows other people's connections
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
            if listens and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    return ""


def last_lines(log: Path) -> str:
    """The end of a log, indented; says so if there is none."""
    if not log.is_file():
        return f"  (no log at {log})"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16384))
        lines = file.read().decode("utf-8", "replace").splitlines()[-LAST_LINES:]
    return "\n".join(f"  {line}" for line in lines) or "  (the log is empty)"


def typed(
    command: Sequence[str], environment: Mapping[str, str], *, folder: Path | None = None, patience: float = 200.0
) -> tuple[int, str]:
    """A command as somebody types it who has nothing to add: its exit status, and what both streams show, in the order they show it."""
    done = subprocess.run(
        command,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=patience,
        check=False,
    )
    return done.returncode, done.stdout


def end_family(process: psutil.Process, patience: float = PATIENCE_S) -> None:
    """End a process, its group and its descendants: asked once, then killed. Returns when none is left.

    The group is asked, not each member: a second SIGTERM makes some servers drop what the first made them finish.
    """
    family = _descendants(process)
    _to_group(process.pid, signal.SIGTERM)
    with contextlib.suppress(psutil.TimeoutExpired, psutil.NoSuchProcess):
        process.wait(patience)
    # What lies outside the group, or was started meanwhile, or does not listen.
    left = {*family, *_descendants(process)}
    end_all(left)
    _to_group(process.pid, signal.SIGKILL)  # also those whose parent went before them, so that nobody lists them
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        found: list[psutil.Process] = process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return found


def end_all(processes: Iterable[psutil.Process], patience: float = 1.0) -> None:
    """SIGTERM, a little patience, SIGKILL."""
    left = [process for process in processes if process.is_running()]
    for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, PATIENCE_S)):
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        _, left = psutil.wait_procs(left, timeout=seconds)


def _to_group(leader: int, number: signal.Signals) -> None:
    # Gone; or only zombies are left in it, which macOS calls a lack of permission.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


class Child:
    """A process in a group of its own, on a life line, its output in a log file.

    `guarded`: run it by a guardian; False for a program that watches its standard input itself.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
        guarded: bool = True,
        patience: float = PATIENCE_S,
    ) -> None:
        self.name, self.log, self.cwd, self.patience = name, log, cwd, patience
        self.command = [sys.executable, "-m", "local.processes", "--", *command] if guarded else list(command)
        self.env = dict(os.environ if env is None else env)
        # The guardian and our own mains are found wherever the child's folder is.
        self.env["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), self.env.get("PYTHONPATH"))))
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Lock()

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process else None

    @property
    def running(self) -> bool:
        process = self._process
        return process is not None and process.poll() is None

    def start(self) -> Child:
        """Start it (again). The log goes on where it ended."""
        if self.running:
            raise PortcullisError(f"{self.name} is running already (process {self.pid})")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            try:
                self._process = subprocess.Popen(
                    self.command,
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=self.env,
                    cwd=self.cwd,
                    start_new_session=True,
                )
            except OSError as failed:
                raise PortcullisError(f"{self.name} could not be started: {failed}") from failed
        return self

    def death(self) -> Died | None:
        """Why it is not running although nobody stopped it; None while it runs or after `stop`."""
        process = self._process  # `stop` may take it away meanwhile
        status = process.poll() if process else None
        if status is None:
            return None
        how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with exit status {status}"
        return Died(f"{self.name} {how}; the end of {self.log}:\n{last_lines(self.log)}")

    def check(self) -> None:
        """Raises Died if it ended by itself."""
        if death := self.death():
            raise death

    def stop(self) -> None:
        """End it and all it started; nothing happens if it is not running."""
        with self._stopping:
            process, self._process = self._process, None
            if process is None:
                return
            if process.poll() is None:
                end_family(psutil.Process(process.pid), self.patience)
            else:
                _to_group(process.pid, signal.SIGKILL)  # what a crash left behind in its group
            process.wait()
            if process.stdin:
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.close()


class Part(Protocol):
    """What a supervisor keeps: a Child, or something that has one."""

    @property
    def name(self) -> str: ...

    def death(self) -> Died | None: ...

    def stop(self) -> None: ...


P = TypeVar("P", bound=Part)


class Supervisor:
    """Starts parts, watches them, and stops them in reverse order on the way out: done, failed, Ctrl-C or SIGTERM.

    When a part ends by itself the main thread is interrupted with Died, wherever it is. Must be entered in the main thread,
    where alone signals can be handled. If we are killed outright, the parts' life lines end them.
    """

    LOOKS_EVERY_S = 0.2

    def __init__(self, tell: Callable[[str], None] = lambda _line: None) -> None:
        self.tell = tell
        self._parts: list[Part] = []
        self._death: Died | None = None
        self._leaving = threading.Event()
        self._before: dict[signal.Signals, Any] = {}
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def __enter__(self) -> Supervisor:
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("a Supervisor is entered in the main thread: signals are handled there alone")
        for number, handler in ((signal.SIGTERM, self._asked_to_end), (signal.SIGUSR1, self._told_of_death)):
            self._before[number] = signal.signal(number, handler)
        self._watcher.start()
        return self

    def start(self, part: Child) -> Child:
        """Start a child and keep it."""
        self._parts.append(part)
        return part.start()

    def keep(self, part: P) -> P:
        """Keep what was started elsewhere: watched and stopped like the rest."""
        self._parts.append(part)
        return part

    def check(self) -> None:
        """Raises Died if a part ended by itself."""
        for part in self._parts:
            if death := part.death():
                raise death

    def _watch(self) -> None:
        while not self._leaving.wait(self.LOOKS_EVERY_S):
            for part in list(self._parts):
                if death := part.death():
                    self._death = death
                    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
                    return

    def _told_of_death(self, _number: int, _frame: FrameType | None) -> None:
        if self._death and not self._leaving.is_set():
            raise self._death

    def _asked_to_end(self, number: int, _frame: FrameType | None) -> None:
        if not self._leaving.is_set():
            raise SystemExit(128 + number)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._leaving.set()
        interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave half of it running
        # A failure is often only the echo of a part that died: name the part.
        death = next(filter(None, (part.death() for part in self._parts)), None)
        failures: list[Exception] = []
        for part in reversed(self._parts):
            self.tell(f"stopping {part.name}")
            try:
                part.stop()
            except Exception as failed:
                failures.append(failed)
        self._watcher.join()
        signal.signal(signal.SIGINT, interrupt)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if failures:
            raise ExceptionGroup("parts that could not be stopped", failures)
        if death and (kind is None or (issubclass(kind, Exception) and not issubclass(kind, Died))):
            raise death from error


def guard(command: Sequence[str]) -> int:
    """Run a program and take its whole family down when our standard input ends. Its exit status (128 + n for signal n)."""
    with contextlib.suppress(OSError, AttributeError):
        # Linux: orphaned descendants become ours, so that they can be found. Elsewhere the group has to do.
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    signal.signal(signal.SIGTERM, lambda *_: None)  # the group was asked, so the program was too: wait for it
    try:
        program = subprocess.Popen(list(command), stdin=subprocess.DEVNULL)
    except OSError as failed:
        print(f"{command[0]} could not be started: {failed}", file=sys.stderr)
        return 127
    threading.Thread(target=_at_the_end_of_the_life_line, daemon=True).start()
    status = None
    while status is None:
        ended, found = os.waitpid(-1, 0)  # whoever ends: adopted orphans have to be reaped too
        if ended == program.pid:
            status = os.waitstatus_to_exitcode(found)
    program.returncode = status
    end_all(_descendants(psutil.Process()))
    return status if status >= 0 else 128 - status


def _at_the_end_of_the_life_line() -> None:
    while os.read(0, 4096):
        pass
    family = _descendants(psutil.Process())
    end_all(family, PATIENCE_S)
    os.killpg(os.getpgrp(), signal.SIGKILL)  # us too: there is nobody left to tell


if __name__ == "__main__":
    if sys.argv[1:2] != ["--"] or len(sys.argv) < 3:
        print("usage: python -m local.processes -- PROGRAM [ARGUMENT ...]", file=sys.stderr)
        sys.exit(2)
    sys.exit(guard(sys.argv[2:]))
