"""Whatever happens, in whatever order: once the world calms down, the deployment is locked if and only if it has to be."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from portcullis.custody.types import Measure

from tests.custody import walk
from tests.custody.key import KINDS, PROBES
from tests.custody.world import NAME, World

pytestmark = pytest.mark.long

PROBE = st.sampled_from(PROBES)
WHICH = st.integers(0, 2)


class Histories(RuleBasedStateMachine):
    """Signals, sweeps, probes, people, crashes, outages and clocks, in any order; every write through the ledger's JSON."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(persist=True)

    @initialize(outside=st.sampled_from(walk.PLACES))
    def runs_at(self, outside: frozenset[Measure]) -> None:
        self.world = World(walk.rules_at(outside), persist=True)

    @rule(kind=st.sampled_from(KINDS))
    def revoke(self, kind: str) -> None:
        walk.revoke(self.world, kind)

    @rule()
    def restore(self) -> None:
        walk.restore(self.world)

    @rule(how=st.sampled_from((walk.lag, walk.unreachable, walk.answer, walk.lie)), probe=PROBE)
    def mislead(self, how: Callable[[World, str], None], probe: str) -> None:
        how(self.world, probe)

    @rule()
    def outage(self) -> None:
        walk.outage(self.world)

    @rule()
    def catch_up(self) -> None:
        walk.catch_up(self.world)

    @rule(engine=st.booleans(), gate=st.booleans(), groups=st.booleans())
    def power(self, engine: bool, gate: bool, groups: bool) -> None:
        walk.power(self.world, engine, gate, groups)

    @rule(steps=st.sampled_from((0, 1, 3, 8, 30, 100)))
    def look(self, steps: int) -> None:
        walk.spawn(self.world)
        walk.step(self.world, len(self.world.processes) - 1, steps)

    @rule(which=WHICH, steps=st.sampled_from((1, 2, 3, 8, 30, 100)))
    def step(self, which: int, steps: int) -> None:
        walk.step(self.world, which, steps)

    @rule(which=WHICH)
    def crash(self, which: int) -> None:
        walk.crash(self.world, which)

    @rule(seconds=st.sampled_from(walk.SECONDS))
    def wait(self, seconds: int) -> None:
        walk.wait(self.world, seconds)

    @rule(seconds=st.sampled_from(walk.JUMPS))
    def jump(self, seconds: int) -> None:
        walk.jump(self.world, seconds)

    @rule()
    def hold(self) -> None:
        walk.hold(self.world)

    @rule()
    def release(self) -> None:
        walk.release(self.world)

    @rule(minutes=st.sampled_from((1, 10, 200)), write=st.booleans())
    def break_glass(self, minutes: int, write: bool) -> None:
        walk.break_glass(self.world, minutes, write)

    @rule(who=st.sampled_from(("ann", "break-glass")))
    def search(self, who: str) -> None:
        walk.search(self.world, who)

    @rule(name=st.sampled_from((NAME, "prod")))
    def delete(self, name: str) -> None:
        walk.delete(self.world, name)

    @rule()
    def cancel(self) -> None:
        walk.cancel(self.world)

    @rule(who=st.sampled_from(("ann", "bob")))
    def joins_or_leaves(self, who: str) -> None:
        walk.member(self.world, who)

    @rule(steps=st.sampled_from((1, 2, 4, 10)))
    def react(self, steps: int) -> None:
        walk.react(self.world, steps)

    @rule()
    def lose(self) -> None:
        walk.lose(self.world)

    @rule()
    def hand_edit(self) -> None:
        walk.hand_edit(self.world, "hand-2")

    @rule(what=st.sampled_from(("mappings", "break-glass", "ingress", "further", "blocks")))
    def tamper(self, what: str) -> None:
        walk.tamper(self.world, what)

    @rule()
    def new_index(self) -> None:
        walk.new_index(self.world)

    @rule(key=st.sampled_from(("key-1", "key-2")))
    def rotate(self, key: str) -> None:
        walk.rotate(self.world, key)

    def teardown(self) -> None:
        self.world.settle()


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=100,  # each costs as much as three of the random ones below; thousands more are played by `make bench-custody`
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("block", range(9))
def test_nine_hundred_random_histories_end_as_the_key_demands(block: int) -> None:
    """The walk of benchmarks/custody.py, other seeds, with every write through the ledger's JSON; at each kind of place in turn."""
    for seed in range(10_000_000 + block * 100, 10_000_000 + (block + 1) * 100):
        walk.random_history(seed, persist=True, outside=walk.PLACES[block % len(walk.PLACES)])


@pytest.mark.parametrize("seed", [6842, 11835])
def test_histories_that_once_found_something_find_nothing(seed: int) -> None:
    walk.random_history(seed)
