"""Given the calls that `findings` takes for ways to administration, then AWS has each, with that resource and those keys."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from portcullis.access.edge.keys import Key
from portcullis.access.edge.own_policies import Act, Administrators, Secret, acts
from portcullis.access.edge.running import running_as
from portcullis.access.edge.way import Edge

from tests.stacks.reference import action

ACCOUNT, REGION = "111122223333", "eu-central-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/ops"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
EDGE = Edge(f"arn:aws:es:{REGION}:{ACCOUNT}:domain/demo", REGION, None, None, in_vpc=True)
SERVICES = [f"{one}.amazonaws.com" for one in ("lambda", "ec2", "ecs-tasks", "codebuild", "glue")]


def ways() -> Iterator[Act]:
    secret = Secret(
        f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:chief-AbCdEf", "the user chief", {}, Key(KEY), True
    )
    pool = f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{REGION}_pool"
    user = f"arn:aws:iam::{ACCOUNT}:user/boss"
    yield from acts(
        Administrators(((ROLE, True),), (user,), (secret,), ("admins",), pool, ("masters",), ("anna",)), EDGE
    )
    yield from running_as(ROLE, SERVICES, REGION, ACCOUNT)


@pytest.mark.parametrize("act", [*ways()], ids=lambda act: act.action)
def test_each_call_is_there_with_its_resource_and_its_keys(act: Act) -> None:
    for name, resource in ((act.action, act.resource), *act.also):
        known = action(name)
        assert known is not None, name
        assert known.kinds(resource), (name, resource)
    own = action(act.action)
    assert own is not None
    assert all(own.takes_key(key) for key, _ in act.keys)


def test_a_key_is_asked_with_what_secrets_manager_sends_along() -> None:
    decrypt = action("kms:Decrypt")
    assert decrypt is not None
    assert decrypt.kinds(KEY)
    keys = ("kms:ViaService", "kms:EncryptionContext:SecretARN", "kms:CallerAccount")
    assert [key for key in keys if not decrypt.takes_key(key)] == []
