"""Who is in two groups by role is told of by name, once, by each look at the groups and by `check --live`."""

from __future__ import annotations

import pytest
from portcullis.access.one_role import Rank
from portcullis.access.plan import Subject, SubjectKind
from portcullis.errors import Unreachable
from portcullis.operations import alert_table
from portcullis.operations.access.checking import check
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.access.synchronise import synchronise
from portcullis.operations.people.one_role import who_loses
from portcullis.operations.services import Trigger
from portcullis.operations.sweep import sweep
from portcullis.ports.alerts import Alert, of_person
from portcullis.ports.registration import Cognito

from tests.operations.worlds import POOL, Account, account, arn, model_text

CAUSE = Trigger("a test", "somebody")
ANNA = f"Cognito/{POOL}/anna"
TEXT = model_text("""\
  grants:
    - {role: readall, to: {cognito_group: first, by: role}}
    - {role: readall_and_monitor, to: {cognito_group: second, by: role}}
""").replace("groups: {", "groups: {first: {role: true}, second: {role: true}, third: {}, ", 1)


def group(name: str) -> Subject:
    return Subject(SubjectKind.COGNITO_GROUP, name)


@pytest.fixture
def here() -> Account:
    made = account()
    made.registered(cognito=Cognito(POOL, group_roles={name: arn("role", name) for name in ("first", "second")}))
    made.people.groups |= {group("first"): (), group("second"): (), group("third"): ()}
    made.people.ranked = {"first": Rank(arn("role", "first"), 1), "second": Rank(arn("role", "second"), 2)}
    apply_text(made.services, "demo", TEXT, CAUSE)
    return made


def told(here: Account) -> list[str]:
    return [alert.happened for alert in here.aws.told if alert.name == "one-role-of-two"]


def findings(here: Account, text: str = TEXT) -> list[str]:
    found = check(here.services, "demo", CAUSE, text=text).findings
    return [f"{one.place}: {one.message}" for one in found if one.code == "by-role-person"]


def joins(here: Account, *names: str) -> None:
    for name in ("first", "second", "third"):
        here.people.groups[group(name)] = (ANNA,) if name in names else ()


def test_joining_a_second_group_is_told_once_and_again_if_it_comes_back(here: Account) -> None:
    """Their token carries the role of one group only. The alert names what they do not have of the other."""
    synchronise(here.services, "demo", CAUSE)
    assert told(here) == []
    joins(here, "first", "second")
    synchronise(here.services, "demo", CAUSE)
    sweep(here.services)
    [said] = told(here)
    for part in (ANNA, "first and second", "the role of first alone", "readall_and_monitor"):
        assert part in said
    joins(here, "second")
    synchronise(here.services, "demo", CAUSE)
    joins(here, "first", "second")
    sweep(here.services)
    assert len(told(here)) == 2


def test_what_the_account_says_of_the_person_stands_in_check(here: Account) -> None:
    assert findings(here) == []
    joins(here, "first", "second")
    [said] = findings(here)
    assert ANNA in said
    assert "access.grants[1].to" in said


def test_a_grant_by_members_makes_it_up(here: Account) -> None:
    joins(here, "first", "second", "third")
    made_up = TEXT.replace("  grants:\n", "  grants:\n    - {role: readall_and_monitor, to: {cognito_group: third}}\n")
    assert findings(here, made_up) == []
    assert len(findings(here)) == 1


def test_a_pool_that_does_not_answer_holds_up_nothing_and_check_says_so(here: Account) -> None:
    joins(here, "first", "second")
    here.people.ranks_fail = True
    assert synchronise(here.services, "demo", CAUSE).status != "waiting"
    assert told(here) == []
    found = check(here.services, "demo", CAUSE, text=TEXT).findings
    assert any(one.code == "not-looked-at" and "two groups by role" in one.place for one in found)
    here.people.ranks_fail = False
    sweep(here.services)
    assert len(told(here)) == 1


def test_an_alert_that_cannot_be_sent_holds_up_nothing_and_is_sent_later(
    here: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(_: Alert) -> None:
        raise Unreachable("the topic did not answer")

    joins(here, "first", "second")
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(here.aws, "tell", silent)
        synchronise(here.services, "demo", CAUSE)
    assert told(here) == []
    sweep(here.services)
    assert len(told(here)) == 1


@pytest.mark.parametrize(("people", "more"), [(1, ""), (20, ""), (21, "; and 1 more"), (23, "; and 3 more")])
def test_of_many_the_first_twenty_are_named_and_the_others_counted(here: Account, people: int, more: str) -> None:
    """Of one alone the alert leads to their part of the page."""
    names = tuple(f"Cognito/{POOL}/p{number:02d}" for number in range(people))
    for name in ("first", "second"):
        here.people.groups[group(name)] = names
    synchronise(here.services, "demo", CAUSE)
    [alert] = [one for one in here.aws.told if one.name == "one-role-of-two"]
    assert alert.happened.count(f"Cognito/{POOL}/p") == len(alert.detail["found"]) == min(people, 20)
    assert alert.happened.endswith(alert.detail["found"][-1] + more)
    assert alert.about == (of_person(names[0]) if people == 1 else alert_table.ONE_ROLE_OF_TWO.about)


def test_one_group_with_a_role_has_nobody_looked_at(here: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(_: object) -> object:
        raise AssertionError("nobody can be in two of one")

    monkeypatch.setattr(here.people, "ranks", asked)
    here.registered(cognito=Cognito(POOL, group_roles={"first": arn("role", "first")}))
    joins(here, "first", "second")
    assert who_loses(here.services.at(here.ledger.registration("demo")), here.ledger.model("demo").access.grants) == ()
    here.registered(cognito=None)
    assert who_loses(here.services.at(here.ledger.registration("demo")), here.ledger.model("demo").access.grants) == ()


def test_of_groups_of_which_one_alone_has_a_role_in_the_pool_nobody_loses(here: Account) -> None:
    """The stacks deployed both; somebody deleted one by hand."""
    joins(here, "first", "second")
    del here.people.ranked["second"]
    site = here.services.at(here.ledger.registration("demo"))
    assert who_loses(site, here.ledger.model("demo").access.grants) == ()
    synchronise(here.services, "demo", CAUSE)
    assert told(here) == []


def test_whoever_loses_by_a_grant_by_role_is_told_though_others_are_by_members(here: Account) -> None:
    apply_text(here.services, "demo", TEXT + "    - {role: readall, to: {cognito_group: third}}\n", CAUSE)
    joins(here, "first", "second")
    synchronise(here.services, "demo", CAUSE)
    assert len(told(here)) == 1
