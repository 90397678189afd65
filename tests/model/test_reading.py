"""YAML text becomes plain data with the line of every key, or one clear error."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portcullis.errors import BadInput
from portcullis.model.text.reading import LARGEST, read


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: 1\nb: -2\nc: 0x10\nd: 1.5", {"a": 1, "b": -2, "c": 16, "d": 1.5}),
        ("a: true\nb: False\nc: null\nd: ~\ne:", {"a": True, "b": False, "c": None, "d": None, "e": None}),
        ("a: yes\nb: 2024-01-01\nc: 'true'\nd: \"1\"", {"a": "yes", "b": "2024-01-01", "c": "true", "d": "1"}),
        ("a: &x [1, {b: c}]\nd: *x", {"a": [1, {"b": "c"}], "d": [1, {"b": "c"}]}),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
        ("\ufeffa: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
        ("!!map {a: !!str 1}", {"a": "1"}),
    ],
)
def test_plain_values_are_read_as_yaml_1_2_writes_them(text, data):
    assert read(text, "f.yaml").data == data


def test_a_sign_that_disguises_is_read_where_it_is_written_by_its_number():
    assert read(r'a: "one\u2028two\u202e"', "f.yaml").data == {"a": "one\u2028two\u202e"}


def test_every_key_and_item_knows_its_line():
    document = read("a: 1\nb:\n  - c\n  # a comment\n  - d: 2\n", "f.yaml")
    assert document.lines == {(): 1, ("a",): 1, ("b",): 2, ("b", 0): 3, ("b", 1): 5, ("b", 1, "d"): 5}


@pytest.mark.parametrize(
    ("text", "place", "problem", "remedy"),
    [
        ("a: 1\nb: 2\na: 3", "line 3, a", "there twice", "first on line 1"),
        ("a: 1\n---\nb: 2", "line 2", "second document", "one document"),
        ("", "", "empty", "portcullis init"),
        ("# nothing but this", "", "empty", "portcullis init"),
        ("a:\n\tb: 1", "line 2", "not YAML", "tabs"),
        ("a: b: c", "line 1", "not YAML", "quotes"),
        ("a: [1", "line 1", "not YAML", "what began on line 1 left open"),
        ('a: "\\q"', "line 1", "not YAML", "quote or bracket"),
        ("a: 1\nb: @c", "line 2", "not YAML", "begins with @ in quotes"),
        ("a: [1,\nb", "line 2", "not YAML", "what began on line 1 left open"),
        ("a: 1\nb: [2,\nc: 3\nd: 4\n", "line 4", "not YAML", "what began on line 2 left open"),
        ("a: 'x", "line 1", "not YAML", "quote"),
        ("a:\u00a01\nb: 2", "line 2", "not YAML", "line 1 has a space that is none (U+00A0)"),
        ("a:\n  b:\u20031\n\n  c: 2", "line 4", "not YAML", "line 2 has a space that is none (U+2003)"),
        ("a: [1,\u00a02\nb: 3", "line 2", "not YAML", "what began on line 1 left open"),
        ("1: x", "line 1", "'1' is not text", "quotes"),
        ("? [a]\n: b", "line 1", "key that is not text", "plain key"),
        ("a: *x", "line 1, a", "no anchor", "&x"),
        ("a: &x [*x]", "line 1, a[0]", "no anchor", "&x"),
        ("a: !!python/object:os.system x", "line 1, a", "the tag", "plain values"),
        ("a: !secret x", "line 1, a", "the tag", "plain values"),
        ("<<: {a: 1}", "line 1", "merge key", "write the keys out"),
        ("a: \x07", "", "not YAML", "control characters"),
        ("a: 1\n# a word\u2028b: 2", "line 2", "show something else than is read of it (U+2028)", "by its number"),
        ("a: 1\n# a word\x85b: 2", "line 2", "(U+0085)", "take it out"),
        ("a: 1\r\n# a word\rb: 2", "line 2", "(U+000D)", "take it out"),
        ("a: [x] # \u202e ]y ,[", "line 1", "(U+202E)", "take it out"),
        ("a: " + "9" * 100, "line 1, a", "too large a number", "quotes"),
        ("[" * 50, "line 1", "nested more than", "nine"),
        ("{a: " * 50, "line 1", "nested more than", "nine"),
    ],
)
def test_what_cannot_be_read_is_one_error_with_a_place_and_a_remedy(text, place, problem, remedy):
    with pytest.raises(BadInput) as caught:
        read(text, "f.yaml")
    assert caught.value.source == "f.yaml"
    assert place in caught.value.place
    assert problem in caught.value.problem
    assert remedy in caught.value.remedy
    assert "\n" not in str(caught.value)


def test_given_a_bomb_of_anchors_then_it_is_refused_before_it_expands():
    bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 10)}]\n" for i in range(9)
    )
    with pytest.raises(BadInput, match="aliases expanded"):
        read(bomb, "f.yaml")


def test_given_a_file_that_is_too_large_then_it_is_not_even_parsed():
    with pytest.raises(BadInput, match="characters"):
        read("[" * (LARGEST + 1), "f.yaml")


@given(st.text())
def test_any_text_is_read_or_refused_with_bad_input_and_nothing_else(text):
    with contextlib.suppress(BadInput):
        assert isinstance(read(text, "f.yaml").lines, dict)


characters = st.characters(codec="ascii", categories=["L", "N", "P", "Zs"])
scalars = st.one_of(st.none(), st.booleans(), st.integers(-(2**40), 2**40), st.text(characters))


def containers(inner):
    return st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text("abc", min_size=1), inner, max_size=3))


@given(st.recursive(scalars, containers, max_leaves=10))
def test_json_is_read_as_what_it_says(data):
    assert read(json.dumps(data), "f.yaml").data == data
