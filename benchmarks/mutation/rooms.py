"""Which modules are mutated, by room, and which tests have to notice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.mutation.suite import LIBRARY


@dataclass(frozen=True, slots=True)
class Room:
    name: str
    modules: tuple[str, ...]  # below the library
    tests: tuple[str, ...]


def _all_of(folder: str) -> tuple[str, ...]:
    files = sorted((LIBRARY / folder).rglob("*.py"))
    return tuple(str(one.relative_to(LIBRARY)) for one in files if one.name != "__init__.py")


# The operations that change access, lock, or decide when to: what only looks, reads snapshots or writes reports is not among them.
_OPERATIONS = (
    *(
        "applying",
        "undertaking",
        "synchronise",
        "while_open",
        "in_effect",
        "rolling_back",
        "adopting",
        "masters",
        "many",
    ),
    *(
        "guard",
        "measures",
        "undoing",
        "break_glass",
        "sessions",
        "reactions",
        "reminders",
        "foundation",
        "deleting",
        "ending",
    ),
    *("sweep", "asking", "passwords", "rotating"),
)


def rooms() -> tuple[Room, ...]:
    operations = tuple(
        f"operations/{name}.py" for name in _OPERATIONS if (LIBRARY / "operations" / f"{name}.py").exists()
    )
    operating = ("tests/operations", "tests/reactions")
    return (
        Room("access", _all_of("access"), ("tests/access", "tests/model", *operating)),
        Room("custody", _all_of("custody"), ("tests/custody", "tests/runbooks/test_table.py", *operating)),
        Room("signals", _all_of("signals"), ("tests/signals", "tests/reactions", "tests/cli/test_signal_verb.py")),
        Room("operations", operations, (*operating, "tests/custody", "tests/access", "tests/cli")),
    )


def all_tests(chosen: tuple[Room, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(test for room in chosen for test in room.tests if Path(test)))
