"""The lock on who may do what, and the way back: the laws, for any state."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis.access.actual import Json
from portcullis.access.guard import ProtectedPrincipals
from portcullis.access.plan import Claim, Operation, Step
from portcullis.families.elasticsearch.documents import rights
from portcullis.families.elasticsearch.documents.config import MEMBERS, WRITTEN, Kind, SecurityConfig
from portcullis.families.elasticsearch.documents.shut import permits_nothing, reopen, shut, written_by_us
from portcullis.families.elasticsearch.documents.writes import simulate
from portcullis.families.elasticsearch.family import ELASTICSEARCH
from portcullis.families.elasticsearch.granting.callers import Caller, roles_of

from tests.access.elastic import KEEPERS, held_states, roles

LOCKED = KEEPERS.while_locked()
NEEDS = ELASTICSEARCH.baseline()
WINDOW = KEEPERS.while_locked("break-glass", NEEDS.reads, "users")
TOKENS = [Caller(name, "tokens", groups) for name in ("anna", "ben") for groups in ((), ("blue",), ("red",))]
KEY: Json = {"id": "k", "role_descriptors": {"own": {"cluster": ["monitor"]}}}


def test_a_role_that_a_keeper_needs_and_that_is_none_of_ours_is_filled_as_it_was_saved() -> None:
    """Of the automation people may ask for more: emptied by a lock from before, it would keep the next one from getting on."""
    more: Json = {"cluster": ["monitor"], "indices": []}
    keep = ProtectedPrincipals.of(
        master="elastic", master_roles=("superuser",), master_list="users",
        automation="portcullis", automation_roles=("more",), automation_list="users", shut_out="break-glass",
    ).while_locked()  # fmt: skip
    users = {"portcullis": {"roles": ["more"], "enabled": True}}

    def touched(role: Json | None, was: Json | None) -> bool:
        roles = {} if role is None else {"more": role}
        held = SecurityConfig({Kind.ROLES: roles, Kind.USERS: users, Kind.MAPPINGS: {}, Kind.KEYS: {}})
        saved = {Kind.ROLES.value: {} if was is None else {"more": was}}
        return "more" in shut(held, keep, saved).touched

    empty: Json = {"cluster": [], "indices": []}
    assert touched(empty, more)
    assert not touched(empty, None), "what it was is not known"
    assert not touched(empty, empty), "it never gave anything"
    assert not touched(more, empty)
    assert not touched(None, more), "somebody took it away, and it is none of ours"


@st.composite
def states(draw: st.DrawFn) -> SecurityConfig:
    """Any state, with what Portcullis needs beside it, and a key of the automation's own."""
    held = draw(held_states())
    ours = {name: dict(document) for name, document in NEEDS.documents.items()}
    more: dict[str, Json] = {name: draw(roles) for name in draw(st.sets(st.sampled_from(["x", "y"])))}
    users = {**held.of(Kind.USERS), "break-glass": {"roles": [], "enabled": True}}
    keys = {"k": KEY} if draw(st.booleans()) else {}
    return SecurityConfig(
        {**held.documents, Kind.ROLES: {**held.of(Kind.ROLES), **ours, **more}, Kind.USERS: users, Kind.KEYS: keys}
    )


def everybody(held: SecurityConfig) -> list[Caller]:
    return [*TOKENS, *(Caller(name) for name in held.of(Kind.USERS))]


def has(held: SecurityConfig, caller: Caller) -> frozenset[str]:
    """What somebody has: whole entries of roles. A role of the engine's own gives something by its name."""
    found: set[str] = set()
    for role in roles_of(caller, held.of(Kind.USERS), held.of(Kind.MAPPINGS)):
        document = held.of(Kind.ROLES).get(role)
        found |= rights.of_role(document)
        if held.is_fixed(Kind.ROLES, role):
            found.add(f"role {role}")
    return frozenset(found)


def locked(held: SecurityConfig) -> tuple[SecurityConfig, dict[str, Any]]:
    """Shut, and what was put aside, through the ledger's JSON."""
    closed = shut(held, LOCKED)
    for write in closed.writes:
        held = simulate(held, write)
    return held, json.loads(json.dumps(closed.saved))


def meaning(held: SecurityConfig) -> dict[str, dict[str, Json | None]]:
    """What it holds, lists of roles in their order."""
    found: dict[str, dict[str, Json | None]] = {}
    for kind in Kind:
        found[kind] = {name: held.get(kind, name) for name in held.of(kind)}
    for user in found[Kind.USERS].values():
        assert user is not None
        user.setdefault("enabled", True)
    return found


@given(states())
def test_nobody_has_anything_on_a_locked_engine_but_the_automation(held: SecurityConfig) -> None:
    now, _ = locked(held)
    for caller in everybody(now):
        if caller.name != "portcullis" or caller.realm == "tokens":
            assert has(now, caller) == frozenset(), caller
    assert shut(now, LOCKED).left == ()
    assert {*NEEDS.automation} <= roles_of(Caller("portcullis"), now.of(Kind.USERS), now.of(Kind.MAPPINGS)).keys()
    for role in NEEDS.automation:
        assert now.get(Kind.ROLES, role) == held.get(Kind.ROLES, role)
    assert all(not rights.of_key(key) for key in now.of(Kind.KEYS).values())


@given(states())
def test_a_lock_done_again_changes_nothing(held: SecurityConfig) -> None:
    now, saved = locked(held)
    assert shut(now, LOCKED).writes == shut(now, LOCKED, saved).writes == ()
    assert shut(now, LOCKED).touched == ()


@given(states(), st.integers(0, 20))
def test_a_lock_broken_off_anywhere_ends_the_same(held: SecurityConfig, stop: int) -> None:
    closed, (whole, saved) = shut(held, LOCKED), locked(held)
    for write in closed.writes[:stop]:
        held = simulate(held, write)
    for write in shut(held, LOCKED, saved).writes:
        held = simulate(held, write)
    assert meaning(held) == meaning(whole)


@given(states())
def test_a_lock_and_its_end_leave_everything_as_it_was(held: SecurityConfig) -> None:
    now, saved = locked(held)
    opened = reopen(saved, now, ours=NEEDS.writes)
    assert opened.lost == opened.made_while_locked == ()
    for write in opened.writes:
        now = simulate(now, write)
    assert meaning(now) == meaning(held)
    assert reopen(saved, now, ours=NEEDS.writes).writes == ()


@given(states())
def test_nobody_has_more_on_the_way_into_a_lock_and_out_of_it(held: SecurityConfig) -> None:
    now, saved = locked(held)
    had = [(caller, has(held, caller)) for caller in everybody(held)]
    ways = [(held, shut(held, LOCKED).writes), (now, reopen(saved, now, ours=NEEDS.writes).writes)]
    for begin, writes in ways:
        between = begin
        for write in writes:
            for one in write.body:  # of several in one call, the engine takes each by itself
                between = simulate(between, write._replace(body=[one]))
                for caller, before in had:
                    assert has(between, caller) <= before, (caller, one)


@given(states(), st.data())
def test_who_left_stays_out_of_what_comes_back_and_is_in_at_no_moment(
    held: SecurityConfig, data: st.DataObject
) -> None:
    now, saved = locked(held)
    ours = [user for user in held.of(Kind.USERS) if not held.is_fixed(Kind.USERS, user) and user != "portcullis"]
    entries = [(role, user) for role in held.of(MEMBERS) for user in held.entries(role, "users") if user in ours]
    gone = data.draw(st.lists(st.sampled_from(entries), unique=True)) if entries else []
    left = [Step(Operation.REMOVE, Claim(MEMBERS, role, "users", user), user, None, "left") for role, user in gone]
    maps = (
        data.draw(st.lists(st.sampled_from(sorted(held.of(Kind.MAPPINGS))), unique=True))
        if held.of(Kind.MAPPINGS)
        else []
    )
    for name in maps:
        before = held.get(Kind.MAPPINGS, name)
        after: Json | None = None
        if data.draw(st.booleans()):
            assert before is not None
            after = {**before, "rules": {"all": [{"field": {"realm.name": "tokens"}}, {"any": []}]}}
        left.append(Step(Operation.REPLACE, Claim(Kind.MAPPINGS, name), before, after, "left"))
    for write in reopen(saved, now, left, ours=NEEDS.writes).writes:
        now = simulate(now, write)
        for role, user in gone:
            gives = role in now.of(Kind.ROLES) and not permits_nothing(now.of(Kind.ROLES)[role])
            enabled = now.of(Kind.USERS)[user].get("enabled") is not False
            assert role not in now.of(Kind.USERS)[user]["roles"] or not (gives and enabled)
    for role, user in gone:
        assert user not in now.entries(role, "users")
    for name in maps:
        rule = (now.of(Kind.MAPPINGS).get(name) or {}).get("rules", {"any": []})
        assert not any(roles_of(one, {}, {"m": {"roles": ["r"], "rules": rule}}) for one in TOKENS)
    kept = [(role, user) for role, user in entries if (role, user) not in gone]
    assert all(user in now.entries(role, "users") for role, user in kept)
    assert now.of(Kind.ROLES) == held.of(Kind.ROLES)


@given(states())
def test_a_window_gives_break_glass_its_role_alone_and_takes_it_away_again(held: SecurityConfig) -> None:
    now, saved = locked(held)
    opened = now
    for write in shut(now, WINDOW, saved).writes:
        opened = simulate(opened, write)
    assert has(opened, Caller("break-glass")) == rights.of_role(NEEDS.documents[NEEDS.reads[0]])
    for caller in everybody(opened):
        if caller.name not in ("break-glass", "portcullis") or caller.realm == "tokens":
            assert has(opened, caller) == frozenset()
    assert shut(opened, WINDOW, saved).writes == ()
    closed = opened
    for write in shut(opened, LOCKED, saved).writes:
        closed = simulate(closed, write)
    assert has(closed, Caller("break-glass")) == frozenset()
    for write in reopen(saved, closed, ours=NEEDS.writes).writes:
        closed = simulate(closed, write)
    assert meaning(closed) == meaning(held)


def test_a_superuser_whose_password_the_nodes_have_is_left_enabled_and_said() -> None:
    """Disabled and enabled again it would have no password: nobody could sign in with the one that it had."""
    own: Json = {"roles": ["superuser"], "enabled": True, "metadata": {"_reserved": True}}
    held = SecurityConfig(
        {
            Kind.ROLES: {"superuser": {"cluster": ["all"], "metadata": {"_reserved": True}}},
            Kind.USERS: {"elastic": {**own, "password_of_the_nodes": True}, "kibana": own},
        }
    )
    closed = shut(held, LOCKED)
    assert [one["name"] for write in closed.writes for one in write.body] == ["kibana"]
    (said,) = closed.left
    assert said.startswith("user elastic stays enabled")


def test_who_was_made_while_locked_is_out_afterwards_and_said() -> None:
    held = SecurityConfig({Kind.ROLES: {"a": {"cluster": ["monitor"]}}, Kind.USERS: {}, Kind.MAPPINGS: {}})
    now, saved = locked(held)
    by_hand = now.with_document(Kind.USERS, "eve", {"roles": ["a"], "enabled": True})
    by_hand = by_hand.with_document(Kind.USERS, "mute", {"roles": [], "enabled": True})
    by_hand = by_hand.with_document(Kind.USERS, "canary", {"roles": [NEEDS.canary], "enabled": True})
    anybody = {"roles": ["a"], "enabled": True, "rules": {"field": {"username": "*"}}}
    by_hand = by_hand.with_document(Kind.MAPPINGS, "evil", anybody)
    opened = reopen(saved, by_hand)
    assert opened.made_while_locked == (
        "role mapping evil, disabled now,",
        "user canary",
        "user eve, disabled now,",
        "user mute",
    )
    for write in opened.writes:
        by_hand = simulate(by_hand, write)
    assert not has(by_hand, Caller("eve"))
    assert not has(by_hand, TOKENS[0])
    assert [by_hand.of(Kind.USERS)[name].get("enabled") for name in ("eve", "mute", "canary")] == [False, True, True]
    gone = now.with_document(Kind.ROLES, "a", None)
    assert reopen(saved, gone).lost == ("role a is gone",)


@given(states(), st.data())
def test_whatever_is_given_by_hand_while_locked_gives_nothing_afterwards(
    held: SecurityConfig, data: st.DataObject
) -> None:
    """Users, role mappings and roles, new ones and those that were there, just before it opens: at no moment has anybody more of it."""
    now, saved = locked(held)
    everything: Json = {"cluster": ["all"], "indices": [{"names": ["*"], "privileges": ["all"]}]}
    mine = sorted(
        one for one in held.of(Kind.ROLES) if not held.is_fixed(Kind.ROLES, one) and not one.startswith("portcullis_")
    )
    given_to = [*mine, "superuser", "portcullis_security"]
    for role in data.draw(st.sets(st.sampled_from([*mine, "new"]))):
        now = now.with_document(Kind.ROLES, role, everything)
    users = [one for one in held.of(Kind.USERS) if not held.is_fixed(Kind.USERS, one) and one != "portcullis"]
    for user in data.draw(st.sets(st.sampled_from([*users, "eve"]))):
        has_now = dict(now.of(Kind.USERS).get(user, {"roles": []}))
        more = [one for one in given_to if one not in has_now["roles"]]
        now = now.with_document(Kind.USERS, user, {**has_now, "roles": [*has_now["roles"], *more], "enabled": True})
    rules = {"field": {"username": "*"}}
    for mapping in data.draw(st.sets(st.sampled_from([*sorted(held.of(Kind.MAPPINGS)), "evil"]))):
        if not held.is_fixed(Kind.MAPPINGS, mapping):
            now = now.with_document(Kind.MAPPINGS, mapping, {"roles": given_to, "rules": rules, "enabled": True})
    people = [*everybody(held), Caller("eve")]
    before = [(caller, has(held, caller), has(now, caller)) for caller in people]
    writes = reopen(saved, now, ours=NEEDS.writes).writes
    for write in writes:
        now = simulate(now, write)
        for caller, had, got in before:
            assert has(now, caller) <= had | got, caller
    for caller, had, _ in before:
        assert has(now, caller) <= had, caller
    assert all(now.of(Kind.ROLES)[name] == held.of(Kind.ROLES)[name] for name in mine)


def test_a_thousand_roles_are_shut_in_one_write_and_all_else_comes_after_it() -> None:
    roles = {f"r{n}": {"indices": [{"names": ["a"], "privileges": ["read"]}]} for n in range(1000)}
    own = {"superuser": {"cluster": ["all"], "metadata": {"_reserved": True}}}
    users = {"eve": {"roles": ["superuser", "r1"], "enabled": True}, "anna": {"roles": ["r1"], "enabled": True}}
    rule = {"field": {"realm.name": "tokens"}}
    maps = {
        "all": {"enabled": True, "roles": ["superuser"], "rules": rule},
        "some": {"enabled": True, "roles": ["r1"], "rules": rule},
    }
    held = SecurityConfig({Kind.ROLES: {**roles, **own}, Kind.USERS: users, Kind.MAPPINGS: maps, Kind.KEYS: {"k": KEY}})
    writes = shut(held, LOCKED).writes
    assert [(write.kind, len(write.body)) for write in writes] == [
        (Kind.KEYS, 1),
        (Kind.ROLES, 1000),
        (Kind.MAPPINGS, 1),
        (Kind.USERS, 1),
    ]
    assert [write.body[0]["name"] for write in (writes[0], *writes[2:])] == ["k", "all", "eve"]


@given(states(), st.data())
def test_what_somebody_takes_away_by_hand_while_locked_stays_away(held: SecurityConfig, data: st.DataObject) -> None:
    """Of what a lock itself does not do: whom it disables is enabled again."""
    now, saved = locked(held)
    open_roles = {
        name for name in held.of(Kind.ROLES) if held.is_fixed(Kind.ROLES, name) or name.startswith("portcullis_")
    }
    mine = [name for name in held.of(Kind.USERS) if not held.is_fixed(Kind.USERS, name)]
    plain = [name for name in mine if not {*held.of(Kind.USERS)[name].get("roles", ())} & open_roles]
    disabled = data.draw(st.sets(st.sampled_from(plain))) if plain else set()
    entries = [(name, role) for name in plain for role in dict.fromkeys(held.of(Kind.USERS)[name]["roles"])]
    taken = data.draw(st.sets(st.sampled_from(entries))) if entries else set()
    mappings = sorted(name for name in held.of(Kind.MAPPINGS) if not held.is_fixed(Kind.MAPPINGS, name))
    deleted = data.draw(st.sets(st.sampled_from(mappings))) if mappings else set()
    for name in plain:
        user = dict(now.of(Kind.USERS)[name])
        user["roles"] = [role for role in user["roles"] if (name, role) not in taken]
        now = now.with_document(Kind.USERS, name, user | ({"enabled": False} if name in disabled else {}))
    for name in deleted:
        now = now.with_document(Kind.MAPPINGS, name, None)
    opened = reopen(saved, now, ours=NEEDS.writes)
    for write in opened.writes:
        now = simulate(now, write)
    assert all(now.of(Kind.USERS)[name].get("enabled") is False for name in disabled)
    assert not any(role in now.of(Kind.USERS)[name]["roles"] for name, role in taken)
    assert not deleted & now.of(Kind.MAPPINGS).keys()
    assert all(any(name in said for said in opened.lost) for name in deleted)
    kept = {(name, role) for name, role in entries} - taken
    assert all(role in now.of(Kind.USERS)[name]["roles"] for name, role in kept)


def test_a_role_mapping_disabled_by_hand_while_locked_stays_so() -> None:
    rules = {"field": {"username": "x"}}
    mappings = {"by-hand": {"roles": ["a"], "rules": rules}, "of-all": {"roles": ["superuser"], "rules": rules}}
    superuser = {"cluster": ["all"], "metadata": {"_reserved": True}}
    users = {"portcullis": {"roles": [*NEEDS.automation]}, "break-glass": {"roles": []}}
    found = {Kind.ROLES: {"a": {"cluster": ["monitor"]}, "superuser": superuser, **NEEDS.documents}, Kind.USERS: users}
    now, saved = locked(SecurityConfig({**found, Kind.MAPPINGS: mappings}))
    assert now.of(Kind.MAPPINGS)["of-all"]["enabled"] is False
    now = now.with_document(Kind.MAPPINGS, "by-hand", {**mappings["by-hand"], "enabled": False})
    opened = reopen(saved, now, ours=NEEDS.writes)
    for write in opened.writes:
        now = simulate(now, write)
    assert now.of(Kind.MAPPINGS)["by-hand"]["enabled"] is False
    assert now.of(Kind.MAPPINGS)["of-all"].get("enabled") is not False
    assert opened.lost == ("role mapping by-hand was disabled while locked, and stays so",)


# ---------------------------------------------------------------------- the same name is not the same person


CHANGED = "user ben was changed by somebody while locked (the password, say), and is let in as before"


def with_users(*names: str, role: str) -> SecurityConfig:
    superuser = {"cluster": ["all"], "metadata": {"_reserved": True}}
    users = {name: {"roles": [role], "enabled": True, WRITTEN: [1, 10 + place, 1]} for place, name in enumerate(names)}
    ours = {"portcullis": {"roles": [*NEEDS.automation], "enabled": True, WRITTEN: [1, 1, 1]}}
    found = {Kind.ROLES: {"a": {"cluster": ["monitor"]}, "superuser": superuser, **NEEDS.documents}}
    return SecurityConfig({**found, Kind.USERS: {**users, **ours}})


def written(held: SecurityConfig, name: str, *number: int) -> SecurityConfig:
    return held.with_document(Kind.USERS, name, {**held.of(Kind.USERS)[name], WRITTEN: [*number]})


@pytest.mark.parametrize(
    ("number", "enabled", "said"),
    [
        ([1, 10, 1], True, ""),
        (
            [2, 30, 1],
            True,
            "user anna was changed by somebody while locked (the password, say), and is let in as before",
        ),
        (
            [3, 30, 1],
            False,
            "user anna was deleted and made again while locked, or changed more than once",
        ),  # in a minute
        ([1, 30, 1], False, "user anna was deleted and made again while locked, or changed more than once"),  # later
        ([2, 30, 2], True, "user anna was changed by somebody while locked"),
    ],
)
def test_whoever_may_be_another_under_a_name_is_disabled_when_it_opens(
    number: list[int], enabled: bool, said: str
) -> None:
    now, saved = locked(with_users("anna", role="a"))
    opened = reopen(saved, written(now, "anna", *number))
    for write in opened.writes:
        now = simulate(now, write)
    assert (now.of(Kind.USERS)["anna"]["enabled"], now.of(Kind.USERS)["anna"]["roles"]) == (enabled, ["a"])
    assert [one.startswith(said) for one in opened.lost] == ([True] if said else [])


def test_who_has_nothing_or_was_disabled_before_is_told_as_nobody_else() -> None:
    held = with_users("anna", "ben", role="a")
    held = held.with_document(Kind.USERS, "anna", {"roles": [], "enabled": True, WRITTEN: [1, 10, 1]})
    held = held.with_document(Kind.USERS, "ben", {"roles": ["a"], "enabled": False, WRITTEN: [1, 11, 1]})
    now, saved = locked(held)
    opened = reopen(saved, written(written(now, "anna", 1, 30, 1), "ben", 1, 31, 1))
    assert opened.lost == ()


def test_what_the_lock_itself_wrote_makes_nobody_another() -> None:
    """Disabled by it, and once more after somebody enabled them by hand. Who was made again before that stays another."""
    before = with_users("anna", "ben", role="superuser")
    now, saved = locked(before)
    assert not now.of(Kind.USERS)["anna"]["enabled"]
    shown = written(written(now, "anna", 2, 30, 1), "ben", 2, 31, 1)
    noted = written_by_us(saved, before, shown)
    assert noted is not None
    saved = noted
    by_hand = written(shown, "anna", 3, 40, 1)
    by_hand = by_hand.with_document(Kind.USERS, "anna", {**by_hand.of(Kind.USERS)["anna"], "enabled": True})
    by_hand = by_hand.with_document(Kind.USERS, "ben", {"roles": ["superuser"], "enabled": True, WRITTEN: [1, 41, 1]})
    again = written(written(now, "anna", 4, 50, 1), "ben", 2, 51, 1)
    noted = written_by_us(saved, by_hand, again)
    assert noted is not None
    assert noted[Kind.USERS]["anna"][WRITTEN] == [4, 50, 1]
    assert noted[Kind.USERS]["ben"][WRITTEN] == [2, 31, 1]
    opened = reopen(noted, again)
    for write in opened.writes:
        again = simulate(again, write)
    assert [again.of(Kind.USERS)[name]["enabled"] for name in ("anna", "ben")] == [True, False]
    assert written_by_us(noted, again, again) is None


def test_an_unlock_that_was_broken_off_makes_nobody_another() -> None:
    """Nor is somebody's change forgotten by the next try: it is let in, and told."""
    now, saved = locked(with_users("anna", "ben", "carl", role="superuser"))
    before = written(now, "ben", 2, 30, 1)
    assert reopen(saved, before).lost == (CHANGED,)
    after = before
    for place, (name, version) in enumerate({"anna": 2, "ben": 3}.items()):
        after = after.with_document(Kind.USERS, name, {**after.of(Kind.USERS)[name], "enabled": True})
        after = written(after, name, version, 40 + place, 1)
    assert any("ben was deleted" in one for one in reopen(saved, after).lost)  # as it would be taken for
    noted = written_by_us(saved, before, after)
    assert noted is not None
    opened = reopen(noted, after)
    assert opened.lost == (CHANGED,)
    for write in opened.writes:
        after = simulate(after, write)
    assert all(after.of(Kind.USERS)[name]["enabled"] for name in ("anna", "ben", "carl"))


def test_keepers_are_no_others_whatever_windows_wrote_to_them() -> None:
    _, saved = locked(with_users("anna", role="a"))
    assert WRITTEN not in saved[Kind.USERS]["portcullis"]
    assert WRITTEN in saved[Kind.USERS]["anna"]


@pytest.mark.parametrize(
    "narrowed",
    [
        None,
        {"cluster": [], "indices": []},
        {"cluster": ["monitor"], "indices": []},
        {"cluster": [], "indices": [{"names": ["*"], "privileges": ["indices:admin/settings/update"]}]},
    ],
    ids=["gone", "emptied", "no index", "no cluster"],
)
@pytest.mark.parametrize("before", [True, False], ids=["before the lock", "in it"])
def test_a_role_of_the_automation_that_somebody_narrowed_keeps_no_lock_from_ending(
    narrowed: Json | None, before: bool
) -> None:
    """Every super user is disabled by then: nobody but the automation could give it back."""
    role, ours = NEEDS.lock, {name: dict(one) for name, one in NEEDS.documents.items()}
    users = {"portcullis": {"roles": list(NEEDS.automation), "enabled": True}}

    def with_role(held: SecurityConfig, document: Json | None) -> SecurityConfig:
        roles = {name: one for name, one in held.of(Kind.ROLES).items() if name != role}
        return SecurityConfig(
            {**held.documents, Kind.ROLES: roles | ({role: document} if document is not None else {})}
        )

    held = SecurityConfig({Kind.ROLES: ours, Kind.USERS: users, Kind.MAPPINGS: {}, Kind.KEYS: {}})
    if before:
        held = with_role(held, narrowed)
    shut_, saved = locked(held)
    if not before:
        found = shut(with_role(shut_, narrowed), LOCKED, saved)
        assert role in found.touched, "a look at the wall sees it"
        shut_ = with_role(shut_, narrowed)
        for write in found.writes:
            shut_ = simulate(shut_, write)
    assert shut_.of(Kind.ROLES)[role] == NEEDS.documents[role]
    assert role not in shut(shut_, LOCKED, saved).touched
    for write in reopen(saved, shut_).writes:
        shut_ = simulate(shut_, write)
    assert shut_.of(Kind.ROLES)[role] == NEEDS.documents[role]


def test_a_role_that_somebody_took_from_the_automation_before_a_lock_keeps_it_from_no_end() -> None:
    users = {"portcullis": {"roles": [NEEDS.automation[0], "more"], "enabled": True}}
    ours = {name: dict(one) for name, one in NEEDS.documents.items()}
    shut_, saved = locked(
        SecurityConfig({Kind.ROLES: ours, Kind.USERS: users, Kind.MAPPINGS: {}, Kind.KEYS: {}}),
    )
    opened = reopen(saved, shut_)
    for write in opened.writes:
        shut_ = simulate(shut_, write)
    assert {*shut_.of(Kind.USERS)["portcullis"]["roles"]} == {*NEEDS.automation, "more"}
    assert opened.lost == ()
