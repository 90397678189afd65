"""Which role a sign-in gets, as an identity pool chooses it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

MATCHES: dict[str, Callable[[str, str], bool]] = {
    "Equals": lambda value, wanted: value == wanted,
    "NotEqual": lambda value, wanted: value != wanted,
    "Contains": lambda value, wanted: wanted in value,
    "StartsWith": lambda value, wanted: value.startswith(wanted),
}


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
