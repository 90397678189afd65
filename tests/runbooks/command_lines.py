"""Command lines held against the commands they call: ours parsed by the CLI itself, `aws` by the models of the SDK."""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.session
import click
from botocore import xform_name
from portcullis.cli.main import portcullis

# Options of the AWS CLI itself, of any operation; each takes a value.
_OF_THE_CLI = ("--region", "--profile", "--query", "--output")


def parse(words: list[str]) -> None:
    """Parse a command line as `portcullis` would, and run nothing. Raises click's errors."""
    command: click.Command = portcullis
    context = portcullis.make_context("portcullis", list(words))
    while isinstance(command, click.Group):
        rest = [*context._protected_args, *context.args]
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command = found
        context = command.make_context(name, rest, parent=context)


@cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def aws_call(words: list[str]) -> tuple[str, str, dict[str, Any]]:
    """`aws SERVICE OPERATION --option value` as service, method of boto3 and its arguments. ValueError if there is no such thing."""
    service, operation, *options = words
    model = _model(service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    if operation not in names:
        raise ValueError(f"{service} has no operation {operation}")
    members = {xform_name(name, "-"): name for name in model.operation_model(names[operation]).input_shape.members}
    given: dict[str, Any] = {}
    while options:
        option, value, *options = options
        if option in _OF_THE_CLI:
            continue
        if not option.startswith("--") or option[2:] not in members:
            raise ValueError(f"{service} {operation} has no option {option}")
        given[members[option[2:]]] = value
    required = set(model.operation_model(names[operation]).input_shape.required_members)
    if required - set(given):
        raise ValueError(f"{service} {operation} needs {sorted(required - set(given))}")
    return service, xform_name(names[operation]), given
