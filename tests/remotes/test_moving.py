"""A remote moved from certificates to a key: whatever roles, keys and people there are, no beginning of the steps lets anybody see more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from portcullis.access.plan import AccessModel, Grant, People, Subject, SubjectKind
from portcullis.access.questions.answers import There
from portcullis.families.elasticsearch.deciding.remote import API_KEY, CERTIFICATE
from portcullis.families.elasticsearch.documents.config import Kind, SecurityConfig
from portcullis.remotes.gains import (
    Effect,
    Party,
    Sides,
    compare,
    left_out,
    let_in,
    names,
    parties,
    proposal,
    reads,
    within,
)
from portcullis.remotes.moving import Act, Move, Stage, Standing, Step, Way, after, left_to_do, steps, undoing

OLD, NEW = "dc2", "dc2k"
RED = '{"term": {"team": "red"}}'
BLUE = '{"term": {"team": "blue"}}'
INDICES = ("logs-1", "logs-2", "hr", "metrics")
ROLES = ("reader", "writer", "auditor")
WAYS = [(Way.SECOND_ALIAS, NEW), (Way.SAME_ALIAS, OLD)]


def sides(**given_: Any) -> Sides:
    made = Sides(OLD, NEW, "9.5.3", "9.5.3", {}, {}, {}, {}, There(INDICES, every=True))
    made = replace(made, **given_)
    return replace(made, declared=given_.get("declared", made.roles))


def asks(names_: list[str], clusters: str = NEW, **more: Any) -> dict[str, Any]:
    return {"remote_indices": [{"clusters": [clusters], "names": names_, "privileges": ["read"], **more}]}


def gives(names_: list[str], **more: Any) -> dict[str, Any]:
    return {"indices": [{"names": names_, "privileges": ["read"], **more}]}


def key(*names_: str, **more: Any) -> dict[str, Any]:
    return {"search": [{"names": list(names_), **more}]}


READERS = (Party(("anna",), ("reader",)),)


def effects(one: Sides) -> dict[str, Effect]:
    return {moved.index: moved.effect for moved in compare(one)}


# ---------------------------------------------------------------------- made-up agreements

limits = st.fixed_dictionaries(
    {},
    optional={
        "query": st.sampled_from([RED, BLUE]),
        "field_security": st.sampled_from([{"grant": ["team"]}, {"grant": ["*"], "except": ["salary"]}]),
    },
)
some_names = st.lists(st.sampled_from(["logs-*", "logs-1", "hr", "*", "metrics"]), min_size=1, max_size=2, unique=True)
entries = st.builds(lambda of, more: {"names": of, "privileges": ["read"], **more}, some_names, limits)
far_roles = st.dictionaries(
    st.sampled_from(ROLES), st.builds(lambda one: {"indices": one}, st.lists(entries, max_size=2))
)
near_entries = st.builds(
    lambda one, clusters: {**one, "clusters": [clusters]}, entries, st.sampled_from([OLD, NEW, "*", "dc*", "other"])
)
near_roles = st.dictionaries(
    st.sampled_from(ROLES), st.builds(lambda one: {"remote_indices": one}, st.lists(near_entries, max_size=2))
)
allowed = st.builds(
    lambda one: {"search": one},
    st.lists(st.builds(lambda of, more: {"names": of, **more}, some_names, limits), min_size=1, max_size=2),
)
people = st.lists(
    st.lists(st.sampled_from([*ROLES, "superuser"]), min_size=1, max_size=2, unique=True), min_size=1, max_size=3
)


@st.composite
def agreements(draw: Any, *, by_hand: bool = True) -> Sides:
    held = draw(near_roles)
    declared = held if not by_hand else {**held, **draw(near_roles)}
    return sides(
        roles=held,
        declared=declared,
        far=draw(far_roles),
        access=draw(allowed),
        parties=tuple(Party((str(roles),), tuple(roles)) for roles in draw(people)),
    )


# ---------------------------------------------------------------------- the law


def before_of(way: Way) -> Standing:
    return Standing({OLD: CERTIFICATE})


def moments(way: Way, to: str, all_steps: tuple[Step, ...] | None = None) -> Iterator[tuple[Stage, Standing]]:
    """Every setting on every way through: forth, cut off after each move, and back from there, again after each move."""
    standing = before_of(way)
    for step in all_steps or steps(way, OLD, to):
        for number in range(len(step.moves) + 1):
            here = after(standing, step.moves[:number])
            yield step.stage, here
            if not step.final:
                going = here
                for undone in undoing(way, OLD, to, step.stage):
                    for move in undone.back:
                        going = after(going, [move])
                        yield step.stage, going
        standing = after(standing, step.moves)


def seen(one: Sides, standing: Standing, party: Party, name: str) -> list[Any]:
    """How a party reads an index, by each road that stands."""
    return [
        reading
        for alias, model in standing.roads.items()
        for reading in reads(replace(one, to=alias), party.roles, name, model)
    ]


def breaks(one: Sides, way: Way, to: str) -> bool:
    """Whether somebody, at some moment, sees what they did not see before and no file gives them."""
    different = {tuple(standing.roads.items()): standing for _, standing in moments(way, to)}.values()
    for party in one.parties:
        for name in names(one):
            was = reads(one, party.roles, name, CERTIFICATE)
            file = reads(replace(one, to=to), party.roles, name, API_KEY, one.declared)
            for standing in different:
                for reading in seen(one, standing, party, name):
                    if not any(within(reading, of) for of in (*was, *file)):
                        return True
    return False


@settings(max_examples=40, deadline=None)
@given(agreements(), st.sampled_from(WAYS))
def test_at_no_moment_anybody_sees_what_neither_was_nor_is_declared(one: Sides, way: tuple[Way, str]) -> None:
    """And where somebody would, exactly there the plan says so before anything is done."""
    one = replace(one, to=way[1])
    assert breaks(one, *way) == any(moved.undeclared for moved in compare(one))


@settings(max_examples=40, deadline=None)
@given(agreements(by_hand=False))
def test_by_a_second_alias_nobody_loses_anything_until_the_old_one_goes(one: Sides) -> None:
    at_last = [standing for _, standing in moments(Way.SECOND_ALIAS, NEW)][-1]
    before = {
        tuple(of.roads.items()): of for stage, of in moments(Way.SECOND_ALIAS, NEW) if stage is not Stage.WITHDRAW
    }
    assert len(before) == 2
    for party in one.parties:
        for name in names(one):
            was = reads(one, party.roles, name, CERTIFICATE)
            for standing in before.values():
                assert was[0] in seen(one, standing, party, name)
            declared = reads(one, party.roles, name, API_KEY)
            assert seen(one, at_last, party, name) == declared


@pytest.mark.parametrize(("way", "to"), WAYS)
def test_going_back_from_any_move_ends_where_it_began(way: Way, to: str) -> None:
    for step in steps(way, OLD, to):
        for number in range(len(step.moves) + 1):
            if step.final:
                continue
            standing = before_of(way)
            for one in steps(way, OLD, to):
                if one.stage is step.stage:
                    standing = after(standing, one.moves[:number])
                    break
                standing = after(standing, one.moves)
            for undone in undoing(way, OLD, to, step.stage):
                standing = after(standing, undone.back)
            assert (standing.leads, standing.keyed) == ({OLD: CERTIFICATE}, frozenset())


@pytest.mark.parametrize(("way", "to"), WAYS)
def test_a_move_done_twice_is_as_done_once(way: Way, to: str) -> None:
    standing = before_of(way)
    for step in steps(way, OLD, to):
        once = after(standing, step.moves)
        for number in range(len(step.moves) + 1):
            assert after(after(standing, step.moves[:number]), step.moves) == once
        standing = once
    assert standing.roads == {to: API_KEY}


def test_on_the_same_alias_there_is_no_road_within_the_switch_alone() -> None:
    without = {stage for stage, standing in moments(Way.SAME_ALIAS, OLD) if not standing.roads}
    assert Stage.SWITCH in without
    standing = before_of(Way.SAME_ALIAS)
    for step in steps(Way.SAME_ALIAS, OLD, OLD):
        standing = after(standing, step.moves)
        assert standing.roads


def test_the_old_road_taken_away_first_would_break_the_law() -> None:
    """The order is what the law hangs on: these are the same moves."""
    moves = [move for step in steps(Way.SECOND_ALIAS, OLD, NEW) for move in step.moves]
    wrong = sorted(moves, key=lambda move: move != Move(Act.DISCONNECT, OLD))
    assert any(not after(Standing({OLD: CERTIFICATE}), wrong[:number]).roads for number in range(1, len(wrong)))
    assert all(after(Standing({OLD: CERTIFICATE}), moves[:number]).roads for number in range(len(moves) + 1))


# ---------------------------------------------------------------------- who gains, who loses


def test_the_same_limits_on_either_side_keep_what_is_read() -> None:
    there = gives(["logs-*"], query=RED)
    by_key = sides(
        roles={"reader": asks(["logs-*"])},
        far={"reader": there},
        access=key("logs-*", query={"term": {"team": "red"}}),
        parties=READERS,
    )
    by_role = replace(by_key, roles={"reader": asks(["logs-*"], query=RED)}, access=key("*"))
    for one in (by_key, replace(by_role, declared=by_role.roles)):
        assert set(effects(one).values()) == {Effect.KEEPS}


@pytest.mark.parametrize(
    ("far", "near", "access", "effect"),
    [
        (gives(["hr"]), {}, key("*"), Effect.LOSES),
        (gives(["hr"]), asks(["hr"]), key("logs-*"), Effect.LOSES),
        (gives(["hr"]), asks(["hr"], query=RED), key("*"), Effect.LESS),
        (gives(["hr"], query=RED), asks(["hr"]), key("*"), Effect.MORE),
        (gives(["hr"], query=RED), asks(["hr"], query=BLUE), key("*"), Effect.OTHER),
        (gives(["hr"]), asks(["hr"], field_security={"grant": ["team"]}), key("*"), Effect.LESS),
        ({}, asks(["hr"]), key("*"), Effect.GAINS),
        (gives(["hr"]), asks(["hr"], clusters="other"), key("*"), Effect.LOSES),
    ],
)
def test_who_gains_and_who_loses_is_said(far: Any, near: Any, access: Any, effect: Effect) -> None:
    one = sides(roles={"reader": near}, far={"reader": far} if far else {}, access=access, parties=READERS)
    (moved,) = [of for of in compare(one) if of.index == "hr"]
    assert moved.effect is effect
    assert moved.gains == (effect in (Effect.GAINS, Effect.MORE, Effect.OTHER))
    assert moved.loses == (effect in (Effect.LOSES, Effect.LESS, Effect.OTHER))
    assert not moved.undeclared
    assert "nothing" in (moved.before, moved.after) or effect not in (Effect.GAINS, Effect.LOSES)


def test_a_super_user_loses_what_is_beyond_the_key() -> None:
    one = sides(access=key("logs-*"), parties=(Party(("every super user",), ("superuser",)),))
    found = effects(one)
    assert (found["logs-1"], found["hr"]) == (Effect.KEEPS, Effect.LOSES)
    assert Effect.GAINS not in found.values()


def test_a_role_made_by_hand_that_would_gain_is_undeclared() -> None:
    one = sides(roles={"reader": asks(["*"], clusters="*")}, declared={}, far={}, access=key("logs-*"), parties=READERS)
    assert {moved.index for moved in compare(one) if moved.undeclared} == {"logs-1", "logs-2", "logs-*"}
    file = replace(one, declared={"reader": asks(["logs-*"], query=RED)})  # the file gives less
    assert all(moved.undeclared for moved in compare(file))
    assert not any(moved.undeclared for moved in compare(replace(one, declared=one.roles)))


def test_what_cannot_be_looked_at_over_there_is_not_known() -> None:
    one = sides(roles={"reader": asks(["logs-*"])}, far=None, access=key("logs-*"), parties=READERS)
    found = [moved for moved in compare(one) if moved.index == "logs-1"]
    assert [(moved.effect, moved.before, moved.after) for moved in found] == [
        (Effect.UNKNOWN, "not known", "all of it")
    ]


def test_what_the_file_gives_and_the_engine_has_not_is_owed() -> None:
    one = sides(roles={"reader": {}}, far={"reader": gives(["logs-*"])}, access=key("logs-*"), parties=READERS)
    assert not any(moved.owed for moved in compare(one))
    owing = replace(one, declared={"reader": asks(["logs-*"])})
    assert {moved.index for moved in compare(owing) if moved.owed} == {"logs-1", "logs-2", "logs-*"}


@settings(max_examples=40, deadline=None)
@given(far_roles)
def test_what_is_proposed_keeps_what_everybody_reads(far: Any) -> None:
    """A plan without lines in the files proposes them; with these nobody but super users loses, and nobody gains."""
    empty: dict[str, Any] = {name: {} for name in ROLES}
    one = sides(roles=empty, far=far, parties=tuple(Party((name,), (name,)) for name in ROLES))
    access, roles = proposal(one)
    assume(access)
    full = {name: {"remote_indices": roles.get(name, [])} for name in ROLES}
    moved = compare(replace(one, roles=full, declared=full, access=access))
    assert not [of for of in moved if of.gains]
    assert not [of for of in moved if of.loses]


def test_parties_are_users_by_roles_and_of_a_realm_those_of_grants() -> None:
    held = SecurityConfig(
        {
            Kind.USERS: {
                "anna": {"roles": ["reader"]},
                "ben": {"roles": ["reader"]},
                "off": {"roles": ["auditor"], "enabled": False},
                "portcullis": {"roles": ["portcullis_security"]},
                "elastic": {"roles": ["superuser"], "metadata": {"_reserved": True}},
                "boss": {"roles": ["superuser", "reader"]},
            }
        }
    )
    assert parties(AccessModel(), held, {}) == (
        Party(("every super user",), ("superuser",)),
        Party(("anna", "ben"), ("reader",)),
    )
    grants = tuple(
        Grant(Subject(SubjectKind.COGNITO_GROUP, group), role, "a file")
        for group, role in (("r", "reader"), ("a", "auditor"))
    )
    found = parties(
        AccessModel(grants=grants, people=People("orders", realm="cognito")),
        SecurityConfig({}),
        {"maya": ("cognito_group:r", "cognito_group:a")},
    )
    assert Party(("maya",), ("auditor", "reader")) in found
    assert Party(("cognito_group:r",), ("reader",)) in found


def test_roles_that_let_in_by_their_name_are_left_for_a_person_to_take_away() -> None:
    one = sides(
        roles={"reader": {}, "portcullis_remotes": {}},
        far={"reader": gives(["hr"]), "other": gives(["hr"]), "portcullis_remotes": gives(["x"])},
        parties=READERS,
    )
    assert let_in(one) == ("reader",)
    left = left_to_do(Way.SECOND_ALIAS, OLD, NEW, "orders", "logs", {"reader": True})
    assert [of.what.partition(":")[0] for of in left] == ["orders", "logs", "logs"]
    assert "portcullis apply logs" in left[1].how
    assert len(left_to_do(Way.SAME_ALIAS, OLD, OLD, "orders", "", {"reader": False})) == 2


@pytest.mark.parametrize(("indices", "beyond"), [(3, 0), (98, 0), (99, 1), (250, 152)])
def test_what_is_too_much_to_compare_is_counted_and_patterns_come_first(indices: int, beyond: int) -> None:
    """Beside the indices stands a name for any other one."""
    one = sides(
        there=There(tuple(f"logs-{number}" for number in range(indices)), every=True),
        roles={"r": asks(["hr-*", ""])},
        parties=(Party(("anna",), ("r",)),),
        access=key("hr-*"),
    )
    assert (len(names(one)), left_out(one)) == (min(100, indices + 2), beyond)
    assert "hr-*" in names(one).values()
