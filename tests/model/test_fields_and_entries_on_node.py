"""What `check` says of field rules, masks, patterns, tenants and names (test_fields_and_entries.py), as real nodes do it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from portcullis.access.terms import Caller
from portcullis.families.opensearch.deciding.compiled import Compiled
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.limiting.view import Fields
from portcullis.families.opensearch.names.world import EngineFacts, Release

from local.node.node import Node
from tests.model.test_filters_on_node import API, HASH, PASSWORD

pytest_plugins = ["tests.fixtures_node"]
pytestmark = pytest.mark.node

DOCUMENT = {"card": "card 1", "n": 1, "flag": True, "made": {"by": "anna", "n": 2}, "tags": ["a", "b"]}
READ = {"index_patterns": ["fields-1"], "allowed_actions": ["read"]}
# What is asked for -> the fields that are seen as they are.
SHOWN: dict[str, tuple[dict[str, Any], set[str]]] = {
    "excluded": ({"fls": ["~card"]}, {"n", "flag", "made", "tags"}),
    "excluded by the older sign": ({"fls": ["!card"]}, {"n", "flag", "made", "tags"}),
    "excluded and masked": ({"fls": ["!card"], "masked_fields": ["card"]}, {"n", "flag", "made", "tags"}),
    "field-matches-nothing: excluded by .keyword": ({"fls": ["~card.keyword"]}, set(DOCUMENT)),
    "field-matches-nothing: excluded by nothing": ({"fls": ["~"]}, set(DOCUMENT)),
    "field-matches-nothing: masked by .keyword": ({"masked_fields": ["card.keyword"]}, set(DOCUMENT)),
    "field-matches-nothing: with a dot too many": ({"fls": ["~card."]}, set(DOCUMENT)),
    "field-name-odd: two in one": ({"fls": ["~card,n"]}, set(DOCUMENT)),
    "field-name-odd: with a space": ({"fls": ["~card "]}, set(DOCUMENT)),
    "field-name-odd: with two signs": ({"fls": ["~~card"]}, set(DOCUMENT)),
    "field-name-odd: with what is not seen": ({"fls": ["~card\u200b"]}, set(DOCUMENT)),
    "field-name-odd: letters that look alike": ({"fls": ["~\u0441ard"]}, set(DOCUMENT)),
    "field-name-odd: a mask with a sign": ({"masked_fields": ["~card"]}, set(DOCUMENT)),
    "field-name-odd: a mask with one colon": ({"masked_fields": ["card:SHA-512"]}, set(DOCUMENT)),
    "field-name-odd: an attribute": ({"fls": ["~${attr.internal.field}"]}, set(DOCUMENT)),
    "field-name-odd: a mask with an attribute": ({"masked_fields": ["${attr.internal.field}"]}, set(DOCUMENT)),
    "field-name-odd: a hyphen before it": ({"fls": ["*", "-card"]}, set(DOCUMENT)),
    "field-name-odd: a path": ({"fls": ["~$.card"]}, set(DOCUMENT)),
    "field-name-odd: a bar between two": ({"fls": ["~card|n"]}, set(DOCUMENT)),
    "field-name-odd: brackets": ({"fls": ["~tags[*]"]}, set(DOCUMENT)),
    "field-name-odd: a slash before it": ({"fls": ["~/card"]}, set(DOCUMENT)),
    "mask-text-only": ({"masked_fields": ["card", "n", "flag", "made"]}, {"n", "flag", "made", "tags"}),
    "masked within an object": ({"masked_fields": ["made.*"]}, {"card", "n", "flag", "tags"}),
    "an object with what is in it": ({"fls": ["made.*"]}, {"made"}),
}
# Field rules with a regular expression or a ? -> the fields that are seen: 3.x, 2.x.
EXPRESSIONS: dict[tuple[str, ...], tuple[set[str], set[str]]] = {
    ("~/card/",): ({"n", "flag", "made", "tags"}, set(DOCUMENT)),
    ("~/ca.*/", "~n"): ({"flag", "made", "tags"}, {"card", "flag", "made", "tags"}),
    ("/card/",): ({"card"}, set()),
    ("/card/", "n"): ({"card", "n"}, {"n"}),
    ("~c?rd",): ({"n", "flag", "made", "tags"}, set(DOCUMENT)),
    ("c?rd", "n"): ({"card", "n"}, {"n"}),
    ("~?ard*", "~n"): ({"flag", "made", "tags"}, {"card", "flag", "made", "tags"}),
}
# Limits -> what who has them counts by card.raw, which is another field of the same text.
OTHER_FIELD: dict[str, tuple[dict[str, Any], list[str]]] = {
    "masked": ({"masked_fields": ["card"]}, ["card 1"]),
    "hidden": ({"fls": ["~card"]}, []),
}
FAILS = {
    "a group beyond": "card::/(c)ard/::$2",
    "no group": "card::/card/::$1",
    "no reference": "card::/card/::$x",
    "a dollar at the end": "card::/card/::a$",
    "a backslash at the end": "card::/card/::a\\",
    "no such name": "card::/(?<n>c)ard/::${m}",
}
WORKS = {
    "card::/(c)ard (.)/::$2$1": "1c",
    "card::/(?<n>c)ard/::${n}\\$": "c$ 1",
    "card::/(c)ard/::$12": "c2 1",
    "card::/card /::": "1",
}
# Pattern -> whether it covers the index fields-1 (with the alias Fields-Alias).
COVERS = {
    "fields-1": True,
    "Fields-Alias": True,
    "Fields-*": True,
    "/FIELDS-[0-9]/": False,
    "/fields-[0-9]/": True,
    "FIELDS-*": False,
    "-fields-1*": False,
    "_fields-1*": False,
    "+fields-1*": False,
    "!fields-1*": False,
    "~fields-1*": False,
    "<fields-{now/d}>": False,
    "fields-1,fields-2": False,
    "fields-1 ": False,
    "fields-${user.roles}": False,
    "fields-${attr.jwt.x}": False,
    "fields-\u00a01": False,
    "fields-1\u200b": False,
    "\u0131ields-1": False,
    # pattern-attribute-value: what stands in the value counts.
    "fields-${attr.internal.star}": True,
    "${attr.internal.expression}": True,
    "fields-${attr.internal.upper}": False,
    "fields-${attr.internal.number}": True,
    "..": False,
}
ATTRIBUTES = {"field": "card", "star": "*", "expression": "/f.*/", "upper": "A", "number": "1"}
# Wildcards of permissions -> whether they let anybody search: they are not about action groups by name.
WILDCARDS = {"read*": False, "indices:data/READ*": False, "*read*": True, "/indices:data.read.*/": True}
TENANTS = {
    ("kibana_all_write",): True,
    ("kibana:saved_objects/*/write",): True,
    ("kibana_all_read",): False,
    ("crud",): False,
    ("write",): False,
    ("*",): False,
    ("kibana:saved_objects/*",): False,
    (): False,
}


def roles() -> dict[str, dict[str, Any]]:
    """Every role that is tried, by the name of the user who has it."""
    masks = {**FAILS, **{mask: mask for mask in WORKS}}
    entries = {
        **{name: {**READ, **limits} for name, (limits, _) in SHOWN.items()},
        **{str(rules): {**READ, "fls": list(rules)} for rules in EXPRESSIONS},
        "without the source": {**READ, "fls": ["~_source"]},
        "an object alone": {**READ, "fls": ["made"]},
        **{f"card.raw, {name}": {**READ, **limits} for name, (limits, _) in OTHER_FIELD.items()},
        "card.raw, masked too": {**READ, "masked_fields": ["card", "card.*"]},
        **{name: {**READ, "masked_fields": [mask]} for name, mask in masks.items()},
        **{pattern: {**READ, "index_patterns": [pattern]} for pattern in COVERS},
        **{actions: {**READ, "allowed_actions": [actions]} for actions in WILDCARDS},
        "mask-twice": {**READ, "masked_fields": ["card::/card/::first", "card::SHA-256"]},
    }
    tenants = {
        str(actions): {"tenant_permissions": [{"tenant_patterns": ["fields-tenant"], "allowed_actions": list(actions)}]}
        for actions in TENANTS
    }
    return {**{name: {"index_permissions": [entry]} for name, entry in entries.items()}, **tenants}


NAMES = {what: f"fielded-{i}" for i, what in enumerate(roles())}


@pytest.fixture(scope="module", params=["3.4.0", "2.19.3"])
def node(request: pytest.FixtureRequest) -> Iterator[Node]:
    node: Node = request.getfixturevalue({"3.4.0": "node_basic_3", "2.19.3": "node_basic_2"}[request.param])
    card = {"type": "text", "fields": {"keyword": {"type": "keyword"}, "raw": {"type": "keyword"}}}
    assert node.ask("PUT", "/fields-1", {"mappings": {"properties": {"card": card}}}, timeout=120)[0] == 200
    assert node.ask("PUT", "/fields-1/_doc/1?refresh=true", DOCUMENT, timeout=120)[0] in (200, 201)
    actions = [{"add": {"index": "fields-1", "alias": "Fields-Alias"}}]
    assert node.ask("POST", "/_aliases", {"actions": actions}, timeout=120)[0] == 200
    held = {
        "tenants": {"fields-tenant": {"description": "of the test"}},
        "roles": {NAMES[what]: role for what, role in roles().items()},
        "internalusers": {
            name: {"hash": HASH, "opendistro_security_roles": [name], "attributes": ATTRIBUTES}
            for name in NAMES.values()
        },
    }
    for kind, documents in held.items():
        operations = [{"op": "add", "path": f"/{name}", "value": document} for name, document in documents.items()]
        status, said = node.ask("PATCH", API + kind, operations, timeout=120)
        assert status == 200, said
    yield node
    node.ask("DELETE", "/fields-1", timeout=120)
    for kind, documents in reversed(held.items()):
        node.ask("PATCH", API + kind, [{"op": "remove", "path": f"/{name}"} for name in documents], timeout=120)


def answer(node: Node, what: str, path: str = "/fields-1/_search") -> tuple[int, Any]:
    with requests.Session() as session:
        session.trust_env, session.verify, session.auth = False, str(node.ca), (NAMES[what], PASSWORD)
        got = session.get(node.url + path, timeout=120)
    return got.status_code, got.json()


def source(node: Node, what: str) -> dict[str, Any]:
    status, body = answer(node, what)
    assert status == 200, (what, body)
    found: dict[str, Any] = body["hits"]["hits"][0].get("_source", {})  # which 2.x leaves out where it is empty
    return found


def test_which_fields_are_seen_as_they_are(node: Node) -> None:
    seen = {}
    for what in SHOWN:
        document = source(node, what)
        seen[what] = {name for name, value in document.items() if value == DOCUMENT[name]}
    assert seen == {what: shown for what, (_, shown) in SHOWN.items()}


def test_a_rule_that_takes_out_the_source_hides_nothing_on_3x_and_all_on_2x(node: Node) -> None:
    shown = source(node, "without the source")
    assert set(shown) == (set() if node.version.startswith("2.") else set(DOCUMENT))


def test_an_object_included_by_its_name_alone_is_shown_or_found(node: Node) -> None:
    """3.x shows it empty, and finds what is in it; 2.x shows it, and finds nothing there. Decide says that it is seen."""
    is_2 = node.version.startswith("2.")
    assert source(node, "an object alone") == {"made": DOCUMENT["made"] if is_2 else {}}
    status, found = answer(node, "an object alone", "/fields-1/_count?q=made.n:2")
    assert (status, found["count"]) == (200, 0 if is_2 else 1)
    fields = Fields(False, ("made",))
    assert (fields.sees("made.n"), fields.shows(("made", "n"), older=is_2)) == (True, is_2)


def test_on_2x_documents_show_what_an_expression_excludes_and_decide_says_so(node: Node) -> None:
    is_2 = node.version.startswith("2.")
    seen = {rules: set(source(node, str(rules))) for rules in EXPRESSIONS}
    assert seen == {rules: shown[is_2] for rules, shown in EXPRESSIONS.items()}
    for rules, shown in EXPRESSIONS.items():
        entry = {"index_patterns": ["fields-1"], "allowed_actions": ["indices:data/read*"], "fls": list(rules)}
        held = SecurityConfig(
            {Kind.ROLES: {"r": {"index_permissions": [entry]}}, Kind.MAPPINGS: {"r": {"users": ["anna"]}}}
        )
        compiled = Compiled(held, EngineFacts(("fields-1",), release=Release(node.version)))
        (view,) = compiled.decide(Caller("anna"), "indices:data/read/search", ("fields-1",)).views
        assert {name for name in DOCUMENT if view.fields.sees(name)} == shown[is_2], rules


def test_another_field_of_a_masked_text_is_counted_plainly_unless_masked_too(node: Node) -> None:
    counted = {"size": 0, "aggs": {"cards": {"terms": {"field": "card.raw"}}}}
    path = f"/fields-1/_search?source_content_type=application/json&source={json.dumps(counted)}"
    found = {}
    for name in (*OTHER_FIELD, "masked too"):
        status, body = answer(node, f"card.raw, {name}", path)
        assert status == 200, body
        found[name] = [bucket["key"] for bucket in body["aggregations"]["cards"]["buckets"]]
    assert "card 1" not in found.pop("masked too")
    assert found == {name: keys for name, (_, keys) in OTHER_FIELD.items()}


def test_a_mask_that_refers_to_a_missing_group_fails_every_search(node: Node) -> None:
    """The nodes answer with an error. All other replacements mask the field as written."""
    assert {what: answer(node, what)[0] in (400, 500) for what in FAILS} == dict.fromkeys(FAILS, True)
    assert {mask: source(node, mask)["card"] for mask in WORKS} == WORKS


def test_a_field_masked_twice_fails_on_2x_and_uses_the_first_rule_on_3x(node: Node) -> None:
    """Two rules for one field in the same role."""
    status, body = answer(node, "mask-twice")
    if node.version.startswith("2."):
        assert status == 400
    else:
        assert body["hits"]["hits"][0]["_source"]["card"] == "first 1"


def test_which_patterns_cover_an_index(node: Node) -> None:
    assert {pattern: answer(node, pattern)[0] for pattern in COVERS} == {
        p: 200 if covers else 403 for p, covers in COVERS.items()
    }


def test_which_wildcards_of_permissions_let_search(node: Node) -> None:
    assert {one: answer(node, one)[0] for one in WILDCARDS} == {o: 200 if may else 403 for o, may in WILDCARDS.items()}


def test_which_actions_let_a_tenant_be_edited(node: Node) -> None:
    told = {actions: answer(node, str(actions), "/_plugins/_security/authinfo")[1]["tenants"] for actions in TENANTS}
    assert {actions: tenants["fields-tenant"] for actions, tenants in told.items()} == TENANTS


def test_nodes_refuse_a_group_named_as_a_role_and_a_lone_slash_as_entry(node: Node) -> None:
    """An action group may not have the name of a role. A slash alone in a mapping cannot be loaded."""
    name = NAMES["excluded"]
    status, said = node.ask("PUT", f"{API}actiongroups/{name}", {"allowed_actions": ["read"]}, timeout=120)
    assert (status, "existing role" in str(said)) == (400, True)
    status, said = node.ask("PUT", f"{API}rolesmapping/{name}", {"backend_roles": ["/"]}, timeout=120)
    assert (status, "Failed node" in str(said)) == (500, True)
    assert node.ask("DELETE", f"{API}rolesmapping/{name}", timeout=120)[0] == 200
