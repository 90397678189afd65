"""The laws of a plan, for any family of engines, any model, any state and any claims."""

from __future__ import annotations

import random
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st
from portcullis.access.actual import Actual
from portcullis.access.desired import Desired
from portcullis.access.difference import difference
from portcullis.access.guard import guard_plan
from portcullis.access.plan import Claim
from portcullis.families import FAMILIES

from .cases import CASES, Case, every_family

Claims = frozenset[Claim]


class History(NamedTuple):
    """An engine with something of ours on it, edited by hand since, and a model that has changed since."""

    held: Actual
    desired: Desired
    mine: Claims


def settled(
    case: Case, desired: Desired, held: Actual, mine: Claims, others: Claims = frozenset()
) -> tuple[Actual, Claims]:
    plan = difference(case.family, desired, held, mine, others)
    return case.applied(plan, held), plan.claims_after(mine)


@st.composite
def histories(draw: st.DrawFn, case: Case) -> History:
    family = case.family
    held, claims = settled(case, draw(case.desires()), draw(case.held_states()), frozenset())
    edited = draw(case.held_states())
    kind = draw(st.sampled_from([None, family.roles, family.mappings]))
    if kind is not None:
        held = case.edited(held, edited, kind)
    return History(held, draw(case.desires()), claims)


def test_every_family_that_a_registration_can_name_is_held_against_the_laws() -> None:
    assert {case.family.name for case in CASES} == set(FAMILIES)


@every_family
@given(st.data())
def test_a_plan_after_its_own_apply_is_empty(case: Case, data: st.DataObject) -> None:
    held, desired, mine = data.draw(histories(case))
    after, claims = settled(case, desired, held, mine)
    again = difference(case.family, desired, after, claims)
    assert again.steps == ()
    assert again.claim_only == ()
    assert again.release_only == ()
    assert again.claims_after(claims) == claims


@every_family
@given(st.data())
def test_applying_the_same_plan_twice_is_applying_it_once(case: Case, data: st.DataObject) -> None:
    held, desired, mine = data.draw(histories(case))
    once, claims = settled(case, desired, held, mine)
    twice, claims_twice = settled(case, desired, once, claims)
    assert (twice, claims_twice) == (once, claims)


@every_family
@given(st.data())
def test_an_apply_interrupted_anywhere_and_resumed_ends_the_same(case: Case, data: st.DataObject) -> None:
    held, desired, mine = data.draw(histories(case))
    plan = difference(case.family, desired, held, mine)
    sequence = case.family.writes(plan.steps, held)
    stop = data.draw(st.integers(0, len(sequence)))
    # The claims stood in the ledger before the first write; those of what was removed have not been taken out yet.
    interrupted = case.family.simulate_all(held, sequence[:stop])
    resumed, claims = settled(case, desired, interrupted, plan.claims_before(mine))
    assert case.alike(resumed, case.applied(plan, held))
    assert claims == plan.claims_after(mine)


@every_family
@given(st.data())
def test_what_others_made_is_never_touched(case: Case, data: st.DataObject) -> None:
    held, desired, mine = data.draw(histories(case))
    plan = difference(case.family, desired, held, mine)
    after = case.applied(plan, held)
    for role in held.of(case.family.mappings):
        for entry_list in case.family.lists:
            for entry in held.entries(role, entry_list):
                claim = Claim(case.family.mappings, role, entry_list, entry)
                if claim not in mine:
                    assert entry in after.entries(role, entry_list)
    for name in held.of(case.family.roles):
        if Claim(case.family.roles, name) not in mine:
            assert after.get(case.family.roles, name) == held.get(case.family.roles, name)


@every_family
@given(st.data())
def test_reserved_documents_are_never_changed(case: Case, data: st.DataObject) -> None:
    held, desired, mine = data.draw(histories(case))
    after = case.applied(difference(case.family, desired, held, mine, adopt=True), held)
    for kind, named in held.documents.items():
        for name, document in named.items():
            if held.is_fixed(kind, name):
                assert after.of(kind)[name] == document


@every_family
@given(st.data())
def test_no_list_gets_an_entry_twice(case: Case, data: st.DataObject) -> None:
    held, desired, mine = data.draw(histories(case))
    after = case.applied(difference(case.family, desired, held, mine), held)
    for role in after.of(case.family.mappings):
        for entry_list in case.family.lists:
            entries = after.entries(role, entry_list)
            assert len(set(entries)) == len(entries)


@every_family
@given(st.data(), st.randoms(use_true_random=False))
def test_the_difference_is_the_same_for_any_order_of_the_inputs(
    case: Case, data: st.DataObject, chance: random.Random
) -> None:
    held, desired, mine = data.draw(histories(case))

    def shuffled(named: object) -> dict[object, object]:
        assert isinstance(named, dict)
        items = list(named.items())
        chance.shuffle(items)
        return dict(items)

    other_held = case.holding({kind: shuffled(named) for kind, named in held.documents.items()})  # type: ignore[misc]
    entries = {
        role: {name: shuffled(e) for name, e in shuffled(lists).items()}
        for role, lists in shuffled(desired.entries).items()
    }
    other_desired = Desired({k: shuffled(n) for k, n in desired.documents.items()}, entries)  # type: ignore[misc,arg-type]
    assert difference(case.family, other_desired, other_held, mine) == difference(case.family, desired, held, mine)


@every_family
@given(st.data(), st.lists(st.booleans(), max_size=6))
def test_two_owners_never_undo_one_another(case: Case, data: st.DataObject, turns: list[bool]) -> None:
    held, one, two = data.draw(case.held_states()), data.draw(case.desires()), data.draw(case.desires())
    models, claims = {True: one, False: two}, {True: frozenset[Claim](), False: frozenset[Claim]()}
    for turn in turns:
        plan = difference(case.family, models[turn], held, claims[turn], claims[not turn])
        before, held = held, case.applied(plan, held)
        claims[turn] = plan.claims_after(claims[turn])
        for claim in claims[not turn] & models[not turn].claims(case.family.mappings):
            if claim.entry_list and claim.entry in before.entries(claim.name, claim.entry_list):
                assert claim.entry in held.entries(claim.name, claim.entry_list)
            elif not claim.entry_list and before.get(claim.kind, claim.name) is not None:
                now, had = held.get(claim.kind, claim.name), before.get(claim.kind, claim.name)
                assert case.family.same(claim.kind, now, had)
    # Both come to rest: in two rounds, since one may wait for a role that the other makes.
    for turn in (True, False, True, False):
        held, claims[turn] = settled(case, models[turn], held, claims[turn], claims[not turn])
    for turn in (True, False):
        assert difference(case.family, models[turn], held, claims[turn], claims[not turn]).steps == ()


@every_family
@given(st.data())
def test_when_one_of_two_owners_leaves_the_other_keeps_everything(case: Case, data: st.DataObject) -> None:
    held, one, two = data.draw(case.held_states()), data.draw(case.desires()), data.draw(case.desires())
    held, first = settled(case, one, held, frozenset())
    plan = difference(case.family, two, held, frozenset(), first)
    blocked = {conflict.claim.name for conflict in plan.conflicts}
    held, second = case.applied(plan, held), plan.claims_after(frozenset())
    kept = {claim for claim in second if claim.entry_list}
    held, first = settled(case, Desired(), held, first, second)
    # What stays ours: an emptied mapping, as long as its role is there (taking it away could take an entry added meanwhile),
    # and a role that the other one grants without declaring it.
    assert all(not claim.entry_list for claim in first)
    given = {role for c in second for role in case.family.names_roles(c.kind, held.get(c.kind, c.name) or {})}
    relied_on = given | {claim.name for claim in kept}
    assert {claim.name for claim in first if claim.kind == case.family.roles} <= relied_on
    for claim in kept:
        assert claim.entry in held.entries(claim.name, claim.entry_list)
    assert {step.claim.name for step in difference(case.family, two, held, second, first).steps} <= blocked


@every_family
@given(st.data())
def test_accepted_plans_never_leave_the_domain_without_an_administrator(case: Case, data: st.DataObject) -> None:
    """Whatever plans follow one another: if the guard lets them pass, there is an administrator after every single write."""
    held, models = data.draw(case.held_states()), data.draw(st.lists(case.desires(), max_size=4))
    claims: Claims = frozenset()
    for model in models:
        plan = difference(case.family, model, held, claims, adopt=True)
        sequence = case.family.writes(plan.steps, held)
        if any(danger.refuses for danger in guard_plan(case.family, held, sequence, case.keepers, model)):
            continue
        had = case.family.administrators(held)
        for write in sequence:
            held = case.family.simulate(held, write)
            assert case.family.administrators(held) or not had
        claims = plan.claims_after(claims)
