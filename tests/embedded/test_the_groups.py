"""Groups that go, names that are patterns, events that cannot be read: with the functions' own roles, IAM enforced."""

from __future__ import annotations

import json

import pytest

from local.people import until
from tests.embedded.scene import INDEX, Scene

pytestmark = pytest.mark.embedded


def test_a_deleted_group_grants_nothing_and_is_shown_in_status_and_plan(scene: Scene) -> None:
    """Its members lose access and nobody else does. Made again, the group grants again."""
    iam, group = scene.aws.client("iam"), "catalyst-support"
    omar = scene.people.iam_user("omar.of.a.group")
    iam.add_user_to_group(GroupName=group, UserName=omar.name)
    until(lambda: omar.may_search(INDEX), what="omar may search")
    iam.remove_user_from_group(GroupName=group, UserName=omar.name)
    iam.delete_group(GroupName=group)
    until(lambda: not omar.may_search(INDEX), what="omar is refused")
    scene.quiet()
    missing = f"iam_group:{group} does not exist"
    status = scene.cast.operate("status", deployment="demo")
    assert any(missing in problem for problem in status["problems"])
    plan = scene.cast.operate("plan", deployment="demo")
    assert any(missing in note for note in plan["notes"])
    assert plan["steps"] == [], "the others are not touched"
    checked = scene.cast.operate("check", deployment="demo")
    found = {(one["code"], one["message"]) for one in checked["findings"]}
    assert ("missing-principal", missing) in found
    assert "not-looked-at" not in {code for code, _ in found}, "the stacks let the automation see whom the file names"
    stranger = scene.ledger.model("demo").text.replace("iam_role: catalyst-application", "iam_role: of-no-stack")
    checked = scene.cast.operate("check", deployment="demo", arguments={"text": stranger})
    unseen = [one["message"] for one in checked["findings"] if one["code"] == "not-looked-at"]
    assert unseen == ["iam_role:of-no-stack could not be looked at: not allowed (AccessDenied)"]
    iam.create_group(GroupName=group)
    iam.add_user_to_group(GroupName=group, UserName=omar.name)
    until(lambda: omar.may_search(INDEX), what="made again, it grants again")
    iam.remove_user_from_group(GroupName=group, UserName=omar.name)
    until(lambda: not omar.may_search(INDEX), what="omar is refused")


def test_a_member_whose_name_is_a_pattern_lets_nobody_in_and_is_told(scene: Scene) -> None:
    """Who may make users of the pool could else let in everybody: an entry of a role mapping is a pattern."""
    user = scene.people.cognito_user("*")
    scene.people.join(user, "support")
    scene.quiet()
    assert not any("*" in entry for entry in scene.cast.mappings()["level_support"]["users"])
    status = scene.cast.operate("status", deployment="demo")
    assert any("would be a pattern" in problem for problem in status["problems"])
    scene.people.leave(user, "support")


def test_a_member_whose_name_could_change_a_filter_is_not_let_in_and_is_told(scene: Scene) -> None:
    """`${user.name}` in a document filter is text to the engine, and this name would end it."""
    user = scene.people.cognito_user('a"}},{"match_all":{}},{"term":{"x":"b')
    scene.people.join(user, "support")
    scene.quiet()
    assert not any('"' in entry for entry in scene.cast.mappings()["level_support"]["users"])
    status = scene.cast.operate("status", deployment="demo")
    assert any("would not stay text" in problem for problem in status["problems"])
    scene.people.leave(user, "support")


def test_redriven_dead_letters_are_tried_again_and_buried_again_if_broken(scene: Scene) -> None:
    """The message can never be read. After the redrive it is buried and told a second time."""
    sqs, dead = scene.aws.client("sqs"), scene.up.output("IdentityDeadLetters")
    sqs.purge_queue(QueueUrl=dead)
    broken = {
        "eventVersion": "1.11",
        "eventSource": "cognito-idp.amazonaws.com",
        "eventName": "AdminAddUserToGroup",
        "awsRegion": scene.aws.region,
        "recipientAccountId": scene.aws.account,
        "eventTime": "2026-01-01T00:00:00Z",
        "eventID": "0badc0de-0000-4000-8000-000000000001",
        "eventType": "AwsApiCall",
        "requestParameters": {"userPoolId": scene.people.pool},
    }
    entry = {"Source": "aws.cognito-idp", "DetailType": "AWS API Call via CloudTrail", "Detail": json.dumps(broken)}
    scene.aws.client("events").put_events(Entries=[entry])
    until(lambda: len(scene.told("dead-letter")) == 1, what="it is buried and told")
    done = scene.cast.operate("redrive", "act")
    assert done["queues"]["identity"] == "about 1 messages are on their way back"
    until(lambda: len(scene.told("dead-letter")) == 2, what="it is tried again, buried and told again")
