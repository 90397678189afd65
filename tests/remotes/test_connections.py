"""Connections between Amazon's domains: what a file names against what there is."""

from __future__ import annotations

import pytest
from portcullis.remotes.connections import Connection, Connections, compare, to_do

FAR, OTHER = (f"arn:aws:es:eu-west-1:999999999999:domain/{name}" for name in ("far", "other"))
READS, READ_BY = {"far": FAR}, (OTHER,)


def reads(status: str, alias: str = "far", other: str = FAR) -> Connections:
    return Connections(reads=(Connection("out-1", other, status, alias, "no node-to-node encryption"),))


def read_by(status: str, other: str = OTHER) -> Connections:
    return Connections(read_by=(Connection("in-1", other, status),))


# What there is -> weight and code of what is said of it, and whether it is asked for or accepted.
OUTBOUND = {
    "ACTIVE": ("OK", "connected", False),
    "PROVISIONING": ("OK", "connected", False),
    "PENDING_ACCEPTANCE": ("note", "asked-for", False),
    "VALIDATING": ("note", "asked-for", False),
    "VALIDATION_FAILED": ("wrong", "refused", False),
    "REJECTED": ("wrong", "refused", False),
    "DELETING": ("wrong", "not-connected", True),
    "DELETED": ("wrong", "not-connected", True),
}
INBOUND = {
    "ACTIVE": ("OK", "connected", False),
    "PENDING_ACCEPTANCE": ("wrong", "to-accept", True),
    "REJECTED": ("note", "asked-by-nobody", False),
    "DELETED": ("note", "asked-by-nobody", False),
}


@pytest.mark.parametrize("status", OUTBOUND)
def test_a_domain_that_is_to_be_read_is_asked_for_once(status: str) -> None:
    weight, code, asked = OUTBOUND[status]
    (found,) = compare("shop", READS, (), reads(status))
    assert (found.alias, found.weight, found.code) == ("far", weight, code)
    assert to_do(READS, (), reads(status)).ask == (READS if asked else {})


@pytest.mark.parametrize("status", INBOUND)
def test_a_domain_that_may_read_is_accepted_once_it_asks(status: str) -> None:
    weight, code, accepted = INBOUND[status]
    (found,) = compare("shop", {}, READ_BY, read_by(status))
    assert (found.weight, found.code) == (weight, code)
    assert to_do({}, READ_BY, read_by(status)).accept == (read_by(status).read_by if accepted else ())


@pytest.mark.parametrize(
    ("there", "weights"),
    [
        (reads("ACTIVE"), ["wrong"]),
        (reads("PENDING_ACCEPTANCE"), ["note"]),
        (reads("DELETED"), []),
        (read_by("ACTIVE"), ["wrong"]),
        (read_by("PENDING_ACCEPTANCE"), ["note"]),
        (read_by("REJECTED"), []),
    ],
)
def test_what_no_file_names_is_said_and_never_asked_for_or_accepted(there: Connections, weights: list[str]) -> None:
    found = compare("shop", {}, (), there)
    assert [one.weight for one in found] == weights
    assert {one.code for one in found} <= {"not-declared"}
    left = to_do({}, (), there)
    assert (left.ask, left.accept) == ({}, ())


def test_another_domain_under_a_declared_alias_is_not_the_declared_one() -> None:
    there = reads("ACTIVE", other=OTHER)
    assert [one.code for one in compare("shop", READS, (), there)] == ["not-connected", "not-declared"]
    assert to_do(READS, (), there).ask == READS


def test_a_connection_that_ended_beside_one_that_stands_is_no_matter() -> None:
    """Amazon shows what was deleted for 15 days."""
    there = Connections(reads=(*reads("DELETED").reads, *reads("ACTIVE").reads))
    assert [one.code for one in compare("shop", READS, (), there)] == ["connected"]
    assert to_do(READS, (), there).ask == {}


def test_why_it_was_refused_is_said() -> None:
    (found,) = compare("shop", READS, (), reads("VALIDATION_FAILED"))
    assert "no node-to-node encryption" in found.says
    assert "out-1" in found.remedy
