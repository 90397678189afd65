"""`portcullis signal`: events in, one line an event out."""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from portcullis.cli.console import console, json_option
from portcullis.errors import BadInput, MalformedEvent
from portcullis.operations.scopes import scopes_of_files
from portcullis.signals import Scope, Signal, read
from portcullis.signals.document import as_markdown

_GZIP = b"\x1f\x8b"


@click.command(short_help="Say what AWS events mean to a deployment, or why they mean nothing.")
@click.argument("files", nargs=-1, metavar="FILE|-...")
@click.option("--any", "anyone", is_flag=True, help="Do not ask which deployment an event concerns.")
@click.option(
    "--deployments", metavar="DIR", default="deployments", help="Where the deployment files are.", show_default=True
)
@click.option("--scopes", "scopes_file", metavar="FILE", help="What the deployments listen to: a JSON list of scopes.")
@click.option("--table", is_flag=True, help="Print the table of all signals as Markdown, and read no event.")
@json_option
@click.pass_context
def signal(
    context: click.Context, files: tuple[str, ...], anyone: bool, deployments: str, scopes_file: str | None, table: bool
) -> None:
    """Say what AWS events mean to a deployment, or why they mean nothing.

    A FILE holds one event, a JSON array of events, one event a line, or a CloudTrail log file ({"Records": [...]}), also
    gzipped. An event is EventBridge's, or a bare CloudTrail record. "-" is standard input.

    Which deployments an event concerns is asked of the files in --deployments; a file does not know which user pool and which
    key CloudFormation made, so any pool counts, and the key by its alias only. --scopes says it exactly.

    Prints one JSON line an event, or one for each deployment that it concerns: signal (null: nothing), subject,
    deployment, because. A malformed event is told on stderr; the others are read all the same, and the exit status is 2.

    \b
    Examples:
      portcullis signal event.json
      portcullis signal --any event.json
      portcullis signal --any - < events.jsonl
      portcullis signal --scopes scopes.json CloudTrail/*.json.gz | jq 'select(.signal)'
    """
    if table:
        click.echo(as_markdown(), nl=False)
        return
    if not files:
        raise click.UsageError("Missing argument 'FILE|-'.")
    if anyone and scopes_file:
        raise click.UsageError("--any asks about no deployment, --scopes about some: give one of them.")
    scopes = None if anyone else read_scopes(scopes_file) if scopes_file else scopes_of_files(Path(deployments))
    failed = False
    for file in files:
        for place, event in _events(file):
            try:
                if isinstance(event, BadInput):
                    raise event
                for found in read(event, scopes):
                    console().line(as_object(found))
            except BadInput as error:
                failed = True
                console().error(_placed(error, file, place))
    context.exit(2 if failed else 0)


def as_object(found: Signal) -> dict[str, Any]:
    """The contract's four keys, in its order."""
    return {
        "signal": found.name,
        "subject": found.subject,
        "deployment": found.deployment,
        "because": found.because,
    }


def _placed(error: BadInput, file: str, place: str) -> BadInput:
    """The same error, with the file and the event's place in it."""
    where = ", ".join(part for part in (place, error.place) if part)
    return MalformedEvent(error.problem, source=_shown(file), place=where, remedy=error.remedy)


def _shown(file: str) -> str:
    return "standard input" if file == "-" else file


def _events(file: str) -> Iterator[tuple[str, Any]]:
    """(place, event) of every event of a file; the error in the event's stead where it cannot be read."""
    try:
        text = _content(file)
    except BadInput as error:
        yield "", error
        return
    whole = _parsed(text)
    if isinstance(whole, BadInput):
        lines = [(f"line {number}", _parsed(line)) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        # One event a line, if a line is an event; otherwise one broken document, and one error for it.
        if len(lines) > 1 and any(isinstance(value, Mapping) for _, value in lines):
            yield from lines
            return
    if isinstance(whole, Mapping) and isinstance(whole.get("Records"), list):
        yield from ((f"Records[{index}]", record) for index, record in enumerate(whole["Records"]))
    elif isinstance(whole, list):
        yield from ((f"[{index}]", event) for index, event in enumerate(whole))
    else:
        yield "", whole


def _content(file: str) -> str:
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        if raw.startswith(_GZIP):
            raw = gzip.decompress(raw)
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput("is no UTF-8 text", place=f"byte {error.start}", remedy="JSON, or gzipped JSON") from error
    except (zlib.error, EOFError) as error:
        raise BadInput(f"is cut short or damaged: {error}", remedy="the whole gzipped file") from error
    except OSError as error:
        raise BadInput(error.strerror or str(error), remedy="a file that can be read") from error


def _parsed(text: str) -> Any:
    """The JSON value, or the error that says why there is none."""
    if not text.strip():
        return BadInput("is empty", remedy="an EventBridge event or a CloudTrail record")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        return BadInput(f"is no JSON: {error.msg}", place=f"line {error.lineno} column {error.colno}")
    except (RecursionError, ValueError) as error:
        return BadInput(f"cannot be read as JSON: {error}")


def read_scopes(file: str) -> Sequence[Scope]:
    """The scopes of a JSON file: a list of objects with the fields of signals.Scope. Raises BadInput naming file and place."""
    try:
        value = _parsed(_content(file))
    except BadInput as error:
        raise BadInput(error.problem, source=_shown(file), place=error.place, remedy=error.remedy) from error
    if isinstance(value, BadInput):
        raise BadInput(value.problem, source=_shown(file), place=value.place, remedy=value.remedy) from value
    remedy = 'a list of objects such as {"deployment": "demo", "iam_groups": ["ops"]}'
    if not isinstance(value, list):
        raise BadInput("is no list of scopes", source=_shown(file), remedy=remedy)
    return tuple(_scope(item, _shown(file), f"[{index}]", remedy) for index, item in enumerate(value))


def _scope(item: Any, source: str, place: str, remedy: str) -> Scope:
    if not isinstance(item, dict):
        raise BadInput("a scope is an object", source=source, place=place, remedy=remedy)
    known = {field.name: field.default == "" or field.name == "deployment" for field in fields(Scope)}
    values: dict[str, Any] = {}
    for name, value in item.items():
        if name not in known:
            raise BadInput(f"unknown key {name!r}", source=source, place=place, remedy="one of " + ", ".join(known))
        if known[name] and isinstance(value, str):
            values[name] = value
        elif not known[name] and isinstance(value, list) and all(isinstance(part, str) for part in value):
            values[name] = frozenset(value)
        else:
            wanted = "a text" if known[name] else "a list of texts"
            raise BadInput(f"{wanted} belongs here", source=source, place=f"{place}.{name}", remedy=remedy)
    if not values.get("deployment"):
        raise BadInput("a scope needs the name of its deployment", source=source, place=place, remedy=remedy)
    return Scope(**values)
