"""Given the key that a secret is under, then whom it lets decrypt is said: by its policy, a grant, or as they may change either."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.access.actual import Json
from portcullis.access.edge.keys import Key, opens
from portcullis.access.edge.policies import Comes, Named, Own, Somebody
from portcullis.access.edge.way import Edge

from tests.access.edge_cases import ACCOUNT, ARN, REGION, ROLE, SESSION, USER

EDGE = Edge(ARN, REGION, None, None, in_vpc=False)
AWAY = "444455556666"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:chief-AbCdEf"
ROOT, THERE = f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:iam::{AWAY}:role/reader"
UNSAID = {"Bool": {"aws:Unsaid": "true"}}
DECRYPTS = f"and the key {KEY} lets them decrypt it"
IN_POLICY = "the policy of the key k, statement 1"


def says(*actions: str, effect: str = "Allow", who: Any = ROOT, **more: Any) -> Json:
    """A statement of the key's policy."""
    return {"Effect": effect, "Principal": {"AWS": who}, "Action": list(actions), "Resource": "*", **more}


def key(*statements: Json, grants: tuple[Json, ...] | None = ()) -> Key:
    return Key(KEY, {"Version": "2012-10-17", "Statement": list(statements)}, grants)


def own(*actions: str, effect: str = "Allow", **more: Any) -> Own:
    body = {"Effect": effect, "Action": list(actions), "Resource": "*", **more}
    return Own((Named("mine", {"Version": "2012-10-17", "Statement": [body]}),))


def asked(of: Key, mine: Own | None = None, arn: str = USER) -> tuple[bool | None, str, tuple[str, ...]]:
    found = opens(of, SECRET, Somebody(arn, Comes.SIGNED, mine or Own()), EDGE)
    return found.allowed, found.says, found.by


def maybe(why: str = "") -> tuple[None, str, tuple[str, ...]]:
    return None, f"if the key {KEY} lets them decrypt{why}", ()


NO = (False, "", ())


@pytest.mark.parametrize(
    ("of", "mine", "told"),
    [
        # Their own policies count where the key's leaves it to the account.
        (key(says("kms:*")), own("kms:Decrypt"), (True, DECRYPTS, (IN_POLICY,))),
        (key(says("kms:Decrypt")), own("kms:*"), (True, DECRYPTS, (IN_POLICY,))),
        (key(says("kms:Decrypt")), own("kms:Encrypt"), NO),
        (key(says("kms:Encrypt")), own("kms:Decrypt"), NO),
        (key(), own("kms:*"), NO),
        (key(says("kms:Decrypt")), Own(unread="closed"), maybe()),
        (key(says("kms:Decrypt")), own("kms:Decrypt", Condition=UNSAID), maybe()),
        # By name the key's policy is enough, unless something denies it.
        (key(says("kms:Decrypt", who=USER)), None, (True, DECRYPTS, (IN_POLICY,))),
        (key(says("kms:Decrypt", who=USER)), own("kms:*", effect="Deny"), NO),
        (key(says("kms:Decrypt", who=USER), says("kms:*", effect="Deny", who="*")), None, NO),
        (key(says("kms:Decrypt", who=USER), says("kms:*", effect="Deny", who="*", Condition=UNSAID)), None, maybe()),
        (key(says("kms:Decrypt", who=USER, Condition=UNSAID)), None, maybe()),
        (key(says("kms:Decrypt", who=ROLE)), None, NO),
        # Or whoever may change who may.
        (key(says("kms:PutKeyPolicy", who=USER)), None, (True, f"under the key {KEY}, whose policy they may change", (IN_POLICY,))),
        (key(says("kms:CreateGrant", who=USER)), None, (True, f"under the key {KEY}, for which they may make a grant", (IN_POLICY,))),
        (key(says("kms:CreateGrant", "kms:PutKeyPolicy", who=USER)), None,
         (True, f"under the key {KEY}, whose policy they may change", (IN_POLICY,))),
        (key(says("kms:CreateGrant", who=USER, Condition=UNSAID)), None, maybe()),
        (key(says("kms:PutKeyPolicy")), Own(unread="closed"), maybe()),
        (key(says("kms:PutKeyPolicy", who=USER, Condition=UNSAID), says("kms:CreateGrant", who=USER, Sid="G")), None,
         (True, f"under the key {KEY}, for which they may make a grant", ("the policy of the key k, statement G",))),
        (key(says("kms:CreateGrant")), own("kms:CreateGrant"),
         (True, f"under the key {KEY}, for which they may make a grant", (IN_POLICY,))),
        (key(says("kms:CreateGrant", who=USER)), own("kms:CreateGrant", effect="Deny"), NO),
        (key(says("kms:ListGrants", "kms:RevokeGrant", "kms:ReEncryptFrom", who=USER)), None, NO),
        # What could not be read.
        (Key(KEY, unread="closed"), own("kms:*"), maybe(" (closed)")),
        (Key(KEY), Own(), maybe()),
        (Key(KEY, grants=()), own("kms:*"), maybe()),
        (Key(KEY, grants=()), own("kms:*", effect="Deny"), NO),
        (Key(KEY), own("kms:Decrypt", effect="Deny"), NO),
        (Key(KEY), own("kms:Decrypt", effect="Deny", Condition=UNSAID), maybe()),
        (Key(KEY), Own(unread="closed"), maybe()),
        (key(grants=None), None, maybe()),
        (key(says("kms:Decrypt"), grants=None), own("kms:Encrypt"), maybe()),
        (key(says("kms:*", effect="Deny", who="*"), grants=None), None, NO),
        (key(says("kms:Decrypt", who=USER), grants=None), None, (True, DECRYPTS, (IN_POLICY,))),
    ],
)  # fmt: skip
def test_a_key_opens_a_secret_to_whom_its_policy_lets(of: Key, mine: Own | None, told: Any) -> None:
    assert asked(of, mine) == told


def test_of_another_account_both_sides_have_to_let_them_decrypt() -> None:
    named = key(says("kms:Decrypt", who=THERE))
    assert asked(named, Own(), THERE) == NO
    assert asked(named, Own(unread="not ours"), THERE) == maybe()
    assert asked(named, own("kms:Decrypt"), THERE) == (True, DECRYPTS, (IN_POLICY,))
    assert asked(key(says("kms:Decrypt", who=USER)), own("kms:Decrypt"), THERE) == NO


VIA = f"secretsmanager.{REGION}.amazonaws.com"


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        ({"StringEquals": {"kms:ViaService": VIA}}, True),
        ({"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}}, False),
        ({"StringEquals": {"kms:CallerAccount": ACCOUNT}}, True),
        ({"StringEquals": {"kms:CallerAccount": AWAY}}, False),
        ({"StringEquals": {"kms:EncryptionContext:SecretARN": SECRET}}, True),
        ({"StringEquals": {"kms:EncryptionContext:SecretARN": f"{SECRET}x"}}, False),
        ({"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["SecretARN", "SecretVersionId"]}}, True),
        ({"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["SecretARN"]}}, False),
        ({"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": ["SecretVersionId"]}}, True),
        ({"Bool": {"aws:ViaAWSService": "true"}}, True),
        ({"Bool": {"aws:ViaAWSService": "false"}}, False),
        ({"Bool": {"aws:PrincipalIsAWSService": "false"}}, True),
        ({"ForAnyValue:StringEquals": {"aws:CalledVia": "secretsmanager.amazonaws.com"}}, True),
        ({"StringEquals": {"aws:CalledViaFirst": "secretsmanager.amazonaws.com"}}, True),
        ({"StringEquals": {"aws:CalledViaLast": "secretsmanager.amazonaws.com"}}, True),
        ({"StringEquals": {"aws:CalledViaLast": "athena.amazonaws.com"}}, False),
        ({"ArnEquals": {"aws:PrincipalArn": USER}}, True),
        ({"StringEquals": {"kms:EncryptionContext:SecretVersionId": "1"}}, None),
    ],
)
def test_a_secret_is_decrypted_by_secrets_manager_with_what_it_is(condition: Json, allowed: bool | None) -> None:
    assert asked(key(says("kms:Decrypt", who=USER, Condition=condition)))[0] is allowed


def test_who_changes_a_key_asks_it_by_themselves() -> None:
    by_service = {"Bool": {"aws:ViaAWSService": "true"}}
    assert asked(key(says("kms:PutKeyPolicy", who=USER, Condition=by_service))) == NO


def grant(who: str = USER, *operations: str, **constraints: Any) -> Json:
    told = {"GrantId": "g1", "GranteePrincipal": who, "Operations": list(operations or ("Decrypt",))}
    return told | ({"Constraints": constraints} if constraints else {})


BY_GRANT = (True, DECRYPTS, ("the grants of the key, statement g1",))
BOTH = {"SecretARN": SECRET, "SecretVersionId": "v"}


@pytest.mark.parametrize(
    ("grants", "told"),
    [
        ([grant()], BY_GRANT),
        ([grant(USER, "Encrypt", "Decrypt")], BY_GRANT),
        ([grant(USER, "Encrypt", "DescribeKey")], NO),
        ([{"GrantId": "g1", "GranteePrincipal": USER}], NO),
        ([{"GrantId": "g1", "Operations": ["Decrypt"]}], NO),
        ([grant(ROLE)], NO),
        ([grant(VIA)], NO),
        ([grant(ROOT)], maybe()),
        ([grant(ACCOUNT)], maybe()),
        ([grant(USER, EncryptionContextSubset={"SecretARN": SECRET})], BY_GRANT),
        ([grant(USER, EncryptionContextSubset={"SecretARN": f"{SECRET}x"})], NO),
        ([grant(USER, EncryptionContextSubset={"Team": "x"})], NO),
        ([grant(USER, EncryptionContextSubset={"SecretVersionId": "v"})], maybe()),
        ([grant(USER, EncryptionContextSubset=BOTH)], maybe()),
        ([grant(USER, EncryptionContextSubset={})], BY_GRANT),
        ([grant(USER, EncryptionContextEquals=BOTH)], maybe()),
        ([grant(USER, EncryptionContextEquals={"SecretARN": SECRET})], NO),  # it always comes with a version
        ([grant(USER, EncryptionContextEquals={**BOTH, "Team": "x"})], NO),
        ([grant(USER, EncryptionContextEquals={**BOTH, "SecretARN": "x"})], NO),
        ([grant(USER, EncryptionContextEquals={})], NO),
        # Of several the one that lets them for certain counts, wherever it stands.
        ([grant(ROLE), grant()], BY_GRANT),
        ([grant(), grant() | {"GrantId": "g2"}], BY_GRANT),
        ([grant(ROOT) | {"GrantId": "g0"}, grant()], BY_GRANT),
        ([grant(), grant(ROOT) | {"GrantId": "g0"}], BY_GRANT),
        ([grant(ROLE), grant(USER, "Encrypt"), grant(ROOT)], maybe()),
    ],
)
def test_a_grant_lets_decrypt_what_it_is_bound_to(grants: list[Json], told: Any) -> None:
    assert asked(key(says("kms:*"), grants=tuple(grants))) == told


def test_a_session_of_a_grant_may_be_theirs_and_another_account_may_need_more() -> None:
    assert asked(key(grants=(grant(SESSION),)), arn=ROLE) == maybe()
    assert asked(key(grants=(grant(SESSION),)), arn=USER) == NO
    assert asked(key(grants=(grant(THERE),)), Own(unread="not ours"), THERE) == maybe()
    assert asked(key(grants=(grant(THERE),)), own("kms:*"), THERE) == maybe()


def test_a_grant_lets_nobody_whom_something_denies() -> None:
    """Where that hangs on what is not known, so does the grant. What allows it and hangs on something makes the grant no less certain."""
    assert asked(key(says("kms:*", effect="Deny", who="*"), grants=(grant(),))) == NO
    assert asked(key(grants=(grant(),)), own("kms:Decrypt", effect="Deny")) == NO
    hangs = says("kms:Decrypt", effect="Deny", who="*", Condition=UNSAID)
    assert asked(key(says("kms:Decrypt", who=USER), hangs, grants=(grant(),))) == maybe()
    assert asked(key(hangs, grants=(grant(),))) == maybe()
    assert asked(key(grants=(grant(),)), own("kms:Decrypt", effect="Deny", Condition=UNSAID)) == maybe()
    assert asked(key(says("kms:Encrypt", effect="Deny", who="*", Condition=UNSAID), grants=(grant(),))) == BY_GRANT
    assert asked(key(says("kms:Decrypt", who=USER, Condition=UNSAID), grants=(grant(),))) == BY_GRANT
    assert asked(key(says("kms:Decrypt", who=USER), grants=(grant(),))) == (True, DECRYPTS, (IN_POLICY,))
