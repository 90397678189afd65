"""Runs a handler as Lambda does: a process of its own that sees the function's folder, the layer and the runtime's boto3, no more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layers import build
from local.aws.runtime import runtime_packages

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = ("identity_sync", "key_guard", "sweep", "domain_setup", "operate", "remove")
ANSWER = "the answer: "

_RUN = f"""
import json, sys
import handler
class Context:
    function_name = "portcullis-test"
    memory_limit_in_mb = 1024
    aws_request_id = "request-1"
    log_stream_name = "stream"
    def __init__(self, arn): self.invoked_function_arn = arn
    def get_remaining_time_in_millis(self): return 30000
asked = json.load(sys.stdin)
if asked["event"] is not None:
    print({ANSWER!r} + json.dumps(handler.handler(asked["event"], Context(asked["arn"]))))
print("modules: " + json.dumps(sorted(sys.modules)))
"""


@dataclass(frozen=True)
class Ran:
    """What a handler answered, and everything it wrote."""

    answer: Any
    status: int
    output: str
    modules: frozenset[str]

    @property
    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.splitlines() if line.startswith('{"level"')]


def run(function: str, event: Any, folder: Path, environment: dict[str, str], *, arn: str = "function:look") -> Ran:
    """Import `functions/<function>/handler.py` and, unless the event is None, call it once."""
    path = [str(ROOT / "functions" / function), str(build.build("host") / "python"), str(runtime_packages(folder))]
    given = {
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(path),
        # Compiled once for all processes of a test file, and not beside the layer: what is in its folder is shipped.
        "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "POWERTOOLS_TRACE_DISABLED": "true",
        "POWERTOOLS_SERVICE_NAME": function,
        "POWERTOOLS_METRICS_NAMESPACE": "Portcullis",
        **environment,
    }
    done = subprocess.run(
        [sys.executable, "-S", "-c", _RUN],
        input=json.dumps({"event": event, "arn": f"arn:aws:lambda:eu-central-1:111122223333:{arn}"}),
        env=given,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    answers = [line.removeprefix(ANSWER) for line in done.stdout.splitlines() if line.startswith(ANSWER)]
    modules = [line.removeprefix("modules: ") for line in done.stdout.splitlines() if line.startswith("modules: ")]
    return Ran(
        json.loads(answers[0]) if answers else None,
        done.returncode,
        done.stdout + done.stderr,
        frozenset(json.loads(modules[0])) if modules else frozenset(),
    )
