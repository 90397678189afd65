"""What a running engine holds is taken over into the file of its own deployment, or nothing is."""

from __future__ import annotations

import pytest
from portcullis import model
from portcullis.access.plan import Subject, SubjectKind
from portcullis.errors import BadInput, Refused
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.adopting import adopt, subject_of
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.services import Trigger

from tests.operations.worlds import POOL, Account, account, arn, mapping, model_text, role

CAUSE = Trigger("a test", "somebody")
TEXT = model_text("  grants: []\n")


@pytest.fixture
def here() -> Account:
    made = account()
    made.registered()
    apply_text(made.services, "demo", TEXT, CAUSE)
    return made


@pytest.mark.parametrize("dry_run", [True, False])
def test_the_file_of_another_deployment_is_refused(here: Account, dry_run: bool) -> None:
    """It would be in force here, with the groups of that one."""
    other = TEXT.replace("deployment: demo", "deployment: shop")
    with pytest.raises(BadInput, match="line 1, deployment: is the file of 'shop'"):
        adopt(here.services, "demo", CAUSE, text=other, dry_run=dry_run)
    assert here.ledger.model("demo").text == TEXT


def hand(here: Account, name: str, **entries: list[str]) -> None:
    """A role that a person made, and whom it is given to."""
    here.engine.by_hand(Kind.ROLES, [{"op": "add", "path": f"/{name}", "value": role("read")}])
    here.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": f"/{name}", "value": mapping() | entries}])


def mine(here: Account) -> set[str]:
    return set(map(str, here.ledger.claims(here.ledger.registration("demo").place.id)["demo"]))


def test_what_the_file_asks_for_already_and_nobody_had_claimed_is_claimed(here: Account) -> None:
    hand(here, "editors", backend_roles=["team"])
    file = model_text(
        "  roles: {editors: {index_permissions: [{index_patterns: [logs-*], allowed_actions: [read]}]}}\n"
        "  grants: [{role: editors, to: {backend_role: team}}]\n"
    )
    done = adopt(here.services, "demo", CAUSE, text=file)
    wanted = {"roles/editors", "rolesmapping/editors/backend_roles: team"}
    assert (set(done.taken), done.claimed, done.exit_status) == (wanted, True, 0)
    assert wanted <= mine(here)
    assert here.ledger.model("demo").text == done.text == file
    assert adopt(here.services, "demo", CAUSE, dry_run=True).exit_status == 0, "there is nothing left to take"


def test_what_the_file_asks_for_is_left_where_it_is_not_chosen(here: Account) -> None:
    hand(here, "editors", backend_roles=["team", "others"])
    entry = "rolesmapping/editors/backend_roles: team"
    done = adopt(here.services, "demo", CAUSE, without=[entry])
    assert entry not in done.taken
    assert entry not in mine(here)
    assert "rolesmapping/editors/backend_roles: others" in mine(here)


def test_who_does_not_exist_stays_by_hand_and_is_named(here: Account) -> None:
    """The next look at the groups would take them out again."""
    gone, there = f"Cognito/{POOL}/gone", f"Cognito/{POOL}/anna"
    here.people.gone = {Subject(SubjectKind.COGNITO_USER, "gone"), Subject(SubjectKind.INTERNAL_USER, "ghost")}
    hand(here, "editors", users=[gone, there, "local", "ghost"], backend_roles=["team"])
    done = adopt(here.services, "demo", CAUSE)
    left = "\n".join(done.left)
    assert f"rolesmapping/editors/users: {gone}: cognito_user:gone does not exist" in left
    named = {str(one.to.subject) for one in model.loads(done.text, "demo.yaml").access.grants}
    assert {"cognito_user:anna", "internal_user:local", "backend_role:team"} <= named
    assert "cognito_user:gone" not in named
    assert "internal_user:ghost" not in named
    assert gone in here.engine.held.entries("editors", "users")


def test_a_condition_that_no_file_can_hold_is_left_and_the_rest_is_taken(here: Account) -> None:
    hand(here, "both", and_backend_roles=["a", "b"])
    hand(here, "odd", and_backend_roles=["a" * 300, "b"])
    done = adopt(here.services, "demo", CAUSE)
    after = model.loads(done.text, "demo.yaml").access
    assert set(after.and_backend_roles) == {"both"}
    assert any("and_backend_roles" in one and "odd" in one for one in done.left), done.left
    assert {"roles/both", "roles/odd"} <= set(done.taken)
    assert not any("odd/and_backend_roles" in one for one in done.taken)


@pytest.mark.parametrize(("named", "place"), [("only", "only"), ("without", "except")])
def test_a_name_that_nothing_answers_to_is_said_with_where_it_was_named(here: Account, named: str, place: str) -> None:
    hand(here, "editors", backend_roles=["team"])
    with pytest.raises(BadInput, match=r"nothing to take over that is called 'nobody'.*adopt demo --dry-run") as said:
        adopt(here.services, "demo", CAUSE, **{named: ["editors", "nobody"]})  # type: ignore[arg-type]
    assert said.value.place == place


def test_without_a_model_in_the_ledger_a_file_is_asked_for() -> None:
    made = account()
    made.registered()
    with pytest.raises(Refused, match="the ledger holds no model of demo; give a deployment file to write into"):
        adopt(made.services, "demo", CAUSE)


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        (arn("role", "ci"), SubjectKind.IAM_ROLE),
        (arn("user", "anna"), SubjectKind.BACKEND_ROLE),
        ("arn:aws:sts::111122223333:assumed-role/role/x", SubjectKind.BACKEND_ROLE),
        ("x:iam::1:role/y", SubjectKind.BACKEND_ROLE),
    ],
)
def test_a_backend_role_is_a_role_of_iam_where_it_is_the_arn_of_one(
    here: Account, entry: str, kind: SubjectKind
) -> None:
    found = subject_of("backend_roles", entry, here.ledger.registration("demo"))
    assert found == Subject(kind, entry)


def test_without_a_user_pool_its_names_are_nobodys(here: Account) -> None:
    here.registered(cognito=None)
    one = here.ledger.registration("demo")
    assert subject_of("users", f"Cognito/{POOL}/anna", one) is None
    assert subject_of("users", "anna", one) == Subject(SubjectKind.INTERNAL_USER, "anna")
    assert subject_of("hosts", "10.0.0.1", one) is None
