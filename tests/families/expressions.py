"""What Lucene takes for a regular expression and what it refuses: a table for the pure tests and for those on real nodes."""

from __future__ import annotations

from typing import Any

TAKEN = (
    *(
        "eu",
        "",
        ".",
        "e.*",
        "*",
        "a**",
        "a||b",
        "|a",
        "()",
        "(a|b)?",
        "^eu$",
        "a]b",
        "a}b",
        "a>b",
        "[]]",
        "[^a-c-]",
    ),
    *(
        "[-a]",
        "a{2}",
        "a{2,}",
        "a{2}{3}",
        "~(a)",
        "~~a",
        "a&b",
        "#",
        "@",
        "<1-20>",
        "<2-1>",
        '"("',
        '""',
        "\\(",
        "é|ü",
    ),
)
REFUSED = (
    *(
        "(",
        "(a",
        "a|",
        "(a|)",
        "a)",
        "(a))",
        "[",
        "[]",
        "[^]",
        "[a",
        "[z-a]",
        "[a-",
        "a{",
        "{2}a{",
        "a{2",
        "a{,2}",
        "a{x}",
        "\\",
    ),
    *("a\\", '"', 'a"b', "<1-", "<a-b>", "<1>", "~(", "[\\"),
)


def otherwise(node: Any) -> dict[str, int]:
    """What the node answers to whatever it takes or refuses otherwise than is said."""
    mapping: Any = {"properties": {"area": {"type": "keyword"}}}
    if node.version.startswith("6."):
        mapping = {"_doc": mapping}
    assert node.ask("PUT", "/expressions", {"mappings": mapping})[0] == 200
    try:
        said = {
            one: node.ask("POST", "/expressions/_search", {"query": {"regexp": {"area": one}}})[0]
            for one in (*TAKEN, *REFUSED)
        }
    finally:
        node.ask("DELETE", "/expressions")
    return {one: status for one, status in said.items() if (status == 200) is (one in REFUSED)}
