"""Sessions that are older than what their role's policy says, at both doors; and how little a role within a boundary can be given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
import requests
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from portcullis.access.sessions import OLDER_SESSIONS, from_now_on
from portcullis.adapters.identity.sessions import deny

from local.aws.emulator import Credentials
from local.door import client
from local.people import until
from tests.local.door_world import ACCOUNT, ARN, REGION, World, allow

pytest_plugins = ["tests.local.fixtures_door"]
pytestmark = [pytest.mark.node, pytest.mark.aws]

WHO = "/_plugins/_security/authinfo"
METHODS = [f"es:ESHttp{method}" for method in ("Delete", "Get", "Head", "Patch", "Post", "Put")]


@pytest.fixture
def role(world: World) -> Iterator[str]:
    """The role of everybody who signs in, within a boundary; as it was afterwards."""
    iam, arn = world.aws.client("iam"), world.web_role("Anyone")
    document = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": METHODS, "Resource": f"{ARN}/*"}}
    boundary = iam.create_policy(PolicyName="boundary", PolicyDocument=json.dumps(document))["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName="Anyone", PermissionsBoundary=boundary)
    yield arn
    with suppress(iam.exceptions.NoSuchEntityException):  # a test took it off
        iam.delete_role_permissions_boundary(RoleName="Anyone")
    iam.delete_policy(PolicyArn=boundary)
    for name in iam.list_role_policies(RoleName="Anyone")["PolicyNames"]:
        iam.delete_role_policy(RoleName="Anyone", PolicyName=name)


def fetched(world: World, token: str) -> Credentials:
    """Credentials of the identity pool, as a browser gets them."""
    public = Config(signature_version=UNSIGNED)
    pools = boto3.client("cognito-identity", endpoint_url=world.aws.endpoint, region_name=REGION, config=public)
    return Credentials(**client.identity_pool_credentials(pools, world.identity_pool, world.provider, token))


def status(session: requests.Session) -> int:
    return session.get(WHO).status_code


def test_credentials_that_are_held_are_refused_and_newer_ones_are_not(world: World, role: str) -> None:
    # Given somebody with credentials of the role, who has signed in at Dashboards too
    token = world.person("holder")
    held, dashboards = world.signed(fetched(world, token)), world.dashboards(token)
    assert (status(held), status(dashboards)) == (200, 200)
    # When the role's older sessions are denied
    assert deny(world.aws.client("iam"), role, from_now_on(datetime.now(UTC)))
    # Then both are refused, and told why
    for session in (held, dashboards):
        answer = session.get(WHO)
        assert answer.status_code == 403
        assert "with an explicit deny in an identity-based policy" in answer.json()["Message"]
    # And whoever signs in again is let in, within the second that sessions are told apart by
    until(lambda: status(world.dashboards(world.person("holder"))) == 200, within=10, what="Dashboards lets in")
    until(
        lambda: status(world.signed(fetched(world, world.person("holder")))) == 200, within=10, what="newer is let in"
    )
    assert status(held) == 403


def test_an_instant_that_nobody_was_before_denies_nobody(world: World, role: str) -> None:
    session = world.signed(fetched(world, world.person("holder")))
    deny(world.aws.client("iam"), role, datetime(2000, 1, 1, tzinfo=UTC))
    assert status(session) == 200


def test_a_role_is_denied_without_its_neighbour(world: World, role: str) -> None:
    other = world.signed(world.session(world.role("Neighbour")))
    deny(world.aws.client("iam"), role, from_now_on(datetime.now(UTC)))
    assert status(other) == 200


def test_a_role_within_its_boundary_can_only_ask_the_domain(world: World, role: str) -> None:
    """Even a policy that allows everything gives no access to S3. Without the boundary it does."""
    credentials, iam = fetched(world, world.person("holder")), world.aws.client("iam")
    session, s3 = world.signed(credentials), world.aws.client("s3", credentials=credentials)
    everything = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    iam.put_role_policy(RoleName="Anyone", PolicyName=OLDER_SESSIONS, PolicyDocument=json.dumps(everything))
    assert status(session) == 200
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.list_buckets()
    denied: dict[str, Any] = {**allow(effect="Deny"), "Resource": f"{ARN}/_plugins/_sql"}
    world.access_policy(allow(), denied)
    assert session.post("/_plugins/_sql", json={"query": "show tables"}).status_code == 403
    iam.delete_role_permissions_boundary(RoleName="Anyone")
    assert s3.list_buckets()["Buckets"] is not None, "it is the boundary that kept it from that"


def test_a_boundary_lets_everything_through_that_the_domains_policy_does(world: World, role: str) -> None:
    session = world.signed(fetched(world, world.person("holder")))
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
        said = session.request(method, "/nothing-there/_doc/1").text
        assert "is not authorized to perform" not in said, method
    assert role == f"arn:aws:iam::{ACCOUNT}:role/Anyone"


@pytest.mark.parametrize("end", ["admin_user_global_sign_out", "admin_delete_user"])
def test_an_old_token_fetches_nothing_if_the_server_side_check_is_on(world: World, end: str) -> None:
    """The user was signed out everywhere or deleted. Without ServerSideTokenCheck of the identity pool the token still works."""
    pools, token = world.aws.client("cognito-identity"), world.person("leaver")

    def asks(told: bool) -> None:
        provider = {"ProviderName": world.provider, "ClientId": world.app_client, "ServerSideTokenCheck": told}
        pools.update_identity_pool(
            IdentityPoolId=world.identity_pool,
            IdentityPoolName="people",
            AllowUnauthenticatedIdentities=False,
            CognitoIdentityProviders=[provider],
        )

    asks(True)
    fetched(world, token)
    getattr(world.aws.client("cognito-idp"), end)(UserPoolId=world.pool, Username="leaver")
    with pytest.raises(ClientError, match="NotAuthorized"):
        fetched(world, token)
    fetched(world, world.person("leaver"))
    asks(False)
    fetched(world, token)
