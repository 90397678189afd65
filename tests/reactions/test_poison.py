"""Given a message that keeps failing, or can never be read, then no other waits for it, and it is not lost in silence."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from portcullis.custody.types import State
from portcullis.entry.reactions import queued
from portcullis.errors import Unreachable
from portcullis.operations.sweep import sweep

from tests.reactions.town import TRIES, Town, record_again, town


@pytest.fixture
def here() -> Town:
    return town()


def at(event: dict[str, Any], time: str) -> dict[str, Any]:
    return event | {"time": time, "detail": event["detail"] | {"eventTime": time}}


def put(event: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    made = json.loads(json.dumps(event))
    *way, last = path.split(".")
    inner = made
    for key in way:
        inner = inner[key]
    inner[last] = value
    return made  # type: ignore[no-any-return]


POISON: dict[str, Any] = {
    "the year 9999": lambda event: at(event, "9999-12-31T23:59:59Z"),
    "the year 9999, elsewhere": lambda event: at(event, "9999-12-31T23:59:59-14:00"),
    "deep": lambda _: "[" * 100_000 + "]" * 100_000,
    "deep in an event": lambda event: (
        json.dumps(event)[:-1] + ', "more": ' + '{"a":' * 50_000 + "1" + "}" * 50_000 + "}"
    ),
    "not JSON": lambda _: "disable the key",
    "nothing": lambda _: "",
    "a number": lambda _: "5",
    "a huge number": lambda _: "9" * 5000,
    "infinity": lambda _: "Infinity",
    "a list": lambda event: [event],
    "a name that is a number": lambda event: put(event, "detail.eventName", 5),
    "a source that is a list": lambda event: put(event, "detail.eventSource", ["kms.amazonaws.com"]),
}


@pytest.mark.parametrize("queue", ["identity", "key"])
@pytest.mark.parametrize("spoil", POISON.values(), ids=POISON)
def test_what_can_never_be_read_is_buried_at_once_and_the_next_is_done(here: Town, spoil: Any, queue: str) -> None:
    here.aws.disabled = True
    spoilt = here.sent(spoil(here.kms("DisableKey")))
    assert here.handle([spoilt, here.sent(here.kms("DisableKey"))], queue) == ["buried", "done"]
    assert here.again == []
    assert [(one[0], one[1]) for one in here.aws.buried] == [(queue, spoilt["body"])]
    assert len(here.told("dead-letter")) == 1
    assert here.state is State.LOCKED


@pytest.mark.parametrize("queue", ["identity", "key"])
def test_what_cannot_be_told_is_buried_once_and_holds_up_nothing(here: Town, queue: str) -> None:
    """The topic does not answer: raised, the message would come again and be buried again."""
    here.aws.mute = True
    spoilt = here.sent("disable the key")
    assert here.handle([spoilt, here.sent(here.kms("EnableKey"))], queue) == ["buried", "done"]
    assert (len(here.aws.buried), here.again) == (1, [])
    here.aws.mute = False
    sweep(here.services)
    assert len(here.told("dead-letters-waiting")) == 1


STRANGE = {
    "a time that is none": ("detail.eventTime", "yesterday"),
    "the year 1": ("detail.eventTime", "0001-01-01T00:00:00+14:00"),
    "a time that is a list": ("detail.eventTime", [1]),
    "no actor": ("detail.userIdentity", None),
    "an actor that is a list": ("detail.userIdentity", [{}]),
    "half a megabyte of actor": ("detail.userIdentity", {"arn": "x" * 500_000}),
    "an actor of lines": ("detail.userIdentity", {"arn": "a\n2026-11-28 locked: by nobody\u2028\u202e\x1b[2J"}),
    "half a character": ("detail.userIdentity", {"arn": "\ud800"}),
    "an id of half a character": ("detail.eventID", "\ud800\r\nx: y"),
    "a long id": ("detail.eventID", "x" * 500_000),
}


@pytest.mark.parametrize(("path", "value"), STRANGE.values(), ids=STRANGE)
def test_whatever_else_an_event_of_a_key_holds_the_lock_is_whole(here: Town, path: str, value: Any) -> None:
    """And what is kept of it is short, on one line, and can be written down."""
    here.aws.disabled = True
    assert here.handle([here.sent(put(here.kms("DisableKey"), path, value))], "key") == ["done"]
    assert here.state is State.LOCKED
    for change in here.account.ledger.history("demo"):
        for words in (change.actor, change.cause, change.summary):
            assert words.isprintable()
            assert len(words) < 5000
    for alert in here.told("locked"):
        assert "\n" not in alert.happened
        assert len(alert.happened) < 5000


# ---------------------------------------------------------------------- what keeps failing


class Failing:
    """Keys that cannot be looked at for the next so many times, and the reminders as they lie there."""

    def __init__(self, here: Town, times: int) -> None:
        self.here, self.times, self.kept, self.closed = here, times, [], False
        keys = here.services.keys

        def looked(one: Any) -> Any:
            if self.times:
                self.times -= 1
                raise TypeError("a probe of an unknown kind")
            return keys(one)

        here.services = replace(here.services, keys=looked, later=self.later)

    kept: list[tuple[str, int]]

    def later(self, body: str, seconds: int) -> None:
        if self.closed:
            raise Unreachable("the queue did not answer")
        self.kept.append((body, seconds))

    def come_again(self) -> list[str]:
        """All reminders, as the queue hands them out."""
        bodies, self.kept = [body for body, _ in self.kept], []
        sent = str(int(self.here.aws.at.timestamp() * 1000))
        records = [
            {"body": body, "attributes": {"SentTimestamp": sent, "ApproximateReceiveCount": "1"}} for body in bodies
        ]
        return self.here.handle(records, "key")


def test_a_message_that_failed_twice_waits_and_the_next_is_handled(here: Town) -> None:
    """The next one says that the key is disabled, and it locks. The first one comes again later."""
    failing = Failing(here, times=2)
    first = here.sent(here.kms("EnableKey"))
    assert here.handle([first], "key") == ["failed"]
    assert here.again[-1][2] <= 2, "behind it the queue stands still for as long"
    here.aws.disabled = True
    assert here.handle([record_again(first), here.sent(here.kms("DisableKey"))], "key") == ["postponed", "done"]
    assert here.state is State.LOCKED
    assert [seconds > 0 for _, seconds in failing.kept] == [True]
    assert failing.come_again() == ["done"]
    assert failing.kept == []
    assert here.aws.buried == []


def test_what_never_works_ends_with_the_dead_letters_whole_and_is_told(here: Town) -> None:
    failing = Failing(here, times=1000)
    first = here.sent(here.kms("EnableKey"))
    assert here.handle([record_again(first)], "key") == ["postponed"]
    done = []
    while failing.kept:
        done += failing.come_again()
    assert done == ["postponed"] * (TRIES - 3) + ["buried"]
    [(queue, body, group, reason)] = here.aws.buried
    assert (queue, body, group) == ("key", first["body"], "demo")
    assert "a probe of an unknown kind" in reason
    assert len(here.told("dead-letter")) == 1


def test_what_never_works_is_buried_once_though_nobody_can_be_told(here: Town) -> None:
    failing = Failing(here, times=0)
    role = here.account.ledger.registration("demo").break_glass.principal
    here.aws.mute = True
    taken = here.sent(here.taken(role, "kim"), deployment="demo.taken")
    assert here.handle([record_again(taken)], "key") == ["postponed"]
    done = []
    while failing.kept:
        done += failing.come_again()
    assert done == ["postponed"] * (TRIES - 3) + ["buried"]
    assert [one[1] for one in here.aws.buried] == [taken["body"]]


def test_where_it_cannot_stand_aside_it_waits_in_line_as_it_did(here: Town) -> None:
    failing = Failing(here, times=1)
    failing.closed = True
    assert here.handle([record_again(here.sent(here.kms("EnableKey")))], "key") == ["failed"]
    assert len(here.again) == 1


def test_a_break_glass_use_that_cannot_be_told_now_is_told_later(here: Town) -> None:
    """The topic does not answer. The message stands aside and is told once."""
    failing = Failing(here, times=0)
    role = here.account.ledger.registration("demo").break_glass.principal
    taken = here.sent(here.taken(role, "kim"), deployment="demo.taken")
    here.aws.mute = True
    assert here.handle([record_again(taken)], "key") == ["postponed"]
    here.aws.mute = False
    assert failing.come_again() == ["done"]
    assert len(here.told("break-glass-used")) == 1


def test_a_message_group_names_its_deployment_for_every_kind_of_event(here: Town) -> None:
    """Uses of break-glass have a group of their own in the same queue."""
    for group in ("demo", "demo.taken"):
        assert queued(here.sent({}, deployment=group)).deployment == "demo"
