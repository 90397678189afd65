"""`portcullis`: the verbs, each loaded when it is asked for, and the one place where errors become exit statuses."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import click

from portcullis import __version__
from portcullis.cli.console import Console, json_option
from portcullis.errors import PortcullisError

# verb -> where it lives ("module:name"), and the line `portcullis --help` shows without loading it.
VERBS: dict[str, tuple[str, str]] = {
    "accept": ("portcullis.cli.watching:accept", "Say that what opens another road was meant."),
    "adopt": ("portcullis.cli.account_change:adopt", "Write the model from what the engine holds."),
    "apply": ("portcullis.cli.account_change:apply", "Bring the engine to what a deployment file asks for."),
    "break-glass": (
        "portcullis.cli.account_gate:break_glass",
        "Let the break-glass principal at the data for a while.",
    ),
    "check": ("portcullis.cli.model_verbs:check", "Validate deployment files, and say what in them is seldom meant."),
    "completion": ("portcullis.cli.completion:completion", "Print the completion script of a shell."),
    "decide": ("portcullis.cli.decide:decide", "Decide a request by a security config, and say why."),
    "delete": ("portcullis.cli.custody_verbs:delete", "Delete a deployment, and say what remains."),
    "drift": ("portcullis.cli.account_look:drift", "Show what was changed by hand on the engine."),
    "end-break-glass": ("portcullis.cli.account_gate:end_break_glass", "End a use of break-glass before its time."),
    "guard": ("portcullis.cli.account_gate:guard", "Look at the key now, and lock or unlock as it asks for."),
    "eyes": ("portcullis.cli.watching:eyes", "Show what Portcullis does not see any more, and since when."),
    "history": ("portcullis.cli.account_look:history", "Show what was changed, when, by whom and because of what."),
    "init": ("portcullis.cli.model_verbs:init", "Write a deployment file to start from."),
    "integration": ("portcullis.cli.account_parts:integration", "Let another service write to the domain."),
    "key": ("portcullis.cli.key_verbs:key", "Check a key, show how it is, print the policy its owner has to paste."),
    "list": ("portcullis.cli.account_look:list_deployments", "List the deployments of the account."),
    "lock": ("portcullis.cli.account_gate:lock", "Let nobody in, whatever the key says, until unlock."),
    "master": ("portcullis.cli.account_parts:master", "Add, move and list the masters of a domain."),
    "plan": ("portcullis.cli.account_look:plan", "Show what applying a model would change, for roles and for people."),
    "re-key": (
        "portcullis.cli.custody_verbs:re_key",
        "Move a deployment to one under another key, every document checked.",
    ),
    "redrive": ("portcullis.cli.account_change:redrive", "Give the dead letters another try."),
    "restorability": ("portcullis.cli.custody_verbs:restorability", "Show that the snapshots can be restored."),
    "rollback": ("portcullis.cli.account_change:rollback", "Undo one change of the history."),
    "schema": ("portcullis.cli.model_verbs:schema", "Print the JSON Schema of the deployment file."),
    "shred": ("portcullis.cli.custody_verbs:shred", "Say what destroying a key destroys; with --yes, schedule it."),
    "signal": ("portcullis.cli.signal:signal", "Say what AWS events mean to a deployment, or why they mean nothing."),
    "snapshot": ("portcullis.cli.account_parts:snapshot", "Set up, take, restore and list manual snapshots."),
    "status": ("portcullis.cli.account_look:status", "Show how a deployment is, and what asks for attention."),
    "roads": ("portcullis.cli.watching:roads", "Show who else may be let in: what differs from what was accepted."),
    "sweep": ("portcullis.cli.account_change:sweep", "Read the whole truth of all deployments now."),
    "synchronise": ("portcullis.cli.account_change:synchronise", "Bring the role mappings to what the groups say now."),
    "unlock": ("portcullis.cli.account_gate:unlock", "Take a person's lock off; the gate rises if the key is healthy."),
}

INTERRUPTED = 130  # 128 + SIGINT, as shells report it
PIPE_CLOSED = 141  # 128 + SIGPIPE: the reader went away, which is no error of ours


class PipeClosed(Exception):
    """Whoever read our output went away."""


class Interrupted(Exception):
    """A person ended it; with what becomes of it, where that is not plain."""


class Verbs(click.Group):
    """A group whose commands are imported on use: `portcullis --help` loads none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module, _, name = VERBS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}:{name} is no command")
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:  # click would make it status 1, which says that something failed
            raise PipeClosed from error
        except KeyboardInterrupt as error:  # click would add an empty line, and forget the words
            raise Interrupted(*error.args) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(name, VERBS[name][1]) for name in self.list_commands(ctx)])


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="portcullis", message="%(prog)s %(version)s")
@json_option
def portcullis() -> None:
    """A gate for search domains: access follows the groups, and drops when the key is gone.

    \b
    Examples:
      portcullis signal --any event.json
      portcullis signal --help
      eval "$(portcullis completion bash)"

    Exit status: 0 done, 1 refused or failed, 2 bad input, 3 differences found.
    """


def main(arguments: Sequence[str]) -> int:
    """Run one command line; returns the exit status. Errors are told here and nowhere else."""
    told = Console(json=_asks_for_json(arguments))
    try:
        # Outside of standalone mode click returns what the verb returned, or the status given to Context.exit.
        status = portcullis.main(list(arguments), prog_name="portcullis", standalone_mode=False)
        if sys.stdout is not None:  # as it is where the caller closed it
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


def _write_no_more() -> None:
    """What is still buffered would fail again when the interpreter flushes at its end."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _usage(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return error.format_message() + (f" (see '{context.command_path} --help')" if context else "")


def _asks_for_json(arguments: Sequence[str]) -> bool:
    """An error in the arguments comes before they are parsed: --json is looked for by eye."""
    return "--json" in arguments[: arguments.index("--") if "--" in arguments else None]


def run() -> None:
    """The `portcullis` command."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    run()
