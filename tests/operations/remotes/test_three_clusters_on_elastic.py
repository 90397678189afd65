"""Three real clusters: `orders` reads `logs` with a key and `bills` by certificate, in one request; `logs` reads both others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from portcullis.adapters.keystores.files import KeystoreFiles
from portcullis.custody.types import State
from portcullis.errors import BadInput
from portcullis.operations.access.synchronise import synchronise
from portcullis.operations.remotes.asking.checking import remote_check
from portcullis.operations.remotes.moving.migrating import migrate_remote
from portcullis.operations.remotes.moving.planning import remote_migration
from portcullis.ports.remotes import KeyText
from portcullis.remotes.gains import Effect

from local.elastic.keystore import TOOL
from local.elastic.pair import ALIAS, Pair, Searching
from local.processes import LOOPBACK
from tests.operations.clusters import PASSWORD
from tests.operations.remotes.test_two_deployments_on_elastic import CAUSE, GIVER, READER, READERS
from tests.operations.threes import (
    BILLS,
    BILLS_BY_KEY,
    THIRD,
    THIRD_GIVES,
    Three,
    points,
    reads,
    third_beside,
    three_deployed,
)
from tests.operations.worlds import POOL

pytestmark = pytest.mark.node

ON = ["on:logs-1/1", "on:logs-1/b", "on:logs-1/r"]
ALL = f"logs-*,{ALIAS}:logs-*,{BILLS}:logs-*"
EVERYTHING = {"search": [{"names": ["*"]}]}


@pytest.fixture(scope="module")
def three(pair: Pair, tmp_path_factory: pytest.TempPathFactory, jar_cache: Path) -> Iterator[Three]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "none")
        with (
            third_beside(pair, tmp_path_factory.mktemp("third-"), jar_cache) as (node, interface),
            three_deployed(pair, node, interface) as one,
        ):
            yield one


def told(three: Three, names: str, person: str = "anna") -> tuple[bool | None, list[str]]:
    """Whether we say that a search is answered, and the indices of which it shows something."""
    found = three.asks("can", person=person, does="GET", what=f"{names}/_search")
    return found.allowed, sorted(one.index for one in found.seen if one.allowed) if found.allowed else []


def answered(three: Three, names: str, person: str = "anna") -> tuple[bool, list[str]]:
    seen = three.seen(names, person)
    return isinstance(seen, list), sorted({one.partition("/")[0] for one in seen}) if isinstance(seen, list) else []


@pytest.mark.parametrize(
    "names", [ALL, "*:logs-*", f"{ALIAS}:logs-1,{BILLS}:logs-1", f"{ALIAS}:hr,logs-1", f"{BILLS}:hr", "*:hr"]
)
@pytest.mark.parametrize("person", ["anna", "elastic"])
def test_what_one_request_reads_in_all_of_them_is_what_we_say(three: Three, names: str, person: str) -> None:
    assert told(three, names, person) == answered(three, names, person)


def test_each_side_is_named_and_who_reads_where(three: Three) -> None:
    explained = {name: three.asks("remote-explain", person="anna", index=f"{name}:logs-1") for name in (ALIAS, BILLS)}
    assert {name: (one.allowed, one.other, one.model) for name, one in explained.items()} == {
        ALIAS: (True, GIVER, "api-key"),
        BILLS: (True, THIRD, "certificate"),
    }
    columns = ["logs-1", f"{ALIAS}:logs-1", f"{BILLS}:logs-1", f"{BILLS}:hr"]
    cells = {row.name: row.cells for row in three.asks("matrix", indices=columns).people}
    assert (cells["anna"], cells["elastic"]) == (("read", "part", "part", "-"), ("read write", "part", "read", "read"))
    who = {one.name for one in three.asks("who-can", does="read", index="*:logs-1").people if one.allowed}
    assert {"anna", "elastic"} <= who
    assert all(isinstance(three.seen(f"{name}:logs-1", "elastic"), list) for name in (ALIAS, BILLS))


# ---------------------------------------------------------------------- through one to another


def test_whoever_comes_with_a_key_is_passed_on_to_what_is_read_by_certificate(three: Three) -> None:
    """What that key allows by name, whatever roles are there; and `remote check` of the one that passes them on says so."""
    (key,) = three.two.keys()
    keys = three.services.site(GIVER).cluster_keys
    before = three.two.keys()[key]
    through = f"{ALIAS}:{BILLS}"
    assert three.seen(f"{through}:logs-1") == three.seen(f"{through}:logs-1", "elastic") == [f"{BILLS}:logs-1/r"]
    assert three.seen(f"{through}:hr", "elastic") == 403
    assert three.seen(f"{ALIAS}:{READER}:logs-1") == [f"{READER}:logs-1/r"]  # in a circle
    try:
        keys.change(key, EVERYTHING)
        # No role of hers is asked for there: `reader` shows what is of team red.
        assert three.seen(f"{through}:logs-1") == [f"{BILLS}:logs-1/b", f"{BILLS}:logs-1/r"]
        assert (three.seen(f"{through}:hr"), three.seen(f"{through}:hr", "elastic")) == (
            403,
            [f"{BILLS}:hr/b", f"{BILLS}:hr/r"],
        )
    finally:
        keys.change(key, before)
    found = {(one.alias, one.code): one for one in remote_check(three.services, GIVER).findings}
    says = found[BILLS, "passed-on"].says
    assert f"the key {key} reads {BILLS} through it" in says
    assert "(logs-*)" in says
    assert (READER, "passed-on") in found
    for names in (f"{through}:logs-1", f"{ALIAS}:*:logs-1"):
        assert three.asks("can", person="anna", does="GET", what=f"{names}/_search").allowed is None
    with pytest.raises(BadInput, match="goes on from dc2 to a cluster that it reads itself"):
        three.asks("remote-explain", person="anna", index=f"{through}:logs-1")


def test_with_a_key_of_its_own_a_cluster_lets_nobody_on_who_came_with_one(three: Three) -> None:
    """By certificate whoever has a role of the name that names the next alias goes on; and roles there count where that is certificates."""
    local, remote, third = three.two.pair.local, three.two.pair.remote, three.third
    made = remote.ask("POST", "/_security/cross_cluster/api_key", {"name": "of the third", "access": EVERYTHING})[1]
    given = third.ask("POST", "/_security/cross_cluster/api_key", {"name": "of the first", "access": EVERYTHING})[1]
    role = {"remote_indices": [{"clusters": ["*"], "names": ["logs-*"], "privileges": ["read"]}]}
    try:
        for node, alias, text, port in (
            (third, "on", made["encoded"], three.two.pair.interface),
            (local, "wide", given["encoded"], three.interface),
        ):
            KeystoreFiles({"node": node.home / "config"}, TOOL).put("node", alias, KeyText(alias, text))
            assert node.ask("POST", "/_nodes/reload_secure_settings")[0] == 200
            points(node, alias, port)
        assert local.ask("PUT", "/_security/role/wide", role)[0] == 200
        assert local.ask("PUT", "/_security/user/wim", {"password": PASSWORD, "roles": ["wide"]})[0] == 200
        assert [three.seen("wide:logs-1", who) for who in ("wim", "elastic")] == [
            ["wide:logs-1/b", "wide:logs-1/r"]
        ] * 2
        assert [three.seen("wide:on:logs-1", who) for who in ("wim", "elastic")] == [403, 403]
        assert [three.seen(f"{BILLS}:on:logs-1", who) for who in ("wim", "elastic")] == [
            403,
            ON,
        ]
        assert third.ask("PUT", "/_security/role/wide", role)[0] == 200
        assert three.seen(f"{BILLS}:on:logs-1", "wim") == ON
    finally:
        for node, alias in ((third, "on"), (local, "wide")):
            points(node, alias, None)
        for node, key in ((remote, made), (third, given)):
            node.ask("DELETE", "/_security/api_key", {"ids": [key["id"]]})
        for node in (local, third):
            node.ask("DELETE", "/_security/role/wide")
        local.ask("DELETE", "/_security/user/wim")


# ---------------------------------------------------------------------- one of them ends


@pytest.mark.parametrize("skip", [False, True])
def test_given_one_is_locked_then_the_others_are_read_on(three: Three, skip: bool) -> None:
    pair = three.two.pair
    points(pair.local, ALIAS, pair.interface, skip=skip)
    assert three.two.lock(GIVER).state is State.LOCKED
    try:
        for person in ("anna", "elastic"):
            assert answered(three, ALL, person) == told(three, ALL, person) == (True, [f"{BILLS}:logs-1", "logs-1"])
            exact = f"logs-1,{ALIAS}:logs-1,{BILLS}:logs-1"
            assert answered(three, exact, person) == told(three, exact, person)
            assert answered(three, exact, person)[0] is skip
            assert three.seen(f"{ALIAS}:{BILLS}:logs-1", person) == ([] if skip else 403)
            why = three.asks("why", person=person, index=f"{ALIAS}:logs-*")
            assert (why.allowed, "locked" in why.answer) == (False, True), why.answer
    finally:
        assert three.two.unlock(GIVER).state is State.OPEN
        points(pair.local, ALIAS, pair.interface)
    assert answered(three, ALL) == (True, [f"{BILLS}:logs-1", f"{ALIAS}:logs-1", "logs-1"])


def test_a_lock_of_the_third_holds_against_whoever_is_passed_on(three: Three) -> None:
    assert three.two.lock(THIRD).state is State.LOCKED
    try:
        for names in (f"{BILLS}:logs-1", f"{ALIAS}:{BILLS}:logs-1"):
            assert [three.seen(names, who) for who in ("anna", "elastic")] == [403, 403]
        assert isinstance(three.seen(f"{ALIAS}:logs-1"), list)
    finally:
        assert three.two.unlock(THIRD).state is State.OPEN
    assert isinstance(three.seen(f"{BILLS}:logs-1"), list)


def test_whoever_leaves_the_group_reads_in_none_of_them(three: Three) -> None:
    people = three.two.made.people
    before = dict(people.groups)
    ways = ("logs-1", f"{ALIAS}:logs-1", f"{BILLS}:logs-1", f"{ALIAS}:{BILLS}:logs-1")
    assert all(isinstance(three.seen(names), list) for names in ways)
    try:
        people.groups = {READERS: (f"Cognito/{POOL}/ben",)}
        synchronise(three.services, READER, CAUSE)
        assert [three.seen(names) for names in ways] == [403] * 4
    finally:
        people.groups = before
        synchronise(three.services, READER, CAUSE)
    assert all(isinstance(three.seen(names), list) for names in ways)


def test_one_key_is_replaced_and_one_remote_moved_and_taken_away_while_all_are_read(three: Three) -> None:
    """Last: the third is read with a key from then on, and then not at all. All files name one host, which is that of three clusters."""
    local = three.two.pair.local

    def searching(names: str) -> Searching:
        return Searching(local, f"/{names}/_search", user="anna", password=PASSWORD)

    allows = "allows: {search: [{names: ['logs-*'], query: {term: {team: red}}}]}"
    old = f"{BILLS}: {{deployment: {THIRD}, model: certificate}}"
    new = f"{BILLS_BY_KEY}: {{address: '{LOOPBACK}:{three.interface}', credential: remotes/bills, {allows}}}"
    three.apply(THIRD, THIRD_GIVES)
    three.apply(READER, reads(ALIAS, BILLS_BY_KEY, bills=f"{old}\n  {new}"))
    plan: Any = remote_migration(three.services, READER, alias=BILLS)
    assert (plan.to, plan.other, plan.stops) == (BILLS_BY_KEY, THIRD, ())
    assert not [one for one in plan.moved if "anna" in one.who]
    assert {one.effect for one in plan.moved} == {Effect.LESS, Effect.LOSES}
    with searching(ALL) as both:
        both.more(5)
        assert migrate_remote(three.services, READER, CAUSE, alias=BILLS).state == "beside"
        key = three.rotate()
        both.more(5)
    with searching(f"logs-*,{ALIAS}:logs-*,{BILLS_BY_KEY}:logs-*") as moved:
        moved.more(5)
        assert migrate_remote(three.services, READER, CAUSE, alias=BILLS, go_on=True).state == "moved"
        moved.more(5)
    assert (both.refused, moved.refused, [*three.two.keys()]) == ({}, {}, [key])
    assert (
        answered(three, "*:logs-*") == told(three, "*:logs-*") == (True, [f"{BILLS_BY_KEY}:logs-1", f"{ALIAS}:logs-1"])
    )
    assert three.seen(f"{BILLS_BY_KEY}:hr", "elastic") == 403
    with searching(f"{ALIAS}:logs-*,logs-*") as left:
        left.more(5)
        three.services.site(READER).remotes.disconnect(BILLS_BY_KEY)
        three.apply(READER, reads(ALIAS, bills=old))
        left.more(5)
    assert left.refused == {}
    assert three.seen(f"{BILLS_BY_KEY}:logs-1") in (403, 404)
    assert told(three, f"{BILLS_BY_KEY}:logs-1") == (False, [])
    codes = {(one.alias, one.code) for one in remote_check(three.services, READER).findings}
    assert (BILLS, "not-set") in codes
    assert (ALIAS, "connected") in codes
