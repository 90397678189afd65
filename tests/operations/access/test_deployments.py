"""A deployment comes under our care: the master lets the automation in once, and is not needed again."""

from __future__ import annotations

from dataclasses import replace

from portcullis.errors import Refused
from portcullis.operations.access.deployments import introduce, withdraw
from portcullis.operations.services import Trigger
from portcullis.ports.engine import Engine
from portcullis.ports.registration import Registration

from tests.operations.worlds import account, model_text, registration

CAUSE = Trigger("a test", "somebody")


def test_the_master_is_asked_only_as_long_as_the_automation_is_not_in() -> None:
    # Given a deployment that was introduced, and whose master was then moved to a role that nobody here can become
    here = account()
    introduce(here.services.at(registration("demo")), model_text("  roles: {}\n"), CAUSE)

    def gone(_: Registration) -> Engine:
        raise Refused("the master was moved to a role that we cannot become")

    services = replace(here.services, master=gone)
    # When it is introduced again, as every deploy does
    outcome = introduce(services.at(registration("demo")), model_text("  roles: {}\n"), CAUSE)
    # Then it is introduced all the same
    assert outcome.deployment == "demo"
    assert here.ledger.registration("demo").place.name == registration("demo").place.name


def test_a_deployment_that_leaves_our_care_is_told_once() -> None:
    """CloudFormation may ask twice. The alert says that the domain stays, open as it was."""
    # Given a deployment that was introduced
    here = account()
    introduce(here.services.at(registration("demo")), model_text("  roles: {}\n"), CAUSE)
    # When its stack is deleted, and CloudFormation asks twice
    for _ in range(2):
        withdraw(here.services, "demo", CAUSE)
    # Then whoever is on call hears of it, and nothing reacts for it any more
    [told] = here.aws.told
    assert (told.name, told.severity) == ("unwatched", "critical")
    assert "its domain stays, open as it was" in told.happened
    assert here.ledger.registrations() == ()
    assert [one.operation for one in here.ledger.history("demo")].count("withdraw") == 1
