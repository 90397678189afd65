"""The lock-out guard."""

from __future__ import annotations

import pytest
from portcullis.access.actual import Json, Write
from portcullis.access.difference import difference
from portcullis.access.guard import ProtectedPrincipals, guard, guard_plan
from portcullis.access.plan import AccessModel, Membership
from portcullis.families.opensearch.documents.compiling import desired
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.documents.patch import patches
from portcullis.families.opensearch.family import OPENSEARCH

from .strategies import AUTOMATION, BREAK_GLASS, KEEPERS, MASTER, house, mapping, role

ASKED = desired(AccessModel(grants=KEEPERS.grants()), Membership())


def without(held: SecurityConfig, name: str, kind: Kind = Kind.MAPPINGS) -> SecurityConfig:
    return SecurityConfig({**held.documents, kind: {k: v for k, v in held.of(kind).items() if k != name}})


def told(held: SecurityConfig, *, refuses: bool) -> list[str]:
    return [danger.what for danger in guard(OPENSEARCH, held, KEEPERS, ASKED) if danger.refuses is refuses]


def test_given_the_house_as_it_is_set_up_then_nothing_is_wrong() -> None:
    assert guard(OPENSEARCH, house(), KEEPERS, ASKED) == ()


@pytest.mark.parametrize(
    ("gone", "who", "needed"),
    [
        ("all_access", f"master ({MASTER})", "all_access"),
        ("security_manager", f"automation ({AUTOMATION})", "security_manager"),
        ("lock", f"automation ({AUTOMATION})", "lock"),
    ],
)
def test_given_a_mapping_that_is_gone_then_its_keeper_is_named(gone: str, who: str, needed: str) -> None:
    assert f"{who} is not mapped to {needed}" in told(without(house(), gone), refuses=True)


def test_given_the_automation_without_its_role_then_it_is_refused() -> None:
    held = without(house(), "lock", Kind.ROLES)
    assert told(held, refuses=True) == ["role lock, which automation needs, does not exist"]


@pytest.mark.parametrize("lists", ["users", "backend_roles", "and_backend_roles"])
@pytest.mark.parametrize("entry", [BREAK_GLASS, "arn:aws:iam::1:role/*", "/.*break-glass/"])
def test_a_plan_that_maps_break_glass_outside_a_window_is_refused(lists: str, entry: str) -> None:
    """Whatever list or pattern maps it. Where it is mapped already, that is an alarm and refuses no other plan."""
    held = house(kibana_user=mapping(**{lists: [entry]}))
    assert told(held, refuses=True) == [f"break-glass is mapped to kibana_user through {lists} ({entry})"]
    add = [{"op": "add", "path": "/kibana_user", "value": held.get(Kind.MAPPINGS, "kibana_user")}]
    assert [d.refuses for d in guard_plan(OPENSEARCH, house(), [Write(Kind.MAPPINGS, add)], KEEPERS, ASKED)] == [True]
    assert [d.refuses for d in guard_plan(OPENSEARCH, held, [], KEEPERS, ASKED)] == [False], (
        "what is wrong already is an alarm"
    )


def test_a_mapping_for_everybody_is_not_reported_as_break_glass() -> None:
    """A wildcard lets in everybody, break-glass among them. That is no mapping of break-glass."""
    assert guard(OPENSEARCH, house(readers=mapping(users=["*"])), KEEPERS, ASKED) == ()


def test_whoever_does_not_sign_in_is_nobody_who_is_left_to_administer() -> None:
    """They are an administrator whom nobody asked for, all the same."""
    nobody = "opendistro_security_anonymous_backendrole"
    held = without(house(all_access=mapping(backend_roles=[nobody])), "security_manager")
    assert "nobody is left to administer the engine" in told(held, refuses=True)
    assert any(f"{nobody} is all_access" in one for one in told(held, refuses=False))


def test_given_nobody_mapped_to_the_administrators_roles_then_nobody_is_left() -> None:
    held = without(without(house(), "all_access"), "security_manager")
    assert "nobody is left to administer the engine" in told(held, refuses=True)
    assert "nobody is left to administer the engine" in [d.what for d in guard(OPENSEARCH, held, ProtectedPrincipals())]


@pytest.mark.parametrize(
    ("lists", "what"),
    [
        ({"users": ["*"]}, "everyone is all_access through users"),
        ({"backend_roles": ["*"]}, "everyone is all_access through backend_roles"),
        ({"hosts": ["*"]}, "everyone is all_access through hosts"),
        ({"hosts": ["10.*"]}, "every caller that matches 10.* is all_access through hosts"),
        ({"users": ["eve"]}, "eve is all_access through users, and the model does not ask for it"),
        (
            {"and_backend_roles": ["a", "b"]},
            "a and b is all_access through and_backend_roles, and the model does not ask for it",
        ),
    ],
)
def test_an_unexpected_administrator_is_an_alarm_and_no_refusal(lists: dict[str, list[str]], what: str) -> None:
    """An administrator that the model does not ask for is told. It must not stop changes that have nothing to do with it."""
    lists = {**lists, "backend_roles": [MASTER, *lists.get("backend_roles", [])]}
    held = house(all_access=mapping(**lists))
    assert told(held, refuses=True) == []
    assert told(held, refuses=False) == [what]


def test_given_an_internal_user_with_the_role_itself_then_an_alarm() -> None:
    users: dict[str, Json] = {"eve": {"opendistro_security_roles": ["security_manager"]}}
    held = SecurityConfig({**house().documents, Kind.USERS: users})
    assert told(held, refuses=False) == [
        "eve is security_manager through opendistro_security_roles, and the model does not ask for it"
    ]


def test_given_a_plan_that_takes_the_masters_mapping_then_it_is_refused() -> None:
    held, model = house(), desired(AccessModel(grants=KEEPERS.grants()), Membership())
    mine = model.claims(OPENSEARCH.mappings)
    master_left_out = desired(
        AccessModel(grants=tuple(g for g in KEEPERS.grants() if g.subject.name != MASTER)), Membership()
    )
    plan = difference(OPENSEARCH, master_left_out, held, mine)
    dangers = guard_plan(OPENSEARCH, held, patches(plan, held), KEEPERS, master_left_out)
    assert [d.what for d in dangers if d.refuses] == [
        f"master ({MASTER}) is not mapped to all_access",
        f"master ({MASTER}) is not mapped to security_manager",
    ]


def test_a_plan_that_locks_us_out_on_its_way_is_refused() -> None:
    """Between its two writes nobody could manage security, though its end is good. The same in one write is allowed."""
    held = house()
    document = held.get(Kind.MAPPINGS, "security_manager")
    sequence = [
        Write(Kind.MAPPINGS, [{"op": "remove", "path": "/security_manager"}]),
        Write(Kind.MAPPINGS, [{"op": "add", "path": "/security_manager", "value": document}]),
    ]
    assert any(d.refuses for d in guard_plan(OPENSEARCH, held, sequence, KEEPERS, ASKED))
    at_once = Write(Kind.MAPPINGS, [operation for write in sequence for operation in write.body])
    assert guard_plan(OPENSEARCH, held, [at_once], KEEPERS, ASKED) == ()


def test_a_plan_that_repairs_part_of_a_dangerous_state_is_not_refused() -> None:
    """The state was dangerous before. A plan that makes it better, though not yet good, may go ahead."""
    held = without(without(house(), "all_access"), "lock")
    plan = difference(OPENSEARCH, desired(AccessModel(grants=KEEPERS.grants()[-1:]), Membership()), held, frozenset())
    dangers = guard_plan(OPENSEARCH, held, patches(plan, held), KEEPERS, ASKED)
    assert dangers
    assert not any(d.refuses for d in dangers)


def test_removing_the_role_of_an_already_unmapped_keeper_refuses_nothing() -> None:
    held = without(house(), "lock")
    end = Write(Kind.ROLES, [{"op": "remove", "path": "/lock"}])
    dangers = guard_plan(OPENSEARCH, held, [end], KEEPERS, ASKED)
    assert [(d.what, d.refuses) for d in dangers if "lock" in d.what] == [
        ("role lock, which automation needs, does not exist", False)
    ]


def test_an_alarm_counts_at_the_end_of_a_plan_and_not_in_between() -> None:
    def all_access(*users: str) -> Write:
        value = mapping(backend_roles=[MASTER], users=list(users))
        return Write(Kind.MAPPINGS, [{"op": "replace", "path": "/all_access", "value": value}])

    def alarms(*sequence: Write) -> list[str]:
        return [d.what for d in guard_plan(OPENSEARCH, house(), sequence, KEEPERS, ASKED)]

    assert alarms(all_access("eve"), all_access()) == []
    assert alarms(all_access(), all_access("eve")) == [
        "eve is all_access through users, and the model does not ask for it"
    ]


def test_given_an_internal_master_then_the_user_name_counts() -> None:
    keepers = ProtectedPrincipals.of(master_roles=OPENSEARCH.administrator_roles, master="admin", master_list="users")
    held = house(all_access=mapping(users=["admin"]), security_manager=mapping(users=["adm*"]))
    assert (
        guard(OPENSEARCH, held, keepers, desired(AccessModel(grants=keepers.grants()), Membership()))[0].refuses
        is False
    )


def test_while_locked_the_master_is_no_keeper_and_break_glass_is_exact() -> None:
    assert [(one.who, one.exact) for one in KEEPERS.while_locked().keepers] == [("automation", False)]
    opened = KEEPERS.while_locked(BREAK_GLASS, ["reader"]).keepers[-1]
    assert (opened.who, opened.entry, opened.roles, opened.exact) == ("break-glass", BREAK_GLASS, ("reader",), True)
    for nobody in (KEEPERS.while_locked(BREAK_GLASS), KEEPERS.while_locked("", ["reader"])):
        assert nobody == KEEPERS.while_locked()


def test_given_a_role_of_the_models_own_then_its_strangers_are_no_alarm() -> None:
    held = house(readers=mapping(users=["*"]))
    assert role("read") != held.get(Kind.ROLES, "readers")
    assert guard(OPENSEARCH, held, KEEPERS, ASKED) == ()


def test_the_expected_administrators_raise_no_alarm_without_a_model() -> None:
    """Only the keepers of the domain administer it, so there is nothing to report, even if no model is known."""
    assert [danger for danger in guard(OPENSEARCH, house(), KEEPERS) if not danger.refuses] == []


def test_a_keeper_with_an_administrator_role_it_does_not_need_is_an_alarm() -> None:
    """Break-glass is one of the keepers, but it is no administrator. Mapped to all_access it is reported."""
    held = house(all_access=mapping(backend_roles=[MASTER, BREAK_GLASS]))
    alarms = [danger.what for danger in guard(OPENSEARCH, held, KEEPERS) if not danger.refuses]
    assert alarms == [f"{BREAK_GLASS} is all_access through backend_roles, and the model does not ask for it"]


def test_what_refuses_a_plan_is_named_before_what_only_alarms() -> None:
    """Whatever the words are: here the alarm's come first by the alphabet."""
    write = Write(
        Kind.MAPPINGS,
        [
            {"op": "remove", "path": "/lock"},
            {"op": "replace", "path": "/all_access", "value": mapping(backend_roles=[MASTER], users=["aaron"])},
        ],
    )
    dangers = guard_plan(OPENSEARCH, house(), [write], KEEPERS, ASKED)
    assert [(danger.what.split()[0], danger.refuses) for danger in dangers] == [("automation", True), ("aaron", False)]


def test_what_refuses_a_plan_comes_first_and_each_in_order() -> None:
    names = ["zoe", "eve", "*", "kim"]
    held = without(house(all_access=mapping(users=names, backend_roles=[MASTER])), "lock")
    told = guard(OPENSEARCH, without(held, "security_manager"), KEEPERS, ASKED)
    assert [one.refuses for one in told] == [True, True, True, False, False, False, False]
    assert [one.what.split(" is ")[0] for one in told] == [
        f"automation ({AUTOMATION})", f"automation ({AUTOMATION})", f"master ({MASTER})", "eve", "everyone", "kim", "zoe"
    ]  # fmt: skip
