"""Mutants of what functions do, in children of a process that has every test collected: nothing is imported for one of them.

The function's code is exchanged in the child, where it stands. A function that was called before any test began has done its work by then
(a table, what a cache keeps), so that it is not exchanged: it is tried from the import on (`suite`).
"""

from __future__ import annotations

import functools
import gc
import importlib
import json
import os
import resource
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any, TextIO

import pytest

from benchmarks.mutation.suite import LIBRARY, follow, in_child, run_pytest

_LIBRARY = f"{LIBRARY}/"
NOT_HERE = 98  # the exit status of a child that could not exchange the function
_LONGEST_S = 3600.0  # by the clock; by the processor's time it is what the question says


class _Serving:
    """A pytest plugin: instead of running what was collected, answers one JSON line with another for as long as there are any."""

    def __init__(self, questions: TextIO, answers: TextIO, log: Path) -> None:
        self._questions, self._answers, self._log = questions, answers, log
        self.called: set[tuple[str, str]] = set()  # (module, function) before any test began

    def note(self, frame: FrameType, event: str, _: Any) -> None:
        """For sys.setprofile."""
        if event == "call" and (file := frame.f_code.co_filename).startswith(_LIBRARY):
            self.called.add((file.removeprefix(_LIBRARY), frame.f_code.co_qualname.split(".<", 1)[0]))

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        from hypothesis import settings

        settings.register_profile("mutants", settings.get_profile("fast"), database=None)  # one must not help another
        settings.load_profile("mutants")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        sys.setprofile(None)
        items = {item.nodeid: item for item in session.items}
        gc.collect()
        gc.freeze()
        for line in self._questions:
            asked = json.loads(line)
            self._say(in_child(lambda: self._try(session, items, asked), longest_s=_LONGEST_S, log=self._log))  # noqa: B023
        return True

    def _say(self, answer: Any) -> None:
        self._answers.write(json.dumps(answer) + "\n")
        self._answers.flush()

    def _try(self, session: pytest.Session, items: dict[str, pytest.Item], asked: dict[str, Any]) -> int:
        if into := asked.get("into"):
            chosen = list(items.values())[asked["first"] :: asked["every"]]
            return follow(lambda watching: self._run(session, chosen, watching), Path(into))
        resource.setrlimit(resource.RLIMIT_CPU, (int(asked["processor"]), int(asked["processor"]) + 5))
        if not exchange(asked["module"], asked["function"], asked["source"], self.called):
            return NOT_HERE
        return self._run(session, [items[test] for test in asked["tests"] if test in items])

    def _run(self, session: pytest.Session, chosen: list[pytest.Item], watching: object = None) -> int:
        """0 if all of these pass; up to the first that fails. `watching` is a further plugin."""
        if watching is not None:
            session.config.pluginmanager.register(watching)
        for item, following in zip(chosen, [*chosen[1:], None], strict=True):
            session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.testsfailed:
                return 1
        return 0


def exchange(module: str, function: str, source: str, done: Collection[tuple[str, str]] = ()) -> bool:
    """Give a function the code that it has in another source of its module; False if that cannot be done, or has no effect any more."""
    loaded = importlib.import_module("portcullis." + module.removesuffix(".py").replace("/", "."))
    found: Any = loaded
    path: list[str] = []
    for name in function.split("."):
        path.append(name)
        found = vars(found).get(name)
        if not isinstance(found, type):
            break
    held, called = _plain(found), ".".join(path)
    codes = [one for one in _codes(compile(source, str(loaded.__file__), "exec")) if one.co_qualname == called]
    if held is None or (module, called) in done or len(codes) != 1 or codes[0].co_freevars != held.__code__.co_freevars:
        return False
    held.__code__ = codes[0]
    return True


def _plain(found: Any) -> FunctionType | None:
    """The function behind a property, a class method, a cache or a wrapper."""
    while not isinstance(found, FunctionType) or hasattr(found, "__wrapped__"):
        ways = ("__wrapped__", "__func__", "fget", "func")
        inner = next((one for way in ways if (one := getattr(found, way, None)) is not None), None)
        if inner is None or isinstance(found, type | functools.partial):
            return None
        found = inner
    return found


def _codes(code: CodeType) -> Iterator[CodeType]:
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield one
            yield from _codes(one)


def serve(log: Path, files: list[str]) -> int:
    questions, answers = sys.stdin, sys.stdout
    sys.stdin, sys.stdout = Path("/dev/null").open(), log.open("w")  # noqa: SIM115 (for as long as the process lives)
    os.dup2(sys.stdout.fileno(), 2)
    serving = _Serving(questions, answers, log.with_suffix(".child"))
    sys.setprofile(serving.note)
    return run_pytest(["-s", *files], [serving])


if __name__ == "__main__":
    sys.exit(serve(Path(sys.argv[1]), sys.argv[2:]))
