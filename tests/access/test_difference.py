"""From model and members to steps and patches, case by case."""

from __future__ import annotations

from dataclasses import replace

import pytest
from portcullis.access.actual import Json
from portcullis.access.desired import Desired
from portcullis.access.difference import difference
from portcullis.access.letting_in import letting_in
from portcullis.access.plan import AccessModel, By, Claim, Grant, Membership, Operation, Step, Subject, SubjectKind
from portcullis.errors import BadInput, Conflict, PortcullisError, Refused, Unreachable
from portcullis.families.elasticsearch.documents.config import Kind as OfElasticsearch
from portcullis.families.elasticsearch.documents.config import SecurityConfig as OnElasticsearch
from portcullis.families.elasticsearch.family import ELASTICSEARCH
from portcullis.families.opensearch.documents.compare import same
from portcullis.families.opensearch.documents.compiling import desired
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.documents.patch import apply_patch, apply_patches, parts, patches, pointer
from portcullis.families.opensearch.family import OPENSEARCH

from .strategies import holding, mapping, role, wanted

GROUP = Subject(SubjectKind.COGNITO_GROUP, "support")
IAM_GROUP = Subject(SubjectKind.IAM_GROUP, "ops")
ANNA = "Cognito/pool/anna"
OPS = "arn:aws:iam::1:user/ops"
ROLE_ARN = "arn:aws:iam::1:role/support"
MEMBERS = Membership({GROUP: (ANNA,), IAM_GROUP: (OPS,)}, {GROUP: (ROLE_ARN,)})
NOBODY: frozenset[Claim] = frozenset()


def test_backend_roles_that_are_needed_together_become_entries_of_their_list() -> None:
    model = AccessModel(and_backend_roles={"readers": ("a", "b"), "writers": ("c",)})
    assert desired(model, MEMBERS).entries == {
        "readers": {"and_backend_roles": dict.fromkeys(("a", "b"), "and_backend_roles of readers")},
        "writers": {"and_backend_roles": {"c": "and_backend_roles of writers"}},
    }


def test_entries_that_limit_one_index_are_not_the_same_in_another_order() -> None:
    one = {"index_patterns": ["a"], "allowed_actions": ["read"], "dls": '{"match_all": {}}'}
    other = {**one, "dls": '{"term": {"a": 1}}'}
    assert not same({"index_permissions": [one, other]}, {"index_permissions": [other, one]})
    free = {"index_patterns": ["a"], "allowed_actions": ["read"]}
    assert same({"index_permissions": [one, free]}, {"index_permissions": [free, one]})


def entry(name: str, entry_list: str = "users", role_name: str = "readers") -> Claim:
    return Claim(Kind.MAPPINGS, role_name, entry_list, name)


@pytest.mark.parametrize(
    ("grant", "entries"),
    [
        (Grant(GROUP, "readers", "grants[0]"), {"users": {ANNA: "cognito_group:support (grants[0])"}}),
        (Grant(GROUP, "readers", "", By.ROLE), {"backend_roles": {ROLE_ARN: "cognito_group:support"}}),
        (Grant(IAM_GROUP, "readers", ""), {"users": {OPS: "iam_group:ops"}}),
        (Grant(Subject(SubjectKind.BACKEND_ROLE, "x"), "readers", ""), {"backend_roles": {"x": "backend_role:x"}}),
        (Grant(Subject(SubjectKind.INTERNAL_USER, "u"), "readers", ""), {"users": {"u": "internal_user:u"}}),
    ],
)
def test_a_grant_becomes_entries(grant: Grant, entries: dict[str, dict[str, str]]) -> None:
    assert desired(AccessModel(grants=(grant,)), MEMBERS).entries == {"readers": entries}


@pytest.mark.parametrize(
    ("kind", "by", "backend"),
    [
        (SubjectKind.COGNITO_GROUP, By.ROLE, True),
        (SubjectKind.COGNITO_GROUP, By.MEMBERS, False),
        (SubjectKind.IAM_GROUP, By.ROLE, False),  # no token carries a role for it
        (SubjectKind.IAM_GROUP, By.MEMBERS, False),
        (SubjectKind.IAM_ROLE, By.MEMBERS, True),
        (SubjectKind.BACKEND_ROLE, By.MEMBERS, True),
        (SubjectKind.IAM_USER, By.MEMBERS, False),
        (SubjectKind.INTERNAL_USER, By.MEMBERS, False),
    ],
)
def test_what_is_a_role_to_the_engine_is_no_user(kind: SubjectKind, by: By, backend: bool) -> None:
    assert Grant(Subject(kind, "x"), "readers", "g", by).is_backend_role is backend


def test_a_grant_to_a_missing_subject_grants_nothing_and_adds_a_note() -> None:
    """A grant that names a group which does not exist maps nobody. A note says which grant that was."""
    gone = Subject(SubjectKind.IAM_GROUP, "gone")
    want = desired(AccessModel(grants=(Grant(gone, "readers", "grants[3]"),)), Membership(missing=frozenset({gone})))
    assert want.entries == {}
    assert want.notes == ("iam_group:gone does not exist, so it is granted nothing (grants[3]: readers)",)


def test_what_is_noted_of_grants_is_in_the_same_order_whatever_theirs_is() -> None:
    gone = Subject(SubjectKind.IAM_GROUP, "gone")
    grants = [Grant(gone, name, "g") for name in ("b", "c", "a")]
    notes = desired(AccessModel(grants=tuple(grants)), Membership(missing=frozenset({gone}))).notes
    assert [note[-3:] for note in notes] == [" a)", " b)", " c)"]


@pytest.mark.parametrize("by", list(By))
def test_given_a_group_that_was_not_read_then_nothing_is_concluded_from_it(by: By) -> None:
    unread = Subject(SubjectKind.COGNITO_GROUP, "unread")
    with pytest.raises(Refused, match=f"cognito_group:unread by {by.value} was not read"):
        desired(AccessModel(grants=(Grant(unread, "readers", "g", by),)), MEMBERS)


def test_for_an_unreadable_group_nobody_joins_or_leaves_its_role() -> None:
    """The claims stay as they are, also those by another group of the same role. A note gives the reason."""
    model = AccessModel(
        roles={"readers": role("read")}, grants=(Grant(GROUP, "readers", "g"), Grant(IAM_GROUP, "readers", "h"))
    )
    unread = Membership({IAM_GROUP: ()}, unread={GROUP: Unreachable("throttled")})
    plan = difference(OPENSEARCH, desired(model, unread), state(ANNA, OPS), OURS | {entry(OPS)})
    assert plan.empty
    assert plan.claims_after(OURS | {entry(OPS)}) == OURS | {entry(OPS)}
    assert plan.notes == ("nobody new gets into readers and nobody is taken out (g): throttled",)


def test_a_plan_is_in_the_order_of_names_however_they_are_known() -> None:
    """A saved plan is held against the next one step by step, in another process."""
    new, gone = ([f"{word}-{number}" for number in range(9)] for word in ("new", "gone"))
    held = holding({name: role("read") for name in gone[::-1]})
    mine = frozenset(Claim(Kind.ROLES, name) for name in gone)
    plan = difference(OPENSEARCH, wanted({name: role("read") for name in new[::-1]}), held, mine)
    by = {operation: [one.claim.name for one in plan.steps if one.operation is operation] for operation in Operation}
    assert (by[Operation.ADD], by[Operation.REMOVE]) == (new, gone)


PLAIN = role("read", "write")
SAME_OR_NOT = [
    (PLAIN, role("write", "read"), True),
    (PLAIN, role("write", "read", dls="", fls=[], masked_fields=None), True),
    (PLAIN, {"index_permissions": PLAIN["index_permissions"]}, True),
    (PLAIN, PLAIN | {"reserved": False, "hidden": False, "static": False, "description": ""}, True),
    (PLAIN, PLAIN | {"description": "changed"}, False),
    (PLAIN, role("read"), False),
    (PLAIN, role("read", "write", dls="{}"), False),
    (role("read", fls=["a", "b"]), role("read", fls=["b", "a"]), True),
    (role("read", masked_fields=["a", "b"]), role("read", masked_fields=["b", "a"]), False),
    ({"index_permissions": [{"dls": "1"}, {"dls": "2"}]}, {"index_permissions": [{"dls": "2"}, {"dls": "1"}]}, True),
    ({"hash": ""}, {"password": "secret"}, True),
    ({}, None, False),
]


@pytest.mark.parametrize(("one", "other", "alike"), SAME_OR_NOT)
def test_documents_are_compared_by_what_they_mean(one: Json | None, other: Json | None, alike: bool) -> None:
    assert same(one, other) is alike
    assert same(other, one) is alike


WANT = wanted({"readers": role("read")}, {"readers": {"users": {ANNA: "group"}}})
ROLE = Claim(Kind.ROLES, "readers")
OURS = frozenset({ROLE, entry(ANNA)})


def state(*users: str, role_is: Json | None = None) -> SecurityConfig:
    return holding({"readers": role_is or role("read")}, {"readers": mapping(users=list(users))})


def steps(plan_steps: tuple[Step, ...]) -> list[tuple[Operation, Claim]]:
    return [(s.operation, s.claim) for s in plan_steps]


def test_on_an_empty_engine_the_role_is_made_before_its_mapping() -> None:
    """The plan adds the role, the mapping and the entry in this order, as two patches."""
    plan = difference(OPENSEARCH, WANT, holding(), NOBODY)
    assert steps(plan.steps) == [
        (Operation.ADD, ROLE),
        (Operation.ADD, Claim(Kind.MAPPINGS, "readers")),
        (Operation.ADD, entry(ANNA)),
    ]
    assert [step.because for step in plan.steps] == ["the model asks for it", "readers had no mapping", "group"]
    assert patches(plan, holding()) == [
        (Kind.ROLES, [{"op": "add", "path": "/readers", "value": role("read")}]),
        (Kind.MAPPINGS, [{"op": "add", "path": "/readers", "value": mapping(users=[ANNA])}]),
    ]


def test_given_one_person_more_then_it_is_one_append() -> None:
    plan = difference(OPENSEARCH, WANT, state("by hand"), NOBODY | {ROLE})
    assert patches(plan, state("by hand")) == [
        (Kind.MAPPINGS, [{"op": "add", "path": "/readers/users/-", "value": ANNA}])
    ]


def test_the_first_entry_of_an_empty_list_writes_the_whole_list() -> None:
    """The patch sets the list and does not append to it."""
    plan = difference(OPENSEARCH, WANT, state(), NOBODY | {ROLE})
    assert patches(plan, state()) == [(Kind.MAPPINGS, [{"op": "add", "path": "/readers/users", "value": [ANNA]}])]


def test_given_a_person_who_left_then_she_is_taken_out_behind_a_length_guard() -> None:
    held = state("x", ANNA, "y", ANNA)
    plan = difference(OPENSEARCH, wanted({"readers": role("read")}), held, OURS)
    guard = {"op": "add", "path": "/readers/users/4", "value": "portcullis-length-guard"}
    assert patches(plan, held) == [
        (
            Kind.MAPPINGS,
            [guard] + [{"op": "remove", "path": f"/readers/users/{index}"} for index in (4, 3, 1)],
        )
    ]
    after = apply_patches(held, patches(plan, held))
    assert after.entries("readers", "users") == ("x", "y")


@pytest.mark.parametrize("meanwhile", [(ANNA,), (), ("x", "y")])
def test_a_patch_is_refused_when_the_list_got_shorter_in_the_meantime(meanwhile: tuple[str, ...]) -> None:
    """The patch was made for a longer list. If somebody removed entries since, nothing of it is applied."""
    held = state("x", "y", ANNA)
    sequence = patches(difference(OPENSEARCH, wanted({"readers": role("read")}), held, OURS), held)
    with pytest.raises(Conflict):
        apply_patches(state(*meanwhile), sequence)


def test_given_a_list_that_grew_meanwhile_then_nobody_elses_entry_is_lost() -> None:
    held = state("x", ANNA)
    sequence = patches(difference(OPENSEARCH, wanted({"readers": role("read")}), held, OURS), held)
    assert apply_patches(state("x", ANNA, "new"), sequence).entries("readers", "users") == ("x", "new")


def test_given_the_same_entry_by_hand_then_it_is_foreign_and_never_removed() -> None:
    plan = difference(OPENSEARCH, WANT, state(ANNA), frozenset({ROLE}))
    assert plan.empty
    assert plan.foreign == (entry(ANNA),)
    assert difference(
        OPENSEARCH, wanted({"readers": role("read")}), state(ANNA), plan.claims_after(frozenset({ROLE}))
    ).empty


def test_given_adopt_then_what_is_there_is_claimed_and_what_differs_replaced() -> None:
    plan = difference(OPENSEARCH, WANT, state(ANNA, role_is=role("write")), NOBODY, adopt=True)
    assert steps(plan.steps) == [(Operation.REPLACE, ROLE)]
    assert plan.claim_only == (entry(ANNA),)
    assert plan.claims_after(NOBODY) == OURS


def test_what_another_owner_has_too_is_claimed_and_kept_when_we_leave() -> None:
    """If another owner wants the same, we claim it too and write nothing. When we leave, it stays for the other owner."""
    plan = difference(OPENSEARCH, WANT, state(ANNA), NOBODY, OURS)
    assert plan.empty
    assert plan.claims_after(NOBODY) == OURS
    leaving = difference(OPENSEARCH, wanted(), state(ANNA), OURS, OURS)
    assert leaving.empty
    assert leaving.claims_after(OURS) == NOBODY


@pytest.mark.parametrize(
    ("mine", "others", "fixed", "why"),
    [
        (NOBODY, NOBODY, False, "made by hand, and differs in index_permissions"),
        (NOBODY, OURS, False, "claimed by another owner too, and differs in index_permissions"),
        (OURS, OURS, False, "claimed by another owner too, and differs in index_permissions"),
        (OURS, NOBODY, True, "reserved by the engine, and differs in index_permissions"),
    ],
)
def test_a_role_not_ours_alone_that_differs_from_the_model_is_a_conflict(
    mine: frozenset[Claim], others: frozenset[Claim], fixed: bool, why: str
) -> None:
    """Made by hand, claimed by another owner or reserved: it is not changed, and the conflict says why and which field differs."""
    plan = difference(OPENSEARCH, WANT, state(ANNA, role_is=role("write") | {"reserved": fixed}), mine, others)
    assert plan.empty
    assert [(b.claim, b.why) for b in plan.conflicts] == [(ROLE, why)]


def test_our_role_edited_by_hand_is_restored() -> None:
    held = state(role_is=role("write"))
    plan = difference(OPENSEARCH, WANT, held, OURS)
    assert steps(plan.steps) == [(Operation.REPLACE, ROLE), (Operation.ADD, entry(ANNA))]
    assert [step.because for step in plan.steps] == ["differs in index_permissions", "group (was removed by hand)"]
    assert plan.added == {entry(ANNA)}


def test_given_a_role_no_longer_asked_for_then_its_mapping_goes_first() -> None:
    held = state(ANNA)
    mine = OURS | {Claim(Kind.MAPPINGS, "readers")}
    plan = difference(OPENSEARCH, wanted(), held, mine)
    assert patches(plan, held) == [
        (Kind.MAPPINGS, [{"op": "remove", "path": "/readers"}]),
        (Kind.ROLES, [{"op": "remove", "path": "/readers"}]),
    ]


def test_hand_made_entries_stay_mapped_when_their_role_is_removed() -> None:
    """The role leaves the model, but entries that are not ours are mapped to it. They stay, and a note says so."""
    held = state(ANNA, "by hand")
    plan = difference(OPENSEARCH, wanted(), held, OURS | {Claim(Kind.MAPPINGS, "readers")})
    after = apply_patches(held, patches(plan, held))
    assert after.entries("readers", "users") == ("by hand",)
    assert plan.notes == ("role readers is removed, though entries that are not ours are mapped to it",)


def test_a_role_that_another_owner_grants_stays_when_we_leave() -> None:
    """We no longer ask for the role, but somebody else grants it: a conflict, and no step."""
    plan = difference(OPENSEARCH, wanted(), state("ben"), frozenset({ROLE}), frozenset({entry("ben")}))
    assert plan.empty
    assert plan.conflicts[0].why == "no longer asked for, but another owner grants it"


@pytest.mark.parametrize(
    ("held", "why"),
    [
        (holding(), "there is no such role, or none any more"),
        (
            holding({"readers": role("read")}, {"readers": mapping() | {"reserved": True}}),
            "the engine reserves it",
        ),
        (
            holding({"readers": role("read")}, {"readers": mapping(and_backend_roles=["hand"])}),
            "and_backend_roles asks for hand, by hand or for another owner",
        ),
    ],
)
def test_given_a_mapping_that_cannot_be_made_then_the_conflict_says_why(held: SecurityConfig, why: str) -> None:
    plan = difference(OPENSEARCH, wanted(entries={"readers": {"and_backend_roles": {"a": "model"}}}), held, NOBODY)
    assert plan.empty
    assert [b.why for b in plan.conflicts] == [why]


def test_a_role_that_is_granted_and_not_there_is_told_before_anybody_is_in_the_group() -> None:
    """An engine that was an Elasticsearch may have Dashboards' roles under Kibana's names, or under none."""
    asked = replace(wanted(), granted=frozenset({"kibana_user", "readers"}))
    plan = difference(OPENSEARCH, asked, holding({"readers": role("read")}), NOBODY)
    said = "kibana_user is granted, and there is no such role, or none any more: name a role that exists, or declare it under roles"
    assert (plan.empty, plan.notes) == (True, (said,))
    somebody = replace(asked, entries={"kibana_user": {"users": {ANNA: "model"}}})
    plan = difference(OPENSEARCH, somebody, holding({"readers": role("read")}), NOBODY)
    assert [one.claim for one in plan.conflicts] == [Claim(Kind.MAPPINGS, "kibana_user", "users", ANNA)]
    assert plan.notes == (), "the conflict says it"


def test_the_mapping_of_a_missing_role_is_removed_whole_or_not_at_all() -> None:
    """If all entries are ours, the mapping is removed. If one was made by hand, it stays, we keep our claims, and a conflict says why."""
    mine = frozenset({entry(ANNA), Claim(Kind.MAPPINGS, "readers")})
    held = holding({}, {"readers": mapping(users=[ANNA])})
    alone = difference(OPENSEARCH, wanted(), held, mine)
    assert patches(alone, held) == [(Kind.MAPPINGS, [{"op": "remove", "path": "/readers"}])]
    assert alone.claims_after(mine) == NOBODY
    unread = difference(OPENSEARCH, replace(wanted(), unsure=frozenset({"readers"})), held, mine)
    assert unread.empty
    shared = holding({}, {"readers": mapping(users=[ANNA, "by hand"])})
    plan = difference(OPENSEARCH, wanted(), shared, mine)
    assert plan.empty
    assert plan.foreign == (entry("by hand"),)
    assert plan.notes == ()
    assert plan.conflicts[0].why == "the role is gone, so its mapping cannot be changed"
    assert entry(ANNA) in plan.claims_after(mine)


def test_a_mapping_without_role_is_given_up_if_another_owner_claims_it() -> None:
    mine = frozenset({entry(ANNA), Claim(Kind.MAPPINGS, "readers")})
    plan = difference(
        OPENSEARCH, wanted(), holding({}, {"readers": mapping(users=[ANNA])}), mine, frozenset({entry(ANNA)})
    )
    assert plan.empty
    assert plan.claims_after(mine) == NOBODY


def test_a_role_leaves_with_its_emptied_mapping_or_its_claims_are_dropped() -> None:
    whole = Claim(Kind.MAPPINGS, "readers")
    emptied = difference(OPENSEARCH, wanted(), state(), OURS | {whole})
    assert steps(emptied.steps) == [(Operation.REMOVE, whole), (Operation.REMOVE, ROLE)]
    gone = difference(OPENSEARCH, wanted(), holding(), OURS | {whole})
    assert gone.empty
    assert gone.claims_after(OURS | {whole}) == NOBODY


def test_hand_made_roles_are_listed_but_not_reserved_or_claimed_ones() -> None:
    held = holding({"own": role("read"), "fixed": role("read") | {"reserved": True}, "theirs": role("read")})
    plan = difference(OPENSEARCH, wanted(), held, NOBODY, frozenset({Claim(Kind.ROLES, "theirs")}))
    assert plan.empty
    assert plan.foreign == (Claim(Kind.ROLES, "own"),)


def test_our_role_that_the_engine_now_reserves_cannot_be_removed() -> None:
    held = holding({"readers": role("read") | {"reserved": True}})
    plan = difference(OPENSEARCH, wanted(), held, frozenset({ROLE}))
    assert plan.empty
    assert [(b.claim, b.why) for b in plan.conflicts] == [(ROLE, "the engine reserves it")]


def test_a_mapping_the_engine_reserves_by_now_is_given_up() -> None:
    """We no longer claim it. Its entry cannot be taken out, and a conflict says that the engine reserves it."""
    whole = Claim(Kind.MAPPINGS, "readers")
    held = holding({"readers": role("read")}, {"readers": mapping(users=[ANNA]) | {"reserved": True}})
    plan = difference(OPENSEARCH, wanted(), held, OURS | {whole})
    assert steps(plan.steps) == [(Operation.REMOVE, ROLE)]
    assert plan.release_only == (whole,)
    assert [(b.claim, b.why) for b in plan.conflicts] == [(entry(ANNA), "the engine reserves it")]


def and_list(*entries: str) -> SecurityConfig:
    return holding({"readers": role("read")}, {"readers": mapping(and_backend_roles=list(entries))})


def all_of(*entries: str) -> frozenset[Claim]:
    return frozenset(entry(name, "and_backend_roles") for name in entries)


def test_given_a_condition_of_all_that_changes_then_it_changes_in_one_patch() -> None:
    want = wanted(entries={"readers": {"and_backend_roles": {"a": "m", "c": "m"}}})
    held = and_list("a", "b")
    sequence = patches(difference(OPENSEARCH, want, held, all_of("a", "b")), held)
    assert len(sequence) == 1
    assert apply_patches(held, sequence).entries("readers", "and_backend_roles") == ("a", "c")


def test_given_a_condition_tightened_by_hand_then_leaving_never_loosens_it() -> None:
    plan = difference(OPENSEARCH, wanted(), and_list("a", "by hand"), all_of("a"))
    assert plan.empty
    assert [str(b) for b in plan.conflicts] == [
        "rolesmapping/readers/and_backend_roles: a: and_backend_roles asks for by hand, by hand or for another owner "
        "(make both alike, or use a role of the model's own)"
    ]
    assert plan.claims_after(all_of("a")) == all_of("a")


def test_given_a_condition_tightened_by_hand_then_what_is_asked_of_it_stays_ours() -> None:
    want = wanted(entries={"readers": {"and_backend_roles": {"a": "m"}}})
    plan = difference(OPENSEARCH, want, and_list("a", "by hand"), all_of("a"))
    assert plan.empty
    assert [blocked.claim.entry for blocked in plan.conflicts] == ["a"]
    assert plan.claims_after(all_of("a")) == all_of("a")


def test_an_owner_who_wants_another_condition_gives_up_its_claims() -> None:
    """Two owners share one and_backend_roles condition.

    The one that wants another changes nothing, drops its claims and gets a conflict.
    """
    want = wanted(entries={"readers": {"and_backend_roles": {"a": "m", "c": "m"}}})
    plan = difference(OPENSEARCH, want, and_list("a", "b"), all_of("a", "b"), all_of("a", "b"))
    assert plan.empty
    assert plan.claims_after(all_of("a", "b")) == frozenset()
    assert [b.claim.entry for b in plan.conflicts] == ["a", "c"]


def test_a_condition_loosened_by_hand_is_restored_by_any_of_its_owners() -> None:
    """Somebody took a role out of and_backend_roles. An owner of the condition puts it back."""
    want = wanted(entries={"readers": {"and_backend_roles": {"a": "m", "b": "m"}}})
    plan = difference(OPENSEARCH, want, and_list("a"), all_of("a", "b"), all_of("a", "b"))
    assert steps(plan.steps) == [(Operation.ADD, entry("b", "and_backend_roles"))]


def test_a_condition_begun_by_hand_is_completed_only_when_adopting() -> None:
    """Part of the wanted and_backend_roles is there by hand. It is left alone, unless the plan adopts what it finds."""
    want = wanted(entries={"readers": {"and_backend_roles": {"a": "m", "b": "m"}}})
    assert difference(OPENSEARCH, want, and_list("a"), NOBODY).empty
    adopting = difference(OPENSEARCH, want, and_list("a"), NOBODY, adopt=True)
    assert steps(adopting.steps) == [(Operation.ADD, entry("b", "and_backend_roles"))]
    assert adopting.claim_only == (entry("a", "and_backend_roles"),)


HOSTILE = ["a/b", "~", "~1", 'q"uote', "größe", "dots.and spaces", "", "*", "-"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_survive_pointers_and_patches(name: str) -> None:
    assert parts(pointer(name, "users", 0)) == [name, "users", "0"]
    want = wanted({name: role("read")}, {name: {"users": {name: "x"}}})
    after = apply_patches(holding(), patches(difference(OPENSEARCH, want, holding(), NOBODY), holding()))
    assert after.entries(name, "users") == (name,)
    gone = apply_patches(
        after,
        patches(difference(OPENSEARCH, wanted({name: role("read")}), after, want.claims(OPENSEARCH.mappings)), after),
    )
    assert gone.entries(name, "users") == ()


def test_an_internal_user_changes_by_field_and_needs_a_password_when_new() -> None:
    """A new user without a password is bad input. The password is in no plan, and a change patches only the fields that differ."""
    want = wanted(users={"u": {"backend_roles": ["b"], "description": "d"}})
    plan = difference(OPENSEARCH, want, holding(), NOBODY)
    with pytest.raises(BadInput, match="internal user u is new and has no password"):
        patches(plan, holding())
    ((kind, operations),) = patches(plan, holding(), {"u": {"password": "secret"}})
    assert (kind, operations[0]["value"]["password"]) == (Kind.USERS, "secret")
    assert "secret" not in str(plan)
    assert "secret" not in str(apply_patch(holding(), kind, operations))
    held = holding(users={"u": {"hash": "", "backend_roles": ["a"], "attributes": {"x": "y"}, "description": "old"}})
    changed = patches(
        difference(OPENSEARCH, wanted(users={"u": {"backend_roles": ["b"]}}), held, want.claims(OPENSEARCH.mappings)),
        held,
    )
    assert changed == [
        (
            Kind.USERS,
            [
                {"op": "add", "path": "/u/attributes", "value": {}},
                {"op": "add", "path": "/u/backend_roles", "value": ["b"]},
                {"op": "remove", "path": "/u/description"},
            ],
        )
    ]


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        ({"op": "test", "path": "/readers", "value": {}}, Refused),
        ({"op": "add", "path": "/readers/users/9", "value": "x"}, Conflict),
        ({"op": "add", "path": "/absent/users/-", "value": "x"}, Conflict),
        ({"op": "remove", "path": "/absent/users/0"}, Conflict),
        ({"op": "replace", "path": "/absent", "value": {}}, Conflict),
        ({"op": "replace", "path": "/readers/users/1", "value": "x"}, Conflict),
        ({"op": "add", "path": "/readers/users/x", "value": "x"}, Conflict),
        ({"op": "remove", "path": "/readers/users/1"}, Conflict),
        ({"op": "add", "path": "/readers/hosts/-", "value": "an empty list is absent"}, Conflict),
        ({"op": "remove", "path": "/readers/users"}, Refused),
        ({"op": "add", "path": "/readers/users/0/x", "value": "x"}, Conflict),
        ({"op": "add", "path": "/absent", "value": mapping()}, Refused),
        ({"op": "add", "path": "/fixed/users", "value": ["x"]}, Refused),
    ],
)
def test_what_the_engine_refuses_the_model_of_it_refuses(operation: Json, error: type[PortcullisError]) -> None:
    held = holding(
        {"readers": role("read"), "fixed": role("read")},
        {"readers": mapping(users=["a"]), "fixed": mapping() | {"reserved": True}},
    )
    with pytest.raises(error):
        apply_patch(held, Kind.MAPPINGS, [operation])


def test_removing_what_is_absent_does_nothing() -> None:
    held = state("a")
    for path in ("/absent", "/readers/hosts", "/readers/description"):
        assert apply_patch(held, Kind.MAPPINGS, [{"op": "remove", "path": path}]) == held


@pytest.mark.parametrize("names", [("alpha", "größe"), ("größe", "alpha")])
def test_who_still_names_a_removed_role_is_told_in_one_order(names: tuple[str, str]) -> None:
    given = {"enabled": True, "roles": ["readers"], "rules": {"field": {"username": ["anna"]}}}
    held = OnElasticsearch(
        {OfElasticsearch.ROLES: {"readers": {"cluster": []}}, OfElasticsearch.MAPPINGS: dict.fromkeys(names, given)}
    )
    plan = difference(ELASTICSEARCH, Desired(), held, frozenset({Claim(OfElasticsearch.ROLES, "readers")}))
    assert [note.split(" gives")[0].split("/")[-1] for note in plan.notes] == ["alpha", "größe"]


ON_ES = {"cluster": ["monitor"]}
TEAM = Claim(OfElasticsearch.MAPPINGS, "team")
GIVES_READERS = {"enabled": True, "roles": ["readers"], "rules": {"field": {"groups": ["team"]}}}


def test_a_native_user_whom_the_engine_does_not_keep_is_a_conflict() -> None:
    want = Desired({OfElasticsearch.ROLES: {"readers": ON_ES}}, {"readers": {"users": {"nobody": "grant"}}})
    held = OnElasticsearch({OfElasticsearch.ROLES: {"readers": ON_ES}})
    plan = difference(ELASTICSEARCH, want, held, frozenset({Claim(OfElasticsearch.ROLES, "readers")}))
    assert plan.empty
    assert [(str(one.claim), one.why) for one in plan.conflicts] == [
        ("role_members/readers/users: nobody", "the engine keeps nobody of that name, or none any more")
    ]


@pytest.mark.parametrize(
    ("mine", "others", "removed"),
    [
        (frozenset({TEAM}), NOBODY, True),
        (frozenset({TEAM}), frozenset({TEAM}), False),
        (NOBODY, frozenset({TEAM}), False),
        (NOBODY, NOBODY, False),
    ],
)
def test_our_mapping_to_a_missing_role_is_removed_if_it_is_ours_alone(
    mine: frozenset[Claim], others: frozenset[Claim], removed: bool
) -> None:
    """What would let people into a role that is gone. Whoever makes the role again would let them in without a word."""
    want = Desired({OfElasticsearch.MAPPINGS: {"team": GIVES_READERS}})
    held = OnElasticsearch({OfElasticsearch.MAPPINGS: {"team": GIVES_READERS}})
    plan = difference(ELASTICSEARCH, want, held, mine, others)
    assert steps(plan.steps) == ([(Operation.REMOVE, TEAM)] if removed else [])
    assert [(one.claim, one.why) for one in plan.conflicts] == [(TEAM, "there is no such role, or none any more")]


@pytest.mark.parametrize(
    ("there", "mine", "others", "foreign"),
    [
        (True, NOBODY, NOBODY, (ROLE,)),
        (True, OURS, NOBODY, ()),
        (True, NOBODY, OURS, ()),
        (False, NOBODY, NOBODY, ()),
    ],
)
def test_a_document_to_be_left_as_it_is_is_foreign_if_it_is_nobodys(
    there: bool, mine: frozenset[Claim], others: frozenset[Claim], foreign: tuple[Claim, ...]
) -> None:
    """Whatever is asked for. It is neither written nor removed, and the claims on it stay."""
    held = holding({"readers": role("write")} if there else {})
    plan = difference(
        OPENSEARCH, replace(wanted({"readers": role("read")}), untouched=frozenset({ROLE})), held, mine & {ROLE}, others
    )
    assert plan.empty
    assert plan.conflicts == ()
    assert plan.foreign == foreign
    assert plan.claims_after(mine & {ROLE}) == mine & {ROLE}


def test_what_is_claimed_only_is_named_in_order() -> None:
    names = [f"u{number}" for number in range(9)]
    want = wanted({"readers": role("read")}, {"readers": {"users": dict.fromkeys(names, "group")}})
    plan = difference(OPENSEARCH, want, state(*reversed(names)), frozenset({ROLE}), adopt=True)
    assert plan.claim_only == tuple(entry(name) for name in names)


def test_what_another_owner_calls_as_our_role_is_called_does_not_keep_it() -> None:
    """They have an action group of that name. Whoever has the role is what keeps a role, and nobody has it."""
    theirs = frozenset({Claim(Kind.ACTION_GROUPS, "readers")})
    assert steps(difference(OPENSEARCH, wanted(), state(), frozenset({ROLE}), theirs).steps) == [
        (Operation.REMOVE, ROLE)
    ]


def test_whoever_left_a_role_that_is_made_again_is_named_until_it_is_there() -> None:
    """Its mapping stands without it and takes no change: a conflict says so, and what is claimed of it stays claimed."""
    mine = frozenset({Claim(Kind.MAPPINGS, "readers"), entry(ANNA), entry("ben")})
    held = holding({}, {"readers": mapping(users=[ANNA, "ben"])})
    plan = difference(OPENSEARCH, WANT, held, mine)
    assert steps(plan.steps) == [(Operation.ADD, ROLE)]
    assert [(one.claim, one.why) for one in plan.conflicts] == [
        (entry("ben"), "the role is gone, so its mapping cannot be changed")
    ]
    assert plan.claims_after(mine) == mine | {ROLE}
    then = difference(OPENSEARCH, WANT, state(ANNA, "ben"), mine | {ROLE})
    assert steps(then.steps) == [(Operation.REMOVE, entry("ben"))]


@pytest.mark.parametrize(
    ("mine", "others", "why"),
    [
        (False, False, "no longer asked for, but by hand it was given what is not ours"),
        (False, True, "no longer asked for, but another owner grants it"),
        (True, False, None),
    ],
)
def test_a_native_user_is_removed_unless_a_role_of_theirs_is_anothers(
    mine: bool, others: bool, why: str | None
) -> None:
    user, theirs = Claim(OfElasticsearch.USERS, "anna"), Claim("role_members", "readers", "users", "anna")
    held = OnElasticsearch(
        {OfElasticsearch.ROLES: {"readers": ON_ES}, OfElasticsearch.USERS: {"anna": {"roles": ["readers"]}}}
    )
    plan = difference(
        ELASTICSEARCH,
        Desired(),
        held,
        frozenset({user, *({theirs} if mine else ())}),
        frozenset({theirs} if others else ()),
    )
    assert ((Operation.REMOVE, user) in steps(plan.steps)) is (why is None)
    assert [(one.claim, one.why) for one in plan.conflicts] == ([(user, why)] if why else [])


def test_what_is_asked_of_some_roles_is_asked_of_these_alone() -> None:
    want = wanted(
        {"readers": role("read"), "writers": role("write")},
        {"readers": {"users": {ANNA: "group"}}, "writers": {"users": {OPS: "group"}}},
    )
    assert want.only(["readers"], {Kind.ROLES: ["readers"], Kind.MAPPINGS: ["readers"]}) == Desired(
        {Kind.ROLES: {"readers": role("read")}, Kind.MAPPINGS: {}}, {"readers": {"users": {ANNA: "group"}}}
    )


def test_only_the_chosen_among_what_is_there_is_adopted() -> None:
    want = wanted({"readers": role("read")}, {"readers": {"users": {ANNA: "group", OPS: "group"}}})
    plan = difference(OPENSEARCH, want, state(ANNA, OPS), frozenset({ROLE}), adopt=frozenset({entry(OPS)}))
    assert (plan.claim_only, plan.foreign) == ((entry(OPS),), (entry(ANNA),))


def test_people_of_one_list_are_written_in_order() -> None:
    names = [f"u{number}" for number in range(9)]
    want = wanted({"readers": role("read")}, {"readers": {"users": dict.fromkeys(reversed(names), "group")}})
    plan = difference(OPENSEARCH, want, state(), frozenset({ROLE}))
    assert steps(plan.steps) == [(Operation.ADD, entry(name)) for name in names]


def test_a_condition_that_the_engine_reserves_is_no_conflict() -> None:
    """It stands as the engine has it, and nobody could make it another."""
    held = holding({"readers": role("read")}, {"readers": mapping(and_backend_roles=["a", "b"]) | {"reserved": True}})
    want = wanted({"readers": role("read")}, {"readers": {"and_backend_roles": {"a": "m"}}})
    plan = difference(OPENSEARCH, want, held, frozenset({ROLE}))
    assert (plan.empty, plan.conflicts, plan.foreign) == (True, (), ())


@pytest.mark.parametrize(
    ("held", "done"),
    [
        (holding(), [(Operation.ADD, Claim(Kind.MAPPINGS, "readers")), (Operation.ADD, entry(ANNA))]),
        (state("ben"), [(Operation.ADD, entry(ANNA))]),
        (state("ben", ANNA), []),
    ],
)
def test_somebody_is_let_into_a_role_as_far_as_they_are_not(
    held: SecurityConfig, done: list[tuple[Operation, Claim]]
) -> None:
    assert steps(letting_in(OPENSEARCH, held, ("readers",), ANNA, "users")) == done


def test_a_mapping_the_engine_keeps_to_itself_is_not_removed() -> None:
    """Though its role is gone and it is ours: the engine would refuse that, and the plan with it."""
    reserved = {**GIVES_READERS, "metadata": {"_reserved": True}}
    want = Desired({OfElasticsearch.MAPPINGS: {"team": reserved}})
    held = OnElasticsearch({OfElasticsearch.MAPPINGS: {"team": reserved}})
    plan = difference(ELASTICSEARCH, want, held, frozenset({TEAM}))
    assert plan.empty
    assert [one.claim for one in plan.conflicts] == [TEAM]


def test_only_a_user_is_kept_for_the_roles_that_strangers_gave_them() -> None:
    """A role mapping that is called like a native user is no native user."""
    mine = Claim(OfElasticsearch.MAPPINGS, "anna")
    held = OnElasticsearch(
        {
            OfElasticsearch.ROLES: {"readers": ON_ES},
            OfElasticsearch.USERS: {"anna": {"roles": ["readers"]}},
            OfElasticsearch.MAPPINGS: {"anna": GIVES_READERS},
        }
    )
    plan = difference(ELASTICSEARCH, Desired(), held, frozenset({mine}))
    assert steps(plan.steps) == [(Operation.REMOVE, mine)]
