"""The same thing done often enough to be a figure: for the story's table and for the benchmarks, by one piece of code."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.embedded import Embedded
from local.people import Caller, People, until

ROLE = "level_support"


@dataclass(frozen=True)
class Rounds:
    """What one kind of change took, in seconds: until it was seen at the door, and until it was complete."""

    there: list[float]
    back: list[float]
    there_whole: list[float]
    back_whole: list[float]


def grants(
    grant: Callable[[], object], remove: Callable[[], object], caller: Caller, index: str, rounds: int
) -> Rounds:
    """Somebody joins and leaves a group: from the return of the call to the first permitted, and first refused, search."""
    joined, left = [], []
    for _ in range(rounds):
        grant()
        joined.append(until(lambda: caller.may_search(index), what="a grant"))
        remove()
        left.append(until(lambda: not caller.may_search(index), what="a removal"))
    return Rounds(joined, left, joined, left)


def held(
    join: Callable[[], object], leave: Callable[[], object], fetch: Callable[[], Caller], index: str, rounds: int
) -> list[float]:
    """Somebody leaves a group that has a role of its own: from the return of the call to the first refused search with the
    credentials of that role that they hold already, in seconds. `join` returns once that they joined has been seen; `fetch` signs in anew.
    """
    took = []
    for _ in range(rounds):
        join()
        # Sessions are told apart by the second: one of the same second as the last denial is refused too.
        until(lambda: fetch().may_search(index), what="new credentials are let in")
        caller = fetch()
        leave()
        took.append(until(lambda caller=caller: not caller.may_search(index), what="what is held is refused"))  # type: ignore[misc]
    return took


def locks(
    embedded: Embedded, caller: Caller, index: str, state: Callable[[], str], rounds: int, *, within: float = 60.0
) -> Rounds:
    """The key disabled and enabled again: to the first refused, and first permitted, search; and to `locked` and `open`."""
    kms, key = embedded.aws.client("kms"), embedded.output("KeyArn")
    locked, unlocked, locked_whole, unlocked_whole = [], [], [], []
    for _ in range(rounds):
        kms.disable_key(KeyId=key)
        began = time.monotonic()
        locked.append(until(lambda: not caller.may_search(index), within=within, what="a lock"))
        until(lambda: state() == "locked", within=within, what="locked whole")
        locked_whole.append(time.monotonic() - began)
        kms.enable_key(KeyId=key)
        began = time.monotonic()
        unlocked.append(until(lambda: caller.may_search(index), within=within, what="an unlock"))
        until(lambda: state() == "open", within=within, what="open again")
        unlocked_whole.append(time.monotonic() - began)
    return Rounds(locked, unlocked, locked_whole, unlocked_whole)


def burst(
    people: People,
    users: list[str],
    *,
    mappings: Callable[[], dict[str, Any]],
    waiting: Callable[[], int],
    writes: Callable[[], int],
    within: float = 60.0,
    leaving: bool = False,
    entry: Callable[[str], str] | None = None,
) -> dict[str, Any]:
    """All these users join (or leave) the group `support` at once: {"changes", "writes", "seconds", "lost"}.

    `entry` is what stands for a user in `mappings`. `seconds` begin with the first call and end when the last user is mapped, or not
    mapped; `writes` are those to the security API.
    """
    wanted = {entry(user) if entry else f"Cognito/{people.pool}/{user}" for user in users}

    def missing() -> set[str]:
        mapped = set(mappings().get(ROLE, {}).get("users", ()))  # no mapping before the first is mapped
        return wanted & mapped if leaving else wanted - mapped

    until(lambda: not waiting(), within=within, what="the queues are empty")
    before, began = writes(), time.monotonic()
    for user in users:
        (people.leave if leaving else people.join)(user, "support")
    with contextlib.suppress(TimeoutError):  # what is missing then is counted as lost
        until(lambda: not missing(), within=within)
    seconds = time.monotonic() - began
    until(lambda: not waiting(), within=within, what="the queues are empty")
    return {"changes": len(users), "writes": writes() - before, "seconds": round(seconds, 2), "lost": len(missing())}
