"""Whoever left while it was locked stays out: whatever fails in the unlock, whenever they leave, whoever else is at work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from portcullis.custody.types import Measure, Progress, State
from portcullis.errors import Refused, Unreachable
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.operations.custody import following
from portcullis.operations.custody.guard import guard

from tests.operations.worlds import mapping
from tests.reactions.leavers import (
    CAUSE,
    Answered,
    Unreadable,
    Watch,
    locked_without_anna,
    look_at_the_key,
    random_history,
    watched,
)

FAULTS = ("silent", "unheard", "crash")


def calls_of_an_unlock() -> int:
    watch = locked_without_anna()
    look_at_the_key(watch)
    assert watch.here.state is State.OPEN
    assert watch.here.mapped == ["ben", "cara"]
    return watch.calls


def test_an_unlock_reads_the_groups_as_seldom_as_the_law_allows() -> None:
    """Before the mappings come back, to follow and after it, before each wall that lets somebody in, and once when all are down."""
    watch = locked_without_anna()
    reads = {watch.read}

    def happens(_: int) -> None:
        reads.add(watch.read)

    watch.happens = happens
    look_at_the_key(watch)
    walls_that_let_in = 3  # the access policy, the ingress, the blocks: there are no further groups or endpoints here
    assert len(reads) == 1 + 1 + 2 + walls_that_let_in + 1, "the first of them is that of the lock"


def test_an_unlock_reads_the_engine_to_put_back_and_to_follow_and_for_no_wall() -> None:
    """That anna is out again is seen by one more reading. Before a wall the claims tell whether the groups ask for whoever is in."""
    watch, reads = locked_without_anna(), []
    engine = watch.here.account.engine
    read = engine.read

    def counted(kinds: Sequence[str] | None = None) -> SecurityConfig:
        if kinds is None:
            reads.append(watch.calls)
        return read(kinds)

    engine.read = counted  # type: ignore[method-assign]
    look_at_the_key(watch)
    assert watch.here.state is State.OPEN
    assert watch.here.mapped == ["ben", "cara"]
    assert len(reads) == 3


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_any_call_of_an_unlock_only_delays_it(fault: str) -> None:
    for number in range(1, calls_of_an_unlock() + 1):
        watch = locked_without_anna()
        watch.fails = lambda call, at=number: fault if call == at else ""  # type: ignore[misc]
        look_at_the_key(watch)
        watch.ends_in_the_truth()


@pytest.mark.long
@pytest.mark.parametrize("reacts", [True, False], ids=["the reaction runs at once", "no event tells"])
def test_whoever_leaves_before_any_call_of_an_unlock_is_never_answered(reacts: bool) -> None:
    for number in range(1, calls_of_an_unlock() + 1):
        watch = locked_without_anna()

        def happens(call: int, watch: Watch = watch, at: int = number) -> None:
            if call == at:
                watch.leaves("ben")
                if reacts:
                    watch.react()

        watch.happens = happens
        look_at_the_key(watch)
        watch.ends_in_the_truth()


def test_some_random_histories_answer_nobody_who_left() -> None:
    for seed in range(20):
        random_history(seed)


@pytest.mark.long
@pytest.mark.parametrize("block", range(4))
def test_two_hundred_random_histories_answer_nobody_who_left(block: int) -> None:
    """Others than those of `make bench-leavers`, which plays thousands."""
    for seed in range(10_000 + block * 50, 10_050 + block * 50):
        random_history(seed)


def test_the_law_is_broken_by_an_unlock_that_puts_back_what_was_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_who_left", lambda *_: ())
    monkeypatch.setattr("portcullis.operations.custody.measures.follow", lambda *_: "")
    with pytest.raises(Answered):
        look_at_the_key(locked_without_anna())


def test_a_leaver_is_never_mapped_again_though_no_other_measure_was_taken() -> None:
    """The lock got no further than the mappings. When it opens, the leaver is not mapped even for a moment."""
    # Given a lock that got no further than the mappings: neither blocks nor ingress could be reached
    watch = watched()
    here = watch.here
    here.aws.disabled = True

    class Far:
        def __init__(self, part: object) -> None:
            self.part = part

        def __getattr__(self, name: str) -> object:
            if name in ("blocks", "ingress", "policy"):
                raise Unreachable(f"{name}: no answer")
            return getattr(self.part, name)

    far = replace(here.services, engine=lambda _: Far(here.account.engine), gate=lambda _: Far(here.aws))
    assert guard(far, "demo", CAUSE).state is State.LOCKING
    assert here.mapped == []
    watch.leaves("anna")
    watch.react()
    assert not watch.walls_stand()
    # When the key comes back, then anna is mapped at no moment
    here.aws.disabled = False
    seen: set[str] = set()
    watch.happens = lambda _: seen.update(here.mapped)
    look_at_the_key(watch)
    assert here.state is State.OPEN
    assert seen == {"ben", "cara"}


def test_groups_that_cannot_be_read_keep_it_shut_and_are_told_until_they_can() -> None:
    watch = locked_without_anna()
    here = watch.here
    blind = replace(here.services, identity=lambda _: Unreadable(here.account.people.groups))
    assert guard(blind, "demo", CAUSE).state is State.UNLOCKING
    assert watch.walls_stand()
    assert here.mapped == []
    [told] = here.told("unlock-incomplete")
    assert "the groups cannot be read" in told.happened
    assert "opens only once the groups were read" in told.done
    # Tried again, and no sooner than after its time
    here.pass_time(31)
    assert guard(blind, "demo", CAUSE).state is State.UNLOCKING
    here.pass_time(31)
    assert guard(here.services, "demo", CAUSE).state is State.OPEN
    assert here.mapped == ["ben", "cara"]
    assert len(here.told("unlocked")) == 1


def test_following_the_groups_stands_in_the_history_and_names_who_left() -> None:
    watch = locked_without_anna()
    watch.joins("dora")
    look_at_the_key(watch)
    here = watch.here
    assert here.mapped == ["ben", "cara", "dora"]
    [opened] = [one for one in here.account.ledger.history("demo") if one.operation == "open"]
    steps = [line.split(" ", 1)[1].split(":")[0] for line in opened.after]
    order = ["shut mappings", "follow groups", "deny policy", "close ingress", "block indices", "open"]
    assert [step for step in steps if step in order] == order
    [left] = [one for one in here.account.ledger.history("demo") if one.operation == "unlock"]
    assert [line for line in left.after if "anna" in line]
    assert here.account.ledger.custody("demo").measures[Measure.FOLLOW].progress is Progress.DONE


def test_what_was_not_ours_comes_back_as_it_was_whoever_left() -> None:
    # Given entries that people made by hand, one of them beside ours
    watch = watched()
    here = watch.here
    by_hand = mapping(users=["eve", *here.account.engine.held.entries("viewers", "users")], backend_roles=["team"])
    here.account.engine.by_hand(Kind.MAPPINGS, [{"op": "replace", "path": "/viewers", "value": by_hand}])
    watch.turn_key()
    watch.leaves("ben")
    # When the key comes back
    watch.turn_key()
    # Then nothing is missing but who left, in the order of before
    held = here.account.engine.held
    assert [entry.rpartition("/")[2] for entry in held.entries("viewers", "users")] == ["eve", "anna", "cara"]
    assert held.entries("viewers", "backend_roles") == ("team",)


def test_an_alert_that_cannot_be_sent_leaves_nobody_in_who_left() -> None:
    watch = locked_without_anna()
    watch.here.aws.mute = True
    look_at_the_key(watch)
    assert watch.here.state is State.OPEN
    assert watch.searching() == {"ben", "cara"}
    watch.ends_in_the_truth()
    assert len(watch.here.told("unlocked")) == 1


def test_another_writers_lease_only_delays_the_unlock() -> None:
    """The other measures stay until the lease is free. Then it opens, and nobody is shut out for ever."""
    watch = locked_without_anna()
    here = watch.here
    with here.account.ledger.lease(here.account.ledger.registration("demo").place.id, "an apply"):
        assert guard(here.services, "demo", CAUSE).state is State.UNLOCKING
    assert watch.walls_stand()
    watch.ends_in_the_truth()


def test_a_removal_heard_of_in_mid_unlock_is_done_before_the_walls_are_off() -> None:
    # Given an unlock whose ingress cannot be opened yet: the mappings are back, the walls stand
    watch = locked_without_anna()
    here = watch.here

    class Stuck:
        def __getattr__(self, name: str) -> object:
            return getattr(here.aws, name)

        def open_ingress(self, *_: object) -> None:
            raise Unreachable("EC2 does not answer")

    guard(replace(here.services, gate=lambda _: Stuck()), "demo", CAUSE)
    assert here.state is State.UNLOCKING
    assert here.mapped == ["ben", "cara"]
    # When ben leaves, and the reaction hears of it
    watch.leaves("ben")
    watch.react()
    # Then he is out at once, and stays so
    assert here.mapped == ["cara"]
    watch.ends_in_the_truth()


def test_a_change_the_engine_refuses_keeps_nobody_but_leavers_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """It opens all the same, and the custody says what was refused."""

    def refused(*_: object) -> None:
        raise Refused("the engine takes no such role")

    watch = locked_without_anna()
    monkeypatch.setattr(following, "synchronise", refused)
    look_at_the_key(watch)
    assert watch.here.state is State.OPEN
    assert watch.searching() == {"ben", "cara"}
    assert "takes no such role" in watch.here.account.ledger.custody("demo").measures[Measure.FOLLOW].detail
