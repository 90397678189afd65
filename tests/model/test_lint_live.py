"""Given what a look at the account showed, then what a file names and the account does not have is found; what was not seen is said."""

import pytest
from portcullis import model
from portcullis.access.plan import By, Membership, Subject, SubjectKind
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.model import Facts, Severity
from portcullis.model.lint_live import ENGINE, POLICY, keys, principals

from tests.model.examples import lint

ROLE, USER = "arn:aws:iam::111122223333:role/ops/on-call", "arn:aws:iam::111122223333:user/anna"
KEY, SNAPSHOTS = "arn:aws:kms:eu-west-1:111122223333:alias/theirs", "arn:aws:kms:eu-west-1:111122223333:key/two"
EVERYBODY = f"""\
deployment: alpha
engine: OpenSearch_3.3
domain: {{configuration: cognito}}
key: {{arn: "{KEY}"}}
snapshots: {{key_arn: "{SNAPSHOTS}"}}
identity:
  cognito: {{groups: {{support: {{role: true}}, idle: {{}}}}}}
  iam_groups: [ops, unused]
  identity_center: {{store: d-1234567890}}
break_glass: {{assumed_by: ["{ROLE}", "{USER}"], require_mfa: false, session_name: "incident-*"}}
access:
  and_backend_roles: {{readall: [team-a, "{ROLE}"]}}
  grants:
    - {{role: readall, to: {{iam_user: ben}}}}
    - {{role: readall, to: {{iam_role: app}}}}
    - {{role: readall, to: {{iam_group: ops}}}}
    - {{role: readall, to: {{cognito_user: cleo}}}}
    - {{role: readall, to: {{cognito_group: support}}}}
    - {{role: manage_snapshots, to: {{cognito_group: support, by: role}}}}
    - {{role: readall, to: {{internal_user: dora}}}}
    - {{role: readall, to: {{backend_role: plain}}}}
    - {{role: readall, to: {{backend_role: "{ROLE}"}}}}
"""
OF = SubjectKind
NAMED = [  # subject, the line and place of its finding
    (Subject(OF.IAM_USER, "ben"), "14 access.grants[0].to"),
    (Subject(OF.IAM_ROLE, "app"), "15 access.grants[1].to"),
    (Subject(OF.IAM_GROUP, "ops"), "16 access.grants[2].to"),
    (Subject(OF.COGNITO_USER, "cleo"), "17 access.grants[3].to"),
    (Subject(OF.COGNITO_GROUP, "idle"), "7 identity.cognito.groups.idle"),
    (Subject(OF.IAM_GROUP, "unused"), "8 identity.iam_groups[1]"),
    (Subject(OF.IAM_USER, USER), "10 break_glass.assumed_by[1]"),
]


def test_everybody_a_file_names_is_looked_up_as_the_grant_asks():
    """By the role of the token or by the members. The keys of the file are listed too."""
    file = model.loads(EVERYBODY, "alpha.yaml")
    asked = {(grant.subject, grant.by) for _, grant in principals(file)}
    assert {subject for subject, _ in NAMED} <= {subject for subject, _ in asked}
    support = Subject(OF.COGNITO_GROUP, "support")
    assert {(support, By.MEMBERS), (support, By.ROLE)} <= asked
    assert (Subject(OF.IAM_ROLE, ROLE), By.MEMBERS) in asked, "a backend role that is an IAM role's ARN"
    assert [key for _, key in keys(file)] == [KEY, SNAPSHOTS]


def test_nobody_looked_so_nothing_is_said():
    assert not {"missing-principal", "missing-key", "not-looked-at"} & set(lint(EVERYBODY))
    all_there = Facts(membership=Membership(), held=SecurityConfig({Kind.USERS: {"dora": {}}}))
    assert not {"missing-principal", "missing-key", "not-looked-at"} & set(lint(EVERYBODY, all_there))


@pytest.mark.parametrize(("subject", "place"), NAMED, ids=lambda v: str(v))
def test_missing_principals_are_found_and_unseen_ones_never_called_missing(subject, place):
    """Both findings have the place in the file."""
    (absent,) = lint(EVERYBODY, Facts(membership=Membership(missing=frozenset({subject}))))["missing-principal"]
    assert (absent.severity, absent.place) == (Severity.WARNING, f"alpha.yaml:{place}")
    assert f"{subject} does not exist" in absent.message
    assert absent.remedy
    found = lint(EVERYBODY, Facts(membership=Membership(), unseen={str(subject): "not allowed"}))
    (unseen,) = found["not-looked-at"]
    assert (unseen.severity, unseen.place) == (Severity.WARNING, f"alpha.yaml:{place}")
    assert "could not be looked at: not allowed" in unseen.message
    assert "missing-principal" not in found


def test_each_grant_to_a_missing_subject_is_named_and_no_other_place_again():
    """Where a grant names a missing subject, the finding stands there. Other places that name the same subject add no finding."""
    gone = Membership(missing=frozenset({Subject(OF.COGNITO_GROUP, "support"), Subject(OF.IAM_ROLE, ROLE)}))
    places = [f.place.partition(" ")[2] for f in lint(EVERYBODY, Facts(membership=gone))["missing-principal"]]
    assert places == ["access.grants[4].to", "access.grants[5].to", "access.grants[8].to"]


def test_an_internal_user_exists_if_the_engine_or_the_file_has_them():
    """Among the users of the file or among its seed users."""
    nobody = Facts(held=SecurityConfig({Kind.USERS: {}}))
    assert "internal_user:dora does not exist" in lint(EVERYBODY, nobody)["missing-principal"][0].message
    made = EVERYBODY + "  users: {dora: {}}\n"
    assert "missing-principal" not in lint(made, nobody)
    seeded = (
        EVERYBODY
        + "  levels: {preset: layered, indices: [a]}\n  seed_users: {cloud: [{name: x.y.support, level: support}]}\n"
    )
    assert "missing-principal" not in lint(seeded.replace("dora", "x.y.support"), nobody)


def test_a_key_that_is_gone_is_an_error_and_one_that_was_not_seen_is_none():
    (gone,) = lint(EVERYBODY, Facts(absent=frozenset({KEY})))["missing-key"]
    assert (gone.severity, gone.place) == (Severity.ERROR, "alpha.yaml:4 key.arn")
    found = lint(EVERYBODY, Facts(unseen={SNAPSHOTS: "AccessDeniedException"}))
    assert (found["not-looked-at"][0].place, "missing-key" in found) == ("alpha.yaml:5 snapshots.key_arn", False)


def test_the_engine_and_the_policy_that_did_not_answer_are_said():
    found = lint(EVERYBODY, Facts(unseen={ENGINE: "no answer", POLICY: "not allowed"}))
    assert {(f.place, f.message) for f in found["not-looked-at"]} == {
        (ENGINE, "could not be looked at: no answer"),
        (POLICY, "could not be looked at: not allowed"),
    }
