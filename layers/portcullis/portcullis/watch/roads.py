"""The roads to whoever is mapped: who may become it, as far as AWS lets it be read; and the domain as it is configured.

Each is a value that is compared with a baseline: what was deployed, what was found first, or what a person accepted. Values are plain
JSON that holds no secret: what may hold one is a digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Facts = Mapping[str, Any]
_MOST_WORDS, _LONGEST = 8, 300


class RoadKind(StrEnum):
    ROLE = "role"  # who may assume it
    PROVIDER = "provider"  # whose word such a role is taken by
    USER_POOL = "user-pool"  # how somebody becomes one of its users
    USERS = "users"  # who else is one of them: linked identities
    IDENTITY_POOL = "identity-pool"  # whose tokens are exchanged for a role
    SECRET = "master-secret"  # noqa: S105 - a kind of thing
    DOMAIN = "domain"
    CONNECTIONS = "connections"  # other domains that read this one, or are read from it


@dataclass(frozen=True, slots=True, order=True)
class Road:
    """One of them. `name` is how AWS is asked for it; `own`: the stacks made it, and one made again is not it."""

    kind: RoadKind
    name: str
    own: bool = False

    @property
    def label(self) -> str:
        """What a person calls it, in `accept` and in alerts."""
        one_of_many = self.kind in (RoadKind.ROLE, RoadKind.PROVIDER)
        return f"{self.kind.value}/{self.name.rpartition('/')[2]}" if one_of_many else self.kind.value


def value(road: Road, facts: Facts | None) -> Any:
    """What is compared. None if it is not there."""
    return None if facts is None else _sorted(_VALUES[road.kind](road, facts))


def plain(one: Any) -> Any:
    """A value as it is compared, of what was not found but is known."""
    return _sorted(one)


def trusted_providers(trust: Any) -> frozenset[str]:
    """ARNs of the SAML and OIDC providers whose word a trust policy takes."""
    found = set()
    statements = trust.get("Statement", ()) if isinstance(trust, Mapping) else ()
    for statement in [statements] if isinstance(statements, Mapping) else statements:
        principal = statement.get("Principal")
        federated = principal.get("Federated", ()) if isinstance(principal, Mapping) else ()
        found |= {federated} if isinstance(federated, str) else set(federated)
    return frozenset(one for one in found if one.startswith("arn:"))


def differences(was: Any, is_now: Any) -> tuple[str, ...]:
    """What differs, in words; the first of them if there are many."""
    found = [*_differences(was, is_now, "")]
    more = [f"and {len(found) - _MOST_WORDS} more"] if len(found) > _MOST_WORDS else []
    return (*found[:_MOST_WORDS], *more)


def _differences(was: Any, is_now: Any, at: str) -> Iterator[str]:
    if was == is_now:
        return
    if isinstance(was, Mapping) and isinstance(is_now, Mapping):
        for key in sorted({*was, *is_now}):
            yield from _differences(was.get(key), is_now.get(key), f"{at}.{key}" if at else key)
        return
    if isinstance(was, list) and isinstance(is_now, list):
        yield from (f"{at} has {_short(one)} now" for one in is_now if one not in was)
        yield from (f"{at} has {_short(one)} no more" for one in was if one not in is_now)
        return
    if is_now is None:
        yield f"{at} is gone" if at else "it is gone"
    elif was is None:
        yield f"{at or 'it'} is {_short(is_now)} now, and was not there"
    else:
        yield f"{at or 'it'} was {_short(was)}, and is {_short(is_now)}"


def _short(one: Any) -> str:
    text = one if isinstance(one, str) else json.dumps(one, sort_keys=True, separators=(",", ":"))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _sorted(one: Any) -> Any:
    """Without the order of lists, in which AWS gives no meaning here."""
    if isinstance(one, Mapping):
        return {str(key): _sorted(part) for key, part in one.items()}
    if isinstance(one, list | tuple | set | frozenset):
        return sorted((_sorted(part) for part in one), key=lambda part: json.dumps(part, sort_keys=True))
    return one


def digest(one: Any) -> str:
    return hashlib.sha256(json.dumps(_sorted(one), sort_keys=True, default=str).encode()).hexdigest()[:16]


# ---- what of each is compared ----------------------------------------------------------------------------------------------


def _role(road: Road, facts: Facts) -> Any:
    known = {"trust": policy(facts.get("trust"))}
    return {**known, "id": facts.get("id", "")} if road.own else known


def policy(document: Any) -> Any:
    """A policy without the ways in which the same can be written."""
    if isinstance(document, str):
        document = json.loads(document or "{}")
    statements = (document or {}).get("Statement", [])
    return [_statement(one) for one in ([statements] if isinstance(statements, Mapping) else statements)]


def _statement(statement: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, part in statement.items():
        if key == "Principal" and part == "*":
            part = {"AWS": "*"}
        if isinstance(part, Mapping):
            found[key] = {k: _listed(v) if not isinstance(v, Mapping) else dict(v) for k, v in part.items()}
        else:
            found[key] = part if key in ("Sid", "Effect") else _listed(part)
    return found


def _listed(part: Any) -> list[Any]:
    return list(part) if isinstance(part, list | tuple) else [part]


def _provider(_road: Road, facts: Facts) -> Any:
    return {
        "says": digest(facts.get("document")),
        "for": facts.get("clients", []),
        "known_by": facts.get("known_by", []),
    }


_OF_POOL = (
    *("LambdaConfig", "MfaConfiguration", "AccountRecoverySetting", "AliasAttributes", "UsernameAttributes"),
    *("AutoVerifiedAttributes", "UserAttributeUpdateSettings"),
)
_OF_CLIENT = (
    *("SupportedIdentityProviders", "ExplicitAuthFlows", "AllowedOAuthFlows", "AllowedOAuthScopes", "CallbackURLs"),
    *("AllowedOAuthFlowsUserPoolClient", "ReadAttributes", "WriteAttributes"),
)


def _user_pool(_road: Road, facts: Facts) -> Any:
    pool = facts["pool"]
    return {
        **{key: pool[key] for key in _OF_POOL if pool.get(key)},
        "only_administrators_make_users": (pool.get("AdminCreateUserConfig") or {}).get(
            "AllowAdminCreateUserOnly", False
        ),
        "providers": {
            one["ProviderName"]: {
                "type": one.get("ProviderType", ""),
                "details": digest(one.get("ProviderDetails")),  # a client's secret is among them
                "attributes": one.get("AttributeMapping") or {},
                "known_as": one.get("IdpIdentifiers") or [],
            }
            for one in facts.get("providers", ())
        },
        "clients": {
            one["ClientId"]: {key: one[key] for key in _OF_CLIENT if one.get(key)} for one in facts.get("clients", ())
        },
    }


def _users(_road: Road, facts: Facts) -> Any:
    return {name: linked for name, linked in facts.get("linked", {}).items() if linked}


_OF_IDENTITY_POOL = (
    *("AllowUnauthenticatedIdentities", "AllowClassicFlow", "SupportedLoginProviders", "DeveloperProviderName"),
    *("OpenIdConnectProviderARNs", "SamlProviderARNs", "CognitoIdentityProviders"),
)


def _identity_pool(_road: Road, facts: Facts) -> Any:
    return {key: facts["pool"][key] for key in _OF_IDENTITY_POOL if facts["pool"].get(key)}


def _secret(_road: Road, facts: Facts) -> Any:
    return {
        "version": facts.get("version", ""),
        "deleted": bool(facts.get("deleted")),
        "rotated_by": facts.get("rotated_by", ""),
        "policy": policy(facts.get("policy")),
        **({"key": facts["key"]} if facts.get("key") else {}),
    }


# Of the master AWS shows nothing: who administers is seen in the engine, and told as drift.
_OF_DOMAIN = ("AdvancedSecurityOptions", "CognitoOptions", "IdentityCenterOptions", "DomainEndpointOptions")
_CHANGES_BY_ITSELF = ("AnonymousAuthDisableDate",)


def _domain(_road: Road, facts: Facts) -> Any:
    status = facts["domain"]
    network = status.get("VPCOptions") or {}
    return {
        "policy": policy(status.get("AccessPolicies")),
        "security_groups": network.get("SecurityGroupIds", []),
        "subnets": network.get("SubnetIds", []),
        "endpoints": facts.get("endpoints", []),
        "endpoints_for": facts.get("endpoints_for", []),
        **{
            part: {k: v for k, v in status[part].items() if k not in _CHANGES_BY_ITSELF and v is not None}
            for part in _OF_DOMAIN
            if status.get(part)
        },
    }


def _connections(_road: Road, facts: Facts) -> Any:
    return {"read_by": facts["read_by"], "reads": facts["reads"]}


_VALUES: dict[RoadKind, Callable[[Road, Facts], Any]] = {
    RoadKind.ROLE: _role,
    RoadKind.PROVIDER: _provider,
    RoadKind.USER_POOL: _user_pool,
    RoadKind.USERS: _users,
    RoadKind.IDENTITY_POOL: _identity_pool,
    RoadKind.SECRET: _secret,
    RoadKind.DOMAIN: _domain,
    RoadKind.CONNECTIONS: _connections,
}
