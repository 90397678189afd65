"""What `check` says of a deployment file and does not say of the model in force: what a change brings about."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from portcullis.errors import BadInput

if TYPE_CHECKING:
    from portcullis.model import Deployment, Finding
    from portcullis.model.parts import Path

_Key = tuple[str, str, str]
_ABOUT = ("index_patterns", "tenant_patterns", "clusters", "names")  # what a permission is about
_PARTS = re.compile(r"\[\d+\]|[^\[]+|\[")


def new_warnings(in_force: str, file: Deployment) -> tuple[str, ...]:
    """What the file brings about that `check` warns of, in words. BadInput if it is an error.

    `in_force`: the text of the model in force; empty: there is none. What that had already is no matter: it would stop what mends it.
    """
    from portcullis import model

    new = _new(in_force, file)
    _refuse(new)
    warned = (one for one in new if one.severity is model.Severity.WARNING)
    return tuple(dict.fromkeys(f"{one.message} ({one.remedy}) [{one.code}]" for one in warned))


def refuse_new_errors(in_force: str, file: Deployment) -> None:
    """BadInput if the file brings about what `check` calls an error, whoever sent it."""
    _refuse(_new(in_force, file))


def new_errors(in_force: str, file: Deployment) -> tuple[BadInput, ...]:
    """What the file brings about that `check` calls an error."""
    from portcullis import model

    return tuple(model.as_error(one) for one in _new(in_force, file) if one.severity is model.Severity.ERROR)


def _refuse(new: Sequence[Finding]) -> None:
    from portcullis import model

    if errors := [one for one in new if one.severity is model.Severity.ERROR]:
        raise model.as_error(errors[0], len(errors) - 1)


def _new(in_force: str, file: Deployment) -> list[Finding]:
    """What is found in the file, less what is found as often at the same place of the model in force."""
    from portcullis import model

    before = _read(in_force, file.source)
    known = Counter(_keys(before, model.lint(before))) if before else Counter[_Key]()
    new, findings = [], model.lint(file)
    for finding, key in zip(findings, _keys(file, findings), strict=True):
        if known[key]:
            known[key] -= 1
        else:
            new.append(finding)
    return new


def _read(text: str, source: str) -> Deployment | None:
    from portcullis import model

    try:
        return model.loads(text, source) if text else None
    except BadInput:  # of before this version, which reads it no more
        return None


def _keys(file: Deployment, findings: Sequence[Finding]) -> Iterator[_Key]:
    """What a finding is known by: its code, its words and its place, wherever in a list and on whichever line that is by now."""
    items = dict(_items((), file.model_dump(mode="json"))) if findings else {}
    for finding in findings:
        path = finding.place.partition(":")[2].partition(" ")[2]
        here = "".join(items.get(path[: part.end()], part[0]) for part in _PARTS.finditer(path))
        yield finding.code, finding.message, here


def _items(path: Path, value: object) -> Iterator[tuple[str, str]]:
    """The place of everything in a list, and what it is about. A grant is about all of it, a permission about its indices or tenants:
    what else is in it may be mended without what is left counting as new."""
    from portcullis.model.parts import dotted

    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _items((*path, str(key)), one)
    elif isinstance(value, list):
        for i, one in enumerate(value):
            there = (*path, i)
            about = {key: one[key] for key in _ABOUT if key in one} if isinstance(one, Mapping) else None
            yield dotted(there), json.dumps(about or one, sort_keys=True)
            yield from _items(there, one)
