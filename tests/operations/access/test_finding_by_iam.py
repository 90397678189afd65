"""Given what people's own IAM policies let them do, then the ways to administration that these open are found."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.access.edge.policies import Named, Own
from portcullis.access.questions.findings import PATH, Findings, Found
from portcullis.entry.verbs import VERBS
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.deployments import apply_text
from portcullis.ports.registration import EngineUser

from tests.operations.orders import CAUSE, TEXT, orders_account
from tests.operations.worlds import ACCOUNT, Account, arn


@pytest.fixture
def here() -> Account:
    return orders_account()


def found(here: Account) -> Findings:
    told: Findings = VERBS["findings"].run(here.services, "demo", CAUSE)
    return told


def lets(*actions: str, resource: str = "*", **more: Any) -> Own:
    body = {"Sid": "Power", "Effect": "Allow", "Action": list(actions), "Resource": resource, **more}
    return Own((Named("the policy power of the user kim", {"Version": "2012-10-17", "Statement": [body]}),))


KIM, OPS = "iam_user:kim", arn("role", "ops")
TRUST: dict[str, Any] = {
    "role/ops": {"trust": [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}]}
}


@pytest.mark.parametrize(
    ("own", "step", "then", "certain"),
    [
        (lets("sts:AssumeRole"), f"may take the role {OPS}", "", True),
        (
            lets("iam:UpdateAssumeRolePolicy", resource=OPS),
            "may change who may take the role ops",
            f"takes the role {OPS}",
            True,
        ),
        (
            lets("secretsmanager:GetSecretValue"),
            "may read the secret of the master chief",
            "signs in as the master chief",
            True,
        ),
        (
            lets("iam:CreateAccessKey"),
            "may make an access key of the user boss",
            f"signs as {arn('user', 'boss')}",
            True,
        ),
        (lets("iam:AddUserToGroup"), "may add a user to the IAM group admins", "the next look lets that user in", True),
        (lets("es:UpdateDomainConfig"), "may change the domain's configuration", "sets another master user", True),
        (lets("iam:PutUserPolicy"), "may change their own IAM policies", "gives themselves any right", True),
        (
            lets("sts:AssumeRole", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
            f"may take the role {OPS}",
            "",
            False,
        ),
    ],
)
def test_what_somebody_may_do_to_who_administers_is_a_path(
    here: Account, own: Own, step: str, then: str, certain: bool
) -> None:
    one = by_iam(here, {arn("user", "kim"): own})[KIM]
    assert one.path[1] == f"{step} (the policy power of the user kim, statement Power)"
    assert (" -> ".join(one.path[2:]).startswith(then), bool(one.path[2:])) == (True, bool(then))
    assert one.certain is certain


@pytest.mark.parametrize(
    "own",
    [
        Own(),
        lets("es:ESHttp*", "iam:Get*"),
        lets("sts:AssumeRole", resource=arn("role", "another")),
        lets("iam:PutUserPolicy", resource=arn("user", "rita")),
        Own(
            lets("iam:*").policies,
            Named("limit", {"Statement": {"Effect": "Allow", "Action": "es:*ESHttp*", "Resource": "*"}}),
        ),
        Own((*lets("*").policies, Named("no", {"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}))),
    ],
)
def test_whose_policies_open_no_way_is_not_told(here: Account, own: Own) -> None:
    assert KIM not in by_iam(here, {arn("user", "kim"): own})


def test_an_administrator_is_not_told_to_be_able_to_become_one(here: Account) -> None:
    assert KIM not in by_iam(here, {arn("user", "kim"): lets("*")}, arn("user", "kim"))


def test_policies_that_may_not_be_read_are_said(here: Account) -> None:
    by_iam(here, {arn("user", "kim"): Own(unread="not for us")})
    assert "what people may do to who administers, by their own IAM policies: not for us" in found(here).unknown


RUNS: dict[str, Any] = {
    "role/ops": {
        "trust": [
            {"Effect": "Allow", "Principal": {"Service": ["lambda.amazonaws.com", "ec2.amazonaws.com"]}},
            {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}},
        ]
    }
}
PASSES = "iam:PassRole"
PASSED = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
FUNCTION = f"arn:aws:lambda:*:{ACCOUNT}:function:team-*"


def both(*parts: Own) -> Own:
    return Own(tuple(one for part in parts for one in part.policies))


@pytest.mark.parametrize(
    ("own", "action", "certain"),
    [
        (lets(PASSES, "lambda:*"), PASSES, True),
        (lets(PASSES, "ec2:RunInstances"), PASSES, True),
        (lets(PASSES, "glue:*"), PASSES, True),
        (both(lets(PASSES, resource=OPS, Condition=PASSED), lets("lambda:*", resource=FUNCTION)), PASSES, True),
        (both(lets(PASSES, Condition=PASSED), lets("ec2:*")), "", True),
        (both(lets(PASSES, resource=arn("role", "another")), lets("lambda:CreateFunction")), "", True),
        (lets(PASSES), "", True),
        (lets(PASSES, "lambda:CreateFunction"), "", True),  # it runs when somebody calls it
        (lets(PASSES, "ecs:*"), "", True),  # which may not take the role
        (lets("lambda:UpdateFunctionCode"), "lambda:UpdateFunctionCode", False),
        (lets("lambda:UpdateFunctionCode", resource=FUNCTION), "lambda:UpdateFunctionCode", False),
        (lets("ssm:StartSession"), "ssm:StartSession", False),
        (lets("ssm:SendCommand", "ssm:Get*"), "ssm:SendCommand", False),
        (lets("lambda:InvokeFunction"), "", True),
    ],
)
def test_whoever_runs_code_as_who_administers_has_a_way(here: Account, own: Own, action: str, certain: bool) -> None:
    told = by_iam(here, {arn("user", "kim"): own}, trust=RUNS)
    assert (KIM in told) is bool(action)
    if action:
        assert (f"by {action}" in told[KIM].says, told[KIM].certain) == (True, certain)
        assert told[KIM].path[-1].endswith(f"the role {OPS}")


def by_iam(here: Account, own: dict[str, Own], *also: str, trust: dict[str, Any] = TRUST) -> dict[str, Found]:
    """With a role, a user, an IAM group and a master of the engine's own who administer; and whoever else is mapped by hand."""
    text = TEXT.replace("[ops]", "[ops, admins]") + "    - {role: all_access, to: {iam_group: admins}}\n"
    apply_text(here.services, "demo", text, CAUSE)
    lists = here.engine.held.of(Kind.MAPPINGS)["all_access"]
    roles, users = [*lists["backend_roles"], OPS], [*lists["users"], arn("user", "boss"), *also]
    by_hand = {**lists, "backend_roles": roles, "users": users}
    here.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/all_access", "value": by_hand}])
    here.ledger.save("demo", "roads-baseline", trust)
    here.registered(master=EngineUser("chief", "arn:aws:secretsmanager:eu-central-1:1:secret:chief-AbCdEf"))
    here.aws.policies |= own
    return {one.about: one for one in found(here).findings if one.code == PATH}
