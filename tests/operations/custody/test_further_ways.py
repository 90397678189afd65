"""Further security groups of a domain and its VPC endpoints: shut by a lock, told when opened in it, as they were after it."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis import custody as machine
from portcullis.custody.types import Act, Custody, Measure, Progress, State, Todo
from portcullis.operations.custody.further_ways import opens_nothing
from portcullis.operations.custody.guard import guard
from portcullis.operations.services import Trigger
from portcullis.ports.registration import Cluster

from tests.operations.worlds import place
from tests.reactions.town import Town, town

CAUSE = Trigger("a test", "somebody")
OFFICE = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.1.0.0/16"}]}
ANYBODY = {**OFFICE, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
PARTNER = {"PrincipalType": "AWS_ACCOUNT", "Principal": "444455556666"}
EVE = {"PrincipalType": "AWS_ACCOUNT", "Principal": "666666666666"}


def with_further_ways() -> Town:
    here = town()
    here.aws.groups = {"sg-vpn": [OFFICE]}
    here.aws.principals = [PARTNER]
    here.aws.made = {"aos-partner": "444455556666"}
    return here


def lock(here: Town) -> Custody:
    return guard(here.services, "demo", CAUSE, change=lambda c: machine.hold(c, "ann", "a drill", here.aws.at))


def unlock(here: Town) -> Custody:
    return guard(here.services, "demo", CAUSE, change=machine.release)


def look(here: Town) -> Custody:
    here.pass_time(60)
    return guard(here.services, "demo", CAUSE)


def opened(here: Town) -> list[str]:
    return [alert.happened for alert in here.aws.told if alert.name == "lock-opened"]


def progress(custody: Custody, measure: Measure) -> Any:
    return custody.measures[measure].progress


def test_a_lock_shuts_further_ways_and_its_end_brings_exactly_these_back() -> None:
    here = with_further_ways()
    assert lock(here).state is State.LOCKED
    assert here.aws.groups == {"sg-vpn": []}
    assert here.aws.principals == []
    assert look(here).state is State.LOCKED
    assert opened(here) == []
    assert unlock(here).state is State.OPEN
    assert here.aws.groups == {"sg-vpn": [OFFICE]}
    assert here.aws.principals == [PARTNER]
    assert opened(here) == []


def test_an_endpoint_principal_added_during_a_lock_is_revoked_for_good() -> None:
    """It is told once. The unlock gives back only the principal from before the lock."""
    here = with_further_ways()
    lock(here)
    here.aws.principals = [EVE]
    assert look(here).state is State.LOCKED
    assert here.aws.principals == []
    [told] = opened(here)
    assert "'revoke endpoints'" in told
    assert EVE["Principal"] in told
    look(here)
    assert len(opened(here)) == 1
    unlock(here)
    assert here.aws.principals == [PARTNER]


def test_a_group_attached_during_a_lock_is_closed_and_restored_afterwards() -> None:
    """It is told. The unlock gives its owner the rules back."""
    here = with_further_ways()
    lock(here)
    here.aws.groups["sg-of-somebody"] = [ANYBODY]
    assert look(here).state is State.LOCKED
    assert here.aws.groups["sg-of-somebody"] == []
    [told] = opened(here)
    assert "'close further groups'" in told
    assert "sg-of-somebody" in told
    unlock(here)
    assert here.aws.groups == {"sg-vpn": [OFFICE], "sg-of-somebody": [ANYBODY]}


def test_a_security_group_we_may_not_close_delays_nothing_and_is_told() -> None:
    """The lock goes on, and the alert says which group to detach. The unlock leaves it as it was."""
    here = with_further_ways()
    here.aws.closable = False
    custody = lock(here)
    assert custody.state is State.LOCKED
    assert progress(custody, Measure.CLOSE_GROUPS) is Progress.FAILED
    [locked] = [alert for alert in here.aws.told if alert.name == "locked"]
    assert "sg-vpn could not be closed, detach it" in locked.done
    assert here.aws.principals == [], "the endpoints are a wall of their own"
    assert unlock(here).state is State.OPEN
    assert here.aws.groups == {"sg-vpn": [OFFICE]}


def test_the_group_of_another_deployment_is_not_closed_with_ours() -> None:
    here = with_further_ways()
    here.account.registered("other", place=place("other", "sg-other"))
    here.aws.groups["sg-other"] = [ANYBODY]
    custody = lock(here)
    assert here.aws.groups == {"sg-vpn": [], "sg-other": [ANYBODY]}
    assert "sg-other is the security group of other" in custody.measures[Measure.CLOSE_GROUPS].detail


def test_an_endpoint_made_during_a_lock_is_told_once_and_left_to_a_person() -> None:
    here = with_further_ways()
    lock(here)
    here.aws.made["aos-eve"] = "666666666666"
    custody = look(here)
    assert custody.state is State.LOCKED
    assert progress(custody, Measure.REVOKE_ENDPOINTS) is Progress.FAILED
    [told] = opened(here)
    assert "aos-eve of 666666666666" in told
    look(here)
    assert len(opened(here)) == 1
    del here.aws.made["aos-eve"]
    assert progress(look(here), Measure.REVOKE_ENDPOINTS) is Progress.DONE


def test_a_group_that_is_gone_at_the_end_of_a_lock_holds_nothing_up() -> None:
    here = with_further_ways()
    lock(here)
    here.aws.groups = {}
    assert unlock(here).state is State.OPEN


def test_the_lock_says_which_ways_there_were_before_it() -> None:
    custody = lock(with_further_ways())
    assert custody.measures[Measure.SAVE_GROUPS].detail == "further security groups: sg-vpn"
    assert custody.measures[Measure.SAVE_ENDPOINTS].detail == (
        "1 principals were authorised for VPC endpoints; endpoints: aos-partner"
    )
    custody = lock(town())
    assert custody.measures[Measure.SAVE_GROUPS].detail == "further security groups: none"
    assert custody.measures[Measure.SAVE_ENDPOINTS].detail == "0 principals were authorised for VPC endpoints"


def test_a_rule_added_in_a_lock_comes_back_once_beside_those_from_before_it() -> None:
    here = with_further_ways()
    lock(here)
    here.aws.groups["sg-vpn"] = [OFFICE, ANYBODY]
    look(here)
    assert here.aws.groups == {"sg-vpn": []}
    unlock(here)
    assert here.aws.groups == {"sg-vpn": [OFFICE, ANYBODY]}


def test_a_wall_stands_beside_deployments_that_let_nobody_in() -> None:
    """Another one's security group that has no rule left, and one that runs elsewhere and has none at all."""
    here = with_further_ways()
    here.account.registered("other", place=place("other", "sg-other"))
    here.account.registered("elsewhere", place=Cluster("es.example.com:9200"))
    here.aws.groups["sg-other"] = []
    custody = lock(here)
    assert (custody.state, progress(custody, Measure.CLOSE_GROUPS)) == (State.LOCKED, Progress.DONE)
    assert here.aws.groups == {"sg-vpn": [], "sg-other": []}


def test_an_endpoint_made_in_a_lock_is_told_though_nobody_says_whose_it_is() -> None:
    here = with_further_ways()
    lock(here)
    here.aws.made["aos-new"] = ""
    look(here)
    [told] = opened(here)
    assert "VPC endpoints were made since the lock: aos-new of an unknown account" in told
    assert "aos-partner" not in told


@pytest.mark.parametrize(
    ("measure", "saved", "nothing"),
    [
        (Measure.CLOSE_GROUPS, None, False),  # lost: nobody knows
        (Measure.CLOSE_GROUPS, {"sg-vpn": []}, True),
        (Measure.CLOSE_GROUPS, {"sg-vpn": [OFFICE]}, False),
        (Measure.CLOSE_GROUPS, {"sg-empty": [], "sg-vpn": [OFFICE]}, False),
        (Measure.REVOKE_ENDPOINTS, None, False),
        (Measure.REVOKE_ENDPOINTS, {"principals": [], "made": ["aos-partner"]}, True),
        (Measure.REVOKE_ENDPOINTS, {"principals": [PARTNER], "made": []}, False),
        (Measure.CLOSE_INGRESS, [], False),
        (Measure.DENY_POLICY, {}, False),
        (Measure.BLOCK_INDICES, None, False),
    ],
)
def test_only_a_way_that_lets_nobody_in_is_opened_without_a_look_at_the_groups(
    measure: Measure, saved: Any, nothing: bool
) -> None:
    """Whoever left in the lock comes in by no way that is given back before they are seen to be out."""
    here = town()
    site = here.services.site("demo")
    if saved is not None:
        site.ledger.save("demo", "put-aside", saved)
    assert opens_nothing(site, Todo(measure, Act.UNDO, save_as="put-aside", opens=True)) is nothing
