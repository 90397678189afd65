"""The pure model of a collection PATCH beside the real engine, for random patches; and whole plans on it."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
import requests
from portcullis.access.actual import Json
from portcullis.access.difference import difference
from portcullis.access.drift import drift
from portcullis.access.plan import Claim
from portcullis.errors import Conflict, Refused
from portcullis.families.opensearch.documents.config import MAPPING_LISTS, Kind, SecurityConfig
from portcullis.families.opensearch.documents.patch import apply_patch, patches, pointer
from portcullis.families.opensearch.family import OPENSEARCH
from portcullis.families.opensearch.shutting.shut import reopen, shut

from local.node.node import Node
from tests.access.strategies import KEEPERS, ROLE_NAMES, mapping, role, wanted

pytest_plugins = ["tests.fixtures_node"]
pytestmark = pytest.mark.node

API = "/_plugins/_security/api/"
ENTRIES = ("anna", "Cognito/pool/ben", "arn:aws:iam::1:role/x,y", "~1/~0 ü", "*")


def read(node: Node) -> SecurityConfig:
    documents = {}
    for kind in Kind:
        status, body = node.ask("GET", API + kind.value)
        assert status == 200
        documents[kind] = body
    return SecurityConfig(documents)


def send(node: Node, kind: Kind, operations: list[Json]) -> tuple[int, Any]:
    status, body = node.ask("PATCH", API + kind.value, operations)
    return status, body


def sent(node: Node, sequence: Any) -> None:
    for kind, operations in sequence:
        status, body = send(node, kind, list(operations))
        assert status == 200, body


def random_operation(chance: random.Random, names: list[str]) -> Json:
    name, entry_list = chance.choice(names), chance.choice(MAPPING_LISTS)
    index: int | str = chance.choice([0, 0, 1, 2, 3, 9, "-"])
    shapes: list[Json] = [
        {"op": "add", "path": pointer(name), "value": mapping(users=chance.sample(ENTRIES, 2))},
        {"op": "replace", "path": pointer(name), "value": mapping(backend_roles=chance.sample(ENTRIES, 2))},
        {"op": "remove", "path": pointer(name)},
        {"op": "add", "path": pointer(name, entry_list, index), "value": chance.choice(ENTRIES)},
        {"op": "add", "path": pointer(name, entry_list, "-"), "value": chance.choice(ENTRIES)},
        {"op": "add", "path": pointer(name, entry_list), "value": chance.sample(ENTRIES, 3)},
        {"op": "remove", "path": pointer(name, entry_list, 0 if index == "-" else index)},
        {"op": "replace", "path": pointer(name, entry_list, 0 if index == "-" else index), "value": "new"},
        {"op": "add", "path": pointer(name, "description"), "value": "said"},
        {"op": "remove", "path": pointer(name, "description")},
        {"op": "test", "path": pointer(name), "value": {}},
    ]
    return chance.choices(shapes, weights=[3, 2, 1, 3, 5, 3, 4, 2, 2, 1, 0.2])[0]


@pytest.mark.parametrize("seed", range(3))
def test_the_model_of_a_patch_does_what_the_engine_does(node_basic: Node, seed: int) -> None:
    chance = random.Random(seed)
    sent(node_basic, [(Kind.ROLES, [{"op": "add", "path": pointer(n), "value": role("read")} for n in ROLE_NAMES])])
    sent(node_basic, [(Kind.MAPPINGS, [{"op": "add", "path": pointer(n), "value": mapping()} for n in ROLE_NAMES])])
    outcomes = {"taken": 0, "refused": 0}
    for _ in range(40):
        held = read(node_basic)
        names = [*ROLE_NAMES, "no such role"] if chance.random() < 0.2 else list(ROLE_NAMES)
        operations = [random_operation(chance, names) for _ in range(chance.randint(1, 4))]
        try:
            expected: SecurityConfig | None = apply_patch(held, Kind.MAPPINGS, operations)
        except (Conflict, Refused):
            expected = None
        status, body = send(node_basic, Kind.MAPPINGS, operations)
        now = read(node_basic)
        said = json.dumps(operations), status, body
        if expected is None:
            assert status in (400, 403, 404), said
            assert now == held, said
            outcomes["refused"] += 1
        else:
            assert status == 200, said
            flags = {"reserved": False, "hidden": False}
            shown = {name: flags | document for name, document in expected.of(Kind.MAPPINGS).items()}
            assert now.of(Kind.MAPPINGS) == shown, said
            outcomes["taken"] += 1
    assert min(outcomes.values()) >= 3, "the random patches have to show both"


def test_a_plan_applied_to_a_real_engine_leaves_no_difference(node_basic: Node) -> None:
    """Undone, it leaves nothing behind. Names and entries with special characters are among them."""
    empty = read(node_basic)
    roles = {
        f"plan {n} {name}": role("read", dls='{"match_all": {}}', fls=["~b", "~a"]) for n, name in enumerate(ROLE_NAMES)
    }
    roles["plan bare"] = {"cluster_permissions": ["mine"], "description": "bare"}
    want = wanted(
        roles,
        {name: {"users": dict.fromkeys(ENTRIES, "test"), "and_backend_roles": {"a": "", "b": ""}} for name in roles},
        action_groups={"mine": {"allowed_actions": ["read", "cluster_monitor"]}},
        tenants={"team": {"description": "the team's"}},
        users={"plan-user": {"backend_roles": ["x"], "attributes": {"a": "b"}}},
    )
    plan = difference(OPENSEARCH, want, empty, frozenset())
    assert plan.conflicts == ()
    sent(node_basic, patches(plan, empty, {"plan-user": {"password": "Correct-horse-battery-9"}}))
    held, mine = read(node_basic), plan.claims_after(frozenset())
    assert difference(OPENSEARCH, want, held, mine).empty
    assert drift(OPENSEARCH, want, held, mine) == drift(OPENSEARCH, want, empty, frozenset())
    leaving = difference(OPENSEARCH, wanted(), held, mine)
    sent(node_basic, patches(leaving, held))
    assert read(node_basic) == empty
    assert leaving.claims_after(mine) == frozenset()


def test_the_engine_refuses_a_removal_from_a_list_that_got_shorter(node_basic: Node) -> None:
    """The patch checks the length of the list first. The node answers 400, and nobody else's entry is removed."""
    want = wanted({"guarded": role("read")}, {"guarded": {"users": {"b": "test"}}})
    first = difference(OPENSEARCH, want, read(node_basic), frozenset())
    sent(node_basic, patches(first, read(node_basic)))
    sent(node_basic, [(Kind.MAPPINGS, [{"op": "add", "path": "/guarded/users", "value": ["a", "b", "c"]}])])
    held, mine = read(node_basic), first.claims_after(frozenset())
    assert Claim(Kind.MAPPINGS, "guarded", "users", "b") in mine
    ((kind, operations),) = patches(difference(OPENSEARCH, wanted({"guarded": role("read")}), held, mine), held)
    sent(node_basic, [(kind, [{"op": "remove", "path": "/guarded/users/0"}])])
    assert send(node_basic, kind, operations)[0] == 400
    assert read(node_basic).entries("guarded", "users") == ("b", "c")


def test_the_lock_and_its_end_put_everything_back_on_the_engine(node_basic: Node) -> None:
    names = {name: mapping(users=["z", "a"], hosts=["h"]) | {"description": "ours"} for name in ROLE_NAMES[:2]}
    names |= {name: mapping(and_backend_roles=["z", "a"]) for name in ROLE_NAMES[2:]}
    sent(node_basic, [(Kind.ROLES, [{"op": "add", "path": pointer(n), "value": role("read")} for n in ROLE_NAMES])])
    sent(node_basic, [(Kind.MAPPINGS, [{"op": "add", "path": pointer(n), "value": d} for n, d in names.items()])])
    held = read(node_basic)
    shutting = shut(held, KEEPERS.while_locked())
    sent(node_basic, shutting.writes)
    locked = read(node_basic)
    assert all(locked.entries(name, entry_list) == () for name in names for entry_list in MAPPING_LISTS)
    assert shut(locked, KEEPERS.while_locked()).writes == ()
    sent(node_basic, reopen(json.loads(json.dumps(shutting.saved)), locked).writes)
    assert read(node_basic) == held


def test_a_lock_by_roles_and_its_end_put_everything_back_on_the_engine(node_basic: Node) -> None:
    full = role("read", dls='{"term": {"a": 1}}', fls=["~b"], masked_fields=["c"]) | {"description": "ours"}
    roles = {"emptied-a": full, "emptied-b": role("read"), "emptied-c": {"cluster_permissions": ["cluster_monitor"]}}
    sent(node_basic, [(Kind.ROLES, [{"op": "add", "path": pointer(n), "value": d} for n, d in roles.items()])])
    mappings = [{"op": "add", "path": pointer(n), "value": mapping(users=["z", "a"])} for n in roles]
    sent(node_basic, [(Kind.MAPPINGS, mappings)])
    held = read(node_basic)
    saved = json.loads(json.dumps(shut(held, KEEPERS.while_locked()).saved))
    sent(node_basic, shut(held, KEEPERS.while_locked(), saved, checks=0).writes)
    locked = read(node_basic)
    assert all(locked.get(Kind.ROLES, name)["index_permissions"] == [] for name in roles)  # type: ignore[index]
    assert shut(locked, KEEPERS.while_locked()).writes == ()
    sent(node_basic, reopen(saved, locked).writes)
    assert read(node_basic) == held


PASSWORD = "Correct-horse-battery-9"
APP = "arn:aws:iam::1:role/app"


def test_whoever_passes_for_somebody_else_has_their_roles_and_is_drift(node_basic: Node) -> None:
    """An internal user called like a user of Cognito, and one with the ARN of a mapped role; the engine takes none called like an ARN."""
    entries = {"users": {"Cognito/pool/ben": "test"}, "backend_roles": {APP: "test"}}
    want = wanted({"passed-for": role("read")}, {"passed-for": entries})
    plan = difference(OPENSEARCH, want, read(node_basic), frozenset())
    sent(node_basic, patches(plan, read(node_basic)))
    made: dict[str, Json] = {"Cognito/pool/ben": {}, "passing": {"backend_roles": [APP]}}
    adds = [{"op": "add", "path": pointer(name), "value": user | {"password": PASSWORD}} for name, user in made.items()]
    sent(node_basic, [(Kind.USERS, adds)])
    assert send(node_basic, Kind.USERS, [{**adds[0], "path": pointer(APP)}])[0] == 400
    for name in made:
        told = requests.get(
            f"{node_basic.url}/_plugins/_security/authinfo",
            auth=(name, PASSWORD),
            verify=str(node_basic.ca),
            timeout=60,
        )
        assert "passed-for" in told.json()["roles"]
    found = drift(OPENSEARCH, want, read(node_basic), plan.claims_after(frozenset()))
    assert {one.claim.name: one.severity for one in found if one.claim.name in made} == dict.fromkeys(made, "warning")
    sent(node_basic, [(Kind.USERS, [{"op": "remove", "path": pointer(name)} for name in made])])
