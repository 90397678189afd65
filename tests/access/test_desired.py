"""Given grants and who is found of them, then who should have which role is said, with the reason of each entry."""

from __future__ import annotations

import pytest
from portcullis.access.desired import Desired, Granted, granted
from portcullis.access.plan import By, Claim, Grant, Membership, Subject, SubjectKind
from portcullis.errors import Refused, Unreachable

OPS, SUPPORT = Subject(SubjectKind.IAM_GROUP, "ops"), Subject(SubjectKind.COGNITO_GROUP, "support")
KIM, APP = Subject(SubjectKind.IAM_USER, "kim"), Subject(SubjectKind.IAM_ROLE, "app")
CLERK, CREW = Subject(SubjectKind.INTERNAL_USER, "clerk"), Subject(SubjectKind.BACKEND_ROLE, "crew")
ANNA, KIM_ARN, APP_ARN, TOKEN = "Cognito/pool/anna", "arn:aws:iam::1:user/kim", "arn:aws:iam::1:role/app", "arn:token"
FOUND = Membership({OPS: (KIM_ARN, "arn:lee"), SUPPORT: (ANNA,), KIM: (KIM_ARN,)}, {APP: (APP_ARN,), SUPPORT: (TOKEN,)})
THROTTLED = Unreachable("throttled")


def grant(subject: Subject, role: str = "readers", source: str = "f:1", by: By = By.MEMBERS) -> Grant:
    return Grant(subject, role, source, by)


@pytest.mark.parametrize(
    ("one", "entries"),
    [
        (grant(OPS), {"users": {KIM_ARN: "iam_group:ops (f:1)", "arn:lee": "iam_group:ops (f:1)"}}),
        (grant(KIM), {"users": {KIM_ARN: "iam_user:kim (f:1)"}}),
        (grant(APP), {"backend_roles": {APP_ARN: "iam_role:app (f:1)"}}),
        (grant(SUPPORT), {"users": {ANNA: "cognito_group:support (f:1)"}}),
        (grant(SUPPORT, by=By.ROLE), {"backend_roles": {TOKEN: "cognito_group:support (f:1)"}}),
        (grant(CLERK), {"users": {"clerk": "internal_user:clerk (f:1)"}}),
        (grant(CREW, source=""), {"backend_roles": {"crew": "backend_role:crew"}}),
    ],
)
def test_a_grant_becomes_entries_of_its_kind(one: Grant, entries: dict[str, dict[str, str]]) -> None:
    assert granted([one], FOUND) == Granted({"readers": entries})


def test_of_several_grants_of_one_entry_the_first_reason_stays() -> None:
    """In the order of roles, subjects and sources, whatever the file's is."""
    grants = [grant(KIM, source="f:9"), grant(OPS), grant(KIM, source="f:2"), grant(KIM, "admins")]
    for order in (grants, grants[::-1]):
        found = granted(order, FOUND)
        assert [*found.entries] == ["admins", "readers"]
        assert found.entries["readers"] == {"users": {KIM_ARN: "iam_group:ops (f:1)", "arn:lee": "iam_group:ops (f:1)"}}
    assert granted([grant(KIM, source="f:9"), grant(KIM, source="f:2")], FOUND).entries == {
        "readers": {"users": {KIM_ARN: "iam_user:kim (f:2)"}}
    }


def test_who_does_not_exist_is_noted_and_the_others_have_their_roles() -> None:
    missing = Membership({KIM: (KIM_ARN,)}, missing=frozenset({OPS, SUPPORT}), notes=("left out: lee",))
    found = granted([grant(SUPPORT), grant(OPS), grant(OPS), grant(KIM)], missing)
    assert found.entries == {"readers": {"users": {KIM_ARN: "iam_user:kim (f:1)"}}}
    assert found.notes == (
        "left out: lee",
        "cognito_group:support does not exist, so it is granted nothing (f:1: readers); "
        "cdk deploy makes the groups of the pool that are new in the file",
        "iam_group:ops does not exist, so it is granted nothing (f:1: readers)",
    )
    assert found.unsure == frozenset()


def test_who_could_not_be_read_makes_their_role_alone_unsure() -> None:
    """Whoever is granted after them has the role all the same."""
    unread = Membership({KIM: (KIM_ARN,)}, unread={SUPPORT: THROTTLED, OPS: THROTTLED})
    found = granted([grant(SUPPORT), grant(OPS, "writers"), grant(KIM), grant(KIM, "writers")], unread)
    assert {role: [*lists["users"]] for role, lists in found.entries.items()} == {
        "readers": [KIM_ARN],
        "writers": [KIM_ARN],
    }
    assert found.unsure == {"readers", "writers"}
    assert found.notes == (
        "nobody new gets into readers and nobody is taken out (f:1): throttled",
        "nobody new gets into writers and nobody is taken out (f:1): throttled",
    )
    assert granted([grant(SUPPORT), grant(KIM, "writers")], unread).unsure == {"readers"}


@pytest.mark.parametrize(
    ("one", "members", "says"),
    [
        (grant(OPS), Membership(), "iam_group:ops was not read"),
        (grant(SUPPORT), Membership(backend_roles={SUPPORT: (TOKEN,)}), "cognito_group:support by members was not read"),
        (grant(SUPPORT, by=By.ROLE), Membership({SUPPORT: (ANNA,)}), "cognito_group:support by role was not read"),
    ],
)  # fmt: skip
def test_who_was_not_read_is_no_empty_group(one: Grant, members: Membership, says: str) -> None:
    with pytest.raises(Refused, match=says):
        granted([one], members)
    assert granted([grant(OPS)], Membership({OPS: ()})).entries == {}


ASKED = Desired(
    {"roles": {"readers": {"a": 1}, "writers": {}}, "tenants": {"t": {}}},
    {"readers": {"users": {"anna": "why"}}, "writers": {"users": {"ben": "too"}, "backend_roles": {"crew": "so"}}},
    ("noted",),
    frozenset({"readers", "writers"}),
    frozenset({Claim("roles", "x")}),
    frozenset({"readers", "writers"}),
)


def test_all_that_is_asked_for_is_claimed() -> None:
    assert ASKED.claims("maps") == {
        *(Claim("roles", name) for name in ("readers", "writers")),
        Claim("tenants", "t"),
        Claim("maps", "readers", "users", "anna"),
        Claim("maps", "writers", "users", "ben"),
        Claim("maps", "writers", "backend_roles", "crew"),
    }


def test_why_an_entry_should_be_there_is_known_of_it_alone() -> None:
    assert ASKED.because("readers", "users", "anna") == "why"
    for role, entry_list, entry in (("readers", "users", "ben"), ("readers", "hosts", "anna"), ("none", "users", "anna")):  # fmt: skip
        assert ASKED.because(role, entry_list, entry) is None
    assert (ASKED.of("tenants"), ASKED.of("none")) == ({"t": {}}, {})


def test_a_part_of_what_is_asked_for_has_the_named_documents_and_roles() -> None:
    part = ASKED.only(["writers", "none"], {"roles": ["readers", "none"], "users": ["x"]})
    assert part == Desired(
        {"roles": {"readers": {"a": 1}}, "users": {}},
        {"writers": ASKED.entries["writers"]},
        ("noted",),
        frozenset({"writers"}),
        granted=frozenset({"writers"}),
    )
