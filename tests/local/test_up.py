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
import contextlib, time
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
up.engine_from_environment = lambda: SimpleNamespace(running=running, parts=None, of_two=False)
try:
    raise SystemExit(up.serve())
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


def test_told_to_end_while_it_starts_it_ends_what_it_started() -> None:
    process = subprocess.Popen([sys.executable, "-c", SLOW], cwd=embedded.PROJECT, stdout=subprocess.PIPE, text=True)
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
