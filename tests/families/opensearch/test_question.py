"""The question as JSON, and its answer."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from portcullis.access.actual import Json
from portcullis.access.questions.answers import Request, There
from portcullis.access.terms import Caller
from portcullis.errors import BadInput
from portcullis.families.opensearch.deciding.answering import OPENSEARCH
from portcullis.families.opensearch.deciding.question import answer
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig
from portcullis.families.opensearch.limiting.known import known
from portcullis.families.opensearch.requesting.actions import IN_POINT
from portcullis.families.opensearch.requesting.requests import needs

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
        (
            changed("user", to={}),
            "q.json, user: is not known (one of engine, security, principal, request, world, documents, remotes)",
        ),
        (changed("request", "action", to=None), "q.json, request.action: is of the wrong kind (a string)"),
        (changed("request", "indices", to="a"), "q.json, request.indices: is of the wrong kind (a list of strings)"),
        (changed("request", to={"method": "GET"}), "q.json, request.action: is missing (or a method and a path)"),
        (changed("world", "release", to="1.3"), "q.json, world.release: 1.3 is no release known here"),
        (changed("world", "now", to="today"), "q.json, world.now: is no moment (2026-11-28T09:00:00Z)"),
        (changed("principal", to={}), "q.json, principal.name: is missing (a string)"),
        (
            changed("security", "roles", "r", to="x"),
            "q.json, security.roles.r: is of the wrong kind: Expected `object`, got `str`",
        ),
        (
            changed("world", "dfm_empty_overrides_all", to="yes"),
            "q.json, world.dfm_empty_overrides_all: is of the wrong kind",
        ),
        # Read as nothing, each of these would give nobody anything.
        (
            changed("security", "roles", "r", to={"cluster": ["*"], "indices": {"*": {"*": ["*"]}}}),
            "q.json, security.roles.r.cluster: is no field that opensearch has here, and 6.x has (engine: 6.x)",
        ),
        (
            changed("security", "rolesmapping", "r", to={"backendroles": ["staff"]}),
            "q.json, security.rolesmapping.r.backendroles: is no field that opensearch has here, and 6.x has (engine: 6.x)",
        ),
        (
            changed("security", "internalusers", to={"anna": {"roles": ["staff"]}}),
            "q.json, security.internalusers.anna.roles: is no field that opensearch has here, and 6.x has (engine: 6.x)",
        ),
        (
            changed("security", "actiongroups", to={"own": {"permissions": ["*"]}}),
            "q.json, security.actiongroups.own.permissions: is no field that opensearch has here, and 6.x has (engine: 6.x)",
        ),
        (
            {**QUESTION, "engine": "6.x"},
            "q.json, security.roles.r.index_permissions: is no field that 6.x has here, and opensearch has (engine: opensearch)",
        ),
        (
            changed("security", "roles", "r", "index_permission", to=[]),
            "q.json, security.roles.r.index_permission: is no field that opensearch has here (as the engine's GET shows it)",
        ),
        (
            changed("security", "roles", "r", "index_permissions", to=[{"names": ["*"], "allowed_actions": ["*"]}]),
            "q.json, security.roles.r.index_permissions[0].names: is no field that opensearch has here",
        ),
    ],
)
def test_a_bad_question_gets_one_clear_error(question: Any, message: str) -> None:
    with pytest.raises(BadInput) as error:
        answer(question, source="q.json")
    assert str(error.value).startswith(message)


R, W = "indices:data/read/", "indices:data/write/"


@pytest.mark.parametrize(
    ("method", "path", "body", "wanted"),
    [
        ("GET", "a/_search", None, [(f"{R}search", "a", None)]),
        ("POST", "/a,b/_count?q=x", {}, [(f"{R}search", "a,b", None)]),
        ("GET", "_search", None, [(f"{R}search", "", None)]),
        ("GET", "%3Clogs-%7Bnow%2Fd%7D%3E/_search", None, [(f"{R}search", "<logs-{now/d}>", None)]),
        (
            "PUT",
            "a/_doc/1",
            {},
            [(f"{W}bulk", "a", None), (f"{W}index", "a", None), (f"{W}bulk[s]", "a", None)],
        ),
        ("POST", "_search/scroll", {"scroll_id": "x"}, [(f"{R}scroll", "", None)]),
        (
            "POST",
            "a/_bulk",
            '{"index": {}}\n{"n": 1}\n{"delete": {"_index": "b", "_id": "1"}}\n',
            [
                (f"{W}bulk", "", None),
                (f"{W}bulk[s]", "a", 0),
                (f"{W}index", "a", 0),
                (f"{W}bulk[s]", "b", 1),
                (f"{W}delete", "b", 1),
            ],
        ),
        (
            "POST",
            "_msearch",
            [{"index": "a"}, {}, {"index": ["a", "b"]}, {}, {}, {}],
            [(f"{R}msearch", "", None), (f"{R}search", "a", 0), (f"{R}search", "a,b", 1), (f"{R}search", "", 2)],
        ),
        (
            "POST",
            "_mget",
            {"docs": [{"_index": "a", "_id": "1"}]},
            [(f"{R}mget", "", None), (f"{R}mget[shard]", "a", 0)],
        ),
        ("GET", "a/_settings/index.hidden", None, [("indices:monitor/settings/get", "a", None)]),
        ("PUT", "a/_settings", {}, [("indices:admin/settings/update", "a", None)]),
        ("GET", "a/_mapping", None, [("indices:admin/mappings/get", "a", None)]),
        ("PUT", "a/_mapping", {}, [("indices:admin/mapping/put", "a", None)]),
        ("GET", "a/_explain/1%2F2", None, [(f"{R}explain", "a", None)]),
        ("POST", "a/_mget", {"ids": ["1"]}, [(f"{R}mget", "", None), (f"{R}mget[shard]", "a", 0)]),
    ],
)
def test_a_request_as_people_send_it_needs_these(
    method: str, path: str, body: Any, wanted: list[tuple[str, str, int | None]]
) -> None:
    assert [(one.action, ",".join(one.indices), one.item) for one in needs(method, path, body)] == wanted


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "_plugins/_sql", {"query": "select 1"}),
        ("POST", "_bulk", "no json"),
        ("POST", "_bulk", None),
        ("POST", "_bulk", [{"index": {}}]),
        ("POST", "_bulk", [{"drop": {}}]),
        ("POST", "_mget", []),
        ("GET", "a/_unheard_of", None),
        ("POST", "a/_asynchronous_search", None),
        ("POST", "_aliases", {"actions": [{"swap": {}}]}),
        ("POST", "_reindex", {"source": {"remote": {}, "index": "a"}, "dest": {"index": "b"}}),
        ("DELETE", "_search/point_in_time", {"pit_id": "none"}),
        ("GET", "a/_count/x", None),
        ("GET", "a/_doc/1/x", None),
        ("DELETE", "a//x", None),
    ],
)
def test_what_a_request_needs_is_unknown_and_never_guessed(method: str, path: str, body: Any) -> None:
    told = answer(changed("request", to={"method": method, "path": path, "body": body}), READ)
    assert told["allowed"] is None
    assert told["unknown"]


@pytest.mark.parametrize(("query", "seen"), [("", ["a-1"]), ("?expand_wildcards=all", ["a-1", "a-2"])])
def test_a_request_is_answered_by_how_it_reads_names(query: str, seen: list[str]) -> None:
    role = {"index_permissions": [{"index_patterns": ["a-*"], "allowed_actions": [f"{R}search"]}]}
    held = SecurityConfig({Kind.ROLES: {"r": role}, Kind.MAPPINGS: {"r": {"users": ["anna"]}}})
    there = There(("a-1", "a-2"), hidden=("a-2",), aliases={}, every=True)
    told = OPENSEARCH.answer(held, Caller("anna"), Request("GET", f"a-*/_search{query}"), there)
    assert (told.allowed, [one.index for one in told.seen]) == (True, seen)


def test_items_of_a_request_are_answered_one_by_one() -> None:
    body = [{"index": "a"}, {}, {"index": "b"}, {}]
    question = changed("request", to={"method": "POST", "path": "_msearch", "body": body})
    refused = answer(question, READ)
    assert (refused["allowed"], refused["items"]) == (False, {"0": True, "1": False})
    question["security"]["roles"]["r"]["cluster_permissions"] = [f"{R}msearch"]
    told = answer(question, READ)
    assert (told["allowed"], told["items"]) == (True, {"0": True, "1": False})
    assert [one["item"] for one in told["needs"]] == [None, 0, 1]


@pytest.mark.parametrize(("method", "path"), [("PUT", "a/_doc/1"), ("POST", "a/_create/1"), ("DELETE", "a/_doc/1")])
@pytest.mark.parametrize(("granted", "allowed"), [([f"{W}bulk"], True), ([], False)])
def test_a_document_sent_alone_is_answered_whole(method: str, path: str, granted: list[str], allowed: bool) -> None:
    question = changed("request", to={"method": method, "path": path, "body": {"n": 1}})
    role = {"index_patterns": ["a"], "allowed_actions": [f"{W}*"]}
    question["security"]["roles"]["r"] = {"cluster_permissions": granted, "index_permissions": [role]}
    told = answer(question, READ)
    assert (told["allowed"], told["items"], told["unknown"]) == (allowed, {}, [])


# What is asked, whether it is about b, whose filter is no query: 2.19 then ends all of it in an error.
ABOUT_BROKEN: list[tuple[str, str, Any, bool]] = [
    ("GET", "_cluster/health", None, True),
    ("GET", "_cluster/health/a", None, False),
    ("GET", "_cluster/health/a,b", None, True),
    ("GET", "_tasks", None, True),
    ("GET", "_search/scroll", {"scroll_id": "x"}, True),
    ("DELETE", "_search/scroll/_all", None, True),
    ("PUT", "_snapshot/x/y", {"indices": "a"}, False),
    ("PUT", "_snapshot/x/y", {"indices": ["b"]}, True),
    ("PUT", "_snapshot/x/y", None, True),
    ("POST", "_msearch", [{"index": "a"}, {}], False),
    ("POST", "_msearch", [{"index": "a"}, {}, {"index": "b"}, {}], True),
    ("POST", "_msearch", [{"index": "a"}, {}, {}, {}], True),
    ("POST", "_msearch/template", [{"index": "a"}, {}], True),
    ("POST", "_mget", {"docs": [{"_index": "a", "_id": "1"}]}, False),
    ("POST", "_mget", {"docs": [{"_index": "a", "_id": "1"}, {"_index": "b", "_id": "1"}]}, True),
    ("POST", "_bulk", [{"index": {"_index": "a"}}, {"n": 1}], False),
    ("POST", "_bulk", [{"index": {"_index": "a"}}, {"n": 1}, {"delete": {"_index": "b", "_id": "1"}}], True),
]


@pytest.mark.parametrize("release", ["2.19.3", "3.4.0"])
@pytest.mark.parametrize(("method", "path", "body", "broken"), ABOUT_BROKEN)
def test_on_2_a_filter_that_is_no_query_ends_what_is_about_it(
    release: str, method: str, path: str, body: Any, broken: bool
) -> None:
    question = changed("request", to={"method": method, "path": path, "body": body})
    limited = {"index_patterns": ["b"], "allowed_actions": ["*"], "dls": "no query"}
    free = {"index_patterns": ["a"], "allowed_actions": ["*"]}
    question["security"]["roles"]["r"] = {"cluster_permissions": ["*"], "index_permissions": [free, limited]}
    question["world"] = {"indices": ["a", "b"], "release": release, "fields": {"a": ["n"]}}
    told = answer(question, READ)
    of_whole = [one for one in told["needs"] if one["item"] is None]
    refused = [one["reasons"] for one in of_whole if not one["allowed"]]
    assert refused == ([["a document filter of r is no query: refused"]] if broken and release == "2.19.3" else []), (
        told
    )
    assert told["allowed"] is (not refused) or (release == "3.4.0" and broken)


@pytest.mark.parametrize(("indices", "allowed"), [(["logs-*"], True), (["*"], False), ([], False)])
def test_whoever_asks_for_everything_asks_for_the_plugins_own_index_too(indices: list[str], allowed: bool) -> None:
    question = changed("request", to={"action": f"{R}search", "indices": indices})
    role = {"index_patterns": ["logs-*"], "allowed_actions": [f"{R}*"]}
    question["security"]["roles"]["r"] = {"index_permissions": [role]}
    question["world"] = {"indices": ["logs-1"]}
    told = answer(question, READ)
    assert told["allowed"] is allowed
    question["security"]["roles"]["r"]["index_permissions"][0]["index_patterns"] = ["*"]
    whole = answer(question, READ)
    assert (whole["allowed"], whole["indices"]) == (True, ["logs-1"])


def test_an_internal_user_has_the_backend_roles_of_the_config() -> None:
    question = changed("principal", to={"name": "anna"})
    assert not answer(question, READ)["allowed"]
    question["security"]["internalusers"] = {"anna": {"backend_roles": ["staff"], "attributes": {"x": "1"}}}
    assert answer(question, READ)["allowed"]


def test_what_a_bulk_request_writes_to_one_index_may_be_refused_together() -> None:
    body = [{"index": {"_index": "a"}}, {}, {"delete": {"_index": "a", "_id": "1"}}, {"index": {"_index": "b"}}, {}]
    question = changed("request", to={"method": "POST", "path": "_bulk", "body": body})
    role = {"index_patterns": ["*"], "allowed_actions": [f"{W}bulk*", f"{W}index"]}
    question["security"]["roles"]["r"] = {"cluster_permissions": [f"{W}bulk"], "index_permissions": [role]}
    told = answer(question, READ)
    assert (told["allowed"], told["items"]) == (True, {"0": None, "1": False, "2": True})
    assert "items of a that lie on one shard are refused together" in told["unknown"][0]


@pytest.mark.parametrize(
    "request_",
    [
        {"action": "indices:data/read/search", "indices": ["a", "dc2:a"]},
        {"method": "GET", "path": "dc2:a/_search"},
    ],
)
def test_another_clusters_index_is_unknown_and_none_of_this_side(request_: Json) -> None:
    question = changed("request", to=request_)
    question["security"]["roles"]["r"]["index_permissions"][0]["index_patterns"] = ["*"]
    told = answer(question, READ)
    doubts = [one for need in told.get("needs", [told]) for one in need["unknown"]]
    assert told["allowed"] is not True
    assert any("dc2:a is of another cluster" in one for one in doubts)


TENANT = "global_tenant"
BY_TENANTS: list[tuple[list[tuple[str, str]], str, str, bool | None]] = [
    ([], "GET", ".kibana/_search", None),
    ([], "GET", ".kibana,a/_search", None),
    ([], "GET", ".kibana_1/_search", True),
    ([], "GET", ".kib*/_search", None),
    ([], "GET", "*/_search", True),
    ([], "GET", "a,.kibana_1/_search", True),
    ([], "GET", ".kibana,other/_search", True),
    ([("other", "kibana_all_write")], "GET", ".kibana/_search", None),
    ([(TENANT, "kibana_all_read")], "GET", ".kibana/_search", True),
    ([(TENANT, "kibana_all_read")], "PUT", ".kibana/_mapping", None),
    ([("glob*", "kibana_all_write")], "PUT", ".kibana/_mapping", True),
    ([("*", "kibana:saved_objects/*/write")], "PUT", ".kibana/_mapping", True),
]


@pytest.mark.parametrize(("tenants", "method", "path", "allowed"), BY_TENANTS)
def test_by_the_name_of_dashboards_index_a_tenant_is_asked_for_too(
    tenants: list[tuple[str, str]], method: str, path: str, allowed: bool | None
) -> None:
    question = changed("request", to={"method": method, "path": path, "body": {}})
    given = [{"tenant_patterns": [name], "allowed_actions": [may]} for name, may in tenants]
    everything = {"index_patterns": ["*"], "allowed_actions": ["*"]}
    question["security"]["roles"]["r"] = {"index_permissions": [everything], "tenant_permissions": given}
    question["world"] = {"indices": ["a", ".kibana_1"], "aliases": {".kibana": [".kibana_1"], "other": ["a"]}}
    groups = {
        "kibana_all_read": {"allowed_actions": ["kibana:saved_objects/*/read"]},
        "kibana_all_write": {"allowed_actions": ["kibana:saved_objects/*/write"]},
    }
    told = answer(question, groups)
    assert (told["allowed"], any("tenant" in line for line in told["unknown"])) == (allowed, allowed is None)


LOOK_UP = {"query": {"bool": {"filter": [{"terms": {"n": {"index": "b", "id": "1", "path": "n"}}}]}}}


@pytest.mark.parametrize("held", [["a"], ["a", "b"]])
@pytest.mark.parametrize("path", ["a/_search", "a/_count", "_msearch"])
def test_whoever_looks_up_terms_needs_to_read_the_document_that_holds_them(held: list[str], path: str) -> None:
    body: Any = [{"index": "a"}, LOOK_UP] if path == "_msearch" else LOOK_UP
    question = changed("request", to={"method": "POST", "path": path, "body": body})
    role = {"index_patterns": held, "allowed_actions": [f"{R}*"]}
    question["security"]["roles"]["r"] = {"cluster_permissions": ["*"], "index_permissions": [role]}
    told = answer(question, READ)
    assert (told["items"]["0"] if path == "_msearch" else told["allowed"]) is ("b" in held)


@pytest.mark.parametrize(
    ("release", "entries", "seen"),
    [
        # As nodes answered; each has the search on a. What no role has an entry for 3.4.0 shows nothing of.
        ("2.19.3", [], ["a", "b"]),
        ("3.4.0", [], ["a"]),
        ("3.4.0", [{"index_patterns": ["b"], "allowed_actions": []}], ["a", "b"]),
        ("3.4.0", [{"index_patterns": ["b"], "allowed_actions": [f"{R}get"], "fls": ["~x"]}], ["a", "b"]),
        ("2.19.3", [{"index_patterns": ["b"], "allowed_actions": [f"{R}get"], "fls": ["~x"]}], ["a", "b"]),
    ],
)
def test_what_is_left_out_of_a_point_in_time_is_searched_all_the_same(
    release: str, entries: list[Json], seen: list[str]
) -> None:
    options = {IN_POINT: "true"}
    question = changed("request", to={"action": f"{R}search", "indices": ["a", "b"], "options": options})
    role = {"index_patterns": ["a"], "allowed_actions": [f"{R}search"]}
    question["security"]["roles"]["r"] = {"index_permissions": [role, *entries]}
    question["world"] = {"indices": ["a", "b"], "release": release, "do_not_fail_on_forbidden": True}
    told = answer(question, READ)
    assert (told["allowed"], told["indices"]) == (True, seen)
    if entries and "fls" in entries[0]:
        assert told["views"]["b"]["fields"] == {"exclude": ["x"]}
    question["security"]["roles"]["r"] = {"index_permissions": entries}
    assert answer(question, READ)["allowed"] is False  # who may search none of them


# ---------------------------------------------------------------------- documents


def of_documents(documents: Any, path: str = "/logs-*/_search", **world: Any) -> Any:
    question = {
        "security": {
            "roles": {
                "r": {
                    "cluster_permissions": ["cluster_composite_ops_ro"],
                    "index_permissions": [
                        {
                            "index_patterns": ["logs-*"],
                            "allowed_actions": ["read"],
                            "dls": '{"term": {"team": "red"}}',
                            "fls": ["~secret"],
                            "masked_fields": ["card"],
                        }
                    ],
                }
            },
            "rolesmapping": {"r": {"users": ["anna"]}},
        },
        "principal": {"name": "anna"},
        "request": {"method": "GET", "path": path},
        "world": {"indices": ["logs-1", "logs-2", "other"], **world},
        "documents": documents,
    }
    return answer(question, known("OpenSearch_3.3").action_groups, source="q.json")["documents"]


RED = {"team": "red", "secret": "s", "card": "4111"}


def test_of_a_document_is_said_whether_it_is_seen_and_what_is_left_of_it() -> None:
    (one,) = of_documents([{"_index": "logs-1", "_id": "7", "_source": RED}])
    assert one == {
        "document": 1,
        "index": "logs-1",
        "id": "7",
        "seen": True,
        "source": {"team": "red", "card": "(masked)"},
        "masked": ["card"],
        "unknown": [],
    }


def test_a_document_without_an_index_is_asked_of_each_that_is_reached() -> None:
    assert [(one["index"], one["seen"]) for one in of_documents([RED])] == [("logs-1", True), ("logs-2", True)]


@pytest.mark.parametrize(
    ("document", "path", "seen"),
    [
        ({"_index": "logs-1", "_source": {"team": "blue"}}, "/logs-*/_search", False),
        ({"_index": "logs-1", "_source": {"team": "Red"}}, "/logs-*/_search", None),  # as words it is found
        ({"_index": "other", "_source": RED}, "/logs-*/_search", False),  # not asked for
        ({"_index": "logs-1", "_source": RED}, "/other/_search", False),  # refused
        ({"_index": "logs-1", "_source": RED}, "/logs-1/_doc/7", True),
        ({"_index": "logs-2", "_source": RED}, "/logs-1/_doc/7", False),
    ],
    ids=str,
)
def test_what_is_not_reached_or_not_found_is_not_seen(document: Any, path: str, seen: bool | None) -> None:
    (one,) = of_documents([document], path)
    assert one["seen"] is seen
    assert (one["source"] is None) is (seen is False)


@pytest.mark.parametrize("documents", ["x", {"a": 1}, [1], [{"_source": 1}], [{"_source": {}, "_index": 3}]], ids=str)
def test_what_is_no_document_names_its_place(documents: Any) -> None:
    with pytest.raises(BadInput, match="documents"):
        of_documents(documents)


def test_an_attribute_without_a_value_is_none() -> None:
    """As on nodes of 2.19.3 and 3.4.0, which keep nothing of it."""
    one = {"index_patterns": ["a", "${attr.internal.team}*"], "allowed_actions": ["read"]}
    question = changed("security", "roles", "r", to={"index_permissions": [one]})
    question["security"]["internalusers"] = {"anna": {"backend_roles": ["staff"], "attributes": {"team": None}}}
    question["principal"] = {"name": "anna"}
    assert answer(question, READ)["indices"] == ["a"]
