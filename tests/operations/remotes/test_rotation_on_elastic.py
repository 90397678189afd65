"""Two real clusters: a key between them made, changed in place, and replaced while people search. Whatever is cut off goes on."""

from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import nullcontext, redirect_stderr, redirect_stdout
from dataclasses import replace

import boto3
import pytest
from moto import mock_aws
from portcullis.adapters.keystores.files import KeystoreFiles
from portcullis.errors import Conflict, Refused, Unreachable
from portcullis.operations.remotes.keys.keeping import keep, planned
from portcullis.operations.remotes.keys.rotating import rotate, see
from portcullis.ports.remotes import Connection, KeyText
from portcullis.remotes.keys import Act

from local.elastic.keystore import TOOL
from local.elastic.pair import ALIAS, Pair, Searching
from local.processes import LOOPBACK
from tests.operations.cutting import CutOff, Cutting
from tests.operations.pairs import LOGS, World, asleep, made, now

pytestmark = pytest.mark.node


@pytest.fixture
def world(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    with mock_aws():
        one = made(pair, boto3.client("secretsmanager", region_name="eu-central-1"))
        yield one
        one.keys.end(one.ours())


def test_a_key_is_made_handed_on_and_replaced_without_a_refused_search(world: World) -> None:
    first = world.rotate()
    assert world.search() == 200
    assert (world.ours(), world.held()) == ([first], first)
    with Searching(world.pair.local) as searching:
        searching.more(20)
        second = world.rotate()
        third = world.rotate(anew=True)
        searching.more(20)
    assert len({first, second, third}) == 3
    assert (world.ours(), world.held()) == ([third], third)
    assert searching.refused == {}
    assert searching.searches > 40


def test_nobody_sees_beyond_the_key_the_super_user_included(world: World) -> None:
    world.rotate()
    assert world.search("logs-1") == 200
    assert world.search("metrics-1") == 403
    offer = replace(world.giving.offer, access={"search": [{"names": ["metrics-*"]}]})
    found = keep("logs", [offer], world.keys, world.giving.texts, now())
    assert [step.act for step in found.steps] == [Act.CHANGE]
    assert (world.search("logs-1"), world.search("metrics-1")) == (403, 200)
    assert planned("logs", [offer], world.keys, world.giving.texts, now()).steps == ()


def test_a_key_with_filters_is_as_offered_when_it_is_read_again(world: World) -> None:
    """The engine shows a query as text and fields in its own form: nothing is changed a second time."""
    entry = {
        "names": ["logs-*"],
        "query": {"term": {"team": "red"}},
        "field_security": {"grant": ["*"], "except": ["secret"]},
    }
    offer = replace(world.giving.offer, access={"search": [entry]})
    assert [one.act for one in keep("logs", [offer], world.keys, world.giving.texts, now()).steps] == [Act.MAKE]
    assert planned("logs", [offer], world.keys, world.giving.texts, now()).steps == ()


def test_an_offer_taken_back_ends_its_key_at_once(world: World) -> None:
    world.rotate()
    keep("logs", [], world.keys, world.giving.texts, now())
    assert world.ours() == []
    assert world.search() == 401
    with pytest.raises(Refused, match=r"invalidated|unable to authenticate"):
        world.taking.remotes.key_in_use(ALIAS)


def test_a_key_of_somebody_else_is_a_conflict_and_stays_as_it_is(world: World) -> None:
    body = {"name": "theirs", "access": LOGS, "metadata": world.giving.offer.metadata}
    status, theirs = world.pair.remote.ask("POST", "/_security/cross_cluster/api_key", body)
    assert status == 200
    found = keep("logs", [world.giving.offer], world.keys, world.giving.texts, now())
    assert (found.steps, len(found.conflicts)) == ((), 1)
    with pytest.raises(Conflict, match="not ours to change"):
        world.keys.change(theirs["id"], {"search": [{"names": ["x"]}]})
    world.pair.remote.ask("DELETE", "/_security/api_key", {"ids": [theirs["id"]]})


def cut(world: World, after: str) -> World:
    """The same world, whose call of this name ends the process once it was done."""

    if after == "put_secret":
        after = "put"
        return World(world.pair, replace(world.giving, texts=Cutting(world.giving.texts, after)), world.taking)
    giving = replace(world.giving, keys=Cutting(world.giving.keys, after))
    return World(world.pair, giving, replace(world.taking, remotes=Cutting(world.taking.remotes, after)))


def test_a_rotation_that_is_cut_off_goes_on_and_leaves_no_orphan(world: World) -> None:
    """After each step that differs in kind: people go on reading, and a second run ends with the one key that is in the secret.

    Every step, and two failures in a row, are in test_rotating_keys.py.
    """
    last = world.rotate()
    with Searching(world.pair.local) as searching:
        for after in ("make", "put_secret", "reload"):
            with pytest.raises(CutOff):
                cut(world, after).rotate()
            searching.more(4)
            assert last in world.ours()
            before, last = world.held(), world.rotate()
            assert (world.ours(), world.held()) == ([last], last)
            assert (last == before) == (after != "make")  # what came into the secret is handed on; no other is made
        searching.more(4)
    assert searching.refused == {}


def test_a_step_that_fails_leaves_the_old_key_standing(world: World) -> None:
    first = world.rotate()
    nobody = replace(world.taking, keystores=KeystoreFiles({"another": world.pair.local.home / "config"}, TOOL))
    with pytest.raises(Refused, match="keystore of node"):
        rotate(world.giving, [nobody], now, asleep)
    broken = replace(world.taking, keystores=KeystoreFiles({"node": world.pair.local.home / "config"}, ("false",)))
    with pytest.raises(Unreachable, match="was not written"):
        rotate(world.giving, [broken], now, asleep)
    assert first in world.ours()
    assert world.search() == 200
    last = world.rotate()
    assert world.ours() == [last]


def test_somebody_else_at_work_is_waited_for_and_nothing_is_made(world: World) -> None:
    with pytest.raises(Unreachable, match="somebody else"):
        rotate(replace(world.giving, alone=lambda: nullcontext(False)), [world.taking], now, asleep)
    assert world.ours() == []


def test_the_text_of_a_key_is_in_the_secret_and_nowhere_else(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Not in what is printed, logged, planned, answered or said by an error; and not in a list of processes, as an argument."""
    caplog.set_level(logging.INFO)  # below that the clients of HTTP and AWS log each body, whatever is in it
    caplog.set_level(logging.DEBUG, logger="portcullis")
    told: list[object] = []

    def said(what: Callable[[], object]) -> None:
        try:
            told.append(what())
        except Exception as error:
            told.append((repr(error), str(error), error.__context__, error.__cause__))

    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        said(lambda: rotate(world.giving, [world.taking], now, asleep))
        text = world.giving.texts.read(world.giving.offer.secret)
        assert text is not None
        said(lambda: (text, planned("logs", [world.giving.offer], world.keys, world.giving.texts, now())))
        said(lambda: (world.keys.shown(), world.taking.remotes.info(), world.taking.remotes.resolve(f"{ALIAS}:*")))
        for tool in (("false",), ("/no/such/tool",), ("sh", "-c", "cat >&2; exit 1")):
            broken = KeystoreFiles({"node": world.pair.local.home / "config"}, tool)
            said(lambda broken=broken: broken.put("node", ALIAS, text))  # type: ignore[misc]
        world.keys.end([text.id])
        said(lambda: world.taking.remotes.key_in_use(ALIAS))
        said(lambda: (world.giving, world.taking))
    everything = "\n".join([repr(told), out.getvalue(), err.getvalue(), caplog.text])
    secret = text.encoded
    assert text.id in everything
    proof = base64.b64decode(secret).decode().partition(":")[2]
    assert secret not in everything
    assert proof not in everything
    assert json.loads(_secret(world)) == {"api_key": secret}


def _secret(world: World) -> str:
    client = boto3.client("secretsmanager", region_name="eu-central-1")
    return str(client.get_secret_value(SecretId=world.giving.offer.secret)["SecretString"])


def test_what_is_no_key_in_a_secret_is_refused_without_telling_it(world: World) -> None:
    client = boto3.client("secretsmanager", region_name="eu-central-1")
    client.create_secret(Name="wrong", SecretString="hidden-1")
    with pytest.raises(Refused, match="holds no key between clusters") as caught:
        world.giving.texts.read("wrong")
    assert "hidden-1" not in str(caught.value)
    assert world.giving.texts.read("no-such") is None


def test_an_alias_is_set_in_both_modes_with_what_was_asked(world: World) -> None:
    """8.19 loses skip_unavailable where the mode changes in the same request."""
    key = world.rotate()
    for mode, skip in (("sniff", False), ("proxy", True), ("sniff", True), ("proxy", False)):
        world.taking.remotes.connect(Connection(ALIAS, f"{LOOPBACK}:{world.pair.interface}", mode, skip))
        info = world.taking.remotes.info()[ALIAS]
        assert (info["mode"], info["skip_unavailable"]) == (mode, skip)
        see(world.taking, key, asleep)  # also where a refusal is a 200 that leaves the other cluster out
    world.taking.keystores.put("node", ALIAS, None)
    world.taking.keystores.put("node", ALIAS, None)  # it is gone already
    world.taking.remotes.disconnect(ALIAS)
    assert ALIAS not in world.taking.remotes.info()


def test_a_key_text_shows_itself_to_nobody() -> None:
    assert "hidden" not in repr(KeyText("id", "hidden"))
