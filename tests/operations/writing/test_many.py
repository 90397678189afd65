"""Given many roles that come or go with their mappings, then they are sent in another order, and the engine ends the same."""

from __future__ import annotations

import json

import pytest
from portcullis.access.actual import Json
from portcullis.families.opensearch.documents.batching import quickest
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.documents.patch import apply_patches

from tests.operations.worlds import house, mapping, plain, role


def sequence(many: int) -> list[tuple[Kind, list[Json]]]:
    roles = [{"op": "add", "path": f"/r{i}", "value": _stripped(role("read", patterns=[f"i{i}"]))} for i in range(many)]
    roles += [{"op": "replace", "path": "/old", "value": _stripped(role("crud"))}]
    mappings = [{"op": "add", "path": f"/r{i}", "value": {"backend_roles": [f"b{i}"]}} for i in range(many)]
    return [(Kind.ROLES, roles), (Kind.MAPPINGS, mappings), (Kind.ROLES, [{"op": "remove", "path": "/gone"}])]


def _stripped(document: Json) -> Json:
    return {key: value for key, value in document.items() if key not in ("reserved", "hidden", "static")}


def domain() -> SecurityConfig:
    held = house()
    roles = {**held.of(Kind.ROLES), "old": role("read"), "gone": role("read")}
    return SecurityConfig(
        {**held.documents, Kind.ROLES: roles, Kind.MAPPINGS: {**held.of(Kind.MAPPINGS), "old": mapping()}}
    )


@pytest.mark.parametrize(("many", "patches"), [(1, 3), (20, 3), (200, 4), (600, 8)])
def test_the_end_is_the_same_and_only_many_are_worth_another_patch(many: int, patches: int) -> None:
    plainly = sequence(many)
    sent = quickest(plainly)
    assert len(sent) == patches
    assert plain(apply_patches(domain(), sent)) == plain(apply_patches(domain(), plainly))


def test_a_patch_maps_at_most_250_roles_and_only_after_they_are_made() -> None:
    """Many new roles are sent in another order, in portions."""
    held = domain()
    for kind, operations in quickest(sequence(600)):
        held = apply_patches(held, [(kind, operations)])  # Refused if a mapping came before its role
        assert kind != Kind.MAPPINGS or len(operations) <= 250


def test_mappings_are_sent_while_there_are_few_roles() -> None:
    held = before = domain()
    for patch in quickest(sequence(600)):
        if patch[0] == Kind.MAPPINGS:
            assert len(held.of(Kind.ROLES)) <= len(before.of(Kind.ROLES)) + 250
        held = apply_patches(held, [patch])


def test_a_new_role_that_nobody_is_mapped_to_is_made_whole_at_the_end() -> None:
    (_, roles), (_, mappings), removal = sequence(300)
    plainly = [(Kind.ROLES, roles), (Kind.MAPPINGS, mappings[:-1]), removal]
    assert plain(apply_patches(domain(), quickest(plainly))) == plain(apply_patches(domain(), plainly))


def test_what_is_there_already_is_never_emptied_on_the_way() -> None:
    held = domain()
    for patch in quickest(sequence(200)):
        held = apply_patches(held, [patch])
        assert (held.get(Kind.ROLES, "old") or {})["index_permissions"]


@pytest.mark.parametrize(("many", "portions"), [(1, 1), (250, 1), (251, 2), (700, 3)])
def test_mappings_of_roles_that_stay_go_a_few_hundred_at_a_time(many: int, portions: int) -> None:
    held = apply_patches(domain(), sequence(many))
    joins = [{"op": "add", "path": f"/r{i}/backend_roles/-", "value": "one more"} for i in range(many)]
    leaves = [{"op": "remove", "path": f"/r{i}/backend_roles/0"} for i in range(many)]
    plainly = [(Kind.MAPPINGS, [*joins, *leaves])]
    sent = quickest(plainly)
    assert len(sent) == portions
    assert plain(apply_patches(held, sent)) == plain(apply_patches(held, plainly))


def test_other_patches_are_left_alone() -> None:
    for some in ([], [(Kind.ROLES, sequence(300)[0][1])], [(Kind.MAPPINGS, sequence(200)[1][1])]):
        assert quickest(some) == some


def leaving(many: int) -> tuple[SecurityConfig, list[tuple[Kind, list[Json]]]]:
    """A domain with roles and their mappings, and their removal as a plan has it: mappings first."""
    held = apply_patches(domain(), sequence(many))
    mappings = [{"op": "remove", "path": f"/r{i}"} for i in range(many)]
    mappings.insert(3, {"op": "add", "path": "/old/users", "value": ["kim"]})
    return held, [(Kind.MAPPINGS, mappings), (Kind.ROLES, [{"op": "remove", "path": f"/r{i}"} for i in range(many)])]


@pytest.mark.parametrize(("many", "kinds"), [(1, ["mappings", "roles"]), (300, ["mappings", "roles", "mappings"])])
def test_many_roles_go_before_their_mappings(many: int, kinds: list[str]) -> None:
    held, plainly = leaving(many)
    sent = quickest(plainly)
    assert [kind.name.lower() for kind, _ in sent] == kinds
    assert plain(apply_patches(held, sent)) == plain(apply_patches(held, plainly))


def test_a_mapping_that_stays_is_changed_while_its_role_is_there() -> None:
    _, (mappings, roles) = leaving(300)
    stays = (Kind.MAPPINGS, [{"op": "remove", "path": "/r7/backend_roles/0"}, *mappings[1][8:]])
    assert [kind for kind, _ in quickest([stays, roles])] == [Kind.MAPPINGS, Kind.MAPPINGS, Kind.ROLES]


def large(many: int, kilobytes: int) -> list[tuple[Kind, list[Json]]]:
    """Roles with long filters, and their mappings."""
    query = json.dumps({"terms": {"region": ["x" * 1000] * kilobytes}})
    (_, roles), mappings, removal = sequence(many)
    whole = [{**op, "value": _stripped(role("read", dls=query))} for op in roles]
    return [(Kind.ROLES, whole), mappings, removal]


@pytest.mark.parametrize(("many", "kilobytes"), [(30, 500), (300, 100), (3, 9000), (30, 1)])
def test_no_patch_is_larger_than_a_request_may_be(many: int, kilobytes: int) -> None:
    """Amazon takes 10 MiB on its smaller instances. What no request could hold is sent by itself, and refused by itself."""
    plainly = large(many, kilobytes)
    sent = quickest(plainly)
    for _, operations in sent:
        assert len(json.dumps(operations)) < 10_000_000 or len(operations) == 1
    assert plain(apply_patches(domain(), sent)) == plain(apply_patches(domain(), plainly))


def test_what_changes_one_document_stays_together() -> None:
    """Several steps for each of many lists, a name of which is long: a portion ends between two documents."""
    held = apply_patches(domain(), sequence(40))
    steps = [
        {"op": "add", "path": f"/r{i}/backend_roles/-", "value": f"{n}" * 200_000} for n in (1, 2) for i in range(40)
    ]
    sent = quickest([(Kind.MAPPINGS, steps)])
    assert len(sent) > 1
    named = [{op["path"] for op in operations} for _, operations in sent]
    assert sum(map(len, named)) == len(set[str]().union(*named)) == 40
    assert plain(apply_patches(held, sent)) == plain(apply_patches(held, [(Kind.MAPPINGS, steps)]))
