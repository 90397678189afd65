"""Given a change of groups on an engine of either family, then the short road ends as a look at everything does, and reads less.

How often an OpenSearch and its ledger are asked is in test_short_road.py, how often an Elasticsearch in test_short_road_on_elastic.py.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis.access.actual import Write
from portcullis.access.plan import Subject
from portcullis.errors import PortcullisError
from portcullis.families.elasticsearch.documents.config import MEMBERS, Kind
from portcullis.operations.access.changing.applying import Outcome
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.access.planning import plan
from portcullis.operations.access.synchronise import synchronise
from portcullis.operations.services import Trigger

from tests.laws import examples
from tests.operations.copies import copied
from tests.operations.elastic import user
from tests.operations.ledgers import Crash
from tests.operations.models import READERS, groups, texts_of
from tests.operations.worlds import ELASTICSEARCH_9, POOL, Account, Engine, Make, account, every_make, plain

CAUSE = Trigger("a test", "somebody")
ANNA, BEN, CARL = (f"Cognito/{POOL}/{name}" for name in ("anna", "ben", "carl"))
TEXT = """\
deployment: demo
engine: elasticsearch-9.5
cluster: {endpoint: "search.example.internal:443", user: portcullis, credential: demo/elasticsearch, licence: trial}
key: {arn: arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000}
identity: {cognito: {groups: {readers: {}}}}
PEOPLEaccess:
  roles:
    viewers: {indices: [{names: ["logs-*"], privileges: [read]}]MORE}
    further: {indices: [{names: ["orders"], privileges: [read]}]}
  users: {robot: {}}
  grants:
    - {role: viewers, to: {cognito_group: readers}}
    - {role: further, to: {internal_user: robot}}
"""
law, few = examples(60), examples(20)


class Looking:
    """What an engine is read for since the last `clear`: kinds of documents, and their names where not all are."""

    def __init__(self, engine: Engine) -> None:
        self.all: list[dict[str, set[str]]] = []
        self.everything = 0
        read, read_some = engine.read, engine.read_some

        def whole(kinds: Sequence[str] | None = None) -> Any:
            self.everything += 1
            return read(kinds)

        def part(names: Mapping[str, Collection[str]]) -> Any:
            self.all.append({kind: set(some) for kind, some in names.items()})
            return read_some(names)

        engine.read, engine.read_some = whole, part  # type: ignore[method-assign]

    def clear(self) -> None:
        self.all, self.everything = [], 0


def at_rest(make: Make, text: str, people: Mapping[Subject, tuple[str, ...]]) -> Account:
    made = account(make=make)
    made.registered()
    made.people.groups = dict(people)
    apply_text(made.services, "demo", text, CAUSE)
    synchronise(made.services, "demo", CAUSE)  # what is known of people is of an open deployment from here on
    return made


def follow(made: Account, people: Mapping[Subject, tuple[str, ...]], *, short: bool) -> Outcome:
    made.people.groups = dict(people)
    return synchronise(made.services, "demo", CAUSE, short=short)


def everything(made: Account) -> tuple[Any, Any, Any]:
    """What the engine holds, what we claim, and what the history tells."""
    claims = made.ledger.claims(made.ledger.registration("demo").place.id)
    told = [replace(one, at=made.aws.at) for one in made.ledger.history("demo")]
    return plain(made.engine.held), claims, told


@every_make
@law
@given(data=st.data(), before=groups, after=groups)
def test_law_the_short_road_ends_as_a_look_at_everything_does(
    make: Make, data: st.DataObject, before: Any, after: Any
) -> None:
    one = at_rest(make, data.draw(texts_of(make)), before)
    other = copied(one)
    done = [follow(made, after, short=short) for made, short in ((one, True), (other, False))]
    assert everything(one) == everything(other)
    assert done[0].writes == done[1].writes
    assert {*done[0].plan.foreign} <= {*done[1].plan.foreign}
    assert plan(one.services, "demo", CAUSE).exit_status == 0


@every_make
@law
@given(data=st.data(), before=groups, after=groups, place=st.integers(0, 3))
def test_law_what_others_gave_by_hand_stays_on_the_short_road(
    make: Make, data: st.DataObject, before: Any, after: Any, place: int
) -> None:
    """Before it, and between its look and its write."""
    made = at_rest(make, data.draw(texts_of(make)), before)
    terms, by_hand = make.family, []

    def give(engine: Engine) -> None:
        mapped = sorted(engine.held.of(terms.mappings).keys() & engine.held.of(terms.roles).keys())
        role, who = data.draw(st.sampled_from(mapped)), data.draw(st.sampled_from(make.strangers))
        if who not in engine.held.entries(role, make.entry_list):
            engine.by_hand(*make.map_by_hand(engine.held, role, who, place))
            by_hand.append((role, who))

    give(made.engine)
    made.engine.meddle = give
    follow(made, after, short=True)
    for role, who in by_hand:
        assert who in made.engine.held.entries(role, make.entry_list)


@every_make
@few
@given(data=st.data(), before=groups, after=groups, took=st.booleans())
def test_law_cut_off_anywhere_and_begun_again_the_short_road_ends_the_same(
    make: Make, data: st.DataObject, before: Any, after: Any, took: bool
) -> None:
    begun = at_rest(make, data.draw(texts_of(make)), before)
    whole = copied(begun)
    follow(whole, after, short=True)
    for cut in range(begun.fate.calls + 1, whole.fate.calls + 1):
        made = copied(begun)
        made.fate.at, made.fate.after = cut, took
        with pytest.raises(Crash):
            follow(made, after, short=True)
        made.fate.at = -1
        made.ledger._leases.clear()
        follow(made, after, short=True)
        assert everything(made)[:2] == everything(whole)[:2]


# ---------------------------------------------------------------------- what it reads, of a cluster


@pytest.fixture
def here() -> tuple[Account, Looking]:
    made = at_rest(ELASTICSEARCH_9, text(), {READERS: (ANNA,)})
    return made, Looking(made.engine)


def text(people: str = "", more: str = "") -> str:
    return TEXT.replace("PEOPLE", people and f"people: {people}\n").replace("MORE", more)


def roles_of(made: Account, name: str) -> list[str]:
    return list(made.engine.held.of(Kind.USERS)[name]["roles"])


def test_of_a_cluster_only_the_members_and_their_role_are_read(here: tuple[Account, Looking]) -> None:
    made, looking = here
    assert follow(made, {READERS: (ANNA, BEN)}, short=True).writes == 1
    look = {Kind.ROLES: {"viewers"}, Kind.USERS: {"anna", "ben"}}
    before_the_write = {MEMBERS: {"ben"}}
    assert (looking.all, looking.everything) == ([look, before_the_write, look], 0)
    looking.clear()
    assert follow(made, {READERS: (BEN,)}, short=True).writes == 1
    assert (looking.all, looking.everything) == ([look, {MEMBERS: {"anna"}}, look], 0)
    assert [roles_of(made, name) for name in ("anna", "ben")] == [["by-hand"], ["viewers"]]


def test_of_a_cluster_an_event_that_changes_nobody_reads_no_document(here: tuple[Account, Looking]) -> None:
    made, looking = here
    assert follow(made, {READERS: (ANNA,)}, short=True).status == "unchanged"
    assert (looking.all, looking.everything) == ([{Kind.ROLES: set(), Kind.USERS: set()}], 0)


def disabled(made: Account) -> None:
    by_hand(made, "ben", user("own", "other", enabled=False, full_name="Ben", email="ben@x", metadata={"team": "a"}))


def by_hand(made: Account, name: str, document: dict[str, Any]) -> None:
    made.engine.by_hand(*Write(Kind.USERS, [{"op": "put", "name": name, "document": document}]))


def test_of_a_disabled_user_with_roles_of_others_nothing_else_changes(here: tuple[Account, Looking]) -> None:
    made, looking = here
    disabled(made)
    before = made.engine.held.of(Kind.USERS)["ben"]
    follow(made, {READERS: (ANNA, BEN)}, short=True)
    assert made.engine.held.of(Kind.USERS)["ben"] == before | {"roles": ["own", "other", "viewers"]}
    follow(made, {READERS: (ANNA,)}, short=True)
    assert (made.engine.held.of(Kind.USERS)["ben"], looking.everything) == (before, 0)


def test_a_member_without_a_user_has_nothing_and_holds_up_nobody(here: tuple[Account, Looking]) -> None:
    made, looking = here
    nobody = f"Cognito/{POOL}/nobody"
    done = follow(made, {READERS: (ANNA, nobody, BEN)}, short=True)
    assert [blocked.claim.entry for blocked in done.plan.conflicts] == ["nobody"]
    assert (roles_of(made, "ben"), looking.everything) == (["viewers"], 0)
    by_hand(made, "nobody", user())
    follow(made, {READERS: (ANNA, nobody, BEN)}, short=True)
    assert roles_of(made, "nobody") == ["viewers"]


def test_a_leaver_whose_user_is_gone_is_let_go(here: tuple[Account, Looking]) -> None:
    made, looking = here
    made.engine.by_hand(Kind.USERS, [{"op": "remove", "name": "anna"}])
    follow(made, {READERS: (BEN,)}, short=True)
    claimed = {one.entry for one in everything(made)[1]["demo"] if one.name == "viewers" and one.kind == MEMBERS}
    assert (claimed, looking.everything) == ({"ben"}, 0)


def test_a_change_by_hand_of_another_member_of_the_role_is_put_right_with_it(here: tuple[Account, Looking]) -> None:
    made, looking = here
    by_hand(made, "anna", user("by-hand"))
    follow(made, {READERS: (ANNA, BEN)}, short=True)
    assert ([roles_of(made, name) for name in ("anna", "ben")], looking.everything) == (
        [["by-hand", "viewers"], ["viewers"]],
        0,
    )


# ---------------------------------------------------------------------- what takes the whole road, of a cluster


def role_gone(made: Account) -> None:
    made.engine.by_hand(Kind.ROLES, [{"op": "remove", "name": "viewers"}])


def role_changed(made: Account) -> None:
    document = {"indices": [{"names": ["*"], "privileges": ["all"]}]}
    made.engine.by_hand(Kind.ROLES, [{"op": "put", "name": "viewers", "document": document}])


def refused_once(made: Account) -> None:
    refusals = iter([True])
    made.engine.refuses = lambda *_: next(refusals, False)


def at_work(made: Account) -> None:
    made.engine.meddle = lambda _: by_hand(made, "ben", user("theirs"))


def locked_since(made: Account) -> None:
    custody = made.ledger.custody("demo")
    made.ledger.keep_custody(replace(custody, saves=custody.saves + 1))


@pytest.mark.parametrize("happened", [role_gone, role_changed, refused_once, at_work, locked_since])
def test_of_a_cluster_whatever_else_may_be_is_looked_at_whole(
    here: tuple[Account, Looking], happened: Callable[[Account], None]
) -> None:
    made, looking = here
    happened(made)
    follow(made, {READERS: (ANNA, BEN)}, short=True)
    assert looking.everything > 0
    assert [roles_of(made, name)[-1] for name in ("anna", "ben")] == ["viewers", "viewers"]
    assert plan(made.services, "demo", CAUSE).exit_status == 0


@pytest.mark.parametrize(
    ("people", "more"),
    [("{realm: {name: tokens}}", ""), ("", ", cluster: [manage_security]")],
    ids=["realm", "administers"],
)
def test_role_mappings_and_roles_that_administer_take_the_whole_road(people: str, more: str) -> None:
    made = at_rest(ELASTICSEARCH_9, text(people, more), {READERS: (ANNA,)})
    looking = Looking(made.engine)
    assert follow(made, {READERS: (ANNA, BEN)}, short=True).writes == 1
    assert looking.everything > 0
    assert plan(made.services, "demo", CAUSE).exit_status == 0


def test_who_would_be_break_glass_is_never_let_in(here: tuple[Account, Looking]) -> None:
    """A user that is kept for Portcullis is nobody of a group; given by name it is refused on either road."""
    made, _ = here
    follow(made, {READERS: (ANNA, f"Cognito/{POOL}/break-glass", f"Cognito/{POOL}/portcullis")}, short=True)
    assert (roles_of(made, "break-glass"), "viewers" in roles_of(made, "portcullis")) == ([], False)
    with pytest.raises(PortcullisError):
        apply_text(
            made.services,
            "demo",
            text() + "    - {role: viewers, to: {internal_user: break-glass}}\n",
            CAUSE,
        )
