"""Shred: what destroying a key destroys is said before it is scheduled, and it is scheduled only for what is locked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs
from portcullis.custody.types import Custody, State
from portcullis.errors import BadInput, Refused
from portcullis.model.option_types import Options
from portcullis.operations.custody.shredding import shred
from portcullis.operations.services import Trigger
from portcullis.ports.registration import Key

from tests.operations.estates import Estate, estate, key_arn

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
    assert "log groups" in " ".join(plan.keeps)
    assert not plan.obstacles
    assert "--confirm demo" in plan.next
    assert made.keys["demo"].state == "Enabled"
    assert not made.operations("demo")


def test_given_snapshots_under_another_key_then_they_are_kept() -> None:
    made = locked(estate("demo", options={"snapshots": {"key_arn": key_arn("other")}}), "demo")
    plan = shred(made.services, "demo", CAUSE)
    assert "bucket-demo" not in " ".join(plan.destroys)
    assert key_arn("other") in " ".join(plan.keeps)


def test_a_confirmed_shred_of_a_locked_deployment_is_scheduled_and_told() -> None:
    """It stands in the history when asked for and when done, and the answer says how to cancel it."""
    made = locked(estate("demo"), "demo")
    done = shred(made.services, "demo", CAUSE, confirm="demo", days=7, yes=True)
    assert made.keys["demo"].state == "PendingDeletion"
    assert done.due
    assert "cancel-key-deletion" in done.next
    assert made.operations("demo") == ["shred", "shred"], "asked for, and done"
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
    plan = shred(made.services, "demo", CAUSE)
    assert "domain other" in " ".join(plan.destroys)
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


@pytest.mark.parametrize("days", [0, 6, 31, "soon"])
def test_given_days_that_kms_does_not_take_then_it_is_bad_input(days: int) -> None:
    with pytest.raises(BadInput, match="7 to 30"):
        shred(locked(estate("demo"), "demo").services, "demo", CAUSE, days=days)


OBSTACLES = {
    "another account's": (
        {"Arn": "arn:aws:kms:eu-central-1:444455556666:key/demo"},
        "belongs to the account 444455556666",
    ),
    "scheduled already": ({"KeyState": "PendingDeletion"}, "scheduled already"),
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


def test_a_deleted_domain_does_not_count_as_data_to_destroy() -> None:
    """The plan does not list the data of the domain again."""
    made = estate("demo")
    kept = made.services.ledger.model("demo")
    made.services.ledger.keep_model("demo", replace(kept, options=Options()))
    made.services.ledger.keep_custody(Custody("demo", State.DELETED))
    assert "all data of the domain" not in " ".join(shred(made.services, "demo", CAUSE).destroys)
