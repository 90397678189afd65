"""A Cognito sign-in: which tokens count, and which role comes out of one."""

from __future__ import annotations

import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from local.door.answers import Refused
from local.door.id_token import audience, verified
from local.door.role_choice import chosen

PROVIDER = "cognito-idp.eu-central-1.amazonaws.com/eu-central-1_p"
ISSUER = f"https://{PROVIDER}"
KEY, OTHER = (rsa.generate_private_key(65537, 2048) for _ in range(2))


def jwk(key: rsa.RSAPrivateKey, kid: str = "k") -> dict[str, Any]:
    return {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())), "kid": kid, "alg": "RS256"}


def claims(**more: Any) -> dict[str, Any]:
    now = int(time.time())
    said = {
        "sub": "s",
        "aud": "app",
        "iss": ISSUER,
        "iat": now,
        "exp": now + 60,
        "token_use": "id",
        "cognito:username": "ann",
    }
    return {name: value for name, value in {**said, **more}.items() if value is not None}


def token(key: Any = KEY, algorithm: str = "RS256", kid: str = "k", **more: Any) -> str:
    return jwt.encode(claims(**more), key, algorithm, headers={"kid": kid})


def test_a_good_token_is_taken() -> None:
    assert verified(token(), [jwk(KEY)], ["app", "b"], ISSUER)["cognito:username"] == "ann"


@pytest.mark.parametrize(
    "bad",
    {
        "other audience": token(aud="other"),
        "other issuer": token(iss=ISSUER + "x"),
        "expired": token(exp=int(time.time()) - 1),
        "never expires": token(exp=None),
        "an access token": token(token_use="access"),
        "no use": token(token_use=None),
        "no audience": token(aud=None),
        "no user": token(**{"cognito:username": None}),
        "a user that is none": token(**{"cognito:username": ["ann"]}),
        "other key": token(OTHER),
        "unknown key": token(kid="other"),
        "unsigned": token("", "none"),
        "signed with the public key as a secret": token("x" * 32, "HS256"),
        "not a token": "x.y.z",
        "empty": "",
    }.items(),
    ids=lambda bad: bad[0],
)
def test_other_tokens_are_refused(bad: tuple[str, str]) -> None:
    with pytest.raises(Refused) as refused:
        verified(bad[1], [jwk(KEY)], ["app"], ISSUER)
    assert refused.value.status == 401


GOOD = token()


@given(st.integers(0, len(GOOD) - 1), st.sampled_from("ABCDwxyz0189-_."))
def test_no_character_of_a_token_can_be_changed(at: int, character: str) -> None:
    changed = GOOD[:at] + character + GOOD[at + 1 :]
    if changed == GOOD:
        return
    try:
        said = verified(changed, [jwk(KEY)], ["app"], ISSUER)
    except Refused:
        return
    # The last character of a part carries bits that belong to no byte.
    assert said == jwt.decode(GOOD, options={"verify_signature": False})


def test_only_the_identity_pools_clients_count_once_it_names_any() -> None:
    named = {
        "CognitoIdentityProviders": [
            {"ProviderName": PROVIDER, "ClientId": "a"},
            {"ProviderName": "x", "ClientId": "b"},
        ]
    }
    assert audience(["a", "b"], named, PROVIDER) == ["a"]
    assert audience(["a", "b"], {}, PROVIDER) == ["a", "b"]


# ------------------------------------------------------------------ the role
GROUPS = {
    "first": {"RoleArn": "r1", "Precedence": 1},
    "second": {"RoleArn": "r2", "Precedence": 2},
    "also first": {"RoleArn": "r3", "Precedence": 1},
    "same as first": {"RoleArn": "r1", "Precedence": 1},
    "zero": {"RoleArn": "r0", "Precedence": 0},
    "none": {"RoleArn": "r4"},
    "no role": {"Precedence": 0},
}


def pool(kind: str = "Token", ambiguous: str = "Deny", client: str = "app", **more: Any) -> dict[str, Any]:
    mapping = {"Type": kind, "AmbiguousRoleResolution": ambiguous, **more}
    return {"_roles": {"authenticated": "auth"}, "_role_mappings": {f"{PROVIDER}:{client}": mapping}}


def choose(identity_pool: dict[str, Any], *groups: str, **more: Any) -> str:
    return chosen(claims(**{"cognito:groups": list(groups) or None, **more}), GROUPS, identity_pool, PROVIDER)


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (["first"], "r1"),
        (["second", "first"], "r1"),
        (["first", "same as first"], "r1"),
        (["zero", "first", "also first"], "r0"),
        (["none"], "r4"),
        (["none", "second"], "r2"),
        (["no role", "second"], "r2"),
        (["gone", "second"], "r2"),
        (["first", "also first"], ""),
        (["no role"], ""),
        (["gone"], ""),
        ([], ""),
    ],
)
def test_the_role_is_chosen_by_precedence(groups: list[str], role: str) -> None:
    assert choose(pool(), *groups) == role
    assert choose(pool(ambiguous="AuthenticatedRole"), *groups) == (role or "auth")


def test_the_tokens_own_claims_come_first() -> None:
    assert choose(pool(), "first", **{"cognito:preferred_role": "p", "cognito:roles": ["x", "y"]}) == "p"
    assert choose(pool(), "first", **{"cognito:roles": ["x"]}) == "x"
    assert choose(pool(), "first", **{"cognito:roles": ["x", "y"]}) == ""


def test_without_a_mapping_everyone_gets_the_authenticated_role() -> None:
    assert choose({"_roles": {"authenticated": "auth"}}, "first") == "auth"
    assert choose({}, "first") == ""


def test_a_role_mapping_may_name_its_provider_and_another_app_client() -> None:
    """A mapping of another user pool does not count."""
    beside = {"_roles": {}, "_role_mappings": {"m": {"IdentityProvider": f"{PROVIDER}:other", "Type": "Token"}}}
    assert choose(beside, "first") == "r1"
    assert choose({**pool(), "_role_mappings": {"cognito-idp.x/y:app": {"Type": "Token"}}}, "first") == "auth"


def test_two_clients_with_mappings_of_their_own_are_told_apart() -> None:
    two = pool()
    two["_role_mappings"] = {f"{PROVIDER}:other": {"Type": "Rules"}, **two["_role_mappings"]}
    assert choose(two, "first") == "r1"


RULES = {
    "RulesConfiguration": {
        "Rules": [
            {"Claim": "custom:team", "MatchType": "Equals", "Value": "ops", "RoleARN": "ops"},
            {"Claim": "email", "MatchType": "StartsWith", "Value": "root@", "RoleARN": "root"},
            {"Claim": "cognito:groups", "MatchType": "Contains", "Value": "adm", "RoleARN": "admin"},
            {"Claim": "custom:team", "MatchType": "NotEqual", "Value": "none", "RoleARN": "some"},
        ]
    }
}


@pytest.mark.parametrize(
    ("more", "role"),
    [
        ({"custom:team": "ops"}, "ops"),
        ({"email": "root@x"}, "root"),
        ({"cognito:groups": ["x", "admins"]}, "admin"),
        ({"custom:team": "dev"}, "some"),
        ({"custom:team": "none"}, ""),
        ({}, ""),
    ],
)
def test_rules_are_tried_in_order(more: dict[str, Any], role: str) -> None:
    assert choose(pool("Rules", **RULES), **more) == role


@given(st.lists(st.sampled_from(sorted(GROUPS)), max_size=5), st.randoms())
def test_the_order_of_groups_does_not_count_and_no_role_is_made_up(groups: list[str], random: Any) -> None:
    shuffled = list(groups)
    random.shuffle(shuffled)
    role = choose(pool(), *groups)
    assert role == choose(pool(), *shuffled)
    assert role in {"", *(GROUPS[group].get("RoleArn", "") for group in groups)}
