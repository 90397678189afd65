"""Given two deployments whose files agree on a key, then verbs, apply and sweep make, hand on, replace and end it, whatever fails."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from portcullis.access.actual import Json
from portcullis.cli import main as cli
from portcullis.custody.types import Act as Step
from portcullis.custody.types import Custody, Measure, State, Todo
from portcullis.entry import ask as asking
from portcullis.entry.operate import carry_out
from portcullis.entry.verbs import ACT, LOOK
from portcullis.errors import BadInput, Conflict, Overtaken, PortcullisError, Refused, Shut, Unreachable
from portcullis.model.option_types import Options, RemoteOptions
from portcullis.operations.custody.guard import rules_of
from portcullis.operations.custody.measures import perform
from portcullis.operations.custody.offered_keys import keys_that_allow
from portcullis.operations.remotes.asking.showing import remote_keys
from portcullis.operations.remotes.keys.tending import keep_offers, rotate_remote, would_keep
from portcullis.operations.remotes.sweeping import look_after_keys
from portcullis.ports.registration import Cluster
from portcullis.ports.remotes import KeyText
from portcullis.remotes.keys import NOTHING, Act, Key, Offer

from tests.operations.agreeing import (
    ALIAS,
    CAUSE,
    GIVER,
    LOGS,
    READER,
    SECRET,
    NoConnections,
    in_force,
    offers,
    reads,
    two,
)
from tests.operations.worlds import Account

START = datetime(2026, 1, 31, tzinfo=UTC)
OTHER = {"search": [{"names": ["metrics-*"]}]}


class Failed(PortcullisError):
    """A call that is to fail."""


@dataclass
class Side(NoConnections):
    """Both clusters in one: the one that gives keys, the secrets between them, and the one whose nodes come with them.

    `fails`: names of calls that fail. `before`: what happens right before a call of this name, once.
    """

    keys: dict[str, Key] = field(default_factory=dict)
    secrets: dict[str, KeyText] = field(default_factory=dict)
    nodes_of: dict[str, str] = field(default_factory=lambda: {"node-1": "", "node-2": ""})
    comes_with: dict[str, str] = field(default_factory=dict)  # alias -> key
    writable: frozenset[str] = frozenset({"node-1", "node-2"})
    fails: set[str] = field(default_factory=set)
    during: dict[str, Any] = field(default_factory=dict)
    now: datetime = START
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def _call(self, name: str) -> None:
        if name in self.fails:
            raise Failed(f"{name} failed")

    def _after(self, name: str) -> None:
        if name in self.during:
            self.during.pop(name)()

    # ------------------------------------------------------------------ the giver's

    def us(self) -> str:
        return "portcullis"

    def shown(self) -> tuple[Key, ...]:
        self._call("shown")
        return tuple(self.keys.values())

    def make(self, offer: Offer) -> KeyText:
        self._call("make")
        one = f"k{next(self.numbers)}"
        made = self.now + timedelta(seconds=len(self.keys))
        expires = self.now + timedelta(days=offer.days)
        self.keys[one] = Key(one, offer.key_name, "portcullis", offer.access, made, expires, offer.metadata)
        self._after("make")
        return KeyText(one, f"text-of-{one}")

    def change(self, key: str, access: Json) -> None:
        self._call("change")
        self.keys[key] = replace(self.keys[key], access=access)
        self._after("change")

    def end(self, keys: Collection[str]) -> None:
        self._call("end")
        for key in keys:
            self.keys.pop(key, None)

    # ------------------------------------------------------------------ the secrets

    def read(self, secret: str) -> KeyText | None:
        self._call("read")
        return self.secrets.get(secret)

    def put(self, *given: Any) -> None:
        if len(given) == 2:
            self._call("put secret")
            self.secrets[given[0]] = given[1]
        else:
            self._call("put keystore")
            self.nodes_of[given[0]] = given[2].id
            self._after("put keystore")

    # ------------------------------------------------------------------ the reader's

    @property
    def on_nodes(self) -> frozenset[str]:
        return self.writable

    def nodes(self) -> frozenset[str]:
        return frozenset(self.nodes_of)

    def reload(self) -> None:
        self._call("reload")
        assert len(set(self.nodes_of.values())) == 1
        self.comes_with[ALIAS] = next(iter(self.nodes_of.values()))

    def key_in_use(self, alias: str) -> str:
        self._call("key_in_use")
        seen = self.comes_with.get(alias, "")
        if seen not in self.keys:
            raise Refused(f"{alias} refuses: {'the key has been invalidated' if seen else 'no key'}")
        return seen


@dataclass
class OnNodes:
    """The Keystores protocol of a side."""

    of: Side

    @property
    def nodes(self) -> frozenset[str]:
        return self.of.on_nodes

    def put(self, node: str, alias: str, text: KeyText | None) -> None:
        self.of.put(node, alias, text)


def made(**options: Options) -> tuple[Account, Side]:
    side = Side()
    world = two(
        cluster_keys=lambda _: side,
        key_texts=lambda _: side,
        remotes=lambda _: side,
        keystores=lambda _: OnNodes(side),
        now=lambda: side.now,
    )
    for name, one in options.items():
        in_force(world.services, name, one)
    return world, side


def kept(world: Account) -> list[str]:
    return [str(step.act) for step in keep_offers(world.services.site(GIVER), CAUSE).steps]


def said(world: Account, deployment: str = GIVER) -> list[str]:
    return [change.summary for change in world.ledger.history(deployment)]


# ---------------------------------------------------------------------- what the file offers


def test_a_key_is_made_changed_in_place_and_ended_as_the_file_says() -> None:
    world, side = made()
    assert would_keep(world.services.site(GIVER), offers()).steps[0].act is Act.MAKE
    assert side.keys == {}
    assert (kept(world), kept(world)) == (["make"], [])
    assert side.secrets[SECRET].id == "k1"
    in_force(world.services, GIVER, offers(of=OTHER))
    assert (kept(world), kept(world)) == (["change"], [])
    assert side.keys["k1"].access == OTHER
    in_force(world.services, GIVER, Options())
    assert (kept(world), kept(world)) == (["end"], [])
    assert side.keys == {}
    assert said(world) == [
        "ended the key k1 of of: it is offered no more",
        "changed the key k1 of of: it allows something else than is offered",
        "made the key k1 of of: there is none",
    ]
    assert "text-of" not in repr(world.ledger.history(GIVER))


def test_a_deployment_that_offers_nothing_asks_no_engine() -> None:
    world, side = made()
    side.fails = {"shown", "read"}
    site = world.services.site(READER)
    assert keep_offers(site, CAUSE).steps == ()
    assert would_keep(site, reads()).steps == ()


@pytest.mark.parametrize("state", [State.LOCKING, State.LOCKED, State.UNLOCKING, State.DELETING])
def test_no_key_is_touched_while_the_deployment_is_not_open(state: State) -> None:
    world, side = made()
    world.ledger.keep_custody(Custody(GIVER, state=state))
    with pytest.raises(Shut):
        keep_offers(world.services.site(GIVER), CAUSE)
    with pytest.raises(Shut):
        rotate_remote(world.services, READER, CAUSE, alias=ALIAS)
    assert side.keys == {}


@pytest.mark.parametrize("by", [kept, lambda world: rotate_remote(world.services, READER, CAUSE, alias=ALIAS)])
def test_a_key_that_is_made_while_a_lock_begins_is_ended_again(by: Any) -> None:
    world, side = made()
    side.during["make"] = lambda: world.ledger.keep_custody(Custody(GIVER, state=State.LOCKING, saves=1))
    with pytest.raises(Shut):
        by(world)
    assert (side.keys, side.secrets) == ({}, {})


def test_a_key_that_is_widened_while_a_lock_begins_is_narrowed_again() -> None:
    world, side = made()
    kept(world)
    in_force(world.services, GIVER, offers(of=OTHER))
    side.during["change"] = lambda: world.ledger.keep_custody(Custody(GIVER, state=State.LOCKING, saves=1))
    with pytest.raises(Shut):
        kept(world)
    assert side.keys["k1"].access == NOTHING
    world.ledger.keep_custody(replace(world.ledger.custody(GIVER), state=State.OPEN))
    assert kept(world) == ["change"]
    assert side.keys["k1"].access == OTHER


def test_of_two_who_change_keys_one_waits_and_then_says_so() -> None:
    world, side = made()
    site = world.services.site(GIVER)
    with world.ledger.lease(f"keys:{site.place.id}", "another"), pytest.raises(Unreachable, match="somebody else"):
        keep_offers(site, CAUSE, wait=0.01)
    assert side.keys == {}


# ---------------------------------------------------------------------- a rotation that a person asks for


def test_a_rotation_hands_on_and_ends_and_is_in_the_history_of_the_giver() -> None:
    world, side = made()
    kept(world)
    first = rotate_remote(world.services, READER, CAUSE, alias=ALIAS)
    assert (first.key, first.ended, first.readers, first.of) == ("k2", ("k1",), (f"{READER} as {ALIAS}",), GIVER)
    assert (set(side.keys), side.comes_with[ALIAS]) == ({"k2"}, "k2")
    second = rotate_remote(world.services, READER, CAUSE, alias=ALIAS, leaked=True)
    assert (second.key, second.ended, set(side.keys)) == ("k3", ("k2",), {"k3"})
    assert said(world)[0] == (
        "made the key k3 of of, to replace the one before; ended k2 of of: k3 is in use; k3 of of is read with by orders as dc2"
    )


def test_whoever_lost_the_right_to_write_keystores_writes_no_further_one() -> None:
    """A cluster of many nodes takes longer to write than the right lasts: somebody else may write by then, for another alias."""
    world, side = made()
    kept(world)
    before = rotate_remote(world.services, READER, CAUSE, alias=ALIAS).key
    right = f"keystores:{world.services.site(READER).place.id}"
    side.during["put keystore"] = lambda: world.ledger._leases.update({right: ("another", time.monotonic() + 60)})
    with pytest.raises(Overtaken):
        rotate_remote(world.services, READER, CAUSE, alias=ALIAS)
    assert sorted(side.nodes_of.values()) == [before, "k3"]
    assert (side.comes_with[ALIAS], before in side.keys) == (before, True)


@pytest.mark.parametrize("call", ["make", "put secret", "put keystore", "reload", "key_in_use", "end"])
def test_a_rotation_that_fails_keeps_the_old_key_until_asked_again(call: str) -> None:
    """What failed is finished by asking again."""
    world, side = made()
    kept(world)
    before = rotate_remote(world.services, READER, CAUSE, alias=ALIAS).key
    side.fails = {call}
    with pytest.raises(Failed):
        rotate_remote(world.services, READER, CAUSE, alias=ALIAS)
    assert before in side.keys
    assert side.comes_with[ALIAS] in side.keys
    side.fails = set()
    after = rotate_remote(world.services, READER, CAUSE, alias=ALIAS).key
    assert (set(side.keys), side.comes_with[ALIAS], after != before) == ({after}, after, True)
    assert "text-of" not in repr([*world.ledger.history(GIVER), *world.ledger.history(READER)])


def test_a_rotation_goes_on_once_a_keystore_was_written_by_hand() -> None:
    """One that cannot be written is refused before, with the page that says what to do."""
    world, side = made()
    kept(world)
    rotate_remote(world.services, READER, CAUSE, alias=ALIAS)
    side.writable = frozenset({"node-1"})
    with pytest.raises(Refused, match=r"keystore of node-2.*runbooks/remote-key-ending\.md"):
        rotate_remote(world.services, READER, CAUSE, alias=ALIAS)
    assert (set(side.keys), side.comes_with[ALIAS]) == ({"k2", "k3"}, "k2")
    with pytest.raises(Refused):
        rotate_remote(world.services, READER, CAUSE, alias=ALIAS)
    assert set(side.keys) == {"k2", "k3"}  # asked again, no other one is made
    side.nodes_of = dict.fromkeys(side.nodes_of, "k3")  # by a person, on each node
    side.reload()
    assert rotate_remote(world.services, READER, CAUSE, alias=ALIAS).ended == ("k2",)
    assert set(side.keys) == {"k3"}


def test_the_key_of_a_giver_who_is_not_deployed_here_is_handed_on_from_the_secret() -> None:
    world, side = made(orders=Options(remotes={ALIAS: RemoteOptions("api-key", "remotes/theirs", "", "dc2:9443")}))
    with pytest.raises(Refused, match="holds no key"):
        rotate_remote(world.services, READER, CAUSE, alias=ALIAS)
    theirs = Offer("far", "away", LOGS, 90, "remotes/theirs")
    side.secrets["remotes/theirs"] = side.make(theirs)
    with pytest.raises(Refused, match="whoever runs the other cluster makes another one"):
        rotate_remote(world.services, READER, CAUSE, alias=ALIAS, leaked=True)
    handed = rotate_remote(world.services, READER, CAUSE, alias=ALIAS)
    assert (handed.key, handed.of, handed.ended, side.comes_with[ALIAS]) == ("k1", "", (), "k1")
    assert said(world, READER) == ["dc2 is read with the key k1"]


@pytest.mark.parametrize(
    ("reader", "error", "says"),
    [
        (Options(), BadInput, "one of its remotes: none"),
        (Options(remotes={ALIAS: RemoteOptions("certificate", "", "", "dc2:9300")}), Refused, "certificates"),
    ],
)
def test_an_alias_without_a_key_is_refused(reader: Options, error: type[Exception], says: str) -> None:
    world, _ = made(orders=reader)
    with pytest.raises(error, match=says):
        rotate_remote(world.services, READER, CAUSE, alias=ALIAS)


def test_two_offers_of_one_secret_are_refused_rather_than_mixed_up() -> None:
    world, side = made(logs=offers(one=LOGS, another=OTHER))
    with pytest.raises(Refused, match="a secret of its own"):
        rotate_remote(world.services, READER, CAUSE, alias=ALIAS)
    assert side.keys == {}


# ---------------------------------------------------------------------- looked at


def test_both_sides_see_which_key_is_given_and_used_by_whom_and_until_when() -> None:
    world, side = made()
    kept(world)
    rotate_remote(world.services, READER, CAUSE, alias=ALIAS)
    side.keys["theirs"] = Key("theirs", "by-hand", "anna", OTHER, START, None)
    gives, uses = remote_keys(world.services, GIVER), remote_keys(world.services, READER)
    (offered,), (used,) = gives.offered, uses.used
    assert [(key.id, key.in_secret, key.expires) for key in offered.keys] == [("k2", True, START + timedelta(days=90))]
    assert (offered.readers, offered.secret) == ((f"{READER} as {ALIAS}",), SECRET)
    assert [(key.id, key.owner) for key in gives.others] == [("theirs", "anna")]
    assert (used.key, used.in_use, used.other, used.problem) == ("k2", "k2", GIVER, "")
    assert used.expires == START + timedelta(days=90)
    assert (used.roles, used.people) == (("log_reader",), ("cognito_group:readers",))
    assert "text-of" not in repr((gives, uses))


def test_what_the_other_side_does_not_tell_is_said_beside_it() -> None:
    world, side = made()
    kept(world)
    (used,) = remote_keys(world.services, READER).used
    assert (used.key, used.in_use, used.problem) == ("k1", "", "dc2 refuses: no key")
    side.fails = {"key_in_use"}
    (used,) = remote_keys(world.services, READER).used
    assert used.problem == "key_in_use failed"


# ---------------------------------------------------------------------- the sweep


def swept(world: Account, deployment: str = GIVER) -> list[str]:
    """What a sweep of it told, by the alert's name."""
    before = len(world.aws.told)
    look_after_keys(world.services.site(deployment), CAUSE)
    return [alert.name for alert in world.aws.told[before:]]


def test_the_sweep_replaces_keys_where_keystores_can_be_written() -> None:
    """It makes a key, hands it on, and replaces it before its end."""
    world, side = made()
    assert (swept(world), swept(world, READER)) == ([], [])
    assert (set(side.keys), side.comes_with[ALIAS]) == ({"k1"}, "k1")
    side.now += timedelta(days=75)
    assert swept(world) == []
    assert set(side.keys) == {"k1"}  # more than two weeks are left
    side.now += timedelta(days=2)
    assert (swept(world), swept(world, READER)) == ([], [])
    assert (set(side.keys), side.comes_with[ALIAS]) == ({"k2"}, "k2")


def test_the_end_of_a_key_that_cannot_be_written_is_told_twice() -> None:
    """Once, and again when it is near."""
    world, side = made()
    swept(world)
    swept(world, READER)
    side.writable = frozenset()
    side.now += timedelta(days=77)
    assert [swept(world), swept(world)] == [["remote-key-ending"], []]
    alert = world.aws.told[-1]
    assert (alert.severity, alert.runbook) == ("warning", "remote-key-ending")
    assert "the key k1 ends 2026-05-01 00:00 UTC" in alert.happened
    assert "put the one of the secret remotes/orders into the keystores of orders as dc2" in alert.happened
    assert set(side.keys) == {"k1", "k2"}  # the new one is in the secret, the old one stands
    side.now += timedelta(days=12)
    assert swept(world) == ["remote-key-ending"]
    assert world.aws.told[-1].severity == "critical"
    side.nodes_of = dict.fromkeys(side.nodes_of, "k2")
    side.reload()
    assert swept(world) == []
    side.now += timedelta(days=3)  # the old one ended by itself
    assert (swept(world), world.ledger.saved(GIVER, "told#remote-key-ending")) == ([], None)
    assert "text-of" not in repr(world.aws.told)


def test_a_reader_who_is_not_deployed_here_keeps_the_old_key() -> None:
    """They are told of, and have it until it ends."""
    world, side = made(orders=Options())
    swept(world)
    side.now += timedelta(days=80)
    assert swept(world) == ["remote-key-ending"]
    assert "into the keystores of whoever reads with it" in world.aws.told[-1].happened
    assert set(side.keys) == {"k1", "k2"}


def test_one_remote_that_fails_keeps_no_other_from_being_seen_to() -> None:
    remotes = {
        "away": RemoteOptions("api-key", "remotes/away", "", "x:9443"),
        ALIAS: RemoteOptions("api-key", SECRET, GIVER),
        "by-certificate": RemoteOptions("certificate", "", "", "y:9300"),
    }
    world, side = made(orders=Options(remotes=remotes))
    swept(world)
    side.secrets["remotes/away"] = KeyText("far", "text-of-far")
    real = side.key_in_use

    def key_in_use(alias: str) -> str:
        if alias == "away":
            raise Unreachable("away does not answer")
        return real(alias)

    side.key_in_use = key_in_use  # type: ignore[method-assign]
    with pytest.raises(Unreachable, match="away: away does not answer"):
        swept(world, READER)
    assert side.comes_with[ALIAS] == "k1"


def test_keystores_are_written_once_for_a_key_and_then_a_person_is_told() -> None:
    """A sweep comes every few minutes: a connection that does not come to life is not waited for each time."""
    world, side = made()
    swept(world)
    side.reload = lambda: None  # type: ignore[method-assign]
    with pytest.raises(Unreachable, match="no key"):
        swept(world, READER)
    assert [swept(world, READER), swept(world, READER)] == [["remote-key-ending"], []]


def test_the_key_of_somebody_else_under_our_mark_is_a_conflict_that_is_told() -> None:
    world, side = made()
    mark = Offer(GIVER, "of", LOGS, 90, SECRET).metadata
    side.keys["theirs"] = Key("theirs", "n", "anna", LOGS, START, None, mark)
    with pytest.raises(Unreachable, match="anna, who made it, alone may change it"):
        swept(world)
    assert set(side.keys) == {"theirs"}


# ---------------------------------------------------------------------- a lock


def todo(measure: Measure, act: Step = Step.TAKE) -> Todo:
    return Todo(measure, act, save_as="keys-1", forget=("keys-1",))


def locked(world: Account) -> None:
    site = world.services.site(GIVER)
    assert perform(site, todo(Measure.SAVE_KEYS), CAUSE) == "2 keys put aside"
    perform(site, todo(Measure.NARROW_KEYS), CAUSE)


def with_two_keys() -> tuple[Account, Side]:
    world, side = made(logs=offers(of=LOGS))
    kept(world)
    side.keys["by-hand"] = Key("by-hand", "n", "portcullis", OTHER, START, None)  # of ours, and in no file
    side.keys["theirs"] = Key("theirs", "n", "anna", OTHER, START, None)
    return world, side


def allows(side: Side) -> dict[str, Json]:
    return {one: key.access for one, key in side.keys.items()}


def test_a_lock_narrows_what_is_ours_and_an_unlock_puts_it_back_identically() -> None:
    world, side = with_two_keys()
    before = allows(side)
    locked(world)
    assert allows(side) == {"k1": NOTHING, "by-hand": NOTHING, "theirs": OTHER}
    assert keys_that_allow(world.services.site(GIVER)) == ""
    locked_again = perform(world.services.site(GIVER), todo(Measure.NARROW_KEYS), CAUSE)
    assert locked_again == "0 keys narrowed"
    assert perform(world.services.site(GIVER), todo(Measure.NARROW_KEYS, Step.UNDO), CAUSE) == "2 keys put back"
    assert allows(side) == before
    assert perform(world.services.site(GIVER), todo(Measure.NARROW_KEYS, Step.UNDO), CAUSE) == "0 keys put back"


@pytest.mark.parametrize(
    ("now", "comes_back"),
    [(offers(of=LOGS), LOGS), (offers(of=OTHER), OTHER), (Options(), NOTHING)],
    ids=["offered still", "offered otherwise by now", "offered no more"],
)
def test_an_unlock_puts_back_no_more_than_the_file_offers_by_then(now: Options, comes_back: Json) -> None:
    world, side = with_two_keys()
    locked(world)
    in_force(world.services, GIVER, now)
    perform(world.services.site(GIVER), todo(Measure.NARROW_KEYS, Step.UNDO), CAUSE)
    assert side.keys["k1"].access == comes_back
    assert side.keys["by-hand"].access == OTHER


def test_what_was_made_or_ended_in_the_lock_is_left_as_it_is() -> None:
    world, side = with_two_keys()
    locked(world)
    del side.keys["by-hand"]
    side.keys["new"] = Key("new", "n", "portcullis", NOTHING, START, None)
    perform(world.services.site(GIVER), todo(Measure.NARROW_KEYS, Step.UNDO), CAUSE)
    assert allows(side) == {"k1": LOGS, "theirs": OTHER, "new": NOTHING}


def test_one_key_that_cannot_be_narrowed_keeps_no_other_open_and_fails_the_measure() -> None:
    world, side = with_two_keys()
    real = side.change

    def change(key: str, access: Json) -> None:
        if key == "k1":
            raise Conflict("it is not ours to change")
        real(key, access)

    side.change = change  # type: ignore[method-assign]
    site = world.services.site(GIVER)
    perform(site, todo(Measure.SAVE_KEYS), CAUSE)
    with pytest.raises(Unreachable, match=r"k1 .*not ours to change"):
        perform(site, todo(Measure.NARROW_KEYS), CAUSE)
    assert allows(side) == {"k1": LOGS, "by-hand": NOTHING, "theirs": OTHER}
    assert "k1" in keys_that_allow(site)


def test_a_change_that_is_answered_and_not_made_fails_the_measure() -> None:
    world, side = with_two_keys()
    side.change = lambda *_: None  # type: ignore[method-assign]
    site = world.services.site(GIVER)
    perform(site, todo(Measure.SAVE_KEYS), CAUSE)
    with pytest.raises(Unreachable) as said:
        perform(site, todo(Measure.NARROW_KEYS), CAUSE)
    assert str(said.value) == keys_that_allow(site)


def test_a_key_that_has_run_out_is_none_of_a_locks() -> None:
    world, side = with_two_keys()
    side.keys["old"] = Key("old", "n", "portcullis", OTHER, START, START - timedelta(days=1))
    locked(world)
    assert side.keys["old"].access == OTHER


def test_keys_whose_save_is_lost_wait_until_somebody_has_ended_them() -> None:
    world, side = with_two_keys()
    locked(world)
    world.ledger.forget(GIVER, "keys-1")
    side.keys["wide"] = Key("wide", "n", "portcullis", OTHER, START, None)  # by hand, in the lock
    site = world.services.site(GIVER)
    with pytest.raises(Refused, match=r"end them, so that the next apply makes others: by-hand, k1$"):
        perform(site, todo(Measure.NARROW_KEYS, Step.UNDO), CAUSE)
    del side.keys["by-hand"], side.keys["k1"]
    assert "as somebody has made it by hand" in perform(site, todo(Measure.NARROW_KEYS, Step.UNDO), CAUSE)
    assert side.keys["wide"].access == OTHER


def test_only_a_cluster_that_gives_keys_has_this_measure() -> None:
    world, _ = made()
    cluster = Cluster("10.0.0.1:9200")
    world.registered(GIVER, place=cluster)
    world.registered(READER, place=cluster)
    site = world.services.site(GIVER)
    assert Measure.NARROW_KEYS in rules_of(site).measures
    assert Measure.NARROW_KEYS not in rules_of(world.services.site(READER)).measures
    kept(world)
    in_force(world.services, GIVER, Options())  # keys are on the engine, until they are ended
    assert Measure.NARROW_KEYS in rules_of(site).measures
    kept(world)
    assert Measure.NARROW_KEYS not in rules_of(site).measures
    world.registered(GIVER)  # a domain
    in_force(world.services, GIVER, offers())
    assert Measure.NARROW_KEYS not in rules_of(world.services.site(GIVER)).measures


def test_a_sweep_asks_nothing_about_keys_of_a_domain() -> None:
    world, side = made()
    world.registered(GIVER)
    world.registered(READER)
    side.fails = {"shown", "key_in_use"}
    for deployment in (GIVER, READER):
        look_after_keys(world.services.site(deployment), CAUSE)
    assert not said(world, GIVER)
    assert not said(world, READER)


# ---------------------------------------------------------------------- as a person types it


def typed(world: Account, monkeypatch: pytest.MonkeyPatch, line: str) -> int:
    """A command line, carried out as the function does."""

    def ask(verb: str, deployment: str | None = None, arguments: Any = None, *, command: str = "", **_: Any) -> Any:
        request = {"verb": verb, "deployment": deployment, "arguments": arguments, "cause": command, "actor": "anna"}
        return carry_out(world.services, request, alias=LOOK if verb == "remote-keys" else ACT)

    monkeypatch.setattr(asking, "ask", ask)
    return cli.main(line.split())


def test_what_a_person_types_shows_both_sides_and_rotates(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world, side = made()
    assert typed(world, monkeypatch, "remote keys logs") == 0
    assert "no key yet" in capsys.readouterr().out
    kept(world)
    assert typed(world, monkeypatch, "remote rotate orders dc2") == 0
    assert capsys.readouterr().out == "orders as dc2: read with the key k2 of of of logs; ended: k1\n"
    assert typed(world, monkeypatch, "remote rotate orders dc2 --leaked") == 0
    assert set(side.keys) == {"k3"}
    capsys.readouterr()
    assert [typed(world, monkeypatch, f"remote keys {name}") for name in (GIVER, READER)] == [0, 0]
    shown = capsys.readouterr().out
    assert "offers of in the secret remotes/orders, read by orders as dc2" in shown
    assert "k3  portcullis/logs/of, made by portcullis, ends 2026-05-01 00:00:00 UTC" in shown
    assert "reads logs as dc2, by api-key" in shown
    assert "roles: log_reader; granted to cognito_group:readers" in shown
    assert typed(world, monkeypatch, "remote rotate orders dc3") == 2
    assert "one of its remotes: dc2" in capsys.readouterr().err
    in_force(world.services, READER, Options())
    assert typed(world, monkeypatch, "remote keys orders --json") == 0
    assert json.loads(capsys.readouterr().out)["used"] == []
