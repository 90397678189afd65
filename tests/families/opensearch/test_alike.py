"""Indices that no role of a caller tells apart: one of them answers for all, whatever the roles, aliases and data streams."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from portcullis.access.questions.answers import Decided, Request, There
from portcullis.access.terms import Caller
from portcullis.families.opensearch.deciding.answering import OPENSEARCH
from portcullis.families.opensearch.documents.config import SecurityConfig

INDICES = (".kibana", "logs-1", "logs-2", "logs-own", "orders", "people-1", "people-2")
PATTERNS = (
    "*",
    "logs-*",
    "logs-?",
    "orders",
    "people-*",
    "all-*",
    "stream",
    "logs-${user.name}",
    "/people-[12]/",
    ".k*",
)
ANNA = Caller("own", ("group",))
WORDS = ("read", "write")

entries = st.fixed_dictionaries(
    {
        "index_patterns": st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=2),
        "allowed_actions": st.lists(
            st.sampled_from(("*", "indices:data/read*", "indices:data/read/get", "indices:data/write*", "indices:*")),
            min_size=1,
            max_size=2,
        ),
    },
    optional={
        "dls": st.sampled_from(('{"term": {"a": 1}}', '{"term": {"a": "${attr.none}"}}', '{"term": {"b": 1}}')),
        "fls": st.sampled_from((["~card"], ["name"])),
        "masked_fields": st.just(["email"]),
    },
)
roles = st.dictionaries(
    st.sampled_from("rstu"),
    st.fixed_dictionaries(
        {"index_permissions": st.lists(entries, max_size=3), "cluster_permissions": st.sampled_from(([], ["*"]))}
    ),
    max_size=4,
)
groups = st.dictionaries(
    st.sampled_from(("all-1", "all-2")), st.lists(st.sampled_from(INDICES), min_size=1, unique=True).map(tuple)
)
worlds = st.builds(
    There,
    st.just(INDICES),
    st.sampled_from(("OpenSearch_2.19", "OpenSearch_3.3")),
    st.booleans(),
    st.none() | groups,
    st.dictionaries(st.just("stream"), st.just(("people-2",))),
    st.sampled_from(((), ("logs-2",))),
)


def config(of: dict[str, Any]) -> SecurityConfig:
    return SecurityConfig({"roles": of, "rolesmapping": {role: {"backend_roles": ["group"]} for role in of}})


def shown(decided: Decided, index: str) -> object:
    """What is told of an index, apart from its name."""
    seen = next((one for one in decided.seen if one.index == index), None)
    if seen is None:
        return decided.allowed
    return seen.allowed, seen.documents, seen.fields_only, seen.fields_hidden, seen.masked


LIMITED_TO_GET = {  # one document may be fetched of one index, and so of one of several that fit, never of all of them at once
    "r": {
        "index_permissions": [
            {"index_patterns": ["logs-*"], "allowed_actions": ["indices:data/read/get"]},
            {"index_patterns": ["*"], "allowed_actions": ["indices:data/write*"], "dls": '{"term": {"a": 1}}'},
        ]
    }
}


@given(roles, worlds)
@example(LIMITED_TO_GET, There(INDICES, "OpenSearch_2.19"))
def test_one_index_of_a_group_answers_for_the_whole_of_it(of: dict[str, Any], there: There) -> None:
    held = config(of)
    groups = list(OPENSEARCH.alike(held, ANNA, INDICES, there))
    assert sorted(index for group in groups for index in group) == sorted(INDICES)
    firsts = tuple(group[0] for group in groups)
    for word in WORDS:
        of_all = OPENSEARCH.answer(held, ANNA, Request(word, indices=INDICES), there)
        of_firsts = OPENSEARCH.answer(held, ANNA, Request(word, indices=firsts), there)
        for group in groups:
            for index in group:
                assert shown(of_all, index) == shown(of_firsts, group[0]), (word, index)
        assert set(of_all.doubts) == set(of_firsts.doubts)


def test_aliases_tell_indices_apart_that_their_names_do_not() -> None:
    limited = {"index_patterns": ["all-1"], "allowed_actions": ["*"], "dls": '{"term": {"a": 1}}'}
    held = config({"r": {"index_permissions": [{"index_patterns": ["logs-*"], "allowed_actions": ["*"]}, limited]}})
    there = There(INDICES, "OpenSearch_3.3", aliases={"all-1": ("logs-1",), "unnamed": ("logs-2",)})
    assert sorted(OPENSEARCH.alike(held, ANNA, INDICES, there)) == [
        (".kibana",),
        ("logs-1",),
        ("logs-2", "logs-own"),
        ("orders", "people-1", "people-2"),
    ]
