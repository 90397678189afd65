"""Requests of somebody who acts as another, of the holder of an API key with limits, and by roles whose filters are templates.

What is expected here is what 9.5.3, 8.19.21, 7.17.29 and 6.8.23 answered (benchmarks/deciding/wider.py asks them by thousands).
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from portcullis.families.elasticsearch.deciding.question import answer_question

Json = dict[str, Any]
RED, BLUE = {"term": {"team": "red"}}, {"term": {"team": "blue"}}


def on(names: str, *privileges: str, **more: Any) -> Json:
    return {"indices": [{"names": names.split(","), "privileges": list(privileges), **more}]}


ROLES: Json = {
    "logs": on("logs-*", "read"),
    "red": on("logs-*", "read", query=json.dumps(RED), field_security={"grant": ["team", "level"]}),
    "admin": {"cluster": ["manage_security"]},
    "acts": {"run_as": ["b*", "gone", "shut", "elastic"]},
}
USERS: Json = {
    "anna": {"roles": ["acts"]},
    "ben": {
        "roles": ["logs"],
        "full_name": "Ben B.",
        "metadata": {"team": "blue", "level": 2, "teams": ["red", "blue"]},
    },
    "shut": {"roles": ["logs"], "enabled": False},
    "cara": {"roles": ["logs"]},
}


def asked(principal: Json, path: str, roles: Json = ROLES, engine: str = "9.5.3", method: str = "GET") -> Json:
    return answer_question(
        {
            "engine": f"elasticsearch-{engine}",
            "security": {"roles": roles, "users": USERS},
            "principal": principal,
            "request": {"method": method, "path": path},
            "world": {"indices": ["logs-1", "logs-2", "pay-1"]},
        }
    )


@pytest.mark.parametrize(
    ("name", "run_as", "status"),
    [
        ("anna", "ben", 200),
        ("anna", "cara", 403),  # no pattern of theirs names her
        ("anna", "shut", 403),
        ("anna", "gone", 403),
        ("ben", "anna", 403),
        ("anna", "", 403),  # by herself she may read nothing
    ],
)
def test_whoever_acts_as_another_has_the_roles_of_the_other_alone(name: str, run_as: str, status: int) -> None:
    told = asked({"name": name, "run_as": run_as}, "/logs-1/_search")
    assert (told["allowed"], told["status"]) == (status == 200, status), told["reasons"]


def key(**limits: Json) -> Json:
    return {"name": "ben", "roles": ["logs", "red", "admin"], "api_key": {"role_descriptors": limits}}


@pytest.mark.parametrize(
    ("limits", "path", "indices"),
    [
        ({}, "/_all/_search", ["logs-1", "logs-2"]),
        ({"one": on("logs-1,pay-1", "read")}, "/_all/_search", ["logs-1"]),
        ({"one": on("pay-1", "read")}, "/_all/_search", []),
        ({"one": on("logs-1", "write")}, "/_all/_search", None),
        ({"one": on("logs-1", "read")}, "/logs-2/_search", None),
        ({"one": on("pay-1", "all")}, "/pay-1/_search", None),
        ({"one": {"cluster": ["all"]}}, "/_security/role", []),
        ({"one": {"cluster": ["monitor"]}}, "/_security/role", None),
        ({"one": {"cluster": ["all"]}}, "/_cluster/health", None),
    ],
)
def test_a_key_lets_through_what_its_owner_and_it_allow(limits: Json, path: str, indices: list[str] | None) -> None:
    told = asked(key(**limits), path)
    assert told["status"] == (403 if indices is None else 200), told["reasons"]
    assert told["indices"] == (indices or [])


def test_what_a_key_shows_is_what_both_show() -> None:
    limited = on("logs-*", "read", query=BLUE, field_security={"grant": ["team"]})
    principal = {"name": "ben", "roles": ["red"], "api_key": {"role_descriptors": {"k": limited}}}
    view = asked(principal, "/logs-1/_search")["views"]["logs-1"]
    assert view["documents"] == [json.dumps(RED)]
    assert view["fields"] == [{"grant": ["team", "level"], "except": []}]
    assert [json.loads(one) for one in view["within"]["documents"]] == [BLUE]
    assert view["within"]["fields"] == [{"grant": ["team"], "except": []}]


def test_limits_of_the_key_alone_refuse_an_update() -> None:
    principal = {
        "name": "ben",
        "roles": ["superuser"],
        "api_key": {"role_descriptors": {"k": on("logs-1", "all", query=BLUE)}},
    }
    assert asked(principal, "/logs-1/_update/1", method="POST")["status"] == 400


def test_a_key_has_what_its_owner_had_when_it_was_made() -> None:
    principal = {"name": "cara", "api_key": {"limited_by": [{"pay": on("pay-1", "read")}]}}
    assert asked(principal, "/pay-1/_search")["status"] == 200
    assert asked(principal, "/logs-1/_search")["status"] == 403


@pytest.mark.parametrize(
    ("source", "filled"),
    [
        ('{"term": {"team": "{{_user.metadata.team}}"}}', BLUE),
        ('{"term": {"team": "{{{_user.metadata.team}}}"}}', BLUE),
        ({"term": {"level": "{{_user.metadata.level}}"}}, {"term": {"level": "2"}}),
        ('{"term": {"who": "{{ _user.username }}"}}', {"term": {"who": "ben"}}),
        ('{"terms": {"team": {{#toJson}}_user.metadata.teams{{/toJson}}}}', {"terms": {"team": ["red", "blue"]}}),
        ('{"term": {"team": "{{_user.metadata.absent}}"}}', {"term": {"team": ""}}),
    ],
)
def test_a_template_is_filled_in_for_whoever_asks(source: Any, filled: Json) -> None:
    roles = {**ROLES, "logs": on("logs-*", "read", query=json.dumps({"template": {"source": source}}))}
    told = asked({"name": "ben"}, "/logs-1/_search", roles, "6.8.23")
    assert [json.loads(one) for one in told["views"]["logs-1"]["documents"]] == [filled]
    assert not any("template" in why for why in told["reasons"])


@pytest.mark.parametrize("source", ["{{#_user.roles}}x{{/_user.roles}}", "{{_user.metadata.teams}}", "{{> part}}"])
def test_a_template_that_only_the_engine_fills_in_stays_and_is_said_to(source: str) -> None:
    template = {"template": {"source": f'{{"term": {{"a": "{source}"}}}}'}}
    roles = {**ROLES, "logs": on("logs-*", "read", query=json.dumps(template))}
    told = asked({"name": "ben"}, "/logs-1/_search", roles, "6.8.23")
    assert [json.loads(one) for one in told["views"]["logs-1"]["documents"]] == [template]
    assert any("only the engine knows" in why for why in told["reasons"])


def test_a_key_changes_no_password_of_its_owner() -> None:
    assert asked({"name": "ben"}, "/_security/user/ben/_password", method="PUT")["status"] == 200
    by_key = {"name": "ben", "api_key": {"role_descriptors": {"one": on("*", "all")}}}
    assert asked(by_key, "/_security/user/ben/_password", method="PUT")["status"] == 403
    assert asked(by_key, "/_security/user/ben/_has_privileges")["status"] == 200


@pytest.mark.parametrize(("engine", "status"), [("9.5.3", 400), ("8.19.21", 400), ("7.17.29", 500), ("6.8.23", 500)])
def test_what_a_key_with_limits_may_is_told_elsewhere(engine: str, status: int) -> None:
    by_key = {"name": "ben", "api_key": {"role_descriptors": {"one": on("*", "all")}}}
    assert asked(by_key, "/_security/user/_privileges", engine=engine)["status"] == status
    assert asked({"name": "ben"}, "/_security/user/_privileges", engine=engine)["status"] == 200
