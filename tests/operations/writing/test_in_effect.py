"""Given an engine that keeps a change and cannot load it, then nothing is called done until it can."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from portcullis.access.plan import Subject, SubjectKind
from portcullis.errors import Refused, Unreachable
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.access.rolling_back import rollback
from portcullis.operations.access.synchronise import synchronise
from portcullis.operations.services import Trigger
from portcullis.operations.writing.in_effect import LATE, MAY_COME, in_doubt, looked_at_everything, may_have_come

from tests.operations.ledgers import Crash
from tests.operations.worlds import POOL, Account, account, model_text

CAUSE = Trigger("a test", "somebody")
READERS = Subject(SubjectKind.COGNITO_GROUP, "readers")
ANNA, BEN = f"Cognito/{POOL}/anna", f"Cognito/{POOL}/ben"
MODEL = model_text("  grants: [{role: manage_snapshots, to: {cognito_group: readers}}]\n")
NOT_IN_EFFECT = "keeps what was written and does not act on it"


@pytest.fixture
def made() -> Account:
    one = account()
    one.registered()
    one.people.groups = {READERS: (ANNA, BEN)}
    apply_text(one.services, "demo", MODEL, CAUSE)
    return one


def held(made: Account) -> tuple[str, ...]:
    return made.engine.held.entries("manage_snapshots", "users")


def test_a_removal_that_is_in_no_effect_is_an_error_until_it_is(made: Account) -> None:
    covered = made.ledger.watermark("demo")
    made.people.groups = {READERS: (ANNA,)}
    made.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/all_access/backend_roles/-", "value": "/(/"}])
    made.engine.cannot_load = True
    for _ in range(3):  # as often as it is looked at, though there is nothing left to write
        with pytest.raises(Unreachable, match=NOT_IN_EFFECT) as said:
            synchronise(made.services, "demo", CAUSE)
        assert ". Take out what they cannot read: rolesmapping/all_access/backend_roles: /(/" in str(said.value)
        assert held(made) == (ANNA,), "it is kept"
        assert made.ledger.watermark("demo") == covered, "and not called covered"
    made.engine.cannot_load = False
    assert synchronise(made.services, "demo", CAUSE).status == "unchanged"
    assert made.ledger.watermark("demo") != covered
    made.engine.cannot_load = True
    assert synchronise(made.services, "demo", CAUSE).status == "unchanged", "no doubt is left, so nobody is asked"


def test_whoever_is_cut_off_in_a_write_leaves_a_doubt_too(made: Account) -> None:
    """A function that is out of time while an engine does not answer: nobody saw how the write ended."""
    covered, fate = made.ledger.watermark("demo"), made.engine.fate

    @contextmanager
    def out_of_time(what: str) -> Iterator[None]:
        try:
            yield
        except Unreachable:
            raise Crash from None

    made.people.groups = {READERS: (ANNA,)}
    made.engine.cannot_load, made.engine.fate = True, out_of_time  # type: ignore[assignment]
    with pytest.raises(Crash):
        synchronise(made.services, "demo", CAUSE)
    assert held(made) == (ANNA,), "it is kept"
    made.engine.fate = fate
    made.ledger._leases.clear()
    for _ in range(2):
        with pytest.raises(Unreachable, match=NOT_IN_EFFECT):
            synchronise(made.services, "demo", CAUSE)
    assert made.ledger.watermark("demo") == covered, "nothing is called covered"
    made.engine.cannot_load = False
    assert synchronise(made.services, "demo", CAUSE).status == "unchanged"
    assert made.ledger.watermark("demo") != covered


def test_a_rollback_that_is_in_no_effect_is_an_error_until_it_is(made: Account) -> None:
    with pytest.raises(Refused, match="no model before it"):
        rollback(made.services, "demo", CAUSE, entry="1")
    apply_text(made.services, "demo", model_text("  grants: []\n"), CAUSE)
    made.engine.cannot_load = True
    with pytest.raises(Unreachable) as said:
        rollback(made.services, "demo", CAUSE, entry="1")
    assert "Take out" not in str(said.value), "nothing is known that they could not read"
    with pytest.raises(Unreachable, match=NOT_IN_EFFECT):
        synchronise(made.services, "demo", CAUSE)
    made.engine.cannot_load = False
    synchronise(made.services, "demo", CAUSE)


@pytest.mark.parametrize(("after", "may_come"), [(LATE, False), (LATE - timedelta(microseconds=1), True)])
def test_no_write_comes_later_than_a_function_runs(made: Account, after: timedelta, may_come: bool) -> None:
    site = made.services.site("demo")
    in_doubt(site)
    looked_at_everything(site, MAY_COME.saved(made.ledger, "demo") + after)  # type: ignore[operator]
    assert may_have_come(site) is may_come


def test_a_node_that_loads_it_at_the_next_try_is_done(made: Account) -> None:
    made.people.groups = {READERS: (BEN,)}
    made.engine.cannot_load = True
    services = replace(made.services, sleep=lambda _: setattr(made.engine, "cannot_load", False))
    assert synchronise(services, "demo", CAUSE).plan.steps
    assert held(made) == (BEN,)
    made.engine.cannot_load = True
    assert synchronise(made.services, "demo", CAUSE).status == "unchanged", "no doubt is left, so nobody is asked"
