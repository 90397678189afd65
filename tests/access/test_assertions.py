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


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x" * 501, "has to be one line of at most 500 characters"),
        ("nobody reads 'x", "No closing quotation"),
        ("everybody reads x", "begins neither with nobody nor with no one"),
        ("no reads x", "begins neither with nobody nor with no one"),
        ("nobody sees x", "says neither reads, writes nor gains"),
        ("nobody gains logs", "has 'logs' where only on PATTERN may stand"),
        ("nobody gains on", "names no index"),
        ("nobody reads a,", "names no index"),
        ("nobody reads -a", "has '-a', which is no name of an index, and no pattern with * alone"),
        ("nobody reads a,b:c", "has 'b:c', which is no name"),
        ("nobody outside hr reads x", "has 'hr' where only group NAME, KIND:NAME or administrators may stand"),
        ("nobody outside group", "has 'group' where only"),
        ("nobody outside", "has '' where only"),
        ("nobody outside group hr or", "has '' where only"),
    ],
)
def test_what_is_wrong_with_an_assertion_is_said(text: str, problem: str) -> None:
    with pytest.raises(BadInput) as told:
        read(text)
    assert problem in str(told.value)


def test_of_a_text_that_is_too_long_its_beginning_is_quoted() -> None:
    for text in ("nobody reads " + "x" * 500, "nobody reads x\n" + "y" * 100):
        with pytest.raises(BadInput) as told:
            read(text)
        assert str(told.value).startswith(f"assertion: {text[:60]!r} is no assertion: it has to be one line of at most")
        assert text[:61] not in str(told.value)


@pytest.mark.parametrize("sign", "?/<>{}:\\ ")
def test_no_index_is_called_by_a_sign_that_none_can_have(sign: str) -> None:
    with pytest.raises(BadInput, match="which is no name of an index"):
        read(f'nobody reads "a{sign}b"' if sign != "\\" else "nobody reads 'a\\b'")


def test_the_longest_assertion_is_read_and_is_about_a_state_or_a_change() -> None:
    assert read("nobody reads " + "x" * 487).patterns == ("x" * 487,)
    assert [read(one).of_one_state for one in ("nobody reads x", "nobody writes x", "nobody gains")] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("kind", ["cognito_group", "iam_group", "identity_center_group"])
def test_a_group_is_of_any_kind_that_has_members(kind: str) -> None:
    assert read("nobody outside group hr reads x").spares("iam_user:kim", (f"{kind}:hr",), administers=False)
    assert not read("nobody outside group hr reads x").spares("iam_user:kim", ("backend_role:hr",), administers=False)
