"""Given what the policy of the master's secret says, then the ways to administration that it opens are found."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.access.edge.keys import Key
from portcullis.access.edge.policies import Own
from portcullis.access.questions.findings import PATH, Findings
from portcullis.operations.access.deployments import apply_text
from portcullis.ports.edge import HeldSecret

from tests.operations.access.test_finding_by_iam import KIM, by_iam, found, here, lets
from tests.operations.orders import CAUSE, TEXT
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


def of_key(here: Account, *policy: dict[str, Any], grants: tuple[dict[str, Any], ...] = (), **more: Any) -> None:
    here.aws.keys_of_secrets[KEY] = Key(KEY, {"Version": "2012-10-17", "Statement": list(policy)}, grants, **more)


TO_KIM = {"AWS": [arn("user", "kim")]}
TO_ACCOUNT = says({"AWS": [f"arn:aws:iam::{ACCOUNT}:root"]}, "kms:*")
BY_SERVICE = {"StringEquals": {"kms:ViaService": "secretsmanager.eu-central-1.amazonaws.com"}}
BY_ANOTHER = {"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}}
NOT_OURS = {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}
OF_KEY = "the policy of the key of-secrets, statement 1"
SECRET = "arn:aws:secretsmanager:eu-central-1:1:secret:chief-AbCdEf"


def grant(who: str, **constraints: Any) -> dict[str, Any]:
    return {"GrantId": "g1", "GranteePrincipal": who, "Operations": ["Decrypt"], "Constraints": constraints}


@pytest.mark.parametrize(
    ("policy", "own", "by"),
    [
        ((says(TO_KIM, "kms:Decrypt"),), lets(READ), OF_KEY),
        ((says(TO_KIM, "kms:*", Condition=BY_SERVICE),), lets(READ), OF_KEY),
        ((TO_ACCOUNT,), lets(READ, "kms:Decrypt"), OF_KEY),
        (
            (says({"AWS": ["*"]}, "kms:Decrypt", Condition={"StringEquals": {"kms:CallerAccount": ACCOUNT}}),),
            lets(READ),
            OF_KEY,
        ),
    ],
)
def test_whom_the_key_lets_decrypt_too_has_a_certain_way(
    here: Account, policy: tuple[dict[str, Any], ...], own: Own, by: str
) -> None:
    of_key(here, *policy)
    one = ways(here, own=own, key=KEY)[KIM]
    assert one.certain
    assert one.path[1].startswith(f"{_READS}, and the key {KEY} lets them decrypt it (")
    assert by in one.path[1]


@pytest.mark.parametrize(
    ("policy", "own"),
    [
        ((), lets(READ, "kms:Decrypt")),  # their own policies count only where the key leaves it to the account
        ((TO_ACCOUNT,), lets(READ)),
        ((says(TO_KIM, "kms:Decrypt", Condition=BY_ANOTHER),), lets(READ)),
        ((says({"AWS": [STRANGE]}, "kms:Decrypt"),), lets(READ)),
        ((says(TO_KIM, "kms:Decrypt"), says({"AWS": ["*"]}, "kms:*", effect="Deny")), lets(READ)),
    ],
)
def test_whom_the_key_does_not_let_decrypt_has_no_way(
    here: Account, policy: tuple[dict[str, Any], ...], own: Own
) -> None:
    of_key(here, *policy)
    assert KIM not in ways(here, own=own, key=KEY)


@pytest.mark.parametrize(
    ("action", "says_so"),
    [("kms:PutKeyPolicy", "whose policy they may change"), ("kms:CreateGrant", "for which they may make a grant")],
)
def test_whoever_may_change_whom_the_key_lets_in_has_a_way(here: Account, action: str, says_so: str) -> None:
    of_key(here, says(TO_KIM, action))
    one = ways(here, own=lets(READ), key=KEY)[KIM]
    assert (one.certain, f"under the key {KEY}, {says_so} (" in one.path[1]) == (True, True)


@pytest.mark.parametrize(
    ("given", "certain"),
    [
        (grant(arn("user", "kim")), True),
        (grant(arn("user", "kim"), EncryptionContextSubset={"SecretARN": SECRET}), True),
        (grant(arn("user", "kim"), EncryptionContextEquals={"SecretARN": SECRET, "SecretVersionId": "v1"}), False),
        (grant(f"arn:aws:iam::{ACCOUNT}:root"), False),
    ],
)
def test_a_grant_of_the_key_lets_decrypt(here: Account, given: dict[str, Any], certain: bool) -> None:
    of_key(here, grants=(given,))
    assert ways(here, own=lets(READ), key=KEY)[KIM].certain is certain


@pytest.mark.parametrize(
    "given",
    [
        grant(STRANGE),
        {**grant(arn("user", "kim")), "Operations": ["Encrypt"]},
        grant(arn("user", "kim"), EncryptionContextSubset={"SecretARN": f"{SECRET}-of-another"}),
        grant(arn("user", "kim"), EncryptionContextEquals={"SecretARN": SECRET}),
        grant(arn("user", "kim"), EncryptionContextSubset={"Team": "red"}),
    ],
)
def test_a_grant_for_something_else_opens_no_way(here: Account, given: dict[str, Any]) -> None:
    of_key(here, grants=(given,))
    assert KIM not in ways(here, own=lets(READ), key=KEY)


def test_a_grant_is_not_certain_where_the_key_may_deny_it(here: Account) -> None:
    denies = says({"AWS": ["*"]}, "kms:Decrypt", effect="Deny", Condition=NOT_OURS)
    of_key(here, denies, grants=(grant(arn("user", "kim")),))
    assert not ways(here, own=lets(READ), key=KEY)[KIM].certain


def test_a_key_that_cannot_be_read_leaves_it_uncertain_and_says_why(here: Account) -> None:
    here.aws.keys_of_secrets[KEY] = Key(KEY, unread="it is of another account")
    one = ways(here, own=lets(READ, "kms:Decrypt"), key=KEY)[KIM]
    assert not one.certain
    assert f"if the key {KEY} lets them decrypt (it is of another account)" in one.path[1]
    denied = Own((*lets(READ).policies, *lets("kms:Decrypt", resource=KEY, Effect="Deny").policies))
    here.aws.policies.clear()
    assert KIM not in ways(here, own=denied, key=KEY)


def test_grants_that_cannot_be_read_leave_it_uncertain(here: Account) -> None:
    here.aws.keys_of_secrets[KEY] = Key(KEY, {"Statement": []}, unread="AccessDenied")
    assert not ways(here, own=lets(READ), key=KEY)[KIM].certain


def test_a_stranger_in_the_secrets_policy_needs_the_key_too(here: Account) -> None:
    of_key(here, says({"AWS": [STRANGE]}, "kms:Decrypt"))
    assert ways(here, says({"AWS": [STRANGE]}), key=KEY)[STRANGE].certain
    of_key(here)
    assert STRANGE not in ways(here, says({"AWS": [STRANGE]}), key=KEY)
    of_key(here, TO_ACCOUNT)
    assert not ways(here, says({"AWS": [STRANGE]}), key=KEY)[STRANGE].certain, "a policy of theirs is not seen"


ADMINISTERS = f"{TEXT}    - {{role: all_access, to: {{internal_user: chief}}}}\n  users: {{chief: {{}}}}\n"


def with_chief(here: Account, held: HeldSecret, own: Own | None = None) -> Findings:
    """An internal user who administers, whose password is in a secret that is read with this said of it."""
    apply_text(here.services, "demo", ADMINISTERS, CAUSE)
    here.aws.secrets["portcullis/demo/chief"] = held
    here.aws.policies[arn("user", "kim")] = own or Own()
    told: Findings = found(here)
    return told


def test_the_secret_of_an_internal_user_who_administers_is_a_way_too(here: Account) -> None:
    by = "the policy of the secret of the internal user chief, statement 1"
    told = with_chief(here, HeldSecret({"Statement": [says({"AWS": [STRANGE]})]}), lets(READ))
    paths = {one.about: one for one in told.findings if one.code == PATH}
    assert paths[STRANGE].path == (
        STRANGE,
        f"may read the secret of the internal user chief ({by})",
        "signs in as the internal user chief",
    )
    assert (paths[STRANGE].certain, paths[KIM].certain) == (True, True)
    assert paths[KIM].path[-1] == "signs in as the internal user chief"


@pytest.mark.parametrize("action", ["secretsmanager:PutSecretValue", "secretsmanager:UpdateSecret"])
def test_whoever_may_write_a_secret_that_a_password_follows_has_a_way(here: Account, action: str) -> None:
    told = with_chief(here, HeldSecret({"Statement": [says({"AWS": [STRANGE]}, action)]}), lets(action))
    paths = {one.about: one for one in told.findings if one.code == PATH}
    assert paths[STRANGE].path[1].startswith("may write the secret of the internal user chief (")
    assert paths[KIM].path[-1] == "the password follows it: signs in as the internal user chief"
    assert (paths[STRANGE].certain, paths[KIM].certain) == (True, True)
    of_key(here, says(TO_KIM, "kms:*"))
    told = with_chief(here, HeldSecret(key=KEY), lets(action))
    assert [one.certain for one in told.findings if (one.code, one.about) == (PATH, KIM)] == [False]


def test_nobody_signs_in_by_writing_the_masters_secret(here: Account) -> None:
    assert KIM not in ways(here, own=lets("secretsmanager:PutSecretValue"))


REAL = "arn:aws:secretsmanager:eu-central-1:1:secret:portcullis/demo/chief-x7Yz12"


@pytest.mark.parametrize(
    "policy",
    [
        says(TO_KIM, "kms:Decrypt"),
        says(TO_KIM, "kms:*", Condition={"StringEquals": {"kms:EncryptionContext:SecretARN": REAL}}),
    ],
)
def test_a_policy_that_names_the_whole_arn_of_a_secret_means_it(here: Account, policy: dict[str, Any]) -> None:
    of_key(here, policy)
    told = with_chief(here, HeldSecret(key=KEY, arn=REAL), lets(READ, resource=REAL))
    assert [one.certain for one in told.findings if (one.code, one.about) == (PATH, KIM)] == [True]


def test_a_secret_that_cannot_be_read_is_said(here: Account) -> None:
    told = with_chief(here, HeldSecret(unread="AccessDenied"), lets(READ))
    assert [one.certain for one in told.findings if (one.code, one.about) == (PATH, KIM)] == [False]
    assert "whom the policy of the secret of internal_user:chief lets read it: AccessDenied" in told.unknown


def test_where_nobody_looked_at_the_secret_that_is_said(here: Account) -> None:
    by_iam(here, {})
    assert (
        "whom the policy of the master's secret lets read it: nobody looked yet (portcullis roads)"
        in found(here).unknown
    )
