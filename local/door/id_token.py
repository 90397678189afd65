"""A Cognito id token, verified: signature, audience, issuer, expiry, use. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import jwt

from local.door.answers import not_signed_in


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
