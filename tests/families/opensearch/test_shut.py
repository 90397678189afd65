"""The lock on the role mappings and the way back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from portcullis.access.actual import Json
from portcullis.access.guard import ProtectedPrincipals, guard
from portcullis.access.plan import Claim, Operation, Step
from portcullis.access.terms import Caller
from portcullis.families.opensearch.documents.config import MAPPING_LISTS, Kind, SecurityConfig
from portcullis.families.opensearch.documents.dialects import Dialect, from_engine, to_engine
from portcullis.families.opensearch.documents.patch import apply_patches
from portcullis.families.opensearch.family import OPENSEARCH
from portcullis.families.opensearch.granting.callers import mapped_roles
from portcullis.families.opensearch.names.patterns import unloadable
from portcullis.families.opensearch.shutting.baseline import BREAK_GLASS_ROLE, LOCK_ROLE, baseline
from portcullis.families.opensearch.shutting.shut import reopen, shut

from tests.access.strategies import AUTOMATION, BREAK_GLASS, KEEPERS, MASTER, WINDOW, held_states, house, mapping, role

LOCKED = KEEPERS.while_locked()


@given(held_states())
def test_a_lock_and_its_end_leave_everything_as_it_was(held: SecurityConfig) -> None:
    locking = shut(held, LOCKED)
    saved = json.loads(json.dumps(locking.saved))
    locked = apply_patches(held, locking.writes)
    opened = reopen(saved, locked)
    assert apply_patches(locked, opened.writes) == held
    assert opened.made_while_locked == opened.lost == ()


def test_a_lock_shuts_out_who_passes_for_the_automation_for_good() -> None:
    """By a backend role the mapping that a lock keeps would let them in."""
    users: dict[str, Json] = {"mole": {"backend_roles": ["crew", AUTOMATION]}, "carl": {"backend_roles": ["crew"]}}
    held = SecurityConfig({**house().documents, Kind.USERS: users})
    locking = shut(held, LOCKED)
    assert "mole" in locking.touched
    locked = apply_patches(held, locking.writes)
    assert shut(locked, LOCKED).writes == ()
    back = apply_patches(locked, reopen(json.loads(json.dumps(locking.saved)), locked).writes)
    for one in (locked, back):
        assert [one.of(Kind.USERS)[name]["backend_roles"] for name in ("mole", "carl")] == [["crew"], ["crew"]]
    # Who passes for break-glass is out before a window opens for it.
    glass = SecurityConfig({**house().documents, Kind.USERS: {"mole": {"backend_roles": [BREAK_GLASS]}}})
    assert apply_patches(glass, shut(glass, WINDOW).writes).of(Kind.USERS)["mole"]["backend_roles"] == []


@given(held_states())
def test_a_lock_by_roles_and_its_end_leave_everything_as_it_was(held: SecurityConfig) -> None:
    saved = json.loads(json.dumps(shut(held, LOCKED).saved))
    locked = apply_patches(held, shut(held, LOCKED, saved, checks=0).writes)
    assert shut(locked, LOCKED).writes == shut(locked, LOCKED, saved, checks=0).writes == ()
    opened = reopen(saved, locked)
    assert apply_patches(locked, opened.writes) == held
    assert opened.made_while_locked == opened.lost == ()


@given(held_states())
def test_locked_by_roles_whoever_is_still_mapped_has_an_empty_role(held: SecurityConfig) -> None:
    """A lock may empty the roles and leave their mappings. Roles of administrators are never among those."""
    saved = shut(held, LOCKED).saved
    locked = apply_patches(held, shut(held, LOCKED, saved, checks=0).writes)
    for name in locked.of(Kind.MAPPINGS):
        entries = {entry for entry_list in MAPPING_LISTS for entry in locked.entries(name, entry_list)}
        if entries - {AUTOMATION} and not locked.is_fixed(Kind.MAPPINGS, name):
            permissions = locked.of(Kind.ROLES)[name]
            assert not any(permissions[k] for k in permissions if k.endswith("_permissions"))
            assert name not in ("all_access", "security_manager")
            assert not locked.is_fixed(Kind.ROLES, name)
    assert not [d for d in guard(OPENSEARCH, locked, LOCKED) if d.refuses and d not in guard(OPENSEARCH, held, LOCKED)]


@given(held_states())
def test_where_tokens_carry_roles_every_role_but_the_keepers_is_emptied_and_put_back(held: SecurityConfig) -> None:
    """Whoever has such a token needs no mapping. The mappings are shut as ever; roles of administrators cannot be emptied."""
    saved = json.loads(json.dumps(shut(held, LOCKED, roles_too=True).saved))
    locked = apply_patches(held, shut(held, LOCKED, saved, roles_too=True).writes)
    kept = {"all_access", *(role for keeper in LOCKED.keepers for role in keeper.roles)}
    for name, permissions in locked.of(Kind.ROLES).items():
        if name not in kept and not locked.is_fixed(Kind.ROLES, name):
            assert not any(permissions[k] for k in permissions if k.endswith("_permissions"))
    assert mapped_roles(locked, Caller("anna")).keys() <= {
        name for name in locked.of(Kind.MAPPINGS) if locked.is_fixed(Kind.MAPPINGS, name)
    }
    assert shut(locked, LOCKED, saved, roles_too=True).writes == shut(locked, LOCKED).writes == ()
    opened = reopen(saved, locked)
    assert apply_patches(locked, opened.writes) == held
    assert opened.made_while_locked == opened.lost == ()


@given(held_states())
def test_a_second_lock_finds_nothing_to_do(held: SecurityConfig) -> None:
    locked = apply_patches(held, shut(held, LOCKED).writes)
    assert shut(locked, LOCKED).writes == ()


@given(held_states())
def test_while_locked_only_the_automation_and_reserved_entries_are_mapped(held: SecurityConfig) -> None:
    """Internal users lose the roles in their own document too. What the engine reserves cannot be changed."""
    locked = apply_patches(held, shut(held, LOCKED).writes)
    for name in locked.of(Kind.MAPPINGS):
        if not locked.is_fixed(Kind.MAPPINGS, name):
            for entry_list in MAPPING_LISTS:
                assert set(locked.entries(name, entry_list)) <= {AUTOMATION}
    assert all(not user["opendistro_security_roles"] for user in locked.of(Kind.USERS).values())


@given(held_states())
def test_while_locked_the_keepers_have_what_they_need(held: SecurityConfig) -> None:
    shutting = shut(held, LOCKED)
    locked = apply_patches(held, shutting.writes)
    missing = [d for d in guard(OPENSEARCH, locked, LOCKED) if d.refuses]
    # The engine may reserve the very mapping a keeper needs: then it is said.
    assert not missing or shutting.left


def test_while_locked_neither_people_nor_the_master_get_in() -> None:
    """Only the automation is mapped. Break-glass is not, as long as no window is open."""
    held = house(readers=mapping(users=["anna"], backend_roles=["*"]), writers=mapping(and_backend_roles=["a", "b"]))
    locked = apply_patches(held, shut(held, LOCKED).writes)
    assert mapped_roles(locked, Caller("anna", ("a", "b"))) == {}
    assert mapped_roles(locked, Caller(MASTER, (MASTER,))) == {}
    assert set(mapped_roles(locked, Caller(AUTOMATION, (AUTOMATION,)))) == {"security_manager", "lock"}
    assert mapped_roles(locked, Caller(BREAK_GLASS, (BREAK_GLASS,))) == {}


@given(held_states())
def test_a_window_maps_break_glass_to_its_own_role_and_its_end_unmaps_it(held: SecurityConfig) -> None:
    """Nobody else gains anything by the window. Afterwards break-glass has what it had before."""
    grants = house(all_access=mapping(backend_roles=[MASTER, BREAK_GLASS]))
    for before in (held, grants):
        locked = apply_patches(before, shut(before, LOCKED).writes)
        opened = apply_patches(locked, shut(locked, WINDOW).writes)
        for name in opened.of(Kind.MAPPINGS):
            if not opened.is_fixed(Kind.MAPPINGS, name):
                entries = {entry for entry_list in MAPPING_LISTS for entry in opened.entries(name, entry_list)}
                assert entries <= ({AUTOMATION, BREAK_GLASS} if name == "break_glass" else {AUTOMATION})
        ended = apply_patches(opened, shut(opened, LOCKED).writes)
        assert mapped_roles(ended, Caller(BREAK_GLASS, (BREAK_GLASS,))) == mapped_roles(
            locked, Caller(BREAK_GLASS, (BREAK_GLASS,))
        )


@pytest.mark.parametrize("in_window", [True, False])
def test_an_unlock_takes_away_what_a_window_has_mapped(in_window: bool) -> None:
    held = house(readers=mapping(users=["anna"]))
    locking = shut(held, LOCKED)
    locked = apply_patches(held, locking.writes)
    opened = apply_patches(locked, shut(locked, WINDOW).writes)
    now = opened if in_window else apply_patches(opened, shut(opened, LOCKED).writes)
    back = reopen(locking.saved, now, ours=("break_glass",))
    assert apply_patches(now, back.writes) == held
    assert back.made_while_locked == ()


@pytest.mark.parametrize("seen", [True, False], ids=["a look came in between", "it opens as it was left"])
def test_whoever_was_let_in_by_hand_during_a_lock_is_out_when_it_opens(seen: bool) -> None:
    """By a mapping that was made, and by roles that an internal user was given. It is named, and empties nothing else."""
    users = {"carl": {"hash": "x"}, "dora": {"hash": "x", "opendistro_security_roles": ["readers"]}}
    held = SecurityConfig({**house(readers=mapping(users=["anna"])).documents, Kind.USERS: users})
    shutting = shut(held, LOCKED)
    locked = apply_patches(held, shutting.writes)
    made = {**locked.of(Kind.MAPPINGS), "kibana_user": mapping(users=["eve"], hosts=["*"])}
    given = {**locked.of(Kind.USERS), "carl": {"hash": "x", "opendistro_security_roles": ["readers"]}}
    edited = SecurityConfig({**locked.documents, Kind.MAPPINGS: made, Kind.USERS: given})
    if seen:
        edited = apply_patches(edited, shut(edited, LOCKED, shutting.saved).writes)
    opened = reopen(shutting.saved, edited)
    back = apply_patches(edited, opened.writes)
    assert opened.made_while_locked == ("mapping of kibana_user" + ("" if seen else ", emptied now,"),)
    assert not any(back.entries("kibana_user", name) for name in MAPPING_LISTS)
    assert mapped_roles(back, Caller("anna")).keys() == {"readers"}
    assert not back.of(Kind.USERS)["carl"]["opendistro_security_roles"]
    assert back.of(Kind.USERS)["dora"]["opendistro_security_roles"] == ["readers"]
    assert [one for one in opened.lost if "carl" in one] == ([] if seen else [*opened.lost])


def test_a_mapping_whose_role_vanished_during_a_lock_is_reported_as_lost() -> None:
    """It cannot be given back, because there is no role to map."""
    held = house(readers=mapping(users=["anna"]))
    shutting = shut(held, LOCKED)
    locked = apply_patches(held, shutting.writes)
    roles = {name: doc for name, doc in locked.of(Kind.ROLES).items() if name != "readers"}
    opened = reopen(shutting.saved, SecurityConfig({**locked.documents, Kind.ROLES: roles}))
    assert opened.lost == ("mapping of readers: the role is gone, so it cannot be mapped",)


def test_a_mapping_removed_by_hand_during_a_lock_is_back_after_reopening() -> None:
    """The security config is then exactly as it was before the lock."""
    held = house(readers=mapping(users=["ben", "anna"]) | {"description": "ours"})
    shutting = shut(held, LOCKED)
    locked = apply_patches(held, shutting.writes)
    mappings = {name: doc for name, doc in locked.of(Kind.MAPPINGS).items() if name != "readers"}
    without = SecurityConfig({**locked.documents, Kind.MAPPINGS: mappings})
    assert apply_patches(without, reopen(shutting.saved, without).writes) == held


def test_a_lock_of_a_thousand_mappings_empties_their_roles_in_one_patch() -> None:
    """The mappings stay, and their roles permit nothing. Only the administrators are taken out of their mappings."""
    held = house(**{f"role-{n}": mapping(users=[f"user-{n}"]) for n in range(1000)})
    shutting = shut(held, LOCKED, shut(held, LOCKED).saved)
    sizes = {kind: len(operations) for kind, operations in shutting.writes}
    assert sizes == {Kind.ROLES: 1000, Kind.MAPPINGS: 2}  # what the master had is taken away by the mapping
    locked = apply_patches(held, shutting.writes)
    assert mapped_roles(locked, Caller("user-7")) == {"role-7": "rolesmapping/role-7/users: user-7"}
    assert locked.get(Kind.ROLES, "role-7")["index_permissions"] == []  # type: ignore[index]


def test_given_few_mappings_when_locked_then_no_role_is_touched() -> None:
    held = house(**{f"role-{n}": mapping(users=[f"user-{n}"]) for n in range(30)})
    assert [kind for kind, _ in shut(held, LOCKED, shut(held, LOCKED).saved).writes] == [Kind.MAPPINGS]


def test_a_role_changed_since_the_save_has_its_mapping_emptied_instead() -> None:
    """The saved role is out of date, so the role itself is not touched. Other roles are emptied as usual."""
    held = house(readers=mapping(users=["anna"]), writers=mapping(users=["ben"]))
    saved = shut(held, LOCKED).saved
    edited = SecurityConfig({**held.documents, Kind.ROLES: {**held.of(Kind.ROLES), "readers": role("read")}})
    locked = apply_patches(edited, shut(edited, LOCKED, saved, checks=0).writes)
    assert locked.entries("readers", "users") == ()
    assert locked.get(Kind.ROLES, "readers") == role("read")
    assert locked.entries("writers", "users") == ("ben",)


def test_a_role_filled_by_hand_during_a_lock_gives_nobody_anything() -> None:
    """The next look empties its mapping. Reopening gives back the mapping and keeps the change somebody made to the role."""
    held = house(readers=mapping(users=["anna"]))
    saved = shut(held, LOCKED).saved
    locked = apply_patches(held, shut(held, LOCKED, saved, checks=0).writes)
    edited = SecurityConfig({**locked.documents, Kind.ROLES: {**locked.of(Kind.ROLES), "readers": role("write")}})
    again = apply_patches(edited, shut(edited, LOCKED, saved, checks=0).writes)
    assert mapped_roles(again, Caller("anna")) == {}
    opened = apply_patches(again, reopen(saved, again).writes)
    assert opened.get(Kind.ROLES, "readers") == role("write")  # somebody's own change: not taken back
    assert opened.entries("readers", "users") == ("anna",)


BAD = {"readers": mapping(users=["anna"], backend_roles=["/(/", "team"]), "writers": mapping(users=["ben"])}


@pytest.mark.parametrize("checks", [0, 10_000], ids=["by roles", "by mappings"])
def test_patterns_that_no_node_can_load_are_shut_and_not_brought_back(checks: int) -> None:
    """A lock makes the config loadable again. Reopening leaves those patterns out and reports them as lost."""
    plain = house(**BAD)
    roles = {**plain.of(Kind.ROLES), "writers": role("read", patterns=("/[/",))}
    held = SecurityConfig({**plain.documents, Kind.ROLES: roles})
    saved = json.loads(json.dumps(shut(held, LOCKED).saved))
    locked = apply_patches(held, shut(held, LOCKED, saved, checks=checks).writes)
    assert unloadable(held)
    assert not unloadable(locked)
    assert locked.entries("readers", "users") == ()
    opened = reopen(saved, locked)
    after = apply_patches(locked, opened.writes)
    assert not unloadable(after)
    assert after.entries("readers", "users") == ("anna",)
    assert after.entries("readers", "backend_roles") == ("team",)
    assert after.entries("writers", "users") == ("ben",)
    assert any("mapping of readers" in one and "/(/" in one for one in opened.lost)
    assert any("role writers permits nothing" in one for one in opened.lost)


def test_no_patch_names_a_mapping_whose_role_is_gone() -> None:
    """The engine would refuse the whole patch. The mapping stays, is reported as left, and is in the save."""
    held = house(viewers=mapping(users=["anna"]), readers=mapping(users=["ben"]))
    without = SecurityConfig(
        {**held.documents, Kind.ROLES: {n: d for n, d in held.of(Kind.ROLES).items() if n != "viewers"}}
    )
    locking = shut(without, LOCKED)
    assert not [
        o for kind, operations in locking.writes if kind == Kind.MAPPINGS for o in operations if "viewers" in o["path"]
    ]
    assert locking.left == ("mapping of viewers stays as it is: there is no such role",)
    assert locking.saved["rolesmapping"]["viewers"]["users"] == ["anna"]
    locked = apply_patches(without, locking.writes)
    assert locked.entries("viewers", "users") == ("anna",)
    assert locked.entries("readers", "users") == ()


def test_the_save_of_a_lock_holds_every_role_that_may_be_emptied() -> None:
    """With it the roles can be emptied, and reopening restores them. Roles of administrators are not in it."""
    held = house(viewers=mapping(users=["anna"]))
    saved = shut(held, LOCKED).saved
    assert saved["roles"]["viewers"] == held.of(Kind.ROLES)["viewers"]
    assert "all_access" not in saved["roles"]
    # So that the roles can be emptied, and come back.
    locked = apply_patches(held, shut(held, LOCKED, saved, checks=0).writes)
    assert locked.of(Kind.ROLES)["viewers"]["index_permissions"] == []
    assert apply_patches(locked, reopen(saved, locked).writes) == held


def test_only_reserved_users_keep_their_own_roles_during_a_lock() -> None:
    """That is reported. Reopening gives all the others their roles back."""
    users = {
        "carl": {"opendistro_security_roles": ["readers"]},
        "plain": {},
        "fixed": {"opendistro_security_roles": ["readers"], "reserved": True},
    }
    held = SecurityConfig({**house(readers=mapping()).documents, Kind.USERS: users})
    shutting = shut(held, LOCKED)
    locked = apply_patches(held, shutting.writes)
    assert shutting.left == ("internal user fixed is reserved by the engine and keeps its roles",)
    assert shutting.saved["internalusers"] == {"carl": ["readers"]}
    assert locked.of(Kind.USERS)["carl"]["opendistro_security_roles"] == []
    assert locked.of(Kind.USERS)["fixed"]["opendistro_security_roles"] == ["readers"]
    assert apply_patches(locked, reopen(shutting.saved, locked).writes).of(Kind.USERS) == users


def test_an_old_save_that_has_only_mappings_can_still_be_reopened() -> None:
    """Saves of earlier times had neither roles nor users. An empty save writes nothing."""
    held = house(readers=mapping(users=["anna"]))
    locking = shut(held, LOCKED)
    locked = apply_patches(held, locking.writes)
    saved = {Kind.MAPPINGS.value: locking.saved[Kind.MAPPINGS.value]}
    assert apply_patches(locked, reopen(saved, locked).writes).entries("readers", "users") == ("anna",)
    assert reopen({}, held).writes == ()


@pytest.mark.parametrize("checks", [0, 10_000], ids=["by roles", "by mappings"])
def test_who_left_during_a_lock_stays_out_after_reopening(checks: int) -> None:
    """They get no access between two patches either. Everything else is as it was."""
    held = house(readers=mapping(users=["eve", "anna", "ben"], backend_roles=["anna"]), writers=mapping(users=["anna"]))
    saved = json.loads(json.dumps(shut(held, LOCKED).saved))
    locked = apply_patches(held, shut(held, LOCKED, saved, checks=checks).writes)
    leaving = Step(Operation.REMOVE, Claim(Kind.MAPPINGS, "readers", "users", "anna"), "anna", None, "left")
    opened = reopen(saved, locked, [leaving])
    # At no moment between two patches either
    for number in range(1, len(opened.writes) + 1):
        between = apply_patches(locked, opened.writes[:number])
        gives = bool((between.get(Kind.ROLES, "readers") or {}).get("index_permissions"))
        assert not gives or "anna" not in between.entries("readers", "users")
    after = apply_patches(locked, opened.writes)
    assert after.entries("readers", "users") == ("eve", "ben")
    assert after.entries("readers", "backend_roles") == after.entries("writers", "users") == ("anna",)
    assert after.of(Kind.ROLES) == held.of(Kind.ROLES)


# ---------------------------------------------------------------------- the roles of Portcullis itself

OURS = baseline().documents
REAL = ProtectedPrincipals.of(automation=AUTOMATION, automation_roles=("security_manager", LOCK_ROLE))
REAL_LOCK, REAL_WINDOW = REAL.while_locked(), REAL.while_locked(BREAK_GLASS, (BREAK_GLASS_ROLE,))
WIDER = role("indices:admin/*", "indices:data/*", patterns=("*",))


def domain(*, groups: dict[str, Json] | None = None, **roles: Json) -> SecurityConfig:
    held = house(readers=mapping(users=["anna"]))
    kept = {name: one for name, one in {**held.of(Kind.ROLES), **OURS, **roles}.items() if one}
    return SecurityConfig({**held.documents, Kind.ROLES: kept, Kind.ACTION_GROUPS: groups or {}})


@pytest.mark.parametrize("changed", [WIDER, role("indices:data/read/get*"), {}], ids=["widened", "narrowed", "gone"])
@pytest.mark.parametrize("checks", [0, 10_000], ids=["by roles", "by mappings"])
def test_break_glass_gets_its_role_as_it_has_to_be_whoever_changed_it(changed: Json, checks: int) -> None:
    """Before the lock, or in it. So it is with the role by which the lock itself is kept."""
    held = domain(**{BREAK_GLASS_ROLE: changed, LOCK_ROLE: changed})
    saved = json.loads(json.dumps(shut(held, REAL_LOCK).saved))
    locked = apply_patches(held, shut(held, REAL_LOCK, saved, checks=checks).writes)
    assert locked.get(Kind.ROLES, LOCK_ROLE) == OURS[LOCK_ROLE]
    opening = shut(locked, REAL_WINDOW, saved, checks=checks)
    opened = apply_patches(locked, opening.writes)
    assert opened.get(Kind.ROLES, BREAK_GLASS_ROLE) == OURS[BREAK_GLASS_ROLE]
    assert set(mapped_roles(opened, Caller(BREAK_GLASS, (BREAK_GLASS,)))) == {BREAK_GLASS_ROLE}
    assert shut(opened, REAL_WINDOW, saved, checks=checks).touched == ()
    roles = {**opened.of(Kind.ROLES), BREAK_GLASS_ROLE: WIDER}
    again = SecurityConfig({**opened.documents, Kind.ROLES: roles})
    assert shut(again, REAL_WINDOW, saved, checks=checks).touched == (BREAK_GLASS_ROLE,), "seen in the window, too"


def test_an_action_group_called_like_an_action_widens_nobody_in_a_lock() -> None:
    """To the engine a role that names the action would have all that such a group holds."""
    sly = {"indices:data/read/get*": {"allowed_actions": ["*"]}, "plain": {"allowed_actions": ["read"]}}
    held = domain(groups=sly)
    locking = shut(held, REAL_LOCK)
    locked = apply_patches(held, locking.writes)
    assert locked.of(Kind.ACTION_GROUPS).keys() == {"plain"}
    made = SecurityConfig({**locked.documents, Kind.ACTION_GROUPS: sly})
    assert "indices:data/read/get*" in shut(made, REAL_WINDOW).touched, "seen when it comes in the lock"
    flags = {"reserved": False, "hidden": False, "static": False}  # as an engine shows it, and does not take it
    shown = shut(domain(groups={name: one | flags for name, one in sly.items()}), REAL_LOCK)
    assert shown.writes[-1].kind == Kind.ACTION_GROUPS, "last: refused, it keeps nobody in"
    assert apply_patches(locked, reopen(json.loads(json.dumps(shown.saved)), locked).writes) == held
    assert apply_patches(locked, reopen(json.loads(json.dumps(locking.saved)), locked).writes) == held


@pytest.mark.parametrize("dialect", Dialect)
def test_our_roles_as_any_dialect_shows_them_are_as_they_have_to_be(dialect: Dialect) -> None:
    shown = {
        name: from_engine(Kind.ROLES, to_engine(Kind.ROLES, one, dialect)[0] or {}, dialect)
        for name, one in OURS.items()
    }
    held = domain(**shown)
    locked = apply_patches(held, shut(held, REAL_LOCK).writes)
    assert locked.of(Kind.ROLES) == held.of(Kind.ROLES)
