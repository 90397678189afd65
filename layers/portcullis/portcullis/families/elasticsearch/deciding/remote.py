"""What is known of a remote cluster, and what is said of a request that names one: by each side, and to the whole of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from portcullis.families.elasticsearch.deciding.decide import Answer, View
from portcullis.families.elasticsearch.granting.merging import Json
from portcullis.families.elasticsearch.known.engine_facts import EngineFacts
from portcullis.families.elasticsearch.known.release import Release

API_KEY, CERTIFICATE = "api-key", "certificate"
LIVE = "live"
KEY, ROLES = "the key", "roles"  # who limits what is seen


class Side(StrEnum):
    LOCAL = "local"
    REMOTE = "remote"


class Rule(StrEnum):
    """By what a request was refused."""

    NO_ENTRY = "no-remote-indices"  # no role has remote_indices for the alias
    KEY = "key"
    ROLES = "roles"
    BOTH = "key-and-roles"
    KEY_STATE = "key-state"  # the key is no longer one, or never was
    CUSTODY = "custody"  # the remote is locked


@dataclass(frozen=True, slots=True)
class Remote:
    """A remote cluster as this side has it, and what is there.

    `lacking`: what of it is not known, so that only a refusal of this side is certain. `closed`: why nobody is let in there; `closing`:
    whether that is so of some alone.
    """

    release: Release
    model: str = API_KEY
    state: str = LIVE  # of the key in our keystore
    access: Mapping[str, Any] = field(default_factory=dict)  # of the key, as the engine shows it
    roles: Mapping[str, Json] = field(default_factory=dict)  # on the remote: the certificate model looks there
    world: EngineFacts = field(default_factory=EngineFacts)
    skip_unavailable: bool = False
    lacking: str = ""
    closed: str = ""
    closing: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """How one index of a remote looks: a document or a field is seen if every limit lets it through."""

    index: str
    limits: tuple[tuple[str, View], ...]  # by whom, and how
    asked_by: tuple[str, ...] = ()  # the names, wildcards expanded, by which it was asked for


@dataclass(frozen=True, slots=True)
class Told:
    """By one remote. `allowed` None: only the engine can tell."""

    allowed: bool | None
    status: int
    side: Side | None = None  # who refused
    rule: Rule | None = None
    seen: tuple[Seen, ...] = ()
    reasons: tuple[str, ...] = ()
    skipped: bool = False
    refused: tuple[str, ...] = ()  # of what it let in: indices whose shards refuse
    # Index -> the names by which its shards are asked.
    asked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Whole:
    """A request over clusters. `local` None: it names nothing of this cluster."""

    allowed: bool | None
    status: int  # 0: cannot be told
    local: Answer | None
    remotes: Mapping[str, Told]
    reasons: tuple[str, ...] = ()
