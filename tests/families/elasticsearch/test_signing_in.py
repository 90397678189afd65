"""How people reach a cluster: as which native users, or with a token of which realm, and which roles they have then."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.access.actual import Json
from portcullis.access.plan import Claim, Grant, Operation, People, Subject, SubjectKind
from portcullis.access.questions.persons import ANYBODY, Person
from portcullis.access.terms import NOT_SIGNED_IN
from portcullis.access.terms import Caller as Principal
from portcullis.families.elasticsearch.documents.config import ROLES_OF_NOBODY, Kind, SecurityConfig
from portcullis.families.elasticsearch.granting.callers import Caller
from portcullis.families.elasticsearch.granting.signing_in import (
    as_known,
    as_known_then,
    called,
    lets_in,
    mapped,
    may_hold,
    sign_ins,
)
from portcullis.families.elasticsearch.granting.who_has import GROUPS, MAPPING, NAMELESS, REALM, USERS

ANN, BEN = "arn:aws:iam::1:user/team/ann", "arn:aws:iam::1:user/ben"


def rule(*who: Json, realm: str = "tokens") -> Json:
    return {"all": [{"field": {"realm.name": realm}}, {"any": list(who)}]}


def names(*of: str) -> Json:
    return {"field": {"username": list(of)}}


def groups(*of: str) -> Json:
    return {"field": {"groups": list(of)}}


def held(mappings: Json | None = None, users: Json | None = None, nobody: tuple[str, ...] = ()) -> SecurityConfig:
    documents: Json = {Kind.MAPPINGS: mappings or {}, Kind.USERS: users or {}, Kind.ROLES: {}}
    if nobody:
        documents[NOT_SIGNED_IN] = {ROLES_OF_NOBODY: {"roles": list(nobody)}}
    return SecurityConfig(documents)


# ---- a way in


@pytest.mark.parametrize(
    ("user", "roles", "nobody"),
    [
        ({"roles": ["r", "s"]}, {"r", "s"}, ""),
        ({"roles": []}, set(), "native user ann has no role"),
        ({"roles": ["r"], "enabled": False}, set(), "native user ann is disabled"),
        (None, set(), "there is no native user ann"),
    ],
)
def test_a_native_user_has_the_roles_of_their_document(user: Json | None, roles: set[str], nobody: str) -> None:
    (one,) = sign_ins(held(users={"ann": user} if user else {}), Principal("ann"))
    assert (set(one.roles), one.nobody) == (roles, nobody)
    (with_others,) = sign_ins(held(users={"ann": {"roles": ["r"]}}, nobody=("guest",)), Principal("ann"))
    assert set(with_others.roles) == {"guest", "r"}


def test_several_native_users_are_several_ways_in() -> None:
    config = held(users={"ann": {"roles": ["r"]}, "ann.support": {"roles": ["s"]}})
    both = sign_ins(config, Principal("ann", (), {USERS: "ann\nann.support"}))
    assert [set(one.roles) for one in both] == [{"r"}, {"s"}]


def test_whoever_does_not_sign_in_has_what_the_nodes_give_and_no_more() -> None:
    (one,) = sign_ins(held(users={"": {"roles": ["r"]}}, nobody=("guest",)), Principal("", (), {NAMELESS: "yes"}))
    assert dict(one.roles) == {"guest": f"{ROLES_OF_NOBODY} of the nodes"}


def test_whoever_a_role_mapping_lets_in_has_its_roles_and_what_its_templates_give() -> None:
    config = held({"m": {"roles": ["r"], "role_templates": [{"template": "x"}]}}, nobody=("guest",))
    (one,) = sign_ins(config, Principal("", (), {MAPPING: "m"}))
    assert set(one.roles) == {"r", "guest"}
    assert one.open == ('what the template {"template": "x"} comes to',)
    (none,) = sign_ins(held(), Principal("", (), {MAPPING: "gone"}))
    assert (dict(none.roles), none.nobody) == ({}, "role mapping gone gives no role")


@pytest.mark.parametrize(
    ("mapping", "roles", "perhaps"),
    [
        ({"roles": ["r"], "rules": rule(names("ann"))}, {"r"}, set()),
        ({"roles": ["r"], "rules": rule(names("ben"))}, set(), set()),
        ({"roles": ["r"], "rules": rule(names("ann"), realm="others")}, set(), set()),
        ({"roles": ["r"], "rules": rule(names("ann")), "enabled": False}, set(), set()),
        ({"roles": ["r"], "rules": rule(names("a*"))}, {"r"}, set()),
        ({"roles": ["r"], "rules": rule(names("ben"), groups("staff"))}, set(), {"r"}),
        ({"roles": ["r"], "rules": rule({"field": {"username": "ann"}})}, {"r"}, set()),
        ({"roles": ["r"]}, set(), {"r"}),
        ({"roles": ["r"], "rules": rule(groups("staff"))}, set(), {"r"}),  # which groups a token names is not known
        ({"roles": ["r"], "rules": rule({"field": {"dn": "*"}})}, set(), {"r"}),
        ({"roles": ["r"], "rules": {"any": []}}, set(), set()),
        ({"roles": ["r"], "rules": {"all": []}}, {"r"}, set()),
        ({"roles": ["r"], "rules": "no rule"}, set(), {"r"}),
    ],
)
def test_a_token_has_the_roles_of_the_mappings_that_let_it_in(
    mapping: Json, roles: set[str], perhaps: set[str]
) -> None:
    (one,) = sign_ins(held({"m": mapping}), Principal("ann", (), {REALM: "tokens"}))
    assert (set(one.roles), set(one.perhaps)) == (roles, perhaps)
    assert one.nobody == ("" if roles else "no role mapping lets them in")


def test_a_token_has_the_roles_of_all_mappings_that_let_it_in() -> None:
    """Those that are disabled, or let somebody else in, stand in no other's way."""
    mine, other = rule(names("a*")), rule(names("b*"))
    mappings = {
        "1": {"roles": ["off"], "rules": mine, "enabled": False},
        "2": {"roles": ["theirs"], "rules": other},
        "3": {"roles": ["r"], "rules": mine},
        "4": {"roles": ["perhaps"], "rules": rule(groups("staff"))},
        "5": {"roles": ["s", "perhaps"], "rules": mine},
    }
    (one,) = sign_ins(held(mappings), Principal("ann", (), {REALM: "tokens"}))
    assert (set(one.roles), set(one.perhaps)) == ({"r", "s", "perhaps"}, set())


@pytest.mark.parametrize(
    ("mapping", "lets"),
    [("portcullis/demo/r", True), ("portcullis/other/r", True), ("by-hand", True)],
)
def test_groups_that_are_known_of_a_token_let_it_in(mapping: str, lets: bool) -> None:
    principal = Principal("ann", ("staff",), {REALM: "tokens", GROUPS: "demo"})
    assert lets_in(mapping, rule(groups("staff")), principal) is lets
    # Only the deployment's own mappings speak of the groups that are known; others may name groups that are not.
    assert lets_in(mapping, rule(groups("night")), principal) is (
        False if mapping.startswith("portcullis/demo/") else None
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"any": [names("x"), groups("g")]}, None),
        ({"any": [names("ann"), groups("g")]}, True),
        ({"any": [names("x"), names("y")]}, False),
        ({"all": [names("ann"), groups("g")]}, None),
        ({"all": [names("x"), groups("g")]}, False),
        ({"all": [names("ann"), names("a*")]}, True),
        ({"except": names("ann")}, False),
        ({"except": names("x")}, True),
        ({"except": groups("g")}, None),
        ({"field": {"username": "ann", "dn": "x"}}, None),
        ({"field": {}}, None),
        ({"field": {"metadata.a": 1}}, None),
        ({"field": {"username": "/(a+)+b/"}}, None),
        ({}, None),
        ({"any": [], "all": []}, None),
        ("any", None),
        ({"frob": []}, None),
        ({"any": {}}, None),
    ],
)
def test_whether_a_rule_may_hold_of_whom_only_name_and_realm_are_known(given: Any, said: bool | None) -> None:
    assert may_hold(given, Caller("ann", "tokens")) is said


# ---- people


def person(entry: str = ANN, kind: str = SubjectKind.IAM_USER, *in_groups: str) -> Person:
    return Person(kind, entry, entry, Principal(entry), in_groups)


def grant(role: str, name: str = "ann", kind: SubjectKind = SubjectKind.IAM_USER) -> Grant:
    return Grant(Subject(kind, name), role, "test")


def known(
    people: list[Person], rules: People | None, *grants: Grant, config: SecurityConfig | None = None
) -> list[Person]:
    return list(as_known(config or held(), rules, grants, people))


def test_somebody_is_the_native_user_of_their_name_or_of_each_rule_that_they_are_granted_by() -> None:
    (one,) = known([person()], None)
    assert (one.users, one.caller, one.doubt) == (("ann",), Principal("ann"), "")
    rules = People("demo", user_name="{name}.u", of_role={"support": "{name}.support"})
    by_entry = Grant(Subject(SubjectKind.IAM_USER, ANN), "support", "test")
    (one,) = known([person()], rules, by_entry, Grant(Subject(SubjectKind.IAM_USER, ANN), "reads", "test"))
    assert one.users == ("ann.support", "ann.u")
    assert one.caller == Principal("ann.support", (), {USERS: "ann.support\nann.u"})
    member = person(ANN, SubjectKind.IAM_USER, "iam_group:desk")
    (one,) = known(
        [member],
        rules,
        grant("support", "desk", SubjectKind.IAM_GROUP),
        grant("reads", "others", SubjectKind.IAM_GROUP),
    )
    assert one.users == ("ann.support",)


def test_two_people_of_one_name_are_neither_for_certain() -> None:
    other = person("arn:aws:iam::1:user/night/ann")
    for one in known([person(), other], None):
        assert one.doubt.endswith("would both be the user ann: neither is, and whose it is cannot be told")
        assert (ANN in one.doubt, other.entry in one.doubt) == (True, True)


def test_who_would_be_a_user_that_is_kept_has_no_way_in() -> None:
    (one,) = known([person()], People("demo", kept=frozenset({"ann"})))
    assert (one.caller, one.refused) == (None, "they would be the user ann, which is kept for Portcullis")


@pytest.mark.parametrize("kind", [SubjectKind.IAM_ROLE, SubjectKind.BACKEND_ROLE])
def test_no_native_user_stands_for_a_role(kind: SubjectKind) -> None:
    (one,) = known([person("arn:aws:iam::1:role/reads", kind)], None)
    assert (one.caller, one.refused) == (None, "no native user of the cluster stands for a role")


def test_with_a_realm_of_tokens_people_come_by_it() -> None:
    rules = People("demo", realm="tokens")
    member = person("Cognito/pool/ben", SubjectKind.COGNITO_USER, "cognito_group:support", "iam_group:desk")
    one, role = known([member, person("arn:aws:iam::1:role/reads", SubjectKind.IAM_ROLE)], rules)
    assert one.caller is not None
    assert (one.caller.backend_roles, dict(one.caller.attributes)) == ((), {REALM: "tokens"})
    assert (role.caller, role.refused) == (None, "an IAM role has no token of tokens")
    by_role = grant("r", "crew", SubjectKind.BACKEND_ROLE)
    (one,) = known([member], rules, by_role)
    assert one.caller is not None
    assert (one.caller.backend_roles, one.every_group) == (("support",), True)
    assert one.caller.attributes[GROUPS] == "demo"


def test_the_engines_own_users_and_patterns_stay_what_they_are() -> None:
    own = person("clerk", SubjectKind.INTERNAL_USER)
    assert known([own, person("a*", ANYBODY)], None) == [own]
    assert known([own], People("demo", realm="tokens")) == [own]


def test_whoever_else_is_let_in_is_listed() -> None:
    mappings = {
        "portcullis/demo/r": {"roles": ["r"], "rules": rule(names("ann", "zoe"), groups("g"))},
        "by-hand": {"roles": ["r"], "rules": {"field": {"dn": "x"}}},
        "off": {"roles": ["r"], "rules": {"field": {"dn": "x"}}, "enabled": False},
    }
    found = known([person()], People("demo", realm="tokens"), config=held(mappings, nobody=("guest",)))
    words = [(one.kind, one.name) for one in found]
    assert words[0] == (SubjectKind.IAM_USER, ANN)
    assert words[1:] == [
        ("nobody", "whoever does not sign in"),
        ("role_mapping", "by-hand"),
        ("role_mapping", "portcullis/demo/r"),
    ]
    then = as_known_then(held(mappings), People("demo", realm="tokens"), (), [person()], [])
    assert [(one.kind, one.name) for one in then] == [
        (SubjectKind.IAM_USER, ANN), ("realm_user", "zoe"), ("role_mapping", "by-hand"), ("role_mapping", "portcullis/demo/r"),
    ]  # fmt: skip


def test_at_an_earlier_time_who_there_is_now_says_whose_a_native_user_is() -> None:
    user = person("ann", SubjectKind.INTERNAL_USER)
    assert [one.users for one in as_known_then(held(), None, (), [user], [person()])] == [("ann",)]
    assert list(as_known_then(held(), None, (), [user], [])) == [user]


def test_two_of_one_name_and_of_two_kinds_are_two_at_an_earlier_time_as_well() -> None:
    native, pooled = person("ann", SubjectKind.INTERNAL_USER), person("ann", SubjectKind.COGNITO_USER)
    then = as_known_then(held(), People("demo", realm="tokens"), (), [native], [pooled])
    assert [one.kind for one in then] == [SubjectKind.INTERNAL_USER, SubjectKind.COGNITO_USER]


def test_how_holders_and_changes_name_somebody() -> None:
    (native,) = known([person()], None)
    assert called(native) == (ANN, "ann", "ann")
    assert called(Person(SubjectKind.IAM_USER, "x", ANN, None)) == (ANN,)
    token = Person(SubjectKind.IAM_USER, "x", ANN, Principal("ann", ("g",), {REALM: "tokens"}))
    assert called(token) == (ANN, "ann of realm tokens", "group g of realm tokens")


# ---- the role mapping of a role, with somebody in it or without


@pytest.mark.parametrize(
    ("there", "takes", "operation", "left"),
    [
        (None, False, Operation.ADD, rule(names("ann"))),
        (["ben"], False, Operation.REPLACE, rule(names("ann", "ben"))),
        (["ann"], False, None, None),
        (["ann"], True, Operation.REMOVE, None),
        (["ann", "ben"], True, Operation.REPLACE, rule(names("ben"))),
        (["ben"], True, None, None),
        (None, True, None, None),
    ],
)
def test_somebody_is_put_into_a_role_mapping_or_taken_out(
    there: list[str] | None, takes: bool, operation: Operation | None, left: Json | None
) -> None:
    name = "portcullis/demo/r"
    before = {"enabled": True, "roles": ["r"], "rules": rule(names(*there))} if there else None
    config = held({name: before} if before else {})
    step = mapped(config, People("demo", realm="tokens"), person(), "r", takes=takes, because="why")
    if operation is None:
        assert step is None
        return
    assert step is not None
    assert (step.operation, step.claim, step.before, step.because) == (
        operation,
        Claim(Kind.MAPPINGS, name),
        before,
        "why",
    )
    assert step.after == ({"enabled": True, "roles": ["r"], "rules": left} if left else None)


def test_groups_stay_in_a_role_mapping_from_which_somebody_is_taken_out() -> None:
    before = {"enabled": True, "roles": ["r"], "rules": rule(names("ann"), groups("g"))}
    step = mapped(
        held({"portcullis/demo/r": before}), People("demo", realm="tokens"), person(), "r", takes=True, because=""
    )
    assert step is not None
    assert step.after == {"enabled": True, "roles": ["r"], "rules": rule(groups("g"))}
