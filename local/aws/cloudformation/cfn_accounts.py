"""CloudFormation types of IAM, Cognito and KMS that MiniStack does not know, and the encryption of a bucket, which it passes over.

AWS::IAM::Group and AWS::IAM::UserToGroupAddition, AWS::Cognito::UserPoolUser and its UserPoolUserToGroupAttachment,
AWS::KMS::ReplicaKey; BucketEncryption of AWS::S3::Bucket. Each goes through the service's own calls, so what they check is checked.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from typing import Any

from local.aws.patching import checked

Made = tuple[str, dict[str, Any]]


def install() -> None:
    from ministack.services import s3
    from ministack.services.cloudformation import provisioners

    provisioners._S3_BUCKET_CONFIGURATIONS = (
        *provisioners._S3_BUCKET_CONFIGURATIONS,
        ("BucketEncryption", _encryption, s3._put_bucket_encryption, s3._delete_bucket_encryption),
    )
    provisioners._RESOURCE_HANDLERS.update(
        {
            "AWS::IAM::Group": {"create": _group, "update": _group_update, "delete": _group_delete},
            "AWS::IAM::UserToGroupAddition": {
                "create": _addition,
                "update": _addition_update,
                "delete": _addition_delete,
            },
            "AWS::Cognito::UserPoolUser": {"create": _pool_user, "delete": _pool_user_delete},
            "AWS::Cognito::UserPoolUserToGroupAttachment": {"create": _attachment, "delete": _attachment_delete},
            "AWS::KMS::ReplicaKey": {"create": _replica, "update": _replica_update, "delete": _replica_delete},
        }
    )


def _encryption(properties: dict[str, Any]) -> bytes:
    """As PutBucketEncryption takes it."""
    configuration = ElementTree.Element("ServerSideEncryptionConfiguration")
    for rule in properties["ServerSideEncryptionConfiguration"]:
        shown = ElementTree.SubElement(configuration, "Rule")
        default = ElementTree.SubElement(shown, "ApplyServerSideEncryptionByDefault")
        for name, value in rule.get("ServerSideEncryptionByDefault", {}).items():
            ElementTree.SubElement(default, name).text = value
        ElementTree.SubElement(shown, "BucketKeyEnabled").text = str(rule.get("BucketKeyEnabled", False)).lower()
    return ElementTree.tostring(configuration)


def _group(logical_id: str, properties: dict[str, Any], stack: str) -> Made:
    from ministack.services import iam
    from ministack.services.cloudformation import provisioners

    name = properties.get("GroupName") or provisioners._physical_name(stack, logical_id, max_len=128)
    checked(iam._create_group({"GroupName": name, "Path": properties.get("Path", "/")}), "AWS::IAM::Group")
    _group_policies(name, {}, properties)
    return name, {"Arn": iam._groups[name]["Arn"]}


def _group_update(name: str, old: dict[str, Any], new: dict[str, Any], _stack: str) -> Made:
    from ministack.services import iam

    if old.get("Path", "/") != new.get("Path", "/"):
        raise ValueError("the path of a group can only be changed by replacing it: not emulated")
    _group_policies(name, old, new)
    return name, {"Arn": iam._groups[name]["Arn"]}


def _group_policies(name: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    from ministack.services import iam

    had, wanted = set(old.get("ManagedPolicyArns") or []), set(new.get("ManagedPolicyArns") or [])
    for arn in had - wanted:
        checked(iam._detach_group_policy({"GroupName": name, "PolicyArn": arn}), "AWS::IAM::Group")
    for arn in wanted - had:
        checked(iam._attach_group_policy({"GroupName": name, "PolicyArn": arn}), "AWS::IAM::Group")
    kept = {policy["PolicyName"] for policy in new.get("Policies") or []}
    for policy in old.get("Policies") or []:
        if policy["PolicyName"] not in kept:
            checked(
                iam._delete_group_policy({"GroupName": name, "PolicyName": policy["PolicyName"]}), "AWS::IAM::Group"
            )
    for policy in new.get("Policies") or []:
        document = json.dumps(policy["PolicyDocument"])
        asked = {"GroupName": name, "PolicyName": policy["PolicyName"], "PolicyDocument": document}
        checked(iam._put_group_policy(asked), "AWS::IAM::Group")


def _group_delete(name: str, properties: dict[str, Any]) -> None:
    from ministack.services import iam

    group = iam._groups.get(name)
    if group is None:
        return
    if group["Users"]:
        raise ValueError(f"Cannot delete entity, must remove users from group first: {', '.join(group['Users'])}")
    _group_policies(name, properties, {})
    checked(iam._delete_group({"GroupName": name}), "AWS::IAM::Group")


def _addition(logical_id: str, properties: dict[str, Any], stack: str) -> Made:
    from ministack.services import iam
    from ministack.services.cloudformation import provisioners

    for user in properties["Users"]:
        asked = {"GroupName": properties["GroupName"], "UserName": user}
        checked(iam._add_user_to_group(asked), "AWS::IAM::UserToGroupAddition")
    name = provisioners._physical_name(stack, logical_id, max_len=128)
    return name, {"Id": name}


def _addition_delete(_name: str, properties: dict[str, Any]) -> None:
    from ministack.services import iam

    for user in properties["Users"]:
        group = iam._groups.get(properties["GroupName"])
        if group is not None and user in group["Users"]:
            group["Users"].remove(user)


def _addition_update(name: str, old: dict[str, Any], new: dict[str, Any], stack: str) -> Made:
    _addition_delete(name, old)
    _addition("", new, stack)
    return name, {"Id": name}


def _pool_user(logical_id: str, properties: dict[str, Any], stack: str) -> Made:
    from ministack.services import cognito
    from ministack.services.cloudformation import provisioners

    name = properties.get("Username") or provisioners._physical_name(stack, logical_id, max_len=128)
    wanted = ("UserPoolId", "UserAttributes", "MessageAction", "DesiredDeliveryMediums", "ForceAliasCreation")
    asked = {member: properties[member] for member in wanted if member in properties}
    checked(cognito._admin_create_user({**asked, "Username": name}), "AWS::Cognito::UserPoolUser")
    return name, {}


def _pool_user_delete(name: str, properties: dict[str, Any]) -> None:
    from ministack.services import cognito

    pool = cognito._user_pools.get(properties["UserPoolId"])
    if pool and name in pool["_users"]:
        checked(
            cognito._admin_delete_user({"UserPoolId": properties["UserPoolId"], "Username": name}),
            "AWS::Cognito::UserPoolUser",
        )


def _attachment(_logical_id: str, properties: dict[str, Any], _stack: str) -> Made:
    from ministack.services import cognito

    what = "AWS::Cognito::UserPoolUserToGroupAttachment"
    checked(cognito._admin_add_user_to_group(properties), what)
    return "-".join(properties[member] for member in ("UserPoolId", "GroupName", "Username")), {}


def _attachment_delete(_name: str, properties: dict[str, Any]) -> None:
    from ministack.services import cognito

    pool = cognito._user_pools.get(properties["UserPoolId"])
    if pool and properties["Username"] in pool["_users"] and properties["GroupName"] in pool["_groups"]:
        checked(cognito._admin_remove_user_from_group(properties), "AWS::Cognito::UserPoolUserToGroupAttachment")


def _replica(_logical_id: str, properties: dict[str, Any], _stack: str) -> Made:
    from ministack.core.responses import get_account_id, get_region, request_scope
    from ministack.services import kms

    here, primary = get_region(), properties["PrimaryKeyArn"]
    asked = {
        "KeyId": primary,
        "ReplicaRegion": here,
        "Policy": json.dumps(properties["KeyPolicy"]),
        "Description": properties.get("Description", ""),
        "Tags": [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in properties.get("Tags", [])],
    }
    with request_scope(get_account_id(), primary.split(":")[3]):
        made = checked(kms._replicate_key(asked), "AWS::KMS::ReplicaKey")["ReplicaKeyMetadata"]
    if properties.get("Enabled") is False:
        checked(kms._disable_key({"KeyId": made["KeyId"]}), "AWS::KMS::ReplicaKey")
    return made["KeyId"], {"Arn": made["Arn"], "KeyId": made["KeyId"]}


def _replica_update(key_id: str, old: dict[str, Any], new: dict[str, Any], _stack: str) -> Made:
    from ministack.services import kms

    if old["PrimaryKeyArn"] != new["PrimaryKeyArn"]:
        raise ValueError("the primary of a replica key can only be changed by replacing it: not emulated")
    key = kms._resolve_key(key_id)
    if key is None:
        raise ValueError(f"the replica key {key_id} does not exist")
    key.update(Policy=json.dumps(new["KeyPolicy"]), Description=new.get("Description", ""))
    return key_id, {"Arn": key["Arn"], "KeyId": key_id}


def _replica_delete(key_id: str, properties: dict[str, Any]) -> None:
    from ministack.services import kms

    if kms._resolve_key(key_id):
        days = int(properties.get("PendingWindowInDays", 30))
        checked(kms._schedule_key_deletion({"KeyId": key_id, "PendingWindowInDays": days}), "AWS::KMS::ReplicaKey")
