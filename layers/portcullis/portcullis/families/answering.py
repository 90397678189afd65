"""Who may do what, asked of a family of engines: one function a family, which answers a question over what the engine holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from importlib import import_module
from typing import Protocol

from portcullis.access.actual import Actual
from portcullis.access.desired import Desired
from portcullis.access.plan import Grant, People, Step
from portcullis.access.questions.answers import Decided, Request, Seen, There
from portcullis.access.questions.changes import Right
from portcullis.access.questions.documents import Field, Path
from portcullis.access.questions.persons import Person
from portcullis.access.terms import Caller


class Answering(Protocol):
    @property
    def not_looked_at(self) -> tuple[str, ...]:
        """What may let somebody in or keep them out besides, and is not asked about."""

    @property
    def only_if_named(self) -> tuple[str, ...]:
        """What is answered where a question names it, and left out of what looks at everything there is."""

    @property
    def not_in_history(self) -> tuple[str, ...]:
        """What was at an earlier time and no history tells, besides what it tells of no engine."""

    def answer(self, actual: Actual, caller: Caller, request: Request, there: There) -> Decided:
        """Whether this caller may do it. Raises for nothing that an engine can hold: what cannot be told is unknown, with the reason."""

    def field(self, seen: Seen, path: Path, engine: str) -> Field:
        """What a document of this index shows of a field, by the keys that lead to it, to whoever sees of the index what is `seen`."""

    def alike(self, actual: Actual, caller: Caller, indices: Iterable[str], there: There) -> Iterable[tuple[str, ...]]:
        """The indices, all of `there`, by groups: to this caller those of a group differ by their names alone, so that one answers for
        them all. A family that cannot tell gives each by itself."""

    def over_there(self, actual: Actual, patterns: Sequence[str], there: There) -> tuple[str, ...]:
        """Names of other clusters, `ALIAS:NAME`, that patterns of a question mean: those that there are, else names that stand for them.
        A family that cannot tell gives the patterns."""

    def permitting(self, actual: Actual, roles: Iterable[str], request: Request, there: There) -> tuple[str, ...]:
        """Which of these roles would be enough by themselves."""

    def examples(self, actual: Actual, pattern: str) -> tuple[str, ...]:
        """Names of indices that a pattern of a question fits, one for each way in which roles tell such names apart."""

    def telling_apart(self, actual: Actual, also: Collection[str] = ()) -> tuple[str, ...]:
        """Names of indices, one for each way in which roles that somebody has tell indices apart, as far as patterns say it; for those
        that fit one of the patterns `also`, too."""

    def unclear(self, actual: Actual, roles: Collection[str], name: str, pattern: str) -> tuple[str, ...]:
        """What of these roles may be on an index of this pattern or not, and such names cannot say it. `name`: of whoever has them."""

    def more(self, before: Actual, had: Collection[str], after: Actual, has: Collection[str]) -> tuple[Right, ...]:
        """What the roles `has` allow of what the engine holds `after`, and the roles `had` did not allow `before`, limits left aside."""

    def as_made(self, engine: str, wanted: Desired) -> Actual:
        """What an engine of this name holds before what is wanted is added to it."""

    def as_known(
        self, held: Actual, known: People | None, grants: Collection[Grant], people: Sequence[Person]
    ) -> tuple[Person, ...]:
        """These people as the engine knows them, and whoever else it lets in. `known`: how people are called there."""

    def as_known_then(
        self,
        held: Actual,
        known: People | None,
        grants: Collection[Grant],
        people: Sequence[Person],
        now: Sequence[Person],
    ) -> tuple[Person, ...]:
        """As `as_known`, of an earlier time. `people`: whom the engine itself named then; `now`: who there is now, as they are known."""

    def called(self, person: Person) -> tuple[str, ...]:
        """How holders of a role, and effects of a change, name this person."""

    def given(
        self, held: Actual, known: People | None, person: Person, role: str, *, takes: bool, because: str
    ) -> Step | None:
        """What gives a person a role, or takes it from them; None if it is so already, or nothing can."""


# family -> where its answer is. Loaded when it is first asked for.
ANSWERS = {
    "opensearch": ("portcullis.families.opensearch.deciding.answering", "OPENSEARCH"),
    "elasticsearch": ("portcullis.families.elasticsearch.answering", "ELASTICSEARCH"),
}


def answering(family: str) -> Answering:
    """What answers for a family."""
    module, name = ANSWERS[family]
    found: Answering = getattr(import_module(module), name)
    return found
