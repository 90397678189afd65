"""What becomes of one message, and what is written of it: where it waits, when it is the last try, and what it is logged under."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from portcullis.custody.types import State
from portcullis.entry.reactions import for_queue
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.custody.reminders import postponed, written

from tests.reactions.test_poison import Failing
from tests.reactions.town import MODEL, TRIES, Town, Why, apply_text, model_text, town


@pytest.fixture
def here() -> Town:
    return town()


def aside(here: Town, body: str) -> dict[str, Any]:
    """As it lies among the reminders, which have no group."""
    sent = here.sent(body)
    del sent["attributes"]["MessageGroupId"]
    return sent


def test_a_message_about_the_key_that_fails_for_the_last_time_is_told_and_stands_aside_no_more(here: Town) -> None:
    failing = Failing(here, times=1)
    assert here.handle([here.sent(here.kms("EnableKey"), receives=TRIES)], "key") == ["failed"]
    assert failing.kept == []
    [(_, _, seconds)] = here.again
    assert seconds == 0, "the queue takes it out of the way at once"
    [told] = here.told("dead-letter")
    assert f"an event could not be handled in {TRIES} tries: a probe of an unknown kind" in told.happened


def test_a_message_about_people_waits_in_its_line_however_often_it_failed(here: Town) -> None:
    """Whoever left is behind it, and the next try is soon."""
    failing = Failing(here, times=0)
    here.account.engine.silent = 1  # type: ignore[attr-defined]
    assert here.handle([here.sent(here.join("anna"), receives=3)]) == ["failed"]
    assert (failing.kept, [seconds for *_, seconds in here.again]) == ([], [15])


@pytest.mark.parametrize(("tries", "pause"), [(2, 15), (3, 45), (4, 120)])
def test_what_stands_aside_waits_longer_after_each_try(here: Town, tries: int, pause: int) -> None:
    failing = Failing(here, times=1)
    record = aside(here, postponed(json.dumps(here.kms("EnableKey")), "demo", tries))
    assert here.handle([record], "key") == ["postponed"]
    [(body, seconds)] = failing.kept
    assert json.loads(body)["tries"] == tries + 1
    assert seconds == pause
    assert here.notes.keys["receives"] == tries + 1
    assert "TypeError: a probe of an unknown kind" in here.notes.lines[-1]
    assert f"in try {tries + 1}" in here.notes.lines[-1]


@pytest.mark.parametrize("body", ["disable the key", "[]"])
def test_what_stood_aside_and_cannot_be_read_is_buried_once(here: Town, body: str) -> None:
    assert here.handle([aside(here, postponed(body, "demo", 2))], "key") == ["buried"]
    [(queue, kept, group, _)] = here.aws.buried
    assert (queue, kept, group) == ("key", body, "demo")
    [told] = here.told("dead-letter")
    assert "later events went on" in told.done


def test_what_stood_aside_to_the_end_is_told_with_what_it_failed_by(here: Town) -> None:
    Failing(here, times=1)
    record = aside(here, postponed(json.dumps(here.kms("EnableKey")), "demo", TRIES - 1))
    assert here.handle([record], "key") == ["buried"]
    [told] = here.told("dead-letter")
    assert f"in {TRIES} tries: TypeError: a probe of an unknown kind" in told.happened
    assert told.done == "it was put with the dead letters, whole; later events had not waited for it"


@pytest.mark.parametrize("body", ["", "5", "{}", json.dumps({"reminder": None}), written("nobody")])
def test_a_reminder_of_nothing_that_is_ours_is_left_to_the_sweep(here: Town, body: str) -> None:
    """It does not come again, and is buried nowhere."""
    assert here.handle([aside(here, body)], "key") == ["left"]
    assert (here.again, here.aws.buried, here.aws.told) == ([], [], [])
    assert "left to the sweep" in here.notes.lines[-1]


def test_a_reminder_that_fails_is_left_to_the_sweep(here: Town) -> None:
    Failing(here, times=1)
    here.aws.disabled = True
    assert here.handle([aside(here, written("demo"))], "key") == ["left"]
    here.sweep()
    assert here.state is State.LOCKED


def test_what_was_done_is_logged_with_what_the_event_was_taken_for(here: Town) -> None:
    event = here.join("anna")
    here.handle([here.sent(event, receives=2)])
    known = here.notes.keys
    assert (known["deployment"], known["receives"], known["signal"]) == ("demo", 2, "member-added")
    assert known["because"]
    assert here.notes.lines == ["done"]
    here.handle([here.sent(event, receives=3)])
    assert (here.notes.lines[-1], here.notes.counted) == ("done", ["EventDone", "EventDone"])


def test_what_happened_long_before_it_was_heard_is_covered_by_a_reading_right_after(here: Town) -> None:
    """It had settled by then, though it came late."""
    event = here.join("anna")
    here.pass_time(60)
    late = here.sent(event)
    here.pass_time(2)
    here.handle([here.sent(here.cognito("AdminAddUserToGroup"))])
    assert here.mapped == ["anna"]
    here.pass_time(60)
    assert here.handle([late]) == ["covered"]


def test_the_first_event_of_all_is_covered_by_nothing(here: Town) -> None:
    ledger = here.account.ledger
    for key in [one for one in ledger._items if "watermark" in str(one)]:
        del ledger._items[key]
    assert ledger.watermark("demo") is None
    assert here.handle([here.sent(here.join("anna"))]) == ["done"]


def test_a_text_that_is_no_json_is_said_to_be_none(here: Town) -> None:
    assert here.handle([here.sent("disable the key")], "key") == ["buried"]
    [(*_, reason)] = here.aws.buried
    assert "the message is not JSON that can be read" in reason
    assert "see the dead letter" in reason


def test_a_time_to_come_is_named_where_the_event_is_buried(here: Town) -> None:
    event = here.kms("DisableKey")
    event["detail"]["eventTime"] = event["time"] = "2031-01-01T00:00:00Z"
    assert here.handle([here.sent(event)], "key") == ["buried"]
    [(*_, reason)] = here.aws.buried
    assert reason == "queue, eventTime: it happened at 2031-01-01T00:00:00Z, long after it was sent (a time that was)"


def test_a_time_without_a_zone_is_taken_for_that_of_the_world(here: Town) -> None:
    """As AWS writes all of its times."""
    event = here.join("anna")
    event["detail"]["eventTime"] = event["detail"]["eventTime"].removesuffix("Z")
    assert here.handle([here.sent(event)]) == ["done"]
    here.pass_time(60)
    here.handle([here.sent(here.cognito("AdminAddUserToGroup"))])
    assert here.handle([here.sent(event)]) == ["done"], "it was sent after that reading"


def test_an_event_of_people_looks_at_what_it_touches_and_no_further(here: Town) -> None:
    """What was changed by hand in another role is the sweep's."""
    two = MODEL.replace("  grants:", "    others: {cluster_permissions: [cluster_monitor]}\n  grants:")
    apply_text(here.services, "demo", model_text(two), Why("a test", "somebody"))
    changed = {"op": "remove", "path": "/others/cluster_permissions/0"}
    here.account.engine.by_hand(Kind.ROLES, [changed])
    here.pass_time(60)

    def others() -> Any:
        return (here.account.engine.held.get(Kind.ROLES, "others") or {})["cluster_permissions"]

    assert here.handle([here.sent(here.join("ben"))]) == ["done"]
    assert (here.mapped, others()) == (["ben"], [])
    here.sweep()
    assert others() == ["cluster_monitor"]
    assert len(here.told("drift")) == 1


def test_a_road_that_changed_asks_for_no_password(here: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at a secret is a request."""

    def asked(*_: Any) -> Any:
        raise AssertionError("no secret was rotated")

    monkeypatch.setattr("portcullis.operations.people.following_secrets.follow_secrets", asked)
    glass = here.account.ledger.registration("demo").break_glass.principal.rpartition("/")[2]
    asked_for = {"roleName": glass}
    event = here._event("iam", "UpdateAssumeRolePolicy", requestParameters=asked_for, awsRegion="us-east-1")
    assert here.handle([here.sent(event)]) == ["done"]


@pytest.mark.parametrize(("receives", "pause"), [(1, 1), (2, 4), (3, 15), (4, 15), (5, 15), (6, 0)])
def test_a_message_about_people_is_seen_again_after_seconds(here: Town, receives: int, pause: int) -> None:
    here.account.engine.silent = 1  # type: ignore[attr-defined]
    here.handle([here.sent(here.join("anna"), receives=receives)])
    assert [seconds for *_, seconds in here.again] == [pause]


def test_a_clock_that_is_half_a_day_ahead_makes_no_event_unreadable(here: Town) -> None:
    event = here.join("anna")
    event["detail"]["eventTime"] = event["time"] = "2025-06-01T23:59:59Z"
    assert here.handle([here.sent(event)]) == ["done"]


def test_a_batch_as_a_function_has_it_is_counted_by_deployment(here: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reminders, which have no group, are not."""
    monkeypatch.setattr("portcullis.entry.reactions._WROTE", {})
    monkeypatch.setattr("portcullis.entry.reactions.from_environment", lambda: here.services)
    records = [here.sent(here.join("anna")), here.sent(here.join("ben")), aside(here, written("demo"))]
    batch = for_queue("identity", {"Records": records}, logger=here.notes, metrics=here.notes)
    assert (batch.sizes, batch.queue, batch.services) == ({"demo": 2}, "identity", here.services)
    assert for_queue("identity", {"Records": []}, logger=here.notes, metrics=here.notes).wrote is batch.wrote
    assert batch.take_record(SimpleNamespace(raw_event=records[0])) == "done"
