"""Command lines of `portcullis` held against the command that they call: parsed by the CLI itself."""

from __future__ import annotations

import click
from portcullis.cli.main import portcullis


def parse(words: list[str]) -> None:
    """Parse a command line as `portcullis` would, and run nothing. Raises click's errors."""
    command: click.Command = portcullis
    context = portcullis.make_context("portcullis", list(words))
    while isinstance(command, click.Group):
        rest = [*context._protected_args, *context.args]
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command = found
        context = command.make_context(name, rest, parent=context)
