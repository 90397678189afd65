"""Small faults put in on purpose, one at a time: `make bench-mutants [N=...]`, and how many of them the tests notice.

N mutants (400 unless told), spread evenly over six rooms: access, families, custody, signals, the operations that change access or lock,
and remotes: those that change keys and connections between clusters. What is in no room is named at the start. Each is tried by the tests
without a machine that pass through its line; what is done at import, by all of its room. What no test can notice, because the module
behaves the same, stands in benchmarks/mutation/equivalent.json with the reason; if a test does notice it, or it is no mutant any more, that
is wrong and said: exit status 1. A share below the target is only said.

`python -m benchmarks.mutants --room custody` keeps to one room, `--module families/opensearch/shutting/shut.py` to one module or, with
commas, to several, and tries all of theirs, or `--of-each 40` of each.
`--seconds 20`: no mutant is given tests that take longer than that in all (5 times that where it is done at import), those of the room
first; what they did not notice counts as lived, so that the share is never told too high. The same goes for `--tests tests/custody`: these
alone are asked. `--together yes` follows all tests in one go and keeps nothing of it: quicker where few are named, or all are new.
`--at-once 1`: so many side by side, instead of one for each core.
Prints a table, names each that lived, leaves .portcullis/bench/mutants.json.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from portcullis.errors import BadInput, PortcullisError

from benchmarks.common import Report, Tell, main
from benchmarks.mutation import suite
from benchmarks.mutation.following import Followed, files_of, follow, follow_together
from benchmarks.mutation.mutate import Mutant, changed_source, mutants, sample
from benchmarks.mutation.rooms import Room, left_out, rooms

EQUIVALENT = Path(__file__).parent / "mutation" / "equivalent.json"
TARGET = 95.0  # per cent of what is not equivalent, in every room

_QUICK = 40  # tests that are asked first: most mutants are noticed by one of them, and fewer files are read for it
_SAID = (
    0,
    1,
    None,
    -signal.SIGXCPU,
    -signal.SIGKILL,
)  # lived; noticed, or without an end; else whoever was asked could not say
_FILES_TAKE = 5  # times as long as single tests, where whole test files are asked
_PROCESSOR_S = 30  # besides what the tests take: who needs more of the processor's time never ends


Ask = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Tried:
    room: str
    mutant: Mutant
    lived: bool


def bench(given: argparse.Namespace, tell: Tell) -> Report:
    known: dict[str, str] = json.loads(EQUIVALENT.read_text(encoding="utf-8"))
    chosen = [room for room in rooms() if given.room in ("", room.name)]
    if not chosen:
        raise BadInput(
            f"no room {given.room}",
            source="--room",
            place=given.room,
            remedy="one of " + ", ".join(room.name for room in rooms()),
        )
    named = frozenset(filter(None, given.module.split(",")))
    for module in sorted(named - {one for room in chosen for one in room.modules}):
        raise BadInput(f"no module {module}", source="--module", place=module, remedy="one of " + ", ".join(_modules()))
    chosen = [room for room in chosen if not named or named & set(room.modules)]
    if not (given.room or named):
        tell("in no room: " + ", ".join(f"{folder} ({number})" for folder, number in left_out().items()))
    at_once = int(given.at_once) or os.cpu_count() or 1
    work = [(room, one) for room in chosen for one in _of(room, given, known, len(chosen))]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, ExitStack() as servers:
        if given.tests:
            chosen = [replace(room, tests=tuple(given.tests.split(","))) for room in chosen]
            work = [(replace(room, tests=chosen[0].tests), one) for room, one in work]
        files = {room.name: files_of(room.tests) for room in chosen}
        every = sorted(set().union(*files.values()))

        def start(module: str, *arguments: str) -> Ask:
            some: SimpleQueue[_Server] = SimpleQueue()
            for number in range(at_once):
                log = str(Path(folder) / f"{module}-{number}.log")
                some.put(servers.enter_context(_Server(f"benchmarks.mutation.{module}", log, *arguments)))
            return lambda question: _ask_one_of(some, question)

        cold, warm = start("suite"), start("warm", *every)
        followed = follow_together(every, warm, at_once, tell) if given.together else follow(every, cold, at_once, tell)
        tell(f"{len(work)} mutants")
        bench = _Bench(followed, files, warm, cold, float(given.seconds), tell)
        with ThreadPoolExecutor(at_once) as side_by_side:
            tried = [one for one in side_by_side.map(bench.try_one, work) if one is not None]
    return _report(tried, known, _gone(known, named or {one for room in chosen for one in room.modules}))


def _gone(known: Mapping[str, str], modules: Collection[str]) -> list[str]:
    """What is said to be equivalent in these modules and is none of their mutants: the code changed since."""
    concerned = {module for name in known if (module := name.partition(":")[0]) in modules}
    there = {one.name for module in concerned for one in mutants(module, _source(module))}
    return [name for name in known if name.partition(":")[0] in concerned and name not in there]


def _modules() -> list[str]:
    return [module for room in rooms() for module in room.modules]


def _of(room: Room, given: argparse.Namespace, known: dict[str, str], of_rooms: int) -> list[Mutant]:
    """The mutants of a room to be tried: its share, from all of its modules, and whichever are known to be equivalent."""
    if given.module:
        named = [module for module in given.module.split(",") if module in room.modules]
        most = int(given.of_each)
        every = [mutants(module, _source(module)) for module in named]
        return [one for found in every for one in (sample(found, most, int(given.seed)) if most else found)]
    found = [one for module in room.modules for one in mutants(module, _source(module))]
    some = sample(found, max(1, given.n // of_rooms), int(given.seed))
    names = {one.name for one in some}
    return [*some, *(one for one in found if one.name in known and one.name not in names)]


def _source(module: str) -> str:
    return (suite.LIBRARY / module).read_text(encoding="utf-8")


class _Server(AbstractContextManager["_Server"]):
    """A process of which each try is a child: `suite` or `warm`."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._command = [sys.executable, "-m", module, *arguments]

    def __enter__(self) -> _Server:
        self._process = subprocess.Popen(
            self._command, cwd=suite.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def ask(self, question: Mapping[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        if not (answer := self._process.stdout.readline()):
            raise PortcullisError(f"{' '.join(self._command[1:4])} ended: its log says why")
        return json.loads(answer)


def _ask_one_of(waiting: SimpleQueue[_Server], question: Mapping[str, Any]) -> Any:
    server = waiting.get()
    try:
        return server.ask(question)
    finally:
        waiting.put(server)


@dataclass(slots=True)
class _Bench:
    """Tries mutants side by side, a process each; this process only waits."""

    followed: Followed
    files: Mapping[str, list[str]]
    warm: Ask
    cold: Ask
    seconds: float
    tell: Tell
    done: int = 0

    def try_one(self, task: tuple[Room, Mutant]) -> Tried | None:
        room, mutant = task
        source = changed_source(mutant, _source(mutant.module))
        if source is None:
            return None
        lived = self._lives(room, mutant, source)
        if lived:
            self.tell(f"lived: {mutant} [{mutant.name}]")
        self.done += 1
        if self.done % 50 == 0:
            self.tell(f"{self.done} tried")
        return Tried(room.name, mutant, lived)

    def _lives(self, room: Room, mutant: Mutant, source: str) -> bool:
        tests = self.followed.through(mutant.module, mutant.line) if mutant.called else []
        files = self.followed.with_it(mutant.module, self.files[room.name])
        limits = self.seconds if tests else _FILES_TAKE * self.seconds
        asked = self.followed.within(limits, tests or files, _folder(room.tests[0]))
        changed = {"module": mutant.module, "source": source}
        if tests:
            limit = _PROCESSOR_S + sum(self.followed.seconds[test] for test in asked)
            found = self.warm(changed | {"function": mutant.function, "tests": asked, "processor": limit})
            if found in _SAID:
                return bool(found == 0)
        # What is done at import every test has passed by then, whichever of them imported it; a line of a function only its own.
        rounds = [one for one in (asked[:_QUICK], asked[_QUICK:]) if one] if tests else [asked]
        return bool(self.cold(changed | {"rounds": rounds, "timeout": self.followed.patience(asked)}))


def _folder(tests: str) -> str:
    return tests.rpartition("/")[0] if tests.endswith(".py") else tests


def _report(tried: list[Tried], known: dict[str, str], gone: list[str]) -> Report:
    report = Report(figures={"rooms": {}, "lived": []})
    report.wrong += [f"{name} stands among the equivalent ones, and is no mutant any more" for name in gone]
    for room in dict.fromkeys(one.room for one in tried):
        here = [one for one in tried if one.room == room]
        equal = [one for one in here if one.mutant.name in known]
        real = [one for one in here if one.mutant.name not in known]
        lived = [one for one in real if one.lived]
        killed = len(real) - len(lived)
        share = 100 * killed / len(real) if real else 100.0
        report.figures["rooms"][room] = {
            "mutants": len(here),
            "equivalent": len(equal),
            "killed": killed,
            "percent": round(share, 1),
        }
        report.at_least(f"{room}: noticed of {len(real)} ({len(equal)} equivalent besides)", share, TARGET, "%")
        report.figures["lived"] += [{"name": one.mutant.name, "what": str(one.mutant)} for one in lived]
        report.wrong += [
            f"{one.mutant} is noticed by a test, but stands among the equivalent ones: {known[one.mutant.name]}"
            for one in equal
            if not one.lived
        ]
    return report


if __name__ == "__main__":
    sys.exit(
        main(
            "mutants",
            __doc__ or "",
            bench,
            n=400,
            n_is="mutants in all",
            more={
                "seed": "7",
                "module": "",
                "of-each": "0",
                "room": "",
                "seconds": "0",
                "tests": "",
                "together": "",
                "at-once": "0",
            },
        )
    )
