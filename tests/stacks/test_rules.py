"""Given an event that means something to a deployment, then its rule lets it through; given one that does not, mostly not.

The patterns are held against the same events that the table of signals is tested with, by the emulator's event matcher, which was
written to EventBridge's rules.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from ministack.services import eventbridge
from portcullis.errors import MalformedEvent
from portcullis.signals import Concern, Scope, Signal, read

from stacks.listening import patterns, queues
from stacks.rules import called
from tests.signals.cases import EXPECTED, event, wrapped
from tests.signals.test_deployments_concerned import ACCOUNT, DEMO, KEY, REGION
from tests.stacks.assembly import Synthesised
from tests.stacks.complexity import MOST, at_once, complexity

PATTERN_CHARACTERS = 2048  # EventBridge's limit
# What the stacks know of.
KNOWN = replace(DEMO, iam_roles=frozenset({"catalyst"}))


def rules_of(scope: Scope) -> dict[Concern, dict[str, Any]]:
    identity = patterns.identity(
        iam_groups=sorted(scope.iam_groups),
        iam_users=sorted(scope.iam_users),
        iam_roles=sorted(scope.iam_roles),
        user_pool=scope.user_pool,
        identity_pool=scope.identity_pool,
        identity_center=bool(scope.identity_store),
    )
    (alias,) = scope.key_aliases
    key = patterns.key(
        key_arn=next(iter(scope.key_arns), f"arn:aws:kms:{REGION}:{ACCOUNT}:{alias}"),
        key_id=KEY.rpartition("/")[2] if scope.key_arns else "",
        key_alias=alias,
        alias_arn=f"arn:aws:kms:{REGION}:{ACCOUNT}:{alias}",
        domain=scope.domain,
        domain_arn=f"arn:aws:es:{REGION}:{ACCOUNT}:domain/{scope.domain}",
        security_group=next(iter(scope.security_groups)),
    )
    assert identity is not None
    taken = patterns.break_glass(scope.break_glass)
    listening = {Concern.IDENTITY: identity, Concern.KEY: key, Concern.DOMAIN: key, Concern.BREAK_GLASS: taken}
    return listening | {Concern.ROADS: identity, Concern.EYES: patterns.eyes("portcullis-")["eyes"]}


RULES = rules_of(KNOWN)


def delivered(name: str) -> dict[str, Any]:
    """The event as EventBridge delivers it, with every field that its matcher asks for."""
    told = event(name)
    told = told if "detail" in told else wrapped(told)
    return {"id": "1", "account": ACCOUNT, "region": REGION, "time": "2026-01-01T00:00:00Z", "resources": [], **told}


def lets_through(pattern: dict[str, Any], told: dict[str, Any]) -> bool:
    request = {"Event": json.dumps(told), "EventPattern": json.dumps(pattern)}
    status, _, body = eventbridge._test_event_pattern(request)
    assert status == 200, body
    answer: bool = json.loads(body)["Result"]
    return answer


def meaning(name: str) -> tuple[Signal, ...]:
    """What the event means to the deployment; nothing, if it is malformed: those are read from the queue, not from a rule."""
    try:
        return tuple(found for found in read(event(name), [KNOWN]) if found.name)
    except MalformedEvent:
        return ()


MEANT = [(name, found.concern) for name in sorted(EXPECTED) for found in meaning(name)]
NOT_MEANT = [name for name in sorted(EXPECTED) if name not in {meant for meant, _ in MEANT}]


def test_there_is_enough_to_hold_the_rules_against() -> None:
    assert len(MEANT) > 50
    assert {concern for _, concern in MEANT} == set(Concern)


@pytest.mark.parametrize(("name", "concern"), MEANT)
def test_what_concerns_a_deployment_reaches_its_rule(name: str, concern: Concern) -> None:
    assert lets_through(RULES[concern], delivered(name))


# Let through although it means nothing: rare, and what tells it apart is the table's business.
LET_THROUGH = {
    "aws.es.amazon-es-software.own.json",  # every notice about the domain: their names change more often than they come
    "es.CreateDomain.own.json",
    "identitystore-scim.CreateUser.own.json",  # of the directory every call about a user or a group, to save room
    "sso-directory.CreateUser.own.json",
    "sso.CreateAccountAssignment.own.json",  # of a permission set that no role of ours comes from
    "es.StartServiceSoftwareUpdate.own.json",
    "es.UpdateDomainConfig.dry-run.own.json",
    "es.UpgradeDomain.check.own.json",
    "kms.TagResource.own.json",  # every call that changes something about the key
    "kms.UpdateKeyDescription.1.json",
}


def test_what_means_nothing_stays_outside() -> None:
    told = {name: delivered(name) for name in NOT_MEANT}
    # EventBridge delivers neither other accounts' events nor calls that only read.
    ours = {
        name: one
        for name, one in told.items()
        if one["account"] == ACCOUNT and one["detail"].get("readOnly") is not True
    }
    through = {name for name, one in ours.items() if any(lets_through(rule, one) for rule in RULES.values())}
    assert through <= LET_THROUGH


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("cognito-idp.AdminAddUserToGroup.own.json", {"user_pool": "eu-west-1_Other"}),
        ("iam.RemoveUserFromGroup.own.json", {"iam_groups": frozenset({"other"})}),
        ("cognito-identity.SetIdentityPoolRoles.own.json", {"identity_pool": "eu-west-1:other"}),
        ("iam.AddUserToGroup.1.json", {}),
        ("kms.DisableKey.1.json", {"key_arns": frozenset({KEY.replace("1234abcd", "99999999")})}),
    ],
)
def test_another_s_events_stay_outside(name: str, other: dict[str, Any]) -> None:
    scope = replace(KNOWN, **other)
    rules = rules_of(scope)
    if "key_arns" in other:
        rules = {Concern.KEY: _key_rule_of_another(next(iter(scope.key_arns)))}
    told = delivered(name)
    assert not [found for found in read(event(name), [scope]) if found.name]
    assert not any(lets_through(rule, told) for rule in rules.values())


def _key_rule_of_another(arn: str) -> dict[str, Any]:
    return patterns.key(
        key_arn=arn,
        key_id=arn.rpartition("/")[2],
        key_alias="alias/another",
        alias_arn=f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/another",
        domain="another",
        domain_arn=f"arn:aws:es:{REGION}:{ACCOUNT}:domain/another",
        security_group="sg-9",
    )


def test_group_names_are_compared_as_iam_compares_them() -> None:
    told = delivered("iam.RemoveUserFromGroup.own.json")
    told["detail"]["requestParameters"]["groupName"] = told["detail"]["requestParameters"]["groupName"].upper()
    assert lets_through(RULES[Concern.IDENTITY], told)


def test_a_failed_call_stays_outside() -> None:
    told = delivered("iam.RemoveUserFromGroup.own.json")
    told["detail"]["errorCode"] = "AccessDenied"
    assert not lets_through(RULES[Concern.IDENTITY], told)


def test_a_key_known_by_its_alias_alone_hears_of_every_key() -> None:
    rules = rules_of(replace(KNOWN, key_arns=frozenset()))
    assert lets_through(rules[Concern.KEY], delivered("kms.DisableKey.1.json"))


@pytest.mark.parametrize("many", [1, 3, 5, 8, 10, 12, 20, 300])
def test_many_groups_still_fit_into_a_pattern(many: int) -> None:
    crowd = [f"a-group-with-quite-a-long-name-number-{number:03}" for number in range(many)]
    pattern = patterns.identity(
        iam_groups=crowd,
        iam_users=crowd,
        iam_roles=crowd,
        user_pool="p" * 20,
        identity_pool="i" * 50,
        identity_center=True,
    )
    assert len(json.dumps(pattern, separators=(",", ":"))) <= PATTERN_CHARACTERS
    told = delivered("iam.RemoveUserFromGroup.own.json")
    told["detail"]["requestParameters"]["groupName"] = crowd[-1]
    assert lets_through(pattern or {}, told)


def test_somebody_who_listens_to_nobody_has_no_identity_rule() -> None:
    nobody = {"iam_groups": [], "iam_users": [], "iam_roles": []}
    assert patterns.identity(**nobody, user_pool="", identity_pool="", identity_center=False) is None
    assert patterns.relay(**nobody) is None


# ---------------------------------------------------------------------- as synthesised


def test_synthesised_patterns_fit_even_with_the_longest_values(either: Synthesised) -> None:
    rules = [
        r["Properties"] for r in either.resources("AWS::Events::Rule").values() if "EventPattern" in r["Properties"]
    ]
    assert rules
    for rule in rules:
        text = json.dumps(rule["EventPattern"], separators=(",", ":"))
        for value in _references(rule["EventPattern"]):
            text = text.replace(json.dumps(value, separators=(",", ":")), f'"{"x" * 80}"')
        assert len(text) <= PATTERN_CHARACTERS, rule["Name"]


def _references(value: Any) -> list[Any]:
    if isinstance(value, dict):
        if set(value) & {"Fn::ImportValue", "Ref", "Fn::GetAtt", "Fn::Join"}:
            return [value]
        return [found for part in value.values() for found in _references(part)]
    return [found for part in value for found in _references(part)] if isinstance(value, list) else []


@pytest.mark.parametrize(("concern", "queue"), [("identity", "identity"), ("key", "key"), ("break-glass", "key")])
def test_a_deployment_s_events_go_to_its_own_message_group(demo: Synthesised, concern: str, queue: str) -> None:
    (target,) = demo.rule_named(f"portcullis-demo-{concern}")["Targets"]
    # A taking of break-glass is told each time: however many there are, no word about the key waits behind them.
    assert target["SqsParameters"] == {"MessageGroupId": "demo.taken" if concern == "break-glass" else "demo"}
    assert f"Queue{queue}" in json.dumps(target["Arn"])
    assert "Queueundelivered" in json.dumps(target["DeadLetterConfig"])


def test_iam_s_events_are_passed_on_from_us_east_1(demo: Synthesised) -> None:
    (target,) = demo.rule_named("portcullis-relay")["Targets"]
    assert target["Arn"] == "arn:aws:events:eu-central-1:000000000000:event-bus/default"
    assert target["RoleArn"]
    told = delivered("iam.AddUserToGroup.1.json")
    told["detail"]["requestParameters"]["groupName"] = "catalyst-support"
    assert lets_through(demo.rule_named("portcullis-relay")["EventPattern"], told)


def test_a_break_glass_use_is_heard_in_the_home_region_and_in_us_east_1(demo: Synthesised) -> None:
    """CloudTrail counts it as reading. No other rule asks for such events."""
    told = delivered("sts.AssumeRole.break-glass.own.json")
    told["detail"]["requestParameters"]["roleArn"] = "arn:aws:iam::000000000000:role/portcullis-demo-break-glass"
    other = json.loads(json.dumps(told).replace("portcullis-demo-break-glass", "portcullis-demo-master"))
    relay, home = demo.rule_named("portcullis-relay-break-glass"), demo.rule_named("portcullis-demo-break-glass")
    assert lets_through(relay["EventPattern"], told)
    assert not lets_through(relay["EventPattern"], other)
    (named,) = home["EventPattern"]["detail"]["requestParameters"]["roleArn"]
    assert "BreakGlass" in json.dumps(named)
    assert {rule["State"] for rule in (relay, home)} == {"ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"}
    # And no other rule asks for what only reads: the key's would get every use of the key
    rules = [found["Properties"] for found in demo.resources("AWS::Events::Rule").values()]
    assert sum(rule["State"] != "ENABLED" for rule in rules) == 2


def test_at_home_in_us_east_1_nothing_has_to_be_passed_on(pair: Synthesised) -> None:
    assert "portcullis-relay" not in pair.templates


def test_the_page_of_dead_letters_counts_the_tries_as_the_queues_do() -> None:
    page = (Path(__file__).resolve().parents[2] / "runbooks" / "dead-letters.md").read_text()
    assert queues.RECEIVES == {"identity": 12, "key": 6}
    assert "could not be handled in six tries (one about people in twelve)" in " ".join(page.split())


def test_a_function_knows_how_often_its_queue_tries(demo: Synthesised) -> None:
    of = {}
    for found in demo.resources("AWS::Lambda::Function").values():
        variables = found["Properties"].get("Environment", {}).get("Variables", {})
        if "PORTCULLIS_QUEUE_TRIES" in variables:
            of[variables["POWERTOOLS_SERVICE_NAME"]] = int(variables["PORTCULLIS_QUEUE_TRIES"])
    assert (of["identity_sync"], of["key_guard"]) == (queues.RECEIVES["identity"], queues.RECEIVES["key"])
    after = {
        str(found["Properties"]["QueueName"]): found["Properties"]["RedrivePolicy"]["maxReceiveCount"]
        for found in demo.resources("AWS::SQS::Queue").values()
        if "RedrivePolicy" in found["Properties"]
    }
    assert after == {"portcullis-identity.fifo": 12, "portcullis-key.fifo": 6}


SECRETS = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:"
ROTATED: list[tuple[str, dict[str, Any]]] = [
    ("PutSecretValue", {"requestParameters": {"secretId": "hr/berta"}}),
    ("UpdateSecret", {"requestParameters": {"secretId": f"{SECRETS}hr/berta-AbCdEf"}}),
    ("UpdateSecretVersionStage", {"requestParameters": {"secretId": f"{SECRETS}by-arn-AbCdEf"}}),
    ("RestoreSecret", {"requestParameters": {"secretId": "by-arn"}}),
    ("PutSecretValue", {"requestParameters": {"secretId": "portcullis/demo/kim"}}),
    ("CreateSecret", {"requestParameters": {"name": "hr/berta"}}),
    ("RotationSucceeded", {"additionalEventData": {"SecretId": f"{SECRETS}portcullis/demo/kim-AbCdEf"}}),
]
NOT_OURS: list[tuple[str, dict[str, Any]]] = [
    ("PutSecretValue", {"requestParameters": {"secretId": "hr/anton"}}),
    ("PutSecretValue", {"requestParameters": {"secretId": "portcullis/other/kim"}}),
    ("RotationSucceeded", {"additionalEventData": {"SecretId": f"{SECRETS}hr/anton-AbCdEf"}}),
    ("TagResource", {"requestParameters": {"secretId": "hr/berta"}}),
]


def of_secrets(name: str, more: dict[str, Any]) -> dict[str, Any]:
    detail = {"eventSource": "secretsmanager.amazonaws.com", "eventName": name, "requestParameters": None, **more}
    kind = "AWS Service Event via CloudTrail" if name.startswith("Rotation") else "AWS API Call via CloudTrail"
    place = {"id": "1", "account": ACCOUNT, "region": REGION, "time": "2026-01-01T00:00:00Z", "resources": []}
    return {**place, "source": "aws.secretsmanager", "detail-type": kind, "detail": detail}


@cache
def stack() -> Stack:
    literal = {"@aws-cdk/core:enablePartitionLiterals": True}
    return Stack(App(context=literal), "any", env=Environment(account=ACCOUNT, region=REGION))


def secrets_called(secrets: Iterable[str]) -> list[patterns.Secret]:
    return [called(stack(), one) for one in secrets]


def listening_to(secrets: list[str]) -> dict[str, Any]:
    nobody: dict[str, Any] = dict.fromkeys(("iam_groups", "iam_users", "iam_roles"), ())
    wanted = secrets_called(secrets)
    found = patterns.identity(**nobody, user_pool="", identity_pool="", identity_center=False, secrets=wanted)
    assert found is not None
    return found


@pytest.mark.parametrize(("name", "more"), ROTATED)
def test_a_rotated_password_of_an_internal_user_passes_the_rule(name: str, more: dict[str, Any]) -> None:
    assert lets_through(
        listening_to(["hr/berta", f"{SECRETS}by-arn-AbCdEf", "portcullis/demo/"]), of_secrets(name, more)
    )


@pytest.mark.parametrize(("name", "more"), NOT_OURS)
def test_the_secrets_of_others_do_not_pass(name: str, more: dict[str, Any]) -> None:
    assert not lets_through(listening_to(["hr/berta", "portcullis/demo/"]), of_secrets(name, more))


def test_more_secrets_than_a_pattern_holds_let_those_of_all_through() -> None:
    pattern = listening_to([f"a-rather-long-name-of-a-secret-{number}" for number in range(100)])
    assert len(json.dumps(pattern)) < PATTERN_CHARACTERS
    assert all(lets_through(pattern, of_secrets(name, more)) for name, more in ROTATED)


def test_secrets_beside_all_else_that_is_listened_to_are_heard_and_fit() -> None:
    pattern = patterns.identity(
        iam_groups=[f"a-group-with-a-name-{number}" for number in range(100)],
        iam_users=["u" * 64],
        iam_roles=["r" * 64],
        user_pool="eu-west-1_AbCdEfGhI",
        identity_pool="eu-west-1:00000000-1111-4222-8333-444444444444",
        identity_center=True,
        own_roles=f"portcullis-{'d' * 28}-",
        secrets=secrets_called(["hr/berta", "portcullis/demo/"]),
    )
    assert pattern is not None
    assert len(json.dumps(pattern, separators=(",", ":"))) < PATTERN_CHARACTERS
    assert lets_through(pattern, of_secrets(*ROTATED[0]))
    assert lets_through(pattern, of_secrets(*ROTATED[-1]))


@pytest.mark.parametrize("known_by", ["on/call", f"{SECRETS}on/call-AbCdEf"])
@pytest.mark.parametrize("name", ["on/call", f"{SECRETS}on/call", f"{SECRETS}on/call-AbCdEf"])
def test_a_reading_of_break_glass_is_heard_however_it_names_the_secret(known_by: str, name: str) -> None:
    pattern = patterns.break_glass("", called(stack(), known_by))
    assert lets_through(pattern, of_secrets("GetSecretValue", {"requestParameters": {"secretId": name}}))
    other = name.replace("on/call", "on/leave")
    assert not lets_through(pattern, of_secrets("GetSecretValue", {"requestParameters": {"secretId": other}}))


# ---------------------------------------------------------------------- how complex


@pytest.mark.parametrize(
    ("wildcards", "expected"),
    [
        (["*end"], 2),
        (["*:stack/one/*", "*:stack/two/*", "*:stack/three/*"], MOST),
        (["*:stack/one/*", "*:stack/two/*", "*:stack/three/*", "*:stack/four/*"], 12),
        (["*UserPool*", "*Provider*", "*Group*", "*User*", "*Assignment*"], 12),
        ([f"*:secret:{name}*" for name in ("a", "b", "c")], 12),
    ],
)
def test_complexity_is_how_many_wildcards_one_text_can_be_in_at_once(wildcards: list[str], expected: int) -> None:
    assert at_once(wildcards) == expected


def test_everything_listened_to_at_once_is_no_more_complex_than_is_taken() -> None:
    pattern = patterns.identity(
        iam_groups=["g"],
        iam_users=["u"],
        iam_roles=["r"],
        user_pool="eu-west-1_AbCdEfGhI",
        identity_pool="eu-west-1:00000000-1111-4222-8333-444444444444",
        identity_center=True,
        own_roles="portcullis-demo-",
        secrets=secrets_called(["a", "b", "c", "d"]),
    )
    assert pattern is not None
    assert 0 < complexity(pattern) <= MOST
    assert complexity(listening_to(["a", "b", "c", "d"])) <= MOST
    assert all(complexity(eyes) <= MOST for eyes in patterns.eyes("portcullis-").values())


@pytest.mark.parametrize("folder", ["demo", "pair", "beside"])
def test_synthesised_patterns_are_no_more_complex_than_is_taken(folder: str, request: pytest.FixtureRequest) -> None:
    assembly: Synthesised = request.getfixturevalue(folder)
    rules = [rule["Properties"] for rule in assembly.resources("AWS::Events::Rule").values()]
    found = {json.dumps(rule["Name"]): complexity(rule.get("EventPattern", {})) for rule in rules}
    assert {name for name, many in found.items() if many > MOST} == set()
    assert max(found.values()) > 0


def test_as_synthesised_the_secrets_of_internal_users_are_listened_to(pair: Synthesised) -> None:
    pattern = pair.rule_named("portcullis-inner-identity")["EventPattern"]
    for secret in ("hr/berta", "portcullis/inner/anna"):
        assert lets_through(pattern, of_secrets("PutSecretValue", {"requestParameters": {"secretId": secret}}))
    assert not lets_through(pattern, of_secrets(*NOT_OURS[0]))
