"""The domain's access policy, the caller's own policies and the security group, as they stand when the request comes."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from tests.local.door_world import ACCOUNT, ARN, AUTOMATION, DOMAIN, MASTER, World, allow

pytest_plugins = ["tests.local.fixtures_door"]
pytestmark = [pytest.mark.node, pytest.mark.aws]

WHO = "/_plugins/_security/authinfo"
ANN = f"arn:aws:iam::{ACCOUNT}:user/ann"
OTHER = f"arn:aws:iam::{ACCOUNT}:user/other"
DENY = {"effect": "Deny"}


def ann(world: World) -> requests.Session:
    return world.signed(world.user("ann"))


ROOT = f"arn:aws:iam::{ACCOUNT}:root"
TABLE: dict[str, tuple[list[dict[str, Any]], bool]] = {
    "everyone": ([allow()], True),
    "her": ([allow(ANN)], True),
    "someone else": ([allow(OTHER)], False),
    "nobody": ([], False),
    "the account, which leaves it to her policies": ([allow(ROOT)], False),
    "another account": ([allow("999988887777")], False),
    "her, and then not": ([allow(), allow(ANN, **DENY)], False),
    "other methods": ([{**allow(), "Action": "es:ESHttpPost"}], False),
    "this method": ([{**allow(), "Action": "es:ESHttpGet"}], True),
    "another path": ([{**allow(), "Resource": f"{ARN}/i/*"}], False),
    "this path": ([{**allow(), "Resource": f"{ARN}/_plugins/*"}], True),
    "not this path": ([allow(), {**allow(**DENY), "Resource": f"{ARN}/_plugins/_security/authinfo"}], False),
    "another domain": ([{**allow(), "Resource": f"{ARN}-2/*"}], False),
    "from here": ([allow(Condition={"IpAddress": {"aws:SourceIp": ["127.0.0.0/8"]}})], True),
    "from elsewhere": ([allow(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})], False),
    "but from here": ([allow(), allow(**DENY, Condition={"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}})], False),
    "over TLS": ([allow(), allow(**DENY, Condition={"Bool": {"aws:SecureTransport": "false"}})], True),
    "by her ARN": ([allow(Condition={"ArnEquals": {"aws:PrincipalArn": ANN}})], True),
    "but her ARN": ([allow(), allow(**DENY, Condition={"ArnNotEquals": {"AWS:PrincipalARN": OTHER}})], False),
    "by a condition that nobody knows": ([allow(), allow(**DENY, Condition={"StringEkwals": {"a": "b"}})], False),
    "by a variable": ([allow(), {**allow(**DENY), "Resource": ARN + "/${aws:username}/*"}], False),
    "NotPrincipal": (
        [allow(), {**{k: v for k, v in allow(**DENY).items() if k != "Principal"}, "NotPrincipal": {"AWS": OTHER}}],
        False,
    ),
}


@pytest.mark.parametrize("what", TABLE)
def test_the_access_policy_of_this_moment_counts(world: World, what: str) -> None:
    statements, let_in = TABLE[what]
    session = ann(world)
    world.access_policy(allow())
    assert session.get(WHO).status_code == 200
    world.access_policy(*statements)
    answer = session.get(WHO)
    assert answer.status_code == (200 if let_in else 403), answer.text
    if not let_in:
        assert answer.json()["Message"].startswith(f"User: {ANN} is not authorized to perform: es:ESHttpGet ")


@pytest.mark.parametrize(
    "path", ["/secret/_search", "/secret/_search/", "/%73ecret/_search", "/secret%2F_search", "/secret/_doc/a%2Fb"]
)
def test_a_denied_path_is_denied_however_it_is_written(world: World, path: str) -> None:
    world.access_policy(allow(), {**allow(**DENY), "Resource": [f"{ARN}/secret/*", f"{ARN}/_search"]})
    assert "explicit deny in a resource-based policy" in ann(world).get(path).json()["Message"]
    assert "explicit deny" in ann(world).get("/_search/").json()["Message"]


def test_a_role_is_meant_by_its_arn_with_the_path(world: World) -> None:
    role = world.role("pathed", "/team/a/")
    session = world.signed(world.session(role))
    for condition, let_in in (("ArnEquals", True), ("ArnNotEquals", False)):
        world.access_policy(allow(Condition={condition: {"aws:PrincipalArn": role}}))
        assert session.get(WHO).status_code == (200 if let_in else 403)
    world.access_policy(allow(), allow(**DENY, Condition={"ArnNotEquals": {"aws:PrincipalArn": [role, MASTER]}}))
    assert (session.get(WHO).status_code, ann(world).get(WHO).status_code) == (200, 403)


MAY = {"Effect": "Allow", "Action": "es:ESHttp*", "Resource": f"{ARN}/*"}


def test_the_callers_own_policies_count(world: World) -> None:
    names = {
        "may": [MAY],
        "may-not": [{**MAY, "Effect": "Deny"}],
        "must-not": [MAY, {**MAY, "Effect": "Deny", "Resource": ARN + "/${aws:username}/*"}],
        "may-more": [MAY, {"Effect": "Deny", "Action": "iam:*", "Resource": "arn:aws:iam::*:user/${aws:username}"}],
    }
    sessions = {name: world.signed(world.user(name, policy={"Statement": said})) for name, said in names.items()}
    world.access_policy(allow(ROOT))
    assert {name: session.get(WHO).status_code for name, session in sessions.items()} == {
        "may": 200,
        "may-not": 403,
        "must-not": 403,
        "may-more": 200,
    }
    world.access_policy(allow())
    assert "explicit deny in an identity-based policy" in sessions["may-not"].get(WHO).json()["Message"]


def test_a_permissions_boundary_and_a_group_count(world: World) -> None:
    iam = world.aws.client("iam")
    world.user("bounded", policy={"Statement": [MAY]})
    nothing = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
    made = iam.create_policy(PolicyName="nothing", PolicyDocument=json.dumps(nothing))["Policy"]["Arn"]
    session = world.signed(world.user("bounded"))
    world.access_policy(allow(ROOT))
    assert session.get(WHO).status_code == 200
    iam.put_user_permissions_boundary(UserName="bounded", PermissionsBoundary=made)
    assert session.get(WHO).status_code == 403
    world.user("member")
    session = world.signed(world.user("member"))
    iam.create_group(GroupName="searchers")
    iam.put_group_policy(GroupName="searchers", PolicyName="p", PolicyDocument=json.dumps({"Statement": [MAY]}))
    assert session.get(WHO).status_code == 403
    iam.add_user_to_group(GroupName="searchers", UserName="member")
    assert session.get(WHO).status_code == 200
    iam.remove_user_from_group(GroupName="searchers", UserName="member")
    assert session.get(WHO).status_code == 403


def test_the_dashboards_door_is_under_the_same_policy(world: World) -> None:
    session = world.dashboards(world.person("bob"))
    anyone = f"arn:aws:iam::{ACCOUNT}:role/Anyone"
    world.access_policy(allow(anyone))
    assert session.get(WHO).status_code == 200
    world.access_policy(allow(OTHER))
    assert session.get(WHO).status_code == 403


# ------------------------------------------------------------------ the security group
@pytest.fixture
def group(world: World) -> Any:
    """The domain in a VPC, its security group open to the VPC and to the automation's group; outside again afterwards."""
    ec2, search = world.aws.client("ec2"), world.aws.client("opensearch")
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.7.1.0/24")["Subnet"]["SubnetId"]
    domain, automation = (
        ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
        for name in ("domain", "automation")
    )
    another = ec2.create_security_group(GroupName="another", Description="another", VpcId=vpc)["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    rules = {
        "vpc": {**rule, "IpRanges": [{"CidrIp": "10.7.0.0/16"}]},
        "automation": {**rule, "UserIdGroupPairs": [{"GroupId": automation}]},
        "another group": {**rule, "UserIdGroupPairs": [{"GroupId": another}]},
        "elsewhere": {**rule, "IpRanges": [{"CidrIp": "192.168.0.0/16"}]},
        "other port": {**rule, "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.7.0.0/16"}]},
        "everything": {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
    }
    search.update_domain_config(DomainName=DOMAIN, VPCOptions={"SubnetIds": [subnet], "SecurityGroupIds": [domain]})

    def set_rules(*names: str) -> None:
        now = ec2.describe_security_groups(GroupIds=[domain])["SecurityGroups"][0]["IpPermissions"]
        if now:
            ec2.revoke_security_group_ingress(GroupId=domain, IpPermissions=now)
        if names:
            ec2.authorize_security_group_ingress(GroupId=domain, IpPermissions=[rules[name] for name in names])

    yield set_rules
    set_rules("everything")


def reaches(session: requests.Session) -> bool:
    try:
        return bool(session.get(WHO).status_code)
    except requests.exceptions.ConnectionError:
        return False


@pytest.mark.parametrize(
    ("rules", "everyone", "automation"),
    [
        (["vpc", "automation"], True, True),
        (["automation"], False, True),
        (["vpc"], True, True),
        (["everything"], True, True),
        (["elsewhere", "automation"], False, True),
        (["other port"], False, False),
        (["another group"], False, False),
        ([], False, False),
    ],
)
def test_ingress_decides_who_gets_any_answer(
    world: World, group: Any, rules: list[str], everyone: bool, automation: bool
) -> None:
    world.role("automation")
    group(*rules)
    callers = [ann(world), world.master, world.dashboards(world.person("bob"))]
    nobody = world.signed(world.user("ann"))
    nobody.auth = None
    assert [reaches(session) for session in (*callers, nobody)] == [everyone] * 4
    assert reaches(world.signed(world.session(AUTOMATION))) == automation
