"""The Dashboards door's caller: a Cognito id token, and the role that the identity pool would choose for it.

MiniStack's tokens have neither `cognito:preferred_role` nor `cognito:roles`, and its identity pools ignore role mapping: both are made
up for here. The groups are the token's (as on Amazon a removal counts from the next sign-in); their roles are those of now.
Stricter than Amazon, where an id token lives until it expires: one of a user who was signed out globally, disabled or deleted is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ministack.services import cognito

from local.door.answers import Refused, not_signed_in
from local.door.callers import Caller, lets_identity_pool_assume, signed_in
from local.door.id_token import audience, verified
from local.door.role_choice import chosen

AMBIGUOUS = Refused(403, {"message": "Unauthorized: no role can be chosen for this sign-in."})


def caller(token: str, domain: Mapping[str, Any], account: str, region: str) -> Caller:
    """Whose token it is: `Cognito/<pool-id>/<username>` with the chosen role. Raises Refused: 401 for the token, 403 for the role."""
    options = domain.get("CognitoOptions") or {}
    pool_id, identity_pool_id = options.get("UserPoolId", ""), options.get("IdentityPoolId", "")
    pool = cognito._user_pools.get_scoped(account, region, pool_id)
    identity_pool = cognito._identity_pools.get_scoped(account, region, identity_pool_id)
    if not options.get("Enabled") or not pool or not identity_pool:
        raise not_signed_in("Cognito authentication is not enabled for this domain.")
    provider = f"cognito-idp.{region}.amazonaws.com/{pool_id}"
    keys = json.loads(cognito.well_known_jwks(pool_id)[2])["keys"]
    claims = verified(token, keys, audience(pool["_clients"], identity_pool, provider), f"https://{provider}")
    username = claims["cognito:username"]
    user = pool["_users"].get(username)
    if not user or not user.get("Enabled", True) or claims.get("origin_jti") in cognito._revoked_tokens:
        raise not_signed_in("the token has been revoked.")
    role = chosen(claims, pool["_groups"], identity_pool, provider)
    if not role or not lets_identity_pool_assume(role, identity_pool_id, provider):
        raise AMBIGUOUS
    found = signed_in(f"Cognito/{pool_id}/{username}", role, region, claims["iat"])
    if found is None:
        raise AMBIGUOUS
    return found
