"""Further security groups of a domain and its VPC endpoints: shut by a lock, told when opened in it, as they were after it."""

from __future__ import annotations

from typing import Any

from portcullis import custody as machine
from portcullis.custody.types import Custody, Measure, Progress, State
from portcullis.operations.custody.guard import guard
from portcullis.operations.services import Trigger

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
