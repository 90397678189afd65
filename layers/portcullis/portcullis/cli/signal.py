"""`portcullis signal`: events in, one line an event out."""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import fields
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import click

from portcullis.cli.console import console, output_options
from portcullis.errors import BadInput, MalformedEvent
from portcullis.operations.access.scopes import scopes_of_files
from portcullis.signals import Scope, Signal, read
from portcullis.signals.document import as_markdown
from portcullis.words import line

_GZIP, _BYTE_ORDER = b"\x1f\x8b", b"\xef\xbb\xbf"


@click.command(short_help="Say what AWS events mean to a deployment, or why they mean nothing.")
@click.argument("files", nargs=-1, metavar="FILE|-...")
@click.option("--any", "anyone", is_flag=True, help="Do not ask which deployment an event concerns.")
@click.option(
    "--deployments", metavar="DIR", default="deployments", help="Where the deployment files are.", show_default=True
)
@click.option("--scopes", "scopes_file", metavar="FILE", help="What the deployments listen to: a JSON list of scopes.")
@click.option("--table", is_flag=True, help="Print the table of all signals as Markdown, and read no event.")
@output_options
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
    deployment, because. A line that cannot be read is answered too, {"signal": null, "error": ...}, and told on stderr; the
    others are read all the same, and the exit status is 2. Standard input is answered as it comes.

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
                answers = [as_object(found) for found in _read(event, scopes)]
            except BadInput as error:
                failed = True
                placed = _placed(error, file, place)
                console().error(placed)
                answers = [{"signal": None, "error": line(placed)}]
            for answer in answers:
                console().data(answer)
    context.exit(2 if failed else 0)


def _read(event: Any, scopes: Sequence[Scope] | None) -> Sequence[Signal]:
    try:
        return read(event, scopes)
    except BadInput:
        raise
    except Exception as error:  # whatever an event holds, it is answered, and the next one too
        raise MalformedEvent(f"cannot be read: {type(error).__name__}: {error}") from error


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
    """(place, event) of every event of a file; the error in the event's stead where it cannot be read.

    Of standard input line by line, as the lines come; only a line feed ends one.
    """
    try:
        with nullcontext(sys.stdin.buffer) if file == "-" else Path(file).open("rb") as stream:
            yield from _of_stream(stream, comes=file == "-")
    except BadInput as error:
        yield "", error
    except OSError as error:
        yield "", BadInput(error.strerror or str(error), remedy="a file that can be read")


def _of_stream(stream: BinaryIO, *, comes: bool) -> Iterator[tuple[str, Any]]:
    first, number = stream.readline(), 1
    while first and not first.strip():
        first, number = stream.readline(), number + 1
    if first.startswith(_GZIP):
        yield from _of_stream(BytesIO(_unpacked(first + stream.read())), comes=False)
        return
    first = first.removeprefix(_BYTE_ORDER)
    begun = _parsed(first)
    # What could go on in the next line is read whole; nobody waits for that where a first line of a stream is just broken.
    if isinstance(begun, BadInput) and (not comes or first.strip()[-1:] in (b"{", b"[", b",", b":")):
        yield from _of_whole(first + stream.read())
        return
    second = b"" if comes else stream.readline()
    yield from _unfolded(f"line {number}" if comes or second.strip() else "", begun)
    for place, raw in enumerate(chain((second,) if second else (), iter(stream.readline, b"")), number + 1):
        if raw.strip():
            yield f"line {place}", _parsed(raw)


def _of_whole(raw: bytes) -> Iterator[tuple[str, Any]]:
    whole = _parsed(raw)
    if isinstance(whole, BadInput):
        lines = [(f"line {number}", _parsed(one)) for number, one in enumerate(raw.split(b"\n"), 1) if one.strip()]
        # One event a line, if a line is an event; otherwise one broken document, and one error for it.
        if len(lines) > 1 and any(isinstance(value, Mapping) for _, value in lines):
            yield from lines
            return
    yield from _unfolded("", whole)


def _unfolded(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A value that holds several events: a CloudTrail log file, or an array."""
    before = f"{place}: " if place else ""
    if place and value in ([], {"Records": []}):
        yield place, BadInput("holds no event", remedy="an EventBridge event or a CloudTrail record")
    elif isinstance(value, Mapping) and isinstance(value.get("Records"), list):
        yield from ((f"{before}Records[{index}]", record) for index, record in enumerate(value["Records"]))
    elif isinstance(value, list):
        yield from ((f"{before}[{index}]", event) for index, event in enumerate(value))
    else:
        yield place, value


def _unpacked(raw: bytes) -> bytes:
    try:
        return gzip.decompress(raw)
    except (zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise BadInput(f"is cut short or damaged: {error}", remedy="the whole gzipped file") from error


def _content(file: str) -> bytes:
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise BadInput(error.strerror or str(error), remedy="a file that can be read") from error
    return (_unpacked(raw) if raw.startswith(_GZIP) else raw).removeprefix(_BYTE_ORDER)


def _parsed(raw: bytes) -> Any:
    """The JSON value, or the error that says why there is none."""
    if not raw.strip():
        return BadInput("is empty", remedy="an EventBridge event or a CloudTrail record")
    try:
        return json.loads(raw.decode())
    except UnicodeDecodeError as error:
        return BadInput("is no UTF-8 text", place=f"byte {error.start}", remedy="JSON, or gzipped JSON")
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
