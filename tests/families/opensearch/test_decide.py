"""What a caller may do and see, case by case."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from portcullis.access.actual import Json
from portcullis.access.terms import Caller
from portcullis.families.opensearch.deciding.compiled import Compiled
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.granting.callers import mapped_roles
from portcullis.families.opensearch.limiting.narrowing import narrowed
from portcullis.families.opensearch.limiting.view import Decision, Fields
from portcullis.families.opensearch.names.dates import NotKnown, resolved
from portcullis.families.opensearch.names.world import EngineFacts, Release

from tests.access.strategies import holding, mapping

SEARCH, WRITE = "indices:data/read/search", "indices:data/write/index"
GROUPS: dict[str, Json] = {
    "read": {"allowed_actions": ["indices:data/read*"]},
    "crud": {"allowed_actions": ["read", "write"]},
}
WORLD = EngineFacts(("logs-1", "logs-2", "orders"), {"all-logs": ("logs-1", "logs-2")})
ANNA = Caller("anna", ("staff",), {"attr.internal.area": "eu"})


def on(pattern: str, *actions: str, **limits: object) -> Json:
    return {"index_patterns": [pattern], "allowed_actions": list(actions or ("read",)), **limits}


def engine(**roles: list[Json]) -> SecurityConfig:
    documents: dict[str, Json] = {name: {"index_permissions": permissions} for name, permissions in roles.items()}
    return holding(documents, {name: mapping(users=["anna"]) for name in roles}, action_groups=GROUPS)


def asked(
    held: SecurityConfig, *indices: str, world: EngineFacts = WORLD, action: str = SEARCH, caller: Caller = ANNA
) -> Decision:
    return Compiled(held, world).decide(caller, action, indices)


@pytest.mark.parametrize(
    ("lists", "caller", "mapped"),
    [
        ({"users": ["anna"]}, ANNA, True),
        ({"users": ["an*"]}, ANNA, True),
        ({"users": ["a?na"]}, ANNA, True),
        ({"users": ["ann?a"]}, ANNA, False),
        ({"users": ["/an+a/"]}, ANNA, True),
        ({"users": ["ANNA"]}, ANNA, False),
        ({"users": ["staff"]}, ANNA, False),
        ({"backend_roles": ["staff"]}, ANNA, True),
        ({"backend_roles": ["anna"]}, ANNA, False),
        ({"and_backend_roles": ["staff", "night"]}, ANNA, False),
        ({"and_backend_roles": ["staff", "night"]}, Caller("anna", ("night", "staff")), True),
        ({"hosts": ["10.*"]}, Caller("anna", hosts=("10.0.0.1",)), True),
        ({"hosts": ["*"]}, ANNA, False),
        ({}, ANNA, False),
        ({"users": ["/(/", "ann"]}, Caller("anna"), False),  # no regular expression: nobody but itself
    ],
)
def test_who_is_mapped_to_a_role(lists: dict[str, list[str]], caller: Caller, mapped: bool) -> None:
    assert ("r" in mapped_roles(holding({}, {"r": mapping(**lists)}), caller)) is mapped


def test_an_internal_user_may_have_roles_of_his_own() -> None:
    users: dict[str, Json] = {"anna": {"opendistro_security_roles": ["r"]}}
    assert mapped_roles(SecurityConfig({Kind.USERS: users}), ANNA) == {
        "r": "internalusers/anna/opendistro_security_roles"
    }


def test_given_no_role_then_nothing_is_allowed() -> None:
    assert asked(holding(), "orders").reasons == ("anna is mapped to no role",)


@pytest.mark.parametrize(
    ("indices", "dnfof", "allowed", "visible"),
    [
        (("logs-1",), False, True, ("logs-1",)),
        (("orders",), False, False, ()),
        (("logs-1", "orders"), False, False, ()),
        (("logs-1", "orders"), True, True, ("logs-1",)),
        (("orders",), True, False, ()),
        (("logs-*",), False, True, ("logs-1", "logs-2")),
        ((), False, False, ()),
        (("all-logs",), False, True, ("logs-1", "logs-2")),
        (("nothing-*",), False, True, ()),
        (("logs-9",), False, True, ("logs-9",)),
        (("other",), False, False, ()),
    ],
)
def test_which_indices_a_request_reaches(
    indices: tuple[str, ...], dnfof: bool, allowed: bool, visible: tuple[str, ...]
) -> None:
    world = EngineFacts(WORLD.indices, WORLD.aliases, do_not_fail_on_forbidden=dnfof)
    decision = asked(engine(r=[on("logs-*")]), *indices, world=world)
    assert (decision.allowed, decision.visible) == (allowed, visible)
    assert decision.reasons


def test_a_permission_on_an_alias_covers_its_members() -> None:
    assert asked(engine(r=[on("all-logs")]), "logs-2").allowed


@pytest.mark.parametrize("action", ["indices:data/read/get", "indices:data/read/explain", "indices:data/read/tv"])
def test_what_is_read_of_one_document_takes_an_alias_of_one_index_alone(action: str) -> None:
    world = EngineFacts(WORLD.indices, {**WORLD.aliases, "first": ("logs-1",)})
    held = engine(r=[on("logs-*", "*")])
    several = asked(held, "all-logs", action=action, world=world).error
    assert several == "400: all-logs stands for several indices, where one has to be named"
    assert asked(held, "first", action=action, world=world).error == ""
    assert asked(held, "all-logs", world=world).error == ""


@pytest.mark.parametrize("what", ["index", "update", "delete", "bulk[s]"])
def test_an_alias_of_several_may_have_one_that_is_written_to(what: str) -> None:
    assert asked(engine(r=[on("logs-*", "*")]), "all-logs", action=f"indices:data/write/{what}").error == ""


def test_groups_resolve_however_deep_and_only_what_they_name_is_allowed() -> None:
    held = engine(r=[on("orders", "crud")])
    assert asked(held, "orders").allowed
    assert not asked(held, "orders", action=WRITE).allowed


@pytest.mark.parametrize("action", ["cluster:monitor/health", "indices:data/write/bulk", "indices:data/read/msearch"])
def test_a_cluster_action_needs_a_cluster_permission(action: str) -> None:
    held = engine(r=[on("*", "*")])
    assert not asked(held, "orders", action=action).allowed
    roles = {"r": {"cluster_permissions": [action + "*"]}}
    assert asked(SecurityConfig({**held.documents, Kind.ROLES: roles}), action=action).allowed


ONE = on("orders", dls='{"term": {"a": 1}}', fls=["a", "b*"], masked_fields=["m"])
TWO = on("orders", dls='{"term": {"a": 2}}', fls=["~c"], masked_fields=["m::SHA-256", "n"])
FREE = on("*", "indices:monitor/*")  # counts for limits, though it allows no search


@pytest.mark.parametrize(
    ("rules", "empty_overrides", "documents", "fields", "masks"),
    [
        ([ONE], False, ('{"term": {"a": 1}}',), Fields(False, ("a", "b*")), ("m",)),
        (
            [ONE, TWO],
            False,
            ('{"term": {"a": 1}}', '{"term": {"a": 2}}'),
            Fields(True, ("c",)),
            ("m", "m::SHA-256", "n"),
        ),
        ([ONE, FREE], False, ('{"term": {"a": 1}}',), Fields(False, ("a", "b*")), ("m",)),
        ([ONE, FREE], True, None, Fields(True, ()), ()),
        ([on("orders"), FREE], False, None, Fields(True, ()), ()),
    ],
)
def test_how_limits_of_several_roles_join(
    rules: list[Json], empty_overrides: bool, documents: tuple[str, ...] | None, fields: Fields, masks: tuple[str, ...]
) -> None:
    held = engine(**{f"r{n}": [rule] for n, rule in enumerate(rules)})
    world = EngineFacts(WORLD.indices, dfm_empty_overrides_all=empty_overrides)
    (view,) = asked(held, "orders", world=world).views
    assert (view.documents, view.fields, view.masks) == (documents, fields, masks)


def test_fields_and_masks_by_name() -> None:
    (view,) = asked(engine(one=[ONE], two=[TWO]), "orders").views
    assert [view.fields.sees(name) for name in ("a", "c", "c.keyword", "z")] == [True, False, False, True]
    both = ("m", "m::SHA-256")
    assert [view.masks_of(name) for name in ("m", "m.keyword", "n", "a")] == [both, both, ("n",), ()]
    (hidden,) = asked(engine(r=[on("orders", fls=["~m"], masked_fields=["m"])]), "orders").views
    assert hidden.masks_of("m") == ()


def test_attributes_are_replaced_in_filters_and_patterns() -> None:
    """One that is undefined for the caller refuses the request if it is in a filter, and matches no index if it is in a pattern."""
    filled = on("orders", dls='{"terms": {"x": ["${user.name}", "${attr.internal.area}", ${user.roles}]}}')
    (view,) = asked(engine(r=[filled]), "orders").views
    assert view.documents == ('{"terms": {"x": ["anna", "eu", "staff"]}}',)
    undefined = '{"term": {"x": "${attr.internal.none}"}}'
    refused = asked(engine(r=[on("orders", dls=undefined)]), "orders")
    assert not refused.allowed
    assert "${attr.internal.none} is undefined for anna" in refused.reasons[-1]
    lenient = asked(
        engine(r=[on("orders", dls=undefined)]), "orders", world=EngineFacts(("orders",), release=Release.V2)
    )
    assert lenient.views[0].documents == (undefined,)
    assert not asked(engine(r=[on("${attr.internal.none}*")]), "orders").allowed
    assert asked(engine(r=[on("${user_name}-*")]), "anna-1").allowed


A, B = '{"term": {"a": 1}}', '{"term": {"a": 2}}'


@pytest.mark.parametrize(
    ("rules", "last_counts", "documents", "fields"),
    [
        # Two entries of one role on one index, as measured: 3.x goes by the last, 2.19 joins them.
        ([on("orders", dls=A), on("ord*", dls=B)], True, (B,), Fields()),
        ([on("orders", dls=A), on("ord*", dls=B)], False, (A, B), Fields()),
        ([on("orders", fls=["~a"]), on("orders", fls=["!b"])], True, None, Fields(True, ("b",))),
        ([on("orders", fls=["~a"]), on("orders", fls=["!b"])], False, None, Fields(True, ("a", "b"))),
        # One for everything counts beside one for the index, and so does one with an attribute, and one for an alias.
        ([on("*", dls=A), on("orders", dls=B)], True, (A, B), Fields()),
        ([on("orders", dls=A), on("*", dls=B)], True, (A, B), Fields()),
        ([on("all-orders", dls=A), on("orders", dls=B)], True, (A, B), Fields()),
        ([on("orders${attr.internal.none}", dls=A), on("orders", dls=B)], True, (B,), Fields()),
        # An entry without a limit lifts none, wherever it stands.
        ([on("orders", dls=A), on("orders")], True, (A,), Fields()),
        ([on("orders"), on("orders", dls=A)], True, (A,), Fields()),
        ([on("orders", dls=A), on("orders", fls=["~a"])], True, (A,), Fields(True, ("a",))),
        # Blanks are no filter.
        ([on("orders", dls=" ")], True, None, Fields()),
    ],
)
def test_limits_of_several_entries_of_one_role(
    rules: list[Json], last_counts: bool, documents: tuple[str, ...] | None, fields: Fields
) -> None:
    world = EngineFacts(WORLD.indices, {"all-orders": ("orders",)}, release=Release.V3 if last_counts else Release.V2)
    (view,) = asked(engine(r=rules), "orders", world=world).views
    assert (view.written, view.fields) == (documents, fields)


def test_two_entries_of_one_role_are_not_told_as_two_roles() -> None:
    reasons = asked(engine(r=[on("orders", dls=A), on("orders")]), "orders").reasons
    assert "one entry of r sets no limit on documents, but another of its entries does, which counts" in reasons
    assert not [reason for reason in reasons if reason.startswith("r sets no limit")]
    several = asked(engine(r=[on("orders", dls=A), on("orders", dls=B)]), "orders").reasons
    assert "of several entries of r the last one's documents count" in several


@pytest.mark.parametrize("limits", [{"dls": A}, {"fls": ["~a"]}, {"masked_fields": ["a"]}])
@pytest.mark.parametrize("action", ["indices:data/write/update", "indices:admin/resize"])
def test_what_would_read_more_than_is_seen_is_refused_under_limits(limits: Json, action: str) -> None:
    refused = asked(engine(r=[on("orders", "*", **limits)]), "orders", action=action)
    assert not refused.allowed
    assert "is refused where documents, fields or masks limit what is seen" in refused.reasons[-1]
    assert asked(engine(r=[on("orders", "*")]), "orders", action=action).allowed
    # A field rule that hides nothing is one all the same, to the engine.
    assert not asked(engine(r=[on("orders", "*", fls=["*"])]), "orders", action=action).allowed


def test_a_document_filter_does_not_limit_writes_and_it_is_said() -> None:
    decision = asked(engine(r=[on("orders", "*", dls=A)]), "orders", action=WRITE)
    assert decision.allowed
    assert "limits are for reading: what is not seen can be overwritten and deleted all the same" in decision.reasons


def test_a_rule_for_an_object_holds_for_what_is_in_it() -> None:
    assert [Fields(True, ("o",)).sees(name) for name in ("o", "o.a", "o.a.keyword", "oo")] == [
        False,
        False,
        False,
        True,
    ]
    assert [Fields(False, ("o",)).sees(name) for name in ("o", "o.a", "oo")] == [True, True, False]


def test_what_only_the_engine_reads_is_unknown_in_every_answer() -> None:
    held = engine(r=[on("/orders(?<=s)/")])
    compiled = Compiled(held, WORLD)
    assert "only the engine can tell" in compiled.decide(ANNA, SEARCH, ("orders",)).unknown[0]


V2 = EngineFacts(("logs-1", "orders"), release=Release.V2)


def test_on_2_a_date_in_the_pattern_of_a_limit_is_unknown_without_the_day() -> None:
    held = engine(r=[on("<logs-{now/d}>")], s=[on("orders", dls=A)])
    decision = asked(held, "orders", world=V2)
    assert [view.documents for view in decision.views] == [(A,)]
    assert "what <logs-{now/d}> of roles/r (index_patterns) covers, only the engine can tell" in decision.unknown
    dated = engine(r=[on("orders")], s=[on("<logs-{now/d}>", dls=A)])
    assert asked(dated, "orders", world=V2).unknown


def test_on_2_a_pattern_that_is_no_name_refuses_under_limits_alone() -> None:
    free = asked(engine(r=[on("_own"), on("orders")]), "orders", world=V2)
    assert [(view.allowed, view.documents) for view in free.views] == [(True, None)]
    held = engine(r=[on("_own"), on("orders", dls=A)])
    limited = asked(held, "orders", world=V2)
    assert (limited.allowed, limited.visible) == (False, ())
    assert "_own cannot be a name: it begins with _" in limited.reasons


def test_a_date_beside_everything_is_unknown_and_no_failure() -> None:
    decision = asked(engine(r=[on("*")]), "_all", "<logs-{now/d}>")
    assert (decision.allowed, decision.views) == (False, ())
    assert "depends on the day" in decision.unknown[0]


def test_a_date_in_a_pattern_is_unknown_without_the_day() -> None:
    held = engine(r=[on("<logs-{now/d}>")])
    assert asked(held, "logs-1").unknown
    world = EngineFacts(("logs-2026.11.28",), now=datetime(2026, 11, 28, 9, tzinfo=UTC))
    decision = asked(held, "logs-2026.11.28", world=world)
    assert (decision.allowed, decision.unknown) == (True, ())


@pytest.mark.parametrize(
    ("name", "resolved_to"),
    [
        ("logs", "logs"),
        ("<logs-{now/d}>", "logs-2026.11.28"),
        ("<logs-{now-1d/d}>", "logs-2026.11.27"),
        ("<logs-{now/M{yyyy.MM}}>", "logs-2026.11"),
        ("<logs-{now/w{yyyy-MM-dd}}>", "logs-2026-11-23"),
        ("<logs-{now+1M/M{uuuu.MM.dd}}-x>", "logs-2026.12.01-x"),
        ("<logs-{now{yyyy.MM.dd HH|Asia/Tokyo}}>", "logs-2026.11.28 18"),
        ("<logs-{now{YYYY}}>", None),
        ("<logs-{now/d>", None),
        ("<logs-{today}>", None),
        (r"<logs-\{now}>", None),
        ("<logs-{now+9999y}>", None),
        ("<logs-{now-9999y}>", None),
        ("<logs-{now+999999M}>", None),
        ("<logs-{now-99999999999d}>", None),
    ],
)
def test_a_name_with_a_date_is_worked_out_or_unknown(name: str, resolved_to: str | None) -> None:
    now = datetime(2026, 11, 28, 9, tzinfo=UTC)
    if resolved_to is None:
        with pytest.raises(NotKnown):
            resolved(name, now)
    else:
        assert resolved(name, now) == resolved_to


@pytest.mark.parametrize(
    ("query", "limits", "left"),
    [
        ('{"term": {"c": 1}}', {"fls": ["~c"]}, ['{"match_none": {}}']),
        ('{"term": {"c.keyword": 1}}', {"masked_fields": ["c"]}, ['{"match_none": {}}']),
        (
            '{"bool": {"must_not": {"range": {"c": {"gte": 1}}}}}',
            {"fls": ["a"]},
            ['{"bool": {"must_not": {"match_none": {}}}}'],
        ),
        ('{"exists": {"field": "c"}}', {"fls": ["~c"]}, ['{"match_none": {}}']),
        ('{"exists": {"field": "c"}}', {"masked_fields": ["c"]}, None),
        ('{"term": {"a": 1}}', {"fls": ["~c"]}, ['{"term": {"a": 1}}']),
        ('{"ids": {"values": ["1"]}}', {"fls": ["~c"]}, ['{"ids": {"values": ["1"]}}']),
        ('{"term": {"_id": "1"}}', {"fls": ["a"]}, ['{"term": {"_id": "1"}}']),
        ('{"query_string": {"query": "c:1"}}', {"fls": ["~c"]}, None),
        ('{"query_string": {"query": "c:1"}}', {}, ['{"query_string": {"query": "c:1"}}']),
    ],
)
def test_a_filter_finds_nothing_in_what_is_hidden_or_masked(query: str, limits: Json, left: list[str] | None) -> None:
    (view,) = asked(engine(r=[on("orders", dls=query, **limits)]), "orders").views
    assert (view.documents, bool(view.unknown)) == (None if left is None else tuple(left), left is None)
    assert view.written == (query,)
    looked = any(reason.startswith("the document filter looks at c") for reason in view.reasons)
    assert looked is (left is not None and "match_none" in left[0])


def test_without_a_world_there_is_what_is_asked_for() -> None:
    held = engine(r=[on("orders")])
    assert Compiled(held, EngineFacts()).decide(ANNA, SEARCH, ["orders"]).allowed
    assert not Compiled(held, EngineFacts()).decide(ANNA, SEARCH, ["logs-1"]).allowed


def test_on_3_a_search_of_everything_reads_no_filter_of_an_index_that_is_not_there() -> None:
    undefined = '{"term": {"x": "${attr.internal.none}"}}'
    held = engine(elsewhere=[on("nowhere-*", dls=undefined)], limited=[on("orders", dls=A)], free=[on("logs-*")])
    assert asked(held).allowed
    assert asked(held, "*").allowed
    refused = engine(here=[on("logs-*", dls=undefined)], limited=[on("orders", dls=A)])
    assert not asked(refused).allowed


@pytest.mark.parametrize(
    ("needed", "had", "unknown"),
    [
        (["/staff(?<=f)/", "night"], ("staff", "night"), True),
        (["/staff(?<=f)/", "night"], ("staff",), False),
        (["staff", "night"], ("staff", "night"), False),
        (["staff", "night"], ("staff",), False),
    ],
)
def test_whether_several_backend_roles_fit_is_unknown_only_if_they_may(
    needed: list[str], had: tuple[str, ...], unknown: bool
) -> None:
    held = holding({"r": {"index_permissions": [on("orders")]}}, {"r": mapping(and_backend_roles=needed)})
    told = Compiled(held, WORLD).decide(Caller("anna", had), SEARCH, ["logs-1"])
    assert [one for one in told.unknown if "and_backend_roles" in one] == list(told.unknown)
    assert bool(told.unknown) is unknown


@pytest.mark.parametrize(
    "query", ["[]", "1", '"x"', "{}", '{"term": {"a": 1}, "ids": {}}', "no json", '{"exists": {}}']
)
def test_what_is_no_query_comes_to_what_only_the_engine_can_tell(query: str) -> None:
    (view,) = asked(engine(r=[on("orders", fls=["~a"])]), "orders").views
    assert narrowed(query, view) == (None, ())


@pytest.mark.parametrize(
    ("query", "left", "blind"),
    [
        ('{"match_all": {}}', '{"match_all": {}}', ()),
        ('{"term": {"b": 1}}', '{"term": {"b": 1}}', ()),
        ('{"term": {"a": 1}}', '{"match_none": {}}', ("a",)),
        ('{"bool": {"must": [{"term": {"a": 1}}]}}', '{"bool": {"must": [{"match_none": {}}]}}', ("a",)),
        ('{"bool": {"must_not": {"exists": {"field": "a"}}}}', '{"bool": {"must_not": {"match_none": {}}}}', ("a",)),
    ],
)
def test_in_a_hidden_field_a_filter_finds_nothing(query: str, left: str, blind: tuple[str, ...]) -> None:
    """So a filter of what must not be there shows more than it says."""
    (view,) = asked(engine(r=[on("orders", fls=["~a"])]), "orders").views
    assert narrowed(query, view) == (left, blind)
    (free,) = asked(engine(r=[on("orders")]), "orders").views
    assert narrowed(query, free) == (query, ())


@pytest.mark.parametrize(
    "entry", [{"allowed_actions": ["read"]}, {"index_patterns": None, "allowed_actions": ["read"]}]
)
def test_an_entry_on_no_index_gives_nothing_and_limits_nothing(entry: Json) -> None:
    held = engine(r=[entry, {**entry, "dls": A}], s=[on("orders")])
    (view,) = asked(held, "orders").views
    assert (view.allowed, view.documents) == (True, None)
    assert not asked(engine(r=[entry]), "orders").allowed


def test_a_pattern_with_an_attribute_is_nobodys_name_as_it_is_written() -> None:
    """It holds for whoever has the attribute, filled in, and covers no index that is called so."""
    held = engine(r=[on("${user.name}-*", dls=A)])
    world = EngineFacts(("anna-1", "${user.name}-1"))
    assert asked(held, "anna-1", world=world).views[0].documents == (A,)
    assert not asked(held, "${user.name}-1", world=world).allowed


@pytest.mark.parametrize("named", [(), ("_all",), ("*",)])
def test_what_destroys_indices_is_refused_on_all_of_them_at_once(named: tuple[str, ...]) -> None:
    """However that is said, and whoever asks; by their names, or by a pattern that names all of them, it is not."""
    held = engine(r=[on("*", "indices:admin/*")])
    refused = asked(held, *named, action="indices:admin/delete")
    assert not refused.allowed
    assert "on all indices at once is refused to everybody" in refused.reasons[0]
    for by_name in (WORLD.indices, ("logs-*", "orders")):
        assert asked(held, *by_name, action="indices:admin/delete").allowed


@pytest.mark.parametrize(
    ("named", "allowed"), [(("all-logs",), True), (("logs-1", "orders"), True), (("logs-*", "orders"), False)]
)
def test_a_request_for_one_index_is_answered_where_what_is_left_is_one(named: tuple[str, ...], allowed: bool) -> None:
    """Where forbidden indices are left out. Two that are left are as many as it cannot name."""
    world = EngineFacts(WORLD.indices, WORLD.aliases, do_not_fail_on_forbidden=True)
    permitted = [on("logs-1"), on("logs-2")] if "logs-*" in named else [on("logs-1")]
    assert asked(engine(r=permitted), *named, world=world, action="indices:data/read/get").allowed is allowed
    strict = asked(engine(r=permitted), *named, action="indices:data/read/get")
    assert not strict.allowed
