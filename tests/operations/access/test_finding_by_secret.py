"""Given what the policy of the master's secret says, then the ways to administration that it opens are found."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.access.edge.policies import Own

from tests.operations.access.test_finding_by_iam import KIM, by_iam, found, here, lets
from tests.operations.worlds import ACCOUNT, Account, arn

__all__ = ["here"]
READ, CHANGE = "secretsmanager:GetSecretValue", "secretsmanager:PutResourcePolicy"
ELSEWHERE = "arn:aws:iam::444455556666:role/reader"
STRANGE = arn("role", "nobody-knows")
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/of-secrets"
_READS, _CHANGES = "may read the secret of the master chief", "may change who may read the secret of the master chief"
_BY = "the policy of the secret of the master chief, statement 1"
_AS = "signs in as the master chief"


def says(principal: Any, *actions: str, effect: str = "Allow", **more: Any) -> dict[str, Any]:
    """A statement as the road to the secret keeps it."""
    return {"Effect": effect, "Principal": principal, "Action": list(actions or (READ,)), "Resource": ["*"], **more}


def ways(here: Account, *policy: dict[str, Any], own: Own | None = None, **secret: Any) -> dict[str, Any]:
    seen = {"role/ops": {"trust": []}, "master-secret": {"policy": list(policy), **secret}}
    return by_iam(here, {arn("user", "kim"): own or Own()}, trust=seen)


@pytest.mark.parametrize(
    ("statement", "who", "path", "certain"),
    [
        (says({"AWS": [STRANGE]}), STRANGE, (f"{_READS} ({_BY})", _AS), True),
        (says({"AWS": [STRANGE]}, "secretsmanager:*"), STRANGE, (f"{_READS} ({_BY})", _AS), True),
        (says({"AWS": [STRANGE]}, CHANGE), STRANGE, (f"{_CHANGES} ({_BY})", f"reads it, and {_AS}"), True),
        (says({"AWS": [ELSEWHERE]}), ELSEWHERE, (f"{_READS} ({_BY})", _AS), False),
        (says({"AWS": ["444455556666"]}), "the account 444455556666", (f"{_READS} ({_BY})", _AS), False),
        (
            says({"AWS": [ELSEWHERE.replace("role/reader", "root")]}),
            "the account 444455556666",
            (f"{_READS} ({_BY})", _AS),
            False,
        ),
        (says({"AWS": ["*"]}), "whoever signs", (f"{_READS} ({_BY})", _AS), True),
        (says({"Service": ["lambda.amazonaws.com"]}), "lambda.amazonaws.com", (f"{_READS} ({_BY})", _AS), False),
        (
            says({"AWS": ["*"]}, Condition={"StringEquals": {"aws:PrincipalOrgID": ["o-1"]}}),
            "whoever signs",
            (f"{_READS} ({_BY})", _AS),
            False,
        ),
    ],
)
def test_whom_the_policy_lets_read_the_masters_secret_has_a_path(
    here: Account, statement: dict[str, Any], who: str, path: tuple[str, ...], certain: bool
) -> None:
    one = ways(here, statement)[who]
    assert (one.path, one.certain) == ((who, *path), certain)
    assert one.remedy == f"take {CHANGE if _CHANGES in path[0] else READ} out of {_BY}"


@pytest.mark.parametrize(
    ("key", "hangs"),
    [
        ("", "if a policy of their own account lets them, too; only if the secret comes under a key of the account"),
        (KEY, "if a policy of their own account lets them, too"),
    ],
)
def test_of_another_account_it_hangs_on_what_is_seen_there_alone(here: Account, key: str, hangs: str) -> None:
    one = ways(here, says({"AWS": [ELSEWHERE]}), **({"key": key} if key else {}))[ELSEWHERE]
    assert hangs in one.says
    assert (f"if the key {KEY} lets them decrypt" in one.path[1]) is bool(key)


@pytest.mark.parametrize(
    "policy",
    [
        (),
        (says({"AWS": [f"arn:aws:iam::{ACCOUNT}:root"]}),),  # who of it, their own policies say
        (says({"AWS": [STRANGE]}, "secretsmanager:DescribeSecret"),),
        (says({"AWS": [STRANGE]}, effect="Deny"),),
        (says({"AWS": [STRANGE]}), says({"AWS": ["*"]}, "secretsmanager:*", effect="Deny")),
        (says({"AWS": [arn("role", "portcullis-automation")]}),),
        (says({"AWS": ["AROAEXAMPLEOFSOMEBODYGONE"]}),),
    ],
)
def test_a_policy_that_lets_in_nobody_else_opens_no_way(here: Account, policy: tuple[dict[str, Any], ...]) -> None:
    before = {*ways(here)}
    assert {*ways(here, *policy)} == before


def test_whom_the_engine_knows_is_judged_by_both_policies(here: Account) -> None:
    one = ways(here, says({"AWS": [arn("user", "kim")]}))[KIM]
    assert (one.path[1], one.certain) == (f"{_READS} ({_BY})", True)
    denied = ways(here, says({"AWS": [arn("user", "kim")]}, effect="Deny"), own=lets(READ))
    assert KIM not in denied
    assert CHANGE in ways(here, own=lets(CHANGE))[KIM].says


def test_under_a_customers_key_it_hangs_on_the_key(here: Account) -> None:
    one = ways(here, own=lets(READ, "kms:Decrypt"), key=KEY)[KIM]
    assert (one.certain, f"if the key {KEY} lets them decrypt" in one.path[1]) == (False, True)
    denied = Own((*lets(READ).policies, *lets("kms:Decrypt", resource=KEY, Effect="Deny").policies))
    assert KIM not in ways(here, own=denied, key=KEY)


def test_where_nobody_looked_at_the_secret_that_is_said(here: Account) -> None:
    by_iam(here, {})
    assert (
        "whom the policy of the master's secret lets read it: nobody looked yet (portcullis roads)"
        in found(here).unknown
    )
