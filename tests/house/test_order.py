"""Workers agree on what there is to test: what varies is not taken from a set, whose order is another one in each process."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parent.parent
_MAYBE = re.compile(
    r"parametrize\([^\[\n]*[{]|parametrize\([^\n]*set\(|parametrize\(\n"
)  # to read all as code takes long


def _is_a_set(value: ast.expr) -> bool:
    if isinstance(value, ast.BinOp):
        return _is_a_set(value.left) or _is_a_set(value.right)
    called = isinstance(value, ast.Call) and ast.unparse(value.func) in ("set", "frozenset")
    return called or isinstance(value, ast.Set | ast.SetComp)


def _from_a_set(text: str) -> list[str]:
    calls = (one for one in ast.walk(ast.parse(text)) if isinstance(one, ast.Call))
    return [
        ast.unparse(one)
        for one in calls
        if ast.unparse(one.func).endswith("parametrize") and len(one.args) > 1 and _is_a_set(one.args[1])
    ]


def test_given_a_set_it_is_found() -> None:
    found = _from_a_set('@pytest.mark.parametrize("a", {*A} - {*B})\n@parametrize("b", sorted({1}))\ndef f(): ...')
    assert found == ["pytest.mark.parametrize('a', {*A} - {*B})"]


def test_no_parameters_come_from_a_set() -> None:
    texts = ((file, file.read_text(encoding="utf-8")) for file in TESTS.rglob("test_*.py"))
    assert not [(str(file), found) for file, text in texts if _MAYBE.search(text) and (found := _from_a_set(text))]
