"""What was changed by hand, and what a change means for people."""

from __future__ import annotations

import pytest
from hypothesis import given
from portcullis.access.actual import Json
from portcullis.access.desired import Desired
from portcullis.access.difference import difference
from portcullis.access.drift import Drift, drift
from portcullis.access.effect import Access, Effect
from portcullis.access.plan import Claim
from portcullis.families.elasticsearch.documents.config import Kind as OfElasticsearch
from portcullis.families.elasticsearch.documents.config import SecurityConfig as OnElasticsearch
from portcullis.families.elasticsearch.family import ELASTICSEARCH
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.documents.patch import apply_patches, patches
from portcullis.families.opensearch.family import OPENSEARCH
from portcullis.families.opensearch.granting.effect import people

from .strategies import (
    AUTOMATION,
    BREAK_GLASS,
    KEEPERS,
    MASTER,
    desires,
    held_states,
    holding,
    house,
    mapping,
    role,
    wanted,
)

READERS = wanted({"readers": role("read")}, {"readers": {"users": {"anna": "group support"}}})
MINE = READERS.claims(OPENSEARCH.mappings)


def told(held: SecurityConfig, **more: object) -> list[tuple[str, str]]:
    return [(d.severity, d.what) for d in drift(OPENSEARCH, READERS, held, MINE, **more)]  # type: ignore[arg-type]


def as_left() -> SecurityConfig:
    return holding({"readers": role("read"), "kibana_user": role("read")}, {"readers": mapping(users=["anna"])})


def with_mapping(**mappings: Json) -> SecurityConfig:
    return SecurityConfig({**as_left().documents, Kind.MAPPINGS: {**as_left().of(Kind.MAPPINGS), **mappings}})


def test_given_everything_as_we_left_it_then_no_drift() -> None:
    assert told(as_left()) == []


def test_given_an_entry_taken_out_by_hand_then_who_lost_it_is_named() -> None:
    assert told(with_mapping(readers=mapping())) == [
        ("warning", "anna was removed by hand from users of readers, and lost what it gives")
    ]


def test_an_administrator_without_a_name_is_critical_though_the_model_asks() -> None:
    nobody = "opendistro_security_anonymous_backendrole"
    held = with_mapping(all_access=mapping(backend_roles=[nobody]))
    asked = wanted(
        {"readers": role("read")},
        {"all_access": {"backend_roles": {nobody: "the file"}}, "readers": {"users": {"anna": "b"}}},
    )
    found = [
        one for one in drift(OPENSEARCH, asked, held, asked.claims(OPENSEARCH.mappings)) if one.severity == "critical"
    ]
    assert [one.what for one in found] == [
        f"whoever there is, also without signing in ({nobody}), administers the engine (all_access through backend_roles), "
        "and the model does not ask for it"
    ]


def test_given_a_whole_mapping_removed_by_hand_then_who_lost_it_is_named() -> None:
    assert told(holding({"readers": role("read")})) == [
        ("warning", "anna was removed by hand from users of readers, and lost what it gives")
    ]


def test_an_unloadable_entry_is_critical_and_says_whether_it_is_ours() -> None:
    held = with_mapping(readers=mapping(users=["anna", "/[/"]))
    claim = Claim(Kind.MAPPINGS, "readers", "users", "/[/")
    for mine, ours in ((MINE, False), (MINE | {claim}, True)):
        (found,) = (one for one in drift(OPENSEARCH, READERS, held, mine) if one.severity == "critical")
        assert (found.claim, found.ours, found.people) == (claim, ours, ())


@pytest.mark.parametrize("name", ["indices:data/read/get*", "read*"])
def test_an_action_group_called_like_an_action_is_critical_whoever_has_it(name: str) -> None:
    """To the engine every role that names the action then has all that the group holds."""
    for fixed, told_of in ((False, ["critical"]), (True, [])):
        group = {"allowed_actions": ["*"], "reserved": fixed}
        held = SecurityConfig({**as_left().documents, Kind.ACTION_GROUPS: {name: group, "plain": group}})
        assert [severity for severity, what in told(held) if "called like an action" in what] == told_of
    assert told(held, others=frozenset({Claim(Kind.ACTION_GROUPS, name)})) == []


def test_a_hand_made_entry_in_a_role_we_no_longer_want_is_a_warning() -> None:
    held = with_mapping(readers=mapping(users=["anna", "eve"]))
    found = drift(OPENSEARCH, wanted(), held, MINE)
    assert [(one.severity, one.people) for one in found] == [("warning", ("eve",))]


def test_administrators_of_the_model_and_keepers_are_no_critical_drift() -> None:
    asked = wanted(entries={"all_access": {"users": {"anna": "the model"}}})
    held = house(all_access=mapping(users=["anna"], backend_roles=[MASTER]))
    found = drift(OPENSEARCH, asked, held, asked.claims(OPENSEARCH.mappings), keepers=KEEPERS)
    assert [one for one in found if one.severity == "critical"] == []


def test_given_entries_put_in_by_hand_then_those_of_our_roles_come_first() -> None:
    held = with_mapping(readers=mapping(users=["anna", "eve"]), kibana_user=mapping(backend_roles=["x"]))
    assert told(held) == [
        ("warning", "eve was added by hand to users of readers, and has what it gives"),
        ("info", "x was added by hand to backend_roles of kibana_user, and has what it gives"),
    ]


def test_given_an_entry_of_another_owner_then_it_is_not_told() -> None:
    held = with_mapping(readers=mapping(users=["anna", "eve"]))
    eve = frozenset({Claim(Kind.MAPPINGS, "readers", "users", "eve")})
    assert told(held, others=eve) == []


def test_given_a_role_edited_by_hand_then_its_holders_are_concerned() -> None:
    held = SecurityConfig({**as_left().documents, Kind.ROLES: {"readers": role("read", "write")}})
    (change,) = drift(OPENSEARCH, READERS, held, MINE)
    assert change == Drift(
        "warning",
        Claim(Kind.ROLES, "readers"),
        "roles/readers was edited: index_permissions; it concerns anna",
        ("anna",),
        ours=True,
    )


def test_given_a_role_removed_by_hand_then_it_is_told() -> None:
    held = SecurityConfig({**as_left().documents, Kind.ROLES: {}})
    assert told(held) == [("warning", "roles/readers was removed by hand; it concerns anna")]


def test_an_administrator_nobody_asked_for_is_critical_even_if_claimed() -> None:
    """Drift names each of them as critical, also the one that another deployment claims and everyone by a wildcard."""
    users: dict[str, Json] = {"mallory": {"opendistro_security_roles": ["all_access"]}}
    base = house(all_access=mapping(backend_roles=[MASTER], users=["eve", "*"]))
    held = SecurityConfig({**base.documents, Kind.USERS: users})
    eve = frozenset({Claim(Kind.MAPPINGS, "all_access", "users", "eve")})
    found = [
        d for d in drift(OPENSEARCH, wanted(), held, frozenset(), eve, keepers=KEEPERS) if d.severity == "critical"
    ]
    assert [d.people for d in found] == [("mallory",), ("*",), ("eve",)]
    assert (
        found[1].what == "everyone administers the engine (all_access through users), and the model does not ask for it"
    )


@pytest.mark.parametrize(
    ("entry", "who"), [(MASTER, "the master"), (AUTOMATION, "the automation"), (BREAK_GLASS, "break-glass")]
)
def test_an_internal_user_who_passes_for_one_of_ours_is_critical(entry: str, who: str) -> None:
    """By a backend role: with a password, and though nobody touched a mapping. Not told where the model itself gives it."""
    users: dict[str, Json] = {"mole": {"backend_roles": ["crew", entry]}, "carl": {"backend_roles": ["crew"]}}
    held = SecurityConfig({**house().documents, Kind.USERS: users})
    found = [
        one for one in drift(OPENSEARCH, wanted(), held, frozenset(), keepers=KEEPERS) if one.severity == "critical"
    ]
    assert [(one.claim, one.people, one.ours) for one in found] == [(Claim(Kind.USERS, "mole"), ("mole",), False)]
    assert found[0].what == f"internal user mole has the backend role {entry}, and is {who} with a password"


APP = "arn:aws:iam::1:role/app"
# Mapped by the model: an IAM role, a plain backend role, and whoever has two. By hand: another plain one.
GIVEN = wanted(
    {"readers": role("read"), "writers": role("write")},
    {
        "readers": {"backend_roles": dict.fromkeys([APP, "crew"], "grant")},
        "writers": {"and_backend_roles": dict.fromkeys(["crew", "night"], "both")},
        "all_access": {"backend_roles": {"arn:aws:iam::1:role/chief": "grant"}},
    },
    users={"carl": {"backend_roles": [APP]}},
)
MAPPED = house(
    readers=mapping(backend_roles=[APP, "crew"]),
    writers=mapping(and_backend_roles=["crew", "night"]),
    all_access=mapping(backend_roles=[MASTER, "arn:aws:iam::1:role/chief"]),
    kibana_user=mapping(backend_roles=["guests"], users=["anna", "Cognito/pool/ben"]),
)


@pytest.mark.parametrize(
    ("user", "backend_roles", "severity", "says"),
    [
        ("mole", [APP], "warning", f"has the backend role {APP}, and by it readers with a password"),
        (
            "mole",
            ["crew", "arn:aws:iam::1:role/chief"],
            "critical",
            "has the backend role arn:aws:iam::1:role/chief, and by it all_access with a password, and administers the engine",
        ),
        ("mole", ["guests"], "info", "has the backend role guests, and by it kibana_user with a password"),
        (
            "Cognito/pool/ben",
            [],
            "info",
            "is called like a user of Cognito, and has kibana_user with a password",
        ),
        # Theirs by the model, or by name; a word that the model grants to whoever has it; one that is mapped to nothing.
        ("carl", [APP], "", ""),
        ("anna", ["guests"], "", ""),
        ("mole", ["crew", "night", "any-other", "arn:aws:iam::1:role/nobody"], "", ""),
        # The model gave carl one, and no more.
        ("carl", [APP, "guests"], "info", "has the backend role guests, and by it kibana_user with a password"),
    ],
)
def test_an_internal_user_who_has_roles_by_a_backend_role_nobody_gave_them_is_drift(
    user: str, backend_roles: list[str], severity: str, says: str
) -> None:
    """Though no mapping was touched. It names the roles, and whether they administer; a word of the file's own is for whoever has it."""
    held = SecurityConfig({**MAPPED.documents, Kind.USERS: {user: {"backend_roles": backend_roles}}})
    mine = GIVEN.claims(OPENSEARCH.mappings) - {Claim(Kind.USERS, "carl")}
    found = [one for one in drift(OPENSEARCH, GIVEN, held, mine, keepers=KEEPERS) if one.claim.kind == Kind.USERS]
    told = [(one.severity, one.what, one.people, one.ours) for one in found]
    assert told == ([(severity, f"internal user {user} {says}", (user,), False)] if says else [])
    # Of a user of another deployment on the domain nothing is told, nor of one that this one made and no longer asks for.
    others = frozenset({Claim(Kind.USERS, user)})
    assert not [one for one in drift(OPENSEARCH, GIVEN, held, mine, others) if one.claim.kind == Kind.USERS]
    if user == "mole":
        assert not [one for one in drift(OPENSEARCH, GIVEN, held, mine | others) if one.claim.kind == Kind.USERS]


def test_of_several_roles_that_a_name_gives_all_are_named_and_one_of_the_model_counts() -> None:
    ben = "Cognito/pool/ben"
    readers = {**MAPPED.of(Kind.MAPPINGS)["readers"], "users": [ben]}
    mappings = {**MAPPED.of(Kind.MAPPINGS), "readers": readers}
    held = SecurityConfig({**MAPPED.documents, Kind.MAPPINGS: mappings, Kind.USERS: {ben: {"backend_roles": []}}})
    mine = GIVEN.claims(OPENSEARCH.mappings) - {Claim(Kind.USERS, "carl")}
    [one] = [one for one in drift(OPENSEARCH, GIVEN, held, mine, keepers=KEEPERS) if one.claim.kind == Kind.USERS]
    assert one.severity == "warning"
    assert one.what.endswith("is called like a user of Cognito, and has kibana_user, readers with a password")


def test_an_internal_user_made_by_hand_is_told_once_with_all_that_they_have() -> None:
    """Roles of their own, a caller's backend role, and a keeper's: the gravest of it counts."""
    mole = {"backend_roles": [APP, AUTOMATION], "opendistro_security_roles": ["kibana_user"]}
    held = SecurityConfig({**MAPPED.documents, Kind.USERS: {"mole": mole}})
    mine = GIVEN.claims(OPENSEARCH.mappings) - {Claim(Kind.USERS, "carl")}
    [one] = [one for one in drift(OPENSEARCH, GIVEN, held, mine, keepers=KEEPERS) if one.claim.kind == Kind.USERS]
    assert one.severity == "critical"
    for says in (
        "has kibana_user without a mapping",
        "is the automation with a password",
        "by it readers with a password",
    ):
        assert says in one.what


BY_HAND = Claim(OfElasticsearch.MAPPINGS, "by-hand")


@pytest.mark.parametrize(
    ("gives", "asked", "theirs", "fixed", "severity"),
    [
        (["readers"], False, False, False, "warning"),
        (["kibana_user", "readers"], False, False, False, "warning"),
        (["kibana_user"], False, False, False, "info"),
        ([], False, False, False, None),
        (["readers"], True, False, False, None),  # the plan says what becomes of it
        (["readers"], False, True, False, None),
        (["readers"], False, False, True, None),
    ],
)
def test_a_mapping_made_by_hand_is_told_as_grave_as_what_it_gives(
    gives: list[str], asked: bool, theirs: bool, fixed: bool, severity: str | None
) -> None:
    """A whole document that lets people in. Not one that the model asks for, another deployment claims, or the engine made."""
    made = {"enabled": True, "roles": gives, "rules": {"field": {"groups": ["x"]}}}
    made |= {"metadata": {"_reserved": True}} if fixed else {}
    held = OnElasticsearch(
        {OfElasticsearch.ROLES: {"readers": {"cluster": []}}, OfElasticsearch.MAPPINGS: {"by-hand": made}}
    )
    want = Desired(
        {OfElasticsearch.ROLES: {"readers": {"cluster": []}}}
        | ({OfElasticsearch.MAPPINGS: {"by-hand": {**made, "roles": ["readers"]}}} if asked else {})
    )
    found = drift(ELASTICSEARCH, want, held, frozenset(), frozenset({BY_HAND} if theirs else ()))
    what = f"role_mapping/by-hand was made by hand, and gives {', '.join(gives)}"
    assert [(one.severity, one.claim, one.what, one.ours) for one in found] == (
        [(severity, BY_HAND, what, False)] if severity else []
    )


@pytest.mark.parametrize("ours", [True, False])
def test_an_administrator_no_longer_asked_for_is_said_to_be_ours_or_not(ours: bool) -> None:
    eve = Claim(Kind.MAPPINGS, "all_access", "users", "eve")
    held = house(all_access=mapping(backend_roles=[MASTER], users=["eve"]))
    found = drift(OPENSEARCH, wanted(), held, frozenset({eve} if ours else ()), keepers=KEEPERS)
    assert [(one.claim, one.ours) for one in found if one.severity == "critical"] == [(eve, ours)]


def test_given_a_person_who_joins_a_group_then_what_she_gains_is_said() -> None:
    before = as_left()
    after = with_mapping(readers=mapping(users=["anna", "ben"]))
    assert people(before, after).lines() == ("gains  ben: read on logs-* (role readers)",)
    assert people(after, before).lines() == ("loses  ben: read on logs-* (role readers)",)


def test_people_gain_the_narrower_access_and_lose_the_wider_one() -> None:
    """A role gets filters on documents, fields and masks. Its holders are told what they now see and what they lose."""
    narrow = role("read", dls='{"term": {"a": 1}}', fls=["~name"], masked_fields=["card", "c*::/x/::y"])
    after = SecurityConfig({**as_left().documents, Kind.ROLES: {"readers": narrow}})
    assert people(as_left(), after).lines() == (
        'gains  anna: read on logs-*, only documents that match {"term": {"a": 1}}, without the fields name, '
        "masked: card, c*::/x/::y (role readers)",
        "loses  anna: read on logs-* (role readers)",
    )


def test_a_changed_action_group_names_the_holders_of_roles_that_use_it() -> None:
    """The role itself did not change, but what it allows did."""

    def with_group(*actions: str) -> SecurityConfig:
        return SecurityConfig({**as_left().documents, Kind.ACTION_GROUPS: {"read": {"allowed_actions": list(actions)}}})

    effect = people(with_group("indices:data/read*"), with_group("indices:data/read*", "indices:data/write*"))
    assert effect.people() == ("anna",)


def test_people_of_a_change_are_named_in_order_and_once() -> None:
    names = [f"u{number}" for number in range(20)]
    gains, loses = (tuple(Access(who, "r", what) for who in reversed(names)) for what in "ab")
    assert Effect(gains, loses).people() == tuple(sorted(names))


READ = {"read": {"allowed_actions": ["indices:data/read*"]}, "get": {"allowed_actions": ["indices:data/read/get*"]}}


@pytest.mark.parametrize(
    ("wider", "said"),
    [
        (role("read", "write"), ["write on logs-*"]),
        (role("read", "get"), []),  # read means it already
        (role("read", "indices:data/read/search"), []),
        (role("indices:data/read*"), []),  # the same by another name
        (role("indices:data/*"), ["indices:data/* on logs-*"]),
        (role("read", patterns=("logs-*", "app-*", "box-*")), ["read on app-*, box-*"]),
        (role("read") | {"cluster_permissions": ["cluster_monitor"]}, ["cluster permissions cluster_monitor"]),
    ],
    ids=str,
)
def test_widening_a_role_reports_only_what_is_new_and_no_loss(wider: Json, said: list[str]) -> None:
    """What the role allowed already, under whatever name, is no gain. The way back loses exactly what the way there gained."""
    groups = {**as_left().documents, Kind.ACTION_GROUPS: READ}
    narrow, wide = SecurityConfig(groups), SecurityConfig({**groups, Kind.ROLES: {"readers": wider}})
    there, back = people(narrow, wide), people(wide, narrow)
    assert [access.what for access in there.gains] == said
    assert there.loses == ()
    assert (back.gains, back.loses) == ((), there.gains)


def test_given_one_star_then_no_question_mark_covers_it() -> None:
    groups = {**as_left().documents, Kind.ACTION_GROUPS: {}}
    one, many = (SecurityConfig({**groups, Kind.ROLES: {"readers": role(f"indices:data/{end}")}}) for end in ("?", "*"))
    assert [access.what for access in people(one, many).gains] == ["indices:data/* on logs-*"]
    assert people(many, one).gains == ()


def test_a_role_that_gets_its_first_permissions_takes_nothing_away() -> None:
    """A role without permissions is reported as such only if nothing else is gained or lost by it."""
    bare = SecurityConfig({**as_left().documents, Kind.ROLES: {"readers": {}}})
    assert people(bare, as_left()).lines() == ("gains  anna: read on logs-* (role readers)",)
    assert people(as_left(), bare).lines() == ("loses  anna: read on logs-* (role readers)",)
    nobody = SecurityConfig({**bare.documents, Kind.MAPPINGS: {}})
    assert people(nobody, bare).lines() == ("gains  anna: a role without permissions (role readers)",)


@given(held_states(), desires())
def test_gains_one_way_are_losses_the_other_way_and_no_change_is_silent(held: SecurityConfig, desired: object) -> None:
    """What people gain by a plan is what they would lose by undoing it. The same state before and after concerns nobody."""
    plan = difference(OPENSEARCH, desired, held, frozenset(), adopt=True)  # type: ignore[arg-type]
    after = apply_patches(held, patches(plan, held))
    effect, back = people(held, after), people(after, held)
    assert (effect.gains, effect.loses) == (back.loses, back.gains)
    assert people(after, after).lines() == ()


@pytest.mark.parametrize("administrators", ["all_access", "security_manager"])
def test_losing_an_administrators_role_counts_as_losing_administration(administrators: str) -> None:
    """Also where the engine shows no document of that role, or one without a word about it."""
    for roles in ({}, {administrators: role("read")}):
        before = holding(roles, {administrators: mapping(users=["anna", "ben"])})
        after = holding(roles, {administrators: mapping(users=["ben"])})
        lost = f"anna: administration of the domain (role {administrators})"
        assert lost in {str(one) for one in people(before, after).loses}
        assert lost in {str(one) for one in people(after, before).gains}
        assert people(before, after).people() == ("anna",)


def test_who_lost_access_by_hand_is_named_as_data() -> None:
    (found,) = drift(OPENSEARCH, READERS, with_mapping(readers=mapping()), MINE)
    assert found.people == ("anna",)


def test_an_entry_by_hand_in_a_mapping_that_is_reserved_is_told_too() -> None:
    held = with_mapping(readers={**mapping(users=["anna", "eve"]), "reserved": True})
    assert told(held) == [("warning", "eve was added by hand to users of readers, and has what it gives")]


@pytest.mark.parametrize(
    ("lists", "users", "unsure"),
    [
        ({"users": ["/(?<=x)a/"]}, {}, True),
        ({"backend_roles": ["/(?<=x)a/"]}, {}, True),
        ({"users": ["/a/"]}, {}, False),
        ({"users": ["eve"]}, {}, False),
        ({"and_backend_roles": ["crew", "/(?<=x)a/"]}, {}, True),
        ({"and_backend_roles": ["/(?<=x)a/", "crew"]}, {}, True),
        ({"and_backend_roles": ["crew", "night"]}, {}, False),
        ({"users": ["/(?<=x)a and b/"]}, {}, True),
        ({}, {"/(?<=x)a/": {"opendistro_security_roles": ["all_access"]}}, False),  # a name, and no expression
    ],
)
def test_whom_an_expression_makes_administrator_may_be_known_to_the_engine_alone(
    lists: dict[str, list[str]], users: dict[str, Json], unsure: bool
) -> None:
    base = house(all_access=mapping(**{"backend_roles": [MASTER], **lists}))
    held = SecurityConfig({**base.documents, Kind.USERS: users})
    found = [
        one.what
        for one in drift(OPENSEARCH, wanted(), held, frozenset(), keepers=KEEPERS)
        if one.severity == "critical" and "administers the engine" in one.what
    ]
    assert len(found) == 1
    assert found[0].endswith("; whom that expression lets in only the engine can tell") is unsure
