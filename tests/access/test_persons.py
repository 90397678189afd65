"""The people of a deployment: who an entry means, and through what the model gives them a role."""

from __future__ import annotations

import pytest
from portcullis.access.one_role import Rank
from portcullis.access.plan import By, Grant, Membership, Subject, SubjectKind
from portcullis.access.questions.persons import ANYBODY, Person, Pool, as_person, granting, group_called, named, people
from portcullis.access.terms import Caller
from portcullis.errors import BadInput
from portcullis.families.opensearch.family import OPENSEARCH

from .strategies import holding, mapping

USER = "arn:aws:iam::111122223333:user/x/anna"
ANNAS = {kind: as_person(entry) for kind, entry in (("iam", USER), ("cognito", "Cognito/pool/anna"), ("own", "anna"))}
OF = SubjectKind
COGNITO = "Cognito/pool/anna"
KIM = "arn:aws:iam::1:user/x/kim"
BATCH = "arn:aws:iam::1:role/batch"


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


@pytest.mark.parametrize(
    ("entry", "kind", "name", "caller"),
    [
        (KIM, "iam_user", "kim", Caller(KIM, (KIM,))),
        (BATCH, "iam_role", "batch", Caller(BATCH, (BATCH,))),
        (COGNITO, "cognito_user", "anna", Caller(COGNITO)),
        ("master", "internal_user", "master", Caller("master")),
    ],
)
def test_an_entry_says_who_is_meant_and_how_the_engine_sees_them(
    entry: str, kind: str, name: str, caller: Caller
) -> None:
    found = as_person(entry)
    assert (found.kind, found.name, found.caller) == (kind, name, caller)


def test_without_the_pool_it_is_said_that_the_groups_were_not_read() -> None:
    assert as_person(COGNITO).unread == "the groups of the user pool could not be read"


RANKS = {"first": Rank(BATCH, 1), "second": Rank("arn:aws:iam::1:role/other", 2), "unranked": Rank(BATCH)}


@pytest.mark.parametrize(
    ("groups", "carried", "doubt"),
    [
        (("second", "first"), "first", False),
        (("unranked", "second"), "second", False),
        (("unranked",), "unranked", False),
        (("unknown",), "", True),
        ((), "", True),
    ],
)
def test_a_token_carries_the_role_of_the_group_that_comes_first(
    groups: tuple[str, ...], carried: str, doubt: bool
) -> None:
    found = as_person(COGNITO, tuple(f"cognito_group:{name}" for name in groups), Pool("pool", {}, RANKS))
    roles = (RANKS[carried].role,) if carried else ()
    assert (found.carried, bool(found.doubt)) == (carried, doubt)
    assert found.caller == Caller(COGNITO, roles)


@pytest.mark.parametrize(
    ("entry_list", "entry", "who"),
    [
        ("users", "a*", [(ANYBODY, "a name that fits a*")]),
        ("users", "a?", [(ANYBODY, "a name that fits a?")]),
        ("users", "a/", [("internal_user", "a/")]),
        ("users", "plain", [("internal_user", "plain")]),
        ("backend_roles", "/a/", [(ANYBODY, "a role or group that fits /a/")]),
        ("backend_roles", "a/", [("backend_role", "a/")]),
        ("backend_roles", "staff", [("backend_role", "staff")]),
        ("backend_roles", BATCH, [("iam_role", "batch")]),
        ("backend_roles", KIM, [("iam_user", "kim")]),
        ("hosts", "10.0.0.1", [(ANYBODY, "whoever comes from 10.0.0.1")]),
        ("hosts", " ", []),
    ],
)
def test_whoever_a_mapping_names_is_among_the_people(entry_list: str, entry: str, who: list[tuple[str, str]]) -> None:
    assert [(one.kind, one.name) for one in of_mapping(**{entry_list: [entry]})] == who


TOKENS = Subject(SubjectKind.COGNITO_GROUP, "tokens")
READERS = Subject(SubjectKind.COGNITO_GROUP, "readers")
IN_BOTH = Person(
    "cognito_user",
    "anna",
    COGNITO,
    Caller(COGNITO, (BATCH,)),
    (str(READERS), str(TOKENS)),
    carried="readers",
    role=BATCH,
)
KIM_THERE = Person("iam_user", "kim", KIM, Caller(KIM, (KIM,)), ("iam_group:ops",))
CREW = Person("internal_user", "lee", "lee", Caller("lee", ("crew",)))


@pytest.mark.parametrize(
    ("person", "grant", "given"),
    [
        (IN_BOTH, Grant(READERS, "r", "g", By.ROLE), True),
        (IN_BOTH, Grant(TOKENS, "r", "g", By.ROLE), False),  # their token carries the other's role
        (IN_BOTH, Grant(TOKENS, "r", "g", By.MEMBERS), True),
        (IN_BOTH, Grant(READERS, "another", "g"), False),
        (IN_BOTH, Grant(Subject(SubjectKind.COGNITO_USER, "anna"), "r", "g"), True),
        (IN_BOTH, Grant(Subject(SubjectKind.COGNITO_GROUP, "anna"), "r", "g"), False),  # a group called as they are
        (KIM_THERE, Grant(Subject(SubjectKind.IAM_GROUP, "ops"), "r", "g"), True),
        (KIM_THERE, Grant(Subject(SubjectKind.IAM_GROUP, "kim"), "r", "g"), False),
        (KIM_THERE, Grant(Subject(SubjectKind.IAM_USER, KIM), "r", "g"), True),
        (KIM_THERE, Grant(Subject(SubjectKind.IAM_USER, "lee"), "r", "g"), False),
        (CREW, Grant(Subject(SubjectKind.BACKEND_ROLE, "crew"), "r", "g"), True),
        (CREW, Grant(Subject(SubjectKind.BACKEND_ROLE, "lee"), "r", "g"), False),  # a backend role called as they are
        (CREW, Grant(Subject(SubjectKind.IAM_GROUP, "crew"), "r", "g"), False),
    ],
)
def test_a_role_is_given_through_a_group_a_backend_role_or_their_own_name(
    person: Person, grant: Grant, given: bool
) -> None:
    assert granting([grant], person, "r") == ((f"{grant.subject} (g)",) if given else ())


def test_a_name_that_several_have_means_all_of_them_until_the_kind_is_said() -> None:
    other = Person("cognito_user", "kim", "Cognito/pool/kim", None)
    pattern = Person(ANYBODY, "kim", "kim", None)
    known = (KIM_THERE, other, pattern)
    assert named(known, "iam_user:kim") == (KIM_THERE,)
    assert named(known, KIM) == (KIM_THERE,)
    assert named((KIM_THERE, other), "kim") == (KIM_THERE, other)
    assert named(known, "lee") == ()


def test_a_role_that_tokens_carry_and_a_plain_one_are_nobody() -> None:
    """Whoever is granted something through them is known by their group, or not at all."""
    plain = Subject(SubjectKind.BACKEND_ROLE, "staff")
    grants = (Grant(TOKENS, "r", "g", By.ROLE), Grant(plain, "r", "g"), Grant(Subject(OF.IAM_GROUP, "ops"), "r", "g"))
    found = Membership({Subject(OF.IAM_GROUP, "ops"): (KIM,)}, {TOKENS: (BATCH,), plain: ("staff",)})
    pool = Pool("pool", {"tokens": (COGNITO,)}, {"tokens": Rank(BATCH, 1)})
    everybody = people(OPENSEARCH, holding(), grants, found, pool, {})
    assert [(str(one), one.groups, one.role) for one in everybody] == [
        ("cognito_user:anna", ("cognito_group:tokens",), BATCH),
        ("iam_user:kim", ("iam_group:ops",), ""),
    ]


def test_an_entry_that_is_called_like_an_internal_user_is_that_user() -> None:
    users = {"ops": Caller("ops", ("staff",))}
    assert [as_person(name, users=users).caller for name in ("ops", "kim")] == [users["ops"], Caller("kim")]
    assert as_person("ops").caller == Caller("ops")


def test_a_group_is_meant_by_its_name_or_by_its_kind_and_name() -> None:
    iam, cognito, alone = Subject(OF.IAM_GROUP, "ops"), Subject(OF.COGNITO_GROUP, "ops"), Subject(OF.IAM_GROUP, "hr")
    for asked, meant in (("iam_group:ops", iam), ("cognito_group:ops", cognito), ("hr", alone)):
        assert group_called([iam, cognito, alone], asked, source="s", place="p") == meant
    for asked, there in (("ops", "one of: cognito_group:ops, iam_group:ops"), ("x", "cognito_group:ops, iam_group:hr")):
        with pytest.raises(BadInput, match=there):
            group_called([iam, cognito, alone], asked, source="s", place="p")


def test_two_groups_of_one_precedence_and_different_roles_let_nobody_sign_in() -> None:
    ranks = {"b": Rank(BATCH, 1), "a": Rank("arn:aws:iam::1:role/other", 1), "c": Rank(BATCH, 2)}
    found = as_person(COGNITO, ("cognito_group:b", "cognito_group:a", "cognito_group:c"), Pool("pool", {}, ranks))
    assert found.caller is None
    assert (found.carried, found.role) == ("", "")
    assert found.refused == (
        "a and b have the same precedence and different roles, so the identity pool refuses the sign-in"
    )


def test_two_groups_of_one_precedence_and_one_role_carry_it() -> None:
    ranks = {"b": Rank(BATCH, 1), "a": Rank(BATCH, 1)}
    found = as_person(COGNITO, ("cognito_group:b", "cognito_group:a"), Pool("pool", {}, ranks))
    assert (found.caller, found.carried, found.role, found.refused) == (Caller(COGNITO, (BATCH,)), "a", BATCH, "")


@pytest.mark.parametrize(
    ("lists", "caller"),
    [
        ({"hosts": ["10.0.0.1"]}, Caller("", (), {}, ("10.0.0.1",))),
        ({"users": ["a*"]}, Caller("a*")),
        ({"backend_roles": ["a*"]}, Caller("", ("a*",))),
        ({"backend_roles": ["staff"]}, Caller("", ("staff",))),
    ],
)
def test_an_entry_is_asked_about_as_the_engine_would_see_it(lists: dict[str, list[str]], caller: Caller) -> None:
    (one,) = of_mapping(**lists)
    assert one.caller == caller
    assert one.entry == next(iter(lists.values()))[0]


def test_a_role_that_tokens_carry_is_the_people_behind_it_and_patterns_come_last() -> None:
    held = holding({}, {"r": mapping(backend_roles=[BATCH, KIM], users=["a*", "zoe"])})
    found = people(OPENSEARCH, held, (), Membership(), Pool("p", {}, {"g": Rank(BATCH, 1)}), {"own": Caller("own")})
    assert [str(one) for one in found] == [
        "iam_user:kim",
        "internal_user:own",
        "internal_user:zoe",
        "anybody:a name that fits a*",
    ]


def test_who_signs_in_as_a_user_of_the_engine_is_meant_by_its_name() -> None:
    person = Person("cognito_user", "anna", COGNITO, Caller("ops"), users=("ops",))
    assert named([person], "internal_user:ops") == (person,)
    grant = Grant(Subject(OF.INTERNAL_USER, "ops"), "r", "g")
    assert granting([grant, grant], person, "r") == ("internal_user:ops (g)",)


def test_where_every_group_counts_the_token_names_them_all() -> None:
    every = Person("cognito_user", "anna", COGNITO, Caller(COGNITO), (str(TOKENS),), every_group=True)
    assert granting([Grant(TOKENS, "r", "g", By.ROLE)], every, "r") == ("cognito_group:tokens (g)",)


def test_where_there_is_no_group_it_says_so() -> None:
    with pytest.raises(BadInput, match="which group 'x' is") as told:
        group_called([], "x", source="s", place="p")
    assert (told.value.remedy, told.value.source, told.value.place) == ("one of: none", "s", "p")
