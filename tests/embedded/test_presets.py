"""The presets `internal`, `cognito` and `api` as `portcullis init` writes them, each deployed by the stacks on a domain of its own.

The first is then played to its end: users of the internal user database, by HTTP basic through the front door. Each test goes on where
the one before it ended.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from local import embedded, up
from local.door import client as door
from local.embedded import ACCOUNT, ON_CALL
from local.people import Caller, People, until
from local.story.stages import Alerts, Cast
from tests.runbooks.conftest import shell

pytestmark = pytest.mark.embedded
ORDERS, FLIGHTS, THINGS = "orders", "flights", "things"
PRESETS = {ORDERS: "internal", FLIGHTS: "cognito", THINGS: "api"}
# What the file of a preset names and an account does not have before somebody makes it.
ASKS = {THINGS: ["iam_group:things-readers does not exist", "iam_role:things-application does not exist"]}
INDEX, SAMPLE = "catalyst-orders", "sample-data-flights"
MASTER, APPLICATION, USER, SUPPORT = "portcullis-master", "catalyst", "new-user", "sam.sample.support"
WHO, API = "/_plugins/_security/authinfo", "/_plugins/_security/api"
MOLE = "mole"
BASIC = 'Basic realm="Authorization Required"'
SAMPLES = [
    {"FlightDelay": True, "FlightNum": "P0", "Dest": "Naha Airport"},
    {"FlightDelay": False, "FlightNum": "P1", "Dest": "Naha Airport"},
    {"FlightDelay": True, "FlightNum": "P2", "Dest": "Zurich Airport"},
]


@dataclass
class Played:
    """The deployments, and a person's shell in the folder of their files."""

    up: embedded.Embedded
    environment: dict[str, str]
    alerts: Alerts
    passwords: dict[str, str] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        people = object.__new__(People)  # nobody of it comes by a user pool
        people.embedded, people.aws, people._on_calls_key = self.up, self.up.aws, None
        self.people, self.cast = people, Cast(self.up, people, Caller("", door.At("", "")))

    def type(self, *words: str, exits: int = 0) -> Any:
        """The command as a person types it: what it answers, from JSON, and what it says where it is refused."""
        done = subprocess.run(
            [str(Path(sys.executable).parent / "portcullis"), *words, "--json"],
            cwd=self.up.parts.deployments.parent,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == exits, (words, done.returncode, done.stdout, done.stderr)
        return json.loads(done.stdout) if done.stdout else done.stderr

    def change(self, change: Callable[[Any], None]) -> Path:
        """The file of the domain with the internal user database, written anew."""
        path = self.up.parts.deployments / f"{ORDERS}.yaml"
        file = yaml.safe_load(path.read_text(encoding="utf-8"))
        change(file)
        path.write_text(yaml.safe_dump(file, sort_keys=False), encoding="utf-8")
        return path

    def secret(self, user: str) -> str:
        """The name of what holds a user's password."""
        if user != MASTER:
            return f"portcullis/{ORDERS}/{user}"
        return str(self.type("status", ORDERS)["registration"]["master"]["secret"])

    def password(self, user: str) -> str:
        if user not in self.passwords:
            held = self.up.aws.client("secretsmanager").get_secret_value(SecretId=self.secret(user))["SecretString"]
            self.passwords[user] = json.loads(held)["password"]
        return self.passwords[user]

    def as_user(self, user: str, password: str = "") -> Caller:
        """By HTTP basic at the front door, with the password of their secret if none is given."""
        return self.at_door(user, password or self.password(user))

    def at_door(self, user: str, password: str, deployment: str = ORDERS) -> Caller:
        session = door.At(f"https://{self.up.at(deployment).door}", self.up.door_ca)
        session.auth = (user, password) if user else None
        return Caller(user, session)

    def past_the_walls(self, user: str, path: str) -> requests.Response:
        """The node itself, as the front door reaches it: neither ingress nor access policy stands before it, the mappings alone do."""
        node = self.up.node
        session = door.At(node.url, node.ca)
        session.cert, session.auth = node.door.pair, (user, self.password(user))
        return session.get(path)

    def users(self) -> Any:
        return self.cast.engine("GET", f"{API}/internalusers")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("presets")
    for name, preset in PRESETS.items():
        command = [str(Path(sys.executable).parent / "portcullis"), "init", name, "--preset", preset]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)
    with (folder / "deployments" / f"{ORDERS}.yaml").open("a", encoding="utf-8") as file:
        user = f"arn:aws:iam::{ACCOUNT}:user/{ON_CALL}"
        file.write(f"\nbreak_glass: {{assumed_by: [{user!r}], require_mfa: false, session_name: order-*}}\n")
    parts = embedded.Parts(
        home=folder / "run", deployments=folder / "deployments", deployment=FLIGHTS, beside=(ORDERS, THINGS)
    )
    with embedded.running(parts, print) as whole:
        whole.aws.admin("schedules", by_themselves=False)
        yield Played(whole.at(ORDERS), shell(whole, folder), Alerts(whole))


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_deployed_and_open_and_nothing_of_it_is_by_hand(played: Played, name: str) -> None:
    status, asks = played.type("status", name), ASKS.get(name, [])
    assert status["custody"]["state"] == "open"
    assert len(status["problems"]) == len(asks)
    assert all(problem.startswith(ask) for problem, ask in zip(status["problems"], asks, strict=True))
    assert (status["roads"], status["blind"], status["steps_waiting"]) == ([], [], 0)
    assert played.type("drift", name) == {"drift": []}
    plan = played.type("plan", f"deployments/{name}.yaml")
    assert (plan["steps"], plan["foreign"]) == ([], [])
    adopted = played.type("adopt", name, "--dry-run")
    assert (adopted["taken"], adopted["left"]) == ([], [])


def test_users_of_the_internal_user_database_sign_in_and_see_what_their_level_allows(played: Played) -> None:
    master, application, user = (played.as_user(one) for one in (MASTER, APPLICATION, USER))
    assert sorted(master.ask("GET", WHO).json()["roles"]) == ["all_access", "security_manager"]
    assert application.ask("GET", WHO).json()["roles"] == ["level_application"]
    assert application.may_write(INDEX)
    assert application.may_search(INDEX)
    for number, document in enumerate(SAMPLES):
        assert master.ask("PUT", f"/{SAMPLE}/_doc/{number}?refresh=true", document).status_code == 201
    assert not application.may_search(SAMPLE)
    assert not user.may_search(INDEX)
    assert not user.may_write(SAMPLE)
    hits = [one["_source"] for one in user.ask("GET", f"/{SAMPLE}/_search").json()["hits"]["hits"]]
    assert [sorted(one) for one in hits] == [["Dest", "FlightDelay"]] * 2
    assert all(one["FlightDelay"] and len(one["Dest"]) == 64 for one in hits)
    # And the questions say the same of them, by which grant.
    why = played.type("why", USER, SAMPLE, "-d", ORDERS)
    assert why["allowed"] is True
    mapped = [reason["rule"] for reason in why["reasons"] if reason["layer"] == "mapping"]
    assert [rule.partition(" (")[0] for rule in mapped] == ["backend_role:new-backend-role", f"internal_user:{USER}"]


def test_make_up_says_how_they_sign_in(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "PROJECT", played.up.parts.home.parent)
    home = played.up.parts.home.parent
    [(deployment, (user, command))] = up._by_password(played.up, home).items()
    assert (deployment, user) == (ORDERS, APPLICATION)
    assert command == f"curl -K {ORDERS}.curl https://{played.up.door}{WHO}"
    login = home / f"{ORDERS}.curl"
    assert f'user = "{user}:{played.password(user)}"' in login.read_text(encoding="utf-8").splitlines()
    assert login.stat().st_mode & 0o077 == 0


def test_whoever_is_nobody_there_is_told_to_sign_in(played: Played) -> None:
    for user, password in ((USER, "not it"), ("nobody", "not it"), ("", "")):
        answer = played.at_door(user, password).ask("GET", f"/{SAMPLE}/_search")
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, BASIC)
    # Signed requests are let in beside them, and the engine knows the role.
    signed = played.people.with_role("catalyst-application").ask("GET", f"/{INDEX}/_search")
    assert signed.status_code == 403
    assert "name=arn:aws:iam::" in signed.json()["error"]["reason"]
    # Under an IAM master a password is refused as ever, and so is a request without any name.
    for user, expected in ((USER, 401), ("", 403)):
        assert played.at_door(user, "any", THINGS).ask("GET", "/_search").status_code == expected


def test_a_rotated_password_is_followed(played: Played) -> None:
    before, after = played.password(USER), "Another-Battery-Staple-4711"
    said = json.dumps({"username": USER, "password": after})
    played.up.aws.client("secretsmanager").put_secret_value(SecretId=played.secret(USER), SecretString=said)
    until(lambda: played.as_user(USER, after).ask("GET", WHO).status_code == 200, what="the new password is the user's")
    assert played.as_user(USER, before).ask("GET", WHO).status_code == 401
    played.passwords[USER] = after


def test_who_comes_into_the_file_gets_in_and_who_leaves_it_is_refused(played: Played) -> None:
    """The automation signs: it makes the user, and then asks as the user whether it took effect."""
    seeds = {"name": SUPPORT, "level": "support"}
    path = played.change(lambda file: file["access"]["seed_users"]["cloud"].append(seeds))
    applied = played.type("apply", str(path), "--yes")
    assert [one["who"] for one in applied["asked"]] == [SUPPORT]
    support = played.as_user(SUPPORT)
    assert support.may_search(INDEX)
    assert not support.may_write(INDEX)
    played.type("apply", str(played.change(lambda file: file["access"]["seed_users"]["cloud"].remove(seeds))), "--yes")
    assert support.ask("GET", f"/{INDEX}/_search").status_code == 401


def test_a_master_of_the_database_is_not_moved_like_an_iam_role(played: Played) -> None:
    listed = {(one["role"], one["who"]): one["because"] for one in played.type("master", "list", ORDERS)}
    assert all(listed[role, MASTER] for role in ("all_access", "security_manager"))
    refused = played.type("master", "move", ORDERS, f"arn:aws:iam::{ACCOUNT}:role/another", exits=1)
    assert "its master is a user of the internal user database" in refused
    assert played.as_user(MASTER).may_search(INDEX)


def test_the_master_gets_another_password_as_the_runbook_says(played: Played) -> None:
    """In the secret and on the domain. It stands as another road until a person says that it was meant, and is no drift."""
    before, after, mapped = played.password(MASTER), "A-Third-Battery-Staple-1623", played.cast.mappings()
    secret = played.secret(MASTER)
    said = json.dumps({"username": MASTER, "password": after})
    played.up.aws.client("secretsmanager").put_secret_value(SecretId=secret, SecretString=said)
    assert played.as_user(MASTER, before).ask("GET", WHO).status_code == 200  # nobody follows it
    options = {"MasterUserOptions": {"MasterUserName": MASTER, "MasterUserPassword": after}}
    played.up.aws.client("opensearch").update_domain_config(DomainName=ORDERS, AdvancedSecurityOptions=options)
    assert played.as_user(MASTER, before).ask("GET", WHO).status_code == 401
    played.passwords[MASTER] = after
    assert played.as_user(MASTER).may_search(INDEX)
    assert played.cast.mappings() == mapped
    until(lambda: bool(played.alerts.named("another-road")), what="another version of the secret is told")
    [road] = played.type("roads", ORDERS, exits=3)["opened"]
    played.type("accept", ORDERS, road, "--reason", "the password leaked")
    assert played.type("roads", ORDERS)["opened"] == {}
    assert played.type("drift", ORDERS) == {"drift": []}


def test_a_disabled_key_shuts_out_every_user_the_master_too(played: Played) -> None:
    played.before = {"mappings": played.cast.mappings(), "users": played.users()}
    for user in (MASTER, APPLICATION, USER):
        assert played.past_the_walls(user, f"/{SAMPLE}/_search").status_code == (403 if user == APPLICATION else 200)
    # Somebody made a user who passes for the automation, whose mapping a lock keeps.
    automation, played.passwords[MOLE] = played.up.output("AutomationRole"), "A-Mole-Battery-Staple-77"
    mole = {"password": played.passwords[MOLE], "backend_roles": [automation]}
    played.cast.engine("PUT", f"{API}/internalusers/{MOLE}", mole)
    assert "security_manager" in played.past_the_walls(MOLE, WHO).json()["roles"]
    [drift] = played.type("drift", ORDERS, exits=3)["drift"]
    assert MOLE in json.dumps(drift)
    played.up.aws.client("kms").disable_key(KeyId=played.up.output("KeyArn"))
    until(lambda: played.cast.state() == "locked", what="the deployment is locked")
    for user in (MASTER, APPLICATION, USER, MOLE):
        # By the network already; and were it open, by the mappings alone.
        with pytest.raises(requests.ConnectionError):
            played.as_user(user).ask("GET", WHO)
        for path in (f"/{SAMPLE}/_search", f"/{INDEX}/_search", f"{API}/internalusers", f"{API}/rolesmapping"):
            assert played.past_the_walls(user, path).status_code == 403, (user, path)
        assert played.past_the_walls(user, WHO).json()["roles"] == []
    glass = played.cast.break_glass()
    assert not glass.may_search(INDEX)
    arguments = {"reason": "a drill", "minutes": 5}
    played.cast.operate("break-glass", "act", deployment=ORDERS, arguments=arguments)
    assert glass.may_search(INDEX)
    assert played.past_the_walls(MASTER, f"/{INDEX}/_search").status_code == 403
    played.cast.operate("end-break-glass", "act", deployment=ORDERS)
    played.cast.engine("DELETE", f"{API}/internalusers/{MOLE}")
    assert not glass.may_search(INDEX)


def test_the_key_comes_back_and_all_is_as_it_was(played: Played) -> None:
    played.up.aws.client("kms").enable_key(KeyId=played.up.output("KeyArn"))
    until(lambda: played.cast.state() == "open", what="the deployment is open")
    assert {"mappings": played.cast.mappings(), "users": played.users()} == played.before
    assert played.as_user(APPLICATION).may_search(INDEX)
    assert played.as_user(USER).may_search(SAMPLE)
    assert played.as_user(MASTER).may_search(INDEX)


def test_a_master_who_is_named_during_a_lock_is_shut_out_again(played: Played) -> None:
    """Whoever may change the domain's configuration makes an internal user the master, whom AWS maps at once."""
    played.type("lock", ORDERS, "--reason", "a drill")
    until(lambda: played.cast.state() == "locked", what="the deployment is locked")
    told = len(played.alerts.named("lock-opened"))
    played.passwords["second-master"] = "A-Second-Battery-Staple-815"
    named = {"MasterUserName": "second-master", "MasterUserPassword": played.passwords["second-master"]}
    played.up.aws.client("opensearch").update_domain_config(
        DomainName=ORDERS, AdvancedSecurityOptions={"MasterUserOptions": named}
    )
    until(lambda: played.past_the_walls("second-master", WHO).json()["roles"] == [], what="the new master has no role")
    until(lambda: len(played.alerts.named("lock-opened")) > told, what="it is told")
    played.type("unlock", ORDERS)
    until(lambda: played.cast.state() == "open", what="the deployment is open")
    assert played.as_user("second-master").ask("GET", WHO).json()["roles"] == []
    assert played.as_user(MASTER).may_search(INDEX)
    assert played.cast.mappings() == played.before["mappings"]
