"""Beside a cluster that runs elsewhere the stacks put the automation, and nothing that would own the cluster or could touch a domain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
from aws_cdk import App
from portcullis.ports.registration import Cluster, ElasticCloudKeystore, EngineUser, Registration

from stacks.deployments import load_all
from stacks.people.cluster_people import ClusterPeople
from tests.stacks.assembly import ACCOUNT, CLUSTER, HOME, Synthesised, listed

KEYSTORE = ElasticCloudKeystore("0123456789abcdef0123456789abcdef", "elastic/cloud", "_main", "api.elastic-cloud.com")
SECRETS = f"arn:aws:secretsmanager:{HOME}:{ACCOUNT}:secret:"
KEY = f"arn:aws:kms:{HOME}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"


def actions(beside: Synthesised, service: str) -> dict[str, set[str]]:
    """Action -> the resources it is allowed on, of one service, over every role."""
    found: dict[str, set[str]] = {}
    for _, statement in beside.identity_statements():
        if statement["Effect"] == "Allow":
            for action in listed(statement["Action"]):
                if action.startswith(f"{service}:"):
                    found.setdefault(action, set()).update(map(str, listed(statement["Resource"])))
    return found


def test_nothing_of_amazons_search_service_is_made_or_may_be_touched(beside: Synthesised) -> None:
    kinds = {one["Type"] for template in beside.templates.values() for one in template["Resources"].values()}
    assert not {kind for kind in kinds if "OpenSearch" in kind or "Elasticsearch" in kind}
    assert not kinds & {"AWS::KMS::Key", "AWS::Cognito::IdentityPool"}
    assert beside.one("Custom::PortcullisAccount")["Domains"] == "no"
    assert actions(beside, "es") == {}
    assert "iam:CreateServiceLinkedRole" not in actions(beside, "iam")


def test_of_secrets_the_automation_reads_its_own_and_those_that_it_makes(beside: Synthesised) -> None:
    allowed = actions(beside, "secretsmanager")
    assert allowed["secretsmanager:GetSecretValue"] == {
        f"{SECRETS}elastic/automation-??????",
        f"{SECRETS}portcullis/elastic/*",
        *(
            f"{SECRETS}{name}{end}"
            for name in ("remotes/far", "remotes/near", "elastic/cloud")
            for end in ("", "-??????")
        ),
    }
    assert allowed["secretsmanager:CreateSecret"] == {
        f"{SECRETS}portcullis/elastic/*",
        *(f"{SECRETS}remotes/near{end}" for end in ("", "-??????")),
    }
    of_glass = {action for action, on in allowed.items() if any("on-call" in one for one in on)}
    assert of_glass == {"secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy"}


def test_only_sweep_and_verbs_put_and_read_texts_of_keys(
    beside: Synthesised,
) -> None:
    """Texts of keys between clusters are put by sweep and verbs, where they are offered, and read by nobody else."""
    ways: dict[str, set[str]] = {}
    for where, statement in beside.identity_statements():
        named = {one.rpartition(":")[2] for one in map(str, listed(statement["Resource"])) if ":remotes/" in one}
        for action in listed(statement["Action"]) if named else ():
            who = "people" if "operate" in where or "remove" in where else "sweep" if "sweep" in where else where
            ways.setdefault(f"{action} {' '.join(sorted(named))}", set()).add(who)
    # With the end that Secrets Manager gives it, and without, as it is asked for before it is made.
    near, both = "remotes/near remotes/near-??????", "remotes/far remotes/far-?????? remotes/near remotes/near-??????"
    assert ways == {
        f"secretsmanager:CreateSecret {near}": {"people", "sweep"},
        f"secretsmanager:PutSecretValue {near}": {"people", "sweep"},
        f"secretsmanager:GetSecretValue {both}": {"people", "sweep"},
    }


def test_no_function_becomes_a_role_to_speak_to_the_cluster(beside: Synthesised) -> None:
    assert "sts:AssumeRole" not in actions(beside, "sts")
    roles = {role["Properties"].get("RoleName", "") for role in beside.resources("AWS::IAM::Role").values()}
    assert not {role for role in roles if isinstance(role, str) and role.startswith("portcullis-elastic-")}


def test_no_way_is_closed_by_aws_so_nobody_may_change_a_security_group(beside: Synthesised) -> None:
    allowed = {action: on for action, on in actions(beside, "ec2").items() if "SecurityGroup" in action}
    changed = {one for action, on in allowed.items() if not action.startswith("ec2:Describe") for one in on}
    assert changed
    assert all("DefaultSecurityGroup" in one for one in changed)  # that of the VPC, emptied once
    assert not any("Authorize" in action for action in allowed)


def test_the_key_is_looked_at_and_never_made_rotated_or_ended(beside: Synthesised) -> None:
    allowed = actions(beside, "kms")
    assert KEY in allowed["kms:DescribeKey"]
    assert not {"kms:RotateKeyOnDemand", "kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:CreateGrant"} & set(allowed)


def test_the_functions_reach_the_cluster_where_the_file_says_and_only_on_its_port(beside: Synthesised) -> None:
    ways: list[dict[str, Any]] = [
        *(
            way
            for group in beside.resources("AWS::EC2::SecurityGroup").values()
            if group["Properties"]["GroupName"] == "portcullis-automation"
            for way in group["Properties"]["SecurityGroupEgress"]
        ),
        *(way["Properties"] for way in beside.resources("AWS::EC2::SecurityGroupEgress").values()),
    ]
    ends = ("CidrIp", "CidrIpv6", "DestinationPrefixListId", "DestinationSecurityGroupId")
    to = {(way["FromPort"], way["ToPort"], next(way[end] for end in ends if end in way)) for way in ways}
    assert to == {
        (443, 443, "0.0.0.0/0"),
        (9200, 9200, "10.20.0.0/16"),
        (9200, 9200, "fd00::/8"),
        (9200, 9200, "pl-0123456789abcdef0"),
        (9200, 9200, "sg-0123456789abcdef0"),
    }


def test_people_have_a_pool_with_groups_and_no_role_by_them(beside: Synthesised) -> None:
    [group] = beside.resources("AWS::Cognito::UserPoolGroup").values()
    assert group["Properties"]["GroupName"] == "support"
    assert "RoleArn" not in group["Properties"]
    assert "cognito-idp:AdminUserGlobalSignOut" in actions(beside, "cognito-idp")


def test_rules_hear_of_people_key_and_reads_of_the_break_glass_secret(beside: Synthesised) -> None:
    people = json.dumps(beside.rule_named("portcullis-elastic-identity")["EventPattern"])
    assert "catalyst-support" in people
    assert "aws.cognito-idp" in people
    key = json.dumps(beside.rule_named("portcullis-elastic-key")["EventPattern"])
    assert KEY in key
    assert "aws.es" not in key
    assert "aws.ec2" not in key
    taken = json.dumps(beside.rule_named("portcullis-elastic-break-glass")["EventPattern"])
    assert "elastic/on-call" in taken
    assert "AssumeRole" not in taken


def test_it_is_registered_as_a_cluster_with_users_of_its_own(beside: Synthesised) -> None:
    properties = beside.one("Custom::PortcullisDeployment", "portcullis-elastic-access")
    told = {name: one for name, one in properties["Registration"].items() if name not in ("cognito", "eyes")}
    cognito = {"user_pool": "eu-central-1_Aaaaaaaaa"}
    read = msgspec.convert({**told, "cognito": cognito, "eyes": "[]"}, Registration)
    assert read.place == Cluster("search.example.internal:9200", keystore=KEYSTORE)
    assert read.family == "elasticsearch"
    assert read.key.arn == KEY
    assert read.automation == EngineUser("portcullis", "elastic/automation")
    assert read.break_glass == EngineUser("on-call", "elastic/on-call")
    assert read.canary == EngineUser("portcullis_canary_elastic", "portcullis/elastic/portcullis_canary_elastic")
    assert read.master == EngineUser("elastic", "")
    assert read.snapshots is None
    assert "portcullis-elastic-key" in json.dumps(properties["Registration"]["eyes"])


def test_the_iam_group_of_the_file_can_be_read(beside: Synthesised) -> None:
    """Whom the file names is what the automation may look up."""
    assert f"arn:aws:iam::{ACCOUNT}:group/catalyst-support" in actions(beside, "iam")["iam:GetGroup"]


def test_given_a_cluster_without_a_pool_then_its_stack_of_people_holds_something(tmp_path: Path) -> None:
    """A template without resources is none to CloudFormation, and the synthesis ended with a trace."""
    without = CLUSTER.replace("cognito: {groups: {support: {}}}, ", "").replace(
        "{level: support, to: {cognito_group: support}}, ", ""
    )
    (tmp_path / "elastic.yaml").write_text(without)
    (one,) = load_all(tmp_path)
    assert not one.has_pool
    app = App(outdir=str(tmp_path / "out"))
    made = ClusterPeople(app, "people", one)
    resources = app.synth().get_stack_by_name(made.stack_name).template["Resources"]
    assert [one["Type"] for one in resources.values()] == ["AWS::CloudFormation::WaitConditionHandle"]
