"""`who-can` asks about one index of each kind that are alike to a person, and says the same as if it had asked about every index."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from portcullis.access.questions.answers import Request, There
from portcullis.access.questions.persons import Person
from portcullis.access.terms import Caller
from portcullis.families import family_named
from portcullis.families.answering import answering
from portcullis.families.opensearch.documents.config import SecurityConfig
from portcullis.operations.access.asking.questions import who_can
from portcullis.operations.access.asking.scene import Scene

from benchmarks.deciding.cases import PEOPLE, case

NOW = datetime(2026, 11, 30, tzinfo=UTC)


class Counted:
    """The family's answers, and how many names they were asked about."""

    def __init__(self, *, of_each: bool) -> None:
        self.answers, self.of_each, self.names = answering("opensearch"), of_each, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.answers, name)

    def alike(self, held: Any, caller: Caller, indices: Iterable[str], there: There) -> Iterable[tuple[str, ...]]:
        return [(one,) for one in indices] if self.of_each else self.answers.alike(held, caller, indices, there)

    def answer(self, held: Any, caller: Caller, request: Request, there: There) -> Any:
        self.names += len(request.indices)
        return self.answers.answer(held, caller, request, there)


def scene(seed: int, engine: str, answers: Any, *, aliases: bool) -> Scene:
    one = case(seed, NOW)
    held, world = SecurityConfig(one["security"]), one["world"]
    people = tuple(
        Person("internal_user", who["name"], who["name"], caller)
        for who in PEOPLE
        for caller in [Caller(who["name"], tuple(who.get("backend_roles", ())), who.get("attributes", {}))]
    )
    there = There(
        tuple(world["indices"]),
        engine,
        every=True,
        aliases={name: tuple(of) for name, of in world["aliases"].items()} if aliases else None,
        streams={name: tuple(of) for name, of in world["streams"].items()},
        hidden=tuple(world["hidden"]),
    )
    return Scene("logs", family_named("opensearch"), answers, (), people, held, held, there, None)


@pytest.mark.parametrize("engine", ["OpenSearch_3.3", "OpenSearch_2.19"])
@pytest.mark.parametrize("aliases", [True, False])
@pytest.mark.parametrize("does", ["read", "write", "indices:admin/delete"])
def test_indices_that_are_alike_are_told_as_if_each_was_asked_about(engine: str, aliases: bool, does: str) -> None:
    by_kinds, each = Counted(of_each=False), Counted(of_each=True)
    for seed in range(4):
        request = Request(does, indices=("*",))
        told, meant = (who_can(scene(seed, engine, one, aliases=aliases), request) for one in (by_kinds, each))
        assert told == meant, seed
    assert by_kinds.names < each.names
