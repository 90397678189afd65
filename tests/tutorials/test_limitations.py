"""The limitations that the guide lists: what of them a real engine shows, and what Portcullis says about each."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis import model
from portcullis.families.opensearch.documents.config import Kind

from local.door.client import At
from local.node.node import Node
from tests.local.door_world import ARN, allow
from tests.tutorials import flights
from tests.tutorials.cognito_steps import SignIn
from tests.tutorials.internal_steps import window
from tests.tutorials.stage import HERE, PLUGINS, as_session, new_password, ok, put_back

pytestmark = [pytest.mark.node, pytest.mark.aws]

ROBOT = "robot"


def codes(text: str, **facts: Any) -> set[str]:
    return {finding.code for finding in model.lint(model.loads(text, "x.yaml"), model.Facts(**facts))}


def text_of(file: str) -> str:
    return (HERE / file).read_text(encoding="utf-8")


# ------------------------------------------------------------------ basic authentication under an IAM master
def test_an_internal_user_under_an_iam_master_can_be_made_but_not_sign_in(sign_in: SignIn) -> None:
    """Every request with their password is answered 401."""
    world, password = sign_in.world, new_password()
    with put_back(world.node):
        ok(world.master.put(f"{PLUGINS}/internalusers/{ROBOT}", json={"password": password}))
        ok(world.master.put(f"{PLUGINS}/rolesmapping/readall", json={"users": [ROBOT]}))
        guest = At(world.url, world.ca)
        guest.auth = (ROBOT, password)
        answers = [guest.get(path) for path in ("/", "/_search", f"{PLUGINS}/account")]
        assert {answer.status_code for answer in answers} == {401}
        assert {answer.text for answer in answers} == {"Unauthorized"}


def test_check_says_so_before_anybody_makes_such_a_user() -> None:
    text = text_of("flights-sign-in.yaml").replace("  roles:\n", f"  users: {{{ROBOT}: {{}}}}\n  roles:\n", 1)
    assert "basic-auth-under-iam-master" in codes(text)


# ------------------------------------------------------------------ one's own password
def test_an_internal_user_cannot_change_himself_and_a_master_can(internal_node: Node) -> None:
    old, new = new_password(), new_password()
    master = window(internal_node, internal_node.user, internal_node.password)
    ok(master.put(f"{PLUGINS}/internalusers/{ROBOT}", json={"password": old}))
    robot, document = window(internal_node, ROBOT, old), {"password": new}
    assert robot.put(f"{PLUGINS}/internalusers/{ROBOT}", json=document).status_code == 403
    change = [{"op": "add", "path": f"/{ROBOT}", "value": document}]
    assert robot.patch(f"{PLUGINS}/internalusers", json=change).status_code == 403
    assert ok(robot.get("/_plugins/_security/authinfo"))["user_name"] == ROBOT
    ok(master.put(f"{PLUGINS}/internalusers/{ROBOT}", json=document))
    assert robot.get("/_plugins/_security/authinfo").status_code == 401
    assert ok(window(internal_node, ROBOT, new).get("/_plugins/_security/authinfo"))["user_name"] == ROBOT


def test_the_open_source_plugin_has_an_account_page_that_amazon_has_not(internal_node: Node) -> None:
    """Known difference of the engine here: `account` lets a user change his password. On Amazon it does not; we rely on neither."""
    old, new = new_password(), new_password()
    ok(internal_node_master(internal_node).put(f"{PLUGINS}/internalusers/{ROBOT}", json={"password": old}))
    answer = window(internal_node, ROBOT, old).put(
        f"{PLUGINS}/account", json={"current_password": old, "password": new}
    )
    assert answer.status_code == 200


def internal_node_master(node: Node) -> At:
    return window(node, node.user, node.password)


def test_check_says_that_passwords_are_changed_by_a_master() -> None:
    assert "password-not-self-service" in codes(text_of("flights-internal.yaml"))


# ------------------------------------------------------------------ SQL
def test_the_deployments_policy_denies_sql_and_allows_all_else(sign_in: SignIn) -> None:
    """For everybody, and for PPL too. The statement as the guide prints it denies one path only."""
    world = sign_in.world
    windows = [sign_in.browser("limited-user"), sign_in.browser("master-user"), world.master]
    deployment = model.loads(text_of("flights-sign-in.yaml"), "flights-sign-in.yaml")
    try:
        world.access_policy(*model.access_policy(deployment, ARN)["Statement"])
        for path in ("_plugins/_sql", "_opendistro/_sql", "_plugins/_sql/_explain", "_plugins/_ppl"):
            for session in windows:
                answer = session.post(f"/{path}", json={"query": f"SELECT * FROM {flights.INDEX}"})  # noqa: S608
                assert answer.status_code == 403
                assert "explicit deny in a resource-based policy" in answer.json()["Message"]
        assert all(session.get("/_plugins/_security/authinfo").status_code == 200 for session in windows)
        # As the guide prints it: the one path, for the one prefix.
        world.access_policy(allow(["*"]), allow(["*"], "Deny", Action=["es:*"], Resource=f"{ARN}/_opendistro/_sql"))
        assert world.master.post("/_opendistro/_sql", json={}).status_code == 403
        assert world.master.post("/_plugins/_sql", json={}).status_code != 403
    finally:
        world.access_policy(allow(["*"], Action=["es:ESHttp*"]))


def test_check_says_the_guides_sql_statement_alone_still_leaks() -> None:
    """It denies only the old path. Without `deny_sql` it leaks too."""
    statements = [allow(), allow("*", "Deny", Action="es:*", Resource=f"{ARN}/_opendistro/_sql")]
    text = text_of("flights-sign-in.yaml")
    assert "sql-leak" in codes(text, access_policy={"Statement": statements})
    assert "sql-leak" not in codes(text)
    assert "sql-leak" in codes(text.replace("configuration: cognito", "configuration: cognito\n  deny_sql: false"))


# ------------------------------------------------------------------ hosts
def test_a_host_mapping_works_where_the_engine_sees_the_caller(internal_node: Node) -> None:
    """For a domain in a VPC `check` warns of it."""
    master, password = internal_node_master(internal_node), new_password()
    ok(master.put(f"{PLUGINS}/internalusers/{ROBOT}", json={"password": password}))
    for host, roles in (("127.0.0.1", ["readall"]), ("10.1.2.3", [])):
        ok(master.put(f"{PLUGINS}/rolesmapping/readall", json={"hosts": [host]}))
        seen = ok(window(internal_node, ROBOT, password).get("/_plugins/_security/authinfo"))
        assert seen["roles"] == roles
    held = as_session(master).read([Kind.ROLES, Kind.MAPPINGS])
    text = text_of("flights-internal.yaml")
    assert "hosts-in-vpc" in codes(text, held=held)
    assert "hosts-in-vpc" not in codes(text, held=held, vpc=False)


# ------------------------------------------------------------------ a sign-in page without a way in
def test_under_an_iam_master_without_cognito_the_sign_in_page_is_denied(sign_in: SignIn) -> None:
    """A signature is no sign-in. The API still answers."""
    world, text = (
        sign_in.world,
        "deployment: x-y\nengine: Elasticsearch_7.7\ndomain: {configuration: api}\naccess: {}\n",
    )
    try:
        world.access_policy(*model.access_policy(model.loads(text, "x-y.yaml"), ARN)["Statement"])
        answer = world.master.get("/_plugin/kibana/app/kibana")
        assert answer.status_code == 403
        assert "explicit deny in a resource-based policy" in answer.json()["Message"]
        # A signature is no sign-in: without a token nobody passes the page that is left.
        assert world.master.get("/_dashboards/app/home").status_code == 401
        assert world.master.get("/_plugins/_security/authinfo").status_code == 200
    finally:
        world.access_policy(allow(["*"], Action=["es:ESHttp*"]))


def test_check_says_cognito_without_grants_has_a_page_nobody_passes() -> None:
    """Nobody is granted anything, so nobody gets past the sign-in."""
    text = "deployment: x-y\nengine: Elasticsearch_7.7\ndomain: {configuration: cognito}\naccess: {}\n"
    assert "sign-in-without-way-in" in codes(text)
