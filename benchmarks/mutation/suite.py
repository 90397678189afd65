"""The tests asked whether a module was changed: run in a child of a process that has everything of others imported already.

A mutant is tried by the tests that pass through its line, the quickest first; what is done at import, by all of its room's.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.machinery
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
LIBRARY = ROOT / "layers" / "portcullis" / "portcullis"
PURE = "not node and not aws and not embedded and not long"
FOLLOW_S = 1800.0
LONGEST_S = 1800.0  # of all; where a mutant makes one test hang, that test's own limit ends it
# Random histories, followed line by line, take longer than all the rest: `make bench-fence` plays them.
_TOO_LONG = "tests/operations/writing/test_fence.py"
_OPTIONS = (
    "-q",
    "-x",
    f"--ignore={_TOO_LONG}",
    "-n",
    "0",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:randomly",
    "--tb=no",
    "--no-header",
    "-m",
    PURE,
    "--hypothesis-profile=fast",
)
# Of others, and slow to import: imported once, before the children are made. Nothing of the project may be among what they import.
_OTHERS = (
    "pytest",
    "hypothesis",
    "xdist",
    "boto3",
    "botocore.session",
    "msgspec",
    "yaml",
    "click",
    "rich.console",
    "rich.table",
)
_OTHERS_IF_THERE = (
    "aws_lambda_powertools",
    "aws_lambda_powertools.utilities.parser",
    "opensearchpy",
    "requests_aws4auth",
    "moto",
    "jsonschema",
)


def warm_up() -> None:
    for name in _OTHERS:
        importlib.import_module(name)
    for name in _OTHERS_IF_THERE:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    mine = [name for name in sys.modules if name.split(".")[0] in ("portcullis", "tests")]
    if mine:
        raise AssertionError(f"imported too early: {mine}")


def run_pytest(arguments: Sequence[str], plugins: Sequence[object] = (), *, timeout: float = 600) -> int:
    import pytest
    from hypothesis import configuration

    examples = tempfile.mkdtemp(prefix="hypothesis-")  # what one mutant taught must not help another
    configuration.set_hypothesis_home_dir(examples)
    try:
        return int(pytest.main([*_OPTIONS, f"--timeout={timeout:.0f}", *arguments], plugins=list(plugins)))
    finally:
        shutil.rmtree(examples, ignore_errors=True)


class _Followed:
    """A pytest plugin: notes which test passes through which line of the library, and how long each takes: of the
    processor's time, which is the same however much others have to do."""

    def __init__(self, measured: Any) -> None:
        self.measured = measured
        self.seconds: dict[str, float] = {}

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.measured.switch_context(nodeid)
        self.seconds[nodeid] = -time.process_time()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.seconds[nodeid] += time.process_time()


def follow(run: Callable[[object], int], answer: Path) -> int:
    """Run tests in this process and write what each passes through as JSON. Give the exit status of `run`, which is given a plugin."""
    import coverage

    measured = coverage.Coverage(data_file=None, source=[str(LIBRARY)], branch=False, config_file=False)
    followed = _Followed(measured)
    measured.start()
    status = run(followed)
    measured.stop()
    data = measured.get_data()
    lines: dict[str, dict[int, list[str]]] = {}
    for file in data.measured_files():
        contexts = data.contexts_by_lineno(file)
        lines[str(Path(file).relative_to(LIBRARY))] = {line: [t for t in of if t] for line, of in contexts.items()}
    files = {Path(of) for one in list(sys.modules.values()) if (of := getattr(one, "__file__", None))}
    sources = sorted(str(one.relative_to(ROOT)) for one in files if _is_ours(one))
    answer.write_text(json.dumps({"sources": sources, "seconds": followed.seconds, "lines": lines}), encoding="utf-8")
    return status


def _is_ours(file: Path) -> bool:
    return file.is_relative_to(ROOT) and not file.relative_to(ROOT).parts[0].startswith(".")


def in_child(work: Callable[[], int], *, longest_s: float, log: Path) -> int | None:
    """The exit status of `work` in a child process with a session of its own; None if it took too long and was ended. Whoever ends this
    process ends the child with it."""
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.setsid()
        into = os.open(log, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
        os.dup2(into, 1)
        os.dup2(into, 2)
        status = 99
        try:
            status = work()
        finally:
            sys.stdout.flush()
            os._exit(status)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    until, done = time.monotonic() + longest_s, 0
    try:
        while time.monotonic() < until:
            done, how = os.waitpid(pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(how)
            time.sleep(0.02)
        return None
    finally:
        if not done:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


@contextlib.contextmanager
def changed(module: str, source: str) -> Iterator[None]:
    """Another source instead of a module's own, for whatever is imported within."""
    target, loaded = str(LIBRARY / module), importlib.machinery.SourceFileLoader.get_code

    def get_code(self: importlib.machinery.SourceFileLoader, fullname: str) -> Any:
        if self.path == target:
            return compile(source, target, "exec", dont_inherit=True)
        return loaded(self, fullname)

    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        importlib.machinery.SourceFileLoader.get_code = loaded  # type: ignore[method-assign]


def lives(module: str, source: str, rounds: Sequence[Sequence[str]], timeout: float, log: Path) -> bool:
    """Whether all rounds of tests pass with it. A time-out, a crash and an import that fails are noticed by whoever runs the tests."""

    def run(tests: Sequence[str]) -> int:
        with changed(module, source):
            return run_pytest(tests, timeout=timeout)

    return all(in_child(lambda tests=tests: run(tests), longest_s=LONGEST_S, log=log) == 0 for tests in rounds)  # type: ignore[misc]


def _run_file(test_file: str, watching: object) -> int:
    return run_pytest([test_file], [watching])


def serve(log: Path) -> None:
    """Answer one JSON line with one: {"follow": test file, "into": file} or {"module", "source", "rounds", "timeout"}."""
    os.chdir(ROOT)
    warm_up()
    for line in sys.stdin:
        asked = json.loads(line)
        if "follow" in asked:
            run = functools.partial(_run_file, asked["follow"])
            answer: Any = in_child(lambda: follow(run, Path(asked["into"])), longest_s=FOLLOW_S, log=log)  # noqa: B023
        else:
            answer = lives(asked["module"], asked["source"], asked["rounds"], asked["timeout"], log)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
