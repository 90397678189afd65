"""Somebody opens another road to whoever is mapped: heard by event or found by the sweep, told, taken back or accepted by a person."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local.people import until
from tests.embedded.scene import INDEX, Scene

pytestmark = pytest.mark.embedded

GLASS, APPLICATION = "portcullis-demo-break-glass", "catalyst-application"


@contextmanager
def trust_of(scene: Scene, role: str) -> Iterator[None]:
    iam = scene.aws.client("iam")
    before = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    stranger = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}, "Action": "sts:AssumeRole"}
    changed = {**before, "Statement": [*before["Statement"], stranger]}
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(changed))
    try:
        yield
    finally:
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(before))


def trust_of_break_glass(scene: Scene) -> Any:
    return trust_of(scene, GLASS)


def trust_of_a_granted_role(scene: Scene) -> Any:
    return trust_of(scene, APPLICATION)


@contextmanager
def trigger(scene: Scene) -> Iterator[None]:
    cognito, pool = scene.aws.client("cognito-idp"), scene.people.pool
    function = f"arn:aws:lambda:{scene.aws.region}:{scene.aws.account}:function:eve"
    cognito.update_user_pool(UserPoolId=pool, LambdaConfig={"PreTokenGeneration": function})
    try:
        yield
    finally:
        cognito.update_user_pool(UserPoolId=pool, LambdaConfig={})


@contextmanager
def identity_provider(scene: Scene) -> Iterator[None]:
    cognito, pool = scene.aws.client("cognito-idp"), scene.people.pool
    details = {"client_id": "c", "client_secret": "s", "oidc_issuer": "https://eve.example"}
    cognito.create_identity_provider(UserPoolId=pool, ProviderName="eve", ProviderType="OIDC", ProviderDetails=details)
    try:
        yield
    finally:
        cognito.delete_identity_provider(UserPoolId=pool, ProviderName="eve")


@contextmanager
def access_policy(scene: Scene) -> Iterator[None]:
    search, name = scene.aws.client("opensearch"), scene.up.deployment
    before = search.describe_domain(DomainName=name)["DomainStatus"]["AccessPolicies"]
    read = json.loads(before)
    also = {"Sid": "Eve", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "es:*", "Resource": "*"}
    changed = {**read, "Statement": [*read["Statement"], also]}
    search.update_domain_config(DomainName=name, AccessPolicies=json.dumps(changed))
    try:
        yield
    finally:
        search.update_domain_config(DomainName=name, AccessPolicies=before)


@contextmanager
def vpc_endpoint_access(scene: Scene) -> Iterator[None]:
    search, domain = scene.aws.client("opensearch"), {"DomainName": scene.up.deployment}
    search.authorize_vpc_endpoint_access(Account="999999999999", **domain)
    try:
        yield
    finally:
        search.revoke_vpc_endpoint_access(Account="999999999999", **domain)


@contextmanager
def connected(scene: Scene, other: str = "eves") -> Iterator[None]:
    """Somebody has the domain read another one, of which the other side's administrators are."""
    search, here, name = scene.aws.client("opensearch"), (scene.aws.account, scene.aws.region), scene.up.deployment
    ends = [
        {"AWSDomainInformation": {"OwnerId": here[0], "Region": here[1], "DomainName": one}} for one in (name, other)
    ]
    asked = search.create_outbound_connection(LocalDomainInfo=ends[0], RemoteDomainInfo=ends[1], ConnectionAlias="eves")
    search.accept_inbound_connection(ConnectionId=asked["ConnectionId"])
    try:
        yield
    finally:
        search.delete_outbound_connection(ConnectionId=asked["ConnectionId"])


ROADS: dict[str, tuple[Callable[[Scene], Any], str]] = {
    "who may assume break-glass": (trust_of_break_glass, f"role/{GLASS}: trust has"),
    "who may assume a granted role": (trust_of_a_granted_role, f"role/{APPLICATION}: trust has"),
    "a connection that no file names": (connected, "connections: reads has eves: arn:aws:es:"),
    "a trigger of the user pool": (trigger, "user-pool: LambdaConfig"),
    "an identity provider of the user pool": (identity_provider, "user-pool: providers.eve"),
    "the domain's access policy": (access_policy, "domain: policy has"),
    "who may make VPC endpoints": (vpc_endpoint_access, "domain: endpoints_for has 999999999999 now"),
}


@pytest.mark.parametrize(("opened", "words"), ROADS.values(), ids=ROADS)
def test_a_new_way_to_become_a_mapped_principal_is_told_until_it_is_closed(
    scene: Scene, opened: Callable[[Scene], Any], words: str
) -> None:
    """It is heard by its event and stands in status. Once it is taken back, status does not show it any more."""
    scene.swept()
    assert scene.cast.operate("status", deployment="demo")["roads"] == []
    with opened(scene):
        until(lambda: bool(scene.told("another-road")), what="it is told", within=60)
        assert words in scene.told("another-road")[-1]["happened"]
        (line,) = scene.cast.operate("status", deployment="demo")["roads"]
        assert words in line
    scene.quiet()
    scene.swept()
    assert scene.cast.operate("status", deployment="demo")["roads"] == []


def looked(scene: Scene, verb: str, **arguments: str) -> Any:
    """What the `operate` function answers, whatever its exit status."""
    said = scene.aws.client("lambda").invoke(
        FunctionName=scene.up.output("OperateFunction"),
        Qualifier="look",
        Payload=json.dumps({"verb": verb, "actor": "demo", "deployment": "demo", "arguments": arguments}),
    )
    return json.loads(said["Payload"].read())


def test_the_deployed_functions_explain_and_check_a_connection_of_the_domain(scene: Scene) -> None:
    """Of a domain that is no deployment of this account, and of one that is: the emulated AWS has it read itself."""
    index, person = f"eves:{INDEX}", scene.people.cognito_user("ivy.of.a.road")
    scene.people.join(person, "dashboards")
    with connected(scene):
        checked = looked(scene, "remote-check")["answer"]
        found = {(one["alias"], one["code"]): one["says"] for one in checked["findings"]}
        assert checked["exit_status"] == 3
        assert "is no deployment of this account" in found["eves", "not-looked-at"]
        assert ("eves", "not-declared") in found
        explained = looked(scene, "remote-explain", person=person, index=index)["answer"]
        assert (explained["allowed"], explained["exit_status"]) == (None, 4)
        assert any("is no deployment of this account" in one for one in explained["unknown"])
    with connected(scene, scene.up.deployment):
        found = {
            one["code"]: one["weight"] for one in looked(scene, "remote-check", alias="eves")["answer"]["findings"]
        }
        assert (found["not-declared"], found["releases"]) == ("wrong", "OK")
        assert "not-looked-at" not in found
        explained = looked(scene, "remote-explain", person=person, index=index)["answer"]
        can = looked(scene, "can", person=person, does="read", what=index)["answer"]
        assert explained["other"] == "demo"
        assert explained["allowed"] is can["allowed"] is not None
    assert "reads none as 'eves'" in str(looked(scene, "remote-check", alias="eves"))
    scene.quiet()
    scene.swept()


def test_what_no_event_told_the_sweep_finds_and_a_person_accepts(scene: Scene) -> None:
    scene.swept()
    scene.aws.admin("weather", lose=True, names=["UpdateAssumeRolePolicy"])
    with trust_of(scene, GLASS):
        scene.swept()
        scene.swept()
        assert len(scene.told("another-road")) == 1
        request = {"deployment": "demo", "arguments": {"watch": f"role/{GLASS}", "reason": "ticket 4711"}}
        scene.cast.operate("accept", "act", **request)
        assert scene.cast.operate("roads", deployment="demo")["opened"] == {}
        (accepted,) = scene.recorded("accept")
        assert "ticket 4711" in accepted.summary
    scene.swept()
    scene.cast.operate("accept", "act", **request)


def test_a_password_that_an_administrator_sets_is_told_with_who_it_was(scene: Scene) -> None:
    user = scene.people.cognito_user("rosa.of.a.road")
    scene.quiet()
    before = len(scene.told("road-used"))
    scene.aws.client("cognito-idp").admin_set_user_password(
        UserPoolId=scene.people.pool, Username=user, Password="A-new-one-4711!", Permanent=True
    )
    until(lambda: len(scene.told("road-used")) > before, what="it is told", within=60)
    assert "set or reset the password" in scene.told("road-used")[-1]["happened"]
