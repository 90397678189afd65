"""The book of a story: its stages with what was observed and how long each took, as lines on the screen and as JSON at the end."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


class Unexpected(AssertionError):
    """What was observed is not what the story promises."""


@dataclass
class Stage:
    name: str
    ok: bool = False
    seconds: float = 0.0
    observed: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Something that was seen to be so."""
        self.observed.append(text)

    def expect(self, truth: bool, text: str, *, instead: Any = "") -> None:
        """Something that has to be so: noted if it is, the end of the stage if it is not."""
        if not truth:
            raise Unexpected(f"expected: {text}" + (f"; seen instead: {instead}" if instead != "" else ""))
        self.note(text)


@dataclass
class Book:
    """Stages in the order they were played. The first that fails ends the story."""

    console: Console
    stages: list[Stage] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    @contextmanager
    def stage(self, name: str, title: str) -> Iterator[Stage]:
        stage = Stage(name)
        self.stages.append(stage)
        start = time.monotonic()
        self.console.print(f"[bold]{len(self.stages)}. {title}[/bold]", highlight=False)
        shown = 0
        try:
            yield stage
            stage.ok = True
        except Exception as error:
            stage.note(f"FAILED: {' '.join(str(error).split())[:600] or type(error).__name__}")
            raise
        finally:
            stage.seconds = round(time.monotonic() - start, 3)
            for line in stage.observed[shown:]:
                style = "red" if line.startswith("FAILED") else "dim"
                self.console.print(f"   {line}", style=style, highlight=False, markup=False)
            self.console.print(f"   [{'green' if stage.ok else 'red'}]{stage.seconds:.1f} s[/]", highlight=False)

    @property
    def ok(self) -> bool:
        return bool(self.stages) and all(stage.ok for stage in self.stages)

    def figure(self, name: str, seconds: list[float]) -> None:
        """Keep a series of timings as median, 95th percentile and count."""
        self.figures[name] = spread(seconds)

    def table(self) -> Table:
        table = Table(title="Figures of this run", title_justify="left")
        for column, where in (("what", "left"), ("median", "right"), ("p95", "right"), ("n", "right")):
            table.add_column(column, justify=where)  # type: ignore[arg-type]
        titles = {
            "grant_s": "group change -> first permitted search",
            "revoke_s": "removal -> first refused search",
            "lock_s": "DisableKey -> first refused search",
            "unlock_s": "EnableKey -> first permitted search",
        }
        for name, title in titles.items():
            if figure := self.figures.get(name):
                table.add_row(title, f"{figure['median']:.2f} s", f"{figure['p95']:.2f} s", str(figure["n"]))
        if burst := self.figures.get("burst"):
            what = f"burst of {burst['changes']} group changes: {burst['writes']} writes, {burst['lost']} lost"
            table.add_row(what, f"{burst['seconds']:.1f} s", "", "1")
        table.add_row("the whole story", f"{time.monotonic() - self.began:.1f} s", "", "1")
        return table

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {"ok": self.ok, "stages": [asdict(stage) for stage in self.stages], "figures": self.figures}
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        fresh.replace(path)


def spread(seconds: list[float]) -> dict[str, float | int]:
    """Median, 95th percentile (nearest rank) and count."""
    ordered = sorted(seconds)
    rank = max(0, -(-len(ordered) * 95 // 100) - 1)
    return {"median": round(statistics.median(ordered), 3), "p95": round(ordered[rank], 3), "n": len(ordered)}
