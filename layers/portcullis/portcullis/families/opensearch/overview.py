"""Questions about many: who may do something on an index, and people by indices. Asked of a compiled config, index by index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from portcullis.access.terms import Caller
from portcullis.families.opensearch.compiled import Compiled
from portcullis.families.opensearch.limits import Unreadable
from portcullis.families.opensearch.roles import LIMITS
from portcullis.families.opensearch.view import Decision
from portcullis.families.opensearch.world import Asked


class Access(StrEnum):
    NONE = "none"
    PART = "part"  # documents, fields or masks limit what is seen
    ALL = "all"
    UNKNOWN = "unknown"  # only the engine can tell, or only how much


@dataclass(frozen=True, slots=True)
class Row:
    """A person by the indices of the matrix, a bit each."""

    caller: Caller
    granted: int
    limited: int
    unknown: bool  # whether an entry that only the engine can read may give them more, or less

    def cells(self, places: Sequence[int], width: int) -> list[Access]:
        """By the places of the indices among all names."""
        if self.unknown:
            return [Access.UNKNOWN] * len(places)
        granted, limited = (f"{bits:0{width}b}"[::-1] for bits in (self.granted, self.limited))
        return [_CELLS[granted[at] + limited[at]] for at in places]


_CELLS = {"00": Access.NONE, "01": Access.NONE, "10": Access.ALL, "11": Access.PART}


@dataclass(frozen=True, slots=True)
class Matrix:
    indices: tuple[str, ...]
    places: tuple[int, ...]
    width: int
    rows: tuple[Row, ...]

    def cells(self, row: Row) -> list[Access]:
        """In the order of `indices`."""
        return row.cells(self.places, self.width)


def who_can(compiled: Compiled, people: Iterable[Caller], action: str, index: str) -> list[tuple[Caller, Decision]]:
    """Those who may do it on the index, or of whom only the engine knows, each with the answer."""
    found = ((caller, compiled.decide(caller, action, (index,))) for caller in people)
    return [(caller, decision) for caller, decision in found if decision.allowed or decision.unknown]


def matrix(compiled: Compiled, people: Iterable[Caller], action: str, indices: Iterable[str] | None = None) -> Matrix:
    """What each may do on each index by itself: the same as a question for each, and quicker. Of names that exist alone."""
    world = compiled.world
    known = compiled.names.place
    names = tuple(sorted({name for name in (world.indices if indices is None else indices) if name in known}))
    rows = tuple(_row(compiled, caller, action, compiled.names.of(names)) for caller in people)
    return Matrix(names, tuple(known[name] for name in names), len(known), rows)


def _row(compiled: Compiled, caller: Caller, action: str, asked: int) -> Row:
    try:
        return _told(compiled, caller, action, asked)
    except Unreadable:
        return Row(caller, 0, 0, bool(compiled.who(caller).unknown))  # every request of theirs is refused


def _told(compiled: Compiled, caller: Caller, action: str, asked: int) -> Row:
    """Raises Unreadable where a limit of theirs cannot be worked out."""
    who = compiled.who(caller)
    granted = compiled.granted(who, action) & asked
    limited = 0
    for limit in LIMITS:
        part, nothing = compiled.limited_names(who, limit)
        limited |= part | nothing
    if limited & granted and (compiled.may_be_refused(who, action)):
        for name in compiled.names.names(limited & granted):
            bit = compiled.names.of((name,))
            if compiled.broken(who, action, Asked(bit)):
                granted &= ~bit
    return Row(caller, granted, limited & granted, bool(who.unknown))
