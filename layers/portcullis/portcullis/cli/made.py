"""A command made from its entry in the table of verbs: one verb, a deployment, and options that are text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from portcullis.cli import again
from portcullis.cli.account import account_options, deployments_here, run, target
from portcullis.cli.console import console
from portcullis.entry.verbs.arguments import ARGUMENTS
from portcullis.entry.verbs.types import Command, exit_status_of, load


def made(entry: Command) -> click.Command:
    """The command asks the account, and shows the answer. Its exit status is the answer's own, where it has one."""
    (verb,) = entry.verbs
    show: Callable[[Any], object] = load(entry.show)

    def told(found: Any) -> None:
        if console().as_data:
            console().data(found)
        else:
            show(found)

    def command(target_: str | None = None, watch: bool = False, every: int | None = None, **options: Any) -> int:
        if every and not watch:
            raise click.UsageError("--every is for --watch.")
        about = target(target_).deployment if verb.of_deployment else None
        given = {name: value for name, value in options.items() if value is not None}
        if watch:
            again.watch(lambda: run(verb.name, about, **given), told, every or again.EVERY_S)
            return 0
        found = run(verb.name, about, **given)
        told(found)
        return exit_status_of(found)

    made_of = account_options(command)
    if entry.watched:
        seconds = click.option(
            "--every",
            metavar="SECONDS",
            type=click.IntRange(1, 3600),
            help=f"With --watch: how often. Default: {again.EVERY_S}.",
        )
        watching = click.option(
            "--watch",
            "-w",
            is_flag=True,
            help="Ask again and again, until Ctrl-C; what is no terminal is told changes alone.",
        )
        made_of = watching(seconds(made_of))
    if verb.of_deployment:
        of = click.argument("target_", metavar="[DEPLOYMENT|FILE]", required=False, shell_complete=deployments_here)
        made_of = of(made_of)
    for name in reversed(entry.options):
        option = click.option(f"--{name}", required=name in entry.needed, help=ARGUMENTS[name].says)
        made_of = option(made_of)
    examples = "\n".join(f"  {line}" for line in entry.examples)
    words = "\n\n".join(filter(None, (entry.says, entry.more, f"\b\nExamples:\n{examples}")))
    return click.command(entry.name, help=words, short_help=entry.says)(made_of)
