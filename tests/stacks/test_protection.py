"""Given what is synthesised, then data is encrypted, roads are TLS, and what holds state outlives its stack."""

from __future__ import annotations

import json
import re

import pytest

from stacks import names
from tests.stacks.assembly import Synthesised

STATEFUL = (
    "AWS::OpenSearchService::Domain",
    "AWS::KMS::Key",
    "AWS::KMS::ReplicaKey",
    "AWS::DynamoDB::Table",
    "AWS::Cognito::UserPool",
    "AWS::SecretsManager::Secret",
    "AWS::S3::Bucket",
)


@pytest.mark.parametrize("kind", STATEFUL)
def test_what_holds_state_is_kept(demo: Synthesised, pair: Synthesised, kind: str) -> None:
    found = demo.resources(kind) | pair.resources(kind)
    assert found
    for where, resource in found.items():
        # but for a first deployment that fails: its names would be taken
        kept = (resource["DeletionPolicy"], resource["UpdateReplacePolicy"])
        assert kept == ("RetainExceptOnCreate", "Retain"), where


# To CloudFormation another logical id is another resource: a later release that changes one makes an empty domain, key, ledger or pool
# beside those that are in use, or fails by their names.
IDS = {
    "AWS::OpenSearchService::Domain": {"domain/Domain"},
    "AWS::KMS::Key": {"key/Key961B73FD"},
    "AWS::KMS::ReplicaKey": {"key-eu-west-1/Replica"},
    "AWS::DynamoDB::Table": {"automation/LedgerB7379752"},
    "AWS::Cognito::UserPool": {"identity/Users0A0EEA89"},
    "AWS::Cognito::IdentityPool": {"identity/Identities"},
    "AWS::SecretsManager::Secret": {"identity/MasterSecretA11BF785"},
    "AWS::EC2::VPC": {"network/Vpc8378EB38"},
    "AWS::SNS::Topic": {"automation/Alerts91F83244", "automation/Approvals8537C562"},
}


@pytest.mark.parametrize("kind", IDS)
def test_a_later_release_finds_what_holds_state_under_the_same_id(
    demo: Synthesised, pair: Synthesised, kind: str
) -> None:
    found = {
        re.sub(r"^portcullis-((demo|inner|wired)-)?", "", where)
        for where in demo.resources(kind) | pair.resources(kind)
    }
    assert found == IDS[kind]


def test_the_domain_is_encrypted_and_reached_over_tls_in_the_vpc(either: Synthesised) -> None:
    for where, resource in either.resources("AWS::OpenSearchService::Domain").items():
        domain = resource["Properties"]
        assert domain["EncryptionAtRestOptions"]["Enabled"] is True, where
        assert domain["EncryptionAtRestOptions"]["KmsKeyId"]
        assert domain["NodeToNodeEncryptionOptions"] == {"Enabled": True}
        assert domain["DomainEndpointOptions"]["EnforceHTTPS"] is True
        assert domain["DomainEndpointOptions"]["TLSSecurityPolicy"].startswith("Policy-Min-TLS-1-2")
        assert domain["AdvancedSecurityOptions"]["Enabled"] is True
        assert domain["VPCOptions"]["SecurityGroupIds"]


def test_a_model_that_the_engine_refuses_fails_in_a_stack_without_the_domain(either: Synthesised) -> None:
    """CloudFormation takes back whatever is new in a stack that fails."""
    for where in either.resources("Custom::PortcullisDeployment"):
        stack = where.partition("/")[0]
        kinds = {one["Type"] for one in either.templates[stack]["Resources"].values()}
        assert kinds <= {"Custom::PortcullisDeployment", "AWS::CDK::Metadata"}


def test_stacks_that_hold_a_domain_or_its_care_cannot_be_deleted_in_passing(either: Synthesised) -> None:
    manifest = json.loads((either.folder / "manifest.json").read_text())["artifacts"]
    domains = {
        name: artifact["properties"].get("terminationProtection")
        for name, artifact in manifest.items()
        if artifact["type"] == "aws:cloudformation:stack" and name.endswith(("-domain", "-access"))
    }
    assert domains
    assert all(domains.values())


def test_the_domain_writes_its_audit_log(either: Synthesised) -> None:
    for resource in either.resources("AWS::OpenSearchService::Domain").values():
        publishing = resource["Properties"]["LogPublishingOptions"]
        assert set(publishing) == {"AUDIT_LOGS", "ES_APPLICATION_LOGS", "INDEX_SLOW_LOGS", "SEARCH_SLOW_LOGS"}


def test_people_and_the_automation_come_in_by_rules_of_their_own(demo: Synthesised) -> None:
    groups = demo.resources("AWS::EC2::SecurityGroup", "portcullis-network")
    (domain,) = (g["Properties"] for g in groups.values() if "the domain demo" in g["Properties"]["GroupDescription"])
    (people,) = domain["SecurityGroupIngress"]
    assert (people["FromPort"], people["ToPort"]) == (443, 443)
    assert people["CidrIp"] == {"Fn::GetAtt": ["Vpc8378EB38", "CidrBlock"]}
    rules = [r["Properties"] for r in demo.resources("AWS::EC2::SecurityGroupIngress", "portcullis-network").values()]
    assert {(rule["FromPort"], rule["ToPort"]) for rule in rules} == {(443, 443)}
    named = {where.rpartition("/")[2]: group["Properties"].get("GroupName") for where, group in groups.items()}
    sources = {named[rule["SourceSecurityGroupId"]["Fn::GetAtt"][0]] for rule in rules}
    assert sources == {"portcullis-automation", "portcullis-break-glass"}


def test_the_ledger_survives_mistakes_and_needs_no_key_of_a_deployment(either: Synthesised) -> None:
    table = either.one("AWS::DynamoDB::Table")
    assert table["DeletionProtectionEnabled"] is True
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert "SSESpecification" not in table  # DynamoDB's own key: readable when a deployment's key is gone


def test_queues_are_encrypted_refuse_plain_http_and_have_dead_letters(either: Synthesised) -> None:
    queues = either.resources("AWS::SQS::Queue")
    reactions = 0
    for where, resource in queues.items():
        queue = resource["Properties"]
        assert queue["SqsManagedSseEnabled"] is True, where
        assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600, where  # an event waits among the reminders, too
        tries = {"portcullis-identity.fifo": 12, "portcullis-key.fifo": 6}.get(queue["QueueName"])
        if tries:
            reactions += 1
            assert queue["FifoQueue"] is queue["ContentBasedDeduplication"] is True
            assert queue["RedrivePolicy"]["maxReceiveCount"] == tries
    assert reactions == 2
    policies = either.resources("AWS::SQS::QueuePolicy")
    assert len(policies) == len(queues)
    for where, resource in policies.items():
        document = json.dumps(resource["Properties"]["PolicyDocument"])
        assert '"aws:SecureTransport": "false"' in document, where
        by_rules = '"aws:SourceAccount": "000000000000"' in document
        assert by_rules or ('"Effect": "Allow"' not in document and "reminders" in where), where


def test_the_key_rotates_and_its_policy_bounds_who_may_use_it(demo: Synthesised) -> None:
    """The search service may use it in this account alone. Neither administrators nor the automation can decrypt with it."""
    key = demo.one("AWS::KMS::Key")
    assert key["EnableKeyRotation"] is True
    assert key["RotationPeriodInDays"] == 365
    statements = {statement["Sid"]: statement for statement in key["KeyPolicy"]["Statement"]}
    assert set(statements) == {
        "Administer",
        "SearchServiceUses",
        "SearchServiceHoldsGrants",
        "SnapshotsAreWrittenAndRead",
        "AutomationLooks",
    }
    assert set(statements["SearchServiceUses"]["Action"]) == {
        *("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:GetKeyRotationStatus")
    }
    for sid in ("SearchServiceUses", "SearchServiceHoldsGrants"):
        assert statements[sid]["Condition"]["StringEquals"] == {
            "kms:CallerAccount": "000000000000",
            "kms:ViaService": "es.eu-central-1.amazonaws.com",
        }
    # Encrypting makes nothing readable: the automation asks for it as a dry run, as a second probe of whether the key may be used.
    cryptographic = {
        "Administer": "Decrypt|Encrypt|ReEncrypt|GenerateDataKey|Sign",
        "AutomationLooks": "Decrypt|ReEncrypt|GenerateDataKey$|Sign",
    }
    for sid, actions in cryptographic.items():
        assert not [one for one in statements[sid]["Action"] if re.match(rf"kms:({actions}|\*)", one)], sid


def test_no_template_holds_a_secret(either: Synthesised) -> None:
    for name, template in either.templates.items():
        text = json.dumps(template)
        assert not re.search(r"AKIA[0-9A-Z]{16}|-----BEGIN|aws_secret_access_key", text), name
        for found in re.findall(r'"(?:MasterUserPassword|Password|SecretString)": ("[^"]*"|\{[^}]*\})', text):
            assert "resolve:secretsmanager" in found or "master_secret" in found, name


def test_no_function_but_ours_and_no_custom_resource_but_ours(either: Synthesised) -> None:
    assert {f["Properties"]["Runtime"] for f in either.resources("AWS::Lambda::Function").values()} == {"python3.13"}
    assert len(either.resources("AWS::Lambda::Function")) == len(names.FUNCTIONS)
    for template in either.templates.values():
        kinds = {resource["Type"] for resource in template["Resources"].values()}
        ours = {"Custom::PortcullisAccount", "Custom::PortcullisDeployment", "Custom::PortcullisEyes"}
        assert not {kind for kind in kinds if kind.startswith("Custom::")} - ours
        assert "AWS::CloudFormation::CustomResource" not in kinds


def test_the_trail_is_ours_unless_the_account_has_one(demo: Synthesised, pair: Synthesised) -> None:
    trail = demo.one("AWS::CloudTrail::Trail")
    assert trail["IsLogging"] is trail["IsMultiRegionTrail"] is trail["IncludeGlobalServiceEvents"] is True
    # What only reads too: CloudTrail counts the taking of a role, break-glass's as well, among that.
    assert [one["ReadWriteType"] for one in trail["EventSelectors"]] == ["All"]
    assert not pair.resources("AWS::CloudTrail::Trail")
