"""A deployment comes under our care: the master lets the automation in once, and is not needed again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs
from portcullis.adapters.alerts.half_told import HalfTold
from portcullis.custody.types import State
from portcullis.errors import Refused, Unreachable
from portcullis.operations.access.deployments import introduce, withdraw
from portcullis.operations.services import Trigger
from portcullis.operations.telling import keep_to_tell, tell_or_keep, waiting
from portcullis.ports.alerts import Alert
from portcullis.ports.registration import Cluster, Registration

from tests.operations.fence import TEXTS
from tests.operations.worlds import Aws, Engine, Make, account, every_make, model_text, registration

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


@every_make
@pytest.mark.parametrize("silent", [True, False])
def test_what_the_master_wrote_may_come_late_unless_it_was_answered(make: Make, silent: bool) -> None:
    made = account(make=make)
    one = registration(family=make.family.name, **make.actors)
    text = TEXTS[make.family.name][0]
    if silent:
        made.engine.meddle = _silent
        with pytest.raises(Unreachable):
            introduce(made.services.at(one), text, CAUSE)
    else:
        introduce(made.services.at(one), text, CAUSE)
    claims = made.ledger.claims(one.place.id)["demo"]
    assert bool(claims.late_at(made.aws.now())) is silent


def _silent(_: Engine) -> None:
    raise Unreachable("no answer")


@pytest.mark.parametrize("place", [None, Cluster("es.example.com:9200")], ids=["domain", "cluster"])
def test_a_deployment_that_leaves_our_care_is_told_once(place: Cluster | None) -> None:
    """CloudFormation may ask twice. The alert says that the domain, or the cluster, stays, open as it was."""
    # Given a deployment that was introduced
    here = account()
    introduce(here.services.at(registration("demo")), model_text("  roles: {}\n"), CAUSE)
    if place:
        here.ledger.register(structs.replace(registration("demo"), place=place))
    # When its stack is deleted, and CloudFormation asks twice
    for _ in range(2):
        withdraw(here.services, "demo", CAUSE)
    # Then whoever is on call hears of it, and nothing reacts for it any more
    [told] = here.aws.told
    assert (told.name, told.severity) == ("unwatched", "critical")
    assert f"its {'cluster' if place else 'domain'} stays, open as it was" in told.happened
    assert here.ledger.registrations() == ()
    assert [one.operation for one in here.ledger.history("demo")].count("withdraw") == 1


def test_what_was_kept_to_be_told_is_told_before_a_deployment_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    here = account()
    introduce(here.services.at(registration("demo")), model_text("  roles: {}\n"), CAUSE)
    kept = Alert("drift", "demo", "warning", "a", "b", "c")

    def mute(_aws: Aws, alert: Alert) -> None:
        raise Unreachable(f"{alert.name} was not sent")

    with monkeypatch.context() as shut:
        shut.setattr(Aws, "tell", mute)
        tell_or_keep(here.services, kept)
        with pytest.raises(Unreachable):
            withdraw(here.services, "demo", CAUSE)
    withdraw(here.services, "demo", CAUSE)
    assert kept in here.aws.told
    assert (here.ledger.registrations(), waiting(here.services, "demo")) == ((), [])


def test_what_nobody_was_told_yet_outlasts_the_domain_and_is_told_of_the_next_of_its_name() -> None:
    here = account()
    site = here.services.at(registration("demo"))
    introduce(site, model_text("  roles: {}\n"), CAUSE)
    kept = Alert("drift", "demo", "warning", "a", "b", "c")
    keep_to_tell(here.services, kept)
    half_told = HalfTold(here.ledger, here.aws.now)
    half_told.keep(kept, ["bus"])
    here.ledger.save("demo", "told#drift", "of the one before")
    here.ledger.keep_custody(replace(here.ledger.custody("demo"), state=State.DELETED))
    introduce(site, model_text("  roles: {}\n"), CAUSE)
    assert (waiting(here.services, "demo"), half_told.took(kept)) == ([kept], {"bus"})
    assert here.ledger.saved("demo", "told#drift") is None
