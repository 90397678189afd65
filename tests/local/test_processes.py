"""Real processes: none may outlive who started it, however that one ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from portcullis.errors import BadInput, PortcullisError

from local.processes import ROOT, Child, Died, Supervisor, check_port, free_port

WAIT_S = 30.0  # how long a test waits before it fails; nothing is measured

# A program with a family: writes its own process id and those of a child and of a grandchild that leaves the group.
FAMILY = """
import os, pathlib, subprocess, sys, time
deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE)
away = subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE, start_new_session=True)
child.stdout.readline(), away.stdout.readline()
path = pathlib.Path(sys.argv[1])
path.with_suffix(".part").write_text(f"{os.getpid()} {child.pid} {away.pid}")
path.with_suffix(".part").rename(path)
time.sleep(600)
"""

# Somebody who supervises two such families until told otherwise.
SUPERVISE = """
import sys, time
from pathlib import Path
from local.processes import Child, Supervisor
folder = Path(sys.argv[1])
family = (folder / "family.py").read_text()
with Supervisor(tell=lambda line: print(line, flush=True)) as supervisor:
    for name in ("first", "second"):
        command = [sys.executable, "-c", family, str(folder / name)]
        supervisor.start(Child(name, command, log=folder / f"{name}.log", patience=0.3))
    while not all((folder / name).exists() for name in ("first", "second")):
        time.sleep(0.05)
    print("ready", flush=True)
    time.sleep(600)
"""


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {WAIT_S:.0f} s in vain: {what}"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def family_of(path: Path) -> list[int]:
    until(path.exists, f"{path.name} has written who it is")
    return [int(pid) for pid in path.read_text().split()]


def python(name: str, code: str, folder: Path, *arguments: str, **more: object) -> Child:
    return Child(name, [sys.executable, "-c", code, *arguments], log=folder / f"{name}.log", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("guarded", [True, False])
def test_stopping_a_child_ends_deaf_and_runaway_grandchildren_too(tmp_path: Path, guarded: bool) -> None:
    child = python("family", FAMILY, tmp_path, str(tmp_path / "pids"), guarded=guarded, patience=0.3).start()
    family = family_of(tmp_path / "pids")
    assert all(alive(pid) for pid in family)
    child.stop()
    assert [pid for pid in family if alive(pid)] == []
    assert not child.running
    assert child.death() is None
    child.stop()  # a second time is nothing


def test_a_child_is_given_time_to_end_well_and_asked_only_once(tmp_path: Path) -> None:
    code = """
import signal, sys, time
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
print("ready", flush=True)
while not asked: time.sleep(0.02)
time.sleep(0.5)
print("asked", len(asked), flush=True)
"""
    child = python("gentle", code, tmp_path).start()
    until(lambda: "ready" in child.log.read_text(), "the child is ready")
    child.stop()
    assert "asked 1" in child.log.read_text()


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("print('the last word'); raise SystemExit(3)", "exit status 3"),
        ("print('the last word', flush=True); import os; os.kill(os.getpid(), 9)", "exit status 137"),
    ],
)
def test_a_child_that_ends_by_itself_is_named_with_its_last_lines(tmp_path: Path, code: str, how: str) -> None:
    child = python("unlucky", code, tmp_path).start()
    until(lambda: child.death() is not None, "the child has died")
    with pytest.raises(Died, match=f"(?s)unlucky.*{how}.*the last word"):
        child.check()
    child.stop()


def test_an_unguarded_child_that_is_killed_says_by_which_signal(tmp_path: Path) -> None:
    child = python("unlucky", "import os; os.kill(os.getpid(), 9)", tmp_path, guarded=False).start()
    until(lambda: child.death() is not None, "the child has died")
    assert "SIGKILL" in str(child.death())
    assert "the log is empty" in str(child.death())
    child.stop()


def test_a_program_that_does_not_exist_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(PortcullisError, match="ghost could not be started"):
        Child("ghost", [str(tmp_path / "nothing")], log=tmp_path / "ghost.log", guarded=False).start()
    guarded = Child("ghost", [str(tmp_path / "nothing")], log=tmp_path / "ghost.log").start()
    until(lambda: guarded.death() is not None, "the guardian has given up")
    assert "could not be started" in str(guarded.death())
    guarded.stop()


def test_a_stopped_child_can_be_started_again_but_not_twice_at_once(tmp_path: Path) -> None:
    """The second start gives a new process."""
    child = python("sleeper", "import time; time.sleep(600)", tmp_path).start()
    first = child.pid
    with pytest.raises(PortcullisError, match="running already"):
        child.start()
    child.stop()
    child.start()
    assert child.running
    assert child.pid != first
    child.stop()


def test_when_the_guardian_itself_is_killed_its_program_goes_with_the_group(tmp_path: Path) -> None:
    code = "import os, pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(600)"
    child = python("orphan", code, tmp_path, str(tmp_path / "pids")).start()
    until(lambda: (tmp_path / "pids").exists() and (tmp_path / "pids").read_text() != "", "the program runs")
    program = int((tmp_path / "pids").read_text())
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    until(lambda: child.death() is not None, "the guardian is dead")
    assert alive(program)
    child.stop()
    until(lambda: not alive(program), "the program is gone")


class Told:
    """A part that remembers when it was stopped."""

    def __init__(self, name: str, order: list[str], failure: Exception | None = None) -> None:
        self.name, self.order, self.failure = name, order, failure

    def death(self) -> Died | None:
        return None

    def stop(self) -> None:
        self.order.append(self.name)
        if self.failure:
            raise self.failure


def test_parts_are_stopped_in_reverse_order_even_if_one_cannot_be() -> None:
    order: list[str] = []
    with pytest.raises(ExceptionGroup, match="could not be stopped"), Supervisor() as supervisor:  # noqa: PT012
        supervisor.keep(Told("node", order))
        supervisor.keep(Told("cloud", order, OSError("stuck")))
        supervisor.keep(Told("door", order))
    assert order == ["door", "cloud", "node"]


def test_the_supervisor_gives_back_the_signals_it_took() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)]
    with Supervisor():
        assert signal.getsignal(signal.SIGTERM) != before[1]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)] == before


def test_a_part_that_dies_interrupts_whatever_is_being_done(tmp_path: Path) -> None:
    sleeper = python("sleeper", "import time; time.sleep(600)", tmp_path)
    mortal = python("mortal", "import time; print('alas'); time.sleep(0.5); raise SystemExit(7)", tmp_path)
    with pytest.raises(Died, match=r"(?s)mortal ended with exit status 7.*alas"), Supervisor() as supervisor:  # noqa: PT012
        supervisor.start(sleeper)
        supervisor.start(mortal)
        time.sleep(WAIT_S)
        pytest.fail("nobody interrupted")
    assert not sleeper.running


def test_a_failure_that_is_the_echo_of_a_death_names_the_dead_part(tmp_path: Path) -> None:
    mortal = python("mortal", "raise SystemExit(7)", tmp_path)
    supervisor = Supervisor()
    supervisor.LOOKS_EVERY_S = WAIT_S  # type: ignore[misc]  # too slow to notice by itself
    with pytest.raises(Died, match="mortal ended") as caught, supervisor:  # noqa: PT012
        supervisor.start(mortal)
        until(lambda: mortal.death() is not None, "the part has died")
        raise ConnectionRefusedError("nobody there")
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


def test_a_part_stopped_on_purpose_is_no_death(tmp_path: Path) -> None:
    sleeper = python("sleeper", "import time; time.sleep(600)", tmp_path)
    with Supervisor() as supervisor:
        supervisor.start(sleeper)
        sleeper.stop()
        time.sleep(3 * Supervisor.LOOKS_EVERY_S)
        supervisor.check()


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A process that supervises two families, and every process of those."""
    (tmp_path / "family.py").write_text(FAMILY)
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISE, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    pids: list[int] = []
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        pids = [pid for name in ("first", "second") for pid in family_of(tmp_path / name)]
        pids += [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
        yield process, pids
    finally:
        for pid in [process.pid, *pids]:
            if alive(pid):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        process.stdout and process.stdout.close()


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, {-signal.SIGINT, 130}), (signal.SIGTERM, {128 + signal.SIGTERM})]
)
def test_ctrl_c_and_sigterm_leave_no_process_behind(
    supervised: tuple[subprocess.Popen[str], list[int]], number: signal.Signals, status: set[int]
) -> None:
    process, pids = supervised
    process.send_signal(number)
    out, _ = process.communicate(timeout=WAIT_S)
    assert out.splitlines() == ["stopping second", "stopping first"]
    assert process.returncode in status
    assert [pid for pid in pids if alive(pid)] == []


def test_a_second_ctrl_c_does_not_cut_the_stopping_short(supervised: tuple[subprocess.Popen[str], list[int]]) -> None:
    process, pids = supervised
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert process.stdout.readline() == "stopping second\n"
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=WAIT_S)
    assert [pid for pid in pids if alive(pid)] == []


def test_killing_the_supervisor_outright_leaves_no_process_behind(
    supervised: tuple[subprocess.Popen[str], list[int]],
) -> None:
    process, pids = supervised
    process.kill()
    process.wait()
    until(lambda: not any(alive(pid) for pid in pids), "the life lines have ended every family")


def test_a_free_port_can_be_listened_on() -> None:
    port = check_port(free_port())
    with socket.create_server(("127.0.0.1", port)):
        pass
    assert check_port(port) == port  # what lingers closed is free


def test_a_port_in_use_is_one_clear_error_naming_port_holder_and_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(BadInput, match=f"port {port} is in use.*process {os.getpid()}.*give another port"):
            check_port(port, "OPENSEARCH_PORT")


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_what_is_no_port_is_said_so(port: int) -> None:
    with pytest.raises(BadInput, match=r"is no port.*from 1 to 65535"):
        check_port(port)
