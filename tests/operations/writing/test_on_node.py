"""Given a real node, then the road by which access is changed holds on it what it holds in memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from portcullis.access.plan import Subject, SubjectKind
from portcullis.adapters.engines.opensearch import OpenSearchEngine
from portcullis.adapters.engines.snapshots import OpenSearchSnapshots
from portcullis.adapters.engines.transport import basic_transport
from portcullis.adapters.passwords.aws import generated
from portcullis.custody.types import State
from portcullis.entry.operate import carry_out
from portcullis.errors import Refused, Unreachable
from portcullis.families.opensearch.documents.config import Kind
from portcullis.families.opensearch.documents.dialects import Dialect
from portcullis.operations.access.adopting import adopt
from portcullis.operations.access.deployments import apply_text, introduce
from portcullis.operations.access.planning import plan
from portcullis.operations.access.rolling_back import rollback
from portcullis.operations.services import Trigger
from portcullis.operations.status import status
from portcullis.ports.registration import EngineUser, IamRole, Registration

from local.node.node import Node
from tests.fixtures_node import make_new
from tests.operations.on_node import (
    API,
    MASTER,
    account_on,
    bytes_of,
    made_by_hand,
    put_back,
    removed_by_hand,
    transport,
)
from tests.operations.worlds import POOL, Account, model_text, registration

pytestmark = pytest.mark.node

CAUSE = Trigger("a test", "somebody")
MODEL = model_text(
    """\
  # who looks at what
  roles:
    road_viewers:   # the first
      description: Looks
      cluster_permissions: [cluster_composite_ops_ro]
      index_permissions:
        - {index_patterns: ["road-*"], dls: '{"term": {"a": 1}}', fls: ["~b", "~a"], masked_fields: ["c"], allowed_actions: [read]}
  action_groups:
    road_looking: {allowed_actions: [read, "indices:monitor/*"]}
  tenants:
    road_team: {description: The team's}
  users:
    road-robot: {backend_roles: [road-robots], attributes: {team: blue}}
  grants:
    - {role: road_viewers, to: {cognito_group: readers}}
    - {role: road_viewers, to: {iam_role: road-app}}
"""
)
CHANGED = MODEL.replace('fls: ["~b", "~a"]', 'fls: ["~b"]').replace("iam_role: road-app", "iam_role: road-other")
READERS = Subject(SubjectKind.COGNITO_GROUP, "readers")


@pytest.fixture
def house(node_basic: Node) -> Iterator[tuple[Node, Account]]:
    """A node taken care of, and left as it was found."""
    make_new(node_basic)
    found = bytes_of(node_basic)
    made = account_on(node_basic)
    made.people.groups = {READERS: (f"Cognito/{POOL}/anna", f"Cognito/{POOL}/ben")}
    try:
        introduce(made.services.at(registration(master=IamRole(MASTER))), model_text("  roles: {}\n"), CAUSE)
        yield node_basic, made
    finally:
        put_back(node_basic, found)


def test_a_model_is_applied_once_and_a_rollback_puts_back_to_the_byte(house: tuple[Node, Account]) -> None:
    node, made = house
    first = apply_text(made.services, "demo", MODEL, CAUSE)
    assert first.writes == 5  # one PATCH a kind
    assert plan(made.services, "demo", CAUSE).exit_status == 0
    applied = bytes_of(node)
    assert apply_text(made.services, "demo", MODEL, CAUSE).writes == 0
    made_by_hand(node, Kind.MAPPINGS, "road_viewers", _more_by_hand(node))
    by_hand = bytes_of(node)
    assert apply_text(made.services, "demo", CHANGED, CAUSE).status == "applied"
    assert bytes_of(node) not in (applied, by_hand)
    rollback(made.services, "demo", CAUSE, entry="1")
    assert bytes_of(node) == by_hand
    assert plan(made.services, "demo", CAUSE).exit_status == 0


def _more_by_hand(node: Node) -> dict[str, object]:
    """The mapping of road_viewers as a person leaves it: one more on each list, in front and behind."""
    status, body = node.ask("GET", "/_plugins/_security/api/rolesmapping/road_viewers")
    assert status == 200
    mapping = body["road_viewers"]
    users, roles = mapping["users"], mapping["backend_roles"]
    return {
        "users": ["in-front", *users],
        "backend_roles": [*roles[:1], "in-between", *roles[1:]],
        "hosts": [],
        "description": "edited",
    }


def test_what_people_hold_is_as_the_model_says(house: tuple[Node, Account]) -> None:
    node, made = house
    apply_text(made.services, "demo", MODEL, CAUSE)
    secret = made.passwords.kept["portcullis/demo/road-robot"]
    status, info = transport(node, "road-robot", secret)("GET", "/_plugins/_security/authinfo", None, None)
    assert (status, info["backend_roles"]) == (200, ["road-robots"])
    made.people.groups = {READERS: (f"Cognito/{POOL}/ben",)}
    carry_out(made.services, {"verb": "synchronise", "deployment": "demo"}, alias="act")
    held = made.services.engine(made.ledger.registration("demo")).read([Kind.MAPPINGS])
    assert held.entries("road_viewers", "users") == (f"Cognito/{POOL}/ben",)


def test_a_running_cluster_is_taken_over_without_a_change(house: tuple[Node, Account]) -> None:
    node, made = house
    apply_text(made.services, "demo", MODEL, CAUSE)
    permission = {
        "index_patterns": ["road-x*"],
        "dls": "",
        "fls": ["~d"],
        "masked_fields": ["e"],
        "allowed_actions": ["crud"],
    }
    role = {"cluster_permissions": ["cluster_monitor"], "index_permissions": [permission], "tenant_permissions": []}
    made_by_hand(node, Kind.ACTION_GROUPS, "road_writing", {"allowed_actions": ["write"], "type": "index"})
    made_by_hand(node, Kind.TENANTS, "road_guests", {"description": "of guests"})
    made_by_hand(node, Kind.ROLES, "road_editors", role)
    made_by_hand(node, Kind.ROLES, "road_both", role | {"index_permissions": []})
    made_by_hand(node, Kind.USERS, "road-anna", {"password": "Zw3-honest-passw0rds!", "backend_roles": ["road-team"]})
    mapping = {
        "users": ["road-anna", "arn:aws:iam::111122223333:user/dora", f"Cognito/{POOL}/emil", "someone/else"],
        "backend_roles": ["road-team", "arn:aws:iam::111122223333:role/road-x,y"],
        "hosts": ["10.1.*"],
        "and_backend_roles": [],
    }
    made_by_hand(node, Kind.MAPPINGS, "road_editors", mapping)
    made_by_hand(node, Kind.MAPPINGS, "road_both", {"and_backend_roles": ["east", "west"]})
    made_by_hand(node, Kind.MAPPINGS, "manage_snapshots", {"backend_roles": ["road-team"]})
    before = bytes_of(node)
    taken = adopt(made.services, "demo", CAUSE)
    assert (taken.exit_status, taken.steps) == (0, ())
    assert bytes_of(node) == before
    assert plan(made.services, "demo", CAUSE).exit_status == 0
    assert "# who looks at what" in taken.text
    assert "# the first" in taken.text
    left = "\n".join(taken.left)
    assert "10.1.*" in left
    assert "someone/else" in left
    claims = made.ledger.claims(made.ledger.registration("demo").place.id)["demo"]
    assert {"road_editors", "road_both"} <= {claim.name for claim in claims if claim.kind == Kind.ROLES}
    again = adopt(made.services, "demo", CAUSE)
    assert (again.text, again.adopted) == (taken.text, 0)
    # What was taken over is ours: the model takes it away again.
    apply_text(made.services, "demo", MODEL, CAUSE)
    held = made.services.engine(made.ledger.registration("demo")).read()
    assert "road_writing" not in held.of(Kind.ACTION_GROUPS)
    assert "road_editors" in held.of(Kind.MAPPINGS) or "road_editors" not in held.of(Kind.ROLES)
    assert plan(made.services, "demo", CAUSE).exit_status == 0


def test_a_lock_and_its_end_leave_every_byte_as_it_was(house: tuple[Node, Account]) -> None:
    node, made = house
    apply_text(made.services, "demo", MODEL, CAUSE)
    made_by_hand(node, Kind.MAPPINGS, "road_viewers", _more_by_hand(node))
    before = bytes_of(node)
    ask = {"deployment": "demo", "arguments": {"reason": "a test"}}
    locked = carry_out(made.services, {"verb": "lock", **ask}, alias="act")
    assert locked["state"] == State.LOCKED
    held = made.services.engine(made.ledger.registration("demo")).read([Kind.MAPPINGS])
    assert held.entries("road_viewers", "users") == ()
    with pytest.raises(Refused, match="locked"):
        apply_text(made.services, "demo", CHANGED, CAUSE)
    opened = carry_out(made.services, {"verb": "unlock", "deployment": "demo"}, alias="act")
    assert opened["state"] == State.OPEN
    assert bytes_of(node) == before


def test_whom_somebody_mapped_on_a_locked_node_is_out_when_it_opens(house: tuple[Node, Account]) -> None:
    """No look comes in between."""
    node, made = house
    apply_text(made.services, "demo", MODEL, CAUSE)
    before = bytes_of(node)
    ask = {"deployment": "demo", "arguments": {"reason": "a test"}}
    assert carry_out(made.services, {"verb": "lock", **ask}, alias="act")["state"] == State.LOCKED
    made_by_hand(node, Kind.MAPPINGS, "kibana_user", {"users": ["eve"], "hosts": ["*"]})
    direct = {"password": generated(), "opendistro_security_roles": ["road_viewers"]}
    made_by_hand(node, Kind.USERS, "road-mallory", direct)
    opened = carry_out(made.services, {"verb": "unlock", "deployment": "demo"}, alias="act")
    assert opened["state"] == State.OPEN
    held = made.services.engine(made.ledger.registration("demo")).read()
    assert not any(held.entries("kibana_user", name) for name in ("users", "hosts", "backend_roles"))
    assert not held.of(Kind.USERS)["road-mallory"].get("opendistro_security_roles")
    removed_by_hand(node, Kind.MAPPINGS, "kibana_user")
    removed_by_hand(node, Kind.USERS, "road-mallory")
    now = bytes_of(node)
    # A patch of users leaves out an empty description of another.
    assert {kind: now[kind] for kind in now if kind != Kind.USERS} == {
        kind: before[kind] for kind in before if kind != Kind.USERS
    }
    (told,) = (one for one in made.aws.told if one.name == "unlocked")
    assert "kibana_user" in told.done


def test_the_effect_is_asked_for_as_the_subject_where_we_hold_its_password(
    house: tuple[Node, Account],
) -> None:
    """Given a master of the internal user database, when an internal user's roles change, then it is asked what it has."""
    node, made = house
    made.ledger.register(registration(master=EngineUser("admin", "the-masters")))

    def as_user(_: Registration, name: str, password: str, dialect: Dialect) -> OpenSearchEngine:
        endpoint = node.url.removeprefix("https://")
        return OpenSearchEngine(basic_transport(endpoint, name, password, ca=str(node.ca)), endpoint, dialect)

    services = replace(made.services, user=as_user)
    granted = MODEL + (
        "    - {role: road_viewers, to: {internal_user: road-robot}}\n"
        "    - {role: readall, to: {backend_role: road-robots}}\n"
    )
    (asked,) = apply_text(services, "demo", granted, CAUSE).asked
    assert (asked.who, asked.lacks, asked.keeps, asked.not_asked) == ("road-robot", (), (), "")
    assert {"road_viewers", "readall"} <= set(asked.has)
    less = apply_text(services, "demo", MODEL, CAUSE)
    assert not {"road_viewers", "readall"} & set(less.asked[0].has)
    assert less.exit_status == 0
    assert apply_text(services, "demo", CHANGED, CAUSE).asked == (), "nobody's roles changed whom we can be"
    made.passwords.kept["portcullis/demo/road-robot"] = "not the one that the engine has"
    (unknown,) = apply_text(services, "demo", granted, CAUSE).asked
    assert "401" in unknown.not_asked


def test_an_engine_that_cannot_load_what_it_keeps_is_found_out_and_heals(house: tuple[Node, Account]) -> None:
    """Given a mapping made by hand that no node can read, then a removal reads back as done, and she who was removed is still in."""
    node, made = house
    text = model_text("  grants: [{role: readall, to: {backend_role: road-team}}]\n")
    apply_text(made.services, "demo", text, CAUSE)
    password = generated()
    made_by_hand(node, Kind.USERS, "road-kim", {"password": password, "backend_roles": ["road-team"]})
    kim = transport(node, "road-kim", password)
    assert kim("GET", "/_search", None, None)[0] == 200
    bad = {"backend_roles": ["/(/"]}
    assert node.ask("PUT", f"{API}/rolesmapping/manage_snapshots", bad)[0] == 500
    without = model_text("  grants: []\n")
    for _ in range(2):
        with pytest.raises(
            Unreachable, match=r"does not act on it.*rolesmapping/manage_snapshots/backend_roles: /[(]/"
        ):
            apply_text(made.services, "demo", without, CAUSE)
        assert "road-team" not in made.services.engine(registration()).read().entries("readall", "backend_roles")
        assert kim("GET", "/_search", None, None)[0] == 200, "the engine goes by what it loaded last"
    removed_by_hand(node, Kind.MAPPINGS, "manage_snapshots")
    assert apply_text(made.services, "demo", without, CAUSE).status == "unchanged"
    assert kim("GET", "/_search", None, None)[0] == 403


def test_a_lock_takes_effect_though_the_engine_could_load_nothing_before(house: tuple[Node, Account]) -> None:
    """Given a mapping and a role made by hand that no node can read, then the lock shuts, and both come back without what it was."""
    node, made = house
    apply_text(made.services, "demo", model_text("  grants: [{role: readall, to: {backend_role: road-team}}]\n"), CAUSE)
    password = generated()
    made_by_hand(node, Kind.USERS, "road-kim", {"password": password, "backend_roles": ["road-team"]})
    kim = transport(node, "road-kim", password)

    def roles() -> list[str]:
        status, shown = kim("GET", "/_plugins/_security/authinfo", None, None)
        assert status == 200
        return [role for role in shown["roles"] if role == "readall"]

    assert roles() == ["readall"]
    reads = {"index_permissions": [{"index_patterns": ["/[/"], "allowed_actions": ["read"]}]}
    assert node.ask("PUT", f"{API}/roles/road_unreadable", reads)[0] in (201, 500)
    node.ask("PUT", f"{API}/rolesmapping/road_unreadable", {"users": ["road-kim"]})
    assert node.ask("PUT", f"{API}/rolesmapping/manage_snapshots", {"backend_roles": ["/(/", "road-team"]})[0] == 500
    ask = {"deployment": "demo", "arguments": {"reason": "a test"}}
    assert carry_out(made.services, {"verb": "lock", **ask}, alias="act")["state"] == State.LOCKED
    assert roles() == []
    assert carry_out(made.services, {"verb": "unlock", "deployment": "demo"}, alias="act")["state"] == State.OPEN
    assert roles() == ["readall"]
    status, mappings = node.ask("GET", f"{API}/rolesmapping")
    assert status == 200
    assert mappings["manage_snapshots"]["backend_roles"] == ["road-team"]
    assert mappings["road_unreadable"]["users"] == ["road-kim"]


def test_a_snapshot_restores_documents_under_another_name_on_a_node(node_basic_3: Node) -> None:
    """No system index is in it. A repository that is not registered is named with its remedy."""
    node = node_basic_3
    snapshots = OpenSearchSnapshots(transport(node), "the node")
    send = transport(node)
    assert send("PUT", "/road-orders/_doc/1", {"refresh": "true"}, {"a": 1})[0] == 201
    try:
        with pytest.raises(Refused, match="portcullis snapshot setup registers it"):
            snapshots.listed("portcullis")
        snapshots.register("portcullis", {"location": str(node.repository)}, "fs")
        snapshots.register("portcullis", {"location": str(node.repository)}, "fs")
        snapshots.take("portcullis", "road-1", "*,-.*")
        deadline = time.monotonic() + 60
        while (found := snapshots.listed("portcullis"))[-1]["state"] == "IN_PROGRESS":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert found[-1]["state"] == "SUCCESS"
        assert "road-orders" in found[-1]["indices"]
        assert not [index for index in found[-1]["indices"] if index.startswith(".")]
        snapshots.restore("portcullis", "road-1", "road-*,-.*", "restored-")
        while send("GET", "/restored-road-orders/_doc/1", None, None)[0] != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        with pytest.raises(Refused):  # it is there, and open
            snapshots.restore("portcullis", "road-1", "road-*,-.*", "")
    finally:
        for index in ("road-orders", "restored-road-orders"):
            send("DELETE", f"/{index}", None, None)
        node.ask("DELETE", "/_snapshot/portcullis/road-1")
        node.ask("DELETE", "/_snapshot/portcullis")


def test_a_model_the_engine_refuses_changes_nothing_and_stops_no_leaver(house: tuple[Node, Account]) -> None:
    """The old model stays in force, and status says so. Who leaves the group in the meantime is taken out."""
    node, made = house
    introduce(made.services.at(made.ledger.registration("demo")), MODEL, CAUSE)
    # Roles and action groups share one namespace, and of a role made by hand the file knows nothing.
    made_by_hand(node, Kind.ROLES, "road_by_hand", {"cluster_permissions": ["cluster_monitor"]})
    before = bytes_of(node)
    refused = MODEL.replace("  action_groups:\n", "  action_groups:\n    road_by_hand: {allowed_actions: [read]}\n")
    refused = refused.replace("  tenants:\n", "  tenants:\n    road_first: {description: written before it}\n")
    with pytest.raises(Refused, match="answered 400"):
        apply_text(made.services, "demo", refused, CAUSE)
    assert bytes_of(node) == before
    assert made.ledger.model("demo").text == MODEL
    made.people.groups = {READERS: (f"Cognito/{POOL}/ben",)}
    assert carry_out(made.services, {"verb": "synchronise", "deployment": "demo"}, alias="act")["status"] == "applied"
    held = made.services.engine(made.ledger.registration("demo")).read()
    assert held.entries("road_viewers", "users") == (f"Cognito/{POOL}/ben",)
    assert "is not in force" in " ".join(status(made.services, "demo").problems)
