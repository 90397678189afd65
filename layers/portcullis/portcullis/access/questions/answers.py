"""A question about a person and some indices, and its answer as data: what stands behind `why`, `can`, `who-can` and `matrix`.

An answer is yes (True), no (False), or unknown (None) with the reason in `unknown`: it is never a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import unquote

from portcullis.access.actual import Actual, Json


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody would do: a method and a path, or a word (read, write, or an action by its name) and indices."""

    does: str  # GET, POST, ..., or the word
    path: str = ""
    indices: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The indices that are named: of a path those it begins with."""
        first = unquote(self.path.partition("?")[0].strip("/").partition("/")[0])
        return self.indices or tuple(filter(None, first.split(",")))

    def __str__(self) -> str:
        return f"{self.does} {self.path or ','.join(self.indices)}"


@dataclass(frozen=True, slots=True)
class There:
    """What is on the engine. `indices` None: nobody could say. `aliases` None: nobody could say which there are, nor which data streams."""

    indices: tuple[str, ...] | None = None
    engine: str = ""  # as the deployment file names it; empty: the newest that is known
    every: bool = False  # whether these are all indices that the engine has, and no examples
    aliases: Mapping[str, tuple[str, ...]] | None = None  # alias -> its indices
    streams: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # data stream -> the indices behind it
    hidden: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    dialect: str = ""  # the form that the engine speaks, in its family's own word; empty: of a file, no engine is asked
    # Whether it answers with what is permitted where a request names too much; None: it does not show how it is set.
    leaves_out_forbidden: bool | None = None
    remotes: Mapping[str, Far] | None = None  # alias -> the cluster behind it; None: nobody looked
    evaluation: str | None = (
        ""  # how it evaluates permissions, in its family's own word; empty: as its release does; None: not known
    )
    # alias -> index -> its filter there, as JSON, without those that have none; None: nobody could say.
    filters: Mapping[str, Mapping[str, str]] | None = None


@dataclass(frozen=True, slots=True)
class Far:
    """The cluster behind an alias, as far as it is known. `access`, `roles` None: not known.

    `agreed`: the key itself could not be looked at, and `access` is what was agreed of it: no answer is certain by it.
    """

    alias: str
    release: str
    model: str = "api-key"
    deployment: str = ""  # empty: of no deployment that could be looked at
    key: str = ""  # its id
    state: str = "live"
    access: Json | None = None  # of the key
    source: str = ""  # where `access` or `roles` were read, in words
    roles: Mapping[str, Json] | None = None  # of the other cluster: the certificate model asks them
    there: There = field(default_factory=There)
    skip_unavailable: bool = False
    stopped: str = ""
    certain: bool = True
    unknown: tuple[str, ...] = ()
    agreed: bool = False
    held: Actual | None = None  # all that the other engine holds, where it maps whoever asks by itself; None: not known

    @property
    def called(self) -> str:
        """How people call it."""
        return self.deployment or self.alias


def is_beyond(name: str) -> bool:
    """Whether a name of a question is of another cluster: `ALIAS:NAME`. A colon is in no index name, but stands in date maths."""
    return ":" in name and "<" not in name


def parted(names: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What of the names is of this cluster, and what is of others."""
    known = tuple(names)
    if ":" not in "".join(known):  # of a thousand names at once, as nearly always
        return known, ()
    return tuple(one for one in known if not is_beyond(one)), tuple(one for one in known if is_beyond(one))


@dataclass(frozen=True, slots=True)
class Seen:
    """What of one index. `documents` are queries of which one has to fit; none: all documents. So are `alias_filters`, beside these: of
    the aliases by which alone the index is asked for."""

    index: str
    allowed: bool | None
    documents: tuple[str, ...] = ()
    fields_only: tuple[str, ...] = ()
    fields_hidden: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    # Aliases by which alone it is asked for, where nobody could say whether they have filters.
    by_alias: tuple[str, ...] = ()
    alias_filters: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()  # what of what is seen only the engine can tell

    @property
    def limited(self) -> bool:
        return bool(self.documents or self.alias_filters or self.fields_only or self.fields_hidden or self.masked)

    @property
    def part(self) -> str:
        """What of it, in words; empty: all."""
        words = []
        if self.documents:
            words.append(f"documents that match {' or '.join(self.documents)}")
        if self.alias_filters:
            words.append(f"by the filter of an alias documents that match {' or '.join(self.alias_filters)}")
        if self.fields_only:
            words.append(f"only the fields {', '.join(self.fields_only)}")
        if self.fields_hidden:
            words.append(f"without {', '.join(self.fields_hidden)}")
        if self.masked:
            words.append(f"{', '.join(self.masked)} masked")
        return ", ".join(words)


@dataclass(frozen=True, slots=True)
class Permission:
    """One permission of a role that lets this be done."""

    role: str
    rule: str  # "read on logs-*"
    limits: str = ""  # in words
    elsewhere: str = ""  # the cluster whose role of that name it is; empty: this one's
    asks: bool = False  # it asks for this on another cluster, and does not allow it by itself


@dataclass(frozen=True, slots=True)
class Decided:
    """What a family of engines says of one caller. `roles`: role -> which entry of which mapping gives it.

    `unknown`: what may make it another answer, `doubts`: what may make what is seen of an index more or less. `in_part`: some of what is
    asked for is permitted, and it is the engine's own setting whether that is answered or all of it refused. `beyond`: of another cluster,
    what decides there.
    """

    allowed: bool | None
    seen: tuple[Seen, ...] = ()
    roles: Mapping[str, str] = field(default_factory=dict)
    permissions: tuple[Permission, ...] = ()
    reasons: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    in_part: bool = False
    nobody: str = ""  # why they have no role, where it is another reason than that no mapping names them
    beyond: tuple[Reason, ...] = ()
    elsewhere: bool = False  # another cluster decides, also of whoever has no role here
    ends: str = ""  # the error that answers what is permitted ("404: logs does not exist"); empty: none that is known


class Layer(StrEnum):
    """From the person to the document, in the order in which they are asked."""

    NETWORK = "network"  # before anybody is asked who they are
    POLICY = "access policy"  # of the domain
    IAM = "IAM policy"  # of their own, or of their group or role
    PERSON = "person"
    GROUP = "group"
    CARRIED = "role by the token"
    PRINCIPAL = "principal"
    MAPPING = "mapping"
    PERMISSION = "permission"
    REMOTE = "remote"
    KEY = "key"
    CUSTODY = "custody"


@dataclass(frozen=True, slots=True)
class Reason:
    """One link of the chain. `since`, `event` and `by` are empty where the ledger does not know."""

    layer: Layer
    object: str
    rule: str
    effect: str  # what comes of it: "gives level_support", "stops here", "allows", ...
    since: str = ""
    event: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Why:
    """`exit_status`: 0 yes, 1 no, 4 unknown."""

    deployment: str
    person: str
    name: str  # as people call them
    question: str
    allowed: bool | None
    answer: str  # one sentence
    seen: tuple[Seen, ...]
    reasons: tuple[Reason, ...]
    would_allow: tuple[
        str, ...
    ]  # grants of the model that this person lacks: "cognito_group:support (role level_support)"
    would_let_in: tuple[
        str, ...
    ]  # the smallest change of the network or of a policy that would let them come as far as the engine
    unknown: tuple[str, ...]
    not_looked_at: tuple[str, ...]
    exit_status: int
    engine: str = ""  # as the deployment file calls it
    ends: str = ""  # the error that answers what is permitted all the same: "404: logs does not exist"


@dataclass(frozen=True, slots=True)
class Able:
    """Somebody who may do it, or of whom nobody here can tell."""

    person: str
    name: str
    allowed: bool | None
    through: tuple[str, ...]  # groups, the role that stands for one, or how else
    roles: tuple[str, ...]
    indices: tuple[str, ...]
    limited: bool


@dataclass(frozen=True, slots=True)
class WhoCan:
    deployment: str
    question: str
    indices: tuple[str, ...]
    people: tuple[Able, ...]
    stopped: str  # by custody, in words; empty: nothing stops whom the engine lets in
    unknown: tuple[str, ...]
    not_looked_at: tuple[str, ...]
    exit_status: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """`cells`: an index each; "read", "write", "part" (read with limits), joined by a blank; "-" nothing. "?" last: beside these, or alone,
    something is not known here (how much is read, or whether they read or write)."""

    person: str
    name: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeptOut:
    """Somebody whom the engine would let in, and the network or a policy keeps out, at least of some of it."""

    person: str
    name: str
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    deployment: str
    indices: tuple[str, ...]
    people: tuple[Row, ...]
    stopped: str
    unknown: tuple[str, ...]
    not_looked_at: tuple[str, ...]
    kept_out: tuple[KeptOut, ...] = ()
    exit_status: int = 0


@dataclass(frozen=True, slots=True)
class Differs:
    """Of one index, in the words of a matrix."""

    index: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class WhatIf:
    deployment: str
    person: str
    name: str
    group: str
    does: str  # joins or leaves
    answer: str  # one sentence
    changes: tuple[Differs, ...]
    roles_gained: tuple[str, ...]
    roles_lost: tuple[str, ...]
    stopped: str
    unknown: tuple[str, ...]
    not_looked_at: tuple[str, ...]
    kept_out: tuple[KeptOut, ...] = ()
    exit_status: int = 0


ALIAS_FILTER = "an alias may have a filter of its own, which could not be read: perhaps less is seen"
OF_HIDDEN_FIELDS = "the filter of an alias finds nothing in a field that is hidden: perhaps less is seen"
BETWEEN = (
    "the network between the clusters",
    "trust in certificates",
)  # what is not looked at of a question that names others
STATUS: Mapping[bool | None, int] = {True: 0, False: 1, None: 4}
WORD: Mapping[bool | None, str] = {True: "yes", False: "no", None: "unknown"}
IN_PART = (
    "a part of it is permitted: whether that is answered, or all of it refused, is the engine's own setting"
    " (do_not_fail_on_forbidden)"
)
