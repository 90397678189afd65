"""The JSON Schema of the deployment file: what editors complete and check by."""

from __future__ import annotations

import json
from typing import Any

from pydantic.json_schema import models_json_schema

from portcullis.model.elasticsearch.types import OnCluster
from portcullis.model.types import OnDomain


def schema() -> dict[str, Any]:
    """The schema as a document (JSON Schema 2020-12). It is as strict as a schema can be; `check` knows more."""
    _, made = models_json_schema([(OnDomain, "validation"), (OnCluster, "validation")])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Portcullis deployment",
        "description": "One search engine with its key, its identity sources and its access model.",
        "if": {"required": ["cluster"]},
        "then": {"$ref": "#/$defs/OnCluster"},
        "else": {"$ref": "#/$defs/OnDomain"},
        **made,
    }


def schema_text() -> str:
    """The schema as it is committed in docs/deployment.schema.json."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
