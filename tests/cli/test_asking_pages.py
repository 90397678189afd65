"""What the pages about questions show of a file alone is what the command prints."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from portcullis.cli import main as cli

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").glob("ask-*.md"))
SHOWN = [
    (page.name, line, prints)
    for page in PAGES
    for line, prints in re.findall(r"```console\n\$ portcullis ([^\n]*)\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    if "--offline" in line
]


def test_each_page_shows_a_command_that_needs_no_account() -> None:
    assert {page for page, *_ in SHOWN} == {page.name for page in PAGES}
    assert len(PAGES) == 4


@pytest.mark.parametrize(("page", "line", "prints"), SHOWN, ids=[f"{page}: {line}" for page, line, _ in SHOWN])
def test_a_page_shows_what_is_printed(
    page: str, line: str, prints: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    cli.main(shlex.split(line))
    assert capsys.readouterr().out == prints


def test_no_page_is_left_half_written() -> None:
    assert not [page.name for page in PAGES if "LIVE_" in page.read_text("utf-8")]
