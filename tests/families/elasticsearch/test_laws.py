"""What holds for every config: more roles never make a name visible that none of them shows; nobody sees what no entry grants."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis.families.elasticsearch.deciding.decide import answer
from portcullis.families.elasticsearch.granting.merging import holding
from portcullis.families.elasticsearch.known.engine_facts import EngineFacts, Index
from portcullis.families.elasticsearch.known.names import Unreadable, covers, matches
from portcullis.families.elasticsearch.known.privileges import _INDEX, as_held, grants_on_index
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.requesting.asking import Need

RELEASE = Release.of("9.5.3")
MEASURED = json.loads((Path(__file__).parent / "privileges-9.5.3.json").read_text())
NAMES = ["logs-1", "logs-2", "hr", "metrics-1"]
WORLD = EngineFacts(tuple(Index(name) for name in NAMES), {"all-logs": {"logs-1": None, "logs-2": None}})
SEARCH = "indices:data/read/search"

entries = st.fixed_dictionaries(
    {
        "names": st.lists(
            st.sampled_from(["logs-*", "logs-1", "hr", "*", "all-logs", "m?trics-1"]), min_size=1, max_size=2
        ),
        "privileges": st.lists(
            st.sampled_from(["read", "write", "all", "none", "view_index_metadata"]), min_size=1, max_size=2
        ),
    },
    optional={"query": st.sampled_from(['{"term":{"team":"red"}}', '{"term":{"team":"blue"}}'])},
)
roles = st.dictionaries(
    st.sampled_from(["a", "b", "c"]), st.fixed_dictionaries({"indices": st.lists(entries, max_size=3)}), max_size=3
)
asked = st.lists(st.sampled_from([*NAMES, "all-logs", "*", "logs-*", "-logs-1", "none"]), min_size=1, max_size=3).map(
    tuple
)


@given(roles, asked)
def test_nobody_sees_an_index_that_no_entry_grants(held: dict[str, dict[str, object]], names: tuple[str, ...]) -> None:
    told = answer(holding(held, held, RELEASE), Need(SEARCH, names), WORLD, RELEASE)
    granted = {
        pattern
        for role in held.values()
        for entry in role["indices"]  # type: ignore[attr-defined]
        if grants_on_index(entry["privileges"], SEARCH)
        for pattern in entry["names"]
    }
    for view in told.views:
        behind = [view.index, *(alias for alias, of in WORLD.aliases.items() if view.index in of)]
        assert any(matches(pattern, name) for pattern in granted for name in behind)


@given(roles, asked)
def test_another_role_takes_nothing_away(held: dict[str, dict[str, object]], names: tuple[str, ...]) -> None:
    fewer = answer(holding(held, list(held)[:-1], RELEASE), Need(SEARCH, names), WORLD, RELEASE)
    more = answer(holding(held, held, RELEASE), Need(SEARCH, names), WORLD, RELEASE)
    if fewer.allowed:
        assert more.allowed
    documents = {view.index: view.documents for view in more.views}
    for view in fewer.views:
        if more.status == 200 and view.index in documents:
            now = documents[view.index]
            assert now is None or (view.documents is not None and set(view.documents) <= set(now))


@pytest.mark.parametrize("name", sorted(set(_INDEX) & set(MEASURED["index"]) - {"all"}))
def test_a_privilege_contains_what_it_was_measured_to_contain(name: str) -> None:
    """As far as both are in the table. Failure stores are another selector: what they imply of plain reads is left out."""
    for implied in set(MEASURED["index_implies"][name]) & set(_INDEX):
        for pattern in _INDEX[implied]:
            if pattern.startswith("internal:"):
                continue
            assert grants_on_index(as_held([name], RELEASE), pattern.replace("*", "x")), (implied, pattern)


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_a_wildcard_matches_as_its_plain_definition_says(pattern: str, name: str) -> None:
    def plain(p: str, n: str) -> bool:
        if not p:
            return not n
        if p[0] == "*":
            return plain(p[1:], n) or (bool(n) and plain(p, n[1:]))
        return bool(n) and p[0] in ("?", n[0]) and plain(p[1:], n[1:])

    assert covers(pattern, name) is plain(pattern, name)


@pytest.mark.parametrize(
    "text", ["/(a+)+b/", "/a&b/", "/a{1,9}/", "/a~b/", "/<1-9>/", "/[/", "/^a/", "/a\\d/", "/a*b*c*d*e/"]
)
def test_an_expression_that_only_the_engine_reads_is_said_to_be_so(text: str) -> None:
    with pytest.raises(Unreadable):
        matches(text, "a" * 40)
