"""Given names and people, then what is one letter away, far ahead or had by nobody is found, and nothing else is."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis.access.plan import By, Grant, Subject, SubjectKind
from portcullis.access.questions.findings import (
    AHEAD,
    EVERYBODY,
    NOBODY,
    PATH,
    UNUSED,
    Found,
    Pattern,
    ahead,
    in_order,
    lifted,
    near,
    unused,
    whom_patterns_fit,
)
from portcullis.access.questions.persons import Person, as_person
from portcullis.families.opensearch.names.matching import matches

LETTERS = string.ascii_lowercase
words = st.text(LETTERS, min_size=4, max_size=9)


@pytest.mark.parametrize(
    ("pattern", "name", "is_near"),
    [
        ("oders-*", "orders-1", True),
        ("orderrs-*", "orders-1", True),
        ("ordens-*", "orders-1", True),
        ("odrers-*", "orders-1", True),
        ("*-oders", "eu-orders", True),
        ("orders", "orderx", True),
        ("orderss", "orders", True),
        ("orders-1", "orders-2", False),  # another number is no misspelling
        ("orders-*", "orders-1", False),  # fits
        ("oders-*", "orders", False),  # two: the letter, and the hyphen
        ("orxxrs-*", "orders-1", False),
        ("a-*", "b-1", False),  # a letter is all of it
        ("*", "orders-1", False),
    ],
)
def test_what_is_one_letter_away(pattern: str, name: str, is_near: bool) -> None:
    assert near(pattern, {name}) == (name if is_near else "")


@given(words, words, st.data())
def test_one_wrong_letter_is_found_and_a_pattern_that_fits_never_is(head: str, tail: str, data: st.DataObject) -> None:
    name, right = f"{head}-{tail}", f"{head}-*"
    at = data.draw(st.integers(0, len(head) - 1))
    other = data.draw(st.sampled_from(LETTERS))
    wrong = [right[:at] + right[at + 1 :], right[:at] + other + right[at + 1 :], right[:at] + other + right[at:]]
    for one in wrong:
        assert bool(near(one, {name})) is not matches(one, name), one
    assert near(right, {name}) == ""


@given(st.text("ab*?-1", max_size=7), st.text("ab-1", max_size=7))
def test_what_is_near_fits_once_one_letter_is_mended(pattern: str, name: str) -> None:
    """Against the other way of saying it: every edit there is is tried."""
    letters = "ab"
    edits = {
        *(pattern[:i] + pattern[i + 1 :] for i in range(len(pattern)) if pattern[i] in letters),
        *(pattern[:i] + c + pattern[i + 1 :] for i in range(len(pattern)) if pattern[i] in letters for c in letters),
        *(pattern[:i] + c + pattern[i:] for i in range(len(pattern) + 1) for c in letters),
        *(
            pattern[:i] + pattern[i + 1] + pattern[i] + pattern[i + 2 :]
            for i in range(len(pattern) - 1)
            if pattern[i] in letters and pattern[i + 1] in letters
        ),
    }
    enough = sum(sign.isalpha() for sign in pattern) >= 3
    nearly = enough and not matches(pattern, name) and any(matches(one, name) for one in edits)
    assert bool(near(pattern, {name})) is nearly


def person(name: str, *groups: str) -> Person:
    return as_person(f"arn:aws:iam::111122223333:user/{name}", groups)


@pytest.mark.parametrize(
    ("counts", "who"),
    [
        ({"a": 2, "b": 2, "c": 9}, ["c"]),
        ({"a": 2, "b": 2, "c": 4}, []),  # twice as much is not more than twice
        ({"a": 0, "b": 0, "c": 2}, []),  # too little to speak of
        ({"a": 0, "b": 0, "c": 3}, ["c"]),
        ({"a": 2, "c": 90}, []),  # of two nobody is the usual one
    ],
)
def test_who_is_far_ahead_of_the_median_of_their_group(counts: dict[str, int], who: list[str]) -> None:
    found = list(ahead((person(name, "iam_group:ops"), count) for name, count in counts.items()))
    assert [one.about for one in found] == [f"iam_user:{name}" for name in who]
    assert {one.code for one in found} <= {AHEAD}


def test_of_more_than_one_group_the_other_is_named() -> None:
    few = [(person(name, "iam_group:ops"), 1) for name in "abc"]
    (one,) = ahead([*few, (person("kim", "iam_group:ops", "iam_group:payroll"), 40)])
    assert "they are in iam_group:payroll, too" in one.says


def grant(name: str, by: By = By.MEMBERS) -> Grant:
    return Grant(Subject(SubjectKind.COGNITO_GROUP, name), "reads", "demo.yaml:1", by)


def test_a_grant_is_unused_if_nobody_has_it_and_the_reason_says_why() -> None:
    anna = Person("cognito_user", "anna", "Cognito/p/anna", None, ("cognito_group:a", "cognito_group:b"), carried="a")
    found = list(
        unused(
            [grant("a", By.ROLE), grant("b", By.ROLE), grant("b"), grant("c"), grant("d")], [anna], {"cognito_group:d"}
        )
    )
    assert [one.about for one in found] == ["cognito_group:b", "cognito_group:c"]
    assert "carries the role of another group" in found[0].says
    assert "nobody is in it" in found[1].says


def test_what_is_found_comes_gravest_first_then_certain_then_by_name() -> None:
    wanted = [
        Found(PATH, "kim", "a", ""),
        Found(PATH, "anna", "a", "", certain=False),
        Found(AHEAD, "anna", "a", ""),
        Found(UNUSED, "anna", "a", ""),
        Found(UNUSED, "ben", "a", ""),
    ]
    assert in_order([*reversed(wanted), wanted[0]]) == tuple(wanted)


def test_a_grant_that_one_of_several_people_has_is_used() -> None:
    people = [
        Person("cognito_user", name, f"Cognito/p/{name}", None, (f"cognito_group:{group}",))
        for name, group in (("anna", "a"), ("ben", "b"))
    ]
    assert [one.about for one in unused([grant("a"), grant("b"), grant("c")], people, ())] == ["cognito_group:c"]


def test_whom_a_pattern_lets_in_decides_what_is_said_of_it() -> None:
    kim, lee = person("kim"), person("lee")
    found = whom_patterns_fit(
        [
            Pattern("every", "/.*/", (kim, lee), 2),
            Pattern("one", "/k.*/", (kim,), 2),
            Pattern("none", "/x/", (), 2),
            Pattern("anybody", "*", (), 0, anybody="whoever signs in"),
        ]
    )
    assert [(one.about, one.code) for one in found] == [("every", EVERYBODY), ("none", NOBODY), ("anybody", EVERYBODY)]


@pytest.mark.parametrize(
    ("names", "behind"),
    [
        (["anna"], "the token of cognito_user:anna carries"),
        (["anna", "ben", "cleo"], "the token of cognito_user:anna, cognito_user:ben, cognito_user:cleo carries"),
        (["anna", "ben", "cleo", "dan"], "the token of cognito_user:anna, cognito_user:ben, cognito_user:cleo and 1 more carries"),
    ],
)  # fmt: skip
def test_whose_token_carries_another_role_is_named_up_to_three(names: list[str], behind: str) -> None:
    people = [
        Person("cognito_user", name, f"Cognito/p/{name}", None, ("cognito_group:b", "cognito_group:a"), carried="a")
        for name in names
    ]
    (one,) = unused([grant("b", By.ROLE)], people, ())
    assert one.says == (
        f"reads is granted to cognito_group:b (demo.yaml:1) and nobody has it: {behind} the role of another group"
    )
    assert one.remedy.startswith("grant by members")


def test_several_grants_to_one_group_that_nobody_has_are_one_finding() -> None:
    other = Grant(Subject(SubjectKind.COGNITO_GROUP, "b"), "writes", "demo.yaml:1", By.MEMBERS)
    (one,) = unused([grant("b"), other], (), ())
    assert one.says == (
        "reads and writes are granted to cognito_group:b (demo.yaml:1) and nobody has it: nobody is in it or called so"
    )


def test_how_far_ahead_somebody_is_and_by_what_is_said() -> None:
    few = [(person(name, "iam_group:ops"), 1) for name in "ab"]
    (one,) = ahead([*few, (person("kim", "iam_group:ops"), 4)])
    assert one.says == (
        "iam_user:kim may read or write 4 times (an index each), the median of iam_group:ops is 1; by no other group"
    )
    assert one.remedy == "portcullis why iam_user:kim INDEX says by what; take away what they do not need"


def test_a_pattern_that_lets_in_whoever_is_known_says_how_many() -> None:
    kim, lee = person("kim"), person("lee")
    found = list(
        whom_patterns_fit(
            [
                Pattern("a", "users /.*/", (kim, lee), 2),
                Pattern("b", "users /k/", (kim,), 1),
                Pattern("c", "users /q/", None, 0),
                Pattern("d", "users *", (kim,), 5, anybody="whoever signs in"),
            ]
        )
    )
    assert [one.says for one in found] == [
        "users /.*/ lets in all 2 people who are known",
        "users /q/ fits nobody who is known",
        "users * lets in whoever signs in",
    ]


def test_a_filter_of_an_alias_that_is_no_limit_names_the_role_and_the_alias() -> None:
    (one,) = lifted([("reads", "logs")])
    assert (one.code, one.about) == ("alias-filter-lifted", "reads")
    assert one.says.startswith("reads reaches what is behind the alias logs by that name alone")
