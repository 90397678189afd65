"""Deleted and made again under the same name: somebody else, who gets nothing until a person names them. With the functions' own roles."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.embedded import APPLICATION_ROLE
from local.people import until
from tests.embedded.scene import INDEX, Scene

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(180)]


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
