"""`portcullis completion`: what a shell needs to complete our verbs and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from portcullis.cli.console import console, output_options


@click.command(short_help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@output_options
def completion(shell: str) -> None:
    """Print the completion script of SHELL.

    \b
    Examples:
      eval "$(portcullis completion bash)"                                      # this session
      portcullis completion bash > ~/.local/share/bash-completion/completions/portcullis
      portcullis completion fish > ~/.config/fish/completions/portcullis.fish
    """
    from portcullis.cli.main import portcullis  # here: main names this module

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"click knows no completion for {shell}")
    script = kind(portcullis, {}, "portcullis", "_PORTCULLIS_COMPLETE").source()
    if console().as_data:
        console().data({"shell": shell, "script": script})
    else:
        click.echo(script)
