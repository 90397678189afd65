"""A key between clusters is replaced whatever call fails or is the last of its process: held for each of them, and for two in a row.

In memory, as no real server dies at a chosen call; test_rotation_on_elastic.py does the same with real ones.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from portcullis.access.actual import Json
from portcullis.errors import Conflict, Refused, Unreachable
from portcullis.operations.remotes.keys.rotating import Giving, Taking, rotate
from portcullis.ports.remotes import KeyText
from portcullis.remotes.keys import Key, Offer

from tests.operations.agreeing import NoConnections

NOW = datetime(2026, 1, 31, tzinfo=UTC)
OFFER = Offer("logs", "orders", {"search": [{"names": ["logs-*"]}]}, 90, "remotes/orders")


class CutOff(Exception):
    """The process is gone, or the call failed: before it did anything, or after."""


@dataclass
class Clusters(NoConnections):
    """One that gives and one that reads, with two nodes. `fails`: the numbers of the calls that fail, and whether they were done."""

    fails: dict[int, bool] = field(default_factory=dict)
    calls: int = 0
    made: dict[str, Key] = field(default_factory=dict)
    secret: KeyText | None = None
    on_disk: dict[str, str] = field(default_factory=lambda: {"a": "", "b": ""})
    in_use: dict[str, str] = field(default_factory=lambda: {"a": "", "b": ""})
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def call(self, do: Callable[[], Any]) -> Any:
        self.calls += 1
        if self.calls in self.fails and not self.fails[self.calls]:
            raise CutOff
        found = do()
        self.reads()
        if self.calls in self.fails:
            raise CutOff
        return found

    def reads(self) -> None:
        """People read with the keys that nodes hold: none may have been ended."""
        for key in self.in_use.values():
            assert not key or key in self.made, "a search was refused"

    # ------------------------------------------------------------------ the side that gives

    def us(self) -> str:
        return "portcullis"

    def shown(self) -> tuple[Key, ...]:
        found: tuple[Key, ...] = self.call(lambda: tuple(self.made.values()))
        return found

    def make(self, offer: Offer) -> KeyText:
        def do() -> KeyText:
            number = next(self.numbers)
            made = NOW + timedelta(seconds=number)
            key = Key(f"k{number}", "", "portcullis", offer.access, made, None, offer.metadata)
            self.made[key.id] = key
            return KeyText(key.id, "text")

        found: KeyText = self.call(do)
        return found

    def change(self, key: str, access: Json) -> None:
        self.call(lambda: self.made.update({key: replace(self.made[key], access=access)}))

    def end(self, keys: Collection[str]) -> None:
        self.call(lambda: [self.made.pop(key, None) for key in keys])

    def read(self, _secret: str) -> KeyText | None:
        found: KeyText | None = self.call(lambda: self.secret)
        return found

    def put(self, *given: Any) -> None:
        """Of the secret (secret, text), and of a keystore (node, alias, text)."""
        if len(given) == 2:
            self.call(lambda: setattr(self, "secret", given[1]))
        else:
            self.call(lambda: self.on_disk.update({given[0]: given[2].id}))

    # ------------------------------------------------------------------ the side that reads

    @property
    def nodes_(self) -> frozenset[str]:
        return frozenset(self.on_disk)

    def reload(self) -> None:
        self.call(lambda: self.in_use.update(self.on_disk))

    def key_in_use(self, _alias: str) -> str:
        found: str = self.call(lambda: next(iter(set(self.in_use.values())), ""))
        return found

    def nodes(self) -> frozenset[str]:
        return self.nodes_


@dataclass
class Keystores:
    of: Clusters

    @property
    def nodes(self) -> frozenset[str]:
        return self.of.nodes_

    def put(self, node: str, alias: str, text: KeyText | None) -> None:
        self.of.put(node, alias, text)


def run(clusters: Clusters, done: Callable[[str], None] = lambda _: None, **more: Any) -> str:
    giving = Giving(OFFER, clusters, clusters, lambda: nullcontext(True), done=done)
    taking = Taking("dc2", OFFER.secret, clusters, Keystores(clusters), clusters)
    return rotate(giving, [taking], lambda: NOW, lambda _: None, **more).key


def settled(clusters: Clusters) -> None:
    assert clusters.secret is not None
    assert set(clusters.made) == {clusters.secret.id}
    assert set(clusters.in_use.values()) == {clusters.secret.id}


def calls_of_one_run() -> int:
    clusters = Clusters()
    run(clusters)
    before = clusters.calls
    run(clusters)
    return clusters.calls - before


def test_a_run_that_nothing_stops_leaves_one_key() -> None:
    clusters, done = Clusters(), list[str]()
    first = run(clusters, done.append)
    assert done == ["made the key k1 of orders, to replace the one before"]
    settled(clusters)
    second = run(clusters)
    settled(clusters)
    assert first != second
    assert run(clusters, anew=True) not in (first, second)


@pytest.mark.parametrize("begun", [False, True])  # without a key so far, and with one
def test_after_any_failed_call_and_any_second_one_a_run_ends_well(begun: bool) -> None:
    for one, two in itertools.product(range(1, calls_of_one_run() + 1), range(calls_of_one_run() + 1)):
        for done, done_again in itertools.product((False, True), repeat=2):
            clusters = Clusters()
            if begun:
                run(clusters)
            for number, whether in ((one, done), (two, done_again)):
                clusters.fails = {clusters.calls + number: whether} if number else {}
                try:
                    run(clusters)
                except CutOff:
                    continue
            clusters.fails = {}
            run(clusters)
            settled(clusters)


@pytest.mark.parametrize("more", [{}, {"anew": True}])
def test_a_leaked_key_is_replaced_though_a_replacement_was_cut_off(more: dict[str, bool]) -> None:
    """The key of the secret is the one that leaked: only a run that is told so makes another."""
    clusters = Clusters()
    run(clusters)
    clusters.fails = {clusters.calls + 5: True}
    with pytest.raises(CutOff):
        run(clusters)
    assert clusters.secret is not None
    leaked = clusters.secret.id
    clusters.fails = {}
    assert (run(clusters, **more) != leaked) == bool(more)
    settled(clusters)


def test_a_node_that_nobody_can_write_stops_it_before_anything_is_handed_on() -> None:
    clusters = Clusters()
    first = run(clusters)
    further = [f"further-{number}" for number in range(8)]
    clusters.on_disk |= dict.fromkeys(further, first)
    clusters.in_use |= dict.fromkeys(further, first)
    giving = Giving(OFFER, clusters, clusters, lambda: nullcontext(True))

    @dataclass
    class Fewer(Keystores):
        @property
        def nodes(self) -> frozenset[str]:
            return frozenset({"a", "b"})

    with pytest.raises(Refused, match=f"keystore of {', '.join(further)}: the old key"):
        rotate(giving, [Taking("dc2", OFFER.secret, clusters, Fewer(clusters), clusters)], lambda: NOW, lambda _: None)
    assert set(clusters.in_use.values()) == {first}


def test_a_key_that_is_not_seen_in_use_does_not_end_the_old_one() -> None:
    clusters = Clusters()
    first = run(clusters)
    deaf = replace(clusters, calls=0)

    def nothing() -> None:
        """A node answers that it has read its keystore again, and has not."""

    deaf.reload = nothing  # type: ignore[method-assign]
    with pytest.raises(Refused, match=f"still read with the key {first}"):
        run(deaf)
    assert first in deaf.made


def test_nothing_is_made_while_somebody_else_changes_the_keys() -> None:
    clusters = Clusters()
    giving = Giving(OFFER, clusters, clusters, lambda: nullcontext(False))
    with pytest.raises(Unreachable, match="somebody else"):
        rotate(giving, [], lambda: NOW, lambda _: None)
    assert clusters.calls == 0


class Lost(Exception):
    """The right to change keys."""


def handed_on(clusters: Clusters, still: Callable[[], None] = lambda: None, **taking: Any) -> None:
    giving = Giving(OFFER, clusters, clusters, lambda: nullcontext(True), still)
    to = replace(Taking("dc2", OFFER.secret, clusters, Keystores(clusters), clusters), **taking)
    rotate(giving, [to], lambda: NOW, lambda _: None)


@pytest.mark.parametrize("written", [0, 1, 2])
def test_whoever_lost_the_right_among_the_keystores_writes_no_more_of_them(written: int) -> None:
    clusters = Clusters()
    first = run(clusters)

    def still() -> None:
        in_secret = clusters.secret is not None and clusters.secret.id == "k2"
        if in_secret and list(clusters.on_disk.values()).count("k2") == written:
            raise Lost

    with pytest.raises(Lost):
        handed_on(clusters, still)
    assert sorted(clusters.on_disk.values()) == sorted(["k2"] * written + [first] * (2 - written))
    assert set(clusters.in_use.values()) == {first}, "no node has read them again"


def test_no_keystore_is_written_while_somebody_else_writes_them() -> None:
    clusters = Clusters()
    first = run(clusters)
    with pytest.raises(Unreachable, match="somebody else writes the keystores that dc2 is in"):
        handed_on(clusters, alone=lambda: nullcontext(None))
    assert (set(clusters.on_disk.values()), first in clusters.made) == ({first}, True)


def test_a_connection_that_refuses_or_is_silent_for_a_while_is_asked_again() -> None:
    clusters = Clusters()
    answers = iter([Refused("no key"), Unreachable("no answer"), Refused("no key")])
    real = clusters.key_in_use

    def key_in_use(alias: str) -> str:
        if (error := next(answers, None)) is not None:
            raise error
        return real(alias)

    clusters.key_in_use = key_in_use  # type: ignore[method-assign]
    handed_on(clusters)
    settled(clusters)


def test_where_the_new_key_was_ended_meanwhile_the_old_one_stands() -> None:
    clusters = Clusters()
    first = run(clusters)

    def still() -> None:
        if set(clusters.in_use.values()) == {"k2"}:
            del clusters.made["k2"]  # by a person, who thought of it as left over
            clusters.reads = lambda: None  # type: ignore[method-assign]

    with pytest.raises(Conflict, match="somebody ended the key k2 meanwhile"):
        handed_on(clusters, still)
    assert set(clusters.made) == {first}


@pytest.mark.parametrize("begun", [False, True])
def test_whoever_lost_the_right_makes_no_key(begun: bool) -> None:
    clusters = Clusters()
    if begun:
        run(clusters)

    def still() -> None:
        raise Lost

    made = dict(clusters.made)
    with pytest.raises(Lost):
        rotate(Giving(OFFER, clusters, clusters, lambda: nullcontext(True), still), [], lambda: NOW, lambda _: None)
    assert (clusters.made, next(clusters.numbers)) == (made, len(made) + 1)


def test_whoever_lost_the_right_while_the_new_key_was_seen_ends_no_old_one() -> None:
    """A lock has narrowed them by then, or somebody else replaces them."""
    clusters = Clusters()
    first = run(clusters)

    def still() -> None:
        if set(clusters.in_use.values()) == {"k2"}:
            raise Lost

    with pytest.raises(Lost):
        handed_on(clusters, still)
    assert set(clusters.made) == {first, "k2"}


@pytest.mark.parametrize("held", [None, KeyText("theirs", "text")])
def test_a_secret_that_somebody_else_wrote_meanwhile_is_not_handed_on(held: KeyText | None) -> None:
    clusters = Clusters()
    first = run(clusters)

    @dataclass
    class Theirs(Clusters):
        def read(self, _secret: str) -> KeyText | None:
            return held

    with pytest.raises(Conflict, match="somebody else put another one"):
        handed_on(clusters, texts=Theirs())
    assert (set(clusters.on_disk.values()), set(clusters.made)) == ({first}, {first, "k2"})


@pytest.mark.parametrize(
    ("info", "refused"),
    [
        ({"dc2": {"connected": True}}, True),
        ({"dc2": {"connected": False}}, False),
        ({"dc2": {"connected": True, "cluster_credentials": "::es_redacted::"}}, False),
        ({"another": {"connected": True}}, False),
    ],
)
def test_an_alias_that_is_read_by_certificate_gets_no_key_into_its_keystores(
    info: dict[str, Json], refused: bool
) -> None:
    """Whoever asked by it would be refused; one that waits for its first key is not connected."""
    clusters = Clusters()
    clusters.info = lambda: info  # type: ignore[method-assign]
    if not refused:
        handed_on(clusters)
        settled(clusters)
        return
    with pytest.raises(Refused, match="remote migrate moves it"):
        handed_on(clusters)
    assert set(clusters.on_disk.values()) == {""}
