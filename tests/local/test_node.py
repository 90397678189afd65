"""The real node, on both releases: who is let in and who is not, and its life from start to end."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from portcullis.errors import BadInput

from local.node.handover import Signer
from local.node.jars import VERSIONS
from local.node.node import Node
from local.node.security import TOKEN_HEADER, SecuritySetup
from local.processes import ROOT, Died
from tests.fixtures_node import MAPPED_AS_NEW

pytestmark = pytest.mark.node

MASTER = "arn:aws:iam::000000000000:role/Master"
WHO = "/_plugins/_security/authinfo"
MAPPINGS = "/_plugins/_security/api/rolesmapping"
WAIT_S = 120.0  # on a busy machine a Python alone may take half a minute
MANY = 1000
GIVEN = {
    "roles": {
        f"given_{n:04}": {"index_permissions": [{"index_patterns": [f"i{n}"], "allowed_actions": ["read"]}]}
        for n in range(MANY)
    },
    "roles_mapping": {f"given_{n:04}": {"users": [f"user-{n}"]} for n in range(MANY)},
}


def session(node: Node) -> requests.Session:
    made = requests.Session()
    made.trust_env = False  # an environment's own certificates or proxies are of no use on loopback
    made.verify = str(node.ca)
    return made


class Door:
    """What the front door does once it knows who calls."""

    def __init__(self, node: Node) -> None:
        self.node, self.signer, self.session = node, Signer(node.token_key), session(node)
        self.session.cert = node.door.pair

    def ask(self, name: str, roles: list[str], method: str, path: str, body: Any = None) -> requests.Response:
        return self.session.request(method, self.node.url + path, json=body, headers=self.signer.headers(name, roles))

    def who(self, name: str, roles: list[str]) -> dict[str, Any]:
        answer = self.ask(name, roles, "GET", WHO)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture(scope="module", params=VERSIONS)
def door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, jar_cache: Path) -> Iterator[Door]:
    security = SecuritySetup.behind_door(MASTER, **GIVEN)
    home = tmp_path_factory.mktemp("behind-door")
    with Node.start(home, jar_cache, request.param, security=security, tell=print) as node:
        yield Door(node)


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {WAIT_S:.0f} s in vain: {what}"
        time.sleep(0.05)


# With internal users


def test_the_master_of_the_internal_user_database_manages_security(node_basic: Node) -> None:
    mine = session(node_basic)
    mine.auth = (node_basic.user, node_basic.password)
    found = mine.get(node_basic.url + WHO).json()
    assert found["user_name"] == "admin"
    assert set(found["roles"]) == {"all_access", "security_manager"}
    number = mine.get(node_basic.url).json()["version"]["number"]
    assert number == node_basic.version


def test_a_new_node_maps_the_master_and_nobody_else(node_basic: Node) -> None:
    # As it was before any test came: what others left on it does not count.
    mappings = MAPPED_AS_NEW[node_basic.version]
    assert {role: mapping["backend_roles"] for role, mapping in mappings.items()} == {
        "all_access": ["admin"],
        "security_manager": ["admin"],
    }


@pytest.mark.parametrize("name", ["admin", "kibanaserver", "kibanaro", "logstash", "readall", "snapshotrestore"])
def test_the_demo_users_of_the_plugin_are_strangers(node_basic: Node, name: str) -> None:
    answer = session(node_basic).get(node_basic.url + WHO, auth=(name, name))
    assert answer.status_code == 401


def test_security_manager_is_predefined_and_reserved_as_on_amazon(node_basic: Node) -> None:
    status, found = node_basic.ask("GET", "/_plugins/_security/api/roles/security_manager")
    assert status == 200
    assert found["security_manager"]["reserved"]
    assert found["security_manager"]["index_permissions"] == []


def test_snapshots_can_be_taken_into_the_node_s_own_folder(node_basic: Node) -> None:
    body = {"type": "fs", "settings": {"location": str(node_basic.repository / "kept")}}
    assert node_basic.ask("PUT", "/_snapshot/kept", body) == (200, {"acknowledged": True})
    status, taken = node_basic.ask(
        "PUT", "/_snapshot/kept/one?wait_for_completion=true", {"include_global_state": False}
    )
    assert (status, taken["snapshot"]["state"]) == (200, "SUCCESS")
    assert node_basic.ask("DELETE", "/_snapshot/kept/one")[0] == 200
    assert node_basic.ask("DELETE", "/_snapshot/kept")[0] == 200


def test_no_password_and_no_readable_secret_lies_in_the_home(node_basic: Node) -> None:
    files = [path for path in (node_basic.home / "config").rglob("*") if path.is_file()]
    assert [path for path in [*files, node_basic.log] if node_basic.password.encode() in path.read_bytes()] == []
    assert [path for path in files if path.stat().st_mode & 0o077] == []
    assert node_basic.password not in repr(node_basic.security)


# Behind the door


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("arn:aws:iam::000000000000:user/ann", ["arn:aws:iam::000000000000:user/ann"]),
        ("Cognito/eu-west-1_Ab12/jürgen", []),
        ("Cognito/eu-west-1_Ab12/名前 with spaces", ["arn:aws:iam::000000000000:role/x"]),
        ("comma,semicolon;pipe|colon:", ["a,b", "c;d", "e|f", "g h"]),
        ("quotes \"' and back\\slash", ["Größe", "${user.name}"]),
        ("n" * 256, [f"arn:aws:iam::000000000000:role/{n:040}" for n in range(40)]),
    ],
)
def test_every_name_is_handed_over_as_it_is(door: Door, name: str, roles: list[str]) -> None:
    found = door.who(name, roles)
    assert found["user_name"] == name
    assert sorted(found["backend_roles"]) == sorted(roles)
    assert found["roles"] == []


@pytest.mark.parametrize(
    ("name", "roles"), [("", []), (" ann", []), ("ann", [""]), ("ann", [f"{MASTER} "]), ("ann\n", []), ("ann", ["\ta"])]
)
def test_a_name_that_the_plugin_would_change_is_not_handed_over(door: Door, name: str, roles: list[str]) -> None:
    with pytest.raises(ValueError, match="cannot be handed over"):
        door.signer.headers(name, roles)


def test_the_master_is_the_iam_role_and_only_given_mappings_exist(door: Door) -> None:
    """The roles of administrators have the master as their only entry."""
    assert set(door.who(MASTER, [MASTER])["roles"]) == {"all_access", "security_manager"}
    mappings = door.ask(MASTER, [MASTER], "GET", MAPPINGS).json()
    assert set(mappings) - set(GIVEN["roles_mapping"]) == {"all_access", "security_manager"}
    for name in ("all_access", "security_manager"):
        assert mappings[name]["backend_roles"] == [MASTER]
        assert mappings[name]["users"] == mappings[name]["hosts"] == []


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        (MASTER, []),  # the name alone
        ("ann", [f"arn:aws:iam::000000000000:role/x,{MASTER},y/z"]),  # the master as a part of a path
        ("ann", ["admin", "all_access", "kibanauser", "readall", "logstash", "snapshotrestore"]),
        ("kibanaserver", []),
        ("CN=admin,O=Portcullis", []),
    ],
)
def test_nobody_becomes_more_by_a_name_that_looks_like_more(door: Door, name: str, roles: list[str]) -> None:
    assert door.who(name, roles)["roles"] == []
    assert door.ask(name, roles, "GET", MAPPINGS).status_code == 403
    assert door.ask(name, roles, "GET", "/_search").status_code == 403


def test_the_thousand_roles_and_mappings_given_are_there_from_the_start(door: Door) -> None:
    roles = door.ask(MASTER, [MASTER], "GET", "/_plugins/_security/api/roles").json()
    assert set(GIVEN["roles"]) < set(roles)
    assert door.who("user-777", [])["roles"] == ["given_0777"]


def test_the_master_maps_predefined_roles_and_no_caller_is_remembered(door: Door) -> None:
    """The same user asks with other backend roles each time. What they had before does not count."""
    for role, backend_role in (("kibana_user", "people"), ("readall", "readers, all")):
        path = f"{MAPPINGS}/{role}"
        assert door.ask(MASTER, [MASTER], "PUT", path, {"backend_roles": [backend_role]}).status_code == 201
    held = [door.who("ann", roles)["roles"] for roles in (["people"], ["readers, all"], [], ["people"])]
    assert held == [["kibana_user"], ["readall"], [], ["kibana_user"]]
    for role in ("kibana_user", "readall"):
        assert door.ask(MASTER, [MASTER], "DELETE", f"{MAPPINGS}/{role}").status_code == 200


def test_reserved_roles_stay_out_of_the_master_s_reach(door: Door) -> None:
    patch = [{"op": "add", "path": "/security_manager", "value": {"cluster_permissions": ["*"]}}]
    answer = door.ask(MASTER, [MASTER], "PATCH", "/_plugins/_security/api/roles", patch)
    assert answer.status_code == 403


def encoded(value: dict[str, Any]) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")


def forged(door: Door, algorithm: str) -> str:
    """A token that claims to be the master, under an algorithm that needs no private key."""
    signed = encoded({"alg": algorithm}) + b"." + encoded({"sub": MASTER, "roles": [MASTER], "exp": time.time() + 60})
    secret = door.node.certificates.token_public_key.encode()
    mark = b"" if algorithm == "none" else base64.urlsafe_b64encode(hmac.new(secret, signed, "sha256").digest())
    return (signed + b"." + mark.rstrip(b"=")).decode()


def stranger(door: Door) -> str:
    """A token by somebody else's key."""
    signer = Signer(door.node.token_key)
    signer._key = ec.generate_private_key(ec.SECP256R1())
    return signer.token(MASTER, [MASTER])


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(lambda door: {}, id="no token"),
        pytest.param(lambda door: {TOKEN_HEADER: "nonsense"}, id="no token's form"),
        pytest.param(lambda door: {TOKEN_HEADER: forged(door, "none")}, id="unsigned"),
        pytest.param(lambda door: {TOKEN_HEADER: forged(door, "HS256")}, id="signed with the public key"),
        pytest.param(lambda door: {TOKEN_HEADER: stranger(door)}, id="signed by somebody else"),
        pytest.param(lambda door: door.signer.headers(MASTER, [MASTER], now=time.time() - 600), id="expired"),
        pytest.param(lambda door: {"x-proxy-user": MASTER, "x-proxy-roles": MASTER}, id="proxy headers"),
        pytest.param(lambda door: {"authorization": door.signer.token(MASTER, [MASTER])}, id="in the usual header"),
        pytest.param(lambda door: {"authorization": "Basic YWRtaW46YWRtaW4="}, id="basic authentication"),
    ],
)
def test_without_a_good_token_the_door_s_certificate_is_worth_nothing(
    door: Door, headers: Callable[[Door], dict[str, str]]
) -> None:
    answer = door.session.get(door.node.url + WHO, headers=headers(door))
    assert answer.status_code == 401


def test_without_a_client_certificate_a_good_token_is_worth_nothing(door: Door) -> None:
    with session(door.node) as nobody, pytest.raises((requests.exceptions.SSLError, requests.ConnectionError)):
        nobody.get(door.node.url + WHO, headers=door.signer.headers(MASTER, [MASTER]))


def test_nobody_speaks_in_another_s_name(door: Door) -> None:
    headers = {**door.signer.headers("ann"), "opendistro_security_impersonate_as": MASTER}
    assert door.session.get(door.node.url + WHO, headers=headers).status_code == 403


def test_masked_values_are_hashes_under_the_node_s_own_salt(door: Door) -> None:
    """Under the plugin's default salt, which everybody knows, whoever guesses a value could check the guess."""
    role = {
        "index_permissions": [{"index_patterns": ["masked"], "masked_fields": ["card"], "allowed_actions": ["read"]}]
    }
    as_master = (MASTER, [MASTER])
    assert door.ask(*as_master, "PUT", "/masked/_doc/1?refresh=true", {"card": "secret"}).status_code == 201
    assert door.ask(*as_master, "PUT", "/_plugins/_security/api/roles/masking", role).status_code == 201
    assert door.ask(*as_master, "PUT", f"{MAPPINGS}/masking", {"users": ["ann"]}).status_code == 201
    hits = door.ask("ann", [], "GET", "/masked/_search").json()["hits"]["hits"]
    settings = json.loads((door.node.home / "config" / "opensearch.yml").read_text())
    salt = settings["plugins.security.compliance.salt"].encode()
    # 2.x hands the salt to BLAKE2b as its personalisation, 3.x as its salt.
    place = {"person": salt} if door.node.version.startswith("2") else {"salt": salt}
    assert hits[0]["_source"]["card"] == hashlib.blake2b(b"secret", digest_size=32, **place).hexdigest()  # type: ignore[arg-type]


def test_a_node_behind_the_door_has_one_master() -> None:
    with pytest.raises(BadInput, match=r"no master role \(the ARN of an IAM role, or internal_database\)"):
        SecuritySetup.behind_door("")
    with pytest.raises(BadInput, match="two masters"):
        SecuritySetup.behind_door(MASTER, internal_database=True)


# The node's life


def test_a_stopped_node_comes_back_with_all_it_held_once_its_port_is_free(door: Door) -> None:
    """On the same ports. Whatever stands on one of them meanwhile is named, and the node stays away."""
    node = door.node
    assert door.ask(MASTER, [MASTER], "PUT", "/kept/_doc/1?refresh=true", {"a": 1}).status_code == 201
    assert door.ask(MASTER, [MASTER], "PUT", f"{MAPPINGS}/readall", {"users": ["bob"]}).status_code == 201
    before = node.url, node.pid
    node.stop()
    assert not node.running
    assert node.death() is None
    with pytest.raises(requests.ConnectionError):
        door.who("bob", [])
    with socket.create_server(("127.0.0.1", node.port)), pytest.raises(BadInput, match=f"port {node.port} is in use"):
        node.start_again()
    assert not node.running
    node.start_again()
    assert node.url == before[0]
    assert node.pid != before[1]
    assert door.who("bob", [])["roles"] == ["readall"]
    assert door.who(MASTER, [MASTER])["user_name"] == MASTER
    assert door.ask("bob", [], "GET", "/kept/_doc/1").json()["_source"] == {"a": 1}


@pytest.mark.parametrize("which", ["port", "transport_port"])
def test_a_port_in_use_is_one_clear_error_before_anything_is_made(tmp_path: Path, which: str) -> None:
    """Nothing is fetched either. The error names the port and says to give another one."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        with pytest.raises(BadInput, match=f"^{which}: port {taken} is in use .*give another port") as caught:
            Node.start(tmp_path / "home", tmp_path / "cache", "3.4.0", security=SecuritySetup.basic(), **{which: taken})
    assert caught.value.exit_status == 2
    assert list(tmp_path.iterdir()) == []


def test_a_node_that_dies_while_starting_shows_the_last_lines_of_its_log(tmp_path: Path, jar_cache: Path) -> None:
    security = replace(SecuritySetup.basic(), settings={"no.such.setting": True})
    with pytest.raises(Died, match=r"(?s)OpenSearch ended with exit status 1.*unknown setting \[no\.such\.setting\]"):
        Node.start(tmp_path, jar_cache, "3.4.0", security=security)


STARTS_A_NODE = """
import sys, time
from pathlib import Path
from local.node.node import Node
from local.node.security import SecuritySetup
Node.start(Path(sys.argv[1]), Path(sys.argv[2]), "3.4.0", security=SecuritySetup.basic())
print("up", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("moment", ["starting", "up"])
def test_a_node_ends_when_whoever_started_it_is_killed(tmp_path: Path, jar_cache: Path, moment: str) -> None:
    command = [sys.executable, "-c", STARTS_A_NODE, str(tmp_path), str(jar_cache)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as starter:
        try:
            if moment == "up":
                assert starter.stdout is not None
                assert starter.stdout.readline() == "up\n"
            until(lambda: psutil.Process(starter.pid).children() != [], "the node's process is there")
            (node,) = psutil.Process(starter.pid).children()
        finally:
            starter.kill()
    until(lambda: not node.is_running() or node.status() == psutil.STATUS_ZOMBIE, "the node has ended by itself")


def test_a_node_that_is_killed_is_a_death_with_its_name(tmp_path: Path, jar_cache: Path) -> None:
    """Last, and on a node of its own: also the passwords of users given with one, on a home that is started anew."""
    users = {"bob": {"password": "correct-horse-4711", "backend_roles": ["people"]}}
    security = SecuritySetup.basic("TheMasterUser", "battery-staple-0815", internal_users=users)
    with Node.start(tmp_path, jar_cache, "2.19.3", security=security) as node:
        found = session(node).get(node.url + WHO, auth=("bob", "correct-horse-4711")).json()
        assert (found["user_name"], found["backend_roles"]) == ("bob", ["people"])
        assert node.pid is not None
        os.kill(node.pid, signal.SIGKILL)
        until(lambda: node.death() is not None, "the death is seen")
        assert str(node.death()).startswith("OpenSearch was ended by SIGKILL")
        node.stop()
    again = SecuritySetup.basic("TheMasterUser", "another-battery-4242")
    with Node.start(tmp_path, jar_cache, "2.19.3", security=again) as node:
        for name, password in (("TheMasterUser", "another-battery-4242"), ("bob", "correct-horse-4711")):
            assert session(node).get(node.url + WHO, auth=(name, password)).json()["user_name"] == name
