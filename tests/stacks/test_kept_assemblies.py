"""What a start takes from an earlier one instead of synthesising was made of the same files: none is read that is not compared."""

from __future__ import annotations

import sys
from pathlib import Path

from app import ROOT
from local import assemblies
from tests.stacks.assembly import Synthesised

_OWN = (".venv", ".portcullis", "layers/.build")  # packages are named by the lock, the layer by the library's files


def test_every_file_that_is_read_is_one_of_those_that_are_compared(demo: Synthesised, read_for_demo: set[Path]) -> None:
    assert demo.templates
    modules = {
        Path(found)
        for name, one in sys.modules.items()
        if name.partition(".")[0] in ("app", "stacks", "layers", "portcullis")
        and (found := getattr(one, "__file__", None))
    }
    ours = {
        path.relative_to(ROOT)
        for path in read_for_demo | modules
        if path.is_relative_to(ROOT)
        and "__pycache__" not in path.parts
        and not any(path.is_relative_to(ROOT / own) for own in _OWN)
    }
    compared = [Path(name) for name in (*assemblies.INPUTS, "deployments")]
    assert Path("cdk.json") in ours
    assert Path("deployments/demo.yaml") in ours
    assert sorted(str(one) for one in ours if not any(one.is_relative_to(name) for name in compared)) == []
