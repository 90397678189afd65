"""docs/deployment-file.md says what the types and the table of findings say."""

import json
import re
from pathlib import Path

from portcullis import model
from portcullis.access.plan import SubjectKind
from portcullis.families import family_named
from portcullis.model.presets import ACTIONS, LEVELS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "deployment-file.md").read_text()


def test_every_finding_is_in_the_page_with_its_severity_and_meaning():
    for code, (severity, meaning) in model.CODES.items():
        assert f"| `{code}` | {severity.value} | {meaning} |" in PAGE


def test_every_key_kind_level_and_privilege_is_in_the_page():
    parts = model.schema()["$defs"]
    keys = {*parts["OnDomain"]["properties"], *parts["OnCluster"]["properties"]}
    words = {*keys, *(kind.value for kind in SubjectKind), *LEVELS, *(set(ACTIONS) - {"none"})}
    assert {word for word in words if f"`{word}`" not in PAGE} == set()


def test_the_roles_that_a_clusters_owner_is_told_to_make_are_those_that_are_kept():
    page = (DOCS / "elasticsearch.md").read_text()
    needs = family_named("elasticsearch").baseline()
    told = re.findall(r"PUT /_security/role/(\S+)\n(.+)", page)
    assert {name: json.loads(document) for name, document in told} == {
        name: needs.documents[name] for name in needs.automation
    }


def test_every_key_of_a_cluster_is_in_its_page():
    page, parts = (DOCS / "elasticsearch.md").read_text(), model.schema()["$defs"]
    for part in ("Cluster", "Realm", "NativeUsers", "ClusterRole"):
        for key in parts[part]["properties"]:
            assert re.search(rf"[`.]{key}\b[^\n`]*`|\b{key}:", page), key
