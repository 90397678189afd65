"""What the tests of the door live in: a real node, the emulated AWS, and the door between them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from local.aws.emulator import Credentials, Emulator
from local.door import client
from local.node.node import Node
from local.node.security import SecuritySetup

CACHE = Path(__file__).resolve().parents[2] / ".portcullis" / "cache"
REGION, ACCOUNT, DOMAIN = "eu-central-1", "111122223333", "logs"
ARN = f"arn:aws:es:{REGION}:{ACCOUNT}:domain/{DOMAIN}"
MASTER = f"arn:aws:iam::{ACCOUNT}:role/Master"
AUTOMATION = f"arn:aws:iam::{ACCOUNT}:role/automation"
PASSWORD = "Correct-horse-7"


def allow(principal: Any = "*", effect: str = "Allow", **more: Any) -> dict[str, Any]:
    """A statement of a domain's access policy."""
    return {"Effect": effect, "Principal": {"AWS": principal}, "Action": "es:ESHttp*", "Resource": f"{ARN}/*", **more}


@dataclass
class World:
    """What the tests of the door live in."""

    node: Node
    aws: Emulator
    home: Path
    pool: str = ""
    app_client: str = ""
    identity_pool: str = ""
    made: dict[str, Credentials] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"https://{self.aws.door}"

    @property
    def ca(self) -> Path:
        return self.home / "door-ca.pem"

    @property
    def provider(self) -> str:
        return f"cognito-idp.{REGION}.amazonaws.com/{self.pool}"

    def signed(self, credentials: Credentials) -> client.At:
        return client.signed(self.url, credentials, REGION, self.ca)

    def user(self, name: str, path: str = "/", policy: dict[str, Any] | None = None) -> Credentials:
        """An IAM user with a key; made once per name and path."""
        if path + name not in self.made:
            iam = self.aws.client("iam")
            iam.create_user(UserName=name, Path=path)
            if policy:
                iam.put_user_policy(
                    UserName=name, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", **policy})
                )
            key = iam.create_access_key(UserName=name)["AccessKey"]
            self.made[path + name] = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
        return self.made[path + name]

    def role(self, name: str, path: str = "/", **trust: Any) -> str:
        """An IAM role that the account, or what `trust` says, may assume. Its ARN."""
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "sts:AssumeRole",
            **trust,
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": statement})
        iam = self.aws.client("iam")
        try:
            made = iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=document)
        except iam.exceptions.EntityAlreadyExistsException:
            made = iam.get_role(RoleName=name)
        return str(made["Role"]["Arn"])

    def web_role(self, name: str, path: str = "/", identity_pool: str = "") -> str:
        """A role that the identity pool's authenticated users may take."""
        return self.role(
            name,
            path,
            Principal={"Federated": "cognito-identity.amazonaws.com"},
            Action="sts:AssumeRoleWithWebIdentity",
            Condition={
                "StringEquals": {"cognito-identity.amazonaws.com:aud": identity_pool or self.identity_pool},
                "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"},
            },
        )

    def session(self, role: str) -> Credentials:
        """Credentials of a session of a role."""
        given = self.aws.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    @cached_property
    def master(self) -> client.At:
        """The API door as the master."""
        return self.signed(self.session(MASTER))

    def access_policy(self, *statements: dict[str, Any]) -> None:
        document = {"Version": "2012-10-17", "Statement": list(statements)}
        self.aws.client("opensearch").update_domain_config(DomainName=DOMAIN, AccessPolicies=json.dumps(document))

    def person(self, username: str, *groups: str) -> str:
        """A user of the pool, in these groups, signed in: the id token."""
        cognito = self.aws.client("cognito-idp")
        try:
            cognito.admin_create_user(
                UserPoolId=self.pool, Username=username, MessageAction="SUPPRESS", TemporaryPassword=PASSWORD
            )
        except cognito.exceptions.UsernameExistsException:
            cognito.admin_enable_user(UserPoolId=self.pool, Username=username)
        for group in groups:
            cognito.admin_add_user_to_group(UserPoolId=self.pool, Username=username, GroupName=group)
        return client.sign_in(cognito, self.pool, self.app_client, username, PASSWORD)

    def dashboards(self, id_token: str) -> client.At:
        return client.dashboards(self.url, id_token, self.ca)

    def roles(self, mapping: str = "", **roles: str) -> None:
        """The identity pool's roles, and how it maps tokens: '', 'Deny' or 'AuthenticatedRole' for what is ambiguous."""
        mappings = {f"{self.provider}:{self.app_client}": {"Type": "Token", "AmbiguousRoleResolution": mapping}}
        self.aws.client("cognito-identity").set_identity_pool_roles(
            IdentityPoolId=self.identity_pool, Roles=roles, **({"RoleMappings": mappings} if mapping else {})
        )


def made(factory: pytest.TempPathFactory, version: str) -> Iterator[World]:
    home = factory.mktemp(f"door-{version}-")
    with Node.start(home / "node", CACHE, version, security=SecuritySetup.behind_door(MASTER), tell=print) as node:
        spec = {
            "port": 0,
            "domain": DOMAIN,
            "region": REGION,
            "account": ACCOUNT,
            "node_url": node.url,
            "node_ca": str(node.ca),
            "node_client_cert": str(node.door.pair[0]),
            "node_client_key": str(node.door.pair[1]),
            "home": str(home),
            "jwt_key": str(node.token_key),
            "ingress": {"groups": {AUTOMATION: "automation"}},
            "timeout_s": 45,  # enough for megabytes on a busy machine; the test of a silent node waits for longer
        }
        with Emulator.start(home / "aws", region=REGION, account=ACCOUNT, door=spec, tell=print) as aws:
            world = World(node, aws, home)
            _furnish(world)
            yield world


def _furnish(world: World) -> None:
    world.role("Master")
    cognito, identity = world.aws.client("cognito-idp"), world.aws.client("cognito-identity")
    world.pool = cognito.create_user_pool(PoolName="people")["UserPool"]["Id"]
    world.app_client = cognito.create_user_pool_client(
        UserPoolId=world.pool, ClientName="app", ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]["ClientId"]
    world.identity_pool = identity.create_identity_pool(
        IdentityPoolName="people",
        AllowUnauthenticatedIdentities=False,
        CognitoIdentityProviders=[{"ProviderName": world.provider, "ClientId": world.app_client}],
    )["IdentityPoolId"]
    world.roles(authenticated=world.web_role("Anyone"))
    world.aws.client("opensearch").create_domain(
        DomainName=DOMAIN,
        EngineVersion="OpenSearch_3.3",
        CognitoOptions={
            "Enabled": True,
            "UserPoolId": world.pool,
            "IdentityPoolId": world.identity_pool,
            "RoleArn": world.role("CognitoAccess"),
        },
    )
    world.access_policy(allow())
