"""Given a move from certificates to a key, and a lock of either side that meets it at any call, forth or back: the lock holds, nothing is
lost, and how far it came is said."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from portcullis.access.guard import ProtectedPrincipals
from portcullis.access.plan import AccessModel
from portcullis.custody.types import Custody, Measure, MeasureRecord, Progress, State
from portcullis.errors import PortcullisError, Refused, Shut
from portcullis.families.elasticsearch.documents.config import Kind, SecurityConfig
from portcullis.families.elasticsearch.documents.shut import shut
from portcullis.operations.remotes.moving.kept import Underway, all_under_way, forget, keep, lease_of
from portcullis.operations.remotes.moving.migrating import migrate_remote
from portcullis.operations.remotes.moving.planning import remote_migration
from portcullis.operations.remotes.sweeping import look_after_keys
from portcullis.operations.status import status
from portcullis.ports.engine import Names
from portcullis.ports.registration import KeptModel
from portcullis.ports.remotes import Connection, KeyText
from portcullis.remotes.keys import NOTHING
from portcullis.remotes.moving import Stage, Way

from tests.operations.agreeing import CAUSE
from tests.operations.remotes.test_migrating import (
    GIVER,
    NEW,
    NOW,
    OLD,
    READER,
    SAME,
    SECOND,
    WAYS,
    Clusters,
    CutOff,
    declare,
    made,
    move,
    numbered,
    reads,
)
from tests.operations.worlds import Account, account


@dataclass
class Locks:
    """Locks a deployment once a call was made. `then`: how the reading side was when it did."""

    world: Account
    clusters: Clusters
    deployment: str
    at: int
    then: Any = None

    def __post_init__(self) -> None:
        call = self.clusters.call

        def counted(do: Callable[[], Any]) -> Any:
            found = call(do)
            if self.clusters.calls == self.at:
                self.lock()
            return found

        self.clusters.call = counted  # type: ignore[method-assign]

    def lock(self) -> None:
        self._keep(State.LOCKING)
        if self.deployment == GIVER:
            for one, key in self.clusters.keys.items():
                self.clusters.keys[one] = replace(key, access=NOTHING)
        self.then = self.reading_side()

    def open(self) -> None:
        self._keep(State.OPEN)
        if self.deployment == GIVER:
            offered = {"search": [{"names": ["logs-*"]}]}
            for one, key in self.clusters.keys.items():
                self.clusters.keys[one] = replace(key, access=offered)

    def _keep(self, state: State) -> None:
        custody = self.world.ledger.custody(self.deployment)
        self.world.ledger.keep_custody(replace(custody, state=state, saves=1))

    def reading_side(self) -> Any:
        return copy.deepcopy((self.clusters.on_disk, self.clusters.in_use, self.clusters.leads))


def ended(to: str) -> dict[str, str]:
    return {OLD: "certificate", NEW: "key"} if to == NEW else {OLD: "key"}


def stands(world: Account) -> str:
    """How far the move came, as `status` has it."""
    (kept,) = all_under_way(world.services.site(READER))
    return kept.stage


@pytest.mark.parametrize(("text", "to"), WAYS)
@pytest.mark.parametrize("deployment", [READER, GIVER])
def test_a_lock_at_any_call_stops_a_move_which_goes_on_once_it_is_open(text: str, to: str, deployment: str) -> None:
    for number in numbered(text):
        world, clusters = made(text)
        locks = Locks(world, clusters, deployment, number)
        with pytest.raises(Shut):
            move(world)
        if deployment == READER:
            assert locks.reading_side() == locks.then
        else:
            assert all(key.access == NOTHING for key in clusters.keys.values())
        stood = stands(world)
        with pytest.raises(PortcullisError, match=f"{deployment} is"):
            move(world)
        assert stands(world) == stood
        plan = remote_migration(world.services, READER, alias=OLD)
        assert (plan.exit_status, plan.stage) == (3, stood)
        assert [one for one in plan.stops if one.startswith(f"{deployment} is being locked: nothing is moved")]
        locks.open()
        assert (move(world).to, clusters.settled()) == (to, ended(to))
        assert remote_migration(world.services, READER, alias=OLD).exit_status == 0


@pytest.mark.parametrize(("text", "to"), WAYS)
def test_a_lock_of_who_reads_at_any_call_of_a_way_back_leaves_the_rest_for_later(text: str, to: str) -> None:
    for number in numbered(text, back=True)[:-1]:
        world, clusters = made(text)
        move(world)
        locks = Locks(world, clusters, READER, number)
        with pytest.raises(Shut):
            move(world, back=True)
        assert locks.reading_side() == locks.then
        plan = remote_migration(world.services, READER, alias=OLD)
        assert plan.stops[0] == f"the way back of {OLD} was begun: --rollback goes on with it"
        with pytest.raises(Shut):
            move(world, back=True)
        assert locks.reading_side() == locks.then
        locks.open()
        with pytest.raises(Refused, match="way back"):
            move(world)
        assert move(world, back=True).state == "rolled-back"
        assert clusters.settled() == {OLD: "certificate"}
        assert all_under_way(world.services.site(READER)) == ()


@pytest.mark.parametrize(("text", "to"), WAYS)
def test_a_lock_of_who_is_read_keeps_nobody_from_the_way_back(text: str, to: str) -> None:
    """It touches nothing of theirs, and what keeps people out over there are their roles and blocks."""
    world, clusters = made(text)
    move(world)
    locks = Locks(world, clusters, GIVER, 0)
    locks.lock()
    before = clusters.calls
    with pytest.raises(PortcullisError, match=f"{GIVER} is lock"):
        move(world, go_on=True)
    assert (clusters.calls, clusters.settled()) == (before, ended(to))
    assert move(world, back=True).state == "rolled-back"
    assert clusters.settled() == {OLD: "certificate"}
    assert all(key.access == NOTHING for key in clusters.keys.values())


@pytest.mark.parametrize("deployment", [READER, GIVER])
def test_a_lock_that_stands_already_has_nothing_begun(deployment: str) -> None:
    world, clusters = made()
    Locks(world, clusters, deployment, 0).lock()
    with pytest.raises(PortcullisError, match=f"{deployment} is"):
        move(world)
    assert clusters.calls == 0
    assert all_under_way(world.services.site(READER)) == ()


def test_a_plan_while_it_is_locked_compares_what_will_be_open_again() -> None:
    """A role that the lock has emptied gives nothing now, and nobody loses by the move what it will give again."""
    world, _ = made()
    open_ = remote_migration(world.services, READER, alias=OLD)
    engine, locked = world.services.engine, dict[str, Shutting]()
    for deployment in (READER, GIVER):
        held = engine(world.ledger.registration(deployment)).read()
        closed = shut(held, ProtectedPrincipals())
        world.ledger.save(deployment, "as it was", closed.saved)
        done = MeasureRecord(Progress.DONE, NOW, save_as="as it was")
        world.ledger.keep_custody(
            Custody(deployment, State.LOCKED, saves=1, measures={Measure.SAVE: done, Measure.SHUT_MAPPINGS: done})
        )
        locked[deployment] = Shutting(world.services.site(deployment).family.simulate_all(held, closed.writes))
        assert locked[deployment].held.of("role")["reader"]["indices"] == []
    world.services = replace(world.services, engine=lambda of: locked[of.deployment])  # type: ignore[arg-type, return-value]
    plan = remote_migration(world.services, READER, alias=OLD)
    assert (plan.moved, plan.kept) == (open_.moved, open_.kept)
    assert plan.stops == tuple(f"{one} is locked: nothing is moved until it is open" for one in (READER, GIVER))


@dataclass
class Shutting:
    """An engine as a lock has left it."""

    held: Any
    dialect: str = "9.5 trial"

    def read(self, kinds: Any = None) -> Any:
        return SecurityConfig({kind: self.held.of(kind) for kind in kinds or Kind})

    def names(self) -> Names:
        return Names(("logs-1", "hr"))


# ---------------------------------------------------------------------- what a run finds that comes later


def test_on_the_same_alias_a_lock_of_who_is_read_switches_nothing_back() -> None:
    """The key leads there: that the other side changes no key right now says nothing of the road."""
    world, clusters = made(SAME)
    Locks(world, clusters, GIVER, numbered(SAME)[-1])
    with pytest.raises(Shut):
        move(world)
    assert (clusters.settled(), stands(world)) == ({OLD: "key"}, Stage.SEEN)


@pytest.mark.parametrize(("text", "to"), WAYS)
@pytest.mark.parametrize("waits", [False, True])
def test_a_key_that_was_replaced_meanwhile_is_put_into_the_keystores(text: str, to: str, waits: bool) -> None:
    """Ended by hand, or since a lock: the offer has another one made, and the nodes come with that."""
    (last,) = numbered(text)[-1:]
    world, clusters = made(text, fails={} if waits else {last: True})
    if waits:
        move(world)
    else:
        with pytest.raises(CutOff):
            move(world)
        clusters.fails.clear()
        world.ledger.save(
            READER, f"migration#{OLD}", {**world.ledger.saved(READER, f"migration#{OLD}"), "stage": "seen"}
        )
    clusters.keys.clear()
    found = move(world, go_on=waits)
    assert (found.state, found.key) == ("moved" if waits else "beside" if to == NEW else "switched", "k2")
    assert clusters.on_disk == {node: {to: "k2"} for node in "ab"}


def test_a_key_that_others_handed_on_meanwhile_is_not_asked_for_again() -> None:
    """It was replaced while the move waited, and somebody has put it into the keystore that nobody here can write."""
    world, clusters = made(writable=frozenset({"a"}))
    with pytest.raises(Refused, match="keystore of b"):
        move(world)
    clusters.on_disk["b"][NEW] = "k1"
    move(world)
    clusters.keys["k2"] = replace(clusters.keys["k1"], id="k2", made=NOW + timedelta(days=1))
    clusters.secret = KeyText("k2", "hidden-4711")
    clusters.on_disk = clusters.in_use = {node: {NEW: "k2"} for node in "ab"}
    before = clusters.calls
    assert (move(world, go_on=True).state, clusters.calls) == ("moved", before + 1)
    assert clusters.settled() == {NEW: "key"}


def test_another_key_is_asked_for_anew_where_a_keystore_cannot_be_written() -> None:
    world, clusters = made(writable=frozenset({"a"}), watched=OLD)
    for key in ("k1", "k2"):
        with pytest.raises(Refused, match="keystore of b: put the key of the secret"):
            move(world)
        clusters.on_disk["b"][NEW] = key
        assert (move(world).key, clusters.by(NEW)) == (key, "key")
        clusters.keys.clear()
    assert any("keystore of b" in one.how for one in move(world, back=True).left)


def test_a_file_that_is_mended_before_anything_was_made_counts() -> None:
    """On the same alias the old address was put back, and the next try goes where the file says by then."""
    wrong = SAME.replace(f"deployment: {GIVER}", "address: 'nowhere.example:9443'")
    world, clusters = made(wrong, answers=False)
    with pytest.raises(Refused, match="by certificate again"):
        move(world)
    clusters.answers = True
    declare(world, READER, SAME)
    assert move(world).state == "switched"
    assert clusters.leads[OLD].address == "logs.example:9443"


def test_a_file_that_says_otherwise_once_something_was_made_asks_for_the_way_back() -> None:
    wrong = SECOND.replace(f"{NEW}: {{deployment: {GIVER}", f"{NEW}: {{address: 'nowhere.example:9443'")
    world, clusters = made(wrong, answers=False)
    with pytest.raises(Refused, match="refuses"):
        move(world)
    clusters.answers = True
    declare(world, READER, SECOND)
    with pytest.raises(Refused, match=f"says otherwise how {NEW} is read .* --rollback"):
        move(world)
    assert clusters.leads[NEW].address == "nowhere.example:9443"
    assert move(world, back=True).state == "rolled-back"
    assert move(world).state == "beside"
    assert clusters.leads[NEW].address == "logs.example:9443"


def test_a_file_that_says_otherwise_while_it_waits_keeps_nobody_from_going_on() -> None:
    world, clusters = made()
    move(world)
    declare(
        world,
        READER,
        SECOND.replace(f"credential: {'remotes/orders'}", "skip_unavailable: true, credential: remotes/orders"),
    )
    assert (move(world, go_on=True).state, clusters.settled()) == ("moved", {NEW: "key"})


def test_a_way_back_that_was_begun_is_said_though_the_file_declares_nothing_any_more() -> None:
    (first, *_) = numbered(SECOND, back=True)
    world, clusters = made(fails={first: True})
    move(world)
    with pytest.raises(CutOff):
        move(world, back=True)
    declare(world, READER, reads("", OLD))
    with pytest.raises(Refused, match="way back of dc2 was begun: --rollback"):
        move(world)
    assert move(world, back=True).state == "rolled-back"
    assert clusters.settled() == {OLD: "certificate"}


def test_whoever_goes_on_is_in_the_history_and_not_who_began() -> None:
    world, clusters = made()
    clusters.fails = {1: False}
    with pytest.raises(CutOff):
        migrate_remote(world.services, READER, replace(CAUSE, actor="anna"), alias=OLD)
    migrate_remote(world.services, READER, replace(CAUSE, actor="bob"), alias=OLD)
    assert [one.actor for one in world.ledger.history(GIVER)] == ["bob"]


# ---------------------------------------------------------------------- what is said of it


def told(world: Account, at: timedelta = timedelta()) -> list[str]:
    before = len(world.aws.told)
    look_after_keys(replace(world.services, now=lambda: NOW + at).site(READER), CAUSE)
    return [one.happened.partition(": ")[2] for one in world.aws.told[before:] if one.name == "remote-half-moved"]


BEGUN = "begun 2026-01-31 00:00 UTC"


def test_what_may_refuse_people_is_told_by_the_next_sweep_and_not_after_a_day() -> None:
    """Stopped on the same alias between keystores and address; not while somebody is at work on it."""
    for number in range(3, 7):  # a key, its secret; then the keystores, their reading it, the address
        world, clusters = made(SAME, fails={number: True})
        with pytest.raises(CutOff):
            move(world)
        with world.ledger.lease(f"migration:{world.services.site(READER).place.id}:{OLD}", "another"):
            assert told(world) == []
        assert told(world) == [f"the move of {OLD} to {OLD}, {BEGUN}, stopped at switch"]
    assert move(world).state == "switched"
    assert told(world) == []
    assert told(world, timedelta(days=1)) == [
        f"the move of {OLD} to {OLD}, {BEGUN}, waits, read with the key, while the way back is open"
    ]
    clusters.fails[clusters.calls + 1] = True
    with pytest.raises(CutOff):
        move(world, back=True)
    assert told(world) == [
        f"the move of {OLD} to {OLD}, {BEGUN}, was being undone, and that has not ended: --rollback goes on with it"
    ]


def test_a_sweep_waits_for_nobody_who_is_at_work_on_a_move() -> None:
    world, _ = made(SAME, fails={5: True})
    with pytest.raises(CutOff):
        move(world)
    name, waits, lease = lease_of(world.services.site(READER), OLD), list[float](), world.ledger.lease

    def noted(domain: str, holder: str, **more: Any) -> Any:
        if domain == name:
            waits.append(more["wait"])
        return lease(domain, holder, **more)

    world.ledger.lease = noted  # type: ignore[method-assign]
    assert [("stopped at switch" in one) for one in told(world)] == [True]
    assert waits == [0]


@pytest.mark.parametrize("number", numbered(SAME, back=True))
def test_a_sweep_writes_no_keystore_of_an_alias_on_its_way_back(number: int) -> None:
    """In the midst it has neither key nor the old address: a key put there then would have everybody refused at the old one."""
    world, clusters = made(SAME)
    move(world)
    call = clusters.call

    def swept(do: Callable[[], Any]) -> Any:
        found = call(do)
        if clusters.calls == number:
            told(world)
        return found

    clusters.call = swept  # type: ignore[method-assign]
    assert move(world, back=True).left[0].what == f"{READER}: the file declares {OLD} with a key still"
    assert clusters.settled() == {OLD: "certificate"}


def test_what_refuses_nobody_is_told_after_a_day() -> None:
    for text, fails, where in ((SECOND, {6: True}, "stopped at connect"), (SAME, {1: True}, "stopped at key")):
        world, _ = made(text, fails=fails)
        with pytest.raises(CutOff):
            move(world)
        assert told(world, timedelta(hours=23)) == []
        assert [where in one for one in told(world, timedelta(days=1))] == [True]


def test_once_people_may_move_over_it_is_said_after_a_day_that_both_roads_stand() -> None:
    world, _ = made()
    move(world)
    assert told(world, timedelta(hours=23)) == []
    assert told(world, timedelta(days=1)) == [f"the move of {OLD} to {NEW}, {BEGUN}, waits while both roads stand"]


def test_a_move_is_told_though_its_alias_is_gone_and_the_file_names_neither() -> None:
    (last,) = numbered(SECOND, go_on=True)
    world, _ = made(fails={last: True})
    move(world)
    with pytest.raises(CutOff):
        move(world, go_on=True)
    declare(world, READER, reads("", OLD))
    assert [f"the move of {OLD} to {NEW}" in one and "withdraw" in one for one in told(world, timedelta(days=1))] == [
        True
    ]


def test_status_says_how_far_a_move_came_and_where_to_look() -> None:
    world = account()
    world.registered()
    world.ledger.keep_model("demo", KeptModel("deployment: demo\n", AccessModel()))
    site = world.services.site("demo")
    assert status(world.services, "demo").next != f"portcullis remote migrate demo {OLD} --plan"
    for alias in (OLD, "dc3"):
        keep(
            site,
            Underway(
                Way.SECOND_ALIAS,
                alias,
                NEW,
                "s",
                Connection(alias, "a:1"),
                Connection(NEW, "b:1"),
                Stage.SEEN,
                NOW,
                "anna",
            ),
        )
    found = status(world.services, "demo")
    assert [f"the move of {alias} to {NEW}, {BEGUN}, stopped at seen" in found.problems for alias in (OLD, "dc3")] == [
        True,
        True,
    ]
    forget(site, OLD)
    assert [one.alias for one in all_under_way(site)] == ["dc3"]
    assert world.ledger.saved("demo", "migrations") == ["dc3"]
    forget(site, "dc3")
    assert world.ledger.saved("demo", "migrations") is None
