"""Given a line of text, then it is an assertion as docs/assertions.md has it, or it is said what is wrong with it."""

from __future__ import annotations

import pytest
from portcullis.access.questions.assertions import Asserted, Assertion, read
from portcullis.errors import BadInput


@pytest.mark.parametrize(
    ("text", "does", "patterns", "outside"),
    [
        ("no one gains", "gains", (), ()),
        ("nobody gains on payroll-*,audit", "gains", ("payroll-*", "audit"), ()),
        ("nobody reads payroll-*", "reads", ("payroll-*",), ()),
        ("nobody outside group hr reads payroll-*", "reads", ("payroll-*",), ("group:hr",)),
        (
            "nobody outside group hr or administrators or iam_role:app writes a b",
            "writes",
            ("a", "b"),
            ("group:hr", "administrators", "iam_role:app"),
        ),
        ('nobody outside group "human resources" reads x', "reads", ("x",), ("group:human resources",)),
    ],
)
def test_an_assertion_is_read(text: str, does: str, patterns: tuple[str, ...], outside: tuple[str, ...]) -> None:
    assert read(text) == Assertion(text, does, patterns, outside)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "everybody reads x",
        "nobody",
        "nobody sees x",
        "nobody reads",
        "nobody reads ,",
        "nobody reads 'x y'",
        "nobody reads /x/",
        "nobody reads -x",
        "nobody reads x?",
        "nobody gains payroll-*",
        "nobody gains on",
        "nobody outside hr reads x",
        "nobody outside group reads",
        "nobody outside group",
        "nobody outside group hr or reads x",
        "nobody outside robot:hr reads x",
        "nobody outside iam_user: reads x",
        "nobody reads 'x",
        "nobody reads x\n",
        "nobody reads " + "x" * 500,
    ],
)
def test_what_is_no_assertion_is_said(text: str) -> None:
    with pytest.raises(BadInput, match="is no assertion: it "):
        read(text)


@pytest.mark.parametrize(
    ("outside", "person", "groups", "spared"),
    [
        ("group hr", "cognito_user:anna", ("cognito_group:hr",), True),
        ("group hr", "iam_group:hr", (), True),  # of a file: it stands for whoever is in it
        ("group hr", "cognito_user:hr", (), False),
        ("iam_group:hr", "cognito_user:anna", ("cognito_group:hr",), False),
        ("cognito_user:anna", "cognito_user:anna", (), True),
        ("cognito_user:anna", "iam_user:anna", (), False),
    ],
)
def test_whom_it_spares(outside: str, person: str, groups: tuple[str, ...], spared: bool) -> None:
    assert read(f"nobody outside {outside} reads x").spares(person, groups, administers=False) is spared


def test_administrators_are_spared_where_it_says_so() -> None:
    assert read("nobody outside administrators reads x").spares("iam_user:kim", (), administers=True)
    assert not read("nobody reads x").spares("iam_user:kim", (), administers=True)


def test_who_is_no_administrator_is_not_spared_for_them() -> None:
    assert not read("nobody outside administrators reads x").spares("iam_user:kim", (), administers=False)


@pytest.mark.parametrize(
    ("asserted", "said"),
    [
        (Asserted("t", True, "iam_user:kim", "x", "r"), "holds: t"),
        (Asserted("t", False, "iam_user:kim", "x", "r"), "does not hold: t: iam_user:kim on x: r"),
        (Asserted("t", False, "iam_user:kim", "", "r"), "does not hold: t: iam_user:kim: r"),
        (Asserted("t", None, rule="r"), "not known: t: r"),
    ],
)
def test_what_became_of_an_assertion_is_one_line(asserted: Asserted, said: str) -> None:
    assert str(asserted) == said
