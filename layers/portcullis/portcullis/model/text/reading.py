"""YAML text -> plain data and the line of every key. Nothing but text, numbers, true, false, null, lists and mappings is taken.

Values are made straight from the parser's events, in one pass: what nests too deep or repeats itself too often stops there, and scalars
are read by the core schema of YAML 1.2 (`yes`, `0777` and dates are text).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.error import MarkedYAMLError, YAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from portcullis.errors import BadInput
from portcullis.model.names import shown
from portcullis.model.parts import Path, dotted

LARGEST = 4 * 1024 * 1024  # characters; a thousand roles with as many grants are a quarter of a million
DEEPEST = 24  # levels; the file needs nine, a document-level query is text
MOST = 400_000  # values, aliases expanded: what stops a few lines of anchors from becoming a billion values
# libyaml: twenty times as fast, which is felt from some hundred roles on. Only its events are used, so no tag makes anything.
_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_BEGINS_NUMBER = frozenset("+-.0123456789")
_ODD_SPACE = re.compile("[\u00a0\u1680\u2000-\u200d\u2060\u202f\u205f\u3000\ufeff]")
# To YAML 1.1, by which the parser goes, the first four end a line, a comment too; most editors and reviews show none, and what follows as
# a part of the comment. The others have what is on the line shown in another order.
_DISGUISE = re.compile("\r(?!\n)|[\u0085\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_NEAR = 3  # lines: an error is found where it is, or a little below
_LONGEST_WORD = len("false")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass(frozen=True, slots=True)
class Document:
    data: Any
    lines: dict[Path, int]  # key path -> line, from 1


def read(text: str, source: str) -> Document:
    """Read one YAML document. Raises BadInput for whatever cannot be read, naming the line."""
    if len(text) > LARGEST:
        remedy = "a deployment file has fewer; is it the right one?"
        raise BadInput(f"more than {LARGEST:,} characters", source=source, remedy=remedy)
    text = text.removeprefix("\ufeff")
    if found := _DISGUISE.search(text):
        raise BadInput(
            f"holds a sign that has a file show something else than is read of it (U+{ord(found[0]):04X})",
            source=source,
            place=f"line {text.count(chr(10), 0, found.start()) + 1}",
            remedy="take it out; in a text in double quotes it can be written by its number",
        )
    reader = _Reader(events(text), source)
    try:
        return Document(reader.document(), reader.lines)
    except MarkedYAMLError as error:
        mark, problem = error.problem_mark or error.context_mark, f"not YAML: {error.problem or error.context}"
        last = max(1, len(text.splitlines()))  # what is missing at the end is looked for behind it
        place = f"line {min(mark.line + 1, last)}" if mark else ""
        raise BadInput(problem, source=source, place=place, remedy=_remedy(text, error, mark)) from error
    except (YAMLError, ValueError) as error:
        problem = f"not YAML: {str(error).splitlines()[0]}"
        raise BadInput(problem, source=source, remedy="text in UTF-8 without control characters") from error


def events(text: str) -> Iterator[Any]:
    """The parser's events, with the marks of where each begins and ends. Raises YAMLError on the way."""
    return iter(yaml.parse(text, Loader=_PARSER))


def _line(event: Any) -> int:
    line: int = event.start_mark.line + 1
    return line


def _remedy(text: str, error: MarkedYAMLError, mark: Any) -> str:
    problem = str(error.problem)
    if mark and text[mark.index : mark.index + 1] == "\t":
        return "indent with spaces, not with tabs"
    about_a_colon = "mapping values are not allowed" in problem or "expected ':'" in problem
    if about_a_colon and mark and (odd := _odd_space(text, mark.line)):
        return odd
    if "mapping values are not allowed" in problem:
        return "is the line indented as the ones around it, and is text with a colon in quotes?"
    if about_a_colon:
        return "is a colon missing after the key?"
    if "cannot start any token" in problem:
        return f"put text that begins with {text[mark.index]} in quotes" if mark else "put it in quotes"
    began = error.context_mark
    what = f"what began on line {began.line + 1}" if began and mark and began.line < mark.line else "a quote or bracket"
    return f"is {what} left open, or the indentation off?"


def _odd_space(text: str, at: int) -> str:
    """What came with text from a web page or a chat: looks like a space or like nothing, and is neither to YAML. `at`: a line, from 0."""
    lines = text.splitlines()[: at + 1]
    for number in range(len(lines), max(0, len(lines) - _NEAR), -1):
        if found := _ODD_SPACE.search(lines[number - 1]):
            return f"line {number} has a space that is none (U+{ord(found[0]):04X}): type it anew"
    return ""


class _Reader:
    """Events -> plain data. Keeps the line of every key, counts what it makes."""

    def __init__(self, events: Iterator[Any], source: str) -> None:
        self._events, self._source = events, source
        self.lines: dict[Path, int] = {}
        self._made = 0
        self._anchors: dict[str, tuple[Any, int]] = {}  # name -> the value, and how many values it is

    def document(self) -> Any:
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                data = self._value(next(self._events), (), 0)
                for later in self._events:
                    if isinstance(later, DocumentStartEvent):
                        raise self._bad(later, (), "a second document", "one document a file")
                return data
        raise BadInput("the file is empty", source=self._source, remedy="portcullis init NAME writes one to start from")

    def _value(self, event: Any, path: Path, depth: int) -> Any:
        if depth > DEEPEST:
            raise self._bad(event, path[:4], f"nested more than {DEEPEST} levels deep", "a deployment file needs nine")
        self.lines.setdefault(path, _line(event))
        before = self._made
        self._count(event, path, 1)
        if isinstance(event, AliasEvent):
            return self._alias(event, path)
        if isinstance(event, ScalarEvent):
            value = self._scalar(event, path)
        elif isinstance(event, SequenceStartEvent):
            self._untagged(event, path, "seq")
            value = []
            while not isinstance(item := next(self._events), SequenceEndEvent):
                value.append(self._value(item, (*path, len(value)), depth + 1))
        else:
            value = self._mapping(event, path, depth)
        if event.anchor:
            self._anchors[event.anchor] = (value, self._made - before)
        return value

    def _mapping(self, event: MappingStartEvent, path: Path, depth: int) -> dict[str, Any]:
        self._untagged(event, path, "map")
        made: dict[str, Any] = {}
        while not isinstance(key_event := next(self._events), MappingEndEvent):
            if not isinstance(key_event, ScalarEvent):
                raise self._bad(
                    key_event,
                    path,
                    "a key that is not text",
                    "write a plain key, and put a value that begins with [, { or * in quotes",
                )
            key = self._scalar(key_event, path)
            if key == "<<" and not key_event.style:
                raise self._bad(
                    key_event, path, "the merge key <<", "write the keys out; aliases (*name) of whole values are fine"
                )
            if not isinstance(key, str):
                raise self._bad(key_event, path, f"the key {shown(key_event.value)} is not text", "put it in quotes")
            if key in made:
                first = self.lines[*path, key]
                raise self._bad(
                    key_event, (*path, key), f"the key {shown(key)} is there twice", f"first on line {first}: keep one"
                )
            self.lines[*path, key] = _line(key_event)
            made[key] = self._value(next(self._events), (*path, key), depth + 1)
        return made

    def _alias(self, event: AliasEvent, path: Path) -> Any:
        if event.anchor not in self._anchors:
            raise self._bad(
                event,
                path,
                f"the alias *{event.anchor} has no anchor",
                f"put &{event.anchor} before the value it stands for, further up",
            )
        value, size = self._anchors[event.anchor]
        self._count(event, path, size)
        return value

    def _scalar(self, event: ScalarEvent, path: Path) -> Any:
        self._untagged(event, path, "str")
        text: str = event.value
        if event.style or event.tag:
            return text
        if (
            len(text) <= _LONGEST_WORD
            and text.lower() in _WORDS
            and (text in (text.lower(), text.upper(), text.capitalize()))
        ):
            return _WORDS[text.lower()]
        if text[:1] not in _BEGINS_NUMBER:
            return text  # most are words, and there may be a hundred thousand
        if _INT.fullmatch(text):
            if len(text) > 30:
                raise self._bad(event, path, f"{shown(text)} is too large a number", "put it in quotes if it is text")
            return int(text, 0) if text[:2] in ("0x", "0o") else int(text)
        if _FLOAT.fullmatch(text):
            return float(re.sub(r"\.(?=[iInN])", "", text))  # .inf and .nan, as Python writes them
        return text

    def _untagged(self, event: Any, path: Path, allowed: str) -> None:
        if event.tag is None:
            return
        tag = str(event.tag)
        if tag not in ("", "!", f"{_TAG}{allowed}"):
            raise self._bad(event, path, f"the tag {shown(tag)}", "plain values only")

    def _count(self, event: Any, path: Path, made: int) -> None:
        self._made += made
        if self._made > MOST:
            raise self._bad(
                event,
                path,
                f"more than {MOST:,} values, aliases expanded",
                "a deployment file holds fewer; write the parts out",
            )

    def _bad(self, event: Any, path: Path, problem: str, remedy: str) -> BadInput:
        place = ", ".join(part for part in (f"line {_line(event)}", dotted(path)) if part)
        return BadInput(problem, source=self._source, place=place, remedy=remedy)
