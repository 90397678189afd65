"""Each contract of .importlinter catches what it forbids: shown on a copy of the library with an import planted in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "layers" / "portcullis" / "portcullis"

# contract's name: (module below the library, the line that breaks it)
PLANTED = {
    "Each room knows only those below it": ("access/plan.py", "from portcullis.operations.services import Services"),
    "it knows neither the wiring": ("cli/main.py", "from portcullis.adapters.ledger import dynamo"),
    "Only the wiring knows adapters": ("entry/verbs/gate.py", "from portcullis.adapters.alerts import sns"),
    "speak to a family through its protocol": (
        "operations/status.py",
        "from portcullis.families.opensearch.documents.patch import patches",
    ),
    "One family knows no other": (
        "families/elasticsearch/deciding/decide.py",
        "from portcullis.families.opensearch.names.matching import matches",
    ),
    "One adapter knows no other": ("adapters/alerts/sns.py", "from portcullis.adapters.ledger import dynamo"),
    "reach no AWS": ("operations/status.py", "import boto3"),
    "imports in a circle": ("operations/writing/sending.py", "from portcullis.operations.access import applying"),
}


def lint(library: Path) -> subprocess.CompletedProcess[str]:
    """The contracts of this checkout, held against the copy at `library`."""
    program = "import sys; from importlinter.cli import lint_imports_command as c; sys.argv = ['lint-imports', '--no-cache']; c()"
    environment = {**os.environ, "PYTHONPATH": str(library.parent), "COLUMNS": "400", "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("library") / "portcullis"
    shutil.copytree(LIBRARY, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_the_library_as_it_is_keeps_every_contract(copy: Path) -> None:
    held = lint(copy)
    assert held.returncode == 0, held.stdout
    assert "0 broken" in held.stdout


@pytest.mark.parametrize("contract", PLANTED)
def test_a_planted_import_is_caught_by_its_contract(contract: str, copy: Path) -> None:
    module, line = PLANTED[contract]
    path = copy / module
    before = path.read_text(encoding="utf-8")
    try:
        path.write_text(f"{before}\n\ndef _planted() -> None:\n    {line}\n", encoding="utf-8")
        held = lint(copy)
    finally:
        path.write_text(before, encoding="utf-8")
    assert held.returncode != 0
    assert any(contract in name and name.endswith("BROKEN") for name in held.stdout.splitlines()), held.stdout


def test_a_new_room_has_to_be_given_its_place(copy: Path) -> None:
    (copy / "attic").mkdir()
    try:
        (copy / "attic" / "__init__.py").write_text("", encoding="utf-8")
        held = lint(copy)
    finally:
        shutil.rmtree(copy / "attic")
    assert held.returncode != 0
    assert "attic" in held.stdout


def test_every_folder_with_modules_is_a_package_that_the_contracts_see() -> None:
    folders = {file.parent for file in LIBRARY.rglob("*.py")}
    assert not [folder for folder in folders if not (folder / "__init__.py").exists()]


def test_every_alert_is_one_of_a_table() -> None:
    tables = {"operations/alert_table.py", "operations/custody/guard.py"}  # the second tells what custody's table says
    made = {
        file.relative_to(LIBRARY).as_posix()
        for file in LIBRARY.rglob("*.py")
        if re.search(r"\bAlert\(", file.read_text())
    }
    assert made <= tables | {"ports/alerts.py"}
