"""Who administers a domain is listed with why; the master is moved in AWS, in our books and in the mappings, however it is cut off."""

from __future__ import annotations

import pytest
from portcullis.access.plan import Claim, Subject, SubjectKind
from portcullis.errors import BadInput, Refused
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.access.masters import master_list, master_move, subject_from
from portcullis.operations.access.synchronise import synchronise
from portcullis.operations.services import Trigger
from portcullis.ports.ledger import Claims
from portcullis.ports.registration import EngineUser, IamRole

from tests.operations.ledgers import Crash
from tests.operations.worlds import Account, account, arn, mapping, model_text

CAUSE = Trigger("a test", "somebody")
OLD, NEW = arn("role", "master"), arn("role", "new-master")
BOTH = ("all_access", "security_manager")
TEXT = model_text("  grants: [{role: all_access, to: {iam_role: chief}}]\n")


@pytest.fixture
def here() -> Account:
    made = account()
    made.registered()
    apply_text(made.services, "demo", TEXT, CAUSE)
    return made


def administrators(here: Account) -> list[set[str]]:
    return [set(here.engine.held.entries(name, "backend_roles")) for name in BOTH]


# ---------------------------------------------------------------------- who there is


def test_each_administrator_is_listed_with_what_asks_for_them(here: Account) -> None:
    by_hand = mapping(backend_roles=[OLD, arn("role", "chief"), "theirs", "nobodys"]) | {
        "and_backend_roles": ["a", "b"]
    }
    here.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/all_access", "value": by_hand}])
    domain = here.ledger.registration("demo").place.id
    theirs = Claim(Kind.MAPPINGS, "all_access", "backend_roles", "theirs")
    here.ledger.keep_claims(domain, "other", Claims([theirs]))
    found = {
        (one.through, one.who): one.because
        for one in master_list(here.services, "demo", CAUSE)
        if one.role == "all_access"
    }
    assert "iam_role:chief" in found["backend_roles", arn("role", "chief")]
    assert found["backend_roles", OLD]
    assert found["backend_roles", "theirs"] == "another deployment on the same domain"
    assert found["backend_roles", "nobodys"] == ""
    assert found["and_backend_roles", "a and b"] == ""


def test_a_condition_of_the_model_is_why_somebody_administers(here: Account) -> None:
    apply_text(here.services, "demo", model_text("  and_backend_roles: {all_access: [a, b]}\n"), CAUSE)
    [found] = [one for one in master_list(here.services, "demo", CAUSE) if one.through == "and_backend_roles"]
    assert (found.who, bool(found.because), found.because.count(";")) == ("a and b", True, 0)
    by_hand = [{"op": "add", "path": "/all_access/and_backend_roles", "value": ["a", "c"]}]
    here.engine.by_hand(Kind.MAPPINGS, by_hand)
    [found] = [one for one in master_list(here.services, "demo", CAUSE) if one.through == "and_backend_roles"]
    assert (found.who, found.because) == ("a and c", ""), "the model asks for one of them alone"


@pytest.mark.parametrize(
    ("principal", "subject"),
    [
        (arn("user", "eu/anna"), Subject(SubjectKind.IAM_USER, arn("user", "eu/anna"))),
        (arn("role", "ci"), Subject(SubjectKind.IAM_ROLE, arn("role", "ci"))),
        ("iam_group:ops", Subject(SubjectKind.IAM_GROUP, "ops")),
        ("internal_user:a:b", Subject(SubjectKind.INTERNAL_USER, "a:b")),
    ],
)
def test_a_principal_is_an_arn_or_a_kind_with_a_name(principal: str, subject: Subject) -> None:
    assert subject_from(principal) == subject


@pytest.mark.parametrize("principal", ["anna", "role:x", "iam_role:", ":x", ""])
def test_what_is_neither_is_answered_with_the_kinds_there_are(principal: str) -> None:
    with pytest.raises(BadInput, match=r"names nobody .*KIND is one of .*iam_user, .*internal_user") as said:
        subject_from(principal)
    assert said.value.place == "principal"


# ---------------------------------------------------------------------- the move


def test_a_moved_master_is_in_the_history_and_the_old_one_administers_nothing(here: Account) -> None:
    done = master_move(here.services, "demo", CAUSE, principal=NEW)
    assert (here.aws.masters, done.writes > 0) == ([NEW], True)
    for entries in administrators(here):
        assert (NEW in entries, OLD in entries) == (True, False)
    [entry] = [one for one in here.ledger.history("demo") if one.operation == "master move" and one.before == OLD]
    assert (entry.after, entry.actor) == (NEW, "somebody")
    assert entry.summary == f"the master is {NEW}, no longer {OLD}"


@pytest.mark.parametrize("after", [False, True], ids=["before it", "after it"])
def test_a_move_that_is_cut_off_anywhere_is_finished_by_asking_again(here: Account, after: bool) -> None:
    for call in range(1, 30):
        made = account()
        made.registered()
        apply_text(made.services, "demo", TEXT, CAUSE)
        made.fate.at, made.fate.after = made.fate.calls + call, after
        try:
            master_move(made.services, "demo", CAUSE, principal=NEW)
        except Crash:
            made.fate.at = -1
            made.ledger._leases.clear()  # whoever had it is gone
            assert any(OLD in entries for entries in administrators(made)) or made.aws.masters == [NEW]
            master_move(made.services, "demo", CAUSE, principal=NEW)
        else:
            assert call > 5
            break
        assert made.ledger.registration("demo").master == IamRole(NEW)
        for entries in administrators(made):
            assert (NEW in entries, OLD in entries) == (True, False)
        assert any(one.operation == "master move" and one.after == NEW for one in made.ledger.history("demo", 50)), call


def test_the_master_there_is_already_is_not_moved_and_the_model_is_applied(here: Account) -> None:
    master_move(here.services, "demo", CAUSE, principal=NEW)
    here.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/all_access/backend_roles", "value": [NEW]}])
    assert master_move(here.services, "demo", CAUSE, principal=NEW).writes > 0
    assert here.aws.masters == [NEW]
    assert arn("role", "chief") in administrators(here)[0]


@pytest.mark.parametrize(
    "principal",
    [arn("user", "anna"), "master", "iam_role:master", arn("role", "a b"), f"{NEW}\n", "arn:aws:iam::1:role/x"],
)
def test_what_is_no_role_of_iam_becomes_no_master(here: Account, principal: str) -> None:
    with pytest.raises(BadInput, match=r"no ARN of an IAM role.*moved in the console"):
        master_move(here.services, "demo", CAUSE, principal=principal)
    assert here.aws.masters == []


def test_a_master_of_the_internal_user_database_is_not_moved_here(here: Account) -> None:
    here.registered(master=EngineUser("chief", "the-masters"))
    with pytest.raises(Refused, match="demo has no IAM master"):
        master_move(here.services, "demo", CAUSE, principal=NEW)
    assert here.aws.masters == []


def test_a_move_that_aws_refuses_leaves_the_master_where_they_are(here: Account) -> None:
    def refused(*_: object) -> None:
        raise Refused("AWS says no")

    here.aws.set_master = refused  # type: ignore[method-assign]
    before = administrators(here)
    with pytest.raises(Refused, match="AWS says no"):
        master_move(here.services, "demo", CAUSE, principal=NEW)
    synchronise(here.services, "demo", CAUSE)
    assert administrators(here) == before
    assert here.ledger.registration("demo").master == IamRole(OLD)
