"""The words of advice about a key: what a deployment asks of it, what KMS answered, and a finding. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from portcullis.custody.keys.key_policy import Context
from portcullis.custody.keys.probes import Answer


class Weight(StrEnum):
    OK = "OK"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"  # nothing may be built on this key


@dataclass(frozen=True, slots=True)
class Advice:
    """One finding. `code` stays the same over time; `remedy` is empty where there is nothing to do."""

    code: str
    weight: Weight
    says: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class KeyAnswers:
    """What KMS answered about one key. `grants` and `rotations` with every page in one answer."""

    describe: Answer
    policy: Answer = ""
    rotation: Answer = ""
    grants: Answer = ""
    rotations: Answer = ""
    tags: Answer = ""


@dataclass(frozen=True, slots=True)
class KeyWanted:
    """What a deployment asks of its key."""

    deployment: str
    context: Context
    named: str  # the ARN of the key or of the alias, as the deployment names it
    domain_arn: str = ""  # empty: the domain is not made yet
    domain_key: str = ""  # ARN of the key that the domain was made with, when known
    replicas: tuple[str, ...] = ()  # Regions
    on_demand_days: int | None = None  # a rotation on demand every so many days
    by_service: bool = True  # the search service uses the key; False: whoever runs a cluster elsewhere lets it be used
    alias: str = ""  # by which alone whoever runs a cluster elsewhere named it, and we may look at it
    grant_seen: bool = False  # the service's grant for the domain was there once: only then is its absence an error

    @property
    def place(self) -> str:
        """What is encrypted under it, in a word."""
        return "domain" if self.by_service else "cluster"


def ask_owner(call: str) -> str:
    return f"let us ask (kms:{call}), or ask the key's owner"


def answered(answer: Answer) -> bool:
    return isinstance(answer, Mapping) and "Error" not in answer


def part_of(arn: str, place: int) -> str:
    """One part of an ARN: 3 the Region, 4 the account; empty if it is none."""
    parts = arn.split(":")
    return parts[place] if arn.startswith("arn:") and len(parts) > place else ""


def last_of(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]
