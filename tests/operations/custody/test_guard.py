"""Guard drives the state machine through the ledger, beside others who do the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from threading import Barrier

import pytest
from portcullis import custody as machine
from portcullis.correlation import correlate, correlation
from portcullis.custody.types import Act, Health, Measure, Observation, Probe, Progress, Severity, State, Tell
from portcullis.custody.types import RevocationCause as KeyGone
from portcullis.errors import Refused, Unreachable
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.custody.guard import TAKE_A_KEY_AWAY, guard, rules_of
from portcullis.operations.services import Trigger
from portcullis.ports.alerts import Alert
from portcullis.ports.registration import Registration
from portcullis.signals.table import ROWS
from portcullis.signals.types import Concern, Signal
from portcullis.wiring import in_threads
from portcullis.words import moment

from tests.operations.worlds import mapping
from tests.reactions.town import Town, town

CAUSE = Trigger("a test", "somebody")


def test_a_step_is_not_forgotten_if_another_saves_the_custody_meanwhile() -> None:
    """Somebody writes the custody while the mappings are being shut. The lock is finished at once, without waiting."""
    # Given a key that is gone, and another look that keeps the custody just while the mappings are being shut
    here, slept = _without_a_key()
    here.account.engine.meddle = lambda _: _somebody_keeps_it(here)
    # When the key is guarded
    after = guard(replace(here.services, sleep=slept.append), "demo", CAUSE)
    # Then it is locked at once: nobody waits for a step that was done long ago
    assert after.state is State.LOCKED
    assert slept == []
    assert after.measures[Measure.SHUT_MAPPINGS].progress is Progress.DONE


def test_what_was_seen_before_somebody_else_decided_decides_nothing_any_more() -> None:
    # Given a key that comes back just while the mappings are being shut, and another look that sees it first
    here, slept = _without_a_key()
    services = replace(here.services, sleep=slept.append)

    def comes_back(_: object) -> None:
        here.aws.disabled = False
        guard(services, "demo", Trigger("another look", "somebody else"))

    here.account.engine.meddle = comes_back
    # When the first look goes on with what it saw of the key before
    after = guard(services, "demo", CAUSE)
    # Then it does not turn the unlock round
    moves = [one.operation for one in here.account.ledger.history("demo") if one.operation in {s.value for s in State}]
    assert moves[::-1] == ["locking", "unlocking", "open"]
    assert after.state is State.OPEN


def test_the_key_and_every_wall_of_a_lock_are_looked_at_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a locked deployment, of which neither the key nor the blocks answer before the other one is asked, too
    here, _ = _without_a_key()
    assert guard(here.services, "demo", CAUSE).state is State.LOCKED
    both, blocks = Barrier(2, timeout=60), here.account.engine.blocks

    def blocks_late() -> dict[str, dict[str, str]]:
        both.wait()
        return blocks()

    class Late:
        def observe(self, registration: Registration, **_: object) -> Observation:
            both.wait()
            return here.aws.observe(registration)

    monkeypatch.setattr(here.account.engine, "blocks", blocks_late)
    # When it is guarded with the services of a function
    services = replace(here.services, keys=lambda _: Late(), at_once=in_threads)
    # Then both are asked at once, and it stays locked
    assert guard(services, "demo", CAUSE).state is State.LOCKED


def test_of_what_is_done_at_once_all_is_done_though_one_fails() -> None:
    done: list[int] = []

    def fails() -> None:
        raise Refused("not this one")

    assert in_threads([lambda: 1]) == [1]
    assert in_threads([lambda: 1, correlation, lambda: 3])[::2] == [1, 3]
    with pytest.raises(Refused, match="not this one"):
        in_threads([fails, lambda: done.append(1), lambda: done.append(2)])
    assert sorted(done) == [1, 2]
    correlate("event 4711")
    try:
        assert in_threads([correlation, correlation]) == ["event 4711"] * 2
    finally:
        correlate("")


def test_a_step_its_owner_left_unfinished_is_taken_over_in_the_same_run() -> None:
    """The guard was killed. The next one waits no longer than the step may take, and locks."""
    # Given a guard that was killed after it wrote down to shut the mappings
    here, slept = _without_a_key()
    ledger, rules = here.account.ledger, machine.Rules()
    seen = here.services.keys(ledger.registration("demo")).observe(ledger.registration("demo"))
    custody = ledger.keep_custody(machine.decide(ledger.custody("demo"), seen, here.aws.at, rules).custody)
    for todo in (machine.Todo(Measure.SAVE, Act.TAKE, save_as="killed"),):
        custody = ledger.keep_custody(machine.intend(custody, todo, here.aws.at))

    # When the key is guarded again, while time passes
    def sleep(seconds: float) -> None:
        slept.append(seconds)
        here.pass_time(seconds)

    after = guard(replace(here.services, sleep=sleep), "demo", CAUSE)
    # Then it waits no longer than the step may take, and locks
    assert after.state is State.LOCKED
    assert 0 < sum(slept) <= 45


def test_a_look_while_the_key_is_going_looks_again_at_once_then_less_often() -> None:
    """The second look confirms and locks. A refusal that nothing confirms is looked at for 45 seconds and not longer."""
    # Given a look that falls between two answers of KMS: one way of asking is refused already
    here, slept = _without_a_key()

    @dataclass
    class Going:
        refusals: int

        def observe(self, registration: Registration, **_: object) -> Observation:
            whole = here.aws.observe(registration)
            self.refusals -= 1
            if self.refusals < 0:
                return whole
            probes = (Probe("describe", Health.HEALTHY), Probe("use", Health.REVOKED, KeyGone.DISABLED))
            return replace(whole, probes=probes)

    going = Going(1)
    # When it is guarded
    after = guard(replace(here.services, sleep=slept.append, keys=lambda _: going), "demo", CAUSE)
    # Then the next look confirms it, and the event of the key waits a moment for it, and no more
    assert after.state is State.LOCKED
    assert slept == [0.1]
    # And a refusal that nothing confirms is looked at less and less often, for no longer than a function may run
    here, slept = _without_a_key()
    going = Going(10**6)
    after = guard(replace(here.services, sleep=slept.append, keys=lambda _: going), "demo", CAUSE)
    assert after.state is State.OPEN
    assert after.suspected
    assert slept == sorted(slept)
    assert 45 <= sum(slept) <= 47


def test_a_measure_that_failed_is_left_to_the_sweep_and_waited_for_by_nobody() -> None:
    # Given a domain whose policy cannot be changed, as Amazon may refuse it while the key is gone
    here, slept = _without_a_key()

    class Stubborn:
        def __getattr__(self, name: str) -> object:
            return getattr(here.aws, name)

        def set_policy(self, *_: object) -> None:
            raise Refused("the configuration was not changed")

    # When the key is guarded
    after = guard(replace(here.services, sleep=slept.append, gate=lambda _: Stubborn()), "demo", CAUSE)
    # Then it is locked, the failure stands in the custody, and the next event does not have to wait
    assert after.state is State.LOCKED
    assert after.measures[Measure.DENY_POLICY].progress is Progress.FAILED
    assert slept == []


@pytest.mark.parametrize("error", [Refused("no"), Unreachable("silent"), RuntimeError("that nobody thought of")])
def test_a_wall_that_cannot_be_looked_at_keeps_no_other_one_open(error: Exception) -> None:
    # Given a lock whose engine cannot be read any more, and somebody who opens the network meanwhile
    here, _ = _without_a_key()
    guard(here.services, "demo", CAUSE)
    here.aws.open_ingress(here.account.ledger.registration("demo"), here.aws.rules)

    class Blind:
        def __getattr__(self, name: str) -> object:
            if name in ("read", "blocks"):
                raise error
            return getattr(here.account.engine, name)

    # When it is looked at
    after = guard(replace(here.services, engine=lambda _: Blind()), "demo", CAUSE)  # type: ignore[arg-type,return-value]
    # Then the network is shut again, it is told, and nothing opens
    assert here.aws.ingress(here.account.ledger.registration("demo")) == []
    assert any("'close ingress'" in alert.happened for alert in here.aws.told if alert.name == "lock-opened")
    assert after.state in (State.LOCKED, State.LOCKING)


def test_of_two_that_look_at_once_one_tells_and_each_transition_once() -> None:
    # Given a key that is gone, and a sweep that looks just while the first look tells of the lock
    here, _ = _without_a_key()
    tell, looks = here.aws.tell, iter([True])

    def telling(alert: Alert) -> None:
        if next(looks, False):
            guard(here.services, "demo", Trigger("the sweep", "portcullis"))
        tell(alert)

    here.aws.tell = telling  # type: ignore[method-assign]
    # When it is guarded, and once more later
    guard(here.services, "demo", CAUSE)
    guard(here.services, "demo", CAUSE)
    # Then it is told once, and nothing is left to tell
    assert [alert.name for alert in here.aws.told] == ["locked"]
    custody = here.account.ledger.custody("demo")
    assert (custody.outbox, custody.telling_since) == ((), None)


def test_an_alert_whose_teller_died_is_told_by_the_next_look_after_its_lease() -> None:
    here, _ = _without_a_key()
    guard(here.services, "demo", CAUSE)
    ledger, [locked] = here.account.ledger, here.aws.told
    waiting = machine.Told(machine.Tell.LOCKED, Severity.CRITICAL, here.aws.at, "a", "b", "c")
    died = replace(ledger.custody("demo"), outbox=(waiting,), telling_since=here.aws.at)
    ledger.keep_custody(died)
    here.pass_time(20)
    guard(here.services, "demo", CAUSE)
    assert here.aws.told == [locked]
    here.pass_time(11)
    guard(here.services, "demo", CAUSE)
    assert [alert.happened for alert in here.aws.told] == [locked.happened, "a"]


def test_a_teller_that_is_held_up_for_longer_than_its_lease_stops() -> None:
    # Given two alerts that wait, and a teller that is held up with the first while another look takes over
    here, _ = _without_a_key()
    guard(here.services, "demo", CAUSE)
    ledger, tell = here.account.ledger, here.aws.tell
    one, two = (
        machine.Told(name, Severity.CRITICAL, here.aws.at, name.value, "b", "c") for name in list(machine.Tell)[:2]
    )
    ledger.keep_custody(replace(ledger.custody("demo"), outbox=(one, two)))
    here.aws.told.clear()
    held_up = iter([True])

    def telling(alert: Alert) -> None:
        if next(held_up, False):
            here.pass_time(31)
            guard(here.services, "demo", Trigger("the sweep", "portcullis"))
        tell(alert)

    here.aws.tell = telling  # type: ignore[method-assign]
    guard(here.services, "demo", CAUSE)
    # Then the second is told once, by the one who took over
    assert [alert.happened for alert in here.aws.told].count(two.happened) == 1
    assert ledger.custody("demo").telling_since is None


def test_an_alert_that_could_not_be_sent_is_sent_at_once_by_the_next_look() -> None:
    here, _ = _without_a_key()
    here.aws.mute = True
    with pytest.raises(Unreachable):
        guard(here.services, "demo", CAUSE)
    here.aws.mute = False
    guard(here.services, "demo", CAUSE)
    assert [alert.name for alert in here.aws.told] == ["locked"]


def test_an_alert_that_one_way_refuses_keeps_no_later_one_from_the_other() -> None:
    """Whoever shuts the topic does not shut the bus by it."""
    here, _ = _without_a_key()
    guard(here.services, "demo", CAUSE)
    ledger = here.account.ledger
    one, two = (
        machine.Told(name, Severity.CRITICAL, here.aws.at, name.value, "b", "c") for name in list(machine.Tell)[:2]
    )
    ledger.keep_custody(replace(ledger.custody("demo"), outbox=(one, two)))
    heard: list[str] = []

    def bus_alone(alert: Alert) -> None:
        heard.append(alert.happened)
        raise Unreachable("the topic refuses it")

    tell, here.aws.tell = here.aws.tell, bus_alone  # type: ignore[method-assign]
    with pytest.raises(Unreachable):
        guard(here.services, "demo", CAUSE)
    assert heard == [one.happened, two.happened]
    left = ledger.custody("demo")
    assert (left.outbox, left.telling_since) == ((one, two), None)
    here.aws.tell = tell  # type: ignore[method-assign]
    assert guard(here.services, "demo", CAUSE).outbox == ()


def test_what_a_person_asks_is_not_lost_to_another_look() -> None:
    here = town()
    changes = iter([True, False])

    def change(custody: machine.Custody) -> machine.Custody:
        if next(changes):
            _somebody_keeps_it(here)
        return machine.hold(custody, "ann", "a drill", here.aws.at)

    after = guard(here.services, "demo", CAUSE, change=change)
    assert after.hold is not None
    assert after.state is State.LOCKED


def test_the_history_tells_a_lock_and_its_end_once_with_the_timeline_of_each() -> None:
    # Given a key that is taken away by an event, and comes back
    here, slept = _without_a_key()
    services = replace(here.services, sleep=slept.append)
    guard(services, "demo", Trigger("event-1", "mallory", f"{here.aws.at - timedelta(seconds=3):%Y-%m-%dT%H:%M:%SZ}"))
    here.aws.disabled = False
    guard(services, "demo", CAUSE)
    # Then each transition stands there once, by whoever made it, the latest first
    changes = [one for one in here.account.ledger.history("demo") if one.operation in {state.value for state in State}]
    assert [one.operation for one in changes] == ["open", "unlocking", "locked", "locking"]
    assert [one.actor for one in changes] == ["somebody", "somebody", "mallory", "mallory"]
    assert "key revoked (disabled)" in changes[2].summary
    # And says when it happened, when it was seen, and what was done in which order
    told = changes[2].after
    assert (
        told[0]
        == f"{here.aws.at - timedelta(seconds=3):%Y-%m-%dT%H:%M:%S}.000+00:00 the event happened that made Portcullis look"
    )
    assert "the key was seen to be revoked (describe, use)" in told[1]
    done = [line.split(" ", 1)[1] for line in told[2:]]
    assert done.index("shut mappings: done") < done.index("close ingress: done") < done.index("locked")
    assert any(line.startswith("prove: done") for line in done)
    assert "after " in changes[0].summary


def test_who_took_the_key_is_named_from_its_event_and_from_no_later_one() -> None:
    """If the sweep saw it first, nobody is named until the event comes."""
    # Given a key that mallory disabled
    here, slept = _without_a_key()
    services = replace(here.services, sleep=slept.append)
    disabled = Signal("key-disabled", "", Concern.KEY)
    guard(services, "demo", Trigger("event-1", "mallory"), hint=disabled)
    # When other events of that deployment come, of the lock's own work too, and a person looks
    opened = Signal("security-group-changed", "", Concern.DOMAIN)
    guard(services, "demo", Trigger("event-2", "portcullis-automation"), hint=opened)
    guard(services, "demo", Trigger("a look", "ann"))
    # Then it is still mallory who is named
    assert here.account.ledger.custody("demo").by == "mallory"
    assert "key revoked (disabled), by mallory" in here.account.ledger.history("demo")[0].summary
    # And nobody is, where the sweep saw it first and no event told
    here.aws.disabled = False
    guard(services, "demo", CAUSE)
    here.aws.disabled = True
    guard(services, "demo", Trigger("the sweep", "portcullis"))
    assert here.account.ledger.custody("demo").by == ""
    # Until its event comes
    guard(services, "demo", Trigger("event-3", "mallory"), hint=disabled)
    assert here.account.ledger.custody("demo").by == "mallory"


@pytest.mark.parametrize(
    ("name", "named"),
    [
        *(
            (f"key-{what}", True)
            for what in (
                *("disabled", "deletion-scheduled", "deleted", "material-deleted", "material-expired"),
                *("policy-changed", "grant-revoked", "replica-changed"),
                *("store-disconnected", "store-changed", "store-deleted"),
            )
        ),
        ("key-enabled", False),
        ("key-rotated", False),
        ("security-group-changed", False),
    ],
)
def test_whoever_did_what_takes_a_key_away_is_named(name: str, named: bool) -> None:
    here, slept = _without_a_key()
    services = replace(here.services, sleep=slept.append)
    guard(services, "demo", Trigger("an event", "mallory"), hint=Signal(name, "", Concern.KEY))
    assert here.account.ledger.custody("demo").by == ("mallory" if named else "")


def test_every_signal_that_may_take_a_key_away_is_in_the_table() -> None:
    assert {row.signal for row in ROWS} >= TAKE_A_KEY_AWAY


def test_the_history_tells_who_held_it_why_and_each_use_of_break_glass() -> None:
    here = town()
    for reason in ("a leak", "a leak, confirmed"):
        guard(here.services, "demo", CAUSE, change=lambda c, why=reason: machine.hold(c, "ann", why, here.aws.at))
    rules = machine.Rules()
    opened = here.aws.at
    guard(
        here.services,
        "demo",
        CAUSE,
        change=lambda c: machine.open_break_glass(c, "ann", "order 4711", 5, opened, rules),
    )
    guard(here.services, "demo", CAUSE, change=machine.close_break_glass)
    guard(here.services, "demo", CAUSE, change=machine.release)
    told = [(one.operation, one.summary) for one in reversed(here.account.ledger.history("demo"))]
    words = [
        f"{operation}: {summary}" for operation, summary in told if operation in ("hold", "release", "break-glass")
    ]
    assert words == [
        "hold: locked manually by ann: a leak",
        "hold: locked manually by ann: a leak, confirmed",
        f"break-glass: open for ann until {moment(opened + timedelta(minutes=5))}: order 4711",
        "break-glass: ended",
        "release: the lock by hand was taken off",
    ]
    assert dict(told)["locking"].endswith("locked manually by ann: a leak")


def test_a_key_rotation_and_an_opened_lock_are_in_the_history() -> None:
    """The lock was opened by a mapping made by hand, which the history names. The rotation names the old and the new key."""
    here, slept = _without_a_key()
    services = replace(here.services, sleep=slept.append)
    guard(services, "demo", CAUSE)
    here.account.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/viewers", "value": mapping(users=["eve"])}])
    guard(services, "demo", CAUSE)
    [opened] = [one for one in here.account.ledger.history("demo") if one.operation == "lock-opened"]
    assert "viewers" in opened.summary
    ledger = here.account.ledger
    ledger.keep_custody(replace(ledger.custody("demo"), key_id="another"))
    guard(services, "demo", CAUSE)
    [moved] = [one for one in here.account.ledger.history("demo") if one.operation == "key-rotated"]
    assert "from key another to one" in moved.summary


def test_the_file_sets_the_deletion_deadline_and_longest_break_glass() -> None:
    """After the deadline a person is asked to delete. Nothing is deleted by itself."""
    here = town()
    text = here.account.ledger.model("demo").text + "\ncustody: {delete_after_days: 30}\nbreak_glass: {minutes: 20}\n"
    apply_text(here.services, "demo", text, CAUSE)
    rules = rules_of(here.services.at(here.account.ledger.registration("demo")))
    assert (rules.delete_deadline, rules.break_glass_longest) == (timedelta(days=30), timedelta(minutes=20))
    # Locked by a revocation for a month, a deletion is asked for; and nothing is deleted
    here.aws.disabled = True
    guard(here.services, "demo", CAUSE)
    here.pass_time(31 * 86_400)
    assert guard(here.services, "demo", CAUSE).state is State.LOCKED
    [told] = [alert for alert in here.aws.told if alert.name == "delete-overdue"]
    assert "as the page says" in told.next
    assert "--confirm" not in told.next


def _without_a_key() -> tuple[Town, list[float]]:
    here = town()
    here.aws.disabled = True
    return here, []


def _somebody_keeps_it(here: Town) -> None:
    ledger = here.account.ledger
    ledger.keep_custody(replace(ledger.custody("demo"), by="somebody else"))


def test_an_alert_is_sent_as_it_was_queued_with_its_page_and_its_time() -> None:
    here = town()
    here.aws.disabled = True
    after = guard(here.services, "demo", CAUSE)
    [told] = here.told("locked")
    assert (told.deployment, told.severity, told.runbook) == ("demo", "critical", "locked-by-revocation")
    assert told.detail == {"at": after.alerted[Tell.LOCKED].isoformat()}
    assert "demo is locked" in told.happened
    assert told.done.startswith("Done: shut mappings, block indices")
    assert "If this is not intended" in told.next
    assert (after.outbox, after.telling_since) == ((), None)
