"""Connections between Amazon's domains, as a file names them and as they are. Pure.

Whoever reads asks, whoever is read accepts: https://docs.aws.amazon.com/opensearch-service/latest/developerguide/cross-cluster-search.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from portcullis.remotes.facts import Finding, Weight

CONNECTED = ("APPROVED", "PROVISIONING", "ACTIVE")  # lets searches through, or is about to
_ASKED = ("VALIDATING", "PENDING_ACCEPTANCE")
_REFUSED = ("VALIDATION_FAILED", "REJECTING", "REJECTED")


@dataclass(frozen=True, slots=True)
class Connection:
    """One of a domain. `alias` is empty where it is read by the other one. `other`: its ARN. `status` and `message`: Amazon's words.

    `skip_unavailable`: a refusal of the other one is left out, and the rest is answered; the other one does not know whether.
    """

    id: str
    other: str
    status: str
    alias: str = ""
    message: str = ""
    skip_unavailable: bool = False


@dataclass(frozen=True, slots=True)
class Connections:
    """All of a domain: those by which it reads, and those by which it is read."""

    reads: tuple[Connection, ...] = ()
    read_by: tuple[Connection, ...] = ()


@dataclass(frozen=True, slots=True)
class ToDo:
    """What is missing of what the file names: aliases to ask for, with the domain's ARN, and connections to accept."""

    ask: Mapping[str, str]
    accept: tuple[Connection, ...]


def to_do(reads: Mapping[str, str], read_by: tuple[str, ...], there: Connections) -> ToDo:
    """What was refused is not asked for again: whoever refused it has to be spoken to, and the refused one deleted."""
    standing = {(one.alias, one.other) for one in there.reads if one.status in (*CONNECTED, *_ASKED, *_REFUSED)}
    missing = {alias: other for alias, other in reads.items() if (alias, other) not in standing}
    waiting = tuple(one for one in there.read_by if one.other in read_by and one.status == "PENDING_ACCEPTANCE")
    return ToDo(missing, waiting)


def compare(
    deployment: str, reads: Mapping[str, str], read_by: tuple[str, ...], there: Connections
) -> tuple[Finding, ...]:
    """What is right and wrong with them, those that the file names first."""
    return (*_reads(deployment, reads, there.reads), *_read_by(deployment, read_by, there.read_by))


def _reads(deployment: str, declared: Mapping[str, str], there: tuple[Connection, ...]) -> Iterator[Finding]:
    connect = f"portcullis remote connect {deployment}"
    for alias, other in declared.items():
        same = {one.status: one for one in there if (one.alias, one.other) == (alias, other)}
        if any(status in same for status in CONNECTED):
            yield Finding(alias, Weight.OK, "connected", f"{other} is read as {alias}")
        elif any(status in same for status in _ASKED):
            yield Finding(
                alias, Weight.NOTE, "asked-for", f"asked for: the administrators of {other} have to accept it"
            )
        elif refused := next((same[status] for status in _REFUSED if status in same), None):
            because = f": {refused.message}" if refused.message else ""
            remedy = f"mend what it names, then aws opensearch delete-outbound-connection --connection-id {refused.id}, then {connect}"
            yield Finding(alias, Weight.WRONG, "refused", f"{refused.status.lower()}{because}", remedy)
        else:
            yield Finding(alias, Weight.WRONG, "not-connected", f"{other} is not connected", connect)
    for one in there:
        if declared.get(one.alias) == one.other or one.status not in (*CONNECTED, *_ASKED):
            continue
        weight = Weight.WRONG if one.status in CONNECTED else Weight.NOTE
        says = (
            f"{one.other} is {'read' if one.status in CONNECTED else 'asked for'} as {one.alias}, and no file names it"
        )
        remedy = f"connections.reads, or aws opensearch delete-outbound-connection --connection-id {one.id}"
        yield Finding(one.alias, weight, "not-declared", says, remedy)


def _read_by(deployment: str, declared: tuple[str, ...], there: tuple[Connection, ...]) -> Iterator[Finding]:
    for other in declared:
        states = {one.status for one in there if one.other == other}
        if states & {*CONNECTED}:
            yield Finding("", Weight.OK, "connected", f"{other} may read from here")
        elif "PENDING_ACCEPTANCE" in states:
            remedy = f"portcullis remote connect {deployment}"
            yield Finding("", Weight.WRONG, "to-accept", f"{other} waits to be accepted", remedy)
        else:
            yield Finding("", Weight.NOTE, "asked-by-nobody", f"{other} has not asked yet")
    for one in there:
        if one.other in declared or one.status not in (*CONNECTED, "PENDING_ACCEPTANCE"):
            continue
        if one.status in CONNECTED:
            remedy = f"connections.read_by, or aws opensearch delete-inbound-connection --connection-id {one.id}"
            says = f"{one.other} may read from here, and no file names it"
            yield Finding("", Weight.WRONG, "not-declared", says, remedy)
        else:
            remedy = f"leave it, or aws opensearch reject-inbound-connection --connection-id {one.id}"
            yield Finding(
                "", Weight.NOTE, "not-declared", f"{one.other} asks to read from here, and no file names it", remedy
            )
