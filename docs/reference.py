"""`make docs`: every command with its help, and what it asks of the account, as Markdown, from the table of verbs."""

from __future__ import annotations

from collections.abc import Iterator

import click
from portcullis.cli.main import portcullis
from portcullis.entry.verbs import COMMANDS, Command, Wish

_HEAD = """# Commands
Made by `make docs` from the table of verbs (`portcullis.entry.verbs`): each command as its `--help` shows it. Below it stands what it asks
of the account: the verb by which `operate` knows it, the level that somebody needs for it (the managed policies `portcullis-look`,
`portcullis-act`, `portcullis-delete`), and the document of Systems Manager that does the same, with the page that says when.
"""


def page() -> str:
    return "\n".join([_HEAD, *(line for wish in Wish for line in _part(wish))])


def _part(wish: Wish) -> Iterator[str]:
    yield f"## {wish.value}\n"
    for entry in (one for one in COMMANDS.values() if one.wish is wish):
        root = click.Context(portcullis, info_name="portcullis", **portcullis.context_settings)
        yield f"### portcullis {entry.name}\n"
        yield from _helps(root, entry.name)
        yield from _asked(entry)


def _helps(above: click.Context, name: str) -> Iterator[str]:
    """The help of the command of this name in a group, and of all below it."""
    group = above.command
    command = group.get_command(above, name) if isinstance(group, click.Group) else None
    if command is None:
        raise LookupError(f"there is no {name} in {above.command_path}")
    context = click.Context(command, above, name, terminal_width=80)
    yield f"```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            yield from _helps(context, below)


def _asked(entry: Command) -> Iterator[str]:
    if not entry.verbs:
        yield "Asks nothing of the account.\n"
        return
    yield "| verb | level | document | page |"
    yield "|---|---|---|---|"
    for verb in entry.verbs:
        for document in verb.documents:
            called, where = document.name or verb.name, document.page
            yield f"| `{verb.name}` | {verb.level} | `portcullis-{called}` | [{where}](../runbooks/{where}.md) |"
        if not verb.documents:
            yield f"| `{verb.name}` | {verb.level} | | |"
    yield ""


if __name__ == "__main__":
    print(page(), end="")
