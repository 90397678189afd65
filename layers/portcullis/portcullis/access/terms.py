"""What the laws of access ask of a family of engines. They know of no kind of document, and of no form that one is written in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from portcullis.access.actual import Actual, Json, Write
from portcullis.access.desired import Desired
from portcullis.access.plan import Claim


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal with what a decision needs: how the engine names it, its backend roles, attributes and address."""

    name: str
    backend_roles: tuple[str, ...] = ()
    attributes: dict[str, str] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()  # the address, and the host name where the engine resolves it


@dataclass(frozen=True, slots=True, order=True)
class Administrator:
    """Somebody who can give themselves everything. `entry` is as held; several joined by " and " where all are needed."""

    role: str
    entry_list: str  # one of the lists of a mapping, or the field of a user that is given the role directly
    entry: str

    def __str__(self) -> str:
        return f"{self.entry} ({self.entry_list} of {self.role})"


class Terms(Protocol):
    """The kinds of a family's documents, and what of them the laws have to know.

    A role's mapping is a document that many share: each of its entries is claimed by itself.
    """

    @property
    def order(self) -> tuple[str, ...]:
        """All kinds, in the order in which they may be written: the mappings last."""

    @property
    def roles(self) -> str:
        """The kind of what is granted."""

    @property
    def users(self) -> str:
        """The kind of users that the engine itself keeps."""

    @property
    def mappings(self) -> str:
        """The kind of what says who has a role."""

    @property
    def lists(self) -> tuple[str, ...]:
        """The lists of a mapping."""

    @property
    def condition(self) -> str:
        """The one of them that is a single condition, of which all entries are needed; empty if there is none."""

    @property
    def administrator_roles(self) -> tuple[str, ...]:
        """Whoever has one of these can give themselves everything else."""

    def same(self, one: Json | None, other: Json | None) -> bool:
        """Whether the engine treats both documents alike."""

    def differing(self, one: Json | None, other: Json | None) -> tuple[str, ...]:
        """The names of the fields in which two documents differ."""

    def mapped_roles(self, actual: Actual, caller: Caller) -> Mapping[str, str]:
        """Role -> why the caller has it."""

    def holders(self, actual: Actual, role: str) -> tuple[str, ...]:
        """Whom a role is given to, as entries."""

    def administrators(self, actual: Actual) -> tuple[Administrator, ...]:
        """Everybody who has an administrator's role, sorted."""

    def asks_for(self, desired: Desired, administrator: Administrator) -> bool:
        """Whether the model asks for this administrator."""

    def claim_of(self, administrator: Administrator) -> Claim:
        """What gives them the role."""

    def let_in_by(self, actual: Actual, role_arn: str) -> tuple[Claim, ...]:
        """The entries that let this IAM role in, however they are written; but for what lets everybody in."""

    def only_the_engine_knows(self, entry: str) -> bool:
        """Whether an entry is a pattern of which nobody but the engine can tell whom it lets in."""

    def unloadable(self, actual: Actual) -> tuple[tuple[Claim, str], ...]:
        """What keeps the engine from acting on what it holds, with the reason."""

    def simulate(self, actual: Actual, write: Write) -> Actual:
        """What the engine would hold after this write. Conflict or Refused if it would not take it."""
