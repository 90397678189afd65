"""Given a file that is changed, then CloudFormation lets the change through: no stack drops an export that another still imports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stacks.assembly import HOME, Synthesised, synthesised

POOLED = """
deployment: watched
engine: OpenSearch_3.3
domain: {configuration: cognito}
identity: {cognito: {groups: {support: {}, analysts: {role: true}}}}
"""
READER = """
deployment: later
engine: OpenSearch_3.3
domain: {configuration: api}
snapshots: {reads: watched}
"""
CHANGES = {
    "a group with a role goes": {"watched": POOLED.replace(", analysts: {role: true}", "")},
    "a group loses its role": {"watched": POOLED.replace("{role: true}", "{}")},
    "nobody's snapshots are read any more": {"later": READER.replace("snapshots: {reads: watched}", "")},
    "the sweep is quicker": {"watched": POOLED + "custody: {sweep_minutes: 2}\n"},
}


def assembly(folder: Path, **changed: str) -> Synthesised:
    files = folder / "deployments"
    files.mkdir(parents=True)
    for name, text in ({"watched": POOLED, "later": READER} | changed).items():
        (files / f"{name}.yaml").write_text(text)
    return synthesised(folder / "out", HOME, deployments=str(files))


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    return assembly(tmp_path_factory.mktemp("before"))


@pytest.mark.parametrize("change", CHANGES)
def test_no_stack_drops_what_another_still_imports(change: str, before: Synthesised, tmp_path: Path) -> None:
    after = assembly(tmp_path, **CHANGES[change])
    imported = {name for template in before.templates.values() for name in imports(template)}
    dropped = exports(before) - exports(after)
    assert imported <= exports(before)
    assert imported & dropped == set()


def exports(made: Synthesised) -> set[str]:
    return {
        output["Export"]["Name"]
        for template in made.templates.values()
        for output in template.get("Outputs", {}).values()
        if "Export" in output
    }


def imports(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if set(value) == {"Fn::ImportValue"}:
            yield value["Fn::ImportValue"]
        for inner in value.values():
            yield from imports(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from imports(inner)
