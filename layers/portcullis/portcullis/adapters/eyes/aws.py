"""The facts about trails, rules, functions, queues, the topic, alarms and the ledger's table, as AWS has them now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from portcullis.clients import error_code, our_errors, unanswered
from portcullis.watch.eyes import Eye, EyeKind, Facts, blind
from portcullis.watch.roads import plain, policy

_ABSENT = frozenset(
    {
        *("ResourceNotFoundException", "TrailNotFoundException", "NotFound", "NotFoundException"),
        *("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"),
        *("NoSuchEntity", "NoSuchEntityException"),
    }
)
_QUEUE_FACTS = (
    *("KmsMasterKeyId", "Policy", "MessageRetentionPeriod", "DelaySeconds", "MaximumMessageSize", "RedrivePolicy"),
    "VisibilityTimeout",
)
# What an alarm watches, as DescribeAlarms calls it.
_WATCHES = (
    *("Namespace", "MetricName", "Statistic", "Period", "EvaluationPeriods", "Threshold"),
    *("ComparisonOperator", "TreatMissingData"),
)


class AwsEyes:
    """The Eyes protocol. `client(service, region)` gives a boto3 client; an empty Region is our own."""

    def __init__(self, client: Callable[[str, str], Any]) -> None:
        self._client = client

    def look(self, eye: Eye) -> Facts | None:
        """What is there; None if it is not there. Refused if we may not look, Unreachable."""
        with our_errors(f"{eye.label} could not be looked at", refused="may not be looked at"):
            try:
                return self._LOOKS[eye.kind](self, eye)
            except Exception as error:
                if error_code(error) in _ABSENT:
                    return None
                raise

    def _trail(self, eye: Eye) -> Facts:
        """All trails that are seen from here: those of other Regions and of the organisation among them."""
        found, unseen = [], list[Exception]()
        for trail in self._client("cloudtrail", eye.region).describe_trails()["trailList"]:
            try:
                found.append(self._trail_as_it_is(trail, eye.region))
            except Exception as error:  # of an organisation, and not ours to look at; or gone since it was listed
                if not error_code(error) or unanswered(error):
                    raise
                unseen += [] if error_code(error) in _ABSENT else [error]
        if unseen and blind(eye, {"trails": found}):
            raise unseen[0]  # it may record what the others do not
        return {"trails": found}

    def _trail_as_it_is(self, trail: Mapping[str, Any], here: str) -> dict[str, Any]:
        home, arn = trail.get("HomeRegion", here), trail["TrailARN"]
        there = self._client("cloudtrail", home)
        logging = bool(there.get_trail_status(Name=arn).get("IsLogging"))
        chosen = there.get_event_selectors(TrailName=arn) if logging else {}
        return {
            "name": trail["Name"],
            "region": home,
            "all_regions": bool(trail.get("IsMultiRegionTrail")),
            "global": bool(trail.get("IncludeGlobalServiceEvents", True)),
            "logging": logging,
            "selectors": chosen.get("EventSelectors") or [],
            "advanced": chosen.get("AdvancedEventSelectors") or [],
        }

    def _rule(self, eye: Eye) -> Facts:
        events = self._client("events", eye.region)
        rule = events.describe_rule(Name=eye.name)
        targets = events.list_targets_by_rule(Rule=eye.name)["Targets"]
        return {
            "state": rule.get("State", ""),
            "pattern": rule.get("EventPattern"),
            "schedule": rule.get("ScheduleExpression"),
            "targets": [
                {
                    "arn": target["Arn"],
                    "group": (target.get("SqsParameters") or {}).get("MessageGroupId", ""),
                    "changed": any(target.get(way) for way in ("Input", "InputPath", "InputTransformer")),
                    "role": target.get("RoleArn") or "",
                    "dead": (target.get("DeadLetterConfig") or {}).get("Arn", ""),
                }
                for target in targets
            ],
        }

    def _function(self, eye: Eye) -> Facts:
        functions = self._client("lambda", eye.region)
        is_now = functions.get_function_configuration(FunctionName=eye.name)
        reserved = functions.get_function_concurrency(FunctionName=eye.name).get("ReservedConcurrentExecutions")
        pages = functions.get_paginator("list_aliases").paginate(FunctionName=eye.name)
        aliases = [one for page in pages for one in page["Aliases"]]
        network = is_now.get("VpcConfig") or {}
        return {
            "state": is_now.get("State", "Active"),
            "role": is_now["Role"],
            "reserved": reserved,
            "sha256": is_now["CodeSha256"],
            "layers": [layer["Arn"] for layer in is_now.get("Layers", ())],
            "handler": is_now.get("Handler", ""),
            "environment": is_now.get("Environment", {}).get("Variables", {}),
            "aliases": {one["Name"]: _leads_to(one) for one in aliases},
            "limits": [
                *(is_now.get(part) for part in ("Runtime", "Timeout", "MemorySize", "KMSKeyArn")),
                sorted(network.get("SubnetIds", ())),
                sorted(network.get("SecurityGroupIds", ())),
            ],
            "callers": self._callers(functions, eye.name, ["", *(one["Name"] for one in aliases)]),
        }

    def _callers(self, functions: Any, name: str, doors: Iterable[str]) -> dict[str, Any]:
        """Door (empty: the function itself) -> its policy, where it has one."""
        found = {}
        for door in doors:
            try:
                of = {"Qualifier": door} if door else {}
                found[door] = plain(policy(functions.get_policy(FunctionName=name, **of)["Policy"]))
            except Exception as error:
                if error_code(error) not in _ABSENT:
                    raise
        return {door: said for door, said in found.items() if said}

    def _reader(self, eye: Eye) -> Facts:
        """Whoever reads it: another function that does takes events away from ours."""
        pages = self._client("lambda", eye.region).get_paginator("list_event_source_mappings")
        listed = [
            one for page in pages.paginate(EventSourceArn=eye.wants["queue"]) for one in page["EventSourceMappings"]
        ]
        return {
            "mappings": [
                {
                    "function": one["FunctionArn"].split(":")[6],
                    "state": one["State"],
                    "filters": bool((one.get("FilterCriteria") or {}).get("Filters")),
                    "reports_failures": "ReportBatchItemFailures" in (one.get("FunctionResponseTypes") or ()),
                }
                for one in listed
            ]
        }

    def _queue(self, eye: Eye) -> Facts:
        sqs = self._client("sqs", eye.region)
        url = sqs.get_queue_url(QueueName=eye.name)["QueueUrl"]
        has = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(_QUEUE_FACTS)).get("Attributes", {})
        return {
            "key": has.get("KmsMasterKeyId", ""),
            "policy": has.get("Policy", ""),
            "retention": int(has.get("MessageRetentionPeriod", 345_600)),
            "delay": int(has.get("DelaySeconds", 0)),
            "hidden": int(has.get("VisibilityTimeout", 30)),
            "largest": int(has.get("MaximumMessageSize", 262_144)),
            "redrive": has.get("RedrivePolicy", ""),
        }

    def _topic(self, eye: Eye) -> Facts:
        sns, arn = self._client("sns", eye.region), eye.wants["arn"]
        has = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
        confirmed, filtered = [], []
        if wanted := eye.wants.get("told"):
            for page in sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn):
                told = [one for one in page["Subscriptions"] if one["SubscriptionArn"].startswith("arn:")]
                confirmed += [one["Endpoint"] for one in told]
                filtered += [one["Endpoint"] for one in told if one["Endpoint"] in wanted and _filtered(sns, one)]
        return {
            "key": has.get("KmsMasterKeyId", ""),
            "policy": has.get("Policy", ""),
            "confirmed": confirmed,
            "filtered": filtered,
        }

    def _role(self, eye: Eye) -> Facts:
        iam, name = self._client("iam", eye.region), eye.name
        role = iam.get_role(RoleName=name)["Role"]
        attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        return {
            "trust": role["AssumeRolePolicyDocument"],
            "boundary": (role.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn", ""),
            "attached": [one["PolicyArn"] for one in attached],
            "policies": {
                one: iam.get_role_policy(RoleName=name, PolicyName=one)["PolicyDocument"]
                for one in iam.list_role_policies(RoleName=name)["PolicyNames"]
            },
        }

    def _alarms(self, eye: Eye) -> Facts:
        names, found = list(eye.wants["names"]), {}
        alarms = self._client("cloudwatch", eye.region)
        for start in range(0, len(names), 100):  # as many as one question takes
            for alarm in alarms.describe_alarms(AlarmNames=names[start : start + 100], MaxRecords=100)["MetricAlarms"]:
                found[alarm["AlarmName"]] = {
                    "enabled": alarm["ActionsEnabled"],
                    "actions": alarm["AlarmActions"],
                    "as": _watches(alarm),
                }
        return {"found": found}

    def _table(self, eye: Eye) -> Facts:
        tables = self._client("dynamodb", eye.region)
        table = tables.describe_table(TableName=eye.name)["Table"]
        backups = tables.describe_continuous_backups(TableName=eye.name)["ContinuousBackupsDescription"]
        forgets = tables.describe_time_to_live(TableName=eye.name)["TimeToLiveDescription"]
        streams = tables.describe_kinesis_streaming_destination(TableName=eye.name)["KinesisDataStreamDestinations"]
        most = table.get("OnDemandThroughput") or {}
        on_demand = (table.get("BillingModeSummary") or {}).get("BillingMode") == "PAY_PER_REQUEST"
        return {
            "status": table["TableStatus"],
            "protected": table.get("DeletionProtectionEnabled", False),
            "recovers": (backups.get("PointInTimeRecoveryDescription") or {}).get("PointInTimeRecoveryStatus")
            == "ENABLED",
            "key": (table.get("SSEDescription") or {}).get("KMSMasterKeyArn", ""),
            "forgets_by": forgets.get("AttributeName", "")
            if forgets.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
            else "",
            "limited": not on_demand or any(limit not in (None, -1) for limit in most.values()),
            "policy": self._policy_of(tables, table["TableArn"]),
            "copied_to": [
                *([f"its stream {table['LatestStreamArn']}"] if _streams(table) else []),
                *(f"a replica in {one['RegionName']}" for one in table.get("Replicas") or ()),
                *(one["StreamArn"] for one in streams if one["DestinationStatus"] in ("ACTIVE", "ENABLING")),
            ],
        }

    def _policy_of(self, tables: Any, arn: str) -> str:
        try:
            return str(tables.get_resource_policy(ResourceArn=arn).get("Policy") or "")
        except Exception as error:
            if error_code(error) != "PolicyNotFoundException":
                raise
            return ""

    _LOOKS: ClassVar[dict[EyeKind, Callable[[AwsEyes, Eye], Facts]]] = {
        EyeKind.TRAIL: _trail,
        EyeKind.RULE: _rule,
        EyeKind.FUNCTION: _function,
        EyeKind.READER: _reader,
        EyeKind.QUEUE: _queue,
        EyeKind.TOPIC: _topic,
        EyeKind.ROLE: _role,
        EyeKind.ALARMS: _alarms,
        EyeKind.TABLE: _table,
    }


def _watches(alarm: Mapping[str, Any]) -> dict[str, Any]:
    """What it watches, as `stacks.alarms` writes it down."""
    dimensions = {one["Name"]: one["Value"] for one in alarm.get("Dimensions", ())}
    found = {part: alarm[part] for part in _WATCHES if alarm.get(part) is not None}
    return {**found, "Dimensions": dimensions}


def _streams(table: Mapping[str, Any]) -> bool:
    return bool((table.get("StreamSpecification") or {}).get("StreamEnabled"))


def _filtered(sns: Any, subscription: Mapping[str, Any]) -> bool:
    has = sns.get_subscription_attributes(SubscriptionArn=subscription["SubscriptionArn"])["Attributes"]
    return (has.get("FilterPolicy") or "{}") != "{}"


def _leads_to(alias: Mapping[str, Any]) -> str:
    """The version behind an alias, and any other that a part of the calls goes to."""
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    return " ".join([alias["FunctionVersion"], *sorted(weights)])
