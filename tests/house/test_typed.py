"""Values are read as typed ones by one way alone, which lets no two threads learn the same type at once."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import portcullis
import pytest

LIBRARY = Path(portcullis.__file__).parent
ROOT = Path(__file__).parents[2]
# Sixteen threads read the first values of a process, as those of a sweep do. Before there was one way, two of three such processes ended.
_FIRST_READINGS = """
import os, sys, threading
import msgspec
from portcullis.ports.registration import Registration
from portcullis.typed import of_json
from tests.operations.worlds import registration

TEXTS = [msgspec.json.encode(registration(name)) for name in ("one", "another")]

def read(all_there: threading.Barrier) -> None:
    all_there.wait()
    for text in TEXTS:
        of_json(text, Registration)

def process(number: int) -> None:
    sys.setswitchinterval((1e-6, 1e-4, 1e-3)[number % 3])
    all_there = threading.Barrier(16)
    threads = [threading.Thread(target=read, args=(all_there,)) for _ in range(16)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    os._exit(0)

ended = []
for number in range(30):
    if not (child := os.fork()):
        process(number)
    ended.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(ended.count(0))
"""


def test_sixteen_threads_may_read_the_first_values_of_a_process() -> None:
    done = subprocess.run([sys.executable, "-c", _FIRST_READINGS], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "30\n"


def _read_by_msgspec(tree: ast.Module) -> Iterator[str]:
    for one in ast.walk(tree):
        if isinstance(one, ast.Attribute) and one.attr in ("convert", "decode", "Decoder"):
            said = ast.unparse(one)
            if said.startswith("msgspec."):
                yield said
        if isinstance(one, ast.ImportFrom) and (one.module or "").startswith("msgspec"):
            yield from (name.name for name in one.names if name.name in ("convert", "decode", "Decoder", "json"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("msgspec.convert(x, int)", 1),
        ("msgspec.json.decode(x, type=int)", 1),
        ("from msgspec import convert", 1),
        ("from msgspec.json import decode", 1),
        ("from msgspec import structs; msgspec.json.encode(x); x.decode()", 0),
    ],
)
def test_another_way_would_be_found(text: str, found: int) -> None:
    assert len(list(_read_by_msgspec(ast.parse(text)))) == found


def test_the_library_has_no_other_way() -> None:
    found = {
        str(file.relative_to(LIBRARY)): ways
        for file in LIBRARY.rglob("*.py")
        if "msgspec" in (text := file.read_text(encoding="utf-8")) and (ways := list(_read_by_msgspec(ast.parse(text))))
    }
    assert set(found) == {"typed.py"}
