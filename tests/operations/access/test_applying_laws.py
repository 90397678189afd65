"""Given any model, any people and any hand edit, then applying it holds the laws of the road."""

from __future__ import annotations

import json
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis import model
from portcullis.access.plan import Subject
from portcullis.entry import verbs
from portcullis.errors import PortcullisError
from portcullis.families import FAMILIES
from portcullis.operations.access.adopting import adopt
from portcullis.operations.access.changing.applying import Outcome, apply_model
from portcullis.operations.access.deployments import kept_model, writing
from portcullis.operations.access.planning import plan
from portcullis.operations.access.rolling_back import rollback
from portcullis.operations.access.synchronise import synchronise
from portcullis.operations.services import Trigger
from portcullis.ports.registration import KeptModel

from tests.laws import examples
from tests.operations.copies import copied
from tests.operations.ledgers import Crash
from tests.operations.models import groups, texts_of
from tests.operations.worlds import MAKES, Account, Engine, Make, account, every_make, plain

CAUSE = Trigger("a test", "somebody")
law, few = examples(60), examples(30)

People = dict[Subject, tuple[str, ...]]


def at_work(make: Make, people: People) -> Account:
    made = account(make=make)
    made.registered()
    made.people.groups = dict(people)
    return made


def bytes_of(made: Account) -> str:
    """All that the engine holds; the order of a document's fields is the engine's own affair, that of its lists is not."""
    return json.dumps(plain(made.engine.held), sort_keys=True)


@cache
def kept(text: str) -> KeptModel:
    return kept_model(text, "demo.yaml")


@cache
def without_errors(text: str) -> bool:
    return not any(one.severity is model.Severity.ERROR for one in model.lint(model.loads(text, "demo.yaml")))


def texts_to_go_back_to(make: Make) -> st.SearchStrategy[str]:
    """A rollback to what `check` calls an error is refused, as an apply of it is: test_rolling_back.py."""
    return texts_of(make).filter(without_errors)


def apply(made: Account, text: str, deployment: str = "demo") -> Outcome:
    """As apply_text does it, with every text read once."""
    with writing(made.services, deployment, "a test") as site:
        return apply_model(site, kept(text), CAUSE)


@every_make
@law
@given(data=st.data(), people=groups)
def test_after_an_apply_the_plan_is_empty_and_a_second_apply_does_nothing(
    make: Make, data: st.DataObject, people: People
) -> None:
    """The second apply writes nothing to the engine and nothing into the history."""
    first, text = data.draw(texts_of(make)), data.draw(texts_of(make))
    made = at_work(make, people)
    apply(made, first)
    apply(made, text)
    once, writes, entries = bytes_of(made), made.engine.writes, len(made.ledger.history("demo"))
    assert plan(made.services, "demo", CAUSE).exit_status == 0
    again = apply(made, text)
    assert again.status == "unchanged"
    assert (bytes_of(made), made.engine.writes, len(made.ledger.history("demo"))) == (once, writes, entries)


@every_make
@few
@given(data=st.data(), people=groups, after=st.booleans())
def test_an_apply_cut_off_anywhere_and_started_again_ends_the_same(
    make: Make, data: st.DataObject, people: People, after: bool
) -> None:
    first, text = data.draw(texts_of(make)), data.draw(texts_of(make))
    begun = at_work(make, people)
    apply(begun, first)
    whole = copied(begun)
    apply(whole, text)
    for cut in range(begun.fate.calls + 1, whole.fate.calls + 1):
        made = copied(begun)
        made.fate.at, made.fate.after = cut, after
        with pytest.raises(Crash):
            apply(made, text)
        made.fate.at = -1
        made.ledger._leases.clear()  # it ran out meanwhile
        apply(made, text)
        assert plain(made.engine.held) == plain(whole.engine.held)
        assert made.ledger.claims(made.ledger.registration("demo").place.id) == whole.ledger.claims(
            whole.ledger.registration("demo").place.id
        )
        assert told(made) == told(whole), f"cut off at call {cut} ({'after' if after else 'before'} it took effect)"


def told(made: Account) -> set[str]:
    """What the history says was done, however many runs it took."""
    return {f"{one.operation} {one.claim}" for change in made.ledger.history("demo") for one in change.touched}


@every_make
@few
@given(data=st.data(), people=groups)
def test_hand_edits_between_reading_and_writing_are_never_lost(make: Make, data: st.DataObject, people: People) -> None:
    first, text = data.draw(texts_of(make)), data.draw(texts_of(make))
    made = at_work(make, people)
    apply(made, first)
    meddled: list[tuple[str, str]] = []

    def meddle(engine: Engine) -> None:
        kinds = make.family
        mapped = sorted(engine.held.of(kinds.mappings).keys() & engine.held.of(kinds.roles).keys())
        role = data.draw(st.sampled_from(mapped))
        who = data.draw(st.sampled_from(make.strangers))
        if who not in engine.held.entries(role, make.entry_list):
            engine.by_hand(*make.map_by_hand(engine.held, role, who, data.draw(st.integers(0, 3))))
            meddled.append((role, who))

    made.engine.meddle = meddle
    apply(made, text)
    for role, who in meddled:
        if role in made.engine.held.of(make.family.roles):
            assert who in made.engine.held.entries(role, make.entry_list)
    assert plan(made.services, "demo", CAUSE).exit_status == 0


@every_make
@law
@given(data=st.data(), people=groups)
def test_a_rollback_puts_back_to_the_byte(make: Make, data: st.DataObject, people: People) -> None:
    first, text = (data.draw(texts_to_go_back_to(make)) for _ in range(2))
    made = at_work(make, people)
    apply(made, first)
    before, claims = bytes_of(made), made.ledger.claims(made.ledger.registration("demo").place.id)
    entries = len(made.ledger.history("demo"))
    apply(made, text)
    if len(made.ledger.history("demo")) == entries:
        assert bytes_of(made) == before
        return
    after = bytes_of(made)
    rollback(made.services, "demo", CAUSE, entry="1")
    assert bytes_of(made) == before
    assert made.ledger.model("demo").text == first
    assert made.ledger.claims(made.ledger.registration("demo").place.id) == claims
    assert plan(made.services, "demo", CAUSE).exit_status == 0
    rollback(made.services, "demo", CAUSE, entry="1")  # a rollback is a change like any other
    assert bytes_of(made) == after
    assert made.ledger.model("demo").text == text


@every_make
@law
@given(data=st.data(), people=groups, way=st.sampled_from(["adopt", "apply --adopt"]))
def test_what_was_taken_over_stays_when_taking_it_over_is_rolled_back(
    make: Make, data: st.DataObject, people: People, way: str
) -> None:
    """What others made is not ours to remove because it was ours for a while."""
    by_hand, first, text = data.draw(texts_of(make)), *(data.draw(texts_to_go_back_to(make)) for _ in range(2))
    others, made = at_work(make, people), at_work(make, people)
    apply(others, by_hand)
    made.engine.held = others.engine.held
    apply(made, first)
    domain = made.ledger.registration("demo").place.id

    def state() -> tuple[str, object, str]:
        ours = made.ledger.claims(domain).get("demo", frozenset())
        return bytes_of(made), ours, made.ledger.model("demo").text

    before, entries = state(), len(made.ledger.history("demo"))
    if way == "adopt":
        adopt(made.services, "demo", CAUSE)
        assert bytes_of(made) == before[0]
    else:
        with writing(made.services, "demo", "a test") as site:
            apply_model(site, kept(text), CAUSE, adopt=True)
    if len(made.ledger.history("demo")) == entries:
        assert state() == before
        return
    taken = state()
    rollback(made.services, "demo", CAUSE, entry="1")
    assert state() == before
    rollback(made.services, "demo", CAUSE, entry="1")
    assert state() == taken


@every_make
@few
@given(data=st.data(), people=groups, after=st.booleans())
def test_a_rollback_of_taking_over_cut_off_anywhere_takes_nothing_away(
    make: Make, data: st.DataObject, people: People, after: bool
) -> None:
    by_hand, first = data.draw(texts_of(make)), data.draw(texts_to_go_back_to(make))
    others, taken_over = at_work(make, people), at_work(make, people)
    apply(others, by_hand)
    taken_over.engine.held = others.engine.held
    apply(taken_over, first)
    adopt(taken_over.services, "demo", CAUSE)
    if taken_over.ledger.history("demo")[0].operation != "adopt":
        return  # there was nothing to take over
    whole, before = copied(taken_over), bytes_of(taken_over)
    rollback(whole.services, "demo", CAUSE, entry="1")
    assert bytes_of(whole) == before
    for cut in range(taken_over.fate.calls + 1, whole.fate.calls + 1):
        made = copied(taken_over)
        made.fate.at, made.fate.after = cut, after
        with pytest.raises(Crash):
            rollback(made.services, "demo", CAUSE, entry="1")
        made.fate.at = -1
        made.ledger._leases.clear()
        synchronise(made.services, "demo", CAUSE)
        assert bytes_of(made) == before, f"cut off at call {cut}"


@every_make
@law
@given(data=st.data())
def test_no_accepted_sequence_leaves_the_domain_without_an_administrator(make: Make, data: st.DataObject) -> None:
    verb = st.sampled_from(["apply", "synchronise", "rollback"])
    steps = data.draw(st.lists(st.tuples(texts_of(make), groups, verb), max_size=5))
    made = at_work(make, {})
    for text, people, verb in steps:
        made.people.groups = dict(people)
        try:
            if verb == "apply":
                apply(made, text)
            elif verb == "synchronise":
                synchronise(made.services, "demo", CAUSE)
            else:
                rollback(made.services, "demo", CAUSE, entry="1")
        except PortcullisError:
            continue  # refused: nothing was changed, or only a part that is an accepted state itself
        finally:
            master = make.actors["master"].principal
            assert {(a.role, a.entry) for a in make.family.administrators(made.engine.held)} >= {
                (role, master) for role in make.family.administrator_roles
            }
            needed = make.family.baseline().automation[0]
            assert make.actors["automation"].principal in made.engine.held.entries(needed, make.entry_list)


@every_make
@law
@given(data=st.data(), people=groups)
def test_two_deployments_on_one_domain_never_undo_one_another(make: Make, data: st.DataObject, people: People) -> None:
    ours, theirs = data.draw(texts_of(make, "demo")), data.draw(texts_of(make, "other"))
    made = at_work(make, people)
    made.registered("other", domain="demo")
    apply(made, ours)
    apply(made, theirs, "other")
    apply(made, ours)
    settled = plain(made.engine.held)
    for name in ("demo", "other", "demo"):
        assert synchronise(made.services, name, CAUSE).writes == 0
    assert plain(made.engine.held) == settled


def test_every_family_that_a_registration_can_name_is_held_against_the_laws() -> None:
    assert {make.family.name for make in MAKES} == set(FAMILIES)


@pytest.mark.parametrize("verb", sorted(verbs.VERBS))
def test_every_verb_has_a_level(verb: str) -> None:
    assert verbs.VERBS[verb].level in verbs.LEVELS
