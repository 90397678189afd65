"""Given what somebody's IAM policies and those of a secret let them do, then the calls by which they come to administer are named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from portcullis.access.actual import Json
from portcullis.access.edge.keys import Key
from portcullis.access.edge.own_policies import Act, Administrators, Secret, acts, open_by, open_to
from portcullis.access.edge.policies import Comes, Named, Own, Somebody
from portcullis.access.edge.running import is_service, running_as
from portcullis.access.edge.secrets import strangers
from portcullis.access.edge.way import Edge

from tests.access.edge_cases import ACCOUNT, ARN, REGION, ROLE, USER

EDGE = Edge(ARN, REGION, None, None, in_vpc=False)
IAM, SECRET = f"arn:aws:iam::{ACCOUNT}", f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:chief-AbCdEf"
POOL, KEY = f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/p", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k"
OPS, AWAY = f"{IAM}:role/team/ops", "444455556666"
READS, CHANGES = "secretsmanager:GetSecretValue", "secretsmanager:PutResourcePolicy"


LETS_IN = "the next look lets that user in"


def test_each_who_administers_can_be_taken_by_a_call_of_their_kind() -> None:
    who = Administrators(
        ((OPS, True), (ROLE, False)), (USER,), (Secret(SECRET, "the master"),), ("admins", f"{IAM}:group/x/heads"),
        POOL, ("boss",), ("eve",),
    )  # fmt: skip
    changes = "iam:UpdateAssumeRolePolicy"
    assert [(one.action, one.resource, one.does, one.then) for one in acts(who, EDGE)] == [
        ("sts:AssumeRole", OPS, f"may take the role {OPS}", ""),
        (changes, OPS, "may change who may take the role ops", f"takes the role {OPS}"),
        (changes, ROLE, "may change who may take the role reads", f"takes the role {ROLE}"),
        (READS, SECRET, "may read the secret of the master", "signs in as the master"),
        (CHANGES, SECRET, "may change who may read the secret of the master", "reads it, and signs in as the master"),
        ("iam:CreateAccessKey", USER, "may make an access key of the user ann", f"signs as {USER}"),
        ("iam:AddUserToGroup", f"{IAM}:group/admins", "may add a user to the IAM group admins", LETS_IN),
        ("iam:AddUserToGroup", f"{IAM}:group/x/heads", f"may add a user to the IAM group {IAM}:group/x/heads", LETS_IN),
        ("cognito-idp:AdminAddUserToGroup", POOL, "may add a user of the pool to the group boss", LETS_IN),
        ("cognito-idp:AdminSetUserPassword", POOL, "may set the password of eve in the pool", "signs in as eve"),
        ("es:UpdateDomainConfig", ARN, "may change the domain's configuration", "sets another master user"),
    ]  # fmt: skip


def lets(*actions: str, resource: str = "*", **more: Any) -> Json:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def somebody(*statements: Json, arn: str = USER) -> Somebody:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return Somebody(arn, Comes.SIGNED, Own((Named("mine", document),)))


UNSAID = {"Bool": {"aws:Unsaid": "true"}}
TAKE = Act("sts:AssumeRole", OPS, "takes", "")


@pytest.mark.parametrize(
    ("statements", "act", "certain"),
    [
        ([lets("sts:*")], TAKE, True),
        ([lets("sts:*", Condition=UNSAID)], TAKE, False),
        ([lets("sts:*", resource=ROLE)], TAKE, None),
        ([lets("sts:*")], Act("sts:AssumeRole", USER, "", ""), None),
        ([lets("iam:*")], Act("iam:CreateAccessKey", USER, "", ""), None),
        ([lets("iam:*")], Act("iam:PutUserPolicy", USER, "", ""), True),
        ([lets("sts:*")], Act("sts:AssumeRole", OPS, "", "", sure=False), False),
        ([lets("a:b")], Act("a:b", OPS, "", "", (("c:d", ARN),)), None),
        ([lets("a:b"), lets("c:d")], Act("a:b", OPS, "", "", (("c:d", ARN),)), True),
        ([lets("a:b"), lets("c:d", Condition=UNSAID)], Act("a:b", OPS, "", "", (("c:d", ARN),)), False),
        ([lets("a:b", Condition={"StringEquals": {"X:Y": "z"}})], Act("a:b", OPS, "", "", keys=(("x:y", "z"),)), True),
        ([lets("a:b", Condition={"StringEquals": {"X:Y": "w"}})], Act("a:b", OPS, "", "", keys=(("x:y", "z"),)), None),
        ([lets("a:b")], Act("a:b", "arn:aws:a:r:1:thing/*", "", ""), True),
        ([lets("a:b", resource="arn:aws:a:r:1:thing/team-*")], Act("a:b", "arn:aws:a:r:1:thing/*", "", ""), True),
        ([lets("a:b", resource="arn:aws:a:*:1:thing/te?m")], Act("a:b", "arn:aws:a:r:1:thing/*", "", ""), True),
        ([lets("a:b", resource="arn:aws:a:r:1:thing:one")], Act("a:b", "arn:aws:a:r:1:thing:*", "", ""), True),
        ([lets("a:b", resource="arn:aws:a:r:1:other/one")], Act("a:b", "arn:aws:a:r:1:thing/*", "", ""), None),
        ([lets("a:b", resource="arn:aws:a:r:1:thing/te?m-*"), lets("a:b", resource="arn:aws:a:r:1:thing/team-*", Effect="Deny")],
         Act("a:b", "arn:aws:a:r:1:thing/*", "", ""), True),
        ([lets("a:b", resource="arn:aws:a:r:1:thing/te?m-*"), lets("a:b", resource="arn:aws:a:r:1:thing/te*", Effect="Deny")],
         Act("a:b", "arn:aws:a:r:1:thing/*", "", ""), None),
    ],
)  # fmt: skip
def test_an_act_is_open_if_every_call_of_it_is_permitted(
    statements: list[Json], act: Act, certain: bool | None
) -> None:
    found = open_by(somebody(*statements), EDGE, act)
    assert (found.certain if found else None) is certain


def test_by_which_statements_it_is_open_is_named_once() -> None:
    act = Act("a:b", OPS, "", "", (("c:d", ARN), ("c:e", ARN)))
    found = open_by(somebody(lets("a:b", Sid="One"), lets("c:*", Sid="Two")), EDGE, act)
    assert found is not None
    assert found.by == "mine, statement One; mine, statement Two"


BOTH = "mine, statement 1; the policy of the key k, statement 1"
READING = Act(
    READS, SECRET, "may read it", "", key=Key(KEY, {"Statement": [lets("kms:*", Principal={"AWS": f"{IAM}:root"})]}, ())
)


@pytest.mark.parametrize(
    ("statements", "act", "told"),
    [
        (
            [lets(READS), lets("kms:Decrypt")],
            READING,
            (True, f"may read it, and the key {KEY} lets them decrypt it", BOTH),
        ),
        (
            [lets(READS), lets("kms:PutKeyPolicy")],
            READING,
            (True, f"may read it, under the key {KEY}, whose policy they may change", BOTH),
        ),
        ([lets(READS), lets("kms:Decrypt", Condition=UNSAID)], READING,
         (False, f"may read it, if the key {KEY} lets them decrypt", "mine, statement 1")),
        ([lets(READS, Condition=UNSAID), lets("kms:Decrypt")], replace(READING, sure=False),
         (False, f"may read it, and the key {KEY} lets them decrypt it", BOTH)),
        ([lets(READS)], READING, None),
        ([lets("kms:*")], READING, None),
        ([lets(READS)], replace(READING, key=None), (True, "may read it", "mine, statement 1")),
        ([lets(READS)], replace(READING, key=Key(KEY, unread="closed")),
         (False, f"may read it, if the key {KEY} lets them decrypt (closed)", "mine, statement 1")),
    ],
)  # fmt: skip
def test_what_is_under_a_key_is_open_if_the_key_opens_it(statements: list[Json], act: Act, told: Any) -> None:
    """How is said, and by which statements."""
    found = open_by(somebody(*statements), EDGE, act)
    assert (found and (found.certain, found.act.does, found.by)) == told


@pytest.mark.parametrize(("arn", "kind"), [(USER, "User"), (ROLE, "Role")])
def test_whoever_may_change_their_own_policies_may_do_all_of_it(arn: str, kind: str) -> None:
    for verb in ("Put", "Attach"):
        (found,) = open_to(somebody(lets(f"iam:{verb}{kind}Policy", resource=arn), arn=arn), EDGE, ())
        assert (found.act.action, found.certain) == (f"iam:{verb}{kind}Policy", True)
    assert open_to(somebody(lets("iam:*", resource=OPS), arn=arn), EDGE, ()) == ()


def test_what_is_certain_comes_first_and_what_could_not_be_read_opens_nothing() -> None:
    found = open_to(somebody(lets("sts:*", Condition=UNSAID), lets("a:b")), EDGE, (TAKE, Act("a:b", OPS, "", "")))
    assert [(one.act.action, one.certain) for one in found] == [("a:b", True), ("sts:AssumeRole", False)]
    assert open_to(Somebody(USER, Comes.SIGNED, Own(unread="closed")), EDGE, (TAKE,)) == ()


# ---------------------------------------------------------------------- services that run code as a role

AT = f"{REGION}:{ACCOUNT}"
FUNCTION, INSTANCE = f"arn:aws:lambda:{AT}:function:*", f"arn:aws:ec2:{AT}:instance/*"
TASK, PROJECT, JOB = (
    f"arn:aws:ecs:{AT}:task-definition/*",
    f"arn:aws:codebuild:{AT}:project/*",
    f"arn:aws:glue:{AT}:job/*",
)
MAKES: dict[str, tuple[str, list[tuple[str, str]], list[tuple[str, str, str]]]] = {
    "lambda": (
        "a function",
        [("lambda:CreateFunction", FUNCTION), ("lambda:InvokeFunction", FUNCTION)],
        [("lambda:UpdateFunctionCode", FUNCTION, "may change the code of functions")],
    ),
    "ec2": (
        "an instance",
        [("ec2:RunInstances", INSTANCE)],
        [
            ("ssm:StartSession", INSTANCE, "may open a session on instances"),
            ("ssm:SendCommand", INSTANCE, "may run commands on instances"),
        ],
    ),
    "ecs-tasks": ("a task", [("ecs:RegisterTaskDefinition", TASK), ("ecs:RunTask", TASK)], []),
    "codebuild": ("a build", [("codebuild:CreateProject", PROJECT), ("codebuild:StartBuild", PROJECT)], []),
    "glue": ("a job", [("glue:CreateJob", JOB), ("glue:StartJobRun", JOB)], []),
}


@pytest.mark.parametrize("kind", MAKES)
def test_what_runs_as_a_role_is_made_by_the_calls_of_its_service(kind: str) -> None:
    service = f"{kind}.amazonaws.com"
    what, also, changed = MAKES[kind]
    made, *others = running_as(OPS, {service}, REGION, ACCOUNT)
    assert made == Act(
        "iam:PassRole", OPS, f"may make {what} that runs as {OPS}", f"what runs so has the role {OPS}", tuple(also),
        (("iam:passedtoservice", service),),
    )  # fmt: skip
    assert [(one.action, one.resource, one.does, one.sure) for one in others] == [(*one, False) for one in changed]
    assert {one.then for one in others} <= {f"one that runs as it, if there is any, has the role {OPS}"}


def test_other_services_and_people_run_nothing() -> None:
    assert list(running_as(OPS, {"sns.amazonaws.com", USER, "lambda"}, REGION, ACCOUNT)) == []
    assert all(map(is_service, ("a.amazonaws.com", "a.amazonaws.com.cn")))
    assert not any(map(is_service, ("amazonaws.com", "a.amazonaws.com.org", USER)))
    several = running_as(OPS, {"lambda.amazonaws.com", "glue.amazonaws.com"}, REGION, ACCOUNT)
    assert [one.keys[0][1] for one in several if one.keys] == ["glue.amazonaws.com", "lambda.amazonaws.com"]


# ---------------------------------------------------------------------- whom the policy of a secret lets in

BY = "the policy of the secret of the master, statement 1"
ANOTHER = "only if a policy of their own account lets them, too"
NEEDS_KEY = (
    f"{ANOTHER}; only if the secret comes under a key of the account: Amazon's own lets in nobody of another account"
)


def says(principal: Any, action: str = READS, **more: Any) -> Json:
    return {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*", **more}


def let_in(*statements: Json, known: tuple[str, ...] = (), key: Key | None = None) -> list[tuple[str, str, bool, str]]:
    secret = Secret(SECRET, "the master", {"Version": "2012-10-17", "Statement": list(statements)}, key)
    return [(one.name, one.found.act.action, one.found.certain, one.hangs) for one in strangers(secret, EDGE, known)]


THERE, SESSION = f"arn:aws:iam::{AWAY}:role/reader", f"arn:aws:sts::{ACCOUNT}:assumed-role/lone/desk"


@pytest.mark.parametrize(
    ("principal", "name", "certain", "hangs"),
    [
        ({"AWS": OPS}, OPS, True, ""),
        ({"AWS": [USER]}, USER, True, ""),
        ("*", "whoever signs", True, ""),
        ({"AWS": ["*"]}, "whoever signs", True, ""),
        ({"AWS": "*"}, "whoever signs", True, ""),
        ({"AWS": [AWAY, f"arn:aws:iam::{AWAY}:root"]}, f"the account {AWAY}", False, NEEDS_KEY),
        ({"AWS": THERE}, THERE, False, NEEDS_KEY),
        ({"AWS": AWAY}, f"the account {AWAY}", False, NEEDS_KEY),
        ({"AWS": f"arn:aws:iam::{AWAY}:root"}, f"the account {AWAY}", False, NEEDS_KEY),
        ({"AWS": SESSION}, SESSION, False, ""),
        ({"AWS": SESSION.replace(ACCOUNT, AWAY)}, SESSION.replace(ACCOUNT, AWAY), False, NEEDS_KEY),
        ({"Service": "sns.amazonaws.com"}, "sns.amazonaws.com", False, "only if somebody has it do so"),
    ],
)
def test_a_principal_of_the_secrets_policy_is_a_stranger(principal: Any, name: str, certain: bool, hangs: str) -> None:
    assert let_in(says(principal)) == [(name, READS, certain, hangs)]
    assert let_in(says(principal, CHANGES)) == [(name, CHANGES, certain, hangs)]
    under_a_key = ANOTHER if hangs == NEEDS_KEY else hangs
    assert let_in(says(principal), key=Key(KEY)) == [(name, READS, False, under_a_key)]
    assert let_in(says(principal, "secretsmanager:ListSecrets")) == []
    assert let_in(says(principal, Effect="Deny")) == []


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": ACCOUNT},
        {"AWS": f"{IAM}:root"},
        {"AWS": "AIDAGONE"},
        {"AWS": "arn:aws:iam"},
        {"Federated": "accounts.google.com"},
        {"AWS": []},
        None,
    ],
)
def test_who_is_nobody_or_of_the_account_itself_is_no_stranger(principal: Any) -> None:
    assert let_in(says(principal)) == []


def test_a_session_of_a_role_that_the_engine_knows_is_no_stranger() -> None:
    assert let_in(says({"AWS": SESSION}), known=(f"{IAM}:role/lone",)) == []


def test_several_are_told_in_order_and_each_once() -> None:
    told = let_in(
        says({"AWS": [OPS, THERE]}, "secretsmanager:*"), says({"AWS": [OPS]}), says({"AWS": USER}), says("*"),
        {**says(None), "NotPrincipal": {"AWS": ROLE}}, known=(USER,),
    )  # fmt: skip
    assert [one[0] for one in told] == [OPS, THERE, "whoever signs"]


def key_for(*statements: Json, grants: tuple[Json, ...] = ()) -> Key:
    return Key(KEY, {"Version": "2012-10-17", "Statement": list(statements)}, grants)


@pytest.mark.parametrize(
    ("whom", "key", "told"),
    [
        ("*", key_for(says({"AWS": OPS}, "kms:Decrypt")), [(OPS, READS, True, "")]),
        ("*", key_for(grants=({"GranteePrincipal": OPS, "Operations": ["Decrypt"]},)), [(OPS, READS, True, "")]),
        ({"AWS": AWAY}, key_for(says({"AWS": THERE}, "kms:Decrypt")), [(THERE, READS, False, ANOTHER)]),
        ({"AWS": AWAY}, key_for(says({"AWS": OPS}, "kms:Decrypt")), []),
        ("*", key_for(says({"AWS": AWAY}, "kms:*")), [(f"the account {AWAY}", READS, False, ANOTHER)]),
        ("*", key_for(says({"AWS": f"{IAM}:root"}, "kms:*")), [("whoever signs", READS, False, "")]),
    ],
)  # fmt: skip
def test_of_everybody_those_whom_the_key_names_are_told(whom: Any, key: Key, told: list[Any]) -> None:
    assert let_in(says(whom), key=key) == told


@pytest.mark.parametrize("key", ["aws:PrincipalArn", "aws:PrincipalAccount", "aws:userid"])
def test_of_everybody_some_may_be_meant_by_a_condition_on_who_they_are(key: str) -> None:
    condition = {"StringLike": {key: ["*ops*", AWAY]}}
    assert let_in(says("*", Condition=condition)) == [("whoever signs", READS, False, "")]


def test_a_service_that_may_for_one_account_alone_is_told() -> None:
    condition = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    told = let_in(says({"Service": "rds.amazonaws.com"}, Condition=condition))
    assert told == [("rds.amazonaws.com", READS, False, "only if somebody has it do so")]


def test_all_but_somebody_is_whoever_signs() -> None:
    statement = {key: value for key, value in says("*").items() if key != "Principal"}
    assert [one[0] for one in let_in({**statement, "NotPrincipal": {"AWS": ROLE}})] == ["whoever signs"]


def test_a_denial_counts_for_a_service_too() -> None:
    denied = {**says("*"), "Effect": "Deny"}
    assert let_in(says({"Service": ["sns.amazonaws.com", "a.amazonaws.com"]}), denied) == []
    both = let_in(says({"Service": ["sns.amazonaws.com", "a.amazonaws.com"]}), says({"Service": "a.amazonaws.com"}))
    assert [one[0] for one in both] == ["sns.amazonaws.com", "a.amazonaws.com"]


def test_to_whom_the_policy_only_denies_something_is_no_stranger_by_that() -> None:
    told = let_in(says("*"), says({"AWS": OPS}, CHANGES, Effect="Deny"))
    assert [one[0] for one in told] == ["whoever signs"]


BACKDOOR, FROM_US = f"{IAM}:role/backdoor", {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


@pytest.mark.parametrize(
    ("principal", "condition", "told"),
    [
        ("*", {"ArnEquals": {"aws:PrincipalArn": BACKDOOR}}, [("whoever signs", False)]),
        ({"AWS": "*"}, {"StringLike": {"AWS:principalarn": [BACKDOOR, THERE]}}, [("whoever signs", False)]),
        ("*", {"ArnEquals": {"aws:PrincipalArn": BACKDOOR}, "Bool": {"aws:SecureTransport": "false"}}, []),
        ("*", {"ArnLike": {"aws:PrincipalArn": f"{IAM}:role/back*"}}, [("whoever signs", False)]),
        ("*", {"ArnLike": {"aws:PrincipalArn": [BACKDOOR, f"{IAM}:role/?"]}}, [("whoever signs", False)]),
        ("*", {"ArnLike": {"aws:PrincipalArn": f"{IAM}:role/${{aws:PrincipalTag/t}}"}}, [("whoever signs", False)]),
        ("*", {"ArnNotEquals": {"aws:PrincipalArn": BACKDOOR}}, [("whoever signs", False)]),
        ("*", {"ArnNotEquals": {"aws:PrincipalArn": f"{IAM}:role/any"}}, [("whoever signs", False)]),
        ("*", {"Null": {"aws:PrincipalArn": "false"}}, [("whoever signs", False)]),
        ("*", {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}, [("whoever signs", False)]),
        ("*", {"StringEquals": {"aws:PrincipalAccount": AWAY}}, [("whoever signs", False)]),
        ("*", {"StringEquals": {"aws:PrincipalType": "AssumedRole"}}, [("whoever signs", False)]),
        ("*", {"StringEquals": {"aws:PrincipalType": "User"}}, [("whoever signs", False)]),
        ("*", {"StringEquals": {"aws:username": "eve"}}, [("whoever signs", False)]),
        ("*", FROM_US, [("whoever signs", False)]),
        ("*", {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}, []),
        ({"AWS": AWAY}, {"ArnEquals": {"aws:PrincipalArn": THERE}}, [(f"the account {AWAY}", False)]),
        ({"AWS": f"arn:aws:iam::{AWAY}:root"}, {"StringEquals": {"aws:PrincipalArn": THERE}}, [(f"the account {AWAY}", False)]),
        ({"AWS": AWAY}, {"StringEquals": {"aws:PrincipalType": "User"}}, [(f"the account {AWAY}", False)]),
        ({"AWS": ACCOUNT}, {"ArnEquals": {"aws:PrincipalArn": BACKDOOR}}, []),  # its own policies say
        ({"AWS": BACKDOOR}, {"ArnEquals": {"aws:PrincipalArn": THERE}}, []),
        ({"AWS": BACKDOOR}, {"StringEquals": {"aws:PrincipalType": "User"}}, []),
        ({"AWS": BACKDOOR}, FROM_US, []),
        ({"Service": "sns.amazonaws.com"}, FROM_US, [("sns.amazonaws.com", False)]),
        ({"Service": "sns.amazonaws.com"}, {"Bool": {"aws:PrincipalIsAWSService": "true"}}, [("sns.amazonaws.com", False)]),
        ({"Service": "sns.amazonaws.com"}, {"Bool": {"aws:SecureTransport": "false"}}, []),
        ("*", "odd", [("whoever signs", False)]),
        ("*", {"Bool": "odd"}, [("whoever signs", False)]),
    ],
)  # fmt: skip
def test_whom_a_condition_means_of_many_is_a_stranger_too(
    principal: Any, condition: Any, told: list[tuple[str, bool]]
) -> None:
    """Where it asks for something of who they are, it may mean somebody whom nobody here knows."""
    assert [(name, sure) for name, _, sure, _ in let_in(says(principal, Condition=condition), known=(USER,))] == told


def test_given_all_but_one_are_denied_then_others_are_no_strangers_by_name() -> None:
    """Of whoever signs nobody can tell: which of all are left is not asked."""
    denied = {**says("*", "*"), "Effect": "Deny", "Condition": {"ArnNotEquals": {"aws:PrincipalArn": USER}}}
    assert let_in(says({"AWS": BACKDOOR}), denied) == []
    assert [(name, sure) for name, _, sure, _ in let_in(says("*"), denied)] == [("whoever signs", False)]


@pytest.mark.parametrize("partition", ["aws", "aws-cn"])
def test_an_account_is_one_by_its_number_and_by_its_arn(partition: str) -> None:
    edge = Edge(ARN.replace("arn:aws:", f"arn:{partition}:"), REGION, None, None, in_vpc=False)
    root = f"arn:{partition}:iam::{AWAY}:root"
    statements = [says({"AWS": AWAY}, "secretsmanager:ListSecrets"), says({"AWS": root})]
    secret = Secret(SECRET.replace("arn:aws:", f"arn:{partition}:"), "the master", {"Statement": statements})
    assert [one.name for one in strangers(secret, edge, ())] == [f"the account {AWAY}"]


def test_as_which_service_asks_for_the_key_is_not_known() -> None:
    """Whom the key's policy names, is said of nobody that a service acts for."""
    closed = Key(KEY, {"Version": "2012-10-17", "Statement": [lets("kms:*", Principal={"AWS": OPS})]}, ())
    assert let_in(says({"Service": "sns.amazonaws.com"}), key=closed) == let_in(says({"Service": "sns.amazonaws.com"}))
    assert let_in(says({"AWS": BACKDOOR}), key=closed) == []
    assert [one[0] for one in let_in(says({"AWS": OPS}), key=closed)] == [OPS]


@pytest.mark.parametrize(
    ("asks", "told"),
    [
        ({"StringEquals": {"kms:CallerAccount": ACCOUNT, "kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"}}, ["whoever signs"]),
        ({"StringEquals": {"kms:CallerAccount": AWAY}}, ["whoever signs"]),
        ({"StringEquals": {"kms:ViaService": "s3.amazonaws.com"}}, []),
    ],
)  # fmt: skip
def test_who_of_many_the_key_lets_decrypt_is_said_of_whoever_signs(asks: Any, told: list[str]) -> None:
    statement = says("*", "kms:Decrypt", Condition=asks)
    key = Key(KEY, {"Version": "2012-10-17", "Statement": [statement]}, ())
    assert [one[0] for one in let_in(says("*"), key=key)] == told
