"""Before a deployment comes under our care its key is checked; an alias is looked behind where the domain did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs
from portcullis.custody.keys.key_types import KeyAnswers
from portcullis.entry import custom_resource
from portcullis.errors import BadInput, Refused, Unreachable
from portcullis.operations.custody.shredding import shred
from portcullis.operations.data.restorability import last_check, restorability
from portcullis.operations.keys.check import key_check, key_policy, key_status, with_domain_key
from portcullis.operations.keys.rekeying import rekey, rekey_state
from portcullis.operations.services import Services, Trigger
from portcullis.ports.engine import Engine
from portcullis.ports.registration import Cluster, Key, Registration

from tests.operations.estates import Estate, estate, key_arn

TEXT = "deployment: demo\nengine: OpenSearch_3.3\ndomain: {configuration: api}\n"
CAUSE = Trigger("a test", "somebody")


def asked(made: Estate, request: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What CloudFormation asks of domain_setup."""
    import msgspec

    monkeypatch.setattr(custom_resource, "_model_text", lambda properties: TEXT)
    properties: dict[str, Any] = {"Registration": msgspec.to_builtins(made.services.ledger.registration("demo"))}
    return custom_resource._carry_out(made.services, request, properties)


BAD = {"disabled": {"KeyState": "Disabled"}, "asymmetric": {"KeySpec": "RSA_2048"}, "amazon's": {"KeyManager": "AWS"}}


@pytest.mark.parametrize("case", BAD)
def test_nothing_is_built_on_an_unfit_key_and_the_error_has_the_remedy(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is disabled, asymmetric or managed by Amazon. The engine is not touched."""
    made = estate("demo")
    made.keys["demo"].more = BAD[case]
    engine = made.services.engine(made.services.ledger.registration("demo"))
    before = engine.read()
    with pytest.raises(Refused, match=r"the key of demo is not fit: .*\(.*\)"):
        asked(made, "Create", monkeypatch)
    assert engine.read() == before


@pytest.mark.parametrize("silent_for", [30, 600])
def test_a_domain_that_is_silent_at_first_is_waited_for_a_few_minutes(
    silent_for: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After half a minute it goes on. After four minutes the deployment fails."""
    made = estate("demo")
    began, engine = made.services.now(), made.services.engine(made.services.ledger.registration("demo"))

    def silent(_: Registration) -> Engine:
        if made.services.now() < began + timedelta(seconds=silent_for):
            raise Unreachable("localhost did not answer")
        return engine

    made.services = replace(made.services, engine=silent, master=silent)
    if silent_for > 200:
        with pytest.raises(Unreachable):
            asked(made, "Create", monkeypatch)
        assert made.services.now() < began + timedelta(minutes=4)
    else:
        assert int(asked(made, "Create", monkeypatch)["Steps"]) > 0


def test_given_a_key_that_is_fit_then_the_deployment_is_introduced(monkeypatch: pytest.MonkeyPatch) -> None:
    made = estate("demo")
    assert int(asked(made, "Create", monkeypatch)["Steps"]) > 0


def test_behind_an_alias_the_key_the_domain_was_made_with_is_watched() -> None:
    """A key that is named by its own ARN stays as it is."""
    made = estate("demo")
    one = structs.replace(
        made.services.ledger.registration("demo"), key=Key(key_arn("x").replace("key/x", "alias/theirs"))
    )
    made.stores["demo"].key = key_arn("behind")
    assert with_domain_key(made.services.at(one)).registration.key.arn == key_arn("behind")
    own = made.services.ledger.registration("demo")
    assert with_domain_key(made.services.at(own)).registration == own


def test_of_a_cluster_the_alias_says_which_key_and_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = estate("demo")
    alias, desk, asked = key_arn("x").replace("key/x", "alias/theirs"), made.keys["demo"], list[str]()
    behind = desk.describe(alias)

    def describe(answers: KeyAnswers) -> Callable[[str], KeyAnswers]:
        return lambda named: asked.append(named) or answers  # type: ignore[func-returns-value]

    one = structs.replace(
        made.services.ledger.registration("demo"), place=Cluster("es.example.com:9200"), key=Key(alias)
    )
    monkeypatch.setattr(desk, "describe", describe(behind))
    assert with_domain_key(made.services.at(one)).registration.key.arn == key_arn(desk.name)
    assert asked == [alias]
    monkeypatch.setattr(desk, "describe", describe(KeyAnswers("KMS did not answer")))
    assert with_domain_key(made.services.at(one)).registration.key.arn == alias


def on_a_cluster() -> Estate:
    made = estate("demo")
    one = made.services.ledger.registration("demo")
    key = structs.replace(one.key, alias="alias/theirs")
    made.services.ledger.register(structs.replace(one, place=Cluster("es.example.com:9200"), key=key, snapshots=None))
    return made


def test_of_a_clusters_key_it_is_said_that_its_alias_takes_our_sight_of_it_along() -> None:
    findings = {one.code: one.says for one in key_check(on_a_cluster().services, "demo").findings}
    assert "alias/theirs" in findings["key-alias"]
    assert findings["key-region"].endswith("as the cluster")
    pasted = key_policy(on_a_cluster().services, "demo", CAUSE)
    assert pasted.policy == pasted.to_add


SEEN_TO_BY_WHOEVER_RUNS_IT: dict[str, Callable[[Services], object]] = {
    "restorability": lambda services: restorability(services, "demo", CAUSE),
    "how the last check ended": lambda services: last_check(services, "demo"),
    "re-key": lambda services: rekey(services, "demo", CAUSE, to="demo-2"),
    "calling a re-key off": lambda services: rekey(services, "demo", CAUSE, cancel=True),
    "how far a re-key is": lambda services: rekey_state(services, "demo"),
    "what a shred destroys": lambda services: shred(services, "demo", CAUSE),
    "shred": lambda services: shred(services, "demo", CAUSE, confirm="demo", yes=True),
}


@pytest.mark.parametrize("asked_for", SEEN_TO_BY_WHOEVER_RUNS_IT)
def test_what_whoever_runs_a_cluster_sees_to_is_refused_with_who_does_it(asked_for: str) -> None:
    with pytest.raises(Refused, match=r"a cluster that is not ours: whoever runs (it|the cluster)"):
        SEEN_TO_BY_WHOEVER_RUNS_IT[asked_for](on_a_cluster().services)


def test_key_check_and_status_say_the_same_of_what_is_wrong() -> None:
    made = estate("demo", options={"on_demand_rotation_days": 31})
    assert key_check(made.services, "demo").exit_status == 0
    status = key_status(made.services, "demo")
    assert status["wrong"] == []
    assert status["next_on_demand"]
    made.keys["demo"].state = "PendingDeletion"
    assert key_check(made.services, "demo").exit_status == 1
    assert "CancelKeyDeletion" in " ".join(key_status(made.services, "demo")["wrong"])


def test_an_organisation_path_that_is_none_is_bad_input() -> None:
    with pytest.raises(BadInput, match="no organisation path"):
        key_policy(estate("demo").services, "demo", CAUSE, org_paths=["ou-1"])
