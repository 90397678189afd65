"""Given an Elasticsearch whose people are native users, or have tokens of a realm, then the same questions are answered as the cluster
would, by the names that people have in IAM and Cognito."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from portcullis.access.actual import Json
from portcullis.access.questions.answers import Layer, Matrix, WhatIf, WhoCan, Why
from portcullis.entry.verbs import VERBS
from portcullis.errors import BadInput
from portcullis.families.elasticsearch.documents.config import Kind
from portcullis.model import load
from portcullis.operations.access.asking.asserting import diff_held
from portcullis.operations.access.asking.scene_of_file import of_file
from portcullis.operations.access.deployments import apply_text
from portcullis.ports.registration import Cognito

from tests.operations import elastic
from tests.operations.orders import CAUSE, cognito, group
from tests.operations.worlds import ELASTICSEARCH_9, POOL, Account, account, arn

READS: Json = {"names": ["orders-*"], "privileges": ["read"]}
PART: Json = {
    **READS,
    "query": '{"term": {"region": "eu"}}',
    "field_security": {"grant": ["*"], "except": ["customer"]},
}
ACCESS = """\
access:
  levels:
    preset: layered
    indices: ["orders-*"]
  roles:
    part_of_orders:
      indices:
        - names: ["orders-*"]
          privileges: [read]
          query: {term: {region: eu}}
          field_security: {grant: ["*"], except: [customer]}
    keeps_orders:
      indices: [{names: ["orders-*"], privileges: [read, write]}]
  grants:
    - {role: part_of_orders, to: {cognito_group: readers}}
    - {level: support, to: {cognito_group: support}}
    - {role: keeps_orders, to: {iam_group: ops}}
"""


def text(people: str = "native_users: {}", access: str = ACCESS) -> str:
    return (
        "deployment: demo\nengine: elasticsearch-9.5\n"
        'cluster: {endpoint: "search.example.internal:443", user: portcullis, credential: demo/elasticsearch, licence: trial}\n'
        "key: {arn: arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000}\n"
        f"people: {{{people}}}\n"
        "identity:\n  cognito: {groups: {readers: {}, support: {}}}\n  iam_groups: [ops]\n" + access
    )


def cluster(people: str = "native_users: {}", access: str = ACCESS, **users: Any) -> Account:
    """Anna reads orders in part, Ben supports, Carl of IAM keeps orders; dora is in no group, zoe has no user on the cluster."""
    held = elastic.house()
    for name, one in users.items():
        held = held.with_document(Kind.USERS, name.replace("_", "."), one)
    made = account(held, make=ELASTICSEARCH_9)
    made.registered(cognito=Cognito(POOL))
    made.people.groups |= {
        group("readers"): (cognito("anna"), cognito("zoe")),
        group("support"): (cognito("ben"),),
        group("ops", type(group("x").kind).IAM_GROUP): (arn("user", "carl"),),
    }
    made.engine.index_blocks = {name: {} for name in ("orders-1", "orders-2", "payroll-1")}
    apply_text(made.services, "demo", text(people, access), CAUSE)
    return made


def asks(here: Account, verb: str, **arguments: Any) -> Any:
    return VERBS[verb].run(here.services, "demo", CAUSE, **arguments)


def can(here: Account, person: str, does: str, what: str) -> Why:
    found: Why = asks(here, "can", person=person, does=does, what=what)
    return found


NATIVE = [
    ("cognito_user:anna", "GET", "orders-1/_search", True, "only a part"),
    ("cognito_user:anna", "read", "orders-*", True, "without customer"),
    ("cognito_user:anna", "write", "orders-1", False, "no permission of by-hand, part_of_orders covers it"),
    ("cognito_user:anna", "read", "payroll-1", False, "no permission of"),
    ("internal_user:anna", "read", "orders-1", True, "only a part"),
    ("anna", "read", "orders-1", True, "only a part"),
    ("ben", "read", "orders-2", True, "yes"),
    ("carl", "write", "orders-1", True, "yes"),
    (arn("user", "carl"), "DELETE", "orders-1", False, "covers it"),
    ("dora", "read", "orders-1", False, "native user dora has no role"),
    ("zoe", "read", "orders-1", False, "there is no native user zoe"),
    ("elastic", "read", "payroll-1", True, "yes"),
    ("elastic", "GET", "_cluster/health", True, "yes"),
    ("ben", "GET", "_cluster/health", False, "no permission of level_support covers it"),
    ("ben", "read", "dc2:orders-1", False, "there is no remote cluster dc2"),
    ("ben", "read", "<orders-{now}>", None, "only the engine can tell"),
    ("ben", "GET", "orders-1/_sql", None, "only the engine can tell"),
    ("ben", "POST", "orders-1/_bulk", None, "in its body"),
    ("ben", "GET", "_mget", None, "in its body"),
    ("carl", "PUT", "orders-1/_doc/1", True, "yes"),
    ("ben", "PUT", "orders-1/_doc/1", False, "no permission of level_support covers it"),
    ("carl", "DELETE", "orders-1/_doc/1", True, "yes"),
    ("carl", "POST", "payroll-1/_doc", False, "no role of"),
    ("ben", "GET", "<orders-{now}>/_search", None, "only the engine can tell"),
    ("ben", "GET", "orders-1,payroll-1/_search", False, "no role of level_support grants"),
    ("ben", "GET", "*/_search", True, "yes"),
]


class NoRemotes:
    """Of the Remotes protocol: a cluster that reads no other."""

    def info(self) -> Json:
        return {}


@pytest.fixture(scope="module")
def natives() -> Account:
    here = cluster()
    here.services = replace(here.services, remotes=lambda _: NoRemotes())
    return here


@pytest.mark.parametrize(("person", "does", "what", "allowed", "words"), NATIVE)
def test_one_sentence_says_yes_no_or_unknown(
    natives: Account, person: str, does: str, what: str, allowed: bool | None, words: str
) -> None:
    found = can(natives, person, does, what)
    assert (found.allowed, found.exit_status) == (allowed, {True: 0, False: 1, None: 4}[allowed])
    assert words in found.answer


def test_the_chain_leads_over_the_native_user_to_the_permission(natives: Account) -> None:
    found = asks(natives, "why", person="cognito_user:anna", index="orders-1")
    of = {one.layer: one for one in found.reasons if one.object != "role_members/by-hand/users: anna"}
    assert (of[Layer.PRINCIPAL].object, of[Layer.MAPPING].object) == ("anna", "role_members/part_of_orders/users: anna")
    assert "cognito_group:readers" in of[Layer.MAPPING].rule
    assert of[Layer.MAPPING].since  # it is ours, and the history knows
    assert of[Layer.PERMISSION].rule == "read on orders-*"
    assert "region" in of[Layer.PERMISSION].effect


def test_who_can_and_the_matrix_name_each_person_once(natives: Account) -> None:
    who: WhoCan = asks(natives, "who-can", does="read", index="orders-1")
    assert [one.person for one in who.people] == [
        "cognito_user:anna",
        "cognito_user:ben",
        "iam_user:carl",
        "internal_user:elastic",
    ]
    assert {one.name: (one.limited, one.through) for one in who.people}["anna"] == (True, ("cognito_group:readers",))
    matrix: Matrix = asks(natives, "matrix")
    rows = {row.person: row.cells for row in matrix.people}
    assert rows["cognito_user:anna"] == ("part", "part", "-")
    assert rows["iam_user:carl"] == ("read write", "read write", "-")
    assert "internal_user:anna" not in rows


@pytest.mark.parametrize(
    ("person", "does", "group_", "changes", "gained", "lost"),
    [
        ("ben", "joins", "readers", {}, {"part_of_orders"}, set()),  # support lifts the limits
        (
            "anna",
            "joins",
            "support",
            {"orders-1": ("part", "read"), "orders-2": ("part", "read")},
            {"level_support"},
            set(),
        ),
        (
            "anna",
            "leaves",
            "readers",
            {"orders-1": ("part", "-"), "orders-2": ("part", "-")},
            set(),
            {"part_of_orders"},
        ),
        ("zoe", "joins", "support", {}, set(), set()),  # without a user on the cluster
    ],
)
@pytest.mark.parametrize("people", ["native_users: {}", "realm: {name: tokens}", "realm: {name: tokens, by: groups}"])
def test_what_if_they_joined_or_left(
    people: str, person: str, does: str, group_: str, changes: dict[str, Any], gained: set[str], lost: set[str]
) -> None:
    if person == "zoe" and people != "native_users: {}":
        changes, gained = {"orders-1": ("part", "read"), "orders-2": ("part", "read")}, {"level_support"}
    found: WhatIf = asks(cluster(people), "what-if", person=f"cognito_user:{person}", does=does, group=group_)
    assert {one.index: (one.before, one.after) for one in found.changes} == changes
    assert (set(found.roles_gained), set(found.roles_lost)) == (gained, lost)


def test_somebody_may_be_several_users_who_are_never_put_together() -> None:
    # One role filters documents, another hides fields: as one user they would lift each other's limits.
    of_levels = 'native_users: {of_levels: {support: "{name}.support"}}'
    here = cluster(of_levels, ben_support=elastic.user())
    here.people.groups[group("readers")] = (cognito("ben"),)
    VERBS["synchronise"].run(here.services, "demo", CAUSE)
    found = can(here, "cognito_user:ben", "read", "orders-1")
    assert found.allowed
    assert not found.seen[0].limited
    assert {one.object for one in found.reasons if one.layer is Layer.MAPPING} == {
        "role_members/part_of_orders/users: ben",
        "role_members/level_support/users: ben.support",
    }
    assert asks(here, "why", person="internal_user:ben.support", index="orders-1").person == "cognito_user:ben"


def test_two_who_would_be_one_user_are_not_known_to_be_it() -> None:
    here = cluster()
    here.people.groups[group("ops", type(group("x").kind).IAM_GROUP)] = (arn("user", "anna"),)
    here.engine.held = here.engine.held.with_document(Kind.USERS, "anna", elastic.user("keeps_orders"))
    found = can(here, "cognito_user:anna", "read", "orders-1")
    assert (found.allowed, "would both be the user anna" in found.answer) == (None, True)


def test_nobody_is_a_user_that_is_kept_for_portcullis() -> None:
    here = cluster()
    here.people.groups[group("readers")] = (cognito(elastic.AUTOMATION),)
    found = can(here, f"cognito_user:{elastic.AUTOMATION}", "read", "orders-1")
    assert (found.allowed, "kept for Portcullis" in found.answer) == (False, True)


@pytest.mark.parametrize("people", ["native_users: {}", "realm: {name: tokens}"])
def test_a_native_user_whose_name_looks_like_a_pattern_is_one_user(people: str) -> None:
    here = cluster(people)
    for name in ("we*rd", "/odd/"):
        here.engine.held = here.engine.held.with_document(Kind.USERS, name, elastic.user("keeps_orders"))
    who: WhoCan = asks(here, "who-can", does="write", index="orders-1")
    assert {"internal_user:we*rd", "internal_user:/odd/"} <= {one.person for one in who.people}
    assert not [one.person for one in who.people if one.person.startswith("anybody")]
    assert can(here, "/odd/", "write", "orders-1").allowed is True


def test_a_disabled_user_may_nothing() -> None:
    here = cluster()
    one = here.engine.held.of(Kind.USERS)["anna"]
    here.engine.held = here.engine.held.with_document(Kind.USERS, "anna", {**one, "enabled": False})
    found = can(here, "anna", "read", "orders-1")
    assert (found.allowed, "native user anna is disabled" in found.answer) == (False, True)


# ---------------------------------------------------------------------- realms, and what is nobody's


def mapped(here: Account, name: str, rules: Json, *roles: str, **more: Any) -> None:
    document = {"enabled": True, "roles": list(roles), "rules": rules, **more}
    here.engine.held = here.engine.held.with_document(Kind.MAPPINGS, name, document)


@pytest.mark.parametrize("people", ["realm: {name: tokens}", "realm: {name: tokens, by: groups}"])
def test_people_with_tokens_have_what_our_role_mappings_give(people: str) -> None:
    here = cluster(people)
    assert "only a part" in can(here, "cognito_user:anna", "read", "orders-1").answer
    assert can(here, "cognito_user:anna", "read", "payroll-1").allowed is False
    assert can(here, "cognito_user:ben", "write", "orders-1").allowed is False
    who: WhoCan = asks(here, "who-can", does="read", index="orders-1")
    assert "cognito_user:zoe" in {one.person for one in who.people}  # a token needs no user
    assert not [one for one in who.people if one.person.startswith("role_mapping:")]


@pytest.mark.parametrize(
    ("rules", "role", "allowed"),
    [
        ({"field": {"username": "anna"}}, "keeps_orders", True),
        ({"all": [{"field": {"realm.name": "tokens"}}, {"field": {"username": "a*"}}]}, "keeps_orders", True),
        ({"all": [{"field": {"realm.name": "other"}}, {"field": {"username": "anna"}}]}, "keeps_orders", False),
        (
            {"all": [{"field": {"username": "anna"}}, {"except": {"field": {"realm.name": "tokens"}}}]},
            "keeps_orders",
            False,
        ),
        ({"field": {"groups": "staff"}}, "keeps_orders", None),
        ({"field": {"metadata.jwt_claim_team": "red"}}, "keeps_orders", None),
        ({"field": {"metadata.jwt_claim_team": "red"}}, "by-hand", False),  # that role would not let them
        ({"all": []}, "keeps_orders", True),
        ({"any": []}, "keeps_orders", False),
        ({"field": {"username": "/an[n&]a/"}}, "keeps_orders", None),
    ],
)
def test_a_role_mapping_by_hand_counts_as_far_as_a_token_is_known(rules: Json, role: str, allowed: bool | None) -> None:
    here = cluster("realm: {name: tokens}")
    mapped(here, "by hand", rules, role)
    assert can(here, "cognito_user:anna", "write", "orders-1").allowed is allowed


def test_what_a_template_gives_only_the_engine_can_tell() -> None:
    here = cluster("realm: {name: tokens}")
    mapped(here, "by hand", {"field": {"username": "anna"}}, role_templates=[{"template": {"source": "{{x}}"}}])
    assert can(here, "cognito_user:anna", "write", "orders-1").allowed is None
    assert can(here, "cognito_user:anna", "read", "orders-1").allowed is True


def test_whoever_a_role_mapping_lets_in_is_named_by_it() -> None:
    here = cluster()
    mapped(here, "staff", {"field": {"dn": "*,ou=staff"}}, "keeps_orders")
    who: WhoCan = asks(here, "who-can", does="write", index="orders-1")
    assert ("role_mapping:staff", ("role_mapping/staff",)) in {(one.person, one.through) for one in who.people}
    assert can(here, "role_mapping:staff", "read", "payroll-1").allowed is False


# ---------------------------------------------------------------------- locks, licences, files


def test_while_it_is_locked_nobody_may_and_it_is_said_why() -> None:
    here = cluster()
    VERBS["lock"].run(here.services, "demo", CAUSE, reason="a leak")
    found = can(here, "elastic", "read", "orders-1")
    assert (found.allowed, "demo is locked" in found.answer) == (False, True)


def test_a_basic_licence_refuses_what_is_limited() -> None:
    here = cluster()
    here.engine.dialect = "9.5 basic"
    limited, whole = (can(here, who, "read", "orders-1") for who in ("anna", "ben"))
    assert (limited.allowed, "which a basic licence refuses" in limited.answer) == (False, True)
    assert whole.allowed


@pytest.mark.parametrize(
    ("fields", "may"),
    [
        ({}, True),
        ({"grant": ["*"]}, True),
        ({"grant": ["*"], "except": []}, True),
        ({"grant": ["*"], "except": ["b"]}, False),
    ],
)
def test_under_a_basic_licence_a_role_with_a_limit_gives_nothing_at_all(fields: Json, may: bool) -> None:
    """Neither where it limits nothing. Measured on 9.5.3, 8.19.21 and 6.8.23; another role of the same person counts."""
    here = cluster()
    here.engine.dialect = "9.5 basic"
    limited = {"names": ["payroll-*"], "privileges": ["read"], "field_security": fields}
    held = here.engine.held.with_document(
        Kind.ROLES, "mixed", {"indices": [limited, {"names": ["orders-*"], "privileges": ["read"]}]}
    )
    held = held.with_document(Kind.ROLES, "plain", {"indices": [{"names": ["orders-*"], "privileges": ["read"]}]})
    for name, roles in (("dora", ("mixed",)), ("emil", ("mixed", "plain"))):
        held = held.with_document(Kind.USERS, name, elastic.user(*roles))
    here.engine.held = held
    assert [can(here, "dora", "read", index).allowed for index in ("orders-1", "payroll-1")] == [may, may]
    assert [can(here, "emil", "read", index).allowed for index in ("orders-1", "payroll-1")] == [True, may]


def test_a_reserved_role_that_is_not_known_here_is_no_no() -> None:
    here = cluster()
    here.engine.held = here.engine.held.with_document(Kind.USERS, "dora", elastic.user("kibana_admin"))
    assert can(here, "dora", "read", "orders-1").allowed is None


def test_who_sees_an_index_by_an_alias_alone_is_listed() -> None:
    """Its own name is refused them: a search of the alias shows it all the same."""
    access = ACCESS.replace('names: ["orders-*"], privileges: [read, write]', "names: [of-orders], privileges: [read]")
    here = cluster(access=access)
    here.engine.groups = ({"of-orders": ("orders-1",)}, {})
    assert can(here, "carl", "read", "orders-1").allowed is False
    who: WhoCan = asks(here, "who-can", does="read", index="*")
    assert {one.name: one.indices for one in who.people}["carl"] == ("orders-1",)


def test_what_an_exclusion_takes_off_is_not_listed() -> None:
    here = cluster()
    who: WhoCan = asks(here, "who-can", does="read", index="orders-*,-orders-2")
    assert who.indices == ("orders-1",)
    matrix: Matrix = asks(here, "matrix", indices=["*", "-orders-*"])
    assert matrix.indices == ("payroll-1",)


@pytest.mark.parametrize("verb", ["access", "access-between"])
def test_the_history_tells_of_no_other_cluster_and_says_so(verb: str) -> None:
    at = {"at": "2026-11-28T09:00"} if verb == "access" else {"since": "2026-11-28T09:00"}
    with pytest.raises(BadInput, match="is of another cluster"):
        asks(cluster(), verb, index="dc2:logs-1", **at)


def test_what_looks_at_everything_says_that_other_clusters_are_left_out() -> None:
    here = cluster()
    for verb, more in (
        ("findings", {}),
        ("report", {}),
        ("what-if", {"person": "ben", "does": "joins", "group": "readers"}),
    ):
        assert any("other clusters" in one for one in asks(here, verb, **more).not_looked_at), verb


def test_an_index_may_be_behind_a_data_stream_of_another_name() -> None:
    access = ACCESS.replace('names: ["orders-*"], privileges: [read, write]', "names: [stream], privileges: [read]")
    here = cluster(access=access)
    here.engine.groups = ({"of-orders": ("orders-1",)}, {"stream": ("orders-2",)})
    assert [can(here, "carl", "read", one).allowed for one in ("orders-1", "of-orders", "orders-2")] == [
        False,
        False,
        True,
    ]
    here.engine.groups = None
    assert [can(here, "carl", "read", one).allowed for one in ("orders-1", "stream")] == [None, True]


def test_names_of_elastics_own_features_are_not_said_to_be_reached() -> None:
    here = cluster(
        access=ACCESS.replace('names: ["orders-*"], privileges: [read, write]', 'names: ["*"], privileges: [read]')
    )
    here.engine.index_blocks[".kibana_1"] = {}
    assert [can(here, "carl", "read", one).allowed for one in (".kibana_1", "payroll-1", ".security-7")] == [
        None,
        True,
        False,
    ]


def test_who_may_reach_one_of_several_indices_is_not_known_and_not_a_no() -> None:
    """Of the other index everybody knows that they may not: the request for both is refused."""
    here = cluster(
        access=ACCESS.replace('names: ["orders-*"], privileges: [read, write]', 'names: [".k*"], privileges: [read]')
    )
    here.engine.index_blocks[".kibana_1"] = {}
    here.engine.index_blocks["xkibana_1"] = {}
    found: WhoCan = asks(here, "who-can", does="read", index="*kibana_1")
    assert [one.allowed for one in found.people if one.name == "carl"] == [None]


def file_with(tmp_path: Path, name: str, access: str = ACCESS, people: str = "native_users: {}") -> Any:
    path = tmp_path / name
    path.write_text(text(people, access))
    return load(path)


@pytest.mark.parametrize("people", ["native_users: {}", "realm: {name: tokens}", "realm: {name: tokens, by: groups}"])
def test_what_changes_between_two_files_is_said_by_group(tmp_path: Path, people: str) -> None:
    wider = ACCESS.replace('[{names: ["orders-*"], privileges: [read, write]}]', '[{names: ["*"], privileges: [read]}]')
    old, new = (
        file_with(tmp_path, name, access, people) for name, access in (("old.yaml", ACCESS), ("new.yaml", wider))
    )
    found = diff_held(
        of_file(old), of_file(new), ("old", "new"), ["no one gains", "nobody outside group ops reads payroll-*"]
    )
    assert [one.person for one in found.people] == ["iam_group:ops"]
    (ops,) = found.people
    assert (ops.gains, ops.loses) == (True, True)
    assert [one.what for one in ops.gained] == ["read on *"]
    assert [one.what for one in ops.lost] == ["write on orders-*"]
    assert [one.holds for one in found.assertions] == [False, True]
    assert not diff_held(of_file(old), of_file(old), ("old", "old"), ["no one gains"]).people


def test_an_assertion_is_not_known_to_hold_where_only_the_engine_can_tell(tmp_path: Path) -> None:
    regex = ACCESS.replace('names: ["orders-*"], privileges: [read, write]', 'names: ["/o.*@x/"], privileges: [read]')
    one = file_with(tmp_path, "one.yaml", regex)
    found = diff_held(of_file(one), of_file(one), ("a", "b"), ["no one reads payroll-*"])
    assert found.assertions[0].holds is not True


def test_the_engine_with_a_file_is_compared_with_it_as_it_is() -> None:
    wider = ACCESS.replace(
        "{cognito_group: support}}", "{cognito_group: support}}\n    - {level: support, to: {cognito_group: readers}}"
    )
    found = asks(cluster(), "diff", text=text(access=wider))
    assert [(one.person, one.gains, one.loses) for one in found.people] == [("cognito_user:anna", True, False)]


def test_a_plan_says_what_people_gain_and_that_a_loss_is_not_known() -> None:
    wider = ACCESS.replace(
        "{cognito_group: support}}", "{cognito_group: support}}\n    - {level: support, to: {cognito_group: readers}}"
    )
    found = asks(cluster(), "plan", text=text(access=wider))
    assert found.answer == "1 to add, 0 to change, 0 to remove; 1 gains something, nobody loses anything"
    assert [(one.sign, one.name, one.person) for one in found.changes] == [("+", "level_support", "anna")]
    other = ACCESS.replace("except: [customer]", "except: []").replace("region: eu", "region: us")
    found = asks(cluster(), "plan", text=text(access=other))
    (anna,) = found.people
    assert (anna.gains, anna.loses) == (True, None), "other documents: whether some are seen no more is not known"
    assert found.answer.endswith("1 gains something, nobody is known to lose anything; of 1 person it is not known")


def test_what_changed_since_then_is_told_of_a_cluster_too() -> None:
    here = cluster()
    before = here.services.now().isoformat()
    VERBS["apply"].run(
        here.services, "demo", CAUSE, text=text(access=ACCESS.replace("except: [customer]", "except: []"))
    )
    found = asks(here, "diff", old=before, new="now", assertions=["no one gains"])
    assert [(one.person, one.gains, one.loses) for one in found.people] == [("cognito_user:anna", True, False)]
    assert [one.holds for one in found.assertions] == [False]


def test_a_closed_index_is_told_and_changes_nobodys_rights() -> None:
    here = cluster()
    before, able = asks(here, "matrix").people, asks(here, "who-can", does="read", index="orders-*").people
    assert before
    here.engine.closed = ("orders-1",)
    assert asks(here, "matrix").people == before
    assert asks(here, "who-can", does="read", index="orders-*").people == able
    somebody = next(one.name for one in able if one.allowed)
    found = can(here, somebody, "GET", "orders-1/_search")
    assert (found.allowed, found.ends.partition(":")[0]) == (True, "400")
    assert found.answer.endswith(f"; it is answered {found.ends}")
    assert can(here, somebody, "GET", "orders-absent/_search").ends.startswith("404: ")
