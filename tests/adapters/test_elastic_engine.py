"""The engine of the Elasticsearch family against real servers: what it reads, what it writes, and what it can shut."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha1
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from portcullis.access.actual import Json, Write
from portcullis.adapters.engines.elasticsearch import ElasticsearchEngine
from portcullis.adapters.engines.transport import api_key_transport, basic_transport
from portcullis.errors import Conflict, Refused, Unreachable
from portcullis.families.base import BLOCKS
from portcullis.families.elasticsearch.documents import compare
from portcullis.families.elasticsearch.documents.config import MEMBERS, Kind, SecurityConfig
from portcullis.families.elasticsearch.documents.writes import writes
from portcullis.families.elasticsearch.known.release import Release
from portcullis.ports.engine import Stop

from local.elastic.node import Elasticsearch
from local.node.files import write_private
from local.processes import LOOPBACK

pytestmark = pytest.mark.node

PASSWORD = "correct-horse-4711"
READER: Json = {"indices": [{"names": ["logs-*"], "privileges": ["read"]}]}
# What the automation is given: the security API, settings of indices without a document, and the end of searches.
AUTOMATION: Json = {
    "cluster": ["manage_security", "monitor", "cluster:admin/indices/scroll/clear_all"],
    "indices": [
        {
            "names": ["*"],
            "privileges": [
                *("indices:admin/settings/update", "indices:monitor/settings/get", "indices:monitor/stats"),
                *("indices:admin/close*", "indices:admin/open*", "indices:admin/aliases/get"),
            ],
            "allow_restricted_indices": True,
        },
        {"names": [".security*"], "privileges": ["read"], "allow_restricted_indices": True},
    ],
}


def connected(
    node: Elasticsearch,
    user: str = "",
    password: str = PASSWORD,
    over: Callable[[str, str], Any] = lambda _method, _path: None,
) -> ElasticsearchEngine:
    """`over` is told each call once the server has answered it; what it returns takes the place of the answer."""
    user, password = (user, password) if user else (node.user, node.password)
    real = basic_transport(f"{LOOPBACK}:{node.port}", user, password, ca=str(node.ca))

    def transport(method: str, path: str, params: Mapping[str, str] | None, body: Any) -> tuple[int, Any]:
        answer = real(method, path, params, body)
        return over(method, path) or answer

    return ElasticsearchEngine(transport, "the cluster")


@pytest.fixture
def engine(elastic: Elasticsearch) -> ElasticsearchEngine:
    """As the automation, with the rights it is given and no more."""
    assert elastic.ask("PUT", "/_security/role/portcullis", AUTOMATION)[0] == 200
    user = {"password": PASSWORD, "roles": ["portcullis"]}
    assert elastic.ask("PUT", "/_security/user/portcullis", user)[0] == 200
    return connected(elastic, "portcullis")


def apply(engine: ElasticsearchEngine, change: Callable[[SecurityConfig], SecurityConfig]) -> list[Write]:
    """Read, change, write; and what is held then is what was wanted."""
    actual = engine.read()
    wanted = change(actual)
    sent = list(writes(actual, wanted, engine.release))
    for write in sent:
        engine.write(write)
    now = engine.read()
    assert writes(now, wanted_without_passwords(wanted), engine.release) == ()
    return sent


def wanted_without_passwords(config: SecurityConfig) -> SecurityConfig:
    users = {
        name: {k: v for k, v in user.items() if not k.startswith("password")}
        for name, user in config.of(Kind.USERS).items()
    }
    return SecurityConfig({**config.documents, Kind.USERS: users})


def with_(kind: Kind, **documents: Json | None) -> Callable[[SecurityConfig], SecurityConfig]:
    def change(config: SecurityConfig) -> SecurityConfig:
        for name, document in documents.items():
            config = config.with_document(kind, name, document)
        return config

    return change


def search(node: Elasticsearch, index: str, user: str) -> int:
    return node.ask("POST", f"/{index}/_search", {"size": 0}, user=user, password=PASSWORD)[0]


# What it is


def test_the_engine_says_who_we_are_and_what_it_is(engine: ElasticsearchEngine, elastic: Elasticsearch) -> None:
    assert engine.release == Release.of(elastic.version)
    assert engine.licence() == "trial"
    who = engine.who_am_i()
    assert (who.name, who.roles) == ("portcullis", ("portcullis",))


def test_an_api_key_speaks_for_its_owner(elastic: Elasticsearch) -> None:
    status, key = elastic.ask(
        "POST", "/_security/api_key", {"name": str(uuid4()), "role_descriptors": {"all": AUTOMATION}}
    )
    assert status == 200, key
    encoded = base64.b64encode(f"{key['id']}:{key['api_key']}".encode()).decode()
    engine = ElasticsearchEngine(api_key_transport(f"{LOOPBACK}:{elastic.port}", encoded, ca=str(elastic.ca)), "it")
    assert engine.who_am_i().name == "elastic"
    assert "superuser" in engine.read([Kind.ROLES]).of(Kind.ROLES)


def test_a_server_that_another_ca_vouches_for_is_not_spoken_to(elastic: Elasticsearch) -> None:
    transport = basic_transport(f"{LOOPBACK}:{elastic.port}", elastic.user, elastic.password)
    with pytest.raises(Unreachable, match="did not answer"):
        ElasticsearchEngine(transport, "it").who_am_i()


# Reading and writing


def test_every_kind_is_read_written_changed_and_removed(engine: ElasticsearchEngine) -> None:
    full = {
        "cluster": ["monitor"],
        "indices": [
            {
                "names": ["logs-*"],
                "privileges": ["read"],
                "query": {"term": {"team": "red"}},
                "field_security": {"grant": ["*"], "except": ["secret"]},
            }
        ],
        "applications": [{"application": "own", "privileges": ["look"], "resources": ["*"]}],
        "run_as": ["somebody"],
        "metadata": {"owner": "us"},
    }
    who = {"any": [{"field": {"username": ["ann"]}}, {"field": {"groups": ["a", "b"]}}]}
    rule = {"all": [{"field": {"realm.name": "people"}}, who]}
    mapping = {"enabled": True, "roles": ["full"], "rules": rule, "metadata": {"a": 1}}
    ann = {"roles": ["full", "none"], "full_name": "Ann", "email": "a@x", "metadata": {"t": 1}, "enabled": True}
    apply(engine, with_(Kind.PRIVILEGES, **{"own/look": {"actions": ["data:look"], "metadata": {}}}))
    apply(engine, with_(Kind.ROLES, full=full))
    apply(engine, with_(Kind.MAPPINGS, **{"ours: é / x": mapping}))
    apply(engine, with_(Kind.USERS, ann={"password": PASSWORD, **ann}))
    held = engine.read()
    assert compare.same(held.get(Kind.ROLES, "full"), full)
    assert held.of(Kind.MAPPINGS)["ours: é / x"]["roles"] == ["full"]
    assert held.entries("full", "users") == ("ann",)
    apply(engine, with_(Kind.ROLES, full={**full, "cluster": []}))
    apply(engine, with_(Kind.PRIVILEGES, **{"own/look": {"actions": ["data:look", "data:more"], "metadata": {}}}))
    for kind, name in (
        (Kind.USERS, "ann"),
        (Kind.MAPPINGS, "ours: é / x"),
        (Kind.ROLES, "full"),
        (Kind.PRIVILEGES, "own/look"),
    ):
        apply(engine, with_(kind, **{name: None}))
        assert name not in engine.read([kind]).of(kind)


@pytest.mark.parametrize("name", ["a/b", "a,b", "a b:*?", "x%2Fy", 'quote" and \\', "first.last.admin"])
def test_a_name_is_taken_as_it_is(engine: ElasticsearchEngine, name: str) -> None:
    for kind, document in ((Kind.ROLES, READER), (Kind.USERS, {"password": PASSWORD, "roles": [], "enabled": True})):
        apply(engine, with_(kind, **{name: document}))
        assert name in engine.read([kind]).of(kind)
        apply(engine, with_(kind, **{name: None}))


def test_a_change_of_roles_keeps_the_password_and_the_rest_of_a_user(
    engine: ElasticsearchEngine, elastic: Elasticsearch
) -> None:
    whole = {
        "password": PASSWORD,
        "roles": ["a"],
        "full_name": "Ann",
        "email": "a@x",
        "metadata": {"team": "x"},
        "enabled": True,
    }
    apply(engine, with_(Kind.USERS, ann=whole))
    apply(engine, lambda held: held.with_document(Kind.USERS, "ann", {**held.of(Kind.USERS)["ann"], "roles": ["b"]}))
    status, who = elastic.ask("GET", "/_security/_authenticate", user="ann", password=PASSWORD)
    assert (status, who["roles"], who["full_name"], who["email"]) == (200, ["b"], "Ann", "a@x")


def test_a_disabled_user_stays_disabled_whatever_else_changes(
    engine: ElasticsearchEngine, elastic: Elasticsearch
) -> None:
    apply(engine, with_(Kind.USERS, ann={"password": PASSWORD, "roles": ["a"], "enabled": True}))
    apply(engine, lambda held: held.with_document(Kind.USERS, "ann", {**held.of(Kind.USERS)["ann"], "enabled": False}))
    apply(engine, lambda held: held.with_document(Kind.USERS, "ann", {**held.of(Kind.USERS)["ann"], "roles": ["b"]}))
    assert elastic.ask("GET", "/_security/_authenticate", user="ann", password=PASSWORD)[0] == 401


def test_whoever_is_taken_out_is_refused_with_the_next_request(
    engine: ElasticsearchEngine, elastic: Elasticsearch
) -> None:
    assert elastic.ask("PUT", "/logs-1/_doc/1?refresh=true", {"a": 1})[0] == 201
    apply(engine, with_(Kind.ROLES, reader=READER))
    apply(engine, with_(Kind.USERS, ann={"password": PASSWORD, "roles": ["reader"], "enabled": True}))
    assert search(elastic, "logs-1", "ann") == 200
    apply(engine, lambda held: held.with_document(Kind.USERS, "ann", {**held.of(Kind.USERS)["ann"], "roles": []}))
    assert search(elastic, "logs-1", "ann") == 403


def test_sixty_roles_are_written_and_the_same_again_is_nothing(engine: ElasticsearchEngine) -> None:
    many = {f"many-{n}": READER for n in range(60)}
    sent = apply(engine, with_(Kind.ROLES, **many))
    assert len(sent) == (1 if engine.release.has_bulk_roles else 60)
    assert apply(engine, with_(Kind.ROLES, **many)) == []
    apply(engine, with_(Kind.ROLES, **dict.fromkeys(many)))


def test_a_refused_role_is_named_and_the_other_roles_are_written(engine: ElasticsearchEngine) -> None:
    """In a bulk write one role has a privilege that does not exist.

    The error names it, and the others are there. 6.8 accepts any privilege.
    """
    put = [
        {"op": "put", "name": name, "document": doc}
        for name, doc in (("good", READER), ("bad", {"cluster": ["nonsense"]}))
    ]
    if engine.release.major == 6:
        # It looks at nothing: it takes what it will never understand.
        assert engine.write(Write(Kind.ROLES, put))
    else:
        many = r"1 of 2 roles were not taken \(bad: " if engine.release.has_bulk_roles else ""
        with pytest.raises(Refused, match=rf"{many}.*nonsense"):
            engine.write(Write(Kind.ROLES, put))
    assert "good" in engine.read([Kind.ROLES]).of(Kind.ROLES)


def test_what_the_engine_keeps_for_itself_is_refused(engine: ElasticsearchEngine) -> None:
    with pytest.raises(Refused, match="superuser"):
        engine.write(Write(Kind.ROLES, [{"op": "put", "name": "superuser", "document": {"cluster": []}}]))
    with pytest.raises(Refused, match="superuser"):
        engine.write(Write(Kind.ROLES, [{"op": "remove", "name": "superuser"}]))


def test_what_is_gone_already_is_removed_again_without_complaint(engine: ElasticsearchEngine) -> None:
    for kind in (Kind.ROLES, Kind.USERS, Kind.MAPPINGS):
        assert not engine.write(Write(kind, [{"op": "remove", "name": "nobody"}]))
    assert not engine.write(Write(Kind.PRIVILEGES, [{"op": "remove", "name": "own/nothing"}]))


def test_a_password_that_is_refused_is_in_no_message(engine: ElasticsearchEngine) -> None:
    user = {"password": "short", "roles": [], "enabled": True}
    with pytest.raises(Refused) as caught:
        engine.write(Write(Kind.USERS, [{"op": "put", "name": "ann", "document": user}]))
    assert "short" not in str(caught.value)


def test_our_keys_are_narrowed_to_nothing_and_given_back(elastic: Elasticsearch) -> None:
    engine = connected(elastic)
    status, key = elastic.ask("POST", "/_security/api_key", {"name": str(uuid4()), "role_descriptors": {"r": READER}})
    assert status == 200
    encoded = "ApiKey " + base64.b64encode(f"{key['id']}:{key['api_key']}".encode()).decode()
    assert elastic.ask("PUT", "/logs-1/_doc/1?refresh=true", {"a": 1})[0] == 201
    keys = engine.read([Kind.KEYS]).of(Kind.KEYS)
    if not engine.release.has_key_updates:
        assert keys == {}  # it shows nothing of what a key holds
        return
    before = engine.read()

    def given(config: SecurityConfig, descriptors: Mapping[str, Any]) -> SecurityConfig:
        return config.with_document(
            Kind.KEYS, key["id"], {**config.of(Kind.KEYS)[key["id"]], "role_descriptors": descriptors}
        )

    apply(engine, lambda held: given(held, {"none": {"cluster": [], "indices": []}}))
    assert elastic.ask("POST", "/logs-1/_search", {}, authorization=encoded)[0] == 403
    apply(engine, lambda held: given(held, before.of(Kind.KEYS)[key["id"]]["role_descriptors"]))
    assert elastic.ask("POST", "/logs-1/_search", {}, authorization=encoded)[0] == 200


# Two who write


def test_whoever_wrote_since_it_was_read_is_seen_before_anything_is_written(
    engine: ElasticsearchEngine, elastic: Elasticsearch
) -> None:
    apply(engine, with_(Kind.ROLES, shared=READER, gone=READER))
    actual = engine.read()
    assert elastic.ask("PUT", "/_security/role/shared", {"cluster": ["monitor"]})[0] == 200
    assert elastic.ask("DELETE", "/_security/role/gone")[0] == 200
    assert elastic.ask("PUT", "/_security/role/fresh", {"cluster": ["monitor"]})[0] == 200
    for name in ("shared", "gone", "fresh"):
        (write,) = writes(actual, actual.with_document(Kind.ROLES, name, {"cluster": ["all"]}), engine.release)
        for _again in range(2):  # until it is read anew
            with pytest.raises(Conflict, match=f"somebody wrote role {name} since it was read"):
                engine.write(write)
    assert engine.read().get(Kind.ROLES, "shared") != {"cluster": ["all"]}


def test_a_look_at_users_does_not_hide_what_somebody_wrote_before_it(
    engine: ElasticsearchEngine, elastic: Elasticsearch
) -> None:
    mapping: Json = {"enabled": True, "roles": ["shared"], "rules": {"field": {"username": "ann"}}, "metadata": {}}
    ann: Json = {"password": PASSWORD, "roles": [], "enabled": True}
    apply(engine, with_(Kind.ROLES, shared=READER))
    apply(engine, with_(Kind.USERS, ann=ann))
    apply(engine, with_(Kind.MAPPINGS, ours=mapping))
    engine.read()
    theirs = {
        "/_security/role/shared": {"cluster": ["monitor"]},
        "/_security/role_mapping/ours": {**mapping, "roles": ["other"]},
    }
    for path, document in theirs.items():
        assert elastic.ask("PUT", path, document)[0] == 200
    assert engine.look({MEMBERS: ["ann", "nobody"]}).of(Kind.USERS).keys() == {"ann"}
    for kind, name, document in ((Kind.ROLES, "shared", READER), (Kind.MAPPINGS, "ours", mapping)):
        with pytest.raises(Conflict, match=f"somebody wrote {kind} {name} since it was read"):
            engine.write(Write(kind, [{"op": "put", "name": name, "document": document}]))
    assert engine.write(Write(Kind.USERS, [{"op": "put", "name": "ann", "document": ann}]))


def test_what_was_read_of_some_documents_is_what_their_writes_are_held_against(
    engine: ElasticsearchEngine, elastic: Elasticsearch
) -> None:
    ann: Json = {"password": PASSWORD, "roles": [], "enabled": True}
    for name in ("ann", "ben", "cara"):
        assert elastic.ask("PUT", f"/_security/user/{name}", ann)[0] == 200

    def put(name: str) -> Write:
        return Write(Kind.USERS, [{"op": "put", "name": name, "document": {"roles": ["ours"], "enabled": True}}])

    engine.read()
    found = engine.read_some({Kind.USERS: ["ann", "ben", "dora"], Kind.ROLES: ["portcullis", "gone"]})
    assert {kind: {*of} for kind, of in found.documents.items()} == {
        Kind.USERS: {"ann", "ben"},
        Kind.ROLES: {"portcullis"},
    }
    assert elastic.ask("PUT", "/_security/user/ben", {**ann, "roles": ["theirs"]})[0] == 200
    assert elastic.ask("PUT", "/_security/user/dora", ann)[0] == 200
    for name in ("ben", "cara", "dora"):  # written since, not read then, and not there then
        with pytest.raises(Conflict, match=f"somebody wrote user {name} since it was read"):
            engine.write(put(name))
    assert engine.write(put("ann"))


@pytest.mark.parametrize("reads", [True, False])
def test_a_reading_of_some_roles_hides_nothing_that_a_call_about_many_would_merge(
    engine: ElasticsearchEngine, elastic: Elasticsearch, reads: bool
) -> None:
    said: Json = {**READER, "metadata": {"a": 1}}
    apply(engine, with_(Kind.ROLES, one=said, two=said))
    fresh = connected(elastic, "portcullis")
    if reads:
        fresh.read()
    fresh.read_some({Kind.ROLES: ["one"]})
    fresh.read([Kind.USERS])  # so that no write is held against what was read
    fresh.write(
        Write(
            Kind.ROLES,
            [{"op": "put", "name": name, "document": {**READER, "metadata": {"b": 2}}} for name in ("one", "two")],
        )
    )
    held = engine.read([Kind.ROLES])
    assert [held.of(Kind.ROLES)[name]["metadata"] for name in ("one", "two")] == [{"b": 2}, {"b": 2}]


def test_a_reading_of_some_roles_asks_for_them_alone_whatever_they_are_called(
    engine: ElasticsearchEngine, elastic: Elasticsearch
) -> None:
    names = ["ann", "a/b", "x%2Fy", "a b:?", 'quote" and \\', "a,b"]
    for name in names:
        assert elastic.ask("PUT", f"/_security/role/{quote(name, safe='')}", {"cluster": ["monitor"]})[0] == 200
    assert engine.read_some({Kind.ROLES: names[:5]}).of(Kind.ROLES).keys() == set(names[:5])
    assert engine.read_some({Kind.ROLES: ["gone"], Kind.USERS: []}).of(Kind.ROLES) == {}
    assert engine.read_some({Kind.ROLES: ["a,b", ".."]}).of(Kind.ROLES).keys() == {"a,b"}
    assert engine.read_some({Kind.ROLES: []}).documents == {}


def test_a_look_at_users_asks_for_them_alone_whatever_they_are_called(
    engine: ElasticsearchEngine, elastic: Elasticsearch
) -> None:
    names = ["ann", "a/b", "x%2Fy", "a b:*?", 'quote" and \\', "a,b", ".."]
    user = {"password": PASSWORD, "roles": ["a"]}
    for name in names[:-1]:
        assert elastic.ask("PUT", f"/_security/user/{quote(name, safe='')}", user)[0] == 200
    asked: list[str] = []
    looking = connected(elastic, over=lambda method, path: asked.append(path))
    assert looking.look({MEMBERS: names[:5]}).of(Kind.USERS).keys() == set(names[:5])
    assert asked == ["/_security/user/" + ",".join(quote(name, safe="") for name in names[:5])]
    assert looking.look({MEMBERS: ["nobody"]}).of(Kind.USERS) == {}
    # What cannot be said in a path is looked for among all.
    for some in (["a,b"], [".."], ["ann", *(f"{n}-{'x' * 500}" for n in range(9))]):
        assert looking.look({MEMBERS: some}).of(Kind.USERS).keys() == {*some} & {*names[:-1]}
        assert asked[-1] == "/_security/user"


@pytest.mark.parametrize("silent_first", [True, False])
@pytest.mark.parametrize("kind", [Kind.ROLES, Kind.USERS])
def test_of_several_writes_an_unanswered_one_is_told_before_a_refused_one(
    engine: ElasticsearchEngine, elastic: Elasticsearch, kind: Kind, silent_first: bool
) -> None:
    """It is kept all the same, as of many a lost answer. Whoever is told of the refusal alone has no doubt about it."""
    refused = "superuser" if kind is Kind.ROLES else "elastic"  # the engine keeps it for itself
    document: Json = READER if kind is Kind.ROLES else {"password": PASSWORD, "roles": [], "enabled": True}
    apply(engine, with_(kind, gone=document))

    def unanswered(method: str, path: str) -> None:
        # Where roles are written many at a time, those that are put are one call.
        if path.endswith("/late") or (path == "/_security/role" and method == "DELETE"):
            raise Unreachable("the answer was lost")

    put: list[Json] = [{"op": "put", "name": name, "document": document} for name in (refused, "late")]
    body = [*put, {"op": "remove", "name": "gone"}]
    body = body[::-1] if silent_first else body
    with pytest.raises(Unreachable, match="the answer was lost"):
        connected(elastic, "portcullis", over=unanswered).write(Write(kind, body))
    held = engine.read([kind]).of(kind)
    assert ("late" in held, "gone" in held) == (True, False), "all of them were sent"


def test_who_may_not_look_at_the_security_index_writes_all_the_same(elastic: Elasticsearch) -> None:
    blind = {**AUTOMATION, "indices": AUTOMATION["indices"][:1]}
    assert elastic.ask("PUT", "/_security/role/blind", blind)[0] == 200
    assert elastic.ask("PUT", "/_security/user/blind", {"password": PASSWORD, "roles": ["blind"]})[0] == 200
    apply(connected(elastic, "blind"), with_(Kind.ROLES, made=READER))


# Shutting


@pytest.fixture
def data(elastic: Elasticsearch) -> None:
    for index in ("logs-1", "logs-2", "shut"):
        assert elastic.ask("PUT", f"/{index}/_doc/1?refresh=true", {"a": 1})[0] == 201
    assert elastic.ask("PUT", "/logs-2/_settings", {"index.blocks.write": True})[0] == 200
    assert elastic.ask("POST", "/shut/_close")[0] == 200


@pytest.mark.usefixtures("data")
def test_blocks_stop_everybody_and_come_off_as_they_were(engine: ElasticsearchEngine, elastic: Elasticsearch) -> None:
    before = engine.blocks()
    assert before == {"logs-1": {}, "logs-2": {"index.blocks.write": "true"}, "shut": {}}
    engine.block_indices(before)
    both = {"index.blocks.read": "true", "index.blocks.write": "true"}
    assert engine.blocks() == dict.fromkeys(before, both)
    assert connected(elastic).what_stops_a_search("logs-1") is Stop.BLOCK
    assert engine.read([Kind.ROLES]).of(Kind.ROLES)  # the security API still answers
    assert elastic.ask("PUT", "/_security/role/after", READER)[0] == 200
    engine.unblock_indices(before)
    assert engine.blocks() == before
    assert connected(elastic).what_stops_a_search("logs-1") is None


@pytest.mark.usefixtures("data")
def test_a_copy_made_with_null_for_a_block_has_none_and_comes_out_of_a_lock(
    engine: ElasticsearchEngine, elastic: Elasticsearch
) -> None:
    how = "_shrink" if elastic.version.startswith("6.") else "_clone"
    nothing = {"settings": {"index.blocks.write": None, "index.number_of_shards": 1, "index.number_of_replicas": 0}}
    status, said = elastic.ask("PUT", "/logs-2/_settings", {"index.number_of_replicas": 0})
    assert status == 200, said
    if how == "_shrink":  # takes no index of one shard
        status, said = elastic.ask(
            "PUT", "/two", {"settings": {"index.number_of_shards": 2, "index.blocks.write": True}}
        )
        assert status == 200, said
    source = "two" if how == "_shrink" else "logs-2"
    status, said = elastic.ask("PUT", f"/{source}/{how}/copy", nothing)
    assert status == 200, said
    before = engine.blocks()
    assert before["copy"] == {}
    engine.block_indices(before)
    engine.unblock_indices(before)
    assert engine.blocks() == before
    assert elastic.ask("PUT", "/copy/_doc/2", {})[0] == 201


@pytest.mark.usefixtures("data")
def test_a_superuser_who_blocks_does_not_lock_the_security_api(elastic: Elasticsearch) -> None:
    """As a superuser of 6.8, a plain `*` would take in the security index."""
    engine = connected(elastic)
    before = engine.blocks()
    assert not [name for name in before if name.startswith(".security")]
    engine.block_indices(before)
    try:
        assert elastic.ask("GET", "/_security/role")[0] == 200
        assert elastic.ask("PUT", "/_security/role/after", READER)[0] == 200
    finally:
        engine.unblock_indices(before)


@pytest.mark.usefixtures("data")
def test_a_name_like_the_engines_own_hides_no_index(engine: ElasticsearchEngine, elastic: Elasticsearch) -> None:
    """An alias of such a name would have its indices left out of what is blocked, and of what is looked at."""
    both = {"index.blocks.read": "true", "index.blocks.write": "true"}
    log, dynamic = ".security2", {"mappings": {"_doc": {"dynamic": "true"}}}
    made = [log] if engine.release.has_hidden_indices else [log, ".security-6x", ".security-tokens-7"]
    for name in made:  # the oldest release has a template for such names, which lets nothing but its own in
        assert elastic.ask("PUT", f"/{name}", dynamic if len(made) > 1 else {})[0] == 200
        assert elastic.ask("PUT", f"/{name}/_doc/1?refresh=true", {"a": 1})[0] == 201
    before = engine.blocks()
    for alias in (".security-mine", ".security-7-mine"):
        added = elastic.ask("POST", "/_aliases", {"actions": [{"add": {"index": "logs-1", "alias": alias}}]})
        assert added[0] == (403 if alias == ".security-7-mine" and engine.release.has_hidden_indices else 200), added
    assert engine.blocks() == before
    engine.block_indices(before)
    shown = engine.blocks()
    assert [shown[name] for name in ("logs-1", *made)] == [both] * (len(made) + 1)
    assert elastic.ask("PUT", "/_security/role/after", READER)[0] == 200
    engine.unblock_indices(before)
    assert engine.blocks() == before
    for name in made:
        assert elastic.ask("DELETE", f"/{name}")[0] == 200


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize("count", [1, 16])
def test_indices_that_let_nobody_read_their_settings_keep_no_other_one_open(
    engine: ElasticsearchEngine, elastic: Elasticsearch, count: int
) -> None:
    """More of them than fit into a path, with a tab or a wide blank in their names. The oldest release does not say which they are."""
    both = {"index.blocks.read": "true", "index.blocks.write": "true"}
    names = [f"{number}\t\u3000" + "\u65e5" * 70 for number in range(10, 10 + count)]
    assert elastic.ask("PUT", "/plain", {})[0] == 200
    for name in names:
        body = {"settings": {"index.number_of_replicas": 0, "index.blocks.metadata": True}}
        assert elastic.ask("PUT", f"/{quote(name, safe='')}", body)[0] == 200
    try:
        before = engine.blocks()
        assert {name: before[name] for name in names} == {name: {"index.blocks.metadata": "true"} for name in names}
        engine.block_indices(before)
        shown = engine.blocks()
        assert [shown[name] for name in ("plain", *names)] == [both] * (1 + count)
        engine.unblock_indices(before)
        assert engine.blocks() == before
    finally:
        for name in names:
            path = f"/{quote(name, safe='')}"
            assert elastic.ask("PUT", f"{path}/_settings", {"index.blocks.metadata": None})[0] == 200
            assert elastic.ask("DELETE", path)[0] == 200


def test_an_index_that_the_engine_could_not_make_keeps_no_other_one_open(
    engine: ElasticsearchEngine, elastic: Elasticsearch
) -> None:
    both = {"index.blocks.read": "true", "index.blocks.write": "true"}
    file = elastic.home / "config" / "stop.txt"
    file.write_text("and\n", encoding="utf-8")
    stop = {"filter": {"s": {"type": "stop", "stopwords_path": file.name}}}
    analysis = {**stop, "analyzer": {"a": {"tokenizer": "standard", "filter": ["s"]}}}
    assert elastic.ask("PUT", "/broken", {"settings": {"analysis": analysis}})[0] == 200
    before = engine.blocks()
    file.unlink()
    with pytest.raises(Refused, match="broken"):
        engine.block_indices(before)
    assert engine.blocks() == dict.fromkeys(before, both) | {"broken": {}}
    engine.unblock_indices(before)
    assert engine.blocks() == before


def test_an_index_that_a_release_manages_and_gives_no_block_keeps_no_other_one_open(elastic: Elasticsearch) -> None:
    """Releases 7.10 to 7.15 answer so; none of them runs here."""
    for index in ("managed", "plain"):
        assert elastic.ask("PUT", f"/{index}")[0] == 200
    real = basic_transport(f"{LOOPBACK}:{elastic.port}", elastic.user, elastic.password, ca=str(elastic.ca))
    why = "Cannot override settings on system indices: [managed*] -> [index.blocks.read]"

    def transport(method: str, path: str, params: Mapping[str, str] | None, body: Any) -> tuple[int, Any]:
        if method == "PUT" and ("*" in path or "managed" in path):
            return 500, {"error": {"type": "illegal_state_exception", "reason": why}}
        return real(method, path, params, body)

    engine = ElasticsearchEngine(transport, "the cluster")
    with pytest.raises(Refused, match="managed: refused, and every other index is as asked for"):
        engine.block_indices({})
    assert [engine.blocks()[name] for name in ("managed", "plain")] == [{}, dict.fromkeys(BLOCKS, "true")]
    connected(elastic).unblock_indices({})


def test_the_automation_is_told_which_names_there_are_and_reads_no_document_for_it(
    engine: ElasticsearchEngine, elastic: Elasticsearch
) -> None:
    for name in ("logs-1", "logs-2"):
        assert elastic.ask("PUT", f"/{name}/_doc/1", {"a": 1})[0] == 201
    added = [
        {"add": {"index": name, "alias": "of-logs", "filter": {"term": {"a": 1}}}} for name in ("logs-1", "logs-2")
    ]
    assert elastic.ask("POST", "/_aliases", {"actions": added})[0] == 200
    names = engine.names()
    assert {"logs-1", "logs-2"} <= {*names.indices}
    assert names.aliases["of-logs"] == ("logs-1", "logs-2")
    assert {json.loads(one)["term"]["a"] == 1 or one for one in engine.alias_filters()["of-logs"].values()} == {True}
    assert not [name for name in (*names.indices, *names.aliases) if name.startswith(".security")]
    if engine.release.has_hidden_indices:
        assert elastic.ask("PUT", "/logs-3", {"settings": {"index": {"hidden": True}}})[0] == 200
        assert "logs-3" in engine.names().hidden
        assert not {"logs-1", "logs-2"} & {*names.hidden}
    assert not names.closed
    assert elastic.ask("POST", "/logs-2/_close")[0] == 200
    assert engine.names().closed == ("logs-2",)


def test_many_users_of_one_change_are_looked_at_together(elastic: Elasticsearch, engine: ElasticsearchEngine) -> None:
    for number in range(40):
        user = {"password": PASSWORD, "roles": ["kept"]}
        assert elastic.ask("PUT", f"/_security/user/crowd{number}", user)[0] == 200
    calls: list[str] = []
    counted = connected(elastic, "portcullis", over=lambda method, path: calls.append(f"{method} {path}"))
    held, release = counted.read(), counted.release
    crowd = {name: one for name, one in held.of(Kind.USERS).items() if name.startswith("crowd")}
    wanted = SecurityConfig({Kind.USERS: {n: {**one, "roles": ["kept", "ours"]} for n, one in crowd.items()}})
    calls.clear()
    (write,) = writes(SecurityConfig({Kind.USERS: crowd}), wanted, release)
    assert counted.write(write)
    puts = [one for one in calls if one.startswith("PUT")]
    assert len(puts) == len(set(puts)) == 40
    assert len(calls) == 41  # and whether somebody wrote one of them since, once for all
    now = counted.look({Kind.USERS: [*crowd]})
    assert all(one["roles"] == ["kept", "ours"] for one in now.of(Kind.USERS).values())


def test_with_no_index_at_all_there_is_nothing_to_block(engine: ElasticsearchEngine) -> None:
    if engine.blocks() == {}:
        engine.block_indices({})
        engine.unblock_indices({})
    assert all(had == {} for had in engine.blocks().values())


@pytest.mark.usefixtures("data")
def test_the_automation_reads_no_document(engine: ElasticsearchEngine) -> None:
    assert engine.what_stops_a_search("logs-1") is Stop.PRIVILEGES


@pytest.mark.usefixtures("data")
def test_open_searches_end_and_every_index_is_open_again(engine: ElasticsearchEngine, elastic: Elasticsearch) -> None:
    status, page = elastic.ask("POST", "/logs-1/_search?scroll=5m&size=1", {})
    assert status == 200
    pit: Any = None
    if engine.release.major > 6:
        status, pit = elastic.ask("POST", "/logs-2/_pit?keep_alive=5m")
        assert status == 200
    closed: list[Sequence[str]] = []
    assert engine.end_searches(closed.append).endswith("ended")
    assert closed == ([["logs-2"]] if pit else [])
    assert elastic.ask("POST", "/_search/scroll", {"scroll_id": page["_scroll_id"]})[0] == 404
    if pit:
        assert elastic.ask("POST", "/_search", {"pit": {"id": pit["id"]}})[0] == 404
    assert [elastic.ask("POST", f"/{index}/_search", {})[0] for index in ("logs-1", "logs-2")] == [200, 200]
    assert elastic.ask("POST", "/shut/_search", {})[0] == 400  # what was closed before stays closed


def test_many_roles_in_one_call_keep_nothing_of_what_they_held_before(engine: ElasticsearchEngine) -> None:
    """The call about many roles merges metadata and what is global: what is left out would stay."""
    said: Json = {**READER, "metadata": {"a": 1}}
    on_all: Json = {**READER, "global": {"application": {"manage": {"applications": ["own"]}}}}
    apply(engine, with_(Kind.ROLES, one=said, two=on_all, three=READER))
    apply(engine, with_(Kind.ROLES, one={**READER, "metadata": {"b": 2}}, two=READER, three=said))
    assert engine.read([Kind.ROLES]).get(Kind.ROLES, "one")["metadata"] == {"b": 2}  # type: ignore[index]


@pytest.mark.usefixtures("data")
def test_an_index_that_stayed_closed_is_opened_and_one_that_is_gone_is_no_error(
    engine: ElasticsearchEngine, elastic: Elasticsearch
) -> None:
    assert elastic.ask("POST", "/logs-1/_close")[0] == 200
    engine.open_indices(["logs-1", "gone-meanwhile"])
    assert elastic.ask("POST", "/logs-1/_search", {})[0] == 200


@pytest.mark.usefixtures("data")
def test_tokens_end_and_keys_of_others_are_named_and_ended_if_asked(
    engine: ElasticsearchEngine, elastic: Elasticsearch
) -> None:
    assert elastic.ask("PUT", "/_security/role/readers", READER)[0] == 200
    assert elastic.ask("PUT", "/_security/user/ann", {"password": PASSWORD, "roles": ["readers"]})[0] == 200
    asked = {"grant_type": "password", "username": "ann", "password": PASSWORD}
    status, token = elastic.ask("POST", "/_security/oauth2/token", asked)
    assert status == 200, token
    bearer = f"Bearer {token['access_token']}"
    limits = {"mine": READER}
    status, key = elastic.ask("POST", "/_security/api_key", {"name": f"key-{uuid4()}", "role_descriptors": limits})
    assert status == 200, key
    with_key = "ApiKey " + base64.b64encode(f"{key['id']}:{key['api_key']}".encode()).decode()

    def searches(authorization: str) -> int:
        return elastic.ask("POST", "/logs-1/_search", {"size": 0}, authorization=authorization)[0]

    assert (searches(bearer), searches(with_key)) == (200, 200)
    said = engine.end_tokens(keys=False)
    assert said.startswith(("1 tokens", "2 tokens"))  # the access token, and where it is counted its refresh token
    assert f"{key['name']} of elastic ({key['id']})" in said
    assert "stay" in said
    assert (searches(bearer), searches(with_key)) == (401, 200)
    assert "ended for good" in engine.end_tokens(keys=True)
    assert searches(with_key) == 401
    assert "API key" not in engine.end_tokens(keys=True)


def made_key(node: Elasticsearch, user: str = "elastic", password: str = "") -> tuple[str, str]:
    """Its id, and how it is presented."""
    made = {"name": f"key-{uuid4()}", "role_descriptors": {"one": AUTOMATION}}
    status, key = node.ask("POST", "/_security/api_key", made, user=user, password=password)
    assert status == 200, key
    return key["id"], base64.b64encode(f"{key['id']}:{key['api_key']}".encode()).decode()


@pytest.fixture
def namesake(elastic: Elasticsearch) -> Iterator[str]:
    """Somebody of the nodes' own files who is called as the automation is: the password."""
    password = "another-password-4711"
    hashed = base64.b64encode(sha1(password.encode()).digest()).decode()  # noqa: S324 - a form that files may have
    files = {"users": f"portcullis:{{SHA}}{hashed}\n", "users_roles": "superuser:portcullis\n"}
    had = {name: path.read_text() if (path := elastic.home / "config" / name).exists() else "" for name in files}

    def written(contents: Mapping[str, str], wanted: int) -> None:
        for name, text in contents.items():
            write_private(elastic.home / "config" / name, text.encode())
        while (
            elastic.ask("GET", "/_security/_authenticate", user="portcullis", password=password)[0] != wanted
        ):  # a node looks every few seconds
            time.sleep(0.2)

    written(files, 200)
    try:
        yield password
    finally:
        written(had, 401)


def test_a_namesake_of_another_realm_is_not_us_and_their_keys_end(
    engine: ElasticsearchEngine, elastic: Elasticsearch, namesake: str
) -> None:
    engine.end_tokens(keys=True)
    ours, encoded = made_key(elastic, "portcullis", PASSWORD)
    theirs, _ = made_key(elastic, "portcullis", namesake)
    with_key = ElasticsearchEngine(api_key_transport(f"{LOOPBACK}:{elastic.port}", encoded, ca=str(elastic.ca)), "it")
    named = with_key.end_tokens(keys=False)
    assert ours not in named
    # The oldest release does not say which key somebody comes with: the name is all there is to go by.
    assert (theirs in named) == (engine.release.major > 6)
    said = engine.end_tokens(keys=True)
    assert "1 API key of others ended for good" in said
    assert theirs in said
    assert "API key" not in engine.end_tokens(keys=True)
    assert with_key.who_am_i().name == "portcullis"


def test_keys_that_did_not_end_are_no_success_and_every_key_is_tried(
    engine: ElasticsearchEngine, elastic: Elasticsearch
) -> None:
    engine.end_tokens(keys=True)
    keys = [made_key(elastic)[0] for _ in range(3)]
    asked: list[str] = []

    def failed(method: str, path: str) -> tuple[int, Any] | None:
        if (method, path) != ("DELETE", "/_security/api_key"):
            return None
        asked.append(path)
        details = [{"type": "exception", "reason": "a shard is not there"}]
        return 200, {"invalidated_api_keys": [], "error_count": 1, "error_details": details}

    calls = 1 if engine.release >= Release(7, 10) else len(keys)
    with pytest.raises(Unreachable, match=f"{calls} of 3 API keys of others could not be ended.*a shard is not there"):
        connected(elastic, "portcullis", over=failed).end_tokens(keys=True)
    assert len(asked) == calls


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"term": {"a": 1}}, ""),
        ({"trm": {"a": 1}}, "trm"),
        ({"range": {"a": {"gte": 1, "bad": 1}}}, "does not support"),
    ],
)
def test_a_document_filter_is_read_by_the_engine_itself(engine: ElasticsearchEngine, query: Json, said: str) -> None:
    answer = engine.why_no_query(query)
    assert said in answer
    assert bool(said) == bool(answer), json.dumps(query)
