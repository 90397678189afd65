"""How the command talks: results on stdout, one line an error on stderr, colours only where somebody sees them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from textwrap import wrap
from typing import Any, TextIO, TypeVar

import click

from portcullis.errors import BadInput
from portcullis.words import line, lines, moment_and_age

WIDTH = 80
_LONGEST = 100_000  # characters of an error
F = TypeVar("F", bound=Callable[..., Any])


@dataclass
class Console:
    """One run's ways of talking. `json` is set by `--json` before or after the verb."""

    json: bool = False

    def line(self, value: Any) -> None:
        """One JSON value on one line of stdout, keys in the order given."""
        click.echo(json.dumps(value))

    def text(self, text: str = "", **style: Any) -> None:
        """Prose on stdout, whatever names from outside stand in it; `style` as click.style takes it (fg, bold, dim)."""
        click.echo(styled(lines(text), sys.stdout, **style))

    def prose(self, text: str, indent: str = "  ", **style: Any) -> None:
        """The same in as many lines of 80 signs as it takes. A name that is longer than a line is broken, too."""
        for part in wrap(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False, replace_whitespace=False):
            self.text(part, **style)

    def error(self, error: BaseException | str) -> None:
        """One error, as one line of stderr: `portcullis: ...`, or an object with --json."""
        click.echo(json.dumps(as_object(error)) if self.json else as_line(error), err=True)


def when(at: str) -> str:
    """A time, and how long ago it was by the clock of whoever reads it."""
    return moment_and_age(at, datetime.now(UTC))


def as_line(error: BaseException | str) -> str:
    """`portcullis: what is wrong`, on one line whatever the message holds."""
    prefix = styled("portcullis:", sys.stderr, fg="red")
    return f"{prefix} {line(' '.join(str(error).split()), _LONGEST)}"


def as_object(error: BaseException | str) -> dict[str, str]:
    """The parts of an error: {"error", "source", "place", "remedy"}; empty where it has none."""
    if isinstance(error, BadInput):
        return {"error": error.problem, "source": error.source, "place": error.place, "remedy": error.remedy}
    return {"error": " ".join(str(error).split()), "source": "", "place": "", "remedy": ""}


def styled(text: str, stream: TextIO | None, **style: Any) -> str:
    """Coloured only on a terminal, and not where NO_COLOR (https://no-color.org) is set."""
    seen = stream is not None and stream.isatty()
    return click.style(text, **style) if style and seen and not os.environ.get("NO_COLOR") else text


def console() -> Console:
    """The console of this run. Outside a run: one without --json."""
    context = click.get_current_context(silent=True)
    return context.ensure_object(Console) if context else Console()


def json_option(command: F) -> F:
    """`--json` after the verb, too: `portcullis <verb> --json` and `portcullis --json <verb>` are the same."""

    def remember(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
        if value:
            context.ensure_object(Console).json = True

    return click.option(
        "--json", is_flag=True, expose_value=False, is_eager=True, callback=remember, help="Results and errors as JSON."
    )(command)
