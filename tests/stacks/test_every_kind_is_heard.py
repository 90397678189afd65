"""Given any kind of thing in the table of signals, then a deployment has a scope for it, and a rule lets its events through.

What the table calls a signal is worth nothing if nothing is ever delivered, or nobody is ever concerned.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import structs
from portcullis.access.plan import AccessModel, Grant, Subject, SubjectKind
from portcullis.operations.access.scopes import scope_of, scope_of_account
from portcullis.ports.registration import AmazonDomain, Cognito, EngineUser, IamRole, Key, Network, Registration
from portcullis.signals import Scope, read
from portcullis.signals.rows import About, Row
from portcullis.signals.table import ROWS

from stacks.listening import patterns
from stacks.listening.patterns import ALL_MANAGEMENT_EVENTS
from tests.stacks.assembly import Synthesised
from tests.stacks.test_rules import lets_through

ACCOUNT, HOME, IAM_HOME = "000000000000", "eu-central-1", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/"
KEY = f"arn:aws:kms:{HOME}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
POOL, IDENTITIES = f"{HOME}_Pool", f"{HOME}:00000000-1111-4222-8333-444444444444"
SECRET = f"arn:aws:secretsmanager:{HOME}:{ACCOUNT}:secret:Master-AbCdEf"
DOMAIN = f"arn:aws:es:{HOME}:{ACCOUNT}:domain/demo"

BREAK_GLASS = f"{ROLE}portcullis-demo-break-glass"
REGISTRATION = Registration(
    deployment="demo",
    account=ACCOUNT,
    region=HOME,
    place=AmazonDomain("demo", DOMAIN, "127.0.0.1", Network("sg-1")),
    key=Key(KEY, "alias/portcullis/demo", store="cks-1"),
    automation=IamRole(f"{ROLE}portcullis-automation"),
    master=EngineUser("portcullis-master", SECRET),
    break_glass=IamRole(BREAK_GLASS),
    canary=IamRole(f"{ROLE}portcullis-demo-canary"),
    other_roles=(f"{ROLE}portcullis-demo-master",),
    cognito=Cognito(POOL, IDENTITIES, {"analysts": f"{ROLE}portcullis-demo-analysts"}),
    identity_store="d-1",
)
GRANTED = {
    SubjectKind.IAM_GROUP: "ops",
    SubjectKind.IAM_USER: "bob",
    SubjectKind.IAM_ROLE: "AWSReservedSSO_Analysts_0123456789abcdef",
    SubjectKind.COGNITO_GROUP: "support",
    SubjectKind.IDENTITY_CENTER_GROUP: "Operators",
}
MODEL = AccessModel(grants=tuple(Grant(Subject(kind, name), "reader", "model") for kind, name in GRANTED.items()))
SCOPES = (scope_of(REGISTRATION, MODEL), scope_of_account(ACCOUNT, HOME))

# What an event of each kind names, in the fields where AWS names it.
NAMED: dict[About, dict[str, Any]] = {
    About.IAM_GROUP: {"groupName": "ops"},
    About.IAM_USER: {"userName": "bob"},
    About.IAM_ROLE: {"roleName": "portcullis-demo-break-glass"},
    About.COGNITO_GROUP: {"userPoolId": POOL, "groupName": "support"},
    About.COGNITO_USER: {"userPoolId": POOL, "username": "anna"},
    About.USER_POOL: {"userPoolId": POOL},
    About.IDENTITY_POOL: {"identityPoolId": IDENTITIES},
    About.IDENTITY_CENTER_GROUP: {"identityStoreId": "d-1", "groupId": "114bd550-8061-702c-4bb4-2a771ff86cfb"},
    About.IDENTITY_CENTER_USER: {"identityStoreId": "d-1", "userId": "u-1"},
    About.IDENTITY_CENTER: {"instanceArn": "arn:aws:sso:::instance/ssoins-1"},
    About.KEY: {"keyId": KEY},
    About.KEY_ALIAS: {"aliasName": "alias/portcullis/demo"},
    About.KEY_STORE: {"customKeyStoreId": "cks-1"},
    About.DOMAIN: {"domainName": "demo", "vpcEndpointId": "aos-1"},
    About.SECURITY_GROUP: {"groupId": "sg-1"},
    About.BREAK_GLASS: {"roleArn": f"{ROLE}portcullis-demo-break-glass"},
    About.SIGN_IN_PROVIDER: {"sAMLProviderArn": f"arn:aws:iam::{ACCOUNT}:saml-provider/corp"},
    About.ASSIGNMENT: {"permissionSetArn": "arn:aws:sso:::permissionSet/ssoins-1/ps-1", "targetId": ACCOUNT},
    About.SECRET: {"secretId": SECRET},
    About.TRAIL: {"name": "portcullis-management-events", "trailName": "portcullis-management-events"},
    About.RULE: {"name": "portcullis-demo-key", "rule": "portcullis-demo-key"},
    About.FUNCTION: {"functionName": f"arn:aws:lambda:{HOME}:{ACCOUNT}:function:portcullis-key-guard", "uUID": "m-1"},
    About.QUEUE: {"queueUrl": f"https://sqs.{HOME}.amazonaws.com/{ACCOUNT}/portcullis-key.fifo"},
    About.TOPIC: {"topicArn": f"arn:aws:sns:{HOME}:{ACCOUNT}:portcullis-alerts"},
    About.ALARM: {"alarmName": "portcullis-sweep-missing", "alarmNames": ["portcullis-sweep-missing"]},
    About.TABLE: {"tableName": "portcullis-automation-Ledger0123-ABC"},
}
ONLY_IN_US_EAST_1 = ("iam",)
SIGNALS = [(row, name) for row in ROWS if row.signal for name in row.operations]


def told(row: Row, operation: str) -> dict[str, Any]:
    """An event of this operation, as EventBridge delivers it."""
    assert row.about is not None
    region = IAM_HOME if row.service in ONLY_IN_US_EAST_1 else HOME
    detail = {
        "eventSource": f"{row.service}.amazonaws.com",
        "eventName": operation,
        "awsRegion": region,
        "recipientAccountId": ACCOUNT,
        "readOnly": operation.startswith(("Get", "Assume")),
        "requestParameters": NAMED[row.about],
        "resources": [{"ARN": KEY}] if row.about is About.KEY else [],
    }
    return {
        "id": "1",
        "source": f"aws.{row.service}",
        "detail-type": "AWS API Call via CloudTrail",
        "account": ACCOUNT,
        "region": region,
        "time": "2026-01-01T00:00:00Z",
        "resources": [],
        "detail": detail,
    }


def rules() -> list[tuple[str, str, dict[str, Any]]]:
    """(Region, state, pattern) of everything that listens for one deployment, and for the account; made as the stacks make them."""
    identity = patterns.identity(
        iam_groups=["ops"],
        iam_users=["bob"],
        iam_roles=[GRANTED[SubjectKind.IAM_ROLE]],
        user_pool=POOL,
        identity_pool=IDENTITIES,
        identity_center=True,
        own_roles="portcullis-demo-",
    )
    relayed = patterns.relay(iam_groups=["ops"], iam_users=["bob"], iam_roles=[], own_roles="portcullis-")
    key = patterns.key(
        key_arn=KEY,
        key_id=KEY.rpartition("/")[2],
        key_alias="alias/portcullis/demo",
        alias_arn=f"arn:aws:kms:{HOME}:{ACCOUNT}:alias/portcullis/demo",
        domain="demo",
        domain_arn=DOMAIN,
        security_group="sg-1",
    )
    taken = patterns.break_glass(BREAK_GLASS, patterns.Secret("Master", SECRET[:-7]))
    assert identity
    assert relayed
    return [
        (HOME, "ENABLED", identity),
        (HOME, "ENABLED", key),
        (HOME, ALL_MANAGEMENT_EVENTS, taken),
        *((HOME, "ENABLED", pattern) for pattern in patterns.eyes("portcullis-").values()),
        (IAM_HOME, "ENABLED", relayed),
    ]


RULES = rules()


def heard(event: dict[str, Any]) -> bool:
    reading = event["detail"]["readOnly"]
    # What happens in us-east-1 has to pass the relay there, and then a rule at home.
    passed = event["region"] == HOME or any(lets_through(p, event) for region, _, p in RULES if region == IAM_HOME)
    at_home = [p for region, state, p in RULES if region == HOME and (state == ALL_MANAGEMENT_EVENTS or not reading)]
    return passed and any(lets_through(pattern, event) for pattern in at_home)


def test_every_kind_of_thing_is_named_somewhere() -> None:
    assert set(NAMED) == {row.about for row, _ in SIGNALS} == set(About)


@pytest.mark.parametrize(
    ("row", "operation"), SIGNALS, ids=lambda part: part if isinstance(part, str) else part.service
)
def test_every_signal_of_the_table_has_a_scope_and_passes_a_rule(row: Row, operation: str) -> None:
    event = told(row, operation)
    found = [signal for signal in read(event, SCOPES) if signal.name]
    assert {signal.name for signal in found} == {row.signal}, f"nobody is concerned by {operation}"
    assert heard(event), f"no rule lets {operation} through"


def test_a_scope_without_its_field_hears_nothing_of_that_kind() -> None:
    """The other half: what makes a deployment concerned is what it is registered with."""
    bare = Scope("bare", account=ACCOUNT, region=HOME)
    assert [row for row, name in SIGNALS if read(told(row, name), [bare])[0].name] == []


def test_the_key_store_of_a_key_is_one_that_a_deployment_listens_to() -> None:
    row = next(row for row, _ in SIGNALS if row.about is About.KEY_STORE)
    event = told(row, "DisconnectCustomKeyStore")
    assert read(event, [scope_of(REGISTRATION, MODEL)])[0].name == "key-store-disconnected"
    assert read(event, [scope_of(structs.replace(REGISTRATION, key=Key(KEY)), MODEL)])[0].name is None


def test_as_synthesised_the_account_listens_for_whoever_shuts_its_eyes(demo: Synthesised) -> None:
    row = next(row for row, _ in SIGNALS if row.about is About.RULE)
    (target,) = demo.rule_named("portcullis-eyes")["Targets"]
    assert target["SqsParameters"] == {"MessageGroupId": "account"}
    assert lets_through(demo.rule_named("portcullis-eyes")["EventPattern"], told(row, "DisableRule"))
    foreign = json.loads(json.dumps(told(row, "DisableRule")).replace("portcullis-demo-key", "somebody-elses"))
    assert not lets_through(demo.rule_named("portcullis-eyes")["EventPattern"], foreign)
