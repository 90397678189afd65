"""The facts about what we see by, and about the roads to whoever is mapped, as an emulated AWS gives them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from portcullis.adapters.eyes.aws import AwsEyes
from portcullis.adapters.roads.aws import AwsRoads
from portcullis.errors import Refused
from portcullis.watch.eyes import MADE_OF, Eye, EyeKind, blind
from portcullis.watch.roads import Road, RoadKind, differences, value

from local.aws.emulator import Credentials, Emulator

pytestmark = pytest.mark.aws


def eyes(aws: Emulator) -> AwsEyes:
    return AwsEyes(lambda service, region: aws.client(service, region or aws.region))


def roads(aws: Emulator, **granted: Any) -> AwsRoads:
    return AwsRoads(aws.client, **granted)


def test_a_rule_is_there_with_its_pattern_and_targets_or_is_not(aws: Emulator, name: str) -> None:
    events, pattern = aws.client("events"), {"source": ["aws.kms"]}
    queue = f"arn:aws:sqs:{aws.region}:{aws.account}:{name}.fifo"
    wants = {"state": "ENABLED", "pattern": pattern, "target": queue, "group": "demo"}
    rule = Eye(EyeKind.RULE, f"{name}-key", wants=wants)
    assert "not there" in blind(rule, eyes(aws).look(rule))
    events.put_rule(Name=rule.name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=rule.name, Targets=[{"Id": "1", "Arn": queue, "SqsParameters": {"MessageGroupId": "demo"}}])
    assert blind(rule, eyes(aws).look(rule)) == ""
    events.disable_rule(Name=rule.name)
    assert "is DISABLED" in blind(rule, eyes(aws).look(rule))


def test_missing_queues_topics_functions_and_alarms_are_reported(aws: Emulator, name: str) -> None:
    """AWS has none of them, and each is reported as not there any more."""
    gone = [
        Eye(EyeKind.QUEUE, f"{name}.fifo"),
        Eye(EyeKind.TOPIC, name, wants={"arn": f"arn:aws:sns:{aws.region}:{aws.account}:{name}"}),
        Eye(EyeKind.FUNCTION, name),
        Eye(EyeKind.ALARMS, "of ours", wants={"names": [name], "told": "topic"}),
    ]
    assert all("not there any more" in blind(eye, eyes(aws).look(eye)) for eye in gone)


def test_a_queue_a_topic_and_an_alarm_are_seen_by_as_they_were_deployed(aws: Emulator, name: str) -> None:
    queue = aws.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    eye = Eye(EyeKind.QUEUE, name, wants={"takes": "events"})
    assert "takes nothing from EventBridge" in blind(eye, eyes(aws).look(eye))
    allowed = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Statement": [{**allowed, "Resource": "*"}]})
    aws.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    assert blind(eye, eyes(aws).look(eye)) == ""
    topic = aws.client("sns").create_topic(Name=name)["TopicArn"]
    told = Eye(EyeKind.TOPIC, name, wants={"arn": topic, "told": ["oncall@example.com"]})
    assert "does not reach oncall@example.com" in blind(told, eyes(aws).look(told))
    alarms = aws.client("cloudwatch")
    alarms.put_metric_alarm(
        AlarmName=name,
        Namespace="x",
        MetricName="x",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        Statistic="Sum",
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[topic],
    )
    watches = {"Namespace": "x", "MetricName": "x", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1}
    alarm = Eye(EyeKind.ALARMS, "of ours", wants={"names": [name], "told": topic, "as": {name: watches}})
    assert blind(alarm, eyes(aws).look(alarm)) == ""
    other = Eye(EyeKind.ALARMS, "of ours", wants={**alarm.wants, "as": {name: {**watches, "Threshold": 2}}})
    assert "watch something else" in blind(other, eyes(aws).look(other))
    alarms.disable_alarm_actions(AlarmNames=[name])
    assert "tell nobody" in blind(alarm, eyes(aws).look(alarm))


def test_a_trail_that_we_may_not_look_at_hides_no_other(
    aws: Emulator, name: str, person: Callable[..., Credentials]
) -> None:
    """As one of an organisation is. Only where the others do not record everything it may be the one that does."""
    trails, iam = aws.client("cloudtrail"), aws.client("iam")
    aws.client("s3").create_bucket(
        Bucket=f"{name}-trails", CreateBucketConfiguration={"LocationConstraint": aws.region}
    )
    everything = {"ReadWriteType": "All", "IncludeManagementEvents": True, "ExcludeManagementEventSources": []}
    for one in (f"{name}-ours", f"{name}-theirs"):
        trails.create_trail(
            Name=one, S3BucketName=f"{name}-trails", IsMultiRegionTrail=True, IncludeGlobalServiceEvents=True
        )
        trails.put_event_selectors(TrailName=one, EventSelectors=[everything])
        trails.start_logging(Name=one)
    us = person("cloudtrail:*", resource=f"arn:aws:cloudtrail:*:*:trail/{name}-ours")
    (user,) = [one["UserName"] for one in iam.list_users()["Users"] if one["UserName"].startswith(f"{name}-person")]
    lists = {"Statement": [{"Effect": "Allow", "Action": "cloudtrail:DescribeTrails", "Resource": "*"}]}
    iam.put_user_policy(UserName=user, PolicyName="list", PolicyDocument=json.dumps(lists))
    ours = AwsEyes(lambda service, region: aws.client(service, region or aws.region, us))
    eye = Eye(EyeKind.TRAIL, "any", aws.region)
    assert blind(eye, ours.look(eye)) == ""
    trails.stop_logging(Name=f"{name}-ours")
    with pytest.raises(Refused, match="may not be looked at: AccessDenied"):
        ours.look(eye)
    for one in (f"{name}-ours", f"{name}-theirs"):
        trails.delete_trail(Name=one)


def test_a_queue_that_delays_and_a_reader_that_filters_are_seen(aws: Emulator, name: str) -> None:
    """Both are there, enabled and allowed to work: what they are given is late, or thrown away."""
    sqs, functions = aws.client("sqs"), aws.client("lambda")
    url = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    queue = Eye(EyeKind.QUEUE, name, wants={"dead": []})
    assert blind(queue, eyes(aws).look(queue)) == ""
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "900", "MaximumMessageSize": "1024"})
    assert "keeps back what it is given for 900" in blind(queue, eyes(aws).look(queue))
    assert "larger than 1024" in blind(queue, eyes(aws).look(queue))
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "0"})
    hidden = Eye(EyeKind.QUEUE, name, wants={"hidden": 60})
    assert "hides" not in blind(hidden, eyes(aws).look(hidden))
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "43200"})
    assert "for 43200 seconds, not 60" in blind(hidden, eyes(aws).look(hidden))
    role = aws.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument='{"Statement": []}')["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as file:
        file.writestr("handler.py", "def handler(event, context):\n    return {}\n")
    functions.create_function(
        FunctionName=name, Runtime="python3.13", Role=role, Handler="handler.handler", Code={"ZipFile": code.getvalue()}
    )
    reader = Eye(EyeKind.READER, "of it", wants={"function": name, "queue": arn})
    assert "not there any more" in blind(reader, eyes(aws).look(reader))
    mapping = functions.create_event_source_mapping(
        FunctionName=name, EventSourceArn=arn, FunctionResponseTypes=["ReportBatchItemFailures"]
    )["UUID"]
    assert blind(reader, eyes(aws).look(reader)) == ""
    never = {"Filters": [{"Pattern": json.dumps({"body": {"never": ["this"]}})}]}
    functions.update_event_source_mapping(UUID=mapping, FilterCriteria=never)
    assert "it has a filter" in blind(reader, eyes(aws).look(reader))
    functions.update_event_source_mapping(UUID=mapping, FilterCriteria={"Filters": []}, FunctionResponseTypes=[])
    assert "throws away what could not be handled" in blind(reader, eyes(aws).look(reader))
    function = Eye(EyeKind.FUNCTION, name)
    before = eyes(aws).look(function) or {}
    assert before["callers"] == {}
    functions.add_permission(
        FunctionName=name, StatementId="eve", Action="lambda:InvokeFunction", Principal="666666666666"
    )
    changed = Eye(EyeKind.FUNCTION, name, wants={"made_of": {"callers": {}, "limits": before["limits"]}})
    assert blind(changed, eyes(aws).look(changed)) == MADE_OF["callers"]
    functions.delete_event_source_mapping(UUID=mapping)
    functions.delete_function(FunctionName=name)


def test_a_role_that_passes_events_on_is_seen_as_it_was_deployed(aws: Emulator, name: str) -> None:
    iam = aws.client("iam")
    trust = {
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole"}]
    }
    may = {"Statement": [{"Effect": "Allow", "Action": "events:PutEvents", "Resource": "*"}]}
    role = Eye(EyeKind.ROLE, name, wants={"trust": trust, "policies": {"pass-on": may}})
    assert "not there any more" in blind(role, eyes(aws).look(role))
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    assert "may do something else" in blind(role, eyes(aws).look(role))
    iam.put_role_policy(RoleName=name, PolicyName="pass-on", PolicyDocument=json.dumps(may))
    assert blind(role, eyes(aws).look(role)) == ""
    denied = {"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
    iam.put_role_policy(RoleName=name, PolicyName="quiet", PolicyDocument=json.dumps(denied))
    assert "may do something else" in blind(role, eyes(aws).look(role))


def test_the_ledger_is_seen_as_it_was_deployed(aws: Emulator, name: str) -> None:
    """And each way to have it end, forget, fall behind, or be read and written by others."""
    tables, name = aws.client("dynamodb"), f"ledger-{name}"
    eye = Eye(EyeKind.TABLE, name, wants={"forgets_by": "expires"})
    assert "not there any more" in blind(eye, eyes(aws).look(eye))
    arn = tables.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        DeletionProtectionEnabled=True,
    )["TableDescription"]["TableArn"]

    def recovers(yes: bool) -> None:
        tables.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": yes}
        )

    def forgets(attribute: str, yes: bool = True) -> None:
        asked = {"Enabled": yes, "AttributeName": attribute}
        tables.update_time_to_live(TableName=name, TimeToLiveSpecification=asked)

    recovers(True)
    forgets("expires")
    assert blind(eye, eyes(aws).look(eye)) == ""
    recovers(False)
    forgets("expires", False)
    tables.update_table(TableName=name, DeletionProtectionEnabled=False)
    said = blind(eye, eyes(aws).look(eye))
    assert "recovery is off" in said
    assert "forgets nothing" in said
    assert "protection is off" in said
    forgets("version")
    anybody = {"Effect": "Allow", "Principal": "*", "Action": "dynamodb:*", "Resource": arn}
    tables.put_resource_policy(ResourceArn=arn, Policy=json.dumps({"Version": "2012-10-17", "Statement": [anybody]}))
    reads_along = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    tables.update_table(TableName=name, StreamSpecification=reads_along)
    tables.update_table(
        TableName=name,
        BillingMode="PROVISIONED",
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    )
    said = blind(eye, eyes(aws).look(eye))
    assert "forgets by version, not by expires" in said
    assert "a policy of its own" in said
    assert "passes on what is written: to its stream" in said
    assert "only so many requests" in said


def test_an_address_whose_subscription_filters_is_not_told_everything(aws: Emulator, name: str) -> None:
    sns, sqs = aws.client("sns"), aws.client("sqs")
    topic = sns.create_topic(Name=name)["TopicArn"]
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, ReturnSubscriptionArn=True)
    told = Eye(EyeKind.TOPIC, name, wants={"arn": topic, "told": [queue]})
    assert blind(told, eyes(aws).look(told)) == ""
    sns.set_subscription_attributes(
        SubscriptionArn=subscription["SubscriptionArn"],
        AttributeName="FilterPolicy",
        AttributeValue=json.dumps({"severity": ["nothing"]}),
    )
    assert f"does not tell {queue} everything" in blind(told, eyes(aws).look(told))


def test_the_trust_policy_of_a_role_and_a_role_that_was_made_again(aws: Emulator, name: str) -> None:
    iam, road = aws.client("iam"), Road(RoadKind.ROLE, f"arn:aws:iam::{aws.account}:role/{name}", own=True)
    assert value(road, roads(aws).look(road)) is None

    def made(principal: str) -> Any:
        allowed = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [allowed]}))
        return value(road, roads(aws).look(road))

    first = made(f"arn:aws:iam::{aws.account}:root")
    assert first["trust"][0]["Principal"] == {"AWS": [f"arn:aws:iam::{aws.account}:root"]}
    iam.delete_role(RoleName=name)
    again = made(f"arn:aws:iam::{aws.account}:root")
    assert any(words.startswith("id was") for words in differences(first, again))


def test_triggers_identity_providers_and_clients_of_a_user_pool(aws: Emulator, name: str) -> None:
    cognito = aws.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName=name)["UserPool"]["Id"]
    road = Road(RoadKind.USER_POOL, pool)
    before = value(road, roads(aws).look(road))
    trigger = f"arn:aws:lambda:{aws.region}:{aws.account}:function:f"
    cognito.update_user_pool(UserPoolId=pool, LambdaConfig={"PreTokenGeneration": trigger})
    cognito.create_identity_provider(
        UserPoolId=pool,
        ProviderName="corp",
        ProviderType="OIDC",
        ProviderDetails={"client_id": "c", "client_secret": "hidden", "oidc_issuer": "https://corp.example"},
        AttributeMapping={"username": "sub"},
    )
    cognito.create_user_pool_client(UserPoolId=pool, ClientName="eve")
    after = value(road, roads(aws).look(road))
    words = "; ".join(differences(before, after))
    assert trigger in words
    assert "providers.corp" in words
    assert "clients." in words
    assert "hidden" not in json.dumps(after)


def test_the_master_s_secret_by_its_version_and_never_by_its_value(aws: Emulator, name: str) -> None:
    secrets = aws.client("secretsmanager")
    arn = secrets.create_secret(Name=name, SecretString="a password")["ARN"]
    road = Road(RoadKind.SECRET, arn)
    before = value(road, roads(aws).look(road))
    secrets.put_secret_value(SecretId=arn, SecretString="another password")
    after = value(road, roads(aws).look(road))
    assert differences(before, after)[0].startswith("version was")
    assert "password" not in json.dumps(after)


def test_the_master_s_secret_by_its_own_policy_and_its_key(aws: Emulator, name: str) -> None:
    secrets, key = aws.client("secretsmanager"), aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    arn = secrets.create_secret(Name=name, SecretString="a password")["ARN"]
    road = Road(RoadKind.SECRET, arn)
    before = value(road, roads(aws).look(road))
    assert (before["policy"], "key" in before) == ([], False)
    reader = "arn:aws:iam::444455556666:role/reader"
    allows = {
        "Effect": "Allow",
        "Principal": {"AWS": reader},
        "Action": "secretsmanager:GetSecretValue",
        "Resource": "*",
    }
    secrets.put_resource_policy(
        SecretId=arn, ResourcePolicy=json.dumps({"Version": "2012-10-17", "Statement": [allows]})
    )
    secrets.update_secret(SecretId=arn, KmsKeyId=key)
    after = value(road, roads(aws).look(road))
    words = "; ".join(differences(before, after))
    assert reader in words
    assert f"key is {key} now" in words
    secrets.delete_resource_policy(SecretId=arn)
    assert value(road, roads(aws).look(road))["policy"] == []


def test_an_identity_pool_by_whose_tokens_it_takes(aws: Emulator, name: str) -> None:
    identities = aws.client("cognito-identity")
    pool = identities.create_identity_pool(IdentityPoolName=name, AllowUnauthenticatedIdentities=False)[
        "IdentityPoolId"
    ]
    road = Road(RoadKind.IDENTITY_POOL, pool)
    before = value(road, roads(aws).look(road))
    identities.update_identity_pool(IdentityPoolId=pool, IdentityPoolName=name, AllowUnauthenticatedIdentities=True)
    assert "AllowUnauthenticatedIdentities" in differences(before, value(road, roads(aws).look(road)))[0]


def test_a_domain_by_its_policy_its_groups_and_its_endpoints(aws: Emulator, name: str) -> None:
    search = aws.client("opensearch")
    search.create_domain(DomainName=f"d{name}")
    road = Road(RoadKind.DOMAIN, f"d{name}")
    before = value(road, roads(aws).look(road))
    open_to_all = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "es:*", "Resource": "*"}]}
    search.update_domain_config(DomainName=f"d{name}", AccessPolicies=json.dumps(open_to_all))
    assert "policy" in differences(before, value(road, roads(aws).look(road)))[0]
    account, domain = "999999999999", f"d{name}"
    search.authorize_vpc_endpoint_access(DomainName=domain, Account=account)
    arn = search.describe_domain(DomainName=domain)["DomainStatus"]["ARN"]
    made = search.create_vpc_endpoint(DomainArn=arn, VpcOptions={"SubnetIds": ["subnet-1"]})["VpcEndpoint"]
    words = "; ".join(differences(before, value(road, roads(aws).look(road))))
    assert f"endpoints has {made['VpcEndpointId']} of {aws.account} now" in words
    assert f"endpoints_for has {account} now" in words
