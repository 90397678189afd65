"""Given people in groups, then `why`, `can`, `who-can` and `matrix` say it: on a screen, as data, and by their exit status."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from portcullis.cli import main as cli
from portcullis.entry import ask as asking
from portcullis.entry import operate
from portcullis.errors import Unreachable
from portcullis.families.opensearch.documents.config import Kind

from docs.schemas import ANSWERS, schema
from tests.operations.access.test_questions import perhaps_writes_payroll
from tests.operations.orders import TEXT, cognito, group, orders_account
from tests.operations.worlds import Account

ROOT = Path(__file__).parents[2]
AT = "2025-06-01T12:00:00.002"
ASKED = [
    ("why", "cognito_user:anna", "orders-1"),
    ("why", "kim", "payroll-1"),
    ("can", "cognito_user:anna", "GET", "orders-1/_search"),
    ("can", "kim", "GET", "_cat/indices"),
    ("who-can", "read", "orders-*"),
    ("who-can", "read", "nothing-*"),
    ("matrix",),
    ("what-if", "cognito_user:anna", "joins", "readers"),
    ("findings",),
    ("access", "--at", AT),
    ("access", "--since", AT, "--user", "*", "--index", "*"),
    ("diff", "demo", "new.yaml"),
    ("diff", "new.yaml", "demo"),
    ("diff", "deployments/demo.yaml", "new.yaml"),
    ("diff", f"demo@{AT}", "demo"),
    ("diff", f"demo@{AT}", "new.yaml"),
]
# A file does not say who is called kim.
OFFLINE = [
    (*("iam_user:kim" if word == "kim" else word for word in one), "--offline")
    for one in ASKED
    if one[0] not in ("what-if", "diff", "access")
]
each_question = pytest.mark.parametrize("arguments", [*ASKED, *OFFLINE], ids=" ".join)
NEW = TEXT.replace('fls: ["~customer"]', "fls: []").replace("cognito_group: readers", "cognito_group: writers")


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Account:
    """The account, and a folder with the deployment's file."""
    made = orders_account()
    monkeypatch.setattr(operate, "from_environment", lambda: made.services)

    def invoke(request: dict[str, Any], level: str) -> Any:
        door = f"arn:aws:lambda:eu-central-1:111122223333:function:portcullis-operate:{level}"
        sent = json.loads(json.dumps({**request, "actor": "anna"}))
        return asking._answer(json.loads(json.dumps(operate.answer(sent, door, logging.getLogger("test")))))

    monkeypatch.setattr(asking, "_invoke", invoke)
    (tmp_path / "deployments").mkdir()
    (tmp_path / "deployments" / "demo.yaml").write_text(TEXT, "utf-8")
    (tmp_path / "new.yaml").write_text(NEW, "utf-8")
    monkeypatch.chdir(tmp_path)
    return made


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = cli.main(list(arguments))
    out, err = capsys.readouterr()
    return status, out, err


@pytest.mark.parametrize(
    ("arguments", "status", "first"),
    [
        (("can", "kim", "PUT", "orders-1/_doc/7"), 0, "yes: kim may PUT /orders-1/_doc/7"),
        (
            ("can", "kim", "read", "payroll-1"),
            1,
            "no: kim may not read payroll-1: no permission of keeps_orders covers",
        ),
        (
            ("can", "kim", "GET", "orders-1/_sql"),
            4,
            "unknown: whether kim may GET /orders-1/_sql: which permissions GET",
        ),
        (("why", "kim", "payroll-1"), 0, "no: kim may not read payroll-1: no permission of keeps_orders covers"),
    ],
)
def test_the_sentence_comes_first_and_the_exit_status_says_it_too(
    here: Account, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], status: int, first: str
) -> None:
    got, out, err = run(capsys, *arguments)
    assert (got, err) == (status, "")
    assert out.startswith(first)
    assert "\nprincipal " in out


def test_quiet_prints_nothing(here: Account, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "can", "kim", "read", "orders-1", "-q") == (0, "", "")
    assert run(capsys, "can", "kim", "read", "payroll-1", "--quiet") == (1, "", "")


def test_a_question_that_fails_is_unknown_and_not_a_no(
    here: Account, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object) -> None:
        raise Unreachable("the engine did not answer")

    monkeypatch.setattr(here.engine, "read", silent)
    status, out, err = run(capsys, "can", "kim", "read", "orders-1")
    assert (status, out, err) == (4, "", "portcullis: the engine did not answer\n")
    assert run(capsys, "who-can", "read", "orders-1")[0] == 1
    assert run(capsys, "can", "nobody:at-all", "see", "orders-1")[0] == 2


@each_question
def test_every_line_fits_80_columns_and_has_no_colour_off_a_terminal(
    here: Account, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    out = run(capsys, *arguments)[1]
    assert out
    long = [line for line in out.splitlines() if len(line) > 80 and " " in line.strip()]
    assert long == []
    assert "\x1b" not in out


def answer_of(arguments: tuple[str, ...]) -> str:
    """By which name the schema has it."""
    return "access-between" if "--since" in arguments else arguments[0]


@each_question
def test_data_keeps_to_the_published_schema(
    here: Account, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    published, kind = _published()
    schema = published["properties"][answer_of(arguments)] | {"$defs": published["$defs"]}
    kind(schema).validate(json.loads(run(capsys, *arguments, "--json")[1]))


@cache
def _published() -> tuple[Any, Any]:
    """That it is a schema at all takes longer to see than whether an answer keeps to it: it is looked at once."""
    published = json.loads((ROOT / "docs" / "answers.schema.json").read_text("utf-8"))
    kind = jsonschema.validators.validator_for(published)
    kind.check_schema(published)
    return published, kind


def test_the_published_schema_is_that_of_the_types() -> None:
    assert json.loads((ROOT / "docs" / "answers.schema.json").read_text("utf-8")) == json.loads(json.dumps(schema())), (
        "make docs"
    )
    known = {answer_of(one) for one in ASKED}
    assert set(ANSWERS) == {*known, "remote explain", "remote harden"}  # those: tests/remotes/


def test_names_that_people_chose_are_shown_as_what_they_are(here: Account, capsys: pytest.CaptureFixture[str]) -> None:
    evil = cognito("eve\x1b[2J\nyes: eve may")
    here.people.groups[group("tokens")] = (evil, cognito("\u202egro"))
    here.engine.index_blocks["orders-\x1b[31m"] = {}
    for arguments in (
        ("who-can", "read", "*"),
        ("matrix",),
        ("why", f"cognito_user:{evil[len(cognito('')) :]}", "orders-1"),
    ):
        status, out, _ = run(capsys, *arguments)
        assert status == 0
        assert "\x1b" not in out
        assert "\u202e" not in out
        assert not any(line.startswith("yes: eve may") and "x1b" not in line for line in out.splitlines())


def test_who_can_lists_people_by_name_with_their_way(here: Account, capsys: pytest.CaptureFixture[str]) -> None:
    out = run(capsys, "who-can", "read", "orders-*")[1]
    assert out.startswith("6 people may read orders-*\n")
    assert "\n  both " in out
    assert "cognito_user, a part, through cognito_group:tokens" in out
    here.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/keeps_orders/users/-", "value": cognito("eve")}])
    assert "of 1 person it is not known:\n  eve  cognito_user, through rolesmapping/keeps" in " ".join(
        run(capsys, "who-can", "read", "orders-*")[1].split(" ")
    )


def test_the_matrix_is_people_by_numbered_indices(here: Account, capsys: pytest.CaptureFixture[str]) -> None:
    out = run(capsys, "matrix", "--person", "cognito_user:*")[1]
    lines = out.splitlines()
    assert lines[0] == "3 people by 3 indices of demo"
    assert "   3  payroll-1" in lines
    assert [line.split() for line in lines if line.startswith(("anna", "both", "lee"))] == [
        ["anna", "p", "p", "-"],
        ["both", "p", "p", "r"],
        ["lee", "-", "-", "r"],
    ]


# ---------------------------------------------------------------------- of a file alone


def test_a_cell_in_which_something_is_not_known_has_a_mark_and_a_legend(
    here: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    legend = "? behind a letter: and something more, or how much of it, is not known here"
    assert legend not in run(capsys, "matrix", "--person", "rita")[1]
    perhaps_writes_payroll(here)
    out = run(capsys, "matrix")[1]
    assert legend in out.splitlines()
    assert re.search(r"\nrita +\? +\? +r\?\n", out)
    told = json.loads(run(capsys, "matrix", "--json")[1])
    assert [row["cells"] for row in told["people"] if row["name"] == "rita"] == [["?", "?", "read ?"]]
    out = run(capsys, "what-if", "lee", "leaves", "readers")[1]
    assert "- payroll-1  reads, something of it not known -> nothing\n" in out


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("can", "anna", "read", "orders-1", "--member-of", "tokens"), 0),
        (("can", "anna", "read", "payroll-1", "--member-of", "tokens"), 1),
        (("can", "anna", "read", "payroll-1", "--member-of", "tokens", "--member-of", "readers"), 0),
        (("can", "rita", "read", "payroll-1"), 0),
        (("can", "tokens", "read", "orders-1"), 0),
        (("can", "tokens", "write", "orders-1"), 1),
        (("can", "cognito_user:kim", "read", "payroll-1"), 4),  # they may be in a group
        (("can", "cognito_user:kim", "DELETE", "payroll-1"), 1),  # no group gives that
        (("can", "iam_user:kim", "PUT", "orders-1/_doc/1", "--member-of", "ops"), 0),
        (("can", "kim", "read", "payroll-1"), 2),  # the file does not say who that is
        (("can", "anna", "read", "orders-1", "--member-of", "nobodies"), 2),
    ],
)
def test_a_file_alone_answers_what_it_knows(
    here: Account, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], status: int
) -> None:
    here.people.fails = 99
    calls = here.fate.calls
    assert run(capsys, *arguments, "--offline")[0] == status
    assert here.fate.calls == calls


def test_a_file_alone_lists_groups_for_their_members(here: Account, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(run(capsys, "who-can", "read", "orders-*", "--offline", "--json")[1])
    assert {one["person"] for one in found["people"]} == {"cognito_group:tokens", "iam_group:ops"}


def test_one_group_is_one_group(here: Account, capsys: pytest.CaptureFixture[str]) -> None:
    out = run(capsys, "matrix", "payroll-*", "--person", "rita", "--offline")[1]
    assert out.startswith("1 person by 1 index of demo\n")
    out = run(capsys, "matrix", "payroll-*", "--person", "readers", "--offline")[1]
    assert out.startswith("1 group or person by 1 index of demo\n")
    assert "of 4 groups and people it is not known:\n" in run(capsys, "who-can", "read", "far:logs", "--offline")[1]


def test_member_of_is_for_a_file(here: Account, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "why", "kim", "orders-1", "--member-of", "ops")
    assert (status, "--offline" in err) == (2, True)


# ---------------------------------------------------------------------- from one state to another


def test_what_changes_is_told_person_by_person_and_by_the_status_if_asked(
    here: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = run(capsys, "diff", "demo", "new.yaml")
    lines = out.splitlines()
    assert (status, lines[0]) == (0, "3 gain something, 2 lose something")
    assert {line.split()[0] for line in lines if line.endswith("cognito_user")} == {"anna", "both", "idle", "lee"}
    assert "  - read on payroll-*" in lines
    assert run(capsys, "diff", "demo", "new.yaml", "--ci")[0] == 3
    assert run(capsys, "diff", "demo", "deployments/demo.yaml", "--ci")[0] == 0


def test_two_files_are_compared_and_nobody_is_asked(here: Account, capsys: pytest.CaptureFixture[str]) -> None:
    here.people.fails = 99
    calls = here.fate.calls
    status, out, _ = run(capsys, "diff", "deployments/demo.yaml", "new.yaml", "--ci", "--json")
    found = json.loads(out)
    assert (status, found["exit_status"], here.fate.calls) == (3, 3, calls)
    assert {(one["person"], one["gains"], one["loses"]) for one in found["people"]} == {
        ("cognito_group:readers", False, True),
        ("cognito_group:tokens", True, False),
        ("cognito_group:writers", True, False),
    }


def test_markdown_is_a_table_in_which_a_name_is_no_mark_up(here: Account, capsys: pytest.CaptureFixture[str]) -> None:
    here.people.groups[group("tokens")] = (cognito("<b>|@all"),)
    out = run(capsys, "diff", "demo", "new.yaml", "--markdown")[1]
    assert "| who | | what |" in out.splitlines()
    assert "<b>" not in out
    assert "@all" not in out
    assert all(line.replace("\\|", "").count("|") == 4 for line in out.splitlines() if line.startswith("|"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("demo", "demo"), "demo and demo are the same"),
        (("demo@", "demo"), "demo@: no time"),
        (("demo@noon", "demo"), "'noon' is no time"),
        (("other", "new.yaml"), "other is of 'other', and new.yaml of 'demo'"),
        (("other@2026-11-24", "demo"), "other@2026-11-24 is of 'other', and demo of 'demo'"),
        (("new.yaml", "none.yaml"), "there is no such file"),
        (("demo", "new.yaml", "--markdown", "--json"), "one or the other"),
    ],
)
def test_a_comparison_that_cannot_be_is_bad_input(
    here: Account, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    status, out, err = run(capsys, "diff", *arguments)
    assert (status, out, words in err) == (2, "", True)


def test_an_assertion_that_breaks_shows_a_person_an_index_and_the_rule(
    here: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = run(capsys, "diff", "demo", "new.yaml", "--assert", "nobody reads payroll-*", "--ci")
    assert status == 1
    words = " ".join(out.split())
    assert (
        "does not hold: nobody reads payroll-*: cognito_user:idle on payroll-1: reads_payroll: read on payroll-*"
        in words
    )
    assert run(capsys, "diff", "demo", "deployments/demo.yaml", "--assert", "no one gains", "--ci")[0] == 0
    assert run(capsys, "diff", "demo", "new.yaml", "--assert", "no one sees")[0] == 2


def test_check_holds_what_a_file_asserts(here: Account, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path("asserting.yaml")
    path.write_text(TEXT + 'assertions: ["nobody outside iam_user:rita reads payroll-*"]\n', "utf-8")
    status, _, err = run(capsys, "check", str(path))
    assert status == 2
    assert "assertions[0]: does not hold: nobody outside iam_user:rita reads payroll-*: cognito_group:readers" in err
    path.write_text(TEXT + 'assertions: ["nobody outside iam_user:rita or group readers reads payroll-*"]\n', "utf-8")
    assert run(capsys, "check", str(path))[0] == 0


# ---------------------------------------------------------------------- findings


def test_findings_are_told_by_kind_and_by_the_status_if_asked(
    here: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    here.people.groups[group("readers")] = ()
    here.engine.by_hand(
        Kind.MAPPINGS, [{"op": "add", "path": "/security_manager", "value": {"users": [cognito("anna")]}}]
    )
    status, out, _ = run(capsys, "findings")
    assert status == 0
    lines = out.splitlines()
    assert lines[2] == "ways to administration:"
    assert any(line.strip().startswith("-> security_manager may use the security API") for line in lines)
    assert "grants that nobody has:" in lines
    assert run(capsys, "findings", "--ci")[0] == 3


def test_of_a_file_it_is_said_what_it_cannot_tell(here: Account, capsys: pytest.CaptureFixture[str]) -> None:
    here.people.fails = 99
    status, out, _ = run(capsys, "findings", "--offline", "--ci")
    assert (status, out.splitlines()[0]) == (0, "demo: nothing is found")
    assert "a file does not say it" in " ".join(out.split())


# ---------------------------------------------------------------------- what they would see of a document

ORDER = {"region": "eu", "customer": "Ann", "card": "4111", "total": 7}
FORMS = ({"_index": "orders-1", "_id": "7", "_source": ORDER}, [ORDER], {"hits": {"hits": [{"_source": ORDER}]}})


@pytest.mark.parametrize("more", [(), ("--offline", "--member-of", "tokens")], ids=" ".join)
@pytest.mark.parametrize(
    "form",
    [{"_index": "orders-1", "_id": "7", "_source": ORDER}, [ORDER], {"hits": {"hits": [{"_source": ORDER}]}}],
    ids=str,
)
def test_of_a_document_is_shown_what_they_would_see(
    here: Account, capsys: pytest.CaptureFixture[str], tmp_path: Path, form: Any, more: tuple[str, ...]
) -> None:
    (tmp_path / "order.json").write_text(json.dumps(form), "utf-8")
    asked = ("can", "cognito_user:anna", "read", "orders-1", "--document", "order.json", *more)
    status, out, _ = run(capsys, *asked, "--json")
    (one,) = json.loads(out)["documents"]
    assert (status, one["index"], one["seen"], one["masked"]) == (0, "orders-1", True, ["card"])
    assert one["source"] == {"region": "eu", "card": "(masked)", "total": 7}
    text = run(capsys, *asked)[1]
    assert re.search(r"sees document [17] of orders-1", text)
    assert '"card": "(masked)"' in text
    assert "Ann" not in text


def test_a_document_that_their_filter_does_not_find_is_not_seen(
    here: Account, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "order.json").write_text(json.dumps({**ORDER, "region": "us"}), "utf-8")
    out = run(capsys, "can", "cognito_user:anna", "read", "orders-1", "--document", "order.json")[1]
    assert "does not see document 1 of orders-1" in out
    assert '"total"' not in out
    out = run(capsys, "can", "kim", "read", "payroll-1", "--document", "order.json")[1]
    assert "does not see" in out


@pytest.mark.parametrize(
    ("what", "filtered", "seen"),
    [
        ("of-orders/_search", None, None),  # nobody could say
        ("of-orders,orders-1/_search", None, True),
        ("of-orders/_search", "", True),
        ("of-orders/_search", '{"term": {"total": 7}}', True),
        ("of-orders/_search", '{"term": {"total": 8}}', False),
    ],
)
def test_a_document_behind_an_alias_is_seen_if_its_filter_finds_it(
    here: Account,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    what: str,
    filtered: str | None,
    seen: bool | None,
) -> None:
    here.engine.groups = ({"of-orders": ("orders-1",)}, {})
    here.engine.filters = None if filtered is None else {"of-orders": {"orders-1": filtered}}
    (tmp_path / "order.json").write_text(json.dumps(ORDER), "utf-8")
    asked = ("can", "cognito_user:anna", "GET", what, "--document", "order.json")
    (one,) = json.loads(run(capsys, *asked, "--json")[1])["documents"]
    assert (one["index"], one["seen"], "may have a filter" in str(one["unknown"])) == ("orders-1", seen, seen is None)
    assert ("perhaps sees document" in run(capsys, *asked)[1]) is (seen is None)


@pytest.mark.parametrize(("release", "seen"), [("OpenSearch_2.19", None), ("OpenSearch_3.3", False)])
def test_what_a_filter_finds_in_a_field_that_is_masked_for_them_is_no_certain_yes(
    here: Account, capsys: pytest.CaptureFixture[str], tmp_path: Path, release: str, seen: bool | None
) -> None:
    here.engine.set_to = replace(here.engine.set_to, release=release)
    here.engine.groups = ({"of-orders": ("orders-1",)}, {})
    here.engine.filters = {"of-orders": {"orders-1": '{"term": {"card": "4111"}}'}}
    (tmp_path / "order.json").write_text(json.dumps(ORDER), "utf-8")
    asked = ("can", "cognito_user:anna", "GET", "of-orders/_search", "--document", "order.json", "--json")
    (one,) = json.loads(run(capsys, *asked)[1])["documents"]
    assert (one["seen"], "finds in what is hidden or masked" in str(one["unknown"])) == (seen, seen is None)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is no JSON"),
        ('["x"]', "documents[0]: is no document"),
        ('{"_source": 1}', "documents[0]: is no hit of a search"),
        ("[" * 100_000, "is nested too deep"),
        (None, "No such file"),
    ],
)
def test_what_is_no_document_is_bad_input_that_names_its_place(
    here: Account, capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str | None, said: str
) -> None:
    if content is not None:
        (tmp_path / "order.json").write_text(content, "utf-8")
    status, out, err = run(capsys, "can", "kim", "read", "orders-1", "--document", "order.json")
    assert (status, out) == (2, "")
    assert said in err
    assert "order.json" in err


@pytest.mark.parametrize(
    ("does", "what", "reads"),
    [
        ("read", "orders-1", True),
        ("GET", "orders-1/_search", True),
        ("get", "orders-1/_doc/7", True),
        ("indices:data/read/search", "orders-1", True),
        ("write", "orders-1", False),
        ("POST", "orders-1/_doc", False),
        ("GET", "orders-1/_mapping", False),
        ("indices:data/write/index", "orders-1", False),
    ],
)
def test_only_of_what_reads_documents_one_is_shown(
    here: Account, capsys: pytest.CaptureFixture[str], tmp_path: Path, does: str, what: str, reads: bool
) -> None:
    (tmp_path / "order.json").write_text(json.dumps(ORDER), "utf-8")
    status, out, err = run(capsys, "can", "kim", does, what, "--document", "order.json")
    assert (status != 2) is reads
    assert ("shows no documents" in err, "sees document 1" in out) == (not reads, reads)


def test_a_document_that_is_nested_very_deep_is_bad_input(
    here: Account, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "order.json").write_text('{"a":' * 100_000 + "1" + "}" * 100_000, "utf-8")
    status, out, err = run(capsys, "can", "kim", "read", "orders-1", "--document", "order.json")
    assert (status, out, "nested too deep" in err) == (2, "", True)
