"""Given what a request names, then the patterns of roles that may mean something of it are those that one by one would say so."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from portcullis.families.opensearch.names.matching import matches
from portcullis.families.opensearch.names.touching import Named

SIGNS = st.text(alphabet="ab-.", max_size=3)
PARTS = st.one_of(SIGNS, st.sampled_from(["*", "?", "**", "a*b"]))
PATTERNS = st.one_of(
    st.lists(PARTS, max_size=4).map("".join),
    st.sampled_from(["/a.*/", "/(?!a).*/", "/b[ab]?/", "a-${user.name}", "*", "", "a", "/a/"]),
)
NAMES = st.one_of(SIGNS, PATTERNS)


def one_by_one(pattern: str, names: list[str]) -> bool:
    return any("${" in pattern or matches(pattern, name) or matches(name, pattern) for name in names)


@given(names=st.lists(NAMES, max_size=12), pattern=PATTERNS)
def test_a_pattern_touches_what_it_touches_one_by_one(names: list[str], pattern: str) -> None:
    assert Named(names).touched_by(pattern) is one_by_one(pattern, names)
