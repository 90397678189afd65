"""`make docs`: the JSON Schema of what the verbs that ask who may see what print with --json, from their types."""

from __future__ import annotations

import json

import msgspec
from portcullis.access.questions.answers import Matrix, WhatIf, WhoCan, Why
from portcullis.access.questions.changes import Diff
from portcullis.access.questions.findings import Findings
from portcullis.access.questions.then import Between, Then
from portcullis.remotes.hardening import Hardened
from portcullis.remotes.parties import Explained

ANSWERS = {
    "why": Why,
    "can": Why,
    "who-can": WhoCan,
    "matrix": Matrix,
    "what-if": WhatIf,
    "diff": Diff,
    "findings": Findings,
    "access": Then,
    "access-between": Between,  # access with --since
    "remote explain": Explained,
    "remote harden": Hardened,
}


def schema() -> dict[str, object]:
    """Each verb's answer is named in `properties`."""
    named, parts = msgspec.json.schema_components(ANSWERS.values(), ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What the verbs of portcullis that ask who may see what print with --json, by the name of the verb",
        "properties": dict(zip(ANSWERS, named, strict=True)),
        "$defs": {name: _in_one_line(part) for name, part in parts.items()},
    }


def _in_one_line(part: dict[str, object]) -> dict[str, object]:
    """A docstring as it was written: Python from 3.13 on takes the indentation of its lines away, those before do not."""
    said = part.get("description")
    return {**part, "description": " ".join(said.split())} if isinstance(said, str) else part


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2))
