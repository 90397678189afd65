"""The question as JSON, and its answer."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from portcullis.access.actual import Json
from portcullis.errors import BadInput
from portcullis.families.opensearch.question import answer

QUESTION: Json = {
    "security": {
        "roles": {
            "r": {
                "index_permissions": [
                    {
                        "index_patterns": ["a"],
                        "allowed_actions": ["read"],
                        "dls": '{"match_all": {}}',
                        "fls": ["~x"],
                        "masked_fields": ["m"],
                    }
                ]
            }
        },
        "rolesmapping": {"r": {"backend_roles": ["staff"]}},
    },
    "principal": {"name": "anna", "backend_roles": ["staff"]},
    "request": {"action": "indices:data/read/search", "indices": ["a", "b"]},
    "world": {"indices": ["a", "b"], "do_not_fail_on_forbidden": True},
}
READ: dict[str, Json] = {"read": {"allowed_actions": ["indices:data/read*"]}}


def changed(*path: str, to: Any) -> Json:
    question = copy.deepcopy(QUESTION)
    part = question
    for key in path[:-1]:
        part = part.setdefault(key, {})
    part[path[-1]] = to
    return question


def test_an_answer_says_what_is_seen_and_why() -> None:
    told = answer(QUESTION, READ)
    assert json.loads(json.dumps(told)) == told
    assert (told["allowed"], told["indices"], told["roles"]) == (
        True,
        ["a"],
        {"r": "rolesmapping/r/backend_roles: staff"},
    )
    assert told["views"]["a"] == {
        "allowed": True,
        "documents": ['{"match_all": {}}'],
        "fields": {"exclude": ["x"]},
        "masked": ["m"],
        "reasons": [
            "indices:data/read/search on a through r",
            "documents limited by r",
            "fields limited by r",
            "masked fields limited by r",
            "masks hide text alone: numbers, true and false, and objects are shown as they are",
        ],
    }
    assert told["views"]["b"] == {
        "allowed": False,
        "reasons": ["no index permission of r on b covers indices:data/read/search"],
    }


def test_without_the_engines_own_action_groups_a_name_means_nothing() -> None:
    assert answer(QUESTION)["allowed"] is False


def test_a_question_in_the_words_of_6_is_understood() -> None:
    roles = {"r": {"indices": {"a": {"*": ["READ"]}}}}
    question = changed("security", to={"roles": roles, "rolesmapping": {"r": {"backendroles": ["staff"]}}}) | {
        "engine": "6.x"
    }
    told = answer(question, READ)
    assert told["indices"] == ["a"]
    assert told["views"]["a"]["documents"] == told["views"]["a"]["fields"] == "all"


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ([], "q.json, the question: is no object (an object)"),
        ({}, "q.json, security: is missing (an object)"),
        (changed("engine", to="solr"), "q.json, engine: solr is no engine known here (one of 6.x, 7.x, opensearch)"),
        (changed("engine", to=7), "q.json, engine: is of the wrong kind (a string)"),
        (changed("user", to={}), "q.json, user: is not known (one of engine, security, principal, request, world)"),
        (changed("request", "action", to=None), "q.json, request.action: is of the wrong kind (a string)"),
        (changed("request", "indices", to="a"), "q.json, request.indices: is of the wrong kind (a list of strings)"),
        (changed("principal", to={}), "q.json, principal.name: is missing (a string)"),
        (changed("security", "roles", "r", to="x"), "q.json, security.roles.r: is no document (an object)"),
        (
            changed("world", "dfm_empty_overrides_all", to="yes"),
            "q.json, world.dfm_empty_overrides_all: is of the wrong kind",
        ),
    ],
)
def test_a_bad_question_gets_one_clear_error(question: Any, message: str) -> None:
    with pytest.raises(BadInput) as error:
        answer(question, source="q.json")
    assert str(error.value).startswith(message)
