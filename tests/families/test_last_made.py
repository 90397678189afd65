"""What was made of a config is made once while it is asked about, and never taken for that of another one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from portcullis.families.last_made import LastMade
from portcullis.families.opensearch.documents.config import SecurityConfig


def config() -> SecurityConfig:
    return SecurityConfig({})


def counting() -> tuple[list[int], Callable[[], int]]:
    made: list[int] = []
    return made, lambda: made.append(len(made)) or len(made)


def test_of_the_same_config_it_is_made_once() -> None:
    made, make = counting()
    last, held = LastMade[int](2), config()
    assert [last.of(held, make) for _ in range(3)] == [1, 1, 1]
    assert made == [0]


def test_an_equal_config_is_another_one() -> None:
    _, make = counting()
    last = LastMade[int](2)
    assert (last.of(config(), make), last.of(config(), make)) == (1, 2)


def test_what_stands_beside_is_told_apart_by_its_value() -> None:
    _, make = counting()
    last, held = LastMade[int](4), config()
    assert [last.of(held, make, beside) for beside in ("one", "two", "".join("one"))] == [1, 2, 1]


def test_only_the_latest_are_kept() -> None:
    _, make = counting()
    last, some = LastMade[int](2), [config() for _ in range(3)]
    assert [last.of(one, make) for one in (*some, some[0], some[2])] == [1, 2, 3, 4, 3]


def test_many_threads_ask_while_it_changes() -> None:
    last, some = LastMade[int](4), [config() for _ in range(8)]

    def ask(number: int) -> bool:
        return last.of(some[number % 8], lambda: number % 8) == number % 8

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(20_000)))
