"""What the door does with requests and answers, between it and a real node, and a made-up one where no real one would do."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import re
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import requests
from aiohttp import web
from aiohttp.test_utils import RawTestServer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from local.door import asked as asking
from local.door import proxy
from local.door.answers import Refused
from local.door.asked import Asked
from local.door.callers import Caller
from local.door.hand_over import HandOver
from local.door.spec import Spec
from tests.local.fixtures_door import World

pytest_plugins = ["tests.local.fixtures_door"]

real = [pytest.mark.node, pytest.mark.aws]


def marked(function: Any) -> Any:
    for mark in real:
        function = mark(function)
    return function


# ------------------------------------------------------------------ a real node
@marked
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


@marked
def test_head_has_a_length_and_no_body(world: World) -> None:
    assert world.master.put("/headed").status_code == 200
    there, gone = world.master.head("/headed"), world.master.head("/not-there")
    assert (there.status_code, there.content, gone.status_code) == (200, b"", 404)
    assert int(there.headers["Content-Length"]) > 0
    assert world.master.get("/").status_code == 200, "the connection is still in step"


@marked
def test_a_connection_is_kept(world: World) -> None:
    session = world.master
    session.get("/")
    pools = session.get_adapter(world.url).poolmanager.pools  # type: ignore[attr-defined]
    pool = pools[next(iter(pools.keys()))]
    before = pool.num_connections
    for _ in range(20):
        assert session.get("/").status_code == 200
    assert pool.num_connections == before


@marked
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


@marked
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


@marked
def test_a_second_request_hidden_in_a_body_is_a_body(world: World) -> None:
    hidden = b"GET /_plugins/_security/authinfo HTTP/1.1\r\nHost: x\r\n\r\n"
    head = signed_raw(world, "POST", "/_search", hidden, **{"Content-Type": "application/json"})
    answers = raw(world, b"\r\n".join([*head, f"Content-Length: {len(hidden)}".encode(), b"", hidden]))
    assert answers.count(b"HTTP/1.1 ") == 1
    assert answers.startswith(b"HTTP/1.1 400"), "the node calls it bad JSON"


@marked
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


@marked
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


@marked
def test_a_hundred_megabytes_are_taken_and_more_are_not(world: World) -> None:
    head = [b"POST /_bulk HTTP/1.1", b"Host: x", b"Connection: close"]
    signed = signed_raw(world, "POST", "/_bulk", b"", **{"Content-Type": "application/json"})
    assert raw(world, b"\r\n".join([*signed, b"Content-Length: 104857601", b"", b""])).startswith(b"HTTP/1.1 413")
    assert raw(world, b"\r\n".join([*head, b"Content-Length: 104857601", b"", b""])).startswith(b"HTTP/1.1 403")
    largest = b"x" * (100 << 20)
    answer = world.master.post("/_analyze", data=largest, headers={"Content-Type": "application/json"})
    # All of it reached the node: what it does not like, or has no memory for, is what the node says.
    assert answer.status_code in (400, 413, 429)
    assert "error" in answer.json()


@marked
def test_a_header_too_long_for_the_node_harms_nobody_else(each_world: World) -> None:
    master = each_world.master
    for _ in range(5):
        for length in (3_900, 4_070, 4_090, 6_000, 20_000):
            assert master.get("/_search?q=" + "x" * length).status_code == (200 if length < 4_072 else 400)
        for length in (4_000, 6_000, 7_300, 8_150, 12_000, 20_000, 40_000):
            assert master.get("/", headers={"User-Agent": "x" * length}).status_code == (200 if length < 7_000 else 400)
        assert master.get("/", timeout=5).status_code == 200


@marked
def test_a_body_that_unpacks_to_more_than_the_node_takes_harms_nobody_else(each_world: World) -> None:
    master = each_world.master
    bomb = gzip.compress(b'{"a":"' + b"x" * (150 << 20) + b'"}', 1)
    sent = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    for _ in range(3):
        assert master.put("/bomb/_doc/1", data=bomb, headers=sent).status_code in (400, 413, 503)
        assert master.get("/", timeout=5).status_code == 200


@marked
def test_a_node_that_takes_too_long_is_a_504(world: World) -> None:
    assert world.master.put("/lonely", json={"settings": {"number_of_replicas": 1}}).status_code == 200
    began = time.monotonic()
    answer = world.master.get("/_cluster/health/lonely?wait_for_status=green&timeout=30s")
    assert answer.status_code == 504
    assert time.monotonic() - began < 20
    assert world.master.delete("/lonely").status_code == 200


@marked
def test_a_node_that_is_down_is_a_503_until_it_is_up_again(world_2: World) -> None:
    assert world_2.master.get("/").status_code == 200
    world_2.node.stop()
    try:
        assert world_2.master.get("/").status_code == 503
        assert world_2.signed(world_2.user("ann")).get("/").status_code == 503
    finally:
        world_2.node.start_again()
    assert world_2.master.get("/").status_code == 200


# ------------------------------------------------------------------ a made-up node
class Admitting(proxy.Door):
    """Lets everyone in as the same caller: here it is about what happens afterwards."""

    async def _admitted(self, request: web.BaseRequest) -> tuple[Asked, Caller, list[bytes]]:
        asked = asking.read(request.method, request.raw_path, request.raw_headers, "127.0.0.1")
        body, _ = await proxy._body(request)
        return asked, Caller("ann", ("role",), None), body  # type: ignore[arg-type]


@pytest.fixture
def key(tmp_path: Path) -> Path:
    made = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "key.pem").write_bytes(made)
    return tmp_path / "key.pem"


Node = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def through(
    key: Path, node: Node, ask: Callable[[aiohttp.ClientSession, str], Awaitable[Any]], timeout: float = 5
) -> Any:
    """Run `ask(session, url)` against a door with this node behind it."""

    async def run() -> Any:
        behind = await asyncio.start_server(node, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{behind.sockets[0].getsockname()[1]}"
        spec = Spec(0, "logs", "r", "a", url, key, key, key, key.parent, key, None, timeout)
        back = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, sock_read=timeout), auto_decompress=False
        )
        async with behind, back as session:
            door = Admitting(spec, HandOver(key), session)
            async with RawTestServer(door.handle) as front, aiohttp.ClientSession() as client:
                return await ask(client, str(front.make_url("/")).rstrip("/"))

    return asyncio.run(run())


def saying(*pieces: bytes, heard: list[bytes] | None = None, hold: float = 0) -> Node:
    async def node(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if heard is not None:
            heard.append(head)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        await asyncio.sleep(hold)
        writer.close()

    return node


async def status(session: aiohttp.ClientSession, url: str) -> int:
    async with session.get(url + "/_search") as answer:
        await answer.read()
        return answer.status


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def test_only_what_is_known_reaches_the_node(key: Path) -> None:
    heard: list[bytes] = []
    sent = {
        "Authorization": "AWS4-HMAC-SHA256 x",
        "X-Door-Token": "theirs",
        "X_Door_Token": "theirs",
        "x-proxy-user": "theirs",
        "x-proxy-roles": "theirs",
        "X-Forwarded-For": "theirs",
        "Forwarded": "for=theirs",
        "X-Real-IP": "theirs",
        "opendistro_security_impersonate_as": "theirs",
        "Cookie": "theirs",
        "Proxy-Authorization": "theirs",
        "X-Opaque-Id": "mine",
        "Content-Type": "application/json",
        "Accept": "application/json",
        "securitytenant": "global",
    }

    async def ask(session: aiohttp.ClientSession, url: str) -> int:
        async with session.get(url + "/i/_doc/a%2Fb?q=%C3%A4+b", headers=sent) as answer:
            return answer.status

    assert through(key, saying(OK, heard=heard), ask) == 200
    line, *lines = heard[0].decode().strip().split("\r\n")
    names = [one.partition(":")[0].lower() for one in lines]
    assert line == "GET /i/_doc/a%2Fb?q=%C3%A4+b HTTP/1.1"
    assert "theirs" not in heard[0].decode()
    assert sorted(names) == sorted(
        [
            "host",
            "accept",
            "accept-encoding",
            "content-type",
            "user-agent",
            "x-opaque-id",
            "securitytenant",
            "x-door-token",
        ]
    )


def test_what_the_node_packed_stays_packed(key: Path) -> None:
    packed = gzip.compress(b'{"a":1}')
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nX-OpenSearch: 1\r\nContent-Length: %d\r\n\r\n"

    async def ask(session: aiohttp.ClientSession, url: str) -> tuple[bytes, dict[str, str]]:
        async with session.get(url + "/", auto_decompress=False) as answer:
            return await answer.read(), dict(answer.headers)

    body, headers = through(key, saying(head % len(packed), packed), ask)
    assert body == packed
    said = [headers[name] for name in ("Content-Type", "Content-Encoding", "X-OpenSearch", "Content-Length")]
    assert said == ["application/json", "gzip", "1", str(len(packed))]


def test_silence_is_a_504_and_a_closed_door_a_503(key: Path) -> None:
    assert through(key, saying(hold=5), status, timeout=0.2) == 504
    assert through(key, saying(), status) == 503
    assert through(key, saying(b"HTTP/1.1 banana\r\n\r\n"), status) == 503


def test_a_node_that_does_not_believe_the_door_is_no_affair_of_the_callers(key: Path) -> None:
    assert (
        through(
            key, saying(b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"), status
        )
        == 502
    )


@pytest.mark.parametrize(
    "half",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b",
    ],
)
@pytest.mark.parametrize("hold", [0, 3])
def test_half_an_answer_never_looks_like_a_whole_one(key: Path, half: bytes, hold: float) -> None:
    with pytest.raises(aiohttp.ClientError):
        through(key, saying(half, hold=hold), status, timeout=0.3)


def test_an_answer_is_passed_on_as_it_comes(key: Path) -> None:
    first = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"

    async def ask(session: aiohttp.ClientSession, url: str) -> bytes:
        async with session.get(url + "/_search") as answer:
            return await asyncio.wait_for(answer.content.readexactly(5), 2)

    assert through(key, saying(first, hold=4), ask) == b"first"


# ------------------------------------------------------------------ the hand-over by itself
@pytest.mark.parametrize(
    "name", ["", " ann", "ann ", "ann\n", "\u00a0ann", "a\nb", "a\x00b", "a\ud800b", "x" * 5000, "ü" * 1000]
)
def test_a_name_that_would_become_another_is_not_handed_over(key: Path, name: str) -> None:
    for who in ((name, ("role",)), ("ann", (name,))):
        with pytest.raises(Refused) as refused:
            HandOver(key).headers(*who)
        assert refused.value.status == 403


def test_a_token_is_kept_for_its_caller_only_and_not_for_long(key: Path) -> None:
    now = [1000.0]
    hand_over = HandOver(key, clock=lambda: now[0])
    ann, bob, ann_as_bob = (
        hand_over.headers(*who) for who in (("ann", ("r",)), ("bob", ("r",)), ("ann", ("r", "bob")))
    )
    assert hand_over.headers("ann", ("r",)) == ann
    assert len({json.dumps(one) for one in (ann, bob, ann_as_bob)}) == 3
    now[0] += 31
    assert hand_over.headers("ann", ("r",)) != ann
