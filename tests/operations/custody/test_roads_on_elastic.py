"""Given a locked Elasticsearch, when whoever is left tries every road to a document or to access, then none leads anywhere for long."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from portcullis.custody.types import Custody, Measure, State
from portcullis.families.base import BLOCKS
from portcullis.operations.custody.guard import guard

from local.elastic.node import Elasticsearch
from local.people import until
from local.processes import LOOPBACK
from tests.operations.clusters import PASSWORD
from tests.operations.custody import test_custody_on_elastic as custody
from tests.operations.custody.test_custody_on_elastic import CAUSE, Key, as_, deployed, search
from tests.operations.worlds import Account

pytestmark = pytest.mark.node
here = custody.here

WORD = "a-word-of-the-document"
QUERY: dict[str, Any] = {"query": {"match_all": {}}}
# Of a document, of what is in an index, and of what can be made of it: method, path, body.
ROADS: list[tuple[str, str, Any]] = [
    ("GET", "/logs-1/_search", None),
    ("POST", "/logs-1/_search", {"size": 0, "aggs": {"k": {"terms": {"field": "k"}}}}),
    ("POST", "/logs-1/_search", {"suggest": {"s": {"text": "wor", "term": {"field": "text"}}}}),
    ("POST", "/_msearch", '{"index":"logs-1"}\n{}\n'),
    ("GET", "/logs-1/_doc/k", None),
    ("GET", "/logs-1/_source/k", None),
    ("GET", "/logs-1/_doc/k/_source", None),
    ("POST", "/logs-1/_mget", {"ids": ["k"]}),
    ("POST", "/logs-1/_mtermvectors", {"ids": ["k"], "parameters": {"fields": ["k", "text"]}}),
    ("POST", "/logs-1/_termvectors/k?fields=*", None),
    ("POST", "/logs-1/_doc/k/_termvectors?fields=*", None),
    ("POST", "/logs-1/_explain/k", QUERY),
    ("POST", "/logs-1/_doc/k/_explain", QUERY),
    ("POST", "/logs-1/_terms_enum", {"field": "k", "string": "a"}),
    ("POST", "/logs-1/_validate/query?explain=true&rewrite=true", {"query": {"prefix": {"k": "a"}}}),
    ("POST", "/logs-1/_pit?keep_alive=1m", None),
    ("POST", "/logs-1/_search?scroll=1m", None),
    ("POST", "/logs-1/_search/template", {"source": QUERY}),
    (
        "POST",
        "/logs-1/_rank_eval",
        {"requests": [{"id": "a", "request": QUERY, "ratings": []}], "metric": {"precision": {}}},
    ),
    ("POST", "/logs-1/_async_search", QUERY),
    ("POST", "/_xpack/sql", {"query": 'SELECT * FROM "logs-1"'}),
    ("POST", "/logs-1/_xpack/graph/_explore", {**QUERY, "vertices": [{"field": "k"}]}),
    ("POST", "/logs-1/_disk_usage?run_expensive_tasks=true", None),
    ("GET", "/logs-1/_field_caps?fields=*", None),
    ("GET", "/logs-1/_stats?fielddata_fields=*", None),
    ("GET", "/logs-1/_segments?verbose=true", None),
    ("GET", "/_cat/fielddata?fields=*", None),
    ("GET", "/_tasks?detailed", None),
    ("POST", "/_reindex", {"source": {"index": "logs-1"}, "dest": {"index": "logs-copy"}}),
    ("POST", "/logs-1/_update_by_query", QUERY),
    ("POST", "/logs-1/_delete_by_query", QUERY),
    ("POST", "/logs-1/_bulk", '{"index":{"_id":"x","_type":"_doc"}}\n{"a":1}\n'),
    ("PUT", "/logs-1/_doc/x", {"a": 1}),
]


def with_key(node: Elasticsearch, name: str, limits: dict[str, Any] | None = None) -> dict[str, str]:
    """A key that somebody of the superuser's made before: of all that they may, or limited."""
    status, made = node.ask("POST", "/_security/api_key", {"name": name, "role_descriptors": limits or {}})
    assert status == 200, made
    return {"authorization": "ApiKey " + base64.b64encode(f"{made['id']}:{made['api_key']}".encode()).decode()}


@pytest.fixture
def keys(elastic: Elasticsearch) -> Iterator[dict[str, dict[str, str]]]:
    """Ended afterwards: a shared node has none of another test's."""
    reads = {"r": {"cluster": ["monitor"], "indices": [{"names": ["logs-*"], "privileges": ["read"]}]}}
    yield {"of everything": with_key(elastic, "all"), "that reads": with_key(elastic, "reads", reads)}
    elastic.ask("DELETE", "/_security/api_key", {"username": "elastic"})


def locked(made: Account, key: Key) -> Custody:
    key.gone = True
    found = guard(made.services, "demo", CAUSE)
    # What somebody set going may make an index after the blocks, which the proof sees: tried again in half a minute.
    if found.state is State.LOCKING:
        made.aws.at += timedelta(seconds=31)
        found = guard(made.services, "demo", CAUSE)
    assert found.state is State.LOCKED, found
    return found


def opened(made: Account, key: Key) -> Custody:
    key.gone = False
    found = guard(made.services, "demo", CAUSE)
    assert found.state is State.OPEN, found
    return found


def test_no_road_shows_or_changes_a_document_of_a_locked_cluster(
    here: tuple[Account, Key], elastic: Elasticsearch, keys: dict[str, dict[str, str]]
) -> None:
    made, key = here
    deployed(made, elastic)
    chief = as_("chief", made.passwords.kept["portcullis/demo/chief"])
    of_type = "/_doc" if elastic.version.startswith("6") else ""
    fields = {"properties": {"k": {"type": "keyword"}, "text": {"type": "text", "fielddata": True}}}
    assert elastic.ask("PUT", f"/logs-1/_mapping{of_type}", fields)[0] == 200
    for number in range(20):
        document = {"a": 1, "k": WORD, "text": WORD}
        assert elastic.ask("PUT", f"/logs-1/_doc/{number or 'k'}?refresh=true", document)[0] in (200, 201)
    everything = keys["of everything"]
    # What goes on by itself: copies that are made slowly, and a cursor. Only the oldest release's package has calls for them.
    copying = {"source": {"index": "logs-1", "size": 1}, "dest": {"index": "logs-slow"}}
    slowly = "wait_for_completion=false&requests_per_second=1"
    tasks = [
        elastic.ask("POST", f"/_reindex?{slowly}", copying, **who)[1].get("task", "") for who in (everything, chief)
    ]
    cursor = elastic.ask("POST", "/_xpack/sql", {"query": 'SELECT k FROM "logs-1"', "fetch_size": 2}, **everything)[1]
    assert [bool(task) for task in tasks] == [bool(of_type)] * 2
    assert ("cursor" in cursor) is bool(of_type)

    locked(made, key)
    holders = [*keys.values(), {}, as_("anna"), chief]
    for method, path, body in ROADS:
        for who in holders:
            status, said = elastic.ask(method, path, body, **who)
            assert WORD not in str(said), (path, who, said)
            assert "'hits': [{" not in str(said), (path, who, said)
            assert not (isinstance(said, dict) and said.get("result") in ("created", "updated")), (path, who, said)
            assert status != 201, (path, who, said)
    going_on = elastic.ask("POST", "/_xpack/sql", {"cursor": cursor.get("cursor", "none")}, **everything)
    assert going_on[0] >= 400, going_on
    opened(made, key)
    found = elastic.ask("GET", "/_tasks?actions=*reindex&detailed")[1]
    assert "indices:data/write/reindex" not in str(found), "what copied goes on after the lock"
    assert elastic.ask("GET", "/logs-1/_count")[1]["count"] == 20
    copied = elastic.ask("GET", "/logs-slow/_count?ignore_unavailable=true")[1].get("count", 0)
    assert copied < 20


def test_what_is_made_of_a_locked_index_is_shut_with_the_next_look(
    here: tuple[Account, Key], elastic: Elasticsearch, keys: dict[str, dict[str, str]]
) -> None:
    """Whoever holds a key that manages indices makes copies without blocks, lifts one, and makes new indices: until the next look."""
    made, key = here
    deployed(made, elastic)
    locked(made, key)
    free = {"settings": {"index.blocks.read": None, "index.blocks.write": None}}
    everything = keys["of everything"]
    old = elastic.version.startswith("6")
    assert elastic.ask("PUT", "/logs-1/_settings", {"index.blocks.read": False}, **everything)[0] == 200
    copies = {"logs-copy": "_shrink"} if old else {"logs-copy": "_clone", "logs-split": "_split"}
    free["settings"] |= {"index.number_of_replicas": 0}
    for name, how in copies.items():
        more = {"index.number_of_shards": {"_shrink": 1, "_clone": 1, "_split": 2}[how]}
        body = {"settings": {**free["settings"], **more}}
        status, said = elastic.ask("POST", f"/logs-1/{how}/{name}", body, **everything)
        assert status == 200, said
    template = {"index_patterns": ["fresh*"], "settings": {"index.blocks.read": False, "index.blocks.write": False}}
    assert elastic.ask("PUT", "/_template/fresh", template, **everything)[0] == 200
    assert elastic.ask("PUT", "/fresh-1/_doc/1", {"a": 1}, **everything)[0] == 201
    assert search(elastic, **keys["that reads"]) == 200, "what a holder of such a key may do, and no lock prevents"
    assert guard(made.services, "demo", CAUSE).state is State.LOCKED
    for name in ("logs-1", *copies, "fresh-1"):
        status, said = elastic.ask("GET", f"/{name}/_search", None, **everything)
        assert status == 403, (name, said)
    assert any("undid 'block indices'" in alert.happened for alert in made.aws.told)
    opened(made, key)
    elastic.ask("DELETE", "/_template/fresh")


def test_who_was_let_in_by_hand_while_locked_is_out_when_it_opens(
    here: tuple[Account, Key], elastic: Elasticsearch, keys: dict[str, dict[str, str]]
) -> None:
    made, key = here
    deployed(made, elastic)
    locked(made, key)
    everything, everybody = keys["of everything"], {"field": {"username": "*"}}
    for path, body in (
        ("user/eve", {"password": PASSWORD, "roles": ["viewers"]}),
        ("user/mallory", {"password": PASSWORD, "roles": ["superuser"]}),
        ("user/anna", {"roles": ["viewers", "superuser"]}),
        ("role/viewers", {"cluster": ["all"], "indices": [{"names": ["*"], "privileges": ["all"]}]}),
        ("role_mapping/evil", {"enabled": True, "roles": ["viewers"], "rules": everybody}),
    ):
        assert elastic.ask("PUT", f"/_security/{path}", body, **everything)[0] == 200
    # No look comes in between: it opens as somebody has just left it.
    ended = opened(made, key)
    said = ended.measures[Measure.SHUT_MAPPINGS].detail
    assert "user eve, disabled now, was made while locked" in said
    assert "role mapping evil, disabled now, was made while locked" in said
    assert [search(elastic, **as_(name)) for name in ("eve", "mallory", "anna", "ben")] == [401, 401, 200, 200]
    assert elastic.ask("GET", "/_security/role_mapping/evil")[1]["evil"]["enabled"] is False
    assert elastic.ask("GET", "/_security/user/anna")[1]["anna"]["roles"] == ["viewers"]
    assert elastic.ask("GET", "/_security/role/viewers")[1]["viewers"]["cluster"] == []
    assert elastic.ask("GET", "/_cluster/health", **as_("anna"))[0] == 403
    (told,) = (one for one in made.aws.told if one.name == "unlocked")
    assert "user eve" in told.done


def test_somebody_who_keeps_writing_a_role_holds_up_no_lock(
    here: tuple[Account, Key], elastic: Elasticsearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write in the very moment between the lock's look and its own."""
    made, key = here
    deployed(made, elastic)
    engine = made.services.engine(made.ledger.registration("demo"))
    write = engine.write

    def somebody_first(asked: Any) -> bool:
        role = {"indices": [{"names": ["logs-*"], "privileges": ["all"]}]}
        assert elastic.ask("PUT", "/_security/role/viewers", role)[0] == 200
        return write(asked)

    monkeypatch.setattr(engine, "write", somebody_first)
    key.gone = True
    guard(made.services, "demo", CAUSE)
    assert made.ledger.custody("demo").measures[Measure.SHUT_MAPPINGS].detail.startswith("user elastic stays enabled")
    monkeypatch.undo()
    assert search(elastic, **as_("anna")) == 403
    opened(made, key)


def test_a_lock_role_that_somebody_narrowed_keeps_no_cluster_locked(
    here: tuple[Account, Key], elastic: Elasticsearch
) -> None:
    """Before the lock, and in it. Without that role nothing is blocked or opened again, and every super user is disabled."""
    made, key = here
    deployed(made, elastic)
    role = "/_security/role/portcullis_lock"
    ours = elastic.ask("GET", role)[1]
    assert elastic.ask("PUT", role, {"cluster": [], "indices": []})[0] == 200
    locked(made, key)
    assert (search(elastic, **as_("anna")), unblocked(made)) == (403, [])
    assert elastic.ask("DELETE", role)[0] == 200
    assert guard(made.services, "demo", CAUSE).state is State.LOCKED
    assert elastic.ask("GET", role)[1] == ours
    assert any("portcullis_lock" in alert.happened for alert in made.aws.told if alert.name == "lock-opened")
    opened(made, key)
    assert (search(elastic, **as_("anna")), elastic.ask("GET", role)[1]) == (200, ours)


def test_no_policy_deletes_an_index_of_a_locked_cluster(here: tuple[Account, Key], elastic: Elasticsearch) -> None:
    """On 6.8, whose package has index lifecycle management; it rests in a lock, and runs again after it."""
    made, key = here
    deployed(made, elastic)
    has_policies = elastic.version.startswith("6")
    assert (elastic.ask("GET", "/_ilm/status")[0] == 200) is has_policies
    often: dict[str, Any] = {"transient": {"indices.lifecycle.poll_interval": "1s"}}
    never = {"transient": {"indices.lifecycle.poll_interval": None}}
    phases = {"phases": {"delete": {"min_age": "0ms", "actions": {"delete": {}}}}}
    dated = {"settings": {"number_of_replicas": 0}}
    assert elastic.ask("PUT", "/dated-1", dated)[0] == 200
    locked(made, key)
    if has_policies:
        assert elastic.ask("GET", "/_ilm/status")[1]["operation_mode"] in ("STOPPING", "STOPPED")
        assert elastic.ask("PUT", "/_cluster/settings", often)[0] == 200
        assert elastic.ask("PUT", "/_ilm/policy/gone", {"policy": phases})[0] == 200
        assert elastic.ask("PUT", "/dated-1/_settings", {"index.lifecycle.name": "gone"})[0] == 200
        time.sleep(3)  # it would be gone in one
        assert elastic.ask("POST", "/_ilm/start")[0] == 200  # by hand: seen, and stopped again
    assert elastic.ask("HEAD", "/dated-1")[0] == 200
    assert guard(made.services, "demo", CAUSE).state is State.LOCKED
    if has_policies:
        assert elastic.ask("GET", "/_ilm/status")[1]["operation_mode"] in ("STOPPING", "STOPPED")
        assert any("running again: ilm" in alert.happened for alert in made.aws.told)
    opened(made, key)
    if has_policies:
        assert elastic.ask("GET", "/_ilm/status")[1]["operation_mode"] == "RUNNING"
        until(lambda: elastic.ask("HEAD", "/dated-1")[0] == 404, within=30, what="the policy goes on")
        assert elastic.ask("PUT", "/_cluster/settings", never)[0] == 200
        assert elastic.ask("DELETE", "/_ilm/policy/gone")[0] == 200


def test_what_the_engine_keeps_for_its_features_is_shut_and_stored_results_are_gone(
    here: tuple[Account, Key], elastic: Elasticsearch, keys: dict[str, dict[str, str]]
) -> None:
    """No `*` of a role reaches such an index unless the role says so. Of stored results the owner is asked for no role, so they go."""
    made, key = here
    deployed(made, elastic)
    everything, results = keys["of everything"], "/.async-search"
    old = elastic.version.startswith("6")
    copying = {"source": {"index": "logs-1"}, "dest": {"index": "logs-copy"}}
    path, body = ("/_reindex", copying) if old else ("/logs-1/_forcemerge", None)
    status, task = elastic.ask("POST", f"{path}?wait_for_completion=false", body)
    assert status == 200, task
    kept = ["/.tasks/_search", f"/_tasks/{task['task']}"]
    until(lambda: elastic.ask("HEAD", "/.tasks")[0] == 200, what="the engine keeps the result")
    shown = elastic.ask("GET", "/_cluster/state/metadata/.tasks?filter_path=metadata.indices.*.system")[1]
    assert ("True" in str(shown)) is not old, "which no role reaches unless told"
    assert elastic.ask("PUT", f"{results}/_doc/1?refresh=true", {"result": WORD})[0] == 201
    locked(made, key)
    assert [elastic.ask("GET", one, **everything)[0] for one in kept] == [403, 403]
    assert elastic.ask("GET", f"{results}/_search", **everything)[0] == (403 if old else 404)
    said = made.ledger.custody("demo").measures[Measure.END_SEARCHES].detail
    assert ("stored results of searches are gone" in said) is not old
    opened(made, key)
    assert [elastic.ask("GET", one)[0] for one in kept] == [200, 200]
    elastic.ask("DELETE", results)


def test_an_index_that_follows_a_new_one_is_shut_with_the_next_look(
    here: tuple[Account, Key], elastic: Elasticsearch, keys: dict[str, dict[str, str]]
) -> None:
    """On 6.8, whose package has followers; the cluster follows itself, for a super user, who is disabled and whose role no lock empties."""
    made, key = here
    deployed(made, elastic)
    if not elastic.version.startswith("6"):
        assert elastic.ask("GET", "/_ccr/stats")[0] in (400, 404, 405)
        return
    chief = as_("chief", made.passwords.kept["portcullis/demo/chief"])
    seeds, followed = "cluster.remote.itself.seeds", "/_ccr/auto_follow/new"
    names = {"leader_index_patterns": ["late-*"], "follow_index_pattern": "copy-{{leader_index}}"}
    itself = {"persistent": {seeds: [f"{LOOPBACK}:{elastic.transport_port}"]}}
    try:
        assert elastic.ask("PUT", "/_cluster/settings", itself, **chief)[0] == 200
        assert elastic.ask("PUT", followed, {"remote_cluster": "itself", **names}, **chief)[0] == 200
        locked(made, key)
        leader = {"settings": {"number_of_replicas": 0, "soft_deletes.enabled": True}}
        assert elastic.ask("PUT", "/late-1", leader, **keys["of everything"])[0] == 200
        until(lambda: elastic.ask("HEAD", "/copy-late-1")[0] == 200, what="it is followed in the lock, too")
        assert guard(made.services, "demo", CAUSE).state is State.LOCKED
        (told,) = (one for one in made.aws.told if one.name == "lock-opened")
        assert "copy-late-1" in told.happened
        assert not unblocked(made)
        opened(made, key)
    finally:
        elastic.ask("DELETE", followed)
        elastic.ask("POST", "/copy-late-1/_ccr/pause_follow")
        elastic.ask("DELETE", "/copy-late-1")
        assert elastic.ask("PUT", "/_cluster/settings", {"persistent": {seeds: None}})[0] == 200


def unblocked(made: Account) -> list[str]:
    blocks = made.services.engine(made.ledger.registration("demo")).blocks()
    return [index for index, had in blocks.items() if had != dict.fromkeys(BLOCKS, "true")]


def test_tokens_of_the_engines_own_accounts_are_named_by_a_lock(
    here: tuple[Account, Key], elastic: Elasticsearch
) -> None:
    made, key = here
    deployed(made, elastic)
    token = "/_security/service/elastic/fleet-server/credential/token/somebodys"
    has_accounts = elastic.ask("POST", token)[0] == 200
    assert has_accounts is not elastic.version.startswith("6")
    said = locked(made, key).measures[Measure.END_SEARCHES].detail
    assert ("elastic/fleet-server/somebodys" in said) is has_accounts
    opened(made, key)
    elastic.ask("DELETE", token)
