"""What of an engine's config is seldom meant, asked of a family of engines: what only it can read of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from importlib import import_module
from typing import Protocol

from portcullis.access.actual import Actual
from portcullis.access.findings import WayUp
from portcullis.access.persons import Person
from portcullis.access.picture import Rule
from portcullis.errors import Refused


class Finding(Protocol):
    def way_up(self, actual: Actual, roles: Collection[str]) -> WayUp | None:
        """The shortest way from these roles to administration; None if there is none. One step: one of them administers."""

    def misses(self, actual: Actual, names: Collection[str]) -> tuple[tuple[str, str], ...]:
        """Role and pattern, of roles that somebody may have and the engine did not bring along, where no name fits."""

    def let_in(self, pattern: Person, people: Collection[Person]) -> tuple[Person, ...] | None:
        """Who of these is let in by an entry that is a pattern; None if only the engine can tell."""

    def rules(self, actual: Actual, role: str, indices: Sequence[str]) -> tuple[Rule, ...]:
        """The permissions of a role, in words, with which of these indices each is on by its name."""

    def anybody(self, pattern: Person) -> bool:
        """Whether the entry lets in whoever there is."""


FINDS: Mapping[str, tuple[str, str]] = {"opensearch": ("portcullis.families.opensearch.finding", "OPENSEARCH")}


def finding(family: str) -> Finding:
    """Refused for a family of which nothing of the kind is worked out yet."""
    if family not in FINDS:
        raise Refused(
            f"findings about {family} are not worked out yet; `portcullis check` says what is seldom meant in a file"
        )
    module, name = FINDS[family]
    found: Finding = getattr(import_module(module), name)
    return found
