"""`portcullis`: the verbs, each loaded when it is asked for, and the one place where errors become exit statuses."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from portcullis import __version__
from portcullis.cli.console import console_of, output_options
from portcullis.entry.verbs import COMMANDS, Wish, load
from portcullis.errors import PortcullisError

INTERRUPTED = 130  # 128 + SIGINT, as shells report it
PIPE_CLOSED = 141  # 128 + SIGPIPE: the reader went away, which is no error of ours


class PipeClosed(Exception):
    """Whoever read our output went away."""


class Interrupted(Exception):
    """A person ended it; with what becomes of it, where that is not plain."""


class Verbs(click.Group):
    """A group whose commands are imported on use: `portcullis --help` loads none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        if not entry.click:
            from portcullis.cli.made import made

            return made(entry)
        command = load(entry.click)
        if not isinstance(command, click.Command):
            raise TypeError(f"{entry.click} is no command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:  # click knows none of our names that could be meant
            raise click.exceptions.NoSuchCommand(error.command_name, possibilities=COMMANDS, ctx=ctx) from None

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:  # click would make it status 1, which says that something failed
            raise PipeClosed from error
        except KeyboardInterrupt as error:  # click would add an empty line, and forget the words
            raise Interrupted(*error.args) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Grouped by what somebody wants to do."""
        for wish in Wish:
            with formatter.section(wish.value):
                formatter.write_dl([(one.name, one.says) for one in COMMANDS.values() if one.wish is wish])


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="portcullis", message="%(prog)s %(version)s")
@output_options
def portcullis() -> None:
    """A gate for search domains: access follows the groups, and drops when the key is gone.

    \b
    Examples:
      portcullis status demo
      portcullis plan deployments/demo.yaml
      portcullis plan --help
      eval "$(portcullis completion bash)"

    Exit status: 0 done, 1 refused or failed, 2 bad input, 3 differences found.
    """


def main(arguments: Sequence[str]) -> int:
    """Run one command line; returns the exit status. Errors are told here and nowhere else."""
    _open_what_was_closed()
    told = console_of(arguments)
    try:
        # Outside of standalone mode click returns what the verb returned, or the status given to Context.exit.
        status = portcullis.main(list(arguments), prog_name="portcullis", standalone_mode=False)
        sys.stdout.flush()
    except (BrokenPipeError, PipeClosed):
        _write_no_more()
        return PIPE_CLOSED
    except OSError as error:
        _write_no_more()
        told.error(f"{error.filename or 'the answer'} cannot be written or read: {error.strerror or error}")
        return 1
    except (Interrupted, KeyboardInterrupt, click.Abort) as error:
        told.error(": ".join(filter(None, ("interrupted", str(error)))))
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.ClickException as error:
        told.error(_usage(error))
        return 2
    except PortcullisError as error:
        told.error(error)
        return error.exit_status
    return status if isinstance(status, int) else 0


def _open_what_was_closed() -> None:
    """Standard input and output that the caller closed (`portcullis apply <&-`, as some schedulers do) hold nothing and go nowhere."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - as long as the process


def _write_no_more() -> None:
    """What is still buffered would fail again when the interpreter flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _usage(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    near = getattr(error, "possibilities", None)  # of a command or an option that there is not: the nearest first
    words = f"{error.message} Did you mean {near[0]!r}?" if near else error.format_message()
    return words + (f" (see '{context.command_path} --help')" if context else "")


def run() -> None:
    """The `portcullis` command."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    run()
