"""Given a change that was read back, then who we can be is asked; an engine that does not act on it is found out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from portcullis.errors import Unreachable
from portcullis.families.opensearch.documents.dialects import Dialect
from portcullis.operations.access.changing.applying import Outcome
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.services import Services, Trigger
from portcullis.ports.engine import Principal
from portcullis.ports.registration import EngineUser, Registration

from tests.operations.worlds import Account, Engine, account, model_text

CAUSE = Trigger("a test", "somebody")
NOBODY = model_text("  users: {kim: {backend_roles: [team]}, lee: {}}\n").replace(
    "configuration: cognito", "configuration: internal"
)
KIM = NOBODY + "  grants: [{role: manage_snapshots, to: {backend_role: team}}]\n"
LEE = NOBODY + "  grants: [{role: manage_snapshots, to: {internal_user: lee}}]\n"


class As:
    """The engine as an internal user: says of him what the engine holds, or what it is told to say."""

    def __init__(self, name: str, engine: Engine, says: Callable[[Principal], Principal]) -> None:
        self.name, self.engine, self.says = name, engine, says

    def who_am_i(self) -> Principal:
        roles = {"kim": ("team",)}.get(self.name, ())
        return self.says(self.engine.authinfo(self.name, roles))


def at_work(says: Callable[[Principal], Principal] = lambda told: told, *, internal: bool = True) -> Account:
    made = account()
    made.registered(**{"master": EngineUser("portcullis-master", "the-masters")} if internal else {})
    asked: list[str] = []

    def user(_: Registration, name: str, password: str, dialect: Dialect) -> Any:
        assert (password, dialect) == (made.passwords.kept[f"portcullis/demo/{name}"], Dialect.PLUGINS)
        asked.append(name)
        return As(name, made.engine, says)

    made = replace(made, services=replace(made.services, user=user))
    applied(made.services, NOBODY)
    asked.clear()
    return made


def applied(services: Services, text: str) -> Outcome:
    return apply_text(services, "demo", text, CAUSE)


@pytest.mark.parametrize(("text", "who"), [(KIM, "kim"), (LEE, "lee")])
def test_only_people_who_gained_or_lost_a_role_are_checked_on_the_engine(text: str, who: str) -> None:
    """By their user name or by a backend role. If nothing changed, nobody is asked about."""
    made = at_work()
    (there,) = applied(made.services, text).asked
    assert (there.who, there.has, there.lacks, there.keeps) == (who, ("manage_snapshots",), (), ())
    (back,) = applied(made.services, NOBODY).asked
    assert (back.who, back.has, back.lacks, back.keeps) == (who, (), (), ())
    assert applied(made.services, NOBODY).asked == ()


def test_an_engine_that_ignores_a_change_is_told_by_role_and_exit_status() -> None:
    """It keeps the mapping but does not act on it. The change is written all the same and stands in the history."""
    deaf = at_work(lambda told: replace(told, roles=()))
    outcome = applied(deaf.services, KIM)
    assert (outcome.exit_status, outcome.asked[0].lacks) == (1, ("manage_snapshots",))
    stubborn = at_work(lambda told: replace(told, roles=("manage_snapshots",)))
    applied(stubborn.services, KIM)
    outcome = applied(stubborn.services, NOBODY)
    assert (outcome.exit_status, outcome.asked[0].keeps) == (1, ("manage_snapshots",))
    assert outcome.status == "applied", "it is written all the same, and in the history"
    assert stubborn.ledger.history("demo")[0].operation == "apply"


def test_a_node_that_is_still_reloading_is_asked_again() -> None:
    answers = iter([(), (), ("manage_snapshots",)])
    slow = at_work(lambda told: replace(told, roles=next(answers)))
    outcome = applied(slow.services, KIM)
    assert (outcome.exit_status, outcome.asked[0].lacks, next(answers, None)) == (0, (), None)


def test_one_who_cannot_be_asked_fails_nothing_and_is_said() -> None:
    def silent(_: Principal) -> Principal:
        raise Unreachable("the domain did not answer")

    outcome = applied(at_work(silent).services, KIM)
    assert (outcome.exit_status, outcome.asked[0].not_asked) == (0, "the domain did not answer")
    both = (
        NOBODY
        + "  grants: [{role: manage_snapshots, to: {internal_user: kim}}, {role: manage_snapshots, to: {internal_user: lee}}]\n"
    )
    assert [one.who for one in applied(at_work(silent).services, both).asked] == ["kim"], (
        "nobody waits for a silence twice"
    )
    lost = at_work()
    lost.passwords.kept.clear()
    assert "no secret portcullis/demo/kim" in applied(lost.services, KIM).asked[0].not_asked


def test_under_an_iam_master_nobody_is_asked_as_since_no_password_is_taken() -> None:
    made = at_work(internal=False)
    assert applied(made.services, KIM).asked == ()
