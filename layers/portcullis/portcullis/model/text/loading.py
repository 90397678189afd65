"""The deployment file, read and checked. All that is wrong with it is found at once, in words with a remedy each."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path as File
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from portcullis.errors import BadInput
from portcullis.model.elasticsearch.types import OnCluster
from portcullis.model.names import Wrong, did_you_mean, shown
from portcullis.model.parts import Path, dotted
from portcullis.model.text.reading import LARGEST, Document, read
from portcullis.model.text.references import references
from portcullis.model.types import Deployment, OnDomain, mixture, names_a_cluster

_Whole = TypeVar("_Whole", bound=BaseModel)


def load(path: File) -> Deployment:
    """Read a deployment file. Raises BadInput naming file, line, key and remedy: the first thing wrong, and how many more there are."""
    return loads(text_of(path), str(path))


def text_of(path: File) -> str:
    """The text of a deployment file. Raises BadInput if it cannot be read."""
    try:
        with path.open(encoding="utf-8") as file:  # no more of it than says that it is too long: a device has no end
            return file.read(LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            problem = f"is a link to {os.readlink(path)}, which is not there"
            raise BadInput(problem, source=str(path), remedy="mend the link, or take it away") from None
        beside = sorted(p.name for p in path.parent.glob("[!.]*.yaml")) if path.parent.is_dir() else []
        remedy = did_you_mean(path.name, beside) or "portcullis init NAME writes one"
        raise BadInput("there is no such file", source=str(path), remedy=remedy) from None
    except UnicodeDecodeError as error:
        raise BadInput(
            f"is not text in UTF-8 (byte {error.start})", source=str(path), remedy="save it as UTF-8"
        ) from None
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        raise BadInput(f"cannot be read: {problem}", source=str(path), remedy="name a file that can be read") from None


def loads(text: str, source: str) -> Deployment:
    """Read a deployment file's text; `source` is what to call it. Raises BadInput as `load`."""
    deployment, wrong = examine(text, source)
    if deployment is None or wrong:
        raise first_of(wrong)
    return deployment


def first_of(wrong: Sequence[BadInput]) -> BadInput:
    """The first thing wrong with a file, which says how many more there are."""
    first = wrong[0]
    if len(wrong) == 1:
        return first
    more = f"{len(wrong) - 1} more in this file: portcullis check --all lists them"
    return BadInput(
        first.problem, source=first.source, place=first.place, remedy="; ".join(p for p in (first.remedy, more) if p)
    )


def examine(text: str, source: str) -> tuple[Deployment | None, tuple[BadInput, ...]]:
    """Everything that is wrong with a deployment file, in the order of its lines; and the deployment, if it could be made out."""
    deployment, found, document = examined(form_of, text, source)
    if deployment is None or document is None:
        return None, found
    deployment._source, deployment._lines = source, document.lines
    places = _Places(document, source)
    return deployment, places.sorted(
        places.wrong(path, w.problem, w.remedy, w.at) for path, w in references(deployment)
    )


def form_of(data: dict[str, Any]) -> type[Deployment]:
    """The form that a deployment file is to be read by. Raises Wrong for half a domain and half a cluster."""
    if why := mixture(data):
        raise why
    return OnCluster if names_a_cluster(data) else OnDomain


def examined(
    form: Callable[[dict[str, Any]], type[_Whole]], text: str, source: str
) -> tuple[_Whole | None, tuple[BadInput, ...], Document | None]:
    """A file as what it should be, as far as its own words go; everything that is wrong with them; and the file with its lines.

    `form` says by what was read what the file should be.
    """
    try:
        document = read(text, source)
    except BadInput as wrong:
        return None, (wrong,), None
    places = _Places(document, source)
    try:
        whole = form(document.data if isinstance(document.data, dict) else {})
    except Wrong as wrong:
        return None, (places.wrong((), wrong.problem, wrong.remedy, wrong.at)[1],), document
    if not isinstance(document.data, dict):
        kind = _kind(document.data)
        first = next(iter(whole.model_fields))
        remedy = f"keys and values: {first}: …"
        return None, (BadInput(f"holds {kind}", source=source, place="line 1", remedy=remedy),), document
    _numbers_as_json(document.data)
    try:
        return whole.model_validate_json(json.dumps(document.data)), (), document
    except ValidationError as error:
        found = places.sorted(
            places.wrong(_path(document.data, e["loc"]), *_words(e, whole)) for e in error.errors(include_url=False)
        )
        return None, found, document


def _numbers_as_json(data: Any) -> None:
    """JSON knows no infinity: such a number becomes text, which no number field takes."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in list(items):
        if isinstance(value, float) and not math.isfinite(value):
            data[key] = str(value)
        elif isinstance(value, dict | list):
            _numbers_as_json(value)


class _Places:
    """Turns key paths into errors that name file and line."""

    def __init__(self, document: Document, source: str) -> None:
        self._lines, self._source = document.lines, source

    def wrong(self, path: Path, problem: str, remedy: str, at: Path = ()) -> tuple[int, BadInput]:
        path = (*path, *at)
        known = path
        while known and known not in self._lines:
            known = known[:-1]
        line = self._lines.get(known, 1)
        place = ", ".join(p for p in (f"line {line}", dotted(path)) if p)
        return line, BadInput(problem, source=self._source, place=place, remedy=remedy)

    @staticmethod
    def sorted(found: Iterator[tuple[int, BadInput]]) -> tuple[BadInput, ...]:
        return tuple(wrong for _, wrong in sorted(found, key=lambda pair: pair[0]))


def _path(data: Any, location: tuple[str | int, ...]) -> Path:
    """A pydantic location without the parts that are no keys of the file ('[key]' and names of branches)."""
    path: list[str | int] = []
    for i, part in enumerate(location):
        last = i == len(location) - 1
        inside = (isinstance(data, dict) and part in data) or (
            isinstance(data, list) and isinstance(part, int) and part < len(data)
        )
        if inside or (last and part != "[key]"):
            path.append(part)
            data = data[part] if inside else None
    return tuple(path)


def first_wrong(error: ValidationError, whole: type[BaseModel]) -> tuple[Path, str, str]:
    """The first thing that is wrong with something, as (where in it, problem, remedy)."""
    first = error.errors(include_url=False)[0]
    problem, remedy, at = _words(first, whole)
    return (*first["loc"], *at), problem, remedy


def _words(error: Any, whole: type[BaseModel]) -> tuple[str, str, Path]:
    """A pydantic error as (problem, remedy, where below its location)."""
    kind, context, value = error["type"], error.get("ctx", {}), error.get("input")
    location = error["loc"]
    key = str(location[-1]) if location else ""
    match kind:
        case "value_error":
            cause = context["error"]
            return (cause.problem, cause.remedy, cause.at) if isinstance(cause, Wrong) else (str(cause), "", ())
        case "extra_forbidden":
            return f"unknown key {shown(key)}", _key_remedy(location, whole), ()
        case "missing":
            return f"{key} is missing", _field_words(location, whole), ()
        case "enum" | "literal_error":
            expected = [word.strip("'") for word in context["expected"].replace(" or ", ", ").split(", ")]
            return f"{key} is {shown(value)}", _choice(value, expected), ()
        case "string_pattern_mismatch":
            return f"{shown(value)} cannot stand here", _pattern_words(context["pattern"]), ()
        case "string_type" if isinstance(value, (int, float, bool)):
            return f"should be text, but YAML reads {shown(value)} as {_kind(value)}", "put it in quotes", ()
        case "string_type" | "int_type" | "bool_type" | "dict_type" | "tuple_type" | "model_type" | "float_type":
            wanted = {
                "string": "text",
                "int": "a whole number",
                "bool": "true or false",
                "dict": "keys and values",
                "tuple": "a list",
            }
            want = wanted.get(kind.removesuffix("_type"), "keys and values")
            shape = {"a list": "[one, two]", "keys and values": "key: value"}.get(want, "")
            return f"should be {want}, but is {_kind(value)}", shape, ()
        case "too_short":
            return "is empty", "at least one entry", ()
    return f"{error['msg'][:1].lower()}{error['msg'][1:]}, but is {shown(value)}", "", ()


def _kind(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return f"the text {shown(value)}"
        case list():
            return "a list"
    return "keys and values"


def _choice(value: Any, expected: list[str]) -> str:
    close = did_you_mean(str(value), expected)
    listed = f"one of {', '.join(expected)}"
    return f"{close} {listed}" if close.startswith("did") else listed


def _pattern_words(pattern: str) -> str:
    return "letters, digits and _ * ? : . / [ ] # -" if "*?" in pattern else f"what fits {pattern}"


def _model_at(location: tuple[str | int, ...], whole: type[BaseModel]) -> type[BaseModel] | None:
    """The part of the file that a pydantic location (of a key in it) lies in."""
    current: Any = whole
    for part in location:
        current = _unwrapped(current)
        if isinstance(current, type) and issubclass(current, BaseModel):
            field = current.model_fields.get(str(part))
            current = field.annotation if field else None
        elif get_origin(current) is dict:
            current = get_args(current)[1]
        elif get_origin(current) is tuple:
            current = get_args(current)[0]
        else:
            return None
    current = _unwrapped(current)
    return current if isinstance(current, type) and issubclass(current, BaseModel) else None


def _unwrapped(annotation: Any) -> Any:
    """Without Optional and Annotated."""
    while (args := get_args(annotation)) and get_origin(annotation) not in (dict, tuple):
        annotation = next(arg for arg in args if arg is not type(None))
    return annotation


# What people write where something else is meant.
_MEANT = {
    "host": "host mappings do nothing for a domain in a VPC: grant to a user, role or group",
    "hosts": "host mappings do nothing for a domain in a VPC: grant to a user, role or group",
    "password": "passwords never stand in this file: name a secret (secret: NAME), or leave it out and one is generated",
    "hash": "passwords never stand in this file: name a secret (secret: NAME), or leave it out and one is generated",
    "user": "say which kind: iam_user, cognito_user or internal_user",
    "group": "say which kind: iam_group, cognito_group or identity_center_group",
    "reserved": "that is what an engine shows; leave it out",
    "hidden": "that is what an engine shows; leave it out",
    "static": "that is what an engine shows; leave it out",
}


def _key_remedy(location: tuple[str | int, ...], whole: type[BaseModel]) -> str:
    key, model = str(location[-1]), _model_at(location[:-1], whole)
    if model is not None and key in (meant := getattr(model, "MEANT", {})):
        return str(meant[key])
    if key in _MEANT:
        return _MEANT[key]
    if key == "by" and model is not None and "to" in model.model_fields:
        return "it belongs to the subject: to: {cognito_group: NAME, by: role}"
    return did_you_mean(key, model.model_fields) if model else ""


def _field_words(location: tuple[str | int, ...], whole: type[BaseModel]) -> str:
    model = _model_at(location[:-1], whole)
    field = model.model_fields.get(str(location[-1])) if model else None
    return (field.description or "") if field else ""
