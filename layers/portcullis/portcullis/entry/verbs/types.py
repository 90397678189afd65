"""The words of the table of verbs. Knows no operation and no command: what an entry names is loaded when it is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from inspect import signature
from typing import Any

LOOK, ACT, DELETE = "look", "act", "delete"
LEVELS = (LOOK, ACT, DELETE)


class Wish(StrEnum):
    """What somebody wants to do: the help groups the commands by it, in this order."""

    ASK = "Ask who may see what"
    LOOK = "See how things are"
    ACCESS = "Change who may see what"
    GATE = "Lock and open"
    KEYS = "Look after keys"
    DATA = "Keep and delete data"
    FILES = "Write and check deployment files"
    RUN = "Keep Portcullis running"


@dataclass(frozen=True, slots=True)
class Document:
    """What somebody on call starts in Systems Manager: the document `portcullis-NAME`. `page` is in runbooks/.

    `asks` are arguments of the verb that become parameters; `fixed` are given as they stand. With `approved` somebody who is named at the
    start has to agree before anything is done.
    """

    page: str
    says: str
    name: str = ""  # empty: as the verb is called
    asks: tuple[str, ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict)
    approved: bool = False


@dataclass(frozen=True, slots=True)
class Verb:
    """What is asked of the account: it comes in through the door of its level, or of one above.

    `does` is "module:function". The function is given what it names of `services`, `deployment` and `cause`; what it takes by keyword
    only are the verb's arguments.
    """

    name: str
    level: str
    does: str
    documents: tuple[Document, ...] = ()
    of_deployment: bool = True

    @property
    def function(self) -> Callable[..., Any]:
        found: Callable[..., Any] = load(self.does)
        return found

    @property
    def arguments(self) -> frozenset[str]:
        """The names of what may be asked for with it."""
        taken = signature(self.function).parameters.values()
        return frozenset(one.name for one in taken if one.kind is one.KEYWORD_ONLY)

    def run(self, services: Any, deployment: str, cause: Any, **arguments: Any) -> Any:
        """`deployment` is "" for a verb that is not of one."""
        function = self.function
        offered = {"services": services, "deployment": deployment, "cause": cause}
        taken = signature(function).parameters
        return function(**{name: value for name, value in offered.items() if name in taken}, **arguments)


@dataclass(frozen=True, slots=True)
class Command:
    """What a person types. `says` is its line in the overview.

    `click` is "module:name" of a command that is written out. Without it the command is made from its only verb: `more` and `examples`
    are its help, `options` are arguments by their names in `entry.verbs.arguments`, `needed` those that have to be given, and `show`
    ("module:function") prints the answer for people. `watched`: it can be asked again and again.
    """

    name: str
    wish: Wish
    says: str
    verbs: tuple[Verb, ...] = ()
    click: str = ""
    more: str = ""
    examples: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    show: str = ""
    watched: bool = False


def exit_status_of(answer: Any) -> int:
    """The answer's own, where it has one. One about several deployments was not done where it was not for one of them: a runbook goes by
    this alone, and would call it a success."""
    if isinstance(answer, dict):
        return int(answer.get("exit_status", 0))
    parts = answer if isinstance(answer, list) else []
    return 1 if any(isinstance(one, dict) and (one.get("error") or one.get("not_seen_to")) for one in parts) else 0


def load(where: str) -> Any:
    """What "module:name" names."""
    module, _, name = where.partition(":")
    return getattr(import_module(module), name)
