"""Filters of roles that are templates, filled in for whoever asks as the engine does (seen on 6.8.23, whose packages have Mustache).

Only what names a value: `{{_user.username}}`, `{{_user.metadata.team}}`, three braces for the value as it is, and
`{{#toJson}}_user.roles{{/toJson}}`. Anything else (other sections, partials, a stored template) stays as it stands: only the engine
knows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

UNFILLED = "a filter of theirs is a template: what it comes to for them only the engine knows"
_TAG = re.compile(r"\{\{#toJson\}\}\s*([\w.]+)\s*\{\{/toJson\}\}|\{\{\{\s*([\w.]+)\s*\}\}\}|\{\{&?\s*([\w.]+)\s*\}\}")


def is_template(query: str) -> bool:
    """Whether a role's filter is filled in by the engine for whoever asks."""
    try:
        found = json.loads(query)
    except ValueError:
        return False
    return isinstance(found, dict) and "template" in found


def filled(query: str, user: Mapping[str, Any]) -> str:
    """The filter as it is for this user; as it stands where it is no template, or one that only the engine fills in."""
    if not is_template(query):
        return query
    template = json.loads(query)["template"]
    source = template.get("source", template.get("inline")) if isinstance(template, dict) else None
    if source is None or not set(template) <= {"source", "inline", "params"}:
        return query
    text = source if isinstance(source, str) else json.dumps(source)
    given = {**(template.get("params") or {}), "_user": user}
    try:
        done = _TAG.sub(lambda tag: _value(tag, given), text)
        if "{{" in done:
            return query
        return json.dumps(json.loads(done), sort_keys=True)
    except (ValueError, _Engine):
        return query


class _Engine(Exception):
    """Only the engine knows."""


def _value(tag: re.Match[str], given: Mapping[str, Any]) -> str:
    as_json, raw, plain = tag.groups()
    value = _found((as_json or raw or plain).split("."), given)
    if as_json:
        return json.dumps(value)
    if value is None:
        return ""
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        raise _Engine
    text = str(value)
    if "{{" in text:
        raise _Engine
    return text if raw or tag.group().startswith("{{&") else json.dumps(text, ensure_ascii=False)[1:-1]


def _found(path: list[str], given: Any) -> Any:
    for part in path:
        if not isinstance(given, Mapping):
            return None
        given = given.get(part)
    return given
