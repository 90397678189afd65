"""What a call asked and answered, read with botocore's own service models: names, nesting, what is sensitive.

CloudTrail shows a call's parameters under the API's member names with a lower first letter, in the API's nesting, without
what the caller may not have written down. Reading the models (and no table of our own) keeps that right for every call.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote

import botocore.session
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.parsers import create_parser

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"


@cache
def model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


def operation(service: str, name: str) -> OperationModel | None:
    found = model(service)
    return found.operation_model(name) if name in found.operation_names else None


def lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def asked(call: OperationModel, method: str, path: str, body: bytes, query: Mapping[str, list[str]]) -> dict[str, Any]:
    """The members of the call's input shape as they were sent, under their API names."""
    shape = call.input_shape
    if shape is None:
        return {}
    protocol = call.service_model.resolved_protocol
    if protocol in ("query", "ec2"):
        form = {
            name: values[0] for name, values in {**parse_qs(body.decode(), keep_blank_values=True), **query}.items()
        }
        return _from_form(shape, form, "", flat=protocol == "ec2") or {}
    sent = _from_json(shape, json.loads(body)) if body.strip() else {}
    if protocol == "rest-json":
        sent.update(_from_path(call, path))
        for member, target in shape.members.items():
            if (
                target.serialization.get("location") == "querystring"
                and (name := target.serialization["name"]) in query
            ):
                sent[member] = query[name][0]
    return sent


def told(call: OperationModel, status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The answer as a boto3 caller would see it (members of the output shape, or `Error`)."""
    parser = create_parser(call.service_model.resolved_protocol)
    parsed: dict[str, Any] = parser.parse(
        {"status_code": status, "headers": {k.lower(): v for k, v in headers.items()}, "body": body}, call.output_shape
    )
    parsed.pop("ResponseMetadata", None)
    return parsed


def shown(shape: Shape | None, value: Any, *, drop: bool = False, items: bool = False) -> Any:
    """A value as CloudTrail shows it: lower first letters, sensitive members hidden (or left out), dates written out.

    `items`: EC2's way of showing a list, `{"items": [...]}`.
    """
    if shape is not None and shape.metadata.get("sensitive"):
        return HIDDEN
    if isinstance(value, Mapping):
        if shape is not None and shape.type_name == "map":
            return {
                name: shown(getattr(shape, "value", None), part, drop=drop, items=items) for name, part in value.items()
            }
        members = getattr(shape, "members", {})
        return {
            lower(name): shown(members.get(name), part, drop=drop, items=items)
            for name, part in value.items()
            if not (drop and name in members and members[name].metadata.get("sensitive"))
        }
    if isinstance(value, list):
        listed = [shown(getattr(shape, "member", None), part, drop=drop, items=items) for part in value]
        return {"items": listed} if items else listed
    if isinstance(value, datetime):
        return value.strftime("%b %-d, %Y %-I:%M:%S %p")
    return value


def _from_json(shape: Shape, value: Any) -> Any:
    if shape.type_name == "structure" and isinstance(value, Mapping):
        by_name = {member.serialization.get("name", name): (name, member) for name, member in shape.members.items()}
        return {by_name[k][0]: _from_json(by_name[k][1], v) for k, v in value.items() if k in by_name and v is not None}
    if shape.type_name == "list" and isinstance(value, list):
        return [_from_json(shape.member, item) for item in value]
    return value


def _from_form(shape: Shape, form: Mapping[str, str], prefix: str, *, flat: bool) -> Any:
    """The query protocols' flat parameters (`Tags.member.1.Key`; EC2: `TagSpecification.1.Tag.1.Key`) as a tree."""
    if shape.type_name == "structure":
        found = {}
        for name, member in shape.members.items():
            wire = _form_name(name, member, flat)
            part = _from_form(member, form, f"{prefix}{wire}", flat=flat) if not prefix else None
            if prefix:
                part = _from_form(member, form, f"{prefix}.{wire}", flat=flat)
            if part is not None:
                found[name] = part
        return found or None
    if shape.type_name == "list":
        listed: list[Any] = []
        inner = (
            ""
            if flat or shape.serialization.get("flattened")
            else f".{shape.member.serialization.get('name', 'member')}"
        )
        while (part := _from_form(shape.member, form, f"{prefix}{inner}.{len(listed) + 1}", flat=flat)) is not None:
            listed.append(part)
        return listed or None
    if shape.type_name == "map":
        entries: dict[str, Any] = {}
        inner = "" if shape.serialization.get("flattened") else ".entry"
        while (key := form.get(f"{prefix}{inner}.{len(entries) + 1}.key")) is not None:
            entries[key] = _from_form(shape.value, form, f"{prefix}{inner}.{len(entries) + 1}.value", flat=flat)
        return entries or None
    text = form.get(prefix)
    if text is None:
        return None
    if shape.type_name in ("integer", "long"):
        return int(text)
    return text == "true" if shape.type_name == "boolean" else text


def _form_name(name: str, member: Shape, flat: bool) -> str:
    if not flat:
        return str(member.serialization.get("name", name))
    wire = member.serialization.get("queryName") or member.serialization.get("name", name)
    return str(wire)[:1].upper() + str(wire)[1:]


def _from_path(call: OperationModel, path: str) -> dict[str, Any]:
    template = call.http["requestUri"].partition("?")[0]
    pattern = re.sub(r"\{(\w+)\+?\}", lambda label: f"(?P<{label.group(1)}>[^/]+)", template)
    match = re.fullmatch(pattern, path.rstrip("/"))
    labels = {
        m.serialization.get("name", n): n
        for n, m in call.input_shape.members.items()
        if m.serialization.get("location") == "uri"
    }
    return {
        labels[wire]: unquote(value) for wire, value in (match.groupdict() if match else {}).items() if wire in labels
    }
