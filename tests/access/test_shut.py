"""The lock on the role mappings and the way back."""

from __future__ import annotations

import json

from hypothesis import given
from portcullis.access.callers import Caller, mapped_roles
from portcullis.access.config import MAPPING_LISTS, Held, Kind
from portcullis.access.guard import guard
from portcullis.access.patch import apply_patches
from portcullis.access.shut import reopen, shut

from .strategies import AUTOMATION, BREAK_GLASS, KEEPERS, MASTER, held_states, house, mapping

LOCKED = KEEPERS.while_locked()


@given(held_states())
def test_a_lock_and_its_end_leave_everything_as_it_was(held: Held) -> None:
    locking = shut(held, LOCKED)
    saved = json.loads(json.dumps(locking.saved))
    locked = apply_patches(held, locking.patches)
    opened = reopen(saved, locked)
    assert apply_patches(locked, opened.patches) == held
    assert opened.made_while_locked == opened.lost == ()


@given(held_states())
def test_a_second_lock_finds_nothing_to_do(held: Held) -> None:
    locked = apply_patches(held, shut(held, LOCKED).patches)
    assert shut(locked, LOCKED).patches == ()


@given(held_states())
def test_while_locked_only_the_keepers_and_what_the_engine_reserves_are_mapped(held: Held) -> None:
    locked = apply_patches(held, shut(held, LOCKED).patches)
    for role in locked.of(Kind.MAPPINGS):
        if not locked.is_fixed(Kind.MAPPINGS, role):
            for entry_list in MAPPING_LISTS:
                assert set(locked.entries(role, entry_list)) <= {AUTOMATION, BREAK_GLASS}
    assert all(not user["opendistro_security_roles"] for user in locked.of(Kind.USERS).values())


@given(held_states())
def test_while_locked_the_keepers_have_what_they_need(held: Held) -> None:
    shutting = shut(held, LOCKED)
    locked = apply_patches(held, shutting.patches)
    missing = [d for d in guard(locked, LOCKED) if d.refuses]
    # The engine may reserve the very mapping a keeper needs: then it is said.
    assert not missing or shutting.left


def test_given_people_and_the_master_when_locked_then_only_break_glass_and_the_automation_get_in() -> None:
    held = house(readers=mapping(users=["anna"], backend_roles=["*"]), writers=mapping(and_backend_roles=["a", "b"]))
    locked = apply_patches(held, shut(held, LOCKED).patches)
    assert mapped_roles(locked, Caller("anna", ("a", "b"))) == {}
    assert mapped_roles(locked, Caller(MASTER, (MASTER,))) == {}
    assert set(mapped_roles(locked, Caller(AUTOMATION, (AUTOMATION,)))) == {"security_manager", "lock"}
    assert set(mapped_roles(locked, Caller(BREAK_GLASS, (BREAK_GLASS,)))) == {"break_glass"}


def test_given_a_mapping_made_by_hand_while_locked_when_reopened_then_it_is_listed_and_left() -> None:
    held = house(readers=mapping(users=["anna"]))
    shutting = shut(held, LOCKED)
    locked = apply_patches(held, shutting.patches)
    edited = Held(
        {**locked.documents, Kind.MAPPINGS: {**locked.of(Kind.MAPPINGS), "kibana_user": mapping(users=["eve"])}}
    )
    opened = reopen(shutting.saved, edited)
    assert opened.made_while_locked == ("kibana_user",)
    assert apply_patches(edited, opened.patches).entries("kibana_user", "users") == ("eve",)


def test_given_a_role_that_vanished_while_locked_when_reopened_then_its_mapping_is_told_as_lost() -> None:
    held = house(readers=mapping(users=["anna"]))
    shutting = shut(held, LOCKED)
    locked = apply_patches(held, shutting.patches)
    roles = {name: doc for name, doc in locked.of(Kind.ROLES).items() if name != "readers"}
    opened = reopen(shutting.saved, Held({**locked.documents, Kind.ROLES: roles}))
    assert opened.lost == ("mapping of readers: the role is gone, so it cannot be mapped",)


def test_given_a_mapping_removed_by_hand_while_locked_when_reopened_then_it_is_back() -> None:
    held = house(readers=mapping(users=["ben", "anna"]) | {"description": "ours"})
    shutting = shut(held, LOCKED)
    locked = apply_patches(held, shutting.patches)
    mappings = {name: doc for name, doc in locked.of(Kind.MAPPINGS).items() if name != "readers"}
    without = Held({**locked.documents, Kind.MAPPINGS: mappings})
    assert apply_patches(without, reopen(shutting.saved, without).patches) == held


def test_given_a_thousand_mappings_when_locked_then_it_is_one_patch() -> None:
    held = house(**{f"role-{n}": mapping(users=[f"user-{n}"]) for n in range(1000)})
    assert [kind for kind, _ in shut(held, LOCKED).patches] == [Kind.MAPPINGS]
