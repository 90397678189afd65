"""The tables of promises and of threats name what shows each: every test, page and command in them is there, and no row goes without."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from portcullis.cli.main import portcullis

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| ")]
PROMISES = [row for row in ROWS if row[0] != "promise"]
THREATS_PAGE = (ROOT / "docs" / "threats.md").read_text(encoding="utf-8")
THREATS = [
    row
    for row in (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in THREATS_PAGE.splitlines()
        if line.startswith("| ")
    )
    if len(row) == 4 and row[0] != "threat"
]
QUOTED = sorted(set(re.findall(r"`([^`]+)`", PAGE + THREATS_PAGE)))
TESTS = [quoted for quoted in QUOTED if quoted.startswith("test_")]
PATHS = [quoted for quoted in QUOTED if quoted.startswith("tests/")]
COMMANDS = [quoted for quoted in QUOTED if quoted.startswith("portcullis ")]
WRITTEN = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))


def test_every_row_of_promises_is_complete_and_names_what_shows_it() -> None:
    """Each row has four cells with text. The last one names a test, a file of tests or a make target."""
    assert len(PROMISES) > 25
    for row in PROMISES:
        assert len(row) == 4
        assert all(row)
        assert re.search(r"`(test_|tests/|make )", row[3]), row[0]


def test_every_threat_has_an_answer_a_test_and_what_is_left() -> None:
    assert len(THREATS) > 25
    for row in THREATS:
        assert all(row)
        assert "`test_" in row[2], row[0]


@pytest.mark.parametrize("path", PATHS)
def test_every_file_of_tests_is_there(path: str) -> None:
    assert (ROOT / path).is_file()


@pytest.mark.parametrize("name", TESTS)
def test_every_test_is_written(name: str) -> None:
    assert re.search(rf"^ *def {name}\(", WRITTEN, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_one(command: str) -> None:
    found: click.Command | None = portcullis
    for word in shlex.split(command)[1:]:
        assert isinstance(found, click.Group)
        found = found.get_command(click.Context(found), word)
        assert found is not None


def test_every_stage_and_every_make_is_there() -> None:
    stages = (ROOT / "local" / "story" / "stages.py").read_text(encoding="utf-8")
    for stage in re.findall(r"stage `([a-z]+)`", PAGE):
        assert f"def {stage}(" in stages
    for made in re.findall(r"`make ([a-z-]+)`", PAGE):
        assert made == "demo" or (ROOT / "benchmarks" / f"{made.removeprefix('bench-')}.py").is_file()
