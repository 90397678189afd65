"""An assembly is made once of the same files, and anew of others."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from local import assemblies

FILES = (*(f"{name}/one.py" for name in assemblies.INPUTS if "." not in name), "app.py", "cdk.json", "requirements.txt")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project, and beside it a folder of deployment files."""
    for name in (*(f"root/{one}" for one in FILES), "root/layers/build.py", "files/demo.yaml", "files/account.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path / "root"


def name_of(root: Path, further: str = "") -> str:
    return assemblies.digest(root, root.parent / "files", further)


def test_given_the_same_files_elsewhere_the_name_is_the_same(root: Path, tmp_path: Path) -> None:
    before = name_of(root)
    shutil.copytree(root.parent / "files", tmp_path / "copied")
    (root / "stacks" / "__pycache__").mkdir()
    (root / "stacks" / "__pycache__" / "one.pyc").write_text("compiled")
    (root / "tests").mkdir()
    (root / "tests" / "test_one.py").write_text("")
    assert assemblies.digest(root, tmp_path / "copied", "") == before


@pytest.mark.parametrize(
    "changed",
    [*FILES, "layers/build.py", "../files/demo.yaml", "../files/account.yaml", "stacks/new.py", "../files/n.yaml"],
)
def test_given_a_file_that_is_new_or_another_the_name_is_another(root: Path, changed: str) -> None:
    before = name_of(root)
    (root / changed).write_text("changed")
    assert name_of(root) != before


def test_given_another_account_the_name_is_another(root: Path) -> None:
    assert name_of(root, "111122223333") != name_of(root, "444455556666")


def test_given_two_starts_of_the_same_it_is_made_once(tmp_path: Path) -> None:
    made = []

    def make(out: Path) -> None:
        made.append(out)
        out.mkdir()
        (out / "manifest.json").write_text("{}")

    first, again = assemblies.kept(tmp_path / "cache", "one", make), assemblies.kept(tmp_path / "cache", "one", make)
    assert (first[1], again[1], len(made)) == (False, True, 1)
    assert first[0] == again[0]
    assert (again[0] / "manifest.json").read_text() == "{}"


def test_given_a_synthesis_that_fails_nothing_is_kept(tmp_path: Path) -> None:
    def fail(out: Path) -> None:
        out.mkdir()
        raise ValueError("a wrong file")

    with pytest.raises(ValueError, match="a wrong file"):
        assemblies.kept(tmp_path / "cache", "one", fail)
    assert list((tmp_path / "cache").iterdir()) == []


def test_given_many_the_one_that_was_used_long_ago_goes(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    for number in range(assemblies._KEPT):
        folder, _ = assemblies.kept(cache, f"{number}", Path.mkdir)
        os.utime(folder, (number, number))
    assemblies.kept(cache, "0", Path.mkdir)  # used again
    assemblies.kept(cache, "new", Path.mkdir)
    assert {one.name for one in cache.iterdir()} == {"0", *map(str, range(2, assemblies._KEPT)), "new"}
