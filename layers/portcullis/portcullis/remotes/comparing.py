"""What two keys between clusters allow, against each other: what the later one takes away, and what it gives beside. Pure.

Entries of a key add up, so that taking one away never shows more, and adding one never shows less. What only the engine could tell (a
regular expression within another one) is said on both sides: neither list is ever too short.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from portcullis.access.actual import Json
from portcullis.families.elasticsearch.documents.compare import canonical_access
from portcullis.families.elasticsearch.known.names import Unreadable, within
from portcullis.remotes.parties import listed


@dataclass(frozen=True, slots=True)
class Difference:
    """In words, an entry each."""

    narrower: tuple[str, ...] = ()  # was allowed, and is not any more
    wider: tuple[str, ...] = ()  # is allowed, and was not


@dataclass(frozen=True, slots=True)
class _Unit:
    """One name or pattern of one entry. `query`, `fields`: as JSON; empty: no limit."""

    part: str
    name: str
    query: str
    fields: str

    @property
    def words(self) -> str:
        limits = [f"documents that match {self.query}"] if self.query else []
        limits += [f"fields {self.fields}"] if self.fields else []
        return f"{self.part} of {self.name}{': ' if limits else ''}{', '.join(limits)}"

    def within(self, others: Collection[_Unit]) -> bool:
        """Whether one of the others shows all that this one does."""
        for other in others:
            if other.part == self.part and other.query in ("", self.query) and other.fields in ("", self.fields):
                try:
                    if within(self.name, [other.name]):
                        return True
                except Unreadable:
                    continue
        return False


def differ(before: Json, after: Json) -> Difference:
    """`before`, `after`: what a key allows, as the engine takes it. Empty on both sides if they come to the same."""
    old, new = list(_units(before)), list(_units(after))
    gone = [one.words for one in old if not one.within(new)]
    added = [one.words for one in new if not one.within(old)]
    return Difference(tuple(dict.fromkeys(gone)), tuple(dict.fromkeys(added)))


def in_words(access: Json) -> tuple[str, ...]:
    """What a key allows, a line for each name."""
    return tuple(one.words for one in _units(access))


def _units(access: Json) -> Iterator[_Unit]:
    for part, entries in canonical_access(access).items():
        for one in entries:
            query, fields = (json.dumps(one[key], sort_keys=True) if key in one else "" for key in _LIMITS)
            yield from (_Unit(part, name, query, fields) for name in sorted(listed(one.get("names"))))


_LIMITS = ("query", "field_security")
