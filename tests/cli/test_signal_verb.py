"""Given files of events in any form, when `portcullis signal` reads them, then each has its line, and errors name their place."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from portcullis.cli import main as cli
from portcullis.signals.document import as_markdown

ADD: dict[str, Any] = {
    "eventSource": "iam.amazonaws.com",
    "eventName": "AddUserToGroup",
    "requestParameters": {"userName": "bob", "groupName": "ops"},
}
READ = {"eventSource": "iam.amazonaws.com", "eventName": "ListUsers"}
BROKEN = {"eventSource": "iam.amazonaws.com", "eventName": "AddUserToGroup"}
ADDED = {
    "signal": "member-added",
    "subject": "iam-group:ops",
    "deployment": None,
    "because": "AddUserToGroup: a user joined an IAM group",
}


def signal(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, list[dict[str, Any]], list[str]]:
    status = cli.main(["signal", *map(str, arguments)])
    out, err = capsys.readouterr()
    answers = [json.loads(line) for line in out.split("\n")[:-1]]
    wrong = [answer for answer in answers if "error" in answer]
    assert all(answer["signal"] is None for answer in wrong)
    assert len(wrong) <= len(err.splitlines())
    return status, [answer for answer in answers if answer not in wrong], err.splitlines()


@pytest.mark.parametrize(
    "content",
    [
        json.dumps([ADD, READ]),
        json.dumps({"Records": [ADD, READ]}),
        json.dumps({"Records": [ADD, READ]}, indent=2),
        json.dumps(ADD) + "\n" + json.dumps(READ) + "\n",
        "\n" + json.dumps(ADD) + "\r\n\n" + json.dumps(READ),
        "\ufeff" + json.dumps([ADD, READ]),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_every_form_of_a_file_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, pack: Any
) -> None:
    file = tmp_path / "events"
    file.write_bytes(pack(content.encode()))
    status, lines, errors = signal(capsys, "--any", file)
    assert (status, errors) == (0, [])
    assert lines[0] == ADDED
    assert list(lines[0]) == ["signal", "subject", "deployment", "because"]
    assert lines[1]["signal"] is None
    assert lines[1]["because"] == "ListUsers only reads"


def test_one_event_comes_from_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(ADD, indent=1).encode())))
    assert signal(capsys, "--any", "-") == (0, [ADDED], [])


def test_a_malformed_event_is_told_with_its_place_and_the_others_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines_file, list_file, log = tmp_path / "a.jsonl", tmp_path / "b.json", tmp_path / "c.json"
    lines_file.write_text("\n".join([json.dumps(ADD), "{oops", json.dumps(BROKEN), json.dumps(ADD)]))
    list_file.write_text(json.dumps([BROKEN, ADD]))
    log.write_text(json.dumps({"Records": [3, ADD]}))
    status, lines, errors = signal(capsys, "--any", lines_file, list_file, log)
    assert status == 2
    assert lines == [ADDED] * 4
    assert [
        error.startswith(f"portcullis: {file}, {place}")
        for error, file, place in zip(
            errors,
            [lines_file, lines_file, list_file, log],
            [
                "line 2",
                "line 3, requestParameters.groupName: missing",
                "[0], requestParameters.groupName",
                "Records[0]: ",
            ],
            strict=True,
        )
    ] == [True] * 4


def test_with_json_errors_are_json_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.json"
    file.write_text(json.dumps(BROKEN))
    status, _, errors = signal(capsys, "--json", "--any", file)
    assert status == 2
    assert json.loads(errors[0]) == {
        "error": "missing in iam AddUserToGroup",
        "source": str(file),
        "place": "requestParameters.groupName",
        "remedy": "",
    }


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b'{\n "a": 1,\n "b" 2\n}', "line 3 column 6: is no JSON"),
        (b"\xff\xfe\x00", "is no UTF-8 text"),
        (gzip.compress(b"{}", mtime=0)[:-6], "cut short or damaged"),
        (b"[" * 200_000, "cannot be read as JSON"),
        (b"[" + b"9" * 5000 + b"]", "cannot be read as JSON"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_clear_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, problem: str
) -> None:
    file, good = tmp_path / "bad", tmp_path / "good"
    file.write_bytes(content)
    good.write_text(json.dumps(ADD))
    status, lines, errors = signal(capsys, "--any", file, good)
    assert (status, lines, len(errors)) == (2, [ADDED], 1)
    assert errors[0].startswith(f"portcullis: {file}")
    assert problem in errors[0]


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, errors = signal(capsys, "--any", tmp_path / "none", tmp_path)
    assert status == 2
    assert [str(tmp_path / "none") in errors[0], "No such file" in errors[0], "directory" in errors[1]] == [True] * 3


def test_each_concerned_deployment_has_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scopes, events = tmp_path / "scopes.json", tmp_path / "events.json"
    scopes.write_text(
        json.dumps(
            [
                {"deployment": "one", "iam_groups": ["ops"]},
                {"deployment": "two", "iam_groups": ["dev"]},
                {"deployment": "three", "iam_groups": ["ops", "dev"]},
            ]
        )
    )
    other = {**ADD, "requestParameters": {"userName": "bob", "groupName": "sales"}}
    events.write_text(json.dumps([ADD, other]))
    status, lines, _ = signal(capsys, "--scopes", scopes, events)
    assert status == 0
    assert [(line["signal"], line["deployment"]) for line in lines] == [
        ("member-added", "one"),
        ("member-added", "three"),
        (None, None),
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{}", "is no list of scopes"),
        ("[1]", "[0]: a scope is an object"),
        ('[{"deployment": "x", "iam_grops": []}]', "[0]: unknown key 'iam_grops'"),
        ('[{"deployment": "x", "iam_groups": "ops"}]', "[0].iam_groups: a list of texts belongs here"),
        ('[{"deployment": 3}]', "[0].deployment: a text belongs here"),
        ('[{"iam_groups": []}]', "[0]: a scope needs the name of its deployment"),
        ("[", "is no JSON"),
    ],
)
def test_bad_scopes_are_one_error_naming_file_and_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, problem: str
) -> None:
    scopes = tmp_path / "scopes.json"
    scopes.write_text(content)
    status, lines, errors = signal(capsys, "--scopes", scopes, "-")
    assert (status, lines, len(errors)) == (2, [], 1)
    assert str(scopes) in errors[0]
    assert problem in errors[0]


@pytest.mark.parametrize("arguments", [[], ["--any"], ["file"], ["--any", "--scopes", "x", "file"]])
def test_what_is_asked_must_be_said(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    status, lines, errors = signal(capsys, *arguments)
    assert (status, lines, len(errors)) == (2, [], 1)


def test_the_table_is_printed_for_the_documentation(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["signal", "--table"]) == 0
    assert capsys.readouterr().out == as_markdown()


LINES = {
    "two line separators": json.dumps(ADD | {"eventID": "a\u2028b\u2029c"}, ensure_ascii=False).encode(),
    "other ends of lines": json.dumps(ADD | {"eventID": "a\x85b\x1cc"}, ensure_ascii=False).encode(),
    "a bad byte": b'{"eventSource": "\xff"}',
    "deep": b"[" * 100_000,
    "deep and whole": b"[" * 100_000 + b"]" * 100_000,
    "huge": json.dumps(ADD | {"eventID": "x" * 2_000_000}).encode(),
    "a huge number": b"9" * 5000,
    "not JSON": b"oops",
    "half a character": b'{"eventSource": "\\ud800", "eventName": "\\ud800"}',
    "no object": b"5",
    "an array": b"[1, 2]",
    "an empty array": b"[]",
    "a nul": b"\0",
    "packed": gzip.compress(b"{}", mtime=0).replace(b"\n", b""),
    "an event": json.dumps(ADD).encode(),
}


@pytest.mark.parametrize("first", LINES.values(), ids=LINES)
def test_each_line_has_one_answer_whatever_it_and_the_one_before_hold(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, first: bytes
) -> None:
    good = json.dumps(ADD).encode()
    for line in LINES.values():
        content = b"\n".join((good, first, line, good)) + b"\n"
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
        cli.main(["signal", "--any", "-"])
        answers = [json.loads(answer) for answer in capsys.readouterr().out.split("\n")[:-1]]
        assert len(answers) == 4
        assert (answers[0], answers[3]) == (ADDED, ADDED)
        assert all(answer["signal"] or "because" in answer or answer["error"] for answer in answers)


def test_answers_come_as_the_lines_do() -> None:
    """A consumer that waits for an answer before it sends the next line never waits for ever."""
    command = [sys.executable, "-c", "from portcullis.cli.main import run; run()", "signal", "--any", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdin
        assert process.stdout
        for line in (json.dumps(ADD).encode(), b"oops", b"\xff", json.dumps(READ).encode()):
            process.stdin.write(line + b"\n")
            process.stdin.flush()
            assert "signal" in json.loads(process.stdout.readline())
        process.stdin.close()
        assert process.wait() == 2
