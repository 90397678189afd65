"""The one table of verbs, a module a wish. The command, the doors, the SSM documents, completion and docs/commands.md are made from it.

A new verb is an entry here, with the operation that it names, and a page. Loading the table loads no operation and no command.
"""

from __future__ import annotations

from portcullis.entry.verbs import access, asking, data, files, gate, keys, looking, remotes, running
from portcullis.entry.verbs.types import ACT, DELETE, LEVELS, LOOK, Command, Document, Verb, Wish, load

__all__ = [
    "ACT",
    "COMMANDS",
    "DELETE",
    "LEVELS",
    "LOOK",
    "PARTS",
    "VERBS",
    "Command",
    "Document",
    "Verb",
    "Wish",
    "load",
]

PARTS = (asking, looking, access, gate, keys, remotes, data, files, running)
COMMANDS: dict[str, Command] = {command.name: command for part in PARTS for command in part.COMMANDS}
VERBS: dict[str, Verb] = {verb.name: verb for command in COMMANDS.values() for verb in command.verbs}
