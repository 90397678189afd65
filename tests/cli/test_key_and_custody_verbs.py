"""The command's verbs around a key, from the command line to the operation: a world in memory stands in for the account."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from portcullis.cli.main import main
from portcullis.custody.types import Custody, State
from portcullis.entry import ask as asking
from portcullis.entry.operate import carry_out
from portcullis.entry.verbs import VERBS

from tests.operations.estates import Estate, estate
from tests.operations.worlds import model_text

Run = tuple[int, str, str]


@pytest.fixture
def made() -> Estate:
    one = estate("demo", "other")
    one.stores["demo"].write("orders", "1", {"total": 1})
    return one


@pytest.fixture
def run(made: Estate, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def ask(
        verb: str,
        deployment: str | None = None,
        arguments: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Any:
        """As through the door of the verb's level, JSON both ways."""
        request = json.loads(json.dumps({"verb": verb, "deployment": deployment, "arguments": dict(arguments or {})}))
        return json.loads(json.dumps(carry_out(made.services, request, alias=VERBS[verb].level)))

    monkeypatch.setattr(asking, "ask", ask)

    def command(*line: str) -> Run:
        status = main(list(line))
        told = capsys.readouterr()
        return status, told.out, told.err

    return command


def test_key_check_tells_each_finding_and_fails_when_the_key_is_not_fit(made: Estate, run: Any) -> None:
    status, out, _ = run("key", "check", "demo")
    assert status == 0
    assert "[policy-five]" in out
    made.keys["demo"].state = "Disabled"
    status, out, _ = run("key", "check", "demo", "--json")
    assert status == 1
    findings = json.loads(out)["findings"]
    assert findings[0]["code"] == "key-state"
    assert findings[0]["remedy"]


def test_key_status_and_policy(made: Estate, run: Any) -> None:
    _, out, _ = run("key", "status", "demo", "--json")
    told = json.loads(out)
    assert told["rotations_left"] == 25
    assert told["state"] == "Enabled"
    assert run("key", "status", "demo")[0] == 0
    status, out, err = run("key", "policy", "demo", "--org-path", "o-1/r-1/*")
    assert status == 0
    owner, *rest = json.loads(out)["Statement"]
    assert owner["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}
    assert "kms:Put*" in owner["Action"], "pasted as the only policy it locks nobody out"
    assert rest[0]["Condition"]["ForAnyValue:StringLike"]
    assert "five actions" in err
    assert "a whole key policy" in err
    status, out, err = run("key", "policy", "demo", "--org-path", "o-1/r-1/*", "--statement")
    assert json.loads(out)["Statement"] == rest
    assert "they alone would lock its owner out" in err
    assert run("key", "policy", "demo", "--org-path", "nonsense")[0] == 2


def test_delete_wants_the_name_and_says_what_remains(made: Estate, run: Any) -> None:
    status, _, err = run("delete", "demo")
    assert status == 1
    assert "--confirm demo" in err
    status, out, _ = run("delete", "demo", "--confirm", "demo", "--no-final-snapshot")
    assert status == 0
    assert "remains" in out
    assert "deleted" in out
    assert not made.stores["demo"].there
    assert not made.repository


def test_shred_plans_unless_told_to_do_it(made: Estate, run: Any) -> None:
    made.services.ledger.keep_custody(Custody("demo", State.LOCKED))
    status, out, _ = run("shred", "demo")
    assert status == 0
    assert "destroys" in out
    assert made.keys["demo"].state == "Enabled"
    assert run("shred", "demo", "--yes")[0] == 1
    status, out, _ = run("shred", "demo", "--confirm", "demo", "--days", "7", "--yes", "--json")
    assert status == 0
    assert json.loads(out)["due"]
    assert made.keys["demo"].state == "PendingDeletion"
    said = run("key", "status", "demo")[1]
    assert re.search(r"^will be deleted on +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \(", said, re.MULTILINE), said
    assert run("shred", "demo", "--days", "3")[0] == 2


def test_re_key_says_how_far_it_is_and_can_be_called_off(made: Estate, run: Any) -> None:
    status, _, err = run("re-key", "demo", "--state")
    assert status == 1
    assert "no re-key" in err
    assert run("re-key", "demo")[0] == 2


def test_restorability_tells_how_the_last_check_ended(run: Any) -> None:
    status, out, _ = run("restorability", "demo", "--state", "--json")
    assert status == 0
    assert json.loads(out)["state"] == "never"
    status, _, err = run("restorability", "demo")
    assert status == 1
    assert "restore_sample" in err


def test_given_a_file_that_is_not_there_then_it_is_bad_input(run: Any, tmp_path: Path) -> None:
    assert run("key", "check", str(tmp_path / "absent.yaml"))[0] == 2


@pytest.mark.parametrize("verb", ["delete", "shred"])
def test_what_ends_something_runs_through_the_last_door_alone(made: Estate, verb: str) -> None:
    from portcullis.errors import Refused

    for alias in ("look", "act"):
        with pytest.raises(Refused, match="alias 'delete'"):
            carry_out(made.services, {"verb": verb, "deployment": "demo", "arguments": {}}, alias=alias)


# ---------------------------------------------------------------------- a file's key, asked with one's own credentials


@pytest.mark.parametrize("verb", ["check", "policy"])
@pytest.mark.parametrize(
    ("around", "exit_status", "told"),
    [
        ({}, 2, "portcullis: AWS credentials: Unable to locate credentials (name a profile"),
        ({"AWS_PROFILE": "nobody"}, 2, "portcullis: AWS credentials: The config profile (nobody) could not be found"),
        (
            {
                "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
                "AWS_SECRET_ACCESS_KEY": "x",
                "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
            },
            1,
            "portcullis: AWS, asked with your own credentials did not answer",
        ),
    ],
)
def test_without_credentials_or_network_the_key_check_fails_on_one_line(
    tmp_path: Path, verb: str, around: dict[str, str], exit_status: int, told: str
) -> None:
    """The key of a file is asked for with the person's own credentials. What is missing is said on one line of stderr."""
    file = tmp_path / "demo.yaml"
    file.write_text(model_text("  roles: {}\n"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {
        "AWS_CONFIG_FILE": "/none",
        "AWS_SHARED_CREDENTIALS_FILE": "/none",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    command = [sys.executable, "-m", "portcullis.cli.main", "key", verb, str(file), "--region", "eu-central-1"]
    done = subprocess.run(command, env=environment | around, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (exit_status, "")
    assert done.stderr.startswith(told)
    assert len(done.stderr.splitlines()) == 1
