"""The laws of a plan, for any model, any engine and any claims."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from portcullis.access.actual import Json
from portcullis.access.desired import Desired
from portcullis.access.difference import difference
from portcullis.access.guard import guard_plan
from portcullis.access.plan import Claim, Plan
from portcullis.families.opensearch.callers import administrators
from portcullis.families.opensearch.compare import canonical
from portcullis.families.opensearch.config import Kind, SecurityConfig
from portcullis.families.opensearch.family import OPENSEARCH
from portcullis.families.opensearch.patch import apply_patch, apply_patches, patches

from .strategies import KEEPERS, desires, held_states

Claims = frozenset[Claim]


def applied(plan: Plan, held: SecurityConfig) -> SecurityConfig:
    return apply_patches(held, patches(plan, held))


def meaning(held: SecurityConfig) -> dict[Kind, dict[str, Json | None]]:
    return {kind: {name: canonical(doc) for name, doc in named.items()} for kind, named in held.documents.items()}


def settled(
    desired: Desired, held: SecurityConfig, mine: Claims, others: Claims = frozenset()
) -> tuple[SecurityConfig, Claims]:
    plan = difference(OPENSEARCH, desired, held, mine, others)
    return applied(plan, held), plan.claims_after(mine)


@st.composite
def histories(draw: st.DrawFn) -> tuple[SecurityConfig, Desired, Claims]:
    """An engine with something of ours on it, edited by hand since, and a model that has changed since."""
    held, claims = settled(draw(desires()), draw(held_states()), frozenset())
    edited = draw(held_states())
    kind = draw(st.sampled_from([None, Kind.ROLES, Kind.MAPPINGS]))
    if kind == Kind.MAPPINGS:
        merged = {**held.of(kind), **{n: d for n, d in edited.of(kind).items() if n in held.of(Kind.ROLES)}}
        held = SecurityConfig({**held.documents, kind: merged})
    elif kind == Kind.ROLES:
        held = SecurityConfig({**held.documents, kind: {**held.of(kind), **edited.of(kind)}})
    return held, draw(desires()), claims


@given(histories())
def test_a_plan_after_its_own_apply_is_empty(history: tuple[SecurityConfig, Desired, Claims]) -> None:
    held, desired, mine = history
    after, claims = settled(desired, held, mine)
    again = difference(OPENSEARCH, desired, after, claims)
    assert again.steps == ()
    assert again.claim_only == ()
    assert again.release_only == ()
    assert again.claims_after(claims) == claims


@given(histories())
def test_applying_the_same_plan_twice_is_applying_it_once(history: tuple[SecurityConfig, Desired, Claims]) -> None:
    held, desired, mine = history
    once, claims = settled(desired, held, mine)
    twice, claims_twice = settled(desired, once, claims)
    assert (twice, claims_twice) == (once, claims)


@given(histories(), st.data())
def test_an_apply_interrupted_anywhere_and_resumed_ends_the_same(
    history: tuple[SecurityConfig, Desired, Claims], data: st.DataObject
) -> None:
    held, desired, mine = history
    plan = difference(OPENSEARCH, desired, held, mine)
    sequence = patches(plan, held)
    stop = data.draw(st.integers(0, len(sequence)))
    # The claims stood in the ledger before the first write; those of what was removed have not been taken out yet.
    interrupted = apply_patches(held, sequence[:stop])
    resumed, claims = settled(desired, interrupted, plan.claims_before(mine))
    assert meaning(resumed) == meaning(applied(plan, held))
    assert claims == plan.claims_after(mine)


@given(histories())
def test_what_others_made_is_never_touched(history: tuple[SecurityConfig, Desired, Claims]) -> None:
    held, desired, mine = history
    plan = difference(OPENSEARCH, desired, held, mine)
    after = applied(plan, held)
    for role in held.of(Kind.MAPPINGS):
        for entry_list in ("users", "backend_roles", "hosts", "and_backend_roles"):
            for entry in held.entries(role, entry_list):
                claim = Claim(Kind.MAPPINGS, role, entry_list, entry)
                if claim not in mine:
                    assert entry in after.entries(role, entry_list)
    for name in held.of(Kind.ROLES):
        if Claim(Kind.ROLES, name) not in mine:
            assert after.get(Kind.ROLES, name) == held.get(Kind.ROLES, name)


@given(histories())
def test_reserved_documents_are_never_changed(history: tuple[SecurityConfig, Desired, Claims]) -> None:
    held, desired, mine = history
    after = applied(difference(OPENSEARCH, desired, held, mine, adopt=True), held)
    for kind, named in held.documents.items():
        for name, document in named.items():
            if held.is_fixed(kind, name):
                assert after.of(kind)[name] == document


@given(histories())
def test_no_list_gets_an_entry_twice(history: tuple[SecurityConfig, Desired, Claims]) -> None:
    held, desired, mine = history
    after = applied(difference(OPENSEARCH, desired, held, mine), held)
    for role in after.of(Kind.MAPPINGS):
        for entry_list in ("users", "backend_roles", "hosts", "and_backend_roles"):
            entries = after.entries(role, entry_list)
            assert len(set(entries)) == len(entries)


@given(histories(), st.randoms(use_true_random=False))
def test_the_difference_is_the_same_for_any_order_of_the_inputs(
    history: tuple[SecurityConfig, Desired, Claims], chance: random.Random
) -> None:
    held, desired, mine = history

    def shuffled(named: object) -> dict[object, object]:
        assert isinstance(named, dict)
        items = list(named.items())
        chance.shuffle(items)
        return dict(items)

    other_held = SecurityConfig({kind: shuffled(named) for kind, named in held.documents.items()})  # type: ignore[misc]
    entries = {
        role: {name: shuffled(e) for name, e in shuffled(lists).items()}
        for role, lists in shuffled(desired.entries).items()
    }
    other_desired = Desired({k: shuffled(n) for k, n in desired.documents.items()}, entries)  # type: ignore[misc,arg-type]
    assert difference(OPENSEARCH, other_desired, other_held, mine) == difference(OPENSEARCH, desired, held, mine)


@given(held_states(), desires(), desires(), st.lists(st.booleans(), max_size=6))
def test_two_owners_never_undo_one_another(held: SecurityConfig, one: Desired, two: Desired, turns: list[bool]) -> None:
    models, claims = {True: one, False: two}, {True: frozenset[Claim](), False: frozenset[Claim]()}
    for turn in turns:
        plan = difference(OPENSEARCH, models[turn], held, claims[turn], claims[not turn])
        before, held = held, applied(plan, held)
        claims[turn] = plan.claims_after(claims[turn])
        for claim in claims[not turn] & models[not turn].claims(OPENSEARCH.mappings):
            if claim.entry_list and claim.entry in before.entries(claim.name, claim.entry_list):
                assert claim.entry in held.entries(claim.name, claim.entry_list)
            elif not claim.entry_list and before.get(claim.kind, claim.name) is not None:
                assert canonical(held.get(claim.kind, claim.name)) == canonical(before.get(claim.kind, claim.name))
    # Both come to rest: in two rounds, since one may wait for a role that the other makes.
    for turn in (True, False, True, False):
        held, claims[turn] = settled(models[turn], held, claims[turn], claims[not turn])
    for turn in (True, False):
        assert difference(OPENSEARCH, models[turn], held, claims[turn], claims[not turn]).steps == ()


@given(held_states(), desires(), desires())
def test_when_one_of_two_owners_leaves_the_other_keeps_everything(
    held: SecurityConfig, one: Desired, two: Desired
) -> None:
    held, first = settled(one, held, frozenset())
    plan = difference(OPENSEARCH, two, held, frozenset(), first)
    blocked = {conflict.claim.name for conflict in plan.conflicts}
    held, second = applied(plan, held), plan.claims_after(frozenset())
    kept = {claim for claim in second if claim.entry_list}
    held, first = settled(Desired(), held, first, second)
    # What stays ours: an emptied mapping, as long as its role is there (taking it away could take an entry added meanwhile),
    # and a role that the other one grants without declaring it.
    assert all(not claim.entry_list for claim in first)
    assert {claim.name for claim in first if claim.kind == Kind.ROLES} <= {claim.name for claim in kept}
    for claim in kept:
        assert claim.entry in held.entries(claim.name, claim.entry_list)
    assert {step.claim.name for step in difference(OPENSEARCH, two, held, second, first).steps} <= blocked


@given(held_states(), st.lists(desires(), max_size=4))
def test_no_sequence_of_accepted_plans_leaves_the_domain_without_an_administrator(
    held: SecurityConfig, models: list[Desired]
) -> None:
    claims: Claims = frozenset()
    for model in models:
        plan = difference(OPENSEARCH, model, held, claims, adopt=True)
        sequence = patches(plan, held)
        if any(danger.refuses for danger in guard_plan(OPENSEARCH, held, sequence, KEEPERS, model)):
            continue
        had = administrators(held)
        for kind, operations in sequence:
            held = apply_patch(held, kind, operations)
            assert administrators(held) or not had
        claims = plan.claims_after(claims)


@settings(max_examples=50)
@given(histories())
def test_without_repair_nothing_of_ours_is_put_right_but_leavers_leave(
    history: tuple[SecurityConfig, Desired, Claims],
) -> None:
    held, desired, mine = history
    full, meek = difference(OPENSEARCH, desired, held, mine), difference(OPENSEARCH, desired, held, mine, repair=False)
    put_right = {s.claim for s in full.steps if s.after is not None and s.claim in mine}
    assert {s.claim for s in meek.steps if s.before is not None and s.after is None} == {
        s.claim for s in full.steps if s.before is not None and s.after is None
    }
    assert not put_right & {s.claim for s in meek.steps}
