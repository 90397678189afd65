"""Attacks on a locked deployment, by whoever may still come near it: each wall holds by itself, and is put back when it was opened."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import requests

from local.people import Caller, until
from tests.embedded.conftest import OFFICE, VPC
from tests.embedded.scene import INDEX, Scene

pytestmark = pytest.mark.embedded
FREE = {"index.blocks.read": False, "index.blocks.write": False}
SCROLL, POINT = "/_search/scroll", "/_search"
# What nobody may ever do with break-glass, in a window or outside one.
NEVER = {
    "unblock": ("PUT", f"/{INDEX}/_settings", FREE),
    "clone": ("POST", f"/{INDEX}/_clone/catalyst-copy", {"settings": dict.fromkeys(FREE)}),
    "shrink": ("POST", f"/{INDEX}/_shrink/catalyst-copy", {"settings": dict.fromkeys(FREE)}),
    "split": ("POST", f"/{INDEX}/_split/catalyst-copy", {"settings": {"index.number_of_shards": 2}}),
    "make": ("PUT", "/catalyst-copy", {}),
    "delete": ("DELETE", f"/{INDEX}", None),
    "close": ("POST", f"/{INDEX}/_close", None),
    "alias": ("POST", "/_aliases", {"actions": [{"add": {"index": INDEX, "alias": "catalyst-other"}}]}),
    "template": ("PUT", "/_index_template/free", {"index_patterns": ["free*"], "template": {"settings": FREE}}),
    "mapping": ("PUT", f"/{INDEX}/_mapping", {"properties": {"new": {"type": "keyword"}}}),
    "repository": ("PUT", "/_snapshot/mine", {"type": "fs", "settings": {"location": "mine"}}),
    "security": ("GET", "/_plugins/_security/api/rolesmapping", None),
    "cluster": ("PUT", "/_cluster/settings", {"persistent": {"action.destructive_requires_name": False}}),
}


@contextmanager
def held(scene: Scene) -> Iterator[None]:
    """Locked by a person: the key is well, so that the access policy is shut too."""
    scene.cast.operate("lock", "act", deployment=scene.up.deployment, arguments={"reason": "a drill"})
    scene.until_locked()
    yield
    scene.cast.operate("unlock", "act", deployment=scene.up.deployment)
    scene.as_before()


def window(scene: Scene, **asked: Any) -> None:
    arguments = {"reason": "an order of a court", "minutes": 5, **asked}
    scene.cast.operate("break-glass", "act", deployment=scene.up.deployment, arguments=arguments)


def window_ends(scene: Scene) -> None:
    scene.cast.operate("end-break-glass", "act", deployment=scene.up.deployment)


def break_glass(scene: Scene) -> Caller:
    return scene.people.with_role(f"portcullis-{scene.up.deployment}-break-glass")


def status(caller: Caller, method: str, path: str, body: Any = None) -> int:
    """0: the connection was dropped."""
    try:
        return caller.ask(method, path, body).status_code
    except requests.ConnectionError:
        return 0


def pages(caller: Caller) -> list[tuple[str, Any]]:
    """The next pages of a scroll and of a point in time, just opened."""
    scroll = caller.ask("POST", f"/{INDEX}/_search?scroll=5m", {"size": 1}).json()["_scroll_id"]
    point = caller.ask("POST", f"/{INDEX}/_search/point_in_time?keep_alive=5m").json()["pit_id"]
    return [(SCROLL, {"scroll_id": scroll, "scroll": "5m"}), (POINT, {"pit": {"id": point}})]


def refused(caller: Caller, attacks: dict[str, tuple[str, str, Any]]) -> dict[str, int]:
    return {how: code for how, attack in attacks.items() if (code := status(caller, *attack)) != 403}


def test_break_glass_is_nobody_but_in_a_window_and_changes_nothing_in_one(scene: Scene) -> None:
    somebody = break_glass(scene)
    reads = ("POST", f"/{INDEX}/_search", {})
    writes = ("PUT", f"/{INDEX}/_doc/1", {"order": 2})
    assert somebody.ask("GET", "/_plugins/_security/authinfo").json()["roles"] == [], "nor while it is open"
    assert refused(somebody, {**NEVER, "read": reads, "write": writes}) == {}
    with held(scene):
        assert somebody.ask("GET", "/_plugins/_security/authinfo").json()["roles"] == []
        assert refused(somebody, {**NEVER, "read": reads, "write": writes}) == {}
        window(scene)
        assert status(somebody, *reads) == 200
        assert refused(somebody, {**NEVER, "write": writes}) == {}
        window(scene, write=True)
        assert (status(somebody, *reads), status(somebody, *writes)) == (200, 200)
        assert refused(somebody, NEVER) == {}
        assert not scene.cast.application.may_search(INDEX), "nobody else is let in"
        window(scene)
        assert status(somebody, *writes) == 403, "a newer window that only reads takes the writing away"
        window_ends(scene)
        assert somebody.ask("GET", "/_plugins/_security/authinfo").json()["roles"] == []
        assert refused(somebody, {**NEVER, "read": reads, "write": writes}) == {}
        assert scene.told("lock-opened") == []


def test_searches_that_were_open_end_with_the_lock_and_with_the_window(scene: Scene) -> None:
    before = pages(scene.cast.application)
    somebody = break_glass(scene)
    with held(scene):
        window(scene)
        assert [status(somebody, "POST", *page) for page in before] == [404, 404], "ended, whoever asks for them"
        within = pages(somebody)
        assert [status(somebody, "POST", *page) for page in within] == [200, 200]
        window_ends(scene)
        assert [status(somebody, "POST", *page) for page in within] == [403, 403]
        window(scene)
        assert [status(somebody, "POST", *page) for page in within] == [404, 404]
        window_ends(scene)
    assert [status(scene.cast.application, "POST", *page) for page in before] == [404, 404]


def test_a_search_that_could_not_be_ended_is_refused_with_the_mapping(scene: Scene) -> None:
    """What the engine still holds is worth nothing to whom it lets nothing: each page is authorised again."""
    somebody = break_glass(scene)
    with held(scene):
        window(scene)
        within = pages(somebody)
        mapped = "/_plugins/_security/api/rolesmapping/portcullis_break_glass"
        assert scene.up.node.ask("DELETE", mapped)[0] == 200
        assert [status(somebody, "POST", *page) for page in within] == [403, 403]
        window_ends(scene)


def test_every_index_is_blocked_whatever_it_is_and_whenever_it_was_made(scene: Scene) -> None:
    node = scene.up.node

    def admin(method: str, path: str, body: Any = None) -> Any:
        code, said = node.ask(method, path, body)
        assert code in (200, 201), said
        return said

    def blocks() -> dict[str, set[str]]:
        shown = admin("GET", "/*,-.opendistro_security/_settings?flat_settings=true&expand_wildcards=all")
        names = ("index.blocks.read", "index.blocks.write")
        return {index: {str(one["settings"].get(name)) for name in names} for index, one in shown.items()}

    admin("PUT", "/_index_template/wall-stream", {"index_patterns": ["wall-stream"], "data_stream": {}, "priority": 1})
    free = {"index_patterns": ["wall-free*"], "template": {"settings": FREE}}
    admin("PUT", "/_index_template/wall-free", free)
    admin("PUT", "/_data_stream/wall-stream")
    for index in ("wall-closed", ".wall-dot", "wall-hidden", ".kibana_wall", "wall-to-clone"):
        admin("PUT", f"/{index}", {"settings": {"index.hidden": index == "wall-hidden"}})
    admin("POST", "/wall-closed/_close")
    with held(scene):
        assert {index: had for index, had in blocks().items() if had != {"true"}} == {}
        admin("PUT", "/wall-free-1", {})
        admin("POST", "/wall-to-clone/_clone/wall-clone", {"settings": dict.fromkeys(FREE)})
        admin("PUT", "/.wall-dot/_settings", {"index.blocks.read": False})  # one of the two, and it reads `false`
        admin("POST", "/wall-stream/_rollover")
        scene.swept()
        assert {index: had for index, had in blocks().items() if had != {"true"}} == {}
        told = " ".join(alert["happened"] for alert in scene.told("lock-opened"))
        assert "'block indices'" in told
        assert scene.cast.state() == "locked"
    opened = {index: had for index, had in blocks().items() if "wall" in index and "true" in had}
    assert opened == {}, "and all of it is lifted again"
    node.ask("DELETE", "/_data_stream/wall-stream")
    for index in ("wall-*", ".wall-dot", ".kibana_wall"):
        node.ask("DELETE", f"/{index}?expand_wildcards=all")
    for template in ("wall-stream", "wall-free"):
        node.ask("DELETE", f"/_index_template/{template}")


# Ways to another index with the same documents and none of its blocks, for whoever administers the engine.
_UNBLOCKED = {"settings": dict.fromkeys(FREE)}
COPIES = {
    "wall-cloned": ("POST", "/wall-source/_clone/wall-cloned", _UNBLOCKED),
    "wall-shrunk": ("POST", "/wall-source/_shrink/wall-shrunk", {"settings": FREE}),
    "wall-split": ("POST", "/wall-source/_split/wall-split", {"settings": FREE | {"index.number_of_shards": 4}}),
    "wall-restored": (
        *("POST", "/_snapshot/wall/one/_restore?wait_for_completion=true"),
        {"indices": "wall-source", "rename_pattern": "source", "rename_replacement": "restored"},
    ),
}


def test_a_copy_of_an_index_that_is_made_in_a_lock_is_blocked_too_and_told(scene: Scene) -> None:
    """By the sweep, or before it by a look that an event of the lock itself has brought."""
    ask = scene.up.node.ask

    def told_of(made: str) -> int:
        return sum(made in alert["happened"] for alert in scene.told("lock-opened"))

    shards = {"index.number_of_shards": 2, "index.number_of_replicas": 0}
    assert ask("PUT", "/wall-source", {"settings": shards})[0] == 200
    assert ask("PUT", "/wall-source/_doc/1?refresh=true", {"order": 1})[0] == 201
    assert ask("PUT", "/_snapshot/wall", {"type": "fs", "settings": {"location": "wall"}})[0] == 200
    assert ask("PUT", "/_snapshot/wall/one?wait_for_completion=true", {"indices": "wall-source"})[0] == 200
    with held(scene):
        for made, (method, path, body) in COPIES.items():
            assert ask("POST", "/wall-source/_search", {})[0] == 403
            code, said = ask(method, path, body)
            assert code == 200, said
            search = partial(ask, "POST", f"/{made}/_search", {})
            until(lambda made=made, search=search: search()[0] == 200 or told_of(made), what=f"{made} is there")  # type: ignore[misc]
            scene.swept()
            assert search()[0] == 403, made
            assert ask("PUT", f"/{made}/_doc/2", {"order": 2})[0] == 403, made
        assert scene.cast.state() == "locked"
        assert {made: told_of(made) for made in COPIES} == dict.fromkeys(COPIES, 1)
    assert [ask("POST", f"/{made}/_search", {})[0] for made in COPIES] == [200] * len(COPIES), (
        "the lock is over for them too"
    )
    for index in ("wall-source", *COPIES):
        ask("DELETE", f"/{index}")
    ask("DELETE", "/_snapshot/wall/one")
    ask("DELETE", "/_snapshot/wall")


def test_the_access_policy_is_a_wall_that_is_looked_at_and_put_back(scene: Scene) -> None:
    """As a `cdk deploy` in the middle of a lock would leave it."""
    service = scene.aws.client("opensearch")
    opened = json.dumps(scene.before["policy"])
    with held(scene):
        service.update_domain_config(DomainName=scene.up.deployment, AccessPolicies=opened)
        scene.swept()
        shut = json.dumps(scene.everything()["policy"])
        assert "PortcullisLock" in shut
        assert any("'deny policy'" in alert["happened"] for alert in scene.told("lock-opened"))
        hollow = json.loads(shut)
        hollow["Statement"][-1]["Resource"] += "nothing-that-is-there"
        service.update_domain_config(DomainName=scene.up.deployment, AccessPolicies=json.dumps(hollow))
        scene.swept()
        assert json.dumps(scene.everything()["policy"]) == shut
        scene.cast.operate("guard", "act", deployment=scene.up.deployment)
        assert len(scene.told("lock-opened")) == 2, "told each time, and only then"


@pytest.mark.parametrize("entry", ["itself", "a pattern"])
def test_break_glass_mapped_by_hand_is_told_and_shut_out_while_locked(scene: Scene, entry: str) -> None:
    """While open it is a critical alert. While locked the mapping gives nothing and counts as an opened lock."""
    role = f"arn:aws:iam::{scene.aws.account}:role/portcullis-{scene.up.deployment}-break-glass"
    mapped = {"backend_roles": [role if entry == "itself" else role[:-3] + "*"]}
    path = "/_plugins/_security/api/rolesmapping/readall"
    assert scene.up.node.ask("PUT", path, mapped)[0] in (200, 201)
    scene.swept()
    [alert] = scene.told("drift")
    assert alert["severity"] == "critical"
    assert "break-glass is mapped by" in alert["happened"]
    assert scene.up.node.ask("DELETE", path)[0] == 200
    scene.swept()
    somebody = break_glass(scene)
    with held(scene):
        assert scene.up.node.ask("PUT", path, mapped)[0] in (200, 201)
        scene.swept()
        assert somebody.ask("GET", "/_plugins/_security/authinfo").json()["roles"] == []
        assert any("'shut mappings'" in alert["happened"] for alert in scene.told("lock-opened"))
        assert scene.up.node.ask("DELETE", path)[0] == 200


def test_in_a_window_the_other_walls_are_looked_at_too(scene: Scene) -> None:
    eve = [{"op": "add", "path": "/catalyst_analyst", "value": {"users": ["Cognito/somebody/eve"]}}]
    with held(scene):
        window(scene)
        assert scene.up.node.ask("PATCH", "/_plugins/_security/api/rolesmapping", eve)[0] == 200
        assert scene.up.node.ask("PUT", f"/{INDEX}/_settings", {"index.blocks.write": False})[0] == 200
        scene.swept()
        assert "somebody/eve" not in json.dumps(scene.cast.mappings())
        assert scene.everything()["blocks"] == {"index.blocks.write": "true"}, "the read block stays lifted"
        told = " ".join(alert["happened"] for alert in scene.told("lock-opened"))
        assert "'shut mappings'" in told
        assert "'block indices'" in told
        window_ends(scene)
    until(lambda: scene.cast.state() == "open", what="open again")


def test_further_groups_and_vpc_endpoints_are_walls_too(scene: Scene) -> None:
    service, ec2 = scene.aws.client("opensearch"), scene.aws.client("ec2")
    name, network = scene.up.deployment, scene.domain["VPCOptions"]
    own = network["SecurityGroupIds"]
    vpc = ec2.describe_security_groups(GroupIds=own)["SecurityGroups"][0]["VpcId"]
    office = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}

    def group(called: str) -> str:
        made: str = ec2.create_security_group(GroupName=called, Description="a test", VpcId=vpc)["GroupId"]
        ec2.authorize_security_group_ingress(GroupId=made, IpPermissions=[office])
        return made

    def attach(*groups: str) -> None:
        wanted = {"SubnetIds": network["SubnetIds"], "SecurityGroupIds": [*own, *groups]}
        service.update_domain_config(DomainName=name, VPCOptions=wanted)

    def rules(one: str) -> list[Any]:
        return [
            address["CidrIp"]
            for rule in ec2.describe_security_groups(GroupIds=[one])["SecurityGroups"][0]["IpPermissions"]
            for address in rule["IpRanges"]
        ]

    def allowed() -> list[str]:
        listed = service.list_vpc_endpoint_access(DomainName=name)["AuthorizedPrincipalList"]
        return [one["Principal"] for one in listed]

    before, later = group("walls-before"), group("walls-later")
    attach(before)
    service.authorize_vpc_endpoint_access(DomainName=name, Account="444455556666")
    with held(scene):
        assert (rules(before), allowed()) == ([], [])
        attach(before, later)
        service.authorize_vpc_endpoint_access(DomainName=name, Account="666666666666")
        scene.swept()
        assert (rules(before), rules(later), allowed()) == ([], [], [])
        told = " ".join(alert["happened"] for alert in scene.told("lock-opened"))
        assert later in told
        assert "666666666666" in told
    assert (rules(before), rules(later), allowed()) == (["10.0.0.0/8"], ["10.0.0.0/8"], ["444455556666"])
    service.revoke_vpc_endpoint_access(DomainName=name, Account="444455556666")
    attach()
    for one in (before, later):
        ec2.delete_security_group(GroupId=one)


def test_a_lock_shuts_out_the_networks_of_the_account_file_until_it_ends(scene: Scene) -> None:
    """The network of the VPC and that of the office come in before and after, and not in between."""
    own = scene.domain["VPCOptions"]["SecurityGroupIds"]

    def who_may_come() -> set[str]:
        (group,) = scene.aws.client("ec2").describe_security_groups(GroupIds=own)["SecurityGroups"]
        return {block["CidrIp"] for rule in group["IpPermissions"] for block in rule.get("IpRanges", ())}

    assert who_may_come() == {VPC, OFFICE}
    with held(scene):
        assert who_may_come() == set()
    assert who_may_come() == {VPC, OFFICE}


def test_the_default_group_of_our_vpc_lets_nobody_in_or_out(scene: Scene) -> None:
    ec2 = scene.aws.client("ec2")
    ours = ec2.describe_vpcs(Filters=[{"Name": "cidr", "Values": [VPC]}])["Vpcs"][0]["VpcId"]
    filters = [{"Name": "vpc-id", "Values": [ours]}, {"Name": "group-name", "Values": ["default"]}]
    (group,) = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    assert group["IpPermissions"] == group["IpPermissionsEgress"] == []


def test_a_lock_puts_right_a_break_glass_role_that_was_widened_by_hand(scene: Scene) -> None:
    """Whoever may write roles and waits for a window gets no more by it than anybody in one."""
    node, role = scene.up.node, "/_plugins/_security/api/roles/portcullis_break_glass"
    ours = node.ask("GET", role)[1]["portcullis_break_glass"]
    everything = {"index_patterns": ["*"], "allowed_actions": ["*"]}
    widened = {"cluster_permissions": ["*"], "index_permissions": [everything], "tenant_permissions": []}
    assert node.ask("PUT", role, widened)[0] == 200
    somebody = break_glass(scene)
    with held(scene):
        window(scene)
        assert status(somebody, "POST", f"/{INDEX}/_search", {}) == 200
        assert refused(somebody, NEVER) == {}
        window_ends(scene)
        assert node.ask("PUT", role, widened)[0] == 200, "once more, in the lock"
        scene.swept()
        window(scene)
        assert refused(somebody, NEVER) == {}
        window_ends(scene)
    after = node.ask("GET", role)[1]["portcullis_break_glass"]
    parts = ("cluster_permissions", "index_permissions", "tenant_permissions")
    assert {part: after[part] for part in parts} == {part: ours[part] for part in parts}


@pytest.mark.parametrize("hindering", ["index.blocks.read_only", "index.blocks.metadata"])
def test_a_lock_holds_though_one_index_carries_a_block_that_hinders(scene: Scene, hindering: str) -> None:
    """A block of one index has the engine refuse a change of all at once; one that comes in the lock does so at its end."""
    node, early, late = scene.up.node, "catalyst-hard", "catalyst-harder"

    def blocks(index: str) -> dict[str, str]:
        code, said = node.ask("GET", f"/{index}/_settings?flat_settings=true")
        return {} if code != 200 else {k: v for k, v in said[index]["settings"].items() if k.startswith("index.blocks")}

    for index in (early, late):
        assert node.ask("PUT", f"/{index}/_doc/1?refresh=true", {"order": 1})[0] in (200, 201)
    assert node.ask("PUT", f"/{early}/_settings", {hindering: True})[0] == 200
    try:
        with held(scene):
            both = {"index.blocks.read": "true", "index.blocks.write": "true"}
            assert [blocks(index) for index in (INDEX, early, late)] == [both, both, both]
            assert not scene.cast.application.may_search(early)
            assert scene.custody()["measures"]["block indices"]["progress"] == "done"
            assert node.ask("PUT", f"/{late}/_settings", {hindering: True})[0] == 200
            scene.swept()
            assert scene.custody()["state"] == "locked"
        seen = {} if hindering == "index.blocks.metadata" else {hindering: "true"}  # which lets nobody see it
        assert [blocks(index) for index in (early, late)] == [seen, seen]
        hidden = node.ask("GET", f"/{early}/_settings")[0]
        assert hidden == (403 if hindering == "index.blocks.metadata" else 200)
        assert scene.cast.application.may_search(late)
    finally:
        for index in (early, late):
            node.ask("PUT", f"/{index}/_settings", {hindering: None})
            node.ask("DELETE", f"/{index}")
