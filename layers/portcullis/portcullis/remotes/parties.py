"""Who asks, which cluster they ask, the other one behind an alias, and what is found out about that: the words of `remote explain`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from portcullis.access.actual import Json
from portcullis.access.questions.answers import Reason
from portcullis.errors import BadInput
from portcullis.families.elasticsearch.deciding.remote import Told
from portcullis.words import line

# As an alias is written in a deployment file; and one name, or a pattern without an expression.
_ASKED = re.compile(r"(?P<alias>[A-Za-z0-9_][A-Za-z0-9_-]{0,63}):(?P<index>(?!-)[^\s,:<>/\\\"|#]{1,255})")


@dataclass(frozen=True, slots=True)
class Asked:
    """`ALIAS:INDEX`; the index may be a pattern."""

    alias: str
    index: str

    def __str__(self) -> str:
        return f"{self.alias}:{self.index}"

    @classmethod
    def of(cls, text: str) -> Asked:
        found = _ASKED.fullmatch(text)
        if found is None and _ASKED.fullmatch(text.partition(":")[2]):
            alias, _, index = text.partition(":")
            raise BadInput(
                f"{line(text, 100)!r} goes on from {line(alias, 64)} to a cluster that it reads itself, which is not looked at from here",
                source="request",
                place="index",
                remedy=f"ask the deployment behind {line(alias, 64)} about {line(index, 100)}, and remote check of it whether it passes "
                "people on",
            )
        if found is None:
            raise BadInput(
                f"{line(text, 100)!r} is no index of a remote cluster",
                source="request",
                place="index",
                remedy="one alias, and one name or pattern: dc2:logs-1, or 'dc2:logs-*'",
            )
        return cls(found["alias"], found["index"])


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody, as the cluster that they ask knows them."""

    person: str  # KIND:NAME
    name: str  # as people call them
    user: str = ""  # what the engine knows them by; empty: by nothing
    roles: Mapping[str, str] = field(default_factory=dict)  # role -> why they have it
    because: tuple[str, ...] = ()  # groups that count, in words
    refused: str = ""  # why they cannot even ask
    doubt: str = ""  # why they may have more or less


@dataclass(frozen=True, slots=True)
class Near:
    """The cluster that is asked. `stopped`: what keeps everybody out of it, and whether that is `certain`."""

    deployment: str
    release: str
    roles: Mapping[str, Json]
    aliases: tuple[str, ...] = ()
    stopped: str = ""
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Limit:
    """How one side shows an index. No document queries: all; no fields: all. `masked`: fields of which no value is shown as it is."""

    by: str
    documents: tuple[str, ...] = ()
    fields: tuple[Mapping[str, tuple[str, ...]], ...] = ()
    masked: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        found = [f"documents that match {' or '.join(self.documents)}"] if self.documents else []
        for one in self.fields:
            without = f" without {', '.join(one['except'])}" if one["except"] else ""
            found.append(f"only the fields {', '.join(one['grant']) or 'none'}{without}")
        if self.masked:
            found.append(f"{', '.join(self.masked)} masked")
        return ", ".join(found)


@dataclass(frozen=True, slots=True)
class Shown:
    """One index of the remote that is seen: a document or a field is, if every limit lets it through."""

    index: str
    limits: tuple[Limit, ...]


@dataclass(frozen=True, slots=True)
class Explained:
    """`side` and `rule`: who refuses, and by what; empty where nobody does. `exit_status`: 0 yes, 1 no, 4 unknown."""

    deployment: str
    person: str
    name: str
    question: str
    alias: str
    model: str
    other: str
    key: str
    allowed: bool | None
    status: int | None
    side: str
    rule: str
    answer: str
    seen: tuple[Shown, ...]
    reasons: tuple[Reason, ...]
    unknown: tuple[str, ...]
    not_looked_at: tuple[str, ...]
    exit_status: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of all names that are asked for."""

    allowed: bool | None
    told: Mapping[str, Told] = field(default_factory=dict)
    side: str = ""
    rule: str = ""
    status: int | None = None
    why: str = ""
    roles: tuple[str, ...] = ()  # that let it be seen; or that ask for it, where it is refused
    key_allows: bool | None = None


def listed(value: Any) -> Iterable[str]:
    """Names, as an engine shows one or several."""
    return [value] if isinstance(value, str) else list(value or ())
