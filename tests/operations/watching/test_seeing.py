"""Given eyes that are shut or open, then it is told when that changes, once, with the time since when; and stands in the ledger."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from portcullis.custody.types import Health, Observation, Probe
from portcullis.errors import PortcullisError, Refused, Unreachable
from portcullis.operations.services import Trigger
from portcullis.operations.sweep import sweep
from portcullis.operations.watching.seeing import (
    forget_eyes,
    keep_eyes,
    look_at_account,
    look_at_own,
    look_everywhere,
    shut_in_words,
)
from portcullis.ports.alerts import Alert
from portcullis.ports.registration import Registration
from portcullis.signals.types import Signal
from portcullis.watch.eyes import Eye, Facts

from tests.operations.worlds import Aws, account

RULE = {"kind": "rule", "name": "portcullis-relay", "region": "us-east-1", "wants": {"state": "ENABLED"}}
OWN = {"kind": "rule", "name": "portcullis-demo-key", "wants": {"state": "ENABLED"}}
ON, OFF = {"state": "ENABLED", "targets": []}, {"state": "DISABLED", "targets": []}
SWEEP = Trigger("sweep", "portcullis")
EVE = Trigger("event-1", "arn:aws:iam::111122223333:user/eve", "2025-06-01T11:00:00Z")


@dataclass
class Eyes:
    """The Eyes protocol: what is there, by name; or why it cannot be said."""

    there: dict[str, Facts | PortcullisError | None] = field(default_factory=dict)

    def look(self, eye: Eye) -> Facts | None:
        found = self.there.get(eye.name)
        if isinstance(found, PortcullisError):
            raise found
        return found


def scene() -> tuple[Any, Aws, Eyes]:
    made, eyes = account(), Eyes({"portcullis-relay": ON, "portcullis-demo-key": ON})
    services = replace(made.services, eyes=eyes)
    made.registered(eyes=json.dumps([OWN]))
    keep_eyes(services, json.dumps([RULE]))
    return services, made.aws, eyes


def names(aws: Aws) -> list[str]:
    return [alert.name for alert in aws.told]


def test_a_switched_off_rule_is_told_once_and_again_when_it_is_back() -> None:
    """The first alert says who did it. Status says since when, until it is on again."""
    services, aws, eyes = scene()
    eyes.there["portcullis-relay"] = OFF
    look_at_account(services, EVE)
    look_at_account(services, SWEEP)
    assert names(aws) == ["eyes-shut"]
    assert "the rule portcullis-relay in us-east-1 is DISABLED" in aws.told[0].happened
    assert "user/eve" in aws.told[0].happened
    (line,) = shut_in_words(services, "demo")
    assert line.startswith("since 2025-06-01 11:00:00 UTC: ")
    eyes.there["portcullis-relay"] = ON
    look_at_account(services, SWEEP)
    look_at_account(services, SWEEP)
    assert names(aws) == ["eyes-shut", "eyes-open"]
    assert shut_in_words(services, "demo") == ()


def test_eyes_that_are_shut_stand_in_status_though_nobody_can_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What tells may be what was shut. It is told with the first look that can tell, once, and not that it is over in between."""
    services, aws, eyes = scene()
    eyes.there["portcullis-relay"] = OFF

    def mute(self: Aws, alert: Alert) -> None:
        raise Unreachable("the alert was not sent: AuthorizationError")

    with monkeypatch.context() as patched:
        patched.setattr(Aws, "tell", mute)
        with pytest.raises(Unreachable):  # the event comes again
            look_at_account(services, EVE)
        found = look_at_account(services, SWEEP)
        assert list(found) == ["the rule portcullis-relay in us-east-1"]
        (line,) = shut_in_words(services, "demo")
        assert line.startswith("since 2025-06-01 11:00")
    look_at_account(services, SWEEP)
    look_at_account(services, SWEEP)
    assert names(aws) == ["eyes-shut"]
    assert "2025-06-01 11:00" in aws.told[0].happened
    with monkeypatch.context() as patched:
        patched.setattr(Aws, "tell", mute)
        eyes.there["portcullis-relay"] = ON
        look_at_account(services, SWEEP)
        assert shut_in_words(services, "demo") == ()
        eyes.there["portcullis-relay"] = OFF
        look_at_account(services, SWEEP)
    look_at_account(services, SWEEP)
    assert names(aws) == ["eyes-shut", "eyes-shut"], "shut again since: another time"


def test_another_thing_that_is_shut_is_told_and_the_first_keeps_its_time() -> None:
    services, aws, eyes = scene()
    keep_eyes(services, json.dumps([RULE, OWN]))
    eyes.there["portcullis-relay"] = OFF
    look_at_account(services, EVE)
    eyes.there["portcullis-demo-key"] = None
    look_at_account(services, SWEEP)
    assert names(aws) == ["eyes-shut", "eyes-shut"]
    first, second = shut_in_words(services, "demo")
    assert "is not there any more" in first
    assert "since 2025-06-01 11:00:00 UTC: " in second


def test_no_answer_changes_nothing_and_a_refused_look_is_told() -> None:
    """Throttling neither shuts nor opens. If looking is not allowed, the alert gives the reason."""
    services, aws, eyes = scene()
    eyes.there["portcullis-relay"] = Unreachable("throttled")
    look_at_account(services, SWEEP)
    assert names(aws) == []
    eyes.there["portcullis-relay"] = OFF
    look_at_account(services, SWEEP)
    eyes.there["portcullis-relay"] = Unreachable("throttled")
    look_at_account(services, SWEEP)
    assert names(aws) == ["eyes-shut"]
    assert shut_in_words(services, "demo"), "shut as far as we know"
    eyes.there["portcullis-relay"] = Refused("may not be looked at: AccessDenied")
    look_at_account(services, SWEEP)
    assert "AccessDenied" in aws.told[-1].happened


def test_a_question_that_may_not_be_asked_is_told_with_its_right_until_it_may() -> None:
    """The key is called healthy all the while: what the other questions say is true."""
    services, aws, _ = scene()
    site = services.site("demo")
    whole = site.keys.observe(site.registration)
    for refused in (("kms:ListGrants",), ("kms:ListGrants",), ("cloudwatch:GetMetricStatistics", "kms:ListGrants")):
        found = look_at_own(site, SWEEP, replace(whole, refused=refused))
        assert list(found) == ["the key"]
    assert names(aws) == ["eyes-shut"] * 2
    assert "kms:ListGrants" in aws.told[0].happened
    assert "cloudwatch:GetMetricStatistics, kms:ListGrants" in shut_in_words(services, "demo")[0]
    silent = replace(whole, probes=(Probe("grants", Health.UNREACHABLE, detail="ThrottlingException"), *whole.probes))
    assert list(look_at_own(site, SWEEP, silent)) == ["the key"], "no answer leaves it as it was"
    assert look_everywhere(services, SWEEP)["exit_status"] == 0, "asked anew, for whoever asks for nothing but this"
    assert names(aws)[-1] == "eyes-open"


def test_a_sweep_says_what_it_may_not_ask_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    services, aws, _ = scene()
    looks: list[str] = []

    def observe(self: Aws, registration: Registration, **asked: Any) -> Observation:
        looks.append(registration.deployment)
        return replace(whole(self, registration, **asked), refused=("kms:Encrypt",))

    whole = Aws.observe
    monkeypatch.setattr(Aws, "observe", observe)
    sweep(services)
    assert [alert.name for alert in aws.told if "kms:Encrypt" in alert.happened] == ["eyes-shut"]
    assert looks == ["demo"], "the key is asked once a sweep"


def test_the_rules_of_one_deployment_are_its_own_matter() -> None:
    services, aws, eyes = scene()
    eyes.there["portcullis-demo-key"] = OFF
    assert look_at_account(services, SWEEP) == {}
    look_at_own(services.at(services.ledger.registration("demo")), SWEEP)
    assert [(alert.name, alert.deployment) for alert in aws.told] == [("eyes-shut", "demo")]
    assert shut_in_words(services, "other") == ()


def test_an_event_about_a_deployment_s_own_rule_has_its_own_rules_looked_at() -> None:
    services, aws, eyes = scene()
    eyes.there["portcullis-demo-key"] = OFF
    look_at_account(services, EVE, Signal("rule-disabled", "", subject="rule:portcullis-other-key"))
    assert names(aws) == []
    look_at_account(services, EVE, Signal("rule-disabled", "", subject="rule:portcullis-demo-key"))
    assert [(alert.name, alert.deployment) for alert in aws.told] == [("eyes-shut", "demo")]


def test_a_person_who_asks_is_shown_everything_that_is_missing() -> None:
    """The exit status is 3 if anything is, and 0 if all is there."""
    services, _, eyes = scene()
    assert look_everywhere(services, SWEEP)["exit_status"] == 0
    eyes.there["portcullis-demo-key"] = None
    found = look_everywhere(services, SWEEP)
    assert found["exit_status"] == 3
    assert list(found["shut"]["demo"]) == ["the rule portcullis-demo-key"]


SWEEPS = {"kind": "function", "name": "portcullis-sweep", "wants": {"deployed": "first"}}
MADE_OF = {
    "sha256": "1",
    "layers": ["l:1"],
    "handler": "h",
    "environment": {"A": "1"},
    "aliases": {},
    "limits": ["python3.13", 60],
    "callers": {},
}


def functions_scene() -> tuple[Any, Aws, Eyes]:
    """Deployed, and seen as it was deployed."""
    services, aws, eyes = scene()
    eyes.there["portcullis-sweep"] = MADE_OF
    keep_eyes(services, json.dumps([SWEEPS]))
    assert look_at_account(services, SWEEP) == {}
    return services, aws, eyes


@pytest.mark.parametrize("part", MADE_OF)
def test_a_function_made_of_something_else_than_was_deployed_is_told(part: str) -> None:
    services, aws, eyes = functions_scene()
    eyes.there["portcullis-sweep"] = MADE_OF | {part: "another"}
    # What the stacks deploy again without a change changes nothing of what is known.
    keep_eyes(services, json.dumps([SWEEPS]))
    look_at_account(services, EVE)
    assert names(aws) == ["eyes-shut"]
    assert "the function portcullis-sweep" in aws.told[0].happened
    eyes.there["portcullis-sweep"] = MADE_OF
    look_at_account(services, SWEEP)
    assert names(aws) == ["eyes-shut", "eyes-open"]


def test_what_the_stacks_deployed_anew_is_what_it_must_be_from_then_on() -> None:
    services, aws, eyes = functions_scene()
    eyes.there["portcullis-sweep"] = MADE_OF | {"sha256": "2"}
    keep_eyes(services, json.dumps([SWEEPS | {"wants": {"deployed": "second"}}]))
    assert look_at_account(services, SWEEP) == {}
    eyes.there["portcullis-sweep"] = MADE_OF
    assert "other code" in str(look_at_account(services, SWEEP))
    assert names(aws) == ["eyes-shut"]


@pytest.mark.parametrize("first", [Unreachable("throttled"), Refused("may not"), None])
def test_a_function_unseen_at_deployment_is_compared_from_the_next_look(first: Any) -> None:
    """The first look that gets an answer is what later ones compare with. Other code is then told."""
    services, _, eyes = scene()
    eyes.there["portcullis-sweep"] = first
    keep_eyes(services, json.dumps([SWEEPS]))
    eyes.there["portcullis-sweep"] = MADE_OF
    assert look_at_account(services, SWEEP) == {}
    eyes.there["portcullis-sweep"] = MADE_OF | {"sha256": "2"}
    assert "other code" in str(look_at_account(services, SWEEP))


def test_who_deletes_what_says_what_has_to_be_there_is_told() -> None:
    services, aws, _ = scene()
    forget_eyes(services, SWEEP)
    forget_eyes(services, SWEEP)
    assert names(aws) == ["eyes-unwatched"]
    assert look_everywhere(services, SWEEP)["exit_status"] == 3


def test_an_emptied_queue_is_told_though_there_is_nothing_left_to_see() -> None:
    """The alert names who emptied it."""
    services, aws, _ = scene()
    purged = Signal("queue-purged", "", subject="queue:portcullis-key.fifo", actor="eve", at="2025-06-01T11:00:00Z")
    look_at_account(services, EVE, purged)
    assert names(aws) == ["events-thrown-away"]
    assert "eve emptied queue:portcullis-key.fifo" in aws.told[0].happened
