"""Connections to an engine: signed as an IAM principal, with the name and password of a user it keeps, or with an API key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from portcullis.correlation import correlation
from portcullis.errors import Unreachable

# (method, path, query parameters, body) -> (status, parsed answer); 200 stands for every success.
Transport = Callable[[str, str, Mapping[str, str] | None, Any], tuple[int, Any]]


def signed_transport(
    endpoint: str, session: Any, region: str, *, ca: str | None = None, timeout: float = 30
) -> Transport:
    """Signed (SigV4, service `es`) with the session's credentials as they renew themselves.

    `endpoint` is host or host:port. `ca` is a bundle to trust instead of the system's.
    """
    from requests_aws4auth import AWS4Auth

    auth = AWS4Auth(refreshable_credentials=session.get_credentials(), region=region, service="es")
    return _transport(endpoint, auth, ca, timeout)


def basic_transport(
    endpoint: str, user: str, password: str, *, ca: str | None = None, timeout: float = 30
) -> Transport:
    """As a user of the internal user database: only where the master is one."""
    return _transport(endpoint, (user, password), ca, timeout)


def api_key_transport(endpoint: str, encoded: str, *, ca: str | None = None, timeout: float = 30) -> Transport:
    """With an API key of Elasticsearch, in the encoded form that its making answered."""
    from requests.auth import AuthBase

    class WithKey(AuthBase):
        def __call__(self, request: Any) -> Any:
            request.headers["authorization"] = f"ApiKey {encoded}"
            return request

    return _transport(endpoint, WithKey(), ca, timeout)


def _transport(endpoint: str, auth: Any, ca: str | None, timeout: float) -> Transport:
    from opensearchpy import OpenSearch, RequestsHttpConnection
    from opensearchpy.exceptions import ConnectionError as NoConnection
    from opensearchpy.exceptions import TransportError

    host, _, port = endpoint.partition(":")
    client = OpenSearch(
        hosts=[{"host": host, "port": int(port or 443)}],
        http_auth=auth,
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
            return 200, client.transport.perform_request(
                method, path, headers=headers, params=dict(params or {}), body=body
            )
        except NoConnection as error:
            raise Unreachable(f"{endpoint} did not answer: {type(error).__name__}") from error
        except TransportError as error:
            if not isinstance(error.status_code, int):
                raise Unreachable(f"{endpoint} did not answer: {error.status_code}") from error
            return error.status_code, error.info

    return send
