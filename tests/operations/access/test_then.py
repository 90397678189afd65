"""Given a history, then who had access at a time is who was seen to have it at that time; and what is in no history is said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis.access.plan import SubjectKind
from portcullis.access.questions.then import Between, Then
from portcullis.entry.verbs import VERBS
from portcullis.errors import BadInput, Refused
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.access.synchronise import synchronise
from portcullis.operations.services import Trigger
from portcullis.ports.ledger import Change

from tests.laws import examples
from tests.operations.orders import CAUSE, TEXT, cognito, group, orders_account
from tests.operations.worlds import Account, arn

OPS = group("ops", SubjectKind.IAM_GROUP)
TEXTS = (
    TEXT,
    TEXT.replace('          dls: \'{"term": {"region": "eu"}}\'\n', ""),
    TEXT.replace("    - {role: reads_payroll, to: {iam_user: rita}}\n", ""),
    TEXT.replace("crud", "read"),
    TEXT.replace(
        "    - {role: keeps_orders, to: {iam_group: ops}}\n",
        "    - {role: keeps_orders, to: {cognito_group: readers}}\n",
    ),
)
PEOPLE = {
    group("readers"): [cognito(name) for name in ("both", "lee", "mo")],
    OPS: [arn("user", name) for name in ("kim", "pat")],
}
Seen = dict[str, tuple[set[str], set[str]]]


@pytest.fixture
def here() -> Account:
    return orders_account()


def moment(here: Account) -> datetime:
    return here.services.now()


def then(here: Account, at: datetime, **more: Any) -> Then:
    found: Then = VERBS["access"].run(here.services, "demo", CAUSE, at=at.isoformat(), **more)
    return found


def between(here: Account, since: datetime, **more: Any) -> Between:
    found: Between = VERBS["access-between"].run(here.services, "demo", CAUSE, since=since.isoformat(), **more)
    return found


def seen(here: Account) -> Seen:
    """Who reads and writes what now."""
    matrix = VERBS["matrix"].run(here.services, "demo", CAUSE)
    found: Seen = {}
    for row in matrix.people:
        cells = dict(zip(matrix.indices, row.cells, strict=True))
        reads = {index for index, cell in cells.items() if {"read", "part"} & set(cell.split())}
        found[row.person] = reads, {index for index, cell in cells.items() if "write" in cell.split()}
    return {person: both for person, both in found.items() if any(both)}


def said(found: Then) -> Seen:
    return {one.person: (set(one.reads), set(one.writes)) for one in found.people if one.reads or one.writes}


def follow(here: Account) -> None:
    synchronise(here.services, "demo", Trigger("an event", "sam"))


change = st.one_of(
    st.tuples(st.just("members"), st.sampled_from(sorted(PEOPLE)), st.integers(0, 7)),
    st.tuples(st.just("model"), st.integers(0, len(TEXTS) - 1), st.none()),
)


@given(st.lists(change, min_size=1, max_size=6))
@examples(25)
def test_who_had_access_is_who_was_seen_to_have_it(changes: list[Any]) -> None:
    here = orders_account()
    moments = [(moment(here), seen(here))]
    for what, which, members in changes:
        if what == "model":
            apply_text(here.services, "demo", TEXTS[which], CAUSE)
        else:
            here.people.groups[which] = tuple(one for bit, one in enumerate(PEOPLE[which]) if members >> bit & 1)
            follow(here)
        moments.append((moment(here), seen(here)))
    held = here.engine.held
    for at, was in moments:
        assert said(then(here, at)) == was
    assert here.engine.held == held


def test_whoever_left_is_named_with_what_they_had_and_by_what(here: Account) -> None:
    before = moment(here)
    here.people.groups[group("readers")] = (cognito("lee"),)
    here.people.groups[OPS] = ()
    follow(here)
    found = {one.person: one for one in then(here, before).people}
    assert found["iam_user:kim"].reads == found["iam_user:kim"].writes == ("orders-1", "orders-2")
    assert (found["iam_user:kim"].through, found["iam_user:kim"].certain) == (("keeps_orders",), True)
    assert "iam_user:kim" not in {one.person for one in then(here, moment(here)).people}
    assert [one.person for one in then(here, before, user="kim").people] == ["iam_user:kim"]
    assert {index for one in then(here, before, index="payroll-*").people for index in one.reads} == {"payroll-1"}
    assert "nobody called nemo was named" in then(here, before, user="nemo").answer


def test_what_is_seen_of_an_index_is_as_it_was(here: Account) -> None:
    before = moment(here)
    apply_text(here.services, "demo", TEXTS[1], CAUSE)
    was, now = (
        {one.person: one.sees for one in then(here, at).people}["cognito_user:anna"] for at in (before, moment(here))
    )
    assert all("region" in one for one in was)
    assert not any("region" in one for one in now)


def test_who_counts_by_the_role_of_a_group_is_not_certain(here: Account) -> None:
    found = {one.person: one for one in then(here, moment(here)).people}
    assert not found["cognito_user:anna"].certain
    assert found["cognito_user:lee"].certain
    assert any("counts by its role" in one for one in then(here, moment(here)).uncertain)


def test_what_was_made_by_hand_is_there_and_not_certain(here: Account) -> None:
    before = moment(here)
    here.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/reads_payroll/users/-", "value": cognito("eve")}])
    found = then(here, before)
    (eve,) = (one for one in found.people if one.name == "eve")
    assert (eve.reads, eve.certain) == (("payroll-1",), False)
    assert any(cognito("eve") in one and "made by hand" in one for one in found.uncertain)


def test_a_document_that_was_changed_by_hand_since_is_said_and_left(here: Account) -> None:
    before = moment(here)
    apply_text(here.services, "demo", TEXTS[1], CAUSE)
    here.engine.by_hand(Kind.ROLES, [{"op": "add", "path": "/part_of_orders/description", "value": "mine"}])
    here.engine.by_hand(
        Kind.ROLES, [{"op": "add", "path": "/part_of_orders/index_permissions/0/allowed_actions", "value": ["write"]}]
    )
    found = then(here, before)
    assert any("roles/part_of_orders is no longer as it was left" in one for one in found.uncertain)


def test_of_a_time_that_is_to_come_or_before_the_history_nothing_is_said(here: Account) -> None:
    with pytest.raises(BadInput, match="is to come"):
        then(here, here.services.now() + timedelta(days=1))
    with pytest.raises(Refused, match="begins"):
        then(here, here.services.now() - timedelta(days=1))
    with pytest.raises(BadInput, match="is not before"):
        between(here, here.services.now() + timedelta(seconds=1))


def test_between_two_times_the_history_is_read_once_and_no_further_back(
    here: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in TEXTS[1:3]:
        apply_text(here.services, "demo", text, CAUSE)
    since = moment(here)
    follow(here)
    apply_text(here.services, "demo", TEXTS[3], CAUSE)
    whole = [one.at for one in here.ledger.history("demo")]
    assert len(whole) > 2
    read: list[datetime] = []
    history = here.ledger.history

    def counted(name: str, limit: int) -> Iterator[Change]:
        for one in history(name, limit):
            read.append(one.at)
            yield one

    monkeypatch.setattr(here.ledger, "history", counted)
    for ask in (
        lambda: between(here, since),
        lambda: then(here, since),
        lambda: VERBS["diff"].run(here.services, "demo", CAUSE, old=since.isoformat(), new=moment(here).isoformat()),
    ):
        read.clear()
        ask()
        assert read == [*(at for at in whole if at > since), next(at for at in whole if at <= since)]


def test_that_it_was_locked_then_is_said(here: Account) -> None:
    open_ = moment(here)
    VERBS["lock"].run(here.services, "demo", CAUSE, reason="a leak")
    VERBS["guard"].run(here.services, "demo", CAUSE)
    locked = moment(here)
    assert then(here, open_).stopped == ""
    assert then(here, locked).stopped == "it was locked"
    assert said(then(here, locked)) == said(then(here, open_)), "who would have had access, had it been open"
    VERBS["unlock"].run(here.services, "demo", CAUSE)
    VERBS["guard"].run(here.services, "demo", CAUSE)
    assert then(here, locked).stopped == "it was locked"
    assert then(here, moment(here)).stopped == ""


def test_between_two_times_it_is_the_net_difference_with_what_happened(here: Account) -> None:
    since = moment(here)
    here.people.groups[OPS] = ()
    follow(here)
    middle = moment(here)
    here.people.groups[OPS] = (arn("user", "kim"),)
    follow(here)
    apply_text(here.services, "demo", TEXTS[2], CAUSE)
    found = between(here, since)
    assert {one.person: (one.gains, one.loses) for one in found.difference.people} == {
        "iam_user:anna": (False, True),
        "iam_user:rita": (False, True),
    }
    assert [one.operation for one in found.happened] == ["apply"] * 3
    assert {one.person for one in between(here, since, until=middle.isoformat()).difference.people} == {
        "iam_user:anna",
        "iam_user:kim",
    }
    assert [one.person for one in between(here, since, user="rita").difference.people] == ["iam_user:rita"]
    assert [one.person for one in between(here, since, index="orders-*").difference.people] == ["iam_user:anna"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("k*", {"kim"}),
        ("a*", set()),
        ("arn:*:user/kim", {"kim"}),
        ("iam_user:k*", {"kim"}),
        ("i*", set()),
        ("lee", {"lee"}),
    ],
)
def test_a_pattern_for_people_is_of_names_or_of_an_arn_if_written_like_one(
    here: Account, asked: str, expected: set[str]
) -> None:
    people = {one.name for one in then(here, moment(here), user=asked).people}
    assert (people if asked != "a*" else people - {"anna"}) == expected
