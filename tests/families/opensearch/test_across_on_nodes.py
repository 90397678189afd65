"""Searches over clusters of OpenSearch: a real 3.4.0 that searches a real 2.19.3, and the other way round, beside what we say of them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from portcullis.access.questions.answers import Far
from portcullis.access.questions.persons import Person
from portcullis.adapters.engines.opensearch import OpenSearchEngine
from portcullis.families import family_named
from portcullis.families.answering import answering
from portcullis.operations.access.asking.over_domains import explained
from portcullis.operations.access.asking.scene import Scene, there_on
from portcullis.remotes.parties import Asked
from portcullis.remotes.sent_along import Alias, DomainSide, check

from benchmarks.reaching.node_cases import (
    ALIASES,
    BLUE,
    DOCUMENTS,
    FOUND,
    HASH,
    OF_TEAM,
    RED,
    Json,
    S,
    Side,
    entry,
    role,
)
from benchmarks.reaching.nodes import Counts, Searching, differs, play
from local.node.node import Node
from tests.adapters.test_engine import connect as engine_of
from tests.fixtures_node import make_new

pytest_plugins = ["tests.fixtures_node"]
pytestmark = pytest.mark.node

LOOK, PIT, TEMPLATE = (
    "indices:admin/shards/search_shards",
    "indices:data/read/point_in_time/create",
    "indices:data/read/search/template",
)
EVERYTHING = role(entry(["*"], ["*"]), cluster=["*"])


def user(*backend_roles: str, direct: tuple[str, ...] = (), team: str = "red") -> Json:
    return {
        "hash": HASH,
        "backend_roles": [*backend_roles],
        "attributes": {"team": team},
        "opendistro_security_roles": [*direct],
    }


def of(*users: str, **more: Any) -> Json:
    return {"users": [*users], **more}


NEAR = Side(
    roles={
        "all_here": EVERYTHING,
        "by_name": EVERYTHING,
        "carried": role(),
        "limited": role(entry(["*"], ["*"], dls=BLUE, fls=["team"]), cluster=["*"]),
        "opens": role(entry(["far:*"], [PIT, TEMPLATE])),
        "no_templates": role(entry(["over-*"], [TEMPLATE])),
    },
    rolesmapping={
        "all_here": of("over-here", "over-both"),
        "by_name": of("over-named"),
        "limited": of("over-limited"),
        "opens": of("over-opens"),
        "no_templates": of("over-reads"),
    },
    internalusers={
        **{
            f"over-{name}": user()
            for name in ("none", "here", "both", "reads", "shards", "part", "limited", "named", "opens")
        },
        "over-back": user("readers"),
        "over-direct": user(direct=("carried",)),
        "over-team": user(team="blue"),
        "over-there": user(),
    },
)
FAR = Side(
    roles={
        "everything": EVERYTHING,
        "by_name": EVERYTHING,
        "carried": role(entry(["over-hr"], [S])),
        "reads": role(entry(["over-1", "over-2"], [S])),
        "shards": role(entry(["over-1"], [S, LOOK])),
        "part": role(entry(["over-1"], [S], dls=RED, fls=["~own"], masked_fields=["who"])),
        "of_team": role(entry(["over-*"], [S], dls=OF_TEAM)),
    },
    rolesmapping={
        "everything": of("over-both", "over-limited"),
        "reads": of("over-reads", backend_roles=["readers"]),
        "shards": of("over-shards", "over-opens"),
        "part": of("over-part"),
        "of_team": of("over-team"),
    },
    # Of its own users nothing counts for whoever comes from the other side with their name.
    internalusers={"over-there": user("readers", direct=("everything",)), "over-team": user(team="red")},
)
A, B = "far:over-1/a", "far:over-1/b"
MSEARCH = [{"index": "far:over-1"}, {}]
TEMPLATED = {"source": {"query": {"match_all": {}}}}
SHARDS = "?ccs_minimize_roundtrips=false"
# Who asks for what; the status, and where it is 200 the documents that are seen. As both directions answer.
ROWS: list[tuple[str, str, Any, int, tuple[str, ...]]] = [
    ("none", "GET far:over-1/_search", None, 403, ()),
    ("here", "GET far:over-1/_search", None, 403, ()),  # whatever this side gives
    ("reads", "GET far:over-1/_search", None, 200, (A, B)),  # though this side gives nothing
    ("back", "GET far:over-1/_search", None, 200, (A, B)),
    ("direct", "GET far:over-hr/_search", None, 200, ("far:over-hr/a", "far:over-hr/b")),
    ("there", "GET far:over-1/_search", None, 403, ()),
    ("team", "GET far:over-1/_search", None, 200, (B,)),
    ("part", "GET far:over-1/_search", None, 200, (A,)),
    ("limited", "GET far:over-1/_search", None, 200, (A, B)),
    ("reads", "GET prox:over-1/_search", None, 200, ("prox:over-1/a", "prox:over-1/b")),
    ("reads", "GET far:over-*/_search", None, 403, ()),
    ("reads", f"GET far:over-1/_search{SHARDS}", None, 403, ()),
    ("reads", "GET far:over-1/_search?scroll=1m", None, 403, ()),
    ("shards", f"GET far:over-1/_search{SHARDS}", None, 200, (A, B)),
    ("shards", "GET far:over-1/_search?scroll=1m", None, 200, (A, B)),
    ("none", "GET skip:over-1/_search", None, 200, ()),
    ("none", f"GET skip:over-1/_search{SHARDS}", None, 200, ()),
    ("shards", "GET skip:over-hr,far:over-1/_search", None, 200, (A, B)),
    ("shards", "GET far:over-hr,prox:over-1/_search", None, 403, ()),
    (
        "reads",
        "GET *:over-1/_search",
        None,
        200,
        (A, B, *(f"{one}:over-1/{key}" for one in ("prox", "skip") for key in "ab")),
    ),
    ("none", "GET nope:over-1/_search", None, 403, ()),  # taken for a name of this cluster
    ("here", "GET nope:over-1/_search", None, 404, ()),
    ("none", "GET no*:over-1/_search", None, 200, ()),
    ("reads", "GET over-1,far:over-1/_search", None, 403, ()),
    ("both", "GET over-1,far:over-1/_search", None, 200, (A, B, "over-1/a", "over-1/b")),
    ("reads", "GET none*,far:over-1/_search", None, 200, (A, B)),
    ("reads", "GET far:over-missing/_search", None, 403, ()),
    ("both", "GET far:over-missing/_search", None, 404, ()),
    ("reads", "GET far:over-1/_count", None, 200, ()),
    ("reads", "POST _msearch", MSEARCH, 403, ()),
    ("both", "POST _msearch", MSEARCH, 200, ()),
    ("here", "POST _msearch", MSEARCH, 200, ()),  # the item is refused
    ("none", "GET far:over-1/_field_caps?fields=*", None, 200, ()),
    ("both", "GET far:over-1,over-1/_field_caps?fields=*", None, 200, ()),
    ("none", "GET _resolve/index/far:*", None, 200, ()),
    ("both", "GET _resolve/index/far:over-*", None, 200, ()),
    ("both", "GET _resolve/index/over-missing,far:over-1", None, 200, ()),
    (
        "shards",
        "POST far:over-1/_search/point_in_time?keep_alive=1m",
        None,
        403,
        (),
    ),  # this side has to allow it, of this name
    ("opens", "POST far:over-1/_search/point_in_time?keep_alive=1m", None, 200, ()),
    ("opens", "POST far:over-hr/_search/point_in_time?keep_alive=1m", None, 403, ()),
    ("reads", "GET far:over-1/_search/template", TEMPLATED, 403, ()),
    ("opens", "GET far:over-1/_search/template", TEMPLATED, 200, (A, B)),
    ("opens", "GET far:over-hr/_search/template", TEMPLATED, 403, ()),
    # What is not sent to another cluster: a name of this one, which no index has.
    ("reads", "GET far:over-1/_doc/a", None, 403, ()),
    ("here", "GET far:over-1/_doc/a", None, 404, ()),
    ("here", "PUT far:over-1/_doc/new", {"own": "x"}, 400, ()),
    ("here", "GET far:over-1/_mapping", None, 404, ()),
    ("none", "GET far:over-*/_mapping", None, 200, ()),
    ("here", "GET far:over-1/_explain/a?q=*", None, 404, ()),
]


@pytest.fixture(scope="module", params=["3.4.0 searches 2.19.3", "2.19.3 searches 3.4.0"])
def pair(request: pytest.FixtureRequest, node_basic_3: Node, node_basic_2: Node) -> Iterator[Searching]:
    nodes = (node_basic_3, node_basic_2)
    for node in nodes:
        make_new(node)
    found = Searching(*(nodes if request.param.startswith("3") else nodes[::-1]))
    yield found
    found.clear()


@pytest.fixture(scope="module")
def held(pair: Searching) -> Searching:
    pair.hold(NEAR, FAR)
    return pair


@pytest.mark.parametrize(("who", "asked", "body", "status", "seen"), ROWS)
def test_a_search_over_clusters_is_answered_as_we_say(
    held: Searching, who: str, asked: str, body: Any, status: int, seen: tuple[str, ...]
) -> None:
    method, _, path = asked.partition(" ")
    answered, said = held.ask(f"over-{who}", method, path, body)
    assert answered == status, said
    if "hits" in said:
        assert {f"{hit['_index']}/{hit['_id']}" for hit in said["hits"]["hits"]} == {*seen}
    what, ours = held.differs(NEAR, FAR, f"over-{who}", method, path, body)
    assert what == "", ours


def test_the_roles_of_whoever_asks_go_along_from_the_older_one_alone(held: Searching) -> None:
    """Given no role by the other side, and one of a name that it has by this side."""
    sent = held.near.version.startswith("2")
    status, _ = held.ask("over-named", "GET", "far:over-hr/_search")
    assert (status == 200) is sent
    what, ours = held.differs(NEAR, FAR, "over-named", "GET", "far:over-hr/_search")
    assert (what, ours["allowed"]) == ("", sent)


def test_whoever_has_the_name_of_the_other_sides_admin_certificate_reads_all_of_it(held: Searching) -> None:
    name = held.far.admin.subject
    value = {"hash": HASH}
    held.near.ask("PATCH", "/_plugins/_security/api/internalusers", [{"op": "add", "path": f"/{name}", "value": value}])
    status, said = held.ask(name, "GET", "far:.opendistro_security/_search")
    found = checked(held, "far")
    held.near.ask("PATCH", "/_plugins/_security/api/internalusers", [{"op": "remove", "path": f"/{name}"}])
    assert status == 200
    assert "internalusers" in {hit["_id"] for hit in said["hits"]["hits"]}
    ((weight, says),) = found["called-as-certificate"]
    assert (weight, name in says) == ("wrong", True)
    assert [weight for weight, _ in checked(held, "far")["called-as-certificate"]] == ["OK"]


def checked(held: Searching, alias: str) -> dict[str, list[tuple[str, str]]]:
    """What `remote check` says of what both nodes hold, by its code."""

    def side(name: str, node: Node) -> DomainSide:
        engine = f"OpenSearch_{node.version.rpartition('.')[0]}"
        return DomainSide(name, engine, OpenSearchEngine(engine_of(node), name).read())

    beside = tuple(one for one, how in ALIASES.items() if "skip_unavailable" in how and one != alias)
    about = Alias(alias, side("far", held.far), "skip_unavailable" in ALIASES[alias], beside)
    found: dict[str, list[tuple[str, str]]] = {}
    for one in check(side("near", held.near), about):
        found.setdefault(one.code, []).append((one.weight.value, one.says))
    return found


def test_check_names_whoever_comes_by_a_role_of_theirs_and_nobody_else(held: Searching) -> None:
    """Of each role that both nodes have: whom it says to gain it is let in by a search, and whom it does not say is not."""
    wrong = {says for weight, says in checked(held, "far")["role-sent"] if weight == "wrong"}

    def comes(who: str, role_: str) -> bool:
        return any(f"over-{who}" in says and f"have {role_}," in says for says in wrong)

    for who, role_, asked in (
        ("named", "by_name", "far:over-hr/_search"),
        ("direct", "carried", "far:over-hr/_search"),
        ("none", "carried", "far:over-hr/_search"),
        ("here", "by_name", "far:over-hr/_search"),
    ):
        assert (held.ask(f"over-{who}", "GET", asked)[0] == 200) is comes(who, role_), (who, wrong)
    older = held.near.version.startswith("2")
    assert (comes("named", "by_name"), comes("direct", "carried")) == (older, True)
    assert checked(held, "far")["releases"][0][0] == "OK"
    assert ("limits-lost" in checked(held, "far")) is held.far.version.startswith("2")
    assert checked(held, "skip")["refusals-hidden"][0][0] == "note"


EXPLAINED = [
    (who, path.removeprefix("GET far:").removesuffix("/_search"))
    for who, path, _, _, _ in ROWS
    if path.startswith("GET far:") and path.endswith("/_search") and "," not in path
]


@pytest.mark.parametrize(("who", "index"), EXPLAINED)
def test_remote_explain_says_what_the_same_search_is_answered(
    held: Searching, deployed: Scene, who: str, index: str
) -> None:
    found = explained(deployed, f"over-{who}", Asked("far", index))
    status, said = held.ask(f"over-{who}", "GET", f"far:{index}/_search")
    if "*" in index:  # one that is refused refuses the whole, and each of them is explained by itself
        seen = [one.index for one in found.seen]
        assert [held.ask(f"over-{who}", "GET", f"far:{one}/_search")[0] for one in seen] == [200] * len(seen)
        return
    assert (found.status, found.allowed) == (status, status in (200, 404)), found.answer
    if status == 200:
        ((limit,),) = [one.limits for one in found.seen]
        shown = {
            key for key in DOCUMENTS if not limit.documents or any(key in FOUND[query] for query in limit.documents)
        }
        assert {hit["_id"] for hit in said["hits"]["hits"]} == shown


@pytest.fixture(scope="module")
def deployed(held: Searching) -> Scene:
    """What both nodes hold, as `remote explain` would read it of two domains."""
    engines = [OpenSearchEngine(engine_of(node), "the node") for node in (held.near, held.far)]
    names = [f"OpenSearch_{node.version.rpartition('.')[0]}" for node in (held.near, held.far)]
    near, far = (engine.read() for engine in engines)
    here, there = (replace(there_on(engine), engine=name) for engine, name in zip(engines, names, strict=True))
    family = family_named("opensearch")
    people = tuple(
        Person("internal_user", name, name, family.user(near, name))
        for name in near.of(family.users)
        if name.startswith("over-")
    )
    remotes = {"far": Far("far", "", "connection", "far", held=far, there=there)}
    return Scene("near", family, answering("opensearch"), (), people, near, near, replace(here, remotes=remotes), None)


def test_what_is_deleted_by_a_search_of_another_cluster_is_of_this_one(held: Searching) -> None:
    """So that `decide` does not say what such a request comes to."""
    status, said = held.ask(
        "over-both", "POST", "far:over-2/_delete_by_query?refresh=true", {"query": {"term": {"team": "red"}}}
    )
    assert (status, said["deleted"]) == (200, 1)
    left = [node.ask("GET", "/over-2/_count")[1]["count"] for node in (held.near, held.far)]
    held.near.ask("PUT", "/over-2/_doc/a?refresh=true", {"team": "red", "who": "anna", "own": "x"})
    assert left == [1, 2]
    what, ours = held.differs(NEAR, FAR, "over-both", "GET", "over-2/_search")
    assert what == "", ours


def test_what_we_say_otherwise_is_noticed(held: Searching) -> None:
    """The comparison itself: with less over there, or more, than there is."""
    narrower = Side({**FAR.roles, "reads": role(entry(["over-2"], [S]))}, FAR.rolesmapping)
    assert held.differs(NEAR, narrower, "over-reads", "GET", "far:over-1/_search")[0] == "status 200, ours refused"
    ours = held.differs(NEAR, FAR, "over-part", "GET", "far:over-1/_search")[1]
    view = ours["needs"][0]["remotes"]["far"]["views"]["over-1"]
    for less in ({"documents": [BLUE]}, {"fields": "all"}, {"masked": []}):
        told = copy.deepcopy(ours)
        told["needs"][0]["remotes"]["far"]["views"]["over-1"] = view | less
        assert differs(told, *held.ask("over-part", "GET", "far:over-1/_search"))


def test_random_requests_are_answered_as_we_say(pair: Searching) -> None:
    counts = Counts()
    found = [*play(pair, 60, counts, at_once=20)]
    assert found == []
    # Not by finding nothing.
    assert counts.cases == 60
    assert min(counts.refused, counts.seen) >= 5
    assert counts.unknown < 15
