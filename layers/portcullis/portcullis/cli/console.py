"""How the command talks: results on stdout, one line an error on stderr, colours only where somebody sees them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from textwrap import wrap
from typing import Any, TextIO, TypeVar

import click

from portcullis.errors import BadInput
from portcullis.words import line, lines, moment_and_age

WIDTH = 80
_LONGEST = 100_000  # characters of an error
F = TypeVar("F", bound=Callable[..., Any])


class Form(StrEnum):
    """How results and errors are shown: to people, or as data."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


@dataclass
class Console:
    """One run's ways of talking, as its options ask, before or after the verb: `-o` and `--json`, `--no-color`."""

    form: Form = Form.TABLE
    plain: bool = False  # no colours, whatever stdout is

    @property
    def as_data(self) -> bool:
        return self.form is not Form.TABLE

    def data(self, value: Any) -> None:
        """One value on stdout, keys in the order given: JSON on one line, or one YAML document."""
        click.echo(self._written(value))

    def text(self, text: str = "", **style: Any) -> None:
        """Prose on stdout, whatever names from outside stand in it; `style` as click.style takes it (fg, bold, dim)."""
        click.echo(styled(lines(text), sys.stdout, plain=self.plain, **style))

    def prose(self, text: str, indent: str = "  ", **style: Any) -> None:
        """The same in as many lines of 80 signs as it takes. A name that is longer than a line is broken, too."""
        for part in wrap(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False, replace_whitespace=False):
            self.text(part, **style)

    def error(self, error: BaseException | str) -> None:
        """One error, as one line of stderr: `portcullis: ...`, or an object with --json."""
        told = self._written(as_object(error)) if self.as_data else as_line(error, plain=self.plain)
        click.echo(told, err=True)

    def _written(self, value: Any) -> str:
        if self.form is not Form.YAML:
            return json.dumps(value)
        import yaml

        # Answers hold one tuple or list in several places: anchors would say so, and help nobody.
        class Plain(yaml.SafeDumper):
            def ignore_aliases(self, data: Any) -> bool:
                return True

        written = yaml.dump(
            json.loads(json.dumps(value)), Dumper=Plain, sort_keys=False, allow_unicode=True, width=1_000
        )
        return "---\n" + written.removesuffix("\n").removesuffix("\n...")


def when(at: str) -> str:
    """A time, and how long ago it was by the clock of whoever reads it."""
    return moment_and_age(at, datetime.now(UTC))


def as_line(error: BaseException | str, *, plain: bool = False) -> str:
    """`portcullis: what is wrong`, on one line whatever the message holds."""
    prefix = styled("portcullis:", sys.stderr, plain=plain, fg="red")
    return f"{prefix} {line(' '.join(str(error).split()), _LONGEST)}"


def as_object(error: BaseException | str) -> dict[str, str]:
    """The parts of an error: {"error", "source", "place", "remedy"}; empty where it has none."""
    if isinstance(error, BadInput):
        return {"error": error.problem, "source": error.source, "place": error.place, "remedy": error.remedy}
    return {"error": " ".join(str(error).split()), "source": "", "place": "", "remedy": ""}


def styled(text: str, stream: TextIO | None, *, plain: bool = False, **style: Any) -> str:
    """Coloured only on a terminal, and not if it is to be plain or NO_COLOR (https://no-color.org) is set."""
    seen = stream is not None and stream.isatty()
    return click.style(text, **style) if style and seen and not (plain or os.environ.get("NO_COLOR")) else text


def console() -> Console:
    """The console of this run. Outside a run: one that talks to people."""
    context = click.get_current_context(silent=True)
    return context.ensure_object(Console) if context else Console()


def console_of(arguments: Sequence[str]) -> Console:
    """The console that a command line asks for, as far as can be seen: an error in the arguments comes before they are parsed."""
    asked = Console()
    before = list(arguments[: arguments.index("--") if "--" in arguments else None])
    for word, after in zip(before, [*before[1:], ""], strict=False):
        if word == "--no-color":
            asked.plain = True
        for form in Form:
            if word in (f"--output={form}", f"-o{form}") or (word in ("-o", "--output") and after == form):
                asked.form = form
        if word == "--json":
            asked.form = Form.JSON
    return asked


def output_options(command: F) -> F:
    """`-o FORM`, `--json` and `--no-color`, before the verb and after it."""

    def option(*names: str, help: str, into: Callable[[Console, Any], None], **more: Any) -> Callable[[F], F]:  # noqa: A002 - click's own word
        def remember(context: click.Context, _parameter: click.Parameter, value: Any) -> None:
            if value:
                into(context.ensure_object(Console), value)

        return click.option(*names, expose_value=False, is_eager=True, callback=remember, help=help, **more)

    def shown(told: Console, form: str) -> None:
        told.form = Form(form)

    def as_json(told: Console, _value: bool) -> None:
        told.form = Form.JSON

    def plain(told: Console, _value: bool) -> None:
        told.plain = True

    command = option("--no-color", is_flag=True, help="No colours, on a terminal too.", into=plain)(command)
    command = option("--json", is_flag=True, help="The same as -o json.", into=as_json)(command)
    forms = click.Choice([form.value for form in Form])
    return option("-o", "--output", type=forms, help="How results and errors are shown.", into=shown)(command)
