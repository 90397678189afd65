"""What door and node could read differently is refused; what clients really send is not."""

from __future__ import annotations

import pytest

from local.door import asked as asking
from local.door.answers import Refused


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/_search",
        "/_cat/indices/",
        "/i/_doc/a%2Fb",
        "/i/_doc/http%3A%2F%2Fexample.com%2F%2Fx",
        "/i/_doc/a%252e%252e%252Fb",
        "/i/_doc/...",
        "/i/_doc/a..b",
        "/i/_doc/.hidden",
        "/.kibana/_search",
        "/%3Clogs-%7Bnow%2Fd%7D%3E/_search",
        "/i/_doc/%C3%A4",
        "/a,b,-c*/_search?q=a%3Bb&h=*",
        "/i;x/_count",
        "/_search?",
        "/_search?q=%22a%22+OR+b:[1 TO 2]".replace(" ", "%20"),
        "/_search?filter_path=hits.hits._source|x",
    ],
)
def test_what_clients_send_is_read_as_it_is(target: str) -> None:
    asked = asking.read("GET", target, [], "127.0.0.1")
    assert (asked.path, asked.query) == (target.partition("?")[0], target.partition("?")[2])


@pytest.mark.parametrize(
    "target",
    [
        "",
        "i/_search",
        "*",
        "https://elsewhere/_search",
        "//i/_search",
        "/i//_search",
        "/i/_doc/.",
        "/i/_doc/..",
        "/i/../_all",
        "/./i",
        "/i/_doc/%2e%2e",
        "/i/_doc/%2E.",
        "/i/_doc/.%2e/x",
        "/i/_doc/a%2F..%2Fb",
        "/i/_doc/..%2Fb",
        "/i/_doc/..%5Cb",
        "/i/_doc/a%0Ab",
        "/i%00",
        "/i/_doc/%zz",
        "/i/_doc/%4",
        "/i/_doc/%",
        "/%ff",
        "/ä",
        "/a b",
        "/a\\b",
        "/i#x",
        "/_search?q=a;pretty=true",
        "/_search?size=1&size=0",
        "/_search?size=1&%73ize=0",
        "/_search?q=%zz",
        "/_search?q=%ff",
        "/_search?q=a#b",
        "/_search?q=a b",
        "/_search?q=ä",
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(target: str) -> None:
    with pytest.raises(Refused) as refused:
        asking.read("GET", target, [], "127.0.0.1")
    assert refused.value.status == 400


@pytest.mark.parametrize("name", asking.ONCE)
def test_a_header_of_which_one_is_meant_comes_once(name: str) -> None:
    with pytest.raises(Refused) as refused:
        asking.read("GET", "/", [(name.encode(), b"a"), (name.title().encode(), b"a")], "")
    assert refused.value.status == 400


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get"])
def test_other_methods_are_refused(method: str) -> None:
    with pytest.raises(Refused) as refused:
        asking.read(method, "/", [], "")
    assert refused.value.status == 405


def test_a_change_of_protocol_is_refused() -> None:
    with pytest.raises(Refused):
        asking.read("GET", "/", [(b"Upgrade", b"h2c")], "")


def test_values_of_a_repeated_header_are_joined_as_signed() -> None:
    asked = asking.read("GET", "/", [(b"X-Amz-Meta", b"a"), (b"x-amz-meta", b"b")], "")
    assert asked.headers["x-amz-meta"] == "a,b"
