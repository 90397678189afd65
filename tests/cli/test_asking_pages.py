"""What the pages about questions show of a file alone is what the command prints."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from portcullis.cli import main as cli

from tests.remotes.test_explaining import LOGS, ORDERS

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").glob("ask-*.md"))
SHOWN = [
    (page.name, line, prints)
    for page in PAGES
    for line, prints in re.findall(r"```console\n\$ portcullis ([^\n]*)\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    if "--offline" in line or "main.yaml" in line
]
FILE = (ROOT / "deployments" / "demo.yaml").read_text("utf-8")
# What the pages compare with: the demo's file as it was, before support saw Catalyst by its IAM group, and with a field more hidden.
MAIN = FILE.replace("    - {level: support, to: {iam_group: catalyst-support}}\n", "").replace(
    'fls: ["~customer"]', 'fls: ["~customer", "~address"]'
)


def test_each_page_shows_a_command_that_needs_no_account() -> None:
    assert {page for page, *_ in SHOWN} == {page.name for page in PAGES}
    assert len(PAGES) == 6


@pytest.mark.parametrize(("page", "line", "prints"), SHOWN, ids=[f"{page}: {line}" for page, line, _ in SHOWN])
def test_a_page_shows_what_is_printed(
    page: str,
    line: str,
    prints: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    (tmp_path / "deployments").mkdir()
    files = {"orders": ORDERS, "logs": LOGS} if "-d orders" in line else {"demo": FILE}
    for name, text in files.items():
        (tmp_path / "deployments" / f"{name}.yaml").write_text(text, "utf-8")
    (tmp_path / "main.yaml").write_text(MAIN, "utf-8")
    monkeypatch.chdir(tmp_path)
    cli.main(shlex.split(line))
    assert capsys.readouterr().out == prints


def test_no_page_is_left_half_written() -> None:
    assert not [page.name for page in PAGES if "LIVE_" in page.read_text("utf-8")]
