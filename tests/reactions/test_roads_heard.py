"""An event after which somebody else may become whoever is mapped has the roads compared at once, not by the next sweep; and so do the
eyes after an event that may shut one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from portcullis import correlation
from portcullis.entry.reactions import ROADS_TOO
from portcullis.errors import Refused
from portcullis.operations.watching.seeing import keep_eyes
from portcullis.signals.table import ROWS
from portcullis.signals.types import ACCOUNT
from portcullis.watch.roads import Road

from tests.operations.watching.test_roads import Roads, may
from tests.operations.watching.test_seeing import OFF, ON, RULE, Eyes
from tests.operations.watching.test_seeing import OWN as OWN_RULE
from tests.reactions.town import MODEL, Town, Why, town
from tests.reactions.town import apply_text as apply
from tests.reactions.town import model_text as text_of

GLASS, CI, OWN = "role/portcullis-demo-break-glass", "role/ci", "role/portcullis-automation"
GRANTED = "    - {role: viewers, to: {iam_role: ci}}\n"


class Seen(Roads):
    """And which were looked at, and under which event that is logged."""

    def look(self, road: Road) -> Any:
        self.looked_at.append((road.label, correlation.deployment(), correlation.correlation()))
        return super().look(road)

    looked_at: list[tuple[str, str, str]]


@pytest.fixture
def here() -> Town:
    made = town()
    apply(made.services, "demo", text_of(MODEL + GRANTED), Why("a test", "somebody"))
    roads = Seen({GLASS: may("on-call"), CI: may("builds"), OWN: may("functions")})
    roads.looked_at = []
    made.services = replace(made.services, roads=lambda *_: roads)
    made.sweep()
    assert made.told("another-road") == []
    roads.looked_at.clear()
    return made


def roads_of(here: Town) -> Seen:
    found: Any = here.services.roads(None, None)
    assert isinstance(found, Seen)
    return found


def iam(here: Town, operation: str, role: str) -> dict[str, Any]:
    return here._event("iam", operation, requestParameters={"roleName": role}, awsRegion="us-east-1")


@pytest.mark.parametrize(
    ("operation", "label", "deployment"),
    [
        ("UpdateAssumeRolePolicy", GLASS, "demo"),
        ("UpdateAssumeRolePolicy", CI, "demo"),
        ("CreateRole", CI, "demo"),
        ("DeleteRole", GLASS, "demo"),
        ("UpdateAssumeRolePolicy", OWN, ACCOUNT),
    ],
)
def test_a_role_that_somebody_else_may_take_is_told_with_its_event(
    here: Town, operation: str, label: str, deployment: str
) -> None:
    roads_of(here).there[label] = may("eve")
    event = iam(here, operation, label.removeprefix("role/"))
    assert here.handle([here.sent(event, deployment=deployment)]) == ["done"]
    [told] = here.told("another-road")
    assert (told.deployment, "eve" in told.happened) == (deployment, True)
    assert "user/owner" in told.happened, "as far as the event says who it was"
    assert {one[1:] for one in roads_of(here).looked_at} == {(deployment, event["detail"]["eventID"])}


def test_a_domain_changed_by_hand_is_compared_at_once(here: Town) -> None:
    there = {"domain": {"AccessPolicies": "{}", "VPCOptions": {"SecurityGroupIds": ["sg-of-eve"]}}}
    roads_of(here).there["domain"] = there
    event = here._event("es", "UpdateDomainConfig", requestParameters={"domainName": "demo"})
    assert here.handle([here.sent(event)], queue="key") == ["done"]
    assert [told.name for told in here.told("another-road")] == ["another-road"]


def test_whatever_else_changes_has_no_road_looked_at(here: Town) -> None:
    """A member who joins, a key that is disabled: they change no road, and each look is a dozen requests."""
    assert here.handle([here.sent(here.join("anna"))]) == ["done"]
    here.aws.disabled = True
    assert here.handle([here.sent(here.kms("DisableKey"))], queue="key") == ["done"]
    assert roads_of(here).looked_at == []


@pytest.mark.parametrize("error", [Refused("not allowed"), TypeError("as it happens")])
def test_a_road_that_cannot_be_looked_at_leaves_what_was_asked_for_done(here: Town, error: Exception) -> None:
    """Who is let in is brought to what the groups say, and the sweep compares the roads."""
    here.join("anna")

    class Silent:
        def look(self, _: Road) -> None:
            raise error

    heard = replace(here, services=replace(here.services, roads=lambda *_: Silent()))
    assert heard.handle([here.sent(iam(here, "CreateRole", "ci"))]) == ["done"]
    assert here.mapped == ["anna"]


def test_every_signal_that_changes_a_road_besides_is_one_of_the_table() -> None:
    assert {row.signal for row in ROWS} >= ROADS_TOO


@pytest.mark.parametrize(
    ("rule", "told_of"), [("portcullis-relay", ACCOUNT), ("portcullis-demo-key", "demo"), ("portcullis-other-key", "")]
)
def test_whoever_shuts_an_eye_is_told_of_by_the_event_of_it(here: Town, rule: str, told_of: str) -> None:
    """One of the account, or of one deployment alone; a rule that is nobody's here shuts nothing."""
    eyes = Eyes({"portcullis-relay": ON, "portcullis-demo-key": ON})
    here.services = replace(here.services, eyes=eyes)
    here.account.registered(eyes=json.dumps([OWN_RULE]))
    keep_eyes(here.services, json.dumps([RULE]))
    eyes.there[rule] = OFF
    event = here._event("events", "DisableRule", requestParameters={"name": rule}, awsRegion="us-east-1")
    assert here.handle([here.sent(event, deployment=ACCOUNT)]) == ["done"]
    assert [told.deployment for told in here.told("eyes-shut")] == [told_of] * bool(told_of)
    assert all("user/owner" in told.happened for told in here.told("eyes-shut"))
