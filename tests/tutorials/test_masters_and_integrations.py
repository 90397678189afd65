"""Additional master users, and the role of a delivery stream: by the guide's requests and by Portcullis' verbs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from portcullis.families.opensearch.documents.config import ADMINISTRATOR_ROLES
from portcullis.operations.access.deployments import apply_text
from portcullis.operations.access.integrations import integration_add
from portcullis.operations.access.masters import master_add, master_list

from local.door.client import At
from tests.local.door_world import MASTER
from tests.tutorials import flights
from tests.tutorials.cognito_steps import SignIn, by_portcullis
from tests.tutorials.stage import CAUSE, OPENDISTRO, PLUGINS, ok, put_back

pytestmark = [pytest.mark.node, pytest.mark.aws]

GOLDEN = json.loads(
    (Path(__file__).parent.parent / "families/opensearch/golden/role-firehose-7.json").read_text(encoding="utf-8")
)
NAME = "flights-sign-in"
FIREHOSE = "firehose_delivery_role"


def mapped(session: At, role: str) -> dict[str, list[str]]:
    shown = ok(session.get(f"{PLUGINS}/rolesmapping/{role}"))[role]
    return {name: shown[name] for name in ("backend_roles", "users", "hosts")}


def permissions(session: At, role: str) -> dict[str, Any]:
    shown = ok(session.get(f"{PLUGINS}/roles/{role}"))[role]
    return {
        "cluster_permissions": shown["cluster_permissions"],
        "index_permissions": [
            {name: sorted(one[name]) for name in ("index_patterns", "allowed_actions")}
            for one in shown["index_permissions"]
        ],
    }


# ------------------------------------------------------------------ additional master users
def test_a_master_added_by_portcullis_joins_those_who_are_there(sign_in: SignIn) -> None:
    world = sign_in.world
    fourth, third = world.role("fourth-master-user"), "arn:aws:iam::111122223333:user/third-master-user"
    by_hand = ["master-user", "second-master-user"]
    with put_back(world.node):
        cast = by_portcullis(sign_in)
        assert cast.world is not None
        before = {role: mapped(world.master, role) for role in ADMINISTRATOR_ROLES}
        for role in ADMINISTRATOR_ROLES:  # somebody did as the guide says: GET first, then PUT with everybody in it
            ok(
                world.master.put(
                    f"{PLUGINS}/rolesmapping/{role}",
                    json=before[role] | {"users": [*before[role]["users"], *by_hand]},
                )
            )
        assert world.signed(world.session(fourth)).get(f"{PLUGINS}/roles").status_code == 403
        for principal in (fourth, third):
            assert master_add(cast.world, NAME, CAUSE, principal=principal).outcome.status == "applied"
        for role in ADMINISTRATOR_ROLES:
            now = mapped(world.master, role)
            assert now["backend_roles"] == [*before[role]["backend_roles"], fourth]
            assert now["users"] == [*by_hand, third]
        assert world.signed(world.session(fourth)).get(f"{PLUGINS}/roles").status_code == 200
        assert world.master.get(f"{PLUGINS}/roles").status_code == 200
        unasked = {one.who for one in master_list(cast.world, NAME, CAUSE) if not one.because}
        assert unasked == set(by_hand), "whoever was let in by hand is listed as that"


def test_masters_lost_by_a_careless_put_come_back_and_those_made_by_it_stay(sign_in: SignIn) -> None:
    world = sign_in.world
    with put_back(world.node):
        cast = by_portcullis(sign_in)
        assert cast.world is not None
        # "These requests replace the current role mappings": sent without looking first.
        ok(world.master.put(f"{OPENDISTRO}/rolesmapping/all_access", json={"users": ["second-master-user"]}))
        assert world.master.get("/_search").status_code == 403
        assert apply_text(cast.world, NAME, None, CAUSE).status == "applied"
        seen = mapped(world.master, "all_access")
        assert MASTER in seen["backend_roles"]
        assert seen["users"] == ["second-master-user"]


# ------------------------------------------------------------------ a delivery stream
def deliver(session: At, index: str) -> int:
    """What a delivery stream does: bulk, into an index that may not be there yet. The worst status of its lines."""
    lines = ({"index": {"_index": index}}, {"n": 1}, {"index": {"_index": index}}, {"n": 2})
    answer = session.post(
        "/_bulk?refresh=true",
        data="".join(json.dumps(line) + "\n" for line in lines).encode(),
        headers={"Content-Type": "application/x-ndjson"},
    )
    if answer.status_code != 200:
        return answer.status_code
    return max(int(item["index"]["status"]) for item in answer.json()["items"])


BEYOND: tuple[tuple[str, str, Any], ...] = (
    ("GET", f"/{flights.INDEX}/_search", None),
    ("GET", "/_search", None),
    ("DELETE", f"/{flights.INDEX}", None),
    ("PUT", "/another", None),
    ("PUT", "/_cluster/settings", {"persistent": {"action.auto_create_index": "true"}}),
    ("GET", f"{PLUGINS}/roles", None),
    ("PATCH", f"{PLUGINS}/rolesmapping", [{"op": "add", "path": "/all_access/users/-", "value": "me"}]),
    ("PUT", "/_snapshot/mine", {"type": "fs", "settings": {"location": "mine"}}),
    ("PUT", "/_ingest/pipeline/mine", {"processors": []}),
    ("PUT", "/_index_template/mine", {"index_patterns": ["firehose-index*"]}),
)


@pytest.mark.parametrize("way", [PLUGINS, OPENDISTRO, "portcullis"])
def test_the_role_of_a_delivery_stream_can_index_and_nothing_else(sign_in: SignIn, way: str) -> None:
    world = sign_in.world
    role = world.role(FIREHOSE)
    with put_back(world.node):
        if way == "portcullis":
            cast = by_portcullis(sign_in)
            assert cast.world is not None
            integration_add(cast.world, NAME, CAUSE, service="firehose", role=FIREHOSE, index="firehose-index*")
            master = cast.master
        else:
            master = world.master
            flights.add(master)
            ok(master.put(f"{way}/roles/firehose", json=GOLDEN["engine"]))
            ok(master.put(f"{way}/rolesmapping/firehose", json={"backend_roles": [role]}))
        asked = GOLDEN["engine"]
        assert permissions(master, "firehose") == asked | {
            "index_permissions": [{name: sorted(value) for name, value in asked["index_permissions"][0].items()}]
        }
        assert mapped(master, "firehose")["backend_roles"] == [role]
        stream = world.signed(world.session(role))
        assert ok(stream.get("/_plugins/_security/authinfo"))["roles"] == ["firehose"]
        try:
            assert deliver(stream, "firehose-index-2026-01") == 201
            assert ok(master.get("/firehose-index-2026-01/_count"))["count"] == 2
            assert deliver(stream, "other-index") == 403
            assert deliver(stream, flights.INDEX) == 403
            assert master.get("/other-index").status_code == 404
            for method, path, body in BEYOND:
                answer = stream.request(method, path, json=body)
                assert answer.status_code == 403, f"{method} {path}: {answer.status_code} {answer.text}"
            assert ok(master.get(f"/{flights.INDEX}/_count"))["count"] == flights.COUNT
        finally:
            master.delete("/firehose-index-2026-01")
