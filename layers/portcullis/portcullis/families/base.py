"""What the operations ask of a family of engines: one protocol, a folder each that keeps it.

A family is pure: it says what to write and what would come of it. Its adapter is what sends and reads.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from portcullis.access.actual import Actual, Json, Write
from portcullis.access.desired import Desired
from portcullis.access.effect import Effect
from portcullis.access.guard import ProtectedPrincipals
from portcullis.access.plan import AccessModel, AppliedStep, Claim, Grant, Membership, Step, Subject
from portcullis.access.terms import Caller, Terms

READ, WRITE = "index.blocks.read", "index.blocks.write"
BLOCKS = (READ, WRITE)
RESTORED = "portcullis-restored-"  # what an index is called that a check of restorability made
CANARY_INDEX = "portcullis-canary"  # what the canary asks for


@dataclass(frozen=True, slots=True)
class Closed:
    """A lock on who has which role, ready to be done. `saved` is JSON and goes into the ledger before the first write is sent."""

    writes: tuple[Write, ...]
    saved: dict[str, Any] = field(default_factory=dict)
    left: tuple[str, ...] = ()  # what the engine reserves, so that it stays open: told
    touched: tuple[str, ...] = ()  # the names of what the writes change
    put_aside: str = ""  # what `saved` holds, in words


@dataclass(frozen=True, slots=True)
class Reopened:
    """The way back."""

    writes: tuple[Write, ...]
    made_while_locked: tuple[str, ...] = ()  # what somebody made meanwhile, in words: listed
    lost: tuple[str, ...] = ()  # what cannot be put back: mappings whose role is gone, what no node can load


@dataclass(frozen=True, slots=True)
class Baseline:
    """What Portcullis itself needs on an engine: roles, by what they are for."""

    lock: str  # blocks indices and ends searches, and reads no document
    automation: tuple[str, ...]  # whose roles the automation has: `lock` among them
    reads: tuple[str, ...]  # what a window of break-glass that only reads is mapped to
    writes: tuple[str, ...]  # ... and one that writes, too
    canary: str  # sees an index of its own, and nothing else
    snapshots: str  # takes snapshots
    compares: str  # compares a restored index with the one it was made from
    documents: Mapping[str, Json]  # name -> document: of those that the engine does not bring along


@dataclass(frozen=True, slots=True)
class Filter:
    """A document filter that a step would write. `where` names the indices."""

    claim: Claim
    where: str
    query: str  # as it is written, attributes filled in by a sample


@dataclass(slots=True)
class Adoptable:
    """What of an engine can be written into a deployment file. `left`: what cannot, and why."""

    documents: dict[tuple[str, str], Json] = field(default_factory=dict)  # (section of `access`, name) -> value
    both: dict[str, list[str]] = field(default_factory=dict)  # role -> all of these are needed
    grants: list[tuple[str, str, Grant]] = field(default_factory=list)  # (list, entry, grant)
    left: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.documents) + len(self.both) + len(self.grants)


class Choice(Protocol):
    """What people said of what is to be adopted."""

    def refuses(self, claim: Claim, administrator: bool) -> str:
        """Why this is not taken; "" if it is, "-" if nobody need be told."""


class Family(Terms, Protocol):
    """A family of engines. `dialect` is the engine's own word for the form that it speaks (`Engine.dialect`)."""

    @property
    def name(self) -> str:
        """How a registration calls it."""

    # ---- what should be

    def compile(self, model: AccessModel, members: Membership) -> Desired:
        """What an engine should hold for this model and these members. Raises as `access.desired.granted` does."""

    def representable(self, desired: Desired, dialect: str) -> tuple[Desired, tuple[str, ...]]:
        """What of it this dialect can hold, and what it cannot, in words."""

    def baseline(self, *, sample: str = "", moving: bool = False) -> Baseline:
        """What Portcullis itself needs. `sample` is the index whose restorability is checked, `moving`: a re-key is under way."""

    # ---- writing

    @property
    def gives_out(self) -> bool:
        """Whether its engines give out themselves what keeps a role that somebody lost: tokens, keys."""

    @property
    def naming(self) -> Collection[str]:
        """The kinds of documents that say who has a role and are claimed as a whole: a claim on one does not tell whom it names."""

    def named(self, kind: str, document: Json | None) -> Collection[str]:
        """Whom a document of these kinds names, as the engine calls them; nobody for one of another kind."""

    def taking(self, step: Step) -> Step | None:
        """Of a step that changes a whole document which says who has a role: as much of it as only takes people out; None if nothing."""

    def new_users(self, steps: Sequence[Step]) -> list[str]:
        """Users of the engine's own that the steps make: each needs a password."""

    def writes(
        self, steps: Sequence[Step], actual: Actual, passwords: Mapping[str, str] | None = None
    ) -> Sequence[Write]:
        """The steps, as few writes as can be, in the order in which the engine is done soonest. Without passwords: to be simulated.

        BadInput if one of a new user is missing.
        """

    def undoing(
        self, touched: Sequence[AppliedStep], actual: Actual, passwords: Mapping[str, str] | None = None
    ) -> Sequence[Write]:
        """The writes that undo what was touched. An entry comes back where it stood; what others did since stays."""

    def password(self, user: str, password: str) -> Write:
        """Another password for a user that is there."""

    def look_again(self, write: Write) -> Mapping[str, Collection[str]]:
        """Kind -> names: what has to be read right before this write, as it changes something by its place; nothing for most writes."""

    def refuse_if_moved(self, write: Write, before: Actual, now: Actual) -> None:
        """Conflict if what the write changes by its place is no longer as it was when the write was computed."""

    def simulate_all(self, actual: Actual, writes: Sequence[Write]) -> Actual:
        """What the engine would hold after all of these. Raises as `simulate` does."""

    # ---- a lock

    @property
    def closing(self) -> Sequence[str]:
        """The kinds that `close` looks at."""

    def close(
        self,
        actual: Actual,
        keep: ProtectedPrincipals,
        saved: Mapping[str, Any] | None = None,
        *,
        roles_too: bool = False,
    ) -> Closed:
        """Nobody has a role but the keepers. No writes if it is so. `saved`: what was put aside at the first time. `roles_too`: the roles
        permit nothing besides, as somebody may have one without being mapped to it any more."""

    def written_by_us(
        self, saved: Mapping[str, Any], before: Actual, now: Callable[[], Actual]
    ) -> Mapping[str, Any] | None:
        """What was put aside, with what the writes of `close` or `reopen` made of it between two readings, so that it is known again; None
        if that is nothing to note. `now`: the second reading, which is not made where nothing would come of it."""

    def reopen(
        self, saved: Mapping[str, Any], actual: Actual, left: Sequence[Step] = (), *, ours: Collection[str] = ()
    ) -> Reopened:
        """Everything as it was saved, but for what the steps `left` take out. Who has one of the roles `ours` and had it not goes."""

    # ---- what it means

    def effect(self, before: Actual, after: Actual) -> Effect:
        """Who gains and who loses what."""

    def user(self, actual: Actual, name: str) -> Caller:
        """A user of the engine's own, as the engine sees them."""

    def only(self, actual: Actual, roles: Collection[str]) -> Actual:
        """What says who has these roles, and no more: enough for `mapped_roles` of them."""

    def filters(self, steps: Sequence[Step]) -> Iterator[Filter]:
        """The document filters that the steps would write."""

    # ---- taking over what is there

    def administers(self, actual: Actual, claim: Claim) -> bool:
        """Whether what is claimed here gives somebody the administration of the domain."""

    def adoptable(
        self,
        actual: Actual,
        wanted: Desired,
        others: Collection[Claim],
        declared: Mapping[str, Collection[str]],
        choice: Choice,
        subject_of: Callable[[str, str], Subject | None],
        shut_out: str,
    ) -> Adoptable:
        """What the engine holds and the model does not ask for.

        `declared`: section -> names that the deployment file itself has. `subject_of`: list and entry -> whom it means.
        `shut_out`: who is let in by no entry that is taken over.
        """

    def kind_of(self, section: str) -> str:
        """The kind that a section of `access` in a deployment file becomes."""
