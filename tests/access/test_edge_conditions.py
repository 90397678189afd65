"""Given a condition of a policy and what is known of a request, then it holds as the IAM User Guide has it for each operator."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis.access.edge.conditions import Context, arn_like, like, listed, met, substituted

from tests.access.edge_cases import ROLE
from tests.laws import examples


def of(value: str | tuple[str, ...] | None, operator: str, wanted: Any, **known: str) -> bool | None:
    """Of a key `k`; None: the request does not have it."""
    values = (value,) if isinstance(value, str) else value
    others = {f"aws:{name}": (one,) for name, one in known.items()}
    context = Context(others, frozenset({"k"})) if values is None else Context({**others, "k": values})
    return met({operator: {"k": wanted}}, context, variables=True)[0]


OPPOSITES = [
    ("StringEquals", "StringNotEquals", "ab", [("ab", True), ("AB", False), ("a*", False)]),
    ("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "ab", [("AB", True), ("b", False)]),
    ("StringLike", "StringNotLike", "ab", [("a*", True), ("A*", False), ("a?", True), ("a", False)]),
    ("NumericEquals", "NumericNotEquals", "3", [("3.0", True), ("4", False), ("x", None)]),
    ("DateEquals", "DateNotEquals", "2026-01-01T00:00:00Z", [("1767225600", True), ("1767225600.5", False), ("x", None)]),
    ("IpAddress", "NotIpAddress", "10.1.1.1", [("10.0.0.7/8", True), ("10.1.1.1", True), ("192.0.2.0/24", False), ("x", None)]),
    ("ArnEquals", "ArnNotEquals", ROLE, [("arn:aws:iam::*:role/*", True), ("arn:*:role/*", False), ("*", False)]),
    ("ArnLike", "ArnNotLike", ROLE, [(ROLE, True), ("arn:aws:iam::*:user/*", False), ("*", False)]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("operator", "opposite", "value", "wanted", "truth"),
    [(one, other, value, wanted, truth) for one, other, value, rows in OPPOSITES for wanted, truth in rows],
)
def test_an_operator_and_its_opposite(
    operator: str, opposite: str, value: str, wanted: str, truth: bool | None
) -> None:
    against = None if truth is None else not truth
    for many in (wanted, [wanted], ["never:so", wanted] if truth else [wanted]):
        assert of(value, operator, many) is truth
        assert of(value, opposite, many) is against
    assert of(value, f"{operator.upper()}IfExists", wanted) is truth
    assert of(value, f"{opposite}IFEXISTS", wanted) is against
    # A key that is not there: no value equals it, unless the condition is for those alone that have it.
    assert (of(None, operator, wanted), of(None, opposite, wanted)) == (False, True)
    assert (of(None, f"{operator}IfExists", wanted), of(None, f"{opposite}IfExists", wanted)) == (True, True)


@given(st.integers(-2, 2), st.integers(-2, 2))
@examples(30)
def test_numbers_and_dates_are_compared_in_their_order(value: int, wanted: int) -> None:
    told = {"LessThan": value < wanted, "LessThanEquals": value <= wanted, "Equals": value == wanted}
    told |= {"GreaterThan": value > wanted, "GreaterThanEquals": value >= wanted}
    for name, truth in told.items():
        assert of(str(value), f"Numeric{name}", str(wanted)) is truth
        days = [f"2026-01-{15 + one}T00:00:00" for one in (value, wanted)]
        assert of(f"{days[0]}Z", f"Date{name}", days[1]) is truth
        assert of(days[0], f"Date{name}", f"{days[1]}+00:00") is truth


@pytest.mark.parametrize(
    ("value", "operator", "wanted", "truth"),
    [
        ("true", "Bool", "TRUE", True),
        ("TRUE", "Bool", True, True),
        ("true", "Bool", False, False),
        ("QUI=", "BinaryEquals", "QUI=", True),
        ("QUI=", "BinaryEquals", "qui=", False),
        ("x", "DateLessThan", "2026-01-01", None),
        ("1", "DateLessThan", "9" * 30, None),
        ("x", "IpAddress", "10.0.0.0/8", None),
        ("2001:db8::1", "IpAddress", "2001:db8::/32", True),
        ("10.1.1.1", "IpAddress", "::/0", False),
        ("ab", "Null", "false", True),
        ("ab", "Null", False, True),
        ("ab", "Null", "TRUE", False),
        (None, "Null", "false", False),
        (None, "Null", True, True),
        ("ab", "Null", "perhaps", None),
        ("ab", "Null", ["true", "false"], None),
        ("ab", "StringSounds", "ab", None),
        (None, "StringSounds", "ab", None),
        (("a", "b"), "ForAnyValue:StringEquals", ["b", "c"], True),
        (("a", "b"), "ForAnyValue:StringEquals", ["c"], False),
        (("a", "b"), "ForAnyValue:StringNotEquals", "a", True),
        (("a",), "ForAnyValue:StringNotEquals", "a", False),
        (("a", "b"), "ForAllValues:StringEquals", ["b", "a", "c"], True),
        (("a", "b"), "ForAllValues:StringEquals", ["a"], False),
        (("a", "b"), "ForAllValues:StringNotEquals", ["c"], True),
        (("a", "b"), "ForAllValues:StringNotLike", ["b*"], False),
        (None, "ForAllValues:StringEquals", "a", True),
        (None, "ForAllValues:StringNotEquals", "a", True),
        (None, "ForAnyValue:StringEquals", "a", False),
        (None, "ForAnyValue:StringEqualsIfExists", "a", True),
        (("a", "b"), "StringEquals", "a", None),
        (("a", "b"), "StringNotEquals", "c", None),
    ],
)
def test_other_operators_sets_and_keys_that_are_not_there(
    value: Any, operator: str, wanted: Any, truth: bool | None
) -> None:
    assert of(value, operator, wanted) is truth


@pytest.mark.parametrize(
    ("text", "put"),
    [
        ("a", "a"),
        ("${aws:username}/x", "ann/x"),
        ("${ AWS:UserName }", "ann"),
        ("${aws:gone}", None),
        ("${aws:gone,'all'}", "all"),
        ('${aws:gone, "all"}', "all"),
        ("${aws:gone, }", None),
        ("${aws:username, 'all'}", "ann"),
        ("${aws:unsaid, 'all'}", None),
        ("${aws:many}", None),
        ("${$}{x}", "${x}"),
        ("x${aws:username}-${aws:unsaid}", None),
        ("${aws:username", "${aws:username"),
    ],
)
def test_a_policy_variable_is_put_in_if_it_has_one_value(text: str, put: str | None) -> None:
    context = Context({"aws:username": ("ann",), "aws:many": ("a", "b")}, frozenset({"aws:gone"}))
    assert substituted(text, context) == put


@pytest.mark.parametrize(
    ("value", "operator", "wanted", "truth"),
    [
        ("a*", "StringLike", "a${*}", True),
        ("ab", "StringLike", "a${*}", False),
        ("a?", "StringLike", "a${?}", True),
        ("ab", "StringLike", "a${?}", False),
        ("a*", "StringEquals", "a${*}", True),
        ("A*", "StringEqualsIgnoreCase", "a${*}", True),
        ("a*", "BinaryEquals", "a${*}", True),
        ("b*", "StringLike", "${aws:odd}", True),
        ("bcd", "StringLike", "${aws:odd}", False),  # a name with a star is no pattern
        ("b*d", "StringLike", "${aws:odd}*", True),
        ("x", "StringLike", "${aws:unsaid}", None),
        ("x", "StringEquals", ["${aws:unsaid}", "x"], True),
    ],
)
def test_what_a_variable_puts_in_means_itself(value: str, operator: str, wanted: Any, truth: bool | None) -> None:
    assert of(value, operator, wanted, odd="b*") is truth


def test_without_variables_a_dollar_is_a_dollar() -> None:
    """In a policy of the version of 2008."""
    context = Context({"k": ("${*}",)})
    assert met({"StringEquals": {"k": "${*}"}}, context, variables=False)[0] is True


@given(st.text("aB*?:", max_size=8), st.text("abB*:", max_size=8))
@examples(300)
def test_a_pattern_fits_as_an_expression_would(pattern: str, value: str) -> None:
    expression = "".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in pattern)
    assert like(value, pattern) is bool(re.fullmatch(expression, value))
    assert like(value, pattern, cased=False) is bool(re.fullmatch(expression, value, re.IGNORECASE))


@pytest.mark.parametrize(
    ("value", "pattern", "fits"),
    [
        ("arn:aws:iam::1:role/a:b", "arn:aws:iam::1:role/*", True),
        ("arn:aws:iam::1:role/a", "arn:aws:iam:*:role/a", False),
        ("arn:aws:iam::1", "arn:aws:iam::1", False),
        ("arn:aws:iam::1", "arn:aws:iam::1:x", False),
    ],
)
def test_arns_are_compared_part_by_part(value: str, pattern: str, fits: bool) -> None:
    assert arn_like(value, pattern) is fits


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ({}, (True, ())),
        (None, (True, ())),
        ("odd", (None, ())),
        ({"Bool": "odd"}, (None, ())),
        ({"StringEquals": {"k": "a", "Un:Said": "x"}}, (None, ("Un:Said",))),
        ({"StringEquals": {"un:said": "x"}, "StringLike": {"un:said": "y", "un:told": "z"}}, (None, ("un:said", "un:told"))),
        ({"StringEquals": {"un:said": "x", "k": "b"}}, (False, ())),
        ({"StringEquals": {"K": ["b", "a"]}}, (True, ())),
    ],
)  # fmt: skip
def test_of_a_condition_that_nobody_can_tell_the_keys_are_named(condition: Any, told: Any) -> None:
    assert met(condition, Context({"k": ("a",)}), variables=True) == told


def test_what_a_request_does_not_have_is_not_what_nobody_knows() -> None:
    context = Context({"a": ("1",)}, frozenset({"b"}))
    assert (context.of("A"), context.of("B"), context.of("c")) == (("1",), (), None)


def test_a_value_of_a_policy_is_one_or_a_list() -> None:
    assert [listed(one) for one in ("a", ["a", ["b"]], (1, True), False)] == [
        ["a"],
        ["a", "b"],
        ["1", "true"],
        ["false"],
    ]
