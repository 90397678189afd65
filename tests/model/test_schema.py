"""The published JSON Schema: current, strict, described, and in agreement with what loading takes."""

import json
from functools import cache
from pathlib import Path

import jsonschema
import pytest
from portcullis import model
from portcullis.model.json_schema import schema_text
from portcullis.model.text.reading import read
from portcullis.model.text.starting import PRESETS

from tests.model.examples import SMALLEST

ROOT = Path(__file__).parents[2]


@cache
def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(model.schema())


def problems(text: str) -> list[str]:
    return [error.message for error in validator().iter_errors(read(text, "x").data)]


def test_the_committed_schema_is_the_one_that_the_types_give():
    assert (ROOT / "docs/deployment.schema.json").read_text() == schema_text(), (
        "portcullis schema > docs/deployment.schema.json"
    )


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(json.loads(schema_text()))


@pytest.mark.parametrize(
    "text",
    [
        (ROOT / "deployments/demo.yaml").read_text(),
        *(model.start("alpha", p) for p in PRESETS),
    ],
)
def test_the_demo_and_every_preset_are_valid_by_it(text):
    assert problems(text) == []


@pytest.mark.parametrize(
    "text",
    [
        SMALLEST + "alrts: {}",
        SMALLEST.replace("alpha", "Alpha"),
        SMALLEST.replace("api", "cognitoo"),
        SMALLEST + "key: {rotation_days: 31}",
        SMALLEST + "access: {grants: [{role: r, to: {}}]}",
        SMALLEST + "access: {grants: [{role: r, to: {iam_user: a, iam_role: b}}]}",
        SMALLEST + "access: {grants: [{to: {iam_user: a}}]}",
        SMALLEST + "access: {users: {a: {password: x}}}",
        SMALLEST + "access: {seed_users: {staging: []}}",
    ],
)
def test_what_loading_refuses_by_shape_the_schema_refuses_too(text):
    assert problems(text)
    assert model.examine(text, "x")[1]


def test_every_key_tells_an_editor_what_it_is_for():
    document = model.schema()
    undescribed = [
        f"{name}.{key}"
        for name, part in document["$defs"].items()
        for key, value in part.get("properties", {}).items()
        if not value.get("description")
    ]
    assert undescribed == []
