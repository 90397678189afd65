"""What `check` says of a deployment file and does not say of the model in force: what a change brings about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from portcullis.errors import BadInput

if TYPE_CHECKING:
    from portcullis.model import Deployment, Finding


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
    from portcullis import model

    known = {(one.code, one.message) for one in _findings(in_force, file.source)}
    return [one for one in model.lint(file) if (one.code, one.message) not in known]


def _findings(text: str, source: str) -> tuple[Finding, ...]:
    from portcullis import model

    try:
        return model.lint(model.loads(text, source)) if text else ()
    except BadInput:  # of before this version, which reads it no more
        return ()
