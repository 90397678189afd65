"""One entry of a YAML text set or taken out, by lines: what is not part of the entry keeps every byte.

Only plain values are written (text, numbers, true, false, null, lists, mappings). An entry inside a `{...}` or `[...]` is changed by
writing the outermost such value anew.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from portcullis.model.parts import Path
from portcullis.model.text.reading import events, read

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./@+-]*(?:\*)?")
_WIDEST = 110  # a grant or a list that fits is written on one line


@dataclass(frozen=True, slots=True)
class _Span:
    """Where an entry (key and value, or list item) stands: lines from 0, the last included."""

    first: int
    last: int
    column: int  # of the key, or of the dash
    block: bool  # whether the value is a mapping or list in block style


def put(text: str, path: Path, value: Any) -> str:
    """`text` with the entry at `path` set to `value`; it and whatever leads to it are added where they are missing."""
    return _put(text, read(text, "").data, path, value)


def laid_out(key: str, value: Any) -> str:
    """An entry as it would be written at the top of a file."""
    return "".join(_entry(key, value, 0))


def cut(text: str, path: Path) -> str:
    """`text` without the entry at `path`, and without what would be left empty by that."""
    data = read(text, "").data
    parent = _value(data, path[:-1])
    if len(parent) == 1 and len(path) > 1:
        return cut(text, path[:-1])
    spans = _spans(text)
    if path in spans:
        lines = text.splitlines(keepends=True)
        del lines[spans[path].first : spans[path].last + 1]
        return "".join(lines)
    parent = parent.copy()
    del parent[path[-1]]
    return _put(text, data, path[:-1], parent)


def _put(text: str, data: Any, path: Path, value: Any) -> str:
    spans, lines = _spans(text), text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    if path in spans:
        span = spans[path]
        lines[span.first : span.last + 1] = _entry(path[-1], value, span.column)
        return "".join(lines)
    parent = _value(data, path[:-1])
    if len(path) == 1:
        return "".join([*lines, *_entry(path[0], value, 0)])
    if parent and path[:-1] in spans and spans[path[:-1]].block:
        siblings = [span for at, span in spans.items() if at[:-1] == path[:-1]]
        end = max(siblings, key=lambda span: span.last)
        lines[end.last + 1 : end.last + 1] = _entry(path[-1], value, end.column)
        return "".join(lines)
    # The parent is missing, empty, or written in {} or []: it is written anew as a whole.
    key = path[-1]
    if isinstance(key, int):
        items = list(parent or ())
        items[key : key + 1] = [value]
        return _put(text, data, path[:-1], items)
    whole = {**(parent or {}), key: value}
    return _put(text, data, path[:-1], whole)


def _value(data: Any, path: Path) -> Any:
    for part in path:
        inside = (
            part in data
            if isinstance(data, dict)
            else isinstance(data, list) and isinstance(part, int) and part < len(data)
        )
        if not inside:
            return None
        data = data[part]
    return data


def _spans(text: str) -> dict[Path, _Span]:
    """The span of every entry that stands in block style all the way down from the top."""
    finder = _Finder(text)
    return finder.spans


class _Finder:
    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        self._events = events(text.removeprefix("\ufeff"))
        self.spans: dict[Path, _Span] = {}
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                self._walk(next(self._events), (), in_block=True)

    def _walk(self, event: Any, path: Path, *, in_block: bool) -> tuple[int, bool]:
        """The last line of this value, and whether it is a collection in block style."""
        if isinstance(event, ScalarEvent | AliasEvent):
            return self._end(event), False
        block = in_block and not event.flow_style
        end = event.start_mark.line
        if isinstance(event, MappingStartEvent):
            while not isinstance(key := next(self._events), MappingEndEvent):
                at = (*path, key.value)
                end, its = self._walk(next(self._events), at, in_block=block)
                end = max(end, key.end_mark.line)
                if block:
                    self.spans[at] = _Span(key.start_mark.line, end, key.start_mark.column, its)
            closing: Any = key
        else:
            count, column = 0, event.start_mark.column
            while not isinstance(item := next(self._events), SequenceEndEvent):
                at = (*path, count)
                end, its = self._walk(item, at, in_block=block)
                if block:
                    first = self._dash(item.start_mark.line, column)
                    self.spans[at] = _Span(first, max(end, first), column, its)
                count += 1
            closing = item
        return (closing.end_mark.line if event.flow_style else end), block

    def _dash(self, line: int, column: int) -> int:
        """The line of the dash before a value that begins on `line`."""
        while not self._lines[line][column:].startswith("-"):
            line -= 1
        return line

    def _end(self, event: Any) -> int:
        end: int = event.end_mark.line
        column: int = event.end_mark.column
        if isinstance(event, ScalarEvent) and event.style in ("|", ">"):  # its end mark is where the next thing begins
            end -= column == 0
            while not self._lines[end].strip():
                end -= 1
        return end


def _entry(key: str | int, value: Any, column: int) -> list[str]:
    """The lines of a key with its value, or of a list item."""
    indent = " " * column
    lead = f"{indent}-" if isinstance(key, int) else f"{indent}{_scalar(key)}:"
    flow = _flow(value)
    # Grants and lists of words read best on one line; what has parts of its own is laid out.
    one_line = isinstance(key, int) or not isinstance(value, dict)
    flat = not isinstance(value, list) or not any(isinstance(item, dict | list) for item in value)
    if not isinstance(value, dict | list) or not value or (one_line and flat and len(flow) + len(lead) < _WIDEST):
        return [f"{lead} {flow}\n"]
    if isinstance(value, list):
        return [f"{lead}\n", *(line for i, item in enumerate(value) for line in _entry(i, item, column + 2))]
    inner = [line for k, v in value.items() for line in _entry(k, v, column + 2)]
    if isinstance(key, int):
        inner[0] = f"{indent}- {inner[0][column + 2 :]}"
        return inner
    return [f"{lead}\n", *inner]


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN.fullmatch(value) and value.lower() not in ("true", "false", "null"):
        return value
    if '"' in value and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    quoted = json.dumps(value, ensure_ascii=False)
    return "".join(
        c if c.isprintable() else f"\\u{ord(c):04x}" if ord(c) < 0x10000 else f"\\U{ord(c):08x}" for c in quoted
    )
