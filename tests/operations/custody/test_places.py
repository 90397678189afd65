"""A lock takes what the place of its engine has: all walls for a domain of Amazon, fewer for a cluster that runs elsewhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import structs
from portcullis.access.plan import AccessModel, People, SubjectKind
from portcullis.custody.keys.key_advice import advise
from portcullis.custody.keys.key_types import KeyAnswers
from portcullis.custody.types import OUTSIDE, SAVE_OF, Measure, Progress, State
from portcullis.errors import Refused
from portcullis.model.option_types import Options
from portcullis.operations.access.changing.foundation import with_foundation
from portcullis.operations.access.scopes import scope_of
from portcullis.operations.custody.deleting import delete
from portcullis.operations.custody.guard import guard
from portcullis.operations.keys.check import wanted_of
from portcullis.operations.services import Trigger
from portcullis.operations.status import status
from portcullis.operations.watching.roads import roads_of
from portcullis.ports.places import shut_outside
from portcullis.ports.registration import AmazonDomain, Cluster, EngineUser, Place
from portcullis.watch.roads import Road, RoadKind

from tests.adapters.registrations import registration
from tests.operations.worlds import place
from tests.reactions.town import Town, town

CAUSE = Trigger("a test", "somebody")
PLACES: dict[str, tuple[Place, set[Measure]]] = {
    "a domain in a VPC": (place(group="sg-1"), set(OUTSIDE)),
    "a domain in no VPC": (place(), set(OUTSIDE)),
    "a cluster elsewhere": (Cluster("es.example.com:9200"), set()),
}
every_place = pytest.mark.parametrize(("where", "walls"), PLACES.values(), ids=PLACES.keys())


class NoGate:
    """Whoever asks it anything finds nothing there."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} is no way to shut this place")


def at(where: Place) -> Town:
    here = town()
    here.account.registered(place=where)
    if isinstance(where, AmazonDomain):
        return here
    gate: Any = NoGate()
    return replace(here, services=replace(here.services, gate=lambda _: gate))


@every_place
def test_a_lock_and_its_end_ask_for_nothing_the_place_lacks(where: Place, walls: set[Measure]) -> None:
    here = at(where)
    before = here.account.engine.held
    here.aws.disabled = True
    locked = guard(here.services, "demo", CAUSE)
    assert locked.state is State.LOCKED
    taken = {measure for measure, record in locked.measures.items() if record.progress is Progress.DONE}
    assert taken & OUTSIDE == walls
    assert here.account.engine.held != before
    here.aws.disabled = False
    assert guard(here.services, "demo", CAUSE).state is State.OPEN
    assert here.account.engine.held == before


@every_place
def test_the_alert_and_the_status_say_which_walls_there_are_not(where: Place, walls: set[Measure]) -> None:
    here = at(where)
    here.aws.disabled = True
    guard(here.services, "demo", CAUSE)
    lacking = [measure.value for measure in OUTSIDE - walls if measure not in SAVE_OF]
    [told] = [alert for alert in here.aws.told if alert.name == "locked"]
    assert ("no way to" in told.done) is bool(lacking)
    assert all(one in told.done for one in lacking)
    assert sorted(status(here.services, "demo").without) == sorted(lacking)


def test_a_cluster_that_runs_elsewhere_is_not_deleted_from_here() -> None:
    here = at(Cluster("es.example.com:9200"))
    with pytest.raises(Refused, match="not ours to delete"):
        delete(here.services, "demo", CAUSE, confirm="demo")
    assert here.account.ledger.custody("demo").state is State.OPEN


def test_snapshots_of_a_cluster_are_left_to_whoever_runs_it() -> None:
    here = at(Cluster("es.example.com:9200"))
    with pytest.raises(Refused, match="whoever runs it takes its snapshots"):
        here.account.ledger.registration("demo").snapshot_store()


@every_place
def test_a_grant_of_the_key_is_looked_for_where_aws_gives_one(where: Place, walls: set[Measure]) -> None:
    here = at(where)
    wanted = wanted_of(here.account.ledger.registration("demo"), Options())
    assert bool(wanted.domain_arn) is isinstance(where, AmazonDomain)
    assert bool(wanted.domain_key) is isinstance(where, AmazonDomain)
    assert shut_outside(where) == walls


ELSEWHERE = registration(
    family="elasticsearch",
    place=Cluster("es.example.com:9200"),
    automation=EngineUser("portcullis", "es/automation"),
    master=EngineUser("elastic", ""),
    break_glass=EngineUser("on-call", "es/on-call"),
    canary=EngineUser("portcullis_canary", "portcullis/demo/portcullis_canary"),
)


def test_the_key_of_a_cluster_has_to_let_no_service_of_amazons_in() -> None:
    metadata = {"Arn": "arn:aws:kms:eu-central-1:111122223333:key/1", "KeyState": "Enabled", "KeyManager": "CUSTOMER"}
    closed = {"Policy": '{"Version": "2012-10-17", "Statement": []}'}
    answers = KeyAnswers({"KeyMetadata": metadata}, policy=closed)
    for where, wrong in ((ELSEWHERE, False), (registration(), True)):
        found = advise(wanted_of(where, Options()), answers, datetime.now(UTC))
        assert any(one.code.startswith("policy") for one in found) is wrong


def test_for_a_cluster_the_break_glass_secret_is_watched() -> None:
    """Where for a domain it is the secret of its master."""
    roads = roads_of(ELSEWHERE, AccessModel())
    assert roads == (Road(RoadKind.SECRET, "es/on-call"),)
    assert scope_of(ELSEWHERE, AccessModel()).master_secret == "es/on-call"
    nobody = structs.replace(ELSEWHERE, break_glass=None)
    assert roads_of(nobody, AccessModel()) == ()


def test_the_canary_of_a_cluster_is_a_user_that_the_automation_makes() -> None:
    model = with_foundation(AccessModel(users={"catalyst": {}}), ELSEWHERE)
    assert set(model.users) == {"catalyst", "portcullis_canary"}
    [grant] = [one for one in model.grants if one.subject.name == "portcullis_canary"]
    assert (grant.subject.kind, grant.role) == (SubjectKind.INTERNAL_USER, "portcullis_canary")
    assert set(with_foundation(AccessModel(), registration()).users) == set()


def test_the_users_of_portcullis_on_a_cluster_are_kept_from_groups() -> None:
    people = with_foundation(AccessModel(people=People("demo")), ELSEWHERE).people
    actors = (ELSEWHERE.automation, ELSEWHERE.master, ELSEWHERE.break_glass, ELSEWHERE.canary)
    assert people is not None
    assert people.kept == {actor.principal for actor in actors if actor} - {""}
    assert {"on-call", "portcullis_canary"} <= people.kept
