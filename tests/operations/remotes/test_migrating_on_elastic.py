"""Two real clusters, one of which reads the other by certificate: moved to a key both ways while people search, and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from portcullis.entry import ask as asking
from portcullis.errors import Refused
from portcullis.operations.remotes.keys.tending import rotate_remote
from portcullis.operations.remotes.sweeping import look_after_keys
from portcullis.remotes.gains import Effect
from portcullis.remotes.moving import Way

from local.elastic.pair import ALIAS, Pair, Searching
from tests.operations.clusters import PASSWORD
from tests.operations.cutting import CutOff, Cutting
from tests.operations.moving import NEW, Move
from tests.operations.remotes.test_two_deployments_on_elastic import CAUSE, READER, Two, two
from tests.operations.remotes_page import asked_of, commands_under, otherwise_than_it_says

__all__ = ["two"]  # a fixture
pytestmark = pytest.mark.node


@pytest.fixture
def nothing_left(pair: Pair) -> None:
    """Roles of other tests: whoever's ledger is new does not know them as its own, and leaves them as they are."""
    for node in (pair.local, pair.remote):
        node.ask("DELETE", "/_security/role/log_reader")


@pytest.fixture
def move(nothing_left: None, two: Two) -> Iterator[Move]:
    one = Move(two)
    one.begin()
    yield one
    site = two.made.services.site(READER)
    for alias in (ALIAS, NEW):
        site.remotes.disconnect(alias)
        site.keystores.put("node", alias, None)
    site.remotes.reload()
    for node in (two.pair.local, two.pair.remote):
        node.ask("DELETE", "/_security/role/log_reader")


def anna(move: Move, alias: str) -> Searching:
    return Searching(move.two.pair.local, f"/{alias}:logs-1/_search", user="anna", password=PASSWORD)


def test_by_a_second_alias_no_search_is_refused_until_people_are_moved(move: Move) -> None:
    assert move.search(ALIAS, "elastic", "metrics-1") == 200  # the super user reads everything
    move.second()
    plan = move.plan()
    assert (plan.way, plan.to, plan.other, plan.stops, plan.exit_status) == (Way.SECOND_ALIAS, NEW, "logs", (), 0)
    loses = {(each.who[0], each.index): each.effect for each in plan.moved}
    assert loses["every super user", "metrics-1"] is Effect.LOSES
    assert loses["every super user", "logs-1"] is Effect.LESS
    assert not [each for each in plan.moved if "anna" in each.who]
    with anna(move, ALIAS) as searching:
        searching.more(20)
        beside = move.migrate()
        searching.more(20)
        with anna(move, NEW) as moved_over:
            moved_over.more(20)
        searching.more(4)
    assert (searching.refused, moved_over.refused) == ({}, {})
    assert (beside.state, beside.to, move.info()) == ("beside", NEW, {ALIAS: "certificate", NEW: "key"})
    assert move.plan().waits
    assert (move.search(NEW, "elastic", "metrics-1"), move.search(ALIAS, "elastic", "metrics-1")) == (403, 200)
    with anna(move, NEW) as searching:
        searching.more(10)
        moved = move.migrate(go_on=True)
        searching.more(10)
    assert searching.refused == {}
    assert (moved.state, moved.key, move.info()) == ("moved", beside.key, {NEW: "key"})
    assert [each.what.partition(":")[0] for each in moved.left] == ["orders", "logs", "logs"]
    assert move.search(NEW, "elastic", "metrics-1") == 403
    with pytest.raises(Refused, match="no move of dc2"):
        move.migrate(back=True)


def test_on_the_same_alias_it_is_read_with_the_key_and_back_again(move: Move) -> None:
    move.same()
    plan = move.plan()
    assert (plan.way, plan.to, plan.stops) == (Way.SAME_ALIAS, ALIAS, ())
    switched = move.migrate()
    move.answers(ALIAS)
    assert (switched.state, move.info()) == ("switched", {ALIAS: "key"})
    assert move.search(ALIAS, "elastic", "metrics-1") == 403
    back = move.migrate(back=True)
    move.answers(ALIAS)
    assert (back.state, move.info()) == ("rolled-back", {ALIAS: "certificate"})
    assert move.search(ALIAS, "elastic", "metrics-1") == 200
    assert move.migrate().state == "switched"
    assert move.migrate(go_on=True).state == "moved"
    move.answers(ALIAS)


def cut(move: Move, after: str) -> Move:
    """The same, whose call of this name ends the process once it was done."""

    services = move.two.made.services
    remotes, keystores = services.remotes, services.keystores
    cutting = replace(
        services, remotes=lambda of: Cutting(remotes(of), after), keystores=lambda of: Cutting(keystores(of), after)
    )
    return Move(replace(move.two, made=replace(move.two.made, services=cutting)))


def test_cut_off_after_any_kind_of_step_it_goes_on_and_goes_back(move: Move) -> None:
    """Each step, forth and back, with every failure is in test_migrating.py; here those that differ on a real cluster."""
    move.second()
    with anna(move, ALIAS) as searching:
        for after in ("put", "reload", "connect"):
            with pytest.raises(CutOff):
                cut(move, after).migrate()
            searching.more(4)
            assert move.plan().stage in ("keystore", "connect")
            assert move.migrate(back=True).state == "rolled-back"
            assert move.info() == {ALIAS: "certificate"}
        with pytest.raises(CutOff):
            cut(move, "reload").migrate()
        assert move.migrate().state == "beside"
        with pytest.raises(CutOff):
            cut(move, "disconnect").migrate(back=True)
        with pytest.raises(Refused, match="way back"):
            move.migrate()
        assert move.migrate(back=True).state == "rolled-back"
        searching.more(4)
    assert searching.refused == {}
    assert move.info() == {ALIAS: "certificate"}


def test_a_key_never_comes_into_the_keystores_of_an_alias_read_by_certificate(move: Move) -> None:
    """The file may say so already: until it is moved, sweep and rotation leave people reading."""
    move.same()
    with anna(move, ALIAS) as searching:
        look_after_keys(move.two.made.services.site(READER), CAUSE)
        with pytest.raises(Refused, match="remote migrate"):
            rotate_remote(move.two.made.services, READER, CAUSE, alias=ALIAS)
        searching.more(10)
    assert searching.refused == {}
    (told,) = [one for one in move.two.made.aws.told if one.name == "remote-half-moved"]
    assert "dc2 is declared with a key, and is read by certificate" in told.happened


def test_what_the_files_lack_is_proposed_from_what_people_read_now(move: Move) -> None:
    """By the roles over there: with these lines nobody who reads by a role loses or gains anything."""
    move.declare(f"{ALIAS}: {{deployment: logs, model: certificate}}", ALIAS)
    plan = move.plan()
    assert (plan.exit_status, plan.steps, plan.write is not None) == (3, (), True)
    with pytest.raises(Refused, match="--plan"):
        move.migrate()
    assert plan.write is not None
    (allows,) = plan.write.offer.values()
    assert [one["names"] for one in allows["search"]] == [["logs-*"]]
    assert "red" in str(allows["search"][0]["query"])
    assert plan.write.roles["log_reader"][0]["clusters"] == ["dc2-key"]


def test_the_page_about_remotes_quotes_the_move(
    move: Move, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each command of its day, in order, on these two clusters."""
    move.second()
    made = move.two.made

    monkeypatch.setattr(asking, "ask", asked_of(made.services))
    commands = commands_under("Moved from certificates to a key")
    assert len(commands) > 4
    assert otherwise_than_it_says(commands, capsys) == []
    assert move.info() == {NEW: "key"}
