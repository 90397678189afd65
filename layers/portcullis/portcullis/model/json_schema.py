"""The JSON Schema of the deployment file: what editors complete and check by."""

from __future__ import annotations

import json
from typing import Any

from portcullis.model.types import Deployment


def schema() -> dict[str, Any]:
    """The schema as a document (JSON Schema 2020-12). It is as strict as a schema can be; `check` knows more."""
    made = Deployment.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": "Portcullis deployment"}


def schema_text() -> str:
    """The schema as it is committed in docs/deployment.schema.json."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
