"""SSM documents: MiniStack has parameters and Run Command, but no documents, so no runbook could be deployed.

Kept a version each, per account and Region, through the API and through AWS::SSM::Document.
"""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

from local.aws.patching import Refusal, add_operations

KEPT: Any = None  # name -> list of versions, oldest first; made at install, scoped by account and Region


def install() -> None:
    global KEPT
    from ministack.core.responses import AccountRegionScopedDict
    from ministack.services import ssm
    from ministack.services.cloudformation import provisioners

    KEPT = AccountRegionScopedDict()
    add_operations(
        ssm,
        {
            "CreateDocument": lambda asked: {"DocumentDescription": described(create(asked))},
            "UpdateDocument": lambda asked: {"DocumentDescription": described(update(asked))},
            "UpdateDocumentDefaultVersion": default_version,
            "DeleteDocument": delete,
            "DescribeDocument": lambda asked: {
                "Document": described(find(asked["Name"], asked.get("DocumentVersion")))
            },
            "GetDocument": get,
            "ListDocuments": listed,
        },
    )
    provisioners._RESOURCE_HANDLERS["AWS::SSM::Document"] = {"create": _create, "update": _update, "delete": _delete}


def find(name: str, version: str | None = None) -> dict[str, Any]:
    versions = KEPT.get(name.rpartition("document/")[2])
    if not versions:
        raise Refusal("InvalidDocument", f"Document with name {name} does not exist.")
    if version in (None, "$DEFAULT"):
        return next(v for v in versions if v["_default"])
    if version == "$LATEST":
        return versions[-1]  # type: ignore[no-any-return]
    found = next((v for v in versions if v["DocumentVersion"] == version), None)
    if found is None:
        raise Refusal("InvalidDocumentVersion", f"Document {name} has no version {version}.")
    return found  # type: ignore[no-any-return]


def create(asked: dict[str, Any]) -> dict[str, Any]:
    if asked["Name"] in KEPT:
        raise Refusal("DocumentAlreadyExists", f"Document with same name {asked['Name']} already exists")
    kept = _version(asked, 1)
    kept["_default"] = True
    KEPT[asked["Name"]] = [kept]
    return kept


def update(asked: dict[str, Any]) -> dict[str, Any]:
    latest = find(asked["Name"], "$LATEST")
    if latest["Content"] == asked["Content"]:
        raise Refusal("DuplicateDocumentContent", "The content of the association document matches another document.")
    kept = _version({**latest, **asked}, int(latest["DocumentVersion"]) + 1)
    KEPT[asked["Name"]].append(kept)
    return kept


def default_version(asked: dict[str, Any]) -> dict[str, Any]:
    chosen = find(asked["Name"], asked["DocumentVersion"])
    for version in KEPT[asked["Name"]]:
        version["_default"] = version is chosen
    return {"Description": {"Name": asked["Name"], "DefaultVersion": chosen["DocumentVersion"]}}


def delete(asked: dict[str, Any]) -> dict[str, Any]:
    find(asked["Name"])
    del KEPT[asked["Name"]]
    return {}


def get(asked: dict[str, Any]) -> dict[str, Any]:
    kept = find(asked["Name"], asked.get("DocumentVersion"))
    wanted = ("Name", "DocumentVersion", "Status", "Content", "DocumentType", "DocumentFormat")
    return {member: kept[member] for member in wanted}


def listed(_asked: dict[str, Any]) -> dict[str, Any]:
    wanted = (
        "Name",
        "Owner",
        "PlatformTypes",
        "DocumentVersion",
        "DocumentType",
        "SchemaVersion",
        "DocumentFormat",
        "Tags",
    )
    return {"DocumentIdentifiers": [{member: find(name)[member] for member in wanted} for name in KEPT]}


def described(kept: dict[str, Any]) -> dict[str, Any]:
    versions = KEPT[kept["Name"]]
    shown = {name: value for name, value in kept.items() if not name.startswith("_") and name != "Content"}
    default = next(v["DocumentVersion"] for v in versions if v["_default"])
    return {**shown, "LatestVersion": versions[-1]["DocumentVersion"], "DefaultVersion": default}


def parsed(kept: dict[str, Any]) -> dict[str, Any]:
    """The document's content as a tree, whichever of the two formats it is kept in."""
    if kept["DocumentFormat"] == "YAML":
        import yaml

        tree: dict[str, Any] = yaml.safe_load(kept["Content"])
        return tree
    read: dict[str, Any] = json.loads(kept["Content"])
    return read


def _version(asked: dict[str, Any], number: int) -> dict[str, Any]:
    from ministack.core.responses import get_account_id

    kept = {
        "Name": asked["Name"],
        "DocumentType": asked.get("DocumentType", "Command"),
        "DocumentFormat": asked.get("DocumentFormat", "JSON"),
        "Content": asked["Content"],
        "Status": "Active",
        "Owner": get_account_id(),
        "CreatedDate": int(time.time()),
        "DocumentVersion": str(number),
        "HashType": "Sha256",
        "Hash": hashlib.sha256(asked["Content"].encode()).hexdigest(),
        "PlatformTypes": ["Linux", "MacOS", "Windows"],
        "Tags": asked.get("Tags", []),
        "_default": False,
    }
    try:
        content = parsed(kept)
    except Exception as wrong:
        raise Refusal(
            "InvalidDocumentContent", f"the content is not valid {kept['DocumentFormat']}: {wrong}"
        ) from wrong
    if not isinstance(content, dict) or "schemaVersion" not in content:
        raise Refusal("InvalidDocumentSchemaVersion", "the document has no schemaVersion")
    return {**kept, "SchemaVersion": content["schemaVersion"], "Description": content.get("description", "")}


def _properties(properties: dict[str, Any], name: str) -> dict[str, Any]:
    content = properties["Content"]
    return {**properties, "Name": name, "Content": content if isinstance(content, str) else json.dumps(content)}


def _create(logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
    from ministack.services.cloudformation import provisioners

    name = properties.get("Name") or provisioners._physical_name(stack, logical_id, max_len=128)
    _or_fail(create, _properties(properties, name))
    return name, {}


def _update(name: str, old: dict[str, Any], new: dict[str, Any], _stack: str) -> tuple[str, dict[str, Any]]:
    if old.get("Content") != new.get("Content"):
        made = _or_fail(update, _properties(new, name))
        default_version({"Name": name, "DocumentVersion": made["DocumentVersion"]})
    return name, {}


def _delete(name: str, _properties_then: dict[str, Any]) -> None:
    KEPT.pop(name, None)


def _or_fail(operation: Any, asked: dict[str, Any]) -> dict[str, Any]:
    try:
        result: dict[str, Any] = operation(asked)
    except Refusal as refusal:
        raise ValueError(f"{refusal.code}: {refusal}") from refusal
    return result
