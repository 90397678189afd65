"""Who may search what on other clusters: `who-can`, `can`, `matrix` and `remote explain` say the same of each person, in both models."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis import model
from portcullis.access.questions.answers import Decided, Far, Layer, Request, There, Why
from portcullis.access.questions.persons import Person
from portcullis.access.terms import Caller
from portcullis.families import family_named
from portcullis.families.answering import answering
from portcullis.families.elasticsearch.deciding.decide import Fields, View
from portcullis.families.elasticsearch.deciding.remote import Seen as Limited
from portcullis.families.elasticsearch.documents.config import Kind, SecurityConfig
from portcullis.families.elasticsearch.over_there.both_limits import as_seen
from portcullis.operations.access.asking import questions
from portcullis.operations.access.asking.across import reaching_by_file
from portcullis.operations.access.asking.scene import Scene
from portcullis.operations.access.asking.scene_of_file import of_file
from portcullis.remotes.explaining import explain
from portcullis.remotes.parties import Asked, Near, Who

from benchmarks.reaching.cases import _FIELDS, ALIASES, DOCUMENTS, HERE, QUERIES, THERE, USERS, agreement
from tests.laws import examples
from tests.operations.seen import fits, shows
from tests.remotes.test_explaining import LOGS, NAMES, ORDERS

OVER_THERE = There(
    tuple(one if isinstance(one, str) else one["name"] for one in THERE["indices"]),
    aliases={name: tuple(of) for name, of in THERE["aliases"].items()},
    every=True,
    hidden=("hidden-1",),
)


def remotes(held: Any) -> dict[str, Far]:
    return {
        alias: Far(
            alias,
            "9.5.3",
            mode,
            "there",
            "K",
            state,
            held["access"].get(alias, {}),
            "",
            held["there"],
            OVER_THERE,
            skip,
        )
        for alias, (mode, state, skip) in ALIASES.items()
    }


def scene(held: Any, far: dict[str, Far]) -> Scene:
    """People as native users, on a cluster that nothing else is known of."""
    documents: Any = {
        Kind.ROLES: held["here"],
        Kind.USERS: {name: {"roles": roles, "enabled": True} for name, roles in held["users"].items()},
        Kind.MAPPINGS: {},
    }
    config = SecurityConfig(documents)
    people = tuple(Person("internal_user", name, name, Caller(name)) for name in USERS)
    there = There(tuple(HERE["indices"]), "elasticsearch-9.5.3", True, {}, remotes=far)
    return Scene(
        "here", family_named("elasticsearch"), answering("elasticsearch"), (), people, config, config, there, None
    )


def could(here: Scene, person: str, does: str, what: str) -> Why:
    from portcullis.entry.verbs.asking import request_of

    return questions.why(here, person, request_of(does, what))


# ---------------------------------------------------------------------- laws


@examples(60)
@given(st.integers(0, 400), st.sampled_from(sorted(ALIASES)), st.sampled_from(NAMES))
def test_who_can_equals_can_and_explain_person_by_person(seed: int, alias: str, index: str) -> None:
    held = agreement(seed)
    far = remotes(held)
    here = scene(held, far)
    name = f"{alias}:{index}"
    able = {one.person: one for one in questions.who_can(here, Request("read", indices=(name,))).people}
    cells = {row.person: row.cells[0] for row in questions.matrix(here, [name]).people} if index in NAMES[:4] else {}
    for user in USERS:
        by_word, by_path = (could(here, user, *asked) for asked in (("read", name), ("GET", f"{name}/_search")))
        who = Who(f"internal_user:{user}", user, user, dict.fromkeys(held["users"][user], f"user/{user}"))
        near = Near("here", "9.5.3", held["here"], tuple(ALIASES))
        told = explain(who, Asked(alias, index), near, far[alias])
        assert by_word.allowed == by_path.allowed == told.allowed, (by_path.answer, told.answer)
        found = able.get(f"internal_user:{user}")
        assert (found.allowed if found else False) == told.allowed
        limited = any(one.words for shown in told.seen for one in shown.limits)
        if told.allowed and index in OVER_THERE.indices:  # type: ignore[operator]
            assert found is not None
            assert (found.limited, found.indices) == (limited, (name,))
            assert bool(by_word.seen[0].part) is limited
        if cells:
            assert (
                cells.get(f"internal_user:{user}", "-")
                == {
                    True: "part" if limited else "read",
                    False: "-",
                    None: "?",
                }[told.allowed]
            )


@examples(100)
@given(
    st.integers(0, 400),
    st.sampled_from(USERS),
    st.sampled_from(sorted(ALIASES)),
    st.sampled_from(("*", "logs-*", "h*", "hidden*", "all-*", "none*")),
)
def test_of_a_pattern_can_and_explain_say_the_same(seed: int, user: str, alias: str, pattern: str) -> None:
    held = agreement(seed)
    far = remotes(held)
    who = Who(f"internal_user:{user}", user, user, dict.fromkeys(held["users"][user], f"user/{user}"))
    told = explain(who, Asked(alias, pattern), Near("here", "9.5.3", held["here"], tuple(ALIASES)), far[alias])
    assert could(scene(held, far), user, "read", f"{alias}:{pattern}").allowed == told.allowed, told.answer


@examples(60)
@given(st.integers(0, 400), st.lists(st.sampled_from(sorted(ALIASES)), min_size=1, max_size=2, unique=True))
def test_a_pattern_is_every_name_that_it_fits_asked_by_itself(seed: int, aliases: list[str]) -> None:
    held = agreement(seed)
    here = scene(held, remotes(held))
    visible = [one for one in (*(OVER_THERE.indices or ()), *(OVER_THERE.aliases or ())) if one != "hidden-1"]
    asked = [f"{alias}:*" for alias in aliases] + [f"-{aliases[0]}:hr"]
    found = questions.who_can(here, Request("read", indices=tuple(asked)))
    meant = [f"{alias}:{name}" for alias in aliases for name in visible if (alias, name) != (aliases[0], "hr")]
    assert set(found.indices) == set(meant)
    able = {one.name: one for one in found.people}
    for user in USERS[:4]:
        one_by_one = {name: could(here, user, "read", name).allowed for name in meant}
        behind = {seen.index for name in meant for seen in could(here, user, "read", name).seen if seen.allowed}
        assert set(able[user].indices if user in able else ()) == behind
        if None in one_by_one.values():
            assert user in able


FIELDS = ("team", "level", "secret", "o.x", "o.y")
GROUPS = st.lists(st.sampled_from(_FIELDS), max_size=2)


@examples(200)
@given(
    st.lists(
        st.tuples(st.none() | st.lists(st.sampled_from(QUERIES), min_size=1, max_size=2), GROUPS),
        min_size=2,
        max_size=2,
    )
)
def test_a_document_and_a_field_are_seen_if_both_sides_let_them(sides: list[tuple[Any, list[Any]]]) -> None:
    views = []
    for queries, groups in sides:
        told = None if queries is None else tuple(json.dumps(one) for one in queries)
        rules = tuple((tuple(one["grant"]), tuple(one.get("except", ()))) for one in groups)
        views.append(View("logs-1", told, Fields(rules)))
    seen = as_seen("dc2", Limited("logs-1", tuple(zip(("the key", "roles"), views, strict=True))))
    for document in DOCUMENTS.values():
        both = all(
            view.documents is None or any(fits(document, json.loads(q)) for q in view.documents) for view in views
        )
        told_so = not seen.documents or any(fits(document, json.loads(query)) for query in seen.documents)
        assert told_so is both
    for field in FIELDS:
        assert shows(seen, field) is all(view.fields.sees(field) for view in views), seen


# ---------------------------------------------------------------------- what is not known is said


def by_file(person: str, names: Iterable[str], *groups: str, beside: bool = True) -> Scene:
    here, there = model.loads(ORDERS, "orders.yaml"), model.loads(LOGS, "logs.yaml")
    return reaching_by_file(
        of_file(here, person, groups), here, {"orders": here, "logs": there} if beside else {}, names
    )


def test_without_the_file_of_the_other_side_it_is_said_what_is_taken() -> None:
    kim = could(by_file("kim", ["dc2:logs-1"], beside=False), "kim", "read", "dc2:logs-1")
    assert kim.allowed is True
    assert any("taken to allow what was agreed" in one for one in kim.unknown)
    ben = could(by_file("ben", ["old:x"], "auditors", beside=False), "ben", "read", "old:x")
    assert (ben.allowed, ben.unknown) == (None, ("which roles logs has could not be looked at",))
    assert ben.exit_status == 4
    matrix = questions.matrix(by_file("", ["old:x"], beside=False), ["old:x"])
    assert {cell for row in matrix.people for cell in row.cells} == {"?"}


def test_what_would_let_them_read_over_there_is_told() -> None:
    ben = could(by_file("ben", ["dc2:logs-1"], "auditors"), "ben", "read", "dc2:logs-1")
    assert (ben.allowed, ben.would_allow) == (False, ("cognito_group:readers (role log_reader)",))
    assert "this cluster refuses" in ben.answer


@pytest.mark.parametrize(
    ("licence", "index", "allowed"), [("trial", "logs-1", True), ("basic", "logs-1", False), ("basic", "hr", False)]
)
def test_a_basic_licence_over_there_drops_roles_that_limit(licence: str, index: str, allowed: bool) -> None:
    """With all that they give: seen on a 9.5.3 whose trial ended."""
    fields = {"field_security": {"grant": ["team"]}}
    role = {
        "indices": [{"names": ["logs-*"], "privileges": ["read"], **fields}, {"names": ["hr"], "privileges": ["read"]}]
    }
    held: Any = {"here": {"r": {}}, "users": {"u2": ["r"]}}
    far = Far("cert", "9.5.3", "certificate", roles={"r": role}, there=replace(OVER_THERE, dialect=f"9.5 {licence}"))
    assert could(scene(held, {"cert": far}), "u2", "read", f"cert:{index}").allowed is allowed
    # who is a super user is so whatever the licence
    assert could(scene({**held, "users": {"u2": ["superuser"]}}, {"cert": far}), "u2", "read", f"cert:{index}").allowed


def test_while_nobody_looked_it_is_unknown_and_no_index_of_this_side() -> None:
    here = replace(scene(agreement(1), {}), there=There(("logs-1",), "elasticsearch-9.5.3", True, {}))
    found = questions.who_can(here, Request("read", indices=("one:logs-1",)))
    assert {one.allowed for one in found.people} == {None}
    assert len(found.people) == len(USERS)
    assert "was not looked at" in found.unknown[0]


@pytest.mark.parametrize("certain", [True, False])
def test_a_lock_of_the_other_side_is_told_with_its_reason(certain: bool) -> None:
    held = agreement(1)
    far = {
        "one": replace(
            remotes(held)["one"], access={"search": [{"names": ["*"]}]}, stopped="it is locked", certain=certain
        )
    }
    found = could(scene(held, far), "u0", "read", "one:logs-1")
    assert found.allowed is (False if certain else None)
    assert "it is locked" in found.answer
    assert ("it is locked", "nobody is let in") in {
        (one.rule, one.effect) for one in found.reasons if one.layer is Layer.CUSTODY
    }


def test_a_key_that_is_known_by_agreement_alone_is_no_answer() -> None:
    held = agreement(1)
    far = replace(remotes(held)["one"], access={"search": [{"names": ["*"]}]}, agreed=True, unknown=("not looked at",))
    here = scene(held, {"one": far})
    assert could(here, "u0", "read", "one:logs-1").allowed is None
    assert could(here, "u1", "read", "one:logs-1").allowed is False  # without a role: this side refuses
    assert "not looked at" in could(here, "u0", "read", "one:logs-1").unknown


@pytest.mark.parametrize(
    ("does", "what", "allowed", "says"),
    [
        ("write", "cert:logs-1", False, "sends no request of this kind to another cluster"),
        ("GET", "cert:logs-1/_doc/1", False, "sends no request of this kind to another cluster"),
        ("PUT", "cert:new", False, "sends no request of this kind to another cluster"),
        ("GET", "cert:logs-1/_field_caps", True, "yes"),
        ("GET", "_cat/count/cert:logs-1", True, "yes"),
        ("GET", "_resolve/index/cert:logs-1", True, "yes"),
        ("GET", "cert:logs-1/_mapping", False, "sends no request of this kind to another cluster"),
        ("POST", "cert:logs-1/_terms_enum", True, "yes"),
        ("GET", "_resolve/cluster/cert:logs-1", True, "yes"),
        ("GET", "_resolve/cluster/nope:logs-1", False, "there is no remote cluster nope"),
        ("POST", "cert:hidden*/_terms_enum", True, "no index that they see fits"),
        ("GET", "cert:logs-1/_search/template", None, "is not known here"),
        ("GET", "cert:logs-1/_search?scroll=1m", True, "yes"),
        ("GET", "cert:logs-1/_search?ccs_minimize_roundtrips=false", True, "yes"),
        ("POST", "cert:logs-1/_pit?keep_alive=1m", True, "yes"),
        ("read", "own-1::failures", None, "only the engine can tell"),
        ("read", "cert:logs-1,a:b:c", False, "there is no remote cluster a"),
        ("read", "cert:b:logs-1", None, "cert passes b:logs-1 on to clusters that it reads itself"),
        (
            "GET",
            "cert:logs-1,cert:b*:logs-1/_search",
            None,
            "cert passes b*:logs-1 on to clusters that it reads itself",
        ),
        ("read", "cert:logs-1,cert:-b:logs-1", None, "only the engine can tell"),
        ("read", "nope:logs-1", False, "there is no remote cluster nope"),
        ("read", "cert:logs-*,-cert:logs-2", True, "yes"),
        ("read", "-cert:hr", False, "nothing that fits is seen by them"),
        ("read", "-cert:*", False, "takes out a cluster that was not named before"),
        ("read", "cert*:logs-1", True, "yes"),
        ("read", "x*:logs-1", False, "nothing that fits is seen by them"),
        ("GET", "x*:logs-1/_search", True, "no index that they see fits"),
        ("GET", "own-1,cert:logs-1/_search", True, "yes"),
        ("read", "cert:hidden*", False, "nothing that fits is seen by them"),
        ("GET", "cert:hidden*/_search", True, "no index that they see fits"),
    ],
)
def test_requests_across_are_answered_or_clearly_refused(does: str, what: str, allowed: bool | None, says: str) -> None:
    """As a super user, by certificate: whatever is refused is so by its form."""
    held = agreement(1)
    found = could(scene(held, {name: remotes(held)[name] for name in ("cert", "certs")}), "u0", does, what)
    assert found.allowed is allowed, found.answer
    assert says in found.answer


def test_a_column_that_means_nothing_spoils_no_other() -> None:
    held = agreement(1)
    here = scene(held, {name: remotes(held)[name] for name in ("cert", "certs")})
    asked = ["own-*", "nope:x-*", "x*:y", "a:b:c", "cert:_all", "certs:hr"]
    matrix = questions.matrix(here, asked, ["u0"])
    cells = dict(zip(matrix.indices, matrix.people[0].cells, strict=True))
    assert {name: cells[name] for name in ("own-1", "nope:x-*", "x*:y", "a:b:c", "cert:logs-1", "certs:hr")} == {
        "own-1": "read write",
        "nope:x-*": "-",
        "x*:y": "-",
        "a:b:c": "-",
        "cert:logs-1": "read",
        "certs:hr": "read",
    }
    assert "cert:_all" not in cells
    able = questions.who_can(here, Request("read", indices=("nope:x-*", "cert:hr"))).people
    assert [one.indices for one in able if one.name == "u0"] == [("cert:hr",)]


def test_what_may_be_skipped_is_a_no_that_says_it_is_a_200() -> None:
    held = agreement(1)
    found = could(scene(held, remotes(held)), "u0", "read", "late:logs-1")
    assert (found.allowed, "has expired" in found.answer) == (False, True)
    assert "skip_unavailable: true" in {one.rule for one in found.reasons}


@pytest.mark.parametrize("asked", [Request("read", indices=("dc2:logs-1",)), Request("GET", "/dc2:logs-1/_search")])
def test_a_domain_of_opensearch_takes_another_clusters_name_for_none_of_its_own(asked: Request) -> None:
    """A role on `*` gives this side's indices, and says nothing of the other one's."""
    every: Any = {
        "index_permissions": [{"index_patterns": ["*"], "allowed_actions": ["*"]}],
        "cluster_permissions": ["*"],
    }
    from portcullis.families.opensearch.documents import config

    held = config.SecurityConfig({config.Kind.ROLES: {"all": every}, config.Kind.MAPPINGS: {"all": {"users": ["kim"]}}})
    found: Decided = answering("opensearch").answer(held, Caller("kim"), asked, There(("logs-1",), every=True))
    assert (found.allowed, found.unknown) == (
        None,
        ("dc2:logs-1 is of another cluster, which decides by its own mappings, and is not asked here",),
    )
