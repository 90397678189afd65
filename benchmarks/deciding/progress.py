"""How far a long run has come, on disk after each part, so that it goes on from there when it is started again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any


@dataclass(slots=True)
class Part:
    """Of one release: cases played so far, and what came of them. `rows`: what differs, made small, as it is printed."""

    done: int = 0
    questions: int = 0
    unknown: int = 0
    differ: int = 0
    more: int = 0
    refused: int = 0
    limited: int = 0
    rows: list[str] = field(default_factory=list)


class Progress:
    """The parts of a run by name, played side by side. `run`: by which one is known again; what another one left is begun anew."""

    def __init__(self, path: Path, run: dict[str, Any]) -> None:
        self._path, self._run, self._parts = path, run, dict[str, Part]()
        self._one = Lock()
        try:
            held = json.loads(path.read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return
        if held.get("run") == run:
            self._parts = {name: Part(**of) for name, of in held["parts"].items()}

    def part(self, name: str) -> Part:
        with self._one:
            return self._parts.setdefault(name, Part())

    @contextmanager
    def further(self) -> Iterator[None]:
        """What is counted within is kept with all before it, whole or not at all: a run may be ended at any moment."""
        with self._one:
            yield
            self._keep()

    def _keep(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        held = {"run": self._run, "parts": {name: asdict(of) for name, of in self._parts.items()}}
        fresh.write_text(json.dumps(held, indent=1) + "\n", "utf-8")
        fresh.replace(self._path)

    def end(self) -> None:
        """All of it is done, and what it came to is left elsewhere."""
        self._path.unlink(missing_ok=True)


def code_of(*folders: Path) -> str:
    """By what the Python in these folders is known again."""
    every = (path for folder in folders for path in sorted(folder.rglob("*.py")))
    return hashlib.sha256(b"".join(path.read_bytes() for path in every)).hexdigest()
