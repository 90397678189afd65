"""Given what is synthesised, then cfn-lint finds nothing that is not explained here, and the same input gives the same templates."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from layers import build
from tests.stacks.assembly import HOME, Synthesised, synthesised

# W3005: CDK itself writes the dependency of a function on its role's policy next to the reference that implies half of it.
EXPLAINED = {"W3005"}


def test_cfn_lint_has_nothing_to_say(demo: Synthesised, pair: Synthesised) -> None:
    templates = [str(path) for one in (demo, pair) for path in sorted(one.folder.glob("*.template.json"))]
    linter = Path(sys.executable).parent / "cfn-lint"
    done = subprocess.run([str(linter), "--format", "json", *templates], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 2, 4, 6), done.stderr
    found = [(item["Rule"]["Id"], item["Message"], item["Filename"]) for item in json.loads(done.stdout or "[]")]
    assert not [item for item in found if item[0] not in EXPLAINED]


def test_the_same_files_give_the_same_templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = build.built("arm64")  # one of them for both, whoever edits the library meanwhile
    monkeypatch.setattr("stacks.automation.built", lambda _platform: layer)
    first, again = synthesised(tmp_path / "first", HOME), synthesised(tmp_path / "again", HOME)
    assert set(again.templates) == set(first.templates)
    for name, template in again.templates.items():
        assert template == first.templates[name], name
