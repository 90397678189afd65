"""What is seen of remote clusters before it is judged: both sides as they are, and what could not be looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from portcullis.access.actual import Json
from portcullis.families.elasticsearch.deciding.remote import API_KEY, CERTIFICATE
from portcullis.remotes.keys import WARNING, Key

OUR_ROLES = "portcullis_"  # how the roles that the automation needs begin: they read nothing
BY_KEY = API_KEY  # the model of a remote cluster that is read with a key


def model_of(info: Json) -> str:
    """By what a remote cluster is read, as `_remote/info` shows it."""
    return BY_KEY if info.get("cluster_credentials") else CERTIFICATE


class Weight(StrEnum):
    WRONG = "wrong"
    UNKNOWN = "unknown"  # could not be looked at from here
    NOTE = "note"  # to be known
    OK = "OK"


@dataclass(frozen=True, slots=True)
class Finding:
    """`alias` is empty for what is of the cluster itself. `remedy` is empty where nothing is to be done."""

    alias: str
    weight: Weight
    code: str
    says: str
    remedy: str = ""


def exit_status(findings: Iterable[Finding]) -> int:
    """3 if something is wrong."""
    return 3 if any(one.weight is Weight.WRONG for one in findings) else 0


@dataclass(frozen=True, slots=True)
class Certificate:
    """One that a node knows: its own, or of an authority that it trusts."""

    path: str
    expires: datetime
    own: bool


@dataclass(frozen=True, slots=True)
class Licence:
    """Of a cluster: basic, trial, enterprise, ... `ends` None: never."""

    kind: str
    active: bool = True
    ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cluster:
    """What a cluster is. None: it could not be looked at, and `unseen` says why."""

    name: str
    releases: tuple[str, ...] | None = None  # of its nodes
    licence: Licence | None = None
    certificates: tuple[Certificate, ...] | None = None
    roles: Mapping[str, Json] | None = None
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RemoteFacts:
    """One alias: as it is declared (`declared` False: it is not), as it is set (`info` None: it is not), and what was seen through it."""

    alias: str
    declared: bool = True
    model: str = BY_KEY
    mode: str = "proxy"
    address: str = ""  # empty: not said
    skip_unavailable: bool = False
    allows: Json | None = None  # as agreed, or as offered
    warning: timedelta = WARNING  # before the end of its key
    info: Json | None = None
    resolved: Json | None = None  # of the alias, from _resolve/cluster
    key: str = ""  # by which the other one says that this side comes
    state: str = "live"  # or what it says against it
    secret: str | None = None  # id of the key in the secret; None: not read
    other: Cluster | None = None  # None: of no deployment of this account
    shown: tuple[Key, ...] | None = None  # the keys of the other one
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """A key that this cluster gives, and who comes with it: None if not everybody who might could be looked at."""

    key: Key
    offered: bool
    ours: bool
    by: tuple[str, ...] = ()
    all_seen: bool = True


@dataclass(frozen=True, slots=True)
class Looked:
    here: Cluster
    remotes: tuple[RemoteFacts, ...]
    given: tuple[Given, ...] = ()
    keys: tuple[Key, ...] = ()  # with which others may come here now
    by_certificate: tuple[str, ...] = ()  # who comes here so, as files of the account say: "orders as dc2"
    unseen: tuple[str, ...] = ()
