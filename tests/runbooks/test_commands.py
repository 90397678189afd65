"""Every command that a page or an alert gives to a tired person exists, and takes what it is given."""

from __future__ import annotations

import contextlib
import shlex

import click
import pytest

from local.rehearsal.following import aws_call
from local.rehearsal.pages import PAGES, Command
from tests.runbooks import alerts
from tests.runbooks.command_lines import parse

QUOTED = [command for page in PAGES for command in page.quoted]
OURS = [command for command in QUOTED if command.words[0] == "portcullis"]
AWS = [command for command in QUOTED if command.words[0] == "aws"]
CDK = [command for command in QUOTED if command.words[0] == "npx"]


def name_of(command: Command) -> str:
    return f"{command.page}: {command.line}"


def test_nothing_else_is_quoted() -> None:
    assert len(OURS) + len(AWS) + len(CDK) == len(QUOTED)
    assert len(OURS) > 50


@pytest.mark.parametrize("command", OURS, ids=name_of)
def test_a_command_of_ours_is_parsed(command: Command) -> None:
    with contextlib.suppress(click.exceptions.Exit):  # --help ends there
        parse(command.words[1:])


@pytest.mark.parametrize("command", AWS, ids=name_of)
def test_a_command_of_aws_is_an_operation_with_its_parameters(command: Command) -> None:
    aws_call(command.words[1:])


@pytest.mark.parametrize("command", CDK, ids=name_of)
def test_a_command_of_cdk_names_a_stack(command: Command) -> None:
    _, tool, verb, *stacks = command.words
    assert tool == "aws-cdk"
    assert verb in ("diff", "deploy", "import")
    of_deployment = {f"portcullis-demo-{part}" for part in ("domain", "cluster", "access")}
    assert set(stacks) <= {"--all", "portcullis-automation", *of_deployment}


@pytest.mark.parametrize(
    ("told", "line"),
    [(told, line) for told in alerts.ALL for line in told.commands],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_a_command_in_an_alert_is_parsed(told: alerts.Told, line: str) -> None:
    parse(shlex.split(line)[1:])


def test_alerts_that_ask_for_something_give_a_command() -> None:
    silent = {told.name for told in alerts.ALL if told.page and not told.commands}
    # How to call the destruction of a key off is AWS's command; the rest of the text says what to do.
    assert silent <= {"shred-scheduled"}


@pytest.mark.parametrize(
    "wrong",
    ["custody demo", "break-glass demo --end", "status demo --nonsense", "delete", "key", "snapshot restore demo"],
)
def test_a_command_that_is_none_is_not_parsed(wrong: str) -> None:
    with pytest.raises(click.UsageError):
        parse(shlex.split(wrong))


@pytest.mark.parametrize("wrong", ["kms enable-keys --key-id x", "kms enable-key --key x", "kms enable-key"])
def test_a_command_of_aws_that_is_none_is_seen(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"has no|needs"):
        aws_call(shlex.split(wrong))
