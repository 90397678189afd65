"""Deleted and made again under the same name: somebody else, who gets nothing until a person names them. With the functions' own roles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local.embedded import APPLICATION_ROLE
from local.people import Caller, until
from tests.embedded.scene import INDEX, Scene
from tests.embedded.test_the_refusals import with_statement

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(600)]


def made_again(iam: Any, role: str) -> None:
    """The same name, trust and policies; another role."""
    trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    attached = [one["PolicyArn"] for one in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]]
    inline = {
        name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    }
    for one in attached:
        iam.detach_role_policy(RoleName=role, PolicyArn=one)
    for name in inline:
        iam.delete_role_policy(RoleName=role, PolicyName=name)
    iam.delete_role(RoleName=role)
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=as_text(trust))
    for one in attached:
        iam.attach_role_policy(RoleName=role, PolicyArn=one)
    for name, document in inline.items():
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=as_text(document))


def as_text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


def test_a_role_that_is_made_again_gets_nothing_until_it_is_accepted(scene: Scene) -> None:
    made_again(scene.aws.client("iam"), APPLICATION_ROLE)
    again = scene.people.with_role(APPLICATION_ROLE)
    until(lambda: not again.may_search(INDEX), what="the new role is refused")
    scene.quiet()
    scene.swept()
    assert not again.may_search(INDEX), "neither a later event nor the sweep lets it in"
    [said] = [alert["happened"] for alert in scene.told("another-person")]
    assert APPLICATION_ROLE in said
    scene.cast.operate("apply", "act", deployment="demo")
    assert not again.may_search(INDEX), "to apply alone is no decision about a person"
    scene.cast.operate("apply", "act", deployment="demo", arguments={"accept_new": [APPLICATION_ROLE]})
    until(lambda: again.may_search(INDEX), what="accepted, it is in")
    scene.swept()
    assert again.may_search(INDEX)


@contextmanager
def granted(scene: Scene, grant: str) -> Iterator[None]:
    """One more grant in the model, for a while."""
    kept = scene.ledger.model("demo").text
    assert "  grants:\n" in kept
    scene.cast.operate(
        "apply",
        "act",
        deployment="demo",
        arguments={"text": kept.replace("  grants:\n", f"  grants:\n    - {grant}\n")},
    )
    yield
    scene.cast.operate("apply", "act", deployment="demo", arguments={"text": kept})


def test_a_recreated_cognito_user_gets_nothing_until_they_are_accepted(scene: Scene) -> None:
    """Neither an event nor the sweep nor a plain apply lets them in. A person has to accept the name."""
    name, group, cognito = "named.by.a.grant", "dashboards", scene.aws.client("cognito-idp")

    def made() -> str:
        scene.people.join(scene.people.cognito_user(name), group)  # who is in no group cannot sign in
        user = cognito.admin_get_user(UserPoolId=scene.people.pool, Username=name)
        return next(str(one["Value"]) for one in user["UserAttributes"] if one["Name"] == "sub")

    first = made()
    with granted(scene, f"{{level: support, to: {{cognito_user: {name}}}}}"):
        before = scene.people.at_dashboards(name)
        until(lambda: before.may_search(INDEX), what="the first of the name may search")
        cognito.admin_delete_user(UserPoolId=scene.people.pool, Username=name)
        until(
            lambda: name not in str(scene.cast.mappings()["level_support"]["users"]),
            what="gone, they are mapped to nothing",
        )
        second = made()
        again = scene.people.at_dashboards(name)
        scene.quiet()
        scene.swept()
        assert not again.may_search(INDEX), "neither an event nor the sweep lets in who has the name now"
        [said] = [alert["happened"] for alert in scene.told("another-person")]
        assert all(one in said for one in (name, first, second))
        scene.cast.operate("apply", "act", deployment="demo")
        assert not again.may_search(INDEX), "to apply alone is no decision about a person"
        scene.cast.operate("apply", "act", deployment="demo", arguments={"accept_new": [name]})
        until(lambda: again.may_search(INDEX), what="accepted, they are in")
        scene.swept()
        assert again.may_search(INDEX)
    cognito.admin_delete_user(UserPoolId=scene.people.pool, Username=name)


def test_a_recreated_group_member_has_no_access_until_they_join_again(scene: Scene) -> None:
    """The name alone gives nothing. Whoever puts them into the group decides, and the history says that it is somebody else."""
    name, cognito = "member.made.again", scene.aws.client("cognito-idp")
    scene.people.join(scene.people.cognito_user(name), "dashboards")
    scene.people.join(name, "support")
    before = scene.people.at_dashboards(name)
    until(lambda: before.may_search(INDEX), what="a member may search")
    cognito.admin_delete_user(UserPoolId=scene.people.pool, Username=name)
    scene.people.join(scene.people.cognito_user(name), "dashboards")
    again = scene.people.at_dashboards(name)
    until(lambda: not again.may_search(INDEX), what="the name alone lets nobody in")
    scene.quiet()
    scene.swept()
    assert not again.may_search(INDEX)
    scene.people.join(name, "support")
    until(lambda: again.may_search(INDEX), what="put into the group, they are in")
    said = [line for change in scene.recorded("people") for line in change.after]
    assert any(name in line and "somebody else than the member of that name before" in line for line in said)
    cognito.admin_delete_user(UserPoolId=scene.people.pool, Username=name)


def test_whoever_is_made_again_in_a_lock_is_out_when_it_opens(scene: Scene) -> None:
    """Under a name that is granted: a Cognito user, one who differs from them by case alone, and a role."""
    name, other = "made.in.a.lock", "Made.In.A.Lock"
    cognito, iam = scene.aws.client("cognito-idp"), scene.aws.client("iam")
    scene.people.join(scene.people.cognito_user(name), "dashboards")
    with granted(scene, f"{{level: support, to: {{cognito_user: {name}}}}}"):
        before = scene.people.at_dashboards(name)
        until(lambda: before.may_search(INDEX), what="the first of the name may search")
        scene.cast.operate("lock", "act", deployment="demo", arguments={"reason": "a drill"})
        until(lambda: scene.cast.state() == "locked", what="it is locked")
        cognito.admin_delete_user(UserPoolId=scene.people.pool, Username=name)
        for again in (name, other):
            scene.people.join(scene.people.cognito_user(again), "dashboards")
        made_again(iam, APPLICATION_ROLE)
        later = [
            *(scene.people.at_dashboards(one) for one in (name, other)),
            scene.people.with_role(APPLICATION_ROLE),
        ]
        scene.cast.operate("unlock", "act", deployment="demo")
        until(lambda: scene.cast.state() == "open", what="it is open")
        assert [one.may_search(INDEX) for one in later] == [False] * 3
        scene.quiet()
        scene.swept()
        assert [one.may_search(INDEX) for one in later] == [False] * 3
        said = str([alert["happened"] for alert in scene.told("another-person")])
        assert all(one in said for one in (name, APPLICATION_ROLE)), said
        accepted = {"accept_new": [name, APPLICATION_ROLE]}
        scene.cast.operate("apply", "act", deployment="demo", arguments=accepted)
        until(lambda: [one.may_search(INDEX) for one in later] == [True, False, True], what="who is accepted is in")
    for gone in (name, other):
        cognito.admin_delete_user(UserPoolId=scene.people.pool, Username=gone)


def test_iam_users_have_what_is_theirs_after_a_lock_in_which_they_changed(scene: Scene) -> None:
    """Members of a group, and one who is granted something by name: each as they are at that moment."""
    iam, group = scene.aws.client("iam"), "catalyst-support"
    leaves, joins, again, named = (f"in.a.lock.{what}" for what in ("leaves", "joins", "made.again", "named"))
    people = {name: scene.people.iam_user(name) for name in (leaves, joins, again, named)}
    for member in (leaves, again):
        iam.add_user_to_group(GroupName=group, UserName=member)
    arn = iam.get_user(UserName=named)["User"]["Arn"]
    read = {"Effect": "Allow", "Action": "iam:GetUser", "Resource": arn}  # as a deploy of the file allows
    with (
        with_statement(scene, read, "identity_sync", "key_guard", "sweep", "operate"),
        granted(scene, f"{{level: support, to: {{iam_user: {named}}}}}"),
    ):
        for name in (leaves, again, named):
            until(lambda name=name: people[name].may_search(INDEX), what=f"{name} may search")
        scene.cast.operate("lock", "act", deployment="demo", arguments={"reason": "a drill"})
        until(lambda: scene.cast.state() == "locked", what="it is locked")
        assert not any(one.may_search(INDEX) for one in people.values())
        iam.remove_user_from_group(GroupName=group, UserName=leaves)
        iam.add_user_to_group(GroupName=group, UserName=joins)
        for name in (again, named):
            people[name] = made_again_user(scene, name)
        scene.cast.operate("unlock", "act", deployment="demo")
        until(lambda: scene.cast.state() == "open", what="it is open")
        until(lambda: people[joins].may_search(INDEX), what="who joined is in")
        assert [people[name].may_search(INDEX) for name in (leaves, again, named)] == [False] * 3
        scene.quiet()
        scene.swept()
        assert [people[name].may_search(INDEX) for name in (leaves, again, named)] == [False] * 3
        assert named in str([alert["happened"] for alert in scene.told("another-person")])
        iam.add_user_to_group(GroupName=group, UserName=again)
        scene.cast.operate("apply", "act", deployment="demo", arguments={"accept_new": [named]})
        for name in (again, named):
            until(lambda name=name: people[name].may_search(INDEX), what=f"{name} was decided upon")
    for name in (joins, again):
        iam.remove_user_from_group(GroupName=group, UserName=name)


def made_again_user(scene: Scene, name: str) -> Caller:
    """Deleted, and somebody else made under the name, with a key of their own."""
    iam = scene.aws.client("iam")
    for one in iam.list_groups_for_user(UserName=name)["Groups"]:
        iam.remove_user_from_group(GroupName=one["GroupName"], UserName=name)
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    for policy in iam.list_user_policies(UserName=name)["PolicyNames"]:
        iam.delete_user_policy(UserName=name, PolicyName=policy)
    iam.delete_user(UserName=name)
    return scene.people.iam_user(name)
