"""The question as JSON, and its answer."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from portcullis.errors import BadInput
from portcullis.families.elasticsearch.deciding.question import answer_question, is_of_this_family

QUESTION: dict[str, Any] = {
    "engine": "elasticsearch-9.5.3",
    "security": {
        "roles": {
            "support": {
                "indices": [{"names": ["catalyst-*"], "privileges": ["read"], "query": '{"term":{"team":"red"}}'}]
            },
            "writer": {"indices": [{"names": ["catalyst-*"], "privileges": ["write"]}]},
        },
        "users": {"anna.berg.support": {"roles": ["support"], "enabled": True, "full_name": "Anna Berg"}},
        "role_mappings": {
            "portcullis-demo-support": {
                "enabled": True,
                "roles": ["support"],
                "rules": {"all": [{"field": {"realm.name": "cognito"}}, {"field": {"groups": "support"}}]},
            }
        },
    },
    "principal": {"name": "anna.berg.support"},
    "request": {"method": "GET", "path": "/catalyst-orders/_search"},
    "world": {
        "indices": ["catalyst-orders", {"name": "catalyst-old", "closed": True}],
        "aliases": {"orders": ["catalyst-orders"]},
    },
}


def changed(*path: str, to: Any) -> dict[str, Any]:
    question = copy.deepcopy(QUESTION)
    part = question
    for key in path[:-1]:
        part = part.setdefault(key, {})
    part[path[-1]] = to
    return question


def test_a_native_user_is_answered_with_what_they_see_and_why() -> None:
    told = answer_question(QUESTION)
    assert json.loads(json.dumps(told)) == told
    assert (told["allowed"], told["status"], told["indices"]) == (True, 200, ["catalyst-orders"])
    assert told["roles"] == {"support": "user/anna.berg.support"}
    view = told["views"]["catalyst-orders"]
    assert (view["documents"], view["fields"]) == (['{"term":{"team":"red"}}'], "all")


@pytest.mark.parametrize(
    ("principal", "roles"),
    [
        (
            {"name": "ben", "realm": "cognito", "groups": ["support"]},
            {"support": "role_mapping/portcullis-demo-support"},
        ),
        ({"name": "ben", "realm": "other", "groups": ["support"]}, {}),
        ({"name": "ben", "realm": "cognito", "groups": []}, {}),
        ({"name": "ben", "realm": "cognito", "groups": ["Support"]}, {}),
        ({"name": "ben", "groups": ["support"]}, {}),  # of the native realm: no mapping counts
        ({"name": "anyone", "roles": ["writer"]}, {"writer": "given in the question"}),
    ],
)
def test_roles_come_from_the_user_or_by_the_realms_mappings(principal: dict[str, Any], roles: dict[str, str]) -> None:
    assert answer_question(changed("principal", to=principal))["roles"] == roles


def test_a_disabled_user_has_no_role() -> None:
    told = answer_question(changed("security", "users", "anna.berg.support", "enabled", to=False))
    assert (told["allowed"], told["status"], told["roles"]) == (False, 403, {})


@pytest.mark.parametrize(
    ("rules", "matches"),
    [
        ({"any": []}, False),
        ({"all": []}, True),
        ({"field": {"username": "b*"}}, True),
        ({"field": {"username": "/b[a-z]n/"}}, True),
        ({"field": {"username": ["anna", "ben"]}}, True),
        ({"except": {"field": {"username": "ben"}}}, False),
        ({"field": {"metadata.team": "red"}}, True),
        ({"field": {"metadata.level": 2}}, True),
        ({"field": {"metadata.level": "2"}}, False),
        ({"field": {"groups": None}}, False),
        ({"all": [{"field": {"groups": "x"}}, {"except": {"field": {"username": "ben"}}}]}, False),
    ],
)
def test_a_rule_matches_as_on_the_servers(rules: dict[str, Any], matches: bool) -> None:
    question = changed("security", "role_mappings", "portcullis-demo-support", "rules", to=rules)
    question["principal"] = {
        "name": "ben",
        "realm": "cognito",
        "groups": ["x"],
        "metadata": {"team": "red", "level": 2},
    }
    assert bool(answer_question(question)["roles"]) is matches


def test_a_twin_that_only_writes_lifts_the_filter_and_is_named() -> None:
    told = answer_question(changed("principal", to={"name": "x", "roles": ["support", "writer"]}))
    assert told["views"]["catalyst-orders"]["documents"] == "all"


def test_items_of_a_bulk_request_are_answered_one_by_one() -> None:
    body = [{"index": {"_index": "catalyst-orders"}}, {"a": 1}, {"delete": {"_index": "hr"}}]
    question = changed("request", to={"method": "POST", "path": "/_bulk", "body": body})
    question["principal"] = {"name": "x", "roles": ["writer"]}
    told = answer_question(question)
    assert told["allowed"] is True
    assert [(one["item"], one["allowed"]) for one in told["items"]] == [
        ("index catalyst-orders", True),
        ("delete hr", False),
    ]


@pytest.mark.parametrize(
    ("question", "because"),
    [
        (changed("request", to={"method": "POST", "path": "/_sql"}), "not known here"),
        (
            changed("security", "roles", "support", "indices", to=[{"names": ["/a~b/"], "privileges": ["read"]}]),
            "only the engine knows",
        ),
        (
            changed(
                "security",
                "roles",
                "support",
                "indices",
                to=[{"names": ["hr"], "privileges": ["manage_follow_something"]}],
            ),
            "is not known here",
        ),
    ],
)
def test_what_only_the_engine_can_tell_is_unknown(question: dict[str, Any], because: str) -> None:
    told = answer_question(question)
    assert told["allowed"] is None
    assert any(because in reason for reason in told["reasons"])


@pytest.mark.parametrize(
    ("path", "to", "place"),
    [
        (("engine",), "elasticsearch-5.6", "engine"),
        (("engine",), "elasticsearch-next", "engine"),
        (("principal",), {}, "principal"),
        (("principal", "groups"), "support", "principal.groups"),
        (("security", "roles", "support", "indices"), {}, "security.roles"),
        (("security", "role_mappings", "portcullis-demo-support", "rules"), {"some": []}, "security.role_mappings"),
        (("request",), {}, "request"),
        (("request",), {"method": "POST", "path": "/_bulk", "body": "no json"}, "request.body"),
        (("world", "indices"), [1], "world.indices"),
        (("wrold",), {}, "the question"),
    ],
)
def test_bad_input_names_its_place(path: tuple[str, ...], to: Any, place: str) -> None:
    question = changed(*path, to=to)
    if path[:2] == ("security", "role_mappings"):
        question["principal"] = {"name": "ben", "realm": "cognito"}
    with pytest.raises(BadInput) as raised:
        answer_question(question, source="question.json")
    assert place in raised.value.place
    assert raised.value.remedy


@pytest.mark.parametrize(
    ("engine", "is_ours"),
    [("elasticsearch-9.5.3", True), ("opensearch", False), ("7.x", False), (None, False), ([], False)],
)
def test_only_elastics_own_is_of_this_family(engine: object, is_ours: bool) -> None:
    assert is_of_this_family(engine) is is_ours


_TEMPLATES = {"role_templates": [{"template": {"source": "{{#tojson}}groups{{/tojson}}"}, "format": "json"}]}
_BY_TEMPLATE = {"any": {**_TEMPLATES, "enabled": True, "rules": {"field": {"username": "*"}}}}
_OF_REALM = {"name": "anna", "realm": "cognito", "groups": ["support"]}


@pytest.mark.parametrize(
    ("mappings", "principal", "known"),
    [
        (_BY_TEMPLATE, _OF_REALM, False),
        (
            _BY_TEMPLATE,
            {**_OF_REALM, "run_as": "anna.berg.support"},
            False,
        ),  # the roles may let them act as somebody else
        ({"any": {**_BY_TEMPLATE["any"], "enabled": False}}, _OF_REALM, True),
        ({"any": {**_BY_TEMPLATE["any"], "rules": {"field": {"username": "ben"}}}}, _OF_REALM, True),
        (_BY_TEMPLATE, {"name": "anna.berg.support"}, True),  # who is no subject of role mappings
    ],
)
def test_roles_that_a_template_gives_are_unknown(mappings: Any, principal: dict[str, Any], known: bool) -> None:
    question = {**changed("security", "role_mappings", to=mappings), "principal": principal}
    told = answer_question(question)
    assert (told["allowed"] is None) is not known
    assert ("which roles role_mapping/any gives by its templates" in " ".join(told["reasons"])) is not known


def test_what_a_restriction_of_an_api_key_lets_through_is_unknown() -> None:
    role = {
        "indices": [{"names": ["*"], "privileges": ["all"]}],
        "restriction": {"workflows": ["search_application_query"]},
    }
    told = answer_question(changed("principal", "api_key", to={"role_descriptors": {"one": role}}))
    assert (told["allowed"], told["reasons"][-1]) == (
        None,
        "which requests the restriction of one lets through only the engine can tell",
    )


def test_a_user_is_taken_as_portcullis_itself_reads_them() -> None:
    """With the count of the writes of them, which decides nothing."""
    users = QUESTION["security"]["users"]
    read = {name: {**user, "written": [7, 1]} for name, user in users.items()}
    assert answer_question(changed("security", "users", to=read)) == answer_question(QUESTION)


def test_the_privileges_on_indices_may_be_called_index() -> None:
    role = {"index": [{"names": ["catalyst-*"], "privileges": ["read"]}]}
    assert answer_question(changed("security", "roles", "support", to=role))["allowed"] is True


@pytest.mark.parametrize(
    ("name", "document", "message"),
    [
        (
            "other",
            {"index_permissions": [{"index_patterns": ["*"], "allowed_actions": ["*"]}]},
            "q.json, security.roles.other.index_permissions: is no field that Elasticsearch has here, and OpenSearch has",
        ),
        (
            "other",
            {"indices": [{"names": ["a"], "privilege": ["read"]}]},
            "q.json, security.roles.other.indices[0].privilege: is no field that Elasticsearch has here (as the engine's GET shows it)",
        ),
        ("other", {"cluster": "all"}, "q.json, security.roles.other.cluster: Expected `array`, got `str`"),
    ],
)
def test_a_document_that_nobody_would_read_is_named(name: str, document: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput) as error:
        answer_question(changed("security", "roles", name, to=document), source="q.json")
    assert message in str(error.value)
