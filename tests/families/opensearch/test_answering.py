"""What somebody may do, answered from documents alone: yes, no, or unknown with the reason; what is seen, and by which permission."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from portcullis.access.actual import Json
from portcullis.access.questions.answers import ALIAS_FILTER, Decided, Permission, Request, There
from portcullis.access.terms import Caller
from portcullis.families.opensearch.deciding.answering import OPENSEARCH
from portcullis.families.opensearch.documents.config import Kind, SecurityConfig

R, W = "indices:data/read/", "indices:data/write/"
BULK = f"{W}bulk"
RED = '{"term": {"team": "red"}}'
THERE = There(("a", "b"), aliases={}, every=True)
AN_UPDATE = "an update is permitted, and not all that it may need"


def role(*actions: str, on: tuple[str, ...] = ("a",), cluster: tuple[str, ...] = (), **more: object) -> Json:
    entry = {"index_patterns": list(on), "allowed_actions": list(actions), **more}
    return {"cluster_permissions": list(cluster), "index_permissions": [entry]}


def held(**roles: Json) -> SecurityConfig:
    mappings = {name: {"users": ["anna"]} for name in roles}
    return SecurityConfig({Kind.ROLES: roles, Kind.MAPPINGS: mappings})


def asked(roles: Mapping[str, Json], does: str, *indices: str, path: str = "", there: There = THERE) -> Decided:
    return OPENSEARCH.answer(held(**roles), Caller("anna"), Request(does, path, indices), there)


JAVA = r"/x\b.*/"  # which only the engine reads


@pytest.mark.parametrize(
    ("of", "request_", "place"),
    [
        (role("x", cluster=(JAVA,)), ("GET", "/_cluster/health"), "cluster_permissions"),
        (role("x", on=(JAVA,)), ("GET", "/a/_search"), "index_patterns"),
        (role(JAVA), ("GET", "/a/_search"), "allowed_actions"),
    ],
)
def test_a_pattern_that_only_the_engine_reads_is_told_with_its_place(
    of: Json, request_: tuple[str, str], place: str
) -> None:
    told = asked({"r": of}, request_[0], path=request_[1])
    assert told.allowed is None
    assert [one for one in told.unknown if f"what {JAVA} of roles/r ({place}) covers" in one]


@pytest.mark.parametrize(
    ("permitted", "allowed", "unknown"),
    [
        ((f"{W}bulk*", f"{W}index"), True, False),
        ((f"{W}bulk*", f"{W}delete"), True, False),
        ((f"{W}bulk*", f"{W}update", f"{W}index"), True, False),
        ((f"{W}bulk*", f"{W}update"), None, True),
        ((f"{W}bulk*",), False, False),
        ((f"{R}*",), False, False),
    ],
)
def test_who_may_only_update_is_told_neither_yes_nor_no_to_writing(
    permitted: tuple[str, ...], allowed: bool | None, unknown: bool
) -> None:
    """What an update needs hangs on what it changes, so an update alone is no certain no. Whoever may write needs no such word."""
    told = asked({"r": role(*permitted, cluster=(BULK,))}, "write", "a")
    assert told.allowed is allowed
    assert [one.startswith(AN_UPDATE) for one in told.unknown] == [True] * unknown


@pytest.mark.parametrize(
    ("on", "by_address", "index", "allowed", "unknown"),
    [
        ((), ("a",), "a", None, True),
        ((), ("a",), "b", False, False),  # whatever their address, it gives nothing there
        (("a",), ("a",), "a", True, False),
        (("a",), ("b",), "a", True, False),
        (("b",), ("/a(?<=a)/",), "a", None, True),  # what it covers only the engine can tell
    ],
)
def test_an_address_is_a_doubt_only_where_it_would_change_the_answer(
    on: tuple[str, ...], by_address: tuple[str, ...], index: str, allowed: bool | None, unknown: bool
) -> None:
    """Seen in a public config: one entry of an address made every "no" of 68 people unknown, of 87 indices of which its role covers one."""
    roles = {"mine": role(f"{R}*", on=on), "theirs": role(f"{R}*", on=by_address)}
    mappings = {"mine": {"users": ["anna"]}, "theirs": {"hosts": ["*.example.org", "10.0.?.1"]}}
    told = OPENSEARCH.answer(
        SecurityConfig({Kind.ROLES: roles, Kind.MAPPINGS: mappings}),
        Caller("anna"),
        Request("read", "", (index,)),
        THERE,
    )
    assert (told.allowed, any("lets in by address" in one for one in told.unknown)) == (allowed, unknown)


@pytest.mark.parametrize(
    ("asked_for", "doubts"),
    [
        ("a,b", ["a", "b", "b2"]),  # each role covers one of two indices that are asked for at once
        ("a", ["a"]),
        ("b", ["b", "b2"]),  # two entries of one role
        ("c", []),
    ],
)
def test_of_several_addresses_those_that_would_change_the_answer_are_a_doubt(asked_for: str, doubts: list[str]) -> None:
    there = SecurityConfig(
        {
            Kind.ROLES: {name: role(f"{R}*", on=(name,)) for name in ("a", "b")},
            Kind.MAPPINGS: {"a": {"hosts": ["a.example.org"]}, "b": {"hosts": ["b.example.org", "b2.example.org"]}},
        }
    )
    told = OPENSEARCH.answer(there, Caller("anna"), Request("GET", f"/{asked_for}/_search"), THERE)
    assert told.unknown == tuple(
        f"rolesmapping/{name[0]}/hosts: {name}.example.org lets in by address, and where they come from is not known"
        for name in doubts
    )


@pytest.mark.parametrize("way", ["search", "get", "explain", "tv"])
def test_one_way_to_read_is_reading(way: str) -> None:
    told = asked({"r": role(f"{R}{way}")}, "read", "a")
    assert told.allowed is True
    assert [(one.index, one.allowed) for one in told.seen] == [("a", True)]


def test_a_no_to_reading_shows_nothing_of_any_index() -> None:
    told = asked({"r": role(f"{W}index")}, "read", "a", "b")
    assert told.allowed is False
    assert [(one.index, one.allowed) for one in told.seen] == [("a", False), ("b", False)]


def test_the_permissions_named_are_those_that_let_it_be_done_and_no_others() -> None:
    """By role, rule and limit; what is on another index, or for another action, is not among them."""
    roles = {
        "limited": role(f"{R}search", f"{R}get", on=("a", "c*"), fls=["~card"]),
        "elsewhere": role(f"{R}search", on=("b",)),
        "writes": role(f"{W}index"),
        "own": role(f"{R}get", on=("${user.name}-*",)),
    }
    told = asked(roles, "read", "a")
    assert set(told.roles) == set(roles)
    assert told.permissions == (
        Permission("limited", f"{R}search, {R}get on a", "without the fields card"),
        Permission("own", f"{R}get on ${{user.name}}-*"),
    )


def test_a_question_nobody_here_can_read_still_says_the_roles() -> None:
    told = asked({"r": role("*")}, "GET", path="a/_unheard_of")
    assert (told.allowed, set(told.roles), told.permissions) == (None, {"r"}, ())
    assert told.unknown


def test_a_word_that_is_no_action_is_unknown_and_an_action_is_asked_as_it_is() -> None:
    roles = {"r": role(f"{R}get")}
    assert asked(roles, "browse", "a").allowed is None
    assert asked(roles, f"{R}get", "a").allowed is True
    assert asked(roles, f"{R}search", "a").allowed is False


def test_the_roles_that_permit_it_are_each_enough_alone() -> None:
    """A role that lacks half of what is needed is none of them, though two such have it together."""
    documents = {
        "whole": role(f"{W}bulk*", f"{W}index", cluster=(BULK,)),
        "half": role(f"{W}index"),
        "other_half": role(f"{W}bulk*", cluster=(BULK,)),
        "updates": role(f"{W}bulk*", f"{W}update", cluster=(BULK,)),
        "grouped": role("putting", cluster=(BULK,)),
    }
    there = held(**documents)
    there = SecurityConfig(
        {**there.documents, Kind.ACTION_GROUPS: {"putting": {"allowed_actions": [f"{W}bulk*", f"{W}index"]}}}
    )
    found = OPENSEARCH.permitting(there, [*documents, "gone"], Request("write", "", ("a",)), THERE)
    assert found == ("grouped", "whole")


@pytest.mark.parametrize(
    ("pattern", "examples"),
    [
        ("logs", ("logs",)),
        ("logs-*", ("logs-2025", "logs-example")),
        ("*", ("example", "logs-2025", "orders", "x1-example")),
        (".kib*", (".kib-example", ".kibana")),
    ],
)
def test_a_pattern_has_examples_of_its_own_and_the_names_of_roles_that_fit_it(
    pattern: str, examples: tuple[str, ...]
) -> None:
    """What an expression, an attribute or date math means is no name. The engine's own indices are no example of others."""
    there = held(
        r=role(on=("logs-2025", "orders", ".kibana", "${user.name}", "<x-{now}>:y", "/l.*/")), s=role(on=("?1-*",))
    )
    assert OPENSEARCH.examples(there, pattern) == examples


def test_where_the_indices_are_not_known_a_pattern_is_unknown_and_a_name_is_not() -> None:
    nobody_said = There(None)
    roles = {"r": role(f"{R}*", on=("*",))}
    named, pattern = asked(roles, "read", "a", there=nobody_said), asked(roles, "read", "a*", there=nobody_said)
    assert named.allowed is True
    assert pattern.allowed is None
    assert "which indices there are could not be read" in pattern.unknown


@pytest.mark.parametrize(
    ("entry", "of_a_role", "unknown"),
    [("10.0.*", True, True), ("10.0.*", False, False), ("", True, False), ("  ", True, False)],
)
def test_an_address_that_may_let_in_makes_no_certain_no(entry: str, of_a_role: bool, unknown: bool) -> None:
    """A blank entry fits no address, and the mapping of a role that is not there gives nothing."""
    roles = {"r": role(f"{R}search")} if of_a_role else {}
    there = SecurityConfig({Kind.ROLES: roles, Kind.MAPPINGS: {"r": {"hosts": [entry]}}})
    told = OPENSEARCH.answer(there, Caller("anna"), Request("read", "", ("a",)), THERE)
    assert told.allowed is (None if unknown else False)
    assert [one for one in told.unknown if "lets in by address" in one] == list(told.unknown)
    known = OPENSEARCH.answer(there, Caller("anna", hosts=("192.0.2.1",)), Request("read", "", ("a",)), THERE)
    assert known.allowed is False


@pytest.mark.parametrize(("pattern", "allowed"), [("b", False), ("b*", False), ("c", None), ("c*", None)])
def test_a_role_on_no_index_that_there_is_may_be_on_an_alias(pattern: str, allowed: bool | None) -> None:
    """Where nobody could say which aliases there are. A role on another index is on no alias of what is asked for."""
    unsaid = There(("a", "b"), aliases=None, every=True)
    told = asked({"r": role(f"{R}*", on=(pattern,))}, "read", "a", there=unsaid)
    assert told.allowed is allowed
    assert any(f"a role of theirs is on {pattern}, which is no index" in one for one in told.unknown) is (
        allowed is None
    )


@pytest.mark.parametrize(
    ("pattern", "name", "pattern_asked", "unclear"),
    [
        ("logs-*", "anna", "logs-1", False),
        ("/l.*/", "anna", "orders-*", True),
        ("${attr.internal.area}-*", "anna", "orders-*", True),
        ("${user.name}-*", "anna", "orders-*", False),
        ("${user.name}-*", "anna", "anna-1", True),  # no example has a name of hers
        ("${user.name}-*", "", "orders-*", True),
        ("<logs-{now/d}>", "anna", "logs-*", True),
        ("logs-?", "anna", "logs-*", True),
        ("logs-?", "anna", "orders-*", False),
    ],
)
def test_a_pattern_of_which_no_example_tells_what_it_covers_is_named(
    pattern: str, name: str, pattern_asked: str, unclear: bool
) -> None:
    """An attribute of somebody, a day, one character of many. A name that is known keeps what else is apart."""
    there = held(r=role("read", on=(pattern,)))
    assert OPENSEARCH.unclear(there, ["r"], name, pattern_asked) == ((f"{pattern} of r",) if unclear else ())


@pytest.mark.parametrize(
    ("does", "names", "by_alias"),
    [
        ("read", ("some",), {"a": (), "b": ()}),  # by its id a document is read without the filter
        (f"{R}search", ("some",), {"a": ("some",), "b": ("some",)}),
        (f"{R}search", ("some", "a"), {"a": (), "b": ("some",)}),
        (f"{R}search", ("so*",), {"a": ("some",), "b": ("some",)}),
        (f"{R}search", ("*",), {"a": (), "b": ()}),
        (f"{R}get", ("some",), {}),  # one index has to be named
        (f"{R}search", ("a",), {"a": ()}),
    ],
)
def test_what_is_asked_for_by_an_alias_alone_says_so(
    does: str, names: tuple[str, ...], by_alias: Mapping[str, tuple[str, ...]]
) -> None:
    there = There(("a", "b"), every=True, aliases={"some": ("a", "b")})
    told = asked({"r": role(f"{R}*", on=("*",))}, does, *names, there=there)
    reached = {one.index: one.by_alias for one in told.seen if one.index in by_alias}
    assert reached == by_alias
    assert (ALIAS_FILTER in told.doubts) is (any(by_alias.values()) or does == "read")


@pytest.mark.parametrize(
    ("does", "names", "filters"),
    [
        (f"{R}search", ("red",), {"a": (RED,), "b": (RED,)}),
        (f"{R}search", ("red", "a"), {"a": (), "b": (RED,)}),
        (f"{R}search", ("red", "some"), {"a": (), "b": ()}),
        ("read", ("red",), {"a": (), "b": ()}),  # by its id a document is read without the filter
    ],
)
def test_what_the_filter_of_an_alias_leaves_is_what_is_seen(
    does: str, names: tuple[str, ...], filters: Mapping[str, tuple[str, ...]]
) -> None:
    there = There(
        ("a", "b"),
        every=True,
        aliases={"some": ("a", "b"), "red": ("a", "b")},
        filters={"red": {"a": RED, "b": RED}},
    )
    told = asked({"r": role(f"{R}*", on=("*",))}, does, *names, there=there)
    assert {one.index: one.alias_filters for one in told.seen if one.index in filters} == filters
    assert not any(one.by_alias for one in told.seen)
    assert ALIAS_FILTER not in told.doubts
