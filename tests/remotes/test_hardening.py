"""What a remote cluster without a key needs: each fault by itself, nobody who can read is left out, and what cannot be is said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portcullis import model
from portcullis.cli.main import main
from portcullis.errors import BadInput
from portcullis.families.elasticsearch.deciding.question import answer_question
from portcullis.families.elasticsearch.documents.config import Kind, SecurityConfig
from portcullis.operations.remotes.asking.hardening import of_files
from portcullis.remotes.facts import Weight
from portcullis.remotes.hardening import Family, Hardened, HardFacts, HardSide, harden, holders_of

ROOT = Path(__file__).parents[2]
READS = {"indices": [{"names": ["logs-*"], "privileges": ["read"], "query": {"term": {"team": "red"}}}]}
HERE = HardSide(
    "orders", "9.5.3", {"reader": {}, "portcullis_security": {"cluster": ["manage_security"]}}, {"reader": ("anna",)}
)
THERE = HardSide("logs", "9.5.3", {"reader": READS, "portcullis_security": {}}, {})
WELL = HardFacts("old", HERE, THERE, reach={"reader": ("anna",)}, trusts=("*.orders.example",), pinged="30s")


def codes(found: Hardened, weight: Weight) -> set[str]:
    return {one.code for one in found.findings if one.weight is weight}


def test_a_remote_as_hard_as_it_can_be_still_cannot_keep_it_all() -> None:
    """There is nothing left to do for it, and the guarantee is not whole."""
    found = harden(WELL)
    assert (found.exit_status, codes(found, Weight.WRONG), codes(found, Weight.UNKNOWN)) == (0, set(), set())
    assert codes(found, Weight.NOTE) == {"certificate", "role"}
    assert any("a super user of orders reads everything of logs" in one for one in found.cannot)
    assert any("trust goes both ways" in one for one in found.cannot)
    assert len(found.cannot) == 6


def here(role: str, document: dict[str, Any], people: tuple[str, ...] = ("ben",)) -> HardFacts:
    """WELL, with another role that somebody of this side has."""
    roles, holders = {**(HERE.roles or {}), role: document}, {**(HERE.holders or {}), role: people}
    return replace(WELL, here=replace(HERE, roles=roles, holders=holders))


def there(
    document: dict[str, Any], own: tuple[str, ...] = (), role: str = "reader", release: str = "9.5.3"
) -> HardFacts:
    """WELL, with another role on the other side."""
    side = replace(THERE, release=release, roles={role: document}, holders={role: own} if own else {})
    return replace(WELL, there=side, reach={role: ("anna",)})


WRONG: list[tuple[str, HardFacts, str]] = [
    ("superuser", here("superuser", {}), "ben is one of the super users of orders, and so of logs"),
    ("superuser", here("superuser", {}, ("elastic", "ben", "kim")), "ben, kim are super users"),
    ("shared-role", there(READS, ("hr-people",)), "is that of hr-people on logs too"),
    ("reads-everything", there({"indices": [{"names": ["*"], "privileges": ["read"]}]}), "every index that comes"),
    ("reads-everything", there({"indices": [{"names": "*", "privileges": ["all"]}]}), "every index that comes"),
    ("built-in-role", replace(WELL, reach={"viewer": ("anna",)}), "the role viewer of anna is the engine's own"),
    ("built-in-role", there({**READS, "metadata": {"_reserved": True}}), "the engine's own"),
    ("makes-roles", here("ops", {"cluster": ["manage_security"]}), "ben may make roles of any name (manage_security in ops)"),
    ("makes-roles", here("ops", {"cluster": ["ALL"]}), "ben may make roles of any name"),
    ("run-as", here("ops", {"run_as": ["*"]}), "may act as * (run_as in ops; elastic among them)"),
    ("run-as", here("ops", {"run_as": ["elastic"]}), "elastic among them"),
    ("run-as", here("ops", {"run_as": ["k*"]}), "may act as k*"),
    ("trust", replace(WELL, trusts=()), "every certificate that the CA of orders signs"),
    ("trust", replace(WELL, trusts=("node.example", "*")), "every certificate that the CA of orders signs"),
    ("idle", replace(WELL, pinged="-1"), "nothing is sent on an idle connection"),
    ("idle", replace(WELL, pinged=""), "nothing is sent on an idle connection"),
    ("refusals-hidden", replace(WELL, skip_unavailable=True), "a 200 without its documents"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "facts", "says"), WRONG)
def test_each_fault_by_itself_is_found_with_a_remedy(code: str, facts: HardFacts, says: str) -> None:
    found = harden(facts)
    assert codes(found, Weight.WRONG) == {code}
    (one,) = [finding for finding in found.findings if finding.code == code and finding.weight is Weight.WRONG]
    assert says in one.says
    assert one.remedy
    assert found.exit_status == 3


@pytest.mark.parametrize(
    "facts",
    [
        here("ops", {"cluster": ["monitor", "read_security"]}),
        here("ops", {"cluster": ["manage_security"]}, ()),  # that nobody has
        here("ops", {"run_as": ["kim"]}),
        here("superuser", {}, ("elastic",)),
        there({"cluster": ["monitor"]}),
        there({"indices": [{"names": ["*"], "privileges": ["monitor"]}]}),
    ],
)
def test_what_gives_nothing_more_is_not_found(facts: HardFacts) -> None:
    assert harden(facts).exit_status == 0


def test_on_8_a_role_without_read_cross_cluster_is_told_of() -> None:
    """Seen on 8.19: searches by themselves are answered all the same."""
    assert "read-cross-cluster" in codes(harden(there(READS, release="8.19.21")), Weight.NOTE)
    with_it = {"indices": [{"names": ["logs-*"], "privileges": ["read", "read_cross_cluster"]}]}
    assert "read-cross-cluster" not in codes(harden(there(with_it, release="8.19.21")), Weight.NOTE)


def test_what_was_not_seen_is_unknown_and_not_well() -> None:
    blind = HardFacts("old", HardSide("orders"), HardSide("logs"), unseen=("the roles of logs",))
    found = harden(blind)
    assert codes(found, Weight.UNKNOWN) == {"trust", "idle", "not-looked-at"}
    assert codes(found, Weight.OK) == set()
    assert len(found.cannot) == 6


def test_with_a_key_nothing_hangs_on_what_could_not_be_looked_at() -> None:
    found = harden(HardFacts("dc2", HardSide("orders"), HardSide("logs"), "api-key", unseen=("the roles of logs",)))
    assert ([one.code for one in found.findings], found.cannot, found.exit_status) == (["by-key"], (), 0)


def test_with_a_key_nothing_is_to_be_hardened() -> None:
    found = harden(replace(WELL, model="api-key"))
    assert (codes(found, Weight.OK), found.cannot, found.exit_status) == ({"by-key"}, (), 0)


_NAMES = ("reader", "auditor", "ops", "superuser", "viewer")
_ENTRY = st.fixed_dictionaries(
    {
        "names": st.lists(st.sampled_from(["logs-*", "hr", "*", "none"]), min_size=1, max_size=2, unique=True),
        "privileges": st.lists(
            st.sampled_from(["read", "all", "monitor", "write"]), min_size=1, max_size=2, unique=True
        ),
    }
)
_ROLES = st.dictionaries(
    st.sampled_from(_NAMES[:3]), st.builds(lambda one: {"indices": one}, st.lists(_ENTRY, max_size=2)), max_size=3
)
_PEOPLE = st.dictionaries(
    st.sampled_from(["anna", "ben", "kim"]), st.lists(st.sampled_from(_NAMES), unique=True), max_size=3
)


@settings(max_examples=200, deadline=None)
@given(_ROLES, _PEOPLE)
def test_whoever_can_read_there_is_named(roles: dict[str, Any], people: dict[str, list[str]]) -> None:
    """As `decide` answers, which real servers have been held against."""
    users = {name: {"roles": mine} for name, mine in people.items()}
    holders = holders_of(SecurityConfig({Kind.USERS: users}))
    built_in = {"viewer", "superuser"}
    reach = {role: who for role, who in holders.items() if role in roles or role in built_in}
    facts = replace(
        WELL, here=HardSide("orders", "9.5.3", {}, holders), there=HardSide("logs", "9.5.3", roles, {}), reach=reach
    )
    named = " ".join(one.says for one in harden(facts).findings)
    for name, mine in people.items():
        question = {
            "engine": "elasticsearch-9.5.3",
            "security": {"roles": {}},
            "principal": {"name": name, "roles": mine or ["none"]},
            "request": {"method": "GET", "path": "/old:logs-1,old:hr/_search"},
            "remotes": {
                "old": {"model": "certificate", "security": {"roles": roles}, "world": {"indices": ["logs-1", "hr"]}}
            },
        }
        for index in ("logs-1", "hr"):
            question["request"] = {"method": "GET", "path": f"/old:{index}/_search"}
            if answer_question(question, source="x")["remotes"]["old"]["allowed"]:
                assert name in named


# ---------------------------------------------------------------------- OpenSearch


DEMO = HardSide(
    "demo",
    "3.3",
    {"log_reader": {"index_permissions": [{"index_patterns": ["logs-*"], "allowed_actions": ["read"]}]}},
    {},
)
CROSS = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::111122223333:role/app"},
    "Action": "es:ESCrossClusterGet",
}
SEARCH = HardFacts(
    "search",
    HardSide("shop", "3.3"),
    DEMO,
    family=Family.OPENSEARCH,
    reach={"log_reader": ("iam_role:app",)},
    policy={"Statement": [CROSS]},
)


def test_a_connection_between_domains_that_is_as_hard_as_it_can_be() -> None:
    found = harden(SEARCH)
    assert (found.exit_status, codes(found, Weight.OK), codes(found, Weight.NOTE)) == (0, {"policy"}, {"role"})
    assert any("internal users of shop" in one for one in found.cannot)
    assert any("called as an admin certificate of demo" in one for one in found.cannot)
    # From 3.x on no name of a role goes along.
    held = {"log_reader": ("iam_role:night",)}
    assert "role-sent" not in codes(
        harden(replace(SEARCH, here=HardSide("shop", "3.3", {"log_reader": {}}, held))), Weight.WRONG
    )


@pytest.mark.parametrize(
    ("code", "facts", "says"),
    [
        (
            "administrator",
            replace(SEARCH, reach={"all_access": ("iam_role:app",)}),
            "administrators of demo (all_access)",
        ),
        (
            "same-name",
            replace(SEARCH, reach={"log_reader": ("internal_user:kim",)}),
            "internal_user:kim of shop is taken for",
        ),
        (
            "everybody",
            replace(SEARCH, there=replace(DEMO, holders={"log_reader": ("backend_role:*",)})),
            "to everybody",
        ),
        (
            "role-sent",
            replace(SEARCH, here=HardSide("shop", "2.19", {"log_reader": {}}, {"log_reader": ("iam_role:night",)})),
            "iam_role:night of shop have log_reader, a name that demo has too: a 2.x sends the names of all roles along",
        ),
        (
            "role-sent",
            replace(
                SEARCH, here=HardSide("shop", "2.19", {"own": {}}, {"all_access": ("iam_role:boss",), "own": ("x",)})
            ),
            "iam_role:boss of shop have all_access, a name that demo has too: a 2.x sends the names of all roles along, "
            "and it counts there without a mapping; they read everything there",
        ),
        (
            "role-sent",
            replace(
                SEARCH,
                here=HardSide(
                    "shop", "2.19", {}, {"log_reader": ("iam_role:app", "iam_role:b"), "security_manager": ("c",)}
                ),
            ),
            "iam_role:b of shop have log_reader",  # the other is mapped there; and by the last no search gains
        ),
        ("policy", replace(SEARCH, policy={"Statement": [{**CROSS, "Principal": {"AWS": "*"}}]}), "allows everybody"),
        (
            "policy",
            replace(SEARCH, policy={"Statement": [{**CROSS, "Principal": "*", "Action": "es:*"}]}),
            "allows everybody",
        ),
    ],
)
def test_each_fault_between_domains_by_itself_is_found(code: str, facts: HardFacts, says: str) -> None:
    found = harden(facts)
    assert codes(found, Weight.WRONG) == {code}
    assert any(says in one.says and one.remedy for one in found.findings)


def test_a_policy_that_does_not_name_the_permission_lets_no_search_in() -> None:
    ours = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "es:ESHttp*"}]}
    (note,) = [one for one in harden(replace(SEARCH, policy=ours)).findings if one.code == "policy"]
    assert "allows nobody es:ESCrossClusterGet" in note.says
    assert codes(harden(replace(SEARCH, policy=None)), Weight.UNKNOWN) == {"policy"}


# ---------------------------------------------------------------------- the verb

_HEAD = """\
deployment: NAME
engine: elasticsearch-9.5.3
cluster: {endpoint: 'NAME.example:443', user: portcullis, credential: NAME/automation, licence: trial}
key: {arn: 'arn:aws:kms:eu-central-1:111122223333:key/1'}
identity: {cognito: {groups: {readers: {}}}}
"""
ORDERS = _HEAD.replace("NAME", "orders") + (
    "remotes:\n  old: {deployment: logs, model: certificate}\n"
    "access:\n  roles: {log_reader: {}, unknown_there: {}}\n  users: {boss: {}}\n  grants:\n"
    "    - {role: log_reader, to: {cognito_group: readers}}\n    - {role: unknown_there, to: {cognito_group: readers}}\n"
    "    - {role: superuser, to: {internal_user: boss}}\n"
)
LOGS = _HEAD.replace("NAME", "logs") + (
    "access:\n  roles: {log_reader: {indices: [{names: ['logs-*'], privileges: [read]}]}}\n  users: {kim: {}}\n"
    "  grants: [{role: log_reader, to: {internal_user: kim}}]\n"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "deployments").mkdir()
    (tmp_path / "deployments" / "orders.yaml").write_text(ORDERS)
    (tmp_path / "deployments" / "logs.yaml").write_text(LOGS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


ASKED = ["remote", "harden", "old", "-d", "orders", "--offline"]


def test_the_page_quotes_what_two_files_come_to(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ASKED, "--trusts", "*.orders.example"]) == 3
    printed = capsys.readouterr().out
    assert printed.strip() in (ROOT / "docs" / "remotes.md").read_text(), printed
    assert "unknown_there" not in printed  # no role of that name is there
    assert main([*ASKED, "--json"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert {one["code"] for one in told["findings"] if one["weight"] == "wrong"} == {"superuser", "shared-role"}
    published = json.loads((ROOT / "docs" / "answers.schema.json").read_text())
    jsonschema.validate(told, published["properties"]["remote harden"] | {"$defs": published["$defs"]})


def test_two_domains_by_their_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demo = (ROOT / "deployments" / "demo.yaml").read_text()
    (folder / "shop.yaml").write_text(demo.replace("deployment: demo", "deployment: shop", 1))
    (folder / "demo.yaml").write_text(demo)
    asked = ["remote", "harden", "search", "-d", "shop.yaml", "--offline", "--to", "demo.yaml", "--json"]
    assert main(asked) == 3
    told = json.loads(capsys.readouterr().out)
    assert {one["code"] for one in told["findings"] if one["weight"] == "wrong"} == {"administrator"}
    assert any("allows nobody es:ESCrossClusterGet" in one["says"] for one in told["findings"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["remote", "harden", "none", "-d", "orders", "--offline"], "there is no remote 'none'"),
        (["remote", "harden", "old", "-d", "orders", "--to", "x"], "is for --offline"),
        ([*ASKED, "--to", "nowhere.yaml"], "there is no such file"),
    ],
)
def test_a_call_that_cannot_be_is_one_line(
    folder: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_a_side_whose_file_is_not_there_is_unknown() -> None:
    here_, other = model.loads(ORDERS, "orders.yaml"), model.loads(LOGS, "logs.yaml")
    assert any("--to FILE" in one.says for one in of_files(here_, {}, "old").findings)
    assert of_files(here_, {}, "old", to=other).findings == of_files(here_, {"logs": other}, "old").findings
    domain = model.loads((ROOT / "deployments" / "demo.yaml").read_text(), "demo.yaml")
    for one, to in ((domain, None), (domain, other), (here_, domain)):
        with pytest.raises(BadInput):
            of_files(one, {}, "old", to=to)
