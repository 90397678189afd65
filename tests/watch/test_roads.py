"""Given what AWS says of who may become whom, then what is compared holds what matters, no secret, and no order without meaning."""

from __future__ import annotations

import json
from typing import Any

import pytest
from portcullis.watch.roads import Road, RoadKind, differences, trusted_providers, value

ROOT, EVE = "arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:user/eve"
SAML = "arn:aws:iam::111122223333:saml-provider/corp"


def trust(*principals: Any, **more: Any) -> dict[str, Any]:
    statements = [{"Effect": "Allow", "Principal": p, "Action": "sts:AssumeRole", **more} for p in principals]
    return {"Version": "2012-10-17", "Statement": statements}


OWN = Road(RoadKind.ROLE, "arn:aws:iam::111122223333:role/portcullis-demo-break-glass", own=True)
GRANTED = Road(RoadKind.ROLE, "catalyst-application")
BEFORE = {"id": "AROAONE", "trust": trust({"AWS": ROOT})}

CHANGED: dict[str, tuple[Road, Any, Any, str]] = {
    "one more may assume it": (GRANTED, BEFORE, {**BEFORE, "trust": trust({"AWS": ROOT}, {"AWS": EVE})}, "user/eve"),
    "its condition is gone": (
        GRANTED,
        {**BEFORE, "trust": trust({"AWS": ROOT}, Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})},
        BEFORE,
        "no more",
    ),
    "it was made again": (OWN, BEFORE, {**BEFORE, "id": "AROATWO"}, "id was AROAONE, and is AROATWO"),
    "it is gone": (OWN, BEFORE, None, "it is gone"),
    "a provider says something else": (Road(RoadKind.PROVIDER, SAML), {"document": "a"}, {"document": "b"}, "says was"),
    "a provider is for one more": (
        Road(RoadKind.PROVIDER, "arn:aws:iam::1:oidc-provider/x"),
        {"clients": ["a"]},
        {"clients": ["a", "b"]},
        "for has b now",
    ),
    "a trigger": (
        Road(RoadKind.USER_POOL, "p"),
        {"pool": {"LambdaConfig": {}}},
        {"pool": {"LambdaConfig": {"PreTokenGeneration": "arn:f"}}},
        "LambdaConfig",
    ),
    "people may sign themselves up": (
        Road(RoadKind.USER_POOL, "p"),
        {"pool": {"AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True}}},
        {"pool": {"AdminCreateUserConfig": {"AllowAdminCreateUserOnly": False}}},
        "only_administrators_make_users",
    ),
    "an identity provider": (
        Road(RoadKind.USER_POOL, "p"),
        {"pool": {}, "providers": []},
        {"pool": {}, "providers": [{"ProviderName": "corp", "ProviderType": "SAML"}]},
        "providers.corp",
    ),
    "an attribute mapping": (
        Road(RoadKind.USER_POOL, "p"),
        {"pool": {}, "providers": [{"ProviderName": "corp", "AttributeMapping": {"username": "sub"}}]},
        {"pool": {}, "providers": [{"ProviderName": "corp", "AttributeMapping": {"username": "email"}}]},
        "providers.corp.attributes.username was sub, and is email",
    ),
    "a client takes another provider's word": (
        Road(RoadKind.USER_POOL, "p"),
        {"pool": {}, "clients": [{"ClientId": "c", "SupportedIdentityProviders": ["COGNITO"]}]},
        {"pool": {}, "clients": [{"ClientId": "c", "SupportedIdentityProviders": ["COGNITO", "corp"]}]},
        "has corp now",
    ),
    "a linked user": (
        Road(RoadKind.USERS, "p"),
        {"linked": {"anna": []}},
        {"linked": {"anna": ["corp: eve"]}},
        "corp: eve",
    ),
    "an identity pool takes guests": (
        Road(RoadKind.IDENTITY_POOL, "i"),
        {"pool": {"AllowUnauthenticatedIdentities": False}},
        {"pool": {"AllowUnauthenticatedIdentities": True}},
        "AllowUnauthenticatedIdentities",
    ),
    "another password": (Road(RoadKind.SECRET, "s"), {"version": "1"}, {"version": "2"}, "version was 1, and is 2"),
    "a secret that others may read": (
        Road(RoadKind.SECRET, "s"),
        {"policy": "{}"},
        {"policy": json.dumps(trust({"AWS": EVE}))},
        "user/eve",
    ),
    "the domain's policy": (
        Road(RoadKind.DOMAIN, "demo"),
        {"domain": {"AccessPolicies": json.dumps(trust("*"))}},
        {"domain": {"AccessPolicies": json.dumps(trust("*", {"AWS": EVE}))}},
        "policy has",
    ),
    "one more security group": (
        Road(RoadKind.DOMAIN, "demo"),
        {"domain": {"VPCOptions": {"SecurityGroupIds": ["sg-1"]}}},
        {"domain": {"VPCOptions": {"SecurityGroupIds": ["sg-1", "sg-2"]}}},
        "security_groups has sg-2 now",
    ),
    "a VPC endpoint": (
        Road(RoadKind.DOMAIN, "demo"),
        {"domain": {}, "endpoints": []},
        {"domain": {}, "endpoints": ["aos-1 of 999999999999"]},
        "endpoints has aos-1 of 999999999999 now",
    ),
    "another way of signing in": (
        Road(RoadKind.DOMAIN, "demo"),
        {"domain": {"AdvancedSecurityOptions": {"Enabled": True, "InternalUserDatabaseEnabled": False}}},
        {"domain": {"AdvancedSecurityOptions": {"Enabled": True, "InternalUserDatabaseEnabled": True}}},
        "InternalUserDatabaseEnabled",
    ),
}


@pytest.mark.parametrize(("road", "was", "is_now", "words"), CHANGED.values(), ids=CHANGED)
def test_what_opens_another_road_is_another_value_and_said_in_words(
    road: Road, was: Any, is_now: Any, words: str
) -> None:
    before, after = value(road, was), value(road, is_now)
    assert before != after
    assert words in "; ".join(differences(before, after))


SAME: dict[str, tuple[Road, Any, Any]] = {
    "another order": (
        GRANTED,
        {"trust": trust({"AWS": [ROOT, EVE]})},
        {"trust": trust({"AWS": [EVE, ROOT]})},
    ),
    "one of a list of one": (GRANTED, {"trust": trust({"AWS": ROOT})}, {"trust": trust({"AWS": [ROOT]})}),
    "everybody, in both ways": (
        Road(RoadKind.DOMAIN, "demo"),
        {"domain": {"AccessPolicies": json.dumps(trust("*"))}},
        {"domain": {"AccessPolicies": json.dumps(trust({"AWS": "*"}))}},
    ),
    "a granted role that was made again": (GRANTED, BEFORE, {**BEFORE, "id": "AROATWO"}),  # see the claims' own ids
    "a user who is linked to nobody joins": (
        Road(RoadKind.USERS, "p"),
        {"linked": {}},
        {"linked": {"omar": []}},
    ),
}


@pytest.mark.parametrize(("road", "was", "is_now"), SAME.values(), ids=SAME)
def test_what_is_the_same_is_the_same_however_it_is_written(road: Road, was: Any, is_now: Any) -> None:
    assert value(road, was) == value(road, is_now)


def test_no_secret_of_a_provider_is_kept() -> None:
    provider = {"ProviderName": "corp", "ProviderDetails": {"client_id": "c", "client_secret": "do not keep me"}}
    kept = value(Road(RoadKind.USER_POOL, "p"), {"pool": {}, "providers": [provider]})
    assert "do not keep me" not in json.dumps(kept)


def test_the_providers_that_a_trust_policy_believes_are_found() -> None:
    assert trusted_providers(trust({"Federated": SAML}, {"Federated": [SAML, "cognito-identity.amazonaws.com"]})) == {
        SAML
    }
