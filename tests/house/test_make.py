"""Given a Python that will not do, a new clone, or a lock that changed while `make up` runs, then make says so and takes nothing away."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project whose virtual environment is older than what it is made from."""
    shutil.copy(PROJECT / "Makefile", tmp_path)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / ".venv" / ".ready").touch()
    os.utime(tmp_path / ".venv" / ".ready", (1, 1))
    for name in ("requirements.txt", "pyproject.toml"):
        (tmp_path / name).touch()
    return tmp_path


def make(folder: Path, *asked: str, python: str | Path = sys.executable) -> subprocess.CompletedProcess[str]:
    told = ["make", "--no-print-directory", f"PYTHON={python}", *asked]
    around = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(told, cwd=folder, capture_output=True, text=True, env=around, check=False)


def test_make_down_sets_nothing_up(folder: Path) -> None:
    assert "-m venv" in make(folder, "--dry-run", "up").stdout
    done = make(folder, "--dry-run", "down")
    assert done.returncode == 0
    assert "-m venv" not in done.stdout
    assert "local.up --down" in done.stdout


def test_make_down_of_a_new_clone_says_that_nothing_runs(folder: Path) -> None:
    shutil.rmtree(folder / ".venv")
    done = make(folder, "down")
    assert (done.returncode, done.stdout) == (0, "portcullis: nothing is set up here, so nothing runs\n")


def test_packages_are_not_set_up_anew_under_what_runs(folder: Path) -> None:
    (folder / ".portcullis").mkdir()
    with (folder / ".portcullis" / "running.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as local.embedded.only_one holds it
        done = make(folder, "setup")
    assert done.returncode != 0
    assert "make down first" in done.stderr
    assert (folder / ".venv" / "bin" / "python").exists()


@pytest.mark.parametrize("version", ["3.10.13", "3.15.2", "4.0.0"])
def test_a_python_without_packages_is_refused_before_anything_is_fetched(folder: Path, version: str) -> None:
    other = folder / "python"
    says = f"import sys; sys.version_info = ({version.replace('.', ', ')})"
    other.write_text(
        f"""#!/bin/sh
[ "$1" = --version ] && echo Python {version} && exit
exec {sys.executable} -c "{says}
$2"
"""
    )
    other.chmod(0o755)
    done = make(folder, "setup", python=other)
    assert done.returncode == 2
    assert f"portcullis: Python {version} will not do: Python 3.11 to 3.14 is needed" in done.stderr
    assert "setting up" not in done.stdout
