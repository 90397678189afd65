"""Given a question and its answer as data, then what it names and what of an index is seen are said in words."""

from __future__ import annotations

from typing import Any

import pytest
from portcullis.access.questions.answers import Far, Request, Seen, is_beyond, parted


@pytest.mark.parametrize(
    ("name", "beyond"),
    [
        ("logs", False),
        ("logs-*", False),
        ("eu:logs", True),
        ("e*:logs-*", True),
        ("*:*", True),
        ("<logs-{now/d}>", False),
        ("<logs-{now{HH:mm}}>", False),  # a colon of date maths
        ("eu:<logs-{now/d}>", False),
        ("", False),
    ],
)
def test_a_colon_names_another_cluster_but_in_date_maths(name: str, beyond: bool) -> None:
    assert is_beyond(name) is beyond
    assert parted([name]) == (((), (name,)) if beyond else ((name,), ()))


def test_names_are_parted_by_whose_they_are_in_their_order() -> None:
    assert parted(iter(["b", "eu:a", "<x-{now{HH:mm}}>", "a", "us:b"])) == (
        ("b", "<x-{now{HH:mm}}>", "a"),
        ("eu:a", "us:b"),
    )
    assert parted(iter(["b", "a"])) == (("b", "a"), ())
    assert parted([]) == ((), ())


@pytest.mark.parametrize(
    ("request_", "names", "said"),
    [
        (Request("read", indices=("a", "b")), ("a", "b"), "read a,b"),
        (Request("GET", "/a/_search?size=1"), ("a",), "GET /a/_search?size=1"),
        (Request("GET", "a,b/_search"), ("a", "b"), "GET a,b/_search"),
        (Request("GET", "/a,,b,/_search"), ("a", "b"), "GET /a,,b,/_search"),
        (Request("GET", "/%3Clogs-%7Bnow%2Fd%7D%3E/_search"), ("<logs-{now/d}>",), "GET /%3Clogs-%7Bnow%2Fd%7D%3E/_search"),
        (Request("GET", "/a%2Cb/x"), ("a", "b"), "GET /a%2Cb/x"),
        (Request("GET", "/?a/b"), (), "GET /?a/b"),
        (Request("POST", "/_bulk", ("a",)), ("a",), "POST /_bulk"),
    ],
)  # fmt: skip
def test_a_request_names_the_indices_that_its_path_begins_with(
    request_: Request, names: tuple[str, ...], said: str
) -> None:
    assert (request_.names, str(request_)) == (names, said)


@pytest.mark.parametrize(
    ("limits", "part"),
    [
        ({}, ""),
        ({"documents": ("q", "r")}, "documents that match q or r"),
        ({"alias_filters": ("q", "r")}, "by the filter of an alias documents that match q or r"),
        ({"fields_only": ("a", "b")}, "only the fields a, b"),
        ({"fields_hidden": ("a", "b")}, "without a, b"),
        ({"masked": ("a", "b")}, "a, b masked"),
        (
            {"documents": ("q",), "alias_filters": ("r",), "fields_only": ("a",), "fields_hidden": ("b",), "masked": ("c",)},
            "documents that match q, by the filter of an alias documents that match r, only the fields a, without b, c masked",
        ),
    ],
)  # fmt: skip
def test_what_of_an_index_is_seen_is_said(limits: dict[str, Any], part: str) -> None:
    seen = Seen("logs", True, **limits)
    assert (seen.part, seen.limited) == (part, bool(limits))


def test_what_nobody_can_tell_of_an_index_limits_nothing_yet() -> None:
    assert not Seen("logs", True, by_alias=("all",), unknown=("perhaps",)).limited


def test_a_cluster_is_called_by_its_deployment_or_else_by_its_alias() -> None:
    assert (Far("eu", "9.5.3").called, Far("eu", "9.5.3", deployment="berlin").called) == ("eu", "berlin")
