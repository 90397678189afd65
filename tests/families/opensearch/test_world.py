"""Which indices a request reaches by its names, as its kind reads them: hidden and closed ones, aliases, streams, and names of none."""

from __future__ import annotations

import pytest
from portcullis.families.opensearch.names.world import (
    DELETED,
    EXPANDED,
    LISTED,
    OPEN_ONES,
    RESOLVED,
    SEARCHED,
    SINGLE,
    STATED,
    WRITTEN,
    EngineFacts,
    Names,
    NotThere,
    Options,
    Refused,
)

NAMES = Names(
    EngineFacts(
        indices=("a-1", "a-2", "a-3", "b", ".ds-s-1", ".ds-s-2"),
        aliases={"al-one": ("a-1",), "al-two": ("a-1", "a-2")},
        streams={"s": (".ds-s-1", ".ds-s-2")},
        hidden=(".ds-s-1", ".ds-s-2", "a-3"),
        closed=("a-2",),
    )
)
KINDS = {
    "searched": SEARCHED, "stated": STATED, "resolved": RESOLVED, "listed": LISTED, "open ones": OPEN_ONES,
    "single": SINGLE, "written": WRITTEN, "deleted": DELETED, "expanded": EXPANDED,
}  # fmt: skip
ABSENT, REFUSED = "not there", "refused"
BACKING, OPEN = ".ds-s-1 .ds-s-2", ".ds-s-1 .ds-s-2 a-1 b"
LITERAL = dict.fromkeys(("single", "written"), ABSENT)  # a wildcard is a name like any other
STRICT = dict.fromkeys(("searched", "stated", "single", "written", "deleted"), ABSENT)
# By name: what all reach by it, and which kinds reach something else.
REACHED: dict[str, tuple[str, dict[str, str]]] = {
    "a-1": ("a-1", {}),
    "a-2": ("a-2", {**dict.fromkeys(("searched", "single", "written"), REFUSED), "open ones": ""}),
    "a-3": ("a-3", {}),
    "none": ("", STRICT),
    "-a-1": ("", STRICT),
    "a-1,none": ("a-1", STRICT),
    "none-*": ("", LITERAL),
    "a-*": ("a-1", {**LITERAL, "listed": "a-1 a-2 a-3", "deleted": "a-1 a-2", "expanded": "a-1 a-2"}),
    "a-*,-a-1": ("", {**LITERAL, "listed": "a-2 a-3", "deleted": "a-2", "expanded": "a-2"}),
    "*": (OPEN, {**LITERAL, "listed": f"{BACKING} a-1 a-2 a-3 b", "deleted": "a-1 a-2 b", "expanded": f"{BACKING} a-1 a-2 b"}),
    "al-one": ("a-1", {"deleted": REFUSED}),
    "al-two": ("a-1 a-2", {**dict.fromkeys(("searched", "single", "written", "deleted"), REFUSED), "open ones": "a-1"}),
    "al-*": ("a-1", {**LITERAL, "listed": "a-1 a-2", "deleted": "", "expanded": "a-1 a-2"}),
    "s": (BACKING, {"single": ABSENT, "deleted": ABSENT}),
    "s*": (BACKING, {**LITERAL, "deleted": ""}),
    ".ds*": (BACKING, LITERAL),  # whoever writes the dot asks for hidden ones
}  # fmt: skip


def reached(written: str, options: Options) -> str:
    try:
        return " ".join(NAMES.names(NAMES.concrete(written.split(","), options)))
    except NotThere:
        return ABSENT
    except Refused:
        return REFUSED


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("written", REACHED)
def test_a_kind_of_request_reaches_these_indices_by_a_name(written: str, kind: str) -> None:
    most, otherwise = REACHED[written]
    assert reached(written, KINDS[kind]) == otherwise.get(kind, most)


@pytest.mark.parametrize(
    ("asked", "written", "indices"),
    [
        ({"expand_wildcards": "open"}, "a-*", "a-1"),
        ({"expand_wildcards": "closed"}, "a-*", "a-2"),
        ({"expand_wildcards": "open,closed"}, "a-*", "a-1 a-2"),
        ({"expand_wildcards": "open,hidden"}, "a-*", "a-1 a-3"),
        ({"expand_wildcards": "all"}, "a-*", "a-1 a-2 a-3"),
        ({"expand_wildcards": "none"}, "a-*", ""),
        ({"expand_wildcards": ""}, "a-*", "a-1"),
        ({"expand_wildcards": "none"}, "a-1", "a-1"),
        ({"ignore_unavailable": "true"}, "a-1,none", "a-1"),
        ({"ignore_unavailable": "false"}, "a-1,none", ABSENT),
        ({"allow_no_indices": "false"}, "none-*", ABSENT),
        ({"allow_no_indices": "true"}, "none-*", ""),
    ],
)
def test_what_a_request_says_of_its_names_goes_before_its_kind(
    asked: dict[str, str], written: str, indices: str
) -> None:
    assert reached(written, Options.of_request(asked, STATED)) == indices
