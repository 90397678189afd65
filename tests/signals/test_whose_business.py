"""What an event was found to be about concerns whom it should, and nobody else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from portcullis.signals.found import Found
from portcullis.signals.rows import About
from portcullis.signals.subjects import concerns
from portcullis.signals.types import ANY, Scope

from tests.signals.test_deployments_concerned import ACCOUNT, BARE, GROUP, KEY, REGION


def names(*them: str) -> frozenset[str]:
    return frozenset(them)


SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:"
HERE = {"account": ACCOUNT, "region": REGION}
ELSEWHERE = {"account": "999999999999", "region": "eu-north-1"}
# What was found, what a deployment listens to, and whether it is concerned.
CONCERNED: list[tuple[Found, Scope, bool]] = [
    (Found(About.IAM_GROUP, "s", ("OPS",)), replace(BARE, iam_groups=names("ops")), True),
    (Found(About.IAM_GROUP, "s", ("ops",)), replace(BARE, iam_groups=names("arn:aws:iam::1:group/a/Ops")), True),
    (Found(About.IAM_GROUP, "s", ("a/ops",)), replace(BARE, iam_groups=names("x/a/ops")), False),
    (Found(About.IAM_GROUP, "s", ()), replace(BARE, iam_groups=names("ops")), True),
    (Found(About.IAM_GROUP, "s", ()), BARE, False),
    (Found(About.IAM_GROUP, "s", ("ops",), **ELSEWHERE), replace(BARE, iam_groups=names("ops")), False),
    (Found(About.IAM_USER, "s", ("x",), widely=True), replace(BARE, iam_groups=names("ops")), True),
    (Found(About.IAM_USER, "s", ("x",), widely=True, **ELSEWHERE), replace(BARE, iam_groups=names("ops")), False),
    (Found(About.IAM_USER, "s", ("x",)), replace(BARE, iam_groups=names("ops")), False),
    (Found(About.IAM_USER, "s", ("x",), widely=True), replace(BARE, iam_users=names("x")), True),
    (Found(About.IAM_ROLE, "s", ("r",)), replace(BARE, own_roles=names("r")), True),
    (Found(About.IAM_ROLE, "s", ("r",)), replace(BARE, iam_roles=names("arn:aws:iam::1:role/r")), True),
    (Found(About.COGNITO_GROUP, "s", ("g",), "p"), replace(BARE, user_pool="p", cognito_groups=names("g")), True),
    (Found(About.COGNITO_GROUP, "s", (), "p"), replace(BARE, user_pool="p", cognito_groups=names("g")), True),
    (Found(About.COGNITO_GROUP, "s", ("g",), "p"), replace(BARE, user_pool="p", cognito_groups=names("h")), False),
    (Found(About.COGNITO_GROUP, "s", ("g",), "q"), replace(BARE, user_pool="p", cognito_groups=names("g")), False),
    (Found(About.COGNITO_GROUP, "s", ("g",), "q"), replace(BARE, user_pool=ANY, cognito_groups=names("g")), True),
    (Found(About.COGNITO_USER, "s", ("u",), "", **HERE), replace(BARE, user_pool="p"), True),
    (Found(About.COGNITO_USER, "s", ("u",), "", **ELSEWHERE), replace(BARE, user_pool="p"), False),
    (Found(About.COGNITO_USER, "s", ("u",), "", account=ACCOUNT, region="eu-north-1"), replace(BARE, user_pool="p"), False),
    (Found(About.COGNITO_USER, "s", ("u",), "", **HERE), BARE, False),
    (Found(About.COGNITO_USER, "s", ("u",), "p", **ELSEWHERE), replace(BARE, user_pool="p"), False),
    (Found(About.IDENTITY_POOL, "s", ("i",)), replace(BARE, identity_pool="i"), True),
    (Found(About.IDENTITY_POOL, "s", ("i",)), replace(BARE, identity_pool=ANY), True),
    (Found(About.IDENTITY_POOL, "s", ("i",)), replace(BARE, identity_pool="j"), False),
    (Found(About.IDENTITY_POOL, "s", ("",)), BARE, False),
    (Found(About.IDENTITY_CENTER, "s", ("i",)), replace(BARE, identity_center_groups=names("g")), True),
    (Found(About.IDENTITY_CENTER, "s", ("i",)), BARE, False),
    (Found(About.IDENTITY_CENTER_USER, "s", ("u",), "d-1"), replace(BARE, identity_center_groups=names("g"), identity_store="d-1"), True),
    (Found(About.IDENTITY_CENTER_USER, "s", ("u",), "d-1"), replace(BARE, identity_center_groups=names("g"), identity_store="d-2"), False),
    (Found(About.IDENTITY_CENTER_USER, "s", ("u",), ""), replace(BARE, identity_center_groups=names("g"), identity_store="d-2"), True),
    (Found(About.IDENTITY_CENTER_USER, "s", ("u",), "d-1"), replace(BARE, identity_store="d-1"), False),
    (Found(About.IDENTITY_CENTER_GROUP, "s", (GROUP,)), replace(BARE, identity_center_groups=names("ops")), False),
    (Found(About.IDENTITY_CENTER_GROUP, "s", (GROUP,), widely=True), replace(BARE, identity_center_groups=names("ops")), True),
    (Found(About.IDENTITY_CENTER_GROUP, "s", ("other",), widely=True), replace(BARE, identity_center_groups=names(GROUP)), False),
    (Found(About.IDENTITY_CENTER_GROUP, "s", ()), replace(BARE, identity_center_groups=names(GROUP)), True),
    (Found(About.KEY, "s", (KEY,)), replace(BARE, key_arns=names(KEY)), True),
    (Found(About.KEY, "s", (KEY + "x", "alias/a")), replace(BARE, key_arns=names(KEY), key_aliases=names("alias/a")), False),
    (Found(About.KEY, "s", (KEY.rpartition("/")[2],)), replace(BARE, key_arns=names(KEY)), True),
    (Found(About.KEY, "s", ("k",)), replace(BARE, key_arns=names(KEY)), False),
    (Found(About.KEY, "s", ("alias/a",), **HERE), replace(BARE, key_arns=names(KEY), key_aliases=names("alias/a")), True),
    (Found(About.KEY, "s", ("alias/a",), **ELSEWHERE), replace(BARE, key_arns=names(KEY), key_aliases=names("alias/a")), False),
    (Found(About.KEY, "s", ("alias/a",), **HERE), replace(BARE, key_aliases=names("arn:aws:kms:r:1:alias/a")), True),
    (Found(About.KEY, "s", ("alias/a",), **ELSEWHERE), replace(BARE, key_aliases=names("alias/a")), False),
    (Found(About.KEY_ALIAS, "s", ("alias/a",), **HERE), replace(BARE, key_aliases=names("alias/a")), True),
    (Found(About.KEY_ALIAS, "s", ("alias/b",), **HERE), replace(BARE, key_aliases=names("alias/a")), False),
    (Found(About.KEY_ALIAS, "s", ("alias/a",), **HERE | {"region": "eu-north-1"}),
     replace(BARE, key_arns=names(KEY), key_aliases=names("alias/a")), False),
    (Found(About.KEY_STORE, "s", ("c",)), replace(BARE, key_store="c"), True),
    (Found(About.KEY_STORE, "s", ("",)), BARE, False),
    (Found(About.DOMAIN, "s", ("d",), **HERE), replace(BARE, domain="d"), True),
    (Found(About.DOMAIN, "s", (), **HERE), replace(BARE, domain="d"), True),
    (Found(About.DOMAIN, "s", ("d",), **ELSEWHERE), replace(BARE, domain="d"), False),
    (Found(About.DOMAIN, "s", (), **HERE), BARE, False),
    (Found(About.SECURITY_GROUP, "s", ("sg-1",)), replace(BARE, security_groups=names("sg-1", "sg-2")), True),
    (Found(About.SECURITY_GROUP, "s", ("sg-3",)), replace(BARE, security_groups=names("sg-1", "sg-2")), False),
    (Found(About.BREAK_GLASS, "s", ("arn:r",)), replace(BARE, break_glass="arn:r"), True),
    (Found(About.BREAK_GLASS, "s", ("",)), BARE, False),
    (Found(About.SIGN_IN_PROVIDER, "s", ("p",), account=ACCOUNT), replace(BARE, iam_roles=names("r")), True),
    (Found(About.SIGN_IN_PROVIDER, "s", ("p",), account=ACCOUNT), replace(BARE, own_roles=names("r")), True),
    (Found(About.SIGN_IN_PROVIDER, "s", ("p",), account=ACCOUNT), BARE, False),
    (Found(About.SIGN_IN_PROVIDER, "s", ("p",), **ELSEWHERE), replace(BARE, own_roles=names("r")), False),
    (Found(About.ASSIGNMENT, "s", ("p",), account=ACCOUNT),
     replace(BARE, iam_roles=names("arn:aws:iam::1:role/x/AWSReservedSSO_A_0")), True),
    (Found(About.ASSIGNMENT, "s", ("p",), account=ACCOUNT), replace(BARE, iam_roles=names("AWSReservedSSO_A_0")), True),
    (Found(About.ASSIGNMENT, "s", ("p",), account=ACCOUNT), replace(BARE, iam_roles=names("x-AWSReservedSSO_A_0")), False),
    (Found(About.ASSIGNMENT, "s", ("p",), **ELSEWHERE), replace(BARE, iam_roles=names("AWSReservedSSO_A_0")), False),
    (Found(About.SECRET, "s", (SECRET + "m-AbCdEf",)), replace(BARE, master_secret=SECRET + "m-AbCdEf"), True),
    (Found(About.SECRET, "s", (SECRET + "m",)), replace(BARE, master_secret=SECRET + "m-AbCdEf"), True),
    (Found(About.SECRET, "s", ("m",)), replace(BARE, master_secret=SECRET + "m-AbCdEf"), True),
    (Found(About.SECRET, "s", ("m-AbCdEf",)), replace(BARE, master_secret=SECRET + "m-AbCdEf"), True),
    (Found(About.SECRET, "s", ("n",)), replace(BARE, master_secret=SECRET + "m-AbCdEf"), False),
    (Found(About.SECRET, "s", ("",)), BARE, False),
    (Found(About.SECRET, "s", ("m",), widely=True, **HERE), replace(BARE, secrets=names("m")), True),
    (Found(About.SECRET, "s", (SECRET + "m-AbCdEf",), widely=True, **HERE), replace(BARE, secrets=names("m")), True),
    (Found(About.SECRET, "s", ("m",), widely=True, **HERE), replace(BARE, secrets=names(SECRET + "m-AbCdEf")), True),
    (Found(About.SECRET, "s", (SECRET + "m",), widely=True, **HERE), replace(BARE, secrets=names(SECRET + "m-AbCdEf")), True),
    (Found(About.SECRET, "s", ("m-AbCdEfG",), widely=True, **HERE), replace(BARE, secrets=names("m")), False),
    (Found(About.SECRET, "s", ("m",), **HERE), replace(BARE, secrets=names("m")), False),
    (Found(About.SECRET, "s", ("m",), widely=True, **HERE | {"account": "9"}), replace(BARE, secrets=names("m")), False),
    (Found(About.SECRET, "s", ("m",), widely=True, **HERE | {"region": "eu-north-1"}), replace(BARE, secrets=names("m")), False),
    (Found(About.TRAIL, "s", ("all",), account=ACCOUNT), replace(BARE, eyes="portcullis-"), True),
    (Found(About.TRAIL, "s", ("all",), account=ACCOUNT), BARE, False),
    (Found(About.RULE, "s", ("portcullis-x",), account=ACCOUNT), replace(BARE, eyes="portcullis-"), True),
    (Found(About.RULE, "s", ("other-x",), account=ACCOUNT), replace(BARE, eyes="portcullis-"), False),
    (Found(About.ALARM, "s", ("other", "portcullis-x"), account=ACCOUNT), replace(BARE, eyes="portcullis-"), True),
    (Found(About.FUNCTION, "s", (), account=ACCOUNT), replace(BARE, eyes="portcullis-"), True),
    (Found(About.QUEUE, "s", ("portcullis-x",), **ELSEWHERE), replace(BARE, eyes="portcullis-"), False),
    (Found(About.TABLE, "s", ("portcullis-x",), account=ACCOUNT), replace(BARE, eyes="portcullis-"), True),
    (Found(About.TABLE, "s", ("orders",), account=ACCOUNT), replace(BARE, eyes="portcullis-"), False),
]  # fmt: skip


@pytest.mark.parametrize(("found", "scope", "concerned"), CONCERNED)
def test_what_was_found_concerns_whom_it_should(found: Found, scope: Scope, concerned: bool) -> None:
    assert concerns(found, scope) is concerned
