"""How long an answer about access takes on a compiled config: `make bench-decide [N=...]`.

N roles, N indices, N people (1,000 unless told). Most have a handful of roles by group; one has every role. What is measured is our code
alone, in processor time: no engine is asked, and what else the machine does counts little. "warm": the config is compiled and the person
has asked before. The curve asks as people with ever more roles. `who-can`, `matrix` and `diff` are the functions behind the verbs.
Prints a table, leaves .portcullis/bench/decide.json.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
from portcullis.access.questions.answers import Request, There
from portcullis.access.questions.changes import as_many_as_fit
from portcullis.access.questions.persons import Person
from portcullis.access.terms import Caller
from portcullis.entry.fitting import MOST
from portcullis.families import family_named
from portcullis.families.answering import answering
from portcullis.families.opensearch.deciding.compiled import Compiled
from portcullis.families.opensearch.documents.config import SecurityConfig
from portcullis.families.opensearch.names.world import EngineFacts
from portcullis.operations.access.asking.comparing import diff
from portcullis.operations.access.asking.questions import matrix, who_can
from portcullis.operations.access.asking.scene import Scene

from benchmarks.common import Report, Tell, main

READ, SEARCH = "indices:data/read*", "indices:data/read/search"
_TEAMS = 50


def config(n: int) -> tuple[SecurityConfig, EngineFacts, list[Caller]]:
    """Roles over the indices of a team, of all teams by kind, or of one index; a fifth of them limited; given by group."""
    rng = random.Random(7)
    indices = [f"team{i % _TEAMS:02}-{('logs', 'orders', 'people')[i % 3]}-{i:04}" for i in range(n)]
    roles: dict[str, Any] = {}
    for i in range(n):
        pattern = rng.choice((f"team{i % _TEAMS:02}-*", f"team{i % _TEAMS:02}-logs-*", "*-people-00*", indices[i]))
        entry: dict[str, Any] = {"index_patterns": [pattern], "allowed_actions": [READ]}
        if i % 5 == 0:
            entry |= {"dls": f'{{"term": {{"owner": {i}}}}}', "fls": ["~card"], "masked_fields": ["email"]}
        roles[f"role{i}"] = {"index_permissions": [entry]}
    mappings: dict[str, Any] = {role: {"backend_roles": [f"group{i}", "everything"]} for i, role in enumerate(roles)}
    groups = [f"group{i}" for i in range(n)]
    people = [Caller(f"person{i}", tuple(rng.sample(groups, min(n, rng.randint(1, 8))))) for i in range(n)]
    held = SecurityConfig({"roles": roles, "rolesmapping": mappings})
    return held, EngineFacts(tuple(indices)), people


def bench(given: argparse.Namespace, tell: Tell) -> Report:
    n = given.n
    held, world, people = config(n)
    of_all = Caller("of-all", ("everything",))
    report = Report()
    index = world.indices[0]
    first, compiled = timed(lambda: _asked(Compiled(held, world), people[0], index))
    report.row("compiling, and the first answer", f"{first * 1000:.0f} ms")
    figures: dict[str, float] = {"first_ms": first * 1000}
    for name, who in (("a few roles", people[1]), (f"all {n} roles", of_all)):
        cold, _ = timed(lambda who=who: compiled.decide(who, SEARCH, (index,)))  # type: ignore[misc]
        report.row(f"{name}: one index, the first time", f"{cold * 1000:.2f} ms")
        for what, asked in (("one index", (index,)), ("*", ("*",))):
            took = _median(lambda who=who, asked=asked: compiled.decide(who, SEARCH, asked))  # type: ignore[misc]
            report.below(f"{name}: {what}, allowed or not, warm", took * 1e6, 200, "µs")
            figures[f"{name} {what} us"] = took * 1e6
        view = _median(lambda who=who: compiled.decide(who, SEARCH, (index,)).views)  # type: ignore[misc]
        report.row(f"{name}: one index with its view and reasons, warm", f"{view * 1e6:.0f} µs")
        figures[f"{name} view us"] = view * 1e6
    tell("who can, and the matrix")
    took, found = timed(lambda: who_can(scene(held, world, people), Request("read", indices=(index,))).people)
    report.below(f"who can read one index, of {n} people ({len(found)}), from nothing", took, 1.0, "s")
    took_matrix, whole = timed(lambda: matrix(scene(held, world, people)))
    cells = sum(len(row.cells) for row in whole.people)
    report.below(f"the matrix of {n} people by {n} indices ({cells} cells), from nothing", took_matrix, 5.0, "s")
    figures |= {"who_can_s": took, "matrix_s": took_matrix}
    _sized(report, f"the matrix of {n} by {n}", whole)
    for what, many in (("one role", 1), ("all limited roles", n)):
        after = without_limits(held, many)
        took_diff, told = timed(
            lambda after=after: diff(scene(held, world, people), scene(after, world, people), ("", ""))  # type: ignore[misc]
        )
        report.row(
            f"the limits of {what} lifted: what it is to {n} people ({len(told.people)} see more)", f"{took_diff:.1f} s"
        )
        figures[f"diff {what} s"] = took_diff
        _sized(report, f"that difference, of {what}", replace(told, people=as_many_as_fit(told.people)[0]))
    fresh = Compiled(held, world)
    for many in (1, 10, 100, 1000):
        if many <= n:
            some = Caller(f"with-{many}", tuple(f"group{i}" for i in range(many)))
            fresh.decide(people[0], SEARCH, (index,))
            cold, _ = timed(lambda some=some: fresh.decide(some, SEARCH, (index,)).views)  # type: ignore[misc]
            report.row(f"curve: {many} roles, the first time, with view and reasons", f"{cold * 1000:.2f} ms")
            figures[f"curve {many} ms"] = cold * 1000
    report.figures = figures
    return report


def _sized(report: Report, what: str, answer: Any) -> None:
    """How large an answer is as JSON, and packed, as the command has it sent."""
    text = json.dumps(msgspec.to_builtins(answer)).encode()
    packed = 4 / 3 * len(zlib.compress(text))
    report.row(f"size of {what}; packed", f"{len(text) / 1e6:.1f}; {packed / 1e6:.2f} MB")
    report.below(f"the smaller of the two, of {what}", min(len(text), packed) / 1e6, MOST / 1e6, "MB")


def without_limits(held: SecurityConfig, many: int) -> SecurityConfig:
    """With the first so many limited roles as they would be without a limit."""
    roles = dict(held.of("roles"))
    for name in list(roles)[: 5 * many : 5]:
        (entry,) = roles[name]["index_permissions"]
        roles[name] = {"index_permissions": [{key: entry[key] for key in ("index_patterns", "allowed_actions")}]}
    return SecurityConfig({**held.documents, "roles": roles})


def _asked(compiled: Compiled, caller: Caller, index: str) -> Compiled:
    compiled.decide(caller, SEARCH, (index,))
    return compiled


def scene(held: SecurityConfig, world: EngineFacts, people: list[Caller]) -> Scene:
    """What the verbs ask, with nothing compiled yet."""
    held, family = SecurityConfig(held.documents), family_named("opensearch")
    persons = tuple(Person("internal_user", one.name, one.name, one) for one in people)
    there = There(world.indices, "OpenSearch_3.3", every=True, aliases={})
    return Scene("bench", family, answering(family.name), (), persons, held, held, there, None)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of processor time that it took, and what it gave."""
    began = time.process_time()
    answer = work()
    return time.process_time() - began, answer


def _median(work: Callable[[], Any], times: int = 400) -> float:
    work()
    return statistics.median(timed(work)[0] for _ in range(times))


if __name__ == "__main__":
    sys.exit(main("decide", __doc__ or "", bench, n=1000, n_is="roles, indices and people"))
