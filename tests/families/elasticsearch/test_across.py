"""Searches over clusters: what real pairs of servers said, and what holds for every key and every role."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis.errors import BadInput
from portcullis.families.elasticsearch.deciding.across import across
from portcullis.families.elasticsearch.deciding.decide import View
from portcullis.families.elasticsearch.deciding.question import answer_question
from portcullis.families.elasticsearch.deciding.remote import Remote, Told, Whole
from portcullis.families.elasticsearch.known.engine_facts import EngineFacts, Index
from portcullis.families.elasticsearch.known.names import matches
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.requesting.asking import Need, Options

Json = dict[str, Any]
SEARCH = "indices:data/read/search"
RED, BLUE = '{"term":{"team":"red"}}', '{"term":{"team":"blue"}}'
THERE: Json = {
    "indices": ["logs-1", "logs-2", "metrics-1", "hr"],
    "aliases": {"all-logs": ["logs-1", "logs-2"]},
}
ROLES: Json = {
    "reader": {"remote_indices": [{"clusters": ["dc2"], "names": ["logs-*"], "privileges": ["read"]}]},
    "greedy": {"remote_indices": [{"clusters": ["*"], "names": ["*"], "privileges": ["read"]}]},
    "meta": {"remote_indices": [{"clusters": ["d*"], "names": ["logs-*"], "privileges": ["view_index_metadata"]}]},
    "own": {"indices": [{"names": ["own-*"], "privileges": ["read"]}]},
}
KEY: Json = {"state": "live", "access": {"search": [{"names": ["logs-*"]}]}}


def question(path: str, roles: Iterable[str], *, version: str = "9.5.3", skip: bool = False, **key: Any) -> Json:
    """dc2 comes with a key for logs-*, dc3 is the same cluster by certificate, where only the role `own` is known."""
    there = {"own": {"indices": [{"names": ["logs-*"], "privileges": ["read"]}]}}
    return {
        "engine": f"elasticsearch-{version}",
        "security": {"roles": ROLES},
        "principal": {"name": "anna", "roles": list(roles)},
        "request": {"method": "GET", "path": path},
        "world": {"indices": ["own-1", "logs-1"]},
        "remotes": {
            "dc2": {"model": "api-key", "key": {**KEY, **key}, "world": THERE, "skip_unavailable": skip},
            "dc3": {"model": "certificate", "security": {"roles": there}, "world": THERE, "skip_unavailable": skip},
        },
    }


# (roles, names, status, what is seen): as a pair of 9.5.3 answered.
ROWS: list[tuple[str, str, int | None, list[str]]] = [
    ("superuser", "dc2:logs-1", 200, ["dc2:logs-1"]),
    ("superuser", "dc2:*", 200, ["dc2:logs-1", "dc2:logs-2"]),
    ("superuser", "dc2:hr", 403, []),
    ("superuser", "dc2:logs-none", 404, []),
    ("superuser", "dc2:all-logs", 403, []),
    ("superuser", "dc2:logs-1,logs-none*", 200, ["dc2:logs-1"]),
    ("superuser", "dc3:hr", 200, ["dc3:hr"]),
    ("superuser", "own-1,dc2:logs-1", 200, ["own-1", "dc2:logs-1"]),
    ("superuser", "*,-own-1,dc2:logs-1", 200, ["logs-1", "dc2:logs-1"]),
    ("superuser", "*:logs-1", 200, ["dc2:logs-1", "dc3:logs-1"]),
    ("superuser", "d*2:logs-1", 200, ["dc2:logs-1"]),
    ("superuser", "dc2:_all", 200, ["dc2:logs-1", "dc2:logs-2"]),
    ("superuser", "dc2:logs-*,dc2:-logs-2", 200, ["dc2:logs-1"]),
    # What is named is looked for, though it is taken out again.
    ("superuser", "dc2:hr,dc2:*,dc2:-hr", 403, []),
    ("reader", "dc2:logs-none,dc2:*,dc2:-logs-none", 404, []),
    ("superuser", "dc3:hr,dc3:*,dc3:-hr", 200, ["dc3:logs-1", "dc3:logs-2", "dc3:metrics-1"]),
    ("own", "dc3:hr,dc3:*,dc3:-hr", 403, []),
    ("superuser", "dc2:logs-1,dc2:all-*,dc2:-logs-1", 200, []),
    ("superuser", "dc2:logs-*,-dc2:logs-2", 200, ["dc2:logs-1"]),
    ("superuser", "dc*:logs-1,-dc3:*", 200, ["dc2:logs-1"]),
    ("superuser", "dc2:*,-dc2:*", 403, []),
    ("superuser", "dc2:logs-*,-dc3:*", 403, []),
    ("superuser", "own-1,-dc2:*", 403, []),
    ("superuser", "dc9:logs-1", 404, []),
    ("superuser", "DC2:logs-1", 404, []),
    ("superuser", "own-1,dc9:x", 404, []),
    ("superuser", "dc2:logs-1,-dc9:*", 404, []),
    ("superuser", "own-1,z*:x", 200, ["own-1"]),
    ("superuser", "z*:x", 200, []),
    ("reader", "z*:x", 403, []),
    ("reader", "dc2:*", 200, ["dc2:logs-1", "dc2:logs-2"]),
    ("reader", "dc2:hr", 403, []),
    ("reader", "*,dc2:*", 200, ["dc2:logs-1", "dc2:logs-2"]),
    ("reader", "own-1,dc2:logs-1", 403, []),
    ("reader", "dc3:logs-1", 403, []),
    ("reader", "dc*:*", 403, []),
    ("greedy", "dc2:*", 200, ["dc2:logs-1", "dc2:logs-2"]),
    ("greedy", "dc2:hr", 403, []),
    ("meta", "dc2:logs-1", 403, []),
    ("meta", "dc2:*", 403, []),
    ("own", "dc2:logs-1", 403, []),
    ("own", "dc3:*", 200, ["dc3:logs-1", "dc3:logs-2"]),
    ("own,reader", "logs-1,dc2:logs-1", 403, []),
    ("own,reader", "*,dc2:*", 200, ["own-1", "dc2:logs-1", "dc2:logs-2"]),
    ("own,reader", "dc*:logs-1", 200, ["dc2:logs-1", "dc3:logs-1"]),
    ("viewer", "dc2:logs-1", 403, []),
    ("nobody", "dc2:*", 403, []),
    ("nobody", "dc3:*", 403, []),
]


@pytest.mark.parametrize(("roles", "names", "status", "seen"), ROWS)
def test_a_search_over_clusters_is_answered_as_a_real_pair_did(
    roles: str, names: str, status: int | None, seen: list[str]
) -> None:
    told = answer_question(question(f"/{names}/_search", roles.split(",")))
    found = list(told["views"])
    for alias, remote in told.get("remotes", {}).items():
        found += [f"{alias}:{index}" for index in remote["views"]] if told["status"] == 200 else []
    assert (told["status"], found) == (status, seen)


@pytest.mark.parametrize(
    ("version", "names", "option", "status"),
    [
        ("9.5.3", "dc2:hr,dc2:-hr", "allow_no_indices=false", 403),
        ("9.5.3", "dc2:hr,dc2:logs-1,dc2:-hr", "ignore_unavailable=true", 200),
        ("8.19.21", "dc2:all-logs,dc2:logs-*,dc2:-all-*", "allow_no_indices=true", 403),
        ("8.19.21", "dc2:all-logs,dc2:logs-*,dc2:-all-*", "allow_no_indices=false", 404),
        ("8.19.21", "dc2:logs-none,dc2:logs-*,dc2:-logs-n*", "allow_no_indices=true", 404),
        ("8.19.21", "dc3:hr,dc3:*,dc3:-hr", "allow_no_indices=true", 200),
    ],
)
def test_what_is_named_and_taken_out_again_is_looked_for_as_a_real_pair_did(
    version: str, names: str, option: str, status: int
) -> None:
    told = answer_question(question(f"/{names}/_search?{option}", ["superuser"], version=version))
    assert told["status"] == status


@pytest.mark.parametrize(
    ("roles", "names", "allowed", "rule"),
    [
        ("superuser", "bills:logs-1", None, None),
        ("reader", "*:hr", None, None),
        ("reader", "logs-1,dc2:bills:logs-1", None, None),
        ("reader", "hr,dc2:bills:logs-1", False, "key-and-roles"),
        ("own", "bills:logs-1", False, "no-remote-indices"),
    ],
)
def test_what_a_remote_passes_on_is_not_known_but_to_whom_it_is_refused_before(
    roles: str, names: str, allowed: bool | None, rule: str | None
) -> None:
    """Three real clusters: test_three_clusters_on_elastic.py."""
    told = answer_question(question(f"/dc2:{names}/_search", [roles]))
    assert (told["allowed"], told["remotes"]["dc2"]["rule"]) == (allowed, rule)
    assert answer_question(question("/dc3:bills:logs-1/_search", ["nobody"]))["allowed"] is None
    dead = answer_question(question("/dc2:bills:logs-1/_search", ["superuser"], state="revoked"))
    assert (dead["allowed"], dead["remotes"]["dc2"]["rule"]) == (False, "key-state")


@pytest.mark.parametrize(
    ("roles", "names", "side", "rule"),
    [
        ("own", "logs-1", "local", "no-remote-indices"),
        ("greedy", "hr", "remote", "key"),
        ("superuser", "hr", "remote", "key"),
        ("meta", "logs-1", "remote", "roles"),
        ("reader", "hr", "remote", "key-and-roles"),
    ],
)
def test_a_refusal_says_by_which_side_and_by_what(roles: str, names: str, side: str, rule: str) -> None:
    told = answer_question(question(f"/dc2:{names}/_search", [roles]))["remotes"]["dc2"]
    assert (told["allowed"], told["status"], told["side"], told["rule"]) == (False, 403, side, rule)


@pytest.mark.parametrize(
    ("state", "reader", "stranger"),
    [
        ("revoked", 401, None),
        ("expired", 401, None),
        ("wrong-type", 401, None),
        ("garbage", 401, None),
        ("absent", 400, 400),
    ],
)
def test_a_dead_key_refuses_everybody(state: str, reader: int, stranger: int | None) -> None:
    """Whoever has no entry is refused, too: how depends on whether a connection stands from when the key lived."""
    for roles, status in (("superuser", reader), ("reader", reader), ("own", stranger)):
        told = answer_question(question("/dc2:logs-1/_search", [roles], state=state))
        assert (told["allowed"], told["status"]) == (False, status)


@pytest.mark.parametrize(
    ("roles", "names"), [("own", "logs-1"), ("reader", "hr"), ("reader", "logs-none"), ("superuser", "hr")]
)
def test_a_remote_that_may_be_skipped_turns_a_refusal_into_an_empty_200(roles: str, names: str) -> None:
    told = answer_question(question(f"/dc2:{names}/_search", [roles], skip=True))
    assert (told["status"], told["remotes"]["dc2"]["skipped"], told["remotes"]["dc2"]["views"]) == (200, True, {})


def test_two_remotes_that_fail_differently_leave_open_which_is_told() -> None:
    told = answer_question(question("/dc2:logs-none,dc3:logs-1/_search", ["reader"]))
    assert (told["allowed"], told["status"]) == (False, None)
    assert {alias: one["status"] for alias, one in told["remotes"].items()} == {"dc2": 404, "dc3": 403}


@pytest.mark.parametrize("names", ["-x,dc2:logs-1", "-own-1,dc2:logs-1"])
def test_exclusions_of_this_cluster_alone_miss_nothing_on_9(names: str) -> None:
    """Though no index at all may not be the answer (`allow_no_indices=false`), as a pair of 9.5.3 answered."""
    told = answer_question(question(f"/{names}/_search?allow_no_indices=false", ["reader", "own"]))
    assert told["status"] == 200


@pytest.mark.parametrize("version", ["9.5.3", "8.19.21"])
def test_a_role_of_the_engine_s_own_reaches_other_clusters_too(version: str) -> None:
    """Also where the question does not say what the role gives."""
    everything = {"search": [{"names": ["*"]}]}
    seen = [
        answer_question(
            question(f"/dc2:{name}/_search?allow_no_indices=false", [role], version=version, access=everything)
        )
        for role, name in (("monitoring_user", "metricbeat-*"), ("kibana_system", "apm-*"), ("viewer", "logs-*"))
    ]
    assert [one["remotes"]["dc2"]["rule"] for one in seen] == [None, None, "no-remote-indices"]


# As a pair of 8.19.21 answered, by certificate.
@pytest.mark.parametrize("roles", ["superuser", "own"])
@pytest.mark.parametrize(
    ("names", "status"),
    [
        ("dc3:logs-1", 200),
        ("dc9:logs-1", 403),
        ("own-1,dc9:x", 403),
        ("dc3:logs-1,-dc9:*", 403),
        ("z*:x", 200),
        ("own-1,z*:x", 200),
        ("dc3:logs-*,dc3:-logs-1", 200),
        ("dc3:logs-*,-dc3:logs-1", 403),
        ("dc3:*,-dc3:*", 403),
        ("own-1,-dc3:*", 403),
    ],
)
def test_8_19_answers_to_odd_names_as_a_real_pair_did(roles: str, names: str, status: int) -> None:
    assert answer_question(question(f"/{names}/_search", [roles], version="8.19.21"))["status"] == status


@pytest.mark.parametrize(
    "path",
    [
        "/dc2:logs-1/_search/template",
        "/own-1/_search/template",
        "/_search/template",
        "/own-1/_msearch/template",
        "/_msearch/template",
        "/dc2:logs-1/_terms_enum",
        "/dc2:a:b/_search",
        "/dc2:_all,dc2:logs-*/_search",
        "/<dc2:x-{now}>,dc2:a/_search",
    ],
)
def test_what_only_the_engine_can_tell_is_said_to_be_so(path: str) -> None:
    told = answer_question(question(path, ["superuser"]))
    assert (told["allowed"], told["status"]) == (None, None)


def test_a_wildcard_here_that_shows_nothing_is_404_where_that_is_not_allowed() -> None:
    told = answer_question(question("/dc2:logs-1,own-*/_search?allow_no_indices=false", ["reader"]))
    assert (told["status"], told["remotes"]["dc2"]["status"]) == (404, 200)


def test_a_name_here_that_is_left_out_refuses_nothing_of_the_other_side() -> None:
    """`ignore_unavailable`, and a caller who may search nothing here."""
    told = answer_question(question("/dc2:logs-1,own-1/_search?ignore_unavailable=true", ["reader"]))
    assert (told["status"], list(told["views"]), list(told["remotes"]["dc2"]["views"])) == (200, [], ["logs-1"])


def test_documents_and_fields_of_key_and_roles_both_limit() -> None:
    limited = {"search": [{"names": ["logs-*"], "query": RED, "field_security": {"grant": ["team"]}}]}
    asked = question("/dc2:logs-1/_search", ["reader"], access=limited)
    asked["security"] = {"roles": {"reader": {"remote_indices": [
        {"clusters": "dc2", "names": "logs-*", "privileges": ["read"], "query": BLUE, "field_security": {"grant": ["*"], "except": ["x"]}}
    ]}}}  # fmt: skip
    limits = answer_question(asked)["remotes"]["dc2"]["views"]["logs-1"]
    assert [(one["by"], one["documents"], one["fields"]) for one in limits] == [
        ("the key", [RED], [{"grant": ["team"], "except": []}]),
        ("roles", [BLUE], [{"grant": ["*"], "except": ["x"]}]),
    ]


def test_a_key_that_only_follows_lets_nobody_search() -> None:
    told = answer_question(question("/dc2:*/_search", ["superuser"], access={"replication": [{"names": ["*"]}]}))
    assert told["status"] == 403


def test_a_state_that_no_key_has_is_bad_input_with_its_place() -> None:
    with pytest.raises(BadInput, match="state"):
        answer_question(question("/dc2:*/_search", ["own"], state="asleep"))


# ---- laws

RELEASE = Release.of("9.5.3")
NAMES = ("logs-1", "logs-2", "metrics-1", "hr")
WORLD = EngineFacts(tuple(Index(name) for name in NAMES), {"all-logs": {"logs-1": None, "logs-2": None}})
FIELDS = ("team", "secret", "o.x")
covered = st.lists(
    st.sampled_from(["logs-*", "logs-1", "hr", "*", "all-logs", "m?trics-1", "/logs-[12]/"]), min_size=1, max_size=2
)
limits = {
    "query": st.sampled_from([RED, BLUE]),
    "field_security": st.sampled_from([{"grant": ["team"]}, {"grant": ["*"], "except": ["secret"]}, {"grant": []}]),
}
allowed = st.fixed_dictionaries({"names": covered}, optional=limits)
accesses = st.fixed_dictionaries({}, optional={"search": st.lists(allowed, max_size=3)})
entries = st.fixed_dictionaries(
    {
        "clusters": st.lists(st.sampled_from(["dc2", "*", "d*", "other"]), min_size=1, max_size=2),
        "names": covered,
        "privileges": st.lists(
            st.sampled_from(["read", "write", "all", "view_index_metadata"]), min_size=1, max_size=2
        ),
    },
    optional=limits,
)
held_roles = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.fixed_dictionaries({"remote_indices": st.lists(entries, max_size=3)}),
    max_size=3,
)
asked_names = st.lists(
    st.sampled_from([*(f"dc2:{name}" for name in (*NAMES, "all-logs", "*", "logs-*", "none")), "d*:*", "own-1", "*"]),
    min_size=1,
    max_size=3,
).map(tuple)


def told_by(
    access: Mapping[str, Any], roles: Json, names: tuple[str, ...], *, ignore: bool = False, by_shard: bool = False
) -> tuple[Whole, Told | None]:
    need = Need(SEARCH, names, Options(ignore_unavailable=ignore), by_shard=by_shard)
    here = EngineFacts((Index("own-1"),))
    remote = Remote(RELEASE, access=access, world=WORLD)
    whole = across(
        roles, [*roles, "superuser"] if "boss" in roles else list(roles), need, here, RELEASE, {"dc2": remote}
    )
    return whole, whole.remotes.get("dc2")


def sees(told: Told | None, index: str, *, team: str, field: str) -> bool:
    """Whether a document of this team is seen, and this field of it."""
    for seen in told.seen if told else ():
        if seen.index == index:
            return all(_lets(view, team) and view.fields.sees(field) for _, view in seen.limits)
    return False


def _lets(view: View, team: str) -> bool:
    return view.documents is None or any(f'"{team}"' in query for query in view.documents)


def granted(entry: Json, index: str, team: str) -> bool:
    behind = [index, *(alias for alias, of in WORLD.aliases.items() if index in of)]
    covers = any(matches(pattern, name) for pattern in entry["names"] for name in behind)
    return covers and ("query" not in entry or f'"{team}"' in entry["query"])


@given(accesses, held_roles, asked_names, st.booleans(), st.booleans(), st.booleans())
def test_nobody_sees_a_document_beyond_the_key_a_superuser_neither(
    access: Json, roles: Json, names: tuple[str, ...], boss: bool, ignore: bool, by_shard: bool
) -> None:
    held = {**roles, "boss": {}} if boss else roles
    _, told = told_by(access, held, names, ignore=ignore, by_shard=by_shard)
    for index in NAMES:
        for team in ("red", "blue"):
            shown = [field for field in FIELDS if sees(told, index, team=team, field=field)]
            entries = [entry for entry in access.get("search", ()) if granted(entry, index, team)]
            # Of one entry of the key at least: what limits fields is united over those that cover the index.
            assert not shown or entries
            covering = [
                entry for entry in access.get("search", ()) if granted({**entry, "query": f'"{team}"'}, index, team)
            ]
            assert all(any(_shows(entry.get("field_security"), field) for entry in covering) for field in shown)


def _shows(rule: Json | None, field: str) -> bool:
    if rule is None:
        return True
    return any(matches(one, field) for one in rule["grant"]) and field not in rule.get("except", ())


@given(accesses, held_roles, asked_names, st.booleans(), st.data())
def test_a_narrower_key_shows_nobody_more(
    access: Json, roles: Json, names: tuple[str, ...], boss: bool, data: st.DataObject
) -> None:
    """An entry less. A wildcard of the request narrows with it; a query that another entry lifted may come to hold."""
    searched = access.get("search", [])
    kept = {"search": [entry for entry in searched if data.draw(st.booleans())]}
    held = {**roles, "boss": {}} if boss else roles
    _, before = told_by(access, held, names)
    _, after = told_by(kept, held, names)
    for index in NAMES:
        for team in ("red", "blue"):
            for field in FIELDS:
                if sees(after, index, team=team, field=field):
                    whole = (
                        before is not None and before.status != 200
                    )  # refused or absent as a whole, which shows nothing of it
                    assert whole or sees(before, index, team=team, field=field)


@given(accesses, held_roles, asked_names)
def test_whoever_has_no_entry_for_the_alias_sees_nothing_there(
    access: Json, roles: Json, names: tuple[str, ...]
) -> None:
    far = {
        name: {"remote_indices": [{**one, "clusters": ["other"]} for one in of["remote_indices"]]}
        for name, of in roles.items()
    }
    _, told = told_by(access, far, names)
    assert told is None or (told.allowed is False and not told.seen)


# As a pair of 9.5.3 answered, in both models.
@pytest.mark.parametrize(
    ("names", "seen"),
    [
        ("dc2:-logs-1,dc2:logs-*", ["logs-1"]),
        ("-dc2:logs-1,dc2:logs-*", ["logs-1"]),
        ("-own-1,dc2:logs-1", ["logs-1"]),
        ("-x,dc2:logs-1", ["logs-1"]),
        ("dc2:-logs-1", []),
        ("-dc2:logs-1", []),
    ],
)
def test_on_9_an_exclusion_before_anything_else_takes_nothing_away(names: str, seen: list[str]) -> None:
    told = answer_question(question(f"/{names}/_search", ["superuser"]))
    assert (told["allowed"], told["status"], [*told["remotes"]["dc2"]["views"]][:1]) == (True, 200, seen)


def test_each_item_of_an_msearch_is_a_search_over_clusters() -> None:
    asked = question("/_msearch", ["superuser"])
    asked["request"] |= {
        "method": "POST",
        "body": [{"index": "dc2:logs-1"}, {}, {"index": "dc9:x"}, {}, {"index": "own-1"}, {}],
    }
    told = answer_question(asked)
    assert (told["allowed"], told["status"]) == (True, 200)
    assert [one["status"] for one in told["items"]] == [200, 404, 200]


def test_an_msearch_takes_the_right_to_search_something_here() -> None:
    asked = question("/_msearch", ["reader"])
    asked["request"] |= {"method": "POST", "body": [{"index": "dc2:logs-1"}, {}]}
    told = answer_question(asked)
    assert (told["allowed"], told["status"], told["items"][0]["status"]) == (False, 403, 200)


def test_which_fields_there_are_is_asked_as_a_search() -> None:
    told = answer_question(question("/dc2:logs-1/_field_caps", ["superuser"]))
    assert (told["allowed"], told["status"], list(told["remotes"]["dc2"]["views"])) == (True, 200, ["logs-1"])
