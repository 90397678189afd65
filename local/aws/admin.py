"""The admin route of the emulator: faults on demand, firing a scheduled rule now, moving the domain's endpoint.

Why: tests and the demo have to make the world misbehave and cannot wait for a clock. It listens where the emulator listens
(loopback) under /_portcullis/, and wants a token that only the starter has, so no web page and no other user can call it.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Callable
from typing import Any

Verb = Callable[..., Any]
VERBS: dict[str, Verb] = {}
PREFIX = "/_portcullis/"


def verb(name: str) -> Callable[[Verb], Verb]:
    def register(function: Verb) -> Verb:
        VERBS[name] = function
        return function

    return register


def guarded(token: str) -> Any:
    """MiniStack's application with the admin route in front."""
    from ministack import app as ministack

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await ministack.app(scope, receive, send)
            return
        status, body = await _handle(scope, receive, token)
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]}
        )
        await send({"type": "http.response.body", "body": json.dumps(body, default=str).encode()})

    return app


async def _handle(scope: Any, receive: Any, token: str) -> tuple[int, Any]:
    given = dict(scope["headers"]).get(b"x-portcullis-admin", b"")
    if not hmac.compare_digest(given, token.encode()):
        return 403, "the admin token is missing or wrong"
    function = VERBS.get(scope["path"].removeprefix(PREFIX))
    if function is None or scope["method"] != "POST":
        return 404, f"no such verb; there are: {', '.join(sorted(VERBS))}"
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    try:
        return 200, await asyncio.to_thread(function, **json.loads(body or b"{}"))
    except (TypeError, ValueError, KeyError) as wrong:
        return 400, f"{type(wrong).__name__}: {wrong}"
