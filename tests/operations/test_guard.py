"""Guard drives the state machine through the ledger, beside others who do the same."""

from __future__ import annotations

from dataclasses import replace

from portcullis import custody as machine
from portcullis.custody.types import Act, Measure, Progress, State
from portcullis.errors import Refused
from portcullis.operations.guard import guard
from portcullis.operations.world import Cause

from tests.reactions.town import Town, town

CAUSE = Cause("a test", "somebody")


def test_who_keeps_the_custody_while_a_step_is_done_does_not_make_its_end_forgotten() -> None:
    # Given a key that is gone, and another look that keeps the custody just while the mappings are being shut
    here, slept = _without_a_key()
    here.account.engine.meddle = lambda _: _somebody_keeps_it(here)
    # When the key is guarded
    after = guard(replace(here.world, sleep=slept.append), "demo", CAUSE)
    # Then it is locked at once: nobody waits for a step that was done long ago
    assert after.state is State.LOCKED
    assert slept == []
    assert after.measures[Measure.SHUT_MAPPINGS].progress is Progress.DONE


def test_a_step_that_its_owner_left_in_the_middle_is_taken_over_within_the_same_run() -> None:
    # Given a guard that was killed after it wrote down to shut the mappings
    here, slept = _without_a_key()
    ledger, rules = here.account.ledger, machine.Rules()
    seen = here.world.keys(ledger.registration("demo")).observe(ledger.registration("demo"))
    custody = ledger.keep_custody(machine.decide(ledger.custody("demo"), seen, here.aws.at, rules).custody)
    for todo in (machine.Todo(Measure.SAVE, Act.TAKE, save_as="killed"),):
        custody = ledger.keep_custody(machine.intend(custody, todo, here.aws.at))

    # When the key is guarded again, while time passes
    def sleep(seconds: float) -> None:
        slept.append(seconds)
        here.pass_time(seconds)

    after = guard(replace(here.world, sleep=sleep), "demo", CAUSE)
    # Then it waits no longer than the step may take, and locks
    assert after.state is State.LOCKED
    assert 0 < sum(slept) <= 45


def test_a_measure_that_failed_is_left_to_the_sweep_and_waited_for_by_nobody() -> None:
    # Given a domain whose policy cannot be changed, as Amazon may refuse it while the key is gone
    here, slept = _without_a_key()

    class Stubborn:
        def __getattr__(self, name: str) -> object:
            return getattr(here.aws, name)

        def set_policy(self, *_: object) -> None:
            raise Refused("the configuration was not changed")

    # When the key is guarded
    after = guard(replace(here.world, sleep=slept.append, gate=lambda _: Stubborn()), "demo", CAUSE)
    # Then it is locked, the failure stands in the custody, and the next event does not have to wait
    assert after.state is State.LOCKED
    assert after.measures[Measure.DENY_POLICY].progress is Progress.FAILED
    assert slept == []


def test_what_a_person_asks_is_not_lost_to_another_look() -> None:
    here = town()
    changes = iter([True, False])

    def change(custody: machine.Custody) -> machine.Custody:
        if next(changes):
            _somebody_keeps_it(here)
        return machine.hold(custody, "ann", "a drill", here.aws.at)

    after = guard(here.world, "demo", CAUSE, change=change)
    assert after.hold is not None
    assert after.state is State.LOCKED


def _without_a_key() -> tuple[Town, list[float]]:
    here = town()
    here.aws.disabled = True
    return here, []


def _somebody_keeps_it(here: Town) -> None:
    ledger = here.account.ledger
    ledger.keep_custody(replace(ledger.custody("demo"), by="somebody else"))
