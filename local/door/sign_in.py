"""The Dashboards door's caller: a Cognito id token, and the role that the identity pool would choose for it.

MiniStack's tokens have neither `cognito:preferred_role` nor `cognito:roles`, and its identity pools ignore role mapping: both are made
up for here. The groups are the token's (as on Amazon a removal counts from the next sign-in); their roles are those of now.
Stricter than Amazon, where an id token lives until it expires: one of a user who was signed out globally, disabled or deleted is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import jwt
from ministack.services import cognito

from local.door.answers import Refused, not_signed_in
from local.door.callers import Caller, lets_identity_pool_assume, signed_in

AMBIGUOUS = Refused(403, {"message": "Unauthorized: no role can be chosen for this sign-in."})
MATCHES = {
    "Equals": lambda value, wanted: value == wanted,
    "NotEqual": lambda value, wanted: value != wanted,
    "Contains": lambda value, wanted: wanted in value,
    "StartsWith": lambda value, wanted: value.startswith(wanted),
}


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
    found = signed_in(f"Cognito/{pool_id}/{username}", role, region)
    if found is None:
        raise AMBIGUOUS
    return found


def audience(clients: Iterable[str], identity_pool: Mapping[str, Any], provider: str) -> list[str]:
    """The app clients whose tokens count: the user pool's, and of those only the identity pool's if it names any of this user pool."""
    named = {
        one.get("ClientId")
        for one in identity_pool.get("CognitoIdentityProviders") or ()
        if one.get("ProviderName") == provider
    }
    return [client for client in clients if not named or client in named]


def verified(token: str, keys: Iterable[Mapping[str, Any]], clients: list[str], issuer: str) -> dict[str, Any]:
    """The claims of an id token: signature, audience, issuer, expiry, use. Raises Refused (401)."""
    try:
        wanted = jwt.get_unverified_header(token).get("kid")
        key = next((dict(one) for one in keys if one["kid"] == wanted), None)
        if key is None:
            raise jwt.InvalidKeyError("unknown key")
        claims: dict[str, Any] = jwt.decode(
            token,
            jwt.PyJWK(key, algorithm="RS256").key,
            algorithms=["RS256"],
            audience=clients,
            issuer=issuer,
            options={"require": ["exp", "iat", "aud", "iss", "sub"]},
        )
    except jwt.PyJWTError as wrong:
        raise not_signed_in(f"the token is not accepted ({type(wrong).__name__}).") from None
    if claims.get("token_use") != "id":
        raise not_signed_in("this is not an id token.")
    if not isinstance(claims.get("cognito:username"), str):
        raise not_signed_in("the token names no user.")
    return claims


def chosen(
    claims: Mapping[str, Any], groups: Mapping[str, Mapping[str, Any]], identity_pool: Mapping[str, Any], provider: str
) -> str:
    """The role's ARN as an identity pool chooses it, empty for none.

    Without a role mapping the authenticated role; with one of the type Token the preferred role, or the only one; with Rules the
    first that matches; else what the mapping says of ambiguity (Deny, or the authenticated role).
    """
    authenticated = str((identity_pool.get("_roles") or {}).get("authenticated") or "")
    mapping = _mapping(identity_pool.get("_role_mappings") or {}, provider, str(claims.get("aud", "")))
    if mapping is None:
        return authenticated
    role = _by_rules(claims, mapping) if mapping.get("Type") == "Rules" else _by_token(claims, groups)
    if role:
        return role
    return authenticated if mapping.get("AmbiguousRoleResolution") == "AuthenticatedRole" else ""


def _mapping(mappings: Mapping[str, Mapping[str, Any]], provider: str, client: str) -> Mapping[str, Any] | None:
    """That of the token's client. Amazon adds an app client of its own for a domain, which the emulator does not: the mapping of
    another client of the same user pool stands for that one. CloudFormation may keep the provider beside instead of as the key."""
    by_provider = {str(value.get("IdentityProvider") or key): value for key, value in mappings.items()}
    exact = by_provider.get(f"{provider}:{client}")
    return exact or next((value for key, value in by_provider.items() if key.startswith(f"{provider}:")), None)


def _by_token(claims: Mapping[str, Any], groups: Mapping[str, Mapping[str, Any]]) -> str:
    if claims.get("cognito:preferred_role"):
        return str(claims["cognito:preferred_role"])
    if claims.get("cognito:roles"):
        roles = set(claims["cognito:roles"])
        return str(roles.pop()) if len(roles) == 1 else ""
    # As Cognito makes the two claims: the lowest number wins, none comes last, and two roles on the same number cancel out.
    ranked = [
        (float("inf") if group.get("Precedence") is None else group["Precedence"], group["RoleArn"])
        for name in claims.get("cognito:groups") or ()
        if (group := groups.get(name)) and group.get("RoleArn")
    ]
    best = {role for rank, role in ranked if rank == min(ranked)[0]}
    return str(best.pop()) if len(best) == 1 else ""


def _by_rules(claims: Mapping[str, Any], mapping: Mapping[str, Any]) -> str:
    for rule in (mapping.get("RulesConfiguration") or {}).get("Rules") or ():
        value = claims.get(rule["Claim"])
        matches = MATCHES[rule["MatchType"]]
        if any(
            matches(str(one), rule["Value"])
            for one in (value if isinstance(value, list) else [value])
            if one is not None
        ):
            return str(rule["RoleARN"])
    return ""
