"""A search domain through its security API: OpenSearch, and Elasticsearch 6.x and 7.x as Amazon runs it.

The dialect (paths and shapes) is detected once a connection; everything above this adapter sees the common form only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from portcullis.access.config import Held, Json, Kind
from portcullis.access.dialects import Dialect, detect, from_engine
from portcullis.correlation import correlation
from portcullis.errors import Conflict, Refused, Unreachable
from portcullis.operations.ports import Principal

# The security index and the other system indices: never blocked by us, never touched with a wildcard.
_USER_INDICES = "*,-.*"
_BLOCKS = ("index.blocks.read", "index.blocks.write")
_ALL_KINDS = tuple(Kind)


class OpenSearchEngine:
    """The Engine protocol. `transport(method, path, params, body) -> (status, parsed body)` is the signed connection."""

    def __init__(
        self, transport: Callable[[str, str, Mapping[str, str] | None, Any], tuple[int, Any]], name: str
    ) -> None:
        self._transport, self._name = transport, name
        self._dialect: Dialect | None = None

    @property
    def dialect(self) -> Dialect:
        if self._dialect is None:
            self._dialect = detect(self._ask("GET", "/"))
        return self._dialect

    # ------------------------------------------------------------------ the security config

    def read(self, kinds: Sequence[Kind] | None = None) -> Held:
        """What the engine holds now, in the common form. One GET a kind."""
        return Held({kind: self._collection(kind) for kind in kinds or _ALL_KINDS})

    def _collection(self, kind: Kind) -> dict[str, Json]:
        path = self.dialect.path(kind)
        if path is None:
            return {}  # a kind this dialect does not have (tenants in 6.x)
        documents = self._ask("GET", path)
        return {name: from_engine(kind, document, self.dialect)[0] for name, document in documents.items()}

    def patch(self, kind: Kind, operations: Sequence[Json]) -> bool:
        """One collection PATCH: all of it or nothing. True if the engine changed anything.

        Conflict: somebody else wrote in between (409, or a length guard failed): read again and recompute.
        Refused: the engine will never take this (reserved, invalid). Unreachable: it may or may not have been written.
        """
        if not operations:
            return False
        path = self.dialect.path(kind)
        if path is None:
            raise Refused(f"{self._name} has no {kind.value}")
        status, body = self._transport("PATCH", path, None, list(operations))
        if status == 200:
            return "No updates required" not in str(_message(body))
        self._raise(status, body, f"PATCH {path}")
        raise AssertionError("unreachable")

    def who_am_i(self) -> Principal:
        info = self._ask("GET", self.dialect.authinfo)
        return Principal(str(info["user_name"]), tuple(info.get("backend_roles", ())), tuple(info.get("roles", ())))

    # ------------------------------------------------------------------ index blocks

    def user_indices(self) -> tuple[str, ...]:
        return tuple(sorted(self._settings()))

    def blocked_indices(self) -> Mapping[str, bool]:
        """User index -> whether both blocks are on."""
        return {
            index: all(str(settings.get("settings", {}).get(block, "false")).lower() == "true" for block in _BLOCKS)
            for index, settings in self._settings().items()
        }

    def block_indices(self, *, blocked: bool) -> None:
        """Put both blocks on every user index, or take them off."""
        value = "true" if blocked else None  # null takes the setting away: as it was before us
        path, params = f"/{_USER_INDICES}/_settings", {"expand_wildcards": "all", "ignore_unavailable": "true"}
        status, body = self._transport("PUT", path, params, dict.fromkeys(_BLOCKS, value))
        if status == 404:
            return  # there is no user index: nothing to block
        if status != 200:
            self._raise(status, body, f"PUT {path}")

    def _settings(self) -> dict[str, Json]:
        params = {"expand_wildcards": "all", "flat_settings": "true", "ignore_unavailable": "true"}
        status, body = self._transport("GET", f"/{_USER_INDICES}/_settings", params, None)
        if status == 404:
            return {}
        if status != 200:
            self._raise(status, body, "GET _settings")
        settings: dict[str, Json] = body
        return settings

    # ------------------------------------------------------------------ asking

    def search(self, index: str, body: Json | None = None) -> tuple[int, Any]:
        """A search as whoever this connection is: status and answer. What the proof of a lock asks with."""
        return self._transport("POST", f"/{index}/_search", None, body or {"size": 0})

    def _ask(self, method: str, path: str) -> Any:
        status, body = self._transport(method, path, None, None)
        if status != 200:
            self._raise(status, body, f"{method} {path}")
        return body

    def _raise(self, status: int, body: Any, request: str) -> None:
        said = f"{self._name}: {request} answered {status}: {_message(body)}"
        if (
            status == 409
            or (status == 400 and "out of bounds" in said)
            or (status == 500 and "version conflict" in said)
        ):
            raise Conflict(said)
        if status in (408, 429) or status >= 500:
            raise Unreachable(said)
        raise Refused(said)


def signed_transport(
    endpoint: str, session: Any, region: str, *, ca: str | None = None, timeout: float = 30
) -> Callable[[str, str, Mapping[str, str] | None, Any], tuple[int, Any]]:
    """A transport over TLS, signed (SigV4, service `es`) with the session's credentials as they renew themselves.

    `endpoint` is host or host:port. `ca` is a bundle to trust instead of the system's.
    """
    from opensearchpy import OpenSearch, RequestsHttpConnection
    from opensearchpy.exceptions import ConnectionError as NoConnection
    from opensearchpy.exceptions import TransportError
    from requests_aws4auth import AWS4Auth

    host, _, port = endpoint.partition(":")
    client = OpenSearch(
        hosts=[{"host": host, "port": int(port or 443)}],
        http_auth=AWS4Auth(refreshable_credentials=session.get_credentials(), region=region, service="es"),
        use_ssl=True,
        verify_certs=True,
        ca_certs=ca,
        connection_class=RequestsHttpConnection,
        timeout=timeout,
        max_retries=0,
    )

    def send(method: str, path: str, params: Mapping[str, str] | None, body: Any) -> tuple[int, Any]:
        try:
            headers = {"x-opaque-id": correlation()} if correlation() else None
            return 200, client.transport.perform_request(method, path, headers=headers, params=dict(params or {}), body=body)
        except NoConnection as error:
            raise Unreachable(f"{endpoint} did not answer: {type(error).__name__}") from error
        except TransportError as error:
            if not isinstance(error.status_code, int):
                raise Unreachable(f"{endpoint} did not answer: {error.status_code}") from error
            return error.status_code, error.info

    return send


def _message(body: Any) -> str:
    """The engine's own words, shortened; never more than a line."""
    if isinstance(body, dict):
        error = body.get("error")
        reason = error.get("reason") if isinstance(error, dict) else error
        body = body.get("message") or body.get("Message") or reason or json.dumps(body, default=str)
    return " ".join(str(body).split())[:500]
