"""From a deployment's access model to what an Elasticsearch should hold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from portcullis.access.plan import AccessModel, By, Grant, Membership, People, Subject, SubjectKind
from portcullis.families.elasticsearch.documents.compiling import (
    desired,
    level_role,
    mapping,
    mapping_name,
    predefined,
    unfit,
    with_roles,
)
from portcullis.families.elasticsearch.documents.config import Kind, SecurityConfig
from portcullis.families.elasticsearch.granting.callers import Caller, roles_of
from portcullis.families.elasticsearch.granting.losses import losses
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.known.releases import versions

SUPPORT, IAM = Subject(SubjectKind.COGNITO_GROUP, "support"), Subject(SubjectKind.IAM_GROUP, "admins")
MEMBERS = Membership(
    users={SUPPORT: ("Cognito/eu-1_A/ann", "Cognito/eu-1_A/b*"), IAM: ("arn:aws:iam::1:user/staff/cy",)},
)


def model(*grants: Grant, people: People) -> AccessModel:
    return AccessModel(roles={"reader": level_role(["read"], ["logs-*"])}, grants=grants, people=people)


def test_people_of_a_realm_are_one_mapping_a_role_bound_to_the_realm() -> None:
    asked = desired(
        model(Grant(SUPPORT, "reader", "x"), Grant(IAM, "reader", "y"), people=People("demo", "tokens")), MEMBERS
    )
    rules = {"all": [{"field": {"realm.name": "tokens"}}, {"any": [{"field": {"username": ["ann", "cy"]}}]}]}
    assert asked.of(Kind.MAPPINGS) == {"portcullis/demo/reader": {"enabled": True, "roles": ["reader"], "rules": rules}}
    assert asked.entries == {}
    assert asked.notes == ("b* is not let into reader: in a role mapping its name would be a pattern for others",)


def test_a_group_in_the_token_is_mapped_by_name_without_its_members() -> None:
    """A grant by role needs no list of members. The mapping counts only in the realm of the tokens."""
    asked = desired(model(Grant(SUPPORT, "reader", "x", By.ROLE), people=People("demo", "tokens")), Membership())
    mappings = asked.of(Kind.MAPPINGS)
    assert roles_of(Caller("ann", "tokens", ("support",)), {}, mappings) == {
        "reader": "role_mapping/portcullis/demo/reader"
    }
    assert roles_of(Caller("ann", "elsewhere", ("support",)), {}, mappings) == {}


def test_native_users_get_the_role_in_their_own_list() -> None:
    """The naming rule of the deployment makes their user names. No role mapping is written."""
    inner = Grant(Subject(SubjectKind.INTERNAL_USER, "catalyst"), "reader", "z")
    asked = desired(model(Grant(IAM, "reader", "y"), inner, people=People("demo", user_name="{name}.support")), MEMBERS)
    assert list(asked.entries["reader"]["users"]) == ["catalyst", "cy.support"]
    assert asked.of(Kind.MAPPINGS) == {}


def test_a_role_with_its_own_naming_rule_has_the_person_by_another_name() -> None:
    """The same member is mapped as cy for one role and as cy.admin for the other."""
    people = People("demo", of_role={"writer": "{name}.admin"})
    asked = desired(model(Grant(IAM, "reader", "y"), Grant(IAM, "writer", "y"), people=people), MEMBERS)
    assert {role: list(of["users"]) for role, of in asked.entries.items()} == {"reader": ["cy"], "writer": ["cy.admin"]}


def test_a_name_that_becomes_another_s_by_a_rule_of_a_role_lets_in_neither() -> None:
    members = Membership(users={SUPPORT: ("Cognito/eu-1_A/cy.admin",), IAM: ("arn:aws:iam::1:user/cy",)})
    people = People("demo", of_role={"writer": "{name}.admin"})
    asked = desired(model(Grant(SUPPORT, "reader", "x"), Grant(IAM, "writer", "y"), people=people), members)
    assert asked.entries == {}


def test_two_people_who_would_be_one_user_are_let_in_as_neither() -> None:
    members = Membership(users={SUPPORT: ("Cognito/eu-1_A/cy",), IAM: ("arn:aws:iam::1:user/cy",)})
    asked = desired(model(Grant(SUPPORT, "reader", "x"), Grant(IAM, "reader", "y"), people=People("demo")), members)
    assert asked.entries == {}
    assert asked.notes == ("Cognito/eu-1_A/cy and arn:aws:iam::1:user/cy would both be the user cy: neither is",)


def test_a_user_name_with_a_slash_is_nobody_elses() -> None:
    """Whoever is called ann in the pool is another person."""
    members, grant = Membership(users={SUPPORT: ("Cognito/eu-1_A/ops/ann",)}), Grant(SUPPORT, "reader", "x")
    native = desired(model(grant, people=People("demo")), members)
    assert list(native.entries["reader"]["users"]) == ["ops/ann"]
    of_realm = desired(model(grant, people=People("demo", "tokens")), members)
    assert of_realm.of(Kind.MAPPINGS) == {"portcullis/demo/reader": mapping("reader", "tokens", ["ops/ann"])}


def test_a_group_member_called_like_a_user_of_ours_is_left_out() -> None:
    members = Membership(users={SUPPORT: ("Cognito/eu-1_A/on-call", "Cognito/eu-1_A/ann")})
    people = People("demo", kept=frozenset({"on-call"}))
    asked = desired(model(Grant(SUPPORT, "reader", "x"), people=people), members)
    assert list(asked.entries["reader"]["users"]) == ["ann"]
    assert asked.notes == (
        "Cognito/eu-1_A/on-call would be the user on-call, which is kept for Portcullis: is not let in",
    )


def test_a_role_of_iam_is_no_native_user_and_is_said_so() -> None:
    role = Subject(SubjectKind.IAM_ROLE, "app")
    members = Membership(backend_roles={role: ("arn:aws:iam::1:role/app",)})
    asked = desired(model(Grant(role, "reader", "x"), people=People("demo")), members)
    assert asked.entries == {}
    assert "is no user" in asked.notes[0]


def test_who_could_not_be_read_keeps_the_role_unsure() -> None:
    members = Membership(unread={SUPPORT: RuntimeError("later")})  # type: ignore[dict-item]
    assert desired(model(Grant(SUPPORT, "reader", "x"), people=People("demo", "tokens")), members).unsure == {"reader"}


words = st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=8)


@given(st.sets(words, max_size=4), st.sets(words, max_size=3), words, st.sets(words, max_size=3))
def test_a_mapping_lets_in_exactly_who_is_named_and_of_its_realm_alone(
    names: set[str], groups: set[str], who: str, theirs: set[str]
) -> None:
    names, groups = {n for n in names if not unfit(n)}, {g for g in groups if not unfit(g)}
    made = mapping("r", "tokens", names, groups)
    mappings = {} if made is None else {mapping_name("demo", "r"): made}
    for caller in (Caller(who, "tokens", tuple(theirs)), *(Caller(name, "tokens") for name in names)):
        assert bool(roles_of(caller, {}, mappings)) == (caller.name in names or bool(set(caller.groups) & groups))
        assert not roles_of(Caller(caller.name, "elsewhere", caller.groups), {}, mappings)
    assert made is None or losses(SecurityConfig({Kind.MAPPINGS: {"m": made}}), Release.of("9.5"), "trial") == ()


@given(st.lists(st.sampled_from("abcd")), st.sets(st.sampled_from("abcd")), st.lists(st.sampled_from("abcd")))
def test_others_entries_of_a_user_s_roles_stay_as_they_stand(held: list[str], ours: set[str], asked: list[str]) -> None:
    now = with_roles({"roles": held, "email": "a@x"}, ours, asked)
    others = [role for role in held if role not in ours]
    assert [role for role in now["roles"] if role in others and role not in ours][: len(others)] == others
    assert set(now["roles"]) == (set(held) - ours) | set(asked)
    assert with_roles(now, asked, asked) == now
    assert now["email"] == "a@x"


def test_each_level_has_a_role_on_each_release() -> None:
    for version in versions():
        release = Release.of(version)
        assert predefined("super_user", release)[0] == "superuser"
        assert predefined("support", release) == ("", None, "")
        name, made, note = predefined("dashboard", release)
        assert (
            (name, made, note) == ("kibana_dashboard_only_user", None, "") if release.major < 8 else bool(made and note)
        )
        assert made is None or losses(SecurityConfig({Kind.ROLES: {name: made}}), release, "basic") == ()
