"""What a request needs, beside the real engine: with all of it nobody is refused, and without any one of it everybody is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from portcullis.families.opensearch.documents.config import Kind
from portcullis.families.opensearch.requesting.actions import is_cluster_action
from portcullis.families.opensearch.requesting.requests import needs

from local.node.node import Node
from tests.model.test_filters_on_node import API, HASH, PASSWORD

pytest_plugins = ["tests.fixtures_node"]
pytestmark = pytest.mark.node

ONE, NEW = "_snapshot/need-kept/one", "_snapshot/need-kept/new"
RESTORED = {"indices": "need-a", "rename_pattern": "need-a", "rename_replacement": "need-new"}
ALL: dict[str, Any] = {"query": {"match_all": {}}}
LOOKED_UP: dict[str, Any] = {"query": {"terms": {"n": {"index": "need-w", "id": "1", "path": "n"}}}}
LIKE: dict[str, Any] = {
    "query": {"more_like_this": {"fields": ["t"], "like": [{"_index": "need-w", "_id": "1"}], "min_doc_freq": 1}}
}
SETTING = {"transient": {"cluster.routing.allocation.enable": "all"}}
RATED = {"id": "one", "request": ALL, "ratings": []}
REQUESTS: tuple[tuple[str, str, Any], ...] = (
    *(("GET", f"need-a/{what}", None) for what in ("_stats", "_stats/docs", "_segments", "_recovery", "_shard_stores")),
    *(
        ("GET", f"need-a/{what}", None)
        for what in ("_search_shards", "_validate/query", "_alias", "_mapping", "_settings")
    ),
    *(("POST", f"need-a/{what}", None) for what in ("_refresh", "_flush", "_forcemerge", "_cache/clear", "_open")),
    ("GET", "need-a/_analyze", {"text": "x"}),
    ("GET", "need-a", None),
    ("GET", "need-a/_search", None),
    ("GET", "need-a/_count", None),
    ("GET", "need-a/_doc/1", None),
    ("PUT", "need-a/_doc/1", {"n": 1}),
    ("POST", "need-shut/_close", None),
    *(("GET", path, None) for path in ("", "_cluster/health", "_cluster/state", "_cluster/stats", "_cluster/settings")),
    *(("GET", path, None) for path in ("_cluster/pending_tasks", "_nodes", "_nodes/stats", "_nodes/usage", "_tasks")),
    *(("GET", path, None) for path in ("_remote/info", "_template", "_index_template", "_component_template")),
    *(("GET", path, None) for path in ("_ingest/pipeline", "_snapshot", "_cat", "_cat/health", "_cat/nodes")),
    *(("GET", path, None) for path in ("_cat/templates", "_cat/plugins", "_cat/allocation", "_cat/thread_pool")),
    *(("GET", path, None) for path in ("_cat/fielddata", "_cat/cluster_manager", "_cat/tasks", "_cat/repositories")),
    ("PUT", "_index_template/need-t", {"index_patterns": ["need-t*"]}),
    ("DELETE", "_index_template/need-none", None),
    ("GET", "_ingest/pipeline/need-none", None),
    ("DELETE", "_search/scroll/_all", None),
    *(("POST", "need-a/_search/point_in_time?keep_alive=1m", None), ("POST", "_search", {"pit": "a point in time"})),
    *(("DELETE", "_search/point_in_time", {"pit_id": "a point in time"}), ("GET", "_search/point_in_time/_all", None)),
    ("DELETE", "_search/point_in_time/_all", None),
    *(("PUT", "_snapshot/need-kept/new?wait_for_completion=true", {"indices": "need-a"}), ("GET", f"{ONE}", None)),
    *(("GET", f"{ONE}/_status", None), ("PUT", f"{ONE}/_clone/new", {"indices": "need-a"}), ("DELETE", NEW, None)),
    *(("POST", "_snapshot/need-kept/_verify", None), ("POST", "_snapshot/need-kept/_cleanup", None)),
    *(
        ("POST", f"{ONE}/_restore", RESTORED),
        ("GET", "_cat/snapshots/need-kept", None),
        ("GET", "_snapshot/_status", None),
    ),
    *(("POST", "need-ro/_rollover", None), ("POST", "need-ro/_rollover/need-new?dry_run=true", None)),
    *(("PUT", f"need-w/_{how}/need-new", None) for how in ("clone", "shrink")),
    ("PUT", "need-w/_split/need-new", {"settings": {"index.number_of_shards": 2}}),
    ("POST", "_aliases", {"actions": [{"add": {"index": "need-a", "alias": "need-x"}}]}),
    ("POST", "_aliases", {"actions": [{"remove_index": {"index": "need-gone"}}]}),
    *(
        ("PUT", "need-a/_alias/need-x", None),
        ("DELETE", "need-a/_alias/need-x", None),
        ("GET", "need-a/_alias/*", None),
    ),
    *(("POST", "need-a/_search/template", {"source": {}}), ("POST", "_render/template", {"source": {}})),
    ("POST", "_msearch/template", '{"index": "need-a"}\n{"source": {}}\n'),
    *(
        ("POST", f"need-a/_{verb}_by_query{refresh}", ALL)
        for verb in ("update", "delete")
        for refresh in ("", "?refresh=true")
    ),
    ("POST", "_reindex", {"source": {"index": "need-a"}, "dest": {"index": "need-gone"}}),
    ("POST", "_reindex?refresh=true", {"source": {"index": ["need-a"]}, "dest": {"index": "need-gone"}}),
    *(("POST", "need-a/_mtermvectors", {"ids": ["1"]}), ("POST", "need-a/_update/1", {"doc": {"n": 2}})),
    ("POST", "need-a/_rank_eval", {"requests": [RATED], "metric": {"precision": {"k": 1}}}),
    *(("GET", f"{path}/need-a", None) for path in ("_resolve/index", "_cat/indices", "_cat/shards", "_cat/segments")),
    *(("GET", f"{path}/need-a", None) for path in ("_cat/count", "_cat/recovery", "_list/indices", "_list/shards")),
    *(("GET", path, None) for path in ("_cat/indices", "_cat/aliases", "_alias", "_mapping", "_settings", "_stats")),
    *(
        ("GET", path, None)
        for path in ("need-a/_field_caps?fields=*", "need-a/_mapping/field/n", "_cat/count", "_list/indices")
    ),
    *(
        ("GET", "_scripts/need-none", None),
        ("PUT", "_cluster/settings", SETTING),
        ("POST", "_tasks/_cancel", None),
    ),
    *(("POST", "_index_template/_simulate_index/need-t1", None), ("GET", "_nodes/stats/jvm", None)),
    ("POST", "_ingest/pipeline/_simulate", {"pipeline": {"processors": []}, "docs": [{"_source": {}}]}),
    *(
        ("HEAD", "need-a", None),
        ("HEAD", "need-a/_doc/1", None),
        ("PUT", "need-new", None),
        ("DELETE", "need-gone", None),
    ),
    *(("PUT", "need-new", {"aliases": {"need-x": {}}}), ("PUT", "need-gone/_block/write", None)),
    *(
        ("PUT", "_data_stream/need-ds", None),
        ("GET", "_data_stream/need-ds", None),
        ("GET", "_data_stream/_stats", None),
    ),
    *(("DELETE", "_data_stream/need-ds", None), ("GET", "_plugins/_security/authinfo", None)),
    *(
        ("GET", f"_plugins/_security/{what}", None)
        for what in ("health", "whoami", "dashboardsinfo", "api/permissionsinfo")
    ),
    *(("GET", path, None) for path in ("_nodes/_local", "_cat/allocation/none", "_cat/fielddata/n", "_tasks/none:1")),
    *(
        ("GET", path, None)
        for path in ("_cluster/state/metadata,nodes/need-a", "_cluster/health/need-a", "_cluster/state/nodes")
    ),
    *(("GET", path, None) for path in ("_cat/segment_replication", "_cat/segment_replication/need-a")),
    ("POST", "_cluster/voting_config_exclusions?node_names=none", None),
    ("DELETE", "_cluster/voting_config_exclusions", None),
    *(("POST", f"need-a/{what}", LOOKED_UP) for what in ("_search", "_count")),
    ("POST", "need-a/_search", {"aggs": {"one": {"filter": LOOKED_UP["query"]}}}),
    ("POST", "_msearch", f'{{"index": "need-a"}}\n{json.dumps(LOOKED_UP)}\n'),
    ("POST", "need-a/_search", LIKE),
    ("POST", "_msearch", f'{{"index": "need-a"}}\n{json.dumps(LIKE)}\n'),
)
# What stands there before each of them: a path -> the administrator's requests.
_FRESH: tuple[tuple[str, str, Any], ...] = (
    ("DELETE", "/need-new?ignore_unavailable=true", None),
    ("PUT", "/need-gone/_settings", {"index.blocks.write": None}),
    ("PUT", "/need-gone/_doc/1?refresh=true", {"n": 1, "t": "x"}),
    ("PUT", "/need-a/_doc/1?refresh=true", {"n": 1, "t": "x"}),
)
_CHANGING = ("new", "gone", "_update", "_by_query")
BEFORE: dict[str, tuple[tuple[str, str, Any], ...]] = {
    "_data_stream/need-ds": (("DELETE", "/_data_stream/need-ds", None),),
    "need-shut/_close": (("POST", "/need-shut/_open", None),),  # of one that is closed no shard is asked
    NEW: (("DELETE", f"/{NEW}", None), ("PUT", f"/{NEW}?wait_for_completion=true", {"indices": "need-a"})),
    f"{NEW}?wait_for_completion=true": (("DELETE", f"/{NEW}", None),),
    f"{ONE}/_clone/new": (("DELETE", f"/{NEW}", None),),
}


@pytest.fixture(scope="module", params=["3.4.0", "2.19.3"])
def node(request: pytest.FixtureRequest) -> Iterator[Node]:
    node: Node = request.getfixturevalue({"3.4.0": "node_basic_3", "2.19.3": "node_basic_2"}[request.param])
    roles = {}
    held = {"settings": {"number_of_replicas": 0}}
    prepared: tuple[tuple[str, str, Any], ...] = (
        *(
            ("PUT", f"/{index}/_doc/1?refresh=true", {"n": 1, "t": "x"})
            for index in ("need-a", "need-shut", "need-gone")
        ),
        ("PUT", "/need-ro-000001", {**held, "aliases": {"need-ro": {"is_write_index": True}}}),
        ("PUT", "/need-w", held),
        ("PUT", "/need-w/_block/write", None),
        ("PUT", "/_index_template/need-streams", {"index_patterns": ["need-ds*"], "data_stream": {}, "template": held}),
        ("PUT", "/_snapshot/need-kept", {"type": "fs", "settings": {"location": "need"}}),
        ("PUT", f"/{ONE}?wait_for_completion=true", {"indices": "need-a"}),
    )
    for method, path, body in prepared:
        assert node.ask(method, path, body, timeout=120)[0] in (200, 201), path
    for place, (method, path, body) in enumerate(REQUESTS):
        told = needs(method, path, _filled(node, body))
        wanted = sorted({one.action for one in told})
        of_all = "rollover" in path or any(not one.indices and not is_cluster_action(one.action) for one in told)
        for without in ("", *wanted):
            left = [one for one in wanted if one != without]
            name = f"need-{place}-{wanted.index(without) if without else 'all'}"
            roles[name] = {
                "cluster_permissions": [one for one in left if is_cluster_action(one)],
                "index_permissions": [
                    {
                        "index_patterns": ["*" if of_all else "need-*"],
                        "allowed_actions": [one for one in left if not is_cluster_action(one)],
                    }
                ],
            }
    users = {name: {"hash": HASH, "opendistro_security_roles": [name]} for name in roles}
    for kind, documents in ((Kind.ROLES, roles), (Kind.USERS, users)):
        operations = [{"op": "add", "path": f"/{name}", "value": one} for name, one in documents.items()]
        assert node.ask("PATCH", API + kind.value, operations, timeout=120)[0] == 200
    yield node
    node.ask("DELETE", "/_search/point_in_time/_all")
    node.ask("DELETE", "/_data_stream/need-ds")
    node.ask("DELETE", "/need-a,need-shut,need-gone,need-w,need-ro,need-ro-*,need-new?ignore_unavailable=true")
    for path in ("_index_template/need-t", "_index_template/need-streams", ONE, NEW, "_snapshot/need-kept"):
        node.ask("DELETE", f"/{path}")
    for kind in (Kind.USERS, Kind.ROLES):
        operations = [{"op": "remove", "path": f"/{name}"} for name in roles]
        assert node.ask("PATCH", API + kind.value, operations, timeout=120)[0] == 200


def _filled(node: Node, body: Any) -> Any:
    """A body with a real point in time of need-a."""
    if not isinstance(body, dict) or "a point in time" not in body.values():
        return body
    status, told = node.ask("POST", "/need-a/_search/point_in_time?keep_alive=1m")
    assert status == 200
    return {"pit": {"id": told["pit_id"]}} if "pit" in body else {"pit_id": [told["pit_id"]]}


def test_each_permission_that_is_told_is_needed_and_no_more(node: Node) -> None:
    session, otherwise = requests.Session(), []
    session.trust_env, session.verify = False, str(node.ca)
    for place, (method, path, body) in enumerate(REQUESTS):
        wanted = sorted({one.action for one in needs(method, path, _filled(node, body))})
        for without in ("", *wanted):
            name = f"need-{place}-{wanted.index(without) if without else 'all'}"
            fresh = _FRESH if any(word in f"{method} {path} {body}" for word in _CHANGING) else ()
            for before in (*fresh, *BEFORE.get(path, ())):
                node.ask(*before, timeout=120)
            if path == "_data_stream/need-ds" and method != "PUT":
                node.ask("PUT", f"/{path}")
            sent = _filled(node, body)
            got = session.request(
                method,
                f"{node.url}/{path}",
                data=sent if isinstance(sent, str) else None,
                json=None if isinstance(sent, str) else sent,
                headers={"content-type": "application/x-ndjson"} if isinstance(sent, str) else {},
                auth=(name, PASSWORD),
                timeout=60,
            )
            # A part that each shard or item is asked for leaves a 200 in which some have refused.
            refused = got.status_code == 403 or "no permissions for [" in got.text
            if refused is not bool(without):
                otherwise.append((method, path, without, got.status_code, got.text[:300]))
    assert otherwise == []


def test_the_next_page_of_a_scroll_is_for_whom_it_was_opened_by(node: Node) -> None:
    names = ("need-scrolls", "need-scrolls-too")
    role = {
        "cluster_permissions": ["indices:data/read/scroll"],
        "index_permissions": [{"index_patterns": ["need-a"], "allowed_actions": ["indices:data/read/search"]}],
    }
    users = {name: {"hash": HASH, "opendistro_security_roles": ["need-scrolls"]} for name in names}
    made: tuple[tuple[Kind, dict[str, Any]], ...] = ((Kind.ROLES, {"need-scrolls": role}), (Kind.USERS, users))
    for kind, documents in made:
        operations = [{"op": "add", "path": f"/{name}", "value": one} for name, one in documents.items()]
        assert node.ask("PATCH", API + kind.value, operations)[0] == 200

    def ask(name: str, path: str, body: Any = None) -> requests.Response:
        return requests.post(
            f"{node.url}/{path}",
            json=body,
            auth=(name, PASSWORD),
            verify=str(node.ca),
            timeout=60,
            proxies={"https": ""},
        )

    (need,) = needs("POST", "_search/scroll", {"scroll_id": "x"})
    assert need.action == "indices:data/read/scroll"
    for who, wanted in (("need-scrolls", 200), ("need-scrolls-too", 403)):
        opened = ask("need-scrolls", "need-a/_search?scroll=1m&size=1").json()["_scroll_id"]
        told = ask(who, "_search/scroll", {"scroll_id": opened})
        assert (told.status_code, "Wrong user" in told.text) == (wanted, wanted == 403)
    for kind, documents in reversed(made):
        operations = [{"op": "remove", "path": f"/{name}"} for name in documents]
        assert node.ask("PATCH", API + kind.value, operations)[0] == 200
