"""Each privilege of indices on its own, by the requests that people send: `decide` beside the real engine."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.families.elasticsearch.deciding.question import answer_question
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.known.releases import holds

from local.elastic.node import Elasticsearch

pytestmark = pytest.mark.node
PASSWORD = "Correct-horse-battery-9"
Json = dict[str, Any]
PRIVILEGES = (
    *("read", "write", "index", "create", "create_doc", "delete", "monitor", "manage", "view_index_metadata", "create_index"),
    *("delete_index", "auto_configure", "maintenance", "manage_ilm", "manage_data_stream_lifecycle", "all"),
    *("manage_follow_index", "read_cross_cluster"),
)  # fmt: skip
ALIAS: Json = {"add": {"index": "logs-1", "alias": "al-1"}}
# None of them leaves anything changed that the next is asked of; what is made is taken away again.
REQUESTS: tuple[tuple[str, str, Any], ...] = (
    ("GET", "logs-1/_search", None),
    ("GET", "_cat/count/logs-1", None),
    ("GET", "_resolve/index/logs-1", None),
    ("GET", "_resolve/cluster/logs-1", None),
    ("GET", "logs-1/_mapping", None),
    ("GET", "logs-1/_settings", None),
    ("GET", "logs-1", None),
    ("GET", "logs-1/_stats", None),
    ("GET", "logs-1/_field_caps?fields=*", None),
    ("GET", "logs-1/_search_shards", None),
    ("GET", "logs-1/_validate/query", None),
    ("POST", "logs-1/_refresh", None),
    ("POST", "logs-1/_flush", None),
    ("POST", "logs-1/_cache/clear", None),
    ("POST", "logs-1/_doc", {"a": 1}),
    ("PUT", "logs-1/_doc/1?if_seq_no=99999&if_primary_term=9", {"a": 1}),
    ("DELETE", "logs-1/_doc/none", None),
    ("PUT", "new-1", None),
    ("PUT", "new-1", {"aliases": {"new-al": {}}}),
    ("PUT", "new-1", {"aliases": {"other": {}}}),
    ("PUT", "new-1/_doc/1", {"a": 1}),
    ("PUT", "logs-1/_clone/new-1", None),
    ("PUT", "logs-1/_clone/other-1", None),
    ("PUT", "logs-1/_block/metadata", None),
    ("PUT", "logs-1/_alias/al-1", None),
    ("POST", "_aliases", {"actions": [ALIAS]}),
    ("POST", "_aliases", {"actions": [{"add": {"index": "logs-1", "alias": "other"}}]}),
    ("GET", "_alias/al-1", None),
)


def test_each_privilege_allows_what_decide_says(elastic: Elasticsearch) -> None:
    old = elastic.version.startswith("6.")
    for name in ("logs-1", "pay-1"):
        assert elastic.ask("PUT", f"/{name}/_doc/1?refresh=true", {"a": 1})[0] == 201
    assert elastic.ask("POST", "/_aliases", {"actions": [ALIAS]})[0] == 200
    known = holds(Release.of(elastic.version)).index  # 6.8 takes the others, too, and then refuses every request
    roles = {
        one: {"indices": [{"names": ["logs-*", "new-*", "al-*"], "privileges": [one]}]}
        for one in PRIVILEGES
        if old or one in known
    }
    for one, role in roles.items():
        assert elastic.ask("PUT", f"/_security/role/only-{one}", role)[0] == 200
        assert elastic.ask("PUT", f"/_security/user/{one}", {"password": PASSWORD, "roles": [f"only-{one}"]})[0] == 200
    wrong, decided = [], 0
    for method, path, body in REQUESTS:
        if old and any(word in path for word in ("_clone", "_block", "_resolve")):
            continue  # which it has not
        copies = "_clone" in path
        if copies:
            assert elastic.ask("PUT", "/logs-1/_settings", {"index.blocks.write": True})[0] == 200
        for one, role in roles.items():
            status, said = elastic.ask(method, f"/{path}", body, user=one, password=PASSWORD)
            if status < 300 and method != "GET":
                elastic.ask("PUT", "/logs-1/_settings", {"index.blocks.metadata": None})
                elastic.ask("DELETE", "/new-1,other-1?ignore_unavailable=true")
                elastic.ask("DELETE", "/logs-1/_alias/other")
            question = {
                "engine": f"elasticsearch-{elastic.version}",
                "security": {"roles": {"r": role}},
                "principal": {"name": one, "roles": ["r"]},
                "request": {"method": method, "path": f"/{path}", "body": body},
                "world": {"indices": ["logs-1", "pay-1"], "aliases": {"al-1": ["logs-1"]}},
            }
            told = answer_question(question)
            decided += told["allowed"] is not None
            if told["allowed"] is not None and (told["status"] == 403) != (status == 403):
                wrong.append((one, method, path, body, status, str(said)[:200], told["status"], told["reasons"]))
        if copies:
            assert elastic.ask("PUT", "/logs-1/_settings", {"index.blocks.write": None})[0] == 200
    assert wrong == []
    assert decided > 300
