"""From a request to an answer: read, told who it is, judged, handed over, streamed back."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import aiohttp
import yarl
from aiohttp import web
from ministack.services import opensearch

from local.door import asked as asking
from local.door import callers, policy, repositories, sign_in, signature
from local.door.answers import Dropped, Refused, anonymous, basic, malformed, not_signed_in
from local.door.asked import Asked
from local.door.callers import ANONYMOUS, Caller
from local.door.hand_over import HandOver
from local.door.spec import Spec

log = logging.getLogger("portcullis.door")

DASHBOARDS = "/_dashboards"
LARGEST_BODY = 100 << 20
# Of what the client sends only this reaches the node: no x-proxy-*, x-forwarded-*, token or impersonation header; an authorization header
# of nobody whom the door itself has told who they are.
PASSED = (
    "accept",
    "accept-encoding",
    "content-type",
    "content-encoding",
    "user-agent",
    "x-opaque-id",
    "securitytenant",
    "osd-xsrf",
)
RETURNED_NOT = {
    "connection",
    "keep-alive",
    "transfer-encoding",
    "content-length",
    "www-authenticate",
    "server",
    "date",
    "set-cookie",
}
# The node's own limits in bytes (for headers 2.19.3's 8 KiB is the narrower; with a margin, as it counts its own way). Beyond them it
# answers 400 and no longer reads the connection, which the next caller would get: so nothing beyond them is sent.
LONGEST_LINE, LONGEST_HEADERS = 4096, 7168


class Door:
    """Handles requests of the low-level aiohttp server. `session` speaks to the node with the door's client certificate."""

    def __init__(self, spec: Spec, hand_over: HandOver, session: aiohttp.ClientSession) -> None:
        self._spec, self._hand_over, self._session = spec, hand_over, session

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Every request ends here, in an answer or in a closed connection."""
        try:
            asked, caller, body = await self._admitted(request)
            body = repositories.rewritten(asked, caller, body, self._spec)
            headers = self._headers(asked, caller, body)
        except Refused as refused:
            return _answer(refused)
        except Dropped:
            raise _closed(request) from None
        try:
            return await self._forward(request, asked, caller, body, headers)
        except TimeoutError:
            return _answer(Refused(504, {"message": "Endpoint request timed out"}))
        except aiohttp.ClientError as failed:
            log.warning("the node cannot be reached: %s", failed)
            return _answer(Refused(503, {"message": "Service Unavailable"}))

    async def _admitted(self, request: web.BaseRequest) -> tuple[Asked, Caller, list[bytes]]:
        """Who asks for what, once ingress, sign-in and policies let it in. Raises Refused, Dropped."""
        at_the_edge = asked = asking.read(request.method, request.raw_path, request.raw_headers, request.remote or "")
        domain = opensearch._domains.get_scoped(self._spec.account, self._spec.region, self._spec.domain)
        if not domain:
            raise Refused(503, {"message": f"There is no domain {self._spec.domain} yet."})
        caller: Caller | None = None
        refused: Refused | None = None
        body: list[bytes] = []
        try:
            if asked.path == DASHBOARDS or asked.path.startswith(DASHBOARDS + "/"):
                caller = _unsigned(asked, domain) or self._signed_in(asked, domain)
                asked = Asked(
                    asked.method, asked.path[len(DASHBOARDS) :] or "/", asked.query, asked.headers, asked.address
                )
                body, _ = await _body(request)
            else:
                caller = _unsigned(asked, domain)
                if caller:
                    body, _ = await _body(request)
                else:
                    caller, body = await self._signed(request, asked)
        except Refused as why:
            refused = why
        if self._spec.ingress:
            self._spec.ingress.check(caller, domain, self._spec.account, self._spec.region)
        if refused or caller is None:
            raise refused or anonymous(asked.action)
        # The path as it was sent, Dashboards' prefix included, and the node's own behind it: a Deny of either refuses.
        for judged in (asked,) if asked is at_the_edge else (at_the_edge, asked):
            policy.check(caller, judged, domain.get("AccessPolicies"), self._spec.domain_arn)
        return asked, caller, body

    def _signed_in(self, asked: Asked, domain: Mapping[str, Any]) -> Caller:
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise not_signed_in("sign in with Cognito.")
        return sign_in.caller(token.strip(), domain, self._spec.account, self._spec.region)

    async def _signed(self, request: web.BaseRequest, asked: Asked) -> tuple[Caller, list[bytes]]:
        authorization = asked.headers.get("authorization", "")
        if not authorization:
            raise anonymous(asked.action)
        if authorization.lower().startswith("basic"):
            raise basic()
        region = self._spec.region
        said = signature.read(asked, region, datetime.now(UTC))
        secret, caller = callers.find(said.access_key, said.session_token, self._spec.account, region)
        body, digest = await _body(request)
        signature.check(asked, said, secret, region, digest)
        return caller, body

    def _headers(self, asked: Asked, caller: Caller, body: list[bytes]) -> dict[str, str]:
        headers = {name: asked.headers[name] for name in PASSED if name in asked.headers}
        if repositories.lists(asked):  # an answer that the door reads, and may put differently
            headers.pop("accept-encoding", None)
        if caller is not ANONYMOUS:
            headers |= self._hand_over.headers(caller.name, caller.backend_roles)
        elif "authorization" in asked.headers:
            headers["authorization"] = asked.headers["authorization"]
        if body:
            headers["content-length"] = str(sum(map(len, body)))
        line = f"{asked.method} {asked.path}?{asked.query} HTTP/1.1"
        if len(line) > LONGEST_LINE:
            raise malformed(f"An HTTP line is larger than {LONGEST_LINE} bytes.")
        size = sum(len(f"{name}: {value}\r\n".encode()) for name, value in headers.items()) + len(line)
        if size + len(f"host: {self._spec.node_url}") > LONGEST_HEADERS:
            raise malformed(f"HTTP header is larger than {LONGEST_HEADERS} bytes.")
        return headers

    async def _forward(
        self, request: web.BaseRequest, asked: Asked, caller: Caller, body: list[bytes], headers: Mapping[str, str]
    ) -> web.StreamResponse:
        url = yarl.URL(self._spec.node_url + asked.path + (f"?{asked.query}" if asked.query else ""), encoded=True)
        began = False
        try:
            async with self._session.request(
                asked.method,
                url,
                data=_in_pieces(body) if body else None,
                headers=headers,
                allow_redirects=False,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            ) as answered:
                if answered.status == 401 and caller is ANONYMOUS:
                    return _answer(basic())
                if answered.status == 401:
                    log.error("the node did not accept what the door handed over")
                    return _answer(Refused(502, {"message": "Bad Gateway"}))
                if repositories.lists(asked):
                    content = repositories.shown(await answered.read())
                    return web.Response(
                        status=answered.status, reason=answered.reason, headers=_returned(answered), body=content
                    )
                back = _head(answered, request)
                began = True
                await back.prepare(request)
                if asked.method != "HEAD":
                    async for piece in answered.content.iter_any():
                        await back.write(piece)
                await back.write_eof()
                return back
        except (aiohttp.ClientError, TimeoutError) as failed:
            if not began:
                raise
            # Half an answer must not look like a whole one.
            log.warning("the node's answer broke off: %s", failed)
            raise _closed(request) from None


def _unsigned(asked: Asked, domain: Mapping[str, Any]) -> Caller | None:
    """Whoever comes with user name and password or with nothing, where the domain has an internal user database; None for all others."""
    options = domain.get("AdvancedSecurityOptions") or {}
    on = all(str(options.get(name)).lower() == "true" for name in ("Enabled", "InternalUserDatabaseEnabled"))
    scheme = asked.headers.get("authorization", "").partition(" ")[0].lower()
    return ANONYMOUS if on and scheme in ("", "basic") else None


def _closed(request: web.BaseRequest) -> asyncio.CancelledError:
    """Close the connection at once; raising what is returned tells the server that there is nothing to answer."""
    if request.transport is not None:
        request.transport.abort()
    return asyncio.CancelledError()


def _head(answered: aiohttp.ClientResponse, request: web.BaseRequest) -> web.StreamResponse:
    back = web.StreamResponse(status=answered.status, reason=answered.reason, headers=_returned(answered))
    length = answered.headers.get("Content-Length")
    if length is not None:
        back.content_length = int(length)
    elif request.method != "HEAD" and request.version >= aiohttp.HttpVersion11:
        back.enable_chunked_encoding()
    return back


def _returned(answered: aiohttp.ClientResponse) -> list[tuple[str, str]]:
    return [(name, value) for name, value in answered.headers.items() if name.lower() not in RETURNED_NOT]


async def _body(request: web.BaseRequest) -> tuple[list[bytes], str]:
    """The body as sent, in the pieces it came in, and its hash. Raises Refused (413, 400, 417)."""
    expected = request.headers.get("Expect", "").lower()
    if expected and expected != "100-continue":
        raise Refused(417, {"message": "Expectation Failed"})
    too_large = Refused(413, {"message": "Request size exceeded 104857600 bytes"})
    if (request.content_length or 0) > LARGEST_BODY:
        raise too_large
    if expected and request.can_read_body:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    pieces, size, digest = [], 0, hashlib.sha256()
    try:
        async for piece in request.content.iter_any():
            size += len(piece)
            if size > LARGEST_BODY:
                raise too_large
            digest.update(piece)
            pieces.append(piece)
    except (aiohttp.ClientError, web.RequestPayloadError) as broken:
        raise malformed("the body broke off") from broken
    return pieces, digest.hexdigest()


async def _in_pieces(body: list[bytes]) -> AsyncIterator[bytes]:
    for piece in body:
        yield piece


def _answer(refused: Refused) -> web.Response:
    # A message may quote the request, which may hold anything: JSON keeps it one line and one value.
    text = refused.body if isinstance(refused.body, str) else json.dumps(refused.body)
    kind = "text/plain" if isinstance(refused.body, str) else "application/json"
    safe = {name: re.sub(r"[\r\n]", " ", value) for name, value in refused.headers.items()}
    return web.Response(status=refused.status, text=text, content_type=kind, headers=safe)
