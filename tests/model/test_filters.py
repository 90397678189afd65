"""What `check` says of document filters, by the same table that a real node is held against (test_filters_on_node.py)."""

from __future__ import annotations

import base64
import json

import pytest
from portcullis.model import Severity

from tests.model.examples import access, lint
from tests.model.filters import EVERYTHING, MODULES, OPTIONAL, SOUND, WRONG


def found(dls: str, configuration: str = "internal", **attributes: str) -> dict[str, list]:
    own = {"team": "eu", "level": "3"} if configuration == "internal" else {}
    users = f"users: {{anna: {{attributes: {json.dumps(own | attributes)}}}}}\n" if own else ""
    entry = f"{{index_patterns: [filters], allowed_actions: [read], dls: {json.dumps(dls)}}}"
    text = access(
        f"roles: {{r: {{index_permissions: [{entry}]}}}}\ngrants: [{{role: r, to: {{iam_role: a}}}}]\n{users}",
        configuration,
    )
    return {code: findings for code, findings in lint(text).items() if code.startswith("dls-")}


@pytest.mark.parametrize("dls", SOUND)
def test_a_filter_that_the_engine_reads_as_meant_has_no_finding(dls):
    assert found(dls) == {}


@pytest.mark.parametrize(("dls", "code"), WRONG.items())
def test_a_filter_with_which_nobody_sees_anything_is_found(dls, code):
    findings = found(dls)
    assert list(findings) == [code]
    assert all(finding.message and finding.remedy for finding in findings[code])


@pytest.mark.parametrize("dls", EVERYTHING)
def test_a_filter_that_limits_nothing_is_found(dls):
    assert list(found(dls)) == ["dls-everything"]


@pytest.mark.parametrize("dls", OPTIONAL)
def test_a_should_that_need_not_match_is_found(dls):
    assert list(found(dls)) == ["dls-should"]


def wrapped(query: str) -> str:
    return json.dumps({"wrapper": {"query": base64.b64encode(query.encode()).decode()}})


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ('{"term": {"area": "eu"}}', []),
        ('{"match_all": {}}', ["dls-everything"]),
        ('{"range": {"at": {"gte": "now-1d"}}}', ["dls-relative-date"]),
        ('{"bool": {"filter": [{"trem": {"n": 1}}]}}', ["dls-unknown-query"]),
        ('{"term": {"area": "${user.name}"}}', ["dls-attribute-place"]),
        ("term", ["dls-invalid"]),
        ('{"knn": {"v": {"vector": [1], "k": 1}}}', ["dls-module"]),
    ],
)
def test_what_a_filter_holds_in_base64_is_looked_at_too(query, codes):
    assert list(found(wrapped(query))) == codes


@pytest.mark.parametrize("query", ["%%", 5, None])
def test_what_is_no_base64_is_no_filter(query):
    assert list(found(json.dumps({"wrapper": {"query": query}}))) == ["dls-invalid"]


@pytest.mark.parametrize("dls", MODULES)
def test_a_filter_that_needs_a_module_is_told(dls):
    (finding,) = found(dls)["dls-module"]
    assert (finding.severity, "plan asks the engine" in finding.remedy) == (Severity.INFO, True)


def test_where_in_a_deep_filter_it_is_wrong_is_said():
    (finding,) = found('{"bool": {"filter": [{"term": {"a": 1}}, {"trem": {"a": 1}}]}}')["dls-unknown-query"]
    assert "bool.filter[1]" in finding.message
    assert finding.remedy == "did you mean 'term'?"


@pytest.mark.parametrize("way", ["jwt", "ldap", "saml", "proxy"])
@pytest.mark.parametrize("configuration", ["api", "cognito", "internal"])
def test_attributes_of_a_way_of_signing_in_that_is_not_there_are_found(way, configuration):
    (finding,) = found(f'{{"term": {{"area": "${{attr.{way}.team}}"}}}}', configuration)["dls-attribute"]
    assert f"sign in by {way}" in finding.message


@pytest.mark.parametrize(
    "value",
    ['a"b', "a\\", "a\\u0022", '"}},{"match_all":{}},{"term":{"x":"', 'a","b', "a\nb"],
)
def test_a_value_of_the_file_that_makes_another_query_is_found(value):
    (finding,) = found('{"term": {"area": "${attr.internal.team}"}}', team=value)["dls-attribute-value"]
    assert "anna" in finding.message


@pytest.mark.parametrize("value", ["eu", "e u", "é", "{eu}", "[", "a/b", "$", "now"])
def test_a_value_that_stays_text_is_sound(value):
    assert found('{"term": {"area": "${attr.internal.team}"}}', team=value) == {}


def test_a_list_beside_other_values_is_found_since_a_caller_may_have_none():
    (finding,) = found('{"terms": {"area": ["eu", ${user.roles}]}}')["dls-attribute-place"]
    assert "a comma is left over" in finding.message


def test_one_wrong_filter_has_one_finding_and_not_what_follows_from_it():
    assert [
        len(findings) for findings in found('{"terms": {"area": ["${user.roles}", "${attr.jwt.x}"]}}').values()
    ] == [1]


def test_a_number_that_is_too_long_is_said_in_words_for_people():
    (finding,) = found(f'{{"term": {{"n": {"9" * 5000}}}}}')["dls-invalid"]
    assert finding.message == "the document-level query is not JSON: a number of 5,000 digits"
