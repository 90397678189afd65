"""What Portcullis itself needs of a domain is part of every access model, whatever the deployment file says of the same names."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs
from portcullis.access.plan import AccessModel, Claim, Grant, People, Subject, SubjectKind
from portcullis.custody.types import LetIn
from portcullis.families import family_named
from portcullis.model.option_types import Options, SnapshotOptions
from portcullis.operations.access.changing.foundation import (
    keepers,
    made_with_domain,
    while_locked,
    with_foundation,
)
from portcullis.operations.access.changing.looking import read_truth
from portcullis.ports.registration import EngineUser, IamRole, KeptModel, Registration

from tests.operations.nodes import snapshot_store
from tests.operations.worlds import account, arn, registration

FAMILY = family_named("opensearch")
CANARY, BREAK_GLASS = arn("role", "canary"), arn("role", "portcullis-demo-break-glass")
THEIRS = AccessModel(
    roles={"viewers": {}, "portcullis_lock": {"of": "theirs"}, "portcullis_canary": {"of": "theirs"}},
    grants=(Grant(Subject(SubjectKind.BACKEND_ROLE, "theirs"), "viewers", "a file"),),
)


def whole() -> Registration:
    return structs.replace(registration(), canary=IamRole(CANARY), snapshots=snapshot_store())


def granted(access: AccessModel) -> set[tuple[str, str]]:
    return {(one.subject.name, one.role) for one in access.grants}


@pytest.mark.parametrize("kind", [IamRole, EngineUser])
def test_master_and_automation_keep_their_roles_and_break_glass_is_kept_out(kind: type) -> None:
    def actor(name: str) -> IamRole | EngineUser:
        return IamRole(arn("role", name)) if kind is IamRole else EngineUser(name, "a-secret")

    names = ("master", "automation", "break_glass")
    one = structs.replace(registration(), **{name: actor(name) for name in names})
    entry_list = "backend_roles" if kind is IamRole else "users"
    found = keepers(one)
    assert {(keeper.who, keeper.entry, keeper.entry_list, tuple(keeper.roles)) for keeper in found.keepers} == {
        ("master", actor("master").principal, entry_list, tuple(FAMILY.administrator_roles)),
        ("automation", actor("automation").principal, entry_list, tuple(FAMILY.baseline().automation)),
    }
    assert found.shut_out == actor("break_glass").principal
    (window,) = [keeper for keeper in while_locked(one, LetIn.READS).keepers if keeper.who == "break-glass"]
    assert window.entry_list == entry_list


def test_what_the_automation_needs_is_there_whatever_a_file_says() -> None:
    needs = FAMILY.baseline()
    access = with_foundation(THEIRS, registration())
    assert {name: access.roles[name] for name in ("viewers", "portcullis_canary")} == {
        name: THEIRS.roles[name] for name in ("viewers", "portcullis_canary")
    }
    ours = [name for name in (*needs.automation, *needs.writes) if name in needs.documents]
    assert {name: access.roles[name] for name in ours} == {name: needs.documents[name] for name in ours}
    assert {("theirs", "viewers"), (arn("role", "portcullis-automation"), "portcullis_lock")} <= granted(access)
    assert BREAK_GLASS not in {who for who, _ in granted(access)}, "nobody is break-glass but in a window"
    assert (access.users, access.people) == ({}, None)


@pytest.mark.parametrize("canary", [IamRole(CANARY), EngineUser("canary", "a-secret")])
def test_the_canary_has_its_role_and_is_made_where_the_engine_keeps_it(canary: IamRole | EngineUser) -> None:
    access = with_foundation(THEIRS, structs.replace(registration(), canary=canary))
    assert access.roles["portcullis_canary"] == FAMILY.baseline().documents["portcullis_canary"]
    assert {(canary.principal, "portcullis_canary"), ("theirs", "viewers")} <= granted(access)
    assert (arn("role", "portcullis-automation"), "portcullis_lock") in granted(access)
    made = [user["metadata"]["portcullis"] for user in access.users.values()]
    assert (list(access.users), len(made)) == ((["canary"], 1) if isinstance(canary, EngineUser) else ([], 0))


@pytest.mark.parametrize(
    ("sample", "moving", "reads"), [("", False, None), ("orders", False, ["orders"]), ("", True, ["*"])]
)
def test_whoever_takes_snapshots_compares_what_is_asked_for_and_no_more(
    sample: str, moving: bool, reads: list[str] | None
) -> None:
    access = with_foundation(THEIRS, whole(), sample=sample, moving=moving)
    taker = snapshot_store().taker
    assert {(arn("role", "portcullis-automation"), "portcullis_lock"), (CANARY, "portcullis_canary")} < granted(access)
    assert "portcullis_compare" not in with_foundation(THEIRS, whole()).roles, (
        "nothing is compared unless it is asked for"
    )
    assert {role for who, role in granted(access) if who == taker} == {
        "manage_snapshots",
        *(["portcullis_compare"] if reads else []),
    }
    compares = access.roles.get("portcullis_compare")
    assert (compares and compares["index_permissions"][0]["index_patterns"]) == reads
    assert "manage_snapshots" not in {role for _, role in granted(with_foundation(THEIRS, registration()))}


def test_a_look_asks_for_the_sample_of_the_file_and_for_a_re_key_under_way() -> None:
    made = account()
    made.ledger.register(whole())
    site = made.services.site("demo")
    for sample in ("", "orders"):
        kept = KeptModel("", AccessModel(), Options(snapshots=SnapshotOptions(restore_sample=sample)))
        assert read_truth(site, kept).access == with_foundation(kept.access, whole(), sample=sample)
    made.ledger.save("demo", "re-key", {"to": "another"})
    assert read_truth(site, kept).access == with_foundation(kept.access, whole(), sample="orders", moving=True)


def test_nobody_of_a_group_is_called_as_portcullis_speaks_to_the_engine() -> None:
    access = with_foundation(replace(THEIRS, people=People("demo")), whole())
    assert access.people is not None
    assert access.people.kept == {
        *(arn("role", name) for name in ("portcullis-automation", "master", "canary", "portcullis-demo-break-glass")),
        snapshot_store().taker,
    }
    bare = with_foundation(replace(THEIRS, people=People("demo")), structs.replace(registration(), break_glass=None))
    assert bare.people is not None
    assert bare.people.kept == {arn("role", "portcullis-automation"), arn("role", "master")}


@pytest.mark.parametrize(
    ("let_in", "roles"),
    [
        (LetIn.NOBODY, None),
        (LetIn.READS, ("portcullis_break_glass",)),
        (LetIn.WRITES, ("portcullis_break_glass", "portcullis_break_glass_write")),
    ],
)
def test_in_a_lock_break_glass_has_what_its_window_says(let_in: LetIn, roles: tuple[str, ...] | None) -> None:
    for one in (registration(), structs.replace(registration(), break_glass=None)):
        kept = {keeper.who: keeper for keeper in while_locked(one, let_in).keepers}
        assert "master" not in kept
        found = kept.get("break-glass")
        if roles is None or one.break_glass is None:
            assert found is None
        else:
            assert found is not None
            assert (found.entry, found.roles, found.entry_list) == (BREAK_GLASS, roles, "backend_roles")


def test_a_master_that_is_a_user_of_the_engine_was_made_by_nobodys_hand() -> None:
    assert made_with_domain(registration()) == frozenset()
    users = structs.replace(registration(), master=EngineUser("chief", "a-secret"))
    assert made_with_domain(users) == {Claim(FAMILY.users, "chief")}
