"""Given an account, then each verb of the command shows what the account answers, and exits as it should.

Between the command and the world in memory stands everything but Lambda's own transport.
"""

from __future__ import annotations

import json
import logging
import os
import re
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from portcullis.access.plan import Subject, SubjectKind
from portcullis.cli import main as cli
from portcullis.custody.types import (
    BreakGlass,
    Health,
    Hold,
    Measure,
    MeasureRecord,
    Progress,
    RevocationCause,
    State,
)
from portcullis.entry import ask as asking
from portcullis.entry import operate
from portcullis.entry.verbs import VERBS
from portcullis.errors import Refused, Unreachable
from portcullis.families.opensearch.documents.config import Kind
from portcullis.operations.access.changing import applying
from portcullis.operations.people.asking import Asked
from portcullis.ports.alerts import Alert
from portcullis.ports.registration import Cluster

from tests.operations.worlds import Account, Aws, account, arn, model_text, role

MODEL = model_text(
    """\
  # who looks
  roles:
    viewers: {index_permissions: [{index_patterns: ["logs-*"], allowed_actions: [read]}]}
  grants:
    - {role: viewers, to: {cognito_user: anna}}
"""
)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Account:
    one = account()
    one.registered()

    def invoke(request: dict[str, Any], level: str) -> Any:
        function, alias = asking._DOORS[level]
        arn_of_door = f"arn:aws:lambda:eu-central-1:111122223333:function:{function}:{alias}"
        sent = json.loads(json.dumps({**request, "actor": "anna"}))
        return asking._answer(json.loads(json.dumps(operate.answer(sent, arn_of_door, logging.getLogger("test")))))

    monkeypatch.setattr(operate, "from_environment", lambda: one.services)
    monkeypatch.setattr(asking, "_invoke", invoke)
    return one


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "demo.yaml"
    path.write_text(MODEL, "utf-8")
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = cli.main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return status, out, err


def test_plan_apply_plan(made: Account, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "plan", file)
    assert status == 3
    assert out.splitlines()[0] == "demo: 8 to add, 0 to change, 0 to remove; 2 gain something, nobody is known to"
    assert "anna  cognito_user\n  + read on logs-*" in out
    assert "  + rolesmapping/viewers users: anna  (cognito_user:anna (demo.yaml:12 grant 1))\n" in out
    status, out, _ = run(capsys, "apply", file)
    assert (status, "demo: applied" in out) == (0, True)
    assert run(capsys, "plan", file)[0] == 0
    status, out, _ = run(capsys, "plan", "demo")
    assert (status, out.splitlines()[0]) == (0, "demo: nothing to change")


def test_an_effect_that_is_not_seen_is_told_and_is_status_1(
    made: Account, monkeypatch: pytest.MonkeyPatch, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    automation = arn("role", "portcullis-automation")
    said = (
        Asked("kim", ("viewers",), ("editors",)),
        Asked("lee", not_asked="no secret"),
        Asked(automation, ("a", "b")),
    )
    monkeypatch.setattr(applying, "ask_subjects", lambda *_: said)
    status, out, _ = run(capsys, "apply", file)
    assert status == 1
    assert "kim: has viewers; should have editors" in out
    assert "lee: could not be asked (no secret)" in out
    assert f"{automation}: has a, b" in out
    file.write_text(MODEL.replace("[read]", "[crud]"), "utf-8")
    status, out, _ = run(capsys, "apply", file, "--json")
    assert (status, json.loads(out)["asked"][0]["lacks"]) == (1, ["editors"])


def test_a_saved_plan(made: Account, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = tmp_path / "demo.plan"
    assert run(capsys, "plan", file, "--out", saved)[0] == 3
    file.write_text("changed since", "utf-8")
    assert run(capsys, "apply", saved)[0] == 0
    status, _, err = run(capsys, "apply", saved)
    assert status == 1
    assert err.startswith("portcullis: the engine's security configuration changed since this plan was made")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("deployment: demo\nengine: Opensearch_3\ndomain: {configuration: api}\n", "line 2, engine"),
        ("", "is empty"),
        ('{"portcullis_plan": 99}', "no plan that this version wrote"),
        (
            '{"portcullis_plan": 1, "deployment": "demo", "digest": "x", "adopt": false, "text": null, "only": 5}',
            "only: is no plan that this version wrote",
        ),
        (
            '{"portcullis_plan": 1, "deployment": "demo", "digest": "", "adopt": false}',
            "no plan that this version wrote",
        ),
        ('{"portcullis_plan": 1, "deployment": "", "digest": "x", "adopt": false}', "no plan that this version wrote"),
        ('{"portcullis_plan": 1, "deployment": "demo", "digest": 5}', "digest"),
    ],
)
def test_a_bad_file_is_told_with_its_place_before_anything_is_sent(
    made: Account, tmp_path: Path, content: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(content, "utf-8")
    for verb in ("plan", "apply", "adopt", "status"):
        status, out, err = run(capsys, verb, path)
        assert (status, out) == (2, "")
        assert said in err
        assert str(path) in err
        assert err.count("\n") == 1
    assert made.fate.calls == 1  # the registration, and nothing since


def test_no_file_named_is_the_only_one_there_is(
    made: Account, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(file.parent)
    status, _, err = run(capsys, "plan")
    assert (status, "which deployment is meant" in err) == (2, True)
    (file.parent / "deployments").mkdir()
    (file.parent / "deployments" / "demo.yaml").write_text(MODEL, "utf-8")
    assert run(capsys, "plan")[0] == 3


def test_errors_keep_their_status_and_their_parts(made: Account, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "plan", "demo")
    assert (status, out) == (1, "")
    assert err.startswith("portcullis: ")
    status, _, err = run(capsys, "status", "nowhere", "--json")
    assert status == 2
    assert "nowhere" in json.loads(err)["error"]
    status, _, err = run(capsys, "rollback", "demo", "7", "--json")
    assert status == 2
    assert json.loads(err)["source"] == "history"


def test_a_list_with_one_that_cannot_be_read_says_why_and_is_status_1(
    made: Account, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "apply", file)
    made.ledger._items["registration", "bad"] = b"no json at all"
    status, out, _ = run(capsys, "list")
    assert (status, "bad " in out, "cannot be read: " in out) == (1, True, True)
    assert "demo" in out
    assert run(capsys, "list", "--json")[0] == 1


def test_list_status_drift_history(made: Account, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "apply", file)
    status, out, _ = run(capsys, "list", "--json")
    assert (status, json.loads(out)[0]["deployment"]) == (0, "demo")
    here = made.ledger.registration("demo")
    assert f"domain {here.place.name}" in run(capsys, "list")[1]
    made.ledger.register(structs.replace(here, place=Cluster("es.example.com:9200")))
    assert "cluster es.example.com:9200" in run(capsys, "list")[1]
    made.ledger.register(here)
    assert re.search("^demo: open.*, key healthy", run(capsys, "status", "demo")[1])
    assert run(capsys, "drift", "demo") == (0, "demo: nothing was changed by hand\n", "")
    path = "/viewers/backend_roles"
    made.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": path, "value": ["stranger"]}])
    status, out, _ = run(capsys, "drift", "demo")
    assert (status, "stranger" in out) == (3, True)
    status, out, _ = run(capsys, "history", "demo")
    assert status == 0
    assert "not proven: anna, because of portcullis apply demo" in out
    assert json.loads(run(capsys, "history", "demo", "1", "--json")[1])["touched"]


def test_adopt_writes_a_file(made: Account, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "apply", file)
    made.engine.by_hand(Kind.ROLES, [{"op": "add", "path": "/editors", "value": role("write")}])
    taken = tmp_path / "taken.yaml"
    status, out, err = run(capsys, "adopt", "demo", "--out", taken, "--yes")
    assert (status, out) == (0, "")
    assert "taken over: roles/editors\n" in err
    assert "1 thing taken over" in err
    assert "editors" in taken.read_text("utf-8")
    assert run(capsys, "plan", taken)[0] == 0
    status, out, _ = run(capsys, "adopt", "demo")
    assert (status, out) == (0, taken.read_text("utf-8"))


class _Terminal:
    """Somebody who is asked, and answers."""

    def __init__(self, answer: str) -> None:
        self.answer = answer

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        return self.answer

    def read(self) -> str:
        return self.answer


@pytest.mark.parametrize(
    ("more", "answer", "applied"),
    [((), "y", True), ((), "n", False), (("--yes",), "n", True), (("--json",), "n", True)],
)
def test_on_a_terminal_the_plan_is_shown_and_asked_about(
    made: Account,
    file: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    more: tuple[str, ...],
    answer: str,
    applied: bool,
) -> None:
    monkeypatch.setattr("sys.stdin", _Terminal(f"{answer}\n"))
    status, out, _ = run(capsys, "apply", file, *more)
    assert (status == 0) is applied
    assert bool(made.engine.writes) is applied
    assert ("to add" in out) is (not more)
    if applied:
        assert run(capsys, "apply", file)[0] == 0, "nothing to change is asked about by nobody"


def test_where_standard_input_is_closed_nobody_is_asked(
    made: Account, file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As some schedulers start what they run."""
    monkeypatch.setattr("sys.stdin", None)
    status, out, err = run(capsys, "apply", file)
    assert (status, err) == (0, ""), out


def test_what_moves_between_the_question_and_the_answer_refuses_it(
    made: Account, file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(_Terminal):
        def readline(self) -> str:
            made.engine.by_hand(Kind.ROLES, [{"op": "add", "path": "/other", "value": role("read")}])
            return "y\n"

        read = readline

    monkeypatch.setattr("sys.stdin", Slow("y"))
    status, _, err = run(capsys, "apply", file)
    assert (status, made.engine.writes) == (1, 0)
    assert "configuration changed" in err


def test_a_part_of_a_saved_plan_is_applied(
    made: Account, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "apply", file)[0] == 0
    file.write_text(MODEL.replace("[read]", "[crud]"), "utf-8")
    saved = tmp_path / "part.plan"
    assert run(capsys, "plan", file, "--only", "viewers", "--out", saved)[0] == 3
    assert run(capsys, "apply", saved)[0] == 0
    assert run(capsys, "plan", file)[0] == 0
    status, _, err = run(capsys, "apply", file, "--only", "vewers")
    assert (status, "did you mean 'viewers'?" in err) == (2, True)


@pytest.mark.parametrize(
    ("more", "answer", "claimed"),
    [
        ((), None, False),
        (("--dry-run",), None, False),
        (("--yes", "--dry-run"), None, False),
        (("--yes",), None, True),
        ((), "n", False),
        ((), "y", True),
        (("--dry-run",), "y", False),
        (("--yes",), "n", True),
    ],
)
def test_adopt_shows_what_it_takes_and_claims_it_only_when_told_to(
    made: Account,
    file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    more: tuple[str, ...],
    answer: str | None,
    claimed: bool,
) -> None:
    run(capsys, "apply", file)
    made.engine.by_hand(Kind.ROLES, [{"op": "add", "path": "/editors", "value": role("write")}])
    if answer is not None:
        monkeypatch.setattr("sys.stdin", _Terminal(answer))
        monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: answer)
    taken = tmp_path / "taken.yaml"
    status, _, err = run(capsys, "adopt", "demo", "--out", taken, *more)
    assert "taken over: roles/editors" in err
    claims = made.ledger.claims(made.ledger.registration("demo").place.id)["demo"]
    assert ("editors" in {claim.name for claim in claims}, taken.exists(), status == 0) == (claimed, claimed, claimed)


@pytest.mark.parametrize(
    ("name", "said", "expected"),
    [("", "an empty name", 2), ("a" * 4000, "no deployment is named", 2), ("shop", "no deployment named 'shop'", 2)],
)
def test_a_name_that_is_none(
    made: Account, name: str, said: str, expected: int, capsys: pytest.CaptureFixture[str]
) -> None:
    for verb in ("plan", "apply", "status"):
        status, _, err = run(capsys, verb, name)
        assert (status, said in err, err.count("\n")) == (expected, True, 1)


def test_an_interrupted_verb_says_what_becomes_of_it(
    made: Account, monkeypatch: pytest.MonkeyPatch, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(asking, "_invoke", interrupt)
    status, _, err = run(capsys, "apply", file)
    assert (status, err.startswith("portcullis: interrupted: what has reached the account goes on there")) == (
        130,
        True,
    )


def test_a_file_that_cannot_be_written_back_is_told_and_says_that_it_is_done(
    made: Account, monkeypatch: pytest.MonkeyPatch, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def read_only(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("portcullis.cli.files._replace", read_only)
    status, _, err = run(capsys, "master", "add", file, arn("role", "second"))
    assert (status, "it is done, but" in err, "Permission denied" in err) == (1, True, True)
    assert arn("role", "second") in made.engine.held.entries("all_access", "backend_roles")


def test_check_live(made: Account, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    readers = [Subject(SubjectKind.COGNITO_GROUP, name) for name in ("readers", "writers", "tokens")]
    made.people.groups |= dict.fromkeys([*readers, Subject(SubjectKind.IAM_GROUP, "ops")], ())
    assert run(capsys, "check", file, "--live")[0] == 0
    made.people.gone.add(Subject(SubjectKind.COGNITO_USER, "anna"))
    made.people.hidden[readers[0]] = "not allowed"
    status, out, err = run(capsys, "check", file, "--live")
    assert (status, err) == (0, "")
    assert f"warning: {file}:12 access.grants[0].to: cognito_user:anna does not exist [missing-principal]" in out
    assert "cognito_group:readers could not be looked at: not allowed [not-looked-at]" in out
    assert "missing-principal" not in run(capsys, "check", file)[1]
    status, out, _ = run(capsys, "check", file, "--live", "--json")
    codes = {one["code"] for one in json.loads(out)["findings"]}
    assert (status, {"missing-principal", "not-looked-at"} <= codes) == (0, True)


def test_check_live_shows_what_of_what_is_deployed_is_seldom_meant(
    made: Account, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As `portcullis findings` does; --ci fails a pipeline by it."""
    status, out, _ = run(capsys, "check", file, "--live", "--ci")
    assert (status, "was not asked for findings: the ledger holds no access model of 'demo'" in out) == (1, True)
    run(capsys, "apply", file)
    made.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/viewers/users/-", "value": "*"}])
    status, out, _ = run(capsys, "check", file, "--live", "--ci")
    assert (status, "an entry of a role mapping: * lets in whoever there is" in " ".join(out.split())) == (3, True)
    status, out, _ = run(capsys, "check", file, "--live", "-o", "json")
    told = json.loads(out)
    assert (status, told["ok"], told["deployed"]["findings"][0]["code"]) == (0, True, "pattern-fits-everybody")
    assert "deployed" not in json.loads(run(capsys, "check", file, "--json")[1])
    status, _, err = run(capsys, "check", file, "--ci")
    assert (status, "--ci is for --live" in err) == (2, True)


def test_check_live_of_what_is_not_deployed_says_so_and_goes_on(
    made: Account, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(MODEL.replace("deployment: demo", "deployment: other"), "utf-8")
    status, out, err = run(capsys, "check", other, file, "--live")
    assert (status, "no deployment named 'other'" in err, f"{file}: ok" in out) == (1, True, True)
    status, out, _ = run(capsys, "check", other, "--live", "--json")
    assert (status, json.loads(out)["ok"]) == (1, False)
    other.write_text("", "utf-8")
    assert run(capsys, "check", other, "--live")[0] == 2


def test_rollback_synchronise_sweep(made: Account, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "apply", file)
    file.write_text(MODEL.replace("[read]", "[crud]"), "utf-8")
    run(capsys, "apply", file)
    status, out, _ = run(capsys, "rollback", "demo", 1, "--yes")
    assert status == 0
    assert out.splitlines()[:3] == [
        "demo: undone, 1 change put back in 1 write",
        "put back:",
        "  replace roles/viewers",
    ]
    assert "is ahead of it now: change it too" in " ".join(out.split())
    assert made.ledger.model("demo").text == MODEL
    assert "unchanged" in run(capsys, "synchronise", "demo")[1]


def test_what_a_sweep_could_not_see_to_is_shown_and_is_status_1(
    made: Account, file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(capsys, "apply", file)
    assert run(capsys, "sweep")[:2] == (0, "demo: open, key healthy, 0 steps\n")

    def refuse(*_: object) -> None:
        raise Refused("no right to a:B")

    monkeypatch.setattr("portcullis.operations.sweep.rotate_when_due", refuse)
    status, out, _ = run(capsys, "sweep")
    assert (status, out.splitlines()[1:]) == (1, ["  not seen to:", "  rotation: no right to a:B"])
    assert run(capsys, "sweep", "--json")[0] == 1


def test_the_gate_by_hand(made: Account, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "apply", file)
    assert run(capsys, "lock", "demo")[0] == 2  # no reason
    status, out, _ = run(capsys, "lock", "demo", "--reason", "a test")
    assert status == 0
    assert "demo: locked" in out
    assert "a test" in out
    status, _, err = run(capsys, "apply", file)
    assert (status, "is locked" in err) == (1, True)
    assert "demo: open" in run(capsys, "unlock", "demo")[1]
    assert "demo: open" in run(capsys, "guard", "demo")[1]
    assert all(isinstance(alert, Alert) for alert in made.aws.told)


def test_the_gate_moves_though_nobody_can_be_told_of_it_and_it_is_said_what_waits(
    made: Account, file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(capsys, "apply", file)
    waits = "not told yet: %s (the sweep tells it, or portcullis guard demo, which says why not)"
    with monkeypatch.context() as shut:
        shut.setattr(Aws, "tell", _mute)
        status, out, err = run(capsys, "lock", "demo", "--reason", "a test")
        assert (status, err) == (0, "")
        assert "demo: locked" in out
        assert waits % "locked" in " ".join(out.split())
        status, out, _ = run(capsys, "break-glass", "demo", "--reason", "order 4711", "--minutes", "5")
        assert (status, "break-glass is open until" in out) == (0, True)
        status, out, _ = run(capsys, "unlock", "demo")
        assert (status, "demo: open" in out, "not told yet: " in out) == (0, True, True)
        status, _, err = run(capsys, "guard", "demo")
        assert (status, "was not sent: AuthorizationError" in err) == (1, True)
    status, out, _ = run(capsys, "guard", "demo")
    assert (status, "not told yet" in out) == (0, False)
    assert {"locked", "break-glass-open", "unlocked"} <= {alert.name for alert in made.aws.told}


def _mute(_aws: Aws, alert: Alert) -> None:
    raise Unreachable(f"the alert {alert.name} was not sent: AuthorizationError")


def test_what_somebody_saves_meanwhile_is_kept(
    made: Account, file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A verb takes seconds, and an editor saves in between."""
    asked = asking._invoke

    def saves(request: dict[str, Any], level: str) -> Any:
        answer = asked(request, level)
        file.write_text(f"{file.read_text('utf-8')}# mine\n", "utf-8")
        return answer

    monkeypatch.setattr(asking, "_invoke", saves)
    status, _, err = run(capsys, "master", "add", file, arn("role", "second"))
    assert (status, "it is done, but not in the file" in err, "was changed meanwhile" in err) == (1, True, True)
    assert file.read_text("utf-8").endswith("# mine\n")


@pytest.mark.parametrize("words", [("plan",), ("diff", "demo")], ids=" ".join)
def test_a_file_that_can_be_read_once_is_read_once(
    made: Account, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    """As in `portcullis plan <(some program)`."""
    assert run(capsys, "apply", file)[0] == 0
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(file.read_text("utf-8"),))
    writer.start()
    status, _, err = run(capsys, *words, pipe)
    writer.join(30)
    assert (status, err) == (0, "")


def test_a_master_and_an_integration_are_written_back_into_the_file(
    made: Account, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "apply", file)
    assert run(capsys, "master", "add", file, arn("role", "second"))[0] == 0
    assert run(capsys, "integration", "add", file, "firehose", "--role", arn("role", "fh"), "--index", "logs-*")[0] == 0
    text = file.read_text("utf-8")
    assert "# who looks" in text
    assert arn("role", "second") in text
    assert "firehose" in text
    assert run(capsys, "plan", file)[0] == 0
    status, out, _ = run(capsys, "master", "list", "demo", "--json")
    assert status == 0
    assert arn("role", "second") in {one["who"] for one in json.loads(out)}
    assert run(capsys, "master", "add", "demo", "nobody")[0] == 2
    status, out, _ = run(capsys, "master", "add", "demo", "internal_user:nobody")
    assert (status, "warning: the internal user 'nobody' cannot sign in" in out) == (0, True)


@pytest.mark.parametrize(
    "arguments", [("setup", "demo"), ("take", "demo"), ("restore", "demo", "one"), ("list", "demo")]
)
def test_snapshots_need_their_stacks(
    made: Account, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = run(capsys, "snapshot", *arguments)
    assert (status, "deploy its stacks again" in err) == (1, True)


def test_every_verb_goes_through_a_door_that_lets_it(made: Account) -> None:
    for name, verb in VERBS.items():
        assert asking._DOORS[verb.level][1] == verb.level, name


AT = datetime(2025, 11, 22, 7, 28, 5, 999, tzinfo=UTC)
AT_WORDS = r"2025-11-22 07:28:05 UTC \(\d+ days ago\)"


def gate(made: Account, capsys: pytest.CaptureFixture[str], **held: Any) -> str:
    """What `status` says of a custody like this, on one line."""
    made.ledger.keep_custody(replace(made.ledger.custody("demo"), **held))
    status, out, _ = run(capsys, "status", "demo")
    assert status == 0
    assert all(len(line) <= 80 or " " not in line.strip() for line in out.splitlines()), out
    return " ".join(out.split())


def test_status_shows_why_and_since_when_it_is_locked_and_by_whom(
    made: Account, capsys: pytest.CaptureFixture[str], file: Path
) -> None:
    """Also who holds the lock and why, the window of break-glass, the measure that failed, and what to do."""
    assert run(capsys, "apply", file)[0] == 0
    hold = Hold("ann", "a leak", AT)
    revoked = {"health": Health.REVOKED, "revoked_since": AT, "cause": RevocationCause.DISABLED, "by": "mallory"}
    locked: dict[str, Any] = {"state": State.LOCKED, "since": AT}
    said = gate(made, capsys, **locked, **revoked)
    assert re.match(
        f"demo: locked since {AT_WORDS}: key revoked by mallory, disabled "
        r"next: portcullis key check demo page: runbooks/locked-by-revocation\.md ",
        said,
    )
    failed = {Measure.SHUT_MAPPINGS: MeasureRecord(Progress.FAILED, AT, "no answer", failures=1)}
    said = gate(made, capsys, hold=hold, break_glass=BreakGlass("ben", "order 4711", AT, AT), measures=failed)
    assert re.match(
        f"demo: locked since {AT_WORDS}: key revoked by mallory, disabled key revoked since {AT_WORDS} "
        f"locked manually by ann since {AT_WORDS}: a leak "
        f"break-glass is open until {AT_WORDS}, for ben: order 4711 "
        r"not in effect: shut mappings: no answer \(tried 1 time\) "
        r"next: portcullis guard demo page: runbooks/locked-by-revocation\.md ",
        said,
    )


def test_status_of_a_manual_lock_names_who_locked_and_the_way_back(
    made: Account, capsys: pytest.CaptureFixture[str], file: Path
) -> None:
    assert run(capsys, "apply", file)[0] == 0
    said = gate(made, capsys, state=State.LOCKED, since=AT, hold=Hold("ann", "a leak", AT))
    assert re.match(
        f"demo: locked since {AT_WORDS}: locked manually by ann, a leak; key healthy "
        r"next: once its reason is gone: portcullis unlock demo page: runbooks/locked-by-revocation\.md ",
        said,
    )


def test_status_of_what_is_open_and_well_asks_for_nothing(
    made: Account, capsys: pytest.CaptureFixture[str], file: Path
) -> None:
    assert run(capsys, "apply", file)[0] == 0
    said = gate(made, capsys, since=AT)
    assert re.match(f"demo: open since {AT_WORDS}, key healthy domain ", said)
    assert "next:" not in said
    assert "no pending changes" in said


def test_the_history_shows_times_and_the_id_by_which_to_undo(
    made: Account, capsys: pytest.CaptureFixture[str], file: Path
) -> None:
    """The id stays what it is when other entries come; the number moves on."""
    assert run(capsys, "apply", file)[0] == 0
    out = run(capsys, "history", "demo")[1]
    assert re.search(r"^ +1  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \(", out, re.MULTILINE)
    (words,) = re.findall(r"to undo it: portcullis (rollback demo \d{8}T\d{6}\.\d{6})$", out, re.MULTILINE)
    assert run(capsys, *words.split(), "--yes")[0] in (0, 1)


def test_the_history_is_chosen_from_and_keeps_its_numbers(
    made: Account, capsys: pytest.CaptureFixture[str], file: Path
) -> None:
    def told(*arguments: str) -> list[int]:
        status, out, err = run(capsys, "history", "demo", *arguments, "--json")
        assert status == 0, err
        return [one["number"] for one in json.loads(out)]

    assert run(capsys, "apply", file)[0] == 0
    assert run(capsys, "lock", "demo", "--reason", "a leak")[0] == 0
    found = json.loads(run(capsys, "history", "demo", "--json")[1])
    every = [one["number"] for one in found]
    (applied,) = [one["number"] for one in found if one["operation"] == "apply"]
    assert applied > 1, "something came after it"
    assert told("--operation", "apply") == [applied]
    assert told("--operation", "apply", "--limit", "1") == [applied], "the limit counts what was chosen"
    assert told("--operation", "app") == told("--by", "nobody-here") == []
    assert told("--by", "ANNA") == [one["number"] for one in found if "anna" in one["actor"]] != []
    at = found[applied - 1]["at"]
    assert told("--since", at) == [number for number in every if found[number - 1]["at"] >= at]
    assert told("--until", at) == [number for number in every if found[number - 1]["at"] < at]
    assert told("--since", "2000-01-01 00:00:00 UTC") == told("--since", "2000-01-01") == every
    assert told("--until", "2000-01-01") == []
    # To people nothing would read as "it never was", where it is only called otherwise.
    assert run(capsys, "history", "demo", "--until", "2000-01-01")[1] == "demo: no entry of its history is so\n"
    kinds = ", ".join(sorted({one["operation"] for one in found}))
    otherwise = run(capsys, "history", "demo", "--operation", "lock")[1]
    assert otherwise.split() == f"demo: no entry of its history is so; what it has is called {kinds}".split()


@pytest.mark.parametrize("arguments", [("--since", "yesterday"), ("1", "--by", "anna")], ids=" ".join)
def test_what_the_history_cannot_be_chosen_by_is_bad_input(
    made: Account, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert run(capsys, "history", "demo", *arguments)[0] == 2


def test_a_status_is_watched_until_somebody_ends_it(
    made: Account, file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(capsys, "apply", file)
    pauses: list[float] = []

    def locked_meanwhile(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            cli.main(["lock", "demo", "--reason", "a leak", "-o", "yaml"])
            capsys.readouterr()
        if len(pauses) == 4:
            raise KeyboardInterrupt

    said = run(capsys, "status", "demo", "--every", "7")
    assert (said[0], "--every is for --watch" in said[2]) == (2, True)
    monkeypatch.setattr("time.sleep", locked_meanwhile)
    status, out, err = run(capsys, "status", "demo", "--watch", "--every", "7", "--json")
    assert (status, err, pauses) == (0, "", [7] * 4)
    assert [json.loads(told)["custody"]["state"] for told in out.splitlines()] == ["locked"]
