"""Which modules are mutated, by room, and which tests have to notice."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.mutation.suite import LIBRARY


@dataclass(frozen=True, slots=True)
class Room:
    name: str
    modules: tuple[str, ...]  # below the library
    tests: tuple[str, ...]


def _all_of(folder: str) -> tuple[str, ...]:
    """The modules of a folder, or the one module that is named."""
    files = [LIBRARY / folder] if folder.endswith(".py") else sorted((LIBRARY / folder).rglob("*.py"))
    return tuple(str(one.relative_to(LIBRARY)) for one in files if one.name != "__init__.py")


# The operations that change access, lock, or decide when to: what only looks, reads snapshots or writes reports is not among them.
_OPERATIONS = (
    *("operations/access", "operations/writing", "operations/people", "operations/custody"),
    *("operations/sweep.py", "operations/keys/rotating.py", "entry/reactions.py"),
)


def rooms() -> tuple[Room, ...]:
    operations = tuple(module for name in _OPERATIONS for module in _all_of(name))
    operating = ("tests/operations", "tests/reactions")
    return (
        Room("access", _all_of("access"), ("tests/access", "tests/families", "tests/model", *operating)),
        Room("families", _all_of("families/opensearch"), ("tests/access", "tests/families", "tests/model", *operating)),
        Room("custody", _all_of("custody"), ("tests/custody", "tests/runbooks/test_table.py", *operating)),
        Room("signals", _all_of("signals"), ("tests/signals", "tests/reactions", "tests/cli/test_signal_verb.py")),
        Room("operations", operations, (*operating, "tests/custody", "tests/access", "tests/cli")),
    )
