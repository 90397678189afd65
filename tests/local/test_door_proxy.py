"""What the door does with requests and answers, between it and a real node."""

from __future__ import annotations

import gzip
import hashlib
import re
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.local.door_world import World

pytest_plugins = ["tests.local.fixtures_door"]

pytestmark = [pytest.mark.node, pytest.mark.aws]


def test_five_megabytes_of_gzip_go_in_and_come_out_again(each_world: World) -> None:
    master = each_world.master
    noise = [hashlib.sha256(str(n).encode()).hexdigest() * 8 for n in range(32_000)]
    lines = "".join(f'{{"index":{{"_index":"bulk"}}}}\n{{"n":{n},"noise":"{text}"}}\n' for n, text in enumerate(noise))
    body = gzip.compress(lines.encode(), 1)
    assert len(body) > 1 << 20
    assert len(lines) > 5 << 20
    sent = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
    answer = master.post("/_bulk?refresh=true", data=body, headers=sent)
    assert answer.status_code == 200
    assert not answer.json()["errors"]
    answer = master.post("/_bulk?refresh=true", data=lines.encode(), headers={"Content-Type": "application/x-ndjson"})
    assert answer.status_code == 200
    found = master.get("/bulk/_search?size=10000")
    assert len(found.json()["hits"]["hits"]) == 10_000
    assert len(found.content) > 5 << 20
    assert master.delete("/bulk").status_code == 200


def test_head_has_a_length_and_no_body(world: World) -> None:
    assert world.master.put("/headed").status_code == 200
    there, gone = world.master.head("/headed"), world.master.head("/not-there")
    assert (there.status_code, there.content, gone.status_code) == (200, b"", 404)
    assert int(there.headers["Content-Length"]) > 0
    assert world.master.get("/").status_code == 200, "the connection is still in step"


def test_a_connection_is_kept(world: World) -> None:
    session = world.master
    session.get("/")
    pools = session.get_adapter(world.url).poolmanager.pools  # type: ignore[attr-defined]
    pool = pools[next(iter(pools.keys()))]
    before = pool.num_connections
    for _ in range(20):
        assert session.get("/").status_code == 200
    assert pool.num_connections == before


def test_many_at_once_are_told_apart(world: World) -> None:
    users = [world.signed(world.user(f"many-{n}")) for n in range(8)]

    def ask(n: int) -> bool:
        name = users[n % 8].get("/_plugins/_security/authinfo").json()["user_name"]
        return bool(name.endswith(f"many-{n % 8}"))

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(400)))


def raw(world: World, request: bytes) -> bytes:
    context = ssl.create_default_context(cafile=str(world.ca))
    host, port = str(world.aws.door).split(":")
    with (
        socket.create_connection((host, int(port)), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname=host) as tls,
    ):
        tls.sendall(request)
        answer = b""
        while piece := tls.recv(65536):
            answer += piece
        return answer


def signed_raw(world: World, method: str, path: str, body: bytes = b"", **headers: str) -> list[bytes]:
    prepared = world.master.prepare_request(requests.Request(method, world.url + path, data=body, headers=headers))
    said = {"Host": str(world.aws.door), **prepared.headers, "Connection": "close"}
    return [
        f"{method} {path} HTTP/1.1".encode(),
        *(f"{n}: {v}".encode() for n, v in said.items() if n != "Content-Length"),
    ]


def test_two_ways_to_tell_the_length_are_refused(world: World) -> None:
    body = b'{"size":0}'
    head = signed_raw(world, "POST", "/_search", body, **{"Content-Type": "application/json"})
    chunked = b"a\r\n" + body + b"\r\n0\r\n\r\n"
    assert raw(world, b"\r\n".join([*head, b"Content-Length: 10", b"", body])).startswith(b"HTTP/1.1 200")
    assert raw(world, b"\r\n".join([*head, b"Transfer-Encoding: chunked", b"", chunked])).startswith(b"HTTP/1.1 200")
    for lengths, sent in (
        ([b"Content-Length: 10", b"Transfer-Encoding: chunked"], chunked),
        ([b"Transfer-Encoding: chunked", b"Content-Length: 10"], chunked),
        ([b"Content-Length: 10", b"Content-Length: 4"], body),
        ([b"Content-Length: 10", b"Content-Length: 10"], body),
        ([b"Content-Length: +10"], body),
        ([b"Content-Length: 1_0"], body),
        ([b"Transfer-Encoding: gzip, chunked, identity"], chunked),
        ([b"Transfer-Encoding : chunked"], chunked),
    ):
        answers = raw(world, b"\r\n".join([*head, *lengths, b"", sent]))
        assert re.match(rb"HTTP/1.[01] 400 ", answers), (lengths, answers[:200])
        assert len(re.findall(rb"HTTP/1.[01] \d", answers)) == 1


def test_a_second_request_hidden_in_a_body_is_a_body(world: World) -> None:
    hidden = b"GET /_plugins/_security/authinfo HTTP/1.1\r\nHost: x\r\n\r\n"
    head = signed_raw(world, "POST", "/_search", hidden, **{"Content-Type": "application/json"})
    answers = raw(world, b"\r\n".join([*head, f"Content-Length: {len(hidden)}".encode(), b"", hidden]))
    assert answers.count(b"HTTP/1.1 ") == 1
    assert answers.startswith(b"HTTP/1.1 400"), "the node calls it bad JSON"


def test_a_client_that_asks_first_is_told_to_go_on(world: World) -> None:
    body = b'{"size":0}'
    head = signed_raw(world, "POST", "/_search", body, **{"Content-Type": "application/json"})
    answers = raw(world, b"\r\n".join([*head, b"Content-Length: 10", b"Expect: 100-continue", b"", body]))
    assert answers.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200")
    unsigned = (
        b"POST /_search HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n"
        + body
    )
    assert raw(world, unsigned).startswith(b"HTTP/1.1 403")


@pytest.mark.parametrize(
    "target",
    [
        "//i/_search",
        "/i/_doc/..",
        "/i/%2e%2e/_all",
        "http://x/_search",
        "/_search?a=1;b=2",
        "/_search?size=1&size=2",
        "/%zz",
    ],
)
def test_what_the_node_would_read_otherwise_never_gets_there(world: World, target: str) -> None:
    answer = raw(world, f"DELETE {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 400")


def test_a_hundred_megabytes_are_taken_and_more_are_not(world: World) -> None:
    head = [b"POST /_bulk HTTP/1.1", b"Host: x", b"Connection: close"]
    signed = signed_raw(world, "POST", "/_bulk", b"", **{"Content-Type": "application/json"})
    assert raw(world, b"\r\n".join([*signed, b"Content-Length: 104857601", b"", b""])).startswith(b"HTTP/1.1 413")
    assert raw(world, b"\r\n".join([*head, b"Content-Length: 104857601", b"", b""])).startswith(b"HTTP/1.1 403")
    person = [
        b"PUT /_dashboards/large/_doc/1 HTTP/1.1",
        *head[1:],
        f"Authorization: Bearer {world.person('bob')}".encode(),
    ]
    assert raw(world, b"\r\n".join([*person, b"Content-Length: 104857601", b"", b""])).startswith(b"HTTP/1.1 413")
    assert raw(world, b"\r\n".join([*person, b"Content-Length: 2", b"Expect: tea", b"", b"{}"])).startswith(
        b"HTTP/1.1 417"
    )
    largest = b"x" * (100 << 20)
    answer = world.master.post("/_analyze", data=largest, headers={"Content-Type": "application/json"})
    # All of it reached the node: what it does not like, or has no memory for, is what the node says.
    assert answer.status_code in (400, 413, 429)
    assert "error" in answer.json()


def test_a_header_too_long_for_the_node_harms_nobody_else(each_world: World) -> None:
    master = each_world.master
    for _ in range(5):
        for length in (3_900, 4_070, 4_090, 6_000, 20_000):
            assert master.get("/_search?q=" + "x" * length).status_code == (200 if length < 4_072 else 400)
        for length in (4_000, 6_000, 7_300, 8_150, 12_000, 20_000, 40_000):
            assert master.get("/", headers={"User-Agent": "x" * length}).status_code == (200 if length < 7_000 else 400)
        assert master.get("/", timeout=60).status_code == 200


def test_a_body_that_unpacks_to_more_than_the_node_takes_harms_nobody_else(each_world: World) -> None:
    master = each_world.master
    bomb = gzip.compress(b'{"a":"' + b"x" * (150 << 20) + b'"}', 1)
    sent = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    for _ in range(3):
        assert master.put("/bomb/_doc/1", data=bomb, headers=sent).status_code in (400, 413, 503)
        assert master.get("/", timeout=60).status_code == 200


def test_a_node_that_takes_too_long_is_a_504(world: World) -> None:
    assert world.master.put("/lonely", json={"settings": {"number_of_replicas": 1}}).status_code == 200
    answer = world.master.get("/_cluster/health/lonely?wait_for_status=green&timeout=60s")
    assert answer.status_code == 504
    assert world.master.delete("/lonely").status_code == 200


def test_a_node_that_is_down_is_a_503_until_it_is_up_again(world_2: World) -> None:
    assert world_2.master.get("/").status_code == 200
    world_2.node.stop()
    try:
        assert world_2.master.get("/").status_code == 503
        assert world_2.signed(world_2.user("ann")).get("/").status_code == 503
    finally:
        world_2.node.start_again()
    assert world_2.master.get("/").status_code == 200
