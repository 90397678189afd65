"""Names that a role mapping must not hold, each with its reason; and the engine's own indices, by name."""

from __future__ import annotations

import pytest
from portcullis.families.opensearch.names.entries import breaks_filters, unfit, untrue_to_text

PATTERN, TEXT, AGAIN, CONTROL = (
    "would be a pattern",
    "would not stay text: it holds",
    "filled in again",
    "control character",
)


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("anna", ""),
        ("Cognito/eu-west-1_x/anna.k@example.com", ""),
        ("arn:aws:iam::111122223333:role/path/app", ""),
        ("name with spaces, ümläuts and 漢字 🎉", ""),
        ("{user.name}", ""),
        ("$name", ""),
        ("a*", PATTERN),
        ("?", PATTERN),
        ("/a.b/", PATTERN),
        ('a"b', f'{TEXT} "'),
        ("a\\b", f"{TEXT} \\"),
        ("${user.roles}", AGAIN),
        ("a${", AGAIN),
        ("a\nb", CONTROL),
        ("a\x00b", CONTROL),
        ("a\x7fb", CONTROL),
        ("a\ud800b", CONTROL),
        ("a\u2028b", CONTROL),
        ("a\u2029b", CONTROL),
    ],
)
def test_a_name_that_is_more_than_a_name_is_not_mapped_and_it_is_said_why(entry: str, why: str) -> None:
    assert (why in unfit(entry)) if why else unfit(entry) == ""
    assert bool(breaks_filters(entry)) == (bool(why) and why != PATTERN)


@pytest.mark.parametrize(
    ("asked", "name", "roles", "attributes", "told"),
    [
        ('{"term": {"a": "${user.name}"}}', "anna", ["r"], {}, []),
        ('{"term": {"a": "${user.name}"}}', 'an"na', ["r"], {}, ["user.name"]),
        ('{"term": {"a": "${user_name}"}}', 'an"na', ["r"], {}, ["user.name"]),
        ('{"terms": {"a": [${user.roles}]}}', 'an"na', ["r", "s"], {}, []),
        ('{"terms": {"a": [${user.roles}]}}', "anna", ["r", "s\\"], {}, ["user.roles"]),
        (
            '{"term": {"a": "${attr.internal.dept}"}}',
            "anna",
            [],
            {"attr.internal.dept": "x\ny"},
            ["attr.internal.dept"],
        ),
        ('{"term": {"a": "${attr.internal.dept}"}}', 'an"na', [], {}, []),
        ('{"match_all": {}}', 'an"na', ["s\\"], {}, []),
    ],
)
def test_what_of_a_caller_changes_a_filter_is_named(
    asked: str, name: str, roles: list[str], attributes: dict[str, str], told: list[str]
) -> None:
    said = list(untrue_to_text([asked], name, roles, attributes))
    assert [one.partition("}")[0].removeprefix("${") for one in said] == told
