"""Why somebody may read an index of a remote cluster, or may not: of two files, in both models; and never otherwise than `decide` says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis import model
from portcullis.access.questions.answers import Far, There
from portcullis.cli.main import main
from portcullis.errors import BadInput, Refused
from portcullis.families.elasticsearch.deciding.question import answer_question
from portcullis.operations.remotes.asking.explaining import of_files
from portcullis.remotes.explaining import explain
from portcullis.remotes.parties import Asked, Explained, Near, Who

from benchmarks.reaching.cases import ALIASES, THERE, USERS, agreement, question
from tests.laws import examples

PAGE = Path(__file__).parents[2] / "docs" / "remotes.md"
_KEY = "key: {arn: 'arn:aws:kms:eu-central-1:111122223333:key/1'}\n"
ORDERS = (
    "deployment: orders\nengine: elasticsearch-9.5.3\n"
    "cluster: {endpoint: 'orders.example:443', user: portcullis, credential: orders, licence: trial}\n"
    + _KEY
    + """identity: {cognito: {groups: {readers: {}, auditors: {}, nobody: {}}}}
remotes:
  dc2: {deployment: logs, credential: remotes/orders, allows: {search: [{names: ['logs-*']}]}}
  far: {address: 'far.example:9443', credential: remotes/far, allows: {search: [{names: ['far-*']}]}}
  old: {deployment: logs, model: certificate, skip_unavailable: true}
  lost: {address: 'lost.example:9300', model: certificate}
access:
  roles:
    log_reader: {remote_indices: [{clusters: [dc2], names: ['logs-*', hr], privileges: [read]}]}
    auditor: {indices: [{names: ['audit-*'], privileges: [read]}]}
    any: {remote_indices: [{clusters: ['*'], names: ['*'], privileges: [read]}]}
  users: {boss: {full_name: The boss}, kim: {}}
  grants:
    - {to: {cognito_group: readers}, role: log_reader}
    - {to: {cognito_group: auditors}, role: auditor}
    - {to: {internal_user: boss}, role: superuser}
    - {to: {internal_user: kim}, role: any}
"""
)
LOGS = (
    "deployment: logs\nengine: elasticsearch-9.5.3\n"
    "cluster: {endpoint: 'logs.example:443', user: portcullis, credential: logs, licence: trial}\n"
    + _KEY
    + """offers: {orders: {secret: remotes/orders, search: [{names: ['logs-*'], query: {term: {team: red}}}]}}
access:
  roles: {auditor: {indices: [{names: ['logs-*'], privileges: [read], field_security: {grant: [team]}}]}}
"""
)


def explained(person: str, index: str, *groups: str, beside: bool = True) -> Explained:
    here, there = model.loads(ORDERS, "orders.yaml"), model.loads(LOGS, "logs.yaml")
    return of_files(here, {"orders": here, "logs": there} if beside else {}, person, index, groups)


RED = '{"term": {"team": "red"}}'
# person, index, groups -> status, side, rule, and what the sentence says
TOLD = [
    ("anna", "dc2:logs-1", ["readers"], 0, "", "", f"allow it, but sees only a part: the key shows documents that match {RED}"),
    ("anna", "dc2:hr", ["readers"], 1, "remote", "key", "logs refuses: the key does not allow it, whatever the role log_reader asks for"),
    ("anna", "dc2:*", ["readers"], 0, "", "", "of dc2:* such names as dc2:logs-example"),
    ("anna", "dc2:h*", ["readers"], 1, "remote", "key", "logs refuses: the key does not allow it"),
    ("anna", "dc2:other", ["readers"], 1, "remote", "key-and-roles", "logs refuses: neither the key nor a role of theirs"),
    ("kim", "dc2:logs-1", [], 0, "", "", "the key and the role any allow it"),
    ("boss", "dc2:hr", [], 1, "remote", "key", "whatever the role superuser asks for"),
    ("boss", "dc2:logs-1", [], 0, "", "", "the key and the role superuser allow it"),
    ("ben", "dc2:logs-1", ["auditors"], 1, "local", "no-remote-indices", "orders refuses: no role of auditor has remote_indices for dc2"),
    ("ben", "old:logs-1", ["auditors"], 0, "", "", "allows it, but sees only a part: roles shows only the fields team"),
    ("ben", "old:hr", ["auditors"], 1, "remote", "roles", "logs refuses: no role of auditor grants"),
    ("anna", "old:logs-1", ["readers"], 1, "remote", "roles", "logs refuses: it has no role log_reader"),
    ("boss", "old:hr", [], 0, "", "", "the role superuser of the same name over there allows it"),
    ("ben", "lost:logs-1", ["auditors"], 4, "", "", "which roles lost has could not be looked at"),
    ("kim", "far:far-1", [], 0, "", "", "the key and the role any allow it"),
    ("kim", "dc9:x", [], 1, "local", "unknown-alias", "orders has no remote cluster dc9 (there is dc2, far, old, lost)"),
    ("cognito_user:zed", "dc2:logs-1", [], 1, "local", "person", "orders has no user of theirs"),
]  # fmt: skip


@pytest.mark.parametrize(("person", "index", "groups", "status", "side", "rule", "says"), TOLD)
def test_one_sentence_says_who_decides_and_by_what(
    person: str, index: str, groups: list[str], status: int, side: str, rule: str, says: str
) -> None:
    found = explained(person, index, *groups)
    assert (found.exit_status, found.side, found.rule) == (status, side, rule), found.answer
    assert says in found.answer
    assert found.answer.startswith({0: "yes: ", 1: "no: ", 4: "unknown: "}[status])


def test_without_the_other_file_what_was_agreed_counts_and_it_is_said_so() -> None:
    found = explained("anna", "dc2:logs-1", "readers", beside=False)
    assert (found.allowed, found.seen[0].limits[0].documents) == (True, ())
    assert "as agreed in remotes.dc2.allows" in {reason.rule.partition("(")[2].rstrip(")") for reason in found.reasons}
    assert explained("ben", "old:logs-1", "auditors", beside=False).allowed is None
    # what this side refuses, nobody has to be asked for
    assert explained("ben", "dc2:logs-1", "auditors", beside=False).side == "local"


@pytest.mark.parametrize(
    "wrong",
    ["logs-1", "dc2:", ":x", "dc*:x", "dc2:a,b", "dc2:-a", "dc2:<a>", "a::c", "a:b:c,d", "dc2:/x/", "dc2:a b", ""],
)
def test_what_is_no_index_of_one_remote_is_refused(wrong: str) -> None:
    with pytest.raises(BadInput, match="is no index of a remote cluster"):
        Asked.of(wrong)


def test_what_is_passed_on_is_asked_of_the_deployment_behind_the_alias() -> None:
    with pytest.raises(
        BadInput, match="dc2:bills:logs-1' goes on from dc2 to a cluster that it reads itself"
    ) as refused:
        Asked.of("dc2:bills:logs-1")
    assert refused.value.remedy.startswith("ask the deployment behind dc2 about bills:logs-1")


def test_somebody_who_may_be_several_has_to_be_named_and_a_domain_has_no_remotes() -> None:
    with pytest.raises(BadInput, match="does not say who 'zed' is"):
        explained("zed", "dc2:x")
    with pytest.raises(Refused, match="no Elasticsearch cluster"):
        of_files(model.loads(model.start("demo", "layered"), "demo.yaml"), {}, "a", "dc2:x")


def test_people_with_a_user_for_each_level_say_as_which_they_ask() -> None:
    text = (
        ORDERS.replace("remotes:", "people: {native_users: {of_levels: {support: '{name}.support'}}}\nremotes:")
        .replace("access:\n", "access:\n  levels: {preset: layered, indices: ['o-*']}\n")
        .replace("  grants:\n", "  grants:\n    - {to: {cognito_group: readers}, level: support}\n")
    )
    here = model.loads(text, "orders.yaml")
    with pytest.raises(BadInput, match=r"'anna' is 2 users of orders .*internal_user:anna\.support"):
        of_files(here, {}, "anna", "dc2:logs-1", ("readers",))


@pytest.mark.parametrize("certain", [True, False])
def test_a_lock_of_either_side_comes_before_roles_and_keys(certain: bool) -> None:
    who = Who("internal_user:boss", "boss", "boss", {"superuser": "user/boss"})
    near, far = Near("orders", "9.5.3", {}, ("dc2",)), Far("dc2", "9.5.3", access={"search": [{"names": ["*"]}]})
    asked = Asked("dc2", "logs-1")
    assert explain(who, asked, near, far).allowed is True
    locked: Any = {"stopped": "it is locked", "certain": certain}
    for side, found in (
        ("local", explain(who, asked, Near("orders", "9.5.3", {}, **locked), far)),
        ("remote", explain(who, asked, near, Far("dc2", "9.5.3", access={"search": [{"names": ["*"]}]}, **locked))),
    ):
        assert (found.allowed, found.side, found.rule) == (False if certain else None, side, "custody")
        assert "it is locked" in found.answer


@pytest.mark.parametrize("state", ["expired", "revoked", "absent", "wrong-type", "garbage"])
@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize("access", [None, {"search": [{"names": ["*"]}]}])
def test_a_dead_key_refuses_whoever_asks_and_a_200_does_not_hide_it(state: str, skip: bool, access: Any) -> None:
    who = Who("internal_user:boss", "boss", "boss", {"superuser": "user/boss"})
    far = Far("dc2", "9.5.3", state=state, access=access, skip_unavailable=skip)
    found = explain(who, Asked("dc2", "logs-1"), Near("orders", "9.5.3", {}, ("dc2",)), far)
    assert (found.allowed, found.side, found.rule) == (False, "remote", "key-state")
    assert (found.status == 200) is skip
    assert ("skip_unavailable: true" in {reason.rule for reason in found.reasons}) is skip


def test_the_command_prints_what_its_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "deployments").mkdir()
    for name, text in (("orders", ORDERS), ("logs", LOGS)):
        (tmp_path / "deployments" / f"{name}.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    asked = ["remote", "explain", "anna", "dc2:hr", "--offline", "--member-of", "readers", "-d", "orders"]
    assert main(asked) == 1
    assert capsys.readouterr().out.strip() in PAGE.read_text()
    assert main([*asked, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["side"], told["rule"], told["other"]) == ("remote", "key", "logs")
    published = json.loads((PAGE.parent / "answers.schema.json").read_text())
    jsonschema.validate(told, published["properties"]["remote explain"] | {"$defs": published["$defs"]})
    assert main([*asked, "-q"]) == 1
    assert capsys.readouterr().out == ""
    assert main(["remote", "explain", "anna", "dc2:hr", "--member-of", "readers", "-d", "orders"]) == 2
    assert "is for --offline" in capsys.readouterr().err


def test_what_roles_lack_is_no_certain_no_while_a_group_of_theirs_is_unread() -> None:
    near, key = Near("orders", "9.5.3", {}, ("dc2",)), {"search": [{"names": ["logs-*"]}]}
    asked, far = Asked("dc2", "logs-1"), Far("dc2", "9.5.3", access=key)
    who = Who("cognito_user:anna", "anna", "anna of realm jwt", {}, doubt="cognito_group:readers could not be read")
    assert explain(replace(who, doubt=""), asked, near, far).allowed is False
    found = explain(who, asked, near, far)
    assert (found.allowed, found.unknown) == (None, ("cognito_group:readers could not be read",))
    assert explain(who, asked, near, replace(far, state="revoked")).allowed is None  # this side would refuse first
    boss = replace(who, roles={"superuser": "role_mapping/x"})
    assert explain(boss, Asked("dc2", "hr"), near, far).allowed is False  # no role is beyond the key
    assert explain(boss, asked, near, far).allowed is True


NAMES = (*(one if isinstance(one, str) else one["name"] for one in THERE["indices"]), *THERE["aliases"], "none")


@examples(300)
@given(st.integers(0, 400), st.sampled_from(USERS), st.sampled_from(sorted(ALIASES)), st.sampled_from(NAMES))
def test_it_never_says_otherwise_than_decide(seed: int, user: str, alias: str, index: str) -> None:
    held = agreement(seed)
    told = answer_question(question(held, user, f"/{alias}:{index}/_search?size=1", "9.5.3"))["remotes"][alias]
    mode, state, skip = ALIASES[alias]
    indices = tuple(one if isinstance(one, str) else one["name"] for one in THERE["indices"])
    there = There(
        indices, aliases={name: tuple(of) for name, of in THERE["aliases"].items()}, every=True, hidden=("hidden-1",)
    )
    far = Far(alias, "9.5.3", mode, "there", "K", state, held["access"].get(alias, {}), "", held["there"], there, skip)
    who = Who(f"internal_user:{user}", user, user, dict.fromkeys(held["users"][user], f"user/{user}"))
    found = explain(who, Asked(alias, index), Near("here", "9.5.3", held["here"], tuple(ALIASES)), far)
    assert (found.allowed, found.side or None, found.rule or None) == (told["allowed"], told["side"], told["rule"])
    assert {one.index for one in found.seen} == set(told["views"])
