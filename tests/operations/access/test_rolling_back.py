"""A rollback puts model, roles and people back as they were, stands in the history as what it is, and can be rolled back itself."""

from __future__ import annotations

import pytest
from portcullis.access.plan import AppliedStep, Subject, SubjectKind
from portcullis.errors import Refused
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.access.rolling_back import rollback, stamp
from portcullis.operations.access.synchronise import synchronise
from portcullis.operations.services import Trigger
from portcullis.operations.writing.undertaking import digest
from portcullis.operations.writing.undoing import undone
from portcullis.ports.ledger import Change

from tests.operations.ledgers import Crash
from tests.operations.worlds import POOL, Account, account, model_text, plain

CAUSE = Trigger("a test", "somebody")
READERS, WRITERS = (Subject(SubjectKind.COGNITO_GROUP, name) for name in ("readers", "writers"))
ANNA, BEN = f"Cognito/{POOL}/anna", f"Cognito/{POOL}/ben"
ROLES = "  roles:\n    viewers: {index_permissions: [{index_patterns: [%s], allowed_actions: [read]}]}\n"
FIRST = model_text((ROLES % "logs-*") + "  grants: [{role: viewers, to: {cognito_group: readers}}]\n")
SECOND = model_text((ROLES % "orders-*") + "  grants: [{role: viewers, to: {cognito_group: writers}}]\n")


@pytest.fixture
def made() -> Account:
    one = account()
    one.registered()
    one.people.groups = {READERS: (ANNA,), WRITERS: (BEN,)}
    apply_text(one.services, "demo", FIRST, CAUSE)
    return one


def latest(made: Account) -> Change:
    return made.services.ledger.history("demo", 1)[0]


def users(made: Account) -> tuple[str, ...]:
    return made.engine.held.entries("viewers", "users")


def test_a_model_that_is_rolled_back_is_replaced_by_the_one_before_it(made: Account) -> None:
    before = plain(made.engine.held)
    apply_text(made.services, "demo", SECOND, CAUSE)
    after = plain(made.engine.held)
    assert users(made) == (BEN,)
    done = rollback(made.services, "demo", CAUSE, entry="1")
    assert (plain(made.engine.held), users(made)) == (before, (ANNA,))
    assert (done.status, done.writes > 0) == ("applied", True)
    assert made.services.ledger.model("demo").text == FIRST
    entry = latest(made)
    assert (entry.operation, entry.cause, entry.actor) == ("rollback", "a test", "somebody")
    assert (entry.model_before, entry.model_after) == (SECOND, digest(FIRST))
    assert all(one.because.startswith("undoes: ") for one in entry.touched if one.because)
    rollback(made.services, "demo", CAUSE, entry=stamp(entry))
    assert plain(made.engine.held) == after
    assert made.services.ledger.model("demo").text == SECOND


def test_a_role_that_was_taken_away_comes_back_with_whom_it_was_given_to(made: Account) -> None:
    """In the order in which they stood."""
    made.people.groups[READERS] = (ANNA, BEN)
    synchronise(made.services, "demo", CAUSE)
    before = plain(made.engine.held)
    apply_text(made.services, "demo", model_text("  grants: []\n"), CAUSE)
    assert made.engine.held.get(Kind.ROLES, "viewers") is None
    assert made.engine.held.get(Kind.MAPPINGS, "viewers") is None
    rollback(made.services, "demo", CAUSE, entry="1")
    assert plain(made.engine.held) == before
    assert users(made) == (ANNA, BEN)


def test_nobody_who_left_since_is_put_back_by_a_rollback(made: Account) -> None:
    """Not even for the moment until the next look at the groups."""
    apply_text(made.services, "demo", SECOND, CAUSE)
    made.people.groups = {READERS: (), WRITERS: (BEN,)}
    held = plain(made.engine.held)
    with pytest.raises(Refused, match="it would not last"):
        rollback(made.services, "demo", CAUSE, entry="1")
    assert plain(made.engine.held) == held
    assert made.services.ledger.model("demo").text == SECOND


def test_a_model_that_changes_nothing_on_the_engine_is_rolled_back(made: Account) -> None:
    """It is in the history like any other."""
    held, commented = plain(made.engine.held), f"# for the auditors\n{FIRST}"
    apply_text(made.services, "demo", commented, CAUSE)
    entry = latest(made)
    assert (entry.operation, entry.model_before, entry.model_after) == ("apply", FIRST, digest(commented))
    assert (entry.touched, "a new model" in entry.summary) == ((), True)
    rollback(made.services, "demo", CAUSE, entry="1")
    assert made.services.ledger.model("demo").text == FIRST
    assert plain(made.engine.held) == held


@pytest.mark.parametrize("after", [False, True], ids=["before it", "after it"])
@pytest.mark.parametrize("call", range(2, 14))
def test_a_rollback_that_is_cut_off_is_gone_on_with(made: Account, call: int, after: bool) -> None:
    """Whatever it was doing: the next run comes to one of the two models whole, with the people whom that one asks for."""
    apply_text(made.services, "demo", SECOND, CAUSE)
    made.fate.at, made.fate.after = made.fate.calls + call, after
    writes, wrote = made.engine.writes, True
    try:
        rollback(made.services, "demo", CAUSE, entry="1")
    except Crash:
        made.fate.at, wrote = -1, made.engine.writes > writes
        made.ledger._leases.clear()  # whoever had it is gone
        synchronise(made.services, "demo", CAUSE)
    made.fate.at = -1
    asked = {FIRST: (ANNA,), SECOND: (BEN,)}[made.services.ledger.model("demo").text]
    assert asked == (ANNA,) or not wrote, "what was begun on the engine is gone on with"
    assert users(made) == asked
    synchronise(made.services, "demo", CAUSE)
    assert users(made) == asked


def test_undoing_is_the_mirror_image_of_what_was_done() -> None:
    """In the opposite order, each with why; what had no reason gets none."""
    made_ = AppliedStep("add", Kind.ROLES, "viewers", after={"x": 1}, because="the model asks for it")
    put_in = AppliedStep("add", Kind.MAPPINGS, "viewers", "users", ANNA, after=ANNA)
    took_out = AppliedStep("remove", Kind.MAPPINGS, "viewers", "users", BEN, before=BEN, places=(1,))
    assert undone([made_, put_in, took_out]) == (
        AppliedStep("add", Kind.MAPPINGS, "viewers", "users", BEN, after=BEN),
        AppliedStep("remove", Kind.MAPPINGS, "viewers", "users", ANNA, before=ANNA),
        AppliedStep("remove", Kind.ROLES, "viewers", before={"x": 1}, because="undoes: the model asks for it"),
    )
