"""docs/deployment-file.md says what the types and the table of findings say."""

from pathlib import Path

from portcullis import model
from portcullis.access.plan import SubjectKind
from portcullis.model.presets import ACTIONS, LEVELS

PAGE = (Path(__file__).parents[2] / "docs" / "deployment-file.md").read_text()


def test_every_finding_is_in_the_page_with_its_severity_and_meaning():
    for code, (severity, meaning) in model.CODES.items():
        assert f"| `{code}` | {severity.value} | {meaning} |" in PAGE


def test_every_key_kind_level_and_privilege_is_in_the_page():
    parts = model.schema()["$defs"]
    keys = {*parts["OnDomain"]["properties"], *parts["OnCluster"]["properties"]}
    words = {*keys, *(kind.value for kind in SubjectKind), *LEVELS, *(set(ACTIONS) - {"none"})}
    assert {word for word in words if f"`{word}`" not in PAGE} == set()
