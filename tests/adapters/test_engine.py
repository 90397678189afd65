"""The engine's adapter on real nodes: what it reads, writes, blocks, and how it says no."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from portcullis.adapters.engines.blocks import IndexBlocks
from portcullis.adapters.engines.opensearch import OpenSearchEngine
from portcullis.adapters.engines.transport import basic_transport
from portcullis.errors import Conflict, PortcullisError, Refused, Unreachable
from portcullis.families.opensearch.documents.config import Kind
from portcullis.families.opensearch.documents.dialects import Dialect
from portcullis.families.opensearch.documents.patch import apply_patch, pointer
from portcullis.families.opensearch.shutting.baseline import LOCK
from portcullis.ports.engine import Stop

from local.node.node import Node
from local.node.security import SecuritySetup
from local.processes import free_port
from tests.fixtures_node import FEW_ROUNDS

pytestmark = pytest.mark.node
Transport = Callable[[str, str, Mapping[str, str] | None, Any], tuple[int, Any]]
_numbers = itertools.count(1)
# Each is a name or an entry that somebody could choose; none may reach anything but itself.
HOSTILE = ["a/b", "~1~0~", "ü 日本 \U0001f600", "../../_plugins", "a%2Fb", 'q"\\', "x?y=1&z#f", "-", "0"]


def connect(node: Node, user: str = "", password: str = "") -> Transport:
    endpoint = node.url.removeprefix("https://")
    return basic_transport(endpoint, user or node.user, password or node.password, ca=str(node.ca))


def put(node: Node, index: str, identifier: str, document: dict[str, Any]) -> None:
    status, said = node.ask("PUT", f"/{index}/_doc/{identifier}?refresh=true", document)
    assert status in (200, 201), said


def as_7_10(send: Transport) -> Transport:
    """The same node, taken for an Elasticsearch 7.10 with Open Distro: 2.19 still routes those paths."""

    def answer(method: str, path: str, params: Mapping[str, str] | None, body: Any) -> tuple[int, Any]:
        if (method, path) == ("GET", "/"):
            return 200, {"version": {"number": "7.10.2"}}
        return send(method, path, params, body)

    return answer


@pytest.fixture(params=["3.4.0", "2.19.3 as 7.10"])
def node(request: pytest.FixtureRequest) -> Node:
    found: Node = request.getfixturevalue("node_basic_3" if request.param == "3.4.0" else "node_basic_2")
    return found


@pytest.fixture
def engine(request: pytest.FixtureRequest, node: Node) -> OpenSearchEngine:
    old = request.node.callspec.params["node"].endswith("as 7.10")
    engine = OpenSearchEngine(as_7_10(connect(node)) if old else connect(node), "the node")
    assert engine.dialect is (Dialect.V7 if old else Dialect.PLUGINS)
    return engine


@pytest.fixture
def role(engine: OpenSearchEngine) -> Iterator[str]:
    """A role with a mapping of two users, and gone again."""
    name = f"adapter{next(_numbers)}"
    engine.patch(
        Kind.ROLES, [{"op": "add", "path": pointer(name), "value": {"cluster_permissions": ["cluster_monitor"]}}]
    )
    engine.patch(Kind.MAPPINGS, [{"op": "add", "path": pointer(name), "value": {"users": ["anna", "ben"]}}])
    yield name
    engine.patch(Kind.MAPPINGS, [{"op": "remove", "path": pointer(name)}])
    engine.patch(Kind.ROLES, [{"op": "remove", "path": pointer(name)}])


def test_2_19_is_spoken_to_by_its_own_paths(node_basic_2: Node) -> None:
    engine = OpenSearchEngine(connect(node_basic_2), "the node")
    assert engine.dialect is Dialect.PLUGINS
    assert engine.settings().release == "OpenSearch_2.19"
    assert engine.read([Kind.ROLES]).get(Kind.ROLES, "all_access") is not None


def users_of(engine: OpenSearchEngine, role: str) -> list[str]:
    return list((engine.read([Kind.MAPPINGS]).get(Kind.MAPPINGS, role) or {})["users"])


def test_everything_the_engine_holds_is_read(engine: OpenSearchEngine, role: str) -> None:
    held = engine.read()
    assert set(held.documents) == set(Kind)
    assert held.get(Kind.ROLES, "all_access") is not None
    assert users_of(engine, role) == ["anna", "ben"]
    assert set(engine.read([Kind.TENANTS]).documents) == {Kind.TENANTS}


@pytest.mark.parametrize("few", [True, False])
def test_some_documents_are_looked_at_as_they_are_read_and_no_other(
    engine: OpenSearchEngine, role: str, few: bool
) -> None:
    names = [role, "nobody-made-this", *([] if few else ["all_access", "kibana_user", "own_index"])]
    seen, held = engine.look({Kind.ROLES: names, Kind.MAPPINGS: names}), engine.read()
    for kind in (Kind.ROLES, Kind.MAPPINGS):
        assert seen.of(kind) == {name: one for name, one in held.of(kind).items() if name in names}
        assert role in seen.of(kind)
    assert engine.look({Kind.ROLES: [], Kind.MAPPINGS: [".."]}).documents == {Kind.ROLES: {}, Kind.MAPPINGS: {}}


def test_who_it_is_taken_for(engine: OpenSearchEngine, node: Node) -> None:
    me = engine.who_am_i()
    assert me.name == node.user
    assert "all_access" in me.roles


# ---------------------------------------------------------------------- writing


def test_a_patch_that_changes_says_so_and_one_that_does_not_too(engine: OpenSearchEngine, role: str) -> None:
    same = [{"op": "replace", "path": pointer(role, "users"), "value": ["anna", "ben"]}]
    more = [{"op": "add", "path": pointer(role, "users", "-"), "value": "carl"}]
    assert engine.patch(Kind.MAPPINGS, []) is False
    assert engine.patch(Kind.MAPPINGS, same) is False
    assert engine.patch(Kind.MAPPINGS, more) is True
    assert users_of(engine, role) == ["anna", "ben", "carl"]


def test_a_stale_plan_is_refused_by_its_length_check_and_writes_nothing(engine: OpenSearchEngine, role: str) -> None:
    """Somebody took an entry out meanwhile: the index that the plan knew is another one's now."""
    engine.patch(Kind.MAPPINGS, [{"op": "remove", "path": pointer(role, "users", 0)}])
    stale = [
        {"op": "add", "path": pointer(role, "users", 2), "value": "x"},
        {"op": "remove", "path": pointer(role, "users", 2)},
        {"op": "remove", "path": pointer(role, "users", 0)},
    ]
    with pytest.raises(Conflict):
        engine.patch(Kind.MAPPINGS, stale)
    assert users_of(engine, role) == ["ben"]


def test_a_mapping_of_a_role_that_is_not_there_is_refused_whole(engine: OpenSearchEngine, role: str) -> None:
    operations = [
        {"op": "add", "path": pointer(role, "users", "-"), "value": "carl"},
        {"op": "add", "path": "/nowhere", "value": {"users": ["anna"]}},
    ]
    with pytest.raises(Refused, match="404"):
        engine.patch(Kind.MAPPINGS, operations)
    assert users_of(engine, role) == ["anna", "ben"]


def test_what_the_engine_reserves_is_refused_whole(engine: OpenSearchEngine, role: str) -> None:
    operations = [
        {"op": "remove", "path": pointer(role)},
        {"op": "replace", "path": "/kibana_server/cluster_permissions", "value": []},
    ]
    with pytest.raises(Refused, match="403"):
        engine.patch(Kind.ROLES, operations)
    assert engine.read([Kind.ROLES]).get(Kind.ROLES, role) is not None


def test_what_is_no_such_document_is_refused_with_the_engines_reason(engine: OpenSearchEngine, role: str) -> None:
    with pytest.raises(Refused, match=r"400.*"):
        engine.patch(Kind.ROLES, [{"op": "add", "path": pointer(role), "value": {"no_such_field": 1}}])


def test_hostile_entries_are_entries_and_nothing_else(engine: OpenSearchEngine, role: str) -> None:
    before = engine.read()
    add = [{"op": "add", "path": pointer(role, "users", "-"), "value": name} for name in HOSTILE]
    engine.patch(Kind.MAPPINGS, add)
    assert users_of(engine, role) == ["anna", "ben", *HOSTILE]
    assert engine.read() == apply_patch(before, Kind.MAPPINGS, add)


def test_hostile_names_of_roles_reach_those_roles_alone(engine: OpenSearchEngine) -> None:
    """The engine reads a pointer's escapes in the wrong order: to it `~01` is `/`."""
    before = engine.read([Kind.ROLES, Kind.MAPPINGS])
    names = [*HOSTILE, "~01", "a~b"]
    roles = [{"op": "add", "path": pointer(name), "value": {"cluster_permissions": []}} for name in names]
    assert engine.patch(Kind.ROLES, roles)
    mappings = [{"op": "add", "path": pointer(name), "value": {"users": ["anna", "ben"]}} for name in names]
    assert engine.patch(Kind.MAPPINGS, mappings)
    assert engine.patch(Kind.MAPPINGS, [{"op": "remove", "path": pointer(name, "users", 0)} for name in names])
    after = engine.read([Kind.ROLES, Kind.MAPPINGS])
    for kind in (Kind.ROLES, Kind.MAPPINGS):
        assert set(after.of(kind)) - set(before.of(kind)) == set(names)
    assert {name: after.of(Kind.MAPPINGS)[name]["users"] for name in names} == {name: ["ben"] for name in names}
    for name in names:
        assert engine.look({Kind.MAPPINGS: [name]}).of(Kind.MAPPINGS) == {name: after.of(Kind.MAPPINGS)[name]}
    for kind in (Kind.MAPPINGS, Kind.ROLES):
        assert engine.patch(kind, [{"op": "remove", "path": pointer(name)} for name in names])
    assert engine.read([Kind.ROLES, Kind.MAPPINGS]) == before


# ---------------------------------------------------------------------- blocks


def test_blocks_go_on_and_off_and_an_index_keeps_its_own(engine: OpenSearchEngine, node: Node) -> None:
    plain, frozen = f"plain{next(_numbers)}", f"frozen{next(_numbers)}"
    for index in (plain, frozen):
        put(node, index, "1", {"a": 1})
    assert node.ask("PUT", f"/{frozen}/_settings", {"index.blocks.write": True})[0] == 200
    before = engine.blocks()
    assert (before[plain], before[frozen]) == ({}, {"index.blocks.write": "true"})
    for _ in range(2):
        engine.block_indices(before)
        assert {tuple(sorted(had.values())) for had in engine.blocks().values()} == {("true", "true")}
    assert engine.what_stops_a_search(plain) is Stop.BLOCK
    assert node.ask("PUT", f"/{plain}/_doc/2", {})[0] == 403
    assert engine.patch(Kind.TENANTS, []) is False
    engine.read(), engine.who_am_i()
    for _ in range(2):
        engine.unblock_indices(before)
        assert engine.blocks() == before
    assert engine.what_stops_a_search(plain) is engine.what_stops_a_search(frozen) is None
    assert node.ask("PUT", f"/{frozen}/_doc/2", {})[0] == 403
    for index in (plain, frozen):
        node.ask("DELETE", f"/{index}")


def test_a_copy_made_with_null_for_a_block_has_none_and_comes_out_of_a_lock(
    engine: OpenSearchEngine, node: Node
) -> None:
    source, copy = f"source{next(_numbers)}", f"copy{next(_numbers)}"
    put(node, source, "1", {})
    assert node.ask("PUT", f"/{source}/_settings", {"index.blocks.write": True})[0] == 200
    nothing = {"settings": {"index.blocks.write": None}}
    assert node.ask("PUT", f"/{source}/_clone/{copy}?wait_for_active_shards=1", nothing)[0] == 200
    before = engine.blocks()
    assert before[copy] == {}
    engine.block_indices(before)
    engine.unblock_indices(before)
    assert engine.blocks() == before
    assert node.ask("PUT", f"/{copy}/_doc/2", {})[0] == 201
    for index in (source, copy):
        node.ask("DELETE", f"/{index}")


def test_an_index_that_is_gone_when_the_blocks_go_off_is_no_error(engine: OpenSearchEngine, node: Node) -> None:
    index = f"gone{next(_numbers)}"
    put(node, index, "1", {})
    engine.block_indices({})
    node.ask("DELETE", f"/{index}")
    engine.unblock_indices({index: {"index.blocks.write": "true"}})
    assert index not in engine.blocks()


# Each is an index that a lock has to reach, by how it is made.
REACHED = [
    "data stream",
    "aliased",
    "closed",
    "hidden",
    "dot",
    "dashboards",
    "like the engine's",
    "unblocked by a template",
]


@pytest.fixture
def shelf(node: Node) -> Iterator[dict[str, str]]:
    """How it is made -> the index, of every kind there is."""
    n = next(_numbers)
    names = {
        "data stream": f".ds-stream{n}-000001",
        "aliased": f"aliased{n}",
        "closed": f"closed{n}",
        "hidden": f"hidden{n}",
        "dot": f".own{n}",
        "dashboards": f".kibana_{n}",
        "like the engine's": f".opendistro-mine{n}",
        "unblocked by a template": f"free{n}",
    }

    def ask(method: str, path: str, body: Any = None) -> None:
        status, said = node.ask(method, path, body)
        assert status in (200, 201), said

    ask("PUT", f"/_index_template/s{n}", {"index_patterns": [f"stream{n}"], "data_stream": {}, "priority": 1})
    ask("PUT", f"/_data_stream/stream{n}")
    free = {"index.blocks.read": False, "index.blocks.write": False}
    ask("PUT", f"/_index_template/f{n}", {"index_patterns": [f"free{n}"], "template": {"settings": free}})
    for name in names.values():
        if not name.startswith(".ds-"):
            ask("PUT", f"/{name}", {"settings": {"index.hidden": True}} if name.startswith("hidden") else {})
    ask("POST", "/_aliases", {"actions": [{"add": {"index": names["aliased"], "alias": f"other{n}"}}]})
    ask("POST", f"/{names['closed']}/_close")
    yield names
    node.ask("DELETE", f"/_data_stream/stream{n}")
    for name in names.values():
        node.ask("DELETE", f"/{name}")
    for template in (f"s{n}", f"f{n}"):
        node.ask("DELETE", f"/_index_template/{template}")


def test_every_index_but_the_engines_own_is_blocked_and_looked_at(
    engine: OpenSearchEngine, node: Node, shelf: dict[str, str]
) -> None:
    before = engine.blocks()
    assert set(REACHED) == set(shelf)
    assert set(shelf.values()) <= before.keys()
    assert not {name for name in before if name.startswith(".opendistro_security")}
    engine.block_indices(before)
    both = {"index.blocks.read": "true", "index.blocks.write": "true"}
    assert {how: engine.blocks()[name] for how, name in shelf.items()} == dict.fromkeys(shelf, both)
    assert engine.read([Kind.ROLES]), "the security API is not hindered"
    for block in both:
        assert node.ask("PUT", f"/{shelf['dot']}/_settings", {block: False})[0] == 200
        assert engine.blocks()[shelf["dot"]][block] == "false", "seen as what it is"
        engine.block_indices(before)
        assert engine.blocks()[shelf["dot"]] == both
    engine.unblock_indices(before)
    assert engine.blocks() == before


@pytest.mark.parametrize(
    "alias", [".opendistro-alerting-alert-mine", ".opendistro-alerting-config", ".plugins-ml-model"]
)
@pytest.mark.parametrize("index", ["orders", ".kibana_orders", ".opendistro-mine"])
def test_an_alias_named_like_the_engines_own_hides_no_index(
    engine: OpenSearchEngine, node: Node, index: str, alias: str
) -> None:
    """The engine takes a pattern that excludes for aliases too, and leaves out whatever they lead to."""
    both = {"index.blocks.read": "true", "index.blocks.write": "true"}
    put(node, index, "1", {"a": 1})
    before = engine.blocks()
    added = {"actions": [{"add": {"index": index, "alias": alias}}]}
    assert node.ask("POST", "/_aliases", added)[0] == 200
    assert engine.blocks() == before
    engine.block_indices(before)
    assert engine.blocks()[index] == both
    assert node.ask("POST", f"/{index}/_search", {})[0] == 403
    assert engine.read([Kind.ROLES]), "the security API is not hindered"
    engine.unblock_indices(before)
    assert engine.blocks() == before
    node.ask("DELETE", f"/{index}")


OWN_NAMES = [".opendistro-reports-mine", ".opendistro-alerting-config", ".opendistro-anomaly-results-history-1"]


def test_an_index_called_like_the_engines_own_that_it_keeps_from_nobody_is_blocked(
    engine: OpenSearchEngine, node: Node
) -> None:
    """This node keeps no name but that of its security index: whoever makes indices could put a copy aside under one."""
    both = {"index.blocks.read": "true", "index.blocks.write": "true"}
    for name in OWN_NAMES:
        put(node, name, "1", {"a": 1})
    assert node.ask("PUT", f"/{OWN_NAMES[0]}/_settings", {"index.blocks.read_only": True})[0] == 200
    before = engine.blocks()
    assert before[OWN_NAMES[0]] == {"index.blocks.read_only": "true"}
    engine.block_indices(before)
    shown = engine.blocks()
    assert [shown[name] for name in OWN_NAMES] == [both] * len(OWN_NAMES)
    assert [node.ask("POST", f"/{name}/_search", {})[0] for name in OWN_NAMES] == [403] * len(OWN_NAMES)
    assert {*OWN_NAMES} <= {*engine.names().indices}
    assert engine.read([Kind.ROLES]), "the security API is not hindered"
    engine.unblock_indices(before)
    assert engine.blocks() == before
    assert node.ask("PUT", f"/{OWN_NAMES[0]}/_settings", {"index.blocks.read_only": None})[0] == 200
    for name in OWN_NAMES:
        assert node.ask("DELETE", f"/{name}")[0] == 200


@pytest.mark.parametrize("version", ["3.4.0", "2.19.3"])
def test_an_index_that_the_engine_keeps_for_itself_is_left_alone_and_is_no_failure(
    version: str, tmp_path: Path, jar_cache: Path
) -> None:
    """A node that keeps the names of its own, as the plugin's documented configuration has it."""
    kept = {"plugins.security.system_indices.enabled": True, "plugins.security.system_indices.indices": OWN_NAMES[:2]}
    setup = SecuritySetup.basic(settings=FEW_ROUNDS | kept)
    both = {"index.blocks.read": "true", "index.blocks.write": "true"}
    with Node.start(tmp_path, jar_cache, version, security=setup, tell=print) as node, requests.Session() as session:
        session.trust_env = False
        for name in OWN_NAMES:
            made = session.put(f"{node.url}/{name}", verify=str(node.ca), cert=node.admin.pair, timeout=30)
            assert made.status_code == 200
        engine = OpenSearchEngine(connect(node), "the node")
        engine.patch(Kind.ROLES, [{"op": "add", "path": "/adapter_lock", "value": dict(LOCK)}])
        user = {"password": "Correct-horse-7-staple"}
        engine.patch(Kind.USERS, [{"op": "add", "path": "/locker", "value": user}])
        engine.patch(Kind.MAPPINGS, [{"op": "add", "path": "/adapter_lock", "value": {"users": ["locker"]}}])
        locker = OpenSearchEngine(connect(node, "locker", "Correct-horse-7-staple"), "the node")
        before = locker.blocks()
        assert {*OWN_NAMES} & before.keys() == {OWN_NAMES[2]}
        locker.block_indices(before)
        assert locker.blocks()[OWN_NAMES[2]] == both
        locker.unblock_indices(before)
        assert locker.blocks() == before


def test_an_index_that_the_engine_could_not_make_keeps_no_other_one_open_or_shut(
    engine: OpenSearchEngine, node: Node
) -> None:
    """An engine looks at every index of a request: one whose analyzer reads a file that is gone has all of it refused."""
    both = {"index.blocks.read": "true", "index.blocks.write": "true"}
    names = [f"broken{next(_numbers)}", *(f"plain{next(_numbers)}" for _ in range(5))]
    file = node.home / "config" / "stop.txt"
    file.write_text("and\n", encoding="utf-8")
    stop = {"filter": {"s": {"type": "stop", "stopwords_path": file.name}}}
    analysis = {**stop, "analyzer": {"a": {"tokenizer": "standard", "filter": ["s"]}}}
    for name in names:
        assert node.ask("PUT", f"/{name}", {"settings": {"analysis": analysis if name == names[0] else {}}})[0] == 200
    assert node.ask("PUT", f"/{names[1]}/_settings", {"index.blocks.write": True})[0] == 200
    before = engine.blocks()
    file.unlink()
    with pytest.raises(Refused, match=rf"{names[0]}: refused.* not readable"):
        engine.block_indices(before)
    shown = engine.blocks()
    assert [shown[name] for name in names] == [{}, *[both] * 5]
    with pytest.raises(Refused, match=names[0]):
        engine.block_indices(before, ["index.blocks.read"])
    assert engine.blocks()[names[2]] == {"index.blocks.write": "true"}
    engine.unblock_indices(before)
    assert engine.blocks() == before, "what was not blocked keeps nothing from opening"
    file.write_text("and\n", encoding="utf-8")
    engine.block_indices(before)
    file.unlink()
    with pytest.raises(Refused, match=names[0]):
        engine.unblock_indices(before)
    assert engine.blocks() == before | {names[0]: both}
    for name in names:
        node.ask("DELETE", f"/{name}")


def test_a_window_lifts_what_it_needs_and_no_block_that_was_there_before(
    engine: OpenSearchEngine, node: Node, shelf: dict[str, str]
) -> None:
    assert node.ask("PUT", f"/{shelf['hidden']}/_settings", {"index.blocks.read": True})[0] == 200
    before = engine.blocks()
    engine.block_indices(before)
    engine.block_indices(before, ["index.blocks.read"])
    shown = engine.blocks()
    assert shown[shelf["aliased"]] == {"index.blocks.write": "true"}
    assert shown[shelf["hidden"]] == {"index.blocks.read": "true", "index.blocks.write": "true"}
    engine.block_indices(before, ["index.blocks.read", "index.blocks.write"])
    assert engine.blocks() == before
    engine.unblock_indices(before)
    assert engine.blocks() == before


def test_names_too_many_for_a_path_come_back_with_their_own_blocks(engine: OpenSearchEngine, node: Node) -> None:
    names = [f"long{next(_numbers)}-{'x' * 230}" for _ in range(14)]
    for name in names:
        settings = {"number_of_replicas": 0, "index.blocks.write": True}
        assert node.ask("PUT", f"/{name}", {"settings": settings})[0] == 200
    before = engine.blocks()
    engine.block_indices(before)
    engine.unblock_indices(before)
    assert engine.blocks() == before
    for name in names:
        node.ask("DELETE", f"/{name}")


# Blocks that keep an engine from changing a setting of an index; the second one from showing any, too.
HINDERING = ["index.blocks.read_only", "index.blocks.metadata", "index.blocks.read_only_allow_delete"]


@pytest.mark.parametrize("hindering", HINDERING)
def test_an_index_whose_own_block_hinders_ours_keeps_no_other_one_open(
    engine: OpenSearchEngine, node: Node, hindering: str
) -> None:
    """Whoever may change the settings of one index must not be able to keep the whole lock away."""
    plain, hard = f"plain{next(_numbers)}", f"hard{next(_numbers)}"
    for index in (plain, hard):
        put(node, index, "1", {"a": 1})
    assert node.ask("PUT", f"/{hard}/_settings", {hindering: True})[0] == 200
    both = {"index.blocks.read": "true", "index.blocks.write": "true"}
    before = engine.blocks()
    assert before[hard] == {hindering: "true"}
    for _ in range(2):
        engine.block_indices(before)
        shown = engine.blocks()
        assert (shown[plain], shown[hard]) == (both, both)
    engine.block_indices(before, list(both))
    assert (node.ask("PUT", f"/{hard}/_doc/2", {})[0] == 403) is (hindering != "index.blocks.metadata"), "in a window"
    engine.block_indices(before)
    for _ in range(2):
        engine.unblock_indices(before)
        assert engine.blocks() == before
    assert engine.what_stops_a_search(plain) is None
    assert node.ask("PUT", f"/{hard}/_settings", {hindering: None})[0] == 200
    assert engine.blocks()[hard] == {}
    for index in (plain, hard):
        node.ask("DELETE", f"/{index}")


@pytest.mark.parametrize("between", ["\u3000", "\u00a0", "\t", "\n", "\x07", "\u2028"])
def test_a_hindering_block_of_an_index_with_white_space_in_its_name_opens_no_other(
    engine: OpenSearchEngine, node: Node, between: str
) -> None:
    """A name may hold any white space but a blank: the engine's refusal names the index, and that is all that tells which it is."""
    plain, hard = f"plain{next(_numbers)}", f"wide{between}{next(_numbers)}"
    put(node, plain, "1", {"a": 1})
    path = f"/{quote(hard, safe='')}"
    assert node.ask("PUT", path, {"settings": {"index.blocks.metadata": True}})[0] == 200
    both = {"index.blocks.read": "true", "index.blocks.write": "true"}
    before = engine.blocks()
    assert before[hard] == {"index.blocks.metadata": "true"}
    engine.block_indices(before)
    assert (engine.blocks()[plain], engine.blocks()[hard]) == (both, both)
    engine.unblock_indices(before)
    assert engine.blocks() == before
    assert node.ask("PUT", f"{path}/_settings", {"index.blocks.metadata": None})[0] == 200
    for index in (path, f"/{plain}"):
        assert node.ask("DELETE", index)[0] == 200


@pytest.fixture
def crowd(node: Node) -> Iterator[Callable[[list[str], dict[str, Any]], None]]:
    """Makes indices, and takes them away again."""
    made: list[str] = []

    def make(names: list[str], body: dict[str, Any]) -> None:
        made.extend(names)
        for name in names:
            status, answer = node.ask("PUT", f"/{quote(name, safe='')}", body)
            assert status == 200, answer

    yield make
    for name in made:
        path = f"/{quote(name, safe='')}"
        node.ask("PUT", f"{path}/_settings", {"index.blocks.metadata": None})
        node.ask("DELETE", path)


def test_more_indices_that_hinder_than_fit_into_a_path_keep_no_other_one_open(
    engine: OpenSearchEngine, node: Node, crowd: Callable[[list[str], dict[str, Any]], None]
) -> None:
    both = {"index.blocks.read": "true", "index.blocks.write": "true"}
    plain = f"plain{next(_numbers)}"
    put(node, plain, "1", {"a": 1})
    names = [str(n) + "\u65e5" * 80 for n in range(10, 26)]
    crowd(names, {"settings": {"index.number_of_replicas": 0, "index.blocks.metadata": True}})
    before = engine.blocks()
    assert {name: before[name] for name in names} == {name: {"index.blocks.metadata": "true"} for name in names}
    engine.block_indices(before)
    shown = engine.blocks()
    assert [shown[name] for name in (plain, *names)] == [both] * (1 + len(names))
    engine.unblock_indices(before)
    assert engine.blocks() == before
    node.ask("DELETE", f"/{plain}")


@pytest.mark.parametrize("hindering", HINDERING)
def test_a_hindering_block_that_came_in_the_lock_keeps_nothing_shut_and_stays(
    engine: OpenSearchEngine, node: Node, hindering: str
) -> None:
    plain, hard = f"plain{next(_numbers)}", f"hard{next(_numbers)}"
    for index in (plain, hard):
        put(node, index, "1", {"a": 1})
    before = engine.blocks()
    engine.block_indices(before)
    assert node.ask("PUT", f"/{hard}/_settings", {hindering: True})[0] == 200
    assert engine.blocks()[hard].get(hindering) == "true", "seen, and no look at the others is refused for it"
    engine.unblock_indices(before)
    assert engine.blocks() == before | {hard: {hindering: "true"}}
    assert node.ask("PUT", f"/{hard}/_settings", {hindering: None})[0] == 200
    for index in (plain, hard):
        node.ask("DELETE", f"/{index}")


@pytest.mark.parametrize(("act", "after"), [("lock", 1), ("unlock", 1), ("unlock", 2)])
@pytest.mark.parametrize("hindering", HINDERING)
def test_a_hindering_block_is_put_back_though_the_call_was_cut_off(
    engine: OpenSearchEngine, node: Node, hindering: str, act: str, after: int
) -> None:
    """Somebody's block came in the lock: whoever takes it off and dies has said so before, and the next try puts it back."""
    plain, hard = f"plain{next(_numbers)}", f"hard{next(_numbers)}"
    for index in (plain, hard):
        put(node, index, "1", {"a": 1})
    engine.block_indices({})
    assert node.ask("PUT", f"/{hard}/_settings", {hindering: True})[0] == 200
    kept: dict[str, Mapping[str, str]] = {}
    left = [after]
    send = connect(node)

    def dies(method: str, path: str, params: Mapping[str, str] | None, body: Any) -> tuple[int, Any]:
        if method == "PUT" and kept:
            left[0] -= 1
        if left[0] < 0:
            raise Unreachable("gone")
        return send(method, path, params, body)

    one = IndexBlocks(dies, "the node", lambda: [f"{plain}*,{hard}*"], lambda: [plain, hard])
    with pytest.raises(Unreachable):
        one.put_on({}, (), kept.update) if act == "lock" else one.take_off({}, kept.update)
    assert kept == {hard: {hindering: "true"}}
    engine.block_indices(kept)  # in the lock it stands aside, else nothing could be changed
    engine.unblock_indices(kept)
    shown = engine.blocks()
    assert (shown[plain], shown[hard]) == ({}, {hindering: "true"})
    assert node.ask("PUT", f"/{hard}/_settings", {hindering: None})[0] == 200
    for index in (plain, hard):
        node.ask("DELETE", f"/{index}")


@pytest.mark.parametrize("name", ["%2a", "cruel%2a", "cruel%252a", "cruel%20b", "cruel;a=b&c", "cruel]x[", "grüße"])
def test_an_index_with_a_cruel_name_has_its_own_blocks_and_nobody_elses(
    engine: OpenSearchEngine, node: Node, name: str
) -> None:
    """A name may hold `%2a`; as it stands in a path that would be a star."""
    path, plain = f"/{quote(name, safe='')}", "cruel"
    assert node.ask("PUT", path, {"settings": {"index.blocks.write": True}})[0] == 200
    put(node, plain, "1", {"a": 1})
    before = engine.blocks()
    assert (before[name], before[plain]) == ({"index.blocks.write": "true"}, {})
    engine.block_indices(before)
    engine.block_indices(before, ["index.blocks.write"])
    shown = engine.blocks()
    both = {"index.blocks.read": "true", "index.blocks.write": "true"}
    assert (shown[name], shown[plain]) == (both, {"index.blocks.read": "true"})
    engine.unblock_indices(before)
    assert engine.blocks() == before
    for index in (path, f"/{plain}"):
        assert node.ask("DELETE", index)[0] == 200


def never_closes(indices: Sequence[str]) -> None:
    raise AssertionError(f"{indices} closed")


def test_open_searches_are_ended_where_the_engine_can_end_them(engine: OpenSearchEngine, node: Node) -> None:
    """Scrolls and points in time of others answer 404 afterwards. An older engine has no such call, and that is no error."""
    index = f"paged{next(_numbers)}"
    put(node, index, "1", {"a": 1})
    scroll = node.ask("POST", f"/{index}/_search?scroll=5m", {"size": 1})[1]["_scroll_id"]
    point = node.ask("POST", f"/{index}/_search/point_in_time?keep_alive=5m")[1]["pit_id"]
    pages = [("/_search/scroll", {"scroll_id": scroll}), ("/_search", {"pit": {"id": point}})]
    assert [node.ask("POST", path, body)[0] for path, body in pages] == [200, 200]
    assert "points in time ended" in engine.end_searches(never_closes)
    assert [node.ask("POST", path, body)[0] for path, body in pages] == [404, 404]
    engine.end_searches(never_closes)
    node.ask("DELETE", f"/{index}")
    old = OpenSearchEngine(lambda *_: (400, {"error": "no handler found"}), "an older one", Dialect.V7)
    assert old.end_searches(never_closes) == "nothing ended"


def test_names_are_all_that_there_is_but_the_engines_own(engine: OpenSearchEngine, node: Node) -> None:
    number = next(_numbers)
    index, hidden, closed, alias = (f"{what}{number}" for what in ("plain", "hidden", "closed", "both"))
    stream, template = f"stream{number}", f"/_index_template/streams{number}"
    put(node, index, "1", {"a": 1})
    node.ask("PUT", f"/{hidden}", {"settings": {"index.hidden": True}})
    node.ask("PUT", f"/{closed}", {})
    node.ask("POST", f"/{closed}/_close")
    node.ask("POST", "/_aliases", {"actions": [{"add": {"indices": [index, hidden], "alias": alias}}]})
    node.ask("PUT", template, {"index_patterns": [stream], "data_stream": {}, "priority": 500})
    node.ask("PUT", f"/_data_stream/{stream}")
    names = engine.names()
    [behind] = names.streams[stream]
    assert {index, hidden, closed, behind} <= {*names.indices}
    assert ".opendistro_security" not in names.indices
    assert {*names.aliases[alias]} == {index, hidden}
    assert {hidden, behind} <= {*names.hidden}
    assert closed in names.closed
    assert not {index, hidden, behind} & {*names.closed}
    assert index not in names.hidden
    for path in (f"/_data_stream/{stream}", template, f"/{index}", f"/{hidden}", f"/{closed}"):
        node.ask("DELETE", path)


def test_the_lock_role_blocks_every_index_and_reads_none(engine: OpenSearchEngine, node: Node) -> None:
    index, user = f"kept{next(_numbers)}", f"locker{next(_numbers)}"
    alias = f"of-{index}"
    put(node, index, "1", {"a": 1})
    like_own = {"add": {"index": index, "alias": ".opendistro-alerting-alert-kept"}}
    filtered = {"add": {"index": index, "alias": alias, "filter": {"term": {"a": 1}}}}
    assert node.ask("POST", "/_aliases", {"actions": [like_own, filtered]})[0] == 200
    engine.patch(Kind.ROLES, [{"op": "add", "path": "/adapter_lock", "value": dict(LOCK)}])
    engine.patch(Kind.USERS, [{"op": "add", "path": pointer(user), "value": {"password": "Correct-horse-7-staple"}}])
    engine.patch(Kind.MAPPINGS, [{"op": "add", "path": "/adapter_lock", "value": {"users": [user]}}])
    locker = OpenSearchEngine(connect(node, user, "Correct-horse-7-staple"), "the node")
    assert locker.what_stops_a_search(index) is Stop.PRIVILEGES
    before = locker.blocks()
    locker.block_indices(before)
    assert engine.what_stops_a_search(index) is Stop.BLOCK
    assert index in locker.names().indices
    assert json.loads(locker.alias_filters()[alias][index]) == {"term": {"a": 1}}
    locker.end_searches(never_closes)
    locker.unblock_indices(before)
    assert engine.what_stops_a_search(index) is None
    with pytest.raises(Refused, match="403"):
        locker.read([Kind.ROLES])
    engine.patch(Kind.MAPPINGS, [{"op": "remove", "path": "/adapter_lock"}])
    engine.patch(Kind.USERS, [{"op": "remove", "path": pointer(user)}])
    engine.patch(Kind.ROLES, [{"op": "remove", "path": "/adapter_lock"}])
    node.ask("DELETE", f"/{index}")


# ---------------------------------------------------------------------- no answer


def test_nobody_there_is_unreachable() -> None:
    endpoint = f"127.0.0.1:{free_port()}"
    engine = OpenSearchEngine(basic_transport(endpoint, "a", "b"), endpoint)
    for ask in (engine.read, engine.who_am_i, engine.blocks, lambda: engine.what_stops_a_search("x")):
        with pytest.raises(Unreachable, match=endpoint):
            ask()


@pytest.mark.parametrize(
    ("status", "body", "meant"),
    [
        (409, {"error": "version conflict"}, Conflict),
        (500, {"message": "version conflict, required seqNo"}, Conflict),
        (400, {"reason": "Array index 3 out of bounds"}, Conflict),
        (429, "too many", Unreachable),
        (503, None, Unreachable),
        (504, "<html>gateway</html>", Unreachable),
        (401, "", Refused),
        (418, {"error": {"reason": "a\nteapot"}}, Refused),
    ],
)
def test_every_answer_that_is_no_success_means_one_thing(status: int, body: Any, meant: type[PortcullisError]) -> None:
    def send(method: str, path: str, *_: Any) -> tuple[int, Any]:
        return (200, {"version": {"number": "3.4.0", "distribution": "opensearch"}}) if path == "/" else (status, body)

    with pytest.raises(meant) as told:
        OpenSearchEngine(send, "the node").patch(Kind.ROLES, [{"op": "remove", "path": "/x"}])
    assert "\n" not in str(told.value)
