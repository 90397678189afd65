"""Identity pools choose a role by the token, and ask the user pool about it where they are told to, as Amazon's do.

MiniStack always gave out the authenticated role, and took a token until it expired.

Id tokens carry `cognito:roles` and `cognito:preferred_role` (from the user's groups that have a role), and
GetCredentialsForIdentity applies the pool's role mapping: the chosen role if its trust policy lets this pool assume it,
otherwise the mapping's answer to ambiguity, which may be a refusal. The choice itself is the front door's, so that both
doors choose alike. With ServerSideTokenCheck, a token of a user who was signed out globally or deleted since fetches nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def install() -> None:
    from ministack.services import cognito

    _role_claims(cognito)
    _mapped_credentials(cognito)
    _token_check(cognito)


def _role_claims(cognito: Any) -> None:
    known = cognito._apply_pretoken_trigger

    def with_roles(**given: Any) -> Any:
        if given["token_type"] == "id":
            pool = cognito._get_pool_unscoped(given["pool_id"]) or {}
            given["claims"] = {**given["claims"], **role_claims(given["claims"], pool.get("_groups", {}))}
        return known(**given)

    cognito._apply_pretoken_trigger = with_roles


def role_claims(claims: Mapping[str, Any], groups: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The two claims that Cognito adds for a user whose groups have roles; empty if none has."""
    from local.door.role_choice import chosen

    roles = [groups[g]["RoleArn"] for g in claims.get("cognito:groups") or () if (groups.get(g) or {}).get("RoleArn")]
    if not roles:
        return {}
    preferred = chosen(claims, groups, {"_role_mappings": {"any:client": {"Type": "Token"}}}, "any")
    return {"cognito:roles": list(dict.fromkeys(roles)), **({"cognito:preferred_role": preferred} if preferred else {})}


def _mapped_credentials(cognito: Any) -> None:
    known = cognito._get_credentials_for_identity

    def get_credentials_for_identity(asked: dict[str, Any]) -> Any:
        from ministack.core.responses import error_response_json

        result = known(asked)
        pool = _pool_of(cognito, asked.get("IdentityId", ""))
        provider, token = _user_pool_login(asked.get("Logins") or {})
        if result[0] >= 400 or pool is None or not token or not pool.get("_role_mappings"):
            return result
        body = json.loads(result[2])
        role = _allowed_role(cognito, pool, provider, token, asked.get("CustomRoleArn", ""))
        access_key = body["Credentials"]["AccessKeyId"]
        if not role:
            _forget_session(access_key)
            text = "Invalid identity pool configuration. Check assigned IAM roles for this pool."
            return error_response_json("InvalidIdentityPoolConfigurationException", text, 400)
        _become(access_key, role)
        return result

    cognito._get_credentials_for_identity = get_credentials_for_identity


def _token_check(cognito: Any) -> None:
    known = cognito._identity_logins_error

    def identity_logins_error(pool: dict[str, Any], identity: str | None, logins: Any) -> Any:
        """Asked by GetId and by GetCredentialsForIdentity alike."""
        refused = known(pool, identity, logins)
        if refused or not isinstance(logins, dict) or all(_still_counts(cognito, pool, *one) for one in logins.items()):
            return refused
        from ministack.core.responses import error_response_json

        return error_response_json(
            "NotAuthorizedException", "Token is not valid for this user: it has been revoked.", 400
        )

    cognito._identity_logins_error = identity_logins_error


def _still_counts(cognito: Any, pool: Mapping[str, Any], provider: str, token: str) -> bool:
    """Whether the user pool, if it is to be asked, still stands by this token."""
    claims = cognito._token_claims(token)
    asked = any(
        (one.get("ProviderName"), one.get("ClientId")) == (provider, claims.get("aud")) and _told(one)
        for one in pool.get("CognitoIdentityProviders") or ()
    )
    if not asked:
        return True
    users = (cognito._get_pool_unscoped(provider.rpartition("/")[2]) or {}).get("_users", {})
    user = users.get(claims.get("cognito:username"))
    same = user is not None and cognito._attr_list_to_dict(user.get("Attributes", [])).get("sub") == claims.get("sub")
    return same and claims.get("origin_jti") not in cognito._revoked_tokens


def _told(provider: Mapping[str, Any]) -> bool:
    """CloudFormation may hand a truth over as text."""
    return str(provider.get("ServerSideTokenCheck", "")).lower() == "true"


def _pool_of(cognito: Any, identity: str) -> dict[str, Any] | None:
    return next((p for p in cognito._identity_pools.values() if identity in p.get("_identities", {})), None)


def _user_pool_login(logins: Mapping[str, str]) -> tuple[str, str]:
    return next(
        ((provider, token) for provider, token in logins.items() if provider.startswith("cognito-idp.")), ("", "")
    )


def _allowed_role(cognito: Any, pool: dict[str, Any], provider: str, token: str, custom: str) -> str:
    from local.door.callers import lets_identity_pool_assume
    from local.door.role_choice import chosen

    claims = cognito._token_claims(token)
    groups = (cognito._get_pool_unscoped(provider.rpartition("/")[2]) or {}).get("_groups", {})
    role = custom if custom in (claims.get("cognito:roles") or ()) else chosen(claims, groups, pool, provider)
    return role if role and lets_identity_pool_assume(role, pool["IdentityPoolId"], provider) else ""


def _become(access_key: str, role: str) -> None:
    from ministack.services import iam, sts

    session = sts._sessions[access_key]
    account, name = role.split(":")[4], role.rpartition("/")[2]
    record = iam._roles.get_scoped(account, None, name) or {}
    session["Arn"] = f"arn:aws:sts::{account}:assumed-role/{name}/CognitoIdentityCredentials"
    session["UserId"] = f"{record.get('RoleId', '')}:CognitoIdentityCredentials"


def _forget_session(access_key: str) -> None:
    from ministack.services import sts

    sts._sessions.pop(access_key, None)
