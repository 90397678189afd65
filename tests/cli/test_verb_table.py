"""Given the one table of verbs, then the command, the doors, the documents, completion and the reference are what it says."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from inspect import signature
from pathlib import Path
from typing import Any

import click
import pytest
from portcullis.cli import main as cli
from portcullis.cli.console import console
from portcullis.entry import ask as asking
from portcullis.entry import operate, verbs
from portcullis.entry.verbs import COMMANDS, LOOK, VERBS, Command, Document, Verb, Wish
from portcullis.entry.verbs.arguments import ARGUMENTS

from docs.reference import page
from tests.operations.estates import estate

ROOT = Path(__file__).parents[2]
DOOR = "arn:aws:lambda:eu-central-1:111122223333:function:portcullis-operate:look"


def test_no_verb_stands_in_the_table_twice() -> None:
    named = [verb.name for command in COMMANDS.values() for verb in command.verbs]
    assert sorted(named) == sorted(VERBS)
    assert len(COMMANDS) == sum(len(part.COMMANDS) for part in verbs.PARTS)


@pytest.mark.parametrize("verb", VERBS.values(), ids=list(VERBS))
def test_a_verb_names_an_operation_that_takes_what_it_is_given(verb: Verb) -> None:
    assert verb.does.split(".")[1] in ("entry", "operations")
    parameters = signature(verb.function).parameters.values()
    taken = {one.name for one in parameters if one.kind is not one.KEYWORD_ONLY}
    assert taken <= {"services", "deployment", "cause"}
    assert ("deployment" in taken) is verb.of_deployment


# What may come through the door with each verb. Whatever an operation takes by keyword is open to whoever may ask for its verb.
ASKED_FOR = {
    "accept": "reason watch",
    "access": "at index user",
    "access-between": "index since until user",
    "adopt": "dry_run expected only text without",
    "apply": "accept_new adopt expected only text",
    "break-glass": "minutes reason write",
    "can": "address does endpoint person what",
    "check": "source text",
    "delete": "cancel confirm snapshot",
    "diff": "assertions new old text",
    "drift": "",
    "end-break-glass": "",
    "eyes": "",
    "findings": "",
    "guard": "",
    "history": "by entry limit operation since until",
    "integration-add": "index role service text",
    "keep-page": "",
    "key-check": "",
    "key-policy": "org_paths",
    "key-status": "",
    "list": "",
    "lock": "reason",
    "master-add": "principal text",
    "master-list": "",
    "master-move": "principal",
    "matrix": "address endpoint indices people",
    "plan": "adopt only text",
    "re-key": "cancel to",
    "re-key-state": "",
    "redrive": "",
    "remote-check": "alias",
    "remote-connect": "",
    "remote-explain": "index person",
    "remote-harden": "alias trusts",
    "remote-keys": "",
    "remote-migrate": "alias back go_on to way",
    "remote-migration": "alias to way",
    "remote-rotate": "alias leaked",
    "report": "",
    "restorability": "wait",
    "restorability-state": "",
    "roads": "",
    "rollback": "entry",
    "shred": "confirm days yes",
    "shred-plan": "",
    "snapshot-list": "",
    "snapshot-restore": "indices name prefix",
    "snapshot-setup": "",
    "snapshot-take": "indices name",
    "status": "",
    "sweep": "",
    "synchronise": "",
    "unlock": "",
    "what-if": "address does endpoint group person",
    "who-can": "address does endpoint index",
    "why": "address does endpoint index person",
}


def test_a_verb_takes_what_is_meant_for_its_door_and_nothing_else() -> None:
    assert {name: " ".join(sorted(verb.arguments)) for name, verb in VERBS.items()} == ASKED_FOR


@pytest.mark.parametrize("verb", VERBS.values(), ids=list(VERBS))
def test_a_document_asks_for_arguments_of_its_verb(verb: Verb) -> None:
    for document in verb.documents:
        assert {*document.asks, *document.fixed} <= verb.arguments
        assert set(document.asks) <= ARGUMENTS.keys()
        assert (ROOT / "runbooks" / f"{document.page}.md").is_file()


@pytest.mark.parametrize("command", COMMANDS.values(), ids=list(COMMANDS))
def test_a_command_that_is_made_has_all_it_is_made_of(command: Command) -> None:
    if command.click:
        assert not any((command.more, command.examples, command.options, command.show))
        return
    (verb,) = command.verbs
    assert command.examples
    assert callable(verbs.load(command.show))
    assert set(command.needed) <= set(command.options) <= verb.arguments & ARGUMENTS.keys()


def test_loading_the_table_loads_no_operation_and_no_command() -> None:
    program = "import sys, portcullis.entry.verbs; print([m for m in sys.modules if m.startswith('portcullis.')])"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "operations" not in told
    assert "portcullis.cli" not in told


def test_the_reference_page_is_what_the_table_says() -> None:
    assert (ROOT / "docs" / "commands.md").read_text("utf-8") == page(), "make docs"


def test_the_help_groups_every_command_by_what_somebody_wants(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    told = capsys.readouterr().out
    rest = told
    for wish in Wish:
        _, heading, rest = rest.partition(f"\n{wish.value}:\n")
        assert heading, f"{wish.value} is not there, or not in its place"
        listed = re.findall(r"^  (\S+)", rest.partition("\n\n")[0], re.MULTILINE)
        assert listed == [one.name for one in COMMANDS.values() if one.wish is wish]
    assert max(map(len, told.splitlines())) <= 80


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["stauts", "demo"], "'status'"),
        (["breakglass"], "'break-glass'"),
        (["key", "chekc"], "'check'"),
        (["snapshot", "lst"], "'list'"),
        (["status", "--jsno"], "'--json'"),
        (["lock", "--raeson", "x"], "'--reason'"),
        (["--vresion"], "'--version'"),
    ],
)
def test_a_mistyped_verb_or_option_gets_the_nearest(
    typed: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(typed) == 2
    err = capsys.readouterr().err
    assert f"Did you mean {meant}?" in err
    assert err.count("\n") == 1


def completed(line: str, folder: Path) -> str:
    words = line.split(" ")
    environment = {
        **os.environ,
        "_PORTCULLIS_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    command = [sys.executable, "-m", "portcullis.cli.main"]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=True).stdout


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("portcullis status or", "plain,orders\nplain,orders-2\n"),
        ("portcullis unlock sh", "plain,shop\n"),
        ("portcullis key check sh", "plain,shop\n"),
        ("portcullis delete sh", "plain,shop\n"),
        ("portcullis status acc", "file,acc\n"),  # the account's file is no deployment
        ("portcullis plan deployments/o", "file,deployments/o\n"),
        ("portcullis snap", "plain,snapshot\n"),
        ("portcullis key po", "plain,policy\n"),
        ("portcullis lock --rea", "plain,--reason\n"),
    ],
)
def test_deployments_verbs_and_options_complete(line: str, offered: str, tmp_path: Path) -> None:
    (tmp_path / "deployments").mkdir()
    for name in ("orders", "orders-2", "shop", "account"):
        (tmp_path / "deployments" / f"{name}.yaml").touch()
    assert completed(line, tmp_path) == offered


# ---------------------------------------------------------------------- a new verb is an entry


def greet(services: Any, deployment: str, *, reason: str = "") -> dict[str, str]:
    services.site(deployment)
    return {"deployment": deployment, "said": f"hello, {reason}"}


def shown(found: Any) -> None:
    console().text(found["said"])


def test_a_new_verb_is_one_entry(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    made = estate("demo")
    verb = Verb("greet", LOOK, f"{__name__}:greet", (Document("drift", "Says hello.", asks=("reason",)),))
    entry = Command(
        "greet",
        Wish.LOOK,
        "Say hello.",
        (verb,),
        examples=("portcullis greet demo",),
        options=("reason",),
        show=f"{__name__}:shown",
    )
    monkeypatch.setitem(COMMANDS, "greet", entry)
    monkeypatch.setitem(VERBS, "greet", verb)
    monkeypatch.setattr(operate, "from_environment", lambda: made.services)
    monkeypatch.setattr(
        asking, "_invoke", lambda request, _: asking._answer(operate.answer(request, DOOR, logging.getLogger("test")))
    )
    assert cli.main(["greet", "demo", "--reason", "all"]) == 0
    assert capsys.readouterr().out == "hello, all\n"
    assert cli.main(["greet", "demo", "--json"]) == 0
    assert capsys.readouterr().out == '{"deployment": "demo", "said": "hello, "}\n'
    assert cli.main(["greet", "nowhere"]) == 2
    assert "no deployment named 'nowhere'" in capsys.readouterr().err
    assert cli.main(["gret"]) == 2
    assert "Did you mean 'greet'?" in capsys.readouterr().err
    assert cli.main(["--help"]) == 0
    assert "  greet    Say hello." in capsys.readouterr().out
    assert cli.portcullis.get_command(click.Context(cli.portcullis), "greet") is not None
