"""Given what is synthesised, then every action, resource and condition key of every policy is one that AWS's Service Authorization
Reference has: what it has not, IAM takes without a word, and refuses whoever relied on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.stacks.assembly import HOME, Synthesised, listed
from tests.stacks.reference import Action, action, actions
from tests.stacks.resolved import Resolver

Statement = dict[str, Any]


@pytest.fixture(params=["demo", "pair"])
def policies(request: pytest.FixtureRequest) -> Resolver:
    made: Synthesised = request.getfixturevalue(request.param)
    return Resolver(made, HOME if request.param == "demo" else "us-east-1")


def test_what_roles_and_people_are_given_is_what_the_reference_knows(policies: Resolver) -> None:
    found = [f"{where}: {wrong}" for where, statement in policies.identity() for wrong in wrongs(statement)]
    assert found == []


def test_what_resources_allow_is_what_the_reference_knows(policies: Resolver) -> None:
    found = [
        f"{where}: {wrong}"
        for where, statement in policies.of_resources()
        for wrong in wrongs(statement, own=statement["Resource"] == "*")
    ]
    assert found == []


def test_whom_roles_trust_is_asked_by_what_the_reference_knows(policies: Resolver) -> None:
    found = [f"{where}: {wrong}" for where, statement in policies.trust() for wrong in wrongs(statement, own=True)]
    assert found == []


def test_every_kind_of_policy_was_looked_at(policies: Resolver) -> None:
    seen = [len(list(kind())) for kind in (policies.identity, policies.trust, policies.of_resources)]
    assert min(seen) > 5


def wrongs(statement: Statement, *, own: bool = False) -> Iterator[str]:
    """What the Reference does not know in a statement. `own`: it stands with the resource it is about, and need not name it."""
    named = listed(statement["Action"])
    known, unknown = actions(named)
    yield from (f"there is no action {name}" for name in unknown)
    if not own and not any(name.endswith("*") for name in named):
        yield from _wrong_resources(known, listed(statement["Resource"]))
    for operator, asked in statement.get("Condition", {}).items():
        for key in asked:
            yield from (
                f"{operator} {key} is no key of {one.name}: the condition never holds"
                for one in known
                if not one.takes_key(key)
            )


def _wrong_resources(known: list[Action], resources: list[str]) -> Iterator[str]:
    specific = [resource for resource in resources if resource != "*"]
    if len(specific) < len(resources):
        return
    for one in known:
        met = {kind for resource in specific for kind in one.kinds(resource)}
        if not one.formats:
            yield f"{one.name} takes no resource, only *"
        elif not met:
            yield f"{one.name} is allowed on none of its kinds of resource ({', '.join(one.formats.values())})"
        elif missing := one.required - met:
            yield f"{one.name} also needs {', '.join(sorted(missing))}"
    for resource in specific:
        if known and not any(one.kinds(resource) for one in known):
            yield f"{resource} is no resource of {', '.join(one.name for one in known)}"


# ---------------------------------------------------------------------- the test itself is held to be one

WRONG: dict[str, Statement] = {
    "an action that takes no resource, on one": {
        "Action": "cognito-identity:SetIdentityPoolRoles",
        "Resource": "arn:aws:cognito-identity:eu-central-1:000000000000:identitypool/x",
    },
    "an action that there is not": {"Action": "s3:ReadObject", "Resource": "arn:aws:s3:::b/k"},
    "an object where the bucket is asked for": {"Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b/k"},
    "a bucket where the object is asked for": {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::b"},
    "a Region where there is none": {
        "Action": "iam:GetRole",
        "Resource": "arn:aws:iam:eu-central-1:000000000000:role/r",
    },
    "one resource of another service": {
        "Action": "sqs:SendMessage",
        "Resource": ["arn:aws:sqs:eu-central-1:000000000000:q", "arn:aws:sns:eu-central-1:000000000000:t"],
    },
    "a log group where its streams are asked for": {
        "Action": "logs:PutLogEvents",
        "Resource": "arn:aws:logs:eu-central-1:000000000000:log-group:g",
    },
    "a condition key of another action": {
        "Action": "sts:AssumeRole",
        "Resource": "arn:aws:iam::000000000000:role/r",
        "Condition": {"StringEquals": {"iam:PassedToService": "es.amazonaws.com"}},
    },
    "a condition key that there is not": {
        "Action": "sqs:SendMessage",
        "Resource": "arn:aws:sqs:eu-central-1:000000000000:q",
        "Condition": {"StringEquals": {"aws:SourceAcount": "000000000000"}},
    },
}


@pytest.mark.parametrize("what", WRONG)
def test_a_statement_that_aws_would_never_act_on_is_found(what: str) -> None:
    assert list(wrongs(WRONG[what]))


def test_a_right_statement_is_taken() -> None:
    right = {
        "Action": ["kms:Decrypt"],
        "Resource": "arn:aws:kms:eu-central-1:000000000000:key/k",
        "Condition": {"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}},
    }
    assert list(wrongs(right)) == []
    assert action("cognito-identity:SetIdentityPoolRoles") is not None


def test_only_the_roles_of_a_pool_are_set_without_naming_one(demo: Synthesised) -> None:
    """Amazon's own managed policy does it so, in a statement of its own: beside others, `*` would be theirs too."""
    setting = [
        (where, listed(statement["Action"]), listed(statement["Resource"]))
        for where, statement in demo.identity_statements()
        if "cognito-identity:SetIdentityPoolRoles" in listed(statement["Action"])
    ]
    assert len(setting) >= 2
    assert {(tuple(actions), tuple(resources)) for _, actions, resources in setting} == {
        (("cognito-identity:SetIdentityPoolRoles",), ("*",))
    }


def test_amazon_s_role_for_sign_in_is_trusted_as_amazon_documents_it(demo: Synthesised) -> None:
    (trusted,) = demo.role_named("portcullis-demo-cognito-access")["AssumeRolePolicyDocument"]["Statement"]
    assert trusted == {
        "Action": "sts:AssumeRole",
        "Effect": "Allow",
        "Principal": {"Service": "opensearchservice.amazonaws.com"},
    }


def test_a_role_is_passed_to_a_service_that_is_named(policies: Resolver) -> None:
    passing = [one for one in policies.identity() if "iam:PassRole" in listed(one[1]["Action"])]
    assert passing
    for where, statement in passing:
        assert statement["Condition"]["StringEquals"]["iam:PassedToService"], where
