"""The facts about trails, rules, functions, queues, the topic and alarms, as AWS has them now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from portcullis.clients import error_code, unanswered
from portcullis.errors import Refused, Unreachable
from portcullis.watch.eyes import Eye, EyeKind, Facts

_ABSENT = frozenset(
    {
        *("ResourceNotFoundException", "TrailNotFoundException", "NotFound", "NotFoundException"),
        *("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"),
    }
)
_QUEUE_FACTS = ("KmsMasterKeyId", "Policy", "MessageRetentionPeriod")


class AwsEyes:
    """The Eyes protocol. `client(service, region)` gives a boto3 client; an empty Region is our own."""

    def __init__(self, client: Callable[[str, str], Any]) -> None:
        self._client = client

    def look(self, eye: Eye) -> Facts | None:
        """What is there; None if it is not there. Refused if we may not look, Unreachable."""
        try:
            return self._LOOKS[eye.kind](self, eye)
        except Exception as error:
            code = error_code(error)
            if code in _ABSENT:
                return None
            if why := unanswered(error):
                raise Unreachable(f"{eye.label} could not be looked at: {why}") from error
            if code:
                raise Refused(f"may not be looked at: {code}") from error
            raise

    def _trail(self, eye: Eye) -> Facts:
        """All trails that are seen from here: those of other Regions and of the organisation among them."""
        found = []
        here = self._client("cloudtrail", eye.region)
        for trail in here.describe_trails()["trailList"]:
            home, arn = trail.get("HomeRegion", eye.region), trail["TrailARN"]
            there = self._client("cloudtrail", home)
            logging = bool(there.get_trail_status(Name=arn).get("IsLogging"))
            chosen = there.get_event_selectors(TrailName=arn) if logging else {}
            found.append(
                {
                    "name": trail["Name"],
                    "region": home,
                    "all_regions": bool(trail.get("IsMultiRegionTrail")),
                    "global": bool(trail.get("IncludeGlobalServiceEvents", True)),
                    "logging": logging,
                    "selectors": chosen.get("EventSelectors") or [],
                    "advanced": chosen.get("AdvancedEventSelectors") or [],
                }
            )
        return {"trails": found}

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
                }
                for target in targets
            ],
        }

    def _function(self, eye: Eye) -> Facts:
        functions = self._client("lambda", eye.region)
        is_now = functions.get_function_configuration(FunctionName=eye.name)
        reserved = functions.get_function_concurrency(FunctionName=eye.name).get("ReservedConcurrentExecutions")
        aliases = functions.get_paginator("list_aliases").paginate(FunctionName=eye.name)
        return {
            "state": is_now.get("State", "Active"),
            "role": is_now["Role"],
            "reserved": reserved,
            "sha256": is_now["CodeSha256"],
            "layers": [layer["Arn"] for layer in is_now.get("Layers", ())],
            "handler": is_now.get("Handler", ""),
            "environment": is_now.get("Environment", {}).get("Variables", {}),
            "aliases": {one["Name"]: _leads_to(one) for page in aliases for one in page["Aliases"]},
        }

    def _reader(self, eye: Eye) -> Facts:
        listed = self._client("lambda", eye.region).list_event_source_mappings(
            FunctionName=eye.wants["function"], EventSourceArn=eye.wants["queue"]
        )
        return {"states": [mapping["State"] for mapping in listed["EventSourceMappings"]]}

    def _queue(self, eye: Eye) -> Facts:
        sqs = self._client("sqs", eye.region)
        url = sqs.get_queue_url(QueueName=eye.name)["QueueUrl"]
        has = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(_QUEUE_FACTS)).get("Attributes", {})
        return {
            "key": has.get("KmsMasterKeyId", ""),
            "policy": has.get("Policy", ""),
            "retention": int(has.get("MessageRetentionPeriod", 345_600)),
        }

    def _topic(self, eye: Eye) -> Facts:
        sns, arn = self._client("sns", eye.region), eye.wants["arn"]
        has = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
        confirmed = []
        if eye.wants.get("told"):
            for page in sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn):
                told = [one for one in page["Subscriptions"] if one["SubscriptionArn"].startswith("arn:")]
                confirmed += [one["Endpoint"] for one in told]
        return {"key": has.get("KmsMasterKeyId", ""), "confirmed": confirmed}

    def _alarms(self, eye: Eye) -> Facts:
        names, found = list(eye.wants["names"]), {}
        alarms = self._client("cloudwatch", eye.region)
        for start in range(0, len(names), 100):  # as many as one question takes
            for alarm in alarms.describe_alarms(AlarmNames=names[start : start + 100], MaxRecords=100)["MetricAlarms"]:
                found[alarm["AlarmName"]] = {"enabled": alarm["ActionsEnabled"], "actions": alarm["AlarmActions"]}
        return {"found": found}

    _LOOKS: ClassVar[dict[EyeKind, Callable[[AwsEyes, Eye], Facts]]] = {
        EyeKind.TRAIL: _trail,
        EyeKind.RULE: _rule,
        EyeKind.FUNCTION: _function,
        EyeKind.READER: _reader,
        EyeKind.QUEUE: _queue,
        EyeKind.TOPIC: _topic,
        EyeKind.ALARMS: _alarms,
    }


def _leads_to(alias: Mapping[str, Any]) -> str:
    """The version behind an alias, and any other that a part of the calls goes to."""
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    return " ".join([alias["FunctionVersion"], *sorted(weights)])
