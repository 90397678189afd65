"""What should be, held against what the engine holds: one look, what it is known by, and what of it somebody may act on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs
from portcullis.access.plan import AccessModel, Claim, Grant, Subject, SubjectKind
from portcullis.custody.types import Custody, State
from portcullis.errors import Refused, Unreachable
from portcullis.families import family_named
from portcullis.families.elasticsearch.documents.config import SecurityConfig as SecurityOf
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.documents.dialects import Dialect
from portcullis.operations.access.changing.looking import (
    Comparison,
    Touched,
    compare,
    made_by_hand,
    read_truth,
    split_claims,
    truth_to_act_on,
)
from portcullis.operations.services import Site, Trigger
from portcullis.ports.ledger import Claims
from portcullis.ports.registration import EngineUser, KeptModel

from tests.operations.elastic import user
from tests.operations.worlds import ELASTICSEARCH_9, POOL, Account, Engine, account, arn, mapping, registration, role

READERS = Subject(SubjectKind.COGNITO_GROUP, "readers")
WRITERS = Subject(SubjectKind.COGNITO_GROUP, "writers")
ANNA, BEN = f"Cognito/{POOL}/anna", f"Cognito/{POOL}/ben"
CAUSE = Trigger("a test", "somebody")
MODEL = AccessModel(
    roles={"viewers": role("read"), "editors": role("crud")},
    grants=(Grant(READERS, "viewers", "a file"), Grant(WRITERS, "editors", "a file")),
)
KEPT = KeptModel("deployment: demo\n", MODEL)
VIEWERS, EDITORS = Claim("roles", "viewers"), Claim("roles", "editors")
READS, WRITES = Claim("rolesmapping", "viewers", "users", ANNA), Claim("rolesmapping", "editors", "users", BEN)

BOTH = {name: MODEL.roles[name] for name in ("viewers", "editors")}
ABOUT = {
    *(VIEWERS, EDITORS, READS, WRITES, Claim("roles", "old")),
    *(Claim("rolesmapping", name, "users", "gone") for name in BOTH),
}


def made() -> tuple[Account, Site]:
    world = account()
    world.registered()
    world.people.groups = {READERS: (ANNA,), WRITERS: (BEN,)}
    world.ledger.keep_model("demo", KEPT)
    return world, world.services.site("demo")


def hold(world: Account, **documents: Mapping[str, Any]) -> None:
    """Beside what the engine was made with."""
    held = world.engine.held
    world.engine.held = SecurityConfig({kind: {**held.of(kind), **documents.get(kind.value, {})} for kind in Kind})


def mine(*claims: Claim, **more: Any) -> dict[str, Claims]:
    return {"demo": Claims(claims, **more)}


def steps(found: Comparison) -> set[Claim]:
    """Of what these tests are about: beside them there is what Portcullis itself needs."""
    return {step.claim for step in found.plan.steps if step.claim in ABOUT}


def foreign(found: Comparison) -> set[Claim]:
    return {claim for claim in found.plan.foreign if claim.name in ("viewers", "editors")}


def gone(role_: str) -> Claim:
    return Claim("rolesmapping", role_, "users", "gone")


# ---------------------------------------------------------------------- one look


def test_what_is_missing_is_added_and_what_others_added_stays() -> None:
    world, site = made()
    other = Claim("rolesmapping", "viewers", "users", "theirs")
    hold(world, rolesmapping={"viewers": mapping(users=["theirs", "by-hand"])})
    found = compare(site, KEPT, claims={"another": Claims([other])})
    assert steps(found) >= {VIEWERS, EDITORS, READS, WRITES}
    assert foreign(found) == {Claim("rolesmapping", "viewers", "users", "by-hand")}
    assert (found.mine, found.others) == (Claims(), frozenset({other}))
    after = found.after().of("rolesmapping")["viewers"]["users"]
    assert sorted(after) == sorted([ANNA, "theirs", "by-hand"])
    assert world.engine.sent == []


def test_a_look_takes_claims_and_state_from_ledger_and_engine_unless_they_are_given() -> None:
    world, site = made()
    hold(world, roles=BOTH, rolesmapping={"viewers": mapping(users=["gone"])})
    left = gone("viewers")
    assert left in foreign(compare(site, KEPT))
    world.ledger.keep_claims(site.place.id, "demo", Claims([left]))
    assert left in steps(compare(site, KEPT))
    assert left not in steps(compare(site, KEPT, claims={}))
    empty = SecurityConfig({})
    assert left not in steps(compare(site, KEPT, held=empty))
    another = Engine(world.engine.make.house())
    found = compare(site, KEPT, engine=another)
    assert (left in steps(found), found.held) == (False, another.read())


def test_what_is_as_it_should_be_is_taken_over_only_by_adopting() -> None:
    world, site = made()
    hold(world, rolesmapping={"viewers": mapping(users=[ANNA])}, roles={"viewers": MODEL.roles["viewers"]})
    left = compare(site, KEPT)
    assert not {VIEWERS, READS} & (steps(left) | set(left.plan.claim_only))
    assert {VIEWERS, READS} <= set(compare(site, KEPT, adopt=True).plan.claim_only)


def test_what_may_still_come_late_stays_claimed_though_it_is_gone() -> None:
    """Until nobody's write may bring it about any more, or where whoever looks knows better than the ledger."""
    world, site = made()
    one = gone("viewers")
    until = world.services.now() + timedelta(minutes=15)
    for claims, late, kept in (
        (mine(one), None, False),
        (mine(one, late=[one], until=until), None, True),
        (mine(one, late=[one], until=world.services.now() - timedelta(minutes=1)), None, False),
        (mine(one, late=[one], until=until), frozenset[Claim](), False),
        (mine(one), frozenset({one}), True),
        (mine(), frozenset({one}), False),
    ):
        found = compare(site, KEPT, claims=claims, late=late)
        assert (one in found.claims_after()) is kept, claims
        assert (one in found.plan.release_only) is (one in claims["demo"] and not kept)
        assert (one in found.late) is kept
        assert found.claims_after() >= {VIEWERS, EDITORS, READS, WRITES}


def test_what_is_taken_out_stays_claimed_as_long_as_it_may_come_late() -> None:
    """A write of another run that is on its way puts it back, and it is ours then."""
    world, site = made()
    hold(world, roles=BOTH, rolesmapping={"viewers": mapping(users=["gone"])})
    one = gone("viewers")
    for late, kept in ((frozenset({one}), True), (frozenset[Claim](), False)):
        found = compare(site, KEPT, claims=mine(one), late=late)
        assert (one in steps(found), one in found.claims_after()) == (True, kept)


def test_a_truth_that_is_given_is_not_asked_for_again() -> None:
    """What is acted on is what was read before the ledger was."""
    world, site = made()
    truth = read_truth(site, KEPT)
    world.people.groups = {READERS: (), WRITERS: ()}
    assert {READS, WRITES} <= steps(compare(site, KEPT, truth=truth))
    assert not {READS, WRITES} & steps(compare(site, KEPT))


def test_a_master_whom_the_domain_was_made_with_is_nobodys_hand() -> None:
    world, _ = made()
    world.ledger.register(structs.replace(registration(), master=EngineUser("chief", "a-secret")))
    site = world.services.site("demo")
    hold(world, internalusers={"chief": {"reserved": False}, "stranger": {"reserved": False}})
    named = {one.name for one in compare(site, KEPT).plan.foreign if one.kind == "internalusers"}
    assert named == {"stranger"}


def test_what_the_dialect_cannot_hold_is_said_and_never_a_step() -> None:
    world, site = made()
    world.engine.dialect = "elastic"
    lossy = replace(MODEL, roles={"viewers": {**role("read"), "of_another_engine": True}})
    family = site.family

    class Lossy:
        def __getattr__(self, name: str) -> Any:
            return getattr(family, name)

        def representable(self, desired: Any, dialect: str) -> Any:
            return family.representable(desired, Dialect.PLUGINS)[0], (f"viewers on {dialect}",)

    site = _of_family(site, Lossy())
    kept = replace(KEPT, access=lossy)
    assert compare(site, kept).plan.losses == ("viewers on elastic",)
    touched = Touched(frozenset({"viewers"}), frozenset({ANNA}))
    assert compare(site, kept, only=touched).plan.losses == ("viewers on elastic",)
    assert compare(site, kept, only=Touched(frozenset(), frozenset())).plan.losses == ()


def _of_family(site: Site, family: Any) -> Any:
    class Of:
        def __getattr__(self, name: str) -> Any:
            return family if name == "family" else getattr(site, name)

    return Of()


# ---------------------------------------------------------------------- some roles alone


def test_of_some_roles_only_these_and_who_has_them_are_looked_at() -> None:
    world, site = made()
    old = gone("editors")
    theirs = {
        "another": Claims(
            [Claim("rolesmapping", "viewers", "users", "x"), Claim("rolesmapping", "editors", "users", "x")]
        )
    }
    hold(
        world,
        rolesmapping={"viewers": mapping(users=["gone", "x"]), "editors": mapping(users=["gone", "x", "by-hand"])},
        roles={**BOTH, "viewers": role("write"), "old": role("read")},
    )
    claims = {**mine(old, gone("viewers"), Claim("roles", "old"), VIEWERS), **theirs}
    found = compare(site, KEPT, claims=claims, only=Touched(frozenset({"viewers"}), frozenset({ANNA})))
    assert steps(found) == {VIEWERS, READS, gone("viewers")}
    assert set(found.held.of("rolesmapping")) == {"viewers"}
    assert not found.plan.foreign
    assert found.mine == claims["demo"]
    assert found.claims_after() >= {old, Claim("roles", "old"), READS}


def test_some_roles_are_read_from_what_is_given_if_it_is() -> None:
    world, site = made()
    only = Touched(frozenset({"viewers"}), frozenset())
    hold(world, rolesmapping={"viewers": mapping(users=[ANNA])}, roles={"viewers": MODEL.roles["viewers"]})
    assert not {READS, VIEWERS} & steps(compare(site, KEPT, claims=mine(READS, VIEWERS), only=only))
    assert steps(compare(site, KEPT, claims=mine(READS, VIEWERS), only=only, held=SecurityConfig({}))) == {
        READS,
        VIEWERS,
    }


def test_a_user_who_is_looked_at_shows_roles_that_are_not_and_whose_those_are_is_known() -> None:
    """On an engine where who has a role stands in the users: what others and we ourselves gave them besides is nobody's hand."""
    world = account(make=ELASTICSEARCH_9)
    world.registered()
    world.people.groups = {READERS: ("anna",)}
    site = world.services.site("demo")
    members = site.family.mappings
    by_hand, theirs, ours, old = (
        Claim(members, name, "users", "anna") for name in ("by-hand", "theirs", "ours", "viewers")
    )
    held = world.engine.held
    users = {**held.of("user"), "anna": user("by-hand", "theirs", "ours", "viewers")}
    world.engine.held = SecurityOf(
        {**held.documents, "user": users, "role": {**held.of("role"), "viewers": {}, "ours": {}}}
    )
    model = AccessModel(roles={"viewers": {}, "ours": {}}, grants=())
    claims = {"demo": Claims([ours, old]), "another": Claims([theirs])}
    found = compare(
        site, replace(KEPT, access=model), claims=claims, only=Touched(frozenset({"viewers"}), frozenset({"anna"}))
    )
    assert {step.claim for step in found.plan.steps if step.claim.kind == members} == {old}
    assert {claim for claim in found.plan.foreign if claim.kind == members} == {by_hand}
    nobody = compare(
        site, replace(KEPT, access=model), claims=claims, only=Touched(frozenset({"viewers"}), frozenset())
    )
    assert not [step for step in nobody.plan.steps if step.claim.kind == members]


@pytest.mark.parametrize(("family", "entries_in"), [("opensearch", "rolesmapping"), ("elasticsearch", "user")])
def test_what_is_asked_for_of_roles_are_their_documents_and_those_that_name_people(
    family: str, entries_in: str
) -> None:
    """In an order of their own: what is asked of an engine is the same each time."""
    terms = family_named(family)
    roles, people = [f"role-{n}" for n in range(9)], [f"person-{n}" for n in range(9)]
    asked = Touched(frozenset(roles), frozenset(people)).documents(terms)
    assert asked == {terms.roles: roles, entries_in: roles if family == "opensearch" else people}


# ---------------------------------------------------------------------- the truth of the groups


def test_a_group_that_does_not_answer_is_left_as_it_is_unless_all_of_them_are_needed() -> None:
    world, site = made()
    world.people.unread = {WRITERS: Unreachable("the user pool did not answer")}
    for look in (
        lambda **more: read_truth(site, KEPT, **more),
        lambda **more: truth_to_act_on(site, KEPT, CAUSE, **more),
    ):
        assert [str(one) for one in look().unread] == ["the user pool did not answer"]
        with pytest.raises(Unreachable):
            look(whole=True)
    assert WRITES not in steps(compare(site, KEPT))
    assert READS in steps(compare(site, KEPT))
    world.people.unread = {WRITERS: Refused("not ours to read")}
    assert [str(one) for one in read_truth(site, KEPT, whole=True).unread] == ["not ours to read"]


def test_the_moment_of_a_look_is_before_the_groups_are_read() -> None:
    """What happens while they are read happened later than what is known."""
    world, _ = made()
    at = [world.services.now()]
    people = world.people

    class Slow:
        def members(self, grants: Any) -> Any:
            at[0] += timedelta(minutes=1)
            return people.members(grants)

    world.services = replace(world.services, now=lambda: at[0], identity=lambda _: Slow())
    begun = at[0]
    site = world.services.site("demo")
    assert read_truth(site, KEPT).began == begun
    assert compare(site, KEPT).began == begun + timedelta(minutes=1)


def test_whoever_acts_on_the_truth_keeps_who_was_seen_and_looking_alone_does_not() -> None:
    """Somebody else under the same name is found by the next look, told and left out."""
    world, site = made()
    by_name = (Grant(Subject(SubjectKind.COGNITO_USER, "anna"), "viewers", "a file"), MODEL.grants[1])
    kept = replace(KEPT, access=replace(MODEL, grants=by_name))
    world.people.ids = {ANNA: "one", BEN: "b"}
    read_truth(site, kept)
    assert world.ledger.saved("demo", "people") is None
    truth_to_act_on(site, kept, CAUSE)
    assert world.ledger.saved("demo", "people") is not None
    world.people.ids = {ANNA: "two", BEN: "b"}
    assert not any(one.name == "another-person" for one in world.aws.told)
    found = truth_to_act_on(site, kept, CAUSE)
    assert [ANNA in one for one in found.people.strangers] == [True]
    assert [one.name for one in world.aws.told if one.name == "another-person"] == ["another-person"]
    assert READS not in steps(compare(site, kept, truth=found))
    assert WRITES in steps(compare(site, kept, truth=found))
    assert [one.actor for one in world.ledger.history("demo") if one.operation == "people"] == ["somebody"]


def test_the_custody_that_is_given_is_the_one_that_counts() -> None:
    """An unlock lets in nobody whom it has not seen: what was known before a lock counts only while nothing was locked since."""
    _, site = made()
    truth_to_act_on(site, KEPT, CAUSE)
    given = Custody("demo", State.UNLOCKING, saves=3)
    for look in (
        lambda: read_truth(site, KEPT, custody=given),
        lambda: truth_to_act_on(site, KEPT, CAUSE, custody=given),
    ):
        assert look().people.known.saves == 3
    assert read_truth(site, KEPT).people.known.saves == 0


# ---------------------------------------------------------------------- what a saved plan is known by


def test_a_digest_is_of_what_is_held_and_of_what_is_to_be_done() -> None:
    world, site = made()
    first = compare(site, KEPT)
    assert compare(site, KEPT).digest() == first.digest()
    assert [len(part) for part in first.digest().split(".")] == [32, 32]
    changed = replace(KEPT, access=replace(MODEL, roles={**MODEL.roles, "viewers": role("crud")}))
    now = compare(site, changed)
    assert now.digest().split(".")[0] == first.digest().split(".")[0]
    assert now.digest() != first.digest()
    hold(world, tenants={"elsewhere": {"reserved": False}})
    again = compare(site, KEPT, adopt=True)
    assert again.digest().split(".")[0] != first.digest().split(".")[0]
    assert again.digest().split(".")[1] == first.digest().split(".")[1]


def test_a_digest_tells_a_document_that_differs_by_what_it_becomes_and_not_by_the_order_of_its_keys() -> None:
    world, site = made()
    digests = set()
    for actions, held_as in (("read", "write"), ("crud", "write"), ("read", "write")):
        hold(world, roles={"viewers": role(held_as)})
        kept = replace(KEPT, access=replace(MODEL, roles={**MODEL.roles, "viewers": role(actions)}))
        digests.add(compare(site, kept, claims=mine(VIEWERS)).digest())
    assert len(digests) == 2
    reverse = {kind: dict(reversed(of.items())) for kind, of in world.engine.held.documents.items()}
    before = compare(site, KEPT).digest()
    world.engine.held = SecurityConfig(reverse)
    assert compare(site, KEPT).digest() == before


# ---------------------------------------------------------------------- others, and by hand


def test_ours_and_those_of_all_others_are_told_apart() -> None:
    claims = {"demo": Claims([READS]), "one": Claims([WRITES]), "two": Claims([VIEWERS])}
    assert split_claims(claims, "demo") == (Claims([READS]), frozenset({WRITES, VIEWERS}))
    assert split_claims(claims, "new") == (Claims(), frozenset({READS, WRITES, VIEWERS}))
    assert split_claims({}, "demo") == (Claims(), frozenset())


def test_by_hand_is_what_neither_file_nor_group_nor_another_deployment_asks_for() -> None:
    world, site = made()
    theirs = Claim("rolesmapping", "viewers", "users", "theirs")
    world.ledger.keep_claims(site.place.id, "demo", Claims([VIEWERS, EDITORS, READS, WRITES]))
    world.ledger.keep_claims(site.place.id, "another", Claims([theirs]))
    hold(
        world,
        roles={"viewers": MODEL.roles["viewers"], "editors": MODEL.roles["editors"]},
        rolesmapping={
            "viewers": mapping(users=[ANNA, "theirs", "by-hand"]),
            "editors": mapping(backend_roles=[arn("role", "portcullis-demo-break-glass")]),
            "all_access": mapping(users=["root"], backend_roles=[arn("role", "master")]),
        },
    )
    found = {(one.claim.name, one.claim.entry): one for one in made_by_hand(site)}
    assert found[("all_access", "root")].severity == "critical"
    assert ("all_access", arn("role", "master")) not in found
    assert {("viewers", "by-hand"), ("editors", BEN)} <= found.keys()
    assert found[("editors", BEN)].ours
    assert ("viewers", "theirs") not in found
    assert made_by_hand(site)[0].severity == "critical"
    assert any("break-glass is mapped by" in one.what for one in made_by_hand(site))
