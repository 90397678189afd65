"""Patterns and names: what covers what, and what is never let through."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis.access.plan import SubjectKind
from portcullis.model import names
from portcullis.model.names import Wrong

patterns = st.text("ab*?", min_size=1, max_size=5)


@given(patterns, patterns, st.text("ab", max_size=8))
def test_given_a_name_that_both_patterns_cover_then_they_overlap(one, other, name):
    if names.matches(one, name) and names.matches(other, name):
        assert names.overlap(one, other)


@given(patterns, patterns)
def test_overlap_agrees_with_the_search_for_a_name_that_both_cover(one, other):
    assert names.overlap(one, other) == names.overlap(other, one) == _some_name(one, other)


def _some_name(one: str, other: str) -> bool:
    """Whether a common name exists: if one does, one of at most the patterns' length together does."""
    found = {""}
    expressions = [re.compile(p.replace("*", ".*").replace("?", ".")) for p in (one, other)]
    for _ in range(len(one) + len(other) + 1):
        if any(all(e.fullmatch(name) for e in expressions) for name in found):
            return True
        # Only beginnings that both patterns can still complete are carried on, so this stays small.
        found = {name + c for name in found for c in "ab" if all(_can_begin(p, name + c) for p in (one, other))}
    return False


def _can_begin(pattern: str, beginning: str) -> bool:
    positions = {0}
    for c in beginning:
        positions = _past_stars(pattern, positions)
        kept = {i for i in positions if pattern[i : i + 1] == "*"}
        positions = kept | {i + 1 for i in positions if pattern[i : i + 1] in (c, "?") and i < len(pattern)}
    return bool(positions)


def _past_stars(pattern: str, positions: set[int]) -> set[int]:
    reached = set(positions)
    for i in positions:
        while pattern[i : i + 1] == "*":
            i += 1
            reached.add(i)
    return reached


@pytest.mark.parametrize(
    ("pattern", "name", "covered"),
    [
        ("app-*", "app-1", True),
        ("app-?", "app-10", False),
        ("/app-[0-9]+/", "app-10", True),
        ("app-[0-9]", "app-1", False),
        ("*", ".opendistro_security", True),
        ("App-*", "app-1", False),
    ],
)
def test_patterns_cover_names_as_the_engine_has_it(pattern, name, covered):
    assert names.matches(pattern, name) is covered


@pytest.mark.parametrize(
    "pattern",
    [
        "app-*",
        "app-?",
        "logs-2024.01.01",
        "/app-[0-9]+/",
        "${user.name}",
        "app-${attr.internal.team}-*",
        "*",
        ".kibana*",
    ],
)
def test_index_patterns_that_the_engine_takes_are_taken(pattern):
    assert names.check_index_pattern(pattern) == pattern


@given(st.sampled_from(SubjectKind), st.text(max_size=30))
def test_an_accepted_subject_name_cannot_break_out_of_its_line_or_entry(kind, name):
    """It has no control characters, and no wildcards or quotes where these would mean something."""
    try:
        taken = names.check_subject(kind, name)
    except Wrong:
        return
    assert taken == name
    assert name
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", name)
    if kind not in (SubjectKind.BACKEND_ROLE, SubjectKind.IDENTITY_CENTER_GROUP):
        assert not set(name) & set('*?"\n')
    if kind is not SubjectKind.IDENTITY_CENTER_GROUP:
        assert not set(name) & set('"\\')
        assert "${" not in name


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (SubjectKind.BACKEND_ROLE, 'a","b'),
        (SubjectKind.BACKEND_ROLE, "back\\slash"),
        (SubjectKind.BACKEND_ROLE, "${user.name}"),
        (SubjectKind.COGNITO_USER, "back\\slash"),
        (SubjectKind.COGNITO_USER, "${user.name}"),
        (SubjectKind.IAM_ROLE, 'arn:aws:iam::111122223333:role/a","b/x'),
    ],
)
def test_names_that_could_change_a_document_filter_are_refused_in_a_file(kind, name):
    with pytest.raises(Wrong, match=r"would not stay text|filled in again"):
        names.check_subject(kind, name)


def test_did_you_mean_gives_the_nearest_or_else_what_is_known():
    assert names.did_you_mean("Suport", ["support", "dashboard"]) == "did you mean 'support'?"
    assert names.did_you_mean("zzz", ["support", "dashboard"]) == "known: dashboard, support"
    assert names.did_you_mean("zzz", []) == ""
