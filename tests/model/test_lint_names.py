"""Names that decide what is seen, and are not the file's to choose: `check` says so, and `decide` of the caller who has one."""

from __future__ import annotations

import pytest
from portcullis.families.opensearch.entries import untrue_to_text
from portcullis.model import Severity

from tests.model.examples import access, lint

GROUPS = "identity: {cognito: {groups: {first: {role: true}, second: {role: true}, third: {}}}}\n"


def filtered(attribute: str, to: str) -> str:
    return access(
        f"""roles:
  r:
    index_permissions:
      - {{index_patterns: ['app-*'], allowed_actions: [read], dls: '{{"term": {{"owner": "${{{attribute}}}"}}}}'}}
grants:
  - {{role: r, to: {to}}}""",
        "cognito",
        GROUPS,
    )


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("{cognito_group: third}", "are not mapped"),
        ("{cognito_group: first, by: role}", "nobody checks it"),
        ("{backend_role: team}", "nobody checks it"),
    ],
)
def test_a_name_in_a_filter_that_the_file_does_not_choose_is_a_warning(to: str, said: str) -> None:
    [finding] = lint(filtered("user.name", to))["dls-name"]
    assert finding.severity is Severity.WARNING
    assert said in finding.message
    assert "fixed value" in finding.remedy
    assert "access.roles.r.index_permissions[0].dls" in finding.place


@pytest.mark.parametrize("to", ["{iam_user: anna}", "{iam_role: app}", "{cognito_user: anna}"])
def test_a_name_that_the_file_chooses_is_none(to: str) -> None:
    assert "dls-name" not in lint(filtered("user.name", to))


def test_who_is_in_two_groups_by_role_is_told_for_the_file() -> None:
    text = access(
        """grants:
  - {role: readall, to: {cognito_group: first, by: role}}
  - {role: readall_and_monitor, to: {cognito_group: second, by: role}}""",
        "cognito",
        GROUPS,
    )
    [finding] = lint(text)["by-role-precedence"]
    assert "'second'" in finding.message
    assert "'first'" in finding.message
    assert "access.grants[1].to" in finding.place
    by_members = text.replace("second, by: role", "second")
    assert "by-role-precedence" not in lint(by_members)


@pytest.mark.parametrize(
    ("name", "roles", "attributes", "untrue"),
    [
        ('a"}},{"match_all":{}},{"term":{"x":"b', (), {}, 1),
        ("back\\slash", (), {}, 1),
        ("${user.roles}", (), {}, 1),
        ("anna", ('a","b',), {}, 1),
        ("anna", (), {"attr.internal.team": 'x"'}, 1),
        ("anna", ("team",), {"attr.internal.team": "x"}, 0),
    ],
)
def test_decide_says_whose_values_do_not_stay_text(
    name: str, roles: tuple[str, ...], attributes: dict[str, str], untrue: int
) -> None:
    filters = ['{"term": {"a": "${user.name}"}}', '{"terms": {"b": [${user_roles}], "c": ["${attr.internal.team}"]}}']
    assert len(list(untrue_to_text(filters, name, roles, attributes))) == untrue
    assert list(untrue_to_text(['{"match_all": {}}'], name, roles, attributes)) == []
