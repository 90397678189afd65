"""Everything an operation needs of the world, in one value: made once a process, handed to every verb."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from portcullis import words
from portcullis.access.plan import AccessModel
from portcullis.families import family_named
from portcullis.families.base import Family
from portcullis.ports.alerts import Alerts
from portcullis.ports.data import ClientEndpoints, Documents, Snapshots
from portcullis.ports.edge import EdgeReader
from portcullis.ports.engine import Engine
from portcullis.ports.identity import IdentityReader, Secrets
from portcullis.ports.keys import KeyDesk, KeyObserver
from portcullis.ports.ledger import Change, Ledger
from portcullis.ports.pages import Pages
from portcullis.ports.places import Domain, DomainConnections, Gate
from portcullis.ports.queues import DeadLetters
from portcullis.ports.registration import Place, Registration
from portcullis.ports.remotes import ClusterKeys, Keystores, KeyTexts, Remotes
from portcullis.ports.watch import Eyes, Roads
from portcullis.settings import Settings


@dataclass(frozen=True, slots=True)
class Trigger:
    """Why an operation runs: what the history and the alerts will say."""

    what: str  # event id(s), "sweep", a command line
    actor: str = ""  # ARN or service
    at: str = ""  # ISO 8601, when it happened, if it is known

    def __post_init__(self) -> None:
        words.put(self, what=words.CAUSE, actor=words.ACTOR, at=words.TIME)


def _lacking(what: str) -> Callable[..., Any]:
    """What a world is without unless it is told: asking for it is a mistake of ours, and says so."""

    def ask(*_: Any) -> Any:
        raise LookupError(f"there is no {what} among these services")

    return ask


def _in_turn(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    return [call() for call in calls]


class _Blindfolded:
    """The eyes of a world that was given none."""

    look = staticmethod(_lacking("eyes"))


@dataclass(frozen=True, slots=True)
class Services:
    """The adapters, behind their protocols. `engine`, `identity`, `keys`, `gate` are made for one deployment."""

    settings: Settings
    ledger: Ledger
    alerts: Alerts
    engine: Callable[[Registration], Engine]  # as the automation
    master: Callable[[Registration], Engine]  # as the master role: only to let the automation in
    canary: Callable[[Registration], Engine]  # as the canary: to prove that a lock holds
    identity: Callable[[Registration], IdentityReader]
    keys: Callable[[Registration], KeyObserver]
    gate: Callable[[Registration], Gate]
    dead_letters: DeadLetters
    # Queue ARN, receipt handle, seconds: have a message seen again so soon.
    queue_again: Callable[[str, str, int], None]
    empty_group: Callable[[str], None]  # take every rule out of a security group
    let_into_vpcs: Callable[[], str]  # have the account let the search service make domains in its VPCs; what was done
    later: Callable[
        [str, int], None
    ]  # a message, seconds (900 at most): have it come among the reminders after so long
    secrets: Callable[[Registration], Secrets]
    domain: Callable[[Registration], Domain]
    snapshots: Callable[[Registration], Snapshots]  # as the snapshot role
    key_desk: Callable[[Registration], KeyDesk] = field(default=_lacking("key desk"))
    documents: Callable[[Registration], Documents] = field(default=_lacking("documents"))  # as the snapshot role
    endpoints: Callable[[Registration], ClientEndpoints] = field(default=_lacking("endpoints"))
    # Keys between clusters: as the automation of a cluster that gives or reads.
    cluster_keys: Callable[[Registration], ClusterKeys] = field(default=_lacking("keys between clusters"))
    key_texts: Callable[[Registration], KeyTexts] = field(default=_lacking("texts of keys"))
    remotes: Callable[[Registration], Remotes] = field(default=_lacking("remote clusters"))
    keystores: Callable[[Registration], Keystores] = field(default=_lacking("keystores"))
    connections: Callable[[Registration], DomainConnections] = field(default=_lacking("connections of domains"))
    edge: Callable[[Registration], EdgeReader] = field(default=_lacking("look at what stands before a domain"))
    eyes: Eyes = field(default_factory=_Blindfolded)
    # With what is granted, whose roads are looked at; None and None: those of the account.
    roads: Callable[[Registration | None, AccessModel | None], Roads] = field(default=_lacking("roads"))
    pages: Callable[[], Pages] = field(default=_lacking("bucket for pages"))
    ask_for_page: Callable[[str], None] = field(default=_lacking("function that makes pages"))
    # Name and password; a user may not be allowed to ask which dialect it is.
    user: Callable[[Registration, str, str, str], Engine] = field(default=_lacking("connection of an internal user"))
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    sleep: Callable[[float], None] = field(default=time.sleep)
    # What these give, in their order. They know nothing of each other, so that they may be done at the same time.
    at_once: Callable[[Sequence[Callable[[], Any]]], list[Any]] = field(default=_in_turn)

    def record(
        self, deployment: str, operation: str, cause: Trigger, summary: str, *, before: Any = None, after: Any = None
    ) -> None:
        """Into the history of a deployment: what was done just now, and because of what."""
        self.ledger.record(Change(deployment, self.now(), operation, cause.what, cause.actor, summary, before, after))

    def site(self, deployment: str) -> Site:
        """The deployment of this name, as the ledger has it registered. NoDeployment if there is none."""
        return self.at(self.ledger.registration(deployment))

    def at(self, registration: Registration) -> Site:
        return Site(self, registration)


@dataclass(frozen=True, slots=True)
class Site:
    """One deployment, with the services that its operations use: bound once, and handed from step to step."""

    services: Services
    registration: Registration

    @property
    def name(self) -> str:
        """The deployment's."""
        return self.registration.deployment

    @property
    def place(self) -> Place:
        """Where its engine runs."""
        return self.registration.place

    @property
    def family(self) -> Family:
        """The family that its engine is of."""
        return family_named(self.registration.family)

    @property
    def ledger(self) -> Ledger:
        return self.services.ledger

    @property
    def alerts(self) -> Alerts:
        return self.services.alerts

    @property
    def settings(self) -> Settings:
        return self.services.settings

    def now(self) -> datetime:
        return self.services.now()

    def record(self, operation: str, cause: Trigger, summary: str, *, before: Any = None, after: Any = None) -> None:
        """Into its history."""
        self.services.record(self.name, operation, cause, summary, before=before, after=after)

    def sleep(self, seconds: float) -> None:
        self.services.sleep(seconds)

    @property
    def engine(self) -> Engine:
        return self.services.engine(self.registration)

    @property
    def master(self) -> Engine:
        return self.services.master(self.registration)

    @property
    def canary(self) -> Engine:
        return self.services.canary(self.registration)

    @property
    def identity(self) -> IdentityReader:
        return self.services.identity(self.registration)

    @property
    def keys(self) -> KeyObserver:
        return self.services.keys(self.registration)

    @property
    def gate(self) -> Gate:
        return self.services.gate(self.registration)

    @property
    def secrets(self) -> Secrets:
        return self.services.secrets(self.registration)

    @property
    def domain(self) -> Domain:
        return self.services.domain(self.registration)

    @property
    def snapshots(self) -> Snapshots:
        return self.services.snapshots(self.registration)

    @property
    def key_desk(self) -> KeyDesk:
        return self.services.key_desk(self.registration)

    @property
    def documents(self) -> Documents:
        return self.services.documents(self.registration)

    @property
    def endpoints(self) -> ClientEndpoints:
        return self.services.endpoints(self.registration)

    @property
    def cluster_keys(self) -> ClusterKeys:
        return self.services.cluster_keys(self.registration)

    @property
    def key_texts(self) -> KeyTexts:
        return self.services.key_texts(self.registration)

    @property
    def remotes(self) -> Remotes:
        return self.services.remotes(self.registration)

    @property
    def connections(self) -> DomainConnections:
        return self.services.connections(self.registration)

    @property
    def keystores(self) -> Keystores:
        return self.services.keystores(self.registration)
