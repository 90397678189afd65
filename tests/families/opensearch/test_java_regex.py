"""Java's regular expressions, case by case. A real node is asked about thousands of them in test_java_regex_on_node.py."""

from __future__ import annotations

import pytest
from portcullis.families.opensearch.names.java_regex import Groups, NotJava, groups, why_not, wrong_reference

COMPILES = [
    *("", "a", "a|b", "|", "(a)(b)", "(?:a)", "(?>a)", "(?=a)b", "(?!a)b", "(?<=a)b", "(?<!a{2})b", "(?<=a|b)c"),
    *("(?i)a", "(?i:a)", "(?-s)a", "(?i-s:a)", "(?<n>a)", r"(?<n>a)\k<n>", "(?<a1>x)(?<a2>y)"),
    *("a*", "a+?", "a?+", "a{2}", "a{2,}", "a{2,3}?", "a{2147483647}", "{2}", "x{0}"),
    *(
        "[a]",
        "[^a]",
        "[a-z]",
        "[a-]",
        "[-a]",
        "[]a]",
        "[[a]b]",
        "[a&&[b]]",
        "[a&&b]",
        r"[\]]",
        r"[\d\w]",
        r"[\x41-\x42]",
    ),
    *(r"\d\D\s\S\w\W\h\H\v\V", r"\A\b\B\G\z\Z\R\X", r"\b{g}", r"\t\n\r\f\a\e", r"\.", r"\-", r"\_", r"\é"),
    *(
        r"\p{L}",
        r"\pL",
        r"\P{Alpha}",
        r"\p{IsGreek}",
        r"\p{javaLowerCase}",
        r"\p{javaJavaIdentifierPart}",
        *(rf"\p{{{one}=L}}" for one in ("gc", "general_category", "General_Category")),
        *(rf"\p{{{one}=Latin}}" for one in ("sc", "Script")),
        *(rf"\p{{{one}=BasicLatin}}" for one in ("blk", "BLOCK")),
        r"\x41",
        r"\x{1F600}",
        r"\u0041",
        r"\07",
        r"\0377",
        r"\cA",
    ),
    *(r"\N{LATIN SMALL LETTER A}", r"\Qa(b\E", r"\Q(", r"\Qa\E+", r"(a)\1", r"\12", "a}b"),
]
IS_REFUSED = [
    *("(", ")", "(a", "a)", "(?", "(?P<n>a)", "(?#a)", "(?'n'a)", "(?<1>a)", "(?<n a)", "(?<>a)", "(?<n>a)(?<n>b)"),
    *("*a", "+", "?", "a**", "a+++", "(*a)", "|*"),
    *(
        "a{",
        "a{,2}",
        "a{x}",
        "a{2",
        "a{2,1}",
        "a{2,",
        "a{2147483648}",
        "a{0,2147483648}",
        "a{99999999999}",
        "a{1,99999999999}",
    ),
    *("[a", "[", "[]", "[^]", "[z-a]", "[a&&", "[&&]", r"[a-\d]", r"[\b]", r"[\A]", r"[\k<n>]"),
    *("\\", r"\y", r"\i", r"\K", r"\k", r"\k<n>", r"\k{n}", r"\b{x}", r"\E"),
    *(
        r"\x4",
        r"\x{}",
        r"\x{110000}",
        r"\u00",
        r"\0",
        r"\08",
        r"\c",
        r"\p{L",
        r"\p{Lx}",
        r"\p{foo=L}",
        r"\p{gc=}",
        r"\p{=L}",
        r"\p{javaFoo}",
        r"\pY",
        r"\N",
        r"\N{NO SUCH THING}",
    ),
    *("(?<=a*)b", "(?<!a+)b", "(?<=a{2,})b", r"(?<=\X)a", r"(a)(?<=\1)b", r"(?<n>a)(?<=\k<n>)b", "(?<=(a|b*))c"),
]


@pytest.mark.parametrize("expression", COMPILES)
def test_java_compiles(expression: str) -> None:
    assert why_not(expression) == ""


@pytest.mark.parametrize("expression", IS_REFUSED)
def test_java_refuses(expression: str) -> None:
    assert why_not(expression)
    with pytest.raises(NotJava):
        groups(expression)


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("a", Groups()),
        ("(a)(?:b)(?=c)(d)", Groups(2)),
        (r"\(a\)[(]\Q(\E", Groups()),
        ("(a(?<n>b))(?<m>c)", Groups(3, frozenset({"n", "m"}))),
        ("(?x)(a)", Groups(None)),  # a comment may hold anything
        ("(" * 70 + "a" + ")" * 70, Groups(None)),
        ("(" * 50 + "a" + ")" * 50, Groups(50)),
    ],
)
def test_groups_are_counted_or_said_to_be_unknown(expression: str, found: Groups) -> None:
    assert groups(expression) == found


@pytest.mark.parametrize(
    ("expression", "replacement", "why"),
    [
        ("(a)", "", ""),
        ("(a)", "x$1y", ""),
        ("(a)", "$0", ""),
        ("(a)", "$12", ""),  # the first group, and a 2
        ("a", r"\$1", ""),
        ("a", r"\\", ""),
        ("(?<n>a)", "-${n}-", ""),
        ("(?x)(a)", "$9${n}", ""),  # nobody here can tell
        ("a", "$1", "$1 is beyond the groups of the expression, which has no group"),
        ("(a)", "$2", "$2 is beyond the groups of the expression, which has one group"),
        ("(a)(b)", "$1$3", "$3 is beyond the groups of the expression, which has 2 groups"),
        ("(?<n>a)", "${m}", "there is no group {m}"),
        ("(a)", "${1}", "${ without the name of a group"),
        ("(a)", "${n", "${ without the name of a group"),
        ("(a)", "$x", "$x refers to no group: write \\$ for a dollar sign"),
        ("(a)", "5 $", "a $ at the end: write \\$"),
        ("(a)", "\\", "a backslash at the end"),
    ],
)
def test_a_replacement_that_would_fail_is_told_and_why(expression: str, replacement: str, why: str) -> None:
    assert wrong_reference(expression, replacement) == why
