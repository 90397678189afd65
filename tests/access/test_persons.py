"""The people of a deployment: who an entry means, and through what the model gives them a role."""

from __future__ import annotations

import pytest
from portcullis.access.persons import Person, Pool, as_person, granting, people
from portcullis.access.plan import Grant, Membership, Subject, SubjectKind
from portcullis.families.opensearch.family import OPENSEARCH

from .strategies import holding, mapping

USER = "arn:aws:iam::111122223333:user/x/anna"
ANNAS = {kind: as_person(entry) for kind, entry in (("iam", USER), ("cognito", "Cognito/pool/anna"), ("own", "anna"))}
OF = SubjectKind


@pytest.mark.parametrize(
    ("subject", "whose"),
    [
        (Subject(OF.INTERNAL_USER, "anna"), {"own"}),
        (Subject(OF.COGNITO_USER, "anna"), {"cognito"}),
        (Subject(OF.IAM_USER, "anna"), {"iam"}),
        (Subject(OF.IAM_USER, USER), {"iam"}),
        (Subject(OF.BACKEND_ROLE, USER), {"iam"}),
        (Subject(OF.BACKEND_ROLE, "anna"), set()),
        (Subject(OF.COGNITO_GROUP, "anna"), set()),
    ],
)
def test_a_grant_is_of_whom_it_names_and_of_no_namesake(subject: Subject, whose: set[str]) -> None:
    grants = (Grant(subject, "r", "file:1"),)
    assert {kind for kind, person in ANNAS.items() if granting(grants, person, "r")} == whose


def of_mapping(**lists: list[str]) -> list[Person]:
    held = holding({}, {"r": mapping(**lists)})
    return list(people(OPENSEARCH, held, (), Membership(), Pool(), {}))


def test_a_name_that_begins_with_a_slash_alone_is_no_pattern() -> None:
    assert [str(one) for one in of_mapping(users=["/abc", "/"])] == ["internal_user:/", "internal_user:/abc"]
    assert [str(one) for one in of_mapping(users=["/abc/"])] == ["anybody:a name that fits /abc/"]
