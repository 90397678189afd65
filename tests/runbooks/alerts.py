"""Every alert that the library can tell, read from its source: name, page, and the commands it gives to whoever is woken by it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import portcullis
from portcullis.custody import telling
from portcullis.custody.types import Custody, Hold

LIBRARY = Path(portcullis.__file__).parent
# A command in the text of an alert: in backticks, or up to where the sentence goes on.
_QUOTED = re.compile(r"`(portcullis [^`]+)`")
_PLAIN = re.compile(r"(portcullis [a-z-]+(?: (?:--[a-z-]+|[a-z0-9][\w-]*|[A-Z][A-Z-]+))*)")

# Alerts whose name is put together where they are told: file -> the names.
_CHORES = ("rotation", "snapshots", "choice-of-roles", "passwords")
PUT_TOGETHER = {"operations/sweep.py": tuple(f"{what}-not-seen-to" for what in _CHORES)}


@dataclass(frozen=True)
class Told:
    """One alert, with names filled in."""

    name: str
    page: str
    next: str
    where: str

    @property
    def commands(self) -> list[str]:
        return _QUOTED.findall(self.next) if "`" in self.next else _PLAIN.findall(self.next)


def of_custody() -> Iterator[Told]:
    now = datetime(2025, 6, 1, tzinfo=UTC)
    facts = telling._facts(Custody("demo", revoked_since=now, hold=Hold("ann", "a leak", now)))
    for name, (_severity, _happened, _done, then, page) in telling._WORDS.items():
        yield Told(name.value, page, then.format(**facts), "custody/telling.py")


def of_operations() -> Iterator[Told]:
    """`Alert(name=..., next=..., runbook=...)` wherever it stands, but where custody's words are passed on."""
    for file in sorted(LIBRARY.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        constants = dict(_constants(tree))
        where = str(file.relative_to(LIBRARY))
        for call in ast.walk(tree):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Alert"):
                continue
            given = {word.arg: word.value for word in call.keywords if word.arg}
            if isinstance(given["name"], ast.Attribute):  # told.name.value: custody's
                continue
            page = _text(given["runbook"], constants) if "runbook" in given else ""
            then = _text(given["next"], constants)
            for name in _names(given["name"], constants, where):
                yield Told(name, page, then, where)


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Names of a module that are texts: `A = "a"` and `A, B = "a", "b"`."""
    for node in tree.body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                names = target.elts if isinstance(target, ast.Tuple) else [target]
                values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
                for name, value in zip(names, values, strict=False):
                    if isinstance(name, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str):
                        yield name.id, value.value


def _names(node: ast.expr, constants: dict[str, str], where: str) -> tuple[str, ...]:
    """The name of an alert; of one that is put together, all it can be, which `PUT_TOGETHER` has to say."""
    if isinstance(node, ast.Name) and node.id not in constants:
        return PUT_TOGETHER[where]
    return (_text(node, constants),)


def _text(node: ast.expr, constants: dict[str, str]) -> str:
    """A text as it would read, every name of a deployment being `demo`."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            return constants.get(name, "demo")
        case ast.JoinedStr(values=values):
            return "".join(_text(part, constants) for part in values)
        case ast.BinOp(left=left, right=right):
            return _text(left, constants) + _text(right, constants)
        case _:
            return "demo"


ALL = [*of_custody(), *of_operations()]
