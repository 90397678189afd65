"""What a cold start pays: importing a handler, beside importing powertools, its parser and opensearch-py eagerly. And the layer's size."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.common import Report, Tell, main
from layers import build
from local.aws.runtime import runtime_packages

ROOT = Path(__file__).resolve().parent.parent
FUNCTIONS = ("identity_sync", "key_guard", "sweep", "domain_setup", "operate", "remove")
EAGER = (
    "from aws_lambda_powertools import Logger, Metrics, Tracer; import aws_lambda_powertools.utilities.parser,"
    " aws_lambda_powertools.utilities.batch, opensearchpy"
)
# Time of the processor: what else the machine does must not stand in the figure.
_TIMED = "import time; began = time.process_time(); {statement}; print(time.process_time() - began)"
_MEGABYTE = 1_000_000


def seconds(statement: str, path: list[str], rounds: int) -> float:
    """The median of so many fresh interpreters. Byte code is there, as in a layer that was used.

    They see `path` and no other packages; without one, those of our own environment, whole as their makers ship them.
    """
    environment = {"PATH": os.defpath, "POWERTOOLS_TRACE_DISABLED": "true"}
    environment |= {"PYTHONPATH": os.pathsep.join(path)} if path else {}
    command = [sys.executable, *(["-S"] if path else []), "-c", _TIMED.format(statement=statement)]

    def once() -> float:
        return float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)

    once()  # writes the byte code
    return statistics.median(once() for _ in range(rounds))


def run(given: argparse.Namespace, tell: Tell) -> Report:
    report = Report()
    host, arm = build.build("host"), build.build("arm64")
    with tempfile.TemporaryDirectory() as folder:
        shared = [str(host / "python"), str(runtime_packages(Path(folder)))]
        eager, in_the_layer = seconds(EAGER, [], given.n), seconds(EAGER, shared, given.n)
        handlers = {}
        for name in FUNCTIONS:
            tell(f"importing {name}")
            handlers[name] = seconds("import handler", [str(ROOT / "functions" / name), *shared], given.n)
    slowest = max(handlers.values())
    unzipped = sum(file.stat().st_size for file in arm.rglob("*") if file.is_file()) / _MEGABYTE
    report.figures |= {
        "eager_s": round(eager, 4),
        "eager_in_the_layer_s": round(in_the_layer, 4),
        "handlers_s": {name: round(took, 4) for name, took in handlers.items()},
        "ratio": round(slowest / eager, 3),
        "layer_mb": round(unzipped, 1),
    }
    report.row("powertools, parser and opensearch-py, eagerly", f"{eager * 1000:.0f} ms")
    report.row("the same, of what the layer keeps of them", f"{in_the_layer * 1000:.0f} ms")
    for name, took in handlers.items():
        report.row(f"the handler of {name}", f"{took * 1000:.0f} ms")
    report.below("the slowest handler beside that", 100 * slowest / eager, 40, "%")
    report.below("the arm64 layer, unzipped", unzipped, 20, "MB")
    return report


if __name__ == "__main__":
    sys.exit(main("imports", __doc__, run, n=7, n_is="interpreters started for each figure"))
