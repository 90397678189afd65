"""A domain's connections to others, as its file names them: asked for, accepted, and looked at. None is ever ended here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from portcullis.custody.types import State
from portcullis.errors import PortcullisError, Refused
from portcullis.operations.remotes.files import file_of
from portcullis.operations.services import Services, Site, Trigger
from portcullis.remotes.connections import compare, to_do
from portcullis.remotes.facts import Finding, Weight, exit_status

if TYPE_CHECKING:
    from portcullis.model.types import Connections as Declared


@dataclass(frozen=True, slots=True)
class Connected:
    """`done`: what was asked for and accepted. `exit_status`: 3 if something is wrong afterwards."""

    deployment: str
    done: tuple[str, ...]
    findings: tuple[Finding, ...]
    exit_status: int


def connect_remotes(services: Services, deployment: str, cause: Trigger) -> Connected:
    """Ask for and accept the connections that the file names and that are not there. Asked again it does what is left. Refused while it
    is locked, and for what is no domain."""
    site = services.site(deployment)
    declared = _declared(site)
    state = site.ledger.custody(deployment).state
    if state is not State.OPEN:
        raise Refused(f"{deployment} is {state.value}: no other domain is let in or read while it is")
    left = to_do(declared.reads, declared.read_by, site.connections.shown())
    done: list[str] = []
    try:
        for alias, other in left.ask.items():
            site.connections.ask(alias, other)
            done.append(f"asked for {other} as {alias}")
        for one in left.accept:
            site.connections.accept(one)
            done.append(f"accepted {one.other}")
    finally:
        if done:
            site.record("connect", cause, "; ".join(done), after=done)
    findings = _findings(site, declared)
    return Connected(deployment, tuple(done), findings, exit_status(findings))


def checked(site: Site) -> tuple[Finding, ...]:
    """What is right and wrong with the connections of a domain. Changes nothing."""
    return _findings(site, _declared(site))


def _findings(site: Site, declared: Declared) -> tuple[Finding, ...]:
    try:
        there = site.connections.shown()
    except PortcullisError as error:
        return (Finding("", Weight.UNKNOWN, "not-looked-at", str(error)),)
    return compare(site.name, declared.reads, declared.read_by, there)


def _declared(site: Site) -> Declared:
    from portcullis.model import OnDomain  # late: no event needs it

    file = file_of(site)
    if not isinstance(file, OnDomain):
        raise Refused(f"{site.name} is no domain: its remote clusters are declared under remotes, and set by apply")
    return file.connections
