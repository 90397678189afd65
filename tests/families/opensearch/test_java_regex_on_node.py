"""Java's regular expressions as we read them, against Java: a node compiles the expressions of a masking rule as it is written."""

from __future__ import annotations

import random

import pytest
from portcullis.families.opensearch.names.java_regex import why_not

from local.node.node import Node

pytest_plugins = ["tests.fixtures_node"]
pytestmark = pytest.mark.node

ROLE = "/_plugins/_security/api/roles/expressions"
WRONG = "Masked field not valid: "
TEXT = (
    r"a b 1 2 , - & é ( ) [ ] { } * + ? | ^ $ . \ && (?: (?= (?! (?<= (?<! (?> (?<n> (?i) (?i: (?-s) (?P<n> (?# (?' [^ [a-z] a- \- [] \["
    r" {2} {2,} {2,1} {,2} ++ \k<n> \1 \12 \d \D \p{L} \p{Lx} \p{IsGreek} \p{Foo} \P{Alpha} \pL \x41 \x4 \x{41} \x{ \u0041 \u00 \Q \E \b"
    r" \b{g} \b{x} \B \z \Z \G \R \X \N \y \i \07 \0 \c \cA \e \h \K \_ \#"
)
PIECES = TEXT.split(" ")
BUNCH = 400


def expressions(how_many: int) -> list[str]:
    chance = random.Random(10)  # the same ones each time
    made = {"".join(chance.choice(PIECES) for _ in range(chance.randint(1, 7))) for _ in range(how_many)}
    return sorted(made)


def test_what_java_compiles_and_what_not_is_what_it_says_itself(node_basic: Node) -> None:
    every = expressions(4000)
    refused: set[str] = set()
    for start in range(0, len(every), BUNCH):
        masks = [f"a::/{expression}/::x" for expression in every[start : start + BUNCH]]
        entry = {"index_patterns": ["expressions"], "allowed_actions": ["read"], "masked_fields": masks}
        status, said = node_basic.ask("PUT", ROLE, {"index_permissions": [entry]}, timeout=120)
        assert status == 400, said
        refused |= {key.removeprefix(f"{WRONG}a::/").removesuffix("/::x") for key in said if key.startswith(WRONG)}
    assert 500 < len(refused) < len(every) - 500
    assert {e for e in every if why_not(e)} ^ refused == set()
