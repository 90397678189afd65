"""Given what is synthesised, then nobody is allowed more than he needs, and every `*` is there because nothing else would do."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from stacks import names
from tests.stacks.assembly import Synthesised, listed

# Actions that IAM knows no resource for (Service Authorization Reference), or whose resource does not exist yet.
WITHOUT_RESOURCE = {
    *(f"ec2:{action}" for action in ("DescribeNetworkInterfaces", "DescribeSecurityGroups", "DescribeSubnets")),
    # asked for by Lambda on the function's behalf; the function's own code is denied them
    *(f"ec2:{action}" for action in ("AssignPrivateIpAddresses", "UnassignPrivateIpAddresses")),
    *(f"ec2:{action}" for action in ("CreateNetworkInterface", "DeleteNetworkInterface")),
    "cognito-identity:SetIdentityPoolRoles",
    *("cloudtrail:DescribeTrails", "lambda:ListEventSourceMappings", "sns:GetSubscriptionAttributes"),
    *(f"es:{action}VpcEndpointAccess" for action in ("Authorize", "List", "Revoke")),
    "es:ListVpcEndpointsForDomain",
    *("es:AcceptInboundConnection", "es:DescribeInboundConnections", "es:DescribeOutboundConnections"),
    *("cloudwatch:GetMetricStatistics", "xray:PutTelemetryRecords", "xray:PutTraceSegments"),
}
# Wildcards inside a resource: a domain's paths, a log's streams, deployment files among the assets, the key behind an alias.
WIDE_RESOURCES = (
    ":domain/",
    ":log-group:",
    ":s3:::cdk-hnb659fds-assets-",
    ":key/*",
    ":security-group/*",
    ":group/*/",
    ":user/*/",
    ":role/*/",
    ":identitystore:::",
    ":secret:portcullis/",
    # what we see by is looked at, never changed: trails wherever they are, and what is called as ours is
    *(":trail/*", ":rule/portcullis-*", ":function:portcullis-*", ":000000000000:portcullis-*", ":alarm:*"),
    # and who may become whoever is mapped
    *(":role/portcullis-*", ":policy/portcullis-*", ":saml-provider/*", ":oidc-provider/*"),
    ":secret:hr/berta-??????",
)


# What would shut our own eyes: the functions that look at them may look.
SWITCHES = (
    *(f"lambda:{verb}" for verb in ("Invoke", "Update", "Put", "Delete")),
    *(f"events:{verb}" for verb in ("Disable", "Delete", "Remove", "PutR", "PutT")),
    *("cloudtrail:Stop", "cloudtrail:Update", "sns:Set", "sns:Delete", "cloudwatch:Delete", "cloudwatch:Disable"),
    *("sqs:SetQueue", "sqs:DeleteQueue"),
)

POOLS = tuple(f"cognito-identity:{verb}" for verb in ("Set", "Update", "Delete", "Create", "Get"))


def _flat(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def test_no_statement_allows_a_whole_service(either: Synthesised) -> None:
    for where, statement in either.identity_statements():
        assert "NotAction" not in statement, where
        assert not [action for action in listed(statement["Action"]) if "*" in action], where


def test_everything_is_allowed_only_where_an_action_takes_no_resource(either: Synthesised) -> None:
    for where, statement in either.identity_statements():
        if statement["Effect"] == "Allow" and "*" in listed(statement["Resource"]):
            assert set(listed(statement["Action"])) <= WITHOUT_RESOURCE, where


def test_wildcards_inside_resources_are_the_known_ones(either: Synthesised) -> None:
    for where, statement in either.identity_statements():
        for resource in map(_flat, listed(statement["Resource"])):
            if "*" in resource and resource != "*":
                assert any(known in resource for known in WIDE_RESOURCES) or '"Arn"' in resource, (where, resource)


def test_every_key_behind_an_alias_is_bounded_by_that_alias(either: Synthesised) -> None:
    seen = 0
    for where, statement in either.identity_statements():
        if any(":key/*" in _flat(resource) for resource in listed(statement["Resource"])):
            seen += 1
            if listed(statement["Action"]) == ["kms:Decrypt"]:
                continue  # of secrets, and bounded by them
            (condition,) = statement["Condition"].values()
            (key,) = condition
            assert key in ("kms:RequestAlias", "kms:ResourceAliases"), where
            assert all(alias.startswith("alias/") for alias in listed(condition[key]))
    assert seen


def test_security_group_rights_cover_only_our_vpc_or_tagged_groups(either: Synthesised) -> None:
    """In a VPC that was there before, the owner has to tag the group."""
    seen = 0
    for where, statement in either.identity_statements():
        if any(":security-group/*" in _flat(resource) for resource in listed(statement["Resource"])):
            seen += 1
            assert set(listed(statement["Action"])) == {
                "ec2:AuthorizeSecurityGroupIngress",
                "ec2:RevokeSecurityGroupIngress",
            }
            condition = statement["Condition"]
            assert set(condition["ArnEquals"]) == {"ec2:Vpc"}, where
            vpc = _flat(condition["ArnEquals"]["ec2:Vpc"])
            given = re.search(r"vpc-[0-9a-f]+", vpc) is not None
            marked = {"aws:ResourceTag/portcullis:lock": "yes"}
            assert condition.get("StringEquals") == (marked if given else None), where
    assert seen


@pytest.mark.parametrize(
    ("function", "never"),
    [
        ("identity_sync", ("kms:", "ec2:Revoke", "es:Update", "s3:", "iam:PassRole", *POOLS, "lambda:")),
        ("key_guard", ("s3:", "iam:PassRole", *POOLS, "sqs:StartMessageMoveTask", *SWITCHES)),
        ("sweep", ("s3:", "sqs:Start", "sqs:Receive", *SWITCHES)),
        ("operate", ("s3:", *SWITCHES)),
        ("remove", ("s3:", *SWITCHES)),
        ("domain_setup", ("kms:Generate", "kms:Schedule", "ec2:Authorize", "es:Update", "sqs:", *SWITCHES)),
    ],
)
def test_a_function_cannot_do_what_is_another_ones_work(
    demo: Synthesised, function: str, never: tuple[str, ...]
) -> None:
    actions = _actions_of(demo, function)
    assert actions
    assert not [action for action in actions if action.startswith(never)]


def test_the_sweep_sends_nothing_but_reminders(demo: Synthesised) -> None:
    sent_to = [
        json.dumps(statement["Resource"])
        for where, statement in demo.identity_statements()
        if "Rolesweep" in where and "sqs:SendMessage" in listed(statement["Action"])
    ]
    assert len(sent_to) == 1
    assert "Queuereminders" in sent_to[0]


def test_only_the_remove_function_may_delete_a_domain_or_a_key_of_ours(either: Synthesised) -> None:
    """Each right names its resources without a wildcard. A key of another account is not among them."""
    ending = {"es:DeleteDomain", "kms:ScheduleKeyDeletion"}
    holders = set()
    for where, statement in either.identity_statements():
        if ending & set(listed(statement["Action"])):
            holders.add(where)
            assert "*" not in "".join(map(_flat, listed(statement["Resource"]))), where
            assert "111111111111" not in str(statement["Resource"]), "a key of another account is for its owner to end"
    assert holders
    assert all("/Roleremove" in where for where in holders)


def test_setting_up_looks_at_functions_and_does_nothing_else_with_them(demo: Synthesised) -> None:
    """What it looks at is whether they are there: it makes, changes and calls none."""
    of_lambda = {action for action in _actions_of(demo, "domain_setup") if action.startswith("lambda:")}
    looks = {"GetFunctionConcurrency", "GetFunctionConfiguration", "GetPolicy", "ListAliases"}
    assert of_lambda == {f"lambda:{action}" for action in looks}


def test_setting_up_takes_rules_out_of_the_default_group_of_our_vpc_alone(either: Synthesised) -> None:
    """Where the VPC is not ours, out of none."""
    groups = [
        _flat(statement["Resource"])
        for where, statement in either.identity_statements()
        if "Roledomainsetup" in where and any("ec2:Revoke" in action for action in listed(statement["Action"]))
    ]
    told = either.one("Custom::PortcullisAccount").get("DefaultGroup")
    ours = bool(either.resources("AWS::EC2::VPC"))
    assert len(groups) == ours
    assert all("DefaultSecurityGroup" in _flat(one) for one in (*groups, *([told] if ours else [])))
    assert (told is not None) is ours


def test_the_door_that_deletes_leads_to_that_function_and_the_others_do_not(demo: Synthesised) -> None:
    doors = {
        alias["Properties"]["Name"]: _flat(alias["Properties"]["FunctionName"])
        for alias in demo.resources("AWS::Lambda::Alias").values()
    }
    assert set(doors) == set(names.LEVELS)
    assert "Functionremove" in doors["delete"]
    assert "Functionoperate" in doors["look"]
    assert doors["look"] == doors["act"]
    told = {
        function["Properties"]["FunctionName"]: function["Properties"]["Environment"]["Variables"]
        for function in demo.resources("AWS::Lambda::Function", "portcullis-automation").values()
    }
    assert [name for name, variables in told.items() if "PORTCULLIS_MAY_DELETE" in variables] == ["portcullis-remove"]


def test_nobody_disables_a_key_changes_its_policy_or_changes_iam(either: Synthesised) -> None:
    forbidden = ("kms:DisableKey", "kms:PutKeyPolicy")
    for where, statement in either.identity_statements():
        for action in listed(statement["Action"]):
            assert action not in forbidden, where
            writes = action.startswith(("iam:Put", "iam:Create", "iam:Attach", "iam:Add", "iam:Update"))
            assert not writes or action == "iam:CreateServiceLinkedRole", where


def test_only_domain_setup_makes_a_role_and_only_the_service_linked_one(either: Synthesised) -> None:
    """No other role can be created by any function."""
    making = [
        (where, listed(statement["Resource"]))
        for where, statement in either.identity_statements()
        if "iam:CreateServiceLinkedRole" in listed(statement["Action"])
    ]
    [(where, resources)] = making
    assert "/Roledomainsetup" in where
    [role] = resources
    assert role.endswith(
        ":role/aws-service-role/opensearchservice.amazonaws.com/AWSServiceRoleForAmazonOpenSearchService"
    )


def test_keys_make_only_snapshots_and_named_secrets_readable(demo: Synthesised, pair: Synthesised) -> None:
    """Only through S3 for the snapshot store, and through Secrets Manager for secrets that a file names."""
    reading = {"kms:Decrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom"}
    ways = set()
    for where, statement in [*demo.identity_statements(), *pair.identity_statements()]:
        if reading & set(listed(statement["Action"])):
            conditions = statement["Condition"]
            way = conditions["StringEquals"]["kms:ViaService"].partition(".")[0]
            assert (way == "s3") == ("SnapshotsStore" in where), where
            if way == "secretsmanager":
                named = "arn:aws:secretsmanager:us-east-1:000000000000:secret:hr/berta-??????"
                assert listed(statement["Action"]) == ["kms:Decrypt"]
                assert conditions["ArnLike"] == {"kms:EncryptionContext:SecretARN": [named]}
            ways.add(way)
    assert ways == {"s3", "secretsmanager"}


def test_each_function_has_a_role_of_its_own(either: Synthesised) -> None:
    functions = either.resources("AWS::Lambda::Function", f"{names.PREFIX}-automation").values()
    roles = [function["Properties"]["Role"]["Fn::GetAtt"][0] for function in functions]
    assert len(roles) == len(set(roles)) == len(names.FUNCTIONS)


def test_only_domain_setup_becomes_master_and_one_principal_calls_domains(demo: Synthesised) -> None:
    """Nobody but the engine principal may send requests to a domain."""
    master = demo.role_named("portcullis-demo-master")["AssumeRolePolicyDocument"]["Statement"]
    (statement,) = master
    assert statement["Condition"]["ArnLike"]["aws:PrincipalArn"] == [
        "arn:aws:iam::000000000000:role/portcullis-domain-setup",
        "arn:aws:sts::000000000000:assumed-role/portcullis-domain-setup/*",
    ]
    holders = {
        where
        for where, statement in demo.identity_statements()
        if any(action.startswith("es:ESHttp") for action in listed(statement["Action"]))
    }
    assert len(holders) == 1
    assert "EnginePrincipal" in holders.pop()


@pytest.mark.parametrize("part", ["signed-in", "analysts", "master", "canary", "break-glass"])
def test_roles_that_engines_know_have_no_rights_in_iam(demo: Synthesised, part: str) -> None:
    role = demo.role_named(f"portcullis-demo-{part}")
    assert not role.get("Policies")
    assert not role.get("ManagedPolicyArns")


def test_a_level_of_people_holds_those_below_and_none_above(demo: Synthesised) -> None:
    policies = {
        policy["Properties"]["ManagedPolicyName"]: policy["Properties"]["PolicyDocument"]["Statement"]
        for policy in demo.resources("AWS::IAM::ManagedPolicy").values()
    }
    assert set(policies) == {"portcullis-look", "portcullis-act", "portcullis-delete"}
    for count, level in enumerate(names.LEVELS, start=1):
        (statement,) = policies[f"portcullis-{level}"]
        assert statement["Action"] == "lambda:InvokeFunction"
        assert len(listed(statement["Resource"])) == count


def test_break_glass_may_be_assumed_only_by_whom_the_file_names_with_mfa(pair: Synthesised) -> None:
    """The trust policy names the user and asks for MFA."""
    (statement,) = pair.role_named("portcullis-wired-break-glass")["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"AWS": "arn:aws:iam::000000000000:user/on-call"}
    assert statement["Condition"]["Bool"] == {"aws:MultiFactorAuthPresent": "true"}


def test_break_glass_that_the_file_gives_to_nobody_can_be_taken_by_nobody(pair: Synthesised) -> None:
    statements = pair.role_named("portcullis-inner-break-glass")["AssumeRolePolicyDocument"]["Statement"]
    assert statements == [{"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]


def test_only_the_functions_of_people_look_up_who_may_open_break_glass(pair: Synthesised) -> None:
    """These are operate and remove."""
    on_call = "arn:aws:iam::000000000000:user/on-call"
    places = [where for where, statement in pair.identity_statements() if on_call in listed(statement["Resource"])]
    holders = {name for name in names.FUNCTIONS for place in places if f"/Role{name.replace('_', '')}" in place}
    assert (holders, len(places)) == ({"operate", "remove"}, 2)


def test_break_glass_is_taken_only_where_its_taking_is_heard(demo: Synthesised) -> None:
    (statement,) = demo.role_named("portcullis-demo-break-glass")["AssumeRolePolicyDocument"]["Statement"]
    heard = {"aws:RequestedRegion": ["eu-central-1", "us-east-1"]}
    assert statement["Condition"]["StringEqualsIfExists"] == heard
    assert statement["Principal"] == {"AWS": "arn:aws:iam::111122223333:user/on-call"}
    assert statement["Condition"]["StringLike"] == {"sts:RoleSessionName": "order-*"}


def _actions_of(assembly: Synthesised, function: str) -> set[str]:
    """What a function's role is allowed, without what every function needs to run."""
    return {
        action
        for where, statement in assembly.identity_statements()
        if f"/Role{function.replace('_', '')}" in where and statement["Effect"] == "Allow"
        for action in listed(statement["Action"])
    }


def test_passwords_are_read_by_named_secret_and_made_only_under_our_name(demo: Synthesised, pair: Synthesised) -> None:
    """A deployment without internal users gives no right to any secret."""
    made, read = set(), set()
    for where, statement in pair.identity_statements():
        actions = set(listed(statement["Action"]))
        if "/Role" in where and "secretsmanager:CreateSecret" in actions:
            made.update(listed(statement["Resource"]))
        elif "/Role" in where and "secretsmanager:GetSecretValue" in actions:
            read.update(resource for resource in listed(statement["Resource"]) if isinstance(resource, str))
    prefix = "arn:aws:secretsmanager:us-east-1:000000000000:secret:"
    assert made == {f"{prefix}portcullis/inner/*"}
    assert read == {f"{prefix}hr/berta-??????"}
    assert not [w for w, s in demo.identity_statements() if "secretsmanager" in json.dumps(s)]


def test_iam_groups_are_read_under_any_path_and_made_only_if_a_file_asks(demo: Synthesised, pair: Synthesised) -> None:
    """The other deployment uses groups that are there already."""
    assert {one["Properties"]["GroupName"] for one in demo.resources("AWS::IAM::Group").values()} == {
        "catalyst-support",
        "catalyst-admins",
    }
    assert not pair.resources("AWS::IAM::Group"), "they are there already"
    read = {
        resource
        for _, statement in pair.identity_statements()
        if "iam:GetGroup" in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }
    group = "arn:aws:iam::000000000000:group/"
    assert read == {f"{group}catalyst-support", f"{group}*/catalyst-support"}


def test_the_automation_passes_on_only_roles_a_token_may_choose(demo: Synthesised) -> None:
    """Only to Cognito identity pools, and each by its own name."""
    for where, statement in demo.identity_statements():
        if "iam:PassRole" in listed(statement["Action"]) and "portcullis-automation/" in where:
            assert statement["Condition"]["StringEquals"]["iam:PassedToService"] == "cognito-identity.amazonaws.com"
            assert "*" not in "".join(map(_flat, listed(statement["Resource"])))


def test_domains_are_connected_by_people_alone_and_only_where_a_file_names_any(
    demo: Synthesised, pair: Synthesised
) -> None:
    """AWS takes no resource for the accepting: who may do it at all is the bound, and that the verb accepts what the file names."""

    def allowed(made: Synthesised) -> dict[str, set[tuple[str, str]]]:
        found: dict[str, set[tuple[str, str]]] = {}
        for where, statement in made.identity_statements():
            for action in listed(statement["Action"]):
                if action in ("es:AcceptInboundConnection", "es:CreateOutboundConnection"):
                    on = {
                        json.dumps(one).partition(":domain/")[2].strip('"]}') or one
                        for one in listed(statement["Resource"])
                    }
                    found.setdefault(action, set()).update((where.partition("/")[2][:11], str(one)) for one in on)
        return found

    assert allowed(demo) == {}
    assert allowed(pair) == {
        "es:AcceptInboundConnection": {("Roleoperate", "*")},
        "es:CreateOutboundConnection": {("Roleoperate", "wired")},
    }
