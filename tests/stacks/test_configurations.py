"""Given each of the three recommended configurations, then the domain and its policy are the ones that go with it."""

from __future__ import annotations

import json
from typing import Any

from stacks import names
from tests.stacks.assembly import ACCOUNT, HOME, Synthesised


def domain(assembly: Synthesised, deployment: str) -> dict[str, Any]:
    return assembly.one("AWS::OpenSearchService::Domain", f"portcullis-{deployment}-domain")


def denied(policy: dict[str, Any]) -> set[str]:
    """The paths that the policy denies."""
    return {
        resource.partition(":domain/")[2].partition("/")[2]
        for statement in policy["Statement"]
        if statement["Effect"] == "Deny"
        for resource in statement["Resource"]
    }


def test_cognito_an_iam_master_and_the_sign_in_page(demo: Synthesised) -> None:
    made = domain(demo, "demo")
    assert made["CognitoOptions"]["Enabled"] is True
    assert set(made["CognitoOptions"]) == {"Enabled", "UserPoolId", "IdentityPoolId", "RoleArn"}
    assert made["AdvancedSecurityOptions"]["InternalUserDatabaseEnabled"] is False
    assert set(made["AdvancedSecurityOptions"]["MasterUserOptions"]) == {"MasterUserARN"}
    assert {"_plugins/_sql", "_opendistro/_sql"} <= denied(made["AccessPolicies"])
    assert "_dashboards*" not in denied(made["AccessPolicies"])


def test_internal_a_master_user_whose_password_is_generated(pair: Synthesised) -> None:
    made = domain(pair, "inner")
    assert "CognitoOptions" not in made
    assert made["AdvancedSecurityOptions"]["InternalUserDatabaseEnabled"] is True
    master = json.dumps(made["AdvancedSecurityOptions"]["MasterUserOptions"])
    assert "{{resolve:secretsmanager:" in master
    assert not denied(made["AccessPolicies"])
    secret = pair.one("AWS::SecretsManager::Secret")
    assert secret["GenerateSecretString"]["PasswordLength"] >= 32
    assert pair.resources("Custom::PortcullisDeployment", "portcullis-inner-access")
    registration = pair.one("Custom::PortcullisDeployment", "portcullis-inner-access")["Registration"]
    assert (registration["master"]["type"], registration["master"]["name"]) == ("engine-user", "portcullis-master")
    assert registration["master"]["secret"]
    assert registration["other_roles"], "the role is there all the same"


def test_api_an_iam_master_and_dashboards_shut(pair: Synthesised) -> None:
    made = domain(pair, "wired")
    assert "CognitoOptions" not in made
    assert set(made["AdvancedSecurityOptions"]["MasterUserOptions"]) == {"MasterUserARN"}
    assert {"_plugin/kibana*", "_dashboards*", "_plugins/_sql", "_opendistro/_sql"} <= denied(made["AccessPolicies"])


def test_every_policy_leaves_people_to_fine_grained_access_control(demo: Synthesised, pair: Synthesised) -> None:
    for assembly, deployment, region in (
        (demo, "demo", HOME),
        (pair, "inner", "us-east-1"),
        (pair, "wired", "us-east-1"),
    ):
        first = domain(assembly, deployment)["AccessPolicies"]["Statement"][0]
        assert (first["Effect"], first["Principal"], first["Action"]) == ("Allow", {"AWS": "*"}, "es:ESHttp*")
        assert first["Resource"] == f"arn:aws:es:{region}:000000000000:domain/{deployment}/*"


def test_nodes_are_spread_over_two_zones_if_they_can_be_spread_evenly(demo: Synthesised, pair: Synthesised) -> None:
    for assembly, deployment, zones in ((demo, "demo", 2), (pair, "inner", 1), (pair, "wired", 1)):
        made = domain(assembly, deployment)
        assert len(made["VPCOptions"]["SubnetIds"]) == zones
        assert made["ClusterConfig"]["ZoneAwarenessEnabled"] is (zones > 1)


def test_a_given_key_is_used_and_none_is_made(pair: Synthesised) -> None:
    assert (
        domain(pair, "wired")["EncryptionAtRestOptions"]["KmsKeyId"]
        == "arn:aws:kms:us-east-1:000000000000:alias/theirs"
    )
    assert "portcullis-wired-key" not in pair.templates


def test_a_multi_region_key_has_its_replica_in_a_stack_of_that_region(pair: Synthesised) -> None:
    assert pair.one("AWS::KMS::Key", "portcullis-inner-key")["MultiRegion"] is True
    replica = pair.one("AWS::KMS::ReplicaKey", "portcullis-inner-key-eu-west-1")
    assert replica["PrimaryKeyArn"] == {"Ref": "PrimaryKeyArn"}
    through = [
        s["Condition"]["StringEquals"]["kms:ViaService"]
        for s in replica["KeyPolicy"]["Statement"]
        if "ViaService" in json.dumps(s)
    ]
    assert set(through) == {"es.eu-west-1.amazonaws.com", "s3.eu-west-1.amazonaws.com"}


def test_the_token_chooses_the_role_and_who_has_none_is_refused(demo: Synthesised) -> None:
    choice = demo.one("AWS::Cognito::IdentityPoolRoleAttachment")
    (mapping,) = choice["RoleMappings"].values()
    assert (mapping["Type"], mapping["AmbiguousRoleResolution"]) == ("Token", "Deny")
    groups = {
        g["Properties"]["GroupName"]: g["Properties"] for g in demo.resources("AWS::Cognito::UserPoolGroup").values()
    }
    assert set(groups) == {"support", "dashboards", "analysts"}
    assert all(group["RoleArn"] for group in groups.values())
    assert groups["support"]["RoleArn"] == groups["dashboards"]["RoleArn"] != groups["analysts"]["RoleArn"]
    assert groups["analysts"]["Precedence"] < groups["support"]["Precedence"]


def test_nobody_signs_himself_up(demo: Synthesised) -> None:
    pool = demo.one("AWS::Cognito::UserPool")
    assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    assert pool["MfaConfiguration"] == "OPTIONAL"
    assert pool["DeletionProtection"] == "ACTIVE"
    assert pool["Policies"]["PasswordPolicy"]["MinimumLength"] >= 14
    assert demo.one("AWS::Cognito::IdentityPool")["AllowUnauthenticatedIdentities"] is False


def test_a_client_of_ours_takes_a_password_from_nobody_but_who_knows_it(demo: Synthesised) -> None:
    """No flow in which an administrator, or anybody else, hands a password over: proof of it, and what a sign-in is renewed with."""
    client = demo.one("AWS::Cognito::UserPoolClient")
    assert sorted(client["ExplicitAuthFlows"]) == ["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"]
    assert client["AllowedOAuthFlowsUserPoolClient"] is False  # the sign-in page has a client of Amazon's making


def test_two_deployments_share_the_automation_and_nothing_else(pair: Synthesised) -> None:
    shared = {"portcullis-network", "portcullis-automation", "portcullis-observability", "portcullis-runbooks"}
    own = {f"portcullis-{name}-{part}" for name in ("inner", "wired") for part in ("identity", "domain", "access")}
    assert set(pair.templates) == shared | own | {"portcullis-inner-key", "portcullis-inner-key-eu-west-1"}
    assert len(pair.resources("AWS::Lambda::Function")) == len(names.FUNCTIONS)
    assert len(pair.resources("AWS::OpenSearchService::Domain")) == 2


KEY_METRICS = ("KMSKeyError", "KMSKeyInaccessible")
HEALTH = (
    "ClusterStatus.red",
    "ClusterIndexWritesBlocked",
    "AutomatedSnapshotFailure",
    "FreeStorageSpace",
    "JVMMemoryPressure",
)


def test_alarms_tell_the_topic(either: Synthesised) -> None:
    alarms = {
        a["Properties"]["AlarmName"]: a["Properties"] for a in either.resources("AWS::CloudWatch::Alarm").values()
    }
    for name in (
        "identity-dead-messages",
        "key-dead-messages",
        "undelivered-messages",
        "sweep-missing",
        "key-guard-errors",
    ):
        assert f"portcullis-{name}" in alarms
    assert all(alarm["AlarmActions"] and alarm["AlarmDescription"] for alarm in alarms.values())
    missing = alarms["portcullis-sweep-missing"]
    assert (missing["TreatMissingData"], missing["EvaluationPeriods"]) == ("breaching", 3)
    for resource in either.resources("AWS::OpenSearchService::Domain").values():
        name = resource["Properties"]["DomainName"]
        for metric in (*KEY_METRICS, *HEALTH):
            alarm = alarms[f"portcullis-{name}-{metric.replace('.', '-')}"]
            assert (alarm["MetricName"], alarm["Namespace"]) == (metric, "AWS/ES")
            assert {d["Name"]: d["Value"] for d in alarm["Dimensions"]} == {"ClientId": ACCOUNT, "DomainName": name}


def test_a_domain_that_runs_out_of_storage_is_told_before_it_takes_no_writes(demo: Synthesised) -> None:
    (alarm,) = (
        one["Properties"]
        for one in demo.resources("AWS::CloudWatch::Alarm").values()
        if one["Properties"].get("MetricName") == "FreeStorageSpace"
    )
    assert alarm["ComparisonOperator"] == "LessThanOrEqualToThreshold"
    assert (alarm["Statistic"], alarm["Threshold"]) == ("Minimum", 50 * 1024 / 4)


def test_whoever_is_named_is_told_by_mail(pair: Synthesised, demo: Synthesised) -> None:
    # of alerts, and of what waits for an approval
    subscriptions = [one["Properties"] for one in pair.resources("AWS::SNS::Subscription").values()]
    assert [one["Endpoint"] for one in subscriptions] == ["oncall@example.com"] * 2
    assert len({json.dumps(one["TopicArn"]) for one in subscriptions}) == 2
    assert not demo.resources("AWS::SNS::Subscription")


def test_the_cdk_says_what_check_warns_of_with_the_stack_of_the_model(pair: Synthesised) -> None:
    """The CDK command prints the warnings of a stack: whoever only deploys sees them there."""
    (said,) = (
        entry["data"]
        for entries in json.loads((pair.folder / "portcullis-wired-access.metadata.json").read_text()).values()
        for entry in entries
        if entry["type"] == "aws:cdk:warning" and "nobody is told by e-mail" in entry["data"]
    )
    assert "wired.yaml" in said
    assert "[ack: portcullis:nobody-told]" in said
