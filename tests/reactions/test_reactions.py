"""Given events as the queues hand them over, then the truth is read as often as needed, and nothing is lost in silence."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from portcullis import correlation
from portcullis import custody as machine
from portcullis.custody.types import DELETE_ORDER, State
from portcullis.operations.custody.guard import guard
from portcullis.operations.custody.reminders import postponed, written
from portcullis.operations.services import Trigger

from tests.operations.worlds import ACCOUNT
from tests.reactions.town import TRIES, Town, record_again, town


@pytest.fixture
def here() -> Town:
    return town()


def test_a_member_added_is_mapped_and_a_member_removed_is_not(here: Town) -> None:
    assert here.handle([here.sent(here.join("anna"))]) == ["done"]
    assert here.mapped == ["anna"]
    here.pass_time(60)
    assert here.handle([here.sent(here.leave("anna"))]) == ["done"]
    assert here.mapped == []


def test_what_was_done_names_the_event_and_who_caused_it(here: Town) -> None:
    event = here.join("anna")
    here.handle([here.sent(event)])
    change = here.account.ledger.history("demo")[0]
    assert (change.cause, change.actor) == (event["detail"]["eventID"], event["detail"]["userIdentity"]["arn"])
    assert here.notes.keys["correlation_id"] == event["detail"]["eventID"]
    assert here.notes.counted == ["EventDone"]


@pytest.mark.parametrize(
    "meaningless",
    [
        {"errorCode": "AccessDenied"},
        {"readOnly": True},
        {"requestParameters": {"userPoolId": "eu-central-1_Other", "username": "a", "groupName": "readers"}},
    ],
    ids=["failed", "read-only", "another pool"],
)
def test_what_means_nothing_reads_nothing(here: Town, meaningless: dict[str, object]) -> None:
    here.join("anna")
    assert here.handle([here.sent(here.cognito("AdminAddUserToGroup", **meaningless))]) == ["nothing"]
    assert (here.mapped, here.writes) == ([], 0)


def test_the_first_event_of_a_batch_covers_the_others_of_its_deployment(here: Town) -> None:
    records = [here.sent(here.join(name)) for name in ("anna", "ben", "carl")]
    assert here.handle(records) == ["done", "covered", "covered"]
    assert (here.mapped, here.writes) == (["anna", "ben", "carl"], 1)


def test_an_event_from_before_the_last_reading_needs_no_new_one(here: Town) -> None:
    """It happened before the groups were read for another event, so it is covered."""
    late = here.sent(here.join("anna"))
    here.pass_time(30)
    here.handle([here.sent(here.join("ben"))])
    assert here.handle([late]) == ["covered"]
    assert here.mapped == ["anna", "ben"]


def test_the_watermark_does_not_cover_what_had_not_settled(here: Town) -> None:
    """IAM and Cognito are eventually consistent: a reading right after the change may not have seen it."""
    fresh = here.sent(here.join("anna"))
    here.pass_time(1)
    here.handle([here.sent(here.cognito("AdminAddUserToGroup"))])
    assert here.handle([fresh]) == ["done"]


def test_a_reading_by_a_clock_that_was_ahead_covers_no_leaver(here: Town) -> None:
    """Whoever read the groups last, the sweep say, took it for ten minutes later than it was."""
    here.handle([here.sent(here.join("anna"))])
    here.account.ledger.raise_watermark("demo", here.account.services.now() + timedelta(minutes=10))
    here.pass_time(60)
    assert here.handle([here.sent(here.leave("anna"))]) == ["done"]
    assert here.mapped == []


def test_a_burst_costs_one_reading_that_writes(here: Town) -> None:
    records = [here.sent(here.join(f"p{number:03d}")) for number in range(200)]
    here.handle_all(records)
    assert (len(here.mapped), here.writes) == (200, 1)


def test_people_who_come_while_it_reacts_cost_one_write_a_batch_at_most(here: Town) -> None:
    for batch in range(8):
        here.handle([here.sent(here.join(f"p{batch}-{number}")) for number in range(10)])
    assert (len(here.mapped), here.writes) == (80, 8)


# ---------------------------------------------------------------------- what cannot be read


def truncated(event: dict[str, object]) -> str:
    return json.dumps(event)[:100]


def nameless(event: dict[str, object]) -> str:
    detail = dict(event["detail"])  # type: ignore[call-overload]
    del detail["eventName"]
    return json.dumps(event | {"detail": detail})


@pytest.mark.parametrize("spoil", [truncated, nameless, lambda _: "[]", lambda _: '"text"', lambda _: "null"])
def test_a_malformed_event_is_buried_whole_and_told_and_delays_nobody(here: Town, spoil: object) -> None:
    body = spoil(here.join("anna"))  # type: ignore[operator]
    assert here.handle([here.sent(body), here.sent(here.cognito("AdminAddUserToGroup"))]) == ["buried", "done"]
    [(queue, kept, group, reason)] = here.aws.buried
    assert (queue, kept, group) == ("identity", body, "demo")
    assert reason
    [alert] = here.told("dead-letter")
    assert reason in alert.happened
    assert alert.severity == "warning"
    assert here.again == []
    assert here.mapped == ["anna"]


# ---------------------------------------------------------------------- what fails


def test_what_failed_is_seen_again_soon_and_covers_the_others_of_its_batch(here: Town) -> None:
    here.account.engine.silent = 1  # type: ignore[attr-defined]
    records = [here.sent(here.join("anna")), here.sent(here.join("ben"))]
    assert here.handle(records) == ["failed", "covered"]
    [(queue, receipt, seconds)] = here.again
    assert (queue, receipt, seconds) == (records[0]["eventSourceARN"], records[0]["receiptHandle"], 1)
    assert here.handle([record_again(records[0])]) == ["done"]
    assert here.mapped == ["anna", "ben"]


def test_the_pauses_grow_and_end_with_the_last_try(here: Town) -> None:
    one = here.sent(here.join("anna"))
    here.account.engine.silent = TRIES  # type: ignore[attr-defined]
    for _ in range(TRIES):
        assert here.handle([one]) == ["failed"]
        one = record_again(one)
    waits = [seconds for _, _, seconds in here.again]
    assert waits[:-1] == sorted(waits[:-1])
    assert waits[-1] == 0, "the queue takes it out of the way of the others at once"
    assert max(waits) == 15, "whoever leaves waits behind it"
    [alert] = here.told("dead-letter")
    assert f"{TRIES} tries" in alert.happened
    assert here.aws.buried == [], "the queue itself moves it"


def test_what_fails_for_the_last_time_covers_nobody(here: Town) -> None:
    here.account.engine.silent = 1  # type: ignore[attr-defined]
    records = [here.sent(here.join("anna"), receives=TRIES), here.sent(here.join("ben"))]
    assert here.handle(records) == ["failed", "done"]
    assert here.mapped == ["anna", "ben"]


def test_one_deployment_that_fails_does_not_keep_another_waiting(here: Town) -> None:
    event = here.join("anna")
    assert here.handle([here.sent(event, deployment="gone"), here.sent(event)]) == ["failed", "done"]
    assert here.mapped == ["anna"]


def test_an_event_of_a_deployment_that_left_is_a_failure_that_says_so(here: Town) -> None:
    assert here.handle([here.sent(here.join("anna"), deployment="gone")]) == ["failed"]
    assert "no deployment named 'gone'" in here.notes.lines[-1]


# ---------------------------------------------------------------------- the key


def test_a_disabled_key_locks_and_an_enabled_one_unlocks_as_groups_are_now(here: Town) -> None:
    """While locked nothing is written. Who joined in the meantime has access when it opens."""
    here.handle([here.sent(here.join("anna"))])
    here.aws.disabled = True
    assert here.handle([here.sent(here.kms("DisableKey"))], "key") == ["done"]
    assert (here.state, here.mapped) == (State.LOCKED, [])
    writes = here.writes
    assert here.handle([here.sent(here.join("ben"))]) == ["done"]
    assert (here.writes, here.mapped) == (writes, []), "while locked nothing is written"
    here.aws.disabled = False
    here.pass_time(60)
    assert here.handle([here.sent(here.kms("EnableKey"))], "key") == ["done"]
    assert (here.state, here.mapped) == (State.OPEN, ["anna", "ben"])
    assert (len(here.told("locked")), len(here.told("unlocked"))) == (1, 1)


@pytest.mark.parametrize("kind", ["event", "reminder"])
def test_what_reacts_to_events_leaves_a_deletion_to_the_verb(here: Town, kind: str) -> None:
    """It has no right to the steps of one: a try of its own would fail, and put off the next of whoever may."""
    here.aws.disabled = True
    assert here.handle([here.sent(here.kms("DisableKey"))], "key") == ["done"]
    ledger = here.services.ledger
    asked = ledger.keep_custody(machine.ask_delete(ledger.custody("demo"), "demo", "ann", here.services.now()))
    here.pass_time(60)
    sent = here.sent(here.kms("EnableKey") if kind == "event" else written("demo"))
    if kind == "reminder":
        del sent["attributes"]["MessageGroupId"]
    assert here.handle([sent], "key") == ["done"]
    after = ledger.custody("demo")
    assert after.state is State.DELETING
    assert not after.measures.keys() & set(DELETE_ORDER)
    assert {one: of.progress for one, of in after.measures.items()} == {
        one: of.progress for one, of in asked.measures.items()
    }


def test_each_kind_of_key_event_in_a_batch_is_looked_at_separately(here: Town) -> None:
    """What the domain says of its key is a finding of its own: a look that was asked for by another event lacks it."""
    records = [here.sent(here.kms("EnableKey")), here.sent(here.kms("EnableKey")), here.sent(here.inaccessible())]
    assert here.handle(records, "key") == ["done", "covered", "done"]
    assert len(set(here.aws.hints)) == 2


# ---------------------------------------------------------------------- break-glass


def _break_glass(here: Town) -> str:
    return here.account.ledger.registration("demo").break_glass.principal


@pytest.mark.parametrize("gone", [False, True], ids=["open", "locked"])
def test_every_break_glass_use_is_told_and_recorded_open_or_locked(here: Town, gone: bool) -> None:
    """The alert names who, from where, in which session, and whether it was announced."""
    here.aws.disabled = gone
    if gone:
        here.handle([here.sent(here.kms("DisableKey"))], "key")
    state = "locked" if gone else "open"
    assert here.account.ledger.custody("demo").state.value == state
    taken = [here.taken(_break_glass(here), session) for session in ("order-1", "order-2")]
    assert here.handle([here.sent(one) for one in taken], "key") == ["done", "done"]
    first, second = [alert for alert in here.aws.told if alert.name == "break-glass-used"]
    assert first.severity == second.severity == "critical"
    assert first.runbook == "break-glass"
    assert f"arn:aws:iam::{ACCOUNT}:user/owner took the break-glass role of demo from 192.0.2.10 at " in first.happened
    assert "(session order-1); no use of it was announced, and the deployment is " + state in first.happened
    assert "(session order-2)" in second.happened
    used = [one for one in here.account.ledger.history("demo") if one.operation == "break-glass used"]
    assert [one.cause for one in used] == [one["detail"]["eventID"] for one in reversed(taken)]
    assert {one.actor for one in used} == {f"arn:aws:iam::{ACCOUNT}:user/owner"}


def test_the_same_taking_heard_twice_is_told_once(here: Town) -> None:
    event = here.taken(_break_glass(here), "order-1")
    assert here.handle([here.sent(event), here.sent(event)], "key") == ["done", "covered"]
    assert here.handle([here.sent(event)], "key") == ["covered"]
    assert [alert.name for alert in here.aws.told] == ["break-glass-used"]


def test_a_taking_that_could_not_be_told_is_told_with_the_next_try(here: Town) -> None:
    here.aws.mute = True
    sent = here.sent(here.taken(_break_glass(here), "order-1"))
    assert here.handle([sent], "key") == ["failed"]
    here.aws.mute = False
    assert here.handle([record_again(sent)], "key") == ["done"]
    assert [alert.name for alert in here.aws.told] == ["break-glass-used"]


def test_an_announced_use_says_for_whom_and_why(here: Town) -> None:
    here.aws.disabled = True
    here.handle([here.sent(here.kms("DisableKey"))], "key")
    custody, rules = here.account.ledger.custody("demo"), machine.Rules()
    here.account.ledger.keep_custody(machine.open_break_glass(custody, "ann", "order 4711", 5, here.aws.at, rules))
    here.handle([here.sent(here.taken(_break_glass(here), "x"))], "key")
    [told] = [alert for alert in here.aws.told if alert.name == "break-glass-used"]
    assert "its use was announced by ann until " in told.happened
    assert told.happened.endswith(": order 4711")


@pytest.mark.parametrize(
    ("minute", "announced"),
    [(-1, False), (0, True), (2, True), (3, False), (7, True), (12, False)],
    ids=["before", "at its opening", "within", "after its early end", "within another one", "after its minute"],
)
def test_a_break_glass_use_is_judged_by_the_windows_open_at_that_time(
    here: Town, minute: float, announced: bool
) -> None:
    """CloudTrail tells of it minutes later, when the window may be over or another one open."""
    # Given a window that was ended early in its third minute, and another for five minutes from the sixth on, of which nobody saw the end
    here.aws.disabled = True
    guard(here.services, "demo", Trigger("a test"))
    began = here.aws.at = here.aws.at.replace(microsecond=0)
    rules = machine.Rules()
    for opens, ends in ((0.0, 2.5), (6.0, 0.0)):
        here.aws.at = began + timedelta(minutes=opens)
        asked = here.aws.at
        guard(
            here.services,
            "demo",
            Trigger("a test"),
            change=lambda c, at=asked: machine.open_break_glass(c, "ann", "4711", 5, at, rules),
        )
        if ends:
            here.aws.at = began + timedelta(minutes=ends)
            guard(here.services, "demo", Trigger("a test"), change=machine.close_break_glass)
    # When the role was taken, and CloudTrail tells of it a quarter of an hour later
    here.aws.at = began + timedelta(minutes=minute)
    event = here.taken(_break_glass(here), "x")
    here.aws.at = began + timedelta(minutes=27)
    guard(here.services, "demo", Trigger("the sweep, late"))
    here.handle([here.sent(event)], "key")
    # Then it is held against the windows of then
    [told] = here.told("break-glass-used")
    assert ("its use was announced by ann until " in told.happened) is announced
    assert ("no use of it was announced" in told.happened) is not announced


def test_another_role_that_is_taken_is_nobody_s_business(here: Town) -> None:
    assert here.handle([here.sent(here.taken("arn:aws:iam::111122223333:role/other", "x"))], "key") == ["nothing"]
    assert here.aws.told == []


def test_whatever_is_done_is_logged_under_its_deployment_and_its_event(here: Town) -> None:
    """An event, one that stood aside, and a reminder, which has no event; one after another in the same process."""
    about: list[tuple[str, str]] = []
    engine, keys = here.services.engine, here.services.keys

    def noted(of: Any) -> Any:
        return lambda one: about.append((correlation.deployment(), correlation.correlation())) or of(one)

    here.services = replace(here.services, engine=noted(engine), keys=noted(keys))
    joined, disabled = here.join("anna"), here.kms("EnableKey")
    aside = here.sent(postponed(json.dumps(disabled), "demo", 2))
    reminder = here.sent(written("demo"))
    for one in (aside, reminder):
        del one["attributes"]["MessageGroupId"]
    for record, queue, event in (
        (here.sent(joined), "identity", joined["detail"]["eventID"]),
        (reminder, "key", ""),
        (aside, "key", disabled["detail"]["eventID"]),
    ):
        correlation.concerning("another")
        correlation.correlate("another event")
        about.clear()
        assert here.handle([record], queue) == ["done"]
        assert set(about) == {("demo", event)}
