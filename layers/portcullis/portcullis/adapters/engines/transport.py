"""Connections to an engine: signed as an IAM principal, with the name and password of a user it keeps, or with an API key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from tempfile import NamedTemporaryFile
from threading import Lock
from typing import Any

from portcullis.correlation import correlation
from portcullis.errors import Unreachable
from portcullis.ports.identity import ApiKey, Credential

_UNKNOWN = 401  # who is asking
_WITHIN_S = 30  # that an engine answers
# (method, path, query parameters, body) -> (status, parsed answer); 200 stands for every success.
Transport = Callable[[str, str, Mapping[str, str] | None, Any], tuple[int, Any]]


def signed_transport(endpoint: str, session: Any, region: str, *, ca: str | None = None) -> Transport:
    """Signed (SigV4, service `es`) with the session's credentials as they renew themselves.

    `endpoint` is host or host:port. `ca` is a bundle to trust instead of the system's.
    """
    return _transport(endpoint, signing(session, region), ca)


def signing(session: Any, region: str) -> Any:
    """What signs requests, of several threads too: AWS4Auth keeps key, token and signing key one after another in itself, so one thread at
    a time, or a renewal of the credentials in between would sign with parts of both."""
    from requests_aws4auth import AWS4Auth

    lock = Lock()

    class OneAtATime(AWS4Auth):  # type: ignore[misc]
        def __call__(self, request: Any) -> Any:
            with lock:
                return super().__call__(request)

    return OneAtATime(refreshable_credentials=session.get_credentials(), region=region, service="es")


def basic_transport(endpoint: str, user: str, password: str, *, ca: str | None = None) -> Transport:
    """As a user of the internal user database: only where the master is one."""
    return _transport(endpoint, (user, password), ca)


def api_key_transport(endpoint: str, encoded: str, *, ca: str | None = None) -> Transport:
    """With an API key of Elasticsearch, in the encoded form that its making answered."""
    from requests.auth import AuthBase

    class WithKey(AuthBase):
        def __call__(self, request: Any) -> Any:
            request.headers["authorization"] = f"ApiKey {encoded}"
            return request

    return _transport(endpoint, WithKey(), ca)


@cache
def ca_file(pem: str) -> str:
    """A file that holds these certificates, made once a process: what verifies reads a file."""
    with NamedTemporaryFile("w", encoding="ascii", prefix="portcullis-ca-", suffix=".pem", delete=False) as file:
        file.write(pem)
    return file.name


def credential_transport(endpoint: str, credential: Callable[[], Credential], *, ca: str | None = None) -> Transport:
    """With what `credential` gives: asked at the first request, and again when the engine does not know it any more (401), since it
    may have been rotated. The request is sent once more only with another credential than before."""
    lock = Lock()
    known: tuple[Credential, Transport] | None = None

    def connected(refused: Credential | None = None) -> tuple[Credential, Transport]:
        """The connection in use; in place of one that was refused, one with what the secret holds now."""
        nonlocal known
        with lock:
            if known is None or known[0] == refused:
                now = credential()
                if known is None or now != known[0]:
                    known = now, speaking_as(now)
            return known

    def speaking_as(who: Credential) -> Transport:
        if isinstance(who, ApiKey):
            return api_key_transport(endpoint, who.encoded, ca=ca)
        return basic_transport(endpoint, who.user, who.password, ca=ca)

    def send(method: str, path: str, params: Mapping[str, str] | None, body: Any) -> tuple[int, Any]:
        used, transport = connected()
        answer = transport(method, path, params, body)
        if answer[0] != _UNKNOWN:
            return answer
        now, transport = connected(used)
        return answer if now == used else transport(method, path, params, body)

    return send


def _transport(endpoint: str, auth: Any, ca: str | None) -> Transport:
    from opensearchpy import OpenSearch, RequestsHttpConnection
    from opensearchpy.exceptions import ConnectionError as NoConnection
    from opensearchpy.exceptions import TransportError
    from requests.utils import get_environ_proxies

    class Connection(RequestsHttpConnection):
        """Where a CA is given it is the only one: the environment (REQUESTS_CA_BUNDLE) would take its place. Its proxies count still."""

        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            if ca is not None:
                self.session.trust_env = False
                self.session.proxies = get_environ_proxies(self.base_url)

    host, _, port = endpoint.partition(":")
    client = OpenSearch(
        hosts=[{"host": host, "port": int(port or 443)}],
        http_auth=auth,
        use_ssl=True,
        verify_certs=True,
        ca_certs=ca,
        connection_class=Connection,
        timeout=_WITHIN_S,
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
