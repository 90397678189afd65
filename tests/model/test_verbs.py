"""`portcullis check`, `init`, `schema`, as a person runs them."""

import json
import re
from pathlib import Path

import pytest
from portcullis.cli.main import main
from portcullis.model import examine_account, load_account
from portcullis.model.account import Account
from portcullis.model.text.starting import PRESETS

DEMO = (Path(__file__).parents[2] / "deployments" / "demo.yaml").read_text()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "deployments"


def write(folder: Path, name: str, text: str) -> str:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.yaml").write_text(text)
    return f"deployments/{name}.yaml"


@pytest.mark.parametrize("preset", PRESETS)
def test_given_a_preset_then_init_writes_a_file_that_check_finds_valid(folder, preset, capsys):
    assert main(["init", "alpha", "--preset", preset]) == 0
    assert main(["check"]) == 0
    assert (
        (folder / "alpha.yaml")
        .read_text()
        .startswith("# yaml-language-server: $schema=../docs/deployment.schema.json\n")
    )
    assert "deployments/alpha.yaml: ok" in capsys.readouterr().out


def test_given_the_accounts_name_then_init_writes_the_accounts_file(folder, capsys):
    assert main(["init", "account", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"file": "deployments/account.yaml", "deployment": None, "preset": None}
    assert main(["check"]) == 0
    assert "deployments/account.yaml: ok" in capsys.readouterr().out
    assert load_account(folder) == Account(network={"cidr": "10.64.0.0/16"})  # what holds without a file, said aloud
    assert main(["init", "account"]) == 2
    assert "is not overwritten" in capsys.readouterr().err


def test_the_commented_options_of_the_account_file_are_valid_if_used(folder, capsys):
    """`init` writes them as comments. Without the comment signs they are an account file without errors."""
    assert main(["init", "account"]) == 0
    lines = (folder / "account.yaml").read_text().splitlines()
    ours = ("cidr:", "nat_per_zone:", "flow_logs:", "# zones:")
    given = [line for line in lines if not line.strip().startswith(ours)]
    shown = [re.sub(r"^  # (?=vpc:|subnets:|  (?:domains|functions):)", "  ", line) for line in given]
    text = "\n".join(shown).replace("cidrs: [] ", "cidrs: [10.0.0.0/8] ")
    account, wrong = examine_account(text, "account.yaml")
    assert not wrong
    assert (account.network.vpc, len(account.network.subnets.functions)) == ("vpc-0123456789abcdef0", 2)


def test_init_refuses_a_preset_for_the_account_file_on_one_line(folder, capsys):
    """The account file has no presets, and no file is made."""
    assert main(["init", "account", "--preset", "cognito"]) == 2
    err = capsys.readouterr().err
    assert (err.count("\n"), "has no presets" in err) == (1, True)
    assert not folder.exists()


def test_given_a_file_that_is_there_then_init_leaves_it_alone(folder, capsys):
    write(folder, "alpha", "mine")
    assert main(["init", "alpha"]) == 2
    assert "is not overwritten" in capsys.readouterr().err
    assert (folder / "alpha.yaml").read_text() == "mine"


@pytest.mark.parametrize("name", ["../x", "Alpha", "a", "a" * 22, "alpha.yaml"])
def test_given_a_name_that_will_not_do_then_init_writes_nothing(folder, name, capsys):
    assert main(["init", name]) == 2
    assert "3 to 21 characters" in capsys.readouterr().err
    assert not folder.exists()


def test_check_exits_2_with_the_first_error_and_a_count_of_the_others(folder, capsys):
    """The first line names file, line and key. `--all` shows them all."""
    file = write(folder, "demo", DEMO.replace("rotation_days: 365", "rotation_days: 31") + "alrts: {}\n")
    assert main(["check", file]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("portcullis: deployments/demo.yaml, line ")
    assert "key.rotation_days" in lines[0]
    assert "90 to 2560 days" in lines[0]
    assert lines[1:] == ["  and 1 more in deployments/demo.yaml: portcullis check --all lists them"]
    assert main(["check", file, "--all"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_given_a_finding_that_is_an_error_then_check_is_2(folder, capsys):
    file = write(folder, "demo", DEMO.replace('["card"]', '["card::NOPE"]'))
    assert main(["check", file]) == 2
    assert "[mask-invalid]" in capsys.readouterr().err


def test_given_only_warnings_then_check_is_0_and_tells_them(folder, capsys):
    file = write(folder, "demo", DEMO.replace("deny_sql: true", "deny_sql: false"))
    assert main(["check", file]) == 0
    out = capsys.readouterr().out
    assert "warning: deployments/demo.yaml:" in out
    assert "[sql-leak]" in out
    assert out.endswith("deployments/demo.yaml: ok, 2 warnings\n")


def test_given_an_accepted_warning_then_it_is_told_only_with_all(folder, capsys):
    text = DEMO.replace("deny_sql: true", "deny_sql: false") + "accept: {sql-leak: names are public}\n"
    file = write(folder, "demo", text)
    assert main(["check", file]) == 0
    assert "sql-leak" not in capsys.readouterr().out
    assert main(["check", file, "--all"]) == 0
    assert "accepted: names are public" in capsys.readouterr().out


def test_check_json_prints_one_line_a_file_with_errors_and_findings(folder, capsys):
    """Each finding has its code, severity, place, message and remedy."""
    write(folder, "bad", "deployment: bad\n")
    write(folder, "demo", DEMO)
    assert main(["check", "--json"]) == 2
    bad, demo = map(json.loads, capsys.readouterr().out.splitlines())
    assert (bad["ok"], bad["deployment"], bad["findings"]) == (False, None, [])
    assert [error["error"] for error in bad["errors"]] == ["engine is missing", "domain is missing"]
    assert (demo["ok"], demo["deployment"], demo["errors"]) == (True, "demo", [])
    assert all(set(finding) == {"code", "severity", "place", "message", "remedy"} for finding in demo["findings"])


def test_given_two_files_of_one_deployment_then_the_second_is_refused(folder, capsys):
    write(folder, "demo", DEMO)
    write(folder, "other", DEMO)
    assert main(["check"]) == 2
    assert "deployments/other.yaml" in (err := capsys.readouterr().err)
    assert "is in deployments/demo.yaml too" in err


@pytest.mark.parametrize("arguments", [["check"], ["check", "deployments/none.yaml"]])
def test_given_no_file_then_check_says_how_to_get_one(arguments, capsys):
    assert main(arguments) == 2
    assert "portcullis init NAME" in capsys.readouterr().err


def test_schema_prints_the_committed_schema(capsys):
    assert main(["schema"]) == 0
    committed = Path(__file__).parents[2] / "docs" / "deployment.schema.json"
    assert capsys.readouterr().out == committed.read_text()
