"""Changing a deployment file keeps its comments, its order and everything that was not changed, byte for byte."""

import difflib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis import model
from portcullis.access.plan import Subject, SubjectKind
from portcullis.errors import BadInput
from portcullis.model.text.reading import read
from portcullis.model.text.splicing import cut, put

from tests.laws import examples

DEMO = (Path(__file__).parents[2] / "deployments" / "demo.yaml").read_text()
ANNA = Subject(SubjectKind.IAM_USER, "anna")


def changed(before: str, after: str) -> list[str]:
    return [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[:1] in "+-"]


def without(subject: Subject, role: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        grants = read(text, "").data["access"]["grants"]
        return cut(text, ("access", "grants", grants.index({"role": role, "to": {subject.kind.value: subject.name}})))

    return change


def test_a_grant_is_one_line_more_after_the_others():
    assert changed(DEMO, model.edit(DEMO, model.add_grant(ANNA, role="catalyst_analyst"))) == [
        "+     - {role: catalyst_analyst, to: {iam_user: anna}}"
    ]


def test_granting_what_is_granted_changes_not_a_byte():
    once = model.edit(DEMO, model.add_grant(ANNA, role="catalyst_analyst"))
    assert model.edit(once, model.add_grant(ANNA, role="catalyst_analyst")) == once


def test_given_a_change_that_would_not_be_valid_then_it_is_refused():
    with pytest.raises(BadInput, match="no role 'nobody'"):
        model.edit(DEMO, model.add_grant(ANNA, role="nobody"), "demo.yaml")


def test_a_role_is_set_and_taken_out_again_byte_for_byte():
    role = {"index_permissions": [{"index_patterns": ["a*"], "allowed_actions": ["read"]}]}
    with_role = model.edit(DEMO, model.set_access("roles", "another", role))
    assert "another" in model.loads(with_role, "x").access.roles
    assert model.edit(with_role, model.set_access("roles", "another", None)) == DEMO


def test_given_no_access_section_then_one_is_made():
    edited = model.edit(model.start("alpha", "api").partition("access:")[0], model.add_grant(ANNA, role="readall"))
    assert model.loads(edited, "x").access.grants[0].to.subject == ANNA


BLOCK = """\
deployment: alpha
engine: OpenSearch_3.3
domain:
    configuration: api
access:
    roles:
        r:   # the role
            description: >
                folded
                text

    grants:
    -   role: readall
        to:
            iam_role: app  # the app

    # before the second
    -
        role: r
        to: {iam_user: "x"}
# end
alerts: {}
"""


def test_grants_in_block_style_keep_comments_and_layout_around_them():
    """Adding a grant adds one line. Removing one removes only its own lines."""
    edited = model.edit(BLOCK, model.add_grant(ANNA, role="readall"))
    assert changed(BLOCK, edited) == ["+     - {role: readall, to: {iam_user: anna}}"]
    gone = model.edit(BLOCK, without(Subject(SubjectKind.IAM_ROLE, "app"), role="readall"))
    assert len(changed(BLOCK, gone)) == 3
    gone = model.edit(BLOCK, without(Subject(SubjectKind.IAM_USER, "x"), role="r"))
    assert len(changed(BLOCK, gone)) == 3
    assert "# before the second" in gone


def test_given_the_last_grant_is_taken_out_then_the_empty_list_goes_too():
    text = model.edit(BLOCK, without(Subject(SubjectKind.IAM_ROLE, "app"), role="readall"))
    text = model.edit(text, without(Subject(SubjectKind.IAM_USER, "x"), role="r"))
    assert "grants" not in text
    assert model.loads(model.edit(text, model.set_access("roles", "r", None)), "x").access.roles == {}


@pytest.mark.parametrize(
    "section",
    [
        "access: {grants: []}",
        "access:\n  grants: []",
        "access: {}",
        "access: {roles: {r: {}}}",
        "",
        "access:\n  roles: {r: {}}",
    ],
)
def test_given_a_section_in_braces_or_none_then_it_is_written_anew(section):
    text = f"deployment: alpha\nengine: OpenSearch_3.3\ndomain: {{configuration: api}}\n{section}"
    edited = model.edit(text, model.add_grant(ANNA, role="readall"))
    assert [g.to.subject for g in model.loads(edited, "x").access.grants] == [ANNA]
    assert edited.startswith(text.partition("access")[0])


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=8,
)


@given(st.sampled_from([DEMO, BLOCK, "", "a: {b: [1]}"]), st.text(min_size=1, max_size=4), values)
def test_any_value_put_is_read_back_and_everything_else_is_as_before(text, key, value):
    before = read(text, "").data if text else {}
    path = ("access", "put", key)
    edited = put(text, path, value) if text else put("x: 1\n", path, value)
    after = read(edited, "").data
    assert after.pop("access", {}).get("put", {}).get(key) == value
    assert after == {k: v for k, v in (before or {"x": 1}).items() if k != "access"}


subjects = st.lists(st.from_regex(r"[a-z][a-z0-9.]{0,8}", fullmatch=True), min_size=1, max_size=3, unique=True)


@examples(15)  # each example parses a file a dozen times
@given(st.sampled_from(["layered", "cognito", "internal", "api"]), subjects, st.randoms())
def test_grants_added_and_taken_out_in_any_order_leave_the_file_as_it_was(preset, users, order):
    text = before = model.start("alpha", preset)
    for user in users:
        text = model.edit(text, model.add_grant(Subject(SubjectKind.IAM_USER, user), role="readall"))
    order.shuffle(users)
    for user in users:
        text = model.edit(text, without(Subject(SubjectKind.IAM_USER, user), role="readall"))
    assert text == before


# ---------------------------------------------------------------------- a part of another file

IN_FORCE = """\
deployment: alpha
engine: OpenSearch_3.3
domain: {configuration: api}
access:
  roles:
    # who reads orders
    reads: {index_permissions: [{index_patterns: ["orders-*"], allowed_actions: [read]}]}
    writes: {index_permissions: [{index_patterns: ["orders-*"], allowed_actions: [write]}]}
  grants:
    - {role: reads, to: {iam_user: anna}}
    - {role: writes, to: {iam_user: ben}}
"""
WANTED = (
    IN_FORCE.replace('"orders-*"], allowed_actions: [read]', '"orders-eu-*"], allowed_actions: [read]')
    .replace("[write]", "[crud]")
    .replace("iam_user: anna", "iam_user: kim")
    + "    - {role: reads, to: {iam_user: lee}}\n    - {role: sees, to: {iam_user: lee}}\n"
).replace(
    "  grants:", '    sees: {index_permissions: [{index_patterns: ["logs-*"], allowed_actions: [read]}]}\n  grants:'
)


def taken(*names: str, wanted: str = WANTED) -> str:
    return model.edit(IN_FORCE, model.take_parts(wanted, names), "alpha.yaml")


def test_of_a_role_that_is_named_the_grants_are_taken_too_and_nothing_else():
    access = model.loads(taken("reads"), "x").access
    assert access.roles["reads"].index_permissions[0].index_patterns == ("orders-eu-*",)
    assert access.roles["writes"].index_permissions[0].allowed_actions == ("write",)
    assert [(one.role, one.to.subject.name) for one in access.grants] == [
        ("writes", "ben"),
        ("reads", "kim"),
        ("reads", "lee"),
    ]
    assert "# who reads orders" in taken("reads")


def test_all_that_is_named_is_all_of_the_file():
    whole = model.loads(taken("reads", "writes", "sees"), "x")
    assert model.resolve(whole).roles == model.resolve(model.loads(WANTED, "x")).roles
    assert set(whole.access.grants) == set(model.loads(WANTED, "x").access.grants)


def test_a_role_that_the_file_no_longer_has_goes_with_its_grants():
    without = WANTED.replace(
        '    writes: {index_permissions: [{index_patterns: ["orders-*"], allowed_actions: [crud]}]}\n', ""
    ).replace("    - {role: writes, to: {iam_user: ben}}\n", "")
    access = model.loads(taken("writes", wanted=without), "x").access
    assert ({*access.roles}, [one.role for one in access.grants]) == ({"reads"}, ["reads"])


@pytest.mark.parametrize(
    ("names", "said"),
    [(("raeds",), "did you mean 'reads'"), (("sees", "nothing-like-it"), "known: reads, sees, writes")],
)
def test_a_name_that_neither_knows_is_one_clear_error(names, said):
    with pytest.raises(BadInput) as caught:
        taken(*names)
    assert said in caught.value.remedy


def test_taking_what_is_the_same_changes_not_a_byte():
    assert taken("reads", "writes", wanted=IN_FORCE) == IN_FORCE
