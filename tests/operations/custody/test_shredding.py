"""Shred: what destroying a key destroys is said before it is scheduled, and it is scheduled only for what is locked."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from msgspec import structs
from portcullis.custody.keys.key_types import KeyAnswers
from portcullis.custody.types import Custody, State
from portcullis.errors import BadInput, Refused, Unreachable
from portcullis.model.option_types import Options
from portcullis.operations.custody.shredding import shred
from portcullis.operations.services import Trigger
from portcullis.operations.telling import tell_kept
from portcullis.ports.alerts import Alert
from portcullis.ports.ledger import Change
from portcullis.ports.registration import Key

from tests.operations.estates import Estate, estate, key_arn
from tests.operations.estates import Key as KeyOfEstate
from tests.operations.ledgers import Crash
from tests.operations.worlds import Aws

CAUSE = Trigger("portcullis shred", "somebody")


def locked(made: Estate, *names: str) -> Estate:
    for name in names:
        made.services.ledger.keep_custody(Custody(name, State.LOCKED))
    return made


def test_a_shred_plan_lists_what_goes_and_stays_and_does_nothing() -> None:
    """Also what others hold a grant for. It names the command that would do it."""
    made = locked(estate("demo"), "demo")
    made.keys["demo"].grants = [
        {
            "GranteePrincipal": "es.amazonaws.com",
            "Operations": ["Decrypt"],
            "Constraints": {
                "EncryptionContextSubset": {"aws:es:arn": made.services.ledger.registration("demo").place.id}
            },
        },
        {"GranteePrincipal": "rds.amazonaws.com", "Operations": ["Decrypt"], "Name": "ledger-db"},
    ]
    plan = shred(made.services, "demo", CAUSE)
    told = " ".join(plan.destroys)
    assert "domain demo" in told
    assert "automated snapshots" in told
    assert "bucket-demo" in told
    assert "rds.amazonaws.com" in told
    assert "es.amazonaws.com" not in told, "the domain's own grant is the domain, said once"
    assert "whatever people encrypted under the key themselves" in told
    assert "could not be listed" not in told
    assert "snapshots and copies under another key" in plan.keeps[0]
    assert "log groups" in " ".join(plan.keeps)
    assert not plan.obstacles
    assert (plan.state, plan.due) == ("Enabled", "")
    assert "--confirm demo" in plan.next
    assert made.keys["demo"].state == "Enabled"
    assert not made.operations("demo")


def test_given_snapshots_under_another_key_then_they_are_kept() -> None:
    made = locked(estate("demo", options={"snapshots": {"key_arn": key_arn("other")}}), "demo")
    plan = shred(made.services, "demo", CAUSE)
    assert "bucket-demo" not in " ".join(plan.destroys)
    assert key_arn("other") in " ".join(plan.keeps)


def test_snapshots_that_a_file_puts_under_the_key_itself_go_with_it() -> None:
    made = locked(estate("demo", options={"snapshots": {"key_arn": key_arn("demo")}}), "demo")
    plan = shred(made.services, "demo", CAUSE)
    assert "the snapshots of demo in the bucket bucket-demo: they are under this key" in plan.destroys
    assert "bucket-demo" not in " ".join(plan.keeps)


def test_of_a_deployment_without_snapshots_none_are_named() -> None:
    made = locked(estate("demo"), "demo")
    ledger = made.services.ledger
    ledger.register(structs.replace(ledger.registration("demo"), snapshots=None))
    plan = shred(made.services, "demo", CAUSE)
    assert "bucket" not in " ".join((*plan.destroys, *plan.keeps))


class Desk:
    """A key whose answers are as KMS refused or cut them."""

    def __init__(self, whole: KeyAnswers, **other: Any) -> None:
        self.answers = replace(whole, **other)

    def describe(self, _named: str) -> KeyAnswers:
        return self.answers


@pytest.mark.parametrize("grants", [Refused("not allowed"), {}])
def test_a_key_whose_grants_cannot_be_listed_may_encrypt_more(grants: Any) -> None:
    made = locked(estate("demo"), "demo")
    desk = Desk(made.keys["demo"].describe(""), grants=grants)
    plan = shred(replace(made.services, key_desk=lambda _: desk), "demo", CAUSE)
    assert [one for one in plan.destroys if "its grants could not be listed" in one]


NOT_ALLOWED = {
    "Error": {"Code": "AccessDeniedException", "Message": "not authorized"},
    "ResponseMetadata": {"HTTPStatusCode": 400},
}


@pytest.mark.parametrize(
    ("described", "why"),
    [
        (NOT_ALLOWED, r"\(AccessDeniedException: not authorized\): nothing can be planned"),
        ("ReadTimeoutError: no answer", "ReadTimeoutError"),
        ({}, "no KeyMetadata"),
        ({"KeyMetadata": None}, "no KeyMetadata"),
    ],
)
def test_of_a_key_that_cannot_be_described_nothing_is_planned(described: Any, why: str) -> None:
    made = locked(estate("demo"), "demo")
    desk = Desk(made.keys["demo"].describe(""), describe=described)
    with pytest.raises(Refused, match=f"cannot be described .*{why}"):
        shred(replace(made.services, key_desk=lambda _: desk), "demo", CAUSE)


MULTI = "arn:aws:kms:eu-central-1:111122223333:key/mrk-1"


@pytest.mark.parametrize(
    ("other", "under"),
    [
        (Key("arn:aws:kms:eu-west-1:111122223333:key/mrk-1"), True),  # a copy of the same key
        (Key(key_arn("own"), replicas=("arn:aws:kms:eu-west-1:111122223333:key/mrk-1",)), True),
        (Key("arn:aws:kms:eu-west-1:111122223333:key/mrk-11"), False),
        (Key("arn:aws:kms:eu-west-1:111122223333:key/x-mrk-1"), False),
        (Key(key_arn("own")), False),
    ],
)
def test_whoever_has_a_copy_of_the_key_in_another_region_is_under_it(other: Key, under: bool) -> None:
    made = locked(estate("demo", "other"), "demo")
    ledger = made.services.ledger
    ledger.register(structs.replace(ledger.registration("demo"), key=Key(MULTI)))
    ledger.register(structs.replace(ledger.registration("other"), key=other))
    made.keys["demo"].more = {"Arn": MULTI}
    desk = made.keys["demo"]
    plan = shred(replace(made.services, key_desk=lambda _: desk), "demo", CAUSE)
    assert ("domain other" in " ".join(plan.destroys)) is under
    assert any("other is open" in one for one in plan.obstacles) is under


def test_keys_of_two_regions_that_are_no_copies_are_two_keys() -> None:
    made = locked(estate("demo", "other"), "demo")
    ledger = made.services.ledger
    elsewhere = key_arn("demo").replace("eu-central-1", "eu-west-1")
    ledger.register(structs.replace(ledger.registration("other"), key=Key(elsewhere)))
    assert "domain other" not in " ".join(shred(made.services, "demo", CAUSE).destroys)


def test_the_asked_deployment_is_under_its_key_whatever_its_registration_calls_it() -> None:
    """By an alias, say, behind which another key stands now."""
    made = locked(estate("demo"), "demo")
    made.keys["demo"].more = {"Arn": key_arn("newer")}
    assert "domain demo" in " ".join(shred(made.services, "demo", CAUSE).destroys)


def test_a_confirmed_shred_of_a_locked_deployment_is_scheduled_and_told() -> None:
    """It stands in the history when asked for and when done, and the answer says how to cancel it."""
    made = locked(estate("demo"), "demo")
    done = shred(made.services, "demo", CAUSE, confirm="demo", days=7, yes=True)
    assert made.keys["demo"].state == "PendingDeletion"
    assert (done.state, bool(done.due)) == ("PendingDeletion", True)
    assert "cancel-key-deletion" in done.next
    assert made.operations("demo") == ["shred", "shred"], "asked for, and done"
    assert made.alerts() == ["shred-scheduled"]


def test_a_shred_that_cannot_be_told_is_answered_and_told_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is scheduled: whoever asked is not told that it failed, and no later look would find it."""
    made = locked(estate("demo"), "demo")

    def mute(_aws: Aws, _alert: Alert) -> None:
        raise Unreachable("the alert was not sent: AuthorizationError")

    with monkeypatch.context() as shut:
        shut.setattr(Aws, "tell", mute)
        done = shred(made.services, "demo", CAUSE, confirm="demo", days=7, yes=True)
    assert done.state == "PendingDeletion"
    assert made.alerts() == []
    tell_kept(made.services, "demo")
    tell_kept(made.services, "demo")
    assert made.alerts() == ["shred-scheduled"]


def test_a_shred_is_told_though_whoever_scheduled_it_died_before_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asked for it is found by no later look at the key."""
    made = locked(estate("demo"), "demo")
    schedule = KeyOfEstate.schedule_deletion

    def dies(desk: KeyOfEstate, key: str, days: int) -> datetime:
        schedule(desk, key, days)
        raise Crash

    with monkeypatch.context() as dying:
        dying.setattr(KeyOfEstate, "schedule_deletion", dies)
        with pytest.raises(Crash):
            shred(made.services, "demo", CAUSE, confirm="demo", days=7, yes=True)
    tell_kept(made.services, "demo")
    tell_kept(made.services, "demo")
    assert made.alerts() == ["shred-scheduled"]


def test_a_shred_that_kms_refuses_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    made = locked(estate("demo"), "demo")

    def refuses(*_: object) -> datetime:
        raise Refused("kms:ScheduleKeyDeletion is denied")

    monkeypatch.setattr(KeyOfEstate, "schedule_deletion", refuses)
    with pytest.raises(Refused, match="is denied"):
        shred(made.services, "demo", CAUSE, confirm="demo", days=7, yes=True)
    tell_kept(made.services, "demo")
    assert made.alerts() == []


def test_a_scheduled_shred_is_told_though_the_history_does_not_take_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made = locked(estate("demo"), "demo")
    ledger = made.services.ledger
    record = ledger.record

    def until_scheduled(change: Change) -> None:
        if "will be deleted" in change.summary:
            raise Unreachable("the ledger did not answer")
        record(change)

    monkeypatch.setattr(ledger, "record", until_scheduled)
    with pytest.raises(Unreachable):
        shred(made.services, "demo", CAUSE, confirm="demo", days=7, yes=True)
    assert made.alerts() == ["shred-scheduled"]


def test_shredding_an_open_deployment_is_refused_though_confirmed() -> None:
    """Its key stays enabled."""
    made = estate("demo")
    with pytest.raises(Refused, match="only what is locked"):
        shred(made.services, "demo", CAUSE, confirm="demo", yes=True)
    assert made.keys["demo"].state == "Enabled"


def test_a_shared_key_is_shredded_only_if_both_deployments_are_locked() -> None:
    """The plan lists both domains."""
    made = locked(estate("demo", "other"), "demo")
    other = made.services.ledger.registration("other")
    made.services.ledger.register(structs.replace(other, key=Key(key_arn("demo"))))
    made.keys["demo"].grants = [
        {
            "GranteePrincipal": "es.amazonaws.com",
            "Operations": ["Decrypt"],
            "Constraints": {"EncryptionContextSubset": {"aws:es:arn": made.services.ledger.registration(one).place.id}},
        }
        for one in ("demo", "other")
    ]
    plan = shred(made.services, "demo", CAUSE)
    assert "domain other" in " ".join(plan.destroys)
    assert "what else was given a grant" not in " ".join(plan.destroys), "each domain's own is the domain"
    with pytest.raises(Refused, match="other is open"):
        shred(made.services, "demo", CAUSE, confirm="demo", yes=True)
    locked(made, "other")
    shred(made.services, "demo", CAUSE, confirm="demo", yes=True)
    assert made.keys["demo"].state == "PendingDeletion"


@pytest.mark.parametrize("confirm", ["", "other", "DEMO"])
def test_given_another_key_id_then_nothing_is_scheduled(confirm: str) -> None:
    made = locked(estate("demo"), "demo")
    with pytest.raises(Refused, match="--confirm demo"):
        shred(made.services, "demo", CAUSE, confirm=confirm, yes=True)
    assert made.keys["demo"].state == "Enabled"


@pytest.mark.parametrize("days", [0, 6, 31, "soon", None])
def test_given_days_that_kms_does_not_take_then_it_is_bad_input(days: Any) -> None:
    with pytest.raises(BadInput, match="7 to 30"):
        shred(locked(estate("demo"), "demo").services, "demo", CAUSE, days=days)


OBSTACLES = {
    "another account's": (
        {"Arn": "arn:aws:kms:eu-central-1:444455556666:key/demo"},
        "belongs to the account 444455556666",
    ),
    "scheduled already": ({"KeyState": "PendingDeletion", "DeletionDate": "a day"}, "scheduled already, for a day"),
    "scheduled in another Region": (
        {"KeyState": "PendingReplicaDeletion"},
        "scheduled already, for a date KMS does not say",
    ),
    "of another Region": (
        {"MultiRegionConfiguration": {"MultiRegionKeyType": "REPLICA"}},
        "replica of the key in another Region",
    ),
    "replicas": (
        {
            "MultiRegionConfiguration": {
                "MultiRegionKeyType": "PRIMARY",
                "ReplicaKeys": [{"Region": "us-west-2"}, {"Region": "eu-west-1"}, {"Region": "sa-east-1"}],
            }
        },
        "replicas in eu-west-1, sa-east-1, us-west-2: each is destroyed first",
    ),
    "a replica": (
        {"MultiRegionConfiguration": {"MultiRegionKeyType": "REPLICA", "PrimaryKey": {"Region": "us-east-1"}}},
        "replica of the key in us-east-1",
    ),
}


@pytest.mark.parametrize("case", OBSTACLES)
def test_what_stands_in_the_way_is_said_in_the_plan_and_refuses(case: str) -> None:
    more, said = OBSTACLES[case]
    made = locked(estate("demo"), "demo")
    made.keys["demo"].more = more
    assert said in " ".join(shred(made.services, "demo", CAUSE).obstacles)
    with pytest.raises(Refused, match=said):
        shred(made.services, "demo", CAUSE, confirm="demo", yes=True)


def test_a_replica_names_its_primary_and_no_replicas_of_its_own() -> None:
    made = locked(estate("demo"), "demo")
    both = {"MultiRegionKeyType": "REPLICA", "ReplicaKeys": [{"Region": "us-west-2"}]}
    made.keys["demo"].more = {"MultiRegionConfiguration": both}
    assert "it has replicas" not in " ".join(shred(made.services, "demo", CAUSE).obstacles)


def test_a_deleted_domain_does_not_count_as_data_to_destroy() -> None:
    """The plan does not list the data of the domain again."""
    made = estate("demo")
    kept = made.services.ledger.model("demo")
    made.services.ledger.keep_model("demo", replace(kept, options=Options()))
    made.services.ledger.keep_custody(Custody("demo", State.DELETED))
    assert "all data of the domain" not in " ".join(shred(made.services, "demo", CAUSE).destroys)
