"""What the benchmarks share: one way to be started, to say what they found beside the target, and to leave it as JSON."""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from portcullis.errors import PortcullisError
from portcullis.ports.alerts import Alert
from rich.console import Console
from rich.table import Table

from local.aws.emulator import Emulator
from local.surroundings import set_aside

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".portcullis" / "bench"

Tell = Callable[[str], None]
Play = Callable[[int], str]


@dataclass(slots=True)
class Report:
    """What a benchmark found. `figures` is the JSON; `wrong` says what must never be (a lost change), whatever the machine.

    `part`: of which part of the benchmark it is, which then has a file of its own.
    """

    figures: dict[str, Any] = field(default_factory=dict)
    rows: list[tuple[str, str, str, bool | None]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    part: str = ""

    def row(self, what: str, found: str, target: str = "", met: bool | None = None) -> None:
        """A line of the table. `met` None: there is no target."""
        self.rows.append((what, found, target, met))

    def below(self, what: str, found: float, target: float, unit: str = "s") -> None:
        self.row(what, f"{found:.3g} {unit}", f"< {target:g} {unit}", found < target)

    def at_least(self, what: str, found: float, target: float, unit: str = "") -> None:
        self.row(what, f"{found:.3g} {unit}".strip(), f">= {target:g} {unit}".strip(), found >= target)

    @property
    def missed(self) -> list[str]:
        return [f"{what}: {found} (target {target})" for what, found, target, met in self.rows if met is False]

    def table(self, title: str) -> Table:
        table = Table(title=title, title_justify="left")
        table.add_column("what")
        table.add_column("found", justify="right")
        table.add_column("target", justify="right")
        for what, found, target, met in self.rows:
            style = {None: "", True: "green", False: "red"}[met]
            table.add_row(what, found, target + (" missed" if met is False else ""), style=style)
        return table


_AT_ONCE = 50  # histories that a process plays in a row
_NAMED = 20  # seeds that are named, to be played again


def _some(play: Play, start: int, many: int) -> dict[int, str]:
    """Seed -> what was wrong, of those where anything was."""
    logging.disable(logging.CRITICAL)
    return {seed: wrong for seed in range(start, start + many) if (wrong := play(seed))}


def histories(play: Play, n: int, tell: Tell) -> Report:
    """Play the random histories of the seeds 0 to `n`, on every processor. `play` answers what was wrong, and nothing if all went well."""
    report, violated = Report(), dict[int, str]()
    starts = range(0, n, _AT_ONCE)
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        played = processes.map(partial(_some, play), starts, [min(_AT_ONCE, n - start) for start in starts])
        for number, found in enumerate(played, 1):
            violated |= found
            if number % 40 == 0:
                tell(f"{number * _AT_ONCE} histories, {len(violated)} violated")
    report.row("histories", str(n))
    report.row("violated", str(len(violated)), "0", not violated)
    report.wrong = [f"seed {seed}: {what}" for seed, what in sorted(violated.items())[:_NAMED]]
    report.figures = {"histories": n, "violations": len(violated)}
    return report


def main(
    name: str,
    doc: str,
    bench: Callable[[argparse.Namespace, Tell], Report],
    *,
    n: int,
    n_is: str,
    more: Mapping[str, str] | None = None,
) -> int:
    """Run one benchmark: print its table, leave .portcullis/bench/NAME.json, or NAME-PART.json.

    Exit status: 0 done (a missed target is shown, as it depends on the machine), 1 something was wrong, 2 bad input. `more`: further
    options with their defaults.
    """
    parser = argparse.ArgumentParser(prog=f"benchmarks.{name}", description=doc)
    parser.add_argument("--n", type=int, default=n, help=f"{n_is} (default {n})")
    for option, default in (more or {}).items():
        parser.add_argument(f"--{option}", default=default, help=f"default {default}")
    given = parser.parse_args()
    if given.n < 1:
        parser.error("--n: a whole number from 1")
    set_aside()
    console, began, load = Console(soft_wrap=True), time.monotonic(), os.getloadavg()[0]
    try:
        report = bench(given, lambda line: console.print(f"   {line}", style="dim", highlight=False, markup=False))
    except PortcullisError as error:
        print(f"portcullis: {error}", file=sys.stderr)
        return error.exit_status
    machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "load_before": round(load, 2)}
    written = {
        **report.figures,
        "missed": report.missed,
        "wrong": report.wrong,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "took_s": round(time.monotonic() - began, 1),
        "machine": machine,
    }
    leave(f"{name}-{report.part}" if report.part else name, written)
    console.print(report.table(f"{name}, {machine['cpus']} cores, load {load:.1f} at the start"))
    for line in report.wrong:
        console.print(f"wrong: {line}", style="red", highlight=False, markup=False)
    return 1 if report.wrong else 0


def leave(name: str, result: Mapping[str, Any]) -> None:
    """Write .portcullis/bench/NAME.json, whole or not at all."""
    target = HOME / f"{name}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_suffix(".new")
    fresh.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    fresh.replace(target)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that it took, and what it gave."""
    began = time.perf_counter()
    answer = work()
    return time.perf_counter() - began, answer


def world_of(**parts: Any) -> Any:
    """Services of these parts alone. Any other part is not there: asking for it ends the benchmark."""
    from portcullis.operations.services import Services

    def absent(name: str) -> Callable[..., Any]:
        def ask(*_: Any) -> Any:
            raise LookupError(f"this benchmark's world has no {name}")

        return ask

    given = {one.name: parts.get(one.name, absent(one.name)) for one in fields(Services) if one.name not in _THEIR_OWN}
    return Services(**given, **{name: parts[name] for name in _THEIR_OWN & parts.keys()})


_THEIR_OWN = {"now", "sleep", "at_once"}  # parts of Services that are right unless told


class Told:
    """The Alerts protocol: keeps what was told."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    def tell(self, alert: Alert) -> None:
        self.alerts.append(alert)


def ledger_table(aws: Emulator, name: str) -> str:
    """A table as the stacks make the ledger's."""
    aws.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    return name
