"""Given a deployment with people in groups, then who may see what is answered by name, with the chain, and what is unknown is said."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from portcullis.access.actual import EngineSettings, Json
from portcullis.access.one_role import Rank
from portcullis.access.plan import Subject, SubjectKind
from portcullis.access.questions.answers import Layer, WhoCan, Why
from portcullis.custody.types import Custody, Health, RevocationCause, State
from portcullis.entry.verbs import VERBS
from portcullis.errors import BadInput, Unreachable
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.operations.access.asking.questions import stopping
from portcullis.operations.access.asking.scene import live
from portcullis.operations.services import Trigger
from portcullis.ports.engine import Names

from tests.operations.orders import CAUSE, cognito, group, orders_account
from tests.operations.worlds import Account, arn


@pytest.fixture
def here() -> Account:
    return orders_account()


def asks(here: Account, verb: str, **arguments: Any) -> Any:
    return VERBS[verb].run(here.services, "demo", CAUSE, **arguments)


def can(here: Account, person: str, does: str, what: str) -> Why:
    found: Why = asks(here, "can", person=person, does=does, what=what)
    return found


def who(here: Account, does: str, index: str) -> WhoCan:
    found: WhoCan = asks(here, "who-can", does=does, index=index)
    return found


@pytest.mark.parametrize(
    ("person", "does", "what", "allowed", "words"),
    [
        ("cognito_user:anna", "GET", "orders-1/_search", True, 'documents that match {"term": {"region": "eu"}}'),
        ("cognito_user:anna", "read", "orders-*", True, "without customer, card masked"),
        ("cognito_user:anna", "write", "orders-1", False, "no permission of part_of_orders covers it"),
        ("cognito_user:anna", "read", "payroll-1", False, "no permission of part_of_orders covers it"),
        ("kim", "PUT", "orders-1/_doc/7", True, "kim may PUT /orders-1/_doc/7"),
        ("kim", "DELETE", "orders-1", False, "no permission of keeps_orders covers it"),
        (arn("user", "kim"), "read", "orders-1", True, "yes: kim may read orders-1"),
        ("rita", "indices:data/read/get", "payroll-1", True, "yes"),
        ("lee", "read", "payroll-1", True, "yes"),
        ("both", "read", "payroll-1", True, "yes"),
        ("both", "read", "orders-1", True, "sees only a part"),
        ("cognito_user:idle", "read", "orders-1", False, "no mapping names them"),
        ("kim", "GET", "orders-1/_search/template", True, "kim may GET /orders-1/_search/template"),
        ("kim", "POST", "orders-1/_search/point_in_time", True, "kim may POST /orders-1/_search/point_in_time"),
        ("kim", "GET", "orders-1/_mapping/field/x", True, "kim may GET /orders-1/_mapping/field/x"),
        ("kim", "GET", "_search", False, "no index permission of keeps_orders on payroll-1 covers"),
        ("kim", "POST", "_aliases", None, "the body says no actions on aliases"),
        ("kim", "POST", "orders-1/_update/7", True, "kim may POST /orders-1/_update/7"),
        ("kim", "GET", "orders-1/_sql", None, "only the engine can tell"),
        ("kim", "GET", "_cat/indices", False, "kim may not GET /_cat/indices"),
        ("kim", "GET", "_cluster/health", False, "kim may not GET /_cluster/health"),
        ("kim", "GET", "<orders-{now}>/_search", None, "only the engine can tell"),
        ("kim", "read", "orders-1,payroll-1", False, "no index permission of keeps_orders on payroll-1 covers"),
        ("rita", "read", "of-orders", False, "no permission of"),
        ("master", "read", "payroll-1", True, "yes"),
    ],
)
def test_one_sentence_says_yes_no_or_unknown(
    here: Account, person: str, does: str, what: str, allowed: bool | None, words: str
) -> None:
    found = can(here, person, does, what)
    assert (found.allowed, found.exit_status) == (allowed, {True: 0, False: 1, None: 4}[allowed])
    assert found.answer.startswith({True: "yes: ", False: "no: ", None: "unknown: "}[allowed])
    assert words in found.answer
    assert allowed is not None or found.unknown


@pytest.mark.parametrize(
    ("person", "does", "what", "ends"),
    [
        ("kim", "GET", "orders-9/_search", "404: orders-9 does not exist"),
        ("kim", "read", "orders-9", "404: orders-9 does not exist"),
        ("kim", "GET", "orders-2/_search", "400: orders-2 is closed"),
        ("kim", "POST", "orders-2/_update/7", "400: orders-2 is closed"),
        ("kim", "write", "orders-9", ""),  # it is made
        ("kim", "GET", "orders-1/_search", ""),
        ("kim", "GET", "orders-*/_search", ""),
        ("kim", "GET", "payroll-9/_search", None),
    ],
)
def test_a_yes_says_the_error_that_answers_it_all_the_same(
    here: Account, person: str, does: str, what: str, ends: str | None
) -> None:
    here.engine.closed = ("orders-2",)
    here.engine.index_blocks["orders-2"] = {}
    found = can(here, person, does, what)
    assert (found.allowed, found.ends) == (ends is not None, ends or "")
    assert not ends or found.answer.endswith(f"; it is answered {ends}")


def test_who_may_read_a_closed_index_is_told_as_if_it_were_open(here: Account) -> None:
    before, able = asks(here, "matrix").people, who(here, "read", "orders-*").people
    here.engine.closed = ("orders-1",)
    assert asks(here, "matrix").people == before
    assert who(here, "read", "orders-*").people == able


@pytest.mark.parametrize("what", ["_search", "orders-1,payroll-1/_search"])
def test_what_is_forbidden_is_left_out_where_the_engine_shows_that_it_does_so(here: Account, what: str) -> None:
    """As it is set (do_not_fail_on_forbidden): of a domain of Amazon nobody is shown that, and a part that is permitted is unknown."""
    here.engine.set_to = EngineSettings(leaves_out_forbidden=None)
    found = can(here, "kim", "GET", what)
    assert (found.allowed, "do_not_fail_on_forbidden" in found.answer) == (None, True)
    here.engine.set_to = EngineSettings(leaves_out_forbidden=True)
    found = can(here, "kim", "GET", what)
    assert (found.allowed, found.answer) == (True, f"yes: kim may GET /{what}; payroll-1 is left out")
    assert {one.index: one.allowed for one in found.seen}["payroll-1"] is False


def test_an_engine_that_is_set_to_v4_is_decided_by_it(here: Account) -> None:
    assert can(here, "kim", "GET", "*/_search").allowed is False  # unlike v4, it shows that it refuses the whole
    here.engine.set_to = EngineSettings(leaves_out_forbidden=False, evaluation="v4")
    assert can(here, "kim", "GET", "*/_search").allowed is True


def test_questions_go_by_the_release_that_runs(here: Account) -> None:
    """A domain may have been upgraded since its file was written. Where an engine does not tell, the file has to do."""
    site = here.services.site("demo")
    named = live(site).there.engine
    assert named.startswith("OpenSearch_3")
    here.engine.set_to = replace(here.engine.set_to, release="OpenSearch_2.19")
    assert live(site).there.engine == "OpenSearch_2.19"


def chain(found: Why) -> list[tuple[str, str, str]]:
    return [(one.layer.value, one.object, one.effect) for one in found.reasons]


def test_the_chain_leads_from_the_person_to_the_permission_and_the_lock(here: Account) -> None:
    found = asks(here, "why", person="cognito_user:anna", index="orders-1")
    assert chain(found) == [
        ("network", "demo", "lets them through"),
        ("access policy", "the domain's access policy, statement Open", "lets them through"),
        ("person", "cognito_user:anna", "is in 1 group that counts here"),
        ("group", "cognito_group:tokens", "gives part_of_orders"),
        ("role by the token", arn("role", "tokens"), "the token carries it"),
        ("principal", cognito("anna"), "is how the engine sees them"),
        ("mapping", f"rolesmapping/part_of_orders/backend_roles: {arn('role', 'tokens')}", "gives part_of_orders"),
        (
            "permission",
            "roles/part_of_orders",
            'allows it, only documents that match {"term": {"region": "eu"}}, without the fields customer, masked: card',
        ),
        ("custody", "demo", "lets in whom the engine lets in"),
    ]


def test_a_link_says_since_when_it_is_so_by_whom_and_by_which_event(here: Account) -> None:
    here.people.groups[group("readers")] = (cognito("lee"), cognito("new"))
    VERBS["synchronise"].run(here.services, "demo", Trigger("event 99", "iam"))
    found = asks(here, "why", person="new", index="payroll-1")
    of = {one.layer: one for one in found.reasons}
    assert (of[Layer.MAPPING].event, of[Layer.MAPPING].by) == ("event 99", "iam")
    assert (of[Layer.PERMISSION].event, of[Layer.PERMISSION].by) == ("event 4711", "sam")
    assert of[Layer.MAPPING].since.endswith("Z")
    assert "grant 4" in of[Layer.MAPPING].rule


def test_a_no_says_which_group_would_make_it_a_yes(here: Account) -> None:
    assert can(here, "cognito_user:idle", "read", "payroll-1").would_allow == (
        "cognito_group:readers (role reads_payroll)",
    )
    assert can(here, "kim", "read", "payroll-1").would_allow == ()


def test_a_group_whose_role_the_token_does_not_carry_gives_nothing(here: Account) -> None:
    here.people.ranked["readers"] = Rank(arn("role", "other"), 0)
    here.people.groups[group("readers")] = (cognito("both"),)
    found = can(here, "both", "read", "orders-1")
    assert found.allowed is False
    assert ("group", "cognito_group:tokens", "gives nothing: their token carries the role of readers") in chain(found)


@pytest.mark.parametrize(
    ("ranks", "words"),
    [
        ({"tokens": Rank(arn("role", "tokens"), 1), "readers": Rank(arn("role", "r"), 1)}, "the same precedence"),
    ],
)
def test_whom_the_identity_pool_refuses_may_nothing(here: Account, ranks: dict[str, Rank], words: str) -> None:
    here.people.ranked = ranks
    found = can(here, "both", "read", "payroll-1")
    assert (found.allowed, words in found.answer) == (False, True)


def names(found: WhoCan, allowed: bool | None = True) -> set[str]:
    return {one.person for one in found.people if one.allowed is allowed}


def test_people_are_listed_by_name_also_those_behind_a_group_by_role(here: Account) -> None:
    found = who(here, "read", "orders-*")
    administrators = {"iam_role:master", "iam_role:portcullis-automation"}
    assert names(found) - administrators == {"cognito_user:anna", "cognito_user:both", "iam_user:kim", "iam_user:anna"}
    assert "iam_role:tokens" not in names(found)
    anna = next(one for one in found.people if one.person == "cognito_user:anna")
    assert (anna.through, anna.limited, anna.indices) == (("cognito_group:tokens",), True, ("orders-1", "orders-2"))
    assert names(who(here, "write", "orders-1")) - administrators == {"iam_user:kim", "iam_user:anna"}


def test_who_can_agrees_with_can_about_everybody(here: Account) -> None:
    people = asks(here, "matrix").people
    for index in ("orders-1", "payroll-1"):
        listed = names(who(here, "read", index))
        for one in people:
            assert (can(here, one.person, "read", index).allowed is True) == (one.person in listed), (one, index)


def test_whoever_was_mapped_by_hand_is_listed_with_the_mapping(here: Account) -> None:
    here.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/reads_payroll/users/-", "value": cognito("eve")}])
    here.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/reads_payroll/users/-", "value": "sub-*"}])
    found = {one.person: one for one in who(here, "read", "payroll-*").people}
    eve = found["cognito_user:eve"]
    assert eve.through == (f"rolesmapping/reads_payroll/users: {cognito('eve')}",)
    assert eve.allowed is None, "only whoever is in a group with a role can sign in"
    assert found["anybody:a name that fits sub-*"].allowed is True
    assert "made by hand" in next(
        one.rule for one in can(here, "cognito_user:eve", "read", "payroll-1").reasons if one.layer is Layer.MAPPING
    )


def test_what_only_the_engine_reads_is_unknown_and_never_a_no(here: Account) -> None:
    here.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/reads_payroll/users/-", "value": r"/\p{L}+/"}])
    found = can(here, "kim", "read", "payroll-1")
    assert found.allowed is None
    assert r"rolesmapping/reads_payroll/users: /\p{L}+/" in found.unknown[0]
    assert "anybody:a name that fits /\\p{L}+/" in names(who(here, "read", "payroll-1"), None)


class NotShown:
    """Connections that Amazon does not show."""

    def shown(self) -> None:
        raise Unreachable("AccessDeniedException")


def test_a_far_index_is_unknown_where_the_connections_are_not_shown(
    here: Account,
) -> None:
    """Also for whoever may everything here: the other domain maps them by itself."""
    here.services = replace(here.services, connections=lambda _: NotShown())
    for does, what in (("read", "dc2:catalyst-a"), ("GET", "dc2:catalyst-*/_search")):
        found = can(here, "kim", does, what)
        assert (found.allowed, found.exit_status) == (None, 4)
        assert "is of another cluster" in found.answer
        assert "AccessDeniedException" in " ".join(found.unknown)
    assert can(here, "kim", "write", "dc2:catalyst-a").allowed is False  # nothing is ever written there
    told = who(here, "read", "dc2:*")
    assert names(told) == set()
    assert names(told, None) == {one.person for one in told.people}
    assert len(told.people) > 3
    matrix = asks(here, "matrix", indices=["dc2:catalyst-a"])
    assert {cell for row in matrix.people for cell in row.cells} == {"?"}


def test_a_group_that_cannot_be_read_makes_a_no_unknown(here: Account) -> None:
    here.people.hidden[group("readers")] = "not allowed"
    found = can(here, "cognito_user:idle", "read", "payroll-1")
    assert (found.allowed, "cognito_group:readers" in found.answer) == (None, True)
    assert can(here, "cognito_user:idle", "read", "orders-1").allowed is False  # that group would not give it
    here.people.ranks_fail = True
    assert can(here, "cognito_user:anna", "read", "orders-1").allowed is None
    assert "who is in which group of the user pool" in " ".join(who(here, "read", "orders-1").unknown)


def test_an_engine_that_does_not_say_its_indices_leaves_patterns_unknown(
    here: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent() -> None:
        raise Unreachable("no answer")

    monkeypatch.setattr(here.engine, "names", silent)
    assert can(here, "kim", "read", "orders-*").allowed is None
    assert can(here, "kim", "read", "orders-1").allowed is True
    assert names(who(here, "read", "orders-*"))


def test_while_it_is_locked_nobody_may_and_the_chain_is_still_told(here: Account) -> None:
    VERBS["lock"].run(here.services, "demo", CAUSE, reason="a leak")
    found = can(here, "kim", "read", "orders-1")
    assert found.allowed is False
    assert "demo is locked manually by sam since" in found.answer
    assert (found.reasons[-1].layer, found.reasons[-1].by, found.reasons[-1].effect) == (
        Layer.CUSTODY,
        "sam",
        "nobody is let in",
    )
    assert any(one.object == "roles/keeps_orders" for one in found.reasons)
    assert found.would_allow == (), "no group lets anybody in while it is locked"
    assert "locked manually by sam" in who(here, "read", "orders-1").stopped
    assert "iam_user:kim" in names(who(here, "read", "orders-1"))


def test_while_it_is_on_its_way_to_a_lock_a_yes_is_unknown(here: Account) -> None:
    custody = here.ledger.custody("demo")
    at = here.services.now()
    here.ledger.keep_custody(
        replace(custody, state=State.LOCKING, health=Health.REVOKED, revoked_since=at, cause=RevocationCause.DISABLED)
    )
    found = can(here, "kim", "read", "orders-1")
    assert (found.allowed, "is being locked" in found.answer) == (None, True)
    assert can(here, "kim", "read", "payroll-1").allowed is False


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        ({"person": "anna", "does": "read", "what": "orders-1"}, "person"),  # two are called so
        ({"person": "nobody", "does": "read", "what": "orders-1"}, "person"),
        ({"person": "kim", "does": "see", "what": "orders-1"}, "does"),
        ({"person": "kim", "does": "read", "what": "orders-1/_search"}, "index"),
        ({"person": "kim", "does": "read", "what": ""}, "index"),
    ],
)
def test_a_question_about_nobody_or_nothing_is_bad_input(here: Account, arguments: dict[str, str], place: str) -> None:
    here.people.gone |= {Subject(kind, "nobody") for kind in SubjectKind}
    with pytest.raises(BadInput) as raised:
        asks(here, "can", **arguments)
    assert raised.value.place == place


@pytest.mark.parametrize(("typed", "meant"), [("kmi", "kim"), ("cognito_user:ana", "cognito_user:anna"), ("xx", "")])
def test_a_name_that_is_mistyped_is_answered_with_the_nearest(here: Account, typed: str, meant: str) -> None:
    here.people.gone |= {Subject(kind, name) for kind in SubjectKind for name in (typed, typed.rpartition(":")[2])}
    with pytest.raises(BadInput) as raised:
        can(here, typed, "read", "orders-1")
    assert (f"did you mean {meant!r}?" in raised.value.remedy) is bool(meant)


def test_somebody_in_no_group_at_all_is_looked_up_by_name(here: Account) -> None:
    here.people.gone |= {Subject(SubjectKind.COGNITO_USER, "zoe"), Subject(SubjectKind.IAM_ROLE, "zoe")}
    found = can(here, "zoe", "read", "orders-1")
    assert (found.person, found.allowed) == ("iam_user:zoe", False)
    assert can(here, arn("user", "zoe"), "read", "orders-1").allowed is False


def test_the_matrix_has_everybody_who_may_something(here: Account) -> None:
    found = asks(here, "matrix")
    cells = {row.person: row.cells for row in found.people}
    assert found.indices == ("orders-1", "orders-2", "payroll-1")
    assert cells["cognito_user:anna"] == ("part", "part", "-")
    assert cells["cognito_user:both"] == ("part", "part", "read")
    assert cells["iam_user:kim"] == ("read write", "read write", "-")
    assert cells["iam_role:master"] == ("read write",) * 3
    assert "cognito_user:idle" not in cells
    only = asks(here, "matrix", indices=["pay*"], people=["r*"])
    assert [(row.person, row.cells) for row in only.people] == [("iam_user:rita", ("read",))]


def test_who_lacks_the_cluster_permission_of_every_write_is_not_said_to_write(here: Account) -> None:
    """The automation's role permits all on every index here, and nothing of the cluster: an update that changes nothing is let in."""
    automation = "iam_role:portcullis-automation"
    assert can(here, automation, "write", "orders-1").allowed is None
    cells = {row.person: row.cells for row in asks(here, "matrix").people}
    assert cells[automation] == ("read ?",) * 3
    writers = {one.person: one.allowed for one in who(here, "write", "orders-1").people}
    assert (writers["iam_user:kim"], writers[automation]) == (True, None)


def test_no_question_changes_anything(here: Account) -> None:
    before, writes = here.fate.calls, here.engine.writes
    can(here, "kim", "read", "orders-1")
    who(here, "read", "*")
    asks(here, "matrix")
    assert (here.fate.calls, here.engine.writes) == (before, writes)


@pytest.mark.parametrize(
    ("person", "does", "group_", "changes", "gained", "lost"),
    [
        ("cognito_user:anna", "joins", "readers", {"payroll-1": ("-", "read")}, {"reads_payroll"}, set()),
        ("both", "leaves", "readers", {"payroll-1": ("read", "-")}, set(), {"reads_payroll"}),
        ("lee", "joins", "tokens", {"orders-1": ("-", "part"), "orders-2": ("-", "part")}, {"part_of_orders"}, set()),
        (
            "kim",
            "leaves",
            "ops",
            {"orders-1": ("read write", "-"), "orders-2": ("read write", "-")},
            set(),
            {"keeps_orders"},
        ),
    ],
)
def test_what_would_be_seen_after_joining_or_leaving_a_group(
    here: Account,
    person: str,
    does: str,
    group_: str,
    changes: dict[str, tuple[str, str]],
    gained: set[str],
    lost: set[str],
) -> None:
    found = asks(here, "what-if", person=person, does=does, group=group_)
    assert {one.index: (one.before, one.after) for one in found.changes} == changes
    assert (set(found.roles_gained), set(found.roles_lost)) == (gained, lost)
    name = found.name
    if does == "joins":  # and so it is, once they have
        kind = group(group_)
        here.people.groups[kind] = (*here.people.groups[kind], cognito(name))
        VERBS["synchronise"].run(here.services, "demo", CAUSE)
        row = next(row for row in asks(here, "matrix").people if row.name == name and "cognito" in row.person)
        cells = dict(zip(("orders-1", "orders-2", "payroll-1"), row.cells, strict=True))
        assert all(cells[index] == after for index, (_, after) in changes.items())


@pytest.mark.parametrize(
    ("person", "does", "group_"),
    [
        ("cognito_user:anna", "joins", "tokens"),  # is in it
        ("cognito_user:anna", "leaves", "readers"),  # is not
        ("kim", "joins", "readers"),  # for users of the pool
        ("kim", "joins", "nobodies"),
        ("kim", "visits", "ops"),
    ],
)
def test_a_supposition_that_cannot_be_is_bad_input(here: Account, person: str, does: str, group_: str) -> None:
    with pytest.raises(BadInput):
        asks(here, "what-if", person=person, does=does, group=group_)


def on_alias(here: Account) -> None:
    """Rita's role is on the name `of-payroll`, and on no index."""
    role = here.engine.held.of(Kind.ROLES)["reads_payroll"]
    entries = [{**entry, "index_patterns": ["of-payroll"]} for entry in role["index_permissions"]]
    roles = {**here.engine.held.of(Kind.ROLES), "reads_payroll": {**role, "index_permissions": entries}}
    here.engine.held = SecurityConfig({**here.engine.held.documents, Kind.ROLES: roles})


@pytest.mark.parametrize("groups", [({"of-payroll": ("payroll-1",)}, {}), ({}, {"of-payroll": ("payroll-1",)})])
def test_a_role_on_an_alias_or_a_data_stream_lets_into_what_is_behind_it(here: Account, groups: Any) -> None:
    on_alias(here)
    here.engine.groups = groups
    found = can(here, "rita", "read", "of-payroll")
    assert found.allowed is True
    assert [one.index for one in found.seen] == ["payroll-1"]
    behind = can(here, "rita", "read", "payroll-1")
    assert behind.allowed is True
    assert [one.rule for one in behind.reasons if one.layer is Layer.PERMISSION] == ["read on of-payroll"]
    assert "rita" in {one.name for one in who(here, "read", "of-payroll").people if one.allowed}
    assert can(here, "rita", "read", "orders-1").allowed is False


def test_that_an_alias_may_have_a_filter_is_said(here: Account) -> None:
    """Where the role of the automation has not been put right yet, and the engine does not tell."""
    on_alias(here)
    here.engine.groups = {"of-payroll": ("payroll-1",)}, {}
    assert not any("filter of its own" in line for line in can(here, "rita", "read", "of-payroll").unknown)
    here.engine.filters = None
    assert any("filter of its own" in line for line in can(here, "rita", "read", "of-payroll").unknown)


def test_where_the_engine_leaves_out_an_index_a_no_is_unknown(here: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may answer with what the automation is permitted to see alone: an alias may be missing, too."""
    on_alias(here)
    monkeypatch.setattr(here.engine, "names", lambda: Names(("orders-1",)))
    assert can(here, "rita", "read", "payroll-1").allowed is None


def test_where_the_engine_does_not_tell_its_aliases_a_no_is_unknown(here: Account) -> None:
    """Older than 7.9, or a role of the automation that has not been put right yet: a role on an alias lets into its indices."""
    on_alias(here)
    here.engine.groups = None
    found = can(here, "rita", "read", "payroll-1")
    assert (found.allowed, found.exit_status) == (None, 4)
    assert "a role of theirs is on of-payroll, which is no index" in found.answer
    assert "may be an alias" in can(here, "rita", "read", "of-orders").answer


@pytest.mark.parametrize(("does", "index", "place"), [("read", "a" * 5000, "index"), ("a:" + "b" * 5000, "x", "does")])
def test_what_is_too_long_is_named_and_not_repeated(here: Account, does: str, index: str, place: str) -> None:
    with pytest.raises(BadInput, match=r"has \d+ characters .2048 at most") as raised:
        who(here, does, index)
    assert place in str(raised.value)
    assert len(str(raised.value)) < 100


def edits_roles(here: Account, **roles: Json) -> None:
    here.engine.held = SecurityConfig(
        {**here.engine.held.documents, Kind.ROLES: {**here.engine.held.of(Kind.ROLES), **roles}}
    )


@pytest.mark.parametrize("entry", ["*", "10.1.*", "10.1.2.3"])
def test_where_a_mapping_lets_in_by_address_there_is_no_certain_no(here: Account, entry: str) -> None:
    here.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/reads_payroll/hosts", "value": [entry]}])
    found = can(here, "kim", "read", "payroll-1")
    told = f"rolesmapping/reads_payroll/hosts: {entry} lets in by address, and where they come from is not known"
    assert (found.allowed, found.unknown) == (None, (told,))
    assert can(here, "rita", "write", "payroll-1").allowed is False, "of a role that they have, it gives nothing more"
    assert f"anybody:whoever comes from {entry}" in names(who(here, "read", "payroll-1"))
    cells = {row.person: row.cells for row in asks(here, "matrix").people}
    assert cells["iam_user:kim"] == ("read write", "read write", "?")
    assert cells[f"anybody:whoever comes from {entry}"] == ("-", "-", "read")


def test_a_star_among_names_and_one_among_addresses_are_two(here: Account) -> None:
    for entry_list in ("users", "hosts"):
        here.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": f"/reads_payroll/{entry_list}", "value": ["*"]}])
    assert {"anybody:a name that fits *", "anybody:whoever comes from *"} <= names(who(here, "read", "payroll-1"))


def test_a_setting_that_may_lift_what_refuses_makes_it_unknown(here: Account) -> None:
    """A resize is refused under limits; a role without any may lift those of another by a setting that is not read here."""
    resize = "indices:admin/resize"
    limited = {"index_patterns": ["orders-*"], "allowed_actions": ["*"], "dls": '{"term": {"region": "eu"}}'}
    free = {"index_patterns": ["orders-*"], "allowed_actions": ["indices:data/read/get"]}
    edits_roles(here, keeps_orders={"index_permissions": [limited]}, reads_payroll={"index_permissions": [free]})
    here.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/reads_payroll/users/-", "value": arn("user", "kim")}])
    found = can(here, "kim", resize, "orders-1")
    assert found.allowed is None
    assert "dfm_empty_overrides_all" in found.unknown[0]


def test_the_matrix_says_unknown_wherever_a_question_for_it_does(here: Account) -> None:
    edits_roles(
        here, reads_payroll={"index_permissions": [{"index_patterns": ["of-pay"], "allowed_actions": ["read"]}]}
    )
    here.engine.groups = None  # which aliases there are is not known
    found = asks(here, "matrix")
    cells = {row.person: row.cells for row in found.people}
    assert cells["iam_user:rita"] == ("?", "?", "?")
    assert cells["cognito_user:both"] == ("part", "part", "?")
    for person, row in cells.items():
        for index, cell in zip(found.indices, row, strict=True):
            answers = {can(here, person, does, index).allowed for does in ("read", "write")}
            assert (cell == "-") == (answers == {False}), (person, index)


def perhaps_writes_payroll(here: Account) -> None:
    """A role on a name that is no index: it may be an alias of any."""
    reads = {"index_patterns": ["payroll-*"], "allowed_actions": ["read"]}
    crud = {"index_patterns": ["of-pay"], "allowed_actions": ["crud"]}
    bulk = ["indices:data/write/bulk"]
    edits_roles(here, reads_payroll={"cluster_permissions": bulk, "index_permissions": [reads, crud]})
    here.engine.groups = None


def test_a_cell_says_that_something_is_not_known_beside_what_is(here: Account) -> None:
    perhaps_writes_payroll(here)
    cells = {row.person: row.cells for row in asks(here, "matrix").people}
    assert cells["iam_user:rita"] == ("?", "?", "read ?")
    assert (can(here, "rita", "read", "payroll-1").allowed, can(here, "rita", "write", "payroll-1").allowed) == (
        True,
        None,
    )


def test_a_cell_says_that_how_much_is_read_is_not_known(here: Account) -> None:
    """A filter that only the engine can read hides more or less."""
    looks = {"query_string": {"query": "region:eu"}}
    entry = {"index_patterns": ["payroll-*"], "allowed_actions": ["read"], "dls": json.dumps(looks), "fls": ["~region"]}
    edits_roles(here, reads_payroll={"index_permissions": [entry]})
    found = can(here, "rita", "read", "payroll-1")
    assert found.allowed
    assert any(one.unknown for one in found.seen)
    cells = {row.person: row.cells for row in asks(here, "matrix").people}
    assert cells["iam_user:rita"] == ("-", "-", "part ?")


def test_who_shares_a_name_is_asked_for_by_what_tells_them_apart(here: Account) -> None:
    with pytest.raises(BadInput, match="'anna' may be 2 people") as raised:
        can(here, "anna", "read", "orders-1")
    assert "cognito_user:anna" in str(raised.value)
    assert "iam_user:anna" in str(raised.value)


def test_who_is_found_in_one_place_is_meant_though_another_could_not_be_looked_at(here: Account) -> None:
    """Nobody is made up beside them; that the other place was not looked at is said."""
    here.people.gone |= {Subject(SubjectKind.IAM_ROLE, "newcomer")}
    here.people.hidden[Subject(SubjectKind.COGNITO_USER, "newcomer")] = "may not be read"
    found = can(here, "newcomer", "read", "orders-1")
    assert found.person == "iam_user:newcomer"
    assert any("cognito_user:newcomer could not be looked up: may not be read" in one for one in found.unknown)


def test_nothing_stops_anybody_while_it_is_open() -> None:
    assert stopping(None) == stopping(Custody("demo")) == ("", True)
