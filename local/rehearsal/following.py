"""A line of a page, typed: `portcullis` as it is installed, `aws` by the models of the SDK."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import botocore.session
from botocore import xform_name

from local.processes import typed
from local.rehearsal.pages import Command
from local.rehearsal.stand import DEPLOYMENT, Stand

# Options of the AWS CLI itself, of any operation; each takes a value.
_OF_THE_CLI = ("--region", "--profile", "--query", "--output")
_LOOKING = ("status", "guard", "list", "history", "key", "sweep", "restorability")  # these may be asked again
_PATIENCE_S = 60.0


class NotAsThePageSays(Exception):
    """A line of a page printed something else, or ended otherwise."""


def follow(stand: Stand, command: Command, told: Callable[[str], object] = lambda _: None) -> None:
    """Type a line of a page and see that it prints what the page says: at once, or after a while where it only looks.

    `told` is given the line as it is typed, and what it printed in the end. Raises NotAsThePageSays.
    """
    line = Command(command.page, filled(stand, command.line), filled(stand, command.prints), True, command.exit)
    told(f"$ {line.line}")
    if line.words[0] == "aws":
        service, method, arguments = aws_call(line.words[1:])
        getattr(stand.client(service), method)(**arguments)
        return
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        status, printed = stand.portcullis(*line.words[1:])
        as_said = line.exit in (None, status) and line.matches(printed)
        if as_said or line.words[1] not in _LOOKING or time.monotonic() > deadline:
            told(printed.rstrip("\n"))
            if as_said:
                return
            raise NotAsThePageSays(f"{line.page}: {line.line}\nexit {status}\n{printed}")


def as_installed(environment: Mapping[str, str], words: Sequence[str]) -> tuple[int, str]:
    """The command `portcullis` in a process of its own: exit status, and what both streams show."""
    return typed([sys.executable, "-m", "portcullis.cli.main", *words], environment)


def filled(stand: Stand, text: str) -> str:
    """A line of a page with what earlier output showed in place of its placeholders."""
    if "SNAPSHOT" in text:
        listed = json.loads(stand.portcullis("snapshot", "list", DEPLOYMENT, "--json")[1])
        text = text.replace("SNAPSHOT", next(one["snapshot"] for one in listed if one["state"] == "SUCCESS"))
    return text.replace("KEY-ID", stand.key)


@cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def _switches(member: str, shape: Any) -> tuple[str, ...]:
    """The options of the AWS CLI that are given without a value."""
    return (f"--{member}", f"--no-{member}") if shape.type_name == "boolean" else ()


def aws_call(words: list[str]) -> tuple[str, str, dict[str, Any]]:
    """`aws SERVICE OPERATION --option value` as service, method of boto3 and its arguments. ValueError if there is no such thing."""
    service, operation, *options = words
    model = _model(service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    if operation not in names:
        raise ValueError(f"{service} has no operation {operation}")
    shapes = model.operation_model(names[operation]).input_shape.members
    members = {xform_name(name, "-"): name for name in shapes}
    switches = {
        word: (name, word == f"--{member}")
        for member, name in members.items()
        for word in _switches(member, shapes[name])
    }
    given: dict[str, Any] = {}
    while options:
        option, *options = options
        if option in switches:
            name, wanted = switches[option]
            given[name] = wanted
            continue
        if not options:
            raise ValueError(f"{service} {operation}: {option} has no value")
        value, *options = options
        if option in _OF_THE_CLI:
            continue
        if not option.startswith("--") or option[2:] not in members:
            raise ValueError(f"{service} {operation} has no option {option}")
        given[members[option[2:]]] = value
    required = set(model.operation_model(names[operation]).input_shape.required_members)
    if required - set(given):
        raise ValueError(f"{service} {operation} needs {sorted(required - set(given))}")
    return service, xform_name(names[operation]), given
