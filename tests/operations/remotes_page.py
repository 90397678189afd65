"""The page about remote clusters, typed: each command of a part of it, in order, and what is printed otherwise than it says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from portcullis.cli import main as cli
from portcullis.entry.operate import carry_out

from local.rehearsal.pages import Command, Page

PAGE = Path(__file__).parents[2] / "docs" / "remotes.md"


def commands_under(title: str) -> list[Command]:
    (part,) = re.findall(rf"^## {title}$.*?(?=^## )", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return Page("remotes", part).commands


def asked_of(services: Any) -> Callable[..., Any]:
    """What the command asks the account, asked of these services in this process: `portcullis.entry.ask.ask`."""

    def ask(verb: str, deployment: str | None = None, arguments: Any = None, *, command: str = "", **_: Any) -> Any:
        request = {"verb": verb, "deployment": deployment, "arguments": arguments, "cause": command, "actor": "anna"}
        return carry_out(services, request, alias="act")

    return ask


def otherwise_than_it_says(
    commands: Iterable[Command], capsys: pytest.CaptureFixture[str]
) -> list[tuple[str, int, str]]:
    """Line, status and what was printed, of those that end or print otherwise."""
    found = []
    for command in commands:
        status = cli.main(command.words[1:])
        printed, complained = capsys.readouterr()
        if (status, command.matches(printed)) != (command.exit, True):
            found.append((command.line, status, printed + complained))
    return found
