"""Guard and others who keep the same custody: how often it tries, what it waits for, and what it says when it gives up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from portcullis import custody as machine
from portcullis.custody.types import (
    OUTSIDE,
    Act,
    Custody,
    Health,
    Measure,
    Observation,
    Probe,
    Progress,
    Severity,
    State,
    Todo,
)
from portcullis.custody.types import RevocationCause as KeyGone
from portcullis.errors import Conflict, PortcullisError, Refused, Unreachable
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.custody import guard as module
from portcullis.operations.custody.guard import guard, rules_of
from portcullis.operations.services import Trigger
from portcullis.ports.alerts import Alert
from portcullis.ports.registration import Registration
from portcullis.signals.types import Concern, Signal

from tests.reactions.town import Town, town

CAUSE = Trigger("a test", "somebody")


@dataclass
class Busy:
    """A ledger in which others keep the custody first: `first` times, from the look at which `at` says so. `kept` counts our tries."""

    ledger: Any
    first: int
    at: Callable[[Custody], bool] = lambda _: True
    kept: list[Custody] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ledger, name)

    def keep_custody(self, custody: Custody) -> Custody:
        if self.at(custody):
            self.kept.append(custody)
            if len(self.kept) <= self.first:
                raise Conflict("somebody else was faster")
        kept: Custody = self.ledger.keep_custody(custody)
        return kept


def busy(here: Town, first: int, at: Callable[[Custody], bool] = lambda _: True, **more: Any) -> tuple[Any, Busy]:
    ledger = Busy(here.account.ledger, first, at)
    return replace(here.services, ledger=ledger, **more), ledger


@pytest.mark.parametrize("first", [9, 10])
def test_what_a_person_asked_is_tried_ten_times(first: int) -> None:
    here = town()
    services, ledger = busy(here, first, lambda custody: custody.hold is not None and custody.state is State.OPEN)

    def ask() -> Custody:
        return guard(services, "demo", CAUSE, change=lambda one: machine.hold(one, "ann", "a drill", here.aws.at))

    if first < 10:
        assert ask().state is State.LOCKED
        return
    with pytest.raises(Conflict, match="somebody else was faster"):
        ask()
    assert len(ledger.kept) == 10
    assert here.account.ledger.custody("demo").state is State.OPEN


@pytest.mark.parametrize("first", [9, 10])
def test_whoever_was_slower_steps_aside_a_little_longer_each_time(first: int) -> None:
    here, slept = town(), list[float]()
    here.aws.disabled = True
    services, ledger = busy(here, first, sleep=slept.append)
    steps = [round(0.05 * number, 2) for number in range(1, 10)]
    if first < 10:
        assert guard(services, "demo", CAUSE).state is State.LOCKED
    else:
        with pytest.raises(Conflict, match="somebody else was faster"):
            guard(services, "demo", CAUSE)
        assert len(ledger.kept) == 10
    assert [round(one, 2) for one in slept] == steps


@pytest.mark.parametrize("times", [99, 100])
def test_a_look_that_is_overtaken_at_every_step_ends(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    here, looks, whole = town(), list[int](), module._look_and_act

    def overtaken(*asked: Any) -> Any:
        looks.append(1)
        if len(looks) <= times:
            raise module._Overtaken
        return whole(*asked)

    monkeypatch.setattr(module, "_look_and_act", overtaken)
    if times < 100:
        assert guard(here.services, "demo", CAUSE).state is State.OPEN
        return
    with pytest.raises(Conflict, match="the custody of demo is changed by others at every step"):
        guard(here.services, "demo", CAUSE)
    assert len(looks) == 100


def test_a_lock_that_comes_to_no_rest_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    here = town()
    here.aws.disabled = True
    monkeypatch.setattr(module, "_MOST_STEPS", 3)
    with pytest.raises(PortcullisError, match="demo: the lock did not come to rest in 3 steps"):
        guard(here.services, "demo", CAUSE)


class Suspicious:
    """A key of which one way of asking is refused, and no other one."""

    def __init__(self, here: Town) -> None:
        self.here, self.asked = here, list[dict[str, Any]]()

    def observe(self, registration: Registration, **asked: Any) -> Observation:
        self.asked.append(asked)
        probes = (Probe("describe", Health.HEALTHY), Probe("use", Health.REVOKED, KeyGone.DISABLED))
        return replace(self.here.aws.observe(registration), probes=probes)


def test_a_suspicion_is_looked_at_less_and_less_often_for_45_seconds() -> None:
    here, slept = town(), list[float]()
    keys = Suspicious(here)
    guard(replace(here.services, sleep=slept.append, keys=lambda _: keys), "demo", CAUSE)
    assert [round(one, 1) for one in slept] == [0.1, 0.2, 0.4, 0.8, 1.6, *[2.0] * 21]


@pytest.mark.parametrize(
    ("hint", "told"),
    [
        (None, {"hint": "", "by": ""}),
        (Signal(None, "nothing"), {"hint": "", "by": ""}),
        (Signal("key-disabled", "", Concern.KEY), {"hint": "key-disabled", "by": "somebody"}),
    ],
)
def test_the_key_is_looked_at_with_what_the_event_told(hint: Signal | None, told: dict[str, str]) -> None:
    here = town()
    keys = Suspicious(here)
    guard(replace(here.services, sleep=lambda _: None, keys=lambda _: keys), "demo", CAUSE, hint=hint)
    assert keys.asked[0] == told


def in_hand(here: Town, measure: Measure) -> None:
    """A step that somebody else began just now."""
    ledger = here.account.ledger
    ledger.keep_custody(machine.intend(ledger.custody("demo"), Todo(measure, Act.TAKE, save_as="x"), here.aws.at))


@pytest.mark.parametrize("left", [True, False])
def test_a_step_in_other_hands_is_waited_for_but_where_it_is_left_to_others(left: bool) -> None:
    here, slept = town(), list[float]()
    here.aws.disabled = True
    guard(here.services, "demo", CAUSE)
    in_hand(here, Measure.PROVE)
    leaves = [Measure.PROVE] if left else []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        here.pass_time(seconds)

    guard(replace(here.services, sleep=sleep), "demo", CAUSE, leaves=leaves)
    assert bool(slept) is not left


def test_why_a_step_failed_is_kept_no_longer_than_a_line_of_the_history() -> None:
    here = town()
    here.aws.disabled = True

    class Stubborn:
        def __getattr__(self, name: str) -> object:
            return getattr(here.aws, name)

        def set_policy(self, *_: object) -> None:
            raise Refused("no" * 2000)

    after = guard(replace(here.services, gate=lambda _: Stubborn()), "demo", CAUSE)
    assert len(after.measures[Measure.DENY_POLICY].detail) == 500


# ---------------------------------------------------------------------- one step, written down


@pytest.mark.parametrize("first", [1, 9, 10])
def test_how_a_step_ended_is_written_into_what_others_kept(first: int) -> None:
    here = town()
    in_hand(here, Measure.SAVE)
    services, ledger = busy(here, first)
    custody, todo = here.account.ledger.custody("demo"), Todo(Measure.SAVE, Act.TAKE, save_as="x")

    def done() -> tuple[Custody, bool]:
        return module._write_down(services, custody, todo, lambda one: machine.done(one, todo, here.aws.at, "said"))

    if first == 10:
        with pytest.raises(Conflict, match="the custody of demo is changed faster than a step can be written down"):
            done()
        return
    kept, alone = done()
    assert (kept.measures[Measure.SAVE].progress, alone) == (Progress.DONE, False)
    assert len(ledger.kept) == first + 1


def test_a_step_that_somebody_else_took_over_is_theirs_to_write_down() -> None:
    here = town()
    in_hand(here, Measure.SAVE)
    custody, todo = here.account.ledger.custody("demo"), Todo(Measure.SAVE, Act.TAKE, save_as="x")
    here.pass_time(60)
    in_hand(here, Measure.SAVE)
    services, ledger = busy(here, 0)
    with pytest.raises(Conflict):
        module._write_down(services, custody, todo, lambda one: machine.done(one, todo, here.aws.at, "said"))
    assert here.account.ledger.custody("demo").measures[Measure.SAVE].progress is Progress.INTENDED
    assert len(ledger.kept) == 1


# ---------------------------------------------------------------------- walls


@pytest.mark.parametrize("measure", [Measure.SHUT_MAPPINGS, Measure.CLOSE_INGRESS])
@pytest.mark.parametrize("error", [Refused("no"), Unreachable("silent"), RuntimeError("that nobody thought of")])
def test_a_look_that_is_refused_counts_as_opened_but_where_aws_refuses(measure: Measure, error: Exception) -> None:
    def look() -> str:
        raise error

    counts = isinstance(error, Refused) and measure not in OUTSIDE
    assert module._undone(measure, look) == ("may not be looked at any more: no" if counts else "")


@pytest.mark.parametrize(("state", "looked"), [(State.LOCKING, True), (State.LOCKED, True), (State.UNLOCKING, False)])
def test_walls_are_looked_at_from_the_first_one_on(state: State, looked: bool) -> None:
    here = town()
    here.aws.disabled = True
    custody = replace(guard(here.services, "demo", CAUSE), state=state)
    site = here.services.site("demo")
    assert (Measure.CLOSE_INGRESS in module._walls_to_look_at(site, custody)) is looked


# ---------------------------------------------------------------------- telling


def test_a_look_that_finds_nothing_new_keeps_and_records_nothing() -> None:
    here = town()
    guard(here.services, "demo", CAUSE)
    services, ledger = busy(here, 0)
    before = here.account.ledger.history("demo")
    guard(services, "demo", CAUSE)
    assert ledger.kept == []
    assert here.account.ledger.history("demo") == before


def waiting(here: Town, *words: str) -> None:
    told = tuple(
        machine.Told(machine.Tell.LOCKED, Severity.CRITICAL, here.aws.at, one, "done", "next", "page") for one in words
    )
    ledger = here.account.ledger
    ledger.keep_custody(replace(ledger.custody("demo"), outbox=told))


def test_whoever_is_overtaken_before_telling_leaves_it_to_the_other() -> None:
    here = town()
    guard(here.services, "demo", CAUSE)
    waiting(here, "one")
    services, _ = busy(here, 1, lambda custody: custody.telling_since is not None)
    after = guard(services, "demo", CAUSE)
    assert [one.happened for one in after.outbox] == ["one"]
    assert here.aws.told == []


def test_an_alert_is_told_with_all_that_custody_says_of_it() -> None:
    here = town()
    guard(here.services, "demo", CAUSE)
    waiting(here, "one")
    at = here.aws.at.isoformat()
    guard(here.services, "demo", CAUSE)
    assert here.aws.told == [
        Alert(
            name="locked",
            deployment="demo",
            severity="critical",
            happened="one",
            done="done",
            next="next",
            runbook="page",
            detail={"at": at},
        )
    ]


@pytest.mark.parametrize(("seconds", "both"), [(29, True), (30, False), (31, False)])
def test_a_teller_tells_no_more_once_its_lease_is_over(seconds: int, both: bool) -> None:
    here = town()
    guard(here.services, "demo", CAUSE)
    waiting(here, "one", "two")
    tell = here.aws.tell

    def telling(alert: Alert) -> None:
        here.pass_time(seconds)
        tell(alert)

    here.aws.tell = telling  # type: ignore[method-assign]
    assert machine.Rules().lease == timedelta(seconds=30)
    after = guard(here.services, "demo", CAUSE)
    assert [one.happened for one in here.aws.told] == (["one", "two"] if both else ["one"])
    assert (len(after.outbox), after.telling_since) == (0 if both else 1, None)


def test_what_was_told_is_tried_to_be_written_down_ten_times() -> None:
    here = town()
    guard(here.services, "demo", CAUSE)
    waiting(here, "one")
    services, ledger = busy(here, 10**6, lambda custody: not custody.outbox)
    with pytest.raises(
        Conflict, match="the custody of demo is changed faster than it can be written down what was told"
    ):
        guard(services, "demo", CAUSE)
    assert len(ledger.kept) == 10


def test_the_history_has_of_each_move_what_it_was_before_and_who_is_the_cause() -> None:
    here = town()
    guard(here.services, "demo", CAUSE, change=lambda one: machine.hold(one, "ann", "a drill", here.aws.at))
    moves = {one.operation: one for one in here.account.ledger.history("demo")}
    assert moves["locking"].before == "open"
    assert moves["locked"].before == "locking"
    assert {(one.cause, one.actor, one.deployment) for one in moves.values()} >= {("a test", "somebody", "demo")}
    assert moves["hold"].after is None
    assert moves["locked"].after


# ---------------------------------------------------------------------- how a deployment wants it


@pytest.mark.parametrize(
    ("custody", "ends"),
    [("", False), ("{end_sessions: true}", True), ("{deny_older_sessions: true}", True)],
)
def test_sessions_are_ended_where_the_file_asks_for_either(custody: str, ends: bool) -> None:
    here = town()
    if custody:
        text = here.account.ledger.model("demo").text + f"\ncustody: {custody}\n"
        apply_text(here.services, "demo", text, CAUSE)
    rules = rules_of(here.services.site("demo"))
    assert rules.measures == machine.Rules().measures | ({Measure.END_SESSIONS} if ends else set())


@pytest.mark.parametrize("gives", [True, False])
def test_offered_keys_are_narrowed_where_there_are_any(monkeypatch: pytest.MonkeyPatch, gives: bool) -> None:
    here = town()
    monkeypatch.setattr(module, "gives_keys", lambda *_: gives)
    rules = rules_of(here.services.site("demo"))
    assert rules.measures == machine.Rules().measures | ({Measure.NARROW_KEYS} if gives else set())


@pytest.mark.parametrize("may_delete", [True, False])
def test_the_deletion_of_a_domain_is_left_to_whoever_may(monkeypatch: pytest.MonkeyPatch, may_delete: bool) -> None:
    here, whole, left = town(), module._at_rest, list[frozenset[Measure]]()

    def at_rest(site: Any, cause: Any, hint: Any, leaves: frozenset[Measure], saw: Any) -> Any:
        left.append(leaves)
        return whole(site, cause, hint, leaves, saw)

    monkeypatch.setattr(module, "_at_rest", at_rest)
    settings = replace(here.services.settings, may_delete=may_delete)
    guard(replace(here.services, settings=settings), "demo", CAUSE, leaves=[Measure.PROVE])
    assert left == [frozenset({Measure.PROVE} if may_delete else {Measure.PROVE, Measure.DELETE_DOMAIN})]


def test_what_nobody_thought_of_is_kept_with_its_kind() -> None:
    here = town()
    here.aws.disabled = True

    class Broken:
        def __getattr__(self, name: str) -> object:
            return getattr(here.aws, name)

        def set_policy(self, *_: object) -> None:
            raise KeyError("Domain")

    after = guard(replace(here.services, gate=lambda _: Broken()), "demo", CAUSE)
    assert after.measures[Measure.DENY_POLICY].detail == "KeyError: 'Domain'"
