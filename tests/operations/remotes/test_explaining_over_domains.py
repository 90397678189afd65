"""`remote explain` of two domains: which side says no and by what, as both are now, and by their files alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from portcullis import model
from portcullis.access.questions.answers import Layer
from portcullis.cli.main import main
from portcullis.entry.verbs.remotes import remote_explain
from portcullis.errors import BadInput
from portcullis.operations.access.asking.domains_of_files import of_files
from portcullis.operations.access.asking.over_domains import explained
from portcullis.remotes.connections import Connection, Connections
from portcullis.remotes.parties import Asked, Explained

from tests.operations.access.test_questions_over_domains import FAR, RED, could, scene
from tests.operations.orders import orders_account
from tests.operations.remotes.test_connecting import Amazon
from tests.operations.worlds import Account, model_text, place

PAGE = Path(__file__).parents[3] / "docs" / "remotes.md"


@pytest.fixture(scope="module")
def here() -> Account:
    return orders_account()


@pytest.mark.parametrize(
    ("person", "index", "far", "allowed", "side", "rule", "status", "words"),
    [
        ("kim", "logs-1", FAR, True, "", "", 200, f"documents that match {RED}"),
        ("kim", "hr", FAR, False, "remote", "roles", 403, "logs refuses: no index permission of red on hr"),
        ("rita", "logs-1", FAR, False, "remote", "mapping", 403, "logs refuses: no mapping there names them"),
        ("kim", "hr", replace(FAR, skip_unavailable=True), False, "remote", "roles", 200, "logs refuses"),
        ("kim", "logs-1", replace(FAR, stopped="logs is locked"), False, "remote", "custody", 403, "logs is locked"),
        ("kim", "logs-9", FAR, True, "", "", 404, "404: logs-9 does not exist"),
        ("kim", "logs-*", FAR, True, "", "", 200, "may read of far:logs-* far:logs-1, but sees only a part"),
        ("kim", "*", FAR, True, "", "", 200, "may read of far:* far:logs-1"),  # one that is refused hides no other
        ("rita", "*", FAR, False, "remote", "mapping", 403, "no mapping there names them"),
        ("kim", "none-*", FAR, False, "", "", None, "nothing that fits is seen by them"),
        ("kim", "logs-1", replace(FAR, held=None, unknown=("nobody looked",)), None, "", "", None, "could not be looked at"),
    ],
)  # fmt: skip
def test_the_side_and_the_rule_are_told(
    here: Account,
    person: str,
    index: str,
    far: Any,
    allowed: bool | None,
    side: str,
    rule: str,
    status: Any,
    words: str,
) -> None:
    found = explained(scene(here, far), person, Asked("far", index))
    assert (found.allowed, found.side, found.rule, found.status) == (allowed, side, rule, status), found.answer
    assert words in found.answer
    assert (found.model, found.other, found.key) == ("connection", "logs", "")
    assert found.exit_status == {True: 0, False: 1, None: 4}[allowed]
    assert "the network between the clusters" in found.not_looked_at
    if "*" not in index:
        assert could(scene(here, far), person, "read", f"far:{index}").allowed is allowed
    if allowed and status == 200:
        ((limit,),) = [one.limits for one in found.seen]
        assert (limit.by, limit.documents) == ("roles of logs", (RED,))


def test_what_is_no_alias_is_refused_here(here: Account) -> None:
    found = explained(scene(here), "kim", Asked("nope", "hr"))
    assert (found.side, found.rule, found.status) == ("local", "unknown-alias", 403)
    assert "demo is connected to no domain as nope (there is far)" in found.answer


def test_both_domains_are_asked_by_their_connection(here: Account) -> None:
    here.registered(place=place())
    own = here.services.site("demo").registration.domain
    assert own is not None
    reads = (
        Connection("1", own.arn, "ACTIVE", "self"),
        Connection("2", f"{own.arn}-of-others", "ACTIVE", "other"),
        Connection("3", own.arn, "ACTIVE", "skips", skip_unavailable=True),
    )
    services = replace(here.services, connections=lambda _: Amazon(Connections(reads=reads)))

    def told(person: str, index: str) -> Explained:
        return remote_explain(services, "demo", person=person, index=index)

    assert (told("rita", "self:payroll-1").allowed, told("rita", "self:payroll-1").other) == (True, "demo")
    refused = told("kim", "self:payroll-1")
    assert (refused.allowed, refused.side, refused.status) == (False, "remote", 403)
    assert told("kim", "skips:payroll-1").status == 200
    assert told("rita", "other:payroll-1").allowed is None
    with pytest.raises(BadInput, match="may be 3 people"):
        told("zoe", "self:payroll-1")


# ---------------------------------------------------------------------- of files

_ARN = "arn:aws:es:eu-west-1:{}:domain/{}"
ORDERS_ARN, LOGS_ARN = _ARN.format("111122223333", "orders"), _ARN.format("111122223333", "logs")
ELSEWHERE = _ARN.format("999988887777", "logs")
ORDERS = """\
  roles:
    night_shift:
      index_permissions: [{index_patterns: ["hr"], allowed_actions: [read]}]
  grants:
    - {role: night_shift, to: {iam_group: night}}
    - {role: night_shift, to: {cognito_group: readers}}
    - {role: night_shift, to: {iam_user: ann}}
"""
LOGS = """\
  roles:
    reds:
      index_permissions: [{index_patterns: ["logs-*"], dls: '{"term": {"team": "red"}}', allowed_actions: [read]}]
    night_shift:
      index_permissions: [{index_patterns: ["hr"], allowed_actions: [read]}]
  grants:
    - {role: reds, to: {iam_user: kim}}
    - {role: reds, to: {iam_group: night}}
    - {role: reds, to: {cognito_group: readers}}
    - {role: reds, to: {iam_user: "arn:aws:iam::111122223333:user/max"}}
"""
READS = f"connections: {{reads: {{far: '{LOGS_ARN}'}}}}\n"
READ_BY = f"connections: {{read_by: ['{ORDERS_ARN}']}}\n"


def text_of(name: str, access: str) -> str:
    return model_text(access, name).replace("iam_groups: [ops]", "iam_groups: [night]")


def files(orders: str = READS, logs: str = READ_BY, engine: str = "") -> dict[str, Any]:
    texts = {"orders": text_of("orders", ORDERS) + orders, "logs": text_of("logs", LOGS) + logs}
    if engine:
        texts["orders"] = texts["orders"].replace("engine: OpenSearch_3.3", f"engine: {engine}")
    return {name: model.loads(text, f"{name}.yaml") for name, text in texts.items()}


def by_file(person: str, asked: str, *groups: str, **more: str) -> Explained:
    known = files(**more)
    return of_files(known["orders"], known, person, asked, groups)


@pytest.mark.parametrize(
    ("person", "index", "groups", "allowed", "rule"),
    [
        ("iam_user:kim", "logs-1", (), True, ""),  # by their own name; of a group they could have no less
        ("iam_user:kim", "hr", (), False, "roles"),
        ("iam_user:max", "logs-1", (), True, ""),  # the file of logs says the account
        ("iam_user:zoe", "logs-1", ("night",), True, ""),
        ("iam_user:zoe", "logs-1", (), None, ""),  # in a group, perhaps
        ("iam_user:zoe", "hr", ("night",), False, "roles"),
        ("cognito_user:kim", "logs-1", (), False, "mapping"),  # of another pool, whatever they are called there
        ("cognito_user:eva", "logs-1", ("readers",), False, "mapping"),
        ("iam_group:night", "logs-1", (), True, ""),
        ("cognito_group:readers", "logs-1", (), False, "mapping"),
        ("iam_user:kim", "logs-*", (), True, ""),
    ],
)
def test_of_two_files_it_is_told_as_far_as_they_say(
    person: str, index: str, groups: tuple[str, ...], allowed: bool | None, rule: str
) -> None:
    found = by_file(person, f"far:{index}", *groups)
    assert (found.allowed, found.rule) == (allowed, rule), found.answer
    assert found.other == "logs"
    if allowed is None:
        assert "--member-of says it" in found.answer


def test_in_another_account_the_same_name_is_somebody_else() -> None:
    elsewhere = f"connections: {{reads: {{far: '{ELSEWHERE}'}}}}\n"
    assert by_file("iam_user:kim", "far:logs-1", orders=elsewhere).allowed is False
    assert by_file("iam_user:zoe", "far:logs-1", "night", orders=elsewhere).allowed is False
    assert by_file("iam_user:max", "far:logs-1", orders=elsewhere).allowed is True  # by the ARN of this one


def test_a_2_x_sends_the_roles_of_its_own_file() -> None:
    assert by_file("iam_user:zoe", "far:hr", "night", engine="OpenSearch_2.19").allowed is True
    assert by_file("cognito_user:eva", "far:hr", "readers", engine="OpenSearch_2.19").allowed is True


@pytest.mark.parametrize(
    ("more", "asked", "allowed", "rule", "words"),
    [
        ({}, "nope:x", False, "unknown-alias", "connected to no domain as nope (there is far)"),
        ({"logs": ""}, "far:logs-1", False, "connection", "lets no domain orders read from it (connections.read_by)"),
        (
            {"logs": f"connections: {{read_by: ['{ORDERS_ARN}', '{_ARN.format('444455556666', 'orders')}']}}\n"},
            "far:logs-1",
            None,
            "",
            "names 2 domains orders",
        ),
        ({"orders": f"connections: {{reads: {{far: '{LOGS_ARN}-2'}}}}\n"}, "far:logs-1", None, "", "is not beside this one"),
    ],
)  # fmt: skip
def test_what_is_not_connected_is_no_and_what_is_not_known_is_said(
    more: dict[str, str], asked: str, allowed: bool | None, rule: str, words: str
) -> None:
    found = by_file("iam_user:kim", asked, **more)
    assert (found.allowed, found.rule) == (allowed, rule)
    assert words in found.answer
    if rule == "connection":
        assert found.reasons[-1].layer is Layer.REMOTE


def test_the_command_prints_what_its_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "deployments").mkdir()
    for name, text in (("orders", text_of("orders", ORDERS) + READS), ("logs", text_of("logs", LOGS) + READ_BY)):
        (tmp_path / "deployments" / f"{name}.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    asked = ["remote", "explain", "iam_user:zoe", "far:logs-1", "--offline", "--member-of", "night", "-d", "orders"]
    assert main(asked) == 0
    assert capsys.readouterr().out.strip() in PAGE.read_text()
    assert main([*asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    published = json.loads((PAGE.parent / "answers.schema.json").read_text())
    jsonschema.validate(told, published["properties"]["remote explain"] | {"$defs": published["$defs"]})
