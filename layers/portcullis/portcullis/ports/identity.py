"""Who is in which group, what they still hold, and the passwords of internal users."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from portcullis.access.one_role import Rank
from portcullis.access.plan import Grant, Membership, Subject


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found of some subjects, and why the others could not be looked at: those are neither found nor missing."""

    membership: Membership
    unseen: dict[Subject, str] = field(default_factory=dict)


Heard = Callable[[tuple[str, ...]], None]


def unheard(_clients: tuple[str, ...]) -> None:
    """Nobody wants to know."""


class IdentityReader(Protocol):
    def members(self, grants: Collection[Grant]) -> Membership:
        """The truth now about the subjects of these grants. One that does not exist is reported as missing, one that cannot be read
        as unread: neither is an error."""

    def look(self, grants: Collection[Grant]) -> Looked:
        """The same for eyes: a subject that cannot be read spoils nothing, and one that is named by ARN is looked up too."""

    def choose_roles_by_token(self, identity_pool: str, found: Heard = unheard) -> tuple[str, ...]:
        """Have a sign-in get the role its token names, or none; the app clients for which that was not so, which `found` is given before
        that is changed: no later look finds them."""

    def end_sessions(self, entries: Collection[str]) -> int:
        """Sign out everywhere the Cognito users among these mapping entries; how many there were."""

    def members_of(self, groups: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        """Cognito group -> the mapping entries of whoever is in it and enabled, now. A group that is gone has nobody."""

    def ranks(self, groups: Collection[str]) -> Mapping[str, Rank]:
        """Of these Cognito groups, those that are there and have a role: what decides which of the roles a token carries."""

    def deny_older_sessions(self, roles: Collection[str], before: datetime) -> int:
        """Have IAM refuse these roles' sessions from before an instant, which never moves back; how many roles it moved on for."""


@dataclass(frozen=True, slots=True)
class Password:
    """What a user proves that it is them with."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that an engine made for one of its users, in the encoded form that its making answered."""

    encoded: str = field(repr=False)


Credential = Password | ApiKey


class Secrets(Protocol):
    """The passwords of internal users: in Secrets Manager, and in no file, log or ledger."""

    def password(self, secret: str) -> str | None:
        """The password in a secret, or None if there is no such secret."""

    def version(self, secret: str) -> str | None:
        """The id of the version that a secret has now, without reading what it holds; None if there is no such secret."""

    def make(self, secret: str, user: str) -> str:
        """A new secret with a generated password; what it holds, if somebody else made it meanwhile."""
