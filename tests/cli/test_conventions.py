"""Given any verb, then errors are one line on stderr, statuses are those of the contract, and nothing is loaded that is not asked for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
import yaml
from portcullis.cli import main as cli
from portcullis.cli.console import Console, Form, as_line, as_object, styled
from portcullis.entry.verbs import COMMANDS
from portcullis.errors import BadInput, PortcullisError, Refused

PORTCULLIS = (sys.executable, "-m", "portcullis.cli.start")
EVENT = json.dumps({"eventSource": "iam.amazonaws.com", "eventName": "ListUsers"}) + "\n"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PORTCULLIS, *arguments], capture_output=True, text=True, env={**os.environ, **environment}, check=False
    )


def test_help_names_every_verb_and_loads_none_of_them() -> None:
    program = "import sys; from portcullis.cli.main import main; main(['--help']); print('portcullis.cli.signal' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert told.endswith("False\n")
    assert all(f"\n  {command} " in told for command in COMMANDS)
    assert "Examples:" in told


@pytest.mark.parametrize("verb", COMMANDS)
def test_each_command_has_help_with_examples_and_the_line_of_the_overview(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each also takes --json, -o and --no-color."""
    command = cli.portcullis.get_command(click.Context(cli.portcullis), verb)
    assert command is not None
    assert command.get_short_help_str(200) == COMMANDS[verb].says
    options = {option for parameter in command.params for option in parameter.opts}
    assert {"--json", "-o", "--output", "--no-color"} <= options
    assert cli.main([verb, "--help"]) == 0
    assert "Examples:" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("portcullis 0.")


@pytest.mark.parametrize("arguments", [["nonsense"], ["--nonsense"], ["signal", "--nonsense"], ["completion", "tcsh"]])
def test_a_wrong_call_is_one_line_and_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("portcullis: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--json", "nonsense"], ["signal", "--nonsense", "--json"]])
def test_a_wrong_call_is_json_where_json_is_asked_for(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 2
    assert json.loads(capsys.readouterr().err)["error"].startswith("No such")


@pytest.mark.parametrize("asked", [["-o", "yaml"], ["-oyaml"], ["--output", "yaml"], ["--output=yaml"]])
@pytest.mark.parametrize("before", [True, False])
def test_errors_and_results_are_yaml_where_that_is_asked_for(
    asked: list[str], before: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, status in ((["signal", "--nonsense"], 2), (["completion", "bash"], 0)):
        assert cli.main([*asked, *words] if before else [*words, *asked]) == status
        out, err = capsys.readouterr()
        (told,) = yaml.safe_load_all(out or err)
        assert told["error"].startswith("No such") if status else told["shell"] == "bash"


@pytest.mark.parametrize("value", ["a\n---\nb: 1", "no", 1, None, [], {"a": ("x", "y"), "b": ["x"]}, "\u2028\u0085 ä"])
def test_what_is_written_as_yaml_is_read_as_it_was(value: object, capsys: pytest.CaptureFixture[str]) -> None:
    """One document a value, as JSON is one line a value."""
    Console(Form.YAML).data(value)
    Console(Form.YAML).data(value)
    assert list(yaml.safe_load_all(capsys.readouterr().out)) == [json.loads(json.dumps(value))] * 2


def test_a_form_that_there_is_not_is_one_line_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["completion", "bash", "-o", "xml"]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "table" in told


def test_no_arguments_show_the_help_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    out, err = capsys.readouterr()
    assert (out, err.startswith("Usage: portcullis")) == ("", True)


@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (PortcullisError("broke"), 1),
        (Refused("no"), 1),
        (BadInput("is wrong", source="a.yaml", place="line 3", remedy="do this"), 2),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_each_error_has_its_status_and_its_one_line(
    raised: BaseException,
    status: int,
    as_json: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise raised

    monkeypatch.setattr(cli.portcullis, "main", fail)
    assert cli.main(["--json"] if as_json else []) == status
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    if as_json:
        assert set(json.loads(err)) == {"error", "source", "place", "remedy"}
    else:
        assert err.startswith("portcullis: ")


def test_an_error_says_where_it_is_and_what_would_be_right() -> None:
    error = BadInput("is\nwrong", source="a.yaml", place="line 3", remedy="do this")
    assert as_line(error) == "portcullis: a.yaml, line 3: is wrong (do this)"
    assert as_object(error) == {"error": "is\nwrong", "source": "a.yaml", "place": "line 3", "remedy": "do this"}


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    file = tmp_path / "many.jsonl"
    file.write_text(EVENT * 20_000)
    with subprocess.Popen(
        [*PORTCULLIS, "signal", "--any", str(file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(30) == 141


def test_an_answer_that_cannot_be_written_is_one_line_and_status_1() -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        told = subprocess.run(
            [*PORTCULLIS, "schema"], stdout=full, stderr=subprocess.PIPE, text=True, env=os.environ, check=False
        )
    assert (told.returncode, told.stderr) == (
        1,
        "portcullis: the answer cannot be written or read: No space left on device\n",
    )


@pytest.mark.parametrize("arguments", ["schema", "completion bash --json", "check --json", "nonsense"])
def test_a_closed_stdout_is_no_error_of_ours(arguments: str) -> None:
    """As `portcullis check >&-` in a script: there is nobody to tell, the status says it all."""
    command = f"{' '.join(PORTCULLIS)} {arguments} >&-"
    told = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert "Traceback" not in told.stderr
    assert told.returncode == (2 if arguments == "nonsense" else 0)


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ("decide -", 2, "is no JSON"),
        ("signal --any -", 2, "line 1: is empty"),
        ("status nobody.yaml", 2, "there is no such file"),
    ],
)
def test_a_closed_stdin_holds_nothing(arguments: str, status: int, said: str) -> None:
    command = f"{' '.join(PORTCULLIS)} {arguments} <&-"
    told = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert "Traceback" not in told.stderr
    assert told.returncode == status
    assert said in told.stderr


def test_interrupting_ends_with_130_and_one_line() -> None:
    with subprocess.Popen(
        [*PORTCULLIS, "signal", "--any", "-"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        wait_until_reading(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == "portcullis: interrupted\n"
        assert process.wait(30) == 130


def test_interrupting_it_while_it_is_still_being_loaded_ends_with_130_and_one_line() -> None:
    program = """
import os, signal, sys
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "click":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
from portcullis.cli.start import run
run()
"""
    told = subprocess.run([sys.executable, "-c", program, "--help"], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout, told.stderr) == (130, "", "portcullis: interrupted\n")


def wait_until_reading(pid: int) -> None:
    """Until the process is asleep in a read of its standard input (its imports are over, its handlers in place)."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        status = Path(f"/proc/{pid}/wchan")
        if status.exists() and "pipe" in status.read_text():
            return
        time.sleep(0.02)
    time.sleep(1)  # where the system does not tell


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_ask_the_command_itself(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "_PORTCULLIS_COMPLETE" in script
    assert cli.main(["completion", shell, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"shell": shell, "script": script.removesuffix("\n")}


def test_a_verb_is_completed() -> None:
    told = run(_PORTCULLIS_COMPLETE="bash_complete", COMP_WORDS="portcullis sig", COMP_CWORD="1").stdout
    assert told == "plain,signal\n"


class Terminal:
    def isatty(self) -> bool:
        return True


def test_colours_are_for_terminals_whose_owner_wants_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert styled("x", Terminal(), fg="red") != "x"  # type: ignore[arg-type]
    assert styled("x", sys.stderr, fg="red") == "x"
    assert styled("x", Terminal(), plain=True, fg="red") == "x"  # type: ignore[arg-type]
    monkeypatch.setenv("NO_COLOR", "1")
    assert styled("x", Terminal(), fg="red") == "x"  # type: ignore[arg-type]


def test_prose_goes_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    Console().text("open", fg="green")
    Console().data({"a": 1})
    assert capsys.readouterr().out == 'open\n{"a": 1}\n'
