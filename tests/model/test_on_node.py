"""What the presets and lists promise, on real nodes: each level may do what it says and no more; the lists are what the engine has."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from portcullis import model
from portcullis.families.opensearch.limiting.known import known

from local.node.node import Node
from tests.model.examples import access

pytest_plugins = ["tests.fixtures_node"]
pytestmark = pytest.mark.node

API = "/_plugins/_security/api/"
PASSWORD = "level-Passw0rd-of-the-test"
LEVELS = ("super_user", "application", "support", "dashboard")


def engine(node: Node) -> str:
    return "OpenSearch_" + ".".join(node.version.split(".")[:2])


def asked(node: Node, level: str, method: str, path: str, body: Any = None) -> int:
    url = f"https://127.0.0.1:{node.port}{path}"
    return requests.request(
        method, url, json=body, auth=(f"at-{level}", PASSWORD), verify=str(node.ca), timeout=30
    ).status_code


def _kibana(role: str) -> str:
    """As an OpenSearch that is not Amazon's calls it."""
    return role.replace("opensearch_dashboards_", "kibana_")


@pytest.fixture(scope="module")
def levels(node_basic: Node) -> Node:
    """A node with the layered model on level-*, one internal user a level, and one document."""
    grants = "\n".join(f"  - {{level: {level}, to: {{internal_user: at-{level}}}}}" for level in LEVELS)
    text = access(f'levels: {{preset: layered, indices: ["level-*"]}}\ngrants:\n{grants}', "internal")
    deployment = model.loads(text.replace("OpenSearch_3.3", engine(node_basic)), "level.yaml")
    _, held = node_basic.ask("GET", API + "roles")
    resolved = model.resolve(deployment)
    for name, role in resolved.roles.items():
        assert node_basic.ask("PUT", API + f"roles/{name}", role)[0] in (200, 201)
    for level in LEVELS:
        roles = [grant.role for grant in resolved.grants if grant.subject.name == f"at-{level}"]
        roles = [one if one in held or one in resolved.roles else _kibana(one) for one in roles]
        user = {"password": PASSWORD, "opendistro_security_roles": roles}
        assert node_basic.ask("PUT", API + f"internalusers/at-{level}", user)[0] in (200, 201)
    for index in ("level-1", "other-1"):
        assert node_basic.ask("PUT", f"/{index}/_doc/1?refresh=true", {"a": 1})[0] in (200, 201)
    return node_basic


ALLOWED = {
    ("GET", "/level-1/_search"): {"super_user", "application", "support"},
    ("PUT", "/level-1/_doc/2"): {"super_user", "application"},
    ("PUT", "/level-1/_mapping"): {"super_user", "application"},
    ("GET", "/other-1/_search"): {"super_user"},
    ("GET", "/_plugins/_security/api/roles"): {"super_user"},
}
BODIES = {"/level-1/_doc/2": {"a": 2}, "/level-1/_mapping": {"properties": {"b": {"type": "keyword"}}}}


@pytest.mark.parametrize(("request_", "who"), ALLOWED.items(), ids=[f"{m} {p}" for m, p in ALLOWED])
def test_each_level_may_do_what_it_says_and_no_more(levels, request_, who):
    method, path = request_
    answers = {level: asked(levels, level, method, path, BODIES.get(path)) for level in LEVELS}
    assert {level for level, status in answers.items() if status in (200, 201)} == who
    assert {status for level, status in answers.items() if level not in who} <= {403}


def test_the_lists_hold_all_that_the_engine_has_from_the_start(node_basic):
    held = known(engine(node_basic))
    for kind, listed in (("roles", held.roles), ("actiongroups", held.action_groups)):
        _, documents = node_basic.ask("GET", API + kind)
        fixed = {name for name, document in documents.items() if document.get("static") or document.get("reserved")}
        assert fixed <= set(listed)
    _, documents = node_basic.ask("GET", API + "actiongroups")
    for name, group in held.action_groups.items():
        assert documents[name]["allowed_actions"] == group["allowed_actions"]


@pytest.mark.parametrize(
    ("mask", "taken"),
    [
        *(
            (mask, True)
            for mask in ("a", "a::SHA-512", "a::SHA3-256", "a::SHA-512/256", "a::/x/::y", "a::/x/::y::/z/::w")
        ),
        *((mask, False) for mask in ("a::NOPE", "a::/(/::y", "a::/x/", "a::SHA-512::/x/::y")),
    ],
)
def test_lint_and_the_engine_agree_on_masking_rules(node_basic, mask, taken):
    role = {"index_permissions": [{"index_patterns": ["mask-*"], "masked_fields": [mask], "allowed_actions": ["read"]}]}
    status, _ = node_basic.ask("PUT", API + "roles/masking", role)
    text = access(f"roles: {{r: {{index_permissions: [{{index_patterns: [a], masked_fields: ['{mask}']}}]}}}}")
    codes = {finding.code for finding in model.lint(model.loads(text, "a.yaml"))}
    assert (status in (200, 201)) is taken
    assert ("mask-invalid" not in codes) is taken
