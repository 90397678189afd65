"""YAML text -> plain data and the line of every key. Nothing but text, numbers, true, false, null, lists and mappings is taken."""

from __future__ import annotations

from dataclasses import dataclass
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import ComposerError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from portcullis.errors import BadInput
from portcullis.model.names import shown
from portcullis.model.parts import Path, dotted

LARGEST = 4 * 1024 * 1024  # bytes; a thousand roles with their mappings are a tenth of it
DEEPEST = 24  # levels; the file needs nine, a document-level query is text
MOST = 400_000  # values, aliases expanded: what stops a few lines of anchors from becoming a billion values
_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Document:
    data: Any
    lines: dict[Path, int]  # key path -> line, from 1


def read(text: str, source: str) -> Document:
    """Read one YAML document. Raises BadInput for whatever cannot be read, naming the line."""
    if len(text) > LARGEST:
        raise BadInput(
            f"{len(text):,} characters",
            source=source,
            remedy=f"a deployment file has at most {LARGEST:,}; is it the right one?",
        )
    yaml = YAML(typ="safe", pure=True)
    try:
        _measure(yaml, text, source)
        node = yaml.compose(StringIO(text))
    except ComposerError as error:
        place = _line(error.problem_mark or error.context_mark)
        raise BadInput(
            str(error.problem or error.context),
            source=source,
            place=place,
            remedy="one document a file, anchors before aliases",
        ) from error
    except MarkedYAMLError as error:
        place = _line(error.problem_mark or error.context_mark)
        raise BadInput(
            f"not YAML: {error.problem or error.context}",
            source=source,
            place=place,
            remedy=_yaml_remedy(str(error.problem)),
        ) from error
    except (YAMLError, UnicodeError, ValueError) as error:
        raise BadInput(
            f"not YAML: {str(error).splitlines()[0]}", source=source, remedy="text in UTF-8 without control characters"
        ) from error
    if node is None:
        raise BadInput("the file is empty", source=source, remedy="portcullis init NAME writes one to start from")
    walker = _Walker(source)
    return Document(walker.value(node, (), 0), walker.lines)


def _measure(yaml: YAML, text: str, source: str) -> None:
    """Refuse what nests too deep before anything recursive sees it."""
    depth = 0
    for event in yaml.parse(StringIO(text)):
        kind = type(event).__name__
        if kind in ("MappingStartEvent", "SequenceStartEvent"):
            depth += 1
            if depth > DEEPEST:
                raise BadInput(
                    f"nested more than {DEEPEST} levels deep",
                    source=source,
                    place=_line(event.start_mark),
                    remedy="a deployment file needs nine",
                )
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            depth -= 1


def _line(mark: Any) -> str:
    return f"line {mark.line + 1}" if mark is not None else ""


def _yaml_remedy(problem: str) -> str:
    if "\\t" in problem:
        return "indent with spaces, not with tabs"
    if "mapping values are not allowed" in problem:
        return "is the line indented as the ones around it, and is text with a colon in quotes?"
    if "could not find expected ':'" in problem or "expected ':'" in problem:
        return "is a colon missing after the key?"
    return "is a quote or bracket left open, or the indentation off?"


class _Walker:
    """Nodes -> plain data. Keeps the line of every key, counts what it makes."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.lines: dict[Path, int] = {}
        self._made = 0

    def value(self, node: Node, path: Path, depth: int) -> Any:
        self._made += 1
        if self._made > MOST or depth > DEEPEST:
            raise self._bad(
                node, path, "anchors and aliases expand to more than a deployment file can hold", "write the parts out"
            )
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, SequenceNode):
            if str(node.tag) != f"{_TAG}seq":
                raise self._bad(node, path, f"the tag {shown(str(node.tag))}", "plain values only")
            return [self.value(item, (*path, i), depth + 1) for i, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: MappingNode, path: Path, depth: int) -> dict[str, Any]:
        if str(node.tag) != f"{_TAG}map":
            raise self._bad(node, path, f"the tag {shown(str(node.tag))}", "plain values only")
        made: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if str(key_node.tag) == f"{_TAG}merge":
                raise self._bad(
                    key_node, path, "the merge key <<", "write the keys out; aliases (*name) of whole values are fine"
                )
            if not isinstance(key_node, ScalarNode) or str(key_node.tag) != f"{_TAG}str":
                raise self._bad(key_node, path, f"the key {shown(str(key_node.value))} is not text", "put it in quotes")
            key = key_node.value
            if key in made:
                first = self.lines[*path, key]
                raise self._bad(
                    key_node, (*path, key), f"the key {shown(key)} is there twice", f"first on line {first}: keep one"
                )
            self.lines[*path, key] = key_node.start_mark.line + 1
            made[key] = self.value(value_node, (*path, key), depth + 1)
        return made

    def _scalar(self, node: Any, path: Path) -> Any:
        tag, text = str(node.tag).removeprefix(_TAG), node.value
        try:
            match tag:
                case "str":
                    return text
                case "null":
                    return None
                case "bool":
                    return text.lower() == "true"
                case "int":
                    # As YAML 1.2 writes them; what Python would take besides (1_000) is text to most people.
                    return int(text, 0) if text[:2].lower() in ("0x", "0o") else int(text)
                case "float":
                    return float(text)
        except ValueError as error:
            raise self._bad(node, path, f"{shown(text)} is not a number", "put it in quotes if it is text") from error
        raise self._bad(node, path, f"{shown(text)} is read as a {tag}", "put it in quotes if it is text")

    def _bad(self, node: Node, path: Path, problem: str, remedy: str) -> BadInput:
        where = ", ".join(part for part in (_line(node.start_mark), dotted(path)) if part)
        return BadInput(problem, source=self.source, place=where, remedy=remedy)
