"""Given a disk that is full, or a file that is no plain one, then what a command writes is there whole, or what was there is as it was."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from portcullis.cli.files import write_back, write_new, write_over
from portcullis.errors import BadInput, Refused

LONG = "x" * 10_000
# A process that may write no file of more than 4,096 bytes: what a full disk is to whoever writes. Python is told by EFBIG.
FULL = """
import resource, sys
from pathlib import Path
from portcullis.cli import files
from portcullis.errors import PortcullisError
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
path, long = Path("demo.yaml"), "x" * 10_000
try:
    {call}
except PortcullisError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("call", "left"),
    [
        ("files.write_new(path, long)", None),
        ("files.write_over(path, long)", "before\n"),
        ("files.write_back(path, 'before\\n', long)", "before\n"),
    ],
)
def test_on_a_full_disk_nothing_is_lost_and_nothing_is_left(call: str, left: str | None, tmp_path: Path) -> None:
    if left is not None:
        (tmp_path / "demo.yaml").write_text(left)
    told = subprocess.run(
        [sys.executable, "-c", FULL.format(call=call)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "demo.yaml" in told.stdout
    assert "cannot be written: File too large" in told.stdout
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == ({"demo.yaml": left} if left else {})


def test_a_file_that_is_there_is_not_overwritten_by_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "demo.yaml").write_text("before")
    with pytest.raises(BadInput, match="is there already"):
        write_new(tmp_path / "demo.yaml", "after")
    assert (tmp_path / "demo.yaml").read_text() == "before"


@pytest.mark.parametrize(("private", "mode"), [(False, 0o640), (True, 0o600)])
def test_behind_a_link_the_file_is_written_and_keeps_its_mode(private: bool, mode: int, tmp_path: Path) -> None:
    file, link = tmp_path / "demo.yaml", tmp_path / "link.yaml"
    file.write_text("before")
    file.chmod(0o640)
    link.symlink_to(file)
    write_over(link, LONG, private=private)
    assert link.is_symlink()
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == (LONG, mode)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo.yaml", "link.yaml"]


@pytest.mark.parametrize("private", [True, False], ids=["a private one", "in place of a private one"])
def test_a_private_file_is_open_to_nobody_at_any_moment(
    private: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever opens a file while it is empty reads what comes into it later, whatever its mode is by then."""
    if not private:
        (tmp_path / "demo.yaml").write_text("before")
        (tmp_path / "demo.yaml").chmod(0o600)
    monkeypatch.setattr(Path, "chmod", lambda *_: None)  # what it is made with is what it has
    before = os.umask(0)
    try:
        write_over(tmp_path / "demo.yaml", LONG, private=private)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "demo.yaml").stat().st_mode) == 0o600


def test_a_pipe_or_a_device_stays_one(tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", list[str]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_over(pipe, LONG, private=True)
    reader.join(30)
    assert read == [LONG]
    assert pipe.is_fifo()


def test_a_changed_text_keeps_line_ends_and_is_not_put_over_what_came_meanwhile(tmp_path: Path) -> None:
    file = tmp_path / "demo.yaml"
    file.write_bytes(b"a: 1\r\nb: 2\r\n")
    write_back(file, "a: 1\nb: 2\n", "a: 1\nb: 3\n")
    assert file.read_bytes() == b"a: 1\r\nb: 3\r\n"
    with pytest.raises(Refused, match="changed meanwhile"):
        write_back(file, "a: 1\nb: 2\n", "a: 1\nb: 4\n")
    assert file.read_bytes() == b"a: 1\r\nb: 3\r\n"
