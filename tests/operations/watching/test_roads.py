"""Given a road to somebody who is mapped, then what differs is told once, until it is taken back or a person accepts it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from portcullis import model
from portcullis.custody.types import RevocationCause, State
from portcullis.entry.verbs import VERBS
from portcullis.errors import BadInput, PortcullisError, Refused, Unreachable
from portcullis.operations.access.deployments import kept_model
from portcullis.operations.services import Trigger
from portcullis.operations.sweep import sweep
from portcullis.operations.watching.roads import accept, look_at_roads, opened_in_words, told_by_events
from portcullis.operations.watching.seeing import look_at_own, shut_in_words
from portcullis.ports.alerts import Alert
from portcullis.signals.types import ACCOUNT, Signal
from portcullis.watch.roads import Facts, Road

from tests.operations.worlds import Account, Aws, account, arn, model_text, place

SWEEP = Trigger("sweep", "portcullis")
EVE = Trigger("event-1", arn("user", "eve"), "2025-06-01T11:00:00Z")
ANN = Trigger("portcullis accept", arn("user", "ann"))
TEXT = model_text("  roles: {}\n")
GLASS = "role/portcullis-demo-break-glass"
SAML = "arn:aws:iam::111122223333:saml-provider/corp"


def may(*principals: str, federated: str = "") -> dict[str, Any]:
    statements: list[Any] = [{"Effect": "Allow", "Principal": {"AWS": one}} for one in principals]
    statements += [{"Effect": "Allow", "Principal": {"Federated": federated}}] if federated else []
    return {"id": "AROAONE", "trust": {"Statement": statements}}


@dataclass
class Roads:
    """The Roads protocol: what is there, by label; or why it cannot be said."""

    there: dict[str, Facts | PortcullisError | None] = field(default_factory=dict)

    def look(self, road: Road) -> Facts | None:
        found = self.there.get(road.label)
        if isinstance(found, PortcullisError):
            raise found
        return found


@pytest.fixture
def made() -> tuple[Account, Any, Roads]:
    made, roads = account(), Roads({GLASS: may("on-call")})
    services = replace(made.services, roads=lambda *_: roads)
    made.registered(place=place(group="sg-1"))
    made.ledger.keep_model("demo", kept_model(TEXT, "demo.yaml"))
    look_at_roads(services, "demo", SWEEP)
    assert made.aws.told == []
    return made, services, roads


OPEN = {"Effect": "Allow", "Principal": "*", "Action": "es:*", "Resource": "*"}
SHUT = {"Effect": "Deny", "Principal": "*", "Action": "es:*", "Resource": "*"}
RITA = Trigger("event-2", arn("user", "rita"), "2025-06-01T12:00:00Z")


def domain(*statements: dict[str, Any], groups: tuple[str, ...] = ("sg-1",)) -> dict[str, Any]:
    policy = {"Statement": [*statements]}
    return {"domain": {"AccessPolicies": json.dumps(policy), "VPCOptions": {"SecurityGroupIds": [*groups]}}}


def told(services: Any) -> list[tuple[str, Any, str, str]]:
    """Of what, since when and by which event."""
    of = {"policy": lambda one: one["Effect"], "security_groups": str}
    return [
        (of[one["in"]](one["is"]), one["since"], one["event"], one["by"]) for one in told_by_events(services, "demo")
    ]


def test_each_part_of_a_changed_domain_is_the_doing_of_the_event_that_told_of_it(
    made: tuple[Account, Any, Roads],
) -> None:
    _, services, roads = made
    roads.there["domain"] = domain(OPEN)
    look_at_roads(services, "demo", SWEEP)
    baseline = told(services)
    roads.there["domain"] = domain(OPEN, SHUT)
    look_at_roads(services, "demo", EVE)
    first = ("Deny", EVE.at, "event-1", EVE.actor)
    assert (baseline, told(services)) == ([], [first])
    roads.there["domain"] = domain(OPEN, SHUT, groups=("sg-1", "sg-2"))
    look_at_roads(services, "demo", RITA)
    look_at_roads(services, "demo", SWEEP)
    assert told(services) == [first, ("sg-2", RITA.at, "event-2", RITA.actor)]
    roads.there["domain"] = domain(OPEN, groups=("sg-1", "sg-2"))
    look_at_roads(services, "demo", SWEEP)
    assert told(services) == [("sg-2", RITA.at, "event-2", RITA.actor)]


def test_what_differs_of_a_domain_stands_through_a_lock_that_shuts_it(made: tuple[Account, Any, Roads]) -> None:
    """A lock writes its own policy. What it puts back is not the lock's doing, nor that of the event of putting it back."""
    whole, services, roads = made
    roads.there["domain"] = domain(OPEN, SHUT)
    look_at_roads(services, "demo", EVE)
    before = told(services)
    open_ = whole.ledger.custody("demo")
    whole.ledger.keep_custody(replace(open_, state=State.LOCKED, cause=RevocationCause.DISABLED))
    roads.there["domain"] = domain(SHUT)
    locked = look_at_roads(services, "demo", SWEEP)
    assert (list(locked), told(services)) == (["domain"], before)
    assert "road closed" not in [one.operation for one in whole.ledger.history("demo")]
    whole.ledger.keep_custody(replace(whole.ledger.custody("demo"), state=State.OPEN, cause=None))
    roads.there["domain"] = domain(OPEN, SHUT)
    look_at_roads(services, "demo", RITA)
    assert told(services) == before


FAR, OTHER = (f"arn:aws:es:eu-west-1:999999999999:domain/{name}" for name in ("far", "other"))
CONNECTED = f"connections:\n  reads: {{far: {FAR}}}\n  read_by: [{OTHER}]\n"


@pytest.mark.parametrize(
    ("more", "reads", "read_by", "words"),
    [
        ("", [], [], []),
        ("", [], [OTHER], [f"read_by has {OTHER} now"]),
        ("", [f"far: {FAR}"], [], [f"reads has far: {FAR} now"]),
        (CONNECTED, [f"far: {FAR}"], [OTHER], []),
        (CONNECTED, [], [], []),  # not accepted yet, or ended: nobody can come
        (CONNECTED, [f"near: {FAR}"], [FAR], [f"read_by has {FAR} now", f"reads has near: {FAR} now"]),
    ],
)
def test_a_connection_that_no_file_names_is_told_at_the_first_look_and_at_later_ones(
    more: str, reads: list[str], read_by: list[str], words: list[str]
) -> None:
    for first in (True, False):
        whole, roads = account(), Roads()
        services = replace(whole.services, roads=lambda *_, roads=roads: roads)
        whole.registered(place=place())
        whole.ledger.keep_model("demo", kept_model(TEXT + more, "demo.yaml"))
        roads.there["connections"] = {"reads": [], "read_by": []}
        if not first:
            look_at_roads(services, "demo", SWEEP)
        roads.there["connections"] = {"reads": reads, "read_by": read_by}
        found = look_at_roads(services, "demo", EVE)
        assert [word for one in found.values() for word in one["words"]] == words
        assert [alert.name for alert in whole.aws.told] == (["another-road"] if words else [])


def test_an_access_policy_that_the_file_asks_for_anew_is_meant(made: tuple[Account, Any, Roads]) -> None:
    whole, services, roads = made
    one = services.site("demo").registration
    for text in (TEXT, TEXT + CONNECTED):
        version = whole.ledger.model("demo").version
        whole.ledger.keep_model("demo", replace(kept_model(text, "demo.yaml"), version=version))
        as_deployed = json.dumps(model.access_policy(model.loads(text, "demo.yaml"), one.place.id))
        roads.there["domain"] = {
            "domain": {"AccessPolicies": as_deployed, "VPCOptions": {"SecurityGroupIds": ["sg-1"]}}
        }
        assert look_at_roads(services, "demo", SWEEP) == {}
    roads.there["domain"] = domain(OPEN)
    assert "domain" in look_at_roads(services, "demo", EVE)


def test_a_domain_that_was_gone_and_accepted_is_told_when_it_is_back(made: tuple[Account, Any, Roads]) -> None:
    whole, services, roads = made
    roads.there["domain"] = domain(OPEN)
    look_at_roads(services, "demo", SWEEP)
    roads.there["domain"] = None
    look_at_roads(services, "demo", SWEEP)
    accept(services, "demo", ANN, watch="domain")
    roads.there["domain"] = domain(OPEN)
    assert "domain" in look_at_roads(services, "demo", EVE)
    assert whole.aws.told[-1].name == "another-road"


def test_what_an_unlock_of_ours_puts_back_is_not_our_doing(made: tuple[Account, Any, Roads]) -> None:
    _, services, roads = made
    roads.there["domain"] = domain(OPEN, SHUT)
    ours = "arn:aws:sts::111122223333:assumed-role/portcullis-key-guard/portcullis-key-guard"
    look_at_roads(services, "demo", Trigger("event-3", ours, "2025-06-01T11:00:00Z"))
    assert told(services) == []


def test_what_a_sweep_saw_first_is_nobodys_doing_not_of_a_later_event_either(made: tuple[Account, Any, Roads]) -> None:
    _, services, roads = made
    roads.there["domain"] = domain(OPEN)
    look_at_roads(services, "demo", SWEEP)
    roads.there["domain"] = domain(OPEN, SHUT)
    look_at_roads(services, "demo", SWEEP)
    look_at_roads(services, "demo", EVE)
    roads.there["domain"] = domain(OPEN, SHUT, groups=("sg-1", "sg-2"))
    look_at_roads(services, "demo", RITA)
    assert told(services) == [("sg-2", RITA.at, "event-2", RITA.actor)]


def test_another_road_stands_in_status_though_nobody_can_be_told(
    made: tuple[Account, Any, Roads], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, services, roads = made
    roads.there[GLASS] = may("on-call", "eve")

    def mute(self: Aws, alert: Alert) -> None:
        raise Unreachable("the alert was not sent: AuthorizationError")

    with monkeypatch.context() as patched:
        patched.setattr(Aws, "tell", mute)
        with pytest.raises(Unreachable):
            look_at_roads(services, "demo", EVE)
        look_at_roads(services, "demo", SWEEP)
        assert GLASS in opened_in_words(services, "demo")[0]
    look_at_roads(services, "demo", SWEEP)
    look_at_roads(services, "demo", SWEEP)
    (told,) = whole.aws.told
    assert "eve" in told.happened


def test_what_differs_is_told_once_and_is_over_when_it_is_taken_back(made: tuple[Account, Any, Roads]) -> None:
    whole, services, roads = made
    roads.there[GLASS] = may("on-call", "eve")
    look_at_roads(services, "demo", EVE)
    look_at_roads(services, "demo", SWEEP)
    (told,) = whole.aws.told
    assert (told.name, told.severity) == ("another-road", "critical")
    assert "eve" in told.happened
    assert GLASS in opened_in_words(services, "demo")[0]
    roads.there[GLASS] = may("on-call")
    look_at_roads(services, "demo", SWEEP)
    assert opened_in_words(services, "demo") == ()


def test_what_changes_again_is_told_again(made: tuple[Account, Any, Roads]) -> None:
    whole, services, roads = made
    roads.there[GLASS] = may("on-call", "eve")
    look_at_roads(services, "demo", SWEEP)
    roads.there[GLASS] = None
    look_at_roads(services, "demo", SWEEP)
    assert len(whole.aws.told) == 2
    assert "gone" in whole.aws.told[1].happened


def test_what_gives_no_answer_changes_nothing_of_what_is_known(made: tuple[Account, Any, Roads]) -> None:
    whole, services, roads = made
    roads.there[GLASS] = Unreachable("throttled")
    look_at_roads(services, "demo", SWEEP)
    roads.there[GLASS] = may("on-call")
    look_at_roads(services, "demo", SWEEP)
    assert whole.aws.told == []


NOT_ALLOWED = Refused("may not be looked at: AccessDenied, not authorized to perform: iam:GetRole")


def test_what_may_not_be_looked_at_is_told_once_and_stands_in_status_until_it_may(
    made: tuple[Account, Any, Roads],
) -> None:
    """Whoever takes that right away would else open a road unseen. No answer meanwhile leaves it as it was; what is known stays known."""
    whole, services, roads = made
    for found in (NOT_ALLOWED, NOT_ALLOWED, Unreachable("throttled")):
        roads.there[GLASS] = found
        look_at_roads(services, "demo", SWEEP)
        (words,) = shut_in_words(services, "demo")
        assert f"{GLASS} may not be looked at" in words
        assert VERBS["roads"].run(services, "demo", SWEEP)["exit_status"] == 3
    (told,) = whole.aws.told
    assert (told.name, told.severity) == ("eyes-shut", "critical")
    assert "iam:GetRole" in told.happened
    roads.there[GLASS] = may("on-call", "eve")
    look_at_roads(services, "demo", SWEEP)
    assert [alert.name for alert in whole.aws.told] == ["eyes-shut", "another-road", "eyes-open"]
    assert shut_in_words(services, "demo") == ()
    roads.there[GLASS] = may("on-call")
    assert VERBS["roads"].run(services, "demo", SWEEP)["exit_status"] == 0


def test_a_role_that_is_new_in_an_applied_file_is_no_road_unseen_until_the_deploy(
    made: tuple[Account, Any, Roads],
) -> None:
    """Nobody may look at it before: that is told with the grant, as known after deploy. One that was looked at once is another thing."""
    whole, services, roads = made
    text = TEXT.replace("  roles: {}\n", "  roles: {r: {}}\n  grants: [{role: r, to: {iam_role: new.in.the.file}}]\n")
    version = whole.ledger.model("demo").version
    whole.ledger.keep_model("demo", replace(kept_model(text, "demo.yaml"), version=version))
    for found, unseen in ((NOT_ALLOWED, 0), (may("on-call"), 0), (NOT_ALLOWED, 1)):
        roads.there["role/new.in.the.file"] = found
        look_at_roads(services, "demo", SWEEP)
        assert len(shut_in_words(services, "demo")) == unseen


def test_a_reaction_with_fewer_rights_says_nothing_of_what_the_sweep_may_see(
    made: tuple[Account, Any, Roads],
) -> None:
    whole, services, roads = made
    roads.there[GLASS] = NOT_ALLOWED
    look_at_roads(services, "demo", EVE)
    assert (whole.aws.told, shut_in_words(services, "demo")) == ([], ())


def test_what_a_lock_leaves_unlooked_at_stays_unseen(made: tuple[Account, Any, Roads]) -> None:
    _, services, roads = made
    roads.there["domain"] = Refused("may not be looked at: AccessDenied")
    look_at_roads(services, "demo", SWEEP)
    custody = services.ledger.custody("demo")
    services.ledger.keep_custody(replace(custody, state=State.LOCKED))
    look_at_roads(services, "demo", SWEEP)
    assert len(shut_in_words(services, "demo")) == 1


def test_all_is_seen_again_only_once_roads_and_eyes_are(made: tuple[Account, Any, Roads]) -> None:
    whole, services, roads = made
    roads.there[GLASS] = NOT_ALLOWED
    look_at_roads(services, "demo", SWEEP)
    key = services.site("demo").keys.observe(services.ledger.registration("demo"))
    look_at_own(services.site("demo"), SWEEP, replace(key, refused=("kms:ListGrants",)))
    roads.there[GLASS] = may("on-call")
    look_at_roads(services, "demo", SWEEP)
    assert [alert.name for alert in whole.aws.told] == ["eyes-shut"] * 3
    assert [GLASS in alert.happened for alert in whole.aws.told] == [True, True, False]
    assert "kms:ListGrants" in whole.aws.told[-1].happened
    look_at_own(services.site("demo"), SWEEP, key)
    assert whole.aws.told[-1].name == "eyes-open"


def test_an_accepted_change_of_trust_is_recorded_with_its_reason(made: tuple[Account, Any, Roads]) -> None:
    """A person accepts who may now assume the break-glass role. It is not told again, and later looks compare with it."""
    whole, services, roads = made
    roads.there[GLASS] = may("on-call", "berta")
    look_at_roads(services, "demo", SWEEP)
    accept(services, "demo", ANN, watch=GLASS, reason="ticket 4711")
    assert look_at_roads(services, "demo", SWEEP) == {}
    change = next(one for one in whole.ledger.history("demo") if one.operation == "accept")
    assert "ticket 4711" in change.summary
    assert change.actor == ANN.actor
    roads.there[GLASS] = may("on-call")
    assert GLASS in look_at_roads(services, "demo", SWEEP), "what was accepted is what is compared with from then on"


def test_what_changed_again_since_it_was_told_is_not_accepted_unseen(made: tuple[Account, Any, Roads]) -> None:
    _, services, roads = made
    roads.there[GLASS] = may("on-call", "berta")
    look_at_roads(services, "demo", SWEEP)
    roads.there[GLASS] = may("on-call", "berta", "eve")
    with pytest.raises(Refused, match="changed again"):
        accept(services, "demo", ANN, watch=GLASS)
    assert look_at_roads(services, "demo", SWEEP)
    with pytest.raises(BadInput, match="does not differ"):
        accept(services, "demo", ANN, watch="domain")


def test_a_provider_whose_word_a_role_is_taken_by_is_compared_too(made: tuple[Account, Any, Roads]) -> None:
    whole, services, roads = made
    roads.there |= {GLASS: may("on-call", federated=SAML), "provider/corp": {"document": "metadata"}}
    look_at_roads(services, "demo", SWEEP)
    accept(services, "demo", ANN, watch=GLASS)
    roads.there["provider/corp"] = {"document": "metadata of somebody else"}
    look_at_roads(services, "demo", SWEEP)
    assert "provider/corp" in whole.aws.told[-1].happened


def test_the_first_look_compares_the_domain_with_its_deployment() -> None:
    """A further security group is told at once, though there was no look before."""
    whole, roads = account(), Roads()
    services = replace(whole.services, roads=lambda *_: roads)
    whole.registered(place=place(group="sg-1"))
    whole.ledger.keep_model("demo", kept_model(TEXT, "demo.yaml"))
    roads.there["domain"] = {"domain": {"VPCOptions": {"SecurityGroupIds": ["sg-1", "sg-of-eve"]}}}
    look_at_roads(services, "demo", SWEEP)
    assert "sg-of-eve" in whole.aws.told[0].happened


def test_what_was_deployed_is_as_it_was_deployed_at_the_first_look_and_later() -> None:
    whole, roads = account(), Roads()
    services = replace(whole.services, roads=lambda *_: roads)
    one = whole.registered(place=place(group="sg-1"))
    whole.ledger.keep_model("demo", kept_model(TEXT, "demo.yaml"))
    as_deployed = json.dumps(model.access_policy(model.loads(TEXT, "demo.yaml"), one.place.id))
    roads.there["domain"] = {"domain": {"AccessPolicies": as_deployed, "VPCOptions": {"SecurityGroupIds": ["sg-1"]}}}
    assert look_at_roads(services, "demo", SWEEP) == {}
    assert look_at_roads(services, "demo", SWEEP) == {}
    assert whole.aws.told == []


def test_the_sweep_looks_and_a_road_that_cannot_be_looked_at_keeps_nobody_in(made: tuple[Account, Any, Roads]) -> None:
    whole, services, roads = made
    roads.there[GLASS] = may("eve")
    sweep(services)
    assert "another-road" in [alert.name for alert in whole.aws.told]


def test_the_roles_of_the_automation_are_the_account_s(made: tuple[Account, Any, Roads]) -> None:
    whole, services, roads = made
    roads.there["role/portcullis-automation"] = may("functions")
    look_at_roads(services, ACCOUNT, SWEEP)
    roads.there["role/portcullis-automation"] = may("functions", "eve")
    look_at_roads(services, ACCOUNT, EVE)
    assert [(alert.name, alert.deployment) for alert in whole.aws.told] == [("another-road", ACCOUNT)]
    assert opened_in_words(services, "demo"), "status of each deployment shows it"


@pytest.mark.parametrize(
    ("name", "operation", "actor", "words"),
    [
        ("password-set", "AdminSetUserPassword", "eve", "eve set or reset the password of subject"),
        ("secret-read", "GetSecretValue", "eve", "eve read the password of the master of demo"),
        ("secret-read", "GetSecretValue", "arn:aws:sts::111122223333:assumed-role/portcullis-domain-setup/x", ""),
        (
            "assignment-changed",
            "CreateAccountAssignment",
            "eve",
            "eve gave somebody a permission set in Identity Center (subject)",
        ),
        ("assignment-changed", "DeleteAccountAssignment", "eve", ""),
    ],
)
def test_what_leaves_nothing_to_read_is_told_by_its_event(
    made: tuple[Account, Any, Roads], name: str, operation: str, actor: str, words: str
) -> None:
    whole, services, _ = made
    detail = {"operation": operation}
    signal = Signal(name, "", subject="subject", actor=actor, at="2025-06-01T11:00:00Z", event_id="1", detail=detail)
    look_at_roads(services, "demo", EVE, signal)
    happened = [alert.happened for alert in whole.aws.told if alert.name == "road-used"]
    assert [words in one for one in happened] == ([True] if words else [])
