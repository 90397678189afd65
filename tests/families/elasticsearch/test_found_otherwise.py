"""Kinds of requests that real servers answered otherwise than we did, each as a case (benchmarks/deciding/wider.py finds such)."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.families.elasticsearch.deciding.question import answer_question

Json = dict[str, Any]
WORLD: Json = {
    "indices": ["logs-1", "logs-2", "pay-1", {"name": "shut-1", "closed": True}],
    "aliases": {"al-1": ["logs-1"], "al-both": ["logs-1", "pay-1"]},
    "data_streams": {"ds-app": [".ds-ds-app-1"]},
}
ALL: Json = {"indices": [{"names": ["*"], "privileges": ["all"]}]}
LOGS: Json = {"indices": [{"names": ["logs-*"], "privileges": ["all"]}]}
READS: Json = {"indices": [{"names": ["logs-2"], "privileges": ["read"]}]}
HIDING: Json = {"indices": [{"names": ["*"], "privileges": ["all"], "query": {"term": {"a": 1}}}]}
WRITES: Json = {"indices": [{"names": ["logs-2"], "privileges": ["write"]}]}
ADDS: Json = {"indices": [{"names": ["logs-2"], "privileges": ["create"]}]}
LOOKS: Json = {"indices": [{"names": ["pay-1"], "privileges": ["view_index_metadata"]}]}
ADMIN: Json = {"cluster": ["manage_security"]}


def asked(role: Json, method: str, path: str, body: Any = None, *, engine: str = "9.5.3") -> Json:
    return answer_question(
        {
            "engine": f"elasticsearch-{engine}",
            "security": {"roles": {"r": role}},
            "principal": {"name": "anna", "roles": ["r"]},
            "request": {"method": method, "path": path, "body": body},
            "world": WORLD,
        }
    )


@pytest.mark.parametrize(
    ("role", "method", "path", "engine", "allowed", "status"),
    [
        # Whoever sees no index is told that there is no such alias, and is asked nothing; 6.8 tells of no alias at all before.
        pytest.param(READS, "GET", "/nothing-*/_alias/al-1", "9.5.3", False, 403, id="no-right-to-look"),
        pytest.param(LOOKS, "GET", "/nothing-*/_alias/al-1", "9.5.3", True, 404, id="nothing-visible"),
        pytest.param(LOOKS, "GET", "/pay-1/_alias/al-1", "9.5.3", False, 403, id="alias-refused"),
        pytest.param(ALL, "GET", "/logs-1/_alias/al-1", "9.5.3", True, 200, id="alias-there"),
        pytest.param(ALL, "GET", "/logs-2/_alias/al-1", "9.5.3", True, 404, id="alias-of-another-index"),
        pytest.param(LOOKS, "GET", "/pay-1/_alias", "6.8.23", True, 404, id="no-alias-visible-on-6"),
        pytest.param(LOOKS, "GET", "/pay-1/_alias", "7.17.29", True, 200, id="no-alias-visible-later"),
        # Changing aliases under limits, and telling what somebody else may do.
        pytest.param(HIDING, "PUT", "/logs-1/_alias/al-1", "9.5.3", False, 400, id="aliases-under-limits"),
        pytest.param(ALL, "PUT", "/logs-1/_alias/al-1", "9.5.3", True, 200, id="aliases-without"),
        pytest.param(ADMIN, "GET", "/_security/user/ben/_has_privileges", "9.5.3", False, 400, id="what-ben-may"),
        pytest.param(READS, "GET", "/_security/user/ben/_has_privileges", "9.5.3", False, 403, id="nor-asked"),
        pytest.param(READS, "GET", "/_security/user/anna/_has_privileges", "9.5.3", True, 200, id="what-anna-may"),
        pytest.param(READS, "PUT", "/_security/user/anna/_password", "9.5.3", True, 200, id="own-password"),
        pytest.param(READS, "PUT", "/_security/user/ben/_password", "9.5.3", False, 403, id="another-password"),
        # What an alias of several indices is written to is said nowhere here.
        pytest.param(ALL, "PUT", "/al-both/_doc/1", "9.5.3", True, None, id="alias-of-several-written"),
        pytest.param(WRITES, "PUT", "/al-both/_doc/1", "9.5.3", False, None, id="alias-of-several-refused"),
        pytest.param(ALL, "PUT", "/ds-app/_doc/1", "9.5.3", True, 400, id="stream-by-id"),
        pytest.param(ALL, "POST", "/ds-app/_update/1", "9.5.3", True, 400, id="stream-updated"),
        pytest.param(WRITES, "POST", "/ds-app/_update/1", "9.5.3", False, 403, id="stream-updated-may-elsewhere"),
        pytest.param(READS, "POST", "/ds-app/_update/1", "8.19.21", False, 403, id="stream-updated-no-right"),
        pytest.param(ALL, "POST", "/shut-1/_update/1", "9.5.3", True, 403, id="closed-updated"),
        pytest.param(WRITES, "POST", "/shut-1/_update/1", "9.5.3", False, 403, id="closed-updated-may-elsewhere"),
        pytest.param(WRITES, "PUT", "/shut-1/_doc/1", "9.5.3", False, 400, id="closed-written-may-elsewhere"),
        pytest.param(ALL, "GET", "/al-both/_analyze", "9.5.3", True, 400, id="analyze-of-several"),
        # That there is no such index is told to whoever may delete documents of another, and not to who may only write some.
        pytest.param(ADDS, "DELETE", "/absent/_doc/none", "9.5.3", False, 403, id="delete-absent-no-right"),
        pytest.param(WRITES, "DELETE", "/absent/_doc/none", "9.5.3", False, 404, id="delete-absent-may-elsewhere"),
        # No wildcard is expanded.
        pytest.param(READS, "GET", "/pay-1/_search_shards?expand_wildcards=none", "9.5.3", True, 200, id="nothing-left"),
        pytest.param(ALL, "GET", "/absent/_stats?expand_wildcards=none", "7.17.29", True, 200, id="one-absent-on-7"),
        pytest.param(ALL, "GET", "/absent,b/_stats?expand_wildcards=none", "7.17.29", True, 404, id="two-absent-on-7"),
        pytest.param(ALL, "GET", "/absent/_stats?expand_wildcards=none", "9.5.3", True, 404, id="one-absent-on-9"),
        pytest.param(READS, "GET", "/-*/_search?expand_wildcards=none", "6.8.23", True, 200, id="nothing-on-6"),
        pytest.param(READS, "GET", "/x*/_validate/query", "7.17.29", False, 403, id="validate-no-right"),
        pytest.param(LOOKS, "GET", "/x*/_validate/query", "7.17.29", True, 404, id="validate-nothing-on-7"),
        pytest.param(LOOKS, "GET", "/x*/_validate/query", "9.5.3", True, 200, id="validate-nothing-on-9"),
        pytest.param(
            ALL, "GET", "/shut-1/_search?ignore_unavailable=true&allow_no_indices=false", "9.5.3", True, 404, id="all-closed"
        ),
        pytest.param(ALL, "GET", "/logs-1,_all/_validate/query", "6.8.23", True, 200, id="no-such-name-is-no-valid-query"),
        # A closed index is in the way of its fields, by another name on 7.17.
        pytest.param(ALL, "GET", "/shut-1/_field_caps", "7.17.29", True, 403, id="fields-of-closed-on-7"),
        pytest.param(ALL, "GET", "/shut-1/_field_caps", "9.5.3", True, 400, id="fields-of-closed-on-9"),
        # Which fields there are is no part of view_index_metadata on 6.8.
        pytest.param(LOOKS, "GET", "/pay-1/_field_caps", "6.8.23", False, 403, id="fields-on-6"),
        pytest.param(LOOKS, "GET", "/pay-1/_field_caps", "7.17.29", True, 200, id="fields-on-7"),
        # A name between angle brackets is that name, where one document is asked for.
        pytest.param(LOGS, "GET", "/<logs-1>/_doc/1", "9.5.3", True, 200, id="worked-out"),
        pytest.param(READS, "GET", "/<logs-1>/_doc/1", "7.17.29", False, 403, id="worked-out-refused"),
        pytest.param(WRITES, "POST", "/<logs-1>/_update_by_query", "6.8.23", True, 404, id="worked-out-by-query-on-6"),
        pytest.param(HIDING, "POST", "/<logs-1>/_doc/1/_update", "6.8.23", None, None, id="worked-out-under-limits-on-6"),
    ],
)  # fmt: skip
def test_a_request_is_answered_as_the_servers_did(
    role: Json, method: str, path: str, engine: str, allowed: bool | None, status: int | None
) -> None:
    told = asked(role, method, path, {}, engine=engine)
    assert (told["allowed"], told["status"]) == (allowed, status), told["reasons"]


@pytest.mark.parametrize(
    ("role", "path", "names", "told"),
    [
        (READS, "_mget", ("shut-1", "al-both", "<logs-2>", "absent"), [(False, 400), (False, 400), (True, 200), (False, 404)]),
        # By one name nothing may be read or written of an index: on one shard the other is refused with it.
        ({"indices": [{"names": ["al-1"], "privileges": ["all"]}]}, "_mget", ("logs-1", "al-1"), [(False, 403), (None, None)]),
        ({"indices": [{"names": ["al-1"], "privileges": ["all"]}]}, "_bulk", ("logs-1", "al-1"), [(False, 403), (None, None)]),
        (WRITES, "_bulk", ("logs-2", "shut-1", "al-both"), [(True, 200), (False, 400), (False, None)]),
        (ALL, "_bulk", ("logs-1", "al-1", "ds-app"), [(True, 200), (True, 200), (True, 400)]),
    ],
)  # fmt: skip
def test_items_are_answered_one_by_one(role: Json, path: str, names: tuple[str, ...], told: list[Any]) -> None:
    docs = [{"_index": name, "_id": "1"} for name in names]
    body: Any = {"docs": docs} if path == "_mget" else [line for one in docs for line in ({"index": one}, {})]
    items = asked(role, "POST", f"/{path}", body)["items"]
    assert [(one["allowed"], one["status"]) for one in items] == told


@pytest.mark.parametrize(
    ("role", "index", "allowed", "status"),
    [
        (LOGS, "logs-2", True, 200),
        (LOGS, "pay-1", False, 403),
        (READS, "logs-2", True, 200),
        (ALL, "absent", True, 404),
    ],
)
@pytest.mark.parametrize("path", ["/logs-2/_search", "/logs-2/_count"])
def test_whoever_looks_up_terms_needs_to_read_the_document_that_holds_them(
    path: str, role: Json, index: str, allowed: bool, status: int
) -> None:
    body = {"query": {"bool": {"filter": [{"terms": {"a": {"index": index, "id": "1", "path": "a"}}}]}}}
    told = asked(role, "POST", path, body)
    assert (told["allowed"], told["status"]) == (allowed, status), told["reasons"]
    assert told["indices"] == (["logs-2"] if allowed else [])


READS_ALL: Json = {"indices": [{"names": ["*"], "privileges": ["read"]}]}
MAKES: Json = {"indices": [{"names": ["logs-*"], "privileges": ["create_index"]}]}
RESIZES: Json = {"indices": [{"names": ["logs-*"], "privileges": ["indices:admin/resize"]}]}
CROSSES: Json = {"indices": [{"names": ["logs-*"], "privileges": ["read_cross_cluster"]}]}
NOT_OF_6: Json = {"indices": [{"names": ["*"], "privileges": ["read", "manage_data_stream_lifecycle"]}]}
NOTHING_THERE: Json = {"indices": [{"names": ["nothing-*"], "privileges": ["read"]}]}


@pytest.mark.parametrize(
    ("role", "path", "engine", "status"),
    [
        # Where no wildcard is expanded, `-*` alone is how nothing is said, up to 8; from 9 on it takes nothing away.
        (NOTHING_THERE, "-*", "8.19.21", 404),
        (NOTHING_THERE, "-*", "7.17.29", 200),
        (NOTHING_THERE, "-*", "6.8.23", 200),
        (READS_ALL, "-*", "8.19.21", 404),
        (NOTHING_THERE, "-*,logs-1", "8.19.21", 403),
        (READS_ALL, "logs-1,-*", "9.5.3", 200),
        (READS_ALL, "-*", "9.5.3", 404),
    ],
)
def test_an_exclusion_of_all_where_no_wildcard_is_expanded(role: Json, path: str, engine: str, status: int) -> None:
    told = asked(role, "GET", f"/{path}/_search?expand_wildcards=none", engine=engine)
    assert told["status"] == status, told["reasons"]


@pytest.mark.parametrize(
    ("role", "statuses"),
    [
        ({"indices": [{"names": ["*"], "privileges": ["delete"]}]}, [403, 403]),
        ({"indices": [{"names": ["*"], "privileges": ["delete", "index"]}]}, [403, 403]),
        (ALL, [201, 404]),
    ],
)
def test_an_index_that_may_not_be_made_refuses_each_item_of_it(role: Json, statuses: list[int]) -> None:
    lines = [{"index": {"_index": "made-1", "_id": "1"}}, {}, {"delete": {"_index": "made-1", "_id": "2"}}]
    told = asked(role, "POST", "/_bulk", lines)
    assert [one["status"] for one in told["items"]] == statuses


def test_whether_an_update_under_limits_makes_an_index_is_left_open_on_7() -> None:
    lines = [{"update": {"_index": "absent", "_id": "1"}}, {"doc": {}}]
    [told] = asked(HIDING, "POST", "/_bulk", lines, engine="7.17.29")["items"]
    assert (told["allowed"], told["status"]) == (True, None)
    [told] = asked(ALL, "POST", "/_bulk", lines, engine="7.17.29")["items"]
    assert told["status"] == 201


@pytest.mark.parametrize(
    ("role", "method", "path", "body", "engine", "status"),
    [
        # Whoever makes an index with aliases needs to change aliases, of the index and by each name.
        (MAKES, "PUT", "/logs-9", {}, "9.5.3", 200),
        (MAKES, "PUT", "/logs-9", {"aliases": {"logs-al": {}}}, "9.5.3", 403),
        (LOGS, "PUT", "/logs-9", {"aliases": {"logs-al": {}}}, "6.8.23", 200),
        (LOGS, "PUT", "/logs-9", {"aliases": {"other": {}}}, "6.8.23", 403),
        # A copy needs a right on the index that it is made of alone, and that hides nothing; a smaller one its numbers, too.
        (LOGS, "PUT", "/logs-1/_clone/other", None, "9.5.3", 200),
        (LOOKS, "PUT", "/pay-1/_clone/logs-9", None, "9.5.3", 403),
        (RESIZES, "PUT", "/logs-1/_split/other", None, "8.19.21", 200),
        (RESIZES, "PUT", "/logs-1/_shrink/other", None, "8.19.21", 403),
        (HIDING, "PUT", "/logs-1/_clone/logs-9", None, "9.5.3", 400),
        (LOGS, "PUT", "/logs-1/_clone/other", {"aliases": {"al": {}}}, "9.5.3", None),
        (LOGS, "PUT", "/logs-*/_block/write", None, "9.5.3", 200),
        (READS_ALL, "PUT", "/logs-1/_block/write", None, "9.5.3", 403),
        # What a name comes to is none of reading in 7.17, and never of reading from other clusters.
        (READS_ALL, "GET", "/_resolve/index/logs-1", None, "9.5.3", 200),
        (READS_ALL, "GET", "/_resolve/index/logs-1", None, "7.17.29", 403),
        (CROSSES, "GET", "/_resolve/index/logs-1", None, "8.19.21", 403),
        (CROSSES, "GET", "/_resolve/cluster/logs-1", None, "8.19.21", 200),
        (LOOKS, "GET", "/_resolve/cluster/logs-1", None, "8.19.21", 403),
        (LOOKS, "GET", "/_resolve/cluster", None, "9.5.3", 200),
        (READS_ALL, "GET", "/_resolve/index/logs-1", None, "6.8.23", None),
        # 6.8 takes into a role what it does not know, and then ends each request of its holders in an error.
        (NOT_OF_6, "GET", "/logs-1/_search", None, "6.8.23", 400),
        ({**READS_ALL, "cluster": ["manage_api_key"]}, "GET", "/logs-1/_search", None, "6.8.23", 400),
        ({**READS_ALL, "cluster": ["cluster:monitor/*", "indices:admin/template/*"]}, "GET", "/logs-1/_search", None, "6.8.23", 200),
    ],
)  # fmt: skip
def test_requests_that_were_told_wrong_are_told_as_servers_do(
    role: Json, method: str, path: str, body: Any, engine: str, status: int | None
) -> None:
    told = asked(role, method, path, body, engine=engine)
    assert told["status"] == status, told["reasons"]


LOOKED: Json = {"terms": {"team": {"index": "pay-1", "id": "1", "path": "team"}}}
LIKE: Json = {"more_like_this": {"fields": ["team"], "like": [{"_index": "pay-1", "_id": "1"}]}}
SHAPED: Json = {"geo_shape": {"at": {"indexed_shape": {"index": "pay-1", "id": "1", "path": "at"}}}}
ALIAS: Json = {"indices": [{"names": ["al-1"], "privileges": ["read", "view_index_metadata"]}]}
SEARCHES: Json = {"indices": [{"names": ["logs-*"], "privileges": ["indices:data/read/search"]}]}


@pytest.mark.parametrize(
    ("role", "path", "body", "engine", "allowed", "status"),
    [
        # What a search looks up has to be readable, whatever asks for it.
        pytest.param(LOGS, "/logs-1/_explain/1", {"query": LOOKED}, "9.5.3", False, 403, id="explained"),
        pytest.param(LOGS, "/logs-1/_doc/1/_explain", {"query": LOOKED}, "6.8.23", True, 200, id="explained-on-6"),
        pytest.param(LOGS, "/logs-1/_search", {"query": SHAPED}, "9.5.3", False, 403, id="shape"),
        pytest.param(LOGS, "/logs-1/_delete_by_query", {"query": LOOKED}, "6.8.23", False, 403, id="by-query"),
        pytest.param(LOGS, "/logs-1/_search", {"query": LIKE}, "9.5.3", True, 200, id="like-what-is-not-seen"),
        pytest.param(SEARCHES, "/logs-1/_search", {"query": LIKE}, "9.5.3", False, None, id="like-without-terms"),
        # What would tell of all documents is refused where some are hidden.
        pytest.param(HIDING, "/logs-1/_search", {"profile": True}, "9.5.3", False, 400, id="profile"),
        pytest.param(ALL, "/logs-1/_search", {"profile": True}, "9.5.3", True, 200, id="profile-of-all"),
        pytest.param(HIDING, "/logs-1/_validate/query?rewrite=true", {}, "9.5.3", False, 400, id="rewritten"),
        pytest.param(HIDING, "/logs-1/_validate/query", {}, "9.5.3", True, 200, id="validated"),
        # Up to 7 a type may stand after the index, and what follows it is no id of a document.
        pytest.param(READS, "/logs-2/_doc/_mget", {"ids": []}, "6.8.23", True, 200, id="typed-items-read"),
        pytest.param(WRITES, "/logs-2/_doc/_mget", {"ids": []}, "7.17.29", False, 403, id="typed-items-refused"),
        pytest.param(READS, "/logs-2/_doc/_count", None, "6.8.23", True, 200, id="typed-count"),
        pytest.param(WRITES, "/logs-2/_doc/_mget", {"ids": []}, "9.5.3", True, 200, id="an-id-on-9"),
        # An update makes an index that is not there.
        pytest.param(
            {"indices": [{"names": ["new"], "privileges": ["write"]}]}, "/new/_doc/1/_update", {}, "6.8.23", False, None, id="update-makes"
        ),
    ],
)  # fmt: skip
def test_what_a_body_asks_besides_is_answered_as_the_servers_did(
    role: Json, path: str, body: Any, engine: str, allowed: bool, status: int | None
) -> None:
    told = asked(role, "POST", path, body, engine=engine)
    assert (told["allowed"], told["status"]) == (allowed, status), told["reasons"]


def test_an_item_is_refused_for_what_its_search_looks_up_or_tells() -> None:
    searches = ({"query": LOOKED}, {"query": {"match_all": {}}})
    items = asked(LOGS, "POST", "/_msearch", [line for one in searches for line in ({"index": "logs-1"}, one)])["items"]
    assert [(one["item"], one["allowed"], one["status"]) for one in items] == [
        ("search logs-1", False, 403),
        ("search logs-1", True, 200),
    ]
    suggests = [{"index": "logs-1"}, {"suggest": {"one": {"text": "x", "term": {"field": "team"}}}}]
    assert [one["status"] for one in asked(HIDING, "POST", "/_msearch", suggests)["items"]] == [400]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/logs-1,al-1/_search"), ("GET", "/logs-1/_alias/al-1"), ("GET", "/logs-1/_alias")]
)
def test_an_index_beside_its_alias_is_unknown_on_6_and_refused_later(method: str, path: str) -> None:
    """6.8.23 keeps one answer for an index: that of the name it comes to last, in the order of a table."""
    assert asked(ALIAS, method, path, engine="6.8.23")["allowed"] is None
    assert asked(ALIAS, method, path)["allowed"] is False
    assert asked(ALIAS, method, path.replace("logs-1", "logs-2"), engine="6.8.23")["allowed"] is False


@pytest.mark.parametrize(("aliases", "status"), [("al-*,-al-1", 404), ("al-1,-al-2", 403)])
def test_what_is_taken_out_of_aliases_is_not_looked_for_on_6(aliases: str, status: int) -> None:
    looks: Json = {"indices": [{"names": ["logs-1"], "privileges": ["view_index_metadata"]}]}
    assert asked(looks, "GET", f"/logs-1/_alias/{aliases}", engine="6.8.23")["status"] == status


@pytest.mark.parametrize(("method", "status"), [("PUT", 400), ("DELETE", 200)])
def test_under_limits_an_alias_is_taken_away_and_none_added(method: str, status: int) -> None:
    assert asked(HIDING, method, "/logs-1/_alias/al-1", engine="6.8.23")["status"] == status
