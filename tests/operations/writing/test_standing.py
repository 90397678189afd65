"""Which model counts: one that is coming, is in force or was refused, and what status says of each."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from portcullis.access.plan import AccessModel
from portcullis.errors import BadInput, Refused, Unreachable
from portcullis.model.option_types import Options
from portcullis.operations.services import Site, Trigger
from portcullis.operations.writing import standing
from portcullis.operations.writing.standing import OutOfStep, RefusedModel
from portcullis.ports.alerts import Alert
from portcullis.ports.registration import KeptModel

from tests.operations.ledgers import Crash
from tests.operations.worlds import Account, account

ANNA, BEN = Trigger("a deploy", "anna"), Trigger("an event", "")
OLD, NEW = KeptModel("old", AccessModel(roles={"viewers": {}})), KeptModel("new", AccessModel())


def here() -> tuple[Account, Site]:
    made = account()
    made.registered()
    return made, made.services.site("demo")


def refused(why: Exception, cause: Trigger = ANNA) -> tuple[Account, Site]:
    made, site = here()
    standing.begin_with(site, NEW, cause)
    standing.refuse(site, why)
    return made, site


# ---------------------------------------------------------------------- coming


def test_a_model_tried_again_keeps_whose_it_is_and_is_given_up_at_the_fourth_try() -> None:
    made, site = here()
    tries = []
    for cause in (ANNA, BEN, BEN, BEN):
        standing.begin_with(site, NEW, cause)
        one = standing.coming(site)
        assert one is not None
        tries.append(one)
        made.aws.at += timedelta(minutes=1)
    assert [(one.tries, one.exhausted) for one in tries] == [(1, False), (2, False), (3, False), (4, True)]
    assert {(one.model.text, one.at, one.cause, one.actor) for one in tries} == {
        ("new", tries[0].at, "a deploy", "anna")
    }


def test_another_model_that_comes_in_its_place_begins_anew() -> None:
    made, site = here()
    standing.begin_with(site, NEW, ANNA)
    standing.begin_with(site, NEW, ANNA)
    made.aws.at += timedelta(minutes=1)
    standing.begin_with(site, OLD, BEN)
    one = standing.coming(site)
    assert one is not None
    assert (one.model, one.at, one.cause, one.actor, one.tries) == (OLD, made.aws.at, "an event", "", 1)


# ---------------------------------------------------------------------- in force


def test_another_text_is_another_model_and_so_is_what_an_upgrade_reads_otherwise() -> None:
    assert standing.is_in_force(OLD, replace(OLD, version=7))
    assert not standing.is_in_force(OLD, replace(OLD, access=AccessModel()))
    assert not standing.is_in_force(OLD, replace(OLD, options=Options(end_sessions=True)))
    assert not standing.is_in_force(OLD, replace(OLD, text="old, with a comment"))
    assert not standing.is_in_force(None, OLD)


def test_what_the_engine_holds_is_in_force_and_nothing_is_on_its_way_or_refused() -> None:
    made, site = refused(Refused("no"))
    standing.begin_with(site, NEW, ANNA)
    standing.put_in_force(site, OLD)
    standing.put_in_force(site, NEW)
    kept = made.ledger.model("demo")
    assert (kept.text, kept.access, kept.version) == ("new", AccessModel(), 2)
    assert (standing.coming(site), standing.last_refused(site.services, "demo")) == (None, None)
    standing.put_in_force(site, NEW)
    assert made.ledger.model("demo").version == 2, "the same is not kept again"


def test_wherever_it_is_cut_off_no_refused_model_outlives_the_next_one_in_force() -> None:
    """Once nothing is on its way any more, nobody would forget it: status would name it until the next apply."""
    for after in range(1, 9):
        made, site = refused(Refused("no"))
        standing.begin_with(site, OLD, ANNA)
        made.fate.at = made.fate.calls + after
        try:
            standing.put_in_force(site, OLD)
        except Crash:
            if standing.coming(site) is not None:
                continue  # the next run goes on with it
        assert standing.last_refused(site.services, "demo") is None


@pytest.mark.parametrize("why", [Refused("there is none"), BadInput("cannot be read", source="ledger")])
def test_without_a_model_that_can_be_read_the_rules_of_the_house_hold(
    why: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, site = here()

    def unread(_: str) -> KeptModel:
        raise why

    monkeypatch.setattr(made.ledger, "model", unread)
    assert standing.as_far_as_readable(site.services, "demo") == KeptModel("", AccessModel())


# ---------------------------------------------------------------------- refused


def test_a_refused_model_is_remembered_told_and_no_longer_coming() -> None:
    made, site = refused(Refused("it says\n  no " + "x" * 2000))
    one = standing.last_refused(site.services, "demo")
    assert one is not None
    assert one == RefusedModel(standing.name_of("new"), made.aws.at, one.why, "a deploy", "anna", told=True)
    assert (one.why[:12], len(one.why), len(one.name)) == ("it says no x", 1000, 12)
    assert standing.coming(site) is None
    [alert] = made.aws.told
    assert (alert.name, alert.happened) == ("model-refused", str(one))
    assert alert.detail == {"model": one.name, "actor": "anna", "cause": "a deploy"}


def test_a_failure_without_words_is_called_by_its_kind() -> None:
    _, site = refused(RuntimeError(), BEN)
    [said] = standing.problems(site)
    name, at = standing.name_of("new"), site.now().isoformat(timespec="seconds")
    assert said == f"the access model {name}, applied (an event) at {at}, was refused and is not in force: RuntimeError"


def test_where_no_model_is_coming_none_is_refused() -> None:
    made, site = here()
    standing.refuse(site, Refused("no"))
    assert (standing.last_refused(site.services, "demo"), made.aws.told) == (None, [])


def test_a_refusal_is_told_once_and_until_it_could_be(monkeypatch: pytest.MonkeyPatch) -> None:
    def mute(_: Alert) -> None:
        raise Unreachable("the alert was not sent")

    made, site = here()
    tell = made.aws.tell
    monkeypatch.setattr(made.aws, "tell", mute)
    standing.begin_with(site, NEW, ANNA)
    standing.refuse(site, Refused("no"))
    monkeypatch.setattr(made.aws, "tell", tell)
    for _ in range(2):
        standing.tell_of_refused(site.services, "demo")
        assert [alert.name for alert in made.aws.told] == ["model-refused"]
    standing.forgive(site.services, "demo")
    standing.tell_of_refused(site.services, "demo")
    assert len(made.aws.told) == 1


def test_what_is_kept_of_models_lies_where_an_upgrade_finds_it() -> None:
    made, site = refused(Refused("no"))
    standing.begin_with(site, OLD, ANNA)
    standing.out_of_step(site.services, "demo", Refused("no"))
    assert all(made.ledger.saved("demo", name) for name in ("model-coming", "model-refused", "out-of-step"))


# ---------------------------------------------------------------------- status


def test_out_of_step_is_since_the_first_failure_and_says_the_last() -> None:
    made, site = here()
    assert not standing.is_out_of_step(site)
    standing.out_of_step(site.services, "demo", Unreachable("no answer"))
    began = made.aws.at
    made.aws.at += timedelta(minutes=1)
    standing.out_of_step(site.services, "demo", Unreachable("it says\n  " + "x" * 2000))
    assert standing.OUT_OF_STEP.saved(site.ledger, "demo") == OutOfStep(began, "it says " + "x" * 992)
    assert standing.is_out_of_step(site)
    [said] = standing.problems(site)
    assert said.startswith(f"access does not follow the groups since {began:%Y-%m-%dT%H:%M:%S}: it says x")
    standing.in_step(site.services, "demo")
    assert (standing.is_out_of_step(site), standing.problems(site)) == (False, [])


@pytest.mark.parametrize(("cause", "who"), [(ANNA, "anna"), (BEN, "nobody known")])
def test_status_names_what_is_on_its_way_and_who_applied_it(cause: Trigger, who: str) -> None:
    _, site = here()
    standing.begin_with(site, NEW, cause)
    at = site.now().isoformat(timespec="seconds")
    assert standing.problems(site) == [
        f"the access model {standing.name_of('new')}, applied by {who} ({cause.what}) at {at}, is not in effect yet: the next"
        " synchronise goes on with it"
    ]
