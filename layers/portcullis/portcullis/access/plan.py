"""The words of a plan: what should be, what is ours, and the steps from here to there."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from portcullis.access.actual import Json
from portcullis.errors import PortcullisError, Unreachable


class SubjectKind(StrEnum):
    """Whom a person can mean in a grant, as written in a deployment file."""

    IAM_USER = "iam_user"  # a name or an ARN
    IAM_ROLE = "iam_role"  # a name or an ARN
    IAM_GROUP = "iam_group"  # a name; no principal anywhere: translated into its members
    COGNITO_USER = "cognito_user"  # a user name of the deployment's pool
    COGNITO_GROUP = "cognito_group"  # a group name of the deployment's pool
    IDENTITY_CENTER_GROUP = "identity_center_group"  # a group id or display name
    INTERNAL_USER = "internal_user"  # a user of the internal user database
    BACKEND_ROLE = "backend_role"  # any plain string


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """One subject of a grant, e.g. Subject(COGNITO_GROUP, "support")."""

    kind: SubjectKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.name}"


class By(StrEnum):
    """How a Cognito group becomes a principal: its members one by one, or the IAM role its token carries."""

    MEMBERS = "members"
    ROLE = "role"


@dataclass(frozen=True, slots=True)
class Grant:
    """subject -> role. `source` says why it is there (the grant's place in the deployment file)."""

    subject: Subject
    role: str
    source: str
    by: By = By.MEMBERS

    @property
    def is_backend_role(self) -> bool:
        """Whether it becomes an entry of `backend_roles`, and not of `users`."""
        as_role = self.subject.kind is SubjectKind.COGNITO_GROUP and self.by is By.ROLE
        return as_role or self.subject.kind in (SubjectKind.IAM_ROLE, SubjectKind.BACKEND_ROLE)


@dataclass(frozen=True, slots=True)
class People:
    """How people are known to an engine that knows neither ARNs nor pools: as users of its own, or by a realm of tokens.

    `user_name` makes the name of an engine's own user from the name in IAM or Cognito; `of_role` has the rules of roles that have another.
    `kept` are users of the engine's own who stand for Portcullis, and are nobody of IAM or Cognito.
    """

    deployment: str
    realm: str = ""  # a realm of tokens, by name; empty: they are users of the engine's own
    user_name: str = "{name}"  # "{name}.support" calls maya.lin maya.lin.support
    of_role: dict[str, str] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()

    def called(self, role: str, name: str) -> str:
        """The user who is meant by somebody's name where this role is granted."""
        return self.of_role.get(role, self.user_name).replace("{name}", name)


@dataclass(frozen=True, slots=True)
class AccessModel:
    """The resolved access model of one deployment: presets and levels expanded, in the common form. JSON-serialisable by parts."""

    roles: dict[str, Json] = field(default_factory=dict)
    action_groups: dict[str, Json] = field(default_factory=dict)
    tenants: dict[str, Json] = field(default_factory=dict)
    users: dict[str, Json] = field(default_factory=dict)  # internal users, without passwords
    grants: tuple[Grant, ...] = ()
    and_backend_roles: dict[str, tuple[str, ...]] = field(default_factory=dict)  # role -> all of these are needed
    people: People | None = None  # where the engine has to be told how somebody is called there


OF_POOL = "Cognito/"  # what an entry of somebody of a user pool begins with: `Cognito/<pool-id>/<username>`


def name_in_pool(entry: str) -> str:
    """The user name of such an entry: all that is after the pool, as it may have slashes, too."""
    return entry.split("/", 2)[-1]


@dataclass(frozen=True, slots=True)
class Membership:
    """The truth about identities at one moment, as the readers of `identity` found it.

    Every value is what stands in a role mapping: a user ARN, a role ARN, `Cognito/<pool-id>/<username>`.
    A subject that does not exist is in `missing`, and grants nothing. `notes`: whoever was left out, and why. One that could not be read
    is in `unread` with the reason: it is neither empty nor missing. `ids` are the unique ids of whoever stands behind an entry now.
    """

    users: dict[Subject, tuple[str, ...]] = field(default_factory=dict)  # -> entries for `users`
    backend_roles: dict[Subject, tuple[str, ...]] = field(default_factory=dict)  # -> entries for `backend_roles`
    missing: frozenset[Subject] = frozenset()
    notes: tuple[str, ...] = ()
    ids: dict[str, str] = field(default_factory=dict)  # entry -> AIDA…, AROA…, the sub of a Cognito user
    unread: dict[Subject, PortcullisError] = field(default_factory=dict)  # neither found nor missing, and why

    def whole(self) -> Membership:
        """The same, where every subject was answered for. Raises why one was not: it may be answered for later."""
        for error in self.unread.values():
            if isinstance(error, Unreachable):
                raise error
        return self


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """What we added to the engine and may therefore remove.

    A whole document: `entry_list` and `entry` are empty. An entry of a role mapping: `entry_list` is one of its lists.
    """

    kind: str  # the family's own word
    name: str
    entry_list: str = ""
    entry: str = ""

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}" + (f"/{self.entry_list}: {self.entry}" if self.entry_list else "")


class Operation(StrEnum):
    ADD = "add"  # a document or an entry that is not there
    REPLACE = "replace"  # a document that differs
    REMOVE = "remove"  # a document or an entry that we claimed and the model no longer asks for


OPPOSITE: dict[str, Operation] = {
    Operation.ADD: Operation.REMOVE,
    Operation.REMOVE: Operation.ADD,
    Operation.REPLACE: Operation.REPLACE,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One change. For a document `before`/`after` are documents; for a mapping's entry they are None/entry or entry/None."""

    operation: Operation
    claim: Claim  # what is changed, and what will be claimed or released
    before: Any
    after: Any
    because: str  # the grant's source, the group, the preset: what a person needs to read


@dataclass(frozen=True, slots=True)
class AppliedStep:
    """One thing that a change touched, with what it takes to put it back: a document, or an entry of a role mapping.

    `before` and `after` are documents (None: there was none, there is none); of an entry, the entry or None. `places` is where a
    removed entry stood in its list.
    """

    operation: str  # add, replace, remove
    kind: str
    name: str
    entry_list: str = ""
    entry: str = ""
    before: Any = None
    after: Any = None
    because: str = ""
    places: tuple[int, ...] = ()

    @property
    def claim(self) -> Claim:
        return Claim(self.kind, self.name, self.entry_list, self.entry)

    def __str__(self) -> str:
        return f"{self.operation} {self.claim}" + (f" because {self.because}" if self.because else "")


@dataclass(frozen=True, slots=True)
class Blocked:
    """What the model asks for and a plan will not do: somebody else's document stands there, the engine reserves it, ..."""

    claim: Claim
    why: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.claim}: {self.why} ({self.remedy})"


# Whether what is there already as asked for is claimed, too: all of it, nothing, or these.
Adopting = bool | frozenset[Claim]


@dataclass(frozen=True, slots=True)
class Plan:
    """The difference between model and engine in the order it will be applied, and what else was seen on the way."""

    steps: tuple[Step, ...] = ()
    claim_only: tuple[Claim, ...] = ()  # ours already, as it should be, but not yet claimed (adopt) ...
    release_only: tuple[Claim, ...] = ()  # ... and claimed, no longer asked for, and already gone
    foreign: tuple[Claim, ...] = ()  # made by hand: left alone, listed
    losses: tuple[str, ...] = ()  # what the dialect cannot hold
    notes: tuple[str, ...] = ()  # missing subjects and the like
    conflicts: tuple[Blocked, ...] = ()  # asked for, but not done: a person has to decide

    @property
    def empty(self) -> bool:
        return not self.steps

    @property
    def added(self) -> frozenset[Claim]:
        """What the engine would hold and did not, should the plan's writes come late."""
        return frozenset(step.claim for step in self.steps if step.operation is Operation.ADD)

    def claims_before(self, mine: frozenset[Claim]) -> frozenset[Claim]:
        """What has to stand in the ledger before the first write: a crash in between must not leave something that is nobody's."""
        added = {s.claim for s in self.steps if s.operation is not Operation.REMOVE}
        return mine | added | frozenset(self.claim_only)

    def claims_after(self, mine: frozenset[Claim]) -> frozenset[Claim]:
        """What stands in the ledger once every step is done."""
        removed = {s.claim for s in self.steps if s.operation is Operation.REMOVE}
        return self.claims_before(mine) - removed - frozenset(self.release_only)
