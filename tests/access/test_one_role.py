"""A token carries the role of one group: who is in two, and what of the other they do not have."""

from __future__ import annotations

import pytest
from portcullis.access.one_role import NotCarried, Rank, groups_that_make_up, not_carried
from portcullis.access.plan import By, Grant, Subject, SubjectKind

ENTRY = "Cognito/pool/anna"
RANKS = {"first": Rank("role-1", 1), "second": Rank("role-2", 2)}
IN_BOTH = {"first": [ENTRY, "Cognito/pool/bob"], "second": [ENTRY]}


def grant(role: str, group: str, by: By = By.ROLE) -> Grant:
    return Grant(Subject(SubjectKind.COGNITO_GROUP, group), role, "a test", by)


BOTH = (grant("writers", "first"), grant("readers", "second"))


def test_who_is_in_two_groups_has_what_the_first_is_granted() -> None:
    [found] = not_carried(BOTH, RANKS, IN_BOTH)
    assert found == NotCarried(ENTRY, ("first",), ("second",), ("readers",))
    for part in (ENTRY, "first and second", "the role of first alone", "readers"):
        assert part in str(found)


@pytest.mark.parametrize(
    ("grants", "ranks"),
    [
        ((grant("readers", "second"),), RANKS),
        (BOTH, {"first": Rank("role-1", 1), "second": Rank("role-2")}),
        (BOTH, {"first": Rank("role-1", 0), "second": Rank("role-2", 1)}),
    ],
    ids=["the first is granted nothing", "a group without a precedence comes last", "the first has 0"],
)
def test_what_the_other_group_is_granted_is_lost(grants: tuple[Grant, ...], ranks: dict[str, Rank]) -> None:
    assert [one.lost for one in not_carried(grants, ranks, IN_BOTH)] == [("readers",)]


@pytest.mark.parametrize(
    "more",
    [
        grant("readers", "first"),
        grant("readers", "third", By.MEMBERS),
        grant("readers", "first", By.MEMBERS),
        Grant(Subject(SubjectKind.COGNITO_USER, "anna"), "readers", "a test"),
    ],
    ids=["by the first", "by members of another group", "by members of the first", "by name"],
)
def test_what_somebody_has_otherwise_is_not_lost(more: Grant) -> None:
    members = {**IN_BOTH, "third": [ENTRY]}
    assert not_carried((*BOTH, more), RANKS, members) == ()
    assert not_carried(BOTH, RANKS, members), "and without it it is"


def test_two_groups_of_one_role_carry_it_for_both() -> None:
    assert not_carried(BOTH, {"first": Rank("role-1", 1), "second": Rank("role-1", 2)}, IN_BOTH) == ()


@pytest.mark.parametrize("place", [None, 0, 3])
def test_two_of_one_precedence_with_different_roles_carry_none(place: int | None) -> None:
    [found] = not_carried(BOTH, {"first": Rank("role-1", place), "second": Rank("role-2", place)}, IN_BOTH)
    assert found == NotCarried(ENTRY, (), ("first", "second"), ("readers", "writers"))
    assert "same precedence" in str(found)


def test_two_of_one_precedence_and_one_role_carry_it() -> None:
    ranks = {"first": Rank("role-1", 1), "second": Rank("role-1", 1), "third": Rank("role-3", 2)}
    grants = (*BOTH, grant("admins", "third"))
    [found] = not_carried(grants, ranks, {**IN_BOTH, "third": [ENTRY]})
    assert (found.not_carried, found.lost) == (("third",), ("admins",))


def test_only_groups_granting_the_lost_role_are_asked_for_members() -> None:
    """Somebody lacks a role because their token carries another group.

    Only a group that grants this role by its members can make up for it.
    """
    grants = (*BOTH, grant("readers", "third", By.MEMBERS), grant("others", "fourth", By.MEMBERS))
    assert groups_that_make_up(grants, not_carried(grants, RANKS, IN_BOTH)) == {"third"}


def test_a_name_that_would_break_a_line_is_told_on_one() -> None:
    [found] = not_carried(BOTH, RANKS, {"first": ["Cognito/pool/a\nb"], "second": ["Cognito/pool/a\nb"]})
    assert "\n" not in str(found)
