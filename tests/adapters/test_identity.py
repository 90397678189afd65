"""Who is in which group, read from the emulated IAM and Cognito by real calls."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from portcullis.access.one_role import Rank
from portcullis.access.plan import AccessModel, By, Grant, Membership, Subject, SubjectKind
from portcullis.adapters.identity.aws import AwsIdentity
from portcullis.errors import NotAllowed, Refused, Unreachable
from portcullis.families.opensearch.documents.compiling import desired

from local.aws.emulator import Credentials, Emulator

pytestmark = pytest.mark.aws
PASSWORD = "Correct-horse-7"


def grant(kind: SubjectKind, name: str, by: By = By.MEMBERS) -> Grant:
    return Grant(Subject(kind, name), "readers", "a test", by)


@pytest.fixture(scope="module")
def pool(aws: Emulator) -> Iterator[str]:
    cognito = aws.client("cognito-idp")
    pool: str = cognito.create_user_pool(PoolName="adapters")["UserPool"]["Id"]
    yield pool
    cognito.delete_user_pool(UserPoolId=pool)


@pytest.fixture
def reader(calm: Emulator, pool: str) -> AwsIdentity:
    return AwsIdentity(calm.client, user_pool=pool)


class Pool:
    """The pool, for whoever fills it."""

    def __init__(self, aws: Emulator, pool: str) -> None:
        self.client, self.id = aws.client("cognito-idp"), pool

    def group(self, name: str, *users: str, **more: Any) -> Grant:
        self.client.create_group(UserPoolId=self.id, GroupName=name, **more)
        for user in users:
            self.client.admin_create_user(UserPoolId=self.id, Username=user, MessageAction="SUPPRESS")
            self.client.admin_add_user_to_group(UserPoolId=self.id, Username=user, GroupName=name)
        return grant(SubjectKind.COGNITO_GROUP, name)

    def entry(self, user: str) -> str:
        return f"Cognito/{self.id}/{user}"


@pytest.fixture
def people(aws: Emulator, pool: str) -> Pool:
    return Pool(aws, pool)


def only(found: Membership, asked: Grant) -> tuple[str, ...]:
    return found.users[asked.subject]


# ---------------------------------------------------------------------- IAM


def test_an_iam_group_becomes_the_arns_of_its_users_their_paths_included(
    reader: AwsIdentity, aws: Emulator, name: str
) -> None:
    iam = aws.client("iam")
    iam.create_group(GroupName=name)
    users = [iam.create_user(UserName=f"{name}-{n}", Path=path)["User"] for n, path in ((1, "/"), (2, "/ops/"))]
    for user in users:
        iam.add_user_to_group(GroupName=name, UserName=user["UserName"])
    asked = grant(SubjectKind.IAM_GROUP, name)
    assert sorted(only(reader.members([asked]), asked)) == sorted(user["Arn"] for user in users)


def test_an_empty_group_is_no_missing_one(reader: AwsIdentity, aws: Emulator, people: Pool, name: str) -> None:
    aws.client("iam").create_group(GroupName=name)
    empty = [grant(SubjectKind.IAM_GROUP, name), people.group(name)]
    found = reader.members([*empty, grant(SubjectKind.IAM_GROUP, f"{name}-gone")])
    assert {one.subject: () for one in empty} == found.users
    assert found.missing == {Subject(SubjectKind.IAM_GROUP, f"{name}-gone")}


@pytest.mark.parametrize("kind", [k for k in SubjectKind if k not in ("internal_user", "backend_role")])
def test_a_subject_that_is_not_there_is_missing_and_the_others_are_read(
    reader: AwsIdentity, people: Pool, name: str, kind: SubjectKind
) -> None:
    if kind is SubjectKind.IDENTITY_CENTER_GROUP:
        asked = grant(kind, "gone")
        assert "no identity store" in str(reader.members([asked]).unread[asked.subject])
        return
    there = people.group(name, f"{name}-anna")
    found = reader.members([there, grant(kind, f"{name}-gone")])
    assert found.missing == {Subject(kind, f"{name}-gone")}
    assert only(found, there) == (people.entry(f"{name}-anna"),)


def test_users_and_roles_are_named_by_name_or_by_arn(reader: AwsIdentity, aws: Emulator, name: str) -> None:
    iam = aws.client("iam")
    user = iam.create_user(UserName=name, Path="/team/")["User"]["Arn"]
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument='{"Version":"2012-10-17","Statement":[]}')["Role"][
        "Arn"
    ]
    by_name, by_arn = grant(SubjectKind.IAM_USER, name), grant(SubjectKind.IAM_USER, user)
    as_role = grant(SubjectKind.IAM_ROLE, name)
    found = reader.members([by_name, by_arn, as_role, grant(SubjectKind.IAM_ROLE, role)])
    assert set(found.users.values()) == {(user,)}
    assert set(found.backend_roles.values()) == {(role,)}


def test_internal_users_and_backend_roles_are_what_the_file_says(reader: AwsIdentity) -> None:
    kim, team = grant(SubjectKind.INTERNAL_USER, "kim"), grant(SubjectKind.BACKEND_ROLE, "team-*")
    found = reader.members([kim, team])
    assert (found.users, found.backend_roles) == ({kim.subject: ("kim",)}, {team.subject: ("team-*",)})


# ---------------------------------------------------------------------- Cognito


def test_a_cognito_group_is_its_members_or_its_role(
    reader: AwsIdentity, aws: Emulator, people: Pool, name: str
) -> None:
    trust = '{"Version":"2012-10-17","Statement":[]}'
    role = aws.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    members = people.group(name, f"{name}-anna", f"{name}-ben", RoleArn=role)
    by_role = Grant(members.subject, "readers", "a test", By.ROLE)
    found = reader.members([members, by_role])
    assert sorted(only(found, members)) == [people.entry(f"{name}-anna"), people.entry(f"{name}-ben")]
    assert found.backend_roles == {members.subject: (role,)}
    none = people.group(f"{name}-none")
    without = Grant(none.subject, "readers", "a test", By.ROLE)
    assert reader.members([without]).backend_roles == {none.subject: ()}


def test_a_disabled_user_is_left_out_until_he_is_enabled(reader: AwsIdentity, people: Pool, name: str) -> None:
    group = people.group(name, f"{name}-anna", f"{name}-ben")
    alone = grant(SubjectKind.COGNITO_USER, f"{name}-ben")
    people.client.admin_disable_user(UserPoolId=people.id, Username=f"{name}-ben")
    found = reader.members([group, alone])
    assert (only(found, group), only(found, alone)) == ((people.entry(f"{name}-anna"),), ())
    people.client.admin_enable_user(UserPoolId=people.id, Username=f"{name}-ben")
    found = reader.members([group, alone])
    assert (len(only(found, group)), only(found, alone)) == (2, (people.entry(f"{name}-ben"),))


def test_every_page_of_a_large_group_is_read(reader: AwsIdentity, people: Pool, name: str) -> None:
    users = [f"{name}-{number:03d}" for number in range(130)]  # Cognito gives 60 a page
    group = people.group(name, *users)
    assert sorted(only(reader.members([group]), group)) == [people.entry(user) for user in users]


def test_without_a_pool_a_cognito_grant_is_refused_not_empty(aws: Emulator) -> None:
    asked = grant(SubjectKind.COGNITO_GROUP, "support")
    found = AwsIdentity(aws.client).members([asked])
    assert "no user pool" in str(found.unread[asked.subject])
    assert asked.subject not in found.users


def test_sessions_end_for_the_people_of_this_pool_and_the_gone_are_no_error(
    reader: AwsIdentity, people: Pool, name: str
) -> None:
    people.group(name, f"{name}-anna")
    entries = [
        people.entry(f"{name}-anna"),
        people.entry(f"{name}-gone"),
        "Cognito/other_pool/x",
        "arn:aws:iam::1:user/y",
    ]
    assert reader.end_sessions(entries) == 2


def test_sessions_that_cannot_be_ended_are_told(reader: AwsIdentity, calm: Emulator, people: Pool, name: str) -> None:
    people.group(name, f"{name}-anna")
    calm.admin("fault", actions=["cognito-idp:AdminUserGlobalSignOut"], kind="throttle")
    with pytest.raises(Unreachable, match="could not be ended"):
        reader.end_sessions([people.entry(f"{name}-anna")])


def test_who_cannot_be_signed_out_keeps_nobody_else_signed_in(
    calm: Emulator, people: Pool, pool: str, name: str
) -> None:
    people.group(name, f"{name}-anna", f"{name}-ben")
    calm.admin("fault", actions=["cognito-idp:AdminUserGlobalSignOut"], kind="server-error")
    asked: list[str] = []
    client = calm.client("cognito-idp")
    client.meta.events.register(
        "provide-client-params.cognito-idp.AdminUserGlobalSignOut", lambda params, **_: asked.append(params["Username"])
    )
    one = AwsIdentity(lambda _: client, user_pool=pool, account=calm.account)
    with pytest.raises(Unreachable, match="anna could not be ended"):
        one.end_sessions([people.entry(f"{name}-anna"), people.entry(f"{name}-ben")])
    assert set(asked) == {f"{name}-anna", f"{name}-ben"}


def test_who_may_sign_nobody_out_says_which_right_it_takes(
    aws: Emulator, person: Callable[..., Credentials], people: Pool, pool: str, name: str
) -> None:
    people.group(name, f"{name}-anna")
    few = person("cognito-idp:ListUsersInGroup")
    reader = AwsIdentity(lambda service: aws.client(service, credentials=few), user_pool=pool, account=aws.account)
    with pytest.raises(Refused, match="not authorized to perform: cognito-idp:AdminUserGlobalSignOut"):
        reader.end_sessions([people.entry(f"{name}-anna")])


# ---------------------------------------------------------------------- names that are patterns


@pytest.mark.parametrize("pattern", ["*", "a*", "?nna", "x.*.y"])
def test_a_name_that_would_match_others_is_dropped_and_reported(
    reader: AwsIdentity, people: Pool, name: str, pattern: str
) -> None:
    """Whoever may make users could else let everybody in: an entry of a role mapping is a pattern."""
    hostile = f"{name}{pattern}"
    group = people.group(name, hostile, f"{name}-anna")
    alone = grant(SubjectKind.COGNITO_USER, hostile)
    found = reader.members([group, alone])
    assert (only(found, group), only(found, alone)) == ((people.entry(f"{name}-anna"),), ())
    assert len(found.notes) == 2
    assert all(people.entry(hostile) in note for note in found.notes)
    model = AccessModel(roles={"readers": {}}, grants=(group,))
    assert set(found.notes) <= set(desired(model, found).notes), "status and plan show them"


HOSTILE = [
    'a"}},{"match_all":{}},{"term":{"x":"b',
    'one"quote',
    "back\\slash",
    "${user.roles}",
    "${attr.internal.team",
    "next\u0085line",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_name_that_could_change_a_filter_is_dropped_and_reported(
    reader: AwsIdentity, people: Pool, name: str, hostile: str
) -> None:
    """`${user.name}` goes into document filters as text: who chooses a name would choose what it sees."""
    hostile = f"{name}{hostile}"
    group = people.group(name, hostile, f"{name}-anna")
    alone = grant(SubjectKind.COGNITO_USER, hostile)
    found = reader.members([group, alone])
    assert (only(found, group), only(found, alone)) == ((people.entry(f"{name}-anna"),), ())
    assert all("would not stay text" in note or "filled in again" in note for note in found.notes)
    assert len(found.notes) == 2
    assert all(note.isprintable() for note in found.notes), "one line of a status, whatever the name holds"


def test_a_role_whose_path_could_change_a_filter_grants_nothing(reader: AwsIdentity, aws: Emulator, name: str) -> None:
    trust = '{"Version":"2012-10-17","Statement":[]}'
    aws.client("iam").create_role(RoleName=name, Path='/a","b/', AssumeRolePolicyDocument=trust)
    asked = grant(SubjectKind.IAM_ROLE, name)
    found = reader.members([asked])
    assert found.backend_roles == {asked.subject: ()}
    assert "would not stay text" in found.notes[0]


@pytest.mark.parametrize("arn", ["arn:aws:iam::111122223333:role/*", "arn:aws:iam::11112222333?:role/x"])
def test_an_arn_with_a_pattern_in_it_grants_nothing(reader: AwsIdentity, arn: str) -> None:
    asked = grant(SubjectKind.IAM_ROLE, arn)
    found = reader.members([asked])
    assert found.backend_roles == {asked.subject: ()}
    assert arn in found.notes[0]


class Store:
    """IAM Identity Center's directory, which the emulated AWS does not have: two members, one named like a regular expression."""

    def get_group_id(self, **_: Any) -> dict[str, str]:
        return {"GroupId": "g"}

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **asked: Any) -> list[dict[str, Any]]:
        assert asked == {"IdentityStoreId": "d-1", "GroupId": "g"}
        return [{"GroupMemberships": [{"MemberId": {"UserId": u}}]} for u in ("anna", "/.+/")]

    def describe_user(self, *, UserId: str, **_: Any) -> dict[str, str]:  # noqa: N803 - the API's own name
        return {"UserName": UserId}


def test_an_identity_center_group_is_read_over_all_pages() -> None:
    """A member whose name would be a regular expression is dropped, and a note says so."""
    asked = grant(SubjectKind.IDENTITY_CENTER_GROUP, "Support Team")
    found = AwsIdentity(lambda _: Store(), identity_store="d-1").members([asked])
    assert only(found, asked) == ("anna",)
    assert "/.+/" in found.notes[0]


# ---------------------------------------------------------------------- for eyes


def test_a_look_finds_who_is_gone_by_arn_too_and_says_whom_it_may_not_see(
    aws: Emulator, pool: str, person: Callable[..., Credentials], people: Pool, name: str
) -> None:
    iam = aws.client("iam")
    user = iam.create_user(UserName=name, Path="/team/")["User"]["Arn"]
    account = user.split(":")[4]
    group = people.group(name, f"{name}-anna")
    moved, elsewhere = user.replace("/team/", "/other/"), "arn:aws:iam::999999999999:role/theirs"
    few = person("iam:GetUser", "cognito-idp:ListUsersInGroup")
    reader = AwsIdentity(lambda service: aws.client(service, credentials=few), user_pool=pool, account=account)
    hidden = grant(SubjectKind.IAM_ROLE, name)
    found = reader.look(
        [
            grant(SubjectKind.IAM_USER, user),
            grant(SubjectKind.IAM_USER, moved),
            grant(SubjectKind.IAM_USER, f"{name}-gone"),
            grant(SubjectKind.IAM_ROLE, elsewhere),
            hidden,
            group,
        ]
    )
    assert found.membership.users == {
        Subject(SubjectKind.IAM_USER, user): (user,),
        group.subject: (people.entry(f"{name}-anna"),),
    }
    gone = {Subject(SubjectKind.IAM_USER, moved), Subject(SubjectKind.IAM_USER, f"{name}-gone")}
    assert found.membership.missing == gone
    assert set(found.unseen) == {hidden.subject, Subject(SubjectKind.IAM_ROLE, elsewhere)}
    assert found.unseen[hidden.subject] == "not allowed (AccessDenied)"
    assert "999999999999" in found.unseen[Subject(SubjectKind.IAM_ROLE, elsewhere)]


def test_a_look_at_a_directory_that_does_not_answer_calls_nobody_missing(
    aws: Emulator, calm: Emulator, pool: str, people: Pool, name: str
) -> None:
    group = people.group(name)
    calm.admin("fault", actions=["iam:*"], kind="throttle")
    silent = grant(SubjectKind.IAM_GROUP, name)
    found = AwsIdentity(calm.client, user_pool=pool, account="1").look([silent, group])
    assert (set(found.unseen), found.membership.missing) == ({silent.subject}, frozenset())
    assert found.membership.users == {group.subject: ()}


# ---------------------------------------------------------------------- what goes wrong


def test_what_may_not_be_read_is_named_and_the_others_are_read(
    aws: Emulator, pool: str, person: Callable[..., Credentials], people: Pool, name: str
) -> None:
    few = person("cognito-idp:ListUsersInGroup")
    reader = AwsIdentity(lambda service: aws.client(service, credentials=few), user_pool=pool)
    aws.client("iam").create_group(GroupName=name)
    hidden, group = grant(SubjectKind.IAM_GROUP, name), people.group(name, f"{name}-anna")
    found = reader.members([hidden, group])
    assert list(found.unread) == [hidden.subject]
    why = found.unread[hidden.subject]
    assert re.search(f"not allowed to read .*{name}", str(why))
    assert isinstance(why, NotAllowed)
    assert why.action == "iam:GetGroup"
    assert found.users == {group.subject: (people.entry(f"{name}-anna"),)}, "unread is neither empty nor missing"


def test_what_a_policy_denies_no_deploy_allows(aws: Emulator, name: str) -> None:
    iam = aws.client("iam")
    iam.create_user(UserName=name)
    statements = [
        {"Effect": effect, "Action": action, "Resource": "*"}
        for effect, action in (("Allow", "iam:*"), ("Deny", "iam:GetGroup"))
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    few = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    hidden = grant(SubjectKind.IAM_GROUP, name)
    found = AwsIdentity(lambda service: aws.client(service, credentials=few)).members([hidden])
    assert type(found.unread[hidden.subject]) is Refused


@pytest.mark.parametrize("typo", ["ops/", "a group", "x" * 200])
def test_a_group_that_there_can_never_be_is_named_and_holds_up_nobody(
    reader: AwsIdentity, people: Pool, name: str, typo: str
) -> None:
    wrong, group = grant(SubjectKind.IAM_GROUP, typo), people.group(name, f"{name}-anna")
    found = reader.members([wrong, group])
    assert {*found.unread, *found.missing} == {wrong.subject}
    assert only(found, group) == (people.entry(f"{name}-anna"),)


# ---------------------------------------------------------------------- who stands behind a name


def test_the_same_name_made_again_has_another_id_and_the_reader_tells_it(
    reader: AwsIdentity, aws: Emulator, people: Pool, name: str
) -> None:
    iam, trust = aws.client("iam"), '{"Version":"2012-10-17","Statement":[]}'
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    group = people.group(f"{name}-g", RoleArn=role)
    iam.delete_role(RoleName=name)
    by_role = Grant(group.subject, "readers", "a test", By.ROLE)
    asked = [
        grant(SubjectKind.IAM_USER, name),
        grant(SubjectKind.IAM_ROLE, name),
        grant(SubjectKind.COGNITO_USER, name),
        by_role,
        group,
    ]
    seen = []
    for _ in range(2):
        iam.create_user(UserName=name)
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        people.client.admin_create_user(UserPoolId=people.id, Username=name, MessageAction="SUPPRESS")
        people.client.admin_add_user_to_group(UserPoolId=people.id, Username=name, GroupName=f"{name}-g")
        seen.append(AwsIdentity(aws.client, user_pool=people.id, account=aws.account).members(asked).ids)
        iam.delete_user(UserName=name)
        iam.delete_role(RoleName=name)
        people.client.admin_delete_user(UserPoolId=people.id, Username=name)
    first, again = seen
    assert first.keys() == again.keys()
    assert len(first) == 3
    assert all(first[entry] != again[entry] for entry in first)
    found = AwsIdentity(aws.client, user_pool=people.id, account=aws.account).members(asked)
    assert found.missing == {one.subject for one in asked[:3]}
    assert found.backend_roles == {group.subject: ()}, "a token still names the role: nobody can take it"


def test_an_arn_of_our_own_account_is_looked_up_and_one_of_another_cannot_be(aws: Emulator, name: str) -> None:
    user = aws.client("iam").create_user(UserName=name, Path="/team/")["User"]
    moved = grant(SubjectKind.IAM_USER, user["Arn"].replace("/team/", "/other/"))
    ours, theirs = (
        grant(SubjectKind.IAM_USER, user["Arn"]),
        grant(SubjectKind.IAM_ROLE, "arn:aws:iam::999999999999:role/x"),
    )
    found = AwsIdentity(aws.client, account=aws.account).members([moved, ours, theirs])
    assert found.missing == {moved.subject}, "the path is part of who it is"
    assert found.users == {ours.subject: (user["Arn"],)}
    assert found.backend_roles == {theirs.subject: (theirs.subject.name,)}
    assert found.ids == {user["Arn"]: user["UserId"]}


def test_a_pool_that_answers_to_an_alias_has_not_answered_to_the_name(
    reader: AwsIdentity, people: Pool, name: str
) -> None:
    """Cognito answers to a sub, and to a mail address where those sign in: whoever is given the address would be in."""
    made = people.client.admin_create_user(UserPoolId=people.id, Username=f"{name}-anna", MessageAction="SUPPRESS")
    sub = next(one["Value"] for one in made["User"]["Attributes"] if one["Name"] == "sub")

    class Answers:
        def admin_get_user(self, **asked: Any) -> Any:  # the emulated pool knows no aliases
            return people.client.admin_get_user(**{**asked, "Username": f"{name}-anna"})

    alias = grant(SubjectKind.COGNITO_USER, sub)
    found = AwsIdentity(lambda _: Answers(), user_pool=people.id).members([alias])
    assert (found.missing, found.users) == ({alias.subject}, {})


@pytest.mark.parametrize("kind", ["throttle", "server-error"])
def test_a_directory_that_does_not_answer_is_unreachable_never_empty(
    reader: AwsIdentity, calm: Emulator, people: Pool, name: str, kind: str
) -> None:
    calm.client("iam").create_group(GroupName=name)
    group = people.group(name, f"{name}-anna")
    for actions, asked in ((["iam:*"], grant(SubjectKind.IAM_GROUP, name)), (["cognito-idp:*"], group)):
        calm.admin("fault", actions=actions, kind=kind)
        found = reader.members([asked])
        assert isinstance(found.unread[asked.subject], Unreachable)
        assert name in str(found.unread[asked.subject])
        assert (found.users, found.missing) == ({}, frozenset())
        calm.admin("mend")


def test_which_role_a_token_carries_is_decided_by_what_the_groups_say(
    aws: Emulator, people: Pool, reader: AwsIdentity
) -> None:
    role = aws.client("iam").create_role(RoleName="of-ranked", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    people.group("ranked", RoleArn=role, Precedence=7)
    people.group("first", RoleArn=role, Precedence=0)
    people.group("roleless", Precedence=1)
    found = reader.ranks(["ranked", "first", "roleless", "never-made"])
    assert found == {"ranked": Rank(role, 7), "first": Rank(role, 0)}


def test_a_pool_that_does_not_answer_for_its_ranks_is_an_error(
    calm: Emulator, people: Pool, reader: AwsIdentity
) -> None:
    people.group("asked-for")
    calm.admin("fault", actions=["cognito-idp:GetGroup"], kind="throttle")
    with pytest.raises(Unreachable, match="asked-for"):
        reader.ranks(["asked-for"])
