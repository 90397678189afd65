"""What a change brings about is told apart from what was there: by what it says, where, and how often."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis import model
from portcullis.errors import BadInput
from portcullis.operations.access.new_findings import new_errors, new_warnings, refuse_new_errors

from tests.operations.worlds import model_text

WRONG = '{index_patterns: ["orders-*"], dls: "region=eu", allowed_actions: [read]}'
GOOD = '{index_patterns: ["orders-*"], allowed_actions: [read]}'
ALL = '{index_patterns: ["orders-*"], dls: \'{"match_all": {}}\', allowed_actions: [read]}'


def roles(**of: list[str]) -> str:
    made = "".join(f"    {name}: {{index_permissions: [{', '.join(entries)}]}}\n" for name, entries in of.items())
    return model_text(f"  roles:\n{made}")


def read(text: str) -> Any:
    return model.loads(text, "demo.yaml")


def codes(before: str, after: str) -> list[str]:
    return [str(one).rpartition("[")[2].partition("]")[0] for one in new_errors(before, read(after))]


@pytest.mark.parametrize(
    ("before", "after", "new"),
    [
        ("", roles(a=[WRONG]), 1),
        (roles(a=[WRONG]), roles(a=[WRONG]), 0),
        (roles(a=[WRONG]), roles(a=[GOOD, WRONG]), 0),
        (roles(a=[WRONG]), roles(a=[WRONG, WRONG]), 1),
        (roles(a=[WRONG]), roles(a=[WRONG], b=[WRONG]), 1),
        (roles(a=[WRONG]), roles(b=[WRONG]), 1),
        (roles(a=[WRONG, WRONG]), roles(a=[WRONG]), 0),
        (roles(a=[WRONG]), roles(a=[GOOD]), 0),
        ("no: longer\nread: at all\n", roles(a=[WRONG]), 1),
    ],
    ids=[
        "nothing in force",
        "as it is",
        "further down",
        "twice",
        "in another role as well",
        "in another role instead",
        "once of twice",
        "mended",
        "what is in force cannot be read",
    ],
)
def test_an_error_is_new_where_it_does_not_stand_in_force_as_often(before: str, after: str, new: int) -> None:
    assert codes(before, after) == ["dls-invalid"] * new


def test_what_else_of_a_permission_is_mended_does_not_make_its_error_a_new_one() -> None:
    assert codes(roles(a=[WRONG]), roles(a=[WRONG.replace("[read]", "[crud]")])) == []
    assert codes(roles(a=[WRONG]), roles(a=[WRONG.replace("orders-*", "payroll-*")])) == ["dls-invalid"]


def test_the_first_error_is_said_and_how_many_more_there_are() -> None:
    with pytest.raises(BadInput, match=r"\[dls-invalid\]") as one:
        refuse_new_errors("", read(roles(a=[WRONG])))
    assert "more in this file" not in str(one.value)
    with pytest.raises(BadInput, match="2 more in this file"):
        refuse_new_errors("", read(roles(a=[WRONG], b=[WRONG], c=[WRONG])))


def test_a_warning_is_said_once_with_its_remedy_and_refuses_nothing() -> None:
    refuse_new_errors("", read(roles(a=[ALL])))
    found = new_warnings("", read(roles(a=[ALL, ALL])))
    assert [one for one in found if one.endswith("[dls-everything]")]
    assert len(found) == len(set(found))
    assert all(" (" in one for one in found)
    assert new_warnings(roles(a=[ALL]), read(roles(a=[ALL]))) == ()


def test_what_is_wrong_is_no_warning_but_refused() -> None:
    with pytest.raises(BadInput, match=r"\[dls-invalid\]"):
        new_warnings("", read(roles(a=[WRONG])))
