"""Which modules are mutated, by room, and which tests have to notice."""

from __future__ import annotations

from collections import Counter
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
_CHANGES = ("adopting", "deployments", "integrations", "masters", "new_findings", "rolling_back", "synchronise")
_OPERATIONS = (
    *("operations/access/changing", *(f"operations/access/{one}.py" for one in _CHANGES)),
    *("operations/writing", "operations/people", "operations/custody", "operations/telling.py"),
    *("operations/sweep.py", "operations/keys/rotating.py", "operations/keys/rekeying.py", "entry/reactions.py"),
)
# Of clusters that read each other: what makes, hands on and ends keys, and moves a connection.
_REMOTES = (
    *("operations/remotes/keys", "operations/remotes/moving"),
    *("operations/remotes/sweeping.py", "operations/remotes/connecting.py"),
)


def rooms() -> tuple[Room, ...]:
    operations, remotes = (
        tuple(module for name in names for module in _all_of(name)) for names in (_OPERATIONS, _REMOTES)
    )
    operating = ("tests/operations", "tests/reactions")
    return (
        Room("access", _all_of("access"), ("tests/access", "tests/families", "tests/model", *operating)),
        Room("families", _all_of("families"), ("tests/access", "tests/families", "tests/model", *operating)),
        Room("custody", _all_of("custody"), ("tests/custody", "tests/runbooks/test_table.py", *operating)),
        Room("signals", _all_of("signals"), ("tests/signals", "tests/reactions", "tests/cli/test_signal_verb.py")),
        Room("operations", operations, (*operating, "tests/custody", "tests/access", "tests/cli")),
        Room("remotes", remotes, ("tests/operations/remotes", "tests/remotes", "tests/operations/custody")),
    )


def left_out() -> dict[str, int]:
    """How many modules of a folder of the library are in no room."""
    within = {module for room in rooms() for module in room.modules}
    outside = (one for one in _all_of(".") if one not in within)
    return dict(Counter("/".join(one.split("/")[:2][: one.count("/")]) or one for one in outside))
