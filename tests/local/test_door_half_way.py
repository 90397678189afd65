"""What the door makes of a node that a real one would not play: silent, broken off, disbelieving; and what it hands over."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
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


def test_an_old_client_gets_an_answer_without_a_length_too(key: Path) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\n\r\n"

    async def ask(_session: aiohttp.ClientSession, url: str) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(b"GET / HTTP/1.0\r\nHost: x\r\n\r\n")
        answer = await reader.read()
        writer.close()
        return answer

    assert through(key, saying(chunked), ask).endswith(b"\r\n\r\nfirst")


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
