"""How an OpenSearch is set to evaluate permissions. Apart from what decides by it, as adapters read it and functions start with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

V4, V4_WHOLE = "v4", "v4-whole"  # the second: `privileges_evaluation_ignore_unauthorized_indices` is off


def has_v4(version: str) -> bool:
    """Whether an OpenSearch of this version has the evaluation at all: from 3.7 on."""
    major, _, rest = version.partition(".")
    minor = rest.partition(".")[0]
    return major.isdigit() and minor.isdigit() and (int(major), int(minor)) >= (3, 7)


def evaluation_of(dynamic: Mapping[str, Any]) -> str:
    """How an engine evaluates, by `config.dynamic` of its security config: "", V4 or V4_WHOLE."""
    if dynamic.get("privileges_evaluation_type") != V4:
        return ""
    return V4_WHOLE if dynamic.get("privileges_evaluation_ignore_unauthorized_indices") is False else V4
