"""Given a history, then what differs between any two states of a deployment, as it is, as it was, or with a file, is told by person."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.access.questions.changes import Changed, Diff
from portcullis.entry.verbs import VERBS
from portcullis.errors import BadInput, Refused
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.access.synchronise import synchronise
from portcullis.operations.services import Trigger

from tests.operations.orders import CAUSE, TEXT, cognito, group, orders_account
from tests.operations.worlds import Account, arn

NEW = TEXT.replace('fls: ["~customer"]', "fls: []").replace("    - {role: reads_payroll, to: {iam_user: rita}}\n", "")
NO_TOKENS = TEXT.replace(", by: role", "")


@pytest.fixture
def here() -> Account:
    return orders_account()


def moment(here: Account) -> str:
    return here.services.now().isoformat()


def diff(here: Account, old: str, new: str, **more: Any) -> Diff:
    found: Diff = VERBS["diff"].run(here.services, "demo", CAUSE, old=old, new=new, **more)
    return found


def turned(people: tuple[Changed, ...]) -> dict[str, tuple[object, ...]]:
    return {one.person: (one.loses, one.gains, one.lost, one.gained) for one in people}


def as_told(people: tuple[Changed, ...]) -> dict[str, tuple[object, ...]]:
    return {one.person: (one.gains, one.loses, one.gained, one.lost) for one in people}


def test_what_a_file_would_change_is_what_differs_from_before_once_it_is_applied(here: Account) -> None:
    before = moment(here)
    told = diff(here, "now", "file", text=NEW)
    assert told.people
    apply_text(here.services, "demo", NEW, CAUSE)
    assert as_told(diff(here, before, "now").people) == as_told(told.people)
    assert as_told(diff(here, before, moment(here)).people) == as_told(told.people)
    assert as_told(diff(here, before, "file", text=NEW).people) == as_told(told.people)
    assert diff(here, before, "file", text=TEXT).people == ()


def test_the_other_way_round_who_gained_loses(here: Account) -> None:
    before = moment(here)
    here.people.groups[group("readers")] = (cognito("lee"), cognito("zoe"))
    synchronise(here.services, "demo", Trigger("an event", "sam"))
    there = diff(here, before, "now").people
    assert {one.name for one in there} >= {"zoe"}
    assert turned(diff(here, "now", before).people) == as_told(there)


def test_both_are_called_by_what_they_are(here: Account) -> None:
    at = here.services.now()
    found = diff(here, at.isoformat(), "now")
    assert found.after == "demo as it is"
    assert found.before == f"demo at {at:%Y-%m-%d %H:%M:%S} UTC"
    assert any("which indices there were" in line for line in found.unknown)


def test_that_it_was_locked_then_is_said(here: Account) -> None:
    VERBS["lock"].run(here.services, "demo", CAUSE, reason="a leak")
    locked = moment(here)
    VERBS["unlock"].run(here.services, "demo", CAUSE)
    found = diff(here, locked, "now")
    assert found.people == ()
    assert any("nobody was let in, as it was locked" in line for line in found.unknown)


def asserted(here: Account, since: str) -> tuple[bool | None, str]:
    (one,) = diff(here, since, "now", assertions=["no one gains"]).assertions
    return one.holds, str(one)


def test_an_assertion_is_held_against_what_changed_since_then(here: Account) -> None:
    apply_text(here.services, "demo", NO_TOKENS, CAUSE)
    before = moment(here)
    here.people.groups[group("readers")] = ()
    synchronise(here.services, "demo", Trigger("an event", "sam"))
    assert asserted(here, before)[0] is True
    here.people.groups[group("readers")] = (cognito("zoe"),)
    synchronise(here.services, "demo", Trigger("an event", "sam"))
    holds, words = asserted(here, before)
    assert holds is False
    assert "cognito_user:zoe" in words


def test_what_no_history_tells_leaves_an_assertion_unknown(here: Account) -> None:
    """A group that counts by its role: whoever joined it gained something, and no change of the engine says so."""
    assert asserted(here, moment(here))[0] is None
    apply_text(here.services, "demo", NO_TOKENS, CAUSE)
    before = moment(here)
    assert asserted(here, before)[0] is True
    here.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/reads_payroll/users/-", "value": arn("user", "eve")}])
    holds, words = asserted(here, before)
    assert holds is None
    assert "made by hand" in words


@pytest.mark.parametrize(
    ("old", "new", "error", "said"),
    [
        ("now", "now", BadInput, "'now' twice"),
        ("file", "file", BadInput, "'file' twice"),
        ("yesterday", "now", BadInput, "'yesterday' is no time"),
        ("2999-01-01", "now", BadInput, "is to come"),
        ("1999-01-01", "now", Refused, "begins"),
        ("now", "file", BadInput, "demo.yaml"),
    ],
)
def test_what_cannot_be_compared_is_one_clear_error(
    here: Account, old: str, new: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        diff(here, old, new)


def test_very_many_indices_are_left_out_and_the_people_and_assertions_stay(
    here: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = moment(here)
    whole = diff(here, "now", "file", text=NEW, assertions=["no one gains"])
    monkeypatch.setattr("portcullis.access.questions.changes._ROOM", 0)
    found = diff(here, "now", "file", text=NEW, assertions=["no one gains"])
    assert [(one.person, one.gains, one.loses) for one in found.people] == [
        (one.person, one.gains, one.loses) for one in whole.people
    ]
    assert any(one.indices for one in whole.people)
    assert not any(one.indices for one in found.people)
    assert found.assertions == whole.assertions
    assert any("is left out, as it is too much" in line for line in found.unknown)
    apply_text(here.services, "demo", NEW, CAUSE)
    since = VERBS["access-between"].run(here.services, "demo", CAUSE, since=before)
    assert not any(one.indices for one in since.difference.people)
    assert any("is left out, as it is too much" in line for line in since.uncertain)
