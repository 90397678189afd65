"""What a person's request may hold: held against the verb that is asked for, before anything is done with it."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import Parameter, signature
from typing import Any

from portcullis.entry.verbs.types import Verb
from portcullis.errors import BadInput
from portcullis.words import line

_DEEPEST = 20  # objects and lists within each other
_DIGITS = 9  # of a number


def checked(request: Any) -> dict[str, Any]:
    """A request that is an object, of text that is text, and no deeper than anybody needs. BadInput for any other."""
    if not isinstance(request, Mapping):
        raise _wrong("not an object", "", '{"verb": "status", "deployment": "demo"}')
    waiting: list[tuple[Any, int]] = [(request, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > _DEEPEST:
            raise _wrong(f"objects and lists are nested more than {_DEEPEST} deep", "", "no verb takes such a thing")
        if isinstance(value, str) and not _is_text(value):
            raise _wrong("holds half a character (a lone surrogate)", "", "text that can be written as UTF-8")
        if isinstance(value, Mapping):
            waiting += [(part, depth + 1) for pair in value.items() for part in pair]
        elif isinstance(value, list | tuple):
            waiting += [(part, depth + 1) for part in value]
    return dict(request)


def arguments_of(verb: Verb, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as the verb's own signature wants them. BadInput names one that is unknown, missing or of another kind."""
    known = verb.arguments
    unknown = sorted(set(given) - known)
    if unknown:
        takes = ", ".join(sorted(known)) or "none"
        raise _wrong(f"{verb.name} takes no {line(unknown[0], 100)!r}", "arguments", f"it takes: {takes}")
    found: dict[str, Any] = {}
    for one in signature(verb.function).parameters.values():
        if one.kind is not one.KEYWORD_ONLY:
            continue
        if given.get(one.name) is not None:
            found[one.name] = _as_wanted(one, given[one.name])
        elif one.default is one.empty:
            raise _wrong(f"{verb.name} needs {one.name!r}", "arguments", "give it")
    return found


def _as_wanted(parameter: Parameter, value: Any) -> Any:
    """null is as if it were left out, and does not come here."""
    match str(parameter.annotation), value:
        case (("bool" | "bool | str"), bool()):
            return value
        case (("str" | "str | None" | "int | str | None" | "bool | str"), str()):
            return value
        case (("int" | "int | str | None"), int()) if not isinstance(value, bool) and abs(value) < 10**_DIGITS:
            return value
        case "int", str() if value.strip().removeprefix("-").isdecimal() and len(value) <= _DIGITS:
            return int(value)
        case "Sequence[str]", list() if all(isinstance(one, str) for one in value):
            return tuple(value)
    raise _wrong(f"{_shown(value)} is not what belongs here", parameter.name, KINDS[str(parameter.annotation)])


KINDS = {
    "bool": "true or false",
    "bool | str": "true or false",
    "str": "a text",
    "str | None": "a text",
    "int": "a whole number",
    "int | str | None": "a whole number",
    "Sequence[str]": "a list of texts",
}


def _shown(value: Any) -> str:
    """A wrong value, short; of one that holds others, what it is."""
    if isinstance(value, Mapping):
        return "an object"
    return (
        "a list"
        if isinstance(value, list | tuple)
        else line(repr(value) if not isinstance(value, int) else "a number", 80)
    )


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _wrong(problem: str, place: str, remedy: str) -> BadInput:
    return BadInput(problem, source="request", place=place, remedy=remedy)
