"""What the laws of access ask of a family of engines. They know of no kind of document, and of no form that one is written in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from portcullis.access.actual import Actual, Json, Write
from portcullis.access.desired import Desired
from portcullis.access.plan import AppliedStep, Claim


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal with what a decision needs: how the engine names it, its backend roles, attributes and address."""

    name: str
    backend_roles: tuple[str, ...] = ()
    attributes: dict[str, str] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()  # the address, and the host name where the engine resolves it


# Among what an engine holds: what gives roles to whoever does not sign in, where that is no document that anybody writes.
NOT_SIGNED_IN = "not_signed_in"


@dataclass(frozen=True, slots=True, order=True)
class Administrator:
    """Somebody who can give themselves everything. `entry` is as held; several joined by " and " where all are needed."""

    role: str
    entry_list: str  # one of the lists of a mapping, or the field of a user that is given the role directly
    entry: str
    signs_in: bool = True  # False: whoever there is, without a name


def fixed(terms: Terms, held: Actual, claim: Claim) -> bool:
    """Whether the engine refuses to change this document, or this entry: its mapping, or whom it names."""
    by_name = claim.entry_list and terms.entries_in != terms.mappings
    return held.is_fixed(terms.entries_in, claim.entry) if by_name else held.is_fixed(claim.kind, claim.name)


def is_as_left(terms: Terms, one: AppliedStep, held: Actual) -> bool:
    """Whether the engine still holds what this left there."""
    if one.entry_list:
        return (one.entry in held.entries(one.name, one.entry_list)) == (one.after is not None)
    there = held.get(one.kind, one.name)
    if one.after is None or there is None:
        return one.after is there
    # A mapping that was made is judged by its entries, each of which is touched on its own.
    return one.kind == terms.mappings or terms.same(one.kind, one.after, there)


class Terms(Protocol):
    """The kinds of a family's documents, and what of them the laws have to know.

    Who has a role is a document that many share, called its mapping: each of its entries is claimed by itself. Either it is a document
    of its own, or each entry stands in the document of whom it names, and a mapping is what all of these say together (`entries_in`).
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
    def entries_in(self) -> str:
        """The kind of the documents in which entries stand: the mappings, or the kind of whom an entry names."""

    @property
    def lists(self) -> tuple[str, ...]:
        """The lists of a mapping."""

    @property
    def condition(self) -> str:
        """The one of them that is a single condition, of which all entries are needed; empty if there is none."""

    @property
    def administrator_roles(self) -> tuple[str, ...]:
        """Whoever has one of these can give themselves everything else."""

    def same(self, kind: str, one: Json | None, other: Json | None) -> bool:
        """Whether the engine treats both documents of a kind alike, but for entries, which are compared by themselves."""

    def differing(self, kind: str, one: Json | None, other: Json | None) -> tuple[str, ...]:
        """The names of the fields in which two documents differ."""

    def names_roles(self, kind: str, document: Json) -> tuple[str, ...]:
        """The roles that a document of another kind than mappings gives to whom it means; there is no use in it without them."""

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

    def disguised(self, actual: Actual) -> tuple[Claim, ...]:
        """Documents that people can make and by whose mere name roles permit more than they say."""

    def unloadable(self, actual: Actual) -> tuple[tuple[Claim, str], ...]:
        """What keeps the engine from acting on what it holds, with the reason."""

    def simulate(self, actual: Actual, write: Write) -> Actual:
        """What the engine would hold after this write. Conflict or Refused if it would not take it."""
