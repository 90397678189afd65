"""Which test passes through which line of the library: each test file is followed in a process of its own, and what was seen is kept.

It is followed again only when one of the files that it passes through, or the data beside it, is another one than then.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from portcullis.errors import PortcullisError

from benchmarks.common import HOME, Tell
from benchmarks.mutation.suite import ROOT

KEPT = HOME / "followed"
_DATA = (".json", ".yaml")
_SAID_EVERY = 25
_NO_TESTS = 5  # pytest: none of the file's tests is without a machine


@dataclass(slots=True)
class Followed:
    lines: dict[str, dict[int, list[str]]] = field(default_factory=dict)  # module -> line -> test ids
    imported: dict[str, list[str]] = field(default_factory=dict)  # module -> test files that import it
    seconds: dict[str, float] = field(default_factory=dict)  # test id or file -> how long it takes

    def through(self, module: str, line: int) -> list[str]:
        """The tests that pass through a line of a function, the quickest first. Of a line in the middle of a statement, through the one
        above it: the interpreter does not always name it."""
        lines = self.lines.get(module, {})
        near = next((tests for one in range(line, 0, -1) if (tests := lines.get(one))), [])
        return sorted(near, key=lambda test: self.seconds[test])

    def with_it(self, module: str, files: Iterable[str]) -> list[str]:
        """Of these test files those that import a module: what it does then, all of their tests have passed. The quickest first."""
        return sorted(set(files) & set(self.imported.get(module, [])), key=lambda file: self.seconds[file])

    def within(self, seconds: float, tests: Sequence[str], own: str) -> list[str]:
        """Of these tests as many as take no longer than that in all, those in the folder `own` first; all of them if it is 0."""
        ordered = sorted(tests, key=lambda test: (not test.startswith(own), self.seconds[test]))
        took = itertools.accumulate(self.seconds[test] for test in ordered)
        return [test for test, until in zip(ordered, took, strict=True) if not seconds or until <= seconds] or ordered[
            :1
        ]

    def patience(self, tests: Iterable[str]) -> float:
        """How many seconds one of these may take before it is taken for one that never ends, on whatever machine."""
        return 60 + 20 * max((self.seconds[test] for test in tests), default=0.0)

    def add(self, file: str, seen: Mapping[str, Any]) -> None:
        self.seconds |= seen["seconds"]
        self.seconds[file] = sum(seen["seconds"].values())
        for module, lines in seen["lines"].items():
            if seen["seconds"]:
                self.imported.setdefault(module, []).append(file)
            of_module = self.lines.setdefault(module, {})
            for line, tests in lines.items():
                of_module.setdefault(int(line), []).extend(tests)


def files_of(tests: Iterable[str]) -> list[str]:
    """The test files that are named, and those of the folders that are."""
    found = ((ROOT / test).rglob("test_*.py") if (ROOT / test).is_dir() else [ROOT / test] for test in tests)
    return sorted({str(file.relative_to(ROOT)) for some in found for file in some})


def follow(files: Sequence[str], ask: Callable[[Mapping[str, Any]], Any], at_once: int, tell: Tell) -> Followed:
    """Follow these test files, `at_once` side by side. `ask` puts a question to a server of the suite."""
    KEPT.mkdir(parents=True, exist_ok=True)
    anew = [file for file in files if not _still_so(file)]
    tell(f"following {len(anew)} of {len(files)} test files through the library; of the others it is known")
    with ThreadPoolExecutor(at_once) as side_by_side:
        found = side_by_side.map(lambda one: ask(_question(one)), anew)
        for number, (file, status) in enumerate(zip(anew, found, strict=True), 1):
            if status not in (0, _NO_TESTS):
                raise PortcullisError(f"{file} does not pass as it is, so that nothing can be said of mutants")
            _sign(file)
            if number % _SAID_EVERY == 0:
                tell(f"{number} of {len(anew)} followed")
    followed = Followed()
    for file in files:
        followed.add(file, json.loads(_kept(file).read_text(encoding="utf-8")))
    return followed


def follow_together(
    files: Sequence[str], ask: Callable[[Mapping[str, Any]], Any], at_once: int, tell: Tell
) -> Followed:
    """The same, in children of a process that has collected them all (`warm`), which `ask` asks: nothing is imported for a file, and
    nothing kept. Whatever is imported then, every file is taken to import."""
    tell(f"following {len(files)} test files through the library, together")
    KEPT.mkdir(parents=True, exist_ok=True)
    parts: list[dict[str, Any]] = [
        {"first": one, "every": at_once, "into": str(KEPT / f"part-{one}")} for one in range(at_once)
    ]
    with ThreadPoolExecutor(at_once) as side_by_side:
        if any(side_by_side.map(ask, parts)):
            raise PortcullisError("the tests do not pass as they are, so that nothing can be said of mutants")
    followed = Followed()
    for part in parts:
        seen = json.loads(Path(part["into"]).read_text(encoding="utf-8"))
        for file in files:
            of_file = {test: took for test, took in seen["seconds"].items() if test.startswith(f"{file}::")}
            followed.add(file, {"seconds": of_file, "lines": {}})
        followed.add("", seen)
    for module in followed.lines:
        followed.imported[module] = [file for file in files if followed.seconds[file]]
    return followed


def _question(file: str) -> dict[str, str]:
    return {"follow": file, "into": str(_kept(file))}


def _kept(file: str) -> Path:
    return KEPT / (file.replace("/", "-") + ".json")


def _still_so(file: str) -> bool:
    try:
        seen = json.loads(_kept(file).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(seen.get("digest") == _digest(file, seen["sources"]))


def _sign(file: str) -> None:
    seen = json.loads(_kept(file).read_text(encoding="utf-8"))
    seen["digest"] = _digest(file, seen["sources"])
    _kept(file).write_text(json.dumps(seen), encoding="utf-8")


def _digest(test_file: str, sources: Iterable[str]) -> str:
    """Of what a test file passes through, and of the data beside it."""
    beside = (one for one in (ROOT / test_file).parent.rglob("*") if one.suffix in _DATA)
    found = sha256()
    for one in sorted({*(ROOT / source for source in sources), *beside}):
        found.update(f"{one.relative_to(ROOT)}\n".encode() + (one.read_bytes() if one.exists() else b"gone"))
    return found.hexdigest()
