"""Given `make up`, when somebody ends it while it starts, then what was started ends with it, and nothing is left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from portcullis.errors import Refused

from local import embedded, try_it, up
from local.people import until

# The process that stays, with an engine that takes its time: it says what becomes of it.
SLOW = """
import contextlib, sys, tempfile, time
from pathlib import Path
from types import SimpleNamespace
from local import embedded, try_it, up

@contextlib.contextmanager
def running(parts, tell):
    try:
        print("starting", flush=True)
        time.sleep(60)
        yield
    finally:
        print("ended", flush=True)

embedded.only_one = contextlib.nullcontext
up.STATE, up.ENVIRONMENT = Path("there-is-no-such-file"), Path("nor-this")
up.LOG = Path(tempfile.mkstemp(dir=sys.argv[1])[1])
up.engine_from_environment = lambda: SimpleNamespace(running=running, parts=None, of_two=False)
try:
    raise SystemExit(up.serve(up.LOG))
except KeyboardInterrupt:
    raise SystemExit(130)
"""


# A module run as a command, to which somebody presses Ctrl-C while it imports one of the last packages that it needs.
INTERRUPTED = """
import builtins, os, runpy, signal, sys

real = builtins.__import__

def hooked(name, *rest, **more):
    if name == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGINT)
    return real(name, *rest, **more)

builtins.__import__ = hooked
runpy.run_module(sys.argv[1], run_name="__main__")
"""


@pytest.mark.parametrize("module", ["local.up", "local.story.__main__", "local.rehearsal.__main__", "local.try_it"])
def test_interrupted_while_it_imports_it_ends_without_a_traceback(module: str) -> None:
    last = "botocore.exceptions" if module == "local.try_it" else "portcullis.errors"
    asked = [sys.executable, "-c", INTERRUPTED, module, last]
    ended = subprocess.run(asked, cwd=embedded.PROJECT, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, "", "")


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a folder of this test, as what may run in this one is left alone."""
    monkeypatch.setattr(embedded, "LOCK", tmp_path / "running.lock")
    monkeypatch.setattr(up, "STATE", tmp_path / "up.json")
    return embedded.LOCK


def test_told_to_end_while_it_starts_it_ends_what_it_started(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, tmp_path], cwd=embedded.PROJECT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "starting\n"
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=50)[0] == "ended\n"
        assert process.returncode == 130
    finally:
        process.kill()
        process.wait()


def test_what_still_starts_is_known_and_can_be_ended(lock: Path) -> None:
    waits = [sys.executable, "-c", "import time; time.sleep(60)", "local.up", "--serve"]
    process = subprocess.Popen(waits, cwd=embedded.PROJECT)
    try:
        # Popen comes back a moment before the kernel shows with which arguments the process runs.
        until(lambda: "local.up" in psutil.Process(process.pid).cmdline(), what="it shows its arguments")
        lock.write_text(str(process.pid))
        with pytest.raises(Refused, match=rf"still starting \(process {process.pid}\)"):
            up.up()
        assert up.down() == 0
        assert not psutil.pid_exists(process.pid)
        assert up.down() == 0
    finally:
        process.kill()
        process.wait()


# `make up` in a folder of its own, and the process that stays: its engine breaks off once there is the file that it waits for.
BREAKS_OFF = """
import contextlib, functools, sys, time
from pathlib import Path
from types import SimpleNamespace
from portcullis.errors import Refused
from local import embedded, up

home = Path(sys.argv[1])
embedded.HOME, embedded.LOCK = home, home / "running.lock"
embedded.only_one = functools.partial(embedded.only_one, home)
up.STATE, up.LOG, up.ENVIRONMENT = home / "up.json", home / "up.log", home / "up.env"
up.SERVE = (sys.executable, "-c", Path(sys.argv[2]).read_text(), *sys.argv[1:3])

@contextlib.contextmanager
def running(parts, tell):
    tell("starting")
    while not (home / "enough").exists():
        time.sleep(0.05)
    raise Refused("the engine broke off")
    yield

up.engine_from_environment = lambda: SimpleNamespace(running=running, parts=None, of_two=False)
raise SystemExit(up.serve(Path(sys.argv[3])) if sys.argv[3:] else up.up())
"""


def test_of_two_begun_at_once_each_shows_what_became_of_itself(tmp_path: Path) -> None:
    """Neither knows of the other until one of them is refused; the log that is left is that of the other one."""
    program, home = tmp_path / "breaks_off.py", tmp_path / "home"
    program.write_text(BREAKS_OFF)
    asked = [sys.executable, "-c", BREAKS_OFF, home, program]
    both = [
        subprocess.Popen(asked, cwd=embedded.PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    try:
        until(lambda: any(one.poll() is not None for one in both), what="one of them is refused")
        refused = next(one for one in both if one.poll() is not None)
        [other] = [one for one in both if one is not refused]
        until(lambda: "starting" in (home / "up.log").read_text(), what="the other one starts")
        (home / "enough").touch()
        said, told = (one.communicate(timeout=50)[0] for one in (refused, other))
        assert "runs already (process " in said
        assert told == "  starting\n  portcullis: the engine broke off\n"
        assert "starting" not in said
        assert (home / "up.log").read_text() == "starting\nportcullis: the engine broke off\n"
        assert sorted(one.name for one in home.glob("up.*")) == ["up.log"]
    finally:
        home.mkdir(exist_ok=True)
        (home / "enough").touch()
        for one in both:
            one.kill()
            one.wait()


@pytest.mark.parametrize("content", ["", "no number", "999999999"])
def test_a_lock_of_nobody_is_not_taken_for_a_running_one(
    lock: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lock.write_text(content)
    assert up.down() == 0
    assert capsys.readouterr().out == "it is not up\n"


def test_another_process_with_the_number_is_left_alone(lock: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock.write_text(str(os.getpid()))
    assert up.down() == 0
    assert capsys.readouterr().out == "it is not up\n"
    assert psutil.pid_exists(os.getpid())


@pytest.mark.parametrize("speaks_to", ["", "http://127.0.0.1:1"])
def test_something_to_try_changes_nothing_elsewhere(
    speaks_to: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A shell with keys of its own, or of an earlier `make up`: neither account is asked for anything."""
    monkeypatch.setattr(try_it, "STATE", tmp_path / "up.json")
    (tmp_path / "up.json").write_text('{"aws": "http://127.0.0.1:2", "key": "some-key"}')
    monkeypatch.setenv("AWS_ENDPOINT_URL", speaks_to)
    monkeypatch.setattr(sys, "argv", ["try_it", "disable-key"])
    assert try_it.main() == 1
    assert capsys.readouterr().err == (
        "portcullis: this shell does not speak to what is up; first: . .portcullis/up.env\n"
    )
