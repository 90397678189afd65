"""All of who may see what at once, small enough to be sent and put into a page: a thousand people by a thousand indices are four bits a
cell, and the chain of reasons is kept by role, not by cell."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One permission of a role. `covers`: places of indices; None: it depends on who asks, or on the day."""

    says: str
    limits: str
    covers: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class DrawnRule:
    """`covers`: a bit an index, as `bits` writes them; "" where it depends."""

    says: str
    limits: str
    covers: str


@dataclass(frozen=True, slots=True)
class DrawnRole:
    name: str
    rules: tuple[DrawnRule, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A person. `roles`: place among the roles, and which entry of which mapping gives it."""

    person: str
    name: str
    groups: tuple[str, ...]
    carried: str
    principal: str
    backend: tuple[str, ...]
    roles: tuple[tuple[int, str], ...]
    stops: str  # why they cannot sign in, or perhaps cannot, or what keeps them out before the engine; empty: nothing


@dataclass(frozen=True, slots=True)
class Picture:
    """`reads`, `parts`, `writes`, `doubts`: a bit a cell, person by person, each person's bits from a whole byte on; Base64.
    `parts`: of what is read a part; `doubts`: something unknown. `page`: where the account keeps pages, as BUCKET/KEY; empty: nowhere."""

    deployment: str
    at: str
    people: tuple[Drawn, ...]
    indices: tuple[str, ...]
    roles: tuple[DrawnRole, ...]
    reads: str
    parts: str
    writes: str
    doubts: str
    stopped: str
    unknown: tuple[str, ...]
    not_looked_at: tuple[str, ...]
    exit_status: int = 0
    page: str = ""


def bits(places: Iterable[int], width: int) -> bytes:
    """A bit a place, the first the lowest of the first byte."""
    number = 0
    for place in places:
        number |= 1 << place
    return number.to_bytes((width + 7) // 8, "little")


def rows(cells: Sequence[Sequence[str]], width: int, word: str) -> str:
    """The bit of each cell in which the word stands, row by row, in Base64."""
    known: dict[tuple[str, ...], bytes] = {}  # many people are alike
    made = []
    for row in map(tuple, cells):
        if row not in known:
            known[row] = bits((place for place, cell in enumerate(row) if word in cell.split()), width)
        made.append(known[row])
    return b64encode(b"".join(made)).decode()
