"""Starts the door as a thread of the emulated AWS: `start_in_thread(spec)`."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import socket
import ssl
import threading
from collections.abc import Mapping
from typing import Any

import aiohttp
import trustme
from aiohttp import web
from portcullis.errors import BadInput

from local.door.hand_over import HandOver
from local.door.proxy import Door
from local.door.spec import SOURCE, Spec

HOST = "127.0.0.1"
CA = "door-ca.pem"
UP_WITHIN_S = 30


def start_in_thread(spec: Mapping[str, Any]) -> str:
    """Start, wait until it listens, return `localhost:<port>`, which the certificate names (127.0.0.1 too).

    The CA to verify it with is then in `home`/door-ca.pem: new at each start of the process, one for all of its doors. Raises BadInput
    for a spec that cannot be read or a port that is taken.
    """
    read = Spec.read(spec)
    listener = _listen(read.port)
    up: concurrent.futures.Future[None] = concurrent.futures.Future()

    def run() -> None:
        try:
            asyncio.run(_serve(read, listener, up))
        except BaseException as failed:
            if up.done():
                raise
            up.set_exception(failed)

    threading.Thread(target=run, daemon=True, name="door").start()
    up.result(UP_WITHIN_S)
    return f"localhost:{listener.getsockname()[1]}"


async def _serve(spec: Spec, listener: socket.socket, up: concurrent.futures.Future[None]) -> None:
    authority = _authority()
    front = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    endpoint = f"{spec.domain}.{spec.region}.es.localhost"
    authority.issue_cert("localhost", HOST, f"search-{endpoint}", f"vpc-{endpoint}").configure_cert(front)
    back = ssl.create_default_context(cafile=str(spec.node_ca))
    back.load_cert_chain(spec.node_client_cert, spec.node_client_key)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=back, limit=256, keepalive_timeout=30),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=spec.timeout_s),
        auto_decompress=False,  # what the node compressed stays so
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    ) as session:
        door = Door(spec, HandOver(spec.jwt_key), session)
        # auto_decompress=False: the signature is over the body as sent.
        server = web.Server(
            door.handle,
            auto_decompress=False,
            max_line_size=16 << 10,
            max_field_size=32 << 10,
            access_log=None,
            lingering_time=2.0,
        )
        runner = web.ServerRunner(server)
        await runner.setup()
        await web.SockSite(runner, listener, ssl_context=front).start()
        authority.cert_pem.write_to_path(str(spec.home / CA))
        up.set_result(None)
        await asyncio.Event().wait()


@functools.cache
def _authority() -> trustme.CA:
    """One for all doors of this process: whoever calls several domains is told one CA, as of Amazon's."""
    return trustme.CA()


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as taken:
        listener.close()
        raise BadInput(
            f"port {port} on {HOST} cannot be used: {taken.strerror}",
            source=SOURCE,
            place="port",
            remedy="end what listens there, or give 0 to take a free one",
        ) from taken
    return listener
