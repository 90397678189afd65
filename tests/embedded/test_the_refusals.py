"""Given a function that IAM refuses one call that it makes, then a lock takes what it can, says which right is missing, and opens later."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from local.people import until
from stacks import names
from tests.embedded.scene import INDEX, Scene

pytestmark = pytest.mark.embedded


@contextmanager
def _without(scene: Scene, action: str, *functions: str) -> Iterator[None]:
    """Whoever may write policies of roles takes this right from all who lock and open, or from these functions."""
    iam, name = scene.aws.client("iam"), "taken-away"
    roles = [names.function(function) for function in functions or ("key_guard", "sweep")]
    never = {"Effect": "Deny", "Action": action, "Resource": "*"}
    for role in roles:
        scene.kill(role)  # one that runs still may have credentials of before; now, while it has nothing in hand
    for role in roles:
        iam.put_role_policy(
            RoleName=role, PolicyName=name, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [never]})
        )
    try:
        yield
    finally:
        for role in roles:
            iam.delete_role_policy(RoleName=role, PolicyName=name)


@pytest.mark.parametrize(
    ("action", "alert"),
    [
        ("sts:AssumeRole", "lock-incomplete"),  # nothing of the engine can be reached: the network shuts everybody out
        ("ec2:DescribeSecurityGroups", "lock-incomplete"),  # and the other way round
        ("dynamodb:Query", "unlock-incomplete"),  # who has to be taken out cannot be known: it stays shut
    ],
)
def test_a_right_that_was_taken_away_is_named_and_a_lock_holds_without_it(
    scene: Scene, action: str, alert: str
) -> None:
    with _without(scene, action):
        scene.kms.disable_key(KeyId=scene.key)
        until(lambda: not scene.cast.application.may_search(INDEX), what="the application is refused")
        if alert == "unlock-incomplete":
            scene.until_locked()
            scene.kms.enable_key(KeyId=scene.key)
        until(lambda: scene.told(alert), within=90, what=f"{alert} is told")
        assert action.partition(":")[2] in scene.told(alert)[0]["happened"]
        assert "not authorized" in scene.told(alert)[0]["happened"]
        assert not scene.cast.application.may_search(INDEX)
    scene.open_again()
    scene.as_before()


@pytest.mark.parametrize("group", ["Cognito", "IAM"])
def test_who_leaves_a_group_that_may_not_be_read_is_told_and_out_with_the_sweep(scene: Scene, group: str) -> None:
    """The others are followed meanwhile. The sweep, which has a role of its own, takes out whom the reaction could not."""
    name, iam = f"leaves.without.a.right.{group.lower()}", scene.aws.client("iam")
    if group == "Cognito":
        action = "cognito-idp:ListUsersInGroup"
        for joined in ("dashboards", "support"):
            scene.people.join(name if joined == "support" else scene.people.cognito_user(name), joined)
        leaver = scene.people.at_dashboards(name)
    else:
        action = "iam:GetGroup"
        leaver = scene.people.iam_user(name)
        iam.add_user_to_group(GroupName="catalyst-support", UserName=name)
    until(lambda: leaver.may_search(INDEX), what="a member may search")
    scene.quiet()
    with _without(scene, action, "identity_sync"):
        if group == "Cognito":
            scene.people.leave(name, "support")
        else:
            iam.remove_user_from_group(GroupName="catalyst-support", UserName=name)
        until(lambda: scene.told("not-read"), within=90, what="it is told")
        assert action.partition(":")[2] in str(scene.told("not-read")[0])
        assert scene.told("not-read")[0]["severity"] == "critical"
        scene.swept()
        until(lambda: not leaver.may_search(INDEX), what="the sweep takes them out")
    scene.quiet()
    assert not leaver.may_search(INDEX)
    if group == "Cognito":
        scene.aws.client("cognito-idp").admin_delete_user(UserPoolId=scene.people.pool, Username=name)
