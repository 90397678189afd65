"""The facts about roles, providers, pools, the master's secret and the domain, as AWS has them now. Reads, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import Any, ClassVar

from portcullis.clients import error_code, our_errors
from portcullis.ports.edge import AMAZONS_KEY
from portcullis.remotes.connections import CONNECTED, Connections
from portcullis.watch.roads import Facts, Road, RoadKind

_ABSENT = frozenset(
    {"NoSuchEntity", "NoSuchEntityException", "ResourceNotFoundException", "UserNotFoundException", "NotFoundException"}
)


class AwsRoads:
    """The Roads protocol. `client(service)` gives a boto3 client in the domain's Region; `groups` are the Cognito groups and `users`
    the Cognito users that something is granted to, `connections` gives those of the domain."""

    def __init__(
        self,
        client: Callable[[str], Any],
        *,
        groups: Collection[str] = (),
        users: Collection[str] = (),
        connections: Callable[[], Connections] = Connections,
    ) -> None:
        self._client, self._groups, self._users_granted, self._connected = client, groups, users, connections

    def look(self, road: Road) -> Facts | None:
        """What is there; None if it is not there. Refused if we may not look, Unreachable."""
        with our_errors(f"{road.label} could not be looked at", refused="may not be looked at"):
            try:
                return self._LOOKS[road.kind](self, road)
            except Exception as error:
                if error_code(error) in _ABSENT:
                    return None
                raise

    def _role(self, road: Road) -> Facts:
        role = self._client("iam").get_role(RoleName=road.name.rpartition("/")[2])["Role"]
        trust = role["AssumeRolePolicyDocument"]
        return {"id": role["RoleId"], "trust": json.loads(trust) if isinstance(trust, str) else trust}

    def _provider(self, road: Road) -> Facts:
        iam = self._client("iam")
        if ":saml-provider/" in road.name:
            return {"document": iam.get_saml_provider(SAMLProviderArn=road.name)["SAMLMetadataDocument"]}
        found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=road.name)
        return {
            "document": found.get("Url", ""),
            "clients": found.get("ClientIDList", []),
            "known_by": found.get("ThumbprintList", []),
        }

    def _user_pool(self, road: Road) -> Facts:
        cognito, pool = self._client("cognito-idp"), {"UserPoolId": road.name}
        providers = self._all("list_identity_providers", "Providers", **pool)
        clients = self._all("list_user_pool_clients", "UserPoolClients", **pool)
        return {
            "pool": cognito.describe_user_pool(**pool)["UserPool"],
            "providers": [
                cognito.describe_identity_provider(ProviderName=one["ProviderName"], **pool)["IdentityProvider"]
                for one in providers
            ],
            "clients": [
                cognito.describe_user_pool_client(ClientId=one["ClientId"], **pool)["UserPoolClient"] for one in clients
            ],
        }

    def _users(self, road: Road) -> Facts:
        """Whoever is in a group that something is granted to: the identities of elsewhere that are linked to them."""
        linked: dict[str, list[Any]] = {}
        for group in self._groups:
            pages = self._client("cognito-idp").get_paginator("list_users_in_group")
            try:
                for page in pages.paginate(UserPoolId=road.name, GroupName=group):
                    linked |= {user["Username"]: _identities(user.get("Attributes", ())) for user in page["Users"]}
            except Exception as error:
                if error_code(error) not in _ABSENT:
                    raise
        for name in self._users_granted:
            try:
                user = self._client("cognito-idp").admin_get_user(UserPoolId=road.name, Username=name)
                linked[user["Username"]] = _identities(user.get("UserAttributes", ()))
            except Exception as error:
                if error_code(error) not in _ABSENT:
                    raise
        return {"linked": linked}

    def _identity_pool(self, road: Road) -> Facts:
        return {"pool": self._client("cognito-identity").describe_identity_pool(IdentityPoolId=road.name)}

    def _secret(self, road: Road) -> Facts:
        secrets = self._client("secretsmanager")
        has = secrets.describe_secret(SecretId=road.name)
        stages = has.get("VersionIdsToStages") or {}
        return {
            "version": next((version for version, stage in stages.items() if "AWSCURRENT" in stage), ""),
            "deleted": has.get("DeletedDate") is not None,
            "rotated_by": has.get("RotationLambdaARN", ""),
            "key": "" if (key := has.get("KmsKeyId") or "").endswith(AMAZONS_KEY) else key,
            "policy": secrets.get_resource_policy(SecretId=road.name).get("ResourcePolicy") or "{}",
        }

    def _domain(self, road: Road) -> Facts:
        search, domain = self._client("opensearch"), {"DomainName": road.name}
        endpoints = search.list_vpc_endpoints_for_domain(**domain)["VpcEndpointSummaryList"]
        allowed = search.list_vpc_endpoint_access(**domain)["AuthorizedPrincipalList"]
        return {
            "domain": search.describe_domain(**domain)["DomainStatus"],
            "endpoints": [f"{one['VpcEndpointId']} of {one.get('VpcEndpointOwner', '')}" for one in endpoints],
            "endpoints_for": [one["Principal"] for one in allowed],
        }

    def _connections(self, _road: Road) -> Facts:
        """By ARN. What is asked for and not accepted lets nobody through, nor does what is refused or ended."""
        there = self._connected()
        return {
            "reads": [f"{one.alias}: {one.other}" for one in there.reads if one.status in CONNECTED],
            "read_by": [one.other for one in there.read_by if one.status in CONNECTED],
        }

    def _all(self, call: str, listed: str, **asked: Any) -> list[Any]:
        pages = self._client("cognito-idp").get_paginator(call).paginate(**asked)
        return [one for page in pages for one in page[listed]]

    _LOOKS: ClassVar[dict[RoadKind, Callable[[AwsRoads, Road], Facts]]] = {
        RoadKind.ROLE: _role,
        RoadKind.PROVIDER: _provider,
        RoadKind.USER_POOL: _user_pool,
        RoadKind.USERS: _users,
        RoadKind.IDENTITY_POOL: _identity_pool,
        RoadKind.SECRET: _secret,
        RoadKind.DOMAIN: _domain,
        RoadKind.CONNECTIONS: _connections,
    }


def _identities(attributes: Collection[Any]) -> list[str]:
    """`provider: user` of each identity that is linked to a user."""
    text = next((one["Value"] for one in attributes if one["Name"] == "identities"), "[]")
    return sorted(f"{one.get('providerName', '')}: {one.get('userId', '')}" for one in json.loads(text))
