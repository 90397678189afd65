"""CloudFormation types that watch and relay, which MiniStack does not know: trails, composite alarms, bus policies.

AWS::CloudTrail::Trail, AWS::CloudWatch::CompositeAlarm, AWS::Events::EventBusPolicy.
"""

from __future__ import annotations

import json
from typing import Any

from local.aws.patching import checked

Made = tuple[str, dict[str, Any]]
TRAIL_MEMBERS = (
    *("S3BucketName", "S3KeyPrefix", "SnsTopicName", "IncludeGlobalServiceEvents"),
    *("IsMultiRegionTrail", "EnableLogFileValidation", "KMSKeyId", "IsOrganizationTrail"),
)


def install() -> None:
    from ministack.services.cloudformation import provisioners

    provisioners._RESOURCE_HANDLERS.update(
        {
            "AWS::CloudTrail::Trail": {"create": _trail, "update": _trail_update, "delete": _trail_delete},
            "AWS::CloudWatch::CompositeAlarm": {
                "create": _composite,
                "update": _composite_update,
                "delete": _composite_delete,
            },
            "AWS::Events::EventBusPolicy": {
                "create": _bus_policy,
                "update": _bus_policy_update,
                "delete": _bus_policy_delete,
            },
        }
    )


def _trail_asked(name: str, properties: dict[str, Any]) -> dict[str, Any]:
    asked = {member: properties[member] for member in TRAIL_MEMBERS if member in properties}
    if "KMSKeyId" in asked:
        asked["KmsKeyId"] = asked.pop("KMSKeyId")
    return {"Name": name, **asked}


def _trail(logical_id: str, properties: dict[str, Any], stack: str) -> Made:
    from ministack.services import cloudtrail
    from ministack.services.cloudformation import provisioners

    name = properties.get("TrailName") or provisioners._physical_name(stack, logical_id, max_len=128)
    checked(cloudtrail._create_trail(_trail_asked(name, properties)), "AWS::CloudTrail::Trail")
    _logging(name, properties)
    return name, _trail_attributes(name)


def _trail_update(name: str, _old: dict[str, Any], new: dict[str, Any], _stack: str) -> Made:
    from ministack.services import cloudtrail

    checked(cloudtrail._update_trail(_trail_asked(name, new)), "AWS::CloudTrail::Trail")
    _logging(name, new)
    return name, _trail_attributes(name)


def _logging(name: str, properties: dict[str, Any]) -> None:
    from ministack.services import cloudtrail

    wanted = str(properties.get("IsLogging", True)).lower() == "true"
    checked(
        (cloudtrail._start_logging if wanted else cloudtrail._stop_logging)({"Name": name}), "AWS::CloudTrail::Trail"
    )


def _trail_attributes(name: str) -> dict[str, Any]:
    from ministack.core.responses import get_account_id, get_region

    return {"Arn": f"arn:aws:cloudtrail:{get_region()}:{get_account_id()}:trail/{name}"}


def _trail_delete(name: str, _properties: dict[str, Any]) -> None:
    from ministack.services import cloudtrail

    checked(cloudtrail._delete_trail({"Name": name}), "AWS::CloudTrail::Trail")


def _composite(logical_id: str, properties: dict[str, Any], stack: str) -> Made:
    from ministack.core.responses import get_account_id, get_region
    from ministack.services import cloudwatch
    from ministack.services.cloudformation import provisioners

    name = properties.get("AlarmName") or provisioners._physical_name(stack, logical_id, max_len=255)
    status, _headers, body = cloudwatch._put_composite_alarm({}, {**properties, "AlarmName": name}, False, True)
    if status >= 400:
        raise ValueError(f"AWS::CloudWatch::CompositeAlarm: {body!r}")
    return name, {"Arn": f"arn:aws:cloudwatch:{get_region()}:{get_account_id()}:alarm:{name}"}


def _composite_update(name: str, _old: dict[str, Any], new: dict[str, Any], stack: str) -> Made:
    return _composite("", {**new, "AlarmName": name}, stack)


def _composite_delete(name: str, _properties: dict[str, Any]) -> None:
    from ministack.services import cloudwatch

    cloudwatch._composite_alarms.pop(name, None)


def _bus_policy(_logical_id: str, properties: dict[str, Any], _stack: str) -> Made:
    from ministack.services import eventbridge

    bus, statement = properties.get("EventBusName", "default"), properties.get("Statement") or {}
    if isinstance(statement, str):
        statement = json.loads(statement)
    asked = {
        "EventBusName": bus,
        "StatementId": properties["StatementId"],
        "Principal": statement.get("Principal", properties.get("Principal", "*")),
        "Action": statement.get("Action", properties.get("Action", "events:PutEvents")),
        "Condition": statement.get("Condition", properties.get("Condition")),
    }
    checked(eventbridge._put_permission(asked), "AWS::Events::EventBusPolicy")
    return f"{bus}|{properties['StatementId']}", {}


def _bus_policy_update(name: str, _old: dict[str, Any], new: dict[str, Any], stack: str) -> Made:
    made, attributes = _bus_policy("", new, stack)
    if made != name:
        _bus_policy_delete(name, {})
    return made, attributes


def _bus_policy_delete(name: str, _properties: dict[str, Any]) -> None:
    from ministack.services import eventbridge

    bus, _, statement = name.partition("|")
    eventbridge._remove_permission({"EventBusName": bus, "StatementId": statement})
