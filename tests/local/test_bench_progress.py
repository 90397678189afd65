"""A long run that is ended goes on from where it was; another one begins anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.deciding.progress import Progress, code_of

RUN = {"n": 1_000_000, "of": "the code as it is"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    progress = Progress(tmp_path / "bench" / "a.json", RUN)
    part = progress.part("2.19.3")
    with progress.further():
        part.done, part.differ, part.rows = 400, 1, ["a row"]
    return tmp_path / "bench" / "a.json"


def test_a_run_goes_on_from_where_it_was(path: Path) -> None:
    part = Progress(path, RUN).part("2.19.3")
    assert (part.done, part.differ, part.rows) == (400, 1, ["a row"])


@pytest.mark.parametrize("changed", [{"n": 10}, {"of": "other code"}], ids=["another run", "of other code"])
def test_another_run_begins_anew(path: Path, changed: dict[str, object]) -> None:
    assert Progress(path, {**RUN, **changed}).part("2.19.3").done == 0


def test_a_run_that_has_ended_leaves_nothing_to_go_on_from(path: Path) -> None:
    Progress(path, RUN).end()
    assert Progress(path, RUN).part("2.19.3").done == 0


def test_a_file_that_was_cut_off_is_no_run(path: Path) -> None:
    path.write_text(path.read_text("utf-8")[:40], "utf-8")
    assert Progress(path, RUN).part("2.19.3").done == 0


def test_code_is_known_again_until_it_changes(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("a = 1\n", "utf-8")
    before = code_of(tmp_path)
    assert code_of(tmp_path) == before
    (tmp_path / "a.py").write_text("a = 2\n", "utf-8")
    assert code_of(tmp_path) != before
