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
    never = {"Effect": "Deny", "Action": action, "Resource": "*"}
    with with_statement(scene, never, *(functions or ("key_guard", "sweep"))):
        yield


@contextmanager
def with_statement(scene: Scene, statement: dict[str, object], *functions: str) -> Iterator[None]:
    """These functions' roles have one more statement, for a while."""
    iam, name = scene.aws.client("iam"), "one-more"
    roles = [names.function(function) for function in functions]
    for role in roles:
        scene.kill(role)  # one that runs still may have credentials of before; now, while it has nothing in hand
    for role in roles:
        iam.put_role_policy(
            RoleName=role,
            PolicyName=name,
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
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


def test_who_is_new_in_an_applied_file_is_known_after_deploy_and_let_in_with_it(scene: Scene) -> None:
    """Until then the automation may not read them: `plan`, `apply`, `status` and the sweep say so, and nothing is a fault."""
    iam, name = scene.aws.client("iam"), "new.in.the.file"
    user, kept = scene.people.iam_user(name), scene.ledger.model("demo").text
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"AWS": f"arn:aws:iam::{scene.aws.account}:root"},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arns = [
        iam.get_user(UserName=name)["User"]["Arn"],
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"],
        iam.create_group(GroupName=name)["Group"]["Arn"],
    ]
    kinds = ("iam_user", "iam_role", "iam_group")
    grants = "".join(f"    - {{level: support, to: {{{kind}: {name}}}}}\n" for kind in kinds)
    text = kept.replace("  grants:\n", f"  grants:\n{grants}").replace("  iam_groups: [", f"  iam_groups: [{name}, ")
    assert len(text) > len(kept + grants)
    granting = {"text": text}

    def all_told(notes: list[str]) -> bool:
        return all(any(f"{kind}:{name} is known after deploy" in note for note in notes) for kind in kinds)

    try:
        assert all_told(scene.cast.operate("plan", deployment="demo", arguments=granting)["notes"])
        done = scene.cast.operate("apply", "act", deployment="demo", arguments=granting)
        assert all_told(done["plan"]["notes"])
        assert done["exit_status"] == 0
        scene.swept()
        status = scene.cast.operate("status", deployment="demo")
        assert all_told(status["problems"])
        assert status["next"] == "cdk deploy"
        assert [alert["severity"] for alert in scene.told("known-after-deploy")] == ["warning"]
        assert scene.told("not-read") == []
        assert not user.may_search(INDEX)
        reads = ["iam:GetUser", "iam:GetRole", "iam:GetGroup"]  # as a deploy of that file lets each function read them
        with with_statement(
            scene, {"Effect": "Allow", "Action": reads, "Resource": arns}, "identity_sync", "sweep", "operate"
        ):
            scene.swept()
            until(lambda: user.may_search(INDEX), what="who may be read is let in")
            assert scene.cast.operate("status", deployment="demo")["problems"] == []
            scene.cast.operate("apply", "act", deployment="demo", arguments={"text": kept})
            assert not user.may_search(INDEX)
    finally:
        scene.cast.operate("apply", "act", deployment="demo", arguments={"text": kept})
        iam.delete_role(RoleName=name)
        iam.delete_group(GroupName=name)


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


@pytest.mark.parametrize(
    ("action", "unseen"),
    [
        ("kms:ListGrants", "the key may not be asked all"),  # the four others say healthy
        ("cognito-idp:DescribeUserPool", "the road user-pool"),
        ("cloudtrail:GetTrailStatus", "the trail of management events"),  # what we see by
    ],
)
def test_a_right_that_the_sweep_lacks_is_told_until_it_is_back(scene: Scene, action: str, unseen: str) -> None:
    with _without(scene, action, "sweep"):
        scene.sweep()
        until(lambda: scene.told("eyes-shut"), within=90, what="it is told")
        (told,) = scene.told("eyes-shut")
        assert (told["severity"], action in told["happened"]) == ("critical", True)
        (line,) = scene.cast.operate("status", deployment="demo")["blind"]
        assert unseen in line
        assert f"not authorized to perform: {action}" in line
    scene.sweep()
    until(lambda: scene.told("eyes-open"), within=90, what="it is told that all is seen again")
    assert scene.cast.operate("status", deployment="demo")["blind"] == []
