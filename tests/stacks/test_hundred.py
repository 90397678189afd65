"""Given a hundred domains and a cluster in one account, then nothing that AWS bounds is over its bound.

Bounds: CloudFormation's of a template, IAM's of policies, CloudWatch Logs' of resource policies, Lambda's of variables, EventBridge's of a
pattern, as their quota pages have them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.stacks.assembly import ACCOUNT, CLUSTER, HOME, Synthesised, listed, synthesised
from tests.stacks.resolved import Resolver
from tests.stacks.test_service_authorization import wrongs

COUNT = 100
_KEY = "abcdef01-2345-6789-abcd-ef0123456789"  # what a name that only AWS gives is as long as
_BY_NUMBER = ("cognito", "internal", "api")


def text(number: int) -> str:
    configuration = _BY_NUMBER[number % 3]
    lines = [
        f"deployment: tenant-{number:03d}-of-a-house",
        "engine: OpenSearch_3.3",
        f"domain: {{configuration: {configuration}, data_nodes: {{count: 2}}}}",
        "alerts: {email: oncall@example.com}",
    ]
    identity = f"identity: {{iam_groups: [team-{number:03d}]"
    match configuration:
        case "cognito":
            identity += ", cognito: {groups: {support: {}, analysts: {role: true}}}"
        case "internal":
            lines.append("access: {users: {anna: {}, berta: {secret: hr/berta}}}")
    return "\n".join([*lines, identity + "}", ""])


@pytest.fixture(scope="module")
def hundred(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    folder = tmp_path_factory.mktemp("hundred")
    for number in range(COUNT):
        (folder / f"{number:03d}.yaml").write_text(text(number))
    (folder / "elastic.yaml").write_text(CLUSTER)
    return synthesised(folder / "out", HOME, deployments=str(folder))


def test_no_template_is_too_large(hundred: Synthesised) -> None:
    assert len(hundred.resources("AWS::OpenSearchService::Domain")) == COUNT
    for name, template in hundred.templates.items():
        assert (hundred.folder / f"{name}.template.json").stat().st_size <= 1_048_576, name
        assert len(template["Resources"]) <= 500, name
        assert len(template.get("Outputs", {})) <= 200, name
        assert len(template.get("Parameters", {})) <= 200, name


def test_no_role_has_more_rights_than_iam_takes_as_text(hundred: Synthesised) -> None:
    resolver = Resolver(hundred, HOME, unknown=_KEY)
    own: dict[str, int] = {}
    for where, resource in hundred.resources("AWS::IAM::Policy").items():
        size = _size(resolver, resource, where)
        for role in resource["Properties"]["Roles"]:
            whose = f"{where.partition('/')[0]}: {json.dumps(role)}"
            own[whose] = own.get(whose, 0) + size
    assert max(own.values()) <= 10_240
    for where, resource in hundred.resources("AWS::IAM::ManagedPolicy").items():
        assert _size(resolver, resource, where) <= 6_144, where
    for where, resource in hundred.resources("AWS::IAM::Role").items():
        assert len(resource["Properties"].get("ManagedPolicyArns", ())) <= 10, where
        trust = json.dumps(resource["Properties"]["AssumeRolePolicyDocument"], separators=(",", ":"))
        assert len(trust) <= 2_048, where


def test_every_right_is_still_one_that_aws_knows(hundred: Synthesised) -> None:
    resolver = Resolver(hundred, HOME)
    statements = [one for one in resolver.identity() if "portcullis-automation" in one[0]]
    assert [f"{where}: {wrong}" for where, statement in statements for wrong in wrongs(statement)] == []


def test_what_is_not_named_by_us_is_still_allowed_one_by_one(hundred: Synthesised) -> None:
    """A domain, a key, a security group or a user pool of the account that is none of ours stays out of reach."""
    for where, statement in Resolver(hundred, HOME).identity():
        if statement["Effect"] == "Deny":
            continue
        for resource in listed(statement["Resource"]):
            for theirs in (":domain/*", ":userpool/*", ":identitypool/*"):
                assert not resource.endswith(theirs), where
            if resource.endswith(":security-group/*"):  # of the VPC that is ours, where nobody else's are
                assert set(statement["Condition"]["ArnEquals"]) == {"ec2:Vpc"}, where
            assert not resource.endswith(":key/*") or "Condition" in statement, where


def test_the_secret_of_a_clusters_break_glass_is_looked_at_beside_many_masters(hundred: Synthesised) -> None:
    """Theirs are called as CloudFormation calls them, a cluster's as its owner does."""
    looked_at = {
        resource
        for _, statement in Resolver(hundred, HOME).identity()
        if "secretsmanager:GetResourcePolicy" in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }
    secrets = f"arn:aws:secretsmanager:{HOME}:{ACCOUNT}:secret:"
    assert looked_at == {f"{secrets}MasterSecret*", f"{secrets}elastic/on-call-??????"}


def test_the_rest_that_an_account_has_little_of_is_shared(hundred: Synthesised) -> None:
    assert len(hundred.resources("AWS::Logs::ResourcePolicy")) == 1
    for where, function in hundred.resources("AWS::Lambda::Function").items():
        variables = function["Properties"]["Environment"]["Variables"]
        assert len(json.dumps(variables)) <= 4_096, where
    for where, rule in hundred.resources("AWS::Events::Rule").items():
        told = Resolver(hundred, HOME, unknown=_KEY).fill(
            rule["Properties"].get("EventPattern", {}), where.partition("/")[0]
        )
        pattern = json.dumps(told, separators=(",", ":"))
        assert len(pattern) <= 2_048, where


def test_a_few_deployments_need_no_more_than_the_roles_own_policies(demo: Synthesised) -> None:
    for where, resource in demo.resources("AWS::IAM::Role", "portcullis-automation").items():
        assert not resource["Properties"].get("ManagedPolicyArns"), where


def _size(resolver: Resolver, resource: dict[str, Any], where: str) -> int:
    """As IAM counts: without white space."""
    document = resolver.fill(resource["Properties"]["PolicyDocument"], where.partition("/")[0])
    return len(json.dumps(document, separators=(",", ":")))


def test_the_files_are_valid(tmp_path: Path) -> None:
    from portcullis import model

    for number in range(3):
        assert model.loads(text(number), "x.yaml").deployment.startswith("tenant-")
