"""What of an engine's config is seldom meant, asked of a family of engines: what only it can read of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from importlib import import_module
from typing import Protocol

from portcullis.access.actual import Actual
from portcullis.access.questions.findings import Pattern, WayUp
from portcullis.access.questions.persons import Person
from portcullis.access.questions.picture import Rule


class Finding(Protocol):
    @property
    def whole(self) -> str:
        """What is administered, in words."""

    @property
    def lets_in_iam_roles(self) -> bool:
        """Whether an IAM role may be let in, so that whoever may take it comes in."""

    def way_up(self, actual: Actual, roles: Collection[str]) -> WayUp | None:
        """The shortest way from these roles to administration; None if there is none. One step: one of them administers."""

    def misses(self, actual: Actual, names: Collection[str]) -> tuple[tuple[str, str], ...]:
        """Role and pattern, of roles that somebody may have and the engine did not bring along, where no name fits."""

    def by_alias(self, actual: Actual, aliases: Mapping[str, Sequence[str]]) -> tuple[tuple[str, str], ...]:
        """Role and alias, of roles that somebody may have and that reach indices by an alias alone, where its filter is no limit of the
        role's and can be lifted. `aliases`: with the indices of each."""

    def patterns(self, actual: Actual, people: Sequence[Person]) -> tuple[Pattern, ...]:
        """What lets in whoever fits it, each with those of these people whom it lets in."""

    def rules(self, actual: Actual, role: str, indices: Sequence[str]) -> tuple[Rule, ...]:
        """The permissions of a role, in words, with which of these indices each is on by its name."""


# family -> where its findings are. Loaded when it is first asked for.
FINDS: Mapping[str, tuple[str, str]] = {
    "opensearch": ("portcullis.families.opensearch.granting.finding", "OPENSEARCH"),
    "elasticsearch": ("portcullis.families.elasticsearch.granting.finding", "ELASTICSEARCH"),
}


def finding(family: str) -> Finding:
    """What finds for a family."""
    module, name = FINDS[family]
    found: Finding = getattr(import_module(module), name)
    return found
