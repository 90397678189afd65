"""Names that decide what is seen, and are not the file's to choose: `check` says so, and `decide` of the caller who has one."""

from __future__ import annotations

import pytest
from portcullis.errors import BadInput
from portcullis.families.opensearch.names.entries import untrue_to_text
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


def patterned(to: str, kind: str = "index") -> str:
    entry = f"{{{kind}_patterns: ['app-${{user.name}}'], allowed_actions: [read]}}"
    return access(
        f"roles: {{r: {{{kind}_permissions: [{entry}]}}}}\ngrants: [{{role: r, to: {to}}}]", "cognito", GROUPS
    )


@pytest.mark.parametrize("kind", ["index", "tenant"])
@pytest.mark.parametrize("to", ["{cognito_group: first, by: role}", "{backend_role: team}"])
def test_a_name_in_a_pattern_that_nobody_checks_is_a_warning(to: str, kind: str) -> None:
    [finding] = lint(patterned(to, kind))["pattern-name"]
    assert finding.severity is Severity.WARNING
    assert f"access.roles.r.{kind}_permissions[0].{kind}_patterns" in finding.place


@pytest.mark.parametrize("to", ["{iam_user: anna}", "{cognito_user: anna}", "{cognito_group: third}"])
def test_a_name_in_a_pattern_that_is_no_wildcard_for_sure_is_none(to: str) -> None:
    assert "pattern-name" not in lint(patterned(to))


def granted(to: str) -> str:
    return access(f"grants: [{{role: readall, to: {{{to}}}}}]", "cognito", GROUPS)


@pytest.mark.parametrize(
    "to",
    [
        "iam_role: portcullis-automation",
        "iam_role: portcullis-alpha-break-glass",
        "iam_role: 'arn:aws:iam::111122223333:role/portcullis-another-break-glass'",
        "iam_role: Portcullis-Alpha-Canary",
        "backend_role: 'arn:aws:iam::111122223333:role/a/path/portcullis-alpha-snapshots'",
    ],
)
def test_a_grant_to_a_role_of_portcullis_is_an_error(to: str) -> None:
    [finding] = lint(granted(to))["grant-to-portcullis"]
    assert finding.severity is Severity.ERROR
    assert "access.grants[0].to" in finding.place


@pytest.mark.parametrize("to", ["iam_role: portcullis-readers", "iam_role: break-glass", "cognito_user: canary"])
def test_a_grant_to_somebody_who_is_called_nearly_so_is_none(to: str) -> None:
    assert "grant-to-portcullis" not in lint(granted(to))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("\u0435ve", "cyrillic, latin"),  # a Cyrillic letter that looks like e
        ("\u0391nna", "greek, latin"),
        ("rene\u0301", "accents apart"),
        ("\uff41nna", "fullwidth, latin"),
    ],
)
def test_a_name_that_could_be_taken_for_another_is_told(name: str, why: str) -> None:
    [finding] = lint(granted(f'cognito_user: "{name}"'))["name-looks-alike"]
    assert why in finding.message
    assert ascii(name) in finding.message


@pytest.mark.parametrize("name", ["anna", "ren\u00e9", "\u0430\u043d\u043d\u0430", "kim.2", "\u65e5\u672c-dev"])
def test_a_name_of_one_alphabet_is_what_it_looks_like(name: str) -> None:
    assert "name-looks-alike" not in lint(granted(f'cognito_user: "{name}"'))


@pytest.mark.parametrize("hidden", ["\u200b", "\u202e", "\ufeff", "\u00ad"])
def test_a_name_with_letters_that_nobody_sees_is_no_name(hidden: str) -> None:
    with pytest.raises(BadInput, match=r"not a Cognito name|show something else than is read"):
        lint(granted(f'cognito_user: "an{hidden}na"'))


@pytest.mark.parametrize("role", ["portcullis-automation", "portcullis-alpha-break-glass", "p/portcullis-x-canary"])
def test_no_role_of_portcullis_may_take_break_glass(role: str) -> None:
    glass = f"break_glass: {{assumed_by: ['arn:aws:iam::111122223333:role/{role}'], require_mfa: false, session_name: x-*}}\n"
    with pytest.raises(BadInput, match="a role of Portcullis itself"):
        lint(access("grants: []", "cognito", glass))


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
