"""Given an expression, then it is said whether Lucene takes it, as the engines do who put it to Lucene."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis.families.lucene_regex import why_not

from tests.families.expressions import REFUSED, TAKEN
from tests.laws import examples


@pytest.mark.parametrize("expression", TAKEN)
def test_what_lucene_takes_is_taken(expression: str) -> None:
    assert why_not(expression) == ""


@pytest.mark.parametrize("expression", REFUSED)
def test_what_lucene_refuses_is_refused_with_a_reason(expression: str) -> None:
    assert why_not(expression)


@pytest.mark.parametrize("expression", ["a{1,2000}{1,2000}", "((a{100}){100}){2}", "a{99999999999}"])
def test_what_would_keep_a_node_busy_is_refused(expression: str) -> None:
    assert "states" in why_not(expression) or "too often" in why_not(expression)


@given(st.text(st.sampled_from('ab()[]{}|&~"<>#@\\*+?.^-1,')))
@examples(300)
def test_any_text_is_taken_or_refused(expression: str) -> None:
    assert isinstance(why_not(expression), str)
