"""Given keys between two clusters and a run that was cut off or stopped, then what is done next, and what the history says of it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta

import pytest
from portcullis.access.actual import Json
from portcullis.custody.types import Custody, State
from portcullis.errors import BadInput, Overtaken, Shut, Unreachable
from portcullis.model.option_types import Options, RemoteOptions
from portcullis.operations.remotes.keys.agreed import giver_of
from portcullis.operations.remotes.keys.keeping import keep
from portcullis.operations.remotes.keys.tending import keep_offers, rotate_remote
from portcullis.ports.registration import Cluster, KeptModel
from portcullis.ports.remotes import KeyText
from portcullis.remotes.keys import Key, Offer

from tests.operations.agreeing import ALIAS, CAUSE, GIVER, LOGS, READER, SECRET, in_force, offers
from tests.operations.remotes.test_tending_keys import START, Failed, Side, kept, made, said, swept
from tests.operations.worlds import Account


def cut_off() -> tuple[Account, Side]:
    """A replacement: the new key k3 is in the secret, and people still read with k2."""
    world, side = made()
    kept(world)
    rotate_remote(world.services, READER, CAUSE, alias=ALIAS)
    side.fails = {"put keystore"}
    with pytest.raises(Failed):
        rotate_remote(world.services, READER, CAUSE, alias=ALIAS)
    side.fails = set()
    assert (set(side.keys), side.secrets[SECRET].id, side.comes_with[ALIAS]) == ({"k2", "k3"}, "k3", "k2")
    return world, side


@pytest.mark.parametrize("leaked", [False, True])
def test_a_new_key_that_leaked_on_its_way_is_not_handed_on(leaked: bool) -> None:
    world, side = cut_off()
    handed = rotate_remote(world.services, READER, CAUSE, alias=ALIAS, leaked=leaked)
    assert (handed.key, handed.ended) == (("k4", ("k2", "k3")) if leaked else ("k3", ("k2",)))
    assert (set(side.keys), side.comes_with[ALIAS]) == ({handed.key}, handed.key)


def test_the_sweep_hands_on_the_key_that_is_there_and_makes_no_other() -> None:
    world, side = cut_off()
    swept(world)
    assert (set(side.keys), side.comes_with[ALIAS]) == ({"k3"}, "k3")


def test_what_was_done_before_it_stopped_is_in_the_history_with_why() -> None:
    world, side = made(logs=offers(one=LOGS), orders=Options())
    in_force(
        world.services, GIVER, Options(offers={**offers(secret="one", one=LOGS).offers, **offers(two=LOGS).offers})
    )
    make = side.make

    def one_alone(offer: Offer) -> KeyText:
        if side.keys:
            raise Failed("no more than one")
        return make(offer)

    side.make = one_alone  # type: ignore[method-assign]
    with pytest.raises(Failed):
        keep_offers(world.services.site(GIVER), CAUSE)
    (change,) = world.ledger.history(GIVER)
    assert change.after == ["made the key k1 of one: there is none", "then it stopped: no more than one"]
    assert (change.operation, change.summary) == ("remote keys", "; ".join(change.after))


def test_a_run_that_did_nothing_leaves_nothing_in_the_history() -> None:
    world, side = made()
    side.fails = {"shown"}
    with pytest.raises(Failed):
        keep_offers(world.services.site(GIVER), CAUSE)
    assert said(world) == []
    side.fails = set()
    assert (kept(world), kept(world), len(said(world))) == (["make"], [], 1)


def test_keys_of_offers_that_are_gone_are_looked_for_until_they_ended() -> None:
    """One of somebody else under our mark is theirs to end: until they did, the ledger knows that there are keys."""
    world, side = made()
    kept(world)
    assert world.ledger.saved(GIVER, "keys-offered") == ["of"]
    mark = Offer(GIVER, "of", LOGS, 90, SECRET).metadata
    side.keys["theirs"] = Key("theirs", "n", "anna", LOGS, START, None, mark)
    in_force(world.services, GIVER, Options())
    assert keep_offers(world.services.site(GIVER), CAUSE).conflicts
    assert (set(side.keys), world.ledger.saved(GIVER, "keys-offered")) == ({"theirs"}, ["of"])
    del side.keys["theirs"]
    assert (kept(world), world.ledger.saved(GIVER, "keys-offered")) == ([], None)


def test_a_key_that_is_made_while_others_took_the_right_is_ended_again() -> None:
    world, side = made()
    right = f"keys:{world.services.site(GIVER).place.id}"
    side.during["make"] = lambda: world.ledger._leases.update({right: ("another", float("inf"))})
    with pytest.raises(Overtaken):
        keep_offers(world.services.site(GIVER), CAUSE)
    assert (side.keys, side.secrets) == ({}, {})


def test_on_a_locked_deployment_nobody_waits_for_the_right_to_change_keys() -> None:
    world, _ = made()
    site = world.services.site(GIVER)
    world.ledger.keep_custody(Custody(GIVER, state=State.LOCKED))
    with world.ledger.lease(f"keys:{site.place.id}", "another"), pytest.raises(Shut):
        keep_offers(site, CAUSE, wait=0.01)


def test_each_right_outlasts_the_longest_step_and_the_sweep_waits_for_none_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A keystore's tool may take two minutes. A sweep has other deployments to see to."""
    world, side = made()
    kept(world)
    lease, taken = world.ledger.lease, {}

    def noted(name: str, holder: str, *, seconds: float = 60, wait: float = 30) -> AbstractContextManager[bool]:
        taken[name.partition(":")[0]] = (seconds, wait)
        return lease(name, holder, seconds=seconds, wait=wait)

    monkeypatch.setattr(world.ledger, "lease", noted)
    rotate_remote(world.services, READER, CAUSE, alias=ALIAS)
    assert {name: seconds > 120 for name, (seconds, _) in taken.items()} == {"keys": True, "keystores": True}
    assert taken["keys"][1] >= 30
    for days in (0, 77):  # kept, and replaced
        side.now += timedelta(days=days)
        taken.clear()
        swept(world)
        assert taken["keys"][1] <= 5


def test_a_remote_that_is_read_by_certificate_asks_for_no_key() -> None:
    world, _ = made(orders=Options(remotes={ALIAS: RemoteOptions("certificate", "", "", "dc2:9300")}))
    assert swept(world, READER) == []


def test_a_secret_without_a_key_is_told_to_whoever_reads_with_it() -> None:
    world, _ = made()
    assert swept(world, READER) == ["remote-key-ending"]
    assert f"{ALIAS}: the secret {SECRET} holds no key" in world.aws.told[-1].happened


def test_an_alias_declared_with_a_key_and_read_by_certificate_is_told_and_left() -> None:
    """With a key in the keystores everybody who reads it would be refused."""
    world, side = made()
    kept(world)
    side.info = lambda: {ALIAS: {"connected": True}}  # type: ignore[method-assign]
    assert swept(world, READER) == ["remote-half-moved"]
    assert f"{ALIAS} is declared with a key, and is read by certificate" in world.aws.told[-1].happened
    assert (set(side.nodes_of.values()), world.ledger.saved(READER, f"key-taken#{ALIAS}")) == ({""}, None)
    side.info = dict  # type: ignore[method-assign]
    assert swept(world, READER) == []
    assert (set(side.nodes_of.values()), world.ledger.saved(READER, f"key-taken#{ALIAS}")) == ({"k1"}, "k1")
    assert world.ledger.saved(READER, "told#remote-half-moved") is None


def test_what_keeps_the_sweep_from_its_look_at_moves_is_said_by_its_name() -> None:
    world, side = made()
    kept(world)
    swept(world, READER)

    def silent() -> dict[str, Json]:
        raise Unreachable("no answer")

    side.info = silent  # type: ignore[method-assign]
    with pytest.raises(Unreachable, match=r"^moves: no answer$"):
        swept(world, READER)


@pytest.mark.parametrize("days", [77, 87, 88])
def test_a_key_that_could_not_be_replaced_is_told_with_when_it_ends_and_why(days: int) -> None:
    world, side = made()
    kept(world)
    swept(world, READER)
    side.now += timedelta(days=days)
    side.fails = {"reload"}
    assert swept(world) == ["remote-key-ending"]
    alert = world.aws.told[-1]
    assert "the key k1 ends 2026-05-01 00:00 UTC; it could not be replaced: reload failed" in alert.happened
    assert alert.severity == ("critical" if days == 88 else "warning")
    side.fails = set()
    assert (swept(world), set(side.keys)) == ([], {"k2"})


def test_whoever_comes_with_the_new_key_already_is_not_asked_to_put_it_anywhere() -> None:
    """Of a key without an end it is said that it stands."""
    world, side = made()
    kept(world)
    swept(world, READER)
    side.writable = frozenset()
    side.now += timedelta(days=77)
    swept(world)
    side.keys["k1"] = replace(side.keys["k1"], expires=None)
    side.nodes_of = dict.fromkeys(side.nodes_of, "k2")
    assert "the key k1 stands; put the one of" in _asked(world)
    side.reload()
    assert swept(world) == []


def _asked(world: Account) -> str:
    swept(world)
    return world.aws.told[-1].happened


def test_whoever_lost_the_right_ends_no_key_that_is_offered_no_more() -> None:
    world, side = made()
    kept(world)

    def still() -> None:
        raise Failed("lost")

    with pytest.raises(Failed):
        keep(GIVER, [], side, side, side.now, still=still)
    assert set(side.keys) == {"k1"}


def test_a_deployment_that_cannot_be_read_stops_no_key_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader's file names who gives the key: of whom else there is nothing is asked to tell whose it is."""
    world, _ = made()
    world.registered("another", place=Cluster("another.example.com:9200"))
    read = world.ledger.model

    def model(deployment: str) -> KeptModel:
        if deployment == "another":
            raise BadInput("cannot be read", source="ledger")
        return read(deployment)

    monkeypatch.setattr(world.ledger, "model", model)
    remote = RemoteOptions("api-key", SECRET, GIVER, "", ())
    found = giver_of(world.services, READER, remote)
    assert found is not None
    assert (found[0].name, found[1].name) == (GIVER, "of")
    with pytest.raises(BadInput):
        giver_of(world.services, READER, replace(remote, deployment=""))


def test_a_key_that_nobody_here_makes_is_told_as_read_by_one_alone() -> None:
    world, side = made(orders=Options(remotes={ALIAS: RemoteOptions("api-key", "remotes/theirs", "", "dc2:9443")}))
    side.secrets["remotes/theirs"] = side.make(Offer("far", "away", LOGS, 90, "remotes/theirs"))
    handed = rotate_remote(world.services, READER, CAUSE, alias=ALIAS)
    assert (handed.deployment, handed.alias, handed.offer) == (READER, ALIAS, "")
    assert handed.readers == (f"{READER} as {ALIAS}",)
