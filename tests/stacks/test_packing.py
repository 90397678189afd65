"""Given more rights than IAM attaches to a role, then the app says so, and nothing is deployed that IAM would refuse half-way."""

from __future__ import annotations

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_iam as iam
from portcullis.errors import BadInput

from stacks.rights.packing import allow


def packed(statements: int, **context: str) -> int:
    """How many managed policies a role with so many large statements has."""
    stack = Stack(App(context=context), "stack")
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    large = [f"arn:aws:s3:::{letter * 350}" for letter in "abcdefghijklmno"]
    allow(
        role,
        "remove",
        [iam.PolicyStatement(actions=["s3:GetObject"], resources=[*large, f"*{n}"][1:]) for n in range(statements)],
    )
    return sum(1 for child in stack.node.children if child.node.id.startswith("More-"))


def test_a_role_has_as_many_managed_policies_as_iam_attaches() -> None:
    assert packed(11) == 10


@pytest.mark.parametrize(("statements", "context"), [(12, {}), (22, {"managed_policies": "20"})])
def test_a_role_with_more_rights_than_iam_attaches_is_refused(statements: int, context: dict[str, str]) -> None:
    with pytest.raises(BadInput, match=r"what remove may do takes .* managed policies.*fewer deployments"):
        packed(statements, **context)


def test_an_account_whose_quota_was_raised_may_have_more() -> None:
    assert packed(21, managed_policies="20") == 20
