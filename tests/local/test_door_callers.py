"""Who gets in, and under which name, on both engines: a real node, the emulated AWS, the door between them."""

from __future__ import annotations

import time
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config
from opensearchpy import (
    AWSV4SignerAuth,
    OpenSearch,
    RequestsHttpConnection,
    Urllib3AWSV4SignerAuth,
    Urllib3HttpConnection,
)
from requests_aws4auth import AWS4Auth

from local.aws.emulator import Credentials
from local.door import client
from tests.local.door_world import ACCOUNT, MASTER, PASSWORD, REGION, World

pytest_plugins = ["tests.local.fixtures_door"]
pytestmark = [pytest.mark.node, pytest.mark.aws]

WHO = "/_plugins/_security/authinfo"


def seen(session: requests.Session) -> tuple[str, list[str]]:
    answer = session.get(WHO)
    assert answer.status_code == 200, answer.text
    return answer.json()["user_name"], answer.json()["backend_roles"]


# ------------------------------------------------------------------ names
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("ann", "/"),
        ("a.b+c=d,e@f-g_h", "/"),
        ("ann,admin,all_access", "/"),
        ("deep", "/a/b/c/"),
        ("comma", "/x,all_access,y/"),
        ("odd", "/!\"#$%'()*;>?[]^`{|}~/"),
        ("longest-" + "n" * 56, "/" + "p" * 510 + "/"),
    ],
    ids=lambda text: text[:24],
)
def test_iam_users_and_roles_are_their_arns(each_world: World, name: str, path: str) -> None:
    user = f"arn:aws:iam::{ACCOUNT}:user{path}{name}"
    assert seen(each_world.signed(each_world.user(name, path))) == (user, [user])
    role = each_world.role(name, path)
    assert role == f"arn:aws:iam::{ACCOUNT}:role{path}{name}"
    assert seen(each_world.signed(each_world.session(role))) == (role, [role])


@pytest.mark.parametrize(
    "name",
    [
        "bob",
        "jörg",
        "日本語",
        "😀",
        "a,b",
        "a/b",
        "a\\b",
        'q"q',
        "${user.name}",
        "%2C",
        "a|b;c",
        "ann@example.com",
        "n" * 128,
        "ü" * 128,
    ],
    ids=lambda text: text[:12],
)
def test_people_are_pool_and_name(each_world: World, name: str) -> None:
    who, roles = seen(each_world.dashboards(each_world.person(name)))
    assert who == f"Cognito/{each_world.pool}/{name}"
    assert roles == [f"arn:aws:iam::{ACCOUNT}:role/Anyone"]


def test_a_role_whose_path_names_another_role_is_not_that_one(each_world: World) -> None:
    comma = each_world.role("NotTheMaster", f"/x,{MASTER},all_access,admin,y/")
    session = each_world.signed(each_world.session(comma))
    assert session.get(WHO).json()["roles"] == []
    assert session.get("/_search").status_code == 403


def test_what_a_client_says_of_itself_reaches_nobody(each_world: World) -> None:
    said = {
        "x-proxy-user": MASTER,
        "x-proxy-roles": MASTER,
        "x-forwarded-for": "10.0.0.1",
        "x-door-token": "e30.e30.x",
        "opendistro_security_impersonate_as": MASTER,
        "_opendistro_security_user": MASTER,
    }
    ann = f"arn:aws:iam::{ACCOUNT}:user/ann"
    session = each_world.signed(each_world.user("ann"))
    session.headers.update(said)
    assert seen(session) == (ann, [ann])
    person = each_world.dashboards(each_world.person("bob"))
    person.headers.update(said)
    assert seen(person)[0] == f"Cognito/{each_world.pool}/bob"


def test_the_node_talks_to_nobody_but_the_door(each_world: World) -> None:
    with pytest.raises(requests.exceptions.RequestException):
        requests.get(each_world.node.url + WHO, verify=str(each_world.node.ca), timeout=5)


def test_the_master_is_the_master(each_world: World) -> None:
    answer = each_world.master.get(WHO).json()
    assert {"all_access", "security_manager"} <= set(answer["roles"])


# ------------------------------------------------------------------ the API door
def test_every_client_gets_in(each_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # opensearch-py over requests would take it for ca_certs
        monkeypatch.delenv(name, raising=False)
    master = each_world.session(MASTER)
    plain = boto3.Session(
        master.access_key, master.secret_key, master.session_token, region_name=REGION
    ).get_credentials()
    by_requests = {"connection_class": RequestsHttpConnection}
    host, port = str(each_world.aws.door).split(":")
    for auth, more in (
        (AWS4Auth(master.access_key, master.secret_key, REGION, "es", session_token=master.session_token), by_requests),
        (AWSV4SignerAuth(plain, REGION), by_requests),
        (Urllib3AWSV4SignerAuth(plain, REGION), {"connection_class": Urllib3HttpConnection}),
    ):
        search = OpenSearch(
            [{"host": host, "port": int(port)}], http_auth=auth, use_ssl=True, ca_certs=str(each_world.ca), **more
        )
        for name in ("a/b", "ä 😀", "http://x//y", "a+b%2F&c=d?e#f", "..."):
            search.index(index="clients", id=name, body={"name": name}, refresh=True)
            assert search.get(index="clients", id=name)["_source"] == {"name": name}
            assert search.exists(index="clients", id=name)
        found = search.search(index="clients", q='name:"ä 😀"', params={"size": 1, "filter_path": "hits.hits._source"})
        assert found["hits"]["hits"][0]["_source"] == {"name": "ä 😀"}
        search.indices.delete(index="clients")


def test_the_security_api_takes_a_patch(each_world: World) -> None:
    add = [{"op": "add", "path": "/patched", "value": {"cluster_permissions": ["cluster_monitor"]}}]
    assert each_world.master.patch("/_plugins/_security/api/roles", json=add).status_code == 200
    remove = [{"op": "remove", "path": "/patched"}]
    assert each_world.master.patch("/_plugins/_security/api/roles", json=remove).status_code == 200


def refused(session: requests.Session, method: str = "GET", path: str = "/_search") -> tuple[int, str]:
    answer = session.request(method, path)
    body = answer.json() if answer.headers["Content-Type"].startswith("application/json") else {"": answer.text}
    return answer.status_code, next(iter(body.values()))


def test_the_unsigned_are_anonymous(world: World) -> None:
    status, message = refused(client.At(world.url, world.ca), "POST")
    assert status == 403
    assert message.startswith("User: anonymous is not authorized to perform: es:ESHttpPost")


def test_a_password_is_no_way_in(world: World) -> None:
    session = client.At(world.url, world.ca)
    session.auth = ("admin", "admin")
    assert refused(session) == (401, "Unauthorized")


@pytest.mark.parametrize("key", ["test", ACCOUNT, "AKIANOBODY"])
def test_keys_that_are_nobodys_are_refused(world: World, key: str) -> None:
    status, message = refused(world.signed(Credentials(key, "test")))
    assert (status, message) == (403, "The security token included in the request is invalid.")


def test_the_emulators_root_is_not_let_in(world: World) -> None:
    assert refused(world.signed(world.aws.root))[0] == 403


def test_a_key_counts_as_long_as_it_is_active(world: World) -> None:
    credentials, iam = world.user("leaver"), world.aws.client("iam")
    session = world.signed(credentials)
    assert session.get(WHO).status_code == 200
    iam.update_access_key(UserName="leaver", AccessKeyId=credentials.access_key, Status="Inactive")
    assert refused(session)[0] == 403
    iam.update_access_key(UserName="leaver", AccessKeyId=credentials.access_key, Status="Active")
    assert session.get(WHO).status_code == 200
    iam.delete_access_key(UserName="leaver", AccessKeyId=credentials.access_key)
    assert refused(session)[0] == 403


def test_a_session_needs_its_own_token_and_its_role(world: World) -> None:
    role = world.role("passing")
    one, two = world.session(role), world.session(role)
    assert refused(world.signed(Credentials(one.access_key, one.secret_key)))[0] == 403
    assert refused(world.signed(Credentials(one.access_key, one.secret_key, two.session_token)))[0] == 403
    user = world.user("ann")
    assert refused(world.signed(Credentials(user.access_key, user.secret_key, one.session_token)))[0] == 403
    assert world.signed(one).get(WHO).status_code == 200
    world.aws.client("iam").delete_role(RoleName="passing")
    assert refused(world.signed(one))[0] == 403


# ------------------------------------------------------------------ the Dashboards door
@pytest.fixture
def groups(world: World) -> Any:
    """Groups with roles of their own in the user pool; the mapping is taken back afterwards."""
    cognito = world.aws.client("cognito-idp")
    for name, precedence in (("analysts", 1), ("writers", 2), ("rivals", 1)):
        try:
            cognito.create_group(
                UserPoolId=world.pool,
                GroupName=name,
                Precedence=precedence,
                RoleArn=world.web_role(name, f"/groups,{name}/"),
            )
        except cognito.exceptions.GroupExistsException:
            continue
    yield
    world.roles(authenticated=world.web_role("Anyone"))


@pytest.mark.usefixtures("groups")
def test_the_role_comes_from_the_token(world: World) -> None:
    anyone, analysts = world.web_role("Anyone"), f"arn:aws:iam::{ACCOUNT}:role/groups,analysts/analysts"
    both, torn, alone = (
        world.person("both", "writers", "analysts"),
        world.person("torn", "analysts", "rivals"),
        world.person("alone"),
    )
    assert seen(world.dashboards(both))[1] == [anyone]
    world.roles("Deny", authenticated=anyone)
    assert seen(world.dashboards(both)) == (f"Cognito/{world.pool}/both", [analysts])
    assert refused(world.dashboards(torn))[0] == refused(world.dashboards(alone))[0] == 403
    world.roles("AuthenticatedRole", authenticated=anyone)
    assert seen(world.dashboards(torn))[1] == seen(world.dashboards(alone))[1] == [anyone]


@pytest.mark.usefixtures("groups")
def test_a_role_that_does_not_trust_the_identity_pool_is_not_given(world: World) -> None:
    token = world.person("alone")
    for role in (
        MASTER,
        world.web_role("Elsewhere", identity_pool="eu-central-1:other"),
        f"arn:aws:iam::{ACCOUNT}:role/gone",
    ):
        world.roles(authenticated=role)
        assert refused(world.dashboards(token))[0] == 403


@pytest.mark.parametrize("end", ["admin_user_global_sign_out", "admin_disable_user", "admin_delete_user"])
def test_a_sign_in_ends_with_its_user(world: World, end: str) -> None:
    token = world.person("shortly")
    assert world.dashboards(token).get(WHO).status_code == 200
    getattr(world.aws.client("cognito-idp"), end)(UserPoolId=world.pool, Username="shortly")
    assert refused(world.dashboards(token))[0] == 401
    assert world.dashboards(world.person("shortly")).get(WHO).status_code == 200


def test_other_tokens_are_no_sign_in(world: World) -> None:
    cognito = world.aws.client("cognito-idp")
    world.person("bob")
    given = cognito.initiate_auth(
        ClientId=world.app_client,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "bob", "PASSWORD": PASSWORD},
    )["AuthenticationResult"]
    good, access = given["IdToken"], given["AccessToken"]
    assert world.dashboards(good).get(WHO).status_code == 200
    for bad in (access, good[:-8] + "AAAAAAAA", "x", ""):
        assert refused(world.dashboards(bad))[0] == 401
    assert refused(client.At(world.url + client.DASHBOARDS, world.ca))[0] == 401
    at_the_api_door = client.At(world.url, world.ca)
    at_the_api_door.headers["Authorization"] = f"Bearer {good}"
    assert refused(at_the_api_door)[0] == 403


def test_a_token_of_a_client_that_the_identity_pool_does_not_name_is_refused(world: World) -> None:
    cognito = world.aws.client("cognito-idp")
    world.person("bob")
    other = cognito.create_user_pool_client(
        UserPoolId=world.pool, ClientName="other", ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"]
    )["UserPoolClient"]["ClientId"]
    assert refused(world.dashboards(client.sign_in(cognito, world.pool, other, "bob", PASSWORD)))[0] == 401


def test_an_identity_pools_credentials_are_just_the_role(world: World) -> None:
    token = world.person("bob")
    given = client.identity_pool_credentials(
        world.aws.client("cognito-identity"), world.identity_pool, world.provider, token
    )
    role = f"arn:aws:iam::{ACCOUNT}:role/Anyone"
    assert seen(world.signed(Credentials(**given))) == (role, [role])


def test_a_session_ends(world: World) -> None:
    # Amazon's shortest session lasts 15 minutes; the emulator takes what is asked for, once botocore lets it through.
    sts = world.aws.client("sts", config=Config(parameter_validation=False))
    given = sts.assume_role(RoleArn=MASTER, RoleSessionName="short", DurationSeconds=1)["Credentials"]
    session = world.signed(Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]))
    time.sleep(2.1)
    assert refused(session) == (403, "The security token included in the request is expired")
