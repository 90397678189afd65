"""What is done in a thread of a pool is logged under the event that it is done for, and the engine is asked under it, too."""

from __future__ import annotations

import ast
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import portcullis
from portcullis import correlation

LIBRARY = Path(portcullis.__file__).parent
OF_ITS_OWN = {"operations/sweep.py"}  # each of its threads says itself which deployment it is at


def test_the_threads_of_a_pool_are_about_what_whoever_made_it_was_at() -> None:
    def about(_: int) -> tuple[str, str]:
        return correlation.deployment(), correlation.correlation()

    correlation.concerning("demo")
    correlation.correlate("event-1")
    with ThreadPoolExecutor(2, initializer=correlation.carry()) as pool:
        correlation.concerning("another")
        assert set(pool.map(about, range(4))) == {("demo", "event-1")}
    assert correlation.deployment() == "another"


def test_every_pool_of_the_library_carries_it() -> None:
    without = {
        str(file.relative_to(LIBRARY))
        for file in LIBRARY.rglob("*.py")
        if "ThreadPoolExecutor"
        in (text := file.read_text(encoding="utf-8"))  # most modules name none, and to read one as code takes long
        for one in ast.walk(ast.parse(text))
        if isinstance(one, ast.Call)
        and ast.unparse(one.func) == "ThreadPoolExecutor"
        and "initializer=carry()" not in map(ast.unparse, one.keywords)
    }
    assert without == OF_ITS_OWN
