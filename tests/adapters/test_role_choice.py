"""The role of a sign-in: from the token, for every app client of the pool, the one that Amazon makes included."""

from __future__ import annotations

import pytest
from portcullis.adapters.identity.role_choice import choose_by_token

from local.aws.emulator import Emulator

pytestmark = pytest.mark.aws
BY_TOKEN = {"Type": "Token", "AmbiguousRoleResolution": "Deny"}


def test_a_client_without_a_choice_gets_it_and_what_others_have_stays(aws: Emulator, name: str) -> None:
    # Given an identity pool with two clients of our user pool, one as Amazon adds it, and another provider with rules of its own
    identity, idp = aws.client("cognito-identity"), aws.client("cognito-idp")
    user_pool = idp.create_user_pool(PoolName=name)["UserPool"]["Id"]
    provider = f"cognito-idp.{aws.region}.amazonaws.com/{user_pool}"
    other = f"cognito-idp.{aws.region}.amazonaws.com/{aws.region}_other:theirs"
    pool = identity.create_identity_pool(
        IdentityPoolName=name,
        AllowUnauthenticatedIdentities=False,
        CognitoIdentityProviders=[
            {"ProviderName": provider, "ClientId": "ours"},
            {"ProviderName": provider, "ClientId": "dashboards"},
            {"ProviderName": other.partition(":")[0], "ClientId": "theirs"},
        ],
    )["IdentityPoolId"]
    authenticated = f"arn:aws:iam::{aws.account}:role/signed-in"
    theirs = {"Type": "Token", "AmbiguousRoleResolution": "AuthenticatedRole"}
    identity.set_identity_pool_roles(
        IdentityPoolId=pool,
        Roles={"authenticated": authenticated},
        RoleMappings={f"{provider}:ours": BY_TOKEN, other: theirs},
    )

    # When the choice is set
    changed = choose_by_token(identity, pool, user_pool)

    # Then only the client that had none was changed, and nothing of anybody else's
    assert changed == (f"{provider}:dashboards",)
    held = identity.get_identity_pool_roles(IdentityPoolId=pool)
    assert held["RoleMappings"] == {f"{provider}:ours": BY_TOKEN, f"{provider}:dashboards": BY_TOKEN, other: theirs}
    assert held["Roles"] == {"authenticated": authenticated}

    # And a second call changes nothing
    assert choose_by_token(identity, pool, user_pool) == ()
