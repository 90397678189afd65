"""Which role a sign-in gets: the one its token names, or none.

Amazon OpenSearch Service makes an app client of its own for Dashboards' sign-in page when Cognito is switched on for a domain, and adds
it to the identity pool without a role mapping: everybody would get the authenticated role. So the choice is set for every client.
"""

from __future__ import annotations

from typing import Any

from portcullis.ports.identity import Heard, unheard

_BY_TOKEN = {"Type": "Token", "AmbiguousRoleResolution": "Deny"}


def choose_by_token(
    cognito_identity: Any, identity_pool: str, user_pool: str, found: Heard = unheard
) -> tuple[str, ...]:
    """Have every app client of the user pool choose the role from the token and deny where it names none.

    `cognito_identity` is a boto3 client. What other providers have stays as it is. Returns the clients that were changed, which `found`
    is given first; a second call changes nothing.
    """
    providers = cognito_identity.describe_identity_pool(IdentityPoolId=identity_pool).get(
        "CognitoIdentityProviders", []
    )
    held = cognito_identity.get_identity_pool_roles(IdentityPoolId=identity_pool)
    mappings = dict(held.get("RoleMappings", {}))
    wrong = [
        f"{provider['ProviderName']}:{provider['ClientId']}"
        for provider in providers
        if provider["ProviderName"].endswith(f"/{user_pool}")
        and mappings.get(f"{provider['ProviderName']}:{provider['ClientId']}") != _BY_TOKEN
    ]
    if wrong:
        found(tuple(wrong))
        mappings.update(dict.fromkeys(wrong, _BY_TOKEN))
        cognito_identity.set_identity_pool_roles(
            IdentityPoolId=identity_pool, Roles=held.get("Roles", {}), RoleMappings=mappings
        )
    return tuple(wrong)
