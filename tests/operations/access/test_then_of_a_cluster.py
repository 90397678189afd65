"""Given the history of an Elasticsearch, then who had access at a time is who was seen to have it, by the name that the cluster knows."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis.access.questions.then import Between, Then, as_it_was
from portcullis.families.elasticsearch.documents.config import Kind
from portcullis.operations.access.deployments import apply_text

from tests.laws import examples
from tests.operations import elastic
from tests.operations.access.test_applying_laws import apply, at_work
from tests.operations.access.test_questions_of_a_cluster import ACCESS, asks, cluster, mapped, text
from tests.operations.models import groups, texts_of
from tests.operations.orders import CAUSE, cognito, group
from tests.operations.worlds import Account, Make, arn, every_make, plain

OPS = group("ops", type(group("x").kind).IAM_GROUP)
PEOPLE = {
    group("readers"): [cognito(name) for name in ("anna", "emil", "zoe")],
    group("support"): [cognito(name) for name in ("ben", "emil")],
    OPS: [arn("user", name) for name in ("carl", "dora")],
}
ACCESSES = (
    ACCESS,
    ACCESS.replace("          query: {term: {region: eu}}\n", ""),
    ACCESS.replace("    - {role: keeps_orders, to: {iam_group: ops}}\n", ""),
    ACCESS.replace("[read, write]", "[all]"),
    ACCESS + "    - {role: keeps_orders, to: {cognito_group: support}}\n",
)
WAYS_IN = ("native_users: {}", "realm: {name: tokens}")
Seen = dict[str, tuple[set[str], set[str]]]


def then(here: Account, at: datetime, **more: Any) -> Then:
    found: Then = asks(here, "access", at=at.isoformat(), **more)
    return found


def moment(here: Account) -> datetime:
    return here.services.now()


def seen(here: Account) -> Seen:
    """Who reads and writes what now, by name: all that the cluster knows of somebody."""
    matrix = asks(here, "matrix")
    found: Seen = {}
    for row in matrix.people:
        cells = dict(zip(matrix.indices, row.cells, strict=True))
        reads = {index for index, cell in cells.items() if {"read", "part"} & set(cell.split())}
        found[row.person.partition(":")[2]] = reads, {index for index, cell in cells.items() if "write" in cell.split()}
    return {person: both for person, both in found.items() if any(both)}


def said(found: Then) -> Seen:
    return {one.name: (set(one.reads), set(one.writes)) for one in found.people if one.reads or one.writes}


change = st.one_of(
    st.tuples(st.just("members"), st.sampled_from(sorted(PEOPLE)), st.integers(0, 7)),
    st.tuples(st.just("model"), st.integers(0, len(ACCESSES) - 1), st.sampled_from(WAYS_IN)),
)


@given(st.sampled_from(WAYS_IN), st.lists(change, min_size=1, max_size=6))
@examples(25)
def test_who_had_access_is_who_was_seen_to_have_it(people: str, changes: list[Any]) -> None:
    here = cluster(people)
    moments = [(moment(here), seen(here))]
    for what, which, how in changes:
        if what == "model":
            apply_text(here.services, "demo", text(how, ACCESSES[which]), CAUSE)
        else:
            here.people.groups[which] = tuple(one for bit, one in enumerate(PEOPLE[which]) if how >> bit & 1)
            asks(here, "synchronise")
        moments.append((moment(here), seen(here)))
    held = here.engine.held
    for at, was in moments:
        assert said(then(here, at)) == was
    assert here.engine.held == held


def of_access(made: Account) -> list[Any]:
    """The history, without the tokens of leavers that were ended."""
    return [one for one in made.ledger.history("demo") if one.of_access]


@every_make
@examples(40)
@given(data=st.data(), people=groups)
def test_taking_back_the_whole_history_is_what_there_was_before(make: Make, people: Any, data: st.DataObject) -> None:
    made = at_work(make, people)
    states = [json.dumps(plain(made.engine.held), sort_keys=True)]
    for _ in range(data.draw(st.integers(1, 4))):
        before = len(of_access(made))
        made.people.groups = dict(data.draw(groups))
        apply(made, data.draw(texts_of(make)))
        if len(of_access(made)) > before:
            states.append(json.dumps(plain(made.engine.held), sort_keys=True))
    held: Any = made.engine.held
    for entry, was in zip(of_access(made), reversed(states[:-1]), strict=True):
        can, cannot = as_it_was(make.family, held, entry.touched)
        assert cannot == ()
        held = make.family.simulate_all(held, make.family.undoing(can, held))
        assert json.dumps(plain(held), sort_keys=True) == was


@pytest.mark.parametrize(("people", "who"), [(WAYS_IN[0], "internal_user:anna"), (WAYS_IN[1], "realm_user:anna")])
def test_whoever_left_is_who_the_cluster_knew_them_as(people: str, who: str) -> None:
    here = cluster(people)
    before = moment(here)
    here.people.groups[group("readers")] = ()
    here.people.groups[OPS] = ()
    asks(here, "synchronise")
    found = {one.person: one for one in then(here, before).people}
    assert found[who].reads == ("orders-1", "orders-2")
    assert all("region" in one and "without customer" in one for one in found[who].sees)
    assert (found[who].through, found[who].certain) == (("part_of_orders",), True)
    assert "cognito_user:ben" in found, "who is still there has the name that they have in Cognito"
    assert "anna" not in {one.name for one in then(here, moment(here)).people}
    assert [one.person for one in then(here, before, user="anna").people] == [who]
    assert any("who was which native user" in one for one in then(here, before).uncertain)


def test_who_was_in_a_group_that_the_token_names_is_not_certain() -> None:
    here = cluster("realm: {name: tokens, by: groups}")
    found = {one.person: one for one in then(here, moment(here)).people}
    assert not found["cognito_user:anna"].certain
    assert found["iam_user:carl"].certain
    assert any("counts by its role" in one for one in then(here, moment(here)).uncertain)


def test_a_role_given_by_hand_is_there_and_not_certain() -> None:
    here = cluster()
    before = moment(here)
    held = here.engine.held
    here.engine.held = held.with_document(Kind.USERS, "dora", elastic.user("keeps_orders"))
    found = then(here, before)
    (dora,) = (one for one in found.people if one.name == "dora")
    assert (dora.writes, dora.certain) == (("orders-1", "orders-2"), False)
    assert any("role_members/keeps_orders/users: dora was made by hand" in one for one in found.uncertain)


def test_a_role_mapping_by_hand_is_there_and_not_certain() -> None:
    here = cluster(WAYS_IN[1])
    before = moment(here)
    rules = {"all": [{"field": {"realm.name": "tokens"}}, {"field": {"username": "anna"}}]}
    mapped(here, "by hand", rules, "keeps_orders")
    found = then(here, before)
    (anna,) = (one for one in found.people if one.person == "cognito_user:anna")
    assert (anna.writes, anna.certain) == (("orders-1", "orders-2"), False)
    assert any("role_mapping/by hand was made by hand" in one for one in found.uncertain)
    assert not [one for one in found.uncertain if "portcullis/demo" in one], "ours are known"


@pytest.mark.parametrize("people", WAYS_IN)
def test_a_document_that_was_changed_by_hand_since_is_said_and_left(people: str) -> None:
    here = cluster(people)
    before = moment(here)
    apply_text(here.services, "demo", text(people, ACCESSES[1]), CAUSE)
    held = here.engine.held
    role = {**held.of(Kind.ROLES)["part_of_orders"], "cluster": ["monitor"]}
    here.engine.held = held.with_document(Kind.ROLES, "part_of_orders", role)
    found = then(here, before)
    assert any("role/part_of_orders is no longer as it was left" in one for one in found.uncertain)


def test_a_role_mapping_of_ours_that_was_edited_by_hand_stops_nothing() -> None:
    here = cluster(WAYS_IN[1])
    before = moment(here)
    here.people.groups[group("readers")] = (cognito("anna"),)
    asks(here, "synchronise")
    name = "portcullis/demo/part_of_orders"
    odd = {"all": [{"field": {"realm.name": "tokens"}}, {"any": [{"field": {"username": [5, None, "a*", "yva"]}}]}]}
    document = {**here.engine.held.of(Kind.MAPPINGS)[name], "rules": odd}
    here.engine.held = here.engine.held.with_document(Kind.MAPPINGS, name, document)
    found = then(here, before)
    assert any(f"role_mapping/{name} is no longer as it was left" in one for one in found.uncertain)
    assert "realm_user:yva" in {one.person for one in found.people}


def test_that_it_was_locked_then_is_said() -> None:
    here = cluster()
    open_ = moment(here)
    asks(here, "lock", reason="a leak")
    asks(here, "guard")
    locked = moment(here)
    assert then(here, locked).stopped == "it was locked"
    assert said(then(here, locked)) == said(then(here, open_)), "who would have had access, had it been open"
    asks(here, "unlock")
    asks(here, "guard")
    assert then(here, moment(here)).stopped == ""


def test_a_user_of_ours_that_went_is_back_with_its_roles() -> None:
    robot = ACCESS + "    - {role: keeps_orders, to: {internal_user: robot}}\n  users:\n    robot: {full_name: Robot}\n"
    here = cluster()
    apply_text(here.services, "demo", text(access=robot), CAUSE)
    before = moment(here)
    apply_text(here.services, "demo", text(), CAUSE)
    (one,) = then(here, before, user="robot").people
    assert (one.writes, one.certain) == (("orders-1", "orders-2"), True)
    assert then(here, moment(here), user="robot").people == ()


def test_somebody_is_asked_for_by_their_native_user_too() -> None:
    here = cluster('native_users: {of_levels: {support: "{name}.support"}}', ben_support=elastic.user())
    (one,) = then(here, moment(here), user="ben.support").people
    assert (one.person, one.through) == ("cognito_user:ben", ("level_support",))


def test_between_two_times_it_is_the_net_difference() -> None:
    here = cluster()
    since = moment(here)
    here.people.groups[OPS] = (arn("user", "dora"),)
    asks(here, "synchronise")
    found: Between = asks(here, "access-between", since=since.isoformat())
    assert {one.name: (one.gains, one.loses) for one in found.difference.people} == {
        "carl": (False, True),
        "dora": (True, False),
    }
