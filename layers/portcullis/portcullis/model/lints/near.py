"""Which of many patterns could cover an index that a pattern covers, without holding each of them against each."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Generic, TypeVar

from portcullis.model.names import literal

_Owner = TypeVar("_Owner")
_AFTER_ALL = "\U0010ffff"  # sorts behind what begins alike


class Near(Generic[_Owner]):
    """Patterns by what stands before their first wildcard. Two that have an index in common begin alike; expressions may be near to any.

    `owned`: (pattern, whose it is). What is near need not meet: `names.overlap` knows.
    """

    def __init__(self, owned: Iterable[tuple[str, _Owner]]) -> None:
        self._by_start: dict[str, set[_Owner]] = {}
        self._expressions: set[_Owner] = set()
        self._all: set[_Owner] = set()
        for pattern, owner in owned:
            self._all.add(owner)
            if pattern.startswith("/"):
                self._expressions.add(owner)
            else:
                self._by_start.setdefault(literal(pattern), set()).add(owner)
        self._starts = sorted(self._by_start)

    def to(self, patterns: Iterable[str]) -> set[_Owner]:
        """Whoever owns a pattern that is near to one of these."""
        return set().union(*(self._to(pattern) for pattern in patterns))

    def _to(self, pattern: str) -> set[_Owner]:
        if pattern.startswith("/"):
            return self._all
        start = literal(pattern)
        first, last = bisect_left(self._starts, start), bisect_left(self._starts, start + _AFTER_ALL)
        longer = self._starts[first:last]
        shorter = (start[:length] for length in range(len(start)))
        return self._expressions.union(*(self._by_start.get(one, ()) for one in (*shorter, *longer)))
