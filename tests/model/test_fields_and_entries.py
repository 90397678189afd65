"""Field rules, masks, patterns, tenants and several entries of one role: what the engine makes of them, told before it does."""

from __future__ import annotations

import json

import pytest
from portcullis import model
from portcullis.errors import BadInput
from portcullis.model import Severity

from tests.model.examples import SMALLEST, access, lint, role


def entry(pattern: str = "app-*", *actions: str, **limits) -> dict:
    return {"index_patterns": [pattern], "allowed_actions": list(actions or ("read",)), **limits}


def codes(*entries: dict) -> dict[str, list]:
    return lint(
        access(
            f"roles: {{r: {{index_permissions: {json.dumps(entries)}}}}}\ngrants: [{{role: r, to: {{iam_role: a}}}}]"
        )
    )


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        # A field rule or mask that looks as if it hid something, and hides nothing.
        ({"fls": ["~card.keyword"]}, "field-matches-nothing"),
        ({"fls": ["!card.keyword"]}, "field-matches-nothing"),
        ({"fls": ["~"]}, "field-matches-nothing"),
        ({"fls": [" "]}, "field-matches-nothing"),
        ({"fls": ["~/(/"]}, "field-matches-nothing"),
        ({"fls": ["~card."]}, "field-matches-nothing"),
        ({"fls": ["~.card"]}, "field-matches-nothing"),
        ({"masked_fields": ["a..b"]}, "field-matches-nothing"),
        ({"fls": ["~card,n"]}, "field-name-odd"),
        ({"fls": ["~card "]}, "field-name-odd"),
        ({"fls": ["~~card"]}, "field-name-odd"),
        ({"fls": ["~card\u200b"]}, "field-name-odd"),
        ({"fls": ["~\u0441ard"]}, "field-name-odd"),
        ({"fls": ["~'card'"]}, "field-name-odd"),
        ({"fls": ["~${attr.internal.field}"]}, "field-name-odd"),
        ({"fls": ["~{{_user.username}}"]}, "field-name-odd"),
        ({"fls": ["*", "-card"]}, "field-name-odd"),
        ({"fls": ["~$.card"]}, "field-name-odd"),
        ({"fls": ["~card|n"]}, "field-name-odd"),
        ({"fls": ["~tags[*]"]}, "field-name-odd"),
        ({"fls": ["~/card"]}, "field-name-odd"),
        ({"fls": ["~ca\\rd"]}, "field-name-odd"),
        ({"fls": ["~_source"]}, "field-matches-nothing"),
        ({"masked_fields": ["${user.name}"]}, "field-name-odd"),
        ({"masked_fields": ["~card"]}, "field-name-odd"),
        ({"masked_fields": ["card:SHA-512"]}, "field-name-odd"),
        ({"masked_fields": ["card.keyword"]}, "field-matches-nothing"),
        ({"masked_fields": ["/(/"]}, "mask-invalid"),
        ({"masked_fields": ["card", "card::SHA-256"]}, "mask-twice"),
        # References to groups that the expression does not have.
        ({"masked_fields": ["card::/(c)ard/::$2"]}, "mask-replacement"),
        ({"masked_fields": ["card::/card/::$1"]}, "mask-replacement"),
        ({"masked_fields": ["card::/card/::$x"]}, "mask-replacement"),
        ({"masked_fields": ["card::/card/::a$"]}, "mask-replacement"),
        ({"masked_fields": ["card::/card/::a\\"]}, "mask-replacement"),
        ({"masked_fields": ["card::/(?<n>c)ard/::${m}"]}, "mask-replacement"),
        ({"masked_fields": ["card::/(?:c)(?=a)ard/::$1"]}, "mask-replacement"),
        ({"masked_fields": ["card::/c/::x::/(a)/::$2"]}, "mask-replacement"),
        # A mask on what is no text.
        ({"masked_fields": ["card"], "fls": ["card.number"]}, "mask-no-text"),
        ({"masked_fields": ["card"], "dls": '{"term": {"card.holder": "x"}}'}, "mask-no-text"),
        ({"masked_fields": ["age"], "dls": '{"bool": {"filter": [{"range": {"age": {"gte": 18}}}]}}'}, "mask-no-text"),
        ({"masked_fields": ["card"]}, "mask-text-only"),
    ],
)  # fmt: skip
def test_a_rule_for_fields_that_does_not_do_what_it_looks_like_is_found(limits, code):
    assert code in codes(entry(**limits))


@pytest.mark.parametrize(
    "limits",
    [
        {"fls": ["~card", "~/ca.*/", "~o.*"]},
        {"masked_fields": ["card::/(c)(a)rd/::$2$1", "a::/(?<n>c)/::${n}\\$", "b::/x/::", "c::sha-256", "d::/(a)/::$12", "e.*"]},
        {"masked_fields": ["card", "card.raw", "soap:body", "SHA-512"]},
        {"fls": ["~labels.app.kubernetes.io/name", "~first-name", "~status.200", "~_id"]},
        {"masked_fields": ["card"], "dls": '{"term": {"card.keyword": "x"}}', "fls": ["card"]},
    ],
)  # fmt: skip
def test_a_sound_rule_for_fields_is_left_alone(limits):
    found = set(codes(entry(**limits)))
    assert found <= {"mask-text-only", "nobody-told"}


@pytest.mark.parametrize(
    ("engine", "found"), [("OpenSearch_3.3", False), ("OpenSearch_2.19", True), ("Elasticsearch_7.10", True)]
)
def test_an_expression_in_a_field_rule_is_refused_where_documents_show_what_it_hides(engine, found):
    text = role('{index_patterns: [a], allowed_actions: [read], fls: ["~/ca.*/"]}')
    assert ("field-matches-nothing" in lint(text.replace("OpenSearch_3.3", engine))) is found


def test_the_remedy_of_a_mask_on_a_hidden_field_never_shows_the_field():
    (finding,) = codes(entry(fls=["!card"], masked_fields=["card"]))["mask-and-hidden"]
    assert finding.remedy == "leave out the mask; the field rule alone hides the field"


DLS, OTHER = '{"term": {"a": 1}}', '{"term": {"a": 2}}'


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([entry("app-*", "crud", dls=DLS)], {"limits-and-writes", "update-refused"}),
        ([entry("app-*", "crud", fls=["~a"])], {"limits-and-writes", "update-refused"}),
        ([entry("app-*", "read", "indices:data/write/delete", dls=DLS)], {"limits-and-writes"}),
        ([entry("app-*", dls=DLS), entry("app-1", "write")], {"limits-and-writes", "update-refused"}),
        ([entry("app-*", dls=DLS), entry("logs-*", "write")], set()),
        ([entry("app-*", dls=DLS)], set()),
        ([entry("app-*", dls=DLS), entry("app-1", dls=OTHER)], {"entries-of-one-role"}),
        ([entry("app-*", dls=DLS), entry("app-1", dls=DLS)], set()),
        ([entry("app-*", fls=["~a"]), entry("app-*", fls=["~b"])], {"entries-of-one-role"}),
        ([entry("app-*", dls=DLS), entry("app-1")], {"entries-of-one-role"}),
        ([entry("app-*", dls=DLS), entry("app-*", "indices:monitor/*")], set()),
        ([entry("app-*", dls=DLS), entry("logs-*", dls=OTHER)], set()),
        ([entry("app-*", dls=DLS), entry("app-*", fls=["~a"])], {"entries-of-one-role"}),
    ],
)  # fmt: skip
def test_limits_of_one_role_beside_its_writes_and_its_other_entries(entries, expected):
    told = {"limits-and-writes", "update-refused", "entries-of-one-role"}
    assert told & set(codes(*entries)) == expected


def test_two_entries_of_one_role_are_told_apart_in_words():
    (finding,) = codes(entry("app-*"), entry("app-1", dls=DLS))["entries-of-one-role"]
    assert "entry 2 of r limits the documents of app-1, and that holds for entry 1" in finding.message


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("App-*", "pattern-upper-case"),
        ("!app-*", "pattern-no-exclusion"),
        ("~app-*", "pattern-no-exclusion"),
        ("app-${user.roles}", "pattern-attribute"),
        ("app-${attr.jwt.team}", "pattern-attribute"),
        ("app-${attr.internal.team}", "pattern-attribute"),
        ("app-${user.nam}", "pattern-attribute"),
        ("app-\u00a01", "pattern-odd"),
        ("app-1\u200b", "pattern-odd"),
        ("\u0430pp-*", "pattern-odd"),
    ],
)
def test_a_pattern_that_covers_less_than_it_looks_is_found(pattern, code):
    assert code in codes(entry(pattern))


@pytest.mark.parametrize(
    "pattern", ["app-*", "${user.name}-*", "App-${user_name}".lower(), "/App-[0-9]+/", "cluster:app-*", "a" * 255]
)
def test_a_pattern_that_says_what_it_covers_is_left_alone(pattern):
    assert not [code for code in codes(entry(pattern)) if code.startswith("pattern-")]


def with_attribute(pattern: str, value: str, of: str = "index_patterns") -> str:
    kind = "index_permissions" if of == "index_patterns" else "tenant_permissions"
    entry = {of: [pattern], "allowed_actions": ["read"]}
    return access(
        f"roles: {{r: {{{kind}: [{json.dumps(entry)}]}}}}\nusers: {{u: {{attributes: {{team: {json.dumps(value)}}}}}}}\n"
        "grants: [{role: r, to: {internal_user: u}}]",
        "internal",
    )


TEAM = "${attr.internal.team}"


@pytest.mark.parametrize(
    ("pattern", "value", "why"),
    [
        (TEAM, "*", "lets in to more than one name"),
        (f"app-{TEAM}", "re*", "lets in to more than one name"),
        ("app-${attr_internal_team}", "?", "lets in to more than one name"),
        (TEAM, "/a.b/", "regular expression"),
        (f"app-{TEAM}", "Red", "upper-case"),
        (f"app-{TEAM}", "red team", "is not an index pattern"),
        (f"app-{TEAM}", "red,blue", "is not an index pattern"),
        (TEAM, "-red", "matches nothing"),
    ],
)
def test_a_value_that_makes_a_pattern_wider_or_nothing_is_found(pattern, value, why):
    (finding,) = lint(with_attribute(pattern, value))["pattern-attribute-value"]
    assert why in finding.message
    assert "of u" in finding.message


@pytest.mark.parametrize(
    ("pattern", "value", "of"),
    [
        (f"app-{TEAM}-*", "red", "index_patterns"),
        (TEAM, "Red team", "tenant_patterns"),
    ],
)
def test_a_value_that_is_a_part_of_a_name_is_left_alone(pattern, value, of):
    assert not [code for code in lint(with_attribute(pattern, value, of)) if code.startswith("pattern-")]


def test_a_value_that_is_a_wildcard_of_tenants_is_found():
    assert "pattern-attribute-value" in lint(with_attribute(TEAM, "*", "tenant_patterns"))


@pytest.mark.parametrize(
    ("actions", "found"),
    [
        (["read*"], True),
        (["cr*"], True),
        (["indices:data/READ*"], True),
        (["*read*"], False),
        (["/indices:data.read.*/"], False),
        (["indices:data/read/search[*]"], False),
    ],
)
def test_a_wildcard_that_no_permission_fits_is_found(actions, found):
    """A wildcard is about permissions, and never about action groups by their names."""
    assert ("unknown-permission" in codes(entry("a", *actions))) is found


@pytest.mark.parametrize("pattern", ["a" * 256, "é" * 128, "*" + "a" * 255 + "?"])
def test_a_pattern_longer_than_any_name_is_refused(pattern):
    with pytest.raises(BadInput, match="characters"):
        codes(entry(pattern))


@pytest.mark.parametrize(
    ("actions", "found"),
    [
        (["kibana_all_write"], False),
        (["kibana_all_read"], False),
        (["kibana_all_read", "kibana_all_write"], False),
        (["kibana:saved_objects/*/write"], False),
        (["own"], False),
        (["crud"], True),
        (["write"], True),
        (["*"], True),
        (["kibana:saved_objects/*"], True),
        ([], True),
    ],
)
def test_tenant_actions_that_only_let_it_be_read_are_found(actions, found):
    text = access(
        "tenants: {ops: {}}\naction_groups: {own: {allowed_actions: ['kibana:saved_objects/*/write']}}\n"
        f"roles: {{r: {{tenant_permissions: [{{tenant_patterns: [ops], allowed_actions: {json.dumps(actions)}}}]}}}}"
    )
    assert ("tenant-read-only" in lint(text)) is found


LEVELS = "levels: {preset: layered, indices: [a]}"


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("action_groups: {r: {allowed_actions: [read]}}\nroles: {r: {}}", "access.action_groups.r", "name of a role"),
        ("action_groups: {readall: {allowed_actions: [read]}}", "access.action_groups.readall", "name of a role"),
        (f"action_groups: {{level_support: {{allowed_actions: [read]}}}}\n{LEVELS}", "level_support", "name of a role"),
        ("action_groups: {portcullis_x: {allowed_actions: [read]}}", "access.action_groups.portcullis_x", "name of a role"),
        ("action_groups: {'my group': {allowed_actions: [read]}}", "access.action_groups", "no list of permissions can name"),
        ("action_groups: {a@b: {allowed_actions: [read]}}", "access.action_groups", "no list of permissions can name"),
        ("roles: {r: {}}\nand_backend_roles: {r: []}", "access.and_backend_roles.r", "names no backend role"),
        ("roles: {r: {tenant_permissions: [{tenant_patterns: [' ']}]}}", "tenant_patterns[0]", "is blank"),
        ("grants: [{role: readall, to: {backend_role: /}}]", "backend_role", "regular expression"),
    ],
)  # fmt: skip
def test_names_that_the_engine_would_refuse_are_refused_first(text, place, problem):
    with pytest.raises(BadInput) as caught:
        model.loads(access(text), "alpha.yaml")
    assert place in caught.value.place
    assert problem in caught.value.problem


def test_a_wildcard_among_and_backend_roles_is_found():
    assert (
        "team-*"
        in lint(access("roles: {r: {}}\nand_backend_roles: {r: [a, 'team-*']}"))["wildcard-principal"][0].message
    )


@pytest.mark.parametrize(
    "text",
    [
        "roles: {team: {}, Team: {}}",
        "roles: {Readall: {}}",
        "action_groups: {READ: {allowed_actions: [read]}}",
        "tenants: {ops: {}, OPS: {}}",
        "users: {anna: {}, Anna: {}}",
    ],
)
def test_names_that_differ_by_case_are_found(text):
    assert lint(access(text))["names-by-case"][0].severity is Severity.WARNING


def test_an_own_action_group_with_a_colon_is_no_unknown_permission():
    text = (
        role("{index_patterns: [a], allowed_actions: ['team:read']}")
        + "  action_groups: {'team:read': {allowed_actions: [read]}}\n"
    )
    assert "unknown-permission" not in lint(text)
    assert "names-by-case" not in lint(SMALLEST)
