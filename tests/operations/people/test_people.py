"""The same name is not the same person; and one group that cannot be read holds up nobody else's leaving."""

from __future__ import annotations

import pytest
from portcullis.access.plan import Subject, SubjectKind
from portcullis.custody.types import State
from portcullis.entry.verbs import VERBS
from portcullis.entry.verbs.types import exit_status_of
from portcullis.errors import BadInput, NotAllowed, PortcullisError, Refused
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.access.planning import plan
from portcullis.operations.access.synchronise import synchronise
from portcullis.operations.custody.guard import guard
from portcullis.operations.services import Trigger
from portcullis.operations.status import status
from portcullis.operations.sweep import sweep, sweep_and_tell

from tests.operations.ledgers import Crash
from tests.operations.worlds import POOL, Account, Fate, account, arn, model_text

CAUSE = Trigger("a test", "somebody")
READERS = Subject(SubjectKind.COGNITO_GROUP, "readers")
OPS = Subject(SubjectKind.IAM_GROUP, "ops")
TOKENS = Subject(SubjectKind.COGNITO_GROUP, "tokens")
ROLE = "  roles: {viewers: {index_permissions: [{index_patterns: [logs-*], allowed_actions: [read]}]}}\n"
TOKEN_ROLE = arn("role", "portcullis-demo-tokens")
# Whom a file may name directly, and what then stands in the mapping.
NAMED = {
    "{iam_user: anna}": ("users", arn("user", "anna"), "anna"),
    f"{{iam_user: '{arn('user', 'anna')}'}}": ("users", arn("user", "anna"), arn("user", "anna")),
    "{iam_role: anna}": ("backend_roles", arn("role", "anna"), "anna"),
    "{cognito_user: anna}": ("users", f"Cognito/{POOL}/anna", "anna"),
    "{cognito_group: tokens, by: role}": ("backend_roles", TOKEN_ROLE, "tokens"),
}


def text(*grants: str) -> str:
    return model_text(f"{ROLE}  grants:\n" + "".join(f"    - {{role: viewers, to: {to}}}\n" for to in grants))


def there(here: Account) -> set[str]:
    mapping = here.engine.read().of(Kind.MAPPINGS).get("viewers", {})
    return {*mapping.get("users", ()), *mapping.get("backend_roles", ())}


def told(here: Account, name: str) -> list[str]:
    return [alert.happened for alert in here.aws.told if alert.name == name]


@pytest.fixture
def here() -> Account:
    made = account()
    made.registered()
    made.people.groups |= {READERS: (), OPS: (), TOKENS: (TOKEN_ROLE,)}
    return made


@pytest.fixture(params=NAMED, ids=lambda to: to)
def named(request: pytest.FixtureRequest, here: Account) -> tuple[str, str]:
    """Somebody who is granted a role directly and has it: the entry, and the name that the model says."""
    _, entry, name = NAMED[request.param]
    here.people.ids[entry] = "FIRST"
    apply_text(here.services, "demo", text(request.param), CAUSE)
    assert entry in there(here)
    return entry, name


def test_who_has_a_name_later_is_taken_out_and_told_once(here: Account, named: tuple[str, str]) -> None:
    entry, _ = named
    here.people.ids[entry] = "SECOND"
    for _ in range(2):
        synchronise(here.services, "demo", CAUSE)
        assert entry not in there(here)
    [said] = told(here, "another-person")
    assert "FIRST" in said
    assert "SECOND" in said
    assert any("somebody else" in problem for problem in status(here.services, "demo").problems)
    changes = [change for change in here.ledger.history("demo") if change.operation == "people"]
    assert len(changes) == 1


def test_a_new_person_is_in_again_only_by_a_decision_that_names_them(here: Account, named: tuple[str, str]) -> None:
    entry, name = named
    here.people.ids[entry] = "SECOND"
    synchronise(here.services, "demo", CAUSE)
    apply_text(here.services, "demo", None, CAUSE)
    assert entry not in there(here), "applying alone decides nothing"
    VERBS["apply"].run(here.services, "demo", CAUSE, accept_new=[name])
    assert entry in there(here)
    synchronise(here.services, "demo", CAUSE)
    assert entry in there(here)
    assert told(here, "another-person") == told(here, "another-person")[:1]


def test_a_name_that_was_gone_in_between_is_not_forgotten(here: Account, named: tuple[str, str]) -> None:
    entry, _ = named
    subject = next(grant.subject for grant in here.ledger.model("demo").access.grants if grant.role == "viewers")
    here.people.gone.add(subject)
    synchronise(here.services, "demo", CAUSE)
    assert entry not in there(here)
    here.people.gone.clear()
    here.people.ids[entry] = "SECOND"
    synchronise(here.services, "demo", CAUSE)
    assert entry not in there(here)


def test_a_grant_that_left_the_model_and_came_back_means_who_it_meant(here: Account, named: tuple[str, str]) -> None:
    entry, _ = named
    before = here.ledger.model("demo").text
    apply_text(here.services, "demo", text("{cognito_group: readers}"), CAUSE)
    here.people.ids[entry] = "SECOND"
    apply_text(here.services, "demo", before, CAUSE)
    assert entry not in there(here)


def test_accepted_is_who_was_told_and_not_who_came_after(here: Account) -> None:
    entry = arn("user", "anna")
    here.people.ids[entry] = "FIRST"
    apply_text(here.services, "demo", text("{iam_user: anna}"), CAUSE)
    here.people.ids[entry] = "SECOND"
    synchronise(here.services, "demo", CAUSE)
    here.people.ids[entry] = "THIRD"
    apply_text(here.services, "demo", None, CAUSE, accept_new=["anna"])
    assert entry not in there(here)
    assert "THIRD" in told(here, "another-person")[-1]


def test_who_is_named_and_not_new_is_refused_as_bad_input(here: Account) -> None:
    apply_text(here.services, "demo", text("{iam_user: anna}"), CAUSE)
    with pytest.raises(BadInput, match="nobody new has the name 'anna'"):
        apply_text(here.services, "demo", None, CAUSE, accept_new=["anna"])
    for wrong in ([""], [1], 3, {"a": 1}):
        with pytest.raises(BadInput, match="accept_new"):
            VERBS["apply"].run(here.services, "demo", CAUSE, accept_new=wrong)


def test_a_member_made_again_is_in_by_the_group_and_stands_in_the_history(here: Account) -> None:
    anna = f"Cognito/{POOL}/anna"
    here.people.groups[READERS] = (anna,)
    here.people.ids[anna] = "FIRST"
    apply_text(here.services, "demo", text("{cognito_group: readers}", "{cognito_user: anna}"), CAUSE)
    here.people.groups[READERS] = ()
    here.people.gone.add(Subject(SubjectKind.COGNITO_USER, "anna"))
    synchronise(here.services, "demo", CAUSE)
    here.people.gone.clear()
    here.people.ids[anna] = "SECOND"
    synchronise(here.services, "demo", CAUSE)
    assert anna not in there(here), "by name somebody else is meant"
    here.people.groups[READERS] = (anna,)
    synchronise(here.services, "demo", CAUSE)
    assert anna in there(here), "to be put into the group is a decision"
    lines = [line for change in here.ledger.history("demo") if change.operation == "people" for line in change.after]
    assert any("in as a member" in line and "FIRST" in line and "SECOND" in line for line in lines)


@pytest.mark.parametrize("after", [False, True])
def test_wherever_a_run_is_cut_off_who_comes_later_under_a_name_is_out(after: bool) -> None:
    """Who is granted is written down before the entry is: a run that died in between leaves no entry of an unknown person."""
    entry, at, cut = arn("user", "anna"), 0, True
    while cut:
        at += 1
        fate = Fate()
        here = account(fate=fate)
        here.registered()
        here.people.ids[entry] = "FIRST"
        fate.at, fate.after, cut = fate.calls + at, after, False
        try:
            apply_text(here.services, "demo", text("{iam_user: anna}"), CAUSE)
        except Crash:
            cut = True
        fate.at = -1
        was_in = entry in there(here)
        here.people.ids[entry] = "SECOND"
        try:
            synchronise(here.services, "demo", CAUSE)
        except PortcullisError:
            assert not was_in  # no model was kept yet
            continue
        assert not (was_in and entry in there(here)), f"cut off at the {at}th call"
    assert at > 5


# ---------------------------------------------------------------------- what cannot be read


def test_an_unreadable_group_keeps_its_members_and_stops_no_other_leaver(here: Account) -> None:
    """Nobody joins by it either. It is told, stands in status, and a later fault is told again."""
    anna, ben, carl, dora = (f"Cognito/{POOL}/{name}" for name in ("anna", "ben", "carl", "dora"))
    here.people.groups |= {READERS: (anna, ben), OPS: (carl,)}
    apply_text(here.services, "demo", text("{cognito_group: readers}", "{iam_group: ops}"), CAUSE)
    here.people.unread[OPS] = Refused("not allowed to read it")
    here.people.groups |= {READERS: (anna,), OPS: (carl, dora)}
    synchronise(here.services, "demo", CAUSE)
    assert there(here) == {anna, carl}, "ben left, and dora has not been seen"
    [said] = told(here, "not-read")
    assert "iam_group:ops" in said
    assert any("iam_group:ops could not be read" in problem for problem in status(here.services, "demo").problems)
    [swept] = sweep(here.services)
    assert (swept.error, exit_status_of(sweep_and_tell(here.services))) == ("", 1)
    [left] = swept.not_seen_to
    assert left.startswith("access: iam_group:ops could not be read"), "no sweep is whole without the group"
    here.people.unread.clear()
    assert exit_status_of(sweep_and_tell(here.services)) == 0
    synchronise(here.services, "demo", CAUSE)
    assert there(here) == {anna, carl, dora}
    here.people.unread[OPS] = Refused("not allowed to read it")
    synchronise(here.services, "demo", CAUSE)
    assert len(told(here, "not-read")) == 2, "another fault is told again"


def test_a_first_apply_with_an_unreadable_group_applies_everything_else(here: Account) -> None:
    """A note names the group."""
    anna = f"Cognito/{POOL}/anna"
    here.people.groups[READERS] = (anna,)
    here.people.unread[OPS] = Refused("there can be no such group")
    done = apply_text(here.services, "demo", text("{cognito_group: readers}", "{iam_group: ops}"), CAUSE)
    assert done.status == "applied"
    assert there(here) == {anna}
    assert any("there can be no such group" in note for note in done.plan.notes)


def test_who_is_new_in_an_applied_file_is_known_after_deploy_and_comes_in_with_it(here: Account) -> None:
    """A note and no fault: all else is applied, the next step is told, and nothing is left to say once they may be read."""
    anna, carl = f"Cognito/{POOL}/anna", arn("user", "carl")
    here.people.groups |= {READERS: (anna,), OPS: (carl,)}
    apply_text(here.services, "demo", text("{cognito_group: readers}"), CAUSE)
    here.people.unread[OPS] = NotAllowed("not allowed to read it", action="iam:GetGroup")
    done = apply_text(here.services, "demo", text("{cognito_group: readers}", "{iam_group: ops}"), CAUSE)
    assert (done.status, done.exit_status) == ("unchanged", 0)
    [note] = done.plan.notes
    assert "iam_group:ops is known after deploy" in note
    assert plan(here.services, "demo", CAUSE).notes == (note,)
    found = status(here.services, "demo")
    assert (found.next, found.page) == ("cdk deploy", "drift")
    synchronise(here.services, "demo", CAUSE)
    [said] = told(here, "known-after-deploy")
    assert "iam_group:ops" in said
    assert not told(here, "not-read")
    assert there(here) == {anna}
    here.people.unread.clear()
    synchronise(here.services, "demo", CAUSE)
    assert there(here) == {anna, carl}
    assert status(here.services, "demo").problems == ()


def test_after_a_lock_nobody_of_a_group_that_cannot_be_read_is_let_in(here: Account) -> None:
    """Who left while it was locked cannot be known, so the last look from before says nothing any more."""
    anna, carl = f"Cognito/{POOL}/anna", arn("user", "carl")
    here.people.groups |= {READERS: (anna,), OPS: (carl,)}
    apply_text(here.services, "demo", text("{cognito_group: readers}", "{iam_group: ops}"), CAUSE)
    VERBS["lock"].run(here.services, "demo", CAUSE, reason="a test")
    here.people.unread[OPS] = Refused("not allowed to read it")
    custody = VERBS["unlock"].run(here.services, "demo", CAUSE)
    while custody.state is not State.OPEN:
        custody = guard(here.services, "demo", CAUSE)
    synchronise(here.services, "demo", CAUSE)
    assert there(here) == {anna}
    here.people.unread.clear()
    synchronise(here.services, "demo", CAUSE)
    assert there(here) == {anna, carl}


def test_whoever_accepts_a_wrong_name_is_told_who_waits_and_a_right_one_is_in_the_history(here: Account) -> None:
    entry = arn("user", "anna")
    here.people.ids[entry] = "FIRST"
    apply_text(here.services, "demo", text("{iam_user: anna}"), CAUSE)
    with pytest.raises(BadInput, match=r"nobody new has the name 'ben'.*nobody waits to be accepted: leave it out"):
        apply_text(here.services, "demo", None, CAUSE, accept_new=["ben"])
    here.people.ids[entry] = "SECOND"
    synchronise(here.services, "demo", CAUSE)
    with pytest.raises(BadInput, match=r"nobody new has the name 'ben'.*who waits: iam_user:anna"):
        apply_text(here.services, "demo", None, CAUSE, accept_new=["ben"])
    assert not [one for one in here.ledger.history("demo") if one.operation == "accept"]
    apply_text(here.services, "demo", None, CAUSE, accept_new=["anna"])
    [change] = [one for one in here.ledger.history("demo") if one.operation == "accept"]
    assert change.summary == "1 accepted under their name"
    assert change.after == ["iam_user:anna: SECOND, and no longer FIRST"]


@pytest.mark.parametrize(("people", "more"), [(20, ""), (21, "; and 1 more"), (23, "; and 3 more")])
def test_of_many_who_cannot_be_read_twenty_are_named_and_the_others_counted(
    here: Account, people: int, more: str
) -> None:
    here.people.groups[READERS] = (f"Cognito/{POOL}/anna",)
    apply_text(here.services, "demo", text("{cognito_group: readers}"), CAUSE)
    names = [f"group-{number:02d}" for number in range(people)]
    here.people.unread = {Subject(SubjectKind.IAM_GROUP, name): Refused("may not be read") for name in names}
    file = text(*(f"{{iam_group: {name}}}" for name in names))
    apply_text(here.services, "demo", file.replace("iam_groups: [ops]", f"iam_groups: [{', '.join(names)}]"), CAUSE)
    [alert] = [one for one in here.aws.told if one.name == "not-read"]
    assert alert.happened.startswith("who is meant by a grant could not be read: ")
    assert alert.happened.endswith(alert.detail["found"][-1] + more)
    assert len(alert.detail["found"]) == 20
